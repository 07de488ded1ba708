/* control/underlay.c: see underlay.h. */
#include "control/underlay_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/punt.h"
#include "datapath/worker.h"

enum {
    ENTRIES = 2 * FDB_ENDPOINTS_MAX,
    BATCH = 32,
    SCAN_MS = 500,
    /* A silent router is noticed after some four seconds, of which most is REACHABLE_TIME. */
    REACHABLE_MS = 3000,
    RETRANS_MS = 300,
    DELAY_MS = 300,
    FAILED_MS = 2000,
};

int underlay_create(struct weft_switch *sw, const struct log *log, struct underlay **out,
                    struct errbuf *e)
{
    struct underlay *u = calloc(1, sizeof *u);
    struct neigh_size size = {.interfaces = UNDERLAY_IFACES,
                              .entries = ENTRIES,
                              .addresses = 2 * UNDERLAY_IFACES,
                              .seed = sw->hash_key};
    if (u)
        u->neigh = neigh_create(&size);
    if (!u || !u->neigh) {
        free(u);
        return errbuf_set(e, ENOMEM, "underlay: out of memory");
    }
    u->sw = sw;
    u->log = log;
    pthread_mutex_init(&u->lock, NULL);
    *out = u;
    return 0;
}

void underlay_lock(struct underlay *u) { pthread_mutex_lock(&u->lock); }
void underlay_unlock(struct underlay *u) { pthread_mutex_unlock(&u->lock); }

static struct vtep_link *link_of(const struct underlay *u, uint32_t iface)
{
    struct vtep *v = u->sw->vteps[iface / VTEP_LINKS_MAX];
    bool ours = v && u->known[v->slot] == v->serial;
    return ours && iface % VTEP_LINKS_MAX < v->n_links ? &v->link[iface % VTEP_LINKS_MAX] : NULL;
}

/* ---- interfaces ---- */

static void set_iface(struct underlay *u, uint32_t iface, bool up, nsec_t now)
{
    struct neigh_interface c = neigh_interface_default();
    c.up = up;
    c.entries_max = FDB_ENDPOINTS_MAX;
    c.incomplete_max = FDB_ENDPOINTS_MAX / 2;
    c.reachable_ms = REACHABLE_MS;
    c.retrans_ms = RETRANS_MS;
    c.delay_ms = DELAY_MS;
    c.failed_ms = FAILED_MS;
    (void)neigh_interface(u->neigh, iface, &c, now, NULL);
    u->up[iface] = up;
}

/* Told thrice when the link comes up: whoever sent to another link of ours learns at once. */
static int set_address(struct underlay *u, const struct vtep_link *l, const struct ip6 *ip,
                       nsec_t now, struct errbuf *e)
{
    struct neigh_address a = {.interface = underlay_iface(l->v, l->index),
                              .ip6 = l->v->opt.local.v6,
                              .ip = *ip,
                              .prefix_len = l->prefix_len,
                              .mac = l->mac,
                              .enabled = true,
                              .host = true,
                              .announce = l->index == 0 ? 0 : 2};
    return neigh_address_set(u->neigh, &a, now, e);
}

static void del_addresses(struct underlay *u, const struct vtep_link *l, nsec_t now)
{
    uint32_t i = underlay_iface(l->v, l->index);
    bool v6 = l->v->opt.local.v6;
    (void)neigh_address_del(u->neigh, i, &l->ip, v6, now);
    (void)neigh_address_del(u->neigh, i, &l->v->opt.local.ip, v6, now);
}

int underlay_follow(struct underlay *u, const struct vtep *v, nsec_t now, struct errbuf *e)
{
    int r = 0;
    if (u->known[v->slot] == v->serial)
        return 0;
    for (unsigned i = 0; r == 0 && i < v->n_links; i++) {
        set_iface(u, underlay_iface(v, i), false, now);
        r = set_address(u, &v->link[i], &v->link[i].ip, now, e);
        if (r == 0)
            r = set_address(u, &v->link[i], &v->opt.local.ip, now, e);
    }
    u->known[v->slot] = v->serial;
    u->changed = true;
    u->scan_due = 0;
    return r;
}

/* ---- frames ---- */

/* A worker sends it by that link, or (why) drops it. Takes m. */
static void hand_over(struct underlay *u, const struct vtep_link *l, struct rte_mbuf *m,
                      enum drop_reason why)
{
    underlay_out(u->sw, l ? underlay_cookie(l->v, l->index) : 0, m, l ? why : DROP_TUN_NO_UPLINK);
}

