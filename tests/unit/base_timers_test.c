/* base/timers: the next timer is always the least, against an array that is searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/timers.h"

enum { MANY = 300 };

static void the_next_is_the_least_whatever_is_set_and_stopped(void **state)
{
    (void)state;
    struct timers t;
    struct prng rng = {7};
    nsec_t want[MANY];
    assert_int_equal(timers_init(&t, MANY), 0);
    for (int i = 0; i < MANY; i++)
        want[i] = NSEC_NEVER;
    for (int step = 0; step < 20000; step++) {
        uint32_t id = prng_below(&rng, MANY);
        nsec_t least = NSEC_NEVER;
        want[id] = prng_below(&rng, 3) ? (nsec_t)prng_below(&rng, 1000) : NSEC_NEVER;
        timers_set(&t, id, want[id]);
        for (int i = 0; i < MANY; i++)
            least = want[i] < least ? want[i] : least;
        assert_int_equal(timers_due(&t), least);
        if (least != NSEC_NEVER)
            assert_int_equal(want[timers_first(&t)], least);
    }
    timers_free(&t);
}

static void they_come_in_order_until_none_is_left(void **state)
{
    (void)state;
    struct timers t;
    nsec_t last = 0;
    assert_int_equal(timers_init(&t, MANY), 0);
    for (uint32_t i = 0; i < MANY; i++)
        timers_set(&t, i, (nsec_t)(i * 7919 % 1009));
    for (int n = 0; n < MANY; n++) {
        assert_true(timers_due(&t) >= last);
        last = timers_due(&t);
        timers_set(&t, timers_first(&t), NSEC_NEVER);
    }
    assert_int_equal(timers_due(&t), NSEC_NEVER);
    timers_set(&t, 0, NSEC_NEVER); /* stopping a stopped one is fine */
    timers_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_is_the_least_whatever_is_set_and_stopped),
        cmocka_unit_test(they_come_in_order_until_none_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
