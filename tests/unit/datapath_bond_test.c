/* Bonds: which member a flow takes, who may send and receive, and when that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_lan.h"

#include "base/prng.h"
#include "datapath/bond.h"
#include "tests/unit/frames.h"

/* ------------------------------------------------------------ buckets */

static void count(const uint8_t b[BOND_BUCKETS], unsigned n[32])
{
    memset(n, 0, 32 * sizeof *n);
    for (unsigned i = 0; i < BOND_BUCKETS; i++)
        n[b[i]]++;
}

static void any_set_of_members_shares_evenly_and_only_lost_flows_move(void **state)
{
    (void)state;
    struct prng r = {5};
    uint8_t b[BOND_BUCKETS] = {0}, before[BOND_BUCKETS];
    uint32_t mask = 1;
    for (int round = 0; round < 2000; round++) {
        uint32_t next = (uint32_t)prng_next(&r) & 0xffff;
        next = round % 3 == 0 ? mask & (mask - 1) : next; /* lose one */
        next = next != 0 ? next : 1;
        memcpy(before, b, sizeof b);
        bond_balance(b, next);
        unsigned n[32], k = (unsigned)__builtin_popcount(next), moved = 0, lost = 0;
        count(b, n);
        for (unsigned i = 0; i < 32; i++)
            assert_in_range(n[i], next >> i & 1 ? BOND_BUCKETS / k : 0,
                            next >> i & 1 ? BOND_BUCKETS : 0);
        for (unsigned i = 0; i < BOND_BUCKETS; i++) {
            bool dead = !(next >> before[i] & 1);
            lost += dead;
            moved += b[i] != before[i];
        }
        unsigned newcomers = (unsigned)__builtin_popcount(next & ~mask);
        assert_true(moved <= lost + newcomers * (BOND_BUCKETS / k) + 40);
        mask = next;
    }
}

static void a_loss_moves_the_lost_members_flows_only(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 8; n++) {
        uint8_t b[BOND_BUCKETS] = {0}, after[BOND_BUCKETS];
        bond_balance(b, (1u << n) - 1);
        for (unsigned gone = 0; gone < n; gone++) {
            memcpy(after, b, sizeof b);
            uint32_t left = ((1u << n) - 1) & ~(1u << gone);
            bond_balance(after, left);
            unsigned strays = 0;
            for (unsigned i = 0; i < BOND_BUCKETS; i++)
                strays += after[i] != (b[i] == gone ? bond_pick(i, left) : b[i]);
            assert_in_range(strays, 0, 12); /* to even out what the spread left uneven */
        }
    }
}

/* ------------------------------------------------------------ a bond of ports 3 and 4 */

struct bonded {
    struct lan *l;
    struct port *bond;
    struct bond *b;
};

static struct bonded bonded(void **state, struct bond_config c)
{
    struct bonded x = {.l = *state};
    struct port_options o = {.name = "bond0", .type = "bond"};
    bridge_detach(x.l->p[3]);
    bridge_detach(x.l->p[4]);
    assert_int_equal(port_create(x.l->sw, &o, &x.bond, NULL), 0);
    assert_int_equal(bridge_attach(x.l->br, x.bond, 9, NULL), 0);
    assert_int_equal(bond_set(x.bond, &c, (struct port *[]){x.l->p[3], x.l->p[4]}, 2, NULL), 0);
    x.b = x.bond->impl;
    return x;
}

static void set_gates(struct bonded *x, unsigned member, bool collecting, bool distributing)
{
    pthread_mutex_lock(&x->l->sw->bond_lock);
    bond_set_gate(x->b, member, collecting, distributing, x->l->now);
    pthread_mutex_unlock(&x->l->sw->bond_lock);
}

/* A UDP frame of flow n from station `from` to `to`. */
static struct frame flow(unsigned from, unsigned to, unsigned n)
{
    struct frame f = frames[F_UDP4];
    f.b[5] = (uint8_t)to;
    f.b[11] = (uint8_t)from;
    f.b[34] = (uint8_t)(n >> 8);
    f.b[35] = (uint8_t)n;
    return f;
}

static unsigned send_flow(struct bonded *x, unsigned n)
{
    struct frame f = flow(1, 77, n);
    lan_send(x->l, 1, f.b, f.len);
    return lan_out(x->l) & ~(1u << 2);
}

static void flows_spread_over_the_members_and_stay(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_BALANCE_XOR,
                                                         .hash = BOND_HASH_L34,
                                                         .primary = -1});
    unsigned at[64], three = 0;
    for (unsigned i = 0; i < 64; i++) {
        at[i] = send_flow(&x, i);
        assert_true(at[i] == 1 << 3 || at[i] == 1 << 4);
        three += at[i] == 1 << 3;
    }
    assert_in_range(three, 16, 48);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_flow(&x, i), at[i]);
    atomic_store(&x.l->p[3]->link_up, false);
    lan_run(x.l);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(send_flow(&x, i), 1 << 4);
    assert_int_equal(x.b->failovers, 1);
    assert_int_equal(port_stats_sum(x.bond).tx_packets, 3 * 64);
}

