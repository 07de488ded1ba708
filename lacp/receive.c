/* lacp/receive.c: the Receive machine, 6.4.12 and figure 6-18.
 *
 * LACP_DISABLED isn't here: a port that doesn't speak LACP isn't in the engine.
 */
#include "lacp/internal.h"

/* 6.4.9 recordDefault. The administrative partner is nobody: zeros, individual and passive. It
 * wants PDUs often, so that who comes back (or hears again) is found in a second, not in thirty;
 * and it collects, so that a port used on its own may distribute. */
static void record_default(struct lacp_port *p)
{
    p->partner =
        (struct lacp_info){.state = LACP_TIMEOUT | LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING};
    p->partner_max_delay = 0;
    p->partner_version = 0;
    p->looped = p->same_system = p->heard_us = false;
    lacp_put(&p->actor, LACP_DEFAULTED, true);
}

static bool same_end(const struct lacp_info *a, const struct lacp_info *b)
{
    return a->port == b->port && a->port_priority == b->port_priority &&
           mac_equal(a->system, b->system) && a->system_priority == b->system_priority &&
           a->key == b->key;
}

/* 6.4.9 update_Selected */
static void update_selected(struct lacp_port *p, const struct lacp_info *said)
{
    if (same_end(said, &p->partner) && !((said->state ^ p->partner.state) & LACP_AGGREGATION))
        return;
    p->selected = LACP_UNSELECTED;
    if (lacp_has(&p->actor, LACP_DEFAULTED))
        return;
    p->stats.partner_changes++;
    lacp_note(p, LACP_EV_PARTNER);
}

/* 6.4.9 update_Default_Selected */
static void update_default_selected(struct lacp_port *p)
{
    static const struct lacp_info nobody = {0};
    if (!same_end(&p->partner, &nobody) || lacp_has(&p->partner, LACP_AGGREGATION))
        p->selected = LACP_UNSELECTED;
}

/* 6.4.9 update_NTT: does the partner know us as we are? */
static void update_ntt(struct lacp_port *p, const struct lacp_info *told)
{
    const uint8_t bits = LACP_ACTIVITY | LACP_TIMEOUT | LACP_SYNC | LACP_AGGREGATION;
    if (!same_end(told, &p->actor) || ((told->state ^ p->actor.state) & bits))
        p->ntt = true;
}

/* 6.4.9 recordPDU. Partner_Oper_Port_State.Synchronization is ours to judge: the partner says that
 * it is in sync, with us as we are (or with no group at all), and somebody keeps the link alive. */
static void record_pdu(struct lacp_port *p, const struct lacp_pdu *pdu)
{
    const struct lacp_info *said = &pdu->actor, *told = &pdu->partner;
    p->heard_us = same_end(told, &p->actor) && !((told->state ^ p->actor.state) & LACP_AGGREGATION);
    bool matches = p->heard_us || !lacp_has(said, LACP_AGGREGATION);
    bool maintained = lacp_has(said, LACP_ACTIVITY) ||
                      (lacp_has(&p->actor, LACP_ACTIVITY) && lacp_has(told, LACP_ACTIVITY));
    p->partner = *said;
    lacp_put(&p->partner, LACP_SYNC, lacp_has(said, LACP_SYNC) && matches && maintained);
    p->partner_max_delay = pdu->max_delay;
    p->partner_version = pdu->version;
    lacp_put(&p->actor, LACP_DEFAULTED, false);
}

static void change_state(struct lacp_port *p, enum lacp_rx_state to, nsec_t now)
{
    enum lacp_rx_state from = p->rx;
    p->rx = to;
    lacp_put(&p->actor, LACP_EXPIRED, to == LACP_RX_EXPIRED);
    switch (to) {
    case LACP_RX_INITIALIZE:
        p->selected = LACP_UNSELECTED;
        record_default(p);
        p->port_moved = false;
        p->current_while = NSEC_NEVER;
        return;
    case LACP_RX_PORT_DISABLED:
        lacp_put(&p->partner, LACP_SYNC, false);
        p->current_while = NSEC_NEVER;
        return;
    case LACP_RX_EXPIRED:
        lacp_put(&p->partner, LACP_SYNC, false);
        lacp_put(&p->partner, LACP_TIMEOUT, true);
        p->current_while = now + LACP_SHORT_NS;
        if (from == LACP_RX_CURRENT)
            lacp_note(p, LACP_EV_EXPIRED);
        p->ntt = true; /* beyond the figure: say hello at once, not at the first period's end */
        return;
    case LACP_RX_DEFAULTED:
        update_default_selected(p);
        record_default(p);
        p->current_while = NSEC_NEVER;
        lacp_note(p, LACP_EV_DEFAULTED);
        return;
    default: /* CURRENT */
        p->current_while = now + (p->config.fast ? LACP_SHORT_NS : LACP_LONG_NS);
        if (from != LACP_RX_CURRENT)
            lacp_note(p, LACP_EV_CURRENT);
    }
}

void receive_begin(struct lacp_port *p, nsec_t now)
{
    change_state(p, LACP_RX_INITIALIZE, now);
    change_state(p, LACP_RX_PORT_DISABLED, now);
}

bool receive_step(struct lacp_port *p, nsec_t now)
{
    bool disabled = p->rx == LACP_RX_PORT_DISABLED;
    if (disabled && p->port_moved)
        receive_begin(p, now);
    else if (disabled && p->link.up)
        change_state(p, LACP_RX_EXPIRED, now);
    else if (!disabled && !p->link.up)
        change_state(p, LACP_RX_PORT_DISABLED, now);
    else
        return false;
    return true;
}

/* 6.4.8 port_moved: the partner that a dead port remembers now speaks on another one. */
static void find_moved(struct lacp *l, const struct lacp_port *heard, const struct lacp_info *said)
{
    for (unsigned i = 0; i < l->config.ports; i++) {
        struct lacp_port *p = &l->ports[i];
        if (p->used && p != heard && p->rx == LACP_RX_PORT_DISABLED &&
            !lacp_has(&p->actor, LACP_DEFAULTED) && p->partner.port == said->port &&
            mac_equal(p->partner.system, said->system))
            p->port_moved = true;
    }
}

void receive_pdu(struct lacp *l, struct lacp_port *p, const struct lacp_pdu *pdu)
{
    find_moved(l, p, &pdu->actor);
    update_selected(p, &pdu->actor);
    update_ntt(p, &pdu->partner);
    record_pdu(p, pdu);
    bool same = mac_equal(pdu->actor.system, l->config.system);
    bool looped = same && pdu->actor.port == p->config.number;
    if (same && !p->same_system)
        lacp_note(p, LACP_EV_LOOPED);
    p->same_system = same;
    p->looped = looped;
    change_state(p, LACP_RX_CURRENT, l->now);
}

void receive_timeout(struct lacp_port *p, nsec_t now)
{
    if (p->rx == LACP_RX_CURRENT)
        change_state(p, LACP_RX_EXPIRED, now);
    else if (p->rx == LACP_RX_EXPIRED)
        change_state(p, LACP_RX_DEFAULTED, now);
    else
        p->current_while = NSEC_NEVER;
}
