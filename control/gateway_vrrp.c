/* control/gateway_vrrp.c: VRRP on routers' interfaces: the configuration to the engine
 * (vrrp/vrrp.h), its gates to the fast path, its packets and announcements to the wire. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/gateway_priv.h"
#include "datapath/bridge.h"

enum { TYPE4 = 0x0800, TYPE6 = 0x86dd, TTL = 255 };

/* ---- from the configuration ---- */

static uint16_t group_number(struct gateway *g, const char *name)
{
    for (uint16_t n = 0; name != NULL && n < GW_GROUPS_MAX; n++) {
        if (g->group[n][0] == '\0')
            (void)snprintf(g->group[n], sizeof g->group[n], "%s", name);
        if (strcmp(g->group[n], name) == 0)
            return (uint16_t)(n + 1);
    }
    return 0;
}

/* What is well-formed: config_check_vrrp() saw to that. */
bool config_vrrp(const struct config_vrrp *c, struct vrrp_config *out)
{
    bool ip6 = false;
    *out = vrrp_config_default();
    out->vrid = (uint8_t)c->vrid;
    out->enabled = true;
    out->preempt = c->preempt == NULL || *c->preempt;
    out->accept = c->accept;
    out->pseudo_header = c->pseudo_header;
    out->mode = c->version == NULL || strcmp(c->version, "3") == 0 ? VRRP_V3
                : strcmp(c->version, "2") == 0                     ? VRRP_V2
                                                                   : VRRP_V2_V3;
    if (c->priority != 0)
        out->priority = (uint8_t)c->priority;
    if (c->interval_cs != 0)
        out->interval_cs = c->interval_cs;
    out->preempt_delay_cs = c->preempt_delay_s * 100;
    if (c->announce_count != 0)
        out->announce_count = (uint8_t)c->announce_count;
    if (c->announce_every_cs != 0)
        out->announce_every_cs = c->announce_every_cs;
    out->announce_again_s = c->announce_again_s;
    out->ttl_min = (uint8_t)c->ttl_min;
    for (unsigned k = 0; k < c->addresses_count && k < VRRP_ADDRS_MAX; k++)
        if (!config_ip(c->addresses[k], &out->addr[out->n_addrs++], &ip6, NULL))
            return false;
    out->ip6 = ip6;
    for (unsigned k = 0; k < c->peers_count && k < VRRP_PEERS_MAX; k++)
        if (!config_ip(c->peers[k], &out->peer[out->n_peers++], &ip6, NULL))
            return false;
    return c->addresses_count <= VRRP_ADDRS_MAX && c->peers_count <= VRRP_PEERS_MAX;
}

static const struct config_vrrp *wanted(const struct config_port *cp, const struct gw_vrrp *r)
{
    struct vrrp_config c;
    for (unsigned k = 0; cp != NULL && k < cp->vrrp_count; k++)
        if (config_vrrp(&cp->vrrp[k], &c) && c.vrid == r->c.vrid && c.ip6 == r->c.ip6)
            return &cp->vrrp[k];
    return NULL;
}

static void set_tracks(struct gw_vrrp *r, const struct config_vrrp *c)
{
    r->n_tracks = 0;
    for (unsigned k = 0; k < c->track_count && k < VRRP_TRACKS_MAX; k++) {
        const struct config_track *t = &c->track[k];
        const char *name = t->port         ? t->port
                           : t->bond       ? t->bond
                           : t->controller ? t->controller
                                           : t->route;
        struct gw_track *to = &r->track[r->n_tracks++];
        *to = (struct gw_track){.kind = t->port         ? TRACK_PORT
                                        : t->bond       ? TRACK_BOND
                                        : t->controller ? TRACK_CONTROLLER
                                                        : TRACK_ROUTE,
                                .members = t->members ? t->members : 1,
                                .lower = t->lower ? (uint8_t)t->lower : VRRP_TRACK_FAULT,
                                .index = UINT16_MAX};
        (void)snprintf(to->name, sizeof to->name, "%s", name != NULL ? name : "");
        if (to->kind == TRACK_ROUTE)
            (void)config_ip(to->name, &to->prefix, &to->ip6, &to->len);
    }
}

static void tell_link(struct gateway *g, struct gw_if *i)
{
    struct vrrp_link l = {.up = i->up};
    for (unsigned k = i->n_addrs; k-- > 0;) {
        const struct gw_addr *a = &i->addr[k];
        if (!a->ip6) {
            l.has_ip4 = true;
            l.ip4 = a->ip;
        } else if (gw_is_link_local(&a->ip)) {
            l.has_ip6 = true;
            l.ip6 = a->ip;
        }
    }
    vrrp_link(g->vrrp, gw_number(i), &l, g->now);
}

