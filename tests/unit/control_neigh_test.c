/* control/neigh: RFC 4861 section 7 and appendix C, for ND and ARP; RFC 826, RFC 5227, RFC 4862;
 * limits. */
#include <errno.h>

#include "tests/unit/neigh_lab.h"

/* -- appendix C */

enum { SAME = PEER, OTHER = 61, NO_MAC = 0 };

/* What is heard of the neighbour, and what becomes of it from INCOMPLETE, REACHABLE, STALE, DELAY,
 * PROBE. A small letter: the MAC is the new one (from INCOMPLETE it is always). '-': still
 * INCOMPLETE. */
static const struct heard {
    const char *what;
    bool reply, solicited, override;
    uint8_t mac;
    const char *becomes;
} heard[] = {
    {"NS, same MAC", false, false, false, SAME, "SRSDP"},
    {"NS, other MAC", false, false, false, OTHER, "sssss"},
    {"NA, solicited, same", true, true, false, SAME, "RRRRR"},
    {"NA, solicited, other", true, true, false, OTHER, "rSSDP"},
    {"NA, solicited, override, same", true, true, true, SAME, "RRRRR"},
    {"NA, solicited, override, other", true, true, true, OTHER, "rrrrr"},
    {"NA, solicited, no MAC", true, true, false, NO_MAC, "-RRRR"},
    {"NA, solicited, override, no MAC", true, true, true, NO_MAC, "-RRRR"},
    {"NA, same", true, false, false, SAME, "SRSDP"},
    {"NA, other", true, false, false, OTHER, "sSSDP"},
    {"NA, override, same", true, false, true, SAME, "SRSDP"},
    {"NA, override, other", true, false, true, OTHER, "sssss"},
    {"NA, no MAC", true, false, false, NO_MAC, "-RSDP"},
};

static const enum neigh_state starts[] = {NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE,
                                          NEIGH_DELAY, NEIGH_PROBE};

static enum neigh_state by_letter(char c)
{
    switch (c & ~0x20) {
    case 'R':
        return NEIGH_REACHABLE;
    case 'S':
        return NEIGH_STALE;
    case 'D':
        return NEIGH_DELAY;
    case 'P':
        return NEIGH_PROBE;
    default:
        return NEIGH_INCOMPLETE;
    }
}

static void check_heard(const struct heard *h, unsigned start)
{
    struct lab l;
    lab_open(&l, true);
    bring(&l, starts[start]);
    struct neigh_message m =
        h->reply ? answers(&l, h->mac, h->solicited, h->override) : asks(&l, PEER, h->mac, 70);
    m.has_sha = h->mac != NO_MAC;
    hear(&l, &m, h->mac);
    char want = h->becomes[start];
    struct neigh_info i = info(&l, PEER);
    if (i.state != by_letter(want))
        fail_msg("%s, in %s: %s", h->what, neigh_state_name(starts[start]),
                 neigh_state_name(i.state));
    if (want != '-')
        assert_int_equal(i.mac.b[5], want & 0x20 ? OTHER : SAME);
    lab_close(&l);
}

static void rfc_4861_appendix_c_every_message_in_every_state(void **state)
{
    (void)state;
    for (size_t h = 0; h < sizeof heard / sizeof *heard; h++) {
        for (unsigned s = 0; s < 5; s++)
            check_heard(&heard[h], s);
    }
}

static void arp_takes_the_same_way(void **state)
{
    (void)state;
    static const char *const request[] = {"SRSDP", "sssss"}, *const to_us[] = {"RRRRR", "rrrrr"},
                             *const to_all[] = {"SRSDP", "sssss"};
    for (int n = 0; n < 6; n++) {
        bool other = n & 1;
        const char *want = (n < 2 ? request : n < 4 ? to_us : to_all)[other];
        for (unsigned s = 0; s < 5; s++) {
            struct lab l;
            lab_open(&l, false);
            bring(&l, starts[s]);
            struct neigh_message m = n < 2 ? asks(&l, PEER, other ? OTHER : SAME, 70)
                                           : answers(&l, other ? OTHER : SAME, n < 4, false);
            hear(&l, &m, m.sha.b[5]);
            assert_int_equal(info(&l, PEER).state, by_letter(want[s]));
            assert_int_equal(info(&l, PEER).mac.b[5], want[s] & 0x20 ? OTHER : SAME);
            lab_close(&l);
        }
    }
}

