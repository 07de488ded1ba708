/* Idle and hard timeouts (1.3.5, 5.5): a heap on the earliest time at which each flow may end.
 *
 * Whether an idle flow was hit is looked up only when the time that we knew of has come, so a
 * flow costs one look at its counters per idle timeout, however busy it is. */
#include "ofproto/model/priv.h"

#include <stdlib.h>

bool heap_reserve(struct heap *h)
{
    if (h->n < h->cap)
        return true;
    uint32_t cap = h->cap ? 2 * h->cap : 64;
    struct node **at = reallocarray(h->at, cap, sizeof(struct node *));
    if (!at)
        return false;
    h->at = at;
    h->cap = cap;
    return true;
}

static void place(struct heap *h, uint32_t i, struct node *n)
{
    h->at[i] = n;
    n->heap_at = i + 1;
}

static void sift_up(struct heap *h, uint32_t i)
{
    struct node *n = h->at[i];
    for (; i > 0 && h->at[(i - 1) / 2]->due > n->due; i = (i - 1) / 2)
        place(h, i, h->at[(i - 1) / 2]);
    place(h, i, n);
}

static void sift_down(struct heap *h, uint32_t i)
{
    struct node *n = h->at[i];
    for (uint32_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && h->at[child + 1]->due < h->at[child]->due)
            child++;
        if (h->at[child]->due >= n->due)
            break;
        place(h, i, h->at[child]);
    }
    place(h, i, n);
}

void heap_add(struct heap *h, struct node *n)
{
    h->at[h->n] = n;
    sift_up(h, h->n++);
}

void heap_remove(struct heap *h, struct node *n)
{
    if (!n->heap_at)
        return;
    uint32_t i = n->heap_at - 1;
    n->heap_at = 0;
    struct node *last = h->at[--h->n];
    if (last == n)
        return;
    place(h, i, last);
    sift_up(h, i);
    sift_down(h, last->heap_at - 1);
}

nsec_t timeout_due(const struct ofm_flow *f, nsec_t used)
{
    nsec_t hard = NSEC_NEVER, idle = NSEC_NEVER;
    if (f->hard_s)
        hard = f->created_ns + f->hard_s * NSEC_PER_SEC;
    if (f->idle_s)
        idle = (used > f->created_ns ? used : f->created_ns) + f->idle_s * NSEC_PER_SEC;
    return hard < idle ? hard : idle;
}

static bool hard_is_over(const struct ofm_flow *f, nsec_t now)
{
    return f->hard_s && now >= f->created_ns + f->hard_s * NSEC_PER_SEC;
}

static nsec_t last_used(const struct ofm *m, const struct ofm_flow *f)
{
    uint64_t packets, bytes;
    nsec_t used = 0;
    m->counters.read(m->counters.ctx, f->stats_id, &packets, &bytes, &used);
    return used;
}

void ofm_tick(struct ofm *m, nsec_t now)
{
    while (m->heap.n && m->heap.at[0]->due <= now) {
        struct node *n = m->heap.at[0];
        if (hard_is_over(&n->f, now)) {
            model_end(m, n, OFPRR_HARD_TIMEOUT, now);
            continue;
        }
        nsec_t due = timeout_due(&n->f, last_used(m, &n->f));
        if (due <= now) {
            model_end(m, n, OFPRR_IDLE_TIMEOUT, now);
            continue;
        }
        n->due = due;
        sift_down(&m->heap, 0);
    }
}

nsec_t ofm_deadline(const struct ofm *m) { return m->heap.n ? m->heap.at[0]->due : NSEC_NEVER; }
