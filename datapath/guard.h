/* datapath/guard.h: port security: a VM may say only what its bindings let it say.
 *
 * A port with a guard lets in a frame only if its source MAC, its ARP or Neighbor Discovery claims
 * and its IP source are bound to the port; and never what a guest has no business saying: DHCP
 * answers, router advertisements and redirects, tags of other VLANs, and EtherTypes other than
 * IPv4, IPv6, ARP and RARP. What is refused has a reason of its own each (drop.h, guard-*). Each
 * kind of check can be left out: a guard is a set of checks with the addresses that they are about.
 *
 * The check reads the frame's bytes itself and believes nobody: not the parser's key, whose cut off
 * fields read zero, nor lengths. What it can't read to the end it refuses (guard-malformed), as a
 * header chain that hides behind a fragment is the known way around an RA guard (RFC 7113, RFC
 * 6980, RFC 7112). Lengths of what the guest asks to be cut (GSO) are not compared with the frame.
 *
 * Bound without any IP address, a port's IP sources are not looked at. Bound to some, it may use
 * those, the unspecified address where the standards do (DHCP, ARP probes, DAD, MLD), and the
 * link-local addresses that follow from its MACs (RFC 4291 appendix A).
 *
 * Cost: ports without a guard share their one branch a burst with spanning tree (gate.h). Threads:
 * control publishes an immutable copy, workers read it.
 */
#ifndef WEFT_DATAPATH_GUARD_H
#define WEFT_DATAPATH_GUARD_H

#include "base/types.h"

struct burst;
struct port;
struct worker;

enum { GUARD_MACS_MAX = 8, GUARD_IPS_MAX = 32, GUARD_PASS = -1 };

enum guard_checks {
    GUARD_SOURCES = 1 << 0, /* MAC, IP, and what ARP and ND claim */
    GUARD_DHCP = 1 << 1,    /* no DHCP server (RFC 2131, RFC 8415); clients name their own MAC */
    GUARD_ROUTER = 1 << 2,  /* no router: RA and redirects (RFC 6105), ICMP 5 and 9 (RFC 1256) */
    GUARD_VLANS = 1 << 3,   /* only the tags that its port has */
    GUARD_TYPES = 1 << 4,   /* only IPv4, IPv6, ARP and RARP */
    GUARD_RATE = 1 << 5,    /* ARP, ND and DHCP at most so often */
    GUARD_ALL = (1 << 6) - 1,
};

/* Frames a second of ARP, ND and DHCP that a guarded port may send, and at once. */
enum { GUARD_TALK_PPS = 200, GUARD_TALK_BURST = 400 };

struct guard_ip {
    bool v6;
    uint8_t prefix; /* 32 or 128: one address */
    struct ip6 ip;
};

struct guard {
    uint32_t checks; /* enum guard_checks */
    uint8_t n_macs, n_ips;
    struct mac mac[GUARD_MACS_MAX];
    struct guard_ip ip[GUARD_IPS_MAX];
    bool tagged;              /* frames may have one tag, of `vids` */
    uint64_t vids[4096 / 64]; /* with tagged */
};

/* What a frame is to the guard. */
enum guard_kind {
    GUARD_DATA,
    GUARD_ASK,      /* it asks about a neighbour, or for an address */
    GUARD_ANNOUNCE, /* ARP, RARP or NA: it says that its sender is here */
};

/* May the first `len` bytes of a frame come in? GUARD_PASS or an enum drop_reason. Pure. */
int guard_check(const struct guard *g, const void *frame, size_t len, enum guard_kind *kind);

bool guard_has_mac(const struct guard *g, const uint8_t mac[6]);
/* Bound, inside a bound prefix, or a link-local address of a bound MAC. IPv4: the first 4 bytes. */
bool guard_has_ip(const struct guard *g, bool v6, const uint8_t *ip);

/* Publishes a copy; NULL: no guard. 0 or -ENOMEM. Control. */
int port_set_guard(struct port *p, const struct guard *g);

/* Workers (gate.c calls it): leaves the frames that may come in. */
void guard_admit(struct worker *w, struct port *p, struct burst *b);

#endif
