/* A world of VRRP: 2 to 8 routers, 1 to 3 virtual routers, each on a LAN of its own.
 *
 * Every router has a clock that starts anywhere and runs up to 2 % fast or slow. First chaos: loss,
 * partitions, links that flap, crashes, orderly stops, tracked faults. Then the network heals, and
 * must hold what VRRP promises; then the Active stops in good order, and then the next one dies.
 * Promises:
 *
 * - in a healthy network never two Actives (open gates) for longer than the smallest Skew_Time
 * - after healing exactly one, of the highest priority if such may preempt; the same for a sync
 * group
 * - after an orderly stop the next is there within its Skew_Time, after a crash within its
 *   Active_Down_Interval
 * - frames to the virtual MAC are bridged to the Active (the port where that MAC was last seen)
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/prng.h"
#include "tests/sim/sim.h"
#include "vrrp/vrrp.h"

enum { ROUTERS = 8, VRS = 3, IN_FLIGHT = 4096, NOBODY = 99, PPM = 1000000 };

struct router {
    struct vrrp *v;
    bool alive;
    int64_t offset; /* of its clock */
    int64_t ppm;    /* too fast by */
    uint8_t priority;
    bool preempt;
    enum vrrp_mode mode;
    bool link_up[VRS];
    bool open[VRS];
    uint8_t side[VRS];          /* of a partition */
    nsec_t heard[VRS][ROUTERS]; /* when the last frame from there comes */
};

struct frame {
    nsec_t at;
    unsigned to, vr;
    uint16_t len;
    uint8_t b[160];
};

struct lan {
    struct prng rng;
    nsec_t now, end;
    unsigned n, n_vrs;
    bool ip6[VRS], grouped;
    uint16_t interval_cs;
    uint32_t delay_cs;
    nsec_t latency, skew; /* the most, the least */
    unsigned loss;        /* per cent */
    bool healthy, steady; /* steady: exactly one Active, always */
    struct router r[ROUTERS];
    unsigned mac_at[VRS];
    nsec_t two_since[VRS];
    unsigned n_frames;
    struct frame f[IN_FLIGHT];
    struct sim_result *out;
    bool failed;
};

static nsec_t interval(const struct lan *l) { return l->interval_cs * 10 * NSEC_PER_MSEC; }

static void fail(struct lan *l, const char *what, unsigned vr)
{
    if (l->failed)
        return;
    l->failed = true;
    snprintf(l->out->why, sizeof l->out->why, "at %lld ms: virtual router %u: %s",
             (long long)(l->now / NSEC_PER_MSEC), vr + 1, what);
}

static void digest(struct lan *l, uint64_t a, uint64_t b)
{
    struct prng p = {l->out->digest ^ a << 32 ^ b ^ (uint64_t)l->now};
    l->out->digest = prng_next(&p);
}

/* -- clocks */

static nsec_t local(const struct lan *l, const struct router *r)
{
    return r->offset + l->now + l->now / PPM * r->ppm;
}

/* The first moment of the world at which the router's clock shows at least t. */
static nsec_t world_time(const struct router *r, nsec_t t)
{
    nsec_t g = (t - r->offset) / (PPM + r->ppm) * PPM;
    while (r->offset + g + g / PPM * r->ppm < t) {
        nsec_t left = t - (r->offset + g + g / PPM * r->ppm);
        g += left > 2 * PPM ? left / 2 : left > 16 ? left / 2 : 1;
    }
    return g;
}

/* -- the wire */

static void send(struct lan *l, unsigned from, const struct vrrp_action *a)
{
    unsigned vr = a->link;
    if (!l->r[from].link_up[vr])
        return;
    l->mac_at[vr] = from;
    for (unsigned to = 0; to < l->n; to++) {
        bool crosses = l->r[to].side[vr] == l->r[from].side[vr];
        if (to == from || !crosses || prng_below(&l->rng, 100) < l->loss)
            continue;
        weft_assert(l->n_frames < IN_FLIGHT && a->send.len <= sizeof l->f->b);
        struct frame *f = &l->f[l->n_frames++];
        f->at = l->now + 1 + prng_below(&l->rng, (uint32_t)l->latency);
        if (f->at <= l->r[to].heard[vr][from]) /* a LAN does not reorder */
            f->at = l->r[to].heard[vr][from] + 1;
        l->r[to].heard[vr][from] = f->at;
        f->to = to;
        f->vr = vr;
        f->len = a->send.len;
        memcpy(f->b, a->send.packet, a->send.len);
    }
}

