/* trace.c: a dry run. */
#include "datapath/trace.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/bridge.h"
#include "datapath/pipeline.h"
#include "datapath/port.h"
#include "datapath/router.h"
#include "datapath/tx.h"

/* ------------------------------------------------------------ counters, to be put back */

struct counters {
    unsigned n_chunks;
    struct flow_stats *flows;   /* [n_chunks][STATS_CHUNK] */
    struct port_stats *ports;   /* [WEFT_PORTS_MAX] */
    struct table_stats *tables; /* [WEFT_BRIDGES_MAX][WEFT_TABLES] */
};

static void counters_free(struct counters *c)
{
    free(c->flows);
    free(c->ports);
    free(c->tables);
}

static void copy(void *a, void *b, size_t n, bool back)
{
    if (back)
        memcpy(a, b, n);
    else
        memcpy(b, a, n);
}

static void counters_move(struct counters *c, struct weft_switch *sw, unsigned w, bool back)
{
    for (unsigned i = 0; i < c->n_chunks; i++)
        copy(sw->flow_stats.chunks[w][i], c->flows + (size_t)i * STATS_CHUNK,
             STATS_CHUNK * sizeof *c->flows, back);
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++) {
        struct port *p = atomic_load_explicit(&sw->ports[i], memory_order_acquire);
        if (p != NULL)
            copy(&p->stats[w], &c->ports[i], sizeof c->ports[i], back);
    }
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++) {
        if (sw->bridges[i] != NULL)
            copy(sw->bridges[i]->table_stats[w], c->tables + (size_t)i * WEFT_TABLES,
                 WEFT_TABLES * sizeof *c->tables, back);
    }
}

static int counters_make(struct counters *c, const struct weft_switch *sw)
{
    c->n_chunks = (sw->flow_stats.n_ids + STATS_CHUNK - 1) / STATS_CHUNK;
    c->flows = malloc((c->n_chunks * (size_t)STATS_CHUNK + 1) * sizeof *c->flows);
    c->ports = malloc(WEFT_PORTS_MAX * sizeof *c->ports);
    c->tables = malloc((size_t)WEFT_BRIDGES_MAX * WEFT_TABLES * sizeof *c->tables);
    return c->flows != NULL && c->ports != NULL && c->tables != NULL ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------ what would leave */

typedef void sent_fn(void *ctx, const struct rte_mbuf *m, const struct port *p);

static void drain(struct worker *w, sent_fn *sent)
{
    for (uint16_t i = 0; i < w->n_dirty; i++) { /* tunnels and routers put more behind */
        struct tx_buffer *b = w->tx[w->tx_dirty[i]];
        struct port *p = b->port;
        if (b->n > 0 && (p->tunnel != NULL || p->router != NULL))
            tx_flush(w, b);
        for (uint16_t k = 0; k < b->n; k++) {
            sent(w->trace->ctx, b->m[k], p);
            rte_pktmbuf_free(b->m[k]);
        }
        b->n = 0;
        b->port = NULL;
    }
    w->n_dirty = 0;
}

static void drain_all(struct worker *w, sent_fn *sent)
{
    drain(w, sent);
    while (w->n_routed > 0) {
        stage_route(w);
        drain(w, sent);
    }
}

int trace_run(struct weft_switch *sw, struct port *in, struct rte_mbuf *m,
              const struct flow_key *as, struct trace_hook *hook, sent_fn *sent, nsec_t now,
              struct errbuf *e)
{
    struct counters c = {0};
    if (counters_make(&c, sw) != 0) {
        counters_free(&c);
        rte_pktmbuf_free(m);
        return errbuf_set(e, ENOMEM, "trace: out of memory");
    }
    struct worker *w = worker_borrow(sw, now);
    worker_flush(w);
    counters_move(&c, sw, w->index, false);
    hook->dry = true;
    w->trace = hook;
    pipeline_run_as(w, in, m, as);
    drain_all(w, sent);
    w->trace = NULL;
    counters_move(&c, sw, w->index, true);
    worker_return(w);
    counters_free(&c);
    return 0;
}
