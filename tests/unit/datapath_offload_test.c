/* offload: hostile requests are refused, honest ones give the frames a wire would have had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <rte_mbuf.h>

#include "base/csum.h"
#include "base/prng.h"
#include "datapath/eal.h"
#include "datapath/offload.h"
#include "datapath/port.h"

enum { NONE = 0, TCP4 = 1, UFO = 3, TCP6 = 4, UDP_L4 = 5, ECN = 0x80, CSUM = 1, MAX_OUT = 128 };

static struct rte_mempool *pool;

static const uint32_t all_caps =
    PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO | PORT_CAP_MULTISEG;

/* A frame under construction, flat. */
struct frame {
    uint8_t b[66000];
    uint32_t len, l3, l4, payload;
    bool ip6;
    uint8_t proto;
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }

/* The straightforward checksum of RFC 1071, on purpose unlike offload.c's. */
static unsigned slow_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
    for (uint32_t i = 0; i < n; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static unsigned pseudo(const uint8_t *ip, bool ip6, uint8_t proto, uint32_t len)
{
    unsigned s = ip6 ? slow_sum(ip + 8, 32, 0) : slow_sum(ip + 12, 8, 0);
    uint8_t tail[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};
    return slow_sum(tail, 4, s);
}

static unsigned sum_at(const struct frame *f) { return f->proto == IPPROTO_TCP ? 16 : 6; }

/* Ethernet, `tags` VLAN tags, IPv4 or IPv6, TCP (12 bytes of options) or UDP, counting bytes; the
 * checksum field has the pseudo-header's sum. */
static void build(struct frame *f, unsigned tags, bool ip6, uint8_t proto, uint32_t payload)
{
    memset(f, 0, sizeof *f);
    memcpy(f->b, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
    f->l3 = 14 + 4 * tags;
    f->ip6 = ip6;
    f->proto = proto;
    for (unsigned i = 0; i < tags; i++) {
        put16(f->b + 12 + 4 * i, i + 1 < tags ? 0x88a8 : 0x8100);
        put16(f->b + 14 + 4 * i, 10 + i);
    }
    put16(f->b + f->l3 - 2, ip6 ? 0x86dd : 0x0800);
    uint8_t *ip = f->b + f->l3;
    uint32_t l4_len = (proto == IPPROTO_TCP ? 32 : 8) + payload;
    f->l4 = f->l3 + (ip6 ? 40 : 20);
    if (ip6) {
        ip[0] = 0x60;
        put16(ip + 4, l4_len);
        ip[6] = proto;
        ip[7] = 64;
        for (int i = 0; i < 32; i++)
            ip[8 + i] = (uint8_t)(i * 7 + 3);
    } else {
        ip[0] = 0x45;
        put16(ip + 2, 20 + l4_len);
        put16(ip + 4, 0xfffe); /* the id wraps */
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = proto;
        memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
        put16(ip + 10, ~slow_sum(ip, 20, 0) & 0xffff);
    }
    uint8_t *l4 = f->b + f->l4;
    put16(l4, 1000);
    put16(l4 + 2, 2000);
    if (proto == IPPROTO_TCP) {
        put16(l4 + 4, 0xffff); /* the sequence number wraps */
        put16(l4 + 6, 0xff00);
        l4[12] = 0x80;
        l4[13] = 0x80 | 0x10 | 0x08 | 0x01; /* CWR ACK PSH FIN */
        memset(l4 + 20, 1, 12);
    } else {
        put16(l4 + 4, l4_len);
    }
    f->payload = f->l4 + l4_len - payload;
    f->len = f->payload + payload;
    for (uint32_t i = 0; i < payload; i++)
        f->b[f->payload + i] = (uint8_t)(i * 31 + (i >> 8));
    put16(l4 + sum_at(f), pseudo(ip, ip6, proto, l4_len));
}

/* As an mbuf, in segments of at most `piece` bytes after the headers. */
static struct rte_mbuf *mbuf_of(const struct frame *f, uint32_t piece)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint32_t at = RTE_MIN(f->len, RTE_MAX(piece, RTE_MIN(f->payload, 1500u)));
    memcpy(rte_pktmbuf_append(m, (uint16_t)at), f->b, at);
    while (at < f->len) {
        struct rte_mbuf *s = rte_pktmbuf_alloc(pool);
        uint16_t n = (uint16_t)RTE_MIN(piece, f->len - at);
        assert_non_null(s);
        memcpy(rte_pktmbuf_append(s, n), f->b + at, n);
        assert_int_equal(rte_pktmbuf_chain(m, s), 0);
        at += n;
    }
    return m;
}

static struct virtio_net_hdr request_of(const struct frame *f, uint8_t type, uint16_t size)
{
    return (struct virtio_net_hdr){.flags = CSUM,
                                   .gso_type = type,
                                   .hdr_len = (uint16_t)f->payload,
                                   .gso_size = size,
                                   .csum_start = (uint16_t)f->l4,
                                   .csum_offset = (uint16_t)sum_at(f)};
}

static uint32_t flatten(struct rte_mbuf *m, struct frame *to, const struct frame *like)
{
    *to = *like;
    to->len = rte_pktmbuf_pkt_len(m);
    const void *p = rte_pktmbuf_read(m, 0, to->len, to->b);
    assert_non_null(p);
    if (p != to->b)
        memcpy(to->b, p, to->len);
    return to->len;
}

/* Every length and checksum of a flat frame is right. */
static void assert_good(const struct frame *f)
{
    const uint8_t *ip = f->b + f->l3;
    uint32_t l4_len = f->len - f->l4;
    if (f->ip6) {
        assert_int_equal(get16(ip + 4), l4_len);
    } else {
        assert_int_equal(get16(ip + 2), 20 + l4_len);
        assert_int_equal(slow_sum(ip, 20, 0), 0xffff);
    }
    if (f->proto == IPPROTO_UDP) {
        assert_int_equal(get16(f->b + f->l4 + 4), l4_len);
        assert_int_not_equal(get16(f->b + f->l4 + 6), 0);
    }
    unsigned s = pseudo(ip, f->ip6, f->proto, l4_len);
    assert_int_equal(slow_sum(f->b + f->l4, l4_len, s), 0xffff);
}

static unsigned in_use(void) { return rte_mempool_in_use_count(pool); }

/* ------------------------------------------------------------ checksums */

static void a_partial_checksum_is_completed_for_each_protocol_tag_and_chain(void **state)
{
    (void)state;
    static struct frame f, g;
    const uint32_t pieces[] = {2000, 1, 7, 64, 333};
    for (unsigned i = 0; i < 3 * 2 * 2 * RTE_DIM(pieces) * 3; i++) {
        unsigned tags = i % 3, ip6 = i / 3 % 2, udp = i / 6 % 2, size = i / 60 % 3;
        uint32_t piece = pieces[i / 12 % RTE_DIM(pieces)];
        build(&f, tags, ip6, udp ? IPPROTO_UDP : IPPROTO_TCP, (const uint32_t[]){0, 333, 64}[size]);
        struct rte_mbuf *m = mbuf_of(&f, piece), *out[1];
        struct virtio_net_hdr h = request_of(&f, NONE, 0), back;
        assert_int_equal(offload_from_vnet(m, &h), 0);
        assert_false(offload_needs_software(m, all_caps));
        assert_true(offload_needs_software(m, PORT_CAP_MULTISEG));
        offload_to_vnet(m, &back);
        assert_int_equal(back.csum_start, f.l4);
        assert_int_equal(back.csum_offset, sum_at(&f));
        assert_int_equal(back.flags, CSUM);
        assert_int_equal(offload_resolve(m, PORT_CAP_MULTISEG, pool, out, 1), 1);
        flatten(out[0], &g, &f);
        assert_int_equal(g.len, f.len);
        assert_good(&g);
        offload_to_vnet(out[0], &back);
        assert_int_equal(back.flags, 0);
        rte_pktmbuf_free(out[0]);
    }
    assert_int_equal(in_use(), 0);
}

static void trailing_padding_is_not_summed(void **state)
{
    (void)state;
    static struct frame f, g;
    build(&f, 0, false, IPPROTO_UDP, 3);
    memset(f.b + f.len, 0xee, 60 - f.len);
    uint32_t real = f.len;
    f.len = 60;
    struct rte_mbuf *m = mbuf_of(&f, 2000), *out[1];
    struct virtio_net_hdr h = request_of(&f, NONE, 0);
    assert_int_equal(offload_from_vnet(m, &h), 0);
    assert_int_equal(offload_resolve(m, PORT_CAP_MULTISEG, pool, out, 1), 1);
    flatten(out[0], &g, &f);
    g.len = real;
    assert_good(&g);
    rte_pktmbuf_free(out[0]);
}

static void a_tag_pushed_after_rx_moves_the_request(void **state)
{
    (void)state;
    static struct frame f;
    build(&f, 0, false, IPPROTO_TCP, 100);
    struct rte_mbuf *m = mbuf_of(&f, 2000);
    struct virtio_net_hdr h = request_of(&f, NONE, 0), back;
    assert_int_equal(offload_from_vnet(m, &h), 0);
    uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, 4);
    assert_non_null(p);
    memcpy(p, f.b, 12);
    put16(p + 12, 0x8100);
    put16(p + 14, 5);
    offload_to_vnet(m, &back);
    assert_int_equal(back.csum_start, f.l4 + 4);
    assert_true(offload_set_lens(m));
    assert_int_equal(m->l2_len, 18);
    assert_int_equal(m->l3_len, 20);
    assert_int_equal(m->l4_len, 32);
    rte_pktmbuf_free(m);
}

