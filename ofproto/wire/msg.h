/* ofproto/wire/msg.h: OpenFlow messages as structs, whatever their version.
 *
 * The codec of a version (today 1.3.5: wire/of13_*.c) turns bytes into these
 * and back; model, session and the flow syntax know nothing but these. Numbers
 * are host order; match fields and set-field values keep the wire's bytes (base/flow.h).
 *
 * Decoding never allocates: action lists are placed in the caller's arena, and
 * byte ranges point into the message. A refusal is an ofw_error with the type
 * and code that the specification names for it.
 */
#ifndef WEFT_OFPROTO_WIRE_MSG_H
#define WEFT_OFPROTO_WIRE_MSG_H

#include "base/bytes.h"
#include "base/flow.h"

enum { OF13_VERSION = 0x04, OF_HEADER_BYTES = 8, OF_MESSAGE_MAX = 65535 };

#define OF_NO_BUFFER     0xffffffffu
#define OFPG_MAX         0xffffff00u
#define OFPG_ALL         0xfffffffcu
#define OFPG_ANY         0xffffffffu
#define OFPQ_ALL         0xffffffffu
#define OFPTT_ALL        0xff
#define OFPCML_NO_BUFFER 0xffff

/* OFPT_* of 1.3 */
enum ofw_type {
    OFPT_HELLO,
    OFPT_ERROR,
    OFPT_ECHO_REQUEST,
    OFPT_ECHO_REPLY,
    OFPT_EXPERIMENTER,
    OFPT_FEATURES_REQUEST,
    OFPT_FEATURES_REPLY,
    OFPT_GET_CONFIG_REQUEST,
    OFPT_GET_CONFIG_REPLY,
    OFPT_SET_CONFIG,
    OFPT_PACKET_IN,
    OFPT_FLOW_REMOVED,
    OFPT_PORT_STATUS,
    OFPT_PACKET_OUT,
    OFPT_FLOW_MOD,
    OFPT_GROUP_MOD,
    OFPT_PORT_MOD,
    OFPT_TABLE_MOD,
    OFPT_MULTIPART_REQUEST,
    OFPT_MULTIPART_REPLY,
    OFPT_BARRIER_REQUEST,
    OFPT_BARRIER_REPLY,
    OFPT_QUEUE_GET_CONFIG_REQUEST,
    OFPT_QUEUE_GET_CONFIG_REPLY,
    OFPT_ROLE_REQUEST,
    OFPT_ROLE_REPLY,
    OFPT_GET_ASYNC_REQUEST,
    OFPT_GET_ASYNC_REPLY,
    OFPT_SET_ASYNC,
    OFPT_METER_MOD,
    OFPT_BUNDLE_CONTROL = 33, /* of 1.4 */
    OFPT_BUNDLE_ADD_MESSAGE,
};

