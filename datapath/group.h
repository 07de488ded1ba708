/* datapath/group.h: groups as workers run them (OpenFlow 1.3.5, 5.6).
 *
 * A rule names a group by its number, so a group-mod compiles no table anew: a program holds a
 * set of groups, and the next program shares those that did not change. An image is immutable; what
 * moves while packets pass is read at run time: whether a watched port is up (one atomic of the
 * port) and the counters, which are a worker's own like a rule's (stats.h).
 *
 * A select group's bucket is found by the hash of the flow's addresses and ports (MAC and ARP
 * addresses too) in a table of slots that is filled so that each bucket has its weight's share,
 * and that few flows move when one bucket comes, goes or changes. What happens to a flow does
 * not depend on the worker or the time.
 *
 * Control makes and releases; workers read.
 */
#ifndef WEFT_DATAPATH_GROUP_H
#define WEFT_DATAPATH_GROUP_H

#include "datapath/idset.h"
#include "datapath/program.h"

struct worker;
struct rte_mbuf;
struct bridge;

/* The numbers are OpenFlow's (OFPGT_*). */
enum group_type { GROUP_ALL, GROUP_SELECT, GROUP_INDIRECT, GROUP_FAILOVER };

#define GROUP_WATCH_NONE 0xffffffffu

struct group_bucket {
    uint32_t watch_port, watch_group; /* GROUP_WATCH_NONE */
    uint32_t stats_id;
    uint16_t weight;    /* select */
    struct op_list ops; /* in the action set's order; one OP_OUTPUT or OP_GROUP last, or none */
};

struct group {
    _Atomic uint32_t refs;
    uint32_t id;
    uint64_t version; /* of the model's group */
    uint8_t type;     /* enum group_type */
    uint16_t n;
    uint32_t stats_id;
    uint32_t slot_mask; /* select: slots - 1 */
    uint16_t *slot;     /* select: numbers of buckets; NULL: there are none */
    struct group_bucket *bucket;
};

/* Copies the buckets and their ops. NULL: no memory. */
struct group *group_create(uint32_t id, enum group_type type, const struct group_bucket *b,
                           uint16_t n, uint32_t stats_id, uint64_t version);
struct group *group_ref(struct group *g);
void group_release(void *group); /* NULL is fine; for idset */

/* Does the bucket forward: no watch, or a watched port or group that is live? */
bool group_bucket_live(const struct idset *s, const struct bridge *br,
                       const struct group_bucket *b);
/* The bucket that a select group sends this flow to, whatever is live; NULL: it has none. */
const struct group_bucket *group_select(const struct group *g, const struct flow_key *k,
                                        uint64_t hash_key);

/* Sends m through group `id` of the running program; takes m. Worker. */
void group_run(struct worker *w, struct rte_mbuf *m, uint32_t id);

/* Is the port there, its link up (a bond's: one of its members may send), and not shut? OFPPS_LIVE.
 */
bool group_port_live(const struct bridge *br, uint32_t ofp_port);

#endif
