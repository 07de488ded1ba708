/* The table: a keyed hash, a share for each interface, and who gives way when it is full. */
#include <stdlib.h>

#include "control/neigh_internal.h"

/* Slots beyond the limit, for entries that are gone but still to be told of. */
enum { SLACK = 64 };

static uint64_t rotl(uint64_t x, int b) { return x << b | x >> (64 - b); }

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotl(v[1], 13) ^ v[0], v[0] = rotl(v[0], 32);
    v[2] += v[3], v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotl(v[1], 17) ^ v[2], v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein) of an interface and an address. */
static uint32_t bucket_of(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    uint64_t words[3] = {0, 0, (uint64_t)interface << 1 | ip6};
    uint64_t v[4] = {n->key[0] ^ UINT64_C(0x736f6d6570736575),
                     n->key[1] ^ UINT64_C(0x646f72616e646f6d),
                     n->key[0] ^ UINT64_C(0x6c7967656e657261),
                     n->key[1] ^ UINT64_C(0x7465646279746573)};
    memcpy(words, ip->b, sizeof ip->b);
    for (int i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_round(v);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    sip_round(v), sip_round(v), sip_round(v);
    return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]) & (n->n_buckets - 1);
}

bool table_init(struct neigh *n)
{
    n->slots = n->size.entries + SLACK;
    for (n->n_buckets = 16; n->n_buckets < n->size.entries; n->n_buckets *= 2)
        ;
    n->entries = calloc(n->slots, sizeof *n->entries);
    n->buckets = malloc(n->n_buckets * sizeof *n->buckets);
    if (n->entries == NULL || n->buckets == NULL)
        return false;
    memset(n->buckets, 0xff, n->n_buckets * sizeof *n->buckets);
    n->free_entry = NEIGH_NONE;
    for (uint32_t i = n->slots; i-- > 0;)
        table_free_slot(n, &n->entries[i]);
    return true;
}

void table_free_slot(struct neigh *n, struct entry *e)
{
    *e = (struct entry){.chain = n->free_entry, .due = NSEC_NEVER};
    n->free_entry = (uint32_t)(e - n->entries);
}

struct entry *table_find(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    uint32_t i = n->buckets[bucket_of(n, interface, ip, ip6)];
    for (; i != NEIGH_NONE; i = n->entries[i].chain) {
        struct entry *e = &n->entries[i];
        if (e->interface == interface && e->ip6 == ip6 && neigh_equal(&e->ip, ip))
            return e;
    }
    return NULL;
}

static void unlist(struct neigh *n, struct entry *e)
{
    struct list *l = &n->interfaces[e->interface].lists[e->list];
    *(e->older == NEIGH_NONE ? &l->oldest : &n->entries[e->older].newer) = e->newer;
    *(e->newer == NEIGH_NONE ? &l->newest : &n->entries[e->newer].older) = e->older;
}

static void enlist(struct neigh *n, struct entry *e, unsigned list)
{
    struct list *l = &n->interfaces[e->interface].lists[list];
    uint32_t id = (uint32_t)(e - n->entries);
    e->list = (uint8_t)list;
    e->older = l->newest;
    e->newer = NEIGH_NONE;
    *(l->newest == NEIGH_NONE ? &l->oldest : &n->entries[l->newest].newer) = id;
    l->newest = id;
}

void table_list(struct neigh *n, struct entry *e, unsigned list)
{
    unlist(n, e);
    enlist(n, e, list);
}

void table_remove(struct neigh *n, struct entry *e)
{
    uint32_t id = (uint32_t)(e - n->entries);
    uint32_t *at = &n->buckets[bucket_of(n, e->interface, &e->ip, e->ip6)];
    while (*at != id)
        at = &n->entries[*at].chain;
    *at = e->chain;
    unlist(n, e);
    state_set(n, e, NEIGH_GONE);
    e->live = false;
    n->interfaces[e->interface].n_entries--;
    pend_entry(n, e, DO_FORGET);
}

/* An entry of the interface that may give way: the oldest stranger or dead end; for our own traffic
 * also one that was used, but is STALE and among the longest unused. */
static struct entry *victim(const struct neigh *n, const struct interface *ifc, bool ours)
{
    uint32_t i = ifc->lists[STRANGERS].oldest;
    if (i != NEIGH_NONE)
        return &n->entries[i];
    i = ifc->lists[USED].oldest;
    for (int tries = 0; ours && tries < 8 && i != NEIGH_NONE; tries++, i = n->entries[i].newer) {
        if (n->entries[i].state == NEIGH_STALE)
            return &n->entries[i];
    }
    return NULL;
}

struct entry *table_add(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                        bool ours)
{
    struct interface *ifc = &n->interfaces[interface];
    if (ifc->n_entries >= ifc->c.entries_max || n->free_entry == NEIGH_NONE) {
        struct entry *old = victim(n, ifc, ours);
        if (old == NULL)
            return NULL;
        n->counters.gave_way++;
        table_remove(n, old);
    }
    if (n->free_entry == NEIGH_NONE)
        return NULL;
    struct entry *e = &n->entries[n->free_entry];
    uint32_t *bucket = &n->buckets[bucket_of(n, interface, ip, ip6)];
    uint32_t next_free = e->chain;
    *e = (struct entry){.live = true,
                        .ip6 = ip6,
                        .interface = interface,
                        .ip = *ip,
                        .chain = *bucket,
                        .due = NSEC_NEVER};
    *bucket = n->free_entry;
    n->free_entry = next_free;
    enlist(n, e, ours ? USED : STRANGERS);
    ifc->n_entries++;
    return e;
}
