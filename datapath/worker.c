/* worker.c: a worker's turn, its thread, and which ports it polls. */
#include "datapath/worker.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "datapath/bond.h"
#include "datapath/hash.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/tunnel.h"

#define LEARN_AGAIN_NS NSEC_PER_MSEC

int worker_create(struct weft_switch *sw, unsigned index, int cpu, struct worker **out)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    w->sw = sw;
    w->index = index;
    w->cpu = cpu;
    w->epoll_fd = -1;
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->samples = drop_ring_create();
    w->cache = flowcache_create(sw->hash_key);
    w->poll = calloc(1, sizeof *w->poll);
    if (w->wake_fd < 0 || w->samples == NULL || w->cache == NULL || w->poll == NULL) {
        worker_free(w);
        return -ENOMEM;
    }
    *out = w;
    return 0;
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    worker_idle_free(w);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    drop_ring_free(w->samples);
    flowcache_free(w->cache);
    free((void *)w->poll);
    free(w);
}

/* ------------------------------------------------------------ a turn */

static unsigned poll_port(struct worker *w, struct port *p, uint16_t queue)
{
    struct burst b;
    b.n = p->ops->rx_burst(p, queue, b.m, WEFT_BURST);
    unsigned n = b.n;
    if (n == 0)
        return 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        bytes += b.m[i]->pkt_len;
    p->stats[w->index].rx_packets += n;
    p->stats[w->index].rx_bytes += bytes;
    w->perf.bursts++;
    w->perf.packets += n;
    if (__builtin_expect(atomic_load_explicit(&p->member_of, memory_order_relaxed) != NULL, 0))
        p = bond_rx(w, p, &b); /* goes on as if it had come in at the bond */
    pipeline_run(w, p, &b);
    return n;
}

/* Polling a tap is a system call. While some ports are busy, those that had nothing
 * for COLD_POLLS in a row are looked at every COLD_NS only. Measured with one busy
 * port among 100 whose poll is a read(): a turn of 8 frames takes 7 us instead of 33. */
enum { COLD_POLLS = 64 };
#define COLD_NS (50 * NSEC_PER_USEC)

static unsigned poll_ports(struct worker *w, const struct poll_set *set, bool cold_too)
{
    unsigned total = 0;
    for (uint16_t i = 0; i < set->n; i++) {
        struct port *p = set->rx[i].port;
        if (!cold_too && set->chill[i] >= COLD_POLLS && p->ops->rx_fd != NULL)
            continue;
        unsigned n = poll_port(w, p, set->rx[i].queue);
        set->chill[i] = n > 0 ? 0 : (uint8_t)(set->chill[i] + (set->chill[i] < UINT8_MAX));
        total += n;
    }
    return total;
}

/* A turn without a frame has always looked everywhere. */
static unsigned poll_all_that_matter(struct worker *w, const struct poll_set *set)
{
    bool all = w->sw->opt.stepped || w->now - w->polled_all_ns >= COLD_NS;
    unsigned n = poll_ports(w, set, all);
    if (n == 0 && !all) {
        all = true;
        n = poll_ports(w, set, true);
    }
    if (all)
        w->polled_all_ns = w->now;
    return n;
}

