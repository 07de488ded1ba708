/* stp/machine.h: the room's inside: the variables of clause 13 and the shape of its machines.
 *
 * Names are the standard's in snake case (rcvdInfoWhile is rcvd_info_while). Three levels: struct
 * stp is the bridge (13.25), stp_tree a tree of it (13.26), stp_port a port, stp_tport a port in
 * one tree (13.27); tree 0 is the CIST.
 *
 * Every machine of the clause is two functions. x_next() is the arrows of its figure: a pure guard
 * that looks and answers the state to go to, or 0 to stay; a state that leads to itself is an
 * answer like others. x_enter() is the boxes: what is done on entry. Only settle.c calls them, and
 * only it sets the state. So guards can be enumerated, and "at rest" has one meaning: every
 * x_next() answers 0.
 *
 * What a guard reads of other ports is three tallies per tree (allSynced, reRooted in O(1));
 * settle.c keeps them around every x_enter(), and marks who has to be looked at again.
 * stp_at_rest() checks both from scratch.
 */
#ifndef WEFT_STP_MACHINE_H
#define WEFT_STP_MACHINE_H

#include "stp/bpdu.h"

enum {
    MIGRATE_TIME = 3, /* seconds, 13.25.6 */
    TREES_MAX = 1 + STP_MSTIS_MAX,
};

enum info_is { INFO_DISABLED, INFO_AGED, INFO_MINE, INFO_RECEIVED };
enum rcvd_info {
    RCVD_NONE,
    RCVD_SUPERIOR_DESIGNATED,
    RCVD_REPEATED_DESIGNATED,
    RCVD_INFERIOR_DESIGNATED,
    RCVD_INFERIOR_ROOT_ALTERNATE,
    RCVD_OTHER,
};

/* States of each machine. 0 is no state: "stay". */
enum prx_state { PRX_DISCARD = 1, PRX_RECEIVE };
enum ppm_state { PPM_CHECKING_RSTP = 1, PPM_SELECTING_STP, PPM_SENSING };
enum bdm_state { BDM_EDGE = 1, BDM_NOT_EDGE };
enum ptx_state {
    PTX_TRANSMIT_INIT = 1,
    PTX_IDLE,
    PTX_TRANSMIT_PERIODIC,
    PTX_TRANSMIT_CONFIG,
    PTX_TRANSMIT_TCN,
    PTX_TRANSMIT_RSTP,
};
enum pim_state {
    PIM_DISABLED = 1,
    PIM_AGED,
    PIM_UPDATE,
    PIM_CURRENT,
    PIM_RECEIVE,
    PIM_SUPERIOR_DESIGNATED,
    PIM_REPEATED_DESIGNATED,
    PIM_INFERIOR_DESIGNATED,
    PIM_NOT_DESIGNATED,
    PIM_OTHER,
};
enum prt_state {
    PRT_INIT_PORT = 1,
    PRT_DISABLE_PORT,
    PRT_DISABLED_PORT,
    PRT_MASTER_PORT,
    PRT_MASTER_PROPOSED,
    PRT_MASTER_AGREED,
    PRT_MASTER_SYNCED,
    PRT_MASTER_RETIRED,
    PRT_MASTER_FORWARD,
    PRT_MASTER_LEARN,
    PRT_MASTER_DISCARD,
    PRT_ROOT_PORT,
    PRT_ROOT_PROPOSED,
    PRT_ROOT_AGREED,
    PRT_ROOT_SYNCED,
    PRT_REROOT,
    PRT_ROOT_FORWARD,
    PRT_ROOT_LEARN,
    PRT_REROOTED,
    PRT_ROOT_DISCARD,
    PRT_DESIGNATED_PORT,
    PRT_DESIGNATED_PROPOSE,
    PRT_DESIGNATED_AGREED,
    PRT_DESIGNATED_SYNCED,
    PRT_DESIGNATED_RETIRED,
    PRT_DESIGNATED_FORWARD,
    PRT_DESIGNATED_LEARN,
    PRT_DESIGNATED_DISCARD,
    PRT_BLOCK_PORT,
    PRT_ALTERNATE_PORT,
    PRT_ALTERNATE_PROPOSED,
    PRT_ALTERNATE_AGREED,
    PRT_BACKUP_PORT,
    PRT_STATES,
};
enum pst_state { PST_DISCARDING = 1, PST_LEARNING, PST_FORWARDING };
enum tcm_state {
    TCM_INACTIVE = 1,
    TCM_LEARNING,
    TCM_DETECTED,
    TCM_ACTIVE,
    TCM_NOTIFIED_TCN,
    TCM_NOTIFIED_TC,
    TCM_PROPAGATING,
    TCM_ACKNOWLEDGED,
};

