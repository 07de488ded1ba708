/* tests/sim/world.h: several switches in one process, wired, on virtual time.
 *
 * A world is a random tree of switches; each has some hosts, each host a VLAN. Switches are whole
 * `struct weft`s, stepped; wires are ring ports. One seed decides everything, so a failure
 * is named by its seed. A host's frame carries a number, by which every copy is recognised.
 */
#ifndef WEFT_TESTS_SIM_WORLD_H
#define WEFT_TESTS_SIM_WORLD_H

#include "base/prng.h"
#include "control/weft.h"

enum { SWITCHES_MAX = 8, HOSTS_MAX = 32, FRAME_BYTES = 64 };

struct host {
    unsigned sw; /* where it is attached */
    struct port *port;
    uint16_t vlan;
    uint64_t mac;
    uint32_t got, last; /* frames, and the number of the last one */
};

struct world {
    uint64_t seed;
    struct prng rng;
    nsec_t now;
    unsigned n_switches, n_hosts;
    struct weft *sw[SWITCHES_MAX];
    unsigned wires[SWITCHES_MAX]; /* ports of a switch that are wires */
    struct host host[HOSTS_MAX];
    uint32_t frames;
    uint64_t digest; /* of every delivery: who, when, what */
    char why[200];
};

/* Builds a world from a seed. False with w->why set when it can't. */
bool world_make(struct world *w, uint64_t seed);
void world_free(struct world *w);
/* Host `from` sends to MAC `dst`; time moves on until the world is quiet. Counts arrivals in hosts.
 */
void world_send(struct world *w, unsigned from, uint64_t dst);
/* Moves a host to another host's place, and that one to its; both keep MAC and VLAN. */
bool world_swap(struct world *w, unsigned a, unsigned b);
/* Frames dropped for reason r, all switches. */
uint64_t world_drops(const struct world *w, enum drop_reason r);
/* Packet buffers that are not in their pools. */
unsigned world_mbufs_out(const struct world *w);

#endif
