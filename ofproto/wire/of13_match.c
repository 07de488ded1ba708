/* ofp_match and its OXM TLVs (1.3.5, 7.2.3). */
#include "ofproto/wire/nicira.h"
#include "ofproto/wire/wire.h"

/* ONFOXM_ET_TCP_FLAGS: the field of 1.5, offered to 1.3 by the ONF under its own experimenter. */
enum { OXM_CLASS_EXPERIMENTER = 0xffff, ONF_TCP_FLAGS = 42 };

static bool all_are(const uint8_t *p, size_t n, uint8_t what)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != what)
            return false;
    return true;
}

/* All significant bits set: bits above the field's width say nothing. */
static bool mask_is_full(enum flow_field f, const uint8_t *mask)
{
    unsigned n = flow_fields[f].bytes, spare = n * 8u - flow_fields[f].bits;
    unsigned whole = (spare + 7) / 8;
    if (!all_are(mask + whole, n - whole, 0xff))
        return false;
    uint8_t top = (uint8_t)(0xff >> spare % 8);
    return spare % 8 == 0 || (mask[whole - 1] & top) == top;
}

static void mask_trim(enum flow_field f, uint8_t *mask)
{
    unsigned spare = flow_fields[f].bytes * 8u - flow_fields[f].bits;
    for (; spare >= 8; spare -= 8)
        *mask++ = 0;
    *mask = (uint8_t)(*mask & 0xff >> spare);
}

/* Table 13: no tag (0), any tag (PRESENT/PRESENT), or VID | PRESENT. A value that
 * asks for both no tag and a VID is nonsense; one that asks for no tag is OFPVID_NONE
 * whatever else its mask covers. */
static int vlan_canonical(uint8_t *value, uint8_t *mask, struct ofw_error *e)
{
    const uint8_t present = FLOW_VID_PRESENT >> 8;
    if (!(mask[0] & present) || (value[0] & present))
        return 0;
    if (value[0] | value[1])
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_VALUE, "vlan_vid without OFPVID_PRESENT");
    mask[0] = mask[1] = 0xff;
    return 0;
}

struct tlv {
    enum flow_field f;
    uint8_t value[16], mask[16];
};

static int tlv_masked(struct reader *r, struct tlv *t, struct ofw_error *e)
{
    unsigned n = flow_fields[t->f].bytes;
    if (!ofw_field_maskable(t->f))
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_MASK, "the field takes no mask");
    read_into(r, t->mask, n);
    for (unsigned i = 0; i < n; i++)
        if (t->value[i] & ~t->mask[i])
            return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_WILDCARDS, "value bit outside mask");
    if (mask_is_full(t->f, t->mask))
        memset(t->mask, 0xff, n);
    else
        mask_trim(t->f, t->mask);
    return 0;
}

static bool field_of(struct reader *r, uint16_t oxm_class, uint8_t number, uint8_t *len,
                     enum flow_field *f)
{
    if (oxm_class == OXM_CLASS_EXPERIMENTER) {
        *f = FF_TCP_FLAGS;
        *len = (uint8_t)(*len - 4);
        return number == ONF_TCP_FLAGS && r->left >= 4 && read_u32(r) == ONF_VENDOR;
    }
    return oxm_field(oxm_class, number, f);
}

/* One OXM TLV, its header and payload checked against the field table. */
static int tlv_decode(struct reader *r, struct tlv *t, struct ofw_error *e)
{
    uint16_t oxm_class = read_u16(r);
    uint8_t number = read_u8(r), len = read_u8(r);
    bool hasmask = number & 1;
    if (r->bad || r->left < len)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "OXM past the end of the match");
    number >>= 1;
    if (!field_of(r, oxm_class, number, &len, &t->f))
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_FIELD, "unknown OXM class or field");
    unsigned n = flow_fields[t->f].bytes;
    if (hasmask && !ofw_field_maskable(t->f))
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_MASK, "the field takes no mask");
    if (len != (hasmask ? 2 * n : n))
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "wrong OXM length for the field");
    read_into(r, t->value, n);
    if (!oxm_fits(t->f, t->value))
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_VALUE, "value wider than the field");
    memset(t->mask, 0xff, n);
    if (hasmask && tlv_masked(r, t, e) < 0)
        return -1;
    return t->f == FF_VLAN_VID ? vlan_canonical(t->value, t->mask, e) : 0;
}

/* Fields in wire order: what a field requires must have come before it (7.2.3.6). */
static int tlvs_decode(struct reader *r, struct flow_match *out, struct ofw_error *e)
{
    bool seen[FF_ALL] = {false};
    while (r->left > 0) {
        struct tlv t = {0};
        if (tlv_decode(r, &t, e) < 0)
            return -1;
        if (seen[t.f])
            return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_DUP_FIELD, "field given twice");
        seen[t.f] = true;
        if (!ofw_field_prereq_ok(t.f, out))
            return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_PREREQ, flow_fields[t.f].name);
        flow_match_set(out, t.f, t.value, t.mask);
    }
    return 0;
}

int ofw_match_decode(struct reader *r, struct flow_match *out, struct ofw_error *e)
{
    memset(out, 0, sizeof *out);
    uint16_t type = read_u16(r), len = read_u16(r);
    if (r->bad)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "no room for ofp_match");
    if (type != OFPMT_OXM)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_TYPE, "match type is not OFPMT_OXM");
    if (len < 4 || ofw_round8(len) - 4 > r->left)
        return ofw_refuse(e, OFPET_BAD_MATCH, OFPBMC_BAD_LEN, "wrong length of ofp_match");
    struct reader fields = read_sub(r, len - 4u);
    read_skip(r, ofw_round8(len) - len);
    return tlvs_decode(&fields, out, e);
}

static void tlv_encode(struct writer *w, enum flow_field f, const struct flow_match *m)
{
    unsigned n = flow_fields[f].bytes;
    const uint8_t *mask = flow_slot_const(&m->mask, f);
    bool partial = !mask_is_full(f, mask);
    oxm_header_write(w, f, partial);
    write_bytes(w, flow_slot_const(&m->key, f), n);
    if (partial)
        write_bytes(w, mask, n);
}

void ofw_match_encode(struct writer *w, const struct flow_match *m)
{
    enum flow_field fields[FF_COUNT];
    unsigned n = ofw_match_fields(m, fields);
    size_t at = w->len;
    write_u16(w, OFPMT_OXM);
    write_u16(w, 0);
    for (unsigned i = 0; i < n; i++)
        tlv_encode(w, fields[i], m);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    write_pad(w, at, 8);
}
