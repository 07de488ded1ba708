/* switch.c: making, running and unmaking the whole. */
#include "datapath/switch.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "base/prng.h"
#include "datapath/binding.h"
#include "datapath/bond.h"
#include "datapath/pkt.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/router.h"
#include "datapath/tunnel.h"
#include "datapath/worker.h"

enum { PUNT_DEPTH = 1024, POOL_CACHE = 256, LEARN_BATCH = 64, LEARN_MAX = 4096, SERIALS = 10000 };

static const uint32_t punt_rates[PUNT_CLASSES] = {
    [PUNT_LEARN] = 100000, [PUNT_PACKET_IN] = 20000, [PUNT_PROTO] = 10000,
    [PUNT_NEIGH] = 10000,  [PUNT_ROUTER] = 10000,    [PUNT_UNDERLAY] = 20000,
};

/* ------------------------------------------------------------ come */

static void defaults(struct switch_options *o)
{
    o->mbufs = o->mbufs != 0 ? o->mbufs : 16384;
    o->mbuf_data_bytes = o->mbuf_data_bytes != 0 ? o->mbuf_data_bytes : 2176;
    o->idle_spin_us = o->idle_spin_us != 0 ? o->idle_spin_us : 50;
    o->idle_sleep_us = o->idle_sleep_us != 0 ? o->idle_sleep_us : 1000;
    for (int c = 0; c < PUNT_CLASSES; c++)
        o->punt_rate_pps[c] = o->punt_rate_pps[c] != 0 ? o->punt_rate_pps[c] : punt_rates[c];
}

static uint64_t make_key(uint64_t seed)
{
    struct prng r = {.state = seed};
    uint64_t key = prng_next(&r);
    if (seed == 0 && getrandom(&key, sizeof key, 0) != sizeof key)
        key ^= (uint64_t)time(NULL) << 32 ^ (uintptr_t)&key;
    return key;
}

/* DPDK's names are the process's: the pool gets the first number that is free. */
static int make_pool(struct weft_switch *sw, struct errbuf *e)
{
    const struct switch_options *o = &sw->opt;
    uint16_t priv = RTE_ALIGN_CEIL(sizeof(struct pkt), RTE_MBUF_PRIV_ALIGN);
    unsigned cache = o->mbufs / 8 < POOL_CACHE ? o->mbufs / 8 : POOL_CACHE;
    rte_errno = EEXIST;
    for (sw->serial = 0; sw->pool == NULL && rte_errno == EEXIST; sw->serial++) {
        char name[32];
        snprintf(name, sizeof name, "weft%u", sw->serial);
        if (rte_mempool_lookup(name) == NULL)
            sw->pool = rte_pktmbuf_pool_create(name, o->mbufs, cache, priv, o->mbuf_data_bytes,
                                               SOCKET_ID_ANY);
        else
            rte_errno = EEXIST;
    }
    sw->serial--;
    if (sw->pool != NULL)
        return 0;
    return errbuf_set(e, rte_errno,
                      "memory: no room for %u packet buffers of %u bytes: %s; give "
                      "fewer mbufs or a bigger memory_mb",
                      o->mbufs, o->mbuf_data_bytes, rte_strerror(rte_errno));
}

static int make_workers(struct weft_switch *sw)
{
    for (unsigned i = 0; i <= sw->n_workers; i++) {
        int cpu = i < sw->opt.n_cpus ? sw->opt.cpus[i] : -1;
        if (worker_create(sw, i, cpu, &sw->workers[i]) != 0)
            return -ENOMEM;
    }
    return 0;
}

int switch_create(const struct switch_options *o, struct weft_switch **out, struct errbuf *e)
{
    if (o->n_cpus > WEFT_WORKERS_MAX)
        return errbuf_set(e, EINVAL, "workers: %u CPUs; give at most %d", o->n_cpus,
                          WEFT_WORKERS_MAX);
    struct weft_switch *sw = calloc(1, sizeof *sw);
    if (sw == NULL)
        return errbuf_set(e, ENOMEM, "switch: out of memory");
    sw->opt = *o;
    defaults(&sw->opt);
    sw->n_workers = o->n_cpus > 0 ? o->n_cpus : 1;
    sw->hash_key = make_key(o->hash_seed);
    pthread_mutex_init(&sw->learn_lock, NULL);
    pthread_mutex_init(&sw->bond_lock, NULL);
    pthread_mutex_init(&sw->carrier_lock, NULL);
    pthread_mutex_init(&sw->out_lock, NULL);
    sw->rcu = rcu_create(sw->n_workers + 1); /* and who has out_lock */
    sw->punt = punt_create(PUNT_DEPTH, sw->opt.punt_rate_pps);
    int r = -ENOMEM;
    if (sw->rcu == NULL || sw->punt == NULL || make_workers(sw) != 0 ||
        routing_create(sw->rcu, sw->hash_key, &sw->routing) != 0 ||
        stats_init(&sw->flow_stats, sw->n_workers + 1) != 0)
        errbuf_set(e, ENOMEM, "switch: out of memory");
    else
        r = make_pool(sw, e);
    if (sw->rcu != NULL)
        rcu_register(sw->rcu, sw->n_workers);
    if (r != 0) {
        switch_destroy(sw);
        return r;
    }
    *out = sw;
    return 0;
}

