/* control/config.h: what the user asked for, as a value.
 *
 * A YAML file <-> struct config, by a libcyaml schema: an unknown key, a wrong
 * type or an impossible value is refused with file, line, key, and what was expected.
 * A config is plain data without behaviour: it can be copied, edited, compared,
 * checked and saved. weft_set_config() (weft.h) makes the switch follow one.
 *
 * Pointers are owned by the config; optional ones are NULL when not given.
 */
#ifndef WEFT_CONTROL_CONFIG_H
#define WEFT_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "datapath/port.h"

struct strbuf;

/* A port in one of its bridge's instances. What isn't given is the port's own. */
struct config_port_msti {
    uint16_t id;
    char *priority; /* 0..240 in steps of 16 */
    uint32_t cost;  /* internal */
};

/* Spanning tree, of a port. What isn't given is stp_port_config_default()'s. */
struct config_port_stp {
    bool off;       /* takes no part: always open */
    char *priority; /* 0..240 in steps of 16 */
    uint32_t cost;  /* 0: by speed */
    char *edge;     /* "auto" (default), "yes", "no" */
    char *p2p;      /* "auto" (default), "yes", "no" */
    bool bpdu_guard, bpdu_filter, root_guard, tcn_guard, loop_guard;
    bool network; /* bridge assurance */
    struct config_port_msti *instances;
    unsigned instances_count;
};

struct config_neighbor {
    char *ip, *mac;
};

/* Router Advertisements of an interface. */
struct config_ra {
    bool on, managed, other;
    bool no_default;     /* it is no default router */
    uint16_t interval_s; /* at most so long between two; 0: 200 */
    uint16_t lifetime_s; /* of the default route; 0: three intervals */
    char **dns;
    unsigned dns_count;
};

/* What lowers a virtual router's priority; one of the four is given. */
struct config_track {
    char *port, *bond, *controller, *route; /* names; a bridge's; a prefix */
    uint16_t members;                       /* of the bond, at least; 0: 1 */
    uint16_t lower;                         /* by so much; 0: it stops */
};

/* A virtual router of VRRP; what isn't given is vrrp_config_default()'s. */
struct config_vrrp {
    uint16_t vrid;
    char **addresses; /* of one family; of IPv6 the first is link-local */
    unsigned addresses_count;
    char *version;     /* "3" (default), "2", "2+3" */
    uint16_t priority; /* 1..254; 255: the addresses are the interface's own */
    uint16_t interval_cs;
    bool *preempt; /* NULL: true */
    uint32_t preempt_delay_s;
    bool accept;        /* packets to the addresses are taken when not the owner, too */
    bool pseudo_header; /* as keepalived and old FRR sum IPv4 version 3 */
    char **peers;       /* unicast */
    unsigned peers_count;
    uint16_t ttl_min;
    char *group; /* sync group */
    uint16_t announce_count, announce_every_cs, announce_again_s;
    struct config_track *track;
    unsigned track_count;
};

/* A tenant's host behind a remote VTEP: a MAC that isn't learnt, and its addresses. */
struct config_host {
    char *mac, *remote;
    char **ips;
    unsigned ips_count;
};

