/* The engine by itself: codec, digest, guards, and every start state of the role machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stp/machine.h"
#include "stp/md5.h"

static const nsec_t T0 = 100 * NSEC_PER_SEC;

static void hex(const uint8_t *b, char out[33])
{
    for (unsigned i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", b[i]);
}

static struct stp *make(enum stp_version v, unsigned ports, const struct stp_port_config *c)
{
    struct stp_config cfg;
    struct stp_port_config def;
    struct stp_link up = {.up = true, .full_duplex = true, .speed_mbps = 10000};
    struct errbuf e = {""};
    struct stp *s;
    stp_config_default(&cfg);
    stp_port_config_default(&def);
    cfg.version = v;
    cfg.mac = mac_from_u64(0x020000000001);
    if (v == STP_VERSION_MSTP) {
        cfg.n_mstis = 1;
        cfg.msti[0] = (struct stp_msti_config){1, 32768};
        cfg.vlan_msti[10] = 1;
    }
    assert_int_equal(stp_create(&cfg, T0, &s, &e), 0);
    for (unsigned p = 1; p <= ports; p++) {
        assert_int_equal(stp_port_add(s, p, c ? c : &def, T0, &e), 0);
        stp_link(s, p, &up, T0);
    }
    return s;
}

/* An RST BPDU of a bridge with priority `prio` that claims to be the root. */
static size_t rst(uint8_t *pdu, uint16_t prio, uint8_t flags)
{
    uint64_t id = (uint64_t)prio << 48 | 0x020000000099;
    struct bpdu b = {.kind = BPDU_RST,
                     .flags = flags,
                     .root = id,
                     .regional = id,
                     .port = 0x8001,
                     .times = {.max_age = 20, .hello = 2, .forward_delay = 15}};
    return bpdu_encode(&b, pdu);
}

static unsigned drain(struct stp *s, enum stp_action_kind k)
{
    struct stp_action a;
    unsigned n = 0;
    while (stp_poll(s, &a))
        n += a.kind == k;
    return n;
}

static struct stp_port_tree_status look(struct stp *s, unsigned p)
{
    struct stp_port_tree_status st;
    assert_true(stp_port_tree_status(s, p, 0, &st));
    return st;
}

static void run(struct stp *s, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++)
        stp_tick(s, stp_deadline(s));
    assert_true(stp_at_rest(s));
}

/* ---- codec ---- */

static void rfc_1321_and_2104_md5_examples(void **state)
{
    (void)state;
    uint8_t d[16];
    char h[33];
    md5("", 0, d);
    hex(d, h);
    assert_string_equal(h, "d41d8cd98f00b204e9800998ecf8427e");
    md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890", 80, d);
    hex(d, h);
    assert_string_equal(h, "57edf4a22be3c955ac49da2e2107b67a");
    hmac_md5("Jefe", 4, "what do ya want for nothing?", 28, d);
    hex(d, h);
    assert_string_equal(h, "750c783e6ab0b503eaa86e310a5db738");
}

/* 802.1Q-2018 table 13-3: sample digests. */
static void clause_13_8_sample_digests(void **state)
{
    (void)state;
    static uint16_t map[4096];
    uint8_t d[16];
    char h[33];
    stp_config_digest(map, d);
    hex(d, h);
    assert_string_equal(h, "ac36177f50283cd4b83821d8ab26de62");
    for (unsigned v = 1; v < 4095; v++)
        map[v] = 1;
    stp_config_digest(map, d);
    hex(d, h);
    assert_string_equal(h, "e13a80f11ed0856acd4ee3476941c73b");
    for (unsigned v = 1; v < 4095; v++)
        map[v] = (uint16_t)(v % 32 + 1);
    stp_config_digest(map, d);
    hex(d, h);
    assert_string_equal(h, "9d145c267dbe9fb5d893441be3ba08ce");
}

