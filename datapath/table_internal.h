/* datapath/table_internal.h: how a table lies in memory. For table*.c.
 *
 * A mask is kept as a shape: the few words of the key that it looks at. A hash
 * holds the rules of one shape: buckets of one cache line with eight 16-bit
 * signatures, the rules' priorities, and where the entry is; entries are packed apart
 * (the masked words, then the rule). So a miss costs one line, and so does a
 * hit that a higher priority makes needless; a hit costs two. Buckets are half full at the
 * most when built; a key whose bucket is full goes to the next one, and the bucket says so, which
 * bounds a probe by what was seen at build time. Immutable after build; readers never write.
 */
#ifndef WEFT_DATAPATH_TABLE_INTERNAL_H
#define WEFT_DATAPATH_TABLE_INTERNAL_H

#include <stdatomic.h>

#include "base/flow.h"
#include "datapath/hash.h"
#include "datapath/shape.h"
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
    struct shape shape;
    uint16_t max_priority;
    uint32_t stride; /* words of an entry: shape.n, and one for the rule */
    uint32_t n, worst;
    uint64_t key, secret, bucket_mask;
    struct bucket *buckets;
    uint64_t *entries;
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

struct table {
    enum table_kind kind;
    uint32_t n_rules, n_hashes;
    _Atomic uint32_t refs;
    uint64_t born; /* see table_born() */
    bool shallow;
    const struct rule *catch_all; /* matches everything; NULL: none */
    struct direct direct;
    struct hash *hashes; /* exact: one; tuples: by max_priority, descending */
    struct rule **rules; /* all that are owned */
    uint64_t fields[FLOW_WORDS];
};

/* Reachable rules of one mask. */
struct group {
    struct rule **rules;
    uint32_t n;
    uint16_t max_priority;
};

/* 0 or -ENOMEM; nothing is kept on failure. hash_build's rules all have the same mask. */
int direct_build(struct direct *d, struct rule *const *rules, uint32_t n);
int hash_build(struct hash *h, const struct group *g, uint64_t key);
void direct_clear(struct direct *d);
void hash_clear(struct hash *h);

/* The burst look-ups; out[i] NULL where nothing but the catch-all matches. n <= WEFT_BURST. */
void direct_burst(const struct direct *d, const struct flow_key *const *k, unsigned n,
                  const struct rule **out);
void exact_burst(const struct hash *h, const struct flow_key *const *k, unsigned n,
                 const struct rule **out);
void tuples_burst(const struct hash *h, uint32_t n_hashes, const struct flow_key *const *k,
                  unsigned n, const struct rule **out);

#endif
