/* datapath/worker.h: one forwarding thread.
 *
 * A worker owns the ports assigned to it (rx), its transmit buffers, counters
 * and drop samples. worker_poll() is one turn: rx from each port, pipeline_run, flush tx, report
 * quiescence. The thread around it backs off when idle: it spins for
 * idle_spin_us, then arms its ports' fds and sleeps in epoll (at most
 * idle_sleep_us while it polls a port that can't signal; else until an event), and is awake at once
 * when a frame comes. In stepped mode the same worker_poll() is called by switch_step().
 *
 * What a stage writes goes through the worker: worker_tx(), worker_drop().
 */
#ifndef WEFT_DATAPATH_WORKER_H
#define WEFT_DATAPATH_WORKER_H

#include <pthread.h>
#include <rte_mbuf.h>

#include "base/limits.h"
#include "datapath/drop.h"
#include "datapath/pkt.h"
#include "datapath/program.h"
#include "datapath/switch.h"

struct tx_buffer {
    struct port *port; /* while n > 0 */
    uint16_t n;
    struct rte_mbuf *m[WEFT_BURST * 2];
};

/* The rx side: which ports this worker polls. Replaced whole by control; but for `chill`, which is
 * the worker's, immutable. */
struct poll_set {
    uint64_t version; /* of this worker: tells the sleeper that the set is another */
    uint16_t n;
    uint8_t *chill; /* [n], behind rx: polls in a row without a frame; stops at 255 */
    struct {
        struct port *port;
        uint16_t queue;
    } rx[];
};

/* Per-turn measures for `weftctl perf`; TSC cycles. */
struct worker_perf {
    uint64_t turns, busy_turns;
    uint64_t packets;     /* received */
    uint64_t bursts;      /* non-empty */
    uint64_t busy_cycles; /* in turns that moved packets */
    uint64_t idle_cycles; /* spinning without packets */
    uint64_t sleep_ns, sleeps;
};

/* Action set of one packet in flight (OpenFlow 1.3.5 section 5.10). */
struct action_set {
    uint32_t present;       /* bit per enum op_code: one action of each type */
    struct op op[OP_COUNT]; /* by enum op_code; OP_SET_FIELD unused */
    uint64_t fields[2];     /* which fields are set: bit per enum flow_field */
    struct op set[FF_ALL];
};

/* What a test or weft-replay wants to know of a packet's way. */
struct trace_hook {
    void (*rule)(void *ctx, const struct rte_mbuf *m, uint8_t table,
                 const struct rule *r); /* r NULL: miss */
    void (*drop)(void *ctx, const struct rte_mbuf *m, enum drop_reason r);
    void (*out)(void *ctx, const struct rte_mbuf *m, const struct port *p);
    /* Only in a dry run (trace.h), where nothing is learnt, counted, policed or given away: */
    void (*group)(void *ctx, const struct rte_mbuf *m, uint32_t id, uint16_t bucket);
    void (*l2)(void *ctx, const struct rte_mbuf *m, uint16_t vlan, const struct port *to);
    void (*punt)(void *ctx, const struct rte_mbuf *m, int punt_class);
    bool dry;
    void *ctx;
};

/* What a bridge gave to a router's port, until stage_route() (router.h) takes it. */
enum { ROUTED_MAX = 4096 };
struct router_if;
struct routed {
    struct rte_mbuf *m;
    struct router_if *ifc;
};

struct worker {
    struct weft_switch *sw;
    unsigned index;                     /* reader number for RCU, slot in every per-worker array */
    int cpu;                            /* -1: unpinned */
    nsec_t now;                         /* read once a turn */
    const struct program *prog;         /* of the packets in the pipeline: their groups */
    uint64_t version;                   /* of it, that they see */
    unsigned group_depth, group_copies; /* of the packet that goes through groups */
    unsigned resubmit_depth;
    const struct poll_set *_Atomic poll;
    nsec_t polled_all_ns;                 /* when the cold ports were last polled, too */
    struct tx_buffer *tx[WEFT_PORTS_MAX]; /* by port index, allocated at port creation */
    uint16_t tx_dirty[WEFT_PORTS_MAX];    /* which have frames */
    uint16_t n_dirty;
    uint16_t n_routed;
    struct action_set sets[WEFT_BURST * 2];             /* of the packets of the running burst */
    uint8_t stacks[WEFT_BURST * 2][WEFT_STACK_MAX][16]; /* by action_set; as high as n_stack */
    uint64_t drops[DROP_COUNT];
    uint64_t *port_drops[WEFT_PORTS_MAX]; /* [port][reason], by ingress (or egress, for tx) port */
    struct drop_ring *samples;
    struct flowcache *cache;
    struct worker_perf perf;
    const struct trace_hook *trace; /* NULL but in tests and weft-replay */
    uint64_t hash_recent[256];      /* learn events lately sent: not sent again for a while */
    nsec_t hash_recent_ns[256];
    uint16_t ip_id;      /* of the last outer IPv4 header that routers may fragment (encap.c) */
    uint32_t tx_refused; /* by the device in the running tx_burst: see port_tx_drop */
    uint64_t tx_refused_bytes;
    struct routed routed[ROUTED_MAX];
    pthread_t thread;
    _Atomic uintptr_t owner; /* pthread_self() of who is inside worker_poll; 0: nobody */
    struct idle *idle;       /* worker_idle.c: what it sleeps on */
    int wake_fd;             /* eventfd: control wants the worker to look up */
    int epoll_fd;
    _Atomic bool stop, asleep;
};

