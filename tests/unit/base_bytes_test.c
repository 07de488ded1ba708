/* base/bytes, csum, flow: the ground floor holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/csum.h"
#include "base/flow.h"

static void reader_stops_at_the_end(void **state)
{
    (void)state;
    const uint8_t b[] = {0x12, 0x34, 0x56};
    struct reader r = reader_of(b, sizeof b);
    assert_int_equal(read_u16(&r), 0x1234);
    assert_int_equal(read_u16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(read_u8(&r), 0); /* bad once, bad for good */
}

static void writer_counts_what_it_wanted(void **state)
{
    (void)state;
    uint8_t b[3];
    struct writer w = writer_of(b, sizeof b);
    write_u16(&w, 0xabcd);
    write_u32(&w, 1);
    assert_true(w.bad);
    assert_int_equal(w.len, 6);
}

/* RFC 1071 section 3: the worked example. */
static void checksum_of_the_rfc(void **state)
{
    (void)state;
    const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(from_be16(csum_finish(csum_add(0, b, sizeof b))), (uint16_t)~0xddf2);
}

static void checksum_update_equals_recomputation(void **state)
{
    (void)state;
    uint8_t b[20], was[4];
    for (unsigned i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(i * 37);
    be16 old = csum_finish(csum_add(0, b, sizeof b));
    memcpy(was, b + 8, 4);
    memcpy(b + 8, "\xff\xff\x00\x01", 4);
    assert_int_equal(csum_update(old, was, b + 8, 4), csum_finish(csum_add(0, b, sizeof b)));
}

static void wide_match_covers_narrow(void **state)
{
    (void)state;
    struct flow_match wide = {0}, narrow = {0};
    const uint8_t net[4] = {10, 0, 0, 0}, mask8[4] = {255, 0, 0, 0}, host[4] = {10, 1, 2, 3};
    flow_match_set(&wide, FF_IPV4_DST, net, mask8);
    flow_match_set(&narrow, FF_IPV4_DST, host, NULL);
    assert_true(flow_match_covers(&wide, &narrow));
    assert_false(flow_match_covers(&narrow, &wide));
    assert_true(flow_match_overlaps(&wide, &narrow));
    assert_true(flow_match_hit(&wide, &narrow.key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_stops_at_the_end),
        cmocka_unit_test(writer_counts_what_it_wanted),
        cmocka_unit_test(checksum_of_the_rfc),
        cmocka_unit_test(checksum_update_equals_recomputation),
        cmocka_unit_test(wide_match_covers_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
