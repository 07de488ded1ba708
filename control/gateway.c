/* control/gateway.c: routers come and go; see gateway.h. */
#include "control/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "control/gateway_priv.h"

enum { NEIGHBOURS_MAX = 65536, ADDRESSES_MAX = 32768, ROUTES_DEFAULT = 65536 };

static const size_t by_next_bytes = ROUTER_NEXTS_MAX * sizeof(struct gw_adj *);

/* Some megabytes: not before somebody wants a router. */
static bool make_tables(struct gateway *g)
{
    if (g->neigh != NULL)
        return true;
    struct neigh_size size = {.interfaces = ROUTER_IFS_MAX,
                              .entries = NEIGHBOURS_MAX,
                              .addresses = ADDRESSES_MAX,
                              .seed = g->sw->hash_key};
    void *p = mmap(NULL, by_next_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g->by_next = p == MAP_FAILED ? NULL : p;
    g->neigh = neigh_create(&size);
    g->blackhole = next_new(g->r, &(struct next_hop){.kind = NEXT_BLACKHOLE});
    g->unreachable = next_new(g->r, &(struct next_hop){.kind = NEXT_UNREACHABLE});
    return g->by_next != NULL && g->neigh != NULL && g->blackhole != 0 && g->unreachable != 0;
}

int gateway_create(struct weft_switch *sw, const struct log *log, struct gateway **out,
                   struct errbuf *e)
{
    struct gateway *g = calloc(1, sizeof *g);
    if (g == NULL)
        return errbuf_set(e, ENOMEM, "routers: out of memory");
    g->sw = sw;
    g->r = sw->routing;
    g->log = log;
    pthread_mutex_init(&g->lock, NULL);
    *out = g;
    return 0;
}

struct gw_router *gw_router_find(struct gateway *g, const char *name)
{
    for (unsigned i = 0; i < ROUTERS_MAX; i++)
        if (g->router[i] != NULL && strcmp(g->router[i]->name, name) == 0)
            return g->router[i];
    return NULL;
}

bool gw_in_prefix(const struct gw_addr *a, const struct ip6 *ip)
{
    struct ip6 x = gw_network(&a->ip, a->len), y = gw_network(ip, a->len);
    return memcmp(&x, &y, sizeof x) == 0;
}

struct ip6 gw_network(const struct ip6 *ip, uint8_t len)
{
    struct ip6 n = {{0}};
    memcpy(n.b, ip->b, len / 8);
    if (len % 8 != 0)
        n.b[len / 8] = (uint8_t)(ip->b[len / 8] & 0xff00 >> (len % 8));
    return n;
}

/* ---- routers ---- */

static void destroy(struct gateway *g, struct gw_router *v)
{
    for (unsigned i = 0; i < g->n_ifs; i++)
        if (g->ifs[i].dp != NULL && g->ifs[i].router == v)
            gw_if_down(g, &g->ifs[i]);
    gw_statics_free(g, v);
    gw_kernel_free(g, v);
    log_line(g->log, LOG_LVL_INFO, "router %s: deleted", v->name);
    g->router[v->dp->index] = NULL;
    router_destroy(g->r, v->dp);
    rib_free(v->rib[0]);
    rib_free(v->rib[1]);
    free(v);
}

static int create(struct gateway *g, const struct config_router *want, struct errbuf *e)
{
    struct gw_router *v = make_tables(g) ? calloc(1, sizeof *v) : NULL;
    uint32_t max = want->max_routes != 0 ? want->max_routes : ROUTES_DEFAULT;
    int r = v != NULL ? router_create(g->r, want->name, max, &v->dp, e)
                      : errbuf_set(e, ENOMEM, "router %s: out of memory", want->name);
    if (r < 0) {
        free(v);
        return r;
    }
    v->rib[0] = rib_create(v->dp->fib4, false, g->r->hash_key);
    v->rib[1] = rib_create(v->dp->fib6, true, g->r->hash_key);
    strncpy(v->name, want->name, sizeof v->name - 1);
    g->router[v->dp->index] = v;
    if (v->rib[0] == NULL || v->rib[1] == NULL) {
        destroy(g, v);
        return errbuf_set(e, ENOMEM, "router %s: out of memory", want->name);
    }
    log_line(g->log, LOG_LVL_INFO, "router %s: created", want->name);
    return 0;
}

static int create_wanted(struct gateway *g, const struct config *want, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; i < ROUTERS_MAX; i++)
        if (g->router[i] != NULL)
            g->router[i]->wanted = false;
    for (unsigned i = 0; r == 0 && i < want->routers_count; i++) {
        if (gw_router_find(g, want->routers[i].name) == NULL)
            r = create(g, &want->routers[i], e);
        if (r == 0)
            gw_router_find(g, want->routers[i].name)->wanted = true;
    }
    return r;
}

static int apply_ports(struct gateway *g, const struct config_bridge *b, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < b->ports_count; i++) {
        struct port *p =
            strcmp(b->ports[i].type, "router") == 0 ? port_find(g->sw, b->ports[i].name) : NULL;
        if (p != NULL && p->router != NULL)
            r = gw_if_apply(g, p, &b->ports[i], e);
    }
    return r;
}

static int apply(struct gateway *g, const struct config *want, struct errbuf *e)
{
    int r = create_wanted(g, want, e);
    for (unsigned i = 0; r == 0 && i < want->bridges_count; i++)
        r = apply_ports(g, &want->bridges[i], e);
    for (unsigned i = 0; r == 0 && i < want->routers_count; i++) {
        const struct config_router *cr = &want->routers[i];
        struct gw_router *v = gw_router_find(g, cr->name);
        r = gw_statics_apply(g, v, cr, e);
        if (r == 0 && !g->sw->opt.stepped)
            r = gw_kernel_apply(g, v, cr->kernel_table, cr->kernel_netns, e);
    }
    for (unsigned i = 0; r == 0 && i < ROUTERS_MAX; i++)
        if (g->router[i] != NULL && !g->router[i]->wanted)
            destroy(g, g->router[i]);
    if (g->neigh != NULL)
        gw_drain(g);
    return r;
}

int gateway_apply(struct gateway *g, const struct config *want, struct errbuf *e)
{
    pthread_mutex_lock(&g->lock);
    g->now = switch_now(g->sw);
    g->track_due = 0;
    int r = apply(g, want, e);
    pthread_mutex_unlock(&g->lock);
    return r;
}

void gateway_port_gone(struct gateway *g, struct port *p)
{
    if (p->router == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    g->now = switch_now(g->sw);
    struct gw_if *i = &g->ifs[p->router->number];
    if (i->dp == p->router) {
        gw_if_down(g, i);
        memset(i, 0, sizeof *i);
    }
    pthread_mutex_unlock(&g->lock);
    if (!g->sw->opt.stepped)
        router_port_drain(p);
}

void gateway_free(struct gateway *g)
{
    if (g == NULL)
        return;
    for (unsigned i = 0; i < ROUTERS_MAX; i++)
        if (g->router[i] != NULL)
            destroy(g, g->router[i]);
    vrrp_destroy(g->vrrp);
    free(g->vr);
    neigh_destroy(g->neigh);
    gw_adj_free_all(g);
    if (g->by_next != NULL)
        munmap(g->by_next, by_next_bytes);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
