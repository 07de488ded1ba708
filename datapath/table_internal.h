/* datapath/table_internal.h: how a table lies in memory. For table*.c.
 *
 * A view is the table as lookups see it. A hash holds the rules of one mask. Keys are packed
 * (pack.h) the same way in all hashes of a view. Buckets of one cache line have eight 16-bit
 * signatures, the rules' priorities, and where the entry is; entries are packed apart
 * (the masked words, then the rule). So a miss costs one line, and so does a
 * hit that a higher priority makes needless; a hit costs two. Buckets are half full at the
 * most on average; a key whose bucket is full goes to the next one, and the bucket says so, which
 * bounds a probe by what was seen when rules came.
 *
 * Readers never write. Control writes in place, so that a reader beside it is never wrong: an
 * entry is whole before its slot says so, and its slot is marked UNSETTLED while some reader may be
 * of a version that the rule isn't there in; only then does a reader look at the rule's versions.
 * A slot or an entry that is used again was UNSETTLED, and its new rule is not yet born for
 * whoever still looks at it. Priorities by which readers leave out tuples, and the pruner, may
 * promise too much, never too little. What can't be done so (a hash that grows, masks of other
 * fields) is done beside and published by a pointer.
 */
#ifndef WEFT_DATAPATH_TABLE_INTERNAL_H
#define WEFT_DATAPATH_TABLE_INTERNAL_H

#include <stdatomic.h>

#include "base/flow.h"
#include "datapath/hash.h"
#include "datapath/pack.h"
#include "datapath/table.h"

enum { DIRECT_MAX = 8, BUCKET_SLOTS = 8, BUCKET_LOAD = 4 };
#define RULE_LIVES     UINT64_MAX           /* death of one that isn't removed */
#define SLOT_SPILLS    UINT32_C(0x80000000) /* in entry[7]: keys of the bucket lie in the next */
#define SLOT_UNSETTLED UINT32_C(0x40000000) /* look at the rule's versions */
#define SLOT_ENTRY     UINT32_C(0x3fffffff)

struct bucket {
    uint16_t sig[BUCKET_SLOTS]; /* 0: free */
    uint16_t priority[BUCKET_SLOTS];
    uint32_t entry[BUCKET_SLOTS];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

/* A hash's memory, replaced whole when it grows. */
struct cells {
    struct bucket *buckets;
    uint64_t *entries; /* stride words each: the table's packed words, and one for the rule */
    uint64_t bucket_mask;
    uint32_t cap; /* entries */
};

struct hash {
    struct cells *_Atomic cells;
    uint16_t stride;
    _Atomic uint16_t max_priority;  /* no rule is above */
    _Atomic uint16_t rest_priority; /* nor in any later hash */
    uint32_t n, top, spare;         /* rules; entries ever used; the first free one + 1 */
    uint32_t worst;                 /* buckets that a probe may see */
    uint32_t spilled;               /* buckets that spill */
    uint64_t mask[FLOW_WORDS];      /* packed */
};

/* The direct template: tests of all rules in one array, in order of priority. Immutable. */
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

/* The exact template and the tuples; or, when there is no room for hashes, the direct one. */
struct view {
    struct direct direct;
    struct pack pack;
    uint64_t key, secret;
    struct prune *prune;         /* NULL: all are looked at */
    uint64_t fields[FLOW_WORDS]; /* that pack packs */
    uint32_t built_n, built_rules;
    uint32_t *index, index_mask; /* by mask: a hash's number + 1. Control's */
    uint32_t cap;
    _Atomic uint32_t n;
    struct hash hash[]; /* about by max_priority, descending */
};

/* Rules that match everything, by priority, descending. Immutable. */
struct rule_list {
    uint32_t n;
    const struct rule *rule[];
};

struct table {
    struct view *_Atomic view;     /* NULL: all rules match everything */
    struct rule_list *_Atomic all; /* NULL: none */
    _Atomic uint64_t changed;
    _Atomic bool shallow;
    _Atomic uint32_t refs;
    enum table_kind forced; /* TABLE_ANY: free to choose */
    bool no_prune;          /* a pruner has failed */
    uint64_t key;
    uint64_t fields[FLOW_WORDS];
    struct rule **rules; /* all that are owned */
    uint32_t n_rules, cap_rules;
    uint32_t n_all;   /* of them, those that match everything */
    uint32_t removed; /* since a view was built */
    uint32_t views;
    struct table_changes *changes; /* since they were last taken */
};

/* Rules of one mask. */
struct group {
    struct rule **rules;
    uint32_t n;
    uint16_t max_priority;
};

static inline bool rule_is_there(const struct rule *r, uint64_t version)
{
    return __atomic_load_n(&r->birth, __ATOMIC_RELAXED) <= version &&
           version < __atomic_load_n(&r->death, __ATOMIC_RELAXED);
}

/* ---- table_direct.c: 0 or -ENOMEM; nothing is kept on failure ---- */

int direct_build(struct direct *d, struct rule *const *rules, uint32_t n);
void direct_clear(struct direct *d);
void direct_burst(const struct direct *d, const struct flow_key *const *k, unsigned n,
                  uint64_t version, const struct rule *floor, const struct rule **out);

/* ---- table_hash.c ---- */

/* An empty hash of the mask of rule r with room for `rules`. 0 or -ENOMEM. */
int hash_init(struct hash *h, const struct view *v, const struct flow_match *m, uint32_t rules);
void hash_clear(struct hash *h);
/* Is h full, or spilled over by what came and went? hash_grow() then makes new cells; *old are to
 * be freed in time. 0 or -ENOMEM. */
bool hash_is_full(const struct hash *h);
int hash_grow(struct hash *h, const struct view *v, struct cells **old);
void cells_free(struct cells *c);
/* Puts r in; h isn't full. */
void hash_put(struct hash *h, const struct view *v, const struct rule *r, bool unsettled);
/* Marks r's slot, or takes it away. r is in h. */
void hash_mark(struct hash *h, const struct view *v, const struct rule *r, bool unsettled);
void hash_take(struct hash *h, const struct view *v, const struct rule *r);

/* ---- table_view.c ---- */

/* The view for n rules, none of which matches everything. 0, -ENOMEM or -EINVAL. */
int view_build(const struct table *t, struct rule *const *rules, uint32_t n, struct view **out);
void view_free(struct view *v);
/* The hash of a mask; NULL: none. */
struct hash *view_find(struct view *v, const struct flow_match *m);
/* One for a new mask, last of all; NULL: no room or no memory. */
struct hash *view_append(struct view *v, const struct flow_match *m);
/* A rule of this priority is in h. */
void view_raise(struct view *v, struct hash *h, uint16_t priority);

/* ---- table_tuples.c ---- */

/* The burst look-up; out[i]: floor where nothing above it matches (NULL: floor is nothing). */
void tuples_burst(const struct view *v, const struct flow_key *const *k, unsigned n,
                  uint64_t version, const struct rule *floor, const struct rule **out);

#endif
