/* control/api_flow.c: flows, tables, packet-outs.
 *
 * A request's flows are all parsed before the first is applied, and packets see none or all of
 * them. What parses may yet be refused by the model (an overlap, a full table): the error then says
 * which, and that those before it are in force. */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/api_priv.h"
#include "datapath/table.h"

/* The request's flows: `flow`, `flows`, or both. */
struct batch {
    struct of_bridge *b;
    const json_t *one, *list;
    size_t n;
};

static const char *batch_at(const struct batch *t, size_t i)
{
    if (t->one)
        return i == 0 ? json_string_value(t->one)
                      : json_string_value(json_array_get(t->list, i - 1));
    return json_string_value(json_array_get(t->list, i));
}

static int parse(struct of_bridge *b, const char *text, enum ofw_flow_command cmd,
                 struct ofw_flow_mod *mod, struct errbuf *e)
{
    b->arena.n = 0;
    return ofm_text_parse(text, cmd, &b->names, &b->arena, mod, e);
}

static int refuse_at(const struct batch *t, size_t i, int r, size_t applied, struct errbuf *e)
{
    errbuf_prefix(e, "\"%.160s\": ", batch_at(t, i));
    if (t->n > 1 && applied)
        errbuf_prefix(e, "flow %zu of %zu (the %zu before it are in force), ", i + 1, t->n,
                      applied);
    else if (t->n > 1)
        errbuf_prefix(e, "flow %zu of %zu, ", i + 1, t->n);
    return r;
}

static int batch_open(struct weft *w, json_t *params, enum ofw_flow_command cmd, struct batch *t,
                      struct errbuf *e)
{
    struct ofw_flow_mod mod;
    int r = api_bridge(w, params, "bridge", &t->b, e);
    if (r < 0)
        return r;
    t->one = json_object_get(params, "flow");
    t->list = json_object_get(params, "flows");
    t->n = json_array_size(t->list) + (t->one ? 1 : 0);
    for (size_t i = 0; i < t->n; i++) {
        r = parse(t->b, batch_at(t, i), cmd, &mod, e);
        if (r < 0)
            return refuse_at(t, i, r, 0, e);
    }
    return 0;
}

/* A long list goes through several copies on its way to the file: they are given back. */
static int save_flows(struct weft *w, const struct of_bridge *b, struct errbuf *e)
{
    enum { MANY = 10000 };
    int r = weft_save_flows(w, e);
    if (ofm_flow_count(b->model) > MANY)
        malloc_trim(0);
    return r;
}

static int batch_apply(struct weft *w, const struct batch *t, enum ofw_flow_command cmd, bool save,
                       struct errbuf *e)
{
    int r = 0;
    size_t i;
    of_bridge_batch(t->b, true);
    for (i = 0; r == 0 && i < t->n; i++)
        r = of_bridge_flow(t->b, batch_at(t, i), cmd, true, e);
    of_bridge_batch(t->b, false);
    of_bridge_commit(t->b);
    if (r < 0)
        refuse_at(t, i - 1, r, i - 1, e);
    int saved = save ? save_flows(w, t->b, r < 0 ? NULL : e) : 0;
    return r < 0 ? r : saved;
}

/* save:false leaves the saving to a later request of the same job; check:true only parses. */
static int run_batch(struct weft *w, json_t *params, enum ofw_flow_command cmd, json_t **out,
                     struct errbuf *e)
{
    struct batch t = {0};
    int r = batch_open(w, params, cmd, &t, e);
    bool save = !json_is_false(json_object_get(params, "save"));
    if (r == 0 && !api_flag(params, "check"))
        r = batch_apply(w, &t, cmd, save, e);
    if (r < 0)
        return r;
    return api_done(json_pack("{s:I,s:i}", "applied", (json_int_t)t.n, "flows",
                              (int)ofm_flow_count(t.b->model)),
                    out, e);
}

static int flow_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return run_batch(w, params, OFPFC_ADD, out, e);
}

static int flow_mod(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return run_batch(w, params, api_flag(params, "strict") ? OFPFC_MODIFY_STRICT : OFPFC_MODIFY,
                     out, e);
}

static int flow_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    bool given = json_object_get(params, "flow") || json_object_get(params, "flows");
    if (!given && api_flag(params, "strict"))
        return errbuf_set(e, EINVAL, "flow.del: strict needs a flow");
    if (!given)
        json_object_set_new(params, "flow", json_string("")); /* all */
    return run_batch(w, params, api_flag(params, "strict") ? OFPFC_DELETE_STRICT : OFPFC_DELETE,
                     out, e);
}

/* ---- replace: the difference only, so that flows that stay keep their counters ---- */

struct texts {
    struct of_bridge *b;
    char **s;
    size_t n, cap;
    bool bad;
};

static void texts_add(struct texts *t, const struct ofm_flow *f)
{
    struct strbuf b = {0};
    ofm_text_flow(&b, f, &t->b->names);
    if (t->n == t->cap) {
        size_t cap = t->cap * 2 + 64;
        char **more = realloc(t->s, cap * sizeof *more);
        t->bad = t->bad || !more;
        t->s = more ? more : t->s;
        t->cap = more ? cap : t->cap;
    }
    if (t->bad || b.bad || !b.s) {
        t->bad = true;
        strbuf_free(&b);
        return;
    }
    t->s[t->n++] = b.s; /* its memory is the list's now */
}

