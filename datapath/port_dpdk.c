/* port_dpdk.c: any DPDK ethdev, by its devargs: a PCI NIC, net_memif, net_af_xdp, net_pcap, ...
 *
 * One rx queue; as many tx queues as threads may send, or, where the device has fewer, shared ones
 * with a lock. The device is probed when the port is made and removed with it.
 */
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_spinlock.h>
#include <stdlib.h>

#include "datapath/offload.h"
#include "datapath/port_util.h"
#include "datapath/worker.h"

enum { DESCRIPTORS = 1024, TXQ_MAX = WEFT_WORKERS_MAX + 1 };

struct dpdk_port {
    uint16_t id; /* ethdev's */
    bool started, rx_irq;
    bool prepare; /* tx_prepare is worth calling */
    uint16_t n_txq;
    int rx_fd;
    uint64_t tx_offloads;
    rte_spinlock_t tx_lock[TXQ_MAX]; /* of a queue; taken only where there are fewer than threads */
};

/* ------------------------------------------------------------ open, close */

static int refuse(const struct port_options *o, const char *what, int r, struct errbuf *e)
{
    return errbuf_set(e, -r, "port %s: devargs %s: %s: %s", o->name, o->devargs, what,
                      rte_strerror(-r));
}

/* The ethdev that these devargs made; RTE_MAX_ETHPORTS when none. */
static uint16_t find_device(const char *devargs)
{
    struct rte_dev_iterator it;
    uint16_t id;
    RTE_ETH_FOREACH_MATCHING_DEV(id, devargs, &it)
    {
        rte_eth_iterator_cleanup(&it);
        return id;
    }
    return RTE_MAX_ETHPORTS;
}

static int probe(struct dpdk_port *d, const struct port_options *o, struct errbuf *e)
{
    if (o->devargs == NULL || o->devargs[0] == '\0')
        return errbuf_set(e, EINVAL,
                          "port %s: a dpdk port needs devargs, such as net_memif0,role=client or "
                          "0000:01:00.0",
                          o->name);
    if (find_device(o->devargs) != RTE_MAX_ETHPORTS)
        return refuse(o, "another port has this device", -EBUSY, e);
    int r = rte_dev_probe(o->devargs);
    if (r != 0)
        return refuse(o,
                      "no such device, or no driver (a PCI device needs pci: true and a vfio-pci "
                      "binding)",
                      r > 0 ? -EIO : r, e);
    d->id = find_device(o->devargs);
    return d->id == RTE_MAX_ETHPORTS ? refuse(o, "it made no Ethernet device", -ENODEV, e) : 0;
}

static uint32_t caps_of(uint64_t tx)
{
    const uint64_t sums =
        RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
    uint32_t caps = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) ? PORT_CAP_MULTISEG : 0;
    if ((tx & sums) != sums)
        return caps;
    caps |= PORT_CAP_CSUM;
    if ((tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) && (caps & PORT_CAP_MULTISEG))
        caps |= PORT_CAP_TSO4 | PORT_CAP_TSO6;
    return caps;
}

static int configure(struct port *p, struct dpdk_port *d, const struct port_options *o,
                     struct errbuf *e)
{
    const uint64_t want = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
                          RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO;
    struct rte_eth_dev_info info;
    int r = rte_eth_dev_info_get(d->id, &info);
    if (r != 0)
        return refuse(o, "its abilities", r, e);
    d->tx_offloads =
        info.tx_offload_capa & (RTE_ETH_TX_OFFLOAD_MULTI_SEGS | (o->offloads_off ? 0 : want));
    d->n_txq = RTE_MAX(1, RTE_MIN(RTE_MIN(p->n_stats, info.max_tx_queues), (uint16_t)TXQ_MAX));
    struct rte_eth_conf c = {.rxmode = {.offloads =
                                            info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER},
                             .txmode = {.offloads = d->tx_offloads},
                             .intr_conf = {.rxq = 1}};
    d->rx_irq = rte_eth_dev_configure(d->id, 1, d->n_txq, &c) == 0;
    if (!d->rx_irq) {
        c.intr_conf.rxq = 0;
        r = rte_eth_dev_configure(d->id, 1, d->n_txq, &c);
    }
    p->caps = caps_of(d->tx_offloads);
    p->rx_queues = 1;
    p->tx_queues = d->n_txq;
    return r != 0 ? refuse(o, "configuring it", r, e) : 0;
}

