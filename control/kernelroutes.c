/* control/kernelroutes.c: see kernelroutes.h. */
#include "control/kernelroutes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/port_netdev.h"

enum { USABLE = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP };

struct kernelroutes {
    struct nl_cache_mngr *mngr;
    struct nl_cache *links, *routes, *neighbours;
    int family;
    bool changed;
};

static void on_change(struct nl_cache *c, struct nl_object *o, int what, void *arg)
{
    struct kernelroutes *k = arg;
    (void)c, (void)o, (void)what;
    k->changed = true;
}

/* In its namespace, where the socket then stays. */
static int start(void *arg)
{
    struct kernelroutes *k = arg;
    int r = nl_cache_mngr_alloc(NULL, NETLINK_ROUTE, 0, &k->mngr);
    if (r == 0)
        r = nl_cache_mngr_add(k->mngr, "route/link", on_change, k, &k->links);
    if (r == 0)
        r = nl_cache_mngr_add(k->mngr, "route/route", on_change, k, &k->routes);
    if (r == 0)
        r = nl_cache_mngr_add(k->mngr, "route/neigh", on_change, k, &k->neighbours);
    return r == 0 ? 0 : -EIO;
}

int kernelroutes_open(const char *netns, bool v6, struct kernelroutes **out, struct errbuf *e)
{
    struct kernelroutes *k = calloc(1, sizeof *k);
    if (!k)
        return errbuf_set(e, ENOMEM, "out of memory");
    k->family = v6 ? AF_INET6 : AF_INET;
    k->changed = true;
    int r = netdev_in_netns(strcmp(netns, "self") ? netns : NULL, start, k, e);
    if (r == 0) {
        *out = k;
        return 0;
    }
    kernelroutes_close(k);
    return r == -EIO ? errbuf_set(e, EIO, "netlink does not tell its routes") : r;
}

void kernelroutes_close(struct kernelroutes *k)
{
    if (k && k->mngr)
        nl_cache_mngr_free(k->mngr); /* with its caches */
    free(k);
}

int kernelroutes_fd(const struct kernelroutes *k) { return nl_cache_mngr_get_fd(k->mngr); }

bool kernelroutes_poll(struct kernelroutes *k)
{
    (void)nl_cache_mngr_data_ready(k->mngr);
    bool changed = k->changed;
    k->changed = false;
    return changed;
}

/* ---- reading ---- */

static struct ip6 ip_of(const struct nl_addr *a)
{
    struct ip6 ip = {{0}};
    unsigned n = a ? nl_addr_get_len(a) : 0;
    if (n > 0 && n <= sizeof ip)
        memcpy(&ip, nl_addr_get_binary_addr(a), n);
    return ip;
}

/* Its place in the list, or -1. */
static int device_of(const struct kernelroutes *k, int ifindex, const char *const *devices,
                     unsigned n)
{
    char name[64];
    if (!rtnl_link_i2name(k->links, ifindex, name, sizeof name))
        return -1;
    for (unsigned i = 0; i < n; i++)
        if (devices[i] && !strcmp(devices[i], name))
            return (int)i;
    return -1;
}

struct walk {
    struct kernelroutes *k;
    const char *const *devices;
    unsigned n_devices;
    struct vtep_route_options *out;
    unsigned n, max;
    bool more;
    void (*fn)(void *ctx, unsigned device, const struct ip6 *ip, struct mac mac);
    void *ctx;
};

static void take_route(struct nl_object *o, void *arg)
{
    struct walk *w = arg;
    struct rtnl_route *r = (struct rtnl_route *)o;
    struct vtep_route_options t = {.to = ip_of(rtnl_route_get_dst(r)),
                                   .len = (uint8_t)nl_addr_get_prefixlen(rtnl_route_get_dst(r))};
    if (rtnl_route_get_family(r) != w->k->family || rtnl_route_get_table(r) != RT_TABLE_MAIN ||
        rtnl_route_get_type(r) != RTN_UNICAST)
        return;
    for (int i = 0; i < rtnl_route_get_nnexthops(r) && t.n < VTEP_VIAS_MAX; i++) {
        struct rtnl_nexthop *h = rtnl_route_nexthop_n(r, i);
        struct nl_addr *via = rtnl_route_nh_get_gateway(h);
        if (via && device_of(w->k, rtnl_route_nh_get_ifindex(h), w->devices, w->n_devices) >= 0)
            t.via[t.n++] = ip_of(via);
    }
    if (t.n == 0)
        return;
    if (w->n < w->max)
        w->out[w->n++] = t;
    else
        w->more = true;
}

unsigned kernelroutes_routes(struct kernelroutes *k, const char *const *devices, unsigned n_devices,
                             struct vtep_route_options *out, unsigned max, bool *more)
{
    struct walk w = {.k = k, .devices = devices, .n_devices = n_devices, .out = out, .max = max};
    nl_cache_foreach(k->routes, take_route, &w);
    *more = w.more;
    return w.n;
}

static void take_neighbour(struct nl_object *o, void *arg)
{
    struct walk *w = arg;
    struct rtnl_neigh *n = (struct rtnl_neigh *)o;
    struct nl_addr *lladdr = rtnl_neigh_get_lladdr(n);
    struct mac mac;
    int device = device_of(w->k, rtnl_neigh_get_ifindex(n), w->devices, w->n_devices);
    if (device < 0 || rtnl_neigh_get_family(n) != w->k->family || !lladdr ||
        nl_addr_get_len(lladdr) != sizeof mac || !(rtnl_neigh_get_state(n) & USABLE))
        return;
    struct ip6 ip = ip_of(rtnl_neigh_get_dst(n));
    memcpy(&mac, nl_addr_get_binary_addr(lladdr), sizeof mac);
    if (!mac_is_zero(mac) && !mac_is_multicast(mac))
        w->fn(w->ctx, (unsigned)device, &ip, mac);
}

void kernelroutes_neighbours(struct kernelroutes *k, const char *const *devices, unsigned n_devices,
                             void (*fn)(void *ctx, unsigned device, const struct ip6 *ip,
                                        struct mac mac),
                             void *ctx)
{
    struct walk w = {.k = k, .devices = devices, .n_devices = n_devices, .fn = fn, .ctx = ctx};
    nl_cache_foreach(k->neighbours, take_neighbour, &w);
}
