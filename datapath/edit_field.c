/* edit_field.c: OpenFlow's set-field, a field of the frame and of its key at once. */
#include "datapath/bridge.h"
#include "datapath/edit_internal.h"
#include "datapath/parse.h"

/* The new value of the field: the bits of mask from op, the others as they are. */
static void blend(const struct flow_key *k, const struct op *op, uint8_t out[16])
{
    const uint8_t *slot = flow_slot_const(k, op->field);
    for (unsigned i = 0; i < flow_fields[op->field].bytes; i++)
        out[i] = (uint8_t)((slot[i] & ~op->mask[i]) | (op->value[i] & op->mask[i]));
}

static void keep(struct pkt *p, const struct op *op, const uint8_t *value)
{
    memcpy(flow_slot(&p->key, op->field), value, flow_fields[op->field].bytes);
}

static uint8_t *at(struct rte_mbuf *m, size_t off)
{
    return rte_pktmbuf_mtod_offset(m, uint8_t *, off);
}

/* ------------------------------------------------------------ Ethernet, tags, labels */

static bool set_eth(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    switch (op->field) {
    case FF_ETH_DST:
        memcpy(at(m, 0), v, 6);
        break;
    case FF_ETH_SRC:
        memcpy(at(m, 6), v, 6);
        break;
    default: /* the type; what follows is now something else */
        if (p->key.eth_type == to_be16(TYPE_LLC) || get16(v) < TYPE_8023_MIN)
            return false;
        memcpy(at(m, p->l3_off - 2u), v, 2);
        parse(m);
        return true;
    }
    keep(p, op, v);
    return true;
}

static bool set_vlan(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    if (!(p->flags & PKT_VLAN))
        return false;
    uint8_t *tci = at(m, 14);
    if (op->field == FF_VLAN_VID) {
        put16(tci, (uint16_t)((get16(tci) & 0xf000) | (get16(v) & 0xfff)));
        p->key.vlan_vid = to_be16((get16(v) & 0xfff) | FLOW_VID_PRESENT);
    } else {
        tci[0] = (uint8_t)((tci[0] & 0x1f) | v[0] << 5);
        p->key.vlan_pcp = v[0] & 7;
    }
    return true;
}

static bool set_mpls(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    if (p->mpls_off == 0)
        return false;
    uint8_t *e = at(m, p->mpls_off);
    if (op->field == FF_MPLS_LABEL) {
        uint32_t label = ((uint32_t)v[1] << 16 | get16(v + 2)) & 0xfffff;
        e[0] = (uint8_t)(label >> 12);
        e[1] = (uint8_t)(label >> 4);
        e[2] = (uint8_t)((e[2] & 0xf) | label << 4);
        p->key.mpls_label = to_be32(label);
    } else if (op->field == FF_MPLS_TC) {
        p->key.mpls_tc = v[0] & 7;
        e[2] = (uint8_t)((e[2] & 0xf1) | p->key.mpls_tc << 1);
    } else {
        p->key.mpls_bos = v[0] & 1;
        e[2] = (uint8_t)((e[2] & 0xfe) | p->key.mpls_bos);
    }
    return true;
}

static bool set_pbb(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    if (p->key.eth_type != to_be16(TYPE_PBB) || p->l3_off + 4u > m->data_len)
        return false;
    memcpy(at(m, p->l3_off + 1u), v, 3);
    keep(p, op, v);
    return true;
}

/* ------------------------------------------------------------ ARP */

static bool set_arp(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    static const uint8_t offset[FF_COUNT] = {
        [FF_ARP_OP] = 6, [FF_ARP_SHA] = 8, [FF_ARP_SPA] = 14, [FF_ARP_THA] = 18, [FF_ARP_TPA] = 24};
    struct pkt *p = pkt_of(m);
    uint8_t *arp = ip_of(m, TYPE_ARP);
    if (arp == NULL)
        return false;
    memcpy(arp + offset[op->field], v, flow_fields[op->field].bytes);
    keep(p, op, v);
    return true;
}

/* ------------------------------------------------------------ IP */

/* DSCP and ECN share a byte, which IPv6 has across two. */
static bool set_tos(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    uint8_t dscp = op->field == FF_IP_DSCP ? v[0] & 63 : p->key.ip_dscp;
    uint8_t ecn = op->field == FF_IP_ECN ? v[0] & 3 : p->key.ip_ecn;
    uint8_t tos = (uint8_t)(dscp << 2 | ecn), *ip = ip_of(m, TYPE_IPV4);
    if (ip != NULL) {
        edit_ipv4(ip, ip, (const uint8_t[2]){ip[0], tos}, 2);
    } else if ((ip = ip_of(m, TYPE_IPV6)) != NULL) {
        ip[0] = (uint8_t)(0x60 | tos >> 4);
        ip[1] = (uint8_t)((ip[1] & 15) | tos << 4);
    } else {
        return false;
    }
    p->key.ip_dscp = dscp;
    p->key.ip_ecn = ecn;
    return true;
}

