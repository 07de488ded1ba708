/* ofproto/wire/of15.h: what the files of OpenFlow 1.4 and 1.5 share, and nobody else uses. */
#ifndef WEFT_OFPROTO_WIRE_OF15_H
#define WEFT_OFPROTO_WIRE_OF15_H

#include "ofproto/wire/codec.h"

/* ---- of14.c ---- */

enum { OF14_TYPES = 35 };
enum { OFPET14_BAD_PROPERTY = 14, OFPBPC_BAD_TYPE = 0, OFPBPC_BAD_LEN = 1 };
extern const uint8_t of14_types[OF14_TYPES];

/* The next property: its body in *body. 0: there is none left; -1: it is broken. */
int of14_next_property(struct reader *r, uint16_t *type, struct reader *body, struct ofw_error *e);
int of14_port_mod_decode(struct reader r, struct ofw_port_mod *out, struct ofw_error *e);
int of14_async_decode(struct reader r, struct ofw_async *io, struct ofw_error *e);
void of14_error_encode(struct writer *w, uint32_t xid, const struct ofw_error *e,
                       const void *request, size_t len);
void of14_port_desc_encode(struct writer *w, const struct ofw_port *p);
void of14_port_status_encode(struct writer *w, uint32_t xid, uint8_t reason,
                             const struct ofw_port *p);
void of14_port_stats_encode(struct writer *w, const struct ofw_port_stats *s);
void of14_async_encode(struct writer *w, uint32_t xid, const struct ofw_async *a);

/* ---- of15_action.c, of15_group.c ---- */

/* All that r holds. */
int of15_actions_decode(struct reader *r, struct ofw_arena *arena, struct ofw_actions *out,
                        struct ofw_error *e);
int of15_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                         struct ofw_error *e);
void of15_instructions_encode(struct writer *w, const struct ofw_instructions *i);
int of15_group_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_bucket *buckets,
                          struct ofw_group_mod *out, struct ofw_error *e);
void of15_group_desc_encode(struct writer *w, const struct ofw_group_desc *d);

#endif
