/* classify, act: instructions in their order, copies, the action set, every end of a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_lan.h"
#include "tests/unit/frames.h"

/* ------------------------------------------------------------ rules */

#define OUT(no)                                            \
    {                                                      \
        .code = OP_OUTPUT, .port = (no), .max_len = 0xffff \
    }
#define SET(f, ...)                                                 \
    {                                                               \
        .code = OP_SET_FIELD, .field = (f), .value = {__VA_ARGS__}, \
        .mask =                                                     \
        { 0xff,                                                     \
          0xff,                                                     \
          0xff,                                                     \
          0xff,                                                     \
          0xff,                                                     \
          0xff }                                                    \
    }
#define APPLY(...) \
    ((struct op[]){__VA_ARGS__}), sizeof((struct op[]){__VA_ARGS__}) / sizeof(struct op)
#define NOTHING NULL, 0

static struct rule *rule(uint8_t table, uint8_t go_to, const struct op *apply, uint16_t n_apply,
                         const struct op *write, uint16_t n_write)
{
    struct rule *r = rule_create(apply, n_apply, write, n_write);
    weft_assert(r != NULL);
    r->table = table;
    r->goto_table = go_to;
    r->priority = 1;
    r->cookie = 0xc00c1e;
    return r;
}

static void only(struct lan *l, struct rule *r) { lan_program(l, &r, 1); }

static void send_udp(struct lan *l, unsigned port)
{
    lan_send(l, port, frames[F_UDP4].b, frames[F_UDP4].len);
}

static const uint8_t *sent(struct lan *l, unsigned port, unsigned i)
{
    return lan_of(l, port)->out[i].b;
}

static uint64_t drops(struct lan *l, enum drop_reason r) { return switch_drops(l->sw, r); }

/* ------------------------------------------------------------ apply */

static void apply_runs_in_order_and_outputs_are_copies(void **state)
{
    struct lan *l = *state;
    only(l,
         rule(0, RULE_NO_GOTO,
              APPLY(OUT(2), SET(FF_ETH_DST, 6, 6, 6, 6, 6, 6), OUT(3),
                    SET(FF_ETH_DST, 8, 8, 8, 8, 8, 8), OUT(4), SET(FF_ETH_DST, 9, 9, 9, 9, 9, 9)),
              NOTHING));
    send_udp(l, 1);
    assert_int_equal(sent(l, 2, 0)[0], 2);
    assert_int_equal(sent(l, 3, 0)[0], 6);
    assert_int_equal(sent(l, 4, 0)[0], 8);
    assert_int_equal(drops(l, DROP_RULE_DROP), 0);
}

static void nothing_to_do_is_a_drop_and_no_match_another(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, APPLY(SET(FF_ETH_DST, 6)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_RULE_DROP), 1);
    only(l, rule(1, RULE_NO_GOTO, APPLY(OUT(2)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_TABLE_MISS), 1);
    assert_int_equal(lan_out(l), 0);
}

static void reserved_ports_mean_what_they_mean(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_IN_PORT)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 1);
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_ALL)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2 | 1 << 3 | 1 << 4);
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_FLOOD)), NOTHING));
    send_udp(l, 2);
    assert_int_equal(lan_out(l), 1 << 1 | 1 << 3 | 1 << 4);
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_NORMAL)), NOTHING));
    send_udp(l, 3);
    assert_int_equal(lan_out(l), 1 << 1 | 1 << 2 | 1 << 4);
}

static void outputs_that_cannot_be_have_their_reasons(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(1)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_OUTPUT_IS_INPUT), 1);
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(77), OUT(OFPP_LOCAL), OUT(OFPP_ANY)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_NO_OUTPUT_PORT), 3);
    only(l, rule(0, RULE_NO_GOTO, APPLY({.code = OP_POP_VLAN}, OUT(2)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_ACTION_BAD), 1);
    assert_int_equal(lan_out(l), 0);
}

/* ------------------------------------------------------------ goto, metadata, action set */

