/* control/neigh_wire: RFC 826 and RFC 4861 sections 4.3, 4.4, 7.1.1, 7.1.2. */
#include "tests/unit/neigh_lab.h"

#include "base/csum.h"

/* Made by scapy: host 50 asks for host 60, and says without being asked where it is itself. */
static const uint8_t arp_request[] = {0,  1, 8, 0,  6, 4, 0, 1, 2, 0, 0,  0, 0, 0x32,
                                      10, 0, 0, 50, 0, 0, 0, 0, 0, 0, 10, 0, 0, 60};
static const uint8_t ns[] = {0x60, 0,    0, 0,    0,    0x20, 0x3a, 0xff, 0xfe, 0x80, 0, 0,
                             0,    0,    0, 0,    0,    0,    0,    0,    0,    0,    0, 0x32,
                             0xff, 2,    0, 0,    0,    0,    0,    0,    0,    0,    0, 1,
                             0xff, 0,    0, 0x3c, 0x87, 0,    0x79, 0xc1, 0,    0,    0, 0,
                             0xfe, 0x80, 0, 0,    0,    0,    0,    0,    0,    0,    0, 0,
                             0,    0,    0, 0x3c, 1,    1,    2,    0,    0,    0,    0, 0x32};
static const uint8_t na[] = {0x60, 0,    0, 0,    0,    0x20, 0x3a, 0xff, 0xfe, 0x80, 0, 0,
                             0,    0,    0, 0,    0,    0,    0,    0,    0,    0,    0, 0x32,
                             0xff, 2,    0, 0,    0,    0,    0,    0,    0,    0,    0, 0,
                             0,    0,    0, 1,    0x88, 0,    0xd7, 7,    0xa0, 0,    0, 0,
                             0xfe, 0x80, 0, 0,    0,    0,    0,    0,    0,    0,    0, 0,
                             0,    0,    0, 0x32, 2,    1,    2,    0,    0,    0,    0, 0x32};

static void rfc_826_and_4861_4_3_goldens_by_another_hand(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l;
        lab_open(&l, ip6 != 0);
        resolve(&l, PEER, 0);
        const struct neigh_action *a = &drain(&l)->last[NEIGH_SEND];
        assert_int_equal(a->send.len, ip6 ? sizeof ns : sizeof arp_request);
        assert_memory_equal(a->send.bytes, ip6 ? ns : arp_request, a->send.len);
        assert_int_equal(mac_to_u64(a->send.dst), ip6 ? 0x3333ff00003c : 0xffffffffffff);
        assert_int_equal(mac_to_u64(a->send.src), 0x020000000032);
        lab_close(&l);
    }
}

static void rfc_4861_7_2_6_golden_of_an_unsolicited_advertisement(void **state)
{
    (void)state;
    struct lab l;
    lab_open(&l, true);
    struct ip6 us = ip_of(&l, US);
    assert_int_equal(neigh_announce(l.n, IFC, &us, true, l.now), 0);
    const struct neigh_action *a = &drain(&l)->last[NEIGH_SEND];
    assert_int_equal(a->send.len, sizeof na);
    assert_memory_equal(a->send.bytes, na, sizeof na);
    assert_int_equal(mac_to_u64(a->send.dst), 0x333300000001);
    lab_close(&l);
}

static enum neigh_verdict read_bytes_as(struct neigh_message *m, bool ip6, const void *p,
                                        size_t len)
{
    return neigh_read(m, ip6 ? NEIGH_ETHERTYPE_IP6 : NEIGH_ETHERTYPE_ARP, p, len);
}

