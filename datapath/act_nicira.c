/* act_nicira.c: operations beyond the standard's, which Open vSwitch's clients use
 * (ovs-actions(7)). */
#include "datapath/act_internal.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "datapath/parse.h"
#include "datapath/table.h"

/* ------------------------------------------------------------ bits of fields */

static act_bits load(const struct flow_key *k, uint8_t field)
{
    const uint8_t *slot = flow_slot_const(k, field);
    act_bits v = 0;
    for (unsigned i = 0; i < flow_fields[field].bytes; i++)
        v = v << 8 | slot[i];
    return v;
}

static act_bits ones(unsigned n) { return n >= 128 ? ~(act_bits)0 : ((act_bits)1 << n) - 1; }

static void store(uint8_t *out, unsigned bytes, act_bits v)
{
    for (unsigned i = bytes; i > 0; v >>= 8)
        out[--i] = (uint8_t)v;
}

act_bits act_sub_get(const struct flow_key *k, const struct op_sub *s)
{
    return load(k, s->field) >> s->ofs & ones(s->n_bits);
}

bool act_sub_set(struct worker *w, struct rte_mbuf *m, const struct op_sub *s, act_bits v)
{
    struct op op = {.code = OP_SET_FIELD, .field = s->field};
    unsigned bytes = flow_fields[s->field].bytes;
    store(op.value, bytes, (v & ones(s->n_bits)) << s->ofs);
    store(op.mask, bytes, ones(s->n_bits) << s->ofs);
    return act_edit(w, m, &op);
}

/* What is read must have been parsed, or made. */
static void need(struct rte_mbuf *m, uint8_t field)
{
    if (flow_field_is_reg(field))
        pkt_regs(pkt_of(m));
    else
        parse_need(m, PKT_DEPTH_ALL);
}

/* ------------------------------------------------------------ the stack */

static bool push(struct worker *w, struct rte_mbuf *m, const struct op_sub *s)
{
    struct pkt *k = pkt_of(m);
    pkt_regs(k);
    if (k->n_stack == WEFT_STACK_MAX) {
        worker_drop(w, m, DROP_STACK);
        return false;
    }
    act_bits v = act_sub_get(&k->key, s);
    memcpy(w->stacks[k->action_set][k->n_stack++], &v, sizeof v);
    return true;
}

static bool pop(struct worker *w, struct rte_mbuf *m, const struct op_sub *s)
{
    struct pkt *k = pkt_of(m);
    act_bits v;
    pkt_regs(k);
    if (k->n_stack == 0) {
        worker_drop(w, m, DROP_STACK);
        return false;
    }
    memcpy(&v, w->stacks[k->action_set][--k->n_stack], sizeof v);
    return act_sub_set(w, m, s, v);
}

/* ------------------------------------------------------------ edits */

/* As long as it will be on a wire: a frame that is still to be cut counts as its pieces. */
static uint32_t wire_len(const struct rte_mbuf *m)
{
    if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
        return 14u + m->l3_len + m->l4_len + m->tso_segsz;
    return m->pkt_len;
}

static bool edit(struct worker *w, struct rte_mbuf *m, const struct op *op)
{
    const struct op_ext *x = &op->ext;
    struct pkt *k = pkt_of(m);
    switch (op->code) {
    case OP_MOVE:
        need(m, x->src.field);
        return act_sub_set(w, m, &x->dst, act_sub_get(&k->key, &x->src));
    case OP_PUSH:
        need(m, x->src.field);
        return push(w, m, &x->src);
    case OP_POP:
        return pop(w, m, &x->dst);
    case OP_MULTIPATH:
        parse_need(m, PKT_DEPTH_ALL);
        return act_sub_set(w, m, &x->dst, act_multipath(&k->key, x));
    case OP_BUNDLE_LOAD:
        parse_need(m, PKT_DEPTH_ALL);
        return act_sub_set(w, m, &x->dst, act_bundle(k->bridge, &k->key, op));
    case OP_CHECK_LARGER:
        return act_sub_set(w, m, &x->dst, wire_len(m) > x->arg);
    default:
        return true; /* OP_DATA */
    }
}

/* ------------------------------------------------------------ resubmit */

/* The rule of a table for m as if it had come in at in_port. NULL: none, and nothing is done. */
static const struct rule *look_up(struct worker *w, struct rte_mbuf *m, uint8_t table, be32 in_port)
{
    struct pkt *k = pkt_of(m);
    const struct program *prog = w->prog;
    const struct table *t = table < prog->n_tables ? prog->tables[table] : NULL;
    be32 own = k->key.in_port;
    parse_need(m, prog->depth);
    k->key.in_port = in_port;
    const struct rule *r = t != NULL ? table_lookup(t, &k->key, w->version) : NULL;
    k->key.in_port = own;
    struct table_stats *s = &k->bridge->table_stats[w->index][table];
    s->lookups++;
    s->matches += r != NULL;
    if (__builtin_expect(w->trace != NULL, 0) && w->trace->rule != NULL)
        w->trace->rule(w->trace->ctx, m, table, r);
    return r;
}

