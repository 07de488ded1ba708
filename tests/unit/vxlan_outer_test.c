/* The underlay's headers, clause by clause: off, on, and off again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csum.h"
#include "base/prng.h"
#include "vxlan/outer.h"

static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}}, their_mac = {{2, 0, 0, 0, 0, 2}};

static struct ip6 v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip6){{a, b, c, d}};
}

static struct ip6 v6(uint8_t last) { return (struct ip6){{0x20, 1, 0xd, 0xb8, [15] = last}}; }

static struct outer_local local_of(bool six)
{
    return (struct outer_local){.mac = our_mac,
                                .v6 = six,
                                .ip = six ? v6(1) : v4(192, 0, 2, 1),
                                .udp_port = VXLAN_UDP_PORT};
}

/* A frame of `inner` bytes for the local one, as our own encapsulation makes it. */
struct made {
    uint8_t b[256];
    size_t len;
    struct outer_head h;
};

static struct outer_path path_of(bool six)
{
    return (struct outer_path){.src = their_mac,
                               .dst = our_mac,
                               .v6 = six,
                               .src_ip = six ? v6(2) : v4(192, 0, 2, 2),
                               .dst_ip = six ? v6(1) : v4(192, 0, 2, 1),
                               .udp_port = VXLAN_UDP_PORT,
                               .ttl = 64,
                               .df = true};
}

static struct made make_by(const struct outer_path *p, unsigned inner)
{
    struct made m = {.len = 0};
    struct outer_patch x = {.vni = 77,
                            .inner_len = inner,
                            .src_port = 50000,
                            .tos = 0x2a,
                            .flabel = 0x12345,
                            .ip_id = 7};
    outer_prebuild(p, &m.h);
    outer_patch(&m.h, &x, m.b);
    m.len = m.h.len + inner;
    return m;
}

static struct made make(bool six)
{
    struct outer_path p = path_of(six);
    struct made m = make_by(&p, 60);
    if (six)
        m.b[m.h.udp_off + 6] = 1; /* some checksum: the caller verifies it */
    return m;
}

static enum outer_verdict look(const struct made *m, bool six)
{
    struct outer_local me = local_of(six);
    struct outer o;
    return outer_decode(&me, m->b, m->len, m->len, &o);
}

/* After a change of the IPv4 header. */
static void resum(struct made *m)
{
    uint8_t *ip = m->b + m->h.l3_off;
    memset(ip + 10, 0, 2);
    be16 c = csum_finish(csum_add(0, ip, (ip[0] & 15u) * 4u));
    memcpy(ip + 10, &c, 2);
}

static void what_is_put_on_is_taken_off(void **s)
{
    (void)s;
    for (int six = 0; six < 2; six++) {
        struct made m = make(six);
        struct outer_local me = local_of(six);
        struct outer o;
        assert_int_equal(outer_decode(&me, m.b, m.len, m.len, &o), OUTER_OK);
        assert_int_equal(o.vxlan.vni, 77);
        assert_int_equal(o.inner_off, m.h.len);
        assert_int_equal(o.inner_len, 60);
        assert_int_equal(o.src_port, 50000);
        assert_int_equal(o.tos, 0x2a);
        assert_int_equal(o.ttl, 64);
        assert_memory_equal(&o.src, six ? v6(2).b : v4(192, 0, 2, 2).b, 16);
        assert_int_equal(m.h.len, six ? OUTER_BYTES_IPV6 : OUTER_BYTES_IPV4);
    }
}

static void rfc791_the_patched_checksum_is_the_whole_headers(void **s)
{
    (void)s;
    struct prng r = {.state = 1};
    for (int i = 0; i < 10000; i++) {
        struct outer_path p = path_of(false);
        uint64_t x = prng_next(&r);
        memcpy(&p.dst_ip, &x, 4);
        p.df = i & 1;
        struct outer_head h;
        uint8_t b[OUTER_BYTES_MAX];
        outer_prebuild(&p, &h);
        outer_patch(&h,
                    &(struct outer_patch){.inner_len = (uint16_t)x % 9000,
                                          .tos = (uint8_t)(x >> 16),
                                          .ip_id = (uint16_t)(x >> 32)},
                    b);
        assert_int_equal(csum_finish(csum_add(0, b + 14, 20)), 0);
    }
}

