/* port_packet.c: attaches to a kernel device (NIC, veth) with a packet socket.
 *
 * Frames carry a virtio_net_hdr, as at a tap, so that a veth's 64 KB segments and partial checksums
 * pass whole. The kernel takes VLAN tags out of received frames and tells them apart; they are put
 * back with the TPID they had. A device that is deleted reads as link down; one of the same name
 * that comes again is attached to when the link is next polled.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/offload.h"
#include "datapath/port_netdev.h"
#include "datapath/port_util.h"
#include "datapath/worker.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { SOCKET_BUFFER = 4 << 20, VLAN_TAG = 4, BATCH = WEFT_BURST, TX_IOV = 34 };

/* What one recvmmsg fills. */
struct rx_slot {
    struct virtio_net_hdr h;
    struct iovec iov[3];
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    } control;
    struct rte_mbuf *m; /* where the frame begins */
    uint8_t *scratch;   /* the rest of a big frame; untouched until one comes */
};

struct packet_port {
    int fd;
    int ifindex;
    struct netdev dev;
    struct rx_slot rx[BATCH];
    struct mmsghdr msg[BATCH];
    uint8_t *scratch;
};

/* ------------------------------------------------------------ open, close */

static int make_socket(void *ctx)
{
    /* Protocol 0: nothing is received before bind() says from which device. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *(int *)ctx = fd;
    return fd < 0 ? -errno : 0;
}

static int set_option(int fd, int name, int value)
{
    return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) != 0 ? -errno : 0;
}

static int set_options(int fd)
{
    int size = SOCKET_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    int r = set_option(fd, PACKET_VNET_HDR, 1);
    if (r == 0)
        r = set_option(fd, PACKET_AUXDATA, 1);
    if (r == 0)
        r = set_option(fd, PACKET_IGNORE_OUTGOING, 1);
    if (r == 0)
        (void)set_option(fd, PACKET_QDISC_BYPASS, 1);
    return r;
}

/* Binds to the device as it is now, promiscuous, and deaf to no multicast. */
static int attach(struct packet_port *q)
{
    int index = netdev_index(&q->dev);
    if (index < 0)
        return index;
    struct sockaddr_ll a = {.sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = index};
    if (bind(q->fd, (struct sockaddr *)&a, sizeof a) != 0)
        return -errno;
    for (int type = PACKET_MR_PROMISC;; type = PACKET_MR_ALLMULTI) {
        struct packet_mreq mr = {.mr_ifindex = index, .mr_type = (unsigned short)type};
        if (setsockopt(q->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof mr) != 0)
            return -errno;
        if (type == PACKET_MR_ALLMULTI)
            break;
    }
    q->ifindex = index;
    return 0;
}

static int adopt_device(struct port *p, struct packet_port *q, const struct port_options *o,
                        struct errbuf *e)
{
    uint16_t mtu = 0;
    int r = netdev_get_mtu(&q->dev, &mtu);
    if (r == 0 && o->mtu == 0)
        p->mtu = mtu; /* the device's owner has decided */
    else if (r == 0 && o->mtu != mtu)
        r = netdev_set_mtu(&q->dev, o->mtu);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: device %s: MTU %u: %s", o->name, q->dev.name, o->mtu,
                          strerror(-r));
    if (!mac_is_zero(o->mac))
        r = netdev_set_mac(&q->dev, o->mac);
    if (r == 0)
        r = netdev_get_mac(&q->dev, &p->mac);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: device %s: MAC address: %s", o->name, q->dev.name,
                          strerror(-r));
    return 0;
}

static int packet_make(struct port *p, struct packet_port *q, const struct port_options *o,
                       struct errbuf *e)
{
    struct errbuf why = {""};
    int r = netdev_open(&q->dev, o->ifname != NULL ? o->ifname : o->name, o->netns, &why);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: %s", o->name, why.text);
    r = netdev_in_netns(o->netns, make_socket, &q->fd, NULL);
    if (r == 0)
        r = set_options(q->fd);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: packet socket: %s%s", o->name, strerror(-r),
                          r == -EPERM ? "; weftd needs CAP_NET_RAW (run it as root)" : "");
    r = attach(q);
    if (r != 0)
        return errbuf_set(e, -r, "port %s: device %s: %s%s", o->name, q->dev.name, strerror(-r),
                          r == -ENODEV ? "; see: ip link" : "");
    return adopt_device(p, q, o, e);
}

