/* 1.5's group-mod and group description (1.5.1, 7.3.4.3 and 7.3.5.10). Bucket numbers are the
 * buckets' places; inserting and removing single buckets is not done. */
#include "ofproto/wire/of15.h"
#include "ofproto/wire/wire.h"

enum { OFPGBPT_WEIGHT = 0, OFPGBPT_WATCH_PORT = 1, OFPGBPT_WATCH_GROUP = 2 };

static int bad_bucket(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_GROUP_MOD_FAILED, OFPGMFC_BAD_BUCKET, "wrong length of a bucket");
}

static int properties_decode(struct reader *r, struct ofw_bucket *b, struct ofw_error *e)
{
    struct reader body;
    uint16_t type;
    int more;
    while ((more = of14_next_property(r, &type, &body, e)) > 0) {
        if (type == OFPGBPT_WEIGHT)
            b->weight = read_u16(&body);
        else if (type == OFPGBPT_WATCH_PORT)
            b->watch_port = read_u32(&body);
        else if (type == OFPGBPT_WATCH_GROUP)
            b->watch_group = read_u32(&body);
        else if (type != UINT16_MAX)
            return ofw_refuse(e, OFPET14_BAD_PROPERTY, OFPBPC_BAD_TYPE,
                              "unknown property of a bucket");
        if (body.bad)
            return ofw_refuse(e, OFPET14_BAD_PROPERTY, OFPBPC_BAD_LEN,
                              "wrong length of a property");
    }
    return more;
}

static int bucket_decode(struct reader *r, struct ofw_arena *arena, struct ofw_bucket *b,
                         struct ofw_error *e)
{
    uint16_t len = read_u16(r), actions = read_u16(r);
    *b = (struct ofw_bucket){.watch_port = OFPP_ANY, .watch_group = OFPG_ANY};
    read_skip(r, 4); /* its number */
    if (r->bad || len < 8 || len % 8 || len - 8u > r->left || actions > len - 8u)
        return bad_bucket(e);
    struct reader body = read_sub(r, len - 8u), list = read_sub(&body, actions);
    if (of15_actions_decode(&list, arena, &b->actions, e) < 0)
        return -1;
    return properties_decode(&body, b, e);
}

int of15_group_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_bucket *buckets,
                          struct ofw_group_mod *out, struct ofw_error *e)
{
    *out = (struct ofw_group_mod){.command = read_u16(&r), .buckets = buckets};
    out->type = read_u8(&r);
    read_skip(&r, 1);
    out->id = read_u32(&r);
    uint16_t len = read_u16(&r);
    read_skip(&r, 6); /* padding, the bucket that a command is about */
    if (r.bad || len > r.left)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "group-mod of a wrong length");
    struct reader list = read_sub(&r, len); /* behind it properties: only experimenters' */
    while (list.left > 0) {
        if (out->n == OFW_BUCKETS_MAX)
            return ofw_refuse(e, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_BUCKETS,
                              "too many buckets");
        if (bucket_decode(&list, arena, &buckets[out->n], e) < 0)
            return -1;
        out->n++;
    }
    return ofw_group_mod_check(out, e);
}

static void property(struct writer *w, uint16_t type, uint32_t value)
{
    write_u16(w, type);
    write_u16(w, 8);
    write_u32(w, value);
}

static void bucket_encode(struct writer *w, const struct ofw_group_desc *d, uint32_t i)
{
    const struct ofw_bucket *b = &d->buckets[i];
    size_t at = w->len;
    write_zeros(w, 4); /* both lengths */
    write_u32(w, i);
    ofw_actions_encode(w, &b->actions);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at - 8));
    if (d->type == OFPGT_SELECT)
        property(w, OFPGBPT_WEIGHT, (uint32_t)b->weight << 16);
    if (b->watch_port != OFPP_ANY)
        property(w, OFPGBPT_WATCH_PORT, b->watch_port);
    if (b->watch_group != OFPG_ANY)
        property(w, OFPGBPT_WATCH_GROUP, b->watch_group);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void of15_group_desc_encode(struct writer *w, const struct ofw_group_desc *d)
{
    size_t at = w->len, list;
    write_u16(w, 0);
    write_u8(w, d->type);
    write_zeros(w, 1);
    write_u32(w, d->id);
    write_zeros(w, 8); /* the list's length, padding */
    list = w->len;
    for (uint32_t i = 0; i < d->n; i++)
        bucket_encode(w, d, i);
    write_patch_u16(w, at + 8, (uint16_t)(w->len - list));
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}
