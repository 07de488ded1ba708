/* worker_idle.c: how a worker sleeps without missing a frame.
 *
 * The sleeper keeps an epoll set of its ports' fds, rebuilt when the poll set is
 * another one or a port's fd has changed (a vhost-user guest reconnected). fds
 * are level-triggered: what came before the sleep wakes it. An fd that keeps
 * waking us although its port has nothing (a device that is gone reads as
 * ready for ever) is left out for a second and its port polled instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "datapath/rcu.h"
#include "datapath/worker.h"

enum { EVENTS_MAX = 64, FALSE_ALARMS = 16, WAKE = UINT16_MAX };

#define MUTE_NS NSEC_PER_SEC
#define LONG_NS NSEC_PER_SEC

/* One entry of the poll set as the sleeper knows it. `port` may be gone unless the versions of
 * idle and poll set agree. */
struct idle_fd {
    const struct port *port;
    int fd;            /* -1: must be polled */
    bool fired;        /* it ended the last sleep */
    uint8_t alarms;    /* times in a row that it fired for nothing */
    uint64_t rx_seen;  /* the port's rx counters at the last sleep */
    nsec_t muted_till; /* 0: not muted */
};

struct idle {
    uint64_t version;
    uint64_t packets; /* the worker's count when it last wanted to sleep */
    uint32_t vain;    /* times in a row that rx_arm said "frames wait" and none came */
    uint16_t n;
    struct idle_fd at[];
};

void worker_idle_free(struct worker *w)
{
    free(w->idle);
    w->idle = NULL;
    if (w->epoll_fd >= 0)
        close(w->epoll_fd);
    w->epoll_fd = -1;
}

static nsec_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static int fd_of(struct port *p) { return p->ops->rx_fd != NULL ? p->ops->rx_fd(p) : -1; }

static uint64_t rx_count(const struct worker *w, const struct port *p)
{
    const struct port_stats *s = &p->stats[w->index];
    return s->rx_packets + s->rx_dropped + s->rx_errors;
}

/* False: the fd can't be waited for (or another queue of its port has it already). */
static bool watch(struct worker *w, int fd, uint32_t id)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = id};
    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 || errno == EEXIST;
}

/* A fresh epoll set for `set`. False: no memory or fds; the caller naps instead. */
static bool rebuild(struct worker *w, const struct poll_set *set)
{
    worker_idle_free(w);
    struct idle *idle = calloc(1, sizeof *idle + set->n * sizeof *idle->at);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (idle == NULL || w->epoll_fd < 0 || !watch(w, w->wake_fd, WAKE)) {
        free(idle);
        return false;
    }
    idle->version = set->version;
    idle->n = set->n;
    for (uint16_t i = 0; i < set->n; i++) {
        struct port *p = set->rx[i].port;
        idle->at[i] = (struct idle_fd){.port = p, .fd = fd_of(p), .rx_seen = rx_count(w, p)};
        if (idle->at[i].fd >= 0 && !watch(w, idle->at[i].fd, i))
            idle->at[i].muted_till = NSEC_NEVER; /* e.g. a plain file: polled */
    }
    w->idle = idle;
    return true;
}

static bool is_current(const struct worker *w, const struct poll_set *set)
{
    if (w->idle == NULL || w->idle->version != set->version)
        return false;
    for (uint16_t i = 0; i < set->n; i++) {
        if (fd_of(set->rx[i].port) != w->idle->at[i].fd)
            return false;
    }
    return true;
}

/* Counts false alarms of one fd; mutes and unmutes it. */
static void judge(struct worker *w, struct idle_fd *f, uint16_t i, nsec_t now)
{
    uint64_t rx = rx_count(w, f->port);
    if (f->fired)
        f->alarms = rx == f->rx_seen ? (uint8_t)(f->alarms + 1) : 0;
    f->fired = false;
    f->rx_seen = rx;
    if (f->alarms >= FALSE_ALARMS && f->muted_till == 0) {
        epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
        f->muted_till = now + MUTE_NS;
    } else if (f->muted_till != 0 && now >= f->muted_till) {
        f->alarms = FALSE_ALARMS / 2;
        f->muted_till = watch(w, f->fd, i) ? 0 : now + MUTE_NS;
    }
}

