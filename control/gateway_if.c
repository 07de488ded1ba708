/* control/gateway_if.c: a port of kind "router" becomes an interface with addresses. */
#include <errno.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/gateway_priv.h"
#include "datapath/bridge.h"

/* Gratuitous ARP or unsolicited NA when an address comes up. */
enum { ANNOUNCE = 2 };

/* ---- addresses ---- */

static struct ip6 broadcast_of(const struct gw_addr *a)
{
    struct ip6 b = a->ip;
    for (unsigned bit = a->len; bit < 32; bit++)
        b.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
    return b;
}

/* Routes of an address: to us, to its subnet, and none to the subnet's own and broadcast address
 * (RFC 2644). on false: they go. */
static int routes(struct gateway *g, struct gw_if *i, const struct gw_addr *a, bool on)
{
    struct rib *rib = i->router->rib[a->ip6];
    uint8_t whole = a->ip6 ? 128 : 32;
    struct ip6 net = gw_network(&a->ip, a->len), bc = broadcast_of(a);
    if (a->ip6 && gw_is_link_local(&a->ip))
        return 0; /* not routed; the fast path knows them by their prefix */
    int r = rib_set(rib, &a->ip, whole, RIB_LOCAL, on ? i->local_next : 0);
    if (r == 0 && a->len < whole)
        r = rib_set(rib, &net, a->len, RIB_CONNECTED, on ? i->link_next : 0);
    if (r == 0 && !a->ip6 && a->len <= 30)
        r = rib_set(rib, &net, 32, RIB_CONNECTED, on ? g->blackhole : 0);
    if (r == 0 && !a->ip6 && a->len <= 30)
        r = rib_set(rib, &bc, 32, RIB_CONNECTED, on ? g->blackhole : 0);
    return r;
}

static int add(struct gateway *g, struct gw_if *i, const struct gw_addr *a, struct errbuf *e)
{
    struct neigh_address n = {.interface = gw_number(i),
                              .ip6 = a->ip6,
                              .ip = a->ip,
                              .prefix_len = a->len,
                              .mac = i->mac,
                              .enabled = true,
                              .probe = i->dad,
                              .announce = ANNOUNCE};
    if (i->n_addrs == GW_ADDRS_MAX)
        return errbuf_set(e, ENOSPC, "port %s: more than %d addresses", i->dp->port->name,
                          GW_ADDRS_MAX - 1);
    int r = neigh_address_set(g->neigh, &n, g->now, e);
    if (r < 0)
        return r;
    i->addr[i->n_addrs++] = *a;
    r = routes(g, i, a, true);
    return r < 0 ? errbuf_set(e, -r,
                              "port %s: no room for the routes of its addresses; raise "
                              "max_routes of router %s",
                              i->dp->port->name, i->router->name)
                 : 0;
}

static void del(struct gateway *g, struct gw_if *i, unsigned k)
{
    struct gw_addr a = i->addr[k];
    (void)neigh_address_del(g->neigh, gw_number(i), &a.ip, a.ip6, g->now);
    memmove(&i->addr[k], &i->addr[k + 1], (--i->n_addrs - k) * sizeof i->addr[0]);
    (void)routes(g, i, &a, false);
    /* Another address of the same subnet keeps it. */
    for (unsigned j = 0; j < i->n_addrs; j++)
        (void)routes(g, i, &i->addr[j], true);
}

/* ---- up and down ---- */

static void neigh_up(struct gateway *g, struct gw_if *i, bool up)
{
    struct neigh_interface n = neigh_interface_default();
    struct errbuf e;
    n.up = up;
    (void)neigh_interface(g->neigh, gw_number(i), &n, g->now, &e);
}

/* The interface's MAC belongs to it in its VLAN, whatever a station there claims. */
static void own_mac(struct gateway *g, struct gw_if *i, bool on)
{
    struct port *p = i->dp->port;
    if (p->bridge == NULL)
        return;
    if (on)
        (void)fdb_add_static(p->bridge->fdb, i->vlan, i->mac, p->index, g->now);
    else
        (void)fdb_del(p->bridge->fdb, i->vlan, i->mac);
}

