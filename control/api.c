/* control/api.c: methods by name, their parameters checked, and a line in, a line out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/api_priv.h"

static const struct api_method *const *tables(void)
{
    static const struct api_method *const all[] = {
        api_daemon_methods, api_bridge_methods,
        api_port_methods,   api_vmport_methods,
        api_fdb_methods,    api_vtep_methods,
        api_router_methods, api_flow_methods,
        api_trace_methods,  api_group_methods,
        api_bond_methods,   api_stp_methods,
        api_stats_methods,  NULL,
    };
    return all;
}

void api_methods_each(void (*fn)(void *ctx, const struct api_method *m), void *ctx)
{
    for (const struct api_method *const *t = tables(); *t; t++)
        for (const struct api_method *m = *t; m->name; m++)
            fn(ctx, m);
}

static const struct api_method *find_method(const char *name)
{
    for (const struct api_method *const *t = tables(); *t; t++)
        for (const struct api_method *m = *t; m->name; m++)
            if (!strcmp(m->name, name))
                return m;
    return NULL;
}

static void add_name(void *ctx, const struct api_method *m) { strbuf_addf(ctx, "%s, ", m->name); }

static int unknown_method(const char *name, struct errbuf *e)
{
    struct strbuf b = {0};
    api_methods_each(add_name, &b);
    strbuf_chomp(&b, ", ");
    int r = errbuf_set(e, ENOSYS, "no method \"%.40s\"; there are %s", name, strbuf_text(&b));
    strbuf_free(&b);
    return r;
}

/* ---- parameters ---- */

static bool is_yaml(enum api_type t) { return t >= API_YAML_PORT; }

const char *api_type_name(enum api_type t)
{
    static const char *const names[] = {"string",          "number",         "boolean",
                                        "list of strings", "keys of a port", "keys of a bridge",
                                        "keys of a VTEP"};
    return names[t];
}

static bool is_type(const json_t *v, enum api_type t)
{
    const json_t *item;
    size_t i;
    switch (t) {
    case API_STRING:
        return json_is_string(v);
    case API_NUMBER:
        return json_is_integer(v);
    case API_BOOL:
        return json_is_boolean(v);
    case API_STRINGS:
        json_array_foreach((json_t *)v, i, item) if (!json_is_string(item)) return false;
        return json_is_array(v);
    default:
        return true;
    }
}

static void list_params(const struct api_method *m, struct strbuf *b)
{
    for (const struct api_param *p = m->params; p < m->params + API_PARAMS_MAX && p->name; p++)
        strbuf_addf(b, "%s%s, ", p->name, p->required ? "" : "?");
    strbuf_chomp(b, ", ");
}

static int unknown_param(const struct api_method *m, const char *key, struct errbuf *e)
{
    struct strbuf b = {0};
    list_params(m, &b);
    int r = errbuf_set(e, EINVAL, "%s: no parameter \"%.60s\"; it takes %s", m->name, key,
                       b.len ? b.s : "none");
    strbuf_free(&b);
    return r;
}

static const struct api_param *find_param(const struct api_method *m, const char *key)
{
    const struct api_param *p;
    for (p = m->params; p < m->params + API_PARAMS_MAX && p->name; p++)
        if (is_yaml(p->type) || !strcmp(p->name, key))
            return p;
    return NULL;
}

static int check_params(const struct api_method *m, json_t *params, struct errbuf *e)
{
    const char *key;
    json_t *v;
    json_object_foreach(params, key, v)
    {
        const struct api_param *p = find_param(m, key);
        if (!p)
            return unknown_param(m, key, e);
        if (!is_type(v, p->type))
            return errbuf_set(e, EINVAL, "%s: parameter \"%s\" must be a %s", m->name, key,
                              api_type_name(p->type));
    }
    for (const struct api_param *p = m->params; p < m->params + API_PARAMS_MAX && p->name; p++)
        if (p->required && !json_object_get(params, p->name))
            return errbuf_set(e, EINVAL, "%s: parameter \"%s\" (%s) is missing", m->name, p->name,
                              api_type_name(p->type));
    return 0;
}

