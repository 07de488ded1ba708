/* 1.0's ofp_match, and Nicira's extensible one, NXM (1.0.0, 5.2.3; nicira-ext).
 *
 * NXM is turned into OXM bytes, which the decoder of 1.3 reads: fields of the same bytes get
 * another header, the three whose bytes differ are taken apart.
 */
#include "ofproto/wire/of10.h"

#include "ofproto/wire/wire.h"

enum {
    W_IN_PORT = 1 << 0,
    W_VLAN = 1 << 1,
    W_SRC = 1 << 2,
    W_DST = 1 << 3,
    W_TYPE = 1 << 4,
    W_PROTO = 1 << 5,
    W_TP_SRC = 1 << 6,
    W_TP_DST = 1 << 7,
    W_NW_SRC_SHIFT = 8,
    W_NW_DST_SHIFT = 14,
    W_PCP = 1 << 20,
    W_TOS = 1 << 21,
    W_ALL = (1 << 22) - 1,
    VLAN_NONE = 0xffff,
    ETH_IPV4 = 0x0800,
    ETH_ARP = 0x0806,
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_SCTP = 132,
};

uint32_t of10_port(uint16_t port) { return port >= 0xff00 ? 0xffff0000u | port : port; }

uint16_t of10_port_wire(uint32_t port)
{
    return port < 0xff00 || port >= OFPP_MAX ? (uint16_t)port : 0;
}

/* ---- ofp_match ---- */

struct match10 {
    uint32_t wildcards, nw_src, nw_dst;
    uint16_t in_port, vlan, type, tp_src, tp_dst;
    uint8_t pcp, tos, proto;
    struct mac src, dst;
};

static struct match10 read_match(struct reader *r)
{
    struct match10 m = {.wildcards = read_u32(r)};
    m.in_port = read_u16(r);
    read_into(r, &m.src, sizeof m.src);
    read_into(r, &m.dst, sizeof m.dst);
    m.vlan = read_u16(r);
    m.pcp = read_u8(r);
    read_skip(r, 1);
    m.type = read_u16(r);
    m.tos = read_u8(r);
    m.proto = read_u8(r);
    read_skip(r, 2);
    m.nw_src = read_u32(r);
    m.nw_dst = read_u32(r);
    m.tp_src = read_u16(r);
    m.tp_dst = read_u16(r);
    return m;
}

static void set16(struct flow_match *m, enum flow_field f, uint16_t v)
{
    be16 x = to_be16(v);
    flow_match_set(m, f, &x, NULL);
}

static void set8(struct flow_match *m, enum flow_field f, uint8_t v)
{
    flow_match_set(m, f, &v, NULL);
}

/* `wild`: how many of the low bits don't matter; 32 and more: all. */
static void set_net(struct flow_match *m, enum flow_field f, uint32_t v, unsigned wild)
{
    be32 x = to_be32(v), mask = wild < 32 ? to_be32(UINT32_MAX << wild) : 0;
    x &= mask;
    if (mask)
        flow_match_set(m, f, &x, &mask);
}

/* No tag, this tag, or some tag with this priority. */
static void take_vlan(const struct match10 *in, struct flow_match *out)
{
    const be16 present = to_be16(FLOW_VID_PRESENT);
    bool vid = !(in->wildcards & W_VLAN), pcp = !(in->wildcards & W_PCP);
    if (vid && in->vlan == VLAN_NONE) {
        set16(out, FF_VLAN_VID, 0);
        return;
    }
    if (vid)
        set16(out, FF_VLAN_VID, (uint16_t)((in->vlan & 0xfff) | FLOW_VID_PRESENT));
    else if (pcp)
        flow_match_set(out, FF_VLAN_VID, &present, &present);
    if (pcp)
        set8(out, FF_VLAN_PCP, in->pcp & 7);
}

