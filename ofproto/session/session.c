/* Bytes in and out, negotiation, liveness. */
#include "ofproto/session/session.h"

#include "base/assert.h"
#include "ofproto/session/priv.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEEP_BYTES = 1 << 20 };
enum { ARENA_ACTIONS = OF_MESSAGE_MAX / 8, PACKET_IN_OVERHEAD = 256 };

/* ---- byte queues ---- */

/* Room for n more. */
static bool bytes_reserve(struct bytes *b, size_t n)
{
    if (b->cap - b->to >= n)
        return true;
    size_t have = b->to - b->from, cap = b->cap ? b->cap : 4096;
    while (cap - have < n)
        cap *= 2;
    if (b->from && cap == b->cap) {
        memmove(b->p, b->p + b->from, have);
    } else {
        uint8_t *p = malloc(cap);
        if (!p)
            return false;
        if (have)
            memcpy(p, b->p + b->from, have);
        free(b->p);
        b->p = p;
        b->cap = cap;
    }
    b->from = 0;
    b->to = have;
    return true;
}

static void bytes_take(struct bytes *b, size_t n)
{
    weft_assert(n <= b->to - b->from);
    b->from += n;
    if (b->from != b->to)
        return;
    b->from = b->to = 0;
    if (b->cap <= KEEP_BYTES)
        return;
    free(b->p); /* what a flood needed is given back */
    *b = (struct bytes){0};
}

/* ---- output ---- */

size_t session_backlog(const struct ofs *s) { return s->out.to - s->out.from; }

struct writer session_writer(struct ofs *s)
{
    if (!bytes_reserve(&s->out, OF_MESSAGE_MAX)) {
        session_close(s, "out of memory");
        return writer_of(NULL, 0);
    }
    return writer_of(s->out.p + s->out.to, OF_MESSAGE_MAX);
}

void session_written(struct ofs *s, const struct writer *w)
{
    if (w->bad)
        return;
    if (s->version)
        ofw_codec_sign(s->codec, w->buf);
    s->out.to += w->len;
    s->counters.tx_messages++;
}

void session_close(struct ofs *s, const char *why)
{
    s->state = OFS_CLOSED;
    s->dump.active = false;
    snprintf(s->why, sizeof s->why, "%s", why);
}

void session_error(struct ofs *s, const struct message *m, const struct ofw_error *e)
{
    struct writer w = session_writer(s);
    s->codec->error_encode(&w, m->h.xid, e, m->bytes, m->h.length);
    session_written(s, &w);
    s->counters.errors_sent++;
    snprintf(s->why, sizeof s->why, "%s refused: %s%s%s", ofw_type_name(m->h.type),
             ofw_error_name(e->type, e->code), e->why ? ": " : "", e->why ? e->why : "");
}

void session_commit(struct ofs *s)
{
    if (s->changed)
        s->host.commit(s->host.ctx);
    s->changed = false;
}

/* ---- life ---- */

struct ofs *ofs_create(const struct ofs_host *host, const struct ofs_options *o, nsec_t now)
{
    struct ofs *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->host = *host;
    s->options = o ? *o : (struct ofs_options){0};
    if (!s->options.probe_ns)
        s->options.probe_ns = 5 * NSEC_PER_SEC;
    if (!s->options.max_backlog)
        s->options.max_backlog = 1 << 20;
    s->codec = &of13_codec;
    s->config.miss_send_len = 128;
    s->role = OFPCR_EQUAL;
    s->async = role_async_default;
    s->now = s->alive_ns = now;
    s->arena.cap = ARENA_ACTIONS;
    s->arena.a = malloc(ARENA_ACTIONS * sizeof s->arena.a[0]);
    struct writer w = session_writer(s);
    if (!s->arena.a || s->state == OFS_CLOSED) {
        ofs_free(s);
        return NULL;
    }
    ofw_hello_encode(&w, ++s->last_xid, ofw_codec_versions());
    session_written(s, &w);
    return s;
}

void ofs_free(struct ofs *s)
{
    if (!s)
        return;
    bundle_free_all(s);
    free(s->in.p);
    free(s->out.p);
    free(s->arena.a);
    free(s);
}

/* ---- negotiation: 1.3.5, 6.3.1 ---- */

static void hello_failed(struct ofs *s, const struct message *m, const char *text)
{
    struct ofw_error e = {.type = OFPET_HELLO_FAILED, .code = OFPHFC_INCOMPATIBLE, .why = text};
    struct writer w = session_writer(s);
    ofw_error_encode(&w, m->h.xid, &e, text, strlen(text));
    session_written(s, &w);
    s->counters.errors_sent++;
    session_close(s, text);
}

