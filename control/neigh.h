/* control/neigh.h: neighbours of virtual routers' interfaces: ARP and Neighbor Discovery, one
 * engine.
 *
 * Which MAC has this IP address (RFC 826, RFC 4861), and who may have ours (RFC 5227, RFC 4862).
 * Messages, packets that wait and the time go in; actions come out of neigh_poll(), like those of
 * the protocol engines: it knows no clock, no socket, no packet buffer and no DPDK.
 *
 * One state machine serves both families, RFC 4861's: INCOMPLETE, REACHABLE, STALE, DELAY, PROBE.
 * For ARP that is RFC 1122 section 2.3.2.1's unicast poll. Two states are ours: FAILED remembers
 * for a short while that nobody answered, so that a scan of dead addresses costs three requests for
 * each, not three a second; PERMANENT is configured.
 *
 * Exhaustion (RFC 6583). Each interface has its share of entries, and of INCOMPLETE ones.
 * Strangers, entries that nobody here has sent to yet, and FAILED ones give way first; an entry in
 * use gives way to none. So a flood of forged requests or a scan from outside turns over strangers
 * and dead ends only. A waiting packet is an opaque handle; NEIGH_WAITING_MAX are kept an entry,
 * the oldest gives way (RFC 4861 section 7.2.2). Lookups are keyed (SipHash), since addresses are
 * the attacker's to choose.
 *
 * Our addresses have the MAC with which they answer: an interface's own or a VRRP virtual router's,
 * switched on and off by its gate. With `probe` an address is tentative until nobody objected. A
 * conflict afterwards is told and defended, once in ten seconds (RFC 5227 section 2.4 (c): a
 * gateway may not give up).
 *
 * Invariants: each handle that was taken comes back exactly once, by RELEASE or DROP. UPDATE tells
 * every change of what neigh_resolve() would answer. Nothing is allocated after neigh_create(). One
 * thread, and `now` never goes back.
 */
#ifndef WEFT_CONTROL_NEIGH_H
#define WEFT_CONTROL_NEIGH_H

#include "base/errbuf.h"
#include "control/neigh_wire.h"

enum {
    NEIGH_WAITING_MAX = 4,  /* packets that wait for one neighbour */
    NEIGH_REPLIES_MAX = 64, /* answers not yet drained; more are dropped and counted */
};

struct neigh;

enum neigh_state {
    NEIGH_GONE, /* not known */
    NEIGH_INCOMPLETE,
    NEIGH_REACHABLE,
    NEIGH_STALE,
    NEIGH_DELAY,
    NEIGH_PROBE,
    NEIGH_FAILED,
    NEIGH_PERMANENT,
    NEIGH_STATES,
};

struct neigh_size {
    uint32_t interfaces, entries, addresses;
    uint64_t seed; /* of the hash and of jitter: unpredictable, or a test's */
};

/* Times are RFC 4861 section 10's. neigh_interface_default() has them all. */
struct neigh_interface {
    bool up;
    uint32_t entries_max;    /* share of the table */
    uint32_t incomplete_max; /* of these at most so many unresolved */
    uint32_t reachable_ms;   /* REACHABLE_TIME; each use draws from half to one and a half of it */
    uint32_t retrans_ms;     /* RETRANS_TIMER */
    uint32_t delay_ms;       /* DELAY_FIRST_PROBE_TIME */
    uint32_t stale_ms;       /* unused for so long: forgotten */
    uint32_t failed_ms;      /* how long a dead end is remembered */
    uint8_t multicast_max;   /* MAX_MULTICAST_SOLICIT, and for ARP */
    uint8_t unicast_max;     /* MAX_UNICAST_SOLICIT */
};

/* One of our addresses, or (proxy) a prefix for which we answer. */
struct neigh_address {
    uint32_t interface;
    bool ip6;
    struct ip6 ip;
    uint8_t prefix_len; /* of its subnet; of what is proxied */
    struct mac mac;
    bool enabled;     /* a VRRP gate */
    bool probe;       /* look for others first: RFC 5227 section 2.1, RFC 4862 section 5.4 */
    bool host;        /* not a router's: its NAs say so */
    bool proxy;       /* answer for every address of the prefix; it is never a source */
    uint8_t announce; /* so many announcements when it becomes usable, two seconds apart */
};

enum neigh_address_state { NEIGH_OFF, NEIGH_TENTATIVE, NEIGH_USABLE, NEIGH_DUPLICATE };

enum neigh_action_kind { NEIGH_UPDATE, NEIGH_RELEASE, NEIGH_DROP, NEIGH_SEND, NEIGH_EVENT };

