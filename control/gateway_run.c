/* control/gateway_run.c: the protocol thread's turn for routers. */
#include <string.h>

#include "control/gateway_priv.h"
#include "control/icmp.h"
#include "datapath/bridge.h"
#include "datapath/punt.h"

enum { ROUTER_SOLICITATION = 133 };
enum { ETH = 14, DF = 0x4000, BATCH = 32, ROUNDS = 8 };

static uint16_t at16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* ---- neighbours ---- */

static void hear(struct gateway *g, struct gw_if *i, struct rte_mbuf *m)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    struct mac from;
    memcpy(&from, f + 6, sizeof from);
    if (at16(f + 12) == 0x86dd && m->data_len > ETH + 40 && f[ETH + 40] == ROUTER_SOLICITATION)
        gw_ra_asked(g, i);
    (void)neigh_rx(g->neigh, gw_number(i), at16(f + 12), from, f + ETH, m->data_len - ETH, g->now);
    rte_pktmbuf_free(m);
}

/* A packet that no worker has looked at as one that leaves: RFC 1812 section 5.3.1, RFC 1191. */
static bool may_leave(struct gateway *g, struct gw_if *in, struct gw_if *out, struct rte_mbuf *m,
                      bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH);
    unsigned len = ip6 ? at16(ip + 4) + 40u : at16(ip + 2);
    bool cut = (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0;
    if ((ip6 ? ip[7] : ip[8]) <= 1) {
        gw_send_error(g, in, m, ICMP_TTL_EXCEEDED, 0);
        gw_drop(g, in, m, DROP_ROUTE_TTL);
        return false;
    }
    if (len > out->dp->port->mtu && !cut && !ip6 && (at16(ip + 6) & DF) == 0) {
        /* A worker will cut those behind it, when the neighbour is known. */
        struct ip6 to = {{0}};
        memcpy(&to, ip + 16, 4);
        (void)neigh_resolve(g->neigh, gw_number(out), &to, false, 0, g->now);
        gw_drop(g, in, m, DROP_ROUTE_NO_NEIGHBOUR);
        return false;
    }
    if (len > out->dp->port->mtu && !cut) {
        gw_send_error(g, in, m, ICMP_TOO_BIG, out->dp->port->mtu);
        gw_drop(g, in, m, DROP_ROUTE_TOO_BIG);
        return false;
    }
    return true;
}

/* By a gateway, or (on the link) to its destination itself. */
static void resolve(struct gateway *g, struct gw_if *in, struct rte_mbuf *m, uint32_t number)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    bool ip6 = f[12] == 0x86;
    const struct next_hop *n = &g->r->next[number < g->r->n_given ? number : 0];
    const struct gw_adj *a = g->by_next[number % ROUTER_NEXTS_MAX];
    struct gw_if *out = n->ifc != NULL ? &g->ifs[n->ifc->number] : NULL;
    struct ip6 ip = {{0}};
    memcpy(&ip, f + ETH + (ip6 ? 24 : 16), ip6 ? 16 : 4);
    if (n->kind == NEXT_VIA && a != NULL)
        ip = a->ip;
    else if (n->kind != NEXT_LINK)
        out = NULL; /* that route has gone meanwhile */
    if (out == NULL || out->dp != n->ifc || out->router == NULL)
        gw_drop(g, in, m, DROP_ROUTE_NO_NEIGHBOUR);
    else if (may_leave(g, in, out, m, ip6))
        gw_resolve(g, out, &ip, ip6, m);
}

static void neighbours(struct gateway *g, struct rte_mbuf *m)
{
    struct route_note n = route_note_get(m);
    struct gw_if *i = gw_if_of(g, &n);
    if (i == NULL)
        rte_pktmbuf_free(m); /* its interface has gone since */
    else if (n.why == ROUTE_WHY_RESOLVE)
        resolve(g, i, m, n.next);
    else
        hear(g, i, m);
}

/* ---- to a router ---- */

