/* ofproto/model/model.h: the flow tables of one bridge, as OpenFlow means them.
 *
 * The model is the truth that controllers talk to: tables of flows with
 * priorities, cookies, timeouts and counters, and flow-mod's semantics (1.3.5
 * sections 6.4, 6.5). It knows no wire and no datapath: ofproto/compile reads it to make programs,
 * and the counters come through `struct ofm_counters`. Effects are pulled: flows that ended wait in
 * a queue (ofm_removed), and a bitmap says which tables changed. Pure: `now` comes in;
 * single-threaded (control).
 */
#ifndef WEFT_OFPROTO_MODEL_MODEL_H
#define WEFT_OFPROTO_MODEL_MODEL_H

#include "base/errbuf.h"
#include "base/limits.h"
#include "ofproto/wire/msg.h"

struct ofm;

/* Where counters live (the datapath, or a test). ids are the datapath's stats_id. */
struct ofm_counters {
    void *ctx;
    uint32_t (*get)(void *ctx);          /* UINT32_MAX: none left */
    void (*put)(void *ctx, uint32_t id); /* no longer needed (may still be read by workers) */
    void (*read)(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used);
};

struct ofm_flow {
    uint64_t id; /* never reused in a model */
    struct flow_match match;
    uint16_t priority, flags, idle_s, hard_s;
    uint8_t table;
    bool persistent; /* came from configuration or weftctl: kept across restarts */
    uint64_t cookie;
    nsec_t created_ns, modified_ns;
    struct ofw_instructions instr; /* actions owned by the flow */
    uint32_t stats_id;
    uint64_t base_packets, base_bytes; /* subtracted: OFPFF_RESET_COUNTS */
};

struct ofm_table_info {
    uint32_t flows, max;
};

/* NULL: no memory. */
struct ofm *ofm_create(uint32_t max_flows_per_table, const struct ofm_counters *c);
void ofm_free(struct ofm *m);

/* ADD, MODIFY(_STRICT), DELETE(_STRICT). All or nothing: on -1 nothing changed and *e
 * says why. `persistent` marks what ADD makes. The actions are copied. */
int ofm_flow_mod(struct ofm *m, const struct ofw_flow_mod *mod, bool persistent, nsec_t now,
                 struct ofw_error *e);

/* Ends flows whose time has come; cheap when none is due. */
void ofm_tick(struct ofm *m, nsec_t now);
/* When ofm_tick should next run (idle timeouts are looked at every second at most). */
nsec_t ofm_deadline(const struct ofm *m);

/* The next flow that ended with OFPFF_SEND_FLOW_REM; false: none. */
bool ofm_removed(struct ofm *m, struct ofw_flow_removed *out);

/* Tables changed since last taken: bit per table; clears. */
void ofm_take_dirty(struct ofm *m, uint64_t tables[4]);
bool ofm_is_dirty(const struct ofm *m);

/* ---- change.c: what changed, for the one who keeps an image of each flow (ofproto/compile) ----
 */

struct ofm_change {
    const struct ofm_flow *flow;
    bool ended;   /* nothing is to be done but to take the image away */
    void *image;  /* what *fresh was the last time; NULL: there is none yet */
    void **fresh; /* the new image, NULL at first: kept by ofm_changes_done() */
};
/* Each flow that came, was modified or ended since the last ofm_changes_done(), once; a flow that
 * took another's place is two. The same each time in the same order. fn returns false to stop. */
void ofm_each_change(const struct ofm *m, bool (*fn)(void *ctx, const struct ofm_change *c),
                     void *ctx);
/* Fresh images take the place of the old ones, and the changes are forgotten. */
void ofm_changes_done(struct ofm *m);
/* No flow has an image any more: all are changes. */
void ofm_forget_images(struct ofm *m);

/* Every flow of the table (OFPTT_ALL: of all) in order of table, then priority descending, then
 * age. */
void ofm_each(const struct ofm *m, uint8_t table, bool (*fn)(void *ctx, const struct ofm_flow *f),
              void *ctx);
