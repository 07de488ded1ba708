/* action_set.c: one action of each type, run in the specified order at the end (section 5.10). */
#include "datapath/act_internal.h"

/* Set-field's turn is marked by its own code; output comes last, by itself. */
static const uint8_t order[] = {
    OP_COPY_TTL_IN, OP_POP_VLAN,     OP_POP_MPLS,     OP_POP_PBB,    OP_PUSH_MPLS,
    OP_PUSH_PBB,    OP_PUSH_VLAN,    OP_COPY_TTL_OUT, OP_DEC_IP_TTL, OP_DEC_MPLS_TTL,
    OP_SET_FIELD,   OP_SET_MPLS_TTL, OP_SET_IP_TTL,
};

static struct action_set *set_of(struct worker *w, struct rte_mbuf *m)
{
    return &w->sets[pkt_of(m)->action_set];
}

void action_set_clear(struct rte_mbuf *m) { pkt_of(m)->has_action_set = 0; }

void action_set_merge(struct worker *w, struct rte_mbuf *m, const struct op_list *ops)
{
    struct action_set *s = set_of(w, m);
    if (ops->n == 0)
        return;
    if (!pkt_of(m)->has_action_set) {
        s->present = 0;
        s->fields[0] = s->fields[1] = 0;
        pkt_of(m)->has_action_set = 1;
    }
    for (uint16_t i = 0; i < ops->n; i++) {
        const struct op *op = &ops->ops[i];
        s->present |= 1u << op->code;
        if (op->code == OP_SET_FIELD) {
            s->fields[op->field / 64] |= UINT64_C(1) << op->field % 64;
            s->set[op->field] = *op;
        } else {
            s->op[op->code] = *op;
        }
    }
}

static bool run_fields(struct worker *w, struct rte_mbuf *m, const struct action_set *s)
{
    for (unsigned half = 0; half < 2; half++) {
        for (uint64_t left = s->fields[half]; left != 0; left &= left - 1) {
            if (!act_edit(w, m, &s->set[half * 64 + (unsigned)__builtin_ctzll(left)]))
                return false;
        }
    }
    return true;
}

void action_set_run(struct worker *w, struct rte_mbuf *m)
{
    const struct action_set *s = set_of(w, m);
    const uint32_t sends = 1u << OP_OUTPUT | 1u << OP_GROUP;
    if (!pkt_of(m)->has_action_set || !(s->present & sends)) {
        act_end(w, m);
        return;
    }
    pkt_of(m)->has_action_set = 0;
    for (unsigned i = 0; i < sizeof order; i++) {
        uint8_t code = order[i];
        if (!(s->present & 1u << code))
            continue;
        if (!(code == OP_SET_FIELD ? run_fields(w, m, s) : act_edit(w, m, &s->op[code])))
            return;
    }
    /* With a group, the output is not done (5.10). */
    act_output_op(w, m, &s->op[s->present & 1u << OP_GROUP ? OP_GROUP : OP_OUTPUT]);
}
