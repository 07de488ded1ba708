/* port_vhost.c: a VM's virtio-net device, over a vhost-user socket, by librte_vhost.
 *
 * We are client and reconnect unless told to serve, so the VM survives our
 * restart. One queue pair, split rings.
 *
 * librte_vhost calls back on its own thread with no more than a device number; the socket's path
 * leads from it to our port, through the list below (the library's own sockets are as
 * global as that). A device may go at any moment; after destroy_device returns
 * it must not be touched, so rx and tx use it under a lock that destroy_device takes
 * too. vring_state_changed and features_changed are called with the library's ring locks held,
 * which rx and tx take inside ours: those two callbacks must never take ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <rte_spinlock.h>
#include <rte_vhost.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "datapath/offload.h"
#include "datapath/port_util.h"
#include "datapath/worker.h"

#ifndef VIRTIO_F_RING_PACKED
#define VIRTIO_F_RING_PACKED 34
#endif
#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER 35
#endif

/* Virtqueues as the guest names them: it receives on 0 and sends on 1. */
enum { VQ_GUEST_RX = 0, VQ_GUEST_TX = 1, VQ_COUNT = 2, NO_DEVICE = -1 };

struct vhost_port {
    TAILQ_ENTRY(vhost_port) entry;
    struct port *port;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    _Atomic int vid; /* NO_DEVICE, or a device that runs; set to NO_DEVICE under both locks */
    _Atomic bool enabled[VQ_COUNT];
    int epfd;     /* what a worker sleeps on: bell and kick, edge-triggered */
    int bell;     /* rung when a device or ring comes */
    int kick;     /* our duplicate of the guest's kick eventfd, or -1; under kick_lock */
    bool started; /* registered with the library */
    pthread_mutex_t kick_lock;
    rte_spinlock_t rx_lock __rte_cache_aligned;
    rte_spinlock_t tx_lock __rte_cache_aligned;
};

static struct {
    pthread_mutex_t lock;
    TAILQ_HEAD(, vhost_port) list;
} ports = {.lock = PTHREAD_MUTEX_INITIALIZER, .list = TAILQ_HEAD_INITIALIZER(ports.list)};

static struct vhost_port *find_path(const char *path)
{
    struct vhost_port *v;
    TAILQ_FOREACH(v, &ports.list, entry) {
        if (strcmp(v->path, path) == 0)
            return v;
    }
    return NULL;
}

/* The port stays while a callback runs: closing it unregisters the socket first, and that waits. */
static struct vhost_port *port_of_device(int vid)
{
    char path[PATH_MAX];
    if (rte_vhost_get_ifname(vid, path, sizeof path) != 0)
        return NULL;
    pthread_mutex_lock(&ports.lock);
    struct vhost_port *v = find_path(path);
    pthread_mutex_unlock(&ports.lock);
    return v;
}

/* ------------------------------------------------------------ callbacks */

static void ring_bell(struct vhost_port *v)
{
    uint64_t one = 1;
    if (write(v->bell, &one, sizeof one) < 0)
        return; /* it rings already */
}

/* Watches the kick fd that the guest's send ring has now (vid < 0: none). The library closes its
 * own whenever it likes, hence a duplicate. */
static void watch_kick(struct vhost_port *v, int vid)
{
    struct rte_vhost_vring ring = {.kickfd = -1};
    if (vid >= 0 && rte_vhost_get_vhost_vring(vid, VQ_GUEST_TX, &ring) != 0)
        ring.kickfd = -1;
    pthread_mutex_lock(&v->kick_lock);
    if (v->kick >= 0) {
        epoll_ctl(v->epfd, EPOLL_CTL_DEL, v->kick, NULL);
        close(v->kick);
    }
    v->kick = ring.kickfd >= 0 ? fcntl(ring.kickfd, F_DUPFD_CLOEXEC, 0) : -1;
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    if (v->kick >= 0)
        epoll_ctl(v->epfd, EPOLL_CTL_ADD, v->kick, &e);
    pthread_mutex_unlock(&v->kick_lock);
}

