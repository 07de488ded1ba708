/* Match words: ovs-fields(7) as far as OpenFlow 1.3's basic fields go. */
#include "ofproto/model/text.h"

#include <errno.h>

enum how {
    AS_FIELD,
    AS_TYPE,   /* a shorthand: eth_type in `type`, ip_proto in `proto` */
    AS_ADDR,   /* nw_src: of IPv4, or of ARP */
    AS_PROTO,  /* nw_proto: ip_proto, or arp_op */
    AS_PORT,   /* tp_src: by protocol */
    AS_ICMP,   /* icmp_type: v4 or v6 */
    AS_TOS,    /* the DSCP in the upper six bits */
    AS_DL_VID, /* a VID; 0xffff: no tag */
    AS_TCI,    /* PCP, presence, VID */
    AS_VID,    /* the OXM field: with OFPVID_PRESENT */
    AS_PCP,    /* asks for a tag, too */
    AS_FLAGS,  /* tcp_flags */
    AS_FRAG,   /* nw_frag */
};

struct keyword {
    const char *name;
    uint8_t how, field, proto;
    uint16_t type;
};

#define FIELD(n, f)                            \
    {                                          \
        .name = n, .how = AS_FIELD, .field = f \
    }
#define HOW(n, h, f)                    \
    {                                   \
        .name = n, .how = h, .field = f \
    }
#define TYPE(n, t, p)                                                          \
    {                                                                          \
        .name = n, .how = AS_TYPE, .field = FF_ETH_TYPE, .type = t, .proto = p \
    }

