/* OpenFlow 1.4 and 1.5 on the wire, through a session (1.4.1, 7.3.10; 1.5.1, 7.2.5, 7.2.6, 7.3.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ofproto/model/meter.h"
#include "ofproto/wire/of15.h"
#include "tests/unit/fake_session.h"

static void up_as(uint8_t version)
{
    start_with((struct ofs_options){0});
    drain(SIZE_MAX);
    send_raw(version, OFPT_HELLO, 1, NULL, 0);
    assert_int_equal(ofs_version(b.s), version);
}

/* Flow-mod ADD in table 0 for every packet, with these instructions. */
static void add_flow(uint8_t version, const void *instructions, size_t n)
{
    uint8_t body[256];
    struct writer w = writer_of(body, sizeof body);
    write_zeros(&w, 16);
    write_zeros(&w, 6);
    write_u16(&w, 7); /* priority */
    for (unsigned i = 0; i < 3; i++)
        write_u32(&w, UINT32_MAX);
    write_u16(&w, 0);
    write_u16(&w, 5); /* importance */
    write_bytes(&w, "\0\1\0\4\0\0\0\0", 8);
    write_bytes(&w, instructions, n);
    send_raw(version, OFPT_FLOW_MOD, 77, body, w.len);
}

static const uint8_t metered[] = {0, 4, 0, 32, 0, 0, 0, 0, 0, 29, 0, 8, 0, 0, 0, 1,
                                  0, 0, 0, 16, 0, 0, 0, 2, 0, 0,  0, 0, 0, 0, 0, 0};

static void a_meter_is_an_action(void **state)
{
    (void)state;
    up_as(6);
    add_flow(6, metered, sizeof metered);
    expect_error(OFPET_METER_MOD_FAILED, OFPMMFC_INVALID_METER);
    send_raw(6, OFPT_METER_MOD, 77, "\0\0\0\1\0\0\0\1\0\1\0\x10\0\0\0\x64\0\0\0\0\0\0\0\0", 24);
    assert_int_equal(b.n, 0);
    add_flow(6, metered, sizeof metered);
    assert_int_equal(b.n, 0);
    assert_int_equal(ofm_meter(b.m, 1)->flows, 1);
    uint8_t request[48] = {0, 1};
    memset(request + 12, 0xff, 8);
    request[8] = OFPTT_ALL;
    memcpy(request + 40, "\0\1\0\4\0\0\0\0", 8);
    send_raw(6, OFPT_MULTIPART_REQUEST, 77, request, sizeof request);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.version, 6);
    /* multipart 8, description 24, match 8, statistics 40, the instruction as it was */
    assert_int_equal(b.seen[0].len, 8 + 24 + 8 + 40 + sizeof metered);
    assert_memory_equal(b.seen[0].body + 80, metered, sizeof metered);
    assert_memory_equal(b.seen[0].body + 40, "\0\0\0\x28\x80\x02\0\x08", 8); /* OXS: duration */
    request[1] = 17; /* FLOW_STATS: the same without instructions */
    send_raw(6, OFPT_MULTIPART_REQUEST, 77, request, sizeof request);
    assert_int_equal(u16_at(&b.seen[0], 0), 17);
    assert_int_equal(b.seen[0].len, 8 + 8 + 8 + 40);
    stop();
}