static bool set_proto(struct rte_mbuf *m, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    uint8_t *ip = ip_of(m, TYPE_IPV4);
    struct ip6_chain c;
    if (ip != NULL)
        edit_ipv4(ip, ip + 8, (const uint8_t[2]){ip[8], v[0]}, 2);
    else if (ip_of(m, TYPE_IPV6) != NULL && ip6_walk(at(m, 0), p->l3_off, m->data_len, &c))
        *at(m, c.proto_at) = v[0];
    else
        return false;
    parse(m);
    return true;
}

static bool set_ttl(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    uint8_t *ip = ip_of(m, TYPE_IPV4);
    if (ip != NULL)
        edit_ipv4(ip, ip + 8, (const uint8_t[2]){v[0], ip[9]}, 2);
    else if ((ip = ip_of(m, TYPE_IPV6)) != NULL)
        ip[7] = v[0];
    else
        return false;
    keep(pkt_of(m), op, v);
    return true;
}

static bool set_ipv4(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    uint8_t *ip = ip_of(m, TYPE_IPV4);
    if (ip == NULL)
        return false;
    uint8_t *addr = ip + (op->field == FF_IPV4_SRC ? 12 : 16);
    edit_l4_csum(m, addr, v, 4, true);
    edit_ipv4(ip, addr, v, 4);
    keep(pkt_of(m), op, v);
    return true;
}

static bool set_ipv6(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    uint8_t *ip = ip_of(m, TYPE_IPV6);
    if (ip == NULL)
        return false;
    if (op->field == FF_IPV6_FLABEL) {
        ip[1] = (uint8_t)((ip[1] & 0xf0) | (v[1] & 15));
        memcpy(ip + 2, v + 2, 2);
        p->key.ipv6_flabel = to_be32((uint32_t)(v[1] & 15) << 16 | get16(v + 2));
        return true;
    }
    uint8_t *addr = ip + (op->field == FF_IPV6_SRC ? 8 : 24);
    edit_l4_csum(m, addr, v, 16, true);
    memcpy(addr, v, 16);
    keep(p, op, v);
    return true;
}

/* ------------------------------------------------------------ L4 */

/* A wrong CRC stays wrong: what changes is the difference that the edit makes. */
static bool set_sctp(struct rte_mbuf *m, uint8_t *port, const uint8_t *v)
{
    uint32_t before, after, crc;
    uint8_t *field = at(m, pkt_of(m)->l4_off + 8u);
    if (!edit_sctp_crc(m, &before))
        return false;
    memcpy(port, v, 2);
    edit_sctp_crc(m, &after);
    memcpy(&crc, field, 4);
    crc ^= before ^ after;
    memcpy(field, &crc, 4);
    return true;
}

static bool set_port(struct rte_mbuf *m, const struct op *op, const uint8_t *v, uint8_t proto)
{
    struct pkt *p = pkt_of(m);
    if (p->l4_off == 0 || p->key.ip_proto != proto)
        return false;
    bool src = op->field == FF_TCP_SRC || op->field == FF_UDP_SRC || op->field == FF_SCTP_SRC;
    uint8_t *port = at(m, p->l4_off + (src ? 0u : 2u));
    if (proto == IP_SCTP) {
        if (!set_sctp(m, port, v))
            return false;
    } else {
        edit_l4_csum(m, port, v, 2, false);
        memcpy(port, v, 2);
    }
    keep(p, op, v);
    return true;
}

static bool set_icmp(struct rte_mbuf *m, const struct op *op, const uint8_t *v, uint8_t proto)
{
    struct pkt *p = pkt_of(m);
    if (p->l4_off == 0 || p->key.ip_proto != proto)
        return false;
    uint8_t *icmp = at(m, p->l4_off), to[2] = {icmp[0], icmp[1]};
    bool is_type = op->field == FF_ICMPV4_TYPE || op->field == FF_ICMPV6_TYPE;
    to[is_type ? 0 : 1] = v[0];
    edit_l4_csum(m, icmp, to, 2, false);
    memcpy(icmp, to, 2);
    parse(m); /* it may have become, or ceased to be, a neighbour discovery */
    return true;
}

/* Target and options: the target, and so ND, is there when the key's flags say nothing is bad. */
static bool set_nd(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    struct pkt *p = pkt_of(m);
    const uint8_t *ip = ip_of(m, TYPE_IPV6);
    uint8_t type = p->key.icmp_type;
    if (ip == NULL || p->l4_off == 0 || p->key.ip_proto != IP_ICMPV6 || p->key.icmp_code != 0 ||
        (type != ICMPV6_NS && type != ICMPV6_NA) || (p->flags & PKT_L4_BAD))
        return false;
    size_t off = p->l4_off + 8u, n = flow_fields[op->field].bytes;
    if (op->field != FF_ND_TARGET) {
        bool sll = op->field == FF_ND_SLL;
        size_t end = p->l3_off + 40u + get16(ip + 4);
        if (type != (sll ? ICMPV6_NS : ICMPV6_NA))
            return false;
        end = end < m->data_len ? end : m->data_len;
        off = nd_option(at(m, 0), p->l4_off + 24u, end, sll ? ND_SLL : ND_TLL);
        if (off == 0)
            return false;
        off += 2;
    }
    edit_l4_csum(m, at(m, off), v, n, false);
    memcpy(at(m, off), v, n);
    keep(p, op, v);
    return true;
}

