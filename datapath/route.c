/* route.c: the route stage. What bridges gave to routers' ports, a burst of one interface at a
 * time: is it for this router, where does it go, what must be changed. */
#include <rte_prefetch.h>

#include "base/csum.h"
#include "datapath/hash.h"
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "datapath/route_internal.h"

/* ------------------------------------------------------------ in */

uint16_t router_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct worker *w = worker_mine(p->sw);
    uint16_t i = 0;
    (void)queue;
    for (; i < n && w->n_routed < ROUTED_MAX; i++)
        w->routed[w->n_routed++] = (struct routed){.m = m[i], .ifc = p->router};
    return i;
}

bool route_is_mine(const struct router_if *ifc, uint64_t mac)
{
    if (mac == ifc->mac)
        return true;
    uint64_t prefix = mac & ~UINT64_C(0xff);
    if (prefix == router_vmac(false, 0))
        return vrid_bit(ifc->gate[0], (uint8_t)mac);
    return prefix == router_vmac(true, 0) && vrid_bit(ifc->gate[1], (uint8_t)mac);
}

/* One's complement sum of the header. */
static bool sum_is_right(const uint8_t *ip, unsigned len)
{
    return csum_finish(csum_add(0, ip, len)) == 0;
}

/* RFC 1812 section 5.3.7, RFC 2827's obvious part. Host order. */
static bool absurd4(uint32_t ip, bool source)
{
    uint8_t net = (uint8_t)(ip >> 24);
    return net == 0 || net == 127 || net >= (source ? 224 : 240);
}

/* DROP_COUNT: a packet to be routed. RFC 1812 section 5.2.2. */
static enum drop_reason check4(const struct rte_mbuf *m)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    unsigned ihl = (ip[0] & 15u) * 4, total = get16(ip + 2);
    if (m->data_len < 34 || ip[0] >> 4 != 4 || ihl < 20 || m->data_len < 14 + ihl || total < ihl ||
        total > m->pkt_len - 14 || !sum_is_right(ip, ihl))
        return DROP_ROUTE_BAD_IP;
    uint32_t src = (uint32_t)get16(ip + 12) << 16 | get16(ip + 14);
    uint32_t dst = (uint32_t)get16(ip + 16) << 16 | get16(ip + 18);
    if (absurd4(src, true) || absurd4(dst, false))
        return DROP_ROUTE_MARTIAN;
    return dst >> 28 == 14 ? DROP_ROUTE_MULTICAST : DROP_COUNT;
}

/* RFC 4291 sections 2.5.2, 2.5.3, 2.7; RFC 8200 section 3. */
static enum drop_reason check6(const struct rte_mbuf *m)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    static const uint8_t zero[15];
    if (m->data_len < 54 || ip[0] >> 4 != 6 || get16(ip + 4) + 54u > m->pkt_len)
        return DROP_ROUTE_BAD_IP;
    bool low_src = memcmp(ip + 8, zero, 15) == 0 && ip[23] <= 1;
    bool low_dst = memcmp(ip + 24, zero, 15) == 0 && ip[39] <= 1;
    if (ip[8] == 0xff || low_src || low_dst)
        return DROP_ROUTE_MARTIAN;
    return ip[24] == 0xff ? DROP_ROUTE_MULTICAST : DROP_COUNT;
}

static bool link_local(const uint8_t *a) { return a[0] == 0xfe && (a[1] & 0xc0) == 0x80; }

/* RFC 4291 section 2.5.6: it stays on its link; to us it may come. */
static void from_link_local(struct route_burst *b, struct rte_mbuf *m)
{
    struct ip6 dst;
    memcpy(&dst, rte_pktmbuf_mtod_offset(m, const uint8_t *, 38), sizeof dst);
    if (b->r->next[fib_lookup6(b->v->fib6, &dst)].kind == NEXT_LOCAL)
        route_local(b, m, true);
    else
        route_drop(b, m, DROP_ROUTE_MARTIAN);
}

static void sort_one(struct route_burst *b, struct rte_mbuf *m)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    uint64_t dst = (uint64_t)get16(f) << 32 | (uint64_t)get16(f + 2) << 16 | get16(f + 4);
    uint16_t type = get16(f + 12);
    if (!route_is_mine(b->ifc, dst) || type == TYPE_ARP) {
        route_control(b, m, type, dst);
        return;
    }
    enum drop_reason why = type == TYPE_IPV4   ? check4(m)
                           : type == TYPE_IPV6 ? check6(m)
                                               : DROP_ROUTE_NOT_IP;
    if (__builtin_expect(why != DROP_COUNT, 0)) {
        route_drop(b, m, why);
    } else if (type == TYPE_IPV4) {
        b->ip4[b->n4] = (uint32_t)get16(f + 30) << 16 | get16(f + 32);
        b->m4[b->n4++] = m;
    } else if (__builtin_expect(link_local(f + 38), 0)) {
        route_local(b, m, true);
    } else if (__builtin_expect(link_local(f + 22), 0)) {
        from_link_local(b, m);
    } else {
        memcpy(&b->ip6[b->n6], f + 38, sizeof(struct ip6));
        b->m6[b->n6++] = m;
    }
}

