/* stp/stp.h: one bridge's spanning tree protocols: STP, RSTP and MSTP.
 *
 * A pure engine of IEEE 802.1Q-2018 clause 13. There is one set of state machines, MSTP's; RSTP is
 * MSTP whose bridge is alone in its region and has no instance but the CIST, and STP is RSTP that
 * was told never to hurry. Ports fall back to STP each on its own when an old bridge is heard
 * (13.32).
 *
 * Bytes, link events, the clock and the configuration go in; actions come out of stp_poll(). Pull,
 * not callbacks: nothing re-enters, effects that wait are bits (bounded, no allocation), and a BPDU
 * is encoded when it is taken, so it says what is true then.
 *
 * Invariants:
 * - Every call leaves the machines at rest: no transition of any figure is enabled. It takes a
 *   bounded number of steps; a test walks all start states of the role machine to show it.
 * - stp_poll() gives closings before openings, and both before BPDUs. A caller that obeys in that
 * order never says "agreed" while a port that had to be closed for it still forwards.
 * - A port that isn't in the engine, has no link or is err-disabled is discarding in every tree.
 * - Hostile BPDUs change priorities at most as the standard lets them; they can't make a call long
 * or a timer endless (times are held to the ranges of table 13-5).
 *
 * Time is counted in the standard's whole seconds, from the creation. A caller that slept too long
 * gets one tick, not all that it missed: what neighbours said meanwhile is still in its queue.
 *
 * Thread: whoever calls; one at a time.
 */
#ifndef WEFT_STP_STP_H
#define WEFT_STP_STP_H

#include "base/errbuf.h"
#include "base/types.h"

enum {
    STP_PORTS_MAX = 4095, /* port numbers 1..4095: 12 bits of a port identifier (13.27.46) */
    STP_MSTIS_MAX = 64,   /* 13.8, and what a BPDU can carry (14.4) */
    STP_PDU_MAX = 102 + 16 * STP_MSTIS_MAX,
    STP_REGION_MAX = 32, /* bytes of a region's name (13.8) */
    STP_CIST = 0,        /* the CIST's MSTID */
};

enum stp_version { STP_VERSION_STP = 0, STP_VERSION_RSTP = 2, STP_VERSION_MSTP = 3 };

enum stp_state { STP_DISCARDING, STP_LEARNING, STP_FORWARDING };

enum stp_role {
    STP_ROLE_DISABLED,
    STP_ROLE_ROOT,
    STP_ROLE_DESIGNATED,
    STP_ROLE_ALTERNATE,
    STP_ROLE_BACKUP,
    STP_ROLE_MASTER, /* of an MSTI, at the region's way to the CIST root */
};

/* ---- configuration ---- */

struct stp_msti_config {
    uint16_t id;       /* MSTID 1..4094 */
    uint16_t priority; /* 0..61440 in steps of 4096 */
};

struct stp_config {
    struct mac mac; /* the bridge's address */
    enum stp_version version;
    uint16_t priority; /* CIST; 0..61440 in steps of 4096 */
    uint8_t hello_s, max_age_s,
        forward_delay_s;             /* 1..2, 6..40, 4..30; 2*(fd-1) >= max age >= 2*(hello+1) */
    uint8_t max_hops;                /* 6..40 */
    uint8_t tx_hold;                 /* BPDUs of a port in a second: 1..10 */
    bool short_costs;                /* 802.1D-1998's 16-bit path costs */
    uint32_t recovery_s;             /* err-disabled ports come back after; 0: never */
    char region[STP_REGION_MAX + 1]; /* MSTP: name and revision of the region */
    uint16_t revision;
    unsigned n_mstis;
    struct stp_msti_config msti[STP_MSTIS_MAX];
    uint16_t vlan_msti[4096]; /* MSTID of each VID, 0: CIST; [0] and [4095] stay 0 */
};

enum stp_p2p { STP_P2P_AUTO, STP_P2P_YES, STP_P2P_NO };

struct stp_tree_config {
    uint8_t priority; /* 0..240 in steps of 16 */
    uint32_t cost;    /* 1..200000000; 0: by speed */
};

