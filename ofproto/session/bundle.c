/* Bundles: messages kept until a commit, then done all at once or not at all (1.4.1, 6.9).
 *
 * A message is checked when it is added, as far as that needs no state, and decoded again at the
 * commit. All changes of the commit are made to the model and then published as one program, so a
 * packet meets all of them or none. Both flags are always kept: whatever was asked for, a bundle is
 * ordered and atomic.
 */
#include "ofproto/wire/bundle.h"

#include "base/limits.h"
#include "ofproto/session/priv.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 128 << 10 };

/* Messages one after the other, each in one piece. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    uint8_t bytes[];
};

struct bundle {
    struct bundle *next;
    uint32_t id, xid; /* of the request that opened it */
    uint16_t flags;
    bool closed;
    nsec_t touched_ns;
    struct chunk *first, *last;
};

/* Ports as port-mods found them. */
struct ports_undo {
    struct ofw_port_mod *was;
    unsigned n, cap;
};

static int failed(struct ofw_error *e, uint16_t code, const char *why)
{
    return session_refuse(e, OFPET_BUNDLE_FAILED, code, why);
}

static size_t *bytes_of(struct ofs *s)
{
    return s->host.bundle_bytes ? s->host.bundle_bytes : &s->bundle_bytes;
}

/* ---- the list ---- */

static struct bundle *find(const struct ofs *s, uint32_t id)
{
    for (struct bundle *b = s->bundles; b; b = b->next)
        if (b->id == id)
            return b;
    return NULL;
}

static void bundle_free(struct ofs *s, struct bundle *b)
{
    struct bundle **at = &s->bundles;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    for (struct chunk *c = b->first, *next; c; c = next) {
        next = c->next;
        *bytes_of(s) -= sizeof *c + c->size;
        free(c);
    }
    free(b);
}

void bundle_free_all(struct ofs *s)
{
    while (s->bundles)
        bundle_free(s, s->bundles);
}

static struct bundle *open_bundle(struct ofs *s, const struct message *m, uint32_t id,
                                  uint16_t flags, struct ofw_error *e)
{
    unsigned n = 0;
    if (flags & ~(OFPBF_ATOMIC | OFPBF_ORDERED)) {
        failed(e, OFPBFC_BAD_FLAGS, "bundles are ordered and atomic; they are not scheduled");
        return NULL;
    }
    for (const struct bundle *b = s->bundles; b; b = b->next)
        n++;
    struct bundle *b = n < WEFT_BUNDLES_MAX ? calloc(1, sizeof *b) : NULL;
    if (!b) {
        failed(e, OFPBFC_OUT_OF_BUNDLES, "too many bundles are open");
        return NULL;
    }
    *b = (struct bundle){.next = s->bundles, .id = id, .xid = m->h.xid, .flags = flags};
    b->touched_ns = s->now;
    s->bundles = b;
    return b;
}

/* ---- idleness ---- */

static nsec_t due(const struct bundle *b)
{
    return b->touched_ns + WEFT_BUNDLE_IDLE_S * NSEC_PER_SEC;
}

nsec_t bundle_deadline(const struct ofs *s)
{
    nsec_t first = NSEC_NEVER;
    for (const struct bundle *b = s->bundles; b; b = b->next)
        first = due(b) < first ? due(b) : first;
    return first;
}

void bundle_expire(struct ofs *s)
{
    struct ofw_error e;
    for (struct bundle *b = s->bundles, *next; b; b = next) {
        struct message none = {.h = {.xid = b->xid, .type = OFPT_EXPERIMENTER}};
        next = b->next;
        if (s->now < due(b))
            continue;
        failed(&e, OFPBFC_TIMEOUT, "nothing happened to an open bundle");
        session_error(s, &none, &e);
        bundle_free(s, b);
    }
}

/* ---- adding ---- */

