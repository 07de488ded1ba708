/* The state machine of RFC 9568 section 6.4; each state by its events, each change through one
 * door. */
#include "vrrp/internal.h"

/* A flood of forged advertisements must not make us flood as well: so many immediate answers in
 * each window, no more than one a centisecond on average, which is the finest that VRRP can count.
 */
enum { WINDOW_CS = 10, WINDOW_ANSWERS = 10 };

nsec_t skew_ns(const struct instance *i)
{
    nsec_t unit = i->c.mode == VRRP_V2 ? NSEC_PER_SEC : cs_to_ns(i->active_interval_cs);
    return (256 - i->priority) * unit / 256;
}

nsec_t down_ns(const struct instance *i)
{
    return 3 * cs_to_ns(i->active_interval_cs) + skew_ns(i);
}

static nsec_t least(nsec_t a, nsec_t b) { return a < b ? a : b; }

void machine_arm(struct vrrp *v, struct instance *i)
{
    i->due = least(least(i->down_at, i->adver_at), least(i->preempt_at, i->announce_at));
    timers_set(&v->timers, id_of(v, i), i->due);
}

static void change_state(struct vrrp *v, struct instance *i, enum vrrp_state to,
                         enum vrrp_reason why)
{
    const uint32_t told = (uint32_t)DO_EVENT0 << VRRP_EV_STATE;
    bool gate = (to == VRRP_ACTIVE) != (i->state == VRRP_ACTIVE);
    if (!(i->pending & told))
        i->was = i->state;
    i->state = to;
    i->reason = why;
    i->since = v->now;
    i->ready = i->resigned = i->outranked = i->waited = false;
    i->down_at = i->adver_at = i->preempt_at = i->announce_at = NSEC_NEVER;
    i->pending &= ~(uint32_t)(DO_SEND | DO_ANNOUNCE);
    pend(v, i, told | (gate ? DO_GATE : 0));
}

static void advertise(struct vrrp *v, struct instance *i)
{
    pend(v, i, DO_SEND);
    i->adver_at = v->now + cs_to_ns(i->c.interval_cs);
}

static void announce(struct vrrp *v, struct instance *i)
{
    pend(v, i, DO_ANNOUNCE);
    i->announce_at = NSEC_NEVER;
    if (i->rounds > 0) {
        i->rounds--;
        i->announce_at = v->now + cs_to_ns(i->c.announce_every_cs);
    } else if (i->c.announce_again_s > 0) {
        i->announce_at = v->now + i->c.announce_again_s * NSEC_PER_SEC;
    }
}

void machine_enter_active(struct vrrp *v, struct instance *i, enum vrrp_reason why)
{
    change_state(v, i, VRRP_ACTIVE, why);
    i->n.activated++;
    i->active = i->src;
    i->active_priority = i->priority;
    i->active_interval_cs = i->c.interval_cs;
    i->rounds = (uint8_t)(i->c.announce_count - 1);
    advertise(v, i);
    announce(v, i);
    machine_arm(v, i);
}

void machine_enter_backup(struct vrrp *v, struct instance *i, enum vrrp_reason why)
{
    change_state(v, i, VRRP_BACKUP, why);
    i->down_at = v->now + down_ns(i);
    machine_arm(v, i);
}

/* RFC 9568 section 6.4.1. */
void machine_startup(struct vrrp *v, struct instance *i)
{
    i->active_interval_cs = i->c.interval_cs;
    i->active_priority = 0;
    i->active = (struct ip6){{0}};
    machine_enter_backup(v, i, VRRP_WHY_STARTUP);
    if (is_owner(i))
        group_promote(v, i, VRRP_WHY_OWNER);
}

/* Sections 6.4.2 and 6.4.3, "if a Shutdown event is received". */
void machine_shutdown(struct vrrp *v, struct instance *i, enum vrrp_reason why)
{
    bool say = i->state == VRRP_ACTIVE && i->up;
    if (i->state == VRRP_INITIALIZE)
        return;
    change_state(v, i, VRRP_INITIALIZE, why);
    if (say)
        pend(v, i, DO_SEND_ZERO);
    machine_arm(v, i);
}

static void adopt(struct instance *i, const struct vrrp_advert *a)
{
    i->active_interval_cs = a->interval_cs;
    i->active_priority = a->priority;
    i->active = a->src;
}

static void follow(struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    adopt(i, a);
    i->ready = i->resigned = i->outranked = false;
    i->down_at = v->now + down_ns(i);
}

