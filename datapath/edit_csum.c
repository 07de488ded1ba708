/* edit_csum.c: checksums follow what is edited (RFC 1624; RFC 9260 appendix A for SCTP). */
#include <nmmintrin.h>

#include "base/csum.h"
#include "datapath/edit_internal.h"

void edit_ipv4(uint8_t *ip, uint8_t *at, const void *to, size_t n)
{
    be16 sum;
    memcpy(&sum, ip + 10, 2);
    sum = csum_update(sum, at, to, n);
    memcpy(ip + 10, &sum, 2);
    memcpy(at, to, n);
}

/* Where the checksum is in the L4 header, or 0: none that sums words. */
static size_t csum_at(const struct pkt *p)
{
    switch (p->key.ip_proto) {
    case IP_TCP:
        return 16;
    case IP_UDP:
        return 6;
    case IP_ICMP:
    case IP_ICMPV6:
        return 2;
    default:
        return 0;
    }
}

static bool is_partial(const struct rte_mbuf *m)
{
    return (m->ol_flags &
            (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0;
}

void edit_l4_csum(struct rte_mbuf *m, const void *from, const void *to, size_t n, bool pseudo)
{
    struct pkt *p = pkt_of(m);
    size_t at = csum_at(p);
    if (p->l4_off == 0 || at == 0 || (pseudo && p->key.ip_proto == IP_ICMP))
        return;
    uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, p->l4_off + at);
    be16 sum;
    memcpy(&sum, field, 2);
    if (is_partial(m)) {
        if (pseudo)
            sum = (be16)~csum_update((be16)~sum, from, to, n);
    } else if (p->key.ip_proto == IP_UDP) {
        if (sum == 0)
            return; /* the sender computed none */
        sum = csum_update(sum, from, to, n);
        sum = sum == 0 ? 0xffff : sum;
    } else {
        sum = csum_update(sum, from, to, n);
    }
    memcpy(field, &sum, 2);
}

/* ------------------------------------------------------------ SCTP */

static uint32_t crc32c(uint32_t crc, const uint8_t *b, size_t n)
{
    for (; n >= 8; n -= 8, b += 8) {
        uint64_t v;
        memcpy(&v, b, 8);
        crc = (uint32_t)_mm_crc32_u64(crc, v);
    }
    for (; n > 0; n--, b++)
        crc = _mm_crc32_u8(crc, *b);
    return crc;
}

/* Bytes of the SCTP packet by what IP says. */
static size_t sctp_length(const struct rte_mbuf *m, const struct pkt *p)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3_off);
    size_t total = ip[0] >> 4 == 4 ? get16(ip + 2) : get16(ip + 4) + 40u;
    return p->l3_off + total - p->l4_off;
}

bool edit_sctp_crc(const struct rte_mbuf *m, uint32_t *crc)
{
    const struct pkt *p = pkt_of((struct rte_mbuf *)(uintptr_t)m);
    static const uint8_t zero[4];
    size_t len = sctp_length(m, p), off = p->l4_off + 12u;
    if (p->key.ip_frag != 0 || len < 12 || p->l4_off + len > m->pkt_len || off > m->data_len)
        return false;
    const uint8_t *l4 = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l4_off);
    uint32_t c = crc32c(crc32c(UINT32_MAX, l4, 8), zero, 4);
    for (len -= 12; m != NULL && len > 0; m = m->next, off = 0) {
        size_t n = RTE_MIN(m->data_len - off, len);
        c = crc32c(c, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
        len -= n;
    }
    *crc = ~c;
    return true;
}
