/* 1.0's actions (1.0.0, 5.2.4) as 1.3's and back. Experimenters' are 1.3's, to the byte. */
#include "ofproto/wire/of10.h"

#include "ofproto/wire/wire.h"

enum of10_action {
    A10_OUTPUT,
    A10_SET_VLAN_VID,
    A10_SET_VLAN_PCP,
    A10_STRIP_VLAN,
    A10_SET_DL_SRC,
    A10_SET_DL_DST,
    A10_SET_NW_SRC,
    A10_SET_NW_DST,
    A10_SET_NW_TOS,
    A10_SET_TP_SRC,
    A10_SET_TP_DST,
    A10_ENQUEUE,
    A10_VENDOR = 0xffff,
};

enum {
    NXAST_SET_QUEUE = 4,
    NXAST_RESUBMIT_TABLE = 14,
    NXAST_DEC_TTL = 18,
    NXAST_PUSH_MPLS = 23,
    NXAST_POP_MPLS = 24,
    NXAST_SET_MPLS_TTL = 25,
    NXAST_DEC_MPLS_TTL = 26,
    NXAST_REG_LOAD2 = 33,
    EXPERIMENTERS = 0xff00, /* 1.3's types from here on have no number in any standard */
    IP_TCP = 6,
    IP_UDP = 17,
};

static int bad_action(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_BAD_ACTION, code, why);
}

static struct ofw_action *add(struct ofw_arena *arena, uint16_t type)
{
    struct ofw_action *a = arena->n < arena->cap ? &arena->a[arena->n++] : NULL;
    if (a)
        *a = (struct ofw_action){.type = type};
    return a;
}

/* ---- decoding ---- */

static void set_field(struct ofw_arena *arena, enum flow_field f, const void *value)
{
    struct ofw_action *a = add(arena, OFPAT_SET_FIELD);
    if (!a)
        return;
    a->field = (uint8_t)f;
    a->max_len = 1;
    memcpy(a->value, value, flow_fields[f].bytes);
}

/* What is known of a packet's tag on its way through the list. */
enum tag { TAG_MAYBE, TAG_NONE, TAG_SOME };

static enum tag tag_of(const struct flow_match *m)
{
    const be16 present = to_be16(FLOW_VID_PRESENT);
    if (!m || !(m->mask.vlan_vid & present))
        return TAG_MAYBE;
    return m->key.vlan_vid & present ? TAG_SOME : TAG_NONE;
}

static void need_tag(struct ofw_arena *arena, enum tag *tag)
{
    struct ofw_action *a = *tag == TAG_SOME ? NULL : add(arena, OFPAT_PUSH_VLAN);
    if (a) {
        a->ethertype = 0x8100;
        a->max_len = *tag == TAG_MAYBE; /* only where there is none */
    }
    *tag = TAG_SOME;
}

static void strip_tag(struct ofw_arena *arena, enum tag *tag)
{
    struct ofw_action *a = *tag == TAG_NONE ? NULL : add(arena, OFPAT_POP_VLAN);
    if (a)
        a->max_len = *tag == TAG_MAYBE; /* only where there is one */
    *tag = TAG_MAYBE;
}

/* A port of whatever protocol the packet has, when the match doesn't say. */
static void set_l4(struct ofw_arena *arena, const struct flow_match *m, bool dst, const void *value)
{
    uint8_t proto = m ? m->key.ip_proto : 0;
    if (proto != IP_UDP)
        set_field(arena, dst ? FF_TCP_DST : FF_TCP_SRC, value);
    if (proto != IP_TCP)
        set_field(arena, dst ? FF_UDP_DST : FF_UDP_SRC, value);
}

static int output_decode(struct reader *r, struct ofw_arena *arena)
{
    struct ofw_action *a = add(arena, OFPAT_OUTPUT);
    uint16_t port = read_u16(r);
    if (!a)
        return 0;
    a->port = of10_port(port);
    a->max_len = read_u16(r);
    return 0;
}

static void enqueue_decode(struct reader *r, struct ofw_arena *arena)
{
    struct ofw_action *queue = add(arena, OFPAT_SET_QUEUE), *out = add(arena, OFPAT_OUTPUT);
    uint16_t port = read_u16(r);
    read_skip(r, 6);
    if (!queue || !out)
        return;
    queue->port = read_u32(r);
    out->port = of10_port(port);
}

