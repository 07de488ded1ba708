/* datapath/table_probe.h: one probe of a hash, in steps that a burst can interleave.
 *
 * hash_prefetch() asks for the bucket, hash_find() compares. Inline since this is done for each
 * packet and mask, and so that the number of words is a constant where it is small.
 */
#ifndef WEFT_DATAPATH_TABLE_PROBE_H
#define WEFT_DATAPATH_TABLE_PROBE_H

#include "datapath/table_internal.h"

/* From the hash's top, while the bucket comes from its bottom. Never 0. */
static inline uint16_t hash_signature(uint64_t hash) { return (uint16_t)(hash >> 48 | 1); }

static inline const struct cells *hash_cells(const struct hash *h)
{
    return atomic_load_explicit(&h->cells, memory_order_acquire);
}

static inline void hash_prefetch(const struct hash *h, uint64_t hash)
{
    const struct cells *c = hash_cells(h);
    __builtin_prefetch(&c->buckets[hash & c->bucket_mask]);
}

/* Bit 2i: slot i has the signature. */
static inline unsigned bucket_hits(const struct bucket *b, uint16_t sig)
{
    typedef uint16_t sigs __attribute__((vector_size(sizeof b->sig)));
    typedef char bytes __attribute__((vector_size(sizeof b->sig)));
    sigs have;
    memcpy(&have, b->sig, sizeof have);
    bytes same = (bytes)(have == sig);
    return (unsigned)__builtin_ia32_pmovmskb128(same) & 0x5555;
}

static inline uint32_t slot_load(const struct bucket *b, unsigned slot)
{
    return __atomic_load_n(&b->entry[slot], __ATOMIC_ACQUIRE);
}

/* The highest rule of the version whose key is w's masked words and whose priority is above *best
 * (-1: any), which is set with it; else NULL. n: packed words. */
static inline const struct rule *hash_find(const struct hash *h, const uint64_t *w, unsigned n,
                                           uint64_t hash, uint64_t version, int32_t *best)
{
    const struct cells *c = hash_cells(h);
    const struct rule *found = NULL;
    uint16_t sig = hash_signature(hash);
    for (uint64_t at = hash & c->bucket_mask;; at = (at + 1) & c->bucket_mask) {
        const struct bucket *b = &c->buckets[at];
        for (unsigned hits = bucket_hits(b, sig); hits != 0; hits &= hits - 1) {
            unsigned i = (unsigned)__builtin_ctz(hits) / 2;
            uint32_t slot = slot_load(b, i);
            const uint64_t *entry = c->entries + (uint64_t)(slot & SLOT_ENTRY) * (n + 1);
            if (b->priority[i] <= *best || !pack_equal(w, h->mask, entry, n))
                continue;
            const struct rule *r = (const struct rule *)(uintptr_t)entry[n];
            if (__builtin_expect(slot & SLOT_UNSETTLED, 0) && !rule_is_there(r, version))
                continue;
            *best = b->priority[i];
            found = r;
        }
        if (__builtin_expect((slot_load(b, BUCKET_SLOTS - 1) & SLOT_SPILLS) == 0, 1))
            return found;
    }
}

#endif
