/* control/apply.c: what runs follows a configuration, bridge by bridge.
 *
 * What is not wanted goes first, everywhere, so that a name, a device or a socket can come
 * again elsewhere in the same change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/weft_priv.h"

static const struct config_bridge *wanted(const struct config *c, const char *name)
{
    return config_find_bridge((struct config *)c, name);
}

/* An FDB's size is fixed when it is made. */
static bool must_remake(const struct of_bridge *b, const struct config_bridge *want)
{
    uint32_t now = b->cfg->fdb.size ? b->cfg->fdb.size : WEFT_FDB_DEFAULT;
    return now != (want->fdb.size ? want->fdb.size : WEFT_FDB_DEFAULT);
}

static void delete_bridge(struct weft *w, unsigned i)
{
    struct of_bridge *b = w->bridges[i];
    struct weft_port *p;
    while ((p = TAILQ_LAST(&b->ports, weft_ports)))
        apply_port_destroy(b, p);
    weft_log(w, LOG_LVL_INFO, "bridge %s: deleted", b->dp->name);
    span_bridge_gone(w->span, b->dp);
    of_bridge_free(b);
    memmove(&w->bridges[i], &w->bridges[i + 1], (--w->n_bridges - i) * sizeof w->bridges[0]);
}

static void delete_unwanted(struct weft *w, const struct config *want)
{
    for (unsigned i = w->n_bridges; i-- > 0;) {
        const struct config_bridge *cb = wanted(want, w->bridges[i]->dp->name);
        if (!cb || must_remake(w->bridges[i], cb))
            delete_bridge(w, i);
        else
            apply_ports_delete(w->bridges[i], cb);
    }
}

static int create_bridge(struct weft *w, const struct config_bridge *cb, struct of_bridge **out,
                         struct errbuf *e)
{
    if (w->n_bridges == WEFT_BRIDGES_MAX)
        return errbuf_set(e, ENOSPC, "bridge %s: there are %d already", cb->name, WEFT_BRIDGES_MAX);
    int r = of_bridge_create(w, cb, out, e);
    if (r < 0)
        return r;
    w->bridges[w->n_bridges++] = *out;
    weft_log(w, LOG_LVL_INFO, "bridge %s: created, datapath id %016llx", cb->name,
             (unsigned long long)(*out)->dpid);
    return 0;
}

/* Keys of the bridge itself that change while it runs. */
static int apply_keys(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    struct config_bridge *cfg = config_bridge_head(want);
    if (!cfg)
        return errbuf_set(e, ENOMEM, "out of memory");
    uint64_t dpid = config_bridge_dpid(want, b->w->stepped);
    bool renamed = dpid != b->dpid;
    b->dpid = dpid;
    b->dp->forward_bpdu = want->forward_bpdu;
    fdb_set_ageing(b->dp->fdb, (want->fdb.ageing_s ? want->fdb.ageing_s : 300) * NSEC_PER_SEC);
    int r = apply_statics(b, want, e);
    if (r == 0 && b->conns)
        r = of_conns_set(b->conns, want->controllers, want->controllers_count, e);
    bool other = cfg->probe_s != b->cfg->probe_s || cfg->packet_in_rate != b->cfg->packet_in_rate ||
                 cfg->packet_in_burst != b->cfg->packet_in_burst;
    if (r == 0 && b->conns && (renamed || other))
        of_conns_drop(b->conns);
    if (r < 0) {
        config_bridge_free(cfg);
        return r;
    }
    config_bridge_free(b->cfg);
    b->cfg = cfg;
    return 0;
}

/* What flows name comes before them and goes after them. */
static int apply_openflow(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    bool outer = b->batch;
    b->batch = true; /* packets see all of it or nothing; the caller publishes */
    int r = of_bridge_set_things(b, OF_METERS, want->meters, want->meters_count, e);
    if (r == 0)
        r = of_bridge_set_things(b, OF_GROUPS, want->groups, want->groups_count, e);
    if (r == 0)
        r = of_bridge_set_flows(b, want->flows, want->flows_count, e);
    /* On failure too: the way back starts from what was asked. */
    int dropped = of_bridge_drop_things(b, OF_GROUPS, want->groups, want->groups_count, e);
    if (dropped == 0)
        dropped = of_bridge_drop_things(b, OF_METERS, want->meters, want->meters_count, e);
    b->batch = outer;
    return r < 0 ? r : dropped;
}

