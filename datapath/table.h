/* datapath/table.h: one OpenFlow table as a lookup structure.
 *
 * Three templates today, chosen by table_build() from the rules alone:
 *   direct   a few rules (<= 8): a sorted array, compared one by one
 *   exact    one mask: a hash table, one probe
 *   tuples   a hash table per distinct mask, in order of the highest priority
 *            inside; the search stops when no later tuple can win; with many masks a pruner
 *            (table_prune.h) leaves out those in which the packet can't be
 * A rule that matches everything is kept aside in all templates; rules below it in
 * priority can't be reached, so they are owned but not looked at. Of several rules with
 * the same match only the highest is reachable. The number of probes is bounded by the rules,
 * never by traffic, and shown by table_describe(). Hashes are keyed and non-linear, as
 * their input is the attacker's: table_build() draws the key of each table from getrandom(2),
 * which is no loss to replays, since a lookup is exact and its answer is the same under any key.
 * Two rules of equal priority that both match: the specification leaves the answer open.
 *
 * A table is immutable after table_build(); references are counted by control.
 * Lookups: workers, inside an RCU read section. Build and release: control.
 * The oracle in tests/ (a linear search) must agree with every template.
 */
#ifndef WEFT_DATAPATH_TABLE_H
#define WEFT_DATAPATH_TABLE_H

#include "datapath/program.h"

/* table_build_keyed(): what table_build() would choose. */
#define TABLE_ANY ((enum table_kind) - 1)

/* How a table is built inside, for people and tests. */
struct table_info {
    enum table_kind kind;
    uint32_t n_rules;
    uint32_t n_masks; /* distinct masks of reachable rules, the match-all one apart */
    uint32_t
        worst_probes; /* rules (direct) or buckets (exact, tuples) that the slowest packet sees */
    uint32_t usual_probes_centi; /* tuples: what is left for a packet around a rule, in hundredths;
                                    0: no pruner */
    uint64_t bytes;              /* memory */
};

/* Builds from n rules (pointers stay the table's until table_release; the
 * array is the caller's). Two rules never have the same match and priority; should
 * they, the first stays reachable. n 0 makes a table of kind TABLE_EMPTY that never matches.
 * NULL: no memory (rules stay the caller's). */
struct table *table_build(struct rule **rules, uint32_t n);
/* The same with the template forced (tests). TABLE_EXACT needs one mask: else NULL. */
struct table *table_build_as(enum table_kind kind, struct rule **rules, uint32_t n);
/* The same with a given hash key (benchmarks that must repeat). */
struct table *table_build_keyed(enum table_kind kind, struct rule **rules, uint32_t n,
                                uint64_t key);
/* One more reference. NULL is fine, and returned. Any thread. */
struct table *table_ref(struct table *t);
/* Frees table and rules at the last reference. NULL is fine. */
void table_release(struct table *t);

/* The highest-priority rule that k is inside, or NULL. */
const struct rule *table_lookup(const struct table *t, const struct flow_key *k);
/* The same for n <= WEFT_BURST keys; out[i] may be NULL. */
void table_lookup_burst(const struct table *t, const struct flow_key *const *k, unsigned n,
                        const struct rule **out);

struct table_info table_describe(const struct table *t);
const char *table_kind_name(enum table_kind k); /* "direct", "exact", "tuples" */
/* table_describe()'s worst_probes; cheap. */
uint32_t table_probes(const struct table *t);
/* The version of the first program that had it (0: none yet), and how it gets it. */
uint64_t table_born(const struct table *t);
void table_bear(struct table *t, uint64_t version);
/* Does it look at nothing but in_port, metadata and tunnel_id? */
bool table_is_shallow(const struct table *t);
/* The union of the masks of the rules. */
void table_fields(const struct table *t, uint64_t words[FLOW_WORDS]);

/* A rule with copies of the op lists; one allocation, freed with rule_free(). */
struct rule *rule_create(const struct op *apply, uint16_t n_apply, const struct op *write,
                         uint16_t n_write);
void rule_free(struct rule *r);

#endif
