/* guard: what a VM may say, clause by clause, and the known ways around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "datapath/drop.h"
#include "datapath/guard.h"

#define OWN    "\x02\x00\x00\x00\x00\x07"
#define OTHER  "\x02\x00\x00\x00\x00\x08"
#define ALL    "\xff\xff\xff\xff\xff\xff"
#define IP4    "\x0a\x00\x00\x07"
#define IP4_B  "\x0a\x00\x00\x08"
#define NONE4  "\0\0\0\0"
#define IP6    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define IP6_B  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08"
#define LLA    "\xfe\x80\0\0\0\0\0\0\x00\x00\x00\xff\xfe\x00\x00\x07"
#define LLA_B  "\xfe\x80\0\0\0\0\0\0\x00\x00\x00\xff\xfe\x00\x00\x08"
#define NONE6  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GROUP6 "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"

static uint8_t frame[512];
static struct writer f;

static struct guard strict(void)
{
    struct guard g = {.checks = GUARD_ALL, .n_macs = 1, .n_ips = 2};
    memcpy(g.mac[0].b, OWN, 6);
    g.ip[0] = (struct guard_ip){.prefix = 32};
    memcpy(g.ip[0].ip.b, IP4, 4);
    g.ip[1] = (struct guard_ip){.v6 = true, .prefix = 128};
    memcpy(g.ip[1].ip.b, IP6, 16);
    return g;
}

static void eth(const char *src, uint16_t type)
{
    f = writer_of(frame, sizeof frame);
    write_bytes(&f, ALL, 6);
    write_bytes(&f, src, 6);
    write_u16(&f, type);
}

static void arp(uint16_t op, const char *sha, const char *spa, const char *tha, const char *tpa)
{
    write_u16(&f, 1);
    write_u16(&f, 0x800);
    write_u16(&f, 0x604);
    write_u16(&f, op);
    write_bytes(&f, sha, 6);
    write_bytes(&f, spa, 4);
    write_bytes(&f, tha, 6);
    write_bytes(&f, tpa, 4);
}

static void ip4(const char *src, uint8_t proto, uint16_t fragment)
{
    write_u16(&f, 0x4500);
    write_u16(&f, 100);
    write_u16(&f, 1);
    write_u16(&f, fragment);
    write_u8(&f, 64);
    write_u8(&f, proto);
    write_u16(&f, 0);
    write_bytes(&f, src, 4);
    write_bytes(&f, IP4_B, 4);
}

static void ip6(const char *src, uint8_t next)
{
    write_u32(&f, 6u << 28);
    write_u16(&f, 0);
    write_u8(&f, next);
    write_u8(&f, 255);
    write_bytes(&f, src, 16);
    write_bytes(&f, GROUP6, 16);
}

static void udp(uint16_t from, uint16_t to)
{
    write_u16(&f, from);
    write_u16(&f, to);
    write_u32(&f, 8u << 16);
}

static void bootp(uint8_t op, const char *chaddr)
{
    write_u8(&f, op);
    write_u8(&f, 1);
    write_u8(&f, 6);
    write_zeros(&f, 25);
    write_bytes(&f, chaddr, 6);
    write_zeros(&f, 200);
}

static void nd(uint8_t type, uint8_t flags, const char *target, const char *lla)
{
    write_u8(&f, type);
    write_u8(&f, 0);
    write_u16(&f, 0);
    write_u8(&f, flags);
    write_zeros(&f, 3);
    if (target)
        write_bytes(&f, target, 16);
    if (lla) {
        write_u8(&f, type == 136 ? 2 : 1);
        write_u8(&f, 1);
        write_bytes(&f, lla, 6);
    }
}

static enum guard_kind kind;

static int verdict_of(const struct guard *g)
{
    /* A buffer of exactly the frame's size: a read behind it is the sanitizer's. */
    uint8_t *exact = malloc(f.len);
    memcpy(exact, frame, f.len);
    int r = guard_check(g, exact, f.len, &kind);
    free(exact);
    return r;
}

static int verdict(void)
{
    struct guard g = strict();
    return verdict_of(&g);
}

static void passes(void) { assert_int_equal(verdict(), GUARD_PASS); }
static void dropped(enum drop_reason why) { assert_int_equal(verdict(), why); }

/* ------------------------------------------------------------ */

static void only_bound_macs_are_sources(void **s)
{
    (void)s;
    eth(OWN, 0x0800), ip4(IP4, 6, 0);
    passes();
    eth(OTHER, 0x0800), ip4(IP4, 6, 0);
    dropped(DROP_GUARD_MAC);
    eth(ALL, 0x0800), ip4(IP4, 6, 0);
    dropped(DROP_GUARD_MAC);
}

