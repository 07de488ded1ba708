/* control/gateway_send.c: what routers say themselves, and packets that waited. */
#include <string.h>

#include "control/gateway_priv.h"
#include "control/icmp.h"
#include "datapath/bridge.h"
#include "datapath/punt.h"
#include "datapath/worker.h"

enum { ETH = 14, TYPE4 = 0x0800, TYPE6 = 0x86dd };

static uint8_t *ip_of(struct rte_mbuf *m) { return rte_pktmbuf_mtod_offset(m, uint8_t *, ETH); }

static bool is_ip6(struct rte_mbuf *m) { return rte_pktmbuf_mtod(m, uint8_t *)[12] == 0x86; }

struct rte_mbuf *gw_frame(struct gateway *g, uint16_t ethertype, const void *p, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(g->sw->pool);
    uint8_t *f = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(ETH + len)) : NULL;
    if (f == NULL) {
        rte_pktmbuf_free(m);
        return NULL;
    }
    memset(rte_mbuf_to_priv(m), 0, sizeof(struct pkt));
    memset(f, 0, 12);
    f[12] = (uint8_t)(ethertype >> 8);
    f[13] = (uint8_t)ethertype;
    memcpy(f + ETH, p, len);
    return m;
}

void gw_drop(struct gateway *g, struct gw_if *i, struct rte_mbuf *m, enum drop_reason why)
{
    if (i == NULL || i->dp == NULL) {
        rte_pktmbuf_free(m);
        return;
    }
    struct worker *w = worker_borrow(g->sw, g->now); /* control counts there, too */
    worker_drop_at(w, i->dp->port, m, why);
    worker_return(w);
}

struct gw_if *gw_if_of(struct gateway *g, const struct route_note *n)
{
    struct gw_if *i = n->ifc < ROUTER_IFS_MAX ? &g->ifs[n->ifc] : NULL;
    return i != NULL && i->dp != NULL && i->dp->gen == n->gen && i->router != NULL ? i : NULL;
}

static struct gw_if *if_of_frame(struct gateway *g, const struct rte_mbuf *m)
{
    struct route_note n = route_note_get(m);
    return gw_if_of(g, &n);
}

void gw_send_to(struct gateway *g, struct gw_if *i, struct rte_mbuf *m, struct mac to)
{
    struct next_hop n = {.kind = NEXT_VIA, .ifc = i->dp};
    (void)g;
    route_rewrite(m, &n, mac_to_u64(to));
    (void)router_port_send(i->dp->port, m);
}

void gw_resolve(struct gateway *g, struct gw_if *out, const struct ip6 *ip, bool ip6,
                struct rte_mbuf *m)
{
    struct neigh_resolution r =
        neigh_resolve(g->neigh, gw_number(out), ip, ip6, (uint64_t)(uintptr_t)m, g->now);
    if (r.gave_way != 0)
        gw_drop(g, out, (struct rte_mbuf *)(uintptr_t)r.gave_way, DROP_ROUTE_NO_NEIGHBOUR);
    if (r.answer == NEIGH_KNOWN) {
        gw_send_to(g, out, m, r.mac);
    } else if (r.answer == NEIGH_REFUSED) {
        gw_send_error(g, if_of_frame(g, m), m, ICMP_HOST_UNREACHABLE, 0);
        gw_drop(g, out, m, DROP_ROUTE_NO_NEIGHBOUR);
    }
}

/* ---- a router's own packets ---- */

static struct ip6 dst_of(struct rte_mbuf *m, bool ip6)
{
    struct ip6 d = {{0}};
    memcpy(&d, ip_of(m) + (ip6 ? 24 : 16), ip6 ? 16 : 4);
    return d;
}

static uint32_t lookup(const struct gw_router *v, const struct ip6 *d, bool ip6)
{
    if (ip6)
        return fib_lookup6(v->dp->fib6, d);
    return fib_lookup4(v->dp->fib4, (uint32_t)d->b[0] << 24 | (uint32_t)d->b[1] << 16 |
                                        (uint32_t)d->b[2] << 8 | d->b[3]);
}

