/* Nicira's actions: bytes to meaning. */
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

enum { NX_HEADER_BYTES = 10, MORE_BYTES = sizeof(struct ofw_action) - sizeof(uint16_t) };

static int bad_action(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_BAD_ACTION, code, why);
}

/* ---- in a list ---- */

unsigned ofw_action_slots(const struct ofw_action *a)
{
    return a->type == OFPAT_EXPERIMENTER ? 1 + (a->max_len + MORE_BYTES - 1u) / MORE_BYTES : 1;
}

bool ofw_nx_put(struct ofw_arena *arena, const uint8_t *bytes, size_t len)
{
    struct ofw_action head = {.type = OFPAT_EXPERIMENTER, .max_len = (uint16_t)len};
    unsigned slots = ofw_action_slots(&head);
    if (len < NX_HEADER_BYTES || len > OFW_NX_MAX || arena->cap - arena->n < slots)
        return false;
    head.port = (uint32_t)bytes[8] << 8 | bytes[9];
    arena->a[arena->n++] = head;
    for (size_t at = 0; at < len; at += MORE_BYTES) {
        uint8_t slot[sizeof(struct ofw_action)] = {0};
        uint16_t type = OFPAT_MORE;
        memcpy(slot, &type, sizeof type);
        memcpy(slot + sizeof type, bytes + at, len - at < MORE_BYTES ? len - at : MORE_BYTES);
        memcpy(&arena->a[arena->n++], slot, sizeof slot);
    }
    return true;
}

static void gather(const struct ofw_action *a, uint8_t *out)
{
    for (size_t at = 0; at < a->max_len; at += MORE_BYTES) {
        uint8_t slot[sizeof(struct ofw_action)];
        size_t left = a->max_len - at;
        memcpy(slot, &a[1 + at / MORE_BYTES], sizeof slot);
        memcpy(out + at, slot + sizeof(uint16_t), left < MORE_BYTES ? left : MORE_BYTES);
    }
}

void ofw_nx_get(const struct ofw_action *a, struct ofw_nx *out)
{
    struct ofw_error ignored;
    out->len = a->max_len;
    gather(a, out->bytes);
    (void)ofw_nx_decode(out, &ignored);
}

void ofw_nx_encode(struct writer *w, const struct ofw_action *a)
{
    uint8_t bytes[OFW_NX_MAX];
    gather(a, bytes);
    write_bytes(w, bytes, a->max_len);
}

/* ---- pieces ---- */

/* A field's name on the wire, with its length (and mask). */
static const struct nxm_field *read_field(struct reader *r, bool *masked)
{
    uint16_t oxm_class = read_u16(r);
    uint8_t number = read_u8(r), len = read_u8(r);
    const struct nxm_field *f = nxm_find(oxm_class, number >> 1);
    *masked = number & 1;
    return f && len == f->bytes << *masked ? f : NULL;
}

static void read_sub_at(struct reader *r, struct nx_sub *s)
{
    bool masked;
    s->f = read_field(r, &masked);
    if (masked)
        s->f = NULL;
}

static void put_ofs_nbits(uint16_t v, struct nx_sub *s)
{
    s->ofs = v >> 6;
    s->n_bits = (uint16_t)((v & 0x3f) + 1);
}

static uint32_t port_of_16(uint16_t port) { return port >= 0xff00 ? 0xffff0000u | port : port; }

/* The low n bits of v at bit `ofs` of the field that fills `bytes` bytes. */
static void put_bits(uint8_t *out, unsigned bytes, unsigned ofs, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < n && i < 64; i++) {
        unsigned bit = ofs + i;
        if (bit < bytes * 8 && v >> i & 1)
            out[bytes - 1 - bit / 8] = (uint8_t)(out[bytes - 1 - bit / 8] | 1u << bit % 8);
    }
}

static int decode_load(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    put_ofs_nbits(read_u16(r), &x->dst);
    read_sub_at(r, &x->dst);
    uint64_t v = read_u64(r);
    enum flow_field f;
    uint16_t ofs;
    if (x->dst.f == NULL)
        return bad_action(e, OFPBAC_BAD_SET_TYPE, "load: unknown field");
    if (!nx_place(&x->dst, &f, &ofs) || (x->dst.n_bits < 64 && v >> x->dst.n_bits))
        return bad_action(e, OFPBAC_BAD_SET_ARGUMENT, "load: the bits are outside the field");
    put_bits(x->value, flow_fields[f].bytes, ofs, x->dst.n_bits, v);
    put_bits(x->mask, flow_fields[f].bytes, ofs, x->dst.n_bits, UINT64_MAX);
    return 0;
}