static void a_clone_is_copied_before_it_is_written(void **state)
{
    (void)state;
    static struct frame f, g;
    build(&f, 0, false, IPPROTO_TCP, 100);
    struct rte_mbuf *m = mbuf_of(&f, 2000), *out[1];
    struct virtio_net_hdr h = request_of(&f, NONE, 0);
    assert_int_equal(offload_from_vnet(m, &h), 0);
    struct rte_mbuf *clone = rte_pktmbuf_clone(m, pool);
    assert_int_equal(offload_resolve(clone, PORT_CAP_MULTISEG, pool, out, 1), 1);
    flatten(out[0], &g, &f);
    assert_good(&g);
    assert_memory_equal(rte_pktmbuf_mtod(m, void *), f.b, f.len);
    rte_pktmbuf_free(out[0]);
    assert_int_equal(offload_resolve(m, PORT_CAP_MULTISEG, pool, out, 1), 1);
    flatten(out[0], &g, &f);
    assert_good(&g);
    rte_pktmbuf_free(out[0]);
    assert_int_equal(in_use(), 0);
}

static void a_checksum_inside_a_tunnel_is_computed_at_once(void **state)
{
    (void)state;
    static struct frame f, g, inner;
    build(&inner, 0, false, IPPROTO_TCP, 50);
    build(&f, 0, false, IPPROTO_UDP, 8 + inner.len);
    memcpy(f.b + f.payload + 8, inner.b, inner.len); /* a VXLAN guest */
    put16(f.b + f.l4 + 6, 0);
    uint32_t start = f.payload + 8 + inner.l4;
    struct rte_mbuf *m = mbuf_of(&f, 2000);
    struct virtio_net_hdr h = {.flags = CSUM, .csum_start = (uint16_t)start, .csum_offset = 16};
    assert_int_equal(offload_from_vnet(m, &h), 0);
    assert_int_equal(m->ol_flags, 0);
    flatten(m, &g, &f);
    memmove(g.b, g.b + f.payload + 8, inner.len);
    g.l3 = inner.l3;
    g.l4 = inner.l4;
    g.len = inner.len;
    g.proto = IPPROTO_TCP;
    assert_good(&g);
    rte_pktmbuf_free(m);
}

