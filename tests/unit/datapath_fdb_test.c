/* fdb: learning, moving, limits, ageing, and readers that never see a mixture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/prng.h"
#include "datapath/fdb.h"

#define KEY UINT64_C(0x1234567890abcdef)

static struct mac mac_of(uint64_t n) { return mac_from_u64(UINT64_C(0x020000000000) + n); }

static struct fdb *fdb_of(uint32_t size)
{
    struct fdb *f = fdb_create(size, 300 * NSEC_PER_SEC, KEY);
    assert_non_null(f);
    return f;
}

static void an_unknown_mac_is_on_no_port(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(16);
    assert_int_equal(fdb_lookup(f, 1, mac_of(1)), FDB_NO_PORT);
    assert_int_equal(fdb_lookup(f, 0, mac_from_u64(0)), FDB_NO_PORT);
    assert_false(fdb_seen(f, 1, mac_of(1), 3, 0));
    fdb_free(f);
}

static void a_learnt_mac_is_found_in_its_vlan_only(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(16);
    assert_int_equal(fdb_learn(f, 10, mac_of(1), 3, 0), FDB_NEW);
    assert_int_equal(fdb_lookup(f, 10, mac_of(1)), 3);
    assert_int_equal(fdb_lookup(f, 11, mac_of(1)), FDB_NO_PORT);
    assert_true(fdb_seen(f, 10, mac_of(1), 3, 0));
    assert_false(fdb_seen(f, 10, mac_of(1), 4, 0));
    assert_int_equal(fdb_learn(f, 10, mac_of(1), 3, 1), FDB_REFRESHED);
    assert_int_equal(fdb_counters(f).learned, 1);
    fdb_free(f);
}

static void a_mac_moves_and_the_counts_move_with_it(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(16);
    fdb_learn(f, 1, mac_of(1), 3, 0);
    assert_int_equal(fdb_learn(f, 1, mac_of(1), 4, 5), FDB_MOVED);
    assert_int_equal(fdb_lookup(f, 1, mac_of(1)), 4);
    assert_int_equal(fdb_port_count(f, 3), 0);
    assert_int_equal(fdb_port_count(f, 4), 1);
    assert_int_equal(fdb_counters(f).moved, 1);
    fdb_free(f);
}

static void a_static_entry_neither_moves_nor_ages_nor_flushes(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(16);
    fdb_learn(f, 1, mac_of(1), 3, 0);
    assert_int_equal(fdb_add_static(f, 1, mac_of(1), 5, 0), 0);
    assert_int_equal(fdb_learn(f, 1, mac_of(1), 3, 0), FDB_STATIC);
    fdb_age(f, 10000 * NSEC_PER_SEC);
    assert_int_equal(fdb_flush(f, FDB_NO_PORT, -1), 0);
    assert_int_equal(fdb_lookup(f, 1, mac_of(1)), 5);
    assert_int_equal(fdb_counters(f).statics, 1);
    assert_int_equal(fdb_del(f, 1, mac_of(1)), 0);
    assert_int_equal(fdb_del(f, 1, mac_of(1)), -ENOENT);
    assert_int_equal(fdb_counters(f).entries, 0);
    fdb_free(f);
}

static void a_full_table_takes_all_of_its_size_and_no_more(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 4, 100, 1000, 8192};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fdb *f = fdb_of(sizes[i]);
        for (uint32_t n = 0; n < sizes[i]; n++)
            assert_int_equal(fdb_learn(f, 1, mac_of(n), (uint16_t)(n % 4096), 0), FDB_NEW);
        assert_int_equal(fdb_learn(f, 1, mac_of(sizes[i]), 1, 0), FDB_FULL);
        assert_int_equal(fdb_counters(f).full, 1);
        for (uint32_t n = 0; n < sizes[i]; n++)
            assert_int_equal(fdb_lookup(f, 1, mac_of(n)), n % 4096);
        fdb_free(f);
    }
}

static void a_port_has_its_limit(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(100);
    fdb_set_limit(f, 7, 2);
    assert_int_equal(fdb_learn(f, 1, mac_of(1), 7, 0), FDB_NEW);
    assert_int_equal(fdb_learn(f, 1, mac_of(2), 7, 0), FDB_NEW);
    assert_int_equal(fdb_learn(f, 1, mac_of(3), 7, 0), FDB_PORT_LIMIT);
    assert_int_equal(fdb_learn(f, 1, mac_of(3), 8, 0), FDB_NEW);
    assert_int_equal(fdb_learn(f, 1, mac_of(3), 7, 0), FDB_PORT_LIMIT);
    assert_int_equal(fdb_lookup(f, 1, mac_of(3)), 8);
    assert_int_equal(fdb_counters(f).port_limit, 2);
    fdb_free(f);
}

static void an_entry_ages_unless_it_is_used(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(16);
    fdb_learn(f, 1, mac_of(1), 3, 0);
    fdb_learn(f, 1, mac_of(2), 3, 0);
    for (nsec_t t = 0; t <= 299 * NSEC_PER_SEC; t += NSEC_PER_SEC / 2) {
        fdb_seen(f, 1, mac_of(1), 3, t);
        fdb_age(f, t);
    }
    assert_int_equal(fdb_counters(f).entries, 2);
    fdb_age(f, 301 * NSEC_PER_SEC);
    assert_int_equal(fdb_lookup(f, 1, mac_of(2)), FDB_NO_PORT);
    assert_int_equal(fdb_lookup(f, 1, mac_of(1)), 3);
    fdb_age(f, 600 * NSEC_PER_SEC);
    assert_int_equal(fdb_counters(f).entries, 0);
    assert_int_equal(fdb_counters(f).aged, 2);
    fdb_free(f);
}

/* The clock of a machine that has been up for long: `used` has fewer bits than time. */
static void ageing_works_after_a_year_of_uptime(void **state)
{
    (void)state;
    nsec_t year = 365 * 86400 * NSEC_PER_SEC;
    struct fdb *f = fdb_of(16);
    fdb_learn(f, 1, mac_of(1), 3, year);
    fdb_age(f, year + 299 * NSEC_PER_SEC);
    assert_int_equal(fdb_counters(f).entries, 1);
    fdb_age(f, year + 301 * NSEC_PER_SEC);
    assert_int_equal(fdb_counters(f).entries, 0);
    fdb_free(f);
}