/* Effects that wait for stp_poll(), in the order they are given. */
enum effect { FX_CLOSE, FX_OPEN, FX_FLUSH, FX_SEND, FX_EVENT, FX_COUNT };

enum send_what { SEND_NOTHING, SEND_CONFIG, SEND_TCN, SEND_RSTP };

struct stp_port;
struct stp_tree;

struct stp_tport {
    struct stp_port *port;
    struct stp_tree *tree;
    enum pim_state pim;
    enum prt_state prt;
    enum pst_state pst;
    enum tcm_state tcm;

    /* timers, seconds (13.27) */
    uint8_t fd_while, rr_while, rb_while, tc_while, rcvd_info_while;

    bool agree, agreed, proposed, proposing, synced, sync, re_root, disputed;
    bool learn, forward, learning, forwarding;
    bool rcvd_msg, selected, updt_info;
    bool rcvd_tc, tc_prop, mastered;
    bool outdated;  /* port_priority: who said it has said worse on another port since */
    bool loop_held; /* loop guard holds it closed */
    bool dirty;     /* something that its guards read has changed */

    enum info_is info_is;
    enum rcvd_info rcvd_info;
    enum stp_role role, selected_role;
    struct stp_vector port_priority, designated_priority, msg_priority;
    struct stp_times port_times, designated_times, msg_times;
    uint8_t msg_flags;
    uint64_t heard_regional; /* whom the bridge follows that port_priority was heard from */
    uint16_t port_id;
    uint32_t cost;

    uint8_t effects; /* bits by enum effect */
    uint16_t events; /* bits by enum stp_event */
    enum stp_state reported;
    uint64_t forward_transitions;
};

struct stp_port {
    struct stp *stp;
    unsigned number;
    unsigned at; /* index in stp->list */
    struct stp_port_config cfg;
    struct stp_link link;
    enum prx_state prx;
    enum ppm_state ppm;
    enum bdm_state bdm;
    enum ptx_state ptx;

    uint8_t edge_delay_while, hello_when, mdelay_while, tx_count;
    uint8_t assure_while, self_loop_while;
    uint32_t recover_while;

    bool enabled; /* portEnabled: a link, and not err-disabled */
    bool err_disabled, assurance_held;
    bool mcheck, new_info, new_info_msti, oper_edge, p2p;
    bool rcvd_bpdu, rcvd_internal, rcvd_rstp, rcvd_stp, rcvd_tc_ack, rcvd_tcn;
    bool send_rstp, tc_ack, info_internal;
    bool queued, tx_queued;
    bool leader_open; /* whom the CIST's portPriority was heard from forwards there */
    bool outsiders;   /* bridges of other regions have been heard */
    bool news_held;   /* txCount keeps it from saying what is new */
    enum send_what send;
    struct stp_port_status count; /* its counters only */
    struct stp_tport tree[];      /* stp->n_trees of them */
};

struct stp_tree {
    struct stp *stp;
    unsigned index;
    uint16_t id;
    uint64_t bridge_id;
    struct stp_vector root_priority;
    struct stp_times root_times;
    struct stp_tport *root; /* the port selected as Root Port; NULL: none */
    bool reselect;          /* some port's reselect is set */
    /* tallies over the tree's ports */
    unsigned unsynced;  /* !synced */
    unsigned unsettled; /* !selected, or role is not selectedRole, or updtInfo */
    unsigned retiring;  /* rrWhile != 0 */
    uint64_t topology_changes;
    nsec_t last_change;
    unsigned last_change_port;
};

struct work {
    struct stp_port *at[STP_PORTS_MAX + 1];
    unsigned head, n;
};

