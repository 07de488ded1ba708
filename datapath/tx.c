/* tx.c: the way out. Checks the port, resolves offloads that it lacks, queues, flushes. */
#include "datapath/tx.h"
#include "datapath/bond.h"
#include "datapath/offload.h"
#include "datapath/pipeline.h"
#include "datapath/router.h"
#include "datapath/tunnel.h"

/* A GSO frame of 64 KiB in segments of 256 bytes; a smaller segment size is nobody's. */
enum { SEGMENTS_MAX = 256 };

#define GSO_FLAGS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

/* Bytes of Ethernet header and tags. */
static uint32_t l2_len(const struct rte_mbuf *m)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = 14;
    for (int tags = 0; tags < 3 && len + 4 <= m->data_len; tags++, len += 4) {
        uint16_t type = (uint16_t)(frame[len - 2] << 8 | frame[len - 1]);
        if (type != 0x8100 && type != 0x88a8)
            break;
    }
    return len;
}

static bool too_big(const struct rte_mbuf *m, uint16_t mtu)
{
    if (m->ol_flags & GSO_FLAGS)
        return (uint32_t)m->l3_len + m->l4_len + m->tso_segsz > mtu;
    return m->pkt_len > mtu + 14u && m->pkt_len > mtu + l2_len(m);
}

void tx_flush(struct worker *w, struct tx_buffer *b)
{
    struct port *p = b->port;
    struct port_stats *s = &p->stats[w->index];
    uint16_t queue = p->tx_queues > 1 ? (uint16_t)(w->index % p->tx_queues) : 0;
    uint32_t len[WEFT_BURST * 2];
    for (uint16_t i = 0; i < b->n; i++)
        len[i] = b->m[i]->pkt_len;

    w->tx_refused = 0;
    w->tx_refused_bytes = 0;
    uint16_t sent = p->ops->tx_burst(p, queue, b->m, b->n);
    if (sent < b->n) /* once more: a queue that is being drained has room again */
        sent = (uint16_t)(sent + p->ops->tx_burst(p, queue, b->m + sent, b->n - sent));

    uint64_t bytes = 0;
    for (uint16_t i = 0; i < sent; i++)
        bytes += len[i];
    s->tx_packets += sent - w->tx_refused;
    s->tx_bytes += bytes - w->tx_refused_bytes;
    for (uint16_t i = sent; i < b->n; i++)
        worker_drop_at(w, p, b->m[i], DROP_TX_FULL);
    b->n = 0;
}

static void queue(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    tx_put(w, tx_begin(w, p), m);
}

/* One buffer for a kind that takes no chains. */
static void queue_flat(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    if (m->nb_segs > 1 && !(p->caps & PORT_CAP_MULTISEG) && rte_pktmbuf_linearize(m) != 0)
        worker_drop_at(w, p, m, DROP_TX_TOO_BIG);
    else
        queue(w, p, m);
}

static void resolve(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    struct rte_mbuf *out[SEGMENTS_MAX];
    uint16_t n = offload_resolve(m, p->caps, w->sw->pool, out, SEGMENTS_MAX);
    if (n == 0)
        worker_drop_at(w, p, m, DROP_TX_OFFLOAD);
    for (uint16_t i = 0; i < n; i++)
        queue_flat(w, p, out[i]);
}

/* -1: none. */
static int gate_reason(const struct port *p, const struct rte_mbuf *m)
{
    if (gate_is_held(p))
        return DROP_PORT_HELD;
    return gate_may_send(p, m) ? -1 : DROP_STP_BLOCKED_OUT;
}

void worker_tx(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    bool up = atomic_load_explicit(&p->link_up, memory_order_relaxed);
    if (__builtin_expect((config & (PORT_CFG_DOWN | PORT_CFG_NO_FWD)) || !up, 0)) {
        worker_drop_at(w, p, m, DROP_OUTPUT_DOWN);
        return;
    }
    int shut = __builtin_expect(tx_shut_by_gate(p), 0) ? gate_reason(p, m) : -1;
    if (__builtin_expect(shut >= 0, 0)) {
        worker_drop_at(w, p, m, (enum drop_reason)shut);
        return;
    }
    /* A router's interface hears longer ones, too: its MTU is for what it sends. */
    if (__builtin_expect(too_big(m, p->mtu), 0) && p->router == NULL) {
        if (p->tunnel != NULL)
            tunnel_too_big(w, p, m);
        worker_drop_at(w, p, m, DROP_TX_TOO_BIG);
        return;
    }
    if (w->trace != NULL && w->trace->out != NULL)
        w->trace->out(w->trace->ctx, m, p);
    if (p->caps & PORT_CAP_BOND) {
        bond_send(w, p, &m, 1);
        return;
    }
    if ((m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) && offload_needs_software(m, p->caps))
        resolve(w, p, m);
    else
        queue_flat(w, p, m);
}

/* Those of which nothing needs to be asked go straight into the buffer. */
void worker_tx_burst(struct worker *w, struct port *p, struct rte_mbuf **m, uint16_t n)
{
    bool open = tx_open(w, p);
    uint32_t fits = p->mtu + 14u;
    if (__builtin_expect((p->caps & PORT_CAP_BOND) && open, 0)) {
        bond_send(w, p, m, n);
        return;
    }
    for (uint16_t i = 0; i < n; i++) {
        if (__builtin_expect(open && tx_plain(m[i], fits), 1))
            queue(w, p, m[i]);
        else
            worker_tx(w, p, m[i]);
    }
}

static void flush_dirty(struct worker *w)
{
    for (uint16_t i = 0; i < w->n_dirty; i++) {
        struct tx_buffer *b = w->tx[w->tx_dirty[i]];
        if (b->n > 0) /* a bond's member that no flow went to */
            tx_flush(w, b);
        b->port = NULL;
    }
    w->n_dirty = 0;
}

/* What went into routers comes out of them into other ports' buffers. */
void worker_flush(struct worker *w)
{
    flush_dirty(w);
    while (__builtin_expect(w->n_routed > 0, 0)) {
        stage_route(w);
        flush_dirty(w);
    }
}
