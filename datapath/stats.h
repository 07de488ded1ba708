/* datapath/stats.h: per-rule and per-table counters without sharing.
 *
 * Each worker has its own chunked array of {packets, bytes, used}, indexed by a
 * rule's stats_id; readers sum. Ids are handed out and taken back by control;
 * one taken back is reused only after the RCU grace period, zeroed. Chunks are
 * allocated when an id in them is first handed out, and never move.
 * `used_ns` is when the rule last matched (for idle timeouts).
 */
#ifndef WEFT_DATAPATH_STATS_H
#define WEFT_DATAPATH_STATS_H

#include "base/limits.h"
#include "base/types.h"

enum { STATS_CHUNK = 4096, STATS_CHUNKS = 4096 };

struct flow_stats {
    uint64_t packets, bytes;
    nsec_t used_ns; /* 0: never */
};

struct stats {
    unsigned n_workers; /* slots; the last is control's own (packet-outs) */
    struct flow_stats **chunks[WEFT_WORKERS_MAX + 1]; /* [worker][chunk] */
    uint32_t *free_ids;                               /* stack of ids to hand out again */
    uint32_t n_free, cap_free, n_ids;
};

int stats_init(struct stats *s, unsigned n_workers);
void stats_fini(struct stats *s);
/* A zeroed id, or UINT32_MAX when out of memory or ids. */
uint32_t stats_id_get(struct stats *s);
/* Caller guarantees the grace period has passed. */
void stats_id_put(struct stats *s, uint32_t id);
struct flow_stats stats_sum(const struct stats *s, uint32_t id);

static inline struct flow_stats *stats_at(struct stats *s, unsigned worker, uint32_t id)
{
    return &s->chunks[worker][id / STATS_CHUNK][id % STATS_CHUNK];
}

#endif
