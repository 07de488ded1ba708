/* datapath/table_prune.h: which masks of a table can a packet be in?
 *
 * With a hash per mask, a packet would be looked for in each, though its addresses and ports
 * lie in the prefixes of few. A pruner has a trie for a few windows of the key (dimensions:
 * a source address, a destination port, ...) that maps a value to the set of tuples which have a
 * rule around it; the intersection of the sets is what is worth a probe. A set may hold too much,
 * never too little: a mask with holes counts by its leading ones.
 *
 * A dimension's trie has a root of 2^16 or 2^8 entries and below nodes of 16, one cache line
 * each; equal sets are kept once. So its cost is a few lines that a burst asks for together,
 * whatever the traffic. Chosen by the rules, from a sample: only dimensions that tell tuples apart
 * are kept. A rule of a tuple that it has can be added in place beside readers: what they read
 * never moves (nodes and sets lie in chunks), an entry is one store, and a set that has a tuple
 * more than it had is as good. What goes stays in the sets until the next build. For table*.c.
 */
#ifndef WEFT_DATAPATH_TABLE_PRUNE_H
#define WEFT_DATAPATH_TABLE_PRUNE_H

#include "datapath/table_internal.h"

enum { PRUNE_DIMS = 5, PRUNE_WORDS = 4, PRUNE_TUPLES = 64 * PRUNE_WORDS };

/* Tuples, by their place: bit i % 64 of word i / 64. The last bit stands for all from its place on.
 */
struct tuple_set {
    uint64_t w[PRUNE_WORDS];
};

/* NULL: it doesn't pay, or there is no memory. Groups are the tuples, in their order. */
struct prune *prune_build(const struct group *groups, uint32_t n);
void prune_free(struct prune *p);
/* A rule of the tuple at `place`, in view of readers. False: no memory or no room, p is of no use
 * any more to those who look for that rule. */
bool prune_add(struct prune *p, const struct flow_match *m, uint32_t place);
/* n <= WEFT_BURST. */
void prune_burst(const struct prune *p, const struct flow_key *const *k, unsigned n,
                 struct tuple_set *out);
/* How many tuples a packet around a rule has left on average, in hundredths. */
uint32_t prune_left(const struct prune *p);
uint64_t prune_bytes(const struct prune *p);

#endif
