/* lacp/pdu.c: see pdu.h. */
#include "lacp/pdu.h"

#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"

enum { TLV_ACTOR = 1, TLV_PARTNER = 2, TLV_COLLECTOR = 3, TLV_TERMINATOR = 0 };
enum { TLV_PORT_ALGORITHM = 4 };
enum { INFO_LEN = 20, COLLECTOR_LEN = 16, PORT_ALGORITHM_LEN = 6, MARKER_LEN = 16 };

static void read_info(struct reader *r, struct lacp_info *out)
{
    read_skip(r, 1); /* TLV type: not validated */
    r->bad |= read_u8(r) != INFO_LEN;
    out->system_priority = read_u16(r);
    read_into(r, &out->system, sizeof out->system);
    out->key = read_u16(r);
    out->port_priority = read_u16(r);
    out->port = read_u16(r);
    out->state = read_u8(r);
    read_skip(r, 3);
}

/* 6.4.2.4: from version 2 on TLVs follow, up to a terminator. */
static void read_tail(struct reader r, struct lacp_pdu *out)
{
    while (!r.bad && r.left >= 2) {
        uint8_t type = read_u8(&r), len = read_u8(&r);
        if (type == TLV_TERMINATOR || len < 2)
            return;
        struct reader v = read_sub(&r, len - 2u);
        if (type == TLV_PORT_ALGORITHM && len == PORT_ALGORITHM_LEN && !v.bad) {
            out->has_algorithm = true;
            out->algorithm = read_u32(&v);
        } else if (!v.bad) {
            out->unknown_tlvs++;
        }
    }
}

int lacp_pdu_read(const void *pdu, size_t len, struct lacp_pdu *out)
{
    struct reader r = reader_of(pdu, len);
    *out = (struct lacp_pdu){0};
    read_skip(&r, 1); /* subtype */
    out->version = read_u8(&r);
    read_info(&r, &out->actor);
    read_info(&r, &out->partner);
    read_skip(&r, 1);
    r.bad |= read_u8(&r) != COLLECTOR_LEN;
    out->max_delay = read_u16(&r);
    read_skip(&r, 12);
    if (r.bad || len < LACP_PDU_LEN)
        return -EPROTO;
    if (out->version >= 2)
        read_tail(r, out);
    return 0;
}

static void write_info(struct writer *w, uint8_t type, const struct lacp_info *i)
{
    write_u8(w, type);
    write_u8(w, INFO_LEN);
    write_u16(w, i->system_priority);
    write_bytes(w, &i->system, sizeof i->system);
    write_u16(w, i->key);
    write_u16(w, i->port_priority);
    write_u16(w, i->port);
    write_u8(w, i->state);
    write_zeros(w, 3);
}

void lacp_pdu_write(const struct lacp_pdu *p, uint8_t out[LACP_PDU_LEN])
{
    struct writer w = writer_of(out, LACP_PDU_LEN);
    write_u8(&w, LACP_SUBTYPE);
    write_u8(&w, 1);
    write_info(&w, TLV_ACTOR, &p->actor);
    write_info(&w, TLV_PARTNER, &p->partner);
    write_u8(&w, TLV_COLLECTOR);
    write_u8(&w, COLLECTOR_LEN);
    write_u16(&w, p->max_delay);
    write_zeros(&w, 12);
    write_zeros(&w, 52); /* terminator: type 0, length 0; reserved */
    weft_assert(!w.bad && w.len == LACP_PDU_LEN);
}

int marker_pdu_read(const void *pdu, size_t len, struct marker_pdu *out)
{
    struct reader r = reader_of(pdu, len);
    *out = (struct marker_pdu){0};
    read_skip(&r, 2); /* subtype, version */
    out->type = read_u8(&r);
    r.bad |= read_u8(&r) != MARKER_LEN;
    out->port = read_u16(&r);
    read_into(&r, &out->system, sizeof out->system);
    out->transaction = read_u32(&r);
    if (r.bad || len < LACP_PDU_LEN)
        return -EPROTO;
    return out->type == MARKER_INFORMATION || out->type == MARKER_RESPONSE ? 0 : -EPROTO;
}

void marker_pdu_write(const struct marker_pdu *p, uint8_t out[LACP_PDU_LEN])
{
    struct writer w = writer_of(out, LACP_PDU_LEN);
    write_u8(&w, LACP_SUBTYPE_MARKER);
    write_u8(&w, 1);
    write_u8(&w, p->type);
    write_u8(&w, MARKER_LEN);
    write_u16(&w, p->port);
    write_bytes(&w, &p->system, sizeof p->system);
    write_u32(&w, p->transaction);
    write_zeros(&w, 2);
    write_zeros(&w, 92); /* terminator and reserved */
    weft_assert(!w.bad && w.len == LACP_PDU_LEN);
}
