/* fdb.c: the lookup structure; fdb_write.c changes it. See fdb_internal.h for the layout. */
#include "datapath/fdb_internal.h"

#include <stdlib.h>

#include "datapath/hash.h"

/* Buckets: one per entry of the nominal size, so that at a full table four
 * ways times two choices overflow less than once in a thousand tables. */
static uint32_t buckets_for(uint32_t size)
{
    uint32_t n = 2;
    while (n < size)
        n *= 2;
    return n;
}

static bool fdb_init(struct fdb *f, uint32_t size)
{
    uint32_t slots = buckets_for(size) * FDB_WAYS;
    f->bucket_mask = buckets_for(size) - 1;
    f->buckets = aligned_alloc(64, (size_t)slots * sizeof(struct fdb_slot));
    f->cold = calloc(slots, sizeof *f->cold);
    f->ports = calloc(WEFT_PORTS_MAX, sizeof *f->ports);
    if (f->buckets == NULL || f->cold == NULL || f->ports == NULL)
        return false;
    memset((void *)f->buckets, 0, (size_t)slots * sizeof(struct fdb_slot));
    for (unsigned p = 0; p < WEFT_PORTS_MAX; p++)
        f->ports[p].head = FDB_NIL;
    return true;
}

struct fdb *fdb_create(uint32_t size, nsec_t ageing_ns, uint64_t hash_key)
{
    if (size < 1 || size > WEFT_FDB_MAX)
        return NULL;
    struct fdb *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    pthread_mutex_init(&f->lock, NULL);
    f->key = hash_key;
    f->counters.size = size;
    if (!fdb_init(f, size)) {
        fdb_free(f);
        return NULL;
    }
    fdb_set_ageing(f, ageing_ns);
    return f;
}

void fdb_free(struct fdb *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    free((void *)f->buckets);
    free(f->cold);
    free(f->ports);
    free(atomic_load(&f->gens));
    free(f);
}

/* One slot against one key: its state when the key lives there, else 0.
 * The state is read before and after the key. A valid state of version n is
 * stored after the n-th key, and the (n+1)-th key after a state of version n+1
 * (see slot_fill). So when both readings are valid and of one version, the key
 * read in between is the one they belong to. A first look at the key spares the others that. */
static inline uint64_t slot_match(struct fdb_slot *s, uint64_t key)
{
    if (atomic_load_explicit(&s->key, memory_order_relaxed) != key)
        return 0;
    uint64_t before = atomic_load_explicit(&s->state, memory_order_acquire);
    if (atomic_load_explicit(&s->key, memory_order_acquire) != key)
        return 0;
    uint64_t after = atomic_load_explicit(&s->state, memory_order_acquire);
    bool same = ((before ^ after) & FDB_VERSION_MASK) == 0;
    return same && (before & after & FDB_VALID) ? after : 0;
}

static inline struct fdb_slot *bucket_match(struct fdb_bucket *b, uint64_t key, uint64_t *state)
{
    for (int i = 0; i < FDB_WAYS; i++) {
        *state = slot_match(&b->slot[i], key);
        if (*state != 0)
            return &b->slot[i];
    }
    return NULL;
}

static inline struct fdb_slot *find(const struct fdb *f, struct fdb_probe p, uint64_t *state)
{
    struct fdb_slot *s = bucket_match(fdb_bucket1(f, p.hash), p.key, state);
    return s != NULL ? s : bucket_match(fdb_bucket2(f, p.hash), p.key, state);
}

struct fdb_slot *fdb_find(const struct fdb *f, uint64_t key, uint64_t *state)
{
    return find(f, (struct fdb_probe){.key = key, .hash = hash_u64(key, f->key)}, state);
}

struct fdb_probe fdb_probe(const struct fdb *f, uint16_t vlan, struct mac mac)
{
    struct fdb_probe p = {.key = fdb_key(vlan, mac)};
    p.hash = hash_u64(p.key, f->key);
    __builtin_prefetch(fdb_bucket1(f, p.hash));
    return p;
}

uint32_t fdb_lookup_at(const struct fdb *f, struct fdb_probe p)
{
    uint64_t state;
    if (find(f, p, &state) == NULL || !fdb_fresh(f, p.key, state))
        return FDB_NO_PORT;
    return fdb_state_place(state);
}

bool fdb_seen_at(struct fdb *f, struct fdb_probe p, uint32_t place, nsec_t now)
{
    uint64_t state;
    struct fdb_slot *s = find(f, p, &state);
    if (s == NULL || !fdb_fresh(f, p.key, state))
        return false;
    if (fdb_state_place(state) != place)
        return (state & FDB_STATIC_BIT) != 0; /* it will not move: no use in telling */
    if (fdb_age_of(state, now) >= FDB_TOUCH_UNITS)
        /* Losing a race means that another worker touched it or that it has just changed. */
        (void)atomic_compare_exchange_strong(&s->state, &state, fdb_touched(state, now));
    return true;
}

uint32_t fdb_lookup(const struct fdb *f, uint16_t vlan, struct mac mac)
{
    return fdb_lookup_at(f, fdb_probe(f, vlan, mac));
}

bool fdb_seen(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now)
{
    return fdb_seen_at(f, fdb_probe(f, vlan, mac), place, now);
}
