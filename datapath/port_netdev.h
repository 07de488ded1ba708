/* datapath/port_netdev.h: a kernel network device, by name, in a network namespace.
 *
 * A socket stays in the namespace that it was made in. So one made in the
 * device's namespace, in a short-lived thread that enters it, serves for MTU,
 * address and link for as long as the port lives, and weftd's own threads never leave home.
 */
#ifndef WEFT_DATAPATH_PORT_NETDEV_H
#define WEFT_DATAPATH_PORT_NETDEV_H

#include <net/if.h>

#include "datapath/port.h"

struct netdev {
    int fd; /* for ioctls; -1: none */
    char name[IFNAMSIZ];
};

/* Runs fn(ctx) in a thread inside the namespace (a name under /run/netns or a path; NULL: ours).
 * Returns what fn returns, or -errno with a message when the namespace can't be entered. */
int netdev_in_netns(const char *netns, int (*fn)(void *ctx), void *ctx, struct errbuf *e);

/* Sets d->fd for the device called name; the device itself is not looked up. 0 or -errno. */
int netdev_open(struct netdev *d, const char *name, const char *netns, struct errbuf *e);
void netdev_close(struct netdev *d);

/* 0 or -errno. */
int netdev_get_mtu(const struct netdev *d, uint16_t *mtu);
int netdev_set_mtu(const struct netdev *d, uint16_t mtu);
int netdev_get_mac(const struct netdev *d, struct mac *mac);
int netdev_set_mac(const struct netdev *d, struct mac mac);
int netdev_set_up(const struct netdev *d, bool up);
/* Interface index, or -ENODEV. */
int netdev_index(const struct netdev *d);
/* Up means: administratively up and running. */
struct port_link netdev_link(const struct netdev *d);

#endif
