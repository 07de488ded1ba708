/* port_router.c: an interface of a virtual router as a port of a bridge.
 *
 * Its rx is what the router itself says (ARP, ICMP, VRRP): a ring that any thread fills. What it
 * forwards comes in without a detour, from stage_route(). */
#include <errno.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "datapath/port_util.h"
#include "datapath/router.h"
#include "datapath/switch.h"

/* What becoming Active announces at once, and more. */
enum { SLOTS = 1024 };

struct router_port {
    struct rte_ring *rx;
    int bell; /* readable when a frame came while the reader slept */
    _Atomic bool asleep;
};

static void free_all(struct router_port *q)
{
    void *m;
    while (q->rx != NULL && rte_ring_dequeue(q->rx, &m) == 0)
        rte_pktmbuf_free(m);
    free(q->rx);
    if (q->bell >= 0)
        close(q->bell);
    free(q);
}

static struct rte_ring *ring_new(void)
{
    ssize_t size = rte_ring_get_memsize(SLOTS);
    struct rte_ring *r = size < 0 ? NULL : aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size);
    if (r != NULL && rte_ring_init(r, "router", SLOTS, RING_F_SC_DEQ) != 0) {
        free(r);
        r = NULL;
    }
    return r;
}

static int router_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct router_port *q = calloc(1, sizeof *q);
    if (q == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    q->rx = ring_new();
    q->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "router") : o->mac;
    p->router = q->rx != NULL && q->bell >= 0 ? router_if_new(p->sw, p) : NULL;
    if (p->router == NULL) {
        free_all(q);
        return errbuf_set(e, ENOMEM,
                          "port %s: out of memory or file descriptors, or there are %d "
                          "interfaces of routers",
                          o->name, ROUTER_IFS_MAX);
    }
    p->impl = q;
    /* What a guest left to be done is done where the packet leaves. */
    p->caps = PORT_CAP_MULTISEG | PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO;
    return 0;
}

static void router_close(struct port *p)
{
    router_if_free(p->router);
    p->router = NULL;
    free_all(p->impl);
}

bool router_port_send(struct port *p, struct rte_mbuf *m)
{
    struct router_port *q = p->impl;
    if (rte_ring_enqueue(q->rx, m) != 0) {
        rte_pktmbuf_free(m);
        return false;
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&q->asleep, memory_order_relaxed) &&
        atomic_exchange(&q->asleep, false))
        (void)!write(q->bell, &(uint64_t){1}, sizeof(uint64_t));
    return true;
}

enum { DRAIN_MS = 20 };

void router_port_drain(struct port *p)
{
    const struct router_port *q = p->impl;
    for (unsigned i = 0; i < DRAIN_MS && rte_ring_count(q->rx) > 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = NSEC_PER_MSEC}, NULL);
    rcu_wait(p->sw->rcu); /* and what it took has left its buffers */
}

static uint16_t router_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct router_port *q = p->impl;
    (void)queue;
    return (uint16_t)rte_ring_dequeue_burst(q->rx, (void **)m, n, NULL);
}

static int rx_fd(struct port *p) { return ((struct router_port *)p->impl)->bell; }

static bool rx_arm(struct port *p)
{
    struct router_port *q = p->impl;
    atomic_store_explicit(&q->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return !rte_ring_empty(q->rx);
}

static void rx_disarm(struct port *p)
{
    struct router_port *q = p->impl;
    uint64_t v;
    atomic_store_explicit(&q->asleep, false, memory_order_relaxed);
    (void)!read(q->bell, &v, sizeof v);
}

static int set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

const struct port_ops port_router_ops = {
    .type = "router",
    .open = router_open,
    .close = router_close,
    .rx_burst = router_rx,
    .tx_burst = router_tx,
    .rx_fd = rx_fd,
    .rx_arm = rx_arm,
    .rx_disarm = rx_disarm,
    .set_mtu = set_mtu,
};
