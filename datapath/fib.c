#include "datapath/fib.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "datapath/hash.h"

enum { ROOT_BITS = 16, NODE_BITS = 8, NODE = 256, ROOT_NODES = 65536 / NODE, LEVELS = 16 };

enum { SMALL_BYTES = 2 << 20 };

/* So many emptied nodes share a grace period. */
enum { LIMBO = 64 };

/* A route as it was given, or an empty place. */
struct route {
    struct ip6 prefix;
    uint32_t next;
    uint8_t used, len;
};

struct fib_writer {
    bool ip6;
    uint8_t bits; /* of an address */
    uint64_t key;
    struct rcu *rcu;
    uint8_t *depth; /* of each entry */
    uint32_t max_nodes, fresh, n_free, limbo;
    uint32_t limbo_node[LIMBO]; /* emptied, but a reader may be inside */
    uint32_t *free_nodes;       /* emptied, and past their grace period */
    struct route *routes;       /* open addressing */
    uint32_t places, n_routes, max_routes;
    uint32_t per_len[129];
};

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void release(void *p, size_t bytes)
{
    if (p != NULL)
        munmap(p, bytes);
}

static size_t entries(const struct fib_writer *w) { return (size_t)w->max_nodes * NODE; }

static void free_all(struct fib *f)
{
    struct fib_writer *w = f->w;
    if (w != NULL) {
        release(f->entry, entries(w) * sizeof *f->entry);
        release(w->depth, entries(w));
        release(w->free_nodes, w->max_nodes * sizeof *w->free_nodes);
        release(w->routes, (size_t)w->places * sizeof *w->routes);
    }
    free(w);
    free(f);
}

struct fib *fib_create(const struct fib_config *c)
{
    struct fib *f = calloc(1, sizeof *f);
    struct fib_writer *w = calloc(1, sizeof *w);
    if (f == NULL || w == NULL) {
        free(f);
        free(w);
        return NULL;
    }
    f->w = w;
    *w = (struct fib_writer){.ip6 = c->ip6,
                             .bits = c->ip6 ? 128 : 32,
                             .key = c->hash_key,
                             .rcu = c->rcu};
    w->max_routes = c->max_routes;
    /* IPv4: two nodes a route at most. IPv6: a /48 takes four, a /64 six, but neighbours share. */
    uint64_t nodes = ROOT_NODES + (uint64_t)c->max_routes * (c->ip6 ? 6 : 2) + 32;
    w->max_nodes = nodes < (1u << 23) ? (uint32_t)nodes : 1u << 23;
    w->fresh = ROOT_NODES;
    for (w->places = 16; w->places < c->max_routes + c->max_routes / 2; w->places *= 2)
        ;
    f->entry = reserve(entries(w) * sizeof *f->entry);
    w->depth = reserve(entries(w));
    w->free_nodes = reserve(w->max_nodes * sizeof *w->free_nodes);
    w->routes = reserve((size_t)w->places * sizeof *w->routes);
    /* Big tables are bound by TLB misses; small ones should not take 2 MB for a few nodes. */
    if (f->entry != NULL && entries(w) * sizeof *f->entry > SMALL_BYTES)
        (void)madvise((char *)f->entry + SMALL_BYTES, entries(w) * sizeof *f->entry - SMALL_BYTES,
                      MADV_HUGEPAGE);
    if (f->entry != NULL && w->depth != NULL && w->free_nodes != NULL && w->routes != NULL)
        return f;
    free_all(f);
    return NULL;
}

void fib_destroy(struct fib *f)
{
    if (f == NULL)
        return;
    if (f->w->rcu != NULL)
        rcu_wait(f->w->rcu);
    free_all(f);
}

/* -- routes */

static uint32_t place_of(const struct fib_writer *w, const struct ip6 *prefix, uint8_t len)
{
    uint64_t words[3] = {0, 0, len};
    memcpy(words, prefix->b, sizeof prefix->b);
    return (uint32_t)hash_words(words, 3, w->key) & (w->places - 1);
}

static struct route *route_find(const struct fib_writer *w, const struct ip6 *prefix, uint8_t len)
{
    uint32_t at = place_of(w, prefix, len);
    for (; w->routes[at].used; at = (at + 1) & (w->places - 1)) {
        struct route *r = &w->routes[at];
        if (r->len == len && memcmp(&r->prefix, prefix, sizeof *prefix) == 0)
            return r;
    }
    return NULL;
}