static void a_configured_neighbour_believes_nobody(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        lab_open(&l, ip6 != 0);
        bring(&l, NEIGH_PERMANENT);
        struct neigh_message a = answers(&l, OTHER, true, true), q = asks(&l, PEER, OTHER, US);
        hear(&l, &a, OTHER);
        hear(&l, &q, OTHER);
        assert_int_equal(info(&l, PEER).state, NEIGH_PERMANENT);
        assert_int_equal(info(&l, PEER).mac.b[5], PEER);
        assert_int_equal(drain(&l)->updates, 0);
        lab_close(&l);
    }
}

/* -- times */

static void rfc_4861_7_2_2_three_questions_a_second_apart_then_a_dead_end(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        lab_open(&l, ip6 != 0);
        nsec_t start = l.now;
        assert_int_equal(resolve(&l, PEER, 77).answer, NEIGH_WAIT);
        assert_string_equal(drain(&l)->order, "S");
        for (int n = 1; n < 3; n++) {
            run_to(&l, start + n * 1000 * MS - 1);
            assert_int_equal(drain(&l)->sends, 0);
            run_to(&l, l.now + 1);
            assert_string_equal(drain(&l)->order, "S");
        }
        run_to(&l, start + 3000 * MS);
        assert_string_equal(drain(&l)->order, "D");
        assert_int_equal(l.d.last[NEIGH_DROP].packet.handle, 77);
        assert_int_equal(resolve(&l, PEER, 78).answer, NEIGH_REFUSED);
        run_to(&l, start + 6000 * MS); /* failed_ms later it is worth a question again */
        assert_int_equal(info(&l, PEER).state, NEIGH_GONE);
        assert_int_equal(resolve(&l, PEER, 79).answer, NEIGH_WAIT);
        lab_close(&l);
    }
}

static void rfc_4861_7_3_3_reachable_stale_delay_probe(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        lab_open(&l, ip6 != 0);
        bring(&l, NEIGH_REACHABLE);
        nsec_t in = info(&l, PEER).due - l.now;
        assert_in_range(in, 15000 * MS, 45000 * MS); /* MIN_RANDOM_FACTOR, MAX_RANDOM_FACTOR */
        run_to(&l, l.now + in);
        assert_int_equal(info(&l, PEER).state, NEIGH_STALE);
        assert_int_equal(drain(&l)->updates, 0); /* still as usable */
        assert_int_equal(resolve(&l, PEER, 5).answer, NEIGH_KNOWN);
        assert_int_equal(info(&l, PEER).state, NEIGH_DELAY);
        run_to(&l, l.now + 5000 * MS);
        assert_int_equal(info(&l, PEER).state, NEIGH_PROBE);
        assert_int_equal(drain(&l)->sends, 1);
        assert_int_equal(l.d.last[NEIGH_SEND].send.dst.b[5], PEER); /* itself, not everybody */
        for (int n = 0; n < 2; n++) {
            run_to(&l, l.now + 1000 * MS);
            assert_int_equal(drain(&l)->sends, 1);
        }
        assert_int_equal(resolve(&l, PEER, 5).answer, NEIGH_KNOWN);
        run_to(&l, l.now + 1000 * MS);
        assert_string_equal(drain(&l)->order, "U");
        assert_false(l.d.last[NEIGH_UPDATE].update.usable);
        assert_int_equal(info(&l, PEER).state, NEIGH_FAILED);
        lab_close(&l);
    }
}

static void rfc_4861_7_3_1_hints_from_above(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, true);
    bring(&l, NEIGH_PROBE);
    struct ip6 ip = ip_of(&l, PEER);
    neigh_confirm(l.n, IFC, &ip, true, l.now);
    assert_int_equal(info(&l, PEER).state, NEIGH_REACHABLE);
    lab_close(&l);
}

static void the_datapath_says_what_it_used(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, false);
    bring(&l, NEIGH_STALE);
    assert_false(info(&l, PEER).used);
    struct ip6 ip = ip_of(&l, PEER);
    neigh_used(l.n, IFC, &ip, false, l.now);
    assert_int_equal(info(&l, PEER).state, NEIGH_DELAY);
    assert_true(info(&l, PEER).used);
    lab_close(&l);
}

