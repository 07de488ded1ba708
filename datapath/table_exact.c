/* table_exact.c: the rules of one mask, hashed: one probe. Tuples are made of these. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/table_probe.h"

/* ------------------------------------------------------------ build */

static void put_entry(const struct hash *h, uint64_t *entry, const struct rule *r)
{
    for (unsigned i = 0; i < h->shape.n; i++)
        entry[i] = r->match.key.w[h->shape.word[i]];
    entry[h->shape.n] = (uintptr_t)r;
}

/* The slot of r's key in its bucket, or the first free one, or BUCKET_SLOTS. */
static unsigned find_slot(const struct hash *h, const struct bucket *b, uint16_t sig,
                          const struct rule *r)
{
    unsigned i = 0;
    for (; i < BUCKET_SLOTS && b->sig[i] != 0; i++) {
        if (b->sig[i] == sig && entry_matches(h, hash_entry(h, b, i), &r->match.key))
            break;
    }
    return i;
}

/* Puts r in, or in place of a rule of its key with a lower priority. */
static void hash_insert(struct hash *h, const struct rule *r)
{
    uint64_t hash = hash_of(h, &r->match.key);
    uint16_t sig = hash_signature(hash);
    for (uint32_t probes = 1;; probes++) {
        struct bucket *b = &h->buckets[(hash + probes - 1) & h->bucket_mask];
        unsigned i = find_slot(h, b, sig, r);
        if (i == BUCKET_SLOTS) {
            b->entry[BUCKET_SLOTS - 1] |= BUCKET_SPILLS;
            continue;
        }
        if (b->sig[i] == 0) {
            b->sig[i] = sig;
            b->entry[i] = h->n++;
        } else if (b->priority[i] >= r->priority) {
            return;
        }
        b->priority[i] = r->priority;
        put_entry(h, (uint64_t *)hash_entry(h, b, i), r);
        if (probes > h->worst)
            h->worst = probes;
        return;
    }
}

int hash_build(struct hash *h, const struct group *g, uint64_t key)
{
    weft_assert(g->n > 0 && g->n < BUCKET_SPILLS);
    uint64_t buckets = 1;
    while (buckets * BUCKET_LOAD < g->n)
        buckets *= 2;
    *h = (struct hash){.max_priority = g->max_priority,
                       .key = key,
                       .secret = hash_secret(key),
                       .bucket_mask = buckets - 1};
    shape_init(&h->shape, g->rules[0]->match.mask.w);
    h->stride = h->shape.n + 1u;
    h->buckets = aligned_alloc(sizeof(struct bucket), buckets * sizeof(struct bucket));
    h->entries = malloc((size_t)g->n * h->stride * sizeof *h->entries);
    if (h->buckets == NULL || h->entries == NULL) {
        hash_clear(h);
        return -ENOMEM;
    }
    memset(h->buckets, 0, buckets * sizeof(struct bucket));
    for (uint32_t i = 0; i < g->n; i++)
        hash_insert(h, g->rules[i]);
    return 0;
}

void hash_clear(struct hash *h)
{
    free(h->buckets);
    free(h->entries);
    h->buckets = NULL;
    h->entries = NULL;
}

/* ------------------------------------------------------------ look up */

void exact_burst(const struct hash *h, const struct flow_key *const *k, unsigned n,
                 const struct rule **out)
{
    uint64_t hash[WEFT_BURST];
    int32_t priority;
    for (unsigned i = 0; i < n; i++) {
        hash[i] = hash_of(h, k[i]);
        hash_prefetch(h, hash[i]);
    }
    for (unsigned i = 0; i < n; i++)
        out[i] = hash_find(h, k[i], hash[i], -1, &priority);
}