struct stp {
    struct stp_config cfg;
    nsec_t now, next_tick;
    struct bpdu_region region;
    struct bpdu rx; /* being received */
    unsigned n_trees, n_ports;
    struct stp_tree tree[TREES_MAX];
    struct stp_port *by_number[STP_PORTS_MAX + 1];
    struct stp_port *list[STP_PORTS_MAX];
    struct work work, tx_work; /* ports to look at; then those whose transmit machine to look at */
    unsigned pending[FX_COUNT], cursor[FX_COUNT];
    unsigned news_held; /* how many ports' is set */
    uint64_t overruns;  /* settle() gave up: a bug of ours, or of the standard's */
};

/* ---- machines: 13.31 to 13.39 ---- */

unsigned stp_prx_next(const struct stp_port *p);
void stp_prx_enter(struct stp_port *p, unsigned state);
unsigned stp_ppm_next(const struct stp_port *p);
void stp_ppm_enter(struct stp_port *p, unsigned state);
unsigned stp_bdm_next(const struct stp_port *p);
void stp_bdm_enter(struct stp_port *p, unsigned state);
unsigned stp_ptx_next(const struct stp_port *p);
void stp_ptx_enter(struct stp_port *p, unsigned state);
unsigned stp_pim_next(const struct stp_tport *p);
void stp_pim_enter(struct stp_tport *p, unsigned state);
unsigned stp_prt_next(const struct stp_tport *p);
void stp_prt_enter(struct stp_tport *p, unsigned state);
unsigned stp_pst_next(const struct stp_tport *p);
void stp_pst_enter(struct stp_tport *p, unsigned state);
unsigned stp_tcm_next(const struct stp_tport *p);
void stp_tcm_enter(struct stp_tport *p, unsigned state);
/* ROLE_SELECTION, the one state of Port Role Selection after the start (13.36). */
void stp_prs_enter(struct stp_tree *t);

/* ---- settle.c ---- */

/* Runs every machine that was touched until all are at rest. */
void stp_settle(struct stp *s);
void stp_touch(struct stp_tport *p);
void stp_touch_port(struct stp_port *p); /* in all its trees */
void stp_touch_tree(struct stp_tree *t);
void stp_touch_all(struct stp *s);
void stp_recount(struct stp_tree *t);
/* BEGIN for one port: puts every machine in its first state. */
void stp_begin_port(struct stp_port *p);
/* Role selection is due. */
void stp_reselect(struct stp_tree *t);

/* ---- effects.c ---- */

void stp_effect(struct stp_tport *p, enum effect f);
void stp_effect_clear(struct stp_tport *p, enum effect f);
void stp_event_raise(struct stp_tport *p, enum stp_event e);

/* ---- procedures.c: 13.29, each named there ---- */

size_t stp_tx_encode(const struct stp_port *p, uint8_t pdu[STP_PDU_MAX]);
void stp_rcv_msgs(struct stp_port *p);
enum rcvd_info stp_rcv_info(const struct stp_tport *p);
void stp_record_agreement(struct stp_tport *p);
void stp_record_dispute(struct stp_tport *p);
void stp_record_mastered(struct stp_tport *p);
void stp_record_proposal(struct stp_tport *p);
void stp_set_tc_flags(struct stp_tport *p);
void stp_updt_rcvd_info_while(struct stp_tport *p);
void stp_new_info(struct stp_tport *p);  /* newInfoXst */
void stp_tally_news(struct stp_port *p); /* ptx.c: after a change of what news_held rests on */
void stp_new_tc_while(struct stp_tport *p);
void stp_set_tc_prop_tree(struct stp_tport *p);

/* ---- vector.c ---- */

/* <0: a is better. */
int stp_vector_cmp(const struct stp_vector *a, const struct stp_vector *b);
/* 13.9, 13.10: better, or from the same designated port and not the same. */
bool stp_vector_superior(const struct stp_vector *msg, const struct stp_vector *port);
bool stp_times_equal(const struct stp_times *a, const struct stp_times *b);

/* ---- conditions: 13.28 ---- */

