/* The OXM fields: which may be masked or set, and what each requires (1.3.5, table 12). */
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

enum {
    ETH_IPV4 = 0x0800,
    ETH_ARP = 0x0806,
    ETH_IPV6 = 0x86dd,
    ETH_MPLS = 0x8847,
    ETH_MPLS_MC = 0x8848,
    ETH_PBB = 0x88e7,
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ICMPV6 = 58,
    IP_SCTP = 132,
    ND_SOLICIT = 135,
    ND_ADVERT = 136
};

enum need {
    NEED_NOTHING,
    NEED_IN_PORT,
    NEED_VLAN,
    NEED_IP,
    NEED_IPV4,
    NEED_IPV6,
    NEED_ARP,
    NEED_MPLS,
    NEED_PBB,
    NEED_TCP,
    NEED_UDP,
    NEED_SCTP,
    NEED_ICMPV4,
    NEED_ICMPV6,
    NEED_ND,
    NEED_ND_SOLICIT,
    NEED_ND_ADVERT
};

enum { MASK = 1, SET = 2 };

/* Set-field takes every field but the pipeline's own (in_port, in_phy_port, metadata:
 * 7.2.4, OFPAT_SET_FIELD), and but ipv6_exthdr, which sums up headers and is none. Ports may be
 * masked, beyond the standard, as with Open vSwitch: it is how its users write a range. */
static const struct {
    uint8_t need, can;
} oxm[FF_ALL] = {
    [FF_IN_PORT] = {NEED_NOTHING, 0},
    [FF_IN_PHY_PORT] = {NEED_IN_PORT, 0},
    [FF_METADATA] = {NEED_NOTHING, MASK},
    [FF_ETH_DST] = {NEED_NOTHING, MASK | SET},
    [FF_ETH_SRC] = {NEED_NOTHING, MASK | SET},
    [FF_ETH_TYPE] = {NEED_NOTHING, SET},
    [FF_VLAN_VID] = {NEED_NOTHING, MASK | SET},
    [FF_VLAN_PCP] = {NEED_VLAN, SET},
    [FF_IP_DSCP] = {NEED_IP, SET},
    [FF_IP_ECN] = {NEED_IP, SET},
    [FF_IP_PROTO] = {NEED_IP, SET},
    [FF_IPV4_SRC] = {NEED_IPV4, MASK | SET},
    [FF_IPV4_DST] = {NEED_IPV4, MASK | SET},
    [FF_TCP_SRC] = {NEED_TCP, MASK | SET},
    [FF_TCP_DST] = {NEED_TCP, MASK | SET},
    [FF_UDP_SRC] = {NEED_UDP, MASK | SET},
    [FF_UDP_DST] = {NEED_UDP, MASK | SET},
    [FF_SCTP_SRC] = {NEED_SCTP, MASK | SET},
    [FF_SCTP_DST] = {NEED_SCTP, MASK | SET},
    [FF_ICMPV4_TYPE] = {NEED_ICMPV4, SET},
    [FF_ICMPV4_CODE] = {NEED_ICMPV4, SET},
    [FF_ARP_OP] = {NEED_ARP, SET},
    [FF_ARP_SPA] = {NEED_ARP, MASK | SET},
    [FF_ARP_TPA] = {NEED_ARP, MASK | SET},
    [FF_ARP_SHA] = {NEED_ARP, MASK | SET},
    [FF_ARP_THA] = {NEED_ARP, MASK | SET},
    [FF_IPV6_SRC] = {NEED_IPV6, MASK | SET},
    [FF_IPV6_DST] = {NEED_IPV6, MASK | SET},
    [FF_IPV6_FLABEL] = {NEED_IPV6, MASK | SET},
    [FF_ICMPV6_TYPE] = {NEED_ICMPV6, SET},
    [FF_ICMPV6_CODE] = {NEED_ICMPV6, SET},
    [FF_ND_TARGET] = {NEED_ND, SET},
    [FF_ND_SLL] = {NEED_ND_SOLICIT, SET},
    [FF_ND_TLL] = {NEED_ND_ADVERT, SET},
    [FF_MPLS_LABEL] = {NEED_MPLS, SET},
    [FF_MPLS_TC] = {NEED_MPLS, SET},
    [FF_MPLS_BOS] = {NEED_MPLS, SET},
    [FF_PBB_ISID] = {NEED_PBB, MASK | SET},
    [FF_TUNNEL_ID] = {NEED_NOTHING, MASK | SET},
    [FF_IPV6_EXTHDR] = {NEED_IPV6, MASK},
    [FF_TCP_FLAGS] = {NEED_TCP, MASK},
    [FF_IP_FRAG] = {NEED_IP, MASK},
    [FF_TUN_SRC] = {NEED_NOTHING, MASK | SET},
    [FF_TUN_DST] = {NEED_NOTHING, MASK | SET},
    [FF_TUN_IPV6_SRC] = {NEED_NOTHING, MASK | SET},
    [FF_TUN_IPV6_DST] = {NEED_NOTHING, MASK | SET},
    [FF_IP_TTL] = {NEED_IP, SET},
    [FF_CONJ_ID] = {NEED_NOTHING, 0},
    [FF_REG0... FF_REG15] = {NEED_NOTHING, MASK | SET},
    [FF_XREG0... FF_XXREG3] = {NEED_NOTHING, MASK | SET},
};

