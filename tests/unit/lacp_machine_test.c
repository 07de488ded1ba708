/* lacp: the machines one by one: their arrows, their boxes, and that they come to rest. */
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

/* A PDU of a partner that knows us as we are. */
static struct lacp_pdu partner_pdu(uint8_t state)
{
    struct lacp_port_status s = lan_status(&lan, 0, 0);
    return (struct lacp_pdu){.version = 1,
                             .actor = {32768, lan_mac(9), 5, 100, 3, state},
                             .partner = s.actor};
}

static void hear(const struct lacp_pdu *p)
{
    uint8_t b[LACP_PDU_LEN];
    lacp_pdu_write(p, b);
    assert_int_equal(lacp_rx(lan.sys[0], 0, b, sizeof b, lan.now), 0);
}

enum { GOOD = LACP_ACTIVITY | LACP_TIMEOUT | LACP_AGGREGATION | LACP_SYNC | LACP_COLLECTING };

/* ---- 6.4.12 Receive ---- */

static void figure_6_18_a_port_goes_expired_defaulted_current_by_its_timers(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    alone(&c);
    assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_EXPIRED);
    lan_run(&lan, S(3) - 1);
    assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_EXPIRED);
    lan_run(&lan, 1);
    assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_DEFAULTED);
    struct lacp_pdu p = partner_pdu(GOOD);
    hear(&p);
    assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_CURRENT);
    assert_false(lan_status(&lan, 0, 0).actor.state & (LACP_DEFAULTED | LACP_EXPIRED));
    lan_run(&lan, S(3));
    struct lacp_port_status s = lan_status(&lan, 0, 0);
    assert_int_equal(s.rx, LACP_RX_EXPIRED); /* partner kept, but out of sync, and asked to hurry */
    assert_int_equal(s.partner.port, 3);
    assert_true(s.actor.state & LACP_EXPIRED);
    assert_false(s.partner.state & LACP_SYNC);
    assert_true(s.partner.state & LACP_TIMEOUT);
    lan_run(&lan, S(3));
    s = lan_status(&lan, 0, 0);
    assert_int_equal(s.rx, LACP_RX_DEFAULTED);
    assert_int_equal(s.partner.port, 0);
}

static void clause_6_4_4_the_long_timeout_is_90_s_and_the_short_one_3_s(void **state)
{
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        struct lacp_port_config c = lan_port(0);
        c.fast = fast;
        alone(&c);
        struct lacp_pdu p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, S(fast ? 3 : 90) - 1);
        assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_CURRENT);
        lan_run(&lan, 1);
        assert_int_equal(lan_status(&lan, 0, 0).rx, LACP_RX_EXPIRED);
    }
}

static void clause_6_4_9_record_pdu_believes_in_sync_only_from_who_knows_us(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    alone(&c);
    struct lacp_pdu good = partner_pdu(GOOD), p;
    hear(&good);
    assert_true(lan_status(&lan, 0, 0).partner.state & LACP_SYNC);
    for (int field = 0; field < 6; field++) {
        p = good;
        p.partner.system_priority = (uint16_t)(p.partner.system_priority ^ (field == 0));
        p.partner.system.b[5] = (uint8_t)(p.partner.system.b[5] ^ (field == 1));
        p.partner.key = (uint16_t)(p.partner.key ^ (field == 2));
        p.partner.port_priority = (uint16_t)(p.partner.port_priority ^ (field == 3));
        p.partner.port = (uint16_t)(p.partner.port ^ (field == 4));
        p.partner.state = (uint8_t)(p.partner.state ^ (field == 5 ? LACP_AGGREGATION : 0));
        hear(&p);
        assert_false(lan_status(&lan, 0, 0).partner.state & LACP_SYNC);
        p.actor.state &= (uint8_t)~LACP_AGGREGATION; /* a link of its own needs no agreement */
        hear(&p);
        assert_true(lan_status(&lan, 0, 0).partner.state & LACP_SYNC);
    }
    p = good;
    p.actor.state &= (uint8_t)~LACP_SYNC;
    hear(&p);
    assert_false(lan_status(&lan, 0, 0).partner.state & LACP_SYNC);
}