static void route_add(struct fib_writer *w, const struct ip6 *prefix, uint8_t len, uint32_t next)
{
    uint32_t at = place_of(w, prefix, len);
    while (w->routes[at].used)
        at = (at + 1) & (w->places - 1);
    w->routes[at] = (struct route){.prefix = *prefix, .next = next, .used = 1, .len = len};
    w->n_routes++;
    w->per_len[len]++;
}

/* Closes the gap: those behind that had to pass it move up. */
static void route_remove(struct fib_writer *w, struct route *r)
{
    uint32_t mask = w->places - 1, hole = (uint32_t)(r - w->routes);
    w->n_routes--;
    w->per_len[r->len]--;
    for (uint32_t at = (hole + 1) & mask; w->routes[at].used; at = (at + 1) & mask) {
        uint32_t home = place_of(w, &w->routes[at].prefix, w->routes[at].len);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        w->routes[hole] = w->routes[at];
        hole = at;
    }
    w->routes[hole].used = 0;
}

static struct ip6 masked(const struct ip6 *a, uint8_t len)
{
    struct ip6 m = {{0}};
    memcpy(m.b, a->b, len / 8);
    if (len % 8)
        m.b[len / 8] = (uint8_t)(a->b[len / 8] & 0xff00 >> len % 8);
    return m;
}

/* The longest shorter prefix that covers it, but for the default route (which is nowhere painted).
 */
static const struct route *route_cover(const struct fib_writer *w, const struct ip6 *prefix,
                                       uint8_t len)
{
    while (--len > 0) {
        struct ip6 p = masked(prefix, len);
        const struct route *r = w->per_len[len] ? route_find(w, &p, len) : NULL;
        if (r != NULL)
            return r;
    }
    return NULL;
}

/* -- the trie */

static void store(struct fib *f, size_t at, uint32_t v)
{
    __atomic_store_n(&f->entry[at], v, __ATOMIC_RELEASE);
}

/* The way to a prefix's last table: tables' first entries, and the entries passed. */
struct path {
    unsigned n;             /* tables */
    size_t table[LEVELS];   /* first entry of each */
    size_t through[LEVELS]; /* entry of table[i] that leads to table[i + 1] */
};

static unsigned bits_before(unsigned table)
{
    return table == 0 ? 0 : ROOT_BITS + (table - 1) * NODE_BITS;
}

static unsigned bits_of(unsigned table) { return table == 0 ? ROOT_BITS : NODE_BITS; }

static size_t slot(const struct ip6 *p, unsigned table)
{
    return table == 0 ? (size_t)p->b[0] << 8 | p->b[1] : p->b[table + 1];
}

static unsigned tables_for(uint8_t len)
{
    return len <= ROOT_BITS ? 1 : 1 + (len - ROOT_BITS + NODE_BITS - 1u) / NODE_BITS;
}

static struct path walk(const struct fib *f, const struct ip6 *p, uint8_t len)
{
    struct path way = {.n = 1};
    while (way.n < tables_for(len)) {
        size_t at = way.table[way.n - 1] + slot(p, way.n - 1);
        if (!(f->entry[at] & FIB_CHILD))
            break;
        way.through[way.n - 1] = at;
        way.table[way.n++] = (size_t)(f->entry[at] & ~FIB_CHILD) * NODE;
    }
    return way;
}

/* After the grace period they may be used again. Waited for here, not deferred: the free list is
 * the writer's alone. */
static void bury(struct fib_writer *w)
{
    rcu_wait(w->rcu);
    while (w->limbo > 0)
        w->free_nodes[w->n_free++] = w->limbo_node[--w->limbo];
}

static uint32_t take_node(struct fib_writer *w)
{
    if (w->n_free == 0 && w->fresh == w->max_nodes)
        bury(w);
    return w->n_free > 0 ? w->free_nodes[--w->n_free] : w->fresh++;
}

