/* control/protocol.c: one loop, a few descriptors. */
#include "control/protocol.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "control/gateway.h"
#include "control/lag.h"
#include "control/span.h"
#include "control/underlay.h"
#include "control/vmport.h"
#include "datapath/punt.h"

enum { AGE_INTERVAL_MS = 250 }; /* fdb_age() takes a part of the table at a time */

enum { PROTO_BATCH = 32, PROTO_ROUNDS = 64 };

struct protocol {
    struct protocol_parts parts;
    pthread_t thread;
    int wake_fd;
    _Atomic bool stop;
};

static nsec_t sooner(nsec_t a, nsec_t b) { return a < b ? a : b; }

nsec_t protocol_turn(const struct protocol_parts *p, nsec_t now)
{
    struct rte_mbuf *m[PROTO_BATCH];
    unsigned n = PROTO_BATCH;
    /* All that waits before the timers: what was heard in time counts. */
    for (unsigned round = 0; round < PROTO_ROUNDS && n == PROTO_BATCH; round++) {
        n = punt_take(p->sw->punt, PUNT_PROTO, m, PROTO_BATCH);
        for (unsigned i = 0; i < n; i++)
            if (!vmports_rx(p->vms, m[i], now) && !lag_rx(p->lag, m[i], now) &&
                !span_rx(p->span, m[i], now) && !gateway_rx(p->gateway, m[i], now))
                rte_pktmbuf_free(m[i]);
    }
    nsec_t due = sooner(lag_run(p->lag, now), span_run(p->span, now));
    due = sooner(gateway_run(p->gateway, now), due);
    due = sooner(vmports_run(p->vms, now), due);
    due = sooner(underlay_run(p->underlay, now), due);
    return n == PROTO_BATCH ? now : due;
}

/* Milliseconds until the next timer, and a bit, not a bit less. */
static int patience(struct protocol *p, nsec_t due)
{
    nsec_t in = due == NSEC_NEVER ? NSEC_NEVER : due - switch_now(p->parts.sw);
    if (in >= AGE_INTERVAL_MS * NSEC_PER_MSEC)
        return AGE_INTERVAL_MS;
    return in <= 0 ? 0 : (int)((in + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

static void sleep_until_work(struct protocol *p, nsec_t due)
{
    static const enum punt_class ours[] = {PUNT_LEARN, PUNT_PROTO, PUNT_NEIGH, PUNT_ROUTER,
                                           PUNT_UNDERLAY};
    enum { N = sizeof ours / sizeof ours[0] };
    struct punt *q = p->parts.sw->punt;
    struct pollfd fds[N + 1] = {{.fd = p->wake_fd, .events = POLLIN}};
    bool waiting = false;
    for (unsigned i = 0; i < N; i++) {
        fds[i + 1] = (struct pollfd){.fd = punt_fd(q, ours[i]), .events = POLLIN};
        waiting = punt_arm(q, ours[i]) || waiting;
    }
    if (!waiting)
        (void)poll(fds, N + 1, patience(p, due));
    uint64_t rung;
    (void)!read(p->wake_fd, &rung, sizeof rung);
}

static void *run(void *arg)
{
    struct protocol *p = arg;
    while (!p->stop) {
        nsec_t now = switch_now(p->parts.sw);
        nsec_t due = protocol_turn(&p->parts, now);
        if (switch_protocol_run(p->parts.sw, now) == 0)
            sleep_until_work(p, due);
    }
    return NULL;
}

static void free_all(struct protocol *p)
{
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    free(p);
}

/* Signals belong to the main thread's event loop. */
static int start_thread(struct protocol *p)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&p->thread, NULL, run, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(p->thread, "weft-protocol");
    return r;
}

int protocol_start(const struct protocol_parts *parts, struct protocol **out, struct errbuf *e)
{
    struct protocol *p = calloc(1, sizeof *p);
    if (!p)
        return errbuf_set(e, ENOMEM, "protocol thread: out of memory");
    p->parts = *parts;
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int err = p->wake_fd < 0 ? errno : start_thread(p);
    if (err) {
        free_all(p);
        return errbuf_set(e, err, "protocol thread: can't start: %s", strerror(err));
    }
    *out = p;
    return 0;
}

void protocol_wake(struct protocol *p)
{
    if (p)
        (void)!write(p->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void protocol_stop(struct protocol *p)
{
    if (!p)
        return;
    p->stop = true;
    (void)!write(p->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(p->thread, NULL);
    free_all(p);
}
