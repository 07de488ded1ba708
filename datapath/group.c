/* group.c: group images: made, shared, and what they say of a flow. */
#include "datapath/group.h"

#include <stdlib.h>
#include <string.h>

#include "datapath/bridge.h"
#include "datapath/hash.h"
#include "datapath/port.h"

enum { SLOTS_MIN = 1024, SLOTS_MAX = 8192, SLOTS_PER_BUCKET = 64 };

/* ------------------------------------------------------------ select's slots */

/* Stands for a bucket by what it does, not by its place: one that stays keeps its slots. */
static uint64_t bucket_hash(const struct group_bucket *b)
{
    uint64_t h = b->watch_port ^ (uint64_t)b->watch_group << 32;
    for (uint16_t i = 0; i < b->ops.n; i++) {
        const struct op *op = &b->ops.ops[i];
        uint64_t w[6] = {0};
        w[0] = op->code | (uint64_t)op->field << 8 | (uint64_t)op->ttl << 16 |
               (uint64_t)op->ethertype << 32;
        w[1] = op->port | (uint64_t)op->max_len << 32;
        memcpy(&w[2], op->value, 16);
        memcpy(&w[4], op->mask, 16);
        h = hash_words(w, 6, h);
    }
    return hash_u64(h, 1);
}

/* Shares of `slots` in proportion to the weights, to the slot: what is over after rounding down
 * goes to the largest remainders, in order. All weights 0: equal shares. */
static void share_out(const struct group *g, uint32_t slots, uint32_t *share)
{
    uint64_t total = 0;
    uint32_t given = 0;
    for (uint16_t i = 0; i < g->n; i++)
        total += g->bucket[i].weight;
    bool equal = total == 0;
    total = equal ? g->n : total;
    for (uint16_t i = 0; i < g->n; i++) {
        uint64_t weight = equal ? 1 : g->bucket[i].weight;
        share[i] = (uint32_t)(weight * slots / total);
        given += share[i];
    }
    while (given < slots) {
        uint16_t best = 0;
        int64_t most = INT64_MIN;
        for (uint16_t i = 0; i < g->n; i++) {
            uint64_t weight = equal ? 1 : g->bucket[i].weight;
            int64_t owed = (int64_t)(weight * slots) - (int64_t)(share[i] * total);
            if (weight > 0 && owed > most) {
                most = owed;
                best = i;
            }
        }
        share[best]++;
        given++;
    }
}

static uint64_t weight_of(const struct group *g, uint16_t i)
{
    return g->bucket[i].weight != 0 ? g->bucket[i].weight : 1; /* 0 has a share when all are 0 */
}

/* -log2 of a hash taken for a fraction of 1, in 1/2^32, near enough. */
static uint64_t minus_log2(uint64_t h)
{
    unsigned zeros = (unsigned)__builtin_clzll(h | 1);
    return ((zeros + UINT64_C(1)) << 32) - (h << zeros << 1 >> 32);
}

/* Each slot goes to the bucket that draws the lowest lot for it, divided by its weight, of those
 * that are owed a slot (weighted rendezvous hashing): a bucket's lots depend on itself alone. */
static void fill(struct group *g, uint32_t slots, uint32_t *share, const uint64_t *hash)
{
    for (uint32_t s = 0; s < slots; s++) {
        uint64_t least = 0;
        uint16_t best = UINT16_MAX;
        for (uint16_t i = 0; i < g->n; i++) {
            if (share[i] == 0)
                continue;
            uint64_t lot = minus_log2(hash_u64(s, hash[i]));
            if (best == UINT16_MAX || lot * weight_of(g, best) < least * weight_of(g, i)) {
                best = i;
                least = lot;
            }
        }
        g->slot[s] = best;
        share[best]--;
    }
}

static bool make_slots(struct group *g)
{
    uint32_t slots = SLOTS_MIN;
    while (slots < (uint32_t)SLOTS_PER_BUCKET * g->n && slots < SLOTS_MAX)
        slots *= 2;
    g->slot = malloc(slots * sizeof *g->slot);
    uint32_t *share = malloc(g->n * sizeof *share);
    uint64_t *hash = malloc(g->n * sizeof *hash);
    g->slot_mask = slots - 1;
    bool ok = g->slot != NULL && share != NULL && hash != NULL;
    for (uint16_t i = 0; ok && i < g->n; i++)
        hash[i] = bucket_hash(&g->bucket[i]);
    if (ok) {
        share_out(g, slots, share);
        fill(g, slots, share, hash);
    }
    free(share);
    free(hash);
    return ok;
}