static void arp_speaks_for_bound_addresses_only_rfc_826(void **s)
{
    (void)s;
    eth(OWN, 0x0806), arp(1, OWN, IP4, NONE6, IP4_B);
    passes();
    assert_int_equal(kind, GUARD_ASK);
    eth(OWN, 0x0806), arp(2, OWN, IP4, OTHER, IP4_B);
    passes();
    assert_int_equal(kind, GUARD_ANNOUNCE);
    eth(OWN, 0x0806), arp(2, OWN, IP4_B, OTHER, IP4);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(2, OTHER, IP4, OTHER, IP4);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(3, OWN, IP4, OTHER, IP4);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(1, OWN, IP4, OTHER, IP4);
    frame[18] = 8; /* hlen */
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(1, OWN, IP4, OTHER, IP4);
    f.len -= 1;
    dropped(DROP_GUARD_MALFORMED);
}

static void a_probe_is_of_ones_own_address_rfc_5227_2_1_1(void **s)
{
    (void)s;
    eth(OWN, 0x0806), arp(1, OWN, NONE4, NONE6, IP4);
    passes();
    eth(OWN, 0x0806), arp(1, OWN, NONE4, NONE6, IP4_B);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(2, OWN, NONE4, NONE6, IP4);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x0806), arp(1, OWN, IP4, NONE6, IP4); /* the announcement, 2.3 */
    passes();
    assert_int_equal(kind, GUARD_ANNOUNCE);
}

static void rarp_asks_for_oneself_rfc_903(void **s)
{
    (void)s;
    eth(OWN, 0x8035), arp(3, OWN, NONE4, OWN, NONE4);
    passes();
    assert_int_equal(kind, GUARD_ANNOUNCE);
    eth(OWN, 0x8035), arp(3, OTHER, NONE4, OTHER, NONE4);
    dropped(DROP_GUARD_ARP);
    eth(OWN, 0x8035), arp(4, OWN, NONE4, OWN, NONE4);
    dropped(DROP_GUARD_ARP);
}

static void ip4_sources_are_bound(void **s)
{
    (void)s;
    eth(OWN, 0x0800), ip4(IP4_B, 6, 0);
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x0800), ip4(IP4_B, 17, 0x2000 | 185); /* of a fragment, too */
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x0800), ip4(IP4, 17, 185);
    passes();
    eth(OWN, 0x0800), ip4(NONE4, 6, 0);
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x0800), ip4(IP4, 6, 0);
    frame[14] = 0x44;
    dropped(DROP_GUARD_MALFORMED);
}

static void dhcp_clients_name_themselves_rfc_2131(void **s)
{
    (void)s;
    eth(OWN, 0x0800), ip4(NONE4, 17, 0), udp(68, 67), bootp(1, OWN);
    passes();
    assert_int_equal(kind, GUARD_ASK);
    eth(OWN, 0x0800), ip4(NONE4, 17, 0), udp(68, 67), bootp(1, OTHER);
    dropped(DROP_GUARD_DHCP);
    eth(OWN, 0x0800), ip4(IP4, 17, 0), udp(67, 68), bootp(2, OTHER);
    dropped(DROP_GUARD_DHCP);
    eth(OWN, 0x0800), ip4(IP4, 17, 0), udp(68, 67), bootp(2, OWN);
    dropped(DROP_GUARD_DHCP);
    eth(OWN, 0x0800), ip4(IP4, 17, 0x2000), write_u32(&f, 67u << 16 | 68);
    dropped(DROP_GUARD_MALFORMED); /* a first fragment too short for UDP's header */
    eth(OWN, 0x86dd), ip6(LLA, 17), udp(547, 546);
    dropped(DROP_GUARD_DHCP);
    eth(OWN, 0x86dd), ip6(LLA, 17), udp(546, 547);
    passes();
}

static void guests_are_no_routers_rfc_6105(void **s)
{
    (void)s;
    eth(OWN, 0x86dd), ip6(LLA, 58), nd(134, 0, NULL, OWN);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x86dd), ip6(LLA, 58), nd(137, 0, IP6_B, NULL);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x86dd), ip6(LLA, 58), nd(136, 0xa0, IP6, OWN); /* NA with R */
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x0800), ip4(IP4, 1, 0), write_u32(&f, 5u << 24);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x0800), ip4(IP4, 1, 0), write_u32(&f, 8u << 24);
    passes();
    struct guard g = strict();
    g.checks &= ~(uint32_t)GUARD_ROUTER;
    eth(OWN, 0x86dd), ip6(LLA, 58), nd(134, 0, NULL, OWN);
    assert_int_equal(verdict_of(&g), GUARD_PASS);
}

