/* stp/pim.c: Port Information (802.1Q-2018 13.35, figure 13-18). */
#include "stp/machine.h"

/* rcvdXstMsg, 13.28: an MSTI's message waits until the CIST's of the same BPDU was read. */
static bool rcvd_xst_msg(const struct stp_tport *p)
{
    return p->rcvd_msg && (is_cist(p) || !cist_of(p)->rcvd_msg);
}

/* updtXstInfo, 13.28 */
static bool updt_xst_info(const struct stp_tport *p)
{
    return p->updt_info || cist_of(p)->updt_info;
}

static unsigned from_current(const struct stp_tport *p)
{
    if (p->selected && p->updt_info)
        return PIM_UPDATE;
    if (p->info_is == INFO_RECEIVED && p->rcvd_info_while == 0 && !p->updt_info && !rcvd_xst_msg(p))
        return PIM_AGED;
    return rcvd_xst_msg(p) && !updt_xst_info(p) ? PIM_RECEIVE : 0;
}

static unsigned from_receive(const struct stp_tport *p)
{
    switch (p->rcvd_info) {
    case RCVD_SUPERIOR_DESIGNATED:
        return PIM_SUPERIOR_DESIGNATED;
    case RCVD_REPEATED_DESIGNATED:
        return PIM_REPEATED_DESIGNATED;
    case RCVD_INFERIOR_DESIGNATED:
        return PIM_INFERIOR_DESIGNATED;
    case RCVD_INFERIOR_ROOT_ALTERNATE:
        return PIM_NOT_DESIGNATED;
    default:
        return PIM_OTHER;
    }
}

unsigned stp_pim_next(const struct stp_tport *p)
{
    if (!p->port->enabled && p->info_is != INFO_DISABLED)
        return PIM_DISABLED;
    switch (p->pim) {
    case PIM_DISABLED:
        if (p->rcvd_msg)
            return PIM_DISABLED;
        return p->port->enabled ? PIM_AGED : 0;
    case PIM_AGED:
        return p->selected && p->updt_info ? PIM_UPDATE : 0;
    case PIM_CURRENT:
        return from_current(p);
    case PIM_RECEIVE:
        return from_receive(p);
    default:
        return PIM_CURRENT;
    }
}

static void ask_for_roles(struct stp_tport *p)
{
    p->selected = false;
    stp_reselect(p->tree);
}

static void disabled(struct stp_tport *p)
{
    p->rcvd_msg = p->proposing = p->proposed = p->agree = p->agreed = false;
    p->rcvd_info_while = 0;
    p->info_is = INFO_DISABLED;
    ask_for_roles(p);
}

/* A port that loses a better bridge without losing its link may have gone deaf: loop guard. */
static void aged(struct stp_tport *p)
{
    bool fell_silent = p->pim == PIM_CURRENT && (is_cist(p) || !at_boundary(p));
    p->info_is = INFO_AGED;
    ask_for_roles(p);
    if (fell_silent && p->port->cfg.loop_guard && !p->loop_held) {
        p->loop_held = true;
        stp_event_raise(p, STP_EVENT_LOOP_GUARD);
    }
}

/* betterorsameInfo(), 13.29.1: after it became ours, or as received. */
static bool better_or_same(const struct stp_tport *p, enum info_is now)
{
    const struct stp_vector *v = now == INFO_MINE ? &p->designated_priority : &p->msg_priority;
    return p->info_is == now && stp_vector_cmp(v, &p->port_priority) <= 0;
}

/* Towards another region there is one agreement, the CIST's. When it falls, those of the instances
 * fall: else an instance would keep open, and call synced, what the neighbour's consent no longer
 * covers. (13.29.15 says so for what is received; the same must hold when our own information
 * changes.) */
static void mirror_to_mstis(const struct stp_tport *cist)
{
    struct stp_port *port = cist->port;
    for (unsigned t = 1; !port->rcvd_internal && t < port->stp->n_trees; t++) {
        struct stp_tport *p = &port->tree[t];
        p->agree = p->agree && cist->agree;
        p->agreed = p->agreed && cist->agreed;
        p->synced = p->synced && p->agreed;
        stp_recount(p->tree);
    }
}

