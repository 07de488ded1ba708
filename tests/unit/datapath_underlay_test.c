/* Tunnels: the next hop is found, ours is told, and no frame of the underlay crosses a VNI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tunnel_net.h"

/* ------------------------------------------------------------ next hops */

static struct net *unresolved(void **state, bool six)
{
    struct net *n = net_of(*state, (struct vtep_options){.local.v6 = six});
    for (uint8_t i = 2; i < 4; i++) {
        struct ip6 ip = addr(six, i);
        vtep_set_neighbour(n->v, &ip, (struct mac){{0}});
    }
    return n;
}

static void rfc826_the_next_hop_is_asked_for_and_its_answer_used(void **state)
{
    struct net *n = unresolved(state, false);
    in(n, 1, tenant(9, 1, 0, 53));
    struct lan_port *p = lan_of(n->l, UPLINK);
    assert_int_equal(p->n_out, 2);
    assert_memory_equal(p->out[0].b, "\xff\xff\xff\xff\xff\xff", 6);
    assert_memory_equal(p->out[0].b + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    assert_memory_equal(p->out[0].b + 28, "\xc0\0\2\1\0\0\0\0\0\0\xc0\0\2\2", 14);
    assert_int_equal(port_drops(n->t, DROP_TUN_NO_NEIGHBOUR), 2);
    in(n, 1, tenant(9, 1, 0, 53)); /* not again within a second */
    assert_int_equal(p->n_out, 0);
    struct bytes a = {.len = 60};
    memcpy(a.b, &n->v->opt.local.mac, 6);
    memcpy(a.b + 6, &remote_mac, 6);
    memcpy(a.b + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10);
    memcpy(a.b + 22, &remote_mac, 6);
    memcpy(a.b + 28, "\xc0\0\2\2", 4);
    memcpy(a.b + 32, &n->v->opt.local.mac, 6);
    memcpy(a.b + 38, "\xc0\0\2\1", 4);
    in(n, UPLINK, a);
    assert_int_equal(drops(n, DROP_TUN_NEIGHBOUR), 1);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(p->n_out, 1);
    read_out(n, 0, 2, OUTER_OK);
    free(n);
}

static void a_next_hop_that_stops_answering_is_forgotten(void **state)
{
    struct net *n = unresolved(state, false);
    struct bytes t = tenant(9, 1, 0, 53);
    struct hop *h = endpoint_at(n->v, 1)->hop;
    atomic_store(&h->mac, HOP_KNOWN | mac_to_u64(remote_mac));
    atomic_store(&h->confirmed_ns, n->l->now);
    n->l->now += 31 * NSEC_PER_SEC;
    for (int i = 0; i < 3; i++, n->l->now += 2 * NSEC_PER_SEC) {
        in(n, 1, t);
        assert_true(atomic_load(&h->mac) & HOP_KNOWN);
    }
    in(n, 1, t);
    assert_int_equal(atomic_load(&h->mac), 0);
    free(n);
}

static void rfc826_who_asks_for_our_address_is_answered(void **state)
{
    struct net *n = plain(state);
    struct bytes a = {.len = 60};
    memset(a.b, 0xff, 6);
    memcpy(a.b + 6, &remote_mac, 6);
    memcpy(a.b + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    memcpy(a.b + 22, &remote_mac, 6);
    memcpy(a.b + 28, "\xc0\0\2\7", 4);
    memcpy(a.b + 38, "\xc0\0\2\1", 4);
    in(n, UPLINK, a);
    struct lan_port *p = lan_of(n->l, UPLINK);
    assert_int_equal(p->n_out, 1);
    assert_memory_equal(p->out[0].b, &remote_mac, 6);
    assert_memory_equal(p->out[0].b + 20, "\0\2", 2);
    assert_memory_equal(p->out[0].b + 22, &n->v->opt.local.mac, 6);
    assert_memory_equal(p->out[0].b + 28, "\xc0\0\2\1", 4);
    a.b[41] = 9; /* for another: it goes its way */
    in(n, UPLINK, a);
    assert_int_equal(p->n_out, 0);
    assert_int_equal(drops(n, DROP_NO_DESTINATION), 1);
    free(n);
}

static void rfc4861_section_7_2_solicitations_are_sent_and_answered(void **state)
{
    struct net *n = unresolved(state, true);
    struct lan_port *p = lan_of(n->l, UPLINK);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(p->n_out, 2);
    assert_memory_equal(p->out[0].b, "\x33\x33\xff\0\0\2", 6);
    struct bytes ns = {.len = p->out[0].len};
    memcpy(ns.b, p->out[0].b, ns.len);
    assert_int_equal(ns.b[54], 135);
    /* the same, as .2 would ask for us */
    uint8_t *nd = ns.b + 54;
    struct ip6 two = addr(true, 2), one = addr(true, 1);
    memcpy(ns.b + 6, &remote_mac, 6);
    ns.b[5] = 1, ns.b[53] = 1;
    memcpy(ns.b + 22, &two, 16);
    memcpy(nd + 8, &one, 16);
    memcpy(nd + 26, &remote_mac, 6);
    memset(nd + 2, 0, 2);
    uint8_t pseudo[8] = {0, 0, 0, 32, 0, 0, 0, 58};
    be16 c = csum_finish(csum_add(csum_add(csum_add(0, ns.b + 22, 32), pseudo, 8), nd, 32));
    memcpy(nd + 2, &c, 2);
    in(n, UPLINK, ns);
    assert_int_equal(p->n_out, 1);
    assert_int_equal(p->out[0].b[54], 136);
    assert_memory_equal(p->out[0].b, &remote_mac, 6);
    assert_memory_equal(p->out[0].b + 54 + 26, &n->v->opt.local.mac, 6);
    in(n, 1, tenant(9, 1, 0, 53)); /* its question told us where it is */
    read_out(n, 0, 2, OUTER_OK);
    free(n);
}

/* ------------------------------------------------------------ nobody crosses */

enum { VNIS = 64 };

/* Every frame carries its VNI; ports of VNI n are access ports of VLAN n; port 1 is the trunk. */
static void check_trunk(struct net *n)
{
    struct lan_port *p = lan_of(n->l, 1);
    for (unsigned i = 0; i < p->n_out; i++) {
        assert_memory_equal(p->out[i].b + 12, "\x81\0\0", 3);
        if (p->out[i].len > 59) /* UDP's length may have been mutated: a shorter frame */
            assert_int_equal(p->out[i].b[15], p->out[i].b[59]);
    }
}

static void mutate(struct prng *r, struct bytes *f)
{
    switch (prng_below(r, 8)) {
    case 0: /* a bit anywhere in the outer headers but the VNI */
        f->b[prng_below(r, 46)] ^= (uint8_t)(1 << prng_below(r, 8));
        break;
    case 1: /* cut */
        f->len = 14 + prng_below(r, (uint32_t)f->len - 14);
        break;
    case 2: /* a fragment */
        f->b[20 + prng_below(r, 2)] |= (uint8_t)(1 << prng_below(r, 6));
        resum(f);
        break;
    case 3: /* an inner tag of another tenant */
        memcpy(f->b + 62, "\x81\0\0\7", 4);
        break;
    case 4: /* nested */
        memcpy(f->b + 86, "\x12\xb5", 2);
        break;
    default:
        break;
    }
}

static void no_frame_ever_crosses_a_vni(void **state)
{
    struct net *n = plain(state);
    struct ip6 r2 = addr(false, 2);
    struct prng r = {.state = 11};
    char name[16];
    for (unsigned i = 2; i < 4; i++)
        bridge_detach(n->l->p[i]);
    for (uint16_t i = 1; i <= VNIS; i++) {
        snprintf(name, sizeof name, "v%u", i);
        struct port *p = add_tunnel(n,
                                    &(struct port_options){.name = name,
                                                           .type = "vxlan",
                                                           .vtep = "vt",
                                                           .vni = i,
                                                           .remotes = &r2,
                                                           .n_remotes = 1},
                                    100u + i);
        struct port_vlan access = {.mode = VLAN_ACCESS, .tag = i};
        weft_assert(port_set_vlan(p, &access, NULL) == 0);
    }
    port_destroy(n->t);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t vni = (uint8_t)(1 + prng_below(&r, VNIS + 4));
        struct bytes t = tenant((uint8_t)prng_below(&r, 4), (uint8_t)prng_below(&r, 4),
                                (uint8_t)prng_below(&r, 4), 53);
        t.b[55] = vni;
        if (prng_below(&r, 2)) {
            struct bytes f = wrap(n, &t, 2, vni, (uint8_t)prng_below(&r, 4));
            mutate(&r, &f);
            in(n, UPLINK, f);
            check_trunk(n);
            continue;
        }
        memmove(t.b + 16, t.b + 12, t.len - 12);
        memcpy(t.b + 12, (uint8_t[]){0x81, 0, 0, vni}, 4);
        t.len += 4;
        in(n, 1, t);
        for (unsigned j = 0; j < lan_of(n->l, UPLINK)->n_out; j++) {
            struct outer o = read_out(n, j, 2, OUTER_OK);
            assert_int_equal(o.vxlan.vni, lan_of(n->l, UPLINK)->out[j].b[o.inner_off + 55]);
            assert_int_equal(o.vxlan.vni, vni);
        }
    }
    assert_true(port_stats_sum(n->l->p[1]).tx_packets > 1000);
    free(n);
}

static struct rule *to_port_of_vni(uint64_t vni, uint32_t port)
{
    struct op out = {.code = OP_OUTPUT, .port = port};
    struct rule *r = rule_create(&out, 1, NULL, 0);
    be64 id = to_be64(vni);
    weft_assert(r != NULL);
    r->goto_table = RULE_NO_GOTO;
    r->priority = 1;
    flow_match_set(&r->match, FF_TUNNEL_ID, &id, NULL);
    return r;
}

/* A burst in which each frame is of another VNI, on one port that takes them all, with rules that
 * look at nothing but that. */
static void frames_of_one_burst_keep_their_own_vnis(void **state)
{
    struct net *n = plain(state);
    port_destroy(n->t);
    add_tunnel(n,
               &(struct port_options){.name = "any",
                                      .type = "vxlan",
                                      .vtep = "vt",
                                      .any_vni = true},
               TUNNEL);
    struct rule *r[] = {to_port_of_vni(501, 1), to_port_of_vni(502, 2), to_port_of_vni(503, 3)};
    lan_program(n->l, r, 3);
    lan_forget(n->l);
    for (unsigned i = 0; i < 30; i++) {
        struct bytes t = tenant(1, 9, 0, 53), f;
        t.b[55] = (uint8_t)(1 + i % 3);
        f = wrap(n, &t, 2, 501 + i % 3, 0);
        lan_queue(n->l, UPLINK, f.b, f.len);
    }
    lan_run(n->l);
    for (unsigned port = 1; port <= 3; port++) {
        assert_int_equal(lan_of(n->l, port)->n_out, 10);
        for (unsigned i = 0; i < LAN_KEPT; i++)
            assert_int_equal(lan_of(n->l, port)->out[i].b[55], port);
    }
    free(n);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rfc826_the_next_hop_is_asked_for_and_its_answer_used),
        T(a_next_hop_that_stops_answering_is_forgotten),
        T(rfc826_who_asks_for_our_address_is_answered),
        T(rfc4861_section_7_2_solicitations_are_sent_and_answered),
        T(no_frame_ever_crosses_a_vni),
        T(frames_of_one_burst_keep_their_own_vnis),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
