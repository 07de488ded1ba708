/* datapath/table_group.h: the rules of a table, by mask. For table_view.c.
 *
 * Linear in the number of rules. Groups
 * are in order of their highest priority, descending; equal ones in the order of their first rule.
 */
#ifndef WEFT_DATAPATH_TABLE_GROUP_H
#define WEFT_DATAPATH_TABLE_GROUP_H

#include "datapath/table_internal.h"

struct grouping {
    struct rule **order; /* group after group */
    uint32_t n_rules;
    struct group *groups; /* their rules lie in `order` */
    uint32_t n;
};

/* No rule matches everything. 0 or -ENOMEM (then there is nothing to clear). */
int grouping_make(struct grouping *g, struct rule *const *rules, uint32_t n, uint64_t key);
void grouping_clear(struct grouping *g);

#endif
