/* lacp/internal.h: what the machines share. Only lacp/ and its unit tests include it.
 *
 * One struct lacp_port has the variables of 6.4.7 and 6.4.8 under the standard's names. Timers hold
 * the time at which they expire, NSEC_NEVER when stopped. A machine reads whatever it likes and
 * writes only its own state; `selected` is the exception that the figures make: Receive may clear
 * it, Selection sets it.
 *
 * x_next() is a pure guard (the arrows of a figure), x_enter() an entry action (its boxes).
 */
#ifndef WEFT_LACP_INTERNAL_H
#define WEFT_LACP_INTERNAL_H

#include "lacp/pdu.h"

enum {
    TX_LIMIT = 3,         /* LACPDUs in a Fast_Periodic_Time (6.4.16) */
    MARKER_QUEUE = 4,     /* responses that wait to be polled */
    MARKER_RATE = 5,      /* responses in a second */
    MARKER_INFO_LEN = 12, /* what is echoed */
};

enum churn_state { CHURN_MONITOR, CHURN_NONE, CHURN_FOUND };

struct churn {
    enum churn_state state;
    nsec_t timer;
};

struct lacp_port {
    bool used;
    struct lacp_port_config config;
    struct lacp_link link; /* up: port_enabled */

    struct lacp_info actor, partner; /* Actor_Oper_..., Partner_Oper_... */
    uint16_t partner_max_delay;
    uint8_t partner_version;
    enum lacp_rx_state rx;
    nsec_t current_while;
    bool port_moved;
    bool looped, same_system; /* the last PDU came from this port; from this system */
    bool heard_us;            /* what the last PDU tells of us is true */

    enum lacp_periodic_state periodic;
    nsec_t periodic_timer;

    enum lacp_selected selected;
    uint16_t agg; /* selected for, or attached to */

    enum lacp_mux_state mux;
    nsec_t wait_while;
    bool ready_n;

    struct churn actor_churn, partner_churn;

    bool ntt;
    nsec_t tx_at[TX_LIMIT]; /* when the last PDUs left; [tx_next] is the oldest */
    unsigned tx_next;

    struct marker_pdu answer[MARKER_QUEUE];
    unsigned n_answers;
    nsec_t answer_second; /* the running second of MARKER_RATE */
    unsigned answered;
    bool marker_ntt;
    nsec_t marker_timer; /* NSEC_NEVER: no marker is out */
    uint32_t marker_id;

    bool told_collecting, told_distributing; /* the gate as the caller knows it */
    uint16_t told_agg;
    uint32_t events; /* bit per enum lacp_event */
    nsec_t last_rx, last_tx, last_change;
    struct lacp_port_stats stats;
};

/* A Link Aggregation Group as one end sees it (6.3.6): which partner, or which one port. */
struct lag {
    bool valid;
    uint16_t port; /* index, when individual; else LACP_NONE */
    bool defaulted;
    uint16_t key; /* ours */
    uint16_t partner_priority, partner_key;
    struct mac partner_system;
    uint32_t speed_mbps;
};

struct lacp_agg {
    bool used;
    struct lacp_agg_config config;
    struct lag lag; /* which it serves */
};

struct lacp {
    struct lacp_config config;
    nsec_t now;
    bool dirty; /* lacp_poll() may have something */
    struct lacp_agg *aggs;
    struct lacp_port *ports;
};

static inline bool lacp_has(const struct lacp_info *i, enum lacp_state bit)
{
    return (i->state & bit) != 0;
}

static inline void lacp_put(struct lacp_info *i, enum lacp_state bit, bool on)
{
    i->state = (uint8_t)(on ? i->state | bit : i->state & ~bit);
}

static inline struct lacp_port *lacp_port_at(const struct lacp *l, unsigned port)
{
    return port < l->config.ports && l->ports[port].used ? &l->ports[port] : NULL;
}

static inline struct lacp_agg *lacp_agg_at(const struct lacp *l, unsigned agg)
{
    return agg < l->config.aggs && l->aggs[agg].used ? &l->aggs[agg] : NULL;
}

static inline void lacp_note(struct lacp_port *p, enum lacp_event e) { p->events |= 1u << e; }

/* ---- receive.c: 6.4.12 ---- */
void receive_begin(struct lacp_port *p, nsec_t now);
/* The figure's arrows that depend on port_enabled and port_moved. True: something changed. */
bool receive_step(struct lacp_port *p, nsec_t now);
void receive_pdu(struct lacp *l, struct lacp_port *p, const struct lacp_pdu *pdu);
void receive_timeout(struct lacp_port *p, nsec_t now);

/* ---- periodic.c: 6.4.13 ---- */
enum lacp_periodic_state periodic_next(const struct lacp_port *p);
bool periodic_step(struct lacp_port *p, nsec_t now);
void periodic_timeout(struct lacp_port *p, nsec_t now);

/* ---- select.c: 6.4.14 ---- */
bool select_step(struct lacp *l);
struct lag select_lag_of(const struct lacp *l, const struct lacp_port *p);
bool select_same_lag(const struct lag *a, const struct lag *b);
/* True when p could be attached to an aggregator of these settings, were it free. */
bool select_eligible(const struct lacp_port *p, const struct lacp_agg_config *c);

/* ---- mux.c: 6.4.15 ---- */
enum lacp_mux_state mux_next(const struct lacp_port *p, bool ready);
void mux_enter(struct lacp_port *p, enum lacp_mux_state s, nsec_t now);
/* Ready (6.4.8): every port that waits for the aggregator has waited long enough. */
bool mux_ready(const struct lacp *l, uint16_t agg);
bool mux_step(const struct lacp *l, struct lacp_port *p);

/* ---- churn.c: 6.4.17 ---- */
enum churn_state churn_next(const struct churn *c, bool sync, nsec_t now);
bool churn_step(struct lacp_port *p, nsec_t now);

/* ---- marker.c: 6.5 ---- */
int marker_rx(struct lacp *l, struct lacp_port *p, const void *pdu, size_t len);
void marker_timeout(struct lacp_port *p);
bool marker_poll(const struct lacp *l, struct lacp_port *p, uint8_t pdu[LACP_PDU_LEN]);

/* ---- transmit.c: 6.4.16 ---- */
/* When the next LACPDU may leave: INT64_MIN for now, NSEC_NEVER if there is none to send. */
nsec_t transmit_due(const struct lacp_port *p);
bool transmit_poll(const struct lacp *l, struct lacp_port *p, uint8_t pdu[LACP_PDU_LEN]);

#endif
