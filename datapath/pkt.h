/* datapath/pkt.h: what the pipeline knows about one packet.
 *
 * A struct pkt lives in the private area of its mbuf (the pools are made with
 * priv_size = sizeof(struct pkt)), so a packet carries its own notes through
 * the stages and into the punt rings, and no stage needs an array on the side.
 * A clone copies it. Owned by whoever owns the mbuf. What every packet needs lies in the first
 * cache line, Ethernet to L4 in the second, what few rules look at behind.
 *
 * How much of the key is true is said by `depth`: parse goes as deep as the loaded tables
 * look (program.h), and whoever wants more, an edit or NORMAL switching, asks with
 * parse_need() (parse.h) first. Words of the key beyond the depth are undefined, and so are a
 * tunnel's addresses without PKT_TUN_KEY: only programs that look at them have them filled.
 *
 * Offsets are bytes from the first byte of the frame; 0 means "no such header".
 * The headers up to the end of L4 are always in the first segment (rx makes it so).
 */
#ifndef WEFT_DATAPATH_PKT_H
#define WEFT_DATAPATH_PKT_H

#include <rte_mbuf.h>
#include <stddef.h>
#include <string.h>

#include "base/flow.h"

struct port;
struct bridge;
struct rule;

enum pkt_flags {
    PKT_VLAN = 1 << 0,    /* a VLAN tag at vlan_off (always 12) */
    PKT_IP_BAD = 1 << 1,  /* L3 header is malformed; its fields read zero */
    PKT_L4_BAD = 1 << 2,  /* L4 header is cut off; its fields read zero */
    PKT_SENT = 1 << 3,    /* an action has sent it somewhere: not dropped when it ends */
    PKT_TUNNEL = 1 << 4,  /* it came out of a tunnel: tun_from is set */
    PKT_TUN_TO = 1 << 5,  /* l2 knows the endpoint that it goes to: tun_to is set */
    PKT_TUN_KEY = 1 << 6, /* the key's tunnel addresses say something */
    PKT_TUN_SET = 1 << 7, /* an action has said which endpoint it is to go to, in them */
    /* What parse leaves as it is. */
    PKT_NOT_PARSED = PKT_SENT | PKT_TUNNEL | PKT_TUN_TO | PKT_TUN_KEY | PKT_TUN_SET,
};

/* What of the headers is known. */
enum pkt_depth {
    PKT_DEPTH_PORT, /* nothing: where it came from, and metadata */
    PKT_DEPTH_L2,   /* Ethernet and the VLAN tags, with vlan_off, vlan_tags and l3_off */
    PKT_DEPTH_ALL,
};

_Static_assert(PKT_TUN_SET < 256, "flags are a byte");

struct pkt {
    struct port *in_port; /* NULL for a packet-out from the controller */
    struct bridge *bridge;
    const struct rule *rule; /* whose actions run, or ran last; NULL: none's */
    uint16_t l3_off;         /* after Ethernet and all VLAN tags */
    uint16_t l4_off;
    uint16_t payload_off;       /* after the L4 header */
    uint16_t mpls_off;          /* first MPLS label stack entry */
    uint8_t vlan_tags;          /* how many 802.1Q/ad tags are stacked */
    uint8_t flags;              /* enum pkt_flags */
    uint8_t table;              /* where classify looks next */
    uint8_t recirc;             /* times through the tables so far */
    uint16_t action_set;        /* worker's index of its action set */
    uint8_t has_action_set : 1; /* act: that action set is in use */
    uint8_t redirected : 1;     /* l2: on to the host that its VM moved to (redirect.h) */
    uint8_t has_regs : 1;       /* its registers and its stack are made: see pkt_regs() */
    uint8_t depth;              /* enum pkt_depth */
    struct flow_key key;
    /* Filled for a punt: */
    uint64_t cookie;    /* of the rule that sent it to control */
    uint16_t max_len;   /* controller's max_len */
    uint8_t reason;     /* enum punt_reason */
    uint16_t tun_from;  /* with PKT_TUNNEL: endpoint it came from (tunnel.h); 0: unknown */
    uint16_t tun_to;    /* with PKT_TUN_TO: endpoint */
    uint8_t tun_ttl;    /* with PKT_TUNNEL: of the outer header */
    uint8_t n_stack;    /* with has_regs: values on its stack */
    uint16_t resubmits; /* with has_regs: so far */
};

_Static_assert(offsetof(struct pkt, key.eth_dst) == 64, "Ethernet to L4 are one cache line");
_Static_assert(offsetof(struct pkt, key.ipv6_flabel) == 128, "Ethernet to L4 are one cache line");

/* The key's tunnel addresses read zero, unless they say something already. */
static inline void pkt_tunnel_key(struct pkt *p)
{
    if (!(p->flags & PKT_TUN_KEY))
        memset(&p->key.w[FLOW_PARSED], 0, (FLOW_REGS - FLOW_PARSED) * sizeof p->key.w[0]);
    p->flags |= PKT_TUN_KEY;
}

static inline struct pkt *pkt_of(struct rte_mbuf *m) { return (struct pkt *)rte_mbuf_to_priv(m); }

/* Registers and stack are zero and empty when a packet comes in; made so when the first asks for
 * them, since most bridges have no use for them. */
static inline void pkt_regs(struct pkt *k)
{
    if (k->has_regs)
        return;
    memset(&k->key.w[FLOW_REGS], 0, sizeof k->key.reg);
    k->n_stack = 0;
    k->resubmits = 0;
    k->has_regs = 1;
}

#endif
