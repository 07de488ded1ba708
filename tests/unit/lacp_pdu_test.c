/* lacp/pdu: the bytes of 6.4.2 and 6.5.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/prng.h"
#include "lacp/pdu.h"

/* As Wireshark shows them of a switch: actor 32768 00:0a:0b:0c:0d:0e key 13 port 32768/25. */
static const uint8_t golden[LACP_PDU_LEN] = {
    0x01, 0x01,                                                             /* LACP, version 1 */
    0x01, 0x14, 0x80, 0x00, 0x00, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x00, 0x0d, /* actor */
    0x80, 0x00, 0x00, 0x19, 0x3d, 0x00, 0x00, 0x00,                         /* */
    0x02, 0x14, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x12, 0x34, /* partner */
    0x00, 0x01, 0x00, 0x02, 0xc7, 0x00, 0x00, 0x00,                         /* */
    0x03, 0x10, 0x01, 0x02,                                                 /* collector */
};

static void figure_6_7_lacpdu_fields_are_where_the_standard_has_them(void **state)
{
    (void)state;
    struct lacp_pdu p;
    assert_int_equal(lacp_pdu_read(golden, sizeof golden, &p), 0);
    assert_int_equal(p.version, 1);
    assert_int_equal(p.actor.system_priority, 32768);
    assert_int_equal(mac_to_u64(p.actor.system), 0x000a0b0c0d0e);
    assert_int_equal(p.actor.key, 13);
    assert_int_equal(p.actor.port_priority, 32768);
    assert_int_equal(p.actor.port, 25);
    assert_int_equal(p.actor.state, LACP_ACTIVITY | LACP_AGGREGATION | LACP_SYNC | LACP_COLLECTING |
                                        LACP_DISTRIBUTING);
    assert_int_equal(p.partner.system_priority, 65535);
    assert_int_equal(p.partner.key, 0x1234);
    assert_int_equal(p.partner.port_priority, 1);
    assert_int_equal(p.partner.port, 2);
    assert_int_equal(p.partner.state, 0xc7);
    assert_int_equal(p.max_delay, 0x0102);
    uint8_t again[LACP_PDU_LEN];
    lacp_pdu_write(&p, again);
    assert_memory_equal(again, golden, sizeof golden);
}

static void clause_6_4_12_version_types_and_reserved_bytes_are_not_validated(void **state)
{
    (void)state;
    uint8_t b[LACP_PDU_LEN];
    struct lacp_pdu want, got;
    assert_int_equal(lacp_pdu_read(golden, sizeof golden, &want), 0);
    memcpy(b, golden, sizeof b);
    b[1] = 1;
    b[2] = 0x77;  /* actor's type */
    b[22] = 0x78; /* partner's */
    b[19] = b[20] = b[21] = 0xee;
    memset(b + 46, 0xaa, sizeof b - 46);
    assert_int_equal(lacp_pdu_read(b, sizeof b, &got), 0);
    assert_memory_equal(&got, &want, sizeof got);
}

static void clause_6_4_2_3_wrong_lengths_and_short_pdus_are_refused(void **state)
{
    (void)state;
    struct lacp_pdu p;
    static const size_t lengths[] = {3, 23, 43};
    for (size_t n = 0; n < LACP_PDU_LEN; n++)
        assert_int_equal(lacp_pdu_read(golden, n, &p), -EPROTO);
    for (size_t i = 0; i < 3; i++) {
        uint8_t b[LACP_PDU_LEN];
        memcpy(b, golden, sizeof b);
        b[lengths[i]]++;
        assert_int_equal(lacp_pdu_read(b, sizeof b, &p), -EPROTO);
    }
}

