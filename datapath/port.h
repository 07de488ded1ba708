/* datapath/port.h: where frames come in and go out.
 *
 * Every port is {rx_burst, tx_burst} plus a few slow-path verbs, in a `struct
 * port_ops`, one file a kind (port_tap.c, port_vhost.c, ...). The switch side
 * (bridge, VLAN mode, counters) is the same for all.
 *
 * Threads: control creates, changes and destroys ports; exactly one worker
 * polls a port's rx; any worker may transmit. Where a device has fewer tx
 * queues than there are workers, the kind serialises inside its tx_burst.
 * A port is published to workers by pointer and freed only after an RCU grace
 * period (rcu.h), so rx_burst and tx_burst never see a closed device.
 *
 * Offloads travel as mbuf flags: RTE_MBUF_F_TX_TCP_CKSUM/UDP_CKSUM (the
 * checksum field holds the pseudo-header sum) and RTE_MBUF_F_TX_TCP_SEG /
 * TX_UDP_SEG with tso_segsz and l2_len/l3_len/l4_len. rx_burst of a kind that
 * negotiates offloads (tap, vhost-user, af_packet) translates virtio_net_hdr to
 * these; tx_burst of a kind with PORT_CAP_CSUM/PORT_CAP_TSO translates back; for the
 * others tx (offload.h) resolves them in software before tx_burst is called. A frame
 * whose checksum is known good has RTE_MBUF_F_RX_L4_CKSUM_GOOD.
 */
#ifndef WEFT_DATAPATH_PORT_H
#define WEFT_DATAPATH_PORT_H

#include <rte_mbuf.h>
#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "base/types.h"
#include "datapath/gate.h"

struct bridge;
struct weft_switch;
struct port;
struct tunnel_port;
struct vtep_link;
struct bond;
struct guard;
struct router_if;

enum port_caps {
    PORT_CAP_CSUM = 1 << 0, /* takes frames with a partial TCP/UDP checksum */
    PORT_CAP_TSO4 = 1 << 1, /* takes TCP segments to be cut, IPv4 */
    PORT_CAP_TSO6 = 1 << 2,
    PORT_CAP_USO = 1 << 3,      /* UDP segmentation (UDP_L4) */
    PORT_CAP_MULTISEG = 1 << 4, /* takes chained mbufs */
    PORT_CAP_BOND = 1 << 5,     /* has no queue: its members have (bond.h) */
};

/* How a bridge treats VLANs on a port when NORMAL decides, in Open vSwitch's terms. */
enum vlan_mode {
    VLAN_TRUNK,
    VLAN_ACCESS,
    VLAN_NATIVE_TAGGED,
    VLAN_NATIVE_UNTAGGED,
    VLAN_DOT1Q_TUNNEL
};
enum prio_tags { PRIO_TAGS_NO, PRIO_TAGS_NONZERO, PRIO_TAGS_ALWAYS };

struct port_vlan {
    enum vlan_mode mode;
    uint16_t tag; /* access, native or tunnel VLAN; 0: none */
    enum prio_tags priority_tags;
    uint16_t qinq_ethtype;      /* dot1q-tunnel: 0x88a8 or 0x8100, host order */
    uint64_t trunks[4096 / 64]; /* allowed VLANs; all zero: every VLAN */
    uint64_t cvlans[4096 / 64]; /* dot1q-tunnel: allowed customer VLANs; all zero: every */
    bool every; /* a trunk of every VLAN that adds no tags: nothing to check. port_set_vlan's */
};

/* What a port is made from: control's configuration, already validated. A
 * string that is not given is NULL, a number that is not given 0. */
struct port_options {
    const char *name; /* unique in the switch, < WEFT_NAME_MAX */
    const char *type; /* "tap", "vhost-user", ... */
    const char
        *ifname;       /* tap: kernel device name (default: name); af_packet: device to attach to */
    const char *netns; /* tap, af_packet: namespace of the device (path or name) */
    const char *path;  /* vhost-user: socket */
    bool server;       /* vhost-user: we listen (default: we are client, with reconnect) */
    const char *pcap_in;       /* pcap: file to receive from */
    const char *pcap_out;      /* pcap: file to write to */
    bool pcap_loop;            /* pcap: start again at the end of the file */
    const char *devargs;       /* dpdk: "net_memif0,role=client", "0000:01:00.0" */
    struct mac mac;            /* all zero: chosen from the name and switch, or the device's own */
    uint16_t mtu;              /* 0: 1500 */
    bool offloads_off;         /* negotiate none */
    const char *vtep;          /* vxlan: ours that it goes through */
    uint32_t vni;              /* vxlan: 0..2^24-1 */
    bool any_vni;              /* vxlan: every VNI without a port of its own, as tunnel_id */
    const struct ip6 *remotes; /* vxlan: who floods go to, as addresses of the VTEP's family */
    unsigned n_remotes;
    bool any_remote;     /* vxlan: goes where actions set tun_dst to */
    bool point_to_point; /* vxlan: remotes[0] is the only one that is heard */
    uint16_t queues;     /* vhost-user, dpdk: queue pairs; 0: 1 */
};

struct port_link {
    bool up;
    uint32_t speed_mbps; /* 0: unknown */
    bool full_duplex;
};

