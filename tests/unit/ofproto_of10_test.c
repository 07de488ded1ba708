/* OpenFlow 1.0 and Nicira's match on the wire (1.0.0, 5.2 to 5.4), and what a session makes of
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "ofproto/wire/of10.h"
#include "tests/unit/fake_session.h"

static struct ofw_action actions[64];

static struct ofw_arena *arena(void)
{
    static struct ofw_arena a;
    a = (struct ofw_arena){.a = actions, .cap = 64};
    return &a;
}

/* Random 40 bytes whose types and protocols are likely ones. */
static void random_match(struct prng *p, uint8_t m[40])
{
    static const uint8_t protos[] = {1, 6, 17, 132, 47};
    static const uint16_t eths[] = {0x0800, 0x0806, 0x88cc};
    for (unsigned i = 0; i < 40; i++)
        m[i] = (uint8_t)prng_next(p);
    m[0] = 0;
    m[1] &= 0x3f;
    if (prng_below(p, 2))
        m[3] = m[2] = m[1] = 0;
    uint16_t eth = eths[prng_below(p, 3)];
    m[22] = (uint8_t)(eth >> 8);
    m[23] = (uint8_t)eth;
    m[25] = protos[prng_below(p, 5)];
}

/* What is decoded, encoded and decoded again is the same: the first decoding is canonical. */
static void a_match_survives_the_wire(void **state)
{
    (void)state;
    struct prng p = {.state = 11};
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t m[40], back[40];
        struct flow_match a, b2;
        random_match(&p, m);
        struct reader r = reader_of(m, 40);
        of10_match_decode(&r, &a);
        assert_false(r.bad);
        struct writer w = writer_of(back, 40);
        of10_match_encode(&w, &a);
        assert_false(w.bad);
        assert_int_equal(w.len, 40);
        r = reader_of(back, 40);
        of10_match_decode(&r, &b2);
        /* "no VLAN, but this priority" and "any tag" have no second form */
        if (a.mask.vlan_vid == to_be16(FLOW_VID_PRESENT))
            continue;
        assert_true(flow_match_equal(&a, &b2));
    }
}

static void nxm_says_the_same_as_oxm(void **state)
{
    (void)state;
    static const uint8_t nxm[] = {
        0,   0,   0x00, 2,   0xff, 0xfe,             /* NXM_OF_IN_PORT: LOCAL */
        0,   0,   0x06, 2,   0x08, 0x00,             /* NXM_OF_ETH_TYPE */
        0,   0,   0x09, 4,   0xb0, 0x05, 0xff, 0xff, /* NXM_OF_VLAN_TCI_W: VID 5, PCP 5 */
        0,   0,   0x0a, 1,   0xb8,                   /* NXM_OF_IP_TOS: EF */
        0,   0,   0x0c, 1,   6,                      /* NXM_OF_IP_PROTO: TCP */
        0,   0,   0x0f, 8,   10,   1,    0,    0,    255, 255, 0, 0, /* NXM_OF_IP_SRC_W */
        0,   0,   0x14, 2,   0,    80,                               /* NXM_OF_TCP_DST */
        0,   1,   0x3d, 16,  0,    0,    0,    0,    0,   0,   0, 9,
        255, 255, 255,  255, 255,  255,  255,  255, /* cookie */
    };
    uint8_t padded[128] = {0};
    uint64_t cookie[2];
    struct flow_match m;
    struct ofw_error e;
    memcpy(padded, nxm, sizeof nxm);
    struct reader r = reader_of(padded, (sizeof nxm + 7) / 8 * 8);
    assert_int_equal(nxm_match_decode(&r, sizeof nxm, &m, cookie, &e), 0);
    assert_int_equal(r.left, 0);
    assert_int_equal(from_be32(m.key.in_port), OFPP_LOCAL);
    assert_int_equal(from_be16(m.key.vlan_vid), FLOW_VID_PRESENT | 5);
    assert_int_equal(m.key.vlan_pcp, 5);
    assert_int_equal(m.key.ip_dscp, 46);
    assert_int_equal(from_be16(m.key.l4_dst), 80);
    assert_true(cookie[0] == 9 && cookie[1] == UINT64_MAX);
    uint8_t out[256];
    struct flow_match again;
    struct writer w = writer_of(out, sizeof out);
    uint16_t len = nxm_match_encode(&w, &m);
    r = reader_of(out, w.len);
    assert_int_equal(nxm_match_decode(&r, len, &again, cookie, &e), 0);
    assert_true(flow_match_equal(&m, &again));
    r = reader_of(padded, 7); /* cut short */
    assert_int_equal(nxm_match_decode(&r, 7, &m, cookie, &e), -1);
}

