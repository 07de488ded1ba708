/* control/config_edit.c: a config as a value: copies, and changes by name and key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"

struct config *config_empty(void) { return calloc(1, sizeof(struct config)); }

static int copy_fields(char *to, const char *from, const cyaml_schema_field_t *fields);

/* to is zeroed; what could not be copied stays so, and the whole can be freed. */
static int copy_sequence(char *to, const char *from, const cyaml_schema_field_t *f)
{
    const cyaml_schema_value_t *item = f->value.sequence.entry;
    unsigned n = *(const unsigned *)(from + f->count_offset);
    bool text = item->type == CYAML_STRING;
    size_t size = text ? sizeof(char *) : item->data_size;
    char *old = *(char *const *)(from + f->data_offset), *list = n ? calloc(n, size) : NULL;
    int r = n && !list ? -1 : 0;
    *(char **)(to + f->data_offset) = list;
    *(unsigned *)(to + f->count_offset) = list ? n : 0;
    for (unsigned i = 0; r == 0 && i < n; i++) {
        char *at = list + i * size;
        if (item->type == CYAML_MAPPING)
            r = copy_fields(at, old + i * size, item->mapping.fields);
        else if (!text)
            memcpy(at, old + i * size, size);
        else if (!(((char **)list)[i] = strdup(((char **)old)[i])))
            r = -1;
    }
    return r;
}

static int copy_pointed(void **to, const void *from, const cyaml_schema_value_t *v)
{
    size_t n = v->type == CYAML_STRING ? strlen(from) + 1 : v->data_size;
    *to = malloc(n);
    if (!*to)
        return -1;
    memcpy(*to, from, n);
    return 0;
}

static int copy_fields(char *to, const char *from, const cyaml_schema_field_t *fields)
{
    int r = 0;
    for (const cyaml_schema_field_t *f = fields; r == 0 && f->key; f++) {
        const char *at = from + f->data_offset;
        if (f->value.type == CYAML_SEQUENCE)
            r = copy_sequence(to, from, f);
        else if (f->value.type == CYAML_MAPPING)
            r = copy_fields(to + f->data_offset, at, f->value.mapping.fields);
        else if (!(f->value.flags & CYAML_FLAG_POINTER))
            memcpy(to + f->data_offset, at, f->value.data_size);
        else if (*(void *const *)at)
            r = copy_pointed((void **)(to + f->data_offset), *(void *const *)at, &f->value);
    }
    return r;
}

struct config *config_copy(const struct config *c)
{
    struct config *copy = config_empty();
    if (copy && copy_fields((char *)copy, (const char *)c, config_schema.mapping.fields) < 0) {
        config_free(copy);
        return NULL;
    }
    return copy;
}

void config_free(struct config *c)
{
    cyaml_config_t y = config_cyaml();
    if (c)
        cyaml_free(&y, &config_schema, c, 0);
}

/* ---- one bridge or port, copied and freed through the same schema ---- */

static const cyaml_schema_value_t bridge_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_bridge, config_bridge_fields)};
static const cyaml_schema_value_t port_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_port, config_port_fields)};
static const cyaml_schema_value_t vtep_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_vtep, config_vtep_fields)};

static int no_memory(struct errbuf *e) { return errbuf_set(e, ENOMEM, "out of memory"); }

/* Appends a copy of *item to the array, by its schema. */
static int append(void **array, unsigned *count, const void *item, size_t size,
                  const cyaml_schema_value_t *schema, struct errbuf *e)
{
    cyaml_config_t y = config_cyaml();
    char *a = realloc(*array, (*count + 1u) * size);
    if (!a)
        return no_memory(e);
    *array = a;
    void *copy = calloc(1, size);
    if (!copy)
        return no_memory(e);
    if (copy_fields(copy, item, schema->mapping.fields) < 0) {
        cyaml_free(&y, schema, copy, 0);
        return no_memory(e);
    }
    memcpy(a + *count * size, copy, size);
    free(copy); /* the outer struct only: what it points at has moved */
    ++*count;
    return 0;
}

/* Takes item i out of the array and frees what it owns. */
static void drop(void *array, unsigned *count, unsigned i, size_t size,
                 const cyaml_schema_value_t *schema)
{
    cyaml_config_t y = config_cyaml();
    char *a = array;
    void *gone = malloc(size);
    if (gone) { /* else its strings leak: better than half a configuration */
        memcpy(gone, a + i * size, size);
        cyaml_free(&y, schema, gone, 0);
    }
    memmove(a + i * size, a + (i + 1) * size, (*count - i - 1) * size);
    --*count;
}

struct config_bridge *config_find_bridge(struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->bridges_count; i++)
        if (!strcmp(c->bridges[i].name, name))
            return &c->bridges[i];
    return NULL;
}

