/* control/api_vtep.c: our VTEPs, the remote ones, and VNIs. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "control/api_priv.h"
#include "datapath/tunnel.h"

json_t *api_ip(const struct ip6 *ip, bool v6)
{
    char text[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(v6 ? AF_INET6 : AF_INET, ip->b, text, sizeof text);
    return json_string(text);
}

json_t *api_endpoint(const struct vtep *v, uint16_t number)
{
    return api_ip(&endpoint_at(v, number)->ip, v->opt.local.v6);
}

static const char *hop_word(uint64_t mac)
{
    return mac & HOP_STATIC  ? "static"
           : mac & HOP_KNOWN ? "reachable"
           : mac & HOP_DEAD  ? "dead"
                             : "unknown";
}

/* Under the underlay's lock. */
static json_t *remote_json(const struct weft *w, const struct vtep *v, uint16_t number)
{
    const struct endpoint *p = endpoint_at(v, number);
    const struct hop *h = atomic_load(&p->hop);
    uint64_t mac = h ? atomic_load(&h->mac) : 0;
    struct neigh_info info;
    json_t *o = json_pack("{s:o,s:b}", "ip", api_endpoint(v, number), "multicast", p->multicast);
    if (h && h != &p->own)
        json_object_set_new(o, "via", api_ip(&h->ip, v->opt.local.v6));
    if (mac & HOP_KNOWN)
        json_object_set_new(o, "mac", api_mac(mac_from_u64(mac & 0xffffffffffff)));
    json_object_set_new(o, "state", json_string(h ? hop_word(mac) : "no route"));
    if (h && !p->multicast && underlay_show(w->underlay, v, h, &info) == 0)
        json_object_set_new(o, "neighbour", json_string(neigh_state_name(info.state)));
    const struct port *port = h ? atomic_load(&v->link[h->link].uplink) : NULL;
    if (port)
        json_object_set_new(o, "port", json_string(port->name));
    return o;
}

static json_t *links_json(const struct vtep *v)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < v->n_links; i++) {
        const struct vtep_link *l = &v->link[i];
        const struct port *port = atomic_load(&l->uplink);
        json_array_append_new(list,
                              json_pack("{s:s,s:i,s:o,s:i,s:o,s:b}", "port", port ? port->name : "",
                                        "vlan", (int)l->vlan, "ip", api_ip(&l->ip, v->opt.local.v6),
                                        "prefix", (int)l->prefix_len, "mac", api_mac(l->mac), "up",
                                        vtep_link_up(v, i)));
    }
    return list;
}

static json_t *routes_json(const struct vtep *v)
{
    const struct vtep_routes *t = atomic_load(&v->routes);
    bool v6 = v->opt.local.v6;
    json_t *list = json_array();
    for (unsigned i = 0; i < t->n; i++) {
        json_t *via = json_array();
        for (unsigned j = 0; j < t->r[i].n; j++)
            json_array_append_new(via,
                                  json_pack("{s:o,s:s}", "ip", api_ip(&t->r[i].via[j]->ip, v6),
                                            "state", hop_word(atomic_load(&t->r[i].via[j]->mac))));
        json_array_append_new(list, json_pack("{s:o,s:i,s:o}", "to", api_ip(&t->r[i].to, v6),
                                              "prefix", (int)t->r[i].len, "via", via));
    }
    return list;
}

static json_t *vtep_json(struct weft *w, const struct weft_vtep *wv)
{
    const struct vtep *v = wv->dp;
    const struct port *uplink = atomic_load(&v->link[0].uplink);
    json_t *remotes = json_array();
    underlay_lock(w->underlay);
    uint32_t n = atomic_load(&v->n_endpoints);
    for (uint32_t i = 1; i <= n; i++)
        json_array_append_new(remotes, remote_json(w, v, (uint16_t)i));
    json_t *o = json_pack("{s:s,s:s,s:o,s:s,s:b,s:i,s:i,s:o,s:o,s:o}", "name", v->name, "ip",
                          wv->cfg->ip, "mac", api_mac(v->opt.local.mac), "port",
                          uplink ? uplink->name : "", "up", uplink && atomic_load(&uplink->link_up),
                          "udp_port", (int)v->opt.local.udp_port, "vnis", (int)v->n_ports, "links",
                          links_json(v), "routes", routes_json(v), "remotes", remotes);
    underlay_unlock(w->underlay);
    return o;
}

