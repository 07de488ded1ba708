/* datapath/table_group.h: the reachable rules of a table, by mask. For table.c, while it builds.
 *
 * Linear in the number of rules, as every publication builds the tables that changed. Groups
 * are in order of their highest priority, descending; equal ones in the order of their first rule.
 */
#ifndef WEFT_DATAPATH_TABLE_GROUP_H
#define WEFT_DATAPATH_TABLE_GROUP_H

#include "datapath/table_internal.h"

struct grouping {
    const struct rule *catch_all; /* the highest rule that matches everything, or NULL */
    struct rule **order;          /* reachable rules, group after group */
    uint32_t n_rules;
    struct group *groups; /* their rules lie in `order` */
    uint32_t n;
};

/* 0 or -ENOMEM (then there is nothing to clear). */
int grouping_make(struct grouping *g, struct rule *const *rules, uint32_t n, uint64_t key);
void grouping_clear(struct grouping *g);

#endif
