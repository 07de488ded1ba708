/* sim: random worlds, and what must hold in each.
 *
 *     sim [--seed N] [--runs N]
 *
 * In a tree of switches: a broadcast is seen exactly once by every other host of its VLAN and by no
 * host of another; a frame to a known host is seen by that one only, also right after it moved and
 * said so; no packet buffer is lost; and the same seed gives the same deliveries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/eal.h"
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

static bool run(uint64_t seed, uint64_t *digest, struct world *w)
{
    bool ok = world_make(w, seed);
    for (int i = 0; ok && i < STEPS; i++)
        ok = step(w);
    if (ok && world_mbufs_out(w) != 0) {
        snprintf(w->why, sizeof w->why, "%u packet buffers are lost", world_mbufs_out(w));
        ok = false;
    }
    for (unsigned r = 0; ok && r < DROP_COUNT; r++)
        if (r != DROP_NO_DESTINATION && r != DROP_SELF_DIRECTED && world_drops(w, r)) {
            snprintf(w->why, sizeof w->why, "drops of %s", drop_name(r));
            ok = false;
        }
    *digest = w->digest;
    world_free(w);
    return ok;
}

static bool check_seed(uint64_t seed, const char *program)
{
    static struct world w;
    uint64_t one, two;
    bool ok = run(seed, &one, &w);
    if (ok && run(seed, &two, &w) && one != two) {
        snprintf(w.why, sizeof w.why, "two runs of one seed differ");
        ok = false;
    }
    if (ok)
        printf("seed %llu: %u switches, %u hosts, %u frames, digest %016llx\n",
               (unsigned long long)seed, w.n_switches, w.n_hosts, w.frames,
               (unsigned long long)one);
    else
        printf("seed %llu FAILED: %s; run %s --seed %llu --runs 1\n", (unsigned long long)seed,
               w.why, program, (unsigned long long)seed);
    return ok;
}

int main(int argc, char **argv)
{
    struct errbuf e = {""};
    struct eal_report report;
    uint64_t seed = 1, runs = 20;
    unsigned good = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--runs"))
            runs = strtoull(argv[i + 1], NULL, 0);
    }
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true};
    if (eal_start(&o, &report, &e) < 0) {
        fprintf(stderr, "sim: %s\n", e.text);
        return 2;
    }
    for (uint64_t i = 0; i < runs; i++)
        good += check_seed(seed + i, argv[0]);
    printf("%u passed, %u failed\n", good, (unsigned)(runs - good));
    return good == runs ? 0 : 1;
}
