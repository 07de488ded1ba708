/* stp/bdm.c: Bridge Detection (802.1Q-2018 13.33, figure 13-16). Its isolate is our bridge
 * assurance. */
#include "stp/machine.h"

/* The silence that a guard answers to is no sign of a host; and an edge would stop proposing, which
 * is how it finds out that somebody is there again. */
static bool kept_closed(const struct stp_port *p)
{
    bool loop_held = false;
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        loop_held = loop_held || p->tree[t].loop_held;
    return loop_held || p->assurance_held;
}

unsigned stp_bdm_next(const struct stp_port *p)
{
    if (p->bdm == BDM_EDGE)
        return (!p->enabled && !p->cfg.edge) || !p->oper_edge ? BDM_NOT_EDGE : 0;
    bool silent = p->edge_delay_while == 0 && p->cfg.auto_edge && p->send_rstp &&
                  p->tree[0].proposing && !kept_closed(p);
    return (!p->enabled && p->cfg.edge) || (p->enabled && silent) ? BDM_EDGE : 0;
}

void stp_bdm_enter(struct stp_port *p, unsigned state) { p->oper_edge = state == BDM_EDGE; }