/* ------------------------------------------------------------ images */

static void group_free(struct group *g)
{
    free(g->slot);
    free(g->bucket);
    free(g);
}

struct group *group_create(uint32_t id, enum group_type type, const struct group_bucket *b,
                           uint16_t n, uint32_t stats_id, uint64_t version)
{
    size_t n_ops = 0;
    for (uint16_t i = 0; i < n; i++)
        n_ops += b[i].ops.n;
    struct group *g = calloc(1, sizeof *g);
    struct group_bucket *copy = malloc((n + 1u) * sizeof *copy + n_ops * sizeof(struct op));
    if (g == NULL || copy == NULL) {
        free(g);
        free(copy);
        return NULL;
    }
    struct op *ops = (struct op *)(copy + n);
    for (uint16_t i = 0; i < n; i++) {
        copy[i] = b[i];
        copy[i].ops.ops = ops;
        if (b[i].ops.n > 0)
            memcpy(ops, b[i].ops.ops, b[i].ops.n * sizeof *ops);
        ops += b[i].ops.n;
    }
    g->refs = 1;
    g->id = id;
    g->version = version;
    g->type = (uint8_t)type;
    g->n = n;
    g->stats_id = stats_id;
    g->bucket = copy;
    if (type != GROUP_SELECT || n == 0 || make_slots(g))
        return g;
    group_free(g);
    return NULL;
}

struct group *group_ref(struct group *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void group_release(void *thing)
{
    struct group *g = thing;
    if (g != NULL && atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) == 1)
        group_free(g);
}

/* ------------------------------------------------------------ what is live, which bucket */

/* OFPPS_LIVE, as it is now. */
bool group_port_live(const struct bridge *br, uint32_t no)
{
    const struct bridge_ports *bp = atomic_load_explicit(&br->ports, memory_order_acquire);
    struct port *p = no == OFPP_LOCAL ? bp->local : no < WEFT_PORTS_MAX ? bp->by_no[no] : NULL;
    return p != NULL && atomic_load_explicit(&p->link_up, memory_order_relaxed) &&
           !(atomic_load_explicit(&p->config, memory_order_relaxed) & PORT_CFG_DOWN);
}

static bool bucket_live(const struct idset *s, const struct bridge *br,
                        const struct group_bucket *b, unsigned depth);

static bool group_live(const struct idset *s, const struct bridge *br, uint32_t id, unsigned depth)
{
    const struct group *g = depth < WEFT_GROUP_DEPTH ? idset_find(s, id) : NULL;
    for (uint16_t i = 0; g != NULL && i < g->n; i++) {
        if (bucket_live(s, br, &g->bucket[i], depth + 1))
            return true;
    }
    return false;
}

/* Either of the two will do (6.5). */
static bool bucket_live(const struct idset *s, const struct bridge *br,
                        const struct group_bucket *b, unsigned depth)
{
    bool by_port = b->watch_port != GROUP_WATCH_NONE, by_group = b->watch_group != GROUP_WATCH_NONE;
    if (!by_port && !by_group)
        return true;
    return (by_port && group_port_live(br, b->watch_port)) ||
           (by_group && group_live(s, br, b->watch_group, depth));
}

bool group_bucket_live(const struct idset *s, const struct bridge *br, const struct group_bucket *b)
{
    return bucket_live(s, br, b, 0);
}

/* What stays the same in all packets of a flow. A fragment has no ports, so that those
 * of one packet stay together its first one counts as having none either. */
static uint64_t flow_hash(const struct flow_key *k, uint64_t key)
{
    const uint64_t mac = UINT64_C(0xffffffffffff);
    const uint64_t w[10] = {
        k->w[3], /* eth_dst, eth_type */
        k->w[4], /* eth_src, vlan_vid */
        k->w[6],
        k->w[7],
        k->w[8],
        k->w[9], /* IP or ARP addresses */
        k->w[12] & mac,
        k->w[13] & mac, /* ARP's MACs */
        k->mpls_label,
        (uint64_t)k->ip_proto << 32 |
            (k->ip_frag ? 0 : (uint64_t)k->l4_src << 16 | (uint64_t)k->l4_dst),
    };
    return hash_words(w, 10, key);
}

const struct group_bucket *group_select(const struct group *g, const struct flow_key *k,
                                        uint64_t hash_key)
{
    if (g->slot == NULL)
        return NULL;
    uint64_t h = flow_hash(k, hash_key ^ g->id);
    return &g->bucket[g->slot[h & g->slot_mask]];
}
