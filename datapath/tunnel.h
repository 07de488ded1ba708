/* datapath/tunnel.h: VTEPs, the ways that lead from them, the endpoints that they know, and ports
 * into tunnels.
 *
 *   tenant port -> bridge -> vxlan port -> encap -> underlay port
 *   underlay port -> decap -> vxlan port -> bridge -> tenant port
 *
 * A VTEP is an address of ours on an underlay port (RFC 7348 section 3). A
 * vxlan port is a VNI of that VTEP in a bridge: what is sent to it is encapsulated and
 * goes out of the VTEP's underlay port, what is decapsulated for its VNI comes in on it. So
 * a VLAN is mapped to a VNI by making the vxlan port an access port of it, whose
 * egress takes the tag away (section 6.1); and the bridge needs to know nothing more of tunnels
 * than split horizon and the endpoint in a place of the FDB (fdb.h).
 *
 * An endpoint is a remote VTEP as seen from one of ours, with its prebuilt header and its next
 * hop. Its number is dense, 1..; it never changes or goes away while its VTEP
 * lives, and so may lie in the FDB. A frame's endpoints are: the one that the FDB says; else
 * that of a point-to-point port; else all of the port's flood list (head-end
 * replication, or one multicast group). A port whose remote is the flow's goes before all that
 * where an action has set tun_dst; tun_src may be set to our own address only.
 *
 * Workers read VTEPs, endpoints and the maps without locks. They also add endpoints (the source of
 * a frame, when the VTEP takes unknown ones): each is a slot of a table made with the VTEP and
 * claimed by compare-and-swap. All else is control's; next hops are under its lock.
 */
#ifndef WEFT_DATAPATH_TUNNEL_H
#define WEFT_DATAPATH_TUNNEL_H

#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "datapath/binding.h"
#include "datapath/fdb.h"
#include "vxlan/outer.h"

struct port;
struct port_options;
struct rte_mbuf;
struct weft_switch;
struct worker;
struct burst;

/* ------------------------------------------------------------ ways */

enum {
    VTEP_LINKS_MAX = 4,    /* of a VTEP */
    VTEP_HOPS_MAX = 64,    /* routers that its routes name */
    VTEP_ROUTES_MAX = 256, /* of a VTEP */
    VTEP_VIAS_MAX = 8,     /* next hops of a route */
};

/* A port, or a VLAN of it, on which the underlay is reached, with our address and MAC there. Link
 * 0 is the VTEP's own; others are further ways, by which the VTEP's address is heard, too. */
struct vtep_link {
    struct vtep *v;
    uint8_t index;
    uint8_t prefix_len; /* what is on the link */
    uint16_t vlan;      /* 0: untagged */
    struct mac mac;
    struct ip6 ip;
    const struct outer_local *_Atomic local; /* replaced whole when a group comes or goes */
    struct port *_Atomic uplink;             /* NULL: none yet */
    struct vtep_link *_Atomic next_on_port;
};

/* Of hop.mac, beside the 48 bits of the MAC. */
#define HOP_KNOWN  (UINT64_C(1) << 48)
#define HOP_STATIC (UINT64_C(1) << 49)
#define HOP_DEAD   (UINT64_C(1) << 50) /* it was asked and doesn't answer */

/* Who gets the frame on a link. control/underlay.h finds out where it is. */
struct hop {
    struct ip6 ip;
    uint8_t link;
    _Atomic bool used;    /* a worker sent to it since control looked last */
    _Atomic uint64_t mac; /* and HOP_* */
};

/* ------------------------------------------------------------ endpoints */

struct endpoint {
    bool multicast; /* a group: its MAC follows from its address */
    struct ip6 ip;
    struct hop own;          /* when it is on a link of ours */
    struct hop *_Atomic hop; /* own, or a router's; NULL: there is no way to it */
    struct outer_head head;  /* for link 0 */
};

/* ------------------------------------------------------------ our VTEPs */

enum tunnel_dscp {
    TUNNEL_DSCP_PIPE,    /* outer: configured; inner: as it was (RFC 2983 section 3.1) */
    TUNNEL_DSCP_UNIFORM, /* copied out, and in again */
};

/* A further link. */
struct vtep_link_options {
    uint8_t prefix_len;
    uint16_t vlan;
    struct ip6 ip;
    struct mac mac; /* zero: from the address */
};

