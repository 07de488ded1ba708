/* control/ofbridge.c: a bridge and its OpenFlow model: made, published, timed. */
#include "control/weft_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "datapath/rcu.h"
#include "ofproto/compile/compile.h"

struct bridge *of_bridge_dp(struct of_bridge *b) { return b->dp; }
struct ofm *of_bridge_model(struct of_bridge *b) { return b->model; }
const struct ofm_names *of_bridge_names(struct of_bridge *b) { return &b->names; }

struct of_bridge *of_bridge_of(struct weft *w, const struct bridge *dp)
{
    for (unsigned i = 0; i < w->n_bridges; i++)
        if (w->bridges[i]->dp == dp)
            return w->bridges[i];
    return NULL;
}

/* ---- counters: the model's view of datapath/stats.h ---- */

static uint32_t counter_get(void *ctx)
{
    return stats_id_get(&((struct of_bridge *)ctx)->w->sw->flow_stats);
}

/* Workers count on it until the next program is out: kept till then. */
static void counter_put(void *ctx, uint32_t id)
{
    struct of_bridge *b = ctx;
    if (b->n_gone == b->cap_gone) {
        unsigned cap = b->cap_gone * 2 + 64;
        uint32_t *more = realloc(b->gone, cap * sizeof *more);
        if (!more)
            return; /* the id is lost, which is better than shared */
        b->gone = more;
        b->cap_gone = cap;
    }
    b->gone[b->n_gone++] = id;
}

struct late_put {
    struct weft_switch *sw;
    uint32_t *ids;
    unsigned n;
};

static void put_now(void *arg)
{
    struct late_put *l = arg;
    for (unsigned i = 0; i < l->n; i++)
        stats_id_put(&l->sw->flow_stats, l->ids[i]);
    free(l->ids);
    free(l);
}

/* The old program is unpublished: after a grace period nobody counts on them any more. */
static void put_later(struct of_bridge *b)
{
    struct late_put *l = b->n_gone ? malloc(sizeof *l) : NULL;
    if (!l)
        return;
    *l = (struct late_put){b->w->sw, b->gone, b->n_gone};
    b->gone = NULL;
    b->n_gone = b->cap_gone = 0;
    rcu_defer(b->w->sw->rcu, put_now, l);
}

static void counter_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    struct flow_stats s = stats_sum(&((struct of_bridge *)ctx)->w->sw->flow_stats, id);
    *packets = s.packets;
    *bytes = s.bytes;
    *used = s.used_ns;
}

/* ---- making ---- */

static int make_model(struct of_bridge *b, struct errbuf *e)
{
    struct ofm_counters c = {.ctx = b,
                             .get = counter_get,
                             .put = counter_put,
                             .read = counter_read};
    b->arena.cap = OF_MESSAGE_MAX / 8;
    b->arena.a = malloc(b->arena.cap * sizeof *b->arena.a);
    b->model = ofm_create(WEFT_FLOWS_MAX, &c);
    if (!b->arena.a || !b->model)
        return errbuf_set(e, ENOMEM, "bridge %s: out of memory", b->cfg->name);
    of_names_init(b);
    of_host_init(b);
    b->conns = b->w->stepped ? NULL : of_conns_create(b);
    if (!b->w->stepped && !b->conns)
        return errbuf_set(e, ENOMEM, "bridge %s: out of memory", b->cfg->name);
    return 0;
}

int of_bridge_create(struct weft *w, const struct config_bridge *cfg, struct of_bridge **out,
                     struct errbuf *e)
{
    struct of_bridge *b = calloc(1, sizeof *b);
    struct bridge_options o = {
        .name = cfg->name,
        .fdb_size = cfg->fdb.size,
        .fdb_ageing_ns = cfg->fdb.ageing_s * NSEC_PER_SEC,
        .forward_bpdu = cfg->forward_bpdu,
    };
    if (!b)
        return errbuf_set(e, ENOMEM, "bridge %s: out of memory", cfg->name);
    b->w = w;
    TAILQ_INIT(&b->ports);
    SLIST_INIT(&b->kept);
    b->commit_due_ns = NSEC_NEVER;
    b->lost_ns = weft_now(w);
    b->dpid = config_bridge_dpid(cfg, w->stepped);
    b->cfg = config_bridge_head(cfg);
    int r = b->cfg ? bridge_create(w->sw, &o, &b->dp, e)
                   : errbuf_set(e, ENOMEM, "bridge %s: out of memory", cfg->name);
    if (r == 0) {
        /* What the configuration lists is put in by apply_statics, not taken for applied. */
        for (unsigned i = 0; i < b->cfg->fdb.statics_count; i++) {
            free(b->cfg->fdb.statics[i].mac);
            free(b->cfg->fdb.statics[i].port);
        }
        b->cfg->fdb.statics_count = 0;
        r = make_model(b, e);
    }
    if (r < 0) {
        of_bridge_free(b);
        return r;
    }
    *out = b;
    return 0;
}