static bool keep_entry(void *ctx, const struct fdb_entry *e)
{
    *(struct fdb_entry *)ctx = *e;
    return true;
}

static void an_entry_tells_its_story(void **state)
{
    (void)state;
    nsec_t t0 = 400 * 86400 * NSEC_PER_SEC;
    struct fdb *f = fdb_of(16);
    struct fdb_entry e = {0};
    fdb_learn(f, 9, mac_of(1), 3, t0);
    fdb_learn(f, 9, mac_of(1), 4, t0 + NSEC_PER_SEC);
    fdb_learn(f, 9, mac_of(1), 4, t0 + 2 * NSEC_PER_SEC);
    fdb_each(f, keep_entry, &e);
    assert_true(mac_equal(e.mac, mac_of(1)));
    assert_int_equal(e.vlan, 9);
    assert_int_equal(e.port, 4);
    assert_int_equal(e.moves, 1);
    assert_int_equal(e.learned_ns, t0);
    assert_int_equal(e.moved_ns, t0 + NSEC_PER_SEC);
    assert_true(e.used_ns <= t0 + 2 * NSEC_PER_SEC && e.used_ns > t0 + NSEC_PER_SEC);
    fdb_free(f);
}

static void a_flush_takes_what_it_names(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(100);
    for (uint16_t n = 0; n < 20; n++)
        fdb_learn(f, n % 2, mac_of(n), n % 4, 0);
    assert_int_equal(fdb_flush(f, 2, 1), 0);
    assert_int_equal(fdb_flush(f, 2, 0), 5);
    assert_int_equal(fdb_flush(f, 1, -1), 5);
    assert_int_equal(fdb_flush(f, FDB_NO_PORT, 1), 5);
    assert_int_equal(fdb_flush(f, FDB_NO_PORT, -1), 5);
    assert_int_equal(fdb_counters(f).entries, 0);
    assert_int_equal(fdb_counters(f).flushed, 20);
    fdb_add_static(f, 1, mac_of(1), 3, 0);
    fdb_learn(f, 1, mac_of(2), 3, 0);
    fdb_forget_port(f, 3);
    assert_int_equal(fdb_counters(f).entries, 0);
    fdb_free(f);
}

