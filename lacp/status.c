/* lacp/status.c: what people and tests see. */
#include <stdio.h>

#include "lacp/internal.h"

static bool key_known(const struct lacp *l, uint16_t key)
{
    for (unsigned i = 0; i < l->config.aggs; i++) {
        if (l->aggs[i].used && l->aggs[i].config.key == key)
            return true;
    }
    return false;
}

static enum lacp_why why_unselected(const struct lacp *l, const struct lacp_port *p)
{
    if (!key_known(l, p->config.key))
        return LACP_WHY_KEY;
    if (lacp_has(&p->actor, LACP_DEFAULTED))
        return LACP_WHY_NO_PARTNER;
    return select_lag_of(l, p).port != LACP_NONE ? LACP_WHY_INDIVIDUAL : LACP_WHY_OTHER_LAG;
}

static enum lacp_why why_of(const struct lacp *l, const struct lacp_port *p)
{
    if (!p->link.up)
        return LACP_WHY_LINK;
    if (p->same_system)
        return p->looped ? LACP_WHY_LOOPED : LACP_WHY_SAME_SYSTEM;
    if (lacp_has(&p->actor, LACP_DISTRIBUTING))
        return LACP_WHY_BUNDLED;
    if (p->selected == LACP_UNSELECTED)
        return why_unselected(l, p);
    if (p->rx == LACP_RX_EXPIRED)
        return LACP_WHY_EXPIRED;
    if (p->selected == LACP_STANDBY)
        return LACP_WHY_STANDBY;
    if (p->mux == LACP_MUX_COLLECTING)
        return LACP_WHY_PARTNER_COLLECTING;
    if (p->mux != LACP_MUX_ATTACHED)
        return LACP_WHY_WAITING;
    return p->heard_us ? LACP_WHY_PARTNER_SYNC : LACP_WHY_ONE_WAY;
}

bool lacp_port_status(const struct lacp *l, unsigned port, struct lacp_port_status *out)
{
    const struct lacp_port *p = lacp_port_at(l, port);
    if (p == NULL)
        return false;
    *out = (struct lacp_port_status){
        .config = p->config,
        .link = p->link,
        .actor = p->actor,
        .partner = p->partner,
        .partner_max_delay = p->partner_max_delay,
        .partner_version = p->partner_version,
        .rx = p->rx,
        .periodic = p->periodic,
        .selected = p->selected,
        .mux = p->mux,
        .why = why_of(l, p),
        .actor_churn = p->actor_churn.state == CHURN_FOUND,
        .partner_churn = p->partner_churn.state == CHURN_FOUND,
        .agg = p->agg,
        .last_rx = p->last_rx,
        .last_tx = p->last_tx,
        .last_change = p->last_change,
        .stats = p->stats,
    };
    return true;
}

bool lacp_agg_status(const struct lacp *l, unsigned agg, struct lacp_agg_status *out)
{
    const struct lacp_agg *a = lacp_agg_at(l, agg);
    if (a == NULL)
        return false;
    *out = (struct lacp_agg_status){
        .config = a->config,
        .serving = a->lag.valid,
        .individual = a->lag.valid && a->lag.port != LACP_NONE,
        .partner = {.system_priority = a->lag.partner_priority,
                    .system = a->lag.partner_system,
                    .key = a->lag.partner_key},
    };
    for (unsigned i = 0; i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        if (!p->used || p->agg != agg)
            continue;
        bool distributing = lacp_has(&p->actor, LACP_DISTRIBUTING);
        out->attached += lacp_has(&p->actor, LACP_SYNC);
        out->collecting += lacp_has(&p->actor, LACP_COLLECTING);
        out->distributing += distributing;
        out->speed_mbps += distributing ? p->link.speed_mbps : 0;
    }
    return true;
}

const char *lacp_rx_name(enum lacp_rx_state s)
{
    static const char *const name[] = {"initialize", "port-disabled", "expired", "defaulted",
                                       "current"};
    return name[s];
}

const char *lacp_periodic_name(enum lacp_periodic_state s)
{
    static const char *const name[] = {"none", "fast", "slow"};
    return name[s];
}

const char *lacp_mux_name(enum lacp_mux_state s)
{
    static const char *const name[] = {"detached",   "waiting",      "attached",
                                       "collecting", "distributing", "collecting-distributing"};
    return name[s];
}

const char *lacp_selected_name(enum lacp_selected s)
{
    static const char *const name[] = {"unselected", "standby", "selected"};
    return name[s];
}

const char *lacp_why_text(enum lacp_why w)
{
    static const char *const text[LACP_WHYS] = {
        [LACP_WHY_BUNDLED] = "bundled",
        [LACP_WHY_LINK] = "link down",
        [LACP_WHY_LOOPED] = "looped: it hears its own PDUs",
        [LACP_WHY_SAME_SYSTEM] = "wired to another port of this switch",
        [LACP_WHY_NO_PARTNER] = "no LACP partner",
        [LACP_WHY_EXPIRED] = "the partner fell silent",
        [LACP_WHY_KEY] = "no bond has its key",
        [LACP_WHY_OTHER_LAG] = "leads to another partner, key or speed than the bond's links",
        [LACP_WHY_INDIVIDUAL] = "individual: one end says that it can't be aggregated",
        [LACP_WHY_STANDBY] = "standby: the bond has its max_links",
        [LACP_WHY_WAITING] = "waits for other links to come",
        [LACP_WHY_PARTNER_SYNC] = "the partner isn't in sync",
        [LACP_WHY_ONE_WAY] = "the partner doesn't hear us",
        [LACP_WHY_PARTNER_COLLECTING] = "the partner isn't collecting",
    };
    return text[w];
}

const char *lacp_event_text(enum lacp_event e)
{
    static const char *const text[LACP_EVENTS] = {
        [LACP_EV_CURRENT] = "the partner speaks",
        [LACP_EV_EXPIRED] = "the partner fell silent",
        [LACP_EV_DEFAULTED] = "no partner",
        [LACP_EV_PARTNER] = "another partner",
        [LACP_EV_ATTACHED] = "attached",
        [LACP_EV_DETACHED] = "detached",
        [LACP_EV_LOOPED] = "hears this switch: a loop",
        [LACP_EV_ACTOR_CHURN] = "actor churn: not in sync for a minute",
        [LACP_EV_PARTNER_CHURN] = "partner churn: the partner is not in sync for a minute",
        [LACP_EV_MARKER] = "marker answered",
        [LACP_EV_MARKER_LOST] = "marker not answered",
    };
    return text[e];
}

const char *lacp_state_text(uint8_t state, char *buf, size_t len)
{
    const char *word[8] = {
        (state & LACP_ACTIVITY) ? "active" : "passive",
        (state & LACP_TIMEOUT) ? "fast" : "slow",
        (state & LACP_AGGREGATION) ? "aggregatable" : "individual",
        (state & LACP_SYNC) ? "in-sync" : "out-of-sync",
        (state & LACP_COLLECTING) ? "collecting" : NULL,
        (state & LACP_DISTRIBUTING) ? "distributing" : NULL,
        (state & LACP_DEFAULTED) ? "defaulted" : NULL,
        (state & LACP_EXPIRED) ? "expired" : NULL,
    };
    size_t at = 0;
    if (len > 0)
        buf[0] = '\0';
    for (unsigned i = 0; i < 8; i++) {
        if (word[i] != NULL && at < len)
            at += (size_t)snprintf(buf + at, len - at, "%s%s", i > 0 ? "," : "", word[i]);
    }
    return buf;
}