struct config_port {
    char *name;
    char *type; /* "tap", "vhost-user", "af_packet", "pcap", "null", "ring", "dpdk", "vxlan" */
    char *ifname, *netns, *path, *pcap_in, *pcap_out, *devargs, *mac;
    bool server, pcap_loop, down;
    bool *offloads;  /* NULL: true */
    uint32_t ofport; /* 0: lowest free */
    uint16_t mtu;    /* 0: 1500 */
    uint16_t queues; /* 0: 1 */
    char *vlan_mode; /* "access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"; NULL:
                        access when tag is given, else trunk */
    uint16_t tag;    /* 0: none */
    char **trunks;   /* "10", "20-29" */
    unsigned trunks_count;
    char **cvlans;
    unsigned cvlans_count;
    char *priority_tags; /* "no" (default), "if-nonzero", "always" */
    char *qinq_ethtype;  /* "802.1ad" (default), "802.1q" */
    uint32_t max_macs;   /* FDB entries that may be learnt on it; 0: no limit */
    char *vtep;          /* vxlan: which of ours */
    char *key;           /* vxlan: the VNI, or "flow": the packet's tunnel_id */
    char *remote_ip;     /* vxlan: the one VTEP at the other end, or "flow": actions say */
    char **remotes;      /* vxlan: or those that floods go to; a multicast group counts as one */
    unsigned remotes_count;
    bool suppress;             /* vxlan: ARP and ND are answered from what is known */
    struct config_host *hosts; /* vxlan: who is known to live behind a VTEP */
    unsigned hosts_count;
    char **members; /* bond: ports of this bridge, which needn't be there yet */
    unsigned members_count;
    char *mode;    /* bond: "lacp" (default), "active-backup", "balance-xor" */
    char *hash;    /* bond: "l3+l4" (default), "l2+l3", "l2" */
    char *primary; /* bond: the member to prefer (active-backup) */
    bool symmetric, lacp_passive, lacp_slow, lacp_fallback;
    uint16_t min_links, max_links, lacp_key, lacp_priority;
    uint32_t up_delay_ms, down_delay_ms, rebalance_s;
    char *router;     /* router: whose interface it is; NULL: nobody's yet */
    char **addresses; /* router: "192.0.2.1/24", "2001:db8::1/64" */
    unsigned addresses_count;
    char *urpf;                        /* router: "off" (default), "loose", "strict" */
    bool anycast;                      /* router: the same MAC and addresses are on every host */
    bool dad;                          /* router: look for duplicates before an address is used */
    struct config_neighbor *neighbors; /* router: those that aren't asked for */
    unsigned neighbors_count;
    struct config_ra ra;      /* router */
    struct config_vrrp *vrrp; /* router */
    unsigned vrrp_count;
    struct config_port_stp stp;
    /* A VM's port: what is bound to it (config_vm.c). */
    char **ip; /* "192.0.2.7", "2001:db8::7", or prefixes of them */
    unsigned ip_count;
    char **macs; /* besides `mac` */
    unsigned macs_count;
    uint32_t vni; /* its network, as the key of a vxlan port of the bridge; 0: by its tag */
    char *
        security; /* "strict" (default with ip, macs or vni), "promiscuous", "off" (default else) */
    char *activation;    /* "immediate" (default), "rarp", "command" */
    char *announce;      /* gratuitous ARP's form: "request" (default), "reply", "both"; or "off" */
    uint16_t redirect_s; /* late frames follow the VM for so long after it has left; 0: 5 */
    char **allow;        /* "dhcp-server", "router", "types", "rate" */
    unsigned allow_count;
};

/* A route of a virtual router. */
struct config_route {
    char *prefix; /* "0.0.0.0/0" */
    char **via; /* gateways: "192.0.2.254", "fe80::1%gw20" (interface), "192.0.2.254*3" (weight) */
    unsigned via_count;
    bool blackhole, unreachable;
};

/* A virtual router (VRF); its interfaces are ports of type "router". */
struct config_router {
    char *name;
    uint32_t max_routes;   /* of each family; 0: 65536 */
    uint32_t kernel_table; /* this table of the kernel's is mirrored; 0: none */
    char *kernel_netns;    /* it is there; NULL: weftd's own */
    struct config_route *routes;
    unsigned routes_count;
};

/* A further port to the underlay, with an address of ours on it. */
struct config_link {
    char *port, *ip, *mac, *device;
    uint16_t vlan;
};

struct config_vtep_route {
    char *prefix; /* "198.51.100.0/24", "::/0" */
    char **via;   /* routers, the preferred first */
    unsigned via_count;
};