void gw_if_down(struct gateway *g, struct gw_if *i)
{
    struct errbuf e;
    if (i->router == NULL)
        return;
    (void)gw_vrrp_apply(g, i, NULL, &e);
    gw_ra_apply(g, i, NULL);
    atomic_store_explicit(&i->dp->router, NULL, memory_order_release);
    while (i->n_addrs > 0)
        del(g, i, i->n_addrs - 1);
    neigh_up(g, i, false);
    gw_drain(g);
    gw_statics_leave(g, i);
    gw_kernel_leave(g, i->router, i);
    own_mac(g, i, false);
    next_free(g->r, i->local_next);
    next_free(g->r, i->link_next);
    next_free(g->r, i->answer_next);
    i->local_next = i->link_next = i->answer_next = 0;
    i->router = NULL;
}

static int bring_up(struct gateway *g, struct gw_if *i, struct gw_router *v, struct errbuf *e)
{
    i->local_next = next_new(g->r, &(struct next_hop){.kind = NEXT_LOCAL, .ifc = i->dp});
    i->link_next = next_new(g->r, &(struct next_hop){.kind = NEXT_LINK, .ifc = i->dp});
    i->answer_next = next_new(g->r, &(struct next_hop){.kind = NEXT_ANSWER, .ifc = i->dp});
    if (i->local_next == 0 || i->link_next == 0 || i->answer_next == 0)
        return errbuf_set(e, ENOSPC, "port %s: there are %d next hops already", i->dp->port->name,
                          ROUTER_NEXTS_MAX);
    i->router = v;
    own_mac(g, i, true);
    atomic_store_explicit(&i->dp->router, v->dp, memory_order_release);
    return 0;
}

/* ---- following ---- */

/* Every interface that speaks IPv6 has a link-local address (RFC 4291 section 2.8). */
static struct gw_addr link_local(struct mac m)
{
    return (struct gw_addr){.ip6 = true,
                            .len = 64,
                            .ip = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, m.b[0] ^ 2, m.b[1], m.b[2], 0xff,
                                    0xfe, m.b[3], m.b[4], m.b[5]}}};
}

static unsigned wanted_addrs(const struct config_port *cp, struct mac mac, struct gw_addr *out)
{
    unsigned n = 0;
    bool ip6 = false, local = false;
    for (unsigned k = 0; k < cp->addresses_count && n < GW_ADDRS_MAX - 1; k++) {
        struct gw_addr *a = &out[n];
        if (!config_ip(cp->addresses[k], &a->ip, &a->ip6, &a->len))
            continue; /* checked before */
        ip6 = ip6 || a->ip6;
        local = local || (a->ip6 && gw_is_link_local(&a->ip));
        n++;
    }
    if (ip6 && !local)
        out[n++] = link_local(mac);
    return n;
}

static bool has(const struct gw_addr *list, unsigned n, const struct gw_addr *a)
{
    for (unsigned k = 0; k < n; k++)
        if (list[k].ip6 == a->ip6 && list[k].len == a->len &&
            memcmp(&list[k].ip, &a->ip, sizeof a->ip) == 0)
            return true;
    return false;
}

static int follow_addrs(struct gateway *g, struct gw_if *i, const struct config_port *cp,
                        struct errbuf *e)
{
    struct gw_addr want[GW_ADDRS_MAX];
    unsigned n = wanted_addrs(cp, i->mac, want);
    int r = 0;
    for (unsigned k = i->n_addrs; k-- > 0;)
        if (!has(want, n, &i->addr[k]))
            del(g, i, k);
    for (unsigned k = 0; r == 0 && k < n; k++)
        if (!has(i->addr, i->n_addrs, &want[k]))
            r = add(g, i, &want[k], e);
    return r;
}