static int apply_one(struct gateway *g, struct gw_if *i, const struct config_vrrp *cv,
                     struct errbuf *e)
{
    struct vrrp_config c;
    (void)config_vrrp(cv, &c);
    c.link = gw_number(i);
    c.group = group_number(g, cv->group);
    int id = vrrp_find(g->vrrp, c.link, c.ip6, c.vrid), r = 0;
    if (id >= 0)
        r = vrrp_set(g->vrrp, (unsigned)id, &c, g->now, e);
    else
        r = id = vrrp_add(g->vrrp, &c, g->now, e);
    if (r < 0) {
        errbuf_prefix(e, "port %s: vrrp %u: ", i->dp->port->name, c.vrid);
        return r;
    }
    struct gw_vrrp *v = &g->vr[id];
    bool open = v->ifc == i && v->open;
    if (open)
        gw_vrrp_gate(g, v, false); /* its addresses may be others now */
    v->ifc = i;
    v->c = c;
    set_tracks(v, cv);
    if (open)
        gw_vrrp_gate(g, v, true);
    router_vrid(i->dp, c.ip6, c.vrid, true);
    return 0;
}

static int make(struct gateway *g, struct errbuf *e)
{
    if (g->vrrp == NULL)
        g->vrrp = vrrp_create(GW_VRRPS_MAX, ROUTER_IFS_MAX);
    if (g->vr == NULL)
        g->vr = calloc(GW_VRRPS_MAX, sizeof *g->vr);
    return g->vrrp != NULL && g->vr != NULL ? 0 : errbuf_set(e, ENOMEM, "VRRP: out of memory");
}

static void remove_one(struct gateway *g, struct gw_vrrp *v)
{
    router_vrid(v->ifc->dp, v->c.ip6, v->c.vrid, false);
    vrrp_remove(g->vrrp, (unsigned)(v - g->vr), g->now);
    gw_vrrp_drain(g); /* closes the gate, says priority 0 */
    v->ifc = NULL;
}

int gw_vrrp_apply(struct gateway *g, struct gw_if *i, const struct config_port *cp,
                  struct errbuf *e)
{
    int r = cp != NULL && cp->vrrp_count > 0 ? make(g, e) : 0;
    if (r < 0 || g->vrrp == NULL)
        return r;
    for (unsigned k = 0; k < GW_VRRPS_MAX; k++)
        if (g->vr[k].ifc == i && wanted(cp, &g->vr[k]) == NULL)
            remove_one(g, &g->vr[k]);
    i->up = cp != NULL && !cp->down;
    for (unsigned k = 0; r == 0 && cp != NULL && k < cp->vrrp_count; k++)
        r = apply_one(g, i, &cp->vrrp[k], e);
    tell_link(g, i);
    gw_vrrp_drain(g);
    return r;
}

/* ---- gates ---- */

static bool own(const struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    for (unsigned k = 0; k < i->n_addrs; k++)
        if (i->addr[k].ip6 == ip6 && memcmp(&i->addr[k].ip, ip, sizeof *ip) == 0)
            return true;
    return false;
}

static uint8_t length_of(const struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    for (unsigned k = 0; k < i->n_addrs; k++)
        if (i->addr[k].ip6 == ip6 && gw_in_prefix(&i->addr[k], ip))
            return i->addr[k].len;
    return ip6 ? 128 : 32;
}

/* An address answers by the virtual MAC, or no more. One that is the interface's own (priority 255)
 * answers by the interface's MAC while the gate is shut. */
static void address(struct gateway *g, struct gw_vrrp *v, const struct ip6 *ip, bool open)
{
    struct gw_if *i = v->ifc;
    bool mine = own(i, ip, v->c.ip6), accept = v->c.accept || v->c.priority == VRRP_OWNER;
    struct errbuf e;
    struct neigh_address a = {.interface = gw_number(i),
                              .ip6 = v->c.ip6,
                              .ip = *ip,
                              .prefix_len = length_of(i, ip, v->c.ip6),
                              .mac = open ? vrrp_mac(v->c.ip6, v->c.vrid) : i->mac,
                              .enabled = true};
    if (open || mine)
        (void)neigh_address_set(g->neigh, &a, g->now, &e);
    else
        (void)neigh_address_del(g->neigh, gw_number(i), ip, v->c.ip6, g->now);
    if (!mine && !(v->c.ip6 && gw_is_link_local(ip)))
        (void)rib_set(i->router->rib[v->c.ip6], ip, v->c.ip6 ? 128 : 32, RIB_LOCAL,
                      !open    ? 0
                      : accept ? i->local_next
                               : i->answer_next);
}

void gw_vrrp_gate(struct gateway *g, struct gw_vrrp *v, bool open)
{
    struct gw_if *i = v->ifc;
    struct port *p = i->dp->port;
    struct mac mac = vrrp_mac(v->c.ip6, v->c.vrid);
    v->open = open;
    router_gate(i->dp, v->c.ip6, v->c.vrid, open); /* from here on its frames are ours, or not */
    if (p->bridge != NULL && open)
        (void)fdb_add_static(p->bridge->fdb, i->vlan, mac, p->index, g->now);
    else if (p->bridge != NULL)
        (void)fdb_del(p->bridge->fdb, i->vlan, mac);
    for (unsigned k = 0; i->router != NULL && k < v->c.n_addrs; k++)
        address(g, v, &v->c.addr[k], open);
}