/* Makes the missing tables: each begins as its parent's leaf was. */
static void grow(struct fib *f, struct path *way, const struct ip6 *p, uint8_t len)
{
    while (way->n < tables_for(len)) {
        size_t at = way->table[way->n - 1] + slot(p, way->n - 1);
        uint32_t node = take_node(f->w);
        size_t first = (size_t)node * NODE;
        for (unsigned i = 0; i < NODE; i++)
            f->entry[first + i] = f->entry[at];
        memset(f->w->depth + first, f->w->depth[at], NODE);
        store(f, at, FIB_CHILD | node);
        way->through[way->n - 1] = at;
        way->table[way->n++] = first;
    }
}

/* Gives a range the next hop `next` of a prefix of `depth`, where painters of from..to long were
 * before. */
struct paint {
    uint32_t next;
    uint8_t depth, from, to;
};

static void paint_one(struct fib *f, size_t at, const struct paint *p)
{
    uint8_t *depth = &f->w->depth[at];
    if (*depth < p->from || *depth > p->to)
        return;
    *depth = p->depth;
    store(f, at, p->next);
}

/* A whole subtree. Not recursive: descends into a child, and comes back by what was passed. */
static void paint_below(struct fib *f, size_t first, const struct paint *p)
{
    size_t stack[LEVELS];
    unsigned deep = 0;
    for (size_t at = first, end = first + NODE;;) {
        if (at == end) {
            if (deep == 0)
                return;
            at = stack[--deep] + 1;
            end = (at + NODE - 1) / NODE * NODE;
        } else if (f->entry[at] & FIB_CHILD) {
            stack[deep++] = at;
            at = (size_t)(f->entry[at] & ~FIB_CHILD) * NODE;
            end = at + NODE;
        } else {
            paint_one(f, at++, p);
        }
    }
}

static void paint(struct fib *f, const struct path *way, const struct ip6 *prefix, uint8_t len,
                  const struct paint *p)
{
    unsigned last = way->n - 1;
    size_t n = (size_t)1 << (bits_before(last) + bits_of(last) - len);
    size_t first = way->table[last] + slot(prefix, last);
    for (size_t at = first; at < first + n; at++) {
        if (f->entry[at] & FIB_CHILD)
            paint_below(f, (size_t)(f->entry[at] & ~FIB_CHILD) * NODE, p);
        else
            paint_one(f, at, p);
    }
}

static void free_node(struct fib *f, uint32_t node)
{
    struct fib_writer *w = f->w;
    if (w->rcu == NULL) {
        w->free_nodes[w->n_free++] = node;
        return;
    }
    w->limbo_node[w->limbo++] = node;
    if (w->limbo == LIMBO)
        bury(w);
}

/* True when a table says the same everywhere, and no painter belongs into it. */
static bool is_flat(const struct fib *f, size_t first, unsigned table)
{
    uint32_t e = f->entry[first];
    uint8_t depth = f->w->depth[first];
    if ((e & FIB_CHILD) || depth > bits_before(table))
        return false;
    for (unsigned i = 1; i < NODE; i++) {
        if (f->entry[first + i] != e || f->w->depth[first + i] != depth)
            return false;
    }
    return true;
}

static void shrink(struct fib *f, const struct path *way)
{
    for (unsigned t = way->n - 1; t > 0 && is_flat(f, way->table[t], t); t--) {
        size_t at = way->through[t - 1];
        uint32_t node = f->entry[at] & ~FIB_CHILD;
        f->w->depth[at] = f->w->depth[way->table[t]];
        store(f, at, f->entry[way->table[t]]);
        free_node(f, node);
    }
}

/* -- changes */

static bool has_room(const struct fib_writer *w, const struct path *way, uint8_t len)
{
    return tables_for(len) - way->n <= w->n_free + w->limbo + (w->max_nodes - w->fresh);
}

int fib_set(struct fib *f, const struct ip6 *prefix, uint8_t len, uint32_t next)
{
    struct fib_writer *w = f->w;
    struct ip6 p = masked(prefix, len > w->bits ? 0 : len);
    if (len > w->bits || next == 0 || next > FIB_NEXT_MAX || memcmp(&p, prefix, sizeof p) != 0)
        return -EINVAL;
    struct route *r = route_find(w, prefix, len);
    if (r == NULL && w->n_routes == w->max_routes)
        return -ENOSPC;
    if (len > 0) {
        struct path way = walk(f, prefix, len);
        if (!has_room(w, &way, len))
            return -ENOSPC;
        grow(f, &way, prefix, len);
        paint(f, &way, prefix, len,
              &(struct paint){.next = next, .depth = len, .from = 0, .to = len});
    } else {
        __atomic_store_n(&f->default_next, next, __ATOMIC_RELAXED);
    }
    if (r != NULL)
        r->next = next;
    else
        route_add(w, prefix, len, next);
    return 0;
}

