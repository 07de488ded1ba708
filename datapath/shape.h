/* datapath/shape.h: the few words of a key that a mask looks at.
 *
 * A mask has FLOW_WORDS words, of which most are zero. Its shape lists the others, so that
 * hashing, comparing and keeping a masked key costs what the mask needs. Immutable after
 * shape_init(). Inline, as tables and the flow cache do this for each packet. Pure, any thread.
 */
#ifndef WEFT_DATAPATH_SHAPE_H
#define WEFT_DATAPATH_SHAPE_H

#include "base/flow.h"
#include "datapath/hash.h"

struct shape {
    uint8_t n; /* words in use; 0: the mask is empty */
    uint8_t word[FLOW_WORDS];
    uint64_t mask[FLOW_WORDS];
};

static inline void shape_init(struct shape *s, const uint64_t mask[FLOW_WORDS])
{
    s->n = 0;
    for (unsigned i = 0; i < FLOW_WORDS; i++) {
        if (mask[i] == 0)
            continue;
        s->word[s->n] = (uint8_t)i;
        s->mask[s->n++] = mask[i];
    }
}

/* hash_words() over the masked words; `secret` is hash_secret(key). */
static inline uint64_t shape_hash(const struct shape *s, const struct flow_key *k, uint64_t key,
                                  uint64_t secret)
{
    uint64_t v = key ^ s->n;
    unsigned i = 0;
    for (; i + 2 <= s->n; i += 2)
        v = hash_fold((k->w[s->word[i]] & s->mask[i]) ^ v,
                      (k->w[s->word[i + 1]] & s->mask[i + 1]) ^ secret) +
            secret;
    if (i < s->n)
        v = hash_fold((k->w[s->word[i]] & s->mask[i]) ^ v, secret);
    return hash_fold(v ^ secret, UINT64_C(0x9e3779b97f4a7c15));
}

/* Are k's masked words these? */
static inline bool shape_equal(const struct shape *s, const uint64_t *words,
                               const struct flow_key *k)
{
    uint64_t diff = 0;
    for (unsigned i = 0; i < s->n; i++)
        diff |= (k->w[s->word[i]] & s->mask[i]) ^ words[i];
    return diff == 0;
}

static inline void shape_take(const struct shape *s, uint64_t *words, const struct flow_key *k)
{
    for (unsigned i = 0; i < s->n; i++)
        words[i] = k->w[s->word[i]] & s->mask[i];
}

#endif
