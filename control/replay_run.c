/* The scenario's clock: frames and steps in order of time, the real switch between them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api.h"
#include "control/replay.h"
#include "datapath/port_ring.h"
#include "datapath/worker.h"

/* Timeouts and ageing are looked at so often; a longer silence is passed over in bigger strides. */
enum { STRIDE_MS = 100, STRIDES_MAX = 20000 };

static void on_rule(void *ctx, const struct rte_mbuf *m, uint8_t table, const struct rule *rule)
{
    struct replay *r = ctx;
    (void)m;
    if (r->hit.len > 2000)
        return;
    if (!rule) {
        strbuf_addf(&r->hit, "    table %u: no rule\n", table);
        return;
    }
    strbuf_addf(&r->hit, "    table %u: ", table);
    ofm_text_match(&r->hit, &rule->match, rule->priority, NULL);
    const struct ofm_flow *f = NULL;
    struct of_bridge *b;
    for (unsigned i = 0; !f && (b = weft_bridge_at(r->w, i)) != NULL; i++)
        f = ofm_by_id(of_bridge_model(b), rule->origin.id);
    if (f) {
        strbuf_adds(&r->hit, " actions=");
        ofm_text_actions(&r->hit, &f->instr, NULL);
    }
    strbuf_adds(&r->hit, "\n");
}

static void on_drop(void *ctx, const struct rte_mbuf *m, enum drop_reason reason)
{
    struct replay *r = ctx;
    (void)m;
    if (r->hit.len < 2000)
        strbuf_addf(&r->hit, "    dropped: %s\n", drop_name(reason));
}

static int collect(struct replay *r, unsigned cause)
{
    static const size_t room = WEFT_FRAME_MAX;
    struct weft_switch *sw = weft_switch(r->w);
    uint8_t *frame = malloc(room);
    int err = frame ? 0 : -ENOMEM;
    for (unsigned i = 0; err == 0 && i < WEFT_PORTS_MAX; i++) {
        struct port *p = atomic_load(&sw->ports[i]);
        int n;
        while (err == 0 && p && p->ops == &port_ring_ops &&
               (n = port_ring_take(p, frame, room)) > 0)
            err = replay_add_frame(&r->out[i], r->now, cause, frame, (size_t)n);
    }
    free(frame);
    return err;
}

static int settle(struct replay *r, unsigned cause)
{
    while (weft_step(r->w, r->now))
        continue;
    return collect(r, cause);
}

static int pass_time(struct replay *r, nsec_t until, unsigned cause)
{
    nsec_t stride = STRIDE_MS * NSEC_PER_MSEC;
    if ((until - r->now) / stride > STRIDES_MAX)
        stride = (until - r->now) / STRIDES_MAX;
    while (r->now < until) {
        r->now = until - r->now > stride ? r->now + stride : until;
        int err = settle(r, cause);
        if (err < 0)
            return err;
    }
    return 0;
}

static int step_flow(struct replay *r, enum ofw_flow_command cmd, const char *rest,
                     struct errbuf *e)
{
    char bridge[WEFT_NAME_MAX];
    int at = 0;
    if (sscanf(rest, "%31s %n", bridge, &at) != 1)
        return errbuf_set(e, EINVAL, "step: a bridge must follow");
    struct of_bridge *b = weft_bridge(r->w, bridge);
    if (!b)
        return errbuf_set(e, ENOENT, "step: no bridge %s", bridge);
    int err = of_bridge_flow(b, rest + at, cmd, false, e);
    of_bridge_commit(b);
    return err;
}

static int step_api(struct replay *r, const char *rest, struct errbuf *e)
{
    char method[64];
    int at = 0;
    json_t *result = NULL;
    if (sscanf(rest, "%63s %n", method, &at) != 1)
        return errbuf_set(e, EINVAL, "step: a method must follow api");
    json_error_t bad;
    json_t *params = json_loads(rest[at] ? rest + at : "{}", 0, &bad);
    if (!params)
        return errbuf_set(e, EINVAL, "step: %s: %s", rest + at, bad.text);
    int err = api_call(r->w, method, params, &result, e);
    json_decref(params);
    json_decref(result);
    return err;
}

static int do_step(struct replay *r, const char *text, struct errbuf *e)
{
    static const struct {
        const char *word;
        enum ofw_flow_command cmd;
    } flows[] = {{"flow add ", OFPFC_ADD},
                 {"flow mod ", OFPFC_MODIFY},
                 {"flow del ", OFPFC_DELETE}};
    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++)
        if (!strncmp(text, flows[i].word, strlen(flows[i].word)))
            return step_flow(r, flows[i].cmd, text + strlen(flows[i].word), e);
    if (!strncmp(text, "api ", 4))
        return step_api(r, text + 4, e);
    if (!strcmp(text, "wait"))
        return 0;
    return errbuf_set(e, EINVAL,
                      "step \"%s\": give flow add|mod|del BRIDGE TEXT, api METHOD JSON, or wait",
                      text);
}

static int do_frame(struct replay *r, const struct replay_event *v, struct errbuf *e)
{
    struct port *p = port_find(weft_switch(r->w), v->port);
    if (!p)
        return errbuf_set(e, ENOENT, "port %s: a step deleted it, and a frame is due for it",
                          v->port);
    int err = port_ring_inject(p, v->bytes, v->len);
    if (err < 0)
        errbuf_set(e, -err, "port %s: a frame of %zu bytes can't go in: %s", v->port, v->len,
                   strerror(-err));
    return err;
}

static int do_event(struct replay *r, unsigned i, struct errbuf *e)
{
    struct replay_event *v = &r->events[i];
    int err = pass_time(r, v->when, i ? i - 1 : 0);
    r->hit.len = 0;
    if (err == 0)
        err = v->port[0] ? do_frame(r, v, e) : do_step(r, (const char *)v->bytes, e);
    if (err == 0)
        err = settle(r, i);
    r->hits[i] = strdup(strbuf_text(&r->hit));
    return err;
}

int replay_run(struct replay *r, struct errbuf *e)
{
    struct trace_hook hook = {.rule = on_rule, .drop = on_drop, .ctx = r};
    struct worker *worker = weft_switch(r->w)->workers[0];
    int err = 0;
    r->now = r->events[0].when;
    worker->trace = &hook;
    for (unsigned i = 0; err == 0 && i < r->n_events; i++)
        err = do_event(r, i, e);
    worker->trace = NULL;
    if (err < 0 && e->text[0] == '\0')
        errbuf_set(e, -err, "out of memory");
    if (err < 0)
        errbuf_prefix(e, "%s: ", r->dir);
    return err;
}
