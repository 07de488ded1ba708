/* route_local.c: what a router has to do with itself. It is looked at just long enough to know
 * whose it is; the rest is control's. Everything that goes there is policed first, by interface. */
#include "datapath/parse_internal.h"
#include "datapath/punt.h"
#include "datapath/route_internal.h"

enum { IP_VRRP = 112, UDP_BOOTPS = 67, UDP_DHCP6_SERVER = 547, ND_RS = 133, ND_REDIRECT = 137 };

/* Enough of a packet for the longest error that quotes it: 1280 (RFC 4443 section 2.4 (c)). */
enum { QUOTED_MAX = 14 + 1232 };

static const uint32_t rates[POLICE_CLASSES] = {
    [POLICE_REQUEST] = 1000, [POLICE_REPLY] = 2000, [POLICE_RESOLVE] = 1000,
    [POLICE_LOCAL] = 1000,   [POLICE_ERROR] = 200,
};
enum { VRRP_PER_S = 250 };

/* As punt.c's: when the bucket of a tenth of a second would be full again. */
static bool police(_Atomic nsec_t *full_at, uint32_t per_s, nsec_t now)
{
    nsec_t full = atomic_load_explicit(full_at, memory_order_relaxed);
    for (;;) {
        nsec_t from = full > now ? full : now;
        if (from - now >= NSEC_PER_SEC / 10)
            return false;
        if (atomic_compare_exchange_weak_explicit(full_at, &full, from + NSEC_PER_SEC / per_s,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

static void punt(struct route_burst *b, struct rte_mbuf *m, enum punt_class c, enum route_why why,
                 uint32_t next)
{
    int drop = DROP_PUNT_FULL;
    route_note_put(m, &(struct route_note){.ifc = b->ifc->number,
                                           .gen = b->ifc->gen,
                                           .why = why,
                                           .next = next});
    if (!worker_punt(b->w, c, m, &drop))
        route_drop(b, m, (enum drop_reason)drop);
}

static void punt_if(struct route_burst *b, struct rte_mbuf *m, enum router_police p,
                    enum punt_class c, enum route_why why, uint32_t next)
{
    if (police(&b->ifc->police[p], rates[p], b->w->now))
        punt(b, m, c, why, next);
    else
        route_drop(b, m, DROP_ROUTE_POLICED);
}

void route_resolve(struct route_burst *b, struct rte_mbuf *m, uint32_t next)
{
    punt_if(b, m, POLICE_RESOLVE, PUNT_NEIGH, ROUTE_WHY_RESOLVE, next);
}

/* ------------------------------------------------------------ errors */

static struct rte_mbuf *quote(struct worker *w, const struct rte_mbuf *m)
{
    struct rte_mbuf *c = rte_pktmbuf_alloc(w->sw->pool);
    uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)QUOTED_MAX);
    char *to = c != NULL ? rte_pktmbuf_append(c, (uint16_t)len) : NULL;
    if (to == NULL) {
        rte_pktmbuf_free(c);
        return NULL;
    }
    const void *from = rte_pktmbuf_read(m, 0, len, to);
    if (from != to)
        memcpy(to, from, len);
    *pkt_of(c) = *pkt_of((struct rte_mbuf *)(uintptr_t)m);
    return c;
}

void route_error(struct route_burst *b, struct rte_mbuf *m, enum route_why why, uint16_t mtu,
                 enum drop_reason drop)
{
    int no = 0;
    struct rte_mbuf *c = NULL;
    if (police(&b->ifc->police[POLICE_ERROR], rates[POLICE_ERROR], b->w->now))
        c = quote(b->w, m);
    if (c != NULL) {
        route_note_put(c, &(struct route_note){.ifc = b->ifc->number,
                                               .gen = b->ifc->gen,
                                               .why = why,
                                               .mtu = mtu});
        if (!worker_punt(b->w, PUNT_ROUTER, c, &no))
            rte_pktmbuf_free(c); /* the packet itself is counted */
    }
    route_drop(b, m, drop);
}

void route_error_about(struct worker *w, struct router_if *i, const struct rte_mbuf *m,
                       uint16_t tags, uint16_t mtu)
{
    int no = 0;
    if (!police(&i->police[POLICE_ERROR], rates[POLICE_ERROR], w->now))
        return;
    struct rte_mbuf *c = quote(w, m);
    if (c == NULL)
        return;
    char *b = rte_pktmbuf_mtod(c, char *);
    memmove(b + tags, b, 12);
    rte_pktmbuf_adj(c, tags);
    route_note_put(c, &(struct route_note){.ifc = i->number,
                                           .gen = i->gen,
                                           .why = ROUTE_WHY_TOO_BIG,
                                           .mtu = mtu});
    if (!worker_punt(w, PUNT_ROUTER, c, &no))
        rte_pktmbuf_free(c); /* the packet itself is counted */
}

/* ------------------------------------------------------------ neighbours */

static enum next_kind owner4(const struct route_burst *b, const uint8_t *ip,
                             const struct next_hop **n)
{
    uint32_t a = (uint32_t)get16(ip) << 16 | get16(ip + 2);
    *n = &b->r->next[fib_lookup4(b->v->fib4, a)];
    return (*n)->ifc == b->ifc ? (enum next_kind)(*n)->kind : NEXT_NONE;
}

static enum next_kind owner6(const struct route_burst *b, const uint8_t *ip)
{
    struct ip6 a;
    memcpy(&a, ip, sizeof a);
    const struct next_hop *n = &b->r->next[fib_lookup6(b->v->fib6, &a)];
    return n->ifc == b->ifc ? (enum next_kind)n->kind : NEXT_NONE;
}

static bool ours(enum next_kind k) { return k == NEXT_LOCAL || k == NEXT_ANSWER; }

/* From another host's side of an anycast gateway: its own router answers there. */
static bool from_afar(const struct route_burst *b, const struct rte_mbuf *m)
{
    const struct port *in = pkt_of((struct rte_mbuf *)(uintptr_t)m)->in_port;
    return atomic_load_explicit(&b->ifc->local_only, memory_order_relaxed) && in != NULL &&
           in->tunnel != NULL;
}

/* To control: who asks for us, answers us, claims our address, or is a neighbour that has moved.
 * The rest of what a VLAN's stations ask each other is no news. */
static void arp(struct route_burst *b, struct rte_mbuf *m, uint64_t dst)
{
    const uint8_t *a = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    const struct next_hop *n;
    if (m->data_len < 14 + 28) {
        route_drop(b, m, DROP_ROUTE_BAD_IP);
        return;
    }
    bool request = get16(a + 6) == 1, to_us = route_is_mine(b->ifc, dst);
    bool wanted = to_us || ours(owner4(b, a + 24, &n)) || ours(owner4(b, a + 14, &n));
    if (!wanted && owner4(b, a + 14, &n) == NEXT_VIA) {
        uint64_t sha = (uint64_t)get16(a + 8) << 32 | (uint64_t)get16(a + 10) << 16 | get16(a + 12);
        wanted = atomic_load(&n->mac) != (sha | NEXT_KNOWN);
    }
    if (!wanted || (request && from_afar(b, m)))
        route_drop(b, m, DROP_ROUTE_NOT_MINE);
    else
        punt_if(b, m, request || !to_us ? POLICE_REQUEST : POLICE_REPLY, PUNT_NEIGH,
                ROUTE_WHY_NEIGH, 0);
}

static void nd(struct route_burst *b, struct rte_mbuf *m)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    uint8_t type = m->data_len > 54 ? ip[40] : 0;
    bool about = m->data_len >= 54 + 24, wanted = type == ND_RS;
    bool reply = type == ICMPV6_NA && ip[24] != 0xff;
    if (type == ICMPV6_NS && about)
        wanted =
            (ip[48] == 0xfe && !from_afar(b, m)) || (ours(owner6(b, ip + 48)) && !from_afar(b, m));
    else if (type == ICMPV6_NA && about)
        wanted = true;
    if (!wanted || ip[7] != 255) /* RFC 4861 section 7.1: never forwarded */
        route_drop(b, m, DROP_ROUTE_NOT_MINE);
    else
        punt_if(b, m, reply ? POLICE_REPLY : POLICE_REQUEST, PUNT_NEIGH, ROUTE_WHY_NEIGH, 0);
}

static bool is_nd(const struct rte_mbuf *m)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    return m->data_len > 54 && ip[6] == IP_ICMPV6 && ip[40] >= ND_RS && ip[40] <= ND_REDIRECT;
}

