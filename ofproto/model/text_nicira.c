/* Nicira's actions from text, as in ovs-actions(7): each becomes the bytes of its action. */
#include "ofproto/model/text.h"
#include "ofproto/wire/nicira.h"

#include <errno.h>

enum { NOTE_ROOM = 6, WHOLE_PORT = 0xffff };

static int refuse(const struct text *t, const struct pair *p, const char *expected)
{
    return errbuf_set(t->e, EINVAL, "%.*s: expected %s", WORD_ARG(p->whole), expected);
}

/* ---- building an action ---- */

struct building {
    uint8_t bytes[OFW_NX_MAX];
    struct writer w;
};

static void begin(struct building *b, uint16_t subtype)
{
    b->w = writer_of(b->bytes, sizeof b->bytes);
    write_u16(&b->w, OFPAT_EXPERIMENTER);
    write_u16(&b->w, 0);
    write_u32(&b->w, NX_VENDOR);
    write_u16(&b->w, subtype);
}

/* Judged as if it had come from a controller. */
static int end(const struct text *t, const struct pair *p, struct building *b)
{
    struct ofw_nx x;
    struct ofw_error e = {0};
    write_pad(&b->w, 0, 8);
    write_patch_u16(&b->w, 2, (uint16_t)b->w.len);
    if (b->w.bad)
        return errbuf_set(t->e, EINVAL, "%.*s: longer than %d bytes", WORD_ARG(p->whole),
                          OFW_NX_MAX);
    x.len = (uint16_t)b->w.len;
    memcpy(x.bytes, b->bytes, b->w.len);
    if (ofw_nx_decode(&x, &e) < 0)
        return errbuf_set(t->e, EINVAL, "%.*s: %s (%s)", WORD_ARG(p->whole), e.why,
                          ofw_error_name(e.type, e.code));
    if (t->arena->n < TEXT_ACTIONS_MAX && ofw_nx_put(t->arena, b->bytes, b->w.len))
        return 0;
    return errbuf_set(t->e, EINVAL, "%.*s: more than %d actions", WORD_ARG(p->whole),
                      TEXT_ACTIONS_MAX);
}

static void write_field(struct writer *w, const struct nxm_field *f)
{
    write_u16(w, f->oxm_class);
    write_u8(w, (uint8_t)(f->number << 1));
    write_u8(w, f->bytes);
}

static void write_ofs_nbits(struct writer *w, const struct nx_sub *s)
{
    write_u16(w, (uint16_t)(s->ofs << 6 | (s->n_bits - 1)));
}

static int plain(const struct text *t, const struct pair *p, uint16_t subtype)
{
    struct building b;
    if (p->has_value && p->value.n)
        return errbuf_set(t->e, EINVAL, "%.*s: it takes no value", WORD_ARG(p->whole));
    begin(&b, subtype);
    write_zeros(&b.w, 6);
    return end(t, p, &b);
}

/* ---- subfields ---- */

bool text_sub(struct word w, const struct flow_match *m, struct nx_sub *out)
{
    struct word name, range, first, last;
    uint64_t a, z;
    enum flow_field f;
    bool ranged = word_split(w, "[", &name, &range);
    out->f = nxm_named(name.s, name.n);
    if (!out->f && word_is(name, "vlan_tci"))
        out->f = nxm_named("NXM_OF_VLAN_TCI", 15);
    if (!out->f && text_field(name, m, &f))
        out->f = nxm_of_field(f);
    if (!out->f)
        return false;
    out->ofs = 0;
    out->n_bits = out->f->bits;
    if (!ranged)
        return true;
    if (!range.n || range.s[range.n - 1] != ']')
        return false;
    if (--range.n == 0)
        return true;
    bool two = word_split(range, "..", &first, &last);
    if (!word_number(first, 255, &a) || (two && !word_number(last, 255, &z)))
        return false;
    z = two ? z : a;
    if (z < a || z >= out->f->bits)
        return false;
    out->ofs = (uint16_t)a;
    out->n_bits = (uint16_t)(z - a + 1);
    return true;
}