static void vlan_decode(uint16_t type, struct reader *r, struct ofw_arena *arena, enum tag *tag)
{
    uint16_t value = read_u16(r);
    be16 vid = to_be16((uint16_t)((value & 0xfff) | FLOW_VID_PRESENT));
    uint8_t pcp = (uint8_t)(value >> 8 & 7);
    need_tag(arena, tag);
    if (type == A10_SET_VLAN_VID)
        set_field(arena, FF_VLAN_VID, &vid);
    else
        set_field(arena, FF_VLAN_PCP, &pcp);
}

/* r: at least four bytes after the action's header. */
static void body_decode(uint16_t type, struct reader *r, const struct flow_match *m,
                        struct ofw_arena *arena, enum tag *tag)
{
    uint8_t tos;
    switch (type) {
    case A10_OUTPUT:
        output_decode(r, arena);
        break;
    case A10_SET_VLAN_VID:
    case A10_SET_VLAN_PCP:
        vlan_decode(type, r, arena, tag);
        break;
    case A10_STRIP_VLAN:
        strip_tag(arena, tag);
        break;
    case A10_SET_DL_SRC:
    case A10_SET_DL_DST:
        set_field(arena, type == A10_SET_DL_SRC ? FF_ETH_SRC : FF_ETH_DST, r->p);
        break;
    case A10_SET_NW_SRC:
    case A10_SET_NW_DST:
        set_field(arena, type == A10_SET_NW_SRC ? FF_IPV4_SRC : FF_IPV4_DST, r->p);
        break;
    case A10_SET_NW_TOS:
        tos = read_u8(r) >> 2;
        set_field(arena, FF_IP_DSCP, &tos);
        break;
    case A10_ENQUEUE:
        enqueue_decode(r, arena);
        break;
    default:
        set_l4(arena, m, type == A10_SET_TP_DST, r->p);
        break;
    }
}

static size_t length_of(uint16_t type)
{
    if (type == A10_SET_DL_SRC || type == A10_SET_DL_DST || type == A10_ENQUEUE)
        return 16;
    return type < A10_ENQUEUE ? 8 : 0;
}

static int action_decode(struct reader *r, const struct flow_match *m, struct ofw_arena *arena,
                         enum tag *tag, struct ofw_error *e)
{
    struct reader ahead = *r;
    uint16_t type = read_u16(&ahead), len = read_u16(&ahead);
    if (ahead.bad || len < 8 || len % 8 || len > r->left)
        return bad_action(e, OFPBAC_BAD_LEN, "wrong length of an action");
    if (type == A10_VENDOR) {
        struct ofw_actions one;
        return ofw_actions_decode(r, len, arena, &one, e);
    }
    if (!length_of(type))
        return bad_action(e, OFPBAC_BAD_TYPE, "unknown action");
    if (len != length_of(type))
        return bad_action(e, OFPBAC_BAD_LEN, "wrong length for this action");
    if (arena->cap - arena->n < 3)
        return bad_action(e, OFPBAC_TOO_MANY, "more actions than the arena holds");
    struct reader body = read_sub(r, len);
    read_skip(&body, 4);
    body_decode(type, &body, m, arena, tag);
    return 0;
}

int of10_actions_decode(struct reader *r, size_t len, const struct flow_match *m,
                        struct ofw_arena *arena, struct ofw_actions *out, struct ofw_error *e)
{
    enum tag tag = tag_of(m);
    uint32_t start = arena->n;
    *out = (struct ofw_actions){0};
    struct reader list = read_sub(r, len);
    if (list.bad)
        return bad_action(e, OFPBAC_BAD_LEN, "action list past the end of the message");
    while (list.left > 0)
        if (action_decode(&list, m, arena, &tag, e) < 0)
            return -1;
    out->n = (uint16_t)(arena->n - start);
    out->a = out->n ? arena->a + start : NULL;
    return 0;
}

/* ---- encoding ---- */

static void head(struct writer *w, uint16_t type, uint16_t len)
{
    write_u16(w, type);
    write_u16(w, len);
}

static void nicira(struct writer *w, uint16_t subtype, uint16_t arg)
{
    head(w, A10_VENDOR, 16);
    write_u32(w, NX_EXPERIMENTER);
    write_u16(w, subtype);
    write_u16(w, arg);
    write_zeros(w, 4);
}

