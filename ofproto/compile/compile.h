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

/* The next program after `running`, the last one made from this model (NULL: there is none, or
 * the bridge runs something else; all tables are built). Clears the model's dirty marks. NULL with
 * a message when memory is short or a flow asks for what the datapath can't do (which the model
 * refuses first): the running one goes on, the marks stay. */
struct program *ofc_compile(struct ofm *model, const struct program *running, struct errbuf *e);

/* A packet-out's actions as ops; ops has room for max. Returns the number, or -1: too many, or one
 * that the datapath can't do. */
int ofc_actions(const struct ofw_actions *a, struct op *ops, unsigned max);

#endif
