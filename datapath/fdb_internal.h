/* datapath/fdb_internal.h: how the FDB lies in memory. For fdb.c and fdb_write.c.
 *
 * A slot is two words. `key` is VLAN and MAC. `state` is
 *
 *   63 valid | 62 static | 61..38 used, in units of 2^27 ns | 37..26 port | 25..13 endpoint |
 *   12..9 generation | 8..0 version
 *
 * The version grows each time the slot gets another key (learning is policed, so that a reader
 * would have to be asleep for long, in mid-look, to miss 512 of them in one slot); while the key is
 * being replaced `state` is not valid. A move is one store of `state`, a touch one
 * compare-and-swap. What only writers need is in `cold`, by slot number: times, and the chain of
 * the entries of a port.
 *
 * An entry is of the generation that its port and tree had when it was learnt, and holds as long as
 * they have it: flushing them is one store (fdb_flush_tree). The four bits come round: so before
 * the sixteenth flush of a port its stale entries are really taken out. A bridge that never had
 * trees has no `gens`, and looks no further.
 */
#ifndef WEFT_DATAPATH_FDB_INTERNAL_H
#define WEFT_DATAPATH_FDB_INTERNAL_H

#include <pthread.h>

#include "base/limits.h"
#include "datapath/fdb.h"

#define FDB_VALID        (UINT64_C(1) << 63)
#define FDB_STATIC_BIT   (UINT64_C(1) << 62)
#define FDB_USED_SHIFT   38
#define FDB_USED_MASK    UINT64_C(0xffffff) /* 26 days, then it wraps: aged long before */
#define FDB_PORT_SHIFT   26
#define FDB_PORT_MASK    UINT64_C(0xfff)
#define FDB_END_SHIFT    13
#define FDB_END_MASK     UINT64_C(0x1fff)
#define FDB_GEN_SHIFT    9
#define FDB_GEN_MASK     UINT64_C(0xf)
#define FDB_VERSION_MASK UINT64_C(0x1ff)
#define FDB_UNIT_SHIFT   27 /* 134 ms */
#define FDB_TOUCH_UNITS  8  /* a second, and a bit */
#define FDB_NIL          UINT32_MAX

_Static_assert(WEFT_PORTS_MAX <= FDB_PORT_MASK + 1, "a port index fits a slot");
_Static_assert(FDB_ENDPOINTS_MAX <= FDB_END_MASK + 1, "so does an endpoint");

enum { FDB_WAYS = 4, FDB_BUMPS_MAX = FDB_GEN_MASK - 1 };

struct fdb_slot {
    _Atomic uint64_t key, state;
};

struct fdb_bucket {
    struct fdb_slot slot[FDB_WAYS]; /* one cache line */
};

struct fdb_cold {
    nsec_t learned_ns, moved_ns;
    uint32_t moves;
    uint32_t next, prev; /* of the same port, FDB_NIL at the ends */
};

struct fdb_port {
    uint32_t head;    /* first slot of the port, learnt or static */
    uint32_t count;   /* learnt ones */
    uint32_t limit;   /* 0: none */
    uint64_t refused; /* for that */
    uint8_t bumps;    /* flushes of a tree since its stale entries were taken out */
};

struct fdb_gens {
    _Atomic uint8_t tree[4096]; /* which carries a VLAN */
    _Atomic uint8_t now[WEFT_PORTS_MAX][FDB_TREES];
};

struct fdb {
    struct fdb_bucket *buckets;
    uint32_t bucket_mask;
    uint64_t key;
    struct fdb_gens *_Atomic gens; /* NULL: nothing was ever flushed by tree */
    pthread_mutex_t lock;          /* of the writers */
    struct fdb_cold *cold;
    struct fdb_port *ports;
    struct fdb_counters counters;
    uint32_t ageing_units; /* 0: never */
    uint32_t sweep;        /* next bucket to look at */
    nsec_t swept_ns;       /* when the last sweep was */
    nsec_t now_ns;         /* the latest time that a writer was told */
};

static inline uint64_t fdb_key(uint16_t vlan, struct mac mac)
{
    return (uint64_t)vlan << 48 | mac_to_u64(mac);
}

static inline uint16_t fdb_state_port(uint64_t state)
{
    return (uint16_t)(state >> FDB_PORT_SHIFT & FDB_PORT_MASK);
}

/* The generation that an entry of key at port would be of now, where it lies in a state. */
static inline uint64_t fdb_gen_bits(const struct fdb_gens *g, uint64_t key, uint16_t port)
{
    unsigned tree = atomic_load_explicit(&g->tree[key >> 48 & 0xfff], memory_order_relaxed);
    uint64_t now = atomic_load_explicit(&g->now[port][tree], memory_order_relaxed);
    return (now & FDB_GEN_MASK) << FDB_GEN_SHIFT;
}

/* Hasn't it been flushed with its tree? */
static inline bool fdb_fresh(const struct fdb *f, uint64_t key, uint64_t state)
{
    const struct fdb_gens *g = atomic_load_explicit(&f->gens, memory_order_acquire);
    if (__builtin_expect(g == NULL, 1) || (state & FDB_STATIC_BIT))
        return true;
    return (state & FDB_GEN_MASK << FDB_GEN_SHIFT) == fdb_gen_bits(g, key, fdb_state_port(state));
}

static inline uint32_t fdb_state_place(uint64_t state)
{
    return fdb_place(fdb_state_port(state), (uint16_t)(state >> FDB_END_SHIFT & FDB_END_MASK));
}

static inline uint64_t fdb_used_bits(nsec_t now)
{
    return ((uint64_t)now >> FDB_UNIT_SHIFT & FDB_USED_MASK) << FDB_USED_SHIFT;
}

static inline uint64_t fdb_touched(uint64_t state, nsec_t now)
{
    return (state & ~(FDB_USED_MASK << FDB_USED_SHIFT)) | fdb_used_bits(now);
}

/* Units since the entry was used; 0 when a worker's clock was a little ahead of ours. */
static inline uint32_t fdb_age_of(uint64_t state, nsec_t now)
{
    uint64_t units = ((uint64_t)now >> FDB_UNIT_SHIFT) - (state >> FDB_USED_SHIFT);
    units &= FDB_USED_MASK;
    return units > FDB_USED_MASK / 2 ? 0 : (uint32_t)units;
}

static inline struct fdb_bucket *fdb_bucket1(const struct fdb *f, uint64_t h)
{
    return &f->buckets[h & f->bucket_mask];
}

/* Never the first: two choices must be two. */
static inline struct fdb_bucket *fdb_bucket2(const struct fdb *f, uint64_t h)
{
    uint64_t step = ((h >> 32) * f->bucket_mask >> 32) + 1;
    return &f->buckets[(h + step) & f->bucket_mask];
}

/* fdb.c: where key lives, be it stale, and its state as read; NULL: nowhere. */
struct fdb_slot *fdb_find(const struct fdb *f, uint64_t key, uint64_t *state);

#endif
