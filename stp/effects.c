/* stp/effects.c: what waits to be told, as bits, and stp_poll(). */
#include "stp/machine.h"

static unsigned place(const struct stp_tport *p)
{
    return p->port->at * p->port->stp->n_trees + p->tree->index;
}

void stp_effect(struct stp_tport *p, enum effect f)
{
    struct stp *s = p->port->stp;
    if (p->effects & 1u << f)
        return;
    p->effects |= (uint8_t)(1u << f);
    s->pending[f]++;
    if (place(p) < s->cursor[f])
        s->cursor[f] = place(p);
}

void stp_effect_clear(struct stp_tport *p, enum effect f)
{
    if (!(p->effects & 1u << f))
        return;
    p->effects &= (uint8_t) ~(1u << f);
    p->port->stp->pending[f]--;
}

void stp_event_raise(struct stp_tport *p, enum stp_event e)
{
    p->events |= (uint16_t)(1u << e);
    stp_effect(p, FX_EVENT);
}

static struct stp_tport *find(struct stp *s, enum effect f)
{
    unsigned end = s->n_ports * s->n_trees;
    for (unsigned i = s->cursor[f]; i < end; i++) {
        struct stp_tport *p = &s->list[i / s->n_trees]->tree[i % s->n_trees];
        if (p->effects & 1u << f) {
            s->cursor[f] = i;
            return p;
        }
    }
    return NULL;
}

static void take_event(struct stp_tport *p, struct stp_action *a)
{
    a->kind = STP_ACT_EVENT;
    a->event = (enum stp_event)__builtin_ctz(p->events);
    p->events &= (uint16_t)(p->events - 1);
    if (p->events == 0)
        stp_effect_clear(p, FX_EVENT);
}

/* tcAck is spent by what could carry it. */
static void take_pdu(struct stp_port *p, struct stp_action *a)
{
    a->kind = STP_ACT_SEND;
    a->len = stp_tx_encode(p, a->pdu);
    p->tc_ack = p->tc_ack && p->send == SEND_TCN;
    if (p->send == SEND_RSTP)
        (p->stp->cfg.version == STP_VERSION_MSTP ? &p->count.tx_mst : &p->count.tx_rst)[0]++;
    else
        (p->send == SEND_TCN ? &p->count.tx_tcn : &p->count.tx_config)[0]++;
    p->send = SEND_NOTHING;
}

static void take(struct stp_tport *p, enum effect f, struct stp_action *a)
{
    a->port = p->port->number;
    a->tree = p->tree->index;
    switch (f) {
    case FX_CLOSE:
    case FX_OPEN:
        a->kind = STP_ACT_STATE;
        a->state = p->forwarding ? STP_FORWARDING : p->learning ? STP_LEARNING : STP_DISCARDING;
        p->reported = a->state;
        break;
    case FX_FLUSH:
        a->kind = STP_ACT_FLUSH;
        break;
    case FX_SEND:
        take_pdu(p->port, a);
        break;
    default:
        take_event(p, a);
        return;
    }
    stp_effect_clear(p, f);
}

bool stp_poll(struct stp *s, struct stp_action *a)
{
    for (enum effect f = 0; f < FX_COUNT; f++) {
        struct stp_tport *p = s->pending[f] != 0 ? find(s, f) : NULL;
        if (p != NULL) {
            take(p, f, a);
            return true;
        }
        s->cursor[f] = 0;
    }
    return false;
}
