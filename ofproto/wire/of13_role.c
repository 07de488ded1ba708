/* OFPT_ROLE_REQUEST and _REPLY, OFPT_SET_ASYNC and OFPT_GET_ASYNC_REPLY (1.3.5, 7.3.9, 7.3.10). */
#include "ofproto/wire/role.h"
#include "ofproto/wire/wire.h"

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "wrong length for this message");
}

int ofw_role_decode(struct reader r, struct ofw_role_msg *out, struct ofw_error *e)
{
    out->role = read_u32(&r);
    read_skip(&r, 4);
    out->generation = read_u64(&r);
    if (r.bad || r.left)
        return bad_length(e);
    if (out->role > OFPCR_SLAVE)
        return ofw_refuse(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_BAD_ROLE, "no such role");
    return 0;
}

int ofw_async_decode(struct reader r, struct ofw_async *out, struct ofw_error *e)
{
    for (unsigned i = 0; i < 2; i++)
        out->packet_in[i] = read_u32(&r);
    for (unsigned i = 0; i < 2; i++)
        out->port_status[i] = read_u32(&r);
    for (unsigned i = 0; i < 2; i++)
        out->flow_removed[i] = read_u32(&r);
    return r.bad || r.left ? bad_length(e) : 0;
}

void ofw_role_encode(struct writer *w, uint32_t xid, const struct ofw_role_msg *m)
{
    size_t at = of13_begin(w, OFPT_ROLE_REPLY, xid);
    write_u32(w, m->role);
    write_zeros(w, 4);
    write_u64(w, m->generation);
    of13_finish(w, at);
}

void ofw_async_encode(struct writer *w, uint32_t xid, const struct ofw_async *a)
{
    size_t at = of13_begin(w, OFPT_GET_ASYNC_REPLY, xid);
    for (unsigned i = 0; i < 2; i++)
        write_u32(w, a->packet_in[i]);
    for (unsigned i = 0; i < 2; i++)
        write_u32(w, a->port_status[i]);
    for (unsigned i = 0; i < 2; i++)
        write_u32(w, a->flow_removed[i]);
    of13_finish(w, at);
}
