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
