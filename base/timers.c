#include "base/timers.h"

#include <errno.h>
#include <stdlib.h>

int timers_init(struct timers *t, uint32_t max)
{
    *t = (struct timers){.max = max};
    t->heap = calloc(max, sizeof *t->heap);
    t->at = malloc(max * sizeof *t->at);
    if (t->heap == NULL || t->at == NULL) {
        timers_free(t);
        return -ENOMEM;
    }
    memset(t->at, 0xff, max * sizeof *t->at);
    return 0;
}

void timers_free(struct timers *t)
{
    free(t->heap);
    free(t->at);
    *t = (struct timers){0};
}

static void put(struct timers *t, uint32_t at, struct timer x)
{
    t->heap[at] = x;
    t->at[x.id] = at;
}

static void up(struct timers *t, uint32_t at, struct timer x)
{
    while (at > 0 && x.due < t->heap[(at - 1) / 2].due) {
        put(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(t, at, x);
}

static void down(struct timers *t, uint32_t at, struct timer x)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < t->n && t->heap[child + 1].due < t->heap[child].due)
            child++;
        if (child >= t->n || t->heap[child].due >= x.due)
            break;
        put(t, at, t->heap[child]);
        at = child;
    }
    put(t, at, x);
}

static void place(struct timers *t, uint32_t at, struct timer x)
{
    if (at > 0 && x.due < t->heap[(at - 1) / 2].due)
        up(t, at, x);
    else
        down(t, at, x);
}

void timers_set(struct timers *t, uint32_t id, nsec_t due)
{
    uint32_t at = t->at[id];
    if (due != NSEC_NEVER) {
        place(t, at == TIMERS_NONE ? t->n++ : at, (struct timer){.due = due, .id = id});
        return;
    }
    if (at == TIMERS_NONE)
        return;
    t->at[id] = TIMERS_NONE;
    if (at != --t->n)
        place(t, at, t->heap[t->n]);
}