/* ------------------------------------------------------------ for us */

static void vrrp(struct route_burst *b, struct rte_mbuf *m, bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    unsigned at = ip6 ? 40 : (ip[0] & 15u) * 4;
    if (m->data_len < 14 + at + 8) {
        route_drop(b, m, DROP_ROUTE_BAD_IP);
        return;
    }
    uint8_t vrid = ip[at + 1];
    if (!vrid_bit(b->ifc->vrids[ip6], vrid))
        route_drop(b, m, DROP_ROUTE_VRRP_UNKNOWN);
    else if (!police(&b->ifc->police_vrid[ip6][vrid], VRRP_PER_S, b->w->now))
        route_drop(b, m, DROP_ROUTE_POLICED);
    else
        punt(b, m, PUNT_PROTO, ROUTE_WHY_VRRP, 0);
}

/* The protocol; IPv6 with extension headers says theirs. */
static uint8_t proto_of(const struct rte_mbuf *m, bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    return ip6 ? ip[6] : ip[9];
}

void route_local(struct route_burst *b, struct rte_mbuf *m, bool ip6)
{
    if (ip6 && is_nd(m))
        nd(b, m);
    else if (proto_of(m, ip6) == IP_VRRP)
        vrrp(b, m, ip6);
    else
        punt_if(b, m, POLICE_LOCAL, PUNT_ROUTER, ROUTE_WHY_LOCAL, 0);
}

