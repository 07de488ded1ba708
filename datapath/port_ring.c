/* port_ring.c: see port_ring.h. */
#include "datapath/port_ring.h"

#include <errno.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/port_util.h"

enum { RING_SLOTS = 1024 };

struct ring_port {
    struct rte_ring *rx;  /* to us */
    struct rte_ring *out; /* from us, while unconnected */
    struct port *far;     /* NULL: unconnected */
    int bell;             /* readable when a frame came while the reader slept */
    _Atomic bool asleep;
    _Atomic bool link;
};

static struct rte_ring *ring_new(void)
{
    ssize_t size = rte_ring_get_memsize(RING_SLOTS);
    struct rte_ring *r = size < 0 ? NULL : aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size);
    if (r != NULL && rte_ring_init(r, "weft", RING_SLOTS, 0) != 0) {
        free(r);
        r = NULL;
    }
    return r;
}

static void ring_drop(struct rte_ring *r)
{
    void *m;
    while (r != NULL && rte_ring_dequeue(r, &m) == 0)
        rte_pktmbuf_free(m);
}

static void ring_free(struct ring_port *q)
{
    ring_drop(q->rx);
    ring_drop(q->out);
    free(q->rx);
    free(q->out);
    if (q->bell >= 0)
        close(q->bell);
    free(q);
}

static int ring_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct ring_port *q = calloc(1, sizeof *q);
    if (q == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    q->rx = ring_new();
    q->out = ring_new();
    q->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    q->link = true;
    if (q->rx == NULL || q->out == NULL || q->bell < 0) {
        ring_free(q);
        return errbuf_set(e, ENOMEM, "port %s: out of memory or file descriptors", o->name);
    }
    p->impl = q;
    p->caps = PORT_CAP_MULTISEG;
    if (!o->offloads_off)
        p->caps |= PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO;
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "ring") : o->mac;
    return 0;
}

static void ring_close(struct port *p)
{
    port_ring_disconnect(p);
    ring_free(p->impl);
    p->impl = NULL;
}

static void ring_bell(struct ring_port *q)
{
    if (!atomic_load_explicit(&q->asleep, memory_order_seq_cst))
        return;
    uint64_t one = 1;
    if (write(q->bell, &one, sizeof one) < 0)
        return; /* it rings already */
}

static uint16_t ring_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct ring_port *q = p->impl;
    (void)queue;
    uint16_t got = (uint16_t)rte_ring_dequeue_burst(q->rx, (void **)m, n, NULL);
    uint16_t k = 0;
    for (uint16_t i = 0; i < got; i++) {
        if (port_rx_whole(p, m[i]))
            m[k++] = m[i];
    }
    return k;
}

static uint16_t ring_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct ring_port *q = p->impl;
    (void)queue;
    if (q->far == NULL)
        return (uint16_t)rte_ring_enqueue_burst(q->out, (void **)m, n, NULL);
    struct ring_port *far = q->far->impl;
    uint16_t k = (uint16_t)rte_ring_enqueue_burst(far->rx, (void **)m, n, NULL);
    if (k > 0)
        ring_bell(far);
    return k;
}

static int ring_rx_fd(struct port *p) { return ((struct ring_port *)p->impl)->bell; }

static bool ring_arm(struct port *p)
{
    struct ring_port *q = p->impl;
    atomic_store_explicit(&q->asleep, true, memory_order_seq_cst);
    return rte_ring_count(q->rx) > 0;
}

static void ring_disarm(struct port *p)
{
    struct ring_port *q = p->impl;
    uint64_t v;
    atomic_store_explicit(&q->asleep, false, memory_order_seq_cst);
    if (read(q->bell, &v, sizeof v) < 0)
        return; /* it had not rung */
}

static int ring_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static int ring_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    (void)p, (void)mac, (void)e;
    return 0;
}

static int ring_set_admin(struct port *p, bool up, struct errbuf *e)
{
    (void)e;
    port_ring_set_link(p, up);
    return 0;
}

static struct port_link ring_link(struct port *p)
{
    struct ring_port *q = p->impl;
    bool up = q->link && (q->far == NULL || ((struct ring_port *)q->far->impl)->link);
    return (struct port_link){.up = up, .speed_mbps = 10000, .full_duplex = true};
}

const struct port_ops port_ring_ops = {
    .type = "ring",
    .open = ring_open,
    .close = ring_close,
    .rx_burst = ring_rx,
    .tx_burst = ring_tx,
    .rx_fd = ring_rx_fd,
    .rx_arm = ring_arm,
    .rx_disarm = ring_disarm,
    .set_mtu = ring_set_mtu,
    .set_mac = ring_set_mac,
    .set_admin = ring_set_admin,
    .link = ring_link,
};

/* ------------------------------------------------------------ by hand */

int port_ring_connect(struct port *a, struct port *b)
{
    struct ring_port *qa = a->impl, *qb = b->impl;
    if (qa->far != NULL || qb->far != NULL)
        return -EBUSY;
    qa->far = b;
    qb->far = a;
    return 0;
}

void port_ring_disconnect(struct port *p)
{
    struct ring_port *q = p->impl;
    if (q->far == NULL)
        return;
    struct ring_port *far = q->far->impl;
    q->far = NULL;
    far->far = NULL;
    ring_drop(q->rx);
    if (far != q)
        ring_drop(far->rx);
}

void port_ring_set_link(struct port *p, bool up)
{
    atomic_store(&((struct ring_port *)p->impl)->link, up);
}

int port_ring_inject_mbuf(struct port *p, struct rte_mbuf *m)
{
    struct ring_port *q = p->impl;
    if (rte_ring_enqueue(q->rx, m) != 0)
        return -ENOSPC;
    ring_bell(q);
    return 0;
}

int port_ring_inject(struct port *p, const void *frame, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    if (m == NULL || len > WEFT_FRAME_MAX ||
        port_frame_append(m, frame, (uint32_t)len, p->pool) != 0) {
        rte_pktmbuf_free(m);
        return -ENOMEM;
    }
    int r = port_ring_inject_mbuf(p, m);
    if (r != 0)
        rte_pktmbuf_free(m);
    return r;
}

struct rte_mbuf *port_ring_take_mbuf(struct port *p)
{
    struct ring_port *q = p->impl;
    void *m;
    return rte_ring_dequeue(q->out, &m) == 0 ? m : NULL;
}

int port_ring_take(struct port *p, void *frame, size_t cap)
{
    struct rte_mbuf *m = port_ring_take_mbuf(p);
    if (m == NULL)
        return -EAGAIN;
    uint32_t len = rte_pktmbuf_pkt_len(m), n = (uint32_t)RTE_MIN((size_t)len, cap);
    const void *at = rte_pktmbuf_read(m, 0, n, frame);
    if (at != NULL && at != frame)
        memcpy(frame, at, n);
    rte_pktmbuf_free(m);
    return (int)len;
}
