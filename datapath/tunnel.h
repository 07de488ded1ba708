/* datapath/tunnel.h: VTEPs, the endpoints that they know, and ports into tunnels.
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
 * An endpoint is a remote VTEP as seen from one of ours, with its prebuilt header and the MAC
 * of its next hop. Its number is dense, 1..; it never changes or goes away while its VTEP
 * lives, and so may lie in the FDB. A frame's endpoints are: the one that the FDB says; else
 * that of a point-to-point port; else all of the port's flood list (head-end
 * replication, or one multicast group). A port whose remote is the flow's goes before all that
 * where an action has set tun_dst; tun_src may be set to our own address only.
 *
 * Workers read VTEPs, endpoints and the maps without locks. They also add endpoints (the source of
 * a frame, when the VTEP takes unknown ones) and set next hops' MACs: each is a slot
 * of a table made with the VTEP and claimed by compare-and-swap. All else is control's.
 */
#ifndef WEFT_DATAPATH_TUNNEL_H
#define WEFT_DATAPATH_TUNNEL_H

#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "datapath/fdb.h"
#include "vxlan/outer.h"

struct port;
struct port_options;
struct rte_mbuf;
struct weft_switch;
struct worker;
struct burst;

/* ------------------------------------------------------------ next hops */

/* Who gets the frame on the underlay's link. mac: 48 bits, and HOP_* above. */
#define HOP_KNOWN  (UINT64_C(1) << 48)
#define HOP_STATIC (UINT64_C(1) << 49)

struct hop {
    struct ip6 ip;
    _Atomic uint64_t mac;        /* HOP_KNOWN: this is it */
    _Atomic nsec_t confirmed_ns; /* when it last said so itself */
    _Atomic nsec_t asked_ns;     /* when we last asked; 0: never */
    _Atomic uint32_t unanswered; /* questions since then */
};

/* ------------------------------------------------------------ endpoints */

struct endpoint {
    bool multicast; /* a group: its MAC follows from its address */
    struct ip6 ip;
    struct hop own;  /* when it is on our link */
    struct hop *hop; /* own, or the gateway's */
    struct outer_head head;
};

/* ------------------------------------------------------------ our VTEPs */

enum tunnel_dscp {
    TUNNEL_DSCP_PIPE,    /* outer: configured; inner: as it was (RFC 2983 section 3.1) */
    TUNNEL_DSCP_UNIFORM, /* copied out, and in again */
};

struct vtep_options {
    const char *name;
    struct outer_local local; /* groups are added by ports; mac zero: from the address */
    uint8_t prefix_len;       /* what is on our link; 0: everything */
    struct ip6 gateway;       /* for the rest; zero: none */
    uint8_t ttl;              /* 0: 64 */
    bool no_df;               /* IPv4: routers may fragment */
    bool csum4;               /* a UDP checksum over IPv4, too */
    bool no_csum6;            /* none over IPv6 (RFC 6935) */
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
    const struct outer_local *_Atomic local; /* replaced whole when a group comes or goes */
    struct port *_Atomic uplink;             /* NULL: none yet */
    struct vtep *_Atomic next_on_port;
    const struct vni_map *_Atomic map;
    struct tunnel_port **ports; /* control's */
    unsigned n_ports;
    struct hop gateway;
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
/* p becomes the way to the underlay; NULL: none. -EINVAL: p is itself a tunnel. Again with the same
 * p when its MTU has changed. */
int vtep_set_uplink(struct vtep *v, struct port *p, struct errbuf *e);
/* p is about to go: VTEPs lose it. */
void vtep_port_gone(struct port *p);
/* Says where ip is; it is not asked for any more. mac zero: forgets that. -ENOSPC. */
int vtep_set_neighbour(struct vtep *v, const struct ip6 *ip, struct mac mac);

/* Any thread. The number, or 0: not known. */
uint16_t endpoint_find(const struct vtep *v, const struct ip6 *ip);
/* The same; one that is not known becomes known. 0: there is no more room, or another thread is
 * adding it this instant. */
uint16_t endpoint_add(struct vtep *v, const struct ip6 *ip);
static inline struct endpoint *endpoint_at(const struct vtep *v, uint16_t number)
{
    return &v->endpoints[number];
}

/* ------------------------------------------------------------ ports into tunnels */

struct tunnel_flood {
    uint16_t n;
    uint16_t to[]; /* endpoints */
};

struct tunnel_port {
    struct port *port;
    struct vtep *vtep;
    uint32_t vni;
    bool auto_mtu;    /* the port's MTU follows the underlay's */
    bool any_vni;     /* key: flow. The VNI is the packet's tunnel_id */
    bool any_remote;  /* remote_ip: flow. It goes where an action set tun_dst to, if one did */
    uint16_t remote;  /* endpoint of a point-to-point port, who alone is heard; 0: any */
    struct ip6 group; /* zero: none */
    const struct tunnel_flood *flood;
};

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
};

/* underlay.c: ARP (RFC 826) and neighbour discovery (RFC 4861) of our addresses. True: it was that
 * and m is taken. */
bool underlay_neighbour(struct worker *w, struct vtep *v, struct rte_mbuf *m);
/* The next hop's MAC as HOP_*; asks for it when it is unknown or getting old. 0: not known. */
uint64_t underlay_hop(struct worker *w, struct vtep *v, struct hop *h);
/* Control, about once a second: asks for those that ports flood to before frames need them. */
void vtep_resolve(struct vtep *v, nsec_t now);

#endif
