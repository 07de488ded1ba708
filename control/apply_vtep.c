/* control/apply_vtep.c: our VTEPs follow the configuration.
 *
 * A VTEP that changes in more than its underlay port, neighbours and routes is made anew, and so
 * are the ports that go through it: under their old OpenFlow numbers, as any port. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/weft_priv.h"
#include "datapath/tunnel.h"

static bool is_live(const char *key)
{
    return !strcmp(key, "port") || !strcmp(key, "neighbors") || !strcmp(key, "gateway") ||
           !strcmp(key, "routes") || !strcmp(key, "kernel") || !strcmp(key, "device");
}

static bool is_wanted(const struct weft_vtep *v, const struct config *want)
{
    const struct config_vtep *cv = config_find_vtep(want, v->cfg->name);
    if (!cv)
        return false;
    for (const cyaml_schema_field_t *f = config_vtep_fields; f->key; f++)
        if (!is_live(f->key) && !config_field_equal(v->cfg, cv, f))
            return false;
    return true;
}

static void unport(struct weft *w, const struct vtep *v)
{
    for (unsigned i = 0; i < w->n_bridges; i++) {
        struct weft_port *p = TAILQ_FIRST(&w->bridges[i]->ports), *next;
        for (; p; p = next) {
            next = TAILQ_NEXT(p, next);
            if (p->dp->tunnel && p->dp->tunnel->vtep == v)
                apply_port_destroy(w->bridges[i], p);
        }
    }
}

void apply_vteps_unport(struct weft *w, const struct config *want)
{
    for (unsigned i = 0; i < w->n_vteps; i++)
        if (!is_wanted(&w->vteps[i], want))
            unport(w, w->vteps[i].dp);
}

static void destroy(struct weft *w, unsigned i)
{
    weft_log(w, LOG_LVL_INFO, "VTEP %s: deleted", w->vteps[i].cfg->name);
    apply_kernel_free(&w->vteps[i]);
    underlay_lock(w->underlay);
    underlay_forget(w->underlay, w->vteps[i].dp, weft_now(w));
    vtep_destroy(w->vteps[i].dp);
    underlay_unlock(w->underlay);
    config_vtep_free(w->vteps[i].cfg);
    memmove(&w->vteps[i], &w->vteps[i + 1], (--w->n_vteps - i) * sizeof w->vteps[0]);
}

void apply_vteps_delete(struct weft *w, const struct config *want)
{
    for (unsigned i = w->n_vteps; i-- > 0;)
        if (!is_wanted(&w->vteps[i], want))
            destroy(w, i);
}

void apply_vteps_free(struct weft *w)
{
    while (w->n_vteps)
        destroy(w, w->n_vteps - 1);
}

static struct weft_vtep *find(struct weft *w, const char *name)
{
    for (unsigned i = 0; i < w->n_vteps; i++)
        if (!strcmp(w->vteps[i].cfg->name, name))
            return &w->vteps[i];
    return NULL;
}

static int create(struct weft *w, const struct config_vtep *cv, struct errbuf *e)
{
    struct vtep_options o;
    struct vtep *v = NULL;
    struct config_vtep *cfg = config_vtep_copy(cv);
    config_vtep_options(cv, &o);
    struct vtep_link_options links[VTEP_LINKS_MAX];
    o.links = links;
    o.n_links = config_vtep_links(cv, links);
    underlay_lock(w->underlay);
    int r = cfg ? vtep_create(w->sw, &o, &v, e) : errbuf_set(e, ENOMEM, "out of memory");
    underlay_unlock(w->underlay);
    if (r < 0) {
        config_vtep_free(cfg);
        return r;
    }
    w->vteps[w->n_vteps++] = (struct weft_vtep){.cfg = cfg, .dp = v};
    weft_log(w, LOG_LVL_INFO, "VTEP %s: created, %s", cv->name, cv->ip);
    return 0;
}

int apply_vteps_create(struct weft *w, const struct config *want, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < want->vteps_count; i++)
        r = find(w, want->vteps[i].name) ? 0 : create(w, &want->vteps[i], e);
    return r;
}

/* Those that were and are not given any more are asked for again. */
static int set_neighbors(struct weft *w, struct weft_vtep *v, const struct config_vtep *cv,
                         struct errbuf *e)
{
    struct ip6 ip;
    struct mac mac = {{0}};
    bool v6;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < v->cfg->neighbors_count; i++)
        if (config_ip(v->cfg->neighbors[i].ip, &ip, &v6, NULL))
            r = underlay_static(w->underlay, v->dp, &ip, mac, weft_now(w), e);
    for (unsigned i = 0; r == 0 && i < cv->neighbors_count; i++)
        if (config_ip(cv->neighbors[i].ip, &ip, &v6, NULL) &&
            config_mac(cv->neighbors[i].mac, &mac)) /* checked before */
            r = underlay_static(w->underlay, v->dp, &ip, mac, weft_now(w), e);
    return r;
}

static int set_routes(struct weft_vtep *v, const struct config_vtep *cv, struct errbuf *e)
{
    unsigned n;
    struct vtep_route_options *r = config_vtep_routes(cv, &n);
    if (!r)
        return errbuf_set(e, ENOMEM, "out of memory");
    v->dp->routed = cv->kernel != NULL;
    int err = vtep_set_routes(v->dp, r, n, e);
    free(r);
    return err;
}

