/* weftgen.c: net_weftgen, a DPDK driver that is a traffic generator and a sink.
 *
 *     -d weftgen.so --vdev net_weftgen0,page=/dev/shm/x,port=0
 *
 * A switch under test runs it inside itself, so that weft, Open vSwitch and testpmd are measured by
 * one instrument: rx copies the next frames from a private array into fresh mbufs (no mbuf is kept,
 * so a million flows cost 64 MB and no pool), tx counts and frees. page.h is how the runner steers
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_kvargs.h>

#include "tests/bench/plugin/page.h"

enum { RING = 1024, META = 4, SAMPLE = 32 };

struct rxq {
    struct page_port *page;
    struct rte_mempool *mp;
    const uint8_t *frames;
    uint64_t pos, count;
    uint32_t stride, fresh_offset;
    uint16_t pass; /* over the frames */
    uint16_t port;
    uint64_t began; /* TSC at the start */
    uint64_t given; /* since the start, missed ones included */
    uint8_t *map;   /* what frames points into */
    size_t map_len;
    double frames_per_tick, ticks_per_frame;
};

struct txq {
    struct page_port *page;
    struct page_tx *count;
    double ns_per_tick;
};

struct gen {
    struct page *page;
    unsigned number;
    struct rxq rxq;
    struct txq txq[PAGE_TXQ];
};

/* ------------------------------------------------------------ loading */

static int load_from(struct rxq *q, int fd, size_t len)
{
    struct frames_header h;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h.magic, "WEFTGEN1", 8) != 0)
        return EBADMSG;
    if (h.count == 0 || h.stride < 64 || h.stride % 64 != 0 || h.fresh_offset + 2 > h.stride ||
        h.count > (len - sizeof h) / h.stride)
        return EBADMSG;
    size_t bytes = h.count * h.stride, room = RTE_ALIGN(bytes, (size_t)2 << 20);
    uint8_t *map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return ENOMEM;
    (void)madvise(map, room, MADV_HUGEPAGE);
    for (size_t at = 0; at < bytes;) {
        ssize_t got = pread(fd, map + at, bytes - at, (off_t)(sizeof h + at));
        if (got <= 0) {
            munmap(map, room);
            return EIO;
        }
        at += (size_t)got;
    }
    if (q->map != NULL)
        munmap(q->map, q->map_len);
    q->map = map;
    q->map_len = room;
    q->frames = map;
    q->count = h.count;
    q->stride = h.stride;
    q->fresh_offset = h.fresh_offset;
    q->pos = 0;
    q->pass = 0;
    return 0;
}

static int load(struct rxq *q)
{
    struct stat st;
    int fd = open(q->page->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int r = fstat(fd, &st) == 0 ? load_from(q, fd, (size_t)st.st_size) : errno;
    close(fd);
    return r;
}

/* Nothing is asked of this port; perhaps something new to prepare for. */
static uint16_t idle(struct rxq *q)
{
    struct page_orders *o = &q->page->orders;
    struct page_rx *rx = &q->page->rx;
    uint32_t wanted = __atomic_load_n(&o->load, __ATOMIC_ACQUIRE);
    rx->tid = (uint32_t)syscall(SYS_gettid);
    if (wanted != rx->loaded) {
        rx->error = load(q);
        rx->frames = q->count;
        __atomic_store_n(&rx->loaded, wanted, __ATOMIC_RELEASE);
    }
    return 0;
}

/* ------------------------------------------------------------ receive */

/* The run has begun: what it counts from. */
static void begin(struct rxq *q, uint32_t number)
{
    const struct page_orders *o = &q->page->orders;
    q->began = rte_rdtsc();
    q->given = 0;
    q->pos = 0;
    q->frames_per_tick = (double)o->rate / (double)rte_get_tsc_hz();
    q->ticks_per_frame = o->rate ? (double)rte_get_tsc_hz() / (double)o->rate : 0;
    __atomic_store_n(&q->page->rx.started, number, __ATOMIC_RELEASE);
}

/* How many of n frames are due. What waits beyond a NIC's ring is lost, as in a NIC. */
static uint16_t allowance(struct rxq *q, uint16_t n)
{
    const struct page_orders *o = &q->page->orders;
    if (o->limit != 0)
        n = (uint16_t)RTE_MIN(o->limit - RTE_MIN(q->given, o->limit), (uint64_t)n);
    if (o->rate == 0)
        return n;
    uint64_t due = (uint64_t)((double)(rte_rdtsc() - q->began) * q->frames_per_tick);
    uint64_t waiting = due - RTE_MIN(q->given, due);
    if (waiting > RING && (o->flags & PAGE_PATIENT) == 0) {
        q->page->rx.missed += waiting - RING;
        q->given += waiting - RING;
        waiting = RING;
    }
    return (uint16_t)RTE_MIN(waiting, (uint64_t)n);
}

/* Adds one a pass to a 16-bit field (the source port, say), so that no two passes share a flow. */
static void freshen(const struct rxq *q, uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at + q->fresh_offset, sizeof v);
    v = (uint16_t)(v + q->pass);
    memcpy(at + q->fresh_offset, &v, sizeof v);
}

