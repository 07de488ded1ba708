/* drop.c: names, counters and samples of what ends here. */
#include "datapath/drop.h"

#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/switch.h"
#include "datapath/worker.h"

static const char *const names[DROP_COUNT] = {
#define X(id, name, text) [DROP_##id] = name,
    DROP_REASONS(X)
#undef X
};

static const char *const texts[DROP_COUNT] = {
#define X(id, name, text) [DROP_##id] = text,
    DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason r) { return r < DROP_COUNT ? names[r] : "unknown"; }
const char *drop_text(enum drop_reason r) { return r < DROP_COUNT ? texts[r] : "unknown"; }

/* ------------------------------------------------------------ samples */

/* A burst of SAMPLES in a window, then none until the window is over: some 1000 a second. */
enum { SAMPLES = 4 };
#define WINDOW_NS (4 * NSEC_PER_MSEC)

/* seq is odd while the worker writes, and grows: readers in control copy and look again. */
struct sample_slot {
    _Atomic uint32_t seq;
    struct drop_sample sample;
};

struct sample_reason {
    uint32_t next;
    uint32_t in_window;
    nsec_t window_ns;
    struct sample_slot slot[SAMPLES];
};

struct drop_ring {
    struct sample_reason reason[DROP_COUNT];
};

struct drop_ring *drop_ring_create(void) { return calloc(1, sizeof(struct drop_ring)); }
void drop_ring_free(struct drop_ring *d) { free(d); }

static void sample_write(struct drop_sample *s, const struct port *p, const struct rte_mbuf *m,
                         nsec_t now)
{
    uint32_t len = rte_pktmbuf_pkt_len(m);
    s->when = now;
    s->len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
    s->snap_len = (uint16_t)(len < sizeof s->snap ? len : sizeof s->snap);
    const void *data = rte_pktmbuf_read(m, 0, s->snap_len, s->snap);
    if (data != NULL && data != s->snap)
        memcpy(s->snap, data, s->snap_len);
    memcpy(s->port, p != NULL ? p->name : (const char[WEFT_NAME_MAX]){""}, sizeof s->port);
}

static void sample_take(struct worker *w, const struct port *p, const struct rte_mbuf *m,
                        enum drop_reason r)
{
    struct sample_reason *q = &w->samples->reason[r];
    if (w->now - q->window_ns >= WINDOW_NS) {
        q->window_ns = w->now;
        q->in_window = 0;
    }
    if (q->in_window++ >= SAMPLES)
        return;
    struct sample_slot *s = &q->slot[q->next++ % SAMPLES];
    uint32_t seq = atomic_load_explicit(&s->seq, memory_order_relaxed);
    atomic_store_explicit(&s->seq, seq + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    sample_write(&s->sample, p, m, w->now);
    atomic_store_explicit(&s->seq, seq + 2, memory_order_release);
}

/* False: never written, or the worker is writing just now. */
static bool sample_read(const struct sample_slot *s, struct drop_sample *out)
{
    uint32_t before = atomic_load_explicit(&s->seq, memory_order_acquire);
    if (before == 0 || before % 2 != 0)
        return false;
    memcpy(out, &s->sample, sizeof *out);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&s->seq, memory_order_relaxed) == before;
}

static int newest_first(const void *a, const void *b)
{
    nsec_t x = ((const struct drop_sample *)a)->when, y = ((const struct drop_sample *)b)->when;
    return x < y ? 1 : x > y ? -1 : 0;
}

unsigned switch_drop_samples(const struct weft_switch *sw, enum drop_reason r,
                             struct drop_sample *out, unsigned max)
{
    struct drop_sample all[(WEFT_WORKERS_MAX + 1) * SAMPLES];
    unsigned n = 0;
    for (unsigned w = 0; w <= sw->n_workers; w++) {
        const struct sample_reason *q = &sw->workers[w]->samples->reason[r];
        for (unsigned i = 1; i <= SAMPLES; i++) /* newest first within a worker already */
            n += sample_read(&q->slot[(q->next - i) % SAMPLES], &all[n]);
    }
    qsort(all, n, sizeof *all, newest_first);
    n = n < max ? n : max;
    memcpy(out, all, n * sizeof *out);
    return n;
}

/* ------------------------------------------------------------ counting */

static void account(struct worker *w, const struct port *p, const struct rte_mbuf *m,
                    enum drop_reason r)
{
    if (worker_is_dry(w)) {
        if (m != NULL)
            w->trace->drop(w->trace->ctx, m, r);
        return;
    }
    w->drops[r]++;
    if (p != NULL)
        w->port_drops[p->index][r]++;
    if (m == NULL)
        return;
    sample_take(w, p, m, r);
    if (w->trace != NULL && w->trace->drop != NULL)
        w->trace->drop(w->trace->ctx, m, r);
}

void worker_drop(struct worker *w, struct rte_mbuf *m, enum drop_reason r)
{
    account(w, pkt_of(m)->in_port, m, r);
    rte_pktmbuf_free(m);
}

/* The device's fault, or the frame's; the rest is ours and counts as dropped. */
static bool is_error(enum drop_reason r)
{
    return r == DROP_RX_TRUNCATED || r == DROP_RX_TOO_LONG || r == DROP_RX_BAD_OFFLOAD ||
           r == DROP_TX_ERROR || r == DROP_TX_OFFLOAD;
}

void worker_drop_at(struct worker *w, const struct port *p, struct rte_mbuf *m, enum drop_reason r)
{
    struct port_stats *s = &p->stats[w->index];
    account(w, p, m, r);
    if (is_error(r))
        s->tx_errors++;
    else
        s->tx_dropped++;
    rte_pktmbuf_free(m);
}

void worker_drop_in(struct worker *w, const struct port *p, struct rte_mbuf *m, enum drop_reason r)
{
    struct port_stats *s = &p->stats[w->index];
    account(w, p, m, r);
    if (is_error(r))
        s->rx_errors++;
    else
        s->rx_dropped++;
    rte_pktmbuf_free(m);
}

void port_rx_drop(struct port *p, struct rte_mbuf *m, enum drop_reason r)
{
    worker_drop_in(worker_mine(p->sw), p, m, r);
}

void port_tx_drop(struct port *p, struct rte_mbuf *m, enum drop_reason r)
{
    struct worker *w = worker_mine(p->sw);
    w->tx_refused++;
    w->tx_refused_bytes += m != NULL ? rte_pktmbuf_pkt_len(m) : 0;
    worker_drop_at(w, p, m, r);
}

uint64_t switch_drops(const struct weft_switch *sw, enum drop_reason r)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w <= sw->n_workers; w++)
        sum += *(volatile const uint64_t *)&sw->workers[w]->drops[r];
    return sum;
}

uint64_t port_drops(const struct port *p, enum drop_reason r)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w <= p->sw->n_workers; w++)
        sum += *(volatile const uint64_t *)&p->sw->workers[w]->port_drops[p->index][r];
    return sum;
}
