/* datapath/fib: always what a linear search for the longest prefix says, through any changes; ecmp:
 * only what must moves. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "datapath/ecmp.h"
#include "datapath/fib.h"

enum { ROUTES = 300 };

/* -- the oracle */

struct oracle {
    unsigned n;
    struct route {
        struct ip6 p;
        uint8_t len;
        uint32_t next;
    } r[ROUTES];
};

static bool covers(const struct ip6 *p, unsigned len, const struct ip6 *a)
{
    for (unsigned i = 0; i < len; i++) {
        if ((p->b[i / 8] ^ a->b[i / 8]) & 0x80 >> i % 8)
            return false;
    }
    return true;
}

static uint32_t oracle_lookup(const struct oracle *o, const struct ip6 *a)
{
    const struct route *best = NULL;
    for (unsigned i = 0; i < o->n; i++) {
        if (covers(&o->r[i].p, o->r[i].len, a) && (best == NULL || o->r[i].len >= best->len))
            best = &o->r[i];
    }
    return best ? best->next : 0;
}

static struct route *oracle_find(struct oracle *o, const struct ip6 *p, uint8_t len)
{
    for (unsigned i = 0; i < o->n; i++) {
        if (o->r[i].len == len && memcmp(&o->r[i].p, p, sizeof *p) == 0)
            return &o->r[i];
    }
    return NULL;
}

/* -- random routes that meet each other: few values a byte, lengths around the tables' edges */

static struct ip6 random_address(struct prng *r, unsigned bytes)
{
    static const uint8_t values[] = {0, 1, 2, 127, 128, 254, 255, 10};
    struct ip6 a = {{0}};
    for (unsigned i = 0; i < bytes; i++)
        a.b[i] = prng_below(r, 4) ? values[prng_below(r, i < 2 ? 2 : 8)] : (uint8_t)prng_next(r);
    return a;
}

static struct ip6 cut(struct ip6 a, unsigned len)
{
    for (unsigned i = len; i < 128; i++)
        a.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    return a;
}

static uint8_t random_length(struct prng *r, unsigned bits)
{
    static const uint8_t edges[] = {0,  1,  15, 16, 17, 23, 24, 25,  31, 32,
                                    33, 40, 47, 48, 49, 64, 65, 127, 128};
    unsigned len = prng_below(r, 3) ? edges[prng_below(r, sizeof edges)] : prng_below(r, bits + 1);
    return (uint8_t)(len > bits ? bits : len);
}

static uint32_t lookup(const struct fib *f, bool ip6, const struct ip6 *a)
{
    uint32_t host = (uint32_t)a->b[0] << 24 | a->b[1] << 16 | a->b[2] << 8 | a->b[3];
    return ip6 ? fib_lookup6(f, a) : fib_lookup4(f, host);
}

static void compare(const struct fib *f, const struct oracle *o, bool ip6, struct prng *r)
{
    struct ip6 a[32];
    uint32_t host[32], next[32];
    for (unsigned i = 0; i < 32; i++) {
        a[i] = random_address(r, ip6 ? 16 : 4);
        if (o->n > 0 && i % 2) { /* near a route */
            a[i] = o->r[prng_below(r, o->n)].p;
            a[i].b[prng_below(r, ip6 ? 16 : 4)] ^= (uint8_t)(1u << prng_below(r, 9));
        }
        host[i] = (uint32_t)a[i].b[0] << 24 | a[i].b[1] << 16 | a[i].b[2] << 8 | a[i].b[3];
    }
    if (ip6)
        fib_lookup6_burst(f, a, next, 32);
    else
        fib_lookup4_burst(f, host, next, 32);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(next[i], oracle_lookup(o, &a[i]));
        assert_int_equal(lookup(f, ip6, &a[i]), next[i]);
    }
}

static void change(struct fib *f, struct oracle *o, bool ip6, struct prng *r)
{
    uint8_t len = random_length(r, ip6 ? 128 : 32);
    struct ip6 p = cut(random_address(r, ip6 ? 16 : 4), len);
    bool away = o->n == ROUTES || (o->n > 0 && prng_below(r, 5) < 2);
    if (away && prng_below(r, 4)) {
        p = o->r[prng_below(r, o->n)].p;
        len = o->r[prng_below(r, o->n)].len;
        p = cut(p, len);
    }
    struct route *known = oracle_find(o, &p, len);
    if (away) {
        assert_int_equal(fib_delete(f, &p, len), known ? 0 : -ENOENT);
        if (known)
            *known = o->r[--o->n];
        return;
    }
    uint32_t next = 1 + prng_below(r, 5);
    assert_int_equal(fib_set(f, &p, len, next), 0);
    if (known == NULL)
        known = &o->r[o->n++];
    *known = (struct route){.p = p, .len = len, .next = next};
}

