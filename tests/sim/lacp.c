/* A world of LACP: 2 to 4 systems, up to 8 links, and what goes wrong with them.
 *
 * System 0 is wired to the others, so some worlds have one pair and others have several LAGs that
 * compete for an aggregator. Chaos: loss, links that flap, one-way links, restarts, changed
 * timeouts, priorities, keys, limits and kinds of mux control. Then everything heals. Promises:
 *
 * - the two ends of each link agree: both open or both closed, within the standard's time
 * - what may be bundled is: the links of the LAG that has the aggregator, as many as max_links
 * allow
 * - an aggregator never has links to two systems, in chaos neither
 * - after that nothing flaps while nothing happens, and no more than the limit is ever sent
 * - one link of a bundle goes down: it closes at once at both ends, the others don't notice
 * - a link that dies silently is closed at both ends within the timeout, and only that one
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "tests/unit/fake_lacp.h"

struct life {
    struct lacp_lan n;
    struct lacp_port_config port[LAN_SYSTEMS][LAN_WIRES];
    struct lacp_agg_config agg[LAN_SYSTEMS];
    struct sim_result *out;
    bool failed;
};

static nsec_t ms(unsigned n) { return (nsec_t)n * NSEC_PER_MSEC; }
static nsec_t sec(unsigned n) { return (nsec_t)n * NSEC_PER_SEC; }

static void fail(struct life *l, const char *what, unsigned wire)
{
    const struct lan_wire *w = &l->n.wire[wire];
    if (l->failed)
        return;
    l->failed = true;
    snprintf(l->out->why, sizeof l->out->why,
             "at %lld ms: link %u (%u.%u-%u.%u): %s; \"%s\", \"%s\"",
             (long long)(l->n.now / NSEC_PER_MSEC), wire, w->sys[0], w->port[0], w->sys[1],
             w->port[1], what, lacp_why_text(lan_status(&l->n, w->sys[0], w->port[0]).why),
             lacp_why_text(lan_status(&l->n, w->sys[1], w->port[1]).why));
}

static void digest(struct life *l, uint64_t v)
{
    struct prng p = {l->out->digest ^ v ^ (uint64_t)l->n.now};
    l->out->digest = prng_next(&p);
}

static bool end_open(const struct life *l, unsigned wire, unsigned end)
{
    const struct lan_wire *w = &l->n.wire[wire];
    return lan_open(&l->n, w->sys[end], w->port[end]);
}

static bool open(const struct life *l, unsigned wire)
{
    return end_open(l, wire, 0) && end_open(l, wire, 1);
}

/* ---- what holds always ---- */

static void judge_system(struct life *l, unsigned s)
{
    uint64_t partner = 0;
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        const struct lan_wire *w = &l->n.wire[i];
        unsigned end = w->sys[0] == s ? 0 : 1;
        if (w->sys[end] != s || !l->n.gate[s][w->port[end]].distributing)
            continue;
        struct lacp_port_status st = lan_status(&l->n, s, w->port[end]);
        uint64_t other = mac_to_u64(st.partner.system) << 16 | st.partner.key;
        if (partner != 0 && other != partner)
            fail(l, "one aggregator, two partners", i);
        partner = other;
        if (st.actor.state & LACP_DEFAULTED && !l->agg[s].individual)
            fail(l, "sends to nobody", i);
    }
}

static void judge(struct life *l)
{
    for (unsigned s = 0; s < l->n.n_systems; s++) {
        if (!lacp_at_rest(l->n.sys[s]))
            fail(l, "a machine is not at rest", 0);
        judge_system(l, s);
    }
    for (unsigned i = 0; i < l->n.n_wires; i++)
        digest(l, (uint64_t)i << 2 | end_open(l, i, 0) << 1 | end_open(l, i, 1));
}

static void pass(struct life *l, nsec_t time)
{
    lan_run(&l->n, time);
    judge(l);
}

/* ---- chaos ---- */

static void apply_port(struct life *l, unsigned s, unsigned p)
{
    weft_assert(lacp_port_set(l->n.sys[s], p, &l->port[s][p], l->n.now, NULL) == 0);
}