/* An address of ours on the underlay (datapath/tunnel.h). */
struct config_vtep {
    char *name;
    char *port;    /* to the underlay */
    char *ip;      /* "192.0.2.1/24", "2001:db8::1/64" */
    uint16_t vlan; /* of the underlay; 0: untagged */
    char *mac;     /* NULL: from the address */
    char *gateway; /* the route of everything */
    char *kernel;  /* "self", or a namespace: whose routes and neighbours are ours, too */
    char *device;  /* that `port` stands for there; NULL: its ifname */
    struct config_link *links;
    unsigned links_count;
    struct config_vtep_route *routes;
    unsigned routes_count;
    struct config_neighbor *neighbors; /* next hops that are not asked for */
    unsigned neighbors_count;
    uint16_t udp_port;  /* 0: 4789 (GPE: 4790) */
    uint8_t ttl;        /* 0: 64 */
    bool *df;           /* NULL: true */
    bool *udp_checksum; /* NULL: over IPv6 only */
    bool udp6_zero;     /* take IPv6 packets without a UDP checksum */
    char *dscp;         /* "uniform", or a number; NULL: 0 */
    char *extension;    /* "gbp", "gpe"; NULL: none */
    bool inner_vlan;    /* tenants' frames may be tagged */
    bool nested;        /* tenants' frames may be VXLAN themselves */
    bool known_only;    /* hear only VTEPs that ports name */
};

struct config_static {
    char *mac, *port;
    uint16_t vlan;
};

struct config_fdb {
    uint32_t size;                 /* 0: WEFT_FDB_DEFAULT */
    uint32_t ageing_s;             /* 0: 300 */
    struct config_static *statics; /* key `static` */
    unsigned statics_count;
};

struct config_msti {
    uint16_t id;
    char *priority;
    char **vlans; /* "10", "20-29" */
    unsigned vlans_count;
};

/* Spanning tree, of a bridge. What isn't given is stp_config_default()'s. */
struct config_stp {
    char *mode;     /* "off" (default), "stp", "rstp", "mstp" */
    char *priority; /* 0..61440 in steps of 4096 */
    uint8_t hello_s, max_age_s, forward_delay_s, max_hops, tx_hold;
    char *path_cost;     /* "long" (default), "short" */
    uint32_t recovery_s; /* err-disabled ports come back after; 0: 300 */
    char *region;
    uint16_t revision;
    struct config_msti *instances;
    unsigned instances_count;
};

struct config_bridge {
    char *name;
    char *datapath_id;  /* 16 hex digits; NULL: derived from the name */
    char *fail_mode;    /* "standalone" (default), "secure" */
    char **controllers; /* "tcp:127.0.0.1:6653", "ptcp:6654:127.0.0.1", "ssl:", "pssl:" */
    unsigned controllers_count;
    uint32_t probe_s;         /* inactivity probe; 0: 5 */
    uint32_t packet_in_rate;  /* per second, controller and reason; 0: no limit */
    uint32_t packet_in_burst; /* 0: as many as the rate */
    bool local;               /* make a LOCAL tap named like the bridge */
    bool forward_bpdu;
    struct config_fdb fdb;
    struct config_stp stp;
    struct config_port *ports;
    unsigned ports_count;
    char **meters; /* ovs-ofctl syntax, as are the next two */
    unsigned meters_count;
    char **groups;
    unsigned groups_count;
    char **flows; /* ovs-ofctl syntax; kept in step by `weftctl flow` */
    unsigned flows_count;
};

struct config_workers {
    int *cpus; /* none: one worker, unpinned */
    unsigned cpus_count;
    uint32_t idle_spin_us;  /* 0: 50 */
    uint32_t idle_sleep_us; /* 0: 1000 */
    bool busy_poll;
};

struct config_memory {
    uint32_t mbufs;           /* 0: 16384 */
    uint16_t mbuf_data_bytes; /* 0: 2176 */
    char *hugepages;          /* "auto" (default), "no", "require" */
    uint32_t memory_mb;       /* 0: EAL's choice */
    bool pci;
    char *driver_path; /* a DPDK driver that is not in DPDK: a shared object, or a folder of them */
};

/* For ssl: and pssl: controllers: PEM files. */
struct config_tls {
    char *private_key, *certificate;
    char *ca_cert; /* who may have signed a controller's certificate */
};

struct config {
    struct config_workers workers;
    struct config_memory memory;
    struct config_tls tls;
    char *log_level; /* "error", "warning", "info" (default), "debug" */
    struct config_vtep *vteps;
    unsigned vteps_count;
    struct config_router *routers;
    unsigned routers_count;
    struct config_bridge *bridges;
    unsigned bridges_count;
};

