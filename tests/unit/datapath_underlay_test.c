/* Tunnels: no frame of the underlay crosses a VNI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tunnel_net.h"

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
        T(no_frame_ever_crosses_a_vni),
        T(frames_of_one_burst_keep_their_own_vnis),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
