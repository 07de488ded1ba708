/* control/api_vmport.c: VMs' ports: announce, activate. */
#include <errno.h>
#include <string.h>

#include "control/api_priv.h"
#include "control/handover.h"

static int announce(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    int r = api_port(w, params, "name", &b, &p, e);
    if (r == 0)
        r = vmports_announce(w->vms, p ? p->dp : NULL, e);
    protocol_wake(w->proto);
    return r < 0 ? r : api_done(json_pack("{s:i}", "announced", r), out, e);
}

static int activate(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    int r = api_port(w, params, "name", &b, &p, e);
    if (r == 0)
        r = vmports_activate(w->vms, p->dp, e);
    protocol_wake(w->proto);
    return r < 0 ? r : api_done(json_object(), out, e);
}

/* What the VM is, by the configuration's keys; its OpenFlow number as it is now. */
static int export_port(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    const char *key;
    json_t *v;
    int r = api_port(w, params, "name", &b, &p, e);
    if (r < 0)
        return r;
    if (!p->cfg)
        return errbuf_set(e, EINVAL, "port %s: the bridge's own port stays where it is",
                          p->dp->name);
    json_t *all = api_config_json(p->cfg, config_port_fields), *state = json_object();
    json_object_foreach(all, key,
                        v) if (handover_carries(key) && !(p->cfg->vni && !strcmp(key, "tag")))
        json_object_set(state, key, v);
    json_object_set_new(state, "ofport", json_integer(p->dp->ofp_no));
    json_decref(all);
    return api_done(handover_seal(p->dp->name, state), out, e);
}

static bool number_is_taken(const struct of_bridge *b, const struct weft_port *p, json_int_t no)
{
    const struct port *other = no > 0 && no < WEFT_PORTS_MAX ? of_dp_port(b, (uint32_t)no) : NULL;
    return other && other != p->dp;
}

static int import_port(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    json_error_t why;
    int r = api_port(w, params, "name", &b, &p, e);
    if (r < 0)
        return r;
    json_t *doc = json_loads(api_str(params, "document"), 0, &why);
    const json_t *state = doc ? handover_open(doc, e) : NULL;
    if (!doc)
        errbuf_set(e, EINVAL, "handover: line %d: %s", why.line, why.text);
    json_t *keys = state ? json_copy((json_t *)(uintptr_t)state) : NULL;
    json_decref(doc);
    if (!keys)
        return -EINVAL;
    if (number_is_taken(b, p, json_integer_value(json_object_get(keys, "ofport"))))
        json_object_del(keys, "ofport");
    struct config *c = api_edit(w, e);
    r = c ? api_set_keys(c, true, p->dp->name, keys, (const char *const[]){NULL}, e) : -ENOMEM;
    json_decref(keys);
    if (r == 0)
        return api_apply(w, c, out, e);
    config_free(c);
    return r;
}

const struct api_method api_vmport_methods[] = {
    {"port.announce",
     announce,
     {{"name", API_STRING, false}},
     "announces the VM of a port, or all that are active"},
    {"port.export",
     export_port,
     {{"name", API_STRING, true}},
     "what moves with the port's VM: a versioned, checksummed document"},
    {"port.import",
     import_port,
     {{"name", API_STRING, true}, {"document", API_STRING, true}},
     "gives a port what such a document (as text) says; refused whole if it isn't"},
    {"port.activate", activate, {{"name", API_STRING, true}}, "opens a held port and announces it"},
    {0},
};