static void an_unused_neighbour_is_forgotten(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, false);
    bring(&l, NEIGH_STALE);
    run_to(&l, l.now + 600000 * MS);
    assert_int_equal(info(&l, PEER).state, NEIGH_GONE);
    assert_string_equal(drain(&l)->order, "U");
    assert_int_equal(l.d.last[NEIGH_UPDATE].update.state, NEIGH_GONE);
    lab_close(&l);
}

/* -- packets that wait */

static void rfc_4861_7_2_2_waiting_packets_go_in_order_and_the_oldest_gives_way(void **state)
{
    (void)state;
    struct lab l;
    struct neigh_action a;
    lab_open(&l, true);
    for (uint64_t h = 1; h <= 6; h++) {
        struct neigh_resolution r = resolve(&l, PEER, h);
        assert_int_equal(r.answer, NEIGH_WAIT);
        assert_int_equal(r.gave_way, h <= NEIGH_WAITING_MAX ? 0 : h - NEIGH_WAITING_MAX);
    }
    drain(&l);
    struct neigh_message yes = answers(&l, PEER, true, true);
    hear(&l, &yes, PEER);
    assert_true(neigh_poll(l.n, &a));
    assert_int_equal(a.kind,
                     NEIGH_UPDATE); /* the table first, so that those behind don't overtake */
    for (uint64_t h = 3; h <= 6; h++) {
        assert_true(neigh_poll(l.n, &a));
        assert_int_equal(a.kind, NEIGH_RELEASE);
        assert_int_equal(a.packet.handle, h);
        assert_int_equal(a.packet.mac.b[5], PEER);
    }
    assert_false(neigh_poll(l.n, &a));
    lab_close(&l);
}

static void an_interface_that_goes_down_gives_all_packets_back(void **state)
{
    (void)state;
    struct lab l;
    struct neigh_interface c = neigh_interface_default();
    lab_open(&l, true);
    resolve(&l, 61, 1);
    resolve(&l, 62, 2);
    bring(&l, NEIGH_REACHABLE);
    lab_interface(&l, &c);
    assert_int_equal(drain(&l)->drops, 2);
    assert_int_equal(l.d.updates, 1);
    assert_int_equal(resolve(&l, 61, 3).answer, NEIGH_REFUSED);
    struct neigh_message q = asks(&l, PEER, PEER, US);
    assert_int_equal(hear(&l, &q, PEER), NEIGH_NO_INTERFACE);
    assert_int_equal(neigh_deadline(l.n), NSEC_NEVER);
    lab_close(&l);
}

/* -- answering */

static void rfc_826_and_4861_7_2_4_we_answer_for_ours_and_learn_who_asked(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        struct neigh_message r, q;
        lab_open(&l, ip6 != 0);
        q = asks(&l, PEER, PEER, US);
        assert_int_equal(hear(&l, &q, PEER), NEIGH_OK);
        assert_string_equal(drain(&l)->order, "SU");
        const struct neigh_action *a = &l.d.last[NEIGH_SEND];
        assert_int_equal(neigh_read(&r, a->send.ethertype, a->send.bytes, a->send.len), NEIGH_OK);
        assert_int_equal(r.saying, NEIGH_REPLY);
        assert_int_equal(r.sha.b[5], US);
        assert_int_equal(a->send.dst.b[5], PEER);
        if (ip6)
            assert_true(r.router && r.solicited && r.override);
        else
            assert_int_equal(r.tha.b[5], PEER);
        assert_int_equal(info(&l, PEER).state, NEIGH_STALE);
        q = asks(&l, PEER, PEER, 51); /* not ours: no answer, nothing learnt anew */
        assert_int_equal(hear(&l, &q, PEER), NEIGH_OK);
        assert_int_equal(drain(&l)->sends, 0);
        lab_close(&l);
    }
}

