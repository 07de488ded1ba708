/* parse_l4.c: TCP (RFC 9293), UDP (768), SCTP (9260), ICMP (792), ICMPv6 (4443), ND (4861). */
#include "datapath/parse_internal.h"

/* Bytes of the header at l4, or 0 when it is cut off or makes no sense. */
static size_t l4_header(uint8_t proto, const uint8_t *l4, size_t room)
{
    size_t len;
    switch (proto) {
    case IP_TCP:
        len = room < 20 ? 0 : (l4[12] >> 4) * 4u;
        return len < 20 || len > room ? 0 : len;
    case IP_SCTP:
        len = 12;
        break;
    case IP_ICMPV6:
        len = 4;
        break;
    default: /* UDP, ICMP */
        len = 8;
    }
    return len <= room ? len : 0;
}

size_t nd_option(const uint8_t *b, size_t from, size_t end, uint8_t type)
{
    while (from + 8 <= end) {
        size_t len = b[from + 1] * 8u;
        if (b[from] == type && len == 8)
            return from;
        if (len == 0)
            return 0;
        from += len;
    }
    return 0;
}

static void parse_nd(struct pkt *p, const struct view *v, size_t end)
{
    struct flow_key *k = &p->key;
    if ((k->icmp_type != ICMPV6_NS && k->icmp_type != ICMPV6_NA) || k->icmp_code != 0)
        return;
    if (p->l4_off + 24u > end) {
        p->flags |= PKT_L4_BAD;
        return;
    }
    memcpy(&k->nd_target, v->b + p->l4_off + 8, 16);
    bool ns = k->icmp_type == ICMPV6_NS;
    size_t at = nd_option(v->b, p->l4_off + 24u, end, ns ? ND_SLL : ND_TLL);
    if (at != 0)
        memcpy(ns ? &k->arp_sha : &k->arp_tha, v->b + at + 2, 6);
}

static bool is_known(const struct flow_key *k)
{
    bool v6 = k->eth_type == to_be16(TYPE_IPV6);
    switch (k->ip_proto) {
    case IP_TCP:
    case IP_UDP:
    case IP_SCTP:
        return true;
    case IP_ICMP:
        return !v6;
    case IP_ICMPV6:
        return v6;
    default:
        return false;
    }
}

void parse_l4(struct pkt *p, const struct view *v, size_t end)
{
    struct flow_key *k = &p->key;
    if (!is_known(k)) {
        p->l4_off = 0;
        return;
    }
    const uint8_t *l4 = v->b + p->l4_off;
    size_t len = l4_header(k->ip_proto, l4, end - p->l4_off);
    if (len == 0) {
        p->flags |= PKT_L4_BAD;
        p->l4_off = 0;
        return;
    }
    p->payload_off = (uint16_t)(p->l4_off + len);
    if (k->ip_proto == IP_ICMP || k->ip_proto == IP_ICMPV6) {
        k->icmp_type = l4[0];
        k->icmp_code = l4[1];
        if (k->ip_proto == IP_ICMPV6)
            parse_nd(p, v, end);
        return;
    }
    memcpy(&k->l4_src, l4, 2);
    memcpy(&k->l4_dst, l4 + 2, 2);
    if (k->ip_proto == IP_TCP)
        k->tcp_flags = to_be16(get16(l4 + 12) & 0xfff);
}
