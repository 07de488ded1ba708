/* sim: random worlds, and what must hold in each.
 *
 *     sim [--world NAME] [--seed N] [--runs N]
 *
 * In a tree of switches: a broadcast is seen exactly once by every other host of its VLAN and by no
 * host of another; a frame to a known host is seen by that one only, also right after it moved and
 * said so; no packet buffer is lost; and the same seed gives the same deliveries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/eal.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"

enum { STEPS = 200 };

#define BROADCAST UINT64_C(0xffffffffffff)

static bool fail(struct world *w, const char *what, unsigned host)
{
    snprintf(w->why, sizeof w->why, "frame %u: host %u of VLAN %u: %s", w->frames, host,
             w->host[host].vlan, what);
    return false;
}

static bool broadcast(struct world *w, unsigned from)
{
    world_send(w, from, BROADCAST);
    for (unsigned h = 0; h < w->n_hosts; h++) {
        bool wanted = h != from && w->host[h].vlan == w->host[from].vlan;
        if (w->host[h].got != (wanted ? 1 : 0))
            return fail(w, wanted ? "a broadcast came not once" : "heard another's broadcast", h);
        if (wanted && w->host[h].last != w->frames)
            return fail(w, "another frame came", h);
    }
    return true;
}

static bool unicast(struct world *w, unsigned from, unsigned to)
{
    bool reach = w->host[from].vlan == w->host[to].vlan;
    if (!broadcast(w, to)) /* so that it is known everywhere */
        return false;
    world_send(w, from, w->host[to].mac);
    for (unsigned h = 0; h < w->n_hosts; h++) {
        if (h == to && w->host[h].got != (reach ? 1 : 0))
            return fail(w, reach ? "its frame did not come once" : "heard another tenant", h);
        if (h != to && reach && w->host[h].got)
            return fail(w, "overheard a frame for a known host", h);
        if (h != to && !reach && w->host[h].vlan != w->host[from].vlan && w->host[h].got)
            return fail(w, "heard another tenant", h);
    }
    return true;
}

static bool step(struct world *w)
{
    unsigned a = prng_below(&w->rng, w->n_hosts), b = prng_below(&w->rng, w->n_hosts);
    switch (prng_below(&w->rng, 4)) {
    case 0:
        return broadcast(w, a);
    case 1:
        return a == b || (world_swap(w, a, b) && broadcast(w, a) && broadcast(w, b));
    default:
        return a == b || unicast(w, a, b);
    }
}

bool tree_run(uint64_t seed, struct sim_result *r)
{
    static struct world w;
    bool ok = world_make(&w, seed);
    for (int i = 0; ok && i < STEPS; i++)
        ok = step(&w);
    if (ok && world_mbufs_out(&w) != 0) {
        snprintf(w.why, sizeof w.why, "%u packet buffers are lost", world_mbufs_out(&w));
        ok = false;
    }
    for (unsigned d = 0; ok && d < DROP_COUNT; d++)
        if (d != DROP_NO_DESTINATION && d != DROP_SELF_DIRECTED && world_drops(&w, d)) {
            snprintf(w.why, sizeof w.why, "drops of %s", drop_name(d));
            ok = false;
        }
    r->digest = w.digest;
    snprintf(r->about, sizeof r->about, "%u switches, %u hosts, %u frames", w.n_switches, w.n_hosts,
             w.frames);
    snprintf(r->why, sizeof r->why, "%s", w.why);
    world_free(&w);
    return ok;
}

static const struct kind {
    const char *name;
    bool (*run)(uint64_t seed, struct sim_result *r);
    unsigned runs; /* unless told otherwise */
    bool each;     /* print each world */
} kinds[] = {
    {"tree", tree_run, 20, true},    {"vrrp", vrrp_run, 400, false},
    {"stp", stp_run, 200, false},    {"neigh", neigh_run, 400, false},
    {"lacp", lacp_run, 400, false},  {"tunnel", tunnel_run, 20, false},
    {"bond", bonded_run, 20, false},
};

static bool check_seed(const struct kind *k, uint64_t seed, const char *program)
{
    struct sim_result one = {0}, two = {0};
    bool ok = k->run(seed, &one);
    if (ok && k->run(seed, &two) && one.digest != two.digest) {
        snprintf(one.why, sizeof one.why, "two runs of one seed differ");
        ok = false;
    }
    if (!ok)
        printf("%s seed %llu FAILED: %s (%s); run %s --world %s --seed %llu --runs 1\n", k->name,
               (unsigned long long)seed, one.why, one.about, program, k->name,
               (unsigned long long)seed);
    else if (k->each)
        printf("%s seed %llu: %s, digest %016llx\n", k->name, (unsigned long long)seed, one.about,
               (unsigned long long)one.digest);
    return ok;
}

struct args {
    const char *world; /* NULL: each kind */
    uint64_t seed, runs;
};

static struct args parse(int argc, char **argv)
{
    struct args a = {.seed = 1};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            a.seed = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--runs"))
            a.runs = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--world"))
            a.world = argv[i + 1];
    }
    return a;
}

int main(int argc, char **argv)
{
    struct errbuf e = {""};
    struct eal_report report;
    struct args a = parse(argc, argv);
    unsigned good = 0, all = 0;
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true};
    if (eal_start(&o, &report, &e) < 0) {
        fprintf(stderr, "sim: %s\n", e.text);
        return 2;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        uint64_t runs = a.runs ? a.runs : kinds[k].runs;
        if (a.world != NULL && strcmp(a.world, kinds[k].name) != 0)
            continue;
        for (uint64_t i = 0; i < runs; i++, all++)
            good += check_seed(&kinds[k], a.seed + i, argv[0]);
        printf("%s: %llu worlds\n", kinds[k].name, (unsigned long long)runs);
    }
    printf("%u passed, %u failed\n", good, all - good);
    return good == all && all > 0 ? 0 : 1;
}
