/* OFPT_METER_MOD and the multiparts of meters (1.3.5, 6.6, 7.3.5.10-12). */
#include "ofproto/model/meter.h"
#include "ofproto/session/priv.h"

int meter_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_meter_mod mod;
    struct ofw_band bands[WEFT_BANDS_MAX];
    if (ofw_meter_mod_decode(m->body, bands, &mod, e) < 0)
        return -1;
    if (s->mode == CHANGE_CHECK)
        return 0;
    if (s->mode == CHANGE_UNDOABLE)
        return ofm_undo_meter_mod(s->undo, &mod, s->now, e);
    if (ofm_meter_mod(s->host.model, &mod, false, s->now, e) < 0)
        return -1;
    s->changed = true;
    return 0;
}

static void encode_stats(struct reply *r, const void *entry)
{
    ofw_meter_stats_encode(&r->w, entry);
}
static void encode_config(struct reply *r, const void *entry)
{
    ofw_meter_config_encode(&r->w, entry);
}

static void add_stats(struct reply *r, const struct ofm_meter *t)
{
    struct ofw_meter_stats stats;
    ofm_meter_stats(r->s->host.model, t, r->s->now, &stats);
    reply_add(r, encode_stats, &stats);
}

static void add_config(struct reply *r, const struct ofm_meter *t)
{
    struct ofw_meter_mod config = ofm_meter_config(t);
    reply_add(r, encode_config, &config);
}

/* Statistics or configuration of one meter or of all. */
int meter_reply(struct ofs *s, uint32_t xid, const struct ofw_multipart_req *q, struct ofw_error *e)
{
    const struct ofm *model = s->host.model;
    const struct ofm_meter *one = ofm_meter(model, q->meter);
    void (*add)(struct reply * r, const struct ofm_meter *t) =
        q->type == OFPMP_METER ? add_stats : add_config;
    if (q->meter != OFPM_ALL && !one)
        return session_refuse(e, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER, "no such meter");
    struct reply r = reply_begin(s, xid, q->type);
    if (one)
        add(&r, one);
    for (uint32_t i = 0; !one && i < ofm_meter_count(model); i++)
        add(&r, ofm_meter_at(model, i));
    reply_end(&r, false);
    return 0;
}

void meter_features(struct ofs *s, uint32_t xid)
{
    struct ofw_meter_features f = {
        .max_meter = WEFT_METERS_MAX,
        .band_types = 1 << OFPMBT_DROP | 1 << OFPMBT_DSCP_REMARK,
        .capabilities = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS,
        .max_bands = WEFT_BANDS_MAX,
        .max_color = 3, /* the drop precedences of a class */
    };
    struct reply r = reply_begin(s, xid, OFPMP_METER_FEATURES);
    ofw_meter_features_encode(&r.w, &f);
    reply_end(&r, false);
}