static int need_sub(const struct text *t, const struct pair *p, struct word w,
                    const struct flow_match *m, struct nx_sub *out)
{
    if (text_sub(w, m, out))
        return 0;
    return errbuf_set(t->e, EINVAL,
                      "%.*s: \"%.*s\" is not a field or bits of one, as reg0[0..15] or "
                      "NXM_OF_ETH_SRC[]",
                      WORD_ARG(p->whole), WORD_ARG(w));
}

static int parse_move(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct building b;
    struct word from, to;
    struct nx_sub src, dst;
    if (!word_split(p->value, "->", &from, &to))
        return refuse(t, p, "move:FIELD[BITS]->FIELD[BITS]");
    if (need_sub(t, p, from, m, &src) < 0 || need_sub(t, p, to, m, &dst) < 0)
        return -EINVAL;
    if (src.n_bits != dst.n_bits)
        return errbuf_set(t->e, EINVAL, "%.*s: %u bits to %u", WORD_ARG(p->whole), src.n_bits,
                          dst.n_bits);
    begin(&b, NXAST_REG_MOVE);
    write_u16(&b.w, src.n_bits);
    write_u16(&b.w, src.ofs);
    write_u16(&b.w, dst.ofs);
    write_field(&b.w, src.f);
    write_field(&b.w, dst.f);
    return end(t, p, &b);
}

static int parse_load(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct building b;
    struct word value, to;
    struct nx_sub dst;
    uint64_t v;
    if (!word_split(p->value, "->", &value, &to) || !word_number(value, UINT64_MAX, &v))
        return refuse(t, p, "load:NUMBER->FIELD[BITS]");
    if (need_sub(t, p, to, m, &dst) < 0)
        return -EINVAL;
    if (dst.n_bits > 64)
        return refuse(t, p, "at most 64 bits; see set_field");
    begin(&b, NXAST_REG_LOAD);
    write_ofs_nbits(&b.w, &dst);
    write_field(&b.w, dst.f);
    write_u64(&b.w, v);
    return end(t, p, &b);
}

int text_load_masked(const struct text *t, const struct pair *p, enum flow_field f,
                     const uint8_t *value, const uint8_t *mask)
{
    struct building b;
    const struct nxm_field *nxm = nxm_of_field(f);
    unsigned n = flow_fields[f].bytes;
    begin(&b, NXAST_REG_LOAD2);
    write_u16(&b.w, nxm->oxm_class);
    write_u8(&b.w, (uint8_t)(nxm->number << 1 | 1));
    write_u8(&b.w, (uint8_t)(2 * n));
    for (unsigned i = 0; i < n; i++)
        write_u8(&b.w, value[i] & mask[i]);
    write_bytes(&b.w, mask, n);
    return end(t, p, &b);
}

static int parse_stack(const struct text *t, const struct pair *p, const struct flow_match *m,
                       uint16_t subtype)
{
    struct building b;
    struct nx_sub s;
    if (need_sub(t, p, p->value, m, &s) < 0)
        return -EINVAL;
    begin(&b, subtype);
    write_u16(&b.w, s.ofs);
    write_field(&b.w, s.f);
    write_u16(&b.w, s.n_bits);
    return end(t, p, &b);
}

int text_output_sub(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct building b;
    struct nx_sub s;
    if (need_sub(t, p, p->value, m, &s) < 0)
        return -EINVAL;
    begin(&b, NXAST_OUTPUT_REG);
    write_ofs_nbits(&b.w, &s);
    write_field(&b.w, s.f);
    write_u16(&b.w, WHOLE_PORT);
    write_zeros(&b.w, 6);
    return end(t, p, &b);
}

/* ---- resubmit ---- */