/* ------------------------------------------------------------ which */

static bool set_l4(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    switch (op->field) {
    case FF_TCP_SRC:
    case FF_TCP_DST:
        return set_port(m, op, v, IP_TCP);
    case FF_UDP_SRC:
    case FF_UDP_DST:
        return set_port(m, op, v, IP_UDP);
    case FF_SCTP_SRC:
    case FF_SCTP_DST:
        return set_port(m, op, v, IP_SCTP);
    case FF_ICMPV4_TYPE:
    case FF_ICMPV4_CODE:
        return set_icmp(m, op, v, IP_ICMP);
    case FF_ICMPV6_TYPE:
    case FF_ICMPV6_CODE:
        return set_icmp(m, op, v, IP_ICMPV6);
    case FF_ND_TARGET:
    case FF_ND_SLL:
    case FF_ND_TLL:
        return set_nd(m, op, v);
    default:
        return false;
    }
}

static bool set_l3(struct rte_mbuf *m, const struct op *op, const uint8_t *v)
{
    switch (op->field) {
    case FF_IP_DSCP:
    case FF_IP_ECN:
        return set_tos(m, op, v);
    case FF_IP_PROTO:
        return set_proto(m, v);
    case FF_IP_TTL:
        return set_ttl(m, op, v);
    case FF_IPV4_SRC:
    case FF_IPV4_DST:
        return set_ipv4(m, op, v);
    case FF_IPV6_SRC:
    case FF_IPV6_DST:
    case FF_IPV6_FLABEL:
        return set_ipv6(m, op, v);
    case FF_ARP_OP:
    case FF_ARP_SPA:
    case FF_ARP_TPA:
    case FF_ARP_SHA:
    case FF_ARP_THA:
        return set_arp(m, op, v);
    default:
        return set_l4(m, op, v);
    }
}

/* To whom it goes, when a tunnel's port asks the packet. */
static void set_tunnel_end(struct pkt *p, const struct op *op, const uint8_t *v)
{
    keep(p, op, v);
    p->flags |= PKT_TUN_SET;
}

static bool is_tunnel_end(uint8_t field) { return field >= FF_TUN_SRC && field <= FF_TUN_IPV6_DST; }

/* A packet that claims another ingress port, or none, may be sent back to its own. */
static void set_in_port(struct pkt *k, const struct op *op, const uint8_t *v)
{
    const struct bridge_ports *bp = atomic_load_explicit(&k->bridge->ports, memory_order_acquire);
    keep(k, op, v);
    uint32_t no = from_be32(k->key.in_port);
    k->in_port = no == OFPP_LOCAL ? bp->local : no < WEFT_PORTS_MAX ? bp->by_no[no] : NULL;
}

bool edit_set_field(struct rte_mbuf *m, const struct op *op)
{
    uint8_t v[16];
    if (flow_field_is_reg(op->field))
        pkt_regs(pkt_of(m));
    else if (op->field >= FF_COUNT)
        return false;
    if (is_tunnel_end(op->field))
        pkt_tunnel_key(pkt_of(m));
    blend(&pkt_of(m)->key, op, v);
    switch (op->field) {
    case FF_METADATA: /* by a move or a load: set-field is refused it */
    case FF_TUNNEL_ID:
    case FF_REG0 ... FF_REG15:
    case FF_XREG0 ... FF_XXREG3:
        keep(pkt_of(m), op, v);
        return true;
    case FF_TUN_SRC:
    case FF_TUN_DST:
    case FF_TUN_IPV6_SRC:
    case FF_TUN_IPV6_DST:
        set_tunnel_end(pkt_of(m), op, v);
        return true;
    case FF_IN_PORT: /* by a load or a move */
        if (pkt_of(m)->bridge == NULL)
            return false;
        set_in_port(pkt_of(m), op, v);
        return true;
    case FF_ETH_DST:
    case FF_ETH_SRC:
    case FF_ETH_TYPE:
        return set_eth(m, op, v);
    case FF_VLAN_VID:
    case FF_VLAN_PCP:
        return set_vlan(m, op, v);
    case FF_MPLS_LABEL:
    case FF_MPLS_TC:
    case FF_MPLS_BOS:
        return set_mpls(m, op, v);
    case FF_PBB_ISID:
        return set_pbb(m, op, v);
    default:
        return set_l3(m, op, v);
    }
}
