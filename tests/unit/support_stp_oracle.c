/* What tree there must be, from priorities and costs alone: clause 13's vectors relaxed from
 * nothing (Bellman and Ford), no machine, no timer, no history. Shares no code with stp/ but the
 * vectors' struct. */
#include <string.h>

#include "tests/unit/support_stp.h"

struct oracle {
    const struct net *n;
    unsigned v; /* VLAN index; 0 and bridges without instances: the CIST */
    bool cist;  /* being relaxed */
    struct stp_vector cist_root[NET_BRIDGES], root[NET_BRIDGES];
    unsigned cist_port[NET_BRIDGES], port[NET_BRIDGES]; /* root ports; 0: none */
    unsigned via[NET_BRIDGES];                          /* whose word the root port heard */
};

static int order(const struct stp_vector *a, const struct stp_vector *b)
{
    const uint64_t x[] = {a->root, a->ext_cost, a->regional, a->int_cost, a->bridge, a->port};
    const uint64_t y[] = {b->root, b->ext_cost, b->regional, b->int_cost, b->bridge, b->port};
    for (unsigned i = 0; i < 6; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static bool lives(const struct net *n, unsigned b, unsigned p)
{
    return n->bridge[b].stp != NULL && n->lan[n->bridge[b].port[p].lan].up;
}

static bool same_region(const struct stp_config *a, const struct stp_config *b)
{
    return a->version == STP_VERSION_MSTP && b->version == STP_VERSION_MSTP &&
           strcmp(a->region, b->region) == 0 && a->revision == b->revision &&
           memcmp(a->vlan_msti, b->vlan_msti, sizeof a->vlan_msti) == 0;
}

/* Whether a port fell back to STP is history, not arithmetic (an old bridge that blocks is silent,
 * and so unknown to its neighbours): it is asked of the engine. */
static bool falls_back(const struct net *n, unsigned b, unsigned p)
{
    struct stp_port_status st;
    if (n->bridge[b].stp == NULL)
        return false;
    return !stp_port_status(n->bridge[b].stp, p, &st) || !st.send_rstp;
}

/* Does `to` take what port p of b says as from its own region? */
static bool internal(const struct net *n, unsigned b, unsigned p, unsigned to)
{
    return same_region(&n->bridge[b].cfg, &n->bridge[to].cfg) && !falls_back(n, b, p);
}

static uint64_t bridge_id(const struct oracle *o, unsigned b)
{
    const struct stp_config *c = &o->n->bridge[b].cfg;
    unsigned t = o->cist ? 0 : net_tree(o->n, b, o->v);
    uint64_t high = t == 0 ? c->priority : (uint64_t)(c->msti[t - 1].priority | c->msti[t - 1].id);
    return high << 48 | mac_to_u64(c->mac);
}

static const struct stp_tree_config *tree_config(const struct oracle *o, unsigned b, unsigned p)
{
    const struct stp_port_config *c = &o->n->bridge[b].port[p].cfg;
    unsigned t = o->cist ? 0 : net_tree(o->n, b, o->v);
    return t == 0 ? &c->cist : &c->msti[t - 1];
}

static uint16_t port_id(const struct oracle *o, unsigned b, unsigned p)
{
    return (uint16_t)(tree_config(o, b, p)->priority << 8 | p);
}

static uint32_t cost(const struct oracle *o, unsigned b, unsigned p)
{
    uint32_t c = tree_config(o, b, p)->cost, cist = o->n->bridge[b].port[p].cfg.cist.cost;
    return c ? c : cist ? cist : 20000;
}

/* b's own word on p, as it compares it with what it hears. */
static struct stp_vector own_word(const struct oracle *o, unsigned b, unsigned p)
{
    struct stp_vector m = o->root[b];
    m.bridge = bridge_id(o, b);
    m.port = port_id(o, b, p);
    if (o->cist && falls_back(o->n, b, p)) {
        m.regional = m.bridge;
        m.int_cost = 0;
    }
    return m;
}

/* What port p of b would say on its LAN, as a bridge `to` understands it. */
static struct stp_vector message(const struct oracle *o, unsigned b, unsigned p, unsigned to)
{
    struct stp_vector m = own_word(o, b, p);
    if (o->cist && !internal(o->n, b, p, to)) {
        m.int_cost = 0;
        m.bridge = m.regional;
    }
    return m;
}

/* The best that a bridge hears on a port from others, and from whom. */
struct heard {
    struct stp_vector best;
    unsigned bridge, port;
};

static bool beaten(const struct oracle *o, unsigned b, unsigned p)
{
    const struct net_lan *l = &o->n->lan[o->n->bridge[b].port[p].lan];
    struct stp_vector own = own_word(o, b, p);
    for (unsigned i = 0; i < l->n; i++) {
        unsigned c = l->member[i].bridge, q = l->member[i].port;
        struct stp_vector m = message(o, c, q, b);
        if ((c != b || q != p) && lives(o->n, c, q) && (o->cist || internal(o->n, c, q, b)) &&
            order(&m, &own) < 0)
            return true;
    }
    return false;
}

static bool best_heard(const struct oracle *o, unsigned b, unsigned p, struct heard *h)
{
    const struct net_lan *l = &o->n->lan[o->n->bridge[b].port[p].lan];
    bool any = false;
    for (unsigned i = 0; i < l->n; i++) {
        unsigned c = l->member[i].bridge, q = l->member[i].port;
        if ((c == b && q == p) || !lives(o->n, c, q) || (!o->cist && !internal(o->n, c, q, b)))
            continue;
        struct stp_vector m = message(o, c, q, b);
        if (beaten(o, c, q)) /* it has nothing to say there */
            continue;
        if (!any || order(&m, &h->best) < 0)
            *h = (struct heard){m, c, q};
        any = true;
    }
    return any;
}

/* At the boundary of the region, on the side that doesn't lead the LAN: instances follow the CIST.
 */
static bool led_from_outside(const struct oracle *o, unsigned b, unsigned p)
{
    struct oracle c = *o;
    struct heard h;
    c.cist = true;
    memcpy(c.root, o->cist_root, sizeof c.root);
    if (!best_heard(&c, b, p, &h))
        return false;
    struct stp_vector own = own_word(&c, b, p);
    return order(&h.best, &own) < 0 && !internal(o->n, h.bridge, h.port, b);
}

/* Does c's word still come from those whom it names, and not from b? Else memories of earlier
 * rounds could go round here, too, and count to infinity. */
static bool holds(const struct oracle *o, unsigned c, unsigned b)
{
    const struct stp_vector *said = &o->root[c];
    bool named = said->regional == bridge_id(o, c);
    for (unsigned hops = 0; hops < NET_BRIDGES && c != b && o->port[c] != 0; hops++) {
        c = o->via[c];
        named = named || said->regional == bridge_id(o, c);
    }
    return c != b && o->port[c] == 0 && named && (!o->cist || said->root == bridge_id(o, c));
}

static bool relax(struct oracle *o, unsigned b)
{
    struct stp_vector best_now, *best = &best_now;
    unsigned port_now, *port = &port_now;
    uint64_t id = bridge_id(o, b);
    *best = (struct stp_vector){.root = o->cist ? id : 0, .regional = id, .bridge = id};
    *port = 0;
    unsigned via = b;
    for (unsigned p = 1; p <= o->n->bridge[b].n_ports; p++) {
        struct heard h;
        if (!lives(o->n, b, p) || (!o->cist && led_from_outside(o, b, p)) ||
            !best_heard(o, b, p, &h) || !holds(o, h.bridge, b))
            continue;
        struct stp_vector v = h.best;
        if (internal(o->n, h.bridge, h.port, b)) {
            v.int_cost += cost(o, b, p);
        } else {
            v.ext_cost += cost(o, b, p);
            v.regional = id;
            v.int_cost = 0;
        }
        int r = order(&v, best);
        if (r < 0 || (r == 0 && *port != 0 && port_id(o, b, p) < port_id(o, b, *port))) {
            *best = v;
            *port = p;
            via = h.bridge;
        }
    }
    bool changed = order(best, &o->root[b]) != 0 || *port != o->port[b];
    o->root[b] = *best;
    o->port[b] = *port;
    o->via[b] = via;
    return changed;
}

static void relax_all(struct oracle *o)
{
    for (unsigned b = 0; b < o->n->n_bridges; b++) {
        uint64_t id = bridge_id(o, b);
        o->root[b] = (struct stp_vector){.root = o->cist ? id : 0, .regional = id, .bridge = id};
        o->port[b] = 0;
    }
    bool changed = true;
    for (unsigned round = 0; changed && round < 4 * NET_BRIDGES; round++) {
        changed = false;
        for (unsigned b = 0; b < o->n->n_bridges; b++)
            if (o->n->bridge[b].stp != NULL)
                changed = relax(o, b) || changed;
    }
}

void net_oracle(const struct net *n, unsigned v, bool forwarding[NET_BRIDGES][NET_PORTS + 1])
{
    struct oracle c = {.n = n, .v = v, .cist = true};
    relax_all(&c);
    struct oracle m = {.n = n, .v = v, .cist = false};
    memcpy(m.cist_root, c.root, sizeof m.cist_root);
    memcpy(m.cist_port, c.port, sizeof m.cist_port);
    relax_all(&m);
    for (unsigned b = 0; b < n->n_bridges; b++)
        for (unsigned p = 1; p <= n->bridge[b].n_ports; p++) {
            const struct oracle *o = net_tree(n, b, v) == 0 ? &c : &m;
            if (!lives(n, b, p))
                forwarding[b][p] = false;
            else if (o == &m && led_from_outside(o, b, p))
                forwarding[b][p] = c.port[b] == p;
            else
                forwarding[b][p] = o->port[b] == p || !beaten(o, b, p);
        }
}
