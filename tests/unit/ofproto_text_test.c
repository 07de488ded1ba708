/* The flow syntax: what is taken, what is refused and how, and that printing is parsing's mirror.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/strbuf.h"
#include "ofproto/model/model.h"

#include <stdio.h>
#include <stdlib.h>

static bool number(void *ctx, const char *name, uint32_t *no)
{
    (void)ctx;
    if (strcmp(name, "vm1") == 0)
        *no = 1;
    else if (strcmp(name, "drop") == 0)
        *no = 7;
    else
        return false;
    return true;
}

static const char *name(void *ctx, uint32_t no)
{
    (void)ctx;
    return no == 1 ? "vm1" : no == 7 ? "drop" : no == 8 ? "local" : NULL;
}

static const struct ofm_names names = {NULL, number, name};

struct parsed {
    struct ofw_action room[4096];
    struct ofw_arena arena;
    struct ofw_flow_mod mod;
    struct errbuf e;
    int r;
};

static struct parsed *parse_as(enum ofw_flow_command command, const char *text)
{
    static struct parsed p;
    p.arena = (struct ofw_arena){.a = p.room, .cap = 4096};
    p.e.text[0] = '\0';
    p.r = ofm_text_parse(text, command, &names, &p.arena, &p.mod, &p.e);
    return &p;
}

static struct parsed *parse(const char *text)
{
    struct parsed *p = parse_as(OFPFC_ADD, text);
    if (p->r < 0)
        print_error("%s: %s\n", text, p->e.text);
    assert_int_equal(p->r, 0);
    return p;
}

static void print(struct strbuf *b, const struct ofw_flow_mod *m)
{
    struct ofm_flow f = {.match = m->match,
                         .priority = m->priority,
                         .flags = m->flags,
                         .idle_s = m->idle_s,
                         .hard_s = m->hard_s,
                         .table = m->table,
                         .cookie = m->cookie,
                         .instr = m->instr};
    strbuf_free(b);
    ofm_text_flow(b, &f, &names);
}

/* text, as a flow, is printed as `want`, which is printed as itself. */
static void prints(const char *text, const char *want)
{
    struct strbuf b = {0};
    print(&b, &parse(text)->mod);
    assert_string_equal(strbuf_text(&b), want);
    char *again = strdup(strbuf_text(&b));
    print(&b, &parse(again)->mod);
    assert_string_equal(strbuf_text(&b), want);
    free(again);
    strbuf_free(&b);
}

static void refuses(const char *text, const char *why)
{
    struct parsed *p = parse_as(OFPFC_ADD, text);
    if (p->r != -22)
        print_error("\"%s\" is taken\n", text);
    assert_int_equal(p->r, -22);
    if (!strstr(p->e.text, why))
        print_error("\"%s\" says \"%s\", not \"%s\"\n", text, p->e.text, why);
    assert_non_null(strstr(p->e.text, why));
}