static void update(struct stp_tport *p)
{
    p->proposing = p->proposed = false;
    p->agreed = p->agreed && better_or_same(p, INFO_MINE);
    p->synced = p->synced && p->agreed;
    p->port_priority = p->designated_priority;
    p->port_times = p->designated_times;
    p->updt_info = false;
    p->info_is = INFO_MINE;
    stp_new_info(p);
    if (is_cist(p))
        mirror_to_mstis(p);
}

/* infoInternal says whether the port is at the region's boundary, where the CIST decides for all
 * instances: what an MSTI had heard there ages at once. */
static void set_info_internal(struct stp_tport *cist)
{
    struct stp_port *port = cist->port;
    bool changed = port->info_internal != port->rcvd_internal;
    port->info_internal = port->rcvd_internal;
    for (unsigned t = 0; changed && t < port->stp->n_trees; t++)
        stp_reselect(port->tree[t].tree); /* the same vector is worth another cost now */
    for (unsigned t = 1; !port->info_internal && t < port->stp->n_trees; t++)
        port->tree[t].rcvd_info_while = 0;
}

/* A bridge has one way to the root. When it tells of a worse one here, what it told us on parallel
 * links is old, though the news may be held back there (13.34) for a second: as a way to the root
 * it would lead in a circle. */
static void outdate_parallels(const struct stp_tport *p)
{
    const struct stp_vector *now = &p->port_priority;
    for (unsigned i = 0; i < p->port->stp->n_ports; i++) {
        struct stp_tport *q = &p->port->stp->list[i]->tree[p->tree->index];
        struct stp_vector was = q->port_priority;
        if (q == p || q->info_is != INFO_RECEIVED || was.bridge != now->bridge)
            continue;
        was.port = now->port;
        if (stp_vector_cmp(&was, now) < 0)
            q->outdated = true;
    }
}

/* Of the bridge that leads the LAN, beyond its vector. */
static void record_leader(struct stp_tport *p)
{
    p->heard_regional = cist_of(p)->msg_priority.regional;
    if (!is_cist(p))
        return;
    p->port->leader_open = (p->msg_flags & BPDU_FORWARDING) != 0;
    set_info_internal(p);
}

static void superior(struct stp_tport *p)
{
    record_leader(p);
    p->agreed = p->proposing = false;
    stp_record_proposal(p);
    stp_set_tc_flags(p);
    p->agree = p->agree && better_or_same(p, INFO_RECEIVED);
    stp_record_agreement(p);
    p->synced = p->synced && p->agreed;
    p->port_priority = p->msg_priority; /* recordPriority(), recordTimes() */
    p->port_times = p->msg_times;
    stp_updt_rcvd_info_while(p);
    p->info_is = INFO_RECEIVED;
    p->outdated = p->disputed = false; /* who leads is no longer in dispute */
    outdate_parallels(p);
    p->rcvd_msg = false;
    ask_for_roles(p);
    if (is_cist(p))
        mirror_to_mstis(p);
}

static void repeated(struct stp_tport *p)
{
    record_leader(p);
    if (p->outdated)
        stp_reselect(p->tree);
    p->outdated = false;
    stp_record_proposal(p);
    stp_set_tc_flags(p);
    stp_record_agreement(p);
    stp_updt_rcvd_info_while(p);
    p->rcvd_msg = false;
}

void stp_pim_enter(struct stp_tport *p, unsigned state)
{
    switch (state) {
    case PIM_DISABLED:
        disabled(p);
        break;
    case PIM_AGED:
        aged(p);
        break;
    case PIM_UPDATE:
        update(p);
        break;
    case PIM_RECEIVE:
        p->rcvd_info = stp_rcv_info(p);
        stp_record_mastered(p);
        break;
    case PIM_SUPERIOR_DESIGNATED:
        superior(p);
        break;
    case PIM_REPEATED_DESIGNATED:
        repeated(p);
        break;
    case PIM_INFERIOR_DESIGNATED:
        stp_record_dispute(p);
        p->rcvd_msg = false;
        break;
    case PIM_NOT_DESIGNATED:
        stp_record_agreement(p);
        stp_set_tc_flags(p);
        p->rcvd_msg = false;
        break;
    case PIM_OTHER:
        p->rcvd_msg = false;
        break;
    default: /* PIM_CURRENT has no action */
        break;
    }
}
