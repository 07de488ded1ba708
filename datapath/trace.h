/* datapath/trace.h: what would become of a frame?
 *
 * The frame goes through the very code that others go through, on control's own worker: the live
 * program, the live FDB, bonds, tunnels, routers. What makes it dry: hooks are told of each
 * step, nothing is learnt or given to control, drops and meters aren't charged, every counter of
 * that worker is put back, and what would leave is taken out of the transmit queues and shown
 * instead. (Should one packet make more than 64 copies for one port, those beyond would be sent.)
 * Control thread.
 */
#ifndef WEFT_DATAPATH_TRACE_H
#define WEFT_DATAPATH_TRACE_H

#include "base/errbuf.h"
#include "datapath/worker.h"

/* m (taken) came in on `in`, with metadata, tunnel_id and registers of `as`. hook: all of its
 * functions; `dry` is set here. `sent` is told of each frame that would leave, in the end. 0 or
 * -ENOMEM. */
int trace_run(struct weft_switch *sw, struct port *in, struct rte_mbuf *m,
              const struct flow_key *as, struct trace_hook *hook,
              void (*sent)(void *ctx, const struct rte_mbuf *m, const struct port *p), nsec_t now,
              struct errbuf *e);

#endif
