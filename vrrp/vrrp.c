#include "vrrp/vrrp.h"

#include <errno.h>
#include <stdlib.h>

#include "vrrp/internal.h"

static const char *const state_names[VRRP_STATES] = {"Initialize", "Backup", "Active"};

static const char *const reason_names[VRRP_REASONS] = {
    [VRRP_WHY_STARTUP] = "startup",
    [VRRP_WHY_OWNER] = "address owner",
    [VRRP_WHY_SILENCE] = "Active not heard",
    [VRRP_WHY_RESIGNED] = "Active resigned",
    [VRRP_WHY_PREEMPTED] = "preempted a lower priority",
    [VRRP_WHY_BETTER] = "better router heard",
    [VRRP_WHY_GROUP] = "sync group",
    [VRRP_WHY_SHUTDOWN] = "shutdown",
    [VRRP_WHY_LINK] = "link down",
    [VRRP_WHY_TRACK] = "tracked fault",
};

static const char *const event_names[VRRP_EVENTS] = {
    [VRRP_EV_STATE] = "state",
    [VRRP_EV_INTERVAL] = "interval differs",
    [VRRP_EV_ADDRESSES] = "addresses differ",
    [VRRP_EV_TWO_OWNERS] = "two owners",
    [VRRP_EV_AUTH] = "authentication ignored",
    [VRRP_EV_REFUSED] = "packet refused",
};

const char *vrrp_state_name(enum vrrp_state s)
{
    return (unsigned)s < VRRP_STATES ? state_names[s] : "?";
}
const char *vrrp_reason_name(enum vrrp_reason r)
{
    return (unsigned)r < VRRP_REASONS ? reason_names[r] : "?";
}
const char *vrrp_event_name(enum vrrp_event e)
{
    return (unsigned)e < VRRP_EVENTS ? event_names[e] : "?";
}

struct vrrp *vrrp_create(unsigned instances, unsigned links)
{
    struct vrrp *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    *v = (struct vrrp){
        .max = instances,
        .n_links = links,
        .all = calloc(instances, sizeof *v->all),
        .links = calloc(links, sizeof *v->links),
        .index = calloc(instances, sizeof *v->index),
        .queue_head = NONE,
    };
    bool timers = timers_init(&v->timers, instances) == 0;
    if (timers && v->all != NULL && v->links != NULL && v->index != NULL)
        return v;
    vrrp_destroy(v);
    return NULL;
}

void vrrp_destroy(struct vrrp *v)
{
    if (v == NULL)
        return;
    free(v->all);
    free(v->links);
    free(v->index);
    timers_free(&v->timers);
    free(v);
}

static uint64_t key_of(uint32_t link, bool ip6, uint8_t vrid)
{
    return (uint64_t)link << 9 | (uint64_t)ip6 << 8 | vrid;
}

