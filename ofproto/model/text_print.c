/* Flows as text, as ovs-ofctl prints them: what is printed, ofm_text_parse takes back. */
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

/* ---- match ---- */

static void print_shorthand(struct strbuf *b, const char *word, bool *type, bool *proto,
                            bool with_proto)
{
    strbuf_addf(b, "%s,", word);
    *type = true;
    *proto = with_proto;
}

static const char *ip_word(uint8_t proto, bool v6)
{
    switch (proto) {
    case 1:
        return v6 ? NULL : "icmp";
    case 6:
        return v6 ? "tcp6" : "tcp";
    case 17:
        return v6 ? "udp6" : "udp";
    case 58:
        return v6 ? "icmp6" : NULL;
    case 132:
        return v6 ? "sctp6" : "sctp";
    default:
        return NULL;
    }
}

/* "tcp," and the like; tells which of dl_type and nw_proto it said. */
static void print_types(struct strbuf *b, const struct flow_match *m, bool *type, bool *proto)
{
    uint16_t eth = from_be16(m->key.eth_type);
    *type = *proto = false;
    if (!m->mask.eth_type)
        return;
    if (eth == 0x0800 || eth == 0x86dd) {
        bool v6 = eth == 0x86dd;
        const char *word = m->mask.ip_proto ? ip_word(m->key.ip_proto, v6) : NULL;
        print_shorthand(b, word ? word : v6 ? "ipv6" : "ip", type, proto, word != NULL);
    } else if (eth == 0x0806) {
        print_shorthand(b, "arp", type, proto, false);
    } else if (eth == 0x8035) {
        print_shorthand(b, "rarp", type, proto, false);
    } else if (eth == 0x8847) {
        print_shorthand(b, "mpls", type, proto, false);
    } else if (eth == 0x8848) {
        print_shorthand(b, "mplsm", type, proto, false);
    }
}

static void print_vlan(struct strbuf *b, const struct flow_match *m)
{
    unsigned value = from_be16(m->key.vlan_vid), mask = from_be16(m->mask.vlan_vid) & 0x1fffu;
    bool has_pcp = m->mask.vlan_pcp != 0;
    if (mask == 0x1fff && (value & FLOW_VID_PRESENT)) {
        strbuf_addf(b, "dl_vlan=%u,", value & 0xfffu);
    } else if (mask == FLOW_VID_PRESENT && has_pcp) {
        /* dl_vlan_pcp says that there is a tag */
    } else if (mask && has_pcp) {
        strbuf_addf(b, "vlan_tci=0x%04x/0x%04x,", value | (unsigned)m->key.vlan_pcp << 13,
                    mask | 0xe000u);
        return;
    } else if (mask) {
        strbuf_addf(b, "vlan_tci=0x%04x/0x%04x,", value, mask);
    }
    if (has_pcp)
        strbuf_addf(b, "dl_vlan_pcp=%u,", m->key.vlan_pcp);
}