int fib_delete(struct fib *f, const struct ip6 *prefix, uint8_t len)
{
    struct fib_writer *w = f->w;
    struct route *r = len <= w->bits ? route_find(w, prefix, len) : NULL;
    if (r == NULL)
        return -ENOENT;
    struct ip6 p = *prefix;
    route_remove(w, r);
    if (len == 0) {
        __atomic_store_n(&f->default_next, 0, __ATOMIC_RELAXED);
        return 0;
    }
    const struct route *cover = route_cover(w, &p, len);
    struct path way = walk(f, &p, len);
    struct paint back = {.next = cover ? cover->next : 0,
                         .depth = cover ? cover->len : 0,
                         .from = len,
                         .to = len};
    paint(f, &way, &p, len, &back);
    shrink(f, &way);
    return 0;
}

uint32_t fib_get(const struct fib *f, const struct ip6 *prefix, uint8_t len)
{
    const struct route *r = len <= f->w->bits ? route_find(f->w, prefix, len) : NULL;
    return r ? r->next : 0;
}

bool fib_each(const struct fib *f, uint32_t *cursor, struct ip6 *prefix, uint8_t *len,
              uint32_t *next)
{
    while (*cursor < f->w->places) {
        const struct route *r = &f->w->routes[(*cursor)++];
        if (!r->used)
            continue;
        *prefix = r->prefix;
        *len = r->len;
        *next = r->next;
        return true;
    }
    return false;
}

struct fib_stats fib_stats(const struct fib *f)
{
    const struct fib_writer *w = f->w;
    uint32_t nodes = w->fresh - ROOT_NODES - w->n_free - w->limbo;
    return (struct fib_stats){.routes = w->n_routes,
                              .nodes = nodes,
                              .bytes = (uint64_t)(w->fresh * NODE) * 5 +
                                       (uint64_t)w->places * sizeof(struct route)};
}

/* -- bursts */

void fib_lookup4_burst(const struct fib *f, const uint32_t *ip, uint32_t *next, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(&f->entry[ip[i] >> 16]);
    for (unsigned i = 0; i < n; i++) {
        next[i] = fib_load(f, ip[i] >> 16);
        if (next[i] & FIB_CHILD)
            __builtin_prefetch(&f->entry[fib_child(next[i], (uint8_t)(ip[i] >> 8))]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!(next[i] & FIB_CHILD))
            continue;
        next[i] = fib_load(f, fib_child(next[i], (uint8_t)(ip[i] >> 8)));
        if (next[i] & FIB_CHILD)
            __builtin_prefetch(&f->entry[fib_child(next[i], (uint8_t)ip[i])]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (next[i] & FIB_CHILD)
            next[i] = fib_load(f, fib_child(next[i], (uint8_t)ip[i]));
        next[i] = fib_found(f, next[i]);
    }
}

void fib_lookup6_burst(const struct fib *f, const struct ip6 *ip, uint32_t *next, unsigned n)
{
    bool more = true;
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(&f->entry[slot(&ip[i], 0)]);
    for (unsigned i = 0; i < n; i++) {
        next[i] = fib_load(f, (uint32_t)slot(&ip[i], 0));
        if (next[i] & FIB_CHILD)
            __builtin_prefetch(&f->entry[fib_child(next[i], ip[i].b[2])]);
    }
    for (unsigned byte = 2; more; byte++) {
        more = false;
        for (unsigned i = 0; i < n; i++) {
            if (!(next[i] & FIB_CHILD))
                continue;
            next[i] = fib_load(f, fib_child(next[i], ip[i].b[byte]));
            if (!(next[i] & FIB_CHILD))
                continue;
            more = true;
            __builtin_prefetch(&f->entry[fib_child(next[i], ip[i].b[byte + 1])]);
        }
    }
    for (unsigned i = 0; i < n; i++)
        next[i] = fib_found(f, next[i]);
}
