/* action.c: OpenFlow's actions as the datapath's operations. */
#include <errno.h>

#include "ofproto/compile/compile.h"
#include "ofproto/compile/internal.h"
#include "ofproto/wire/nicira.h"

/* The field's significant bits, right-aligned in the bytes of its slot. */
static void field_mask(enum flow_field f, uint8_t mask[16])
{
    unsigned bytes = flow_fields[f].bytes, bits = flow_fields[f].bits;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned below = (bytes - 1 - i) * 8; /* bits of the bytes after this one */
        unsigned here = bits > below ? bits - below : 0;
        mask[i] = here >= 8 ? 0xff : (uint8_t)((1u << here) - 1);
    }
}

static int set_field(const struct ofw_action *a, struct op *op)
{
    if (a->field >= FF_ALL)
        return -EOPNOTSUPP;
    op->code = OP_SET_FIELD;
    op->field = a->field;
    op->max_len = a->max_len;
    field_mask((enum flow_field)a->field, op->mask);
    memcpy(op->value, a->value, flow_fields[a->field].bytes);
    if (a->field == FF_VLAN_VID) /* the slot says "tagged" so; the wire does too */
        op->value[0] |= FLOW_VID_PRESENT >> 8;
    for (unsigned i = 0; i < sizeof op->value; i++)
        op->value[i] &= op->mask[i];
    return 0;
}

static int simple(const struct ofw_action *a, struct op *op)
{
    static const struct {
        uint16_t type;
        uint8_t code;
    } codes[] = {
        {OFPAT_OUTPUT, OP_OUTPUT},
        {OFPAT_COPY_TTL_OUT, OP_COPY_TTL_OUT},
        {OFPAT_COPY_TTL_IN, OP_COPY_TTL_IN},
        {OFPAT_SET_MPLS_TTL, OP_SET_MPLS_TTL},
        {OFPAT_DEC_MPLS_TTL, OP_DEC_MPLS_TTL},
        {OFPAT_PUSH_VLAN, OP_PUSH_VLAN},
        {OFPAT_POP_VLAN, OP_POP_VLAN},
        {OFPAT_PUSH_MPLS, OP_PUSH_MPLS},
        {OFPAT_POP_MPLS, OP_POP_MPLS},
        {OFPAT_SET_NW_TTL, OP_SET_IP_TTL},
        {OFPAT_DEC_NW_TTL, OP_DEC_IP_TTL},
        {OFPAT_PUSH_PBB, OP_PUSH_PBB},
        {OFPAT_POP_PBB, OP_POP_PBB},
        {OFPAT_GROUP, OP_GROUP},
    };
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].type != a->type)
            continue;
        op->code = codes[i].code;
        op->port = a->port;
        op->max_len = a->max_len;
        op->ttl = a->ttl;
        op->ethertype = to_be16(a->ethertype);
        return 0;
    }
    return -EOPNOTSUPP;
}

int ofc_action(const struct ofw_action *a, struct op *op)
{
    memset(op, 0, sizeof *op);
    return a->type == OFPAT_SET_FIELD ? set_field(a, op) : simple(a, op);
}

int ofc_actions(const struct ofw_actions *a, struct op *ops, unsigned max)
{
    unsigned n = 0;
    if (a->n > 0 && ofc_ops_max(a) > max)
        return -1;
    for (unsigned i = 0; i < a->n; i += ofw_action_slots(&a->a[i])) {
        int made = 1;
        if (a->a[i].type == OFPAT_SET_QUEUE) /* ports have one queue each: it is that one */
            continue;
        if (a->a[i].type == OFPAT_EXPERIMENTER)
            made = ofc_nicira(&a->a[i], &ops[n], max - n);
        else if (ofc_action(&a->a[i], &ops[n]) != 0)
            return -1;
        if (made < 0)
            return -1;
        n += (unsigned)made;
    }
    return (int)n;
}

/* ------------------------------------------------------------ the action set */

/* The set holds one action of each type, and one set-field of each field. */
static bool same_kind(const struct op *a, const struct op *b)
{
    return a->code == b->code && (a->code != OP_SET_FIELD || a->field == b->field);
}

/* Slots in order; in one slot, as the datapath's action set runs them. */
static unsigned rank(const struct op *op) { return op_slot(op->code) * OP_COUNT + op->code; }

static void sort_by_slot(struct op *ops, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        struct op op = ops[i];
        unsigned at = i;
        for (; at > 0 && rank(&ops[at - 1]) > rank(&op); at--)
            ops[at] = ops[at - 1];
        ops[at] = op;
    }
}

unsigned ofc_write_set(struct op *ops, unsigned n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = 0;
        while (at < kept && !same_kind(&ops[at], &ops[i]))
            at++;
        ops[at] = ops[i];
        kept += at == kept;
    }
    sort_by_slot(ops, kept);
    return kept;
}
