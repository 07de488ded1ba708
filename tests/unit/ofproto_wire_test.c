/* ofproto/wire: messages against os-ken's bytes, bad ones against the specification's errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ofproto/wire/codec.h"
#include "tests/unit/of13_golden.h"
#include "tests/unit/of13_random.h"

enum { XID = 0x11223344 };

static struct ofw_action space[OF_MESSAGE_MAX / 8];
static struct ofw_error err;

static struct ofw_arena *arena(void)
{
    static struct ofw_arena a;
    a = (struct ofw_arena){.a = space, .cap = OF_MESSAGE_MAX / 8};
    err = (struct ofw_error){0};
    return &a;
}

static struct reader body_of(const uint8_t *msg, size_t n)
{
    struct ofw_header h = ofw_header_decode(msg);
    assert_int_equal(h.version, OF13_VERSION);
    assert_int_equal(h.length, n);
    assert_int_equal(h.xid, XID);
    return reader_of(msg + OF_HEADER_BYTES, n - OF_HEADER_BYTES);
}

static void expect(int rc, uint16_t type, uint16_t code, const char *what)
{
    if (rc == 0)
        fail_msg("taken, but wanted %s: %s", ofw_error_name(type, code), what);
    if (err.type != type || err.code != code)
        fail_msg("%s: wanted %s, got %s (%s)", what, ofw_error_name(type, code),
                 ofw_error_name(err.type, err.code), err.why);
}

/* ---- golden ---- */

#define GOLDEN_MODS(x) \
    x(flow_add_v4) x(flow_add_nd) x(flow_add_arp) x(flow_add_mpls) x(flow_delete_all) x(flow_clear)

static void survives(const char *name, const uint8_t *msg, size_t n)
{
    struct ofw_flow_mod m;
    uint8_t b[1024];
    struct writer w = writer_of(b, sizeof b);
    if (ofw_flow_mod_decode(body_of(msg, n), arena(), &m, &err) < 0)
        fail_msg("%s: %s (%s)", name, ofw_error_name(err.type, err.code), err.why);
    ofw_flow_mod_encode(&w, XID, &m);
    assert_int_equal(w.len, n);
    assert_memory_equal(b, msg, n);
}

static void golden_flow_mods_survive_a_round_trip(void **state)
{
    (void)state;
#define SURVIVE(n) survives(#n, golden_##n, sizeof golden_##n);
    GOLDEN_MODS(SURVIVE)
}