static int set_queues(struct port *p, const struct dpdk_port *d)
{
    uint16_t n_rx = DESCRIPTORS, n_tx = DESCRIPTORS;
    unsigned socket = (unsigned)RTE_MAX(0, rte_eth_dev_socket_id(d->id));
    int r = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &n_rx, &n_tx);
    if (r == 0)
        r = rte_eth_rx_queue_setup(d->id, 0, n_rx, socket, NULL, p->pool);
    for (uint16_t i = 0; r == 0 && i < d->n_txq; i++)
        r = rte_eth_tx_queue_setup(d->id, i, n_tx, socket, NULL);
    return r;
}

static int adopt_mtu(struct port *p, const struct dpdk_port *d, const struct port_options *o)
{
    uint16_t mtu = 0;
    if (o->mtu != 0)
        return rte_eth_dev_set_mtu(d->id, o->mtu);
    if (rte_eth_dev_get_mtu(d->id, &mtu) == 0 && mtu >= WEFT_MTU_MIN && mtu < p->mtu)
        p->mtu = mtu;
    return 0;
}

static int adopt_mac(struct port *p, const struct dpdk_port *d, const struct port_options *o)
{
    struct rte_ether_addr a;
    if (!mac_is_zero(o->mac)) {
        memcpy(a.addr_bytes, o->mac.b, sizeof a.addr_bytes);
        return rte_eth_dev_default_mac_addr_set(d->id, &a);
    }
    if (rte_eth_macaddr_get(d->id, &a) == 0)
        memcpy(p->mac.b, a.addr_bytes, sizeof p->mac.b);
    if (mac_is_zero(p->mac))
        p->mac = port_mac_from(o->name, "dpdk");
    return 0;
}

static int start(struct port *p, struct dpdk_port *d, const struct port_options *o,
                 struct errbuf *e)
{
    int r = set_queues(p, d);
    if (r != 0)
        return refuse(o, "its queues", r, e);
    r = adopt_mtu(p, d, o);
    if (r != 0)
        return refuse(o, "its MTU", r, e);
    r = adopt_mac(p, d, o);
    if (r != 0)
        return refuse(o, "its MAC address", r, e);
    r = rte_eth_dev_start(d->id);
    if (r != 0)
        return refuse(o, "starting it", r, e);
    d->started = true;
    (void)rte_eth_promiscuous_enable(d->id); /* not every vdev knows the word */
    (void)rte_eth_allmulticast_enable(d->id);
    /* Asking is the only way to know, and a "no" is no error worth a line. */
    rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
    d->rx_fd = d->rx_irq ? rte_eth_dev_rx_intr_ctl_q_get_fd(d->id, 0) : -1;
    rte_log_set_level_pattern("lib.ethdev", RTE_LOG_ERR);
    return 0;
}

static void dpdk_free(struct dpdk_port *d)
{
    struct rte_eth_dev_info info;
    struct rte_device *dev = NULL;
    if (d->id != RTE_MAX_ETHPORTS) {
        if (rte_eth_dev_info_get(d->id, &info) == 0)
            dev = info.device;
        if (d->started)
            (void)rte_eth_dev_stop(d->id);
        (void)rte_eth_dev_close(d->id);
    }
    if (dev != NULL)
        (void)rte_dev_remove(dev);
    free(d);
}

static int dpdk_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct dpdk_port *d = calloc(1, sizeof *d);
    if (d == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    d->id = RTE_MAX_ETHPORTS;
    d->rx_fd = -1;
    for (int i = 0; i < TXQ_MAX; i++)
        rte_spinlock_init(&d->tx_lock[i]);
    int r = probe(d, o, e);
    if (r == 0)
        r = configure(p, d, o, e);
    if (r == 0)
        r = start(p, d, o, e);
    if (r != 0) {
        dpdk_free(d);
        return r;
    }
    d->prepare = (p->caps & PORT_CAP_CSUM) != 0;
    p->impl = d;
    return 0;
}

static void dpdk_close(struct port *p)
{
    dpdk_free(p->impl);
    p->impl = NULL;
}

/* ------------------------------------------------------------ receive, send */

static uint16_t dpdk_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    const struct dpdk_port *d = p->impl;
    uint16_t got = rte_eth_rx_burst(d->id, queue, m, n), k = 0;
    for (uint16_t i = 0; i < got; i++) {
        if (port_rx_whole(p, m[i]))
            m[k++] = m[i];
    }
    return k;
}