bool ofw_field_maskable(enum flow_field f) { return (oxm[f].can & MASK) != 0; }
bool ofw_field_settable(enum flow_field f) { return (oxm[f].can & SET) != 0; }

static bool is_eth(const struct flow_match *m, uint16_t type)
{
    return m->mask.eth_type == 0xffff && m->key.eth_type == to_be16(type);
}

static bool is_ip(const struct flow_match *m) { return is_eth(m, ETH_IPV4) || is_eth(m, ETH_IPV6); }

static bool is_proto(const struct flow_match *m, uint8_t proto)
{
    return is_ip(m) && m->mask.ip_proto == 0xff && m->key.ip_proto == proto;
}

static bool is_nd(const struct flow_match *m, uint8_t type)
{
    return is_eth(m, ETH_IPV6) && is_proto(m, IP_ICMPV6) && m->mask.icmp_type == 0xff &&
           m->key.icmp_type == type;
}

bool ofw_field_prereq_ok(enum flow_field f, const struct flow_match *m)
{
    switch (oxm[f].need) {
    case NEED_IN_PORT:
        return m->mask.in_port == UINT32_MAX;
    case NEED_VLAN:
        return (m->key.vlan_vid & m->mask.vlan_vid & to_be16(FLOW_VID_PRESENT)) != 0;
    case NEED_IP:
        return is_ip(m);
    case NEED_IPV4:
        return is_eth(m, ETH_IPV4);
    case NEED_IPV6:
        return is_eth(m, ETH_IPV6);
    case NEED_ARP:
        return is_eth(m, ETH_ARP);
    case NEED_MPLS:
        return is_eth(m, ETH_MPLS) || is_eth(m, ETH_MPLS_MC);
    case NEED_PBB:
        return is_eth(m, ETH_PBB);
    case NEED_TCP:
        return is_proto(m, IP_TCP);
    case NEED_UDP:
        return is_proto(m, IP_UDP);
    case NEED_SCTP:
        return is_proto(m, IP_SCTP);
    case NEED_ICMPV4:
        return is_eth(m, ETH_IPV4) && is_proto(m, IP_ICMP);
    case NEED_ICMPV6:
        return is_eth(m, ETH_IPV6) && is_proto(m, IP_ICMPV6);
    case NEED_ND:
        return is_nd(m, ND_SOLICIT) || is_nd(m, ND_ADVERT);
    case NEED_ND_SOLICIT:
        return is_nd(m, ND_SOLICIT);
    case NEED_ND_ADVERT:
        return is_nd(m, ND_ADVERT);
    default:
        return true;
    }
}

bool oxm_field(uint16_t oxm_class, uint8_t number, enum flow_field *f)
{
    const struct nxm_field *nxm = nxm_find(oxm_class, number);
    if (!nxm || !nxm_is_plain(nxm))
        return false;
    *f = (enum flow_field)nxm->field;
    return true;
}

/* What is beyond the basic class is shown under its NXM name, which ovs-ofctl knows. */
void oxm_header_write(struct writer *w, enum flow_field f, bool hasmask)
{
    const struct nxm_field *nxm = f < FF_OXM_COUNT ? NULL : nxm_of_field(f);
    unsigned number = nxm ? nxm->number : f;
    write_u16(w, nxm ? nxm->oxm_class : OXM_CLASS_BASIC);
    write_u8(w, (uint8_t)(number << 1 | (hasmask ? 1u : 0u)));
    write_u8(w, (uint8_t)(flow_fields[f].bytes << (hasmask ? 1 : 0)));
}

bool oxm_fits(enum flow_field f, const uint8_t *value)
{
    unsigned spare = flow_fields[f].bytes * 8u - flow_fields[f].bits;
    for (unsigned i = 0; spare > 0; i++, spare -= 8) {
        if (spare < 8)
            return (value[i] >> (8 - spare)) == 0;
        if (value[i])
            return false;
    }
    return true;
}

static bool is_present(enum flow_field f, const struct flow_match *m)
{
    const uint8_t *w = flow_slot_const(&m->mask, f);
    uint8_t any = 0;
    for (unsigned i = 0; i < flow_fields[f].bytes; i++)
        any |= w[i];
    return any && ofw_field_prereq_ok(f, m);
}

unsigned ofw_match_fields(const struct flow_match *m, enum flow_field out[FF_COUNT])
{
    unsigned n = 0;
    for (unsigned f = 0; f < FF_COUNT; f++)
        if (is_present((enum flow_field)f, m))
            out[n++] = (enum flow_field)f;
    return n;
}
