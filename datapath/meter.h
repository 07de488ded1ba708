/* datapath/meter.h: how fast a flow may be (OpenFlow 1.3.5, 5.7).
 *
 * A meter is a run-time object: it keeps its fill while programs around it change. Each band is a
 * token bucket in the form of a virtual schedule (ITU-T I.371, GCRA): one 64-bit word says when the
 * bucket would be full again if nothing more came, so workers share it with one compare-and-swap
 * and no lock, and a packet costs one multiplication a band. Time is the worker's `now`, read once
 * a turn.
 *
 * A packet exceeds a band when the bucket has no room for it. Without OFPMF_BURST a bucket holds
 * METER_BURST_NS of its rate, which is what a worker may oversleep and more. Of the exceeded bands
 * the fastest acts (5.7.1): it drops, or raises the drop precedence of an AF code point (RFC 2597).
 * A packet that a full bucket is too small for passes, and the debt is waited for: the rate holds.
 */
#ifndef WEFT_DATAPATH_METER_H
#define WEFT_DATAPATH_METER_H

#include "base/types.h"
#include "datapath/idset.h"

struct worker;
struct rte_mbuf;

#define METER_BURST_NS (50 * NSEC_PER_MSEC)

struct meter_band {
    bool remark; /* else drop */
    uint8_t prec_level;
    uint32_t rate;  /* kb/s or packets/s; not 0 */
    uint64_t burst; /* bits or packets; 0: METER_BURST_NS of the rate */
    uint32_t stats_id;
};

struct meter;

/* Counts packets instead of bits: pktps. NULL: no memory. */
struct meter *meter_create(uint64_t version, bool pktps, uint32_t stats_id,
                           const struct meter_band *b, unsigned n);
struct meter *meter_ref(struct meter *m);
void meter_release(void *meter); /* NULL is fine; for idset */
uint64_t meter_version(const struct meter *m);

/* Which band takes a packet of so many bytes at `now`, or -1: none does. Charges the buckets. */
int meter_take(struct meter *m, uint32_t bytes, nsec_t now);

/* Sends mbuf m through meter `id` of the running program. False: it was dropped. Worker. */
bool meter_run(struct worker *w, struct rte_mbuf *m, uint32_t id);

#endif
