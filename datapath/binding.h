/* datapath/binding.h: which MAC has this IP address, as tenants of a VNI say.
 *
 * What ARP/ND suppression answers from. Learnt from what comes out of tunnels, and configured. A
 * table of fixed size for the switch, keyed by the VNI's port and the address, hashed with a secret
 * since the addresses are the tenants' to choose. Eight entries a bucket; a full one gives up its
 * oldest learnt entry if that has been silent for a while, else the new one is not learnt. A VNI
 * has its share of the table, so no tenant can push out another's for good. A VNI's entries are
 * told apart by a number that no other port ever had, and so end with their port.
 *
 * Workers read and learn; control puts in what is configured. An entry is guarded by a sequence
 * number: who finds it being written goes on without it, nobody waits.
 */
#ifndef WEFT_DATAPATH_BINDING_H
#define WEFT_DATAPATH_BINDING_H

#include <stdatomic.h>

#include "base/types.h"

enum {
    BINDINGS_MAX = 1 << 16,     /* of a switch */
    BINDINGS_OF_VNI_MAX = 8192, /* of a port */
};
#define BINDING_AGE_NS \
    (1200 * NSEC_PER_SEC) /* as RFC 826's caches; the FDB must know the MAC, too */

struct bindings;

/* Of one port. */
struct binding_user {
    uint32_t serial;
    _Atomic uint32_t count, refused;
};

struct bindings *bindings_create(uint64_t hash_key);
void bindings_free(struct bindings *b);

/* True: it is in. `fixed`: configured; never forgotten, overwritten or aged. */
bool binding_learn(struct bindings *b, struct binding_user *u, const struct ip6 *ip, struct mac mac,
                   bool fixed, nsec_t now);
bool binding_find(const struct bindings *b, const struct binding_user *u, const struct ip6 *ip,
                  nsec_t now, struct mac *mac);
/* Control: the user's entries, only the configured ones if `fixed`. */
void binding_forget(struct bindings *b, struct binding_user *u, bool fixed);

#endif
