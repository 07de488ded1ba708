/* l2: NORMAL's VLAN modes, every way in by every way out, as ovs-vswitchd.conf.db(5) has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_lan.h"

/* ------------------------------------------------------------ frames, ports */

#define MAC_A UINT64_C(0x020000000001)
#define MAC_B UINT64_C(0x020000000002)

/* Up to two tags (TPID << 16 | TCI; 0: none) between the addresses and a payload. */
static size_t make(uint8_t *b, uint64_t dst, uint64_t src, uint32_t outer, uint32_t inner)
{
    uint8_t *p = b;
    struct mac d = mac_from_u64(dst), s = mac_from_u64(src);
    memcpy(p, &d, 6);
    memcpy(p + 6, &s, 6);
    p += 12;
    const uint32_t tags[2] = {outer, inner};
    for (unsigned i = 0; i < 2; i++) {
        be32 tag = to_be32(tags[i]);
        if (tags[i] == 0)
            continue;
        memcpy(p, &tag, 4);
        p += 4;
    }
    memcpy(p, "\x88\xb5weft", 6);
    memset(p + 6, 0, 40);
    return (size_t)(p + 46 - b);
}

static void set_mode(struct lan *l, unsigned port, const struct port_vlan *v)
{
    weft_assert(port_set_vlan(l->p[port], v, NULL) == 0);
}

static void add_vid(uint64_t *set, uint16_t vid) { set[vid >> 6] |= UINT64_C(1) << (vid & 63); }

#define Q(vid)       (0x81000000u | (vid))
#define QP(pcp, vid) (0x81000000u | (uint32_t)(pcp) << 13 | (vid))
#define AD(vid)      (0x88a80000u | (vid))
#define NONE         0u, 0u
#define CUT          UINT32_MAX, 0u /* not sent */

enum mode {
    ACCESS10,
    TRUNK,
    TRUNK_10_20,
    NATIVE_T10,
    NATIVE_U10,
    TUNNEL10,
    TUNNEL10_C5,
    ACCESS20,
    MODES
};

static struct port_vlan mode_of(enum mode k)
{
    static const enum vlan_mode modes[MODES] = {VLAN_ACCESS,          VLAN_TRUNK,
                                                VLAN_TRUNK,           VLAN_NATIVE_TAGGED,
                                                VLAN_NATIVE_UNTAGGED, VLAN_DOT1Q_TUNNEL,
                                                VLAN_DOT1Q_TUNNEL,    VLAN_ACCESS};
    struct port_vlan v = {.mode = modes[k]};
    if (k != TRUNK && k != TRUNK_10_20)
        v.tag = k == ACCESS20 ? 20 : 10;
    if (k == TRUNK_10_20) {
        add_vid(v.trunks, 10);
        add_vid(v.trunks, 20);
    }
    if (k == TUNNEL10_C5)
        add_vid(v.cvlans, 5);
    return v;
}

struct way {
    enum mode in;
    uint32_t outer, inner; /* of the frame that comes in */
    struct {
        uint32_t outer, inner;
    } out[MODES]; /* what each kind of port sends, in the order of enum mode */
};

#define DROPPED                                                  \
    {                                                            \
        {CUT}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}, { CUT } \
    }

/* Columns: access 10, trunk, trunk 10+20, native-tagged 10, native-untagged 10, tunnel 10,
 * tunnel 10 for customer VLAN 5, access 20. */
