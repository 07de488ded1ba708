/* lacp: Selection (6.4.14), several systems and links, loops, and calls in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void port(unsigned sys, unsigned p, uint16_t key)
{
    struct lacp_port_config c = lan_port(p);
    c.key = key;
    assert_int_equal(lacp_port_set(lan.sys[sys], p, &c, lan.now, NULL), 0);
}

static enum lacp_why why(unsigned sys, unsigned p) { return lan_status(&lan, sys, p).why; }

/* Ports of `sys` whose gates are open, as bits. */
static unsigned open_set(unsigned sys)
{
    unsigned set = 0;
    for (unsigned p = 0; p < LAN_WIRES; p++)
        set |= lan_open(&lan, sys, p) ? 1u << p : 0;
    return set;
}

static void two_ends_agree_within_the_wait_and_a_few_pdus(void **state)
{
    (void)state;
    lan_pair(&lan, 4);
    lan_run(&lan, S(2) - 1);
    assert_int_equal(open_set(0) | open_set(1), 0);
    lan_run(&lan, MS(10));
    assert_int_equal(open_set(0), 0xf);
    assert_int_equal(open_set(1), 0xf);
    assert_int_equal(why(0, 0), LACP_WHY_BUNDLED);
    struct lacp_agg_status a;
    assert_true(lacp_agg_status(lan.sys[0], 0, &a));
    assert_int_equal(a.distributing, 4);
    assert_int_equal(a.speed_mbps, 40000);
    assert_int_equal(mac_to_u64(a.partner.system), mac_to_u64(lan_mac(1)));
}

static void clause_6_3_6_another_partner_key_or_speed_is_another_lag(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_system(&lan, 2, NULL);
    port(0, 2, 1);
    port(0, 3, 1);
    port(0, 4, 1);
    port(2, 0, 1);
    port(1, 3, 9);
    port(1, 4, 1);
    lan_wire(&lan, 0, 2, 2, 0, true); /* another system */
    lan_wire(&lan, 0, 3, 1, 3, true); /* another key there */
    lan_wire(&lan, 0, 4, 1, 4, true);
    struct lacp_link slow = {true, true, 1000};
    lacp_link(lan.sys[0], 4, &slow, lan.now);
    lan_run(&lan, S(6));
    assert_int_equal(open_set(0), 3);
    assert_int_equal(why(0, 2), LACP_WHY_OTHER_LAG);
    assert_int_equal(why(0, 3), LACP_WHY_OTHER_LAG);
    assert_int_equal(why(0, 4), LACP_WHY_OTHER_LAG);
    assert_int_equal(why(2, 0), LACP_WHY_PARTNER_SYNC);
    port(0, 3, 7);
    assert_int_equal(why(0, 3), LACP_WHY_KEY);
}

static void clause_6_4_14_a_lag_without_aggregator_takes_the_one_that_is_free(void **state)
{
    (void)state;
    lan_pair(&lan, 1);
    lan_system(&lan, 2, NULL);
    port(0, 1, 1);
    port(2, 0, 1);
    lan_wire(&lan, 0, 1, 2, 0, true);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 1);
    struct lacp_agg_config second = {.key = 1};
    assert_int_equal(lacp_agg_set(lan.sys[0], 1, &second, lan.now, NULL), 0);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 3);
    assert_int_equal(lan.gate[0][0].agg, 0);
    assert_int_equal(lan.gate[0][1].agg, 1);
    lacp_agg_del(lan.sys[0], 0, lan.now); /* and one that goes away lets its ports go */
    lan_run(&lan, S(1));
    assert_int_equal(open_set(0), 2);
    assert_int_equal(why(0, 0), LACP_WHY_OTHER_LAG);
}

static void the_group_that_has_the_aggregator_keeps_it_until_its_last_link_dies(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_system(&lan, 2, NULL);
    for (unsigned i = 2; i < 5; i++) {
        port(0, i, 1);
        port(2, i, 1);
        lan_wire(&lan, 0, i, 2, i, false);
    }
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 3);
    for (unsigned i = 2; i < 5; i++)
        lan_set_up(&lan, i, true); /* three links to a better system: no reason to flap */
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 3);
    lan_set_up(&lan, 0, false);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 2);
    lan_set_up(&lan, 1, false);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 0x1c);
}