/* OFPET_* and the codes of each, 1.3.5 section 7.4.4 */
enum ofw_error_type {
    OFPET_HELLO_FAILED,
    OFPET_BAD_REQUEST,
    OFPET_BAD_ACTION,
    OFPET_BAD_INSTRUCTION,
    OFPET_BAD_MATCH,
    OFPET_FLOW_MOD_FAILED,
    OFPET_GROUP_MOD_FAILED,
    OFPET_PORT_MOD_FAILED,
    OFPET_TABLE_MOD_FAILED,
    OFPET_QUEUE_OP_FAILED,
    OFPET_SWITCH_CONFIG_FAILED,
    OFPET_ROLE_REQUEST_FAILED,
    OFPET_METER_MOD_FAILED,
    OFPET_TABLE_FEATURES_FAILED,
};
enum { OFPHFC_INCOMPATIBLE, OFPHFC_EPERM };
enum {
    OFPBRC_BAD_VERSION,
    OFPBRC_BAD_TYPE,
    OFPBRC_BAD_MULTIPART,
    OFPBRC_BAD_EXPERIMENTER,
    OFPBRC_BAD_EXP_TYPE,
    OFPBRC_EPERM,
    OFPBRC_BAD_LEN,
    OFPBRC_BUFFER_EMPTY,
    OFPBRC_BUFFER_UNKNOWN,
    OFPBRC_BAD_TABLE_ID,
    OFPBRC_IS_SLAVE,
    OFPBRC_BAD_PORT,
    OFPBRC_BAD_PACKET,
    OFPBRC_MULTIPART_BUFFER_OVERFLOW,
};
enum {
    OFPBAC_BAD_TYPE,
    OFPBAC_BAD_LEN,
    OFPBAC_BAD_EXPERIMENTER,
    OFPBAC_BAD_EXP_TYPE,
    OFPBAC_BAD_OUT_PORT,
    OFPBAC_BAD_ARGUMENT,
    OFPBAC_EPERM,
    OFPBAC_TOO_MANY,
    OFPBAC_BAD_QUEUE,
    OFPBAC_BAD_OUT_GROUP,
    OFPBAC_MATCH_INCONSISTENT,
    OFPBAC_UNSUPPORTED_ORDER,
    OFPBAC_BAD_TAG,
    OFPBAC_BAD_SET_TYPE,
    OFPBAC_BAD_SET_LEN,
    OFPBAC_BAD_SET_ARGUMENT,
};
enum {
    OFPBIC_UNKNOWN_INST,
    OFPBIC_UNSUP_INST,
    OFPBIC_BAD_TABLE_ID,
    OFPBIC_UNSUP_METADATA,
    OFPBIC_UNSUP_METADATA_MASK,
    OFPBIC_BAD_EXPERIMENTER,
    OFPBIC_BAD_EXP_TYPE,
    OFPBIC_BAD_LEN,
    OFPBIC_EPERM,
    OFPBIC_DUP_INST,
};
enum {
    OFPBMC_BAD_TYPE,
    OFPBMC_BAD_LEN,
    OFPBMC_BAD_TAG,
    OFPBMC_BAD_DL_ADDR_MASK,
    OFPBMC_BAD_NW_ADDR_MASK,
    OFPBMC_BAD_WILDCARDS,
    OFPBMC_BAD_FIELD,
    OFPBMC_BAD_VALUE,
    OFPBMC_BAD_MASK,
    OFPBMC_BAD_PREREQ,
    OFPBMC_DUP_FIELD,
    OFPBMC_EPERM,
};
enum {
    OFPFMFC_UNKNOWN,
    OFPFMFC_TABLE_FULL,
    OFPFMFC_BAD_TABLE_ID,
    OFPFMFC_OVERLAP,
    OFPFMFC_EPERM,
    OFPFMFC_BAD_TIMEOUT,
    OFPFMFC_BAD_COMMAND,
    OFPFMFC_BAD_FLAGS,
};
enum {
    OFPGMFC_GROUP_EXISTS,
    OFPGMFC_INVALID_GROUP,
    OFPGMFC_WEIGHT_UNSUPPORTED,
    OFPGMFC_OUT_OF_GROUPS,
    OFPGMFC_OUT_OF_BUCKETS,
    OFPGMFC_CHAINING_UNSUPPORTED,
    OFPGMFC_WATCH_UNSUPPORTED,
    OFPGMFC_LOOP,
    OFPGMFC_UNKNOWN_GROUP,
    OFPGMFC_CHAINED_GROUP,
    OFPGMFC_BAD_TYPE,
    OFPGMFC_BAD_COMMAND,
    OFPGMFC_BAD_BUCKET,
    OFPGMFC_BAD_WATCH,
    OFPGMFC_EPERM,
};
enum {
    OFPPMFC_BAD_PORT,
    OFPPMFC_BAD_HW_ADDR,
    OFPPMFC_BAD_CONFIG,
    OFPPMFC_BAD_ADVERTISE,
    OFPPMFC_EPERM
};
enum { OFPTMFC_BAD_TABLE, OFPTMFC_BAD_CONFIG, OFPTMFC_EPERM };
enum { OFPQOFC_BAD_PORT, OFPQOFC_BAD_QUEUE, OFPQOFC_EPERM };
enum { OFPSCFC_BAD_FLAGS, OFPSCFC_BAD_LEN, OFPSCFC_EPERM };
enum { OFPRRFC_STALE, OFPRRFC_UNSUP, OFPRRFC_BAD_ROLE };
enum {
    OFPMMFC_UNKNOWN,
    OFPMMFC_METER_EXISTS,
    OFPMMFC_INVALID_METER,
    OFPMMFC_UNKNOWN_METER,
    OFPMMFC_BAD_COMMAND,
    OFPMMFC_BAD_FLAGS,
    OFPMMFC_BAD_RATE,
    OFPMMFC_BAD_BURST,
    OFPMMFC_BAD_BAND,
    OFPMMFC_BAD_BAND_VALUE,
    OFPMMFC_OUT_OF_METERS,
    OFPMMFC_OUT_OF_BANDS,
};

struct ofw_error {
    uint16_t type, code;
    const char *why; /* for the log and weftctl, a static string; may be NULL */
};

