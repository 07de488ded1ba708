/* datapath/route_internal.h: what the files of the route stage share.
 *
 * route.c forwards; route_frag.c cuts; route_local.c is about what a router itself has to do with:
 * neighbours, packets to its addresses, errors. Workers.
 */
#ifndef WEFT_DATAPATH_ROUTE_INTERNAL_H
#define WEFT_DATAPATH_ROUTE_INTERNAL_H

#include "datapath/pipeline.h"
#include "datapath/router.h"

struct route_burst {
    struct worker *w;
    struct router_if *ifc; /* where it came in */
    struct router *v;
    struct routing *r;
    uint16_t n4, n6;
    struct rte_mbuf *m4[WEFT_BURST], *m6[WEFT_BURST];
    uint32_t ip4[WEFT_BURST]; /* destinations, host order */
    struct ip6 ip6[WEFT_BURST];
    struct port *out_port; /* of `out` */
    struct burst out;
};

/* Is this destination, as mac_to_u64(), the interface's or one that VRRP has opened? */
bool route_is_mine(const struct router_if *ifc, uint64_t mac);

/* All take m. */
static inline void route_drop(struct route_burst *b, struct rte_mbuf *m, enum drop_reason why)
{
    worker_drop_at(b->w, b->ifc->port, m, why);
}
/* Not to our MAC, or ARP: multicast of neighbours and VRRP, or none of our business. */
void route_control(struct route_burst *b, struct rte_mbuf *m, uint16_t type, uint64_t dst);
/* To an address of ours. */
void route_local(struct route_burst *b, struct rte_mbuf *m, bool ip6);
/* Waits in control for the neighbour. */
void route_resolve(struct route_burst *b, struct rte_mbuf *m, uint32_t next);
/* Dropped; control gets a copy to say so to its sender. */
void route_error(struct route_burst *b, struct rte_mbuf *m, enum route_why why, uint16_t mtu,
                 enum drop_reason drop);
/* By the neighbour of n, whose number it is. */
void route_via(struct route_burst *b, struct rte_mbuf *m, struct next_hop *n, uint32_t number,
               bool ip6);
/* Longer than the way out allows: cut (IPv4 that allows it), or an error. */
void route_too_big(struct route_burst *b, struct rte_mbuf *m, struct next_hop *n, uint32_t number,
                   bool ip6);

#endif
