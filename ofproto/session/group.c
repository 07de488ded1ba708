/* OFPT_GROUP_MOD and the multiparts of groups (1.3.5, 6.5, 7.3.5.6-8). */
#include "ofproto/model/group.h"
#include "ofproto/session/priv.h"

#include <stdlib.h>

int group_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_group_mod mod;
    struct ofw_bucket *room = malloc(OFW_BUCKETS_MAX * sizeof *room);
    if (!room)
        return session_refuse(e, OFPET_GROUP_MOD_FAILED, OFPGMFC_OUT_OF_GROUPS, "out of memory");
    s->arena.n = 0;
    int r = s->codec->group_mod_decode(m->body, &s->arena, room, &mod, e);
    if (r == 0 && s->mode == CHANGE_UNDOABLE)
        r = ofm_undo_group_mod(s->undo, &mod, s->now, e);
    else if (r == 0 && s->mode == CHANGE_NOW)
        r = ofm_group_mod(s->host.model, &mod, false, s->now, e);
    free(room);
    s->changed = s->changed || (r == 0 && s->mode == CHANGE_NOW);
    return r;
}

static void encode_stats(struct reply *r, const void *entry)
{
    ofw_group_stats_encode(&r->w, entry);
}
static void encode_desc(struct reply *r, const void *entry)
{
    r->s->codec->group_desc_encode(&r->w, entry);
}

static void add_stats(struct reply *r, const struct ofm_group *g)
{
    struct ofw_group_stats stats;
    struct ofw_count counts[WEFT_BUCKETS_MAX];
    ofm_group_stats(r->s->host.model, g, r->s->now, counts, &stats);
    reply_add(r, encode_stats, &stats);
}

/* Of a group that is not there: none. 7.3.5.6 names no error. */
void group_stats(struct ofs *s, uint32_t xid, uint32_t id)
{
    const struct ofm *model = s->host.model;
    const struct ofm_group *one = ofm_group(model, id);
    struct reply r = reply_begin(s, xid, OFPMP_GROUP);
    if (one)
        add_stats(&r, one);
    for (uint32_t i = 0; id == OFPG_ALL && i < ofm_group_count(model); i++)
        add_stats(&r, ofm_group_at(model, i));
    reply_end(&r, false);
}

void group_desc(struct ofs *s, uint32_t xid)
{
    const struct ofm *model = s->host.model;
    struct reply r = reply_begin(s, xid, OFPMP_GROUP_DESC);
    for (uint32_t i = 0; i < ofm_group_count(model); i++) {
        struct ofw_bucket buckets[WEFT_BUCKETS_MAX];
        struct ofw_group_desc desc;
        ofm_group_desc(ofm_group_at(model, i), buckets, &desc);
        reply_add(&r, encode_desc, &desc);
    }
    reply_end(&r, false);
}

void group_features(struct ofs *s, uint32_t xid)
{
    struct ofw_group_features f = {
        .types = (1 << OFPGT_COUNT) - 1,
        .capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS | OFPGFC_CHAINING |
                        OFPGFC_CHAINING_CHECKS,
    };
    for (unsigned i = 0; i < OFPGT_COUNT; i++) {
        f.max[i] = WEFT_GROUPS_MAX;
        f.actions[i] = table_features_actions();
    }
    struct reply r = reply_begin(s, xid, OFPMP_GROUP_FEATURES);
    ofw_group_features_encode(&r.w, &f);
    reply_end(&r, false);
}
