/* control/ofgroups.c: groups and meters that are not a controller's: those of the configuration and
 * of weftctl, in ovs-ofctl's syntax.
 *
 * Both are kept alike: what is listed is there before the flows that name it come, and what is no
 * longer listed goes after they went. One that is listed otherwise is changed in place, so that its
 * flows stay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/config_priv.h"
#include "control/weft_priv.h"
#include "ofproto/model/meter.h"

/* Either of the two. */
struct thing {
    struct ofw_group_mod group;
    struct ofw_meter_mod meter;
    struct ofw_band bands[WEFT_BANDS_MAX];
    struct ofm_group_text room;
};

static int parse(struct of_bridge *b, enum of_kind kind, const char *text, unsigned command,
                 struct thing *t, struct errbuf *e)
{
    b->arena.n = 0;
    return kind == OF_GROUPS
               ? ofm_group_parse(text, (enum ofw_group_command)command, &b->names, &b->arena,
                                 &t->room, &t->group, e)
               : ofm_meter_parse(text, (enum ofw_meter_command)command, t->bands, &t->meter, e);
}

static uint32_t id_of(const struct thing *t, enum of_kind kind)
{
    return kind == OF_GROUPS ? t->group.id : t->meter.id;
}

static bool exists(const struct of_bridge *b, enum of_kind kind, uint32_t id)
{
    return kind == OF_GROUPS ? ofm_group(b->model, id) != NULL : ofm_meter(b->model, id) != NULL;
}

static int apply(struct of_bridge *b, enum of_kind kind, const struct thing *t, const char *text,
                 struct errbuf *e)
{
    struct ofw_error err = {0};
    nsec_t now = weft_now(b->w);
    int r = kind == OF_GROUPS ? ofm_group_mod(b->model, &t->group, true, now, &err)
                              : ofm_meter_mod(b->model, &t->meter, true, now, &err);
    if (r == 0)
        return 0;
    return errbuf_set(e, EINVAL, "bridge %s: \"%.200s\": refused, %s%s%s", b->dp->name, text,
                      ofw_error_name(err.type, err.code), err.why ? ": " : "",
                      err.why ? err.why : "");
}

int of_bridge_thing(struct of_bridge *b, enum of_kind kind, const char *text, unsigned command,
                    struct errbuf *e)
{
    struct thing *t = malloc(sizeof *t);
    if (!t)
        return errbuf_set(e, ENOMEM, "out of memory");
    int r = parse(b, kind, text, command, t, e);
    if (r == 0)
        r = apply(b, kind, t, text, e);
    free(t);
    if (r < 0)
        return r;
    of_bridge_events(b); /* flows may have gone with it */
    of_bridge_commit(b);
    return 0;
}

/* ---- the configuration's lists ---- */

static bool has_text(const struct of_texts *t, const char *text)
{
    for (unsigned i = 0; i < t->n; i++)
        if (!strcmp(t->list[i], text))
            return true;
    return false;
}

static struct of_texts texts_copy(char **want, unsigned n)
{
    struct of_texts t = {.list = calloc(n + 1u, sizeof *t.list)};
    for (; t.list && t.n < n; t.n++)
        if (!(t.list[t.n] = strdup(want[t.n]))) {
            of_texts_free(&t);
            break;
        }
    return t;
}

void of_texts_free(struct of_texts *t)
{
    for (unsigned i = 0; i < t->n; i++)
        free(t->list[i]);
    free(t->list);
    *t = (struct of_texts){0};
}

/* What came or changed. */
int of_bridge_set_things(struct of_bridge *b, enum of_kind kind, char **want, unsigned n,
                         struct errbuf *e)
{
    struct of_texts *have = &b->things[kind];
    struct thing *t = malloc(sizeof *t);
    int r = t ? 0 : errbuf_set(e, ENOMEM, "out of memory");
    for (unsigned i = 0; r == 0 && i < n; i++) {
        if (has_text(have, want[i]))
            continue;
        r = parse(b, kind, want[i], OFPGC_ADD, t, e);
        t->group.command = t->meter.command =
            r == 0 && exists(b, kind, id_of(t, kind)) ? OFPGC_MODIFY : OFPGC_ADD;
        if (r == 0)
            r = apply(b, kind, t, want[i], e);
    }
    free(t);
    return r;
}

