/* datapath/router.h: virtual routers.
 *
 *   a VLAN's port -> bridge (NORMAL or rules) -> router port -> route -> router port -> bridge ->
 * ...
 *
 * A router's interface is a port of a bridge (kind "router"), as a tunnel is: NORMAL finds its MAC
 * in the FDB and floods to it, OpenFlow outputs to it, and what leaves the router comes in on the
 * interface's port as from any station: through the tables, learning and VLANs of that bridge. So a
 * bridge without a router pays nothing, and an interface on a VNI is one on the VLAN of its vxlan
 * port. A router (VRF) has a FIB of each family; an entry's value is the number of a struct
 * next_hop: to us, on the link, by a neighbour whose MAC is in it, nowhere, or a group.
 * Neighbours are host routes, so one look-up says all.
 *
 * What the fast path can't decide goes to control with a struct route_note: messages of neighbours
 * and packets that wait for one (PUNT_NEIGH), packets for ourselves and copies of those that an
 * ICMP error is due for (PUNT_ROUTER), VRRP (PUNT_PROTO). Each interface polices each of these
 * before the shared rings do, so that one tenant's flood silences no other's gateway.
 *
 * Workers read; control and the protocol thread write under a lock of theirs (control/gateway.h).
 * A number is used again only after a grace period.
 */
#ifndef WEFT_DATAPATH_ROUTER_H
#define WEFT_DATAPATH_ROUTER_H

#include <rte_mbuf.h>
#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "datapath/ecmp.h"
#include "datapath/fib.h"

struct port;
struct weft_switch;
struct worker;

enum {
    ROUTERS_MAX = 1024,
    ROUTER_IFS_MAX = 4096,
    ROUTER_NEXTS_MAX = 1 << 18, /* of a switch: neighbours, gateways, groups */
};

enum next_kind {
    NEXT_NONE,        /* not in use: no route */
    NEXT_LOCAL,       /* an address of ours on `ifc`, for packets to it, too */
    NEXT_ANSWER,      /* of ours, but only asked for: VRRP without accept mode */
    NEXT_LINK,        /* on the link of `ifc`, neighbour not known */
    NEXT_VIA,         /* by a neighbour on `ifc`; its MAC may be unknown */
    NEXT_BLACKHOLE,   /* silently nowhere */
    NEXT_UNREACHABLE, /* nowhere, and say so */
    NEXT_GROUP,       /* one of several */
};

#define NEXT_KNOWN (UINT64_C(1) << 48) /* of `mac`: it is known */

struct next_hop {
    _Atomic uint64_t mac; /* of a neighbour, mac_to_u64(), and NEXT_KNOWN */
    struct router_if *ifc;
    struct ecmp *group;
    uint8_t kind;
    _Atomic uint8_t used; /* workers set it, control clears: the neighbour is looked after */
};

/* ------------------------------------------------------------ interfaces */

enum router_urpf { URPF_OFF, URPF_LOOSE, URPF_STRICT };

/* What an interface's policers keep apart, each in packets a second. */
enum router_police {
    POLICE_REQUEST, /* ARP requests, NS, RS */
    POLICE_REPLY,   /* ARP replies and NA to us */
    POLICE_RESOLVE, /* packets without a neighbour */
    POLICE_LOCAL,   /* to ourselves */
    POLICE_ERROR,   /* that an ICMP error is due for */
    POLICE_CLASSES
};

struct router_if {
    struct router *_Atomic router; /* NULL: belongs to none yet */
    struct port *port;
    uint16_t number; /* dense in the switch */
    uint16_t gen;    /* which user of the number */
    uint64_t mac;    /* mac_to_u64() */
    uint16_t ip4_mtu_min;
    _Atomic uint8_t urpf;
    _Atomic bool local_only;      /* anycast: says nothing to and hears nothing of other hosts' */
    _Atomic bool relay;           /* DHCP is for us */
    _Atomic bool vrrp;            /* VRRP is for us */
    _Atomic uint64_t gate[2][4];  /* VRIDs whose MAC is ours: [IPv6][bit] */
    _Atomic uint64_t vrids[2][4]; /* VRIDs that are configured: others' packets are dropped */
    _Atomic nsec_t police[POLICE_CLASSES];
    _Atomic nsec_t police_vrid[2][256];
};

static inline bool vrid_bit(const _Atomic uint64_t *set, uint8_t vrid)
{
    return atomic_load_explicit(&set[vrid >> 6], memory_order_relaxed) >> (vrid & 63) & 1;
}

