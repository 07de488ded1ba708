/* parse.c: Ethernet, its tags, MPLS and PBB; the rest is in parse_l3.c and parse_l4.c. */
#include "datapath/parse.h"

#include <rte_prefetch.h>

#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"

enum { TAGS_MAX = 15 };

/* Steps over the tags; returns where the type field after them is. */
static size_t parse_tags(struct pkt *p, const struct view *v)
{
    size_t at = 12;
    while (is_tag(get16(v->b + at)) && at + 6 <= v->len && p->vlan_tags < TAGS_MAX) {
        uint16_t tci = get16(v->b + at + 2);
        if (p->vlan_tags++ == 0) {
            p->key.vlan_vid = to_be16((tci & 0xfff) | FLOW_VID_PRESENT);
            p->key.vlan_pcp = (uint8_t)(tci >> 13);
            p->flags |= PKT_VLAN;
        }
        at += 4;
    }
    return at;
}

/* An 802.3 length: the type is in a SNAP header with OUI 0, or there is none. */
static uint16_t parse_llc(struct pkt *p, const struct view *v)
{
    static const uint8_t snap[6] = {0xaa, 0xaa, 3, 0, 0, 0};
    size_t at = p->l3_off;
    if (at + 8 > v->len || memcmp(v->b + at, snap, sizeof snap) != 0)
        return TYPE_LLC;
    uint16_t type = get16(v->b + at + 6);
    if (type < TYPE_8023_MIN)
        return TYPE_LLC;
    p->l3_off = (uint16_t)(at + 8);
    return type;
}

/* RFC 3032 section 2.1; nothing below the first entry is looked at. */
static void parse_mpls(struct pkt *p, const struct view *v)
{
    size_t at = p->l3_off;
    if (at + 4 > v->len)
        return;
    const uint8_t *e = v->b + at;
    p->mpls_off = p->l3_off;
    p->key.mpls_label = to_be32((uint32_t)(e[0] << 12 | e[1] << 4 | e[2] >> 4));
    p->key.mpls_tc = e[2] >> 1 & 7;
    p->key.mpls_bos = e[2] & 1;
}

/* IEEE 802.1Q-2018 9.7: flags, then the I-SID. */
static void parse_pbb(struct pkt *p, const struct view *v)
{
    size_t at = p->l3_off;
    if (at + 4 <= v->len)
        memcpy(p->key.pbb_isid, v->b + at + 1, 3);
}

static void clear(struct pkt *p)
{
    /* in_port, in_phy_port, metadata and tunnel_id are the first three words. */
    memset(&p->key.w[3], 0, (FLOW_PARSED - 3) * sizeof p->key.w[0]);
    p->l3_off = p->l4_off = p->payload_off = p->mpls_off = 0;
    p->vlan_tags = 0;
    p->flags &= PKT_NOT_PARSED;
    p->depth = PKT_DEPTH_ALL;
}

void parse_view(struct pkt *p, const struct view *v)
{
    clear(p);
    if (v->len < 14)
        return;
    memcpy(&p->key.eth_dst, v->b, 6);
    memcpy(&p->key.eth_src, v->b + 6, 6);
    size_t at = parse_tags(p, v);
    uint16_t type = get16(v->b + at);
    p->l3_off = (uint16_t)(at + 2);
    if (type < TYPE_8023_MIN)
        type = parse_llc(p, v);
    p->key.eth_type = to_be16(type);
    if (type == TYPE_IPV4)
        parse_ipv4(p, v);
    else if (type == TYPE_IPV6)
        parse_ipv6(p, v);
    else if (type == TYPE_ARP)
        parse_arp(p, v);
    else if (is_mpls(type))
        parse_mpls(p, v);
    else if (type == TYPE_PBB)
        parse_pbb(p, v);
}

void parse_bytes(struct pkt *p, const uint8_t *frame, size_t len)
{
    parse_view(p, &(struct view){.b = frame, .len = len, .total = len});
}

void parse(struct rte_mbuf *m)
{
    struct view v = view_of(m);
    if (!parse_quick(pkt_of(m), &v))
        parse_view(pkt_of(m), &v);
}

void parse_l2(struct rte_mbuf *m)
{
    struct view v = view_of(m);
    if (!parse_quick_l2(pkt_of(m), &v))
        parse_view(pkt_of(m), &v);
}

void stage_parse(struct worker *w, enum pkt_depth depth, struct burst *b)
{
    (void)w;
    if (depth == PKT_DEPTH_PORT)
        return;
    for (uint16_t i = 0; i < b->n && i < 4; i++)
        rte_prefetch0(rte_pktmbuf_mtod(b->m[i], void *));
    for (uint16_t i = 0; i < b->n; i++) {
        if (i + 4 < b->n)
            rte_prefetch0(rte_pktmbuf_mtod(b->m[i + 4], void *));
        if (depth == PKT_DEPTH_L2)
            parse_l2(b->m[i]);
        else
            parse(b->m[i]);
    }
}
