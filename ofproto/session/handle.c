/* One message each, but multiparts (1.3.5, 7.3). */
#include "ofproto/session/priv.h"
#include "ofproto/wire/bundle.h"

#include <stdlib.h>

enum { OF10_PORT_BYTES = 48 };

static int bad_length(struct ofw_error *e)
{
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

static int bad_type(struct ofw_error *e)
{
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, "not a message for this switch");
}

static void reply_simple(struct ofs *s, uint8_t type, uint32_t xid, const void *body, size_t len)
{
    struct writer w = session_writer(s);
    ofw_simple_encode(&w, type, xid, body, len);
    session_written(s, &w);
}

static int echo(struct ofs *s, const struct message *m)
{
    reply_simple(s, OFPT_ECHO_REPLY, m->h.xid, m->body.p, m->body.left);
    return 0;
}

static int features(struct ofs *s, const struct message *m)
{
    struct ofw_features f = {0};
    s->host.features(s->host.ctx, &f);
    size_t n = 0, room = 0;
    struct ofw_port *p = s->version == OF10_VERSION ? multipart_ports(s, &n) : NULL;
    struct writer w = session_writer(s);
    s->codec->features_encode(&w, m->h.xid, &f);
    room = (OF_MESSAGE_MAX - w.len) / OF10_PORT_BYTES;
    for (size_t i = 0; i < n && i < room; i++) /* 1.0 tells of ports here */
        of10_port_encode(&w, &p[i]);
    write_patch_u16(&w, 2, (uint16_t)w.len);
    session_written(s, &w);
    free(p);
    return 0;
}

static int get_config(struct ofs *s, const struct message *m)
{
    struct writer w = session_writer(s);
    ofw_config_encode(&w, m->h.xid, &s->config);
    session_written(s, &w);
    return 0;
}

/* Fragments are handled normally; reassembly and dropping were asked for only if the
 * flags say so, and this switch offers neither (6.4, OFPC_FRAG_*). */
static int set_config(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_config c;
    if (ofw_config_decode(m->body, &c, e) < 0)
        return -1;
    if (c.flags)
        return session_refuse(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
                              "fragments are neither dropped nor reassembled");
    s->config = c;
    return 0;
}

struct search {
    const struct ofw_flow_mod *mod;
    bool found;
};

static int release_buffer(struct ofs *s, const struct ofw_flow_mod *mod, struct ofw_error *e)
{
    bool removes = mod->command == OFPFC_DELETE || mod->command == OFPFC_DELETE_STRICT;
    if (mod->buffer_id == OF_NO_BUFFER || removes)
        return 0;
    session_commit(s);
    return s->host.buffer_release(s->host.ctx, mod->buffer_id, e);
}

/* 1.0: a MODIFY that finds none is an ADD (4.6). */
static bool finds_one(void *ctx, const struct ofm_flow *f)
{
    struct search *q = ctx;
    const struct ofw_flow_mod *mod = q->mod;
    q->found = mod->command != OFPFC_MODIFY_STRICT ||
               (f->priority == mod->priority && flow_match_equal(&f->match, &mod->match));
    return !q->found;
}

static void modify_or_add(struct ofs *s, struct ofw_flow_mod *mod)
{
    struct search q = {.mod = mod};
    struct ofw_multipart_req req = {.table = mod->table,
                                    .out_port = OFPP_ANY,
                                    .out_group = OFPG_ANY,
                                    .cookie = mod->cookie,
                                    .cookie_mask = mod->cookie_mask,
                                    .match = mod->match};
    if (mod->command != OFPFC_MODIFY && mod->command != OFPFC_MODIFY_STRICT)
        return;
    ofm_select(s->host.model, &req, finds_one, &q);
    if (!q.found)
        mod->command = OFPFC_ADD;
}

static int change_flows(struct ofs *s, struct ofw_flow_mod *mod, struct ofw_error *e)
{
    if (s->version == OF10_VERSION && of10_flow_mod_finish(mod, s->table_id, e) < 0)
        return -1;
    if (s->mode == CHANGE_CHECK)
        return 0;
    if (s->version == OF10_VERSION)
        modify_or_add(s, mod);
    if (s->mode == CHANGE_UNDOABLE)
        return ofm_undo_flow_mod(s->undo, mod, s->now, e);
    if (ofm_flow_mod(s->host.model, mod, false, s->now, e) < 0)
        return -1;
    s->changed = true;
    return release_buffer(s, mod, e);
}

static int flow_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_flow_mod mod;
    s->arena.n = 0;
    s->counters.flow_mods += s->mode != CHANGE_CHECK;
    if (s->codec->flow_mod_decode(m->body, &s->arena, &mod, e) < 0)
        return -1;
    return change_flows(s, &mod, e);
}

int handle_nx_flow_mod(struct ofs *s, struct reader r, struct ofw_error *e)
{
    struct ofw_flow_mod mod;
    s->arena.n = 0;
    s->counters.flow_mods++;
    if (nx10_flow_mod_decode(r, &s->arena, &mod, e) < 0)
        return -1;
    return change_flows(s, &mod, e);
}

static int packet_out(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_packet_out p;
    s->arena.n = 0;
    s->counters.packet_outs += s->mode == CHANGE_NOW;
    if (s->codec->packet_out_decode(m->body, &s->arena, &p, e) < 0)
        return -1;
    if (s->mode != CHANGE_NOW)
        return 0;      /* handle_after_commit() */
    session_commit(s); /* a packet sent to TABLE meets the flows that came before it */
    return s->host.packet_out(s->host.ctx, &p, e);
}

