/* flowcache.c: see flowcache.h. Buckets of four by 16-bit tags, paths apart. */
#include "datapath/flowcache.h"

#include <stdlib.h>

#include "datapath/pkt.h"
#include "datapath/table.h"

enum { BUCKETS = 1024, WAYS = 4 };

/* Every so many packets it is decided whether the next so many are looked for: on while at least
 * one in FEW is found, else off for OFF_WINDOWS, then another try. A path saves some hundred
 * cycles, and a vain search costs some fifty. */
enum { WINDOW = 8192, FEW = 3, OFF_WINDOWS = 31 };

struct flowcache {
    uint64_t key, secret;
    uint32_t owner; /* the next burst's; 0 is nobody */
    uint32_t in_window, window_hits, off_left;
    struct flowcache_counters counters;
    uint16_t tags[BUCKETS][WAYS];
    struct path *paths; /* [BUCKETS * WAYS] */
};

_Static_assert(sizeof(struct path) == 192, "a path is three cache lines");

struct flowcache *flowcache_create(uint64_t hash_key)
{
    struct flowcache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->key = hash_key;
    c->secret = hash_secret(hash_key);
    c->paths = aligned_alloc(64, BUCKETS * WAYS * sizeof *c->paths);
    if (c->paths == NULL) {
        free(c);
        return NULL;
    }
    return c; /* a path is looked at only when its tag says that it was written */
}

void flowcache_free(struct flowcache *c)
{
    if (c == NULL)
        return;
    free(c->paths);
    free(c);
}

struct flowcache_counters flowcache_counters(const struct flowcache *c) { return c->counters; }

/* ------------------------------------------------------------ is it worth it? */

static bool is_on(struct flowcache *c, uint16_t n)
{
    c->in_window += n;
    if (c->in_window >= WINDOW) {
        if (c->off_left > 0)
            c->off_left--;
        else if (c->window_hits < c->in_window / FEW)
            c->off_left = OFF_WINDOWS;
        c->in_window = c->window_hits = 0;
    }
    return c->off_left == 0;
}

/* ------------------------------------------------------------ still true? */

/* Were all tables that p passed there already? One that has come since, or gone, says otherwise;
 * where there was none and is none, nothing has changed. */
static bool tables_are_old(const struct program *prog, const struct path *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        uint8_t id = p->table[i];
        const struct table *t = id < prog->n_tables ? prog->tables[id] : NULL;
        if (t != NULL ? table_changed(t) > p->version : p->rule[i] != NULL)
            return false;
    }
    return true;
}

static bool is_true(struct path *p, const struct program *prog, uint64_t version)
{
    if (p->owner != 0)
        return false;
    if (p->version == version)
        return true;
    if (!tables_are_old(prog, p))
        return false;
    p->version = version;
    return true;
}

/* ------------------------------------------------------------ a burst */

/* The burst that is being looked for. */
struct quest {
    struct flowcache *c;
    const struct program *prog;
    uint64_t version;
    uint16_t bridge;
    uint64_t hash[WEFT_BURST];
};

static uint16_t tag_of(uint64_t hash) { return (uint16_t)(hash >> 48 | 1); }

/* A path of another shape has other words; its version tells. */
static struct path *look(const struct quest *q, uint64_t hash, const struct flow_key *k)
{
    const uint16_t *tags = q->c->tags[hash % BUCKETS];
    for (unsigned i = 0; i < WAYS; i++) {
        struct path *p = &q->c->paths[hash % BUCKETS * WAYS + i];
        if (tags[i] == tag_of(hash) && p->bridge == q->bridge &&
            p->version >= q->prog->shape_since && shape_equal(&q->prog->shape, p->key, k))
            return p;
    }
    return NULL;
}

/* Room for a new path: a place never used, or any. */
static struct path *claim(const struct quest *q, uint64_t hash, const struct flow_key *k)
{
    uint16_t *tags = q->c->tags[hash % BUCKETS];
    unsigned way = (unsigned)(hash >> 32) % WAYS;
    for (unsigned i = 0; i < WAYS; i++) {
        if (tags[i] == 0)
            way = i;
    }
    struct path *p = &q->c->paths[hash % BUCKETS * WAYS + way];
    tags[way] = tag_of(hash);
    p->version = q->version;
    p->bridge = q->bridge;
    shape_take(&q->prog->shape, p->key, k);
    return p;
}

