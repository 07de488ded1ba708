/* control/apply_kernel.c: VTEPs whose routes and neighbours are the kernel's follow it. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/kernelroutes.h"
#include "control/weft_priv.h"

/* What a VTEP has from the kernel. */
struct kernel_mirror {
    struct kernelroutes *k;
    struct event *event; /* NULL in stepped mode */
    char *netns;
    unsigned n;
    struct ip6 *static_ip; /* neighbours that were set */
};

static void forget(struct kernel_mirror *m)
{
    if (!m)
        return;
    if (m->event)
        event_free(m->event);
    kernelroutes_close(m->k);
    free(m->netns);
    free(m->static_ip);
    free(m);
}

void apply_kernel_free(struct weft_vtep *v)
{
    forget(v->kernel);
    v->kernel = NULL;
}

static void on_kernel(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    weft_kick(arg);
}

static int open_mirror(struct weft *w, struct weft_vtep *v, const char *netns, struct errbuf *e)
{
    struct kernel_mirror *m = calloc(1, sizeof *m);
    int r = m ? kernelroutes_open(netns, v->dp->opt.local.v6, &m->k, e)
              : errbuf_set(e, ENOMEM, "out of memory");
    if (r == 0 && !(m->netns = strdup(netns)))
        r = errbuf_set(e, ENOMEM, "out of memory");
    if (r == 0 && w->base) {
        m->event = event_new(w->base, kernelroutes_fd(m->k), EV_READ | EV_PERSIST, on_kernel, w);
        if (m->event)
            event_add(m->event, NULL);
    }
    if (r < 0) {
        forget(m);
        errbuf_prefix(e, "VTEP %s: kernel: ", v->cfg->name);
        return r;
    }
    v->kernel = m;
    return 0;
}

/* The device that a link stands for: as said, or what its port is attached to. */
static const char *device_of(const struct config *c, const char *said, const char *port)
{
    const struct config_port *p = port ? config_find_port((struct config *)c, port, NULL) : NULL;
    return said ? said : p && p->ifname ? p->ifname : port;
}

static unsigned devices_of(const struct weft *w, const struct weft_vtep *v, const char **out)
{
    out[0] = device_of(w->config, v->cfg->device, v->cfg->port);
    for (unsigned i = 0; i < v->cfg->links_count; i++)
        out[i + 1] = device_of(w->config, v->cfg->links[i].device, v->cfg->links[i].port);
    return v->cfg->links_count + 1;
}

struct taking {
    struct weft *w;
    struct weft_vtep *v;
    struct ip6 *ip;
    unsigned n;
};

static bool is_hop(const struct vtep *v, const struct ip6 *ip)
{
    for (unsigned i = 0; i < VTEP_HOPS_MAX; i++)
        if (!memcmp(&v->hops[i].ip, ip, sizeof *ip))
            return true;
    return endpoint_find(v, ip) != 0;
}

static void take(void *ctx, unsigned device, const struct ip6 *ip, struct mac mac)
{
    struct taking *t = ctx;
    struct errbuf e = {""};
    struct ip6 *more;
    if (!is_hop(t->v->dp, ip) || vtep_link_for(t->v->dp, ip) != device ||
        !(more = realloc(t->ip, (t->n + 1u) * sizeof *more)))
        return;
    t->ip = more;
    if (underlay_static(t->w->underlay, t->v->dp, ip, mac, weft_now(t->w), &e) == 0)
        t->ip[t->n++] = *ip;
    else
        weft_log(t->w, LOG_LVL_WARNING, "%s", e.text);
}

static bool among(const struct ip6 *list, unsigned n, const struct ip6 *ip)
{
    for (unsigned i = 0; i < n; i++)
        if (!memcmp(&list[i], ip, sizeof *ip))
            return true;
    return false;
}

/* Those that the kernel no longer knows are asked for by ourselves. */
static void follow_neighbours(struct weft *w, struct weft_vtep *v, const char *const *devices,
                              unsigned n)
{
    struct kernel_mirror *m = v->kernel;
    struct taking t = {.w = w, .v = v};
    kernelroutes_neighbours(m->k, devices, n, take, &t);
    for (unsigned i = 0; i < m->n; i++)
        if (!among(t.ip, t.n, &m->static_ip[i]))
            (void)underlay_static(w->underlay, v->dp, &m->static_ip[i], (struct mac){{0}},
                                  weft_now(w), NULL);
    free(m->static_ip);
    m->static_ip = t.ip;
    m->n = t.n;
}

static void follow_routes(struct weft *w, struct weft_vtep *v, const char *const *devices,
                          unsigned n)
{
    struct errbuf e = {""};
    unsigned ours;
    bool more = false;
    struct vtep_route_options *own = config_vtep_routes(v->cfg, &ours);
    struct vtep_route_options *all = own ? realloc(own, VTEP_ROUTES_MAX * sizeof *all) : NULL;
    if (!all) {
        free(own);
        return;
    }
    ours +=
        kernelroutes_routes(v->kernel->k, devices, n, all + ours, VTEP_ROUTES_MAX - ours, &more);
    if (more)
        weft_log(w, LOG_LVL_WARNING,
                 "VTEP %s: the kernel has more routes than the %d that it can have", v->cfg->name,
                 VTEP_ROUTES_MAX);
    if (vtep_set_routes(v->dp, all, ours, &e) < 0)
        weft_log(w, LOG_LVL_WARNING, "%s", e.text);
    free(all);
}

static void follow(struct weft *w, struct weft_vtep *v)
{
    const char *devices[VTEP_LINKS_MAX];
    unsigned n = devices_of(w, v, devices);
    underlay_lock(w->underlay);
    follow_routes(w, v, devices, n);
    follow_neighbours(w, v, devices, n);
    underlay_unlock(w->underlay);
}

int apply_kernel(struct weft *w, struct weft_vtep *v, struct errbuf *e)
{
    const char *want = v->cfg->kernel;
    if (v->kernel && (!want || strcmp(want, v->kernel->netns)))
        apply_kernel_free(v);
    v->kernel_due = true;
    return want && !v->kernel ? open_mirror(w, v, want, e) : 0;
}

void apply_kernel_run(struct weft *w)
{
    for (unsigned i = 0; i < w->n_vteps; i++) {
        struct weft_vtep *v = &w->vteps[i];
        if (!v->kernel || !(kernelroutes_poll(v->kernel->k) || v->kernel_due))
            continue;
        v->kernel_due = false;
        follow(w, v);
    }
}
