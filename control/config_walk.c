/* control/config_walk.c: the parsed YAML against the schema, with messages for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"

struct walk {
    struct config_doc *doc;
    struct errbuf *e;
    char path[CONFIG_PATH_MAX];
};

static int parse_failed(yaml_parser_t *y, const char *name, struct errbuf *e)
{
    if (y->error == YAML_MEMORY_ERROR)
        return errbuf_set(e, ENOMEM, "%s: out of memory", name);
    return errbuf_set(e, EINVAL, "%s:%zu: this is not YAML: %s%s%s", name, y->problem_mark.line + 1,
                      y->problem ? y->problem : "?", y->context ? " " : "",
                      y->context ? y->context : "");
}

/* A file is one document: what follows it would be lost silently. */
static int parse_end(yaml_parser_t *y, const char *name, struct errbuf *e)
{
    yaml_document_t next;
    if (!yaml_parser_load(y, &next))
        return parse_failed(y, name, e);
    yaml_node_t *root = yaml_document_get_root_node(&next);
    size_t line = next.start_mark.line + 1;
    yaml_document_delete(&next);
    if (root)
        return errbuf_set(e, EINVAL, "%s:%zu: a second YAML document; expected one only", name,
                          line);
    return 0;
}

int config_doc_parse(struct config_doc *d, const char *text, size_t len, const char *name,
                     struct errbuf *e)
{
    yaml_parser_t y;
    if (len > CONFIG_BYTES_MAX)
        return errbuf_set(e, EFBIG, "%s: %zu bytes; a configuration has at most %d", name, len,
                          CONFIG_BYTES_MAX);
    if (!yaml_parser_initialize(&y))
        return errbuf_set(e, ENOMEM, "%s: out of memory", name);
    yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
    d->name = name;
    int r = yaml_parser_load(&y, &d->yaml) ? 0 : parse_failed(&y, name, e);
    if (r == 0 && yaml_document_get_root_node(&d->yaml))
        r = parse_end(&y, name, e);
    if (r < 0)
        yaml_document_delete(&d->yaml);
    yaml_parser_delete(&y);
    return r;
}

