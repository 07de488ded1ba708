/* datapath/table.h: one OpenFlow table as a lookup structure that lives.
 *
 * Three templates, chosen and chosen anew from the rules alone:
 *   direct   a few rules (<= 8): a sorted array, compared one by one
 *   exact    one mask: a hash table, one probe
 *   tuples   a hash table per distinct mask, about in order of the highest priority
 *            inside; the search stops when no later tuple can win; with many masks a pruner
 *            (table_prune.h) leaves out those in which the packet can't be
 * Rules that match everything are kept aside in all templates. The number of probes is bounded by
 * the rules, never by traffic, and shown by table_describe(). Hashes are keyed and non-linear, as
 * their input is the attacker's: table_create() draws the key of each table from getrandom(2),
 * which is no loss to replays, since a lookup is exact and its answer is the same under any key.
 * Two rules of equal priority that both match: the specification leaves the answer open.
 *
 * Rules come and go in place while workers look up. Each carries the versions of its
 * birth and death, a lookup is done under a version, and sees the rules that are there in
 * it: so what is added and removed for the next version, in any number of tables, is seen by
 * nobody before that version is published (program.h), and then all at once. When all readers of
 * earlier versions have gone, control settles it (table_settle()): the newborn need no look at
 * their versions any more, the dead leave their places and are freed a grace period later.
 * A change costs what the rule's own place costs; now and then, when rules have doubled or the
 * masks are others, a view of the table is built anew beside the old one.
 *
 * Lookups: workers, inside an RCU read section. All else: control.
 * The oracle in tests/ (a linear search) must agree with every template.
 */
#ifndef WEFT_DATAPATH_TABLE_H
#define WEFT_DATAPATH_TABLE_H

#include "datapath/program.h"

/* table_create_as(): what the rules suggest. */
#define TABLE_ANY ((enum table_kind) - 1)
/* The version of a reader to whom all is visible that was added and not removed, published or
 * not. */
#define TABLE_NEWEST (UINT64_MAX - 1)

/* How a table is built inside, for people and tests. */
struct table_info {
    enum table_kind kind;
    uint32_t n_rules;
    uint32_t n_masks; /* distinct masks of rules, the match-all one apart */
    uint32_t
        worst_probes; /* rules (direct) or buckets (exact, tuples) that the slowest packet sees */
    uint32_t usual_probes_centi; /* tuples: what is left for a packet around a rule, in hundredths,
                                    when the view was built; 0: no pruner */
    uint32_t views;              /* built so far */
    uint64_t bytes;              /* memory */
};

/* A table without rules. NULL: no memory. */
struct table *table_create(void);
/* The same with the template forced (tests; TABLE_EXACT takes one mask only), and a given hash key
 * (benchmarks that must repeat). */
struct table *table_create_as(enum table_kind kind, uint64_t key);
/* Adds a rule, born with `version`, which isn't published yet. The rule becomes the table's.
 * Two rules never have the same match and priority in one version. 0; -ENOMEM or -EINVAL (the
 * template was forced): nothing has happened, the rule stays the caller's. */
int table_rule_add(struct table *t, struct rule *r, uint64_t version);
/* r, of this table, dies with `version`. 0 or -ENOMEM: nothing has happened. */
int table_rule_remove(struct table *t, struct rule *r, uint64_t version);
/* Undoes a change of an unpublished version: what was added to it was never there, what was
 * removed stays. Can't fail. */
void table_undo_add(struct table *t, struct rule *r);
void table_undo_remove(struct table *t, struct rule *r);

/* What happened to a table; `next` and `token` are whoever's who keeps it, the rest is the table's.
 */
struct table_changes {
    struct table_changes *next;
    uint64_t token;
    struct table *table;
    uint32_t n, cap, done;
    struct change *change;
    uint32_t n_trash, cap_trash;
    struct trash *trash;
};

/* The changes since the last call, to be given to table_settle() when no reader is left who began
 * before this call. NULL: there are none. They hold a reference to the table. */
struct table_changes *table_take_changes(struct table *t);
/* In the order in which they were taken. 0: c is freed; *more is the next that has to be settled
 * (what the dead leave), or NULL. -ENOMEM: nothing is lost, try again later. */
int table_settle(struct table_changes *c, struct table_changes **more);

/* A table of n rules that were always there (pointers become the table's; the
 * array is the caller's). NULL: no memory (rules stay the caller's). */
struct table *table_build(struct rule **rules, uint32_t n);
struct table *table_build_as(enum table_kind kind, struct rule **rules, uint32_t n);
struct table *table_build_keyed(enum table_kind kind, struct rule **rules, uint32_t n,
                                uint64_t key);
/* One more reference. NULL is fine, and returned. */
struct table *table_ref(struct table *t);
/* Frees table and rules at the last reference, when no reader is left. NULL is fine. */
void table_release(struct table *t);

/* The highest-priority rule of the version that k is inside, or NULL. */
const struct rule *table_lookup(const struct table *t, const struct flow_key *k, uint64_t version);
/* The same for n <= WEFT_BURST keys; out[i] may be NULL. */
void table_lookup_burst(const struct table *t, const struct flow_key *const *k, unsigned n,
                        uint64_t version, const struct rule **out);

struct table_info table_describe(const struct table *t);
const char *table_kind_name(enum table_kind k); /* "direct", "exact", "tuples" */
/* table_describe()'s worst_probes; cheap. */
uint32_t table_probes(const struct table *t);
/* Rules, those that are dying included. */
uint32_t table_size(const struct table *t);
/* The last version with which rules came or went. Stored before it is published. Any thread. */
uint64_t table_changed(const struct table *t);
/* A program gets t with this version: as good as a change. */
void table_bear(struct table *t, uint64_t version);
/* Does it look at nothing but in_port, metadata and tunnel_id? Any thread. */
bool table_is_shallow(const struct table *t);
/* The union of the masks of the rules, which only grows. */
void table_fields(const struct table *t, uint64_t words[FLOW_WORDS]);

/* A rule with copies of the op lists; one allocation, freed with rule_free(). */
struct rule *rule_create(const struct op *apply, uint16_t n_apply, const struct op *write,
                         uint16_t n_write);
void rule_free(struct rule *r);

#endif
