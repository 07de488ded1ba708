/* control/protocol.h: the protocol thread.
 *
 * It drains learn events, ages FDBs and runs LACP, driven by the punt rings' eventfds and timers
 * and by nothing else, so that slow work of control (a million flow-mods, a big dump) never delays
 * it. What it shares with control (FDBs, ports that go away) is behind short locks in the datapath.
 */
#ifndef WEFT_CONTROL_PROTOCOL_H
#define WEFT_CONTROL_PROTOCOL_H

#include "base/errbuf.h"
#include "datapath/switch.h"

struct lag;
struct protocol;

/* What the thread does in a turn, for stepped mode, too: frames of PUNT_PROTO, LACP. Returns when
 * it is next due. */
nsec_t protocol_turn(struct weft_switch *sw, struct lag *lag, nsec_t now);

int protocol_start(struct weft_switch *sw, struct lag *lag, struct protocol **out,
                   struct errbuf *e);
/* Joins the thread. NULL is fine. */
void protocol_stop(struct protocol *p);

#endif
