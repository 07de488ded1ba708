/* base/timers.h: many timers, of which only the next one matters.
 *
 * A binary heap of (due, id), ids being 0..max-1, each with one timer. Setting, moving and stopping
 * cost log2(running); asking for the next costs nothing. Memory is taken once. For engines with
 * thousands of instances: VRRP, neighbours. Pure, one thread.
 *
 * Invariant: at[id] is where id's timer is in the heap, or TIMERS_NONE.
 */
#ifndef WEFT_BASE_TIMERS_H
#define WEFT_BASE_TIMERS_H

#include "base/types.h"

#define TIMERS_NONE UINT32_MAX

struct timer {
    nsec_t due;
    uint32_t id;
};

struct timers {
    struct timer *heap;
    uint32_t *at;
    uint32_t n, max;
};

/* 0 or -ENOMEM. */
int timers_init(struct timers *t, uint32_t max);
void timers_free(struct timers *t);

/* The timer of `id` is due then; NSEC_NEVER stops it. */
void timers_set(struct timers *t, uint32_t id, nsec_t due);

/* When the next timer is due, or NSEC_NEVER. */
static inline nsec_t timers_due(const struct timers *t)
{
    return t->n ? t->heap[0].due : NSEC_NEVER;
}

/* Whose it is; only when one runs. */
static inline uint32_t timers_first(const struct timers *t) { return t->heap[0].id; }

#endif