static const struct keyword keywords[] = {
    TYPE("ip", 0x0800, 0),
    TYPE("ip4", 0x0800, 0),
    TYPE("ipv4", 0x0800, 0),
    TYPE("icmp", 0x0800, 1),
    TYPE("icmp4", 0x0800, 1),
    TYPE("tcp", 0x0800, 6),
    TYPE("udp", 0x0800, 17),
    TYPE("sctp", 0x0800, 132),
    TYPE("ipv6", 0x86dd, 0),
    TYPE("ip6", 0x86dd, 0),
    TYPE("icmp6", 0x86dd, 58),
    TYPE("icmpv6", 0x86dd, 58),
    TYPE("tcp6", 0x86dd, 6),
    TYPE("udp6", 0x86dd, 17),
    TYPE("sctp6", 0x86dd, 132),
    TYPE("arp", 0x0806, 0),
    TYPE("rarp", 0x8035, 0),
    TYPE("mpls", 0x8847, 0),
    TYPE("mplsm", 0x8848, 0),
    FIELD("in_port", FF_IN_PORT),
    FIELD("in_phy_port", FF_IN_PHY_PORT),
    FIELD("metadata", FF_METADATA),
    FIELD("dl_dst", FF_ETH_DST),
    FIELD("eth_dst", FF_ETH_DST),
    FIELD("dl_src", FF_ETH_SRC),
    FIELD("eth_src", FF_ETH_SRC),
    FIELD("dl_type", FF_ETH_TYPE),
    FIELD("eth_type", FF_ETH_TYPE),
    HOW("dl_vlan", AS_DL_VID, FF_VLAN_VID),
    HOW("vlan_tci", AS_TCI, FF_VLAN_VID),
    HOW("vlan_vid", AS_VID, FF_VLAN_VID),
    HOW("dl_vlan_pcp", AS_PCP, FF_VLAN_PCP),
    HOW("vlan_pcp", AS_PCP, FF_VLAN_PCP),
    HOW("nw_tos", AS_TOS, FF_IP_DSCP),
    FIELD("ip_dscp", FF_IP_DSCP),
    FIELD("nw_ecn", FF_IP_ECN),
    FIELD("ip_ecn", FF_IP_ECN),
    HOW("nw_proto", AS_PROTO, FF_IP_PROTO),
    FIELD("ip_proto", FF_IP_PROTO),
    HOW("nw_src", AS_ADDR, FF_IPV4_SRC),
    HOW("nw_dst", AS_ADDR, FF_IPV4_DST),
    FIELD("ip_src", FF_IPV4_SRC),
    FIELD("ip_dst", FF_IPV4_DST),
    FIELD("ipv4_src", FF_IPV4_SRC),
    FIELD("ipv4_dst", FF_IPV4_DST),
    HOW("tp_src", AS_PORT, FF_TCP_SRC),
    HOW("tp_dst", AS_PORT, FF_TCP_DST),
    FIELD("tcp_src", FF_TCP_SRC),
    FIELD("tcp_dst", FF_TCP_DST),
    FIELD("udp_src", FF_UDP_SRC),
    FIELD("udp_dst", FF_UDP_DST),
    FIELD("sctp_src", FF_SCTP_SRC),
    FIELD("sctp_dst", FF_SCTP_DST),
    HOW("icmp_type", AS_ICMP, FF_ICMPV4_TYPE),
    HOW("icmp_code", AS_ICMP, FF_ICMPV4_CODE),
    FIELD("icmpv4_type", FF_ICMPV4_TYPE),
    FIELD("icmpv4_code", FF_ICMPV4_CODE),
    FIELD("icmpv6_type", FF_ICMPV6_TYPE),
    FIELD("icmpv6_code", FF_ICMPV6_CODE),
    FIELD("arp_op", FF_ARP_OP),
    FIELD("arp_spa", FF_ARP_SPA),
    FIELD("arp_tpa", FF_ARP_TPA),
    FIELD("arp_sha", FF_ARP_SHA),
    FIELD("arp_tha", FF_ARP_THA),
    FIELD("ipv6_src", FF_IPV6_SRC),
    FIELD("ipv6_dst", FF_IPV6_DST),
    FIELD("ipv6_label", FF_IPV6_FLABEL),
    FIELD("ipv6_flabel", FF_IPV6_FLABEL),
    FIELD("nd_target", FF_ND_TARGET),
    FIELD("ipv6_nd_target", FF_ND_TARGET),
    FIELD("nd_sll", FF_ND_SLL),
    FIELD("ipv6_nd_sll", FF_ND_SLL),
    FIELD("nd_tll", FF_ND_TLL),
    FIELD("ipv6_nd_tll", FF_ND_TLL),
    FIELD("mpls_label", FF_MPLS_LABEL),
    FIELD("mpls_tc", FF_MPLS_TC),
    FIELD("mpls_bos", FF_MPLS_BOS),
    FIELD("pbb_isid", FF_PBB_ISID),
    FIELD("tun_id", FF_TUNNEL_ID),
    FIELD("tunnel_id", FF_TUNNEL_ID),
    FIELD("tun_src", FF_TUN_SRC),
    FIELD("tun_dst", FF_TUN_DST),
    FIELD("tun_ipv6_src", FF_TUN_IPV6_SRC),
    FIELD("tun_ipv6_dst", FF_TUN_IPV6_DST),
    FIELD("ipv6_exthdr", FF_IPV6_EXTHDR),
    FIELD("nw_ttl", FF_IP_TTL),
    HOW("tcp_flags", AS_FLAGS, FF_TCP_FLAGS),
    HOW("nw_frag", AS_FRAG, FF_IP_FRAG),
    HOW("ip_frag", AS_FRAG, FF_IP_FRAG),
    FIELD("reg0", FF_REG0 + 0),
    FIELD("reg1", FF_REG0 + 1),
    FIELD("reg2", FF_REG0 + 2),
    FIELD("reg3", FF_REG0 + 3),
    FIELD("reg4", FF_REG0 + 4),
    FIELD("reg5", FF_REG0 + 5),
    FIELD("reg6", FF_REG0 + 6),
    FIELD("reg7", FF_REG0 + 7),
    FIELD("reg8", FF_REG0 + 8),
    FIELD("reg9", FF_REG0 + 9),
    FIELD("reg10", FF_REG0 + 10),
    FIELD("reg11", FF_REG0 + 11),
    FIELD("reg12", FF_REG0 + 12),
    FIELD("reg13", FF_REG0 + 13),
    FIELD("reg14", FF_REG0 + 14),
    FIELD("reg15", FF_REG0 + 15),
    FIELD("xreg0", FF_XREG0 + 0),
    FIELD("xreg1", FF_XREG0 + 1),
    FIELD("xreg2", FF_XREG0 + 2),
    FIELD("xreg3", FF_XREG0 + 3),
    FIELD("xreg4", FF_XREG0 + 4),
    FIELD("xreg5", FF_XREG0 + 5),
    FIELD("xreg6", FF_XREG0 + 6),
    FIELD("xreg7", FF_XREG0 + 7),
    FIELD("xxreg0", FF_XXREG0 + 0),
    FIELD("xxreg1", FF_XXREG0 + 1),
    FIELD("xxreg2", FF_XXREG0 + 2),
    FIELD("xxreg3", FF_XXREG0 + 3),
};