struct ofw_header {
    uint8_t version, type;
    uint16_t length;
    uint32_t xid;
};

/* OFPAT_* of 1.3; the values are the wire's. */
enum ofw_action_type {
    OFPAT_OUTPUT = 0,
    OFPAT_COPY_TTL_OUT = 11,
    OFPAT_COPY_TTL_IN = 12,
    OFPAT_SET_MPLS_TTL = 15,
    OFPAT_DEC_MPLS_TTL = 16,
    OFPAT_PUSH_VLAN = 17,
    OFPAT_POP_VLAN = 18,
    OFPAT_PUSH_MPLS = 19,
    OFPAT_POP_MPLS = 20,
    OFPAT_SET_QUEUE = 21,
    OFPAT_GROUP = 22,
    OFPAT_SET_NW_TTL = 23,
    OFPAT_DEC_NW_TTL = 24,
    OFPAT_SET_FIELD = 25,
    OFPAT_PUSH_PBB = 26,
    OFPAT_POP_PBB = 27,
    OFPAT_MORE = 0xfffe,         /* not on the wire: bytes of the experimenter's action before it */
    OFPAT_EXPERIMENTER = 0xffff, /* see wire/nicira.h */
};

struct ofw_action {
    uint16_t type;      /* enum ofw_action_type */
    uint16_t max_len;   /* OUTPUT; PUSH_VLAN, POP_VLAN: SET_FIELD: 1: 1.0's, done only
                           where there is no tag, a tag, the field; EXPERIMENTER: its bytes */
    uint32_t port;      /* OUTPUT; GROUP: id; SET_QUEUE: id; EXPERIMENTER: its subtype */
    uint16_t ethertype; /* PUSH_*, POP_MPLS; host order */
    uint8_t ttl;        /* SET_*_TTL */
    uint8_t field;      /* SET_FIELD: enum flow_field */
    uint8_t value[16];  /* SET_FIELD: as in the field's slot */
};

struct ofw_actions {
    uint16_t n;
    const struct ofw_action *a;
};

struct ofw_instructions {
    bool has_apply, has_write, clear, has_goto, has_metadata, has_meter;
    uint8_t goto_table;
    uint32_t meter;
    be64 metadata, metadata_mask;
    struct ofw_actions apply, write;
};

/* Where decoded actions go; owned by the caller, reset before each message. */
struct ofw_arena {
    struct ofw_action *a;
    uint32_t n, cap; /* OF_MESSAGE_MAX / 8 is always enough */
};

enum ofw_flow_command {
    OFPFC_ADD,
    OFPFC_MODIFY,
    OFPFC_MODIFY_STRICT,
    OFPFC_DELETE,
    OFPFC_DELETE_STRICT
};
enum {
    OFPFF_SEND_FLOW_REM = 1,
    OFPFF_CHECK_OVERLAP = 2,
    OFPFF_RESET_COUNTS = 4,
    OFPFF_NO_PKT_COUNTS = 8,
    OFPFF_NO_BYT_COUNTS = 16,
};

struct ofw_flow_mod {
    uint64_t cookie, cookie_mask;
    uint8_t table, command;
    uint16_t idle_s, hard_s, priority, flags;
    uint32_t buffer_id, out_port, out_group;
    struct flow_match match;
    struct ofw_instructions instr;
};

enum ofw_removed_reason {
    OFPRR_IDLE_TIMEOUT,
    OFPRR_HARD_TIMEOUT,
    OFPRR_DELETE,
    OFPRR_GROUP_DELETE
};

struct ofw_flow_removed {
    uint64_t cookie, packets, bytes;
    nsec_t duration_ns;
    uint16_t priority, idle_s, hard_s;
    uint8_t reason, table;
    struct flow_match match;
};

enum ofw_packet_in_reason { OFPR_NO_MATCH, OFPR_ACTION, OFPR_INVALID_TTL };

struct ofw_packet_in {
    uint32_t buffer_id;
    uint16_t total_len;
    uint8_t reason, table;
    uint64_t cookie;
    struct flow_match match; /* in_port (and in_phy_port, metadata, tunnel_id when not zero) */
    const uint8_t *data;
    uint16_t data_len; /* <= total_len */
};

struct ofw_packet_out {
    uint32_t buffer_id, in_port;
    struct ofw_actions actions;
    const uint8_t *data;
    uint16_t data_len;
};

/* Port state and features bits: OFPPS_*, OFPPF_* */
enum { OFPPS_LINK_DOWN = 1, OFPPS_BLOCKED = 2, OFPPS_LIVE = 4 };
enum { OFPPC_PORT_DOWN = 1, OFPPC_NO_RECV = 4, OFPPC_NO_FWD = 32, OFPPC_NO_PACKET_IN = 64 };

