/* ofproto/wire: matches, field by field and at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/of13_random.h"

/* An ofp_match around these OXM bytes, decoded. */
static int decode(const char *oxm, size_t n, struct flow_match *m, struct ofw_error *e)
{
    uint8_t b[512];
    struct writer w = writer_of(b, sizeof b);
    write_u16(&w, 1);
    write_u16(&w, (uint16_t)(n + 4));
    write_bytes(&w, oxm, n);
    write_pad(&w, 0, 8);
    struct reader r = reader_of(b, w.len);
    int rc = ofw_match_decode(&r, m, e);
    if (rc == 0)
        assert_int_equal(r.left, 0);
    return rc;
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct prng p = {.state = 13};
    for (int i = 0; i < 20000; i++) {
        struct flow_match m = random_match(&p), back;
        uint8_t b[1024];
        struct writer w = writer_of(b, sizeof b);
        ofw_match_encode(&w, &m);
        assert_false(w.bad);
        assert_int_equal(w.len % 8, 0);
        struct reader r = reader_of(b, w.len);
        struct ofw_error e = {0};
        if (ofw_match_decode(&r, &back, &e) < 0)
            fail_msg("round %d: %s: %s", i, ofw_error_name(e.type, e.code), e.why);
        assert_int_equal(r.left, 0);
        assert_true(flow_match_equal(&m, &back));
    }
}

static void every_field_appears_in_some_random_match(void **state)
{
    (void)state;
    struct prng p = {.state = 14};
    uint64_t seen = 0;
    for (int i = 0; i < 5000; i++) {
        struct flow_match m = random_match(&p);
        enum flow_field f[FF_COUNT];
        for (unsigned n = ofw_match_fields(&m, f); n > 0; n--)
            seen |= UINT64_C(1) << f[n - 1];
    }
    assert_int_equal(seen, (UINT64_C(1) << FF_OXM_COUNT) - 1);
}

static void a_cut_match_is_refused(void **state)
{
    (void)state;
    struct prng p = {.state = 15};
    for (int i = 0; i < 200; i++) {
        struct flow_match m = random_match(&p);
        uint8_t b[1024];
        struct writer w = writer_of(b, sizeof b);
        ofw_match_encode(&w, &m);
        for (size_t n = 0; n < w.len; n++) {
            struct reader r = reader_of(b, n);
            struct ofw_error e = {0};
            assert_int_equal(ofw_match_decode(&r, &m, &e), -1);
            assert_int_equal(e.type, OFPET_BAD_MATCH);
            assert_int_equal(e.code, OFPBMC_BAD_LEN);
        }
    }
}

#define ETH(t)   "\x80\x00\x0a\x02" t
#define PROTO(x) "\x80\x00\x14\x01" x
#define BAD(oxm, error)                              \
    {                                                \
        oxm, sizeof(oxm) - 1, error, #error " " #oxm \
    }

static const struct {
    const char *oxm;
    size_t n;
    uint16_t code;
    const char *what;
} bad[] = {
    BAD("\x80\x00\x00", OFPBMC_BAD_LEN),
    BAD("\x80\x00\x00\x04\x00\x00\x00", OFPBMC_BAD_LEN),
    BAD("\x80\x00\x00\x03\x00\x00\x01", OFPBMC_BAD_LEN),
    BAD("\x80\x00\x07\x06\1\2\3\4\5\6", OFPBMC_BAD_LEN), /* hasmask, but no room for one */
    BAD("\x80\x00\x50\x04\0\0\0\1", OFPBMC_BAD_FIELD),   /* field 40 */
    BAD("\x00\x01\xf0\x04\0\0\0\1", OFPBMC_BAD_FIELD),   /* NXM */
    BAD("\x00\x00\x00\x02\0\1", OFPBMC_BAD_FIELD),       /* in_port of 16 bits */
    BAD("\xff\xff\x00\x04\0\0\0\1", OFPBMC_BAD_FIELD),   /* experimenter */
    BAD("\x80\x00\x01\x08\0\0\0\1\xff\xff\xff\xff", OFPBMC_BAD_MASK),
    BAD("\x80\x00\x0b\x04\x08\x00\xff\xff", OFPBMC_BAD_MASK),
    BAD("\x80\x00\x07\x0c\1\2\3\4\5\6\xff\xff\xff\xff\xff\0", OFPBMC_BAD_WILDCARDS),
    BAD("\x80\x00\x0c\x02\x20\x01", OFPBMC_BAD_VALUE), /* 14 bits */
    BAD("\x80\x00\x0c\x02\x00\x01", OFPBMC_BAD_VALUE), /* no OFPVID_PRESENT */
    BAD("\x80\x00\x0d\x04\x00\x01\x10\x01", OFPBMC_BAD_VALUE),
    BAD(ETH("\x08\x00") "\x80\x00\x10\x01\x40", OFPBMC_BAD_VALUE), /* dscp 64 */
    BAD(ETH("\x86\xdd") "\x80\x00\x38\x04\x00\x10\x00\x00", OFPBMC_BAD_VALUE),
    BAD(ETH("\x88\x47") "\x80\x00\x48\x01\x02", OFPBMC_BAD_VALUE), /* bos 2 */
    BAD("\x80\x00\x00\x04\0\0\0\1\x80\x00\x00\x04\0\0\0\1", OFPBMC_DUP_FIELD),
    BAD("\x80\x00\x02\x04\0\0\0\1", OFPBMC_BAD_PREREQ), /* in_phy_port alone */
    BAD("\x80\x00\x0e\x01\x01", OFPBMC_BAD_PREREQ),     /* vlan_pcp alone */
    BAD("\x80\x00\x0c\x02\x00\x00\x80\x00\x0e\x01\x01", OFPBMC_BAD_PREREQ),
    BAD("\x80\x00\x16\x04\x0a\0\0\1", OFPBMC_BAD_PREREQ),
    BAD("\x80\x00\x16\x04\x0a\0\0\1" ETH("\x08\x00"), OFPBMC_BAD_PREREQ), /* too late */
    BAD(ETH("\x86\xdd") "\x80\x00\x16\x04\x0a\0\0\1", OFPBMC_BAD_PREREQ),
    BAD(ETH("\x08\x06") PROTO("\x06"), OFPBMC_BAD_PREREQ),
    BAD(ETH("\x08\x00") PROTO("\x11") "\x80\x00\x1a\x02\0\x50", OFPBMC_BAD_PREREQ),
    BAD(ETH("\x08\x00") PROTO("\x3a") "\x80\x00\x3a\x01\x87", OFPBMC_BAD_PREREQ),
    BAD(ETH("\x86\xdd") PROTO("\x3a") "\x80\x00\x3a\x01\x88\x80\x00\x40\x06\2\0\0\0\0\1",
        OFPBMC_BAD_PREREQ), /* nd_sll of an advertisement */
    BAD("\x80\x00\x44\x04\0\0\0\1", OFPBMC_BAD_PREREQ),
    BAD("\x80\x00\x4a\x03\0\0\1", OFPBMC_BAD_PREREQ),
};

