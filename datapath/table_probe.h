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

static inline void hash_prefetch(const struct hash *h, uint64_t hash)
{
    __builtin_prefetch(&h->buckets[hash & h->bucket_mask]);
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

static inline const uint64_t *hash_entry(const struct hash *h, const struct bucket *b,
                                         unsigned slot)
{
    return h->entries + (uint64_t)(b->entry[slot] & ~BUCKET_SPILLS) * h->stride;
}

/* The rule whose key is w's masked words when its priority is above floor (-1: any), else NULL.
 * *priority is set with it. n: packed words. */
static inline const struct rule *hash_find(const struct hash *h, const uint64_t *w, unsigned n,
                                           uint64_t hash, int32_t floor, int32_t *priority)
{
    uint16_t sig = hash_signature(hash);
    for (uint64_t at = hash & h->bucket_mask;; at = (at + 1) & h->bucket_mask) {
        const struct bucket *b = &h->buckets[at];
        for (unsigned hits = bucket_hits(b, sig); hits != 0; hits &= hits - 1) {
            unsigned i = (unsigned)__builtin_ctz(hits) / 2;
            const uint64_t *entry = hash_entry(h, b, i);
            if (b->priority[i] <= floor || !pack_equal(w, h->mask, entry, n))
                continue;
            *priority = b->priority[i];
            return (const struct rule *)(uintptr_t)entry[n];
        }
        if (__builtin_expect((b->entry[BUCKET_SLOTS - 1] & BUCKET_SPILLS) == 0, 1))
            return NULL;
    }
}

#endif
