/* Two ports of a LACP system: any PDUs, link changes and hours in any order. The machines come to
 * rest after each call, a PDU read and written again says the same, and no more leaves than is
 * allowed. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "lacp/pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sent {
    nsec_t at[16]; /* the last PDUs of a port */
    unsigned n;
};

static void drain(struct lacp *l, struct sent sent[2], nsec_t now)
{
    struct lacp_action a;
    struct lacp_pdu p;
    unsigned n = 0;
    while (lacp_poll(l, &a)) {
        weft_assert(++n < 100);
        weft_assert(a.kind != LACP_ACT_GATE || !a.distributing || a.collecting);
        if (a.kind != LACP_ACT_SEND || a.pdu[0] != LACP_SUBTYPE)
            continue;
        weft_assert(lacp_pdu_read(a.pdu, sizeof a.pdu, &p) == 0);
        struct sent *s = &sent[a.port];
        weft_assert(s->n < 3 || now - s->at[(s->n - 3) % 16] >= LACP_FAST_NS);
        s->at[s->n++ % 16] = now;
    }
    weft_assert(lacp_at_rest(l));
}

static void round_trip(const uint8_t *b, size_t len)
{
    struct lacp_pdu p, q;
    uint8_t again[LACP_PDU_LEN];
    if (lacp_pdu_read(b, len, &p) != 0)
        return;
    lacp_pdu_write(&p, again);
    weft_assert(lacp_pdu_read(again, sizeof again, &q) == 0);
    weft_assert(memcmp(&p.actor, &q.actor, sizeof p.actor) == 0);
    weft_assert(memcmp(&p.partner, &q.partner, sizeof p.partner) == 0);
}

/* What the partner must say of us to be believed: the fuzzer can't guess our address. */
static void know_us(const struct lacp *l, unsigned port, uint8_t b[LACP_PDU_LEN])
{
    struct lacp_port_status s;
    struct lacp_pdu p;
    if (!lacp_port_status(l, port, &s) || lacp_pdu_read(b, LACP_PDU_LEN, &p) != 0)
        return;
    p.partner = s.actor;
    lacp_pdu_write(&p, b);
}

static void one(struct lacp *l, struct reader *r, nsec_t *now)
{
    uint8_t op = read_u8(r), arg = read_u8(r);
    unsigned port = op >> 7;
    uint8_t b[LACP_PDU_LEN + 20];
    struct lacp_link link = {arg & 1, arg & 2, arg & 4 ? 1000 : 10000};
    size_t n = arg % sizeof b;
    switch (op & 7) {
    case 0:
        lacp_link(l, port, &link, *now);
        return;
    case 1:
        *now += (nsec_t)arg * 50 * NSEC_PER_MSEC;
        lacp_tick(l, *now);
        return;
    case 2:
        (void)lacp_marker(l, port, *now);
        return;
    default:
        n = op & 8 ? LACP_PDU_LEN : n;
        read_into(r, b, n);
        round_trip(b, n);
        if ((op & 16) && n == LACP_PDU_LEN)
            know_us(l, port, b);
        (void)lacp_rx(l, port, b, n, *now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint8_t how = read_u8(&r);
    struct lacp_config c = {{{2, 0, 0, 0, 0, 1}}, 32768, 2, 2};
    struct lacp_agg_config a = {1, how >> 5 & 1, how & 1, 0};
    struct sent sent[2] = {0};
    struct lacp *l;
    nsec_t now = NSEC_PER_SEC;
    if (lacp_create(&c, now, &l, NULL) != 0)
        return 0;
    (void)lacp_agg_set(l, 0, &a, now, NULL);
    for (uint16_t i = 0; i < 2; i++) {
        struct lacp_port_config p = {(uint16_t)(i + 1), 1, 1, how & 2, how & 4, how & 8, how & 16};
        struct lacp_link up = {true, true, 10000};
        (void)lacp_port_set(l, i, &p, now, NULL);
        lacp_link(l, i, &up, now);
    }
    while (!r.bad && r.left > 1) {
        one(l, &r, &now);
        drain(l, sent, now);
    }
    lacp_free(l);
    return 0;
}