void gw_route_own(struct gateway *g, struct gw_if *i, struct rte_mbuf *m)
{
    bool ip6 = is_ip6(m);
    struct ip6 d = dst_of(m, ip6);
    if (ip6 && gw_is_link_local(&d)) {
        gw_resolve(g, i, &d, true, m);
        return;
    }
    uint32_t number = lookup(i->router, &d, ip6);
    struct next_hop *n = &g->r->next[number];
    if (n->kind == NEXT_GROUP) {
        number = ecmp_pick(n->group, d.b[3] ^ d.b[15]);
        n = &g->r->next[number];
    }
    if (n->kind == NEXT_LINK)
        gw_resolve(g, &g->ifs[n->ifc->number], &d, ip6, m);
    else if (n->kind == NEXT_VIA && g->by_next[number] != NULL)
        gw_resolve(g, g->by_next[number]->ifc, &g->by_next[number]->ip, ip6, m);
    else
        gw_drop(g, i, m, DROP_ROUTE_NO_ROUTE);
}

void gw_send_error(struct gateway *g, struct gw_if *i, const struct rte_mbuf *m, int what,
                   uint16_t mtu)
{
    uint8_t out[ICMP6_ERROR_MAX];
    struct rte_mbuf *orig = (struct rte_mbuf *)(uintptr_t)m;
    bool ip6 = is_ip6(orig);
    struct ip6 src = {{0}};
    if (i == NULL || m->data_len < ETH + (ip6 ? 40 : 20))
        return;
    memcpy(&src, ip_of(orig) + (ip6 ? 8 : 12), ip6 ? 16 : 4);
    const struct gw_addr *from = gw_if_source(i, &src, ip6);
    size_t n = from == NULL ? 0
                            : icmp_error((enum icmp_what)what, ip_of(orig), m->data_len - ETH, ip6,
                                         mtu, &from->ip, ICMP_TTL + 1, out, sizeof out);
    struct rte_mbuf *e = n > 0 ? gw_frame(g, ip6 ? TYPE6 : TYPE4, out, n) : NULL;
    if (e != NULL)
        gw_route_own(g, i, e);
}

/* ---- what the neighbour engine has to say ---- */

static void send_message(struct gateway *g, struct gw_if *i, const struct neigh_action *a)
{
    struct rte_mbuf *m = gw_frame(g, a->send.ethertype, a->send.bytes, a->send.len);
    if (m == NULL)
        return; /* it is asked for again */
    uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
    memcpy(f, &a->send.dst, 6);
    memcpy(f + 6, &a->send.src, 6);
    (void)router_port_send(i->dp->port, m);
}

static void tell(struct gateway *g, const struct gw_if *i, const struct neigh_action *a)
{
    static const char *const what[NEIGH_EVENTS] = {
        [NEIGH_EV_DUPLICATE] = "is another's already: it stays off",
        [NEIGH_EV_CONFLICT] = "is claimed by another, too: defended",
    };
    const uint8_t *b = a->ip.b, *o = a->event.mac.b;
    char ip[48];
    if (a->event.event == NEIGH_EV_USABLE)
        return;
    if (a->ip6)
        snprintf(ip, sizeof ip, "%x:...:%x", b[0] << 8 | b[1], b[14] << 8 | b[15]);
    else
        snprintf(ip, sizeof ip, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    log_line(g->log, LOG_LVL_WARNING,
             "router %s: %s: address %s %s (%02x:%02x:%02x:%02x:%02x:%02x)", i->router->name,
             i->dp->port->name, ip, what[a->event.event], o[0], o[1], o[2], o[3], o[4], o[5]);
}

static void act(struct gateway *g, struct gw_if *i, const struct neigh_action *a)
{
    struct rte_mbuf *m = (struct rte_mbuf *)(uintptr_t)a->packet.handle;
    switch (a->kind) {
    case NEIGH_UPDATE:
        gw_adj_update(g, i, a);
        break;
    case NEIGH_RELEASE:
        gw_send_to(g, i, m, a->packet.mac);
        break;
    case NEIGH_DROP:
        gw_send_error(g, if_of_frame(g, m), m, ICMP_HOST_UNREACHABLE, 0);
        gw_drop(g, i, m, DROP_ROUTE_NO_NEIGHBOUR);
        break;
    case NEIGH_SEND:
        send_message(g, i, a);
        break;
    case NEIGH_EVENT:
        tell(g, i, a);
        break;
    }
}

void gw_drain(struct gateway *g)
{
    struct neigh_action a;
    while (neigh_poll(g->neigh, &a))
        act(g, &g->ifs[a.interface], &a);
}
