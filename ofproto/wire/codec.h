/* ofproto/wire/codec.h: what differs from version to version of OpenFlow.
 *
 * A codec is a table of functions: 1.3's are those of msg.h, another version has its own where its
 * bytes differ. All of them speak the structs of msg.h, and message types are 1.3's (enum ofw_type,
 * enum ofw_multipart), so who uses a codec need not know versions. An encoder begins each message
 * with 1.3's header; ofw_codec_sign() makes it the version's.
 *
 * What a version can't say is left out of what it is told: 1.0 sees matches and actions
 * of its own and of Nicira's extension (goto is shown as resubmit, as Open vSwitch does).
 */
#ifndef WEFT_OFPROTO_WIRE_CODEC_H
#define WEFT_OFPROTO_WIRE_CODEC_H

#include "ofproto/wire/group.h"
#include "ofproto/wire/msg.h"
#include "ofproto/wire/role.h"

enum { OF10_VERSION = 0x01, OF14_VERSION = 0x05, OF15_VERSION = 0x06 };

struct ofw_codec {
    uint8_t version;
    uint8_t n_types;
    const uint8_t *types; /* our type of each of its types; NULL: the same */

    int (*flow_mod_decode)(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                           struct ofw_error *e);
    int (*packet_out_decode)(struct reader r, struct ofw_arena *arena, struct ofw_packet_out *out,
                             struct ofw_error *e);
    int (*port_mod_decode)(struct reader r, struct ofw_port_mod *out, struct ofw_error *e);
    int (*group_mod_decode)(struct reader r, struct ofw_arena *arena, struct ofw_bucket *buckets,
                            struct ofw_group_mod *out, struct ofw_error *e);
    int (*multipart_decode)(struct reader r, struct ofw_multipart_req *out, struct ofw_error *e);
    int (*async_decode)(struct reader r, struct ofw_async *io, struct ofw_error *e);

    void (*error_encode)(struct writer *w, uint32_t xid, const struct ofw_error *e,
                         const void *request, size_t len);
    void (*features_encode)(struct writer *w, uint32_t xid, const struct ofw_features *f);
    void (*packet_in_encode)(struct writer *w, uint32_t xid, const struct ofw_packet_in *p);
    void (*flow_removed_encode)(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f);
    void (*port_status_encode)(struct writer *w, uint32_t xid, uint8_t reason,
                               const struct ofw_port *p);
    void (*async_encode)(struct writer *w, uint32_t xid, const struct ofw_async *a);
    /* nx: a FLOW or AGGREGATE reply in Nicira's form (1.0), as FLOW_STATS (1.5) */
    size_t (*multipart_begin)(struct writer *w, uint32_t xid, uint16_t type, bool nx);
    void (*flow_stats_encode)(struct writer *w, const struct ofw_flow_stats *s);
    void (*flow_short_encode)(struct writer *w, const struct ofw_flow_stats *s); /* when `nx` */
    void (*aggregate_encode)(struct writer *w, uint64_t packets, uint64_t bytes, uint32_t flows);
    void (*table_stats_encode)(struct writer *w, const struct ofw_table_stats *s);
    void (*port_stats_encode)(struct writer *w, const struct ofw_port_stats *s);
    void (*port_desc_encode)(struct writer *w, const struct ofw_port *p);
    void (*group_desc_encode)(struct writer *w, const struct ofw_group_desc *d);
};

/* NULL: a version that we don't speak. */
const struct ofw_codec *ofw_codec(uint8_t version);
/* Bit n: version n. */
uint32_t ofw_codec_versions(void);
/* Our type of the codec's message type; UINT8_MAX: none of ours. */
uint8_t ofw_codec_type(const struct ofw_codec *c, uint8_t wire);
/* The message at `bytes`, whose header is 1.3's, as one of the version. */
void ofw_codec_sign(const struct ofw_codec *c, uint8_t *bytes);

extern const struct ofw_codec of10_codec, of13_codec, of14_codec, of15_codec;

/* ---- Nicira's messages for 1.0 (and role for all): nx10.c ---- */

#define NX_EXPERIMENTER 0x00002320u
enum {
    NXT_ROLE_REQUEST = 10,
    NXT_ROLE_REPLY = 11,
    NXT_SET_FLOW_FORMAT = 12,
    NXT_FLOW_MOD = 13,
    NXT_FLOW_REMOVED = 14,
    NXT_FLOW_MOD_TABLE_ID = 15,
};

/* r: what follows the experimenter's header. */
/* What every flow-mod of 1.0 still needs; table_id: the command's high byte names a table. */
int of10_flow_mod_finish(struct ofw_flow_mod *m, bool table_id, struct ofw_error *e);
int nx10_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                         struct ofw_error *e);
int nx10_multipart_decode(struct reader *r, struct ofw_multipart_req *out, struct ofw_error *e);
void nx10_flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s);
void nx10_flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f);
/* 1.0's phy_port list, which its features reply ends with. */
void of10_port_encode(struct writer *w, const struct ofw_port *p);

#endif
