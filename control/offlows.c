/* control/offlows.c: flows that people give: configuration, weftctl, and the NORMAL flow of a
 * bridge that nobody programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/config_priv.h"
#include "control/weft_priv.h"
#include "datapath/rcu.h"

/* Marks the NORMAL flow that we put in ourselves: "weft". */
#define FALLBACK_COOKIE UINT64_C(0x77656674)

/* Marks the flow for misses of OpenFlow 1.0: "weft10". */
#define MISSES_COOKIE UINT64_C(0x776566743130)

#define OWN_NORMAL "table=0,priority=0,actions=NORMAL"

/* ---- names ---- */

static bool name_to_number(void *ctx, const char *name, uint32_t *no)
{
    struct of_bridge *b = ctx;
    struct port *p = port_find(b->w->sw, name);
    if (!p || p->bridge != b->dp)
        return false;
    *no = p->ofp_no;
    return true;
}

static const char *number_to_name(void *ctx, uint32_t no)
{
    const struct port *p = of_dp_port(ctx, no);
    return p && no != OFPP_LOCAL ? p->name : NULL;
}

void of_names_init(struct of_bridge *b)
{
    b->names = (struct ofm_names){.ctx = b, .number = name_to_number, .name = number_to_name};
}

/* ---- one flow ---- */

int of_bridge_flow(struct of_bridge *b, const char *text, enum ofw_flow_command cmd,
                   bool persistent, struct errbuf *e)
{
    struct ofw_flow_mod mod;
    struct ofw_error err = {0};
    b->arena.n = 0;
    int r = ofm_text_parse(text, cmd, &b->names, &b->arena, &mod, e);
    if (r < 0)
        return r;
    if (ofm_flow_mod(b->model, &mod, persistent, weft_now(b->w), &err) < 0)
        return errbuf_set(e, EINVAL, "bridge %s: flow \"%.200s\": refused, %s%s%s", b->dp->name,
                          text, ofw_error_name(err.type, err.code), err.why ? ": " : "",
                          err.why ? err.why : "");
    of_bridge_events(b);
    of_bridge_commit(b);
    return 0;
}

/* ---- the configuration's list ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_texts(char **list, unsigned n)
{
    for (unsigned i = 0; list && i < n; i++)
        free(list[i]);
    free(list);
}

static char **sorted_copy(char **want, unsigned n)
{
    char **list = calloc(n + 1u, sizeof *list);
    for (unsigned i = 0; list && i < n; i++)
        if (!(list[i] = strdup(want[i]))) {
            free_texts(list, i);
            return NULL;
        }
    if (list)
        qsort(list, n, sizeof *list, by_text);
    return list;
}

static bool has_text(char **list, unsigned n, char *text)
{
    return n && bsearch(&text, list, n, sizeof *list, by_text) != NULL;
}

/* What is no longer listed; its flow may have ended by itself, or name a port that has gone. */
static void drop_flows(struct of_bridge *b, char **keep, unsigned n)
{
    struct errbuf e = {""};
    for (unsigned i = 0; i < b->flows_count; i++)
        if (!has_text(keep, n, b->flows[i]) &&
            of_bridge_flow(b, b->flows[i], OFPFC_DELETE_STRICT, true, &e) < 0)
            weft_log(b->w, LOG_LVL_WARNING, "%s", e.text);
}

static int add_flows(struct of_bridge *b, char **want, unsigned n, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < n; i++)
        if (!has_text(b->flows, b->flows_count, want[i]))
            r = of_bridge_flow(b, want[i], OFPFC_ADD, true, e);
    return r;
}

int of_bridge_set_flows(struct of_bridge *b, char **want, unsigned n, struct errbuf *e)
{
    char **list = sorted_copy(want, n);
    if (!list)
        return errbuf_set(e, ENOMEM, "out of memory");
    bool outer = b->batch;
    b->batch = true; /* packets see all of it or nothing; the caller publishes */
    drop_flows(b, list, n);
    int r = add_flows(b, want, n, e);
    b->batch = outer;
    /* On failure too: the way back starts from what was asked, and deletes all of it. */
    free_texts(b->flows, b->flows_count);
    b->flows = list;
    b->flows_count = n;
    return r;
}

/* ---- saving ---- */

struct texts {
    struct of_bridge *b;
    char **list;
    unsigned n, cap;
    bool bad;
};

static bool is_fallback(const struct ofm_flow *f)
{
    return f->cookie == FALLBACK_COOKIE && f->priority == 0 && f->table == 0 && !f->persistent;
}

