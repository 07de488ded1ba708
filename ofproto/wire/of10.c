/* OpenFlow 1.0's messages (1.0.0, 5.3 and 5.4). */
#include "ofproto/wire/of10.h"

#include "base/limits.h"
#include "ofproto/wire/wire.h"

enum { ERROR_DATA_BYTES = 64, OFPFF10_EMERG = 4, OFPC10_ARP_MATCH_IP = 128, OFPST_VENDOR = 0xffff };

/* Our type of each of 1.0's. */
static const uint8_t types[] = {
    OFPT_HELLO,
    OFPT_ERROR,
    OFPT_ECHO_REQUEST,
    OFPT_ECHO_REPLY,
    OFPT_EXPERIMENTER,
    OFPT_FEATURES_REQUEST,
    OFPT_FEATURES_REPLY,
    OFPT_GET_CONFIG_REQUEST,
    OFPT_GET_CONFIG_REPLY,
    OFPT_SET_CONFIG,
    OFPT_PACKET_IN,
    OFPT_FLOW_REMOVED,
    OFPT_PORT_STATUS,
    OFPT_PACKET_OUT,
    OFPT_FLOW_MOD,
    OFPT_PORT_MOD,
    OFPT_MULTIPART_REQUEST,
    OFPT_MULTIPART_REPLY,
    OFPT_BARRIER_REQUEST,
    OFPT_BARRIER_REPLY,
    OFPT_QUEUE_GET_CONFIG_REQUEST,
    OFPT_QUEUE_GET_CONFIG_REPLY,
};

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

/* ---- flow-mod ---- */

/* The table is still in the command's high byte: of10_flow_mod_finish() knows what that means. */
static int flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                           struct ofw_error *e)
{
    *out = (struct ofw_flow_mod){.out_group = OFPG_ANY};
    of10_match_decode(&r, &out->match);
    out->cookie = read_u64(&r);
    uint16_t command = read_u16(&r);
    out->idle_s = read_u16(&r);
    out->hard_s = read_u16(&r);
    out->priority = read_u16(&r);
    out->buffer_id = read_u32(&r);
    out->out_port = of10_port(read_u16(&r));
    out->flags = read_u16(&r);
    if (r.bad)
        return bad_length(e);
    out->command = (uint8_t)command;
    out->table = (uint8_t)(command >> 8);
    if (of10_actions_decode(&r, r.left, &out->match, arena, &out->instr.apply, e) < 0)
        return -1;
    out->instr.has_apply = out->instr.apply.n > 0;
    return 0;
}

/* Without Nicira's extension 1.0 has one table to write to; what it deletes may be anywhere. */
int of10_flow_mod_finish(struct ofw_flow_mod *m, bool table_id, struct ofw_error *e)
{
    bool removes = m->command == OFPFC_DELETE || m->command == OFPFC_DELETE_STRICT;
    if (!table_id && m->table)
        return ofw_refuse(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND, "unknown command");
    if (!table_id || m->table == OFPTT_ALL)
        m->table = removes ? OFPTT_ALL : 0;
    if (m->flags & OFPFF10_EMERG)
        return ofw_refuse(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_FLAGS, "no emergency flows");
    m->flags &= OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP;
    if (m->command == OFPFC_ADD)
        m->flags |= OFPFF_RESET_COUNTS; /* 4.6: counters of one that is replaced are cleared */
    return ofw_flow_mod_check(m, e);
}

static void flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f)
{
    size_t at = of13_begin(w, OFPT_FLOW_REMOVED, xid);
    of10_match_encode(w, &f->match);
    write_u64(w, f->cookie);
    write_u16(w, f->priority);
    write_u8(w, f->reason > OFPRR_DELETE ? OFPRR_DELETE : f->reason);
    write_zeros(w, 1);
    of13_duration_write(w, f->duration_ns);
    write_u16(w, f->idle_s);
    write_zeros(w, 2);
    write_u64(w, f->packets);
    write_u64(w, f->bytes);
    of13_finish(w, at);
}

/* ---- packets ---- */

static int packet_out_decode(struct reader r, struct ofw_arena *arena, struct ofw_packet_out *out,
                             struct ofw_error *e)
{
    *out = (struct ofw_packet_out){.buffer_id = read_u32(&r)};
    uint16_t port = read_u16(&r), len = read_u16(&r);
    out->in_port = port == OF10_PORT_NONE ? OFPP_CONTROLLER : of10_port(port);
    if (r.bad || len > r.left)
        return bad_length(e);
    if (of10_actions_decode(&r, len, NULL, arena, &out->actions, e) < 0)
        return -1;
    return of13_packet_out_end(&r, out, e);
}

