/* table_tuples.c: a hash per mask, the one with the highest priority first. One mask is the exact
 * template. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/table_probe.h"
#include "datapath/table_prune.h"

/* A pruner costs about as much as so many probes. */
enum { PRUNE_FROM = 6 };

/* ------------------------------------------------------------ build */

int tuples_build(struct tuples *t, const struct group *groups, uint32_t n, uint64_t key,
                 const uint64_t fields[FLOW_WORDS])
{
    *t = (struct tuples){.key = key, .secret = hash_secret(key)};
    pack_init(&t->pack, fields);
    t->hash = calloc(n + 1, sizeof *t->hash);
    if (t->hash == NULL)
        return -ENOMEM;
    for (; t->n < n; t->n++) {
        if (hash_build(&t->hash[t->n], t, &groups[t->n]) != 0) {
            tuples_clear(t);
            return -ENOMEM;
        }
    }
    if (n >= PRUNE_FROM)
        t->prune = prune_build(groups, n);
    return 0;
}

void tuples_clear(struct tuples *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        hash_clear(&t->hash[i]);
    prune_free(t->prune);
    free(t->hash);
    *t = (struct tuples){.n = 0};
}

/* ------------------------------------------------------------ look up */

/* What is known of the packets of a burst while the tuples are gone through. */
struct search {
    const struct tuples *t;
    const struct rule **out;
    unsigned n_open;
    uint8_t open[WEFT_BURST];  /* packets that a later tuple may still win */
    uint32_t at[WEFT_BURST];   /* the tuple to look into next */
    int32_t best[WEFT_BURST];  /* priority of out[i]; -1: none yet */
    uint64_t hash[WEFT_BURST]; /* by place in `open` */
    struct tuple_set left[WEFT_BURST];
    uint64_t w[WEFT_BURST][FLOW_WORDS];
};

/* The first tuple of packet p from its place on that it can be in, or t->n. */
static inline uint32_t next_tuple(const struct search *s, unsigned p, uint32_t from)
{
    if (s->t->prune == NULL || from >= PRUNE_TUPLES)
        return from;
    for (uint32_t i = from / 64; i < PRUNE_WORDS; i++) {
        uint64_t w = s->left[p].w[i];
        if (i == from / 64)
            w &= ~UINT64_C(0) << from % 64;
        if (w != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(w);
    }
    return s->t->n;
}

/* Each open packet's next hash is made, or it leaves: nothing from there on is above its best. */
static inline __attribute__((always_inline)) void aim(struct search *s, unsigned n)
{
    const struct tuples *t = s->t;
    unsigned kept = 0;
    for (unsigned i = 0; i < s->n_open; i++) {
        unsigned p = s->open[i];
        uint32_t at = next_tuple(s, p, s->at[p]);
        if (at >= t->n || s->best[p] >= t->hash[at].max_priority)
            continue;
        s->at[p] = at;
        s->hash[kept] = pack_hash(s->w[p], t->hash[at].mask, n, t->key, t->secret);
        hash_prefetch(&t->hash[at], s->hash[kept]);
        s->open[kept++] = (uint8_t)p;
    }
    s->n_open = kept;
}

static inline __attribute__((always_inline)) void probe(struct search *s, unsigned n)
{
    for (unsigned i = 0; i < s->n_open; i++) {
        unsigned p = s->open[i];
        const struct hash *h = &s->t->hash[s->at[p]++];
        const struct rule *r = hash_find(h, s->w[p], n, s->hash[i], s->best[p], &s->best[p]);
        if (r != NULL)
            s->out[p] = r;
    }
}

static inline __attribute__((always_inline)) void search(const struct tuples *t,
                                                         const struct flow_key *const *k,
                                                         unsigned n_keys, const struct rule **out,
                                                         unsigned n)
{
    struct search s;
    s.t = t;
    s.out = out;
    s.n_open = n_keys;
    if (t->prune != NULL)
        prune_burst(t->prune, k, n_keys, s.left);
    for (unsigned i = 0; i < n_keys; i++) {
        pack_key(&t->pack, n, k[i], s.w[i]);
        out[i] = NULL;
        s.open[i] = (uint8_t)i;
        s.at[i] = 0;
        s.best[i] = -1;
    }
    for (aim(&s, n); s.n_open > 0; aim(&s, n))
        probe(&s, n);
}

static inline __attribute__((always_inline)) void exact(const struct tuples *t,
                                                        const struct flow_key *const *k,
                                                        unsigned n_keys, const struct rule **out,
                                                        unsigned n)
{
    uint64_t w[WEFT_BURST][FLOW_WORDS], hash[WEFT_BURST];
    int32_t priority;
    for (unsigned i = 0; i < n_keys; i++) {
        pack_key(&t->pack, n, k[i], w[i]);
        hash[i] = pack_hash(w[i], t->hash->mask, n, t->key, t->secret);
        hash_prefetch(t->hash, hash[i]);
    }
    for (unsigned i = 0; i < n_keys; i++)
        out[i] = hash_find(t->hash, w[i], n, hash[i], -1, &priority);
}

/* The number of words is a constant in the cases that are common. */
void tuples_burst(const struct tuples *t, const struct flow_key *const *k, unsigned n,
                  const struct rule **out)
{
    bool one = t->n == 1;
    switch (t->pack.n) {
    case 1:
        one ? exact(t, k, n, out, 1) : search(t, k, n, out, 1);
        break;
    case 2:
        one ? exact(t, k, n, out, 2) : search(t, k, n, out, 2);
        break;
    case 3:
        one ? exact(t, k, n, out, 3) : search(t, k, n, out, 3);
        break;
    case 4:
        one ? exact(t, k, n, out, 4) : search(t, k, n, out, 4);
        break;
    default:
        one ? exact(t, k, n, out, t->pack.n) : search(t, k, n, out, t->pack.n);
    }
}