static bool collect(void *ctx, const struct ofm_flow *f)
{
    struct texts *t = ctx;
    struct strbuf s = {0};
    /* A bridge on its own keeps its NORMAL flow: else the first flow that somebody adds would
     * cut everything else off at the next start. */
    bool own_normal = is_fallback(f) && t->b->cfg->controllers_count == 0;
    if ((!f->persistent && !own_normal) || !of_bridge_flow_lasts(t->b, f))
        return true;
    if (own_normal)
        strbuf_adds(&s, OWN_NORMAL);
    else
        ofm_text_flow(&s, f, &t->b->names);
    if (t->n == t->cap) {
        char **more = realloc(t->list, (t->cap * 2u + 16u) * sizeof *more);
        t->bad = !more || s.bad;
        t->list = more ? more : t->list;
        t->cap = more ? t->cap * 2 + 16 : t->cap;
    }
    if (t->bad || !s.s) {
        t->bad = true;
        strbuf_free(&s);
        return false;
    }
    t->list[t->n++] = s.s; /* its memory is ours now */
    return true;
}

/* The list of flows for the file; just the NORMAL one is no list. */
static int list_flows(struct of_bridge *b, char ***out, unsigned *n, struct errbuf *e)
{
    struct texts t = {.b = b};
    ofm_each(b->model, OFPTT_ALL, collect, &t);
    if (t.bad) {
        free_texts(t.list, t.n);
        return errbuf_set(e, ENOMEM, "out of memory");
    }
    if (t.n == 1 && b->fallback && b->cfg->controllers_count == 0) {
        free_texts(t.list, t.n);
        t.list = NULL;
        t.n = 0;
    }
    *out = t.list;
    *n = t.n;
    return 0;
}

/* Groups and meters; the applied lists follow. */
static int take_things(struct of_bridge *b, struct config_bridge *cb, struct errbuf *e)
{
    struct of_texts t[OF_KINDS] = {{0}};
    int r = of_bridge_list_things(b, OF_GROUPS, &t[OF_GROUPS], e);
    if (r == 0)
        r = of_bridge_list_things(b, OF_METERS, &t[OF_METERS], e);
    for (unsigned k = 0; r == 0 && k < OF_KINDS; k++)
        r = of_bridge_drop_things(b, (enum of_kind)k, t[k].list, t[k].n, e); /* drops none */
    if (r < 0) {
        of_texts_free(&t[OF_GROUPS]);
        of_texts_free(&t[OF_METERS]);
        return r;
    }
    config_set_groups(cb, t[OF_GROUPS].list, t[OF_GROUPS].n);
    config_set_meters(cb, t[OF_METERS].list, t[OF_METERS].n);
    return 0;
}

static int take_flows(struct of_bridge *b, struct config *c, struct errbuf *e)
{
    char **list = NULL;
    unsigned n = 0;
    struct config_bridge *cb = config_find_bridge(c, b->dp->name);
    int r = cb ? list_flows(b, &list, &n, e) : 0;
    if (cb && r == 0 && (r = take_things(b, cb, e)) < 0)
        free_texts(list, n);
    if (!cb || r < 0)
        return r;
    config_set_flows(cb, list, n);
    if (n && b->fallback && b->cfg->controllers_count == 0)
        r = of_bridge_flow(b, OWN_NORMAL, OFPFC_ADD, true, e); /* part of the list from now on */
    if (r < 0)
        return r;
    b->fallback = b->fallback && n == 0;
    char **applied = sorted_copy(list, n);
    if (!applied)
        return errbuf_set(e, ENOMEM, "out of memory");
    free_texts(b->flows, b->flows_count);
    b->flows = applied;
    b->flows_count = n;
    return 0;
}

int weft_save_flows(struct weft *w, struct errbuf *e)
{
    struct config *c = config_copy(w->config);
    int r = c ? 0 : errbuf_set(e, ENOMEM, "out of memory");
    for (unsigned i = 0; r == 0 && i < w->n_bridges; i++)
        r = take_flows(w->bridges[i], c, e);
    if (r == 0 && w->config_path)
        r = config_save(c, w->config_path, e);
    if (r < 0) {
        config_free(c);
        return r;
    }
    config_free(w->config);
    w->config = c;
    return 0;
}

/* ---- fail-mode ---- */