static void what_comes_in_at_any_member_came_in_at_the_bond(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_BALANCE_XOR, .primary = -1});
    for (unsigned i = 3; i <= 4; i++) {
        struct frame f = flow(50 + i, 1, 0);
        lan_send(x.l, i, f.b, f.len);
        assert_int_equal(lan_out(x.l) & ~4u, 1 << 1); /* and not out of the other member */
        f = flow(1, 50 + i, 0);
        lan_send(x.l, 1, f.b, f.len);
        assert_int_equal(lan_out(x.l) & ~0x18u, 0);
        assert_int_equal(__builtin_popcount(lan_out(x.l)), 1);
    }
    assert_int_equal(port_stats_sum(x.bond).rx_packets, 2);
}

static void a_flood_leaves_by_one_member(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_BALANCE_XOR, .primary = -1});
    struct frame f = frames[F_ARP];
    memset(f.b, 0xff, 6);
    lan_send(x.l, 1, f.b, f.len);
    assert_int_equal(__builtin_popcount(lan_out(x.l) & 0x18), 1);
    assert_true(lan_out(x.l) & 1 << 2);
}

static void active_backup_uses_one_and_hears_one(void **state)
{
    struct bonded x =
        bonded(state, (struct bond_config){.mode = BOND_ACTIVE_BACKUP, .primary = -1});
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(send_flow(&x, i), 1 << 3);
    struct frame f = frames[F_ARP];
    lan_send(x.l, 4, f.b, f.len); /* a broadcast's other copy */
    assert_int_equal(lan_out(x.l), 0);
    assert_int_equal(port_drops(x.l->p[4], DROP_BOND_INACTIVE), 1);
    atomic_store(&x.l->p[3]->link_up, false);
    lan_run(x.l);
    assert_int_equal(send_flow(&x, 1), 1 << 4);
    atomic_store(&x.l->p[3]->link_up, true);
    lan_run(x.l);
    assert_int_equal(send_flow(&x, 1), 1 << 4); /* it doesn't go back by itself */
}

static void a_primary_member_is_preferred_after_its_delay(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_ACTIVE_BACKUP,
                                                         .primary = 1,
                                                         .up_delay = 10 * NSEC_PER_MSEC,
                                                         .down_delay = 4 * NSEC_PER_MSEC});
    assert_int_equal(send_flow(&x, 1), 1 << 4);
    atomic_store(&x.l->p[4]->link_up, false);
    lan_run(x.l);
    assert_int_equal(x.b->active, 1); /* down for 2 ms: perhaps it comes back */
    lan_run(x.l);
    lan_run(x.l);
    assert_int_equal(x.b->active, 0);
    atomic_store(&x.l->p[4]->link_up, true);
    for (int i = 0; i < 5; i++)
        lan_run(x.l);
    assert_int_equal(x.b->active, 0);
    lan_run(x.l);
    assert_int_equal(x.b->active, 1);
}

static void a_bond_without_members_that_may_send_is_down(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_LACP, .primary = -1});
    assert_false(x.bond->link_up);
    assert_int_equal(send_flow(&x, 1), 0);
    set_gates(&x, 0, true, false);
    assert_int_equal(send_flow(&x, 1), 0);
    set_gates(&x, 0, true, true);
    assert_true(x.bond->link_up);
    assert_int_equal(send_flow(&x, 1), 1 << 3);
    atomic_store(&x.l->p[3]->link_up, false); /* LACP hasn't heard of it yet */
    lan_run(x.l);
    assert_false(x.bond->link_up);
}

static void min_links_takes_the_bond_down(void **state)
{
    struct bonded x =
        bonded(state,
               (struct bond_config){.mode = BOND_BALANCE_XOR, .min_links = 2, .primary = -1});
    assert_true(x.bond->link_up);
    atomic_store(&x.l->p[4]->link_up, false);
    lan_run(x.l);
    assert_false(x.bond->link_up);
    assert_int_equal(send_flow(&x, 1), 0);
}

static void lacp_decides_what_comes_in_and_its_pdus_always_do(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_LACP, .primary = -1});
    struct frame f = flow(50, 1, 0), pdu = frames[F_ETH_PLAIN];
    static const uint8_t head[] = {1, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x88, 9, 1, 1};
    lan_send(x.l, 3, f.b, f.len);
    assert_int_equal(lan_out(x.l), 0);
    assert_int_equal(port_drops(x.l->p[3], DROP_BOND_NOT_COLLECTING), 1);
    set_gates(&x, 0, true, false);
    lan_send(x.l, 3, f.b, f.len);
    assert_int_equal(lan_out(x.l), 1 << 1 | 1 << 2);
    memcpy(pdu.b, head, sizeof head);
    for (unsigned i = 3; i <= 4; i++) {
        struct rte_mbuf *m;
        lan_send(x.l, i, pdu.b, 124);
        assert_int_equal(lan_out(x.l), 0);
        assert_int_equal(punt_take(x.l->sw->punt, PUNT_PROTO, &m, 1), 1);
        assert_int_equal(bond_member_index(x.b, pkt_of(m)->in_port), i - 3);
        assert_int_equal(m->pkt_len, 124);
        rte_pktmbuf_free(m);
    }
    assert_int_equal(port_drops(x.l->p[4], DROP_BOND_NOT_COLLECTING), 0);
}

