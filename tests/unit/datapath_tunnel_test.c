/* Tunnels: a bridge with tenants, a VTEP on an underlay port, and what either side sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tunnel_net.h"

/* ------------------------------------------------------------ there and back */

static void rfc7348_section_4_1_unknown_goes_to_all_and_comes_out_as_it_was(void **state)
{
    for (int six = 0; six < 2; six++) {
        struct net *n = net_of(*state, (struct vtep_options){.local.v6 = six});
        struct bytes f = tenant(9, 1, 0, 53);
        in(n, 1, f);
        assert_int_equal(lan_out(n->l), 1 << 2 | 1 << 3 | 1 << UPLINK);
        assert_int_equal(lan_of(n->l, UPLINK)->n_out, 2);
        for (unsigned i = 0; i < 2; i++) {
            struct outer o = read_out(n, i, (uint8_t)(2 + i), OUTER_OK);
            assert_int_equal(o.vxlan.vni, 100);
            assert_int_equal(o.inner_len, f.len);
            assert_int_equal(o.ttl, 64);
            assert_true(o.src_port >= 49152);
            assert_memory_equal(lan_of(n->l, UPLINK)->out[i].b + o.inner_off, f.b, f.len);
            if (six)
                assert_int_not_equal(o.udp_csum, 0);
        }
        struct bytes back = tenant(1, 9, 0, 53);
        in(n, UPLINK, wrap(n, &back, 2, 100, 0));
        assert_int_equal(lan_out(n->l), 1 << 1);
        assert_memory_equal(lan_of(n->l, 1)->out[0].b, back.b, back.len);
        assert_int_equal(lan_of(n->l, 1)->out[0].len, back.len);
        assert_int_equal(port_stats_sum(n->t).rx_packets, 1);
        assert_int_equal(port_stats_sum(n->t).tx_packets, 1);
        free(n);
        if (!six) {
            assert_int_equal(lan_teardown(state), 0);
            lan_setup(state);
        }
    }
}

static void rfc6936_the_checksum_over_ipv6_is_right(void **state)
{
    struct net *n = net_of(*state, (struct vtep_options){.local.v6 = true});
    in(n, 1, tenant(9, 1, 0, 53));
    struct lan_port *p = lan_of(n->l, UPLINK);
    size_t udp = 54, len = p->out[0].len - udp;
    assert_int_equal(csum_finish(csum_add(outer_pseudo_sum(p->out[0].b + 14, true, (uint16_t)len),
                                          p->out[0].b + udp, len)),
                     0);
    free(n);
}

static void rfc7348_section_4_1_the_vtep_behind_a_mac_is_learnt_and_moves(void **state)
{
    struct net *n = plain(state);
    struct bytes f = tenant(1, 9, 0, 53);
    in(n, UPLINK, wrap(n, &f, 3, 100, 0));
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(lan_out(n->l), 1 << UPLINK);
    assert_int_equal(lan_of(n->l, UPLINK)->n_out, 1);
    read_out(n, 0, 3, OUTER_OK);
    in(n, UPLINK, wrap(n, &f, 2, 100, 0));
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(lan_of(n->l, UPLINK)->n_out, 1);
    read_out(n, 0, 2, OUTER_OK);
    assert_int_equal(fdb_counters(n->l->br->fdb).moved, 1);
    free(n);
}

static void what_came_out_of_a_tunnel_goes_into_none(void **state)
{
    struct net *n = plain(state);
    struct ip6 r = addr(false, 2);
    add_tunnel(n,
               &(struct port_options){.name = "t200",
                                      .type = "vxlan",
                                      .vtep = "vt",
                                      .vni = 200,
                                      .remotes = &r,
                                      .n_remotes = 1},
               11);
    struct bytes f = tenant(8, 9, 0, 53);
    in(n, UPLINK, wrap(n, &f, 2, 100, 0));
    assert_int_equal(lan_out(n->l), 1 << 1 | 1 << 2 | 1 << 3);
    struct bytes g = tenant(9, 8, 0, 53);
    in(n, UPLINK, wrap(n, &g, 2, 200, 0));
    assert_int_equal(lan_out(n->l), 0);
    assert_int_equal(drops(n, DROP_SPLIT_HORIZON), 1);
    free(n);
}

