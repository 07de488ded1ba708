/* control/weft.c: a running weft: made, turned, ended. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/config_priv.h"
#include "control/linkwatch.h"
#include "control/tls.h"
#include "control/weft_priv.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/tunnel.h"

/* Asking a device costs some microseconds: few ports are asked more often than many. */
enum { LINK_POLL_MIN_MS = 50, LINK_POLL_MAX_MS = 500 };

nsec_t weft_now(const struct weft *w) { return switch_now(w->sw); }
struct weft_switch *weft_switch(struct weft *w) { return w->sw; }
const struct config *weft_config(const struct weft *w) { return w->config; }

void weft_log(struct weft *w, enum log_level l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_vline(&w->log, l, fmt, ap);
    va_end(ap);
}

void weft_set_log_level(struct weft *w, enum log_level l) { w->log.max = l; }

struct of_bridge *weft_bridge_at(struct weft *w, unsigned i)
{
    return i < w->n_bridges ? w->bridges[i] : NULL;
}

struct of_bridge *weft_bridge(struct weft *w, const char *name)
{
    for (unsigned i = 0; i < w->n_bridges; i++)
        if (!strcmp(w->bridges[i]->dp->name, name))
            return w->bridges[i];
    return NULL;
}

/* ---- turning ---- */

/* Returns how many there are. */
static unsigned poll_links(struct weft *w)
{
    struct weft_port *p;
    unsigned n = 0;
    bool any = false;
    for (unsigned i = 0; i < w->n_bridges; i++)
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next) {
            struct ofw_port desc;
            n++;
            bool blocked = gate_get(p->dp, 0) != GATE_FORWARDING, turned = blocked != p->blocked;
            bool link = port_poll_link(p->dp, &p->link);
            if (!link && !turned)
                continue;
            p->blocked = blocked;
            if (link)
                weft_log(w, LOG_LVL_INFO, "port %s: link %s", p->dp->name,
                         p->link.up ? "up" : "down");
            of_port_describe(p, &desc);
            of_port_status(w->bridges[i], OFPPR_MODIFY, &desc);
            any = true;
        }
    if (any) {
        underlay_links(w->underlay, weft_now(w));
        vmports_poke(w->vms);
        protocol_wake(w->proto);
    }
    return n;
}

static nsec_t link_interval(unsigned ports)
{
    unsigned ms = ports < LINK_POLL_MIN_MS ? LINK_POLL_MIN_MS : ports;
    return (ms < LINK_POLL_MAX_MS ? ms : LINK_POLL_MAX_MS) * NSEC_PER_MSEC;
}

static nsec_t run_all(struct weft *w, nsec_t now)
{
    rcu_reclaim(w->sw->rcu);
    packet_in_run(w, now);
    if (now >= w->link_due_ns)
        w->link_due_ns = now + link_interval(poll_links(w));
    apply_kernel_run(w);
    nsec_t due = gateway_kernel_run(w->gateway) ? now : w->link_due_ns;
    for (unsigned i = 0; i < w->n_bridges; i++) {
        nsec_t d = of_bridge_run(w->bridges[i], now);
        due = d < due ? d : due;
    }
    return due;
}

void weft_control_run(struct weft *w, nsec_t now) { (void)run_all(w, now); }