static struct ofw_actions decoded(const void *bytes, size_t n, const struct flow_match *m)
{
    struct reader r = reader_of(bytes, n);
    struct ofw_actions list;
    struct ofw_error e;
    assert_int_equal(of10_actions_decode(&r, n, m, arena(), &list, &e), 0);
    return list;
}

static void setting_a_vlan_brings_a_tag_where_there_is_none(void **state)
{
    (void)state;
    static const uint8_t set[] = {0, 1, 0, 8, 0, 5, 0, 0, 0, 2, 0, 8, 3, 0, 0, 0};
    struct flow_match m = {0};
    struct ofw_actions list = decoded(set, sizeof set, &m);
    assert_int_equal(list.n, 3); /* maybe push, set VID, set PCP */
    assert_int_equal(list.a[0].type, OFPAT_PUSH_VLAN);
    assert_int_equal(list.a[0].max_len, 1);
    assert_int_equal(list.a[2].value[0], 3);
    m.mask.vlan_vid = 0xffff; /* untagged */
    list = decoded(set, sizeof set, &m);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.a[0].max_len, 0);
    m.key.vlan_vid = to_be16(FLOW_VID_PRESENT | 9);
    list = decoded(set, sizeof set, &m);
    assert_int_equal(list.n, 2);
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    struct ofw_instructions in = {.has_apply = true, .apply = list};
    of10_instructions_encode(&w, &in);
    assert_int_equal(w.len, sizeof set);
    assert_memory_equal(out, set, sizeof set);
}

static void actions_come_back_as_they_went_in(void **state)
{
    (void)state;
    static const uint8_t list[] = {
        0, 4, 0, 16, 2,    0,    0, 0,   0, 1, 0, 0, 0, 0, 0, 0, /* set_dl_src */
        0, 6, 0, 8,  10,   0,    0, 1,                           /* set_nw_src */
        0, 8, 0, 8,  0xb8, 0,    0, 0,                           /* set_nw_tos */
        0, 9, 0, 8,  0,    80,   0, 0,                           /* set_tp_src */
        0, 3, 0, 8,  0,    0,    0, 0,                           /* strip_vlan */
        0, 0, 0, 8,  0xff, 0xfd, 0, 128,                         /* output:CONTROLLER */
    };
    struct flow_match tcp = {0};
    tcp.key.ip_proto = 6;
    tcp.mask.ip_proto = 0xff;
    struct ofw_actions a = decoded(list, sizeof list, &tcp);
    assert_int_equal(a.n, 6);
    assert_int_equal(a.a[5].port, OFPP_CONTROLLER);
    uint8_t out[128];
    struct writer w = writer_of(out, sizeof out);
    struct ofw_instructions in = {.has_apply = true, .apply = a};
    of10_instructions_encode(&w, &in);
    assert_int_equal(w.len, sizeof list);
    assert_memory_equal(out, list, sizeof list);
}

static void wrong_actions_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        uint16_t code;
    } table[] = {{{0, 12, 0, 8}, OFPBAC_BAD_TYPE},
                 {{0, 0, 0, 4}, OFPBAC_BAD_LEN},
                 {{0, 0, 0, 16}, OFPBAC_BAD_LEN},
                 {{0, 4, 0, 8}, OFPBAC_BAD_LEN}};
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct reader r = reader_of(table[i].bytes, 8);
        struct ofw_actions list;
        struct ofw_error e = {0};
        assert_int_equal(of10_actions_decode(&r, 8, NULL, arena(), &list, &e), -1);
        assert_int_equal(e.type, OFPET_BAD_ACTION);
        assert_int_equal(e.code, table[i].code);
    }
}

/* ---- a session ---- */

