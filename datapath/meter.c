/* meter.c: token buckets that workers share. */
#include "datapath/meter.h"
#include "datapath/parse.h"

#include <stdlib.h>
#include <string.h>

#include "datapath/edit_internal.h"
#include "datapath/worker.h"

/* Time is in units of 1/32 ns, which is fine enough for 64 bytes at 100 Gb/s and lasts 18 years.
 * Costs of a bit or packet have 16 binary digits more. */
enum { UNIT_SHIFT = 5, COST_SHIFT = 16 };

#define SLACK ((uint64_t)(5 * NSEC_PER_MSEC) << UNIT_SHIFT)

struct band {
    _Atomic uint64_t full_at; /* when the bucket would be full again */
    uint64_t cost;            /* time per bit or packet, << COST_SHIFT */
    uint64_t burst, slack;    /* time */
    uint32_t rate, stats_id;
    uint8_t prec_level;
    bool remark;
};

struct meter {
    _Atomic uint32_t refs;
    uint32_t stats_id;
    uint64_t version;
    bool pktps;
    unsigned n;
    struct band band[]; /* fastest first */
};

static uint64_t scaled(uint64_t cost, uint64_t amount)
{
    return (uint64_t)((unsigned __int128)cost * amount >> COST_SHIFT);
}

static void band_init(struct band *b, const struct meter_band *from, bool pktps)
{
    unsigned __int128 second = (unsigned __int128)NSEC_PER_SEC << (UNIT_SHIFT + COST_SHIFT);
    *b = (struct band){
        .rate = from->rate,
        .stats_id = from->stats_id,
        .prec_level = from->prec_level,
        .remark = from->remark,
        .burst = (uint64_t)METER_BURST_NS << UNIT_SHIFT,
    };
    b->cost = (uint64_t)(second / from->rate / (pktps ? 1 : 1000));
    if (from->burst != 0)
        b->burst = scaled(b->cost, from->burst);
    b->slack = b->burst < SLACK ? b->burst : SLACK;
}

struct meter *meter_create(uint64_t version, bool pktps, uint32_t stats_id,
                           const struct meter_band *b, unsigned n)
{
    struct meter *m = calloc(1, sizeof *m + n * sizeof m->band[0]);
    if (m == NULL)
        return NULL;
    m->refs = 1;
    m->version = version;
    m->pktps = pktps;
    m->stats_id = stats_id;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = m->n++;
        for (; at > 0 && m->band[at - 1].rate < b[i].rate; at--)
            memcpy(&m->band[at], &m->band[at - 1], sizeof m->band[0]);
        band_init(&m->band[at], &b[i], pktps);
    }
    return m;
}

struct meter *meter_ref(struct meter *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void meter_release(void *meter)
{
    struct meter *m = meter;
    if (m != NULL && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
        free(m);
}

uint64_t meter_version(const struct meter *m) { return m->version; }

/* Another worker's now may be a little behind what the bucket has seen: then nothing has run in. */
static bool exceeds(struct band *b, uint64_t amount, uint64_t now)
{
    uint64_t cost = scaled(b->cost, amount);
    uint64_t full_at = atomic_load_explicit(&b->full_at, memory_order_relaxed), next;
    do {
        uint64_t owed = full_at > now ? full_at - now : 0;
        if (owed + cost > b->burst && owed > b->slack)
            return true;
        next = now + owed + cost;
    } while (!atomic_compare_exchange_weak_explicit(&b->full_at, &full_at, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return false;
}

/* Every bucket is charged: each measures all that comes. */
int meter_take(struct meter *m, uint32_t bytes, nsec_t now)
{
    uint64_t amount = m->pktps ? 1 : UINT64_C(8) * bytes;
    uint64_t at = (uint64_t)now << UNIT_SHIFT;
    int acts = -1;
    for (unsigned i = 0; i < m->n; i++) {
        if (exceeds(&m->band[i], amount, at) && acts < 0)
            acts = (int)i;
    }
    return acts;
}

/* ------------------------------------------------------------ packets */

/* A higher drop precedence in the same assured forwarding class (RFC 2597, 6); other code points
 * have none. */
static uint8_t remarked(uint8_t dscp, uint8_t by)
{
    unsigned class = dscp >> 3, precedence = dscp >> 1 & 3;
    if (class < 1 || class > 4 || precedence == 0 || (dscp & 1))
        return dscp;
    precedence = precedence + by > 3 ? 3 : precedence + by;
    return (uint8_t)(class << 3 | precedence << 1);
}

static void remark(struct rte_mbuf *m, uint8_t by)
{
    parse_need(m, PKT_DEPTH_ALL);
    const struct flow_key *k = &pkt_of(m)->key;
    struct op op = {.code = OP_SET_FIELD, .field = FF_IP_DSCP, .mask = {0x3f}};
    op.value[0] = remarked(k->ip_dscp, by);
    if (op.value[0] != k->ip_dscp)
        (void)edit_set_field(m, &op); /* no IP header: nothing to mark */
}

static void count(struct worker *w, uint32_t stats_id, const struct rte_mbuf *m)
{
    if (stats_id == UINT32_MAX)
        return;
    struct flow_stats *s = stats_at(&w->sw->flow_stats, w->index, stats_id);
    s->packets++;
    s->bytes += m->pkt_len;
    s->used_ns = w->now;
}

bool meter_run(struct worker *w, struct rte_mbuf *m, uint32_t id)
{
    struct meter *meter = idset_find(w->prog->meters, id);
    if (meter == NULL)
        return true; /* it went with its flows: this program is older */
    if (worker_is_dry(w))
        return true; /* whether it is one too many is for those that really come */
    count(w, meter->stats_id, m);
    int i = meter_take(meter, m->pkt_len, w->now);
    if (i < 0)
        return true;
    const struct band *b = &meter->band[i];
    count(w, b->stats_id, m);
    if (b->remark) {
        remark(m, b->prec_level);
        return true;
    }
    worker_drop(w, m, DROP_METERED);
    return false;
}
