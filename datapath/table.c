/* table.c: rules, what all templates share, and the look-up. Changes are in table_edit.c. */
#include "datapath/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "datapath/table_edit.h"
#include "datapath/table_prune.h"

/* ------------------------------------------------------------ rules */

struct rule *rule_create(const struct op *apply, uint16_t n_apply, const struct op *write,
                         uint16_t n_write)
{
    size_t size = sizeof(struct rule) + ((size_t)n_apply + n_write) * sizeof(struct op);
    struct rule *r = calloc(1, size);
    if (r == NULL)
        return NULL;
    struct op *ops = (struct op *)(r + 1);
    if (n_apply > 0)
        memcpy(ops, apply, n_apply * sizeof *ops);
    if (n_write > 0)
        memcpy(ops + n_apply, write, n_write * sizeof *ops);
    r->apply = (struct op_list){.n = n_apply, .ops = ops};
    r->write = (struct op_list){.n = n_write, .ops = ops + n_apply};
    r->goto_table = RULE_NO_GOTO;
    r->stats_id = UINT32_MAX;
    r->death = RULE_LIVES;
    return r;
}

void rule_free(struct rule *r) { free(r); }

/* ------------------------------------------------------------ come and go */

struct table *table_create_as(enum table_kind kind, uint64_t key)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->refs = 1;
    t->forced = kind;
    t->key = key;
    t->shallow = true;
    return t;
}

/* Fails before the kernel has gathered entropy, at boot; a table without a secret is no table. */
static bool draw_key(uint64_t *key)
{
    ssize_t got;
    do {
        got = getrandom(key, sizeof *key, 0);
    } while (got < 0 && errno == EINTR);
    return got == sizeof *key;
}

struct table *table_create(void)
{
    uint64_t key;
    return draw_key(&key) ? table_create_as(TABLE_ANY, key) : NULL;
}

struct table *table_build_keyed(enum table_kind kind, struct rule **rules, uint32_t n, uint64_t key)
{
    struct table *t = table_create_as(kind, key);
    if (t == NULL || table_fill(t, rules, n) == 0)
        return t;
    t->n_rules = 0; /* they stay the caller's */
    table_release(t);
    return NULL;
}

struct table *table_build_as(enum table_kind kind, struct rule **rules, uint32_t n)
{
    uint64_t key;
    return draw_key(&key) ? table_build_keyed(kind, rules, n, key) : NULL;
}

struct table *table_build(struct rule **rules, uint32_t n)
{
    return table_build_as(TABLE_ANY, rules, n);
}

struct table *table_ref(struct table *t)
{
    if (t != NULL)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void table_release(struct table *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    table_drop_changes(t);
    for (uint32_t i = 0; i < t->n_rules; i++)
        rule_free(t->rules[i]);
    view_free(t->view);
    free(t->all);
    free(t->rules);
    free(t);
}

/* ------------------------------------------------------------ look up */

static inline const struct rule *first_of(const struct rule_list *all, uint64_t version)
{
    for (uint32_t i = 0; i < all->n; i++) {
        if (rule_is_there(all->rule[i], version))
            return all->rule[i];
    }
    return NULL;
}

const struct rule *table_lookup(const struct table *t, const struct flow_key *k, uint64_t version)
{
    const struct rule *r;
    table_lookup_burst(t, &k, 1, version, &r);
    return r;
}

void table_lookup_burst(const struct table *t, const struct flow_key *const *k, unsigned n,
                        uint64_t version, const struct rule **out)
{
    const struct view *v = atomic_load_explicit(&t->view, memory_order_acquire);
    const struct rule_list *all = atomic_load_explicit(&t->all, memory_order_acquire);
    const struct rule *floor = all != NULL ? first_of(all, version) : NULL;
    if (v == NULL) {
        for (unsigned i = 0; i < n; i++)
            out[i] = floor;
    } else if (v->cap == 0) {
        direct_burst(&v->direct, k, n, version, floor, out);
    } else {
        tuples_burst(v, k, n, version, floor, out);
    }
}

/* ------------------------------------------------------------ describe */

static uint64_t hash_bytes(const struct hash *h)
{
    return (h->cells->bucket_mask + 1) * sizeof(struct bucket) +
           (uint64_t)h->cells->cap * h->stride * sizeof *h->cells->entries;
}

/* Distinct masks among the direct rules; there are few, unless a test forced many. */
static uint32_t direct_masks(const struct direct *d)
{
    uint32_t masks = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        uint32_t j = 0;
        while (j < i &&
               !flow_key_equal(&d->rules[i].rule->match.mask, &d->rules[j].rule->match.mask))
            j++;
        masks += j == i;
    }
    return masks;
}

static uint64_t view_bytes(const struct view *v)
{
    const struct direct *d = &v->direct;
    uint32_t tests = d->n > 0 ? d->rules[d->n - 1].first + d->rules[d->n - 1].n : 0;
    uint64_t bytes =
        sizeof *v + v->cap * sizeof v->hash[0] + d->n * sizeof *d->rules + tests * sizeof *d->tests;
    for (uint32_t h = 0; h < v->n; h++)
        bytes += hash_bytes(&v->hash[h]);
    return bytes + (v->prune != NULL ? prune_bytes(v->prune) : 0);
}

uint32_t table_probes(const struct table *t)
{
    const struct view *v = t->view;
    uint32_t probes = v != NULL ? v->direct.n : 0;
    for (uint32_t h = 0; v != NULL && h < v->n; h++)
        probes += v->hash[h].worst;
    return probes;
}

static enum table_kind kind_of(const struct table *t)
{
    const struct view *v = t->view;
    if (t->n_rules == 0)
        return TABLE_EMPTY;
    if (v == NULL || v->cap == 0)
        return TABLE_DIRECT;
    return v->n == 1 ? TABLE_EXACT : TABLE_TUPLES;
}

struct table_info table_describe(const struct table *t)
{
    const struct view *v = t->view;
    struct table_info i = {.kind = kind_of(t), .n_rules = t->n_rules, .views = t->views};
    i.worst_probes = table_probes(t);
    i.bytes = sizeof *t + t->cap_rules * sizeof(struct rule *);
    if (v != NULL) {
        i.n_masks = v->cap == 0 ? direct_masks(&v->direct) : v->n;
        i.usual_probes_centi = v->prune != NULL ? prune_left(v->prune) : 0;
        i.bytes += view_bytes(v);
    }
    for (uint32_t r = 0; r < t->n_rules; r++)
        i.bytes +=
            sizeof(struct rule) + (t->rules[r]->apply.n + t->rules[r]->write.n) * sizeof(struct op);
    return i;
}

const char *table_kind_name(enum table_kind k)
{
    static const char *const names[] = {"empty", "direct", "exact", "tuples"};
    weft_assert(k < sizeof names / sizeof *names);
    return names[k];
}

uint32_t table_size(const struct table *t) { return t->n_rules; }

uint64_t table_changed(const struct table *t)
{
    return atomic_load_explicit(&t->changed, memory_order_relaxed);
}

void table_bear(struct table *t, uint64_t version)
{
    atomic_store_explicit(&t->changed, version, memory_order_relaxed);
}

bool table_is_shallow(const struct table *t)
{
    return atomic_load_explicit(&t->shallow, memory_order_relaxed);
}

void table_fields(const struct table *t, uint64_t words[FLOW_WORDS])
{
    memcpy(words, t->fields, sizeof t->fields);
}