static uint32_t caps_of(uint64_t features)
{
    uint32_t caps = PORT_CAP_MULTISEG;
    if (!(features & 1ULL << VIRTIO_NET_F_GUEST_CSUM))
        return caps;
    caps |= PORT_CAP_CSUM;
    if (features & 1ULL << VIRTIO_NET_F_GUEST_TSO4)
        caps |= PORT_CAP_TSO4;
    if (features & 1ULL << VIRTIO_NET_F_GUEST_TSO6)
        caps |= PORT_CAP_TSO6;
    return caps;
}

static int on_new_device(int vid)
{
    struct vhost_port *v = port_of_device(vid);
    uint64_t features = 0;
    if (v == NULL || rte_vhost_get_negotiated_features(vid, &features) != 0)
        return -1;
    __atomic_store_n(&v->port->caps, caps_of(features), __ATOMIC_RELAXED);
    /* We never wait for the guest to refill its receive ring, so it need not tell. */
    rte_vhost_enable_guest_notification(vid, VQ_GUEST_RX, 0);
    rte_vhost_enable_guest_notification(vid, VQ_GUEST_TX, 1);
    watch_kick(v, vid);
    atomic_store(&v->vid, vid);
    ring_bell(v);
    return 0;
}

static void on_destroy_device(int vid)
{
    struct vhost_port *v = port_of_device(vid);
    if (v == NULL)
        return;
    rte_spinlock_lock(&v->rx_lock);
    rte_spinlock_lock(&v->tx_lock);
    if (atomic_load(&v->vid) == vid)
        atomic_store(&v->vid, NO_DEVICE);
    rte_spinlock_unlock(&v->tx_lock);
    rte_spinlock_unlock(&v->rx_lock);
    watch_kick(v, -1);
}

static int on_vring_state(int vid, uint16_t ring, int enable)
{
    struct vhost_port *v = port_of_device(vid);
    if (v == NULL || ring >= VQ_COUNT)
        return 0;
    atomic_store(&v->enabled[ring], enable != 0);
    if (ring == VQ_GUEST_TX && enable)
        watch_kick(v, vid);
    ring_bell(v); /* a new ring may have frames (a migrated guest's RARP): polled at once */
    return 0;
}

static void on_connection_gone(int vid)
{
    struct vhost_port *v = port_of_device(vid);
    if (v == NULL)
        return;
    atomic_store(&v->enabled[VQ_GUEST_RX], false);
    atomic_store(&v->enabled[VQ_GUEST_TX], false);
}

static const struct rte_vhost_device_ops callbacks = {
    .new_device = on_new_device,
    .destroy_device = on_destroy_device,
    .vring_state_changed = on_vring_state,
    .destroy_connection = on_connection_gone,
};

/* ------------------------------------------------------------ open, close */

/* Whether somebody listens there. 0: nobody and nothing; 1: a socket that nobody serves. */
static int look_at_path(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int alive = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == EAGAIN;
    close(fd);
    return alive ? -EADDRINUSE : 1;
}

static int check_directory(const struct port_options *o, struct errbuf *e)
{
    char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat st;
    strcpy(dir, o->path);
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        return errbuf_set(e, EINVAL, "port %s: path %s: give an absolute path", o->name, o->path);
    slash[slash == dir ? 1 : 0] = '\0';
    if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return errbuf_set(e, ENOENT, "port %s: path %s: there is no directory %s; make it first",
                      o->name, o->path, dir);
}

static int check_path(const struct port_options *o, struct errbuf *e)
{
    if (o->path == NULL || o->path[0] == '\0')
        return errbuf_set(e, EINVAL, "port %s: a vhost-user port needs path, the socket's",
                          o->name);
    size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    if (strlen(o->path) > max)
        return errbuf_set(e, ENAMETOOLONG,
                          "port %s: path %s: a socket's path has at most %zu bytes, this has %zu",
                          o->name, o->path, max, strlen(o->path));
    int r = check_directory(o, e);
    if (r != 0 || !o->server)
        return r;
    r = look_at_path(o->path);
    if (r == -EADDRINUSE)
        return errbuf_set(e, EADDRINUSE, "port %s: path %s: another process listens there", o->name,
                          o->path);
    if (r == -EEXIST)
        return errbuf_set(e, EEXIST, "port %s: path %s: exists and is no socket; remove it",
                          o->name, o->path);
    if (r < 0)
        return errbuf_set(e, -r, "port %s: path %s: %s", o->name, o->path, strerror(-r));
    if (r == 1)
        unlink(o->path); /* left by a process that is gone */
    return 0;
}

