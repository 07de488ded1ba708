/* tests/unit/fake_session.h: one OpenFlow session against a host of a few lines: bytes in, bytes
 * out.
 *
 * up() makes a session that has said hello; send_type() hands it a message and cuts what it answers
 * into b.seen[]; stop() ends it.
 */
#ifndef WEFT_TESTS_UNIT_FAKE_SESSION_H
#define WEFT_TESTS_UNIT_FAKE_SESSION_H

#include "ofproto/session/session.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEN_MAX = 4096 };

struct seen { /* a message that the session sent */
    struct ofw_header h;
    const uint8_t *body;
    size_t len;
};

struct bench {
    struct ofm *m;
    struct ofs *s;
    uint32_t next_counter;
    unsigned commits, packet_outs, released, demotes;
    struct ofs_election election;
    size_t bundle_bytes;
    unsigned flows_at_commit;
    uint8_t sent[8 << 20];
    size_t sent_len;
    struct seen seen[SEEN_MAX];
    unsigned n;
};

static struct bench b;

static uint32_t counter_get(void *ctx)
{
    (void)ctx;
    return b.next_counter++;
}
static void counter_put(void *ctx, uint32_t id)
{
    (void)ctx;
    (void)id;
}
static void counter_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    (void)ctx;
    (void)id;
    *packets = 2;
    *bytes = 128;
    *used = 0;
}

static void features(void *ctx, struct ofw_features *out)
{
    (void)ctx;
    *out = (struct ofw_features){.datapath_id = 0xb0, .n_buffers = 256, .n_tables = 254};
}
static void desc(void *ctx, struct ofw_desc *out)
{
    (void)ctx;
    snprintf(out->mfr, sizeof out->mfr, "weft");
}
static size_t ports(void *ctx, struct ofw_port *out, size_t max)
{
    (void)ctx;
    for (uint32_t i = 0; i < 3 && i < max; i++)
        out[i] = (struct ofw_port){.no = i + 1};
    return 3;
}
static bool port_exists(void *ctx, uint32_t no)
{
    (void)ctx;
    return no >= 1 && no <= 3;
}
static bool port_stats(void *ctx, uint32_t no, struct ofw_port_stats *out)
{
    out->rx_packets = no;
    return port_exists(ctx, no);
}
static void table_stats(void *ctx, uint8_t table, uint64_t *lookups, uint64_t *matches)
{
    (void)ctx;
    *lookups = table;
    *matches = 0;
}
static int port_mod(void *ctx, const struct ofw_port_mod *m, struct ofw_error *e)
{
    (void)ctx;
    (void)m;
    *e = (struct ofw_error){OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT, "none"};
    return -1;
}
static int packet_out(void *ctx, const struct ofw_packet_out *p, struct ofw_error *e)
{
    (void)ctx;
    (void)p;
    (void)e;
    b.packet_outs++;
    return 0;
}
static int buffer_release(void *ctx, uint32_t buffer_id, struct ofw_error *e)
{
    (void)ctx;
    assert_false(ofm_is_dirty(b.m)); /* committed before */
    b.released = buffer_id;
    if (buffer_id != 99)
        return 0;
    *e = (struct ofw_error){OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN, "none"};
    return -1;
}
static void commit(void *ctx)
{
    uint64_t ignored[4];
    (void)ctx;
    ofm_take_dirty(b.m, ignored);
    b.commits++;
    b.flows_at_commit = ofm_flow_count(b.m);
}

static void demote(void *ctx, const struct ofs *master)
{
    (void)ctx;
    assert_ptr_equal(master, b.s);
    b.demotes++;
}

static void start_with(struct ofs_options o)
{
    struct ofm_counters c = {NULL, counter_get, counter_put, counter_read};
    memset(&b, 0, sizeof b);
    b.m = ofm_create(1000000, &c);
    struct ofs_host host = {.model = b.m,
                            .features = features,
                            .desc = desc,
                            .ports = ports,
                            .port_exists = port_exists,
                            .port_stats = port_stats,
                            .table_stats = table_stats,
                            .port_mod = port_mod,
                            .packet_out = packet_out,
                            .buffer_release = buffer_release,
                            .commit = commit,
                            .election = &b.election,
                            .bundle_bytes = &b.bundle_bytes,
                            .demote = demote};
    b.s = ofs_create(&host, &o, 0);
    assert_non_null(b.s);
}

static void stop(void)
{
    ofs_free(b.s);
    ofm_free(b.m);
}

/* Takes what the session has to send, `piece` bytes at a time, and cuts it into messages. */
static void drain(size_t piece)
{
    size_t n, at = 0;
    const void *p;
    b.sent_len = b.n = 0;
    while ((p = ofs_out(b.s, &n))) {
        n = n < piece ? n : piece;
        assert_true(b.sent_len + n <= sizeof b.sent);
        memcpy(b.sent + b.sent_len, p, n);
        b.sent_len += n;
        ofs_sent(b.s, n);
    }
    while (at < b.sent_len) {
        struct seen *seen = &b.seen[b.n++];
        assert_true(b.n <= SEEN_MAX && b.sent_len - at >= OF_HEADER_BYTES);
        seen->h = ofw_header_decode(b.sent + at);
        assert_true(seen->h.length >= 8 && seen->h.length <= b.sent_len - at);
        seen->body = b.sent + at + OF_HEADER_BYTES;
        seen->len = seen->h.length - (size_t)OF_HEADER_BYTES;
        at += seen->h.length;
    }
}

static uint16_t u16_at(const struct seen *m, size_t at)
{
    assert_true(at + 2 <= m->len);
    return (uint16_t)(m->body[at] << 8 | m->body[at + 1]);
}

static void send_raw(uint8_t version, uint8_t type, uint32_t xid, const void *body, size_t n)
{
    uint8_t m[4096];
    struct writer w = writer_of(m, sizeof m);
    write_u8(&w, version);
    write_u8(&w, type);
    write_u16(&w, (uint16_t)(OF_HEADER_BYTES + n));
    write_u32(&w, xid);
    if (n)
        write_bytes(&w, body, n);
    assert_false(w.bad);
    (void)ofs_rx(b.s, m, w.len, 1);
    drain(SIZE_MAX);
}

__attribute__((unused)) static void send_type(uint8_t type, const void *body, size_t n)
{
    send_raw(OF13_VERSION, type, 77, body, n);
}

__attribute__((unused)) static void expect_error(uint16_t type, uint16_t code)
{
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_ERROR);
    assert_int_equal(b.seen[0].h.xid, 77);
    assert_int_equal(u16_at(&b.seen[0], 0), type);
    assert_int_equal(u16_at(&b.seen[0], 2), code);
}

__attribute__((unused)) static void up(void)
{
    start_with((struct ofs_options){0});
    drain(SIZE_MAX);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.seen[0].h.type, OFPT_HELLO);
    send_raw(OF13_VERSION, OFPT_HELLO, 1, NULL, 0);
    assert_int_equal(ofs_state(b.s), OFS_UP);
    assert_int_equal(b.n, 0);
}

#endif
