/* underlay_out.c: frames of control's that a worker sends on a VTEP's link. */
#include "datapath/punt.h"
#include "datapath/tunnel.h"
#include "datapath/worker.h"

uint64_t underlay_cookie(const struct vtep *v, unsigned link)
{
    return v->serial << 16 | (uint64_t)v->slot << 4 | link;
}

struct vtep_link *underlay_link(const struct weft_switch *sw, uint64_t cookie)
{
    unsigned slot = cookie >> 4 & 0xfff, link = cookie & 15;
    struct vtep *v = slot < WEFT_VTEPS_MAX ? sw->vteps[slot] : NULL;
    return v != NULL && v->serial == cookie >> 16 && link < v->n_links ? &v->link[link] : NULL;
}

void underlay_out(struct weft_switch *sw, uint64_t cookie, struct rte_mbuf *m, int why)
{
    struct pkt *k = pkt_of(m);
    k->in_port = NULL; /* it may have gone */
    k->cookie = cookie;
    k->reason = (uint8_t)why;
    if (!punt_packet(sw->punt, PUNT_OUT, m, 0, &why)) {
        rte_pktmbuf_free(m);
        return;
    }
    atomic_store_explicit(&sw->out_waiting, true, memory_order_release);
    worker_wake(sw->workers[0]);
}

static void send_out(struct worker *w, struct rte_mbuf *m)
{
    const struct pkt *k = pkt_of(m);
    const struct vtep_link *l = underlay_link(w->sw, k->cookie);
    struct port *p = l != NULL ? atomic_load_explicit(&l->uplink, memory_order_acquire) : NULL;
    if (k->reason != DROP_COUNT)
        worker_drop(w, m, (enum drop_reason)k->reason);
    else if (p == NULL)
        worker_drop(w, m, DROP_TUN_NO_UPLINK);
    else
        worker_tx(w, p, m);
}

void stage_underlay_out(struct worker *w)
{
    struct rte_mbuf *m[WEFT_BURST];
    unsigned n = WEFT_BURST;
    atomic_store_explicit(&w->sw->out_waiting, false, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    while (n == WEFT_BURST) {
        n = punt_take(w->sw->punt, PUNT_OUT, m, WEFT_BURST);
        for (unsigned i = 0; i < n; i++)
            send_out(w, m[i]);
    }
}
