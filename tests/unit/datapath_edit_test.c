/* edit: after every action the frame is what its key says, and its checksums are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csum.h"
#include "base/prng.h"
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "tests/unit/fake_mbuf.h"
#include "tests/unit/frames.h"

/* ------------------------------------------------------------ an independent judge */

static uint32_t crc32c_bitwise(const uint8_t *b, size_t n)
{
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        c ^= i >= 8 && i < 12 ? 0 : b[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (0x82f63b78 & -(c & 1));
    }
    return ~c;
}

static bool l4_is_right(const uint8_t *l4, size_t len, uint8_t proto, const uint8_t *addr,
                        size_t addr_len)
{
    if (proto == IP_SCTP) {
        uint32_t crc;
        memcpy(&crc, l4 + 8, 4);
        return crc == crc32c_bitwise(l4, len);
    }
    if (proto == IP_UDP && l4[6] == 0 && l4[7] == 0)
        return true;
    const uint8_t pseudo[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};
    uint32_t sum = 0;
    if (proto != IP_ICMP)
        sum = csum_add(csum_add(0, addr, addr_len), pseudo, 4);
    return csum_finish(csum_add(sum, l4, len)) == 0;
}

/* Recomputes every checksum of the frame. */
static bool sums_are_right(struct rte_mbuf *m)
{
    struct pkt *p = pkt_of(m);
    const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *), *ip = b + p->l3_off;
    uint16_t type = from_be16(p->key.eth_type);
    if ((type != TYPE_IPV4 && type != TYPE_IPV6) || (p->flags & PKT_IP_BAD))
        return true;
    bool v4 = type == TYPE_IPV4;
    if (v4 && csum_finish(csum_add(0, ip, (ip[0] & 15u) * 4u)) != 0)
        return false;
    if (p->l4_off == 0 || p->key.ip_frag != 0)
        return true;
    size_t end = p->l3_off + (v4 ? get16(ip + 2) : get16(ip + 4) + 40u);
    return l4_is_right(b + p->l4_off, end - p->l4_off, p->key.ip_proto, ip + (v4 ? 12 : 8),
                       v4 ? 8 : 32);
}

/* ------------------------------------------------------------ tools */

static struct rte_mbuf *frame(struct fake_mbuf *f, enum frame_kind k)
{
    return fake_mbuf(f, frames[k].b, frames[k].len);
}

static bool edit(struct rte_mbuf *m, struct op op)
{
    bool invalid;
    return edit_apply(m, &op, &invalid);
}

static struct op set_op(enum flow_field field, const void *value)
{
    struct op op = {.code = OP_SET_FIELD, .field = (uint8_t)field};
    memcpy(op.value, value, flow_fields[field].bytes);
    memset(op.mask, 0xff, sizeof op.mask);
    return op;
}

static void assert_good(struct rte_mbuf *m)
{
    assert_true(fake_is_true(m));
    assert_true(sums_are_right(m));
}

/* ------------------------------------------------------------ tests */

static void the_frames_themselves_are_right(void **state)
{
    (void)state;
    struct fake_mbuf f;
    for (unsigned i = 0; i < F_COUNT; i++) {
        if (i != F_EXT6_AH && i != F_EXT6 && i != F_TCP_BAD_OFFSET)
            assert_good(frame(&f, i));
    }
}

