/* switch, bridge, port, tx, drop: a stepped switch, where every frame is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "tests/unit/fake_datapath.h"

#define A     UINT64_C(0x020000000001)
#define B     UINT64_C(0x020000000002)
#define C     UINT64_C(0x020000000003)
#define BCAST UINT64_C(0xffffffffffff)

struct net {
    struct weft_switch *sw;
    struct bridge *br;
    struct port *p[3];
    nsec_t now;
    unsigned mbufs; /* in the pool when nothing is going on */
};

static int setup(void **state)
{
    struct net *n = calloc(1, sizeof *n);
    n->sw = fake_switch(true);
    n->br = fake_bridge(n->sw, "br0");
    n->mbufs = rte_mempool_avail_count(n->sw->pool);
    n->p[0] = fake_port_in(n->br, "p1", NULL);
    n->p[1] = fake_port_in(n->br, "p2", NULL);
    n->p[2] = fake_port_in(n->br, "p3", NULL);
    *state = n;
    return 0;
}

/* Every buffer is back in the pool, whatever the test did. */
static int teardown(void **state)
{
    struct net *n = *state;
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++)
        port_destroy(n->sw->ports[i]);
    assert_int_equal(rte_mempool_avail_count(n->sw->pool), n->mbufs);
    switch_destroy(n->sw);
    free(n);
    return 0;
}

static void run(struct net *n)
{
    n->now += NSEC_PER_MSEC;
    while (switch_step(n->sw, n->now))
        ;
}

static void an_unknown_destination_floods_and_the_answer_does_not(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[0], B, A, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[0]), 0);
    assert_int_equal(fake_sent(n->p[1]), 1);
    assert_int_equal(fake_sent(n->p[2]), 1);
    fake_arrive(n->p[1], A, B, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[0]), 1);
    assert_int_equal(fake_sent(n->p[2]), 1);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 2);
}

static void counters_count_frames_and_bytes(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[0], BCAST, A, 60);
    fake_arrive(n->p[0], BCAST, A, 100);
    run(n);
    struct port_stats s = port_stats_sum(n->p[0]);
    assert_int_equal(s.rx_packets, 2);
    assert_int_equal(s.rx_bytes, 160);
    s = port_stats_sum(n->p[2]);
    assert_int_equal(s.tx_packets, 2);
    assert_int_equal(s.tx_bytes, 160);
}

static void a_burst_longer_than_a_tx_buffer_arrives_whole(void **state)
{
    struct net *n = *state;
    for (int i = 0; i < 200; i++)
        fake_arrive(n->p[0], BCAST, A, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 200);
    assert_int_equal(fake_sent(n->p[2]), 200);
}

static void a_learn_event_is_sent_once_a_millisecond(void **state)
{
    struct net *n = *state;
    struct worker *w = n->sw->workers[0];
    w->now = 5 * NSEC_PER_MSEC;
    assert_true(worker_learn(w, n->br, 0, mac_from_u64(A), n->p[0]));
    assert_false(worker_learn(w, n->br, 0, mac_from_u64(A), n->p[0]));
    assert_true(worker_learn(w, n->br, 1, mac_from_u64(A), n->p[0]));
    assert_true(worker_learn(w, n->br, 0, mac_from_u64(A), n->p[1])); /* it moves back and forth */
    assert_true(worker_learn(w, n->br, 0, mac_from_u64(A), n->p[0]));
    w->now += NSEC_PER_MSEC;
    assert_true(worker_learn(w, n->br, 0, mac_from_u64(A), n->p[0]));
}

static void an_event_of_a_port_that_went_is_not_learnt(void **state)
{
    struct net *n = *state;
    n->sw->workers[0]->now = n->now = 1;
    worker_learn(n->sw->workers[0], n->br, 0, mac_from_u64(A), n->p[2]);
    uint16_t index = n->p[2]->index;
    port_destroy(n->p[2]);
    struct port *again = fake_port_in(n->br, "again", NULL);
    assert_int_equal(again->index, index);
    run(n);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 0);
    assert_int_equal(n->sw->learn_stale, 1);
}

