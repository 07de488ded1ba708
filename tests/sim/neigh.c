/* A world of neighbours: 3 to 8 nodes on a LAN, all running the neighbour engine, one family each
 * world.
 *
 * First two nodes want one address: never may both have it. Then chaos: loss, nodes that leave,
 * come back, get another MAC, and a liar who forges requests and answers for anybody's address.
 * Then the network heals, and must hold: everybody reaches everybody, at the right MAC; tables keep
 * their limits; and always: each packet that was taken comes back once.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/prng.h"
#include "control/neigh.h"
#include "tests/sim/sim.h"

enum { NODES = 8, FRAMES = 512, PACKETS = 20000, ENTRIES = 16, NOBODY = 99 };

struct node {
    struct neigh *n;
    bool up;
    uint8_t mac; /* its number */
    nsec_t heard[NODES + 1];
};

struct frame {
    nsec_t at;
    unsigned to;
    struct mac src;
    uint16_t ethertype, len;
    uint8_t b[NEIGH_MESSAGE_MAX];
};

struct lan {
    struct prng rng;
    nsec_t now;
    bool ip6, failed, healthy;
    unsigned n, loss;
    uint8_t next_mac;
    struct node node[NODES];
    unsigned n_frames;
    struct frame f[FRAMES];
    uint32_t next_packet; /* handle; its target: */
    uint8_t target[PACKETS];
    bool waits[PACKETS];
    struct sim_result *out;
};

static void fail(struct lan *l, const char *what, unsigned node)
{
    if (l->failed)
        return;
    l->failed = true;
    snprintf(l->out->why, sizeof l->out->why, "at %lld ms: node %u: %s",
             (long long)(l->now / NSEC_PER_MSEC), node, what);
}

static struct ip6 ip_of(const struct lan *l, unsigned node)
{
    uint8_t h = (uint8_t)(10 + node);
    return l->ip6 ? (struct ip6){{0xfe, 0x80, [15] = h}} : (struct ip6){{10, 0, 0, h}};
}

static struct mac mac_number(uint8_t m) { return (struct mac){{2, [5] = m}}; }

/* -- the wire */

static void put(struct lan *l, unsigned from, unsigned to, const struct neigh_action *a)
{
    if (!l->node[to].up || prng_below(&l->rng, 100) < l->loss)
        return;
    weft_assert(l->n_frames < FRAMES);
    struct frame *f = &l->f[l->n_frames++];
    nsec_t *last = &l->node[to].heard[from];
    f->at = l->now + 1 + prng_below(&l->rng, NSEC_PER_MSEC);
    f->at = f->at > *last ? f->at : *last + 1;
    *last = f->at;
    f->to = to;
    f->src = a->send.src;
    f->ethertype = a->send.ethertype;
    f->len = a->send.len;
    memcpy(f->b, a->send.bytes, a->send.len);
}

static void send(struct lan *l, unsigned from, const struct neigh_action *a)
{
    for (unsigned to = 0; to < l->n; to++) {
        bool his = mac_is_multicast(a->send.dst) || a->send.dst.b[5] == l->node[to].mac;
        if (to != from && his)
            put(l, from, to, a);
    }
}

/* A packet leaves for a MAC: in a healthy network that of its target. */
static void leaves(struct lan *l, unsigned from, unsigned target, struct mac mac)
{
    if (l->healthy && mac.b[5] != l->node[target].mac)
        fail(l, "sent to the wrong MAC", from);
}

static void drain(struct lan *l, unsigned me)
{
    struct neigh_action a;
    while (neigh_poll(l->node[me].n, &a)) {
        struct prng p = {l->out->digest ^ (uint64_t)l->now ^ me << 4 ^ a.kind};
        l->out->digest = prng_next(&p);
        if (a.kind == NEIGH_SEND && l->node[me].up)
            send(l, me, &a);
        if (a.kind != NEIGH_RELEASE && a.kind != NEIGH_DROP)
            continue;
        if (a.packet.handle >= l->next_packet || !l->waits[a.packet.handle])
            fail(l, "gave back a packet that it does not have", me);
        l->waits[a.packet.handle] = false;
        if (a.kind == NEIGH_RELEASE)
            leaves(l, me, l->target[a.packet.handle], a.packet.mac);
        else if (l->healthy)
            fail(l, "dropped a packet", me);
    }
}

/* -- nodes */

