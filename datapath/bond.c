/* bond.c: who is a member, and who may send. See bond.h for the threads. */
#include "datapath/bond.h"

#include <errno.h>

#include "datapath/rcu.h"

int bond_member_index(const struct bond *b, const struct port *member)
{
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        if (member != NULL && b->member[i].port == member)
            return (int)i;
    }
    return -1;
}

/* ------------------------------------------------------------ what workers see */

static void take_buckets(const struct bond *b, uint8_t out[BOND_BUCKETS])
{
    for (unsigned i = 0; i < BOND_BUCKETS; i++)
        out[i] = atomic_load_explicit(&b->bucket[i], memory_order_relaxed);
}

static void put_buckets(struct bond *b, const uint8_t bucket[BOND_BUCKETS])
{
    for (unsigned i = 0; i < BOND_BUCKETS; i++)
        if (bucket[i] != b->bucket[i])
            atomic_store_explicit(&b->bucket[i], bucket[i], memory_order_relaxed);
}

/* On the way down the mask goes first: that is the failover. The buckets follow for the flows to
 * stay where they were sent when the member returns. */
static void publish(struct bond *b, uint32_t tx, uint32_t rx, nsec_t now)
{
    uint32_t was = b->tx_mask;
    bool up = tx != 0;
    if ((uint32_t)b->rx_mask != rx)
        atomic_store_explicit(&b->rx_mask, rx, memory_order_release);
    if (was == tx)
        return;
    atomic_store_explicit(&b->tx_mask, tx, memory_order_release);
    atomic_store_explicit(&b->port->link_up, up, memory_order_relaxed);
    uint8_t bucket[BOND_BUCKETS];
    take_buckets(b, bucket);
    bond_spread(bucket, was, tx);
    put_buckets(b, bucket);
    for (uint32_t left = was ^ tx; left != 0; left &= left - 1) {
        struct bond_member *m = &b->member[__builtin_ctz(left)];
        m->since = now;
        m->flaps += (was & left & -left) != 0;
    }
    b->failovers += (was & ~tx) != 0;
    bool alone = (tx & ~was) != 0 && (tx & (tx - 1)) == 0; /* and it wasn't in use before */
    if (alone && b->config.mode != BOND_BALANCE_XOR)
        bond_announce_begin(b->announce, now);
}

static uint32_t carriers(const struct bond *b)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++)
        mask |= b->member[i].port != NULL && b->member[i].carrier ? 1u << i : 0;
    return mask;
}

static uint32_t gates(const struct bond *b, bool distributing)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        const struct bond_member *m = &b->member[i];
        bool open = distributing ? m->distributing : m->collecting;
        mask |= m->port != NULL && open ? 1u << i : 0;
    }
    return mask;
}

/* The primary if it can, else who already does, else the first. */
static int choose_active(const struct bond *b, uint32_t up)
{
    int primary = b->config.primary;
    if (up == 0)
        return -1;
    if (primary >= 0 && (up >> primary & 1))
        return primary;
    return b->active >= 0 && (up >> b->active & 1) ? b->active : __builtin_ctz(up);
}

static void decide(struct bond *b, nsec_t now)
{
    uint32_t up = carriers(b), tx = up, rx = up;
    if (b->config.mode == BOND_LACP) {
        tx &= gates(b, true);
        rx = gates(b, false);
    } else if (b->config.mode == BOND_ACTIVE_BACKUP) {
        b->active = choose_active(b, up);
        tx = rx = b->active >= 0 ? 1u << b->active : 0;
    }
    if (__builtin_popcount(tx) < b->config.min_links)
        tx = 0;
    publish(b, tx, rx, now);
}

/* ------------------------------------------------------------ carrier */

static bool device_up(const struct port *p)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    return atomic_load_explicit(&p->link_up, memory_order_relaxed) && !(config & PORT_CFG_DOWN);
}

/* A first link isn't made to wait: there is no other that traffic could stay on. */
static nsec_t watch(struct bond *b, struct bond_member *m, nsec_t now)
{
    bool up = device_up(m->port);
    if (up == m->carrier) {
        m->change_at = NSEC_NEVER;
        return NSEC_NEVER;
    }
    if (m->change_at == NSEC_NEVER)
        m->change_at = now + (up ? b->config.up_delay : b->config.down_delay);
    if (now < m->change_at && !(up && b->tx_mask == 0))
        return m->change_at;
    m->carrier = up;
    m->change_at = NSEC_NEVER;
    return NSEC_NEVER;
}

