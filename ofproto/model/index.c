/* One table's flows: a hash for strict operations, a list per priority for order. */
#include "base/assert.h"
#include "ofproto/model/priv.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

/* Words that are zero under a zero mask add nothing: most of a match. */
uint32_t index_hash(const struct flow_match *m, uint16_t priority)
{
    uint64_t h = priority + UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < FLOW_WORDS; i++) {
        if (!m->mask.w[i])
            continue;
        h = (h ^ m->key.w[i]) * UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 29;
        h = (h ^ m->mask.w[i] ^ i) * UINT64_C(0x94d049bb133111eb);
        h ^= h >> 32;
    }
    return (uint32_t)(h ^ h >> 32);
}

struct node *index_find(const struct table *t, const struct flow_match *m, uint16_t priority)
{
    if (!t->bucket)
        return NULL;
    uint32_t hash = index_hash(m, priority);
    for (struct node *n = t->bucket[hash & t->mask]; n; n = n->hash_next)
        if (n->hash == hash && n->f.priority == priority && flow_match_equal(&n->f.match, m))
            return n;
    return NULL;
}

/* A table that cannot grow for want of memory is slower, not broken. */
static bool grow(struct table *t)
{
    if (t->bucket && t->flows <= t->mask)
        return true;
    size_t size = t->bucket ? 2 * ((size_t)t->mask + 1) : FIRST_BUCKETS;
    struct node **to = calloc(size, sizeof(struct node *));
    if (!to)
        return t->bucket != NULL;
    for (size_t i = 0; t->bucket && i <= t->mask; i++) {
        for (struct node *n = t->bucket[i], *next; n; n = next) {
            next = n->hash_next;
            n->hash_next = to[n->hash & (size - 1)];
            to[n->hash & (size - 1)] = n;
        }
    }
    free(t->bucket);
    t->bucket = to;
    t->mask = (uint32_t)size - 1;
    return true;
}

static void list_append(struct prio_list *l, struct node *n)
{
    n->prev = l->last;
    n->next = NULL;
    if (l->last)
        l->last->next = n;
    else
        l->first = n;
    l->last = n;
}

bool index_insert(struct table *t, struct node *n)
{
    if (!grow(t))
        return false;
    struct prio_page **page = &t->page[n->f.priority >> 8];
    if (!*page)
        *page = calloc(1, sizeof **page);
    if (!*page)
        return false;
    n->hash = index_hash(&n->f.match, n->f.priority);
    n->hash_next = t->bucket[n->hash & t->mask];
    t->bucket[n->hash & t->mask] = n;
    list_append(&(*page)->prio[n->f.priority & 0xff], n);
    (*page)->flows++;
    t->flows++;
    return true;
}

void index_remove(struct table *t, struct node *n)
{
    struct node **at = &t->bucket[n->hash & t->mask];
    while (*at && *at != n)
        at = &(*at)->hash_next;
    weft_assert(*at == n);
    *at = n->hash_next;

    struct prio_page **page = &t->page[n->f.priority >> 8];
    struct prio_list *l = &(*page)->prio[n->f.priority & 0xff];
    *(n->prev ? &n->prev->next : &l->first) = n->next;
    *(n->next ? &n->next->prev : &l->last) = n->prev;
    t->flows--;
    if (--(*page)->flows == 0) {
        free(*page);
        *page = NULL;
    }
}

/* Of the page, from its priority `low` (0..255) down. */
static struct node *page_first(const struct prio_page *page, int low)
{
    for (; page && low >= 0; low--)
        if (page->prio[low].first)
            return page->prio[low].first;
    return NULL;
}

struct node *index_first(const struct table *t, int priority)
{
    if (priority < 0)
        return NULL;
    struct node *n = page_first(t->page[priority >> 8], priority & 0xff);
    for (int high = (priority >> 8) - 1; !n && high >= 0; high--)
        n = page_first(t->page[high], 255);
    return n;
}

struct node *index_next(const struct table *t, const struct node *n)
{
    return n->next ? n->next : index_first(t, (int)n->f.priority - 1);
}

void index_free(struct table *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < 256; i++)
        free(t->page[i]);
    free(t->bucket);
    free(t);
}
