/* base/flow.h: the flow key, the vocabulary that packets and rules share.
 *
 * parse fills a key from a frame; OpenFlow's matches are a (key, mask) pair;
 * the compiled tables compare the two word by word. Every field that OpenFlow
 * can match has a slot of its own, holding exactly the bytes that its OXM TLV
 * carries (network byte order, value right-aligned in its bytes). So decoding
 * a match is a copy, a set-field is a copy, and no code but the field table
 * knows an offset. Fields that exclude each other by their prerequisites share
 * a slot: arp_spa with ipv4_src, nd_sll with arp_sha, tcp_src with udp_src.
 * An IPv4 address lies in the first four bytes of its slot, the rest zero.
 *
 * The registers (Nicira's reg0 to reg15) are the packet's scratch: no header fills them, so parse
 * leaves them alone. They are undefined until someone asks for them: see pkt_regs() in
 * datapath/pkt.h. xreg and xxreg are two and four of them in a row, seen as one number: names for
 * moves and loads, not fields of their own.
 *
 * A field that the frame does not have reads zero. vlan_vid carries
 * OFPVID_PRESENT (0x1000) when there is a tag. A tunnel's endpoints are IPv4 or IPv6, in slots
 * apart, as no prerequisite would tell them from each other. Pure data, any thread.
 */
#ifndef WEFT_BASE_FLOW_H
#define WEFT_BASE_FLOW_H

#include "base/types.h"

#define FLOW_WORDS       30
#define FLOW_PARSED      17 /* words before are of the frame; then of the tunnel it came in by */
#define FLOW_REGS        22 /* words from here on are registers */
#define FLOW_VID_PRESENT 0x1000 /* OFPVID_PRESENT, host order */

struct flow_key {
    union {
        uint64_t w[FLOW_WORDS];
        struct {
            be64 metadata;      /* w0 */
            be64 tunnel_id;     /* w1 */
            be32 in_port;       /* w2: OpenFlow port number */
            be32 in_phy_port;   /* equals in_port but behind a bond or tunnel */
            struct mac eth_dst; /* w3 */
            be16 eth_type;      /* innermost after VLAN tags; 0x05ff: 802.2 without SNAP */
            struct mac eth_src; /* w4 */
            be16 vlan_vid;      /* outermost tag: VID | 0x1000, or 0 */
            uint8_t vlan_pcp;   /* w5: 0..7 */
            uint8_t ip_dscp;    /* 0..63 */
            uint8_t ip_ecn;     /* 0..3 */
            uint8_t ip_proto;   /* of ARP: unused, see arp_op */
            uint8_t icmp_type;  /* v4 or v6 */
            uint8_t icmp_code;
            be16 arp_op;
            struct ip6 ip_src; /* w6..7: ipv6_src, ipv4_src, arp_spa */
            struct ip6 ip_dst; /* w8..9: ipv6_dst, ipv4_dst, arp_tpa */
            be16 l4_src;       /* w10: TCP, UDP, SCTP */
            be16 l4_dst;
            be16 tcp_flags;
            be16 ipv6_exthdr;     /* OFPIEH_* bits */
            be32 ipv6_flabel;     /* w11: 20 bits */
            be32 mpls_label;      /* 20 bits; outermost entry */
            struct mac arp_sha;   /* w12: arp_sha, nd_sll */
            uint8_t mpls_tc;      /* 0..7 */
            uint8_t mpls_bos;     /* 0..1 */
            struct mac arp_tha;   /* w13: arp_tha, nd_tll */
            uint8_t ip_frag;      /* FLOW_FRAG_* bits; not an OXM field (Nicira ip_frag) */
            uint8_t ip_ttl;       /* not an OXM field of 1.3 (Nicira nw_ttl) */
            struct ip6 nd_target; /* w14..15 */
            uint8_t pbb_isid[3];  /* w16 */
            uint8_t pad0;
            be32 conj_id; /* only while a conjunction's own rule is looked for */
            be32 tun_src; /* w17: of the outer header, or for it; Nicira tun_ipv4_src */
            be32 tun_dst;
            struct ip6 tun6_src; /* w18..19 */
            struct ip6 tun6_dst; /* w20..21 */
            be32 reg[16];        /* w22..29 */
        };
    };
};

_Static_assert(sizeof(struct flow_key) == FLOW_WORDS * 8, "a key has no hidden padding");

/* OpenFlow's port numbers with a meaning of their own (OFPP_*, 1.1 and up). */
#define OFPP_MAX        0xffffff00u
#define OFPP_IN_PORT    0xfffffff8u
#define OFPP_TABLE      0xfffffff9u
#define OFPP_NORMAL     0xfffffffau
#define OFPP_FLOOD      0xfffffffbu
#define OFPP_ALL        0xfffffffcu
#define OFPP_CONTROLLER 0xfffffffdu
#define OFPP_LOCAL      0xfffffffeu
#define OFPP_ANY        0xffffffffu

