/* lacp/churn.c: Churn Detection of actor and partner, 6.4.17 and figures 6-24, 6-25: who didn't get
 * in sync within a minute of a link that is up? */
#include "lacp/internal.h"

enum churn_state churn_next(const struct churn *c, bool sync, nsec_t now)
{
    if (sync)
        return CHURN_NONE;
    if (c->state == CHURN_MONITOR && now >= c->timer)
        return CHURN_FOUND;
    return c->state == CHURN_NONE ? CHURN_MONITOR : c->state;
}

/* One machine. True: its state changed. */
static bool step(struct churn *c, bool enabled, bool sync, nsec_t now)
{
    if (!enabled) {
        *c = (struct churn){CHURN_MONITOR, NSEC_NEVER};
        return false;
    }
    if (c->state == CHURN_MONITOR && c->timer == NSEC_NEVER)
        c->timer = now + LACP_CHURN_NS;
    enum churn_state next = churn_next(c, sync, now);
    if (next == c->state)
        return false;
    *c = (struct churn){next, next == CHURN_MONITOR ? now + LACP_CHURN_NS : NSEC_NEVER};
    return true;
}

bool churn_step(struct lacp_port *p, nsec_t now)
{
    bool partner_sync = lacp_has(&p->partner, LACP_SYNC);
    bool a = step(&p->actor_churn, p->link.up, lacp_has(&p->actor, LACP_SYNC), now);
    bool b = step(&p->partner_churn, p->link.up, partner_sync, now);
    if (a && p->actor_churn.state == CHURN_FOUND) {
        p->stats.actor_churns++;
        lacp_note(p, LACP_EV_ACTOR_CHURN);
    }
    if (b && p->partner_churn.state == CHURN_FOUND) {
        p->stats.partner_churns++;
        lacp_note(p, LACP_EV_PARTNER_CHURN);
    }
    if (b && p->partner_churn.state == CHURN_NONE)
        p->stats.partner_syncs++;
    return a || b;
}
