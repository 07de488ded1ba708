/* control/protocol.c: one loop, two descriptors. */
#include "control/protocol.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/punt.h"

enum { AGE_INTERVAL_MS = 250 }; /* fdb_age() takes a part of the table at a time */

struct protocol {
    struct weft_switch *sw;
    pthread_t thread;
    int wake_fd;
    pthread_mutex_t lock;
    pthread_cond_t done;
    void (*fn)(void *arg); /* the call that waits, under the lock */
    void *arg;
    bool stop;
};

/* Runs what control asked for; false when the thread should end. */
static bool serve_call(struct protocol *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->fn) {
        p->fn(p->arg);
        p->fn = NULL;
        pthread_cond_signal(&p->done);
    }
    bool go_on = !p->stop;
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

static void sleep_until_work(struct protocol *p)
{
    uint64_t n;
    struct pollfd fds[] = {
        {.fd = punt_fd(p->sw->punt, PUNT_LEARN), .events = POLLIN},
        {.fd = p->wake_fd, .events = POLLIN},
    };
    if (punt_arm(p->sw->punt, PUNT_LEARN))
        return;
    (void)poll(fds, 2, AGE_INTERVAL_MS);
    if (fds[1].revents)
        (void)!read(p->wake_fd, &n, sizeof n);
}

static void *run(void *arg)
{
    struct protocol *p = arg;
    while (serve_call(p))
        if (switch_protocol_run(p->sw, switch_now(p->sw)) == 0)
            sleep_until_work(p);
    return NULL;
}

static void free_all(struct protocol *p)
{
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->done);
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

int protocol_start(struct weft_switch *sw, struct protocol **out, struct errbuf *e)
{
    struct protocol *p = calloc(1, sizeof *p);
    if (!p)
        return errbuf_set(e, ENOMEM, "protocol thread: out of memory");
    p->sw = sw;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->done, NULL);
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int err = p->wake_fd < 0 ? errno : start_thread(p);
    if (err) {
        free_all(p);
        return errbuf_set(e, err, "protocol thread: can't start: %s", strerror(err));
    }
    *out = p;
    return 0;
}

static void wake(struct protocol *p) { (void)!write(p->wake_fd, &(uint64_t){1}, sizeof(uint64_t)); }

void protocol_stop(struct protocol *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    wake(p);
    pthread_join(p->thread, NULL);
    free_all(p);
}

void protocol_call(struct protocol *p, void (*fn)(void *arg), void *arg)
{
    if (!p) {
        fn(arg);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->arg = arg;
    wake(p);
    while (p->fn)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
