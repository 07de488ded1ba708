/* offload.c: reads and writes offload requests; offload_soft.c carries them out. */
#include "datapath/offload.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>

#include "base/bytes.h"
#include "datapath/offload_internal.h"
#include "datapath/port.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

enum {
    ETH_IP4 = 0x0800,
    ETH_IP6 = 0x86dd,
    ETH_VLAN = 0x8100,
    ETH_QINQ = 0x88a8,
    ETH_QINQ_OLD = 0x9100,
    ETH_MPLS = 0x8847,
    ETH_MPLS_MC = 0x8848,
    EXT_MAX = 8, /* IPv6 extension headers looked behind */
    TCP_CWR = 0x80
};

/* ------------------------------------------------------------ sums */

uint16_t offload_fold(uint64_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

uint64_t offload_sum(const uint8_t *p, size_t n, bool odd)
{
    uint64_t s = 0;
    for (; n >= 4; n -= 4, p += 4) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        s += v;
    }
    if (n >= 2) {
        uint16_t v;
        memcpy(&v, p, sizeof v);
        s += v;
        p += 2;
    }
    if (n & 1)
        s += *p;
    return odd ? __builtin_bswap16(offload_fold(s)) : s;
}

uint64_t offload_sum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
    uint64_t s = 0;
    uint32_t done = 0;
    for (; m != NULL && done < len; m = m->next) {
        if (off >= m->data_len) {
            off -= m->data_len;
            continue;
        }
        uint32_t n = RTE_MIN((uint32_t)m->data_len - off, len - done);
        s += offload_sum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n, done & 1);
        done += n;
        off = 0;
    }
    return s;
}

uint64_t offload_sum_pseudo(const struct rte_mbuf *m, const struct offload_hdrs *h,
                            uint32_t l4_bytes)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, h->l3_off);
    uint64_t s = h->ip6 ? offload_sum(ip + 8, 32, false) : offload_sum(ip + 12, 8, false);
    return s + to_be16(h->proto) + to_be16((uint16_t)(l4_bytes >> 16)) +
           to_be16((uint16_t)l4_bytes);
}

/* ------------------------------------------------------------ headers */

static bool is_vlan(uint16_t type)
{
    return type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD;
}

/* Over Ethernet, tags and labels; returns the ethertype of what follows. */
static uint16_t walk_l2(struct reader *r, struct offload_hdrs *h)
{
    read_skip(r, 12);
    uint16_t type = read_u16(r);
    while (!r->bad && is_vlan(type)) {
        read_skip(r, 2);
        type = read_u16(r);
    }
    if (type != ETH_MPLS && type != ETH_MPLS_MC)
        return type;
    h->mpls = true;
    uint32_t label = 0;
    while (!r->bad && !(label & 0x100))
        label = read_u32(r);
    if (r->bad || r->left == 0)
        return 0;
    return *r->p >> 4 == 4 ? ETH_IP4 : *r->p >> 4 == 6 ? ETH_IP6 : 0;
}

static bool walk_ip4(struct reader *r, struct offload_hdrs *h)
{
    uint8_t vihl = read_u8(r);
    read_skip(r, 1);
    uint16_t total = read_u16(r);
    read_skip(r, 2);
    uint16_t frag = read_u16(r);
    read_skip(r, 1);
    h->proto = read_u8(r);
    unsigned ihl = (vihl & 0xfu) * 4;
    if (r->bad || vihl >> 4 != 4 || ihl < 20 || total < ihl || (frag & 0x3fff) != 0)
        return false;
    read_skip(r, ihl - 10);
    h->l4_off = (uint16_t)(h->l3_off + ihl);
    h->l4_bytes = total - ihl;
    return true;
}

