/* datapath/switch.h: the switch is a value.
 *
 * struct weft_switch holds everything that forwards: ports, bridges, workers,
 * punt rings, counters. Nothing of it is global, so that a test makes fifty in
 * one process, wires them with ring ports and moves a virtual clock. DPDK's
 * EAL is per process and comes up once, by eal_start(), from a main or a test.
 *
 * Real mode: switch_start() starts one thread per worker. Stepped mode
 * (simulator, weft-replay): no threads; switch_step(sw, now) calls each worker
 * once, then the protocol side, then is done; same code, same order, every time.
 */
#ifndef WEFT_DATAPATH_SWITCH_H
#define WEFT_DATAPATH_SWITCH_H

#include <pthread.h>
#include <rte_mempool.h>

#include "base/errbuf.h"
#include "base/limits.h"
#include "datapath/bridge.h"
#include "datapath/drop.h"
#include "datapath/port.h"
#include "datapath/stats.h"

struct rcu;
struct punt;
struct bindings;
struct vtep;
struct bond;
struct routing;
struct worker;

struct switch_options {
    unsigned n_cpus; /* 0: one worker, unpinned */
    int cpus[WEFT_WORKERS_MAX];
    uint32_t mbufs;            /* 0: 16384 */
    uint16_t mbuf_data_bytes;  /* 0: 2176 (frames of 2048 behind the headroom) */
    uint32_t idle_spin_us;     /* empty polls for so long, then sleep. 0: 50 */
    uint32_t idle_sleep_us;    /* longest sleep while some port can't signal. 0: 1000 */
    bool busy_poll;            /* never sleep */
    bool stepped;              /* no threads: switch_step() */
    uint32_t punt_rate_pps[8]; /* by enum punt_class; 0: the defaults */
    uint64_t hash_seed;        /* 0: random; else repeatable */
};

struct weft_switch {
    struct port *_Atomic ports[WEFT_PORTS_MAX];
    uint32_t port_gen[WEFT_PORTS_MAX]; /* bumped when an index is reused */
    struct bridge *bridges[WEFT_BRIDGES_MAX];
    struct vtep *_Atomic vteps[WEFT_VTEPS_MAX]; /* control's; see tunnel.h */
    struct bond *_Atomic bonds[WEFT_BONDS_MAX]; /* under bond_lock; see bond.h */
    pthread_mutex_t bond_lock;                  /* members, gates: protocol thread and control */
    _Atomic bool out_waiting;                   /* something is in PUNT_OUT */
    struct routing *routing;                    /* virtual routers: router.h */
    struct bindings *bindings;                  /* NULL until a VNI suppresses ARP: binding.h */
    uint64_t vtep_serial;                       /* of the last one made */
    pthread_mutex_t carrier_lock; /* a member's device is asked for its link, or let go */
    pthread_mutex_t out_lock;     /* the last of `workers`: control and protocol thread */
    unsigned n_workers;
    struct worker
        *workers[WEFT_WORKERS_MAX + 1]; /* the last is control's, never polled: packet-outs */
    struct rte_mempool *pool;
    struct rcu *rcu;
    struct punt *punt;
    struct stats flow_stats;
    struct switch_options opt;
    uint64_t hash_key;
    uint64_t versions;          /* of programs published so far, by any bridge; control's */
    _Atomic nsec_t now;         /* stepped: the virtual clock */
    pthread_mutex_t learn_lock; /* a learn event is checked and learnt, or its port is taken away */
    uint64_t learn_stale;       /* events of ports that had gone; under learn_lock */
    unsigned serial;            /* distinct per switch in a process: for names of DPDK objects */
};

/* Makes a switch without ports or bridges. EAL must be up. 0 or -errno with a message. */
int switch_create(const struct switch_options *o, struct weft_switch **out, struct errbuf *e);
/* Stops workers, destroys what is left, frees. NULL is fine. */
void switch_destroy(struct weft_switch *sw);

int switch_start(struct weft_switch *sw, struct errbuf *e);
void switch_stop(struct weft_switch *sw);

/* Stepped mode: one turn at virtual time `now` (never goes back). Returns true
 * when a worker moved a packet, so `while (switch_step(sw, now));` runs dry. */
bool switch_step(struct weft_switch *sw, nsec_t now);

/* The protocol thread's share: drains learn events, ages FDBs. Returns how
 * many events it handled. In real mode control's protocol thread calls it; in stepped mode
 * switch_step() does. */
unsigned switch_protocol_run(struct weft_switch *sw, nsec_t now);

/* Now on the switch's clock. */
nsec_t switch_now(const struct weft_switch *sw);

uint64_t switch_drops(const struct weft_switch *sw, enum drop_reason r);
uint64_t port_drops(const struct port *p, enum drop_reason r);

/* A dropped frame as it was, for `weftctl drops` */
struct drop_sample {
    nsec_t when;
    uint16_t len;             /* of the frame */
    uint16_t snap_len;        /* bytes kept */
    char port[WEFT_NAME_MAX]; /* where it was counted: ingress, for tx-* egress; "" for none */
    uint8_t snap[128];
};
/* Up to max of the last samples of reason r, newest first; returns how many. */
unsigned switch_drop_samples(const struct weft_switch *sw, enum drop_reason r,
                             struct drop_sample *out, unsigned max);

#endif