/* The highest that both offer; without a bitmap, the lower of the two versions in the headers. */
static const struct ofw_codec *agree(const struct message *m)
{
    struct ofw_error e;
    uint32_t versions, ours = ofw_codec_versions();
    if (ofw_hello_decode(m->body, m->h.version, &versions, &e) < 0 || !(versions & ours))
        return NULL;
    return ofw_codec((uint8_t)(31 - __builtin_clz(versions & ours)));
}

static void take_hello(struct ofs *s, const struct message *m)
{
    const struct ofw_codec *codec = m->h.type == OFPT_HELLO ? agree(m) : NULL;
    if (m->h.type == OFPT_ERROR) {
        s->counters.errors_received++;
        session_close(s, "the peer refused our hello: we speak OpenFlow 1.0, 1.3, 1.4, 1.5");
    } else if (m->h.type != OFPT_HELLO) {
        hello_failed(s, m, "expected a hello first");
    } else if (!codec) {
        hello_failed(s, m, "no version in common: we speak OpenFlow 1.0, 1.3, 1.4, 1.5");
    } else {
        s->codec = codec;
        s->version = codec->version;
        s->state = OFS_UP;
    }
}

/* ---- input ---- */

static void take_message(struct ofs *s, const struct message *m)
{
    struct ofw_error e = {0};
    s->counters.rx_messages++;
    if (s->state == OFS_HELLO) {
        take_hello(s, m);
        return;
    }
    if (m->h.type == OFPT_HELLO)
        return;
    if (m->h.version != s->version)
        session_refuse(&e, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION, "not the version agreed on");
    else if (handle_message(s, m, &e) == 0)
        return;
    session_error(s, m, &e);
}

struct message session_message(const struct ofs *s, const uint8_t *bytes)
{
    struct message m = {.bytes = bytes, .h = ofw_header_decode(bytes)};
    m.h.type = ofw_codec_type(s->codec, m.h.type);
    m.body = reader_of(bytes + OF_HEADER_BYTES, m.h.length - (size_t)OF_HEADER_BYTES);
    return m;
}

static bool is_busy(const struct ofs *s)
{
    return s->dump.active || session_backlog(s) > s->options.max_backlog;
}

/* Takes the next whole message; false: none, or none now. */
static bool take_next(struct ofs *s)
{
    size_t have = s->in.to - s->in.from;
    if (s->state == OFS_CLOSED || is_busy(s) || have < OF_HEADER_BYTES)
        return false;
    const uint8_t *bytes = s->in.p + s->in.from;
    struct ofw_header h = ofw_header_decode(bytes);
    if (h.length < OF_HEADER_BYTES) {
        session_close(s, "a message shorter than its header: the stream is out of step");
        return false;
    }
    if (have < h.length)
        return false;
    struct message m = session_message(s, bytes);
    take_message(s, &m);
    bytes_take(&s->in, h.length);
    return true;
}

/* Everything that can be taken; then its changes become visible. */
static void take_all(struct ofs *s)
{
    while (take_next(s))
        ;
    session_commit(s);
}

int ofs_rx(struct ofs *s, const void *bytes, size_t n, nsec_t now)
{
    if (s->state == OFS_CLOSED)
        return -1;
    s->now = now;
    if (n > 0) {
        s->alive_ns = now;
        s->probing = false;
        if (!bytes_reserve(&s->in, n)) {
            session_close(s, "out of memory");
            return -1;
        }
        memcpy(s->in.p + s->in.to, bytes, n);
        s->in.to += n;
    }
    take_all(s);
    return s->state == OFS_CLOSED ? -1 : 0;
}

bool ofs_wants_rx(const struct ofs *s) { return s->state != OFS_CLOSED && !is_busy(s); }

const void *ofs_out(const struct ofs *s, size_t *n)
{
    *n = session_backlog(s);
    return *n ? s->out.p + s->out.from : NULL;
}

/* Room again: a dump goes on, and what has come meanwhile. */
void ofs_sent(struct ofs *s, size_t n)
{
    bytes_take(&s->out, n);
    s->progress = true;
    if (s->state == OFS_CLOSED)
        return;
    multipart_continue(s);
    take_all(s);
}

/* ---- liveness ---- */

