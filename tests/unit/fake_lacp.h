/* tests/unit/fake_lacp.h: LACP engines wired together on a virtual clock. For unit tests and the
 * simulator. A wire has two directions, each of which may be dead; a link is up at both ends
 * while the wire is `up`, whatever its directions do. */
#ifndef WEFT_TESTS_UNIT_FAKE_LACP_H
#define WEFT_TESTS_UNIT_FAKE_LACP_H

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/prng.h"
#include "lacp/lacp.h"

enum { LAN_SYSTEMS = 4, LAN_WIRES = 8 };

struct lan_wire {
    unsigned sys[2], port[2];
    bool up;
    bool dead[2]; /* [0]: what sys[0] sends is lost */
};

struct lan_gate {
    bool collecting, distributing;
    unsigned agg;
    nsec_t since;
    unsigned changes;
};

struct lacp_lan {
    nsec_t now;
    struct prng rng;
    unsigned loss; /* percent */
    unsigned n_systems, n_wires;
    struct lacp *sys[LAN_SYSTEMS];
    struct lan_wire wire[LAN_WIRES];
    struct lan_gate gate[LAN_SYSTEMS][LAN_WIRES];
    unsigned sent[LAN_SYSTEMS][LAN_WIRES];
    unsigned events[LAN_SYSTEMS][LACP_EVENTS];
    uint8_t last_pdu[LAN_SYSTEMS][LAN_WIRES][LACP_PDU_LEN];
};

static inline struct mac lan_mac(unsigned sys)
{
    return mac_from_u64(UINT64_C(0x020000000000) + sys + 1);
}

/* System i with one aggregator of key 1; its ports begin absent. */
static inline void lan_system(struct lacp_lan *n, unsigned i, const struct lacp_agg_config *agg)
{
    struct lacp_config c = {lan_mac(i), 32768, LAN_WIRES, 2};
    struct lacp_agg_config one = {.key = 1};
    lacp_free(n->sys[i]);
    weft_assert(lacp_create(&c, n->now, &n->sys[i], NULL) == 0);
    weft_assert(lacp_agg_set(n->sys[i], 0, agg != NULL ? agg : &one, n->now, NULL) == 0);
    memset(n->gate[i], 0, sizeof n->gate[i]);
    n->n_systems = i >= n->n_systems ? i + 1 : n->n_systems;
}

static inline struct lacp_port_config lan_port(unsigned port)
{
    return (struct lacp_port_config){.number = (uint16_t)(port + 1),
                                     .priority = 32768,
                                     .key = 1,
                                     .active = true,
                                     .fast = true};
}

static inline void lan_links(struct lacp_lan *n, const struct lan_wire *w)
{
    struct lacp_link link = {.up = w->up, .full_duplex = true, .speed_mbps = 10000};
    lacp_link(n->sys[w->sys[0]], w->port[0], &link, n->now);
    lacp_link(n->sys[w->sys[1]], w->port[1], &link, n->now);
}

static inline unsigned lan_wire(struct lacp_lan *n, unsigned a, unsigned ap, unsigned b,
                                unsigned bp, bool up)
{
    unsigned i = n->n_wires++;
    n->wire[i] = (struct lan_wire){{a, b}, {ap, bp}, up, {false, false}};
    lan_links(n, &n->wire[i]);
    return i;
}

static inline void lan_set_up(struct lacp_lan *n, unsigned wire, bool up)
{
    n->wire[wire].up = up;
    lan_links(n, &n->wire[wire]);
}

static inline void lan_deliver(struct lacp_lan *n, unsigned sys, const struct lacp_action *a)
{
    for (unsigned i = 0; i < n->n_wires; i++) {
        const struct lan_wire *w = &n->wire[i];
        for (int end = 0; end < 2; end++) {
            bool lost = prng_below(&n->rng, 100) < n->loss;
            if (w->sys[end] == sys && w->port[end] == a->port && w->up && !w->dead[end] && !lost)
                (void)lacp_rx(n->sys[w->sys[!end]], w->port[!end], a->pdu, sizeof a->pdu, n->now);
        }
    }
}

static inline void lan_act(struct lacp_lan *n, unsigned sys, const struct lacp_action *a)
{
    struct lan_gate *g = &n->gate[sys][a->port];
    switch (a->kind) {
    case LACP_ACT_GATE:
        *g = (struct lan_gate){a->collecting, a->distributing, a->agg, n->now, g->changes + 1};
        return;
    case LACP_ACT_SEND:
        n->sent[sys][a->port]++;
        memcpy(n->last_pdu[sys][a->port], a->pdu, sizeof a->pdu);
        lan_deliver(n, sys, a);
        return;
    default:
        n->events[sys][a->event]++;
    }
}

static inline bool lan_pump(struct lacp_lan *n)
{
    struct lacp_action a;
    bool any = false;
    for (unsigned s = 0; s < n->n_systems; s++) {
        while (n->sys[s] != NULL && lacp_poll(n->sys[s], &a)) {
            lan_act(n, s, &a);
            any = true;
        }
    }
    return any;
}

static inline nsec_t lan_deadline(const struct lacp_lan *n)
{
    nsec_t due = NSEC_NEVER;
    for (unsigned s = 0; s < n->n_systems; s++) {
        nsec_t d = n->sys[s] != NULL ? lacp_deadline(n->sys[s]) : NSEC_NEVER;
        due = d < due ? d : due;
    }
    return due;
}

/* Lets time pass, event by event. */
static inline void lan_run(struct lacp_lan *n, nsec_t for_ns)
{
    nsec_t until = n->now + for_ns;
    for (;;) {
        unsigned turns = 0;
        while (lan_pump(n))
            weft_assert(++turns < 1000); /* the transmit limit bounds any exchange */
        nsec_t due = lan_deadline(n);
        weft_assert(due > n->now); /* a deadline that a tick doesn't move would spin */
        if (due > until)
            break;
        n->now = due;
        for (unsigned s = 0; s < n->n_systems; s++)
            if (n->sys[s] != NULL && lacp_deadline(n->sys[s]) <= n->now)
                lacp_tick(n->sys[s], n->now);
    }
    n->now = until;
}

static inline struct lacp_port_status lan_status(const struct lacp_lan *n, unsigned s, unsigned p)
{
    struct lacp_port_status st;
    weft_assert(lacp_port_status(n->sys[s], p, &st));
    return st;
}

static inline bool lan_open(const struct lacp_lan *n, unsigned s, unsigned p)
{
    return n->gate[s][p].collecting && n->gate[s][p].distributing;
}

/* Two systems with `links` parallel links, ports 0.. of each; not yet run. */
static inline void lan_pair(struct lacp_lan *n, unsigned links)
{
    *n = (struct lacp_lan){.now = NSEC_PER_SEC, .rng = {1}};
    lan_system(n, 0, NULL);
    lan_system(n, 1, NULL);
    for (unsigned i = 0; i < links; i++) {
        struct lacp_port_config c = lan_port(i);
        weft_assert(lacp_port_set(n->sys[0], i, &c, n->now, NULL) == 0);
        weft_assert(lacp_port_set(n->sys[1], i, &c, n->now, NULL) == 0);
        lan_wire(n, 0, i, 1, i, true);
    }
}

static inline void lan_free(struct lacp_lan *n)
{
    for (unsigned s = 0; s < n->n_systems; s++)
        lacp_free(n->sys[s]);
}

#endif
