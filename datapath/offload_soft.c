/* offload_soft.c: checksums and segmentation by the CPU.
 *
 * Segments are whole copies: a port that can't cut frames often can't take chained mbufs either,
 * and copying 1460 bytes costs less than the checksum that must read them anyhow. rte_gso is not
 * used: in DPDK 22.11 it has no IPv6 and cuts UDP into IP fragments.
 */
#include <netinet/in.h>

#include "datapath/offload.h"
#include "datapath/offload_internal.h"
#include "datapath/port.h"

enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

static uint8_t *at(struct rte_mbuf *m, uint32_t off)
{
    return rte_pktmbuf_mtod_offset(m, uint8_t *, off);
}

static void put16(uint8_t *p, uint16_t v)
{
    v = to_be16(v);
    memcpy(p, &v, sizeof v);
}

/* The pipeline's notes go with the frame, for whoever drops or traces it later. */
static void keep_notes(struct rte_mbuf *to, const struct rte_mbuf *from)
{
    if (to->priv_size == from->priv_size)
        memcpy(rte_mbuf_to_priv(to), rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)from),
               to->priv_size);
}

static void forget_requests(struct rte_mbuf *m)
{
    m->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG |
                     RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
    m->tso_segsz = 0;
}

/* The whole L4 checksum, computed afresh from the addresses as they are now. */
static void fill_checksum(struct rte_mbuf *m, const struct offload_hdrs *h)
{
    uint8_t *field = at(m, h->l4_off + h->csum_off);
    memset(field, 0, 2);
    uint64_t s = offload_sum_pseudo(m, h, h->l4_bytes);
    s += offload_sum_mbuf(m, h->l4_off, h->l4_bytes);
    uint16_t sum = (uint16_t)~offload_fold(s);
    if (sum == 0 && h->proto == IPPROTO_UDP)
        sum = 0xffff; /* RFC 768: zero means "none" */
    memcpy(field, &sum, sizeof sum);
}

/* m itself when nobody shares its first segment, else a copy; m stays the caller's then. */
static struct rte_mbuf *writable(struct rte_mbuf *m, struct rte_mempool *pool)
{
    if (RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1)
        return m;
    struct rte_mbuf *c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
    if (c != NULL)
        keep_notes(c, m);
    return c;
}

static struct rte_mbuf *resolve_checksum(struct rte_mbuf *m, const struct offload_hdrs *h,
                                         struct rte_mempool *pool)
{
    struct rte_mbuf *w = writable(m, pool);
    if (w == NULL)
        return NULL;
    fill_checksum(w, h);
    forget_requests(w);
    return w;
}

/* ------------------------------------------------------------ segmentation */

/* A place in a chain, moving on. */
struct cursor {
    const struct rte_mbuf *seg;
    uint32_t off;
};

static struct cursor cursor_at(const struct rte_mbuf *m, uint32_t off)
{
    while (m != NULL && off >= m->data_len) {
        off -= m->data_len;
        m = m->next;
    }
    return (struct cursor){m, off};
}

static void cursor_read(struct cursor *c, uint8_t *to, uint32_t n)
{
    while (n > 0 && c->seg != NULL) {
        uint32_t k = RTE_MIN(n, (uint32_t)c->seg->data_len - c->off);
        memcpy(to, rte_pktmbuf_mtod_offset(c->seg, const uint8_t *, c->off), k);
        to += k;
        n -= k;
        c->off += k;
        if (c->off == c->seg->data_len)
            *c = (struct cursor){c->seg->next, 0};
    }
}

/* Appends n bytes of c to the frame s; more mbufs when `chain` allows. */
static bool append(struct rte_mbuf *s, struct cursor *c, uint32_t n, struct rte_mempool *pool,
                   bool chain)
{
    struct rte_mbuf *last = rte_pktmbuf_lastseg(s);
    while (n > 0) {
        uint32_t room = rte_pktmbuf_tailroom(last);
        if (room == 0) {
            struct rte_mbuf *more = chain ? rte_pktmbuf_alloc(pool) : NULL;
            if (more == NULL)
                return false;
            last->next = more;
            last = more;
            s->nb_segs++;
            continue;
        }
        uint16_t k = (uint16_t)RTE_MIN(n, room);
        cursor_read(c, rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), k);
        last->data_len += k;
        s->pkt_len += k;
        n -= k;
    }
    return true;
}

struct cut {
    const struct rte_mbuf *m;
    struct offload_hdrs h;
    struct rte_mempool *pool;
    bool chain;
    uint32_t payload; /* bytes in all */
    uint32_t size;    /* bytes a segment */
};

static void fix_ip(struct rte_mbuf *s, const struct offload_hdrs *h, unsigned i)
{
    uint8_t *ip = at(s, h->l3_off);
    unsigned len = (unsigned)(h->l4_off - h->l3_off);
    if (h->ip6) {
        put16(ip + 4, (uint16_t)(len - 40 + h->l4_bytes));
        return;
    }
    uint16_t id;
    memcpy(&id, ip + 4, sizeof id);
    put16(ip + 4, (uint16_t)(from_be16(id) + i));
    put16(ip + 2, (uint16_t)(len + h->l4_bytes));
    memset(ip + 10, 0, 2);
    uint16_t sum = (uint16_t)~offload_fold(offload_sum(ip, len, false));
    memcpy(ip + 10, &sum, sizeof sum);
}

