/* Packets through groups and meters (OpenFlow 1.3.5, 5.6, 5.7), on the real stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "tests/unit/fake_lan.h"
#include "tests/unit/frames.h"

static struct op out(uint32_t port) { return (struct op){.code = OP_OUTPUT, .port = port}; }
static struct op to_group(uint32_t id) { return (struct op){.code = OP_GROUP, .port = id}; }

/* A bucket of one operation. */
static struct group_bucket bucket(const struct op *op, uint32_t watch_port, uint16_t weight)
{
    return (struct group_bucket){.watch_port = watch_port,
                                 .watch_group = GROUP_WATCH_NONE,
                                 .stats_id = UINT32_MAX,
                                 .weight = weight,
                                 .ops = {.n = 1, .ops = op}};
}

static struct group *group_of(uint32_t id, enum group_type type, const struct group_bucket *b,
                              uint16_t n)
{
    struct group *g = group_create(id, type, b, n, UINT32_MAX, id);
    weft_assert(g != NULL);
    return g;
}

/* One rule that does `ops`, with these groups and this meter. */
static void run(struct lan *l, const struct op *ops, uint16_t n_ops, struct group **g, uint32_t n,
                struct meter *meter)
{
    uint32_t ids[64], one = 1;
    struct program *p = program_create();
    struct rule *r = rule_create(ops, n_ops, NULL, 0);
    void *things[64];
    r->goto_table = RULE_NO_GOTO;
    r->stats_id = UINT32_MAX;
    r->meter = meter != NULL;
    program_set_table(p, 0, table_build(&r, 1));
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = g[i]->id;
        things[i] = g[i];
    }
    p->groups = idset_create(ids, things, n, 1, group_release);
    void *m = meter;
    p->meters = meter != NULL ? idset_create(&one, &m, 1, 1, meter_release) : NULL;
    bridge_publish(l->br, p);
}

static void send_udp(struct lan *l, unsigned port)
{
    lan_send(l, port, frames[F_UDP4].b, frames[F_UDP4].len);
}

/* ------------------------------------------------------------ the four types */

static void all_copies_to_each_and_starts_from_the_same_packet(void **state)
{
    struct lan *l = *state;
    struct op set[] = {{.code = OP_SET_FIELD, .field = FF_ETH_DST, .value = {6}, .mask = {255}},
                       out(2)};
    struct op to3 = out(3), to1 = out(1), use = to_group(7);
    struct group_bucket b[3] = {bucket(set, GROUP_WATCH_NONE, 0), bucket(&to3, GROUP_WATCH_NONE, 0),
                                bucket(&to1, GROUP_WATCH_NONE, 0)};
    b[0].ops.n = 2;
    b[0].stats_id = stats_id_get(&l->sw->flow_stats);
    struct group *g = group_of(7, GROUP_ALL, b, 3);
    g->stats_id = stats_id_get(&l->sw->flow_stats);
    uint32_t group_id = g->stats_id;
    run(l, &use, 1, &g, 1, NULL);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2 | 1 << 3); /* not back to where it came from */
    assert_int_equal(lan_of(l, 2)->out[0].b[0], 6);
    assert_memory_equal(lan_of(l, 3)->out[0].b, frames[F_UDP4].b, frames[F_UDP4].len);
    assert_int_equal(switch_drops(l->sw, DROP_OUTPUT_IS_INPUT), 1);
    assert_int_equal(stats_sum(&l->sw->flow_stats, group_id).packets, 1);
    assert_int_equal(stats_sum(&l->sw->flow_stats, b[0].stats_id).bytes, frames[F_UDP4].len);
}

static void a_list_goes_on_behind_a_group(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2), list[] = {to_group(1), {.code = OP_DEC_IP_TTL}, out(3)};
    struct group_bucket b = bucket(&to2, GROUP_WATCH_NONE, 0);
    struct group *g = group_of(1, GROUP_INDIRECT, &b, 1);
    run(l, list, 3, &g, 1, NULL);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2 | 1 << 3);
    assert_int_equal(lan_of(l, 2)->out[0].b[22], 2);
    assert_int_equal(lan_of(l, 3)->out[0].b[22], 1);
}

static void failover_takes_the_first_live_bucket_at_once(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2), to3 = out(3), use = to_group(1);
    struct group_bucket b[] = {bucket(&to2, 2, 0), bucket(&to3, 3, 0)};
    struct group *g = group_of(1, GROUP_FAILOVER, b, 2);
    run(l, &use, 1, &g, 1, NULL);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2);
    atomic_store(&l->p[2]->link_up, false); /* one store: nothing is compiled anew */
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 3);
    atomic_fetch_or(&l->p[3]->config, PORT_CFG_DOWN);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 0);
    assert_int_equal(switch_drops(l->sw, DROP_GROUP_DEAD), 1);
    atomic_store(&l->p[2]->link_up, true);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2);
}

