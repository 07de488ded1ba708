/* fdb_write.c: learning, moving, ageing, flushing. Every function that is not static
 * takes the writers' lock. */
#include "datapath/fdb_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/hash.h"

/* Buckets that one fdb_age() looks at, at the most. */
enum { SWEEP_MAX = 16384 };

static uint32_t slot_number(const struct fdb *f, const struct fdb_slot *s)
{
    return (uint32_t)(s - f->buckets[0].slot);
}

static struct fdb_slot *slot_at(const struct fdb *f, uint32_t number)
{
    return &f->buckets[number / FDB_WAYS].slot[number % FDB_WAYS];
}

static uint64_t state_of(struct fdb_slot *s)
{
    return atomic_load_explicit(&s->state, memory_order_relaxed);
}

/* ------------------------------------------------------------ the chain of a port */

static void chain_add(struct fdb *f, uint32_t n, uint16_t port)
{
    struct fdb_port *p = &f->ports[port];
    f->cold[n].prev = FDB_NIL;
    f->cold[n].next = p->head;
    if (p->head != FDB_NIL)
        f->cold[p->head].prev = n;
    p->head = n;
}

static void chain_remove(struct fdb *f, uint32_t n, uint16_t port)
{
    struct fdb_cold *c = &f->cold[n];
    if (c->prev != FDB_NIL)
        f->cold[c->prev].next = c->next;
    else
        f->ports[port].head = c->next;
    if (c->next != FDB_NIL)
        f->cold[c->next].prev = c->prev;
}

static void count_in(struct fdb *f, uint64_t state)
{
    f->counters.entries++;
    if (state & FDB_STATIC_BIT)
        f->counters.statics++;
    else
        f->ports[fdb_state_port(state)].count++;
}

static void count_out(struct fdb *f, uint64_t state)
{
    f->counters.entries--;
    if (state & FDB_STATIC_BIT)
        f->counters.statics--;
    else
        f->ports[fdb_state_port(state)].count--;
}

/* ------------------------------------------------------------ slots */

/* A key comes in: version up and not valid, then the key, then the state. */
static void slot_fill(struct fdb *f, struct fdb_slot *s, uint64_t key, uint64_t state, nsec_t now)
{
    uint64_t version = (state_of(s) + 1) & FDB_VERSION_MASK;
    atomic_store_explicit(&s->state, version, memory_order_release);
    atomic_store_explicit(&s->key, key, memory_order_release);
    atomic_store_explicit(&s->state, state | FDB_VALID | version, memory_order_release);
    uint32_t n = slot_number(f, s);
    f->cold[n] = (struct fdb_cold){.learned_ns = now};
    chain_add(f, n, fdb_state_port(state));
    count_in(f, state);
}

static void slot_clear(struct fdb *f, struct fdb_slot *s)
{
    uint64_t old = state_of(s);
    atomic_store_explicit(&s->state, old & FDB_VERSION_MASK, memory_order_release);
    chain_remove(f, slot_number(f, s), fdb_state_port(old));
    count_out(f, old);
}

/* The same key, another port or kind: one store. */
static void slot_change(struct fdb *f, struct fdb_slot *s, uint64_t state)
{
    uint64_t old = state_of(s);
    uint32_t n = slot_number(f, s);
    chain_remove(f, n, fdb_state_port(old));
    count_out(f, old);
    atomic_store_explicit(&s->state, state | FDB_VALID | (old & FDB_VERSION_MASK),
                          memory_order_release);
    chain_add(f, n, fdb_state_port(state));
    count_in(f, state);
}

static unsigned bucket_used(struct fdb_bucket *b, struct fdb_slot **free_slot)
{
    unsigned used = 0;
    for (int i = 0; i < FDB_WAYS; i++) {
        if (state_of(&b->slot[i]) & FDB_VALID)
            used++;
        else
            *free_slot = &b->slot[i];
    }
    return used;
}

/* Where a new key goes: the first bucket while it is half empty (one cache line
 * for the reader), else the emptier of the two. NULL: both are full. */
static struct fdb_slot *slot_for(const struct fdb *f, uint64_t key)
{
    uint64_t h = hash_u64(key, f->key);
    struct fdb_slot *s1 = NULL, *s2 = NULL;
    unsigned used1 = bucket_used(fdb_bucket1(f, h), &s1);
    if (used1 < FDB_WAYS / 2)
        return s1;
    unsigned used2 = bucket_used(fdb_bucket2(f, h), &s2);
    return used2 < used1 ? s2 : s1;
}