struct port_ops {
    const char *type;
    /* Makes the device; sets port->impl, caps, mac and numa as they turn out. 0 or -errno with a
     * message. */
    int (*open)(struct port *p, const struct port_options *o, struct errbuf *e);
    /* Undoes open; called after the grace period. */
    void (*close)(struct port *p);
    /* Up to n frames from queue; returns how many. Frames have data in one
     * segment up to the end of L4, and at least 14 bytes (shorter: counted as
     * DROP_RX_TRUNCATED through port_rx_drop()). */
    uint16_t (*rx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
    /* Sends the first k of n, returns k; takes ownership of those k only. The
     * rest is dropped by the caller as TX_FULL. A frame the device refuses for good is
     * freed by the kind, counted with port_tx_drop(), and is among the k. */
    uint16_t (*tx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
    /* File descriptor that becomes readable when rx_burst would return frames, or -1: poll. */
    int (*rx_fd)(struct port *p);
    /* Called before a worker sleeps / after it wakes: turn rx notification on / off.
     * rx_arm returns true when frames are already waiting (do not sleep). May be NULL. */
    bool (*rx_arm)(struct port *p);
    void (*rx_disarm)(struct port *p);
    /* Slow-path verbs; each may be NULL when the kind can't: -EOPNOTSUPP with a message. */
    int (*set_mtu)(struct port *p, uint16_t mtu, struct errbuf *e);
    int (*set_mac)(struct port *p, struct mac mac, struct errbuf *e);
    int (*set_admin)(struct port *p, bool up, struct errbuf *e);
    struct port_link (*link)(struct port *p);
};

/* One worker's counters of one port; only that worker writes. 64-bit, never reset. */
struct port_stats {
    uint64_t rx_packets, rx_bytes, rx_dropped, rx_errors;
    uint64_t tx_packets, tx_bytes, tx_dropped, tx_errors;
} __rte_cache_aligned;

/* OFPPC_* bits that OpenFlow's port-mod and `weftctl port set` change. */
enum port_config {
    PORT_CFG_DOWN = 1 << 0,
    PORT_CFG_NO_RECV = 1 << 2,
    PORT_CFG_NO_FWD = 1 << 5,
    PORT_CFG_NO_PACKET_IN = 1 << 6,
};

struct port {
    const struct port_ops *ops;
    void *impl;
    char name[WEFT_NAME_MAX];
    _Atomic uint32_t gen; /* weft_switch.port_gen when it was attached: dates its learn events */
    uint16_t index;       /* dense in the switch: weft_switch.ports[index] */
    uint16_t mtu;         /* bytes after the Ethernet header and tags */
    uint32_t caps;        /* enum port_caps */
    uint32_t ofp_no;      /* OpenFlow port number in its bridge; OFPP_LOCAL for the local port */
    uint16_t rx_queues, tx_queues;
    struct mac mac;
    _Atomic uint32_t config; /* enum port_config */
    _Atomic bool link_up;
    struct bridge *bridge; /* NULL: attached to none */
    const struct port_vlan *_Atomic vlan;
    struct tunnel_port *tunnel; /* NULL but for the kind vxlan: the far end is a VTEP (tunnel.h) */
    struct router_if *router;   /* NULL but for the kind router: router.h */
    struct vtep_link *_Atomic vteps; /* of VTEPs that reach the underlay by this port; NULL: none */
    struct bond *_Atomic member_of;  /* the bond whose member it is (bond.h); NULL: none */
    _Atomic uint8_t member_no;
    struct port_gates gates;           /* spanning tree states: gate.h */
    const struct guard *_Atomic guard; /* port security: guard.h; NULL: none */
    _Atomic nsec_t guard_full_at;      /* its policer of ARP, ND and DHCP */
    uint32_t fdb_limit;                /* 0: no limit; see port_set_fdb_limit */
    struct port_link last_link;        /* what port_poll_link() saw last */
    struct weft_switch *sw;
    struct rte_mempool *pool; /* where rx_burst gets mbufs */
    nsec_t created_ns;
    uint16_t n_stats;         /* workers + 1: the last is control's */
    struct port_stats *stats; /* [n_stats] */
};

extern const struct port_ops port_tap_ops, port_vhost_ops, port_packet_ops, port_pcap_ops,
    port_null_ops, port_ring_ops, port_dpdk_ops, port_vxlan_ops, port_bond_ops, port_router_ops;

/* The kind by its configured name, or NULL. */
const struct port_ops *port_ops_find(const char *type);
/* "tap, vhost-user, af_packet, ...": for messages. */
const char *port_types(void);

/* Opens a port of the switch and gives it an index; not yet in any bridge, not
 * yet polled. Control thread. 0 or -errno with a message; *out is set on 0. */
int port_create(struct weft_switch *sw, const struct port_options *o, struct port **out,
                struct errbuf *e);
/* Takes it from its bridge and from its worker, waits for the grace period, closes and frees it. */
void port_destroy(struct port *p);
struct port *port_find(const struct weft_switch *sw, const char *name);

int port_set_mtu(struct port *p, uint16_t mtu, struct errbuf *e);
int port_set_mac(struct port *p, struct mac mac, struct errbuf *e);
/* Changes the config bits in mask; brings the device up or down with PORT_CFG_DOWN. */
int port_set_config(struct port *p, uint32_t config, uint32_t mask, struct errbuf *e);
/* Publishes a copy of v. */
int port_set_vlan(struct port *p, const struct port_vlan *v, struct errbuf *e);
/* At most so many learnt MACs (0: no limit), now and in any bridge it is put in. */
void port_set_fdb_limit(struct port *p, uint32_t limit);
/* Asks the device; true when the state or speed changed since the last call. */
bool port_poll_link(struct port *p, struct port_link *now);
/* Sum over workers. Any thread; figures may be a burst apart. */
struct port_stats port_stats_sum(const struct port *p);

/* For the kinds: the calling worker's own counters (control's when not a worker). */
struct port_stats *port_stats_mine(struct port *p);

static inline bool vlan_bit(const uint64_t *set, uint16_t vid)
{
    return (set[vid >> 6] >> (vid & 63) & 1) != 0;
}

#endif
