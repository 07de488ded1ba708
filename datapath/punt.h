/* datapath/punt.h: from workers to the slower threads.
 *
 * One bounded ring per class and switch (many producers, one consumer), each
 * class with its own policer, so that a flood of one never starves another.
 * A ring that is full, or a policer that says no, is a named drop. The consumer may sleep:
 * a worker that put something in while it slept writes its eventfd once per loop.
 *
 * Classes and their consumers: PUNT_LEARN -> protocol thread (struct
 * learn_event, no mbuf); PUNT_PACKET_IN -> control (the mbuf itself; see the
 * punt fields of struct pkt; its in_port and bridge may have gone by then: see bridge_alive(), and
 * use key.in_port); PUNT_PROTO, PUNT_NEIGH, PUNT_ROUTER (router.h has the notes of the last two),
 * PUNT_UNDERLAY -> protocol thread.
 */
#ifndef WEFT_DATAPATH_PUNT_H
#define WEFT_DATAPATH_PUNT_H

#include <rte_mbuf.h>
#include <stdatomic.h>

#include "base/types.h"

enum punt_class {
    PUNT_LEARN,
    PUNT_PACKET_IN,
    PUNT_PROTO,
    PUNT_NEIGH,
    PUNT_ROUTER,
    PUNT_UNDERLAY, /* of VTEPs: tunnel.h has the notes */
    PUNT_OUT,      /* the other way: frames of control's for a worker to send (underlay_out()) */
    PUNT_CLASSES
};

/* OFPR_*, as in packet-in messages. */
enum punt_reason { PUNT_NO_MATCH = 0, PUNT_ACTION = 1, PUNT_INVALID_TTL = 2 };
enum { PUNT_ACTIVATED = 64 }; /* PUNT_PROTO: it opened a port that was held (gate.h) */

struct learn_event {
    uint16_t bridge; /* index */
    uint16_t port;   /* index */
    uint16_t vlan;
    struct mac mac;
    uint16_t endpoint; /* behind a tunnel port; 0: none */
    uint32_t port_gen; /* the port's generation: a recycled index is not mistaken */
};

struct punt;

/* Rings hold `depth` entries (a power of two); rates in packets per second, 0: no limit. */
struct punt *punt_create(unsigned depth, const uint32_t rate_pps[PUNT_CLASSES]);
void punt_free(struct punt *q); /* frees mbufs still inside */

/* Workers. Packets: takes the mbuf on true; on false the caller drops it, *why says how. */
bool punt_packet(struct punt *q, enum punt_class c, struct rte_mbuf *m, nsec_t now, int *why);
bool punt_learn(struct punt *q, const struct learn_event *e, nsec_t now);
/* Once a loop, after the tx flush: wakes consumers that sleep and have something. */
void punt_wake(struct punt *q);

/* Consumers. */
unsigned punt_take(struct punt *q, enum punt_class c, struct rte_mbuf **m, unsigned max);
unsigned punt_take_learn(struct punt *q, struct learn_event *e, unsigned max);
/* eventfd to poll; never read it yourself. Call punt_arm before sleeping: it
 * empties the eventfd and asks for the bell; true means the ring is not empty, don't sleep.
 * A new punt is armed. So a consumer's turn: `do take until 0; while (punt_arm())`. */
int punt_fd(struct punt *q, enum punt_class c);
bool punt_arm(struct punt *q, enum punt_class c);
unsigned punt_depth(const struct punt *q, enum punt_class c);

#endif
