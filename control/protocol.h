/* control/protocol.h: the protocol thread.
 *
 * It drains learn events and ages FDBs, driven by the punt ring's eventfd and a timer and by
 * nothing else, so that slow work of control (a million flow-mods, a big dump) never delays it.
 * What it shares with control (FDBs, ports that go away) is behind short locks in the datapath.
 */
#ifndef WEFT_CONTROL_PROTOCOL_H
#define WEFT_CONTROL_PROTOCOL_H

#include "base/errbuf.h"
#include "datapath/switch.h"

struct protocol;

int protocol_start(struct weft_switch *sw, struct protocol **out, struct errbuf *e);
/* Joins the thread. NULL is fine. */
void protocol_stop(struct protocol *p);

#endif
