/* tests/unit/fake_datapath.h: stages and a port kind for tests of the switch's frame.
 *
 * The stages here are a plain learning switch without VLANs; the "fake" port kind is
 * two queues that the test fills and reads. So the switch, workers, bridges
 * and ports are tested without the rest of the fast path.
 */
#ifndef WEFT_TESTS_UNIT_FAKE_DATAPATH_H
#define WEFT_TESTS_UNIT_FAKE_DATAPATH_H

#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "datapath/offload.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"

/* ------------------------------------------------------------ a port of two queues */

struct fake_port {
    pthread_mutex_t lock; /* test thread and worker */
    struct rte_mbuf *in[256];
    unsigned n_in;
    uint64_t out_count;    /* frames sent; freed at once */
    uint8_t last_out[64];  /* the head of the last one */
    unsigned refuse_after; /* tx_burst takes so many per call; 0: all */
    unsigned free_as_bad;  /* so many frames are refused for good */
    int fd;                /* eventfd; -1: can't signal */
    bool sticky_fd;        /* always readable: a broken device */
    bool arm_lies;
};

static struct fake_port *fake_of(struct port *p) { return p->impl; }

static int fake_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    if (o->devargs != NULL && strcmp(o->devargs, "fail") == 0)
        return errbuf_set(e, ENODEV, "port %s: told to fail", p->name);
    struct fake_port *f = calloc(1, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    f->fd = o->devargs != NULL && strcmp(o->devargs, "mute") == 0 ? -1 : eventfd(0, EFD_NONBLOCK);
    p->impl = f;
    p->caps = PORT_CAP_MULTISEG;
    return 0;
}

static void fake_close(struct port *p)
{
    struct fake_port *f = fake_of(p);
    rte_pktmbuf_free_bulk(f->in, f->n_in);
    if (f->fd >= 0)
        close(f->fd);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static uint16_t fake_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct fake_port *f = fake_of(p);
    pthread_mutex_lock(&f->lock);
    unsigned k = f->n_in < n ? f->n_in : n;
    memcpy(m, f->in, k * sizeof *m);
    memmove(f->in, f->in + k, (f->n_in - k) * sizeof *m);
    f->n_in -= k;
    uint64_t bell;
    if (f->n_in == 0 && f->fd >= 0 && !f->sticky_fd)
        (void)!read(f->fd, &bell, sizeof bell);
    pthread_mutex_unlock(&f->lock);
    return (uint16_t)k;
}

static uint16_t fake_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct fake_port *f = fake_of(p);
    pthread_mutex_lock(&f->lock);
    unsigned k = f->refuse_after != 0 && f->refuse_after < n ? f->refuse_after : n;
    for (unsigned i = 0; i < k; i++) {
        if (f->free_as_bad > 0) {
            f->free_as_bad--;
            port_tx_drop(p, m[i], DROP_TX_ERROR);
            continue;
        }
        unsigned len = m[i]->data_len < 64 ? m[i]->data_len : 64;
        memcpy(f->last_out, rte_pktmbuf_mtod(m[i], void *), len);
        f->out_count++;
        rte_pktmbuf_free(m[i]);
    }
    pthread_mutex_unlock(&f->lock);
    return (uint16_t)k;
}

static int fake_rx_fd(struct port *p) { return fake_of(p)->fd; }

static int fake_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static const struct port_ops fake_ops = {
    .type = "fake",
    .open = fake_open,
    .close = fake_close,
    .rx_burst = fake_rx,
    .tx_burst = fake_tx,
    .rx_fd = fake_rx_fd,
    .set_mtu = fake_set_mtu,
};

const struct port_ops *port_ops_find(const char *type)
{
    return strcmp(type, "fake") == 0 ? &fake_ops : NULL;
}
const char *port_types(void) { return "fake"; }

