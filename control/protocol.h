/* control/protocol.h: the protocol thread.
 *
 * It drains learn events, ages FDBs, runs LACP and spanning trees, driven by the punt rings'
 * eventfds and timers and by nothing else, so that slow work of control (a million flow-mods, a big
 * dump) never delays it. What it shares with control (FDBs, ports that go away) is behind short
 * locks in the datapath.
 */
#ifndef WEFT_CONTROL_PROTOCOL_H
#define WEFT_CONTROL_PROTOCOL_H

#include "base/errbuf.h"
#include "datapath/switch.h"

struct gateway;
struct lag;
struct protocol;
struct span;

/* What the thread does in a turn, for stepped mode, too: frames of PUNT_PROTO, LACP, spanning
 * trees. Returns when it is next due. */
nsec_t protocol_turn(struct weft_switch *sw, struct lag *lag, struct span *span,
                     struct gateway *gateway, nsec_t now);

int protocol_start(struct weft_switch *sw, struct lag *lag, struct span *span,
                   struct gateway *gateway, struct protocol **out, struct errbuf *e);
/* Joins the thread. NULL is fine. */
void protocol_stop(struct protocol *p);

#endif
