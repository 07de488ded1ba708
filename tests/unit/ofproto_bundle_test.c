/* Bundles (1.4.1, 6.9 and 7.3.9; ONF extension 230 for 1.3), through a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ofproto/wire/bundle.h"
#include "tests/unit/fake_session.h"

static void control(uint16_t type, uint32_t id, uint16_t flags)
{
    uint8_t body[16];
    struct writer w = writer_of(body, sizeof body);
    write_u32(&w, ONF_EXPERIMENTER);
    write_u32(&w, ONFT_BUNDLE_CONTROL);
    write_u32(&w, id);
    write_u16(&w, type);
    write_u16(&w, flags);
    send_type(OFPT_EXPERIMENTER, body, w.len);
}

static void expect_reply(uint16_t type, uint32_t id)
{
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_EXPERIMENTER);
    assert_int_equal(u16_at(&b.seen[0], 10), id);
    assert_int_equal(u16_at(&b.seen[0], 12), type);
}

/* seen[at] is the extension's form of 1.4's error. */
static void expect_bundle_error_at(unsigned at, uint16_t code)
{
    assert_true(b.n > at);
    assert_int_equal(b.seen[at].h.type, OFPT_ERROR);
    assert_int_equal(u16_at(&b.seen[at], 0), 0xffff);
    assert_int_equal(u16_at(&b.seen[at], 2), ONF_BUNDLE_ERROR + code);
    assert_memory_equal(b.seen[at].body + 4, "\x4f\x4e\x46\x00", 4);
}

static void expect_bundle_error(uint16_t code)
{
    assert_int_equal(b.n, 1);
    expect_bundle_error_at(0, code);
}

static void add_raw(uint32_t id, uint16_t flags, const void *message, size_t n)
{
    uint8_t body[2048];
    struct writer w = writer_of(body, sizeof body);
    write_u32(&w, ONF_EXPERIMENTER);
    write_u32(&w, ONFT_BUNDLE_ADD_MESSAGE);
    write_u32(&w, id);
    write_u16(&w, 0);
    write_u16(&w, flags);
    write_bytes(&w, message, n);
    send_type(OFPT_EXPERIMENTER, body, w.len);
}

static void add_flow(uint32_t id, uint16_t flags, uint32_t in_port, uint32_t group, uint32_t xid)
{
    struct ofw_action a = {.type = OFPAT_GROUP, .port = group};
    struct ofw_flow_mod mod = {.priority = 10,
                               .buffer_id = OF_NO_BUFFER,
                               .out_port = OFPP_ANY,
                               .out_group = OFPG_ANY};
    be32 port = to_be32(in_port);
    uint8_t m[512];
    struct writer w = writer_of(m, sizeof m);
    flow_match_set(&mod.match, FF_IN_PORT, &port, NULL);
    if (group) {
        mod.instr.has_apply = true;
        mod.instr.apply = (struct ofw_actions){.n = 1, .a = &a};
    }
    ofw_flow_mod_encode(&w, xid, &mod);
    add_raw(id, flags, m, w.len);
}

static void a_commit_does_everything_at_once(void **state)
{
    (void)state;
    up();
    control(OFPBCT_OPEN_REQUEST, 5, OFPBF_ATOMIC | OFPBF_ORDERED);
    expect_reply(OFPBCT_OPEN_REPLY, 5);
    for (uint32_t i = 1; i <= 50; i++) {
        add_flow(5, OFPBF_ATOMIC | OFPBF_ORDERED, i, 0, 77);
        assert_int_equal(b.n, 0);
    }
    assert_int_equal(ofm_flow_count(b.m), 0);
    control(OFPBCT_CLOSE_REQUEST, 5, OFPBF_ATOMIC | OFPBF_ORDERED);
    expect_reply(OFPBCT_CLOSE_REPLY, 5);
    unsigned before = b.commits;
    control(OFPBCT_COMMIT_REQUEST, 5, OFPBF_ATOMIC | OFPBF_ORDERED);
    expect_reply(OFPBCT_COMMIT_REPLY, 5);
    assert_int_equal(ofm_flow_count(b.m), 50);
    assert_int_equal(b.commits, before + 2); /* what was before; the bundle */
    assert_int_equal(b.flows_at_commit, 50);
    control(OFPBCT_COMMIT_REQUEST, 5, OFPBF_ATOMIC | OFPBF_ORDERED);
    expect_bundle_error(OFPBFC_BAD_ID);
    stop();
}

static void one_that_fails_undoes_all(void **state)
{
    (void)state;
    up();
    add_flow(1, 0, 1, 0, 77); /* opens it */
    add_flow(1, 0, 2, 9, 77); /* no such group: known only at the commit */
    assert_int_equal(b.n, 0);
    control(OFPBCT_COMMIT_REQUEST, 1, 0);
    assert_int_equal(b.n, 2);
    assert_int_equal(u16_at(&b.seen[0], 0), OFPET_BAD_ACTION);
    assert_int_equal(u16_at(&b.seen[0], 2), OFPBAC_BAD_OUT_GROUP);
    expect_bundle_error_at(1, OFPBFC_MSG_FAILED);
    assert_int_equal(ofm_flow_count(b.m), 0);
    control(OFPBCT_DISCARD_REQUEST, 1, 0);
    expect_bundle_error(OFPBFC_BAD_ID);
    stop();
}