static void up10(void)
{
    start_with((struct ofs_options){0});
    drain(SIZE_MAX);
    send_raw(1, OFPT_HELLO, 1, NULL, 0);
    assert_int_equal(ofs_version(b.s), 1);
}

/* A flow-mod that matches in_port and drops. */
static void flow_mod(uint16_t command, uint16_t in_port)
{
    uint8_t body[64] = {0};
    struct writer w = writer_of(body, sizeof body);
    write_u32(&w, 0x3fffff & ~1u);
    write_u16(&w, in_port);
    write_zeros(&w, 34);
    write_u64(&w, 5);
    write_u16(&w, command);
    write_zeros(&w, 4);
    write_u16(&w, 100);
    write_u32(&w, OF_NO_BUFFER);
    write_u16(&w, 0xffff);
    write_u16(&w, 0);
    assert_int_equal(w.len, sizeof body);
    send_raw(1, 14, 77, body, sizeof body);
}

static void a_session_of_1_0_modifies_or_adds(void **state)
{
    (void)state;
    up10();
    flow_mod(OFPFC_MODIFY, 1);
    assert_int_equal(b.n, 0);
    assert_int_equal(ofm_flow_count(b.m), 1);
    flow_mod(OFPFC_MODIFY_STRICT, 1);
    flow_mod(OFPFC_MODIFY, 1);
    assert_int_equal(ofm_flow_count(b.m), 1);
    flow_mod(OFPFC_MODIFY_STRICT, 2);
    assert_int_equal(ofm_flow_count(b.m), 2);
    flow_mod(0x0300 | OFPFC_ADD, 3); /* a table: not without the extension */
    assert_int_equal(b.seen[0].h.type, OFPT_ERROR);
    assert_int_equal(b.seen[0].h.version, 1);
    assert_int_equal(u16_at(&b.seen[0], 0), 3);
    assert_int_equal(u16_at(&b.seen[0], 2), 4);
    send_raw(1, OFPT_EXPERIMENTER, 77, "\0\0\x23\x20\0\0\0\x0f\1\0\0\0\0\0\0\0", 16);
    assert_int_equal(b.n, 0);
    flow_mod(0x0300 | OFPFC_ADD, 3);
    assert_int_equal(ofm_table(b.m, 3).flows, 1);
    flow_mod(0xff00 | OFPFC_DELETE, 3);
    assert_int_equal(ofm_table(b.m, 3).flows, 0);
    stop();
}

static void messages_of_1_0_have_its_numbers(void **state)
{
    (void)state;
    up10();
    send_raw(1, 18, 77, NULL, 0); /* barrier */
    assert_int_equal(b.seen[0].h.type, 19);
    send_raw(1, 5, 77, NULL, 0); /* features */
    assert_int_equal(b.seen[0].h.type, 6);
    assert_int_equal(b.seen[0].len, 24 + 3 * 48);
    send_raw(1, 16, 77, "\0\4\0\0\xff\xff\0\0\0\0\0\0", 12); /* port statistics */
    assert_int_equal(b.seen[0].h.type, 17);
    assert_int_equal(b.seen[0].len, 4 + 3 * 104);
    send_raw(1, 16, 77, "\0\3\0\0", 4); /* tables */
    assert_int_equal(b.seen[0].len, 4 + 254 * 64);
    send_raw(1, 33, 77, NULL, 0);
    assert_int_equal(b.seen[0].h.type, OFPT_ERROR);
    assert_int_equal(u16_at(&b.seen[0], 2), OFPBRC_BAD_TYPE);
    send_raw(1, OFPT_EXPERIMENTER, 77, "\0\0\x23\x20\0\0\0\x0a\0\0\0\1", 12); /* master */
    assert_int_equal(b.seen[0].body[7], NXT_ROLE_REPLY);
    assert_string_equal(ofs_role_name(b.s), "master");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_survives_the_wire),
        cmocka_unit_test(nxm_says_the_same_as_oxm),
        cmocka_unit_test(setting_a_vlan_brings_a_tag_where_there_is_none),
        cmocka_unit_test(actions_come_back_as_they_went_in),
        cmocka_unit_test(wrong_actions_are_refused),
        cmocka_unit_test(a_session_of_1_0_modifies_or_adds),
        cmocka_unit_test(messages_of_1_0_have_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