static void packet_free(struct packet_port *q)
{
    if (q->fd >= 0)
        close(q->fd);
    netdev_close(&q->dev);
    for (int i = 0; i < BATCH; i++)
        rte_pktmbuf_free(q->rx[i].m);
    free(q->scratch);
    free(q);
}

static int packet_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct packet_port *q = calloc(1, sizeof *q);
    if (q == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    q->fd = q->dev.fd = -1;
    q->scratch = malloc((size_t)BATCH * WEFT_FRAME_MAX);
    int r = q->scratch == NULL ? errbuf_set(e, ENOMEM, "port %s: out of memory", o->name)
                               : packet_make(p, q, o, e);
    if (r != 0) {
        packet_free(q);
        return r;
    }
    for (int i = 0; i < BATCH; i++)
        q->rx[i].scratch = q->scratch + (size_t)i * WEFT_FRAME_MAX;
    p->impl = q;
    /* The kernel cuts and sums for a device that can't: no need to ask what this one can. */
    p->caps = PORT_CAP_MULTISEG;
    if (!o->offloads_off)
        p->caps |= PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6;
    return 0;
}

static void packet_close(struct port *p)
{
    packet_free(p->impl);
    p->impl = NULL;
}

/* ------------------------------------------------------------ receive */

static bool ready_slot(struct port *p, struct rx_slot *s, struct mmsghdr *msg)
{
    if (s->m == NULL)
        s->m = rte_pktmbuf_alloc(p->pool);
    if (s->m == NULL)
        return false;
    s->iov[0] = (struct iovec){&s->h, sizeof s->h};
    s->iov[1] = (struct iovec){rte_pktmbuf_mtod(s->m, void *), rte_pktmbuf_tailroom(s->m)};
    s->iov[2] = (struct iovec){s->scratch, WEFT_FRAME_MAX};
    *msg = (struct mmsghdr){.msg_hdr = {.msg_iov = s->iov,
                                        .msg_iovlen = 3,
                                        .msg_control = &s->control,
                                        .msg_controllen = sizeof s->control}};
    return true;
}

/* Puts back the tag that the kernel took out, in front of what follows the addresses. */
static bool restore_tag(struct rte_mbuf *m, struct msghdr *h)
{
    struct tpacket_auxdata aux = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
    }
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
        return true;
    uint8_t *f = (uint8_t *)rte_pktmbuf_prepend(m, VLAN_TAG);
    if (f == NULL)
        return false;
    be16 tag[2] = {to_be16((aux.tp_status & TP_STATUS_VLAN_TPID_VALID) ? aux.tp_vlan_tpid : 0x8100),
                   to_be16(aux.tp_vlan_tci)};
    memmove(f, f + VLAN_TAG, 12);
    memcpy(f + 12, tag, sizeof tag);
    m->l2_len += VLAN_TAG;
    return true;
}

/* Fills the slot's mbuf; returns the reason to drop it, or DROP_COUNT when it is good. */
static enum drop_reason finish_slot(struct port *p, struct rx_slot *s, struct mmsghdr *msg)
{
    struct rte_mbuf *m = s->m;
    uint32_t len = msg->msg_len - (uint32_t)sizeof s->h;
    m->data_len = (uint16_t)RTE_MIN(len, (uint32_t)s->iov[1].iov_len);
    m->pkt_len = m->data_len;
    if (msg->msg_hdr.msg_flags & MSG_TRUNC)
        return DROP_RX_TOO_LONG;
    if (len < ETHER_HDR_LEN)
        return DROP_RX_TRUNCATED;
    if (len > m->data_len && port_frame_append(m, s->scratch, len - m->data_len, p->pool) != 0)
        return DROP_NO_MBUF;
    if (offload_from_vnet(m, &s->h) != 0)
        return DROP_RX_BAD_OFFLOAD;
    return restore_tag(m, &msg->msg_hdr) ? DROP_COUNT : DROP_NO_MBUF;
}

