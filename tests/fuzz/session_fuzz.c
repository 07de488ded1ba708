/* A session after its hello, against a real model: any stream, in pieces of any size. Every byte
 * that comes out belongs to a whole message. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ofproto/session/session.h"

static void demote(void *ctx, const struct ofs *master) { (void)ctx, (void)master; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t counter_get(void *ctx)
{
    (void)ctx;
    return 1;
}
static void counter_put(void *ctx, uint32_t id)
{
    (void)ctx;
    weft_assert(id == 1);
}
static void counter_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    (void)ctx;
    (void)id;
    *packets = *bytes = 1;
    *used = 0;
}
static void features(void *ctx, struct ofw_features *out)
{
    (void)ctx;
    out->n_tables = 254;
}
static void desc(void *ctx, struct ofw_desc *out)
{
    (void)ctx;
    memset(out, 0, sizeof *out);
}
static size_t ports(void *ctx, struct ofw_port *out, size_t max)
{
    (void)ctx;
    for (uint32_t i = 0; i < 2 && i < max; i++)
        out[i].no = i + 1;
    return 2;
}
static bool port_exists(void *ctx, uint32_t no)
{
    (void)ctx;
    return no - 1 < 2;
}
static bool port_stats(void *ctx, uint32_t no, struct ofw_port_stats *out)
{
    out->rx_bytes = no;
    return port_exists(ctx, no);
}
static void table_stats(void *ctx, uint8_t table, uint64_t *lookups, uint64_t *matches)
{
    (void)ctx;
    *lookups = *matches = table;
}
static int port_mod(void *ctx, const struct ofw_port_mod *m, struct ofw_error *e)
{
    (void)ctx;
    (void)m;
    (void)e;
    return 0;
}
/* Reads all that it is given, for the sanitizer to see. */
static int packet_out(void *ctx, const struct ofw_packet_out *p, struct ofw_error *e)
{
    uint8_t sum = 0;
    (void)ctx;
    for (unsigned i = 0; i < p->actions.n; i++)
        sum ^= p->actions.a[i].value[15];
    for (unsigned i = 0; i < p->data_len; i++)
        sum ^= p->data[i];
    *e = (struct ofw_error){OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN, NULL};
    return sum == 7 ? -1 : 0;
}
static int buffer_release(void *ctx, uint32_t buffer_id, struct ofw_error *e)
{
    (void)ctx;
    *e = (struct ofw_error){OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY, NULL};
    return buffer_id & 1 ? -1 : 0;
}
static void commit(void *ctx) { (void)ctx; }

/* Whole messages so far? carry: bytes of the current one that are still to come, and its header. */
struct framing {
    uint8_t header[OF_HEADER_BYTES];
    size_t have, left;
    uint8_t version;
};

static void check(struct framing *f, const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t take = f->left < n ? f->left : n;
        f->left -= take;
        p += take;
        n -= take;
        if (f->left || !n)
            continue;
        f->header[f->have++] = *p++;
        n--;
        if (f->have < OF_HEADER_BYTES)
            continue;
        struct ofw_header h = ofw_header_decode(f->header);
        weft_assert(h.length >= OF_HEADER_BYTES && h.version == f->version);
        f->left = h.length - (size_t)OF_HEADER_BYTES;
        f->have = 0;
    }
}

static void drain(struct ofs *s, struct framing *f, size_t piece)
{
    size_t n;
    const void *p;
    while ((p = ofs_out(s, &n))) {
        n = n < piece ? n : piece;
        check(f, p, n);
        ofs_sent(s, n);
    }
}

/* Ours is of the highest version that we speak. */
static void drain_hello(struct ofs *s)
{
    size_t n;
    const void *p = ofs_out(s, &n);
    weft_assert(p && n == 16);
    ofs_sent(s, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ofm_counters c = {NULL, counter_get, counter_put, counter_read};
    struct ofs_options o = {.max_backlog = 100000};
    struct framing f = {.left = 0};
    struct ofw_flow_removed removed;
    struct ofs_election election = {0};
    size_t bundle_bytes = 0;
    struct ofs_host host = {.model = ofm_create(100, &c),
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
                            .election = &election,
                            .bundle_bytes = &bundle_bytes,
                            .demote = demote};
    struct ofs *s = ofs_create(&host, &o, 0);
    if (size < 1)
        goto out;
    size_t piece = 1 + data[0] * 16u, at = 1;
    nsec_t now = 0;
    /* Most seeds are 1.3's; the first byte picks the version, too. */
    f.version = data[0] % 8 == 6 ? 1 : data[0] % 8 == 7 ? 5 : data[0] % 8 == 5 ? 6 : OF13_VERSION;
    uint8_t hello[8] = {f.version, 0, 0, 8, 0, 0, 0, 1};
    drain_hello(s);
    (void)ofs_rx(s, hello, sizeof hello, now);
    while (at < size && ofs_state(s) == OFS_UP) {
        size_t n = size - at < piece ? size - at : piece;
        (void)ofs_rx(s, data + at, n, ++now);
        at += n;
        ofm_tick(host.model, now * NSEC_PER_SEC);
        while (ofm_removed(host.model, &removed))
            ofs_flow_removed(s, &removed);
        if (!ofs_wants_rx(s) || at % 3 == 0)
            drain(s, &f, 7000);
    }
    drain(s, &f, 100000);
    weft_assert(f.left == 0 && f.have == 0);
out:
    ofs_free(s);
    weft_assert(bundle_bytes == 0);
    ofm_free(host.model);
    return 0;
}
