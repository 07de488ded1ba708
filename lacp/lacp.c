/* lacp/lacp.c: the engine's calls, its actions, and settle(), which lets the machines come to rest.
 */
#include "lacp/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

/* A change of the partner takes a port through UNSELECTED, DETACHED, SELECTED, WAITING, ATTACHED
 * and on, and may free an aggregator for others, who then do the same: far below this. */
static const unsigned SETTLE_ROUNDS = 64;

static bool step_all(struct lacp *l)
{
    bool moved = false;
    for (unsigned i = 0; i < l->config.ports; i++) {
        struct lacp_port *p = &l->ports[i];
        if (p->used)
            moved |= receive_step(p, l->now);
    }
    moved |= select_step(l);
    for (unsigned i = 0; i < l->config.ports; i++) {
        struct lacp_port *p = &l->ports[i];
        if (!p->used)
            continue;
        moved |= mux_step(l, p);
        moved |= periodic_step(p, l->now);
        moved |= churn_step(p, l->now);
    }
    return moved;
}

static void settle(struct lacp *l)
{
    unsigned rounds = 0;
    while (step_all(l))
        weft_assert(++rounds < SETTLE_ROUNDS);
    l->dirty = true;
}

static void set_now(struct lacp *l, nsec_t now) { l->now = now > l->now ? now : l->now; }

/* ---------------------------------------------------------------- come and go */

int lacp_create(const struct lacp_config *c, nsec_t now, struct lacp **out, struct errbuf *e)
{
    if (mac_is_zero(c->system) || mac_is_multicast(c->system))
        return errbuf_set(e, EINVAL, "LACP: a system's address is unicast and not zero");
    if (c->ports == 0 || c->ports > LACP_PORTS_MAX || c->aggs == 0 || c->aggs > LACP_AGGS_MAX)
        return errbuf_set(e, EINVAL, "LACP: %u ports and %u aggregators; give 1..%d and 1..%d",
                          c->ports, c->aggs, LACP_PORTS_MAX, LACP_AGGS_MAX);
    struct lacp *l = calloc(1, sizeof *l);
    if (l == NULL)
        return errbuf_set(e, ENOMEM, "LACP: out of memory");
    l->config = *c;
    l->now = now;
    l->ports = calloc(c->ports, sizeof *l->ports);
    l->aggs = calloc(c->aggs, sizeof *l->aggs);
    if (l->ports == NULL || l->aggs == NULL) {
        lacp_free(l);
        return errbuf_set(e, ENOMEM, "LACP: out of memory");
    }
    *out = l;
    return 0;
}

void lacp_free(struct lacp *l)
{
    if (l == NULL)
        return;
    free(l->ports);
    free(l->aggs);
    free(l);
}

int lacp_agg_set(struct lacp *l, unsigned agg, const struct lacp_agg_config *c, nsec_t now,
                 struct errbuf *e)
{
    if (agg >= l->config.aggs)
        return errbuf_set(e, ENOSPC, "LACP: aggregator %u; there are %u", agg, l->config.aggs);
    if (c->key == 0)
        return errbuf_set(e, EINVAL, "LACP: aggregator %u: key 0; give 1..65535", agg);
    set_now(l, now);
    struct lacp_agg *a = &l->aggs[agg];
    if (!a->used || a->config.key != c->key)
        a->lag = (struct lag){0};
    a->used = true;
    a->config = *c;
    settle(l);
    return 0;
}

void lacp_agg_del(struct lacp *l, unsigned agg, nsec_t now)
{
    if (lacp_agg_at(l, agg) == NULL)
        return;
    set_now(l, now);
    l->aggs[agg] = (struct lacp_agg){0};
    settle(l);
}

static bool number_used(const struct lacp *l, unsigned but, uint16_t number)
{
    for (unsigned i = 0; i < l->config.ports; i++) {
        if (i != but && l->ports[i].used && l->ports[i].config.number == number)
            return true;
    }
    return false;
}

