/* datapath/bridge.h: a set of ports that share tables and an FDB.
 *
 * Everything a worker reads of a bridge while packets flow is behind an atomic
 * pointer or is fixed at creation: the program, the port map and the flood list are each
 * immutable and replaced whole. Control is the writer.
 */
#ifndef WEFT_DATAPATH_BRIDGE_H
#define WEFT_DATAPATH_BRIDGE_H

#include <stdatomic.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "datapath/fdb.h"
#include "datapath/gate.h"
#include "datapath/program.h"

struct rte_mbuf;
struct port;
struct weft_switch;
struct redirect_set;

/* OpenFlow port numbers 1..WEFT_PORTS_MAX-1 index `by_no`; LOCAL is apart. */
struct bridge_ports {
    uint16_t n;                        /* ports in `list`, the flood list */
    struct port *list[WEFT_PORTS_MAX]; /* in order of ofp_no; LOCAL last */
    struct port *by_no[WEFT_PORTS_MAX];
    struct port *local; /* OFPP_LOCAL, or NULL */
};

struct bridge_options {
    const char *name;
    uint32_t fdb_size;    /* 0: WEFT_FDB_DEFAULT */
    nsec_t fdb_ageing_ns; /* 0: 300 s */
    bool forward_bpdu;    /* forward 01-80-C2-00-00-0x like any multicast (OVS
                             other-config:forward-bpdu) */
};

/* Lookups and hits of one table, per worker. */
struct table_stats {
    uint64_t lookups, matches;
};

struct bridge {
    char name[WEFT_NAME_MAX];
    uint16_t index;
    struct weft_switch *sw;
    struct fdb *fdb;
    const struct program *_Atomic program;
    struct table_changes *settling, **settling_end; /* published, and may not be seen by all yet */
    const struct bridge_ports *_Atomic ports;
    const struct gate_map *_Atomic gate_map;      /* VLAN -> tree; NULL: all in tree 0 */
    const struct redirect_set *_Atomic redirects; /* redirect.h; NULL: none */
    bool forward_bpdu;
    struct table_stats *table_stats[WEFT_WORKERS_MAX + 1]; /* [worker][table] */
    _Atomic bool packet_in; /* some controller wants packet-ins: else DROP_PACKET_IN_OFF */
};

/* A new bridge runs program_normal(). 0 or -errno with a message. Control. */
int bridge_create(struct weft_switch *sw, const struct bridge_options *o, struct bridge **out,
                  struct errbuf *e);
/* Its ports must be gone. Waits for the grace period. */
void bridge_destroy(struct bridge *b);
struct bridge *bridge_find(const struct weft_switch *sw, const char *name);
/* Whether b, noted down a while ago (in a punted packet), is still a bridge of sw. Control. */
bool bridge_alive(const struct weft_switch *sw, const struct bridge *b);

/* Puts the port in under number ofp_no; 0: the lowest free one; OFPP_LOCAL allowed. */
int bridge_attach(struct bridge *b, struct port *p, uint32_t ofp_no, struct errbuf *e);
/* Takes it out and flushes its MACs. The port stays open. */
void bridge_detach(struct port *p);

/* The version that the next bridge_publish() gives; changes of tables are made for it. */
uint64_t bridge_next_version(const struct bridge *b);
/* Makes p the bridge's program, and what changed in its tables seen. p may be the one that runs:
 * then that is all. Else the old one is freed after the grace period. */
void bridge_publish(struct bridge *b, struct program *p);
/* Tidies up after the changes that all workers have seen; cheap when there is nothing to do. Called
 * once a turn of the control loop. */
void bridge_settle(struct bridge *b);

struct table_stats bridge_table_stats(const struct bridge *b, uint8_t table);

/* Runs a controller's packet-out: the ops, on m, as if it came in on in_port
 * (OpenFlow number; OFPP_CONTROLLER: none). Takes m. Control thread (uses its own
 * context, worker index n_workers); in_port must be valid. */
void bridge_packet_out(struct bridge *b, struct rte_mbuf *m, uint32_t in_port,
                       const struct op_list *ops, nsec_t now);

/* A frame of ours, on m (taken), goes through NORMAL switching as if the guest behind p had sent
 * it: learnt at p, flooded or forwarded as its VLAN says. Protocol thread or control. */
void bridge_inject(struct port *p, struct rte_mbuf *m, nsec_t now);

#endif
