/* OpenFlow 1.5 where its bytes are neither 1.3's nor 1.4's (1.5.1, 7.2 and 7.3): statistics are OXS
 * fields, groups have properties and bucket numbers, a meter is an action, a packet-out has a
 * match. */
#include "ofproto/wire/of15.h"

#include "base/limits.h"
#include "ofproto/wire/wire.h"

enum { OFPMP15_FLOW_STATS = 17, OFPMP15_LAST = 19 };
enum { OXS_CLASS = 0x8002, OXS_DURATION = 0, OXS_FLOWS = 3, OXS_PACKETS = 4, OXS_BYTES = 5 };

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

/* ---- OXS: statistics as fields (7.2.5) ---- */

static size_t stats_begin(struct writer *w)
{
    size_t at = w->len;
    write_zeros(w, 4); /* reserved, length */
    return at;
}

static void oxs_header(struct writer *w, unsigned field, unsigned bytes)
{
    write_u16(w, OXS_CLASS);
    write_u8(w, (uint8_t)(field << 1));
    write_u8(w, (uint8_t)bytes);
}

static void oxs64(struct writer *w, unsigned field, uint64_t v)
{
    oxs_header(w, field, 8);
    write_u64(w, v);
}

static void oxs_duration(struct writer *w, nsec_t d)
{
    oxs_header(w, OXS_DURATION, 8);
    of13_duration_write(w, d);
}

static void stats_end(struct writer *w, size_t at)
{
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    write_pad(w, at, 8);
}

static void counts(struct writer *w, nsec_t duration, uint64_t packets, uint64_t bytes)
{
    size_t at = stats_begin(w);
    oxs_duration(w, duration);
    oxs64(w, OXS_PACKETS, packets);
    oxs64(w, OXS_BYTES, bytes);
    stats_end(w, at);
}

/* ---- flows ---- */

static void flow_desc_encode(struct writer *w, const struct ofw_flow_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_zeros(w, 2);
    write_u8(w, s->table);
    write_zeros(w, 1);
    write_u16(w, s->priority);
    write_u16(w, s->idle_s);
    write_u16(w, s->hard_s);
    write_u16(w, s->flags);
    write_u16(w, 0); /* importance */
    write_u64(w, s->cookie);
    ofw_match_encode(w, &s->match);
    counts(w, s->duration_ns, s->packets, s->bytes);
    of15_instructions_encode(w, &s->instr);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

/* OFPMP_FLOW_STATS: the same without what it does. */
static void flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_zeros(w, 2);
    write_u8(w, s->table);
    write_u8(w, 0); /* OFPFSR_STATS_REQUEST */
    write_u16(w, s->priority);
    ofw_match_encode(w, &s->match);
    counts(w, s->duration_ns, s->packets, s->bytes);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

static void aggregate_encode(struct writer *w, uint64_t packets, uint64_t bytes, uint32_t flows)
{
    size_t at = stats_begin(w);
    oxs_header(w, OXS_FLOWS, 4);
    write_u32(w, flows);
    oxs64(w, OXS_PACKETS, packets);
    oxs64(w, OXS_BYTES, bytes);
    stats_end(w, at);
}

static void flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f)
{
    size_t at = of13_begin(w, OFPT_FLOW_REMOVED, xid);
    write_u8(w, f->table);
    write_u8(w, f->reason);
    write_u16(w, f->priority);
    write_u16(w, f->idle_s);
    write_u16(w, f->hard_s);
    write_u64(w, f->cookie);
    ofw_match_encode(w, &f->match);
    counts(w, f->duration_ns, f->packets, f->bytes);
    of13_finish(w, at);
}

/* ---- packet-out ---- */

static int packet_out_decode(struct reader r, struct ofw_arena *arena, struct ofw_packet_out *out,
                             struct ofw_error *e)
{
    struct flow_match match;
    *out = (struct ofw_packet_out){.buffer_id = read_u32(&r), .in_port = OFPP_CONTROLLER};
    uint16_t len = read_u16(&r);
    read_skip(&r, 2);
    if (r.bad)
        return bad_length(e);
    if (ofw_match_decode(&r, &match, e) < 0)
        return -1;
    if (match.mask.in_port == UINT32_MAX)
        out->in_port = from_be32(match.key.in_port);
    if (len > r.left)
        return bad_length(e);
    struct reader list = read_sub(&r, len);
    if (of15_actions_decode(&list, arena, &out->actions, e) < 0)
        return -1;
    return of13_packet_out_end(&r, out, e);
}

/* ---- multiparts ---- */

static int multipart_decode(struct reader r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    struct reader whole = r, again;
    uint8_t as13[2048];
    uint16_t type = read_u16(&r), flags = read_u16(&r);
    read_skip(&r, 4);
    if (r.bad)
        return bad_length(e);
    if (type == OFPMP_PORT_DESC || type == OFPMP_GROUP_DESC) {
        *out = (struct ofw_multipart_req){.type = type, .flags = flags};
        uint32_t number = r.left ? read_u32(&r) : UINT32_MAX; /* all */
        read_skip(&r, r.left);
        out->port = type == OFPMP_PORT_DESC ? number : 0;
        out->group = type == OFPMP_GROUP_DESC ? number : 0;
        return r.bad ? bad_length(e) : 0;
    }
    if (type != OFPMP15_FLOW_STATS)
        return ofw_multipart_decode(whole, out, e);
    if (whole.left > sizeof as13)
        return bad_length(e);
    memcpy(as13, whole.p, whole.left);
    as13[1] = OFPMP_FLOW;
    again = reader_of(as13, whole.left);
    int result = ofw_multipart_decode(again, out, e);
    out->nx = true;
    return result;
}

/* nx: FLOW in its short form. */
static size_t begin(struct writer *w, uint32_t xid, uint16_t type, bool nx)
{
    return ofw_multipart_begin(w, xid, nx && type == OFPMP_FLOW ? OFPMP15_FLOW_STATS : type);
}

const struct ofw_codec of15_codec = {
    .version = OF15_VERSION,
    .n_types = OF14_TYPES,
    .types = of14_types,
    .flow_mod_decode = of15_flow_mod_decode,
    .packet_out_decode = packet_out_decode,
    .port_mod_decode = of14_port_mod_decode,
    .group_mod_decode = of15_group_mod_decode,
    .multipart_decode = multipart_decode,
    .async_decode = of14_async_decode,
    .error_encode = of14_error_encode,
    .features_encode = ofw_features_encode,
    .packet_in_encode = ofw_packet_in_encode,
    .flow_removed_encode = flow_removed_encode,
    .port_status_encode = of14_port_status_encode,
    .async_encode = of14_async_encode,
    .multipart_begin = begin,
    .flow_stats_encode = flow_desc_encode,
    .flow_short_encode = flow_stats_encode,
    .aggregate_encode = aggregate_encode,
    .table_stats_encode = ofw_table_stats_encode,
    .port_stats_encode = of14_port_stats_encode,
    .port_desc_encode = of14_port_desc_encode,
    .group_desc_encode = of15_group_desc_encode,
};
