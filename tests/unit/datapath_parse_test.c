/* parse: one frame of each kind, and each of them cut off everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/parse.h"
#include "tests/unit/fake_mbuf.h"
#include "tests/unit/frames.h"

static struct pkt parsed(enum frame_kind f)
{
    struct pkt p = {0};
    p.key.metadata = 77;
    parse_bytes(&p, frames[f].b, frames[f].len);
    return p;
}

static void assert_bytes(const void *is, const char *hex)
{
    for (const uint8_t *b = is; *hex; hex += 2, b++) {
        char two[3] = {hex[0], hex[1], 0};
        assert_int_equal(*b, strtoul(two, NULL, 16));
    }
}

static void assert_ports(const struct pkt *p)
{
    assert_int_equal(from_be16(p->key.l4_src), 1000);
    assert_int_equal(from_be16(p->key.l4_dst), 2000);
    assert_int_equal(p->flags & (PKT_IP_BAD | PKT_L4_BAD), 0);
}

static void ethernet_is_read(void **state)
{
    (void)state;
    struct pkt p = parsed(F_ETH_PLAIN);
    assert_bytes(&p.key.eth_dst, "020000000002");
    assert_bytes(&p.key.eth_src, "020000000001");
    assert_int_equal(from_be16(p.key.eth_type), 0x88b5);
    assert_int_equal(p.l3_off, 14);
    assert_int_equal(p.key.metadata, 77); /* left as it was */
    assert_int_equal(p.key.vlan_vid, 0);
}

static void an_802_3_frame_has_the_type_of_its_snap_header(void **state)
{
    (void)state;
    struct pkt p = parsed(F_SNAP_IPV4);
    assert_int_equal(from_be16(p.key.eth_type), 0x0800);
    assert_int_equal(p.l3_off, 22);
    assert_ports(&p);
    p = parsed(F_LLC);
    assert_int_equal(from_be16(p.key.eth_type), 0x05ff);
}

static void the_outermost_tag_counts_and_the_type_after_all(void **state)
{
    (void)state;
    struct pkt p = parsed(F_VLAN_UDP4);
    assert_int_equal(from_be16(p.key.vlan_vid), 0x1000 | 10);
    assert_int_equal(p.key.vlan_pcp, 5);
    assert_int_equal(p.vlan_tags, 1);
    assert_ports(&p);
    p = parsed(F_QINQ_TCP6);
    assert_int_equal(from_be16(p.key.vlan_vid), 0x1000 | 100);
    assert_int_equal(p.key.vlan_pcp, 1);
    assert_int_equal(p.vlan_tags, 2);
    assert_int_equal(from_be16(p.key.eth_type), 0x86dd);
    assert_int_equal(from_be16(p.key.tcp_flags), 1);
    assert_ports(&p);
    p = parsed(F_VLAN_ZERO);
    assert_int_equal(from_be16(p.key.vlan_vid), 0x1000);
}

static void arp_is_read(void **state)
{
    (void)state;
    struct pkt p = parsed(F_ARP);
    assert_int_equal(from_be16(p.key.arp_op), 2);
    assert_bytes(&p.key.ip_src, "0a00000100000000");
    assert_bytes(&p.key.ip_dst, "0a00000200000000");
    assert_bytes(&p.key.arp_sha, "020000000001");
    assert_bytes(&p.key.arp_tha, "020000000002");
}

static void ipv4_and_its_protocols_are_read(void **state)
{
    (void)state;
    static const enum frame_kind kinds[] = {F_TCP4, F_TCP4_OPTIONS, F_UDP4, F_SCTP4, F_PADDED};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct pkt p = parsed(kinds[i]);
        assert_ports(&p);
        assert_bytes(&p.key.ip_src, "0a00000100000000");
        assert_bytes(&p.key.ip_dst, "0a000002");
    }
    struct pkt p = parsed(F_TCP4);
    assert_int_equal(p.key.ip_dscp, 46);
    assert_int_equal(p.key.ip_ecn, 1);
    assert_int_equal(p.key.ip_ttl, 64);
    assert_int_equal(from_be16(p.key.tcp_flags), 0x12);
    assert_int_equal(p.payload_off, 14 + 20 + 24);
    p = parsed(F_ICMP4);
    assert_int_equal(p.key.icmp_type, 8);
    assert_int_equal(p.key.ip_proto, 1);
}