static void a_port_that_goes_takes_its_macs_with_it(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[2], BCAST, C, 60);
    run(n);
    fdb_add_static(n->br->fdb, 0, mac_from_u64(B), n->p[2]->index, 0);
    fake_arrive(n->p[0], C, A, 60);
    fake_arrive(n->p[2], A, C, 60); /* still in its queue when it goes */
    port_destroy(n->p[2]);
    n->p[2] = NULL;
    run(n);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 1);
    assert_int_equal(fake_sent(n->p[1]), 2); /* the broadcast, then the unknown C */
}

static void a_port_moves_to_another_bridge(void **state)
{
    struct net *n = *state;
    struct bridge *other = fake_bridge(n->sw, "br1");
    bridge_detach(n->p[2]);
    assert_null(n->p[2]->bridge);
    assert_int_equal(bridge_attach(other, n->p[2], OFPP_LOCAL, NULL), 0);
    assert_ptr_equal(other->ports->local, n->p[2]);
    fake_arrive(n->p[0], BCAST, A, 60);
    fake_arrive(n->p[2], BCAST, C, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 1);
    assert_int_equal(fake_sent(n->p[2]), 0);
    assert_int_equal(fdb_counters(other->fdb).entries, 1);
}

static void the_flood_list_is_in_order_with_local_last(void **state)
{
    struct net *n = *state;
    struct port *p = NULL, *l = NULL;
    struct port_options o = {.name = "hi", .type = "fake"}, lo = {.name = "lo", .type = "fake"};
    assert_int_equal(port_create(n->sw, &lo, &l, NULL), 0);
    assert_int_equal(bridge_attach(n->br, l, OFPP_LOCAL, NULL), 0);
    assert_int_equal(port_create(n->sw, &o, &p, NULL), 0);
    assert_int_equal(bridge_attach(n->br, p, 900, NULL), 0);
    bridge_detach(n->p[1]);
    const struct bridge_ports *bp = n->br->ports;
    assert_int_equal(bp->n, 4);
    assert_ptr_equal(bp->list[0], n->p[0]);
    assert_ptr_equal(bp->list[1], n->p[2]);
    assert_ptr_equal(bp->list[2], p);
    assert_ptr_equal(bp->list[3], l);
    assert_int_equal(bridge_attach(n->br, n->p[1], 0, NULL), 0);
    assert_int_equal(n->p[1]->ofp_no, 2); /* the lowest that is free */
}

static void what_cannot_be_made_is_refused_with_a_reason(void **state)
{
    struct net *n = *state;
    struct errbuf e;
    struct port *p = NULL;
    struct bridge *b = NULL;
    const struct port_options twice = {.name = "p1", .type = "fake"},
                              odd = {.name = "x", .type = "warp"},
                              big = {.name = "x", .type = "fake", .mtu = 60000},
                              broken = {.name = "x", .type = "fake", .devargs = "fail"};
    assert_int_equal(port_create(n->sw, &twice, &p, &e), -EEXIST);
    assert_non_null(strstr(e.text, "p1"));
    assert_int_equal(port_create(n->sw, &odd, &p, &e), -EINVAL);
    assert_non_null(strstr(e.text, "warp"));
    assert_int_equal(port_create(n->sw, &big, &p, &e), -EINVAL);
    assert_int_equal(port_create(n->sw, &broken, &p, &e), -ENODEV);
    assert_int_equal(bridge_create(n->sw, &(struct bridge_options){.name = "br0"}, &b, &e),
                     -EEXIST);
    assert_int_equal(bridge_attach(n->br, n->p[0], 9, &e), -EBUSY);
    bridge_detach(n->p[0]);
    assert_true(bridge_attach(n->br, n->p[0], 2, &e) < 0);
    assert_true(bridge_attach(n->br, n->p[0], WEFT_PORTS_MAX, &e) < 0);
    assert_int_equal(port_set_mtu(n->p[1], 10, &e), -EINVAL);
    assert_int_equal(port_set_mac(n->p[1], mac_from_u64(BCAST), &e), -EINVAL);
    assert_int_equal(port_set_mac(n->p[1], mac_from_u64(A), &e), -EOPNOTSUPP);
}

