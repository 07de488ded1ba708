/* datapath/gate.h: a port's spanning tree states, as workers see them.
 *
 * One state per (port, tree); tree 0 carries every VLAN that the bridge gives to no other. The
 * protocol thread stores, workers read: closing a port is one store, and holds for every frame that
 * is looked at after it, both in (admit) and out (tx). A port without spanning tree and
 * without port security (guard.h) has `on` zero, and costs that one look.
 *
 * With GATE_TRAP, BPDUs (01-80-C2-00-00-00, LLC 42-42-03) go to control by PUNT_PROTO, whatever the
 * state; each port has a policer of its own there, so that one neighbour's flood silences no other.
 * IEEE 802.1Q-2018 8.4, 8.6.1; BPDUs: 8.13.5.
 */
#ifndef WEFT_DATAPATH_GATE_H
#define WEFT_DATAPATH_GATE_H

#include <stdatomic.h>

#include "base/types.h"

struct bridge;
struct burst;
struct port;
struct rte_mbuf;
struct weft_switch;
struct worker;

enum gate_state { GATE_DISCARDING, GATE_LEARNING, GATE_FORWARDING };
enum gate_on {
    GATE_TRAP = 1,
    GATE_SHUT = 2,  /* some tree isn't forwarding */
    GATE_GUARD = 4, /* port security: guard.h */
    GATE_HELD = 8,  /* nothing in or out: its VM is still on another host */
    GATE_OPENS = 16 /* with HELD: the first frame that the guest sends opens it */
};
enum { GATE_TREES = 65, GATE_WORDS = 2, GATE_BPDUS_PER_S = 200, GATE_BPDU_BURST = 100 };

struct port_gates {
    _Atomic uint8_t on; /* enum gate_on */
    _Atomic uint64_t shut[GATE_WORDS],
        deaf[GATE_WORDS]; /* per tree: not forwarding; not learning */
    nsec_t bpdus_full_at; /* policer; the worker that polls the port */
};

/* Which tree carries which VLAN; a bridge without one has all in tree 0. */
struct gate_map {
    uint8_t tree[4096];
};

/* Protocol thread or control, one at a time per port: trees 0..trees-1 discarding, BPDUs trapped;
 * and none of it. */
void gate_enable(struct port *p, unsigned trees);
void gate_disable(struct port *p);
void gate_set(struct port *p, unsigned tree, enum gate_state s);
enum gate_state gate_get(const struct port *p, unsigned tree);
/* A port that is held (a VM's, before it has come) lets nothing in or out. opens: the worker that
 * sees the guest's first frame lets it in, and from then on everything; a copy goes to PUNT_PROTO
 * with the reason PUNT_ACTIVATED. Any thread. */
void gate_hold(struct port *p, bool opens);
/* True: it was held until now. */
bool gate_release(struct port *p);
bool gate_is_held(const struct port *p);
/* Publishes a copy of tree[VLAN]; NULL: all in tree 0. 0 or -ENOMEM. Control. */
int gate_set_map(struct bridge *b, const uint8_t tree[4096]);

/* Workers. admit: leaves the frames that may come in. */
void gate_admit(struct worker *w, struct port *p, struct burst *b);
/* tx: may m, tagged as it leaves, go out of p? */
bool gate_may_send(const struct port *p, const struct rte_mbuf *m);

#endif