static void fragments_are_told_apart(void **state)
{
    (void)state;
    struct pkt p = parsed(F_FRAG_FIRST4);
    assert_int_equal(p.key.ip_frag, FLOW_FRAG_ANY);
    assert_ports(&p);
    p = parsed(F_FRAG_LATER4);
    assert_int_equal(p.key.ip_frag, FLOW_FRAG_ANY | FLOW_FRAG_LATER);
    assert_int_equal(p.key.ip_proto, 17);
    assert_int_equal(p.l4_off, 0);
    assert_int_equal(p.key.l4_src, 0);
    p = parsed(F_EXT6_LATER);
    assert_int_equal(p.key.ip_frag, FLOW_FRAG_ANY | FLOW_FRAG_LATER);
    assert_int_equal(p.key.ip_proto, 17);
    assert_int_equal(p.key.l4_src, 0);
}

static void ipv6_and_its_protocols_are_read(void **state)
{
    (void)state;
    static const enum frame_kind kinds[] = {F_TCP6, F_UDP6, F_SCTP6};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct pkt p = parsed(kinds[i]);
        assert_ports(&p);
        assert_bytes(&p.key.ip_src, "20010db8000000000000000000000001");
        assert_bytes(&p.key.ip_dst, "20010db8000000000000000000000002");
    }
    struct pkt p = parsed(F_TCP6);
    assert_int_equal(from_be32(p.key.ipv6_flabel), 0x12345);
    assert_int_equal(p.key.ip_dscp, 46);
    assert_int_equal(p.key.ip_ecn, 1);
    p = parsed(F_ICMP6);
    assert_int_equal(p.key.icmp_type, 128);
    p = parsed(F_NS6);
    assert_bytes(&p.key.nd_target, "20010db8000000000000000000000002");
    assert_bytes(&p.key.arp_sha, "020000000001");
    assert_bytes(&p.key.arp_tha, "000000000000");
    p = parsed(F_NA6);
    assert_bytes(&p.key.arp_tha, "020000000002");
    assert_bytes(&p.key.arp_sha, "000000000000");
}

/* OFPIEH_*: none 1, esp 2, auth 4, dest 8, frag 16, router 32, hop 64, unrep 128, unseq 256. */
static void extension_headers_are_walked(void **state)
{
    (void)state;
    struct pkt p = parsed(F_EXT6);
    assert_int_equal(from_be16(p.key.ipv6_exthdr), 64 | 8 | 32 | 16);
    assert_int_equal(p.key.ip_frag, FLOW_FRAG_ANY);
    assert_ports(&p);
    p = parsed(F_EXT6_ODD);
    assert_int_equal(from_be16(p.key.ipv6_exthdr), 64 | 8 | 128 | 256);
    assert_ports(&p);
    p = parsed(F_EXT6_AH);
    assert_int_equal(from_be16(p.key.ipv6_exthdr), 4);
    assert_ports(&p);
    p = parsed(F_EXT6_ESP);
    assert_int_equal(from_be16(p.key.ipv6_exthdr), 2);
    assert_int_equal(p.key.ip_proto, 50);
    p = parsed(F_EXT6_NONE);
    assert_int_equal(from_be16(p.key.ipv6_exthdr), 1);
    assert_int_equal(p.key.ip_proto, 59);
}

static void mpls_and_pbb_are_read_and_nothing_below(void **state)
{
    (void)state;
    struct pkt p = parsed(F_MPLS1_IPV4);
    assert_int_equal(from_be32(p.key.mpls_label), 77);
    assert_int_equal(p.key.mpls_tc, 3);
    assert_int_equal(p.key.mpls_bos, 1);
    assert_int_equal(p.mpls_off, 14);
    assert_int_equal(p.key.ip_proto, 0);
    p = parsed(F_MPLS2_IPV6);
    assert_int_equal(from_be32(p.key.mpls_label), 0xfffff);
    assert_int_equal(p.key.mpls_tc, 7);
    assert_int_equal(p.key.mpls_bos, 0);
    p = parsed(F_VLAN_MPLS);
    assert_int_equal(p.mpls_off, 18);
    p = parsed(F_PBB);
    assert_bytes(p.key.pbb_isid, "abcdef");
}