/* What we do not offer: UDP fragmentation offload (no mbuf flag says it), packed rings (rx_arm
 * reads split ones), more than one queue pair. */
static uint64_t masked(bool offloads_off)
{
    uint64_t m = 1ULL << VIRTIO_NET_F_HOST_UFO | 1ULL << VIRTIO_NET_F_GUEST_UFO |
                 1ULL << VIRTIO_NET_F_MQ | 1ULL << VIRTIO_F_RING_PACKED | 1ULL << VIRTIO_F_IN_ORDER;
    if (offloads_off)
        m |= 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_GUEST_CSUM |
             1ULL << VIRTIO_NET_F_HOST_TSO4 | 1ULL << VIRTIO_NET_F_HOST_TSO6 |
             1ULL << VIRTIO_NET_F_GUEST_TSO4 | 1ULL << VIRTIO_NET_F_GUEST_TSO6 |
             1ULL << VIRTIO_NET_F_HOST_ECN | 1ULL << VIRTIO_NET_F_GUEST_ECN |
             1ULL << VIRTIO_NET_F_GSO;
    return m;
}

static int start(struct vhost_port *v, const struct port_options *o, struct errbuf *e)
{
    uint64_t flags = RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
    if (!o->server)
        flags |= RTE_VHOST_USER_CLIENT;
    if (rte_vhost_driver_register(v->path, flags) != 0)
        return errbuf_set(e, EBUSY, "port %s: path %s: the vhost library refuses the socket",
                          o->name, o->path);
    v->started = true;
    if (rte_vhost_driver_disable_features(v->path, masked(o->offloads_off)) != 0 ||
        rte_vhost_driver_callback_register(v->path, &callbacks) != 0 ||
        rte_vhost_driver_start(v->path) != 0)
        return errbuf_set(e, EIO, "port %s: path %s: the vhost library can't start: %s", o->name,
                          o->path, strerror(errno));
    return 0;
}

static void enlist(struct vhost_port *v, bool in)
{
    pthread_mutex_lock(&ports.lock);
    if (in)
        TAILQ_INSERT_TAIL(&ports.list, v, entry);
    else
        TAILQ_REMOVE(&ports.list, v, entry);
    pthread_mutex_unlock(&ports.lock);
}

/* Takes it off the list last: callbacks come until unregistering is done, and need it there. */
static void vhost_free(struct vhost_port *v)
{
    if (v->started)
        (void)rte_vhost_driver_unregister(v->path);
    enlist(v, false);
    watch_kick(v, -1);
    close(v->bell);
    close(v->epfd);
    pthread_mutex_destroy(&v->kick_lock);
    free(v);
}

static struct vhost_port *vhost_new(struct port *p, const char *path)
{
    struct vhost_port *v = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *v);
    if (v == NULL)
        return NULL;
    memset(v, 0, sizeof *v);
    v->port = p;
    v->vid = NO_DEVICE;
    v->kick = -1;
    strcpy(v->path, path);
    pthread_mutex_init(&v->kick_lock, NULL);
    rte_spinlock_init(&v->rx_lock);
    rte_spinlock_init(&v->tx_lock);
    v->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    v->epfd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    if (v->bell >= 0 && v->epfd >= 0 && epoll_ctl(v->epfd, EPOLL_CTL_ADD, v->bell, &e) == 0)
        return v;
    if (v->bell >= 0)
        close(v->bell);
    if (v->epfd >= 0)
        close(v->epfd);
    free(v);
    return NULL;
}

