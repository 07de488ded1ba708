/* control/gateway_priv.h: what the files of the gateway share.
 *
 * gateway.c is made and follows the configuration; gateway_if.c interfaces and their addresses;
 * gateway_adj.c next hops by neighbours; gateway_static.c static routes; gateway_run.c the protocol
 * thread's turn; gateway_send.c what routers say themselves; gateway_json.c what people see. All
 * under `lock`.
 */
#ifndef WEFT_CONTROL_GATEWAY_PRIV_H
#define WEFT_CONTROL_GATEWAY_PRIV_H

#include <pthread.h>

#include "control/gateway.h"
#include "control/neigh.h"
#include "control/rib.h"
#include "datapath/pkt.h"
#include "datapath/port.h"
#include "datapath/router.h"
#include "vrrp/vrrp.h"

enum { GW_ADDRS_MAX = 32, GW_VIAS_MAX = ECMP_MEMBERS_MAX, GW_BUCKETS = 16384 };
enum { GW_VRRPS_MAX = 4096, GW_GROUPS_MAX = 256, GW_STATICS_MAX = 64 };

struct gw_addr {
    struct ip6 ip;
    uint8_t len;
    bool ip6;
};

struct gw_if {
    struct router_if *dp;     /* NULL: not in use */
    struct gw_router *router; /* NULL: belongs to none */
    uint16_t vlan;
    struct mac mac;
    bool up, dad;
    unsigned n_addrs;
    struct gw_addr addr[GW_ADDRS_MAX];
    struct {
        bool on, managed, other;
        uint16_t interval_s, lifetime_s;
        uint8_t n_dns;
        struct ip6 dns[4];
        unsigned sent; /* of the first few */
        nsec_t last, due;
    } ra;
    unsigned n_statics;
    struct gw_addr statics[GW_STATICS_MAX]; /* configured neighbours */
    uint32_t local_next, answer_next, link_next;
};

/* A next hop by a neighbour. */
struct gw_adj {
    struct gw_adj *chain;
    struct gw_if *ifc;
    struct ip6 ip;
    bool ip6;
    bool neighbour; /* the neighbour engine holds a reference: its MAC is known */
    uint32_t refs;
    uint32_t next;
};

struct gw_via {
    struct ip6 ip;
    uint16_t weight;
    char dev[WEFT_NAME_MAX];
};

/* A route of the configuration. */
struct gw_static {
    struct ip6 prefix;
    uint8_t len;
    bool ip6;
    enum next_kind kind; /* NEXT_VIA, NEXT_BLACKHOLE, NEXT_UNREACHABLE */
    unsigned n_vias;
    struct gw_via *via;
    unsigned n_adjs;
    struct gw_adj **adj; /* [n_vias] those that lead somewhere now */
    uint32_t group;      /* next hop of kind NEXT_GROUP; 0: none */
    bool wanted;
};

enum gw_track_kind { TRACK_PORT, TRACK_BOND, TRACK_CONTROLLER, TRACK_ROUTE };

/* What lowers a virtual router's priority. */
struct gw_track {
    enum gw_track_kind kind;
    uint8_t lower;   /* or VRRP_TRACK_FAULT */
    uint8_t members; /* of a bond: at least */
    uint16_t index;  /* of a port, when last seen */
    char name[64];   /* of port, bond, bridge; a route's prefix */
    struct ip6 prefix;
    uint8_t len;
    bool ip6;
};

struct gw_vrrp {
    struct gw_if *ifc; /* NULL: not in use */
    struct vrrp_config c;
    bool open;    /* its gate */
    bool tracked; /* had tracks when last looked at */
    unsigned n_tracks;
    struct gw_track track[VRRP_TRACKS_MAX];
    uint8_t lost[VRRP_TRACKS_MAX];
};

struct gw_router {
    char name[WEFT_NAME_MAX];
    struct router *dp;
    struct rib *rib[2]; /* IPv4, IPv6 */
    struct gw_static *statics;
    unsigned n_statics;
    struct gw_kernel *kernel; /* whose routes are mirrored; NULL: none's */
    bool wanted;
};

struct gateway {
    struct weft_switch *sw;
    struct routing *r;
    const struct log *log;
    pthread_mutex_t lock;
    struct neigh *neigh;
    struct gw_router *router[ROUTERS_MAX];
    struct gw_if ifs[ROUTER_IFS_MAX]; /* by number */
    unsigned n_ifs;                   /* numbers in use are below */
    struct gw_adj *bucket[GW_BUCKETS];
    struct gw_adj **by_next; /* [ROUTER_NEXTS_MAX] */
    uint32_t n_adjs;
    uint32_t blackhole, unreachable; /* next hops that all share */
    nsec_t now, used_due, track_due;
    struct vrrp *vrrp;                        /* NULL: nobody has asked for it */
    struct gw_vrrp *vr;                       /* [GW_VRRPS_MAX] by the engine's id */
    char group[GW_GROUPS_MAX][WEFT_NAME_MAX]; /* sync groups, by number - 1 */
};