static void clause_6_4_9_record_pdu_wants_somebody_active(void **state)
{
    (void)state;
    for (int we = 0; we < 2; we++) {
        for (int told = 0; told < 2; told++) {
            struct lacp_port_config c = lan_port(0);
            c.active = we;
            alone(&c);
            struct lacp_pdu p = partner_pdu(GOOD & ~LACP_ACTIVITY);
            lacp_put(&p.partner, LACP_ACTIVITY, told);
            hear(&p);
            bool sync = lan_status(&lan, 0, 0).partner.state & LACP_SYNC;
            assert_int_equal(sync, we && told);
        }
    }
}

static void clause_6_4_9_update_selected_unselects_on_any_change_of_the_partner(void **state)
{
    (void)state;
    for (int field = 0; field < 6; field++) {
        struct lacp_port_config c = lan_port(0);
        alone(&c);
        struct lacp_pdu p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, S(2));
        p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, 0);
        assert_true(lan_open(&lan, 0, 0));
        p.actor.system_priority = (uint16_t)(p.actor.system_priority ^ (field == 0));
        p.actor.system.b[5] = (uint8_t)(p.actor.system.b[5] ^ (field == 1));
        p.actor.key = (uint16_t)(p.actor.key ^ (field == 2));
        p.actor.port_priority = (uint16_t)(p.actor.port_priority ^ (field == 3));
        p.actor.port = (uint16_t)(p.actor.port ^ (field == 4));
        p.actor.state = (uint8_t)(p.actor.state ^ (field == 5 ? LACP_AGGREGATION : 0));
        hear(&p);
        lan_run(&lan, 0);
        assert_false(lan.gate[0][0].collecting);
        assert_int_equal(lan_status(&lan, 0, 0).mux, LACP_MUX_WAITING); /* and starts again */
        assert_int_equal(lan_status(&lan, 0, 0).stats.partner_changes, 1);
    }
}

static void clause_6_4_9_update_ntt_answers_who_has_it_wrong_and_nobody_else(void **state)
{
    (void)state;
    for (int bit = 0; bit < 8; bit++) {
        struct lacp_port_config c = lan_port(0);
        alone(&c);
        struct lacp_pdu p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, MS(2500)); /* attached, said so */
        p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, MS(1200)); /* the limit's window is past */
        p = partner_pdu(GOOD);
        p.partner.state = (uint8_t)(p.partner.state ^ 1u << bit);
        unsigned before = lan.sent[0][0];
        hear(&p);
        lan_run(&lan, 0);
        /* Aggregation makes us doubt the partner's sync as well; the upper bits don't matter. */
        assert_int_equal(lan.sent[0][0] > before, bit < 4);
    }
}

static void clause_6_4_8_port_moved_lets_a_cable_move_to_another_port(void **state)
{
    (void)state;
    lan_pair(&lan, 1);
    lan_run(&lan, S(5));
    assert_true(lan_open(&lan, 0, 0));
    struct lacp_port_config c = lan_port(1);
    assert_int_equal(lacp_port_set(lan.sys[0], 1, &c, lan.now, NULL), 0);
    lan_set_up(&lan, 0, false);
    lan.wire[0].port[0] = 1;
    lan_set_up(&lan, 0, true);
    lan_run(&lan, S(5));
    assert_true(lan_open(&lan, 0, 1));
    assert_int_equal(lan_status(&lan, 0, 0).partner.port, 0); /* it forgot */
}

/* ---- 6.4.13 Periodic, 6.4.16 Transmit ---- */

static void figure_6_19_the_partner_says_how_often(void **state)
{
    (void)state;
    struct lacp_port p = {0};
    for (unsigned i = 0; i < 16; i++) {
        p.link.up = i & 1;
        p.actor.state = i & 2 ? LACP_ACTIVITY : 0;
        p.partner.state = (uint8_t)((i & 4 ? LACP_ACTIVITY : 0) | (i & 8 ? LACP_TIMEOUT : 0));
        enum lacp_periodic_state want = i & 8 ? LACP_FAST_PERIODIC : LACP_SLOW_PERIODIC;
        if (!(i & 1) || !(i & 6))
            want = LACP_NO_PERIODIC;
        for (int from = LACP_NO_PERIODIC; from <= LACP_SLOW_PERIODIC; from++) {
            p.periodic = from;
            assert_int_equal(periodic_next(&p), want);
            assert_int_equal(periodic_step(&p, 0), from != (int)want);
            assert_false(periodic_step(&p, 0));
        }
    }
}

