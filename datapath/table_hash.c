/* table_hash.c: the rules of one mask, hashed. Written here, looked up in table_probe.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/table_probe.h"

/* ------------------------------------------------------------ memory */

void cells_free(struct cells *c)
{
    if (c == NULL)
        return;
    free(c->buckets);
    free(c->entries);
    free(c);
}

static struct cells *cells_new(uint64_t buckets, unsigned stride)
{
    struct cells *c = aligned_alloc(64, 64);
    if (c == NULL)
        return NULL;
    _Static_assert(sizeof *c <= 64, "cells' head is a cache line");
    *c = (struct cells){.bucket_mask = buckets - 1, .cap = (uint32_t)(buckets * BUCKET_LOAD)};
    c->buckets = aligned_alloc(sizeof(struct bucket), buckets * sizeof(struct bucket));
    c->entries = malloc((size_t)c->cap * stride * sizeof *c->entries);
    if (c->buckets == NULL || c->entries == NULL) {
        cells_free(c);
        return NULL;
    }
    memset(c->buckets, 0, buckets * sizeof(struct bucket));
    return c;
}

int hash_init(struct hash *h, const struct view *v, const struct flow_match *m, uint32_t rules)
{
    uint64_t buckets = 1;
    while (buckets * BUCKET_LOAD < rules)
        buckets *= 2;
    weft_assert(buckets * BUCKET_LOAD < SLOT_ENTRY);
    memset(h, 0, sizeof *h);
    h->stride = (uint16_t)(v->pack.n + 1u);
    pack_key(&v->pack, v->pack.n, &m->mask, h->mask);
    h->cells = cells_new(buckets, h->stride);
    return h->cells != NULL ? 0 : -ENOMEM;
}

void hash_clear(struct hash *h)
{
    cells_free(h->cells);
    h->cells = NULL;
}

bool hash_is_full(const struct hash *h)
{
    return h->n == h->cells->cap || h->spilled > (h->cells->bucket_mask + 1) / 4;
}

/* ------------------------------------------------------------ slots */

static uint64_t *entry_at(const struct hash *h, const struct cells *c, uint32_t entry)
{
    return c->entries + (uint64_t)entry * h->stride;
}

static uint64_t hash_of(const struct hash *h, const struct view *v, const uint64_t *w)
{
    return pack_hash(w, h->mask, v->pack.n, v->key, v->secret);
}

/* Makes the entry seen: the last store is the signature's, as it is what a reader looks at
 * first. */
static void slot_fill(struct bucket *b, unsigned i, uint16_t sig, uint16_t priority, uint32_t entry)
{
    uint32_t spills = b->entry[i] & SLOT_SPILLS;
    __atomic_store_n(&b->priority[i], priority, __ATOMIC_RELAXED);
    __atomic_store_n(&b->entry[i], entry | spills, __ATOMIC_RELEASE);
    __atomic_store_n(&b->sig[i], sig, __ATOMIC_RELEASE);
}

/* Finds a free slot from the key's bucket on; returns the buckets that a probe sees then. */
static uint32_t slot_put(struct hash *h, struct cells *c, uint64_t hash, uint16_t priority,
                         uint32_t entry)
{
    for (uint32_t probes = 1;; probes++) {
        struct bucket *b = &c->buckets[(hash + probes - 1) & c->bucket_mask];
        unsigned i = 0;
        while (i < BUCKET_SLOTS && b->sig[i] != 0)
            i++;
        if (i < BUCKET_SLOTS) {
            slot_fill(b, i, hash_signature(hash), priority, entry);
            return probes;
        }
        h->spilled += (b->entry[BUCKET_SLOTS - 1] & SLOT_SPILLS) == 0;
        __atomic_fetch_or(&b->entry[BUCKET_SLOTS - 1], SLOT_SPILLS, __ATOMIC_RELEASE);
    }
}

static uint32_t entry_new(struct hash *h)
{
    if (h->spare == 0)
        return h->top++;
    uint32_t entry = h->spare - 1;
    h->spare = (uint32_t)entry_at(h, h->cells, entry)[0];
    return entry;
}