static void start(struct life *l, unsigned s)
{
    lan_system(&l->n, s, &l->agg[s]);
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        const struct lan_wire *w = &l->n.wire[i];
        for (unsigned end = 0; end < 2; end++)
            if (w->sys[end] == s)
                apply_port(l, s, w->port[end]);
    }
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        const struct lan_wire *w = &l->n.wire[i];
        if (w->sys[0] == s || w->sys[1] == s)
            lan_links(&l->n, w);
    }
}

static void reconfigure(struct life *l, unsigned s, unsigned p)
{
    struct prng *r = &l->n.rng;
    struct lacp_port_config *c = &l->port[s][p];
    c->fast = prng_below(r, 2);
    c->coupled = prng_below(r, 2);
    c->active = s == 0 || prng_below(r, 2); /* one end of each link stays active */
    c->priority = (uint16_t)prng_below(r, 4);
    c->key = prng_below(r, 8) ? 1 : 2;
    apply_port(l, s, p);
}

static void disturb(struct life *l)
{
    struct prng *r = &l->n.rng;
    unsigned wire = prng_below(r, l->n.n_wires), end = prng_below(r, 2);
    struct lan_wire *w = &l->n.wire[wire];
    unsigned s = w->sys[end];
    switch (prng_below(r, 7)) {
    case 0:
    case 1:
        lan_set_up(&l->n, wire, !w->up);
        return;
    case 2:
        w->dead[end] = !w->dead[end];
        return;
    case 3:
        start(l, s);
        return;
    case 4:
        l->n.loss = prng_below(r, 60);
        return;
    case 5:
        l->agg[s].max_links = (uint16_t)prng_below(r, 4);
        l->agg[s].individual = prng_below(r, 2);
        weft_assert(lacp_agg_set(l->n.sys[s], 0, &l->agg[s], l->n.now, NULL) == 0);
        return;
    default:
        reconfigure(l, s, w->port[end]);
    }
}

static void heal(struct life *l)
{
    l->n.loss = 0;
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        struct lan_wire *w = &l->n.wire[i];
        w->dead[0] = w->dead[1] = false;
        for (unsigned end = 0; end < 2; end++) {
            l->port[w->sys[end]][w->port[end]].key = 1;
            apply_port(l, w->sys[end], w->port[end]);
        }
        if (!w->up)
            lan_set_up(&l->n, i, true);
    }
}

/* ---- peace ---- */

static unsigned limit(const struct life *l, unsigned a, unsigned b)
{
    unsigned x = l->agg[a].max_links, y = l->agg[b].max_links;
    x = x ? x : LAN_WIRES;
    y = y ? y : LAN_WIRES;
    return x < y ? x : y;
}

/* Both ends agree about each link, and of the system that won all links carry, up to the limit. */
static void expect_agreement(struct life *l)
{
    unsigned links[LAN_SYSTEMS] = {0}, carry[LAN_SYSTEMS] = {0}, winner = 0;
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        const struct lan_wire *w = &l->n.wire[i];
        if (end_open(l, i, 0) != end_open(l, i, 1))
            fail(l, "the ends don't agree", i);
        links[w->sys[1]]++;
        carry[w->sys[1]] += open(l, i);
        winner = open(l, i) ? w->sys[1] : winner;
    }
    unsigned want = limit(l, 0, winner);
    want = want < links[winner] ? want : links[winner];
    for (unsigned s = 1; s < l->n.n_systems; s++) {
        if (s != winner && carry[s] != 0)
            fail(l, "two systems share system 0's aggregator", 0);
    }
    if (winner == 0)
        fail(l, "nothing is bundled", 0);
    else if (carry[winner] != want)
        fail(l, "not all links that may carry do", 0);
}

static void expect_quiet(struct life *l, nsec_t time)
{
    unsigned before[LAN_SYSTEMS][LAN_WIRES], sent = 0, sent_after = 0;
    for (unsigned s = 0; s < LAN_SYSTEMS; s++) {
        for (unsigned p = 0; p < LAN_WIRES; p++) {
            before[s][p] = l->n.gate[s][p].changes;
            sent += l->n.sent[s][p];
        }
    }
    pass(l, time);
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        const struct lan_wire *w = &l->n.wire[i];
        for (unsigned e = 0; e < 2; e++) {
            if (l->n.gate[w->sys[e]][w->port[e]].changes != before[w->sys[e]][w->port[e]])
                fail(l, "flaps in peace", i);
            sent_after += l->n.sent[w->sys[e]][w->port[e]];
        }
    }
    /* A PDU a second from each end, and one that answers. */
    if (sent_after - sent > 2 * l->n.n_wires * (unsigned)(time / NSEC_PER_SEC + 1) + 8)
        fail(l, "talks more than once a second in peace", 0);
}