static int apply_bridge(struct weft *w, const struct config_bridge *want, struct errbuf *e)
{
    struct of_bridge *b = weft_bridge(w, want->name);
    int r = b ? 0 : create_bridge(w, want, &b, e);
    if (r == 0) {
        b->stp_trees = span_trees(want); /* new ports begin closed */
        r = apply_ports_create(b, want, e);
    }
    if (r == 0)
        r = apply_ports_stp(b, want, e);
    if (r == 0)
        r = apply_keys(b, want, e);
    if (r == 0)
        r = apply_openflow(b, want, e);
    if (r < 0)
        return r;
    of_bridge_fail_mode(b, weft_now(w));
    of_bridge_commit(b);
    return 0;
}

/* Bridges in the order of the file, for `weftctl show`. */
static void order_bridges(struct weft *w, const struct config *want)
{
    unsigned n = 0;
    for (unsigned i = 0; i < want->bridges_count; i++)
        for (unsigned j = n; j < w->n_bridges; j++) {
            struct of_bridge *b = w->bridges[j];
            if (strcmp(b->dp->name, want->bridges[i].name))
                continue;
            w->bridges[j] = w->bridges[n];
            w->bridges[n++] = b;
            break;
        }
}

int apply_config(struct weft *w, const struct config *want, struct errbuf *e)
{
    int r = 0;
    if (!want)
        return 0;
    apply_vteps_unport(w, want);
    delete_unwanted(w, want);
    apply_vteps_delete(w, want);
    r = apply_vteps_create(w, want, e);
    for (unsigned i = 0; r == 0 && i < want->bridges_count; i++)
        r = apply_bridge(w, &want->bridges[i], e);
    if (r == 0)
        r = apply_vteps_link(w, want, e);
    if (r == 0)
        r = apply_mtus(w, e);
    if (r == 0)
        r = gateway_apply(w->gateway, want, e);
    if (r == 0)
        order_bridges(w, want);
    weft_kick(w);
    return r;
}

/* ---- static MACs ---- */

static bool same_static(const struct config_static *a, const struct config_static *b)
{
    struct mac x, y;
    return a->vlan == b->vlan && config_mac(a->mac, &x) && config_mac(b->mac, &y) &&
           mac_equal(x, y);
}

static const struct config_static *static_in(const struct config_fdb *f,
                                             const struct config_static *s)
{
    for (unsigned i = 0; i < f->statics_count; i++)
        if (same_static(&f->statics[i], s))
            return &f->statics[i];
    return NULL;
}

static int put_static(struct of_bridge *b, const struct config_static *s, struct errbuf *e)
{
    struct mac mac;
    struct port *p = port_find(b->w->sw, s->port);
    if (!p || p->bridge != b->dp || !config_mac(s->mac, &mac))
        return errbuf_set(e, ENOENT, "bridge %s: fdb.static: no port \"%s\"", b->dp->name, s->port);
    int r = fdb_add_static(b->dp->fdb, s->vlan, mac, p->index, weft_now(b->w));
    return r < 0 ? errbuf_set(e, -r, "bridge %s: static MAC %s: %s", b->dp->name, s->mac,
                              r == -ENOSPC ? "the FDB is full; raise fdb.size" : strerror(-r))
                 : 0;
}

int apply_statics(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e)
{
    struct mac mac;
    for (unsigned i = 0; i < b->cfg->fdb.statics_count; i++) {
        const struct config_static *s = &b->cfg->fdb.statics[i];
        if (!static_in(&want->fdb, s) && config_mac(s->mac, &mac))
            (void)fdb_del(b->dp->fdb, s->vlan, mac); /* gone already with its port */
    }
    /* All of them again: cheap, and a port that was made anew has lost its own. */
    int r = 0;
    for (unsigned i = 0; r == 0 && i < want->fdb.statics_count; i++)
        r = put_static(b, &want->fdb.statics[i], e);
    return r;
}