unsigned worker_poll(struct worker *w, nsec_t now)
{
    uintptr_t before = atomic_load_explicit(&w->owner, memory_order_relaxed);
    atomic_store_explicit(&w->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
    const struct poll_set *set = atomic_load_explicit(&w->poll, memory_order_acquire);
    w->now = now;
    unsigned n = poll_all_that_matter(w, set);
    if (__builtin_expect(atomic_load_explicit(&w->sw->out_waiting, memory_order_relaxed), 0) &&
        w->index == 0)
        stage_underlay_out(w);
    worker_flush(w);
    if (n > 0)
        punt_wake(w->sw->punt);
    atomic_store_explicit(&w->owner, before, memory_order_relaxed);
    return n;
}

struct worker *worker_mine(struct weft_switch *sw)
{
    uintptr_t self = (uintptr_t)pthread_self();
    for (unsigned i = 0; i < sw->n_workers; i++) {
        if (atomic_load_explicit(&sw->workers[i]->owner, memory_order_relaxed) == self)
            return sw->workers[i];
    }
    return sw->workers[sw->n_workers];
}

bool worker_learn(struct worker *w, struct bridge *b, uint16_t vlan, struct mac mac, struct port *p)
{
    return worker_learn_at(w, b, vlan, mac, p, 0);
}

bool worker_learn_at(struct worker *w, struct bridge *b, uint16_t vlan, struct mac mac,
                     struct port *p, uint16_t endpoint)
{
    uint64_t where = (uint64_t)b->index << 48 | (uint64_t)vlan << 16 | p->index;
    uint64_t h = hash_u64(mac_to_u64(mac) ^ (where & ~UINT64_C(0xffff)) << 32, w->sw->hash_key);
    uint64_t what = hash_u64(h ^ where ^ (uint64_t)endpoint << 32, w->sw->hash_key);
    /* By address, not by port: an address that moves back and forth is told each time. */
    uint64_t *recent = &w->hash_recent[h % 256];
    nsec_t *recent_ns = &w->hash_recent_ns[h % 256];
    if (*recent == what && w->now - *recent_ns < LEARN_AGAIN_NS)
        return false;
    struct learn_event e = {.bridge = b->index,
                            .port = p->index,
                            .vlan = vlan,
                            .mac = mac,
                            .endpoint = endpoint,
                            .port_gen = atomic_load_explicit(&p->gen, memory_order_relaxed)};
    if (!punt_learn(w->sw->punt, &e, w->now))
        return false;
    *recent = what;
    *recent_ns = w->now;
    return true;
}

bool worker_punt(struct worker *w, int punt_class, struct rte_mbuf *m, int *why)
{
    if (!worker_is_dry(w))
        return punt_packet(w->sw->punt, (enum punt_class)punt_class, m, w->now, why);
    w->trace->punt(w->trace->ctx, m, punt_class);
    rte_pktmbuf_free(m);
    return true;
}

struct worker *worker_borrow(struct weft_switch *sw, nsec_t now)
{
    struct worker *w = sw->workers[sw->n_workers];
    pthread_mutex_lock(&sw->out_lock);
    rcu_online(sw->rcu, w->index);
    w->now = now;
    return w;
}

void worker_return(struct worker *w)
{
    worker_flush(w);
    punt_wake(w->sw->punt);
    rcu_offline(w->sw->rcu, w->index);
    pthread_mutex_unlock(&w->sw->out_lock);
}

/* ------------------------------------------------------------ the thread */

static nsec_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void measure(struct worker *w, unsigned packets, uint64_t cycles)
{
    w->perf.turns++;
    if (packets > 0) {
        w->perf.busy_turns++;
        w->perf.busy_cycles += cycles;
    } else {
        w->perf.idle_cycles += cycles;
    }
}

/* Polls until told to stop. After a sleep that brought nothing it goes back to
 * sleep without spinning: only frames make it stay up. */
static void turn_and_turn(struct worker *w)
{
    const struct switch_options *o = &w->sw->opt;
    nsec_t spin_ns = o->idle_spin_us * NSEC_PER_USEC, busy_at = clock_now();
    while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        uint64_t begin = rte_rdtsc();
        nsec_t now = clock_now();
        unsigned n = worker_poll(w, now);
        rcu_quiescent(w->sw->rcu, w->index);
        measure(w, n, rte_rdtsc() - begin);
        if (n > 0)
            busy_at = now;
        else if (!o->busy_poll && now - busy_at >= spin_ns)
            worker_sleep(w);
    }
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "weft-w%u", w->index);
    pthread_setname_np(pthread_self(), name);
    /* An lcore number gives us a mempool cache; without one it works, slower. */
    bool registered = rte_thread_register() == 0;
    rcu_register(w->sw->rcu, w->index);
    rcu_online(w->sw->rcu, w->index);
    turn_and_turn(w);
    rcu_offline(w->sw->rcu, w->index);
    rcu_unregister(w->sw->rcu, w->index);
    if (registered)
        rte_thread_unregister();
    return NULL;
}

/* Signals are for the main thread. */
static int create_thread(struct worker *w, const pthread_attr_t *attr)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&w->thread, attr, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}