struct vtep_options {
    const char *name;
    struct outer_local local; /* groups are added by ports; mac zero: from the address */
    uint8_t prefix_len;       /* what is on link 0 */
    const struct vtep_link_options *links;
    unsigned n_links;
    uint8_t ttl;   /* 0: 64 */
    bool no_df;    /* IPv4: routers may fragment */
    bool csum4;    /* a UDP checksum over IPv4, too */
    bool no_csum6; /* none over IPv6 (RFC 6935) */
    enum tunnel_dscp dscp_mode;
    uint8_t dscp;          /* of pipe mode, 0..63 */
    bool allow_inner_vlan; /* tagged tenants' frames (RFC 7348 section 6.1: drop) */
    bool allow_nested;     /* tenants' frames that are VXLAN again */
    bool known_only;       /* only from endpoints that ports name or that were put in */
};

enum { VTEP_INDEX_BITS = 14 };

/* Which port a frame of a VNI comes in on; immutable, open addressing. */
struct vni_map {
    uint32_t mask;
    bool with_remote, any_vni; /* such keys are in: worth a probe */
    struct {
        uint64_t key; /* vni_key(), 0: empty */
        struct tunnel_port *port;
    } slot[];
};

struct vtep {
    char name[WEFT_NAME_MAX];
    struct weft_switch *sw;
    struct vtep_options opt;
    uint16_t slot;   /* in weft_switch.vteps */
    uint64_t serial; /* no other VTEP of the switch ever had it */
    struct vtep_link link[VTEP_LINKS_MAX];
    unsigned n_links;
    struct hop hops[VTEP_HOPS_MAX]; /* zero address: free */
    const struct vtep_routes *_Atomic routes;
    bool routed; /* it has had routes: what no prefix has isn't on link 0 */
    const struct vni_map *_Atomic map;
    struct tunnel_port **ports; /* control's */
    unsigned n_ports;
    struct endpoint *endpoints;   /* [FDB_ENDPOINTS_MAX], by number; 0 unused */
    _Atomic uint32_t n_endpoints; /* numbers given */
    _Atomic uint16_t *index;      /* hash of addresses -> number */
    uint64_t hash_key;
};

/* o->name must be new. 0 or -errno with a message. Control, as all to the end but where said. */
int vtep_create(struct weft_switch *sw, const struct vtep_options *o, struct vtep **out,
                struct errbuf *e);
/* Its ports must be gone. NULL is fine. */
void vtep_destroy(struct vtep *v);
struct vtep *vtep_find(const struct weft_switch *sw, const char *name);
/* p becomes the port of link `link`; NULL: none. -EINVAL: p is itself a tunnel. Again with the same
 * p when its MTU has changed. */
int vtep_set_uplink(struct vtep *v, unsigned link, struct port *p, struct errbuf *e);
/* p is about to go: VTEPs lose it. */
void vtep_port_gone(struct port *p);
/* The least of its links' ports; 0: it has none. */
uint16_t vtep_underlay_mtu(const struct vtep *v);

/* Any thread. The number, or 0: not known. */
uint16_t endpoint_find(const struct vtep *v, const struct ip6 *ip);
/* The same; one that is not known becomes known. 0: there is no more room, or another thread is
 * adding it this instant. */
uint16_t endpoint_add(struct vtep *v, const struct ip6 *ip);
static inline struct endpoint *endpoint_at(const struct vtep *v, uint16_t number)
{
    return &v->endpoints[number];
}

/* ------------------------------------------------------------ routes (tunnel_path.c)
 *
 * A remote VTEP is reached over the longest prefix that it is in, of a link's or a route's. Of all
 * that it is in and of each one's next hops, the first that is best is taken: a neighbour that
 * is known, on a link that is up, before one that isn't known yet, before one that is dead. So a
 * dead router or link moves tunnels to the next, and back. Control's lock (control/underlay.h);
 * workers read routes only when they note a new endpoint. */

struct vtep_route_options {
    struct ip6 to;
    uint8_t len;
    uint8_t n;
    struct ip6 via[VTEP_VIAS_MAX];
};

struct vtep_route {
    struct ip6 to;
    uint8_t len, n;
    struct hop *via[VTEP_VIAS_MAX];
};

/* Longest prefixes first; immutable. */
struct vtep_routes {
    unsigned n;
    struct vtep_route r[];
};

/* Those and no others. -EINVAL: too many, with a message; -ENOMEM. */
int vtep_set_routes(struct vtep *v, const struct vtep_route_options *r, unsigned n,
                    struct errbuf *e);
/* Looks again which way each endpoint goes, as links and neighbours are now. Returns how many
 * took another. */
unsigned vtep_reroute(struct vtep *v);
/* What neighbours say of ip on a link: HOP_* and a MAC, or 0: nothing. True: a hop of ours changed.
 */
