/* stp/pst.c: Port State Transition (802.1Q-2018 13.38, figure 13-21). */
#include "stp/machine.h"

unsigned stp_pst_next(const struct stp_tport *p)
{
    switch (p->pst) {
    case PST_DISCARDING:
        return p->learn ? PST_LEARNING : 0;
    case PST_LEARNING:
        if (!p->learn)
            return PST_DISCARDING;
        return p->forward ? PST_FORWARDING : 0;
    default:
        return p->forward ? 0 : PST_DISCARDING;
    }
}

static enum stp_state state_of(const struct stp_tport *p)
{
    if (p->forwarding)
        return STP_FORWARDING;
    return p->learning ? STP_LEARNING : STP_DISCARDING;
}

void stp_pst_enter(struct stp_tport *p, unsigned state)
{
    if (state == PST_FORWARDING)
        p->forward_transitions++;
    p->learning = state != PST_DISCARDING;
    p->forwarding = state == PST_FORWARDING;
    stp_effect_clear(p, FX_CLOSE);
    stp_effect_clear(p, FX_OPEN);
    if (state_of(p) != p->reported)
        stp_effect(p, state_of(p) < p->reported ? FX_CLOSE : FX_OPEN);
}