static void the_action_set_runs_last_and_in_its_own_order(void **state)
{
    struct lan *l = *state;
    struct rule *r[] = {
        rule(0, 1, NOTHING, APPLY(OUT(2), SET(FF_VLAN_VID, 0x10, 7), {.code = OP_DEC_IP_TTL})),
        rule(1, 2, APPLY(OUT(3)), APPLY({.code = OP_PUSH_VLAN, .ethertype = to_be16(0x8100)})),
        rule(2, RULE_NO_GOTO, NOTHING, APPLY(OUT(4))), /* replaces the output to 2 */
    };
    lan_program(l, r, 3);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 3 | 1 << 4);
    assert_memory_equal(sent(l, 3, 0), frames[F_UDP4].b, frames[F_UDP4].len);
    const uint8_t *b = sent(l, 4, 0);
    assert_int_equal(lan_of(l, 4)->out[0].len, frames[F_UDP4].len + 4);
    assert_int_equal(b[12] << 8 | b[13], 0x8100);
    assert_int_equal(b[15], 7);
    assert_int_equal(b[18 + 8], 1); /* TTL was 2 */
}

static void clear_actions_empties_the_set(void **state)
{
    struct lan *l = *state;
    struct rule *r[] = {rule(0, 1, NOTHING, APPLY(OUT(2))),
                        rule(1, RULE_NO_GOTO, NOTHING, NOTHING)};
    r[1]->clear_set = true;
    lan_program(l, r, 2);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 0);
    assert_int_equal(drops(l, DROP_RULE_DROP), 1);
}

/* Each packet of a burst has an action set of its own, however the burst closes its ranks. */
static void action_sets_of_a_burst_do_not_mix(void **state)
{
    struct lan *l = *state;
    struct rule *r[6];
    for (uint8_t i = 0; i < 3; i++) {
        r[i] = rule(0, 1, NOTHING, APPLY(OUT(2u + i)));
        flow_match_set(&r[i]->match, FF_ETH_SRC, (uint8_t[6]){2, 0, 0, 0, 0, i}, NULL);
    }
    r[3] = rule(0, RULE_NO_GOTO, NOTHING, NOTHING); /* others end here */
    r[3]->priority = 0;
    r[4] = rule(1, 2, NOTHING, APPLY(SET(FF_ETH_DST, 4, 4, 4, 4, 4, 4)));
    flow_match_set(&r[4]->match, FF_ETH_SRC, (uint8_t[6]){2, 0, 0, 0, 0, 1}, NULL);
    r[5] = rule(1, 2, NOTHING, NOTHING);
    r[5]->priority = 0;
    struct rule *all[7] =
        {r[0], r[1], r[2], r[3], r[4], r[5], rule(2, RULE_NO_GOTO, NOTHING, NOTHING)};
    lan_program(l, all, 7);
    uint8_t b[160];
    memcpy(b, frames[F_UDP4].b, frames[F_UDP4].len);
    for (uint8_t i = 0; i < 8; i++) {
        b[11] = i % 4; /* 3: dropped at once */
        lan_queue(l, 1, b, frames[F_UDP4].len);
    }
    lan_run(l);
    for (unsigned port = 2; port <= 4; port++) {
        assert_int_equal(lan_of(l, port)->n_out, 2);
        assert_int_equal(sent(l, port, 0)[11], port - 2);
        assert_int_equal(sent(l, port, 1)[0], port == 3 ? 4 : 2);
    }
    assert_int_equal(drops(l, DROP_RULE_DROP), 2);
}

static void metadata_is_written_under_its_mask(void **state)
{
    struct lan *l = *state;
    struct rule *r[] = {rule(0, 1, NOTHING, NOTHING), rule(1, 2, NOTHING, NOTHING),
                        rule(2, RULE_NO_GOTO, APPLY(OUT(2)), NOTHING)};
    r[0]->metadata = to_be64(0xabcd), r[0]->metadata_mask = to_be64(0xffff);
    r[1]->metadata = to_be64(0x1200), r[1]->metadata_mask = to_be64(0xff00);
    flow_match_set(&r[2]->match, FF_METADATA, &(be64){to_be64(0x12cd)}, NULL);
    lan_program(l, r, 3);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2);
}