static void each_bad_match_has_its_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct flow_match m;
        struct ofw_error e = {0};
        if (decode(bad[i].oxm, bad[i].n, &m, &e) == 0)
            fail_msg("taken: %s", bad[i].what);
        if (e.type != OFPET_BAD_MATCH || e.code != bad[i].code)
            fail_msg("%s: got %s (%s)", bad[i].what, ofw_error_name(e.type, e.code), e.why);
    }
}

static void a_match_of_another_type_is_refused(void **state)
{
    (void)state;
    struct flow_match m;
    struct ofw_error e = {0};
    struct reader standard = reader_of("\0\0\0\x04\0\0\0\0", 8),
                  tiny = reader_of("\0\1\0\3\0\0\0\0", 8);
    assert_int_equal(ofw_match_decode(&standard, &m, &e), -1);
    assert_int_equal(e.code, OFPBMC_BAD_TYPE);
    assert_int_equal(ofw_match_decode(&tiny, &m, &e), -1);
    assert_int_equal(e.code, OFPBMC_BAD_LEN);
}

static void masks_are_made_canonical(void **state)
{
    (void)state;
    struct flow_match m, want = {0};
    struct ofw_error e;
#define DECODE(oxm) assert_int_equal(decode(oxm, sizeof(oxm) - 1, &m, &e), 0)
    DECODE("\x80\x00\x07\x0c\1\2\3\4\5\6\xff\xff\xff\xff\xff\xff"); /* all ones: exact */
    flow_match_set(&want, FF_ETH_DST, "\1\2\3\4\5\6", NULL);
    assert_true(flow_match_equal(&m, &want));
    DECODE("\x80\x00\x07\x0c\0\0\0\0\0\0\0\0\0\0\0\0"); /* all zeros: no field */
    want = (struct flow_match){0};
    assert_true(flow_match_equal(&m, &want));
    DECODE("\x80\x00\x0d\x04\x10\x05\x1f\xff"); /* 13 bits are all that vlan_vid has */
    flow_match_set(&want, FF_VLAN_VID, "\x10\x05", NULL);
    assert_true(flow_match_equal(&m, &want));
    DECODE("\x80\x00\x0d\x04\x00\x00\x10\x00"); /* no tag, said with a mask */
    flow_match_set(&want, FF_VLAN_VID, "\x00\x00", NULL);
    assert_true(flow_match_equal(&m, &want));
    DECODE("\x80\x00\x0d\x04\x10\x00\x10\x00"); /* any tag */
    assert_int_equal(m.key.vlan_vid, to_be16(0x1000));
    assert_int_equal(m.mask.vlan_vid, to_be16(0x1000));
    DECODE(ETH("\x86\xdd") "\x80\x00\x39\x08\x00\x01\x00\x00\x00\x0f\x00\x00");
    assert_int_equal(m.mask.ipv6_flabel, to_be32(0xf0000));
}

/* Fields beyond OpenFlow 1.3's are shown as Nicira's. */
static void an_extension_field_is_encoded_as_nxm(void **state)
{
    (void)state;
    struct flow_match m = {0};
    flow_match_set(&m, FF_ETH_TYPE, "\x08\x00", NULL);
    flow_match_set(&m, FF_IP_FRAG, "\x01", "\x01");
    uint8_t b[64];
    struct writer w = writer_of(b, sizeof b);
    ofw_match_encode(&w, &m);
    assert_int_equal(w.len, 16);
    assert_memory_equal(b, "\0\1\0\x10" ETH("\x08\x00") "\0\1\x35\x02\1\1", 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(every_field_appears_in_some_random_match),
        cmocka_unit_test(a_cut_match_is_refused),
        cmocka_unit_test(each_bad_match_has_its_error),
        cmocka_unit_test(a_match_of_another_type_is_refused),
        cmocka_unit_test(masks_are_made_canonical),
        cmocka_unit_test(an_extension_field_is_encoded_as_nxm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