/* ovs-ofctl's order, and its names. */
static const struct {
    uint8_t field;
    const char *name;
} printed[] = {
    {FF_REG0 + 0, "reg0"},
    {FF_REG0 + 1, "reg1"},
    {FF_REG0 + 2, "reg2"},
    {FF_REG0 + 3, "reg3"},
    {FF_REG0 + 4, "reg4"},
    {FF_REG0 + 5, "reg5"},
    {FF_REG0 + 6, "reg6"},
    {FF_REG0 + 7, "reg7"},
    {FF_REG0 + 8, "reg8"},
    {FF_REG0 + 9, "reg9"},
    {FF_REG0 + 10, "reg10"},
    {FF_REG0 + 11, "reg11"},
    {FF_REG0 + 12, "reg12"},
    {FF_REG0 + 13, "reg13"},
    {FF_REG0 + 14, "reg14"},
    {FF_REG0 + 15, "reg15"},
    {FF_TUNNEL_ID, "tun_id"},
    {FF_TUN_SRC, "tun_src"},
    {FF_TUN_DST, "tun_dst"},
    {FF_TUN_IPV6_SRC, "tun_ipv6_src"},
    {FF_TUN_IPV6_DST, "tun_ipv6_dst"},
    {FF_METADATA, "metadata"},
    {FF_IN_PORT, "in_port"},
    {FF_IN_PHY_PORT, "in_phy_port"},
    {FF_VLAN_VID, NULL},
    {FF_ETH_SRC, "dl_src"},
    {FF_ETH_DST, "dl_dst"},
    {FF_ETH_TYPE, "dl_type"},
    {FF_ARP_SPA, "arp_spa"},
    {FF_ARP_TPA, "arp_tpa"},
    {FF_IPV4_SRC, "nw_src"},
    {FF_IPV4_DST, "nw_dst"},
    {FF_IPV6_SRC, "ipv6_src"},
    {FF_IPV6_DST, "ipv6_dst"},
    {FF_IPV6_FLABEL, "ipv6_label"},
    {FF_IP_PROTO, "nw_proto"},
    {FF_ARP_OP, "arp_op"},
    {FF_ARP_SHA, "arp_sha"},
    {FF_ARP_THA, "arp_tha"},
    {FF_IP_DSCP, NULL},
    {FF_IP_ECN, "nw_ecn"},
    {FF_IP_TTL, "nw_ttl"},
    {FF_MPLS_LABEL, "mpls_label"},
    {FF_MPLS_TC, "mpls_tc"},
    {FF_MPLS_BOS, "mpls_bos"},
    {FF_IP_FRAG, "ip_frag"},
    {FF_TCP_SRC, "tp_src"},
    {FF_TCP_DST, "tp_dst"},
    {FF_UDP_SRC, "tp_src"},
    {FF_UDP_DST, "tp_dst"},
    {FF_SCTP_SRC, "tp_src"},
    {FF_SCTP_DST, "tp_dst"},
    {FF_ICMPV4_TYPE, "icmp_type"},
    {FF_ICMPV4_CODE, "icmp_code"},
    {FF_ICMPV6_TYPE, "icmp_type"},
    {FF_ICMPV6_CODE, "icmp_code"},
    {FF_ND_TARGET, "nd_target"},
    {FF_ND_SLL, "nd_sll"},
    {FF_ND_TLL, "nd_tll"},
    {FF_TCP_FLAGS, "tcp_flags"},
    {FF_PBB_ISID, "pbb_isid"},
    {FF_IPV6_EXTHDR, "ipv6_exthdr"},
};

static void print_field(struct strbuf *b, unsigned i, const struct flow_match *m,
                        const struct ofm_names *names)
{
    enum flow_field f = (enum flow_field)printed[i].field;
    if (f == FF_VLAN_VID) {
        print_vlan(b, m);
        return;
    }
    if (f == FF_TCP_FLAGS || f == FF_IP_FRAG) {
        if (f == FF_IP_FRAG)
            text_print_frag(b, m);
        else
            text_print_tcp_flags(b, m);
        return;
    }
    if (f == FF_IP_DSCP) {
        strbuf_addf(b, "nw_tos=%u,", m->key.ip_dscp << 2);
        return;
    }
    strbuf_addf(b, "%s=", printed[i].name);
    text_print_masked(b, f, m, names);
    strbuf_adds(b, ",");
}

/* With a comma at its end if it is not empty. */
static void print_match(struct strbuf *b, const struct flow_match *m, const struct ofm_names *names)
{
    enum flow_field fields[FF_COUNT];
    unsigned n = ofw_match_fields(m, fields);
    bool present[FF_COUNT] = {false};
    bool type, proto;
    for (unsigned i = 0; i < n; i++)
        present[fields[i]] = true;
    print_types(b, m, &type, &proto);
    if (type)
        present[FF_ETH_TYPE] = false;
    if (proto)
        present[FF_IP_PROTO] = false;
    for (unsigned i = 0; i < sizeof printed / sizeof printed[0]; i++)
        if (present[printed[i].field])
            print_field(b, i, m, names);
}