/* Random work against a plain array as the model. */
static void it_agrees_with_a_plain_array(void **state)
{
    (void)state;
    enum { MACS = 64 };
    struct fdb *f = fdb_of(MACS);
    struct prng r = {.state = 42};
    uint16_t model[MACS];
    memset(model, 0xff, sizeof model);
    for (int i = 0; i < 50000; i++) {
        uint32_t n = prng_below(&r, MACS);
        uint16_t port = (uint16_t)prng_below(&r, 8);
        if (prng_below(&r, 3) == 0) {
            assert_int_equal(fdb_del(f, 1, mac_of(n)), model[n] == FDB_NO_PORT ? -ENOENT : 0);
            model[n] = FDB_NO_PORT;
        } else {
            fdb_learn(f, 1, mac_of(n), port, i);
            model[n] = port;
        }
        uint32_t look = prng_below(&r, MACS);
        assert_int_equal(fdb_lookup(f, 1, mac_of(look)), model[look]);
    }
    fdb_free(f);
}

struct hammer {
    struct fdb *f;
    _Atomic bool stop;
    uint64_t mixed, found;
};

/* MAC n lives only ever on port n % 16 or n % 16 + 16. */
static void *read_all_the_time(void *arg)
{
    struct hammer *h = arg;
    struct prng r = {.state = 7};
    while (!h->stop) {
        uint32_t n = prng_below(&r, 64);
        uint16_t port = fdb_lookup(h->f, 1, mac_of(n));
        if (port == FDB_NO_PORT)
            continue;
        h->found++;
        h->mixed += port % 16 != n % 16;
        fdb_seen(h->f, 1, mac_of(n), port, (nsec_t)h->found << 20);
    }
    return NULL;
}

static void a_reader_never_sees_another_macs_port(void **state)
{
    (void)state;
    struct hammer h = {.f = fdb_of(8)}; /* eight places for 64 MACs: slots change hands */
    struct prng r = {.state = 1};
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, read_all_the_time, &h), 0);
    for (int i = 0; i < 300000; i++) {
        uint32_t n = prng_below(&r, 64);
        if (fdb_learn(h.f, 1, mac_of(n), (uint16_t)(n % 16 + prng_below(&r, 2) * 16), i) ==
            FDB_FULL)
            fdb_flush(h.f, (uint16_t)prng_below(&r, 32), -1);
    }
    h.stop = true;
    pthread_join(t, NULL);
    assert_int_equal(h.mixed, 0);
    fdb_free(h.f);
}

/* RFC 7348 section 4.1: which VTEP a MAC is behind is learnt with it, and moves. */
static void an_endpoint_behind_a_port_is_part_of_the_place(void **state)
{
    (void)state;
    struct fdb *f = fdb_create(64, 0, 1);
    uint32_t a = fdb_place(4095, 8191), b = fdb_place(4095, 1);
    fdb_set_limit(f, 4095, 1);
    assert_int_equal(fdb_learn(f, 10, mac_of(1), a, 0), FDB_NEW);
    assert_int_equal(fdb_lookup(f, 10, mac_of(1)), a);
    assert_true(fdb_seen(f, 10, mac_of(1), a, 0));
    assert_false(fdb_seen(f, 10, mac_of(1), b, 0));
    assert_false(fdb_seen(f, 10, mac_of(1), 4095, 0));
    assert_int_equal(fdb_learn(f, 10, mac_of(1), b, 0),
                     FDB_MOVED); /* its port is full, yet not fuller */
    assert_int_equal(fdb_lookup(f, 10, mac_of(1)), b);
    assert_int_equal(fdb_learn(f, 10, mac_of(2), b, 0), FDB_PORT_LIMIT);
    assert_int_equal(fdb_flush(f, 4095, -1), 1);
    fdb_free(f);
}

