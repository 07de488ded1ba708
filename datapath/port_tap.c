/* port_tap.c: a kernel tap device; the host or a VM has its other side.
 *
 * Frames go through read and write with a virtio_net_hdr in front, so that TCP
 * segments of 64 KB and partial checksums pass whole. A read scatters into one
 * fresh mbuf and behind it a chain of spare ones; a small frame uses the first
 * only, so the spares stay for the next read. Until the first big frame there
 * are no spares but a plain buffer, so that a thousand quiet taps don't empty the pool.
 *
 * The device is made inside its network namespace and needs no move. It lives as long as the port.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "datapath/offload.h"
#include "datapath/port_netdev.h"
#include "datapath/port_util.h"
#include "datapath/worker.h"

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef TUNSETCARRIER
#define TUNSETCARRIER _IOW('T', 226, int)
#endif

enum { TAP_SPEED_MBPS = 10000 };

struct tap {
    int fd;
    struct netdev dev;
    struct rte_mbuf *fresh; /* the next frame's first mbuf, or NULL */
    struct rte_mbuf *spare; /* chain behind it, or NULL: scratch is */
    uint32_t n_spare;
    uint8_t *scratch; /* WEFT_FRAME_MAX bytes, untouched until a big frame comes */
};

/* ------------------------------------------------------------ open, close */

struct tap_request {
    const char *name;
    const char *what; /* that failed */
    int fd;
};

/* Runs inside the namespace. */
static int make_device(void *ctx)
{
    struct tap_request *q = ctx;
    q->what = "/dev/net/tun";
    q->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (q->fd < 0)
        return -errno;
    struct ifreq f = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    strncpy(f.ifr_name, q->name, sizeof f.ifr_name - 1);
    q->what = "TUNSETIFF";
    return ioctl(q->fd, TUNSETIFF, &f) != 0 ? -errno : 0;
}

static int explain(const struct tap_request *q, const char *port, int err, struct errbuf *e)
{
    const char *remedy = "";
    if (err == EPERM || err == EACCES)
        remedy = "; weftd needs CAP_NET_ADMIN (run it as root)";
    else if (err == EBUSY)
        remedy = "; another process has that tap, or a device of another kind has its name: give "
                 "another ifname";
    else if (err == EINVAL)
        remedy = "; a device of that name exists and is no tap without queues: give another ifname";
    else if (err == ENOENT || err == ENODEV)
        remedy = "; is the tun module loaded (modprobe tun)?";
    return errbuf_set(e, err, "port %s: tap device %s: %s: %s%s", port, q->name, q->what,
                      strerror(err), remedy);
}

/* The widest set that the kernel takes; newer ones know UDP segments. */
static uint32_t negotiate(int fd, bool off)
{
    const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    const uint32_t caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6;
    if (!off && ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0)
        return PORT_CAP_MULTISEG | caps | PORT_CAP_USO;
    if (!off && ioctl(fd, TUNSETOFFLOAD, tcp) == 0)
        return PORT_CAP_MULTISEG | caps;
    (void)ioctl(fd, TUNSETOFFLOAD, 0);
    return PORT_CAP_MULTISEG;
}

static int set_up(struct port *p, struct tap *t, const struct port_options *o, struct errbuf *e)
{
    int r = 0;
    const char *what = "MAC address";
    if (!mac_is_zero(o->mac))
        r = netdev_set_mac(&t->dev, o->mac);
    if (r == 0) {
        what = "MTU";
        r = netdev_set_mtu(&t->dev, p->mtu);
    }
    if (r == 0) {
        what = "bringing it up";
        r = netdev_set_up(&t->dev, true);
    }
    if (r != 0)
        return errbuf_set(e, -r, "port %s: tap device %s: %s: %s", o->name, t->dev.name, what,
                          strerror(-r));
    return 0;
}

static void tap_free(struct tap *t)
{
    if (t->fd >= 0)
        close(t->fd);
    netdev_close(&t->dev);
    rte_pktmbuf_free(t->fresh);
    rte_pktmbuf_free(t->spare);
    free(t->scratch);
    free(t);
}