static uint64_t make_state(const struct fdb *f, uint64_t key, uint32_t place, uint64_t kind,
                           nsec_t now)
{
    const struct fdb_gens *g = atomic_load_explicit(&f->gens, memory_order_relaxed);
    uint64_t gen = g != NULL ? fdb_gen_bits(g, key, fdb_place_port(place)) : 0;
    return kind | gen | (uint64_t)fdb_place_port(place) << FDB_PORT_SHIFT |
           (uint64_t)fdb_place_endpoint(place) << FDB_END_SHIFT | fdb_used_bits(now);
}

/* ------------------------------------------------------------ generations */

static bool stale(const struct fdb *f, struct fdb_slot *s)
{
    uint64_t state = state_of(s);
    return (state & FDB_VALID) &&
           !fdb_fresh(f, atomic_load_explicit(&s->key, memory_order_relaxed), state);
}

/* Takes back the room of what was flushed with a tree of the port. */
static void drop_stale(struct fdb *f, uint16_t port)
{
    for (uint32_t n = f->ports[port].head, next; n != FDB_NIL; n = next) {
        next = f->cold[n].next;
        if (stale(f, slot_at(f, n))) {
            slot_clear(f, slot_at(f, n));
            f->counters.flushed++;
        }
    }
    f->ports[port].bumps = 0;
}

/* ------------------------------------------------------------ learning */

static bool port_has_room(struct fdb *f, uint16_t port)
{
    const struct fdb_port *p = &f->ports[port];
    if (p->limit != 0 && p->count >= p->limit && p->bumps != 0)
        drop_stale(f, port);
    return p->limit == 0 || p->count < p->limit;
}

static enum fdb_result learn_new(struct fdb *f, uint64_t key, uint32_t place, nsec_t now)
{
    if (!port_has_room(f, fdb_place_port(place))) {
        f->counters.port_limit++;
        f->ports[fdb_place_port(place)].refused++;
        return FDB_PORT_LIMIT;
    }
    struct fdb_slot *s = f->counters.entries < f->counters.size ? slot_for(f, key) : NULL;
    if (s == NULL) {
        f->counters.full++;
        return FDB_FULL;
    }
    slot_fill(f, s, key, make_state(f, key, place, 0, now), now);
    f->counters.learned++;
    return FDB_NEW;
}

static enum fdb_result learn_known(struct fdb *f, struct fdb_slot *s, uint32_t place, nsec_t now)
{
    uint64_t state = state_of(s), key = atomic_load_explicit(&s->key, memory_order_relaxed);
    uint16_t port = fdb_place_port(place);
    if (!fdb_fresh(f, key, state)) { /* as if it weren't there */
        slot_clear(f, s);
        f->counters.flushed++;
        return learn_new(f, key, place, now);
    }
    if (fdb_state_place(state) == place) {
        if (!(state & FDB_STATIC_BIT))
            (void)atomic_compare_exchange_strong(&s->state, &state, fdb_touched(state, now));
        return FDB_REFRESHED;
    }
    if (state & FDB_STATIC_BIT) {
        f->counters.static_conflict++;
        return FDB_STATIC;
    }
    if (port != fdb_state_port(state) && !port_has_room(f, port)) {
        f->counters.port_limit++;
        f->ports[port].refused++;
        return FDB_PORT_LIMIT;
    }
    slot_change(f, s, make_state(f, key, place, 0, now));
    f->cold[slot_number(f, s)].moved_ns = now;
    f->cold[slot_number(f, s)].moves++;
    f->counters.moved++;
    return FDB_MOVED;
}

enum fdb_result fdb_learn(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now)
{
    uint64_t key = fdb_key(vlan, mac), state;
    pthread_mutex_lock(&f->lock);
    f->now_ns = now;
    struct fdb_slot *s = fdb_find(f, key, &state);
    enum fdb_result r = s ? learn_known(f, s, place, now) : learn_new(f, key, place, now);
    pthread_mutex_unlock(&f->lock);
    return r;
}