static int port_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_port_mod mod;
    if (s->codec->port_mod_decode(m->body, &mod, e) < 0)
        return -1;
    if (s->mode == CHANGE_CHECK)
        return 0;
    return s->host.port_mod(s->host.ctx, &mod, e);
}

/* There is nothing to configure in 1.3: the miss bits of 1.1 are deprecated, and taken. */
static int table_mod(const struct message *m, struct ofw_error *e)
{
    struct reader r = m->body;
    uint8_t table = read_u8(&r);
    read_skip(&r, 3);
    uint32_t config = read_u32(&r);
    if (r.bad || r.left)
        return bad_length(e);
    if (table >= WEFT_TABLES && table != OFPTT_ALL)
        return session_refuse(e, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_TABLE, "no such table");
    if (config & ~3u)
        return session_refuse(e, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG,
                              "unknown bits of table configuration");
    return 0;
}

static int barrier(struct ofs *s, const struct message *m)
{
    session_commit(s);
    reply_simple(s, OFPT_BARRIER_REPLY, m->h.xid, NULL, 0);
    return 0;
}

/* No port has more than its one queue, which has no properties. */
static int queue_config(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct reader r = m->body;
    uint8_t body[8] = {0};
    bool old = s->version == OF10_VERSION;
    uint32_t port = old ? read_u16(&r) : read_u32(&r);
    read_skip(&r, old ? 2 : 4);
    if (r.bad || r.left)
        return bad_length(e);
    if (port != OFPP_ANY && !s->host.port_exists(s->host.ctx, port))
        return session_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no such port");
    be32 wire = to_be32(old ? port << 16 : port);
    memcpy(body, &wire, sizeof wire);
    reply_simple(s, OFPT_QUEUE_GET_CONFIG_REPLY, m->h.xid, body, sizeof body);
    return 0;
}

/* ONF's bundles for 1.3, and some of Nicira's messages. */
static int experimenter(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct reader r = m->body;
    uint32_t who = read_u32(&r), type = read_u32(&r);
    if (r.bad)
        return bad_length(e);
    if (who == NX_EXPERIMENTER)
        return nicira_message(s, m, type, r, e);
    if (who != ONF_EXPERIMENTER)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER,
                              "unknown experimenter");
    if (type == ONFT_BUNDLE_CONTROL)
        return bundle_control(s, m, r, e);
    if (type == ONFT_BUNDLE_ADD_MESSAGE)
        return bundle_add(s, m, r, e);
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE,
                          "of ONF's messages, bundles are known");
}

/* Requests that are a header and nothing else. */
static int handle_bare(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    if (m->body.left)
        return bad_length(e);
    switch (m->h.type) {
    case OFPT_FEATURES_REQUEST:
        return features(s, m);
    case OFPT_GET_CONFIG_REQUEST:
        return get_config(s, m);
    case OFPT_GET_ASYNC_REQUEST:
        get_async(s, m->h.xid);
        return 0;
    default:
        return barrier(s, m);
    }
}

int handle_change(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    if (role_check(s, m->h.type, e) < 0)
        return -1;
    switch (m->h.type) {
    case OFPT_SET_CONFIG:
        return set_config(s, m, e);
    case OFPT_PACKET_OUT:
        return packet_out(s, m, e);
    case OFPT_FLOW_MOD:
        return flow_mod(s, m, e);
    case OFPT_GROUP_MOD:
        return group_mod(s, m, e);
    case OFPT_METER_MOD:
        return meter_mod(s, m, e);
    case OFPT_PORT_MOD:
        return port_mod(s, m, e);
    case OFPT_TABLE_MOD:
        return table_mod(m, e);
    case OFPT_ROLE_REQUEST:
        return role_request(s, m, e);
    case OFPT_SET_ASYNC:
        return set_async(s, m, e);
    default:
        return bad_type(e); /* what a switch sends */
    }
}

int handle_after_commit(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_flow_mod mod;
    s->arena.n = 0;
    if (m->h.type == OFPT_PACKET_OUT)
        return packet_out(s, m, e);
    if (m->h.type != OFPT_FLOW_MOD || s->codec->flow_mod_decode(m->body, &s->arena, &mod, e) < 0)
        return 0;
    return release_buffer(s, &mod, e);
}

int handle_message(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    switch (m->h.type) {
    case OFPT_ECHO_REQUEST:
        return echo(s, m);
    case OFPT_ECHO_REPLY:
        return 0;
    case OFPT_ERROR:
        s->counters.errors_received++;
        return 0;
    case OFPT_EXPERIMENTER:
        return experimenter(s, m, e);
    case OFPT_FEATURES_REQUEST:
    case OFPT_GET_CONFIG_REQUEST:
    case OFPT_GET_ASYNC_REQUEST:
    case OFPT_BARRIER_REQUEST:
        return handle_bare(s, m, e);
    case OFPT_MULTIPART_REQUEST:
        return multipart_request(s, m, e);
    case OFPT_QUEUE_GET_CONFIG_REQUEST:
        return queue_config(s, m, e);
    case OFPT_BUNDLE_CONTROL:
    case OFPT_BUNDLE_ADD_MESSAGE:
        return s->version < OF14_VERSION          ? bad_type(e)
               : m->h.type == OFPT_BUNDLE_CONTROL ? bundle_control(s, m, m->body, e)
                                                  : bundle_add(s, m, m->body, e);
    default:
        return handle_change(s, m, e);
    }
}