enum { KEYWORDS = sizeof keywords / sizeof keywords[0] };

/* Fields of ovs-fields(7) that are known but not offered; a * ends a prefix. */
static const char *const beyond[] = {"ct_*",    "tun_*",         "pkt_mark",    "recirc_id",
                                     "conj_id", "actset_output", "dp_hash",     "skb_priority",
                                     "nsh_*",   "packet_type",   "nd_reserved", "nd_options_type",
                                     "mpls_ttl"};

static const struct keyword *keyword_of(struct word w)
{
    for (unsigned i = 0; i < KEYWORDS; i++)
        if (word_is(w, keywords[i].name))
            return &keywords[i];
    return NULL;
}

static bool is_beyond(struct word w)
{
    for (unsigned i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        size_t n = strlen(beyond[i]);
        bool prefix = beyond[i][n - 1] == '*';
        if (!prefix && word_is(w, beyond[i]))
            return true;
        if (prefix && w.n >= n && memcmp(w.s, beyond[i], n - 1) == 0)
            return true;
    }
    return false;
}

void text_match_nearer(struct word w, unsigned *distance, const char **best)
{
    for (unsigned i = 0; i < KEYWORDS; i++)
        word_nearer(w, keywords[i].name, distance, best);
}

const char *text_needs(enum flow_field f)
{
    switch (f) {
    case FF_IN_PHY_PORT:
        return "in_port";
    case FF_VLAN_PCP:
        return "dl_vlan";
    case FF_IP_DSCP:
    case FF_IP_ECN:
    case FF_IP_PROTO:
        return "ip or ipv6";
    case FF_IPV4_SRC:
    case FF_IPV4_DST:
        return "ip";
    case FF_TCP_SRC:
    case FF_TCP_DST:
        return "tcp or tcp6";
    case FF_UDP_SRC:
    case FF_UDP_DST:
        return "udp or udp6";
    case FF_SCTP_SRC:
    case FF_SCTP_DST:
        return "sctp or sctp6";
    case FF_ICMPV4_TYPE:
    case FF_ICMPV4_CODE:
        return "icmp";
    case FF_ICMPV6_TYPE:
    case FF_ICMPV6_CODE:
        return "icmp6";
    case FF_ARP_OP:
    case FF_ARP_SPA:
    case FF_ARP_TPA:
    case FF_ARP_SHA:
    case FF_ARP_THA:
        return "arp";
    case FF_ND_TARGET:
        return "icmp6,icmp_type=135 or 136";
    case FF_ND_SLL:
        return "icmp6,icmp_type=135";
    case FF_ND_TLL:
        return "icmp6,icmp_type=136";
    case FF_MPLS_LABEL:
    case FF_MPLS_TC:
    case FF_MPLS_BOS:
        return "mpls or mplsm";
    case FF_PBB_ISID:
        return "dl_type=0x88e7";
    default:
        return "ipv6";
    }
}

