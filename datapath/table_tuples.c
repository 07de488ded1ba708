/* table_tuples.c: a hash per mask, the one with the highest priority first. */
#include "datapath/table_probe.h"

/* What is known of the packets of a burst while the tuples are gone through. */
struct search {
    const struct flow_key *const *k;
    const struct rule **out;
    int32_t best[WEFT_BURST]; /* priority of out[i]; -1: none yet */
    uint8_t open[WEFT_BURST]; /* packets that a later tuple may still win */
    unsigned n_open;
};

static void probe(struct search *s, const struct hash *h)
{
    uint64_t hash[WEFT_BURST];
    for (unsigned i = 0; i < s->n_open; i++) {
        hash[i] = hash_of(h, s->k[s->open[i]]);
        hash_prefetch(h, hash[i]);
    }
    for (unsigned i = 0; i < s->n_open; i++) {
        unsigned p = s->open[i];
        const struct rule *r = hash_find(h, s->k[p], hash[i], s->best[p], &s->best[p]);
        if (r != NULL)
            s->out[p] = r;
    }
}

/* Those that are decided leave: nothing from here on is above max. */
static void close_decided(struct search *s, int32_t max)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s->n_open; i++) {
        if (s->best[s->open[i]] < max)
            s->open[kept++] = s->open[i];
    }
    s->n_open = kept;
}

void tuples_burst(const struct hash *h, uint32_t n_hashes, const struct flow_key *const *k,
                  unsigned n, const struct rule **out)
{
    struct search s = {.k = k, .out = out, .n_open = n};
    for (unsigned i = 0; i < n; i++) {
        out[i] = NULL;
        s.best[i] = -1;
        s.open[i] = (uint8_t)i;
    }
    for (uint32_t t = 0; t < n_hashes; t++) {
        close_decided(&s, h[t].max_priority);
        if (s.n_open == 0)
            return;
        probe(&s, &h[t]);
    }
}