/* Tree of a VLAN: 10 and 11 are in tree 1. */
static void with_trees(struct fdb *f)
{
    uint8_t tree[4096] = {[10] = 1, [11] = 1};
    assert_int_equal(fdb_set_trees(f, tree), 0);
}

static void a_tree_is_flushed_by_one_store(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(64);
    with_trees(f);
    for (uint16_t v = 9; v < 12; v++) {
        fdb_learn(f, v, mac_of(v), 3, 0);
        fdb_learn(f, v, mac_of(100 + v), 4, 0);
    }
    fdb_add_static(f, 10, mac_of(7), 3, 0);
    fdb_flush_tree(f, 3, 1);
    assert_int_equal(fdb_lookup(f, 9, mac_of(9)), 3); /* another tree */
    assert_int_equal(fdb_lookup(f, 10, mac_of(10)), FDB_NO_PORT);
    assert_false(fdb_seen(f, 11, mac_of(11), 3, 0));
    assert_int_equal(fdb_lookup(f, 10, mac_of(110)), 4); /* another port */
    assert_int_equal(fdb_lookup(f, 10, mac_of(7)), 3);   /* static */
    assert_int_equal(fdb_learn(f, 10, mac_of(10), 3, 0), FDB_NEW);
    assert_int_equal(fdb_lookup(f, 10, mac_of(10)), 3);
    assert_int_equal(fdb_counters(f).entries, 7);
    fdb_age(f, 2 * NSEC_PER_SEC); /* and the room of VLAN 11's comes back */
    assert_int_equal(fdb_counters(f).entries, 6);
    assert_int_equal(fdb_counters(f).flushed, 2);
    fdb_free(f);
}

static void a_flushed_entry_never_returns_however_often_one_flushes(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(64);
    with_trees(f);
    fdb_set_limit(f, 3, 1);
    fdb_learn(f, 10, mac_of(1), 3, 0);
    for (unsigned i = 0; i < 100; i++) {
        fdb_flush_tree(f, 3, 1);
        assert_int_equal(fdb_lookup(f, 10, mac_of(1)), FDB_NO_PORT);
    }
    fdb_learn(f, 10, mac_of(1), 3, 0);
    fdb_flush_tree(f, 3, 1); /* what is stale takes no one's place */
    assert_int_equal(fdb_learn(f, 10, mac_of(2), 3, 0), FDB_NEW);
    assert_int_equal(fdb_port_count(f, 3), 1);
    fdb_free(f);
}

static void other_trees_for_vlans_forget_all(void **state)
{
    (void)state;
    struct fdb *f = fdb_of(64);
    fdb_learn(f, 10, mac_of(1), 3, 0);
    assert_int_equal(fdb_set_trees(f, NULL), 0); /* all were in tree 0: nothing changes */
    assert_int_equal(fdb_lookup(f, 10, mac_of(1)), 3);
    with_trees(f);
    assert_int_equal(fdb_lookup(f, 10, mac_of(1)), FDB_NO_PORT);
    fdb_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_mac_is_on_no_port),
        cmocka_unit_test(a_learnt_mac_is_found_in_its_vlan_only),
        cmocka_unit_test(a_mac_moves_and_the_counts_move_with_it),
        cmocka_unit_test(a_static_entry_neither_moves_nor_ages_nor_flushes),
        cmocka_unit_test(a_full_table_takes_all_of_its_size_and_no_more),
        cmocka_unit_test(a_port_has_its_limit),
        cmocka_unit_test(an_entry_ages_unless_it_is_used),
        cmocka_unit_test(ageing_works_after_a_year_of_uptime),
        cmocka_unit_test(an_entry_tells_its_story),
        cmocka_unit_test(a_flush_takes_what_it_names),
        cmocka_unit_test(a_tree_is_flushed_by_one_store),
        cmocka_unit_test(a_flushed_entry_never_returns_however_often_one_flushes),
        cmocka_unit_test(other_trees_for_vlans_forget_all),
        cmocka_unit_test(it_agrees_with_a_plain_array),
        cmocka_unit_test(a_reader_never_sees_another_macs_port),
        cmocka_unit_test(an_endpoint_behind_a_port_is_part_of_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