static void fix_l4(struct rte_mbuf *s, const struct offload_hdrs *h, uint32_t done, bool last)
{
    uint8_t *l4 = at(s, h->l4_off);
    if (h->proto == IPPROTO_UDP) {
        put16(l4 + 4, (uint16_t)h->l4_bytes);
        return;
    }
    uint32_t seq;
    memcpy(&seq, l4 + 4, sizeof seq);
    seq = to_be32(from_be32(seq) + done);
    memcpy(l4 + 4, &seq, sizeof seq);
    if (done > 0)
        l4[13] &= (uint8_t)~TCP_CWR;
    if (!last)
        l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

static struct rte_mbuf *cut_one(const struct cut *c, struct cursor *from, unsigned i)
{
    struct rte_mbuf *s = rte_pktmbuf_alloc(c->pool);
    if (s == NULL)
        return NULL;
    uint32_t done = i * c->size, n = RTE_MIN(c->size, c->payload - done);
    struct cursor head = cursor_at(c->m, 0);
    if (c->h.payload_off > rte_pktmbuf_tailroom(s) ||
        !append(s, &head, c->h.payload_off, c->pool, false) ||
        !append(s, from, n, c->pool, c->chain)) {
        rte_pktmbuf_free(s);
        return NULL;
    }
    keep_notes(s, c->m);
    struct offload_hdrs h = c->h;
    h.l4_bytes = (uint32_t)(h.payload_off - h.l4_off) + n;
    fix_ip(s, &h, i);
    fix_l4(s, &h, done, done + n == c->payload);
    fill_checksum(s, &h);
    s->port = c->m->port;
    s->packet_type = c->m->packet_type;
    return s;
}

/* Cuts m into out[]; 0 and nothing left behind when it can't. m stays the caller's. */
static uint16_t cut_all(const struct cut *c, struct rte_mbuf **out, uint16_t max)
{
    uint32_t n = c->size == 0 ? 0 : (c->payload + c->size - 1) / c->size;
    if (n == 0 || n > max)
        return 0;
    struct cursor from = cursor_at(c->m, c->h.payload_off);
    for (uint16_t i = 0; i < n; i++) {
        out[i] = cut_one(c, &from, i);
        if (out[i] == NULL) {
            rte_pktmbuf_free_bulk(out, i);
            return 0;
        }
    }
    return (uint16_t)n;
}

/* ------------------------------------------------------------ all of it */

/* A copy in one segment, or NULL; m stays the caller's. */
static struct rte_mbuf *linearise(const struct rte_mbuf *m, struct rte_mempool *pool)
{
    if (rte_pktmbuf_pkt_len(m) + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pool))
        return NULL;
    struct rte_mbuf *c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
    if (c != NULL)
        keep_notes(c, m);
    return c;
}

static bool must_cut(const struct rte_mbuf *m, const struct offload_hdrs *h, uint32_t caps)
{
    uint32_t want = PORT_CAP_CSUM;
    if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
        want |= PORT_CAP_USO;
    else if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
        want |= h->ip6 ? PORT_CAP_TSO6 : PORT_CAP_TSO4;
    else
        return false;
    return h->mpls || (want & ~caps) != 0;
}

uint16_t offload_resolve(struct rte_mbuf *m, uint32_t caps, struct rte_mempool *pool,
                         struct rte_mbuf **out, uint16_t max)
{
    struct offload_hdrs h = {0};
    if (max == 0 || (offload_asked(m) != 0 && !offload_walk(m, &h)))
        return 0;
    if (must_cut(m, &h, caps)) {
        struct cut c = {.m = m,
                        .h = h,
                        .pool = pool,
                        .chain = (caps & PORT_CAP_MULTISEG) != 0,
                        .payload = h.l4_bytes - (uint32_t)(h.payload_off - h.l4_off),
                        .size = m->tso_segsz};
        uint16_t n = cut_all(&c, out, max);
        if (n > 0)
            rte_pktmbuf_free(m);
        return n;
    }
    bool gso = (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0;
    struct rte_mbuf *f = m;
    if (offload_asked(m) != 0 && !gso && (h.mpls || !(caps & PORT_CAP_CSUM)))
        f = resolve_checksum(m, &h, pool);
    if (f != NULL && f->nb_segs > 1 && !(caps & PORT_CAP_MULTISEG)) {
        struct rte_mbuf *flat = linearise(f, pool);
        if (f != m)
            rte_pktmbuf_free(f);
        f = flat;
    }
    if (f == NULL)
        return 0;
    if (f != m)
        rte_pktmbuf_free(m);
    out[0] = f;
    return 1;
}