/* An OXM with or without mask, padded. */
static int decode_load2(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    bool masked;
    x->dst.f = read_field(r, &masked);
    if (x->dst.f == NULL || !nxm_is_plain(x->dst.f))
        return bad_action(e, OFPBAC_BAD_SET_TYPE, "set_field: unknown field");
    unsigned n = x->dst.f->bytes;
    x->dst.n_bits = x->dst.f->bits;
    read_into(r, x->value, n);
    if (masked)
        read_into(r, x->mask, n);
    else
        put_bits(x->mask, n, 0, x->dst.n_bits < 64 ? x->dst.n_bits : 64, UINT64_MAX);
    for (unsigned i = 0; !masked && i < n && x->dst.n_bits > 64; i++)
        x->mask[i] = 0xff;
    if (!oxm_fits((enum flow_field)x->dst.f->field, x->value) ||
        !oxm_fits((enum flow_field)x->dst.f->field, x->mask))
        return bad_action(e, OFPBAC_BAD_SET_ARGUMENT, "set_field: value wider than the field");
    for (unsigned i = 0; i < n; i++)
        if (x->value[i] & ~x->mask[i])
            return bad_action(e, OFPBAC_BAD_SET_ARGUMENT, "set_field: value bit outside mask");
    return 0;
}

static int subs_ok(const struct ofw_nx *x, bool src, bool dst, struct ofw_error *e)
{
    const struct nx_sub *both[2] = {src ? &x->src : NULL, dst ? &x->dst : NULL};
    for (unsigned i = 0; i < 2; i++) {
        enum flow_field f;
        uint16_t ofs;
        if (both[i] && !both[i]->f)
            return bad_action(e, OFPBAC_BAD_SET_TYPE, "unknown field");
        if (both[i] && !nx_place(both[i], &f, &ofs))
            return bad_action(e, OFPBAC_BAD_ARGUMENT, "the bits are outside the field");
    }
    return 0;
}

static int decode_move(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->src.n_bits = x->dst.n_bits = read_u16(r);
    x->src.ofs = read_u16(r);
    x->dst.ofs = read_u16(r);
    read_sub_at(r, &x->src);
    read_sub_at(r, &x->dst);
    return subs_ok(x, true, true, e);
}

static int decode_stack(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    struct nx_sub *s = x->subtype == NXAST_STACK_PUSH ? &x->src : &x->dst;
    s->ofs = read_u16(r);
    read_sub_at(r, s);
    s->n_bits = read_u16(r);
    return subs_ok(x, s == &x->src, s == &x->dst, e);
}

static int decode_output_reg(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    put_ofs_nbits(read_u16(r), &x->src);
    if (x->subtype == NXAST_OUTPUT_REG2)
        x->max_len = read_u16(r);
    read_sub_at(r, &x->src);
    if (x->subtype == NXAST_OUTPUT_REG)
        x->max_len = read_u16(r);
    return subs_ok(x, true, false, e);
}

static int decode_multipath(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->hash_fields = read_u16(r);
    x->basis = read_u16(r);
    read_skip(r, 2);
    x->algorithm = read_u16(r);
    x->max_link = read_u16(r);
    x->arg = read_u32(r);
    read_skip(r, 2);
    put_ofs_nbits(read_u16(r), &x->dst);
    read_sub_at(r, &x->dst);
    if (x->hash_fields >= NX_HASH_FIELDS || x->algorithm > NX_MP_ITER_HASH)
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "multipath: unknown fields or algorithm");
    if (x->dst.n_bits < 16 && x->max_link >> x->dst.n_bits)
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "multipath: more links than fit in the field");
    return subs_ok(x, false, true, e);
}

enum { SLAVE_IN_PORT = 2 }; /* NXM_OF_IN_PORT's header: class 0, field 0, 2 bytes */