static void clause_14_bpdus_survive_the_wire(void **state)
{
    (void)state;
    struct bpdu b = {.kind = BPDU_MST,
                     .flags = 0x7e,
                     .root = 0x1000020000000001,
                     .ext_cost = 2000,
                     .regional = 0x2000020000000002,
                     .port = 0x8003,
                     .times = {1, 20, 15, 2, 19},
                     .region = {.name = "east", .revision = 7, .digest = {1, 2, 3}},
                     .int_cost = 200000,
                     .bridge = 0x3000020000000003,
                     .n_mstis = 2,
                     .msti = {{0x7c, 0x8001020000000004, 5, 0x80, 0x70, 18},
                              {0x4e, 0x9002020000000005, 6, 0x90, 0x60, 17}}};
    struct bpdu back;
    uint8_t pdu[STP_PDU_MAX];
    assert_int_equal(bpdu_encode(&b, pdu), 134);
    assert_int_equal(bpdu_decode(pdu, 134, &back), 0);
    assert_int_equal(back.kind, BPDU_MST);
    assert_int_equal(back.n_mstis, 2);
    assert_memory_equal(&back.msti[1], &b.msti[1], sizeof b.msti[1]);
    assert_int_equal(back.times.hops, 19);
    /* cut in the middle of an MSTI: an RST BPDU (14.4 g) */
    assert_int_equal(bpdu_decode(pdu, 130, &back), 0);
    assert_int_equal(back.kind, BPDU_RST);
    for (size_t len = 0; len < 36; len++)
        assert_int_equal(bpdu_decode(pdu, len, &back), -71);
}

/* 14.4: Message Age at Max Age is discarded; a newer version is read as ours. */
static void clause_14_4_validation(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct bpdu back, b = {.kind = BPDU_CONFIG, .root = 1, .times = {20, 20, 15, 2, 0}};
    size_t len = bpdu_encode(&b, pdu);
    assert_int_equal(len, 35);
    assert_int_equal(bpdu_decode(pdu, len, &back), -71);
    pdu[28] = 19;
    pdu[27] = 0;
    assert_int_equal(bpdu_decode(pdu, len, &back), 0);
    len = rst(pdu, 0, 0x3c);
    pdu[2] = 9;
    assert_int_equal(bpdu_decode(pdu, len, &back), 0);
    assert_int_equal(back.kind, BPDU_RST);
    pdu[0] = 1;
    assert_int_equal(bpdu_decode(pdu, len, &back), -71);
}

/* ---- guards of operators ---- */

static void an_edge_port_forwards_at_once_and_without_a_topology_change(void **state)
{
    (void)state;
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.edge = true;
    struct stp *s = make(STP_VERSION_RSTP, 1, &c);
    struct stp_tree_status t;
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_tree_status(s, 0, &t);
    assert_int_equal(t.topology_changes, 0);
    stp_free(s);
}

static void silence_for_three_seconds_makes_an_edge(void **state)
{
    (void)state;
    struct stp *s = make(STP_VERSION_RSTP, 1, NULL);
    assert_int_equal(look(s, 1).state, STP_DISCARDING);
    run(s, 3);
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_free(s);
}

static void bpdu_guard_disables_and_time_heals(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.edge = c.bpdu_guard = true;
    struct stp *s = make(STP_VERSION_RSTP, 2, &c);
    stp_rx(s, 1, pdu, rst(pdu, 0, 0x3c), T0);
    assert_int_equal(look(s, 1).why, STP_WHY_ERR_DISABLED);
    assert_int_equal(look(s, 1).state, STP_DISCARDING);
    assert_int_equal(look(s, 2).state, STP_FORWARDING);
    run(s, 299);
    assert_int_equal(look(s, 1).why, STP_WHY_ERR_DISABLED);
    run(s, 1);
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_free(s);
}

static void root_guard_keeps_a_better_bridge_from_becoming_root(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_config c;
    struct stp_tree_status t;
    stp_port_config_default(&c);
    c.restricted_role = true;
    struct stp *s = make(STP_VERSION_RSTP, 2, &c);
    run(s, 5);
    stp_rx(s, 1, pdu, rst(pdu, 0, 0x3c), s->now);
    stp_tree_status(s, 0, &t);
    assert_int_equal(t.root_port, 0);
    assert_int_equal(look(s, 1).why, STP_WHY_ROOT_GUARD);
    run(s, 10); /* it is silent again */
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_free(s);
}

static void loop_guard_holds_a_port_whose_better_bridge_fell_silent(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.loop_guard = true;
    struct stp *s = make(STP_VERSION_RSTP, 2, &c);
    stp_rx(s, 1, pdu, rst(pdu, 0, 0x3c), T0);
    assert_int_equal(look(s, 1).role, STP_ROLE_ROOT);
    run(s, 60);
    assert_int_equal(look(s, 1).why, STP_WHY_LOOP_GUARD);
    assert_int_equal(look(s, 1).state, STP_DISCARDING);
    stp_rx(s, 1, pdu, rst(pdu, 0, 0x3c), s->now);
    assert_int_equal(look(s, 1).role, STP_ROLE_ROOT);
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_free(s);
}

