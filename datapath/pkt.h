/* datapath/pkt.h: what the pipeline knows about one packet.
 *
 * A struct pkt lives in the private area of its mbuf (the pools are made with
 * priv_size = sizeof(struct pkt)), so a packet carries its own notes through
 * the stages and into the punt rings, and no stage needs an array on the side.
 * parse writes it whole; a clone copies it. Owned by whoever owns the mbuf.
 *
 * Offsets are bytes from the first byte of the frame; 0 means "no such header".
 * The headers up to the end of L4 are always in the first segment (rx makes it so).
 */
#ifndef WEFT_DATAPATH_PKT_H
#define WEFT_DATAPATH_PKT_H

#include <rte_mbuf.h>

#include "base/flow.h"

struct port;
struct bridge;
struct rule;

enum pkt_flags {
    PKT_VLAN = 1 << 0,   /* a VLAN tag at vlan_off (always 12) */
    PKT_IP_BAD = 1 << 1, /* L3 header is malformed; its fields read zero */
    PKT_L4_BAD = 1 << 2, /* L4 header is cut off; its fields read zero */
    PKT_SENT = 1 << 3,   /* an action has sent it somewhere: not dropped when it ends */
    PKT_TUNNEL = 1 << 4, /* it came out of a tunnel: tun_from is set */
    PKT_TUN_TO = 1 << 5, /* l2 knows the endpoint that it goes to: tun_to is set */
    PKT_NOT_PARSED = PKT_SENT | PKT_TUNNEL | PKT_TUN_TO, /* what parse leaves as it is */
};

struct pkt {
    struct flow_key key;
    struct port *in_port; /* NULL for a packet-out from the controller */
    struct bridge *bridge;
    uint16_t l3_off; /* after Ethernet and all VLAN tags */
    uint16_t l4_off;
    uint16_t payload_off;    /* after the L4 header */
    uint16_t mpls_off;       /* first MPLS label stack entry */
    uint8_t vlan_tags;       /* how many 802.1Q/ad tags are stacked */
    uint8_t flags;           /* enum pkt_flags */
    uint8_t table;           /* where classify looks next */
    uint8_t recirc;          /* times through the tables so far */
    const struct rule *rule; /* what classify found; NULL: miss */
    /* Filled for a punt: */
    uint64_t cookie;        /* of the rule that sent it to control */
    uint16_t max_len;       /* controller's max_len */
    uint8_t reason;         /* enum punt_reason */
    uint8_t has_action_set; /* act: the action set below is in use */
    uint16_t action_set;    /* worker's index of its action set */
    uint64_t trace;         /* weft-replay: index of its hit list + 1, or 0 */
    uint16_t tun_from;      /* with PKT_TUNNEL: endpoint it came from (tunnel.h); 0: unknown */
    uint16_t tun_to;        /* with PKT_TUN_TO: endpoint */
};

static inline struct pkt *pkt_of(struct rte_mbuf *m) { return (struct pkt *)rte_mbuf_to_priv(m); }

#endif