static void set_up(struct lan *l, unsigned me, bool up)
{
    struct neigh_interface c = neigh_interface_default();
    struct errbuf e;
    c.up = up;
    c.entries_max = ENTRIES;
    c.incomplete_max = 12;
    l->node[me].up = up;
    int r = neigh_interface(l->node[me].n, 0, &c, l->now, &e);
    weft_assert(r == 0);
    drain(l, me);
}

static void set_address(struct lan *l, unsigned me, unsigned whose, bool probe)
{
    struct errbuf e;
    struct neigh_address a = {.ip6 = l->ip6,
                              .ip = ip_of(l, whose),
                              .prefix_len = l->ip6 ? 64 : 24,
                              .mac = mac_number(l->node[me].mac),
                              .enabled = true,
                              .probe = probe,
                              .announce = 2};
    int r = neigh_address_set(l->node[me].n, &a, l->now, &e);
    weft_assert(r == 0);
    drain(l, me);
}

static void packet(struct lan *l, unsigned from, unsigned to)
{
    struct ip6 ip = ip_of(l, to);
    if (from == to || !l->node[from].up || l->next_packet == PACKETS)
        return;
    uint32_t h = l->next_packet++;
    l->target[h] = (uint8_t)to;
    struct neigh_resolution r = neigh_resolve(l->node[from].n, 0, &ip, l->ip6, h, l->now);
    l->waits[h] = r.answer == NEIGH_WAIT;
    if (r.gave_way != 0)
        l->waits[r.gave_way] = false;
    if (r.answer == NEIGH_KNOWN)
        leaves(l, from, to, r.mac);
    else if (r.answer == NEIGH_REFUSED && l->healthy)
        fail(l, "refused a packet", from);
    drain(l, from);
}

/* A message in anybody's name, to one node. */
static void lie(struct lan *l)
{
    unsigned to = prng_below(&l->rng, l->n), as = prng_below(&l->rng, 60);
    struct neigh_message m = {.ip6 = l->ip6, .has_sha = true};
    struct neigh_action a = {.kind = NEIGH_SEND};
    struct writer w = writer_of(a.send.bytes, sizeof a.send.bytes);
    m.saying = prng_below(&l->rng, 2) ? NEIGH_REQUEST : NEIGH_REPLY;
    m.sha = mac_number((uint8_t)(200 + prng_below(&l->rng, 50)));
    m.sender = ip_of(l, as);
    m.target = ip_of(l, m.ip6 && m.saying == NEIGH_REPLY ? as : to);
    m.to = ip_of(l, to);
    m.tha = mac_number(l->node[to].mac);
    m.solicited = m.override = prng_below(&l->rng, 2) != 0;
    neigh_write(&w, &m);
    a.send.len = (uint16_t)w.len;
    a.send.ethertype = l->ip6 ? NEIGH_ETHERTYPE_IP6 : NEIGH_ETHERTYPE_ARP;
    a.send.src = m.sha;
    put(l, NODES, to, &a);
}

/* -- time */

static void check_limits(struct lan *l, unsigned me)
{
    uint32_t cursor = 0, ifc, n = 0;
    struct neigh_info i;
    struct ip6 ip;
    bool ip6;
    while (neigh_each(l->node[me].n, &cursor, &ifc, &ip, &ip6, &i))
        n++;
    if (n > ENTRIES)
        fail(l, "has more neighbours than it may", me);
}

static bool step(struct lan *l, nsec_t until)
{
    nsec_t next = until;
    unsigned node = NOBODY, frame = FRAMES;
    for (unsigned i = 0; i < l->n; i++) {
        if (neigh_deadline(l->node[i].n) < next) {
            next = neigh_deadline(l->node[i].n);
            node = i;
        }
    }
    for (unsigned i = 0; i < l->n_frames; i++) {
        if (l->f[i].at <= next) {
            next = l->f[i].at;
            frame = i;
        }
    }
    if (next >= until)
        return false;
    l->now = next > l->now ? next : l->now;
    if (frame < FRAMES) {
        struct frame f = l->f[frame];
        l->f[frame] = l->f[--l->n_frames];
        (void)neigh_rx(l->node[f.to].n, 0, f.ethertype, f.src, f.b, f.len, l->now);
        node = f.to;
    } else {
        neigh_tick(l->node[node].n, l->now);
    }
    drain(l, node);
    check_limits(l, node);
    return true;
}

static void pass(struct lan *l, uint32_t ms)
{
    nsec_t until = l->now + ms * NSEC_PER_MSEC;
    while (!l->failed && step(l, until))
        ;
    l->now = until;
}

