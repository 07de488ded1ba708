/* datapath/flowcache.h: which rules matched, remembered.
 *
 * A worker's own small exact-match cache in front of the tables. Its key is a packet's
 * flow key under the union of the program's masks, its value a path: the rule found in each
 * table that the packet went through. It never says where a MAC lives, which port is up or which
 * bucket of a group is chosen: that is read when the rules run. So a move costs it nothing.
 *
 * A path carries the version of the program that it was found true for. It is still true in a
 * later one when no table that it passed has changed since: rule churn
 * in one table empties only what passed it. A freed rule is never looked at, since that is checked
 * first and a version is never used again.
 *
 * A miss costs one classification. Where the tables are cheap the cache isn't asked at
 * all (program.h: `cached`), and when the traffic has too many flows for it, or somebody makes sure
 * of that, it is left alone for a while: no cliff behind it, and no tax in front.
 *
 * What a rule does to the key before the next table must follow from the key under the masks and
 * from the rule alone; a path past a rule that uncovers or computes fields (a popped tag, a TTL)
 * isn't kept. A worker's; inside an RCU read section.
 */
#ifndef WEFT_DATAPATH_FLOWCACHE_H
#define WEFT_DATAPATH_FLOWCACHE_H

#include "base/flow.h"
#include "base/limits.h"
#include "datapath/program.h"

struct rte_mbuf;

enum { PATH_RULES = 6, PATH_WORDS = 15 };

/* What a flow met: three cache lines. */
struct path {
    uint64_t version; /* of the program that it was last checked against */
    uint32_t owner;   /* who fills it: the burst and the packet; 0: it is whole */
    uint16_t bridge;  /* its index */
    uint8_t n;        /* rules; the last may be NULL, a miss */
    uint8_t table[PATH_RULES];
    const struct rule *rule[PATH_RULES];
    uint64_t key[PATH_WORDS];
};

struct flowcache;

/* The cache's part in a burst: by the place that a packet had when the burst came in. */
struct paths {
    uint8_t place[WEFT_BURST];          /* of the packet that is i-th now */
    const struct path *hit[WEFT_BURST]; /* NULL: look it up */
    struct path *fill[WEFT_BURST];      /* NULL: don't remember */
    uint32_t owner;                     /* of place 0 */
    uint64_t version;                   /* of the burst */
};

struct flowcache *flowcache_create(uint64_t hash_key);
void flowcache_free(struct flowcache *c);

/* Looks for n packets that enter table 0 of this version with their keys parsed. False: the cache
 * is of no use here; p is untouched. */
bool flowcache_find(struct flowcache *c, const struct program *prog, uint64_t version,
                    uint16_t bridge, struct rte_mbuf *const *m, uint16_t n, struct paths *p);
/* The packet at `place` found r (NULL: nothing) in a table, `step` tables after the first. */
void flowcache_note(struct paths *p, uint8_t place, uint8_t step, uint8_t table,
                    const struct rule *r);
/* All n have gone their way: what was filled is whole. */
void flowcache_end(struct paths *p, uint16_t n);

struct flowcache_counters {
    uint64_t lookups, hits;
    uint64_t bypassed; /* packets of cached programs while the cache was left alone */
};
struct flowcache_counters flowcache_counters(const struct flowcache *c);

#endif
