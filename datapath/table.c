/* table.c: choosing a template, and what all templates share. */
#include "datapath/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "datapath/table_group.h"
#include "datapath/table_internal.h"
#include "datapath/table_prune.h"

enum { DIRECT_MAX = 8 };

/* ------------------------------------------------------------ rules */

struct rule *rule_create(const struct op *apply, uint16_t n_apply, const struct op *write,
                         uint16_t n_write)
{
    struct rule *r = calloc(1, sizeof *r + ((size_t)n_apply + n_write) * sizeof(struct op));
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
    return r;
}

void rule_free(struct rule *r) { free(r); }

/* ------------------------------------------------------------ build */

static enum table_kind choose(const struct grouping *g)
{
    if (g->n_rules <= DIRECT_MAX)
        return TABLE_DIRECT;
    return g->n == 1 ? TABLE_EXACT : TABLE_TUPLES;
}

/* The rules' pointers are t's already; the rules become its with success. */
static int build(struct table *t, enum table_kind kind, uint64_t key)
{
    struct grouping g;
    int err = grouping_make(&g, t->rules, t->n_rules, key);
    if (err != 0)
        return err;
    t->catch_all = g.catch_all;
    t->kind = kind == TABLE_ANY ? choose(&g) : kind;
    if (t->kind == TABLE_EXACT && g.n > 1)
        err = -EINVAL;
    else if (t->kind == TABLE_DIRECT)
        err = direct_build(&t->direct, g.order, g.n_rules);
    else
        err = tuples_build(&t->tuples, g.groups, g.n, key, t->fields);
    grouping_clear(&g);
    return err;
}

static void table_free(struct table *t)
{
    tuples_clear(&t->tuples);
    direct_clear(&t->direct);
    free(t->rules);
    free(t);
}

struct table *table_build_keyed(enum table_kind kind, struct rule **rules, uint32_t n, uint64_t key)
{
    struct table *t = calloc(1, sizeof *t);
    struct rule **own = malloc((n + 1) * sizeof(struct rule *));
    if (t == NULL || own == NULL) {
        free(t);
        free(own);
        return NULL;
    }
    t->refs = 1;
    t->n_rules = n;
    t->rules = own;
    for (uint32_t i = 0; i < n; i++) {
        own[i] = rules[i];
        for (unsigned w = 0; w < FLOW_WORDS; w++)
            t->fields[w] |= rules[i]->match.mask.w[w];
    }
    uint64_t deep = 0;
    for (unsigned w = 3; w < FLOW_WORDS; w++)
        deep |= t->fields[w];
    t->shallow = deep == 0;
    if (n == 0 || build(t, kind, key) == 0)
        return t;
    table_free(t);
    return NULL;
}

/* Fails before the kernel has gathered entropy, at boot; a table without a secret is no table. */
struct table *table_build_as(enum table_kind kind, struct rule **rules, uint32_t n)
{
    uint64_t key;
    ssize_t got;
    do {
        got = getrandom(&key, sizeof key, 0);
    } while (got < 0 && errno == EINTR);
    return got == sizeof key ? table_build_keyed(kind, rules, n, key) : NULL;
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
    for (uint32_t i = 0; i < t->n_rules; i++)
        rule_free(t->rules[i]);
    table_free(t);
}

/* ------------------------------------------------------------ look up */

const struct rule *table_lookup(const struct table *t, const struct flow_key *k)
{
    const struct rule *r;
    table_lookup_burst(t, &k, 1, &r);
    return r;
}

void table_lookup_burst(const struct table *t, const struct flow_key *const *k, unsigned n,
                        const struct rule **out)
{
    if (t->kind == TABLE_DIRECT)
        direct_burst(&t->direct, k, n, out);
    else
        tuples_burst(&t->tuples, k, n, out);
    for (unsigned i = 0; i < n; i++)
        out[i] = out[i] != NULL ? out[i] : t->catch_all;
}

/* ------------------------------------------------------------ describe */

static uint64_t hash_bytes(const struct hash *h)
{
    return sizeof *h + (h->bucket_mask + 1) * sizeof(struct bucket) +
           (uint64_t)h->n * h->stride * sizeof *h->entries;
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

static uint64_t direct_bytes(const struct direct *d)
{
    uint32_t tests = d->n > 0 ? d->rules[d->n - 1].first + d->rules[d->n - 1].n : 0;
    return d->n * sizeof *d->rules + tests * sizeof *d->tests;
}

uint32_t table_probes(const struct table *t)
{
    uint32_t probes = t->direct.n;
    for (uint32_t h = 0; h < t->tuples.n; h++)
        probes += t->tuples.hash[h].worst;
    return probes;
}

uint64_t table_born(const struct table *t) { return t->born; }

void table_bear(struct table *t, uint64_t version)
{
    if (t->born == 0)
        t->born = version;
}

bool table_is_shallow(const struct table *t) { return t->shallow; }

struct table_info table_describe(const struct table *t)
{
    struct table_info i = {.kind = t->kind, .n_rules = t->n_rules};
    i.n_masks = t->kind == TABLE_DIRECT ? direct_masks(&t->direct) : t->tuples.n;
    i.worst_probes = table_probes(t);
    i.bytes = sizeof *t + t->n_rules * sizeof(struct rule *) + direct_bytes(&t->direct);
    for (uint32_t h = 0; h < t->tuples.n; h++) {
        i.bytes += hash_bytes(&t->tuples.hash[h]);
    }
    if (t->tuples.prune != NULL) {
        i.bytes += prune_bytes(t->tuples.prune);
        i.usual_probes_centi = prune_left(t->tuples.prune);
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

void table_fields(const struct table *t, uint64_t words[FLOW_WORDS])
{
    memcpy(words, t->fields, sizeof t->fields);
}
