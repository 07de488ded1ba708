/* One OpenFlow session against a host of a few lines: bytes in, bytes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/fake_session.h"

static struct ofw_flow_mod mod_of(uint8_t command, uint32_t in_port)
{
    struct ofw_flow_mod mod = {.command = command,
                               .priority = 10,
                               .buffer_id = OF_NO_BUFFER,
                               .out_port = OFPP_ANY,
                               .out_group = OFPG_ANY};
    be32 port = to_be32(in_port);
    if (in_port)
        flow_match_set(&mod.match, FF_IN_PORT, &port, NULL);
    return mod;
}

static void send_flow_mod(const struct ofw_flow_mod *mod)
{
    uint8_t m[1024];
    struct writer w = writer_of(m, sizeof m);
    ofw_flow_mod_encode(&w, 77, mod);
    assert_false(w.bad);
    assert_int_equal(ofs_rx(b.s, m, w.len, 1), 0);
    drain(SIZE_MAX);
}

/* ---- negotiation ---- */

static void hello_agrees_on_a_version(void **state)
{
    (void)state;
    static const struct {
        uint8_t version, bitmap; /* 0: none */
        uint8_t agreed;          /* 0: none */
    } table[] = {{4, 0, 4},    {5, 0, 5},    {1, 0, 1},    {3, 0, 0},    {2, 0, 0},
                 {6, 0x12, 4}, {1, 0x12, 4}, {6, 0x80, 0}, {4, 0x0c, 0}, {6, 0x22, 5},
                 {4, 0x0e, 1}, {6, 0, 6},    {9, 0, 6}};
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t element[8] = {0, 1, 0, 8, 0, 0, 0, table[i].bitmap};
        start_with((struct ofs_options){0});
        drain(SIZE_MAX);
        send_raw(table[i].version, OFPT_HELLO, 77, element, table[i].bitmap ? 8 : 0);
        assert_int_equal(ofs_state(b.s), table[i].agreed ? OFS_UP : OFS_CLOSED);
        assert_int_equal(ofs_version(b.s), table[i].agreed);
        if (!table[i].agreed) {
            expect_error(OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE);
            assert_int_equal(ofs_rx(b.s, "", 0, 1), -1);
            assert_non_null(strstr(ofs_why(b.s), "1.3"));
        }
        stop();
    }
}

static void another_version_later_is_refused(void **state)
{
    (void)state;
    up();
    send_raw(1, OFPT_ECHO_REQUEST, 77, NULL, 0);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION);
    assert_int_equal(ofs_state(b.s), OFS_UP);
    stop();
}

static void a_length_below_the_header_ends_the_session(void **state)
{
    (void)state;
    up();
    assert_int_equal(ofs_rx(b.s, "\x04\x02\x00\x07\0\0\0\1", 8, 1), -1);
    assert_int_equal(ofs_tick(b.s, 1), -1);
    stop();
}

/* ---- requests ---- */

static void small_requests_are_answered(void **state)
{
    (void)state;
    up();
    send_type(OFPT_ECHO_REQUEST, "hello!", 6);
    assert_int_equal(b.seen[0].h.type, OFPT_ECHO_REPLY);
    assert_int_equal(b.seen[0].h.xid, 77);
    assert_memory_equal(b.seen[0].body, "hello!", 6);
    send_type(OFPT_FEATURES_REQUEST, NULL, 0);
    assert_int_equal(b.seen[0].h.type, OFPT_FEATURES_REPLY);
    assert_int_equal(b.seen[0].body[7], 0xb0);
    send_type(OFPT_SET_CONFIG, "\0\0\0\x40", 4);
    assert_int_equal(b.n, 0);
    send_type(OFPT_GET_CONFIG_REQUEST, NULL, 0);
    assert_int_equal(u16_at(&b.seen[0], 2), 64);
    assert_int_equal(ofs_miss_send_len(b.s), 64);
    send_type(OFPT_BARRIER_REQUEST, NULL, 0);
    assert_int_equal(b.seen[0].h.type, OFPT_BARRIER_REPLY);
    send_type(OFPT_TABLE_MOD, "\xff\0\0\0\0\0\0\3", 8);
    assert_int_equal(b.n, 0);
    send_type(OFPT_QUEUE_GET_CONFIG_REQUEST, "\0\0\0\1\0\0\0\0", 8);
    assert_int_equal(b.seen[0].h.type, OFPT_QUEUE_GET_CONFIG_REPLY);
    send_type(OFPT_GROUP_MOD, "\0\2\0\0\xff\xff\xff\xfc", 8); /* delete all: there are none */
    assert_int_equal(b.n, 0);
    send_type(OFPT_METER_MOD, "\0\0\0\0\0\0\0\1", 8);
    send_type(OFPT_METER_MOD, "\0\2\0\0\0\0\0\1", 8);
    assert_int_equal(b.n, 0);
    stop();
}