static void set_field_changes_frame_key_and_sums(void **state)
{
    (void)state;
    static const struct {
        enum frame_kind frame;
        enum flow_field field;
    } t[] = {
        {F_ETH_PLAIN, FF_ETH_DST},    {F_ETH_PLAIN, FF_ETH_SRC},    {F_VLAN_UDP4, FF_VLAN_PCP},
        {F_TCP4, FF_IP_DSCP},         {F_TCP6, FF_IP_DSCP},         {F_TCP4, FF_IP_ECN},
        {F_TCP6, FF_IP_ECN},          {F_TCP4, FF_IPV4_SRC},        {F_TCP4_OPTIONS, FF_IPV4_DST},
        {F_UDP4, FF_IPV4_SRC},        {F_UDP4_NOCSUM, FF_IPV4_SRC}, {F_ICMP4, FF_IPV4_DST},
        {F_SCTP4, FF_IPV4_DST},       {F_TCP4, FF_TCP_SRC},         {F_TCP6, FF_TCP_DST},
        {F_UDP4, FF_UDP_SRC},         {F_UDP6, FF_UDP_DST},         {F_UDP4_NOCSUM, FF_UDP_DST},
        {F_SCTP4, FF_SCTP_SRC},       {F_SCTP6, FF_SCTP_DST},       {F_ICMP4, FF_ICMPV4_TYPE},
        {F_ICMP4, FF_ICMPV4_CODE},    {F_ICMP6, FF_ICMPV6_TYPE},    {F_NS6, FF_ICMPV6_TYPE},
        {F_ICMP6, FF_ICMPV6_CODE},    {F_ARP, FF_ARP_OP},           {F_ARP, FF_ARP_SPA},
        {F_ARP, FF_ARP_TPA},          {F_ARP, FF_ARP_SHA},          {F_ARP, FF_ARP_THA},
        {F_TCP6, FF_IPV6_SRC},        {F_UDP6, FF_IPV6_DST},        {F_ICMP6, FF_IPV6_SRC},
        {F_SCTP6, FF_IPV6_SRC},       {F_TCP6, FF_IPV6_FLABEL},     {F_NS6, FF_ND_TARGET},
        {F_NS6, FF_ND_SLL},           {F_NA6, FF_ND_TLL},           {F_MPLS1_IPV4, FF_MPLS_LABEL},
        {F_MPLS2_IPV6, FF_MPLS_TC},   {F_MPLS1_IPV4, FF_MPLS_BOS},  {F_PBB, FF_PBB_ISID},
        {F_FRAG_LATER4, FF_IPV4_SRC}, {F_FRAG_FIRST4, FF_IPV4_SRC}, {F_SNAP_IPV4, FF_IPV4_SRC},
        {F_QINQ_TCP6, FF_IPV6_DST},   {F_TCP4, FF_IP_TTL},          {F_UDP6, FF_IP_TTL},
        {F_VLAN_MPLS, FF_MPLS_LABEL}, {F_ETH_PLAIN, FF_TUNNEL_ID},  {F_ETH_PLAIN, FF_ETH_TYPE},
        {F_FRAG_FIRST4, FF_UDP_SRC},  {F_PADDED, FF_UDP_SRC},       {F_VLAN_UDP4, FF_VLAN_VID},
    };
    struct prng r = {.state = 4};
    for (unsigned i = 0; i < sizeof t / sizeof *t * 50; i++) {
        struct fake_mbuf f;
        struct rte_mbuf *m = frame(&f, t[i / 50].frame);
        const struct flow_field_info *info = &flow_fields[t[i / 50].field];
        struct op op = {.code = OP_SET_FIELD, .field = (uint8_t)t[i / 50].field};
        for (unsigned b = 0; b < info->bytes; b++) {
            unsigned bits = info->bits - RTE_MIN(info->bits, (info->bytes - 1 - b) * 8u);
            op.mask[b] = (uint8_t)(i % 2 ? 0xff : prng_next(&r));
            op.mask[b] &= (uint8_t)(bits >= 8 ? 0xff : (1u << bits) - 1);
            op.value[b] = (uint8_t)prng_next(&r);
        }
        if (op.field == FF_ETH_TYPE)
            op.value[0] |= 0x90; /* no 802.3 length, nothing that is parsed */
        if (op.field == FF_ETH_TYPE)
            op.mask[0] = 0xff;
        if (op.field == FF_VLAN_VID)
            op.value[0] |= 0x10, op.mask[0] |= 0x10;
        uint8_t want[16];
        const uint8_t *slot = flow_slot_const(&f.pkt.key, op.field);
        for (unsigned b = 0; b < info->bytes; b++)
            want[b] = (uint8_t)((slot[b] & ~op.mask[b]) | (op.value[b] & op.mask[b]));
        if (!edit(m, op))
            fail_msg("%s refuses %s", frames[t[i / 50].frame].name, info->name);
        assert_memory_equal(slot, want, info->bytes);
        if (!fake_is_true(m) || !sums_are_right(m))
            fail_msg("%s is wrong after %s", frames[t[i / 50].frame].name, info->name);
    }
}

