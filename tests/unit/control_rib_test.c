/* Routes by source: the best is in the FIB, whatever comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "base/prng.h"
#include "control/rib.h"

static struct fib *new_fib(uint32_t max)
{
    struct fib_config c = {.max_routes = max};
    return fib_create(&c);
}

static void the_best_source_wins_and_the_next_takes_over(void **state)
{
    (void)state;
    struct fib *f = new_fib(100);
    struct rib *r = rib_create(f, false, 1);
    struct ip6 p = {{10, 1}};
    assert_int_equal(rib_set(r, &p, 16, RIB_KERNEL, 5), 0);
    assert_int_equal(rib_set(r, &p, 16, RIB_STATIC, 6), 0);
    assert_int_equal(rib_set(r, &p, 16, RIB_CONNECTED, 7), 0);
    assert_int_equal(fib_lookup4(f, 0x0a010203), 6);
    assert_int_equal(rib_set(r, &p, 16, RIB_STATIC, 0), 0);
    assert_int_equal(fib_lookup4(f, 0x0a010203), 5);
    assert_int_equal(rib_set(r, &p, 16, RIB_KERNEL, 0), 0);
    assert_int_equal(fib_lookup4(f, 0x0a010203), 7);
    assert_int_equal(rib_set(r, &p, 16, RIB_CONNECTED, 0), 0);
    assert_int_equal(fib_lookup4(f, 0x0a010203), 0);
    assert_int_equal(rib_count(r), 0);
    rib_free(r);
    fib_destroy(f);
}

static void a_full_fib_is_told_and_changes_nothing(void **state)
{
    (void)state;
    struct fib *f = new_fib(1);
    struct rib *r = rib_create(f, false, 1);
    struct ip6 p = {{10, 1}}, q = {{10, 2}};
    assert_int_equal(rib_set(r, &p, 16, RIB_STATIC, 5), 0);
    assert_true(rib_set(r, &q, 16, RIB_STATIC, 6) < 0);
    assert_int_equal(rib_count(r), 1);
    assert_int_equal(rib_get(r, &q, 16, RIB_STATIC), 0);
    rib_free(r);
    fib_destroy(f);
}

/* Against a plain array of what was set. */
static void fib_and_a_plain_list_agree_after_every_change(void **state)
{
    (void)state;
    enum { N = 200, STEPS = 20000 };
    static uint32_t want[N][RIB_SOURCES];
    struct fib *f = new_fib(N);
    struct rib *r = rib_create(f, false, 1);
    struct prng rng = {.state = 7};
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = prng_below(&rng, N), s = prng_below(&rng, RIB_SOURCES);
        struct ip6 p = {{10, (uint8_t)(i >> 4), (uint8_t)(i << 4)}};
        want[i][s] = prng_below(&rng, 3);
        assert_int_equal(rib_set(r, &p, 28, (enum rib_source)s, want[i][s]), 0);
        uint32_t best = 0;
        for (unsigned k = RIB_SOURCES; k-- > 0;)
            best = want[i][k] ? want[i][k] : best;
        assert_int_equal(fib_get(f, &p, 28), best);
    }
    uint64_t cursor = 0;
    struct rib_route route;
    unsigned n = 0;
    while (rib_each(r, &cursor, &route))
        n++;
    assert_int_equal(n, rib_count(r));
    assert_int_equal(n, fib_stats(f).routes);
    rib_free(r);
    fib_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_source_wins_and_the_next_takes_over),
        cmocka_unit_test(a_full_fib_is_told_and_changes_nothing),
        cmocka_unit_test(fib_and_a_plain_list_agree_after_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