static void rfc7348_section_5_the_source_port_tells_flows_apart_and_keeps_one_together(void **state)
{
    struct net *n = plain(state);
    uint16_t seen[16];
    unsigned distinct = 0;
    for (unsigned i = 0; i < 32; i++) {
        in(n, 1, tenant(9, 1, 0, (uint16_t)(1000 + i % 16)));
        uint16_t port = read_out(n, 0, 2, OUTER_OK).src_port;
        if (i < 16)
            seen[i] = port;
        else
            assert_int_equal(port, seen[i % 16]);
    }
    for (unsigned i = 1; i < 16; i++)
        distinct += seen[i] != seen[i - 1];
    assert_true(distinct > 12);
    free(n);
}

static void rfc7348_section_6_1_the_access_vlan_is_the_vni(void **state)
{
    struct net *n = plain(state);
    struct port_vlan access = {.mode = VLAN_ACCESS, .tag = 10};
    weft_assert(port_set_vlan(n->t, &access, NULL) == 0);
    struct bytes f = tenant(9, 1, 0, 53), q = f;
    memmove(q.b + 16, q.b + 12, q.len - 12);
    memcpy(q.b + 12, "\x81\0\0\x0a", 4);
    q.len += 4;
    in(n, 1, q);
    struct outer o = read_out(n, 0, 2, OUTER_OK);
    assert_int_equal(o.inner_len, f.len);
    assert_memory_equal(lan_of(n->l, UPLINK)->out[0].b + o.inner_off, f.b, f.len);
    struct bytes back = tenant(1, 9, 0, 53);
    in(n, UPLINK, wrap(n, &back, 2, 100, 0));
    assert_memory_equal(lan_of(n->l, 1)->out[0].b + 12, "\x81\0\0\x0a", 4);
    in(n, UPLINK, wrap(n, &q, 2, 100, 0));
    assert_int_equal(drops(n, DROP_TUN_INNER_VLAN), 1);
    free(n);
}

/* ------------------------------------------------------------ ECN, DSCP */

static void rfc6040_section_4_2_congestion_is_carried_in_or_the_frame_is_dropped(void **state)
{
    struct net *n = plain(state);
    struct bytes ect = tenant(1, 9, 2, 53), not = tenant(1, 9, 0, 53);
    in(n, UPLINK, wrap(n, &ect, 2, 100, 3));
    const uint8_t *ip = lan_of(n->l, 1)->out[0].b + 14;
    assert_int_equal(ip[1], 3);
    assert_int_equal(csum_finish(csum_add(0, ip, 20)), 0);
    in(n, UPLINK, wrap(n, &not, 2, 100, 3));
    assert_int_equal(lan_out(n->l), 0);
    assert_int_equal(drops(n, DROP_TUN_ECN), 1);
    in(n, 1, tenant(9, 1, 0x2a, 53)); /* DSCP 10, ECT(0) */
    assert_int_equal(read_out(n, 0, 2, OUTER_OK).tos, 2);
    free(n);
}

static void rfc2983_uniform_copies_the_dscp_both_ways(void **state)
{
    struct net *n = net_of(*state, (struct vtep_options){.dscp_mode = TUNNEL_DSCP_UNIFORM});
    in(n, 1, tenant(9, 1, 0x2a, 53));
    assert_int_equal(read_out(n, 0, 2, OUTER_OK).tos, 0x2a);
    struct bytes f = tenant(1, 9, 0x28, 53);
    in(n, UPLINK, wrap(n, &f, 2, 100, 0xb8));
    assert_int_equal(lan_of(n->l, 1)->out[0].b[15], 0xb8);
    free(n);
}

/* ------------------------------------------------------------ drops by name */

static void expect_drop(struct net *n, struct bytes f, enum drop_reason r)
{
    uint64_t before = drops(n, r);
    in(n, UPLINK, f);
    assert_int_equal(lan_out(n->l) & ~(1u << UPLINK), 0);
    if (drops(n, r) != before + 1)
        fail_msg("no drop %s", drop_name(r));
}