static void rules_and_tables_count(void **state)
{
    struct lan *l = *state;
    uint32_t id = stats_id_get(&l->sw->flow_stats), silent = stats_id_get(&l->sw->flow_stats);
    struct rule *r[] = {rule(0, 1, NOTHING, NOTHING),
                        rule(1, RULE_NO_GOTO, APPLY(OUT(2)), NOTHING)};
    r[0]->stats_id = id;
    r[1]->stats_id = silent;
    r[1]->no_counts = true;
    lan_program(l, r, 2);
    send_udp(l, 1);
    send_udp(l, 1);
    struct flow_stats s = stats_sum(&l->sw->flow_stats, id);
    assert_int_equal(s.packets, 2);
    assert_int_equal(s.bytes, 2 * frames[F_UDP4].len);
    assert_int_equal(s.used_ns, l->now);
    s = stats_sum(&l->sw->flow_stats, silent);
    assert_int_equal(s.packets, 0);
    assert_int_equal(s.used_ns, l->now);
    assert_int_equal(bridge_table_stats(l->br, 1).lookups, 2);
    assert_int_equal(bridge_table_stats(l->br, 0).matches, 2);
}

/* ------------------------------------------------------------ controller */

static struct rte_mbuf *take_packet_in(struct lan *l)
{
    struct rte_mbuf *m = NULL;
    return punt_take(l->sw->punt, PUNT_PACKET_IN, &m, 1) == 1 ? m : NULL;
}

static void a_packet_in_says_why_and_from_where(void **state)
{
    struct lan *l = *state;
    struct rule *r =
        rule(0, RULE_NO_GOTO,
             APPLY({.code = OP_OUTPUT, .port = OFPP_CONTROLLER, .max_len = 128}, OUT(2)), NOTHING);
    only(l, r);
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_PACKET_IN_OFF), 1);
    atomic_store(&l->br->packet_in, true);
    send_udp(l, 1);
    assert_int_equal(lan_out(l), 1 << 2);
    struct rte_mbuf *m = take_packet_in(l);
    assert_non_null(m);
    assert_int_equal(m->pkt_len, frames[F_UDP4].len);
    assert_int_equal(pkt_of(m)->max_len, 128);
    assert_int_equal(pkt_of(m)->cookie, 0xc00c1e);
    assert_int_equal(pkt_of(m)->reason, PUNT_ACTION);
    rte_pktmbuf_free(m);
}

static void a_miss_rule_says_no_match_unless_its_port_is_silenced(void **state)
{
    struct lan *l = *state;
    struct rule *r = rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_CONTROLLER)), NOTHING);
    r->is_miss = true;
    only(l, r);
    atomic_store(&l->br->packet_in, true);
    send_udp(l, 1);
    struct rte_mbuf *m = take_packet_in(l);
    assert_non_null(m);
    assert_int_equal(pkt_of(m)->reason, PUNT_NO_MATCH);
    rte_pktmbuf_free(m);
    atomic_fetch_or(&l->p[1]->config, PORT_CFG_NO_PACKET_IN);
    send_udp(l, 1);
    assert_null(take_packet_in(l));
}

static void a_ttl_that_runs_out_goes_to_the_controller(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, APPLY({.code = OP_DEC_IP_TTL}, {.code = OP_DEC_IP_TTL}, OUT(2)),
                 NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_TTL_INVALID), 1);
    atomic_store(&l->br->packet_in, true);
    send_udp(l, 1);
    struct rte_mbuf *m = take_packet_in(l);
    assert_non_null(m);
    assert_int_equal(pkt_of(m)->reason, PUNT_INVALID_TTL);
    rte_pktmbuf_free(m);
    assert_int_equal(lan_out(l), 0);
}

/* ------------------------------------------------------------ packet-out */

static void packet_out(struct lan *l, uint32_t in_port, struct op op)
{
    lan_forget(l);
    struct op_list ops = {.n = 1, .ops = &op};
    struct rte_mbuf *m = lan_mbuf(l, frames[F_UDP4].b, frames[F_UDP4].len);
    bridge_packet_out(l->br, m, in_port, &ops, l->now);
}

static void a_packet_out_goes_out_or_through_the_tables(void **state)
{
    struct lan *l = *state;
    struct rule *r[] = {rule(0, 1, NOTHING, APPLY(OUT(2))),
                        rule(1, RULE_NO_GOTO, NOTHING, NOTHING)};
    flow_match_set(&r[0]->match, FF_IN_PORT, &(be32){to_be32(3)}, NULL);
    lan_program(l, r, 2);
    packet_out(l, OFPP_CONTROLLER, (struct op)OUT(4));
    assert_int_equal(lan_out(l), 1 << 4);
    packet_out(l, OFPP_CONTROLLER, (struct op)OUT(OFPP_FLOOD));
    assert_int_equal(lan_out(l), 0x1e);
    packet_out(l, OFPP_CONTROLLER, (struct op)OUT(OFPP_NORMAL));
    assert_int_equal(lan_out(l), 0x1e);
    packet_out(l, 3, (struct op)OUT(OFPP_TABLE));
    assert_int_equal(lan_out(l), 1 << 2);
}