static int vtep_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    json_t *list = json_array();
    bool found = !name;
    for (unsigned i = 0; i < w->n_vteps; i++) {
        if (name && strcmp(name, w->vteps[i].cfg->name))
            continue;
        found = true;
        json_array_append_new(list, vtep_json(w, &w->vteps[i]));
    }
    if (found)
        return api_done(list, out, e);
    json_decref(list);
    return errbuf_set(e, ENOENT, "no VTEP \"%.60s\"; see `weftctl vtep show`", name);
}

static const char *const own[] = {"name", NULL};

static int vtep_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name"), *ip = api_str(params, "ip");
    struct config *c = api_edit(w, e);
    struct config_vtep v = {.name = (char *)name, .ip = (char *)ip};
    int r = c ? config_vtep_add(c, &v, e) : -ENOMEM;
    if (r == 0)
        r = api_set_keys(c, API_OF_VTEP, name, params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static int vtep_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct config *c = api_edit(w, e);
    int r = c ? config_vtep_del(c, api_str(params, "name"), e) : -ENOMEM;
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static int vtep_set(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    struct config *c = api_edit(w, e);
    int r = c ? 0 : -ENOMEM;
    if (c && !config_find_vtep(c, name))
        r = errbuf_set(e, ENOENT, "VTEP %.60s: no such VTEP; see `weftctl vtep show`", name);
    if (r == 0)
        r = api_set_keys(c, API_OF_VTEP, name, params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static json_t *vni_json(const struct of_bridge *b, const struct weft_port *p)
{
    const struct tunnel_port *t = p->dp->tunnel;
    json_t *remotes = json_array();
    for (unsigned i = 0; i < t->flood->n; i++)
        json_array_append_new(remotes, api_endpoint(t->vtep, t->flood->to[i]));
    json_t *o = json_pack("{s:s,s:s,s:i,s:s,s:b,s:i,s:i,s:o,s:o}", "port", p->dp->name, "bridge",
                          b->dp->name, "vlan", p->cfg ? (int)p->cfg->tag : 0, "vtep", t->vtep->name,
                          "point_to_point", t->remote != 0, "mtu", (int)p->dp->mtu, "macs",
                          (int)fdb_port_count(b->dp->fdb, p->dp->index), "remotes", remotes,
                          "counters", api_counters(p->dp));
    json_object_set_new(o, "macs_max", json_integer(p->cfg ? p->cfg->max_macs : 0));
    json_object_set_new(o, "macs_refused",
                        json_integer((json_int_t)fdb_port_refused(b->dp->fdb, p->dp->index)));
    json_object_set_new(o, "suppress", json_boolean(atomic_load(&t->suppress)));
    json_object_set_new(o, "bindings", json_integer(atomic_load(&t->user.count)));
    json_object_set_new(o, "bindings_refused", json_integer(atomic_load(&t->user.refused)));
    json_object_set_new(o, "answered", json_integer((json_int_t)atomic_load(&t->answered)));
    json_object_set_new(o, "vni", t->any_vni ? json_string("flow") : json_integer(t->vni));
    return o;
}

static int vni_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    (void)params;
    json_t *list = json_array();
    for (unsigned i = 0; i < w->n_bridges; i++) {
        const struct weft_port *p;
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next)
            if (p->dp->tunnel)
                json_array_append_new(list, vni_json(w->bridges[i], p));
    }
    return api_done(list, out, e);
}

const struct api_method api_vtep_methods[] = {
    {"vtep.show",
     vtep_show,
     {{"name", API_STRING, false}},
     "our VTEPs, and the remote ones that they know"},
    {"vtep.add",
     vtep_add,
     {{"name", API_STRING, true}, {"ip", API_STRING, true}, {"KEY", API_YAML_VTEP, false}},
     "makes a VTEP; keys as in the configuration"},
    {"vtep.del",
     vtep_del,
     {{"name", API_STRING, true}},
     "deletes a VTEP that no port goes through"},
    {"vtep.set",
     vtep_set,
     {{"name", API_STRING, true}, {"KEY", API_YAML_VTEP, false}},
     "changes keys; null takes one away"},
    {"vni.show", vni_show, {{0}}, "VNIs with their bridges, VLANs, remotes and counters"},
    {0},
};