static void port_begin(struct lacp *l, struct lacp_port *p)
{
    bool told_c = p->told_collecting, told_d = p->told_distributing;
    uint16_t told_agg = p->told_agg;
    *p = (struct lacp_port){
        .used = true,
        .agg = LACP_NONE,
        .told_collecting = told_c, /* of a deleted port in this place, not yet polled */
        .told_distributing = told_d,
        .told_agg = told_agg,
        .current_while = NSEC_NEVER,
        .periodic_timer = NSEC_NEVER,
        .wait_while = NSEC_NEVER,
        .marker_timer = NSEC_NEVER,
        .answer_second = NSEC_NEVER,
        .actor_churn = {CHURN_MONITOR, NSEC_NEVER},
        .partner_churn = {CHURN_MONITOR, NSEC_NEVER},
        .tx_at = {NSEC_NEVER, NSEC_NEVER, NSEC_NEVER},
        .last_rx = NSEC_NEVER,
        .last_tx = NSEC_NEVER,
        .last_change = l->now,
    };
    receive_begin(p, l->now);
}

/* Actor_Oper from the configuration and the link. */
static void set_actor(const struct lacp *l, struct lacp_port *p)
{
    struct lacp_info *a = &p->actor;
    uint8_t before = a->state;
    a->system_priority = l->config.system_priority;
    a->system = l->config.system;
    a->key = p->config.key;
    a->port_priority = p->config.priority;
    a->port = p->config.number;
    lacp_put(a, LACP_ACTIVITY, p->config.active);
    lacp_put(a, LACP_TIMEOUT, p->config.fast);
    lacp_put(a, LACP_AGGREGATION, !p->config.alone && p->link.full_duplex);
    if (a->state != before)
        p->ntt = true;
}

int lacp_port_set(struct lacp *l, unsigned port, const struct lacp_port_config *c, nsec_t now,
                  struct errbuf *e)
{
    if (port >= l->config.ports)
        return errbuf_set(e, ENOSPC, "LACP: port %u; there are %u", port, l->config.ports);
    if (c->number == 0 || c->key == 0)
        return errbuf_set(e, EINVAL, "LACP: port %u: number %u, key %u; give 1..65535", port,
                          c->number, c->key);
    if (number_used(l, port, c->number))
        return errbuf_set(e, EEXIST, "LACP: port %u: another port has number %u", port, c->number);
    set_now(l, now);
    struct lacp_port *p = &l->ports[port];
    if (!p->used)
        port_begin(l, p);
    bool other =
        p->config.key != c->key || p->config.number != c->number || p->config.alone != c->alone;
    if (other)
        p->selected = LACP_UNSELECTED; /* 6.4.14: another LAG ID */
    p->ntt |= other || p->config.priority != c->priority;
    p->config = *c;
    set_actor(l, p);
    settle(l);
    return 0;
}

void lacp_port_del(struct lacp *l, unsigned port, nsec_t now)
{
    struct lacp_port *p = lacp_port_at(l, port);
    if (p == NULL)
        return;
    set_now(l, now);
    *p = (struct lacp_port){.told_collecting = p->told_collecting,
                            .told_distributing = p->told_distributing,
                            .told_agg = p->told_agg};
    settle(l);
}

/* ---------------------------------------------------------------- events */

static int rx_lacpdu(struct lacp *l, struct lacp_port *p, const void *pdu, size_t len)
{
    struct lacp_pdu in;
    if (lacp_pdu_read(pdu, len, &in) != 0) {
        p->stats.rx_bad++;
        return -EPROTO;
    }
    p->stats.rx_lacpdu++;
    p->last_rx = l->now;
    receive_pdu(l, p, &in);
    settle(l);
    return 0;
}

int lacp_rx(struct lacp *l, unsigned port, const void *pdu, size_t len, nsec_t now)
{
    struct lacp_port *p = lacp_port_at(l, port);
    if (p == NULL || !p->link.up)
        return -ENOENT;
    set_now(l, now);
    uint8_t subtype = len > 0 ? *(const uint8_t *)pdu : 0;
    int r;
    switch (subtype) {
    case LACP_SUBTYPE:
        return rx_lacpdu(l, p, pdu, len);
    case LACP_SUBTYPE_MARKER:
        r = marker_rx(l, p, pdu, len);
        p->stats.rx_bad += r != 0;
        l->dirty = true;
        return r;
    case 0:
        p->stats.rx_bad++;
        return -EPROTO;
    default:
        p->stats.rx_unknown++;
        return -EOPNOTSUPP;
    }
}

