/* act.c: a rule's instructions, in OpenFlow's order (1.3.5 section 5.9): apply, clear, write,
 * metadata, goto. */
#include "datapath/act_internal.h"
#include "datapath/meter.h"
#include "datapath/parse.h"
#include "datapath/punt.h"

/* ------------------------------------------------------------ copies and ends */

struct rte_mbuf *pkt_clone(struct worker *w, struct rte_mbuf *m)
{
    struct rte_mbuf *c = rte_pktmbuf_copy(m, w->sw->pool, 0, UINT32_MAX);
    if (c != NULL)
        *pkt_of(c) = *pkt_of(m);
    return c;
}

void act_no_mbuf(struct worker *w, const struct rte_mbuf *m)
{
    const struct port *p = pkt_of((struct rte_mbuf *)(uintptr_t)m)->in_port;
    w->drops[DROP_NO_MBUF]++;
    if (p != NULL)
        w->port_drops[p->index][DROP_NO_MBUF]++;
}

void act_end(struct worker *w, struct rte_mbuf *m)
{
    if (pkt_of(m)->flags & PKT_SENT)
        rte_pktmbuf_free(m);
    else
        worker_drop(w, m, DROP_RULE_DROP);
}

/* OFPR_INVALID_TTL, to a controller that is there; else a drop. */
static void ttl_ran_out(struct worker *w, struct rte_mbuf *m)
{
    const struct pkt *k = pkt_of(m);
    uint32_t config =
        k->in_port != NULL ? atomic_load_explicit(&k->in_port->config, memory_order_relaxed) : 0;
    if (atomic_load_explicit(&k->bridge->packet_in, memory_order_relaxed) &&
        !(config & PORT_CFG_NO_PACKET_IN))
        act_output(w, m, OFPP_CONTROLLER, UINT16_MAX, PUNT_INVALID_TTL);
    else
        worker_drop(w, m, DROP_TTL_INVALID);
}

bool act_edit(struct worker *w, struct rte_mbuf *m, const struct op *op)
{
    bool ttl_invalid;
    if (op->code != OP_SET_FIELD || !flow_field_is_reg(op->field))
        parse_need(m, PKT_DEPTH_ALL);
    if (__builtin_expect(edit_apply(m, op, &ttl_invalid), 1))
        return true;
    if (ttl_invalid)
        ttl_ran_out(w, m);
    else
        worker_drop(w, m, DROP_ACTION_BAD);
    return false;
}

/* ------------------------------------------------------------ action lists */

static void output_copy(struct worker *w, struct rte_mbuf *m, const struct op *op)
{
    struct rte_mbuf *c = pkt_clone(w, m);
    if (c == NULL) {
        act_no_mbuf(w, m);
        return;
    }
    pkt_of(m)->flags |= PKT_SENT;
    act_output_op(w, c, op);
}

enum act_way act_send(struct worker *w, struct rte_mbuf *m, const struct op *op, bool takes)
{
    if (!takes) {
        output_copy(w, m, op);
        return ACT_ON;
    }
    act_output_op(w, m, op);
    return ACT_GONE;
}

static bool sends(const struct op *op) { return op->code == OP_OUTPUT || op->code == OP_GROUP; }

/* Does something that can be seen when the packet itself ends here. */
static bool is_seen(const struct op *op)
{
    return sends(op) || (op->code >= OP_RESUBMIT && op->code != OP_DATA);
}

/* The last output; n when there is none. Edits behind it are seen by nobody if m ends here. */
static uint16_t last_output(const struct op_list *l)
{
    for (uint16_t i = l->n; i > 0; i--) {
        if (is_seen(&l->ops[i - 1]))
            return i - 1;
    }
    return l->n;
}

/* A resubmit may have left an action set, which needs m in the end. */
enum act_way act_list(struct worker *w, struct rte_mbuf *m, const struct op_list *l, bool ends)
{
    uint16_t last = ends ? last_output(l) : l->n;
    for (uint16_t i = 0; i < l->n; i++) {
        const struct op *op = &l->ops[i];
        if (__builtin_expect(op->code > OP_GROUP, 0)) {
            enum act_way way = act_nicira(w, m, l, &i, i == last);
            if (way != ACT_ON)
                return way;
            last = pkt_of(m)->has_action_set ? l->n : last;
        } else if (i == last) {
            act_output_op(w, m, op);
            return ACT_GONE;
        } else if (sends(op)) {
            output_copy(w, m, op);
        } else if (!act_edit(w, m, op)) {
            return ACT_GONE;
        }
    }
    return ACT_ON;
}

void act_list_end(struct worker *w, struct rte_mbuf *m, const struct op_list *l)
{
    if (act_list(w, m, l, true) != ACT_GONE)
        act_end(w, m);
}

void act_ops(struct worker *w, struct rte_mbuf *m, const struct op_list *ops)
{
    pkt_of(m)->rule = NULL;
    act_list_end(w, m, ops);
}

/* ------------------------------------------------------------ instructions */

void act_metadata(struct flow_key *k, const struct rule *r)
{
    k->metadata = (k->metadata & ~r->metadata_mask) | (r->metadata & r->metadata_mask);
}

