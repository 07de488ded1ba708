/* control/api_group.c: groups and meters.
 *
 * What is added here is the configuration's from then on; what a controller made is shown and can
 * be deleted, too. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "control/api_priv.h"
#include "datapath/group.h"
#include "ofproto/model/meter.h"

/* ---- changing ---- */

static int change(struct weft *w, json_t *params, enum of_kind kind, unsigned command, json_t **out,
                  struct errbuf *e)
{
    struct of_bridge *b;
    const char *text = api_str(params, kind == OF_GROUPS ? "group" : "meter");
    int r = api_bridge(w, params, "bridge", &b, e);
    if (r == 0)
        r = of_bridge_thing(b, kind, text ? text : "", command, e);
    if (r == 0)
        r = weft_save_flows(w, e);
    return r < 0 ? r : api_done(json_object(), out, e);
}

static int group_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_GROUPS, OFPGC_ADD, out, e);
}

static int group_mod(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_GROUPS, OFPGC_MODIFY, out, e);
}

static int group_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_GROUPS, OFPGC_DELETE, out, e);
}

static int meter_add(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_METERS, OFPMC_ADD, out, e);
}

static int meter_mod(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_METERS, OFPMC_MODIFY, out, e);
}

static int meter_del(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    return change(w, params, OF_METERS, OFPMC_DELETE, out, e);
}

/* ---- showing ---- */

struct room {
    struct ofw_bucket buckets[WEFT_BUCKETS_MAX];
    struct ofw_count counts[WEFT_BUCKETS_MAX];
};

static json_t *bucket_json(const struct of_bridge *b, const struct ofw_bucket *k,
                           const struct ofw_count *count)
{
    struct strbuf s = {0};
    struct ofw_instructions in = {.apply = k->actions};
    struct group_bucket live = {.watch_port = k->watch_port, .watch_group = k->watch_group};
    const struct program *p = atomic_load(&b->dp->program);
    ofm_text_actions(&s, &in, &b->names);
    json_t *o = json_pack("{s:o,s:i,s:b,s:o,s:o}", "actions", api_text(strbuf_text(&s)), "weight",
                          (int)k->weight, "live", group_bucket_live(p->groups, b->dp, &live),
                          "packets", api_u64(count->packets), "bytes", api_u64(count->bytes));
    strbuf_free(&s);
    return o;
}

static json_t *group_json(struct of_bridge *b, const struct ofm_group *g, struct room *room)
{
    struct ofw_group_stats s;
    struct ofw_group_desc d;
    struct strbuf text = {0};
    json_t *buckets = json_array();
    ofm_group_stats(b->model, g, weft_now(b->w), room->counts, &s);
    ofm_group_desc(g, room->buckets, &d);
    ofm_group_print(&text, &d, &b->names);
    for (unsigned i = 0; i < d.n; i++)
        json_array_append_new(buckets, bucket_json(b, &room->buckets[i], &room->counts[i]));
    json_t *o =
        json_pack("{s:s,s:I,s:s,s:I,s:o,s:o,s:f,s:b,s:o,s:o}", "bridge", b->dp->name, "group",
                  (json_int_t)g->id, "type", ofm_group_type_name(g->type), "references",
                  (json_int_t)s.ref_count, "packets", api_u64(s.sum.packets), "bytes",
                  api_u64(s.sum.bytes), "duration_s", (double)s.duration_ns / 1e9, "persistent",
                  g->persistent, "buckets", buckets, "text", api_text(strbuf_text(&text)));
    strbuf_free(&text);
    return o;
}

static int group_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    int r = api_bridge(w, params, "bridge", &one, e);
    struct room *room = r == 0 ? malloc(sizeof *room) : NULL;
    if (r < 0 || !room)
        return r < 0 ? r : errbuf_set(e, ENOMEM, "out of memory");
    json_t *list = json_array();
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++)
        for (uint32_t g = 0; (!one || b == one) && g < ofm_group_count(b->model); g++)
            json_array_append_new(list, group_json(b, ofm_group_at(b->model, g), room));
    free(room);
    return api_done(list, out, e);
}

static json_t *meter_json(struct of_bridge *b, const struct ofm_meter *m)
{
    struct ofw_meter_stats s;
    struct ofw_meter_mod config = ofm_meter_config(m);
    struct strbuf text = {0};
    json_t *bands = json_array();
    ofm_meter_stats(b->model, m, weft_now(b->w), &s);
    ofm_meter_print(&text, &config);
    for (unsigned i = 0; i < s.n; i++)
        json_array_append_new(bands,
                              json_pack("{s:s,s:I,s:o,s:o}", "type",
                                        m->band[i].type == OFPMBT_DROP ? "drop" : "dscp_remark",
                                        "rate", (json_int_t)m->band[i].rate, "packets",
                                        api_u64(s.bands[i].packets), "bytes",
                                        api_u64(s.bands[i].bytes)));
    json_t *o =
        json_pack("{s:s,s:I,s:s,s:I,s:o,s:o,s:f,s:b,s:o,s:o}", "bridge", b->dp->name, "meter",
                  (json_int_t)m->id, "unit", m->flags & OFPMF_PKTPS ? "pktps" : "kbps", "flows",
                  (json_int_t)s.flows, "packets", api_u64(s.packets), "bytes", api_u64(s.bytes),
                  "duration_s", (double)s.duration_ns / 1e9, "persistent", m->persistent, "bands",
                  bands, "text", api_text(strbuf_text(&text)));
    strbuf_free(&text);
    return o;
}

static int meter_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b, *one;
    int r = api_bridge(w, params, "bridge", &one, e);
    if (r < 0)
        return r;
    json_t *list = json_array();
    for (unsigned i = 0; (b = weft_bridge_at(w, i)); i++)
        for (uint32_t m = 0; (!one || b == one) && m < ofm_meter_count(b->model); m++)
            json_array_append_new(list, meter_json(b, ofm_meter_at(b->model, m)));
    return api_done(list, out, e);
}

#define OF(name, required) \
    {"bridge", API_STRING, true}, { name, API_STRING, required }

const struct api_method api_group_methods[] = {
    {"group.add", group_add, {OF("group", true)}, "adds a group in ovs-ofctl's syntax"},
    {"group.mod", group_mod, {OF("group", true)}, "replaces a group's type and buckets"},
    {"group.del",
     group_del,
     {OF("group", false)},
     "deletes a group (group_id=N) with its flows; none given: all"},
    {"group.show",
     group_show,
     {{"bridge", API_STRING, false}},
     "groups and their buckets, with counters"},
    {"meter.add", meter_add, {OF("meter", true)}, "adds a meter in ovs-ofctl's syntax"},
    {"meter.mod", meter_mod, {OF("meter", true)}, "replaces a meter's bands"},
    {"meter.del",
     meter_del,
     {OF("meter", false)},
     "deletes a meter (meter=N) with its flows; none given: all"},
    {"meter.show",
     meter_show,
     {{"bridge", API_STRING, false}},
     "meters and their bands, with counters"},
    {0},
};
