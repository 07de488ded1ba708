/* ofproto/compile/internal.h: one flow at a time. For ofproto/compile/.
 *
 * A flow's instructions become a rule: Apply-Actions stay a list; Write-Actions
 * are reduced to what the action set would hold of them, since a later action of
 * the same type overwrites (OpenFlow 1.3.5, 5.10), and sorted by slot.
 */
#ifndef WEFT_OFPROTO_COMPILE_INTERNAL_H
#define WEFT_OFPROTO_COMPILE_INTERNAL_H

#include "datapath/group.h"
#include "ofproto/model/model.h"

/* 0, or -EOPNOTSUPP: the model should have refused it. */
int ofc_action(const struct ofw_action *a, struct op *op);

/* Room that is enough for the operations of a list. */
unsigned ofc_ops_max(const struct ofw_actions *a);
/* nicira.c: of an experimenter's action; how many, -EOPNOTSUPP: beyond us, or more than max. */
int ofc_nicira(const struct ofw_action *a, struct op *op, unsigned max);

/* Reduces and sorts n ops in place; returns how many are left. */
unsigned ofc_write_set(struct op *ops, unsigned n);

/* The next program's groups, meters: those that didn't change are shared with `running` (NULL:
 * none). *out NULL when there are none. 0, -ENOMEM or -EOPNOTSUPP. */
int ofc_groups(const struct ofm *m, const struct idset *running, struct idset **out);
int ofc_meters(const struct ofm *m, const struct idset *running, struct idset **out);

/* May a meter change a packet's code point? Then its path through the tables is not the flow's. */
bool ofc_remarks(const struct ofm *m);

/* The rule of a flow. `scratch` has room for all the flow's actions. 0, -ENOMEM or -EOPNOTSUPP. */
int ofc_rule(const struct ofm_flow *f, struct op *scratch, struct rule **out);

#endif
