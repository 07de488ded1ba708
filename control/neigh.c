#include "control/neigh.h"

#include <errno.h>
#include <stdlib.h>

#include "control/neigh_internal.h"

static const char *const state_names[NEIGH_STATES] = {
    [NEIGH_GONE] = "gone",     [NEIGH_INCOMPLETE] = "incomplete", [NEIGH_REACHABLE] = "reachable",
    [NEIGH_STALE] = "stale",   [NEIGH_DELAY] = "delay",           [NEIGH_PROBE] = "probe",
    [NEIGH_FAILED] = "failed", [NEIGH_PERMANENT] = "permanent",
};

const char *neigh_state_name(enum neigh_state s)
{
    return (unsigned)s < NEIGH_STATES ? state_names[s] : "?";
}

struct neigh *neigh_create(const struct neigh_size *size)
{
    struct neigh *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->size = *size;
    n->rng.state = size->seed;
    n->key[0] = prng_next(&n->rng);
    n->key[1] = prng_next(&n->rng);
    n->entry_queue.head = n->address_queue.head = NEIGH_NONE;
    n->interfaces = calloc(size->interfaces, sizeof *n->interfaces);
    n->addresses = calloc(size->addresses, sizeof *n->addresses);
    n->index = calloc(size->addresses, sizeof *n->index);
    bool ok = n->interfaces != NULL && n->addresses != NULL && n->index != NULL && table_init(n);
    if (!ok || timers_init(&n->timers, n->slots + size->addresses) < 0) {
        neigh_destroy(n);
        return NULL;
    }
    for (uint32_t i = 0; i < size->interfaces; i++) {
        n->interfaces[i].c = neigh_interface_default();
        memset(n->interfaces[i].lists, 0xff, sizeof n->interfaces[i].lists);
    }
    return n;
}

void neigh_destroy(struct neigh *n)
{
    if (n == NULL)
        return;
    timers_free(&n->timers);
    free(n->interfaces);
    free(n->addresses);
    free(n->index);
    free(n->entries);
    free(n->buckets);
    free(n);
}

struct neigh_interface neigh_interface_default(void)
{
    return (struct neigh_interface){
        .entries_max = 4096,
        .incomplete_max = 256,
        .reachable_ms = 30000,
        .retrans_ms = 1000,
        .delay_ms = 5000,
        .stale_ms = 600000,
        .failed_ms = 3000,
        .multicast_max = 3,
        .unicast_max = 3,
    };
}

static void forget_all(struct neigh *n, uint32_t interface)
{
    for (unsigned l = 0; l < LISTS; l++) {
        uint32_t i = n->interfaces[interface].lists[l].oldest;
        while (i != NEIGH_NONE) {
            struct entry *e = &n->entries[i];
            i = e->newer;
            if (e->state != NEIGH_PERMANENT)
                table_remove(n, e);
        }
    }
}

int neigh_interface(struct neigh *n, uint32_t interface, const struct neigh_interface *c,
                    nsec_t now, struct errbuf *e)
{
    n->now = now;
    if (interface >= n->size.interfaces)
        return errbuf_set(e, EINVAL, "interface number %u; there are %u", interface,
                          n->size.interfaces);
    if (c->retrans_ms == 0 || c->reachable_ms == 0 || c->multicast_max == 0 || c->unicast_max == 0)
        return errbuf_set(e, EINVAL, "neighbour times and tries must be at least 1");
    if (c->reachable_ms > 3600000)
        return errbuf_set(e, EINVAL, "reachable time %u ms; RFC 4861 allows an hour",
                          c->reachable_ms);
    bool was = n->interfaces[interface].c.up;
    n->interfaces[interface].c = *c;
    if (was == c->up)
        return 0;
    if (was)
        forget_all(n, interface);
    own_link(n, interface);
    return 0;
}

/* Takes a handle; the oldest makes room. */
static uint64_t wait_for(struct entry *e, uint64_t handle)
{
    uint64_t gave_way = 0;
    if (handle == 0)
        return 0;
    if (e->n_waiting == NEIGH_WAITING_MAX) {
        gave_way = e->waiting[0];
        memmove(e->waiting, e->waiting + 1, sizeof e->waiting - sizeof *e->waiting);
        e->n_waiting--;
    }
    e->waiting[e->n_waiting++] = handle;
    return gave_way;
}

