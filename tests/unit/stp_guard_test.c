/* The machines of clause 13 one by one: every state, with every value of what its guards read. A
 * guard only looks (13.30 and on: conditions), and each machine comes to rest by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stp/machine.h"

enum { STEPS_MAX = 12 };

/* A bridge with two ports; the first is looked at. */
static struct stp *make(void)
{
    struct stp_config c;
    struct stp_port_config pc;
    struct stp *s;
    struct errbuf e = {""};
    stp_config_default(&c);
    stp_port_config_default(&pc);
    c.mac = mac_from_u64(UINT64_C(0x020000000001));
    assert_int_equal(stp_create(&c, 0, &s, &e), 0);
    for (unsigned p = 1; p <= 2; p++)
        assert_int_equal(stp_port_add(s, p, &pc, 0, &e), 0);
    return s;
}

/* Bits of `bits`, taken one by one. */
static bool bit(unsigned *bits)
{
    bool b = *bits & 1;
    *bits >>= 1;
    return b;
}

struct image {
    uint8_t b[sizeof(struct stp_port) + sizeof(struct stp_tport)];
};

static void look(const struct stp_port *p, struct image *i) { memcpy(i->b, p, sizeof i->b); }

/* Steps a machine of a port until it rests. */
#define RESTS(next, enter, at, who, what)                                  \
    do {                                                                   \
        unsigned to_, steps_ = 0;                                          \
        struct image had_, has_;                                           \
        for (;; steps_++) {                                                \
            look(port, &had_);                                             \
            to_ = next(who);                                               \
            look(port, &has_);                                             \
            assert_memory_equal(had_.b, has_.b, sizeof had_.b); /* pure */ \
            if (to_ == 0 || steps_ > STEPS_MAX)                            \
                break;                                                     \
            enter(who, to_);                                               \
            at = to_;                                                      \
        }                                                                  \
        if (to_ != 0)                                                      \
            fail_msg("%s: case %u doesn't rest", #next, what);             \
    } while (0)

static void clause_13_31_port_receive(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    for (unsigned of = 0; of < 2 * 16; of++) {
        unsigned bits = of;
        port->prx = bit(&bits) ? PRX_RECEIVE : PRX_DISCARD;
        port->enabled = bit(&bits);
        port->rcvd_bpdu = bit(&bits);
        port->tree[0].rcvd_msg = bit(&bits);
        port->edge_delay_while = bit(&bits) ? MIGRATE_TIME : 0;
        bool ready = port->enabled && port->rcvd_bpdu && !port->tree[0].rcvd_msg;
        RESTS(stp_prx_next, stp_prx_enter, port->prx, port, of);
        if (ready)
            assert_true(port->tree[0].rcvd_msg);
        if (!port->enabled)
            assert_false(port->rcvd_bpdu);
    }
    stp_free(s);
}

static void clause_13_32_port_protocol_migration(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    for (unsigned of = 0; of < 3 * 3 * 32; of++) {
        static const uint8_t delays[] = {0, 1, MIGRATE_TIME};
        unsigned bits = of / 9;
        port->ppm = 1 + of % 3;
        port->mdelay_while = delays[of / 3 % 3];
        port->enabled = bit(&bits);
        port->mcheck = bit(&bits);
        port->send_rstp = bit(&bits);
        port->rcvd_rstp = bit(&bits);
        port->rcvd_stp = bit(&bits);
        RESTS(stp_ppm_next, stp_ppm_enter, port->ppm, port, of);
        if (port->ppm == PPM_SENSING) /* what was asked or heard there has had its effect */
            assert_false(port->mcheck || (port->send_rstp && port->rcvd_stp));
    }
    stp_free(s);
}

static void clause_13_33_bridge_detection(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    for (unsigned of = 0; of < 1u << 9; of++) {
        unsigned bits = of;
        port->bdm = bit(&bits) ? BDM_EDGE : BDM_NOT_EDGE;
        port->enabled = bit(&bits);
        port->cfg.edge = bit(&bits);
        port->cfg.auto_edge = bit(&bits);
        port->oper_edge = bit(&bits) && port->bdm == BDM_EDGE; /* else it is no state */
        port->send_rstp = bit(&bits);
        port->tree[0].proposing = bit(&bits);
        port->tree[0].loop_held = bit(&bits);
        port->edge_delay_while = bit(&bits);
        RESTS(stp_bdm_next, stp_bdm_enter, port->bdm, port, of);
        if (!port->enabled)
            assert_int_equal(port->oper_edge, port->cfg.edge);
    }
    stp_free(s);
}

static void clause_13_34_port_transmit(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    struct stp_tport *t = &port->tree[0];
    for (unsigned of = 0; of < 6 * 6 * 512; of++) {
        unsigned bits = of / 36;
        port->ptx = 1 + of % 6;
        t->role = of / 6 % 6;
        port->enabled = bit(&bits);
        port->cfg.bpdu_filter = bit(&bits);
        port->new_info = bit(&bits);
        port->new_info_msti = bit(&bits);
        port->send_rstp = bit(&bits);
        port->hello_when = bit(&bits);
        port->tx_count = bit(&bits) ? 6 : 0;
        t->selected = bit(&bits);
        t->updt_info = bit(&bits);
        port->send = SEND_NOTHING;
        RESTS(stp_ptx_next, stp_ptx_enter, port->ptx, port, of);
        assert_in_range(port->tx_count, 0, 6);
        bool says = port->send != SEND_NOTHING;
        if (says)
            assert_true(port->enabled && !port->cfg.bpdu_filter && t->selected && !t->updt_info);
    }
    stp_free(s);
}

static void clause_13_35_port_information(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    struct stp_tport *p = &port->tree[0];
    for (unsigned of = 0; of < 10 * 6 * 4 * 256; of++) {
        unsigned bits = of / 240;
        p->pim = 1 + of % 10;
        p->rcvd_info = of / 10 % 6;
        p->info_is = of / 60 % 4;
        if (p->info_is == INFO_DISABLED && p->pim != PIM_DISABLED)
            continue; /* is no state */
        port->enabled = bit(&bits);
        p->rcvd_msg = bit(&bits);
        p->updt_info = bit(&bits);
        p->selected = bit(&bits);
        p->rcvd_info_while = bit(&bits) ? 6 : 0;
        p->msg_priority.root = bit(&bits) ? 1 : UINT64_C(1) << 63;
        p->port_priority.root = UINT64_C(1) << 62;
        p->msg_flags = (uint8_t)((bit(&bits) ? BPDU_ROLE_DESIGNATED : BPDU_ROLE_ROOT) |
                                 (bit(&bits) ? BPDU_PROPOSAL | BPDU_AGREEMENT : 0));
        RESTS(stp_pim_next, stp_pim_enter, p->pim, p, of);
        if (!port->enabled)
            assert_true(p->info_is == INFO_DISABLED && p->pim == PIM_DISABLED && !p->rcvd_msg);
    }
    stp_free(s);
}

static void clause_13_38_port_state_transition(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    struct stp_tport *p = &port->tree[0];
    for (unsigned of = 0; of < 3 * 4; of++) {
        unsigned bits = of / 3;
        p->pst = 1 + of % 3;
        p->learning = p->pst != PST_DISCARDING;
        p->forwarding = p->pst == PST_FORWARDING;
        p->learn = bit(&bits);
        p->forward = bit(&bits);
        if (p->forward && !p->learn)
            continue; /* the role machine never asks for it */
        RESTS(stp_pst_next, stp_pst_enter, p->pst, p, of);
        assert_int_equal(p->learning, p->learn);
        assert_int_equal(p->forwarding, p->forward);
    }
    stp_free(s);
}

static void clause_13_39_topology_change(void **state)
{
    (void)state;
    struct stp *s = make();
    struct stp_port *port = s->list[0];
    struct stp_tport *p = &port->tree[0];
    for (unsigned of = 0; of < 8 * 6 * 2048; of++) {
        unsigned bits = of / 48;
        p->tcm = 1 + of % 8;
        p->role = of / 8 % 6;
        p->learn = bit(&bits);
        p->forward = bit(&bits);
        p->learning = bit(&bits);
        port->oper_edge = bit(&bits);
        port->send_rstp = bit(&bits);
        port->cfg.restricted_tcn = bit(&bits);
        p->rcvd_tc = bit(&bits);
        p->tc_prop = bit(&bits);
        port->rcvd_tcn = bit(&bits);
        port->rcvd_tc_ack = bit(&bits);
        p->tc_while = bit(&bits) ? 3 : 0;
        s->list[1]->tree[0].tc_prop = false;
        RESTS(stp_tcm_next, stp_tcm_enter, p->tcm, p, of);
        assert_true(p->tcm == TCM_INACTIVE || p->tcm == TCM_LEARNING || p->tcm == TCM_ACTIVE);
        if (port->cfg.restricted_tcn) /* TC guard: nobody hears of it from here */
            assert_false(s->list[1]->tree[0].tc_prop);
    }
    stp_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clause_13_31_port_receive),
        cmocka_unit_test(clause_13_32_port_protocol_migration),
        cmocka_unit_test(clause_13_33_bridge_detection),
        cmocka_unit_test(clause_13_34_port_transmit),
        cmocka_unit_test(clause_13_35_port_information),
        cmocka_unit_test(clause_13_38_port_state_transition),
        cmocka_unit_test(clause_13_39_topology_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