static void take_l4(const struct match10 *in, struct flow_match *out)
{
    static const struct {
        uint8_t proto, src, dst;
    } l4[] = {{IP_TCP, FF_TCP_SRC, FF_TCP_DST},
              {IP_UDP, FF_UDP_SRC, FF_UDP_DST},
              {IP_SCTP, FF_SCTP_SRC, FF_SCTP_DST}};
    for (unsigned i = 0; i < sizeof l4 / sizeof l4[0]; i++) {
        if (l4[i].proto != in->proto)
            continue;
        if (!(in->wildcards & W_TP_SRC))
            set16(out, (enum flow_field)l4[i].src, in->tp_src);
        if (!(in->wildcards & W_TP_DST))
            set16(out, (enum flow_field)l4[i].dst, in->tp_dst);
    }
    if (in->proto == IP_ICMP && !(in->wildcards & W_TP_SRC))
        set8(out, FF_ICMPV4_TYPE, (uint8_t)in->tp_src);
    if (in->proto == IP_ICMP && !(in->wildcards & W_TP_DST))
        set8(out, FF_ICMPV4_CODE, (uint8_t)in->tp_dst);
}

/* What the Ethernet type doesn't have is not looked at (3.4). */
static void take_l3(const struct match10 *in, struct flow_match *out)
{
    unsigned src = in->wildcards >> W_NW_SRC_SHIFT & 63, dst = in->wildcards >> W_NW_DST_SHIFT & 63;
    bool proto = !(in->wildcards & W_PROTO);
    if (in->type == ETH_ARP) {
        if (proto)
            set16(out, FF_ARP_OP, in->proto);
        set_net(out, FF_ARP_SPA, in->nw_src, src);
        set_net(out, FF_ARP_TPA, in->nw_dst, dst);
    }
    if (in->type != ETH_IPV4)
        return;
    set_net(out, FF_IPV4_SRC, in->nw_src, src);
    set_net(out, FF_IPV4_DST, in->nw_dst, dst);
    if (!(in->wildcards & W_TOS))
        set8(out, FF_IP_DSCP, in->tos >> 2);
    if (!proto)
        return;
    set8(out, FF_IP_PROTO, in->proto);
    take_l4(in, out);
}

void of10_match_decode(struct reader *r, struct flow_match *out)
{
    struct match10 m = read_match(r);
    memset(out, 0, sizeof *out);
    if (!(m.wildcards & W_IN_PORT)) {
        be32 port = to_be32(of10_port(m.in_port));
        flow_match_set(out, FF_IN_PORT, &port, NULL);
    }
    if (!(m.wildcards & W_SRC))
        flow_match_set(out, FF_ETH_SRC, &m.src, NULL);
    if (!(m.wildcards & W_DST))
        flow_match_set(out, FF_ETH_DST, &m.dst, NULL);
    take_vlan(&m, out);
    if (m.wildcards & W_TYPE)
        return;
    set16(out, FF_ETH_TYPE, m.type);
    take_l3(&m, out);
}

/* ---- encoding: what 1.0 can't say is left out, so that the match looks wider ---- */

static bool full(const void *mask, size_t n)
{
    const uint8_t *p = mask;
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0xff)
            return false;
    return true;
}

static uint32_t net_wildcard(be32 mask)
{
    uint32_t m = from_be32(mask);
    return m ? (uint32_t)__builtin_ctz(m) : 32;
}

static void give_vlan(const struct flow_match *in, struct match10 *out)
{
    uint16_t vid = from_be16(in->key.vlan_vid), mask = from_be16(in->mask.vlan_vid);
    if ((mask & 0x1fff) == 0x1fff) {
        out->vlan = vid & FLOW_VID_PRESENT ? vid & 0xfff : VLAN_NONE;
        out->wildcards &= ~(uint32_t)W_VLAN;
    }
    if (in->mask.vlan_pcp) {
        out->pcp = in->key.vlan_pcp;
        out->wildcards &= ~(uint32_t)W_PCP;
    }
}

