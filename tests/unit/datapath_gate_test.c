/* gate: discarding, learning, forwarding, per port and instance (802.1Q-2018 8.4, 8.6.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/gate.h"
#include "tests/unit/fake_lan.h"

enum { UNTAGGED = 0, VLAN_A = 10, VLAN_B = 20 }; /* in trees 0, 1, 2 */

static size_t frame(uint8_t *b, uint64_t dst, uint64_t src, uint16_t vid)
{
    struct mac d = mac_from_u64(dst), s = mac_from_u64(src);
    memset(b, 0, 64);
    memcpy(b, &d, 6);
    memcpy(b + 6, &s, 6);
    if (vid != UNTAGGED)
        memcpy(b + 12, (uint8_t[]){0x81, 0, (uint8_t)(vid >> 8), (uint8_t)vid}, 4);
    memcpy(b + (vid != UNTAGGED ? 16 : 12), "\x88\xb5", 2);
    return 64;
}

static unsigned broadcast(struct lan *l, unsigned port, uint16_t vid)
{
    uint8_t b[64];
    lan_send(l, port, b, frame(b, UINT64_C(0xffffffffffff), 0x020000000000 + port, vid));
    return lan_out(l);
}

static unsigned unicast(struct lan *l, unsigned from, unsigned to, uint16_t vid)
{
    uint8_t b[64];
    lan_send(l, from, b, frame(b, 0x020000000000 + to, 0x020000000000 + from, vid));
    return lan_out(l);
}

/* Port 1 has three trees; 2, 3 and 4 have no gates. */
static struct lan *gated(void **state)
{
    struct lan *l = *state;
    uint8_t tree[4096] = {[VLAN_A] = 1, [VLAN_B] = 2};
    assert_int_equal(gate_set_map(l->br, tree), 0);
    gate_enable(l->p[1], 3);
    return l;
}

static void a_port_begins_discarding_in_every_tree(void **state)
{
    struct lan *l = gated(state);
    for (unsigned t = 0; t < 3; t++)
        assert_int_equal(gate_get(l->p[1], t), GATE_DISCARDING);
    const uint16_t vids[] = {UNTAGGED, VLAN_A, VLAN_B};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(broadcast(l, 1, vids[i]), 0);
        assert_int_equal(broadcast(l, 2, vids[i]), 1u << 3 | 1u << 4);
        assert_int_equal(fdb_lookup(l->br->fdb, vids[i], mac_from_u64(0x020000000001)),
                         FDB_NO_PORT);
    }
}

static void each_instance_has_its_own_state(void **state)
{
    struct lan *l = gated(state);
    gate_set(l->p[1], 0, GATE_FORWARDING);
    gate_set(l->p[1], 1, GATE_LEARNING);
    assert_int_equal(broadcast(l, 1, UNTAGGED), 1u << 2 | 1u << 3 | 1u << 4);
    assert_int_equal(broadcast(l, 2, UNTAGGED), 1u << 1 | 1u << 3 | 1u << 4);
    assert_int_equal(broadcast(l, 1, VLAN_A), 0);
    assert_int_equal(broadcast(l, 2, VLAN_A), 1u << 3 | 1u << 4);
    assert_int_equal(broadcast(l, 1, VLAN_B), 0);
    assert_int_equal(fdb_lookup(l->br->fdb, UNTAGGED, mac_from_u64(0x020000000001)),
                     l->p[1]->index);
    assert_int_equal(fdb_lookup(l->br->fdb, VLAN_A, mac_from_u64(0x020000000001)), l->p[1]->index);
    assert_int_equal(fdb_lookup(l->br->fdb, VLAN_B, mac_from_u64(0x020000000001)), FDB_NO_PORT);
    assert_int_equal(unicast(l, 2, 1, VLAN_A), 0); /* known there, shut there: nowhere else */
    gate_set(l->p[1], 1, GATE_FORWARDING);
    assert_int_equal(unicast(l, 2, 1, VLAN_A), 1u << 1);
    assert_int_equal(broadcast(l, 2, VLAN_B), 1u << 3 | 1u << 4);
}

static void closing_is_one_store_and_holds_for_the_next_frame(void **state)
{
    struct lan *l = gated(state);
    for (unsigned t = 0; t < 3; t++)
        gate_set(l->p[1], t, GATE_FORWARDING);
    assert_int_equal(unicast(l, 2, 1, VLAN_B), 1u << 1 | 1u << 3 | 1u << 4);
    gate_set(l->p[1], 2, GATE_DISCARDING);
    assert_int_equal(unicast(l, 2, 1, VLAN_B), 1u << 3 | 1u << 4);
    assert_int_equal(unicast(l, 2, 1, VLAN_A), 1u << 1 | 1u << 3 | 1u << 4);
    gate_disable(l->p[1]);
    assert_int_equal(unicast(l, 2, 1, VLAN_B), 1u << 1 | 1u << 3 | 1u << 4);
}

/* A BPDU to each of the reserved addresses is trapped, in any state; other frames to them aren't.
 */
static void bpdus_to_all_reserved_addresses_are_trapped(void **state)
{
    struct lan *l = gated(state);
    struct rte_mbuf *m[8];
    for (unsigned low = 0; low < 16; low++) {
        uint8_t b[64];
        frame(b, UINT64_C(0x0180c2000000) | low, UINT64_C(0x020000000009), UNTAGGED);
        memcpy(b + 12, "\x00\x26\x42\x42\x03", 5);
        lan_send(l, 1, b, sizeof b);
        assert_int_equal(lan_out(l), 0);
        assert_int_equal(punt_take(l->sw->punt, PUNT_PROTO, m, 8), 1);
        rte_pktmbuf_free(m[0]);
    }
    uint8_t b[64];
    lan_send(l, 1, b, frame(b, UINT64_C(0x0180c2000000), UINT64_C(0x020000000009), UNTAGGED));
    assert_int_equal(punt_take(l->sw->punt, PUNT_PROTO, m, 8), 0);
}

static void a_flood_of_bpdus_is_policed_per_port(void **state)
{
    struct lan *l = gated(state);
    struct rte_mbuf *m[8];
    uint8_t b[64];
    unsigned taken = 0;
    gate_enable(l->p[2], 3);
    frame(b, UINT64_C(0x0180c2000000), UINT64_C(0x020000000009), UNTAGGED);
    memcpy(b + 12, "\x00\x26\x42\x42\x03", 5);
    for (unsigned i = 0; i < 1000; i++) { /* in two seconds */
        lan_send(l, 1, b, sizeof b);
        for (unsigned n; (n = punt_take(l->sw->punt, PUNT_PROTO, m, 8)) > 0; taken += n)
            rte_pktmbuf_free_bulk(m, n);
    }
    assert_in_range(taken, GATE_BPDUS_PER_S, 2 * GATE_BPDUS_PER_S + 2 * GATE_BPDU_BURST);
    lan_send(l, 2, b, sizeof b); /* the neighbour next door is still heard */
    assert_int_equal(punt_take(l->sw->punt, PUNT_PROTO, m, 8), 1);
    rte_pktmbuf_free(m[0]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_port_begins_discarding_in_every_tree),
        T(each_instance_has_its_own_state),
        T(closing_is_one_store_and_holds_for_the_next_frame),
        T(bpdus_to_all_reserved_addresses_are_trapped),
        T(a_flood_of_bpdus_is_policed_per_port),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