static int tap_make(struct port *p, struct tap *t, const struct port_options *o, struct errbuf *e)
{
    struct tap_request q = {.name = o->ifname != NULL ? o->ifname : o->name, .fd = -1};
    struct errbuf why = {""};
    int r = netdev_open(&t->dev, q.name, o->netns, &why);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: %s", o->name, why.text);
    r = netdev_in_netns(o->netns, make_device, &q, NULL);
    t->fd = q.fd;
    if (r != 0)
        return explain(&q, o->name, -r, e);
    t->scratch = malloc(WEFT_FRAME_MAX);
    if (t->scratch == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    p->caps = negotiate(t->fd, o->offloads_off);
    return set_up(p, t, o, e);
}

static int tap_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct tap *t = calloc(1, sizeof *t);
    if (t == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    t->fd = t->dev.fd = -1;
    int r = tap_make(p, t, o, e);
    if (r != 0) {
        tap_free(t);
        return r;
    }
    p->impl = t;
    /* The given address is the device's, at the host's or VM's side; ours must differ from it. */
    p->mac = port_mac_from(o->name, "tap");
    return 0;
}

static void tap_close(struct port *p)
{
    tap_free(p->impl);
    p->impl = NULL;
}

/* ------------------------------------------------------------ receive */

/* After a big frame: tops the spares up for the next one, if the pool has plenty. */
static void add_spares(struct port *p, struct tap *t)
{
    struct rte_mbuf *more[PORT_IOV_MAX];
    uint32_t size = rte_pktmbuf_data_room_size(p->pool);
    uint32_t want = (WEFT_FRAME_MAX + size - 1) / size;
    if (want > PORT_IOV_MAX - 2 || rte_mempool_avail_count(p->pool) < 8 * want ||
        rte_pktmbuf_alloc_bulk(p->pool, more, want - t->n_spare) != 0) {
        rte_pktmbuf_free(t->spare);
        t->spare = NULL;
        t->n_spare = 0;
        return;
    }
    for (uint32_t i = 0; i < want - t->n_spare; i++) {
        more[i]->data_off = 0;
        more[i]->next = t->spare;
        t->spare = more[i];
    }
    t->n_spare = want;
}

/* iov[0] is the header's. Returns how many iovecs. */
static int rx_iov(struct tap *t, struct iovec *iov)
{
    int n = 1;
    iov[n++] = (struct iovec){rte_pktmbuf_mtod(t->fresh, void *), rte_pktmbuf_tailroom(t->fresh)};
    for (struct rte_mbuf *s = t->spare; s != NULL; s = s->next)
        iov[n++] = (struct iovec){s->buf_addr, s->buf_len};
    if (t->spare == NULL)
        iov[n++] = (struct iovec){t->scratch, WEFT_FRAME_MAX};
    return n;
}

/* Moves the spares that hold len bytes behind m. False: they can't hold them. */
static bool take_spares(struct tap *t, struct rte_mbuf *m, uint32_t len)
{
    struct rte_mbuf *last = m;
    while (len > 0 && t->spare != NULL) {
        struct rte_mbuf *s = t->spare;
        t->spare = s->next;
        t->n_spare--;
        s->next = NULL;
        s->data_len = (uint16_t)RTE_MIN(len, (uint32_t)s->buf_len);
        len -= s->data_len;
        m->pkt_len += s->data_len;
        m->nb_segs++;
        last->next = s;
        last = s;
    }
    return len == 0;
}

/* Puts the len bytes that didn't fit the first mbuf behind it. */
static bool take_rest(struct port *p, struct tap *t, struct rte_mbuf *m, uint32_t len)
{
    if (t->spare == NULL) {
        if (port_frame_append(m, t->scratch, len, p->pool) != 0)
            return false;
    } else if (!take_spares(t, m, len)) {
        return false;
    }
    add_spares(p, t);
    return true;
}

/* Reads one frame: 1 with *out set, 0 when it was dropped, -1 when there is none. */
static int rx_one(struct port *p, struct tap *t, struct rte_mbuf **out)
{
    struct virtio_net_hdr h = {0};
    struct iovec iov[PORT_IOV_MAX];
    iov[0] = (struct iovec){&h, sizeof h};
    ssize_t n = readv(t->fd, iov, rx_iov(t, iov));
    if (n < (ssize_t)sizeof h)
        return -1;
    uint32_t len = (uint32_t)n - (uint32_t)sizeof h;
    struct rte_mbuf *m = t->fresh;
    t->fresh = NULL;
    m->data_len = (uint16_t)RTE_MIN(len, (uint32_t)iov[1].iov_len);
    m->pkt_len = m->data_len;
    if (len > m->data_len && !take_rest(p, t, m, len - m->data_len)) {
        port_rx_drop(p, m, DROP_NO_MBUF);
        return 0;
    }
    if (!port_rx_whole(p, m))
        return 0;
    if (offload_from_vnet(m, &h) != 0) {
        port_rx_drop(p, m, DROP_RX_BAD_OFFLOAD);
        return 0;
    }
    *out = m;
    return 1;
}

static uint16_t tap_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct tap *t = p->impl;
    uint16_t k = 0;
    (void)queue;
    for (uint16_t i = 0; i < n; i++) {
        if (t->fresh == NULL)
            t->fresh = rte_pktmbuf_alloc(p->pool);
        if (t->fresh == NULL)
            break; /* the frame waits in the kernel's queue, whose end drops */
        int r = rx_one(p, t, &m[k]);
        if (r < 0)
            break;
        k = (uint16_t)(k + r);
    }
    return k;
}

