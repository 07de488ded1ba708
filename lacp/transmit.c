/* lacp/transmit.c: the Transmit machine, 6.4.16. */
#include "lacp/internal.h"

nsec_t transmit_due(const struct lacp_port *p)
{
    if (!p->ntt || p->periodic == LACP_NO_PERIODIC)
        return NSEC_NEVER;
    nsec_t oldest = p->tx_at[p->tx_next];
    return oldest == NSEC_NEVER ? INT64_MIN : oldest + LACP_FAST_NS;
}

bool transmit_poll(const struct lacp *l, struct lacp_port *p, uint8_t pdu[LACP_PDU_LEN])
{
    if (p->periodic == LACP_NO_PERIODIC)
        p->ntt = false; /* 6.4.16: nothing is sent, nor remembered */
    if (transmit_due(p) > l->now)
        return false;
    p->tx_at[p->tx_next] = l->now;
    p->tx_next = (p->tx_next + 1) % TX_LIMIT;
    p->ntt = false;
    p->last_tx = l->now;
    p->stats.tx_lacpdu++;
    struct lacp_pdu out = {.version = 1, .actor = p->actor, .partner = p->partner};
    lacp_pdu_write(&out, pdu);
    return true;
}