void underlay_send(struct underlay *u, const struct neigh_action *a)
{
    enum { ETHERNET_MIN = 60 };
    const struct vtep_link *l = link_of(u, a->interface);
    size_t at = 12, len = 14u + (l && l->vlan ? 4u : 0u) + a->send.len;
    len = len < ETHERNET_MIN ? ETHERNET_MIN : len;
    struct rte_mbuf *m = l ? rte_pktmbuf_alloc(u->sw->pool) : NULL;
    uint8_t *f = m ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len) : NULL;
    if (!f) {
        rte_pktmbuf_free(m);
        return;
    }
    memset(pkt_of(m), 0, sizeof(struct pkt));
    memset(f, 0, len);
    memcpy(f, &a->send.dst, 6);
    memcpy(f + 6, &a->send.src, 6);
    if (l->vlan) {
        memcpy(f + at, (uint8_t[]){0x81, 0, (uint8_t)(l->vlan >> 8), (uint8_t)l->vlan}, 4);
        at += 4;
    }
    f[at] = (uint8_t)(a->send.ethertype >> 8);
    f[at + 1] = (uint8_t)a->send.ethertype;
    memcpy(f + at + 2, a->send.bytes, a->send.len);
    hand_over(u, l, m, DROP_COUNT);
}

/* A waiting frame, whose outer destination MAC is known now, or never. */
static void release(struct underlay *u, const struct neigh_action *a, bool found)
{
    struct rte_mbuf *m = (struct rte_mbuf *)(uintptr_t)a->packet.handle;
    if (found)
        memcpy(rte_pktmbuf_mtod(m, uint8_t *), &a->packet.mac, 6);
    *(found ? &u->counters.sent : &u->counters.given_up) += 1;
    hand_over(u, link_of(u, a->interface), m, found ? DROP_COUNT : DROP_TUN_NO_NEIGHBOUR);
}

static void tell(struct underlay *u, const struct neigh_action *a)
{
    const struct vtep_link *l = link_of(u, a->interface);
    const struct mac *m = &a->event.mac;
    if (l && a->event.event != NEIGH_EV_USABLE)
        log_line(u->log, LOG_LVL_WARNING,
                 "VTEP %s: %02x:%02x:%02x:%02x:%02x:%02x claims our address on the underlay",
                 l->v->name, m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
}

static uint64_t hop_value(const struct neigh_action *a)
{
    if (a->update.usable)
        return mac_to_u64(a->update.mac) | HOP_KNOWN |
               (a->update.state == NEIGH_PERMANENT ? HOP_STATIC : 0);
    return a->update.state == NEIGH_FAILED ? HOP_DEAD : 0;
}

static void update(struct underlay *u, const struct neigh_action *a)
{
    struct vtep_link *l = link_of(u, a->interface);
    if (l && vtep_hop_set(l->v, l->index, &a->ip, hop_value(a)))
        u->changed = true;
}

static void act(struct underlay *u)
{
    struct neigh_action a;
    while (neigh_poll(u->neigh, &a)) {
        if (a.kind == NEIGH_UPDATE)
            update(u, &a);
        else if (a.kind == NEIGH_SEND)
            underlay_send(u, &a);
        else if (a.kind == NEIGH_EVENT)
            tell(u, &a);
        else
            release(u, &a, a.kind == NEIGH_RELEASE);
    }
}

static void heard(struct underlay *u, const struct vtep_link *l, struct rte_mbuf *m, nsec_t now)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t at = l->vlan ? 16 : 12;
    struct mac from;
    if (m->data_len > at + 2 && !groups_heard(u, l->v, f + at + 2, m->data_len - at - 2)) {
        memcpy(&from, f + 6, 6);
        (void)neigh_rx(u->neigh, underlay_iface(l->v, l->index), (uint16_t)(f[at] << 8 | f[at + 1]),
                       from, f + at + 2, m->data_len - at - 2, now);
    }
    rte_pktmbuf_free(m);
}

/* What the engine knew before the hop was ours to ask for. */
static struct neigh_resolution resolve(struct underlay *u, struct vtep *v, const struct hop *h,
                                       struct rte_mbuf *m, nsec_t now)
{
    struct neigh_resolution r = neigh_resolve(u->neigh, underlay_iface(v, h->link), &h->ip,
                                              v->opt.local.v6, (uintptr_t)m, now);
    uint64_t mac = r.answer == NEIGH_KNOWN     ? mac_to_u64(r.mac) | HOP_KNOWN
                   : r.answer == NEIGH_REFUSED ? HOP_DEAD
                                               : 0;
    if (mac != 0 && vtep_hop_set(v, h->link, &h->ip, mac))
        u->changed = true;
    return r;
}