static void refusals_carry_the_specified_error(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *body;
        size_t n;
        uint16_t error, code;
    } table[] = {
        {OFPT_SET_CONFIG, "\0\1\0\x40", 4, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS},
        {OFPT_SET_CONFIG, "\0\0", 2, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN},
        {OFPT_BARRIER_REQUEST, "x", 1, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN},
        {OFPT_EXPERIMENTER, "\0\0\x23\x21\0\0\0\1", 8, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER},
        {OFPT_EXPERIMENTER, "\0\0\x23\x20\0\0\0\1", 8, OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE},
        {OFPT_ROLE_REQUEST, "\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0", 16, OFPET_ROLE_REQUEST_FAILED,
         OFPRRFC_BAD_ROLE},
        {OFPT_ROLE_REQUEST, NULL, 8, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN},
        {OFPT_SET_ASYNC, NULL, 20, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN},
        {OFPT_GET_ASYNC_REQUEST, NULL, 4, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN},
        {OFPT_MULTIPART_REQUEST, "\0\5\0\0\0\0\0\0\0\0\0\1\0\0\0\1", 16, OFPET_QUEUE_OP_FAILED,
         OFPQOFC_BAD_QUEUE},
        {OFPT_FEATURES_REPLY, NULL, 0, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE},
        {200, NULL, 0, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE},
        {OFPT_METER_MOD, "\0\0\0\0\0\0\0\1", 8, OFPET_METER_MOD_FAILED, OFPMMFC_METER_EXISTS},
        {OFPT_METER_MOD, "\0\1\0\0\0\0\0\2", 8, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER},
        {OFPT_METER_MOD, "\0\0\0\0\0\0\0\0", 8, OFPET_METER_MOD_FAILED, OFPMMFC_INVALID_METER},
        {OFPT_METER_MOD, "\0\0\0\3\0\0\0\2", 8, OFPET_METER_MOD_FAILED, OFPMMFC_BAD_FLAGS},
        {OFPT_METER_MOD, "\0\3\0\0\0\0\0\2", 8, OFPET_METER_MOD_FAILED, OFPMMFC_BAD_COMMAND},
        {OFPT_GROUP_MOD, "\0\1\0\0\0\0\0\1", 8, OFPET_GROUP_MOD_FAILED, OFPGMFC_UNKNOWN_GROUP},
        {OFPT_GROUP_MOD, "\0\0\4\0\0\0\0\1", 8, OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_TYPE},
        {OFPT_GROUP_MOD, "\0\0\2\0\0\0\0\1", 8, OFPET_GROUP_MOD_FAILED, OFPGMFC_INVALID_GROUP},
        {OFPT_GROUP_MOD, "\0\3\0\0\0\0\0\1", 8, OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_COMMAND},
        {OFPT_TABLE_MOD, "\xfe\0\0\0\0\0\0\0", 8, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_TABLE},
        {OFPT_TABLE_MOD, "\0\0\0\0\0\0\0\4", 8, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG},
        {OFPT_QUEUE_GET_CONFIG_REQUEST, "\0\0\0\x09\0\0\0\0", 8, OFPET_QUEUE_OP_FAILED, 0},
        {OFPT_MULTIPART_REQUEST, "\0\0\0\1\0\0\0\0", 8, OFPET_BAD_REQUEST,
         OFPBRC_MULTIPART_BUFFER_OVERFLOW},
        {OFPT_MULTIPART_REQUEST, "\0\4\0\0\0\0\0\0\0\0\0\x09\0\0\0\0", 16, OFPET_BAD_REQUEST,
         OFPBRC_BAD_PORT},
    };
    up();
    send_type(OFPT_METER_MOD, "\0\0\0\0\0\0\0\1", 8); /* there is one */
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t body[64] = {0};
        if (table[i].body)
            memcpy(body, table[i].body, table[i].n);
        send_type(table[i].type, body, table[i].n);
        expect_error(table[i].error, table[i].code);
    }
    assert_int_equal(ofs_counters(b.s).errors_sent, sizeof table / sizeof table[0]);
    stop();
}

