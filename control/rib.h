/* control/rib.h: the routes of one family of a virtual router, by who says so.
 *
 * A prefix may be known from several sources: an address of ours, a static route, the kernel's
 * table, a neighbour, a connected subnet. The best source's next hop is in the FIB
 * (datapath/fib.h); when it goes, the next best takes over with one change there. Whose lock: the
 * caller's.
 */
#ifndef WEFT_CONTROL_RIB_H
#define WEFT_CONTROL_RIB_H

#include "datapath/fib.h"

/* In order of preference. */
enum rib_source { RIB_LOCAL, RIB_STATIC, RIB_KERNEL, RIB_NEIGH, RIB_CONNECTED, RIB_SOURCES };

struct rib;

struct rib_route {
    struct ip6 prefix;
    uint8_t len;
    enum rib_source source; /* the best */
    uint32_t next[RIB_SOURCES];
    uint8_t epoch; /* when the kernel last said so */
};

struct rib *rib_create(struct fib *fib, bool ip6, uint64_t key);
void rib_free(struct rib *r);
/* next 0: that source knows it no more. 0, -EINVAL, -ENOSPC, -ENOMEM: nothing has changed. */
int rib_set(struct rib *r, const struct ip6 *prefix, uint8_t len, enum rib_source s, uint32_t next);
uint32_t rib_get(const struct rib *r, const struct ip6 *prefix, uint8_t len, enum rib_source s);
/* Walks in no order: *cursor starts at 0; false at the end. */
bool rib_each(const struct rib *r, uint64_t *cursor, struct rib_route *out);
/* Marks what the kernel says from now on: what has another epoch it didn't say again. */
void rib_epoch_next(struct rib *r);
uint8_t rib_epoch(const struct rib *r);
uint32_t rib_count(const struct rib *r);
const char *rib_source_name(enum rib_source s);

#endif
