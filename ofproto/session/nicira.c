/* Nicira's messages that clients of Open vSwitch use: flow formats of 1.0, roles. */
#include "ofproto/session/priv.h"

enum { NXFF_OPENFLOW10 = 0, NXFF_NXM = 2, NX_ROLE_SLAVE = 2 };

static int bad_length(struct ofw_error *e)
{
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

static int set_flow_format(struct ofs *s, struct reader r, struct ofw_error *e)
{
    uint32_t format = read_u32(&r);
    if (r.bad || r.left)
        return bad_length(e);
    if (format != NXFF_OPENFLOW10 && format != NXFF_NXM)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_EPERM, "unknown flow format");
    s->nxm = format == NXFF_NXM;
    return 0;
}

static int set_table_id(struct ofs *s, struct reader r, struct ofw_error *e)
{
    uint8_t on = read_u8(&r);
    read_skip(&r, 7);
    if (r.bad || r.left)
        return bad_length(e);
    s->table_id = on != 0;
    return 0;
}

/* Roles without generations: other, master, slave are 0, 1, 2; OpenFlow's equal, master, slave 1,
 * 2, 3. */
static int role(struct ofs *s, const struct message *m, struct reader r, struct ofw_error *e)
{
    uint32_t wanted = read_u32(&r);
    if (r.bad || r.left)
        return bad_length(e);
    if (wanted > NX_ROLE_SLAVE)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_EPERM, "no such role");
    struct ofw_role_msg change = {.role = wanted + 1, .generation = s->host.election->generation};
    if (role_change(s, &change, e) < 0)
        return -1;
    uint8_t body[12];
    struct writer b = writer_of(body, sizeof body), w = session_writer(s);
    write_u32(&b, NX_EXPERIMENTER);
    write_u32(&b, NXT_ROLE_REPLY);
    write_u32(&b, change.role - 1);
    ofw_simple_encode(&w, OFPT_EXPERIMENTER, m->h.xid, body, b.len);
    session_written(s, &w);
    return 0;
}

int nicira_message(struct ofs *s, const struct message *m, uint32_t type, struct reader r,
                   struct ofw_error *e)
{
    if (type == NXT_ROLE_REQUEST)
        return role(s, m, r, e);
    if (s->version != OF10_VERSION)
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE,
                              "a message of Nicira's that is not known");
    switch (type) {
    case NXT_SET_FLOW_FORMAT:
        return set_flow_format(s, r, e);
    case NXT_FLOW_MOD_TABLE_ID:
        return set_table_id(s, r, e);
    case NXT_FLOW_MOD:
        return role_check(s, OFPT_FLOW_MOD, e) < 0 ? -1 : handle_nx_flow_mod(s, r, e);
    default:
        return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXP_TYPE,
                              "a message of Nicira's that is not known");
    }
}