bool gw_vrrp_takes(const struct gateway *g, const struct gw_if *i, const struct ip6 *ip)
{
    for (unsigned k = 0; g->vr != NULL && k < GW_VRRPS_MAX; k++) {
        const struct gw_vrrp *v = &g->vr[k];
        if (v->ifc != i || !v->open || !v->c.ip6)
            continue;
        for (unsigned j = 0; j < v->c.n_addrs; j++)
            if (memcmp(&v->c.addr[j], ip, sizeof *ip) == 0)
                return v->c.accept || v->c.priority == VRRP_OWNER;
    }
    return false;
}

/* ---- actions ---- */

/* A unicast peer's MAC, or its gateway's; asked for when it isn't known. */
static bool peer_mac(struct gateway *g, struct gw_if *i, const struct vrrp_action *a,
                     struct mac *mac)
{
    if (!a->send.unicast) {
        *mac = a->send.dst_mac;
        return true;
    }
    struct neigh_resolution r =
        neigh_resolve(g->neigh, gw_number(i), &a->send.dst, a->ip6, 0, g->now);
    *mac = r.mac;
    return r.answer == NEIGH_KNOWN;
}

static void send_advert(struct gateway *g, struct gw_if *i, const struct vrrp_action *a)
{
    struct mac dst;
    struct rte_mbuf *m = NULL;
    if (peer_mac(g, i, a, &dst))
        m = gw_frame(g, a->ip6 ? TYPE6 : TYPE4, a->send.packet, a->send.len);
    if (m == NULL)
        return; /* as if it had been lost */
    uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);
    memcpy(f, &dst, 6);
    memcpy(f + 6, &a->mac, 6);
    (void)router_port_send(i->dp->port, m);
}

static void tell(struct gateway *g, const struct gw_vrrp *v, const struct vrrp_action *a)
{
    char peer[INET6_ADDRSTRLEN] = "";
    const char *name = v->ifc->dp->port->name;
    (void)inet_ntop(a->ip6 ? AF_INET6 : AF_INET, &a->event.peer, peer, sizeof peer);
    if (a->event.event == VRRP_EV_STATE)
        log_line(g->log, LOG_LVL_INFO, "vrrp %s/%u IPv%d: %s -> %s: %s", name, a->vrid,
                 a->ip6 ? 6 : 4, vrrp_state_name(a->event.from), vrrp_state_name(a->event.to),
                 vrrp_reason_name(a->event.reason));
    else if (a->event.event == VRRP_EV_REFUSED)
        log_line(g->log, LOG_LVL_WARNING, "vrrp %s/%u IPv%d: %s from %s: %s", name, a->vrid,
                 a->ip6 ? 6 : 4, vrrp_event_name(a->event.event), peer,
                 vrrp_verdict_name((enum vrrp_verdict)a->event.value));
    else
        log_line(g->log, LOG_LVL_WARNING, "vrrp %s/%u IPv%d: %s (%s, %u)", name, a->vrid,
                 a->ip6 ? 6 : 4, vrrp_event_name(a->event.event), peer, a->event.value);
}

void gw_vrrp_drain(struct gateway *g)
{
    struct vrrp_action a;
    while (g->vrrp != NULL && vrrp_poll(g->vrrp, &a)) {
        struct gw_vrrp *v = &g->vr[a.id];
        if (v->ifc == NULL || v->ifc->router == NULL)
            continue;
        if (a.kind == VRRP_GATE && a.gate.open != v->open)
            gw_vrrp_gate(g, v, a.gate.open);
        else if (a.kind == VRRP_SEND)
            send_advert(g, v->ifc, &a);
        else if (a.kind == VRRP_ANNOUNCE)
            (void)neigh_announce(g->neigh, gw_number(v->ifc), &a.announce, a.ip6, g->now);
        else if (a.kind == VRRP_EVENT)
            tell(g, v, &a);
    }
    gw_drain(g);
}

bool gateway_rx(struct gateway *g, struct rte_mbuf *m, nsec_t now)
{
    struct route_note n = route_note_get(m);
    if (n.why != ROUTE_WHY_VRRP)
        return false;
    pthread_mutex_lock(&g->lock);
    struct gw_if *i = gw_if_of(g, &n);
    g->now = now;
    if (i != NULL && g->vrrp != NULL && m->data_len > 14) {
        (void)vrrp_rx(g->vrrp, gw_number(i), rte_pktmbuf_mtod_offset(m, const void *, 14),
                      m->data_len - 14u, now);
        gw_vrrp_drain(g);
    }
    pthread_mutex_unlock(&g->lock);
    rte_pktmbuf_free(m);
    return true;
}

/* Everybody says priority 0. */
void gateway_stop(struct gateway *g)
{
    if (g == NULL || g->vrrp == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    g->now = switch_now(g->sw);
    vrrp_stop(g->vrrp, g->now);
    gw_vrrp_drain(g);
    pthread_mutex_unlock(&g->lock);
}