static int vhost_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    int r = check_path(o, e);
    if (r != 0)
        return r;
    pthread_mutex_lock(&ports.lock);
    struct vhost_port *other = find_path(o->path);
    pthread_mutex_unlock(&ports.lock);
    if (other != NULL)
        return errbuf_set(e, EADDRINUSE, "port %s: path %s: port %s has this socket", o->name,
                          o->path, other->port->name);
    struct vhost_port *v = vhost_new(p, o->path);
    if (v == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory or file descriptors", o->name);
    p->impl = v;
    p->caps = PORT_CAP_MULTISEG;
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "vhost") : o->mac;
    enlist(v, true);
    r = start(v, o, e);
    if (r != 0) {
        vhost_free(v);
        p->impl = NULL;
    }
    return r;
}

static void vhost_close(struct port *p)
{
    vhost_free(p->impl);
    p->impl = NULL;
}

/* ------------------------------------------------------------ receive */

/* The library's rx flags to requests; returns the reason to drop m, or DROP_COUNT. */
static enum drop_reason take_request(struct rte_mbuf *m)
{
    const uint64_t ask = RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_RX_LRO;
    if (rte_pktmbuf_pkt_len(m) < 14)
        return DROP_RX_TRUNCATED;
    if (rte_pktmbuf_pkt_len(m) > WEFT_FRAME_MAX)
        return DROP_RX_TOO_LONG;
    bool lro = (m->ol_flags & RTE_MBUF_F_RX_LRO) != 0;
    bool csum = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
    uint16_t size = lro ? m->tso_segsz : 0;
    m->ol_flags &= ~ask;
    m->tso_segsz = 0;
    if (!lro && !csum)
        return DROP_COUNT;
    return offload_request(m, csum, size) == 0 ? DROP_COUNT : DROP_RX_BAD_OFFLOAD;
}

static uint16_t vhost_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct vhost_port *v = p->impl;
    uint16_t got = 0, k = 0;
    (void)queue;
    if (atomic_load_explicit(&v->vid, memory_order_relaxed) == NO_DEVICE)
        return 0;
    rte_spinlock_lock(&v->rx_lock);
    int vid = atomic_load_explicit(&v->vid, memory_order_relaxed);
    if (vid != NO_DEVICE)
        got = rte_vhost_dequeue_burst(vid, VQ_GUEST_TX, p->pool, m, n);
    rte_spinlock_unlock(&v->rx_lock);
    for (uint16_t i = 0; i < got; i++) {
        enum drop_reason why = take_request(m[i]);
        if (why == DROP_COUNT)
            m[k++] = m[i];
        else
            port_rx_drop(p, m[i], why);
    }
    return k;
}

/* ------------------------------------------------------------ send */

/* The library writes the pseudo-header sum anew, for segments without their length, as NICs want
 * it; virtio wants it with (a guest that forwards them would cut wrong sums). It leaves the field
 * alone when the L4 header is not in the first segment: so move what precedes it to a segment of
 * its own. Returns the frame to send, which m belongs to; NULL: no mbuf, m is as it was. */
static struct rte_mbuf *shield_sum(struct port *p, struct rte_mbuf *m)
{
    uint16_t len = (uint16_t)(m->l2_len + m->l3_len);
    if (m->data_len <= len)
        return m;
    struct rte_mbuf *head = rte_pktmbuf_alloc(p->pool);
    if (head == NULL)
        return NULL;
    memcpy(rte_pktmbuf_append(head, len), rte_pktmbuf_mtod(m, const void *), len);
    head->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
    head->tx_offload = m->tx_offload;
    rte_pktmbuf_adj(m, len);
    head->pkt_len = len + m->pkt_len;
    head->nb_segs = (uint16_t)(m->nb_segs + 1);
    head->next = m;
    return head;
}

/* Makes m fit for the library. False: dropped and counted. */
static bool prepare(struct port *p, struct rte_mbuf **m)
{
    const uint64_t seg = RTE_MBUF_F_TX_TCP_SEG;
    if (((*m)->ol_flags & (RTE_MBUF_F_TX_L4_MASK | seg)) == 0)
        return true;
    struct rte_mbuf *s = offload_set_lens(*m) ? *m : NULL;
    if (s != NULL && (s->ol_flags & seg))
        s = shield_sum(p, s);
    if (s == NULL) {
        port_tx_drop(p, *m, DROP_TX_OFFLOAD);
        return false;
    }
    *m = s;
    return true;
}