/* One frame of SAMPLE gets its due time in its last 8 bytes (zero in the others, as the file has
 * them): the time waited in the ring counts. */
static void stamp(const struct rxq *q, uint8_t *at, uint16_t len, uint64_t nth)
{
    if (nth % SAMPLE != 0)
        return;
    uint64_t t = q->ticks_per_frame > 0 ? q->began + (uint64_t)((double)nth * q->ticks_per_frame)
                                        : rte_rdtsc();
    memcpy(at + len - sizeof t, &t, sizeof t);
}

static void fill_special(const struct rxq *q, struct rte_mbuf *m, uint32_t flags, uint64_t nth)
{
    uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
    if (flags & PAGE_FRESH)
        freshen(q, at);
    if (flags & PAGE_LATENCY)
        stamp(q, at, m->data_len, nth);
}

static inline uint32_t fill(const struct rxq *q, struct rte_mbuf *m, const uint8_t *r)
{
    uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
    uint16_t len;
    memcpy(at, r, 64);
    for (uint32_t i = 64; i < q->stride; i += 64)
        memcpy(at + i, r + i, 64);
    memcpy(&len, r + q->stride - META, sizeof len);
    m->data_len = len;
    m->pkt_len = len;
    m->port = q->port;
    return len;
}

static uint16_t gen_rx(void *queue, struct rte_mbuf **m, uint16_t n)
{
    struct rxq *q = queue;
    struct page_orders *o = &q->page->orders;
    struct page_rx *rx = &q->page->rx;
    if (__atomic_load_n(&o->run, __ATOMIC_ACQUIRE) == 0 || q->count == 0)
        return idle(q);
    if (unlikely(o->start != rx->started))
        begin(q, o->start);
    rx->polls++;
    if (o->rate != 0 || o->limit != 0)
        n = allowance(q, n);
    if (n == 0)
        return 0;
    if (unlikely(rte_pktmbuf_alloc_bulk(q->mp, m, n) != 0)) {
        rx->nombuf += n;
        return 0;
    }
    uint64_t bytes = 0, pos = q->pos;
    for (uint16_t i = 0; i < n; i++) {
        bytes += fill(q, m[i], q->frames + pos * q->stride);
        if (unlikely((o->flags & (PAGE_FRESH | PAGE_LATENCY)) != 0))
            fill_special(q, m[i], o->flags, q->given + i);
        if (unlikely(++pos == q->count)) {
            pos = 0;
            q->pass++;
        }
    }
    q->pos = pos;
    q->given += n;
    rx->packets += n;
    rx->bytes += bytes;
    return n;
}

/* ------------------------------------------------------------ send */

static unsigned bucket(uint64_t ns)
{
    unsigned b;
    if (ns < 16)
        return (unsigned)ns;
    unsigned log = 63 - (unsigned)__builtin_clzll(ns);
    b = (log - 3) * 16 + (unsigned)(ns >> (log - 4) & 15);
    return RTE_MIN(b, (unsigned)PAGE_HIST - 1);
}

/* FNV-1a over the frame's beginning and its length: what the switch made of it. */
static uint64_t hash(const struct rte_mbuf *m)
{
    const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);
    uint64_t h = 0xcbf29ce484222325ull ^ m->pkt_len;
    for (uint16_t i = 0; i < RTE_MIN(m->data_len, 60); i++)
        h = (h ^ at[i]) * 0x100000001b3ull;
    return h;
}

