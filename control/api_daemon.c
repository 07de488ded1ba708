/* control/api_daemon.c: the daemon itself: version, status, configuration, log. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "control/api_priv.h"
#include "control/version.h"

static int version(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    (void)w, (void)params;
    return api_done(json_pack("{s:s,s:[i]}", "version", WEFT_VERSION, "api", API_VERSION), out, e);
}

static int status(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    const struct weft_port *p;
    json_t *bridges = json_array();
    (void)params;
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++) {
        json_t *o = api_bridge_json(b), *ports = json_array();
        TAILQ_FOREACH(p, &b->ports, next)
            json_array_append_new(ports, api_port_json(b, p));
        json_object_set_new(o, "ports", ports);
        json_array_append_new(bridges, o);
    }
    return api_done(json_pack("{s:s,s:i,s:i,s:s,s:o?,s:o}", "version", WEFT_VERSION, "pid",
                              (int)getpid(), "workers", (int)w->sw->n_workers, "log_level",
                              log_level_name(w->log.max), "config_path",
                              w->config_path ? api_text(w->config_path) : NULL, "bridges", bridges),
                    out, e);
}

static json_t *params_json(const struct api_method *m)
{
    json_t *list = json_array();
    for (const struct api_param *p = m->params; p < m->params + API_PARAMS_MAX && p->name; p++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:b}", "name", p->name, "type",
                                              api_type_name(p->type), "required", p->required));
    return list;
}

static void method_json(void *ctx, const struct api_method *m)
{
    json_array_append_new(ctx, json_pack("{s:s,s:o,s:s}", "method", m->name, "params",
                                         params_json(m), "text", m->text));
}

static json_t *keys_json(const cyaml_schema_field_t *f)
{
    json_t *list = json_array();
    for (; f->key; f++) {
        if (!strcmp(f->key, "name") || !strcmp(f->key, "ports") || config_is_of_list(f->key))
            continue;
        const cyaml_schema_field_t *in =
            f->value.type == CYAML_MAPPING ? f->value.mapping.fields : NULL;
        if (!in)
            json_array_append_new(list, json_string(f->key));
        for (; in && in->key; in++)
            if (in->value.type != CYAML_SEQUENCE)
                json_array_append_new(list, json_sprintf("%s.%s", f->key, in->key));
    }
    return list;
}

static int help(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    json_t *list = json_array();
    (void)w, (void)params;
    api_methods_each(method_json, list);
    return api_done(json_pack("{s:o,s:o,s:o,s:o,s:s}", "methods", list, "bridge_keys",
                              keys_json(config_bridge_fields), "port_keys",
                              keys_json(config_port_fields), "vtep_keys",
                              keys_json(config_vtep_fields), "port_types", port_types()),
                    out, e);
}

static int reload(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    (void)params;
    int r = weft_reload(w, e);
    return r < 0 ? r : api_done(json_object(), out, e);
}

static int log_level(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *text = api_str(params, "level");
    enum log_level l = w->log.max;
    if (text && !log_level_parse(text, &l))
        return errbuf_set(e, EINVAL,
                          "log level \"%.40s\": there are error, warning, info and debug", text);
    weft_set_log_level(w, l);
    return api_done(json_pack("{s:s}", "level", log_level_name(l)), out, e);
}

static int config_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct strbuf b = {0};
    (void)params;
    int r = config_print(weft_config(w), &b, e);
    if (r == 0)
        r = api_done(json_pack("{s:o?,s:o,s:o}", "path",
                               w->config_path ? api_text(w->config_path) : NULL, "config",
                               api_config_json(weft_config(w), config_schema.mapping.fields),
                               "yaml", api_text(strbuf_text(&b))),
                     out, e);
    strbuf_free(&b);
    return r;
}

const struct api_method api_daemon_methods[] = {
    {"version", version, {{0}}, "this weftd's version, and those of the API"},
    {"status", status, {{0}}, "bridges with their ports and controllers"},
    {"help", help, {{0}}, "methods, their parameters, and the keys of bridges and ports"},
    {"reload", reload, {{0}}, "reads the configuration file again"},
    {"log.level", log_level, {{"level", API_STRING, false}}, "shows or sets the log's level"},
    {"config.show", config_show, {{0}}, "the configuration in force"},
    {0},
};