/* ------------------------------------------------------------ go */

static void destroy_ports_and_bridges(struct weft_switch *sw)
{
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++)
        port_destroy(sw->ports[i]);
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++)
        vtep_destroy(sw->vteps[i]);
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++)
        bridge_destroy(sw->bridges[i]);
}

void switch_destroy(struct weft_switch *sw)
{
    if (sw == NULL)
        return;
    switch_stop(sw);
    destroy_ports_and_bridges(sw);
    routing_free(sw->routing);
    if (sw->rcu != NULL)
        rcu_free(sw->rcu);
    punt_free(sw->punt);
    bindings_free(sw->bindings);
    for (unsigned i = 0; i <= sw->n_workers; i++)
        worker_free(sw->workers[i]);
    stats_fini(&sw->flow_stats);
    rte_mempool_free(sw->pool);
    pthread_mutex_destroy(&sw->learn_lock);
    pthread_mutex_destroy(&sw->carrier_lock);
    pthread_mutex_destroy(&sw->bond_lock);
    pthread_mutex_destroy(&sw->out_lock);
    free(sw);
}

/* ------------------------------------------------------------ run */

int switch_start(struct weft_switch *sw, struct errbuf *e)
{
    weft_assert(!sw->opt.stepped);
    for (unsigned i = 0; i < sw->n_workers; i++) {
        int r = worker_start(sw->workers[i], e);
        if (r != 0) {
            switch_stop(sw);
            return r;
        }
    }
    return 0;
}

void switch_stop(struct weft_switch *sw)
{
    for (unsigned i = 0; i < sw->n_workers && sw->workers[i] != NULL; i++)
        worker_stop(sw->workers[i]);
}

bool switch_step(struct weft_switch *sw, nsec_t now)
{
    weft_assert(sw->opt.stepped && now >= sw->now);
    sw->now = now;
    unsigned moved = 0;
    for (unsigned i = 0; i < sw->n_workers; i++)
        moved += worker_poll(sw->workers[i], now);
    switch_protocol_run(sw, now);
    (void)bonds_run(sw, false, now);
    rcu_reclaim(sw->rcu);
    return moved > 0;
}

nsec_t switch_now(const struct weft_switch *sw)
{
    if (sw->opt.stepped)
        return atomic_load_explicit(&sw->now, memory_order_relaxed);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/* ------------------------------------------------------------ the protocol side */

/* Under learn_lock: neither port nor bridge can go while we look. */
static void learn(struct weft_switch *sw, const struct learn_event *e, nsec_t now)
{
    const struct port *p = sw->ports[e->port];
    struct bridge *b = p != NULL ? p->bridge : NULL;
    if (b == NULL || p->gen != e->port_gen || b->index != e->bridge)
        sw->learn_stale++;
    else
        (void)fdb_learn(b->fdb, e->vlan, e->mac, fdb_place(e->port, e->endpoint), now);
}

static unsigned learn_batch(struct weft_switch *sw, nsec_t now)
{
    struct learn_event e[LEARN_BATCH];
    unsigned n = punt_take_learn(sw->punt, e, LEARN_BATCH);
    if (n == 0)
        return 0;
    pthread_mutex_lock(&sw->learn_lock);
    for (unsigned i = 0; i < n; i++)
        learn(sw, &e[i], now);
    pthread_mutex_unlock(&sw->learn_lock);
    return n;
}

unsigned switch_protocol_run(struct weft_switch *sw, nsec_t now)
{
    unsigned events = 0, n;
    do {
        n = learn_batch(sw, now);
        events += n;
    } while (n > 0 && events < LEARN_MAX);

    pthread_mutex_lock(&sw->learn_lock);
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++) {
        if (sw->bridges[i] != NULL)
            fdb_age(sw->bridges[i]->fdb, now);
    }
    pthread_mutex_unlock(&sw->learn_lock);
    return events;
}
