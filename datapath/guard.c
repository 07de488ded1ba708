/* guard.c: guards of ports: published by control, asked by workers. */
#include "datapath/guard.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/pipeline.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"

int port_set_guard(struct port *p, const struct guard *g)
{
    struct guard *copy = g != NULL ? malloc(sizeof *copy) : NULL;
    if (g != NULL && copy == NULL)
        return -ENOMEM;
    if (g != NULL)
        *copy = *g;
    const struct guard *old = atomic_exchange_explicit(&p->guard, copy, memory_order_acq_rel);
    if (g != NULL)
        atomic_fetch_or(&p->gates.on, GATE_GUARD);
    else
        atomic_fetch_and(&p->gates.on, (uint8_t)~GATE_GUARD);
    if (old != NULL)
        rcu_defer(p->sw->rcu, free, (void *)(uintptr_t)old);
    return 0;
}

/* A bucket as the time at which it is full again. A queue of the port each in another worker may
 * let a few more through. */
static bool police(struct port *p, nsec_t now)
{
    const nsec_t each = NSEC_PER_SEC / GUARD_TALK_PPS;
    nsec_t full = atomic_load_explicit(&p->guard_full_at, memory_order_relaxed);
    nsec_t next = (full > now ? full : now) + each;
    if (next - now > GUARD_TALK_BURST * each)
        return false;
    atomic_store_explicit(&p->guard_full_at, next, memory_order_relaxed);
    return true;
}

void guard_admit(struct worker *w, struct port *p, struct burst *b)
{
    const struct guard *g = atomic_load_explicit(&p->guard, memory_order_acquire);
    uint16_t kept = 0;
    for (uint16_t i = 0; g != NULL && i < b->n; i++) {
        enum guard_kind kind;
        struct rte_mbuf *m = b->m[i];
        int why = guard_check(g, rte_pktmbuf_mtod(m, const void *), m->data_len, &kind);
        if (why == GUARD_PASS && kind != GUARD_DATA && (g->checks & GUARD_RATE) &&
            !police(p, w->now))
            why = DROP_GUARD_RATE;
        if (__builtin_expect(why == GUARD_PASS, 1))
            b->m[kept++] = m;
        else
            worker_drop_in(w, p, m, (enum drop_reason)why);
    }
    if (g != NULL)
        b->n = kept;
}
