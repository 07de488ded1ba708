/* control/api_port.c: ports. */
#include <errno.h>
#include <string.h>

#include "control/api_priv.h"

struct weft_port *api_find_port(struct weft *w, const char *name, struct of_bridge **b)
{
    struct weft_port *p;
    for (unsigned i = 0; i < w->n_bridges; i++)
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next) {
            if (strcmp(p->dp->name, name))
                continue;
            *b = w->bridges[i];
            return p;
        }
    return NULL;
}

int api_port(struct weft *w, const json_t *params, const char *name, struct of_bridge **b,
             struct weft_port **out, struct errbuf *e)
{
    const char *text = api_str(params, name);
    *out = text ? api_find_port(w, text, b) : NULL;
    if (text && !*out)
        return errbuf_set(e, ENOENT, "port %.60s: no such port", text);
    return 0;
}

static json_t *vlan_json(const struct port_vlan *v)
{
    static const char *const modes[] = {"trunk", "access", "native-tagged", "native-untagged",
                                        "dot1q-tunnel"};
    json_t *o = json_pack("{s:s}", "mode", modes[v->mode]);
    if (v->tag)
        json_object_set_new(o, "tag", json_integer(v->tag));
    json_t *trunks = api_vlans(v->trunks), *cvlans = api_vlans(v->cvlans);
    if (json_array_size(trunks))
        json_object_set(o, "trunks", trunks);
    if (json_array_size(cvlans))
        json_object_set(o, "cvlans", cvlans);
    json_decref(trunks);
    json_decref(cvlans);
    return o;
}

json_t *api_counters(const struct port *p)
{
    struct port_stats s = port_stats_sum(p);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rx_packets", api_u64(s.rx_packets),
                     "rx_bytes", api_u64(s.rx_bytes), "rx_dropped", api_u64(s.rx_dropped),
                     "rx_errors", api_u64(s.rx_errors), "tx_packets", api_u64(s.tx_packets),
                     "tx_bytes", api_u64(s.tx_bytes), "tx_dropped", api_u64(s.tx_dropped),
                     "tx_errors", api_u64(s.tx_errors));
}

static json_t *drops_json(const struct port *p)
{
    json_t *o = json_object();
    for (int r = 0; r < DROP_COUNT; r++) {
        uint64_t n = port_drops(p, (enum drop_reason)r);
        if (n)
            json_object_set_new(o, drop_name((enum drop_reason)r), api_u64(n));
    }
    return o;
}

json_t *api_port_json(const struct of_bridge *b, const struct weft_port *p)
{
    const struct port *dp = p->dp;
    const struct port_vlan *v = atomic_load(&dp->vlan);
    uint32_t cfg = atomic_load(&((struct port *)dp)->config);
    json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:i,s:o,s:b,s:b,s:i,s:b}", "name", dp->name, "bridge",
                          b->dp->name, "type", dp->ops->type, "ofport", (json_int_t)dp->ofp_no,
                          "mtu", (int)dp->mtu, "mac", api_mac(dp->mac), "down",
                          (cfg & PORT_CFG_DOWN) != 0, "link_up", p->link.up, "speed_mbps",
                          (int)p->link.speed_mbps, "full_duplex", p->link.full_duplex);
    if (v)
        json_object_set_new(o, "vlan", vlan_json(v));
    json_object_set_new(o, "macs", json_integer(fdb_port_count(b->dp->fdb, dp->index)));
    json_object_set_new(o, "counters", api_counters(dp));
    json_object_set_new(o, "drops", drops_json(dp));
    json_t *vm = vmports_json(b->w->vms, dp);
    if (vm)
        json_object_set_new(o, "vm", vm);
    if (p->cfg)
        json_object_set_new(o, "config", api_config_json(p->cfg, config_port_fields));
    return o;
}

static void append_ports(json_t *list, struct of_bridge *b, bool names)
{
    const struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next)
        json_array_append_new(list, names ? json_string(p->dp->name) : api_port_json(b, p));
}

static int list_ports(struct weft *w, json_t *params, bool names, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *of = NULL;
    struct weft_port *p;
    int r = api_bridge(w, params, "bridge", &b, e);
    if (r == 0)
        r = api_port(w, params, "name", &of, &p, e);
    if (r < 0)
        return r;
    if (p && b && of != b)
        return errbuf_set(e, ENOENT, "port %s: is in bridge %s, not in %s", p->dp->name,
                          of->dp->name, b->dp->name);
    json_t *list = json_array();
    if (p)
        json_array_append_new(list, api_port_json(of, p));
    else if (b)
        append_ports(list, b, names);
    for (unsigned i = 0; !p && !b && i < w->n_bridges; i++)
        append_ports(list, w->bridges[i], names);
    return api_done(list, out, e);
}

static int port_list(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return list_ports(w, params, true, out, e);
}

static int port_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return list_ports(w, params, false, out, e);
}

static int port_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    static const char *const own[] = {"name", "bridge", "type", NULL};
    const char *name = api_str(params, "name"), *type = api_str(params, "type");
    struct config *c = api_edit(w, e);
    struct config_port p = {.name = (char *)name, .type = (char *)(type ? type : "tap")};
    int r = c ? config_port_add(c, api_str(params, "bridge"), &p, e) : -ENOMEM;
    if (r == 0)
        r = api_set_keys(c, API_OF_PORT, name, params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

/* A port may be named with its bridge, which then must be the right one. */
static int check_home(struct config *c, const json_t *params, struct errbuf *e)
{
    const char *name = api_str(params, "name"), *bridge = api_str(params, "bridge");
    struct config_bridge *b = NULL;
    if (!config_find_port(c, name, &b))
        return errbuf_set(e, ENOENT, "port %.60s: no such port", name);
    if (bridge && strcmp(b->name, bridge))
        return errbuf_set(e, ENOENT, "port %s: is in bridge %s, not in %.60s", name, b->name,
                          bridge);
    return 0;
}

static int port_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct config *c = api_edit(w, e);
    int r = c ? check_home(c, params, e) : -ENOMEM;
    if (r == 0)
        r = config_port_del(c, api_str(params, "name"), e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static int port_set(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    static const char *const own[] = {"name", "bridge", NULL};
    struct config *c = api_edit(w, e);
    int r = c ? check_home(c, params, e) : -ENOMEM;
    if (r == 0)
        r = api_set_keys(c, API_OF_PORT, api_str(params, "name"), params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

const struct api_method api_port_methods[] = {
    {"port.list", port_list, {{"bridge", API_STRING, false}}, "names of the ports"},
    {"port.show",
     port_show,
     {{"name", API_STRING, false}, {"bridge", API_STRING, false}},
     "one port, those of a bridge, or all"},
    {"port.add",
     port_add,
     {{"bridge", API_STRING, true},
      {"name", API_STRING, true},
      {"type", API_STRING, false},
      {"KEY", API_YAML_PORT, false}},
     "makes a port (a tap unless type is given); keys as in the configuration"},
    {"port.del",
     port_del,
     {{"name", API_STRING, true}, {"bridge", API_STRING, false}},
     "deletes a port"},
    {"port.set",
     port_set,
     {{"name", API_STRING, true}, {"bridge", API_STRING, false}, {"KEY", API_YAML_PORT, false}},
     "changes keys; null takes one away"},
    {0},
};