static bool texts_add_flow(void *ctx, const struct ofm_flow *f)
{
    struct texts *t = ctx;
    texts_add(t, f);
    return !t->bad;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void texts_sort(struct texts *t)
{
    if (t->n)
        qsort(t->s, t->n, sizeof *t->s, by_text);
}

static bool texts_have(const struct texts *t, const char *s)
{
    return t->n && bsearch(&s, t->s, t->n, sizeof *t->s, by_text);
}

static void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->s[i]);
    free(t->s);
}

static void texts_want(struct texts *t, const struct batch *in)
{
    struct ofw_flow_mod m;
    for (size_t i = 0; i < in->n && !t->bad; i++) {
        if (parse(in->b, batch_at(in, i), OFPFC_ADD, &m, NULL) < 0)
            continue; /* it did parse before */
        struct ofm_flow f = {.match = m.match,
                             .priority = m.priority,
                             .flags = m.flags,
                             .idle_s = m.idle_s,
                             .hard_s = m.hard_s,
                             .table = m.table,
                             .cookie = m.cookie,
                             .instr = m.instr};
        texts_add(t, &f);
    }
}

/* Applies cmd to those of `from` that are not in `other`. */
static int apply_missing(struct of_bridge *b, const struct texts *from, const struct texts *other,
                         enum ofw_flow_command cmd, json_int_t *count, struct errbuf *e)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < from->n; i++) {
        if (texts_have(other, from->s[i]) || (i && !strcmp(from->s[i], from->s[i - 1])))
            continue;
        r = of_bridge_flow(b, from->s[i], cmd, true, e);
        ++*count;
    }
    return r;
}

static int replace(struct batch *in, json_int_t *added, json_int_t *deleted, struct errbuf *e)
{
    struct texts have = {.b = in->b}, want = {.b = in->b};
    int r = 0;
    texts_want(&want, in);
    ofm_each(in->b->model, OFPTT_ALL, texts_add_flow, &have);
    if (have.bad || want.bad)
        r = errbuf_set(e, ENOMEM, "out of memory");
    texts_sort(&have);
    texts_sort(&want);
    of_bridge_batch(in->b, true);
    if (r == 0)
        r = apply_missing(in->b, &have, &want, OFPFC_DELETE_STRICT, deleted, e);
    if (r == 0)
        r = apply_missing(in->b, &want, &have, OFPFC_ADD, added, e);
    of_bridge_batch(in->b, false);
    of_bridge_commit(in->b);
    texts_free(&have);
    texts_free(&want);
    return r;
}

static int flow_replace(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct batch t = {0};
    json_int_t added = 0, deleted = 0;
    int r = batch_open(w, params, OFPFC_ADD, &t, e);
    if (r == 0 && !api_flag(params, "check"))
        r = replace(&t, &added, &deleted, e);
    if (r == 0 && !api_flag(params, "check"))
        r = save_flows(w, t.b, e);
    if (r < 0)
        return r;
    return api_done(json_pack("{s:I,s:I,s:i}", "added", added, "deleted", deleted, "flows",
                              (int)ofm_flow_count(t.b->model)),
                    out, e);
}

/* ---- dump ---- */

struct dump {
    struct of_bridge *b;
    json_t *list;
    nsec_t now;
};

static bool dump_flow(void *ctx, const struct ofm_flow *f)
{
    struct dump *d = ctx;
    struct ofw_flow_stats s;
    struct strbuf b = {0};
    ofm_flow_stats(d->b->model, f, d->now, &s);
    json_t *o = json_pack("{s:i,s:i,s:o,s:o,s:o,s:f,s:b}", "table", (int)s.table, "priority",
                          (int)s.priority, "cookie", json_sprintf("0x%" PRIx64, s.cookie),
                          "packets", api_u64(s.packets), "bytes", api_u64(s.bytes), "duration_s",
                          (double)s.duration_ns / 1e9, "persistent", f->persistent);
    ofm_text_flow(&b, f, &d->b->names);
    json_object_set_new(o, "flow", api_text(strbuf_text(&b)));
    strbuf_free(&b);
    ofm_text_stats(&b, &s, &d->b->names);
    json_object_set_new(o, "text", api_text(strbuf_text(&b)));
    strbuf_free(&b);
    json_array_append_new(d->list, o);
    return true;
}

static int flow_dump(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct dump d = {.now = weft_now(w)};
    struct ofw_flow_mod m;
    const char *match = api_str(params, "match");
    int r = api_bridge(w, params, "bridge", &d.b, e);
    if (r == 0)
        r = parse(d.b, match ? match : "", OFPFC_DELETE, &m, e);
    if (r < 0)
        return r;
    struct ofw_multipart_req q = {.type = OFPMP_FLOW,
                                  .table = m.table,
                                  .out_port = m.out_port,
                                  .out_group = m.out_group,
                                  .cookie = m.cookie,
                                  .cookie_mask = m.cookie_mask,
                                  .match = m.match};
    d.list = json_array();
    ofm_select(d.b->model, &q, dump_flow, &d);
    return api_done(json_pack("{s:s,s:o}", "bridge", d.b->dp->name, "flows", d.list), out, e);
}

