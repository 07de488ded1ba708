/* control/gateway_static.c: the routes of the configuration.
 *
 * A gateway is looked for on the connected subnets; while no interface leads to it, it counts as
 * not there. One that is left is a plain next hop, several are a group whose buckets move no more
 * than they must (datapath/ecmp.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/gateway_priv.h"

enum { GROUP_BUCKETS = 256 };

/* ---- one route ---- */

static uint32_t first_active(const struct gw_static *s)
{
    return s->n_adjs > 0 ? s->adj[0]->next : 0;
}

static int set_rib(struct gateway *g, struct gw_router *v, struct gw_static *s)
{
    uint32_t next = s->kind == NEXT_BLACKHOLE     ? g->blackhole
                    : s->kind == NEXT_UNREACHABLE ? g->unreachable
                    : s->group != 0               ? s->group
                                                  : first_active(s);
    return rib_set(v->rib[s->ip6], &s->prefix, s->len, RIB_STATIC, next);
}

static uint16_t weight_of(const struct gw_static *s, const struct gw_adj *a)
{
    for (unsigned i = 0; i < s->n_vias; i++)
        if (memcmp(&s->via[i].ip, &a->ip, sizeof a->ip) == 0)
            return s->via[i].weight;
    return 1;
}

/* Several ways: a group. It stays one when members go, for the flows of those that stay. */
static int regroup(struct gateway *g, struct gw_static *s)
{
    struct ecmp_member member[GW_VIAS_MAX];
    if (s->group == 0 && s->n_adjs < 2)
        return 0;
    if (s->group == 0) {
        struct ecmp *group = calloc(1, sizeof *group);
        if (group == NULL)
            return -ENOMEM;
        (void)ecmp_init(group, GROUP_BUCKETS);
        s->group = next_new(g->r, &(struct next_hop){.kind = NEXT_GROUP, .group = group});
        if (s->group == 0) {
            free(group);
            return -ENOSPC;
        }
    }
    for (unsigned i = 0; i < s->n_adjs; i++)
        member[i] =
            (struct ecmp_member){.next = s->adj[i]->next, .weight = weight_of(s, s->adj[i])};
    int r = ecmp_set(g->r->next[s->group].group, member, s->n_adjs);
    return r < 0 ? r : 0;
}

static unsigned find_ways(struct gateway *g, struct gw_router *v, const struct gw_static *s,
                          struct gw_adj **out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->n_vias; i++) {
        const struct gw_via *via = &s->via[i];
        struct gw_if *ifc = gw_if_for(g, v, &via->ip, s->ip6, via->dev);
        struct gw_adj *a = ifc != NULL ? gw_adj_get(g, ifc, &via->ip, s->ip6) : NULL;
        if (a != NULL)
            out[n++] = a;
    }
    return n;
}

static void put_all(struct gateway *g, struct gw_adj **a, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gw_adj_put(g, a[i]);
}

/* anew: its ways were others before, whose buckets must go. */
static int settle(struct gateway *g, struct gw_router *v, struct gw_static *s, bool anew)
{
    struct gw_adj *now[GW_VIAS_MAX], *old[GW_VIAS_MAX];
    unsigned n = find_ways(g, v, s, now), n_old = s->n_adjs;
    if (!anew && n == n_old && memcmp(now, s->adj, n * sizeof *now) == 0) {
        put_all(g, now, n);
        return set_rib(g, v, s);
    }
    memcpy(old, s->adj, n_old * sizeof *old);
    memcpy(s->adj, now, n * sizeof *now);
    s->n_adjs = n;
    int r = regroup(g, s);
    if (r == 0)
        r = set_rib(g, v, s);
    put_all(g, old, n_old);
    return r;
}

static void forget(struct gateway *g, struct gw_router *v, struct gw_static *s)
{
    (void)rib_set(v->rib[s->ip6], &s->prefix, s->len, RIB_STATIC, 0);
    put_all(g, s->adj, s->n_adjs);
    if (s->group != 0)
        next_free(g->r, s->group);
    free(s->adj);
    free(s->via);
}

/* ---- all of a router ---- */

int gw_statics_settle(struct gateway *g, struct gw_router *v, struct errbuf *e)
{
    for (unsigned i = 0; i < v->n_statics; i++) {
        int r = settle(g, v, &v->statics[i], false);
        if (r < 0)
            return errbuf_set(e, -r, "router %s: no room for its routes: %s; raise max_routes",
                              v->name, strerror(-r));
    }
    return 0;
}

void gw_statics_leave(struct gateway *g, const struct gw_if *i)
{
    for (unsigned k = 0; i->router != NULL && k < i->router->n_statics; k++) {
        struct gw_static *s = &i->router->statics[k];
        struct gw_adj *gone[GW_VIAS_MAX];
        unsigned n = 0, kept = 0;
        for (unsigned j = 0; j < s->n_adjs; j++) {
            if (s->adj[j]->ifc == i)
                gone[n++] = s->adj[j];
            else
                s->adj[kept++] = s->adj[j];
        }
        s->n_adjs = kept;
        if (n == 0)
            continue;
        (void)regroup(g, s);
        (void)set_rib(g, i->router, s);
        put_all(g, gone, n);
    }
}

