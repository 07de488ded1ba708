/* datapath/program.h: the machine's instruction set; what ofproto/compile emits.
 *
 * A bridge runs one `struct program`: an array of compiled tables whose rules
 * point at small action programs. Tables change in place (table.h): what a flow-mod, a
 * bundle or all before a barrier did is seen at once when the program's version is published,
 * one store. A burst reads the version once and sees the tables of that version until it is
 * through. What else is in a program is fixed: when it changes, another program with the same
 * tables takes its place, and the old one is freed after the RCU grace period.
 *
 * Nothing here says where a MAC lives, which port is up, or who is on a flood
 * list: that is read at run time, so a move is never a recompilation.
 *
 * The semantics are those of OpenFlow 1.3.5 section 5: a rule's `apply` ops run
 * at once, then the action set is cleared and merged, then metadata is written,
 * then goto. At the end of the pipeline the action set runs in the order of
 * section 5.10 and the packet is gone.
 */
#ifndef WEFT_DATAPATH_PROGRAM_H
#define WEFT_DATAPATH_PROGRAM_H

#include <stdatomic.h>

#include "base/flow.h"
#include "base/limits.h"
#include "datapath/shape.h"

enum op_code {
    OP_OUTPUT,     /* port, max_len (for CONTROLLER) */
    OP_SET_FIELD,  /* field, value, mask; max_len 1: if there is the field (OpenFlow 1.0) */
    OP_PUSH_VLAN,  /* ethertype; max_len 1: only where there is no tag (OpenFlow 1.0) */
    OP_POP_VLAN,   /* max_len 1: if there is one */
    OP_PUSH_MPLS,  /* ethertype */
    OP_POP_MPLS,   /* ethertype */
    OP_DEC_IP_TTL, /* TTL 0 or 1: packet-in OFPR_INVALID_TTL or drop */
    OP_SET_IP_TTL, /* ttl */
    OP_DEC_MPLS_TTL,
    OP_SET_MPLS_TTL, /* ttl */
    OP_COPY_TTL_OUT,
    OP_COPY_TTL_IN,
    OP_PUSH_PBB, /* ethertype */
    OP_POP_PBB,
    OP_GROUP, /* port: the group's number */
    /* Nicira's; their arguments are in `ext`. Those up to OP_RESUBMIT change the packet ... */
    OP_MOVE,         /* src to dst */
    OP_PUSH,         /* src */
    OP_POP,          /* dst */
    OP_MULTIPATH,    /* fields, basis, algorithm, max_link, arg; dst */
    OP_BUNDLE_LOAD,  /* as OP_BUNDLE; dst */
    OP_CHECK_LARGER, /* arg: bytes; dst */
    /* ... and these do something with it, or end it. */
    OP_RESUBMIT,   /* port (OFPP_IN_PORT: its own), table (255: the one it is in) */
    OP_OUTPUT_REG, /* src, max_len */
    OP_CONTROLLER, /* max_len; ttl: the reason */
    OP_BUNDLE,     /* fields, basis, algorithm; n: the OP_DATA behind it, arg: ports in them */
    OP_EXIT,
    OP_DATA, /* more of the operation before it: data */
    OP_COUNT,
};

/* Bits of a field, counted from its lowest. */
struct op_sub {
    uint8_t field; /* enum flow_field, views of registers included */
    uint16_t ofs, n_bits;
};

struct op_ext {
    struct op_sub src, dst;
    uint16_t n, fields, basis, algorithm, max_link;
    uint32_t arg;
};

enum { OP_DATA_PORTS = 8 };

/* One operation. Reserved ports are OpenFlow's (OFPP_*), host order. */
struct op {
    uint8_t code;  /* enum op_code */
    uint8_t field; /* enum flow_field, for OP_SET_FIELD */
    uint8_t ttl;
    be16 ethertype;
    uint16_t max_len; /* OP_OUTPUT to OFPP_CONTROLLER; 0xffff: whole frame */
    uint32_t port;    /* OP_OUTPUT, OP_GROUP */
    union {
        struct {
            uint8_t value[16]; /* OP_SET_FIELD: as in the field's slot */
            uint8_t mask[16];  /* OP_SET_FIELD: 0xff.. when not masked */
        };
        struct op_ext ext;
        uint32_t ports[OP_DATA_PORTS]; /* OP_DATA */
    };
};

