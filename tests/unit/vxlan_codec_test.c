/* The VXLAN header against RFC 7348, and the drafts of its two extensions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "vxlan/vxlan.h"

static void rfc7348_section_5_flags_and_vni_are_where_the_figure_has_them(void **s)
{
    (void)s;
    struct vxlan h = {.vni = 0x123456, .next = VXLAN_NEXT_ETHERNET};
    uint8_t b[8];
    vxlan_encode(VXLAN_PLAIN, &h, b);
    assert_memory_equal(b, "\x08\0\0\0\x12\x34\x56\0", 8);
    struct vxlan back;
    assert_int_equal(vxlan_decode(VXLAN_PLAIN, b, 8, &back), VXLAN_OK);
    assert_int_equal(back.vni, 0x123456);
    assert_int_equal(back.next, VXLAN_NEXT_ETHERNET);
}

static void rfc7348_section_5_without_the_i_flag_there_is_no_vni(void **s)
{
    (void)s;
    struct vxlan h;
    for (unsigned flags = 0; flags < 256; flags++) {
        uint8_t b[8] = {(uint8_t)flags, 0, 0, 0, 0, 0, 1, 0};
        enum vxlan_error e = vxlan_decode(VXLAN_PLAIN, b, 8, &h);
        assert_int_equal(e, flags & 8 ? VXLAN_OK : VXLAN_NO_VNI);
    }
}

static void rfc7348_section_5_reserved_bits_are_ignored_on_receipt(void **s)
{
    (void)s;
    struct vxlan h;
    assert_int_equal(vxlan_decode(VXLAN_PLAIN, (const uint8_t *)"\xff\xff\xff\xff\0\0\x09\xff", 8,
                                  &h),
                     VXLAN_OK);
    assert_int_equal(h.vni, 9);
    assert_false(h.has_policy || h.oam || h.replicated || h.dont_learn);
}

static void a_header_that_is_cut_off_is_short(void **s)
{
    (void)s;
    struct vxlan h;
    for (size_t n = 0; n < 8; n++)
        assert_int_equal(vxlan_decode(VXLAN_PLAIN, (const uint8_t *)"\x08\0\0\0\0\0\1\0", n, &h),
                         VXLAN_SHORT);
}

static void group_policy_draft_section_2_1_policy_only_with_the_g_bit(void **s)
{
    (void)s;
    struct vxlan h;
    assert_int_equal(vxlan_decode(VXLAN_GBP, (const uint8_t *)"\x88\x48\x12\x34\0\0\1\0", 8, &h),
                     VXLAN_OK);
    assert_true(h.has_policy && h.dont_learn && h.policy_applied);
    assert_int_equal(h.policy, 0x1234);
    assert_int_equal(vxlan_decode(VXLAN_GBP, (const uint8_t *)"\x08\x48\x12\x34\0\0\1\0", 8, &h),
                     VXLAN_OK);
    assert_false(h.has_policy || h.dont_learn || h.policy_applied);
    assert_int_equal(h.policy, 0);
}

static void gpe_draft_section_3_1_version_oam_and_next_protocol(void **s)
{
    (void)s;
    struct vxlan h;
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x0c\0\0\3\0\0\1\0", 8, &h),
                     VXLAN_OK);
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x0e\0\0\3\0\0\1\0", 8, &h),
                     VXLAN_OK);
    assert_true(h.replicated);
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x0c\0\0\1\0\0\1\0", 8, &h),
                     VXLAN_PROTOCOL);
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x1c\0\0\3\0\0\1\0", 8, &h),
                     VXLAN_VERSION);
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x0d\0\0\3\0\0\1\0", 8, &h),
                     VXLAN_OAM);
    /* without P it is plain VXLAN */
    assert_int_equal(vxlan_decode(VXLAN_GPE, (const uint8_t *)"\x08\0\0\1\0\0\1\0", 8, &h),
                     VXLAN_OK);
    assert_int_equal(h.next, VXLAN_NEXT_ETHERNET);
}

static struct vxlan random_header(struct prng *r, enum vxlan_kind kind)
{
    uint64_t x = prng_next(r);
    struct vxlan h = {.vni = x & 0xffffff, .next = VXLAN_NEXT_ETHERNET};
    if (kind == VXLAN_GPE)
        h.replicated = x >> 24 & 1;
    if (kind == VXLAN_GBP && (x >> 25 & 1)) {
        h.has_policy = true;
        h.dont_learn = x >> 26 & 1;
        h.policy_applied = x >> 27 & 1;
        h.policy = (uint16_t)(x >> 32);
    }
    return h;
}

static void what_is_written_is_read_back(void **s)
{
    (void)s;
    struct prng r = {.state = 5};
    for (int i = 0; i < 30000; i++) {
        enum vxlan_kind kind = (enum vxlan_kind)(i % 3);
        struct vxlan h = random_header(&r, kind), back;
        uint8_t b[8];
        vxlan_encode(kind, &h, b);
        assert_int_equal(vxlan_decode(kind, b, 8, &back), VXLAN_OK);
        assert_int_equal(back.vni, h.vni);
        assert_true(back.policy == h.policy && back.has_policy == h.has_policy &&
                    back.dont_learn == h.dont_learn && back.policy_applied == h.policy_applied &&
                    back.replicated == h.replicated && back.next == h.next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7348_section_5_flags_and_vni_are_where_the_figure_has_them),
        cmocka_unit_test(rfc7348_section_5_without_the_i_flag_there_is_no_vni),
        cmocka_unit_test(rfc7348_section_5_reserved_bits_are_ignored_on_receipt),
        cmocka_unit_test(a_header_that_is_cut_off_is_short),
        cmocka_unit_test(group_policy_draft_section_2_1_policy_only_with_the_g_bit),
        cmocka_unit_test(gpe_draft_section_3_1_version_oam_and_next_protocol),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
