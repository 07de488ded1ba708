/* lacp/select.c: the Selection Logic, 6.4.14: which LAG gets which aggregator, and which of its
 * ports are selected. See "Choices" in lacp.h. */
#include "lacp/internal.h"

bool select_eligible(const struct lacp_port *p, const struct lacp_agg_config *c)
{
    if (!p->used || p->config.key != c->key || p->looped || p->same_system)
        return false;
    if (!lacp_has(&p->actor, LACP_DEFAULTED))
        return true;
    return c->individual && p->rx == LACP_RX_DEFAULTED;
}

/* The link is up, and somebody is there or nobody at all ever was. */
static bool alive(const struct lacp_port *p)
{
    return p->link.up && (p->rx == LACP_RX_CURRENT || p->rx == LACP_RX_DEFAULTED);
}

struct lag select_lag_of(const struct lacp *l, const struct lacp_port *p)
{
    bool individual =
        !lacp_has(&p->actor, LACP_AGGREGATION) || !lacp_has(&p->partner, LACP_AGGREGATION);
    return (struct lag){
        .valid = true,
        .port = individual ? (uint16_t)(p - l->ports) : LACP_NONE,
        .defaulted = lacp_has(&p->actor, LACP_DEFAULTED),
        .key = p->config.key,
        .partner_priority = p->partner.system_priority,
        .partner_key = p->partner.key,
        .partner_system = p->partner.system,
        .speed_mbps = p->link.speed_mbps,
    };
}

bool select_same_lag(const struct lag *a, const struct lag *b)
{
    return a->valid && b->valid && a->key == b->key && a->port == b->port &&
           a->defaulted == b->defaulted && a->partner_priority == b->partner_priority &&
           a->partner_key == b->partner_key && mac_equal(a->partner_system, b->partner_system) &&
           a->speed_mbps == b->speed_mbps;
}

/* ---- which LAG an aggregator serves ---- */

struct tally {
    unsigned ports, alive;
};

static struct tally count(const struct lacp *l, const struct lacp_agg *a, const struct lag *g)
{
    struct tally t = {0};
    for (unsigned i = 0; g->valid && i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        if (!select_eligible(p, &a->config))
            continue;
        struct lag other = select_lag_of(l, p);
        if (!select_same_lag(&other, g))
            continue;
        t.ports++;
        t.alive += alive(p);
    }
    return t;
}

static bool taken(const struct lacp *l, const struct lag *g)
{
    for (unsigned i = 0; i < l->config.aggs; i++) {
        if (l->aggs[i].used && select_same_lag(&l->aggs[i].lag, g))
            return true;
    }
    return false;
}

/* 6.4.14.1: the standard says what may be aggregated, not who goes first. */
static bool better(const struct lag *a, unsigned a_alive, const struct lag *b, unsigned b_alive)
{
    if (a->defaulted != b->defaulted)
        return !a->defaulted;
    if (a_alive != b_alive)
        return a_alive > b_alive;
    if (a->partner_priority != b->partner_priority)
        return a->partner_priority < b->partner_priority;
    return mac_to_u64(a->partner_system) < mac_to_u64(b->partner_system);
}

/* The best LAG with a live port that no aggregator serves; invalid: there is none. */
static struct lag challenger(const struct lacp *l, const struct lacp_agg *a)
{
    struct lag best = {0};
    unsigned best_alive = 0;
    for (unsigned i = 0; i < l->config.ports; i++) {
        const struct lacp_port *p = &l->ports[i];
        if (!select_eligible(p, &a->config) || !alive(p))
            continue;
        struct lag g = select_lag_of(l, p);
        if (select_same_lag(&g, &best) || taken(l, &g))
            continue;
        unsigned n = count(l, a, &g).alive;
        if (!best.valid || better(&g, n, &best, best_alive)) {
            best = g;
            best_alive = n;
        }
    }
    return best;
}