int api_call(struct weft *w, const char *method, json_t *params, json_t **result, struct errbuf *e)
{
    const struct api_method *m = find_method(method);
    json_t *none = NULL;
    *result = NULL;
    if (!m)
        return unknown_method(method, e);
    if (params && !json_is_object(params))
        return errbuf_set(e, EINVAL, "%s: params must be an object", method);
    if (!params) {
        params = none = json_object();
        if (!none)
            return errbuf_set(e, ENOMEM, "out of memory");
    }
    int r = check_params(m, params, e);
    if (r == 0)
        r = m->fn(w, params, result, e);
    json_decref(none);
    return r;
}

const char *api_str(const json_t *params, const char *name)
{
    return json_string_value(json_object_get(params, name));
}

bool api_flag(const json_t *params, const char *name)
{
    return json_is_true(json_object_get(params, name));
}

int api_uint(const json_t *params, const char *name, uint64_t max, uint64_t fallback, uint64_t *out,
             struct errbuf *e)
{
    const json_t *v = json_object_get(params, name);
    *out = fallback;
    if (!v)
        return 0;
    json_int_t x = json_integer_value(v);
    if (x < 0 || (uint64_t)x > max)
        return errbuf_set(e, EINVAL, "%s: %lld is out of range; give 0..%llu", name, (long long)x,
                          (unsigned long long)max);
    *out = (uint64_t)x;
    return 0;
}

/* ---- lines ---- */

static json_t *error_json(int r, const struct errbuf *e)
{
    const char *code = strerrorname_np(-r);
    return json_pack("{s:s,s:o}", "code", code ? code : "EINVAL", "message",
                     api_text(e->text[0] ? e->text : strerror(-r)));
}

static int check_version(const json_t *req, json_t **versions, struct errbuf *e)
{
    const json_t *v = json_object_get(req, "v");
    if (json_is_integer(v) && json_integer_value(v) == API_VERSION)
        return 0;
    *versions = json_pack("[i]", API_VERSION);
    if (!v)
        return errbuf_set(e, EPROTO, "the request has no \"v\"; this weftd speaks version %d",
                          API_VERSION);
    return errbuf_set(e, EPROTO, "\"v\" is not a version that this weftd speaks: %d", API_VERSION);
}

static int run_request(struct weft *w, json_t *req, json_t **result, json_t **versions,
                       struct errbuf *e)
{
    const char *key;
    json_t *v;
    if (!json_is_object(req))
        return errbuf_set(e, EINVAL, "a request is an object: {\"v\":1,\"id\":1,\"method\":...}");
    int r = check_version(req, versions, e);
    if (r < 0)
        return r;
    json_object_foreach(req, key,
                        v) if (strcmp(key, "v") && strcmp(key, "id") && strcmp(key, "method") &&
                               strcmp(key,
                                      "params")) return errbuf_set(e, EINVAL,
                                                                   "a request has no \"%.60s\"; it "
                                                                   "has v, id, method, params",
                                                                   key);
    const char *method = json_string_value(json_object_get(req, "method"));
    if (!method)
        return errbuf_set(e, EINVAL, "\"method\" must be a string");
    return api_call(w, method, json_object_get(req, "params"), result, e);
}

static char *answer(json_t *id, json_t *result, json_t *error, json_t *versions)
{
    json_t *o = json_object();
    json_object_set_new(o, "v", json_integer(API_VERSION));
    json_object_set_new(o, "id", id ? json_incref(id) : json_null());
    if (error)
        json_object_set_new(o, "error", error);
    else
        json_object_set_new(o, "result", result);
    if (versions)
        json_object_set_new(error, "versions", versions);
    char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(o);
    return text;
}

char *api_line(struct weft *w, const char *line, size_t len)
{
    struct errbuf e = {""};
    json_error_t je;
    json_t *result = NULL, *versions = NULL, *req;
    int r;
    if (len > API_LINE_MAX) {
        r = errbuf_set(&e, E2BIG, "the line has more than %d bytes", API_LINE_MAX);
        return answer(NULL, NULL, error_json(r, &e), NULL);
    }
    req = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (!req) {
        r = errbuf_set(&e, EINVAL, "not JSON: %s, at byte %d", je.text, je.position);
        return answer(NULL, NULL, error_json(r, &e), NULL);
    }
    r = run_request(w, req, &result, &versions, &e);
    json_t *id = json_object_get(req, "id");
    if (json_is_object(id) || json_is_array(id))
        id = NULL; /* it would be echoed at any size */
    char *text = answer(id, result, r < 0 ? error_json(r, &e) : NULL, versions);
    if (r < 0)
        json_decref(result);
    json_decref(req);
    return text;
}