static void send_probe(struct ofs *s)
{
    struct writer w = session_writer(s);
    ofw_simple_encode(&w, OFPT_ECHO_REQUEST, ++s->last_xid, NULL, 0);
    session_written(s, &w);
    s->probing = true;
    s->probed_ns = s->now;
}

static nsec_t liveness_deadline(const struct ofs *s)
{
    if (s->state == OFS_HELLO)
        return s->alive_ns + 2 * s->options.probe_ns;
    return (s->probing ? s->probed_ns : s->alive_ns) + s->options.probe_ns;
}

int ofs_tick(struct ofs *s, nsec_t now)
{
    s->now = now;
    if (s->state == OFS_CLOSED)
        return -1;
    if (s->progress && !ofs_wants_rx(s)) { /* we don't listen, but the peer does */
        s->alive_ns = now;
        s->probing = false;
    }
    s->progress = false;
    bundle_expire(s);
    if (now < liveness_deadline(s))
        return 0;
    if (s->state == OFS_HELLO)
        session_close(s, "no hello from the peer");
    else if (s->probing)
        session_close(s, "no answer to an echo request");
    else
        send_probe(s);
    return s->state == OFS_CLOSED ? -1 : 0;
}

nsec_t ofs_deadline(const struct ofs *s)
{
    if (s->state == OFS_CLOSED)
        return 0;
    nsec_t alive = liveness_deadline(s), bundle = bundle_deadline(s);
    return alive < bundle ? alive : bundle;
}

/* ---- asynchronous messages ---- */

bool ofs_wants_packet_in(const struct ofs *s, uint8_t reason)
{
    return s->state == OFS_UP && role_wants(s, s->async.packet_in, reason);
}

void ofs_time(struct ofs *s, nsec_t now) { s->now = now; }

/* A bucket of `burst` packets, which fills at `rate` a second. */
static bool is_within_rate(struct ofs *s, uint8_t reason)
{
    uint64_t rate = s->options.packet_in_rate, burst = s->options.packet_in_burst;
    struct bucket *b = &s->packet_in[reason % PACKET_IN_REASONS];
    if (!rate)
        return true;
    uint64_t back = (uint64_t)(s->now - b->since) * rate / (uint64_t)NSEC_PER_SEC;
    b->since += (nsec_t)(back * (uint64_t)NSEC_PER_SEC / rate);
    b->spent -= back < b->spent ? back : b->spent;
    if (b->spent == 0)
        b->since = s->now;
    if (b->spent >= (burst ? burst : rate))
        return false;
    b->spent++;
    return true;
}

void ofs_packet_in(struct ofs *s, const struct ofw_packet_in *p)
{
    if (!ofs_wants_packet_in(s, p->reason))
        return;
    if (!is_within_rate(s, p->reason)) {
        s->counters.packet_ins_limited++;
        return;
    }
    if (session_backlog(s) + p->data_len + PACKET_IN_OVERHEAD > s->options.max_backlog) {
        s->counters.packet_ins_dropped++;
        return;
    }
    struct writer w = session_writer(s);
    s->codec->packet_in_encode(&w, 0, p);
    session_written(s, &w);
    s->counters.packet_ins++;
}

/* News that a peer doesn't take can't be kept for ever. */
static bool has_room(struct ofs *s)
{
    if (session_backlog(s) < (size_t)WEFT_NEWS_BYTES)
        return true;
    s->counters.news_dropped++;
    return false;
}

void ofs_flow_removed(struct ofs *s, const struct ofw_flow_removed *f)
{
    if (s->state != OFS_UP || !role_wants(s, s->async.flow_removed, f->reason) || !has_room(s))
        return;
    struct writer w = session_writer(s);
    if (s->nxm)
        nx10_flow_removed_encode(&w, 0, f);
    else
        s->codec->flow_removed_encode(&w, 0, f);
    session_written(s, &w);
}

void ofs_port_status(struct ofs *s, uint8_t reason, const struct ofw_port *p)
{
    if (s->state != OFS_UP || !role_wants(s, s->async.port_status, reason) || !has_room(s))
        return;
    struct writer w = session_writer(s);
    s->codec->port_status_encode(&w, 0, reason, p);
    session_written(s, &w);
}

/* ---- what there is to know ---- */

enum ofs_state ofs_state(const struct ofs *s) { return s->state; }
uint8_t ofs_version(const struct ofs *s) { return s->version; }
uint16_t ofs_miss_send_len(const struct ofs *s) { return s->config.miss_send_len; }
struct ofs_counters ofs_counters(const struct ofs *s) { return s->counters; }
const char *ofs_why(const struct ofs *s) { return s->why; }