/* Reads and checks. The message says file:line: key: what was expected. */
int config_load(const char *path, struct config **out, struct errbuf *e);
/* The same from memory; `name` stands for the file in messages (API, fuzzer, tests). */
int config_parse(const char *text, size_t len, const char *name, struct config **out,
                 struct errbuf *e);
/* Everything that the schema can't say: names unique and well-formed, VLANs in range, addresses
 * parse, ... */
int config_check(const struct config *c, struct errbuf *e);
/* As YAML that config_parse takes back. */
int config_print(const struct config *c, struct strbuf *out, struct errbuf *e);
/* Writes beside, fsyncs, renames, fsyncs the directory: at any instant the file is the old or the
 * new one, whole. */
int config_save(const struct config *c, const char *path, struct errbuf *e);
struct config *config_copy(const struct config *c);
struct config *config_empty(void);
void config_free(struct config *c);

/* Editing: on a copy, then weft_set_config(). They take copies of what is given.
 * -EEXIST, -ENOENT with a message. */
int config_bridge_add(struct config *c, const struct config_bridge *b, struct errbuf *e);
int config_vtep_add(struct config *c, const struct config_vtep *v, struct errbuf *e);
int config_vtep_del(struct config *c, const char *name, struct errbuf *e);
int config_vtep_set(struct config *c, const char *vtep, const char *key, const char *value,
                    struct errbuf *e);
int config_bridge_del(struct config *c, const char *name, struct errbuf *e);
int config_port_add(struct config *c, const char *bridge, const struct config_port *p,
                    struct errbuf *e);
int config_port_del(struct config *c, const char *port, struct errbuf *e);
/* Sets one key of a port or bridge from text, by the YAML key's name ("tag", "10"; "trunks",
 * "10,20-29", a list is given whole; a nested key as "fdb.ageing_s"); value NULL removes the key.
 * The value's type is checked here, its sense by config_check(). */
int config_port_set(struct config *c, const char *port, const char *key, const char *value,
                    struct errbuf *e);
int config_bridge_set(struct config *c, const char *bridge, const char *key, const char *value,
                      struct errbuf *e);
/* The FDB's static entries. Deleting: mac and vlan must be equal. */
int config_static_add(struct config *c, const char *bridge, const char *mac, uint16_t vlan,
                      const char *port, struct errbuf *e);
int config_static_del(struct config *c, const char *bridge, const char *mac, uint16_t vlan,
                      struct errbuf *e);
struct config_bridge *config_find_bridge(struct config *c, const char *name);
struct config_port *config_find_port(struct config *c, const char *name,
                                     struct config_bridge **bridge);

/* A port's VLAN keys as the datapath wants them; checked before. */
void config_port_vlan(const struct config_port *p, struct port_vlan *out);
void config_port_options(const struct config_port *p, struct port_options *out);
struct guard;
/* Who is bound to it, whether that is checked or not; own: its device's MAC. False: nobody. */
bool config_bindings(const struct config_port *p, struct mac own, struct guard *out);
/* What the port may send; own: its device's MAC, bound when the configuration gives none. False:
 * anything. */
bool config_guard(const struct config_port *p, struct mac own, struct guard *out);
/* The VLAN of the port's `vni`, that of the bridge's vxlan port with this key; 0: none. */
uint16_t config_vni_tag(const struct config_bridge *b, const struct config_port *p);
/* A vxlan port's remotes as addresses, remote_ip or the list, malloc'ed; NULL: none, or no memory.
 */
struct ip6 *config_port_remotes(const struct config_port *p, unsigned *n);
const struct config_vtep *config_find_vtep(const struct config *c, const char *name);
struct vtep_options;
void config_vtep_options(const struct config_vtep *v, struct vtep_options *out);
struct vtep_link_options;
/* Into VTEP_LINKS_MAX - 1 places at most; returns how many. */
unsigned config_vtep_links(const struct config_vtep *v, struct vtep_link_options *out);
struct vtep_route_options;
/* malloc'ed, with the gateway's at the end; NULL: no memory. */
struct vtep_route_options *config_vtep_routes(const struct config_vtep *v, unsigned *n);

#endif
