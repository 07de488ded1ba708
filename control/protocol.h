/* control/protocol.h: the protocol thread.
 *
 * It drains learn events, ages FDBs, runs LACP, spanning trees and the underlay's neighbours,
 * driven by the punt rings' eventfds and timers and by nothing else, so that slow work of control
 * (a million flow-mods, a big dump) never delays it. What it shares with control (FDBs, ports that
 * go away) is behind short locks in the datapath.
 */
#ifndef WEFT_CONTROL_PROTOCOL_H
#define WEFT_CONTROL_PROTOCOL_H

#include "base/errbuf.h"
#include "datapath/switch.h"

struct gateway;
struct lag;
struct protocol;
struct span;
struct underlay;
struct vmports;

/* What it drives. */
struct protocol_parts {
    struct weft_switch *sw;
    struct lag *lag;           /* LACP */
    struct span *span;         /* spanning trees */
    struct gateway *gateway;   /* virtual routers */
    struct underlay *underlay; /* VTEPs' neighbours and ways */
    struct vmports *vms;       /* VMs' ports */
};

/* What the thread does in a turn, for stepped mode, too. Returns when it is next due. */
nsec_t protocol_turn(const struct protocol_parts *p, nsec_t now);

/* Copies parts. */
int protocol_start(const struct protocol_parts *parts, struct protocol **out, struct errbuf *e);
/* Something became due earlier than it knows. NULL is fine. */
void protocol_wake(struct protocol *p);
/* Joins the thread. NULL is fine. */
void protocol_stop(struct protocol *p);

#endif
