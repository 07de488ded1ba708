/* A world of two whole switches with a bond between them, of 2 to 8 links, and traffic over it.
 *
 * The bond is LACP's or static, its hash any, and both ends send 256 numbered flows. Links go down
 * and come back; under LACP some die with their carrier on. Promises:
 *
 * - while nothing fails, each frame arrives once, and those of a flow in order; also right after a
 *   link went down, and while one comes back
 * - a link that dies silently costs frames until the timeout, then none; nothing comes twice ever
 * - after each change both ends use the same links: all that live, as many as max_links allow
 * - each of them carries its part, and no other carries anything
 */
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "base/strbuf.h"
#include "control/weft.h"
#include "datapath/bond.h"
#include "datapath/port_ring.h"
#include "tests/sim/sim.h"

enum { LINKS = 8, FLOWS = 256, FRAME = 64, ROUNDS = 12, BURST = 32 };

enum link_state { LINK_UP, LINK_DOWN, LINK_DEAD };

struct way { /* one direction */
    uint32_t sent[FLOWS], got[FLOWS];
};

struct bond_world {
    struct prng rng;
    nsec_t now;
    struct weft *sw[2];
    struct port *host[2], *up[2][LINKS];
    struct bond *bond[2];
    unsigned n, max;
    bool lacp;
    enum link_state state[LINKS];
    struct way way[2];
    struct sim_result *out;
    bool failed;
};

static void fail(struct bond_world *w, const char *what, unsigned a, unsigned b)
{
    if (!w->failed)
        snprintf(w->out->why, sizeof w->out->why, "at %lld ms: %s (%u, %u; masks %x, %x)",
                 (long long)(w->now / NSEC_PER_MSEC), what, a, b, (unsigned)w->bond[0]->tx_mask,
                 (unsigned)w->bond[1]->tx_mask);
    w->failed = true;
}

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

/* ------------------------------------------------------------ time */

static void drain_dead(struct bond_world *w)
{
    uint8_t b[2048];
    for (unsigned i = 0; i < w->n; i++)
        for (unsigned s = 0; w->state[i] == LINK_DEAD && s < 2; s++)
            while (port_ring_take(w->up[s][i], b, sizeof b) > 0)
                continue;
}

static void settle(struct bond_world *w)
{
    bool a, b;
    do {
        a = weft_step(w->sw[0], w->now);
        b = weft_step(w->sw[1], w->now);
    } while (a || b);
    drain_dead(w);
}

static void pass(struct bond_world *w, nsec_t for_ns)
{
    for (nsec_t until = w->now + for_ns; w->now < until;) {
        w->now += 20 * NSEC_PER_MSEC;
        settle(w);
    }
}

/* ------------------------------------------------------------ traffic */

static void make_frame(unsigned from, unsigned flow, uint32_t seq, uint8_t f[FRAME])
{
    static const uint8_t head[] = {2,  0, 0, 0, 0, 0,  2,  0, 0, 0,  0, 0, 8, 0,  0x45, 0, 0,
                                   50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 0,    0, 0};
    memset(f, 0, FRAME);
    memcpy(f, head, sizeof head);
    f[5] = (uint8_t)(2 - from), f[11] = (uint8_t)(1 + from);
    f[29] = (uint8_t)(1 + from), f[33] = (uint8_t)(2 - from);
    f[28] = (uint8_t)flow, f[32] = (uint8_t)(flow * 7); /* hosts behind a router */
    f[34] = 4, f[35] = (uint8_t)flow;
    f[8] = (uint8_t)(from == 0 ? flow : 0), f[2] = (uint8_t)(from == 1 ? flow : 0); /* for l2 */
    memcpy(f + 42, &flow, 4);
    memcpy(f + 46, &seq, 4);
}

static void take(struct bond_world *w, unsigned from, bool strict)
{
    uint8_t f[2048];
    while (port_ring_take(w->host[1 - from], f, sizeof f) > 0) {
        uint32_t flow, seq;
        memcpy(&flow, f + 42, 4);
        memcpy(&seq, f + 46, 4);
        if (f[12] != 8 || flow >= FLOWS)
            continue; /* stations that are named */
        uint32_t *got = &w->way[from].got[flow];
        if (seq <= *got)
            fail(w, "a frame came twice or out of order", flow, seq);
        if (strict && seq != *got + 1)
            fail(w, "a frame is missing", flow, seq);
        *got = seq;
        w->out->digest = w->out->digest * 31 + seq * FLOWS + flow;
    }
}

