/* table_prune.c: see table_prune.h. */
#include "datapath/table_prune.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/prng.h"

#define IS_NODE UINT32_C(0x80000000)

enum { NODE_BITS = 4, SAMPLE_RULES = 4096, SAMPLE_PACKETS = 256, NO_SET = 0 };

/* A window of the key: `bits` from bit `shift` of a half on, in network order. */
struct window {
    uint8_t half, shift, bits, root_bits;
};

static const struct window windows[] = {
    {12, 0, 32, 16}, /* ip_src, the first 32 bits */
    {16, 0, 32, 16}, /* ip_dst */
    {20, 16, 16, 8}, /* l4_dst */
    {20, 0, 16, 8},  /* l4_src */
    {10, 24, 8, 8},  /* ip_proto */
    {4, 0, 32, 16},  /* in_port */
    {9, 16, 16, 8},  /* vlan_vid */
    {7, 16, 16, 8},  /* eth_type */
    {7, 0, 16, 8},   /* eth_dst, the last 16 bits */
    {9, 0, 16, 8},   /* eth_src */
    {1, 0, 32, 16},  /* metadata, the last 32 bits */
    {3, 0, 32, 16},  /* tunnel_id */
};
enum { WINDOWS = sizeof windows / sizeof *windows };

struct node {
    uint32_t e[1 << NODE_BITS];
};

struct dim {
    struct window w;
    uint32_t *root; /* a set, or IS_NODE | a node */
};

struct prune {
    unsigned n_dims;
    struct dim dim[PRUNE_DIMS];
    struct node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct tuple_set *sets; /* sets[0] is empty */
    uint32_t n_sets, cap_sets;
    uint32_t *index; /* of sets, by their hash; while it is built */
    uint32_t index_mask;
    uint32_t left_centi;
    bool failed; /* out of memory */
};

/* ------------------------------------------------------------ sets */

