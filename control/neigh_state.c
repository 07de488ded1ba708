/* RFC 4861 section 7.3 and appendix C: the states of a neighbour, for ARP too. */
#include "control/neigh_internal.h"

static const struct interface *interface_of(const struct neigh *n, const struct entry *e)
{
    return &n->interfaces[e->interface];
}

bool state_usable(enum neigh_state s)
{
    return s == NEIGH_REACHABLE || s == NEIGH_STALE || s == NEIGH_DELAY || s == NEIGH_PROBE ||
           s == NEIGH_PERMANENT;
}

static nsec_t time_in(struct neigh *n, const struct entry *e, enum neigh_state s)
{
    const struct neigh_interface *c = &interface_of(n, e)->c;
    switch (s) {
    case NEIGH_INCOMPLETE:
    case NEIGH_PROBE:
        return ms_to_ns(c->retrans_ms);
    case NEIGH_REACHABLE: /* section 6.3.2: MIN_RANDOM_FACTOR, MAX_RANDOM_FACTOR; drawn each time */
        return jitter(n, c->reachable_ms / 2, c->reachable_ms / 2 * 3);
    case NEIGH_STALE:
        return ms_to_ns(c->stale_ms);
    case NEIGH_DELAY:
        return ms_to_ns(c->delay_ms);
    case NEIGH_FAILED:
        return ms_to_ns(c->failed_ms);
    default:
        return NSEC_NEVER;
    }
}

static void arm(struct neigh *n, struct entry *e)
{
    nsec_t in = time_in(n, e, e->state);
    e->due = in == NSEC_NEVER ? NSEC_NEVER : n->now + in;
    timers_set(&n->timers, (uint32_t)(e - n->entries), e->due);
}

/* The one door. What the datapath must know of it is told; who waits goes, or is dropped. */
void state_set(struct neigh *n, struct entry *e, enum neigh_state s)
{
    struct interface *ifc = &n->interfaces[e->interface];
    ifc->n_incomplete += (s == NEIGH_INCOMPLETE) - (e->state == NEIGH_INCOMPLETE);
    e->state = s;
    e->solicits = 0;
    arm(n, e);
    if (state_usable(s) != e->told)
        pend_entry(n, e, DO_UPDATE);
    if (e->n_waiting > 0 && s != NEIGH_INCOMPLETE)
        pend_entry(n, e, DO_PACKETS);
    if (s == NEIGH_FAILED)
        table_list(n, e, STRANGERS); /* a dead end gives way first */
}

static void solicit(struct neigh *n, struct entry *e)
{
    e->solicits++;
    arm(n, e);
    pend_entry(n, e, DO_SOLICIT);
}

/* Section 7.2.2. */
void state_solicit_first(struct neigh *n, struct entry *e)
{
    state_set(n, e, NEIGH_INCOMPLETE);
    solicit(n, e);
}

/* Section 7.3.3: the first packet to a STALE neighbour. */
void state_use(struct neigh *n, struct entry *e)
{
    table_list(n, e, USED);
    if (e->state == NEIGH_STALE)
        state_set(n, e, NEIGH_DELAY);
}

void state_confirm(struct neigh *n, struct entry *e)
{
    if (state_usable(e->state) && e->state != NEIGH_PERMANENT)
        state_set(n, e, NEIGH_REACHABLE);
}

static void set_mac(struct neigh *n, struct entry *e, struct mac mac)
{
    n->counters.moved += state_usable(e->state);
    e->mac = mac;
    pend_entry(n, e, DO_UPDATE);
}

static bool has_mac(const struct entry *e, struct mac mac)
{
    return state_usable(e->state) && mac_equal(e->mac, mac);
}

/* Section 7.2.3, and RFC 826's merge: it asked somebody, and so said what its MAC is. */
void state_asked(struct neigh *n, struct entry *e, struct mac mac)
{
    if (e->state == NEIGH_PERMANENT || has_mac(e, mac))
        return;
    set_mac(n, e, mac);
    state_set(n, e, NEIGH_STALE);
}

static void first_answer(struct neigh *n, struct entry *e, const struct neigh_message *m)
{
    if (!m->has_sha)
        return;
    set_mac(n, e, m->sha);
    state_set(n, e, m->solicited ? NEIGH_REACHABLE : NEIGH_STALE);
}

/* Section 7.2.5 and appendix C. An ARP reply to us is solicited and overrides; others only
 * override. */
void state_answered(struct neigh *n, struct entry *e, const struct neigh_message *m)
{
    bool other = m->has_sha && !has_mac(e, m->sha);
    if (e->state == NEIGH_PERMANENT)
        return;
    if (m->ip6)
        e->router = m->router;
    if (!state_usable(e->state)) {
        first_answer(n, e, m);
        return;
    }
    if (other && !m->override) {
        if (e->state == NEIGH_REACHABLE)
            state_set(n, e, NEIGH_STALE);
        return;
    }
    if (other)
        set_mac(n, e, m->sha);
    if (m->solicited)
        state_set(n, e, NEIGH_REACHABLE);
    else if (other)
        state_set(n, e, NEIGH_STALE);
}

static void fail(struct neigh *n, struct entry *e)
{
    n->counters.failed++;
    state_set(n, e, NEIGH_FAILED);
}

void state_timer(struct neigh *n, struct entry *e)
{
    const struct neigh_interface *c = &interface_of(n, e)->c;
    switch (e->state) {
    case NEIGH_INCOMPLETE:
        if (e->solicits < c->multicast_max)
            solicit(n, e);
        else
            fail(n, e);
        break;
    case NEIGH_REACHABLE:
        state_set(n, e, NEIGH_STALE);
        break;
    case NEIGH_DELAY:
        state_set(n, e, NEIGH_PROBE);
        solicit(n, e);
        break;
    case NEIGH_PROBE:
        if (e->solicits < c->unicast_max)
            solicit(n, e);
        else
            fail(n, e);
        break;
    default: /* STALE for too long, or a dead end long enough */
        table_remove(n, e);
        break;
    }
}
