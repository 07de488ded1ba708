/* OFPT_MULTIPART_REQUEST and _REPLY (1.3.5, 7.3.5). */
#include "ofproto/wire/wire.h"

enum { OFPMPF_MORE = 1 };

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "multipart request of a wrong length");
}

static int flow_request_decode(struct reader *r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    out->table = read_u8(r);
    read_skip(r, 3);
    out->out_port = read_u32(r);
    out->out_group = read_u32(r);
    read_skip(r, 4);
    out->cookie = read_u64(r);
    out->cookie_mask = read_u64(r);
    if (r->bad)
        return bad_length(e);
    if (ofw_match_decode(r, &out->match, e) < 0)
        return -1;
    return r->left ? bad_length(e) : 0;
}

static int body_decode(struct reader *r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    switch (out->type) {
    case OFPMP_FLOW:
    case OFPMP_AGGREGATE:
        return flow_request_decode(r, out, e);
    case OFPMP_PORT_STATS:
    case OFPMP_QUEUE:
        out->port = read_u32(r);
        out->queue = read_u32(r); /* or padding */
        break;
    case OFPMP_GROUP:
        out->group = read_u32(r);
        read_skip(r, 4);
        break;
    case OFPMP_METER:
    case OFPMP_METER_CONFIG:
        out->meter = read_u32(r);
        read_skip(r, 4);
        break;
    case OFPMP_TABLE_FEATURES:
        return 0; /* a list of tables to set, or nothing */
    default:
        break;
    }
    return r->bad || r->left ? bad_length(e) : 0;
}

int ofw_multipart_decode(struct reader r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    *out = (struct ofw_multipart_req){.type = read_u16(&r)};
    out->flags = read_u16(&r);
    read_skip(&r, 4);
    if (r.bad)
        return bad_length(e);
    if (out->type == OFPMP_EXPERIMENTER)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER, "unknown experimenter");
    if (out->type > OFPMP_PORT_DESC)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART, "unknown multipart type");
    return body_decode(&r, out, e);
}

size_t ofw_multipart_begin(struct writer *w, uint32_t xid, uint16_t type)
{
    size_t at = of13_begin(w, OFPT_MULTIPART_REPLY, xid);
    write_u16(w, type);
    write_zeros(w, 6); /* flags, padding */
    return at;
}

void ofw_multipart_end(struct writer *w, size_t at, bool more)
{
    write_patch_u16(w, at + OF_HEADER_BYTES + 2, more ? OFPMPF_MORE : 0);
    of13_finish(w, at);
}

/* Text in a fixed field, NUL-padded, its last byte always NUL. */
static void text_write(struct writer *w, const char *text, size_t size)
{
    size_t n = strnlen(text, size - 1);
    write_bytes(w, text, n);
    write_zeros(w, size - n);
}

void ofw_desc_encode(struct writer *w, const struct ofw_desc *d)
{
    text_write(w, d->mfr, sizeof d->mfr);
    text_write(w, d->hw, sizeof d->hw);
    text_write(w, d->sw, sizeof d->sw);
    text_write(w, d->serial, sizeof d->serial);
    text_write(w, d->dp, sizeof d->dp);
}

void ofw_flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_u8(w, s->table);
    write_zeros(w, 1);
    of13_duration_write(w, s->duration_ns);
    write_u16(w, s->priority);
    write_u16(w, s->idle_s);
    write_u16(w, s->hard_s);
    write_u16(w, s->flags);
    write_zeros(w, 4);
    write_u64(w, s->cookie);
    write_u64(w, s->packets);
    write_u64(w, s->bytes);
    ofw_match_encode(w, &s->match);
    ofw_instructions_encode(w, &s->instr);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void ofw_aggregate_encode(struct writer *w, uint64_t packets, uint64_t bytes, uint32_t flows)
{
    write_u64(w, packets);
    write_u64(w, bytes);
    write_u32(w, flows);
    write_zeros(w, 4);
}

void ofw_table_stats_encode(struct writer *w, const struct ofw_table_stats *s)
{
    write_u8(w, s->table);
    write_zeros(w, 3);
    write_u32(w, s->active);
    write_u64(w, s->lookups);
    write_u64(w, s->matches);
}

void of13_port_counters_write(struct writer *w, const struct ofw_port_stats *s)
{
    write_u64(w, s->rx_packets);
    write_u64(w, s->tx_packets);
    write_u64(w, s->rx_bytes);
    write_u64(w, s->tx_bytes);
    write_u64(w, s->rx_dropped);
    write_u64(w, s->tx_dropped);
    write_u64(w, s->rx_errors);
    write_u64(w, s->tx_errors);
}

void of13_port_errors_write(struct writer *w, const struct ofw_port_stats *s)
{
    write_u64(w, s->rx_frame_err);
    write_u64(w, s->rx_over_err);
    write_u64(w, s->rx_crc_err);
    write_u64(w, s->collisions);
}

void ofw_port_stats_encode(struct writer *w, const struct ofw_port_stats *s)
{
    write_u32(w, s->no);
    write_zeros(w, 4);
    of13_port_counters_write(w, s);
    of13_port_errors_write(w, s);
    of13_duration_write(w, s->duration_ns);
}
