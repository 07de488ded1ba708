/* control/gateway_json.c: what people see of virtual routers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "control/api_priv.h"
#include "control/gateway_priv.h"

static json_t *prefix_json(const struct ip6 *ip, uint8_t len, bool ip6)
{
    char text[INET6_ADDRSTRLEN] = "", full[INET6_ADDRSTRLEN + 4];
    (void)inet_ntop(ip6 ? AF_INET6 : AF_INET, ip->b, text, sizeof text);
    snprintf(full, sizeof full, "%s/%u", text, len);
    return json_string(full);
}

/* ---- routers ---- */

static json_t *drops_json(const struct port *p)
{
    json_t *o = json_object();
    for (int r = 0; r < DROP_COUNT; r++)
        if (port_drops(p, (enum drop_reason)r) > 0)
            json_object_set_new(o, drop_name((enum drop_reason)r),
                                api_u64(port_drops(p, (enum drop_reason)r)));
    return o;
}

/* What the bridge sends to the port goes into the router. */
static json_t *if_json(const struct gw_if *i)
{
    static const char *const urpf[] = {"off", "loose", "strict"};
    const struct port *p = i->dp->port;
    struct port_stats s = port_stats_sum(p);
    json_t *addrs = json_array();
    for (unsigned k = 0; k < i->n_addrs; k++)
        json_array_append_new(addrs, prefix_json(&i->addr[k].ip, i->addr[k].len, i->addr[k].ip6));
    return json_pack("{s:s,s:s,s:i,s:o,s:i,s:b,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "port", p->name,
                     "bridge", p->bridge != NULL ? p->bridge->name : "", "vlan", (int)i->vlan,
                     "mac", api_mac(i->mac), "mtu", (int)p->mtu, "up",
                     (atomic_load(&p->config) & PORT_CFG_DOWN) == 0, "urpf",
                     urpf[atomic_load(&i->dp->urpf)], "addresses", addrs, "in_packets",
                     api_u64(s.tx_packets), "in_bytes", api_u64(s.tx_bytes), "out_packets",
                     api_u64(s.rx_packets), "out_bytes", api_u64(s.rx_bytes), "drops",
                     drops_json(p));
}

static json_t *router_json(struct gateway *g, const struct gw_router *v)
{
    json_t *ifs = json_array();
    for (unsigned i = 0; i < g->n_ifs; i++)
        if (g->ifs[i].dp != NULL && g->ifs[i].router == v)
            json_array_append_new(ifs, if_json(&g->ifs[i]));
    struct fib_stats f4 = fib_stats(v->dp->fib4), f6 = fib_stats(v->dp->fib6);
    return json_pack("{s:s,s:i,s:i,s:o,s:o}", "name", v->name, "routes4", (int)rib_count(v->rib[0]),
                     "routes6", (int)rib_count(v->rib[1]), "fib_bytes",
                     api_u64(f4.bytes + f6.bytes), "interfaces", ifs);
}

/* ---- routes ---- */

static void add_way(struct gateway *g, json_t *list, uint32_t next)
{
    const struct gw_adj *a = g->by_next[next];
    if (a == NULL)
        return;
    bool known = (atomic_load(&g->r->next[next].mac) & NEXT_KNOWN) != 0;
    json_array_append_new(list, json_pack("{s:o,s:s,s:b}", "ip", api_ip(&a->ip, a->ip6), "port",
                                          a->ifc->dp->port->name, "resolved", known));
}

static void add_ways(struct gateway *g, json_t *o, uint32_t next)
{
    const struct next_hop *n = &g->r->next[next];
    json_t *ways = json_array();
    if (n->kind == NEXT_VIA)
        add_way(g, ways, next);
    for (unsigned b = 0; n->kind == NEXT_GROUP && b < n->group->buckets; b++) {
        bool before = false;
        for (unsigned c = 0; c < b && !before; c++)
            before = n->group->bucket[c] == n->group->bucket[b];
        if (!before && n->group->bucket[b] != 0)
            add_way(g, ways, n->group->bucket[b]);
    }
    json_object_set_new(o, "via", ways);
}

static json_t *route_json(struct gateway *g, const struct gw_router *v, bool ip6,
                          const struct rib_route *r)
{
    static const char *const kinds[] = {[NEXT_NONE] = "none",
                                        [NEXT_LOCAL] = "local",
                                        [NEXT_ANSWER] = "local",
                                        [NEXT_LINK] = "link",
                                        [NEXT_VIA] = "via",
                                        [NEXT_BLACKHOLE] = "blackhole",
                                        [NEXT_UNREACHABLE] = "unreachable",
                                        [NEXT_GROUP] = "via"};
    uint32_t next = r->next[r->source];
    const struct next_hop *n = &g->r->next[next];
    json_t *o = json_pack("{s:s,s:o,s:s,s:s}", "router", v->name, "prefix",
                          prefix_json(&r->prefix, r->len, ip6), "source",
                          rib_source_name(r->source), "kind", kinds[n->kind]);
    if (n->kind == NEXT_LINK || n->kind == NEXT_LOCAL || n->kind == NEXT_ANSWER)
        json_object_set_new(o, "port", json_string(n->ifc->port->name));
    add_ways(g, o, next);
    return o;
}

/* ---- the lists ---- */

enum { SHOWN_MAX = 100000 };