/* ------------------------------------------------------------ load */

/* Bytes of each bucket since the last time. */
static void weigh(struct bond *b, uint64_t load[BOND_BUCKETS])
{
    for (unsigned i = 0; i < BOND_BUCKETS; i++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k <= b->port->sw->n_workers; k++)
            sum += __atomic_load_n(&b->load[k][i], __ATOMIC_RELAXED);
        load[i] = sum - b->load_was[i];
        b->load_was[i] = sum;
    }
}

static void rebalance(struct bond *b, nsec_t now)
{
    uint8_t bucket[BOND_BUCKETS];
    uint64_t load[BOND_BUCKETS];
    if (now < b->rebalance_at)
        return;
    b->rebalance_at = now + b->config.rebalance;
    weigh(b, load);
    take_buckets(b, bucket);
    b->moves += bond_rebalance(bucket, b->tx_mask, load);
    put_buckets(b, bucket);
}

nsec_t bond_run(struct bond *b, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        nsec_t at = b->member[i].port != NULL ? watch(b, &b->member[i], now) : NSEC_NEVER;
        due = at < due ? at : due;
    }
    decide(b, now);
    rebalance(b, now);
    nsec_t again = bond_announce_run(b->announce, b->port, now, &b->announced);
    due = again < due ? again : due;
    return b->rebalance_at < due ? b->rebalance_at : due;
}

static void ask_links(struct bond *b)
{
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        struct port *p = b->member[i].port;
        if (p != NULL && p->ops->link != NULL)
            atomic_store_explicit(&p->link_up, p->ops->link(p).up, memory_order_relaxed);
    }
}

static struct port *member_of(struct weft_switch *sw, unsigned bond, unsigned member, bool *any)
{
    pthread_mutex_lock(&sw->bond_lock);
    const struct bond *b = sw->bonds[bond];
    struct port *p = b != NULL ? b->member[member].port : NULL;
    *any |= b != NULL;
    pthread_mutex_unlock(&sw->bond_lock);
    return p != NULL && p->ops->link != NULL ? p : NULL;
}

/* Under carrier_lock, which bond_leave() takes before the port may go. */
static bool ask_link(struct weft_switch *sw, unsigned bond, unsigned member, bool *any)
{
    pthread_mutex_lock(&sw->carrier_lock);
    struct port *p = member_of(sw, bond, member, any);
    bool up = p != NULL && p->ops->link(p).up;
    bool changed = p != NULL && atomic_exchange(&p->link_up, up) != up;
    pthread_mutex_unlock(&sw->carrier_lock);
    return changed;
}

bool bonds_ask_links(struct weft_switch *sw, bool *any)
{
    bool changed = false;
    *any = false;
    for (unsigned i = 0; i < WEFT_BONDS_MAX; i++)
        for (unsigned j = 0; sw->bonds[i] != NULL && j < BOND_MEMBERS_MAX; j++)
            changed |= ask_link(sw, i, j, any);
    return changed;
}

nsec_t bonds_run(struct weft_switch *sw, bool links, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    pthread_mutex_lock(&sw->bond_lock);
    for (unsigned i = 0; i < WEFT_BONDS_MAX; i++) {
        struct bond *b = sw->bonds[i];
        if (b == NULL)
            continue;
        if (links)
            ask_links(b);
        nsec_t at = bond_run(b, now);
        due = at < due ? at : due;
    }
    pthread_mutex_unlock(&sw->bond_lock);
    return due;
}

void bond_set_gate(struct bond *b, unsigned member, bool collecting, bool distributing, nsec_t now)
{
    b->member[member].collecting = collecting;
    b->member[member].distributing = distributing;
    decide(b, now);
}

/* ------------------------------------------------------------ members */

static int join(struct bond *b, struct port *p, struct errbuf *e)
{
    struct weft_switch *sw = p->sw;
    unsigned i = 0;
    while (b->member[i].port != NULL)
        i++;
    pthread_mutex_lock(&sw->bond_lock);
    b->member[i] = (struct bond_member){.port = p,
                                        .carrier = device_up(p),
                                        .change_at = NSEC_NEVER,
                                        .since = switch_now(sw)};
    atomic_store_explicit(&b->to[i], p, memory_order_release);
    atomic_store_explicit(&p->member_no, (uint8_t)i, memory_order_relaxed);
    atomic_store_explicit(&p->member_of, b, memory_order_release);
    pthread_mutex_unlock(&sw->bond_lock);
    if (worker_assign(sw, p) == 0)
        return 0;
    bond_leave(p);
    return errbuf_set(e, ENOMEM, "port %s: out of memory", p->name);
}