static bool keep(struct ofs *s, struct bundle *b, const uint8_t *bytes, size_t n)
{
    size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;
    if (!b->last || b->last->size - b->last->used < n) {
        bool room = *bytes_of(s) + sizeof(struct chunk) + size <= (size_t)WEFT_BUNDLE_BYTES;
        struct chunk *c = room ? malloc(sizeof *c + size) : NULL;
        if (!c)
            return false;
        *c = (struct chunk){.size = size};
        *(b->last ? &b->last->next : &b->first) = c;
        b->last = c;
        *bytes_of(s) += sizeof *c + size;
    }
    memcpy(b->last->bytes + b->last->used, bytes, n);
    b->last->used += n;
    return true;
}

static int check_message(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    if (m->h.version != s->version)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION,
                              "not the version agreed on");
    switch (m->h.type) {
    case OFPT_FLOW_MOD:
    case OFPT_GROUP_MOD:
    case OFPT_METER_MOD:
    case OFPT_PORT_MOD:
    case OFPT_PACKET_OUT:
        break;
    default:
        return failed(e, OFPBFC_MSG_UNSUP, "a bundle takes changes and packet-outs");
    }
    s->mode = CHANGE_CHECK;
    int r = handle_change(s, m, e);
    s->mode = CHANGE_NOW;
    return r;
}

int bundle_add(struct ofs *s, const struct message *m, struct reader r, struct ofw_error *e)
{
    struct ofw_bundle_add add;
    if (ofw_bundle_add_decode(r, &add, e) < 0)
        return -1;
    struct bundle *b = find(s, add.id);
    if (!b && !(b = open_bundle(s, m, add.id, add.flags, e)))
        return -1;
    b->touched_ns = s->now;
    if (b->closed) {
        bundle_free(s, b);
        return failed(e, OFPBFC_BUNDLE_CLOSED, "the bundle is closed");
    }
    if (add.flags != b->flags) {
        bundle_free(s, b);
        return failed(e, OFPBFC_BAD_FLAGS, "not the flags that the bundle was opened with");
    }
    if (add.h.xid != m->h.xid)
        return failed(e, OFPBFC_MSG_BAD_XID, "the message in it has another xid");
    struct message inner = session_message(s, add.message);
    if (check_message(s, &inner, e) < 0)
        return -1;
    if (!keep(s, b, inner.bytes, inner.h.length))
        return failed(e, OFPBFC_MSG_TOO_MANY, "no room for more messages in bundles");
    return 0;
}

/* ---- committing ---- */

static bool note_port(struct ofs *s, struct ports_undo *u, const struct message *m)
{
    struct ofw_port_mod mod;
    struct ofw_error e;
    if (s->codec->port_mod_decode(m->body, &mod, &e) < 0)
        return true; /* it will be refused */
    if (u->n == u->cap) {
        struct ofw_port_mod *more = reallocarray(u->was, u->cap * 2 + 8, sizeof *more);
        if (!more)
            return false;
        u->was = more;
        u->cap = u->cap * 2 + 8;
    }
    size_t max = s->host.ports(s->host.ctx, NULL, 0);
    struct ofw_port *p = calloc(max + 1, sizeof *p);
    size_t n = p ? s->host.ports(s->host.ctx, p, max) : 0;
    for (size_t i = 0; i < n && i < max; i++) {
        if (p[i].no != mod.no)
            continue;
        mod.config = p[i].config;
        mod.hw_addr = p[i].hw_addr;
        u->was[u->n++] = mod;
    }
    free(p);
    return p != NULL;
}

static int apply(struct ofs *s, struct ports_undo *ports, const struct message *m,
                 struct ofw_error *e)
{
    if (m->h.type == OFPT_PORT_MOD && !note_port(s, ports, m))
        return failed(e, OFPBFC_MSG_FAILED, "out of memory");
    return handle_change(s, m, e);
}

/* Does fn for each message until it refuses one, which is left in *at. */
static int each(struct ofs *s, struct bundle *b, struct ports_undo *ports, struct message *at,
                struct ofw_error *e)
{
    for (const struct chunk *c = b->first; c; c = c->next)
        for (size_t from = 0; from < c->used; from += at->h.length) {
            *at = session_message(s, c->bytes + from);
            if (apply(s, ports, at, e) < 0)
                return -1;
        }
    return 0;
}