/* Those of the configuration: what isn't there any more is asked for again. */
static int follow_neighbours(struct gateway *g, struct gw_if *i, const struct config_port *cp,
                             struct errbuf *e)
{
    struct ip6 ip;
    struct mac mac;
    bool ip6;
    int r = 0;
    for (unsigned k = 0; k < i->n_statics; k++)
        (void)neigh_forget(g->neigh, gw_number(i), &i->statics[k].ip, i->statics[k].ip6, g->now);
    i->n_statics = 0;
    for (unsigned k = 0; r == 0 && k < cp->neighbors_count; k++) {
        if (!config_ip(cp->neighbors[k].ip, &ip, &ip6, NULL) ||
            !config_mac(cp->neighbors[k].mac, &mac) || i->n_statics == GW_STATICS_MAX)
            continue; /* checked before */
        r = neigh_static(g->neigh, gw_number(i), &ip, ip6, mac, g->now, e);
        i->statics[i->n_statics++] = (struct gw_addr){.ip = ip, .ip6 = ip6};
    }
    return r;
}

static uint8_t urpf_of(const struct config_port *cp)
{
    if (cp->urpf == NULL || strcmp(cp->urpf, "off") == 0)
        return URPF_OFF;
    return strcmp(cp->urpf, "strict") == 0 ? URPF_STRICT : URPF_LOOSE;
}

int gw_if_apply(struct gateway *g, struct port *p, const struct config_port *cp, struct errbuf *e)
{
    struct gw_if *i = &g->ifs[p->router->number];
    struct gw_router *v = cp->router != NULL ? gw_router_find(g, cp->router) : NULL;
    bool same = i->dp == p->router && i->router == v && i->vlan == cp->tag &&
                mac_equal(i->mac, p->mac) && i->dad == cp->dad;
    i->dp = p->router;
    if (p->router->number >= g->n_ifs)
        g->n_ifs = p->router->number + 1u;
    if (!same && i->router != NULL)
        gw_if_down(g, i);
    i->vlan = cp->tag;
    i->mac = p->mac;
    i->dad = cp->dad;
    p->router->mac = mac_to_u64(p->mac);
    atomic_store(&p->router->urpf, urpf_of(cp));
    atomic_store(&p->router->local_only, cp->anycast);
    if (v == NULL)
        return 0;
    int r = i->router == NULL ? bring_up(g, i, v, e) : 0;
    if (r < 0)
        return r;
    neigh_up(g, i, !cp->down);
    r = follow_addrs(g, i, cp, e);
    if (r == 0)
        r = follow_neighbours(g, i, cp, e);
    i->up = !cp->down;
    gw_ra_apply(g, i, cp);
    return r < 0 ? r : gw_vrrp_apply(g, i, cp, e);
}

/* ---- looking ---- */

struct gw_if *gw_if_for(struct gateway *g, const struct gw_router *v, const struct ip6 *ip,
                        bool ip6, const char *dev)
{
    for (unsigned k = 0; k < g->n_ifs; k++) {
        struct gw_if *i = &g->ifs[k];
        if (i->dp == NULL || i->router != v)
            continue;
        if (dev[0] != '\0' && strcmp(i->dp->port->name, dev) == 0)
            return i;
        for (unsigned j = 0; dev[0] == '\0' && j < i->n_addrs; j++)
            if (i->addr[j].ip6 == ip6 && gw_in_prefix(&i->addr[j], ip))
                return i;
    }
    return NULL;
}

const struct gw_addr *gw_if_source(const struct gw_if *i, const struct ip6 *to, bool ip6)
{
    const struct gw_addr *any = NULL;
    for (unsigned k = 0; k < i->n_addrs; k++) {
        const struct gw_addr *a = &i->addr[k];
        if (a->ip6 != ip6)
            continue;
        if (gw_in_prefix(a, to))
            return a;
        /* A link-local one is no good for who is elsewhere. */
        if (any == NULL || (any->ip6 && gw_is_link_local(&any->ip)))
            any = a;
    }
    return any;
}