static void rfc_4861_7_2_4_one_who_looks_for_duplicates_hears_it_with_everybody(void **state)
{
    (void)state;
    struct lab l;
    struct neigh_message r;
    lab_open(&l, true);
    struct neigh_message q = asks(&l, 0, PEER, US);
    q.sender = (struct ip6){{0}};
    q.has_sha = false;
    hear(&l, &q, PEER);
    assert_string_equal(drain(&l)->order, "S");
    const struct neigh_action *a = &l.d.last[NEIGH_SEND];
    assert_int_equal(neigh_read(&r, a->send.ethertype, a->send.bytes, a->send.len), NEIGH_OK);
    assert_int_equal(mac_to_u64(a->send.dst), 0x333300000001);
    assert_false(r.solicited);
    lab_close(&l);
}

static void rfc_9568_a_backup_does_not_answer_and_an_active_does_with_its_virtual_mac(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        lab_open(&l, ip6 != 0);
        struct neigh_address v = our_address(&l);
        v.ip = ip_of(&l, 1);
        v.mac = (struct mac){{0, 0, 0x5e, 0, 1, 7}};
        v.enabled = false;
        lab_address(&l, &v);
        struct neigh_message q = asks(&l, PEER, PEER, 1);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 0);
        v.enabled = true;
        lab_address(&l, &v);
        assert_int_equal(drain(&l)->events, 1);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 1);
        assert_memory_equal(&l.d.last[NEIGH_SEND].send.src, &v.mac, 6);
        /* The other router's announcement with the same MAC is no dispute. */
        struct neigh_message g = asks(&l, 1, 0, 1);
        g.sha = v.mac;
        assert_int_equal(hear(&l, &g, 0), NEIGH_OWN);
        assert_int_equal(drain(&l)->events, 0);
        lab_close(&l);
    }
}

static void a_proxy_answers_for_its_prefix_without_override(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        struct neigh_message r;
        lab_open(&l, ip6 != 0);
        struct neigh_address p = our_address(&l);
        p.ip = ip_of(&l, 128);
        p.prefix_len = ip6 ? 124 : 28;
        p.proxy = true;
        lab_address(&l, &p);
        struct neigh_message q = asks(&l, PEER, PEER, 130);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 1);
        const struct neigh_action *a = &l.d.last[NEIGH_SEND];
        assert_int_equal(neigh_read(&r, a->send.ethertype, a->send.bytes, a->send.len), NEIGH_OK);
        assert_false(r.override);
        assert_memory_equal(ip6 ? &r.target : &r.sender, &q.target, 16);
        q = asks(&l, PEER, PEER, 144);
        hear(&l, &q, PEER);
        assert_int_equal(drain(&l)->sends, 0);
        lab_close(&l);
    }
}

static void answers_not_drained_are_bounded(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, false);
    struct neigh_message q = asks(&l, PEER, PEER, US);
    for (int n = 0; n < 1000; n++)
        hear(&l, &q, PEER);
    assert_int_equal(drain(&l)->sends, NEIGH_REPLIES_MAX);
    assert_int_equal(neigh_counters(l.n)->dropped_replies, 1000 - NEIGH_REPLIES_MAX);
    lab_close(&l);
}

/* -- exhaustion */

static struct lab small(uint32_t entries, uint32_t incomplete)
{
    struct lab l;
    struct neigh_interface c = neigh_interface_default();
    lab_open(&l, false);
    c.up = true;
    c.entries_max = entries;
    c.incomplete_max = incomplete;
    lab_interface(&l, &c);
    return l;
}

static void rfc_6583_a_scan_is_bounded_and_does_not_hurt_the_living(void **state)
{
    (void)state;
    struct lab l = small(20, 5);
    bring(&l, NEIGH_REACHABLE);
    unsigned waiting = 0;
    for (int n = PEER + 1; n < 255; n++)
        waiting += resolve(&l, (uint8_t)n, 0).answer == NEIGH_WAIT;
    assert_int_equal(waiting, 5);
    assert_int_equal(info(&l, PEER).state, NEIGH_REACHABLE);
    assert_int_equal(drain(&l)->sends, 5);
    lab_close(&l);
}

