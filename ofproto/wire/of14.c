/* OpenFlow 1.4 where its bytes are not 1.3's (1.4.1, 7.2.1, 7.3.4.3, 7.3.5.6, 7.3.10): ports, their
 * statistics and asynchronous configuration have properties; errors know bundles. */
#include "ofproto/wire/bundle.h"
#include "ofproto/wire/of15.h"
#include "ofproto/wire/wire.h"

enum { OFPPDPT_ETHERNET = 0, OFPPMPT_ETHERNET = 0, OFPPSPT_ETHERNET = 0 };
enum { PROPERTY_EXPERIMENTER = 0xffff, ERROR_DATA_BYTES = 64 };

/* Types that 1.4 has no more are none of ours: 22 and 23 are 1.3's queue configuration. */
const uint8_t of14_types[OF14_TYPES] = {
    0,  1,  2,  3,  4,         5,         6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
    18, 19, 20, 21, UINT8_MAX, UINT8_MAX, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34,
};

static int bad_property(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET14_BAD_PROPERTY, code, why);
}

/* The next property: its body in *body. 0: there is none left; -1: it is broken. */
int of14_next_property(struct reader *r, uint16_t *type, struct reader *body, struct ofw_error *e)
{
    if (r->left == 0)
        return 0;
    *type = read_u16(r);
    uint16_t len = read_u16(r);
    if (r->bad || len < 4 || len - 4u > r->left)
        return bad_property(e, OFPBPC_BAD_LEN, "wrong length of a property");
    *body = read_sub(r, len - 4u);
    size_t pad = ofw_round8(len) - len;
    read_skip(r, pad < r->left ? pad : r->left);
    return 1;
}

/* ---- ports ---- */

void of14_port_desc_encode(struct writer *w, const struct ofw_port *p)
{
    size_t at = w->len, name_len = strnlen(p->name, sizeof p->name - 1);
    write_u32(w, p->no);
    write_u16(w, 0);
    write_zeros(w, 2);
    write_bytes(w, &p->hw_addr, sizeof p->hw_addr);
    write_zeros(w, 2);
    write_bytes(w, p->name, name_len);
    write_zeros(w, sizeof p->name - name_len);
    write_u32(w, p->config);
    write_u32(w, p->state);
    write_u16(w, OFPPDPT_ETHERNET);
    write_u16(w, 32);
    write_zeros(w, 4);
    of13_port_speeds_write(w, p);
    write_patch_u16(w, at + 4, (uint16_t)(w->len - at));
}

void of14_port_status_encode(struct writer *w, uint32_t xid, uint8_t reason,
                             const struct ofw_port *p)
{
    size_t at = of13_begin(w, OFPT_PORT_STATUS, xid);
    write_u8(w, reason);
    write_zeros(w, 7);
    of14_port_desc_encode(w, p);
    of13_finish(w, at);
}

int of14_port_mod_decode(struct reader r, struct ofw_port_mod *out, struct ofw_error *e)
{
    const uint32_t known = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN;
    struct reader body;
    uint16_t type;
    int more;
    *out = (struct ofw_port_mod){.no = read_u32(&r)};
    read_skip(&r, 4);
    read_into(&r, &out->hw_addr, sizeof out->hw_addr);
    read_skip(&r, 2);
    out->config = read_u32(&r);
    out->mask = read_u32(&r);
    if (r.bad)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "port-mod of a wrong length");
    while ((more = of14_next_property(&r, &type, &body, e)) > 0) {
        if (type != OFPPMPT_ETHERNET)
            return bad_property(e, OFPBPC_BAD_TYPE, "ports here are Ethernet ports");
        out->advertise = read_u32(&body);
        if (body.bad || body.left)
            return bad_property(e, OFPBPC_BAD_LEN, "wrong length of a property");
    }
    if (more < 0)
        return -1;
    if (out->mask & ~known)
        return ofw_refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG, "unknown OFPPC bits");
    return 0;
}