/* ------------------------------------------------------------ where to */

/* Of what a flow has in common: a flow stays on its path. */
static uint32_t flow_hash(const struct route_burst *b, const struct rte_mbuf *m, bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    uint64_t k[5] = {0};
    unsigned l4 = ip6 ? 54 : 14 + (ip[0] & 15u) * 4;
    uint8_t proto = ip6 ? ip[6] : ip[9];
    bool fragment = !ip6 && (get16(ip + 6) & 0x3fff) != 0;
    memcpy(k, ip + (ip6 ? 8 : 12), ip6 ? 32 : 8);
    k[4] = proto;
    if (!fragment && (proto == IP_TCP || proto == IP_UDP || proto == IP_SCTP) &&
        m->data_len >= l4 + 4) {
        uint32_t ports;
        memcpy(&ports, rte_pktmbuf_mtod_offset(m, const uint8_t *, l4), 4);
        k[4] |= (uint64_t)ports << 8;
    }
    return (uint32_t)hash_words(k, 5, b->r->hash_key);
}

static struct next_hop *resolve_group(const struct route_burst *b, const struct rte_mbuf *m,
                                      bool ip6, uint32_t *number)
{
    struct next_hop *n = &b->r->next[*number];
    if (__builtin_expect(n->kind != NEXT_GROUP, 1))
        return n;
    *number = ecmp_pick(n->group, flow_hash(b, m, ip6));
    return &b->r->next[*number];
}

/* Longer than the way out allows? A frame to be cut counts as what it will be cut to. */
static bool too_big(const struct rte_mbuf *m, unsigned len, uint16_t mtu)
{
    if (__builtin_expect(len <= mtu, 1))
        return false;
    if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
        return (uint32_t)m->l3_len + m->l4_len + m->tso_segsz > mtu;
    return true;
}

/* The TTL's two bytes with the protocol: RFC 1624. */
static void ip4_down(uint8_t *ip)
{
    uint32_t sum = (uint32_t)get16(ip + 10) + 0x100;
    put16(ip + 10, (uint16_t)(sum + (sum >> 16)));
    ip[8]--;
}

void route_rewrite(struct rte_mbuf *m, const struct next_hop *n, uint64_t mac)
{
    uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
    uint64_t dst = __builtin_bswap64(mac << 16), src = __builtin_bswap64(n->ifc->mac << 16);
    memcpy(f, &dst, 6);
    memcpy(f + 6, &src, 6);
    if (f[12] == 0x08)
        ip4_down(f + 14);
    else
        f[14 + 7]--;
}

/* ------------------------------------------------------------ out */

static void out_flush(struct route_burst *b)
{
    if (b->out.n == 0)
        return;
    struct port *p = b->out_port;
    struct port_stats *s = &p->stats[b->w->index];
    for (uint16_t i = 0; i < b->out.n; i++)
        s->rx_bytes += b->out.m[i]->pkt_len;
    s->rx_packets += b->out.n;
    if (p->bridge != NULL)
        pipeline_run(b->w, p, &b->out);
    for (uint16_t i = 0; p->bridge == NULL && i < b->out.n; i++)
        worker_drop_in(b->w, p, b->out.m[i], DROP_NO_BRIDGE);
    b->out.n = 0;
}

static void out_put(struct route_burst *b, struct port *p, struct rte_mbuf *m)
{
    if (p != b->out_port || b->out.n == WEFT_BURST)
        out_flush(b);
    b->out_port = p;
    b->out.m[b->out.n++] = m;
}

void route_via(struct route_burst *b, struct rte_mbuf *m, struct next_hop *n, uint32_t number,
               bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    unsigned len = ip6 ? get16(ip + 4) + 40u : get16(ip + 2);
    uint64_t mac = atomic_load_explicit(&n->mac, memory_order_acquire);
    if (__builtin_expect((ip6 ? ip[7] : ip[8]) <= 1, 0)) {
        route_error(b, m, ROUTE_WHY_TTL, 0, DROP_ROUTE_TTL);
        return;
    }
    if (__builtin_expect(too_big(m, len, n->ifc->port->mtu), 0)) {
        route_too_big(b, m, n, number, ip6);
        return;
    }
    if (__builtin_expect((mac & NEXT_KNOWN) == 0, 0)) {
        route_resolve(b, m, number);
        return;
    }
    if (__builtin_expect(!atomic_load_explicit(&n->used, memory_order_relaxed), 0))
        atomic_store_explicit(&n->used, 1, memory_order_relaxed);
    route_rewrite(m, n, mac);
    out_put(b, n->ifc->port, m);
}