static void add_routes(struct gateway *g, const struct gw_router *v, bool ip6, const char *prefix,
                       json_t *list)
{
    struct rib_route r;
    struct ip6 want;
    uint8_t len;
    bool is6, only = prefix != NULL && config_ip(prefix, &want, &is6, &len);
    uint64_t cursor = 0;
    while (rib_each(v->rib[ip6], &cursor, &r) && json_array_size(list) < SHOWN_MAX)
        if (!only || (is6 == ip6 && r.len == len && memcmp(&r.prefix, &want, sizeof want) == 0))
            json_array_append_new(list, route_json(g, v, ip6, &r));
}

static void add_neighbours(struct gateway *g, const char *name, json_t *list)
{
    uint32_t cursor = 0, number;
    struct neigh_info info;
    struct ip6 ip;
    bool ip6;
    while (neigh_each(g->neigh, &cursor, &number, &ip, &ip6, &info)) {
        const struct gw_if *i = &g->ifs[number];
        if (i->router == NULL || (name != NULL && strcmp(i->router->name, name) != 0))
            continue;
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:o,s:o,s:s,s:b,s:i}", "router", i->router->name,
                                        "port", i->dp->port->name, "ip", api_ip(&ip, ip6), "mac",
                                        api_mac(info.mac), "state", neigh_state_name(info.state),
                                        "is_router", info.router, "waiting", (int)info.waiting));
    }
}

/* ---- VRRP ---- */

static json_t *refused_json(const struct vrrp_counters *c)
{
    json_t *o = json_object();
    for (int v = VRRP_OK + 1; v < VRRP_VERDICTS; v++)
        if (c->refused[v] > 0)
            json_object_set_new(o, vrrp_verdict_name((enum vrrp_verdict)v), api_u64(c->refused[v]));
    return o;
}

static json_t *vrrp_json(struct gateway *g, unsigned id)
{
    static const char *const versions[] = {[VRRP_V3] = "3", [VRRP_V2] = "2", [VRRP_V2_V3] = "2+3"};
    const struct gw_vrrp *v = &g->vr[id];
    struct vrrp_status s;
    json_t *addrs = json_array();
    if (vrrp_status(g->vrrp, id, &s) < 0)
        memset(&s, 0, sizeof s);
    for (unsigned k = 0; k < v->c.n_addrs; k++)
        json_array_append_new(addrs, api_ip(&v->c.addr[k], v->c.ip6));
    json_t *o =
        json_pack("{s:s,s:s,s:i,s:i,s:s,s:s,s:s,s:f,s:i,s:i,s:i,s:f,s:b,s:o}", "router",
                  v->ifc->router->name, "port", v->ifc->dp->port->name, "vrid", (int)v->c.vrid,
                  "family", v->c.ip6 ? 6 : 4, "version", versions[v->c.mode], "state",
                  vrrp_state_name(s.state), "reason", vrrp_reason_name(s.reason), "since_s",
                  (double)(switch_now(g->sw) - s.since) / 1e9, "priority", (int)v->c.priority,
                  "effective", (int)s.priority, "interval_cs", (int)v->c.interval_cs, "takeover_ms",
                  (double)s.down_ns / 1e6, "accept", v->c.accept, "addresses", addrs);
    json_object_set_new(o, "active", api_ip(&s.active, v->c.ip6));
    json_object_set_new(o, "active_priority", json_integer(s.active_priority));
    json_object_set_new(o, "group", json_string(v->c.group != 0 ? g->group[v->c.group - 1] : ""));
    json_object_set_new(o, "received", api_u64(s.counters.received));
    json_object_set_new(o, "sent", api_u64(s.counters.sent));
    json_object_set_new(o, "activated", api_u64(s.counters.activated));
    json_object_set_new(o, "announced", api_u64(s.counters.announced));
    json_object_set_new(o, "refused", refused_json(&s.counters));
    return o;
}

json_t *gateway_vrrp_json(struct gateway *g, const char *name)
{
    json_t *list = json_array();
    pthread_mutex_lock(&g->lock);
    for (unsigned id = 0; g->vr != NULL && id < GW_VRRPS_MAX; id++) {
        const struct gw_if *i = g->vr[id].ifc;
        if (i != NULL && i->router != NULL &&
            (name == NULL || strcmp(name, i->dp->port->name) == 0 ||
             strcmp(name, i->router->name) == 0))
            json_array_append_new(list, vrrp_json(g, id));
    }
    pthread_mutex_unlock(&g->lock);
    return list;
}

enum what { ROUTERS, ROUTES, NEIGHBOURS };

static json_t *list_of(struct gateway *g, const char *name, const char *prefix, enum what what)
{
    json_t *list = json_array();
    bool found = name == NULL;
    pthread_mutex_lock(&g->lock);
    for (unsigned k = 0; k < ROUTERS_MAX; k++) {
        const struct gw_router *v = g->router[k];
        if (v == NULL || (name != NULL && strcmp(v->name, name) != 0))
            continue;
        found = true;
        if (what == ROUTERS)
            json_array_append_new(list, router_json(g, v));
        for (int ip6 = 0; what == ROUTES && ip6 < 2; ip6++)
            add_routes(g, v, ip6 != 0, prefix, list);
    }
    if (what == NEIGHBOURS && g->neigh != NULL)
        add_neighbours(g, name, list);
    pthread_mutex_unlock(&g->lock);
    if (found)
        return list;
    json_decref(list);
    return NULL;
}

json_t *gateway_json(struct gateway *g, const char *name)
{
    return list_of(g, name, NULL, ROUTERS);
}

json_t *gateway_routes_json(struct gateway *g, const char *name, const char *prefix)
{
    return list_of(g, name, prefix, ROUTES);
}

json_t *gateway_neighbours_json(struct gateway *g, const char *name)
{
    return list_of(g, name, NULL, NEIGHBOURS);
}