static void a_flood_of_strangers_turns_over_strangers_only(void **state)
{
    (void)state;
    struct lab l = small(20, 5);
    bring(&l, NEIGH_REACHABLE);
    for (int round = 0; round < 10; round++) {
        for (int n = 1; n < 250; n++) {
            struct neigh_message q = asks(&l, (uint8_t)n, (uint8_t)n, US);
            hear(&l, &q, (uint8_t)n);
            drain(&l);
        }
    }
    uint32_t cursor = 0, interface, count = 0;
    struct neigh_info i;
    struct ip6 ip;
    bool ip6;
    while (neigh_each(l.n, &cursor, &interface, &ip, &ip6, &i))
        count++;
    assert_int_equal(count, 20);
    assert_int_equal(info(&l, PEER).state, NEIGH_REACHABLE);
    assert_true(neigh_counters(l.n)->gave_way > 1000);
    assert_int_equal(resolve(&l, 255 - 1, 9).answer,
                     NEIGH_WAIT); /* our own traffic gets its place */
    lab_close(&l);
}

static void entries_in_use_give_way_to_nobody(void **state)
{
    (void)state;
    struct lab l = small(3, 3);
    for (uint8_t n = 1; n <= 3; n++) {
        struct neigh_message q = asks(&l, n, n, US);
        hear(&l, &q, n);
        resolve(&l, n, 0); /* DELAY: in use */
    }
    struct neigh_message q = asks(&l, 9, 9, US);
    assert_int_equal(hear(&l, &q, 9), NEIGH_LIMIT);
    assert_int_equal(drain(&l)->sends, 4); /* he is answered all the same */
    assert_int_equal(resolve(&l, 10, 1).answer, NEIGH_REFUSED);
    lab_close(&l);
}

static void what_cannot_be_a_neighbour_is_refused(void **state)
{
    (void)state;
    struct lab l;
    struct errbuf e = {""};
    lab_open(&l, false);
    struct ip6 group = {{224, 0, 0, 1}}, all = {{255, 255, 255, 255}}, self = ip_of(&l, US);
    assert_int_equal(neigh_resolve(l.n, IFC, &group, false, 1, l.now).answer, NEIGH_REFUSED);
    assert_int_equal(neigh_resolve(l.n, IFC, &all, false, 1, l.now).answer, NEIGH_REFUSED);
    assert_int_equal(neigh_resolve(l.n, IFC, &self, false, 1, l.now).answer, NEIGH_REFUSED);
    assert_int_equal(neigh_resolve(l.n, 99, &self, false, 1, l.now).answer, NEIGH_REFUSED);
    assert_int_equal(neigh_static(l.n, IFC, &group, false, mac_of(1), l.now, &e), -EINVAL);
    assert_int_equal(neigh_forget(l.n, IFC, &group, false, l.now), -ENOENT);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4861_appendix_c_every_message_in_every_state),
        cmocka_unit_test(arp_takes_the_same_way),
        cmocka_unit_test(a_configured_neighbour_believes_nobody),
        cmocka_unit_test(rfc_4861_7_2_2_three_questions_a_second_apart_then_a_dead_end),
        cmocka_unit_test(rfc_4861_7_3_3_reachable_stale_delay_probe),
        cmocka_unit_test(rfc_4861_7_3_1_hints_from_above),
        cmocka_unit_test(the_datapath_says_what_it_used),
        cmocka_unit_test(an_unused_neighbour_is_forgotten),
        cmocka_unit_test(rfc_4861_7_2_2_waiting_packets_go_in_order_and_the_oldest_gives_way),
        cmocka_unit_test(an_interface_that_goes_down_gives_all_packets_back),
        cmocka_unit_test(rfc_826_and_4861_7_2_4_we_answer_for_ours_and_learn_who_asked),
        cmocka_unit_test(rfc_4861_7_2_4_one_who_looks_for_duplicates_hears_it_with_everybody),
        cmocka_unit_test(rfc_9568_a_backup_does_not_answer_and_an_active_does_with_its_virtual_mac),
        cmocka_unit_test(a_proxy_answers_for_its_prefix_without_override),
        cmocka_unit_test(answers_not_drained_are_bounded),
        cmocka_unit_test(rfc_6583_a_scan_is_bounded_and_does_not_hurt_the_living),
        cmocka_unit_test(a_flood_of_strangers_turns_over_strangers_only),
        cmocka_unit_test(entries_in_use_give_way_to_nobody),
        cmocka_unit_test(what_cannot_be_a_neighbour_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