static void flow_mods_become_visible_by_the_end_of_what_came(void **state)
{
    (void)state;
    up();
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1);
    send_flow_mod(&mod);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.commits, 1);
    assert_int_equal(ofm_flow_count(b.m), 1);
    uint8_t m[1024];
    struct writer w = writer_of(m, sizeof m);
    mod = mod_of(OFPFC_ADD, 2);
    ofw_flow_mod_encode(&w, 1, &mod);
    ofw_simple_encode(&w, OFPT_BARRIER_REQUEST, 2, NULL, 0);
    mod = mod_of(OFPFC_ADD, 3);
    ofw_flow_mod_encode(&w, 3, &mod);
    assert_int_equal(ofs_rx(b.s, m, w.len, 2), 0);
    drain(SIZE_MAX);
    assert_int_equal(b.commits, 3); /* at the barrier, and at the end */
    assert_int_equal(b.flows_at_commit, 3);
    mod.table = 254;
    send_flow_mod(&mod);
    expect_error(OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID);
    mod.table = 0;
    mod.buffer_id = 5;
    send_flow_mod(&mod);
    assert_int_equal(b.released, 5);
    mod.buffer_id = 99;
    send_flow_mod(&mod);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
    stop();
}

/* ---- multiparts ---- */

static void request_multipart(uint16_t type, const void *rest, size_t n)
{
    uint8_t body[256] = {(uint8_t)(type >> 8), (uint8_t)type};
    if (n)
        memcpy(body + 8, rest, n);
    send_type(OFPT_MULTIPART_REQUEST, body, 8 + n);
}

static void multiparts_are_answered(void **state)
{
    (void)state;
    up();
    request_multipart(OFPMP_DESC, NULL, 0);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].len, 8 + 1056);
    assert_string_equal((const char *)b.seen[0].body + 8, "weft");
    request_multipart(OFPMP_PORT_DESC, NULL, 0);
    assert_int_equal(b.seen[0].len, 8 + 3 * 64);
    request_multipart(OFPMP_PORT_STATS, "\xff\xff\xff\xff\0\0\0\0", 8);
    assert_int_equal(b.seen[0].len, 8 + 3 * 112);
    request_multipart(OFPMP_PORT_STATS, "\0\0\0\2\0\0\0\0", 8);
    assert_int_equal(b.seen[0].len, 8 + 112);
    request_multipart(OFPMP_TABLE, NULL, 0);
    assert_int_equal(b.seen[0].len, 8 + 254 * 24);
    request_multipart(OFPMP_QUEUE, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(b.seen[0].len, 8);
    request_multipart(OFPMP_TABLE_FEATURES, NULL, 0);
    size_t tables = 0;
    for (unsigned i = 0; i < b.n; i++) {
        assert_int_equal(u16_at(&b.seen[i], 2), i + 1 < b.n); /* more */
        for (size_t at = 8; at < b.seen[i].len; at += u16_at(&b.seen[i], at))
            tables++;
    }
    assert_int_equal(tables, 254);
    stop();
}

static const uint8_t all_flows[40] = {0xff, 0,    0,    0,    0xff,     0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, [32] = 0, 1,    0,    4};

