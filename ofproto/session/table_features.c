/* OFPMP_TABLE_FEATURES, read-only: all tables can do the same (1.3.5, 7.3.5.5). */
#include "ofproto/session/priv.h"

#include <stdio.h>

enum {
    OFPTFPT_INSTRUCTIONS = 0,
    OFPTFPT_INSTRUCTIONS_MISS = 1,
    OFPTFPT_NEXT_TABLES = 2,
    OFPTFPT_NEXT_TABLES_MISS = 3,
    OFPTFPT_WRITE_ACTIONS = 4,
    OFPTFPT_WRITE_ACTIONS_MISS = 5,
    OFPTFPT_APPLY_ACTIONS = 6,
    OFPTFPT_APPLY_ACTIONS_MISS = 7,
    OFPTFPT_MATCH = 8,
    OFPTFPT_WILDCARDS = 10,
    OFPTFPT_WRITE_SETFIELD = 12,
    OFPTFPT_WRITE_SETFIELD_MISS = 13,
    OFPTFPT_APPLY_SETFIELD = 14,
    OFPTFPT_APPLY_SETFIELD_MISS = 15,
};

struct features {
    uint8_t table;
    uint32_t max;
};

static size_t property_begin(struct writer *w, uint16_t type)
{
    size_t at = w->len;
    write_u16(w, type);
    write_u16(w, 0);
    return at;
}

/* The length leaves the padding out. */
static void property_end(struct writer *w, size_t at)
{
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    write_pad(w, at, 8);
}

static void write_instructions(struct writer *w, uint16_t type, uint8_t table)
{
    size_t at = property_begin(w, type);
    for (uint16_t i = table + 1 < WEFT_TABLES ? 1 : 2; i <= 6; i++) { /* GOTO_TABLE..METER */
        write_u16(w, i);
        write_u16(w, 4);
    }
    property_end(w, at);
}

static void write_next(struct writer *w, uint16_t type, uint8_t table)
{
    size_t at = property_begin(w, type);
    for (unsigned i = table + 1u; i < WEFT_TABLES; i++)
        write_u8(w, (uint8_t)i);
    property_end(w, at);
}

static const uint8_t actions[] = {
    OFPAT_OUTPUT,       OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN, OFPAT_SET_MPLS_TTL,
    OFPAT_DEC_MPLS_TTL, OFPAT_PUSH_VLAN,    OFPAT_POP_VLAN,    OFPAT_PUSH_MPLS,
    OFPAT_POP_MPLS,     OFPAT_GROUP,        OFPAT_SET_NW_TTL,  OFPAT_DEC_NW_TTL,
    OFPAT_SET_FIELD,    OFPAT_PUSH_PBB,     OFPAT_POP_PBB,     OFPAT_SET_QUEUE,
};

uint32_t table_features_actions(void)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < sizeof actions; i++)
        bits |= 1u << actions[i];
    return bits;
}

static void write_actions(struct writer *w, uint16_t type)
{
    size_t at = property_begin(w, type);
    for (unsigned i = 0; i < sizeof actions; i++) {
        write_u16(w, actions[i]);
        write_u16(w, 4);
    }
    property_end(w, at);
}

static bool any_field(enum flow_field f)
{
    (void)f;
    return true;
}

static void write_fields(struct writer *w, uint16_t type, bool (*takes)(enum flow_field f),
                         bool masks)
{
    size_t at = property_begin(w, type);
    for (unsigned i = 0; i < FF_OXM_COUNT; i++) {
        enum flow_field f = (enum flow_field)i;
        unsigned mask = masks && ofw_field_maskable(f);
        if (!takes(f))
            continue;
        write_u16(w, 0x8000);
        write_u8(w, (uint8_t)(i << 1 | mask));
        write_u8(w, (uint8_t)(flow_fields[i].bytes << mask));
    }
    property_end(w, at);
}

static void encode(struct reply *r, const void *entry)
{
    struct writer *w = &r->w;
    const struct features *f = entry;
    size_t at = w->len;
    char name[32] = "";
    write_u16(w, 0);
    write_u8(w, f->table);
    write_zeros(w, 5);
    snprintf(name, sizeof name, "table%u", f->table);
    write_bytes(w, name, sizeof name);
    write_u64(w, UINT64_MAX); /* metadata to match, and to write */
    write_u64(w, UINT64_MAX);
    write_u32(w, 0); /* config */
    write_u32(w, f->max);
    for (uint16_t miss = 0; miss < 2; miss++) {
        write_instructions(w, OFPTFPT_INSTRUCTIONS + miss, f->table);
        write_next(w, OFPTFPT_NEXT_TABLES + miss, f->table);
        write_actions(w, OFPTFPT_WRITE_ACTIONS + miss);
        write_actions(w, OFPTFPT_APPLY_ACTIONS + miss);
        write_fields(w, OFPTFPT_WRITE_SETFIELD + miss, ofw_field_settable, false);
        write_fields(w, OFPTFPT_APPLY_SETFIELD + miss, ofw_field_settable, false);
    }
    write_fields(w, OFPTFPT_MATCH, any_field, true);
    write_fields(w, OFPTFPT_WILDCARDS, any_field, false);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void table_features_reply(struct ofs *s, uint32_t xid)
{
    struct reply r = reply_begin(s, xid, OFPMP_TABLE_FEATURES);
    for (unsigned i = 0; i < WEFT_TABLES; i++) {
        struct features f = {.table = (uint8_t)i};
        f.max = ofm_table(s->host.model, f.table).max;
        reply_add(&r, encode, &f);
    }
    reply_end(&r, false);
}
