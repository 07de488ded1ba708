/* control/gateway_track.c: what lowers a virtual router's priority: a port, a bond's members, a
 * route, a bridge's controller. They are looked at, for none of them sends word to this thread. */
#include <string.h>

#include "control/gateway_priv.h"
#include "datapath/bond.h"
#include "datapath/bridge.h"

#define LOOK_EVERY (10 * NSEC_PER_MSEC)

/* Ports and bridges don't go while learn_lock is held. */
static const struct port *port_of(struct gateway *g, struct gw_track *t)
{
    const struct port *p = t->index < WEFT_PORTS_MAX ? g->sw->ports[t->index] : NULL;
    if (p == NULL || strcmp(p->name, t->name) != 0)
        p = port_find(g->sw, t->name);
    t->index = p != NULL ? p->index : UINT16_MAX;
    return p;
}

static bool port_is_up(struct gateway *g, struct gw_track *t)
{
    pthread_mutex_lock(&g->sw->learn_lock);
    const struct port *p = port_of(g, t);
    bool up = p != NULL && atomic_load(&p->link_up) && !(atomic_load(&p->config) & PORT_CFG_DOWN);
    pthread_mutex_unlock(&g->sw->learn_lock);
    return up;
}

static bool bond_has_members(struct gateway *g, const struct gw_track *t)
{
    int n = 0;
    pthread_mutex_lock(&g->sw->bond_lock);
    for (unsigned i = 0; i < WEFT_BONDS_MAX; i++) {
        const struct bond *b = g->sw->bonds[i];
        if (b != NULL && strcmp(b->port->name, t->name) == 0)
            n = __builtin_popcount(atomic_load(&b->tx_mask));
    }
    pthread_mutex_unlock(&g->sw->bond_lock);
    return n >= (int)t->members;
}

static bool has_controller(struct gateway *g, const struct gw_track *t)
{
    pthread_mutex_lock(&g->sw->learn_lock);
    const struct bridge *b = bridge_find(g->sw, t->name);
    bool has = b != NULL && atomic_load(&b->packet_in);
    pthread_mutex_unlock(&g->sw->learn_lock);
    return has;
}

static bool has_route(const struct gw_vrrp *v, const struct gw_track *t)
{
    const struct rib *rib = v->ifc->router->rib[t->ip6];
    for (int s = 0; s < RIB_SOURCES; s++)
        if (rib_get(rib, &t->prefix, t->len, (enum rib_source)s) != 0)
            return true;
    return false;
}

static bool is_well(struct gateway *g, const struct gw_vrrp *v, struct gw_track *t)
{
    switch (t->kind) {
    case TRACK_PORT:
        return port_is_up(g, t);
    case TRACK_BOND:
        return bond_has_members(g, t);
    case TRACK_CONTROLLER:
        return has_controller(g, t);
    default:
        return has_route(v, t);
    }
}

/* Also takes back what slots no longer in use had cost. */
static void look(struct gateway *g, unsigned id)
{
    struct gw_vrrp *v = &g->vr[id];
    for (unsigned k = 0; k < VRRP_TRACKS_MAX; k++) {
        uint8_t lost = k < v->n_tracks && !is_well(g, v, &v->track[k]) ? v->track[k].lower : 0;
        if (lost != v->lost[k])
            vrrp_track(g->vrrp, id, k, lost, g->now);
        v->lost[k] = lost;
    }
}

nsec_t gw_tracks_run(struct gateway *g)
{
    bool some = false;
    if (g->now < g->track_due)
        return g->track_due;
    for (unsigned id = 0; id < GW_VRRPS_MAX; id++) {
        struct gw_vrrp *v = &g->vr[id];
        if (v->ifc == NULL || v->ifc->router == NULL || (v->n_tracks == 0 && !v->tracked))
            continue;
        look(g, id);
        v->tracked = v->n_tracks > 0;
        some = some || v->tracked;
    }
    g->track_due = some ? g->now + LOOK_EVERY : NSEC_NEVER;
    return g->track_due;
}
