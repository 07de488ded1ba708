/* datapath/pipeline.h: the fast path, one screen.
 *
 * rx -> parse -> admit -> classify -> act -> {l2} -> tx, with punt to the side.
 * Each stage takes a burst and leaves a shorter one: packets that ended
 * (dropped, punted, queued for tx) are gone from the array. One stage, one file, one verb.
 * Called with an online RCU reader; nothing here allocates, locks, logs or makes system calls.
 */
#ifndef WEFT_DATAPATH_PIPELINE_H
#define WEFT_DATAPATH_PIPELINE_H

#include "datapath/worker.h"

struct burst {
    uint16_t n;
    struct rte_mbuf *m[WEFT_BURST];
};

/* All of it: what came in on p. Takes every mbuf. */
void pipeline_run(struct worker *w, struct port *p, struct burst *b);

/* The stages. stage_parse finds struct pkt zeroed but for in_port, bridge, key.in_port and
 * key.in_phy_port, which pipeline_run has set; parse() fills the rest. */
void stage_parse(struct worker *w, struct port *p, struct burst *b);
void stage_admit(struct worker *w, struct port *p, struct burst *b);
/* Sets pkt->rule for every packet from its pkt->table. */
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

/* l2.c: NORMAL, and FLOOD/ALL for the reserved ports; takes m. */
void l2_normal(struct worker *w, struct rte_mbuf *m);
void l2_flood(struct worker *w, struct rte_mbuf *m, bool all);

/* A private copy with its struct pkt, or NULL (caller counts DROP_NO_MBUF). */
struct rte_mbuf *pkt_clone(struct worker *w, struct rte_mbuf *m);

#endif
