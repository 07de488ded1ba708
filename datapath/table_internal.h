/* datapath/table_internal.h: how a table lies in memory. For table*.c.
 *
 * A hash holds the rules of one mask. Keys are packed (pack.h) the same way in all hashes of a
 * table. Buckets of one cache line have eight 16-bit
 * signatures, the rules' priorities, and where the entry is; entries are packed apart
 * (the masked words, then the rule). So a miss costs one line, and so does a
 * hit that a higher priority makes needless; a hit costs two. Buckets are half full at the
 * most when built; a key whose bucket is full goes to the next one, and the bucket says so, which
 * bounds a probe by what was seen at build time. Immutable after build; readers never write.
 *
 * Where there are many masks, a pruner (table_prune.h) says which of them a packet can be in at
 * all.
 */
#ifndef WEFT_DATAPATH_TABLE_INTERNAL_H
#define WEFT_DATAPATH_TABLE_INTERNAL_H

#include <stdatomic.h>

#include "base/flow.h"
#include "datapath/hash.h"
#include "datapath/pack.h"
#include "datapath/table.h"

enum { BUCKET_SLOTS = 8, BUCKET_LOAD = 4 };
#define BUCKET_SPILLS UINT32_C(0x80000000) /* in entry[7]: keys of this bucket lie in the next */

struct bucket {
    uint16_t sig[BUCKET_SLOTS]; /* 0: free */
    uint16_t priority[BUCKET_SLOTS];
    uint32_t entry[BUCKET_SLOTS];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct hash {
    struct bucket *buckets;
    uint64_t *entries; /* stride words each: the table's packed words, and one for the rule */
    uint64_t bucket_mask;
    uint32_t n, worst;
    uint16_t max_priority;
    uint16_t stride;
    uint64_t mask[FLOW_WORDS]; /* packed */
};

/* The direct template: tests of all rules in one array, in order of priority. */
struct word_test {
    uint64_t mask, value;
    uint32_t word;
};
struct direct_rule {
    const struct rule *rule;
    uint32_t first, n; /* in tests */
};
struct direct {
    uint32_t n;
    struct direct_rule *rules;
    struct word_test *tests;
};

struct prune;

/* The exact template and the tuples. */
struct tuples {
    struct pack pack;
    uint32_t n;
    uint64_t key, secret;
    struct hash *hash;   /* by max_priority, descending */
    struct prune *prune; /* NULL: all are looked at */
};

struct table {
    enum table_kind kind;
    uint32_t n_rules;
    _Atomic uint32_t refs;
    uint64_t born; /* see table_born() */
    bool shallow;
    const struct rule *catch_all; /* matches everything; NULL: none */
    struct direct direct;
    struct tuples tuples;
    struct rule **rules; /* all that are owned */
    uint64_t fields[FLOW_WORDS];
};

/* Reachable rules of one mask. */
struct group {
    struct rule **rules;
    uint32_t n;
    uint16_t max_priority;
};

/* 0 or -ENOMEM; nothing is kept on failure. The groups' rules have one mask each. */
int direct_build(struct direct *d, struct rule *const *rules, uint32_t n);
int tuples_build(struct tuples *t, const struct group *groups, uint32_t n, uint64_t key,
                 const uint64_t fields[FLOW_WORDS]);
int hash_build(struct hash *h, const struct tuples *t, const struct group *g);
void direct_clear(struct direct *d);
void tuples_clear(struct tuples *t);
void hash_clear(struct hash *h);

/* The burst look-ups; out[i] NULL where nothing but the catch-all matches. n <= WEFT_BURST. */
void direct_burst(const struct direct *d, const struct flow_key *const *k, unsigned n,
                  const struct rule **out);
void tuples_burst(const struct tuples *t, const struct flow_key *const *k, unsigned n,
                  const struct rule **out);

#endif
