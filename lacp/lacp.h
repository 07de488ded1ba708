/* lacp/lacp.h: one system's Link Aggregation Control Protocol (IEEE 802.1AX-2014).
 *
 * A pure engine. A *system* has *aggregators* (one for each bond) and *ports* (the links). Each has
 * a key: a port may attach to an aggregator of its key, and only together with ports that lead to
 * the same partner (the same Link Aggregation Group, 6.3). What the standard calls machines are
 * here:
 *
 *   Receive (receive.c), Periodic Transmission (periodic.c): event machines
 *   Mux (mux.c), Selection Logic (select.c), Churn Detection (churn.c): condition machines
 *   Transmit, Marker (transmit.c, marker.c): what leaves, and how often
 *
 * PDUs, link events, configuration and the time go in; actions come out of lacp_poll(). Pull, not
 * callbacks: nothing re-enters, effects that wait are bits (bounded, no allocation), and a PDU
 * is encoded when it is taken, so it says what is true then.
 *
 * Invariants:
 * - Every call leaves the machines at rest; getting there takes a bounded number of steps
 *   (settle() in lacp.c asserts it; a test enumerates the start states).
 * - lacp_poll() gives gates that close, then gates that open, then PDUs. A caller that obeys in
 * that order has stopped sending on a link before its partner is told, and listens before it says
 * so.
 * - Only ports of one LAG are attached to an aggregator, and a port to one aggregator.
 * - A port whose PDUs come from this very system (a looped cable, two of our ports wired
 *   together) is never attached: one bridge's two ends in a bond would be a loop.
 * - A passive port is silent until it is spoken to (6.4.13, 6.4.16).
 * - Hostile PDUs cost a constant amount of work, and can't make us send more than the limits say.
 *
 * Choices where the standard leaves one:
 * - A LAG that has an aggregator keeps it while one of its links is alive; it isn't taken
 *   away by a better one. When it dies, or was only the fallback below, the LAG with most links
 * wins.
 * - Fallback: with `individual`, a port without a partner (Defaulted) is used on its own, one at a
 *   time, until somebody speaks LACP. Without it such a port carries nothing.
 * - Links of different speeds don't share an aggregator.
 * - With `max_links`, the system with the better identifier chooses, by port priority; among equals
 *   links that carry go on, then the number counts. The others are STANDBY.
 *
 * Thread: whoever calls; one at a time. Memory is taken in lacp_create() and in no other place.
 */
#ifndef WEFT_LACP_LACP_H
#define WEFT_LACP_LACP_H

#include "base/errbuf.h"
#include "base/types.h"

enum {
    LACP_PORTS_MAX = 256, /* of a system */
    LACP_AGGS_MAX = 64,
    LACP_PDU_LEN = 110, /* LACPDUs and Marker PDUs, from the subtype on (6.4.2, 6.5.3) */
    LACP_ETHERTYPE = 0x8809,
    LACP_NONE = 0xffff, /* no aggregator */
};

#define LACP_FAST_NS      (1 * NSEC_PER_SEC)  /* Fast_Periodic_Time, 6.4.4 */
#define LACP_SLOW_NS      (30 * NSEC_PER_SEC) /* Slow_Periodic_Time */
#define LACP_SHORT_NS     (3 * NSEC_PER_SEC)  /* Short_Timeout_Time */
#define LACP_LONG_NS      (90 * NSEC_PER_SEC) /* Long_Timeout_Time */
#define LACP_CHURN_NS     (60 * NSEC_PER_SEC) /* Churn_Detection_Time */
#define LACP_AGGREGATE_NS (2 * NSEC_PER_SEC)  /* Aggregate_Wait_Time */
#define LACP_MARKER_NS    (3 * NSEC_PER_SEC)  /* how long a marker's answer is waited for */
#define LACP_SLOW_PDU_ADDR                     \
    {                                          \
        {                                      \
            0x01, 0x80, 0xc2, 0x00, 0x00, 0x02 \
        }                                      \
    } /* Slow_Protocols_Multicast */

/* Actor_State and Partner_State, 6.4.2.3. */
enum lacp_state {
    LACP_ACTIVITY = 1 << 0, /* active */
    LACP_TIMEOUT = 1 << 1,  /* short */
    LACP_AGGREGATION = 1 << 2,
    LACP_SYNC = 1 << 3,
    LACP_COLLECTING = 1 << 4,
    LACP_DISTRIBUTING = 1 << 5,
    LACP_DEFAULTED = 1 << 6,
    LACP_EXPIRED = 1 << 7,
};