/* Not found, or no longer true. One that a packet of this burst is filling is left to it. */
static struct path *to_fill(const struct quest *q, struct path *at, uint64_t hash,
                            const struct flow_key *k, const struct paths *p, uint16_t i)
{
    if (at != NULL && at->owner >= p->owner)
        return NULL;
    if (at == NULL)
        at = claim(q, hash, k);
    at->owner = p->owner + i;
    at->n = 0;
    return at;
}

static void hash_all(struct quest *q, struct rte_mbuf *const *m, uint16_t n)
{
    uint64_t key = q->c->key + q->bridge;
    for (uint16_t i = 0; i < n; i++) {
        uint64_t h = shape_hash(&q->prog->shape, &pkt_of(m[i])->key, key, q->c->secret);
        struct path *p = &q->c->paths[h % BUCKETS * WAYS];
        for (unsigned way = 0; way < WAYS; way++) {
            if (q->c->tags[h % BUCKETS][way] == tag_of(h)) {
                __builtin_prefetch(&p[way]);
                __builtin_prefetch((const char *)&p[way] + 64);
            }
        }
        q->hash[i] = h;
    }
}

/* Owners grow; when they have all been used, what is half filled looks like anybody's: a path that
 * is never whole, until it is claimed. */
static uint32_t new_owner(struct flowcache *c)
{
    c->owner += WEFT_BURST;
    if (c->owner < WEFT_BURST)
        c->owner = WEFT_BURST;
    return c->owner;
}

bool flowcache_find(struct flowcache *c, const struct program *prog, uint64_t version,
                    uint16_t bridge, struct rte_mbuf *const *m, uint16_t n, struct paths *p)
{
    if (!is_on(c, n)) {
        c->counters.bypassed += n;
        return false;
    }
    struct quest q = {.c = c, .prog = prog, .version = version, .bridge = bridge};
    uint32_t hits = 0;
    hash_all(&q, m, n);
    p->owner = new_owner(c);
    p->version = version;
    for (uint16_t i = 0; i < n; i++) {
        const struct flow_key *k = &pkt_of(m[i])->key;
        struct path *at = look(&q, q.hash[i], k);
        bool hit = at != NULL && is_true(at, prog, version);
        p->place[i] = (uint8_t)i;
        p->hit[i] = hit ? at : NULL;
        p->fill[i] = hit ? NULL : to_fill(&q, at, q.hash[i], k, p, i);
        hits += hit;
    }
    c->window_hits += hits;
    c->counters.lookups += n;
    c->counters.hits += hits;
    return true;
}

/* ------------------------------------------------------------ filling */

/* Do the operations that run at once leave a key that follows from the old one under the masks? A
 * meter may remark or not. */
static bool is_blinding(const struct rule *r)
{
    if (r->meter != 0)
        return true;
    for (uint16_t i = 0; i < r->apply.n; i++) {
        uint8_t code = r->apply.ops[i].code;
        if (code != OP_OUTPUT && code != OP_SET_FIELD && code != OP_PUSH_VLAN && code != OP_GROUP)
            return true;
    }
    return false;
}

void flowcache_note(struct paths *p, uint8_t place, uint8_t step, uint8_t table,
                    const struct rule *r)
{
    struct path *f = p->fill[place];
    if (f == NULL || f->owner != p->owner + place)
        return;
    if (step >= PATH_RULES || (step > 0 && is_blinding(f->rule[step - 1]))) {
        p->fill[place] = NULL; /* it stays its owner's: never whole */
        return;
    }
    f->table[step] = table;
    f->rule[step] = r;
    f->n = (uint8_t)(step + 1);
}

void flowcache_end(struct paths *p, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        struct path *f = p->fill[i];
        if (f == NULL || f->owner != p->owner + i || f->n == 0)
            continue;
        f->version = p->version;
        f->owner = 0;
    }
}