struct stp_port_config {
    struct stp_tree_config cist; /* its cost is the external one, and the CIST's internal one */
    struct stp_tree_config msti[STP_MSTIS_MAX]; /* in the order of stp_config.msti */
    bool edge;                                  /* AdminEdge: a host is there; forwards at once */
    bool auto_edge;                             /* AutoEdge: silence for 3 s means a host */
    enum stp_p2p p2p;
    bool bpdu_guard;      /* a BPDU disables it */
    bool bpdu_filter;     /* sends none, hears none: no protection from loops */
    bool restricted_role; /* root guard (13.27.64) */
    bool restricted_tcn;  /* TC guard (13.27.65) */
    bool loop_guard;      /* silence of a better bridge keeps it closed */
    bool network;         /* bridge assurance: silence of any bridge keeps it closed */
};

struct stp_link {
    bool up;
    bool full_duplex;    /* p2p auto: a link of two */
    uint32_t speed_mbps; /* 0: unknown, taken as 10000 */
};

/* Sensible defaults: RSTP, 32768, 2/20/15 s, 20 hops, hold 6; port: 128, auto edge, auto p2p. */
void stp_config_default(struct stp_config *c);
void stp_port_config_default(struct stp_port_config *c);
/* 0, or -EINVAL with a message that names the value and the range. */
int stp_config_check(const struct stp_config *c, struct errbuf *e);
int stp_port_config_check(const struct stp_port_config *c, unsigned n_mstis, struct errbuf *e);
/* 13.8: HMAC-MD5 over the 4096 MSTIDs. */
void stp_config_digest(const uint16_t vlan_msti[4096], uint8_t digest[16]);
/* Table 13-4 (long) or 802.1D-1998 table 8-5 (short). */
uint32_t stp_cost_of_speed(uint32_t speed_mbps, bool short_costs);

/* ---- the engine ---- */

struct stp;

/* 0 or -errno with a message; *out is set on 0. */
int stp_create(const struct stp_config *c, nsec_t now, struct stp **out, struct errbuf *e);
void stp_free(struct stp *s);
/* Follows c without a restart. -EBUSY when version, address, region or instances differ: those are
 * what a bridge is born with; make a new one. */
int stp_configure(struct stp *s, const struct stp_config *c, nsec_t now, struct errbuf *e);

/* Ports are named by their number, 1..4095. Adding allocates; a port begins without a link. */
int stp_port_add(struct stp *s, unsigned port, const struct stp_port_config *c, nsec_t now,
                 struct errbuf *e);
int stp_port_configure(struct stp *s, unsigned port, const struct stp_port_config *c, nsec_t now,
                       struct errbuf *e);
/* Gone at once, without actions of its own; those of others follow. */
void stp_port_del(struct stp *s, unsigned port, nsec_t now);

/* A BPDU from its Protocol Identifier on (what follows LLC 42-42-03). 0, or -EPROTO when
 * clause 14.4 says to discard it, -ENOENT for a port that isn't there. */
int stp_rx(struct stp *s, unsigned port, const void *pdu, size_t len, nsec_t now);
void stp_link(struct stp *s, unsigned port, const struct stp_link *l, nsec_t now);
void stp_tick(struct stp *s, nsec_t now);
nsec_t stp_deadline(const struct stp *s); /* when stp_tick() is next due */
/* mcheck (13.27.38): try RSTP again on a port that fell back to STP. */
void stp_migrate(struct stp *s, unsigned port, nsec_t now);
/* Lifts an err-disable now. */
void stp_recover(struct stp *s, unsigned port, nsec_t now);

enum stp_action_kind {
    STP_ACT_STATE, /* port: state in the tree, at once */
    STP_ACT_FLUSH, /* forget the addresses learnt on port in the tree */
    STP_ACT_SEND,  /* pdu, len: to 01-80-C2-00-00-00 out of port */
    STP_ACT_EVENT, /* something a person may want to read */
};

