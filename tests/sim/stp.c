/* A world of spanning trees: random networks of bridges that run stp/.
 *
 * 2 to 40 bridges (STP, RSTP, MSTP in regions, or mixed), joined by links, parallel links and
 * shared LANs. They start, then links are cut and healed, BPDUs lost, directions lost, bridges
 * restarted, priorities changed; then all is healed. At every instant: no forwarding loop of a VLAN
 * that is sustained. At the end: the oracle's tree in each VLAN, a broadcast seen once by every
 * bridge, engines at rest.
 */

#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "tests/unit/support_stp.h"

#define SEC NSEC_PER_SEC

enum profile { ALL_RSTP, ALL_MSTP, MIXED, ALL_STP, PROFILES };
static const char *const profile_name[] = {"rstp", "mstp", "mixed", "stp"};

struct run {
    struct net net;
    enum profile profile;
    bool loop_guard, assurance; /* on all ports */
    unsigned events, one_way, lossy;
    nsec_t converged;
    char why[200];
};

static unsigned below(struct run *r, unsigned n) { return prng_below(&r->net.rng, n); }
static bool chance(struct run *r, unsigned percent) { return below(r, 100) < percent; }

static bool fail(struct run *r, const char *what, unsigned a, unsigned b)
{
    snprintf(r->why, sizeof r->why, "%s (%u, %u) at %.3f s", what, a, b, (double)r->net.now / 1e9);
    return false;
}

/* ---- a random network ---- */

static enum stp_version version_of(struct run *r)
{
    static const enum stp_version any[] = {STP_VERSION_STP, STP_VERSION_RSTP, STP_VERSION_MSTP};
    switch (r->profile) {
    case ALL_RSTP:
        return STP_VERSION_RSTP;
    case ALL_MSTP:
        return STP_VERSION_MSTP;
    case ALL_STP:
        return STP_VERSION_STP;
    default:
        return any[below(r, 3)];
    }
}

/* VLAN 10 in instance 1, VLAN 20 in instance 2; regions differ by name. */
static void add_bridge(struct run *r)
{
    struct stp_config c;
    stp_config_default(&c);
    c.version = version_of(r);
    c.priority = (uint16_t)(4096 * below(r, 16));
    if (c.version == STP_VERSION_MSTP) {
        snprintf(c.region, sizeof c.region, "region%u", below(r, 3));
        c.n_mstis = 2;
        c.msti[0] = (struct stp_msti_config){1, (uint16_t)(4096 * below(r, 16))};
        c.msti[1] = (struct stp_msti_config){2, (uint16_t)(4096 * below(r, 16))};
        c.vlan_msti[10] = 1;
        c.vlan_msti[20] = 2;
    }
    net_add_bridge(&r->net, &c);
}

static void add_port(struct run *r, unsigned bridge, unsigned lan)
{
    struct stp_port_config c;
    stp_port_config_default(&c);
    c.loop_guard = r->loop_guard;
    c.network = r->assurance;
    c.auto_edge = !r->assurance;
    c.cist.priority = (uint8_t)(16 * below(r, 16));
    for (unsigned i = 0; i < 2; i++) {
        c.msti[i].priority = (uint8_t)(16 * below(r, 16));
        c.msti[i].cost = chance(r, 50) ? 1 + below(r, 200000) : 0;
    }
    c.cist.cost = chance(r, 50) ? 1 + below(r, 200000) : 0;
    net_add_port(&r->net, bridge, lan, &c);
}

static void join(struct run *r, unsigned a, unsigned b)
{
    unsigned lan;
    if (r->net.n_lans + 1 >= NET_LANS || r->net.bridge[a].n_ports == NET_PORTS ||
        r->net.bridge[b].n_ports == NET_PORTS)
        return;
    if (r->net.n_lans > 0 && chance(r, 15)) { /* a shared LAN, one's own perhaps */
        add_port(r, a, below(r, r->net.n_lans));
        lan = r->net.bridge[b].port[1].lan;
        add_port(r, a, lan);
        return;
    }
    lan = net_add_lan(&r->net);
    add_port(r, a, lan);
    add_port(r, b, lan);
}