static void matches_are_printed_as_ovs_ofctl_does(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"nw_dst=10.1.2.3/8,ip", "ip,nw_dst=10.0.0.0/8"},
        {"dl_type=0x800,nw_proto=6,tp_dst=80", "tcp,tp_dst=80"},
        {"tcp,ip_src=10.0.0.1/255.0.255.0,tcp_src=1", "tcp,nw_src=10.0.0.0/255.0.255.0,tp_src=1"},
        {"in_port=vm1 dl_src=2:0:0:0:0:1", "in_port=vm1,dl_src=02:00:00:00:00:01"},
        {"in_port=local", "in_port=LOCAL"},
        {"in_port=8", "in_port=8"},
        {"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
         "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"},
        {"dl_vlan=10,dl_vlan_pcp=3", "dl_vlan=10,dl_vlan_pcp=3"},
        {"vlan_vid=0x100a", "dl_vlan=10"},
        {"vlan_vid=0x1000/0x1000", "vlan_tci=0x1000/0x1000"},
        {"dl_vlan=0xffff", "vlan_tci=0x0000/0x1fff"},
        {"vlan_tci=0", "vlan_tci=0x0000/0x1fff"},
        {"dl_vlan_pcp=5", "dl_vlan_pcp=5"},
        {"vlan_tci=0xf00a/0xf00f", "vlan_tci=0xf00a/0xf00f"},
        {"arp,nw_src=10.0.0.1,nw_proto=2,arp_sha=02:00:00:00:00:01",
         "arp,arp_spa=10.0.0.1,arp_op=2,arp_sha=02:00:00:00:00:01"},
        {"icmp6,nd_target=fe80::1,icmp_type=135,nd_sll=02:00:00:00:00:01",
         "icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=02:00:00:00:00:01"},
        {"udp6,ipv6_src=fd00::/16,ipv6_label=0x12345,udp_dst=53",
         "udp6,ipv6_src=fd00::/16,ipv6_label=0x12345,tp_dst=53"},
        {"ip,nw_tos=40,nw_ecn=1", "ip,nw_tos=40,nw_ecn=1"},
        {"ip,ip_dscp=10", "ip,nw_tos=40"},
        {"mpls,mpls_label=100,mpls_tc=1,mpls_bos=1", "mpls,mpls_label=100,mpls_tc=1,mpls_bos=1"},
        {"metadata=0x12/0xff,tun_id=100", "tun_id=0x64,metadata=0x12/0xff"},
        {"tun_src=192.0.2.0/24,tun_dst=192.0.2.1", "tun_src=192.0.2.0/24,tun_dst=192.0.2.1"},
        {"tun_ipv6_src=2001:db8::2,tun_ipv6_dst=2001:db8::/64",
         "tun_ipv6_src=2001:db8::2,tun_ipv6_dst=2001:db8::/64"},
        {"dl_type=0x88cc", "dl_type=0x88cc"},
        {"ip,nw_proto=47", "ip,nw_proto=47"},
        {"sctp,sctp_dst=9", "sctp,tp_dst=9"},
        {"icmp,icmp_type=8,icmp_code=0", "icmp,icmp_type=8,icmp_code=0"},
        {"ip,nw_src=0.0.0.0/0", "ip"},
        {"in_port=1,in_phy_port=2", "in_port=vm1,in_phy_port=2"},
        {"dl_type=0x88e7,pbb_isid=0x10203", "dl_type=0x88e7,pbb_isid=0x10203"},
        {"ipv6,ipv6_exthdr=0x1", "ipv6,ipv6_exthdr=0x1"},
        {"rarp", "rarp"},
        {"tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=+syn-ack"},
        {"tcp,tcp_flags=0x12/0x3f", "tcp,tcp_flags=-fin+syn-rst-psh+ack-urg"},
        {"tcp,tcp_flags=2", "tcp,tcp_flags=0x002"},
        {"ip,nw_frag=not_later", "ip,nw_frag=not_later"},
        {"ip,ip_frag=yes", "ip,nw_frag=yes"},
        {"ipv6,nw_frag=later", "ipv6,nw_frag=later"},
        {"reg0=1/0xff,reg15=7,metadata=0", "reg0=0x1/0xff,reg15=0x7,metadata=0"},
        {"xreg1=5", "reg2=0,reg3=0x5"},
        {"xxreg2=0x123456789abcdef0123456789",
         "reg8=0x1,reg9=0x23456789,reg10=0xabcdef01,reg11=0x23456789"},
        {"ip,nw_ttl=5", "ip,nw_ttl=5"},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[256], want[256];
        snprintf(text, sizeof text, "%s,actions=drop", table[i][0]);
        snprintf(want, sizeof want, "table=0,priority=32768,%s,actions=drop", table[i][1]);
        prints(text, want);
    }
}