static void a_big_dump_is_split_and_needs_little_memory(void **state)
{
    (void)state;
    up();
    uint32_t n = 20000;
    for (uint32_t i = 1; i <= n; i++) {
        struct ofw_flow_mod mod = mod_of(OFPFC_ADD, i);
        struct ofw_error e;
        assert_int_equal(ofm_flow_mod(b.m, &mod, false, 0, &e), 0);
    }
    uint8_t request[64];
    struct writer w = writer_of(request, sizeof request);
    uint8_t body[48] = {0, OFPMP_FLOW};
    memcpy(body + 8, all_flows, sizeof all_flows);
    ofw_simple_encode(&w, OFPT_MULTIPART_REQUEST, 5, body, sizeof body);
    ofw_simple_encode(&w, OFPT_BARRIER_REQUEST, 6, NULL, 0);
    assert_int_equal(ofs_rx(b.s, request, w.len, 1), 0);
    size_t waiting;
    (void)ofs_out(b.s, &waiting);
    assert_true(waiting < 400 << 10);
    assert_false(ofs_wants_rx(b.s));
    drain(10000);
    assert_true(ofs_wants_rx(b.s));
    uint32_t flows = 0;
    for (unsigned i = 0; i + 1 < b.n; i++) {
        assert_int_equal(b.seen[i].h.xid, 5);
        assert_int_equal(u16_at(&b.seen[i], 2), i + 2 < b.n);
        for (size_t at = 8; at < b.seen[i].len; at += u16_at(&b.seen[i], at))
            flows++;
    }
    assert_int_equal(flows, n);
    assert_int_equal(b.seen[b.n - 1].h.type, OFPT_BARRIER_REPLY); /* after all of it */
    request_multipart(OFPMP_AGGREGATE, all_flows, sizeof all_flows);
    struct reader r = reader_of(b.seen[0].body + 8, 24);
    assert_int_equal(read_u64(&r), 0); /* counters of a new flow start at zero */
    (void)read_u64(&r);
    assert_int_equal(read_u32(&r), n);
    stop();
}

/* ---- asynchronous messages, liveness ---- */

static void packet_ins_beyond_the_backlog_are_dropped_and_counted(void **state)
{
    (void)state;
    static const uint8_t frame[1000];
    struct ofw_packet_in p = {.buffer_id = OF_NO_BUFFER,
                              .total_len = 1000,
                              .data = frame,
                              .data_len = 1000};
    start_with((struct ofs_options){.max_backlog = 5000});
    ofs_packet_in(b.s, &p); /* not up: ignored */
    drain(SIZE_MAX);
    send_raw(OF13_VERSION, OFPT_HELLO, 1, NULL, 0);
    for (unsigned i = 0; i < 10; i++)
        ofs_packet_in(b.s, &p);
    drain(SIZE_MAX);
    assert_int_equal(b.n, 4);
    assert_int_equal(b.seen[0].h.type, OFPT_PACKET_IN);
    assert_int_equal(ofs_counters(b.s).packet_ins, 4);
    assert_int_equal(ofs_counters(b.s).packet_ins_dropped, 6);
    struct ofw_flow_removed removed = {.reason = OFPRR_DELETE};
    struct ofw_port port = {.no = 2};
    ofs_flow_removed(b.s, &removed);
    ofs_port_status(b.s, OFPPR_ADD, &port);
    drain(SIZE_MAX);
    assert_int_equal(b.seen[0].h.type, OFPT_FLOW_REMOVED);
    assert_int_equal(b.seen[1].h.type, OFPT_PORT_STATUS);
    stop();
}

/* Each reason has its own. */
static void packet_ins_of_a_reason_have_a_rate(void **state)
{
    (void)state;
    static uint8_t frame[60];
    struct ofw_packet_in in = {.total_len = 60, .data = frame, .data_len = 60};
    start_with((struct ofs_options){.packet_in_rate = 100, .packet_in_burst = 10});
    drain(SIZE_MAX);
    send_raw(OF13_VERSION, OFPT_HELLO, 1, NULL, 0);
    for (unsigned ms = 0; ms < 2000; ms++) {
        ofs_time(b.s, NSEC_PER_SEC + ms * NSEC_PER_MSEC);
        in.reason = OFPR_NO_MATCH;
        ofs_packet_in(b.s, &in);
        in.reason = OFPR_ACTION;
        if (ms % 20 == 0) /* within the rate: none is lost */
            ofs_packet_in(b.s, &in);
    }
    uint64_t sent = ofs_counters(b.s).packet_ins;
    assert_true(sent >= 100 + 200 && sent <= 100 + 210);
    assert_int_equal(ofs_counters(b.s).packet_ins_limited, 2100 - sent);
    stop();
}

