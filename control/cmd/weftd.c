/* control/cmd/weftd.c: the daemon's main: options, runtime directory, event loop, signals. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/api.h"
#include "control/rundir.h"
#include "control/sdnotify.h"
#include "control/version.h"
#include "control/weft.h"
#include "datapath/eal.h"

enum { EXIT_CONFIG = 2 };

struct options {
    const char *config, *rundir, *level;
};

struct daemon {
    struct options opt;
    struct log log;
    struct event_base *base;
    struct event *sigs[3];
    struct weft *w;
    struct api *api;
    int lock_fd;
};

static const char usage[] =
    "usage: weftd [--config FILE] [--rundir DIR] [--log-level LEVEL] [--version]\n"
    "  --config FILE      the configuration, YAML; changes by weftctl are saved to it\n"
    "                     (default: /etc/weft/weft.yaml; missing: empty, made at the first "
    "change)\n"
    "  --rundir DIR       where the API socket and the lock are (default: /run/weft)\n"
    "  --log-level LEVEL  error, warning, info or debug (default: the configuration's, or info)\n";

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"rundir", required_argument, NULL, 'r'},
                                          {"log-level", required_argument, NULL, 'l'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:r:l:Vh", longs, NULL)) != -1) {
        if (c == 'c')
            o->config = optarg;
        else if (c == 'r')
            o->rundir = optarg;
        else if (c == 'l')
            o->level = optarg;
        else if (c == 'V')
            exit(printf("weftd %s\n", WEFT_VERSION) < 0);
        else if (c == 'h')
            exit(fputs(usage, stdout) < 0);
        else
            return -1;
    }
    enum log_level l;
    if (o->level && !log_level_parse(o->level, &l))
        return -1;
    return optind == argc ? 0 : -1;
}

/* A missing file is an empty configuration: it is made at the first change. */
static int read_config(struct daemon *d, struct config **c, struct errbuf *e)
{
    int r = config_load(d->opt.config, c, e);
    if (r != -ENOENT)
        return r;
    log_line(&d->log, LOG_LVL_INFO, "%s: no such file; starting empty", d->opt.config);
    *c = config_empty();
    return *c ? 0 : errbuf_set(e, ENOMEM, "out of memory");
}

static int start_eal(struct daemon *d, const struct config *c, struct errbuf *e)
{
    const struct config_memory *m = &c->memory;
    struct eal_report rep = {0};
    struct eal_options o = {.memory_mb = m->memory_mb,
                            .pci = m->pci,
                            .driver_path = m->driver_path,
                            .quiet = true};
    if (m->hugepages && !strcmp(m->hugepages, "no"))
        o.hugepages = EAL_HUGE_NO;
    if (m->hugepages && !strcmp(m->hugepages, "require"))
        o.hugepages = EAL_HUGE_REQUIRE;
    int r = eal_start(&o, &rep, e);
    if (r < 0)
        return r;
    log_line(&d->log, LOG_LVL_INFO, "memory: %s hugepages, %u MB", rep.hugepages ? "with" : "no",
             rep.memory_mb);
    if (*rep.advice)
        log_line(&d->log, LOG_LVL_INFO, "faster would be: %s", rep.advice);
    return 0;
}

static void say_workers(struct daemon *d, const struct config *c)
{
    const struct config_workers *w = &c->workers;
    char cpus[256] = "";
    size_t at = 0;
    for (unsigned i = 0; i < w->cpus_count && at < sizeof cpus; i++)
        at += (size_t)snprintf(cpus + at, sizeof cpus - at, "%s%d", i ? "," : "", w->cpus[i]);
    if (w->cpus_count == 0)
        log_line(&d->log, LOG_LVL_INFO,
                 "workers: 1, on any CPU; faster would be: CPUs of their own in workers.cpus");
    else
        log_line(&d->log, LOG_LVL_INFO, "workers: %u, on CPU %s%s", w->cpus_count, cpus,
                 w->busy_poll ? ", polling without sleep" : "");
}

static void reload(struct daemon *d)
{
    struct errbuf e = {""};
    sdnotify_reloading();
    if (weft_reload(d->w, &e) < 0)
        weft_log(d->w, LOG_LVL_ERROR, "not reloaded, the old configuration goes on: %s", e.text);
    else
        weft_log(d->w, LOG_LVL_INFO, "reloaded");
    sdnotify("READY=1");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    struct daemon *d = arg;
    (void)what;
    if (sig == SIGHUP)
        reload(d);
    else
        event_base_loopbreak(d->base);
}

static int catch_signals(struct daemon *d, struct errbuf *e)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < 3; i++) {
        d->sigs[i] = evsignal_new(d->base, signals[i], on_signal, d);
        if (!d->sigs[i] || event_add(d->sigs[i], NULL) < 0)
            return errbuf_set(e, ENOMEM, "signals: out of memory");
    }
    return 0;
}

static int start(struct daemon *d, struct config *c, struct errbuf *e)
{
    char sock[PATH_MAX];
    struct weft_options o = {.base = d->base, .config_path = d->opt.config, .log = d->log};
    int r = start_eal(d, c, e);
    if (r < 0) {
        config_free(c);
        return r;
    }
    say_workers(d, c);
    r = weft_create(&o, c, &d->w, e);
    if (r < 0)
        return r;
    enum log_level l;
    if (log_level_parse(d->opt.level, &l))
        weft_set_log_level(d->w, l);
    if (snprintf(sock, sizeof sock, "%s/api.sock", d->opt.rundir) >= (int)sizeof sock)
        return errbuf_set(e, ENAMETOOLONG, "%s: too long", d->opt.rundir);
    return api_listen(d->base, d->w, sock, &d->api, e);
}

static void stop(struct daemon *d)
{
    api_free(d->api);
    weft_free(d->w);
    for (unsigned i = 0; i < 3; i++)
        if (d->sigs[i])
            event_free(d->sigs[i]);
    if (d->base)
        event_base_free(d->base);
    rundir_close(d->lock_fd);
}

static int run(struct daemon *d)
{
    struct errbuf e = {""};
    struct config *c = NULL;
    int r = read_config(d, &c, &e);
    if (r < 0) {
        log_line(&d->log, LOG_LVL_ERROR, "%s", e.text);
        return EXIT_CONFIG;
    }
    r = rundir_open(d->opt.rundir, &d->lock_fd, &e);
    if (r == 0 && !(d->base = event_base_new()))
        r = errbuf_set(&e, ENOMEM, "out of memory");
    if (r == 0)
        r = catch_signals(d, &e);
    if (r < 0)
        config_free(c);
    else
        r = start(d, c, &e);
    if (r < 0) {
        log_line(&d->log, LOG_LVL_ERROR, "%s", e.text);
        return EXIT_FAILURE;
    }
    weft_log(d->w, LOG_LVL_INFO, "ready");
    sdnotify("READY=1");
    event_base_dispatch(d->base);
    sdnotify("STOPPING=1");
    weft_log(d->w, LOG_LVL_INFO, "stopping");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct daemon d = {
        .opt = {.config = "/etc/weft/weft.yaml", .rundir = "/run/weft"},
        .log = log_stderr("weftd"),
        .lock_fd = -1,
    };
    if (parse_options(argc, argv, &d.opt) < 0) {
        fputs(usage, stderr);
        return EXIT_CONFIG;
    }
    (void)log_level_parse(d.opt.level, &d.log.max);
    int status = run(&d);
    stop(&d);
    return status;
}
