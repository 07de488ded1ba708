/* idset.c: made whole, never changed. */
#include "datapath/idset.h"

#include <stdlib.h>

struct idset *idset_create(const uint32_t *ids, void *const *things, uint32_t n, uint64_t version,
                           void (*release)(void *thing))
{
    uint32_t size = 2;
    while (size < 2 * n)
        size *= 2;
    struct idset *s = calloc(1, sizeof *s + size * sizeof s->at[0]);
    for (uint32_t i = 0; s == NULL && i < n; i++)
        release(things[i]);
    if (s == NULL)
        return NULL;
    s->refs = 1;
    s->mask = size - 1;
    s->version = version;
    s->release = release;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = idset_place(ids[i]) & s->mask;
        while (s->at[at].thing != NULL)
            at = (at + 1) & s->mask;
        s->at[at].id = ids[i];
        s->at[at].thing = things[i];
    }
    return s;
}

struct idset *idset_ref(const struct idset *s)
{
    struct idset *own = (struct idset *)(uintptr_t)s;
    if (own != NULL)
        atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

void idset_release(struct idset *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i <= s->mask; i++) {
        if (s->at[i].thing != NULL)
            s->release(s->at[i].thing);
    }
    free(s);
}