enum stp_event {
    STP_EVENT_BPDU_GUARD, /* err-disabled */
    STP_EVENT_RECOVERED,  /* from err-disable */
    STP_EVENT_LOOP_GUARD, /* held closed: the better bridge fell silent */
    STP_EVENT_ASSURANCE,  /* held closed: no BPDUs on a network port */
    STP_EVENT_SELF_LOOP,  /* held closed: it hears its own BPDUs */
    STP_EVENT_CONSISTENT, /* no longer held */
    STP_EVENT_ROLE,       /* the port's role in a tree is another */
    STP_EVENT_TOPOLOGY,   /* it detected a topology change */
    STP_EVENT_MIGRATED,   /* RSTP <-> STP on this port */
    STP_EVENTS,
};

struct stp_action {
    enum stp_action_kind kind;
    unsigned port;
    unsigned tree; /* index: 0 the CIST, i the (i-1)th of stp_config.msti; STATE, FLUSH, EVENT */
    enum stp_state state;
    enum stp_event event;
    size_t len;
    uint8_t pdu[STP_PDU_MAX];
};

/* The next action, or false when none is left. */
bool stp_poll(struct stp *s, struct stp_action *a);

/* ---- looking at it ---- */

/* Priority vector (13.9): smaller is better, compared from the top. MSTIs have zeros in root and
 * ext_cost. */
struct stp_vector {
    uint64_t root; /* bridge identifiers: priority and system id extension, address */
    uint32_t ext_cost;
    uint64_t regional;
    uint32_t int_cost;
    uint64_t bridge;
    uint16_t port;
};

struct stp_times {
    uint8_t message_age, max_age, forward_delay, hello; /* seconds */
    uint8_t hops;
};

/* Why a port that has a link doesn't forward. */
enum stp_why {
    STP_WHY_NOT, /* it forwards */
    STP_WHY_LINK,
    STP_WHY_ERR_DISABLED,
    STP_WHY_ALTERNATE, /* a better way to the root exists */
    STP_WHY_BACKUP,    /* another of our own ports serves its LAN */
    STP_WHY_ROOT_GUARD,
    STP_WHY_LOOP_GUARD,
    STP_WHY_ASSURANCE,
    STP_WHY_SELF_LOOP,
    STP_WHY_DISPUTED, /* a worse bridge claims its LAN: our BPDUs don't arrive there */
    STP_WHY_WAITING,  /* for an agreement, or for the forward delay */
};

struct stp_tree_status {
    uint16_t id; /* MSTID */
    uint64_t bridge_id;
    struct stp_vector root; /* rootPriority: best of all */
    unsigned root_port;     /* 0: we are the root (of the region, for an MSTI) */
    struct stp_times times;
    uint64_t topology_changes;
    nsec_t last_change; /* NSEC_NEVER: none yet */
    unsigned last_change_port;
};

struct stp_port_tree_status {
    enum stp_role role;
    enum stp_state state;
    enum stp_why why;
    struct stp_vector designated; /* portPriority: the best heard or said on its LAN */
    uint32_t cost;
    uint16_t port_id;
    uint64_t forward_transitions;
    bool tc_active, agreed, proposing, disputed;
    unsigned info_age_left_s; /* of what was received; 0: nothing received */
};

struct stp_port_status {
    bool enabled, oper_edge, p2p, send_rstp, err_disabled, boundary;
    unsigned recovery_left_s;
    uint64_t rx_config, rx_tcn, rx_rst, rx_mst, rx_bad, rx_discarded;
    uint64_t tx_config, tx_tcn, tx_rst, tx_mst;
};

unsigned stp_trees(const struct stp *s);
/* Lowest port number above `after` that is there; 0: none. */
unsigned stp_port_next(const struct stp *s, unsigned after);
bool stp_tree_status(const struct stp *s, unsigned tree, struct stp_tree_status *out);
bool stp_port_status(const struct stp *s, unsigned port, struct stp_port_status *out);
bool stp_port_tree_status(const struct stp *s, unsigned port, unsigned tree,
                          struct stp_port_tree_status *out);

const char *stp_role_name(enum stp_role r);
const char *stp_state_name(enum stp_state s);
const char *stp_why_text(enum stp_why w);
const char *stp_event_text(enum stp_event e);

/* For tests: true when no transition is enabled and the tallies are what a recount gives. */
bool stp_at_rest(const struct stp *s);

#endif
