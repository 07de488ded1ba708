/* OFPT_GROUP_MOD and the multiparts of groups (1.3.5, 7.3.4.2, 7.3.5.6-8, 6.5). */
#include "ofproto/wire/group.h"

#include "base/limits.h"
#include "ofproto/wire/wire.h"

enum { BUCKET_BYTES = 16 };

static int failed(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_GROUP_MOD_FAILED, code, why);
}

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "group-mod of a wrong length");
}

/* ---- what it means ---- */

/* A bucket is an action set, so it ends by itself: TABLE is for packet-outs. */
static int actions_ok(const struct ofw_actions *list, struct ofw_error *e)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->a[i].type == OFPAT_OUTPUT && list->a[i].port == OFPP_TABLE)
            return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT,
                              "output to TABLE is for packet-outs");
    return ofw_actions_check(list, NULL, e);
}

static int bucket_ok(const struct ofw_group_mod *m, const struct ofw_bucket *b, struct ofw_error *e)
{
    bool watches = b->watch_port != OFPP_ANY || b->watch_group != OFPG_ANY;
    if (b->weight != 0 && m->type != OFPGT_SELECT)
        return failed(e, OFPGMFC_INVALID_GROUP, "weights are for select groups");
    if (m->type == OFPGT_FF && !watches)
        return failed(e, OFPGMFC_INVALID_GROUP, "a fast failover bucket watches a port or a group");
    return actions_ok(&b->actions, e);
}

int ofw_group_mod_check(const struct ofw_group_mod *m, struct ofw_error *e)
{
    if (m->command > OFPGC_DELETE)
        return failed(e, OFPGMFC_BAD_COMMAND, "unknown group-mod command");
    if (m->command == OFPGC_DELETE)
        return m->id > OFPG_MAX && m->id != OFPG_ALL
                   ? failed(e, OFPGMFC_INVALID_GROUP, "no number for a group")
                   : 0;
    if (m->type >= OFPGT_COUNT)
        return failed(e, OFPGMFC_BAD_TYPE, "unknown group type");
    if (m->id > OFPG_MAX)
        return failed(e, OFPGMFC_INVALID_GROUP, "group numbers go up to 0xffffff00");
    if (m->type == OFPGT_INDIRECT && m->n != 1)
        return failed(e, OFPGMFC_INVALID_GROUP, "an indirect group has one bucket");
    if (m->n > WEFT_BUCKETS_MAX)
        return failed(e, OFPGMFC_OUT_OF_BUCKETS, "too many buckets");
    for (unsigned i = 0; i < m->n; i++)
        if (bucket_ok(m, &m->buckets[i], e) < 0)
            return -1;
    return 0;
}

/* ---- decoding ---- */

static int bucket_decode(struct reader *r, struct ofw_arena *arena, struct ofw_bucket *b,
                         struct ofw_error *e)
{
    uint16_t len = read_u16(r);
    b->weight = read_u16(r);
    b->watch_port = read_u32(r);
    b->watch_group = read_u32(r);
    read_skip(r, 4);
    if (r->bad || len < BUCKET_BYTES || len % 8 || len - (size_t)BUCKET_BYTES > r->left)
        return failed(e, OFPGMFC_BAD_BUCKET, "wrong length of a bucket");
    return ofw_actions_decode(r, len - (size_t)BUCKET_BYTES, arena, &b->actions, e);
}

int ofw_group_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_bucket *buckets,
                         struct ofw_group_mod *out, struct ofw_error *e)
{
    *out = (struct ofw_group_mod){.command = read_u16(&r), .buckets = buckets};
    out->type = read_u8(&r);
    read_skip(&r, 1);
    out->id = read_u32(&r);
    if (r.bad)
        return bad_length(e);
    while (r.left > 0) {
        if (bucket_decode(&r, arena, &buckets[out->n], e) < 0)
            return -1;
        out->n++; /* 16 bytes each: no message holds more than OFW_BUCKETS_MAX */
    }
    return ofw_group_mod_check(out, e);
}

/* ---- encoding ---- */

static void buckets_encode(struct writer *w, const struct ofw_bucket *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        size_t at = w->len;
        write_u16(w, 0);
        write_u16(w, b[i].weight);
        write_u32(w, b[i].watch_port);
        write_u32(w, b[i].watch_group);
        write_zeros(w, 4);
        ofw_actions_encode(w, &b[i].actions);
        write_patch_u16(w, at, (uint16_t)(w->len - at));
    }
}

void ofw_group_mod_encode(struct writer *w, uint32_t xid, const struct ofw_group_mod *m)
{
    size_t at = of13_begin(w, OFPT_GROUP_MOD, xid);
    write_u16(w, m->command);
    write_u8(w, m->type);
    write_zeros(w, 1);
    write_u32(w, m->id);
    buckets_encode(w, m->buckets, m->n);
    of13_finish(w, at);
}

void ofw_group_stats_encode(struct writer *w, const struct ofw_group_stats *s)
{
    size_t at = w->len;
    write_zeros(w, 4);
    write_u32(w, s->id);
    write_u32(w, s->ref_count);
    write_zeros(w, 4);
    write_u64(w, s->sum.packets);
    write_u64(w, s->sum.bytes);
    of13_duration_write(w, s->duration_ns);
    for (unsigned i = 0; i < s->n; i++) {
        write_u64(w, s->buckets[i].packets);
        write_u64(w, s->buckets[i].bytes);
    }
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void ofw_group_desc_encode(struct writer *w, const struct ofw_group_desc *d)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_u8(w, d->type);
    write_zeros(w, 1);
    write_u32(w, d->id);
    buckets_encode(w, d->buckets, d->n);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void ofw_group_features_encode(struct writer *w, const struct ofw_group_features *f)
{
    write_u32(w, f->types);
    write_u32(w, f->capabilities);
    for (unsigned i = 0; i < OFPGT_COUNT; i++)
        write_u32(w, f->max[i]);
    for (unsigned i = 0; i < OFPGT_COUNT; i++)
        write_u32(w, f->actions[i]);
}
