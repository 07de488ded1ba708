/* Ports: ofp_port, OFPT_PORT_STATUS, OFPT_PORT_MOD (1.3.5, 7.2.1, 7.4.3, 7.3.4.3). */
#include "ofproto/wire/wire.h"

enum { OFPPC_ALL = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN };

int ofw_port_mod_decode(struct reader r, struct ofw_port_mod *out, struct ofw_error *e)
{
    *out = (struct ofw_port_mod){.no = read_u32(&r)};
    read_skip(&r, 4);
    read_into(&r, &out->hw_addr, sizeof out->hw_addr);
    read_skip(&r, 2);
    out->config = read_u32(&r);
    out->mask = read_u32(&r);
    out->advertise = read_u32(&r);
    read_skip(&r, 4);
    if (r.bad || r.left)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "port-mod of a wrong length");
    if (out->mask & ~(uint32_t)OFPPC_ALL)
        return ofw_refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG, "unknown OFPPC bits");
    return 0;
}

void of13_port_speeds_write(struct writer *w, const struct ofw_port *p)
{
    write_u32(w, p->curr);
    write_u32(w, p->advertised);
    write_u32(w, p->supported);
    write_u32(w, p->peer);
    write_u32(w, p->curr_speed_kbps);
    write_u32(w, p->max_speed_kbps);
}

void ofw_port_desc_encode(struct writer *w, const struct ofw_port *p)
{
    size_t name_len = strnlen(p->name, sizeof p->name - 1);
    write_u32(w, p->no);
    write_zeros(w, 4);
    write_bytes(w, &p->hw_addr, sizeof p->hw_addr);
    write_zeros(w, 2);
    write_bytes(w, p->name, name_len);
    write_zeros(w, sizeof p->name - name_len);
    write_u32(w, p->config);
    write_u32(w, p->state);
    of13_port_speeds_write(w, p);
}

void ofw_port_status_encode(struct writer *w, uint32_t xid, uint8_t reason,
                            const struct ofw_port *p)
{
    size_t at = of13_begin(w, OFPT_PORT_STATUS, xid);
    write_u8(w, reason);
    write_zeros(w, 7);
    ofw_port_desc_encode(w, p);
    of13_finish(w, at);
}