int worker_start(struct worker *w, struct errbuf *e)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    if (w->cpu >= 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET((unsigned)w->cpu, &cpus);
        pthread_attr_setaffinity_np(&attr, sizeof cpus, &cpus);
    }
    w->stop = false;
    int r = create_thread(w, &attr);
    pthread_attr_destroy(&attr);
    if (r == 0)
        return 0;
    w->thread = 0;
    if (w->cpu >= 0)
        return errbuf_set(e, r,
                          "worker %u: can't run on CPU %d: %s; give a CPU that this process "
                          "may use (see `taskset -p`)",
                          w->index, w->cpu, strerror(r));
    return errbuf_set(e, r, "worker %u: can't start a thread: %s", w->index, strerror(r));
}

void worker_stop(struct worker *w)
{
    if (w->thread == 0)
        return;
    atomic_store(&w->stop, true);
    worker_wake(w);
    pthread_join(w->thread, NULL);
    w->thread = 0;
}

void worker_wake(struct worker *w) { (void)!write(w->wake_fd, &(uint64_t){1}, sizeof(uint64_t)); }

/* ------------------------------------------------------------ who polls what */

/* Room for n entries, with `chill` behind them. */
static struct poll_set *set_alloc(size_t n)
{
    struct poll_set *set = calloc(1, sizeof *set + n * (sizeof *set->rx + 1));
    if (set != NULL)
        set->chill = (uint8_t *)&set->rx[n];
    return set;
}

static void publish(struct worker *w, struct poll_set *set)
{
    const struct poll_set *old = w->poll;
    set->version = old->version + 1;
    atomic_store_explicit(&w->poll, set, memory_order_release);
    rcu_defer(w->sw->rcu, free, (void *)old);
    if (!w->sw->opt.stepped)
        worker_wake(w);
}

static int add_rx(struct worker *w, struct port *p, uint16_t queue)
{
    const struct poll_set *old = w->poll;
    struct poll_set *set = set_alloc(old->n + 1u);
    if (set == NULL)
        return -ENOMEM;
    set->n = old->n;
    memcpy(set->rx, old->rx, old->n * sizeof *set->rx);
    set->rx[set->n].port = p;
    set->rx[set->n++].queue = queue;
    publish(w, set);
    return 0;
}

static bool polls(const struct worker *w, const struct port *p)
{
    const struct poll_set *set = w->poll;
    for (uint16_t i = 0; i < set->n; i++) {
        if (set->rx[i].port == p)
            return true;
    }
    return false;
}

static void remove_rx(struct worker *w, const struct port *p)
{
    const struct poll_set *old = w->poll;
    struct poll_set *set = set_alloc(old->n);
    weft_assert(set != NULL); /* a few bytes less than what is there */
    for (uint16_t i = 0; i < old->n; i++) {
        if (old->rx[i].port != p)
            set->rx[set->n++] = old->rx[i];
    }
    publish(w, set);
}

static struct worker *least_loaded(const struct weft_switch *sw)
{
    struct worker *best = sw->workers[0];
    for (unsigned i = 1; i < sw->n_workers; i++) {
        if (sw->workers[i]->poll->n < best->poll->n)
            best = sw->workers[i];
    }
    return best;
}

int worker_assign(struct weft_switch *sw, struct port *p)
{
    uint16_t queues = p->rx_queues > 0 ? p->rx_queues : 1;
    if (p->ops->rx_burst == NULL)
        return 0; /* what comes out of it comes in elsewhere: a tunnel */
    for (uint16_t q = 0; q < queues; q++) {
        if (add_rx(least_loaded(sw), p, q) != 0) {
            worker_unassign(sw, p);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Moves a queue from the fullest worker to the emptiest when they are two apart.
 * The new one starts after the old one has stopped: a queue has one poller. */
static void rebalance(struct weft_switch *sw)
{
    struct worker *to = least_loaded(sw), *from = to;
    for (unsigned i = 0; i < sw->n_workers; i++) {
        if (sw->workers[i]->poll->n > from->poll->n)
            from = sw->workers[i];
    }
    if (from->poll->n < to->poll->n + 2)
        return;
    struct port *p = from->poll->rx[from->poll->n - 1].port;
    if (p->rx_queues > 1)
        return; /* its queues were spread when it came */
    remove_rx(from, p);
    rcu_wait(sw->rcu);
    if (add_rx(to, p, 0) != 0)
        (void)!add_rx(from, p, 0);
}

void worker_unassign(struct weft_switch *sw, struct port *p)
{
    for (unsigned i = 0; i < sw->n_workers; i++) {
        if (polls(sw->workers[i], p))
            remove_rx(sw->workers[i], p);
    }
    rebalance(sw);
}