static unsigned actives(const struct lan *l, unsigned vr)
{
    unsigned n = 0;
    for (unsigned r = 0; r < l->n; r++)
        n += l->r[r].open[vr];
    return n;
}

static unsigned the_active(const struct lan *l, unsigned vr)
{
    for (unsigned r = 0; r < l->n; r++) {
        if (l->r[r].open[vr])
            return r;
    }
    return NOBODY;
}

/* What must hold now, for one virtual router. */
static void judge(struct lan *l, unsigned vr)
{
    unsigned n = actives(l, vr);
    if (n < 2)
        l->two_since[vr] = NSEC_NEVER;
    else if (l->two_since[vr] == NSEC_NEVER)
        l->two_since[vr] = l->now;
    if (l->healthy && n > 1 && l->now - l->two_since[vr] > l->skew)
        fail(l, "two Actives for longer than a skew", vr);
    if (l->steady && n != 1)
        fail(l, n ? "two Actives in peace" : "no Active in peace", vr);
    if (l->steady && l->mac_at[vr] != the_active(l, vr))
        fail(l, "its MAC is bridged to another router", vr);
}

static void drain(struct lan *l, unsigned r)
{
    struct vrrp_action a;
    while (l->r[r].v != NULL && vrrp_poll(l->r[r].v, &a)) {
        digest(l, r << 8 | a.link, a.kind);
        if (a.kind == VRRP_SEND)
            send(l, r, &a);
        else if (a.kind == VRRP_GATE)
            l->r[r].open[a.link] = a.gate.open;
        else if (a.kind == VRRP_ANNOUNCE && l->r[r].link_up[a.link])
            l->mac_at[a.link] = r;
    }
}

/* -- routers */

static void set_link(struct lan *l, unsigned r, unsigned vr, bool up)
{
    struct vrrp_link k = {.up = up, .has_ip4 = true, .has_ip6 = true};
    k.ip4 = (struct ip6){{10, 0, (uint8_t)vr, (uint8_t)(10 + r)}};
    k.ip6 = (struct ip6){{0xfe, 0x80, [15] = (uint8_t)(10 + r)}};
    l->r[r].link_up[vr] = up;
    if (l->r[r].v != NULL)
        vrrp_link(l->r[r].v, vr, &k, local(l, &l->r[r]));
    drain(l, r);
}

static void start(struct lan *l, unsigned r)
{
    struct router *me = &l->r[r];
    struct errbuf e;
    me->offset = (int64_t)(prng_next(&l->rng) >> 24);
    me->v = vrrp_create(VRS, VRS);
    weft_assert(me->v != NULL);
    for (unsigned vr = 0; vr < l->n_vrs; vr++) {
        struct vrrp_config c = vrrp_config_default();
        c.link = vr;
        c.vrid = (uint8_t)(vr + 1);
        c.ip6 = l->ip6[vr];
        c.mode = c.ip6 ? VRRP_V3 : me->mode;
        c.priority = me->priority;
        c.interval_cs = l->interval_cs;
        c.preempt = me->preempt;
        c.preempt_delay_cs = l->delay_cs;
        c.group = l->grouped ? 1 : 0;
        c.n_addrs = 1;
        c.addr[0] = c.ip6 ? (struct ip6){{0xfe, 0x80, [15] = 1}} : (struct ip6){{10, 0, 0, 1}};
        int id = vrrp_add(me->v, &c, local(l, me), &e);
        weft_assert(id == (int)vr);
    }
    me->alive = true;
    for (unsigned vr = 0; vr < l->n_vrs; vr++)
        set_link(l, r, vr, me->link_up[vr]);
}

static void stop(struct lan *l, unsigned r, bool orderly)
{
    struct router *me = &l->r[r];
    if (!me->alive)
        return;
    if (orderly)
        vrrp_stop(me->v, local(l, me));
    if (orderly)
        drain(l, r);
    vrrp_destroy(me->v);
    me->v = NULL;
    me->alive = false;
    memset(me->open, 0, sizeof me->open);
}

/* -- time */