static void a_field_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static const uint8_t v[16] = {1};
    for (unsigned fk = 0; fk < FF_COUNT; fk++) {
        struct fake_mbuf f;
        struct rte_mbuf *m = frame(&f, F_LLC);
        bool is_there = fk == FF_ETH_DST || fk == FF_ETH_SRC || fk == FF_TUNNEL_ID ||
                        fk == FF_METADATA || flow_field_is_reg(fk) ||
                        (fk >= FF_TUN_SRC && fk <= FF_TUN_IPV6_DST);
        assert_int_equal(edit(m, set_op(fk, v)), is_there);
    }
    struct fake_mbuf f;
    assert_false(edit(frame(&f, F_FRAG_LATER4), set_op(FF_UDP_SRC, v)));
    assert_false(edit(frame(&f, F_TCP_BAD_OFFSET), set_op(FF_TCP_SRC, v)));
    assert_false(edit(frame(&f, F_IP_BAD_LENGTH), set_op(FF_IPV4_SRC, v)));
    assert_false(edit(frame(&f, F_NA6), set_op(FF_ND_SLL, v)));
    assert_false(edit(frame(&f, F_UDP4), set_op(FF_TCP_SRC, v)));
}

static void dscp_keeps_ecn_and_vid_keeps_pcp(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_TCP4);
    assert_true(edit(m, set_op(FF_IP_DSCP, (uint8_t[]){10})));
    assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[15], 10 << 2 | 1);
    m = frame(&f, F_VLAN_UDP4);
    assert_true(edit(m, set_op(FF_VLAN_VID, (uint8_t[]){0x10, 99})));
    assert_int_equal(get16(rte_pktmbuf_mtod(m, uint8_t *) + 14), 5 << 13 | 99);
    assert_int_equal(f.pkt.key.vlan_pcp, 5);
}

/* The field holds the sum of the pseudo-header: an address changes it, a port does not. */
static void a_partial_checksum_stays_the_pseudo_sum(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_UDP4);
    m->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM;
    uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14), *field = ip + 26;
    const uint8_t tail[4] = {0, IP_UDP, 0, 24};
    be16 sum = (be16)~csum_finish(csum_add(csum_add(0, ip + 12, 8), tail, 4));
    memcpy(field, &sum, 2);
    assert_true(edit(m, set_op(FF_UDP_SRC, (uint8_t[]){7, 7})));
    assert_memory_equal(field, &sum, 2);
    assert_true(edit(m, set_op(FF_IPV4_DST, (uint8_t[]){192, 168, 3, 4})));
    sum = (be16)~csum_finish(csum_add(csum_add(0, ip + 12, 8), tail, 4));
    assert_memory_equal(field, &sum, 2);
}

static void a_udp_checksum_is_never_written_as_zero(void **state)
{
    (void)state;
    struct fake_mbuf f;
    bool seen = false;
    for (unsigned port = 0; port < 65536; port++) {
        struct rte_mbuf *m = frame(&f, F_UDP4);
        assert_true(edit(m, set_op(FF_UDP_SRC, (uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port})));
        uint16_t sum = get16(rte_pktmbuf_mtod(m, uint8_t *) + 40);
        assert_int_not_equal(sum, 0);
        seen |= sum == 0xffff;
    }
    assert_true(seen);
}