/* "resubmit:PORT", "resubmit([PORT],[TABLE])" */
static int parse_resubmit(const struct text *t, const struct pair *p)
{
    struct building b;
    struct word port, table;
    uint32_t no = OFPP_IN_PORT;
    uint64_t id = 255;
    bool both = word_split(p->value, ",", &port, &table);
    if (!p->has_value || p->unclosed || (port.n && !text_port(t, port, &no)) ||
        (both && table.n && !word_number(table, WEFT_TABLES - 1, &id)))
        return refuse(t, p, "resubmit:PORT, resubmit(,TABLE) or resubmit(PORT,TABLE)");
    bool by_table = id != 255;
    begin(&b, by_table ? NXAST_RESUBMIT_TABLE : NXAST_RESUBMIT);
    write_u16(&b.w, (uint16_t)no);
    write_u8(&b.w, by_table ? (uint8_t)id : 0);
    return end(t, p, &b);
}

/* ---- bytes and numbers ---- */

/* "01.02.03": hex bytes with dots or without. */
static bool write_hex(struct writer *w, struct word hex)
{
    for (size_t i = 0; i < hex.n; i += 2) {
        char two[5] = "0x";
        uint64_t v;
        if (hex.s[i] == '.' && ++i >= hex.n)
            return true;
        if (i + 1 >= hex.n)
            return false;
        memcpy(two + 2, hex.s + i, 2);
        if (!word_number((struct word){.s = two, .n = 4}, 255, &v))
            return false;
        write_u8(w, (uint8_t)v);
    }
    return true;
}

static int parse_note(const struct text *t, const struct pair *p)
{
    struct building b;
    begin(&b, NXAST_NOTE);
    if (!write_hex(&b.w, p->value))
        return refuse(t, p, "note:BYTES in hex, as note:01.02.03");
    if (b.w.len < 16)
        write_zeros(&b.w, 16 - b.w.len);
    return end(t, p, &b);
}

/* Some numbers, separated by commas, each two bytes. */
static int write_numbers(struct writer *w, struct word list)
{
    struct word one, rest = list;
    uint64_t v;
    int n = 0;
    for (bool more = list.n > 0; more; n++) {
        more = word_split(rest, ",", &one, &rest);
        if (!word_number(one, UINT16_MAX, &v))
            return -1;
        write_u16(w, (uint16_t)v);
    }
    return n;
}

static int parse_dec_ttl(const struct text *t, const struct pair *p)
{
    struct building b;
    begin(&b, NXAST_DEC_TTL_IDS);
    write_zeros(&b.w, 6);
    int n = write_numbers(&b.w, p->value);
    if (n <= 0)
        return refuse(t, p, "dec_ttl or dec_ttl(ID,ID...)");
    write_patch_u16(&b.w, 10, (uint16_t)n);
    return end(t, p, &b);
}

/* ---- multipath, bundle ---- */

static const char *const hash_names[NX_HASH_FIELDS] = {"eth_src",        "symmetric_l4",
                                                       "symmetric_l3l4", "symmetric_l3l4+udp",
                                                       "nw_src",         "nw_dst",
                                                       "symmetric_l3"};
static const char *const mp_names[] = {"modulo_n", "hash_threshold", "hrw", "iter_hash"};
static const char *const bd_names[] = {"active_backup", "hrw"};

const char *text_hash_name(unsigned v) { return hash_names[v]; }
const char *text_multipath_name(unsigned v) { return mp_names[v]; }
const char *text_bundle_name(unsigned v) { return bd_names[v]; }

static int named(const char *const *names, unsigned n, struct word w)
{
    for (unsigned i = 0; i < n; i++)
        if (word_is(w, names[i]))
            return (int)i;
    return -1;
}

/* The next of a list with commas, blanks around it left out. */
static struct word next_arg(struct word *rest)
{
    struct word one, after;
    word_split(*rest, ",", &one, &after);
    *rest = after;
    while (one.n && one.s[0] == ' ') {
        one.s++;
        one.n--;
    }
    return one;
}

