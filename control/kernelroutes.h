/* control/kernelroutes.h: the kernel's routes and neighbours, mirrored for VTEPs that ask.
 *
 * Where a routing daemon (FRR, BIRD) speaks for the host, what it tells the kernel is the
 * underlay's truth: a VTEP with `kernel` takes its routes and neighbours from there, through
 * libnl's caches, as they change. A link of the VTEP stands for a device of that namespace: routes
 * with next hops on the device become routes with those next hops, and a usable neighbour there, if
 * it is an endpoint or next hop of ours, is one that needs no asking. Static routes of the
 * configuration come before routes of the same prefix. The kernel's state is only read, never
 * changed.
 *
 * Control thread. Its descriptors wake the loop; kernelroutes_run() does the rest.
 */
#ifndef WEFT_CONTROL_KERNELROUTES_H
#define WEFT_CONTROL_KERNELROUTES_H

#include "base/errbuf.h"
#include "datapath/tunnel.h"

struct kernelroutes;

/* A netlink socket of that namespace: "self", its name, or a path. 0 or -errno with a message. */
int kernelroutes_open(const char *netns, bool v6, struct kernelroutes **out, struct errbuf *e);
void kernelroutes_close(struct kernelroutes *k);
int kernelroutes_fd(const struct kernelroutes *k);
/* Reads what has come; true: something changed since it was last called. */
bool kernelroutes_poll(struct kernelroutes *k);

/* Main table's unicast routes over these devices (NULL: none), up to max; returns how many. *more:
 * there were others. */
unsigned kernelroutes_routes(struct kernelroutes *k, const char *const *devices, unsigned n_devices,
                             struct vtep_route_options *out, unsigned max, bool *more);
/* Calls fn for each neighbour with a usable MAC on a device, by the device's place in the list. */
void kernelroutes_neighbours(struct kernelroutes *k, const char *const *devices, unsigned n_devices,
                             void (*fn)(void *ctx, unsigned device, const struct ip6 *ip,
                                        struct mac mac),
                             void *ctx);

#endif