void of_bridge_free(struct of_bridge *b)
{
    if (!b)
        return;
    of_conns_free(b->conns);
    b->conns = NULL;
    of_buffer_clear(b);
    bridge_destroy(b->dp); /* waits for the grace period */
    ofm_free(b->model);
    for (unsigned i = 0; i < b->n_gone; i++)
        stats_id_put(&b->w->sw->flow_stats, b->gone[i]);
    free(b->gone);
    free(b->arena.a);
    apply_forget_numbers(b);
    for (unsigned i = 0; i < b->flows_count; i++)
        free(b->flows[i]);
    free(b->flows);
    of_texts_free(&b->things[OF_GROUPS]);
    of_texts_free(&b->things[OF_METERS]);
    config_bridge_free(b->cfg);
    free(b);
}

/* ---- publishing ---- */

static nsec_t wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

void of_bridge_commit(struct of_bridge *b)
{
    struct errbuf e = {""};
    b->commit_due_ns = NSEC_NEVER;
    b->look_misses = true;
    if (b->batch || (b->ours && !ofm_is_dirty(b->model)))
        return;
    nsec_t from = wall();
    struct program *running = b->ours ? (struct program *)b->dp->program : NULL;
    struct program *p = ofc_compile(b->model, running, bridge_next_version(b->dp), &e);
    if (!p) {
        weft_log(b->w, LOG_LVL_ERROR, "bridge %s: the old flows go on: %s", b->dp->name, e.text);
        return;
    }
    bridge_publish(b->dp, p);
    put_later(b);
    b->ours = true;
    b->commit_cost_ns = wall() - from;
}

/* A stream of flow-mods without barriers is published in portions whose size grows with what a
 * compilation costs, so that control spends a bounded part of its time on it. */
void of_bridge_commit_soon(struct of_bridge *b)
{
    nsec_t wait = 2 * b->commit_cost_ns;
    if (!ofm_is_dirty(b->model) || b->commit_due_ns != NSEC_NEVER)
        return;
    if (b->w->stepped) {
        of_bridge_commit(b);
        return;
    }
    wait = wait < NSEC_PER_MSEC ? NSEC_PER_MSEC : wait;
    wait = wait > NSEC_PER_SEC / 2 ? NSEC_PER_SEC / 2 : wait;
    b->commit_due_ns = weft_now(b->w) + wait;
    weft_kick(b->w);
}

void of_bridge_batch(struct of_bridge *b, bool open)
{
    b->batch = open;
    if (!open)
        of_bridge_commit(b);
}

/* ---- timing ---- */

static void tell_removed(void *ctx, struct ofs *s) { ofs_flow_removed(s, ctx); }

void of_bridge_events(struct of_bridge *b)
{
    struct ofw_flow_removed f;
    while (ofm_removed(b->model, &f))
        if (b->conns)
            of_conns_each(b->conns, tell_removed, &f);
}

static nsec_t sooner(nsec_t a, nsec_t b) { return a < b ? a : b; }

nsec_t of_bridge_run(struct of_bridge *b, nsec_t now)
{
    nsec_t due = b->conns ? of_conns_run(b->conns, now) : NSEC_NEVER;
    of_bridge_fail_mode(b, now);
    bridge_settle(b->dp);
    ofm_tick(b->model, now);
    of_bridge_events(b);
    if (now >= b->commit_due_ns)
        of_bridge_commit(b);
    else if (b->commit_due_ns == NSEC_NEVER)
        of_bridge_commit_soon(b);
    due = sooner(due, of_buffer_age(b, now));
    due = sooner(due, b->commit_due_ns);
    return sooner(due, ofm_deadline(b->model));
}