/* Those that a FLOW/AGGREGATE multipart selects (non-strict match, cookie, out_port). */
void ofm_select(const struct ofm *m, const struct ofw_multipart_req *q,
                bool (*fn)(void *ctx, const struct ofm_flow *f), void *ctx);
/* The same in portions: fn returns false at a flow that it has no room for, and the next call
 * with the same cursor begins at that one. The model may change in between: flows that stay are
 * seen once. A zeroed cursor begins. True: that was all. */
struct ofm_cursor {
    uint8_t table;
    uint16_t priority;
    uint64_t id; /* 0: at the beginning */
};
bool ofm_select_from(const struct ofm *m, const struct ofw_multipart_req *q, struct ofm_cursor *at,
                     bool (*fn)(void *ctx, const struct ofm_flow *f), void *ctx);
/* The flow of just this match and priority, or NULL. */
const struct ofm_flow *ofm_find(const struct ofm *m, uint8_t table, const struct flow_match *match,
                                uint16_t priority);
/* The flow with this id (a rule's origin.id), or NULL. */
const struct ofm_flow *ofm_by_id(const struct ofm *m, uint64_t id);
struct ofm_table_info ofm_table(const struct ofm *m, uint8_t table);
void ofm_flow_stats(const struct ofm *m, const struct ofm_flow *f, nsec_t now,
                    struct ofw_flow_stats *out);
uint32_t ofm_flow_count(const struct ofm *m);
/* Deletes all flows (a fail-mode change), each with its flow-removed if it asked for one.
 * persistent_too false keeps configured ones. */
void ofm_clear(struct ofm *m, bool persistent_too, nsec_t now);

/* ---- text_*.c: ovs-ofctl's flow syntax (see ovs-ofctl(8), ovs-fields(7), ovs-actions(7)) ---- */

struct ofm_names { /* port names to numbers and back; it, or either of the two, may be NULL */
    void *ctx;
    bool (*number)(void *ctx, const char *name, uint32_t *no);
    const char *(*name)(void *ctx, uint32_t no);
};

/* "table=0,priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2" -> flow-mod of `command`.
 * Actions go to the arena (reset it before). 0, or -EINVAL with a message that shows the
 * offending word and what was expected. Without "table=" DELETE means all tables, the others table
 * 0. Other than ADD take "cookie=v/mask" as a filter (no mask: all bits). DELETE takes no actions
 * and no priority; DELETE_STRICT takes the whole text of a flow, its actions are ignored. */
int ofm_text_parse(const char *text, enum ofw_flow_command command, const struct ofm_names *names,
                   struct ofw_arena *arena, struct ofw_flow_mod *out, struct errbuf *e);
/* A packet-out's list: "output:2,normal", the part after "actions=". Here TABLE is allowed. */
int ofm_text_parse_actions(const char *text, const struct ofm_names *names, struct ofw_arena *arena,
                           struct ofw_actions *out, struct errbuf *e);
struct strbuf;
/* A field's value, as its slot holds it: "10.0.0.1". */
void ofm_text_value(struct strbuf *b, enum flow_field f, const uint8_t *value,
                    const struct ofm_names *names);
/* "priority=10,ip,nw_dst=10.0.0.0/8" */
void ofm_text_match(struct strbuf *b, const struct flow_match *m, uint16_t priority,
                    const struct ofm_names *names);
/* "actions=..." without the word; instructions as ovs-ofctl prints them */
void ofm_text_actions(struct strbuf *b, const struct ofw_instructions *i,
                      const struct ofm_names *names);
/* As a flow that ofm_text_parse takes back: "table=0,priority=10,...,actions=..." */
void ofm_text_flow(struct strbuf *b, const struct ofm_flow *f, const struct ofm_names *names);
/* As ovs-ofctl dump-flows prints it, with counters. */
void ofm_text_stats(struct strbuf *b, const struct ofw_flow_stats *s,
                    const struct ofm_names *names);

#endif
