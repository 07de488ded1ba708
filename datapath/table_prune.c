/* table_prune.c: see table_prune.h. */
#include "datapath/table_prune.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/prng.h"

#define IS_NODE UINT32_C(0x80000000)

enum { NODE_BITS = 4, SAMPLE_RULES = 4096, SAMPLE_PACKETS = 256, NO_SET = 0, NO_NODE = 0 };

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

/* What is appended to while others read: chunks that are never moved. */
enum { CHUNK_NODES = 1024, CHUNK_SETS = 256, CHUNKS = 2048 };

struct prune {
    unsigned n_dims;
    struct dim dim[PRUNE_DIMS];
    uint32_t n_nodes, n_sets;
    uint32_t *index; /* of sets, by their hash */
    uint32_t index_mask;
    uint32_t left_centi;
    bool failed; /* out of memory or room */
    struct node *nodes[CHUNKS];
    struct tuple_set *sets[CHUNKS]; /* set 0 is empty */
};

static inline struct node *node_at(const struct prune *p, uint32_t i)
{
    return &p->nodes[i / CHUNK_NODES][i % CHUNK_NODES];
}

static inline struct tuple_set *set_at(const struct prune *p, uint32_t i)
{
    return &p->sets[i / CHUNK_SETS][i % CHUNK_SETS];
}

static void store(uint32_t *entry, uint32_t v) { __atomic_store_n(entry, v, __ATOMIC_RELEASE); }

