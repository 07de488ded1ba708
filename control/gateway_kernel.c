/* control/gateway_kernel.c: the kernel's routes in virtual routers.
 *
 * A gateway is the router's neighbour on whichever interface has its subnet; one that is
 * link-local needs an interface (a port) of the name that the kernel's device has. Routes that lead
 * over the same ways share a next hop. Control reads, some thousand routes a turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/gateway_priv.h"
#include "control/kroute.h"

enum { GROUP_BUCKETS = 256, PER_LOCK = 64, PER_TURN = 8192 };

/* A set of ways that routes share. */
struct gw_ways {
    struct gw_ways *chain;
    uint32_t next, refs;
    unsigned n;
    struct gw_adj *adj[KROUTE_WAYS_MAX];
    uint16_t weight[KROUTE_WAYS_MAX];
};

struct gw_kernel {
    struct kroutes *k;
    uint32_t table;
    char netns[128];
    struct gw_ways *ways;
    bool sweep;       /* all have been read: what wasn't seen goes */
    uint64_t changes; /* routes heard */
    uint64_t refused; /* no room, or a gateway that no interface leads to */
};

/* ---- next hops ---- */

static struct gw_ways *find_ways(const struct gw_kernel *k, struct gw_adj *const *adj,
                                 const uint16_t *weight, unsigned n)
{
    for (struct gw_ways *w = k->ways; w != NULL; w = w->chain)
        if (w->n == n && memcmp(w->adj, adj, n * sizeof *adj) == 0 &&
            memcmp(w->weight, weight, n * sizeof *weight) == 0)
            return w;
    return NULL;
}

