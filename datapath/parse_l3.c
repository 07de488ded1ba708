/* parse_l3.c: ARP (RFC 826), IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200). */
#include "datapath/parse_internal.h"

void parse_arp(struct pkt *p, const struct view *v)
{
    static const uint8_t ethernet_ip[6] = {0, 1, 8, 0, 6, 4};
    const uint8_t *a = v->b + p->l3_off;
    if (p->l3_off + 28u > v->len || memcmp(a, ethernet_ip, sizeof ethernet_ip) != 0) {
        p->flags |= PKT_IP_BAD;
        return;
    }
    memcpy(&p->key.arp_op, a + 6, 2);
    memcpy(&p->key.arp_sha, a + 8, 6);
    memcpy(&p->key.ip_src, a + 14, 4);
    memcpy(&p->key.arp_tha, a + 18, 6);
    memcpy(&p->key.ip_dst, a + 24, 4);
}

/* Length of the header, or 0: it makes no sense. */
static size_t ipv4_header(const uint8_t *ip, size_t room, size_t frame_room)
{
    if (room < 20 || ip[0] >> 4 != 4)
        return 0;
    size_t hlen = (ip[0] & 15u) * 4u, total = get16(ip + 2);
    return hlen < 20 || hlen > room || total < hlen || total > frame_room ? 0 : hlen;
}

void parse_ipv4(struct pkt *p, const struct view *v)
{
    const uint8_t *ip = v->b + p->l3_off;
    size_t room = v->len - p->l3_off;
    size_t hlen = ipv4_header(ip, room, v->total - p->l3_off);
    if (hlen == 0) {
        p->flags |= PKT_IP_BAD;
        return;
    }
    struct flow_key *k = &p->key;
    k->ip_dscp = ip[1] >> 2;
    k->ip_ecn = ip[1] & 3;
    k->ip_ttl = ip[8];
    k->ip_proto = ip[9];
    memcpy(&k->ip_src, ip + 12, 4);
    memcpy(&k->ip_dst, ip + 16, 4);
    uint16_t frag = get16(ip + 6) & 0x3fff; /* MF and the offset */
    if (frag & 0x1fff)
        k->ip_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
    else if (frag)
        k->ip_frag = FLOW_FRAG_ANY;
    if (k->ip_frag & FLOW_FRAG_LATER)
        return;
    p->l4_off = (uint16_t)(p->l3_off + hlen);
    size_t total = get16(ip + 2);
    parse_l4(p, v, p->l3_off + (total < room ? total : room));
}

/* ------------------------------------------------------------ IPv6 */

/* OFPIEH_*: OpenFlow 1.3.5, 7.2.3.8. */
enum {
    IEH_NONEXT = 1 << 0,
    IEH_ESP = 1 << 1,
    IEH_AUTH = 1 << 2,
    IEH_DEST = 1 << 3,
    IEH_FRAG = 1 << 4,
    IEH_ROUTER = 1 << 5,
    IEH_HOP = 1 << 6,
    IEH_UNREP = 1 << 7,
    IEH_UNSEQ = 1 << 8,
};

static uint16_t ieh_bit(uint8_t proto)
{
    switch (proto) {
    case IP_HOP:
        return IEH_HOP;
    case IP_DEST:
        return IEH_DEST;
    case IP_ROUTING:
        return IEH_ROUTER;
    case IP_FRAGMENT:
        return IEH_FRAG;
    case IP_AH:
        return IEH_AUTH;
    case IP_ESP:
        return IEH_ESP;
    case IP_NONE:
        return IEH_NONEXT;
    default:
        return 0;
    }
}

/* The place of a header in the order RFC 8200 section 4.1 prefers. Destination
 * options may come twice: before a routing header, and last. */
static int ieh_rank(uint16_t bit, int last)
{
    switch (bit) {
    case IEH_HOP:
        return 1;
    case IEH_DEST:
        return last < 2 ? 2 : 7;
    case IEH_ROUTER:
        return 3;
    case IEH_FRAG:
        return 4;
    case IEH_AUTH:
        return 5;
    case IEH_ESP:
        return 6;
    default:
        return 8;
    }
}

struct ieh_state {
    int rank;
    unsigned dests;
};

static void ieh_note(struct ip6_chain *c, struct ieh_state *s, uint16_t bit)
{
    int rank = ieh_rank(bit, s->rank);
    s->dests += bit == IEH_DEST;
    if (bit == IEH_DEST ? s->dests > 2 : (c->exthdr & bit) != 0)
        c->exthdr |= IEH_UNREP;
    if (rank < s->rank)
        c->exthdr |= IEH_UNSEQ;
    s->rank = rank;
    c->exthdr |= bit;
}

static size_t ieh_length(uint8_t proto, const uint8_t *h)
{
    if (proto == IP_FRAGMENT)
        return 8;
    return proto == IP_AH ? (h[1] + 2u) * 4u : (h[1] + 1u) * 8u;
}

bool ip6_walk(const uint8_t *b, size_t off, size_t end, struct ip6_chain *c)
{
    struct ieh_state s = {0};
    *c = (struct ip6_chain){.proto = b[off + 6], .proto_at = off + 6, .l4 = off + 40};
    for (;;) {
        uint16_t bit = ieh_bit(c->proto);
        if (bit == 0)
            return true;
        ieh_note(c, &s, bit);
        if (bit == IEH_ESP || bit == IEH_NONEXT)
            return true;
        if (c->l4 + 8 > end || c->l4 + ieh_length(c->proto, b + c->l4) > end)
            return false;
        const uint8_t *h = b + c->l4;
        uint16_t frag = bit == IEH_FRAG ? get16(h + 2) & 0xfff9 : 0; /* offset and M */
        if (frag)
            c->frag = (uint8_t)(frag & 0xfff8 ? FLOW_FRAG_ANY | FLOW_FRAG_LATER : FLOW_FRAG_ANY);
        size_t len = ieh_length(c->proto, h);
        c->proto = h[0];
        c->proto_at = c->l4;
        c->l4 += len;
        if (c->frag & FLOW_FRAG_LATER)
            return true; /* what follows is data */
    }
}

void parse_ipv6(struct pkt *p, const struct view *v)
{
    const uint8_t *ip = v->b + p->l3_off;
    size_t room = v->len - p->l3_off;
    if (room < 40 || ip[0] >> 4 != 6 || get16(ip + 4) + 40u > v->total - p->l3_off) {
        p->flags |= PKT_IP_BAD;
        return;
    }
    struct flow_key *k = &p->key;
    uint16_t class_bits = get16(ip) >> 4 & 0xff;
    k->ip_dscp = (uint8_t)(class_bits >> 2);
    k->ip_ecn = class_bits & 3;
    k->ipv6_flabel = to_be32((uint32_t)(ip[1] & 15) << 16 | get16(ip + 2));
    k->ip_ttl = ip[7];
    memcpy(&k->ip_src, ip + 8, 16);
    memcpy(&k->ip_dst, ip + 24, 16);
    size_t length = get16(ip + 4) + 40u, end = p->l3_off + (length < room ? length : room);
    struct ip6_chain c;
    if (!ip6_walk(v->b, p->l3_off, end, &c)) {
        p->flags |= PKT_L4_BAD;
        return;
    }
    k->ipv6_exthdr = to_be16(c.exthdr);
    k->ip_frag = c.frag;
    k->ip_proto = c.proto;
    if (c.frag & FLOW_FRAG_LATER || c.proto == IP_NONE)
        return;
    p->l4_off = (uint16_t)c.l4;
    parse_l4(p, v, end);
}