bool vtep_hop_set(struct vtep *v, unsigned link, const struct ip6 *ip, uint64_t mac);
/* Which link has it in its prefix: the first of the longest; link 0 when none has. */
unsigned vtep_link_for(const struct vtep *v, const struct ip6 *ip);
/* The same as vtep_hop_set() of a neighbour that stays; mac zero: not any more. -ENOSPC. */
int vtep_set_neighbour(struct vtep *v, const struct ip6 *ip, struct mac mac);

/* Any thread: where it goes now; NULL: nowhere. */
struct hop *vtep_path(struct vtep *v, struct endpoint *p);
bool vtep_link_up(const struct vtep *v, unsigned link);

/* ------------------------------------------------------------ ports into tunnels */

struct tunnel_flood {
    uint16_t n;
    uint16_t to[]; /* endpoints */
};

struct tunnel_port {
    struct port *port;
    struct vtep *vtep;
    uint32_t vni;
    bool auto_mtu;         /* the port's MTU follows the underlay's */
    bool any_vni;          /* key: flow. The VNI is the packet's tunnel_id */
    bool any_remote;       /* remote_ip: flow. It goes where an action set tun_dst to, if one did */
    uint16_t remote;       /* endpoint of a point-to-point port, who alone is heard; 0: any */
    struct ip6 group;      /* zero: none */
    _Atomic bool suppress; /* answers ARP and ND from what is known */
    struct binding_user user; /* of sw->bindings: what is known */
    _Atomic uint64_t answered;
    bool has_hosts; /* control's: some are configured */
    const struct tunnel_flood *flood;
};

/* m is longer than tunnel port p may send, and about to be dropped: a router's interface in its
 * VLAN tells its sender, if there is one, a few times a second. Workers; m stays the caller's. */
void tunnel_too_big(struct worker *w, const struct port *p, const struct rte_mbuf *m);
/* suppress.c, workers. A tenant's frame that came out of t tells who has which address. */
void tunnel_bind(struct worker *w, struct tunnel_port *t, const uint8_t *frame, size_t len);
/* m is about to be flooded into t. True: it asked for an address that is known, and was answered.
 */
bool tunnel_answer(struct worker *w, struct tunnel_port *t, const struct rte_mbuf *m);
/* The longest IP packet of a tenant that fits an underlay of this MTU. */
uint16_t tunnel_inner_mtu(const struct vtep *v, uint16_t underlay_mtu);
/* Makes it hear its VNI; -EEXIST: another port does. For port_vxlan.c. */
int tunnel_port_join(struct tunnel_port *t, struct errbuf *e);
void tunnel_port_leave(struct tunnel_port *t);
/* Workers: where a frame of vni from this endpoint comes in; NULL: nowhere. */
struct tunnel_port *tunnel_port_for(const struct vtep *v, uint32_t vni, uint16_t endpoint);

/* ------------------------------------------------------------ stages (workers) */

/* decap.c: takes from b, which came in on p, what is for the VTEPs behind p. */
void stage_decap(struct worker *w, struct port *p, struct burst *b);
/* encap.c: tx_burst of vxlan ports. */
uint16_t tunnel_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);

/* A decapsulated frame's way in (pipeline.c): what is known of it besides its bytes. */
struct tunnel_in {
    struct port *port;
    uint32_t vni;
    uint16_t from; /* endpoint */
    uint8_t ttl;   /* of the outer header */
};

/* underlay.c: ARP (RFC 826) and Neighbor Discovery (RFC 4861) on a VTEP's link go to control, which
 * asks and answers. True: it was ours alone and m is taken. */
bool underlay_neighbour(struct worker *w, struct vtep_link *l, struct rte_mbuf *m);
/* A frame to endpoint number `to`, whole but for the destination's MAC, waits for that. Takes m. */
void underlay_wait(struct worker *w, struct vtep *v, uint16_t to, struct rte_mbuf *m);

/* Notes of what comes with PUNT_UNDERLAY, in struct pkt: `reason`, and who it is about. */
enum underlay_why { UNDERLAY_NEIGHBOUR, UNDERLAY_WAIT };

/* Link and VTEP by pkt.cookie; NULL: it has gone. Under control's lock. */
/* Any thread: a worker sends m by that link, or (why) drops it. Takes m. */
void underlay_out(struct weft_switch *sw, uint64_t cookie, struct rte_mbuf *m, int why);
/* Worker 0, when weft_switch.out_waiting says so. */
void stage_underlay_out(struct worker *w);

uint64_t underlay_cookie(const struct vtep *v, unsigned link);
struct vtep_link *underlay_link(const struct weft_switch *sw, uint64_t cookie);

#endif
