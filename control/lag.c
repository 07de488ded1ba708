/* control/lag.c: see lag.h. */
#include "control/lag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lag_create(struct weft_switch *sw, const struct log *log, struct lag **out, struct errbuf *e)
{
    struct lag *g = calloc(1, sizeof *g);
    if (!g)
        return errbuf_set(e, ENOMEM, "LACP: out of memory");
    g->sw = sw;
    g->log = log;
    *out = g;
    return 0;
}

void lag_free(struct lag *g)
{
    if (g)
        lacp_free(g->lacp);
    free(g);
}

int lag_agg(const struct lag *g, const struct bond *b)
{
    for (int i = 0; i < WEFT_BONDS_MAX && i < LACP_AGGS_MAX; i++)
        if (g->sw->bonds[i] == b)
            return i;
    return -1;
}

int lag_find(const struct lag *g, const struct bond *b, unsigned member)
{
    for (int i = 0; i < LAG_PORTS; i++)
        if (g->port[i].bond == b && g->port[i].member == member)
            return i;
    return -1;
}

/* ---- the engine has what the bonds are ---- */

static bool begin(struct lag *g, const struct port *first, nsec_t now)
{
    struct lacp_config c = {.system = first->mac,
                            .system_priority = 32768,
                            .ports = LAG_PORTS,
                            .aggs = LACP_AGGS_MAX};
    struct errbuf e = {""};
    if (g->lacp || lacp_create(&c, now, &g->lacp, &e) == 0)
        return true;
    log_line(g->log, LOG_LVL_ERROR, "%s", e.text);
    return false;
}

static bool is_member(const struct lag_port *p)
{
    return p->bond && p->bond->config.mode == BOND_LACP &&
           p->bond->member[p->member].port == p->port;
}

/* The bond may be gone: only its address is looked at first. */
static void drop_strays(struct lag *g, nsec_t now)
{
    for (unsigned i = 0; i < LAG_PORTS; i++) {
        struct lag_port *p = &g->port[i];
        if (!p->bond || (lag_agg(g, p->bond) >= 0 && is_member(p)))
            continue;
        lacp_port_del(g->lacp, i, now);
        *p = (struct lag_port){0};
    }
    for (unsigned i = 0; i < LACP_AGGS_MAX; i++) {
        const struct bond *b = g->sw->bonds[i];
        if (!b || b->config.mode != BOND_LACP)
            lacp_agg_del(g->lacp, i, now);
    }
}

static uint16_t key_of(const struct bond *b, unsigned agg)
{
    return b->config.lacp.key ? b->config.lacp.key : (uint16_t)(LAG_AUTO_KEYS + agg);
}

static void set_agg(struct lag *g, unsigned agg, const struct bond *b, nsec_t now)
{
    struct lacp_agg_status had = {0};
    struct lacp_agg_config c = {.key = key_of(b, agg),
                                .max_links = b->config.lacp.max_links,
                                .individual = b->config.lacp.fallback};
    bool is = lacp_agg_status(g->lacp, agg, &had);
    if (!is || had.config.key != c.key || had.config.max_links != c.max_links ||
        had.config.individual != c.individual)
        (void)lacp_agg_set(g->lacp, agg, &c, now, NULL);
}

static int free_port(const struct lag *g)
{
    for (int i = 0; i < LAG_PORTS; i++)
        if (!g->port[i].bond)
            return i;
    return -1;
}

static bool same(const struct lacp_port_config *a, const struct lacp_port_config *b)
{
    return a->number == b->number && a->priority == b->priority && a->key == b->key &&
           a->active == b->active && a->fast == b->fast;
}

static void set_port(struct lag *g, struct bond *b, unsigned agg, unsigned member, nsec_t now)
{
    struct lacp_port_status had;
    int i = lag_find(g, b, member);
    bool is = i >= 0;
    i = is ? i : free_port(g);
    if (i < 0)
        return; /* more than LAG_PORTS: config_bond.c refuses them */
    struct lacp_port_config c = {.number = (uint16_t)(i + 1),
                                 .priority = b->config.lacp.priority,
                                 .key = key_of(b, agg),
                                 .active = !b->config.lacp.passive,
                                 .fast = !b->config.lacp.slow};
    if (is && lacp_port_status(g->lacp, (unsigned)i, &had) && same(&had.config, &c))
        return;
    if (!is)
        g->port[i] = (struct lag_port){.bond = b, .port = b->member[member].port, .member = member};
    (void)lacp_port_set(g->lacp, (unsigned)i, &c, now, NULL);
}

static void sync_bond(struct lag *g, unsigned agg, struct bond *b, nsec_t now)
{
    for (unsigned m = 0; m < BOND_MEMBERS_MAX; m++) {
        if (!b->member[m].port || !begin(g, b->member[m].port, now))
            continue;
        set_agg(g, agg, b, now);
        set_port(g, b, agg, m, now);
    }
}