enum neigh_event {
    NEIGH_EV_USABLE,    /* our address may be used from now on */
    NEIGH_EV_DUPLICATE, /* somebody has it already: it stays off, and is tried again in a minute */
    NEIGH_EV_CONFLICT,  /* somebody claims it while we use it */
    NEIGH_EVENTS,
};

struct neigh_action {
    enum neigh_action_kind kind;
    uint32_t interface;
    bool ip6;
    struct ip6 ip; /* the neighbour's, or (EVENT) ours */
    union {
        struct {
            enum neigh_state state; /* NEIGH_GONE: forget it */
            bool usable;            /* then frames go to mac */
            struct mac mac;
        } update;
        struct {
            uint64_t handle;
            struct mac mac; /* RELEASE: where to */
        } packet;
        struct {
            struct mac src, dst;
            uint16_t ethertype;
            uint16_t len;
            uint8_t bytes[NEIGH_MESSAGE_MAX]; /* behind the Ethernet header */
        } send;
        struct {
            enum neigh_event event;
            struct mac mac; /* of the other one */
        } event;
    };
};

enum neigh_answer {
    NEIGH_KNOWN,   /* here is the MAC; a handle was not taken */
    NEIGH_WAIT,    /* the handle was taken; it comes back later */
    NEIGH_REFUSED, /* not taken: nobody answers there, a limit is reached, or no interface */
};

struct neigh_resolution {
    enum neigh_answer answer;
    struct mac mac;
    uint64_t gave_way; /* another handle that had to make room: drop it. 0: none */
};

struct neigh_info {
    enum neigh_state state;
    struct mac mac;
    bool router; /* said so in an NA */
    bool used;
    uint8_t waiting;
    nsec_t due; /* its timer */
};

struct neigh_counters {
    uint64_t requests_in, replies_in, requests_out, replies_out, announcements;
    uint64_t learnt, moved, failed, gave_way;
    uint64_t refused_resolve, dropped_replies, conflicts;
    uint64_t refused[NEIGH_VERDICTS];
};

struct neigh *neigh_create(const struct neigh_size *size);
void neigh_destroy(struct neigh *n);

struct neigh_interface neigh_interface_default(void);

/* Sets an interface (0..interfaces-1; all begin down). Down forgets all but what is permanent, and
 * sends no more. 0 or -EINVAL. */
int neigh_interface(struct neigh *n, uint32_t interface, const struct neigh_interface *c,
                    nsec_t now, struct errbuf *e);

/* Adds an address or changes the one of that interface and IP. 0, -EINVAL, -ENOSPC. */
int neigh_address_set(struct neigh *n, const struct neigh_address *a, nsec_t now, struct errbuf *e);
/* 0 or -ENOENT. */
int neigh_address_del(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                      nsec_t now);
/* One gratuitous ARP or unsolicited NA now, if it is usable: what a VRRP ANNOUNCE asks for. 0,
 * -ENOENT, -EAGAIN. */
int neigh_announce(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now);
enum neigh_address_state neigh_address_state(const struct neigh *n, uint32_t interface,
                                             const struct ip6 *ip, bool ip6);

/* A message came: p is behind the Ethernet header, from is its source. NEIGH_OK when it was taken.
 */
enum neigh_verdict neigh_rx(struct neigh *n, uint32_t interface, uint16_t ethertype,
                            struct mac from, const void *p, size_t len, nsec_t now);

/* Where to send to ip? `handle` (not 0) is a packet that may wait for the answer; 0: only ask. */
struct neigh_resolution neigh_resolve(struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                      bool ip6, uint64_t handle, nsec_t now);

/* The datapath sent to it: a STALE entry is looked after. */
void neigh_used(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now);
/* Something above had an answer from it (RFC 4861 section 7.3.1): REACHABLE without a question. */
void neigh_confirm(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now);

/* A configured neighbour. 0, -EINVAL, -ENOSPC. */
int neigh_static(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                 struct mac mac, nsec_t now, struct errbuf *e);
/* Forgets one, a configured one too. 0 or -ENOENT. */
int neigh_forget(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now);

void neigh_tick(struct neigh *n, nsec_t now);
nsec_t neigh_deadline(const struct neigh *n);
bool neigh_poll(struct neigh *n, struct neigh_action *a);

/* 0 or -ENOENT. */
int neigh_show(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
               struct neigh_info *info);
/* Walks all entries: *cursor starts at 0; false at the end. */
bool neigh_each(const struct neigh *n, uint32_t *cursor, uint32_t *interface, struct ip6 *ip,
                bool *ip6, struct neigh_info *info);
const struct neigh_counters *neigh_counters(const struct neigh *n);

const char *neigh_state_name(enum neigh_state s);

#endif
