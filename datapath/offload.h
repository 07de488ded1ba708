/* datapath/offload.h: checksums and segmentation in software, and virtio's header.
 *
 * A guest or a kernel that negotiated offloads hands over frames whose
 * checksum is not computed yet, or that are many segments long. The request
 * travels as mbuf flags and is resolved here at the last port that can't take
 * it. Also the one place that translates struct virtio_net_hdr (tap, af_packet).
 * A hostile sender's nonsense (offsets outside the frame, gso_size 0) is
 * refused: DROP_RX_BAD_OFFLOAD.
 */
#ifndef WEFT_DATAPATH_OFFLOAD_H
#define WEFT_DATAPATH_OFFLOAD_H

#include <rte_mbuf.h>

#include "base/types.h"

struct virtio_net_hdr;

/* virtio_net_hdr -> mbuf flags and lengths. 0, or -EINVAL for nonsense. */
int offload_from_vnet(struct rte_mbuf *m, const struct virtio_net_hdr *h);
/* mbuf flags -> virtio_net_hdr (zeroed when there is nothing to say). */
void offload_to_vnet(const struct rte_mbuf *m, struct virtio_net_hdr *h);

/* The same for a request that came another way (librte_vhost): a partial checksum in m's TCP or UDP
 * header, segments of gso_size bytes to cut (0: none). 0, or -EINVAL when its headers don't fit. */
int offload_request(struct rte_mbuf *m, bool csum, uint16_t gso_size);
/* Sets l2_len, l3_len, l4_len and the IPv4/IPv6 flags of a frame with requests from its headers as
 * they are now, which the pipeline may have changed. False when it has no TCP or UDP header. */
bool offload_set_lens(struct rte_mbuf *m);

/* True when m asks for something that caps (enum port_caps) does not have. */
bool offload_needs_software(const struct rte_mbuf *m, uint32_t caps);

/* Resolves what caps lacks. On return out[] holds the frames to send, all new
 * or m itself (ownership of m is taken); returns their number, 0 when it could
 * not be done (m is freed by the caller then: DROP_TX_OFFLOAD), at most max. */
uint16_t offload_resolve(struct rte_mbuf *m, uint32_t caps, struct rte_mempool *pool,
                         struct rte_mbuf **out, uint16_t max);

#endif
