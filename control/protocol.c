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
    _Atomic bool stop;
};

static void sleep_until_work(struct protocol *p)
{
    struct pollfd fds[] = {
        {.fd = punt_fd(p->sw->punt, PUNT_LEARN), .events = POLLIN},
        {.fd = p->wake_fd, .events = POLLIN},
    };
    if (punt_arm(p->sw->punt, PUNT_LEARN))
        return;
    (void)poll(fds, 2, AGE_INTERVAL_MS);
}

static void *run(void *arg)
{
    struct protocol *p = arg;
    while (!p->stop)
        if (switch_protocol_run(p->sw, switch_now(p->sw)) == 0)
            sleep_until_work(p);
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

int protocol_start(struct weft_switch *sw, struct protocol **out, struct errbuf *e)
{
    struct protocol *p = calloc(1, sizeof *p);
    if (!p)
        return errbuf_set(e, ENOMEM, "protocol thread: out of memory");
    p->sw = sw;
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int err = p->wake_fd < 0 ? errno : start_thread(p);
    if (err) {
        free_all(p);
        return errbuf_set(e, err, "protocol thread: can't start: %s", strerror(err));
    }
    *out = p;
    return 0;
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
