/* admit.c: may a frame come in at its port at all? It never rewrites. */
#include "datapath/pipeline.h"

/* Above the MTU: Ethernet's header and two tags (IEEE 802.1Q-2018, annex G). */
enum { L2_ROOM = 14 + 8 };

static int reason_to_refuse(const struct rte_mbuf *m, uint32_t config, uint32_t longest)
{
    if (config & PORT_CFG_DOWN)
        return DROP_PORT_DOWN;
    if (config & PORT_CFG_NO_RECV)
        return DROP_PORT_NO_RECV;
    if (m->pkt_len < 14)
        return DROP_RX_TRUNCATED;
    bool to_be_cut = (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) != 0;
    if (m->pkt_len > longest && !to_be_cut)
        return DROP_RX_TOO_LONG;
    return -1;
}

void stage_admit(struct worker *w, struct port *p, struct burst *b)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    uint32_t longest = (uint32_t)p->mtu + L2_ROOM;
    uint16_t kept = 0;
    for (uint16_t i = 0; i < b->n; i++) {
        int why = reason_to_refuse(b->m[i], config, longest);
        if (__builtin_expect(why < 0, 1))
            b->m[kept++] = b->m[i];
        else
            worker_drop_in(w, p, b->m[i], (enum drop_reason)why);
    }
    b->n = kept;
    if (__builtin_expect(atomic_load_explicit(&p->gates.on, memory_order_relaxed) != 0, 0))
        gate_admit(w, p, b); /* spanning tree: BPDUs to control, and may the rest come in? */
}