/* The library copies: what it took is freed here, what not is the caller's. */
static uint16_t hand_over(struct port *p, struct vhost_port *v, struct rte_mbuf **m, uint16_t n)
{
    uint16_t sent = 0;
    rte_spinlock_lock(&v->tx_lock);
    int vid = atomic_load_explicit(&v->vid, memory_order_relaxed);
    if (vid != NO_DEVICE)
        sent = rte_vhost_enqueue_burst(vid, VQ_GUEST_RX, m, n);
    rte_spinlock_unlock(&v->tx_lock);
    rte_pktmbuf_free_bulk(m, sent);
    if (vid != NO_DEVICE)
        return sent;
    for (uint16_t i = 0; i < n; i++)
        port_tx_drop(p, m[i], DROP_OUTPUT_DOWN);
    return n;
}

static uint16_t vhost_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct vhost_port *v = p->impl;
    struct rte_mbuf *good[WEFT_BURST];
    (void)queue;
    for (uint16_t done = 0; done < n;) {
        uint16_t k = 0, part = RTE_MIN((uint16_t)(n - done), (uint16_t)WEFT_BURST);
        for (uint16_t i = 0; i < part; i++) {
            good[k] = m[done + i];
            k = (uint16_t)(k + prepare(p, &good[k]));
        }
        uint16_t sent = k > 0 ? hand_over(p, v, good, k) : 0;
        if (sent < k) { /* full: those that are left go back as the last of the burst's */
            uint16_t first = (uint16_t)(done + part - (k - sent));
            memcpy(&m[first], &good[sent], (size_t)(k - sent) * sizeof *m);
            return first;
        }
        done = (uint16_t)(done + part);
    }
    return n;
}

/* ------------------------------------------------------------ slow path */

static int vhost_rx_fd(struct port *p) { return ((struct vhost_port *)p->impl)->epfd; }

static bool set_notify(struct vhost_port *v, bool on)
{
    bool waiting = false;
    rte_spinlock_lock(&v->rx_lock);
    int vid = atomic_load_explicit(&v->vid, memory_order_relaxed);
    if (vid != NO_DEVICE) {
        rte_vhost_enable_guest_notification(vid, VQ_GUEST_TX, on);
        waiting = on && rte_vhost_rx_queue_count(vid, VQ_GUEST_TX) > 0;
    }
    rte_spinlock_unlock(&v->rx_lock);
    return waiting;
}

static bool vhost_arm(struct port *p)
{
    /* The edges up to now are news no more; what comes from here on wakes. */
    struct vhost_port *v = p->impl;
    struct epoll_event e[2];
    (void)epoll_wait(v->epfd, e, 2, 0);
    return set_notify(v, true);
}

static void vhost_disarm(struct port *p)
{
    struct vhost_port *v = p->impl;
    struct epoll_event e[2];
    (void)epoll_wait(v->epfd, e, 2, 0);
    (void)set_notify(v, false);
}

/* The guest is told its MTU by its own side (QEMU's host_mtu); ours is what the switch checks. */
static int vhost_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static int vhost_set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    (void)p, (void)mac, (void)e;
    return 0;
}

static struct port_link vhost_link(struct port *p)
{
    struct vhost_port *v = p->impl;
    bool up = v->vid != NO_DEVICE && v->enabled[VQ_GUEST_RX];
    return (struct port_link){.up = up, .speed_mbps = 10000, .full_duplex = true};
}

const struct port_ops port_vhost_ops = {
    .type = "vhost-user",
    .open = vhost_open,
    .close = vhost_close,
    .rx_burst = vhost_rx,
    .tx_burst = vhost_tx,
    .rx_fd = vhost_rx_fd,
    .rx_arm = vhost_arm,
    .rx_disarm = vhost_disarm,
    .set_mtu = vhost_set_mtu,
    .set_mac = vhost_set_mac,
    .link = vhost_link,
};
