/* vrrp/advert: RFC 9568 section 5 and RFC 3768 section 5, field by field; what section 7.1 refuses.
 */
#include "tests/unit/vrrp_lab.h"

#include "base/csum.h"

/* Made by scapy: 10.0.0.1 to the group, VRID 7, priority 200, 10 cs, address 10.0.0.254. Its sum
 * covers a pseudo-header; without one the sum is ~(3107 + c801 + 000a + 0a00 + 00fe) = fbee. */
static const uint8_t golden[] = {0x45, 0xc0, 0x00, 0x20, 0x00, 0x00, 0x40, 0x00, 0xff, 0x70, 0x90,
                                 0x9a, 10,   0,    0,    1,    224,  0,    0,    18,   0x31, 7,
                                 200,  1,    0x00, 0x0a, 0x11, 0x5f, 10,   0,    0,    254};

static void section_5_2_golden_version_3(void **state)
{
    (void)state;
    struct ip6 addr = ip4(10, 0, 0, 254);
    struct vrrp_advert a = {.pseudo_header = true,
                            .ttl = 255,
                            .version = 3,
                            .vrid = 7,
                            .priority = 200,
                            .n_addrs = 1,
                            .interval_cs = 10,
                            .src = ip4(10, 0, 0, 1),
                            .dst = vrrp_group_address(false)};
    uint8_t b[64];
    struct writer w = writer_of(b, sizeof b);
    vrrp_advert_write(&w, &a, &addr);
    assert_int_equal(w.len, sizeof golden);
    assert_memory_equal(b, golden, sizeof golden);
    w = writer_of(b, sizeof b);
    a.pseudo_header = false;
    vrrp_advert_write(&w, &a, &addr);
    assert_memory_equal(b, golden, 26);
    assert_memory_equal(b + 26, "\xfb\xee", 2);
    assert_memory_equal(b + 28, golden + 28, 4);
}

static void every_kind_reads_back_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        struct vrrp_config c = lab_config((n & 1) != 0);
        struct vrrp_advert got, a = {.ip6 = c.ip6,
                                     .pseudo_header = n == 4,
                                     .ttl = 255,
                                     .version = n == 2 || n == 6 ? 2 : 3,
                                     .vrid = (uint8_t)(n + 1),
                                     .priority = (uint8_t)(n * 36),
                                     .n_addrs = (uint8_t)(1 + n % 2),
                                     .interval_cs = (uint16_t)(n == 2 || n == 6 ? 300 : 4095 - n),
                                     .src = c.ip6 ? ll(9) : ip4(192, 0, 2, 9),
                                     .dst = vrrp_group_address(c.ip6)};
        uint8_t b[200];
        struct writer w = writer_of(b, sizeof b);
        struct reader list;
        vrrp_advert_write(&w, &a, c.addr);
        assert_false(w.bad);
        memset(b + w.len, 0xee, 20); /* Ethernet padding is not ours */
        assert_int_equal(vrrp_advert_read(&got, &list, b, w.len + 20), VRRP_OK);
        assert_memory_equal(&got.src, &a.src, 16);
        assert_memory_equal(&got.dst, &a.dst, 16);
        assert_int_equal(got.ip6, a.ip6);
        assert_int_equal(got.pseudo_header, a.pseudo_header);
        assert_int_equal(got.version, a.version);
        assert_int_equal(got.vrid, a.vrid);
        assert_int_equal(got.priority, a.priority);
        assert_int_equal(got.n_addrs, a.n_addrs);
        assert_int_equal(got.interval_cs, a.interval_cs);
        assert_int_equal(list.left, a.n_addrs * (a.ip6 ? 16u : 4u));
    }
}

static void section_5_2_8_any_flipped_bit_of_the_message_is_seen(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct vrrp_config c = lab_config(ip6 != 0);
        struct lab l = {.c = c};
        struct vrrp_advert got, a = peer_says(&l, 9, 100);
        uint8_t b[200];
        struct reader list;
        struct writer w = writer_of(b, sizeof b);
        vrrp_advert_write(&w, &a, c.addr);
        for (size_t bit = (ip6 ? 40 : 20) * 8; bit < w.len * 8; bit++) {
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(vrrp_advert_read(&got, &list, b, w.len), VRRP_OK);
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(vrrp_advert_read(&got, &list, b, w.len), VRRP_OK);
    }
}

static void section_5_2_8_ipv6_covers_the_addresses_of_its_header(void **state)
{
    (void)state;
    struct lab l = {.c = lab_config(true)};
    struct vrrp_advert got, a = peer_says(&l, 9, 100);
    uint8_t b[200];
    struct reader list;
    struct writer w = writer_of(b, sizeof b);
    vrrp_advert_write(&w, &a, l.c.addr);
    b[23]++;
    assert_int_equal(vrrp_advert_read(&got, &list, b, w.len), VRRP_BAD_CHECKSUM);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct lab l = {.c = lab_config(ip6 != 0)};
        struct vrrp_advert got, a = peer_says(&l, 9, 100);
        uint8_t b[200];
        struct reader list;
        struct writer w = writer_of(b, sizeof b);
        vrrp_advert_write(&w, &a, l.c.addr);
        for (size_t n = 0; n < w.len; n++)
            assert_int_equal(vrrp_advert_read(&got, &list, b, n), VRRP_BAD_IP);
    }
}