struct config_port *config_find_port(struct config *c, const char *name,
                                     struct config_bridge **bridge)
{
    for (unsigned i = 0; i < c->bridges_count; i++)
        for (unsigned j = 0; j < c->bridges[i].ports_count; j++) {
            struct config_bridge *b = &c->bridges[i];
            if (strcmp(b->ports[j].name, name))
                continue;
            if (bridge)
                *bridge = b;
            return &b->ports[j];
        }
    return NULL;
}

static int need_bridge(struct config *c, const char *name, struct config_bridge **b,
                       struct errbuf *e)
{
    *b = config_find_bridge(c, name);
    return *b ? 0 : errbuf_set(e, ENOENT, "bridge %s: no such bridge", name);
}

int config_bridge_add(struct config *c, const struct config_bridge *b, struct errbuf *e)
{
    if (config_find_bridge(c, b->name))
        return errbuf_set(e, EEXIST, "bridge %s: there is one already", b->name);
    return append((void **)&c->bridges, &c->bridges_count, b, sizeof *b, &bridge_value, e);
}

int config_bridge_del(struct config *c, const char *name, struct errbuf *e)
{
    struct config_bridge *b;
    int r = need_bridge(c, name, &b, e);
    if (r == 0)
        drop(c->bridges, &c->bridges_count, (unsigned)(b - c->bridges), sizeof *b, &bridge_value);
    return r;
}

int config_vtep_add(struct config *c, const struct config_vtep *v, struct errbuf *e)
{
    if (config_find_vtep(c, v->name))
        return errbuf_set(e, EEXIST, "VTEP %s: there is one already", v->name);
    return append((void **)&c->vteps, &c->vteps_count, v, sizeof *v, &vtep_value, e);
}

int config_vtep_del(struct config *c, const char *name, struct errbuf *e)
{
    const struct config_vtep *v = config_find_vtep(c, name);
    if (!v)
        return errbuf_set(e, ENOENT, "VTEP %s: no such VTEP", name);
    drop(c->vteps, &c->vteps_count, (unsigned)(v - c->vteps), sizeof *v, &vtep_value);
    return 0;
}

int config_port_add(struct config *c, const char *bridge, const struct config_port *p,
                    struct errbuf *e)
{
    struct config_bridge *b, *has;
    int r = need_bridge(c, bridge, &b, e);
    if (r < 0)
        return r;
    if (config_find_port(c, p->name, &has))
        return errbuf_set(e, EEXIST, "port %s: there is one already, in bridge %s", p->name,
                          has->name);
    return append((void **)&b->ports, &b->ports_count, p, sizeof *p, &port_value, e);
}

/* A port takes its static MACs with it: they would refer to nothing. */
static void forget_statics(struct config_bridge *b, const char *port)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->fdb.statics_count; i++) {
        struct config_static *s = &b->fdb.statics[i];
        if (strcmp(s->port, port)) {
            b->fdb.statics[kept++] = *s;
            continue;
        }
        free(s->mac);
        free(s->port);
    }
    b->fdb.statics_count = kept;
}

int config_port_del(struct config *c, const char *port, struct errbuf *e)
{
    struct config_bridge *b;
    struct config_port *p = config_find_port(c, port, &b);
    if (!p)
        return errbuf_set(e, ENOENT, "port %s: no such port", port);
    forget_statics(b, port);
    drop(b->ports, &b->ports_count, (unsigned)(p - b->ports), sizeof *p, &port_value);
    return 0;
}

static struct config_static *find_static(struct config_bridge *b, const char *mac, uint16_t vlan)
{
    struct mac want, have;
    for (unsigned i = 0; config_mac(mac, &want) && i < b->fdb.statics_count; i++) {
        struct config_static *s = &b->fdb.statics[i];
        if (s->vlan == vlan && config_mac(s->mac, &have) && mac_equal(have, want))
            return s;
    }
    return NULL;
}

int config_static_add(struct config *c, const char *bridge, const char *mac, uint16_t vlan,
                      const char *port, struct errbuf *e)
{
    struct config_bridge *b;
    int r = need_bridge(c, bridge, &b, e);
    if (r < 0)
        return r;
    if (find_static(b, mac, vlan))
        return errbuf_set(e, EEXIST, "bridge %s: %s in VLAN %u is static already", bridge, mac,
                          vlan);
    unsigned n = b->fdb.statics_count;
    struct config_static *a = realloc(b->fdb.statics, (n + 1) * sizeof *a);
    if (!a)
        return no_memory(e);
    b->fdb.statics = a;
    a[n] = (struct config_static){.mac = strdup(mac), .port = strdup(port), .vlan = vlan};
    if (!a[n].mac || !a[n].port) {
        free(a[n].mac);
        free(a[n].port);
        return no_memory(e);
    }
    b->fdb.statics_count = n + 1;
    return 0;
}