static void clause_6_4_2_4_version_2_tlvs_are_read_or_skipped(void **state)
{
    (void)state;
    uint8_t b[LACP_PDU_LEN];
    struct lacp_pdu p;
    memcpy(b, golden, sizeof b);
    b[1] = 2;
    static const uint8_t tail[] = {0x04, 0x06, 0x00, 0x80, 0xc2, 0x05,  /* Port Algorithm */
                                   0x99, 0x04, 0xde, 0xad, 0x00, 0x00}; /* unknown, terminator */
    memcpy(b + 58, tail, sizeof tail);
    assert_int_equal(lacp_pdu_read(b, sizeof b, &p), 0);
    assert_true(p.has_algorithm);
    assert_int_equal(p.algorithm, 0x0080c205);
    assert_int_equal(p.unknown_tlvs, 1);
    b[59] = 0xff; /* longer than the PDU: what came before it stands */
    assert_int_equal(lacp_pdu_read(b, sizeof b, &p), 0);
    assert_false(p.has_algorithm);
    assert_int_equal(p.actor.key, 13);
    b[59] = 0; /* shorter than itself */
    assert_int_equal(lacp_pdu_read(b, sizeof b, &p), 0);
}

static void clause_6_5_3_marker_fields_are_where_the_standard_has_them(void **state)
{
    (void)state;
    static const uint8_t head[] = {0x02, 0x01, 0x01, 0x10, 0x00, 0x07, 0x02, 0x00, 0x00, 0x00,
                                   0x00, 0x09, 0xca, 0xfe, 0xba, 0xbe, 0x00, 0x00, 0x00, 0x00};
    uint8_t b[LACP_PDU_LEN] = {0}, again[LACP_PDU_LEN];
    struct marker_pdu m;
    memcpy(b, head, sizeof head);
    assert_int_equal(marker_pdu_read(b, sizeof b, &m), 0);
    assert_int_equal(m.type, MARKER_INFORMATION);
    assert_int_equal(m.port, 7);
    assert_int_equal(m.transaction, 0xcafebabe);
    marker_pdu_write(&m, again);
    assert_memory_equal(again, b, sizeof b);
    b[2] = 3;
    assert_int_equal(marker_pdu_read(b, sizeof b, &m), -EPROTO);
    b[2] = 2;
    b[3] = 15;
    assert_int_equal(marker_pdu_read(b, sizeof b, &m), -EPROTO);
    b[3] = 16;
    assert_int_equal(marker_pdu_read(b, 109, &m), -EPROTO);
}

static void any_pdu_survives_a_round_trip(void **state)
{
    (void)state;
    struct prng r = {7};
    for (int i = 0; i < 1000; i++) {
        struct lacp_pdu p = {.version = 1}, q;
        uint8_t b[LACP_PDU_LEN], c[LACP_PDU_LEN];
        for (int k = 0; k < 2; k++) {
            uint64_t x = prng_next(&r), y = prng_next(&r);
            struct lacp_info *at = k ? &p.partner : &p.actor;
            *at = (struct lacp_info){(uint16_t)x,         mac_from_u64(y),     (uint16_t)(x >> 16),
                                     (uint16_t)(x >> 32), (uint16_t)(x >> 48), (uint8_t)(y >> 56)};
        }
        p.max_delay = (uint16_t)prng_next(&r);
        lacp_pdu_write(&p, b);
        assert_int_equal(lacp_pdu_read(b, sizeof b, &q), 0);
        lacp_pdu_write(&q, c);
        assert_memory_equal(b, c, sizeof b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figure_6_7_lacpdu_fields_are_where_the_standard_has_them),
        cmocka_unit_test(clause_6_4_12_version_types_and_reserved_bytes_are_not_validated),
        cmocka_unit_test(clause_6_4_2_3_wrong_lengths_and_short_pdus_are_refused),
        cmocka_unit_test(clause_6_4_2_4_version_2_tlvs_are_read_or_skipped),
        cmocka_unit_test(clause_6_5_3_marker_fields_are_where_the_standard_has_them),
        cmocka_unit_test(any_pdu_survives_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