static void a_port_that_is_down_neither_gives_nor_takes(void **state)
{
    struct net *n = *state;
    assert_int_equal(port_set_config(n->p[1], PORT_CFG_DOWN, PORT_CFG_DOWN, NULL), 0);
    fake_arrive(n->p[0], BCAST, A, 60);
    fake_arrive(n->p[1], BCAST, B, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[0]), 0);
    assert_int_equal(fake_sent(n->p[1]), 0);
    assert_int_equal(switch_drops(n->sw, DROP_PORT_DOWN), 1);
    assert_int_equal(port_drops(n->p[1], DROP_PORT_DOWN), 1);
    assert_int_equal(port_drops(n->p[1], DROP_OUTPUT_DOWN), 1);
    assert_int_equal(port_stats_sum(n->p[1]).rx_dropped, 1);
    assert_int_equal(port_stats_sum(n->p[1]).tx_dropped, 1);
    port_set_config(n->p[1], 0, PORT_CFG_DOWN, NULL);
    port_set_config(n->p[2], PORT_CFG_NO_RECV | PORT_CFG_NO_FWD, ~0u, NULL);
    fake_arrive(n->p[0], BCAST, A, 60);
    fake_arrive(n->p[2], BCAST, C, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 1);
    assert_int_equal(switch_drops(n->sw, DROP_PORT_NO_RECV), 1);
    assert_int_equal(port_drops(n->p[2], DROP_OUTPUT_DOWN), 1);
}

static void the_mtu_holds_in_and_out(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[0], BCAST, A, 1522); /* two tags' room */
    fake_arrive(n->p[0], BCAST, A, 1523);
    run(n);
    assert_int_equal(port_drops(n->p[0], DROP_RX_TOO_LONG), 1);
    assert_int_equal(port_drops(n->p[1], DROP_TX_TOO_BIG), 1); /* it had no tag */
    assert_int_equal(port_set_mtu(n->p[1], 1000, NULL), 0);
    fake_arrive(n->p[0], BCAST, A, 1014);
    fake_arrive(n->p[0], BCAST, A, 1015);
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 1);
    assert_int_equal(fake_sent(n->p[2]), 2);
}

static void a_full_device_is_tried_twice_then_drops(void **state)
{
    struct net *n = *state;
    fake_of(n->p[1])->refuse_after = 4;
    for (int i = 0; i < 10; i++)
        fake_arrive(n->p[0], BCAST, A, 60);
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 8);
    assert_int_equal(port_drops(n->p[1], DROP_TX_FULL), 2);
    assert_int_equal(port_stats_sum(n->p[1]).tx_packets, 8);
    assert_int_equal(port_stats_sum(n->p[1]).tx_bytes, 480);
    assert_int_equal(port_stats_sum(n->p[1]).tx_dropped, 2);
}

static void a_frame_the_device_refuses_counts_as_an_error_only(void **state)
{
    struct net *n = *state;
    fake_of(n->p[1])->free_as_bad = 3;
    for (int i = 0; i < 10; i++)
        fake_arrive(n->p[0], BCAST, A, 60);
    run(n);
    assert_int_equal(port_stats_sum(n->p[1]).tx_packets, 7);
    assert_int_equal(port_stats_sum(n->p[1]).tx_bytes, 420);
    assert_int_equal(port_stats_sum(n->p[1]).tx_errors, 3);
}

static void the_last_drops_of_a_reason_are_kept(void **state)
{
    struct net *n = *state;
    struct drop_sample s[8];
    assert_int_equal(switch_drop_samples(n->sw, DROP_PORT_NO_RECV, s, 8), 0);
    port_set_config(n->p[0], PORT_CFG_NO_RECV, ~0u, NULL);
    for (uint16_t i = 0; i < 10; i++) {
        fake_arrive(n->p[0], BCAST, A + i, (uint16_t)(60 + i * 40));
        n->now += 10 * NSEC_PER_MSEC;
        run(n);
    }
    assert_int_equal(switch_drop_samples(n->sw, DROP_PORT_NO_RECV, s, 8), 4);
    for (unsigned i = 0; i < 4; i++) {
        uint16_t len = (uint16_t)(60 + (9 - i) * 40);
        assert_int_equal(s[i].len, len);
        assert_int_equal(s[i].snap_len, len < 128 ? len : 128);
        assert_int_equal(s[i].snap[11], 10 - i);
        assert_string_equal(s[i].port, "p1");
    }
    assert_string_equal(drop_name(DROP_TX_FULL), "tx-full");
    assert_non_null(strstr(drop_text(DROP_TX_FULL), "full"));
}