static void a_pushed_tag_is_like_the_outer_one(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_UDP4);
    assert_true(edit(m, (struct op){.code = OP_PUSH_VLAN, .ethertype = to_be16(0x8100)}));
    assert_int_equal(from_be16(f.pkt.key.vlan_vid), 0x1000);
    assert_true(edit(m, set_op(FF_VLAN_VID, (uint8_t[]){0x10, 10})));
    assert_true(edit(m, set_op(FF_VLAN_PCP, (uint8_t[]){5})));
    assert_true(edit(m, (struct op){.code = OP_PUSH_VLAN, .ethertype = to_be16(0x88a8)}));
    assert_int_equal(f.pkt.vlan_tags, 2);
    assert_int_equal(from_be16(f.pkt.key.vlan_vid), 0x1000 | 10);
    assert_int_equal(f.pkt.key.vlan_pcp, 5);
    assert_int_equal(get16(rte_pktmbuf_mtod(m, uint8_t *) + 12), 0x88a8);
    assert_good(m);
    assert_true(edit(m, (struct op){.code = OP_POP_VLAN}));
    assert_int_equal(m->pkt_len, frames[F_VLAN_UDP4].len);
    assert_memory_equal(rte_pktmbuf_mtod(m, void *), frames[F_VLAN_UDP4].b, 18);
    assert_true(edit(m, (struct op){.code = OP_POP_VLAN}));
    assert_memory_equal(rte_pktmbuf_mtod(m, void *), frames[F_UDP4].b, frames[F_UDP4].len);
    assert_false(edit(m, (struct op){.code = OP_POP_VLAN}));
}

static void tags_end_where_the_headroom_does(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_UDP4);
    unsigned n = 0;
    while (edit(m, (struct op){.code = OP_PUSH_VLAN, .ethertype = to_be16(0x8100)}))
        n++;
    assert_int_equal(n, RTE_PKTMBUF_HEADROOM / 4);
    assert_true(fake_is_true(m));
}

static void a_pushed_label_goes_behind_the_tags(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_VLAN_UDP4);
    assert_true(edit(m, (struct op){.code = OP_PUSH_MPLS, .ethertype = to_be16(TYPE_MPLS)}));
    assert_int_equal(f.pkt.mpls_off, 18);
    assert_int_equal(f.pkt.key.mpls_bos, 1);
    assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[21], 64); /* IP's TTL */
    assert_true(edit(m, set_op(FF_MPLS_LABEL, (uint8_t[]){0, 0, 1, 2})));
    assert_true(edit(m, (struct op){.code = OP_PUSH_MPLS, .ethertype = to_be16(TYPE_MPLS_MC)}));
    assert_int_equal(f.pkt.key.mpls_bos, 0);
    assert_int_equal(from_be32(f.pkt.key.mpls_label), 0x102);
    assert_good(m);
    assert_true(edit(m, (struct op){.code = OP_POP_MPLS, .ethertype = to_be16(TYPE_MPLS)}));
    assert_true(edit(m, (struct op){.code = OP_POP_MPLS, .ethertype = to_be16(TYPE_IPV4)}));
    assert_memory_equal(rte_pktmbuf_mtod(m, void *), frames[F_VLAN_UDP4].b,
                        frames[F_VLAN_UDP4].len);
    assert_int_equal(from_be16(f.pkt.key.l4_src), 1000);
    assert_false(edit(m, (struct op){.code = OP_POP_MPLS, .ethertype = to_be16(TYPE_IPV4)}));
    assert_false(
        edit(frame(&f, F_LLC), (struct op){.code = OP_PUSH_MPLS, .ethertype = to_be16(TYPE_MPLS)}));
}

static void ttls_count_down_to_one(void **state)
{
    (void)state;
    struct fake_mbuf f;
    bool invalid;
    struct rte_mbuf *m = frame(&f, F_UDP4); /* its TTL is 2 */
    const struct op dec = {.code = OP_DEC_IP_TTL}, dec_mpls = {.code = OP_DEC_MPLS_TTL};
    assert_true(edit_apply(m, &dec, &invalid));
    assert_int_equal(f.pkt.key.ip_ttl, 1);
    assert_good(m);
    assert_false(edit_apply(m, &dec, &invalid));
    assert_true(invalid);
    assert_true(edit(m, (struct op){.code = OP_SET_IP_TTL, .ttl = 200}));
    assert_good(m);
    m = frame(&f, F_UDP6);
    assert_true(edit_apply(m, &dec, &invalid));
    assert_int_equal(f.pkt.key.ip_ttl, 63);
    assert_false(edit_apply(frame(&f, F_VLAN_MPLS), &dec_mpls, &invalid));
    assert_true(invalid);
    assert_true(edit_apply(frame(&f, F_MPLS1_IPV4), &dec_mpls, &invalid));
    assert_false(edit_apply(frame(&f, F_ARP), &dec, &invalid));
    assert_false(invalid);
}

