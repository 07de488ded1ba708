/* ofproto/wire/wire.h: what the files of this room share, and nobody else uses. */
#ifndef WEFT_OFPROTO_WIRE_WIRE_H
#define WEFT_OFPROTO_WIRE_WIRE_H

#include "ofproto/wire/msg.h"

enum { OXM_CLASS_NXM1 = 1, OXM_CLASS_BASIC = 0x8000, OXM_HEADER_BYTES = 4, OFPMT_OXM = 1 };

/* Sets *e and returns -1, so that a decoder refuses in one line. */
static inline int ofw_refuse(struct ofw_error *e, uint16_t type, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = type, .code = code, .why = why};
    return -1;
}

/* n rounded up to a multiple of 8, as matches and actions are padded. */
static inline size_t ofw_round8(size_t n) { return (n + 7) & ~(size_t)7; }

/* Is the value (the field's bytes) zero above the field's width? */
bool oxm_fits(enum flow_field f, const uint8_t *value);

/* The field of a TLV's class and number (7.2.3.2); false: none that we take. */
bool oxm_field(uint16_t oxm_class, uint8_t number, enum flow_field *f);
/* The TLV's header: of the basic class, or Nicira's for what it doesn't have. */
void oxm_header_write(struct writer *w, enum flow_field f, bool hasmask);

/* Header of a message, its length to be patched by of13_finish(); returns where it starts. */
size_t of13_begin(struct writer *w, uint8_t type, uint32_t xid);
void of13_finish(struct writer *w, size_t at);

/* A duration as the two 32-bit words of the wire: seconds, and nanoseconds beyond. */
void of13_duration_write(struct writer *w, nsec_t d);

/* What messages have in common in all versions: a port's features and speeds; its packets, bytes,
 * drops and errors; its kinds of error; a packet-out after its actions, which are checked: the
 * frame. The last returns 0, or -1 and *e. */
void of13_port_speeds_write(struct writer *w, const struct ofw_port *p);
void of13_port_counters_write(struct writer *w, const struct ofw_port_stats *s);
void of13_port_errors_write(struct writer *w, const struct ofw_port_stats *s);
int of13_packet_out_end(const struct reader *r, struct ofw_packet_out *out, struct ofw_error *e);

#endif
