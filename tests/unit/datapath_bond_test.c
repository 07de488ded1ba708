/* Bonds: which member a flow takes, who may send and receive, and when that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_lan.h"

#include "base/prng.h"
#include "datapath/bond.h"
#include "datapath/parse.h"
#include "tests/unit/frames.h"

/* ------------------------------------------------------------ buckets */

static void count(const uint8_t b[BOND_BUCKETS], unsigned n[32])
{
    memset(n, 0, 32 * sizeof *n);
    for (unsigned i = 0; i < BOND_BUCKETS; i++)
        n[b[i]]++;
}

/* A bucket moves when its member left (to the one that bond_pick() tells workers at once), or to a
 * newcomer; and newcomers get their share. */
static void only_lost_flows_move_and_what_newcomers_take(void **state)
{
    (void)state;
    struct prng r = {5};
    uint8_t b[BOND_BUCKETS] = {0}, before[BOND_BUCKETS];
    uint32_t mask = 0;
    for (int round = 0; round < 3000; round++) {
        uint32_t next = (uint32_t)prng_next(&r) & 0xffff;
        next = round % 3 == 0 ? mask & (mask - 1) : next; /* lose one */
        next = next != 0 ? next : 1;
        memcpy(before, b, sizeof b);
        bond_spread(b, mask, next);
        uint32_t newcomers = next & ~mask;
        for (unsigned i = 0; i < BOND_BUCKETS; i++) {
            bool lost = !(next >> before[i] & 1);
            if (!(newcomers >> b[i] & 1))
                assert_int_equal(b[i], lost ? bond_pick(i, next) : before[i]);
        }
        unsigned n[32], k = (unsigned)__builtin_popcount(next);
        count(b, n);
        for (uint32_t left = newcomers; left != 0; left &= left - 1)
            assert_in_range(n[__builtin_ctz(left)], BOND_BUCKETS / k - k, BOND_BUCKETS);
        mask = next;
    }
}

static void a_lost_members_flows_spread_over_all_that_are_left(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 16; n++) {
        uint8_t b[BOND_BUCKETS] = {0};
        uint32_t all = (1u << n) - 1;
        bond_spread(b, 0, all);
        for (uint32_t mask = all; mask != 1; mask &= mask >> 1) { /* the last one goes each time */
            unsigned has[32], k = (unsigned)__builtin_popcount(mask);
            count(b, has);
            for (unsigned i = 0; i < k; i++)
                assert_in_range(has[i], BOND_BUCKETS / k / 2, BOND_BUCKETS / k * 3 / 2 + 4);
            bond_spread(b, mask, mask & mask >> 1);
        }
    }
}

