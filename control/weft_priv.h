/* control/weft_priv.h: what the files behind weft.h share.
 *
 * The truth about what runs is here, in of_bridge and weft_port: each keeps the piece of
 * configuration that it was made from. apply.c makes the truth follow a wanted
 * configuration, and undoing is the same thing with the old one. Control thread only.
 */
#ifndef WEFT_CONTROL_WEFT_PRIV_H
#define WEFT_CONTROL_WEFT_PRIV_H

#include <sys/queue.h>

#include "control/carrier.h"
#include "control/gateway.h"
#include "control/lag.h"
#include "control/ofconn.h"
#include "control/protocol.h"
#include "control/span.h"
#include "control/underlay.h"
#include "control/vmport.h"
#include "control/weft.h"

struct event;
struct rte_mbuf;

/* A port that runs, and the configuration it was made from. */
struct weft_port {
    TAILQ_ENTRY(weft_port) next;
    struct config_port *cfg; /* own copy; NULL: the bridge's LOCAL port */
    struct port *dp;
    struct port_link link; /* as last seen */
    bool blocked;          /* by spanning tree, as last told */
};
TAILQ_HEAD(weft_ports, weft_port);

struct kept_number {
    SLIST_ENTRY(kept_number) next;
    char name[WEFT_NAME_MAX];
    uint32_t no;
};
SLIST_HEAD(kept_numbers, kept_number);

/* A packet kept for a controller that got only its beginning. */
struct of_buffer {
    struct rte_mbuf *m; /* NULL: empty, or taken */
    uint32_t id;
    uint32_t in_port;
    nsec_t since;
};

/* A list of the configuration that was applied. */
struct of_texts {
    char **list;
    unsigned n;
};

enum of_kind { OF_GROUPS, OF_METERS, OF_KINDS };

struct of_bridge {
    struct weft *w;
    struct bridge *dp;
    struct config_bridge *cfg; /* own copy, without ports and flows */
    struct weft_ports ports;
    struct kept_numbers kept;
    uint64_t reserved[WEFT_PORTS_MAX / 64]; /* OpenFlow numbers that the configuration gives */
    char **flows;                           /* configured flows that were applied, sorted */
    unsigned flows_count;
    struct of_texts things[OF_KINDS]; /* configured groups and meters that were applied */
    unsigned stp_trees;               /* that the configuration wants; 0: no spanning tree */
    uint64_t dpid;
    struct ofm *model;
    struct ofm_names names;
    struct ofw_arena arena;
    struct ofs_host host;
    struct ofs_election election; /* of its controllers */
    size_t bundle_bytes;          /* that their bundles hold */
    struct of_conns *conns;       /* controllers; NULL in stepped mode */
    bool ours;                    /* the program that runs came from the model */
    bool batch;                   /* of_bridge_batch is open */
    bool fallback;                /* the NORMAL flow of a bridge on its own is in the model */
    bool misses;                  /* the flow that sends misses to a controller of 1.0 is in */
    bool look_misses;             /* it may have been deleted since */
    bool had_controller;          /* one was connected since the bridge was last on its own */
    nsec_t lost_ns;               /* when the last controller was lost; 0: one is connected */
    nsec_t commit_cost_ns;        /* of the last one */
    nsec_t commit_due_ns;         /* NSEC_NEVER: nothing waits */
    uint32_t *gone;               /* counters of flows that ended since the last commit */
    unsigned n_gone, cap_gone;
    struct of_buffer buffers[WEFT_OF_BUFFERS];
    uint32_t next_buffer;
};

/* A VTEP of ours that runs, and the configuration it was made from. */
struct weft_vtep {
    struct config_vtep *cfg; /* own copy */
    struct vtep *dp;
    struct kernel_mirror *kernel; /* apply_kernel.c; NULL: none */
    bool kernel_due;              /* the configuration changed since the kernel was looked at */
};

struct weft {
    struct weft_switch *sw;
    struct config *config;
    char *config_path;
    struct log log;
    bool stepped;
    struct event_base *base;
    struct event *tick, *punted, *links;
    struct tls *tls;           /* keys for ssl: controllers */
    int link_fd;               /* linkwatch.h; -1: none */
    struct lag *lag;           /* LACP */
    struct span *span;         /* spanning trees */
    struct gateway *gateway;   /* virtual routers */
    struct underlay *underlay; /* VTEPs' neighbours and ways */
    struct vmports *vms;       /* VMs' ports */
    struct protocol *proto;    /* NULL in stepped mode */
    struct carrier *carrier;   /* the same */
    struct of_bridge *bridges[WEFT_BRIDGES_MAX];
    unsigned n_bridges;
    struct weft_vtep vteps[WEFT_VTEPS_MAX];
    unsigned n_vteps;
    nsec_t link_due_ns;
};

/* Something became due earlier than the timer knows. */
void weft_kick(struct weft *w);
nsec_t weft_now(const struct weft *w);

/* ---- apply.c, apply_bridge.c, apply_port.c ---- */

