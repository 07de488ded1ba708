/* datapath/tx.h: a worker's transmit queues, for those who put frames there themselves.
 *
 * worker_tx() and worker_tx_burst() (worker.h) are for everybody else. A bond (bond_path.c) sends
 * a burst to several queues at once, and asks of each frame, and once of each queue's port, what
 * worker_tx_burst() asks. Workers.
 */
#ifndef WEFT_DATAPATH_TX_H
#define WEFT_DATAPATH_TX_H

#include "datapath/worker.h"

/* Hands what is in b to its port's device. */
void tx_flush(struct worker *w, struct tx_buffer *b);

/* Some tree isn't forwarding there, or its VM has not come. */
static inline bool tx_shut_by_gate(const struct port *p)
{
    return (atomic_load_explicit(&p->gates.on, memory_order_relaxed) & (GATE_SHUT | GATE_HELD)) !=
           0;
}

/* Nothing stands in the way of a plain frame, and nobody wants to be told of it. */
static inline bool tx_open(const struct worker *w, const struct port *p)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    return atomic_load_explicit(&p->link_up, memory_order_relaxed) &&
           (config & (PORT_CFG_DOWN | PORT_CFG_NO_FWD)) == 0 && w->trace == NULL &&
           !tx_shut_by_gate(p);
}

/* One segment, no offload asked for, at most `fits` bytes. */
static inline bool tx_plain(const struct rte_mbuf *m, uint32_t fits)
{
    return m->pkt_len <= fits && m->nb_segs == 1 && (m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) == 0;
}

/* p's queue, for who has something to put there: it will be flushed. */
static inline struct tx_buffer *tx_begin(struct worker *w, struct port *p)
{
    struct tx_buffer *b = w->tx[p->index];
    if (b->port == NULL) {
        b->port = p;
        w->tx_dirty[w->n_dirty++] = p->index;
    }
    return b;
}

/* Takes m. */
static inline void tx_put(struct worker *w, struct tx_buffer *b, struct rte_mbuf *m)
{
    if (__builtin_expect(b->n == WEFT_BURST * 2, 0))
        tx_flush(w, b);
    b->m[b->n++] = m;
}

#endif
