/* edit.c: tags and labels come and go, TTLs count down (OpenFlow 1.3.5 section 5.12). */
#include "datapath/edit_internal.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"

/* ------------------------------------------------------------ bytes in and out */

/* Makes room for four bytes at `at`; NULL: no headroom. */
static uint8_t *insert4(struct rte_mbuf *m, size_t at)
{
    uint8_t *b = (uint8_t *)rte_pktmbuf_prepend(m, 4);
    if (b == NULL)
        return NULL;
    memmove(b, b + 4, at);
    return b + at;
}

static void remove4(struct rte_mbuf *m, size_t at)
{
    uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
    memmove(b + 4, b, at);
    rte_pktmbuf_adj(m, 4);
}

bool vlan_insert(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
    uint8_t *tag = insert4(m, 12);
    if (tag == NULL)
        return false;
    put16(tag, tpid);
    put16(tag + 2, tci);
    return true;
}

void vlan_remove(struct rte_mbuf *m) { remove4(m, 12); }

void vlan_rewrite(struct rte_mbuf *m, uint16_t tpid, uint16_t tci)
{
    uint8_t *tag = rte_pktmbuf_mtod_offset(m, uint8_t *, 12);
    put16(tag, tpid);
    put16(tag + 2, tci);
}

/* ------------------------------------------------------------ VLAN */

/* The new tag has the outer one's VID and PCP (table 6 of the specification). */
static bool push_vlan(struct rte_mbuf *m, uint16_t tpid)
{
    struct pkt *p = pkt_of(m);
    uint16_t tci = 0;
    if (p->flags & PKT_VLAN)
        tci = get16(rte_pktmbuf_mtod_offset(m, const uint8_t *, 14));
    if (!is_tag(tpid) || !vlan_insert(m, tpid, tci))
        return false;
    parse(m);
    return true;
}

static bool pop_vlan(struct rte_mbuf *m)
{
    if (!(pkt_of(m)->flags & PKT_VLAN))
        return false;
    vlan_remove(m);
    parse(m);
    return true;
}

/* ------------------------------------------------------------ MPLS */

/* An IP header at ip of which `room` bytes may be touched: where its TTL is, or NULL. */
static uint8_t *ttl_of_ip(uint8_t *ip, size_t room)
{
    if (room >= 20 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5)
        return ip + 8;
    return room >= 40 && ip[0] >> 4 == 6 ? ip + 7 : NULL;
}

static void ip_write_ttl(uint8_t *ip, uint8_t ttl)
{
    if (ip[0] >> 4 == 4)
        edit_ipv4(ip, ip + 8, (const uint8_t[2]){ttl, ip[9]}, 2);
    else
        ip[7] = ttl;
}

/* A label stack entry as the outer one, or one that begins a stack with IP's TTL. */
static bool push_mpls(struct rte_mbuf *m, uint16_t type)
{
    struct pkt *p = pkt_of(m);
    uint8_t entry[4] = {0, 0, 1, 0};
    if (p->l3_off != 14u + 4u * p->vlan_tags || p->key.eth_type == to_be16(TYPE_LLC) ||
        !is_mpls(type))
        return false; /* an 802.3 frame has no type to replace */
    if (p->mpls_off != 0) {
        memcpy(entry, rte_pktmbuf_mtod_offset(m, const uint8_t *, p->mpls_off), 4);
        entry[2] &= 0xfe;
    } else if (ip_of(m, TYPE_IPV4) != NULL || ip_of(m, TYPE_IPV6) != NULL) {
        entry[3] = p->key.ip_ttl;
    }
    uint8_t *at = insert4(m, p->l3_off);
    if (at == NULL)
        return false;
    put16(at - 2, type);
    memcpy(at, entry, 4);
    parse(m);
    return true;
}

static bool pop_mpls(struct rte_mbuf *m, uint16_t type)
{
    struct pkt *p = pkt_of(m);
    if (p->mpls_off == 0)
        return false;
    remove4(m, p->mpls_off);
    put16(rte_pktmbuf_mtod_offset(m, uint8_t *, p->mpls_off - 2), type);
    parse(m);
    return true;
}