static const struct way ways[] = {
    /* access: untagged and priority-tagged come in, a VLAN does not */
    {ACCESS10, NONE, {{NONE}, {Q(10), 0}, {Q(10), 0}, {Q(10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {ACCESS10,
     QP(5, 0),
     0,
     {{NONE}, {QP(5, 10), 0}, {QP(5, 10), 0}, {QP(5, 10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {ACCESS10, Q(10), 0, DROPPED},
    {ACCESS10, Q(20), 0, DROPPED},
    /* trunk: the VLAN it says, 0 included */
    {TRUNK, NONE, {{CUT}, {NONE}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}}},
    {TRUNK, QP(3, 0), 0, {{CUT}, {NONE}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}, {CUT}}},
    {TRUNK,
     QP(3, 10),
     0,
     {{NONE}, {QP(3, 10), 0}, {QP(3, 10), 0}, {QP(3, 10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {TRUNK,
     Q(20),
     0,
     {{CUT}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {CUT}, {CUT}, {NONE}}},
    {TRUNK, Q(30), 0, {{CUT}, {Q(30), 0}, {CUT}, {Q(30), 0}, {Q(30), 0}, {CUT}, {CUT}, {CUT}}},
    {TRUNK,
     AD(10),
     Q(5),
     {{Q(5), 0},
      {AD(10), Q(5)},
      {AD(10), Q(5)},
      {AD(10), Q(5)},
      {Q(5), 0},
      {Q(5), 0},
      {Q(5), 0},
      {CUT}}},
    {TRUNK_10_20, NONE, DROPPED},
    {TRUNK_10_20, Q(30), 0, DROPPED},
    {TRUNK_10_20,
     Q(20),
     0,
     {{CUT}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {CUT}, {CUT}, {NONE}}},
    /* native: what has no VLAN is in the native one */
    {NATIVE_T10, NONE, {{NONE}, {Q(10), 0}, {Q(10), 0}, {Q(10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {NATIVE_T10,
     Q(10),
     0,
     {{NONE}, {Q(10), 0}, {Q(10), 0}, {Q(10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {NATIVE_U10,
     QP(6, 0),
     0,
     {{NONE}, {QP(6, 10), 0}, {QP(6, 10), 0}, {QP(6, 10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {NATIVE_U10,
     Q(20),
     0,
     {{CUT}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {Q(20), 0}, {CUT}, {CUT}, {NONE}}},
    /* tunnel: the customer's tag stays inside a service tag */
    {TUNNEL10, NONE, {{NONE}, {AD(10), 0}, {AD(10), 0}, {AD(10), 0}, {NONE}, {NONE}, {CUT}, {CUT}}},
    {TUNNEL10,
     Q(5),
     0,
     {{Q(5), 0},
      {AD(10), Q(5)},
      {AD(10), Q(5)},
      {AD(10), Q(5)},
      {Q(5), 0},
      {Q(5), 0},
      {Q(5), 0},
      {CUT}}},
    {TUNNEL10,
     QP(2, 6),
     0,
     {{QP(2, 6), 0},
      {AD(10), QP(2, 6)},
      {AD(10), QP(2, 6)},
      {AD(10), QP(2, 6)},
      {QP(2, 6), 0},
      {QP(2, 6), 0},
      {CUT},
      {CUT}}},
    {TUNNEL10_C5, Q(6), 0, DROPPED},
    {TUNNEL10_C5, NONE, DROPPED},
};

static void check_way(struct lan *l, const struct way *y, enum mode out)
{
    struct port_vlan in = mode_of(y->in), to = mode_of(out);
    uint8_t frame[80], want[80];
    set_mode(l, 1, &in);
    set_mode(l, 2, &to);
    lan_send(l, 1, frame, make(frame, UINT64_C(0xffffffffffff), MAC_A, y->outer, y->inner));
    const struct lan_port *p = lan_of(l, 2);
    if (y->out[out].outer == UINT32_MAX) {
        if (p->n_out != 0)
            fail_msg("way %ld: mode %d sent it", (long)(y - ways), out);
        return;
    }
    size_t len = make(want, UINT64_C(0xffffffffffff), MAC_A, y->out[out].outer, y->out[out].inner);
    if (p->n_out != 1 || p->out[0].len != len || memcmp(p->out[0].b, want, len) != 0)
        fail_msg("way %ld: mode %d: %u sent, %zu bytes for %zu, tag %02x%02x%02x%02x",
                 (long)(y - ways), out, p->n_out, p->out[0].len, len, p->out[0].b[12],
                 p->out[0].b[13], p->out[0].b[14], p->out[0].b[15]);
}

static void every_mode_in_by_every_mode_out(void **state)
{
    struct lan *l = *state;
    for (unsigned port = 3; port <= LAN_PORTS; port++)
        atomic_store(&l->p[port]->link_up, false);
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (enum mode out = 0; out < MODES; out++)
            check_way(l, &ways[i], out);
    }
}

static void what_a_port_may_not_send_is_named(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    struct port_vlan access = mode_of(ACCESS10);
    set_mode(l, 1, &access);
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, Q(10), 0));
    assert_int_equal(switch_drops(l->sw, DROP_VLAN_FILTERED), 1);
    assert_int_equal(fdb_counters(l->br->fdb).entries, 0); /* and nothing is learnt */
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, NONE));
    assert_int_equal(lan_out(l), 0x1c); /* default ports are trunks */
    for (unsigned i = 2; i <= LAN_PORTS; i++)
        set_mode(l, i, &(struct port_vlan){.mode = VLAN_ACCESS, .tag = 20});
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, NONE));
    assert_int_equal(switch_drops(l->sw, DROP_NO_DESTINATION), 1);
}

static void priority_tags_are_sent_as_asked(void **state)
{
    struct lan *l = *state;
    static const uint32_t want[3][2] = {{0, 0}, {0, QP(5, 0)}, {QP(0, 0), QP(5, 0)}};
    for (unsigned asked = 0; asked < 3; asked++) {
        for (unsigned pcp = 0; pcp < 2; pcp++) {
            uint8_t b[80], is[80];
            struct port_vlan v = mode_of(ACCESS10);
            v.priority_tags = (enum prio_tags)asked;
            set_mode(l, 2, &v);
            lan_send(l, 1, b, make(b, MAC_B, MAC_A, QP(pcp * 5, 10), 0));
            size_t len = make(is, MAC_B, MAC_A, want[asked][pcp], 0);
            assert_int_equal(lan_of(l, 2)->out[0].len, len);
            assert_memory_equal(lan_of(l, 2)->out[0].b, is, len);
        }
    }
}

static void the_service_tag_has_the_type_it_was_given(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    struct port_vlan v = mode_of(TUNNEL10);
    v.qinq_ethtype = 0x8100;
    set_mode(l, 1, &v);
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, Q(5), 0));
    assert_memory_equal(lan_of(l, 2)->out[0].b + 12, "\x81\x00\x00\x0a\x81\x00\x00\x05", 8);
}

static void an_address_is_learnt_per_vlan_and_moves(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, Q(10), 0));
    assert_int_equal(lan_out(l), 0x1c);
    lan_send(l, 2, b, make(b, MAC_A, MAC_B, Q(10), 0));
    assert_int_equal(lan_out(l), 1 << 1);
    lan_send(l, 2, b, make(b, MAC_A, MAC_B, Q(20), 0)); /* unknown there */
    assert_int_equal(lan_out(l), 1 << 1 | 1 << 3 | 1 << 4);
    lan_send(l, 3, b, make(b, MAC_B, MAC_A, Q(10), 0)); /* A is at port 3 now */
    assert_int_equal(lan_out(l), 1 << 2);
    lan_send(l, 2, b, make(b, MAC_A, MAC_B, Q(10), 0));
    assert_int_equal(lan_out(l), 1 << 3);
    lan_send(l, 2, b, make(b, MAC_B, MAC_A ^ 9, Q(10), 0));
    assert_int_equal(switch_drops(l->sw, DROP_SELF_DIRECTED), 1);
}

static void a_group_address_is_never_a_source_to_learn(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    lan_send(l, 1, b, make(b, MAC_B, UINT64_C(0x030000000001), NONE));
    assert_int_equal(fdb_counters(l->br->fdb).entries, 0);
    assert_int_equal(lan_out(l), 0x1c);
}

/* The entry is older than the port's configuration: as if it were not there. */
static void an_entry_of_a_port_that_left_the_vlan_floods(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    lan_send(l, 2, b, make(b, MAC_A, MAC_B, Q(10), 0));
    struct port_vlan v = mode_of(ACCESS20);
    set_mode(l, 2, &v);
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, Q(10), 0));
    assert_int_equal(lan_out(l), 1 << 3 | 1 << 4);
}

static void reserved_addresses_stay_unless_told(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    lan_send(l, 1, b, make(b, UINT64_C(0x0180c2000000), MAC_A, NONE));
    lan_send(l, 1, b, make(b, UINT64_C(0x0180c200000e), MAC_A, NONE));
    assert_int_equal(switch_drops(l->sw, DROP_LINK_RESERVED), 2);
    assert_int_equal(lan_out(l), 0);
    lan_send(l, 1, b, make(b, UINT64_C(0x0180c2000010), MAC_A, NONE));
    assert_int_equal(lan_out(l), 0x1c);
    l->br->forward_bpdu = true;
    lan_send(l, 1, b, make(b, UINT64_C(0x0180c2000000), MAC_A, NONE));
    assert_int_equal(lan_out(l), 0x1c);
}

static void a_flood_leaves_out_what_is_down(void **state)
{
    struct lan *l = *state;
    uint8_t b[80];
    atomic_fetch_or(&l->p[2]->config, PORT_CFG_NO_FWD);
    atomic_store(&l->p[3]->link_up, false);
    lan_send(l, 1, b, make(b, MAC_B, MAC_A, NONE));
    assert_int_equal(lan_out(l), 1 << 4);
    assert_int_equal(switch_drops(l->sw, DROP_OUTPUT_DOWN), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_mode_in_by_every_mode_out),
        T(what_a_port_may_not_send_is_named),
        T(priority_tags_are_sent_as_asked),
        T(the_service_tag_has_the_type_it_was_given),
        T(an_address_is_learnt_per_vlan_and_moves),
        T(a_group_address_is_never_a_source_to_learn),
        T(an_entry_of_a_port_that_left_the_vlan_floods),
        T(reserved_addresses_stay_unless_told),
        T(a_flood_leaves_out_what_is_down),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