/* What one end says of itself: the fields of an Actor or Partner TLV. */
struct lacp_info {
    uint16_t system_priority;
    struct mac system;
    uint16_t key;
    uint16_t port_priority;
    uint16_t port; /* number; 0: none */
    uint8_t state; /* enum lacp_state */
};

/* ---- configuration ---- */

struct lacp_config {
    struct mac system;
    uint16_t system_priority; /* the lower the better; 32768 by custom */
    uint16_t ports, aggs;     /* how many there may be: indices 0..n-1 */
};

struct lacp_agg_config {
    uint16_t key;       /* 1..65535 */
    uint16_t max_links; /* 0: no limit */
    bool individual;    /* a port without a partner may be used on its own */
    nsec_t wait_ns;     /* Aggregate_Wait_Time; <= 0: the standard's 2 s */
};

struct lacp_port_config {
    uint16_t number; /* 1..65535, different from the other ports' */
    uint16_t priority;
    uint16_t key;
    bool active;  /* LACP_Activity; false: passive */
    bool fast;    /* LACP_Timeout short: the partner sends every second */
    bool coupled; /* Mux figure 6-22 in place of 6-21: hardware that can't collect alone */
    bool alone;   /* not aggregatable: always individual */
};

struct lacp_link {
    bool up;
    bool full_duplex;
    uint32_t speed_mbps; /* 0: unknown */
};

/* ---- the engine ---- */

struct lacp;

int lacp_create(const struct lacp_config *c, nsec_t now, struct lacp **out, struct errbuf *e);
void lacp_free(struct lacp *l);

/* Adds or changes an aggregator. Its ports let go of it when its key is another. */
int lacp_agg_set(struct lacp *l, unsigned agg, const struct lacp_agg_config *c, nsec_t now,
                 struct errbuf *e);
/* Its ports let go first: poll before you free what a gate stood for. */
void lacp_agg_del(struct lacp *l, unsigned agg, nsec_t now);
/* Adds (without a link yet) or changes a port. */
int lacp_port_set(struct lacp *l, unsigned port, const struct lacp_port_config *c, nsec_t now,
                  struct errbuf *e);
/* Gone at once; if its gate was open, one last action closes it. */
void lacp_port_del(struct lacp *l, unsigned port, nsec_t now);

/* A Slow Protocols PDU from its subtype on (what follows the type 0x8809). 0, or -ENOENT: no such
 * port or it is down; -EPROTO: malformed; -EOPNOTSUPP: another subtype (OAM, ESMC). */
int lacp_rx(struct lacp *l, unsigned port, const void *pdu, size_t len, nsec_t now);
void lacp_link(struct lacp *l, unsigned port, const struct lacp_link *link, nsec_t now);
void lacp_tick(struct lacp *l, nsec_t now);
nsec_t lacp_deadline(const struct lacp *l); /* when lacp_tick() is next due */
/* Sends a Marker (6.5); the answer, or its absence, is an event. -ENOENT, or -EBUSY: one is out. */
int lacp_marker(struct lacp *l, unsigned port, nsec_t now);

enum lacp_action_kind {
    LACP_ACT_GATE,  /* port: collecting, distributing, on behalf of agg */
    LACP_ACT_SEND,  /* pdu: to LACP_SLOW_PDU_ADDR out of port */
    LACP_ACT_EVENT, /* something that a person or a log may want */
};

enum lacp_event {
    LACP_EV_CURRENT,   /* the partner speaks */
    LACP_EV_EXPIRED,   /* it fell silent */
    LACP_EV_DEFAULTED, /* and stayed so */
    LACP_EV_PARTNER,   /* it is another one, or has another key or number */
    LACP_EV_ATTACHED,  /* to agg */
    LACP_EV_DETACHED,
    LACP_EV_LOOPED,        /* it hears this system */
    LACP_EV_ACTOR_CHURN,   /* we didn't get in sync for a minute */
    LACP_EV_PARTNER_CHURN, /* it didn't */
    LACP_EV_MARKER,        /* was answered */
    LACP_EV_MARKER_LOST,   /* was not */
    LACP_EVENTS,
};

struct lacp_action {
    enum lacp_action_kind kind;
    unsigned port;
    unsigned agg; /* GATE, EVENT; LACP_NONE: none */
    bool collecting, distributing;
    enum lacp_event event;
    uint8_t pdu[LACP_PDU_LEN];
};