static void tables_that_send_to_the_tables_come_to_an_end(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, NOTHING, APPLY(OUT(OFPP_TABLE))));
    packet_out(l, 3, (struct op)OUT(OFPP_TABLE));
    assert_int_equal(drops(l, DROP_RECIRC_LIMIT), 1);
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(OFPP_TABLE), OUT(2)), NOTHING));
    send_udp(l, 1);
    assert_int_equal(drops(l, DROP_RECIRC_LIMIT), 2);
    assert_int_equal(lan_of(l, 2)->n_out, WEFT_RECIRC_MAX + 1);
}

static void a_copy_that_cannot_be_made_is_counted(void **state)
{
    struct lan *l = *state;
    only(l, rule(0, RULE_NO_GOTO, APPLY(OUT(2), OUT(3)), NOTHING));
    struct rte_mbuf *all[1024];
    unsigned n = 0;
    lan_forget(l);
    lan_queue(l, 1, frames[F_UDP4].b, frames[F_UDP4].len);
    while (n < 1024 && (all[n] = rte_pktmbuf_alloc(l->sw->pool)) != NULL)
        n++;
    lan_run(l);
    rte_pktmbuf_free_bulk(all, n);
    assert_int_equal(drops(l, DROP_NO_MBUF), 1);
    assert_int_equal(lan_out(l), 1 << 3);
}

static void a_clone_of_a_long_frame_is_whole_and_keeps_its_requests(void **state)
{
    struct lan *l = *state;
    struct worker *w = l->sw->workers[0];
    struct rte_mbuf *m = lan_mbuf(l, frames[F_TCP4].b, frames[F_TCP4].len);
    for (unsigned i = 0; i < 20; i++) {
        struct rte_mbuf *more = rte_pktmbuf_alloc(l->sw->pool);
        memset(rte_pktmbuf_append(more, 2000), (int)i, 2000);
        assert_int_equal(rte_pktmbuf_chain(m, more), 0);
    }
    m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
    m->tso_segsz = 1448;
    pkt_of(m)->bridge = l->br;
    struct rte_mbuf *c = pkt_clone(w, m);
    assert_non_null(c);
    assert_int_equal(c->pkt_len, m->pkt_len);
    assert_int_equal(c->ol_flags, m->ol_flags);
    assert_int_equal(c->tso_segsz, 1448);
    assert_ptr_equal(pkt_of(c)->bridge, l->br);
    uint8_t a[64], b[64];
    for (uint32_t off = 0; off + 64 <= m->pkt_len; off += 64)
        assert_memory_equal(rte_pktmbuf_read(m, off, 64, a), rte_pktmbuf_read(c, off, 64, b), 64);
    assert_true(rte_pktmbuf_headroom(c) >= 8); /* tags still fit in front */
    rte_pktmbuf_free(c);
    rte_pktmbuf_free(m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(apply_runs_in_order_and_outputs_are_copies),
        T(nothing_to_do_is_a_drop_and_no_match_another),
        T(reserved_ports_mean_what_they_mean),
        T(outputs_that_cannot_be_have_their_reasons),
        T(the_action_set_runs_last_and_in_its_own_order),
        T(clear_actions_empties_the_set),
        T(action_sets_of_a_burst_do_not_mix),
        T(metadata_is_written_under_its_mask),
        T(rules_and_tables_count),
        T(a_packet_in_says_why_and_from_where),
        T(a_miss_rule_says_no_match_unless_its_port_is_silenced),
        T(a_ttl_that_runs_out_goes_to_the_controller),
        T(a_packet_out_goes_out_or_through_the_tables),
        T(tables_that_send_to_the_tables_come_to_an_end),
        T(a_copy_that_cannot_be_made_is_counted),
        T(a_clone_of_a_long_frame_is_whole_and_keeps_its_requests),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