/* How long we may sleep at the most. */
static nsec_t limit_ns(struct worker *w, nsec_t now)
{
    nsec_t limit = LONG_NS;
    for (uint16_t i = 0; i < w->idle->n; i++) {
        struct idle_fd *f = &w->idle->at[i];
        if (f->fd >= 0)
            judge(w, f, i, now);
        if (f->fd < 0 || f->muted_till != 0)
            limit = w->sw->opt.idle_sleep_us * NSEC_PER_USEC;
    }
    return limit;
}

/* True: some port has frames already. */
static bool arm(const struct poll_set *set)
{
    bool waiting = false;
    for (uint16_t i = 0; i < set->n; i++) {
        struct port *p = set->rx[i].port;
        if (p->ops->rx_arm != NULL)
            waiting = p->ops->rx_arm(p) || waiting;
    }
    return waiting;
}

static void disarm(const struct poll_set *set)
{
    for (uint16_t i = 0; i < set->n; i++) {
        struct port *p = set->rx[i].port;
        if (p->ops->rx_disarm != NULL)
            p->ops->rx_disarm(p);
    }
}

/* Waits, offline: no port may be touched here. */
static void wait_for_events(struct worker *w, nsec_t limit)
{
    struct epoll_event e[EVENTS_MAX];
    struct timespec t = {.tv_sec = limit / NSEC_PER_SEC, .tv_nsec = limit % NSEC_PER_SEC};
    int n = epoll_pwait2(w->epoll_fd, e, EVENTS_MAX, &t, NULL);
    if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds */
        n = epoll_wait(w->epoll_fd, e, EVENTS_MAX,
                       (int)((limit + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC));
    for (int i = 0; i < n; i++) {
        uint64_t bell;
        if (e[i].data.u32 == WAKE)
            (void)!read(w->wake_fd, &bell, sizeof bell);
        else
            w->idle->at[e[i].data.u32].fired = true;
    }
}

static void nap(nsec_t ns) { nanosleep(&(struct timespec){.tv_nsec = ns % NSEC_PER_SEC}, NULL); }

/* True: rx_arm is to be believed. A queue that claims frames and gives none (its guest has
 * stopped it half-way) must not keep us up for ever. */
static bool believe_waiting(struct worker *w)
{
    if (w->idle == NULL)
        return true;
    if (w->idle->packets != w->perf.packets)
        w->idle->vain = 0;
    w->idle->packets = w->perf.packets;
    return w->idle->vain++ < FALSE_ALARMS;
}

void worker_sleep(struct worker *w)
{
    const struct poll_set *set = atomic_load_explicit(&w->poll, memory_order_acquire);
    nsec_t begin = clock_now(), limit = NSEC_PER_MSEC;
    bool ready = is_current(w, set) || rebuild(w, set);
    if (ready)
        limit = limit_ns(w, begin);
    bool waiting = arm(set);
    if (waiting && !believe_waiting(w)) {
        waiting = false;
        limit = w->sw->opt.idle_sleep_us * NSEC_PER_USEC;
    }
    if (!waiting) {
        atomic_store(&w->asleep, true);
        rcu_offline(w->sw->rcu, w->index);
        if (ready)
            wait_for_events(w, limit);
        else
            nap(limit);
        rcu_online(w->sw->rcu, w->index);
        atomic_store(&w->asleep, false);
        w->perf.sleeps++;
        w->perf.sleep_ns += (uint64_t)(clock_now() - begin);
        set = atomic_load_explicit(&w->poll, memory_order_acquire); /* may be another by now */
    }
    disarm(set);
}
