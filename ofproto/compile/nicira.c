/* nicira.c: Nicira's actions as the datapath's operations. */
#include <errno.h>

#include "ofproto/compile/compile.h"
#include "ofproto/compile/internal.h"
#include "ofproto/wire/nicira.h"

static struct op_sub sub_of(const struct nx_sub *s)
{
    enum flow_field f = FF_REG0;
    uint16_t ofs = 0;
    if (s->f == NULL || !nx_place(s, &f, &ofs))
        return (struct op_sub){0};
    return (struct op_sub){.field = (uint8_t)f, .ofs = ofs, .n_bits = s->n_bits};
}

static void load(const struct ofw_nx *x, struct op *op)
{
    enum flow_field f;
    uint16_t ofs;
    if (!nx_place(&x->dst, &f, &ofs))
        return;
    op->code = OP_SET_FIELD;
    op->field = (uint8_t)f;
    memcpy(op->value, x->value, sizeof op->value);
    memcpy(op->mask, x->mask, sizeof op->mask);
}

static void put_members(const struct ofw_nx *x, struct op *op, unsigned max)
{
    op->ext.n = (uint16_t)((x->n_data + OP_DATA_PORTS - 1u) / OP_DATA_PORTS);
    op->ext.arg = x->n_data;
    for (unsigned i = 0; i < x->n_data && 1 + i / OP_DATA_PORTS < max; i++) {
        uint16_t no = (uint16_t)(x->data[2 * i] << 8 | x->data[2 * i + 1]);
        op[1 + i / OP_DATA_PORTS].code = OP_DATA;
        op[1 + i / OP_DATA_PORTS].ports[i % OP_DATA_PORTS] = no;
    }
}

static void hashed(const struct ofw_nx *x, struct op *op)
{
    op->ext.fields = x->hash_fields;
    op->ext.basis = x->basis;
    op->ext.algorithm = x->algorithm;
    op->ext.max_link = x->max_link;
    op->ext.arg = x->arg;
}

static void with_subs(const struct ofw_nx *x, uint8_t code, struct op *op)
{
    op->code = code;
    op->ext.src = sub_of(&x->src);
    op->ext.dst = sub_of(&x->dst);
}

/* Those that send it somewhere. */
static int sender(const struct ofw_nx *x, struct op *op)
{
    switch (x->subtype) {
    case NXAST_RESUBMIT:
    case NXAST_RESUBMIT_TABLE:
        op->code = OP_RESUBMIT;
        op->port = x->port;
        op->ext.arg = x->table;
        return 1;
    case NXAST_OUTPUT_REG:
    case NXAST_OUTPUT_REG2:
        with_subs(x, OP_OUTPUT_REG, op);
        op->max_len = x->max_len;
        return 1;
    case NXAST_CONTROLLER:
    case NXAST_CONTROLLER2:
        op->code = OP_CONTROLLER;
        op->max_len = x->max_len;
        op->ttl = x->reason;
        return 1;
    case NXAST_EXIT:
        op->code = OP_EXIT;
        return 1;
    case NXAST_NOTE:
    case NXAST_SET_QUEUE: /* ports have one queue each */
    case NXAST_POP_QUEUE:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

static int one(const struct ofw_nx *x, struct op *op, unsigned max)
{
    switch (x->subtype) {
    case NXAST_REG_LOAD:
    case NXAST_REG_LOAD2:
    case NXAST_SET_TUNNEL:
    case NXAST_SET_TUNNEL64:
        load(x, op);
        return 1;
    case NXAST_REG_MOVE:
        with_subs(x, OP_MOVE, op);
        return 1;
    case NXAST_STACK_PUSH:
        with_subs(x, OP_PUSH, op);
        return 1;
    case NXAST_STACK_POP:
        with_subs(x, OP_POP, op);
        return 1;
    case NXAST_MULTIPATH:
        with_subs(x, OP_MULTIPATH, op);
        hashed(x, op);
        return 1;
    case NXAST_BUNDLE:
    case NXAST_BUNDLE_LOAD:
        with_subs(x, x->subtype == NXAST_BUNDLE ? OP_BUNDLE : OP_BUNDLE_LOAD, op);
        hashed(x, op);
        put_members(x, op, max);
        return 1 + op->ext.n;
    case NXAST_CHECK_PKT_LARGER:
        with_subs(x, OP_CHECK_LARGER, op);
        op->ext.arg = x->pkt_len;
        return 1;
    case NXAST_DEC_TTL:
    case NXAST_DEC_TTL_IDS: /* all controllers hear of a TTL that ran out */
        op->code = OP_DEC_IP_TTL;
        return 1;
    default:
        return sender(x, op);
    }
}

/* Its bytes hold more than its operations do: members of bundles are two bytes here, four there. */
unsigned ofc_ops_max(const struct ofw_actions *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n; i += ofw_action_slots(&a->a[i]))
        n += a->a[i].type == OFPAT_EXPERIMENTER ? 2 * ofw_action_slots(&a->a[i]) : 1;
    return n;
}

int ofc_nicira(const struct ofw_action *a, struct op *op, unsigned max)
{
    struct ofw_nx x;
    ofw_nx_get(a, &x);
    memset(op, 0, max * sizeof *op);
    int n = one(&x, op, max);
    return n > (int)max ? -EOPNOTSUPP : n;
}
