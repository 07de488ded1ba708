/* datapath/hash.h: the hash of everything that an outsider can choose.
 *
 * MACs, VLANs and flow keys come from the attacker, so a table that is hashed by
 * them needs a function whose collisions can't be computed without the key.
 * CRC and xor-folding are linear: two inputs that collide under one key
 * collide under all. This is a chain of folded 64x64->128 multiplications
 * (the idea of wyhash and umash), where both factors are blinded by secrets made from a
 * run-time key; three cycles of latency a step, no CPU feature beyond the
 * baseline. The key is random per switch (switch.h: hash_seed makes it repeatable).
 * It is not a MAC: good against one who sees timing, not one who sees hashes.
 * Pure, any thread.
 */
#ifndef WEFT_DATAPATH_HASH_H
#define WEFT_DATAPATH_HASH_H

#include <stdint.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 r = (unsigned __int128)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* A second secret from the first; never zero. */
static inline uint64_t hash_secret(uint64_t key)
{
    return hash_fold(key ^ UINT64_C(0x2d358dccaa6c78a5), UINT64_C(0x8bb84b93962eacc9)) | 1;
}

static inline uint64_t hash_u64(uint64_t v, uint64_t key)
{
    uint64_t k2 = hash_secret(key);
    return hash_fold(hash_fold(v ^ key, k2) ^ k2, UINT64_C(0x9e3779b97f4a7c15));
}

/* n words; any n, the length is hashed too. */
static inline uint64_t hash_words(const uint64_t *w, unsigned n, uint64_t key)
{
    uint64_t k2 = hash_secret(key), h = key ^ n;
    unsigned i = 0;
    for (; i + 2 <= n; i += 2)
        h = hash_fold(w[i] ^ h, w[i + 1] ^ k2) + k2;
    if (i < n)
        h = hash_fold(w[i] ^ h, k2);
    return hash_fold(h ^ k2, UINT64_C(0x9e3779b97f4a7c15));
}

#endif