/* RFC 3704: does the way back lead here (strict), or anywhere (loose)? */
static bool source_is_right(struct route_burst *b, const struct router *v, struct rte_mbuf *m,
                            bool ip6, uint8_t mode)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    struct ip6 src = {{0}};
    memcpy(&src, ip + (ip6 ? 8 : 12), ip6 ? 16 : 4);
    uint32_t number = ip6 ? fib_lookup6(v->fib6, &src)
                          : fib_lookup4(v->fib4, (uint32_t)get16(src.b) << 16 | get16(src.b + 2));
    const struct next_hop *n = &b->r->next[number];
    if (n->kind == NEXT_VIA || n->kind == NEXT_LINK)
        return mode == URPF_LOOSE || n->ifc == b->ifc;
    for (unsigned i = 0; n->kind == NEXT_GROUP && i < n->group->buckets; i++) {
        const struct next_hop *one = &b->r->next[n->group->bucket[i]];
        if (mode == URPF_LOOSE || one->ifc == b->ifc)
            return true;
    }
    return false;
}

static void decide(struct route_burst *b, struct rte_mbuf *m, uint32_t number, bool ip6)
{
    struct next_hop *n = resolve_group(b, m, ip6, &number);
    uint8_t urpf = atomic_load_explicit(&b->ifc->urpf, memory_order_relaxed);
    if (__builtin_expect(urpf != URPF_OFF, 0) && !source_is_right(b, b->v, m, ip6, urpf)) {
        route_drop(b, m, DROP_ROUTE_URPF);
        return;
    }
    switch (n->kind) {
    case NEXT_VIA:
        route_via(b, m, n, number, ip6);
        break;
    case NEXT_LOCAL:
        route_local(b, m, ip6);
        break;
    case NEXT_LINK:
        route_resolve(b, m, number);
        break;
    case NEXT_ANSWER:
        route_drop(b, m, DROP_ROUTE_NOT_TAKEN);
        break;
    case NEXT_BLACKHOLE:
        route_drop(b, m, DROP_ROUTE_BLACKHOLE);
        break;
    default:
        route_error(b, m, ROUTE_WHY_NO_ROUTE, 0, DROP_ROUTE_NO_ROUTE);
    }
}

/* ------------------------------------------------------------ a burst */

static void route_burst(struct worker *w, struct router_if *ifc, const struct routed *in,
                        uint16_t n)
{
    struct route_burst b;
    uint32_t next[WEFT_BURST];
    b.w = w;
    b.ifc = ifc;
    b.r = w->sw->routing;
    b.v = atomic_load_explicit(&ifc->router, memory_order_acquire);
    b.n4 = b.n6 = b.out.n = 0;
    b.out_port = NULL;
    for (uint16_t i = 0; i < n; i++)
        rte_prefetch0(rte_pktmbuf_mtod(in[i].m, const void *));
    for (uint16_t i = 0; i < n; i++) {
        if (b.v == NULL)
            route_drop(&b, in[i].m, DROP_ROUTE_DOWN);
        else
            sort_one(&b, in[i].m);
    }
    if (b.n4 > 0)
        fib_lookup4_burst(b.v->fib4, b.ip4, next, b.n4);
    for (uint16_t i = 0; i < b.n4; i++)
        rte_prefetch0(&b.r->next[next[i]]);
    for (uint16_t i = 0; i < b.n4; i++)
        decide(&b, b.m4[i], next[i], false);
    if (b.n6 > 0)
        fib_lookup6_burst(b.v->fib6, b.ip6, next, b.n6);
    for (uint16_t i = 0; i < b.n6; i++)
        decide(&b, b.m6[i], next[i], true);
    out_flush(&b);
}

/* What comes behind what is taken was routed into another router. A loop ends by the TTL. */
void stage_route(struct worker *w)
{
    for (uint16_t at = 0, n; at < w->n_routed; at = (uint16_t)(at + n)) {
        struct router_if *ifc = w->routed[at].ifc;
        struct routed in[WEFT_BURST];
        for (n = 0; at + n < w->n_routed && n < WEFT_BURST && w->routed[at + n].ifc == ifc; n++)
            in[n] = w->routed[at + n];
        route_burst(w, ifc, in, n);
    }
    w->n_routed = 0;
}
