/* Meters as ovs-ofctl writes them (see ovs-ofctl(8), "Meter Syntax"). */
#include "ofproto/model/meter.h"
#include "ofproto/model/text.h"

#include <errno.h>

static int bad_word(struct errbuf *e, const struct pair *p, const char *expected)
{
    return errbuf_set(e, EINVAL, "%.*s: expected %s", WORD_ARG(p->whole), expected);
}

static bool band_type(struct word w, uint16_t *type)
{
    *type = word_is(w, "drop") ? OFPMBT_DROP : OFPMBT_DSCP_REMARK;
    return *type == OFPMBT_DROP || word_is(w, "dscp_remark");
}

/* type= begins a band. */
static int band_word(struct errbuf *e, const struct pair *p, struct ofw_band *bands,
                     struct ofw_meter_mod *out)
{
    struct ofw_band *b = &bands[out->n - (out->n > 0)];
    uint64_t v;
    if (word_is(p->key, "type")) {
        if (out->n == WEFT_BANDS_MAX)
            return errbuf_set(e, EINVAL, "more than %d bands", WEFT_BANDS_MAX);
        b = &bands[out->n];
        *b = (struct ofw_band){0};
        if (!band_type(p->value, &b->type))
            return bad_word(e, p, "type=drop or type=dscp_remark");
        b->prec_level = b->type == OFPMBT_DSCP_REMARK;
        out->n++;
        return 0;
    }
    if (out->n == 0)
        return bad_word(e, p, "type= first in a band");
    if (!word_number(p->value, UINT32_MAX, &v))
        return bad_word(e, p, "a number");
    if (word_is(p->key, "rate"))
        b->rate = (uint32_t)v;
    else if (word_is(p->key, "burst_size"))
        b->burst = (uint32_t)v;
    else if (word_is(p->key, "prec_level") && v <= 255)
        b->prec_level = (uint8_t)v;
    else
        return bad_word(e, p, "type, rate, burst_size or prec_level");
    return 0;
}

static bool flag_of(struct word w, uint16_t *flag)
{
    static const char *const names[] = {"kbps", "pktps", "burst", "stats"};
    for (unsigned i = 0; i < 4; i++)
        if (word_is(w, names[i])) {
            *flag = (uint16_t)(1u << i);
            return true;
        }
    return false;
}

/* "bands=type=drop" is one word with its first band in it; "bands=" may stand alone. */
static int meter_word(struct errbuf *e, struct pair *p, struct ofw_band *bands,
                      struct ofw_meter_mod *out, bool *in_bands)
{
    uint64_t id;
    uint16_t flag;
    if (*in_bands)
        return band_word(e, p, bands, out);
    if (word_is(p->key, "meter") || word_is(p->key, "meter_id")) {
        bool all = out->command == OFPMC_DELETE && word_is(p->value, "all");
        if (!all && (!word_number(p->value, OFPM_MAX, &id) || id == 0))
            return bad_word(e, p, "meter=N, N from 1");
        out->id = all ? OFPM_ALL : (uint32_t)id;
        return 0;
    }
    if (!p->has_value && flag_of(p->key, &flag)) {
        out->flags |= flag;
        return 0;
    }
    if (!word_is(p->key, "bands") && !word_is(p->key, "band"))
        return bad_word(e, p, "meter=N, kbps, pktps, burst, stats, bands=...");
    *in_bands = true;
    struct word rest = p->value;
    struct pair first;
    return rest.n && word_next(&rest, &first) ? band_word(e, &first, bands, out) : 0;
}

int ofm_meter_parse(const char *text, enum ofw_meter_command command, struct ofw_band *bands,
                    struct ofw_meter_mod *out, struct errbuf *e)
{
    struct word rest = word_of(text);
    struct ofw_error why = {0};
    struct pair p;
    bool in_bands = false;
    *out = (struct ofw_meter_mod){.command = (uint16_t)command,
                                  .id = command == OFPMC_DELETE ? OFPM_ALL : 0,
                                  .bands = bands};
    while (word_next(&rest, &p)) {
        int r = meter_word(e, &p, bands, out, &in_bands);
        if (r < 0)
            return r;
    }
    if (out->id == 0)
        return errbuf_set(e, EINVAL, "\"%.60s\": a meter has meter=N", text);
    if (ofw_meter_mod_check(out, &why) < 0)
        return errbuf_set(e, EINVAL, "%s (%s)", why.why ? why.why : "refused",
                          ofw_error_name(why.type, why.code));
    return 0;
}

void ofm_meter_print(struct strbuf *b, const struct ofw_meter_mod *m)
{
    static const char *const names[] = {"kbps", "pktps", "burst", "stats"};
    strbuf_addf(b, "meter=%u", m->id);
    for (unsigned i = 0; i < 4; i++)
        if (m->flags >> i & 1)
            strbuf_addf(b, " %s", names[i]);
    strbuf_adds(b, m->n ? " bands=" : "");
    for (unsigned i = 0; i < m->n; i++) {
        const struct ofw_band *k = &m->bands[i];
        strbuf_addf(b, "%stype=%s rate=%u", i ? " " : "",
                    k->type == OFPMBT_DROP ? "drop" : "dscp_remark", k->rate);
        if (m->flags & OFPMF_BURST)
            strbuf_addf(b, " burst_size=%u", k->burst);
        if (k->type == OFPMBT_DSCP_REMARK)
            strbuf_addf(b, " prec_level=%u", k->prec_level);
    }
}
