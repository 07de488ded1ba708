/* control/config_set.c: one key from text, by the schema (`weftctl port set vm1 tag=10`). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"

static int set_text(char **at, const char *value, struct errbuf *e)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return errbuf_set(e, ENOMEM, "out of memory");
    free(*at);
    *at = copy;
    return 0;
}

static int set_bool(void *at, const cyaml_schema_value_t *v, const char *value, struct errbuf *e)
{
    bool yes = value && (!strcmp(value, "true") || !strcmp(value, "yes"));
    if (value && !yes && strcmp(value, "false") && strcmp(value, "no"))
        return errbuf_set(e, EINVAL, "\"%.60s\" is neither true nor false", value);
    if (!(v->flags & CYAML_FLAG_POINTER)) {
        *(bool *)at = yes;
        return 0;
    }
    bool **p = at, *b = NULL;
    if (value) {
        b = malloc(sizeof *b);
        if (!b)
            return errbuf_set(e, ENOMEM, "out of memory");
        *b = yes;
    }
    free(*p);
    *p = b;
    return 0;
}

static int set_uint(void *at, const cyaml_schema_value_t *v, const char *value, struct errbuf *e)
{
    uint64_t x = 0, max = config_uint_max(v);
    char *end;
    errno = 0;
    if (value) {
        x = strtoull(value, &end, 0);
        if (*value < '0' || *value > '9' || *end || errno || x > max)
            return errbuf_set(e, EINVAL, "\"%.60s\" is not a number from 0 to %" PRIu64, value,
                              max);
    }
    memcpy(at, &x, v->data_size); /* little endian: the low bytes */
    return 0;
}

static void free_list(char **list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

/* "10,20-29" -> {"10", "20-29"} */
static int split(const char *value, char ***out, unsigned *count)
{
    char **list = calloc(strlen(value) + 1, sizeof *list);
    unsigned n = 0;
    if (!list)
        return -ENOMEM;
    while (*value) {
        size_t len = strcspn(value, ", ");
        if (len && !(list[n++] = strndup(value, len))) {
            free_list(list, n);
            return -ENOMEM;
        }
        value += len;
        value += *value != '\0';
    }
    *out = list;
    *count = n;
    return 0;
}

static int set_list(char *base, const cyaml_schema_field_t *f, const char *value, struct errbuf *e)
{
    if (f->value.sequence.entry->type != CYAML_STRING || config_is_of_list(f->key))
        return errbuf_set(e, EINVAL, "is not set this way; see `weftctl help`");
    char ***at = (char ***)(base + f->data_offset), **list = NULL;
    unsigned *count = (unsigned *)(base + f->count_offset), n = 0;
    if (value && split(value, &list, &n) < 0)
        return errbuf_set(e, ENOMEM, "out of memory");
    free_list(*at, *count);
    if (n == 0) {
        free(list);
        list = NULL;
    }
    *at = list;
    *count = n;
    return 0;
}

int config_field_set(void *base, const cyaml_schema_field_t *f, const char *value, struct errbuf *e)
{
    void *at = (char *)base + f->data_offset;
    bool optional = f->value.flags & CYAML_FLAG_OPTIONAL;
    if (!optional && !value)
        return errbuf_set(e, EINVAL, "can't be taken away");
    switch (f->value.type) {
    case CYAML_STRING:
        return set_text(at, value && *value ? value : NULL, e);
    case CYAML_BOOL:
        return set_bool(at, &f->value, value, e);
    case CYAML_UINT:
        return set_uint(at, &f->value, value, e);
    case CYAML_SEQUENCE:
        return set_list(base, f, value, e);
    default:
        return errbuf_set(e, EINVAL, "has keys of its own: give %s.KEY", f->key);
    }
}

static int set_key(void *base, const cyaml_schema_field_t *fields, const char *what,
                   const char *name, const char *key, const char *value, struct errbuf *e)
{
    char outer[32];
    const char *inner = strchr(key, '.');
    const cyaml_schema_field_t *f;
    char *at = base;
    if (inner) { /* fdb.size */
        snprintf(outer, sizeof outer, "%.*s", (int)(inner - key), key);
        f = config_field_find(fields, outer);
        if (f && f->value.type == CYAML_MAPPING) {
            at += f->data_offset;
            f = config_field_find(f->value.mapping.fields, inner + 1);
        } else {
            f = NULL;
        }
    } else {
        f = config_field_find(fields, key);
    }
    if (!f)
        return errbuf_set(e, EINVAL, "%s %s: no such key \"%.60s\"", what, name, key);
    if (at == base && !strcmp(key, "name"))
        return errbuf_set(e, EINVAL, "%s %s: a name can't be changed", what, name);
    int r = config_field_set(at, f, value, e);
    if (r < 0)
        errbuf_prefix(e, "%s %s: %s: ", what, name, key);
    return r;
}

int config_port_set(struct config *c, const char *port, const char *key, const char *value,
                    struct errbuf *e)
{
    struct config_port *p = config_find_port(c, port, NULL);
    if (!p)
        return errbuf_set(e, ENOENT, "port %s: no such port", port);
    return set_key(p, config_port_fields, "port", port, key, value, e);
}

int config_vtep_set(struct config *c, const char *vtep, const char *key, const char *value,
                    struct errbuf *e)
{
    const struct config_vtep *v = config_find_vtep(c, vtep);
    if (!v)
        return errbuf_set(e, ENOENT, "VTEP %s: no such VTEP", vtep);
    return set_key(&c->vteps[v - c->vteps], config_vtep_fields, "VTEP", vtep, key, value, e);
}

int config_bridge_set(struct config *c, const char *bridge, const char *key, const char *value,
                      struct errbuf *e)
{
    struct config_bridge *b = config_find_bridge(c, bridge);
    if (!b)
        return errbuf_set(e, ENOENT, "bridge %s: no such bridge", bridge);
    return set_key(b, config_bridge_fields, "bridge", bridge, key, value, e);
}
