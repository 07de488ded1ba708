/* port.c: the part of a port that is the same for every kind. */
#include "datapath/port.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/bond.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"
#include "datapath/tunnel.h"
#include "datapath/worker.h"

/* ------------------------------------------------------------ come and go */

static struct port *port_alloc(struct weft_switch *sw, const struct port_options *o)
{
    struct port *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->sw = sw;
    p->pool = sw->pool;
    p->mtu = o->mtu != 0 ? o->mtu : 1500;
    p->mac = o->mac;
    p->rx_queues = p->tx_queues = 1;
    p->created_ns = switch_now(sw);
    p->n_stats = (uint16_t)(sw->n_workers + 1);
    p->stats = aligned_alloc(RTE_CACHE_LINE_SIZE, p->n_stats * sizeof *p->stats);
    p->vlan = calloc(1, sizeof(struct port_vlan));
    memcpy(p->name, o->name, strlen(o->name) + 1);
    if (p->stats != NULL)
        memset(p->stats, 0, p->n_stats * sizeof *p->stats);
    return p;
}

static void port_free(struct port *p)
{
    if (p == NULL)
        return;
    free((void *)p->vlan);
    free((void *)p->guard);
    free(p->stats);
    free(p);
}

/* The arrays that each worker has for a port. Freed after the grace period. */
static void free_worker_parts(struct weft_switch *sw, uint16_t index)
{
    for (unsigned i = 0; i <= sw->n_workers; i++) {
        struct worker *w = sw->workers[i];
        free(w->tx[index]);
        free(w->port_drops[index]);
        w->tx[index] = NULL;
        w->port_drops[index] = NULL;
    }
}

static bool make_worker_parts(struct weft_switch *sw, uint16_t index)
{
    for (unsigned i = 0; i <= sw->n_workers; i++) {
        struct worker *w = sw->workers[i];
        w->tx[index] = calloc(1, sizeof *w->tx[index]);
        w->port_drops[index] = calloc(DROP_COUNT, sizeof *w->port_drops[index]);
        if (w->tx[index] == NULL || w->port_drops[index] == NULL) {
            free_worker_parts(sw, index);
            return false;
        }
    }
    return true;
}

static int check_options(const struct weft_switch *sw, const struct port_options *o,
                         struct errbuf *e)
{
    if (o->name == NULL || o->name[0] == '\0')
        return errbuf_set(e, EINVAL, "a port needs a name");
    if (strlen(o->name) >= WEFT_NAME_MAX)
        return errbuf_set(e, ENAMETOOLONG, "port %s: the name is longer than %d characters",
                          o->name, WEFT_NAME_MAX - 1);
    if (port_find(sw, o->name) != NULL)
        return errbuf_set(e, EEXIST, "port %s: there is one of this name already", o->name);
    if (o->mtu != 0 && (o->mtu < WEFT_MTU_MIN || o->mtu > WEFT_MTU_MAX))
        return errbuf_set(e, EINVAL, "port %s: MTU %u; give %d..%d", o->name, o->mtu, WEFT_MTU_MIN,
                          WEFT_MTU_MAX);
    if (o->type == NULL || port_ops_find(o->type) == NULL)
        return errbuf_set(e, EINVAL, "port %s: unknown type \"%s\"; give one of %s", o->name,
                          o->type != NULL ? o->type : "", port_types());
    return 0;
}

static int free_index(const struct weft_switch *sw)
{
    for (int i = 0; i < WEFT_PORTS_MAX; i++) {
        if (sw->ports[i] == NULL)
            return i;
    }
    return -1;
}

/* With everything that needs memory in place: the device itself. */
static int open_device(struct port *p, const struct port_options *o, struct errbuf *e)
{
    p->ops = port_ops_find(o->type);
    int r = p->ops->open(p, o, e);
    if (r == 0)
        (void)port_poll_link(p, NULL);
    return r;
}

int port_create(struct weft_switch *sw, const struct port_options *o, struct port **out,
                struct errbuf *e)
{
    int r = check_options(sw, o, e);
    if (r != 0)
        return r;
    int index = free_index(sw);
    if (index < 0)
        return errbuf_set(e, ENOSPC, "port %s: the switch has its %d ports; delete one", o->name,
                          WEFT_PORTS_MAX);
    struct port *p = port_alloc(sw, o);
    if (p == NULL || p->stats == NULL || p->vlan == NULL ||
        !make_worker_parts(sw, (uint16_t)index)) {
        port_free(p);
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    }
    p->index = (uint16_t)index;
    r = open_device(p, o, e);
    if (r != 0) {
        free_worker_parts(sw, p->index);
        port_free(p);
        return r;
    }
    p->gen = ++sw->port_gen[index];
    atomic_store_explicit(&sw->ports[index], p, memory_order_release);
    *out = p;
    return 0;
}