/* The first place in the index whose key is not below. */
static unsigned index_place(const struct vrrp *v, uint64_t key)
{
    unsigned lo = 0, hi = v->n_index;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (v->index[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int vrrp_find(const struct vrrp *v, uint32_t link, bool ip6, uint8_t vrid)
{
    uint64_t key = key_of(link, ip6, vrid);
    unsigned at = index_place(v, key);
    return at < v->n_index && v->index[at].key == key ? (int)v->index[at].id : -ENOENT;
}

static void index_add(struct vrrp *v, uint64_t key, uint32_t id)
{
    unsigned at = index_place(v, key);
    memmove(&v->index[at + 1], &v->index[at], (v->n_index - at) * sizeof *v->index);
    v->index[at] = (struct index_entry){.key = key, .id = id};
    v->n_index++;
}

static void index_remove(struct vrrp *v, uint64_t key)
{
    unsigned at = index_place(v, key);
    v->n_index--;
    memmove(&v->index[at], &v->index[at + 1], (v->n_index - at) * sizeof *v->index);
}

static struct instance *instance_of(const struct vrrp *v, unsigned id)
{
    struct instance *i = id < v->max ? &v->all[id] : NULL;
    return i != NULL && i->used && !(i->pending & DO_FORGET) ? i : NULL;
}

/* What the link says, seen by one family. */
static void look_at_link(struct vrrp *v, struct instance *i)
{
    const struct vrrp_link *l = &v->links[i->c.link];
    bool up = l->up && (i->c.ip6 ? l->has_ip6 : l->has_ip4);
    i->up = up;
    if (up)
        i->src = i->c.ip6 ? l->ip6 : l->ip4;
}

void vrrp_link(struct vrrp *v, uint32_t link, const struct vrrp_link *l, nsec_t now)
{
    v->now = now;
    if (link >= v->n_links)
        return;
    v->links[link] = *l;
    for (unsigned at = index_place(v, key_of(link, false, 0));
         at < v->n_index && v->index[at].key < key_of(link + 1, false, 0); at++) {
        struct instance *i = &v->all[v->index[at].id];
        look_at_link(v, i);
        group_reconsider(v, i, VRRP_WHY_LINK);
    }
}

static struct instance *free_slot(struct vrrp *v)
{
    for (unsigned n = 0; n < v->max; n++) {
        if (!v->all[n].used)
            return &v->all[n];
    }
    return NULL;
}

/* The timestamps of long ago: nothing has been asserted or warned of yet. */
static void init(struct instance *i, const struct vrrp_config *c)
{
    *i = (struct instance){.used = true, .c = *c, .window_at = INT64_MIN / 2};
    i->down_at = i->adver_at = i->preempt_at = i->announce_at = i->due = NSEC_NEVER;
    for (unsigned e = 0; e < VRRP_EVENTS; e++)
        i->warned_at[e] = INT64_MIN / 2;
}

int vrrp_add(struct vrrp *v, const struct vrrp_config *c, nsec_t now, struct errbuf *e)
{
    v->now = now;
    int r = vrrp_config_check(c, e);
    if (r < 0)
        return r;
    if (c->link >= v->n_links)
        return errbuf_set(e, EINVAL, "VRID %u: interface number %u; there are %u", c->vrid, c->link,
                          v->n_links);
    if (vrrp_find(v, c->link, c->ip6, c->vrid) >= 0)
        return errbuf_set(e, EEXIST, "VRID %u: is already there for %s; change that one", c->vrid,
                          c->ip6 ? "IPv6" : "IPv4");
    struct instance *i = free_slot(v);
    if (i == NULL)
        return errbuf_set(e, ENOSPC, "VRID %u: there are %u virtual routers; remove one first",
                          c->vrid, v->max);
    init(i, c);
    index_add(v, key_of(c->link, c->ip6, c->vrid), id_of(v, i));
    group_join(v, i);
    machine_priority(v, i);
    look_at_link(v, i);
    group_reconsider(v, i, VRRP_WHY_GROUP);
    return (int)id_of(v, i);
}

static bool same_addresses(const struct vrrp_config *a, const struct vrrp_config *b)
{
    return a->n_addrs == b->n_addrs &&
           memcmp(a->addr, b->addr, a->n_addrs * sizeof a->addr[0]) == 0;
}

/* A running instance after a change: what its peers and hosts must hear of it. */
static void tell_change(struct vrrp *v, struct instance *i, const struct vrrp_config *was)
{
    if (i->state != VRRP_ACTIVE)
        return;
    pend(v, i, DO_SEND | DO_GATE);
    i->adver_at = v->now + cs_to_ns(i->c.interval_cs);
    if (!same_addresses(was, &i->c)) {
        i->rounds = (uint8_t)(i->c.announce_count - 1);
        i->announce_at = v->now;
    }
    machine_arm(v, i);
}

int vrrp_set(struct vrrp *v, unsigned id, const struct vrrp_config *c, nsec_t now, struct errbuf *e)
{
    struct instance *i = instance_of(v, id);
    v->now = now;
    if (i == NULL)
        return errbuf_set(e, ENOENT, "virtual router %u: there is none", id);
    int r = vrrp_config_check(c, e);
    if (r < 0)
        return r;
    struct vrrp_config was = i->c;
    if (c->link != was.link || c->vrid != was.vrid || c->ip6 != was.ip6)
        return errbuf_set(e, EINVAL,
                          "VRID %u: interface, VRID and family can't change; add another",
                          was.vrid);
    /* An owner does not become one while running, nor another version speak in mid-sentence. */
    if ((c->priority == VRRP_OWNER) != (was.priority == VRRP_OWNER) || c->mode != was.mode)
        machine_shutdown(v, i, VRRP_WHY_SHUTDOWN);
    struct instance *mate = &v->all[i->group_next];
    bool moves = c->group != was.group;
    if (moves)
        group_leave(v, i);
    i->c = *c;
    if (moves)
        group_join(v, i);
    if (moves && mate != i)
        group_reconsider(v, mate, VRRP_WHY_GROUP); /* we may have been its weakest member */
    i->peer_cursor = i->version_cursor = i->addr_cursor = 0;
    machine_priority(v, i);
    group_reconsider(v, i, VRRP_WHY_SHUTDOWN);
    tell_change(v, i, &was);
    return 0;
}

void vrrp_remove(struct vrrp *v, unsigned id, nsec_t now)
{
    struct instance *i = instance_of(v, id);
    v->now = now;
    if (i == NULL)
        return;
    struct instance *other = &v->all[i->group_next];
    index_remove(v, key_of(i->c.link, i->c.ip6, i->c.vrid));
    group_leave(v, i);
    machine_shutdown(v, i, VRRP_WHY_SHUTDOWN);
    pend(v, i, DO_FORGET);
    if (other != i)
        group_reconsider(v, other, VRRP_WHY_GROUP); /* it may have been the weakest member */
}

nsec_t vrrp_deadline(const struct vrrp *v) { return timers_due(&v->timers); }

void vrrp_tick(struct vrrp *v, nsec_t now)
{
    v->now = now;
    while (timers_due(&v->timers) <= now)
        machine_timer(v, &v->all[timers_first(&v->timers)]);
}

void vrrp_track(struct vrrp *v, unsigned id, unsigned slot, uint8_t lost, nsec_t now)
{
    struct instance *i = instance_of(v, id);
    v->now = now;
    if (i == NULL || slot >= VRRP_TRACKS_MAX)
        return;
    i->lost[slot] = lost;
    machine_priority(v, i);
    group_reconsider(v, i, VRRP_WHY_TRACK);
}

void vrrp_stop(struct vrrp *v, nsec_t now)
{
    v->now = now;
    for (unsigned n = 0; n < v->n_index; n++) {
        struct instance *i = &v->all[v->index[n].id];
        i->c.enabled = false;
        machine_shutdown(v, i, VRRP_WHY_SHUTDOWN);
    }
}

int vrrp_status(const struct vrrp *v, unsigned id, struct vrrp_status *s)
{
    const struct instance *i = instance_of(v, id);
    if (i == NULL)
        return -ENOENT;
    *s = (struct vrrp_status){.state = i->state,
                              .reason = i->reason,
                              .since = i->since,
                              .priority = i->priority,
                              .active_priority = i->active_priority,
                              .active = i->active,
                              .active_interval_cs = i->active_interval_cs,
                              .skew_ns = skew_ns(i),
                              .down_ns = down_ns(i),
                              .due = i->due,
                              .waits_for_group = i->ready && i->state == VRRP_BACKUP,
                              .counters = i->n};
    return 0;
}

const struct vrrp_config *vrrp_config_of(const struct vrrp *v, unsigned id)
{
    const struct instance *i = instance_of(v, id);
    return i ? &i->c : NULL;
}

const uint64_t *vrrp_refused(const struct vrrp *v) { return v->refused; }