static void clause_6_7_1_a_port_moves_between_aggregators_with_its_key(void **state)
{
    (void)state;
    struct lacp_agg_config second = {.key = 2};
    lan_pair(&lan, 2);
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(lacp_agg_set(lan.sys[s], 1, &second, lan.now, NULL), 0);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 3);
    port(0, 1, 2);
    lan_run(&lan, 0);
    assert_int_equal(open_set(0), 1); /* closed at once */
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0), 1); /* attached to the other aggregator, but there, */
    assert_int_equal(lan_status(&lan, 0, 1).agg, 1);
    assert_int_equal(why(1, 1), LACP_WHY_OTHER_LAG); /* this LAG finds its one taken */
    port(1, 1, 2);
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0) & open_set(1), 3);
    assert_int_equal(lan.gate[0][1].agg, 1);
    assert_int_equal(lan.gate[1][1].agg, 1);
}

static void clause_6_4_14_individual_links_get_an_aggregator_each(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    struct lacp_port_config c = lan_port(0);
    for (unsigned i = 0; i < 2; i++) {
        c = lan_port(i);
        c.alone = true;
        assert_int_equal(lacp_port_set(lan.sys[1], i, &c, lan.now, NULL), 0);
    }
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 1);
    assert_int_equal(why(0, 1), LACP_WHY_INDIVIDUAL);
    lan_set_up(&lan, 0, false);
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 2);
    struct lacp_link half = {true, false, 10000};
    lacp_link(lan.sys[0], 1, &half, lan.now);
    lan_run(&lan, S(5));
    assert_false(lan_status(&lan, 0, 1).actor.state & LACP_AGGREGATION);
}

static void max_links_holds_the_rest_in_standby_and_calls_them_in_at_a_loss(void **state)
{
    (void)state;
    struct lacp_agg_config two = {.key = 1, .max_links = 2};
    lan_pair(&lan, 4);
    assert_int_equal(lacp_agg_set(lan.sys[0], 0, &two, lan.now, NULL), 0);
    struct lacp_port_config c = lan_port(3);
    c.priority = 1;
    assert_int_equal(lacp_port_set(lan.sys[0], 3, &c, lan.now, NULL), 0);
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 9); /* the best priority, then the lowest number */
    assert_int_equal(open_set(1), 9); /* the other end follows */
    assert_int_equal(why(0, 1), LACP_WHY_STANDBY);
    assert_int_equal(why(1, 1), LACP_WHY_PARTNER_SYNC);
    lan_set_up(&lan, 3, false);
    lan_run(&lan, MS(10));
    assert_int_equal(open_set(0), 3); /* without the wait: it had waited */
    lan_set_up(&lan, 3, true);
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 9);
    assert_int_equal(open_set(1), 9);
}

static void a_link_that_returns_takes_nothing_from_an_equal_that_carries(void **state)
{
    (void)state;
    struct lacp_agg_config one = {.key = 1, .max_links = 1};
    lan_pair(&lan, 2);
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(lacp_agg_set(lan.sys[s], 0, &one, lan.now, NULL), 0);
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 1);
    lan_set_up(&lan, 0, false);
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 2);
    lan_set_up(&lan, 0, true);
    for (int i = 0; i < 50; i++) { /* not for a moment */
        lan_run(&lan, MS(100));
        assert_int_equal(open_set(0), 2);
        assert_int_equal(open_set(1), 2);
    }
    assert_int_equal(why(0, 0), LACP_WHY_STANDBY);
}

static void max_links_at_both_ends_follows_the_better_system(void **state)
{
    (void)state;
    struct lacp_agg_config one = {.key = 1, .max_links = 1};
    lan_pair(&lan, 3);
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(lacp_agg_set(lan.sys[s], 0, &one, lan.now, NULL), 0);
    struct lacp_port_config c = lan_port(1);
    c.priority = 1;
    assert_int_equal(lacp_port_set(lan.sys[0], 1, &c, lan.now, NULL), 0); /* the better system */
    c = lan_port(2);
    c.priority = 1;
    assert_int_equal(lacp_port_set(lan.sys[1], 2, &c, lan.now, NULL), 0);
    lan_run(&lan, S(6));
    assert_int_equal(open_set(0), 2);
    assert_int_equal(open_set(1), 2);
}