static void bridge_assurance_closes_a_silent_network_port(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.network = true;
    c.auto_edge = false;
    struct stp *s = make(STP_VERSION_RSTP, 1, &c);
    run(s, 40);
    assert_int_equal(look(s, 1).why, STP_WHY_ASSURANCE);
    stp_rx(s, 1, pdu, rst(pdu, 61440, 0x48 | BPDU_AGREEMENT), s->now);
    run(s, 30 - 26);
    assert_int_not_equal(look(s, 1).why, STP_WHY_ASSURANCE);
    stp_free(s);
}

static void a_port_that_hears_itself_is_held(void **state)
{
    (void)state;
    struct stp_action a, sent = {0};
    struct stp *s = make(STP_VERSION_RSTP, 1, NULL);
    while (stp_poll(s, &a))
        if (a.kind == STP_ACT_SEND)
            sent = a;
    assert_true(sent.len > 0);
    stp_rx(s, 1, sent.pdu, sent.len, T0);
    assert_int_equal(look(s, 1).why, STP_WHY_SELF_LOOP);
    run(s, 20);
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_free(s);
}

/* 13.29.16: a worse bridge that learns on our LAN doesn't hear us. */
static void a_dispute_closes_a_designated_port(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp *s = make(STP_VERSION_RSTP, 1, NULL);
    run(s, 4);
    assert_int_equal(look(s, 1).state, STP_FORWARDING);
    stp_rx(s, 1, pdu, rst(pdu, 61440, BPDU_ROLE_DESIGNATED | BPDU_LEARNING), s->now);
    assert_int_equal(look(s, 1).state, STP_DISCARDING);
    stp_free(s);
}

/* 13.32: an old bridge is heard, and believed for as long as mdelayWhile says. */
static void clause_13_32_port_protocol_migration(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_status st;
    struct bpdu b = {.kind = BPDU_CONFIG,
                     .root = UINT64_C(0xf000020000000099),
                     .regional = UINT64_C(0xf000020000000099),
                     .port = 0x8001,
                     .times = {0, 20, 15, 2, 0}};
    struct stp *s = make(STP_VERSION_RSTP, 1, NULL);
    run(s, 4);
    stp_rx(s, 1, pdu, bpdu_encode(&b, pdu), s->now);
    stp_port_status(s, 1, &st);
    assert_false(st.send_rstp);
    run(s, 4);
    stp_rx(s, 1, pdu, rst(pdu, 61440, 0x08), s->now);
    stp_port_status(s, 1, &st);
    assert_true(st.send_rstp);
    stp_free(s);
}

/* The transmit hold count: six BPDUs at once, then one each second. */
static void clause_13_34_holds_transmissions(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp *s = make(STP_VERSION_RSTP, 1, NULL);
    unsigned sent = drain(s, STP_ACT_SEND);
    for (unsigned i = 0; i < 1000; i++) { /* claims that come and go, each needs an answer */
        stp_rx(s, 1, pdu, rst(pdu, i & 1 ? 61440 : 0, 0x0e), T0);
        sent += drain(s, STP_ACT_SEND);
    }
    assert_in_range(sent, 1, 6);
    assert_true(stp_at_rest(s));
    stp_free(s);
}

/* Closings are told before openings, openings before BPDUs. */
static void actions_come_in_the_safe_order(void **state)
{
    (void)state;
    uint8_t pdu[STP_PDU_MAX];
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.auto_edge = false;
    struct stp *s = make(STP_VERSION_RSTP, 3, &c);
    stp_rx(s, 2, pdu, rst(pdu, 0, 0x0e), s->now);
    for (unsigned i = 0; i < 20; i++, run(s, 2))
        stp_rx(s, 2, pdu, rst(pdu, 0, 0x7c), s->now);
    drain(s, STP_ACT_SEND);
    assert_int_equal(look(s, 3).state, STP_FORWARDING);
    stp_rx(s, 2, pdu, rst(pdu, 8192, 0x0e), s->now); /* the root lowers itself, and proposes */
    struct stp_action a;
    int last = -1;
    unsigned closed = 0;
    while (stp_poll(s, &a)) {
        int rank = a.kind == STP_ACT_STATE ? (a.state == STP_FORWARDING ? 1 : 0) : 1 + (int)a.kind;
        closed += rank == 0;
        assert_true(rank >= last);
        last = rank;
    }
    assert_int_equal(closed, 2);
    stp_free(s);
}

/* ---- every start state ---- */