static void sync_links(struct lag *g, nsec_t now)
{
    for (unsigned i = 0; i < LAG_PORTS; i++) {
        struct lag_port *p = &g->port[i];
        if (!p->bond || p->bond->member[p->member].carrier == p->up)
            continue;
        p->up = !p->up;
        struct lacp_link l = {.up = p->up,
                              .full_duplex = true,
                              .speed_mbps = p->port->last_link.speed_mbps};
        lacp_link(g->lacp, i, &l, now);
    }
}

/* ---- frames ---- */

static void send(struct lag *g, const struct lag_port *p, const uint8_t pdu[LACP_PDU_LEN])
{
    static const struct mac to = LACP_SLOW_PDU_ADDR;
    static const uint8_t type[2] = {LACP_ETHERTYPE >> 8, LACP_ETHERTYPE & 255};
    struct rte_mbuf *m = rte_pktmbuf_alloc(g->sw->pool);
    uint8_t *f = m ? (uint8_t *)rte_pktmbuf_append(m, 14 + LACP_PDU_LEN) : NULL;
    if (!f) {
        rte_pktmbuf_free(m);
        return;
    }
    memset(rte_mbuf_to_priv(m), 0, sizeof(struct pkt));
    memcpy(f, &to, 6);
    memcpy(f + 6, &p->port->mac, 6);
    memcpy(f + 12, type, 2);
    memcpy(f + 14, pdu, LACP_PDU_LEN);
    /* A queue of its own if the device has as many: the workers and control come first. */
    if (p->port->ops->tx_burst(p->port, (uint16_t)(p->port->n_stats % p->port->tx_queues), &m, 1) ==
        0)
        rte_pktmbuf_free(m);
}

static const struct lag_port *port_of(const struct lag *g, const struct port *p)
{
    for (unsigned i = 0; i < LAG_PORTS; i++)
        if (p && g->port[i].port == p)
            return &g->port[i];
    return NULL;
}

bool lag_rx(struct lag *g, struct rte_mbuf *m, nsec_t now)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    if (m->data_len < 15 || f[12] != LACP_ETHERTYPE >> 8 || f[13] != (LACP_ETHERTYPE & 255))
        return false;
    pthread_mutex_lock(&g->sw->bond_lock);
    const struct lag_port *p = g->lacp ? port_of(g, pkt_of(m)->in_port) : NULL;
    if (p && is_member(p))
        (void)lacp_rx(g->lacp, (unsigned)(p - g->port), f + 14, m->data_len - 14u, now);
    else
        g->rx_strangers++;
    pthread_mutex_unlock(&g->sw->bond_lock);
    rte_pktmbuf_free(m);
    return true;
}

/* ---- actions ---- */

static void tell(struct lag *g, const struct lag_port *p, enum lacp_event e)
{
    bool bad = e == LACP_EV_EXPIRED || e == LACP_EV_LOOPED || e == LACP_EV_ACTOR_CHURN ||
               e == LACP_EV_PARTNER_CHURN;
    if (p->bond && is_member(p))
        log_line(g->log, bad ? LOG_LVL_WARNING : LOG_LVL_INFO, "bond %s: member %s: %s",
                 p->bond->port->name, p->port->name, lacp_event_text(e));
}

static void act(struct lag *g, nsec_t now)
{
    struct lacp_action a;
    while (lacp_poll(g->lacp, &a)) {
        const struct lag_port *p = &g->port[a.port];
        if (!p->bond) /* a port that has left: its gate closed with it */
            continue;
        if (a.kind == LACP_ACT_GATE)
            bond_set_gate(p->bond, p->member, a.collecting, a.distributing, now);
        else if (a.kind == LACP_ACT_SEND)
            send(g, p, a.pdu);
        else
            tell(g, p, a.event);
    }
}

static nsec_t run_engine(struct lag *g, nsec_t now)
{
    if (g->lacp)
        drop_strays(g, now);
    for (unsigned i = 0; i < WEFT_BONDS_MAX && i < LACP_AGGS_MAX; i++) {
        struct bond *b = g->sw->bonds[i];
        if (b && b->config.mode == BOND_LACP)
            sync_bond(g, i, b, now);
    }
    if (!g->lacp)
        return NSEC_NEVER;
    sync_links(g, now);
    if (lacp_deadline(g->lacp) <= now)
        lacp_tick(g->lacp, now);
    act(g, now);
    return lacp_deadline(g->lacp);
}

static bool any_bond(const struct lag *g)
{
    for (unsigned i = 0; i < WEFT_BONDS_MAX; i++)
        if (g->sw->bonds[i])
            return true;
    return false;
}

nsec_t lag_run(struct lag *g, nsec_t now)
{
    if (!any_bond(g) && !g->lacp)
        return NSEC_NEVER;
    bool links = now >= g->links_due;
    if (links)
        g->links_due = now + LAG_LINK_POLL_MS * NSEC_PER_MSEC;
    nsec_t due = bonds_run(g->sw, links && g->sw->opt.stepped, now); /* else carrier.c asks */
    pthread_mutex_lock(&g->sw->bond_lock);
    nsec_t engine = run_engine(g, now);
    pthread_mutex_unlock(&g->sw->bond_lock);
    due = engine < due ? engine : due;
    return any_bond(g) && g->links_due < due ? g->links_due : due;
}