static void a_packet_out_leaves_at_once(void **state)
{
    struct net *n = *state;
    const struct op op = {.code = OP_OUTPUT, .port = 2};
    const struct op_list ops = {.n = 1, .ops = &op};
    struct rte_mbuf *m = rte_pktmbuf_alloc(n->sw->pool), *runt = rte_pktmbuf_alloc(n->sw->pool);
    memset(rte_pktmbuf_append(m, 60), 1, 60);
    memset(rte_pktmbuf_append(runt, 10), 1, 10);
    bridge_packet_out(n->br, m, OFPP_CONTROLLER, &ops, 5);
    bridge_packet_out(n->br, runt, OFPP_CONTROLLER, &ops, 5);
    assert_int_equal(fake_sent(n->p[1]), 1);
    assert_int_equal(port_stats_sum(n->p[1]).tx_packets, 1);
    assert_int_equal(switch_drops(n->sw, DROP_RX_TRUNCATED), 1);
}

static void entries_age_on_the_virtual_clock(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[0], BCAST, A, 60);
    run(n);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 1);
    n->now += 301 * NSEC_PER_SEC;
    run(n);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 0);
}

static void ports_come_and_go_a_thousand_times(void **state)
{
    struct net *n = *state;
    for (int i = 0; i < 1000; i++) {
        struct port *p = fake_port_in(n->br, "guest", NULL);
        fake_arrive(p, BCAST, C, 60);
        fake_arrive(n->p[0], C, A, 60);
        switch_step(n->sw, ++n->now);
        fake_arrive(p, A, C, 60);
        port_destroy(p);
    }
    run(n);
    assert_int_equal(fake_sent(n->p[1]), 2000 - fdb_counters(n->br->fdb).moved);
    assert_int_equal(fdb_counters(n->br->fdb).entries, 1);
}

static void fifty_switches_live_side_by_side(void **state)
{
    (void)state;
    struct weft_switch *sw[50];
    for (int i = 0; i < 50; i++) {
        struct switch_options o = {.mbufs = 256, .stepped = true};
        assert_int_equal(switch_create(&o, &sw[i], NULL), 0);
        fake_port_in(fake_bridge(sw[i], "br0"), "p1", NULL);
    }
    for (int i = 0; i < 50; i++)
        switch_destroy(sw[i]);
}

#define NET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_unknown_destination_floods_and_the_answer_does_not),
        NET_TEST(counters_count_frames_and_bytes),
        NET_TEST(a_burst_longer_than_a_tx_buffer_arrives_whole),
        NET_TEST(a_learn_event_is_sent_once_a_millisecond),
        NET_TEST(an_event_of_a_port_that_went_is_not_learnt),
        NET_TEST(a_port_that_goes_takes_its_macs_with_it),
        NET_TEST(a_port_moves_to_another_bridge),
        NET_TEST(the_flood_list_is_in_order_with_local_last),
        NET_TEST(what_cannot_be_made_is_refused_with_a_reason),
        NET_TEST(a_port_that_is_down_neither_gives_nor_takes),
        NET_TEST(the_mtu_holds_in_and_out),
        NET_TEST(a_full_device_is_tried_twice_then_drops),
        NET_TEST(a_frame_the_device_refuses_counts_as_an_error_only),
        NET_TEST(the_last_drops_of_a_reason_are_kept),
        NET_TEST(a_packet_out_leaves_at_once),
        NET_TEST(entries_age_on_the_virtual_clock),
        NET_TEST(ports_come_and_go_a_thousand_times),
        cmocka_unit_test(fifty_switches_live_side_by_side),
    };
    return cmocka_run_group_tests(tests, fake_eal, NULL);
}
