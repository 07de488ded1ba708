/* datapath/port_ring.h: a port whose other end is in this process.
 *
 * Two ring ports that are connected are a wire: what one sends the other
 * receives, in order. The simulator and the tests wire switches with it. The
 * ports may be of different switches, and of one. An unconnected one keeps what
 * is sent to it until somebody takes it by hand.
 *
 * A frame changes its switch, and so its mbuf pool, on the way: it is handed
 * over as it is and goes back to its own pool when freed. Destroy the switches
 * only when the wires are drained (closing a port drains what waits for it).
 *
 * port_ring_connect, _disconnect: control thread, while no worker polls either
 * port (stepped switches, or before they are in a bridge). port_ring_inject and
 * port_ring_take: any one thread each.
 */
#ifndef WEFT_DATAPATH_PORT_RING_H
#define WEFT_DATAPATH_PORT_RING_H

#include "datapath/port.h"

/* Wires a and b; a may be b (a loop). -EBUSY when one is wired already. */
int port_ring_connect(struct port *a, struct port *b);
/* Cuts p's wire, at both ends. Frames on it are lost. */
void port_ring_disconnect(struct port *p);

/* The link state that both the port and port_ops.link report. A wired port is down while it or its
 * far end is. Default: up. */
void port_ring_set_link(struct port *p, bool up);

/* Puts a frame in, as if it came from the far end. 0, -ENOSPC (full), -ENOMEM. */
int port_ring_inject(struct port *p, const void *frame, size_t len);
/* The same for an mbuf, which is taken on 0. */
int port_ring_inject_mbuf(struct port *p, struct rte_mbuf *m);
/* Takes the next frame that p sent (unconnected ports). Returns its length and copies at most cap
 * bytes, or -EAGAIN when there is none. */
int port_ring_take(struct port *p, void *frame, size_t cap);
/* The same as an mbuf, or NULL. */
struct rte_mbuf *port_ring_take_mbuf(struct port *p);

#endif
