/* Roles of controllers, and which asynchronous messages each gets (1.3.5, 6.3.5, 6.3.6). */
#include "ofproto/session/priv.h"

/* At first: a slave hears of ports only. */
const struct ofw_async role_async_default = {
    .packet_in = {1 << OFPR_NO_MATCH | 1 << OFPR_ACTION | 1 << OFPR_INVALID_TTL, 0},
    .port_status = {1 << OFPPR_ADD | 1 << OFPPR_DELETE | 1 << OFPPR_MODIFY,
                    1 << OFPPR_ADD | 1 << OFPPR_DELETE | 1 << OFPPR_MODIFY},
    .flow_removed = {1 << OFPRR_IDLE_TIMEOUT | 1 << OFPRR_HARD_TIMEOUT | 1 << OFPRR_DELETE |
                         1 << OFPRR_GROUP_DELETE,
                     0},
};

bool role_wants(const struct ofs *s, const uint32_t mask[2], uint8_t reason)
{
    return reason < 32 && mask[s->role == OFPCR_SLAVE] >> reason & 1;
}

/* A message from before the last election (6.3.6): numbers go round. */
static bool is_stale(const struct ofs_election *e, uint64_t generation)
{
    return e->known && (int64_t)(generation - e->generation) < 0;
}

/* *r becomes what it is from now on. */
int role_change(struct ofs *s, struct ofw_role_msg *r, struct ofw_error *e)
{
    struct ofs_election *election = s->host.election;
    bool counts = r->role == OFPCR_MASTER || r->role == OFPCR_SLAVE;
    if (counts && is_stale(election, r->generation))
        return session_refuse(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE,
                              "a generation before the last one");
    if (counts) {
        election->known = true;
        election->generation = r->generation;
    }
    if (r->role == OFPCR_MASTER)
        s->host.demote(s->host.ctx, s);
    if (r->role != OFPCR_NOCHANGE)
        s->role = r->role;
    r->role = s->role;
    r->generation = election->known ? election->generation : UINT64_MAX;
    return 0;
}

int role_request(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_role_msg r;
    if (ofw_role_decode(m->body, &r, e) < 0)
        return -1;
    if (role_change(s, &r, e) < 0)
        return -1;
    struct writer w = session_writer(s);
    ofw_role_encode(&w, m->h.xid, &r);
    session_written(s, &w);
    return 0;
}

void ofs_demote(struct ofs *s)
{
    if (s->role == OFPCR_MASTER)
        s->role = OFPCR_SLAVE;
}

const char *ofs_role_name(const struct ofs *s)
{
    return s->role == OFPCR_MASTER ? "master" : s->role == OFPCR_SLAVE ? "slave" : "equal";
}

int set_async(struct ofs *s, const struct message *m, struct ofw_error *e)
{
    struct ofw_async a = s->async;
    if (s->codec->async_decode(m->body, &a, e) < 0)
        return -1;
    s->async = a;
    return 0;
}

void get_async(struct ofs *s, uint32_t xid)
{
    struct writer w = session_writer(s);
    s->codec->async_encode(&w, xid, &s->async);
    session_written(s, &w);
}

/* What a slave may not ask for: anything that changes the switch. */
int role_check(const struct ofs *s, uint8_t type, struct ofw_error *e)
{
    bool changes = type == OFPT_PACKET_OUT || type == OFPT_FLOW_MOD || type == OFPT_GROUP_MOD ||
                   type == OFPT_PORT_MOD || type == OFPT_TABLE_MOD || type == OFPT_METER_MOD;
    if (s->role != OFPCR_SLAVE || !changes)
        return 0;
    return session_refuse(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE, "a slave changes nothing");
}
