/* control/underlay.h: the ways of VTEPs over the underlay: neighbours, and which way is best.
 *
 * Glue between the engine of ARP and Neighbor Discovery (neigh.h) and the datapath's links, hops
 * and endpoints (datapath/tunnel.h). Each link of a VTEP is an interface of the engine with two of
 * our addresses on it: the link's and the VTEP's. Workers hand over what they hear, and frames to
 * endpoints whose next hop nobody knows; those wait in the engine and leave when it answers, or are
 * dropped by name when it gives up. Hops that workers use are kept reachable, and so are the
 * routers of routes, used or not, so that it is known beforehand where to go when one dies. What
 * the engine learns is stored in the hops; when a hop or a link comes or goes, every endpoint's way
 * is looked for again.
 *
 * Groups that ports flood to are joined by IGMP or MLD on each link (vxlan/member.h).
 *
 * Threads: the protocol thread runs it (in stepped mode weft_step()); control makes and changes
 * VTEPs between underlay_lock() and underlay_unlock().
 */
#ifndef WEFT_CONTROL_UNDERLAY_H
#define WEFT_CONTROL_UNDERLAY_H

#include "control/log.h"
#include "control/neigh.h"
#include "datapath/switch.h"
#include "datapath/tunnel.h"

struct underlay;

struct underlay_counters {
    uint64_t waited, sent, given_up; /* frames that waited for a neighbour */
    uint64_t reroutes;               /* endpoints that took another way */
};

int underlay_create(struct weft_switch *sw, const struct log *log, struct underlay **out,
                    struct errbuf *e);
void underlay_free(struct underlay *u);

/* While a VTEP is made, changed or destroyed. */
void underlay_lock(struct underlay *u);
void underlay_unlock(struct underlay *u);

/* ---- under the lock ---- */

/* A VTEP was made, or got other ports: its links are interfaces. Again is fine. */
int underlay_follow(struct underlay *u, const struct vtep *v, nsec_t now, struct errbuf *e);
/* It is about to go. */
void underlay_forget(struct underlay *u, const struct vtep *v, nsec_t now);
/* A neighbour that needs no asking; mac zero: asked for again. */
int underlay_static(struct underlay *u, struct vtep *v, const struct ip6 *ip, struct mac mac,
                    nsec_t now, struct errbuf *e);
/* What the engine knows of a hop. -ENOENT. */
int underlay_show(const struct underlay *u, const struct vtep *v, const struct hop *h,
                  struct neigh_info *info);

/* ---- the protocol thread, or stepped mode ---- */

/* All that is due. Returns when to come again. */
nsec_t underlay_run(struct underlay *u, nsec_t now);
/* Any thread: a link of a port came or went. */
void underlay_links(struct underlay *u, nsec_t now);

struct underlay_counters underlay_counters(struct underlay *u);

#endif