/* ------------------------------------------------------------ segmentation */

static void assert_cut(const struct frame *f, struct rte_mbuf *const *out, unsigned n, uint32_t mss)
{
    static struct frame g;
    uint32_t done = 0;
    for (unsigned i = 0; i < n; i++) {
        flatten(out[i], &g, f);
        assert_good(&g);
        uint32_t k = g.len - g.payload;
        assert_int_equal(k, RTE_MIN(mss, f->len - f->payload - done));
        assert_memory_equal(g.b + g.payload, f->b + f->payload + done, k);
        assert_memory_equal(g.b, f->b, f->l3);
        if (!f->ip6)
            assert_int_equal(get16(g.b + g.l3 + 4), (0xfffe + i) & 0xffff);
        if (f->proto == IPPROTO_TCP) {
            uint8_t flags = g.b[g.l4 + 13];
            assert_int_equal(get32(g.b + g.l4 + 4), get32(f->b + f->l4 + 4) + done);
            assert_int_equal((flags & 0x80) != 0, i == 0);
            assert_int_equal((flags & 0x09) != 0, i + 1 == n);
            assert_true(flags & 0x10);
        }
        done += k;
        rte_pktmbuf_free(out[i]);
    }
    assert_int_equal(done, f->len - f->payload);
}

static void big_frames_are_cut_as_a_sender_would(void **state)
{
    (void)state;
    static struct frame f;
    const struct {
        unsigned tags;
        bool ip6;
        uint8_t proto, type;
        uint32_t payload, mss, piece;
    } t[] = {
        {0, false, IPPROTO_TCP, TCP4, 65000, 1448, 2048},
        {0, false, IPPROTO_TCP, TCP4 | ECN, 14480, 1448, 1000},
        {2, false, IPPROTO_TCP, TCP4, 30001, 1000, 777},
        {0, true, IPPROTO_TCP, TCP6, 65000, 1428, 2048},
        {1, true, IPPROTO_TCP, TCP6, 5001, 537, 333},
        {0, false, IPPROTO_UDP, UDP_L4, 60000, 1472, 2048},
        {1, true, IPPROTO_UDP, UDP_L4, 4000, 1001, 1500},
        {0, false, IPPROTO_TCP, TCP4, 30000, 8948, 2048}, /* jumbo segments are chained */
    };
    for (unsigned i = 0; i < RTE_DIM(t); i++) {
        struct rte_mbuf *out[MAX_OUT];
        struct virtio_net_hdr back;
        build(&f, t[i].tags, t[i].ip6, t[i].proto, t[i].payload);
        struct virtio_net_hdr h = request_of(&f, t[i].type, (uint16_t)t[i].mss);
        struct rte_mbuf *m = mbuf_of(&f, t[i].piece);
        assert_int_equal(offload_from_vnet(m, &h), 0);
        offload_to_vnet(m, &back);
        assert_int_equal(back.gso_size, t[i].mss);
        assert_int_equal(back.gso_type & 0x7f, t[i].type & 0x7f);
        assert_int_equal(back.hdr_len, f.payload);
        assert_false(offload_needs_software(m, all_caps));
        assert_true(offload_needs_software(m, PORT_CAP_CSUM | PORT_CAP_MULTISEG));
        unsigned n = offload_resolve(m, PORT_CAP_MULTISEG, pool, out, MAX_OUT);
        assert_int_equal(n, (t[i].payload + t[i].mss - 1) / t[i].mss);
        assert_cut(&f, out, n, t[i].mss);
    }
    assert_int_equal(in_use(), 0);
}

