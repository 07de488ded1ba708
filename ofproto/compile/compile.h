/* ofproto/compile/compile.h: model -> program.
 *
 * Does what changed in the model's flows to the tables of the program that runs, for the next
 * version (datapath/table.h), and returns the program for bridge_publish(): the same one, or
 * another with the same tables when more than their rules has changed. The
 * only place where OpenFlow's structs meet the datapath's. Control thread.
 */
#ifndef WEFT_OFPROTO_COMPILE_COMPILE_H
#define WEFT_OFPROTO_COMPILE_COMPILE_H

#include "base/errbuf.h"
#include "datapath/program.h"
#include "ofproto/model/model.h"

/* The program of `version`, the next one to be published, after `running`, the last one made from
 * this model (NULL: there is none, or the bridge runs something else; all flows get new images).
 * Clears the model's changes and marks. NULL with a message when memory is short or a flow asks for
 * what the datapath can't do (which the model refuses first): the running one goes on as it is, the
 * changes stay. */
struct program *ofc_compile(struct ofm *model, struct program *running, uint64_t version,
                            struct errbuf *e);

/* A packet-out's actions as ops; ops has room for max. Returns the number, or -1: too many, or one
 * that the datapath can't do. */
int ofc_actions(const struct ofw_actions *a, struct op *ops, unsigned max);

#endif
