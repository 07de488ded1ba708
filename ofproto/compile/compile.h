/* ofproto/compile/compile.h: model -> program.
 *
 * Reads the model's dirty tables, builds their images, shares the rest with the
 * program that runs, and returns the next program for bridge_publish(). The
 * only place where OpenFlow's structs meet the datapath's. Control thread.
 */
#ifndef WEFT_OFPROTO_COMPILE_COMPILE_H
#define WEFT_OFPROTO_COMPILE_COMPILE_H

#include "base/errbuf.h"
#include "datapath/program.h"
#include "ofproto/model/model.h"

/* The next program after `running` (NULL: from nothing). Clears the model's
 * dirty marks. NULL with a message when memory is short: the running one goes on, the marks stay.
 */
struct program *ofc_compile(struct ofm *model, const struct program *running, struct errbuf *e);

/* A packet-out's actions as ops; ops has room for max. Returns the number or -1. */
int ofc_actions(const struct ofw_actions *a, struct op *ops, unsigned max);

#endif