void port_destroy(struct port *p)
{
    if (p == NULL)
        return;
    struct weft_switch *sw = p->sw;
    vtep_port_gone(p);
    bond_leave(p);
    bridge_detach(p);
    pthread_mutex_lock(&sw->learn_lock);
    atomic_store_explicit(&sw->ports[p->index], NULL, memory_order_release);
    pthread_mutex_unlock(&sw->learn_lock);
    rcu_wait(sw->rcu);
    p->ops->close(p);
    free_worker_parts(sw, p->index);
    port_free(p);
    rcu_reclaim(sw->rcu);
}

struct port *port_find(const struct weft_switch *sw, const char *name)
{
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++) {
        struct port *p = sw->ports[i];
        if (p != NULL && strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

/* ------------------------------------------------------------ change */

int port_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    if (mtu < WEFT_MTU_MIN || mtu > WEFT_MTU_MAX)
        return errbuf_set(e, EINVAL, "port %s: MTU %u; give %d..%d", p->name, mtu, WEFT_MTU_MIN,
                          WEFT_MTU_MAX);
    if (mtu == p->mtu)
        return 0;
    if (p->ops->set_mtu == NULL)
        return errbuf_set(e, EOPNOTSUPP, "port %s: a %s port can't change its MTU", p->name,
                          p->ops->type);
    int r = p->ops->set_mtu(p, mtu, e);
    if (r == 0)
        __atomic_store_n(&p->mtu, mtu, __ATOMIC_RELAXED);
    return r;
}

int port_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    if (mac_is_multicast(mac) || mac_is_zero(mac))
        return errbuf_set(e, EINVAL, "port %s: a port's MAC is unicast and not zero", p->name);
    if (mac_equal(mac, p->mac))
        return 0;
    if (p->ops->set_mac == NULL)
        return errbuf_set(e, EOPNOTSUPP, "port %s: a %s port can't change its MAC", p->name,
                          p->ops->type);
    int r = p->ops->set_mac(p, mac, e);
    if (r == 0)
        p->mac = mac;
    return r;
}

int port_set_config(struct port *p, uint32_t config, uint32_t mask, struct errbuf *e)
{
    uint32_t old = p->config, changed = (old ^ config) & mask;
    /* A kind without set_admin stays up at the far end; the switch alone drops. */
    if ((changed & PORT_CFG_DOWN) && p->ops->set_admin != NULL) {
        int r = p->ops->set_admin(p, !(config & PORT_CFG_DOWN), e);
        if (r != 0)
            return r;
    }
    atomic_store(&p->config, old ^ changed);
    return 0;
}

static bool no_list(const uint64_t set[4096 / 64])
{
    for (unsigned i = 0; i < 4096 / 64; i++) {
        if (set[i] != 0)
            return false;
    }
    return true;
}

int port_set_vlan(struct port *p, const struct port_vlan *v, struct errbuf *e)
{
    if (v->tag > 4095)
        return errbuf_set(e, EINVAL, "port %s: VLAN %u; give 0..4095", p->name, v->tag);
    struct port_vlan *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", p->name);
    *copy = *v;
    copy->every = v->mode == VLAN_TRUNK && v->priority_tags == PRIO_TAGS_NO && no_list(v->trunks);
    const struct port_vlan *old = atomic_exchange_explicit(&p->vlan, copy, memory_order_acq_rel);
    rcu_defer(p->sw->rcu, free, (void *)old);
    return 0;
}

void port_set_fdb_limit(struct port *p, uint32_t limit)
{
    p->fdb_limit = limit;
    if (p->bridge != NULL)
        fdb_set_limit(p->bridge->fdb, p->index, limit);
}

bool port_poll_link(struct port *p, struct port_link *now)
{
    struct port_link l = {.up = true};
    if (p->ops->link != NULL)
        l = p->ops->link(p);
    bool changed = l.up != p->last_link.up || l.speed_mbps != p->last_link.speed_mbps ||
                   l.full_duplex != p->last_link.full_duplex;
    p->last_link = l;
    atomic_store_explicit(&p->link_up, l.up, memory_order_relaxed);
    if (now != NULL)
        *now = l;
    return changed;
}

/* ------------------------------------------------------------ counters */

struct port_stats port_stats_sum(const struct port *p)
{
    struct port_stats sum = {0};
    for (unsigned i = 0; i < p->n_stats; i++) {
        const volatile struct port_stats *s = &p->stats[i];
        sum.rx_packets += s->rx_packets;
        sum.rx_bytes += s->rx_bytes;
        sum.rx_dropped += s->rx_dropped;
        sum.rx_errors += s->rx_errors;
        sum.tx_packets += s->tx_packets;
        sum.tx_bytes += s->tx_bytes;
        sum.tx_dropped += s->tx_dropped;
        sum.tx_errors += s->tx_errors;
    }
    return sum;
}

struct port_stats *port_stats_mine(struct port *p) { return &p->stats[worker_mine(p->sw)->index]; }
