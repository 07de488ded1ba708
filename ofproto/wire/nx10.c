/* Nicira's messages for 1.0 with its extensible match: flow-mod, statistics, flow-removed. */
#include "ofproto/wire/of10.h"
#include "ofproto/wire/wire.h"

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

int nx10_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                         struct ofw_error *e)
{
    uint64_t filter[2];
    *out = (struct ofw_flow_mod){.cookie = read_u64(&r), .out_group = OFPG_ANY};
    uint16_t command = read_u16(&r);
    out->idle_s = read_u16(&r);
    out->hard_s = read_u16(&r);
    out->priority = read_u16(&r);
    out->buffer_id = read_u32(&r);
    out->out_port = of10_port(read_u16(&r));
    out->flags = read_u16(&r);
    uint16_t match_len = read_u16(&r);
    read_skip(&r, 6);
    if (r.bad)
        return bad_length(e);
    out->command = (uint8_t)command;
    out->table = (uint8_t)(command >> 8);
    if (nxm_match_decode(&r, match_len, &out->match, filter, e) < 0)
        return -1;
    if (filter[1] && out->command != OFPFC_ADD) {
        out->cookie = filter[0];
        out->cookie_mask = filter[1];
    }
    if (of10_actions_decode(&r, r.left, &out->match, arena, &out->instr.apply, e) < 0)
        return -1;
    out->instr.has_apply = out->instr.apply.n > 0;
    return 0;
}

int nx10_multipart_decode(struct reader *r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    uint64_t filter[2];
    uint32_t who = read_u32(r), subtype = read_u32(r);
    read_skip(r, 4);
    if (r->bad)
        return bad_length(e);
    if (who != NX_EXPERIMENTER || subtype > 1)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER, "unknown statistics");
    out->type = subtype ? OFPMP_AGGREGATE : OFPMP_FLOW;
    out->nx = true;
    out->out_port = of10_port(read_u16(r));
    out->out_group = OFPG_ANY;
    uint16_t match_len = read_u16(r);
    out->table = read_u8(r);
    read_skip(r, 3);
    if (r->bad)
        return bad_length(e);
    if (nxm_match_decode(r, match_len, &out->match, filter, e) < 0)
        return -1;
    out->cookie = filter[0];
    out->cookie_mask = filter[1];
    return r->left ? bad_length(e) : 0;
}

void nx10_flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_u8(w, s->table);
    write_zeros(w, 1);
    of13_duration_write(w, s->duration_ns);
    write_u16(w, s->priority);
    write_u16(w, s->idle_s);
    write_u16(w, s->hard_s);
    size_t len_at = w->len;
    write_u16(w, 0);
    write_zeros(w, 4); /* idle and hard age: not known */
    write_u64(w, s->cookie);
    write_u64(w, s->packets);
    write_u64(w, s->bytes);
    uint16_t len = nxm_match_encode(w, &s->match);
    write_patch_u16(w, len_at, len);
    of10_instructions_encode(w, &s->instr);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void nx10_flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f)
{
    size_t at = of13_begin(w, OFPT_EXPERIMENTER, xid);
    write_u32(w, NX_EXPERIMENTER);
    write_u32(w, NXT_FLOW_REMOVED);
    write_u64(w, f->cookie);
    write_u16(w, f->priority);
    write_u8(w, f->reason > OFPRR_DELETE ? OFPRR_DELETE : f->reason);
    write_u8(w, (uint8_t)(f->table + 1));
    of13_duration_write(w, f->duration_ns);
    write_u16(w, f->idle_s);
    size_t len_at = w->len;
    write_u16(w, 0);
    write_u64(w, f->packets);
    write_u64(w, f->bytes);
    uint16_t len = nxm_match_encode(w, &f->match);
    write_patch_u16(w, len_at, len);
    of13_finish(w, at);
}
