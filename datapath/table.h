/* datapath/table.h: one OpenFlow table as a lookup structure.
 *
 * Three templates today, chosen by table_build() from the rules alone:
 *   direct   a few rules (<= 8): a sorted array, compared one by one
 *   exact    one mask: a hash table, one probe
 *   tuples   a hash table per distinct mask, in order of the highest priority
 *            inside; the search stops when no later tuple can win
 * A rule that matches everything is kept aside as the miss rule in all
 * templates. The number of probes is bounded by the rules, never by traffic,
 * and shown by table_describe(). Hashes are keyed (per process, random or from
 * a seed) and non-linear, as their input is the attacker's.
 *
 * A table is immutable after table_build(); references are counted by control.
 * Lookups: workers, inside an RCU read section. Build and release: control.
 * The oracle in tests/ (a linear search) must agree with every template.
 */
#ifndef WEFT_DATAPATH_TABLE_H
#define WEFT_DATAPATH_TABLE_H

#include "datapath/program.h"

/* How a table is built inside, for people and tests. */
struct table_info {
    enum table_kind kind;
    uint32_t n_rules;
    uint32_t n_masks;      /* distinct masks; tuples to probe at the worst */
    uint32_t worst_probes; /* memory look-ups of the slowest packet */
    uint64_t bytes;        /* memory */
};

/* Builds from n rules (pointers stay the table's until table_release; the
 * array is the caller's). Two rules never have the same match and priority.
 * Takes ownership of the rules. NULL: no memory (rules stay the caller's). */
struct table *table_build(struct rule **rules, uint32_t n);
/* The same with the template forced (tests). TABLE_EXACT needs one mask: else NULL. */
struct table *table_build_as(enum table_kind kind, struct rule **rules, uint32_t n);
struct table *table_ref(struct table *t);
/* Frees table and rules at the last reference. */
void table_release(struct table *t);

/* The highest-priority rule that k is inside, or NULL. */
const struct rule *table_lookup(const struct table *t, const struct flow_key *k);
/* The same for n <= WEFT_BURST keys; out[i] may be NULL. */
void table_lookup_burst(const struct table *t, const struct flow_key *const *k, unsigned n,
                        const struct rule **out);

struct table_info table_describe(const struct table *t);
const char *table_kind_name(enum table_kind k); /* "direct", "exact", "tuples" */
/* The union of the masks of the rules. */
void table_fields(const struct table *t, uint64_t words[FLOW_WORDS]);

/* A rule with copies of the op lists; one allocation, freed with rule_free(). */
struct rule *rule_create(const struct op *apply, uint16_t n_apply, const struct op *write,
                         uint16_t n_write);
void rule_free(struct rule *r);

#endif