static void put_back(struct ofs *s, struct ports_undo *ports)
{
    struct ofw_flow_removed ignored;
    struct ofw_error e;
    (void)ofm_undo_back(s->undo, s->now);
    while (ofm_removed(s->host.model, &ignored))
        ; /* they are there again */
    while (ports->n)
        (void)s->host.port_mod(s->host.ctx, &ports->was[--ports->n], &e);
}

/* Buffered packets and packet-outs meet the new flows. What is wrong with one of them undoes
 * nothing. */
static void finish(struct ofs *s, struct bundle *b)
{
    for (const struct chunk *c = b->first; c; c = c->next)
        for (size_t from = 0; from < c->used;) {
            struct message m = session_message(s, c->bytes + from);
            struct ofw_error e;
            from += m.h.length;
            if (handle_after_commit(s, &m, &e) < 0)
                session_error(s, &m, &e);
        }
}

static int commit(struct ofs *s, struct bundle *b, struct ofw_error *e)
{
    struct ports_undo ports = {0};
    struct message at;
    s->host.commit(s->host.ctx); /* what came before, and whom it concerned is told */
    s->undo = ofm_undo_create(s->host.model, WEFT_BUNDLE_BYTES);
    if (!s->undo)
        return failed(e, OFPBFC_UNKNOWN, "out of memory");
    s->mode = CHANGE_UNDOABLE;
    int r = each(s, b, &ports, &at, e);
    s->mode = CHANGE_NOW;
    if (r < 0) {
        put_back(s, &ports);
        session_error(s, &at, e); /* which one, and why */
        failed(e, OFPBFC_MSG_FAILED, "a message failed, so nothing was changed");
    }
    ofm_undo_free(s->undo);
    s->undo = NULL;
    free(ports.was);
    s->host.commit(s->host.ctx);
    s->changed = false;
    s->counters.bundles += r == 0;
    if (r == 0)
        finish(s, b);
    return r;
}

/* ---- control ---- */

static int close_bundle(struct ofs *s, struct bundle *b, struct ofw_error *e)
{
    if (!b->closed) {
        b->closed = true;
        return 0;
    }
    bundle_free(s, b);
    return failed(e, OFPBFC_BUNDLE_CLOSED, "the bundle is closed already");
}

static int open_request(struct ofs *s, const struct message *m, const struct ofw_bundle_control *c,
                        struct bundle *b, struct ofw_error *e)
{
    if (b) {
        bundle_free(s, b);
        return failed(e, OFPBFC_BUNDLE_EXIST, "there is a bundle of this number");
    }
    return open_bundle(s, m, c->id, c->flags, e) ? 0 : -1;
}

static int control(struct ofs *s, const struct message *m, const struct ofw_bundle_control *c,
                   struct ofw_error *e)
{
    struct bundle *b = find(s, c->id);
    if (b)
        b->touched_ns = s->now;
    if (c->type > OFPBCT_DISCARD_REPLY || c->type % 2)
        return failed(e, OFPBFC_BAD_TYPE, "no request about bundles");
    if (c->type == OFPBCT_OPEN_REQUEST)
        return open_request(s, m, c, b, e);
    if (!b)
        return failed(e, OFPBFC_BAD_ID, "no such bundle");
    if (c->type != OFPBCT_DISCARD_REQUEST && c->flags != b->flags) {
        bundle_free(s, b);
        return failed(e, OFPBFC_BAD_FLAGS, "not the flags that the bundle was opened with");
    }
    if (c->type == OFPBCT_CLOSE_REQUEST)
        return close_bundle(s, b, e);
    int r = c->type == OFPBCT_COMMIT_REQUEST ? commit(s, b, e) : 0;
    bundle_free(s, b);
    return r;
}

int bundle_control(struct ofs *s, const struct message *m, struct reader r, struct ofw_error *e)
{
    struct ofw_bundle_control c;
    if (ofw_bundle_control_decode(r, &c, e) < 0)
        return -1;
    if (role_check(s, OFPT_FLOW_MOD, e) < 0 || control(s, m, &c, e) < 0)
        return -1;
    c.type++; /* each reply's number is its request's and one */
    struct writer w = session_writer(s);
    ofw_bundle_control_encode(&w, s->version, m->h.xid, &c);
    session_written(s, &w);
    return 0;
}