static void look(struct txq *q, const struct rte_mbuf *m, uint32_t flags)
{
    if (flags & PAGE_SUM)
        q->count->sum += hash(m);
    if (flags & PAGE_LATENCY) {
        uint64_t t;
        memcpy(&t, rte_pktmbuf_mtod_offset(m, const uint8_t *, m->data_len - sizeof t), sizeof t);
        if (t != 0)
            q->page->hist[bucket((uint64_t)((double)(rte_rdtsc() - t) * q->ns_per_tick))]++;
    }
}

static uint16_t gen_tx(void *queue, struct rte_mbuf **m, uint16_t n)
{
    struct txq *q = queue;
    uint32_t flags = q->page->orders.flags;
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < n; i++) {
        bytes += m[i]->pkt_len;
        if (unlikely((flags & (PAGE_SUM | PAGE_LATENCY)) != 0))
            look(q, m[i], flags);
    }
    q->count->packets += n;
    q->count->bytes += bytes;
    rte_pktmbuf_free_bulk(m, n);
    return n;
}

/* ------------------------------------------------------------ device */

static int gen_configure(struct rte_eth_dev *dev)
{
    (void)dev;
    return 0;
}

static int gen_start(struct rte_eth_dev *dev)
{
    dev->data->dev_link.link_status = RTE_ETH_LINK_UP;
    return 0;
}

static int gen_stop(struct rte_eth_dev *dev)
{
    dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
    return 0;
}

static int gen_info(struct rte_eth_dev *dev, struct rte_eth_dev_info *i)
{
    (void)dev;
    i->max_mac_addrs = 1;
    i->max_rx_pktlen = 9728;
    i->max_rx_queues = 1;
    i->max_tx_queues = PAGE_TXQ;
    i->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    return 0;
}

static int gen_rxq(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned socket,
                   const struct rte_eth_rxconf *c, struct rte_mempool *mp)
{
    struct gen *g = dev->data->dev_private;
    (void)n, (void)socket, (void)c;
    g->rxq.page = &g->page->port[g->number];
    g->rxq.mp = mp;
    g->rxq.port = dev->data->port_id;
    dev->data->rx_queues[i] = &g->rxq;
    return 0;
}

static int gen_txq(struct rte_eth_dev *dev, uint16_t i, uint16_t n, unsigned socket,
                   const struct rte_eth_txconf *c)
{
    struct gen *g = dev->data->dev_private;
    (void)n, (void)socket, (void)c;
    struct page_port *p = &g->page->port[g->number];
    g->txq[i] =
        (struct txq){.page = p, .count = &p->tx[i], .ns_per_tick = 1e9 / (double)rte_get_tsc_hz()};
    dev->data->tx_queues[i] = &g->txq[i];
    return 0;
}

static int gen_link(struct rte_eth_dev *dev, int wait)
{
    (void)dev, (void)wait;
    return 0;
}

static int gen_stats(struct rte_eth_dev *dev, struct rte_eth_stats *s)
{
    const struct gen *g = dev->data->dev_private;
    const struct page_port *p = &g->page->port[g->number];
    s->ipackets = p->rx.packets;
    s->ibytes = p->rx.bytes;
    s->imissed = p->rx.missed;
    s->rx_nombuf = p->rx.nombuf;
    for (unsigned i = 0; i < PAGE_TXQ; i++) {
        s->opackets += p->tx[i].packets;
        s->obytes += p->tx[i].bytes;
    }
    return 0;
}

static int gen_yes(struct rte_eth_dev *dev)
{
    (void)dev;
    return 0;
}

static int gen_mtu(struct rte_eth_dev *dev, uint16_t mtu)
{
    (void)dev, (void)mtu;
    return 0;
}

static int gen_mac(struct rte_eth_dev *dev, struct rte_ether_addr *a)
{
    (void)dev, (void)a;
    return 0;
}

static int gen_close(struct rte_eth_dev *dev)
{
    struct gen *g = dev->data->dev_private;
    dev->data->mac_addrs = NULL; /* lies in dev_private */
    if (g != NULL && g->rxq.map != NULL)
        munmap(g->rxq.map, g->rxq.map_len);
    if (g != NULL && g->page != NULL)
        munmap(g->page, sizeof *g->page);
    return 0;
}

