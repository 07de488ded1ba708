/* control/trace_priv.h: what the files of `weftctl trace` share.
 *
 * A trace is a dry run (datapath/trace.h) whose hooks write down what happened, in order, as JSON:
 * objects with an "event" of "table", "group", "normal", "out", "punt", "drop", "sent". What a rule
 * did to the packet is told by the difference between what it was before and at the next event.
 * Control.
 */
#ifndef WEFT_CONTROL_TRACE_PRIV_H
#define WEFT_CONTROL_TRACE_PRIV_H

#include <jansson.h>

#include "base/flow.h"
#include "control/weft_priv.h"

/* Fills out with a frame of at least 60 bytes; its length, 0: no room. */
size_t trace_frame(const struct flow_key *k, uint8_t *out, size_t cap);
/* What a key says, as a match: with registers, if they are made. */
void trace_match(const struct flow_key *k, bool with_regs, struct flow_match *m);
/* Why the two flows of a table that came nearest to `matched` (NULL: none matched), above it, did
 * not. */
json_t *trace_nearest(struct of_bridge *b, uint8_t table, const struct ofm_flow *matched,
                      const struct flow_key *k, bool with_regs);

#endif