/* Both ways, in bursts; nothing may be on its way at the end. */
static void traffic(struct bond_world *w, bool strict)
{
    uint8_t f[FRAME];
    unsigned first = prng_below(&w->rng, FLOWS);
    for (unsigned i = 0; i < FLOWS; i++) {
        unsigned flow = (first + i) % FLOWS;
        for (unsigned from = 0; from < 2; from++) {
            make_frame(from, flow, ++w->way[from].sent[flow], f);
            if (port_ring_inject(w->host[from], f, FRAME) != 0)
                fail(w, "the host's ring is full", flow, from);
        }
        if (i % BURST == BURST - 1) {
            settle(w);
            take(w, 0, strict);
            take(w, 1, strict);
        }
    }
    for (unsigned from = 0; from < 2; from++)
        for (unsigned i = 0; i < FLOWS; i++) {
            if (strict && w->way[from].got[i] != w->way[from].sent[i])
                fail(w, "a frame didn't come", i, w->way[from].sent[i]);
            w->way[from].got[i] = w->way[from].sent[i];
        }
}

/* ------------------------------------------------------------ what must hold */

static uint32_t living(const struct bond_world *w)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < w->n; i++)
        mask |= w->state[i] == LINK_UP ? 1u << i : 0;
    return mask;
}

static void expect_agreement(struct bond_world *w)
{
    uint32_t a = w->bond[0]->tx_mask, b = w->bond[1]->tx_mask, live = living(w);
    unsigned want = (unsigned)__builtin_popcount(live);
    want = w->max != 0 && w->max < want ? w->max : want;
    if (a != b || (a & ~live) != 0)
        fail(w, "the ends don't use the same living links", a, live);
    if ((unsigned)__builtin_popcount(a) != want)
        fail(w, "not all links are used that may be", a, want);
}

/* 512 frames of 256 flows each way. */
static void expect_shares(struct bond_world *w)
{
    uint64_t before[2][LINKS];
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < w->n; i++)
            before[s][i] = port_stats_sum(w->up[s][i]).tx_packets;
    traffic(w, true);
    traffic(w, true);
    for (unsigned s = 0; s < 2; s++) {
        uint32_t mask = w->bond[s]->tx_mask;
        uint64_t share = 2 * FLOWS / (unsigned)__builtin_popcount(mask);
        for (unsigned i = 0; i < w->n; i++) {
            uint64_t n = port_stats_sum(w->up[s][i]).tx_packets - before[s][i];
            if (mask >> i & 1 ? n < share / 4 || n > share * 3 : n != 0)
                fail(w, "a link's part of the frames", i, (unsigned)n);
        }
    }
}

/* ------------------------------------------------------------ what happens */

static void set_state(struct bond_world *w, unsigned i, enum link_state s)
{
    if (w->state[i] == LINK_DEAD) {
        drain_dead(w);
        (void)port_ring_connect(w->up[0][i], w->up[1][i]);
    }
    w->state[i] = s;
    port_ring_set_link(w->up[0][i], s != LINK_DOWN);
    if (s == LINK_DEAD)
        port_ring_disconnect(w->up[0][i]);
}

static void disturb(struct bond_world *w)
{
    unsigned i = prng_below(&w->rng, w->n);
    bool last = living(w) == 1u << i;
    if (w->state[i] == LINK_UP && last)
        return;
    if (w->state[i] != LINK_UP) {
        set_state(w, i, LINK_UP);
        for (int k = 0; k < 8; k++) { /* it comes back, and nothing is lost by it */
            pass(w, 500 * NSEC_PER_MSEC);
            traffic(w, true);
        }
    } else if (w->lacp && prng_below(&w->rng, 2)) {
        set_state(w, i, LINK_DEAD);
        int patience = w->max == 0 ? 7 : 12; /* 3 s of timeout; who stood by waits 2 s more */
        for (int k = 0; k <= patience; k++) {
            pass(w, 500 * NSEC_PER_MSEC);
            traffic(w, k == patience);
        }
    } else {
        set_state(w, i, LINK_DOWN);
        pass(w, 20 * NSEC_PER_MSEC);
        traffic(w, w->max == 0); /* who stood by needs its PDUs first */
        pass(w, 3 * NSEC_PER_SEC);
    }
}

