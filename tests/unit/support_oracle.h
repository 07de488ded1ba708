/* The oracle: a linear search that nobody doubts, and the random rules and packets to try it on.
 *
 * It shares no code with the templates, not even the word-wise comparison. A case is
 * named by its seed. Equal priorities occur only among rules that can't both match, except in the
 * style that is there for them; oracle_agrees() takes any of the highest then.
 */
#ifndef WEFT_TESTS_ORACLE_H
#define WEFT_TESTS_ORACLE_H

#include "base/prng.h"
#include "datapath/table.h"

enum oracle_style {
    STYLE_ONE_MASK, /* like an L2 table */
    STYLE_PREFIXES, /* nested IPv4 or IPv6 prefixes, longest first */
    STYLE_ACL,      /* few masks, many overlaps */
    STYLE_MANY,     /* nearly every rule has a mask of its own */
    STYLE_BITS,     /* masks of random bits anywhere */
    STYLE_TIES,     /* few priorities */
    STYLE_COUNT,
};

struct oracle_table {
    struct rule *rules[2048];
    uint32_t n;
};

/* Up to max rules of the style; no two of the same match and priority. Some have a match-all rule
 * somewhere. */
void oracle_make(struct oracle_table *o, enum oracle_style style, uint32_t max, struct prng *r);
void oracle_free(struct oracle_table *o);
/* A key near the rules: inside one, one bit outside one, a mixture of two, or anything. */
void oracle_packet(const struct oracle_table *o, struct flow_key *k, struct prng *r);

const struct rule *oracle_lookup(const struct oracle_table *o, const struct flow_key *k);
bool oracle_agrees(const struct oracle_table *o, const struct flow_key *k, const struct rule *got);

#endif
