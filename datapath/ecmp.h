/* datapath/ecmp.h: many next hops for one route, without tearing flows that need not move.
 *
 * A group has a fixed number of buckets, each holding a next hop; a flow's hash picks a bucket.
 * When the members change, only buckets move that must: those of a member that left go to the
 * others, and one that came takes no more than its share (RFC 2992 names the harm; this is what
 * vendors call resilient hashing). Weights are in shares of buckets, met to within one bucket.
 *
 * Workers read a bucket with one load; the writer changes buckets in place, each with one store.
 * Pure but for that.
 */
#ifndef WEFT_DATAPATH_ECMP_H
#define WEFT_DATAPATH_ECMP_H

#include "base/types.h"

enum { ECMP_MEMBERS_MAX = 64, ECMP_BUCKETS_MAX = 1024 };

struct ecmp_member {
    uint32_t next;   /* not 0 */
    uint16_t weight; /* at least 1 */
};

struct ecmp {
    uint16_t buckets; /* a power of two; set once */
    uint32_t bucket[ECMP_BUCKETS_MAX];
};

/* 0 or -EINVAL: not a power of two, or too many. All buckets say "no route". */
int ecmp_init(struct ecmp *g, unsigned buckets);

/* Makes these n members (no next hop twice) the group's. How many buckets moved, or -EINVAL.
 * Without members all say 0. */
int ecmp_set(struct ecmp *g, const struct ecmp_member *member, unsigned n);

/* Any thread. */
static inline uint32_t ecmp_pick(const struct ecmp *g, uint32_t hash)
{
    return __atomic_load_n(&g->bucket[hash & (g->buckets - 1u)], __ATOMIC_RELAXED);
}

#endif