static bool eth_type_is(const struct flow_match *m, uint16_t type)
{
    return m->mask.eth_type && m->key.eth_type == to_be16(type);
}

/* The field that a word means, in a match whose types are known by now. */
static enum flow_field resolve(const struct keyword *k, const struct flow_match *m)
{
    bool arp = eth_type_is(m, 0x0806), v6 = eth_type_is(m, 0x86dd);
    enum flow_field f = (enum flow_field)k->field;
    switch (k->how) {
    case AS_ADDR:
        if (arp)
            return f == FF_IPV4_SRC ? FF_ARP_SPA : FF_ARP_TPA;
        return f;
    case AS_PROTO:
        return arp ? FF_ARP_OP : f;
    case AS_ICMP:
        if (v6)
            return f == FF_ICMPV4_TYPE ? FF_ICMPV6_TYPE : FF_ICMPV6_CODE;
        return f;
    case AS_PORT:
        if (m->key.ip_proto == 17)
            return f == FF_TCP_SRC ? FF_UDP_SRC : FF_UDP_DST;
        if (m->key.ip_proto == 132)
            return f == FF_TCP_SRC ? FF_SCTP_SRC : FF_SCTP_DST;
        return f;
    default:
        return f;
    }
}

bool text_field(struct word name, const struct flow_match *m, enum flow_field *f)
{
    const struct keyword *k = keyword_of(name);
    static const struct flow_match none;
    if (!k || k->how == AS_TYPE || k->how == AS_TOS || k->how == AS_DL_VID || k->how == AS_TCI)
        return false;
    *f = resolve(k, m ? m : &none);
    return true;
}

/* ---- putting a field in ---- */

/* Bits beyond the field's width say nothing, and a full mask is all ones: as the codec has it. */
static void put(struct flow_match *m, enum flow_field f, const uint8_t *value, uint8_t *mask)
{
    unsigned n = flow_fields[f].bytes, spare = n * 8 - flow_fields[f].bits;
    bool full = true;
    for (unsigned i = 0; i < n; i++, spare -= spare < 8 ? spare : 8) {
        uint8_t width = (uint8_t)(spare < 8 ? 0xff >> spare : 0);
        mask[i] &= width;
        full = full && mask[i] == width;
    }
    flow_match_set(m, f, value, full ? NULL : mask);
}

