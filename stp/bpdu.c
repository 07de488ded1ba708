/* stp/bpdu.c: see bpdu.h. Octet counts are those of 14.4's figures. */
#include "stp/bpdu.h"

#include <errno.h>

#include "base/bytes.h"

enum {
    TYPE_CONFIG = 0x00,
    TYPE_RST = 0x02,
    TYPE_TCN = 0x80,
    LEN_TCN = 4,
    LEN_CONFIG = 35,
    LEN_RST = 36,
    LEN_MST = 102, /* without MSTIs */
    LEN_V3 = 64,   /* Version 3 Length without MSTIs */
    LEN_MSTI = 16,
};

/* 1/256 s to whole seconds, to the nearest (13.29.32 counts so); what can't be said is 255. */
static uint8_t read_seconds(struct reader *r)
{
    unsigned s = (read_u16(r) + 128u) / 256u;
    return s > 255 ? 255 : (uint8_t)s;
}

static void write_seconds(struct writer *w, uint8_t s) { write_u16(w, (uint16_t)(s << 8)); }

static void read_priority(struct reader *r, struct bpdu *b)
{
    b->flags = read_u8(r);
    b->root = read_u64(r);
    b->ext_cost = read_u32(r);
    b->regional = read_u64(r);
    b->port = read_u16(r);
    b->times.message_age = read_seconds(r);
    b->times.max_age = read_seconds(r);
    b->times.hello = read_seconds(r);
    b->times.forward_delay = read_seconds(r);
}

static void write_priority(struct writer *w, const struct bpdu *b)
{
    write_u8(w, b->flags);
    write_u64(w, b->root);
    write_u32(w, b->ext_cost);
    write_u64(w, b->regional);
    write_u16(w, b->port);
    write_seconds(w, b->times.message_age);
    write_seconds(w, b->times.max_age);
    write_seconds(w, b->times.hello);
    write_seconds(w, b->times.forward_delay);
}

static void read_msti(struct reader *r, struct bpdu_msti *m)
{
    m->flags = read_u8(r);
    m->regional = read_u64(r);
    m->int_cost = read_u32(r);
    m->bridge_priority = read_u8(r);
    m->port_priority = read_u8(r);
    m->hops = read_u8(r);
}

static void write_msti(struct writer *w, const struct bpdu_msti *m)
{
    write_u8(w, m->flags);
    write_u64(w, m->regional);
    write_u32(w, m->int_cost);
    write_u8(w, m->bridge_priority);
    write_u8(w, m->port_priority);
    write_u8(w, m->hops);
}

/* What an MST BPDU has beyond an RST BPDU. False: 14.4 g) says to take it as an RST BPDU. */
static bool read_mst(struct reader *r, struct bpdu *b)
{
    uint8_t v1 = read_u8(r);
    uint16_t v3 = read_u16(r);
    if (r->bad || v1 != 0 || v3 < LEN_V3 || (v3 - LEN_V3) % LEN_MSTI != 0 ||
        (v3 - LEN_V3) / LEN_MSTI > STP_MSTIS_MAX || r->left < v3)
        return false;
    uint8_t selector = read_u8(r);
    read_into(r, b->region.name, sizeof b->region.name);
    b->region.revision = read_u16(r);
    read_into(r, b->region.digest, sizeof b->region.digest);
    b->int_cost = read_u32(r);
    b->bridge = read_u64(r);
    b->times.hops = read_u8(r);
    b->n_mstis = (v3 - LEN_V3) / LEN_MSTI;
    for (unsigned i = 0; i < b->n_mstis; i++)
        read_msti(r, &b->msti[i]);
    if (selector != 0) /* a region of another kind is another region */
        memset(&b->region, 0xff, sizeof b->region);
    return true;
}

static void write_mst(struct writer *w, const struct bpdu *b)
{
    write_u8(w, 0);
    write_u16(w, (uint16_t)(LEN_V3 + LEN_MSTI * b->n_mstis));
    write_u8(w, 0);
    write_bytes(w, b->region.name, sizeof b->region.name);
    write_u16(w, b->region.revision);
    write_bytes(w, b->region.digest, sizeof b->region.digest);
    write_u32(w, b->int_cost);
    write_u64(w, b->bridge);
    write_u8(w, b->times.hops);
    for (unsigned i = 0; i < b->n_mstis; i++)
        write_msti(w, &b->msti[i]);
}

int bpdu_decode(const void *pdu, size_t len, struct bpdu *b)
{
    struct reader r = reader_of(pdu, len);
    *b = (struct bpdu){0};
    uint16_t protocol = read_u16(&r);
    uint8_t version = read_u8(&r), type = read_u8(&r);
    if (r.bad || protocol != 0)
        return -EPROTO;
    if (type == TYPE_TCN) {
        b->kind = BPDU_TCN;
        return 0;
    }
    if (type == TYPE_CONFIG && len >= LEN_CONFIG) {
        b->kind = BPDU_CONFIG;
        read_priority(&r, b);
        return b->times.message_age < b->times.max_age ? 0 : -EPROTO;
    }
    if (type != TYPE_RST || version < STP_VERSION_RSTP || len < LEN_RST)
        return -EPROTO;
    b->kind = BPDU_RST;
    read_priority(&r, b);
    if (version >= STP_VERSION_MSTP && len >= LEN_MST && read_mst(&r, b))
        b->kind = BPDU_MST;
    return 0;
}

size_t bpdu_encode(const struct bpdu *b, uint8_t pdu[STP_PDU_MAX])
{
    static const uint8_t version[] =
        {[BPDU_CONFIG] = 0, [BPDU_TCN] = 0, [BPDU_RST] = 2, [BPDU_MST] = 3};
    static const uint8_t type[] = {[BPDU_CONFIG] = TYPE_CONFIG,
                                   [BPDU_TCN] = TYPE_TCN,
                                   [BPDU_RST] = TYPE_RST,
                                   [BPDU_MST] = TYPE_RST};
    struct writer w = writer_of(pdu, STP_PDU_MAX);
    write_u16(&w, 0);
    write_u8(&w, version[b->kind]);
    write_u8(&w, type[b->kind]);
    if (b->kind != BPDU_TCN)
        write_priority(&w, b);
    if (b->kind == BPDU_RST)
        write_u8(&w, 0); /* Version 1 Length */
    if (b->kind == BPDU_MST)
        write_mst(&w, b);
    return w.len;
}