static int set_uplinks(struct weft *w, struct weft_vtep *v, const struct config_vtep *cv,
                       struct errbuf *e)
{
    int r = vtep_set_uplink(v->dp, 0, cv->port ? port_find(w->sw, cv->port) : NULL, e);
    for (unsigned i = 0; r == 0 && i < cv->links_count; i++)
        r = vtep_set_uplink(v->dp, i + 1, port_find(w->sw, cv->links[i].port), e);
    return r;
}

static int follow_underlay(struct weft *w, struct weft_vtep *v, const struct config_vtep *cv,
                           struct errbuf *e)
{
    underlay_lock(w->underlay);
    int r = set_uplinks(w, v, cv, e);
    if (r == 0)
        r = underlay_follow(w->underlay, v->dp, weft_now(w), e);
    if (r == 0)
        r = set_neighbors(w, v, cv, e);
    if (r == 0 && !(v->kernel && cv->kernel)) /* else with the kernel's: apply_kernel_run() */
        r = set_routes(v, cv, e);
    underlay_unlock(w->underlay);
    return r;
}

static int follow(struct weft *w, struct weft_vtep *v, const struct config_vtep *cv,
                  struct errbuf *e)
{
    struct config_vtep *cfg = config_vtep_copy(cv);
    if (!cfg)
        return errbuf_set(e, ENOMEM, "out of memory");
    int r = follow_underlay(w, v, cv, e);
    if (r < 0) {
        config_vtep_free(cfg);
        return r;
    }
    config_vtep_free(v->cfg);
    v->cfg = cfg;
    return apply_kernel(w, v, e);
}

/* ---- who lives behind remote VTEPs ---- */

struct stale {
    uint16_t port;
    unsigned n;
    struct fdb_entry e[256]; /* more of them go with the next turn */
};

static bool note_stale(void *ctx, const struct fdb_entry *e)
{
    struct stale *s = ctx;
    if (e->is_static && e->port == s->port && e->endpoint)
        s->e[s->n++] = *e;
    return s->n < sizeof s->e / sizeof s->e[0];
}

static void forget_hosts(struct weft *w, const struct of_bridge *b, const struct port *p)
{
    struct stale s = {.port = p->index};
    if (!p->tunnel->has_hosts)
        return;
    p->tunnel->has_hosts = false;
    do {
        s.n = 0;
        fdb_each(b->dp->fdb, note_stale, &s);
        for (unsigned i = 0; i < s.n; i++)
            (void)fdb_del(b->dp->fdb, s.e[i].vlan, s.e[i].mac);
    } while (s.n == sizeof s.e / sizeof s.e[0]);
    if (w->sw->bindings)
        binding_forget(w->sw->bindings, &p->tunnel->user, true);
}

static int set_host(struct weft *w, const struct of_bridge *b, const struct port *p,
                    const struct config_host *h, uint16_t vlan, struct errbuf *e)
{
    struct ip6 ip;
    struct mac mac;
    bool v6;
    if (!config_mac(h->mac, &mac) || !config_ip(h->remote, &ip, &v6, NULL))
        return 0; /* checked before */
    uint16_t to = endpoint_add(p->tunnel->vtep, &ip);
    int r =
        to ? fdb_add_static(b->dp->fdb, vlan, mac, fdb_place(p->index, to), weft_now(w)) : -ENOSPC;
    for (unsigned i = 0; r == 0 && i < h->ips_count; i++)
        if (config_ip(h->ips[i], &ip, &v6, NULL))
            (void)binding_learn(w->sw->bindings, &p->tunnel->user, &ip, mac, true, weft_now(w));
    return r < 0 ? errbuf_set(e, -r,
                              "port %s: host %s: no room in the FDB, or of the VTEP's endpoints",
                              p->name, h->mac)
                 : 0;
}

/* Static MACs and addresses behind VTEPs, and whether they are answered for. */
static int set_hosts(struct weft *w, const struct of_bridge *b, const struct weft_port *p,
                     struct errbuf *e)
{
    struct tunnel_port *t = p->dp->tunnel;
    const struct config_port *cp = p->cfg;
    struct port_vlan v;
    int r = 0;
    if (!w->sw->bindings && (cp->suppress || cp->hosts_count))
        w->sw->bindings = bindings_create(w->sw->hash_key);
    if (!w->sw->bindings && (cp->suppress || cp->hosts_count))
        return errbuf_set(e, ENOMEM, "port %s: out of memory", p->dp->name);
    forget_hosts(w, b, p->dp);
    config_port_vlan(cp, &v);
    t->has_hosts = cp->hosts_count > 0;
    for (unsigned i = 0; r == 0 && i < cp->hosts_count; i++)
        r = set_host(w, b, p->dp, &cp->hosts[i], v.tag, e);
    atomic_store(&t->suppress, cp->suppress);
    return r;
}

static int set_all_hosts(struct weft *w, struct errbuf *e)
{
    const struct weft_port *p;
    int r = 0;
    for (unsigned i = 0; i < w->n_bridges; i++)
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next)
            if (r == 0 && p->dp->tunnel && p->cfg)
                r = set_hosts(w, w->bridges[i], p, e);
    return r;
}

int apply_vteps_link(struct weft *w, const struct config *want, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < want->vteps_count; i++)
        r = follow(w, find(w, want->vteps[i].name), &want->vteps[i], e);
    return r < 0 ? r : set_all_hosts(w, e);
}
