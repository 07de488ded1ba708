/* control/neigh_own: RFC 5227 and RFC 4862 section 5.4: probe, announce, lose, defend. */
#include "tests/unit/neigh_lab.h"

static void tentative(struct lab *l, bool ip6)
{
    lab_open(l, ip6);
    struct neigh_address a = our_address(l);
    a.probe = true;
    a.announce = 2;
    lab_address(l, &a);
    drain(l);
}

static enum neigh_address_state us(const struct lab *l)
{
    struct ip6 ip = ip_of(l, US);
    return neigh_address_state(l->n, IFC, &ip, l->ip6);
}

static void rfc_5227_2_1_and_4862_5_4_probe_then_announce(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        struct neigh_message p;
        unsigned probes = 0, announcements = 0;
        tentative(&l, ip6 != 0);
        nsec_t start = l.now;
        struct neigh_message q = asks(&l, PEER, PEER, US);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 0); /* tentative: no answer */
        while (neigh_deadline(l.n) != NSEC_NEVER && neigh_deadline(l.n) < start + 20000 * MS) {
            run_to(&l, neigh_deadline(l.n));
            const struct neigh_action *a = &drain(&l)->last[NEIGH_SEND];
            if (l.d.sends == 0)
                continue;
            assert_int_equal(neigh_read(&p, a->send.ethertype, a->send.bytes, a->send.len),
                             NEIGH_OK);
            bool probe = neigh_is_zero(&p.sender);
            assert_int_equal(us(&l), probe ? NEIGH_TENTATIVE : NEIGH_USABLE);
            probes += probe;
            announcements += !probe;
        }
        assert_int_equal(probes, ip6 ? 1 : 3);
        assert_int_equal(announcements, 2);
        lab_close(&l);
    }
}

static void rfc_5227_2_1_1_somebody_has_it(void **state)
{
    (void)state;
    for (int n = 0; n < 6; n++) {
        struct lab l;
        tentative(&l, n & 1);
        run_to(&l, l.now + 500 * MS);
        struct neigh_message m = n < 2 ? asks(&l, US, 61, 70) /* he asks from it */
                                 : n < 4
                                     ? answers(&l, 61, false, true) /* he says so */
                                     : asks(&l, 0, 61, US); /* he too looks whether it is free */
        m.target = n == 3 || n >= 4 ? ip_of(&l, US) : m.target;
        m.sender = n >= 4 ? (struct ip6){{0}} : n == 2 ? ip_of(&l, US) : m.sender;
        m.has_sha = !(n == 5);
        hear(&l, &m, 61);
        assert_int_equal(us(&l), NEIGH_DUPLICATE);
        drain(&l);
        assert_int_equal(l.d.last[NEIGH_EVENT].event.event, NEIGH_EV_DUPLICATE);
        struct neigh_message q = asks(&l, PEER, PEER, US);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 0);
        run_to(&l, l.now + 70000 * MS); /* he has left: a minute later it is tried again */
        assert_int_equal(us(&l), NEIGH_USABLE);
        lab_close(&l);
    }
}

static void rfc_4862_5_4_3_our_own_question_that_comes_back_is_no_duplicate(void **state)
{
    (void)state;
    struct lab l;
    tentative(&l, true);
    struct neigh_message q = asks(&l, 0, US, US);
    q.sender = (struct ip6){{0}};
    q.has_sha = false;
    assert_int_equal(hear(&l, &q, US), NEIGH_OWN);
    assert_int_equal(us(&l), NEIGH_TENTATIVE);
    lab_close(&l);
}

static void rfc_5227_2_4_a_conflict_is_defended_once_in_ten_seconds(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, false);
    struct neigh_message m = asks(&l, US, 61, 70);
    for (int n = 0; n < 100; n++) {
        hear(&l, &m, 61);
        assert_string_equal(drain(&l)->order, n == 0 ? "SE" : n == 50 ? "SE" : "");
        run_to(&l, l.now + 200 * MS);
    }
    assert_int_equal(us(&l), NEIGH_USABLE);
    assert_int_equal(neigh_counters(l.n)->conflicts, 100);
    assert_int_equal(info(&l, US).state, NEIGH_GONE); /* and it is nobody's neighbour */
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_5227_2_1_and_4862_5_4_probe_then_announce),
        cmocka_unit_test(rfc_5227_2_1_1_somebody_has_it),
        cmocka_unit_test(rfc_4862_5_4_3_our_own_question_that_comes_back_is_no_duplicate),
        cmocka_unit_test(rfc_5227_2_4_a_conflict_is_defended_once_in_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
