/* binding.c: see binding.h. */
#include "datapath/binding.h"

#include <stdlib.h>
#include <string.h>

#include "datapath/hash.h"

enum { WAYS = 8, BUCKETS = BINDINGS_MAX / WAYS };
#define SILENT_NS (10 * NSEC_PER_SEC)

struct slot {
    _Atomic uint32_t seq; /* odd: being written */
    uint32_t serial;      /* 0: empty */
    struct ip6 ip;
    uint64_t mac;
    _Atomic nsec_t seen; /* INT64_MAX: configured */
    struct binding_user *user;
};

struct bindings {
    uint64_t key;
    struct slot slot[BUCKETS][WAYS];
};

struct bindings *bindings_create(uint64_t hash_key)
{
    struct bindings *b = calloc(1, sizeof *b);
    if (b != NULL)
        b->key = hash_key;
    return b;
}

void bindings_free(struct bindings *b) { free(b); }

static struct slot *bucket_of(const struct bindings *b, uint32_t serial, const struct ip6 *ip)
{
    uint64_t w[3] = {0, 0, serial};
    memcpy(w, ip, sizeof *ip);
    return (struct slot *)b->slot[hash_words(w, 3, b->key) % BUCKETS];
}

/* False: somebody writes it. */
static bool lock(struct slot *s)
{
    uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);
    return !(seq & 1) && atomic_compare_exchange_strong(&s->seq, &seq, seq + 1);
}

static void unlock(struct slot *s) { atomic_fetch_add(&s->seq, 1); }

static bool is_it(const struct slot *s, uint32_t serial, const struct ip6 *ip)
{
    return s->serial == serial && memcmp(&s->ip, ip, sizeof *ip) == 0;
}

static bool is_fixed(const struct slot *s)
{
    return atomic_load_explicit(&s->seen, memory_order_relaxed) == INT64_MAX;
}

/* Locked. */
static void fill(struct slot *s, struct binding_user *u, const struct ip6 *ip, struct mac mac,
                 nsec_t seen)
{
    if (s->serial != 0)
        atomic_fetch_sub(&s->user->count, 1);
    atomic_fetch_add(&u->count, 1);
    s->serial = u->serial;
    s->user = u;
    s->ip = *ip;
    s->mac = mac_to_u64(mac);
    atomic_store_explicit(&s->seen, seen, memory_order_relaxed);
}

/* It is in s already. */
static bool renew(struct slot *s, const struct ip6 *ip, uint32_t serial, struct mac mac,
                  nsec_t seen)
{
    nsec_t was = atomic_load_explicit(&s->seen, memory_order_relaxed);
    if (was == INT64_MAX && seen != INT64_MAX)
        return true;
    if (s->mac == mac_to_u64(mac) && seen - was < NSEC_PER_SEC && seen != INT64_MAX)
        return true;
    if (!lock(s))
        return false;
    bool still = is_it(s, serial, ip);
    if (still) {
        s->mac = mac_to_u64(mac);
        atomic_store_explicit(&s->seen, seen, memory_order_relaxed);
    }
    unlock(s);
    return still;
}

/* An empty one, or the oldest that has been silent; NULL: none. */
static struct slot *room_in(struct slot *bucket, bool fixed, nsec_t now)
{
    struct slot *oldest = NULL;
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *s = &bucket[i];
        if (s->serial == 0)
            return s;
        if (!is_fixed(s) && (oldest == NULL || s->seen < oldest->seen))
            oldest = s;
    }
    return oldest != NULL && (fixed || now - oldest->seen > SILENT_NS) ? oldest : NULL;
}

static bool add(struct slot *bucket, struct binding_user *u, const struct ip6 *ip, struct mac mac,
                bool fixed, nsec_t now)
{
    bool full = !fixed && atomic_load(&u->count) >= BINDINGS_OF_VNI_MAX;
    struct slot *s = full ? NULL : room_in(bucket, fixed, now);
    if (s == NULL || !lock(s)) {
        atomic_fetch_add(&u->refused, 1);
        return false;
    }
    fill(s, u, ip, mac, fixed ? INT64_MAX : now);
    unlock(s);
    return true;
}

bool binding_learn(struct bindings *b, struct binding_user *u, const struct ip6 *ip, struct mac mac,
                   bool fixed, nsec_t now)
{
    struct slot *bucket = bucket_of(b, u->serial, ip);
    for (unsigned i = 0; i < WAYS; i++)
        if (is_it(&bucket[i], u->serial, ip))
            return renew(&bucket[i], ip, u->serial, mac, fixed ? INT64_MAX : now);
    return add(bucket, u, ip, mac, fixed, now);
}

static bool read_slot(const struct slot *s, uint32_t serial, const struct ip6 *ip, nsec_t now,
                      struct mac *mac)
{
    uint32_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);
    bool hit = is_it(s, serial, ip);
    uint64_t m = s->mac;
    nsec_t seen = atomic_load_explicit(&s->seen, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (!hit || (seq & 1) || atomic_load_explicit(&s->seq, memory_order_relaxed) != seq)
        return false;
    *mac = mac_from_u64(m);
    return seen == INT64_MAX || now - seen < BINDING_AGE_NS;
}

bool binding_find(const struct bindings *b, const struct binding_user *u, const struct ip6 *ip,
                  nsec_t now, struct mac *mac)
{
    const struct slot *bucket = bucket_of(b, u->serial, ip);
    for (unsigned i = 0; i < WAYS; i++)
        if (read_slot(&bucket[i], u->serial, ip, now, mac))
            return true;
    return false;
}

void binding_forget(struct bindings *b, struct binding_user *u, bool fixed)
{
    for (unsigned i = 0; i < BUCKETS * WAYS; i++) {
        struct slot *s = &b->slot[0][0] + i;
        if (s->serial != u->serial || (fixed && !is_fixed(s)))
            continue;
        while (!lock(s))
            continue; /* a worker is about to be done */
        if (s->serial == u->serial) {
            s->serial = 0;
            atomic_fetch_sub(&u->count, 1);
        }
        unlock(s);
    }
}