static const struct eth_dev_ops gen_ops = {
    .dev_configure = gen_configure,
    .dev_start = gen_start,
    .dev_stop = gen_stop,
    .dev_close = gen_close,
    .dev_infos_get = gen_info,
    .rx_queue_setup = gen_rxq,
    .tx_queue_setup = gen_txq,
    .link_update = gen_link,
    .stats_get = gen_stats,
    .promiscuous_enable = gen_yes,
    .promiscuous_disable = gen_yes,
    .allmulticast_enable = gen_yes,
    .allmulticast_disable = gen_yes,
    .mtu_set = gen_mtu,
    .mac_addr_set = gen_mac,
};

struct gen_args {
    char path[256];
    unsigned port;
};

static int take_page(const char *key, const char *value, void *out)
{
    struct gen_args *a = out;
    (void)key;
    return snprintf(a->path, sizeof a->path, "%s", value) >= (int)sizeof a->path ? -1 : 0;
}

static int take_port(const char *key, const char *value, void *out)
{
    struct gen_args *a = out;
    (void)key;
    a->port = (unsigned)strtoul(value, NULL, 10);
    return a->port < PAGE_PORTS ? 0 : -1;
}

static int parse_args(struct rte_vdev_device *vdev, struct gen_args *a)
{
    static const char *const keys[] = {"page", "port", NULL};
    struct rte_kvargs *kv = rte_kvargs_parse(rte_vdev_device_args(vdev), keys);
    if (kv == NULL)
        return -EINVAL;
    int r = rte_kvargs_process(kv, "page", take_page, a);
    if (r == 0)
        r = rte_kvargs_process(kv, "port", take_port, a);
    rte_kvargs_free(kv);
    return r == 0 && a->path[0] != '\0' ? 0 : -EINVAL;
}

static struct page *map_page(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat st;
    struct page *p = MAP_FAILED;
    if (fstat(fd, &st) == 0 && (size_t)st.st_size >= sizeof *p)
        p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return NULL;
    if (p->version == PAGE_VERSION)
        return p;
    munmap(p, sizeof *p);
    return NULL;
}

static const char *vdev_name(const struct rte_vdev_device *v) { return v->device.name; }

static int gen_probe(struct rte_vdev_device *vdev)
{
    struct gen_args a = {.path = ""};
    struct page *page;
    if (parse_args(vdev, &a) != 0 || (page = map_page(a.path)) == NULL) {
        RTE_LOG(ERR, PMD, "%s: give page=FILE (of this version's layout) and port=0..%d\n",
                vdev_name(vdev), PAGE_PORTS - 1);
        return -EINVAL;
    }
    struct rte_eth_dev *dev = rte_eth_vdev_allocate(vdev, sizeof(struct gen) + RTE_ETHER_ADDR_LEN);
    if (dev == NULL) {
        munmap(page, sizeof *page);
        return -ENOMEM;
    }
    struct gen *g = dev->data->dev_private;
    g->page = page;
    g->number = a.port;
    page->tsc_hz = rte_get_tsc_hz();
    struct rte_ether_addr mac = {{2, 0, 0x77, 0, 0, (uint8_t)a.port}};
    dev->data->mac_addrs = (struct rte_ether_addr *)(void *)(g + 1);
    dev->data->mac_addrs[0] = mac;
    dev->data->dev_link = (struct rte_eth_link){.link_speed = RTE_ETH_SPEED_NUM_100G,
                                                .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
                                                .link_autoneg = RTE_ETH_LINK_FIXED};
    dev->dev_ops = &gen_ops;
    dev->rx_pkt_burst = gen_rx;
    dev->tx_pkt_burst = gen_tx;
    rte_eth_dev_probing_finish(dev);
    return 0;
}

static int gen_remove(struct rte_vdev_device *vdev)
{
    struct rte_eth_dev *dev = rte_eth_dev_allocated(vdev_name(vdev));
    if (dev == NULL)
        return 0;
    (void)gen_close(dev);
    return rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver gen_driver = {.probe = gen_probe, .remove = gen_remove};
RTE_PMD_REGISTER_VDEV(net_weftgen, gen_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_weftgen, "page=<file> port=<number>");