static void actions_are_printed_as_ovs_ofctl_does(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"output:2,3,vm1", "output:2,output:3,output:vm1"},
        {"NORMAL", "NORMAL"},
        {"flood,all,in_port,local", "FLOOD,ALL,IN_PORT,LOCAL"},
        {"controller", "CONTROLLER:65535"},
        {"controller:128", "CONTROLLER:128"},
        {"controller(max_len=64,reason=action)", "CONTROLLER:64"},
        {"output:controller", "CONTROLLER:65535"},
        {"output:7", "output:drop"},
        {"push_vlan:0x8100,set_field:4106->vlan_vid,1",
         "push_vlan:0x8100,set_field:4106->vlan_vid,output:vm1"},
        {"push_vlan:0x88a8,mod_vlan_vid:10,mod_vlan_pcp:3",
         "push_vlan:0x88a8,set_field:4106->vlan_vid,set_field:3->vlan_pcp"},
        {"mod_nw_dst:10.0.0.9,mod_tp_dst:81,mod_nw_tos:40,dec_ttl",
         "set_field:10.0.0.9->ip_dst,set_field:81->tcp_dst,set_field:10->ip_dscp,dec_ttl"},
        {"set_field:02:00:00:00:00:09->eth_dst,mod_dl_src:2:0:0:0:0:8",
         "set_field:02:00:00:00:00:09->eth_dst,set_field:02:00:00:00:00:08->eth_src"},
        {"push_mpls:0x8847,set_mpls_label:5,set_mpls_ttl(64),dec_mpls_ttl,pop_mpls:0x800",
         "push_mpls:0x8847,set_field:5->mpls_label,set_mpls_ttl(64),dec_mpls_ttl,pop_mpls:0x0800"},
        {"mod_nw_ttl:9", "mod_nw_ttl:9"},
        {"set_tunnel:7", "set_field:0x7->tun_id"},
        {"set_field:192.0.2.2->tun_dst", "set_field:192.0.2.2->tun_dst"},
        {"set_field:2001:db8::2->tun_ipv6_dst", "set_field:2001:db8::2->tun_ipv6_dst"},
        {"write_actions(output:2,dec_ttl),write_metadata:0x1/0xff,goto_table:7",
         "write_actions(output:2,dec_ttl),write_metadata:0x1/0xff,goto_table:7"},
        {"apply_actions(output:2),clear_actions", "output:2,clear_actions"},
        {"write_actions(drop)", "write_actions(drop)"},
        {"clear_actions,goto_table:1", "clear_actions,goto_table:1"},
        {"drop", "drop"},
        {"", "drop"},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[512], want[512];
        snprintf(text, sizeof text, "tcp,dl_vlan=5,actions=%s", table[i][0]);
        snprintf(want, sizeof want, "table=0,priority=32768,tcp,dl_vlan=5,actions=%s", table[i][1]);
        prints(text, want);
    }
    prints("vlan_tci=0,actions=mod_vlan_vid:10,1",
           "table=0,priority=32768,vlan_tci=0x0000/0x1fff,"
           "actions=push_vlan:0x8100,set_field:4106->vlan_vid,output:vm1");
}

static void nicira_s_actions_are_printed_as_ovs_ofctl_does(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"load:1->NXM_NX_REG0[0..3]", "load:0x1->NXM_NX_REG0[0..3]"},
        {"load:5->reg1", "load:0x5->NXM_NX_REG1[]"},
        {"move:NXM_OF_VLAN_TCI[0..11]->reg1[0..11]",
         "move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG1[0..11]"},
        {"set_field:0x1/0xf->reg0", "set_field:0x1/0xf->reg0"},
        {"set_field:1->reg5,set_field:5->xxreg1", "set_field:0x1->reg5,set_field:0x5->xxreg1"},
        {"push:reg0[1..5],pop:NXM_OF_ETH_SRC[]", "push:NXM_NX_REG0[1..5],pop:NXM_OF_ETH_SRC[]"},
        {"note:01.02", "note:01.02.00.00.00.00"},
        {"resubmit(1,2),resubmit:3,resubmit(,4)", "resubmit(vm1,2),resubmit:3,resubmit(,4)"},
        {"output:reg0,output:NXM_NX_REG1[0..15],exit",
         "output:NXM_NX_REG0[],output:NXM_NX_REG1[0..15],exit"},
        {"multipath(symmetric_l4,50,hrw,4,0,NXM_NX_REG0[0..15])",
         "multipath(symmetric_l4,50,hrw,4,0,NXM_NX_REG0[0..15])"},
        {"bundle(eth_src,0,hrw,ofport,slaves:4,8)", "bundle(eth_src,0,hrw,ofport,members:4,8)"},
        {"bundle_load(eth_src,0,active_backup,ofport,NXM_NX_REG0[],members:4)",
         "bundle_load(eth_src,0,active_backup,ofport,NXM_NX_REG0[],members:4)"},
        {"check_pkt_larger(1500)->reg0[3]", "check_pkt_larger(1500)->NXM_NX_REG0[3]"},
        {"controller(reason=invalid_ttl,max_len=100,id=3,userdata=01.02.03)",
         "controller(reason=invalid_ttl,max_len=100,id=3,userdata=01.02.03)"},
        {"controller(id=7)", "controller(id=7)"},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[512], want[512];
        snprintf(text, sizeof text, "tcp,dl_vlan=5,actions=%s", table[i][0]);
        snprintf(want, sizeof want, "table=0,priority=32768,tcp,dl_vlan=5,actions=%s", table[i][1]);
        prints(text, want);
    }
}