static void extension_headers_hide_no_ra_rfc_7113(void **s)
{
    (void)s;
    eth(OWN, 0x86dd), ip6(LLA, 60), write_u64(&f, 58ull << 56), nd(134, 0, NULL, OWN);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x86dd), ip6(LLA, 0), write_u64(&f, 60ull << 56), write_u64(&f, 58ull << 56);
    nd(134, 0, NULL, NULL);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x86dd), ip6(LLA, 44), write_u64(&f, 58ull << 56), nd(134, 0, NULL, OWN);
    dropped(DROP_GUARD_ROUTER); /* an atomic fragment: RFC 6980 */
    eth(OWN, 0x86dd), ip6(LLA, 44), write_u64(&f, 58ull << 56 | 1ull << 32), nd(135, 0, IP6_B, OWN);
    dropped(DROP_GUARD_ND);
    /* A first fragment that ends within the chain: RFC 7112. */
    eth(OWN, 0x86dd), ip6(LLA, 44), write_u64(&f, 60ull << 56 | 1ull << 32),
        write_u32(&f, 58u << 24);
    dropped(DROP_GUARD_MALFORMED);
    /* AH counts in words: 24 bytes. */
    eth(OWN, 0x86dd), ip6(LLA, 51), write_u64(&f, 58ull << 56 | 4ull << 48), write_zeros(&f, 16);
    nd(134, 0, NULL, NULL);
    dropped(DROP_GUARD_ROUTER);
    eth(OWN, 0x86dd), ip6(LLA, 60);
    for (int i = 0; i < 12; i++)
        write_u64(&f, 60ull << 56);
    dropped(DROP_GUARD_MALFORMED);
    /* The rest of a fragmented packet has no upper layer to look at. */
    eth(OWN, 0x86dd), ip6(IP6, 44), write_u64(&f, 17ull << 56 | 185ull << 35), write_zeros(&f, 20);
    passes();
}

static void nd_speaks_for_bound_addresses_only_rfc_4861(void **s)
{
    (void)s;
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(136, 0x20, IP6, OWN);
    passes();
    assert_int_equal(kind, GUARD_ANNOUNCE);
    eth(OWN, 0x86dd), ip6(LLA, 58), nd(136, 0x20, LLA, OWN);
    passes();
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(136, 0x20, IP6_B, OWN);
    dropped(DROP_GUARD_ND);
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(136, 0x20, IP6, OTHER);
    dropped(DROP_GUARD_ND);
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(135, 0, IP6_B, OWN);
    passes();
    assert_int_equal(kind, GUARD_ASK);
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(135, 0, IP6_B, OTHER);
    dropped(DROP_GUARD_ND);
    eth(OWN, 0x86dd), ip6(NONE6, 58), nd(135, 0, IP6, NULL); /* DAD, RFC 4862 5.4 */
    passes();
    eth(OWN, 0x86dd), ip6(NONE6, 58), nd(135, 0, IP6_B, NULL);
    dropped(DROP_GUARD_ND);
    eth(OWN, 0x86dd), ip6(IP6, 58), nd(136, 0x20, IP6, NULL), write_u16(&f, 0x200);
    dropped(DROP_GUARD_ND); /* an option of length zero */
}

static void ip6_sources_are_bound_or_the_macs_link_local(void **s)
{
    (void)s;
    eth(OWN, 0x86dd), ip6(IP6, 6);
    passes();
    eth(OWN, 0x86dd), ip6(LLA, 6);
    passes();
    eth(OWN, 0x86dd), ip6(IP6_B, 6);
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x86dd), ip6(LLA_B, 6);
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x86dd), ip6(NONE6, 6);
    dropped(DROP_GUARD_IP);
    eth(OWN, 0x86dd), ip6(NONE6, 58), write_u32(&f, 143u << 24); /* MLDv2, RFC 3810 5.2.13 */
    passes();
}

static void an_access_port_sends_no_tags(void **s)
{
    (void)s;
    eth(OWN, 0x8100), write_u32(&f, 20u << 16 | 0x0800), ip4(IP4, 6, 0);
    dropped(DROP_GUARD_VLAN);
    eth(OWN, 0x8100), write_u32(&f, 0xe0000800), ip4(IP4, 6, 0); /* priority only */
    passes();
    eth(OWN, 0x8100), write_u32(&f, 0x00008100), write_u32(&f, 20u << 16 | 0x0800), ip4(IP4, 6, 0);
    dropped(DROP_GUARD_VLAN);
    eth(OWN, 0x88a8), write_u32(&f, 10u << 16 | 0x8100), write_u32(&f, 20u << 16 | 0x0800);
    dropped(DROP_GUARD_VLAN);
    eth(OWN, 0x9100), write_u32(&f, 10u << 16 | 0x0800), ip4(IP4, 6, 0);
    dropped(DROP_GUARD_VLAN);
}

