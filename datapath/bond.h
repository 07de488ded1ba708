/* datapath/bond.h: several links as one port.
 *
 * A bond is a port of the kind "bond": bridges, OpenFlow and tunnels see it as any other. Its
 * members are ports that belong to no bridge. Out: the bond's tx_burst picks a member for each
 * frame by a hash, and puts it into that one's queue; who has no bond pays nothing. In: a worker
 * that polls a member goes on as if the frames had come in at the bond; that is one load per burst
 * for the others.
 *
 * What moves is read by workers from a few atomics, the *gate*: tx_mask and rx_mask say which
 * members send and receive, bucket[] which member a flow belongs to. Failover is one store (of
 * tx_mask). A flow whose member is not in tx_mask is sent to another one, which depends on its
 * bucket only; the buckets are then rewritten to just that, and flows of the other members don't
 * move at all. A member that comes takes its share of buckets, and nothing else moves. Only with
 * `rebalance` do flows move while nothing comes or goes: a few buckets at a time, from the member
 * that sends most to the one that sends least.
 *
 * Who decides: mode lacp obeys bond_set_gate() (the LACP engine's GATE actions, by control's glue);
 * active-backup and balance-xor look at the carrier. bond_run() turns wishes, carrier and delays
 * into masks: the protocol thread's, in stepped mode switch_step()'s.
 *
 * LACPDUs and Marker PDUs (to 01-80-C2-00-00-02, type 0x8809) that come in at a member of a bond in
 * mode lacp are PUNT_PROTO, whatever the gates say; pkt.in_port is the member then. It may have
 * gone by the time one looks: compare it, don't follow it (bond_member_index).
 *
 * Threads: control makes, changes, frees; the protocol thread runs; both under
 * weft_switch.bond_lock. Workers read without locks; a member is let go only after a grace period.
 */
#ifndef WEFT_DATAPATH_BOND_H
#define WEFT_DATAPATH_BOND_H

#include "datapath/pipeline.h"

enum {
    BOND_MEMBERS_MAX = 16,
    BOND_BUCKETS = 256,
    BOND_MOVES_MAX = 16, /* buckets that one rebalancing moves */
    BOND_ECHOES = 1024,  /* flooded frames that are remembered */
    BOND_UNEVEN = 16,    /* members differ by less than one 16th of the load: let be */
};

#define BOND_ECHO_NS NSEC_PER_SEC /* for how long: bond_echo.c */

enum bond_mode { BOND_LACP, BOND_ACTIVE_BACKUP, BOND_BALANCE_XOR };
enum bond_hash { BOND_HASH_L2, BOND_HASH_L23, BOND_HASH_L34 };

/* What the LACP engine is told; the datapath doesn't look at it. */
struct bond_lacp {
    bool passive, slow, fallback;
    uint16_t key;       /* 0: one of its own */
    uint16_t priority;  /* of its ports */
    uint16_t max_links; /* 0: no limit */
};

struct bond_config {
    enum bond_mode mode;
    enum bond_hash hash; /* of tunnelled frames: their inner headers */
    bool symmetric;      /* both directions of a flow have one hash */
    uint16_t min_links;  /* fewer: the bond is down */
    int primary;         /* active-backup: the member to prefer; -1: none */
    struct bond_lacp lacp;
    nsec_t up_delay, down_delay; /* how long a carrier must be there, or gone */
    nsec_t rebalance;            /* even out what members send so often; 0: never */
};

/* A member as the protocol side knows it. */
struct bond_member {
    struct port *port; /* NULL: free */
    bool carrier;      /* after the delays */
    nsec_t change_at;  /* when `carrier` will follow the device's; NSEC_NEVER: it does */
    bool collecting, distributing; /* mode lacp: the engine's word */
    uint64_t flaps;                /* times it left tx_mask */
    nsec_t since;                  /* of its place in tx_mask, or out of it */
};

struct bond {
    struct port *port; /* the bond itself */
    struct bond_config config;
    struct bond_member member[BOND_MEMBERS_MAX];
    int active; /* active-backup: who; -1: nobody */
    uint64_t failovers;
    uint64_t moves;      /* buckets that rebalancing moved */
    nsec_t rebalance_at; /* next; NSEC_NEVER: it doesn't */
    uint64_t load_was[BOND_BUCKETS];
    struct bond_announce *announce; /* bond_announce.c */
    uint64_t announced;             /* stations named */

