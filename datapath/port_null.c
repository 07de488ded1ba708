/* port_null.c: receives nothing, swallows everything. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/port_util.h"

/* An eventfd that never rings, so that the worker can sleep over this port. */
static int null_rx_fd(struct port *p) { return (int)(intptr_t)p->impl; }

static int null_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    int bell = eventfd(0, EFD_CLOEXEC);
    if (bell < 0)
        return errbuf_set(e, errno, "port %s: out of file descriptors", o->name);
    p->impl = (void *)(intptr_t)bell;
    p->caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO | PORT_CAP_MULTISEG;
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "null") : o->mac;
    return 0;
}

static void null_close(struct port *p) { close(null_rx_fd(p)); }

static uint16_t null_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)p, (void)queue, (void)m, (void)n;
    return 0;
}

static uint16_t null_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)p, (void)queue;
    rte_pktmbuf_free_bulk(m, n);
    return n;
}

static int set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static int set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    (void)p, (void)mac, (void)e;
    return 0;
}

static struct port_link null_link(struct port *p)
{
    (void)p;
    return (struct port_link){.up = true, .full_duplex = true};
}

const struct port_ops port_null_ops = {
    .type = "null",
    .open = null_open,
    .close = null_close,
    .rx_burst = null_rx,
    .tx_burst = null_tx,
    .rx_fd = null_rx_fd,
    .set_mtu = set_mtu,
    .set_mac = set_mac,
    .link = null_link,
};