static unsigned carrying(const struct life *l, unsigned *some)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        if (open(l, i) && n++ == 0)
            *some = i;
    }
    return n;
}

static unsigned closed_others(const struct life *l, unsigned but, unsigned set)
{
    for (unsigned i = 0; i < l->n.n_wires; i++) {
        if (i != but && (set >> i & 1) && !open(l, i))
            return i + 1;
    }
    return 0;
}

static unsigned open_set(const struct life *l)
{
    unsigned set = 0;
    for (unsigned i = 0; i < l->n.n_wires; i++)
        set |= open(l, i) ? 1u << i : 0;
    return set;
}

/* One link goes; silently, or with its carrier. */
static void expect_failover(struct life *l, bool silent)
{
    unsigned some = 0, set = open_set(l);
    if (l->failed || carrying(l, &some) < 2)
        return;
    nsec_t patience = ms(1);
    if (silent) {
        l->n.wire[some].dead[0] = l->n.wire[some].dead[1] = true;
        for (unsigned e = 0; e < 2; e++)
            if (!l->port[l->n.wire[some].sys[e]][l->n.wire[some].port[e]].fast)
                patience = sec(90);
        patience = patience < sec(3) ? sec(3) : patience;
    } else {
        lan_set_up(&l->n, some, false);
    }
    pass(l, patience + ms(1));
    if (end_open(l, some, 0) || end_open(l, some, 1))
        fail(l, silent ? "dead, and used after the timeout" : "down, and used", some);
    unsigned other = closed_others(l, some, set);
    if (other)
        fail(l, "closed since another one went", other - 1);
    l->n.wire[some].dead[0] = l->n.wire[some].dead[1] = false;
    if (!silent)
        lan_set_up(&l->n, some, true);
}

/* ---- a life ---- */

static void make(struct life *l, uint64_t seed, struct sim_result *out)
{
    *l = (struct life){.out = out};
    l->n = (struct lacp_lan){.now = NSEC_PER_SEC, .rng = {seed}};
    struct prng *r = &l->n.rng;
    unsigned systems = 2 + (prng_below(r, 3) == 0 ? prng_below(r, 3) : 0);
    unsigned wires = 1 + prng_below(r, LAN_WIRES);
    for (unsigned s = 0; s < systems; s++) {
        l->agg[s] = (struct lacp_agg_config){.key = 1};
        for (unsigned p = 0; p < LAN_WIRES; p++)
            l->port[s][p] = lan_port(p);
        lan_system(&l->n, s, &l->agg[s]);
    }
    for (unsigned i = 0; i < wires; i++) {
        unsigned other = 1 + prng_below(r, systems - 1);
        apply_port(l, 0, i);
        apply_port(l, other, i);
        lan_wire(&l->n, 0, i, other, i, true);
    }
    snprintf(out->about, sizeof out->about, "%u systems, %u links", systems, wires);
}

bool lacp_run(uint64_t seed, struct sim_result *r)
{
    static struct life l;
    make(&l, seed, r);
    unsigned rounds = 5 + prng_below(&l.n.rng, 60);
    for (unsigned i = 0; i < rounds && !l.failed; i++) {
        disturb(&l);
        pass(&l, ms(prng_below(&l.n.rng, 4000)));
    }
    heal(&l);
    /* Long timeouts to forget wrong partners (90 s), a minute of churn, then the wait. */
    pass(&l, sec(200));
    expect_agreement(&l);
    expect_quiet(&l, sec(100));
    for (unsigned i = 0; i < 2 && !l.failed; i++) {
        expect_failover(&l, i == 1);
        pass(&l, sec(200));
        expect_agreement(&l);
    }
    lan_free(&l.n);
    return !l.failed;
}
