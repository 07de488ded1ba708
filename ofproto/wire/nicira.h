/* ofproto/wire/nicira.h: Nicira's extensions to fields and actions, which Open vSwitch's clients
 * use.
 *
 * An action of an experimenter has any length, while an ofw_action has one size. So it lies in
 * a list as a head (OFPAT_EXPERIMENTER, its length, its subtype) followed by as many OFPAT_MORE as
 * it takes to hold its bytes, as they came over the wire: a dump is what was sent, to the bit. Who
 * walks a list for other actions may ignore both. ofw_nx_get() gathers the bytes and tells what
 * they mean. Lists of bytes inside an action (ids, members, specifications) point into the struct
 * itself.
 *
 * A subfield is a run of bits of a field under its NXM or OXM name, since "NXM_OF_VLAN_TCI[0..11]"
 * is to be shown as it was written; nx_place() says where that is in our key. Pure.
 */
#ifndef WEFT_OFPROTO_WIRE_NICIRA_H
#define WEFT_OFPROTO_WIRE_NICIRA_H

#include "ofproto/wire/msg.h"

#define NX_VENDOR  0x00002320u
#define ONF_VENDOR 0x4f4e4600u

/* Bytes of an experimenter's action that we take. */
enum { OFW_NX_MAX = 2048 };

/* NXAST_* */
enum nx_subtype {
    NXAST_RESUBMIT = 1,
    NXAST_SET_TUNNEL = 2,
    NXAST_SET_QUEUE = 4,
    NXAST_POP_QUEUE = 5,
    NXAST_REG_MOVE = 6,
    NXAST_REG_LOAD = 7,
    NXAST_NOTE = 8,
    NXAST_SET_TUNNEL64 = 9,
    NXAST_MULTIPATH = 10,
    NXAST_BUNDLE = 12,
    NXAST_BUNDLE_LOAD = 13,
    NXAST_RESUBMIT_TABLE = 14,
    NXAST_OUTPUT_REG = 15,
    NXAST_LEARN = 16,
    NXAST_EXIT = 17,
    NXAST_DEC_TTL = 18,
    NXAST_FIN_TIMEOUT = 19,
    NXAST_CONTROLLER = 20,
    NXAST_DEC_TTL_IDS = 21,
    NXAST_OUTPUT_REG2 = 32,
    NXAST_REG_LOAD2 = 33,
    NXAST_CONJUNCTION = 34,
    NXAST_CONTROLLER2 = 37,
    NXAST_STACK_PUSH = 27,
    NXAST_STACK_POP = 28,
    NXAST_CLONE = 42,
    NXAST_LEARN2 = 45,
    NXAST_CHECK_PKT_LARGER = 49,
};

/* ---- fields: nxm.c ---- */

struct nxm_field {
    const char *name; /* "NXM_OF_ETH_SRC" */
    uint16_t oxm_class;
    uint8_t number, bytes, bits;
    uint8_t field; /* enum flow_field, views of registers included */
};

/* By class and number; NULL: unknown. */
const struct nxm_field *nxm_find(uint16_t oxm_class, uint8_t number);
/* By name, without regard to case: "NXM_NX_REG0"; n bytes. */
const struct nxm_field *nxm_named(const char *name, size_t n);
/* The name under which an action shows a field: the NXM one if there is one. */
const struct nxm_field *nxm_of_field(unsigned field);
/* Does it hold the same bytes as its field does (all but in_port, vlan_tci and ip_tos of NXM_0)? */
bool nxm_is_plain(const struct nxm_field *f);

struct nx_sub {
    const struct nxm_field *f; /* NULL: none */
    uint16_t ofs, n_bits;
};

/* Where s lies: bits ofs.. of our field, counted from its lowest. False: nowhere as one run. */
bool nx_place(const struct nx_sub *s, enum flow_field *field, uint16_t *ofs);

/* ---- actions: nx_decode.c, nx_check.c ---- */

/* What a learnt flow has: see nx_learn_next(). */
enum nx_learn_dst { NX_LEARN_MATCH, NX_LEARN_LOAD, NX_LEARN_OUTPUT };

struct nx_learn_spec {
    uint8_t dst_kind; /* enum nx_learn_dst */
    bool immediate;
    uint16_t n_bits;
    struct nx_sub src, dst;
    uint8_t value[16]; /* immediate, right-aligned */
};

struct ofw_nx {
    uint16_t subtype; /* enum nx_subtype */
    struct nx_sub src, dst;
    uint8_t value[16], mask[16]; /* REG_LOAD, REG_LOAD2: as in the slot of dst's field */
    uint32_t port;               /* RESUBMIT: OFPP_IN_PORT is the packet's own */
    uint8_t table;               /* RESUBMIT: 255 is the current one; LEARN */
    uint16_t max_len, controller_id;
    uint8_t reason;
    bool pause;
    uint32_t meter;
    uint16_t hash_fields, basis, algorithm, max_link;
    uint32_t arg;
    uint32_t id; /* CONJUNCTION */
    uint8_t clause, n_clauses;
    uint16_t pkt_len;                  /* CHECK_PKT_LARGER */
    uint16_t idle_s, hard_s, priority; /* LEARN */
    uint16_t flags, fin_idle_s, fin_hard_s;
    uint64_t cookie;
    uint32_t limit;
    const uint8_t *data; /* NOTE, userdata, ids, members, specifications, CLONE's actions */
    uint16_t n_data;     /* bytes; of BUNDLE: members */
    uint16_t len;
    uint8_t bytes[OFW_NX_MAX];
};

/* OFPHF: see nx_hash_fields in ovs-actions(7). */
enum nx_hash_fields {
    NX_HASH_ETH_SRC,
    NX_HASH_SYMMETRIC_L4,
    NX_HASH_SYMMETRIC_L3L4,
    NX_HASH_SYMMETRIC_L3L4_UDP,
    NX_HASH_NW_SRC,
    NX_HASH_NW_DST,
    NX_HASH_SYMMETRIC_L3,
    NX_HASH_FIELDS
};
enum nx_mp_algorithm { NX_MP_MODULO_N, NX_MP_HASH_THRESHOLD, NX_MP_HRW, NX_MP_ITER_HASH };
enum nx_bd_algorithm { NX_BD_ACTIVE_BACKUP, NX_BD_HRW };

/* out->bytes[0..out->len) are set; finds out what they say. 0, or -1 with *e. */
int ofw_nx_decode(struct ofw_nx *out, struct ofw_error *e);
/* Appends an action of `len` bytes (its header included), well-formed or not, to the arena. False:
 * no room. */
bool ofw_nx_put(struct ofw_arena *arena, const uint8_t *bytes, size_t len);
/* The bytes of the action at a, of at most `room` slots, and what they say. The action was decoded
 * before, so this does not fail. */
void ofw_nx_get(const struct ofw_action *a, struct ofw_nx *out);
void ofw_nx_encode(struct writer *w, const struct ofw_action *a);
/* How many slots a takes in its list. */
unsigned ofw_action_slots(const struct ofw_action *a);
/* Walks out->data of a LEARN: false at the end. 0 bytes are padding. */
bool nx_learn_next(struct reader *r, struct nx_learn_spec *s, struct ofw_error *e, bool *bad);
/* Arguments and, with m, whether the subfields' prerequisites are there. 0 or -1. */
int ofw_nx_check(const struct ofw_action *a, const struct flow_match *m, struct ofw_error *e);

#endif