static void build(struct run *r)
{
    struct net *n = &r->net;
    bool hurries = r->profile == ALL_RSTP || r->profile == ALL_MSTP;
    r->loop_guard = hurries && chance(r, 30);
    r->assurance = hurries && chance(r, 30);
    unsigned bridges = 2 + (chance(r, 70) ? below(r, 10) : below(r, NET_BRIDGES - 1));
    n->delay_ms = 1 + below(r, 5);
    n->n_vlans = 3;
    n->vlan[0] = 1, n->vlan[1] = 10, n->vlan[2] = 20;
    for (unsigned b = 0; b < bridges; b++)
        add_bridge(r);
    for (unsigned b = 1; b < bridges; b++) {
        unsigned lan = net_add_lan(n), to = below(r, b);
        while (n->bridge[to].n_ports >= NET_PORTS - 2)
            to = below(r, b);
        add_port(r, b, lan);
        add_port(r, to, lan);
    }
    for (unsigned i = below(r, bridges + 3); i > 0; i--) {
        unsigned a = below(r, bridges), b = below(r, bridges);
        join(r, a, b == a ? (a + 1) % bridges : b);
    }
}

/* ---- what happens to it ---- */

static void new_priority(struct run *r, unsigned b)
{
    struct net_bridge *br = &r->net.bridge[b];
    struct errbuf e = {""};
    br->cfg.priority = (uint16_t)(4096 * below(r, 16));
    if (br->stp != NULL)
        stp_configure(br->stp, &br->cfg, r->net.now, &e);
}

static void trouble(struct run *r)
{
    struct net *n = &r->net;
    unsigned lan = below(r, n->n_lans), b = below(r, n->n_bridges);
    r->events++;
    switch (below(r, 6)) {
    case 0:
    case 1:
        net_set_lan(n, lan, !n->lan[lan].up);
        break;
    case 2:
        n->lan[lan].loss = below(r, 400);
        r->lossy++;
        break;
    case 3:
        if (n->bridge[b].stp != NULL)
            net_bridge_off(n, b);
        else
            net_bridge_on(n, b);
        break;
    case 4:
        new_priority(r, b);
        break;
    default:
        /* STP proper has no answer to a link that lost a direction */
        if ((r->profile == ALL_RSTP || r->profile == ALL_MSTP) && n->lan[lan].n == 2 &&
            chance(r, 30)) {
            n->lan[lan].one_way = 1 + below(r, 2);
            r->one_way++;
        }
    }
}

static void heal(struct run *r)
{
    struct net *n = &r->net;
    for (unsigned l = 0; l < n->n_lans; l++) {
        n->lan[l].loss = n->lan[l].one_way = 0;
        if (!n->lan[l].up)
            net_set_lan(n, l, true);
    }
    for (unsigned b = 0; b < n->n_bridges; b++)
        if (n->bridge[b].stp == NULL)
            net_bridge_on(n, b);
}

/* ---- what must hold ---- */

static bool tree_as_the_oracle_says(struct run *r, unsigned v)
{
    struct net *n = &r->net;
    bool want[NET_BRIDGES][NET_PORTS + 1];
    net_oracle(n, v, want);
    for (unsigned b = 0; b < n->n_bridges; b++)
        for (unsigned p = 1; p <= n->bridge[b].n_ports; p++) {
            bool is = n->bridge[b].port[p].state[net_tree(n, b, v)] == STP_FORWARDING;
            if (is != want[b][p])
                return fail(r,
                            is ? "a port forwards against the oracle"
                               : "a port is blocked against the oracle",
                            b, p);
        }
    return true;
}

static bool as_the_oracle_says(struct run *r)
{
    for (unsigned v = 0; v < r->net.n_vlans; v++)
        if (!tree_as_the_oracle_says(r, v))
            return false;
    return true;
}

static bool broadcasts_arrive_once(struct run *r)
{
    struct net *n = &r->net;
    unsigned seen[NET_BRIDGES];
    for (unsigned v = 0; v < n->n_vlans; v++) {
        net_flood(n, v, 0, seen);
        for (unsigned b = 0; b < n->n_bridges; b++)
            if (seen[b] != 1)
                return fail(r, "a broadcast came not once", b, seen[b]);
    }
    return true;
}

/* As long as every BPDU arrives, a loop lasts no longer than BPDUs are under way; between regions,
 * and there in one network of a thousand, than a bridge holds news back (13.34). Where BPDUs are
 * lost, it may last until the next hello brings what was lost, and where nothing watches for
 * silence, until the information is too old (three hellos) and the next hellos of both. */