struct ofw_port {
    uint32_t no, config, state, curr, advertised, supported, peer, curr_speed_kbps, max_speed_kbps;
    struct mac hw_addr;
    char name[16]; /* NUL-terminated */
};

enum ofw_port_reason { OFPPR_ADD, OFPPR_DELETE, OFPPR_MODIFY };

struct ofw_port_mod {
    uint32_t no, config, mask, advertise;
    struct mac hw_addr;
};

struct ofw_port_stats {
    uint32_t no;
    uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped, rx_errors,
        tx_errors, rx_frame_err, rx_over_err, rx_crc_err, collisions;
    nsec_t duration_ns;
};

struct ofw_features {
    uint64_t datapath_id;
    uint32_t n_buffers, capabilities;
    uint8_t n_tables, auxiliary_id;
};

struct ofw_config {
    uint16_t flags, miss_send_len;
};

enum ofw_multipart {
    OFPMP_DESC,
    OFPMP_FLOW,
    OFPMP_AGGREGATE,
    OFPMP_TABLE,
    OFPMP_PORT_STATS,
    OFPMP_QUEUE,
    OFPMP_GROUP,
    OFPMP_GROUP_DESC,
    OFPMP_GROUP_FEATURES,
    OFPMP_METER,
    OFPMP_METER_CONFIG,
    OFPMP_METER_FEATURES,
    OFPMP_TABLE_FEATURES,
    OFPMP_PORT_DESC,
    OFPMP_EXPERIMENTER = 0xffff,
};

struct ofw_multipart_req {
    uint16_t type, flags; /* flags: 1 = more follow */
    bool nx;              /* asked in Nicira's form of 1.0, to be answered so */
    /* FLOW, AGGREGATE */
    uint8_t table;
    uint32_t out_port, out_group;
    uint64_t cookie, cookie_mask;
    struct flow_match match;
    uint32_t port;  /* PORT_STATS, QUEUE */
    uint32_t queue; /* QUEUE */
    uint32_t group; /* GROUP */
    uint32_t meter; /* METER, METER_CONFIG */
};

struct ofw_flow_stats {
    uint8_t table;
    uint16_t priority, idle_s, hard_s, flags;
    uint64_t cookie, packets, bytes;
    nsec_t duration_ns;
    struct flow_match match;
    struct ofw_instructions instr;
};

struct ofw_table_stats {
    uint8_t table;
    uint32_t active;
    uint64_t lookups, matches;
};

struct ofw_desc {
    char mfr[256], hw[256], sw[256], serial[32], dp[256];
};

/* ---- decoding: of13_*.c. r is the whole body after the header. 0, or -1 with *e set. ---- */

/* Any 8 bytes; length may be nonsense (the caller checks >= 8). */
struct ofw_header ofw_header_decode(const uint8_t bytes[OF_HEADER_BYTES]);

/* HELLO: bitmap of offered versions (bit n = version n), from the version-bitmap
 * element; when there is none, the one that is agreed on: the lower of the header's and our
 * highest. */
int ofw_hello_decode(struct reader r, uint8_t header_version, uint32_t *versions,
                     struct ofw_error *e);
int ofw_config_decode(struct reader r, struct ofw_config *out, struct ofw_error *e);
int ofw_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                        struct ofw_error *e);
int ofw_packet_out_decode(struct reader r, struct ofw_arena *arena, struct ofw_packet_out *out,
                          struct ofw_error *e);
int ofw_port_mod_decode(struct reader r, struct ofw_port_mod *out, struct ofw_error *e);
int ofw_multipart_decode(struct reader r, struct ofw_multipart_req *out, struct ofw_error *e);

/* Pieces, also for tests. Match: the ofp_match with its padding (prerequisites, masks,
 * duplicates checked; canonical: an all-ones mask is exact, an all-zero one drops the field).
 * Actions: exactly `len` bytes. Instructions: all that is left. */
int ofw_match_decode(struct reader *r, struct flow_match *out, struct ofw_error *e);
int ofw_actions_decode(struct reader *r, size_t len, struct ofw_arena *arena,
                       struct ofw_actions *out, struct ofw_error *e);
int ofw_instructions_decode(struct reader *r, struct ofw_arena *arena, struct ofw_instructions *out,
                            struct ofw_error *e);

/* ---- encoding: of13_*.c. Whole messages with header; w.bad when the buffer is too small or
 * the message would pass OF_MESSAGE_MAX. ---- */