static int decode_bundle(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->algorithm = read_u16(r);
    x->hash_fields = read_u16(r);
    x->basis = read_u16(r);
    uint32_t type = read_u32(r);
    x->n_data = read_u16(r);
    uint16_t ofs_nbits = read_u16(r);
    struct nx_sub dst = {.f = NULL};
    read_sub_at(r, &dst);
    read_skip(r, 4);
    x->data = r->p;
    if (x->hash_fields >= NX_HASH_FIELDS || x->algorithm > NX_BD_HRW || type != SLAVE_IN_PORT)
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "bundle: unknown fields, algorithm or members");
    if (r->left < 2u * x->n_data)
        return bad_action(e, OFPBAC_BAD_LEN, "bundle: members past the end of the action");
    if (x->subtype == NXAST_BUNDLE)
        return 0;
    x->dst = dst;
    put_ofs_nbits(ofs_nbits, &x->dst);
    return subs_ok(x, false, true, e);
}

static int decode_larger(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->pkt_len = read_u16(r);
    x->dst.ofs = read_u16(r);
    x->dst.n_bits = 1;
    read_sub_at(r, &x->dst);
    return subs_ok(x, false, true, e);
}

/* ---- controller ---- */

enum { PROP_MAX_LEN, PROP_ID, PROP_REASON, PROP_USERDATA, PROP_PAUSE, PROP_METER };

static int controller_property(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    uint16_t type = read_u16(r), len = read_u16(r);
    if (r->bad || len < 4 || len - 4u > r->left)
        return bad_action(e, OFPBAC_BAD_LEN, "controller: a property past the end of the action");
    struct reader body = read_sub(r, len - 4u);
    read_skip(r, ofw_round8(len) - len < r->left ? ofw_round8(len) - len : r->left);
    switch (type) {
    case PROP_MAX_LEN:
        x->max_len = read_u16(&body);
        break;
    case PROP_ID:
        x->controller_id = read_u16(&body);
        break;
    case PROP_REASON:
        x->reason = read_u8(&body);
        break;
    case PROP_USERDATA:
        x->data = body.p;
        x->n_data = (uint16_t)body.left;
        break;
    case PROP_PAUSE:
        x->pause = true;
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "controller: pause is not supported");
    case PROP_METER:
        x->meter = read_u32(&body);
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "controller: meter_id is not supported");
    default:
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "controller: unknown property");
    }
    return body.bad ? bad_action(e, OFPBAC_BAD_LEN, "controller: a property is cut off") : 0;
}

static int decode_controller(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->max_len = OFPCML_NO_BUFFER;
    x->reason = OFPR_ACTION;
    if (x->subtype == NXAST_CONTROLLER) {
        x->max_len = read_u16(r);
        x->controller_id = read_u16(r);
        x->reason = read_u8(r);
    } else {
        read_skip(r, 6);
        while (r->left >= 4)
            if (controller_property(r, x, e) < 0)
                return -1;
    }
    return x->reason <= OFPR_INVALID_TTL
               ? 0
               : bad_action(e, OFPBAC_BAD_ARGUMENT, "controller: unknown reason");
}

/* ---- the rest ---- */

static int decode_resubmit(struct reader *r, struct ofw_nx *x)
{
    x->port = port_of_16(read_u16(r));
    x->table = x->subtype == NXAST_RESUBMIT_TABLE ? read_u8(r) : 255;
    return 0;
}

static int decode_conjunction(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    x->clause = read_u8(r);
    x->n_clauses = read_u8(r);
    x->id = read_u32(r);
    if (x->n_clauses < 2 || x->n_clauses > 64 || x->clause >= x->n_clauses)
        return bad_action(e, OFPBAC_BAD_ARGUMENT, "conjunction: k of n clauses, n from 2 to 64");
    return 0;
}

static int decode_tunnel(struct reader *r, struct ofw_nx *x)
{
    static const uint8_t all[16] = {255, 255, 255, 255, 255, 255, 255, 255};
    read_skip(r, x->subtype == NXAST_SET_TUNNEL ? 2 : 6);
    x->dst = (struct nx_sub){.f = nxm_of_field(FF_TUNNEL_ID), .n_bits = 64};
    if (x->subtype == NXAST_SET_TUNNEL)
        read_into(r, x->value + 4, 4);
    else
        read_into(r, x->value, 8);
    memcpy(x->mask, all, sizeof all);
    return 0;
}