static void deliver(struct lan *l, unsigned at)
{
    struct frame f = l->f[at];
    struct router *to = &l->r[f.to];
    l->f[at] = l->f[--l->n_frames];
    if (to->alive && to->link_up[f.vr])
        (void)vrrp_rx(to->v, f.vr, f.b, f.len, local(l, to));
    drain(l, f.to);
}

/* The next thing, at `until` at the latest; false when that is reached. Frames before timers. */
static bool step(struct lan *l, nsec_t until)
{
    nsec_t next = until;
    unsigned frame = NOBODY * IN_FLIGHT, router = NOBODY;
    for (unsigned r = 0; r < l->n; r++) {
        nsec_t due = l->r[r].alive ? vrrp_deadline(l->r[r].v) : NSEC_NEVER;
        nsec_t at = due == NSEC_NEVER ? NSEC_NEVER : world_time(&l->r[r], due);
        if (at < next) {
            next = at;
            router = r;
        }
    }
    for (unsigned f = 0; f < l->n_frames; f++) {
        if (l->f[f].at <= next) {
            next = l->f[f].at;
            frame = f;
        }
    }
    l->now = next > l->now ? next : l->now;
    if (frame < IN_FLIGHT)
        deliver(l, frame);
    else if (router != NOBODY)
        vrrp_tick(l->r[router].v, local(l, &l->r[router])), drain(l, router);
    for (unsigned vr = 0; vr < l->n_vrs; vr++)
        judge(l, vr);
    return frame < IN_FLIGHT || router != NOBODY;
}

static void pass(struct lan *l, nsec_t time)
{
    nsec_t until = l->now + time;
    while (!l->failed && step(l, until))
        ;
    l->now = until;
}

/* -- chaos, and peace */

static void disturb(struct lan *l)
{
    unsigned r = prng_below(&l->rng, l->n), vr = prng_below(&l->rng, l->n_vrs);
    struct router *me = &l->r[r];
    switch (prng_below(&l->rng, 7)) {
    case 0:
        stop(l, r, false);
        break;
    case 1:
        stop(l, r, true);
        break;
    case 2:
        if (!me->alive)
            start(l, r);
        break;
    case 3:
        set_link(l, r, vr, !me->link_up[vr]);
        break;
    case 4:
        me->side[vr] ^= 1;
        break;
    case 5:
        l->loss = prng_below(&l->rng, 60);
        break;
    default:
        if (me->alive)
            vrrp_track(me->v, vr, prng_below(&l->rng, 3), (uint8_t)prng_below(&l->rng, 256),
                       local(l, me));
        drain(l, r);
        break;
    }
}

static void heal(struct lan *l)
{
    l->loss = 0;
    l->n_frames = 0; /* what is late is lost */
    for (unsigned r = 0; r < l->n; r++) {
        memset(l->r[r].side, 0, sizeof l->r[r].side);
        if (!l->r[r].alive)
            start(l, r);
        for (unsigned vr = 0; vr < l->n_vrs; vr++) {
            for (unsigned slot = 0; slot < 3; slot++)
                vrrp_track(l->r[r].v, vr, slot, 0, local(l, &l->r[r]));
            set_link(l, r, vr, true);
        }
        drain(l, r);
    }
}

/* Four Active_Down_Intervals of the lowest priority, and the delay of preemption. */
static nsec_t settling(const struct lan *l)
{
    return 20 * interval(l) + (nsec_t)l->delay_cs * 11 * NSEC_PER_MSEC;
}

static unsigned best_priority(const struct lan *l)
{
    unsigned best = 0;
    for (unsigned r = 0; r < l->n; r++) {
        if (l->r[r].alive && l->r[r].priority > best)
            best = l->r[r].priority;
    }
    return best;
}

/* Peace: one Active for each, the right one, for a while. */
static void expect_peace(struct lan *l)
{
    unsigned best = best_priority(l);
    bool may = true; /* everybody of the highest priority preempts */
    pass(l, settling(l));
    for (unsigned r = 0; r < l->n; r++)
        may &= !l->r[r].alive || l->r[r].priority != best || l->r[r].preempt;
    l->steady = true;
    pass(l, 10 * interval(l));
    l->steady = false;
    for (unsigned vr = 0; vr < l->n_vrs && !l->failed; vr++) {
        unsigned a = the_active(l, vr);
        if (may && l->r[a].priority != best)
            fail(l, "the Active has not the highest priority", vr);
        if (l->grouped && a != the_active(l, 0))
            fail(l, "its sync group is torn", vr);
    }
}