static void silence_is_probed_and_then_ends_the_session(void **state)
{
    (void)state;
    up();
    nsec_t t = ofs_deadline(b.s);
    assert_int_equal(t, 1 + 5 * NSEC_PER_SEC);
    assert_int_equal(ofs_tick(b.s, t - 1), 0);
    drain(SIZE_MAX);
    assert_int_equal(b.n, 0);
    assert_int_equal(ofs_tick(b.s, t), 0);
    drain(SIZE_MAX);
    assert_int_equal(b.seen[0].h.type, OFPT_ECHO_REQUEST);
    assert_int_equal(ofs_tick(b.s, t + NSEC_PER_SEC), 0);
    assert_int_equal(ofs_rx(b.s, "\x04\x03\x00\x08\0\0\0\1", 8, t + 2 * NSEC_PER_SEC), 0);
    assert_int_equal(ofs_deadline(b.s), t + 7 * NSEC_PER_SEC);
    assert_int_equal(ofs_tick(b.s, t + 7 * NSEC_PER_SEC), 0);
    assert_int_equal(ofs_tick(b.s, t + 12 * NSEC_PER_SEC), -1);
    assert_non_null(strstr(ofs_why(b.s), "echo"));
    stop();
    start_with((struct ofs_options){0});
    assert_int_equal(ofs_tick(b.s, 10 * NSEC_PER_SEC), -1); /* no hello */
    stop();
}

/* ---- any split ---- */

static size_t conversation(uint8_t *to, size_t cap)
{
    struct writer w = writer_of(to, cap);
    ofw_hello_encode(&w, 1, 1 << 4);
    ofw_simple_encode(&w, OFPT_FEATURES_REQUEST, 2, NULL, 0);
    for (uint32_t i = 1; i < 20; i++) {
        struct ofw_flow_mod mod = mod_of(i % 5 == 4 ? OFPFC_DELETE : OFPFC_ADD, i);
        mod.table = i == 7 ? 254 : 0;
        ofw_flow_mod_encode(&w, i, &mod);
    }
    uint8_t body[48] = {0, OFPMP_FLOW};
    memcpy(body + 8, all_flows, sizeof all_flows);
    ofw_simple_encode(&w, OFPT_MULTIPART_REQUEST, 50, body, sizeof body);
    ofw_simple_encode(&w, OFPT_BARRIER_REQUEST, 51, NULL, 0);
    assert_false(w.bad);
    return w.len;
}

static void byte_by_byte_is_the_same_as_at_once(void **state)
{
    (void)state;
    uint8_t in[8192];
    size_t n = conversation(in, sizeof in);
    start_with((struct ofs_options){0});
    assert_int_equal(ofs_rx(b.s, in, n, 1), 0);
    drain(SIZE_MAX);
    size_t len = b.sent_len;
    uint8_t *at_once = malloc(len);
    memcpy(at_once, b.sent, len);
    stop();
    start_with((struct ofs_options){0});
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ofs_rx(b.s, in + i, 1, 1), 0);
    drain(1);
    assert_int_equal(b.sent_len, len);
    assert_memory_equal(b.sent, at_once, len);
    free(at_once);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_agrees_on_a_version),
        cmocka_unit_test(another_version_later_is_refused),
        cmocka_unit_test(a_length_below_the_header_ends_the_session),
        cmocka_unit_test(small_requests_are_answered),
        cmocka_unit_test(refusals_carry_the_specified_error),
        cmocka_unit_test(flow_mods_become_visible_by_the_end_of_what_came),
        cmocka_unit_test(multiparts_are_answered),
        cmocka_unit_test(a_big_dump_is_split_and_needs_little_memory),
        cmocka_unit_test(packet_ins_beyond_the_backlog_are_dropped_and_counted),
        cmocka_unit_test(packet_ins_of_a_reason_have_a_rate),
        cmocka_unit_test(silence_is_probed_and_then_ends_the_session),
        cmocka_unit_test(byte_by_byte_is_the_same_as_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
