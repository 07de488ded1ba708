/* control/gateway.h: virtual routers for the switch: the glue between datapath/router.h, the
 * neighbour engine (neigh.h), VRRP (vrrp/vrrp.h) and the configuration.
 *
 * Control says what is wanted: routers with their routes, and which ports of kind "router" are
 * whose interfaces with which addresses. The protocol thread carries: messages of neighbours in and
 * out, packets that wait for one, echo replies and errors, VRRP's packets and gates. Both write
 * routes and next hops, so both hold the lock inside, nobody for long; workers need none.
 *
 * A neighbour that is known is a next hop with its MAC (struct gw_adj) and a host route to it.
 * A gateway of a static route is the same next hop: it works from the moment that ARP or ND
 * answers, and packets before that wait in control as any.
 */
#ifndef WEFT_CONTROL_GATEWAY_H
#define WEFT_CONTROL_GATEWAY_H

#include <jansson.h>

#include "control/config.h"
#include "control/log.h"
#include "datapath/switch.h"

struct gateway;

int gateway_create(struct weft_switch *sw, const struct log *log, struct gateway **out,
                   struct errbuf *e);
void gateway_free(struct gateway *g);

/* ---- control ---- */

/* Routers, interfaces and routes follow want, whose ports are all there. */
int gateway_apply(struct gateway *g, const struct config *want, struct errbuf *e);
/* Reads what the kernel says of routes that are mirrored. True: there may be more. */
bool gateway_kernel_run(struct gateway *g);
/* Before it is destroyed. */
void gateway_port_gone(struct gateway *g, struct port *p);

/* The daemon ends: VRRP's priority 0. The frames are in the routers' ports' queues then. */
void gateway_stop(struct gateway *g);
/* `weftctl vrrp show`. */
json_t *gateway_vrrp_json(struct gateway *g, const char *name);

/* What `weftctl router show`, `router route` and `router neigh` show; name NULL: of all. NULL: no
 * such router. */
json_t *gateway_json(struct gateway *g, const char *name);
json_t *gateway_routes_json(struct gateway *g, const char *name, const char *prefix);
json_t *gateway_neighbours_json(struct gateway *g, const char *name);

/* ---- protocol thread ---- */

/* A frame of PUNT_PROTO; takes it. False: it isn't VRRP, and still the caller's. */
bool gateway_rx(struct gateway *g, struct rte_mbuf *m, nsec_t now);
/* Everything that is due. Returns when to come again. */
nsec_t gateway_run(struct gateway *g, nsec_t now);

#endif