static bool same_set(const struct tuple_set *a, const struct tuple_set *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool grow_sets(struct prune *p)
{
    uint32_t cap = p->cap_sets != 0 ? 2 * p->cap_sets : 256;
    struct tuple_set *sets = aligned_alloc(64, cap * sizeof *sets);
    uint32_t *index = calloc(2 * (size_t)cap, sizeof *index);
    if (sets == NULL || index == NULL) {
        free(sets);
        free(index);
        return false;
    }
    if (p->n_sets > 0)
        memcpy(sets, p->sets, p->n_sets * sizeof *sets);
    free(p->sets);
    free(p->index);
    p->sets = sets;
    p->index = index;
    p->cap_sets = cap;
    p->index_mask = 2 * cap - 1;
    for (uint32_t i = 0; i < p->n_sets; i++) {
        uint64_t at = hash_words(sets[i].w, PRUNE_WORDS, 1) & p->index_mask;
        while (index[at] != 0)
            at = (at + 1) & p->index_mask;
        index[at] = i + 1;
    }
    return true;
}

/* The number of a set with these tuples. */
static uint32_t intern(struct prune *p, const struct tuple_set *s)
{
    if (p->n_sets == p->cap_sets && !grow_sets(p)) {
        p->failed = true;
        return NO_SET;
    }
    uint64_t at = hash_words(s->w, PRUNE_WORDS, 1) & p->index_mask;
    for (; p->index[at] != 0; at = (at + 1) & p->index_mask) {
        if (same_set(&p->sets[p->index[at] - 1], s))
            return p->index[at] - 1;
    }
    p->sets[p->n_sets] = *s;
    p->index[at] = ++p->n_sets;
    return p->n_sets - 1;
}

static uint32_t with(struct prune *p, uint32_t set, uint32_t tuple)
{
    struct tuple_set s = p->sets[set];
    uint64_t bit = UINT64_C(1) << tuple % 64;
    if (s.w[tuple / 64] & bit)
        return set;
    s.w[tuple / 64] |= bit;
    return intern(p, &s);
}

/* ------------------------------------------------------------ tries */

static uint32_t new_node(struct prune *p, uint32_t fill)
{
    if (p->n_nodes == p->cap_nodes) {
        uint32_t cap = p->cap_nodes != 0 ? 2 * p->cap_nodes : 256;
        struct node *nodes = aligned_alloc(64, cap * sizeof *nodes);
        if (nodes == NULL) {
            p->failed = true;
            return 0;
        }
        if (p->n_nodes > 0)
            memcpy(nodes, p->nodes, p->n_nodes * sizeof *nodes);
        free(p->nodes);
        p->nodes = nodes;
        p->cap_nodes = cap;
    }
    for (unsigned i = 0; i < 1 << NODE_BITS; i++)
        p->nodes[p->n_nodes].e[i] = fill;
    return p->n_nodes++;
}

static bool has(const struct prune *p, uint32_t entry, uint32_t tuple)
{
    return !(entry & IS_NODE) && (p->sets[entry].w[tuple / 64] >> tuple % 64 & 1) != 0;
}

/* Adds the tuple to all that is below an entry. */
static uint32_t add_below(struct prune *p, uint32_t entry, uint32_t tuple)
{
    if (!(entry & IS_NODE))
        return with(p, entry, tuple);
    for (unsigned i = 0; i < 1 << NODE_BITS; i++) {
        uint32_t below = add_below(p, p->nodes[entry & ~IS_NODE].e[i], tuple);
        p->nodes[entry & ~IS_NODE].e[i] = below;
    }
    return entry;
}

/* The entries of a node (or root) of `bits` that a prefix ending in it covers. value: the window's
 * bits that are left, at the top. */
static void add_range(struct prune *p, uint32_t *entries, bool in_nodes, uint32_t node,
                      unsigned bits, uint32_t value, unsigned len, uint32_t tuple)
{
    uint32_t first = len == 0 ? 0 : value >> (32 - bits) & (~UINT32_C(0) << (bits - len));
    if (has(p, in_nodes ? p->nodes[node].e[first] : entries[first], tuple))
        return; /* the same prefix was there: many rules have the same */
    for (uint32_t i = first; i < first + (1u << (bits - len)); i++) {
        uint32_t e = add_below(p, in_nodes ? p->nodes[node].e[i] : entries[i], tuple);
        *(in_nodes ? &p->nodes[node].e[i] : &entries[i]) = e;
    }
}

/* A prefix: the top `len` bits of value. */
static void trie_add(struct prune *p, struct dim *d, uint32_t value, unsigned len, uint32_t tuple)
{
    unsigned bits = d->w.root_bits;
    if (len <= bits) {
        add_range(p, d->root, false, 0, bits, value, len, tuple);
        return;
    }
    uint32_t at = value >> (32 - bits), e = d->root[at], node;
    node = e & IS_NODE ? e & ~IS_NODE : new_node(p, e);
    d->root[at] = IS_NODE | node;
    for (value <<= bits, len -= bits; len > NODE_BITS && !p->failed; len -= NODE_BITS) {
        at = value >> (32 - NODE_BITS);
        e = p->nodes[node].e[at];
        uint32_t next = e & IS_NODE ? e & ~IS_NODE : new_node(p, e);
        p->nodes[node].e[at] = IS_NODE | next;
        node = next;
        value <<= NODE_BITS;
    }
    if (!p->failed)
        add_range(p, NULL, true, node, NODE_BITS, value, len, tuple);
}

/* ------------------------------------------------------------ dimensions */

static uint32_t window_of(const struct window *w, const struct flow_key *k)
{
    uint32_t v = __builtin_bswap32(pack_half(k, w->half)) << w->shift;
    return w->bits == 32 ? v : v & ~UINT32_C(0) << (32 - w->bits);
}

static unsigned prefix_of(const struct window *w, const struct flow_match *m)
{
    uint32_t holes = ~window_of(w, &m->mask);
    unsigned ones = holes == 0 ? 32 : (unsigned)__builtin_clz(holes);
    return ones < w->bits ? ones : w->bits;
}

static uint32_t place_of(uint32_t tuple) { return tuple < PRUNE_TUPLES ? tuple : PRUNE_TUPLES - 1; }

/* The prefixes of a tuple, all of one length, of every step-th rule. */
static void add_tuple(struct prune *p, struct dim *d, const struct group *g, unsigned len,
                      uint32_t step, uint32_t place)
{
    uint32_t rules = len == 0 ? 1 : g->n; /* without a prefix they all say the same */
    for (uint32_t i = 0; i < rules && !p->failed; i += step)
        trie_add(p, d, window_of(&d->w, &g->rules[i]->match.key), len, place);
}

/* A dimension over every step-th rule. Short prefixes come first: what is below an entry when it
 * gets a tuple is then seldom more than itself. */
static void dim_make(struct prune *p, struct dim *d, const struct window *w,
                     const struct group *groups, uint32_t n, uint32_t step)
{
    d->w = *w;
    d->root = calloc((size_t)1 << w->root_bits, sizeof *d->root);
    if (d->root == NULL)
        p->failed = true;
    for (unsigned len = 0; len <= w->bits; len++) {
        for (uint32_t t = 0; t < n && !p->failed; t++) {
            if (prefix_of(w, &groups[t].rules[0]->match) == len)
                add_tuple(p, d, &groups[t], len, step, place_of(t));
        }
    }
}

static uint32_t dim_find(const struct prune *p, const struct dim *d, const struct flow_key *k)
{
    uint32_t v = window_of(&d->w, k), e = d->root[v >> (32 - d->w.root_bits)];
    for (v <<= d->w.root_bits; e & IS_NODE; v <<= NODE_BITS)
        e = p->nodes[e & ~IS_NODE].e[v >> (32 - NODE_BITS)];
    return e;
}

/* ------------------------------------------------------------ choice */

static struct prune *prune_new(void)
{
    struct prune *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    static const struct tuple_set empty;
    p->failed = !grow_sets(p);
    if (!p->failed)
        intern(p, &empty);
    return p;
}

void prune_free(struct prune *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->n_dims; i++)
        free(p->dim[i].root);
    free(p->nodes);
    free(p->sets);
    free(p->index);
    free(p);
}