static inline uint16_t gw_number(const struct gw_if *i) { return i->dp->number; }
struct gw_router *gw_router_find(struct gateway *g, const char *name);
static inline bool gw_is_link_local(const struct ip6 *a)
{
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}
bool gw_in_prefix(const struct gw_addr *a, const struct ip6 *ip);
struct ip6 gw_network(const struct ip6 *ip, uint8_t len);

/* ---- gateway_if.c ---- */

int gw_if_apply(struct gateway *g, struct port *p, const struct config_port *cp, struct errbuf *e);
void gw_if_down(struct gateway *g, struct gw_if *i);
/* The interface of v whose subnet has ip, or (dev not empty) of that name; NULL: none. */
struct gw_if *gw_if_for(struct gateway *g, const struct gw_router *v, const struct ip6 *ip,
                        bool ip6, const char *dev);
/* An address of ours to speak to `to` from; NULL: none of that family. */
const struct gw_addr *gw_if_source(const struct gw_if *i, const struct ip6 *to, bool ip6);

/* ---- gateway_adj.c ---- */

struct gw_adj *gw_adj_find(struct gateway *g, const struct gw_if *i, const struct ip6 *ip,
                           bool ip6);
/* With a reference more; NULL: no room. A new one asks for its neighbour at once. */
struct gw_adj *gw_adj_get(struct gateway *g, struct gw_if *i, const struct ip6 *ip, bool ip6);
void gw_adj_put(struct gateway *g, struct gw_adj *a);
/* At the very end: neighbours' are there until their neighbours are forgotten. */
void gw_adj_free_all(struct gateway *g);
/* The neighbour engine says where ip is, or that it isn't known any more. */
void gw_adj_update(struct gateway *g, struct gw_if *i, const struct neigh_action *a);
/* Tells the neighbour engine which are in use. */
void gw_adj_used(struct gateway *g);

/* ---- gateway_static.c ---- */

int gw_statics_apply(struct gateway *g, struct gw_router *v, const struct config_router *want,
                     struct errbuf *e);
/* Once more: interfaces have changed. */
int gw_statics_settle(struct gateway *g, struct gw_router *v, struct errbuf *e);
void gw_statics_free(struct gateway *g, struct gw_router *v);
/* Those that lead by this interface do so no more. */
void gw_statics_leave(struct gateway *g, const struct gw_if *i);

/* ---- gateway_kernel.c ---- */

/* table 0: none. */
int gw_kernel_apply(struct gateway *g, struct gw_router *v, uint32_t table, const char *netns,
                    struct errbuf *e);
/* Routes that lead by this interface (NULL: all) go. */
void gw_kernel_leave(struct gateway *g, struct gw_router *v, const struct gw_if *i);
void gw_kernel_free(struct gateway *g, struct gw_router *v);

/* ---- gateway_ra.c ---- */

void gw_ra_apply(struct gateway *g, struct gw_if *i, const struct config_port *cp);
/* Somebody solicits. */
void gw_ra_asked(struct gateway *g, struct gw_if *i);
/* Says what is due; returns when to come again. */
nsec_t gw_ra_run(struct gateway *g);

/* ---- gateway_vrrp.c, gateway_track.c ---- */

/* cp NULL: the interface goes. */
int gw_vrrp_apply(struct gateway *g, struct gw_if *i, const struct config_port *cp,
                  struct errbuf *e);
void gw_vrrp_gate(struct gateway *g, struct gw_vrrp *v, bool open);
/* Does what the engine has to say. */
void gw_vrrp_drain(struct gateway *g);
/* Are packets to this link-local virtual address taken? */
bool gw_vrrp_takes(const struct gateway *g, const struct gw_if *i, const struct ip6 *ip);
/* Looks at what is tracked; returns when to come again. */
nsec_t gw_tracks_run(struct gateway *g);

/* ---- gateway_send.c ---- */

/* A frame to a neighbour on i, ready but for MACs and TTL. Takes m. */
void gw_send_to(struct gateway *g, struct gw_if *i, struct rte_mbuf *m, struct mac to);
/* Frees m, counting why at the interface's port (i NULL: nowhere). */
void gw_drop(struct gateway *g, struct gw_if *i, struct rte_mbuf *m, enum drop_reason why);
/* An IP packet from a router itself, by its routes: Ethernet header blank, TTL one too high. Takes
 * m. i is where it is about, for link-local addresses. */
void gw_route_own(struct gateway *g, struct gw_if *i, struct rte_mbuf *m);
/* An ICMP error about m, which came in on i and stays the caller's. */
void gw_send_error(struct gateway *g, struct gw_if *i, const struct rte_mbuf *m, int what,
                   uint16_t mtu);
/* Waits for the neighbour, or goes. Takes m. */
void gw_resolve(struct gateway *g, struct gw_if *out, const struct ip6 *ip, bool ip6,
                struct rte_mbuf *m);
/* Does what the neighbour engine has to say. */
void gw_drain(struct gateway *g);
/* The interface that a punted frame came in on; NULL: it has gone since. */
struct gw_if *gw_if_of(struct gateway *g, const struct route_note *n);
/* Behind the Ethernet header of a frame with this ethertype; NULL: no buffers. */
struct rte_mbuf *gw_frame(struct gateway *g, uint16_t ethertype, const void *p, size_t len);

#endif