static void clause_6_4_13_slow_and_fast_periods_are_30_s_and_1_s(void **state)
{
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        struct lacp_port_config c = lan_port(0);
        alone(&c);
        struct lacp_pdu p = partner_pdu((uint8_t)(fast ? GOOD : GOOD & ~LACP_TIMEOUT));
        hear(&p);
        lan_run(&lan, MS(2100));
        unsigned before = lan.sent[0][0];
        for (int i = 0; i < 60; i++) {
            p.partner = lan_status(&lan, 0, 0).actor;
            hear(&p);
            lan_run(&lan, S(1));
        }
        unsigned n = lan.sent[0][0] - before;
        assert_in_range(n, fast ? 59 : 2, fast ? 62 : 4);
    }
}

static void clause_6_4_13_two_passive_ends_stay_silent(void **state)
{
    (void)state;
    lan_pair(&lan, 1);
    struct lacp_port_config c = lan_port(0);
    c.active = false;
    end(NULL);
    lan_pair(&lan, 0);
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(lacp_port_set(lan.sys[s], 0, &c, lan.now, NULL), 0);
    lan_wire(&lan, 0, 0, 1, 0, true);
    lan_run(&lan, S(200));
    assert_int_equal(lan.sent[0][0] + lan.sent[1][0], 0);
    c.active = true; /* one speaks: both do, and agree */
    assert_int_equal(lacp_port_set(lan.sys[0], 0, &c, lan.now, NULL), 0);
    lan_run(&lan, S(5));
    assert_true(lan_open(&lan, 0, 0) && lan_open(&lan, 1, 0));
}

static void clause_6_4_16_three_pdus_in_any_second_at_the_most(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    alone(&c);
    unsigned in_window[100] = {0};
    for (int i = 0; i < 100; i++) { /* each asks for an answer */
        struct lacp_pdu p = partner_pdu(GOOD);
        p.partner.key = (uint16_t)(i + 100);
        hear(&p);
        unsigned before = lan.sent[0][0];
        lan_run(&lan, MS(50));
        in_window[i] = lan.sent[0][0] - before;
    }
    for (int i = 0; i + 19 <= 100; i++) { /* 19 pieces with both their ends: less than a second */
        unsigned sum = 0;
        for (int k = 0; k < 19; k++)
            sum += in_window[i + k];
        assert_in_range(sum, 1, 3);
    }
}

static void clause_6_4_16_what_the_limit_held_back_goes_later_and_is_true_then(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    struct lacp *l = alone(&c);
    for (uint16_t i = 0; i < 10; i++) {
        c.priority = i;
        assert_int_equal(lacp_port_set(l, 0, &c, lan.now, NULL), 0);
        lan_run(&lan, MS(1));
    }
    assert_int_equal(lan.sent[0][0], 3);
    lan_run(&lan, MS(1000));
    struct lacp_pdu p;
    assert_int_equal(lacp_pdu_read(lan.last_pdu[0][0], LACP_PDU_LEN, &p), 0);
    assert_int_equal(p.actor.port_priority, 9);
}

/* ---- 6.4.15 Mux ---- */

static unsigned mux_settle(struct lacp_port *p, bool ready)
{
    unsigned steps = 0;
    for (enum lacp_mux_state s = mux_next(p, ready); s != p->mux && steps < 20; steps++) {
        mux_enter(p, s, 0);
        s = mux_next(p, ready);
    }
    return steps;
}

/* What the figures end in, written down apart from them. */
static enum lacp_mux_state mux_wanted(const struct lacp_port *p, bool ready,
                                      enum lacp_mux_state from)
{
    bool attached = from != LACP_MUX_DETACHED && from != LACP_MUX_WAITING;
    if (p->selected == LACP_UNSELECTED)
        return LACP_MUX_DETACHED;
    if (p->selected == LACP_STANDBY || (!attached && !ready))
        return LACP_MUX_WAITING;
    if (!lacp_has(&p->partner, LACP_SYNC))
        return LACP_MUX_ATTACHED;
    if (p->config.coupled)
        return LACP_MUX_COLLECTING_DISTRIBUTING;
    return lacp_has(&p->partner, LACP_COLLECTING) ? LACP_MUX_DISTRIBUTING : LACP_MUX_COLLECTING;
}