static int decode_rest(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    switch (x->subtype) {
    case NXAST_NOTE:
    case NXAST_CLONE:
        read_skip(r, x->subtype == NXAST_CLONE ? 6 : 0);
        x->data = r->p;
        x->n_data = (uint16_t)r->left;
        return 0;
    case NXAST_DEC_TTL_IDS:
        x->n_data = read_u16(r);
        read_skip(r, 4);
        x->data = r->p;
        return 2u * x->n_data <= r->left && x->n_data
                   ? 0
                   : bad_action(e, OFPBAC_BAD_LEN, "dec_ttl: no room for its ids");
    case NXAST_EXIT:
    case NXAST_DEC_TTL:
    case NXAST_POP_QUEUE:
        return 0;
    case NXAST_SET_QUEUE:
        read_skip(r, 2);
        x->arg = read_u32(r);
        return 0;
    case NXAST_FIN_TIMEOUT:
        x->fin_idle_s = read_u16(r);
        x->fin_hard_s = read_u16(r);
        return 0;
    default:
        return bad_action(e, OFPBAC_BAD_EXP_TYPE, "unknown action of Nicira's");
    }
}

/* Known, and beyond us: each by its name. */
static const char *why_not(uint16_t subtype)
{
    switch (subtype) {
    case 35:
    case 36:
    case 43:
    case 44:
        return "ct, nat, ct_clear: connection tracking is not supported yet";
    case 29:
    case 38:
    case 41:
        return "sample is not supported";
    case 46:
    case 47:
        return "encap and decap are not supported";
    case 48:
        return "dec_nsh_ttl is not supported";
    case 39:
        return "output with max_len is not supported";
    case 50:
        return "delete_field is not supported";
    default:
        return "unknown action of Nicira's";
    }
}

static int decode_body(struct reader *r, struct ofw_nx *x, struct ofw_error *e)
{
    switch (x->subtype) {
    case NXAST_RESUBMIT:
    case NXAST_RESUBMIT_TABLE:
        return decode_resubmit(r, x);
    case NXAST_REG_MOVE:
        return decode_move(r, x, e);
    case NXAST_REG_LOAD:
        return decode_load(r, x, e);
    case NXAST_REG_LOAD2:
        return decode_load2(r, x, e);
    case NXAST_SET_TUNNEL:
    case NXAST_SET_TUNNEL64:
        return decode_tunnel(r, x);
    case NXAST_STACK_PUSH:
    case NXAST_STACK_POP:
        return decode_stack(r, x, e);
    case NXAST_OUTPUT_REG:
    case NXAST_OUTPUT_REG2:
        return decode_output_reg(r, x, e);
    case NXAST_MULTIPATH:
        return decode_multipath(r, x, e);
    case NXAST_BUNDLE:
    case NXAST_BUNDLE_LOAD:
        return decode_bundle(r, x, e);
    case NXAST_CONTROLLER:
    case NXAST_CONTROLLER2:
        return decode_controller(r, x, e);
    case NXAST_CONJUNCTION:
        return decode_conjunction(r, x, e);
    case NXAST_CHECK_PKT_LARGER:
        return decode_larger(r, x, e);
    default:
        return decode_rest(r, x, e);
    }
}

/* What this switch runs today. */
static bool is_offered(uint16_t subtype)
{
    switch (subtype) {
    case NXAST_CONJUNCTION:
    case NXAST_CLONE:
    case NXAST_FIN_TIMEOUT:
        return false;
    default:
        return why_not(subtype)[0] == 'u';
    }
}

int ofw_nx_decode(struct ofw_nx *x, struct ofw_error *e)
{
    uint16_t len = x->len;
    struct reader r = reader_of(x->bytes, len);
    memset(x, 0, offsetof(struct ofw_nx, len));
    read_skip(&r, 4);
    if (read_u32(&r) != NX_VENDOR)
        return bad_action(e, OFPBAC_BAD_EXPERIMENTER, "unknown experimenter");
    x->subtype = read_u16(&r);
    if (r.bad || len < 16)
        return bad_action(e, OFPBAC_BAD_LEN, "wrong length of a Nicira action");
    if (!is_offered(x->subtype))
        return bad_action(e, OFPBAC_BAD_EXP_TYPE, why_not(x->subtype));
    if (decode_body(&r, x, e) < 0)
        return -1;
    return r.bad ? bad_action(e, OFPBAC_BAD_LEN, "wrong length of a Nicira action") : 0;
}