void of14_port_stats_encode(struct writer *w, const struct ofw_port_stats *s)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_zeros(w, 2);
    write_u32(w, s->no);
    of13_duration_write(w, s->duration_ns);
    of13_port_counters_write(w, s);
    write_u16(w, OFPPSPT_ETHERNET);
    write_u16(w, 40);
    write_zeros(w, 4);
    of13_port_errors_write(w, s);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

/* ---- asynchronous configuration ---- */

/* A property for each kind of message and role: slave before master. */
static uint32_t *async_mask(struct ofw_async *a, uint16_t type)
{
    unsigned slave = type % 2 == 0;
    switch (type / 2) {
    case 0:
        return &a->packet_in[slave];
    case 1:
        return &a->port_status[slave];
    case 2:
        return &a->flow_removed[slave];
    default:
        return NULL; /* role status and what there is none of here */
    }
}

/* What it doesn't name stays. */
int of14_async_decode(struct reader r, struct ofw_async *io, struct ofw_error *e)
{
    struct reader body;
    uint16_t type;
    int more;
    while ((more = of14_next_property(&r, &type, &body, e)) > 0) {
        if (type > 11 && type < 0xfffe)
            return bad_property(e, OFPBPC_BAD_TYPE, "unknown property of asynchronous messages");
        uint32_t *mask = type <= 11 ? async_mask(io, type) : NULL;
        if (type <= 11 && body.left != 4)
            return bad_property(e, OFPBPC_BAD_LEN, "wrong length of a property");
        if (mask)
            *mask = read_u32(&body);
    }
    return more;
}

void of14_async_encode(struct writer *w, uint32_t xid, const struct ofw_async *a)
{
    struct ofw_async copy = *a;
    size_t at = of13_begin(w, OFPT_GET_ASYNC_REPLY, xid);
    for (uint16_t type = 0; type < 6; type++) {
        write_u16(w, type);
        write_u16(w, 8);
        write_u32(w, *async_mask(&copy, type));
    }
    of13_finish(w, at);
}

/* ---- the rest ---- */

void of14_error_encode(struct writer *w, uint32_t xid, const struct ofw_error *e,
                       const void *request, size_t len)
{
    size_t at = of13_begin(w, OFPT_ERROR, xid);
    write_u16(w, e->type);
    write_u16(w, e->code);
    if (len)
        write_bytes(w, request, len < ERROR_DATA_BYTES ? len : ERROR_DATA_BYTES);
    of13_finish(w, at);
}

static size_t begin(struct writer *w, uint32_t xid, uint16_t type, bool nx)
{
    (void)nx;
    return ofw_multipart_begin(w, xid, type);
}

const struct ofw_codec of14_codec = {
    .version = OF14_VERSION,
    .n_types = OF14_TYPES,
    .types = of14_types,
    .flow_mod_decode = ofw_flow_mod_decode, /* importance, where 1.3 has padding */
    .packet_out_decode = ofw_packet_out_decode,
    .port_mod_decode = of14_port_mod_decode,
    .group_mod_decode = ofw_group_mod_decode,
    .multipart_decode = ofw_multipart_decode,
    .async_decode = of14_async_decode,
    .error_encode = of14_error_encode,
    .features_encode = ofw_features_encode,
    .packet_in_encode = ofw_packet_in_encode,
    .flow_removed_encode = ofw_flow_removed_encode,
    .port_status_encode = of14_port_status_encode,
    .async_encode = of14_async_encode,
    .multipart_begin = begin,
    .flow_stats_encode = ofw_flow_stats_encode,
    .aggregate_encode = ofw_aggregate_encode,
    .table_stats_encode = ofw_table_stats_encode,
    .port_stats_encode = of14_port_stats_encode,
    .port_desc_encode = of14_port_desc_encode,
    .group_desc_encode = ofw_group_desc_encode,
};
