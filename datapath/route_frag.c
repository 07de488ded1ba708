/* route_frag.c: IPv4 packets that are longer than the way out and may be cut (RFC 791 section 3.2,
 * RFC 1812 section 5.2.6). Rare: a copy each. */
#include "base/csum.h"
#include "datapath/offload.h"
#include "datapath/parse_internal.h"
#include "datapath/route_internal.h"

enum { ETH = 14, DF = 0x4000, MF = 0x2000, OFFSET = 0x1fff };

static struct rte_mbuf *piece(struct route_burst *b, const struct rte_mbuf *m, unsigned ihl,
                              unsigned from, unsigned n)
{
    struct rte_mbuf *f = rte_pktmbuf_alloc(b->w->sw->pool);
    uint8_t *to = f != NULL ? (uint8_t *)rte_pktmbuf_append(f, (uint16_t)(ETH + ihl + n)) : NULL;
    if (to == NULL) {
        rte_pktmbuf_free(f);
        return NULL;
    }
    *pkt_of(f) = *pkt_of((struct rte_mbuf *)(uintptr_t)m);
    memcpy(to, rte_pktmbuf_mtod(m, const uint8_t *), ETH + ihl);
    const void *p = rte_pktmbuf_read(m, ETH + ihl + from, n, to + ETH + ihl);
    if (p != to + ETH + ihl)
        memcpy(to + ETH + ihl, p, n);
    return f;
}

static void finish(struct rte_mbuf *f, unsigned ihl, unsigned len, uint16_t fragment)
{
    uint8_t *ip = rte_pktmbuf_mtod_offset(f, uint8_t *, ETH);
    put16(ip + 2, (uint16_t)(ihl + len));
    put16(ip + 6, fragment);
    ip[10] = ip[11] = 0;
    be16 sum = csum_finish(csum_add(0, ip, ihl));
    memcpy(ip + 10, &sum, 2);
}

/* Whole, or not at all: DROP_COUNT, or why not. m stays the caller's. */
static enum drop_reason cut(struct route_burst *b, const struct rte_mbuf *m, struct next_hop *n,
                            uint32_t number)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH);
    unsigned ihl = (ip[0] & 15u) * 4, total = get16(ip + 2) - ihl;
    unsigned most = (n->ifc->port->mtu - ihl) & ~7u;
    uint16_t flags = get16(ip + 6);
    for (unsigned at = 0; at < total; at += most) {
        unsigned len = total - at < most ? total - at : most;
        bool last = at + len == total;
        struct rte_mbuf *f = piece(b, m, ihl, at, len);
        if (f == NULL)
            return DROP_NO_MBUF;
        finish(f, ihl, len, (uint16_t)(((flags & OFFSET) + at / 8) | (last ? flags & MF : MF)));
        route_via(b, f, n, number, false);
    }
    return DROP_COUNT;
}

void route_too_big(struct route_burst *b, struct rte_mbuf *m, struct next_hop *n, uint32_t number,
                   bool ip6)
{
    const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH);
    bool segments = (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0;
    if (ip6 || segments || (get16(ip + 6) & DF)) {
        route_error(b, m, ROUTE_WHY_TOO_BIG, n->ifc->port->mtu, DROP_ROUTE_TOO_BIG);
        return;
    }
    /* A checksum that was left to the device is of the whole. */
    if ((m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) &&
        offload_resolve(m, 0, b->w->sw->pool, &m, 1) != 1) {
        route_drop(b, m, DROP_TX_OFFLOAD);
        return;
    }
    enum drop_reason why = cut(b, m, n, number);
    if (why != DROP_COUNT)
        route_drop(b, m, why);
    else
        rte_pktmbuf_free(m); /* it goes on in pieces */
}
