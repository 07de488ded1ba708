/* control/api_trace.c: what would become of a frame (trace.run). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/api_priv.h"
#include "control/trace_priv.h"
#include "datapath/parse.h"
#include "datapath/punt.h"
#include "datapath/trace.h"

struct tracing {
    struct of_bridge *b;
    json_t *events;
    char *before; /* the packet as it was at the last event */
    const char *last_drop;
};

/* ---- what changed ---- */

static bool has_token(const char *list, const char *token, size_t n)
{
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, token, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* The words of `now` that `was` does not have. */
static void difference(struct strbuf *b, const char *was, const char *now)
{
    for (const char *at = now; *at;) {
        size_t n = strcspn(at, ",");
        if (!has_token(was, at, n))
            strbuf_addf(b, "%.*s,", (int)n, at);
        at += n + (at[n] == ',');
    }
    strbuf_chomp(b, ",");
}

static char *describe(struct tracing *t, const struct rte_mbuf *m)
{
    struct rte_mbuf *frame = (struct rte_mbuf *)(uintptr_t)m; /* a dry run may parse deeper */
    struct pkt *k = pkt_of(frame);
    struct flow_match match;
    struct strbuf b = {0};
    parse_need(frame, PKT_DEPTH_ALL);
    trace_match(&k->key, k->has_regs, &match);
    ofm_text_match(&b, &match, 0, &t->b->names);
    const char *text = strbuf_text(&b), *rest = strchr(text, ',');
    char *copy = strdup(rest ? rest + 1 : text); /* without its priority */
    strbuf_free(&b);
    return copy;
}

/* Appends an event, with what has changed since the last. */
static void add(struct tracing *t, const struct rte_mbuf *m, json_t *event)
{
    struct strbuf b = {0};
    char *now = describe(t, m);
    if (now && t->before)
        difference(&b, t->before, now);
    if (strbuf_text(&b)[0])
        json_object_set_new(event, "changed", api_text(strbuf_text(&b)));
    strbuf_free(&b);
    free(t->before);
    t->before = now;
    json_array_append_new(t->events, event);
}

/* ---- hooks ---- */

static void on_rule(void *ctx, const struct rte_mbuf *m, uint8_t table, const struct rule *r)
{
    struct tracing *t = ctx;
    struct strbuf b = {0};
    const struct pkt *k = pkt_of((struct rte_mbuf *)(uintptr_t)m);
    const struct ofm_flow *f = NULL;
    struct of_bridge *at = of_bridge_of(t->b->w, k->bridge);
    json_t *e =
        json_pack("{s:s,s:i,s:s}", "event", "table", "table", table, "bridge", k->bridge->name);
    if (r && at)
        f = ofm_by_id(at->model, r->origin.id);
    if (f)
        ofm_text_flow(&b, f, &at->names);
    json_object_set_new(e, "rule",
                        !r ? json_null() : api_text(f ? strbuf_text(&b) : "actions=NORMAL"));
    strbuf_free(&b);
    add(t, m, e);
    if (at)
        json_object_set_new(e, "nearest", trace_nearest(at, table, f, &k->key, k->has_regs));
}

static void on_drop(void *ctx, const struct rte_mbuf *m, enum drop_reason r)
{
    struct tracing *t = ctx;
    add(t, m,
        json_pack("{s:s,s:s,s:s}", "event", "drop", "reason", drop_name(r), "text", drop_text(r)));
}

static void on_out(void *ctx, const struct rte_mbuf *m, const struct port *p)
{
    add(ctx, m, json_pack("{s:s,s:s,s:s}", "event", "out", "port", p->name, "type", p->ops->type));
}

static void on_group(void *ctx, const struct rte_mbuf *m, uint32_t id, uint16_t bucket)
{
    add(ctx, m,
        json_pack("{s:s,s:I,s:i}", "event", "group", "group", (json_int_t)id, "bucket", bucket));
}

static void on_l2(void *ctx, const struct rte_mbuf *m, uint16_t vlan, const struct port *to)
{
    add(ctx, m,
        json_pack("{s:s,s:i,s:s?}", "event", "normal", "vlan", vlan, "lives_on",
                  to ? to->name : NULL));
}

static void on_punt(void *ctx, const struct rte_mbuf *m, int punt_class)
{
    const char *whom = punt_class == PUNT_PACKET_IN ? "the controllers"
                       : punt_class == PUNT_PROTO   ? "the protocol engines"
                       : punt_class == PUNT_ROUTER  ? "the router's control part"
                                                    : "control";
    add(ctx, m, json_pack("{s:s,s:s}", "event", "punt", "to", whom));
}

/* Up to 256 bytes of it. */
static json_t *bytes_of(const struct rte_mbuf *m)
{
    struct strbuf b = {0};
    const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
    for (unsigned i = 0; i < m->data_len && i < 256; i++)
        strbuf_addf(&b, "%02x", p[i]);
    json_t *text = json_string(strbuf_text(&b));
    strbuf_free(&b);
    return text;
}

static void on_sent(void *ctx, const struct rte_mbuf *m, const struct port *p)
{
    struct tracing *t = ctx;
    json_array_append_new(t->events, json_pack("{s:s,s:s,s:s,s:I,s:o}", "event", "sent", "port",
                                               p->name, "type", p->ops->type, "length",
                                               (json_int_t)m->pkt_len, "frame", bytes_of(m)));
}

/* ---- the method ---- */

static int run(struct of_bridge *b, struct port *in, const struct flow_key *as, const void *frame,
               size_t len, json_t **out, struct errbuf *e)
{
    struct tracing t = {.b = b, .events = json_array()};
    struct trace_hook hook = {.rule = on_rule,
                              .drop = on_drop,
                              .out = on_out,
                              .group = on_group,
                              .l2 = on_l2,
                              .punt = on_punt,
                              .ctx = &t};
    struct rte_mbuf *m = of_frame(b, frame, len);
    if (!m || !t.events) {
        json_decref(t.events);
        return errbuf_set(e, ENOBUFS, "no packet buffers left; raise memory.mbufs");
    }
    of_bridge_commit(b); /* the tables as they are asked for */
    int r = trace_run(b->w->sw, in, m, as, &hook, on_sent, weft_now(b->w), e);
    free(t.before);
    if (r < 0) {
        json_decref(t.events);
        return r;
    }
    return api_done(json_pack("{s:s,s:s,s:o}", "bridge", b->dp->name, "in_port", in->name, "events",
                              t.events),
                    out, e);
}

static int trace(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct ofw_flow_mod mod;
    const char *hex = api_str(params, "packet");
    size_t len = 0;
    int r = api_bridge(w, params, "bridge", &b, e);
    if (r < 0)
        return r;
    b->arena.n = 0;
    r = ofm_text_parse(api_str(params, "flow"), OFPFC_DELETE, &b->names, &b->arena, &mod, e);
    if (r < 0)
        return r;
    struct port *in = of_dp_port(b, from_be32(mod.match.key.in_port));
    if (!mod.match.mask.in_port || !in)
        return errbuf_set(e, EINVAL, "trace: say in_port=PORT, a port of bridge %s", b->dp->name);
    uint8_t *frame = malloc(WEFT_FRAME_MAX);
    if (!frame)
        return errbuf_set(e, ENOMEM, "out of memory");
    if (hex)
        r = api_hex(hex, frame, &len, e);
    else
        len = trace_frame(&mod.match.key, frame, WEFT_FRAME_MAX);
    if (r == 0 && len < 14)
        r = errbuf_set(e, EINVAL, "trace: a frame has at least 14 bytes");
    if (r == 0)
        r = run(b, in, &mod.match.key, frame, len, out, e);
    free(frame);
    return r;
}

const struct api_method api_trace_methods[] = {
    {"trace.run",
     trace,
     {{"bridge", API_STRING, true}, {"flow", API_STRING, true}, {"packet", API_STRING, false}},
     "what would become of a frame: a dry run of the datapath"},
    {0},
};
