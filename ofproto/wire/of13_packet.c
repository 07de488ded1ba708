/* OFPT_PACKET_IN and OFPT_PACKET_OUT (1.3.5, 7.4.1 and 7.3.7). */
#include "ofproto/wire/wire.h"

/* A packet-out comes from a port, from LOCAL, or from nowhere: CONTROLLER, and ANY
 * as ovs-ofctl writes it. */
static bool in_port_ok(uint32_t port)
{
    if (port == OFPP_CONTROLLER || port == OFPP_LOCAL || port == OFPP_ANY)
        return true;
    return port != 0 && port <= OFPP_MAX;
}

int of13_packet_out_end(const struct reader *r, struct ofw_packet_out *out, struct ofw_error *e)
{
    if (ofw_actions_check(&out->actions, NULL, e) < 0)
        return -1;
    out->data_len = (uint16_t)r->left;
    out->data = r->left ? r->p : NULL;
    return 0;
}

int ofw_packet_out_decode(struct reader r, struct ofw_arena *arena, struct ofw_packet_out *out,
                          struct ofw_error *e)
{
    *out = (struct ofw_packet_out){.buffer_id = read_u32(&r)};
    out->in_port = read_u32(&r);
    uint16_t actions_len = read_u16(&r);
    read_skip(&r, 6);
    if (r.bad || actions_len > r.left)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "packet-out too short");
    if (!in_port_ok(out->in_port))
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "packet-out from no such port");
    if (ofw_actions_decode(&r, actions_len, arena, &out->actions, e) < 0)
        return -1;
    return of13_packet_out_end(&r, out, e);
}

void ofw_packet_in_encode(struct writer *w, uint32_t xid, const struct ofw_packet_in *p)
{
    size_t at = of13_begin(w, OFPT_PACKET_IN, xid);
    write_u32(w, p->buffer_id);
    write_u16(w, p->total_len);
    write_u8(w, p->reason);
    write_u8(w, p->table);
    write_u64(w, p->cookie);
    ofw_match_encode(w, &p->match);
    write_zeros(w, 2); /* so that the IP header of the frame is aligned */
    size_t room = OF_MESSAGE_MAX - (w->len - at);
    size_t n = p->data_len < room ? p->data_len : room;
    if (n)
        write_bytes(w, p->data, n);
    of13_finish(w, at);
}