static void packet_in_encode(struct writer *w, uint32_t xid, const struct ofw_packet_in *p)
{
    size_t at = of13_begin(w, OFPT_PACKET_IN, xid);
    write_u32(w, p->buffer_id);
    write_u16(w, p->total_len);
    write_u16(w, of10_port_wire(from_be32(p->match.key.in_port)));
    write_u8(w, p->reason == OFPR_NO_MATCH ? OFPR_NO_MATCH : OFPR_ACTION);
    write_zeros(w, 1);
    size_t room = OF_MESSAGE_MAX - (w->len - at), n = p->data_len < room ? p->data_len : room;
    if (n)
        write_bytes(w, p->data, n);
    of13_finish(w, at);
}

/* ---- ports ---- */

/* 1.3's bits from 11 on (copper) are 1.0's from 7 on; what is faster than 10 Gb/s has no bit. */
static uint32_t features_wire(uint32_t f) { return (f & 0x7f) | (f >> 4 & 0xf80); }

void of10_port_encode(struct writer *w, const struct ofw_port *p)
{
    size_t name_len = strnlen(p->name, sizeof p->name - 1);
    write_u16(w, of10_port_wire(p->no));
    write_bytes(w, &p->hw_addr, sizeof p->hw_addr);
    write_bytes(w, p->name, name_len);
    write_zeros(w, sizeof p->name - name_len);
    write_u32(w, p->config);
    write_u32(w, p->state & OFPPS_LINK_DOWN);
    write_u32(w, features_wire(p->curr));
    write_u32(w, features_wire(p->advertised));
    write_u32(w, features_wire(p->supported));
    write_u32(w, features_wire(p->peer));
}

static void port_status_encode(struct writer *w, uint32_t xid, uint8_t reason,
                               const struct ofw_port *p)
{
    size_t at = of13_begin(w, OFPT_PORT_STATUS, xid);
    write_u8(w, reason);
    write_zeros(w, 7);
    of10_port_encode(w, p);
    of13_finish(w, at);
}

static int port_mod_decode(struct reader r, struct ofw_port_mod *out, struct ofw_error *e)
{
    const uint32_t known = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN;
    *out = (struct ofw_port_mod){.no = of10_port(read_u16(&r))};
    read_into(&r, &out->hw_addr, sizeof out->hw_addr);
    out->config = read_u32(&r);
    out->mask = read_u32(&r);
    out->advertise = read_u32(&r);
    read_skip(&r, 4);
    if (r.bad || r.left)
        return bad_length(e);
    if (out->mask & ~known)
        return ofw_refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG, "unknown OFPPC bits");
    return 0;
}

/* The ports come behind: the session adds them. */
static void features_encode(struct writer *w, uint32_t xid, const struct ofw_features *f)
{
    size_t at = of13_begin(w, OFPT_FEATURES_REPLY, xid);
    write_u64(w, f->datapath_id);
    write_u32(w, f->n_buffers);
    write_u8(w, f->n_tables);
    write_zeros(w, 3);
    write_u32(w, (f->capabilities & 7) | OFPC10_ARP_MATCH_IP);
    write_u32(w, 0xfff); /* every action */
    of13_finish(w, at);
}

/* ---- statistics ---- */

static int flow_request_decode(struct reader *r, struct ofw_multipart_req *out)
{
    of10_match_decode(r, &out->match);
    out->table = read_u8(r);
    read_skip(r, 1);
    out->out_port = of10_port(read_u16(r));
    out->out_group = OFPG_ANY;
    if (out->table == 0xfe) /* the emergency table: there is none */
        out->table = OFPTT_ALL;
    return 0;
}

static int multipart_decode(struct reader r, struct ofw_multipart_req *out, struct ofw_error *e)
{
    *out = (struct ofw_multipart_req){.type = read_u16(&r)};
    out->flags = read_u16(&r);
    switch (out->type) {
    case OFPMP_FLOW:
    case OFPMP_AGGREGATE:
        flow_request_decode(&r, out);
        break;
    case OFPMP_PORT_STATS:
        out->port = of10_port(read_u16(&r));
        read_skip(&r, 6);
        break;
    case OFPMP_QUEUE:
        out->port = of10_port(read_u16(&r));
        read_skip(&r, 2);
        out->queue = read_u32(&r);
        if (out->port == OFPP_ALL)
            out->port = OFPP_ANY;
        break;
    case OFPMP_DESC:
    case OFPMP_TABLE:
        break;
    case OFPST_VENDOR:
        return nx10_multipart_decode(&r, out, e);
    default:
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART, "unknown statistics");
    }
    return r.bad || r.left ? bad_length(e) : 0;
}

static size_t multipart_begin(struct writer *w, uint32_t xid, uint16_t type, bool nx)
{
    size_t at = of13_begin(w, OFPT_MULTIPART_REPLY, xid);
    write_u16(w, nx ? OFPST_VENDOR : type);
    write_u16(w, 0);
    if (!nx)
        return at;
    write_u32(w, NX_EXPERIMENTER);
    write_u32(w, type == OFPMP_FLOW ? 0 : 1); /* NXST_FLOW, NXST_AGGREGATE */
    write_zeros(w, 4);
    return at;
}