static void nonsense_is_marked_and_reads_zero(void **state)
{
    (void)state;
    struct pkt p = parsed(F_IP_BAD_LENGTH);
    assert_int_equal(p.flags, PKT_IP_BAD);
    assert_int_equal(p.key.ip_proto, 0);
    assert_bytes(&p.key.ip_src, "00000000");
    p = parsed(F_TCP_BAD_OFFSET);
    assert_int_equal(p.flags, PKT_L4_BAD);
    assert_int_equal(p.key.ip_proto, 6);
    assert_int_equal(p.key.l4_src, 0);
}

/* A copy of exactly the bytes that are there: the sanitizer sees a read behind them. What is read
 * from a part of a frame is what is in the whole, or nothing. */
static void a_cut_off_frame_reads_zero_or_right(void **state)
{
    (void)state;
    for (unsigned f = 0; f < F_COUNT; f++) {
        for (size_t len = 0; len <= frames[f].len; len++) {
            uint8_t *b = malloc(len + (len == 0));
            memcpy(b, frames[f].b, len);
            struct pkt p;
            memset(&p, 0xa5, sizeof p);
            parse_bytes(&p, b, len);
            free(b);
            assert_true(p.l3_off <= len && p.l4_off <= len && p.payload_off <= len);
            assert_true(p.mpls_off + (p.mpls_off ? 4u : 0u) <= len);
            assert_true(len >= 14 || mac_is_zero(p.key.eth_dst));
            assert_true(p.l4_off != 0 || p.key.l4_src == 0);
        }
    }
}

/* fake_mbuf() takes the short way where there is one, fake_is_true() the general one. */
static void the_straight_line_says_what_the_general_way_says(void **state)
{
    (void)state;
    static struct fake_mbuf f;
    for (int k = 0; k < F_COUNT; k++) {
        for (size_t len = 14; len <= frames[k].len; len++)
            assert_true(fake_is_true(fake_mbuf(&f, frames[k].b, len)));
    }
}

static void less_is_parsed_when_less_is_asked(void **state)
{
    (void)state;
    static struct fake_mbuf f;
    for (int k = 0; k < F_COUNT; k++) {
        struct rte_mbuf *m = fake_mbuf(&f, frames[k].b, frames[k].len);
        struct pkt all = f.pkt;
        f.pkt.depth = PKT_DEPTH_PORT;
        parse_need(m, PKT_DEPTH_PORT);
        assert_int_equal(f.pkt.depth, PKT_DEPTH_PORT);
        parse_need(m, PKT_DEPTH_L2);
        assert_true(f.pkt.depth >= PKT_DEPTH_L2);
        assert_memory_equal(&f.pkt.key.w[3], &all.key.w[3], 16);
        assert_int_equal(f.pkt.key.vlan_pcp, all.key.vlan_pcp);
        assert_int_equal(f.pkt.vlan_tags, all.vlan_tags);
        assert_int_equal(f.pkt.l3_off, all.l3_off);
        parse_need(m, PKT_DEPTH_ALL);
        assert_true(fake_is_true(m));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ethernet_is_read),
        cmocka_unit_test(an_802_3_frame_has_the_type_of_its_snap_header),
        cmocka_unit_test(the_outermost_tag_counts_and_the_type_after_all),
        cmocka_unit_test(arp_is_read),
        cmocka_unit_test(ipv4_and_its_protocols_are_read),
        cmocka_unit_test(fragments_are_told_apart),
        cmocka_unit_test(ipv6_and_its_protocols_are_read),
        cmocka_unit_test(extension_headers_are_walked),
        cmocka_unit_test(mpls_and_pbb_are_read_and_nothing_below),
        cmocka_unit_test(nonsense_is_marked_and_reads_zero),
        cmocka_unit_test(a_cut_off_frame_reads_zero_or_right),
        cmocka_unit_test(the_straight_line_says_what_the_general_way_says),
        cmocka_unit_test(less_is_parsed_when_less_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
