/* OFPT_MULTIPART_REQUEST: statistics and descriptions (1.3.5, 7.3.5). */
#include "ofproto/session/priv.h"

#include <stdlib.h>

enum { OFPMPF_REQ_MORE = 1, OFPTFFC_EPERM = 5, MULTIPART_HEADER_BYTES = 8 };

/* ---- replies in as many messages as it takes ---- */

static struct reply begin_as(struct ofs *s, uint32_t xid, uint16_t type, bool nx)
{
    struct reply r = {.s = s, .xid = xid, .type = type, .nx = nx, .w = session_writer(s)};
    r.at = s->codec->multipart_begin(&r.w, xid, type, nx);
    r.empty = r.w.len;
    return r;
}

struct reply reply_begin(struct ofs *s, uint32_t xid, uint16_t type)
{
    return begin_as(s, xid, type, false);
}

void reply_end(struct reply *r, bool more)
{
    ofw_multipart_end(&r->w, r->at, more);
    session_written(r->s, &r->w);
}

/* False: it doesn't fit, and nothing was written. */
static bool try_add(struct reply *r, reply_encode encode, const void *entry)
{
    size_t was = r->w.len;
    bool was_bad = r->w.bad;
    encode(r, entry);
    if (!r->w.bad)
        return true;
    r->w.len = was;
    r->w.bad = was_bad;
    return false;
}

static bool is_empty(const struct reply *r) { return r->w.len <= r->empty; }

void reply_add(struct reply *r, reply_encode encode, const void *entry)
{
    if (try_add(r, encode, entry) || is_empty(r))
        return; /* one that is too long for any message is left out */
    reply_end(r, true);
    *r = begin_as(r->s, r->xid, r->type, r->nx);
    (void)try_add(r, encode, entry);
}

/* ---- flows ---- */

struct portion {
    struct reply r;
    const struct ofs *s;
};

static void encode_flow(struct reply *r, const void *entry)
{
    if (r->nx)
        r->s->codec->flow_short_encode(&r->w, entry);
    else
        r->s->codec->flow_stats_encode(&r->w, entry);
}

/* False: the message is full. */
static bool add_flow(void *ctx, const struct ofm_flow *f)
{
    struct portion *p = ctx;
    struct ofw_flow_stats stats;
    ofm_flow_stats(p->s->host.model, f, p->s->now, &stats);
    return try_add(&p->r, encode_flow, &stats) || is_empty(&p->r);
}

void multipart_continue(struct ofs *s)
{
    struct dump *d = &s->dump;
    while (d->active && session_backlog(s) < DUMP_AHEAD) {
        struct portion p = {.r = begin_as(s, d->xid, OFPMP_FLOW, d->req.nx), .s = s};
        if (!d->active)
            return; /* no memory: closed */
        bool all = ofm_select_from(s->host.model, &d->req, &d->at, add_flow, &p);
        reply_end(&p.r, !all);
        d->active = !all;
    }
}

static int bad_table(struct ofw_error *e)
{
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TABLE_ID, "no such table");
}

static int flows(struct ofs *s, uint32_t xid, const struct ofw_multipart_req *q,
                 struct ofw_error *e)
{
    if (q->table >= WEFT_TABLES && q->table != OFPTT_ALL)
        return bad_table(e);
    s->dump = (struct dump){.active = true, .xid = xid, .req = *q};
    multipart_continue(s);
    return 0;
}

struct sum {
    const struct ofs *s;
    uint64_t packets, bytes;
    uint32_t flows;
};

static bool add_to_sum(void *ctx, const struct ofm_flow *f)
{
    struct sum *sum = ctx;
    struct ofw_flow_stats stats;
    ofm_flow_stats(sum->s->host.model, f, sum->s->now, &stats);
    sum->packets += stats.packets;
    sum->bytes += stats.bytes;
    sum->flows++;
    return true;
}

static int aggregate(struct ofs *s, uint32_t xid, const struct ofw_multipart_req *q,
                     struct ofw_error *e)
{
    struct sum sum = {.s = s};
    if (q->table >= WEFT_TABLES && q->table != OFPTT_ALL)
        return bad_table(e);
    ofm_select(s->host.model, q, add_to_sum, &sum);
    struct reply r = begin_as(s, xid, OFPMP_AGGREGATE, q->nx);
    s->codec->aggregate_encode(&r.w, sum.packets, sum.bytes, sum.flows);
    reply_end(&r, false);
    return 0;
}

/* ---- tables, the switch ---- */

static void encode_table(struct reply *r, const void *entry)
{
    r->s->codec->table_stats_encode(&r->w, entry);
}

static void tables(struct ofs *s, uint32_t xid)
{
    struct reply r = reply_begin(s, xid, OFPMP_TABLE);
    for (unsigned i = 0; i < WEFT_TABLES; i++) {
        struct ofw_table_stats t = {.table = (uint8_t)i};
        t.active = ofm_table(s->host.model, t.table).flows;
        s->host.table_stats(s->host.ctx, t.table, &t.lookups, &t.matches);
        reply_add(&r, encode_table, &t);
    }
    reply_end(&r, false);
}