static void what_cannot_be_cut_stays_the_callers(void **state)
{
    (void)state;
    static struct frame f;
    struct rte_mbuf *out[MAX_OUT];
    build(&f, 0, false, IPPROTO_TCP, 60000);
    struct virtio_net_hdr h = request_of(&f, TCP4, 100);
    struct rte_mbuf *m = mbuf_of(&f, 2048);
    assert_int_equal(offload_from_vnet(m, &h), 0);
    assert_int_equal(offload_resolve(m, 0, pool, out, MAX_OUT), 0); /* 600 frames */
    m->tso_segsz = 4000; /* more than an mbuf, for a port that takes no chains */
    assert_int_equal(offload_resolve(m, 0, pool, out, MAX_OUT), 0);
    memset(rte_pktmbuf_mtod_offset(m, void *, f.l3), 0, 20); /* the pipeline wrecked it */
    assert_true(offload_needs_software(m, all_caps));
    assert_int_equal(offload_resolve(m, all_caps, pool, out, MAX_OUT), 0);
    rte_pktmbuf_free(m);
    assert_int_equal(in_use(), 0);
}

static void a_chain_is_made_one_for_a_port_without_chains(void **state)
{
    (void)state;
    static struct frame f, g;
    struct rte_mbuf *out[1];
    build(&f, 0, false, IPPROTO_UDP, 1000);
    struct rte_mbuf *m = mbuf_of(&f, 100);
    assert_true(offload_needs_software(m, PORT_CAP_CSUM));
    assert_int_equal(offload_resolve(m, PORT_CAP_CSUM, pool, out, 1), 1);
    assert_int_equal(out[0]->nb_segs, 1);
    flatten(out[0], &g, &f);
    assert_memory_equal(g.b, f.b, f.len);
    rte_pktmbuf_free(out[0]);
    assert_int_equal(in_use(), 0);
}