static bool listed(struct of_bridge *b, enum of_kind kind, uint32_t id, char **want, unsigned n,
                   struct thing *t)
{
    for (unsigned i = 0; i < n; i++)
        if (parse(b, kind, want[i], OFPGC_ADD, t, NULL) == 0 && id_of(t, kind) == id)
            return true;
    return false;
}

/* What went, the last first: it may forward to those before it. Then the list is the wanted one. */
int of_bridge_drop_things(struct of_bridge *b, enum of_kind kind, char **want, unsigned n,
                          struct errbuf *e)
{
    struct of_texts *have = &b->things[kind], list = texts_copy(want, n);
    struct thing *t = malloc(sizeof *t);
    struct errbuf why = {""};
    if (!t || !list.list) {
        free(t);
        return errbuf_set(e, ENOMEM, "out of memory");
    }
    for (unsigned i = have->n; i-- > 0;) {
        if (has_text(&list, have->list[i]) || parse(b, kind, have->list[i], OFPGC_ADD, t, NULL) < 0)
            continue;
        uint32_t id = id_of(t, kind);
        if (listed(b, kind, id, want, n, t))
            continue;
        t->group = (struct ofw_group_mod){.command = OFPGC_DELETE, .id = id};
        t->meter = (struct ofw_meter_mod){.command = OFPMC_DELETE, .id = id};
        if (apply(b, kind, t, have->list[i], &why) < 0)
            weft_log(b->w, LOG_LVL_WARNING, "%s", why.text);
    }
    free(t);
    of_texts_free(have);
    *have = list;
    return 0;
}

/* ---- saving ---- */

static void print_one(struct of_bridge *b, enum of_kind kind, uint32_t i, struct ofw_bucket *room,
                      struct strbuf *s)
{
    struct ofw_group_desc d;
    const struct ofm_meter *m = kind == OF_METERS ? ofm_meter_at(b->model, i) : NULL;
    const struct ofm_group *g = kind == OF_GROUPS ? ofm_group_at(b->model, i) : NULL;
    if (m && m->persistent) {
        struct ofw_meter_mod config = ofm_meter_config(m);
        ofm_meter_print(s, &config);
    } else if (g && g->persistent) {
        ofm_group_desc(g, room, &d);
        ofm_group_print(s, &d, &b->names);
    }
}

/* Which groups come before the others: those that forward to none. */
static unsigned height_of(const struct of_bridge *b, enum of_kind kind, uint32_t i)
{
    return kind == OF_GROUPS ? ofm_group_height(b->model, ofm_group_at(b->model, i)) : 1;
}

int of_bridge_list_things(struct of_bridge *b, enum of_kind kind, struct of_texts *out,
                          struct errbuf *e)
{
    uint32_t n = kind == OF_GROUPS ? ofm_group_count(b->model) : ofm_meter_count(b->model);
    unsigned highest = kind == OF_GROUPS ? WEFT_GROUP_DEPTH : 1;
    struct ofw_bucket *room = calloc(WEFT_BUCKETS_MAX, sizeof *room);
    *out = (struct of_texts){.list = calloc(n + 1u, sizeof *out->list)};
    bool bad = !room || !out->list;
    for (unsigned height = 1; !bad && height <= highest; height++) {
        for (uint32_t i = 0; !bad && i < n; i++) {
            struct strbuf s = {0};
            if (height_of(b, kind, i) == height)
                print_one(b, kind, i, room, &s);
            bad = s.bad;
            if (s.s && !bad)
                out->list[out->n++] = s.s; /* its memory is the list's now */
        }
    }
    free(room);
    if (!bad)
        return 0;
    of_texts_free(out);
    return errbuf_set(e, ENOMEM, "out of memory");
}

static bool lasts(const struct of_bridge *b, const struct ofw_actions *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        const struct ofm_group *g =
            a->a[i].type == OFPAT_GROUP ? ofm_group(b->model, a->a[i].port) : NULL;
        if (g && !g->persistent)
            return false;
    }
    return true;
}

bool of_bridge_flow_lasts(const struct of_bridge *b, const struct ofm_flow *f)
{
    const struct ofm_meter *m = f->instr.has_meter ? ofm_meter(b->model, f->instr.meter) : NULL;
    return (!m || m->persistent) && lasts(b, &f->instr.apply) && lasts(b, &f->instr.write);
}