static void desc(struct ofs *s, uint32_t xid)
{
    struct ofw_desc d = {0};
    s->host.desc(s->host.ctx, &d);
    struct reply r = reply_begin(s, xid, OFPMP_DESC);
    ofw_desc_encode(&r.w, &d);
    reply_end(&r, false);
}

/* ---- ports ---- */

/* All ports, in memory of the caller's; NULL: no memory, and the session is closed. */
struct ofw_port *multipart_ports(struct ofs *s, size_t *n)
{
    size_t max = s->host.ports(s->host.ctx, NULL, 0);
    struct ofw_port *p = calloc(max + 1, sizeof *p);
    if (!p) {
        session_close(s, "out of memory");
        return NULL;
    }
    *n = s->host.ports(s->host.ctx, p, max);
    *n = *n < max ? *n : max;
    return p;
}

static void encode_port(struct reply *r, const void *entry)
{
    r->s->codec->port_desc_encode(&r->w, entry);
}

static void port_desc(struct ofs *s, uint32_t xid)
{
    size_t n;
    struct ofw_port *p = multipart_ports(s, &n);
    if (!p)
        return;
    struct reply r = reply_begin(s, xid, OFPMP_PORT_DESC);
    for (size_t i = 0; i < n; i++)
        reply_add(&r, encode_port, &p[i]);
    reply_end(&r, false);
    free(p);
}

static void encode_port_stats(struct reply *r, const void *entry)
{
    r->s->codec->port_stats_encode(&r->w, entry);
}

static void add_port_stats(struct reply *r, uint32_t no)
{
    struct ofw_port_stats stats = {.no = no};
    if (r->s->host.port_stats(r->s->host.ctx, no, &stats))
        reply_add(r, encode_port_stats, &stats);
}

static int port_stats(struct ofs *s, uint32_t xid, uint32_t no, struct ofw_error *e)
{
    size_t n = 0;
    struct ofw_port *p = NULL;
    if (no == OFPP_ANY && !(p = multipart_ports(s, &n)))
        return 0;
    if (no != OFPP_ANY && !s->host.port_exists(s->host.ctx, no))
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "no such port");
    struct reply r = reply_begin(s, xid, OFPMP_PORT_STATS);
    if (!p)
        add_port_stats(&r, no);
    for (size_t i = 0; i < n; i++)
        add_port_stats(&r, p[i].no);
    reply_end(&r, false);
    free(p);
    return 0;
}

/* No port has more than its one queue, which is not counted apart. */
static int queue_stats(struct ofs *s, uint32_t xid, const struct ofw_multipart_req *q,
                       struct ofw_error *e)
{
    if (q->port != OFPP_ANY && !s->host.port_exists(s->host.ctx, q->port))
        return session_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no such port");
    if (q->queue != OFPQ_ALL)
        return session_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE, "no such queue");
    struct reply r = reply_begin(s, xid, OFPMP_QUEUE);
    reply_end(&r, false);
    return 0;
}

/* ---- any ---- */

static int table_features(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    if (m->body.left > MULTIPART_HEADER_BYTES)
        return session_refuse(e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_EPERM,
                              "tables' features are as they are");
    table_features_reply(s, m->h.xid);
    return 0;
}

static int request(struct ofs *s, const struct message *m, const struct ofw_multipart_req *q,
                   struct ofw_error *e)
{
    switch (q->type) {
    case OFPMP_DESC:
        desc(s, m->h.xid);
        return 0;
    case OFPMP_FLOW:
        return flows(s, m->h.xid, q, e);
    case OFPMP_AGGREGATE:
        return aggregate(s, m->h.xid, q, e);
    case OFPMP_TABLE:
        tables(s, m->h.xid);
        return 0;
    case OFPMP_PORT_STATS:
        return port_stats(s, m->h.xid, q->port, e);
    case OFPMP_PORT_DESC:
        port_desc(s, m->h.xid);
        return 0;
    case OFPMP_TABLE_FEATURES:
        return table_features(s, m, e);
    case OFPMP_METER:
    case OFPMP_METER_CONFIG:
        return meter_reply(s, m->h.xid, q, e);
    case OFPMP_METER_FEATURES:
        meter_features(s, m->h.xid);
        return 0;
    case OFPMP_GROUP:
        group_stats(s, m->h.xid, q->group);
        return 0;
    case OFPMP_GROUP_DESC:
        group_desc(s, m->h.xid);
        return 0;
    case OFPMP_GROUP_FEATURES:
        group_features(s, m->h.xid);
        return 0;
    case OFPMP_QUEUE:
        return queue_stats(s, m->h.xid, q, e);
    default:
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_MULTIPART, "unknown multipart type");
    }
}

int multipart_request(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_multipart_req q;
    if (s->codec->multipart_decode(m->body, &q, e) < 0)
        return -1;
    if (q.flags & OFPMPF_REQ_MORE)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
                              "requests in several parts are not taken");
    session_commit(s); /* counters of flows that packets have met */
    return request(s, m, &q, e);
}
