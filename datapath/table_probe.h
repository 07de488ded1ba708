/* datapath/table_probe.h: one probe of a hash, in steps that a burst can interleave.
 *
 * hash_of() costs the words that the mask looks at; hash_prefetch() asks for the bucket;
 * hash_find() compares. Inline since exact and tuples do this for each packet and mask.
 */
#ifndef WEFT_DATAPATH_TABLE_PROBE_H
#define WEFT_DATAPATH_TABLE_PROBE_H

#include "datapath/table_internal.h"

static inline uint64_t hash_of(const struct hash *h, const struct flow_key *k)
{
    return shape_hash(&h->shape, k, h->key, h->secret);
}

/* From the hash's top, while the bucket comes from its bottom. Never 0. */
static inline uint16_t hash_signature(uint64_t hash) { return (uint16_t)(hash >> 48 | 1); }

static inline void hash_prefetch(const struct hash *h, uint64_t hash)
{
    __builtin_prefetch(&h->buckets[hash & h->bucket_mask]);
}

/* Bit i: slot i has the signature. */
static inline unsigned bucket_hits(const struct bucket *b, uint16_t sig)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        hits |= (unsigned)(b->sig[i] == sig) << i;
    return hits;
}

static inline const uint64_t *hash_entry(const struct hash *h, const struct bucket *b,
                                         unsigned slot)
{
    return h->entries + (uint64_t)(b->entry[slot] & ~BUCKET_SPILLS) * h->stride;
}

static inline const struct rule *entry_rule(const struct hash *h, const uint64_t *entry)
{
    return (const struct rule *)(uintptr_t)entry[h->shape.n];
}

static inline bool entry_matches(const struct hash *h, const uint64_t *entry,
                                 const struct flow_key *k)
{
    return shape_equal(&h->shape, entry, k);
}

/* The rule whose key is k's masked words when its priority is above floor (-1: any), else NULL.
 * *priority is set with it. */
static inline const struct rule *hash_find(const struct hash *h, const struct flow_key *k,
                                           uint64_t hash, int32_t floor, int32_t *priority)
{
    uint16_t sig = hash_signature(hash);
    for (uint64_t at = hash & h->bucket_mask;; at = (at + 1) & h->bucket_mask) {
        const struct bucket *b = &h->buckets[at];
        for (unsigned hits = bucket_hits(b, sig); hits != 0; hits &= hits - 1) {
            unsigned i = (unsigned)__builtin_ctz(hits);
            const uint64_t *entry = hash_entry(h, b, i);
            if (b->priority[i] <= floor || !entry_matches(h, entry, k))
                continue;
            *priority = b->priority[i];
            return entry_rule(h, entry);
        }
        if ((b->entry[BUCKET_SLOTS - 1] & BUCKET_SPILLS) == 0)
            return NULL;
    }
}

#endif