static void each_reads_back_as_it_was_written(void **state)
{
    (void)state;
    for (int n = 0; n < 32; n++) {
        struct lab l = {.ip6 = n & 1};
        struct neigh_message got, m = n & 2 ? answers(&l, 9, n & 4, n & 8) : asks(&l, 60, 9, 50);
        uint8_t b[200];
        struct writer w = writer_of(b, sizeof b);
        m.router = n & 16 && n & 2 && m.ip6;
        if (!m.ip6)
            m.to = (struct ip6){{0}}, m.solicited = m.override = false;
        if (m.ip6)
            m.tha = (struct mac){{0}};
        neigh_write(&w, &m);
        memset(b + w.len, 0xee, 18); /* padding */
        assert_int_equal(read_bytes_as(&got, m.ip6, b, w.len + 18), NEIGH_OK);
        assert_memory_equal(&got.sender, &m.sender, 16);
        assert_memory_equal(&got.target, &m.target, 16);
        assert_memory_equal(&got.to, &m.to, 16);
        assert_memory_equal(&got.sha, &m.sha, 6);
        assert_memory_equal(&got.tha, &m.tha, 6);
        assert_int_equal(got.saying, m.saying);
        assert_int_equal(got.has_sha << 3 | got.router << 2 | got.solicited << 1 | got.override,
                         m.has_sha << 3 | m.router << 2 | m.solicited << 1 | m.override);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct neigh_message m;
    for (size_t n = 0; n < sizeof arp_request; n++)
        assert_int_equal(read_bytes_as(&m, false, arp_request, n), NEIGH_SHORT);
    for (size_t n = 0; n < sizeof ns; n++)
        assert_int_equal(read_bytes_as(&m, true, ns, n), NEIGH_SHORT);
}

static void rfc_4861_7_1_any_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct neigh_message m;
    uint8_t b[sizeof ns];
    memcpy(b, ns, sizeof b);
    for (size_t bit = 8 * 8; bit < sizeof b * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(read_bytes_as(&m, true, b, sizeof b), NEIGH_OK);
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Changes one byte of the NS or NA, and puts the checksum right. */
static enum neigh_verdict changed(const uint8_t *golden, size_t at, uint8_t value)
{
    struct neigh_message m;
    uint8_t b[sizeof ns], tail[8] = {0, 0, 0, 32, 0, 0, 0, 58};
    memcpy(b, golden, sizeof b);
    b[at] = value;
    memset(b + 42, 0, 2);
    be16 sum = csum_finish(csum_add(csum_add(csum_add(0, b + 8, 32), tail, 8), b + 40, 32));
    memcpy(b + 42, &sum, 2);
    return read_bytes_as(&m, true, b, sizeof b);
}

static void rfc_4861_7_1_each_wrong_field_has_its_verdict(void **state)
{
    (void)state;
    assert_int_equal(changed(ns, 0, 0x60), NEIGH_OK);
    assert_int_equal(changed(ns, 7, 254), NEIGH_BAD_HOP_LIMIT);
    assert_int_equal(changed(ns, 6, 59), NEIGH_NOT_OURS);
    assert_int_equal(changed(ns, 40, 134), NEIGH_NOT_OURS); /* router advertisement */
    assert_int_equal(changed(ns, 41, 1), NEIGH_BAD_CODE);
    assert_int_equal(changed(ns, 48, 0xff), NEIGH_BAD_ADDRESS); /* multicast target */
    assert_int_equal(changed(ns, 65, 0), NEIGH_BAD_OPTION);
    assert_int_equal(changed(ns, 65, 2), NEIGH_BAD_OPTION);     /* past the end */
    assert_int_equal(changed(ns, 64, 99), NEIGH_OK);            /* unknown: stepped over */
    assert_int_equal(changed(ns, 66, 3), NEIGH_BAD_ADDRESS);    /* a group's MAC */
    assert_int_equal(changed(na, 44, 0xe0), NEIGH_BAD_ADDRESS); /* solicited, to a group */
    assert_int_equal(changed(na, 44, 0x80), NEIGH_OK);
}

static void rfc_4861_7_1_1_from_nobody_only_to_the_solicited_node_without_option(void **state)
{
    (void)state;
    struct lab l = {.ip6 = true};
    struct neigh_message got, m = asks(&l, 0, 9, 50);
    uint8_t b[200];
    for (int n = 0; n < 4; n++) {
        struct writer w = writer_of(b, sizeof b);
        m.sender = (struct ip6){{0}};
        m.has_sha = n & 1;
        m.to = n & 2 ? neigh_all_nodes() : neigh_solicited_node(&m.target);
        neigh_write(&w, &m);
        assert_int_equal(read_bytes_as(&got, true, b, w.len), n ? NEIGH_BAD_ADDRESS : NEIGH_OK);
    }
}

static enum neigh_verdict arp_changed(size_t at, uint8_t value)
{
    struct neigh_message m;
    uint8_t b[sizeof arp_request];
    memcpy(b, arp_request, sizeof b);
    b[at] = value;
    return read_bytes_as(&m, false, b, sizeof b);
}

static void rfc_826_other_protocols_and_absurd_senders_are_refused(void **state)
{
    (void)state;
    assert_int_equal(arp_changed(1, 6), NEIGH_NOT_OURS); /* IEEE 802 */
    assert_int_equal(arp_changed(3, 1), NEIGH_NOT_OURS);
    assert_int_equal(arp_changed(4, 8), NEIGH_NOT_OURS);
    assert_int_equal(arp_changed(5, 16), NEIGH_NOT_OURS);
    assert_int_equal(arp_changed(7, 3), NEIGH_NOT_OURS); /* RARP */
    assert_int_equal(arp_changed(8, 3), NEIGH_BAD_ADDRESS);
    assert_int_equal(arp_changed(14, 224), NEIGH_BAD_ADDRESS);
    assert_int_equal(arp_changed(14, 127), NEIGH_BAD_ADDRESS);
    assert_int_equal(arp_changed(14, 0), NEIGH_BAD_ADDRESS); /* 0.0.0.50; 0.0.0.0 is a probe */
    assert_int_equal(arp_changed(7, 2), NEIGH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_826_and_4861_4_3_goldens_by_another_hand),
        cmocka_unit_test(rfc_4861_7_2_6_golden_of_an_unsolicited_advertisement),
        cmocka_unit_test(each_reads_back_as_it_was_written),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(rfc_4861_7_1_any_flipped_bit_is_seen),
        cmocka_unit_test(rfc_4861_7_1_each_wrong_field_has_its_verdict),
        cmocka_unit_test(rfc_4861_7_1_1_from_nobody_only_to_the_solicited_node_without_option),
        cmocka_unit_test(rfc_826_other_protocols_and_absurd_senders_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