/* The lengths that a NIC needs, from the headers as they are now. */
static void prepare_one(struct rte_mbuf *m)
{
    if ((m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) == 0)
        return;
    if (offload_set_lens(m) && (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) &&
        (m->ol_flags & RTE_MBUF_F_TX_IPV4))
        m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
}

static uint16_t send_some(struct port *p, const struct dpdk_port *d, uint16_t txq,
                          struct rte_mbuf **m, uint16_t n)
{
    uint16_t done = 0;
    while (done < n) {
        uint16_t ok = (uint16_t)(n - done);
        if (d->prepare)
            ok = rte_eth_tx_prepare(d->id, txq, m + done, ok);
        uint16_t sent = ok > 0 ? rte_eth_tx_burst(d->id, txq, m + done, ok) : 0;
        done = (uint16_t)(done + sent);
        if (sent < ok || done == n)
            break;                                 /* full */
        port_tx_drop(p, m[done++], DROP_TX_ERROR); /* the driver can't send that one, ever */
    }
    return done;
}

static uint16_t dpdk_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct dpdk_port *d = p->impl;
    uint16_t txq = (uint16_t)(queue % d->n_txq);
    for (uint16_t i = 0; d->prepare && i < n; i++)
        prepare_one(m[i]);
    if (d->n_txq > p->n_stats) /* workers, control, and the protocol thread */
        return send_some(p, d, txq, m, n);
    rte_spinlock_lock(&d->tx_lock[txq]);
    uint16_t sent = send_some(p, d, txq, m, n);
    rte_spinlock_unlock(&d->tx_lock[txq]);
    return sent;
}

/* ------------------------------------------------------------ slow path */

static int dpdk_rx_fd(struct port *p) { return ((struct dpdk_port *)p->impl)->rx_fd; }

static bool dpdk_arm(struct port *p)
{
    const struct dpdk_port *d = p->impl;
    if (d->rx_fd < 0)
        return false;
    (void)rte_eth_dev_rx_intr_enable(d->id, 0);
    return rte_eth_rx_queue_count(d->id, 0) > 0;
}

static void dpdk_disarm(struct port *p)
{
    const struct dpdk_port *d = p->impl;
    if (d->rx_fd >= 0)
        (void)rte_eth_dev_rx_intr_disable(d->id, 0);
}

static int changed(const struct port *p, const char *what, int r, struct errbuf *e)
{
    return r == 0 ? 0
                  : errbuf_set(e, -r, "port %s: the device refuses the %s: %s", p->name, what,
                               rte_strerror(-r));
}

static int dpdk_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    return changed(p, "MTU", rte_eth_dev_set_mtu(((struct dpdk_port *)p->impl)->id, mtu), e);
}

static int dpdk_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    struct rte_ether_addr a;
    memcpy(a.addr_bytes, mac.b, sizeof a.addr_bytes);
    int r = rte_eth_dev_default_mac_addr_set(((struct dpdk_port *)p->impl)->id, &a);
    return changed(p, "MAC address", r, e);
}

static int dpdk_set_admin(struct port *p, bool up, struct errbuf *e)
{
    uint16_t id = ((struct dpdk_port *)p->impl)->id;
    int r = up ? rte_eth_dev_set_link_up(id) : rte_eth_dev_set_link_down(id);
    return changed(p, "link change", r == -ENOTSUP ? 0 : r, e);
}

static struct port_link dpdk_link(struct port *p)
{
    struct rte_eth_link l;
    if (rte_eth_link_get_nowait(((struct dpdk_port *)p->impl)->id, &l) != 0)
        return (struct port_link){.up = true};
    return (struct port_link){.up = l.link_status == RTE_ETH_LINK_UP,
                              .speed_mbps =
                                  l.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : l.link_speed,
                              .full_duplex = l.link_duplex == RTE_ETH_LINK_FULL_DUPLEX};
}

const struct port_ops port_dpdk_ops = {
    .type = "dpdk",
    .open = dpdk_open,
    .close = dpdk_close,
    .rx_burst = dpdk_rx,
    .tx_burst = dpdk_tx,
    .rx_fd = dpdk_rx_fd,
    .rx_arm = dpdk_arm,
    .rx_disarm = dpdk_disarm,
    .set_mtu = dpdk_set_mtu,
    .set_mac = dpdk_set_mac,
    .set_admin = dpdk_set_admin,
    .link = dpdk_link,
};