static void give_l3(const struct flow_match *in, struct match10 *out)
{
    be32 src, dst, src_mask, dst_mask;
    memcpy(&src, &in->key.ip_src, 4);
    memcpy(&dst, &in->key.ip_dst, 4);
    memcpy(&src_mask, &in->mask.ip_src, 4);
    memcpy(&dst_mask, &in->mask.ip_dst, 4);
    if (out->type != ETH_IPV4 && out->type != ETH_ARP)
        return;
    out->nw_src = from_be32(src);
    out->nw_dst = from_be32(dst);
    out->wildcards &= ~(63u << W_NW_SRC_SHIFT | 63u << W_NW_DST_SHIFT);
    out->wildcards |= net_wildcard(src_mask) << W_NW_SRC_SHIFT;
    out->wildcards |= net_wildcard(dst_mask) << W_NW_DST_SHIFT;
    if (out->type == ETH_ARP && full(&in->mask.arp_op, 2)) {
        out->proto = (uint8_t)from_be16(in->key.arp_op);
        out->wildcards &= ~(uint32_t)W_PROTO;
    }
    if (out->type == ETH_IPV4 && in->mask.ip_proto == 0xff) {
        out->proto = in->key.ip_proto;
        out->wildcards &= ~(uint32_t)W_PROTO;
    }
    if (out->type == ETH_IPV4 && in->mask.ip_dscp) {
        out->tos = (uint8_t)(in->key.ip_dscp << 2);
        out->wildcards &= ~(uint32_t)W_TOS;
    }
}

static void give_l4(const struct flow_match *in, struct match10 *out)
{
    bool icmp = out->proto == IP_ICMP;
    if (out->type != ETH_IPV4 || (out->wildcards & W_PROTO))
        return;
    if (icmp ? in->mask.icmp_type != 0 : full(&in->mask.l4_src, 2)) {
        out->tp_src = icmp ? in->key.icmp_type : from_be16(in->key.l4_src);
        out->wildcards &= ~(uint32_t)W_TP_SRC;
    }
    if (icmp ? in->mask.icmp_code != 0 : full(&in->mask.l4_dst, 2)) {
        out->tp_dst = icmp ? in->key.icmp_code : from_be16(in->key.l4_dst);
        out->wildcards &= ~(uint32_t)W_TP_DST;
    }
}

static void write_match(struct writer *w, const struct match10 *m)
{
    write_u32(w, m->wildcards);
    write_u16(w, m->in_port);
    write_bytes(w, &m->src, sizeof m->src);
    write_bytes(w, &m->dst, sizeof m->dst);
    write_u16(w, m->vlan);
    write_u8(w, m->pcp);
    write_zeros(w, 1);
    write_u16(w, m->type);
    write_u8(w, m->tos);
    write_u8(w, m->proto);
    write_zeros(w, 2);
    write_u32(w, m->nw_src);
    write_u32(w, m->nw_dst);
    write_u16(w, m->tp_src);
    write_u16(w, m->tp_dst);
}

void of10_match_encode(struct writer *w, const struct flow_match *in)
{
    struct match10 m = {.wildcards = W_ALL};
    m.wildcards = (m.wildcards & ~(63u << W_NW_SRC_SHIFT | 63u << W_NW_DST_SHIFT)) |
                  32u << W_NW_SRC_SHIFT | 32u << W_NW_DST_SHIFT;
    if (full(&in->mask.in_port, 4)) {
        m.in_port = of10_port_wire(from_be32(in->key.in_port));
        m.wildcards &= ~(uint32_t)W_IN_PORT;
    }
    if (full(&in->mask.eth_src, 6)) {
        m.src = in->key.eth_src;
        m.wildcards &= ~(uint32_t)W_SRC;
    }
    if (full(&in->mask.eth_dst, 6)) {
        m.dst = in->key.eth_dst;
        m.wildcards &= ~(uint32_t)W_DST;
    }
    give_vlan(in, &m);
    if (full(&in->mask.eth_type, 2)) {
        m.type = from_be16(in->key.eth_type);
        m.wildcards &= ~(uint32_t)W_TYPE;
        give_l3(in, &m);
        give_l4(in, &m);
    }
    write_match(w, &m);
}
