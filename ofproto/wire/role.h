/* ofproto/wire/role.h: roles and asynchronous configuration (1.3.5, 6.3.6, 7.3.9, 7.3.10). */
#ifndef WEFT_OFPROTO_WIRE_ROLE_H
#define WEFT_OFPROTO_WIRE_ROLE_H

#include "ofproto/wire/msg.h"

enum ofw_role { OFPCR_NOCHANGE, OFPCR_EQUAL, OFPCR_MASTER, OFPCR_SLAVE };

struct ofw_role_msg {
    uint32_t role; /* enum ofw_role */
    uint64_t generation;
};

/* Bit per reason; [0] as master or equal, [1] as slave. */
struct ofw_async {
    uint32_t packet_in[2], port_status[2], flow_removed[2];
};

int ofw_role_decode(struct reader r, struct ofw_role_msg *out, struct ofw_error *e);
int ofw_async_decode(struct reader r, struct ofw_async *out, struct ofw_error *e);
void ofw_role_encode(struct writer *w, uint32_t xid, const struct ofw_role_msg *m);
void ofw_async_encode(struct writer *w, uint32_t xid, const struct ofw_async *a);

#endif
