/* lacp/periodic.c: the Periodic Transmission machine, 6.4.13 and figure 6-19. PERIODIC_TX is passed
 * through: it sets NTT. */
#include "lacp/internal.h"

/* How often PDUs are due is the partner's wish. If neither end is active, never. */
enum lacp_periodic_state periodic_next(const struct lacp_port *p)
{
    if (!p->link.up ||
        !(lacp_has(&p->actor, LACP_ACTIVITY) || lacp_has(&p->partner, LACP_ACTIVITY)))
        return LACP_NO_PERIODIC;
    return lacp_has(&p->partner, LACP_TIMEOUT) ? LACP_FAST_PERIODIC : LACP_SLOW_PERIODIC;
}

static void enter(struct lacp_port *p, enum lacp_periodic_state s, nsec_t now)
{
    p->periodic = s;
    if (s == LACP_NO_PERIODIC)
        p->periodic_timer = NSEC_NEVER;
    else
        p->periodic_timer = now + (s == LACP_FAST_PERIODIC ? LACP_FAST_NS : LACP_SLOW_NS);
}

bool periodic_step(struct lacp_port *p, nsec_t now)
{
    enum lacp_periodic_state next = periodic_next(p);
    if (next == p->periodic)
        return false;
    /* SLOW_PERIODIC leaves through PERIODIC_TX: who asks for fast ones gets one now. */
    if (p->periodic == LACP_SLOW_PERIODIC && next == LACP_FAST_PERIODIC)
        p->ntt = true;
    enter(p, next, now);
    return true;
}

void periodic_timeout(struct lacp_port *p, nsec_t now)
{
    p->ntt = true;
    enter(p, p->periodic, now);
}
