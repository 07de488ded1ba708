/* control/api_json.c: C's values as JSON, and JSON's as configuration. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/api_priv.h"

json_t *api_text(const char *s)
{
    json_t *v = json_string(s);
    if (v)
        return v;
    char *copy = strdup(s); /* cut in the middle of a character, or bytes from a frame */
    for (char *c = copy; c && *c; c++)
        if (*c & 0x80)
            *c = '?';
    v = json_string(copy ? copy : "");
    free(copy);
    return v;
}

json_t *api_u64(uint64_t v) { return json_integer((json_int_t)v); }

json_t *api_mac(struct mac m)
{
    return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4],
                        m.b[5]);
}

int api_done(json_t *result, json_t **out, struct errbuf *e)
{
    *out = result;
    return result ? 0 : errbuf_set(e, ENOMEM, "out of memory");
}

json_t *api_vlans(const uint64_t set[4096 / 64])
{
    json_t *list = json_array();
    for (unsigned v = 0; v < 4096; v++) {
        unsigned first = v;
        if (!vlan_bit(set, (uint16_t)v))
            continue;
        while (v < 4095 && vlan_bit(set, (uint16_t)(v + 1)))
            v++;
        json_array_append_new(list,
                              v == first ? json_sprintf("%u", v) : json_sprintf("%u-%u", first, v));
    }
    return list;
}

/* ---- configuration ---- */

static json_t *scalar_json(const void *at, const cyaml_schema_value_t *v)
{
    uint64_t x = 0;
    switch (v->type) {
    case CYAML_STRING:
        return api_text(at);
    case CYAML_BOOL:
        return json_boolean(*(const bool *)at);
    case CYAML_UINT:
        memcpy(&x, at, v->data_size); /* little endian */
        return api_u64(x);
    case CYAML_INT:
        return json_integer(*(const int *)at);
    case CYAML_MAPPING:
        return api_config_json(at, v->mapping.fields);
    default:
        return NULL;
    }
}

static json_t *sequence_json(const char *base, const cyaml_schema_field_t *f)
{
    const cyaml_schema_value_t *item = f->value.sequence.entry;
    unsigned n = *(const unsigned *)(base + f->count_offset);
    const char *list = *(char *const *)(base + f->data_offset);
    bool text = item->type == CYAML_STRING;
    json_t *a = n ? json_array() : NULL;
    for (unsigned i = 0; a && i < n; i++)
        json_array_append_new(a, scalar_json(text ? ((char *const *)list)[i]
                                                  : list + i * item->data_size,
                                             item));
    return a;
}

static bool is_zero(const char *at, size_t n)
{
    while (n && *at == 0)
        at++, n--;
    return n == 0;
}

json_t *api_config_json(const void *base, const cyaml_schema_field_t *fields)
{
    json_t *o = json_object();
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        const char *at = (const char *)base + f->data_offset;
        json_t *v = NULL;
        if (f->value.type == CYAML_SEQUENCE)
            v = sequence_json(base, f);
        else if (f->value.flags & CYAML_FLAG_POINTER)
            v = *(void *const *)at ? scalar_json(*(void *const *)at, &f->value) : NULL;
        else if (!is_zero(at, f->value.data_size))
            v = scalar_json(at, &f->value);
        if (v)
            json_object_set_new(o, f->key, v);
    }
    return o;
}

/* ---- keys ---- */

static int add_item(struct strbuf *b, const json_t *v)
{
    if (json_is_string(v))
        strbuf_adds(b, json_string_value(v));
    else if (json_is_integer(v))
        strbuf_addf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_boolean(v))
        strbuf_adds(b, json_is_true(v) ? "true" : "false");
    else
        return -EINVAL;
    return 0;
}

/* A value as config_*_set() takes it: a list is joined by commas. */
static int value_text(const json_t *v, struct strbuf *b)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(v))
        return add_item(b, v);
    json_array_foreach((json_t *)v, i, item)
    {
        if (add_item(b, item) < 0)
            return -EINVAL;
        strbuf_adds(b, ",");
    }
    strbuf_chomp(b, ",");
    return 0;
}

/* What has keys in the configuration. */
static const struct thing {
    const char *word;
    const cyaml_schema_field_t *fields;
    int (*set)(struct config *c, const char *name, const char *key, const char *value,
               struct errbuf *e);
} things[] = {
    [API_OF_BRIDGE] = {"bridge", config_bridge_fields, config_bridge_set},
    [API_OF_PORT] = {"port", config_port_fields, config_port_set},
    [API_OF_VTEP] = {"VTEP", config_vtep_fields, config_vtep_set},
};

static int unknown_key(enum api_thing t, const char *name, const char *key, struct errbuf *e)
{
    struct strbuf b = {0};
    const cyaml_schema_field_t *f = things[t].fields;
    for (f++; f->key; f++)
        if (strcmp(f->key, "ports") && !config_is_of_list(f->key))
            strbuf_addf(&b, "%s, ", strcmp(f->key, "fdb") ? f->key : "fdb.size, fdb.ageing_s");
    strbuf_chomp(&b, ", ");
    int r = errbuf_set(e, EINVAL, "%s %s: no key \"%.40s\"; there are %s", things[t].word, name,
                       key, strbuf_text(&b));
    strbuf_free(&b);
    return r;
}

static bool key_exists(enum api_thing t, const char *key)
{
    char outer[32];
    snprintf(outer, sizeof outer, "%.*s", (int)strcspn(key, "."), key);
    return config_field_find(things[t].fields, outer) != NULL;
}

static int set_key(struct config *c, enum api_thing t, const char *name, const char *key,
                   const json_t *v, struct errbuf *e)
{
    struct strbuf b = {0};
    int r = 0;
    if (!key_exists(t, key))
        return unknown_key(t, name, key, e);
    if (!json_is_null(v) && value_text(v, &b) < 0)
        r = errbuf_set(e, EINVAL,
                       "%s %s: %s: give a string, a number, a boolean, a list of them, or null",
                       things[t].word, name, key);
    const char *text = json_is_null(v) ? NULL : strbuf_text(&b);
    if (r == 0)
        r = things[t].set(c, name, key, text, e);
    strbuf_free(&b);
    return r;
}

/* {"fdb":{"size":10}} is {"fdb.size":10} */
static int set_nested(struct config *c, enum api_thing t, const char *name, const char *key,
                      json_t *v, struct errbuf *e)
{
    const char *inner;
    json_t *iv;
    char path[128];
    int r = 0;
    json_object_foreach(v, inner, iv)
    {
        snprintf(path, sizeof path, "%.60s.%.60s", key, inner);
        if (r == 0)
            r = set_key(c, t, name, path, iv, e);
    }
    return r;
}

int api_set_keys(struct config *c, enum api_thing t, const char *name, const json_t *params,
                 const char *const *skip, struct errbuf *e)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)params, key, v)
    {
        const char *const *s = skip;
        while (*s && strcmp(*s, key))
            s++;
        if (*s)
            continue;
        int r =
            json_is_object(v) ? set_nested(c, t, name, key, v, e) : set_key(c, t, name, key, v, e);
        if (r < 0)
            return r;
    }
    return 0;
}

struct config *api_edit(struct weft *w, struct errbuf *e)
{
    struct config *c = config_copy(weft_config(w));
    if (!c)
        errbuf_set(e, ENOMEM, "out of memory");
    return c;
}

int api_apply(struct weft *w, struct config *c, json_t **out, struct errbuf *e)
{
    int r = weft_set_config(w, c, true, e);
    return r < 0 ? r : api_done(json_object(), out, e);
}