    /* For workers. */
    _Atomic uint32_t tx_mask __rte_cache_aligned;
    _Atomic uint32_t rx_mask;
    _Atomic uint8_t hash, symmetric, mode;
    _Atomic bool weighs; /* rebalance is on: count bytes */
    _Atomic uint64_t echo[BOND_ECHOES];
    uint64_t (*load)[BOND_BUCKETS]; /* [worker], each by its worker: bytes sent */
    struct port *_Atomic to[BOND_MEMBERS_MAX];
    _Atomic uint8_t bucket[BOND_BUCKETS];
};

/* Makes p (of the kind "bond") be c over these members, in this order; what is the same stays as it
 * is. A member must be in no bridge and no other bond. Control. 0 or -errno with a message. */
int bond_set(struct port *p, const struct bond_config *c, struct port *const *members, unsigned n,
             struct errbuf *e);
/* Lets go of members that aren't among these names. Control. */
void bond_keep(struct port *p, char *const *names, unsigned n);
/* Takes a port out of its bond, if it is in one. Control. */
void bond_leave(struct port *member);

/* ---- protocol side; under weft_switch.bond_lock ---- */

/* Mode lacp: what the engine says of a member. Visible to workers at once. */
void bond_set_gate(struct bond *b, unsigned member, bool collecting, bool distributing, nsec_t now);
/* Looks at carriers and delays, and publishes. Returns when to come again. */
nsec_t bond_run(struct bond *b, nsec_t now);
/* All bonds of the switch: takes the lock, asks the devices for their links if `links`. Returns
 * when to come again: NSEC_NEVER when there is none. */
nsec_t bonds_run(struct weft_switch *sw, bool links, nsec_t now);
/* Asks the devices of all members for their links, without bond_lock (a device may take long), and
 * stores them. True: one has changed. *any: there is a bond. One thread at a time. */
bool bonds_ask_links(struct weft_switch *sw, bool *any);
/* Which member it is, or -1. */
int bond_member_index(const struct bond *b, const struct port *member);

/* Our stations are named upstream, when one member begins to carry alone (bond_announce.c).
 * bond_run() does it; returns when to come again. */
struct bond_announce *bond_announce_create(void);
void bond_announce_free(struct bond_announce *a);
void bond_announce_begin(struct bond_announce *a, nsec_t now);
nsec_t bond_announce_run(struct bond_announce *a, struct port *p, nsec_t now, uint64_t *named);

/* ---- pure ---- */

/* The members that may send were `was`, and are `mask` (0: nothing happens). Buckets of those that
 * left go where bond_pick() sends them, no other bucket but to a newcomer. */
void bond_spread(uint8_t bucket[BOND_BUCKETS], uint32_t was, uint32_t mask);
/* Where a bucket goes whose member isn't in mask (not 0). */
unsigned bond_pick(unsigned bucket, uint32_t mask);
/* Moves up to BOND_MOVES_MAX buckets from who has most of the load to who has least, as long as
 * both get more even. Returns how many. */
unsigned bond_rebalance(uint8_t bucket[BOND_BUCKETS], uint32_t mask,
                        const uint64_t load[BOND_BUCKETS]);
/* What a frame's flow hashes to (bond_hash.h). Needs no parse. */
uint32_t bond_hash_of(const struct rte_mbuf *m, enum bond_hash how, bool symmetric);

/* ---- workers ---- */

/* What came in at member p: takes out PDUs and what the gate doesn't let in. Returns the port that
 * the rest came in at. */
struct port *bond_rx(struct worker *w, struct port *p, struct burst *b);
/* What worker_tx() and worker_tx_burst() do with frames for a bond (p); takes them. */
void bond_send(struct worker *w, struct port *p, struct rte_mbuf **m, uint16_t n);

/* The bond p sends m, which is flooded; and is m, whose source isn't known to live behind p, one of
 * those, come back? Any number of workers. */
void bond_flooded(struct port *p, const struct rte_mbuf *m, nsec_t now);
bool bond_is_echo(struct port *p, const struct rte_mbuf *m, nsec_t now);

const char *bond_mode_name(enum bond_mode m);
const char *bond_hash_name(enum bond_hash h);

#endif