static void figures_6_21_and_6_22_settle_from_every_start_state(void **state)
{
    (void)state;
    unsigned n = 0;
    for (unsigned i = 0; i < 16; i++) {
        for (int from = 0; from < LACP_MUX_STATES; from++) {
            for (int sel = LACP_UNSELECTED; sel <= LACP_SELECTED; sel++, n++) {
                struct lacp_port p = {.mux = from, .selected = sel};
                p.config.coupled = i & 1;
                p.partner.state =
                    (uint8_t)((i & 2 ? LACP_SYNC : 0) | (i & 4 ? LACP_COLLECTING : 0));
                bool ready = i & 8;
                assert_in_range(mux_settle(&p, ready), 0, 6);
                assert_int_equal(p.mux, mux_wanted(&p, ready, from));
            }
        }
    }
    assert_int_equal(n, 16 * LACP_MUX_STATES * 3);
}

static void figure_6_21_boxes_say_what_they_do(void **state)
{
    (void)state;
    const uint8_t says[] = {0,
                            0,
                            LACP_SYNC,
                            LACP_SYNC | LACP_COLLECTING,
                            LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING,
                            LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING};
    for (int from = 0; from < LACP_MUX_STATES; from++) {
        for (int to = 0; to < LACP_MUX_STATES; to++) {
            struct lacp_port p = {.actor = {.state = (uint8_t)(0xc7 | says[from])}};
            mux_enter(&p, to, 0);
            assert_int_equal(p.actor.state, 0xc7 | says[to]);
            assert_int_equal(p.ntt, to != LACP_MUX_WAITING && to != LACP_MUX_DISTRIBUTING);
        }
    }
}

static void
clause_6_4_15_independent_control_collects_first_and_distributes_to_who_collects(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    alone(&c);
    struct lacp_pdu p = partner_pdu(GOOD & ~LACP_COLLECTING);
    hear(&p);
    lan_run(&lan, S(2));
    p = partner_pdu(GOOD & ~LACP_COLLECTING);
    hear(&p);
    lan_run(&lan, 0);
    assert_true(lan.gate[0][0].collecting);
    assert_false(lan.gate[0][0].distributing);
    assert_int_equal(lan_status(&lan, 0, 0).why, LACP_WHY_PARTNER_COLLECTING);
    p = partner_pdu(GOOD);
    hear(&p);
    lan_run(&lan, 0);
    assert_true(lan_open(&lan, 0, 0));
    p = partner_pdu(GOOD & ~LACP_SYNC); /* the partner lets go: at once, and we stay attached */
    hear(&p);
    lan_run(&lan, 0);
    assert_false(lan.gate[0][0].collecting || lan.gate[0][0].distributing);
    assert_int_equal(lan_status(&lan, 0, 0).mux, LACP_MUX_ATTACHED);
    assert_int_equal(lan_status(&lan, 0, 0).stats.flaps, 1);
}

static void clause_6_4_15_links_that_come_within_the_wait_are_attached_together(void **state)
{
    (void)state;
    lan_pair(&lan, 3);
    lan_set_up(&lan, 2, false);
    lan_run(&lan, MS(1900));
    lan_set_up(&lan, 2, true); /* late by 1.9 s: the others wait for it */
    lan_run(&lan, MS(200));
    assert_int_equal(lan_status(&lan, 0, 0).mux, LACP_MUX_WAITING);
    lan_run(&lan, MS(1900));
    for (unsigned i = 0; i < 3; i++)
        assert_true(lan_open(&lan, 0, i) && lan_open(&lan, 1, i));
    assert_true(lan.gate[0][0].since - lan.gate[0][2].since < MS(10));
}