static int parse_multipath(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct building b;
    struct word rest = p->value;
    struct nx_sub dst;
    uint64_t basis = 0, links = 0, arg = 0;
    int fields = named(hash_names, NX_HASH_FIELDS, next_arg(&rest));
    bool ok = word_number(next_arg(&rest), UINT16_MAX, &basis);
    int algorithm = named(mp_names, 4, next_arg(&rest));
    ok = ok && word_number(next_arg(&rest), UINT16_MAX + 1, &links) && links > 0;
    ok = ok && word_number(next_arg(&rest), UINT32_MAX, &arg);
    if (!ok || fields < 0 || algorithm < 0)
        return refuse(t, p, "multipath(FIELDS,BASIS,ALGORITHM,LINKS,ARG,FIELD[BITS])");
    if (need_sub(t, p, next_arg(&rest), m, &dst) < 0)
        return -EINVAL;
    begin(&b, NXAST_MULTIPATH);
    write_u16(&b.w, (uint16_t)fields);
    write_u16(&b.w, (uint16_t)basis);
    write_zeros(&b.w, 2);
    write_u16(&b.w, (uint16_t)algorithm);
    write_u16(&b.w, (uint16_t)(links - 1));
    write_u32(&b.w, (uint32_t)arg);
    write_zeros(&b.w, 2);
    write_ofs_nbits(&b.w, &dst);
    write_field(&b.w, dst.f);
    return end(t, p, &b);
}

/* The first of "members:4", "slaves:4". */
static bool members_of(struct word *rest)
{
    struct word left, right;
    bool ok = word_split(*rest, ":", &left, &right) &&
              (word_is(left, "members") || word_is(left, "slaves"));
    *rest = right;
    return ok;
}

static int parse_bundle(const struct text *t, const struct pair *p, const struct flow_match *m,
                        uint16_t subtype)
{
    static const struct nxm_field none;
    struct building b;
    struct word rest = p->value;
    struct nx_sub dst = {.f = &none, .n_bits = 1};
    uint64_t basis = 0;
    int fields = named(hash_names, NX_HASH_FIELDS, next_arg(&rest));
    bool ok = word_number(next_arg(&rest), UINT16_MAX, &basis);
    int algorithm = named(bd_names, 2, next_arg(&rest));
    ok = ok && word_is(next_arg(&rest), "ofport");
    if (ok && subtype == NXAST_BUNDLE_LOAD && need_sub(t, p, next_arg(&rest), m, &dst) < 0)
        return -EINVAL;
    if (!ok || fields < 0 || algorithm < 0 || !members_of(&rest))
        return refuse(t, p, "bundle(FIELDS,BASIS,ALGORITHM,ofport,members:PORT,PORT...)");
    begin(&b, subtype);
    write_u16(&b.w, (uint16_t)algorithm);
    write_u16(&b.w, (uint16_t)fields);
    write_u16(&b.w, (uint16_t)basis);
    write_u32(&b.w, 2); /* NXM_OF_IN_PORT: members are ports */
    write_u16(&b.w, 0);
    write_u16(&b.w, (uint16_t)(subtype == NXAST_BUNDLE ? 0 : dst.ofs << 6 | (dst.n_bits - 1)));
    write_field(&b.w, dst.f);
    write_zeros(&b.w, 4);
    int n = write_numbers(&b.w, rest);
    write_patch_u16(&b.w, 20, (uint16_t)n);
    return n < 0 ? refuse(t, p, "members by number") : end(t, p, &b);
}

/* ---- check_pkt_larger, controller ---- */

static int parse_larger(const struct text *t, const struct pair *p, const struct flow_match *m)
{
    struct building b;
    struct nx_sub dst;
    uint64_t len;
    if (p->unclosed || !word_number(p->value, UINT16_MAX, &len) || !p->tail.n)
        return refuse(t, p, "check_pkt_larger(BYTES)->FIELD[BIT]");
    if (need_sub(t, p, p->tail, m, &dst) < 0)
        return -EINVAL;
    if (dst.n_bits != 1)
        return refuse(t, p, "one bit, as reg0[0]");
    begin(&b, NXAST_CHECK_PKT_LARGER);
    write_u16(&b.w, (uint16_t)len);
    write_u16(&b.w, dst.ofs);
    write_field(&b.w, dst.f);
    write_zeros(&b.w, 6);
    return end(t, p, &b);
}

