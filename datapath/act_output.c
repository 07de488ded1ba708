/* act_output.c: to a port, to a reserved port, to the controller. */
#include "datapath/act_internal.h"
#include "datapath/group.h"
#include "datapath/offload.h"
#include "datapath/punt.h"

static bool packet_in_wanted(const struct pkt *k)
{
    if (!atomic_load_explicit(&k->bridge->packet_in, memory_order_relaxed))
        return false;
    if (k->reason != PUNT_NO_MATCH || k->in_port == NULL)
        return true;
    uint32_t config = atomic_load_explicit(&k->in_port->config, memory_order_relaxed);
    return (config & PORT_CFG_NO_PACKET_IN) == 0;
}

static void punt(struct worker *w, struct rte_mbuf *m)
{
    int why = DROP_PUNT_FULL;
    if (!worker_punt(w, PUNT_PACKET_IN, m, &why))
        worker_drop(w, m, (enum drop_reason)why);
}

/* A controller gets frames as they will be on a wire: checksums done, segments cut. */
static void punt_resolved(struct worker *w, struct rte_mbuf *m)
{
    struct rte_mbuf *out[WEFT_BURST * 8];
    uint16_t n = offload_resolve(m, 0, w->sw->pool, out, RTE_DIM(out));
    if (n == 0)
        worker_drop(w, m, DROP_TX_OFFLOAD);
    for (uint16_t i = 0; i < n; i++)
        punt(w, out[i]);
}

/* The cookie is that of the rule matched last, or none's (OpenFlow 1.3.5, 7.4.1). */
static void to_controller(struct worker *w, struct rte_mbuf *m, uint16_t max_len, uint8_t reason)
{
    struct pkt *k = pkt_of(m);
    k->cookie = k->rule != NULL ? k->rule->cookie : UINT64_MAX;
    k->max_len = max_len;
    k->reason = reason;
    if (!packet_in_wanted(k))
        worker_drop(w, m, DROP_PACKET_IN_OFF);
    else if (m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK)
        punt_resolved(w, m);
    else
        punt(w, m);
}

static void to_port(struct worker *w, struct rte_mbuf *m, struct port *p)
{
    if (p == NULL)
        worker_drop(w, m, DROP_NO_OUTPUT_PORT);
    else if (p == pkt_of(m)->in_port)
        worker_drop(w, m, DROP_OUTPUT_IS_INPUT);
    else
        worker_tx(w, p, m);
}

void act_output_burst(struct worker *w, struct rte_mbuf **m, uint16_t n, uint32_t ofp_port)
{
    const struct bridge_ports *ports =
        atomic_load_explicit(&pkt_of(m[0])->bridge->ports, memory_order_acquire);
    struct port *p = ports->by_no[ofp_port];
    bool simple = p != NULL;
    for (uint16_t i = 0; i < n; i++)
        simple = simple && p != pkt_of(m[i])->in_port;
    if (__builtin_expect(simple, 1)) {
        worker_tx_burst(w, p, m, n);
        return;
    }
    for (uint16_t i = 0; i < n; i++)
        to_port(w, m[i], p);
}

static void to_ingress(struct worker *w, struct rte_mbuf *m)
{
    struct port *p = pkt_of(m)->in_port;
    if (p == NULL)
        worker_drop(w, m, DROP_NO_OUTPUT_PORT);
    else
        worker_tx(w, p, m);
}

void act_output(struct worker *w, struct rte_mbuf *m, uint32_t ofp_port, uint16_t max_len,
                uint8_t reason)
{
    const struct bridge_ports *ports =
        atomic_load_explicit(&pkt_of(m)->bridge->ports, memory_order_acquire);
    switch (ofp_port) {
    case OFPP_NORMAL:
        l2_normal(w, m);
        break;
    case OFPP_CONTROLLER:
        to_controller(w, m, max_len, reason);
        break;
    case OFPP_IN_PORT:
        to_ingress(w, m);
        break;
    case OFPP_FLOOD:
        l2_flood(w, m, false);
        break;
    case OFPP_ALL:
        l2_flood(w, m, true);
        break;
    case OFPP_LOCAL:
        to_port(w, m, ports->local);
        break;
    case OFPP_TABLE:
        act_table(w, m);
        break;
    default: /* OFPP_ANY is no port to send to */
        to_port(w, m, ofp_port < WEFT_PORTS_MAX ? ports->by_no[ofp_port] : NULL);
    }
}

void act_output_op(struct worker *w, struct rte_mbuf *m, const struct op *op)
{
    const struct rule *r = pkt_of(m)->rule;
    if (__builtin_expect(op->code == OP_GROUP, 0)) {
        group_run(w, m, op->port);
        return;
    }
    act_output(w, m, op->port, op->max_len, r != NULL && r->is_miss ? PUNT_NO_MATCH : PUNT_ACTION);
}