static bool walk_ip6(struct reader *r, struct offload_hdrs *h)
{
    uint8_t version = read_u8(r) >> 4;
    read_skip(r, 3);
    uint32_t left = read_u16(r), off = h->l3_off + 40u;
    uint8_t next = read_u8(r);
    read_skip(r, 33);
    if (r->bad || version != 6)
        return false;
    for (int i = 0; i < EXT_MAX && (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS); i++) {
        next = read_u8(r);
        uint32_t len = 8u + read_u8(r) * 8u;
        read_skip(r, len - 2);
        if (r->bad || len > left)
            return false;
        left -= len;
        off += len;
    }
    h->ip6 = true;
    h->proto = next; /* a routing or fragment header: the caller gives up */
    h->l4_off = (uint16_t)off;
    h->l4_bytes = left;
    return true;
}

static bool walk_l4(struct reader *r, struct offload_hdrs *h)
{
    unsigned len = 8;
    if (h->proto == IPPROTO_UDP) {
        h->csum_off = 6;
    } else if (h->proto == IPPROTO_TCP) {
        struct reader t = *r;
        read_skip(&t, 12);
        len = (read_u8(&t) >> 4) * 4u;
        h->csum_off = 16;
        if (t.bad || len < 20)
            return false;
    } else {
        return false;
    }
    read_skip(r, len);
    h->payload_off = (uint16_t)(h->l4_off + len);
    return !r->bad && len <= h->l4_bytes;
}

bool offload_walk(const struct rte_mbuf *m, struct offload_hdrs *h)
{
    *h = (struct offload_hdrs){0};
    struct reader r = reader_of(rte_pktmbuf_mtod(m, const void *), m->data_len);
    uint16_t type = walk_l2(&r, h);
    if (r.bad)
        return false;
    h->l3_off = (uint16_t)(m->data_len - r.left);
    bool ok = type == ETH_IP4 ? walk_ip4(&r, h) : type == ETH_IP6 && walk_ip6(&r, h);
    /* l2_len has 7 bits in an mbuf, l3_len 9. */
    return ok && walk_l4(&r, h) && h->l4_off + h->l4_bytes <= rte_pktmbuf_pkt_len(m) &&
           h->l3_off < 128 && h->l4_off - h->l3_off < 512;
}

static void set_lens(struct rte_mbuf *m, const struct offload_hdrs *h)
{
    m->l2_len = h->l3_off;
    m->l3_len = (uint16_t)(h->l4_off - h->l3_off) & 0x1ff;
    m->l4_len = (uint8_t)(h->payload_off - h->l4_off);
    m->ol_flags &= ~(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
    m->ol_flags |= h->ip6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
}

bool offload_set_lens(struct rte_mbuf *m)
{
    struct offload_hdrs h;
    if (!offload_walk(m, &h))
        return false;
    set_lens(m, &h);
    return true;
}

/* ------------------------------------------------------------ requests in */

static void store_u16(struct rte_mbuf *m, uint32_t off, uint16_t v)
{
    memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, off), &v, sizeof v);
}

/* A checksum of something that mbuf flags can't say (inside a guest's own tunnel, say) is computed
 * at once: from start to the end of the frame, as the virtio specification 5.1.6.2 has it. */
static int checksum_now(struct rte_mbuf *m, uint32_t start, uint32_t offset)
{
    uint32_t at = start + offset, len = rte_pktmbuf_pkt_len(m);
    if (at + 2 > m->data_len)
        return -EINVAL;
    uint16_t sum = (uint16_t)~offload_fold(offload_sum_mbuf(m, start, len - start));
    store_u16(m, at, sum != 0 ? sum : 0xffff);
    return 0;
}

static int request(struct rte_mbuf *m, const struct offload_hdrs *h, bool csum, uint16_t gso_size)
{
    bool tcp = h->proto == IPPROTO_TCP;
    if (!csum) /* segments without a partial checksum: as if there were one */
        store_u16(m, h->l4_off + h->csum_off, offload_fold(offload_sum_pseudo(m, h, h->l4_bytes)));
    m->ol_flags &= ~(RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_LRO);
    m->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
    uint32_t payload = h->l4_bytes - (uint32_t)(h->payload_off - h->l4_off);
    if (gso_size != 0 && payload > gso_size) {
        m->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
        m->tso_segsz = gso_size;
    }
    set_lens(m, h);
    return 0;
}

