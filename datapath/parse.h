/* datapath/parse.h: frame -> struct pkt.
 *
 * One pass over the headers in the first segment, filling the flow key and the
 * offsets. It never fails: a header that is cut off or inconsistent leaves its
 * fields zero and sets PKT_IP_BAD/PKT_L4_BAD (OpenFlow 1.3.5 section 7.2.3.8
 * lets a switch treat it so), and the frame goes on by what is known of it.
 * Standards: IEEE 802.3, 802.1Q-2018 9.6 (tags 0x8100, 0x88a8), RFC 791, 8200
 * (extension headers walked), 826, 792, 4443, 4861, 9293, 768, 9260, 3032, 802.1ah.
 * Fields of `in_port`, `metadata` and `tunnel_id` are left as they are.
 *
 * Nearly every frame is Ethernet with at most one tag, IPv4 without options, and TCP or UDP:
 * those take a straight line through parse_quick.c; all others the general way. Both say
 * the same of a frame, which a property test and the fuzzer hold them to.
 */
#ifndef WEFT_DATAPATH_PARSE_H
#define WEFT_DATAPATH_PARSE_H

#include "datapath/pkt.h"

/* m->pkt_len must be at least 14 (rx drops shorter ones). Overwrites the key
 * (but in_port, in_phy_port, metadata, tunnel_id), offsets and flags of pkt_of(m). */
void parse(struct rte_mbuf *m);

/* The same, Ethernet and tags only: the key's words from eth_dst to vlan_pcp. */
void parse_l2(struct rte_mbuf *m);

/* Makes sure that as much of m is known. Before reading any field of its key. */
static inline void parse_need(struct rte_mbuf *m, enum pkt_depth depth)
{
    if (__builtin_expect(pkt_of(m)->depth >= depth, 1))
        return;
    if (depth == PKT_DEPTH_L2)
        parse_l2(m);
    else
        parse(m);
}

/* The same on plain bytes: what the unit tests and the fuzzer call, and what
 * parse() is made of. `len` counts the contiguous bytes at frame. */
void parse_bytes(struct pkt *p, const uint8_t *frame, size_t len);

#endif