static void agrees(bool ip6, uint64_t seed)
{
    struct fib_config c = {.ip6 = ip6, .max_routes = 4000, .hash_key = seed};
    struct fib *f = fib_create(&c);
    struct oracle *o = calloc(1, sizeof *o);
    struct prng r = {seed};
    assert_non_null(f);
    for (int step = 0; step < 3000; step++) {
        change(f, o, ip6, &r);
        compare(f, o, ip6, &r);
        assert_int_equal(fib_stats(f).routes, o->n);
    }
    while (o->n > 0) { /* and down to nothing: every node comes back */
        struct route x = o->r[--o->n];
        assert_int_equal(fib_get(f, &x.p, x.len), x.next);
        assert_int_equal(fib_delete(f, &x.p, x.len), 0);
        compare(f, o, ip6, &r);
    }
    assert_int_equal(fib_stats(f).nodes, 0);
    free(o);
    fib_destroy(f);
}

static void ipv4_agrees_with_a_linear_search_through_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        agrees(false, seed);
}

static void ipv6_agrees_with_a_linear_search_through_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        agrees(true, seed);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    struct fib_config c = {.max_routes = 2};
    struct fib *f = fib_create(&c);
    struct ip6 net = {{10, 1}}, other = {{10, 2}}, third = {{10, 3}};
    assert_int_equal(fib_set(f, &net, 15, 1), -EINVAL); /* a bit beyond the length */
    assert_int_equal(fib_set(f, &net, 33, 1), -EINVAL);
    assert_int_equal(fib_set(f, &net, 16, 0), -EINVAL);
    assert_int_equal(fib_set(f, &net, 16, FIB_NEXT_MAX + 1), -EINVAL);
    assert_int_equal(fib_set(f, &net, 16, FIB_NEXT_MAX), 0);
    assert_int_equal(fib_set(f, &other, 16, 2), 0);
    assert_int_equal(fib_set(f, &third, 16, 3), -ENOSPC);
    assert_int_equal(fib_set(f, &other, 16, 3), 0); /* a change needs no room */
    assert_int_equal(fib_lookup4(f, 0x0a020304), 3);
    assert_int_equal(fib_delete(f, &third, 16), -ENOENT);
    fib_destroy(f);
}