static void rfc6864_section_4_1_only_what_may_be_fragmented_has_an_id(void **s)
{
    (void)s;
    struct outer_path p = path_of(false);
    struct made m = make_by(&p, 60);
    assert_memory_equal(m.b + 18, "\0\0\x40\0", 4);
    p.df = false;
    m = make_by(&p, 60);
    assert_memory_equal(m.b + 18, "\0\7\0\0", 4);
}

static void rfc6438_the_flow_label_tells_flows_apart(void **s)
{
    (void)s;
    struct outer_path p = path_of(true);
    struct made m = make_by(&p, 60);
    assert_memory_equal(m.b + 14, "\x62\xa1\x23\x45", 4);
}

static void rfc7348_section_4_3_fragments_are_not_reassembled(void **s)
{
    (void)s;
    struct made m = make(false);
    m.b[m.h.l3_off + 6] = 0x20; /* MF */
    resum(&m);
    assert_int_equal(look(&m, false), OUTER_FRAGMENT);
    m.b[m.h.l3_off + 6] = 0;
    m.b[m.h.l3_off + 7] = 1;
    resum(&m);
    assert_int_equal(look(&m, false), OUTER_FRAGMENT);
    m = make(true);
    m.b[m.h.l3_off + 6] = 44;
    assert_int_equal(look(&m, true), OUTER_FRAGMENT);
}

static void rfc791_headers_that_make_no_sense_are_bad(void **s)
{
    (void)s;
    static const struct {
        uint8_t at, value;
    } bad[] = {{0, 0x44}, {0, 0x4f}, {0, 0x55}, {2, 0x7f}, {3, 10}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct made m = make(false);
        m.b[m.h.l3_off + bad[i].at] = bad[i].value;
        if (bad[i].at == 3)
            m.b[m.h.l3_off + 2] = 0;
        assert_int_equal(look(&m, false), OUTER_BAD_IP);
    }
    struct made m = make(false);
    m.b[m.h.l3_off + 10] ^= 1;
    assert_int_equal(look(&m, false), OUTER_BAD_IP);
}

static void rfc768_lengths_must_agree(void **s)
{
    (void)s;
    for (int six = 0; six < 2; six++) {
        struct made m = make(six);
        m.b[m.h.udp_off + 5]++;
        assert_int_equal(look(&m, six), OUTER_BAD_UDP);
        m.b[m.h.udp_off + 5] = 7;
        assert_int_equal(look(&m, six), OUTER_BAD_UDP);
        m.b[m.h.udp_off + 5] = 12; /* UDP ends inside the VXLAN header */
        assert_int_equal(look(&m, six), OUTER_BAD_HEADER);
    }
}

static void rfc768_padding_behind_ip_is_not_the_tenants(void **s)
{
    (void)s;
    struct made m = make(false);
    struct outer_local me = local_of(false);
    struct outer o;
    assert_int_equal(outer_decode(&me, m.b, m.len + 9, m.len + 9, &o), OUTER_OK);
    assert_int_equal(o.inner_len, 60);
}

static void rfc6935_section_5_zero_checksums_over_ipv6_only_where_allowed(void **s)
{
    (void)s;
    struct made m = make(true);
    m.b[m.h.udp_off + 6] = 0;
    assert_int_equal(look(&m, true), OUTER_NO_CSUM);
    struct outer_local me = local_of(true);
    struct outer o;
    me.zero_csum6 = true;
    assert_int_equal(outer_decode(&me, m.b, m.len, m.len, &o), OUTER_OK);
}