void ofw_hello_encode(struct writer *w, uint32_t xid, uint32_t versions);
void ofw_error_encode(struct writer *w, uint32_t xid, const struct ofw_error *e,
                      const void *request, size_t len);
void ofw_simple_encode(struct writer *w, uint8_t type, uint32_t xid, const void *body, size_t len);
void ofw_features_encode(struct writer *w, uint32_t xid, const struct ofw_features *f);
void ofw_config_encode(struct writer *w, uint32_t xid, const struct ofw_config *c);
void ofw_packet_in_encode(struct writer *w, uint32_t xid, const struct ofw_packet_in *p);
void ofw_flow_removed_encode(struct writer *w, uint32_t xid, const struct ofw_flow_removed *f);
void ofw_port_status_encode(struct writer *w, uint32_t xid, uint8_t reason,
                            const struct ofw_port *p);
void ofw_match_encode(struct writer *w, const struct flow_match *m);
void ofw_actions_encode(struct writer *w, const struct ofw_actions *a);
void ofw_instructions_encode(struct writer *w, const struct ofw_instructions *i);
/* Requests, for tests and tools. */
void ofw_flow_mod_encode(struct writer *w, uint32_t xid, const struct ofw_flow_mod *m);

/* Multipart replies: begin, add entries, end. The caller splits: an entry that would
 * take the message past OF_MESSAGE_MAX goes into the next message (`more`). */
size_t ofw_multipart_begin(struct writer *w, uint32_t xid, uint16_t type);
void ofw_multipart_end(struct writer *w, size_t at, bool more);
void ofw_desc_encode(struct writer *w, const struct ofw_desc *d);
void ofw_flow_stats_encode(struct writer *w, const struct ofw_flow_stats *s);
void ofw_aggregate_encode(struct writer *w, uint64_t packets, uint64_t bytes, uint32_t flows);
void ofw_table_stats_encode(struct writer *w, const struct ofw_table_stats *s);
void ofw_port_stats_encode(struct writer *w, const struct ofw_port_stats *s);
void ofw_port_desc_encode(struct writer *w, const struct ofw_port *p);

/* ---- the OXM table: oxm.c ---- */

/* Can the field be masked / be the target of set-field (1.3.5, table 12, OFPAT_SET_FIELD)? */
bool ofw_field_maskable(enum flow_field f);
bool ofw_field_settable(enum flow_field f);
/* Does the match fix what field f requires (eth_type, ip_proto, vlan present, ...)? */
bool ofw_field_prereq_ok(enum flow_field f, const struct flow_match *m);
/* Which of the fields that share a slot the match means (by its prerequisites):
 * calls for every field present in m, in OXM order. */
unsigned ofw_match_fields(const struct flow_match *m, enum flow_field out[FF_COUNT]);

/* ---- what actions mean: action_check.c, of13_flow.c ----
 *
 * Who refuses what. The decoders of actions and instructions judge structure: lengths, unknown
 * types and fields, experimenters, duplicates, goto past the last table. The checks judge meaning:
 * ports (OFPBAC_BAD_OUT_PORT), tags (OFPBAC_BAD_TAG), set-field's target and value (BAD_SET_TYPE,
 * BAD_SET_ARGUMENT).
 * ofw_flow_mod_decode() and ofw_packet_out_decode() run the checks themselves; who makes a
 * flow-mod otherwise (the flow syntax) calls ofw_flow_mod_check(). The model adds only what
 * depends on its state: TABLE_FULL, OVERLAP, groups and meters that don't exist.
 */

/* Each action's argument, and (m not NULL) its fitness for packets inside the match, following
 * pushes and pops (OFPBAC_MATCH_INCONSISTENT); 0 or -1. */
int ofw_actions_check(const struct ofw_actions *a, const struct flow_match *m, struct ofw_error *e);
/* Both lists (the written one in the action set's order, after the applied one), the goto from
 * `table`, meters. */
int ofw_instructions_check(const struct ofw_instructions *i, uint8_t table,
                           const struct flow_match *m, struct ofw_error *e);
/* All that a flow-mod can get wrong on its own: command, flags, table, instructions (of a DELETE
 * they are ignored), output to TABLE. */
int ofw_flow_mod_check(const struct ofw_flow_mod *m, struct ofw_error *e);

/* "OFPET_BAD_MATCH/OFPBMC_BAD_PREREQ" */
const char *ofw_error_name(uint16_t type, uint16_t code);
const char *ofw_type_name(uint8_t type);

#endif