/* ---- tables ---- */

static json_t *table_json(struct of_bridge *b, uint8_t id)
{
    const struct program *p = atomic_load(&b->dp->program);
    const struct table *t = id < p->n_tables ? p->tables[id] : NULL;
    struct table_info i = t ? table_describe(t) : (struct table_info){.kind = TABLE_EMPTY};
    struct table_stats s = bridge_table_stats(b->dp, id);
    struct ofm_table_info m = ofm_table(b->model, id);
    return json_pack("{s:i,s:i,s:i,s:s,s:i,s:i,s:i,s:o,s:o,s:o}", "table", (int)id, "flows",
                     (int)m.flows, "max", (int)m.max, "template", table_kind_name(i.kind), "rules",
                     (int)i.n_rules, "masks", (int)i.n_masks, "worst_probes", (int)i.worst_probes,
                     "bytes", api_u64(i.bytes), "lookups", api_u64(s.lookups), "matches",
                     api_u64(s.matches));
}

static int table_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    bool all = api_flag(params, "all");
    int r = api_bridge(w, params, "bridge", &one, e);
    if (r < 0)
        return r;
    json_t *list = json_array();
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++) {
        if (one && b != one)
            continue;
        json_t *tables = json_array();
        for (unsigned t = 0; t < WEFT_TABLES; t++)
            if (all || ofm_table(b->model, (uint8_t)t).flows ||
                bridge_table_stats(b->dp, (uint8_t)t).lookups)
                json_array_append_new(tables, table_json(b, (uint8_t)t));
        json_array_append_new(list,
                              json_pack("{s:s,s:o}", "bridge", b->dp->name, "tables", tables));
    }
    return api_done(list, out, e);
}

/* ---- packet-out ---- */

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c | 0x20) : NULL;
    return p ? (int)(p - digits) : -1;
}

int api_hex(const char *s, uint8_t *out, size_t *len, struct errbuf *e)
{
    *len = 0;
    for (; *s; s += 2) {
        while (*s == ' ' || *s == ':')
            s++;
        if (!*s)
            return 0;
        if (hex(s[0]) < 0 || hex(s[1]) < 0)
            return errbuf_set(e, EINVAL, "packet: \"%.8s\" is not hexadecimal", s);
        if (*len == WEFT_FRAME_MAX)
            return errbuf_set(e, EINVAL, "packet: longer than %d bytes", WEFT_FRAME_MAX);
        out[(*len)++] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
    }
    return 0;
}

static int packet_out(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    const char *in_port = api_str(params, "in_port");
    size_t len;
    int r = api_bridge(w, params, "bridge", &b, e);
    if (r < 0)
        return r;
    uint8_t *frame = malloc(WEFT_FRAME_MAX);
    if (!frame)
        return errbuf_set(e, ENOMEM, "out of memory");
    r = api_hex(api_str(params, "packet"), frame, &len, e);
    if (r == 0)
        r = of_bridge_packet_out(b, in_port ? in_port : "controller", api_str(params, "actions"),
                                 frame, len, e);
    free(frame);
    if (r < 0)
        errbuf_prefix(e, "packet-out on bridge %s: ", b->dp->name);
    return r < 0 ? r : api_done(json_object(), out, e);
}

#define FLOW_PARAMS                                                                           \
    {"bridge", API_STRING, true}, {"flow", API_STRING, false}, {"flows", API_STRINGS, false}, \
        {"check", API_BOOL, false},                                                           \
    {                                                                                         \
        "save", API_BOOL, false                                                               \
    }

const struct api_method api_flow_methods[] = {
    {"flow.add", flow_add, {FLOW_PARAMS}, "adds flows in ovs-ofctl's syntax"},
    {"flow.mod",
     flow_mod,
     {FLOW_PARAMS, {"strict", API_BOOL, false}},
     "changes the actions of flows that match"},
    {"flow.del",
     flow_del,
     {FLOW_PARAMS, {"strict", API_BOOL, false}},
     "deletes flows; no flow: all"},
    {"flow.replace", flow_replace, {FLOW_PARAMS}, "makes the bridge's flows be exactly these"},
    {"flow.dump",
     flow_dump,
     {{"bridge", API_STRING, true}, {"match", API_STRING, false}},
     "flows that match, with counters"},
    {"table.show",
     table_show,
     {{"bridge", API_STRING, false}, {"all", API_BOOL, false}},
     "how tables are compiled and used"},
    {"packet.out",
     packet_out,
     {{"bridge", API_STRING, true},
      {"in_port", API_STRING, false},
      {"actions", API_STRING, true},
      {"packet", API_STRING, true}},
     "runs actions on a frame given in hexadecimal"},
    {0},
};
