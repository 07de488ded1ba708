/* datapath/fib.h: longest prefix match, for one table (VRF) of one family.
 *
 * A trie with a root of 16 bits and nodes of 8: an IPv4 address costs one to three loads, an IPv6
 * /48 five. Prefixes are pushed to the leaves, so a look-up never goes back. Not rte_fib: that one
 * takes 32 to 64 MB a table before its first route (its first level has 24 bits), and hands freed
 * groups out again under its readers' hands. Here memory is reserved as addresses and taken page by
 * page as routes come, so that thousands of small tables are cheap; a default route is one word,
 * not a painted table.
 *
 * One writer, many readers. An entry is 32 bits and changes by one store; a new node is filled
 * before it is hung up (release/acquire), and an emptied one is used again only after a grace
 * period (rcu.h). A reader sees each address with the old route or the new one, never with none
 * that wasn't there. There is no stall: a change paints what the prefix covers and nothing else.
 *
 * A next hop is a number of the caller's, 1..FIB_NEXT_MAX; 0 is "no route". Invariants: an entry's
 * depth is the length of the prefix that painted it, and no painter was longer; an entry of the
 * default route is 0.
 */
#ifndef WEFT_DATAPATH_FIB_H
#define WEFT_DATAPATH_FIB_H

#include "base/types.h"
#include "datapath/rcu.h"

#define FIB_CHILD    0x80000000u /* an entry that leads on: the rest is a node's number */
#define FIB_NEXT_MAX 0x00ffffffu

struct fib_config {
    bool ip6;
    uint32_t max_routes;
    uint64_t hash_key;
    struct rcu *rcu; /* NULL: no readers but the caller */
};

/* What a reader touches. */
struct fib {
    uint32_t *entry;       /* the root's 65536, then 256 of each node */
    uint32_t default_next; /* of prefix length 0 */
    struct fib_writer *w;
};

struct fib_stats {
    uint32_t routes, nodes;
    uint64_t bytes; /* of memory in use by nodes and the route store, at most */
};

/* NULL when there is no memory (or address space). */
struct fib *fib_create(const struct fib_config *c);
/* After the last reader could have found it; takes a grace period. */
void fib_destroy(struct fib *f);

/* Adds the route or changes its next hop. Bits of the prefix beyond len must be zero; an IPv4
 * prefix is in the first four bytes. 0, -EINVAL, -ENOSPC (routes or nodes). */
int fib_set(struct fib *f, const struct ip6 *prefix, uint8_t len, uint32_t next);
/* 0 or -ENOENT. */
int fib_delete(struct fib *f, const struct ip6 *prefix, uint8_t len);
/* The next hop of exactly this prefix, or 0. */
uint32_t fib_get(const struct fib *f, const struct ip6 *prefix, uint8_t len);
/* Walks the routes in no order: *cursor starts at 0; false at the end. */
bool fib_each(const struct fib *f, uint32_t *cursor, struct ip6 *prefix, uint8_t *len,
              uint32_t *next);
struct fib_stats fib_stats(const struct fib *f);

static inline uint32_t fib_load(const struct fib *f, uint32_t at)
{
    return __atomic_load_n(&f->entry[at], __ATOMIC_ACQUIRE);
}

static inline uint32_t fib_child(uint32_t entry, uint8_t byte)
{
    return ((entry & ~FIB_CHILD) << 8) + byte;
}

static inline uint32_t fib_found(const struct fib *f, uint32_t entry)
{
    return entry ? entry : __atomic_load_n(&f->default_next, __ATOMIC_RELAXED);
}

/* Any thread. The address in host order; the next hop or 0. */
static inline uint32_t fib_lookup4(const struct fib *f, uint32_t ip)
{
    uint32_t e = fib_load(f, ip >> 16);
    if (e & FIB_CHILD)
        e = fib_load(f, fib_child(e, (uint8_t)(ip >> 8)));
    if (e & FIB_CHILD)
        e = fib_load(f, fib_child(e, (uint8_t)ip));
    return fib_found(f, e);
}

static inline uint32_t fib_lookup6(const struct fib *f, const struct ip6 *ip)
{
    uint32_t e = fib_load(f, (uint32_t)ip->b[0] << 8 | ip->b[1]);
    for (unsigned i = 2; e & FIB_CHILD; i++)
        e = fib_load(f, fib_child(e, ip->b[i]));
    return fib_found(f, e);
}

/* A burst: each level's loads are asked for before the first is needed. */
void fib_lookup4_burst(const struct fib *f, const uint32_t *ip, uint32_t *next, unsigned n);
void fib_lookup6_burst(const struct fib *f, const struct ip6 *ip, uint32_t *next, unsigned n);

#endif
