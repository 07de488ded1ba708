/* vrrp/vrrp.h: VRRP for all interfaces of a host: RFC 9568 (version 3) and RFC 3768 (version 2).
 *
 * A virtual router is a VRID and an address family on an interface ("link"). The engine is fed
 * packets, link changes and the time; it answers with actions, which the caller drains:
 *
 *     GATE      open or close the virtual MAC: from now on frames to it are, or aren't, for us
 *     SEND      an IP packet, ready but for its Ethernet header
 *     ANNOUNCE  say by gratuitous ARP or unsolicited NA that this address has this MAC
 *     EVENT     for the log: a change of state with its reason, or a misconfiguration seen
 *
 * Pull, not callbacks: pending actions are bits of a virtual router, so they are bounded, need no
 * memory, and coalesce; a packet is encoded when it is drained, from what is then true. They come
 * in the order above: the gate opens before anybody is told, and closes before priority 0 goes out.
 *
 * Time. Every call that takes `now` must be given one that is not before the last. Timers live in a
 * heap: vrrp_deadline() costs nothing, a timer costs log2(instances). After a long pause call
 * vrrp_rx() for what has queued up before vrrp_tick(), or a healthy Active is taken for dead
 * (RFC 9568 section 2.5).
 *
 * Beyond the RFCs, all off unless configured: a delay before preemption, unicast peers, sync groups
 * (members are Active together or not at all), tracking that lowers the priority, repeated
 * announcements. Priority 255 is the owner's: it is never lowered.
 *
 * Invariants. A gate is open exactly while the state is Active (once drained). An instance in a
 * state other than Initialize has a timer, or waits for its sync group. Nothing is allocated after
 * vrrp_create(). One thread.
 */
#ifndef WEFT_VRRP_VRRP_H
#define WEFT_VRRP_VRRP_H

#include "base/errbuf.h"
#include "vrrp/advert.h"

enum {
    VRRP_ADDRS_MAX = 64,  /* virtual addresses of an instance: the packet fits any MTU from 1280 */
    VRRP_PEERS_MAX = 8,   /* unicast peers */
    VRRP_TRACKS_MAX = 16, /* things that lower the priority */
    VRRP_PACKET_MAX = 40 + 8 + VRRP_ADDRS_MAX * 16 + 8,
    VRRP_TRACK_FAULT = 255, /* vrrp_track(): so bad that the instance must not run */
};

struct vrrp;

enum vrrp_state { VRRP_INITIALIZE, VRRP_BACKUP, VRRP_ACTIVE, VRRP_STATES };

/* Which versions an instance speaks. VRRP_V2_V3 is RFC 9568 section 8.4.2's migration: both are
 * sent, and a version 2 advertisement counts unless its sender also speaks version 3. IPv4 only. */
enum vrrp_mode { VRRP_V3, VRRP_V2, VRRP_V2_V3 };

/* Why a state was entered. */
enum vrrp_reason {
    VRRP_WHY_STARTUP,   /* enabled, link up */
    VRRP_WHY_OWNER,     /* priority 255 at startup */
    VRRP_WHY_SILENCE,   /* the Active Down Timer ran out */
    VRRP_WHY_RESIGNED,  /* the Active sent priority 0 and nobody better came */
    VRRP_WHY_PREEMPTED, /* the Active's priority was below ours */
    VRRP_WHY_BETTER,    /* a better router advertised itself */
    VRRP_WHY_GROUP,     /* the sync group moved */
    VRRP_WHY_SHUTDOWN,  /* disabled or removed */
    VRRP_WHY_LINK,      /* link down, or without a source address */
    VRRP_WHY_TRACK,     /* a tracked thing is at fault */
    VRRP_REASONS,
};

enum vrrp_event {
    VRRP_EV_STATE,      /* from, to, reason */
    VRRP_EV_INTERVAL,   /* a peer's interval differs from ours; value: its centiseconds */
    VRRP_EV_ADDRESSES,  /* a peer lists other addresses; value: how many */
    VRRP_EV_TWO_OWNERS, /* a peer also claims priority 255 (erratum 8298) */
    VRRP_EV_AUTH,       /* version 2 simple text authentication, ignored (RFC 3768 section 5.3.6) */
    VRRP_EV_REFUSED,    /* a packet for this VRID was refused; value: enum vrrp_verdict */
    VRRP_EVENTS,
};

struct vrrp_config {
    uint32_t link; /* below vrrp_create()'s links */
    uint8_t vrid;  /* 1..255 */
    bool ip6;
    enum vrrp_mode mode;
    bool enabled;
    bool preempt;         /* Preempt_Mode */
    bool accept;          /* Accept_Mode: also answer at the addresses when not the owner */
    bool pseudo_header;   /* IPv4 version 3 sums as keepalived and old FRR make them */
    uint8_t priority;     /* 1..254; 255: we own the addresses */
    uint16_t interval_cs; /* Advertisement_Interval, 1..4095; version 2: whole seconds */
    uint32_t
        preempt_delay_cs;   /* a lower Active is left alone for so long after it is first heard */
    uint8_t announce_count; /* rounds of announcements on becoming Active, at least 1 */
    uint16_t announce_every_cs; /* between rounds */
    uint16_t announce_again_s;  /* and one more round every so often; 0: never */
    uint8_t ttl_min;            /* unicast peers behind routers; 0: 255, as the RFC demands */
    uint16_t group;             /* sync group, or 0 */
    uint8_t n_addrs;            /* at least 1; of IPv6 the first is link-local */
    uint8_t n_peers;            /* 0: multicast */
    struct ip6 addr[VRRP_ADDRS_MAX];
    struct ip6 peer[VRRP_PEERS_MAX];
};