static void a_watched_group_is_live_with_any_of_its_buckets(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2), to3 = out(3), to4 = out(4), use = to_group(1), inner = to_group(2);
    struct group_bucket b2[] = {bucket(&to2, 2, 0), bucket(&to3, 3, 0)};
    struct group_bucket b1[] = {bucket(&inner, GROUP_WATCH_NONE, 0), bucket(&to4, 4, 0)};
    b1[0].watch_group = 2;
    struct group *g[] = {group_of(1, GROUP_FAILOVER, b1, 2), group_of(2, GROUP_FAILOVER, b2, 2)};
    run(l, &use, 1, g, 2, NULL);
    atomic_store(&l->p[2]->link_up, false);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 3);
    atomic_store(&l->p[3]->link_up, false);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 4);
}

/* ------------------------------------------------------------ limits */

static void groups_that_copy_without_end_are_stopped(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2), use = to_group(1);
    struct group *g[WEFT_GROUP_DEPTH];
    for (uint32_t i = 0; i < WEFT_GROUP_DEPTH; i++) { /* 4 to the power of 16 copies */
        struct op next = i + 1 < WEFT_GROUP_DEPTH ? to_group(i + 2) : to2;
        struct group_bucket b[4];
        for (unsigned k = 0; k < 4; k++)
            b[k] = bucket(&next, GROUP_WATCH_NONE, 0);
        g[i] = group_of(i + 1, GROUP_ALL, b, 4);
    }
    run(l, &use, 1, g, WEFT_GROUP_DEPTH, NULL);
    send_udp(l, 1);
    assert_true(switch_drops(l->sw, DROP_GROUP_LIMIT) > 0);
    assert_true(lan_of(l, 2)->n_out <= WEFT_GROUP_COPIES + 1);
}

static void a_group_that_is_not_there_or_is_empty_drops(void **state)
{
    struct lan *l = *state;
    struct op use[] = {to_group(1), to_group(9)};
    struct group *g = group_of(1, GROUP_SELECT, NULL, 0);
    run(l, use, 2, &g, 1, NULL);
    send_udp(l, 1);
    assert_int_equal(switch_drops(l->sw, DROP_GROUP_DEAD), 1);
    assert_int_equal(switch_drops(l->sw, DROP_NO_GROUP), 1);
}

/* ------------------------------------------------------------ select */

static unsigned chosen(const struct group *g, const struct flow_key *k)
{
    return (unsigned)(group_select(g, k, 42) - g->bucket);
}

static void select_spreads_by_weight_on_every_address(void **state)
{
    (void)state;
    struct op to[4] = {out(1), out(2), out(3), out(4)};
    const uint16_t weight[4] = {1, 2, 5, 0};
    struct group_bucket b[4];
    for (unsigned i = 0; i < 4; i++)
        b[i] = bucket(&to[i], GROUP_WATCH_NONE, weight[i]);
    struct group *g = group_of(1, GROUP_SELECT, b, 4);
    /* What varies: MACs, IPv4 addresses, ports, ARP's addresses */
    static const enum flow_field varies[] = {FF_ETH_SRC, FF_ETH_DST, FF_IPV4_SRC, FF_TCP_SRC,
                                             FF_ARP_SPA, FF_ARP_SHA, FF_IPV6_DST, FF_VLAN_VID};
    for (unsigned f = 0; f < sizeof varies / sizeof *varies; f++) {
        unsigned hits[4] = {0};
        for (uint32_t i = 0; i < 8192; i++) {
            struct flow_key k = {.eth_type = to_be16(0x0800), .ip_proto = 6};
            uint8_t *slot = flow_slot(&k, varies[f]);
            slot[0] = (uint8_t)i;
            slot[1] = (uint8_t)(i >> 8);
            hits[chosen(g, &k)]++;
        }
        assert_in_range(hits[0], 1024 - 100, 1024 + 100);
        assert_in_range(hits[1], 2048 - 140, 2048 + 140);
        assert_in_range(hits[2], 5120 - 200, 5120 + 200);
        assert_int_equal(hits[3], 0);
    }
    group_release(g);
}

