/* OFPT_METER_MOD and the multiparts of meters (1.3.5, 7.3.4.4, 7.3.5.10-12). */
#include "ofproto/wire/meter.h"
#include "ofproto/wire/wire.h"

enum {
    BAND_BYTES = 16,
    OFPMF_ALL = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS,
    PREC_MAX = 2, /* AFx1 to AFx3 (RFC 2597) */
};

static int failed(struct ofw_error *e, uint16_t code, const char *why)
{
    return ofw_refuse(e, OFPET_METER_MOD_FAILED, code, why);
}

static int bad_length(struct ofw_error *e)
{
    return ofw_refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, "meter-mod of a wrong length");
}

/* ---- what it means ---- */

static int band_ok(const struct ofw_band *b, struct ofw_error *e)
{
    if (b->type != OFPMBT_DROP && b->type != OFPMBT_DSCP_REMARK)
        return failed(e, OFPMMFC_BAD_BAND, "bands drop or remark DSCP");
    if (b->rate == 0)
        return failed(e, OFPMMFC_BAD_RATE, "a band's rate is not 0");
    if (b->type == OFPMBT_DSCP_REMARK && (b->prec_level == 0 || b->prec_level > PREC_MAX))
        return failed(e, OFPMMFC_BAD_BAND_VALUE, "a drop precedence rises by 1 or 2");
    return 0;
}

static int number_ok(const struct ofw_meter_mod *m, struct ofw_error *e)
{
    bool all = m->command == OFPMC_DELETE && m->id == OFPM_ALL;
    if (!all && (m->id == 0 || m->id > OFPM_MAX))
        return failed(e, OFPMMFC_INVALID_METER, "meter numbers go from 1 to 0xffff0000");
    return 0;
}

int ofw_meter_mod_check(const struct ofw_meter_mod *m, struct ofw_error *e)
{
    const uint16_t units = OFPMF_KBPS | OFPMF_PKTPS;
    if (m->command > OFPMC_DELETE)
        return failed(e, OFPMMFC_BAD_COMMAND, "unknown meter-mod command");
    if (number_ok(m, e) < 0)
        return -1;
    if (m->command == OFPMC_DELETE)
        return 0;
    if ((m->flags & ~OFPMF_ALL) || (m->flags & units) == units)
        return failed(e, OFPMMFC_BAD_FLAGS, "unknown meter flags, or two units");
    for (unsigned i = 0; i < m->n; i++)
        if (band_ok(&m->bands[i], e) < 0)
            return -1;
    return 0;
}

/* ---- decoding ---- */

static int band_decode(struct reader *r, struct ofw_band *b, struct ofw_error *e)
{
    *b = (struct ofw_band){.type = read_u16(r)};
    uint16_t len = read_u16(r);
    if (r->bad || len < 12 || len - 4u > r->left)
        return bad_length(e);
    struct reader body = read_sub(r, len - 4u);
    b->rate = read_u32(&body);
    b->burst = read_u32(&body);
    if (b->type != OFPMBT_DROP && b->type != OFPMBT_DSCP_REMARK)
        return failed(e, OFPMMFC_BAD_BAND, "bands drop or remark DSCP");
    if (len != BAND_BYTES)
        return bad_length(e);
    b->prec_level = b->type == OFPMBT_DSCP_REMARK ? read_u8(&body) : 0;
    return 0;
}

int ofw_meter_mod_decode(struct reader r, struct ofw_band *bands, struct ofw_meter_mod *out,
                         struct ofw_error *e)
{
    *out = (struct ofw_meter_mod){.command = read_u16(&r), .bands = bands};
    out->flags = read_u16(&r);
    out->id = read_u32(&r);
    if (r.bad)
        return bad_length(e);
    if (out->command == OFPMC_DELETE)
        return ofw_meter_mod_check(out, e); /* its bands are ignored */
    while (r.left > 0) {
        if (out->n == WEFT_BANDS_MAX)
            return failed(e, OFPMMFC_OUT_OF_BANDS, "too many bands");
        if (band_decode(&r, &bands[out->n], e) < 0)
            return -1;
        out->n++;
    }
    return ofw_meter_mod_check(out, e);
}

/* ---- encoding ---- */

static void bands_encode(struct writer *w, const struct ofw_band *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        write_u16(w, b[i].type);
        write_u16(w, BAND_BYTES);
        write_u32(w, b[i].rate);
        write_u32(w, b[i].burst);
        write_u8(w, b[i].prec_level);
        write_zeros(w, 3);
    }
}

void ofw_meter_mod_encode(struct writer *w, uint32_t xid, const struct ofw_meter_mod *m)
{
    size_t at = of13_begin(w, OFPT_METER_MOD, xid);
    write_u16(w, m->command);
    write_u16(w, m->flags);
    write_u32(w, m->id);
    bands_encode(w, m->bands, m->n);
    of13_finish(w, at);
}

void ofw_meter_config_encode(struct writer *w, const struct ofw_meter_mod *m)
{
    size_t at = w->len;
    write_u16(w, 0);
    write_u16(w, m->flags);
    write_u32(w, m->id);
    bands_encode(w, m->bands, m->n);
    write_patch_u16(w, at, (uint16_t)(w->len - at));
}

void ofw_meter_stats_encode(struct writer *w, const struct ofw_meter_stats *s)
{
    size_t at = w->len;
    write_u32(w, s->id);
    write_zeros(w, 8);
    write_u32(w, s->flows);
    write_u64(w, s->packets);
    write_u64(w, s->bytes);
    of13_duration_write(w, s->duration_ns);
    for (unsigned i = 0; i < s->n; i++) {
        write_u64(w, s->bands[i].packets);
        write_u64(w, s->bands[i].bytes);
    }
    write_patch_u16(w, at + 4, (uint16_t)(w->len - at));
}

void ofw_meter_features_encode(struct writer *w, const struct ofw_meter_features *f)
{
    write_u32(w, f->max_meter);
    write_u32(w, f->band_types);
    write_u32(w, f->capabilities);
    write_u8(w, f->max_bands);
    write_u8(w, f->max_color);
    write_zeros(w, 2);
}