/* Outermost label, what is in it: 9 over 33 (IPv4), 9 over 5 (another label). */
static void ttls_are_copied_in_and_out(void **state)
{
    (void)state;
    struct fake_mbuf f;
    struct rte_mbuf *m = frame(&f, F_MPLS1_IPV4);
    uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
    assert_true(edit(m, (struct op){.code = OP_COPY_TTL_IN}));
    assert_int_equal(b[18 + 8], 9);
    assert_int_equal(csum_finish(csum_add(0, b + 18, 20)), 0);
    m = frame(&f, F_MPLS1_IPV4);
    assert_true(edit(m, (struct op){.code = OP_COPY_TTL_OUT}));
    assert_int_equal(b[17], 33);
    m = frame(&f, F_MPLS2_IPV6);
    assert_true(edit(m, (struct op){.code = OP_COPY_TTL_IN}));
    assert_int_equal(b[21], 9);
    m = frame(&f, F_MPLS2_IPV6);
    assert_true(edit(m, (struct op){.code = OP_COPY_TTL_OUT}));
    assert_int_equal(b[17], 5);
    assert_true(edit(m, (struct op){.code = OP_POP_MPLS, .ethertype = to_be16(TYPE_MPLS)}));
    assert_true(edit(m, (struct op){.code = OP_COPY_TTL_OUT}));
    assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[17], 44);
    assert_false(edit(frame(&f, F_UDP4), (struct op){.code = OP_COPY_TTL_IN}));
}

static struct op random_op(struct prng *r)
{
    static const uint16_t types[] = {0x8100, 0x88a8, 0x8847, 0x8848, 0x0800, 0x86dd, 0x0806};
    struct op op = {.code = (uint8_t)(prng_next(r) % (OP_COPY_TTL_IN + 1)),
                    .field = (uint8_t)(prng_next(r) % FF_REG0),
                    .ttl = (uint8_t)prng_next(r),
                    .ethertype = to_be16(types[prng_next(r) % 7])};
    for (unsigned b = 0; b < 16; b++) {
        op.value[b] = (uint8_t)prng_next(r);
        op.mask[b] = (uint8_t)(prng_next(r) % 4 ? 0xff : prng_next(r));
    }
    return op;
}

static void after_any_edits_the_key_is_what_the_bytes_say(void **state)
{
    (void)state;
    struct prng r = {.state = 4};
    for (unsigned i = 0; i < 60000; i++) {
        struct fake_mbuf f;
        struct rte_mbuf *m = frame(&f, i % F_COUNT);
        for (unsigned n = 1 + (unsigned)prng_next(&r) % 6; n > 0; n--) {
            struct op op = random_op(&r);
            edit(m, op);
            if (!fake_is_true(m))
                fail_msg("%s, op %u, field %u, turn %u", frames[i % F_COUNT].name, op.code,
                         op.field, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frames_themselves_are_right),
        cmocka_unit_test(set_field_changes_frame_key_and_sums),
        cmocka_unit_test(a_field_that_is_not_there_is_refused),
        cmocka_unit_test(dscp_keeps_ecn_and_vid_keeps_pcp),
        cmocka_unit_test(a_partial_checksum_stays_the_pseudo_sum),
        cmocka_unit_test(a_udp_checksum_is_never_written_as_zero),
        cmocka_unit_test(a_pushed_tag_is_like_the_outer_one),
        cmocka_unit_test(tags_end_where_the_headroom_does),
        cmocka_unit_test(a_pushed_label_goes_behind_the_tags),
        cmocka_unit_test(ttls_count_down_to_one),
        cmocka_unit_test(ttls_are_copied_in_and_out),
        cmocka_unit_test(after_any_edits_the_key_is_what_the_bytes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
