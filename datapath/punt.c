/* punt.c: bounded rings to the slower threads, a policer and a bell on each. */
#include "datapath/punt.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "datapath/drop.h"

/* How much of a second's rate may come at once. */
enum { BURST_PART = 10 };

/* A token bucket as one number (the generic cell rate algorithm): when the
 * bucket would be full again. Shared by the workers, touched at punt rate. */
struct policer {
    nsec_t interval_ns; /* per packet; 0: no limit */
    nsec_t burst_ns;
    _Atomic nsec_t full_at;
};

struct queue {
    struct rte_ring *ring;
    struct policer policer;
    int fd;
    _Atomic bool armed; /* the consumer may be asleep: ring the bell */
    _Atomic bool rung;  /* the eventfd has something to read */
} __rte_cache_aligned;

struct punt {
    struct queue q[PUNT_CLASSES];
};

/* Elements of the learn ring: a learn_event in whole 32-bit words, as rte_ring_elem wants. */
_Static_assert(sizeof(struct learn_event) % 4 == 0, "a learn event is whole words");

static unsigned elem_size(enum punt_class c)
{
    return c == PUNT_LEARN ? sizeof(struct learn_event) : sizeof(void *);
}

/* A ring in our own memory: it needs no name, and no memory of DPDK's. */
static struct rte_ring *ring_create(enum punt_class c, unsigned depth)
{
    ssize_t size = rte_ring_get_memsize_elem(elem_size(c), depth);
    if (size < 0)
        return NULL;
    size_t padded = RTE_ALIGN_CEIL((size_t)size, RTE_CACHE_LINE_SIZE);
    struct rte_ring *r = aligned_alloc(RTE_CACHE_LINE_SIZE, padded);
    if (r != NULL && rte_ring_init(r, "punt", depth, RING_F_SC_DEQ) != 0) {
        free(r);
        r = NULL;
    }
    return r;
}

static bool queue_init(struct queue *q, enum punt_class c, unsigned depth, uint32_t rate_pps)
{
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    q->ring = ring_create(c, depth);
    if (rate_pps > 0) {
        q->policer.interval_ns = NSEC_PER_SEC / rate_pps > 0 ? NSEC_PER_SEC / rate_pps : 1;
        q->policer.burst_ns = NSEC_PER_SEC / BURST_PART;
        q->policer.full_at = INT64_MIN / 2;
    }
    q->armed = true;
    return q->ring != NULL && q->fd >= 0;
}

struct punt *punt_create(unsigned depth, const uint32_t rate_pps[PUNT_CLASSES])
{
    struct punt *p = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *p);
    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof *p);
    bool ok = true;
    for (int c = 0; c < PUNT_CLASSES; c++)
        ok = queue_init(&p->q[c], c, depth, rate_pps[c]) && ok;
    if (ok)
        return p;
    punt_free(p);
    return NULL;
}

static void queue_drain(struct punt *p, enum punt_class c)
{
    struct rte_mbuf *m[32];
    unsigned n;
    while (c != PUNT_LEARN && (n = punt_take(p, c, m, 32)) > 0)
        rte_pktmbuf_free_bulk(m, n);
}

void punt_free(struct punt *p)
{
    for (int c = 0; p != NULL && c < PUNT_CLASSES; c++) {
        if (p->q[c].ring != NULL)
            queue_drain(p, c);
        free(p->q[c].ring);
        if (p->q[c].fd >= 0)
            close(p->q[c].fd);
    }
    free(p);
}

/* True when one more conforms. */
static bool police(struct policer *p, nsec_t now)
{
    if (p->interval_ns == 0)
        return true;
    nsec_t full_at = atomic_load_explicit(&p->full_at, memory_order_relaxed);
    for (;;) {
        nsec_t from = full_at > now ? full_at : now;
        if (from - now >= p->burst_ns)
            return false;
        if (atomic_compare_exchange_weak_explicit(&p->full_at, &full_at, from + p->interval_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

bool punt_packet(struct punt *p, enum punt_class c, struct rte_mbuf *m, nsec_t now, int *why)
{
    weft_assert(c != PUNT_LEARN);
    struct queue *q = &p->q[c];
    if (rte_ring_full(q->ring)) {
        *why = DROP_PUNT_FULL;
        return false;
    }
    if (!police(&q->policer, now)) {
        *why = DROP_PUNT_POLICED;
        return false;
    }
    *why = DROP_PUNT_FULL;
    return rte_ring_mp_enqueue(q->ring, m) == 0;
}

bool punt_learn(struct punt *p, const struct learn_event *e, nsec_t now)
{
    struct queue *q = &p->q[PUNT_LEARN];
    if (rte_ring_full(q->ring) || !police(&q->policer, now))
        return false;
    struct learn_event copy = *e;
    return rte_ring_mp_enqueue_elem(q->ring, &copy, sizeof copy) == 0;
}

/* Against punt_arm: we put in and then look at `armed`, it sets `armed` and then
 * looks into the ring; with the two fences one of us sees the other. */
static void ring_bell(struct queue *q)
{
    if (rte_ring_empty(q->ring))
        return;
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&q->armed, memory_order_relaxed) ||
        !atomic_exchange(&q->armed, false))
        return;
    (void)!write(q->fd, &(uint64_t){1}, sizeof(uint64_t));
    atomic_store(&q->rung, true); /* after the write: or a consumer would read nothing yet */
}

void punt_wake(struct punt *p)
{
    for (int c = 0; c < PUNT_CLASSES; c++)
        ring_bell(&p->q[c]);
}

unsigned punt_take(struct punt *p, enum punt_class c, struct rte_mbuf **m, unsigned max)
{
    weft_assert(c != PUNT_LEARN);
    return rte_ring_sc_dequeue_burst(p->q[c].ring, (void **)m, max, NULL);
}

unsigned punt_take_learn(struct punt *p, struct learn_event *e, unsigned max)
{
    return rte_ring_sc_dequeue_burst_elem(p->q[PUNT_LEARN].ring, e, sizeof *e, max, NULL);
}

int punt_fd(struct punt *p, enum punt_class c) { return p->q[c].fd; }

bool punt_arm(struct punt *p, enum punt_class c)
{
    struct queue *q = &p->q[c];
    uint64_t n;
    if (atomic_exchange(&q->rung, false))
        (void)!read(q->fd, &n, sizeof n);
    atomic_store_explicit(&q->armed, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return !rte_ring_empty(q->ring);
}

unsigned punt_depth(const struct punt *p, enum punt_class c)
{
    return rte_ring_count(p->q[c].ring);
}
