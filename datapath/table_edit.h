/* datapath/table_edit.h: what table.c needs of table_edit.c. */
#ifndef WEFT_DATAPATH_TABLE_EDIT_H
#define WEFT_DATAPATH_TABLE_EDIT_H

#include "datapath/table_internal.h"

/* An empty table takes n rules that were always there. On failure they stay the caller's, and t is
 * good for table_release() only, once its n_rules is 0. */
int table_fill(struct table *t, struct rule *const *rules, uint32_t n);
/* Frees what changes were not taken and what they would have freed. No reader is left. */
void table_drop_changes(struct table *t);

#endif
