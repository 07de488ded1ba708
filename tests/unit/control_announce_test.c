/* announce: when rounds come, what cancels them, and the frames, from the RFCs' text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/announce.h"
#include "control/neigh_wire.h"

#define MS NSEC_PER_MSEC

static const struct announce_times times = {50, 100, 550, 10, 5};
static const struct mac mac = {{2, 0, 0, 0, 0, 7}};
static struct announce a;

static int set_up(void **s)
{
    (void)s;
    a = (struct announce){0};
    return 0;
}

static void rounds_come_at_0_50_200_450_and_800_ms(void **s)
{
    (void)s;
    static const nsec_t at[] = {0, 50, 200, 450, 800};
    announce_start(&a, &times, 7 * MS);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(announce_deadline(&a), (7 + at[i]) * MS);
        assert_false(announce_take(&a, &times, (7 + at[i]) * MS - 1));
        assert_true(announce_take(&a, &times, (7 + at[i]) * MS));
    }
    assert_int_equal(announce_deadline(&a), NSEC_NEVER);
    assert_false(announce_take(&a, &times, 10000 * MS));
    assert_int_equal(a.rounds, 5);
}

static void gaps_grow_to_the_maximum_and_no_further(void **s)
{
    (void)s;
    struct announce_times t = {50, 100, 200, 10, 9};
    nsec_t now = 0, last = 0;
    announce_start(&a, &t, 0);
    for (unsigned i = 0; i < 9; i++) {
        now = announce_deadline(&a);
        assert_true(announce_take(&a, &t, now));
        assert_true(now - last <= 200 * MS);
        last = now;
    }
}

static void a_late_turn_sends_one_round_not_those_it_missed(void **s)
{
    (void)s;
    announce_start(&a, &times, 0);
    assert_true(announce_take(&a, &times, 0));
    assert_true(announce_take(&a, &times, 5000 * MS));
    assert_false(announce_take(&a, &times, 5000 * MS));
    assert_int_equal(announce_deadline(&a), 5150 * MS);
}

static void starting_again_begins_anew_but_spaced(void **s)
{
    (void)s;
    announce_start(&a, &times, 0);
    assert_true(announce_take(&a, &times, 0));
    for (unsigned i = 0; i < 1000; i++)
        announce_start(&a, &times, 3 * MS);
    assert_false(announce_take(&a, &times, 3 * MS));
    assert_true(announce_take(&a, &times, 10 * MS));
    assert_int_equal(a.left, 4);
}

static void cancelling_ends_it_and_says_whether_there_was_any(void **s)
{
    (void)s;
    assert_false(announce_cancel(&a));
    announce_start(&a, &times, 0);
    assert_true(announce_take(&a, &times, 0));
    assert_true(announce_cancel(&a));
    assert_false(announce_take(&a, &times, 1000 * MS));
    assert_int_equal(a.cancelled, 1);
}

/* ------------------------------------------------------------ frames */

static uint8_t frame[ANNOUNCE_FRAME_MAX];

static size_t make(enum announce_form form, const struct ip6 *ip, uint16_t vid)
{
    struct writer w = writer_of(frame, sizeof frame);
    struct announce_what what = {.form = form, .mac = mac, .vid = vid};
    if (ip)
        what.ip = *ip;
    announce_write(&w, &what);
    assert_false(w.bad);
    return w.len;
}

static const struct ip6 ip4 = {{10, 0, 0, 7}};
static const struct ip6 ip6 = {{0x20, 1, 0x0d, 0xb8, [15] = 7}};

static void an_arp_announcement_is_a_request_of_oneself_rfc_5227_2_3(void **s)
{
    (void)s;
    static const uint8_t want[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  7, 8, 6,
                                   0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 7,
                                   10,   0,    0,    7,    0,    0,    0, 0, 0, 0, 10, 0, 0, 7};
    assert_int_equal(make(ANNOUNCE_ARP_REQUEST, &ip4, 0), sizeof want);
    assert_memory_equal(frame, want, sizeof want);
    make(ANNOUNCE_ARP_REPLY, &ip4, 0);
    assert_int_equal(frame[21], 2);
    assert_memory_equal(frame + 32, mac.b, 6);
}

static void an_unsolicited_na_overrides_rfc_4861_7_2_6(void **s)
{
    (void)s;
    struct neigh_message m;
    size_t len = make(ANNOUNCE_NA, &ip6, 0);
    static const uint8_t to[] = {0x33, 0x33, 0, 0, 0, 1};
    assert_memory_equal(frame, to, 6);
    assert_int_equal(neigh_read(&m, NEIGH_ETHERTYPE_IP6, frame + 14, len - 14), NEIGH_OK);
    assert_int_equal(m.saying, NEIGH_REPLY);
    assert_true(m.override && !m.solicited && !m.router && m.has_sha);
    assert_memory_equal(m.sha.b, mac.b, 6);
    assert_memory_equal(m.target.b, ip6.b, 16);
}

static void a_rarp_is_a_request_about_oneself_rfc_903(void **s)
{
    (void)s;
    size_t len = make(ANNOUNCE_RARP, NULL, 0);
    assert_int_equal(len, 42);
    static const uint8_t head[] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    assert_memory_equal(frame + 12, head, sizeof head);
    assert_memory_equal(frame + 22, mac.b, 6);
    assert_memory_equal(frame + 32, mac.b, 6);
}

static void a_tag_goes_before_the_type(void **s)
{
    (void)s;
    static const uint8_t want[] = {0x81, 0, 0x0f, 0xfe, 0x08, 0x06};
    assert_int_equal(make(ANNOUNCE_ARP_REQUEST, &ip4, 4094), 46);
    assert_memory_equal(frame + 12, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rounds_come_at_0_50_200_450_and_800_ms, set_up),
        cmocka_unit_test_setup(gaps_grow_to_the_maximum_and_no_further, set_up),
        cmocka_unit_test_setup(a_late_turn_sends_one_round_not_those_it_missed, set_up),
        cmocka_unit_test_setup(starting_again_begins_anew_but_spaced, set_up),
        cmocka_unit_test_setup(cancelling_ends_it_and_says_whether_there_was_any, set_up),
        cmocka_unit_test(an_arp_announcement_is_a_request_of_oneself_rfc_5227_2_3),
        cmocka_unit_test(an_unsolicited_na_overrides_rfc_4861_7_2_6),
        cmocka_unit_test(a_rarp_is_a_request_about_oneself_rfc_903),
        cmocka_unit_test(a_tag_goes_before_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