/* Section 6.4.2 for a priority below ours: without Preempt_Mode it is followed like any; with it,
 * discarded, so that the Active_Down_Timer runs out; with a delay, first the one, then the other.
 */
static void backup_hears_lower(struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    if (i->c.preempt && (i->c.preempt_delay_cs == 0 || i->waited)) {
        i->n.lower++;
        i->outranked = true;
        return;
    }
    if (i->c.preempt && i->preempt_at == NSEC_NEVER)
        i->preempt_at = v->now + cs_to_ns(i->c.preempt_delay_cs);
    follow(v, i, a);
}

static void backup_hears(struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    if (a->priority == 0) {
        i->resigned = true;
        if (!i->ready)
            i->down_at = v->now + skew_ns(i);
    } else if (a->priority < i->priority) {
        backup_hears_lower(v, i, a);
    } else {
        i->preempt_at = NSEC_NEVER;
        i->waited = false;
        follow(v, i, a);
    }
}

/* "The local router" loses against a higher priority, or the same and a greater address. */
static bool better_than_us(const struct instance *i, const struct vrrp_advert *a)
{
    if (a->priority != i->priority)
        return a->priority > i->priority;
    return memcmp(a->src.b, i->src.b, sizeof a->src.b) > 0;
}

/* Section 6.4.3: answer at once, so that the other steps back and bridges learn us again. */
static void assert_active(struct vrrp *v, struct instance *i, bool restart)
{
    if (v->now - i->window_at >= cs_to_ns(WINDOW_CS)) {
        i->window_at = v->now;
        i->answers = 0;
    }
    if (i->answers == WINDOW_ANSWERS)
        return;
    i->answers++;
    if (restart)
        advertise(v, i);
    else
        pend(v, i, DO_SEND);
}

static void active_hears(struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    if (a->priority != 0 && better_than_us(i, a)) {
        adopt(i, a);
        machine_enter_backup(v, i, VRRP_WHY_BETTER);
        group_demote(v, i);
        return;
    }
    if (a->priority != 0)
        i->n.lower++;
    assert_active(v, i, a->priority == 0);
}

void machine_advert(struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    switch (i->state) {
    case VRRP_BACKUP:
        backup_hears(v, i, a);
        break;
    case VRRP_ACTIVE:
        active_hears(v, i, a);
        break;
    default:
        break; /* Initialize hears nothing */
    }
    machine_arm(v, i);
}

/* The delay is over and the Active is still a lower one: as if it had resigned. */
static void stop_waiting(struct vrrp *v, struct instance *i)
{
    nsec_t soon = v->now + skew_ns(i);
    i->preempt_at = NSEC_NEVER;
    i->waited = i->outranked = true;
    if (i->down_at > soon)
        i->down_at = soon;
}

static void active_down(struct vrrp *v, struct instance *i)
{
    i->down_at = NSEC_NEVER;
    group_promote(v, i,
                  i->resigned    ? VRRP_WHY_RESIGNED
                  : i->outranked ? VRRP_WHY_PREEMPTED
                                 : VRRP_WHY_SILENCE);
}

/* Section 6.4.3: the Adver_Timer. It keeps its phase, unless we come so late that an
 * advertisement is lost anyway. */
static void adver(struct vrrp *v, struct instance *i)
{
    nsec_t next = i->adver_at + cs_to_ns(i->c.interval_cs);
    advertise(v, i);
    if (next > v->now)
        i->adver_at = next;
}

void machine_timer(struct vrrp *v, struct instance *i)
{
    if (i->announce_at <= v->now)
        announce(v, i);
    if (i->preempt_at <= v->now)
        stop_waiting(v, i);
    if (i->adver_at <= v->now)
        adver(v, i);
    if (i->down_at <= v->now)
        active_down(v, i);
    machine_arm(v, i);
}

/* Priority after tracking. The owner's is never lowered (section 5.2.4); a lowered Active says so
 * at once, since the Backups can only then preempt. */
void machine_priority(struct vrrp *v, struct instance *i)
{
    unsigned p = i->c.priority, lost = 0;
    i->fault = false;
    for (unsigned t = 0; t < VRRP_TRACKS_MAX; t++) {
        i->fault |= i->lost[t] == VRRP_TRACK_FAULT;
        lost += i->lost[t];
    }
    if (p != VRRP_OWNER)
        p = lost < p ? p - lost : 1;
    if (p == i->priority)
        return;
    i->priority = (uint8_t)p;
    if (i->state != VRRP_ACTIVE)
        return;
    i->active_priority = i->priority;
    advertise(v, i);
    machine_arm(v, i);
}