/* A frame of len bytes from src to dst arrives at p. */
static void fake_arrive(struct port *p, uint64_t dst, uint64_t src, uint16_t len)
{
    struct fake_port *f = fake_of(p);
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    weft_assert(m != NULL);
    uint8_t *d = (uint8_t *)rte_pktmbuf_append(m, len);
    weft_assert(d != NULL);
    struct mac dmac = mac_from_u64(dst), smac = mac_from_u64(src);
    memset(d, 0, len);
    memcpy(d, dmac.b, len < 6 ? len : 6);
    if (len >= 14) {
        memcpy(d + 6, smac.b, 6);
        d[12] = 0x08;
    }
    pthread_mutex_lock(&f->lock);
    weft_assert(f->n_in < 256);
    f->in[f->n_in++] = m;
    if (f->fd >= 0)
        (void)!write(f->fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_mutex_unlock(&f->lock);
}

static uint64_t fake_sent(struct port *p)
{
    struct fake_port *f = fake_of(p);
    pthread_mutex_lock(&f->lock);
    uint64_t n = f->out_count;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* ------------------------------------------------------------ stages: a learning switch */

void parse(struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m);
    memcpy(&k->key.eth_dst, rte_pktmbuf_mtod(m, uint8_t *), 6);
    memcpy(&k->key.eth_src, rte_pktmbuf_mtod(m, uint8_t *) + 6, 6);
}

void parse_l2(struct rte_mbuf *m) { parse(m); }

void stage_parse(struct worker *w, enum pkt_depth depth, struct burst *b)
{
    (void)w, (void)depth;
    for (uint16_t i = 0; i < b->n; i++) {
        if (b->m[i]->pkt_len >= 14)
            parse(b->m[i]);
    }
}

void stage_classify(struct worker *w, const struct program *prog, struct burst *b)
{
    (void)w, (void)b;
    weft_assert(prog != NULL);
}

static void fake_flood(struct worker *w, struct rte_mbuf *m)
{
    const struct bridge_ports *bp = pkt_of(m)->bridge->ports;
    for (uint16_t i = 0; i < bp->n; i++) {
        struct rte_mbuf *c = rte_pktmbuf_copy(m, w->sw->pool, 0, UINT32_MAX);
        if (c == NULL)
            break;
        *pkt_of(c) = *pkt_of(m);
        if (bp->list[i] == pkt_of(m)->in_port)
            rte_pktmbuf_free(c);
        else
            worker_tx(w, bp->list[i], c);
    }
    worker_drop(w, m, DROP_PUNTED);
}

static void fake_normal(struct worker *w, struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m);
    struct fdb *f = k->bridge->fdb;
    if (k->in_port != NULL && !fdb_seen(f, 0, k->key.eth_src, k->in_port->index, w->now))
        worker_learn(w, k->bridge, 0, k->key.eth_src, k->in_port);
    uint16_t to = fdb_lookup(f, 0, k->key.eth_dst);
    struct port *p = to != FDB_NO_PORT ? w->sw->ports[to] : NULL;
    if (p != NULL && p->bridge == k->bridge)
        worker_tx(w, p, m);
    else
        fake_flood(w, m);
}

void stage_act(struct worker *w, const struct program *prog, struct burst *b)
{
    (void)prog;
    for (uint16_t i = 0; i < b->n; i++)
        fake_normal(w, b->m[i]);
    b->n = 0;
}

void act_ops(struct worker *w, struct rte_mbuf *m, const struct op_list *ops)
{
    weft_assert(ops->n == 1 && ops->ops[0].code == OP_OUTPUT);
    const struct bridge_ports *bp = pkt_of(m)->bridge->ports;
    worker_tx(w, bp->by_no[ops->ops[0].port], m);
}

bool offload_needs_software(const struct rte_mbuf *m, uint32_t caps)
{
    (void)caps;
    return (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
}

/* Segmentation is refused here. */
uint16_t offload_resolve(struct rte_mbuf *m, uint32_t caps, struct rte_mempool *pool,
                         struct rte_mbuf **out, uint16_t max)
{
    (void)m, (void)caps, (void)pool, (void)out, (void)max;
    return 0;
}

/* ------------------------------------------------------------ setting up */

/* EAL ties its caller to a CPU, and the workers would inherit that: undone. */
static int fake_eal(void **state)
{
    (void)state;
    char *argv[] =
        {"test",          "--no-huge", "-m", "128", "--no-pci", "--no-shconf", "--log-level=error",
         "--no-telemetry"};
    cpu_set_t cpus;
    pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus);
    int r = rte_eal_init(sizeof argv / sizeof *argv, argv);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    return r < 0;
}

static struct weft_switch *fake_switch(bool stepped)
{
    struct errbuf e = {""};
    struct weft_switch *sw = NULL;
    struct switch_options o = {.mbufs = 1024, .stepped = stepped, .hash_seed = 7};
    if (switch_create(&o, &sw, &e) != 0)
        fprintf(stderr, "%s\n", e.text);
    weft_assert(sw != NULL);
    return sw;
}

static struct bridge *fake_bridge(struct weft_switch *sw, const char *name)
{
    struct bridge *b = NULL;
    weft_assert(bridge_create(sw, &(struct bridge_options){.name = name}, &b, NULL) == 0);
    return b;
}

static struct port *fake_port_in(struct bridge *b, const char *name, const char *devargs)
{
    struct port *p = NULL;
    struct port_options o = {.name = name, .type = "fake", .devargs = devargs};
    weft_assert(port_create(b->sw, &o, &p, NULL) == 0);
    weft_assert(bridge_attach(b, p, 0, NULL) == 0);
    return p;
}

#endif
