/* control/kroute.c: rtnetlink (RFC 3549) read by hand, attributes by libnl. */
#include "control/kroute.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/port_netdev.h"

enum { RCVBUF = 64 << 20, BUFFER = 64 << 10, DEVICES = 256 };

enum phase { IDLE, DUMP4, DUMP6, DEVICES_DUMP };

struct device {
    uint32_t index;
    char name[IFNAMSIZ];
};

struct kroutes {
    int fd;
    uint32_t table;
    enum phase phase;
    bool again, overrun, tell_begin, tell_end;
    uint32_t seq;
    struct nlmsghdr *at; /* next message in the buffer */
    int left;            /* bytes from it on */
    struct device device[DEVICES];
    unsigned n_devices;
    uint8_t buffer[BUFFER] __attribute__((aligned(8)));
};

/* ---- the socket ---- */

static int open_socket(void *arg)
{
    struct kroutes *k = arg;
    struct sockaddr_nl a = {.nl_family = AF_NETLINK,
                            .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK};
    int size = RCVBUF;
    k->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (k->fd < 0)
        return -errno;
    (void)setsockopt(k->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return bind(k->fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

static void ask(struct kroutes *k, uint16_t type, uint8_t family, enum phase phase)
{
    struct {
        struct nlmsghdr h;
        struct rtmsg m;
    } q = {.h = {.nlmsg_len = sizeof q,
                 .nlmsg_type = type,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                 .nlmsg_seq = ++k->seq},
           .m = {.rtm_family = family}};
    k->phase = phase;
    if (send(k->fd, &q, sizeof q, 0) < 0)
        k->overrun = true; /* tried again */
}

int kroutes_open(uint32_t table, const char *netns, struct kroutes **out, struct errbuf *e)
{
    struct kroutes *k = calloc(1, sizeof *k);
    if (k == NULL)
        return errbuf_set(e, ENOMEM, "out of memory");
    k->fd = -1;
    k->table = table;
    int r = netdev_in_netns(netns, open_socket, k, e);
    if (r < 0) {
        kroutes_close(k);
        return errbuf_set(e, -r, "the kernel's routes%s%s: %s", netns ? " of namespace " : "",
                          netns ? netns : "", strerror(-r));
    }
    kroutes_again(k);
    *out = k;
    return 0;
}

void kroutes_close(struct kroutes *k)
{
    if (k != NULL && k->fd >= 0)
        close(k->fd);
    free(k);
}

void kroutes_again(struct kroutes *k) { k->again = true; }

/* ---- devices ---- */

static void hear_link(struct kroutes *k, struct nlmsghdr *h)
{
    const struct ifinfomsg *i = nlmsg_data(h);
    struct nlattr *name = nlmsg_find_attr(h, sizeof *i, IFLA_IFNAME);
    unsigned n = 0;
    while (n < k->n_devices && k->device[n].index != (uint32_t)i->ifi_index)
        n++;
    if (name == NULL || n == DEVICES)
        return;
    k->device[n].index = (uint32_t)i->ifi_index;
    (void)nla_strlcpy(k->device[n].name, name, IFNAMSIZ);
    k->n_devices += n == k->n_devices;
}

const char *kroutes_device(struct kroutes *k, uint32_t ifindex)
{
    for (unsigned n = 0; n < k->n_devices; n++)
        if (k->device[n].index == ifindex)
            return k->device[n].name;
    return "";
}

/* ---- routes ---- */

static void gateway_of(struct kroute_way *w, struct nlattr *a)
{
    if (a == NULL || nla_len(a) > (int)sizeof w->gateway)
        return;
    memcpy(&w->gateway, nla_data(a), (size_t)nla_len(a));
    w->has_gateway = true;
}

static void several(struct kroute *r, struct nlattr *multi)
{
    struct rtnexthop *h = nla_data(multi);
    int left = nla_len(multi);
    while (RTNH_OK(h, left) && r->n < KROUTE_WAYS_MAX) {
        struct kroute_way *w = &r->way[r->n++];
        int attrs = (int)(h->rtnh_len - sizeof *h);
        *w = (struct kroute_way){.ifindex = (uint32_t)h->rtnh_ifindex,
                                 .weight = (uint16_t)(h->rtnh_hops + 1)};
        gateway_of(w, nla_find((struct nlattr *)RTNH_DATA(h), attrs, RTA_GATEWAY));
        left -= RTNH_ALIGN(h->rtnh_len);
        h = RTNH_NEXT(h);
    }
}

static enum kroute_kind kind_of(const struct nlmsghdr *h, uint8_t type)
{
    if (h->nlmsg_type == RTM_DELROUTE)
        return KROUTE_GONE;
    return type == RTN_BLACKHOLE                             ? KROUTE_BLACKHOLE
           : type == RTN_UNREACHABLE || type == RTN_PROHIBIT ? KROUTE_UNREACHABLE
                                                             : KROUTE_WAYS;
}

/* False: none of our business. */
static bool read_route(const struct kroutes *k, struct nlmsghdr *h, struct kroute *r)
{
    struct nlattr *a[RTA_MAX + 1];
    const struct rtmsg *m = nlmsg_data(h);
    bool family = m->rtm_family == AF_INET || m->rtm_family == AF_INET6;
    if (!family || nlmsg_parse(h, sizeof *m, a, RTA_MAX, NULL) < 0 ||
        (m->rtm_flags & RTM_F_CLONED) || m->rtm_protocol == RTPROT_KERNEL)
        return false;
    uint32_t table = a[RTA_TABLE] ? nla_get_u32(a[RTA_TABLE]) : m->rtm_table;
    bool type = m->rtm_type == RTN_UNICAST || m->rtm_type == RTN_BLACKHOLE ||
                m->rtm_type == RTN_UNREACHABLE || m->rtm_type == RTN_PROHIBIT;
    if (table != k->table || !type || m->rtm_src_len != 0)
        return false;
    memset(r, 0, offsetof(struct kroute, way));
    r->ip6 = m->rtm_family == AF_INET6;
    r->len = m->rtm_dst_len;
    r->kind = kind_of(h, m->rtm_type);
    if (a[RTA_DST])
        memcpy(&r->prefix, nla_data(a[RTA_DST]), r->ip6 ? 16 : 4);
    if (a[RTA_MULTIPATH]) {
        several(r, a[RTA_MULTIPATH]);
    } else if (r->kind == KROUTE_WAYS) {
        r->n = 1;
        r->way[0] = (struct kroute_way){.weight = 1};
        r->way[0].ifindex = a[RTA_OIF] ? nla_get_u32(a[RTA_OIF]) : 0;
        gateway_of(&r->way[0], a[RTA_GATEWAY]);
    }
    return true;
}

/* ---- what happens ---- */

/* A dump of one kind is over: the next. */
static void done(struct kroutes *k)
{
    if (k->phase == DEVICES_DUMP)
        ask(k, RTM_GETROUTE, AF_INET, DUMP4);
    else if (k->phase == DUMP4)
        ask(k, RTM_GETROUTE, AF_INET6, DUMP6);
    else if (k->phase == DUMP6) {
        k->phase = IDLE;
        k->tell_end = !k->overrun;
    }
}

/* False: nothing is there. */
static bool fill(struct kroutes *k)
{
    ssize_t n = recv(k->fd, k->buffer, sizeof k->buffer, MSG_TRUNC);
    if (n < 0 && errno == ENOBUFS)
        k->overrun = true;
    k->left = n > 0 && n <= (ssize_t)sizeof k->buffer ? (int)n : 0;
    k->at = (struct nlmsghdr *)k->buffer;
    if (k->overrun && k->phase == IDLE) {
        k->overrun = false;
        k->again = true;
    }
    return n >= 0 || errno == ENOBUFS;
}

enum kroute_event kroutes_next(struct kroutes *k, struct kroute *r)
{
    for (;;) {
        if (k->tell_end) {
            k->tell_end = false;
            return KROUTE_END;
        }
        if (k->again && k->phase == IDLE) {
            k->again = false;
            ask(k, RTM_GETLINK, AF_UNSPEC, DEVICES_DUMP);
            return KROUTE_BEGIN;
        }
        if (!nlmsg_ok(k->at, k->left) || k->left == 0) {
            if (!fill(k))
                return KROUTE_NOTHING;
            continue;
        }
        struct nlmsghdr *h = k->at;
        k->at = nlmsg_next(h, &k->left);
        if ((h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) && h->nlmsg_seq == k->seq)
            done(k);
        else if (h->nlmsg_type == RTM_NEWLINK)
            hear_link(k, h);
        else if ((h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE) &&
                 read_route(k, h, r))
            return KROUTE_ROUTE;
    }
}