/* ------------------------------------------------------------ a life */

static bool start(struct bond_world *w, unsigned s, const char *keys)
{
    struct strbuf y = {0};
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true, .hash_seed = 1 + s, .log = {.sink = silent}};
    strbuf_addf(&y,
                "memory: {mbufs: 4096}\nbridges:\n  - name: br0\n    ports:\n"
                "      - {name: h, type: ring, mac: \"02:00:00:0%u:00:ff\"}\n"
                "      - {name: bond0, type: bond, %s, members: [u0",
                s, keys);
    for (unsigned i = 1; i < w->n; i++)
        strbuf_addf(&y, ", u%u", i);
    strbuf_adds(&y, "]}\n");
    for (unsigned i = 0; i < w->n; i++)
        strbuf_addf(&y, "      - {name: u%u, type: ring, mac: \"02:00:00:0%u:00:%02x\"}\n", i, s,
                    i + 1);
    bool ok =
        config_parse(y.s, y.len, "sim", &c, &e) == 0 && weft_create(&o, c, &w->sw[s], &e) == 0;
    strbuf_free(&y);
    if (!ok) {
        snprintf(w->out->why, sizeof w->out->why, "%.200s", e.text);
        return false;
    }
    struct weft_switch *sw = weft_switch(w->sw[s]);
    w->host[s] = port_find(sw, "h");
    w->bond[s] = port_find(sw, "bond0")->impl;
    for (unsigned i = 0; i < w->n; i++)
        w->up[s][i] = w->bond[s]->member[i].port;
    return true;
}

static bool make(struct bond_world *w, uint64_t seed, struct sim_result *out)
{
    static const char *const hashes[] = {"l2", "l2+l3", "l3+l4"};
    char keys[2][160];
    *w = (struct bond_world){.rng = {seed}, .now = NSEC_PER_SEC, .out = out};
    w->n = 2 + prng_below(&w->rng, LINKS - 1);
    w->lacp = prng_below(&w->rng, 3) != 0;
    w->max = w->lacp && prng_below(&w->rng, 3) == 0 ? 1 + prng_below(&w->rng, w->n) : 0;
    for (unsigned s = 0; s < 2; s++)
        snprintf(keys[s], sizeof keys[s], "mode: %s, hash: %s, symmetric: %s, max_links: %u%s",
                 w->lacp ? "lacp" : "balance-xor", hashes[prng_below(&w->rng, 3)],
                 prng_below(&w->rng, 2) ? "true" : "false", s == 0 ? w->max : 0,
                 s == 1 && w->lacp && prng_below(&w->rng, 3) == 0 ? ", lacp_passive: true" : "");
    snprintf(out->about, sizeof out->about, "%u links, %s, %u at most", w->n,
             w->lacp ? "LACP" : "static", w->max);
    if (!start(w, 0, keys[0]) || !start(w, 1, keys[1]))
        return false;
    for (unsigned i = 0; i < w->n; i++) {
        uint8_t b[2048];
        for (unsigned s = 0; s < 2; s++)
            while (port_ring_take(w->up[s][i], b, sizeof b) > 0)
                continue;
        if (port_ring_connect(w->up[0][i], w->up[1][i]) != 0)
            return false;
    }
    return true;
}

bool bonded_run(uint64_t seed, struct sim_result *r)
{
    static struct bond_world w;
    bool ok = make(&w, seed, r);
    if (ok)
        pass(&w, 6 * NSEC_PER_SEC);
    for (unsigned i = 0; ok && i < ROUNDS && !w.failed; i++) {
        expect_agreement(&w);
        if (!w.failed)
            expect_shares(&w);
        disturb(&w);
    }
    for (unsigned i = 0; ok && i < w.n; i++)
        set_state(&w, i, LINK_UP);
    if (ok)
        pass(&w, 6 * NSEC_PER_SEC);
    if (ok && !w.failed)
        expect_agreement(&w);
    for (unsigned i = 0; ok && i < w.n; i++)
        port_ring_disconnect(w.up[0][i]);
    weft_free(w.sw[0]);
    weft_free(w.sw[1]);
    return ok && !w.failed;
}