int fdb_add_static(struct fdb *f, uint16_t vlan, struct mac mac, uint32_t place, nsec_t now)
{
    uint64_t key = fdb_key(vlan, mac), state;
    int r = 0;
    pthread_mutex_lock(&f->lock);
    struct fdb_slot *s = fdb_find(f, key, &state);
    if (s != NULL) {
        slot_change(f, s, make_state(f, key, place, FDB_STATIC_BIT, now));
    } else {
        s = f->counters.entries < f->counters.size ? slot_for(f, key) : NULL;
        if (s != NULL)
            slot_fill(f, s, key, make_state(f, key, place, FDB_STATIC_BIT, now), now);
        else
            r = -ENOSPC;
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

void fdb_set_limit(struct fdb *f, uint16_t port, uint32_t limit)
{
    pthread_mutex_lock(&f->lock);
    f->ports[port].limit = limit;
    pthread_mutex_unlock(&f->lock);
}

uint64_t fdb_port_refused(const struct fdb *f, uint16_t port) { return f->ports[port].refused; }

uint32_t fdb_port_count(const struct fdb *f, uint16_t port)
{
    return *(const volatile uint32_t *)&f->ports[port].count;
}

/* ------------------------------------------------------------ forgetting */

int fdb_del(struct fdb *f, uint16_t vlan, struct mac mac)
{
    uint64_t state;
    pthread_mutex_lock(&f->lock);
    struct fdb_slot *s = fdb_find(f, fdb_key(vlan, mac), &state);
    if (s != NULL)
        slot_clear(f, s);
    pthread_mutex_unlock(&f->lock);
    return s != NULL ? 0 : -ENOENT;
}

static uint16_t slot_vlan(struct fdb_slot *s)
{
    return (uint16_t)(atomic_load_explicit(&s->key, memory_order_relaxed) >> 48);
}

/* True when the learnt entry in s is of that VLAN (-1: of any). */
static bool slot_to_flush(struct fdb_slot *s, int vlan)
{
    uint64_t state = state_of(s);
    if (!(state & FDB_VALID) || (state & FDB_STATIC_BIT))
        return false;
    return vlan < 0 || slot_vlan(s) == vlan;
}

static uint32_t flush_port(struct fdb *f, uint16_t port, int vlan)
{
    uint32_t flushed = 0;
    for (uint32_t n = f->ports[port].head, next; n != FDB_NIL; n = next) {
        next = f->cold[n].next;
        if (slot_to_flush(slot_at(f, n), vlan)) {
            slot_clear(f, slot_at(f, n));
            flushed++;
        }
    }
    return flushed;
}

static uint32_t flush_table(struct fdb *f, int vlan)
{
    uint32_t flushed = 0, slots = (f->bucket_mask + 1) * FDB_WAYS;
    for (uint32_t n = 0; n < slots; n++) {
        if (slot_to_flush(slot_at(f, n), vlan)) {
            slot_clear(f, slot_at(f, n));
            flushed++;
        }
    }
    return flushed;
}

uint32_t fdb_flush(struct fdb *f, uint16_t port, int vlan)
{
    pthread_mutex_lock(&f->lock);
    uint32_t n = port == FDB_NO_PORT ? flush_table(f, vlan) : flush_port(f, port, vlan);
    f->counters.flushed += n;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void fdb_flush_tree(struct fdb *f, uint16_t port, unsigned tree)
{
    pthread_mutex_lock(&f->lock);
    struct fdb_gens *g = atomic_load_explicit(&f->gens, memory_order_relaxed);
    if (g == NULL) {
        f->counters.flushed += flush_port(f, port, -1);
    } else if (tree < FDB_TREES) {
        atomic_fetch_add_explicit(&g->now[port][tree], 1, memory_order_release);
        if (++f->ports[port].bumps >= FDB_BUMPS_MAX)
            drop_stale(f, port);
    }
    pthread_mutex_unlock(&f->lock);
}

int fdb_set_trees(struct fdb *f, const uint8_t tree[4096])
{
    pthread_mutex_lock(&f->lock);
    struct fdb_gens *g = atomic_load_explicit(&f->gens, memory_order_relaxed);
    struct fdb_gens *fresh = g == NULL ? calloc(1, sizeof *fresh) : NULL;
    bool other = false;
    if (g == NULL)
        g = fresh;
    for (unsigned v = 0; g != NULL && v < 4096; v++) {
        uint8_t t = tree != NULL && tree[v] < FDB_TREES ? tree[v] : 0;
        other = other || atomic_load_explicit(&g->tree[v], memory_order_relaxed) != t;
        atomic_store_explicit(&g->tree[v], t, memory_order_relaxed);
    }
    if (fresh != NULL)
        atomic_store_explicit(&f->gens, fresh, memory_order_release);
    if (other) /* generations of another tree say nothing */
        f->counters.flushed += flush_table(f, -1);
    pthread_mutex_unlock(&f->lock);
    return g != NULL ? 0 : -ENOMEM;
}

void fdb_forget_port(struct fdb *f, uint16_t port)
{
    pthread_mutex_lock(&f->lock);
    while (f->ports[port].head != FDB_NIL) {
        slot_clear(f, slot_at(f, f->ports[port].head));
        f->counters.flushed++;
    }
    f->ports[port].limit = 0;
    pthread_mutex_unlock(&f->lock);
}

/* ------------------------------------------------------------ ageing */

void fdb_set_ageing(struct fdb *f, nsec_t ageing_ns)
{
    pthread_mutex_lock(&f->lock);
    uint64_t unit = UINT64_C(1) << FDB_UNIT_SHIFT;
    uint64_t units = ageing_ns > 0 ? ((uint64_t)ageing_ns + unit - 1) / unit : 0;
    f->ageing_units = (uint32_t)(units < FDB_USED_MASK / 2 ? units : 0); /* 13 days: never */
    pthread_mutex_unlock(&f->lock);
}

static void age_bucket(struct fdb *f, struct fdb_bucket *b, nsec_t now)
{
    for (int i = 0; i < FDB_WAYS; i++) {
        uint64_t state = state_of(&b->slot[i]);
        bool learnt = (state & FDB_VALID) && !(state & FDB_STATIC_BIT);
        bool old = f->ageing_units != 0 && fdb_age_of(state, now) >= f->ageing_units;
        if (!learnt || !(old || stale(f, &b->slot[i])))
            continue;
        slot_clear(f, &b->slot[i]);
        f->counters.aged += old;
        f->counters.flushed += !old;
    }
}

/* Goes round the table once a second, or as fast as SWEEP_MAX buckets a call allow. */
static void sweep(struct fdb *f, nsec_t now)
{
    uint32_t all = f->bucket_mask + 1;
    nsec_t passed = now - f->swept_ns;
    uint64_t due = passed >= NSEC_PER_SEC ? all : (uint64_t)passed * all / NSEC_PER_SEC;
    if (due == 0)
        return;
    f->swept_ns = now;
    for (uint64_t n = due < SWEEP_MAX ? due : SWEEP_MAX; n > 0; n--) {
        age_bucket(f, &f->buckets[f->sweep], now);
        f->sweep = (f->sweep + 1) & f->bucket_mask;
    }
}

void fdb_age(struct fdb *f, nsec_t now)
{
    pthread_mutex_lock(&f->lock);
    f->now_ns = now;
    bool due = f->ageing_units != 0 || atomic_load(&f->gens) != NULL;
    if (due && f->counters.entries > f->counters.statics)
        sweep(f, now);
    pthread_mutex_unlock(&f->lock);
}

/* ------------------------------------------------------------ showing */

struct fdb_counters fdb_counters(const struct fdb *f)
{
    struct fdb *l = (struct fdb *)f; /* the lock is the only thing that changes */
    pthread_mutex_lock(&l->lock);
    struct fdb_counters c = f->counters;
    pthread_mutex_unlock(&l->lock);
    return c;
}

/* `used` has lost its high bits: it is the latest such time that is not after now. */
static nsec_t used_ns(const struct fdb *f, uint64_t state)
{
    nsec_t now_units = f->now_ns >> FDB_UNIT_SHIFT;
    nsec_t used = (now_units - fdb_age_of(state, f->now_ns)) * (INT64_C(1) << FDB_UNIT_SHIFT);
    return used > 0 ? used : 0;
}

static struct fdb_entry entry_of(const struct fdb *f, struct fdb_slot *s, uint64_t state)
{
    uint64_t key = atomic_load_explicit(&s->key, memory_order_relaxed);
    const struct fdb_cold *c = &f->cold[slot_number(f, s)];
    return (struct fdb_entry){
        .mac = mac_from_u64(key),
        .vlan = (uint16_t)(key >> 48),
        .port = fdb_state_port(state),
        .endpoint = fdb_place_endpoint(fdb_state_place(state)),
        .is_static = (state & FDB_STATIC_BIT) != 0,
        .learned_ns = c->learned_ns,
        .used_ns = used_ns(f, state),
        .moved_ns = c->moved_ns,
        .moves = c->moves,
    };
}

void fdb_each(const struct fdb *f, bool (*fn)(void *ctx, const struct fdb_entry *e), void *ctx)
{
    struct fdb *l = (struct fdb *)f;
    uint32_t slots = (f->bucket_mask + 1) * FDB_WAYS;
    bool more = true;
    for (uint32_t n = 0; more && n < slots; n++) {
        pthread_mutex_lock(&l->lock);
        struct fdb_slot *s = slot_at(f, n);
        uint64_t state = state_of(s);
        struct fdb_entry e = entry_of(f, s, state);
        bool gone = !(state & FDB_VALID) || stale(f, s);
        pthread_mutex_unlock(&l->lock);
        more = gone || fn(ctx, &e);
    }
}
