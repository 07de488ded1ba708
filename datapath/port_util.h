/* datapath/port_util.h: what several kinds of port need.
 *
 * Frames as iovecs for the kinds that talk to the kernel, a stable MAC for those
 * whose device has none, and the addresses of a port's far end.
 */
#ifndef WEFT_DATAPATH_PORT_UTIL_H
#define WEFT_DATAPATH_PORT_UTIL_H

#include <sys/uio.h>

#include "datapath/port.h"

enum { PORT_IOV_MAX = 64 };

/* The segments of m as iovecs, from iov[0] on. Returns how many, or -EMSGSIZE when there are more
 * than max. */
int port_frame_iov(const struct rte_mbuf *m, struct iovec *iov, int max);

/* Appends len bytes to m, in new segments from pool after the room of the last. 0, or -ENOMEM
 * with m as long as it came out. */
int port_frame_append(struct rte_mbuf *m, const void *data, uint32_t len, struct rte_mempool *pool);

/* A locally administered unicast address, always the same for this name and salt. */
struct mac port_mac_from(const char *name, const char *salt);

/* True when m is a frame at all. Shorter than an Ethernet header: counted, freed, false. */
bool port_rx_whole(struct port *p, struct rte_mbuf *m);

#endif
