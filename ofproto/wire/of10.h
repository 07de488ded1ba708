/* ofproto/wire/of10.h: what the files of OpenFlow 1.0 share, and nobody else uses. */
#ifndef WEFT_OFPROTO_WIRE_OF10_H
#define WEFT_OFPROTO_WIRE_OF10_H

#include "ofproto/wire/codec.h"

enum { OF10_MATCH_BYTES = 40, OF10_PORT_NONE = 0xffff };

/* 16-bit port numbers: those from 0xff00 are the reserved ones. */
uint32_t of10_port(uint16_t port);
uint16_t of10_port_wire(uint32_t port);

/* ---- of10_match.c, nxm_match.c ---- */

void of10_match_decode(struct reader *r, struct flow_match *out); /* r->bad: too short */
void of10_match_encode(struct writer *w, const struct flow_match *m);
/* `len` bytes of NXM and their padding. cookie: value and mask, both 0 when there is none. */
int nxm_match_decode(struct reader *r, size_t len, struct flow_match *out, uint64_t cookie[2],
                     struct ofw_error *e);
uint16_t nxm_match_encode(struct writer *w, const struct flow_match *m);

/* ---- of10_action.c ---- */

/* m: what is known of packets' tags (NULL: nothing): setting a VLAN pushes a tag where there is
 * none. */
int of10_actions_decode(struct reader *r, size_t len, const struct flow_match *m,
                        struct ofw_arena *arena, struct ofw_actions *out, struct ofw_error *e);
void of10_instructions_encode(struct writer *w, const struct ofw_instructions *in);

#endif
