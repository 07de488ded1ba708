/* control/linkwatch.c: rtnetlink's group of links. */
#include "control/linkwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int linkwatch_open(void)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    int err = errno;
    close(fd);
    return -err;
}

/* Lost news (ENOBUFS) are news, too. */
void linkwatch_drain(int fd)
{
    char buf[16384];
    for (unsigned i = 0; i < 64; i++)
        if (recv(fd, buf, sizeof buf, 0) < 0 && errno != ENOBUFS)
            return;
}
