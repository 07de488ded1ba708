/* 1.5's actions and instructions (1.5.1, 7.2.4 to 7.2.6) turned into bytes of 1.3's, which its
 * decoder reads: a meter becomes the instruction, copy-field and a masked set-field Nicira's move
 * and load. */
#include "ofproto/wire/of15.h"
#include "ofproto/wire/wire.h"

enum {
    OFPIT_APPLY_ACTIONS = 4,
    OFPIT_METER = 6,
    OFPIT_STAT_TRIGGER = 7,
    OFPAT15_COPY_FIELD = 28,
    OFPAT15_METER = 29,
    NXAST_REG_MOVE = 6,
    NXAST_REG_LOAD2 = 33,
    FLOW_MOD_BYTES = 40, /* before the match */
};

struct translation {
    struct writer w;
    bool has_meter;
    uint32_t meter;
};

static void nicira_head(struct writer *w, uint16_t len, uint16_t subtype)
{
    write_u16(w, OFPAT_EXPERIMENTER);
    write_u16(w, len);
    write_u32(w, NX_EXPERIMENTER);
    write_u16(w, subtype);
}

/* r: after type and length. */
static void put_copy(struct writer *w, struct reader *r)
{
    uint16_t bits = read_u16(r), from = read_u16(r), to = read_u16(r);
    read_skip(r, 2);
    uint32_t src = read_u32(r), dst = read_u32(r);
    nicira_head(w, 24, NXAST_REG_MOVE);
    write_u16(w, bits);
    write_u16(w, from);
    write_u16(w, to);
    write_u32(w, src);
    write_u32(w, dst);
}

static void put_masked(struct writer *w, struct reader *r)
{
    size_t at = w->len, tlv = 4u + r->p[3];
    const uint8_t *p = read_bytes(r, tlv);
    nicira_head(w, 0, NXAST_REG_LOAD2);
    if (p)
        write_bytes(w, p, tlv);
    write_pad(w, at, 8);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

/* r: one action. first: of an Apply-Actions list. */
static int put_action(struct translation *t, struct reader *r, bool first, struct ofw_error *e)
{
    struct reader a = *r;
    uint16_t type = read_u16(&a), len = read_u16(&a);
    if (a.bad || len < 8 || len % 8 || len > r->left)
        return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_BAD_LEN, "wrong length of an action");
    struct reader body = read_sub(&a, len - 4u);
    if (type == OFPAT15_METER) {
        if (!first || t->has_meter || len != 8)
            return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_UNSUPPORTED_ORDER,
                              "one meter, and first in the list");
        t->has_meter = true;
        t->meter = read_u32(&body);
    } else if (type == OFPAT15_COPY_FIELD && len == 24) {
        put_copy(&t->w, &body);
    } else if (type == OFPAT_SET_FIELD && (body.p[2] & 1) && 4u + body.p[3] <= body.left) {
        put_masked(&t->w, &body);
    } else {
        write_bytes(&t->w, r->p, len);
    }
    read_skip(r, len);
    return 0;
}

static int put_actions(struct translation *t, struct reader *list, bool apply, struct ofw_error *e)
{
    for (bool first = apply; list->left > 0; first = false)
        if (put_action(t, list, first, e) < 0)
            return -1;
    return 0;
}

int of15_actions_decode(struct reader *r, struct ofw_arena *arena, struct ofw_actions *out,
                        struct ofw_error *e)
{
    uint8_t room[2 * OF_MESSAGE_MAX];
    struct translation t = {.w = writer_of(room, sizeof room)};
    if (put_actions(&t, r, false, e) < 0)
        return -1;
    struct reader as13 = reader_of(room, t.w.len);
    return ofw_actions_decode(&as13, t.w.len, arena, out, e);
}

/* r: one instruction or more. */
static int put_instruction(struct translation *t, struct reader *r, struct ofw_error *e)
{
    struct reader head = *r;
    uint16_t type = read_u16(&head), len = read_u16(&head);
    if (head.bad || len < 8 || len % 8 || len > r->left)
        return ofw_refuse(e, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_LEN,
                          "wrong length of an instruction");
    if (type == OFPIT_STAT_TRIGGER)
        return ofw_refuse(e, OFPET_BAD_INSTRUCTION, OFPBIC_UNSUP_INST, "no statistics triggers");
    if (type != OFPIT_APPLY_ACTIONS && type != OFPIT_APPLY_ACTIONS - 1) {
        write_bytes(&t->w, r->p, len);
        read_skip(r, len);
        return 0;
    }
    struct reader body = read_sub(r, len);
    size_t at = t->w.len;
    write_bytes(&t->w, body.p, 8);
    read_skip(&body, 8);
    if (put_actions(t, &body, type == OFPIT_APPLY_ACTIONS, e) < 0)
        return -1;
    size_t whole = t->w.len - at;
    if (whole > UINT16_MAX)
        return ofw_refuse(e, OFPET_BAD_ACTION, OFPBAC_TOO_MANY, "too many actions");
    write_patch_u16(&t->w, at + 2, (uint16_t)whole);
    return 0;
}

int of15_flow_mod_decode(struct reader r, struct ofw_arena *arena, struct ofw_flow_mod *out,
                         struct ofw_error *e)
{
    uint8_t room[2 * OF_MESSAGE_MAX];
    struct translation t = {.w = writer_of(room, sizeof room)};
    size_t match = FLOW_MOD_BYTES + 4;
    if (r.left < match)
        return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "flow-mod too short");
    size_t head = FLOW_MOD_BYTES + ofw_round8((size_t)(r.p[match - 2] << 8 | r.p[match - 1]));
    if (head > r.left)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "wrong length of ofp_match");
    write_bytes(&t.w, r.p, head);
    read_skip(&r, head);
    while (r.left > 0)
        if (put_instruction(&t, &r, e) < 0)
            return -1;
    if (t.has_meter) {
        write_u16(&t.w, OFPIT_METER);
        write_u16(&t.w, 8);
        write_u32(&t.w, t.meter);
    }
    return ofw_flow_mod_decode(reader_of(room, t.w.len), arena, out, e);
}

/* The meter first, as it is in 1.3. */
void of15_instructions_encode(struct writer *w, const struct ofw_instructions *i)
{
    struct ofw_instructions rest = *i;
    if (i->has_meter) {
        size_t at = w->len;
        write_u16(w, OFPIT_APPLY_ACTIONS);
        write_u16(w, 0);
        write_zeros(w, 4);
        write_u16(w, OFPAT15_METER);
        write_u16(w, 8);
        write_u32(w, i->meter);
        ofw_actions_encode(w, &i->apply);
        write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
        rest.has_meter = rest.has_apply = false;
    }
    ofw_instructions_encode(w, &rest);
}
