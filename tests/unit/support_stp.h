/* Bridges, LANs and virtual time: what STP tests and the STP simulator are made in.
 *
 * A net has bridges (engines of stp/) whose ports are on LANs; a LAN joins any number of ports.
 * BPDUs take a few random milliseconds and keep their order on a LAN. A LAN can be cut, lose BPDUs,
 * or carry them from one port only. After each change of a port's state the net looks for
 * forwarding loops. One seed decides all.
 */
#ifndef WEFT_TESTS_SUPPORT_STP_H
#define WEFT_TESTS_SUPPORT_STP_H

#include "base/prng.h"
#include "stp/stp.h"

enum {
    NET_BRIDGES = 40,
    NET_PORTS = 12, /* of a bridge, numbered from 1 */
    NET_LANS = 160,
    NET_MEMBERS = 8, /* ports on a LAN */
    NET_TREES = 4,
    NET_FLIGHT = 8192,
    NET_PDU = 102 + 16 * NET_TREES,
};

struct net_port {
    bool there;
    unsigned lan;
    struct stp_port_config cfg;
    enum stp_state state[NET_TREES];
    unsigned flushes, sent, events[STP_EVENTS];
};

struct net_bridge {
    struct stp *stp; /* NULL: switched off */
    struct stp_config cfg;
    unsigned n_ports;
    struct net_port port[NET_PORTS + 1];
};

struct net_lan {
    bool up;
    unsigned n;
    struct {
        unsigned bridge, port;
    } member[NET_MEMBERS];
    unsigned loss;    /* BPDUs lost of 1000 */
    unsigned one_way; /* 0: both ways; i: only member i-1 is heard */
    nsec_t last;      /* arrival of the latest BPDU: order is kept */
};

struct net_flight {
    nsec_t when;
    uint64_t order;
    unsigned lan, bridge, port; /* to whom */
    size_t len;
    uint8_t pdu[NET_PDU];
};

struct net {
    uint64_t seed;
    struct prng rng;
    nsec_t now;
    unsigned delay_ms; /* at most */
    unsigned n_bridges, n_lans;
    struct net_bridge bridge[NET_BRIDGES];
    struct net_lan lan[NET_LANS];
    struct net_flight *flight; /* heap by (when, order) */
    unsigned n_flight;
    uint64_t orders, bpdus, changes;
    bool looping;
    nsec_t loop_since, loop_total, loop_longest;
    nsec_t last_change;       /* of any port's state */
    uint16_t vlan[NET_TREES]; /* VLANs that loops are looked for in; [0] is the CIST's */
    unsigned n_vlans;
    bool unsettled; /* an engine wasn't at rest after a call */
};

void net_make(struct net *n, uint64_t seed);
void net_free(struct net *n);
/* A bridge by configuration; its address is made from its number. Returns the number. */
unsigned net_add_bridge(struct net *n, const struct stp_config *c);
unsigned net_add_lan(struct net *n);
/* The next port of a bridge, on a LAN; NULL configuration: the default. Returns its number; 0: no
 * room. */
unsigned net_add_port(struct net *n, unsigned bridge, unsigned lan,
                      const struct stp_port_config *c);
/* Everything is switched on. */
void net_start(struct net *n);
void net_run(struct net *n, nsec_t ns);
/* Runs until nothing has changed for `quiet`, at most `most`; returns when it last changed, from
 * now. */
nsec_t net_run_quiet(struct net *n, nsec_t quiet, nsec_t most);
void net_set_lan(struct net *n, unsigned lan, bool up);
void net_bridge_off(struct net *n, unsigned b);
void net_bridge_on(struct net *n, unsigned b);
/* Takes a BPDU to a port as if it came from its LAN. */
void net_inject(struct net *n, unsigned bridge, unsigned port, const void *pdu, size_t len);
/* A frame's way: does a broadcast of VLAN index v from bridge b reach every bridge that `reach`
 * says, each once? Fills seen[bridge] with how often. */
void net_flood(const struct net *n, unsigned v, unsigned from, unsigned seen[NET_BRIDGES]);
bool net_has_loop(const struct net *n);

/* The tree that clause 13 says there must be: expected state of every port, tree v. */
void net_oracle(const struct net *n, unsigned v, bool forwarding[NET_BRIDGES][NET_PORTS + 1]);

/* The tree of bridge b that carries VLAN index v. */
unsigned net_tree(const struct net *n, unsigned b, unsigned v);

#endif
