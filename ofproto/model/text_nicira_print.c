/* Nicira's actions as ovs-ofctl prints them. */
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

void text_print_sub(struct strbuf *b, const struct nx_sub *s)
{
    strbuf_adds(b, s->f->name);
    if (s->ofs == 0 && s->n_bits == s->f->bits)
        strbuf_adds(b, "[]");
    else if (s->n_bits == 1)
        strbuf_addf(b, "[%u]", s->ofs);
    else
        strbuf_addf(b, "[%u..%u]", s->ofs, s->ofs + s->n_bits - 1u);
}

static uint16_t u16_at(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static void print_bytes(struct strbuf *b, const uint8_t *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        strbuf_addf(b, "%s%02x", i ? "." : "", p[i]);
}

static void print_numbers(struct strbuf *b, const struct ofw_nx *x)
{
    for (unsigned i = 0; i < x->n_data; i++)
        strbuf_addf(b, "%s%u", i ? "," : "", u16_at(x->data + 2 * i));
}

static void print_resubmit(struct strbuf *b, const struct ofw_nx *x, const struct ofm_names *names)
{
    bool own = x->port == OFPP_IN_PORT;
    strbuf_adds(b, !own && x->table == 255 ? "resubmit:" : "resubmit(");
    if (!own)
        text_print_port(b, x->port, names);
    if (!own && x->table == 255)
        return;
    strbuf_adds(b, ",");
    if (x->table != 255)
        strbuf_addf(b, "%u", x->table);
    strbuf_adds(b, ")");
}

/* The value at the end of the action: 64 bits, not yet at its place. */
static void print_load(struct strbuf *b, const struct ofw_nx *x)
{
    struct reader r = reader_of(x->bytes + 16, 8);
    strbuf_addf(b, "load:%#llx->", (unsigned long long)read_u64(&r));
    text_print_sub(b, &x->dst);
}

static void print_set(struct strbuf *b, const struct ofw_nx *x, const struct ofm_names *names)
{
    enum flow_field f = (enum flow_field)x->dst.f->field;
    struct flow_match m = {0};
    strbuf_adds(b, "set_field:");
    memcpy(flow_slot(&m.key, f), x->value, flow_fields[f].bytes);
    text_print_value(b, f, x->value, names);
    strbuf_adds(b, "/");
    text_print_value(b, f, x->mask, names);
    strbuf_addf(b, "->%s", text_field_name(f));
}

static void print_controller(struct strbuf *b, const struct ofw_nx *x)
{
    if (x->reason == OFPR_ACTION && x->controller_id == 0 && x->n_data == 0) {
        strbuf_addf(b, "CONTROLLER:%u", x->max_len);
        return;
    }
    strbuf_adds(b, "controller(");
    if (x->reason != OFPR_ACTION)
        strbuf_addf(b, "reason=%s,", text_reason_name(x->reason));
    if (x->max_len != OFPCML_NO_BUFFER)
        strbuf_addf(b, "max_len=%u,", x->max_len);
    if (x->controller_id)
        strbuf_addf(b, "id=%u,", x->controller_id);
    if (x->n_data) {
        strbuf_adds(b, "userdata=");
        print_bytes(b, x->data, x->n_data);
    }
    strbuf_chomp(b, ",");
    strbuf_adds(b, ")");
}

static void print_dec_ttl(struct strbuf *b, const struct ofw_nx *x)
{
    strbuf_adds(b, "dec_ttl");
    if (x->n_data == 0 || (x->n_data == 1 && u16_at(x->data) == 0))
        return;
    strbuf_adds(b, "(");
    print_numbers(b, x);
    strbuf_adds(b, ")");
}

static void print_bundle(struct strbuf *b, const struct ofw_nx *x)
{
    bool loads = x->subtype == NXAST_BUNDLE_LOAD;
    strbuf_addf(b, "%s(%s,%u,%s,ofport,", loads ? "bundle_load" : "bundle",
                text_hash_name(x->hash_fields), x->basis, text_bundle_name(x->algorithm));
    if (loads) {
        text_print_sub(b, &x->dst);
        strbuf_adds(b, ",");
    }
    strbuf_adds(b, "members:");
    print_numbers(b, x);
    strbuf_adds(b, ")");
}

static void print_arrow(struct strbuf *b, const struct ofw_nx *x)
{
    switch (x->subtype) {
    case NXAST_REG_MOVE:
        strbuf_adds(b, "move:");
        text_print_sub(b, &x->src);
        strbuf_adds(b, "->");
        text_print_sub(b, &x->dst);
        break;
    case NXAST_MULTIPATH:
        strbuf_addf(b, "multipath(%s,%u,%s,%u,%u,", text_hash_name(x->hash_fields), x->basis,
                    text_multipath_name(x->algorithm), x->max_link + 1u, x->arg);
        text_print_sub(b, &x->dst);
        strbuf_adds(b, ")");
        break;
    default:
        strbuf_addf(b, "check_pkt_larger(%u)->", x->pkt_len);
        text_print_sub(b, &x->dst);
    }
}

static void print_rest(struct strbuf *b, const struct ofw_nx *x)
{
    struct reader r = reader_of(x->value, 8);
    switch (x->subtype) {
    case NXAST_NOTE:
        strbuf_adds(b, "note:");
        print_bytes(b, x->data, x->n_data);
        break;
    case NXAST_SET_TUNNEL:
    case NXAST_SET_TUNNEL64:
        strbuf_addf(b, "set_tunnel%s:0x%llx", x->subtype == NXAST_SET_TUNNEL ? "" : "64",
                    (unsigned long long)read_u64(&r));
        break;
    case NXAST_SET_QUEUE:
        strbuf_addf(b, "set_queue:%u", x->arg);
        break;
    case NXAST_POP_QUEUE:
        strbuf_adds(b, "pop_queue");
        break;
    case NXAST_EXIT:
        strbuf_adds(b, "exit");
        break;
    default:
        strbuf_addf(b, "nicira_%u", x->subtype);
    }
}

void text_print_nicira(struct strbuf *b, const struct ofw_action *a, const struct ofm_names *names)
{
    struct ofw_nx x;
    ofw_nx_get(a, &x);
    switch (x.subtype) {
    case NXAST_RESUBMIT:
    case NXAST_RESUBMIT_TABLE:
        print_resubmit(b, &x, names);
        break;
    case NXAST_REG_LOAD:
        print_load(b, &x);
        break;
    case NXAST_REG_LOAD2:
        print_set(b, &x, names);
        break;
    case NXAST_STACK_PUSH:
    case NXAST_STACK_POP:
        strbuf_adds(b, x.subtype == NXAST_STACK_PUSH ? "push:" : "pop:");
        text_print_sub(b, x.subtype == NXAST_STACK_PUSH ? &x.src : &x.dst);
        break;
    case NXAST_OUTPUT_REG:
    case NXAST_OUTPUT_REG2:
        strbuf_adds(b, "output:");
        text_print_sub(b, &x.src);
        break;
    case NXAST_CONTROLLER:
    case NXAST_CONTROLLER2:
        print_controller(b, &x);
        break;
    case NXAST_DEC_TTL:
    case NXAST_DEC_TTL_IDS:
        print_dec_ttl(b, &x);
        break;
    case NXAST_BUNDLE:
    case NXAST_BUNDLE_LOAD:
        print_bundle(b, &x);
        break;
    case NXAST_REG_MOVE:
    case NXAST_MULTIPATH:
    case NXAST_CHECK_PKT_LARGER:
        print_arrow(b, &x);
        break;
    default:
        print_rest(b, &x);
    }
}
