/* Roles of controllers and what each hears of (1.3.5, 6.3.5 and 6.3.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/fake_session.h"

static void send_role(uint32_t role, uint64_t generation)
{
    uint8_t body[16];
    struct writer w = writer_of(body, sizeof body);
    write_u32(&w, role);
    write_zeros(&w, 4);
    write_u64(&w, generation);
    send_type(OFPT_ROLE_REQUEST, body, sizeof body);
}

static void expect_role(uint32_t role, uint64_t generation)
{
    struct ofw_role_msg r;
    struct ofw_error e;
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_ROLE_REPLY);
    assert_int_equal(ofw_role_decode(reader_of(b.seen[0].body, b.seen[0].len), &r, &e), 0);
    assert_int_equal(r.role, role);
    assert_int_equal(r.generation, generation);
}

static void roles_follow_6_3_6(void **state)
{
    (void)state;
    static const uint8_t changes[] = {OFPT_PACKET_OUT, OFPT_FLOW_MOD,  OFPT_GROUP_MOD,
                                      OFPT_PORT_MOD,   OFPT_TABLE_MOD, OFPT_METER_MOD};
    up();
    send_role(OFPCR_NOCHANGE, 0);
    expect_role(OFPCR_EQUAL, UINT64_MAX); /* no election yet */
    send_role(OFPCR_MASTER, UINT64_MAX);
    expect_role(OFPCR_MASTER, UINT64_MAX);
    assert_int_equal(b.demotes, 1);
    send_role(OFPCR_SLAVE, 3); /* the numbers go round */
    expect_role(OFPCR_SLAVE, 3);
    for (unsigned i = 0; i < sizeof changes; i++) {
        send_type(changes[i], NULL, 0);
        expect_error(OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE);
    }
    send_role(OFPCR_MASTER, 2);
    expect_error(OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE);
    send_role(OFPCR_EQUAL, 0); /* its generation is not looked at */
    expect_role(OFPCR_EQUAL, 3);
    send_role(OFPCR_MASTER, 3);
    assert_string_equal(ofs_role_name(b.s), "master");
    ofs_demote(b.s);
    send_role(OFPCR_NOCHANGE, 0);
    expect_role(OFPCR_SLAVE, 3);
    stop();
}

static void asynchronous_messages_are_chosen_by_role_and_reason(void **state)
{
    (void)state;
    struct ofw_packet_in in = {.buffer_id = OF_NO_BUFFER, .reason = OFPR_ACTION};
    struct ofw_port port = {.no = 1};
    uint8_t body[24] = {0};
    up();
    ofs_packet_in(b.s, &in);
    drain(SIZE_MAX);
    assert_int_equal(b.n, 1);
    send_role(OFPCR_SLAVE, 1);
    ofs_packet_in(b.s, &in);
    ofs_port_status(b.s, OFPPR_MODIFY, &port);
    drain(SIZE_MAX);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_PORT_STATUS);
    body[7] = 1 << OFPR_ACTION; /* a slave that wants them, and no port-status */
    send_type(OFPT_SET_ASYNC, body, sizeof body);
    send_type(OFPT_GET_ASYNC_REQUEST, NULL, 0);
    assert_int_equal(b.seen[0].h.type, OFPT_GET_ASYNC_REPLY);
    assert_memory_equal(b.seen[0].body, body, sizeof body);
    ofs_packet_in(b.s, &in);
    in.reason = OFPR_NO_MATCH;
    ofs_packet_in(b.s, &in);
    ofs_port_status(b.s, OFPPR_MODIFY, &port);
    drain(SIZE_MAX);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_PACKET_IN);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_follow_6_3_6),
        cmocka_unit_test(asynchronous_messages_are_chosen_by_role_and_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