static void errors_are_those_that_the_extension_names(void **state)
{
    (void)state;
    up();
    control(OFPBCT_OPEN_REQUEST, 1, 8);
    expect_bundle_error(OFPBFC_BAD_FLAGS);
    control(OFPBCT_CLOSE_REQUEST, 1, 0);
    expect_bundle_error(OFPBFC_BAD_ID);
    control(OFPBCT_OPEN_REPLY, 1, 0);
    expect_bundle_error(OFPBFC_BAD_TYPE);
    control(99, 1, 0);
    expect_bundle_error(OFPBFC_BAD_TYPE);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    expect_bundle_error(OFPBFC_BUNDLE_EXIST);
    control(OFPBCT_DISCARD_REQUEST, 1, 0); /* it is discarded by that */
    expect_bundle_error(OFPBFC_BAD_ID);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    add_flow(1, OFPBF_ATOMIC, 1, 0, 77);
    expect_bundle_error(OFPBFC_BAD_FLAGS);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    add_flow(1, 0, 1, 0, 78);
    expect_bundle_error(OFPBFC_MSG_BAD_XID);
    add_raw(1, 0, "\x04\x02\0\x08\0\0\0\x4d", 8); /* an echo request */
    expect_bundle_error(OFPBFC_MSG_UNSUP);
    add_raw(1, 0, "\x04\x0e\0\x38\0\0\0\x4d", 8);
    expect_bundle_error(OFPBFC_MSG_BAD_LEN);
    add_raw(1, 0, "\x04\x0e\0\x08\0\0\0\x4d", 8); /* what is wrong by itself is refused at once */
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
    add_raw(1, 0, "\x05\x0e\0\x08\0\0\0\x4d", 8);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION);
    control(OFPBCT_CLOSE_REQUEST, 1, 0);
    control(OFPBCT_CLOSE_REQUEST, 1, 0);
    expect_bundle_error(OFPBFC_BUNDLE_CLOSED);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    control(OFPBCT_CLOSE_REQUEST, 1, 0);
    add_flow(1, 0, 1, 0, 77);
    expect_bundle_error(OFPBFC_BUNDLE_CLOSED);
    for (uint32_t i = 0; i < WEFT_BUNDLES_MAX; i++)
        control(OFPBCT_OPEN_REQUEST, 100 + i, 0);
    expect_reply(OFPBCT_OPEN_REPLY, 100 + WEFT_BUNDLES_MAX - 1);
    control(OFPBCT_OPEN_REQUEST, 99, 0);
    expect_bundle_error(OFPBFC_OUT_OF_BUNDLES);
    send_type(OFPT_EXPERIMENTER, "\x4f\x4e\x46\x00\0\0\0\1", 8);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE);
    stop();
}

static void a_slave_has_no_bundles(void **state)
{
    (void)state;
    up();
    send_type(OFPT_ROLE_REQUEST, "\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE);
    add_flow(1, 0, 1, 0, 77);
    expect_error(OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE);
    stop();
}

static void an_idle_bundle_is_discarded(void **state)
{
    (void)state;
    up();
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    nsec_t due = 1 + WEFT_BUNDLE_IDLE_S * NSEC_PER_SEC;
    for (nsec_t now = 1; now < due - 1; now += NSEC_PER_SEC) {
        assert_true(ofs_deadline(b.s) <= due);
        (void)ofs_rx(b.s, "\x04\3\0\x08\0\0\0\1", 8, now); /* an echo reply keeps the session */
        assert_int_equal(ofs_tick(b.s, now), 0);
    }
    drain(SIZE_MAX);
    assert_int_equal(b.n, 0);
    assert_int_equal(ofs_tick(b.s, due), 0);
    drain(SIZE_MAX);
    expect_bundle_error(OFPBFC_TIMEOUT);
    control(OFPBCT_COMMIT_REQUEST, 1, 0);
    expect_bundle_error(OFPBFC_BAD_ID);
    stop();
}

static void memory_is_bounded_and_given_back(void **state)
{
    (void)state;
    static uint8_t mod[60000];
    up();
    size_t used = (size_t)WEFT_BUNDLE_BYTES - (1 << 20);
    b.bundle_bytes = used;
    struct writer w = writer_of(mod, sizeof mod);
    struct ofw_flow_mod one = {.buffer_id = OF_NO_BUFFER,
                               .out_port = OFPP_ANY,
                               .out_group = OFPG_ANY};
    ofw_flow_mod_encode(&w, 77, &one);
    control(OFPBCT_OPEN_REQUEST, 1, 0);
    unsigned n = 0;
    for (b.n = 0; b.n == 0 && n < 100000; n++)
        add_raw(1, 0, mod, w.len);
    expect_bundle_error(OFPBFC_MSG_TOO_MANY);
    assert_true(n * w.len <= 1 << 20 && b.bundle_bytes <= (size_t)WEFT_BUNDLE_BYTES);
    control(OFPBCT_DISCARD_REQUEST, 1, 0);
    assert_int_equal(b.bundle_bytes, used);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_does_everything_at_once),
        cmocka_unit_test(one_that_fails_undoes_all),
        cmocka_unit_test(errors_are_those_that_the_extension_names),
        cmocka_unit_test(a_slave_has_no_bundles),
        cmocka_unit_test(an_idle_bundle_is_discarded),
        cmocka_unit_test(memory_is_bounded_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