/* ------------------------------------------------------------ send */

/* 0 sent, -errno not. */
static int tx_one(const struct tap *t, const struct rte_mbuf *m)
{
    struct virtio_net_hdr h;
    struct iovec iov[PORT_IOV_MAX];
    int n = port_frame_iov(m, iov + 1, PORT_IOV_MAX - 1);
    if (n < 0)
        return n;
    offload_to_vnet(m, &h);
    iov[0] = (struct iovec){&h, sizeof h};
    return writev(t->fd, iov, n + 1) < 0 ? -errno : 0;
}

static uint16_t tap_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    const struct tap *t = p->impl;
    (void)queue;
    for (uint16_t i = 0; i < n; i++) {
        int r = tx_one(t, m[i]);
        if (r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM)
            return i;
        if (r == 0)
            rte_pktmbuf_free(m[i]);
        else /* EIO: the far side is down */
            port_tx_drop(p, m[i], r == -EIO ? DROP_OUTPUT_DOWN : DROP_TX_ERROR);
    }
    return n;
}

/* ------------------------------------------------------------ slow path */

static int tap_rx_fd(struct port *p) { return ((struct tap *)p->impl)->fd; }

static int refuse(const struct port *p, const char *what, int r, struct errbuf *e)
{
    const struct tap *t = p->impl;
    if (r == 0)
        return 0;
    return errbuf_set(e, -r, "port %s: tap device %s: %s: %s", p->name, t->dev.name, what,
                      strerror(-r));
}

static int tap_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    return refuse(p, "MTU", netdev_set_mtu(&((struct tap *)p->impl)->dev, mtu), e);
}

static int tap_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    return refuse(p, "MAC address", netdev_set_mac(&((struct tap *)p->impl)->dev, mac), e);
}

/* Down pulls the cable: the far side sees its carrier go, and its own admin state is left alone. */
static int tap_set_admin(struct port *p, bool up, struct errbuf *e)
{
    int carrier = up;
    int r = ioctl(((struct tap *)p->impl)->fd, TUNSETCARRIER, &carrier) != 0 ? -errno : 0;
    return refuse(p, "carrier", r, e);
}

static struct port_link tap_link(struct port *p)
{
    struct port_link l = netdev_link(&((struct tap *)p->impl)->dev);
    l.speed_mbps = TAP_SPEED_MBPS; /* the kernel's 10 Mb/s for a tap is a fiction of its own */
    l.full_duplex = true;
    return l;
}

const struct port_ops port_tap_ops = {
    .type = "tap",
    .open = tap_open,
    .close = tap_close,
    .rx_burst = tap_rx,
    .tx_burst = tap_tx,
    .rx_fd = tap_rx_fd,
    .set_mtu = tap_set_mtu,
    .set_mac = tap_set_mac,
    .set_admin = tap_set_admin,
    .link = tap_link,
};
