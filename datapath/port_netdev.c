/* port_netdev.c: ioctls on a kernel network device. */
#include "datapath/port_netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------ namespaces */

struct errand {
    int ns;
    int (*fn)(void *ctx);
    void *ctx;
    int result;
};

static void *run_errand(void *arg)
{
    struct errand *x = arg;
    x->result = setns(x->ns, CLONE_NEWNET) != 0 ? -errno : x->fn(x->ctx);
    return NULL;
}

int netdev_in_netns(const char *netns, int (*fn)(void *ctx), void *ctx, struct errbuf *e)
{
    if (netns == NULL)
        return fn(ctx);
    char path[256];
    snprintf(path, sizeof path, "%s%s", strchr(netns, '/') != NULL ? "" : "/run/netns/", netns);
    struct errand x = {.ns = open(path, O_RDONLY | O_CLOEXEC), .fn = fn, .ctx = ctx};
    if (x.ns < 0)
        return errbuf_set(e, errno, "network namespace %s: %s; make it with: ip netns add NAME",
                          path, strerror(errno));
    pthread_t t;
    int r = pthread_create(&t, NULL, run_errand, &x);
    if (r == 0)
        pthread_join(t, NULL);
    close(x.ns);
    if (r != 0)
        return errbuf_set(e, r, "no thread to enter network namespace %s: %s", path, strerror(r));
    if (x.result == -EPERM || x.result == -EINVAL)
        errbuf_set(e, -x.result, "network namespace %s: can't work in it: %s", path,
                   strerror(-x.result));
    return x.result;
}

static int make_socket(void *ctx)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *(int *)ctx = fd;
    return fd < 0 ? -errno : 0;
}

int netdev_open(struct netdev *d, const char *name, const char *netns, struct errbuf *e)
{
    d->fd = -1;
    if (strlen(name) >= sizeof d->name)
        return errbuf_set(e, ENAMETOOLONG,
                          "device %s: the kernel's names have at most %d characters; give ifname",
                          name, IFNAMSIZ - 1);
    strcpy(d->name, name);
    if (e != NULL)
        e->text[0] = '\0';
    int r = netdev_in_netns(netns, make_socket, &d->fd, e);
    if (r != 0 && e != NULL && e->text[0] == '\0')
        errbuf_set(e, -r, "device %s: no socket: %s", name, strerror(-r));
    return r;
}

void netdev_close(struct netdev *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* ------------------------------------------------------------ ioctls */

static int ask(const struct netdev *d, unsigned long what, struct ifreq *q)
{
    memcpy(q->ifr_name, d->name, sizeof q->ifr_name);
    return ioctl(d->fd, what, q) != 0 ? -errno : 0;
}

int netdev_get_mtu(const struct netdev *d, uint16_t *mtu)
{
    struct ifreq q = {0};
    int r = ask(d, SIOCGIFMTU, &q);
    if (r == 0)
        *mtu = q.ifr_mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)q.ifr_mtu;
    return r;
}

int netdev_set_mtu(const struct netdev *d, uint16_t mtu)
{
    struct ifreq q = {.ifr_mtu = mtu};
    return ask(d, SIOCSIFMTU, &q);
}

int netdev_get_mac(const struct netdev *d, struct mac *mac)
{
    struct ifreq q = {0};
    int r = ask(d, SIOCGIFHWADDR, &q);
    if (r == 0)
        memcpy(mac->b, q.ifr_hwaddr.sa_data, sizeof mac->b);
    return r;
}

int netdev_set_mac(const struct netdev *d, struct mac mac)
{
    struct ifreq q = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
    memcpy(q.ifr_hwaddr.sa_data, mac.b, sizeof mac.b);
    return ask(d, SIOCSIFHWADDR, &q);
}

int netdev_set_up(const struct netdev *d, bool up)
{
    struct ifreq q = {0};
    int r = ask(d, SIOCGIFFLAGS, &q);
    if (r != 0)
        return r;
    q.ifr_flags = (short)(up ? q.ifr_flags | IFF_UP : q.ifr_flags & ~IFF_UP);
    return ask(d, SIOCSIFFLAGS, &q);
}

int netdev_index(const struct netdev *d)
{
    struct ifreq q = {0};
    int r = ask(d, SIOCGIFINDEX, &q);
    return r != 0 ? r : q.ifr_ifindex;
}

struct port_link netdev_link(const struct netdev *d)
{
    struct ifreq q = {0};
    struct port_link l = {0};
    if (ask(d, SIOCGIFFLAGS, &q) != 0)
        return l;
    /* IFF_RUNNING follows the carrier late, ETHTOOL_GLINK at once; not every device has that. */
    bool up = (q.ifr_flags & IFF_UP) != 0, running = (q.ifr_flags & IFF_RUNNING) != 0;
    struct ethtool_value v = {.cmd = ETHTOOL_GLINK};
    q.ifr_data = (void *)&v;
    l.up = up && (ask(d, SIOCETHTOOL, &q) == 0 ? v.data != 0 : running);
    struct ethtool_cmd c = {.cmd = ETHTOOL_GSET};
    q.ifr_data = (void *)&c;
    if (ask(d, SIOCETHTOOL, &q) != 0)
        return l;
    uint32_t speed = ethtool_cmd_speed(&c);
    l.speed_mbps = speed == (uint32_t)SPEED_UNKNOWN ? 0 : speed;
    l.full_duplex = c.duplex == DUPLEX_FULL;
    return l;
}
