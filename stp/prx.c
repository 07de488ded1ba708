/* stp/prx.c: Port Receive (802.1Q-2018 13.31, figure 13-14). */
#include "stp/machine.h"

static bool rcvd_any_msg(const struct stp_port *p)
{
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        if (p->tree[t].rcvd_msg)
            return true;
    return false;
}

unsigned stp_prx_next(const struct stp_port *p)
{
    if (!p->enabled && (p->rcvd_bpdu || p->edge_delay_while != MIGRATE_TIME))
        return PRX_DISCARD;
    if (p->rcvd_bpdu && p->enabled && !rcvd_any_msg(p))
        return PRX_RECEIVE;
    return 0;
}

/* updtBPDUVersion(), 13.29.33 */
static void updt_bpdu_version(struct stp_port *p)
{
    if (p->stp->rx.kind == BPDU_CONFIG || p->stp->rx.kind == BPDU_TCN)
        p->rcvd_stp = true;
    else
        p->rcvd_rstp = true;
}

/* fromSameRegion(), 13.29.8 */
static bool from_same_region(const struct stp_port *p)
{
    const struct stp *s = p->stp;
    return s->cfg.version == STP_VERSION_MSTP && s->rx.kind == BPDU_MST &&
           memcmp(s->rx.region.name, s->region.name, sizeof s->region.name) == 0 &&
           s->rx.region.revision == s->region.revision &&
           memcmp(s->rx.region.digest, s->region.digest, sizeof s->region.digest) == 0;
}

static void discard(struct stp_port *p)
{
    p->rcvd_bpdu = p->rcvd_rstp = p->rcvd_stp = false;
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        p->tree[t].rcvd_msg = false;
    p->outsiders = false;
    p->edge_delay_while = MIGRATE_TIME;
}

static void receive(struct stp_port *p)
{
    updt_bpdu_version(p);
    p->rcvd_internal = from_same_region(p);
    p->outsiders = p->outsiders || !p->rcvd_internal;
    stp_rcv_msgs(p);
    p->oper_edge = p->rcvd_bpdu = false;
    p->edge_delay_while = MIGRATE_TIME;
}

void stp_prx_enter(struct stp_port *p, unsigned state)
{
    if (state == PRX_DISCARD)
        discard(p);
    else
        receive(p);
}