static inline uint64_t id_address(uint64_t bridge_id)
{
    return bridge_id & UINT64_C(0xffffffffffff);
}
static inline bool is_cist(const struct stp_tport *p) { return p->tree->index == 0; }
static inline const struct stp_tport *cist_of(const struct stp_tport *p)
{
    return &p->port->tree[0];
}
/* What an MSTI hears it hears in its region; the CIST's is internal when it came from there. */
static inline bool heard_inside(const struct stp_tport *p)
{
    return !is_cist(p) || p->port->info_internal;
}
/* The port looks out of the region, and the LAN there is led from outside. */
static inline bool at_boundary(const struct stp_tport *p)
{
    return cist_of(p)->info_is == INFO_RECEIVED && !p->port->info_internal;
}
/* The LAN is led from another region, or we lead it and those who last spoke there are of another.
 */
static inline bool towards_outside(const struct stp_tport *p)
{
    return cist_of(p)->info_is == INFO_RECEIVED ? !p->port->info_internal : !p->port->rcvd_internal;
}
/* A shared LAN may hold bridges of our region and of others, and those others reach an instance by
 * the one port that leads the LAN in the CIST: is it open? When it is ours, we look whether others
 * were ever heard. */
static inline bool on_shared_border(const struct stp_tport *p)
{
    const struct stp_tport *c = cist_of(p);
    return c->info_is == INFO_RECEIVED ? !p->port->leader_open : p->port->outsiders;
}
/* Who leads the LAN, or answers us on a link of two, belongs to another region, or follows another
 * regional root: while a region changes its way to the CIST root, its parts are as good as two
 * regions, each with a Master Port. */
static inline bool towards_strangers(const struct stp_tport *p)
{
    const struct stp_tport *c = cist_of(p);
    uint64_t ours = c->tree->root_priority.regional;
    if (towards_outside(p) || (!p->port->p2p && on_shared_border(p)))
        return true;
    if (p->info_is == INFO_RECEIVED && p->heard_regional != ours)
        return true;
    if (c->info_is == INFO_RECEIVED)
        return c->port_priority.regional != ours;
    return p->port->p2p && c->msg_priority.regional != ours;
}
/* There an instance is open only where the CIST is (13.5: they share one port state). */
static inline bool shut_by_cist(const struct stp_tport *p)
{
    return !is_cist(p) && !cist_of(p)->learn && towards_strangers(p);
}
static inline bool unopened_by_cist(const struct stp_tport *p)
{
    const struct stp_tport *c = cist_of(p);
    return !is_cist(p) && !(p->learn ? c->forward : c->learn) && towards_strangers(p);
}
static inline bool rstp_version(const struct stp *s) { return s->cfg.version >= STP_VERSION_RSTP; }

static inline uint8_t fwd_delay(const struct stp_tport *p)
{
    return cist_of(p)->designated_times.forward_delay;
}
static inline uint8_t max_age(const struct stp_tport *p)
{
    return cist_of(p)->designated_times.max_age;
}
static inline uint8_t hello_time(const struct stp_tport *p) { return cist_of(p)->port_times.hello; }
/* HelloTime when the neighbour understands RSTP, else FwdDelay. */
static inline uint8_t forward_delay(const struct stp_tport *p)
{
    return p->port->send_rstp ? hello_time(p) : fwd_delay(p);
}
/* A role by which frames pass. */
static inline bool active_role(const struct stp_tport *p)
{
    return p->role == STP_ROLE_ROOT || p->role == STP_ROLE_DESIGNATED || p->role == STP_ROLE_MASTER;
}
/* Closed by a guard, whatever the tree says. */
static inline bool held(const struct stp_tport *p)
{
    return p->loop_held || p->port->assurance_held || p->port->self_loop_while != 0;
}
static inline bool all_synced(const struct stp_tport *p)
{
    const struct stp_tree *t = p->tree;
    const struct stp_tport *but =
        p->role == STP_ROLE_DESIGNATED || p->role == STP_ROLE_MASTER ? p : t->root;
    return t->unsettled == 0 && t->unsynced == (but != NULL && !but->synced ? 1u : 0u);
}
/* Another port's neighbour can't know yet what we know: what it believes may lead back to us. */
static inline bool others_wait_for_news(const struct stp_tport *p)
{
    return p->port->stp->news_held > (p->port->news_held ? 1u : 0u);
}
static inline bool re_rooted(const struct stp_tport *p)
{
    return p->tree->retiring == (p->rr_while != 0 ? 1u : 0u);
}

#endif
