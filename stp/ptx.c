/* stp/ptx.c: Port Transmit (802.1Q-2018 13.34, figure 13-17). */
#include "stp/machine.h"

/* allTransmitReady, 13.28.3 */
static bool all_transmit_ready(const struct stp_port *p)
{
    for (unsigned t = 0; t < p->stp->n_trees; t++)
        if (!p->tree[t].selected || p->tree[t].updt_info)
            return false;
    return true;
}

static bool msti_master_port(const struct stp_port *p)
{
    for (unsigned t = 1; t < p->stp->n_trees; t++)
        if (p->tree[t].role == STP_ROLE_MASTER)
            return true;
    return false;
}

/* Designated, or Root with news of a topology change. On a network port every role says hello. */
static bool speaks(const struct stp_tport *p)
{
    return p->role == STP_ROLE_DESIGNATED || (p->role == STP_ROLE_ROOT && p->tc_while != 0);
}

static unsigned what_to_send(const struct stp_port *p)
{
    const struct stp_tport *cist = &p->tree[0];
    if (p->send_rstp)
        return p->new_info || (p->new_info_msti && !msti_master_port(p)) ? PTX_TRANSMIT_RSTP : 0;
    if (p->new_info && cist->role == STP_ROLE_DESIGNATED)
        return PTX_TRANSMIT_CONFIG;
    return p->new_info && cist->role == STP_ROLE_ROOT ? PTX_TRANSMIT_TCN : 0;
}

void stp_tally_news(struct stp_port *p)
{
    struct stp *s = p->stp;
    bool held = p->enabled && !p->cfg.bpdu_filter && p->tx_count >= s->cfg.tx_hold &&
                what_to_send(p) == PTX_TRANSMIT_RSTP;
    if (held == p->news_held)
        return;
    p->news_held = held;
    s->news_held += held ? 1 : -1u;
    if (!held && s->news_held <= 1)
        stp_touch_all(s);
}

unsigned stp_ptx_next(const struct stp_port *p)
{
    bool may = p->enabled && !p->cfg.bpdu_filter;
    if (!may)
        return p->ptx == PTX_TRANSMIT_INIT ? 0 : PTX_TRANSMIT_INIT;
    if (p->ptx != PTX_IDLE)
        return PTX_IDLE;
    if (!all_transmit_ready(p))
        return 0;
    if (p->hello_when == 0)
        return PTX_TRANSMIT_PERIODIC;
    return p->tx_count < p->stp->cfg.tx_hold ? what_to_send(p) : 0;
}

static void periodic(struct stp_port *p)
{
    p->new_info = p->new_info || speaks(&p->tree[0]) || (p->cfg.network && p->send_rstp);
    for (unsigned t = 1; t < p->stp->n_trees; t++)
        p->new_info_msti = p->new_info_msti || speaks(&p->tree[t]);
}

static void transmit(struct stp_port *p, enum send_what what)
{
    p->new_info = false;
    if (what == SEND_RSTP)
        p->new_info_msti = false;
    p->send = what;
    p->tx_count++;
    stp_tally_news(p);
    stp_effect(&p->tree[0], FX_SEND);
}

void stp_ptx_enter(struct stp_port *p, unsigned state)
{
    switch (state) {
    case PTX_TRANSMIT_INIT:
        p->new_info = p->new_info_msti = true;
        p->tx_count = 0;
        p->send = SEND_NOTHING;
        stp_tally_news(p);
        stp_effect_clear(&p->tree[0], FX_SEND);
        break;
    case PTX_IDLE:
        p->hello_when = p->stp->cfg.hello_s;
        break;
    case PTX_TRANSMIT_PERIODIC:
        periodic(p);
        break;
    case PTX_TRANSMIT_CONFIG:
        transmit(p, SEND_CONFIG);
        break;
    case PTX_TRANSMIT_TCN:
        transmit(p, SEND_TCN);
        break;
    default:
        transmit(p, SEND_RSTP);
    }
}
