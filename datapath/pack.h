/* datapath/pack.h: a flow key reduced to the halves that a table looks at.
 *
 * Of the 44 32-bit halves of a key a table looks at few: an IPv4 five-tuple lies in five. Packed
 * side by side they are three words, of which hashing, masking and comparing cost little, and which
 * every mask of the table shares: no loop depends on the mask. Packed rules are small, too.
 * Immutable after pack_init(). Inline: done for each packet. Pure, any thread.
 */
#ifndef WEFT_DATAPATH_PACK_H
#define WEFT_DATAPATH_PACK_H

#include "base/flow.h"
#include "datapath/hash.h"

enum { PACK_HALVES = 2 * FLOW_WORDS };

struct pack {
    uint8_t n; /* words packed, at least 1 */
    uint8_t half[PACK_HALVES];
};

static inline uint32_t pack_half(const struct flow_key *k, unsigned half)
{
    uint32_t v;
    memcpy(&v, (const char *)k->w + half * sizeof v, sizeof v);
    return v;
}

/* The halves in which `fields` has bits; an odd one is padded with itself. */
static inline void pack_init(struct pack *p, const uint64_t fields[FLOW_WORDS])
{
    struct flow_key k;
    unsigned n = 0;
    memcpy(k.w, fields, sizeof k.w);
    for (unsigned i = 0; i < PACK_HALVES; i++) {
        if (pack_half(&k, i) != 0)
            p->half[n++] = (uint8_t)i;
    }
    if (n == 0)
        p->half[n++] = 0;
    if (n % 2 != 0)
        p->half[n] = p->half[n - 1];
    p->n = (uint8_t)((n + 1) / 2);
}

/* n is p->n: a constant to those who are specialised. */
static inline void pack_key(const struct pack *p, unsigned n, const struct flow_key *k,
                            uint64_t *out)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = pack_half(k, p->half[2 * i]) | (uint64_t)pack_half(k, p->half[2 * i + 1]) << 32;
}

/* As hash_words(), of the masked words; `secret` is hash_secret(key). */
static inline uint64_t pack_hash(const uint64_t *w, const uint64_t *mask, unsigned n, uint64_t key,
                                 uint64_t secret)
{
    uint64_t h = key ^ n;
    unsigned i = 0;
    for (; i + 2 <= n; i += 2)
        h = hash_fold((w[i] & mask[i]) ^ h, (w[i + 1] & mask[i + 1]) ^ secret) + secret;
    if (i < n)
        h = hash_fold((w[i] & mask[i]) ^ h, secret);
    return hash_fold(h ^ secret, UINT64_C(0x9e3779b97f4a7c15));
}

static inline bool pack_equal(const uint64_t *w, const uint64_t *mask, const uint64_t *entry,
                              unsigned n)
{
    uint64_t diff = 0;
    for (unsigned i = 0; i < n; i++)
        diff |= (w[i] & mask[i]) ^ entry[i];
    return diff == 0;
}

#endif