static void flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_u8(w, s->table);
    write_zeros(w, 1);
    of10_match_encode(w, &s->match);
    of13_duration_write(w, s->duration_ns);
    write_u16(w, s->priority);
    write_u16(w, s->idle_s);
    write_u16(w, s->hard_s);
    write_zeros(w, 6);
    write_u64(w, s->cookie);
    write_u64(w, s->packets);
    write_u64(w, s->bytes);
    of10_instructions_encode(w, &s->instr);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

static void table_stats_encode(struct writer *w, const struct ofw_table_stats *s)
{
    char name[32] = "table000";
    name[5] = (char)('0' + s->table / 100);
    name[6] = (char)('0' + s->table / 10 % 10);
    name[7] = (char)('0' + s->table % 10);
    write_u8(w, s->table);
    write_zeros(w, 3);
    write_bytes(w, name, sizeof name);
    write_u32(w, (1 << 22) - 1); /* every field may be wildcarded */
    write_u32(w, WEFT_FLOWS_MAX);
    write_u32(w, s->active);
    write_u64(w, s->lookups);
    write_u64(w, s->matches);
}

static void port_stats_encode(struct writer *w, const struct ofw_port_stats *s)
{
    write_u16(w, of10_port_wire(s->no));
    write_zeros(w, 6);
    of13_port_counters_write(w, s);
    of13_port_errors_write(w, s);
}

/* ---- errors ---- */

struct error10 {
    uint16_t type, code;
};

/* 1.0 has fewer types, and other codes where it has the type (5.4.4). */
static struct error10 error_wire(const struct ofw_error *e)
{
    static const uint16_t flow_mod[] =
        {[OFPFMFC_UNKNOWN] = 5,     [OFPFMFC_TABLE_FULL] = 0, [OFPFMFC_BAD_TABLE_ID] = 4,
         [OFPFMFC_OVERLAP] = 1,     [OFPFMFC_EPERM] = 2,      [OFPFMFC_BAD_TIMEOUT] = 3,
         [OFPFMFC_BAD_COMMAND] = 4, [OFPFMFC_BAD_FLAGS] = 5};
    switch (e->type) {
    case OFPET_HELLO_FAILED:
        return (struct error10){0, e->code};
    case OFPET_BAD_REQUEST: /* bad port, a slave: not permitted */
        return (struct error10){1, e->code > OFPBRC_BUFFER_UNKNOWN ? OFPBRC_EPERM : e->code};
    case OFPET_BAD_ACTION:
        return (struct error10){2, e->code > OFPBAC_BAD_QUEUE ? OFPBAC_BAD_ARGUMENT : e->code};
    case OFPET_FLOW_MOD_FAILED:
        return (struct error10){3, e->code < 8 ? flow_mod[e->code] : 5};
    case OFPET_PORT_MOD_FAILED:
        return (struct error10){4, e->code > OFPPMFC_BAD_HW_ADDR ? 0 : e->code};
    case OFPET_QUEUE_OP_FAILED:
        return (struct error10){5, e->code};
    case OFPET_BAD_MATCH:
    case OFPET_BAD_INSTRUCTION:
        return (struct error10){3, 5}; /* unsupported */
    default:
        return (struct error10){1, OFPBRC_EPERM};
    }
}

static void error_encode(struct writer *w, uint32_t xid, const struct ofw_error *e,
                         const void *request, size_t len)
{
    struct error10 wire = error_wire(e);
    size_t at = of13_begin(w, OFPT_ERROR, xid);
    write_u16(w, wire.type);
    write_u16(w, wire.code);
    if (len)
        write_bytes(w, request, len < ERROR_DATA_BYTES ? len : ERROR_DATA_BYTES);
    of13_finish(w, at);
}

const struct ofw_codec of10_codec = {
    .version = OF10_VERSION,
    .n_types = sizeof types,
    .types = types,
    .flow_mod_decode = flow_mod_decode,
    .packet_out_decode = packet_out_decode,
    .port_mod_decode = port_mod_decode,
    .group_mod_decode = ofw_group_mod_decode,
    .multipart_decode = multipart_decode,
    .async_decode = ofw_async_decode,
    .error_encode = error_encode,
    .features_encode = features_encode,
    .packet_in_encode = packet_in_encode,
    .flow_removed_encode = flow_removed_encode,
    .port_status_encode = port_status_encode,
    .async_encode = ofw_async_encode,
    .multipart_begin = multipart_begin,
    .flow_stats_encode = flow_stats_encode,
    .flow_short_encode = nx10_flow_stats_encode,
    .aggregate_encode = ofw_aggregate_encode,
    .table_stats_encode = table_stats_encode,
    .port_stats_encode = port_stats_encode,
    .port_desc_encode = of10_port_encode,
    .group_desc_encode = ofw_group_desc_encode,
};
