#include "base/flow.h"

#define SLOT(member, nbits, nm)                                        \
    {                                                                  \
        .name = nm, .offset = offsetof(struct flow_key, member),       \
        .bytes = sizeof(((struct flow_key *)0)->member), .bits = nbits \
    }
#define SLOT4(member, nm)                                                               \
    {                                                                                   \
        .name = nm, .offset = offsetof(struct flow_key, member), .bytes = 4, .bits = 32 \
    }

#define REGS(i, n, nm)                                                             \
    {                                                                              \
        .name = nm, .offset = offsetof(struct flow_key, reg[i]), .bytes = 4 * (n), \
        .bits = 32 * (n)                                                           \
    }

const struct flow_field_info flow_fields[FF_ALL] = {
    [FF_IN_PORT] = SLOT(in_port, 32, "in_port"),
    [FF_IN_PHY_PORT] = SLOT(in_phy_port, 32, "in_phy_port"),
    [FF_METADATA] = SLOT(metadata, 64, "metadata"),
    [FF_ETH_DST] = SLOT(eth_dst, 48, "eth_dst"),
    [FF_ETH_SRC] = SLOT(eth_src, 48, "eth_src"),
    [FF_ETH_TYPE] = SLOT(eth_type, 16, "eth_type"),
    [FF_VLAN_VID] = SLOT(vlan_vid, 13, "vlan_vid"),
    [FF_VLAN_PCP] = SLOT(vlan_pcp, 3, "vlan_pcp"),
    [FF_IP_DSCP] = SLOT(ip_dscp, 6, "ip_dscp"),
    [FF_IP_ECN] = SLOT(ip_ecn, 2, "ip_ecn"),
    [FF_IP_PROTO] = SLOT(ip_proto, 8, "ip_proto"),
    [FF_IPV4_SRC] = SLOT4(ip_src, "ipv4_src"),
    [FF_IPV4_DST] = SLOT4(ip_dst, "ipv4_dst"),
    [FF_TCP_SRC] = SLOT(l4_src, 16, "tcp_src"),
    [FF_TCP_DST] = SLOT(l4_dst, 16, "tcp_dst"),
    [FF_UDP_SRC] = SLOT(l4_src, 16, "udp_src"),
    [FF_UDP_DST] = SLOT(l4_dst, 16, "udp_dst"),
    [FF_SCTP_SRC] = SLOT(l4_src, 16, "sctp_src"),
    [FF_SCTP_DST] = SLOT(l4_dst, 16, "sctp_dst"),
    [FF_ICMPV4_TYPE] = SLOT(icmp_type, 8, "icmpv4_type"),
    [FF_ICMPV4_CODE] = SLOT(icmp_code, 8, "icmpv4_code"),
    [FF_ARP_OP] = SLOT(arp_op, 16, "arp_op"),
    [FF_ARP_SPA] = SLOT4(ip_src, "arp_spa"),
    [FF_ARP_TPA] = SLOT4(ip_dst, "arp_tpa"),
    [FF_ARP_SHA] = SLOT(arp_sha, 48, "arp_sha"),
    [FF_ARP_THA] = SLOT(arp_tha, 48, "arp_tha"),
    [FF_IPV6_SRC] = SLOT(ip_src, 128, "ipv6_src"),
    [FF_IPV6_DST] = SLOT(ip_dst, 128, "ipv6_dst"),
    [FF_IPV6_FLABEL] = SLOT(ipv6_flabel, 20, "ipv6_flabel"),
    [FF_ICMPV6_TYPE] = SLOT(icmp_type, 8, "icmpv6_type"),
    [FF_ICMPV6_CODE] = SLOT(icmp_code, 8, "icmpv6_code"),
    [FF_ND_TARGET] = SLOT(nd_target, 128, "ipv6_nd_target"),
    [FF_ND_SLL] = SLOT(arp_sha, 48, "ipv6_nd_sll"),
    [FF_ND_TLL] = SLOT(arp_tha, 48, "ipv6_nd_tll"),
    [FF_MPLS_LABEL] = SLOT(mpls_label, 20, "mpls_label"),
    [FF_MPLS_TC] = SLOT(mpls_tc, 3, "mpls_tc"),
    [FF_MPLS_BOS] = SLOT(mpls_bos, 1, "mpls_bos"),
    [FF_PBB_ISID] = SLOT(pbb_isid, 24, "pbb_isid"),
    [FF_TUNNEL_ID] = SLOT(tunnel_id, 64, "tunnel_id"),
    [FF_IPV6_EXTHDR] = SLOT(ipv6_exthdr, 9, "ipv6_exthdr"),
    [FF_TCP_FLAGS] = SLOT(tcp_flags, 12, "tcp_flags"),
    [FF_IP_FRAG] = SLOT(ip_frag, 2, "ip_frag"),
    [FF_IP_TTL] = SLOT(ip_ttl, 8, "nw_ttl"),
    [FF_TUN_SRC] = SLOT(tun_src, 32, "tun_src"),
    [FF_TUN_DST] = SLOT(tun_dst, 32, "tun_dst"),
    [FF_TUN_IPV6_SRC] = SLOT(tun6_src, 128, "tun_ipv6_src"),
    [FF_TUN_IPV6_DST] = SLOT(tun6_dst, 128, "tun_ipv6_dst"),
    [FF_CONJ_ID] = SLOT(conj_id, 32, "conj_id"),
    [FF_REG0 + 0] = REGS(0, 1, "reg0"),
    [FF_REG0 + 1] = REGS(1, 1, "reg1"),
    [FF_REG0 + 2] = REGS(2, 1, "reg2"),
    [FF_REG0 + 3] = REGS(3, 1, "reg3"),
    [FF_REG0 + 4] = REGS(4, 1, "reg4"),
    [FF_REG0 + 5] = REGS(5, 1, "reg5"),
    [FF_REG0 + 6] = REGS(6, 1, "reg6"),
    [FF_REG0 + 7] = REGS(7, 1, "reg7"),
    [FF_REG0 + 8] = REGS(8, 1, "reg8"),
    [FF_REG0 + 9] = REGS(9, 1, "reg9"),
    [FF_REG0 + 10] = REGS(10, 1, "reg10"),
    [FF_REG0 + 11] = REGS(11, 1, "reg11"),
    [FF_REG0 + 12] = REGS(12, 1, "reg12"),
    [FF_REG0 + 13] = REGS(13, 1, "reg13"),
    [FF_REG0 + 14] = REGS(14, 1, "reg14"),
    [FF_REG0 + 15] = REGS(15, 1, "reg15"),
    [FF_XREG0 + 0] = REGS(0, 2, "xreg0"),
    [FF_XREG0 + 1] = REGS(2, 2, "xreg1"),
    [FF_XREG0 + 2] = REGS(4, 2, "xreg2"),
    [FF_XREG0 + 3] = REGS(6, 2, "xreg3"),
    [FF_XREG0 + 4] = REGS(8, 2, "xreg4"),
    [FF_XREG0 + 5] = REGS(10, 2, "xreg5"),
    [FF_XREG0 + 6] = REGS(12, 2, "xreg6"),
    [FF_XREG0 + 7] = REGS(14, 2, "xreg7"),
    [FF_XXREG0 + 0] = REGS(0, 4, "xxreg0"),
    [FF_XXREG0 + 1] = REGS(4, 4, "xxreg1"),
    [FF_XXREG0 + 2] = REGS(8, 4, "xxreg2"),
    [FF_XXREG0 + 3] = REGS(12, 4, "xxreg3"),
};