static void whatever_is_wrong_is_dropped_by_name(void **state)
{
    struct net *n = plain(state);
    struct bytes t = tenant(1, 9, 0, 53), good = wrap(n, &t, 2, 100, 0), f;
    f = good, f.b[24] ^= 1;
    expect_drop(n, f, DROP_TUN_BAD_IP);
    f = good, f.b[20] = 0x20, resum(&f);
    expect_drop(n, f, DROP_TUN_FRAGMENT);
    f = good, f.b[37]++;
    expect_drop(n, f, DROP_TUN_NOT_VXLAN);
    f = good, f.b[39]++;
    expect_drop(n, f, DROP_TUN_BAD_UDP);
    f = good, f.b[41] = 1;
    expect_drop(n, f, DROP_TUN_BAD_CSUM);
    f = good, f.b[42] = 0;
    expect_drop(n, f, DROP_TUN_BAD_HEADER);
    expect_drop(n, wrap(n, &t, 2, 101, 0), DROP_TUN_UNKNOWN_VNI);
    struct bytes little = {.len = 13};
    expect_drop(n, wrap(n, &little, 2, 100, 0), DROP_TUN_INNER_SHORT);
    struct bytes nested = tenant(1, 9, 0, 4789);
    expect_drop(n, wrap(n, &nested, 2, 100, 0), DROP_TUN_NESTED);
    free(n);
}

static void rfc6935_no_checksum_over_ipv6_is_dropped_unless_allowed(void **state)
{
    struct net *n = net_of(*state, (struct vtep_options){.local.v6 = true});
    struct bytes t = tenant(1, 9, 0, 53), f = wrap(n, &t, 2, 100, 0);
    f.b[61] ^= 1;
    expect_drop(n, f, DROP_TUN_BAD_CSUM);
    f.b[60] = f.b[61] = 0;
    expect_drop(n, f, DROP_TUN_NO_CSUM);
    free(n);
}

static void strangers_are_refused_where_only_known_vteps_may_send(void **state)
{
    struct net *n = net_of(*state, (struct vtep_options){.known_only = true});
    struct bytes t = tenant(1, 9, 0, 53);
    expect_drop(n, wrap(n, &t, 77, 100, 0), DROP_TUN_UNKNOWN_REMOTE);
    in(n, UPLINK, wrap(n, &t, 3, 100, 0));
    assert_int_not_equal(lan_out(n->l), 0);
    free(n);
}

static void ports_of_one_vni_are_told_apart_by_their_remotes(void **state)
{
    struct net *n = plain(state);
    struct ip6 r = addr(false, 2);
    struct port *p = add_tunnel(n,
                                &(struct port_options){.name = "p2p",
                                                       .type = "vxlan",
                                                       .vtep = "vt",
                                                       .vni = 100,
                                                       .remotes = &r,
                                                       .n_remotes = 1,
                                                       .point_to_point = true},
                                11);
    struct bytes t = tenant(1, 9, 0, 53);
    in(n, UPLINK, wrap(n, &t, 2, 100, 0));
    assert_int_equal(port_stats_sum(p).rx_packets, 1);
    in(n, UPLINK, wrap(n, &t, 3, 100, 0));
    assert_int_equal(port_stats_sum(n->t).rx_packets, 1);
    struct port *q;
    assert_int_equal(port_create(n->l->sw,
                                 &(struct port_options){.name = "again",
                                                        .type = "vxlan",
                                                        .vtep = "vt",
                                                        .vni = 100},
                                 &q, NULL),
                     -EEXIST);
    port_destroy(p);
    in(n, UPLINK, wrap(n, &t, 2, 100, 0));
    assert_int_equal(port_stats_sum(n->t).rx_packets, 2);
    free(n);
}

/* remote_ip: flow. Two ports of one VNI: one hears .2 only, the other all that have no port. */
static void an_action_says_which_vtep_a_flows_tunnel_goes_to(void **state)
{
    for (int six = 0; six < 2; six++) {
        struct net *n = net_of(*state, (struct vtep_options){.local.v6 = six});
        struct port_options o = {.name = "any",
                                 .type = "vxlan",
                                 .vtep = "vt",
                                 .any_vni = true,
                                 .any_remote = true};
        add_tunnel(n, &o, 11);
        struct op ops[] = {{.code = OP_SET_FIELD, .field = FF_TUNNEL_ID},
                           {.code = OP_SET_FIELD, .field = six ? FF_TUN_IPV6_DST : FF_TUN_DST},
                           {.code = OP_OUTPUT, .port = 11}};
        struct ip6 three = addr(six, 3), two = addr(six, 2);
        ops[0].value[7] = 7;
        memset(ops[0].mask, 0xff, 16);
        memset(ops[1].mask, 0xff, 16);
        memcpy(ops[1].value, &three, 16);
        struct op to3 = {.code = OP_OUTPUT, .port = 3};
        struct rule *r[] = {rule_create(ops, 3, NULL, 0), rule_create(&to3, 1, NULL, 0)};
        be32 one = to_be32(1);
        r[0]->goto_table = r[1]->goto_table = RULE_NO_GOTO;
        r[0]->priority = r[1]->priority = 1;
        flow_match_set(&r[0]->match, FF_IN_PORT, &one, NULL);
        flow_match_set(&r[1]->match, six ? FF_TUN_IPV6_SRC : FF_TUN_SRC, &two, NULL);
        lan_program(n->l, r, 2);
        in(n, 1, tenant(9, 1, 0, 53));
        assert_int_equal(lan_of(n->l, UPLINK)->n_out, 1);
        assert_int_equal(read_out(n, 0, 3, OUTER_OK).vxlan.vni, 7);
        struct bytes f = tenant(1, 9, 0, 53);
        in(n, UPLINK, wrap(n, &f, 2, 8, 0));
        assert_int_equal(lan_out(n->l), 1 << 3);
        in(n, UPLINK, wrap(n, &f, 3, 8, 0));
        assert_int_equal(lan_out(n->l), 0);
        free(n);
        if (!six) {
            assert_int_equal(lan_teardown(state), 0);
            lan_setup(state);
        }
    }
}

