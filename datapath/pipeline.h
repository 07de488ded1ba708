/* datapath/pipeline.h: the fast path, one screen.
 *
 * rx -> {decap} -> parse -> admit -> classify -> act -> {l2} -> {encap} -> tx, with punt to the
 * side. Each stage takes a burst and leaves a shorter one: packets that ended (dropped, punted,
 * queued for tx) are gone from the array. One stage, one file, one verb. Called with an online RCU
 * reader; nothing here allocates, locks, logs or makes system calls.
 */
#ifndef WEFT_DATAPATH_PIPELINE_H
#define WEFT_DATAPATH_PIPELINE_H

#include "datapath/flowcache.h"
#include "datapath/worker.h"

/* What is still on its way through the tables. */
struct burst {
    uint16_t n;
    uint8_t step;        /* tables gone through */
    bool alike;          /* in_port, metadata and tunnel_id are the same in all */
    bool may_have_set;   /* one of them may have an action set */
    uint64_t version;    /* of the bridge's program when they came */
    struct paths *paths; /* what the flow cache knows of them; NULL: it wasn't asked */
    struct rte_mbuf *m[WEFT_BURST];
    const struct rule *rule[WEFT_BURST]; /* what classify found; NULL: miss */
};

/* All of it: what came in on p. Takes every mbuf. */
void pipeline_run(struct worker *w, struct port *p, struct burst *b);

/* The same of one frame that comes with metadata, tunnel_id and registers of `as`. */
void pipeline_run_as(struct worker *w, struct port *p, struct rte_mbuf *m,
                     const struct flow_key *as);

struct tunnel_in;
/* The same of frames that tunnels brought to ports of br; in[i] is b->m[i]'s. */
void pipeline_run_tunnel(struct worker *w, struct bridge *br, struct burst *b,
                         const struct tunnel_in *in);

/* The stages. stage_parse finds the first line of struct pkt zeroed but for in_port, bridge,
 * key.in_port and key.in_phy_port, which pipeline_run has set, and parses to the depth. */
void stage_parse(struct worker *w, enum pkt_depth depth, struct burst *b);
/* tunnel.c: for programs that look at tunnels' addresses: those of what came out of one, zero else.
 * Done once for a packet. */
void stage_tunnel_ends(struct burst *b);
void stage_admit(struct worker *w, struct port *p, struct burst *b);
/* Sets b->rule for every packet from its pkt->table. */
void stage_classify(struct worker *w, const struct program *prog, struct burst *b);
/* Runs the rules; packets with a goto stay in b with pkt->table set, others are gone. */
void stage_act(struct worker *w, const struct program *prog, struct burst *b);

/* act.c: runs ops on m (a packet-out, an action set); takes m. */
void act_ops(struct worker *w, struct rte_mbuf *m, const struct op_list *ops);
/* Sends one packet to an OpenFlow port, reserved ones included; takes m. max_len and
 * reason are for OFPP_CONTROLLER. */
void act_output(struct worker *w, struct rte_mbuf *m, uint32_t ofp_port, uint16_t max_len,
                uint8_t reason);
/* Tables from the start (OFPP_TABLE); takes m. */
void act_table(struct worker *w, struct rte_mbuf *m);

/* edit.c: header changes on the frame and its key together. False: the frame has
 * no such header, or no room (DROP_ACTION_BAD). Packets are private: refcnt is 1. */
bool edit_apply(struct rte_mbuf *m, const struct op *op, bool *ttl_invalid);

/* l2.c: NORMAL, of a burst and of one; and FLOOD/ALL for the reserved ports; takes m. */
void l2_normal_burst(struct worker *w, struct rte_mbuf **m, uint16_t n);
void l2_normal(struct worker *w, struct rte_mbuf *m);
void l2_flood(struct worker *w, struct rte_mbuf *m, bool all);

/* A private copy with its struct pkt, or NULL (caller counts DROP_NO_MBUF). */
struct rte_mbuf *pkt_clone(struct worker *w, struct rte_mbuf *m);

#endif
