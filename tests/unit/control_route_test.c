/* route: who has a MAC when two say so (RFC 7432 sections 7.7 and 15.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/route.h"

static struct route at(uint8_t vtep, uint32_t seq, bool sticky)
{
    return (struct route){.vni = 1, .vtep = {{192, 0, 2, vtep}}, .seq = seq, .sticky = sticky};
}

static void the_greater_sequence_number_wins_then_the_lower_vtep(void **s)
{
    (void)s;
    struct route a = at(1, 1, false), b = at(2, 2, false), c = at(3, 2, false);
    assert_true(route_wins(&b, &a) && !route_wins(&a, &b));
    assert_true(route_wins(&b, &c) && !route_wins(&c, &b));
    assert_false(route_wins(&b, &b)); /* the same again is no news */
}

static void a_sticky_one_stays(void **s)
{
    (void)s;
    struct route a = at(1, 0, true), b = at(2, 9, false);
    assert_false(route_wins(&b, &a));
    assert_true(route_wins(&a, &b));
}

static void of_two_exactly_one_wins(void **s)
{
    (void)s;
    for (unsigned i = 0; i < 64; i++) {
        struct route a = at(1, i & 3, i >> 2 & 1), b = at(2, i >> 3 & 3, i >> 5 & 1);
        assert_true(route_wins(&a, &b) != route_wins(&b, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greater_sequence_number_wins_then_the_lower_vtep),
        cmocka_unit_test(a_sticky_one_stays),
        cmocka_unit_test(of_two_exactly_one_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