/* Keeps m until the neighbour answers, unless it is known by now or nobody is there. */
static void wait(struct underlay *u, struct vtep *v, struct rte_mbuf *m, nsec_t now)
{
    struct hop *h = atomic_load(&endpoint_at(v, pkt_of(m)->tun_to)->hop);
    if (!h) {
        hand_over(u, &v->link[0], m, DROP_TUN_NO_ROUTE);
        return;
    }
    const struct vtep_link *l = &v->link[h->link];
    struct neigh_resolution r = resolve(u, v, h, m, now);
    u->counters.waited++;
    if (r.gave_way)
        hand_over(u, l, (struct rte_mbuf *)(uintptr_t)r.gave_way, DROP_TUN_NO_NEIGHBOUR);
    if (r.answer == NEIGH_KNOWN)
        memcpy(rte_pktmbuf_mtod(m, uint8_t *), &r.mac, 6);
    if (r.answer != NEIGH_WAIT)
        hand_over(u, l, m, r.answer == NEIGH_KNOWN ? DROP_COUNT : DROP_TUN_NO_NEIGHBOUR);
}

static unsigned take(struct underlay *u, nsec_t now)
{
    struct rte_mbuf *m[BATCH];
    unsigned n = punt_take(u->sw->punt, PUNT_UNDERLAY, m, BATCH);
    for (unsigned i = 0; i < n; i++) {
        struct vtep_link *l = underlay_link(u->sw, pkt_of(m[i])->cookie);
        if (!l || u->known[l->v->slot] != l->v->serial)
            hand_over(u, NULL, m[i], DROP_TUN_NO_UPLINK);
        else if (pkt_of(m[i])->reason == UNDERLAY_WAIT)
            wait(u, l->v, m[i], now);
        else
            heard(u, l, m[i], now);
        act(u);
    }
    return n;
}

/* ---- what is looked at again ---- */

/* Used hops stay known; those that floods and routes name are asked for beforehand. */
static void look_after(struct underlay *u, struct vtep *v, struct hop *h, bool wanted, nsec_t now)
{
    uint64_t mac = atomic_load(&h->mac);
    struct neigh_info known;
    if (mac & HOP_STATIC)
        return;
    if ((mac & HOP_DEAD) && underlay_show(u, v, h, &known) < 0) {
        mac = 0; /* long enough: it may be asked again */
        (void)vtep_hop_set(v, h->link, &h->ip, 0);
    }
    if (atomic_exchange(&h->used, false) || (wanted && (mac & HOP_KNOWN)))
        neigh_used(u->neigh, underlay_iface(v, h->link), &h->ip, v->opt.local.v6, now);
    if (wanted && mac == 0)
        (void)resolve(u, v, h, NULL, now);
    act(u);
}

static void scan(struct underlay *u, struct vtep *v, nsec_t now)
{
    uint32_t n = atomic_load(&v->n_endpoints);
    groups_scan(u, v, now);
    for (uint32_t i = 1; i <= n; i++)
        look_after(u, v, &endpoint_at(v, (uint16_t)i)->own, false, now);
    const struct vtep_routes *t = atomic_load(&v->routes);
    for (unsigned i = 0; i < t->n; i++)
        for (unsigned j = 0; j < t->r[i].n; j++)
            look_after(u, v, t->r[i].via[j], true, now);
    for (unsigned i = 0; i < v->n_ports; i++) {
        const struct tunnel_flood *f = v->ports[i]->flood;
        for (unsigned j = 0; j < f->n; j++) {
            struct hop *h = atomic_load(&endpoint_at(v, f->to[j])->hop);
            if (h)
                look_after(u, v, h, true, now);
        }
    }
}

static void sync_links(struct underlay *u, struct vtep *v, nsec_t now)
{
    for (unsigned i = 0; i < v->n_links; i++) {
        uint32_t iface = underlay_iface(v, i);
        bool up = vtep_link_up(v, i);
        if (up == u->up[iface])
            continue;
        set_iface(u, iface, up, now);
        act(u);
        groups_again(u, v);
        u->changed = true;
        u->scan_due = 0; /* ask for all again */
    }
}

static void reroute(struct underlay *u, struct vtep *v)
{
    unsigned moved = vtep_reroute(v);
    u->counters.reroutes += moved;
    if (moved)
        log_line(u->log, LOG_LVL_INFO, "VTEP %s: %u remote VTEPs take another way", v->name, moved);
}

static bool vtep_is_known(const struct underlay *u, unsigned slot)
{
    const struct vtep *v = u->sw->vteps[slot];
    return v && u->known[slot] == v->serial;
}

