#include "tests/unit/support_oracle.h"

#include <stdlib.h>

#include "base/assert.h"

/* ------------------------------------------------------------ the oracle */

static bool inside(const struct rule *r, const struct flow_key *k)
{
    const uint8_t *key = (const uint8_t *)&r->match.key, *mask = (const uint8_t *)&r->match.mask;
    const uint8_t *packet = (const uint8_t *)k;
    for (size_t i = 0; i < sizeof *k; i++) {
        if ((packet[i] & mask[i]) != key[i])
            return false;
    }
    return true;
}

const struct rule *oracle_lookup(const struct oracle_table *o, const struct flow_key *k)
{
    const struct rule *best = NULL;
    for (uint32_t i = 0; i < o->n; i++) {
        if ((best == NULL || o->rules[i]->priority > best->priority) && inside(o->rules[i], k))
            best = o->rules[i];
    }
    return best;
}

bool oracle_agrees(const struct oracle_table *o, const struct flow_key *k, const struct rule *got)
{
    const struct rule *want = oracle_lookup(o, k);
    if (want == NULL || got == NULL)
        return want == got;
    return want == got || (want->priority == got->priority && inside(got, k));
}

/* ------------------------------------------------------------ rules */

static const uint8_t usual[] = {FF_IN_PORT,  FF_ETH_DST,  FF_ETH_SRC, FF_ETH_TYPE,
                                FF_VLAN_VID, FF_IP_PROTO, FF_TCP_SRC, FF_TCP_DST,
                                FF_METADATA, FF_IPV4_SRC, FF_IPV4_DST};

/* Few values a field, so that rules and packets meet. */
static void add_exact(struct flow_match *m, enum flow_field f, unsigned values, struct prng *r)
{
    uint8_t v[16] = {0};
    v[flow_fields[f].bytes - 1] = (uint8_t)prng_below(r, values);
    flow_match_set(m, f, v, NULL);
}

/* Low value bits lie at the end of the field, so prefixes are cut there mostly. */
static void add_prefix(struct flow_match *m, enum flow_field f, struct prng *r, unsigned *length)
{
    unsigned bits = flow_fields[f].bytes * 8u;
    uint8_t v[16] = {0}, mask[16] = {0};
    *length = bits - prng_below(r, prng_below(r, 3) == 0 ? bits + 1 : 9);
    for (unsigned i = 0; i < *length; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    v[flow_fields[f].bytes - 1] = (uint8_t)prng_next(r);
    flow_match_set(m, f, v, mask);
}

static void add_bits(struct flow_match *m, struct prng *r)
{
    for (unsigned n = prng_below(r, 4); n > 0; n--) {
        unsigned w = prng_below(r, FLOW_WORDS);
        m->mask.w[w] = prng_next(r) & prng_next(r) & prng_next(r);
        m->key.w[w] = prng_next(r) & m->mask.w[w];
    }
}

/* Fields by the bits of `set`, exact. */
static void add_set(struct flow_match *m, uint32_t set, unsigned values, struct prng *r)
{
    for (unsigned i = 0; i < sizeof usual; i++) {
        if (set >> i & 1)
            add_exact(m, usual[i], values, r);
    }
}

/* Returns the priority to use, or -1 for one of the rule's own. */
static int make_match(struct flow_match *m, enum oracle_style style, const uint32_t sets[4],
                      struct prng *r)
{
    unsigned length = 0;
    memset(m, 0, sizeof *m);
    switch (style) {
    case STYLE_ONE_MASK:
        add_set(m, sets[0] | 1, 64, r);
        return 32768;
    case STYLE_PREFIXES:
        add_prefix(m, sets[0] & 1 ? FF_IPV6_DST : FF_IPV4_DST, r, &length);
        return (int)length;
    case STYLE_ACL:
        add_set(m, sets[prng_below(r, 4)], 4, r);
        if (prng_below(r, 2) == 0)
            add_prefix(m, FF_IPV4_SRC, r, &length);
        return -1;
    case STYLE_MANY:
        add_set(m, (uint32_t)prng_next(r), 3, r);
        return -1;
    case STYLE_BITS:
        add_bits(m, r);
        return -1;
    default:
        add_set(m, sets[prng_below(r, 4)], 4, r);
        return (int)prng_below(r, 3) * 32767;
    }
}

static bool is_taken(const struct oracle_table *o, const struct flow_match *m, uint16_t priority)
{
    for (uint32_t i = 0; i < o->n; i++) {
        if (o->rules[i]->priority == priority && flow_match_equal(&o->rules[i]->match, m))
            return true;
    }
    return false;
}

static void add_rule(struct oracle_table *o, const struct flow_match *m, uint16_t priority)
{
    if (is_taken(o, m, priority))
        return;
    struct rule *rule = rule_create(NULL, 0, NULL, 0);
    weft_assert(rule != NULL);
    rule->match = *m;
    rule->priority = priority;
    rule->cookie = o->n;
    o->rules[o->n++] = rule;
}

/* Rule i's own priority is a place in a permutation of 1..65520: odd multiples modulo a prime. */
static uint16_t own_priority(uint32_t i, uint32_t factor)
{
    return (uint16_t)((uint64_t)(i + 1) * factor % 65521);
}

void oracle_make(struct oracle_table *o, enum oracle_style style, uint32_t max, struct prng *r)
{
    weft_assert(max < sizeof o->rules / sizeof o->rules[0]);
    uint32_t sets[4], factor = 1 + prng_below(r, 65520), n = prng_below(r, max + 1);
    struct flow_match m;
    for (unsigned i = 0; i < 4; i++)
        sets[i] = (uint32_t)(prng_next(r) & prng_next(r));
    o->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        int priority = make_match(&m, style, sets, r);
        add_rule(o, &m, priority >= 0 ? (uint16_t)priority : own_priority(i, factor));
    }
    memset(&m, 0, sizeof m);
    if (prng_below(r, 2) == 0)
        add_rule(o, &m, prng_below(r, 2) == 0 ? 0 : own_priority(n, factor));
}

void oracle_free(struct oracle_table *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        rule_free(o->rules[i]);
    o->n = 0;
}

/* ------------------------------------------------------------ packets */

static uint64_t random_bits(bool wild, struct prng *r) { return wild ? prng_next(r) : 0; }

void oracle_packet(const struct oracle_table *o, struct flow_key *k, struct prng *r)
{
    bool wild = prng_below(r, 2) == 0;
    for (unsigned i = 0; i < FLOW_WORDS; i++)
        k->w[i] = random_bits(wild, r);
    /* Later ones win where they overlap, so this is inside at least the last. */
    for (unsigned n = prng_below(r, 4); n > 0 && o->n > 0; n--) {
        const struct flow_match *m = &o->rules[prng_below(r, o->n)]->match;
        for (unsigned i = 0; i < FLOW_WORDS; i++)
            k->w[i] = (k->w[i] & ~m->mask.w[i]) | m->key.w[i];
    }
    if (prng_below(r, 4) == 0)
        k->w[prng_below(r, FLOW_WORDS)] ^= UINT64_C(1) << prng_below(r, 64);
}