static void a_link_that_returns_to_its_partner_does_not_wait(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_run(&lan, S(5));
    lan_set_up(&lan, 0, false);
    lan_run(&lan, MS(1));
    assert_false(lan.gate[0][0].distributing || lan.gate[1][0].distributing);
    assert_true(lan_open(&lan, 0, 1));
    lan_run(&lan, S(2));
    lan_set_up(&lan, 0, true);
    lan_run(&lan, MS(1));
    assert_true(lan_open(&lan, 0, 0) && lan_open(&lan, 1, 0));
}

/* ---- 6.4.17 Churn ---- */

static void figures_6_24_and_6_25_churn_is_found_after_a_minute_and_ends_with_sync(void **state)
{
    (void)state;
    struct lacp_port_config c = lan_port(0);
    alone(&c);
    lan_run(&lan, S(60) - 1);
    assert_false(lan_status(&lan, 0, 0).actor_churn || lan_status(&lan, 0, 0).partner_churn);
    lan_run(&lan, 1);
    assert_true(lan_status(&lan, 0, 0).actor_churn);
    assert_false(lan_status(&lan, 0, 0).partner_churn); /* recordDefault: nobody is in sync */
    assert_int_equal(lan.events[0][LACP_EV_ACTOR_CHURN], 1);
    for (int i = 0; i < 4; i++) {
        struct lacp_pdu p = partner_pdu(GOOD);
        hear(&p);
        lan_run(&lan, S(1));
    }
    struct lacp_port_status s = lan_status(&lan, 0, 0);
    assert_false(s.actor_churn || s.partner_churn);
    assert_int_equal(s.stats.actor_churns, 1);
    assert_int_equal(s.stats.partner_syncs, 1);
    for (int i = 0; i < 61; i++) { /* alive, but never in sync */
        struct lacp_pdu p = partner_pdu(GOOD & ~LACP_SYNC);
        hear(&p);
        lan_run(&lan, S(1));
    }
    assert_true(lan_status(&lan, 0, 0).partner_churn);
    assert_false(lan_status(&lan, 0, 0).actor_churn); /* we are in sync: attached */
}

static void figure_6_24_every_state_and_input(void **state)
{
    (void)state;
    for (int from = CHURN_MONITOR; from <= CHURN_FOUND; from++) {
        for (int late = 0; late < 2; late++) {
            struct churn c = {from, 10};
            assert_int_equal(churn_next(&c, true, late ? 10 : 9), CHURN_NONE);
            enum churn_state want = from == CHURN_NONE ? CHURN_MONITOR : from;
            if (from == CHURN_MONITOR && late)
                want = CHURN_FOUND;
            assert_int_equal(churn_next(&c, false, late ? 10 : 9), want);
        }
    }
}

#define T(f) cmocka_unit_test_teardown(f, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(figure_6_18_a_port_goes_expired_defaulted_current_by_its_timers),
        T(clause_6_4_4_the_long_timeout_is_90_s_and_the_short_one_3_s),
        T(clause_6_4_9_record_pdu_believes_in_sync_only_from_who_knows_us),
        T(clause_6_4_9_record_pdu_wants_somebody_active),
        T(clause_6_4_9_update_selected_unselects_on_any_change_of_the_partner),
        T(clause_6_4_9_update_ntt_answers_who_has_it_wrong_and_nobody_else),
        T(clause_6_4_8_port_moved_lets_a_cable_move_to_another_port),
        T(figure_6_19_the_partner_says_how_often),
        T(clause_6_4_13_slow_and_fast_periods_are_30_s_and_1_s),
        T(clause_6_4_13_two_passive_ends_stay_silent),
        T(clause_6_4_16_three_pdus_in_any_second_at_the_most),
        T(clause_6_4_16_what_the_limit_held_back_goes_later_and_is_true_then),
        T(figures_6_21_and_6_22_settle_from_every_start_state),
        T(figure_6_21_boxes_say_what_they_do),
        T(clause_6_4_15_independent_control_collects_first_and_distributes_to_who_collects),
        T(clause_6_4_15_links_that_come_within_the_wait_are_attached_together),
        T(a_link_that_returns_to_its_partner_does_not_wait),
        T(figures_6_24_and_6_25_churn_is_found_after_a_minute_and_ends_with_sync),
        T(figure_6_24_every_state_and_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