static const char *const reasons[] = {"no_match", "action", "invalid_ttl"};
const char *text_reason_name(unsigned v) { return v < 3 ? reasons[v] : "unknown"; }

static void property(struct writer *w, uint16_t type, uint64_t v, unsigned bytes)
{
    size_t at = w->len;
    write_u16(w, type);
    write_u16(w, (uint16_t)(4 + bytes));
    for (unsigned i = bytes; i > 0; i--)
        write_u8(w, (uint8_t)(v >> 8 * (i - 1)));
    write_pad(w, at, 8);
}

static bool userdata(struct writer *w, struct word hex)
{
    size_t at = w->len;
    write_u16(w, 3);
    write_u16(w, 0);
    bool ok = write_hex(w, hex);
    write_patch_u16(w, at + 2, (uint16_t)(w->len - at));
    write_pad(w, at, 8);
    return ok;
}

int text_controller(const struct text *t, const struct pair *p)
{
    struct building b;
    struct word rest = p->value, hex = {.s = NULL};
    struct pair o;
    uint64_t len = OFPCML_NO_BUFFER, id = 0, ignored;
    int reason = OFPR_ACTION;
    while (word_next(&rest, &o)) {
        bool ok = false;
        if (word_is(o.key, "max_len"))
            ok = word_number(o.value, OFPCML_NO_BUFFER, &len);
        else if (word_is(o.key, "id"))
            ok = word_number(o.value, UINT16_MAX, &id);
        else if (word_is(o.key, "reason"))
            ok = (reason = named(reasons, 3, o.value)) >= 0;
        else if (word_is(o.key, "userdata"))
            ok = (hex = o.value).n > 0;
        else if (word_is(o.key, "meter_id") && word_number(o.value, UINT32_MAX, &ignored))
            return errbuf_set(t->e, EINVAL, "%.*s: meter_id is not supported", WORD_ARG(p->whole));
        if (!ok)
            return refuse(t, p, "controller(max_len=N,reason=R,id=N,userdata=HEX)");
    }
    begin(&b, hex.n ? NXAST_CONTROLLER2 : NXAST_CONTROLLER);
    if (!hex.n) {
        write_u16(&b.w, (uint16_t)len);
        write_u16(&b.w, (uint16_t)id);
        write_u8(&b.w, (uint8_t)reason);
        return end(t, p, &b);
    }
    write_zeros(&b.w, 6);
    property(&b.w, 0, len, 2);
    property(&b.w, 1, id, 2);
    property(&b.w, 2, (uint64_t)reason, 1);
    return userdata(&b.w, hex) ? end(t, p, &b) : refuse(t, p, "userdata in hex, as 01.02.03");
}

/* ---- any ---- */

int text_nicira(const struct text *t, uint16_t subtype, const struct pair *p,
                const struct flow_match *m)
{
    switch (subtype) {
    case NXAST_RESUBMIT:
        return parse_resubmit(t, p);
    case NXAST_REG_MOVE:
        return parse_move(t, p, m);
    case NXAST_REG_LOAD:
        return parse_load(t, p, m);
    case NXAST_STACK_PUSH:
    case NXAST_STACK_POP:
        return parse_stack(t, p, m, subtype);
    case NXAST_NOTE:
        return parse_note(t, p);
    case NXAST_DEC_TTL_IDS:
        return parse_dec_ttl(t, p);
    case NXAST_MULTIPATH:
        return parse_multipath(t, p, m);
    case NXAST_BUNDLE:
    case NXAST_BUNDLE_LOAD:
        return parse_bundle(t, p, m, subtype);
    case NXAST_CHECK_PKT_LARGER:
        return parse_larger(t, p, m);
    default:
        return plain(t, p, subtype);
    }
}
