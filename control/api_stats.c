/* control/api_stats.c: counters as they are; who asks twice computes rates. */
#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <string.h>

#include "control/api_priv.h"
#include "datapath/worker.h"

static json_t *drop_totals(struct weft *w)
{
    json_t *o = json_object();
    for (int r = 0; r < DROP_COUNT; r++) {
        uint64_t n = switch_drops(w->sw, (enum drop_reason)r);
        if (n)
            json_object_set_new(o, drop_name((enum drop_reason)r), api_u64(n));
    }
    return o;
}

static uint64_t port_lost(const struct port *p)
{
    uint64_t n = 0;
    for (int r = 0; r < DROP_COUNT; r++)
        if (r != DROP_PUNTED)
            n += port_drops(p, (enum drop_reason)r);
    return n;
}

static int stats(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    const struct weft_port *p;
    json_t *ports = json_array();
    (void)params;
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++)
        TAILQ_FOREACH(p, &b->ports, next)
            json_array_append_new(ports, json_pack("{s:s,s:s,s:b,s:o,s:o}", "name", p->dp->name,
                                                   "bridge", b->dp->name, "link_up", p->link.up,
                                                   "counters", api_counters(p->dp), "drops",
                                                   api_u64(port_lost(p->dp))));
    return api_done(json_pack("{s:I,s:o,s:o}", "time_ns", (json_int_t)weft_now(w), "ports", ports,
                              "drops", drop_totals(w)),
                    out, e);
}

static json_t *worker_json(const struct worker *k)
{
    struct worker_perf p = k->perf; /* its writer goes on: figures may be a turn apart */
    return json_pack("{s:i,s:i,s:i,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "worker", (int)k->index,
                     "cpu", k->cpu, "ports", k->poll ? (int)atomic_load(&k->poll)->n : 0, "asleep",
                     atomic_load(&((struct worker *)k)->asleep), "turns", api_u64(p.turns),
                     "busy_turns", api_u64(p.busy_turns), "packets", api_u64(p.packets), "bursts",
                     api_u64(p.bursts), "busy_cycles", api_u64(p.busy_cycles), "idle_cycles",
                     api_u64(p.idle_cycles), "sleeps", api_u64(p.sleeps), "sleep_ns",
                     api_u64(p.sleep_ns));
}

static int perf(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    json_t *list = json_array();
    (void)params;
    for (unsigned i = 0; i < w->sw->n_workers; i++)
        json_array_append_new(list, worker_json(w->sw->workers[i]));
    json_t *pool = json_pack("{s:i,s:i}", "size", (int)w->sw->pool->size, "in_use",
                             (int)rte_mempool_in_use_count(w->sw->pool));
    return api_done(json_pack("{s:I,s:o,s:o,s:o}", "time_ns", (json_int_t)weft_now(w), "tsc_hz",
                              api_u64(rte_get_tsc_hz()), "mbufs", pool, "workers", list),
                    out, e);
}

/* ---- drops ---- */

static json_t *hex_json(const uint8_t *bytes, size_t n)
{
    char text[2 * sizeof((struct drop_sample *)0)->snap + 1];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return json_stringn(text, 2 * n);
}

static json_t *samples_json(struct weft *w, enum drop_reason r, unsigned max)
{
    enum { SAMPLES_MAX = 64 };
    json_t *list = json_array();
    struct drop_sample *s = calloc(SAMPLES_MAX, sizeof *s);
    unsigned n = s ? switch_drop_samples(w->sw, r, s, max < SAMPLES_MAX ? max : SAMPLES_MAX) : 0;
    for (unsigned i = 0; i < n; i++) {
        size_t snap = s[i].snap_len < sizeof s[i].snap ? s[i].snap_len : sizeof s[i].snap;
        json_array_append_new(list, json_pack("{s:f,s:o,s:i,s:o}", "age_s",
                                              (double)(weft_now(w) - s[i].when) / 1e9, "port",
                                              api_text(s[i].port), "len", (int)s[i].len, "hex",
                                              hex_json(s[i].snap, snap)));
    }
    free(s);
    return list;
}

static bool known_reason(const char *name)
{
    for (int r = 0; r < DROP_COUNT; r++)
        if (!strcmp(name, drop_name((enum drop_reason)r)))
            return true;
    return false;
}

static int drops(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *reason = api_str(params, "reason");
    uint64_t max;
    int err = api_uint(params, "samples", 64, 8, &max, e);
    if (err < 0)
        return err;
    if (reason && !known_reason(reason))
        return errbuf_set(e, ENOENT, "no drop reason \"%.40s\"; `weftctl drops all` lists them",
                          reason);
    json_t *list = json_array();
    for (int r = 0; r < DROP_COUNT; r++) {
        const char *name = drop_name((enum drop_reason)r);
        uint64_t n = switch_drops(w->sw, (enum drop_reason)r);
        if (reason ? strcmp(reason, name) != 0 : n == 0 && !api_flag(params, "all"))
            continue;
        json_array_append_new(list,
                              json_pack("{s:s,s:o,s:s,s:o}", "reason", name, "count", api_u64(n),
                                        "text", drop_text((enum drop_reason)r), "samples",
                                        samples_json(w, (enum drop_reason)r, (unsigned)max)));
    }
    return api_done(json_pack("{s:I,s:o}", "time_ns", (json_int_t)weft_now(w), "drops", list), out,
                    e);
}

const struct api_method api_stats_methods[] = {
    {"stats", stats, {{0}}, "counters of ports and drops, with the time"},
    {"perf", perf, {{0}}, "what each worker did with its time"},
    {"drops",
     drops,
     {{"reason", API_STRING, false}, {"all", API_BOOL, false}, {"samples", API_NUMBER, false}},
     "drops by reason, with the last frames of each"},
    {0},
};