static bool any(const struct underlay *u)
{
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++)
        if (u->known[i])
            return true;
    return false;
}

static void follow_links(struct underlay *u, nsec_t now)
{
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++)
        if (vtep_is_known(u, i))
            sync_links(u, u->sw->vteps[i], now);
}

/* After a change, and now and then: a worker may have noted an endpoint while ways changed. */
static void find_ways(struct underlay *u, bool all)
{
    for (unsigned i = 0; (u->changed || all) && i < WEFT_VTEPS_MAX; i++)
        if (vtep_is_known(u, i))
            reroute(u, u->sw->vteps[i]);
    u->changed = false;
}

static nsec_t run(struct underlay *u, nsec_t now)
{
    follow_links(u, now);
    unsigned n = take(u, now);
    if (!any(u))
        return n ? now : NSEC_NEVER;
    if (neigh_deadline(u->neigh) <= now)
        neigh_tick(u->neigh, now);
    act(u);
    bool due = now >= u->scan_due;
    find_ways(u, due);
    for (unsigned i = 0; due && i < WEFT_VTEPS_MAX; i++)
        if (vtep_is_known(u, i))
            scan(u, u->sw->vteps[i], now);
    if (due)
        u->scan_due = now + SCAN_MS * NSEC_PER_MSEC;
    find_ways(u, false);
    nsec_t next = neigh_deadline(u->neigh);
    next = next < u->scan_due ? next : u->scan_due;
    return n == BATCH ? now : next;
}

nsec_t underlay_run(struct underlay *u, nsec_t now)
{
    underlay_lock(u);
    nsec_t due = run(u, now);
    underlay_unlock(u);
    return due;
}

void underlay_links(struct underlay *u, nsec_t now)
{
    underlay_lock(u);
    if (any(u)) {
        follow_links(u, now);
        find_ways(u, false);
    }
    underlay_unlock(u);
}

/* ---- control ---- */

void underlay_forget(struct underlay *u, const struct vtep *v, nsec_t now)
{
    groups_forget(u, v);
    for (unsigned i = 0; i < v->n_links; i++) {
        set_iface(u, underlay_iface(v, i), false, now);
        del_addresses(u, &v->link[i], now);
    }
    for (uint32_t i = 1; i <= atomic_load(&v->n_endpoints); i++)
        (void)neigh_forget(u->neigh, underlay_iface(v, endpoint_at(v, (uint16_t)i)->own.link),
                           &endpoint_at(v, (uint16_t)i)->ip, v->opt.local.v6, now);
    act(u); /* what waits is dropped by name */
    u->known[v->slot] = 0;
}

int underlay_static(struct underlay *u, struct vtep *v, const struct ip6 *ip, struct mac mac,
                    nsec_t now, struct errbuf *e)
{
    int r = 0;
    bool v6 = v->opt.local.v6;
    uint32_t iface = underlay_iface(v, vtep_link_for(v, ip));
    if (endpoint_add(v, ip) == 0)
        return errbuf_set(e, ENOSPC, "VTEP %s: it has its %d endpoints", v->name,
                          FDB_ENDPOINTS_MAX - 1);
    if (mac_is_zero(mac))
        (void)neigh_forget(u->neigh, iface, ip, v6, now);
    else
        r = neigh_static(u->neigh, iface, ip, v6, mac, now, e);
    act(u);
    return r;
}

int underlay_show(const struct underlay *u, const struct vtep *v, const struct hop *h,
                  struct neigh_info *info)
{
    return neigh_show(u->neigh, underlay_iface(v, h->link), &h->ip, v->opt.local.v6, info);
}

struct underlay_counters underlay_counters(struct underlay *u)
{
    underlay_lock(u);
    struct underlay_counters c = u->counters;
    underlay_unlock(u);
    return c;
}

/* Frames that wait belong to the switch's pool, which is still there. */
void underlay_free(struct underlay *u)
{
    if (!u)
        return;
    nsec_t now = switch_now(u->sw);
    struct neigh_action a;
    for (uint32_t i = 0; i < UNDERLAY_IFACES; i++)
        set_iface(u, i, false, now);
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++)
        free(u->members[i].m);
    while (neigh_poll(u->neigh, &a))
        if (a.kind == NEIGH_RELEASE || a.kind == NEIGH_DROP)
            rte_pktmbuf_free((struct rte_mbuf *)(uintptr_t)a.packet.handle);
    neigh_destroy(u->neigh);
    pthread_mutex_destroy(&u->lock);
    free(u);
}