static bool is_ours(const struct gateway *g, const struct gw_if *i, const uint8_t *ip, bool ip6)
{
    struct ip6 d = {{0}};
    memcpy(&d, ip + (ip6 ? 24 : 16), ip6 ? 16 : 4);
    if (!(ip6 && gw_is_link_local(&d)))
        return true; /* the FIB said so */
    for (unsigned k = 0; k < i->n_addrs; k++)
        if (i->addr[k].ip6 && memcmp(&i->addr[k].ip, &d, sizeof d) == 0)
            return true;
    return gw_vrrp_takes(g, i, &d);
}

static void local(struct gateway *g, struct gw_if *i, struct rte_mbuf *m)
{
    uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
    bool ip6 = f[12] == 0x86;
    size_t len = m->data_len - ETH;
    enum icmp_what what;
    if (!is_ours(g, i, f + ETH, ip6)) {
        gw_drop(g, i, m, DROP_ROUTE_NOT_TAKEN);
    } else if (icmp_echo(f + ETH, len, ip6, ICMP_TTL + 1)) {
        gw_route_own(g, i, m);
    } else {
        if (icmp_refusal(f + ETH, len, ip6, &what))
            gw_send_error(g, i, m, what, 0);
        gw_drop(g, i, m, DROP_ROUTE_NOT_TAKEN);
    }
}

static void to_router(struct gateway *g, struct rte_mbuf *m)
{
    static const enum icmp_what errors[ROUTE_WHY_COUNT] = {
        [ROUTE_WHY_TTL] = ICMP_TTL_EXCEEDED,
        [ROUTE_WHY_TOO_BIG] = ICMP_TOO_BIG,
        [ROUTE_WHY_NO_ROUTE] = ICMP_NO_ROUTE,
    };
    struct route_note n = route_note_get(m);
    struct gw_if *i = gw_if_of(g, &n);
    if (i != NULL && n.why == ROUTE_WHY_LOCAL) {
        local(g, i, m);
        return;
    }
    if (i != NULL &&
        (n.why == ROUTE_WHY_TTL || n.why == ROUTE_WHY_TOO_BIG || n.why == ROUTE_WHY_NO_ROUTE))
        gw_send_error(g, i, m, errors[n.why], n.mtu);
    rte_pktmbuf_free(m);
}

/* ---- a turn ---- */

/* True: there may be more. */
static bool drain(struct gateway *g, enum punt_class c,
                  void (*fn)(struct gateway *, struct rte_mbuf *))
{
    struct rte_mbuf *m[BATCH];
    unsigned n = BATCH;
    for (unsigned round = 0; round < ROUNDS && n == BATCH; round++) {
        n = punt_take(g->sw->punt, c, m, BATCH);
        for (unsigned k = 0; k < n; k++)
            fn(g, m[k]);
        if (g->neigh != NULL)
            gw_drain(g);
    }
    return n == BATCH;
}

nsec_t gateway_run(struct gateway *g, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    pthread_mutex_lock(&g->lock);
    g->now = now;
    bool more = drain(g, PUNT_NEIGH, neighbours);
    more = drain(g, PUNT_ROUTER, to_router) || more;
    if (g->neigh != NULL) {
        if (now >= g->used_due) {
            gw_adj_used(g);
            g->used_due = now + NSEC_PER_SEC;
        }
        neigh_tick(g->neigh, now);
        gw_drain(g);
        due = neigh_deadline(g->neigh);
        nsec_t adverts = gw_ra_run(g);
        due = adverts < due ? adverts : due;
        if (g->n_adjs > 0 && g->used_due < due)
            due = g->used_due;
    }
    if (g->vrrp != NULL) {
        nsec_t tracks = gw_tracks_run(g);
        vrrp_tick(g->vrrp, now);
        gw_vrrp_drain(g);
        nsec_t next = vrrp_deadline(g->vrrp);
        due = tracks < due ? tracks : due;
        due = next < due ? next : due;
    }
    pthread_mutex_unlock(&g->lock);
    return more ? now : due;
}