/* Packets to try the dimensions with: inside a rule each, the rest of the bits random. */
struct trial {
    struct flow_key key[SAMPLE_PACKETS];
    struct tuple_set left[SAMPLE_PACKETS]; /* by the dimensions chosen so far */
};

static void trial_make(struct trial *t, const struct group *groups, uint32_t n)
{
    struct prng r = {.state = n};
    uint32_t rules = 0;
    for (uint32_t i = 0; i < n; i++)
        rules += groups[i].n;
    for (unsigned s = 0; s < SAMPLE_PACKETS; s++) {
        uint32_t at = prng_below(&r, rules), g = 0;
        for (; at >= groups[g].n; g++)
            at -= groups[g].n;
        const struct flow_match *m = &groups[g].rules[at]->match;
        for (unsigned w = 0; w < FLOW_WORDS; w++)
            t->key[s].w[w] = m->key.w[w] | (prng_next(&r) & ~m->mask.w[w]);
        memset(&t->left[s], 0xff, sizeof t->left[s]);
        for (uint32_t b = n; b < PRUNE_TUPLES; b++)
            t->left[s].w[b / 64] &= ~(UINT64_C(1) << b % 64);
    }
}

static unsigned set_size(const struct tuple_set *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < PRUNE_WORDS; i++)
        n += (unsigned)__builtin_popcountll(s->w[i]);
    return n;
}

/* Tuples left in the trial when d is added; keep: it is. */
static uint32_t try_dim(const struct prune *p, const struct dim *d, struct trial *t, bool keep)
{
    uint32_t left = 0;
    for (unsigned s = 0; s < SAMPLE_PACKETS; s++) {
        struct tuple_set both = t->left[s];
        const struct tuple_set *mine = &p->sets[dim_find(p, d, &t->key[s])];
        for (unsigned i = 0; i < PRUNE_WORDS; i++)
            both.w[i] &= mine->w[i];
        left += set_size(&both);
        if (keep)
            t->left[s] = both;
    }
    return left;
}

/* Is there anything to tell apart? */
static bool is_used(const struct window *w, const struct group *groups, uint32_t n)
{
    for (uint32_t t = 0; t < n; t++) {
        if (prefix_of(w, &groups[t].rules[0]->match) > 0)
            return true;
    }
    return false;
}

/* The windows to use, the most telling first; returns how many. A window is worth its lines when it
 * leaves out a seventh of what the others left. */
