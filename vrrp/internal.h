/* vrrp/internal.h: what the files of the engine share.
 *
 * vrrp.c keeps instances and finds them; rx.c judges packets; machine.c is the state machine of RFC
 * 9568 section 6.4; group.c moves sync groups; poll.c turns bits to actions.
 */
#ifndef WEFT_VRRP_INTERNAL_H
#define WEFT_VRRP_INTERNAL_H

#include "base/assert.h"
#include "base/timers.h"
#include "vrrp/vrrp.h"

enum { NONE = UINT32_MAX };

/* Pending actions, in the order of draining. DO_EVENT0 + e is event e. */
enum {
    DO_GATE = 1 << 0,
    DO_SEND_ZERO = 1 << 1, /* "I resign" */
    DO_SEND = 1 << 2,
    DO_ANNOUNCE = 1 << 3,
    DO_FORGET = 1 << 4, /* the instance is removed when nothing else is left */
    DO_EVENT0 = 1 << 8,
};

struct instance {
    enum vrrp_state state;
    bool used;
    bool ready;               /* Active_Down_Timer ran out; its group isn't ready yet */
    bool waited;              /* the delay before preemption is over */
    bool resigned, outranked; /* why the timer will run out, for the log */
    uint8_t priority;         /* after tracking */
    bool fault;
    bool up; /* link up with a source address */
    struct ip6 src;

    nsec_t down_at;     /* Active_Down_Timer */
    nsec_t adver_at;    /* Adver_Timer */
    nsec_t preempt_at;  /* end of the delay before preemption */
    nsec_t announce_at; /* next round */
    nsec_t due;         /* the least of them, which runs in struct timers */

    uint32_t pending; /* DO_ bits */
    uint32_t queue_next;
    bool queued;
    uint8_t peer_cursor, addr_cursor, version_cursor; /* within DO_SEND, DO_ANNOUNCE */

    uint16_t active_interval_cs; /* Active_Adver_Interval */
    uint8_t active_priority;
    struct ip6 active;
    nsec_t window_at; /* of immediate answers, see machine.c */
    uint8_t answers;
    nsec_t v3_until; /* version 2 from v3_src is shadowed until then */
    struct ip6 v3_src;
    uint8_t rounds; /* of announcements still to come */

    enum vrrp_state was; /* before the change that DO_EVENT0 + VRRP_EV_STATE will tell */
    enum vrrp_reason reason;
    nsec_t since;
    nsec_t warned_at[VRRP_EVENTS];
    struct ip6 warned_peer[VRRP_EVENTS];
    uint16_t warned_value[VRRP_EVENTS];

    uint32_t group_next; /* a ring; alone it is a ring of one */
    uint8_t lost[VRRP_TRACKS_MAX];
    struct vrrp_counters n;
    struct vrrp_config c;
};

/* Sorted by key: link, family, VRID. The instances of a link are neighbours. */
struct index_entry {
    uint64_t key;
    uint32_t id;
};

struct vrrp {
    unsigned max, n_links, n_index;
    struct instance *all;
    struct vrrp_link *links;
    struct index_entry *index;
    struct timers timers;
    uint32_t queue_head, queue_tail;
    nsec_t now;
    uint64_t refused[VRRP_VERDICTS];
};

static inline nsec_t cs_to_ns(uint32_t cs) { return (nsec_t)cs * 10 * NSEC_PER_MSEC; }

/* Skew_Time and Active_Down_Interval (RFC 9568 section 6.1), not rounded to centiseconds: at 10 cs
 * neighbouring priorities would else have the same skew. */
nsec_t skew_ns(const struct instance *i);
nsec_t down_ns(const struct instance *i);

static inline bool is_owner(const struct instance *i) { return i->priority == VRRP_OWNER; }

/* -- poll.c */
void pend(struct vrrp *v, struct instance *i, uint32_t bits);
/* An event about a peer's packet, at most one of a kind in ten seconds. */
void warn(struct vrrp *v, struct instance *i, enum vrrp_event e, const struct ip6 *peer,
          unsigned value);

/* -- machine.c: the events of RFC 9568 section 6.4 */
void machine_arm(struct vrrp *v, struct instance *i); /* after any of the four timers changed */
void machine_startup(struct vrrp *v, struct instance *i);
void machine_shutdown(struct vrrp *v, struct instance *i, enum vrrp_reason why);
void machine_advert(struct vrrp *v, struct instance *i, const struct vrrp_advert *a);
void machine_timer(struct vrrp *v, struct instance *i);
void machine_enter_active(struct vrrp *v, struct instance *i, enum vrrp_reason why);
void machine_enter_backup(struct vrrp *v, struct instance *i, enum vrrp_reason why);
void machine_priority(struct vrrp *v, struct instance *i);

/* -- group.c */
/* Starts or stops the whole group as its weakest member allows. */
void group_reconsider(struct vrrp *v, struct instance *i, enum vrrp_reason why);
/* Member i is ready to be Active: all go, when all are. */
void group_promote(struct vrrp *v, struct instance *i, enum vrrp_reason why);
/* Member i heard a better router: the others step back too. */
void group_demote(struct vrrp *v, struct instance *i);
void group_join(struct vrrp *v, struct instance *i);
void group_leave(struct vrrp *v, struct instance *i);

/* -- vrrp.c */
static inline uint32_t id_of(const struct vrrp *v, const struct instance *i)
{
    return (uint32_t)(i - v->all);
}

#endif