static void a_meter_comes_first_and_once(void **state)
{
    (void)state;
    static const uint8_t late[] = {0, 4, 0, 32, 0, 0, 0, 0, 0, 0,  0, 16, 0, 0, 0, 2,
                                   0, 0, 0, 0,  0, 0, 0, 0, 0, 29, 0, 8,  0, 0, 0, 1};
    static const uint8_t trigger[] = {0, 7, 0, 8, 0, 0, 0, 0};
    up_as(6);
    add_flow(6, late, sizeof late);
    expect_error(OFPET_BAD_ACTION, OFPBAC_UNSUPPORTED_ORDER);
    add_flow(6, trigger, sizeof trigger);
    expect_error(OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST);
    add_flow(6, "\0\4\0\x10\0\0\0\0\0\0\0\x10\0\0\0\1", 16);
    expect_error(OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
    stop();
}

static void groups_have_properties(void **state)
{
    (void)state;
    static const uint8_t add[] = {
        0, 0,  1, 0,  0, 0, 0, 9, 0, 64, 0, 0,  0, 0, 0, 0, /* select, 64 bytes of buckets */
        0, 32, 0, 16, 0, 0, 0, 0, 0, 0,  0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* output:1 */
        0, 0,  0, 8,  0, 3, 0, 0,                                                   /* weight 3 */
        0, 32, 0, 16, 0, 0, 0, 1, 0, 0,  0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, /* output:2 */
        0, 0,  0, 8,  0, 5, 0, 0,                                                   /* weight 5 */
    };
    up_as(6);
    send_raw(6, OFPT_GROUP_MOD, 77, add, sizeof add);
    assert_int_equal(b.n, 0);
    assert_int_equal(ofm_group(b.m, 9)->n, 2);
    assert_int_equal(ofm_group(b.m, 9)->bucket[1].w.weight, 5);
    send_raw(6, OFPT_MULTIPART_REQUEST, 77, "\0\7\0\0\0\0\0\0\xff\xff\xff\xfc\0\0\0\0", 16);
    assert_int_equal(b.seen[0].len, 8 + 16 + 64);
    assert_memory_equal(b.seen[0].body + 24, add + 16, 64);
    stop();
}

/* 1.4: what an asynchronous configuration doesn't name stays (7.3.10). */
static void asynchronous_configuration_has_properties(void **state)
{
    (void)state;
    up_as(5);
    send_raw(5, OFPT_SET_ASYNC, 77, "\0\1\0\x08\0\0\0\1", 8); /* packet-ins as master: no match */
    assert_int_equal(b.n, 0);
    assert_true(ofs_wants_packet_in(b.s, OFPR_NO_MATCH));
    assert_false(ofs_wants_packet_in(b.s, OFPR_ACTION));
    send_raw(5, OFPT_GET_ASYNC_REQUEST, 77, NULL, 0);
    assert_int_equal(b.seen[0].len, 48);
    assert_memory_equal(b.seen[0].body + 8, "\0\1\0\x08\0\0\0\1", 8);
    assert_memory_equal(b.seen[0].body + 24, "\0\3\0\x08\0\0\0\7", 8); /* port-status: all */
    send_raw(5, OFPT_SET_ASYNC, 77, "\0\1\0\x06\0\0\0\0", 8);
    expect_error(OFPET14_BAD_PROPERTY, OFPBPC_BAD_LEN);
    send_raw(5, OFPT_QUEUE_GET_CONFIG_REQUEST, 77, "\0\0\0\1\0\0\0\0", 8); /* no more */
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE);
    stop();
}

static void a_packet_out_has_a_match(void **state)
{
    (void)state;
    static const uint8_t out[] = {0xff, 0xff, 0xff, 0xff, 0, 16, 0, 0,  0,  1,  0,  12, 0x80, 0,
                                  0,    4,    0,    0,    0, 1,  0, 0,  0,  0,  0,  0,  0,    16,
                                  0,    0,    0,    2,    0, 0,  0, 0,  0,  0,  0,  0,  1,    2,
                                  3,    4,    5,    6,    7, 8,  9, 10, 11, 12, 13, 14};
    up_as(6);
    send_raw(6, OFPT_PACKET_OUT, 77, out, sizeof out);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.packet_outs, 1);
    send_raw(6, OFPT_PACKET_OUT, 77, out, 30);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meter_is_an_action),
        cmocka_unit_test(a_meter_comes_first_and_once),
        cmocka_unit_test(groups_have_properties),
        cmocka_unit_test(asynchronous_configuration_has_properties),
        cmocka_unit_test(a_packet_out_has_a_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
