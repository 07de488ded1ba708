/* table_hash.c: the rules of one mask, hashed. Made here, looked up in table_probe.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/table_probe.h"

/* The slot of the key in its bucket, or the first free one, or BUCKET_SLOTS. */
static unsigned find_slot(const struct hash *h, const struct bucket *b, uint16_t sig,
                          const uint64_t *w)
{
    unsigned i = 0;
    for (; i < BUCKET_SLOTS && b->sig[i] != 0; i++) {
        if (b->sig[i] == sig && pack_equal(w, h->mask, hash_entry(h, b, i), h->stride - 1u))
            break;
    }
    return i;
}

static void put_entry(struct hash *h, const struct bucket *b, unsigned slot, const uint64_t *w,
                      const struct rule *r)
{
    uint64_t *entry = h->entries + (uint64_t)(b->entry[slot] & ~BUCKET_SPILLS) * h->stride;
    memcpy(entry, w, (h->stride - 1u) * sizeof *w);
    entry[h->stride - 1] = (uintptr_t)r;
}

/* Puts r in, or in place of a rule of its key with a lower priority. */
static void hash_insert(struct hash *h, const struct tuples *t, const struct rule *r)
{
    uint64_t w[FLOW_WORDS];
    pack_key(&t->pack, t->pack.n, &r->match.key, w);
    uint64_t hash = pack_hash(w, h->mask, t->pack.n, t->key, t->secret);
    uint16_t sig = hash_signature(hash);
    for (uint32_t probes = 1;; probes++) {
        struct bucket *b = &h->buckets[(hash + probes - 1) & h->bucket_mask];
        unsigned i = find_slot(h, b, sig, w);
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
        put_entry(h, b, i, w, r);
        if (probes > h->worst)
            h->worst = probes;
        return;
    }
}

int hash_build(struct hash *h, const struct tuples *t, const struct group *g)
{
    weft_assert(g->n > 0 && g->n < BUCKET_SPILLS);
    uint64_t buckets = 1;
    while (buckets * BUCKET_LOAD < g->n)
        buckets *= 2;
    *h = (struct hash){.max_priority = g->max_priority,
                       .stride = (uint16_t)(t->pack.n + 1u),
                       .bucket_mask = buckets - 1};
    pack_key(&t->pack, t->pack.n, &g->rules[0]->match.mask, h->mask);
    h->buckets = aligned_alloc(sizeof(struct bucket), buckets * sizeof(struct bucket));
    h->entries = malloc((size_t)g->n * h->stride * sizeof *h->entries);
    if (h->buckets == NULL || h->entries == NULL) {
        hash_clear(h);
        return -ENOMEM;
    }
    memset(h->buckets, 0, buckets * sizeof(struct bucket));
    for (uint32_t i = 0; i < g->n; i++)
        hash_insert(h, t, g->rules[i]);
    return 0;
}

void hash_clear(struct hash *h)
{
    free(h->buckets);
    free(h->entries);
    h->buckets = NULL;
    h->entries = NULL;
}