/* A match that asks for no tag is exact, whatever else its mask says (1.3.5, table 13). */
static int put_vid(const struct text *t, struct word at, struct flow_match *m, uint16_t value,
                   uint16_t mask)
{
    value &= mask;
    if ((mask & FLOW_VID_PRESENT) && !(value & FLOW_VID_PRESENT)) {
        if (value & 0xfff)
            return errbuf_set(t->e, EINVAL,
                              "%.*s: a VID without OFPVID_PRESENT (0x1000); write dl_vlan=%u",
                              WORD_ARG(at), value & 0xfffu);
        mask = 0x1fff;
    }
    uint8_t v[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    uint8_t w[2] = {(uint8_t)(mask >> 8), (uint8_t)mask};
    put(m, FF_VLAN_VID, v, w);
    return 0;
}

static int masked_number(const struct text *t, const struct pair *p, uint16_t *value,
                         uint16_t *mask)
{
    struct word left, right;
    uint64_t v, w = 0xffff;
    bool has_mask = word_split(p->value, "/", &left, &right);
    if (!word_number(left, 0xffff, &v) || (has_mask && !word_number(right, 0xffff, &w)))
        return errbuf_set(t->e, EINVAL,
                          "%.*s: expected a number up to 0xffff, with or without /mask",
                          WORD_ARG(p->whole));
    *value = (uint16_t)v;
    *mask = (uint16_t)w;
    return 0;
}

static int apply_dl_vlan(const struct text *t, const struct pair *p, struct flow_match *m)
{
    uint16_t vid, mask;
    int r = masked_number(t, p, &vid, &mask);
    if (r < 0)
        return r;
    if (vid == 0xffff && mask == 0xffff)
        return put_vid(t, p->whole, m, 0, 0x1fff); /* no tag */
    if (vid > 4095)
        return errbuf_set(t->e, EINVAL, "%.*s: expected a VLAN of 0..4095, or 0xffff: untagged",
                          WORD_ARG(p->whole));
    return put_vid(t, p->whole, m, vid | FLOW_VID_PRESENT, (mask & 0xfff) | FLOW_VID_PRESENT);
}

static int apply_tci(const struct text *t, const struct pair *p, struct flow_match *m)
{
    uint16_t tci, mask;
    int r = masked_number(t, p, &tci, &mask);
    if (r < 0)
        return r;
    r = put_vid(t, p->whole, m, tci & 0x1fff, mask & 0x1fff);
    bool tagged = (tci & mask & FLOW_VID_PRESENT) != 0;
    if (r < 0 || !(mask & 0xe000) || (mask == 0xffff && !tagged))
        return r;
    if ((mask & 0xe000) != 0xe000 || !tagged)
        return errbuf_set(t->e, EINVAL, "%.*s: the PCP bits match all or none, with 0x1000 set",
                          WORD_ARG(p->whole));
    uint8_t pcp = (uint8_t)(tci >> 13);
    flow_match_set(m, FF_VLAN_PCP, &pcp, NULL);
    return 0;
}

static int apply_tos(const struct text *t, const struct pair *p, struct flow_match *m)
{
    uint64_t tos;
    if (!word_number(p->value, 255, &tos) || tos & 3)
        return errbuf_set(t->e, EINVAL,
                          "%.*s: expected 0..252 with the lower two bits 0 (see nw_ecn)",
                          WORD_ARG(p->whole));
    uint8_t dscp = (uint8_t)(tos >> 2);
    flow_match_set(m, FF_IP_DSCP, &dscp, NULL);
    return 0;
}

static int apply_field(const struct text *t, enum flow_field f, const struct pair *p,
                       struct flow_match *m)
{
    uint8_t value[16], mask[16];
    int r = text_masked(t, f, p->value, p->whole, value, mask);
    if (r < 0)
        return r;
    if (f == FF_VLAN_VID)
        return put_vid(t, p->whole, m, (uint16_t)(value[0] << 8 | value[1]),
                       (uint16_t)(mask[0] << 8 | mask[1]));
    if (f == FF_VLAN_PCP && !m->mask.vlan_vid)
        put_vid(t, p->whole, m, FLOW_VID_PRESENT, FLOW_VID_PRESENT);
    put(m, f, value, mask);
    return 0;
}

static int contradiction(const struct text *t, const struct pair *p, const char *what)
{
    return errbuf_set(t->e, EINVAL, "%.*s: another word of this match gives another %s",
                      WORD_ARG(p->whole), what);
}

static int apply_type(const struct text *t, const struct keyword *k, const struct pair *p,
                      struct flow_match *m)
{
    if (p->has_value)
        return errbuf_set(t->e, EINVAL, "%.*s: \"%s\" takes no value", WORD_ARG(p->whole), k->name);
    be16 type = to_be16(k->type);
    if (m->mask.eth_type && m->key.eth_type != type)
        return contradiction(t, p, "dl_type");
    flow_match_set(m, FF_ETH_TYPE, &type, NULL);
    if (k->proto && m->mask.ip_proto && m->key.ip_proto != k->proto)
        return contradiction(t, p, "nw_proto");
    if (k->proto)
        flow_match_set(m, FF_IP_PROTO, &k->proto, NULL);
    return 0;
}

/* ---- all of them ---- */

/* What others' meaning depends on comes first. */
static unsigned stage_of(const struct keyword *k)
{
    switch (k->field) {
    case FF_ETH_TYPE:
        return k->how == AS_TYPE ? 1 : 0;
    case FF_IN_PORT:
    case FF_VLAN_VID:
        return 0;
    case FF_IP_PROTO:
        return 2;
    case FF_ICMPV4_TYPE:
    case FF_ICMPV6_TYPE:
        return 3;
    default:
        return 4;
    }
}

static int apply_flags(const struct text *t, const struct keyword *k, const struct pair *p,
                       struct flow_match *m)
{
    uint8_t value[16] = {0}, mask[16] = {0};
    int r = k->how == AS_FRAG ? text_frag(t, p, value, mask) : text_tcp_flags(t, p, value, mask);
    if (r == 0)
        put(m, (enum flow_field)k->field, value, mask);
    return r;
}

static int apply_word(const struct text *t, const struct keyword *k, const struct pair *p,
                      struct flow_match *m)
{
    switch (k->how) {
    case AS_TOS:
        return apply_tos(t, p, m);
    case AS_DL_VID:
        return apply_dl_vlan(t, p, m);
    case AS_TCI:
        return apply_tci(t, p, m);
    case AS_FLAGS:
    case AS_FRAG:
        return apply_flags(t, k, p, m);
    default:
        return apply_field(t, resolve(k, m), p, m);
    }
}

static int apply(const struct text *t, const struct keyword *k, const struct pair *p, bool *given,
                 struct flow_match *m)
{
    enum flow_field f = resolve(k, m);
    if (k->how == AS_TYPE)
        return apply_type(t, k, p, m);
    if (!p->has_value || p->unclosed)
        return errbuf_set(t->e, EINVAL, "%.*s: expected %s=VALUE", WORD_ARG(p->whole), k->name);
    if (given[f])
        return errbuf_set(t->e, EINVAL, "%.*s: this field is given twice", WORD_ARG(p->whole));
    given[f] = true;
    if (f != FF_VLAN_PCP && !ofw_field_prereq_ok(f, m))
        return errbuf_set(t->e, EINVAL, "%.*s: needs %s in the same match", WORD_ARG(p->whole),
                          text_needs(f));
    struct flow_match was = *m;
    int r = apply_word(t, k, p, m);
    if (r == 0 && f == FF_IP_PROTO && was.mask.ip_proto && was.key.ip_proto != m->key.ip_proto)
        return contradiction(t, p, "nw_proto");
    if (r == 0 && f == FF_VLAN_PCP && !ofw_field_prereq_ok(f, m))
        return contradiction(t, p, "VLAN: untagged frames have no PCP");
    return r;
}

static int unknown(const struct text *t, const struct pair *p)
{
    unsigned distance = WORD_FAR;
    const char *best = NULL;
    if (is_beyond(p->key))
        return errbuf_set(t->e, EINVAL, "%.*s: this field is not supported yet",
                          WORD_ARG(p->whole));
    text_match_nearer(p->key, &distance, &best);
    if (best)
        return errbuf_set(t->e, EINVAL, "\"%.*s\" is unknown; did you mean \"%s\"?",
                          WORD_ARG(p->whole), best);
    return errbuf_set(
        t->e, 22,
        "\"%.*s\" is unknown; expected a match field (in_port=1, ip, nw_dst=10.0.0.1),"
        " table=, priority=, cookie=, or actions=",
        WORD_ARG(p->whole));
}

int text_match(const struct text *t, const struct pair *words, unsigned n, struct flow_match *m)
{
    const struct keyword *k[TEXT_WORDS_MAX];
    bool given[FF_ALL] = {false};
    *m = (struct flow_match){0};
    for (unsigned i = 0; i < n; i++)
        if (!(k[i] = keyword_of(words[i].key)))
            return unknown(t, &words[i]);
    for (unsigned stage = 0; stage <= 4; stage++)
        for (unsigned i = 0; i < n; i++) {
            int r = stage_of(k[i]) == stage ? apply(t, k[i], &words[i], given, m) : 0;
            if (r < 0)
                return r;
        }
    return 0;
}
