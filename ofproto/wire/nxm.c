/* NXM and OXM names of fields. */
#include "ofproto/wire/nicira.h"

#include <strings.h>

static const struct nxm_field fields[] = {
    {"NXM_OF_IN_PORT", 0x0, 0, 2, 16, FF_IN_PORT},
    {"NXM_OF_ETH_DST", 0x0, 1, 6, 48, FF_ETH_DST},
    {"NXM_OF_ETH_SRC", 0x0, 2, 6, 48, FF_ETH_SRC},
    {"NXM_OF_ETH_TYPE", 0x0, 3, 2, 16, FF_ETH_TYPE},
    {"NXM_OF_VLAN_TCI", 0x0, 4, 2, 16, FF_VLAN_VID},
    {"NXM_OF_IP_TOS", 0x0, 5, 1, 8, FF_IP_DSCP},
    {"NXM_OF_IP_PROTO", 0x0, 6, 1, 8, FF_IP_PROTO},
    {"NXM_OF_IP_SRC", 0x0, 7, 4, 32, FF_IPV4_SRC},
    {"NXM_OF_IP_DST", 0x0, 8, 4, 32, FF_IPV4_DST},
    {"NXM_OF_TCP_SRC", 0x0, 9, 2, 16, FF_TCP_SRC},
    {"NXM_OF_TCP_DST", 0x0, 10, 2, 16, FF_TCP_DST},
    {"NXM_OF_UDP_SRC", 0x0, 11, 2, 16, FF_UDP_SRC},
    {"NXM_OF_UDP_DST", 0x0, 12, 2, 16, FF_UDP_DST},
    {"NXM_OF_ICMP_TYPE", 0x0, 13, 1, 8, FF_ICMPV4_TYPE},
    {"NXM_OF_ICMP_CODE", 0x0, 14, 1, 8, FF_ICMPV4_CODE},
    {"NXM_OF_ARP_OP", 0x0, 15, 2, 16, FF_ARP_OP},
    {"NXM_OF_ARP_SPA", 0x0, 16, 4, 32, FF_ARP_SPA},
    {"NXM_OF_ARP_TPA", 0x0, 17, 4, 32, FF_ARP_TPA},
    {"NXM_NX_REG0", 0x1, 0, 4, 32, FF_REG0 + 0},
    {"NXM_NX_REG1", 0x1, 1, 4, 32, FF_REG0 + 1},
    {"NXM_NX_REG2", 0x1, 2, 4, 32, FF_REG0 + 2},
    {"NXM_NX_REG3", 0x1, 3, 4, 32, FF_REG0 + 3},
    {"NXM_NX_REG4", 0x1, 4, 4, 32, FF_REG0 + 4},
    {"NXM_NX_REG5", 0x1, 5, 4, 32, FF_REG0 + 5},
    {"NXM_NX_REG6", 0x1, 6, 4, 32, FF_REG0 + 6},
    {"NXM_NX_REG7", 0x1, 7, 4, 32, FF_REG0 + 7},
    {"NXM_NX_REG8", 0x1, 8, 4, 32, FF_REG0 + 8},
    {"NXM_NX_REG9", 0x1, 9, 4, 32, FF_REG0 + 9},
    {"NXM_NX_REG10", 0x1, 10, 4, 32, FF_REG0 + 10},
    {"NXM_NX_REG11", 0x1, 11, 4, 32, FF_REG0 + 11},
    {"NXM_NX_REG12", 0x1, 12, 4, 32, FF_REG0 + 12},
    {"NXM_NX_REG13", 0x1, 13, 4, 32, FF_REG0 + 13},
    {"NXM_NX_REG14", 0x1, 14, 4, 32, FF_REG0 + 14},
    {"NXM_NX_REG15", 0x1, 15, 4, 32, FF_REG0 + 15},
    {"NXM_NX_TUN_ID", 0x1, 16, 8, 64, FF_TUNNEL_ID},
    {"NXM_NX_ARP_SHA", 0x1, 17, 6, 48, FF_ARP_SHA},
    {"NXM_NX_ARP_THA", 0x1, 18, 6, 48, FF_ARP_THA},
    {"NXM_NX_IPV6_SRC", 0x1, 19, 16, 128, FF_IPV6_SRC},
    {"NXM_NX_IPV6_DST", 0x1, 20, 16, 128, FF_IPV6_DST},
    {"NXM_NX_ICMPV6_TYPE", 0x1, 21, 1, 8, FF_ICMPV6_TYPE},
    {"NXM_NX_ICMPV6_CODE", 0x1, 22, 1, 8, FF_ICMPV6_CODE},
    {"NXM_NX_ND_TARGET", 0x1, 23, 16, 128, FF_ND_TARGET},
    {"NXM_NX_ND_SLL", 0x1, 24, 6, 48, FF_ND_SLL},
    {"NXM_NX_ND_TLL", 0x1, 25, 6, 48, FF_ND_TLL},
    {"NXM_NX_IP_FRAG", 0x1, 26, 1, 2, FF_IP_FRAG},
    {"NXM_NX_IPV6_LABEL", 0x1, 27, 4, 20, FF_IPV6_FLABEL},
    {"NXM_NX_IP_ECN", 0x1, 28, 1, 2, FF_IP_ECN},
    {"NXM_NX_IP_TTL", 0x1, 29, 1, 8, FF_IP_TTL},
    {"NXM_NX_TUN_IPV4_SRC", 0x1, 31, 4, 32, FF_TUN_SRC},
    {"NXM_NX_TUN_IPV4_DST", 0x1, 32, 4, 32, FF_TUN_DST},
    {"NXM_NX_TUN_IPV6_SRC", 0x1, 109, 16, 128, FF_TUN_IPV6_SRC},
    {"NXM_NX_TUN_IPV6_DST", 0x1, 110, 16, 128, FF_TUN_IPV6_DST},
    {"NXM_NX_TCP_FLAGS", 0x1, 34, 2, 12, FF_TCP_FLAGS},
    {"NXM_NX_CONJ_ID", 0x1, 37, 4, 32, FF_CONJ_ID},
    {"NXM_NX_XXREG0", 0x1, 111, 16, 128, FF_XXREG0 + 0},
    {"NXM_NX_XXREG1", 0x1, 112, 16, 128, FF_XXREG0 + 1},
    {"NXM_NX_XXREG2", 0x1, 113, 16, 128, FF_XXREG0 + 2},
    {"NXM_NX_XXREG3", 0x1, 114, 16, 128, FF_XXREG0 + 3},
    {"OXM_OF_IN_PORT", 0x8000, 0, 4, 32, FF_IN_PORT},
    {"OXM_OF_IN_PHY_PORT", 0x8000, 1, 4, 32, FF_IN_PHY_PORT},
    {"OXM_OF_METADATA", 0x8000, 2, 8, 64, FF_METADATA},
    {"OXM_OF_ETH_DST", 0x8000, 3, 6, 48, FF_ETH_DST},
    {"OXM_OF_ETH_SRC", 0x8000, 4, 6, 48, FF_ETH_SRC},
    {"OXM_OF_ETH_TYPE", 0x8000, 5, 2, 16, FF_ETH_TYPE},
    {"OXM_OF_VLAN_VID", 0x8000, 6, 2, 13, FF_VLAN_VID},
    {"OXM_OF_VLAN_PCP", 0x8000, 7, 1, 3, FF_VLAN_PCP},
    {"OXM_OF_IP_DSCP", 0x8000, 8, 1, 6, FF_IP_DSCP},
    {"OXM_OF_IP_ECN", 0x8000, 9, 1, 2, FF_IP_ECN},
    {"OXM_OF_IP_PROTO", 0x8000, 10, 1, 8, FF_IP_PROTO},
    {"OXM_OF_IPV4_SRC", 0x8000, 11, 4, 32, FF_IPV4_SRC},
    {"OXM_OF_IPV4_DST", 0x8000, 12, 4, 32, FF_IPV4_DST},
    {"OXM_OF_TCP_SRC", 0x8000, 13, 2, 16, FF_TCP_SRC},
    {"OXM_OF_TCP_DST", 0x8000, 14, 2, 16, FF_TCP_DST},
    {"OXM_OF_UDP_SRC", 0x8000, 15, 2, 16, FF_UDP_SRC},
    {"OXM_OF_UDP_DST", 0x8000, 16, 2, 16, FF_UDP_DST},
    {"OXM_OF_SCTP_SRC", 0x8000, 17, 2, 16, FF_SCTP_SRC},
    {"OXM_OF_SCTP_DST", 0x8000, 18, 2, 16, FF_SCTP_DST},
    {"OXM_OF_ICMPV4_TYPE", 0x8000, 19, 1, 8, FF_ICMPV4_TYPE},
    {"OXM_OF_ICMPV4_CODE", 0x8000, 20, 1, 8, FF_ICMPV4_CODE},
    {"OXM_OF_ARP_OP", 0x8000, 21, 2, 16, FF_ARP_OP},
    {"OXM_OF_ARP_SPA", 0x8000, 22, 4, 32, FF_ARP_SPA},
    {"OXM_OF_ARP_TPA", 0x8000, 23, 4, 32, FF_ARP_TPA},
    {"OXM_OF_ARP_SHA", 0x8000, 24, 6, 48, FF_ARP_SHA},
    {"OXM_OF_ARP_THA", 0x8000, 25, 6, 48, FF_ARP_THA},
    {"OXM_OF_IPV6_SRC", 0x8000, 26, 16, 128, FF_IPV6_SRC},
    {"OXM_OF_IPV6_DST", 0x8000, 27, 16, 128, FF_IPV6_DST},
    {"OXM_OF_IPV6_FLABEL", 0x8000, 28, 4, 20, FF_IPV6_FLABEL},
    {"OXM_OF_ICMPV6_TYPE", 0x8000, 29, 1, 8, FF_ICMPV6_TYPE},
    {"OXM_OF_ICMPV6_CODE", 0x8000, 30, 1, 8, FF_ICMPV6_CODE},
    {"OXM_OF_IPV6_ND_TARGET", 0x8000, 31, 16, 128, FF_ND_TARGET},
    {"OXM_OF_IPV6_ND_SLL", 0x8000, 32, 6, 48, FF_ND_SLL},
    {"OXM_OF_IPV6_ND_TLL", 0x8000, 33, 6, 48, FF_ND_TLL},
    {"OXM_OF_MPLS_LABEL", 0x8000, 34, 4, 20, FF_MPLS_LABEL},
    {"OXM_OF_MPLS_TC", 0x8000, 35, 1, 3, FF_MPLS_TC},
    {"OXM_OF_MPLS_BOS", 0x8000, 36, 1, 1, FF_MPLS_BOS},
    {"OXM_OF_PBB_ISID", 0x8000, 37, 3, 24, FF_PBB_ISID},
    {"OXM_OF_TUNNEL_ID", 0x8000, 38, 8, 64, FF_TUNNEL_ID},
    {"OXM_OF_IPV6_EXTHDR", 0x8000, 39, 2, 9, FF_IPV6_EXTHDR},
    {"OXM_OF_PKT_REG0", 0x8001, 0, 8, 64, FF_XREG0 + 0},
    {"OXM_OF_PKT_REG1", 0x8001, 1, 8, 64, FF_XREG0 + 1},
    {"OXM_OF_PKT_REG2", 0x8001, 2, 8, 64, FF_XREG0 + 2},
    {"OXM_OF_PKT_REG3", 0x8001, 3, 8, 64, FF_XREG0 + 3},
    {"OXM_OF_PKT_REG4", 0x8001, 4, 8, 64, FF_XREG0 + 4},
    {"OXM_OF_PKT_REG5", 0x8001, 5, 8, 64, FF_XREG0 + 5},
    {"OXM_OF_PKT_REG6", 0x8001, 6, 8, 64, FF_XREG0 + 6},
    {"OXM_OF_PKT_REG7", 0x8001, 7, 8, 64, FF_XREG0 + 7},
};