int worker_create(struct weft_switch *sw, unsigned index, int cpu, struct worker **out);
void worker_free(struct worker *w);
/* One turn. Returns packets received. Any single thread at a time. */
unsigned worker_poll(struct worker *w, nsec_t now);
/* Starts and joins the thread. */
int worker_start(struct worker *w, struct errbuf *e);
void worker_stop(struct worker *w);
/* Makes a sleeping worker take a turn (poll set changed). */
void worker_wake(struct worker *w);
/* Ports come to and leave the poll set; rebalanced over the switch's workers. Control. */
int worker_assign(struct weft_switch *sw, struct port *p);
void worker_unassign(struct weft_switch *sw, struct port *p);

/* Queues m for p (tx.c): takes it. Checks PORT_CFG_DOWN/NO_FWD, link, MTU, resolves offloads. */
void worker_tx(struct worker *w, struct port *p, struct rte_mbuf *m);
void worker_tx_burst(struct worker *w, struct port *p, struct rte_mbuf **m, uint16_t n);
void worker_flush(struct worker *w);
/* Frees m and counts why, at its ingress port; keeps a sample. */
void worker_drop(struct worker *w, struct rte_mbuf *m, enum drop_reason r);
/* The same for one that was going out on p (counted in p's tx_dropped or tx_errors). */
void worker_drop_at(struct worker *w, const struct port *p, struct rte_mbuf *m, enum drop_reason r);
/* The same for one that p never let in (admit; counted in p's rx_dropped or rx_errors). m may be
 * NULL. */
void worker_drop_in(struct worker *w, const struct port *p, struct rte_mbuf *m, enum drop_reason r);

/* Is w only asked what it would do? */
static inline bool worker_is_dry(const struct worker *w)
{
    return __builtin_expect(w->trace != NULL, 0) && w->trace->dry;
}
/* punt_packet() on w's behalf. */
bool worker_punt(struct worker *w, int punt_class, struct rte_mbuf *m, int *why);

/* A source that fdb_seen() didn't know: tells the protocol thread, unless the same was told
 * within the last millisecond. True when an event went out. */
bool worker_learn(struct worker *w, struct bridge *b, uint16_t vlan, struct mac mac,
                  struct port *p);
/* The same of one behind an endpoint of a tunnel port; 0: none. */
bool worker_learn_at(struct worker *w, struct bridge *b, uint16_t vlan, struct mac mac,
                     struct port *p, uint16_t endpoint);

/* worker_idle.c: arms the ports, sleeps until a frame, a wake or the limit, and disarms. Called by
 * the worker's thread, online; it is offline while it sleeps. */
void worker_sleep(struct worker *w);
void worker_idle_free(struct worker *w);

/* The worker that the calling thread is, or the switch's control slot. */
struct worker *worker_mine(struct weft_switch *sw);

/* Control's slot, for a thread that is no worker and puts frames into the pipeline: control and the
 * protocol thread, in turns, as a reader of what control publishes. Returning flushes. */
struct worker *worker_borrow(struct weft_switch *sw, nsec_t now);
void worker_return(struct worker *w);

/* For port kinds (ports.c): a frame lost before or after the pipeline. m may be NULL (never had
 * one). */
void port_rx_drop(struct port *p, struct rte_mbuf *m, enum drop_reason r);
void port_tx_drop(struct port *p, struct rte_mbuf *m, enum drop_reason r);

#endif