static uint16_t packet_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct packet_port *q = p->impl;
    uint16_t ready = 0, k = 0;
    (void)queue;
    while (ready < n && ready < BATCH && ready_slot(p, &q->rx[ready], &q->msg[ready]))
        ready++;
    /* ENETDOWN, when the device goes, is reported once and cleared by this call. */
    int got = ready > 0 ? recvmmsg(q->fd, q->msg, ready, 0, NULL) : 0;
    for (int i = 0; i < got; i++) {
        struct rx_slot *s = &q->rx[i];
        if (q->msg[i].msg_len < sizeof s->h)
            continue;
        enum drop_reason why = finish_slot(p, s, &q->msg[i]);
        if (why == DROP_COUNT)
            m[k++] = s->m;
        else
            port_rx_drop(p, s->m, why);
        s->m = NULL;
    }
    return k;
}

/* ------------------------------------------------------------ send */

struct tx_batch {
    struct mmsghdr msg[BATCH];
    struct virtio_net_hdr h[BATCH];
    struct iovec iov[BATCH][TX_IOV];
};

/* Prepares frames from m[0] on; fewer than n when one has too many segments. */
static unsigned fill_batch(struct tx_batch *b, struct rte_mbuf **m, unsigned n)
{
    unsigned i;
    for (i = 0; i < n && i < BATCH; i++) {
        int k = port_frame_iov(m[i], b->iov[i] + 1, TX_IOV - 1);
        if (k < 0)
            break;
        offload_to_vnet(m[i], &b->h[i]);
        b->iov[i][0] = (struct iovec){&b->h[i], sizeof b->h[i]};
        b->msg[i] =
            (struct mmsghdr){.msg_hdr = {.msg_iov = b->iov[i], .msg_iovlen = (size_t)(k + 1)}};
    }
    return i;
}

static enum drop_reason reason_of(int err)
{
    switch (err) {
    case EMSGSIZE:
        return DROP_TX_TOO_BIG;
    case ENETDOWN:
    case ENXIO:
    case ENODEV:
        return DROP_OUTPUT_DOWN;
    default:
        return DROP_TX_ERROR;
    }
}

static uint16_t packet_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    const struct packet_port *q = p->impl;
    struct tx_batch b;
    uint16_t done = 0;
    (void)queue;
    while (done < n) {
        unsigned k = fill_batch(&b, m + done, (unsigned)(n - done));
        int sent = k > 0 ? sendmmsg(q->fd, b.msg, k, 0) : -1;
        int err = k > 0 ? errno : EMSGSIZE;
        if (sent > 0) {
            rte_pktmbuf_free_bulk(m + done, (unsigned)sent);
            done = (uint16_t)(done + sent);
            continue;
        }
        if (err == EAGAIN || err == ENOBUFS || err == ENOMEM)
            break;
        port_tx_drop(p, m[done++], reason_of(err));
    }
    return done;
}

/* ------------------------------------------------------------ slow path */

static int packet_rx_fd(struct port *p) { return ((struct packet_port *)p->impl)->fd; }

static int refuse(const struct port *p, const char *what, int r, struct errbuf *e)
{
    const struct packet_port *q = p->impl;
    if (r == 0)
        return 0;
    return errbuf_set(e, -r, "port %s: device %s: %s: %s", p->name, q->dev.name, what,
                      strerror(-r));
}

static int packet_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    return refuse(p, "MTU", netdev_set_mtu(&((struct packet_port *)p->impl)->dev, mtu), e);
}

static int packet_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    return refuse(p, "MAC address", netdev_set_mac(&((struct packet_port *)p->impl)->dev, mac), e);
}

static struct port_link packet_link(struct port *p)
{
    struct packet_port *q = p->impl;
    int index = netdev_index(&q->dev);
    if (index < 0 || (index != q->ifindex && attach(q) != 0))
        return (struct port_link){.up = false};
    return netdev_link(&q->dev);
}

const struct port_ops port_packet_ops = {
    .type = "af_packet",
    .open = packet_open,
    .close = packet_close,
    .rx_burst = packet_rx,
    .tx_burst = packet_tx,
    .rx_fd = packet_rx_fd,
    .set_mtu = packet_set_mtu,
    .set_mac = packet_set_mac,
    .link = packet_link,
};
