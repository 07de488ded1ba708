/* control/carrier.h: looks at the carriers of bonds' members, in a thread of its own.
 *
 * Asking a kernel device for its carrier waits for the kernel's one lock of network configuration
 * (RTNL), which somebody who deletes a namespace may hold for long. The protocol thread must not
 * wait for that, or PDUs would be late; so this thread asks, every CARRIER_POLL_MS, stores
 * port.link_up, and lets bonds follow at once when one has changed. In stepped mode there is no
 * such thread, and lag_run() asks.
 */
#ifndef WEFT_CONTROL_CARRIER_H
#define WEFT_CONTROL_CARRIER_H

#include "base/errbuf.h"
#include "datapath/switch.h"

enum { CARRIER_POLL_MS = 3, CARRIER_IDLE_MS = 100 /* while there is no bond */ };

struct carrier;

int carrier_start(struct weft_switch *sw, struct carrier **out, struct errbuf *e);
/* Joins the thread. NULL is fine. */
void carrier_stop(struct carrier *c);

#endif