/* The next action, or false when none is left. */
bool lacp_poll(struct lacp *l, struct lacp_action *a);

/* ---- looking at it ---- */

enum lacp_rx_state {
    LACP_RX_INITIALIZE,
    LACP_RX_PORT_DISABLED,
    LACP_RX_EXPIRED,
    LACP_RX_DEFAULTED,
    LACP_RX_CURRENT,
    LACP_RX_STATES,
};

enum lacp_periodic_state { LACP_NO_PERIODIC, LACP_FAST_PERIODIC, LACP_SLOW_PERIODIC };

enum lacp_selected { LACP_UNSELECTED, LACP_STANDBY, LACP_SELECTED };

enum lacp_mux_state {
    LACP_MUX_DETACHED,
    LACP_MUX_WAITING,
    LACP_MUX_ATTACHED,
    LACP_MUX_COLLECTING,
    LACP_MUX_DISTRIBUTING,
    LACP_MUX_COLLECTING_DISTRIBUTING, /* coupled control only */
    LACP_MUX_STATES,
};

/* Why a port isn't bundled, the first reason that holds. */
enum lacp_why {
    LACP_WHY_BUNDLED, /* it is */
    LACP_WHY_LINK,
    LACP_WHY_LOOPED,
    LACP_WHY_SAME_SYSTEM,
    LACP_WHY_NO_PARTNER,
    LACP_WHY_EXPIRED,
    LACP_WHY_KEY,          /* no aggregator has its key */
    LACP_WHY_OTHER_LAG,    /* the aggregator serves another partner, key or speed */
    LACP_WHY_INDIVIDUAL,   /* half duplex, or either end says: not aggregatable */
    LACP_WHY_STANDBY,      /* max_links */
    LACP_WHY_WAITING,      /* Aggregate_Wait_Time */
    LACP_WHY_PARTNER_SYNC, /* we are in sync, the partner isn't */
    LACP_WHY_ONE_WAY,      /* the partner doesn't hear us: what it tells of us isn't true */
    LACP_WHY_PARTNER_COLLECTING,
    LACP_WHYS,
};

struct lacp_port_stats {
    uint64_t rx_lacpdu, rx_marker, rx_marker_response, rx_bad, rx_unknown;
    uint64_t tx_lacpdu, tx_marker, tx_marker_response;
    uint64_t marker_dropped; /* more of them at once than we answer */
    uint64_t actor_churns, partner_churns;
    uint64_t actor_syncs,
        partner_syncs; /* times it got in sync (aAggPortActorSyncTransitionCount) */
    uint64_t partner_changes;
    uint64_t flaps; /* times distributing ended */
};

struct lacp_port_status {
    struct lacp_port_config config;
    struct lacp_link link;
    struct lacp_info actor, partner;
    uint16_t partner_max_delay; /* Collector_Max_Delay, tens of us */
    uint8_t partner_version;
    enum lacp_rx_state rx;
    enum lacp_periodic_state periodic;
    enum lacp_selected selected;
    enum lacp_mux_state mux;
    enum lacp_why why;
    bool actor_churn, partner_churn;
    unsigned agg;            /* LACP_NONE: none */
    nsec_t last_rx, last_tx; /* NSEC_NEVER: never */
    nsec_t last_change;      /* of the mux */
    struct lacp_port_stats stats;
};

struct lacp_agg_status {
    struct lacp_agg_config config;
    struct lacp_info partner; /* of the LAG it serves; port zeros if aggregated */
    bool serving;             /* a LAG has it */
    bool individual;
    unsigned attached, collecting, distributing;
    uint32_t speed_mbps; /* sum of those distributing */
};

bool lacp_port_status(const struct lacp *l, unsigned port, struct lacp_port_status *out);
bool lacp_agg_status(const struct lacp *l, unsigned agg, struct lacp_agg_status *out);

const char *lacp_rx_name(enum lacp_rx_state s);
const char *lacp_periodic_name(enum lacp_periodic_state s);
const char *lacp_mux_name(enum lacp_mux_state s);
const char *lacp_selected_name(enum lacp_selected s);
const char *lacp_why_text(enum lacp_why w);
const char *lacp_event_text(enum lacp_event e);
/* "active,fast,aggregatable,in-sync,collecting,distributing" as far as it fits; returns buf. */
const char *lacp_state_text(uint8_t state, char *buf, size_t len);

/* For tests: no transition of any machine is enabled. */
bool lacp_at_rest(const struct lacp *l);

#endif