static void a_trunk_sends_one_tag_of_its_own(void **s)
{
    (void)s;
    struct guard g = strict();
    g.tagged = true;
    g.vids[0] = 1 << 10;
    eth(OWN, 0x8100), write_u32(&f, 10u << 16 | 0x0800), ip4(IP4, 6, 0);
    assert_int_equal(verdict_of(&g), GUARD_PASS);
    eth(OWN, 0x8100), write_u32(&f, 20u << 16 | 0x0800), ip4(IP4, 6, 0);
    assert_int_equal(verdict_of(&g), DROP_GUARD_VLAN);
    eth(OWN, 0x8100), write_u32(&f, 10u << 16 | 0x8100), write_u32(&f, 10u << 16 | 0x0800);
    assert_int_equal(verdict_of(&g), DROP_GUARD_VLAN);
    eth(OWN, 0x8100), write_u32(&f, 10u << 16 | 0x0800), ip4(IP4_B, 6, 0); /* and inside */
    assert_int_equal(verdict_of(&g), DROP_GUARD_IP);
}

static void other_types_stay_outside(void **s)
{
    (void)s;
    static const uint16_t types[] = {0x88cc, 0x8847, 0x888e, 0x8809, 0x0026, 0x88e7, 0x8863};
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        eth(OWN, types[i]), write_zeros(&f, 46);
        dropped(DROP_GUARD_TYPE);
    }
}

static void prefixes_are_bound_to_the_bit(void **s)
{
    (void)s;
    struct guard g = strict();
    g.ip[0].prefix = 29; /* 10.0.0.0..7 */
    memcpy(g.ip[0].ip.b, "\x0a\0\0\0", 4);
    eth(OWN, 0x0800), ip4(IP4, 6, 0);
    assert_int_equal(verdict_of(&g), GUARD_PASS);
    eth(OWN, 0x0800), ip4(IP4_B, 6, 0);
    assert_int_equal(verdict_of(&g), DROP_GUARD_IP);
}

static void a_port_without_addresses_is_bound_by_mac(void **s)
{
    (void)s;
    struct guard g = strict();
    g.n_ips = 0;
    eth(OWN, 0x0800), ip4(IP4_B, 6, 0);
    assert_int_equal(verdict_of(&g), GUARD_PASS);
    eth(OWN, 0x0806), arp(2, OTHER, IP4_B, OWN, IP4);
    assert_int_equal(verdict_of(&g), DROP_GUARD_ARP);
}

static void every_cut_of_a_good_frame_is_refused_or_good(void **s)
{
    (void)s;
    eth(OWN, 0x86dd), ip6(IP6, 0), write_u64(&f, 58ull << 56), nd(136, 0x20, IP6, OWN);
    size_t whole = f.len;
    for (f.len = 0; f.len <= whole; f.len++) /* the option may be missing, whole */
        assert_int_equal(verdict() == GUARD_PASS, f.len == whole || f.len == whole - 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_bound_macs_are_sources),
        cmocka_unit_test(arp_speaks_for_bound_addresses_only_rfc_826),
        cmocka_unit_test(a_probe_is_of_ones_own_address_rfc_5227_2_1_1),
        cmocka_unit_test(rarp_asks_for_oneself_rfc_903),
        cmocka_unit_test(ip4_sources_are_bound),
        cmocka_unit_test(dhcp_clients_name_themselves_rfc_2131),
        cmocka_unit_test(guests_are_no_routers_rfc_6105),
        cmocka_unit_test(extension_headers_hide_no_ra_rfc_7113),
        cmocka_unit_test(nd_speaks_for_bound_addresses_only_rfc_4861),
        cmocka_unit_test(ip6_sources_are_bound_or_the_macs_link_local),
        cmocka_unit_test(an_access_port_sends_no_tags),
        cmocka_unit_test(a_trunk_sends_one_tag_of_its_own),
        cmocka_unit_test(other_types_stay_outside),
        cmocka_unit_test(prefixes_are_bound_to_the_bit),
        cmocka_unit_test(a_port_without_addresses_is_bound_by_mac),
        cmocka_unit_test(every_cut_of_a_good_frame_is_refused_or_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
