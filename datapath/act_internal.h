/* datapath/act_internal.h: what the files of act share.
 *
 * act.c runs a rule's instructions, action_set.c gathers and orders the action
 * set (OpenFlow 1.3.5 sections 5.10, 5.11), act_output.c sends. A packet is always owned by
 * exactly one of them: what takes an mbuf sends it, drops it by name or gives it to control.
 * Workers.
 */
#ifndef WEFT_DATAPATH_ACT_INTERNAL_H
#define WEFT_DATAPATH_ACT_INTERNAL_H

#include "datapath/pipeline.h"

/* What became of a packet that a list of operations ran on: it is still there; it was sent, dropped
 * or given away; it is there, and nothing more is to be done with it but its action set. */
enum act_way { ACT_ON, ACT_GONE, ACT_EXIT };

/* act.c. Runs l. `ends`: nothing comes after it, so its last output may take m (ACT_GONE). */
enum act_way act_list(struct worker *w, struct rte_mbuf *m, const struct op_list *l, bool ends);
/* Counts n packets that matched r. */
void act_count(struct worker *w, const struct rule *r, struct rte_mbuf *const *m, uint16_t n);
void act_metadata(struct flow_key *k, const struct rule *r);
/* Outputs a copy, or m itself if it `takes` it. */
enum act_way act_send(struct worker *w, struct rte_mbuf *m, const struct op *op, bool takes);

/* act_nicira.c. Does the operation at *i of l, and steps over its data. */
enum act_way act_nicira(struct worker *w, struct rte_mbuf *m, const struct op_list *l, uint16_t *i,
                        bool ends);
/* Of a plain field or a register, as it is now; 128 bits. */
typedef unsigned __int128 act_bits;
act_bits act_sub_get(const struct flow_key *k, const struct op_sub *s);
/* Writes the field in frame and key. False: m is gone. */
bool act_sub_set(struct worker *w, struct rte_mbuf *m, const struct op_sub *s, act_bits v);

/* act_hash.c. Values for multipath, and the port of a bundle (OFPP_ANY: none is live). */
uint32_t act_multipath(const struct flow_key *k, const struct op_ext *x);
uint32_t act_bundle(const struct bridge *br, const struct flow_key *k, const struct op *op);

/* Does one edit. False: m is gone (a TTL that ran out, or no such header). */
bool act_edit(struct worker *w, struct rte_mbuf *m, const struct op *op);

/* OP_OUTPUT and OP_GROUP; takes m. For the first max_len and reason of an output by the rule that m
 * matched, which may be none. */
void act_output_op(struct worker *w, struct rte_mbuf *m, const struct op *op);

/* Runs l, behind which nothing comes: an action set in order, or a group's bucket; takes m. */
void act_list_end(struct worker *w, struct rte_mbuf *m, const struct op_list *l);

/* To a port by its number, below WEFT_PORTS_MAX; takes them. */
void act_output_burst(struct worker *w, struct rte_mbuf **m, uint16_t n, uint32_t ofp_port);

/* The packet ended: freed if it was sent somewhere before, else DROP_RULE_DROP. */
void act_end(struct worker *w, struct rte_mbuf *m);

/* Counts a copy that could not be made of m, which lives on. */
void act_no_mbuf(struct worker *w, const struct rte_mbuf *m);

/* Clear-Actions; Write-Actions; and what is left of the pipeline when no goto follows (takes m). */
void action_set_clear(struct rte_mbuf *m);
void action_set_merge(struct worker *w, struct rte_mbuf *m, const struct op_list *ops);
void action_set_run(struct worker *w, struct rte_mbuf *m);

#endif