static void rebalancing_evens_out_with_few_moves_and_then_rests(void **state)
{
    (void)state;
    struct prng r = {9};
    for (int round = 0; round < 300; round++) {
        uint8_t b[BOND_BUCKETS] = {0}, before[BOND_BUCKETS];
        uint64_t load[BOND_BUCKETS], has[32] = {0}, total = 0, biggest = 0;
        unsigned n = 2 + prng_below(&r, 7), turns = 0, moved;
        bond_spread(b, 0, (1u << n) - 1);
        for (unsigned i = 0; i < BOND_BUCKETS; i++) { /* some flows are much bigger than others */
            load[i] = prng_below(&r, 4) == 0 ? prng_below(&r, 100000) : prng_below(&r, 100);
            total += load[i];
            biggest = load[i] > biggest ? load[i] : biggest;
        }
        do {
            memcpy(before, b, sizeof b);
            moved = bond_rebalance(b, (1u << n) - 1, load);
            unsigned differ = 0;
            for (unsigned i = 0; i < BOND_BUCKETS; i++)
                differ += b[i] != before[i];
            assert_true(differ <= moved && moved <= BOND_MOVES_MAX);
        } while (moved > 0 && ++turns < 100);
        assert_in_range(turns, 0, 99);
        uint64_t most = 0, least = UINT64_MAX;
        for (unsigned i = 0; i < BOND_BUCKETS; i++)
            has[b[i]] += load[i];
        for (unsigned i = 0; i < n; i++) {
            most = has[i] > most ? has[i] : most;
            least = has[i] < least ? has[i] : least;
        }
        assert_true(most - least <=
                    (total / BOND_UNEVEN > 2 * biggest ? total / BOND_UNEVEN : 2 * biggest));
    }
    uint8_t b[BOND_BUCKETS] = {0};
    assert_int_equal(bond_rebalance(b, 0, (uint64_t[BOND_BUCKETS]){5}), 0);
    assert_int_equal(bond_rebalance(b, 3, (uint64_t[BOND_BUCKETS]){5}), 0); /* one flow: in vain */
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

/* Until then, bytes of one flow each second: the bond is uneven as long as it isn't told otherwise.
 */
static void big_flows_part_when_rebalancing_is_on(void **state)
{
    struct bond_config c = {.mode = BOND_BALANCE_XOR, .hash = BOND_HASH_L34, .primary = -1};
    struct bonded x = bonded(state, c);
    unsigned on3[16], n = 0, moved = 0;
    for (unsigned i = 0; n < 16; i++)
        if (send_flow(&x, i) == 1 << 3)
            on3[n++] = i;
    x.l->now += 2 * NSEC_PER_SEC;
    lan_run(x.l);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(send_flow(&x, on3[i]), 1 << 3); /* it is off */
    c.rebalance = NSEC_PER_SEC;
    assert_int_equal(bond_set(x.bond, &c, (struct port *[]){x.l->p[3], x.l->p[4]}, 2, NULL), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(send_flow(&x, on3[i]), 1 << 3);
    x.l->now += NSEC_PER_SEC;
    lan_run(x.l);
    for (unsigned i = 0; i < n; i++)
        moved += send_flow(&x, on3[i]) == 1 << 4;
    assert_in_range(moved, 6, 10);
    assert_in_range(x.b->moves, 1, 10);
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

/* RARP that names station 1, out of port 4. */
static bool names_station_1(struct lan *l)
{
    const struct lan_port *p = lan_of(l, 4);
    for (unsigned i = 0; i < p->n_out && i < LAN_KEPT; i++) {
        const uint8_t *f = p->out[i].b;
        if (f[0] == 0xff && f[11] == 1 && f[12] == 0x80 && f[13] == 0x35 && f[21] == 3 &&
            memcmp(f + 6, f + 22, 6) == 0 && memcmp(f + 6, f + 32, 6) == 0)
            return true;
    }
    return false;
}

static void a_failover_of_active_backup_tells_upstream_where_stations_are(void **state)
{
    struct bonded x =
        bonded(state, (struct bond_config){.mode = BOND_ACTIVE_BACKUP, .primary = -1});
    struct frame far = flow(50, 1, 0), same;
    for (int i = 0; i < 600; i++) /* what was said when the first link came up */
        lan_run(x.l);
    assert_int_equal(send_flow(&x, 1), 1 << 3);
    lan_send(x.l, 3, far.b, far.len); /* 50 lives upstream */
    lan_forget(x.l);
    uint64_t before = x.b->announced;
    atomic_store(&x.l->p[3]->link_up, false);
    lan_run(x.l);
    assert_true(names_station_1(x.l));
    assert_int_equal(x.b->announced, before + 1); /* not 50 */
    same = frames[F_ARP];
    memcpy(same.b, lan_of(x.l, 4)->out[0].b, same.len = 60);
    lan_send(x.l, 4, same.b, same.len); /* and a hub sends it back */
    assert_int_equal(port_drops(x.bond, DROP_BOND_ECHO), 1);
    lan_forget(x.l);
    for (int i = 0; i < 600; i++)
        lan_run(x.l);
    assert_true(names_station_1(x.l)); /* again, in case the first was lost */
    assert_int_equal(x.b->announced, before + 2);
    lan_forget(x.l);
    for (int i = 0; i < 600; i++)
        lan_run(x.l);
    assert_int_equal(lan_out(x.l), 0);
}

/* Upstream knows nothing of the bond: what left by one link comes in by the other. */
static void what_upstream_sends_back_moves_no_mac_and_reaches_nobody(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_BALANCE_XOR, .primary = -1});
    struct fdb *fdb = x.l->br->fdb;
    struct mac one = {{2, 0, 0, 0, 0, 1}};
    struct frame garp = frames[F_ARP], back;
    memset(garp.b, 0xff, 6);
    memcpy(garp.b + 6, &one, 6);
    for (int i = 0; i < 2; i++) { /* the second: a second and a bit later */
        lan_send(x.l, 1, garp.b, garp.len);
        unsigned link = lan_out(x.l) & 1 << 3 ? 3 : 4;
        assert_int_equal(fdb_lookup(fdb, 0, one), x.l->p[1]->index);
        back = garp;
        back.len = 60; /* padded on its way */
        lan_send(x.l, 7 - link, back.b, back.len);
        assert_int_equal(lan_out(x.l), 0);
        assert_int_equal(port_drops(x.bond, DROP_BOND_ECHO), i + 1);
        assert_int_equal(fdb_lookup(fdb, 0, one), x.l->p[1]->index);
        x.l->now += BOND_ECHO_NS;
    }
    lan_send(x.l, 3, back.b, back.len); /* for a while, not for ever: it has moved */
    assert_int_equal(lan_out(x.l) & 6, 6);
    assert_int_equal(fdb_lookup(fdb, 0, one), x.bond->index);
}

static void a_station_that_moves_upstream_and_says_something_new_is_believed_at_once(void **state)
{
    struct bonded x = bonded(state, (struct bond_config){.mode = BOND_BALANCE_XOR, .primary = -1});
    struct mac one = {{2, 0, 0, 0, 0, 1}};
    struct frame garp = frames[F_ARP], other = flow(1, 99, 7);
    memset(garp.b, 0xff, 6);
    memcpy(garp.b + 6, &one, 6);
    memcpy(other.b + 6, &one, 6);
    lan_send(x.l, 1, garp.b, garp.len);
    lan_send(x.l, 3, other.b, other.len);
    assert_int_equal(fdb_lookup(x.l->br->fdb, 0, one), x.bond->index);
    assert_int_equal(port_drops(x.bond, DROP_BOND_ECHO), 0);
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

/* VXLAN whose sender always uses one source port; what is inside decides. */
static void tunnelled_frames_go_by_their_inner_headers(void **state)
{
    struct lan *l = *state;
    struct frame outer = frames[F_UDP4], f[2];
    const struct frame *in = &frames[F_UDP4];
    outer.b[36] = 4789 >> 8;
    outer.b[37] = 4789 & 255;
    for (int how = BOND_HASH_L2; how <= BOND_HASH_L34; how++) {
        for (int i = 0; i < 2; i++) {
            f[i] = outer;
            memset(f[i].b + 42, 0, 8);
            memcpy(f[i].b + 50, in->b, in->len);
            f[i].len = 50 + in->len;
        }
        f[1].b[50 + (how == BOND_HASH_L34 ? 35 : 11)] ^= 1; /* another flow inside */
        assert_int_not_equal(hash_frame(l, &f[0], how, false), hash_frame(l, &f[1], how, false));
        f[1] = f[0];
        f[1].b[35] ^= 1; /* another source port outside */
        assert_int_equal(hash_frame(l, &f[0], how, false), hash_frame(l, &f[1], how, false));
        f[1].b[50 + 12] = 0xee; /* no IP inside: its MACs */
        f[0].b[50 + 12] = 0xee;
        f[1].b[50 + 5] ^= 1;
        assert_int_not_equal(hash_frame(l, &f[0], how, false), hash_frame(l, &f[1], how, false));
    }
}

/* How deep rules made parse look, and a tag or not, change nothing of it. */
static void a_flow_has_one_hash_however_it_was_parsed(void **state)
{
    struct lan *l = *state;
    for (unsigned i = 0; i < F_COUNT; i++) {
        struct rte_mbuf *m = parsed(l, &frames[i]);
        uint32_t before = bond_hash_of(m, BOND_HASH_L34, false);
        parse_need(m, PKT_DEPTH_ALL);
        assert_int_equal(bond_hash_of(m, BOND_HASH_L34, false), before);
        rte_pktmbuf_free(m);
    }
    struct frame plain = frames[F_UDP4], tagged = plain;
    memmove(tagged.b + 16, tagged.b + 12, tagged.len - 12);
    memcpy(tagged.b + 12, (const uint8_t[]){0x81, 0, 0, 7}, 4);
    tagged.len += 4;
    assert_int_equal(hash_frame(l, &plain, BOND_HASH_L34, false),
                     hash_frame(l, &tagged, BOND_HASH_L34, false));
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
        cmocka_unit_test(only_lost_flows_move_and_what_newcomers_take),
        cmocka_unit_test(a_lost_members_flows_spread_over_all_that_are_left),
        cmocka_unit_test(rebalancing_evens_out_with_few_moves_and_then_rests),
        T(flows_spread_over_the_members_and_stay),
        T(big_flows_part_when_rebalancing_is_on),
        T(what_comes_in_at_any_member_came_in_at_the_bond),
        T(a_flood_leaves_by_one_member),
        T(active_backup_uses_one_and_hears_one),
        T(a_failover_of_active_backup_tells_upstream_where_stations_are),
        T(what_upstream_sends_back_moves_no_mac_and_reaches_nobody),
        T(a_station_that_moves_upstream_and_says_something_new_is_believed_at_once),
        T(a_primary_member_is_preferred_after_its_delay),
        T(a_bond_without_members_that_may_send_is_down),
        T(min_links_takes_the_bond_down),
        T(lacp_decides_what_comes_in_and_its_pdus_always_do),
        T(members_come_and_go_while_it_works),
        T(each_hash_looks_at_its_layers),
        T(tunnelled_frames_go_by_their_inner_headers),
        T(a_flow_has_one_hash_however_it_was_parsed),
        T(fragments_of_a_datagram_stay_together),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