static void a_frame_too_big_for_the_underlay_is_dropped_by_name(void **state)
{
    struct net *n = plain(state);
    assert_int_equal(n->t->mtu, 1450);
    struct bytes t = tenant(9, 1, 0, 53);
    weft_assert(port_set_mtu(n->t, 68, NULL) == 0);
    t.len = 14 + 69;
    in(n, 1, t);
    assert_int_equal(port_drops(n->t, DROP_TX_TOO_BIG), 1);
    free(n);
}

static void vteps_of_one_name_on_two_hosts_have_macs_of_their_own(void **state)
{
    struct lan *l = *state;
    struct vtep *v[2];
    for (uint8_t i = 0; i < 2; i++) {
        struct vtep_options o = {.name = i ? "w" : "v", .local.ip = addr(false, i + 1)};
        weft_assert(vtep_create(l->sw, &o, &v[i], NULL) == 0);
    }
    assert_false(mac_equal(v[0]->opt.local.mac, v[1]->opt.local.mac));
    vtep_destroy(v[1]);
    struct vtep_options again = {.name = "other", .local.ip = addr(false, 1)};
    weft_assert(vtep_create(l->sw, &again, &v[1], NULL) == 0);
    assert_true(mac_equal(v[0]->opt.local.mac, v[1]->opt.local.mac));
}

static void without_an_underlay_port_it_is_said_so(void **state)
{
    struct net *n = plain(state);
    weft_assert(vtep_set_uplink(n->v, 0, NULL, NULL) == 0);
    assert_false(n->t->link_up);
    atomic_store(&n->t->link_up, true);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(port_drops(n->t, DROP_TUN_NO_UPLINK), 2); /* one for each remote */
    assert_int_equal(port_stats_sum(n->t).tx_packets, 0);
    weft_assert(vtep_set_uplink(n->v, 0, n->l->p[UPLINK], NULL) == 0);
    port_destroy(n->l->p[UPLINK]); /* and it may go under the VTEP */
    n->l->p[UPLINK] = n->l->p[3];
    assert_null(atomic_load(&n->v->link[0].uplink));
    free(n);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rfc7348_section_4_1_unknown_goes_to_all_and_comes_out_as_it_was),
        T(rfc6936_the_checksum_over_ipv6_is_right),
        T(rfc7348_section_4_1_the_vtep_behind_a_mac_is_learnt_and_moves),
        T(what_came_out_of_a_tunnel_goes_into_none),
        T(rfc7348_section_5_the_source_port_tells_flows_apart_and_keeps_one_together),
        T(rfc7348_section_6_1_the_access_vlan_is_the_vni),
        T(rfc6040_section_4_2_congestion_is_carried_in_or_the_frame_is_dropped),
        T(rfc2983_uniform_copies_the_dscp_both_ways),
        T(whatever_is_wrong_is_dropped_by_name),
        T(rfc6935_no_checksum_over_ipv6_is_dropped_unless_allowed),
        T(strangers_are_refused_where_only_known_vteps_may_send),
        T(ports_of_one_vni_are_told_apart_by_their_remotes),
        T(an_action_says_which_vtep_a_flows_tunnel_goes_to),
        T(a_frame_too_big_for_the_underlay_is_dropped_by_name),
        T(vteps_of_one_name_on_two_hosts_have_macs_of_their_own),
        T(without_an_underlay_port_it_is_said_so),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
