/* lacp/marker.c: the Marker Responder (6.5.4.2), and a generator that measures that a link is
 * empty. */
#include <errno.h>

#include "lacp/internal.h"

/* At most MARKER_RATE in a second, as Slow Protocols ask for (802.3 annex 57A): who floods us with
 * markers isn't helped to flood others. */
static bool may_answer(struct lacp_port *p, nsec_t now)
{
    if (p->answer_second == NSEC_NEVER || now - p->answer_second >= NSEC_PER_SEC) {
        p->answer_second = now;
        p->answered = 0;
    }
    return p->answered < MARKER_RATE && p->n_answers < MARKER_QUEUE;
}

static void answer(struct lacp *l, struct lacp_port *p, const struct marker_pdu *m)
{
    p->stats.rx_marker++;
    if (!may_answer(p, l->now)) {
        p->stats.marker_dropped++;
        return;
    }
    p->answered++;
    p->answer[p->n_answers] = *m;
    p->answer[p->n_answers++].type = MARKER_RESPONSE;
}

int marker_rx(struct lacp *l, struct lacp_port *p, const void *pdu, size_t len)
{
    struct marker_pdu m;
    if (marker_pdu_read(pdu, len, &m) != 0)
        return -EPROTO;
    if (m.type == MARKER_INFORMATION) {
        answer(l, p, &m);
        return 0;
    }
    p->stats.rx_marker_response++;
    bool ours = p->marker_timer != NSEC_NEVER && m.transaction == p->marker_id &&
                m.port == p->config.number && mac_equal(m.system, l->config.system);
    if (ours) {
        p->marker_timer = NSEC_NEVER;
        lacp_note(p, LACP_EV_MARKER);
    }
    return 0;
}

int lacp_marker(struct lacp *l, unsigned port, nsec_t now)
{
    struct lacp_port *p = lacp_port_at(l, port);
    if (p == NULL || !p->link.up)
        return -ENOENT;
    if (p->marker_timer != NSEC_NEVER)
        return -EBUSY;
    l->now = now > l->now ? now : l->now;
    p->marker_timer = l->now + LACP_MARKER_NS;
    p->marker_id++;
    p->marker_ntt = true;
    l->dirty = true;
    return 0;
}

void marker_timeout(struct lacp_port *p)
{
    p->marker_timer = NSEC_NEVER;
    p->marker_ntt = false;
    lacp_note(p, LACP_EV_MARKER_LOST);
}

bool marker_poll(const struct lacp *l, struct lacp_port *p, uint8_t pdu[LACP_PDU_LEN])
{
    if (!p->link.up) {
        p->n_answers = 0;
        return false;
    }
    if (p->n_answers > 0) {
        marker_pdu_write(&p->answer[0], pdu);
        memmove(&p->answer[0], &p->answer[1], --p->n_answers * sizeof p->answer[0]);
        p->stats.tx_marker_response++;
        return true;
    }
    if (!p->marker_ntt)
        return false;
    p->marker_ntt = false;
    p->stats.tx_marker++;
    struct marker_pdu m = {MARKER_INFORMATION, p->config.number, l->config.system, p->marker_id};
    marker_pdu_write(&m, pdu);
    return true;
}