static void resubmit(struct writer *w, uint8_t table)
{
    head(w, A10_VENDOR, 16);
    write_u32(w, NX_EXPERIMENTER);
    write_u16(w, NXAST_RESUBMIT_TABLE);
    write_u16(w, (uint16_t)OFPP_IN_PORT);
    write_u8(w, table);
    write_zeros(w, 3);
}

/* A field that 1.0 has no action for. */
static void load(struct writer *w, const struct ofw_action *a)
{
    size_t at = w->len;
    head(w, A10_VENDOR, 0);
    write_u32(w, NX_EXPERIMENTER);
    write_u16(w, NXAST_REG_LOAD2);
    oxm_header_write(w, (enum flow_field)a->field, false);
    write_bytes(w, a->value, flow_fields[a->field].bytes);
    write_pad(w, at, 8);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

/* The value first, padding up to the action's end. */
static void plain(struct writer *w, uint16_t type, const uint8_t *value, size_t n)
{
    size_t at = w->len;
    head(w, type, (uint16_t)length_of(type));
    write_bytes(w, value, n);
    write_zeros(w, length_of(type) - (w->len - at));
}

static void set_field_encode(struct writer *w, const struct ofw_action *a)
{
    uint8_t tos = (uint8_t)(a->value[0] << 2), vid[2] = {a->value[0] & 0x0f, a->value[1]};
    switch (a->field) {
    case FF_VLAN_VID:
        plain(w, A10_SET_VLAN_VID, vid, 2);
        break;
    case FF_VLAN_PCP:
        plain(w, A10_SET_VLAN_PCP, a->value, 1);
        break;
    case FF_ETH_SRC:
    case FF_ETH_DST:
        plain(w, a->field == FF_ETH_SRC ? A10_SET_DL_SRC : A10_SET_DL_DST, a->value, 6);
        break;
    case FF_IPV4_SRC:
    case FF_IPV4_DST:
        plain(w, a->field == FF_IPV4_SRC ? A10_SET_NW_SRC : A10_SET_NW_DST, a->value, 4);
        break;
    case FF_IP_DSCP:
        plain(w, A10_SET_NW_TOS, &tos, 1);
        break;
    case FF_TCP_SRC:
    case FF_UDP_SRC:
        plain(w, A10_SET_TP_SRC, a->value, 2);
        break;
    case FF_TCP_DST:
    case FF_UDP_DST:
        plain(w, A10_SET_TP_DST, a->value, 2);
        break;
    default:
        load(w, a);
        break;
    }
}

static void action_encode(struct writer *w, const struct ofw_action *a)
{
    switch (a->type) {
    case OFPAT_OUTPUT:
        head(w, A10_OUTPUT, 8);
        write_u16(w, of10_port_wire(a->port));
        write_u16(w, a->max_len);
        break;
    case OFPAT_SET_FIELD:
        set_field_encode(w, a);
        break;
    case OFPAT_POP_VLAN:
        head(w, A10_STRIP_VLAN, 8);
        write_zeros(w, 4);
        break;
    case OFPAT_DEC_NW_TTL:
        nicira(w, NXAST_DEC_TTL, 0);
        break;
    case OFPAT_PUSH_MPLS:
    case OFPAT_POP_MPLS:
        nicira(w, a->type == OFPAT_PUSH_MPLS ? NXAST_PUSH_MPLS : NXAST_POP_MPLS, a->ethertype);
        break;
    case OFPAT_SET_MPLS_TTL:
        nicira(w, NXAST_SET_MPLS_TTL, (uint16_t)(a->ttl << 8));
        break;
    case OFPAT_DEC_MPLS_TTL:
        nicira(w, NXAST_DEC_MPLS_TTL, 0);
        break;
    default: /* a pushed tag is part of setting it; groups and what else 1.0 doesn't know */
        break;
    }
}

void of10_instructions_encode(struct writer *w, const struct ofw_instructions *in)
{
    const struct ofw_action *a = in->apply.a;
    for (unsigned i = 0, n; i < in->apply.n; i += n) {
        n = 1;
        if (a[i].type < EXPERIMENTERS) {
            action_encode(w, &a[i]);
            continue;
        }
        while (i + n < in->apply.n && a[i + n].type >= EXPERIMENTERS)
            n++;
        struct ofw_actions run = {.n = (uint16_t)n, .a = &a[i]};
        ofw_actions_encode(w, &run);
    }
    if (in->has_goto)
        resubmit(w, in->goto_table);
}
