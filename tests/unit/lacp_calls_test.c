/* lacp: markers (6.5), and what the engine's calls promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "lacp/internal.h"
#include "tests/unit/fake_lacp.h"

#define S(n)  ((nsec_t)(n)*NSEC_PER_SEC)
#define MS(n) ((nsec_t)(n)*NSEC_PER_MSEC)

static struct lacp_lan lan;

static int end(void **state)
{
    (void)state;
    lan_free(&lan);
    lan.n_systems = 0;
    return 0;
}

/* One system with one port whose partner is the test. */
static struct lacp *alone(const struct lacp_port_config *c)
{
    lan_free(&lan);
    lan = (struct lacp_lan){.now = S(1), .rng = {1}};
    lan_system(&lan, 0, NULL);
    assert_int_equal(lacp_port_set(lan.sys[0], 0, c, lan.now, NULL), 0);
    struct lacp_link up = {true, true, 10000};
    lacp_link(lan.sys[0], 0, &up, lan.now);
    return lan.sys[0];
}

/* ---- 6.5 Marker ---- */

static void clause_6_5_4_2_a_marker_is_answered_with_its_own_words(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    struct lacp *l = alone(&c);
    struct marker_pdu m = {MARKER_INFORMATION, 7, lan_mac(9), 0xcafe}, got;
    uint8_t b[LACP_PDU_LEN];
    struct lacp_action a;
    while (lacp_poll(l, &a))
        ;
    marker_pdu_write(&m, b);
    assert_int_equal(lacp_rx(l, 0, b, sizeof b, lan.now), 0);
    assert_true(lacp_poll(l, &a) && a.kind == LACP_ACT_SEND);
    assert_int_equal(marker_pdu_read(a.pdu, sizeof a.pdu, &got), 0);
    assert_int_equal(got.type, MARKER_RESPONSE);
    assert_int_equal(got.port, 7);
    assert_int_equal(got.transaction, 0xcafe);
    assert_memory_equal(&got.system, &m.system, sizeof m.system);
    for (int i = 0; i < 100; i++)
        assert_int_equal(lacp_rx(l, 0, b, sizeof b, lan.now), 0);
    unsigned n = 0;
    while (lacp_poll(l, &a))
        n += a.kind == LACP_ACT_SEND;
    assert_int_equal(n, MARKER_QUEUE);
    assert_int_equal(lan_status(&lan, 0, 0).stats.marker_dropped, 96);
}

static void clause_6_5_4_1_a_marker_of_ours_comes_back_or_is_missed(void **state)
{
    (void)state;
    lan_pair(&lan, 1);
    lan_run(&lan, S(5));
    assert_int_equal(lacp_marker(lan.sys[0], 0, lan.now), 0);
    assert_int_equal(lacp_marker(lan.sys[0], 0, lan.now), -EBUSY);
    lan_run(&lan, MS(1));
    assert_int_equal(lan.events[0][LACP_EV_MARKER], 1);
    lan.wire[0].dead[1] = true;
    assert_int_equal(lacp_marker(lan.sys[0], 0, lan.now), 0);
    lan_run(&lan, S(3));
    assert_int_equal(lan.events[0][LACP_EV_MARKER], 1);
    assert_int_equal(lan.events[0][LACP_EV_MARKER_LOST], 1);
    assert_int_equal(lacp_marker(lan.sys[0], 7, lan.now), -ENOENT);
}

/* ---- the calls ---- */

static void other_slow_protocols_and_rubbish_are_counted_and_left(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    struct lacp *l = alone(&c);
    const uint8_t oam[] = {3, 0, 0, 0}, none[] = {0}, brief[] = {1, 1};
    assert_int_equal(lacp_rx(l, 0, oam, sizeof oam, lan.now), -EOPNOTSUPP);
    assert_int_equal(lacp_rx(l, 0, none, 1, lan.now), -EPROTO);
    assert_int_equal(lacp_rx(l, 0, none, 0, lan.now), -EPROTO);
    assert_int_equal(lacp_rx(l, 0, brief, sizeof brief, lan.now), -EPROTO);
    assert_int_equal(lacp_rx(l, 5, oam, sizeof oam, lan.now), -ENOENT);
    assert_int_equal(lan_status(&lan, 0, 0).stats.rx_unknown, 1);
    assert_int_equal(lan_status(&lan, 0, 0).stats.rx_bad, 3);
}

