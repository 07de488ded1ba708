/* control/trace_why.c: which flows would have come before the one that matched, and what kept them.
 */
#include <string.h>

#include "base/strbuf.h"
#include "control/trace_priv.h"

enum { NEAREST = 2, LOOK_AT_MOST = 100000 };

/* Fields that a frame always has something to say in. */
static bool is_always(enum flow_field f)
{
    switch (f) {
    case FF_IN_PORT:
    case FF_ETH_DST:
    case FF_ETH_SRC:
    case FF_ETH_TYPE:
    case FF_IP_PROTO:
    case FF_IPV4_SRC:
    case FF_IPV4_DST:
    case FF_IPV6_SRC:
    case FF_IPV6_DST:
    case FF_TCP_SRC:
    case FF_TCP_DST:
    case FF_ARP_OP:
    case FF_ARP_SPA:
    case FF_ARP_TPA:
    case FF_IP_TTL:
        return true;
    default:
        return false;
    }
}

void trace_match(const struct flow_key *k, bool with_regs, struct flow_match *m)
{
    static const uint8_t none[16];
    memset(m, 0, sizeof *m);
    for (unsigned f = 0; f < FF_COUNT; f++) {
        const uint8_t *slot = flow_slot_const(k, (enum flow_field)f);
        bool any = memcmp(slot, none, flow_fields[f].bytes) != 0;
        bool is_said = f == FF_IN_PHY_PORT || f == FF_CONJ_ID || f == FF_IPV6_EXTHDR ||
                       (flow_field_is_reg(f) && !with_regs);
        if (!is_said && (any || is_always((enum flow_field)f)))
            flow_match_set(m, (enum flow_field)f, slot, NULL);
    }
}

/* How many fields of m the key is outside of; their names and the packet's values. */
static unsigned misses(const struct flow_match *m, const struct flow_key *k, struct strbuf *b,
                       const struct ofm_names *names)
{
    enum flow_field fields[FF_COUNT];
    unsigned n = ofw_match_fields(m, fields), bad = 0;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *want = flow_slot_const(&m->key, fields[i]);
        const uint8_t *mask = flow_slot_const(&m->mask, fields[i]);
        const uint8_t *have = flow_slot_const(k, fields[i]);
        uint8_t diff = 0;
        for (unsigned j = 0; j < flow_fields[fields[i]].bytes; j++)
            diff |= (uint8_t)((have[j] ^ want[j]) & mask[j]);
        bad += diff != 0;
        if (!diff || !b)
            continue;
        strbuf_addf(b, "%s%s is ", bad > 1 ? ", " : "", flow_fields[fields[i]].name);
        ofm_text_value(b, fields[i], have, names);
    }
    return bad;
}

struct near {
    const struct ofm_flow *f;
    unsigned bad;
};

struct search {
    const struct ofm_flow *matched;
    const struct flow_key *k;
    struct near best[NEAREST];
    unsigned n, seen;
};

static bool consider(void *ctx, const struct ofm_flow *f)
{
    struct search *s = ctx;
    if (s->seen++ > LOOK_AT_MOST || (s->matched && f->priority < s->matched->priority))
        return false;
    if (s->matched && f->id == s->matched->id)
        return true;
    struct near now = {f, misses(&f->match, s->k, NULL, NULL)};
    for (unsigned i = 0; i < NEAREST; i++) {
        if (i < s->n && s->best[i].bad <= now.bad)
            continue;
        struct near was = s->best[i];
        s->best[i] = now;
        now = was;
        if (i >= s->n) {
            s->n++;
            break;
        }
    }
    return true;
}

json_t *trace_nearest(struct of_bridge *b, uint8_t table, const struct ofm_flow *matched,
                      const struct flow_key *k, bool with_regs)
{
    struct search s = {.matched = matched, .k = k};
    struct flow_key key = *k;
    json_t *list = json_array();
    if (!with_regs)
        memset(key.reg, 0, sizeof key.reg);
    s.k = &key;
    ofm_each(b->model, table, consider, &s);
    for (unsigned i = 0; i < s.n; i++) {
        struct strbuf rule = {0}, why = {0};
        ofm_text_match(&rule, &s.best[i].f->match, s.best[i].f->priority, &b->names);
        unsigned bad = misses(&s.best[i].f->match, &key, &why, &b->names);
        json_array_append_new(list, json_pack("{s:s,s:s}", "match", strbuf_text(&rule), "because",
                                              bad ? strbuf_text(&why)
                                                  : "another of its priority was taken"));
        strbuf_free(&rule);
        strbuf_free(&why);
    }
    return list;
}