static void options_are_taken(void **state)
{
    (void)state;
    struct parsed *p = parse("table=3, priority=7,cookie=0x12,idle_timeout=5,hard_timeout=6,"
                             "send_flow_rem,check_overlap,reset_counts,no_packet_counts,"
                             "no_byte_counts actions=1");
    assert_int_equal(p->mod.table, 3);
    assert_int_equal(p->mod.priority, 7);
    assert_int_equal(p->mod.cookie, 0x12);
    assert_int_equal(p->mod.cookie_mask, 0);
    assert_int_equal(p->mod.idle_s, 5);
    assert_int_equal(p->mod.hard_s, 6);
    assert_int_equal(p->mod.flags, 31);
    prints("cookie=0x1, duration=1.2s, table=0, n_packets=0, n_bytes=0, idle_age=3, ip actions=2",
           "cookie=0x1,table=0,priority=32768,ip,actions=output:2");
}

static void deletes_are_filters(void **state)
{
    (void)state;
    struct parsed *p = parse_as(OFPFC_DELETE, "");
    assert_int_equal(p->r, 0);
    assert_int_equal(p->mod.table, OFPTT_ALL);
    p = parse_as(OFPFC_DELETE, "cookie=0x10/0xf0,out_port=vm1,ip");
    assert_int_equal(p->r, 0);
    assert_int_equal(p->mod.cookie_mask, 0xf0);
    assert_int_equal(p->mod.out_port, 1);
    p = parse_as(OFPFC_DELETE, "cookie=0x10/-1");
    assert_true(p->mod.cookie_mask == UINT64_MAX);
    p = parse_as(OFPFC_DELETE, "priority=3");
    assert_int_equal(p->r, -22);
    p = parse_as(OFPFC_DELETE, "ip,actions=drop");
    assert_int_equal(p->r, -22);
    p = parse_as(OFPFC_DELETE_STRICT, "table=1,priority=3,idle_timeout=9,ip,actions=drop");
    assert_int_equal(p->r, 0);
    assert_int_equal(p->mod.priority, 3);
    assert_int_equal(p->mod.table, 1);
}