void ofm_text_match(struct strbuf *b, const struct flow_match *m, uint16_t priority,
                    const struct ofm_names *names)
{
    strbuf_addf(b, "priority=%u,", priority);
    print_match(b, m, names);
    strbuf_chomp(b, ",");
}

void ofm_text_value(struct strbuf *b, enum flow_field f, const uint8_t *value,
                    const struct ofm_names *names)
{
    text_print_value(b, f, value, names);
}

/* ---- actions ---- */

const char *text_field_name(enum flow_field f)
{
    switch (f) {
    case FF_IPV4_SRC:
        return "ip_src";
    case FF_IPV4_DST:
        return "ip_dst";
    case FF_IP_ECN:
        return "nw_ecn";
    case FF_ICMPV4_TYPE:
        return "icmp_type";
    case FF_ICMPV4_CODE:
        return "icmp_code";
    case FF_IPV6_FLABEL:
        return "ipv6_label";
    case FF_ND_TARGET:
        return "nd_target";
    case FF_ND_SLL:
        return "nd_sll";
    case FF_ND_TLL:
        return "nd_tll";
    case FF_TUNNEL_ID:
        return "tun_id";
    default:
        return flow_fields[f].name;
    }
}

static void print_output(struct strbuf *b, const struct ofw_action *a,
                         const struct ofm_names *names)
{
    if (a->port == OFPP_CONTROLLER) {
        strbuf_addf(b, "CONTROLLER:%u", a->max_len);
        return;
    }
    if (a->port <= OFPP_MAX)
        strbuf_adds(b, "output:");
    text_print_port(b, a->port, names);
}

static void print_set(struct strbuf *b, const struct ofw_action *a, const struct ofm_names *names)
{
    enum flow_field f = (enum flow_field)a->field;
    strbuf_adds(b, "set_field:");
    text_print_value(b, f, a->value, names);
    strbuf_addf(b, "->%s", text_field_name(f));
}

void text_print_action(struct strbuf *b, const struct ofw_action *a, const struct ofm_names *names)
{
    static const char *const plain[] = {
        [OFPAT_COPY_TTL_OUT] = "copy_ttl_out", [OFPAT_COPY_TTL_IN] = "copy_ttl_in",
        [OFPAT_DEC_MPLS_TTL] = "dec_mpls_ttl", [OFPAT_POP_VLAN] = "pop_vlan",
        [OFPAT_DEC_NW_TTL] = "dec_ttl",        [OFPAT_POP_PBB] = "pop_pbb",
    };
    switch (a->type) {
    case OFPAT_OUTPUT:
        print_output(b, a, names);
        break;
    case OFPAT_SET_FIELD:
        print_set(b, a, names);
        break;
    case OFPAT_PUSH_VLAN:
        strbuf_addf(b, "push_vlan:0x%04x", a->ethertype);
        break;
    case OFPAT_PUSH_MPLS:
        strbuf_addf(b, "push_mpls:0x%04x", a->ethertype);
        break;
    case OFPAT_POP_MPLS:
        strbuf_addf(b, "pop_mpls:0x%04x", a->ethertype);
        break;
    case OFPAT_PUSH_PBB:
        strbuf_addf(b, "push_pbb:0x%04x", a->ethertype);
        break;
    case OFPAT_SET_QUEUE:
        strbuf_addf(b, "set_queue:%u", a->port);
        break;
    case OFPAT_GROUP:
        strbuf_addf(b, "group:%u", a->port);
        break;
    case OFPAT_SET_MPLS_TTL:
        strbuf_addf(b, "set_mpls_ttl(%u)", a->ttl);
        break;
    case OFPAT_SET_NW_TTL:
        strbuf_addf(b, "mod_nw_ttl:%u", a->ttl);
        break;
    case OFPAT_EXPERIMENTER:
        text_print_nicira(b, a, names);
        break;
    default:
        if (a->type < sizeof plain / sizeof plain[0] && plain[a->type])
            strbuf_adds(b, plain[a->type]);
        else
            strbuf_addf(b, "action_%u", a->type);
    }
}

