/* datapath/parse_internal.h: what the files of parse (and edit) share.
 *
 * parse.c reads Ethernet, tags, MPLS and PBB; parse_l3.c ARP and IP; parse_l4.c
 * what is inside IP. All look at one `struct view`: `len` bytes are contiguous and
 * may be read, `total` is the frame's length with its other segments, against
 * which IP's length fields are held. Pure, any thread.
 */
#ifndef WEFT_DATAPATH_PARSE_INTERNAL_H
#define WEFT_DATAPATH_PARSE_INTERNAL_H

#include "datapath/pkt.h"

enum ether_type {
    TYPE_IPV4 = 0x0800,
    TYPE_ARP = 0x0806,
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_MC = 0x8848,
    TYPE_SVLAN = 0x88a8,
    TYPE_PBB = 0x88e7,
    TYPE_8023_MIN = 0x0600, /* below: an 802.3 length */
    TYPE_LLC = 0x05ff,      /* OpenFlow: 802.2 without SNAP */
};

enum ip_protocol {
    IP_HOP = 0,
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ROUTING = 43,
    IP_FRAGMENT = 44,
    IP_ESP = 50,
    IP_AH = 51,
    IP_ICMPV6 = 58,
    IP_NONE = 59,
    IP_DEST = 60,
    IP_SCTP = 132,
};

enum { ICMPV6_NS = 135, ICMPV6_NA = 136, ND_SLL = 1, ND_TLL = 2 };

struct view {
    const uint8_t *b;
    size_t len;
    size_t total;
};

static inline struct view view_of(const struct rte_mbuf *m)
{
    return (struct view){.b = rte_pktmbuf_mtod(m, const uint8_t *),
                         .len = m->data_len,
                         .total = m->pkt_len};
}

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline bool is_tag(uint16_t type) { return type == TYPE_VLAN || type == TYPE_SVLAN; }
static inline bool is_mpls(uint16_t type) { return type == TYPE_MPLS || type == TYPE_MPLS_MC; }

/* Any frame; one with less than an Ethernet header reads zero. */
void parse_view(struct pkt *p, const struct view *v);
/* A frame of the usual shape. False: it is another, nothing was said of it. */
bool parse_quick(struct pkt *p, const struct view *v);
/* Its first two words, eth_dst to vlan_vid, and vlan_pcp, vlan_tags, l3_off. */
bool parse_quick_l2(struct pkt *p, const struct view *v);

/* p->l3_off is where the header begins. */
void parse_arp(struct pkt *p, const struct view *v);
void parse_ipv4(struct pkt *p, const struct view *v);
void parse_ipv6(struct pkt *p, const struct view *v);

/* IPv6's extension headers, from the fixed header at `off` up to `end`. */
struct ip6_chain {
    uint8_t proto;   /* what comes after the last one */
    uint8_t frag;    /* FLOW_FRAG_* */
    uint16_t exthdr; /* OFPIEH_* */
    size_t proto_at; /* where the byte is that says proto */
    size_t l4;       /* behind the last one */
};
/* False: a header is cut off. */
bool ip6_walk(const uint8_t *b, size_t off, size_t end, struct ip6_chain *c);

/* p->l4_off and key.ip_proto are set; the packet ends at `end` (<= v->len). */
void parse_l4(struct pkt *p, const struct view *v, size_t end);

/* Where a neighbour discovery option of 8 bytes begins in b[from..end), or 0 (RFC 4861, 4.6). */
size_t nd_option(const uint8_t *b, size_t from, size_t end, uint8_t type);

#endif