/* ------------------------------------------------------------ TTL */

static bool set_ip_ttl(struct rte_mbuf *m, uint8_t ttl)
{
    uint8_t *ip = ip_of(m, TYPE_IPV4);
    if (ip == NULL)
        ip = ip_of(m, TYPE_IPV6);
    if (ip == NULL)
        return false;
    ip_write_ttl(ip, ttl);
    pkt_of(m)->key.ip_ttl = ttl;
    return true;
}

static bool dec_ip_ttl(struct rte_mbuf *m, bool *invalid)
{
    uint8_t ttl = pkt_of(m)->key.ip_ttl;
    if (ip_of(m, TYPE_IPV4) == NULL && ip_of(m, TYPE_IPV6) == NULL)
        return false;
    *invalid = ttl <= 1;
    return ttl > 1 && set_ip_ttl(m, (uint8_t)(ttl - 1));
}

static uint8_t *mpls_ttl(struct rte_mbuf *m)
{
    struct pkt *p = pkt_of(m);
    return p->mpls_off == 0 ? NULL : rte_pktmbuf_mtod_offset(m, uint8_t *, p->mpls_off + 3u);
}

static bool dec_mpls_ttl(struct rte_mbuf *m, bool *invalid)
{
    uint8_t *ttl = mpls_ttl(m);
    if (ttl == NULL)
        return false;
    *invalid = *ttl <= 1;
    if (*invalid)
        return false;
    --*ttl;
    return true;
}

static bool set_mpls_ttl(struct rte_mbuf *m, uint8_t value)
{
    uint8_t *ttl = mpls_ttl(m);
    if (ttl == NULL)
        return false;
    *ttl = value;
    return true;
}

/* Between the outermost label and what is in it: another, or at the bottom IP. */
static bool copy_ttl(struct rte_mbuf *m, bool out)
{
    struct pkt *p = pkt_of(m);
    uint8_t *outer = mpls_ttl(m);
    if (outer == NULL)
        return false;
    size_t room = m->data_len - (p->mpls_off + 4u);
    uint8_t *inside = outer + 1, *inner = NULL;
    bool is_ip = (outer[-1] & 1) != 0;
    if (is_ip)
        inner = ttl_of_ip(inside, room);
    else if (room >= 4)
        inner = inside + 3;
    if (inner == NULL)
        return false;
    if (out)
        *outer = *inner;
    else if (is_ip)
        ip_write_ttl(inside, *outer);
    else
        *inner = *outer;
    return true;
}

bool edit_apply(struct rte_mbuf *m, const struct op *op, bool *ttl_invalid)
{
    *ttl_invalid = false;
    switch ((enum op_code)op->code) {
    case OP_SET_FIELD:
        return edit_set_field(m, op) || op->max_len;
    case OP_PUSH_VLAN:
        return (op->max_len && (pkt_of(m)->flags & PKT_VLAN)) ||
               push_vlan(m, from_be16(op->ethertype));
    case OP_POP_VLAN:
        return pop_vlan(m) || op->max_len;
    case OP_PUSH_MPLS:
        return push_mpls(m, from_be16(op->ethertype));
    case OP_POP_MPLS:
        return pop_mpls(m, from_be16(op->ethertype));
    case OP_DEC_IP_TTL:
        return dec_ip_ttl(m, ttl_invalid);
    case OP_SET_IP_TTL:
        return set_ip_ttl(m, op->ttl);
    case OP_DEC_MPLS_TTL:
        return dec_mpls_ttl(m, ttl_invalid);
    case OP_SET_MPLS_TTL:
        return set_mpls_ttl(m, op->ttl);
    case OP_COPY_TTL_OUT:
        return copy_ttl(m, true);
    case OP_COPY_TTL_IN:
        return copy_ttl(m, false);
    case OP_PUSH_PBB:
        return edit_push_pbb(m, from_be16(op->ethertype));
    case OP_POP_PBB:
        return edit_pop_pbb(m);
    case OP_OUTPUT:
    case OP_GROUP:
    default: /* no edit */
        break;
    }
    return false;
}