/* r's instructions up to its goto. */
static enum act_way run_rule(struct worker *w, struct rte_mbuf *m, const struct rule *r, bool ends)
{
    struct pkt *k = pkt_of(m);
    ends = ends && r->goto_table == RULE_NO_GOTO && r->write.n == 0 && !k->has_action_set;
    act_count(w, r, &m, 1);
    k->rule = r;
    if (r->meter != 0 && !meter_run(w, m, r->meter))
        return ACT_GONE;
    enum act_way way = act_list(w, m, &r->apply, ends);
    if (way != ACT_ON)
        return way;
    if (r->clear_set)
        action_set_clear(m);
    action_set_merge(w, m, &r->write);
    act_metadata(&k->key, r);
    return ACT_ON;
}

/* A table, and those that its rules go to. The rule of whoever resubmits is m's again after it. */
static enum act_way run_tables(struct worker *w, struct rte_mbuf *m, uint8_t table, be32 in_port,
                               bool ends)
{
    struct pkt *k = pkt_of(m);
    const struct rule *outer = k->rule, *r;
    enum act_way way = ACT_ON;
    while (way == ACT_ON && table < WEFT_TABLES && (r = look_up(w, m, table, in_port)) != NULL) {
        way = run_rule(w, m, r, ends);
        table = r->goto_table;
        if (way == ACT_ON)
            in_port = k->key.in_port;
    }
    if (way != ACT_GONE)
        k->rule = outer;
    return way;
}

static enum act_way resubmit(struct worker *w, struct rte_mbuf *m, const struct op *op, bool ends)
{
    struct pkt *k = pkt_of(m);
    uint8_t table = (uint8_t)op->ext.arg;
    pkt_regs(k);
    if (w->resubmit_depth >= WEFT_RESUBMIT_DEPTH || k->resubmits >= WEFT_RESUBMITS_MAX) {
        worker_drop(w, m, DROP_RESUBMIT_LIMIT);
        return ACT_GONE;
    }
    if (table >= WEFT_TABLES)
        table = k->rule != NULL ? k->rule->table : 0;
    k->resubmits++;
    w->resubmit_depth++;
    be32 in_port = op->port == OFPP_IN_PORT ? k->key.in_port : to_be32(op->port);
    enum act_way way = run_tables(w, m, table, in_port, ends);
    w->resubmit_depth--;
    return way;
}

/* ------------------------------------------------------------ any */

/* OpenFlow 1.0's numbers of reserved ports have 16 bits. */
static uint32_t port_of(act_bits v)
{
    uint32_t no = v > UINT32_MAX ? OFPP_ANY : (uint32_t)v;
    return no >= 0xff00 && no <= UINT16_MAX ? 0xffff0000u | no : no;
}

static enum act_way send(struct worker *w, struct rte_mbuf *m, uint32_t port, uint16_t max_len,
                         bool takes)
{
    struct op op = {.code = OP_OUTPUT, .port = port, .max_len = max_len};
    return act_send(w, m, &op, takes);
}

static enum act_way to_controller(struct worker *w, struct rte_mbuf *m, const struct op *op,
                                  bool takes)
{
    struct rte_mbuf *c = takes ? m : pkt_clone(w, m);
    if (c == NULL) {
        act_no_mbuf(w, m);
        return ACT_ON;
    }
    if (!takes)
        pkt_of(m)->flags |= PKT_SENT;
    act_output(w, c, OFPP_CONTROLLER, op->max_len, op->ttl);
    return takes ? ACT_GONE : ACT_ON;
}

enum act_way act_nicira(struct worker *w, struct rte_mbuf *m, const struct op_list *l, uint16_t *i,
                        bool ends)
{
    const struct op *op = &l->ops[*i];
    struct pkt *k = pkt_of(m);
    switch (op->code) {
    case OP_RESUBMIT:
        return resubmit(w, m, op, ends);
    case OP_OUTPUT_REG:
        need(m, op->ext.src.field);
        return send(w, m, port_of(act_sub_get(&k->key, &op->ext.src)), op->max_len, ends);
    case OP_CONTROLLER:
        return to_controller(w, m, op, ends);
    case OP_BUNDLE:
        parse_need(m, PKT_DEPTH_ALL);
        *i = (uint16_t)(*i + op->ext.n);
        return send(w, m, act_bundle(k->bridge, &k->key, op), UINT16_MAX, ends);
    case OP_EXIT:
        return ACT_EXIT;
    default:
        *i = (uint16_t)(*i + (op->code == OP_BUNDLE_LOAD ? op->ext.n : 0));
        return edit(w, m, op) ? ACT_ON : ACT_GONE;
    }
}