static bool is_dhcp(const struct route_burst *b, const struct rte_mbuf *m, bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
    unsigned at = ip6 ? 40 : (ip[0] & 15u) * 4;
    if (!atomic_load_explicit(&b->ifc->relay, memory_order_relaxed) || proto_of(m, ip6) != IP_UDP ||
        m->data_len < 14 + at + 8)
        return false;
    return get16(ip + at + 2) == (ip6 ? UDP_DHCP6_SERVER : UDP_BOOTPS);
}

/* To a group, or to all. */
static void multicast(struct route_burst *b, struct rte_mbuf *m, bool ip6)
{
    unsigned header = ip6 ? 54 : 34;
    if (m->data_len < header)
        route_drop(b, m, DROP_ROUTE_BAD_IP);
    else if (ip6 && is_nd(m))
        nd(b, m);
    else if (proto_of(m, ip6) == IP_VRRP)
        vrrp(b, m, ip6);
    else if (is_dhcp(b, m, ip6))
        punt_if(b, m, POLICE_LOCAL, PUNT_ROUTER, ROUTE_WHY_LOCAL, 0);
    else
        route_drop(b, m, DROP_ROUTE_MULTICAST);
}

void route_control(struct route_burst *b, struct rte_mbuf *m, uint16_t type, uint64_t dst)
{
    bool group = (dst >> 40 & 1) != 0;
    if (!group && !route_is_mine(b->ifc, dst))
        route_drop(b, m, DROP_ROUTE_NOT_MINE);
    else if (type == TYPE_ARP)
        arp(b, m, dst);
    else if (type == TYPE_IPV4 || type == TYPE_IPV6)
        multicast(b, m, type == TYPE_IPV6);
    else
        route_drop(b, m, DROP_ROUTE_NOT_IP);
}