int offload_request(struct rte_mbuf *m, bool csum, uint16_t gso_size)
{
    struct offload_hdrs h;
    return offload_walk(m, &h) ? request(m, &h, csum, gso_size) : -EINVAL;
}

static bool gso_fits(uint8_t type, const struct offload_hdrs *h)
{
    switch (type) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return h->proto == IPPROTO_TCP && !h->ip6;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return h->proto == IPPROTO_TCP && h->ip6;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return h->proto == IPPROTO_UDP;
    default:
        return false; /* UFO was never negotiated */
    }
}

int offload_from_vnet(struct rte_mbuf *m, const struct virtio_net_hdr *v)
{
    bool csum = (v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
    uint8_t type = v->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (!csum && type == VIRTIO_NET_HDR_GSO_NONE) {
        if (v->flags & VIRTIO_NET_HDR_F_DATA_VALID)
            m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        return 0;
    }
    struct offload_hdrs h;
    bool ok = offload_walk(m, &h);
    bool outer = ok && v->csum_start == h.l4_off && v->csum_offset == h.csum_off;
    if (type == VIRTIO_NET_HDR_GSO_NONE)
        return outer ? request(m, &h, true, 0) : checksum_now(m, v->csum_start, v->csum_offset);
    if (!ok || (csum && !outer) || !gso_fits(type, &h))
        return -EINVAL;
    if (v->gso_size == 0 || v->hdr_len > rte_pktmbuf_pkt_len(m))
        return -EINVAL;
    if ((v->gso_type & VIRTIO_NET_HDR_GSO_ECN) && h.proto != IPPROTO_TCP)
        return -EINVAL;
    return request(m, &h, csum, v->gso_size);
}

/* ------------------------------------------------------------ requests out */

static void gso_to_vnet(const struct rte_mbuf *m, const struct offload_hdrs *h,
                        struct virtio_net_hdr *v)
{
    if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) {
        v->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    } else {
        v->gso_type = h->ip6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        /* RFC 3168: CWR belongs on the first segment only, so whoever cuts must know. */
        if (*rte_pktmbuf_mtod_offset(m, const uint8_t *, h->l4_off + 13) & TCP_CWR)
            v->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    }
    v->gso_size = m->tso_segsz;
    v->hdr_len = h->payload_off;
}

void offload_to_vnet(const struct rte_mbuf *m, struct virtio_net_hdr *v)
{
    *v = (struct virtio_net_hdr){0};
    struct offload_hdrs h;
    if (offload_asked(m) == 0 || !offload_walk(m, &h))
        return;
    v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    v->csum_start = h.l4_off;
    v->csum_offset = h.csum_off;
    if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
        gso_to_vnet(m, &h, v);
}

/* What a device must be able to do to take m as it is. */
static uint32_t wanted_caps(const struct rte_mbuf *m)
{
    uint32_t want = m->nb_segs > 1 ? PORT_CAP_MULTISEG : 0;
    if (offload_asked(m) == 0)
        return want;
    want |= PORT_CAP_CSUM;
    if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
        want |= PORT_CAP_USO;
    if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
        want |= (m->ol_flags & RTE_MBUF_F_TX_IPV6) ? PORT_CAP_TSO6 : PORT_CAP_TSO4;
    return want;
}

bool offload_needs_software(const struct rte_mbuf *m, uint32_t caps)
{
    struct offload_hdrs h;
    if (wanted_caps(m) & ~caps)
        return true;
    if (offload_asked(m) == 0)
        return false;
    /* No device is trusted to look behind MPLS labels. A frame that has lost its TCP or UDP header
     * on the way is not sent with a lie: resolving fails, and the drop has a name. */
    return !offload_walk(m, &h) || h.mpls;
}