/* The bits of a port in a tree that the role machine reads. */
static void set_bits(struct stp_tport *p, unsigned bits)
{
    bool *const flag[] = {&p->agree,  &p->agreed,  &p->proposed,        &p->proposing,
                          &p->synced, &p->sync,    &p->re_root,         &p->disputed,
                          &p->learn,  &p->forward, &p->port->oper_edge, &p->loop_held};
    for (unsigned i = 0; i < sizeof flag / sizeof *flag; i++)
        *flag[i] = bits >> i & 1;
    p->rr_while = bits >> 12 & 1 ? 15 : 0;
    p->fd_while = bits >> 13 & 1 ? 15 : 0;
    p->rb_while = bits >> 14 & 1 ? 4 : 0;
}

static void settles_from(struct stp *s, unsigned role, unsigned selected, unsigned bits)
{
    static const enum prt_state waiting[] = {PRT_DISABLED_PORT,   PRT_ROOT_PORT,
                                             PRT_DESIGNATED_PORT, PRT_ALTERNATE_PORT,
                                             PRT_ALTERNATE_PORT,  PRT_MASTER_PORT};
    struct stp_tport *p = &s->list[0]->tree[0];
    p->role = (enum stp_role)role;
    p->selected_role = (enum stp_role)selected;
    p->prt = waiting[role];
    p->selected = true;
    p->updt_info = false;
    set_bits(p, bits);
    p->learning = p->learn;
    p->forwarding = p->forward;
    p->pst = p->forward ? PST_FORWARDING : p->learn ? PST_LEARNING : PST_DISCARDING;
    p->port->tx_count = 6;
    stp_recount(p->tree);
    stp_touch_tree(p->tree);
    stp_settle(s);
    if (!stp_at_rest(s))
        fail_msg("role %u, selected %u, bits %04x: not at rest", role, selected, bits);
}

/* 13.37: 6 roles x 6 selected roles x 2^15 flags and timers, in a bridge of two ports. */
static void clause_13_37_every_start_state_settles(void **state)
{
    (void)state;
    struct stp *s = make(STP_VERSION_RSTP, 2, NULL);
    for (unsigned roles = 0; roles < 36; roles++)
        for (unsigned bits = 0; bits < 1u << 15; bits++)
            if ((bits & 3u << 8) != 2u << 8) /* forward without learn is no state */
                settles_from(s, roles / 6, roles % 6, bits);
    assert_int_equal(s->overruns, 0);
    stp_free(s);
}

/* A held or blocked port is closed, whatever state it began in. */
static void no_start_state_leaves_a_blocked_port_open(void **state)
{
    (void)state;
    struct stp *s = make(STP_VERSION_RSTP, 2, NULL);
    static const enum stp_role closed[] = {STP_ROLE_DISABLED, STP_ROLE_ALTERNATE, STP_ROLE_BACKUP};
    for (unsigned role = 0; role <= STP_ROLE_MASTER; role++)
        for (unsigned bits = 0; bits < 3 * 1u << 15; bits++) {
            if ((bits & 3u << 8) == 2u << 8 || role == closed[bits >> 15])
                continue;
            settles_from(s, role, closed[bits >> 15], bits & 0x7fff);
            assert_false(s->list[0]->tree[0].learning);
        }
    stp_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_1321_and_2104_md5_examples),
        cmocka_unit_test(clause_13_8_sample_digests),
        cmocka_unit_test(clause_14_bpdus_survive_the_wire),
        cmocka_unit_test(clause_14_4_validation),
        cmocka_unit_test(an_edge_port_forwards_at_once_and_without_a_topology_change),
        cmocka_unit_test(silence_for_three_seconds_makes_an_edge),
        cmocka_unit_test(bpdu_guard_disables_and_time_heals),
        cmocka_unit_test(root_guard_keeps_a_better_bridge_from_becoming_root),
        cmocka_unit_test(loop_guard_holds_a_port_whose_better_bridge_fell_silent),
        cmocka_unit_test(bridge_assurance_closes_a_silent_network_port),
        cmocka_unit_test(a_port_that_hears_itself_is_held),
        cmocka_unit_test(a_dispute_closes_a_designated_port),
        cmocka_unit_test(clause_13_32_port_protocol_migration),
        cmocka_unit_test(clause_13_34_holds_transmissions),
        cmocka_unit_test(actions_come_in_the_safe_order),
        cmocka_unit_test(clause_13_37_every_start_state_settles),
        cmocka_unit_test(no_start_state_leaves_a_blocked_port_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
