/* datapath/offload_internal.h: where a frame's headers are, for the offload files only.
 *
 * The pipeline pushes and pops tags after rx noted the header lengths, so they are found anew
 * whenever a request is read or resolved. Sums are of 16-bit words in memory order, not folded.
 */
#ifndef WEFT_DATAPATH_OFFLOAD_INTERNAL_H
#define WEFT_DATAPATH_OFFLOAD_INTERNAL_H

#include <rte_mbuf.h>

#include "base/types.h"

struct offload_hdrs {
    uint16_t l3_off, l4_off, payload_off; /* bytes from the start of the frame */
    uint32_t l4_bytes;                    /* L4 header and payload, as the IP length says */
    uint16_t csum_off;                    /* of the checksum field, from l4_off */
    uint8_t proto;                        /* IPPROTO_TCP or IPPROTO_UDP */
    bool ip6, mpls;
};

/* True when m is a whole TCP or UDP packet over IPv4 or IPv6, behind any VLAN tags and MPLS
 * labels, with its headers in the first segment and the length that IP tells inside the frame. */
bool offload_walk(const struct rte_mbuf *m, struct offload_hdrs *h);

/* n bytes from p on; odd: p is at an odd place of what is summed. */
uint64_t offload_sum(const uint8_t *p, size_t n, bool odd);
/* len bytes of a chain, from off on; the caller has checked that they are there. */
uint64_t offload_sum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t len);
/* Of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) for l4_bytes. */
uint64_t offload_sum_pseudo(const struct rte_mbuf *m, const struct offload_hdrs *h,
                            uint32_t l4_bytes);
uint16_t offload_fold(uint64_t sum);

static inline uint64_t offload_asked(const struct rte_mbuf *m)
{
    return m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG);
}

#endif
