#include "tests/unit/support_stp.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* ---- BPDUs in flight: a binary heap ---- */

static bool sooner(const struct net_flight *a, const struct net_flight *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap(struct net_flight *a, struct net_flight *b)
{
    struct net_flight t = *a;
    *a = *b;
    *b = t;
}

static void flight_push(struct net *n, const struct net_flight *f)
{
    weft_assert(n->n_flight < NET_FLIGHT);
    unsigned i = n->n_flight++;
    n->flight[i] = *f;
    for (; i > 0 && sooner(&n->flight[i], &n->flight[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&n->flight[i], &n->flight[(i - 1) / 2]);
}

static void flight_pop(struct net *n, struct net_flight *out)
{
    *out = n->flight[0];
    n->flight[0] = n->flight[--n->n_flight];
    for (unsigned i = 0;;) {
        unsigned best = i, l = 2 * i + 1;
        for (unsigned c = l; c < l + 2 && c < n->n_flight; c++)
            if (sooner(&n->flight[c], &n->flight[best]))
                best = c;
        if (best == i)
            return;
        swap(&n->flight[i], &n->flight[best]);
        i = best;
    }
}

/* ---- loops ---- */

unsigned net_tree(const struct net *n, unsigned b, unsigned v)
{
    const struct stp_config *c = &n->bridge[b].cfg;
    for (unsigned i = 0; i < c->n_mstis; i++)
        if (c->msti[i].id == c->vlan_msti[n->vlan[v]])
            return i + 1;
    return 0;
}

static bool forwards(const struct net *n, unsigned b, unsigned p, unsigned v)
{
    return n->bridge[b].stp != NULL && n->lan[n->bridge[b].port[p].lan].up &&
           n->bridge[b].port[p].state[net_tree(n, b, v)] == STP_FORWARDING;
}

/* Does the LAN carry frames from member i? */
static bool hears(const struct net_lan *l, unsigned i)
{
    return l->one_way == 0 || l->one_way - 1 == i;
}

struct walk {
    uint8_t mark[NET_BRIDGES][NET_PORTS + 1]; /* 1: on the way here, 2: done */
    unsigned v;
};

static bool visit(const struct net *n, struct walk *w, unsigned b, unsigned in);

static bool visit_lan(const struct net *n, struct walk *w, unsigned b, unsigned out)
{
    const struct net_lan *l = &n->lan[n->bridge[b].port[out].lan];
    for (unsigned i = 0; i < l->n; i++)
        if (l->member[i].bridge == b && l->member[i].port == out && !hears(l, i))
            return false;
    for (unsigned i = 0; i < l->n; i++) {
        unsigned to = l->member[i].bridge, in = l->member[i].port;
        if ((to != b || in != out) && forwards(n, to, in, w->v) && visit(n, w, to, in))
            return true;
    }
    return false;
}

/* A frame is at bridge b, came in by `in`: does some way lead back here? */
static bool visit(const struct net *n, struct walk *w, unsigned b, unsigned in)
{
    if (w->mark[b][in])
        return w->mark[b][in] == 1;
    w->mark[b][in] = 1;
    for (unsigned out = 1; out <= n->bridge[b].n_ports; out++)
        if (out != in && forwards(n, b, out, w->v) && visit_lan(n, w, b, out))
            return true;
    w->mark[b][in] = 2;
    return false;
}

static bool loop_through(const struct net *n, struct walk *w, unsigned b)
{
    for (unsigned p = 1; p <= n->bridge[b].n_ports; p++)
        if (forwards(n, b, p, w->v) && visit(n, w, b, p))
            return true;
    return false;
}

bool net_has_loop(const struct net *n)
{
    for (unsigned v = 0; v < n->n_vlans; v++) {
        struct walk w = {.v = v};
        for (unsigned b = 0; b < n->n_bridges; b++)
            if (loop_through(n, &w, b))
                return true;
    }
    return false;
}

static void look_for_loops(struct net *n)
{
    bool loop = net_has_loop(n);
    if (loop && !n->looping)
        n->loop_since = n->now;
    if (!loop && n->looping) {
        nsec_t was = n->now - n->loop_since;
        n->loop_total += was;
        n->loop_longest = was > n->loop_longest ? was : n->loop_longest;
    }
    n->looping = loop;
}

struct todo {
    unsigned n;
    struct {
        unsigned b, in;
    } at[1024];
};

/* Frames on their way out of port p of b, to all others on its LAN. */
static void flood_lan(const struct net *n, unsigned v, unsigned b, unsigned p, struct todo *todo)
{
    const struct net_lan *l = &n->lan[n->bridge[b].port[p].lan];
    for (unsigned i = 0; i < l->n && todo->n < 1024; i++) {
        unsigned to = l->member[i].bridge, q = l->member[i].port;
        if ((to == b && q == p) || !forwards(n, to, q, v))
            continue;
        todo->at[todo->n].b = to;
        todo->at[todo->n++].in = q;
    }
}

void net_flood(const struct net *n, unsigned v, unsigned from, unsigned seen[NET_BRIDGES])
{
    struct todo todo = {.n = 1, .at = {{from, 0}}};
    memset(seen, 0, NET_BRIDGES * sizeof seen[0]);
    while (todo.n > 0) {
        unsigned b = todo.at[--todo.n].b, in = todo.at[todo.n].in;
        if (++seen[b] > 4)
            return;
        for (unsigned p = 1; p <= n->bridge[b].n_ports; p++)
            if (p != in && forwards(n, b, p, v))
                flood_lan(n, v, b, p, &todo);
    }
}

/* ---- engines ---- */

static void send(struct net *n, unsigned b, const struct stp_action *a)
{
    struct net_port *p = &n->bridge[b].port[a->port];
    struct net_lan *l = &n->lan[p->lan];
    weft_assert(a->len <= NET_PDU);
    p->sent++;
    n->bpdus++;
    if (!l->up || (l->loss != 0 && prng_below(&n->rng, 1000) < l->loss))
        return;
    nsec_t when =
        n->now + NSEC_PER_MSEC + prng_below(&n->rng, n->delay_ms * 1000 + 1) * NSEC_PER_USEC;
    l->last = when > l->last ? when : l->last;
    for (unsigned i = 0; i < l->n; i++)
        if (l->member[i].bridge == b && l->member[i].port == a->port && !hears(l, i))
            return;
    for (unsigned i = 0; i < l->n; i++) {
        if (l->member[i].bridge == b && l->member[i].port == a->port)
            continue;
        struct net_flight f = {.when = l->last,
                               .order = n->orders++,
                               .lan = p->lan,
                               .bridge = l->member[i].bridge,
                               .port = l->member[i].port,
                               .len = a->len};
        memcpy(f.pdu, a->pdu, a->len);
        flight_push(n, &f);
    }
}

static void drain(struct net *n, unsigned b)
{
    struct stp_action a;
    bool changed = false;
    if (!stp_at_rest(n->bridge[b].stp))
        n->unsettled = true;
    while (stp_poll(n->bridge[b].stp, &a)) {
        struct net_port *p = &n->bridge[b].port[a.port];
        switch (a.kind) {
        case STP_ACT_STATE:
            changed =
                changed || (p->state[a.tree] == STP_FORWARDING) != (a.state == STP_FORWARDING);
            p->state[a.tree] = a.state;
            break;
        case STP_ACT_FLUSH:
            p->flushes++;
            break;
        case STP_ACT_SEND:
            send(n, b, &a);
            break;
        case STP_ACT_EVENT:
            p->events[a.event]++;
        }
    }
    if (changed) {
        n->changes++;
        n->last_change = n->now;
        look_for_loops(n);
    }
}

static void set_link(struct net *n, unsigned b, unsigned p)
{
    const struct net_lan *l = &n->lan[n->bridge[b].port[p].lan];
    struct stp_link link = {.up = l->up, .full_duplex = l->n <= 2, .speed_mbps = 1000};
    stp_link(n->bridge[b].stp, p, &link, n->now);
    drain(n, b);
}

void net_bridge_on(struct net *n, unsigned b)
{
    struct net_bridge *br = &n->bridge[b];
    struct errbuf e = {""};
    weft_assert(br->stp == NULL);
    /* engines tick at phases of their own */
    nsec_t born = n->now - prng_below(&n->rng, 1000) * NSEC_PER_MSEC;
    weft_assert(stp_create(&br->cfg, born, &br->stp, &e) == 0);
    for (unsigned p = 1; p <= br->n_ports; p++) {
        memset(br->port[p].state, 0, sizeof br->port[p].state);
        weft_assert(stp_port_add(br->stp, p, &br->port[p].cfg, n->now, &e) == 0);
    }
    for (unsigned p = 1; p <= br->n_ports; p++)
        set_link(n, b, p);
}

/* As a power cut: it says nothing more, and its neighbours see their links stay. */
void net_bridge_off(struct net *n, unsigned b)
{
    stp_free(n->bridge[b].stp);
    n->bridge[b].stp = NULL;
    for (unsigned p = 1; p <= n->bridge[b].n_ports; p++)
        memset(n->bridge[b].port[p].state, 0, sizeof n->bridge[b].port[p].state);
    n->last_change = n->now;
    look_for_loops(n);
}

void net_set_lan(struct net *n, unsigned lan, bool up)
{
    struct net_lan *l = &n->lan[lan];
    l->up = up;
    n->last_change = n->now;
    for (unsigned i = 0; i < l->n; i++)
        if (n->bridge[l->member[i].bridge].stp != NULL)
            set_link(n, l->member[i].bridge, l->member[i].port);
    look_for_loops(n);
}

void net_inject(struct net *n, unsigned bridge, unsigned port, const void *pdu, size_t len)
{
    stp_rx(n->bridge[bridge].stp, port, pdu, len, n->now);
    drain(n, bridge);
}

/* ---- time ---- */

static nsec_t next_tick(const struct net *n, unsigned *who)
{
    nsec_t best = NSEC_NEVER;
    for (unsigned b = 0; b < n->n_bridges; b++)
        if (n->bridge[b].stp != NULL && stp_deadline(n->bridge[b].stp) < best) {
            best = stp_deadline(n->bridge[b].stp);
            *who = b;
        }
    return best;
}

static void deliver(struct net *n)
{
    struct net_flight f;
    flight_pop(n, &f);
    struct net_bridge *b = &n->bridge[f.bridge];
    if (b->stp == NULL || !n->lan[f.lan].up)
        return;
    stp_rx(b->stp, f.port, f.pdu, f.len, n->now);
    drain(n, f.bridge);
}

/* The next thing that happens, not after `end`. */
static bool step(struct net *n, nsec_t end)
{
    unsigned who = 0;
    nsec_t tick = next_tick(n, &who), arrival = n->n_flight ? n->flight[0].when : NSEC_NEVER;
    if (tick > end && arrival > end)
        return false;
    if (arrival <= tick) {
        n->now = arrival;
        deliver(n);
    } else {
        n->now = tick;
        stp_tick(n->bridge[who].stp, n->now);
        drain(n, who);
    }
    return true;
}

void net_run(struct net *n, nsec_t ns)
{
    nsec_t end = n->now + ns;
    while (step(n, end))
        ;
    n->now = end;
}

nsec_t net_run_quiet(struct net *n, nsec_t quiet, nsec_t most)
{
    nsec_t begin = n->now, end = n->now + most;
    n->last_change = n->now;
    while (n->now < end && n->now - n->last_change < quiet)
        if (!step(n, n->now + 100 * NSEC_PER_MSEC))
            n->now += 100 * NSEC_PER_MSEC;
    return n->last_change - begin;
}

/* ---- building ---- */

void net_make(struct net *n, uint64_t seed)
{
    *n =
        (struct net){.seed = seed, .rng = {.state = seed}, .now = 10 * NSEC_PER_SEC, .delay_ms = 2};
    n->flight = calloc(NET_FLIGHT, sizeof *n->flight);
    weft_assert(n->flight != NULL);
    n->n_vlans = 1;
    n->vlan[0] = 1;
}

void net_free(struct net *n)
{
    for (unsigned b = 0; b < n->n_bridges; b++)
        stp_free(n->bridge[b].stp);
    free(n->flight);
}

unsigned net_add_bridge(struct net *n, const struct stp_config *c)
{
    unsigned b = n->n_bridges++;
    weft_assert(b < NET_BRIDGES);
    n->bridge[b].cfg = *c;
    if (mac_is_zero(c->mac))
        n->bridge[b].cfg.mac = mac_from_u64(UINT64_C(0x020000000000) + b);
    return b;
}

unsigned net_add_lan(struct net *n)
{
    weft_assert(n->n_lans < NET_LANS);
    n->lan[n->n_lans].up = true;
    return n->n_lans++;
}

unsigned net_add_port(struct net *n, unsigned bridge, unsigned lan, const struct stp_port_config *c)
{
    struct net_bridge *b = &n->bridge[bridge];
    struct net_lan *l = &n->lan[lan];
    if (b->n_ports == NET_PORTS || l->n == NET_MEMBERS)
        return 0;
    struct net_port *p = &b->port[++b->n_ports];
    *p = (struct net_port){.there = true, .lan = lan};
    if (c != NULL)
        p->cfg = *c;
    else
        stp_port_config_default(&p->cfg);
    l->member[l->n].bridge = bridge;
    l->member[l->n++].port = b->n_ports;
    return b->n_ports;
}

void net_start(struct net *n)
{
    for (unsigned b = 0; b < n->n_bridges; b++)
        net_bridge_on(n, b);
}
