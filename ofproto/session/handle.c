/* One message each, but multiparts (1.3.5, 7.3). */
#include "ofproto/session/priv.h"
#include "ofproto/wire/bundle.h"

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
    struct writer w = session_writer(s);
    ofw_features_encode(&w, m->h.xid, &f);
    session_written(s, &w);
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

static int release_buffer(struct ofs *s, const struct ofw_flow_mod *mod, struct ofw_error *e)
{
    bool removes = mod->command == OFPFC_DELETE || mod->command == OFPFC_DELETE_STRICT;
    if (mod->buffer_id == OF_NO_BUFFER || removes)
        return 0;
    session_commit(s);
    return s->host.buffer_release(s->host.ctx, mod->buffer_id, e);
}

static int flow_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_flow_mod mod;
    s->arena.n = 0;
    s->counters.flow_mods += s->mode != CHANGE_CHECK;
    if (ofw_flow_mod_decode(m->body, &s->arena, &mod, e) < 0)
        return -1;
    if (s->mode == CHANGE_CHECK)
        return 0;
    if (s->mode == CHANGE_UNDOABLE)
        return ofm_undo_flow_mod(s->undo, &mod, s->now, e);
    if (ofm_flow_mod(s->host.model, &mod, false, s->now, e) < 0)
        return -1;
    s->changed = true;
    return release_buffer(s, &mod, e);
}

static int packet_out(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_packet_out p;
    s->arena.n = 0;
    s->counters.packet_outs += s->mode == CHANGE_NOW;
    if (ofw_packet_out_decode(m->body, &s->arena, &p, e) < 0)
        return -1;
    if (s->mode != CHANGE_NOW)
        return 0;      /* handle_after_commit() */
    session_commit(s); /* a packet sent to TABLE meets the flows that came before it */
    return s->host.packet_out(s->host.ctx, &p, e);
}

static int port_mod(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_port_mod mod;
    if (ofw_port_mod_decode(m->body, &mod, e) < 0)
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
    uint32_t port = read_u32(&r);
    read_skip(&r, 4);
    if (r.bad || r.left)
        return bad_length(e);
    if (port != OFPP_ANY && !s->host.port_exists(s->host.ctx, port))
        return session_refuse(e, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "no such port");
    be32 wire = to_be32(port);
    memcpy(body, &wire, sizeof wire);
    reply_simple(s, OFPT_QUEUE_GET_CONFIG_REPLY, m->h.xid, body, sizeof body);
    return 0;
}

/* ONF's bundles for 1.3 are all that there is. */
static int experimenter(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct reader r = m->body;
    uint32_t who = read_u32(&r), type = read_u32(&r);
    if (r.bad)
        return bad_length(e);
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
    if (m->h.type != OFPT_FLOW_MOD || ofw_flow_mod_decode(m->body, &s->arena, &mod, e) < 0)
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
    default:
        return handle_change(s, m, e);
    }
}
