/* table_tuples.c: a hash per mask, about the one with the highest priority first. One mask is the
 * exact template. */
#include "datapath/table_probe.h"
#include "datapath/table_prune.h"

/* ------------------------------------------------------------ look up */

/* What is known of the packets of a burst while the tuples are gone through. */
struct search {
    const struct view *v;
    const struct rule **out;
    uint64_t version;
    uint32_t n; /* tuples */
    unsigned n_open;
    uint8_t open[WEFT_BURST];  /* packets that a later tuple may still win */
    uint32_t at[WEFT_BURST];   /* the tuple to look into next */
    int32_t best[WEFT_BURST];  /* what is looked for is above it; -1: anything */
    uint64_t hash[WEFT_BURST]; /* by place in `open` */
    struct tuple_set left[WEFT_BURST];
    uint64_t w[WEFT_BURST][FLOW_WORDS];
};

/* The first tuple of packet p from its place on that it can be in, or s->n. */
static inline uint32_t next_tuple(const struct search *s, unsigned p, uint32_t from)
{
    if (s->v->prune == NULL || from >= PRUNE_TUPLES)
        return from;
    for (uint32_t i = from / 64; i < PRUNE_WORDS; i++) {
        uint64_t w = s->left[p].w[i];
        if (i == from / 64)
            w &= ~UINT64_C(0) << from % 64;
        if (w != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(w);
    }
    return s->n;
}

/* Each open packet's next hash is made, or it leaves: nothing from there on is above its best. */
static inline __attribute__((always_inline)) void aim(struct search *s, unsigned n)
{
    const struct view *v = s->v;
    unsigned kept = 0;
    for (unsigned i = 0; i < s->n_open; i++) {
        unsigned p = s->open[i];
        uint32_t at = next_tuple(s, p, s->at[p]);
        while (at < s->n && s->best[p] >= v->hash[at].max_priority &&
               s->best[p] < v->hash[at].rest_priority)
            at = next_tuple(s, p, at + 1);
        if (at >= s->n || s->best[p] >= v->hash[at].max_priority)
            continue;
        s->at[p] = at;
        s->hash[kept] = pack_hash(s->w[p], v->hash[at].mask, n, v->key, v->secret);
        hash_prefetch(&v->hash[at], s->hash[kept]);
        s->open[kept++] = (uint8_t)p;
    }
    s->n_open = kept;
}

static inline __attribute__((always_inline)) void probe(struct search *s, unsigned n)
{
    for (unsigned i = 0; i < s->n_open; i++) {
        unsigned p = s->open[i];
        const struct hash *h = &s->v->hash[s->at[p]++];
        const struct rule *r = hash_find(h, s->w[p], n, s->hash[i], s->version, &s->best[p]);
        if (r != NULL)
            s->out[p] = r;
    }
}

/* Of rules of one priority, one that looks at something comes before one that matches all. */
static inline int32_t floor_of(const struct rule *r) { return r != NULL ? r->priority - 1 : -1; }

static inline __attribute__((always_inline)) void
search(struct search *s, const struct flow_key *const *k, const struct rule *floor, unsigned n)
{
    unsigned n_keys = s->n_open;
    int32_t least = floor_of(floor);
    if (s->v->prune != NULL)
        prune_burst(s->v->prune, k, n_keys, s->left);
    for (unsigned i = 0; i < n_keys; i++) {
        pack_key(&s->v->pack, n, k[i], s->w[i]);
        s->out[i] = floor;
        s->open[i] = (uint8_t)i;
        s->at[i] = 0;
        s->best[i] = least;
    }
    for (aim(s, n); s->n_open > 0; aim(s, n))
        probe(s, n);
}

static inline __attribute__((always_inline)) void
exact(struct search *s, const struct flow_key *const *k, const struct rule *floor, unsigned n)
{
    const struct view *v = s->v;
    for (unsigned i = 0; i < s->n_open; i++) {
        pack_key(&v->pack, n, k[i], s->w[i]);
        s->hash[i] = pack_hash(s->w[i], v->hash->mask, n, v->key, v->secret);
        hash_prefetch(v->hash, s->hash[i]);
    }
    for (unsigned i = 0; i < s->n_open; i++) {
        int32_t best = floor_of(floor);
        const struct rule *r = hash_find(v->hash, s->w[i], n, s->hash[i], s->version, &best);
        s->out[i] = r != NULL ? r : floor;
    }
}

/* The number of words is a constant in the cases that are common. */
void tuples_burst(const struct view *v, const struct flow_key *const *k, unsigned n,
                  uint64_t version, const struct rule *floor, const struct rule **out)
{
    struct search s;
    s.v = v;
    s.out = out;
    s.version = version;
    s.n_open = n;
    s.n = atomic_load_explicit(&v->n, memory_order_acquire);
    bool one = s.n == 1;
    switch (v->pack.n) {
    case 1:
        one ? exact(&s, k, floor, 1) : search(&s, k, floor, 1);
        break;
    case 2:
        one ? exact(&s, k, floor, 2) : search(&s, k, floor, 2);
        break;
    case 3:
        one ? exact(&s, k, floor, 3) : search(&s, k, floor, 3);
        break;
    case 4:
        one ? exact(&s, k, floor, 4) : search(&s, k, floor, 4);
        break;
    default:
        one ? exact(&s, k, floor, v->pack.n) : search(&s, k, floor, v->pack.n);
    }
}