static unsigned choose(const struct group *groups, uint32_t n, const struct window **out,
                       uint32_t *left_centi)
{
    struct prune *p = prune_new();
    struct trial *t = malloc(sizeof *t);
    struct dim d[WINDOWS] = {{.root = NULL}};
    bool taken[WINDOWS] = {false};
    unsigned chosen = 0;
    uint32_t rules = 0, before;
    for (uint32_t i = 0; i < n; i++)
        rules += groups[i].n;
    if (p == NULL || t == NULL)
        goto out;
    trial_make(t, groups, n);
    for (unsigned i = 0; i < WINDOWS; i++) {
        if (is_used(&windows[i], groups, n))
            dim_make(p, &d[i], &windows[i], groups, n, 1 + rules / SAMPLE_RULES);
    }
    before = SAMPLE_PACKETS * (n < PRUNE_TUPLES ? n : PRUNE_TUPLES);
    while (chosen < PRUNE_DIMS && !p->failed) {
        uint32_t best = before, which = WINDOWS;
        for (unsigned i = 0; i < WINDOWS; i++) {
            uint32_t left = d[i].root == NULL || taken[i] ? before : try_dim(p, &d[i], t, false);
            if (left < best) {
                best = left;
                which = i;
            }
        }
        if (which == WINDOWS || best > before - before / 7)
            break;
        before = try_dim(p, &d[which], t, true);
        taken[which] = true;
        out[chosen++] = &windows[which];
    }
    *left_centi = before * 100 / SAMPLE_PACKETS;
out:
    for (unsigned i = 0; i < WINDOWS; i++)
        free(d[i].root);
    prune_free(p);
    free(t);
    return chosen;
}

/* ------------------------------------------------------------ build */

struct prune *prune_build(const struct group *groups, uint32_t n)
{
    const struct window *w[PRUNE_DIMS];
    uint32_t left_centi = 0;
    unsigned chosen = choose(groups, n, w, &left_centi);
    struct prune *p = chosen > 0 ? prune_new() : NULL;
    if (p == NULL)
        return NULL;
    p->left_centi = left_centi;
    for (p->n_dims = 0; p->n_dims < chosen && !p->failed; p->n_dims++)
        dim_make(p, &p->dim[p->n_dims], w[p->n_dims], groups, n, 1);
    free(p->index);
    p->index = NULL;
    if (!p->failed)
        return p;
    prune_free(p);
    return NULL;
}

uint32_t prune_left(const struct prune *p) { return p->left_centi; }

uint64_t prune_bytes(const struct prune *p)
{
    uint64_t bytes = sizeof *p + p->cap_nodes * sizeof *p->nodes + p->cap_sets * sizeof *p->sets;
    for (unsigned i = 0; i < p->n_dims; i++)
        bytes += sizeof(uint32_t) << p->dim[i].w.root_bits;
    return bytes;
}

/* ------------------------------------------------------------ look up */

/* The entries of a burst, a level at a time, so that the lines of all come together. */
static void walk(const struct prune *p, const struct dim *d, const struct flow_key *const *k,
                 unsigned n, uint32_t *e)
{
    uint32_t v[WEFT_BURST], open = 0;
    for (unsigned i = 0; i < n; i++) {
        v[i] = window_of(&d->w, k[i]);
        e[i] = d->root[v[i] >> (32 - d->w.root_bits)];
        v[i] <<= d->w.root_bits;
        open |= e[i];
        __builtin_prefetch(e[i] & IS_NODE ? (const void *)&p->nodes[e[i] & ~IS_NODE]
                                          : (const void *)&p->sets[e[i]]);
    }
    while (open & IS_NODE) {
        open = 0;
        for (unsigned i = 0; i < n; i++) {
            if (!(e[i] & IS_NODE))
                continue;
            e[i] = p->nodes[e[i] & ~IS_NODE].e[v[i] >> (32 - NODE_BITS)];
            v[i] <<= NODE_BITS;
            open |= e[i];
            __builtin_prefetch(e[i] & IS_NODE ? (const void *)&p->nodes[e[i] & ~IS_NODE]
                                              : (const void *)&p->sets[e[i]]);
        }
    }
}

void prune_burst(const struct prune *p, const struct flow_key *const *k, unsigned n,
                 struct tuple_set *out)
{
    uint32_t e[PRUNE_DIMS][WEFT_BURST];
    for (unsigned d = 0; d < p->n_dims; d++)
        walk(p, &p->dim[d], k, n, e[d]);
    for (unsigned i = 0; i < n; i++) {
        struct tuple_set s = p->sets[e[0][i]];
        for (unsigned d = 1; d < p->n_dims; d++) {
            for (unsigned w = 0; w < PRUNE_WORDS; w++)
                s.w[w] &= p->sets[e[d][i]].w[w];
        }
        out[i] = s;
    }
}
