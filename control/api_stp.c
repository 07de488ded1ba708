/* control/api_stp.c: spanning trees. */
#include <errno.h>

#include "control/api_priv.h"
#include "control/span.h"

static int stp_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    int r = api_bridge(w, params, "bridge", &one, e);
    if (r < 0)
        return r;
    json_t *all = json_array();
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++) {
        json_t *o = !one || b == one ? span_json(w->span, b->dp) : NULL;
        if (o)
            json_array_append_new(all, o);
    }
    return api_done(all, out, e);
}

static int do_port(struct weft *w, json_t *params, enum span_verb v, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    int r = api_port(w, params, "port", &b, &p, e);
    if (r == 0)
        r = span_do(w->span, p->dp, v, e);
    return r < 0 ? r : api_done(json_object(), out, e);
}

static int stp_migrate_port(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return do_port(w, params, SPAN_MIGRATE, out, e);
}

static int stp_recover_port(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return do_port(w, params, SPAN_RECOVER, out, e);
}

const struct api_method api_stp_methods[] = {
    {"stp.show",
     stp_show,
     {{"bridge", API_STRING, false}},
     "spanning trees: roles, states, costs, roots"},
    {"stp.migrate",
     stp_migrate_port,
     {{"port", API_STRING, true}},
     "try RSTP again on a port that fell back to STP"},
    {"stp.recover",
     stp_recover_port,
     {{"port", API_STRING, true}},
     "enable a port that BPDU guard disabled"},
    {NULL, NULL, {{NULL, 0, false}}, NULL},
};