static void fallback_uses_one_link_until_somebody_speaks(void **state)
{
    (void)state;
    struct lacp_agg_config f = {.key = 1, .individual = true};
    lan = (struct lacp_lan){.now = S(1), .rng = {1}};
    lan_system(&lan, 0, &f);
    lan_system(&lan, 1, NULL);
    for (unsigned i = 0; i < 3; i++) {
        port(0, i, 1);
        port(1, i, 1);
        lan_wire(&lan, 0, i, 1, i, true);
        lan.wire[i].dead[0] = lan.wire[i].dead[1] = true;
    }
    lan_run(&lan, S(3) - 1);
    assert_int_equal(open_set(0), 0);
    lan_run(&lan, S(3));
    assert_int_equal(open_set(0), 1);
    assert_int_equal(open_set(1), 0); /* without fallback */
    assert_int_equal(why(1, 0), LACP_WHY_NO_PARTNER);
    lan_set_up(&lan, 0, false);
    lan_run(&lan, S(3));
    assert_int_equal(open_set(0), 2);
    for (unsigned i = 0; i < 3; i++)
        lan.wire[i].dead[0] = lan.wire[i].dead[1] = false;
    lan_run(&lan, S(5));
    assert_int_equal(open_set(0), 6);
    assert_int_equal(open_set(1), 6);
}

static void a_looped_cable_and_two_of_our_own_ports_are_never_bundled(void **state)
{
    (void)state;
    struct lacp_agg_config f = {.key = 1, .individual = true};
    lan = (struct lacp_lan){.now = S(1), .rng = {1}};
    lan_system(&lan, 0, &f);
    for (unsigned i = 0; i < 3; i++)
        port(0, i, 1);
    lan_wire(&lan, 0, 0, 0, 1, true); /* two of our ports */
    lan_wire(&lan, 0, 2, 0, 2, true); /* a plug that returns what it gets */
    lan_run(&lan, S(100));
    assert_int_equal(open_set(0), 0);
    assert_int_equal(why(0, 0), LACP_WHY_SAME_SYSTEM);
    assert_int_equal(why(0, 2), LACP_WHY_LOOPED);
    assert_in_range(lan.events[0][LACP_EV_LOOPED], 3, 3);
}

static void a_one_way_link_is_never_used_by_either_end(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan.wire[1].dead[0] = true; /* sys 1 doesn't hear sys 0 */
    lan_run(&lan, S(20));
    assert_int_equal(open_set(0), 1);
    assert_int_equal(open_set(1), 1);
    assert_int_equal(why(0, 1), LACP_WHY_ONE_WAY);
    assert_int_equal(why(1, 1), LACP_WHY_NO_PARTNER);
    lan.wire[1].dead[0] = false;
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0) & open_set(1), 3);
    lan.wire[1].dead[1] = true; /* breaks while in use: the deaf end closes, and says so */
    lan_run(&lan, S(3) + MS(10));
    assert_int_equal(open_set(0) | open_set(1), 1);
}

static void silence_closes_a_fast_link_after_3_s_and_not_before(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_run(&lan, S(5) + MS(500));
    lan.wire[0].dead[0] = lan.wire[0].dead[1] = true;
    lan_run(&lan, S(2));
    assert_int_equal(open_set(0), 3);
    lan_run(&lan, S(1));
    assert_int_equal(open_set(0), 2);
    assert_int_equal(open_set(1), 2);
    lan_run(&lan, S(100));
    assert_int_equal(open_set(0), 2);
}

static void a_restarted_partner_is_found_again(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    lan_run(&lan, S(5));
    lan_system(&lan, 1, NULL);
    for (unsigned i = 0; i < 2; i++) {
        port(1, i, 1);
        lan_links(&lan, &lan.wire[i]);
    }
    lan_run(&lan, MS(10));
    assert_int_equal(open_set(0), 0); /* its first PDU told us */
    lan_run(&lan, S(3));
    assert_int_equal(open_set(0) & open_set(1), 3);
}

