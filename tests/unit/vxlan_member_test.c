/* Membership of multicast groups: reports, leaves and queries, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csum.h"
#include "base/prng.h"
#include "vxlan/member.h"

static const struct ip6 us = {{192, 0, 2, 1}}, g4 = {{239, 129, 2, 3}},
                        g6 = {{0xff, 5, [12] = 1, 2, 3, 4}};

static void rfc2236_section_2_a_report_goes_to_its_group_with_router_alert(void **state)
{
    (void)state;
    uint8_t b[MEMBER_BYTES_MAX];
    struct mac to;
    assert_int_equal(member_write(MEMBER_REPORT, false, &us, &g4, b, &to), 32);
    assert_memory_equal(&to, "\x01\x00\x5e\x01\x02\x03", 6);
    assert_int_equal(b[0], 0x46);
    assert_int_equal(b[8], 1);
    assert_memory_equal(b + 16, "\xef\x81\x02\x03\x94\x04\x00\x00\x16\x00", 10);
    assert_memory_equal(b + 28, "\xef\x81\x02\x03", 4);
    assert_int_equal(csum_finish(csum_add(0, b, 24)), 0);
    assert_int_equal(csum_finish(csum_add(0, b + 24, 8)), 0);
}

static void rfc2236_section_3_a_leave_goes_to_all_routers(void **state)
{
    (void)state;
    uint8_t b[MEMBER_BYTES_MAX];
    struct mac to;
    assert_int_equal(member_write(MEMBER_LEAVE, false, &us, &g4, b, &to), 32);
    assert_memory_equal(&to, "\x01\x00\x5e\x00\x00\x02", 6);
    assert_memory_equal(b + 16, "\xe0\x00\x00\x02", 4);
    assert_int_equal(b[24], 0x17);
}

static void rfc2710_section_3_and_rfc3590_a_report_without_a_link_local_address(void **state)
{
    (void)state;
    static const uint8_t none[16];
    uint8_t b[MEMBER_BYTES_MAX];
    struct mac to;
    assert_int_equal(member_write(MEMBER_REPORT, true, &us, &g6, b, &to), 72);
    assert_memory_equal(&to, "\x33\x33\x01\x02\x03\x04", 6);
    assert_memory_equal(b + 8, none, 16);
    assert_memory_equal(b + 24, &g6, 16);
    assert_int_equal(b[7], 1);
    assert_memory_equal(b + 40, "\x3a\x00\x05\x02\x00\x00\x01\x00\x83\x00", 10);
    uint8_t pseudo[8] = {0, 0, 0, 24, 0, 0, 0, 58};
    assert_int_equal(csum_finish(csum_add(csum_add(csum_add(0, b + 8, 32), pseudo, 8), b + 48, 24)),
                     0);
    member_write(MEMBER_LEAVE, true, &us, &g6, b, &to);
    assert_int_equal(b[48], 132);
    assert_int_equal(b[39], 2);
}

static void queries_are_known_and_nothing_else_is(void **state)
{
    (void)state;
    uint8_t b[MEMBER_BYTES_MAX], c[MEMBER_BYTES_MAX];
    struct mac to;
    struct ip6 group;
    for (int v6 = 0; v6 < 2; v6++) {
        size_t n = member_write(MEMBER_REPORT, v6, &us, v6 ? &g6 : &g4, b, &to);
        size_t at = v6 ? 48 : 24;
        assert_false(member_is_query(b, n, v6, &group));
        uint16_t was, is;
        memcpy(&was, b + at, 2);
        b[at] = v6 ? 130 : 0x11;
        memcpy(&is, b + at, 2);
        be16 sum;
        memcpy(&sum, b + at + 2, 2);
        sum = csum_update(sum, &was, &is, 2);
        memcpy(b + at + 2, &sum, 2);
        assert_true(member_is_query(b, n, v6, &group));
        assert_memory_equal(&group, v6 ? &g6 : &g4, 16);
        for (size_t cut = 0; cut < n; cut++)
            assert_false(member_is_query(b, cut, v6, &group));
        struct prng r = {.state = 3};
        for (unsigned i = 0; i < 20000;
             i++) { /* whatever is changed, nothing is read past the end */
            memcpy(c, b, n);
            for (unsigned k = 0; k < 3; k++)
                c[prng_below(&r, (uint32_t)n)] = (uint8_t)prng_next(&r);
            (void)member_is_query(c, n, v6, &group);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2236_section_2_a_report_goes_to_its_group_with_router_alert),
        cmocka_unit_test(rfc2236_section_3_a_leave_goes_to_all_routers),
        cmocka_unit_test(rfc2710_section_3_and_rfc3590_a_report_without_a_link_local_address),
        cmocka_unit_test(queries_are_known_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
