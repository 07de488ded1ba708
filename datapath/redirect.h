/* datapath/redirect.h: late frames for a VM that has moved away follow it.
 *
 * Split horizon says that what came out of a tunnel goes into none: the sender has flooded, or
 * knows where the station is. For a VM that has just moved from here that isn't so: some remote
 * VTEPs still send to us what should go to its new host. A redirect, of one (VLAN, MAC) for some
 * seconds, lets l2 send such a unicast frame on to where the FDB says that the VM is now.
 *
 * No loops: never to the VTEP that it came from, and the outer TTL goes on counting down from what
 * the frame came with, so a circle of hosts that all believe another ends like one of routers. No
 * duplicates: one frame goes to one VTEP, and floods are not redirected. Frames from an uplink of a
 * VLAN are never sent back to it: the switch there learns from the announcement.
 *
 * Only frames that would be dropped ask (l2.c), so nobody pays for it. Writers: one at a time (the
 * protocol thread or control, under vmports' lock). Readers: workers, RCU.
 */
#ifndef WEFT_DATAPATH_REDIRECT_H
#define WEFT_DATAPATH_REDIRECT_H

#include <stdatomic.h>

#include "base/types.h"

struct bridge;

enum { REDIRECTS_MAX = 1024 }; /* of a bridge */

struct redirect {
    uint16_t vid;
    struct mac mac;
    _Atomic nsec_t until;
    _Atomic uint64_t frames;
};

struct redirect_set {
    uint16_t n;
    struct redirect *r[];
};

/* Begins one, or changes until when. 0, -ENOMEM, -ENOSPC. */
int bridge_redirect(struct bridge *b, uint16_t vid, struct mac mac, nsec_t until);
/* Ends it; returns how many frames went by it. */
uint64_t bridge_redirect_end(struct bridge *b, uint16_t vid, struct mac mac);
uint64_t bridge_redirected(const struct bridge *b, uint16_t vid, struct mac mac);

/* Workers: is dst redirected now? Counts. */
bool redirect_take(const struct bridge *b, uint16_t vid, struct mac dst, nsec_t now);

/* bridge_destroy(): nobody reads any more. */
void redirect_free_all(struct bridge *b);

#endif