static void coupled_and_independent_ends_work_together(void **state)
{
    (void)state;
    for (unsigned mix = 0; mix < 4; mix++) {
        lan_free(&lan);
        lan_pair(&lan, 2);
        for (unsigned s = 0; s < 2; s++) {
            for (unsigned i = 0; i < 2; i++) {
                struct lacp_port_config c = lan_port(i);
                c.coupled = mix >> s & 1;
                assert_int_equal(lacp_port_set(lan.sys[s], i, &c, lan.now, NULL), 0);
            }
        }
        lan_run(&lan, S(4));
        assert_int_equal(open_set(0) & open_set(1), 3);
    }
}

static void slow_ends_agree_as_fast_as_fast_ones(void **state)
{
    (void)state;
    lan_pair(&lan, 2);
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < 2; i++) {
            struct lacp_port_config c = lan_port(i);
            c.fast = false;
            assert_int_equal(lacp_port_set(lan.sys[s], i, &c, lan.now, NULL), 0);
        }
    }
    lan_run(&lan, S(4));
    assert_int_equal(open_set(0) & open_set(1), 3);
    unsigned before = lan.sent[0][0];
    lan_run(&lan, S(300));
    assert_in_range(lan.sent[0][0] - before, 9, 11);
    assert_in_range(lan.gate[0][0].changes, 1, 2); /* and nothing flapped */
}

static void any_calls_in_any_order_come_to_rest(void **state)
{
    (void)state;
    struct prng r = {99};
    lan_pair(&lan, 6);
    for (int i = 0; i < 20000; i++) {
        unsigned s = prng_below(&r, 2), p = prng_below(&r, 7);
        struct lacp_port_config c = lan_port(p);
        struct lacp_agg_config a = {(uint16_t)(1 + prng_below(&r, 2)), (uint16_t)prng_below(&r, 4),
                                    prng_below(&r, 2), (nsec_t)prng_below(&r, 3) * S(1)};
        struct lacp_link link = {prng_below(&r, 4) > 0, prng_below(&r, 8) > 0,
                                 prng_below(&r, 8) ? 10000 : 1000};
        c.key = (uint16_t)(1 + prng_below(&r, 2));
        c.active = prng_below(&r, 4) > 0;
        c.fast = prng_below(&r, 2);
        c.coupled = prng_below(&r, 2);
        switch (prng_below(&r, 8)) {
        case 0:
            (void)lacp_port_set(lan.sys[s], p, &c, lan.now, NULL);
            break;
        case 1:
            lacp_port_del(lan.sys[s], p, lan.now);
            break;
        case 2:
            (void)lacp_agg_set(lan.sys[s], prng_below(&r, 2), &a, lan.now, NULL);
            break;
        case 3:
            if (prng_below(&r, 8) == 0)
                lacp_agg_del(lan.sys[s], prng_below(&r, 2), lan.now);
            break;
        case 4:
            lacp_link(lan.sys[s], p, &link, lan.now);
            break;
        default:
            lan_run(&lan, MS(prng_below(&r, 1500)));
        }
        assert_true(lacp_at_rest(lan.sys[s]));
    }
}

#define T(f) cmocka_unit_test_teardown(f, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_ends_agree_within_the_wait_and_a_few_pdus),
        T(clause_6_3_6_another_partner_key_or_speed_is_another_lag),
        T(clause_6_4_14_a_lag_without_aggregator_takes_the_one_that_is_free),
        T(the_group_that_has_the_aggregator_keeps_it_until_its_last_link_dies),
        T(clause_6_7_1_a_port_moves_between_aggregators_with_its_key),
        T(clause_6_4_14_individual_links_get_an_aggregator_each),
        T(max_links_holds_the_rest_in_standby_and_calls_them_in_at_a_loss),
        T(a_link_that_returns_takes_nothing_from_an_equal_that_carries),
        T(max_links_at_both_ends_follows_the_better_system),
        T(fallback_uses_one_link_until_somebody_speaks),
        T(a_looped_cable_and_two_of_our_own_ports_are_never_bundled),
        T(a_one_way_link_is_never_used_by_either_end),
        T(silence_closes_a_fast_link_after_3_s_and_not_before),
        T(a_restarted_partner_is_found_again),
        T(coupled_and_independent_ends_work_together),
        T(slow_ends_agree_as_fast_as_fast_ones),
        T(any_calls_in_any_order_come_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