static struct entry *begin(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    const struct interface *ifc = &n->interfaces[interface];
    if (neigh_is_absurd(ip, ip6) || ifc->n_incomplete >= ifc->c.incomplete_max)
        return NULL;
    if (own_find(n, interface, ip, ip6) != NULL)
        return NULL; /* we don't ask for ourselves */
    struct entry *e = table_add(n, interface, ip, ip6, true);
    if (e != NULL)
        state_solicit_first(n, e);
    return e;
}

struct neigh_resolution neigh_resolve(struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                      bool ip6, uint64_t handle, nsec_t now)
{
    struct neigh_resolution r = {.answer = NEIGH_REFUSED};
    struct entry *e = NULL;
    n->now = now;
    if (interface < n->size.interfaces && n->interfaces[interface].c.up) {
        e = table_find(n, interface, ip, ip6);
        if (e == NULL)
            e = begin(n, interface, ip, ip6);
    }
    if (e == NULL || e->state == NEIGH_FAILED) {
        n->counters.refused_resolve++;
        return r;
    }
    if (e->state == NEIGH_INCOMPLETE) {
        r.answer = NEIGH_WAIT;
        r.gave_way = wait_for(e, handle);
        return r;
    }
    state_use(n, e);
    r.answer = NEIGH_KNOWN;
    r.mac = e->mac;
    return r;
}

static struct entry *find(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    return interface < n->size.interfaces ? table_find(n, interface, ip, ip6) : NULL;
}

void neigh_used(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now)
{
    struct entry *e = find(n, interface, ip, ip6);
    n->now = now;
    if (e != NULL && state_usable(e->state))
        state_use(n, e);
}

void neigh_confirm(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now)
{
    struct entry *e = find(n, interface, ip, ip6);
    n->now = now;
    if (e != NULL)
        state_confirm(n, e);
}

int neigh_static(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                 struct mac mac, nsec_t now, struct errbuf *e)
{
    n->now = now;
    if (interface >= n->size.interfaces)
        return errbuf_set(e, EINVAL, "interface number %u; there are %u", interface,
                          n->size.interfaces);
    if (neigh_is_absurd(ip, ip6) || mac_is_multicast(mac) || mac_is_zero(mac))
        return errbuf_set(e, EINVAL, "a neighbour's address and MAC must be unicast");
    struct entry *x = table_find(n, interface, ip, ip6);
    if (x == NULL)
        x = table_add(n, interface, ip, ip6, true);
    if (x == NULL)
        return errbuf_set(e, ENOSPC, "the interface has its %u neighbours",
                          n->interfaces[interface].c.entries_max);
    table_list(n, x, USED);
    x->mac = mac;
    state_set(n, x, NEIGH_PERMANENT);
    pend_entry(n, x, DO_UPDATE);
    return 0;
}

int neigh_forget(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now)
{
    struct entry *e = find(n, interface, ip, ip6);
    n->now = now;
    if (e == NULL)
        return -ENOENT;
    table_remove(n, e);
    return 0;
}

nsec_t neigh_deadline(const struct neigh *n) { return timers_due(&n->timers); }

void neigh_tick(struct neigh *n, nsec_t now)
{
    n->now = now;
    while (timers_due(&n->timers) <= now) {
        uint32_t id = timers_first(&n->timers);
        if (id < n->slots)
            state_timer(n, &n->entries[id]);
        else
            own_timer(n, &n->addresses[id - n->slots]);
    }
}

static struct neigh_info info_of(const struct entry *e)
{
    return (struct neigh_info){.state = e->state,
                               .mac = e->mac,
                               .router = e->router,
                               .used = e->list == USED,
                               .waiting = e->n_waiting,
                               .due = e->due};
}

int neigh_show(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
               struct neigh_info *info)
{
    const struct entry *e = find(n, interface, ip, ip6);
    if (e == NULL)
        return -ENOENT;
    *info = info_of(e);
    return 0;
}

bool neigh_each(const struct neigh *n, uint32_t *cursor, uint32_t *interface, struct ip6 *ip,
                bool *ip6, struct neigh_info *info)
{
    while (*cursor < n->slots) {
        const struct entry *e = &n->entries[(*cursor)++];
        if (!e->live)
            continue;
        *interface = e->interface;
        *ip = e->ip;
        *ip6 = e->ip6;
        *info = info_of(e);
        return true;
    }
    return false;
}

const struct neigh_counters *neigh_counters(const struct neigh *n) { return &n->counters; }
