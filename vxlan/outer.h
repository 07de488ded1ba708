/* vxlan/outer.h: the underlay's headers around a tenant's frame, taken off and put on.
 *
 *   Ethernet | [802.1Q] | IPv4 or IPv6 | UDP | VXLAN | the tenant's Ethernet frame
 *
 * Off: outer_decode() is told who we are and looks at a frame once, from the
 * left. What isn't for our address is OUTER_OTHER and none of our business; what is, but
 * isn't right in every way, has a verdict by which it is dropped. Lengths are believed
 * only when all agree: IP's within the frame, UDP's within IP's. The UDP checksum is left to
 * the caller, who knows where the payload's segments lie.
 *
 * On: all that doesn't change from frame to frame of one remote VTEP is built once,
 * by outer_prebuild(), and outer_patch() copies it before the frame and fills in lengths, VNI,
 * source port, traffic class and the IPv4 checksum, which is an addition of a few
 * numbers to what was summed beforehand.
 *
 * RFC 7348 (VXLAN), 791, 8200, 768, 6864 (the ID of what is never fragmented), 6438
 * (flow label), 6040 and 2983 (ECN and DSCP of tunnels), 6935 and 6936 (zero checksums).
 * Pure; an IPv4 address lies in the first four bytes of a struct ip6, the rest zero.
 */
#ifndef WEFT_VXLAN_OUTER_H
#define WEFT_VXLAN_OUTER_H

#include "vxlan/vxlan.h"

enum {
    OUTER_BYTES_MAX = 14 + 4 + 40 + 8 + VXLAN_BYTES, /* with one tag */
    OUTER_BYTES_IPV4 = 14 + 20 + 8 + VXLAN_BYTES,
    OUTER_BYTES_IPV6 = 14 + 40 + 8 + VXLAN_BYTES,
};

/* ------------------------------------------------------------ off */

/* Who we are: one VTEP. */
struct outer_local {
    struct mac mac;
    uint16_t vlan; /* underlay VLAN; 0: untagged */
    bool v6;
    struct ip6 ip;
    uint16_t udp_port; /* 4789 */
    enum vxlan_kind kind;
    bool zero_csum6;          /* a UDP checksum of zero is taken over IPv6, too (RFC 6935) */
    const struct ip6 *groups; /* multicast groups that we have joined */
    unsigned n_groups;
};

enum outer_verdict {
    OUTER_OK,
    OUTER_OTHER,      /* not to our addresses: leave it alone */
    OUTER_BAD_IP,     /* header or lengths make no sense, IPv4 checksum wrong */
    OUTER_FRAGMENT,   /* RFC 7348 section 4.3: a VTEP does not reassemble */
    OUTER_NOT_VXLAN,  /* to our address, but another protocol or UDP port */
    OUTER_BAD_UDP,    /* UDP's length doesn't fit */
    OUTER_NO_CSUM,    /* checksum zero over IPv6, not allowed here (RFC 8200 section 8.1) */
    OUTER_BAD_HEADER, /* vxlan_decode() said no */
};

struct outer {
    struct ip6 src, dst;
    bool multicast; /* to one of the groups */
    uint8_t tos;    /* traffic class: DSCP and ECN */
    uint8_t ttl;
    uint16_t src_port;
    uint16_t l3_off, udp_off;
    uint16_t inner_off; /* where the tenant's frame begins */
    uint32_t inner_len;
    be16 udp_csum;           /* 0: none */
    enum vxlan_error header; /* why, with OUTER_BAD_HEADER */
    struct vxlan vxlan;
};

/* len bytes are contiguous at frame, total is its length; with all headers inside len. */
enum outer_verdict outer_decode(const struct outer_local *me, const uint8_t *frame, size_t len,
                                size_t total, struct outer *out);

/* The ECN that a decapsulated packet has, from the two that arrived: RFC 6040 figure 4.
 * -1: it is to be dropped (congestion was marked, and the inner end doesn't know ECN). */
int outer_ecn(uint8_t outer_tos, uint8_t inner_tos);

/* ------------------------------------------------------------ on */

struct outer_path {
    struct mac src, dst;
    uint16_t vlan; /* 0: untagged */
    bool v6;
    struct ip6 src_ip, dst_ip;
    uint16_t udp_port;
    uint8_t ttl;
    bool df; /* IPv4: never fragment */
    enum vxlan_kind kind;
};

struct outer_head {
    uint8_t b[OUTER_BYTES_MAX];
    uint8_t len, l3_off, udp_off; /* VXLAN begins 8 behind UDP */
    bool v6, df;
    uint32_t ip_sum; /* of the IPv4 header as it lies in b */
};

struct outer_patch {
    uint32_t vni;
    uint32_t inner_len; /* bytes of the tenant's frame; all fits 65535 */
    uint16_t src_port;
    uint16_t ip_id;  /* IPv4 without DF */
    uint32_t flabel; /* IPv6: 20 bits */
    uint8_t tos;
};

void outer_prebuild(const struct outer_path *p, struct outer_head *out);
/* Writes h->len bytes at `to`; the UDP checksum is zero. */
void outer_patch(const struct outer_head *h, const struct outer_patch *p, uint8_t *to);
/* Sum (see base/csum.h) of what UDP's checksum covers beside UDP itself: the pseudo-header. */
uint32_t outer_pseudo_sum(const uint8_t *l3, bool v6, uint16_t udp_len);

#endif