void hash_put(struct hash *h, const struct view *v, const struct rule *r, bool unsettled)
{
    uint64_t w[FLOW_WORDS];
    weft_assert(!hash_is_full(h));
    uint32_t entry = entry_new(h);
    pack_key(&v->pack, v->pack.n, &r->match.key, w);
    uint64_t *e = entry_at(h, h->cells, entry);
    for (unsigned i = 0; i < v->pack.n; i++)
        e[i] = w[i];
    e[v->pack.n] = (uintptr_t)r;
    uint32_t probes = slot_put(h, h->cells, hash_of(h, v, w), r->priority,
                               entry | (unsettled ? SLOT_UNSETTLED : 0));
    h->worst = probes > h->worst ? probes : h->worst;
    h->n++;
}

struct place {
    struct bucket *b;
    unsigned slot;
};

static struct place slot_of(const struct hash *h, const struct view *v, const struct rule *r)
{
    uint64_t w[FLOW_WORDS];
    const struct cells *c = h->cells;
    pack_key(&v->pack, v->pack.n, &r->match.key, w);
    uint64_t hash = hash_of(h, v, w);
    for (uint64_t at = hash;; at++) {
        struct bucket *b = &c->buckets[at & c->bucket_mask];
        for (unsigned hits = bucket_hits(b, hash_signature(hash)); hits != 0; hits &= hits - 1) {
            unsigned i = (unsigned)__builtin_ctz(hits) / 2;
            if (entry_at(h, c, b->entry[i] & SLOT_ENTRY)[v->pack.n] == (uintptr_t)r)
                return (struct place){b, i};
        }
        weft_assert((b->entry[BUCKET_SLOTS - 1] & SLOT_SPILLS) != 0); /* else it isn't in h */
    }
}

void hash_mark(struct hash *h, const struct view *v, const struct rule *r, bool unsettled)
{
    struct place p = slot_of(h, v, r);
    uint32_t *e = &p.b->entry[p.slot];
    __atomic_store_n(e, (*e & ~SLOT_UNSETTLED) | (unsettled ? SLOT_UNSETTLED : 0),
                     __ATOMIC_RELEASE);
}

/* The entry's last word stays the rule, which readers that found the slot before may follow, until
 * the entry has another. Free entries are chained by their first words, which those readers only
 * compare. */
void hash_take(struct hash *h, const struct view *v, const struct rule *r)
{
    struct place p = slot_of(h, v, r);
    uint32_t entry = p.b->entry[p.slot] & SLOT_ENTRY;
    __atomic_store_n(&p.b->sig[p.slot], 0, __ATOMIC_RELEASE);
    entry_at(h, h->cells, entry)[0] = h->spare;
    h->spare = entry + 1;
    h->n--;
}

/* ------------------------------------------------------------ growth */

int hash_grow(struct hash *h, const struct view *v, struct cells **old)
{
    const struct cells *from = h->cells;
    struct cells *to =
        cells_new((from->bucket_mask + 1) * (h->n > from->cap / 2 ? 2 : 1), h->stride);
    if (to == NULL)
        return -ENOMEM;
    weft_assert(to->cap < SLOT_ENTRY);
    memcpy(to->entries, from->entries, (size_t)h->top * h->stride * sizeof *to->entries);
    uint32_t worst = 1;
    h->spilled = 0;
    for (uint64_t at = 0; at <= from->bucket_mask; at++) {
        const struct bucket *b = &from->buckets[at];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->sig[i] == 0)
                continue;
            uint32_t slot = b->entry[i] & ~SLOT_SPILLS;
            uint64_t hash = hash_of(h, v, entry_at(h, from, slot & SLOT_ENTRY));
            uint32_t probes = slot_put(h, to, hash, b->priority[i], slot);
            worst = probes > worst ? probes : worst;
        }
    }
    h->worst = worst;
    *old = h->cells;
    atomic_store_explicit(&h->cells, to, memory_order_release);
    return 0;
}