static void put_fallback(struct of_bridge *b, enum ofw_flow_command cmd)
{
    struct ofw_action normal = {.type = OFPAT_OUTPUT, .port = OFPP_NORMAL};
    struct ofw_flow_mod m = {
        .cookie = FALLBACK_COOKIE,
        .cookie_mask = cmd == OFPFC_ADD ? 0 : UINT64_MAX,
        .command = (uint8_t)cmd,
        .buffer_id = OF_NO_BUFFER,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .instr = {.has_apply = cmd == OFPFC_ADD, .apply = {.n = 1, .a = &normal}},
    };
    struct ofw_error err = {0};
    if (ofm_flow_mod(b->model, &m, false, weft_now(b->w), &err) < 0)
        weft_log(b->w, LOG_LVL_ERROR, "bridge %s: its NORMAL flow: %s", b->dp->name,
                 ofw_error_name(err.type, err.code));
    b->fallback = cmd == OFPFC_ADD;
}

/* Three probe intervals without any controller: it is on its own (Open vSwitch's rule). */
static bool is_alone(const struct of_bridge *b, nsec_t now)
{
    if (!b->conns || of_conns_primary(b->conns) == 0)
        return true;
    if (b->lost_ns == 0)
        return false;
    if (b->fallback)
        return true;
    uint32_t probe = b->cfg->probe_s ? b->cfg->probe_s : 5;
    return !b->had_controller || now - b->lost_ns >= 3 * probe * NSEC_PER_SEC;
}

static void watch_controllers(struct of_bridge *b, nsec_t now)
{
    bool listened = b->conns && of_conns_up(b->conns) > 0;
    bool up = b->conns && of_conns_primary_up(b->conns) > 0;
    atomic_store_explicit(&b->dp->packet_in, listened, memory_order_relaxed);
    if (up) {
        b->lost_ns = 0;
        b->had_controller = true;
    } else if (b->lost_ns == 0) {
        b->lost_ns = now ? now : 1;
    }
}

/* A table has a miss entry in 1.3; in 1.0 a miss goes to the controller by itself. Here it is a
 * flow like any other, for as long as such a controller is connected. */
static void put_misses(struct of_bridge *b, enum ofw_flow_command cmd)
{
    struct ofw_action send = {.type = OFPAT_OUTPUT, .port = OFPP_CONTROLLER, .max_len = UINT16_MAX};
    struct ofw_flow_mod m = {
        .cookie = MISSES_COOKIE,
        .cookie_mask = cmd == OFPFC_ADD ? 0 : UINT64_MAX,
        .command = (uint8_t)cmd,
        .buffer_id = OF_NO_BUFFER,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .instr = {.has_apply = cmd == OFPFC_ADD, .apply = {.n = 1, .a = &send}},
    };
    struct ofw_error err = {0};
    if (cmd == OFPFC_ADD && ofm_find(b->model, 0, &m.match, 0))
        return; /* somebody says what to do */
    if (ofm_flow_mod(b->model, &m, false, weft_now(b->w), &err) < 0)
        weft_log(b->w, LOG_LVL_ERROR, "bridge %s: its flow for misses: %s", b->dp->name,
                 ofw_error_name(err.type, err.code));
    of_bridge_commit(b);
}

static void follow_misses(struct of_bridge *b)
{
    bool want = b->conns && of_conns_wants_misses(b->conns);
    bool look = want && (!b->misses || b->look_misses);
    bool drop = !want && b->misses;
    b->misses = want;
    b->look_misses = false;
    if (look || drop)
        put_misses(b, want ? OFPFC_ADD : OFPFC_DELETE_STRICT);
}

static void follow_fail_mode(struct of_bridge *b, nsec_t now)
{
    bool secure = b->cfg->fail_mode && !strcmp(b->cfg->fail_mode, "secure");
    bool alone = !secure && is_alone(b, now);
    bool want = alone && b->flows_count == 0;
    if (alone && b->had_controller && b->lost_ns) {
        weft_log(b->w, LOG_LVL_WARNING, "bridge %s: no controller left, standalone", b->dp->name);
        ofm_clear(b->model, false, now);
        b->had_controller = b->fallback = false;
    }
    if (want == b->fallback)
        return;
    put_fallback(b, want ? OFPFC_ADD : OFPFC_DELETE_STRICT);
    of_bridge_commit(b);
}

void of_bridge_fail_mode(struct of_bridge *b, nsec_t now)
{
    watch_controllers(b, now);
    follow_fail_mode(b, now);
    follow_misses(b);
}