static void members_come_and_go_while_it_works(void **state)
{
    struct bond_config c = {.mode = BOND_BALANCE_XOR, .primary = -1};
    struct bonded x = bonded(state, c);
    struct errbuf e = {""};
    struct port *both[] = {x.l->p[3], x.l->p[4]};
    assert_int_equal(bond_set(x.bond, &c, both + 1, 1, &e), 0);
    assert_int_equal(send_flow(&x, 1), 1 << 4);
    assert_null(x.l->p[3]->member_of);
    assert_int_equal(bridge_attach(x.l->br, x.l->p[3], 3, &e), 0);
    assert_int_equal(bond_set(x.bond, &c, both, 2, &e), -EBUSY);
    assert_non_null(strstr(e.text, "br0"));
    bridge_detach(x.l->p[3]);
    assert_int_equal(bond_set(x.bond, &c, both, 2, &e), 0);
    struct port *self[] = {x.bond};
    assert_int_equal(bond_set(x.bond, &c, self, 1, &e), -EINVAL);
    port_destroy(x.l->p[4]); /* a member that is destroyed leaves first */
    x.l->p[4] = x.l->p[2];
    assert_int_equal(send_flow(&x, 1) & 1 << 3, 1 << 3);
    port_destroy(x.bond);
    assert_null(x.l->p[3]->member_of);
}

/* ------------------------------------------------------------ hashes */

static struct rte_mbuf *parsed(struct lan *l, const struct frame *f)
{
    struct rte_mbuf *m = lan_mbuf(l, f->b, f->len);
    memset(pkt_of(m), 0, sizeof(struct pkt));
    return m;
}

static uint32_t hash_frame(struct lan *l, const struct frame *f, enum bond_hash how, bool sym)
{
    struct rte_mbuf *m = parsed(l, f);
    uint32_t h = bond_hash_of(m, how, sym);
    rte_pktmbuf_free(m);
    return h;
}

static void each_hash_looks_at_its_layers(void **state)
{
    struct lan *l = *state;
    struct frame f = frames[F_UDP4], mac = f, ip = f, l4 = f, back = f;
    mac.b[11] ^= 1;
    ip.b[29] ^= 1;
    l4.b[35] ^= 1;
    const struct frame *other[] = {&mac, &ip, &l4};
    static const bool differs[3][3] = {{1, 0, 0}, {1, 1, 0}, {0, 1, 1}};
    for (int how = BOND_HASH_L2; how <= BOND_HASH_L34; how++)
        for (int i = 0; i < 3; i++)
            assert_int_equal(hash_frame(l, &f, how, false) != hash_frame(l, other[i], how, false),
                             differs[how][i]);
    memcpy(back.b, f.b + 6, 6);
    memcpy(back.b + 6, f.b, 6);
    memcpy(back.b + 26, f.b + 30, 4);
    memcpy(back.b + 30, f.b + 26, 4);
    memcpy(back.b + 34, f.b + 36, 2);
    memcpy(back.b + 36, f.b + 34, 2);
    for (int how = BOND_HASH_L2; how <= BOND_HASH_L34; how++) {
        assert_int_equal(hash_frame(l, &f, how, true), hash_frame(l, &back, how, true));
        assert_int_not_equal(hash_frame(l, &f, how, false), hash_frame(l, &back, how, false));
    }
}

static void fragments_of_a_datagram_stay_together(void **state)
{
    struct lan *l = *state;
    struct frame first = frames[F_FRAG_FIRST4], later = frames[F_FRAG_LATER4];
    memcpy(later.b + 26, first.b + 26, 8);
    later.b[23] = first.b[23];
    assert_int_equal(hash_frame(l, &first, BOND_HASH_L34, false),
                     hash_frame(l, &later, BOND_HASH_L34, false));
}

#define T(f) cmocka_unit_test_setup_teardown(f, lan_setup, lan_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_set_of_members_shares_evenly_and_only_lost_flows_move),
        cmocka_unit_test(a_loss_moves_the_lost_members_flows_only),
        T(flows_spread_over_the_members_and_stay),
        T(what_comes_in_at_any_member_came_in_at_the_bond),
        T(a_flood_leaves_by_one_member),
        T(active_backup_uses_one_and_hears_one),
        T(a_primary_member_is_preferred_after_its_delay),
        T(a_bond_without_members_that_may_send_is_down),
        T(min_links_takes_the_bond_down),
        T(lacp_decides_what_comes_in_and_its_pdus_always_do),
        T(members_come_and_go_while_it_works),
        T(each_hash_looks_at_its_layers),
        T(fragments_of_a_datagram_stay_together),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
