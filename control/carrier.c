/* control/carrier.c: see carrier.h. */
#include "control/carrier.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/bond.h"

struct carrier {
    struct weft_switch *sw;
    pthread_t thread;
    int wake_fd;
    _Atomic bool stop;
};

static void *run(void *arg)
{
    struct carrier *c = arg;
    while (!c->stop) {
        struct pollfd p = {.fd = c->wake_fd, .events = POLLIN};
        bool any, changed = bonds_ask_links(c->sw, &any);
        if (changed)
            (void)bonds_run(c->sw, false, switch_now(c->sw));
        (void)poll(&p, 1, any ? CARRIER_POLL_MS : CARRIER_IDLE_MS);
    }
    return NULL;
}

int carrier_start(struct weft_switch *sw, struct carrier **out, struct errbuf *e)
{
    sigset_t all, old;
    struct carrier *c = calloc(1, sizeof *c);
    if (!c)
        return errbuf_set(e, ENOMEM, "carrier thread: out of memory");
    c->sw = sw;
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sigfillset(&all); /* signals belong to the main thread's event loop */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = c->wake_fd < 0 ? errno : pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        if (c->wake_fd >= 0)
            close(c->wake_fd);
        free(c);
        return errbuf_set(e, err, "carrier thread: can't start: %s", strerror(err));
    }
    pthread_setname_np(c->thread, "weft-carrier");
    *out = c;
    return 0;
}

void carrier_stop(struct carrier *c)
{
    if (!c)
        return;
    c->stop = true;
    (void)!write(c->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(c->thread, NULL);
    close(c->wake_fd);
    free(c);
}
