/* datapath/idset.h: things that a program finds by their OpenFlow number: its groups, its meters.
 *
 * A set is immutable and reference-counted: programs share it as long as nothing in it changes.
 * It holds a reference to each thing. Control makes and releases sets, workers look up: one
 * probe, or a few.
 */
#ifndef WEFT_DATAPATH_IDSET_H
#define WEFT_DATAPATH_IDSET_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/hash.h"

struct idset {
    _Atomic uint32_t refs;
    uint32_t mask; /* places - 1; at most half are taken */
    uint64_t version;
    void (*release)(void *thing);
    struct {
        uint32_t id;
        void *thing; /* NULL: free */
    } at[];
};

/* Takes over the n things (a reference to each), also on failure. NULL: no memory. */
struct idset *idset_create(const uint32_t *ids, void *const *things, uint32_t n, uint64_t version,
                           void (*release)(void *thing));
struct idset *idset_ref(const struct idset *s); /* NULL is fine */
void idset_release(struct idset *s);            /* NULL is fine */

/* Numbers come from controllers, who may as well send packets elsewhere: the hash needs no key. */
static inline uint32_t idset_place(uint32_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* NULL: none of that number, or no set. */
static inline void *idset_find(const struct idset *s, uint32_t id)
{
    if (s == NULL)
        return NULL;
    uint32_t at = idset_place(id) & s->mask;
    while (s->at[at].thing != NULL && s->at[at].id != id)
        at = (at + 1) & s->mask;
    return s->at[at].thing;
}

#endif
