/* table_view.c: a view made from rules, and what is added to it in place. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_group.h"
#include "datapath/table_internal.h"
#include "datapath/table_prune.h"

/* A pruner costs about as much as so many probes. */
enum { PRUNE_FROM = 6, SPARE_HASHES = 8 };

void view_free(struct view *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->n; i++)
        hash_clear(&v->hash[i]);
    direct_clear(&v->direct);
    prune_free(v->prune);
    free(v->index);
    free(v);
}

/* ------------------------------------------------------------ by mask */

static uint64_t mask_hash(const struct view *v, const uint64_t *packed)
{
    return hash_words(packed, v->pack.n, v->key);
}

static void index_add(struct view *v, uint32_t i)
{
    uint64_t at = mask_hash(v, v->hash[i].mask) & v->index_mask;
    while (v->index[at] != 0)
        at = (at + 1) & v->index_mask;
    v->index[at] = i + 1;
}

struct hash *view_find(struct view *v, const struct flow_match *m)
{
    uint64_t w[FLOW_WORDS];
    pack_key(&v->pack, v->pack.n, &m->mask, w);
    uint64_t at = mask_hash(v, w) & v->index_mask;
    for (; v->index[at] != 0; at = (at + 1) & v->index_mask) {
        struct hash *h = &v->hash[v->index[at] - 1];
        if (memcmp(h->mask, w, v->pack.n * sizeof *w) == 0)
            return h;
    }
    return NULL;
}

struct hash *view_append(struct view *v, const struct flow_match *m)
{
    if (v->n == v->cap || hash_init(&v->hash[v->n], v, m, 1) != 0)
        return NULL;
    index_add(v, v->n);
    atomic_store_explicit(&v->n, v->n + 1, memory_order_release);
    return &v->hash[v->n - 1];
}

void view_raise(struct view *v, struct hash *h, uint16_t priority)
{
    if (priority <= h->max_priority)
        return;
    h->max_priority = priority;
    for (struct hash *at = h; at >= v->hash && at->rest_priority < priority; at--)
        at->rest_priority = priority;
}

/* ------------------------------------------------------------ build */

static bool is_settled(const struct rule *r) { return r->birth == 0 && r->death == RULE_LIVES; }

static int add_group(struct view *v, const struct group *g)
{
    struct hash *h = &v->hash[v->n];
    int err = hash_init(h, v, &g->rules[0]->match, g->n);
    v->n += err == 0;
    for (uint32_t i = 0; err == 0 && i < g->n; i++) {
        struct cells *old = NULL;
        if (hash_is_full(h)) /* an unlucky key: too much has spilled */
            err = hash_grow(h, v, &old);
        cells_free(old);
        if (err == 0)
            hash_put(h, v, g->rules[i], !is_settled(g->rules[i]));
    }
    if (err == 0) {
        index_add(v, v->n - 1);
        view_raise(v, h, g->max_priority);
    }
    return err;
}

static int fill(struct view *v, const struct table *t, const struct grouping *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        int err = add_group(v, &g->groups[i]);
        if (err != 0)
            return err;
    }
    if (g->n >= PRUNE_FROM && !t->no_prune)
        v->prune = prune_build(g->groups, g->n);
    return 0;
}

static int build_hashes(const struct table *t, const struct grouping *g, struct view **out)
{
    uint32_t cap = g->n + g->n / 4 + SPARE_HASHES, slots = 16;
    while (slots < 2 * cap)
        slots *= 2;
    struct view *v = calloc(1, sizeof *v + cap * sizeof v->hash[0]);
    uint32_t *index = calloc(slots, sizeof *index);
    if (v == NULL || index == NULL) {
        free(v);
        free(index);
        return -ENOMEM;
    }
    v->cap = cap;
    v->index = index;
    v->index_mask = slots - 1;
    v->key = t->key;
    v->secret = hash_secret(t->key);
    memcpy(v->fields, t->fields, sizeof v->fields);
    pack_init(&v->pack, v->fields);
    int err = fill(v, t, g);
    if (err == 0)
        *out = v;
    else
        view_free(v);
    return err;
}

static int build_direct(struct rule *const *rules, uint32_t n, struct view **out)
{
    struct view *v = calloc(1, sizeof *v);
    if (v == NULL || direct_build(&v->direct, rules, n) != 0) {
        free(v);
        return -ENOMEM;
    }
    *out = v;
    return 0;
}

int view_build(const struct table *t, struct rule *const *rules, uint32_t n, struct view **out)
{
    struct grouping g;
    if (t->forced == TABLE_DIRECT || (t->forced == TABLE_ANY && n <= DIRECT_MAX))
        return build_direct(rules, n, out);
    int err = grouping_make(&g, rules, n, t->key);
    if (err != 0)
        return err;
    err = t->forced == TABLE_EXACT && g.n > 1 ? -EINVAL : build_hashes(t, &g, out);
    if (err == 0) {
        (*out)->built_n = g.n;
        (*out)->built_rules = n;
    }
    grouping_clear(&g);
    return err;
}
