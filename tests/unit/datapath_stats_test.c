/* stats: ids are dense, zeroed when they come back, and summed over workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/stats.h"

static void counters_of_workers_are_summed(void **state)
{
    (void)state;
    struct stats s;
    assert_int_equal(stats_init(&s, 3), 0);
    uint32_t id = stats_id_get(&s);
    for (unsigned w = 0; w < 3; w++)
        *stats_at(&s, w, id) = (struct flow_stats){.packets = 1, .bytes = 10, .used_ns = w};
    struct flow_stats sum = stats_sum(&s, id);
    assert_int_equal(sum.packets, 3);
    assert_int_equal(sum.bytes, 30);
    assert_int_equal(sum.used_ns, 2);
    stats_fini(&s);
}

static void an_id_comes_back_zeroed(void **state)
{
    (void)state;
    struct stats s;
    assert_int_equal(stats_init(&s, 2), 0);
    uint32_t id = stats_id_get(&s);
    stats_at(&s, 1, id)->packets = 7;
    stats_id_put(&s, id);
    assert_int_equal(stats_id_get(&s), id);
    assert_int_equal(stats_sum(&s, id).packets, 0);
    stats_fini(&s);
}

static void counters_never_move_as_ids_grow(void **state)
{
    (void)state;
    struct stats s;
    assert_int_equal(stats_init(&s, 1), 0);
    uint32_t first = stats_id_get(&s);
    struct flow_stats *at = stats_at(&s, 0, first);
    for (uint32_t i = 1; i <= 3 * STATS_CHUNK; i++) {
        assert_int_equal(stats_id_get(&s), i);
        stats_at(&s, 0, i)->packets = i;
    }
    assert_ptr_equal(stats_at(&s, 0, first), at);
    assert_int_equal(stats_sum(&s, 2 * STATS_CHUNK + 5).packets, 2 * STATS_CHUNK + 5);
    stats_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_of_workers_are_summed),
        cmocka_unit_test(an_id_comes_back_zeroed),
        cmocka_unit_test(counters_never_move_as_ids_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