enum { FIELDS = sizeof fields / sizeof fields[0], NXM_VLAN_TCI = 4, NXM_IP_TOS = 5 };

const struct nxm_field *nxm_find(uint16_t oxm_class, uint8_t number)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (fields[i].oxm_class == oxm_class && fields[i].number == number)
            return &fields[i];
    return NULL;
}

const struct nxm_field *nxm_named(const char *name, size_t n)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (strlen(fields[i].name) == n && strncasecmp(fields[i].name, name, n) == 0)
            return &fields[i];
    return NULL;
}

const struct nxm_field *nxm_of_field(unsigned field)
{
    for (unsigned i = 0; i < FIELDS; i++)
        if (fields[i].field == field && nxm_is_plain(&fields[i]))
            return &fields[i];
    return NULL;
}

bool nxm_is_plain(const struct nxm_field *f)
{
    return f->bytes == flow_fields[f->field].bytes && f->bits == flow_fields[f->field].bits;
}

/* A TCI is the VID with its bit 12, which says that there is a tag as our vlan_vid does, and above
 * them the PCP; a TOS is the DSCP above two bits of ECN. */
bool nx_place(const struct nx_sub *s, enum flow_field *field, uint16_t *ofs)
{
    unsigned end = s->ofs + s->n_bits;
    *field = (enum flow_field)s->f->field;
    *ofs = s->ofs;
    if (s->n_bits == 0 || end > s->f->bits)
        return false;
    if (s->f->oxm_class == 0 && s->f->number == NXM_VLAN_TCI) {
        if (s->ofs >= 13) {
            *field = FF_VLAN_PCP;
            *ofs = (uint16_t)(s->ofs - 13);
        }
        return s->ofs >= 13 || end <= 13;
    }
    if (s->f->oxm_class == 0 && s->f->number == NXM_IP_TOS) {
        *ofs = (uint16_t)(s->ofs - 2);
        return s->ofs >= 2;
    }
    return true;
}