#define FLOW_FRAG_ANY   1 /* any fragment */
#define FLOW_FRAG_LATER 2 /* offset not zero: no L4 header */

/* The 40 OXM fields of OpenFlow 1.3 (OFPXMT_OFB_*, in their order and with
 * their numbers), then what extensions add. */
enum flow_field {
    FF_IN_PORT,
    FF_IN_PHY_PORT,
    FF_METADATA,
    FF_ETH_DST,
    FF_ETH_SRC,
    FF_ETH_TYPE,
    FF_VLAN_VID,
    FF_VLAN_PCP,
    FF_IP_DSCP,
    FF_IP_ECN,
    FF_IP_PROTO,
    FF_IPV4_SRC,
    FF_IPV4_DST,
    FF_TCP_SRC,
    FF_TCP_DST,
    FF_UDP_SRC,
    FF_UDP_DST,
    FF_SCTP_SRC,
    FF_SCTP_DST,
    FF_ICMPV4_TYPE,
    FF_ICMPV4_CODE,
    FF_ARP_OP,
    FF_ARP_SPA,
    FF_ARP_TPA,
    FF_ARP_SHA,
    FF_ARP_THA,
    FF_IPV6_SRC,
    FF_IPV6_DST,
    FF_IPV6_FLABEL,
    FF_ICMPV6_TYPE,
    FF_ICMPV6_CODE,
    FF_ND_TARGET,
    FF_ND_SLL,
    FF_ND_TLL,
    FF_MPLS_LABEL,
    FF_MPLS_TC,
    FF_MPLS_BOS,
    FF_PBB_ISID,
    FF_TUNNEL_ID,
    FF_IPV6_EXTHDR,
    FF_OXM_COUNT, /* the fields above are OXM class 0x8000, number == enum */
    FF_TCP_FLAGS = FF_OXM_COUNT,
    FF_IP_FRAG,
    FF_IP_TTL,
    FF_TUN_SRC, /* IPv4; not OXM fields of 1.3 (Nicira tun_ipv4_src, ...), as the next three */
    FF_TUN_DST,
    FF_TUN_IPV6_SRC,
    FF_TUN_IPV6_DST,
    FF_CONJ_ID,
    FF_REG0,
    FF_REG15 = FF_REG0 + 15,
    FF_COUNT, /* what can be matched is below; from here on views of several registers */
    FF_XREG0 = FF_COUNT,
    FF_XREG7 = FF_XREG0 + 7,
    FF_XXREG0,
    FF_XXREG3 = FF_XXREG0 + 3,
    FF_ALL,
};

struct flow_field_info {
    const char *name; /* OXM name in lower case: "ipv4_src" */
    uint8_t offset;   /* of its slot in struct flow_key */
    uint8_t bytes;    /* of its slot, and of its OXM value */
    uint8_t bits;     /* significant low-order bits */
};

extern const struct flow_field_info flow_fields[FF_ALL];

/* A register, or several seen as one. */
static inline bool flow_field_is_reg(unsigned f) { return f >= FF_REG0 && f < FF_ALL; }

/* What a rule matches: key bits outside mask are zero. */
struct flow_match {
    struct flow_key key;
    struct flow_key mask;
};

static inline uint8_t *flow_slot(struct flow_key *k, enum flow_field f)
{
    return (uint8_t *)k + flow_fields[f].offset;
}
static inline const uint8_t *flow_slot_const(const struct flow_key *k, enum flow_field f)
{
    return (const uint8_t *)k + flow_fields[f].offset;
}

/* Sets field f to value under mask (both `bytes` long; mask NULL: exact). */
void flow_match_set(struct flow_match *m, enum flow_field f, const void *value, const void *mask);

/* True when key k is inside match m. */
static inline bool flow_match_hit(const struct flow_match *m, const struct flow_key *k)
{
    uint64_t diff = 0;
    for (int i = 0; i < FLOW_WORDS; i++)
        diff |= (k->w[i] & m->mask.w[i]) ^ m->key.w[i];
    return diff == 0;
}

bool flow_key_equal(const struct flow_key *a, const struct flow_key *b);
bool flow_match_equal(const struct flow_match *a, const struct flow_match *b);
/* Does it match everything? */
bool flow_match_is_all(const struct flow_match *m);

/* True when some key is inside both (OFPFF_CHECK_OVERLAP). */
bool flow_match_overlaps(const struct flow_match *a, const struct flow_match *b);

/* True when every key inside `narrow` is inside `wide` (non-strict delete and modify). */
bool flow_match_covers(const struct flow_match *wide, const struct flow_match *narrow);

#endif