void flow_match_set(struct flow_match *m, enum flow_field f, const void *value, const void *mask)
{
    uint8_t *k = flow_slot(&m->key, f), *w = flow_slot(&m->mask, f);
    const uint8_t *v = value, *vm = mask;
    for (unsigned i = 0; i < flow_fields[f].bytes; i++) {
        uint8_t bits = vm ? vm[i] : 0xff;
        w[i] = bits;
        k[i] = v[i] & bits;
    }
}

bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return memcmp(a->w, b->w, sizeof a->w) == 0;
}

bool flow_match_is_all(const struct flow_match *m)
{
    static const struct flow_key none;
    return flow_key_equal(&m->mask, &none);
}

bool flow_match_equal(const struct flow_match *a, const struct flow_match *b)
{
    return flow_key_equal(&a->key, &b->key) && flow_key_equal(&a->mask, &b->mask);
}

bool flow_match_overlaps(const struct flow_match *a, const struct flow_match *b)
{
    for (int i = 0; i < FLOW_WORDS; i++)
        if ((a->key.w[i] ^ b->key.w[i]) & a->mask.w[i] & b->mask.w[i])
            return false;
    return true;
}

bool flow_match_covers(const struct flow_match *wide, const struct flow_match *narrow)
{
    for (int i = 0; i < FLOW_WORDS; i++) {
        if (wide->mask.w[i] & ~narrow->mask.w[i])
            return false;
        if ((wide->key.w[i] ^ narrow->key.w[i]) & wide->mask.w[i])
            return false;
    }
    return true;
}
