/* control/api_vmport.c: VMs' ports: announce, activate. */
#include "control/api_priv.h"

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

const struct api_method api_vmport_methods[] = {
    {"port.announce",
     announce,
     {{"name", API_STRING, false}},
     "announces the VM of a port, or all that are active"},
    {"port.activate", activate, {{"name", API_STRING, true}}, "opens a held port and announces it"},
    {0},
};