/* Not at once: whatever says it is always due must not spin us. */
static void set_timer(struct weft *w, nsec_t in)
{
    in = in < NSEC_PER_MSEC / 2 ? NSEC_PER_MSEC / 2 : in;
    struct timeval tv = {.tv_sec = in / NSEC_PER_SEC,
                         .tv_usec = in % NSEC_PER_SEC / NSEC_PER_USEC + 1};
    event_add(w->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct weft *w = arg;
    (void)fd, (void)what;
    nsec_t due = run_all(w, weft_now(w));
    set_timer(w, due - weft_now(w));
}

void weft_kick(struct weft *w)
{
    if (w->tick)
        event_active(w->tick, EV_TIMEOUT, 0);
}

static void on_link(evutil_socket_t fd, short what, void *arg)
{
    struct weft *w = arg;
    (void)what;
    linkwatch_drain(fd);
    w->link_due_ns = 0;
    weft_kick(w);
}

/* Without it (a sandbox without netlink, say), links are polled only. */
static void watch_links(struct weft *w)
{
    w->link_fd = linkwatch_open();
    if (w->link_fd < 0)
        weft_log(w, LOG_LVL_WARNING, "no news of links (%s): they are polled",
                 strerror(-w->link_fd));
    else
        w->links = event_new(w->base, w->link_fd, EV_READ | EV_PERSIST, on_link, w);
    if (w->links)
        event_add(w->links, NULL);
}

/* Bounded by the ring and its policer; armed again only when it is empty. */
static void on_punted(evutil_socket_t fd, short what, void *arg)
{
    struct weft *w = arg;
    (void)fd, (void)what;
    packet_in_run(w, weft_now(w));
    if (punt_arm(w->sw->punt, PUNT_PACKET_IN))
        event_active(w->punted, EV_READ, 0);
}

static struct protocol_parts parts_of(const struct weft *w)
{
    return (struct protocol_parts){.sw = w->sw,
                                   .lag = w->lag,
                                   .span = w->span,
                                   .gateway = w->gateway,
                                   .underlay = w->underlay,
                                   .vms = w->vms};
}

bool weft_step(struct weft *w, nsec_t now)
{
    bool moved = switch_step(w->sw, now);
    struct protocol_parts parts = parts_of(w);
    (void)protocol_turn(&parts, now);
    weft_control_run(w, now);
    return moved;
}

/* ---- making ---- */

static void switch_opts(const struct weft_options *o, const struct config *c,
                        struct switch_options *s)
{
    *s = (struct switch_options){
        .n_cpus = c->workers.cpus_count,
        .mbufs = c->memory.mbufs,
        .mbuf_data_bytes = c->memory.mbuf_data_bytes,
        .idle_spin_us = c->workers.idle_spin_us,
        .idle_sleep_us = c->workers.idle_sleep_us,
        .busy_poll = c->workers.busy_poll,
        .stepped = o->stepped,
        .hash_seed = o->hash_seed,
    };
    for (unsigned i = 0; i < c->workers.cpus_count && i < WEFT_WORKERS_MAX; i++)
        s->cpus[i] = c->workers.cpus[i];
}

static int start_events(struct weft *w, struct errbuf *e)
{
    w->tick = event_new(w->base, -1, 0, on_tick, w);
    w->punted = event_new(w->base, punt_fd(w->sw->punt, PUNT_PACKET_IN), EV_READ | EV_PERSIST,
                          on_punted, w);
    if (!w->tick || !w->punted || event_add(w->punted, NULL) < 0)
        return errbuf_set(e, ENOMEM, "the event loop: out of memory");
    if (punt_arm(w->sw->punt, PUNT_PACKET_IN))
        event_active(w->punted, EV_READ, 0);
    watch_links(w);
    set_timer(w, 0);
    return 0;
}

static int start_all(struct weft *w, const struct weft_options *o, const struct config *c,
                     struct errbuf *e)
{
    struct switch_options so;
    enum log_level l;
    if (log_level_parse(c->log_level, &l))
        w->log.max = l;
    switch_opts(o, c, &so);
    int r = switch_create(&so, &w->sw, e);
    if (r == 0)
        r = lag_create(w->sw, &w->log, &w->lag, e);
    if (r == 0)
        r = span_create(w->sw, &w->log, &w->span, e);
    if (r == 0)
        r = gateway_create(w->sw, &w->log, &w->gateway, e);
    if (r == 0)
        r = underlay_create(w->sw, &w->log, &w->underlay, e);
    if (r == 0)
        r = vmports_create(w->sw, &w->log, &w->vms, e);
    if (r < 0 || o->stepped)
        return r;
    struct protocol_parts parts = parts_of(w);
    r = switch_start(w->sw, e);
    if (r == 0)
        r = protocol_start(&parts, &w->proto, e);
    if (r == 0)
        r = carrier_start(w->sw, &w->carrier, e);
    return r < 0 ? r : start_events(w, e);
}

int weft_create(const struct weft_options *o, struct config *c, struct weft **out, struct errbuf *e)
{
    struct weft *w = calloc(1, sizeof *w);
    int r = w && c ? 0 : errbuf_set(e, ENOMEM, "out of memory");
    if (r == 0) {
        w->log = o->log;
        w->stepped = o->stepped;
        w->base = o->base;
        w->link_fd = -1;
        w->tls = tls_create();
        w->config_path = o->config_path ? strdup(o->config_path) : NULL;
        r = w->tls ? config_check(c, e) : errbuf_set(e, ENOMEM, "out of memory");
    }
    if (r == 0)
        r = start_all(w, o, c, e);
    if (r == 0)
        r = apply_config(w, c, e);
    if (r < 0) {
        weft_free(w);
        config_free(c);
        return r;
    }
    w->config = c;
    *out = w;
    return 0;
}

void weft_free(struct weft *w)
{
    if (!w)
        return;
    gateway_stop(w->gateway);
    while (w->n_bridges) {
        struct of_bridge *b = w->bridges[w->n_bridges - 1];
        struct weft_port *p;
        while ((p = TAILQ_LAST(&b->ports, weft_ports)))
            apply_port_destroy(b, p);
        w->n_bridges--;
        span_bridge_gone(w->span, b->dp);
        of_bridge_free(b);
    }
    apply_vteps_free(w);
    carrier_stop(w->carrier);
    protocol_stop(w->proto);
    span_free(w->span);
    gateway_free(w->gateway);
    underlay_free(w->underlay);
    vmports_free(w->vms);
    if (w->tick)
        event_free(w->tick);
    if (w->punted)
        event_free(w->punted);
    if (w->links)
        event_free(w->links);
    if (w->link_fd >= 0)
        close(w->link_fd);
    switch_destroy(w->sw);
    lag_free(w->lag);
    tls_free(w->tls);
    config_free(w->config);
    free(w->config_path);
    free(w);
}

/* ---- following a configuration ---- */

static void undo(struct weft *w, const char *why)
{
    struct errbuf e = {""};
    weft_log(w, LOG_LVL_WARNING, "configuration refused, going back: %s", why);
    if (apply_config(w, w->config, &e) < 0)
        weft_log(w, LOG_LVL_ERROR, "the old configuration could not be restored: %s", e.text);
}

static int persist_config(struct weft *w, const struct config *c, struct errbuf *e)
{
    return w->config_path ? config_save(c, w->config_path, e) : 0;
}

int weft_set_config(struct weft *w, struct config *c, bool persist, struct errbuf *e)
{
    struct errbuf own = {""};
    enum log_level l;
    if (!e)
        e = &own;
    if (!c)
        return errbuf_set(e, ENOMEM, "out of memory");
    int r = config_check(c, e);
    if (r == 0) {
        r = apply_config(w, c, e);
        if (r == 0 && persist)
            r = persist_config(w, c, e);
        if (r < 0)
            undo(w, e->text);
        for (unsigned i = 0; i < w->n_bridges; i++)
            apply_forget_numbers(w->bridges[i]);
    }
    if (r < 0) {
        config_free(c);
        return r;
    }
    if (!config_same_fixed(w->config, c))
        weft_log(w, LOG_LVL_WARNING, "workers and memory change only when weftd starts again");
    const char *had = w->config->log_level ? w->config->log_level : "info";
    const char *wants = c->log_level ? c->log_level : "info";
    if (strcmp(had, wants) && log_level_parse(wants, &l))
        w->log.max = l;
    config_free(w->config);
    w->config = c;
    return 0;
}

int weft_reload(struct weft *w, struct errbuf *e)
{
    struct config *c = NULL;
    if (!w->config_path)
        return errbuf_set(e, EINVAL, "there is no configuration file to read");
    int r = config_load(w->config_path, &c, e);
    return r < 0 ? r : weft_set_config(w, c, false, e);
}
