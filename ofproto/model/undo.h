/* ofproto/model/undo.h: several changes of a model, all of them or none.
 *
 * Each change made through an undo is preceded by notes on what it is about to touch: flows, groups
 * and meters as they were, or that they were not there. undo_back() puts everything back, latest
 * first; undo_free() forgets. The notes are copies (a flow costs some 150 bytes and its actions),
 * bounded by max_bytes, so that changes of a million flows can't take all memory. What is put back
 * has its counters, cookie, age and timeouts again; a flow with an idle timeout gets a new period.
 * Nobody is told of flows that ended and came back, if who uses this takes ofm_removed() before the
 * first change, and drops what it holds after undo_back(). Control thread.
 */
#ifndef WEFT_OFPROTO_MODEL_UNDO_H
#define WEFT_OFPROTO_MODEL_UNDO_H

#include "ofproto/model/meter.h"

struct ofm_undo;

/* NULL: no memory. */
struct ofm_undo *ofm_undo_create(struct ofm *m, size_t max_bytes);
void ofm_undo_free(struct ofm_undo *u);

/* As ofm_flow_mod() and so on. On -1 this one changed nothing; those before it stand until
 * ofm_undo_back(). */
int ofm_undo_flow_mod(struct ofm_undo *u, const struct ofw_flow_mod *mod, nsec_t now,
                      struct ofw_error *e);
int ofm_undo_group_mod(struct ofm_undo *u, const struct ofw_group_mod *mod, nsec_t now,
                       struct ofw_error *e);
int ofm_undo_meter_mod(struct ofm_undo *u, const struct ofw_meter_mod *mod, nsec_t now,
                       struct ofw_error *e);

/* Undoes all of them; returns how many things could not be put back (no memory). */
unsigned ofm_undo_back(struct ofm_undo *u, nsec_t now);

#endif