static void a_golden_flow_mod_says_what_os_ken_meant(void **state)
{
    (void)state;
    struct ofw_flow_mod m;
    assert_int_equal(ofw_flow_mod_decode(body_of(golden_flow_add_v4, sizeof golden_flow_add_v4),
                                         arena(), &m, &err),
                     0);
    assert_int_equal(m.cookie, 0x0102030405060708);
    assert_int_equal(m.table, 2);
    assert_int_equal(m.priority, 4660);
    assert_int_equal(m.idle_s, 10);
    assert_int_equal(m.hard_s, 300);
    assert_int_equal(m.flags, OFPFF_SEND_FLOW_REM);
    assert_int_equal(m.buffer_id, OF_NO_BUFFER);
    assert_int_equal(m.match.key.in_port, to_be32(3));
    assert_memory_equal(&m.match.key.ip_src, "\x0a\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(&m.match.mask.ip_src, "\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(m.match.key.l4_dst, to_be16(443));
    assert_int_equal(m.instr.apply.n, 6);
    assert_int_equal(m.instr.apply.a[1].field, FF_VLAN_VID);
    assert_memory_equal(m.instr.apply.a[1].value, "\x10\x2a", 2);
    assert_int_equal(m.instr.apply.a[5].port, OFPP_CONTROLLER);
    assert_int_equal(m.instr.apply.a[5].max_len, 128);
    assert_int_equal(m.instr.write.n, 1);
    assert_int_equal(m.instr.metadata, to_be64(0x1122));
    assert_int_equal(m.instr.goto_table, 5);
}

static void golden_requests_are_understood(void **state)
{
    (void)state;
    struct ofw_packet_out po;
    struct ofw_port_mod pm;
    struct ofw_multipart_req q;
    struct ofw_config c;
    uint32_t versions;
#define BODY(n) body_of(golden_##n, sizeof golden_##n)
    assert_int_equal(ofw_packet_out_decode(BODY(packet_out), arena(), &po, &err), 0);
    assert_int_equal(po.in_port, OFPP_CONTROLLER);
    assert_int_equal(po.actions.a[0].port, 2);
    assert_int_equal(po.data_len, 3);
    assert_memory_equal(po.data, "\1\2\3", 3);
    assert_int_equal(ofw_port_mod_decode(BODY(port_mod), &pm, &err), 0);
    assert_true(pm.no == 9 && pm.config == 1 && pm.mask == 1 && pm.hw_addr.b[5] == 9);
    assert_int_equal(ofw_multipart_decode(BODY(flow_stats), &q, &err), 0);
    assert_true(q.type == OFPMP_FLOW && q.table == OFPTT_ALL && q.out_port == OFPP_ANY);
    assert_true(q.cookie == 0x55 && q.cookie_mask == 0xff && q.match.key.l4_dst == to_be16(443));
    assert_int_equal(ofw_multipart_decode(BODY(aggregate), &q, &err), 0);
    assert_true(q.type == OFPMP_AGGREGATE && q.table == 1);
    assert_int_equal(ofw_multipart_decode(BODY(port_stats), &q, &err), 0);
    assert_true(q.type == OFPMP_PORT_STATS && q.port == OFPP_ANY);
    assert_int_equal(ofw_multipart_decode(BODY(desc), &q, &err), 0);
    assert_int_equal(ofw_config_decode(BODY(set_config), &c, &err), 0);
    assert_int_equal(c.miss_send_len, 0xffff);
    assert_int_equal(ofw_hello_decode(BODY(hello), 4, &versions, &err), 0);
    assert_int_equal(versions, 1 << 4 | 1 << 1);
}

#define SAME(w, n)                                         \
    do {                                                   \
        assert_false((w).bad);                             \
        assert_int_equal((w).len, sizeof golden_##n);      \
        assert_memory_equal((w).buf, golden_##n, (w).len); \
    } while (0)

static void asynchronous_messages_are_golden(void **state)
{
    (void)state;
    uint8_t b[256];
    struct ofw_flow_mod m;
    struct ofw_port port = {.no = 2,
                            .config = 1,
                            .state = OFPPS_LIVE,
                            .curr = 0x20,
                            .curr_speed_kbps = 1000,
                            .max_speed_kbps = 2000,
                            .hw_addr = {{2, 0, 0, 0, 0, 2}},
                            .name = "vm2"};
    struct ofw_packet_in in = {.buffer_id = OF_NO_BUFFER,
                               .total_len = 60,
                               .reason = OFPR_ACTION,
                               .table = 4,
                               .cookie = 0xdd,
                               .data = (const uint8_t *)"\xaa\xbb\xcc",
                               .data_len = 3};
    struct ofw_flow_removed gone = {.cookie = 0xc0,
                                    .priority = 5,
                                    .reason = OFPRR_HARD_TIMEOUT,
                                    .table = 3,
                                    .duration_ns = 12 * NSEC_PER_SEC + 34,
                                    .idle_s = 6,
                                    .hard_s = 7,
                                    .packets = 89,
                                    .bytes = 1011};
    flow_match_set(&in.match, FF_IN_PORT, "\0\0\0\6", NULL);
    ofw_flow_mod_decode(BODY(flow_add_v4), arena(), &m, &err);
    gone.match = m.match;
    struct writer w = writer_of(b, sizeof b);
    ofw_packet_in_encode(&w, XID, &in);
    SAME(w, packet_in);
    w = writer_of(b, sizeof b);
    ofw_flow_removed_encode(&w, XID, &gone);
    SAME(w, flow_removed);
    w = writer_of(b, sizeof b);
    ofw_port_status_encode(&w, XID, OFPPR_MODIFY, &port);
    SAME(w, port_status);
    w = writer_of(b, sizeof b);
    size_t at = ofw_multipart_begin(&w, XID, OFPMP_PORT_DESC);
    ofw_port_desc_encode(&w, &port);
    ofw_multipart_end(&w, at, true);
    SAME(w, port_desc_reply);
}

static void statistics_are_golden(void **state)
{
    (void)state;
    uint8_t b[256];
    struct ofw_port_stats ps = {2,   101, 102, 103, 104, 105, 106,
                                107, 108, 109, 110, 111, 112, 3 * NSEC_PER_SEC + 4};
    struct ofw_table_stats ts = {.table = 7, .active = 1, .lookups = 2, .matches = 3};
    struct ofw_action out = {.type = OFPAT_OUTPUT, .port = 1, .max_len = 65509};
    struct ofw_flow_stats fs = {.table = 7,
                                .duration_ns = NSEC_PER_SEC + 2,
                                .priority = 3,
                                .idle_s = 4,
                                .hard_s = 5,
                                .flags = 6,
                                .cookie = 8,
                                .packets = 9,
                                .bytes = 10,
                                .instr = {.has_apply = true, .apply = {1, &out}}};
    flow_match_set(&fs.match, FF_IN_PORT, "\0\0\0\6", NULL);
    struct writer w = writer_of(b, sizeof b);
    size_t at = ofw_multipart_begin(&w, XID, OFPMP_PORT_STATS);
    ofw_port_stats_encode(&w, &ps);
    ofw_multipart_end(&w, at, false);
    SAME(w, port_stats_reply);
    w = writer_of(b, sizeof b);
    at = ofw_multipart_begin(&w, XID, OFPMP_TABLE);
    ofw_table_stats_encode(&w, &ts);
    ofw_multipart_end(&w, at, false);
    SAME(w, table_stats_reply);
    w = writer_of(b, sizeof b);
    at = ofw_multipart_begin(&w, XID, OFPMP_FLOW);
    ofw_flow_stats_encode(&w, &fs);
    ofw_multipart_end(&w, at, false);
    SAME(w, flow_stats_reply);
}

static void small_messages_are_golden(void **state)
{
    (void)state;
    uint8_t b[256], request[100];
    for (unsigned i = 0; i < sizeof request; i++)
        request[i] = (uint8_t)i;
    struct ofw_features f = {.datapath_id = 0xb0,
                             .n_buffers = 256,
                             .n_tables = 254,
                             .capabilities = 0x47};
    struct ofw_error e = {.type = OFPET_BAD_MATCH, .code = OFPBMC_BAD_PREREQ};
    struct writer w = writer_of(b, sizeof b);
    ofw_hello_encode(&w, XID, 1 << 4 | 1 << 1);
    SAME(w, hello);
    w = writer_of(b, sizeof b);
    ofw_features_encode(&w, XID, &f);
    SAME(w, features_reply);
    w = writer_of(b, sizeof b);
    ofw_error_encode(&w, XID, &e, request, sizeof request);
    SAME(w, error);
    w = writer_of(b, sizeof b);
    ofw_error_encode(&w, XID, &e, request, 8);
    assert_int_equal(w.len, 12 + 8);
    w = writer_of(b, sizeof b);
    ofw_simple_encode(&w, OFPT_BARRIER_REPLY, XID, NULL, 0);
    assert_memory_equal(b, "\4\x15\0\x08\x11\x22\x33\x44", 8);
    struct ofw_config c = {.flags = 0, .miss_send_len = 128};
    w = writer_of(b, sizeof b);
    ofw_config_encode(&w, XID, &c);
    assert_memory_equal(b, "\4\x08\0\x0c\x11\x22\x33\x44\0\0\0\x80", 12);
}

static void fixed_size_bodies_have_their_size(void **state)
{
    (void)state;
    uint8_t b[2048];
    struct ofw_desc d = {.mfr = "weft"};
    memset(d.serial, 'x', sizeof d.serial); /* no NUL of its own */
    struct writer w = writer_of(b, sizeof b);
    ofw_desc_encode(&w, &d);
    assert_int_equal(w.len, 1056);
    assert_int_equal(b[768 + 30], 'x');
    assert_int_equal(b[768 + 31], 0);
    w = writer_of(b, sizeof b);
    ofw_aggregate_encode(&w, 1, 2, 3);
    assert_int_equal(w.len, 24);
}

static void a_full_buffer_is_said_so(void **state)
{
    (void)state;
    uint8_t b[20];
    struct writer w = writer_of(b, sizeof b);
    ofw_features_encode(&w, XID, &(struct ofw_features){0});
    assert_true(w.bad);
    assert_int_equal(w.len, 32);
}

static void a_hello_without_bitmap_agrees_on_the_lower_version(void **state)
{
    (void)state;
    uint32_t v;
    assert_int_equal(ofw_hello_decode(reader_of("", 0), 4, &v, &err), 0);
    assert_int_equal(v, 0x10);
    ofw_hello_decode(reader_of("\0\1\0\x40\1", 5), 6, &v, &err); /* cut: passed over */
    assert_int_equal(v, 0x80000000u >> __builtin_clz(ofw_codec_versions()));
    ofw_hello_decode(reader_of("\0\7\0\5x\0\0\0\0\1\0\x08\0\0\0\x10", 16), 6, &v, &err);
    assert_int_equal(v, 0x10); /* after an element of a type we do not know */
}

/* ---- bad messages ---- */

/* A flow-mod ADD to table 0 that matches all, with these instructions. */
static int add_with(const void *instructions, size_t n)
{
    uint8_t b[512];
    struct ofw_flow_mod m;
    struct writer w = writer_of(b, sizeof b);
    write_bytes(&w, golden_flow_delete_all + 8, 48);
    b[16] = 0; /* table */
    b[17] = OFPFC_ADD;
    write_bytes(&w, instructions, n);
    return ofw_flow_mod_decode(reader_of(b, w.len), arena(), &m, &err);
}

#define BAD(bytes, type, code)                                 \
    {                                                          \
        bytes, sizeof(bytes) - 1, type, code, #code " " #bytes \
    }

struct bad {
    const char *bytes;
    size_t n;
    uint16_t type, code;
    const char *what;
};

static const struct bad bad_instructions[] = {
    BAD("\0\1", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\1\0\x04", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\1\0\x10\1\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\1\0\x10\1\0\0\0\0\0\0\0\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\2\0\x08\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\4\0\x0c\0\0\0\0\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN),
    BAD("\0\x07\0\x08\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_UNKNOWN_INST),
    BAD("\0\0\0\x08\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_UNKNOWN_INST),
    BAD("\xff\xff\0\x08\0\0\0\1", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_EXPERIMENTER),
    BAD("\0\5\0\x08\0\0\0\0\0\5\0\x08\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_DUP_INST),
    BAD("\0\1\0\x08\0\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID), /* backwards */
    BAD("\0\1\0\x08\xfe\0\0\0", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID),
};

/* Action lists, to be put into Apply-Actions. */
static const struct bad bad_actions[] = {
    BAD("\0\0\0\x08\0\0\0\1", OFPET_BAD_ACTION, OFPBAC_BAD_LEN),
    BAD("\0\x12\0\x04\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_LEN),
    BAD("\0\x12\0\x10\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_LEN),
    BAD("\0\x01\0\x08\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_TYPE),
    BAD("\0\x63\0\x08\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_TYPE),
    BAD("\xff\xff\0\x08\0\0\x23\x21", OFPET_BAD_ACTION, OFPBAC_BAD_EXPERIMENTER),
    BAD("\0\x16\0\x08\xff\xff\xff\1", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_GROUP),
    BAD("\0\x15\0\x08\xff\xff\xff\xff", OFPET_BAD_ACTION, OFPBAC_BAD_QUEUE),
    BAD("\0\x1a\0\x08\x88\xa8\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_TAG),
    BAD("\0\x11\0\x08\x08\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_TAG),
    BAD("\0\x13\0\x08\x81\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_TAG),
    BAD("\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT),
    BAD("\0\0\0\x10\xff\xff\xff\xff\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT),
    BAD("\0\0\0\x10\xff\xff\xff\x01\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT),
    BAD("\0\0\0\x10\xff\xff\xff\xf9\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT),
    BAD("\0\x19\0\x10\x80\0\0\4\0\0\0\1\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_TYPE),
    BAD("\0\x19\0\x10\x80\0\x50\4\0\0\0\1\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_TYPE),
    BAD("\0\x19\0\x10\0\1\xf0\4\0\0\0\1\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_TYPE),
    BAD("\0\x19\0\x18\x80\0\7\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION,
        OFPBAC_BAD_SET_TYPE), /* a mask */
    BAD("\0\x19\0\x10\x80\0\x06\5\1\2\3\4\5\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_LEN),
    BAD("\0\x19\0\x10\x80\0\x06\x20\1\2\3\4\5\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_LEN),
    BAD("\0\x19\0\x18\x80\0\x06\6\1\2\3\4\5\6\0\0\0\0\0\0\0\0\0\0", OFPET_BAD_ACTION,
        OFPBAC_BAD_LEN),
    BAD("\0\x19\0\x10\x80\0\x0c\2\0\x05\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_ARGUMENT),
    BAD("\0\x19\0\x10\x80\0\x0e\1\x08\0\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_BAD_SET_ARGUMENT),
    BAD("\0\x19\0\x10\x80\0\x0c\2\x10\x05\0\0\0\0\0\0", OFPET_BAD_ACTION,
        OFPBAC_MATCH_INCONSISTENT),
    BAD("\0\x19\0\x10\x80\0\x1c\2\0\x50\0\0\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT),
    BAD("\0\x12\0\x08\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT),
    BAD("\0\x18\0\x08\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT),
    BAD("\0\x14\0\x08\x08\0\0\0", OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT),
    BAD("\0\x10\0\x08\0\0\0\0", OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT),
};

static void each_bad_instruction_has_its_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_instructions / sizeof *bad_instructions; i++) {
        const struct bad *b = &bad_instructions[i];
        expect(add_with(b->bytes, b->n), b->type, b->code, b->what);
    }
}

static void each_bad_action_has_its_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_actions / sizeof *bad_actions; i++) {
        const struct bad *b = &bad_actions[i];
        uint8_t apply[64] = {0, 4, 0, (uint8_t)(8 + b->n)};
        memcpy(apply + 8, b->bytes, b->n);
        expect(add_with(apply, 8 + b->n), b->type, b->code, b->what);
    }
}

/* The golden ADD with one byte changed. */
static int poked(size_t at, uint8_t value)
{
    uint8_t b[sizeof golden_flow_add_v4];
    struct ofw_flow_mod m;
    memcpy(b, golden_flow_add_v4, sizeof b);
    b[at] = value;
    return ofw_flow_mod_decode(reader_of(b + 8, sizeof b - 8), arena(), &m, &err);
}

static void a_bad_flow_mod_has_its_error(void **state)
{
    (void)state;
    struct ofw_flow_mod m;
    expect(poked(25, 5), OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND, "command");
    expect(poked(24, OFPTT_ALL), OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID, "table");
    expect(poked(45, 0x20), OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_FLAGS, "flags");
    expect(poked(24, 5), OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID, "goto itself");
    assert_int_equal(ofw_flow_mod_decode(BODY(flow_group), arena(), &m, &err), 0);
    assert_int_equal(ofw_flow_mod_decode(BODY(flow_meter), arena(), &m, &err), 0);
}

/* Cut anywhere, a flow-mod is refused, but at the seams between instructions. */
static void every_cut_of_a_flow_mod_fails_cleanly(void **state)
{
    (void)state;
    const size_t n = sizeof golden_flow_add_v4 - 8;
    unsigned taken = 0;
    for (size_t len = 0; len < n; len++) {
        uint8_t *b = malloc(len ? len : 1); /* of this very size, for the sanitizer to guard */
        struct ofw_flow_mod m;
        memcpy(b, golden_flow_add_v4 + 8, len);
        if (ofw_flow_mod_decode(reader_of(b, len), arena(), &m, &err) == 0)
            taken++;
        else
            assert_true(err.type == OFPET_BAD_REQUEST || err.type == OFPET_BAD_MATCH ||
                        err.type == OFPET_BAD_INSTRUCTION);
        free(b);
    }
    assert_int_equal(taken, 4); /* after the match and three of its four instructions */
}

static void a_bad_request_has_its_error(void **state)
{
    (void)state;
    struct ofw_packet_out po;
    struct ofw_port_mod pm;
    struct ofw_multipart_req q;
    struct ofw_config c;
#define MP(bytes)  ofw_multipart_decode(reader_of(bytes, sizeof(bytes) - 1), &q, &err)
#define CUT(n, by) reader_of(golden_##n + 8, sizeof golden_##n - 8 - (by))
    expect(MP("\0\0\0"), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "header");
    expect(MP("\0\x0e\0\0\0\0\0\0"), OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART, "type 14");
    expect(MP("\xff\xff\0\0\0\0\0\0\0\0\0\1"), OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER, "exp");
    expect(MP("\0\0\0\0\0\0\0\0\0"), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "desc with a body");
    expect(MP("\0\4\0\0\0\0\0\0\0\0\0\1"), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "short port");
    expect(ofw_multipart_decode(CUT(flow_stats, 1), &q, &err), OFPET_BAD_MATCH, OFPBMC_BAD_LEN,
           "flow stats");
    expect(ofw_port_mod_decode(CUT(port_mod, 1), &pm, &err), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
           "port-mod");
    expect(ofw_config_decode(reader_of("\0\0\0", 3), &c, &err), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
           "config");
    expect(ofw_config_decode(reader_of("\0\x0f\0\0", 4), &c, &err), OFPET_SWITCH_CONFIG_FAILED,
           OFPSCFC_BAD_FLAGS, "config flags");
    expect(ofw_packet_out_decode(reader_of(golden_packet_out + 8, 15), arena(), &po, &err),
           OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "packet-out");
    expect(ofw_packet_out_decode(reader_of(golden_packet_out + 8, 24), arena(), &po, &err),
           OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "packet-out's actions");
    uint8_t b[sizeof golden_packet_out - 8];
    memcpy(b, golden_packet_out + 8, sizeof b);
    memset(b + 4, 0, 4);
    expect(ofw_packet_out_decode(reader_of(b, sizeof b), arena(), &po, &err), OFPET_BAD_REQUEST,
           OFPBRC_BAD_PORT, "in_port 0");
}

/* ---- actions ---- */

static void random_actions_survive_a_round_trip(void **state)
{
    (void)state;
    struct prng p = {.state = 77};
    for (int round = 0; round < 5000; round++) {
        struct ofw_action list[16];
        struct ofw_actions in = {.n = (uint16_t)prng_below(&p, 17), .a = list}, out;
        uint8_t b[1024];
        for (unsigned i = 0; i < in.n; i++)
            list[i] = random_action(&p);
        struct writer w = writer_of(b, sizeof b);
        ofw_actions_encode(&w, &in);
        struct reader r = reader_of(b, w.len);
        assert_int_equal(ofw_actions_decode(&r, w.len, arena(), &out, &err), 0);
        assert_int_equal(out.n, in.n);
        if (in.n)
            assert_memory_equal(out.a, list, in.n * sizeof *list);
        assert_int_equal(ofw_actions_check(&out, NULL, &err), 0);
    }
}

static void an_arena_too_small_is_an_error(void **state)
{
    (void)state;
    struct ofw_action one[1];
    struct ofw_arena a = {.a = one, .cap = 1};
    struct ofw_actions out;
    struct reader r = reader_of("\0\x12\0\x08\0\0\0\0\0\x12\0\x08\0\0\0\0", 16);
    expect(ofw_actions_decode(&r, 16, &a, &out, &err), OFPET_BAD_ACTION, OFPBAC_TOO_MANY, "arena");
}

#define SET(f, v)                                       \
    {                                                   \
        .type = OFPAT_SET_FIELD, .field = f, .value = v \
    }

static void pushes_and_pops_change_what_may_be_set(void **state)
{
    (void)state;
    struct flow_match ip = {0};
    flow_match_set(&ip, FF_ETH_TYPE, "\x08\x00", NULL);
    flow_match_set(&ip, FF_IP_PROTO, "\x06", NULL);
    struct ofw_action good[] = {
        SET(FF_TCP_DST, {1}),
        {.type = OFPAT_PUSH_VLAN, .ethertype = 0x8100},
        SET(FF_VLAN_VID, {0x10}),
        SET(FF_VLAN_PCP, {3}),
        SET(FF_IPV4_SRC, {1}),
        {.type = OFPAT_POP_VLAN},
        {.type = OFPAT_PUSH_MPLS, .ethertype = 0x8847},
        SET(FF_MPLS_LABEL, {0}),
        {.type = OFPAT_POP_MPLS, .ethertype = 0x0800},
        {.type = OFPAT_DEC_NW_TTL},
    };
    struct ofw_action lost[] = {{.type = OFPAT_PUSH_MPLS, .ethertype = 0x8847},
                                SET(FF_IPV4_SRC, {1})};
    struct ofw_action forgot[] = {{.type = OFPAT_PUSH_MPLS, .ethertype = 0x8847},
                                  {.type = OFPAT_POP_MPLS, .ethertype = 0x0800},
                                  SET(FF_TCP_DST, {1})};
    struct ofw_action twice[] = {{.type = OFPAT_PUSH_VLAN, .ethertype = 0x8100},
                                 {.type = OFPAT_POP_VLAN},
                                 {.type = OFPAT_POP_VLAN}};
#define CHECK(list) \
    ofw_actions_check(&(struct ofw_actions){sizeof list / sizeof *list, list}, &ip, &err)
    assert_int_equal(CHECK(good), 0);
    expect(CHECK(lost), OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT, "IP under MPLS");
    expect(CHECK(forgot), OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT, "TCP after pop_mpls");
    expect(CHECK(twice), OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT, "a second tag");
}

/* Written in any order, they run in the action set's: the push before the set-field. */
static void written_actions_are_judged_in_the_order_of_the_set(void **state)
{
    (void)state;
    struct flow_match all = {0};
    struct ofw_action write[] = {SET(FF_VLAN_VID, {0x10}),
                                 {.type = OFPAT_PUSH_VLAN, .ethertype = 0x8100}};
    struct ofw_instructions in = {.has_write = true, .write = {2, write}};
    assert_int_equal(ofw_instructions_check(&in, 0, &all, &err), 0);
    in.write.n = 1;
    expect(ofw_instructions_check(&in, 0, &all, &err), OFPET_BAD_ACTION, OFPBAC_MATCH_INCONSISTENT,
           "set vlan_vid alone");
}

static void errors_and_types_have_names(void **state)
{
    (void)state;
    assert_string_equal(ofw_error_name(OFPET_BAD_MATCH, OFPBMC_BAD_PREREQ),
                        "OFPET_BAD_MATCH/OFPBMC_BAD_PREREQ");
    assert_string_equal(ofw_error_name(OFPET_PORT_MOD_FAILED, OFPPMFC_EPERM),
                        "OFPET_PORT_MOD_FAILED/OFPPMFC_EPERM");
    assert_string_equal(ofw_type_name(OFPT_METER_MOD), "OFPT_METER_MOD");
    for (unsigned type = 0; type < 20; type++)
        for (unsigned code = 0; code < 20; code++)
            assert_non_null(ofw_error_name((uint16_t)type, (uint16_t)code));
    assert_non_null(ofw_type_name(255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_flow_mods_survive_a_round_trip),
        cmocka_unit_test(a_golden_flow_mod_says_what_os_ken_meant),
        cmocka_unit_test(golden_requests_are_understood),
        cmocka_unit_test(asynchronous_messages_are_golden),
        cmocka_unit_test(statistics_are_golden),
        cmocka_unit_test(small_messages_are_golden),
        cmocka_unit_test(fixed_size_bodies_have_their_size),
        cmocka_unit_test(a_full_buffer_is_said_so),
        cmocka_unit_test(a_hello_without_bitmap_agrees_on_the_lower_version),
        cmocka_unit_test(each_bad_instruction_has_its_error),
        cmocka_unit_test(each_bad_action_has_its_error),
        cmocka_unit_test(a_bad_flow_mod_has_its_error),
        cmocka_unit_test(every_cut_of_a_flow_mod_fails_cleanly),
        cmocka_unit_test(a_bad_request_has_its_error),
        cmocka_unit_test(random_actions_survive_a_round_trip),
        cmocka_unit_test(an_arena_too_small_is_an_error),
        cmocka_unit_test(pushes_and_pops_change_what_may_be_set),
        cmocka_unit_test(written_actions_are_judged_in_the_order_of_the_set),
        cmocka_unit_test(errors_and_types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