static void print_list(struct strbuf *b, const struct ofw_actions *list,
                       const struct ofm_names *names)
{
    for (unsigned i = 0; i < list->n; i += ofw_action_slots(&list->a[i])) {
        text_print_action(b, &list->a[i], names);
        strbuf_adds(b, ",");
    }
}

static void print_metadata(struct strbuf *b, const struct ofw_instructions *i)
{
    uint64_t mask = from_be64(i->metadata_mask);
    strbuf_addf(b, "write_metadata:0x%llx", (unsigned long long)from_be64(i->metadata));
    if (mask != UINT64_MAX)
        strbuf_addf(b, "/0x%llx", (unsigned long long)mask);
    strbuf_adds(b, ",");
}

void ofm_text_actions(struct strbuf *b, const struct ofw_instructions *i,
                      const struct ofm_names *names)
{
    if (i->has_meter)
        strbuf_addf(b, "meter:%u,", i->meter);
    print_list(b, &i->apply, names);
    if (i->clear)
        strbuf_adds(b, "clear_actions,");
    if (i->has_write) {
        strbuf_adds(b, "write_actions(");
        print_list(b, &i->write, names);
        strbuf_chomp(b, ",");
        strbuf_adds(b, i->write.n ? ")," : "drop),");
    }
    if (i->has_metadata)
        print_metadata(b, i);
    if (i->has_goto)
        strbuf_addf(b, "goto_table:%u,", i->goto_table);
    if (!i->apply.n && !i->clear && !i->has_write && !i->has_metadata && !i->has_goto &&
        !i->has_meter)
        strbuf_adds(b, "drop");
    strbuf_chomp(b, ",");
}

/* ---- flows ---- */

static void print_timeouts(struct strbuf *b, uint16_t idle_s, uint16_t hard_s, const char *comma)
{
    if (idle_s)
        strbuf_addf(b, "idle_timeout=%u%s", idle_s, comma);
    if (hard_s)
        strbuf_addf(b, "hard_timeout=%u%s", hard_s, comma);
}

static void print_flags(struct strbuf *b, uint16_t flags, const char *after)
{
    static const char *const names[] = {"send_flow_rem", "check_overlap", "reset_counts",
                                        "no_packet_counts", "no_byte_counts"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags >> i & 1)
            strbuf_addf(b, "%s%s", names[i], after);
}

void ofm_text_flow(struct strbuf *b, const struct ofm_flow *f, const struct ofm_names *names)
{
    if (f->cookie)
        strbuf_addf(b, "cookie=0x%llx,", (unsigned long long)f->cookie);
    strbuf_addf(b, "table=%u,", f->table);
    print_timeouts(b, f->idle_s, f->hard_s, ",");
    print_flags(b, f->flags, ",");
    ofm_text_match(b, &f->match, f->priority, names);
    strbuf_adds(b, ",actions=");
    ofm_text_actions(b, &f->instr, names);
}

void ofm_text_stats(struct strbuf *b, const struct ofw_flow_stats *s, const struct ofm_names *names)
{
    nsec_t d = s->duration_ns > 0 ? s->duration_ns : 0;
    strbuf_addf(b, "cookie=0x%llx, duration=%llu.%03us, table=%u, n_packets=%llu, n_bytes=%llu, ",
                (unsigned long long)s->cookie, (unsigned long long)(d / NSEC_PER_SEC),
                (unsigned)(d % NSEC_PER_SEC / NSEC_PER_MSEC), s->table,
                (unsigned long long)s->packets, (unsigned long long)s->bytes);
    print_timeouts(b, s->idle_s, s->hard_s, ", ");
    print_flags(b, s->flags, " ");
    ofm_text_match(b, &s->match, s->priority, names);
    strbuf_adds(b, " actions=");
    ofm_text_actions(b, &s->instr, names);
}