static int complain(struct walk *w, const yaml_node_t *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int complain(struct walk *w, const yaml_node_t *n, const char *fmt, ...)
{
    char text[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return errbuf_set(w->e, EINVAL, "%s:%zu: %s%s%s", w->doc->name, n->start_mark.line + 1, w->path,
                      *w->path ? ": " : "", text);
}

/* Appends to the path; returns where to cut it again. */
static size_t path_push(struct walk *w, const char *fmt, const char *key, size_t i)
{
    size_t at = strlen(w->path);
    if (key)
        snprintf(w->path + at, sizeof w->path - at, fmt, at ? "." : "", key);
    else
        snprintf(w->path + at, sizeof w->path - at, "[%zu]", i);
    return at;
}

static const char *node_text(const yaml_node_t *n)
{
    return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static const char *node_kind(const yaml_node_t *n)
{
    return n->type == YAML_SEQUENCE_NODE  ? "a list"
           : n->type == YAML_MAPPING_NODE ? "a mapping"
           : n->data.scalar.length == 0   ? "nothing"
                                          : NULL;
}

static int expected(struct walk *w, const yaml_node_t *n, const char *what)
{
    const char *kind = node_kind(n);
    if (kind)
        return complain(w, n, "expected %s, not %s", what, kind);
    return complain(w, n, "expected %s, not \"%.100s\"", what, node_text(n));
}

static int walk_number(struct walk *w, const yaml_node_t *n, const cyaml_schema_value_t *v)
{
    char what[64], *end;
    uint64_t max = v->type == CYAML_INT ? INT32_MAX : config_uint_max(v);
    snprintf(what, sizeof what, "a number from 0 to %" PRIu64, max);
    const char *t = node_text(n);
    if (*t < '0' || *t > '9' || (t[0] == '0' && t[1] >= '0' && t[1] <= '9'))
        return expected(w, n, what);
    errno = 0;
    uint64_t x = strtoull(t, &end, 0);
    return *end || errno || x > max ? expected(w, n, what) : 0;
}

/* libcyaml takes every unknown word for true. */
static int walk_bool(struct walk *w, const yaml_node_t *n)
{
    const char *t = node_text(n);
    bool ok = !strcmp(t, "true") || !strcmp(t, "false") || !strcmp(t, "yes") || !strcmp(t, "no");
    return ok ? 0 : expected(w, n, "true or false");
}

static int walk_text(struct walk *w, const yaml_node_t *n)
{
    if (n->type != YAML_SCALAR_NODE || n->data.scalar.length == 0)
        return expected(w, n, "text");
    for (size_t i = 0; i < n->data.scalar.length; i++)
        if (n->data.scalar.value[i] < ' ' || n->data.scalar.value[i] == 0x7f)
            return complain(w, n, "expected text without control characters");
    return n->data.scalar.length > 65535 ? complain(w, n, "text of more than 65535 bytes") : 0;
}

static int walk_value(struct walk *w, const yaml_node_t *n, const cyaml_schema_value_t *v);

static void list_keys(const cyaml_schema_field_t *f, char *out, size_t size)
{
    size_t at = 0;
    for (; f->key && at < size; f++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", f->key);
}

static bool seen_before(struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(&w->doc->yaml, pair->key);
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++)
        if (!strcmp(node_text(yaml_document_get_node(&w->doc->yaml, p->key)), node_text(key)))
            return true;
    return false;
}

static int walk_pair(struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair,
                     const cyaml_schema_field_t *fields)
{
    const yaml_node_t *key = yaml_document_get_node(&w->doc->yaml, pair->key);
    const cyaml_schema_field_t *f = config_field_find(fields, node_text(key));
    if (!f) {
        char known[800];
        list_keys(fields, known, sizeof known);
        return complain(w, key, "unknown key \"%.60s\"; expected one of %s", node_text(key), known);
    }
    size_t at = path_push(w, "%s%s", f->key, 0);
    int r = seen_before(w, map, pair)
                ? complain(w, key, "given twice; expected once")
                : walk_value(w, yaml_document_get_node(&w->doc->yaml, pair->value), &f->value);
    w->path[at] = '\0';
    return r;
}

static bool has_key(struct walk *w, const yaml_node_t *map, const char *key)
{
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++)
        if (!strcmp(node_text(yaml_document_get_node(&w->doc->yaml, p->key)), key))
            return true;
    return false;
}

static int walk_mapping(struct walk *w, const yaml_node_t *n, const cyaml_schema_field_t *fields)
{
    int r = 0;
    if (n->type != YAML_MAPPING_NODE)
        return expected(w, n, "a mapping (key: value)");
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
         r == 0 && p < n->data.mapping.pairs.top; p++)
        r = walk_pair(w, n, p, fields);
    for (const cyaml_schema_field_t *f = fields; r == 0 && f->key; f++)
        if (!(f->value.flags & CYAML_FLAG_OPTIONAL) && !has_key(w, n, f->key))
            r = complain(w, n, "the key \"%s\" is missing", f->key);
    return r;
}

static int walk_sequence(struct walk *w, const yaml_node_t *n, const cyaml_schema_value_t *item)
{
    int r = 0;
    if (n->type == YAML_SCALAR_NODE && n->data.scalar.length == 0)
        return 0; /* `ports:` with nothing behind */
    if (n->type != YAML_SEQUENCE_NODE)
        return expected(w, n, "a list ([a, b])");
    const yaml_node_item_t *first = n->data.sequence.items.start;
    for (const yaml_node_item_t *i = first; r == 0 && i < n->data.sequence.items.top; i++) {
        size_t at = path_push(w, NULL, NULL, (size_t)(i - first));
        r = walk_value(w, yaml_document_get_node(&w->doc->yaml, *i), item);
        w->path[at] = '\0';
    }
    return r;
}

static int walk_value(struct walk *w, const yaml_node_t *n, const cyaml_schema_value_t *v)
{
    switch (v->type) {
    case CYAML_MAPPING:
        return walk_mapping(w, n, v->mapping.fields);
    case CYAML_SEQUENCE:
        return walk_sequence(w, n, v->sequence.entry);
    case CYAML_BOOL:
        return walk_bool(w, n);
    case CYAML_INT:
    case CYAML_UINT:
        return walk_number(w, n, v);
    default:
        return walk_text(w, n);
    }
}

bool config_doc_empty(struct config_doc *d)
{
    const yaml_node_t *root = yaml_document_get_root_node(&d->yaml);
    return !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
}

int config_doc_walk(struct config_doc *d, struct errbuf *e)
{
    struct walk w = {.doc = d, .e = e};
    if (config_doc_empty(d))
        return 0; /* an empty file is an empty configuration */
    return walk_mapping(&w, yaml_document_get_root_node(&d->yaml), config_schema.mapping.fields);
}

static yaml_node_t *child_by_key(struct config_doc *d, yaml_node_t *n, const char *key, size_t len)
{
    if (n->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const char *t = node_text(yaml_document_get_node(&d->yaml, p->key));
        if (strlen(t) == len && !memcmp(t, key, len))
            return yaml_document_get_node(&d->yaml, p->value);
    }
    return NULL;
}

static yaml_node_t *child_by_index(struct config_doc *d, yaml_node_t *n, long i)
{
    if (n->type != YAML_SEQUENCE_NODE ||
        i >= n->data.sequence.items.top - n->data.sequence.items.start)
        return NULL;
    return yaml_document_get_node(&d->yaml, n->data.sequence.items.start[i]);
}

unsigned config_doc_line(struct config_doc *d, const char *path)
{
    yaml_node_t *n = yaml_document_get_root_node(&d->yaml), *found = n;
    while (n && *path) {
        if (*path == '[') {
            char *end;
            n = child_by_index(d, n, strtol(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : end;
        } else {
            path += *path == '.';
            size_t len = strcspn(path, ".[");
            n = child_by_key(d, n, path, len);
            path += len;
        }
        found = n ? n : found;
    }
    return found ? (unsigned)found->start_mark.line + 1 : 1;
}