static void a_bucket_that_goes_moves_few_flows_of_others(void **state)
{
    (void)state;
    struct op to[5] = {out(1), out(2), out(3), out(4), out(5)};
    struct group_bucket b[5], fewer[4];
    for (unsigned i = 0; i < 5; i++)
        b[i] = bucket(&to[i], GROUP_WATCH_NONE, 10);
    memcpy(fewer, b + 1, sizeof fewer); /* the first one goes: all places change */
    struct group *g5 = group_of(1, GROUP_SELECT, b, 5), *g4 = group_of(1, GROUP_SELECT, fewer, 4);
    unsigned moved = 0, stayed = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        struct flow_key k = {.l4_src = to_be16((uint16_t)i), .ip_proto = 17};
        unsigned before = group_select(g5, &k, 1)->ops.ops[0].port;
        unsigned after = group_select(g4, &k, 1)->ops.ops[0].port;
        moved += before != 1 && before != after;
        stayed += before == after;
    }
    assert_true(moved < 8000 / 10);
    assert_true(stayed > 8000 * 9 / 10);
    group_release(g5);
    group_release(g4);
}

static void fragments_of_a_packet_stay_together(void **state)
{
    (void)state;
    struct op to[2] = {out(1), out(2)};
    struct group_bucket b[2] = {bucket(&to[0], GROUP_WATCH_NONE, 1),
                                bucket(&to[1], GROUP_WATCH_NONE, 1)};
    struct group *g = group_of(1, GROUP_SELECT, b, 2);
    for (uint16_t i = 0; i < 100; i++) {
        struct flow_key first = {.ip_proto = 17, .ip_frag = FLOW_FRAG_ANY, .l4_src = i};
        struct flow_key later = {.ip_proto = 17, .ip_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER};
        assert_int_equal(chosen(g, &first), chosen(g, &later));
    }
    group_release(g);
}

static void select_leaves_a_dead_bucket_alone(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2), to3 = out(3), use = to_group(1);
    struct group_bucket b[] = {bucket(&to2, 2, 1), bucket(&to3, 3, 1)};
    struct group *g = group_of(1, GROUP_SELECT, b, 2);
    run(l, &use, 1, &g, 1, NULL);
    for (unsigned dead = 2; dead <= 3; dead++) {
        atomic_store(&l->p[dead]->link_up, false);
        send_udp(l, 1);
        assert_int_equal(lan_out(l), 1 << (5 - dead));
        atomic_store(&l->p[dead]->link_up, true);
    }
}

/* ------------------------------------------------------------ meters */

/* Offers `pps` packets of `bytes` for `seconds`, in bunches of what comes in `gap_ns`; how many
 * pass. */
static uint64_t offer(struct meter *m, uint32_t bytes, double pps, double seconds, nsec_t gap_ns)
{
    uint64_t passed = 0;
    double due = 0;
    nsec_t start = 1000 * NSEC_PER_SEC;
    for (nsec_t now = start; now < start + (nsec_t)(seconds * 1e9); now += gap_ns)
        for (due += pps * (double)gap_ns / 1e9; due >= 1; due--)
            passed += meter_take(m, bytes, now) < 0;
    return passed;
}

static void a_rate_is_held_within_5_percent(void **state)
{
    (void)state;
    static const struct {
        uint32_t rate;
        bool pktps;
        uint32_t bytes;
        double offered_pps;
        nsec_t gap;
    } cases[] = {
        {1000, false, 1000, 1000, 10 * NSEC_PER_MSEC}, /* 125 pps */
        {10000, false, 1000, 5000, NSEC_PER_MSEC},
        {100000, false, 1500, 20000, 10 * NSEC_PER_MSEC},
        {10000000, false, 64, 25e6, 10000},
        {100, true, 64, 1000, 10 * NSEC_PER_MSEC},
        {1000, true, 64, 1100, NSEC_PER_MSEC},
        {10000, true, 1500, 100000, 20 * NSEC_PER_MSEC},
        {64, false, 1500, 100, 10 * NSEC_PER_MSEC}, /* a frame is more than the bucket */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct meter_band b = {.rate = cases[i].rate, .stats_id = UINT32_MAX};
        struct meter *m = meter_create(1, cases[i].pktps, UINT32_MAX, &b, 1);
        double seconds = cases[i].offered_pps > 1e6 ? 0.5 : 60;
        double want = cases[i].pktps ? cases[i].rate * seconds
                                     : cases[i].rate * 1000.0 * seconds / 8 / cases[i].bytes;
        uint64_t got = offer(m, cases[i].bytes, cases[i].offered_pps, seconds, cases[i].gap);
        if (cases[i].offered_pps > 1e6)
            want *= 1.1; /* half a second, and a bucket of 50 ms */
        assert_true(got > want * 0.97 && got < want * 1.03 + 1);
        meter_release(m);
    }
}