int config_static_del(struct config *c, const char *bridge, const char *mac, uint16_t vlan,
                      struct errbuf *e)
{
    struct config_bridge *b;
    int r = need_bridge(c, bridge, &b, e);
    if (r < 0)
        return r;
    struct config_static *s = find_static(b, mac, vlan);
    if (!s)
        return errbuf_set(e, ENOENT, "bridge %s: no static entry for %s in VLAN %u", bridge, mac,
                          vlan);
    free(s->mac);
    free(s->port);
    struct config_static *end = b->fdb.statics + b->fdb.statics_count--;
    memmove(s, s + 1, (size_t)((char *)end - (char *)(s + 1)));
    return 0;
}

/* ---- pieces, for the one that applies them ---- */

static void *copy_piece(const void *from, size_t size, const cyaml_schema_value_t *schema)
{
    cyaml_config_t y = config_cyaml();
    void *copy = calloc(1, size);
    if (copy && copy_fields(copy, from, schema->mapping.fields) < 0) {
        cyaml_free(&y, schema, copy, 0);
        return NULL;
    }
    return copy;
}

struct config_port *config_port_copy(const struct config_port *p)
{
    return copy_piece(p, sizeof *p, &port_value);
}

void config_port_free(struct config_port *p)
{
    cyaml_config_t y = config_cyaml();
    if (p)
        cyaml_free(&y, &port_value, p, 0);
}

struct config_vtep *config_vtep_copy(const struct config_vtep *v)
{
    return copy_piece(v, sizeof *v, &vtep_value);
}

void config_vtep_free(struct config_vtep *v)
{
    cyaml_config_t y = config_cyaml();
    if (v)
        cyaml_free(&y, &vtep_value, v, 0);
}

struct config_bridge *config_bridge_head(const struct config_bridge *b)
{
    struct config_bridge head = *b;
    head.ports_count = head.flows_count = head.groups_count = head.meters_count = 0;
    return copy_piece(&head, sizeof head, &bridge_value);
}

void config_bridge_free(struct config_bridge *b)
{
    cyaml_config_t y = config_cyaml();
    if (b)
        cyaml_free(&y, &bridge_value, b, 0);
}

static bool lists_equal(const char *a, const char *b, const cyaml_schema_field_t *f)
{
    unsigned n = *(const unsigned *)(a + f->count_offset);
    const cyaml_schema_value_t *item = f->value.sequence.entry;
    if (n != *(const unsigned *)(b + f->count_offset))
        return false;
    const void *x = *(void *const *)(a + f->data_offset), *y = *(void *const *)(b + f->data_offset);
    if (item->type != CYAML_STRING)
        return n == 0 || !memcmp(x, y, n * item->data_size);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(((char *const *)x)[i], ((char *const *)y)[i]))
            return false;
    return true;
}

bool config_field_equal(const void *a, const void *b, const cyaml_schema_field_t *f)
{
    const char *x = (const char *)a + f->data_offset, *y = (const char *)b + f->data_offset;
    if (f->value.type == CYAML_SEQUENCE)
        return lists_equal(a, b, f);
    if (f->value.type == CYAML_MAPPING)
        return config_fields_equal(x, y, f->value.mapping.fields);
    if (f->value.flags & CYAML_FLAG_POINTER) {
        x = *(char *const *)x;
        y = *(char *const *)y;
    }
    if (!x || !y)
        return x == y;
    return f->value.type == CYAML_STRING ? !strcmp(x, y) : !memcmp(x, y, f->value.data_size);
}

bool config_fields_equal(const void *a, const void *b, const cyaml_schema_field_t *fields)
{
    for (const cyaml_schema_field_t *f = fields; f->key; f++)
        if (!config_field_equal(a, b, f))
            return false;
    return true;
}

bool config_same_fixed(const struct config *a, const struct config *b)
{
    const cyaml_schema_field_t *f = config_schema.mapping.fields;
    return config_field_equal(a, b, config_field_find(f, "workers")) &&
           config_field_equal(a, b, config_field_find(f, "memory"));
}

static void set_texts(char ***list, unsigned *count, char **texts, unsigned n)
{
    for (unsigned i = 0; i < *count; i++)
        free((*list)[i]);
    free(*list);
    *list = texts;
    *count = n;
}

void config_set_flows(struct config_bridge *b, char **flows, unsigned n)
{
    set_texts(&b->flows, &b->flows_count, flows, n);
}

void config_set_groups(struct config_bridge *b, char **groups, unsigned n)
{
    set_texts(&b->groups, &b->groups_count, groups, n);
}

void config_set_meters(struct config_bridge *b, char **meters, unsigned n)
{
    set_texts(&b->meters, &b->meters_count, meters, n);
}
