/* stp/tcm.c: Topology Change (802.1Q-2018 13.39, figure 13-22).
 *
 * fdbFlush is an effect, done as soon as it is asked for (a generation of the FDB), so no state
 * waits for it; with an STP neighbour too, where the standard would age for a Forward Delay
 * instead. */
#include "stp/machine.h"

static bool told(const struct stp_tport *p)
{
    const struct stp_port *port = p->port;
    return p->rcvd_tc || p->tc_prop || (is_cist(p) && (port->rcvd_tcn || port->rcvd_tc_ack));
}

static unsigned from_learning(const struct stp_tport *p)
{
    if (active_role(p) && p->forward && !p->port->oper_edge)
        return TCM_DETECTED;
    if (told(p))
        return TCM_LEARNING;
    return !active_role(p) && !(p->learn || p->learning) ? TCM_INACTIVE : 0;
}

static unsigned from_active(const struct stp_tport *p)
{
    if (!active_role(p) || p->port->oper_edge)
        return TCM_LEARNING;
    if (is_cist(p) && p->port->rcvd_tcn)
        return TCM_NOTIFIED_TCN;
    if (p->rcvd_tc)
        return TCM_NOTIFIED_TC;
    if (p->tc_prop)
        return TCM_PROPAGATING;
    return is_cist(p) && p->port->rcvd_tc_ack ? TCM_ACKNOWLEDGED : 0;
}

unsigned stp_tcm_next(const struct stp_tport *p)
{
    switch (p->tcm) {
    case TCM_INACTIVE:
        return p->learn ? TCM_LEARNING : 0;
    case TCM_LEARNING:
        return from_learning(p);
    case TCM_ACTIVE:
        return from_active(p);
    case TCM_NOTIFIED_TCN:
        return TCM_NOTIFIED_TC;
    default:
        return TCM_ACTIVE;
    }
}

static void forget_news(struct stp_tport *p)
{
    p->rcvd_tc = p->tc_prop = false;
    if (is_cist(p))
        p->port->rcvd_tcn = p->port->rcvd_tc_ack = false;
}

/* For people. A neighbour repeats its news for a Hello Time and more: that is one change. */
static void count_change(struct stp_tport *p)
{
    struct stp_tree *t = p->tree;
    nsec_t now = p->port->stp->now;
    bool again = t->last_change_port == p->port->number && t->last_change != NSEC_NEVER &&
                 now - t->last_change < (hello_time(p) + 2) * NSEC_PER_SEC;
    t->topology_changes += again ? 0 : 1;
    t->last_change = now;
    t->last_change_port = p->port->number;
}

static void detected(struct stp_tport *p)
{
    stp_new_tc_while(p);
    stp_set_tc_prop_tree(p);
    stp_new_info(p);
    count_change(p);
    stp_event_raise(p, STP_EVENT_TOPOLOGY);
}

static void notified(struct stp_tport *p)
{
    p->rcvd_tc = false;
    if (is_cist(p)) {
        p->port->rcvd_tcn = false;
        p->port->tc_ack = p->port->tc_ack || p->role == STP_ROLE_DESIGNATED;
    }
    stp_set_tc_prop_tree(p);
    count_change(p);
}

void stp_tcm_enter(struct stp_tport *p, unsigned state)
{
    switch (state) {
    case TCM_INACTIVE:
        stp_effect(p, FX_FLUSH);
        p->tc_while = 0;
        if (is_cist(p))
            p->port->tc_ack = false;
        break;
    case TCM_LEARNING:
        forget_news(p);
        break;
    case TCM_DETECTED:
        detected(p);
        break;
    case TCM_NOTIFIED_TCN:
        stp_new_tc_while(p);
        break;
    case TCM_NOTIFIED_TC:
        notified(p);
        break;
    case TCM_PROPAGATING:
        stp_new_tc_while(p);
        stp_effect(p, FX_FLUSH);
        p->tc_prop = false;
        break;
    case TCM_ACKNOWLEDGED:
        p->tc_while = 0;
        p->port->rcvd_tc_ack = false;
        break;
    default: /* TCM_ACTIVE has no action */
        break;
    }
}