static void less_than_the_rate_passes_whole(void **state)
{
    (void)state;
    struct meter_band b = {.rate = 1000, .stats_id = UINT32_MAX};
    struct meter *m = meter_create(1, true, UINT32_MAX, &b, 1);
    assert_int_equal(offer(m, 64, 990, 10, 10 * NSEC_PER_MSEC), 9900);
    meter_release(m);
}

static void a_burst_is_as_long_as_told(void **state)
{
    (void)state;
    struct meter_band b = {.rate = 10, .burst = 25, .stats_id = UINT32_MAX};
    struct meter *m = meter_create(1, true, UINT32_MAX, &b, 1);
    unsigned passed = 0;
    for (unsigned i = 0; i < 100; i++)
        passed += meter_take(m, 64, NSEC_PER_SEC) < 0;
    assert_int_equal(passed, 25);
    assert_int_equal(meter_take(m, 64, NSEC_PER_SEC + 100 * NSEC_PER_MSEC), -1);
    assert_int_equal(meter_take(m, 64, NSEC_PER_SEC + 100 * NSEC_PER_MSEC), 0);
    meter_release(m);
}

static void the_fastest_exceeded_band_acts(void **state)
{
    (void)state;
    struct meter_band b[] = {{.rate = 10, .burst = 1, .remark = true, .stats_id = UINT32_MAX},
                             {.rate = 20, .burst = 2, .stats_id = UINT32_MAX}};
    struct meter *m = meter_create(1, true, UINT32_MAX, b, 2);
    nsec_t now = NSEC_PER_SEC;
    assert_int_equal(meter_take(m, 64, now), -1);
    assert_int_equal(meter_take(m, 64, now), 1); /* the slower one remarks */
    assert_int_equal(meter_take(m, 64, now), 0); /* the faster one drops */
    meter_release(m);
}

static void a_metered_packet_is_dropped_or_remarked(void **state)
{
    struct lan *l = *state;
    struct op to2 = out(2);
    struct meter_band b = {.rate = 1, .burst = 1, .stats_id = stats_id_get(&l->sw->flow_stats)};
    uint32_t in_id = stats_id_get(&l->sw->flow_stats);
    run(l, &to2, 1, NULL, 0, meter_create(1, true, in_id, &b, 1));
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 0);
    assert_int_equal(switch_drops(l->sw, DROP_METERED), 1);
    assert_int_equal(stats_sum(&l->sw->flow_stats, in_id).packets, 2);
    assert_int_equal(stats_sum(&l->sw->flow_stats, b.stats_id).packets, 1);

    struct op af[] = {{.code = OP_SET_FIELD, .field = FF_IP_DSCP, .value = {10}, .mask = {63}},
                      out(2)};
    b.remark = true;
    b.prec_level = 1;
    run(l, af, 2, NULL, 0, meter_create(1, true, in_id, &b, 1));
    send_udp(l, 1);
    send_udp(l, 1); /* the frame's own code point is not an AF one: it stays, then 10 is set */
    assert_int_equal(lan_of(l, 2)->out[0].b[15] >> 2, 10);
    uint8_t marked[256];
    memcpy(marked, lan_of(l, 2)->out[0].b, frames[F_UDP4].len);
    run(l, &to2, 1, NULL, 0, meter_create(1, true, in_id, &b, 1));
    lan_send(l, 1, marked, frames[F_UDP4].len);
    assert_int_equal(lan_of(l, 2)->out[0].b[15] >> 2, 10);
    lan_send(l, 1, marked, frames[F_UDP4].len);
    assert_int_equal(lan_of(l, 2)->out[0].b[15] >> 2, 12); /* AF11 has become AF12 */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_copies_to_each_and_starts_from_the_same_packet),
        TEST(a_list_goes_on_behind_a_group),
        TEST(failover_takes_the_first_live_bucket_at_once),
        TEST(a_watched_group_is_live_with_any_of_its_buckets),
        TEST(groups_that_copy_without_end_are_stopped),
        TEST(a_group_that_is_not_there_or_is_empty_drops),
        TEST(select_spreads_by_weight_on_every_address),
        TEST(a_bucket_that_goes_moves_few_flows_of_others),
        TEST(fragments_of_a_packet_stay_together),
        TEST(select_leaves_a_dead_bucket_alone),
        TEST(a_rate_is_held_within_5_percent),
        TEST(less_than_the_rate_passes_whole),
        TEST(a_burst_is_as_long_as_told),
        TEST(the_fastest_exceeded_band_acts),
        TEST(a_metered_packet_is_dropped_or_remarked),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