/* Takes the references to adj. 0: no room. */
static uint32_t group(struct gateway *g, struct gw_kernel *k, struct gw_adj **adj,
                      const uint16_t *weight, unsigned n)
{
    struct ecmp_member member[KROUTE_WAYS_MAX];
    struct gw_ways *w = find_ways(k, adj, weight, n);
    if (w != NULL) {
        w->refs++;
        for (unsigned i = 0; i < n; i++)
            gw_adj_put(g, adj[i]);
        return w->next;
    }
    struct ecmp *e = calloc(1, sizeof *e);
    w = calloc(1, sizeof *w);
    uint32_t next = e != NULL && w != NULL
                        ? next_new(g->r, &(struct next_hop){.kind = NEXT_GROUP, .group = e})
                        : 0;
    if (next == 0) {
        free(e);
        free(w);
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        member[i] = (struct ecmp_member){.next = adj[i]->next, .weight = weight[i]};
    (void)ecmp_init(e, GROUP_BUCKETS);
    (void)ecmp_set(e, member, n);
    *w = (struct gw_ways){.chain = k->ways, .next = next, .refs = 1, .n = n};
    memcpy(w->adj, adj, n * sizeof(struct gw_adj *));
    memcpy(w->weight, weight, n * sizeof *weight);
    k->ways = w;
    return next;
}

static void release_ways(struct gateway *g, struct gw_kernel *k, uint32_t next)
{
    for (struct gw_ways **at = &k->ways; *at != NULL; at = &(*at)->chain) {
        struct gw_ways *w = *at;
        if (w->next != next)
            continue;
        if (--w->refs > 0)
            return;
        *at = w->chain;
        for (unsigned i = 0; i < w->n; i++)
            gw_adj_put(g, w->adj[i]);
        next_free(g->r, next);
        free(w);
        return;
    }
}

static void release(struct gateway *g, struct gw_kernel *k, uint32_t next)
{
    if (next == 0 || next == g->blackhole || next == g->unreachable)
        return;
    if (g->by_next[next] != NULL)
        gw_adj_put(g, g->by_next[next]);
    else
        release_ways(g, k, next);
}

static struct gw_adj *way_of(struct gateway *g, struct gw_router *v, const struct kroute *r,
                             const struct kroute_way *w)
{
    const char *dev = "";
    if (!w->has_gateway)
        return NULL; /* on a link of the kernel's: ours are configured */
    if (r->ip6 && gw_is_link_local(&w->gateway))
        dev = kroutes_device(v->kernel->k, w->ifindex);
    struct gw_if *i = gw_if_for(g, v, &w->gateway, r->ip6, dev);
    for (unsigned k = 0; i != NULL && k < i->n_addrs; k++)
        if (i->addr[k].ip6 == r->ip6 && memcmp(&i->addr[k].ip, &w->gateway, sizeof w->gateway) == 0)
            return NULL; /* it leads to us: what the kernel itself lives by */
    return i != NULL ? gw_adj_get(g, i, &w->gateway, r->ip6) : NULL;
}

static uint32_t next_of(struct gateway *g, struct gw_router *v, const struct kroute *r)
{
    struct gw_adj *adj[KROUTE_WAYS_MAX];
    uint16_t weight[KROUTE_WAYS_MAX];
    unsigned n = 0;
    if (r->kind != KROUTE_WAYS)
        return r->kind == KROUTE_BLACKHOLE     ? g->blackhole
               : r->kind == KROUTE_UNREACHABLE ? g->unreachable
                                               : 0;
    for (unsigned i = 0; i < r->n; i++) {
        adj[n] = way_of(g, v, r, &r->way[i]);
        weight[n] = r->way[i].weight;
        n += adj[n] != NULL;
    }
    if (n <= 1)
        return n == 1 ? adj[0]->next : 0;
    uint32_t next = group(g, v->kernel, adj, weight, n);
    for (unsigned i = 0; next == 0 && i < n; i++)
        gw_adj_put(g, adj[i]);
    return next;
}

/* ---- routes ---- */

static void set(struct gateway *g, struct gw_router *v, const struct kroute *r)
{
    struct gw_kernel *k = v->kernel;
    struct rib *rib = v->rib[r->ip6];
    uint32_t old = rib_get(rib, &r->prefix, r->len, RIB_KERNEL), next = next_of(g, v, r);
    k->changes++;
    k->refused += next == 0 && r->kind != KROUTE_GONE;
    if (rib_set(rib, &r->prefix, r->len, RIB_KERNEL, next) < 0) {
        k->refused++;
        release(g, k, next);
    } else {
        release(g, k, old); /* the same again: its second reference */
    }
}

/* Calls for each of the kernel's routes; the callback may take it away. */
static void each(struct gw_router *v, bool ip6, struct gateway *g,
                 bool (*gone)(struct gateway *, const struct rib *, const struct rib_route *,
                              const void *),
                 const void *arg)
{
    struct rib *rib = v->rib[ip6];
    struct rib_route r, *list = NULL;
    uint32_t n = 0, cap = 0;
    uint64_t cursor = 0;
    while (rib_each(rib, &cursor, &r)) {
        if (r.next[RIB_KERNEL] == 0 || !gone(g, rib, &r, arg))
            continue;
        if (n == cap) {
            struct rib_route *more = realloc(list, (cap = cap * 2 + 256) * sizeof *list);
            if (more == NULL)
                break; /* the rest the next time */
            list = more;
        }
        list[n++] = r;
    }
    for (uint32_t i = 0; i < n; i++) {
        (void)rib_set(rib, &list[i].prefix, list[i].len, RIB_KERNEL, 0);
        release(g, v->kernel, list[i].next[RIB_KERNEL]);
    }
    free(list);
}

static bool is_old(struct gateway *g, const struct rib *rib, const struct rib_route *r,
                   const void *arg)
{
    (void)g, (void)arg;
    return r->epoch != rib_epoch(rib);
}

static bool leads_by(struct gateway *g, const struct rib *rib, const struct rib_route *r,
                     const void *arg)
{
    const struct gw_if *i = arg;
    const struct gw_adj *a = g->by_next[r->next[RIB_KERNEL]];
    (void)rib;
    if (a != NULL)
        return i == NULL || a->ifc == i;
    const struct next_hop *n = &g->r->next[r->next[RIB_KERNEL]];
    for (unsigned b = 0; i != NULL && n->kind == NEXT_GROUP && b < n->group->buckets; b++)
        if (g->r->next[n->group->bucket[b]].ifc == i->dp)
            return true;
    return i == NULL;
}

void gw_kernel_leave(struct gateway *g, struct gw_router *v, const struct gw_if *i)
{
    if (v->kernel == NULL)
        return;
    each(v, false, g, leads_by, i);
    each(v, true, g, leads_by, i);
}

/* ---- following ---- */

void gw_kernel_free(struct gateway *g, struct gw_router *v)
{
    if (v->kernel == NULL)
        return;
    gw_kernel_leave(g, v, NULL);
    kroutes_close(v->kernel->k);
    free(v->kernel);
    v->kernel = NULL;
}

int gw_kernel_apply(struct gateway *g, struct gw_router *v, uint32_t table, const char *netns,
                    struct errbuf *e)
{
    struct gw_kernel *k = v->kernel;
    netns = netns != NULL ? netns : "";
    if (k != NULL && (k->table != table || strcmp(k->netns, netns) != 0)) {
        gw_kernel_free(g, v);
        k = NULL;
    }
    if (k != NULL)
        kroutes_again(k->k); /* interfaces may have come */
    if (k != NULL || table == 0)
        return 0;
    k = calloc(1, sizeof *k);
    int r = k != NULL ? kroutes_open(table, *netns ? netns : NULL, &k->k, e)
                      : errbuf_set(e, ENOMEM, "out of memory");
    if (r < 0) {
        free(k);
        errbuf_prefix(e, "router %s: ", v->name);
        return r;
    }
    k->table = table;
    strncpy(k->netns, netns, sizeof k->netns - 1);
    v->kernel = k;
    return 0;
}

static void happened(struct gateway *g, struct gw_router *v, enum kroute_event what,
                     const struct kroute *r)
{
    if (what == KROUTE_BEGIN) {
        rib_epoch_next(v->rib[0]);
        rib_epoch_next(v->rib[1]);
    } else if (what == KROUTE_END) {
        each(v, false, g, is_old, NULL);
        each(v, true, g, is_old, NULL);
    } else {
        set(g, v, r);
    }
}

/* Some under one lock, for the protocol thread waits behind us. True: there may be more. */
static bool run_some(struct gateway *g, struct gw_router *v)
{
    struct kroute r;
    enum kroute_event what = KROUTE_NOTHING;
    pthread_mutex_lock(&g->lock);
    g->now = switch_now(g->sw);
    for (unsigned n = 0; n < PER_LOCK; n++) {
        what = kroutes_next(v->kernel->k, &r);
        if (what == KROUTE_NOTHING)
            break;
        happened(g, v, what, &r);
    }
    gw_drain(g);
    pthread_mutex_unlock(&g->lock);
    return what != KROUTE_NOTHING;
}

bool gateway_kernel_run(struct gateway *g)
{
    bool more = false;
    for (unsigned k = 0; g->neigh != NULL && k < ROUTERS_MAX; k++) {
        struct gw_router *v = g->router[k]; /* control's own: it alone makes and ends them */
        bool some = v != NULL && v->kernel != NULL;
        for (unsigned n = 0; some && n < PER_TURN; n += PER_LOCK)
            some = run_some(g, v);
        more = more || some;
    }
    return more;
}