/* Protocol thread: one store opens or closes the virtual MAC. */
void router_gate(struct router_if *i, bool ip6, uint8_t vrid, bool open);
void router_vrid(struct router_if *i, bool ip6, uint8_t vrid, bool configured);
/* 00-00-5E-00-01-VRID, 00-00-5E-00-02-VRID (RFC 9568 section 7.3). */
static inline uint64_t router_vmac(bool ip6, uint8_t vrid)
{
    return UINT64_C(0x00005e000100) + (ip6 ? 0x100 : 0) + vrid;
}

/* port_router.c: a frame of the router's own, ready but for the bridge's tag, comes in on the
 * interface's port. Any thread; takes m. False: its queue was full, m is freed. */
bool router_port_send(struct port *p, struct rte_mbuf *m);
/* Control: waits a little until the worker has sent what router_port_send() took. */
void router_port_drain(struct port *p);

/* ------------------------------------------------------------ routers */

struct router {
    char name[WEFT_NAME_MAX];
    uint16_t index;
    struct fib *fib4, *fib6;
};

/* Of a switch; made with it. */
struct routing {
    struct next_hop *next; /* [ROUTER_NEXTS_MAX] by number; 0: no route */
    struct router *router[ROUTERS_MAX];
    struct router_if *ifs[ROUTER_IFS_MAX];
    uint16_t if_gen[ROUTER_IFS_MAX];
    uint32_t *spare; /* numbers to give again */
    uint32_t n_spare, n_given, n_limbo;
    uint32_t *limbo; /* given back, but a worker may look */
    uint64_t hash_key;
    struct rcu *rcu;
};

int routing_create(struct rcu *rcu, uint64_t hash_key, struct routing **out);
void routing_free(struct routing *r);

/* Control, under its lock, all to the end. max_routes: of each family. */
int router_create(struct routing *r, const char *name, uint32_t max_routes, struct router **out,
                  struct errbuf *e);
/* Its interfaces must be gone or belong to another. NULL is fine. */
void router_destroy(struct routing *r, struct router *v);

/* A number whose next hop is n; 0: none is left. */
uint32_t next_new(struct routing *r, const struct next_hop *n);
/* No route may lead to it any more. Frees its group. */
void next_free(struct routing *r, uint32_t number);

/* For port_router.c: an interface that belongs to no router yet; NULL: no memory or number. */
struct router_if *router_if_new(struct weft_switch *sw, struct port *p);
void router_if_free(struct router_if *i);

/* ------------------------------------------------------------ to control */

enum route_why {
    ROUTE_WHY_NEIGH,   /* PUNT_NEIGH: ARP or ND */
    ROUTE_WHY_RESOLVE, /* PUNT_NEIGH: waits for the neighbour of next hop `next` */
    ROUTE_WHY_LOCAL,   /* PUNT_ROUTER: for us */
    ROUTE_WHY_TTL,     /* PUNT_ROUTER, copies: why an error is due */
    ROUTE_WHY_TOO_BIG,
    ROUTE_WHY_NO_ROUTE,
    ROUTE_WHY_VRRP, /* PUNT_PROTO */
    ROUTE_WHY_COUNT
};

/* In the mbuf's struct pkt: cookie and the rest. */
struct route_note {
    uint16_t ifc, gen; /* the interface it came in on */
    uint32_t next;     /* WHY_RESOLVE, WHY_TOO_BIG */
    uint16_t mtu;      /* WHY_TOO_BIG */
    enum route_why why;
};
void route_note_put(struct rte_mbuf *m, const struct route_note *n);
struct route_note route_note_get(const struct rte_mbuf *m);

/* Control is told that m (its IP header `tags` bytes behind where Ethernet alone would end) was too
 * long for a link of i's subnet, whose MTU is this, if i's policer allows. m stays the caller's. */
void route_error_about(struct worker *w, struct router_if *i, const struct rte_mbuf *m,
                       uint16_t tags, uint16_t mtu);

/* Rewrites an IP packet for next hop n (VIA, MAC known): addresses, TTL. Workers, and control for
 * packets that waited. The frame is Ethernet without tags, its IP header checked. */
void route_rewrite(struct rte_mbuf *m, const struct next_hop *n, uint64_t mac);

/* ------------------------------------------------------------ stage (workers) */

/* tx_burst of router ports: what the bridge gives the router waits for stage_route(). */
uint16_t router_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
/* Routes what waits; it goes on into bridges, and so maybe into routers again. */
void stage_route(struct worker *w);

#endif