/* Slots of the action set, in the order of execution (OpenFlow 1.3.5, 5.10). */
enum set_slot {
    SLOT_COPY_TTL_IN,
    SLOT_POP,
    SLOT_PUSH_MPLS,
    SLOT_PUSH_PBB,
    SLOT_PUSH_VLAN,
    SLOT_COPY_TTL_OUT,
    SLOT_DEC_TTL,
    SLOT_SET,
    SLOT_QOS,
    SLOT_GROUP,
    SLOT_OUTPUT,
};

/* Where an action set keeps this operation. A slot holds one operation of each code; SLOT_SET
 * one OP_SET_FIELD of each field. */
enum set_slot op_slot(enum op_code code);

struct op_list {
    uint16_t n;
    const struct op *ops;
};

#define RULE_NO_GOTO 0xff

/* A compiled rule: what a hit needs comes first, in one cache line. match and priority are kept for
 * traces and for building. Versions are those of bridge_publish(): a rule is there for whoever
 * reads under a version from birth on and before death (table.h). */
struct rule {
    uint64_t birth, death; /* control writes them; workers look at those that are unsettled */
    struct op_list apply;  /* Apply-Actions */
    struct op_list write;  /* Write-Actions, sorted by slot; merged into the action set */
    uint32_t stats_id;     /* flow_stats index: see stats.h; UINT32_MAX: none, don't touch any */
    uint32_t meter;        /* 0: none */
    uint16_t priority;
    uint8_t table;
    uint8_t goto_table; /* RULE_NO_GOTO: end of the pipeline */
    bool clear_set;     /* Clear-Actions */
    bool no_counts;     /* OFPFF_NO_PKT_COUNTS and NO_BYT_COUNTS: don't count */
    bool is_miss;       /* priority 0, matches all: OFPR_NO_MATCH for its packet-ins */
    be64 metadata, metadata_mask;
    uint64_t cookie;
    struct { /* test-and-trace handle: the model's flow */
        uint64_t id;
    } origin;
    uint32_t at; /* the table's: its place among those that are owned */
    struct flow_match match;
};

enum table_kind { TABLE_EMPTY, TABLE_DIRECT, TABLE_EXACT, TABLE_TUPLES };

/* A compiled table: see table.h. Opaque here. */
struct table;
struct idset;

struct program {
    /* bridge_publish()'s: grows with each publication in the switch */
    _Atomic uint64_t version;
    uint16_t n_tables;                 /* highest table id + 1 */
    struct table *tables[WEFT_TABLES]; /* NULL: empty (a miss) */
    struct idset *groups;              /* of struct group; NULL: none */
    struct idset *meters;              /* of struct meter; NULL: none */
    /* What a miss in a table without a table-miss rule does: drop (OpenFlow 1.3). */
    uint64_t fields_used[FLOW_WORDS]; /* union of all masks */
    uint8_t depth;                    /* enum pkt_depth: what they need to be parsed */
    bool tunnel_ends;                 /* they look at the addresses of tunnels */
    bool dear;                        /* the tables cost more than the flow cache does */
    bool cached;                      /* the tables are dear enough to ask the flow cache first */
    bool regs;                        /* rules look at registers */
    bool uncertain; /* a meter may change what later tables see: paths are not to be remembered */
    struct shape shape;   /* of fields_used; made by program_seal() */
    uint64_t shape_since; /* the version in which the bridge's shape became this one */
};

/* Allocates a program with no tables, version 0. NULL: no memory. */
struct program *program_create(void);
/* Puts table t (a reference is taken over by the program; NULL: none) at id, once per id. */
void program_set_table(struct program *p, uint8_t id, struct table *t);
/* Fixes p, a program of the bridge that runs `before` (NULL: none), before it is published with
 * this version. */
void program_seal(struct program *p, const struct program *before, uint64_t version);
/* Would p, sealed, be another when its tables have changed: other fields, or no longer as dear? */
bool program_is_outdated(const struct program *p);
/* Releases the tables and the program. Call after the grace period. NULL is fine. */
void program_free(struct program *p);
/* A program with one table-0 rule that outputs to NORMAL: a bridge without a controller.
 * The rule has no counters (stats_id UINT32_MAX) and is not a table-miss rule. NULL: no memory. */
struct program *program_normal(void);

#endif