void gw_statics_free(struct gateway *g, struct gw_router *v)
{
    for (unsigned i = 0; i < v->n_statics; i++)
        forget(g, v, &v->statics[i]);
    free(v->statics);
    v->statics = NULL;
    v->n_statics = 0;
}

/* ---- from the configuration ---- */

/* "192.0.2.1", "fe80::1%gw20", "192.0.2.1*3", "fe80::1%gw20*3" */
static bool via_of(const char *text, struct gw_via *out, bool *ip6)
{
    char ip[80];
    *out = (struct gw_via){.weight = 1};
    size_t n = strcspn(text, "%*");
    if (n >= sizeof ip)
        return false;
    memcpy(ip, text, n);
    ip[n] = '\0';
    if (text[n] == '%') {
        size_t m = strcspn(text + n + 1, "*");
        if (m == 0 || m >= sizeof out->dev)
            return false;
        memcpy(out->dev, text + n + 1, m);
        n += m + 1;
    }
    if (text[n] == '*') {
        char *end;
        unsigned long w = strtoul(text + n + 1, &end, 10);
        if (*end != '\0' || w < 1 || w > 256)
            return false;
        out->weight = (uint16_t)w;
    }
    return config_ip(ip, &out->ip, ip6, NULL);
}

bool config_route_via(const char *text, bool ip6)
{
    struct gw_via v;
    bool is6;
    return via_of(text, &v, &is6) && is6 == ip6;
}

static int make(const struct config_route *want, struct gw_static *s)
{
    bool ip6;
    *s = (struct gw_static){.kind = want->blackhole     ? NEXT_BLACKHOLE
                                    : want->unreachable ? NEXT_UNREACHABLE
                                                        : NEXT_VIA,
                            .n_vias = want->via_count,
                            .wanted = true};
    if (!config_ip(want->prefix, &s->prefix, &s->ip6, &s->len))
        return -EINVAL; /* checked before */
    s->via = calloc(want->via_count + 1u, sizeof *s->via);
    s->adj = calloc(want->via_count + 1u, sizeof(struct gw_adj *));
    for (unsigned i = 0; s->via != NULL && i < want->via_count; i++)
        (void)via_of(want->via[i], &s->via[i], &ip6);
    if (s->via != NULL && s->adj != NULL)
        return 0;
    free(s->via);
    free(s->adj);
    return -ENOMEM;
}

static struct gw_static *find(const struct gw_router *v, const struct gw_static *s)
{
    for (unsigned i = 0; i < v->n_statics; i++)
        if (v->statics[i].ip6 == s->ip6 && v->statics[i].len == s->len &&
            memcmp(&v->statics[i].prefix, &s->prefix, sizeof s->prefix) == 0)
            return &v->statics[i];
    return NULL;
}

/* Takes s. One that is there takes the new ways and keeps its group. */
static int adopt(struct gateway *g, struct gw_router *v, struct gw_static *s)
{
    struct gw_static *have = find(v, s);
    if (have == NULL) {
        struct gw_static *list = realloc(v->statics, (v->n_statics + 1u) * sizeof *list);
        if (list == NULL) {
            free(s->via);
            free(s->adj);
            return -ENOMEM;
        }
        v->statics = list;
        list[v->n_statics++] = *s;
        return 0;
    }
    struct gw_adj **was = have->adj;
    unsigned n = have->n_adjs;
    have->adj = s->adj;
    have->n_adjs = 0;
    struct gw_via *via = have->via;
    have->via = s->via;
    have->n_vias = s->n_vias;
    have->kind = s->kind;
    have->wanted = true;
    int r = settle(g, v, have, true);
    put_all(g, was, n);
    free(was);
    free(via);
    return r;
}

static void drop_unwanted(struct gateway *g, struct gw_router *v)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < v->n_statics; i++) {
        if (v->statics[i].wanted)
            v->statics[kept++] = v->statics[i];
        else
            forget(g, v, &v->statics[i]);
    }
    v->n_statics = kept;
}

int gw_statics_apply(struct gateway *g, struct gw_router *v, const struct config_router *want,
                     struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; i < v->n_statics; i++)
        v->statics[i].wanted = false;
    for (unsigned i = 0; r == 0 && i < want->routes_count; i++) {
        struct gw_static s;
        r = make(&want->routes[i], &s);
        if (r == 0)
            r = adopt(g, v, &s);
    }
    if (r < 0)
        return errbuf_set(e, -r, "router %s: its routes: %s", v->name, strerror(-r));
    drop_unwanted(g, v);
    return gw_statics_settle(g, v, e);
}