static void choose_lag(struct lacp *l, struct lacp_agg *a)
{
    struct tally now = count(l, a, &a->lag);
    if (now.alive > 0 && !a->lag.defaulted)
        return;
    struct lag other = challenger(l, a);
    if (other.valid && (now.alive == 0 || !other.defaulted))
        a->lag = other;
    else if (now.ports == 0)
        a->lag = (struct lag){0};
}

/* ---- which ports are selected ---- */

static uint16_t aggregator_for(const struct lacp *l, const struct lacp_port *p)
{
    struct lag g = select_lag_of(l, p);
    for (unsigned i = 0; i < l->config.aggs; i++) {
        const struct lacp_agg *a = &l->aggs[i];
        if (a->used && select_eligible(p, &a->config) && select_same_lag(&a->lag, &g))
            return (uint16_t)i;
    }
    return LACP_NONE;
}

/* Both ends carry frames by it. */
static bool carries(const struct lacp_port *p)
{
    return p->selected == LACP_SELECTED && lacp_has(&p->actor, LACP_DISTRIBUTING);
}

/* Order among ports of a LAG with more links than it may use: those that work first, then by the
 * priority that the better system gave them (6.4.14.1 h, 6.6.2). Among equals who carries goes on:
 * a link that returns takes nothing from another, which would cost frames. Then by number; what
 * carries does so at both ends, so both see one order, or soon neither carries. */
static bool ahead(const struct lacp *l, const struct lacp_port *a, const struct lacp_port *b)
{
    bool a_works = alive(a) && a->partner_churn.state != CHURN_FOUND;
    bool b_works = alive(b) && b->partner_churn.state != CHURN_FOUND;
    if (a_works != b_works)
        return a_works;
    bool ours = l->config.system_priority != a->partner.system_priority
                    ? l->config.system_priority < a->partner.system_priority
                    : mac_to_u64(l->config.system) < mac_to_u64(a->partner.system);
    const struct lacp_info *ia = ours ? &a->actor : &a->partner;
    const struct lacp_info *ib = ours ? &b->actor : &b->partner;
    if (ia->port_priority != ib->port_priority)
        return ia->port_priority < ib->port_priority;
    if (carries(a) != carries(b))
        return carries(a);
    return ia->port != ib->port ? ia->port < ib->port : a < b;
}

static bool stands_by(const struct lacp *l, const struct lacp_port *p, uint16_t agg)
{
    unsigned max = l->aggs[agg].config.max_links, before = 0;
    for (unsigned i = 0; max > 0 && i < l->config.ports; i++) {
        const struct lacp_port *q = &l->ports[i];
        if (q->used && q != p && aggregator_for(l, q) == agg && ahead(l, q, p))
            before++;
    }
    return max > 0 && before >= max;
}

/* A port changes its aggregator by way of UNSELECTED and DETACHED, never directly. */
static bool select_port(const struct lacp *l, struct lacp_port *p)
{
    uint16_t agg = aggregator_for(l, p);
    if (p->selected != LACP_UNSELECTED && p->agg != agg) {
        p->selected = LACP_UNSELECTED;
        return true;
    }
    if (p->selected == LACP_UNSELECTED && p->mux != LACP_MUX_DETACHED)
        return false;
    if (agg == LACP_NONE) {
        p->agg = LACP_NONE;
        return false;
    }
    enum lacp_selected want = stands_by(l, p, agg) ? LACP_STANDBY : LACP_SELECTED;
    bool changed = p->selected != want;
    p->agg = agg;
    p->selected = want;
    return changed;
}

bool select_step(struct lacp *l)
{
    bool changed = false;
    for (unsigned i = 0; i < l->config.aggs; i++) {
        if (l->aggs[i].used)
            choose_lag(l, &l->aggs[i]);
    }
    for (unsigned i = 0; i < l->config.ports; i++) {
        if (l->ports[i].used)
            changed |= select_port(l, &l->ports[i]);
    }
    return changed;
}