/* The Active goes; how soon is there another one? `intervals`: what a crash takes to be noticed.
 * Says who went. */
static unsigned expect_takeover(struct lan *l, bool orderly, nsec_t intervals)
{
    unsigned a = the_active(l, 0);
    if (l->failed)
        return 0;
    stop(l, a, orderly);
    unsigned best = best_priority(l);
    nsec_t took = (256 - (nsec_t)best) * interval(l) / 256 + intervals * interval(l);
    pass(l, took + took / 20 + 2 * l->latency);
    for (unsigned vr = 0; vr < l->n_vrs && !l->failed; vr++) {
        if (actives(l, vr) == 0)
            fail(l,
                 orderly ? "nobody took over within Skew_Time" : "nobody noticed a crash in time",
                 vr);
    }
    return a;
}

/* -- a life */

static void make(struct lan *l, uint64_t seed, struct sim_result *out)
{
    static const uint16_t intervals[] = {5, 10, 25, 100, 300};
    static const enum vrrp_mode modes[] = {VRRP_V3, VRRP_V3, VRRP_V2_V3, VRRP_V2};
    *l = (struct lan){.rng = {seed}, .out = out, .now = NSEC_PER_SEC};
    l->n = 2 + prng_below(&l->rng, ROUTERS - 1);
    l->n_vrs = 1 + prng_below(&l->rng, VRS);
    l->grouped = prng_below(&l->rng, 2) != 0;
    l->delay_cs = prng_below(&l->rng, 3) ? 0 : prng_below(&l->rng, 500);
    l->interval_cs = intervals[prng_below(&l->rng, 5)];
    unsigned mode = prng_below(&l->rng, 4), spread = 1 + prng_below(&l->rng, 254), most = 0;
    if (mode == 3)
        l->interval_cs = 100; /* version 2 has no less */
    for (unsigned vr = 0; vr < l->n_vrs; vr++) {
        l->ip6[vr] = prng_below(&l->rng, 2) != 0;
        l->two_since[vr] = NSEC_NEVER;
        l->mac_at[vr] = NOBODY;
    }
    for (unsigned r = 0; r < l->n; r++) {
        struct router *me = &l->r[r];
        me->ppm = (int64_t)prng_below(&l->rng, 40001) - 20000;
        me->priority = (uint8_t)(1 + prng_below(&l->rng, spread));
        if (r == 0 && prng_below(&l->rng, 8) == 0)
            me->priority = VRRP_OWNER;
        me->preempt = prng_below(&l->rng, 4) != 0 || me->priority == VRRP_OWNER;
        me->mode = modes[mode];
        memset(me->link_up, true, sizeof me->link_up);
        most = me->priority > most ? me->priority : most;
    }
    l->skew = (256 - (nsec_t)most) * interval(l) / 256;
    l->latency = l->skew / 8 + 1;
    snprintf(out->about, sizeof out->about, "%u routers, %u virtual, %u cs, version %s%s", l->n,
             l->n_vrs, l->interval_cs,
             mode == 3   ? "2"
             : mode == 2 ? "2 and 3"
                         : "3",
             l->grouped ? ", sync group" : "");
}

bool vrrp_run(uint64_t seed, struct sim_result *out)
{
    static struct lan l;
    make(&l, seed, out);
    for (unsigned r = 0; r < l.n; r++) {
        start(&l, r);
        pass(&l, prng_below(&l.rng, 1000) * interval(&l) / 300);
    }
    for (unsigned n = 0; n < 30 && !l.failed; n++) {
        disturb(&l);
        pass(&l, prng_below(&l.rng, 1000) * interval(&l) / 500);
    }
    heal(&l);
    pass(&l, settling(&l));
    l.healthy = true;
    expect_peace(&l);
    unsigned gone = expect_takeover(&l, true, 0);
    expect_peace(&l);
    if (!l.failed)
        start(&l, gone);
    expect_peace(&l);
    expect_takeover(&l, false, l.grouped ? 4 : 3);
    expect_peace(&l);
    for (unsigned r = 0; r < l.n; r++)
        stop(&l, r, false);
    return !l.failed;
}