static void refusals_show_the_word_and_the_remedy(void **state)
{
    (void)state;
    refuses("ip", "no actions");
    refuses("nw_dst=10.0.0.1,actions=drop", "nw_dst=10.0.0.1: needs ip in the same match");
    refuses("ip,nw_dst=10.0.0.300,actions=drop", "\"10.0.0.300\" is not an IPv4 address");
    refuses("ip,nw_dts=10.0.0.3,actions=drop", "did you mean \"nw_dst\"");
    refuses("tcp,udp,actions=drop", "another nw_proto");
    refuses("ip,ipv6,actions=drop", "another dl_type");
    refuses("tcp,nw_proto=17,actions=drop", "another nw_proto");
    refuses("in_port=vm9,actions=drop", "\"vm9\" is not a port's name or number");
    refuses("in_port=1,in_port=2,actions=drop", "twice");
    refuses("tcp,tp_dst=80,tcp_dst=81,actions=drop", "twice");
    refuses("ip,nw_proto=6/0xf,actions=drop", "takes no mask");
    refuses("dl_vlan=5000,actions=drop", "0..4095");
    refuses("vlan_vid=10,actions=drop", "write dl_vlan=10");
    refuses("vlan_tci=0/0x1fff,dl_vlan_pcp=3,actions=drop", "untagged");
    refuses("ip,ct_state=3,actions=drop", "not supported yet");
    refuses("pkt_mark=1,actions=drop", "not supported yet");
    refuses("table=255,actions=drop", "0..253");
    refuses("priority=65536,actions=drop", "65535");
    refuses("priority=1,priority=1,actions=drop", "twice");
    refuses("cookie=1/1,actions=drop", "no mask");
    refuses("send_flow_rem=1,actions=drop", "takes no value");
    refuses("ip=1,actions=drop", "takes no value");
    refuses("in_port,actions=drop", "in_port=VALUE");
    refuses("out_port=1,actions=drop", "delete or to show");
    refuses("actions=outptu:1", "did you mean \"output\"");
    refuses("actions=resubmit(,x)", "resubmit(,TABLE)");
    refuses("tcp,tcp_flags=+sny,actions=drop", "+syn-ack");
    refuses("ip,nw_frag=maybe,actions=drop", "not_later");
    refuses("actions=ct(commit)", "not supported yet");
    refuses("actions=move:reg0[0..3]->reg1[0..4]", "4 bits to 5");
    refuses("actions=load:1->reg77", "\"reg77\" is not a field");
    refuses("actions=load:16->reg0[0..3]", "outside the field");
    refuses("actions=load:1->conj_id", "is not a field");
    refuses("actions=write_actions(resubmit(,1))", "not an action for an action set");
    refuses("actions=learn(table=1)", "not supported yet");
    refuses("actions=output:nobody", "expected output:PORT");
    refuses("actions=drop,1", "drop stands alone");
    refuses("actions=1,drop", "drop stands alone");
    refuses("actions=goto_table:1,2", "actions come before");
    refuses("actions=goto_table:1,goto_table:2", "each once");
    refuses("actions=write_metadata:1,write_actions(1)", "each once");
    refuses("table=3,actions=goto_table:2", "OFPBIC_BAD_TABLE_ID");
    refuses("actions=write_actions(1", "expected write_actions(ACTIONS)");
    refuses("actions=set_field:1->eth_typo", "\"eth_typo\"");
    refuses("ipv6,actions=set_field:1->ipv6_exthdr", "can't be set");
    refuses("actions=set_field:10->vlan_vid", "mod_vlan_vid:10");
    refuses("actions=mod_nw_dst:10.0.0.1", "set_field:10.0.0.1->ip_dst: ");
    refuses("ip,actions=mod_tp_dst:80", "tcp, udp or sctp");
    refuses("actions=mod_vlan_vid:10", "MATCH_INCONSISTENT");
    refuses("actions=push_vlan:0x1234", "0x8100 or 0x88a8");
    refuses("actions=table", "packet-out");
    refuses("actions=1)", "neither an action");
}

static void names_may_be_known_one_way_only(void **state)
{
    (void)state;
    static const struct ofm_names one_way = {.number = number};
    struct parsed *p = parse_as(OFPFC_DELETE, "");
    int r =
        ofm_text_parse("actions=vm1,pop_vlan,3", OFPFC_ADD, &one_way, &p->arena, &p->mod, &p->e);
    assert_int_equal(r, -22);
    assert_non_null(strstr(p->e.text, "pop_vlan: "));
    r = ofm_text_parse("actions=4,output:0", OFPFC_ADD, &one_way, &p->arena, &p->mod, &p->e);
    assert_int_equal(r, -22);
    assert_non_null(strstr(p->e.text, "output:0: "));
}

static void packet_outs_may_name_the_table(void **state)
{
    (void)state;
    struct parsed *p = parse_as(OFPFC_DELETE, "");
    struct ofw_actions list;
    int r = ofm_text_parse_actions("mod_dl_src:2:0:0:0:0:1,table", &names, &p->arena, &list, &p->e);
    assert_int_equal(r, 0);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.a[1].port, OFPP_TABLE);
    r = ofm_text_parse_actions("goto_table:1", &names, &p->arena, &list, &p->e);
    assert_int_equal(r, -22);
}