static void other_addresses_vlans_and_ports_are_not_ours(void **s)
{
    (void)s;
    struct made m = make(false);
    m.b[5] = 9;
    assert_int_equal(look(&m, false), OUTER_OTHER);
    m = make(false);
    m.b[m.h.l3_off + 19] = 9;
    assert_int_equal(look(&m, false), OUTER_OTHER);
    assert_int_equal(look(&m, true), OUTER_OTHER);
    m = make(false);
    m.b[m.h.udp_off + 3]++;
    assert_int_equal(look(&m, false), OUTER_NOT_VXLAN);
    m = make(false);
    m.b[m.h.l3_off + 9] = 6;
    resum(&m);
    assert_int_equal(look(&m, false), OUTER_NOT_VXLAN);
    struct outer_path p = path_of(false);
    p.vlan = 30;
    m = make_by(&p, 60);
    assert_int_equal(look(&m, false), OUTER_OTHER);
    struct outer_local me = local_of(false);
    struct outer o;
    me.vlan = 30;
    assert_int_equal(outer_decode(&me, m.b, m.len, m.len, &o), OUTER_OK);
}

static void rfc7348_section_4_2_groups_that_were_joined_are_ours(void **s)
{
    (void)s;
    struct outer_path p = path_of(false);
    p.dst = (struct mac){{1, 0, 0x5e, 1, 1, 1}};
    p.dst_ip = v4(239, 1, 1, 1);
    struct made m = make_by(&p, 60);
    struct outer_local me = local_of(false);
    struct outer o;
    assert_int_equal(outer_decode(&me, m.b, m.len, m.len, &o), OUTER_OTHER);
    me.groups = &p.dst_ip;
    me.n_groups = 1;
    assert_int_equal(outer_decode(&me, m.b, m.len, m.len, &o), OUTER_OK);
    assert_true(o.multicast);
}

static void any_cut_is_noticed(void **s)
{
    (void)s;
    for (int six = 0; six < 2; six++) {
        struct made m = make(six);
        for (size_t n = 0; n < m.len; n++) {
            struct made cut = m;
            cut.len = n;
            assert_int_not_equal(look(&cut, six), OUTER_OK);
        }
    }
}

static void rfc6040_figure_4_row_by_row(void **s)
{
    (void)s;
    enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3 };
    static const int want[4][4] = {
        /* outer:   Not-ECT ECT1  ECT0  CE */
        [NOT] = {NOT, NOT, NOT, -1},
        [ECT1] = {ECT1, ECT1, ECT1, CE},
        [ECT0] = {ECT0, ECT1, ECT0, CE},
        [CE] = {CE, CE, CE, CE},
    };
    for (uint8_t i = 0; i < 4; i++)
        for (uint8_t o = 0; o < 4; o++)
            assert_int_equal(outer_ecn(o | 0xa8, i | 0x14), want[i][o]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_on_is_taken_off),
        cmocka_unit_test(rfc791_the_patched_checksum_is_the_whole_headers),
        cmocka_unit_test(rfc6864_section_4_1_only_what_may_be_fragmented_has_an_id),
        cmocka_unit_test(rfc6438_the_flow_label_tells_flows_apart),
        cmocka_unit_test(rfc7348_section_4_3_fragments_are_not_reassembled),
        cmocka_unit_test(rfc791_headers_that_make_no_sense_are_bad),
        cmocka_unit_test(rfc768_lengths_must_agree),
        cmocka_unit_test(rfc768_padding_behind_ip_is_not_the_tenants),
        cmocka_unit_test(rfc6935_section_5_zero_checksums_over_ipv6_only_where_allowed),
        cmocka_unit_test(other_addresses_vlans_and_ports_are_not_ours),
        cmocka_unit_test(rfc7348_section_4_2_groups_that_were_joined_are_ours),
        cmocka_unit_test(any_cut_is_noticed),
        cmocka_unit_test(rfc6040_figure_4_row_by_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