static inline uint32_t load(const uint32_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

/* ------------------------------------------------------------ sets */

static bool same_set(const struct tuple_set *a, const struct tuple_set *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool grow_index(struct prune *p)
{
    uint32_t mask = p->index != NULL ? 2 * p->index_mask + 1 : 511;
    uint32_t *index = calloc(mask + 1, sizeof *index);
    if (index == NULL)
        return false;
    free(p->index);
    p->index = index;
    p->index_mask = mask;
    for (uint32_t i = 0; i < p->n_sets; i++) {
        uint64_t at = hash_words(set_at(p, i)->w, PRUNE_WORDS, 1) & mask;
        while (index[at] != 0)
            at = (at + 1) & mask;
        index[at] = i + 1;
    }
    return true;
}

/* Memory for the next set. */
static bool need_set(struct prune *p)
{
    struct tuple_set **chunk = &p->sets[p->n_sets / CHUNK_SETS];
    if (p->n_sets == CHUNKS * CHUNK_SETS)
        return false;
    if (*chunk == NULL)
        *chunk = aligned_alloc(64, CHUNK_SETS * sizeof **chunk);
    return *chunk != NULL && (2 * p->n_sets <= p->index_mask || grow_index(p));
}

/* The number of a set with these tuples. */
static uint32_t intern(struct prune *p, const struct tuple_set *s)
{
    if (!need_set(p)) {
        p->failed = true;
        return NO_SET;
    }
    uint64_t at = hash_words(s->w, PRUNE_WORDS, 1) & p->index_mask;
    for (; p->index[at] != 0; at = (at + 1) & p->index_mask) {
        if (same_set(set_at(p, p->index[at] - 1), s))
            return p->index[at] - 1;
    }
    *set_at(p, p->n_sets) = *s;
    p->index[at] = ++p->n_sets;
    return p->n_sets - 1;
}

static uint32_t with(struct prune *p, uint32_t set, uint32_t tuple)
{
    struct tuple_set s = *set_at(p, set);
    uint64_t bit = UINT64_C(1) << tuple % 64;
    if (s.w[tuple / 64] & bit)
        return set;
    s.w[tuple / 64] |= bit;
    return intern(p, &s);
}

/* ------------------------------------------------------------ tries */

static uint32_t new_node(struct prune *p, uint32_t fill)
{
    struct node **chunk = &p->nodes[p->n_nodes / CHUNK_NODES];
    if (p->n_nodes < CHUNKS * CHUNK_NODES && *chunk == NULL)
        *chunk = aligned_alloc(64, CHUNK_NODES * sizeof **chunk);
    if (p->n_nodes == CHUNKS * CHUNK_NODES || *chunk == NULL) {
        p->failed = true;
        return NO_NODE;
    }
    for (unsigned i = 0; i < 1 << NODE_BITS; i++)
        node_at(p, p->n_nodes)->e[i] = fill;
    return p->n_nodes++;
}

/* Is the tuple in all that is below an entry? Its prefixes in a dimension have one length, so it is
 * when it is in what comes first. The last place is shared by tuples of many lengths. */
static bool has(const struct prune *p, uint32_t entry, uint32_t place)
{
    while (entry & IS_NODE)
        entry = node_at(p, entry & ~IS_NODE)->e[0];
    return place != PRUNE_TUPLES - 1 && (set_at(p, entry)->w[place / 64] >> place % 64 & 1) != 0;
}

/* Adds the tuple to all that is below an entry. */
static void add_below(struct prune *p, uint32_t *entry, uint32_t place)
{
    if (!(*entry & IS_NODE)) {
        uint32_t set = with(p, *entry, place);
        if (!p->failed && set != *entry)
            store(entry, set);
        return;
    }
    for (unsigned i = 0; i < 1 << NODE_BITS; i++)
        add_below(p, &node_at(p, *entry & ~IS_NODE)->e[i], place);
}

/* The entries of a node (or root) of `bits` that a prefix ending in it covers. value: the window's
 * bits that are left, at the top. */
static void add_range(struct prune *p, uint32_t *entries, unsigned bits, uint32_t value,
                      unsigned len, uint32_t place)
{
    uint32_t first = len == 0 ? 0 : value >> (32 - bits) & (~UINT32_C(0) << (bits - len));
    if (has(p, entries[first], place))
        return; /* the same prefix was there: many rules have the same */
    for (uint32_t i = first; i < first + (1u << (bits - len)); i++)
        add_below(p, &entries[i], place);
}

/* The node below an entry, made when there is none; NULL: failed. */
static struct node *below(struct prune *p, uint32_t *entry)
{
    if (!(*entry & IS_NODE)) {
        uint32_t node = new_node(p, *entry);
        if (p->failed)
            return NULL;
        store(entry, IS_NODE | node);
    }
    return node_at(p, *entry & ~IS_NODE);
}

/* A prefix: the top `len` bits of value. */
static void trie_add(struct prune *p, struct dim *d, uint32_t value, unsigned len, uint32_t place)
{
    uint32_t *entries = d->root;
    unsigned bits = d->w.root_bits;
    while (len > bits) {
        struct node *node = below(p, &entries[value >> (32 - bits)]);
        if (node == NULL)
            return;
        entries = node->e;
        value <<= bits;
        len -= bits;
        bits = NODE_BITS;
    }
    add_range(p, entries, bits, value, len, place);
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
        e = node_at(p, e & ~IS_NODE)->e[v >> (32 - NODE_BITS)];
    return e;
}

/* ------------------------------------------------------------ choice */

static struct prune *prune_new(void)
{
    struct prune *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    static const struct tuple_set empty;
    p->failed = !grow_index(p);
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
    for (unsigned i = 0; i < CHUNKS; i++) {
        free(p->nodes[i]);
        free(p->sets[i]);
    }
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
        const struct tuple_set *mine = set_at(p, dim_find(p, d, &t->key[s]));
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
    if (!p->failed)
        return p;
    prune_free(p);
    return NULL;
}

uint32_t prune_left(const struct prune *p) { return p->left_centi; }

bool prune_add(struct prune *p, const struct flow_match *m, uint32_t place)
{
    for (unsigned i = 0; i < p->n_dims && !p->failed; i++) {
        struct dim *d = &p->dim[i];
        trie_add(p, d, window_of(&d->w, &m->key), prefix_of(&d->w, m), place_of(place));
    }
    return !p->failed;
}

uint64_t prune_bytes(const struct prune *p)
{
    uint64_t bytes = sizeof *p + (p->index_mask + 1) * sizeof *p->index;
    for (unsigned i = 0; i < CHUNKS; i++) {
        bytes += p->nodes[i] != NULL ? CHUNK_NODES * sizeof(struct node) : 0;
        bytes += p->sets[i] != NULL ? CHUNK_SETS * sizeof(struct tuple_set) : 0;
    }
    for (unsigned i = 0; i < p->n_dims; i++)
        bytes += sizeof(uint32_t) << p->dim[i].w.root_bits;
    return bytes;
}

/* ------------------------------------------------------------ look up */

static inline void prefetch(const struct prune *p, uint32_t e)
{
    __builtin_prefetch(e & IS_NODE ? (const void *)node_at(p, e & ~IS_NODE)
                                   : (const void *)set_at(p, e));
}

/* The entries of a burst, a level at a time, so that the lines of all come together. */
static void walk(const struct prune *p, const struct dim *d, const struct flow_key *const *k,
                 unsigned n, uint32_t *e)
{
    uint32_t v[WEFT_BURST], open = 0;
    for (unsigned i = 0; i < n; i++) {
        v[i] = window_of(&d->w, k[i]);
        e[i] = load(&d->root[v[i] >> (32 - d->w.root_bits)]);
        v[i] <<= d->w.root_bits;
        open |= e[i];
        prefetch(p, e[i]);
    }
    while (open & IS_NODE) {
        open = 0;
        for (unsigned i = 0; i < n; i++) {
            if (!(e[i] & IS_NODE))
                continue;
            e[i] = load(&node_at(p, e[i] & ~IS_NODE)->e[v[i] >> (32 - NODE_BITS)]);
            v[i] <<= NODE_BITS;
            open |= e[i];
            prefetch(p, e[i]);
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
        struct tuple_set s = *set_at(p, e[0][i]);
        for (unsigned d = 1; d < p->n_dims; d++) {
            const struct tuple_set *other = set_at(p, e[d][i]);
            for (unsigned w = 0; w < PRUNE_WORDS; w++)
                s.w[w] &= other->w[w];
        }
        out[i] = s;
    }
}
