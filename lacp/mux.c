/* lacp/mux.c: the Mux machine, 6.4.15: figure 6-21 (independent control) and 6-22 (coupled). */
#include "lacp/internal.h"

static enum lacp_mux_state next_coupled(const struct lacp_port *p, bool in_sync)
{
    if (p->mux == LACP_MUX_COLLECTING_DISTRIBUTING)
        return in_sync ? p->mux : LACP_MUX_ATTACHED;
    return in_sync ? LACP_MUX_COLLECTING_DISTRIBUTING : LACP_MUX_ATTACHED;
}

static enum lacp_mux_state next_independent(const struct lacp_port *p, bool in_sync)
{
    bool heard = in_sync && lacp_has(&p->partner, LACP_COLLECTING);
    switch (p->mux) {
    case LACP_MUX_ATTACHED:
        return in_sync ? LACP_MUX_COLLECTING : p->mux;
    case LACP_MUX_COLLECTING:
        if (!in_sync)
            return LACP_MUX_ATTACHED;
        return heard ? LACP_MUX_DISTRIBUTING : p->mux;
    default: /* DISTRIBUTING; or coupled control's last state, after a change of control */
        return heard && p->mux == LACP_MUX_DISTRIBUTING ? p->mux : LACP_MUX_COLLECTING;
    }
}

enum lacp_mux_state mux_next(const struct lacp_port *p, bool ready)
{
    bool in_sync = p->selected == LACP_SELECTED && lacp_has(&p->partner, LACP_SYNC);
    switch (p->mux) {
    case LACP_MUX_DETACHED:
        return p->selected != LACP_UNSELECTED ? LACP_MUX_WAITING : p->mux;
    case LACP_MUX_WAITING:
        if (p->selected == LACP_UNSELECTED)
            return LACP_MUX_DETACHED;
        return p->selected == LACP_SELECTED && ready ? LACP_MUX_ATTACHED : p->mux;
    case LACP_MUX_ATTACHED:
        if (p->selected != LACP_SELECTED)
            return LACP_MUX_DETACHED;
        break;
    default:
        break;
    }
    return p->config.coupled ? next_coupled(p, in_sync) : next_independent(p, in_sync);
}

void mux_enter(struct lacp_port *p, enum lacp_mux_state s, nsec_t now)
{
    static const uint8_t says[LACP_MUX_STATES] = {
        [LACP_MUX_ATTACHED] = LACP_SYNC,
        [LACP_MUX_COLLECTING] = LACP_SYNC | LACP_COLLECTING,
        [LACP_MUX_DISTRIBUTING] = LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING,
        [LACP_MUX_COLLECTING_DISTRIBUTING] = LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING,
    };
    const uint8_t all = LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING;
    uint8_t before = p->actor.state;
    p->mux = s;
    p->actor.state = (uint8_t)((before & ~all) | says[s]);
    p->last_change = now;
    p->wait_while = NSEC_NEVER; /* mux_step() starts it: how long is the aggregator's */
    p->ready_n = false;
    /* The figures set NTT on entry, but for WAITING and DISTRIBUTING. The latter changes what we
     * say, too, and nobody waits for it: it travels with the next PDU. */
    if (s != LACP_MUX_WAITING && s != LACP_MUX_DISTRIBUTING)
        p->ntt = true;
    if (before & LACP_DISTRIBUTING & ~p->actor.state)
        p->stats.flaps++;
    if (!(before & LACP_SYNC) && lacp_has(&p->actor, LACP_SYNC)) {
        p->stats.actor_syncs++;
        lacp_note(p, LACP_EV_ATTACHED);
    }
    if (s == LACP_MUX_DETACHED)
        lacp_note(p, LACP_EV_DETACHED);
}

bool mux_ready(const struct lacp *l, uint16_t agg)
{
    for (unsigned i = 0; i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        if (p->used && p->agg == agg && p->mux == LACP_MUX_WAITING && !p->ready_n)
            return false;
    }
    return true;
}

static nsec_t aggregate_wait(const struct lacp *l, const struct lacp_port *p)
{
    const struct lacp_agg *a = lacp_agg_at(l, p->agg);
    return a != NULL && a->config.wait_ns > 0 ? a->config.wait_ns : LACP_AGGREGATE_NS;
}

bool mux_step(const struct lacp *l, struct lacp_port *p)
{
    bool ready = p->mux == LACP_MUX_WAITING && mux_ready(l, p->agg);
    enum lacp_mux_state next = mux_next(p, ready);
    if (next == p->mux)
        return false;
    mux_enter(p, next, l->now);
    if (next == LACP_MUX_WAITING)
        p->wait_while = l->now + aggregate_wait(l, p);
    return true;
}