/* ------------------------------------------------------------ nonsense */

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static struct frame f;
    build(&f, 0, false, IPPROTO_TCP, 3000);
    const uint16_t l4 = (uint16_t)f.l4, len = (uint16_t)f.len;
    const struct virtio_net_hdr bad[] = {
        {.flags = CSUM, .csum_start = len, .csum_offset = 0},
        {.flags = CSUM, .csum_start = 65535, .csum_offset = 65535},
        {.flags = CSUM, .csum_start = l4, .csum_offset = 65535},
        {.flags = CSUM, .csum_start = (uint16_t)(len - 1), .csum_offset = 0},
        {.flags = CSUM, .gso_type = TCP4, .csum_start = l4, .csum_offset = 16}, /* size 0 */
        {.flags = CSUM, .gso_type = TCP6, .gso_size = 1000, .csum_start = l4, .csum_offset = 16},
        {.flags = CSUM, .gso_type = UDP_L4, .gso_size = 1000, .csum_start = l4, .csum_offset = 16},
        {.flags = CSUM, .gso_type = UFO, .gso_size = 1000, .csum_start = l4, .csum_offset = 16},
        {.flags = CSUM, .gso_type = 77, .gso_size = 1000, .csum_start = l4, .csum_offset = 16},
        {.flags = CSUM, .gso_type = ECN, .gso_size = 1000, .csum_start = 9000, .csum_offset = 16},
        {.flags = CSUM, .gso_type = TCP4, .gso_size = 1000, .csum_start = 20, .csum_offset = 16},
        {.flags = CSUM, .gso_type = TCP4, .gso_size = 1000, .csum_start = l4, .csum_offset = 6},
        {.flags = CSUM,
         .gso_type = TCP4,
         .hdr_len = 65535,
         .gso_size = 1000,
         .csum_start = l4,
         .csum_offset = 16},
    };
    for (unsigned i = 0; i < RTE_DIM(bad); i++) {
        struct rte_mbuf *m = mbuf_of(&f, 1500);
        assert_int_equal(offload_from_vnet(m, &bad[i]), -EINVAL);
        rte_pktmbuf_free(m);
    }
    assert_int_equal(in_use(), 0);
}

static void a_lie_in_the_headers_cuts_nothing(void **state)
{
    (void)state;
    static struct frame f;
    const struct {
        unsigned at, value;
    } lies[] = {{14, 0x4f00}, {14, 0x4100}, {14, 0x6500}, {16, 65535},
                {16, 10},     {20, 0x2000}, {20, 0x00ff}, {12, 0x8847},
                {12, 0x0806}, {12, 0x8100}, {46, 0x0010}, {46, 0xf010 & 0x4f10}};
    for (unsigned i = 0; i < RTE_DIM(lies); i++) {
        build(&f, 0, false, IPPROTO_TCP, 3000);
        struct virtio_net_hdr h = request_of(&f, TCP4, 1000);
        put16(f.b + lies[i].at, lies[i].value);
        struct rte_mbuf *m = mbuf_of(&f, 1500);
        assert_int_equal(offload_from_vnet(m, &h), -EINVAL);
        rte_pktmbuf_free(m);
    }
}

static void random_bytes_never_hurt(void **state)
{
    (void)state;
    static struct frame f;
    struct prng r = {.state = 7};
    for (unsigned i = 0; i < 20000; i++) {
        build(&f, i % 3, i & 1, i & 2 ? IPPROTO_TCP : IPPROTO_UDP,
              (uint32_t)(prng_next(&r) % 3000));
        for (unsigned k = 0; k < i % 5; k++)
            f.b[prng_next(&r) % 100] = (uint8_t)prng_next(&r);
        if (i % 7 == 0)
            f.len = 14 + (uint32_t)(prng_next(&r) % (f.len - 13));
        struct virtio_net_hdr h =
            request_of(&f, (const uint8_t[]){NONE, TCP4, TCP6, UDP_L4}[prng_next(&r) % 4], 500);
        if (i % 3 == 0)
            ((uint8_t *)&h)[prng_next(&r) % sizeof h] = (uint8_t)prng_next(&r);
        struct rte_mbuf *m = mbuf_of(&f, 1 + (uint32_t)(prng_next(&r) % 2000)), *out[MAX_OUT];
        uint16_t n =
            offload_from_vnet(m, &h) == 0
                ? offload_resolve(m, (uint32_t)prng_next(&r) & all_caps, pool, out, MAX_OUT)
                : 0;
        if (n == 0)
            rte_pktmbuf_free(m);
        rte_pktmbuf_free_bulk(out, n);
    }
    assert_int_equal(in_use(), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct errbuf e;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, NULL, &e) != 0)
        return -1;
    pool = rte_pktmbuf_pool_create("offload", 8191, 0, 64, 2176, SOCKET_ID_ANY);
    return pool == NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partial_checksum_is_completed_for_each_protocol_tag_and_chain),
        cmocka_unit_test(trailing_padding_is_not_summed),
        cmocka_unit_test(a_tag_pushed_after_rx_moves_the_request),
        cmocka_unit_test(a_clone_is_copied_before_it_is_written),
        cmocka_unit_test(a_checksum_inside_a_tunnel_is_computed_at_once),
        cmocka_unit_test(big_frames_are_cut_as_a_sender_would),
        cmocka_unit_test(what_cannot_be_cut_stays_the_callers),
        cmocka_unit_test(a_chain_is_made_one_for_a_port_without_chains),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_lie_in_the_headers_cuts_nothing),
        cmocka_unit_test(random_bytes_never_hurt),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
