/* A binary heap of instances by their next timer; each knows its place, so a change is log2(n). */
#include "vrrp/internal.h"

static nsec_t due_at(const struct vrrp *v, uint32_t at) { return v->all[v->heap[at]].due; }

static void put(struct vrrp *v, uint32_t at, uint32_t id)
{
    v->heap[at] = id;
    v->all[id].heap_at = at;
}

static void swap(struct vrrp *v, uint32_t a, uint32_t b)
{
    uint32_t id = v->heap[a];
    put(v, a, v->heap[b]);
    put(v, b, id);
}

static void sift(struct vrrp *v, uint32_t at)
{
    while (at > 0 && due_at(v, at) < due_at(v, (at - 1) / 2)) {
        swap(v, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < v->n_heap && due_at(v, child) < due_at(v, least))
                least = child;
        }
        if (least == at)
            return;
        swap(v, at, least);
        at = least;
    }
}

static void leave(struct vrrp *v, struct instance *i)
{
    uint32_t at = i->heap_at;
    i->heap_at = NONE;
    if (at == --v->n_heap)
        return;
    put(v, at, v->heap[v->n_heap]);
    sift(v, at);
}

static nsec_t least(nsec_t a, nsec_t b) { return a < b ? a : b; }

void timers_set(struct vrrp *v, struct instance *i)
{
    i->due = least(least(i->down_at, i->adver_at), least(i->preempt_at, i->announce_at));
    if (i->due == NSEC_NEVER) {
        if (i->heap_at != NONE)
            leave(v, i);
        return;
    }
    if (i->heap_at == NONE)
        put(v, v->n_heap++, id_of(v, i));
    sift(v, i->heap_at);
}

struct instance *timers_first(const struct vrrp *v)
{
    return v->n_heap ? &v->all[v->heap[0]] : NULL;
}

nsec_t vrrp_deadline(const struct vrrp *v)
{
    const struct instance *i = timers_first(v);
    return i ? i->due : NSEC_NEVER;
}

void vrrp_tick(struct vrrp *v, nsec_t now)
{
    struct instance *i;
    v->now = now;
    while ((i = timers_first(v)) != NULL && i->due <= now)
        machine_timer(v, i);
}
