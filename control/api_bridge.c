/* control/api_bridge.c: bridges, and their controllers. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control/api_priv.h"

int api_bridge(struct weft *w, const json_t *params, const char *name, struct of_bridge **out,
               struct errbuf *e)
{
    const char *text = api_str(params, name);
    *out = text ? weft_bridge(w, text) : NULL;
    if (text && !*out)
        return errbuf_set(e, ENOENT, "bridge %.60s: no such bridge", text);
    return 0;
}

json_t *api_bridge_json(struct of_bridge *b)
{
    const struct weft_port *p;
    json_t *ports = json_array();
    TAILQ_FOREACH(p, &b->ports, next)
        json_array_append_new(ports, json_string(p->dp->name));
    struct fdb_counters f = fdb_counters(b->dp->fdb);
    return json_pack("{s:s,s:o,s:s,s:o,s:o,s:i,s:{s:i,s:i,s:i},s:o}", "name", b->dp->name,
                     "datapath_id", json_sprintf("%016" PRIx64, b->dpid), "fail_mode",
                     b->cfg->fail_mode ? b->cfg->fail_mode : "standalone", "controllers",
                     of_bridge_controllers(b), "ports", ports, "flows",
                     (int)ofm_flow_count(b->model), "fdb", "entries", (int)f.entries, "statics",
                     (int)f.statics, "size", (int)f.size, "config",
                     api_config_json(b->cfg, config_bridge_fields));
}

/* fn's answers for the bridge that is named, or for all. */
static int each_bridge(struct weft *w, json_t *params, const char *name,
                       json_t *(*fn)(struct of_bridge *b), json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    int r = api_bridge(w, params, name, &b, e);
    if (r < 0)
        return r;
    json_t *list = json_array();
    if (b)
        json_array_append_new(list, fn(b));
    for (unsigned i = 0; !b && weft_bridge_at(w, i); i++)
        json_array_append_new(list, fn(weft_bridge_at(w, i)));
    return api_done(list, out, e);
}

static json_t *name_json(struct of_bridge *b) { return json_string(b->dp->name); }

static int bridge_list(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return each_bridge(w, params, "name", name_json, out, e);
}

static int bridge_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return each_bridge(w, params, "name", api_bridge_json, out, e);
}

static const char *const own[] = {"name", NULL};

static int bridge_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    struct config *c = api_edit(w, e);
    struct config_bridge b = {.name = (char *)name};
    int r = c ? config_bridge_add(c, &b, e) : -ENOMEM;
    if (r == 0)
        r = api_set_keys(c, API_OF_BRIDGE, name, params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static int bridge_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct config *c = api_edit(w, e);
    int r = c ? config_bridge_del(c, api_str(params, "name"), e) : -ENOMEM;
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static int bridge_set(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    struct config *c = api_edit(w, e);
    int r = c ? 0 : -ENOMEM;
    if (c && !config_find_bridge(c, name))
        r = errbuf_set(e, ENOENT, "bridge %.60s: no such bridge", name);
    if (r == 0)
        r = api_set_keys(c, API_OF_BRIDGE, name, params, own, e);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

static json_t *controllers_json(struct of_bridge *b)
{
    return json_pack("{s:s,s:o}", "bridge", b->dp->name, "controllers", of_bridge_controllers(b));
}

static int controller_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return each_bridge(w, params, "bridge", controllers_json, out, e);
}

const struct api_method api_bridge_methods[] = {
    {"bridge.list", bridge_list, {{0}}, "names of the bridges"},
    {"bridge.show", bridge_show, {{"name", API_STRING, false}}, "one bridge, or all"},
    {"bridge.add",
     bridge_add,
     {{"name", API_STRING, true}, {"KEY", API_YAML_BRIDGE, false}},
     "makes a bridge; keys as in the configuration"},
    {"bridge.del", bridge_del, {{"name", API_STRING, true}}, "deletes a bridge with its ports"},
    {"bridge.set",
     bridge_set,
     {{"name", API_STRING, true}, {"KEY", API_YAML_BRIDGE, false}},
     "changes keys; null takes one away"},
    {"controller.show",
     controller_show,
     {{"bridge", API_STRING, false}},
     "controllers, their state and counters"},
    {0},
};