/* What the engine must know of an interface. A family without source address can't run. */
struct vrrp_link {
    bool up;
    bool has_ip4, has_ip6;
    struct ip6 ip4; /* primary address, in the first four bytes */
    struct ip6 ip6; /* link-local address */
};

enum vrrp_action_kind { VRRP_GATE, VRRP_SEND, VRRP_ANNOUNCE, VRRP_EVENT };

struct vrrp_action {
    enum vrrp_action_kind kind;
    unsigned id;
    uint32_t link;
    uint8_t vrid;
    bool ip6;
    struct mac mac; /* the virtual router's: source of SEND, subject of GATE and ANNOUNCE */
    union {
        struct {
            bool open;
            bool accept; /* also for packets to the virtual addresses: Accept_Mode or owner */
        } gate;
        struct {
            bool unicast; /* then the caller finds dst_mac for dst */
            struct mac dst_mac;
            struct ip6 dst;
            uint16_t len;
            uint8_t packet[VRRP_PACKET_MAX]; /* from the IP header on */
        } send;
        struct ip6 announce;
        struct {
            enum vrrp_event event;
            enum vrrp_state from, to;
            enum vrrp_reason reason;
            struct ip6 peer; /* whose packet it was about, or zero */
            unsigned value;
        } event;
    };
};

struct vrrp_counters {
    uint64_t received, sent; /* advertisements */
    uint64_t received_priority0, sent_priority0;
    uint64_t lower;     /* heard from a lower router and discarded */
    uint64_t activated; /* times Active was entered */
    uint64_t announced; /* addresses */
    uint64_t refused[VRRP_VERDICTS];
};

struct vrrp_status {
    enum vrrp_state state;
    enum vrrp_reason reason;
    nsec_t since;
    uint8_t priority;            /* after tracking */
    uint8_t active_priority;     /* of the last Active heard; 0: none yet */
    struct ip6 active;           /* its address */
    uint16_t active_interval_cs; /* Active_Adver_Interval */
    nsec_t skew_ns;              /* Skew_Time */
    nsec_t down_ns;              /* Active_Down_Interval */
    nsec_t due;                  /* next timer, or NSEC_NEVER */
    bool waits_for_group;        /* would be Active, but its sync group is not ready */
    struct vrrp_counters counters;
};

/* An engine for so many virtual routers on links 0..links-1, or NULL without memory. */
struct vrrp *vrrp_create(unsigned instances, unsigned links);
void vrrp_destroy(struct vrrp *v);

/* The defaults of RFC 9568 section 6.1, and five announcements a second apart; no address yet. */
struct vrrp_config vrrp_config_default(void);

/* 0, or -EINVAL and why. */
int vrrp_config_check(const struct vrrp_config *c, struct errbuf *e);

/* A new virtual router: its id (0..instances-1), -EINVAL, -EEXIST (that VRID is taken there),
 * -ENOSPC. It runs as soon as enabled, with its link up. */
int vrrp_add(struct vrrp *v, const struct vrrp_config *c, nsec_t now, struct errbuf *e);

/* Changes one in place, keeping its state where that makes sense. Link, VRID and family are its
 * name: -EINVAL when they differ. */
int vrrp_set(struct vrrp *v, unsigned id, const struct vrrp_config *c, nsec_t now,
             struct errbuf *e);

/* Shuts it down (RFC 9568: priority 0) and forgets it once its last actions are drained. */
void vrrp_remove(struct vrrp *v, unsigned id, nsec_t now);

/* The id of (link, family, VRID), or -ENOENT. */
int vrrp_find(const struct vrrp *v, uint32_t link, bool ip6, uint8_t vrid);

/* A packet came on a link; p is at its IP header, len may include padding. VRRP_OK when it was
 * taken, else why it was refused; that is counted too. */
enum vrrp_verdict vrrp_rx(struct vrrp *v, uint32_t link, const void *p, size_t len, nsec_t now);

/* The interface changed. All links begin down. */
void vrrp_link(struct vrrp *v, uint32_t link, const struct vrrp_link *l, nsec_t now);

/* Tracked thing number `slot` (below VRRP_TRACKS_MAX) costs `lost` of the priority now: 0, all is
 * well; VRRP_TRACK_FAULT: stop. The priority goes down to 1 at most. */
void vrrp_track(struct vrrp *v, unsigned id, unsigned slot, uint8_t lost, nsec_t now);

/* Every instance says priority 0 and stops: the daemon ends. */
void vrrp_stop(struct vrrp *v, nsec_t now);

void vrrp_tick(struct vrrp *v, nsec_t now);

/* When vrrp_tick() is next due; NSEC_NEVER when nothing runs. */
nsec_t vrrp_deadline(const struct vrrp *v);

/* The next action; false when there is none. */
bool vrrp_poll(struct vrrp *v, struct vrrp_action *a);

/* 0, or -ENOENT. The configuration is the engine's, valid until the next call. */
int vrrp_status(const struct vrrp *v, unsigned id, struct vrrp_status *s);
const struct vrrp_config *vrrp_config_of(const struct vrrp *v, unsigned id);

/* Packets refused, by verdict, of all links, those for unknown VRIDs too. */
const uint64_t *vrrp_refused(const struct vrrp *v);

const char *vrrp_state_name(enum vrrp_state s);
const char *vrrp_reason_name(enum vrrp_reason r);
const char *vrrp_event_name(enum vrrp_event e);

#endif
