/* What a router says by ICMP: RFC 792, RFC 1122, RFC 1812, RFC 4443. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/csum.h"
#include "control/icmp.h"

static const struct ip6 ours4 = {{192, 0, 2, 1}};
static const struct ip6 ours6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

/* An IPv4 packet of protocol p with len bytes behind its header. */
static size_t packet4(uint8_t *b, uint8_t proto, size_t len)
{
    memset(b, 0, 20 + len);
    b[0] = 0x45;
    b[2] = (uint8_t)((20 + len) >> 8);
    b[3] = (uint8_t)(20 + len);
    b[8] = 1;
    b[9] = proto;
    memcpy(b + 12, (uint8_t[]){198, 51, 100, 7, 203, 0, 113, 9}, 8);
    return 20 + len;
}

static size_t packet6(uint8_t *b, uint8_t proto, size_t len)
{
    memset(b, 0, 40 + len);
    b[0] = 0x60;
    b[4] = (uint8_t)(len >> 8);
    b[5] = (uint8_t)len;
    b[6] = proto;
    b[7] = 1;
    memcpy(b + 8, (uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 1}, 6);
    b[23] = 7;
    memcpy(b + 24, (uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 2}, 6);
    b[39] = 9;
    return 40 + len;
}

static void an_ipv4_error_quotes_the_packet_and_sums_right(void **state)
{
    (void)state;
    uint8_t p[1600], out[1500];
    size_t n = packet4(p, 17, 1400);
    size_t len = icmp_error(ICMP_TTL_EXCEEDED, p, n, false, 0, &ours4, 64, out, sizeof out);
    assert_int_equal(len, ICMP4_ERROR_MAX); /* RFC 1812 4.3.2.3 */
    assert_int_equal(csum_finish(csum_add(0, out, 20)), 0);
    assert_int_equal(csum_finish(csum_add(0, out + 20, len - 20)), 0);
    assert_memory_equal(out + 12, &ours4, 4);
    assert_memory_equal(out + 16, p + 12, 4);
    assert_int_equal(out[20], 11);
    assert_memory_equal(out + 28, p, len - 28);
}

static void too_big_says_the_mtu(void **state)
{
    (void)state;
    uint8_t p[1600], out[1500];
    size_t n = packet4(p, 6, 1400);
    assert_true(icmp_error(ICMP_TOO_BIG, p, n, false, 1400, &ours4, 64, out, sizeof out) > 0);
    assert_memory_equal(out + 20, ((uint8_t[]){3, 4}), 2); /* RFC 1191 section 4 */
    assert_memory_equal(out + 24, ((uint8_t[]){0, 0, 1400 >> 8, 1400 & 255}), 4);
    n = packet6(p, 6, 1400);
    assert_int_equal(icmp_error(ICMP_TOO_BIG, p, n, true, 1400, &ours6, 64, out, sizeof out), 1280);
    assert_memory_equal(out + 40, ((uint8_t[]){2, 0}), 2); /* RFC 4443 section 3.2 */
    assert_memory_equal(out + 44, ((uint8_t[]){0, 0, 1400 >> 8, 1400 & 255}), 4);
}

static void no_error_about_errors_later_fragments_and_groups(void **state)
{
    (void)state;
    uint8_t p[200], out[600];
    size_t n = packet4(p, 1, 20);
    p[20] = 3; /* destination unreachable */
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, false, 0, &ours4, 64, out, sizeof out), 0);
    p[20] = 8; /* about an echo request one may */
    assert_int_not_equal(icmp_error(ICMP_NO_ROUTE, p, n, false, 0, &ours4, 64, out, sizeof out), 0);
    n = packet4(p, 17, 20);
    p[7] = 1; /* a later fragment */
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, false, 0, &ours4, 64, out, sizeof out), 0);
    n = packet4(p, 17, 20);
    p[12] = 224; /* from a group */
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, false, 0, &ours4, 64, out, sizeof out), 0);
    n = packet6(p, 58, 20);
    p[40] = 1;
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, true, 0, &ours6, 64, out, sizeof out), 0);
    n = packet6(p, 17, 20);
    memset(p + 8, 0, 16); /* from :: */
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, true, 0, &ours6, 64, out, sizeof out), 0);
    n = packet6(p, 17, 20);
    p[24] = 0xff; /* to a group: only Packet Too Big (RFC 4443 2.4 (e.3)) */
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, true, 0, &ours6, 64, out, sizeof out), 0);
    assert_int_not_equal(icmp_error(ICMP_TOO_BIG, p, n, true, 1400, &ours6, 64, out, sizeof out),
                         0);
}

static void padding_is_not_quoted_and_a_cut_packet_not_read_beyond(void **state)
{
    (void)state;
    uint8_t p[200], out[600];
    (void)packet4(p, 17, 8);
    memset(p + 28, 0xee, 18);
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, 46, false, 0, &ours4, 64, out, sizeof out), 56);
    for (size_t n = 0; n < 20; n++)
        assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, n, false, 0, &ours4, 64, out, sizeof out), 0);
    assert_int_equal(icmp_error(ICMP_NO_ROUTE, p, 28, false, 0, &ours4, 64, out, 30), 0);
}

static void an_echo_request_becomes_its_reply(void **state)
{
    (void)state;
    uint8_t p[100], src[4];
    size_t n = packet4(p, 1, 40);
    p[20] = 8;
    p[24] = 0x12;
    be16 sum = csum_finish(csum_add(0, p + 20, 40));
    memcpy(p + 22, &sum, 2);
    memcpy(src, p + 12, 4);
    assert_true(icmp_echo(p, n, false, 64));
    assert_int_equal(p[20], 0);
    assert_memory_equal(p + 16, src, 4);
    assert_int_equal(csum_finish(csum_add(0, p, 20)), 0);
    assert_int_equal(csum_finish(csum_add(0, p + 20, 40)), 0);
    assert_false(icmp_echo(p, n, false, 64)); /* a reply isn't one */
    n = packet6(p, 58, 20);
    p[40] = 128;
    assert_true(icmp_echo(p, n, true, 64));
    assert_int_equal(p[40], 129);
    assert_int_equal(p[7], 64);
}

static void what_is_no_echo_is_refused_by_its_kind(void **state)
{
    (void)state;
    uint8_t p[100];
    enum icmp_what what;
    size_t n = packet4(p, 17, 20);
    assert_true(icmp_refusal(p, n, false, &what));
    assert_int_equal(what, ICMP_PORT_UNREACHABLE);
    n = packet4(p, 47, 20);
    assert_true(icmp_refusal(p, n, false, &what));
    assert_int_equal(what, ICMP_PROTOCOL_UNREACHABLE);
    n = packet6(p, 6, 20);
    assert_false(icmp_refusal(p, n, true, &what));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_error_quotes_the_packet_and_sums_right),
        cmocka_unit_test(too_big_says_the_mtu),
        cmocka_unit_test(no_error_about_errors_later_fragments_and_groups),
        cmocka_unit_test(padding_is_not_quoted_and_a_cut_packet_not_read_beyond),
        cmocka_unit_test(an_echo_request_becomes_its_reply),
        cmocka_unit_test(what_is_no_echo_is_refused_by_its_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
