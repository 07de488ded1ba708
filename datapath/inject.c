/* inject.c: frames of ours that go through a bridge as if a guest had sent them. */
#include "datapath/pipeline.h"

static void inject(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m);
    memset(k, 0, sizeof *k);
    k->bridge = p->bridge;
    k->in_port = p;
    k->key.in_port = k->key.in_phy_port = to_be32(p->ofp_no);
    if (k->bridge == NULL) {
        worker_drop(w, m, DROP_NO_BRIDGE);
        return;
    }
    w->prog = atomic_load_explicit(&k->bridge->program, memory_order_acquire);
    l2_normal(w, m);
}

void bridge_inject(struct port *p, struct rte_mbuf *m, nsec_t now)
{
    struct worker *w = worker_borrow(p->sw, now);
    inject(w, p, m);
    worker_return(w);
}