/* Makes what runs follow `want`; stops at the first failure. */
int apply_config(struct weft *w, const struct config *want, struct errbuf *e);
void apply_ports_delete(struct of_bridge *b, const struct config_bridge *want);
int apply_ports_create(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e);
/* The spanning tree of the bridge and its ports follow. */
int apply_ports_stp(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e);
/* Numbers of deleted ports are kept until the change is over. */
void apply_forget_numbers(struct of_bridge *b);
void apply_port_destroy(struct of_bridge *b, struct weft_port *p);
/* apply_vtep.c. Those that are not wanted as they are go, with the ports of theirs; then, once no
 * port is left that wants them, they themselves. */
void apply_vteps_unport(struct weft *w, const struct config *want);
void apply_vteps_delete(struct weft *w, const struct config *want);
int apply_vteps_create(struct weft *w, const struct config *want, struct errbuf *e);
/* When all ports are there: their ways to the underlay. */
int apply_vteps_link(struct weft *w, const struct config *want, struct errbuf *e);
void apply_vteps_free(struct weft *w);
/* apply_kernel.c. The routes and neighbours of a VTEP are the kernel's, if it asks; then as those
 * change. */
int apply_kernel(struct weft *w, struct weft_vtep *v, struct errbuf *e);
void apply_kernel_run(struct weft *w);
void apply_kernel_free(struct weft_vtep *v);
/* apply_mtu.c. Ports of VMs and routers that ask for no MTU have that of the VNIs in their VLANs.
 */
int apply_mtus(struct weft *w, struct errbuf *e);
bool apply_mtu_follows(const struct config_port *cp);
int apply_statics(struct of_bridge *b, const struct config_bridge *want, struct errbuf *e);

/* ---- ofbridge.c, offlows.c ---- */

int of_bridge_create(struct weft *w, const struct config_bridge *cfg, struct of_bridge **out,
                     struct errbuf *e);
/* Its ports must be gone. */
void of_bridge_free(struct of_bridge *b);
/* Timeouts, delayed publication, fail-mode; returns when it is next due. */
nsec_t of_bridge_run(struct of_bridge *b, nsec_t now);
/* Changes of the model become visible soon: several may be waiting. */
void of_bridge_commit_soon(struct of_bridge *b);
/* Tells sessions of flows that ended. */
void of_bridge_events(struct of_bridge *b);
struct of_bridge *of_bridge_of(struct weft *w, const struct bridge *dp);
/* Makes the configured flows be those of want: what went is deleted, what came is added. */
int of_bridge_set_flows(struct of_bridge *b, char **want, unsigned n, struct errbuf *e);
/* ofgroups.c. Those of want that are new or other than before; then, when the flows have gone, away
 * with those that want has not. */
int of_bridge_set_things(struct of_bridge *b, enum of_kind kind, char **want, unsigned n,
                         struct errbuf *e);
int of_bridge_drop_things(struct of_bridge *b, enum of_kind kind, char **want, unsigned n,
                          struct errbuf *e);
/* Those to be saved, in an order in which they can be made. */
int of_bridge_list_things(struct of_bridge *b, enum of_kind kind, struct of_texts *out,
                          struct errbuf *e);
void of_texts_free(struct of_texts *t);
/* Are the groups and the meter that it names saved, too? */
bool of_bridge_flow_lasts(const struct of_bridge *b, const struct ofm_flow *f);
/* A group or meter as weftctl gives it; command: OFPGC_* or OFPMC_*, which are the same. */
int of_bridge_thing(struct of_bridge *b, enum of_kind kind, const char *text, unsigned command,
                    struct errbuf *e);
/* Puts in or takes out the NORMAL flow of a bridge on its own, as things are now. */
void of_bridge_fail_mode(struct of_bridge *b, nsec_t now);
void of_names_init(struct of_bridge *b);

/* ---- ofhost.c ---- */

void of_host_init(struct of_bridge *b);
void of_port_describe(const struct weft_port *p, struct ofw_port *out);
void of_port_status(struct of_bridge *b, uint8_t reason, const struct ofw_port *p);
struct port *of_dp_port(const struct of_bridge *b, uint32_t no);
struct weft_port *of_port_by_no(struct of_bridge *b, uint32_t no);
/* A frame as an mbuf of the switch's pool, in several segments if need be; NULL: no buffers. */
struct rte_mbuf *of_frame(struct of_bridge *b, const void *frame, size_t len);
int of_send(struct of_bridge *b, struct rte_mbuf *m, uint32_t in_port, const struct ofw_actions *a,
            struct ofw_error *e);

/* ---- packetin.c, ofbuffer.c ---- */

/* Drains the punt ring into packet-ins; returns how many. */
unsigned packet_in_run(struct weft *w, nsec_t now);
/* Keeps m (taken) and returns its id. */
uint32_t of_buffer_put(struct of_bridge *b, struct rte_mbuf *m, uint32_t in_port, nsec_t now);
int of_buffer_take(struct of_bridge *b, uint32_t id, struct rte_mbuf **m, uint32_t *in_port,
                   struct ofw_error *e);
/* Frees what nobody asked for; returns when to come again. */
nsec_t of_buffer_age(struct of_bridge *b, nsec_t now);
void of_buffer_clear(struct of_bridge *b);

#endif