void bond_leave(struct port *member)
{
    struct weft_switch *sw = member->sw;
    struct bond *b = member->member_of;
    if (b == NULL)
        return;
    worker_unassign(sw, member);
    pthread_mutex_lock(&sw->bond_lock);
    int i = bond_member_index(b, member);
    b->member[i] = (struct bond_member){.change_at = NSEC_NEVER};
    b->active = b->active == i ? -1 : b->active;
    decide(b, switch_now(sw));
    atomic_store_explicit(&member->member_of, NULL, memory_order_release);
    atomic_store_explicit(&b->to[i], NULL, memory_order_release);
    pthread_mutex_unlock(&sw->bond_lock);
    pthread_mutex_lock(&sw->carrier_lock); /* nor is it asked for its link any more */
    pthread_mutex_unlock(&sw->carrier_lock);
    rcu_wait(sw->rcu); /* nobody sends to it on the bond's behalf any more */
}

static int check(const struct port *bond, struct port *const *members, unsigned n, struct errbuf *e)
{
    if (n > BOND_MEMBERS_MAX)
        return errbuf_set(e, EINVAL, "port %s: %u members; give at most %d", bond->name, n,
                          BOND_MEMBERS_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct port *p = members[i];
        const struct bond *of = p->member_of;
        if (p->ops == &port_bond_ops || p->ops->rx_burst == NULL)
            return errbuf_set(e, EINVAL, "port %s: a %s port can't be a member of a bond", p->name,
                              p->ops->type);
        if (p->bridge != NULL || (of != NULL && of != bond->impl))
            return errbuf_set(e, EBUSY, "port %s: it is in %s", p->name,
                              p->bridge != NULL ? p->bridge->name : of->port->name);
    }
    return 0;
}

static bool wanted(struct port *const *members, unsigned n, const struct port *p)
{
    for (unsigned i = 0; i < n; i++) {
        if (members[i] == p)
            return true;
    }
    return false;
}

void bond_keep(struct port *p, char *const *names, unsigned n)
{
    struct bond *b = p->impl;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        struct port *m = b->member[i].port;
        unsigned j = 0;
        while (m != NULL && j < n && strcmp(m->name, names[j]) != 0)
            j++;
        if (m != NULL && j == n)
            bond_leave(m);
    }
}

static void configure(struct bond *b, const struct bond_config *c, struct port *primary)
{
    pthread_mutex_lock(&b->port->sw->bond_lock);
    if (c->rebalance != b->config.rebalance || c->rebalance == 0)
        b->rebalance_at = c->rebalance > 0 ? switch_now(b->port->sw) + c->rebalance : NSEC_NEVER;
    b->config = *c;
    b->config.primary = bond_member_index(b, primary);
    atomic_store_explicit(&b->mode, (uint8_t)c->mode, memory_order_relaxed);
    atomic_store_explicit(&b->hash, (uint8_t)c->hash, memory_order_relaxed);
    atomic_store_explicit(&b->symmetric, c->symmetric, memory_order_relaxed);
    atomic_store_explicit(&b->weighs, c->rebalance > 0, memory_order_relaxed);
    (void)bond_run(b, switch_now(b->port->sw));
    pthread_mutex_unlock(&b->port->sw->bond_lock);
}

int bond_set(struct port *p, const struct bond_config *c, struct port *const *members, unsigned n,
             struct errbuf *e)
{
    struct bond *b = p->impl;
    int r = check(p, members, n, e);
    if (r != 0)
        return r;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        struct port *m = b->member[i].port;
        if (m != NULL && !wanted(members, n, m))
            bond_leave(m);
    }
    for (unsigned i = 0; r == 0 && i < n; i++) {
        if (bond_member_index(b, members[i]) < 0)
            r = join(b, members[i], e);
    }
    if (mac_is_zero(p->mac) && n > 0)
        p->mac = members[0]->mac;
    bool has_primary = c->primary >= 0 && (unsigned)c->primary < n;
    configure(b, c, has_primary ? members[c->primary] : NULL);
    return r;
}

const char *bond_mode_name(enum bond_mode m)
{
    static const char *const name[] = {"lacp", "active-backup", "balance-xor"};
    return name[m];
}

const char *bond_hash_name(enum bond_hash h)
{
    static const char *const name[] = {"l2", "l2+l3", "l3+l4"};
    return name[h];
}