/* Sums are put right after the change, so that the field itself is what is refused. */
static enum vrrp_verdict read_changed(size_t at, uint8_t value, uint8_t version)
{
    struct lab l = {.c = lab_config(false)};
    struct vrrp_advert got, a = peer_says(&l, 9, 100);
    uint8_t b[200];
    struct reader list;
    struct writer w = writer_of(b, sizeof b);
    a.version = version;
    vrrp_advert_write(&w, &a, l.c.addr);
    b[at] = value;
    write_patch_u16(&w, 10, 0);
    write_patch_u16(&w, 10, from_be16(csum_finish(csum_add(0, b, 20))));
    write_patch_u16(&w, 26, 0);
    write_patch_u16(&w, 26, from_be16(csum_finish(csum_add(0, b + 20, w.len - 20))));
    return vrrp_advert_read(&got, &list, b, w.len);
}

static void section_7_1_each_wrong_field_has_its_verdict(void **state)
{
    (void)state;
    assert_int_equal(read_changed(9, 111, 3), VRRP_BAD_PROTOCOL);
    assert_int_equal(read_changed(6, 0x20, 3), VRRP_BAD_IP); /* more fragments */
    assert_int_equal(read_changed(7, 1, 3), VRRP_BAD_IP);    /* fragment offset */
    assert_int_equal(read_changed(0, 0x55, 3), VRRP_BAD_IP); /* IP version 5 */
    assert_int_equal(read_changed(0, 0x44, 3), VRRP_BAD_IP); /* header of 16 bytes */
    assert_int_equal(read_changed(20, 0x11, 3), VRRP_BAD_VERSION);
    assert_int_equal(read_changed(20, 0x41, 3), VRRP_BAD_VERSION);
    assert_int_equal(read_changed(20, 0x30, 3), VRRP_BAD_TYPE);
    assert_int_equal(read_changed(20, 0x32, 3), VRRP_BAD_TYPE);
    assert_int_equal(read_changed(23, 0, 3), VRRP_BAD_COUNT); /* erratum 8299 */
    assert_int_equal(read_changed(23, 3, 3), VRRP_BAD_LENGTH);
    assert_int_equal(read_changed(25, 0, 3), VRRP_BAD_INTERVAL); /* erratum 8301 */
    assert_int_equal(read_changed(25, 0, 2), VRRP_BAD_INTERVAL);
    assert_int_equal(read_changed(24, 0xf0, 3), VRRP_OK); /* 5.2.6: reserved bits are ignored */
    assert_int_equal(read_changed(24, 1, 2), VRRP_OK);    /* simple text is ignored */
    assert_int_equal(read_changed(24, 2, 2), VRRP_BAD_AUTH);
    assert_int_equal(read_changed(11, 0, 3), VRRP_OK); /* control: the sums are put right */
}

static void section_5_2_9_first_ipv6_address_is_link_local(void **state)
{
    (void)state;
    struct lab l = {.c = lab_config(true)};
    struct vrrp_advert got, a = peer_says(&l, 9, 100);
    uint8_t b[200];
    struct reader list;
    struct writer w = writer_of(b, sizeof b);
    a.n_addrs = 1;
    vrrp_advert_write(&w, &a, &l.c.addr[1]);
    assert_int_equal(vrrp_advert_read(&got, &list, b, w.len), VRRP_BAD_ADDRESS); /* erratum 8300 */
}

static void section_7_3_virtual_mac(void **state)
{
    (void)state;
    assert_int_equal(mac_to_u64(vrrp_mac(false, 0x2a)), 0x00005e00012a);
    assert_int_equal(mac_to_u64(vrrp_mac(true, 0x2a)), 0x00005e00022a);
}

static void rfc_3768_5_3_version_2_has_seconds_and_room_for_authentication(void **state)
{
    (void)state;
    struct lab l = {.c = lab_config(false)};
    struct vrrp_advert got, a = peer_says(&l, 9, 100);
    uint8_t b[200];
    struct reader list;
    struct writer w = writer_of(b, sizeof b);
    a.version = 2;
    a.interval_cs = 10; /* RFC 9568 8.4.2: faster than it can say */
    vrrp_advert_write(&w, &a, l.c.addr);
    assert_int_equal(w.len, 20 + 8 + 2 * 4 + 8);
    assert_int_equal(b[25], 1);
    assert_int_equal(vrrp_advert_read(&got, &list, b, w.len), VRRP_OK);
    assert_int_equal(got.interval_cs, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_5_2_golden_version_3),
        cmocka_unit_test(every_kind_reads_back_as_it_was_written),
        cmocka_unit_test(section_5_2_8_any_flipped_bit_of_the_message_is_seen),
        cmocka_unit_test(section_5_2_8_ipv6_covers_the_addresses_of_its_header),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(section_7_1_each_wrong_field_has_its_verdict),
        cmocka_unit_test(section_5_2_9_first_ipv6_address_is_link_local),
        cmocka_unit_test(section_7_3_virtual_mac),
        cmocka_unit_test(rfc_3768_5_3_version_2_has_seconds_and_room_for_authentication),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
