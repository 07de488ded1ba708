/* tests/sim/sim.h: what main.c knows of a kind of world.
 *
 * A world is made from a seed, lives on virtual time, and says whether what must hold did hold.
 * Each kind is one row of the table in main.c; `sim --world NAME --seed N --runs 1` repeats one
 * exactly.
 */
#ifndef WEFT_TESTS_SIM_SIM_H
#define WEFT_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_result {
    uint64_t digest; /* of everything that happened, in order: two runs of a seed agree */
    char about[120]; /* "5 routers, 10 cs, IPv6" */
    char why[240];   /* what did not hold */
};

/* False, with r->why, when something did not hold. */
bool tree_run(uint64_t seed, struct sim_result *r);   /* switches and hosts: main.c */
bool vrrp_run(uint64_t seed, struct sim_result *r);   /* VRRP routers on a LAN: vrrp.c */
bool stp_run(uint64_t seed, struct sim_result *r);    /* bridges with spanning trees: stp.c */
bool neigh_run(uint64_t seed, struct sim_result *r);  /* neighbours on a LAN, and a liar: neigh.c */
bool lacp_run(uint64_t seed, struct sim_result *r);   /* bundles of links: lacp.c */
bool bonded_run(uint64_t seed, struct sim_result *r); /* two switches, a bond, traffic: bond.c */
bool tunnel_run(uint64_t seed,
                struct sim_result *r); /* VTEPs on an underlay, and a liar: tunnel.c */

#endif