static void every_route_is_walked_once(void **state)
{
    (void)state;
    struct fib_config c = {.max_routes = 1000};
    struct fib *f = fib_create(&c);
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= 1000; i++) {
        struct ip6 p = {{10, (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(fib_set(f, &p, 24, i), 0);
    }
    uint32_t cursor = 0, next, n = 0;
    struct ip6 p;
    uint8_t len;
    while (fib_each(f, &cursor, &p, &len, &next)) {
        sum += next;
        n++;
    }
    assert_int_equal(n, 1000);
    assert_int_equal(sum, 500500);
    fib_destroy(f);
}

static void an_emptied_node_waits_for_the_readers(void **state)
{
    (void)state;
    struct rcu *rcu = rcu_create(1);
    struct fib_config c = {.max_routes = 10, .rcu = rcu};
    struct fib *f = fib_create(&c);
    struct ip6 p = {{10, 1, 2, 3}}, q = {{10, 9, 2, 3}};
    rcu_register(rcu, 0);
    rcu_online(rcu, 0);
    assert_int_equal(fib_set(f, &p, 32, 7), 0);
    uint32_t was = f->entry[0x0a01]; /* a reader is on its way */
    assert_int_equal(fib_delete(f, &p, 32), 0);
    assert_int_equal(fib_set(f, &q, 32, 8), 0);
    rcu_reclaim(rcu);
    assert_int_not_equal(f->entry[0x0a09], was);
    rcu_quiescent(rcu, 0);
    rcu_reclaim(rcu);
    assert_int_equal(fib_delete(f, &q, 32), 0);
    rcu_quiescent(rcu, 0);
    rcu_reclaim(rcu);
    rcu_offline(rcu, 0);
    rcu_unregister(rcu, 0);
    fib_destroy(f);
    rcu_free(rcu);
}

/* A reader, while 10.1.2.0/24 and longer ones come and go below 10.0.0.0/8: it sees either, and
 * nothing else. */
struct reader {
    struct fib *f;
    struct rcu *rcu;
    bool stop;
    unsigned wrong, covered, shorter;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    uint32_t ip[32], next[32];
    rcu_register(r->rcu, 0);
    rcu_online(r->rcu, 0);
    for (uint32_t n = 0; !__atomic_load_n(&r->stop, __ATOMIC_RELAXED); n++) {
        for (unsigned i = 0; i < 32; i++)
            ip[i] = 0x0a010200 + (n * 32 + i) % 256;
        fib_lookup4_burst(r->f, ip, next, 32);
        for (unsigned i = 0; i < 32; i++) {
            bool host = next[i] == 3 && ip[i] % 4 == 0;
            r->wrong += next[i] != 1 && next[i] != 2 && !host;
            r->covered += next[i] == 1;
            r->shorter += next[i] == 2;
        }
        rcu_quiescent(r->rcu, 0);
    }
    rcu_offline(r->rcu, 0);
    rcu_unregister(r->rcu, 0);
    return NULL;
}

static void a_reader_sees_the_old_or_the_new_while_nodes_come_and_go(void **state)
{
    (void)state;
    struct rcu *rcu = rcu_create(1);
    struct fib_config c = {.max_routes = 400, .rcu = rcu};
    struct reader r = {.f = fib_create(&c), .rcu = rcu};
    struct ip6 ten = {{10}}, net = {{10, 1, 2}};
    struct prng rng = {5};
    pthread_t t;
    assert_int_equal(fib_set(r.f, &ten, 8, 1), 0);
    assert_int_equal(pthread_create(&t, NULL, read_on, &r), 0);
    for (int n = 0; n < 60000; n++) {
        struct ip6 host = {{10, 1, 2, (uint8_t)(prng_below(&rng, 64) * 4)}};
        int err = n % 2 ? fib_delete(r.f, &net, 24) : fib_set(r.f, &net, 24, 2);
        assert_int_equal(err, 0);
        err = prng_below(&rng, 2) ? fib_delete(r.f, &host, 32) : fib_set(r.f, &host, 32, 3);
        assert_true(err == 0 || err == -ENOENT);
        rcu_reclaim(rcu);
    }
    __atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
    pthread_join(t, NULL);
    assert_int_equal(r.wrong, 0);
    assert_true(r.covered > 0 && r.shorter > 0);
    fib_destroy(r.f);
    rcu_free(rcu);
}

/* -- ecmp */

static void count(const struct ecmp *g, unsigned *n)
{
    for (unsigned b = 0; b < g->buckets; b++)
        n[g->bucket[b]]++;
}

static void only_the_buckets_of_one_that_left_move(void **state)
{
    (void)state;
    struct ecmp g, before;
    struct ecmp_member m[4] = {{1, 1}, {2, 1}, {3, 1}, {4, 1}}, less[3] = {{1, 1}, {2, 1}, {4, 1}};
    assert_int_equal(ecmp_init(&g, 64), 0);
    assert_int_equal(ecmp_set(&g, m, 4), 64);
    before = g;
    assert_int_equal(ecmp_set(&g, less, 3), 16);
    for (unsigned b = 0; b < 64; b++) {
        if (before.bucket[b] != 3)
            assert_int_equal(g.bucket[b], before.bucket[b]);
    }
    assert_int_equal(ecmp_set(&g, m, 4), 16); /* and back: it takes its share, no more */
    assert_int_equal(ecmp_set(&g, m, 4), 0);
    assert_int_equal(ecmp_set(&g, m, 0), 64);
    assert_int_equal(ecmp_pick(&g, 12345), 0);
}

static void weights_are_met_to_within_a_bucket_whatever_changes(void **state)
{
    (void)state;
    struct prng r = {3};
    struct ecmp g;
    assert_int_equal(ecmp_init(&g, 256), 0);
    for (int step = 0; step < 500; step++) {
        struct ecmp_member m[8];
        unsigned n = 1 + prng_below(&r, 8), total = 0, got[20] = {0};
        for (unsigned i = 0; i < n; i++) {
            m[i] = (struct ecmp_member){.next = 1 + i * 2 + prng_below(&r, 2),
                                        .weight = (uint16_t)(1 + prng_below(&r, 5))};
            total += m[i].weight;
        }
        assert_true(ecmp_set(&g, m, n) >= 0);
        count(&g, got);
        assert_int_equal(got[0], 0);
        for (unsigned i = 0; i < n; i++)
            assert_in_range(got[m[i].next], 256 * m[i].weight / total,
                            256 * m[i].weight / total + 1);
    }
}

static void what_is_no_group_is_refused(void **state)
{
    (void)state;
    struct ecmp g;
    struct ecmp_member twice[2] = {{1, 1}, {1, 1}}, none = {0, 1}, light = {1, 0};
    assert_int_equal(ecmp_init(&g, 0), -EINVAL);
    assert_int_equal(ecmp_init(&g, 48), -EINVAL);
    assert_int_equal(ecmp_init(&g, 2048), -EINVAL);
    assert_int_equal(ecmp_init(&g, 16), 0);
    assert_int_equal(ecmp_set(&g, twice, 2), -EINVAL);
    assert_int_equal(ecmp_set(&g, &none, 1), -EINVAL);
    assert_int_equal(ecmp_set(&g, &light, 1), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_agrees_with_a_linear_search_through_changes),
        cmocka_unit_test(ipv6_agrees_with_a_linear_search_through_changes),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(every_route_is_walked_once),
        cmocka_unit_test(an_emptied_node_waits_for_the_readers),
        cmocka_unit_test(a_reader_sees_the_old_or_the_new_while_nodes_come_and_go),
        cmocka_unit_test(only_the_buckets_of_one_that_left_move),
        cmocka_unit_test(weights_are_met_to_within_a_bucket_whatever_changes),
        cmocka_unit_test(what_is_no_group_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