/* -- a life */

static void disturb(struct lan *l)
{
    unsigned a = prng_below(&l->rng, l->n), b = prng_below(&l->rng, l->n);
    switch (prng_below(&l->rng, 8)) {
    case 0:
        set_up(l, a, !l->node[a].up);
        break;
    case 1:
        l->loss = prng_below(&l->rng, 60);
        break;
    case 2: /* another MAC, announced */
        l->node[a].mac = l->next_mac++;
        set_address(l, a, a, false);
        break;
    case 3:
    case 4:
        for (unsigned n = prng_below(&l->rng, 100); n > 0; n--) {
            lie(l);
            pass(l, 2);
        }
        break;
    default:
        packet(l, a, b);
        break;
    }
}

static void two_want_one_address(struct lan *l)
{
    struct ip6 ip = ip_of(l, 0);
    set_address(l, 0, 0, true);
    pass(l, prng_below(&l->rng, 12000));
    set_address(l, 1, 0, true);
    for (unsigned n = 0; n < 30 && !l->failed; n++) {
        pass(l, 1000);
        if (neigh_address_state(l->node[0].n, 0, &ip, l->ip6) == NEIGH_USABLE &&
            neigh_address_state(l->node[1].n, 0, &ip, l->ip6) == NEIGH_USABLE)
            fail(l, "has the address of another", 1);
    }
    (void)neigh_address_del(l->node[1].n, 0, &ip, l->ip6, l->now);
    drain(l, 1);
    pass(l, 150000); /* who stepped back tries again in a minute */
    if (neigh_address_state(l->node[0].n, 0, &ip, l->ip6) != NEIGH_USABLE)
        fail(l, "never got its address, though nobody disputes it", 0);
}

static void everybody_to_everybody(struct lan *l)
{
    for (unsigned a = 0; a < l->n; a++) {
        for (unsigned b = 0; b < l->n; b++)
            packet(l, a, b);
    }
    pass(l, 1000);
}

/* A VM's address gets another MAC and says so: a moment later nobody may use the old one. */
static void move(struct lan *l, unsigned who)
{
    l->node[who].mac = l->next_mac++;
    set_address(l, who, who, false);
    pass(l, 5);
}

static void make(struct lan *l, uint64_t seed, struct sim_result *out)
{
    *l = (struct lan){.rng = {seed}, .now = NSEC_PER_SEC, .out = out, .next_packet = 1};
    l->n = 3 + prng_below(&l->rng, NODES - 2);
    l->ip6 = prng_below(&l->rng, 2) != 0;
    for (unsigned i = 0; i < l->n; i++) {
        struct neigh_size s = {.interfaces = 1,
                               .entries = 64,
                               .addresses = 4,
                               .seed = prng_next(&l->rng)};
        l->node[i].n = neigh_create(&s);
        weft_assert(l->node[i].n != NULL);
        l->node[i].mac = (uint8_t)(10 + i);
        set_up(l, i, true);
    }
    l->next_mac = 30;
    snprintf(out->about, sizeof out->about, "%u nodes, %s", l->n, l->ip6 ? "ND" : "ARP");
}

bool neigh_run(uint64_t seed, struct sim_result *out)
{
    static struct lan l;
    make(&l, seed, out);
    two_want_one_address(&l);
    for (unsigned i = 0; i < l.n; i++) /* from now on nobody is put off by a liar */
        set_address(&l, i, i, false);
    for (unsigned n = 0; n < 120 && !l.failed; n++) {
        disturb(&l);
        pass(&l, prng_below(&l.rng, 1500));
    }
    l.loss = 0;
    for (unsigned i = 0; i < l.n; i++)
        set_up(&l, i, true);
    for (unsigned n = 0; n < 60;
         n++) /* lies are found out: at worst REACHABLE, DELAY, PROBE, FAILED */
        everybody_to_everybody(&l);
    l.healthy = true;
    for (unsigned n = 0; n < 60 && !l.failed; n++) {
        everybody_to_everybody(&l);
        if (n % 10 == 5)
            move(&l, prng_below(&l.rng, l.n));
    }
    for (uint32_t h = 1; h < l.next_packet && !l.failed; h++) {
        if (l.waits[h])
            fail(&l, "kept a packet", NOBODY);
    }
    for (unsigned i = 0; i < l.n; i++)
        neigh_destroy(l.node[i].n);
    return !l.failed;
}
