/* stp/ppm.c: Port Protocol Migration (802.1Q-2018 13.32, figure 13-15). */
#include "stp/machine.h"

unsigned stp_ppm_next(const struct stp_port *p)
{
    switch (p->ppm) {
    case PPM_CHECKING_RSTP:
        if (p->mdelay_while != MIGRATE_TIME && !p->enabled)
            return PPM_CHECKING_RSTP;
        return p->mdelay_while == 0 ? PPM_SENSING : 0;
    case PPM_SELECTING_STP:
        return p->mdelay_while == 0 || !p->enabled || p->mcheck ? PPM_SENSING : 0;
    default:
        if (!p->enabled || p->mcheck || (rstp_version(p->stp) && !p->send_rstp && p->rcvd_rstp))
            return PPM_CHECKING_RSTP;
        return p->send_rstp && p->rcvd_stp ? PPM_SELECTING_STP : 0;
    }
}

/* What a port may say to an STP bridge names us as the region's root (13.11): roles are due again.
 */
static void set_send_rstp(struct stp_port *p, bool on)
{
    if (p->send_rstp == on)
        return;
    p->send_rstp = on;
    stp_reselect(&p->stp->tree[0]);
    if (p->ppm != 0) /* not at the begin */
        stp_event_raise(&p->tree[0], STP_EVENT_MIGRATED);
}

void stp_ppm_enter(struct stp_port *p, unsigned state)
{
    switch (state) {
    case PPM_CHECKING_RSTP:
        p->mcheck = false;
        set_send_rstp(p, rstp_version(p->stp));
        p->mdelay_while = MIGRATE_TIME;
        break;
    case PPM_SELECTING_STP:
        set_send_rstp(p, false);
        p->mdelay_while = MIGRATE_TIME;
        break;
    default:
        p->rcvd_rstp = p->rcvd_stp = false;
    }
}
