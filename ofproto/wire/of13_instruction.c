/* Instructions (1.3.5, 7.2.4): each at most once, in any order. */
#include "base/limits.h"
#include "ofproto/wire/wire.h"

enum {
    OFPIT_GOTO_TABLE = 1,
    OFPIT_WRITE_METADATA = 2,
    OFPIT_WRITE_ACTIONS = 3,
    OFPIT_APPLY_ACTIONS = 4,
    OFPIT_CLEAR_ACTIONS = 5,
    OFPIT_METER = 6,
    OFPIT_EXPERIMENTER = 0xffff
};

static int bad_instruction(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_BAD_INSTRUCTION, code, why);
}

static int goto_decode(struct reader *r, struct ofw_instructions *out, struct ofw_error *e)
{
    out->has_goto = true;
    out->goto_table = read_u8(r);
    if (out->goto_table >= WEFT_TABLES)
        return bad_instruction(e, OFPBIC_BAD_TABLE_ID, "goto takes a table up to 253");
    return 0;
}

static void metadata_decode(struct reader *r, struct ofw_instructions *out)
{
    out->has_metadata = true;
    read_skip(r, 4);
    read_into(r, &out->metadata, 8);
    read_into(r, &out->metadata_mask, 8);
    out->metadata &= out->metadata_mask;
}

static int list_decode(struct reader *r, struct ofw_arena *arena, struct ofw_actions *out,
                       struct ofw_error *e)
{
    read_skip(r, 4);
    return ofw_actions_decode(r, r->left, arena, out, e);
}

/* r: one instruction without type and length. */
static int body_decode(uint16_t type, struct reader *r, struct ofw_arena *arena,
                       struct ofw_instructions *out, struct ofw_error *e)
{
    switch (type) {
    case OFPIT_GOTO_TABLE:
        return goto_decode(r, out, e);
    case OFPIT_WRITE_METADATA:
        metadata_decode(r, out);
        return 0;
    case OFPIT_WRITE_ACTIONS:
        out->has_write = true;
        return list_decode(r, arena, &out->write, e);
    case OFPIT_APPLY_ACTIONS:
        out->has_apply = true;
        return list_decode(r, arena, &out->apply, e);
    case OFPIT_CLEAR_ACTIONS:
        out->clear = true;
        return 0;
    default:
        out->has_meter = true;
        out->meter = read_u32(r);
        return 0;
    }
}

static bool length_ok(uint16_t type, uint16_t len)
{
    switch (type) {
    case OFPIT_WRITE_METADATA:
        return len == 24;
    case OFPIT_WRITE_ACTIONS:
    case OFPIT_APPLY_ACTIONS:
        return len >= 8 && len % 8 == 0;
    default:
        return len == 8;
    }
}

static int instruction_decode(struct reader *r, struct ofw_arena *arena, unsigned *seen,
                              struct ofw_instructions *out, struct ofw_error *e)
{
    uint16_t type = read_u16(r), len = read_u16(r);
    if (r->bad || len < 8 || len % 8 || len - 4u > r->left)
        return bad_instruction(e, OFPBIC_BAD_LEN, "wrong length of an instruction");
    if (type == OFPIT_EXPERIMENTER)
        return bad_instruction(e, OFPBIC_BAD_EXPERIMENTER, "unknown experimenter");
    if (type < OFPIT_GOTO_TABLE || type > OFPIT_METER)
        return bad_instruction(e, OFPBIC_UNKNOWN_INST, "unknown instruction");
    if (!length_ok(type, len))
        return bad_instruction(e, OFPBIC_BAD_LEN, "wrong length for this instruction");
    if (*seen >> type & 1)
        return bad_instruction(e, OFPBIC_DUP_INST, "instruction given twice");
    *seen |= 1u << type;
    struct reader body = read_sub(r, len - 4u);
    return body_decode(type, &body, arena, out, e);
}

int ofw_instructions_decode(struct reader *r, struct ofw_arena *arena, struct ofw_instructions *out,
                            struct ofw_error *e)
{
    unsigned seen = 0;
    *out = (struct ofw_instructions){0};
    while (r->left > 0)
        if (instruction_decode(r, arena, &seen, out, e) < 0)
            return -1;
    return 0;
}

static void list_encode(struct writer *w, uint16_t type, const struct ofw_actions *list)
{
    size_t at = w->len;
    write_u16(w, type);
    write_u16(w, 0);
    write_zeros(w, 4);
    ofw_actions_encode(w, list);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
}

static void head_encode(struct writer *w, uint16_t type, uint16_t len)
{
    write_u16(w, type);
    write_u16(w, len);
}

/* In the order in which the switch executes them (5.9). */
void ofw_instructions_encode(struct writer *w, const struct ofw_instructions *i)
{
    if (i->has_meter) {
        head_encode(w, OFPIT_METER, 8);
        write_u32(w, i->meter);
    }
    if (i->has_apply)
        list_encode(w, OFPIT_APPLY_ACTIONS, &i->apply);
    if (i->clear) {
        head_encode(w, OFPIT_CLEAR_ACTIONS, 8);
        write_zeros(w, 4);
    }
    if (i->has_write)
        list_encode(w, OFPIT_WRITE_ACTIONS, &i->write);
    if (i->has_metadata) {
        head_encode(w, OFPIT_WRITE_METADATA, 24);
        write_zeros(w, 4);
        write_bytes(w, &i->metadata, 8);
        write_bytes(w, &i->metadata_mask, 8);
    }
    if (i->has_goto) {
        head_encode(w, OFPIT_GOTO_TABLE, 8);
        write_u8(w, i->goto_table);
        write_zeros(w, 3);
    }
}
