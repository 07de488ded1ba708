/* control/rib.c: a hash of prefixes, chained; it doubles as it fills. */
#include "control/rib.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/hash.h"

struct node {
    struct node *next;
    struct rib_route r;
};

struct rib {
    struct fib *fib;
    bool ip6;
    uint64_t key;
    struct node **bucket;
    uint32_t mask, n;
    uint8_t epoch;
};

enum { FIRST_BUCKETS = 64 };

const char *rib_source_name(enum rib_source s)
{
    static const char *const names[] = {"local", "static", "kernel", "neighbour", "connected"};
    return (unsigned)s < RIB_SOURCES ? names[s] : "?";
}

struct rib *rib_create(struct fib *fib, bool ip6, uint64_t key)
{
    struct rib *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->bucket = calloc(FIRST_BUCKETS, sizeof *r->bucket);
    r->fib = fib;
    r->ip6 = ip6;
    r->key = key;
    r->mask = FIRST_BUCKETS - 1;
    if (r->bucket != NULL)
        return r;
    free(r);
    return NULL;
}

void rib_free(struct rib *r)
{
    for (uint32_t i = 0; r != NULL && i <= r->mask; i++) {
        struct node *n;
        while ((n = r->bucket[i]) != NULL) {
            r->bucket[i] = n->next;
            free(n);
        }
    }
    if (r != NULL)
        free(r->bucket);
    free(r);
}

static struct node **place(const struct rib *r, const struct ip6 *prefix, uint8_t len)
{
    uint64_t w[3] = {0, 0, len};
    memcpy(w, prefix, sizeof *prefix);
    struct node **at = &r->bucket[hash_words(w, 3, r->key) & r->mask];
    while (*at != NULL &&
           ((*at)->r.len != len || memcmp(&(*at)->r.prefix, prefix, sizeof *prefix) != 0))
        at = &(*at)->next;
    return at;
}

static void grow(struct rib *r)
{
    uint32_t had = r->mask + 1;
    struct node **old = r->bucket, **bucket = calloc(had * 2u, sizeof *bucket);
    if (bucket == NULL)
        return; /* longer chains */
    r->bucket = bucket;
    r->mask = had * 2 - 1;
    for (uint32_t i = 0; i < had; i++) {
        struct node *n;
        while ((n = old[i]) != NULL) {
            old[i] = n->next;
            struct node **at = place(r, &n->r.prefix, n->r.len);
            n->next = *at;
            *at = n;
        }
    }
    free(old);
}

static enum rib_source best(const struct rib_route *r)
{
    for (int s = 0; s < RIB_SOURCES; s++)
        if (r->next[s] != 0)
            return (enum rib_source)s;
    return RIB_SOURCES;
}

static int follow(struct rib *r, const struct rib_route *to)
{
    enum rib_source s = best(to);
    if (s < RIB_SOURCES)
        return fib_set(r->fib, &to->prefix, to->len, to->next[s]);
    int e = fib_delete(r->fib, &to->prefix, to->len);
    return e == -ENOENT ? 0 : e;
}

static int insert(struct rib *r, const struct rib_route *to)
{
    if (r->n > r->mask)
        grow(r);
    struct node **at = place(r, &to->prefix, to->len), *n = calloc(1, sizeof *n);
    if (n == NULL)
        return -ENOMEM;
    n->r = *to;
    int e = follow(r, to);
    if (e < 0) {
        free(n);
        return e;
    }
    n->next = *at;
    *at = n;
    r->n++;
    return 0;
}

int rib_set(struct rib *r, const struct ip6 *prefix, uint8_t len, enum rib_source s, uint32_t next)
{
    struct node **at = place(r, prefix, len), *n = *at;
    struct rib_route to = {.prefix = *prefix, .len = len};
    if (n != NULL)
        to = n->r;
    if (s == RIB_KERNEL) {
        to.epoch = r->epoch;
        if (n != NULL)
            n->r.epoch = r->epoch;
    }
    if (to.next[s] == next)
        return 0;
    to.next[s] = next;
    to.source = best(&to);
    if (n == NULL)
        return insert(r, &to);
    bool other = to.source != n->r.source || to.source == s;
    int e = other ? follow(r, &to) : 0;
    if (e < 0)
        return e;
    n->r = to;
    if (to.source == RIB_SOURCES) {
        *at = n->next;
        free(n);
        r->n--;
    }
    return 0;
}

uint32_t rib_get(const struct rib *r, const struct ip6 *prefix, uint8_t len, enum rib_source s)
{
    const struct node *n = *place(r, prefix, len);
    return n != NULL ? n->r.next[s] : 0;
}

/* The cursor: bucket and place in its chain. */
bool rib_each(const struct rib *r, uint64_t *cursor, struct rib_route *out)
{
    uint32_t b = (uint32_t)(*cursor >> 32), skip = (uint32_t)*cursor;
    for (; b <= r->mask; b++, skip = 0) {
        const struct node *n = r->bucket[b];
        for (uint32_t i = 0; n != NULL && i < skip; i++)
            n = n->next;
        if (n == NULL)
            continue;
        *out = n->r;
        *cursor = (uint64_t)b << 32 | (skip + 1);
        return true;
    }
    return false;
}

void rib_epoch_next(struct rib *r) { r->epoch++; }
uint8_t rib_epoch(const struct rib *r) { return r->epoch; }
uint32_t rib_count(const struct rib *r) { return r->n; }