/* One packet. True: it goes on to pkt->table. */
static bool run_rule(struct worker *w, struct rte_mbuf *m, const struct rule *r)
{
    struct pkt *k = pkt_of(m);
    k->rule = r;
    bool go_on = r->goto_table != RULE_NO_GOTO;
    bool set_left = (k->has_action_set && !r->clear_set) || r->write.n > 0;
    if (__builtin_expect(r->meter != 0, 0) && !meter_run(w, m, r->meter))
        return false;
    enum act_way way = act_list(w, m, &r->apply, !go_on && !set_left);
    if (way == ACT_GONE)
        return false;
    if (way == ACT_EXIT) {
        action_set_run(w, m);
        return false;
    }
    if (r->clear_set)
        action_set_clear(m);
    action_set_merge(w, m, &r->write);
    act_metadata(&k->key, r);
    if (!go_on) {
        action_set_run(w, m);
        return false;
    }
    k->table = r->goto_table;
    if (k->table < WEFT_TABLES)
        return true;
    worker_drop(w, m, DROP_BAD_TABLE);
    return false;
}

/* Counts a run of n packets that matched r; a rule nobody counts has no stats_id. */
void act_count(struct worker *w, const struct rule *r, struct rte_mbuf *const *m, uint16_t n)
{
    if (r->stats_id == UINT32_MAX)
        return;
    struct flow_stats *s = stats_at(&w->sw->flow_stats, w->index, r->stats_id);
    s->used_ns = w->now;
    if (r->no_counts)
        return;
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < n; i++)
        bytes += m[i]->pkt_len;
    s->packets += n;
    s->bytes += bytes;
}

/* ------------------------------------------------------------ batches */

/* Packets of a burst that found the same rule. */
struct batch {
    const struct rule *rule; /* NULL: none */
    struct rte_mbuf **m;
    uint16_t n;
};

/* A rule that ends with one output, and no action set before it. False: it isn't that simple. */
static bool output_batch(struct worker *w, const struct batch *g, const struct burst *b)
{
    const struct rule *r = g->rule;
    const struct op *op = r->apply.ops;
    if (r->goto_table != RULE_NO_GOTO || r->meter != 0 || r->write.n > 0 || r->apply.n != 1 ||
        op->code != OP_OUTPUT || b->may_have_set)
        return false;
    if (op->port == OFPP_NORMAL)
        l2_normal_burst(w, g->m, g->n);
    else if (op->port < WEFT_PORTS_MAX)
        act_output_burst(w, g->m, g->n, op->port);
    else
        return false;
    return true;
}

/* A rule that does nothing but go on. */
static bool goto_batch(const struct batch *g, struct burst *b)
{
    const struct rule *r = g->rule;
    if (r->goto_table >= WEFT_TABLES || r->meter != 0 || r->write.n > 0 || r->apply.n > 0 ||
        r->clear_set)
        return false;
    for (uint16_t i = 0; i < g->n; i++) {
        struct pkt *k = pkt_of(g->m[i]);
        act_metadata(&k->key, r);
        k->table = r->goto_table;
    }
    b->alike = b->alike && (g->n == b->n || r->metadata_mask == 0);
    return true;
}

/* Sets of which the packets go on: their bits. */
static uint32_t run_batch(struct worker *w, const struct batch *g, struct burst *b)
{
    const struct rule *r = g->rule;
    uint32_t on = 0;
    if (r != NULL) {
        act_count(w, r, g->m, g->n);
        if (goto_batch(g, b))
            return (uint32_t)(((uint64_t)1 << g->n) - 1);
        if (output_batch(w, g, b))
            return 0;
        b->may_have_set = b->may_have_set || r->write.n > 0;
        b->alike = false;
    }
    for (uint16_t i = 0; i < g->n; i++) {
        if (r == NULL)
            worker_drop(w, g->m[i], DROP_TABLE_MISS);
        else if (run_rule(w, g->m[i], r))
            on |= 1u << i;
    }
    return on;
}

/* Closes the ranks: those of the batch at `first` that go on come behind the `kept` before. */
static uint16_t keep(struct burst *b, uint16_t first, uint32_t on, uint16_t kept)
{
    for (; on != 0; on &= on - 1, kept++) {
        uint16_t i = (uint16_t)(first + __builtin_ctz(on));
        b->m[kept] = b->m[i];
        if (b->paths != NULL)
            b->paths->place[kept] = b->paths->place[i];
    }
    return kept;
}

void stage_act(struct worker *w, const struct program *prog, struct burst *b)
{
    (void)prog;
    uint16_t kept = 0;
    for (uint16_t i = 0, end; i < b->n; i = end) {
        struct batch g = {.rule = b->rule[i], .m = &b->m[i]};
        for (end = i + 1; end < b->n && b->rule[end] == g.rule;)
            end++;
        g.n = (uint16_t)(end - i);
        kept = keep(b, i, run_batch(w, &g, b), kept);
    }
    b->n = kept;
}

/* Its action set is one of those behind the burst's, by the depth: what is further out still needs
 * its own. */
void act_table(struct worker *w, struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m);
    if (k->recirc >= WEFT_RECIRC_MAX) {
        worker_drop(w, m, DROP_RECIRC_LIMIT);
        return;
    }
    k->action_set = (uint16_t)(WEFT_BURST + k->recirc++);
    k->has_action_set = 0;
    k->table = 0;
    k->flags &= (uint8_t)~PKT_SENT;
    const struct program *outer = w->prog;
    uint64_t outer_version = w->version;
    const struct program *prog = atomic_load_explicit(&k->bridge->program, memory_order_acquire);
    parse_need(m, prog->depth);
    if (prog->regs)
        pkt_regs(k);
    w->prog = prog;
    struct burst b = {.n = 1,
                      .alike = true,
                      .version = atomic_load_explicit(&prog->version, memory_order_acquire),
                      .m = {m}};
    w->version = b.version;
    if (prog->tunnel_ends)
        stage_tunnel_ends(&b);
    while (b.n > 0) {
        stage_classify(w, prog, &b);
        stage_act(w, prog, &b);
    }
    w->prog = outer;
    w->version = outer_version;
}