static nsec_t tolerated(const struct run *r)
{
    nsec_t flight = 2 * (r->net.delay_ms + 1) * NSEC_PER_MSEC;
    if (r->lossy == 0 && r->one_way == 0)
        return flight + (r->profile == ALL_MSTP || r->profile == MIXED ? SEC : 0);
    return (r->loop_guard ? 6 : 10) * SEC;
}

static bool no_sustained_loop(struct run *r)
{
    struct net *n = &r->net;
    nsec_t lasts = n->looping ? n->now - n->loop_since : 0;
    nsec_t longest = lasts > n->loop_longest ? lasts : n->loop_longest;
    if (n->unsettled)
        return fail(r, "an engine was not at rest", 0, 0);
    if (longest > tolerated(r))
        return fail(r, "a forwarding loop lasted ms", (unsigned)(longest / NSEC_PER_MSEC),
                    n->n_bridges);
    return true;
}

/* Old information dies after 20 bridges (Max Age), each of which may hold it back for a second
 * (13.34), then come two forward delays. With regions it is 20 regions of 20 hops each; ours
 * take no longer than half of that. */
static nsec_t bound(const struct run *r)
{
    bool regions = r->profile == ALL_MSTP || r->profile == MIXED;
    return (regions ? 200 : 20 + 2 * 15 + 3 * 2) * SEC;
}

static bool settles(struct run *r)
{
    r->converged = net_run_quiet(&r->net, 55 * SEC, 300 * SEC);
    if (r->converged > bound(r))
        return fail(r, "converged only after ms", (unsigned)(r->converged / NSEC_PER_MSEC),
                    r->net.n_bridges);
    return !r->net.looping || fail(r, "a loop stays", 0, 0);
}

static bool live(struct run *r)
{
    struct net *n = &r->net;
    net_start(n);
    if (!settles(r) || !no_sustained_loop(r) || !as_the_oracle_says(r) ||
        !broadcasts_arrive_once(r))
        return false;
    for (unsigned i = 5 + below(r, 20); i > 0; i--) {
        trouble(r);
        net_run(n, (chance(r, 50) ? below(r, 200) : below(r, 8000)) * NSEC_PER_MSEC);
        if (!no_sustained_loop(r))
            return false;
    }
    heal(r);
    return settles(r) && no_sustained_loop(r) && as_the_oracle_says(r) && broadcasts_arrive_once(r);
}

/* A port's roles and states, tree by tree: "1@0:DfRf". */
static void dump_port(const struct net_bridge *br, unsigned p)
{
    printf("  %u@%u:", p, br->port[p].lan);
    for (unsigned t = 0; br->stp != NULL && t < stp_trees(br->stp); t++) {
        struct stp_port_tree_status st;
        stp_port_tree_status(br->stp, p, t, &st);
        printf("%c%c", "-RDABM"[st.role], "dlf"[st.state]);
    }
}

/* The network as it is, for who has to find out. */
static void dump(const struct run *r)
{
    for (unsigned b = 0; b < r->net.n_bridges; b++) {
        const struct net_bridge *br = &r->net.bridge[b];
        printf("  bridge %u: version %u %s", b, (unsigned)br->cfg.version, br->cfg.region);
        for (unsigned p = 1; p <= br->n_ports; p++)
            dump_port(br, p);
        printf("\n");
    }
}

static uint64_t digest(const struct run *r)
{
    uint64_t h = r->net.bpdus * 31 + r->net.changes;
    return (h * 31 + (uint64_t)r->net.now) * 31 + (uint64_t)r->net.last_change;
}

bool stp_run(uint64_t seed, struct sim_result *out)
{
    static struct run r;
    memset(&r, 0, sizeof r);
    net_make(&r.net, seed);
    r.profile = (enum profile)below(&r, PROFILES);
    build(&r);
    bool ok = live(&r);
    if (!ok)
        dump(&r);
    snprintf(out->about, sizeof out->about,
             "%s%s%s, %u bridges, %u LANs, converged in %.2f s, loop %.3f s",
             profile_name[r.profile], r.loop_guard ? " loop guard" : "",
             r.assurance ? " assurance" : "", r.net.n_bridges, r.net.n_lans,
             (double)r.converged / 1e9, (double)r.net.loop_longest / 1e9);
    snprintf(out->why, sizeof out->why, "%s", r.why);
    out->digest = digest(&r);
    net_free(&r.net);
    return ok;
}
