/* control/kroute.h: a table of the kernel's routes, as it is and as it changes (rtnetlink, by
 * libnl).
 *
 * A routing daemon (FRR) that knows nothing of us puts its routes into the kernel of a namespace,
 * or a VRF's table; here they are read: all of them once, then each change. When the kernel drops
 * changes because we were too slow (ENOBUFS), all are read again. The kernel's own routes (to its
 * addresses and subnets) are left out: a virtual router has its own of these. One thread.
 */
#ifndef WEFT_CONTROL_KROUTE_H
#define WEFT_CONTROL_KROUTE_H

#include "base/errbuf.h"
#include "base/types.h"

enum { KROUTE_WAYS_MAX = 64 };

enum kroute_kind { KROUTE_WAYS, KROUTE_BLACKHOLE, KROUTE_UNREACHABLE, KROUTE_GONE };

struct kroute_way {
    struct ip6 gateway;
    uint32_t ifindex; /* of the kernel's device */
    uint16_t weight;
    bool has_gateway; /* else on the device's link */
};

struct kroute {
    bool ip6;
    struct ip6 prefix;
    uint8_t len;
    enum kroute_kind kind;
    unsigned n;
    struct kroute_way way[KROUTE_WAYS_MAX];
};

enum kroute_event {
    KROUTE_NOTHING, /* for now */
    KROUTE_ROUTE,   /* one came, changed or went */
    KROUTE_BEGIN,   /* all are read from here */
    KROUTE_END,     /* to here: what wasn't named meanwhile is there no more */
};

struct kroutes;

/* netns NULL: ours. 0 or -errno with a message. */
int kroutes_open(uint32_t table, const char *netns, struct kroutes **out, struct errbuf *e);
void kroutes_close(struct kroutes *k);
/* The next thing that happened; never waits. */
enum kroute_event kroutes_next(struct kroutes *k, struct kroute *r);
/* Reads all once more. */
void kroutes_again(struct kroutes *k);
/* The name of a device there, or "" */
const char *kroutes_device(struct kroutes *k, uint32_t ifindex);

#endif