void lacp_link(struct lacp *l, unsigned port, const struct lacp_link *link, nsec_t now)
{
    struct lacp_port *p = lacp_port_at(l, port);
    if (p == NULL)
        return;
    set_now(l, now);
    p->link = *link;
    set_actor(l, p);
    settle(l);
}

static void tick_port(struct lacp_port *p, nsec_t now)
{
    if (p->current_while <= now)
        receive_timeout(p, now);
    if (p->periodic_timer <= now)
        periodic_timeout(p, now);
    if (p->wait_while <= now) {
        p->wait_while = NSEC_NEVER;
        p->ready_n = true;
    }
    if (p->marker_timer <= now)
        marker_timeout(p);
}

void lacp_tick(struct lacp *l, nsec_t now)
{
    set_now(l, now);
    for (unsigned i = 0; i < l->config.ports; i++) {
        if (l->ports[i].used)
            tick_port(&l->ports[i], l->now);
    }
    settle(l);
}

static nsec_t earlier(nsec_t a, nsec_t b) { return a < b ? a : b; }

nsec_t lacp_deadline(const struct lacp *l)
{
    nsec_t due = NSEC_NEVER;
    for (unsigned i = 0; i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        if (!p->used)
            continue;
        due = earlier(due, earlier(p->current_while, p->periodic_timer));
        due = earlier(due, earlier(p->wait_while, p->marker_timer));
        due = earlier(due, earlier(p->actor_churn.timer, p->partner_churn.timer));
        due = earlier(due, transmit_due(p));
    }
    return due;
}

/* ---------------------------------------------------------------- actions */

static bool opens(const struct lacp_port *p)
{
    bool c = lacp_has(&p->actor, LACP_COLLECTING), d = lacp_has(&p->actor, LACP_DISTRIBUTING);
    return (c && !p->told_collecting) || (d && !p->told_distributing);
}

static bool poll_gate(struct lacp_port *p, bool opening, struct lacp_action *a)
{
    bool c = lacp_has(&p->actor, LACP_COLLECTING), d = lacp_has(&p->actor, LACP_DISTRIBUTING);
    bool moved = (p->told_collecting || p->told_distributing) && p->told_agg != p->agg;
    if (moved && !opening)
        c = d = false; /* closed for the old aggregator first */
    else if (moved || opens(p) != opening)
        return false;
    if (c == p->told_collecting && d == p->told_distributing)
        return false;
    if (!moved)
        p->told_agg = p->agg;
    a->kind = LACP_ACT_GATE;
    a->agg = p->told_agg;
    p->told_collecting = a->collecting = c;
    p->told_distributing = a->distributing = d;
    return true;
}

static bool poll_send(struct lacp *l, struct lacp_port *p, struct lacp_action *a)
{
    a->kind = LACP_ACT_SEND;
    return p->used && (marker_poll(l, p, a->pdu) || transmit_poll(l, p, a->pdu));
}

static bool poll_event(struct lacp_port *p, struct lacp_action *a)
{
    if (p->events == 0)
        return false;
    a->kind = LACP_ACT_EVENT;
    a->event = (enum lacp_event)__builtin_ctz(p->events);
    a->agg = p->agg;
    p->events &= p->events - 1;
    return true;
}

/* One kind of action after the other: 0 closes, 1 opens, 2 sends, 3 tells. */
static bool poll_one(struct lacp *l, struct lacp_port *p, int pass, struct lacp_action *a)
{
    switch (pass) {
    case 0:
    case 1:
        return poll_gate(p, pass == 1, a);
    case 2:
        return poll_send(l, p, a);
    default:
        return poll_event(p, a);
    }
}

bool lacp_poll(struct lacp *l, struct lacp_action *a)
{
    for (int pass = 0; l->dirty && pass < 4; pass++) {
        for (unsigned i = 0; i < l->config.ports; i++) {
            a->port = i;
            a->agg = LACP_NONE;
            if (poll_one(l, &l->ports[i], pass, a))
                return true;
        }
    }
    l->dirty = false;
    return false;
}

bool lacp_at_rest(const struct lacp *l)
{
    for (unsigned i = 0; i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        bool ready = p->mux == LACP_MUX_WAITING && mux_ready(l, p->agg);
        if (p->used && (mux_next(p, ready) != p->mux || periodic_next(p) != p->periodic ||
                        p->port_moved || (p->rx == LACP_RX_PORT_DISABLED) == p->link.up))
            return false;
    }
    return true;
}
