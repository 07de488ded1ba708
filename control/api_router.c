/* control/api_router.c: virtual routers, their routes and neighbours. */
#include <errno.h>

#include "control/api_priv.h"

static int answer(json_t *list, const char *name, json_t **out, struct errbuf *e)
{
    if (list)
        return api_done(list, out, e);
    return errbuf_set(e, ENOENT, "no router \"%.60s\"; see `weftctl router show`", name);
}

static int router_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    return answer(gateway_json(w->gateway, name), name, out, e);
}

static int router_route(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name"), *prefix = api_str(params, "prefix");
    struct ip6 ip;
    uint8_t len;
    bool ip6;
    if (prefix && !config_ip(prefix, &ip, &ip6, &len))
        return errbuf_set(e, EINVAL, "\"%.60s\" is no subnet like 192.0.2.0/24", prefix);
    return answer(gateway_routes_json(w->gateway, name, prefix), name, out, e);
}

static int router_neigh(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    return answer(gateway_neighbours_json(w->gateway, name), name, out, e);
}

static int vrrp_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return api_done(gateway_vrrp_json(w->gateway, api_str(params, "name")), out, e);
}

const struct api_method api_router_methods[] = {
    {"router.show",
     router_show,
     {{"name", API_STRING, false}},
     "virtual routers, their interfaces and counters"},
    {"router.route",
     router_route,
     {{"name", API_STRING, false}, {"prefix", API_STRING, false}},
     "routes, the best of each prefix"},
    {"router.neigh", router_neigh, {{"name", API_STRING, false}}, "neighbours of routers"},
    {"vrrp.show",
     vrrp_show,
     {{"name", API_STRING, false}},
     "virtual routers of VRRP, of one port or router or of all"},
    {0},
};