/* ---- any flow: printed, parsed, the same ---- */

static void random_field(struct prng *p, enum flow_field f, struct flow_match *m)
{
    uint8_t value[16] = {0}, mask[16];
    bool full = true;
    unsigned spare = flow_fields[f].bytes * 8u - flow_fields[f].bits;
    for (unsigned i = 0; i < flow_fields[f].bytes; i++, spare -= spare < 8 ? spare : 8) {
        uint8_t width = (uint8_t)(spare < 8 ? 0xff >> spare : 0);
        value[i] = (uint8_t)prng_next(p) & width;
        mask[i] = (uint8_t)prng_next(p) & width;
        full = full && mask[i] == width;
    }
    bool masked = ofw_field_maskable(f) && !full && prng_below(p, 2);
    if (f == FF_VLAN_VID) {
        masked = false;
        value[0] |= FLOW_VID_PRESENT >> 8;
    }
    if (f == FF_ETH_TYPE)
        memcpy(value,
               prng_below(p, 2)   ? "\x08\x00"
               : prng_below(p, 2) ? "\x86\xdd"
                                  : "\x08\x06",
               2);
    if (f == FF_IP_PROTO)
        value[0] = "\x01\x06\x11\x3a\x84\x2f"[prng_below(p, 6)];
    if (f == FF_ICMPV6_TYPE)
        value[0] = (uint8_t)(134 + prng_below(p, 3));
    flow_match_set(m, f, value, masked ? mask : NULL);
}

static void random_flows_survive_printing(void **state)
{
    (void)state;
    struct prng p = {.state = 3};
    struct strbuf b = {0}, again = {0};
    for (unsigned i = 0; i < 20000; i++) {
        struct ofw_flow_mod m = {.priority = (uint16_t)prng_next(&p)};
        for (unsigned f = 0; f < FF_COUNT; f++)
            if (f != FF_IP_FRAG && f != FF_CONJ_ID && prng_below(&p, 3) &&
                ofw_field_prereq_ok((enum flow_field)f, &m.match))
                random_field(&p, (enum flow_field)f, &m.match);
        print(&b, &m);
        struct parsed *q = parse(strbuf_text(&b));
        print(&again, &q->mod);
        assert_string_equal(strbuf_text(&b), strbuf_text(&again));
        assert_true(flow_match_equal(&q->mod.match, &m.match));
    }
    strbuf_free(&b);
    strbuf_free(&again);
}

static void statistics_are_printed_as_ovs_ofctl_does(void **state)
{
    (void)state;
    struct parsed *p = parse("priority=10,ip,in_port=1,nw_dst=10.0.0.0/8,actions=output:2");
    struct ofw_flow_stats s = {.cookie = 0,
                               .duration_ns = 1234567890,
                               .priority = 10,
                               .idle_s = 9,
                               .flags = OFPFF_SEND_FLOW_REM,
                               .packets = 3,
                               .bytes = 180,
                               .match = p->mod.match,
                               .instr = p->mod.instr};
    struct strbuf b = {0};
    ofm_text_stats(&b, &s, NULL);
    assert_string_equal(strbuf_text(&b),
                        "cookie=0x0, duration=1.234s, table=0, n_packets=3, n_bytes=180, "
                        "idle_timeout=9, send_flow_rem priority=10,ip,in_port=1,nw_dst=10.0.0.0/8 "
                        "actions=output:2");
    strbuf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_are_printed_as_ovs_ofctl_does),
        cmocka_unit_test(actions_are_printed_as_ovs_ofctl_does),
        cmocka_unit_test(nicira_s_actions_are_printed_as_ovs_ofctl_does),
        cmocka_unit_test(options_are_taken),
        cmocka_unit_test(deletes_are_filters),
        cmocka_unit_test(refusals_show_the_word_and_the_remedy),
        cmocka_unit_test(names_may_be_known_one_way_only),
        cmocka_unit_test(packet_outs_may_name_the_table),
        cmocka_unit_test(random_flows_survive_printing),
        cmocka_unit_test(statistics_are_printed_as_ovs_ofctl_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