static void what_is_impossible_is_refused_with_a_message(void **state)
{
    (void)state;
    struct errbuf e = {""};
    struct lacp *l = NULL;
    struct lacp_config c = {{{0}}, 1, 1, 1};
    assert_int_equal(lacp_create(&c, 0, &l, &e), -EINVAL);
    c.system = lan_mac(0);
    c.ports = LACP_PORTS_MAX + 1;
    assert_int_equal(lacp_create(&c, 0, &l, &e), -EINVAL);
    assert_non_null(strstr(e.text, "257 ports"));
    struct lacp_port_config p = lan_port(0);
    l = alone(&p);
    assert_int_equal(lacp_port_set(l, 1, &p, lan.now, &e), -EEXIST);
    assert_int_equal(lacp_port_set(l, LAN_WIRES, &p, lan.now, &e), -ENOSPC);
    p.key = 0;
    assert_int_equal(lacp_port_set(l, 0, &p, lan.now, &e), -EINVAL);
    struct lacp_agg_config a = {0};
    assert_int_equal(lacp_agg_set(l, 0, &a, lan.now, &e), -EINVAL);
    assert_int_equal(lacp_agg_set(l, 2, &a, lan.now, &e), -ENOSPC);
    lacp_free(NULL);
}

static void a_port_that_goes_away_closes_its_gate_once(void **state)
{
    (void)state;
    lan_pair(&lan, 1);
    lan_run(&lan, S(5));
    assert_true(lan_open(&lan, 0, 0));
    lacp_port_del(lan.sys[0], 0, lan.now);
    struct lacp_action a;
    assert_true(lacp_poll(lan.sys[0], &a));
    assert_int_equal(a.kind, LACP_ACT_GATE);
    assert_int_equal(a.agg, 0);
    assert_false(a.collecting || a.distributing);
    assert_false(lacp_poll(lan.sys[0], &a));
    assert_false(lacp_port_status(lan.sys[0], 0, &(struct lacp_port_status){0}));
}

static void gates_close_before_and_open_before_pdus_leave(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_run(&lan, S(5));
    lan_set_up(&lan, 0, false);
    struct lacp_link up = {true, true, 10000};
    lacp_link(lan.sys[0], 0, &up, lan.now); /* down and up before anybody looked */
    struct lacp_action a;
    int last = -1;
    while (lacp_poll(lan.sys[0], &a)) {
        int rank = a.kind == LACP_ACT_GATE   ? (a.collecting ? 1 : 0)
                   : a.kind == LACP_ACT_SEND ? 2
                                             : 3;
        assert_true(rank >= last);
        last = rank;
    }
    assert_int_equal(last, 2);
    assert_false(lan_status(&lan, 0, 0).actor.state & LACP_COLLECTING);
}

static void state_bits_are_spelt_out(void **state)
{
    (void)state;
    char buf[100], tiny[9];
    assert_string_equal(lacp_state_text(0x3f, buf, sizeof buf),
                        "active,fast,aggregatable,in-sync,collecting,distributing");
    assert_string_equal(lacp_state_text(0xc0, buf, sizeof buf),
                        "passive,slow,individual,out-of-sync,defaulted,expired");
    assert_string_equal(lacp_state_text(0x3f, tiny, sizeof tiny), "active,f");
}

#define T(f) cmocka_unit_test_teardown(f, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(clause_6_5_4_2_a_marker_is_answered_with_its_own_words),
        T(clause_6_5_4_1_a_marker_of_ours_comes_back_or_is_missed),
        T(other_slow_protocols_and_rubbish_are_counted_and_left),
        T(what_is_impossible_is_refused_with_a_message),
        T(a_port_that_goes_away_closes_its_gate_once),
        T(gates_close_before_and_open_before_pdus_leave),
        T(state_bits_are_spelt_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
