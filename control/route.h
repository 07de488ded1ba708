/* control/route.h: the seam where a control plane between hosts plugs in, as BGP EVPN would.
 *
 * Without one, hosts hear of each other's VMs from data: the announcement moves every FDB, and
 * VTEPs are listed in the configuration. A control plane wants the same facts as calls: what we
 * have (advertise), have no more (withdraw), and what others say they have (learned). The words are
 * RFC 7432's: a route is a MAC/IP advertisement (route type 2) of a VNI; `seq` is the MAC Mobility
 * extended community's sequence number (section 7.7): who moves a MAC to himself says one more than
 * he has heard, the greater wins, and of equals the lower VTEP address. A sticky route (bit 0 of
 * the community) never moves.
 *
 * Nothing calls or implements these verbs yet. Where they belong: activate() and hold() or
 * go_away() of vmport.c advertise and withdraw (`moves` there is our part of the sequence number);
 * what was learned and route_wins() goes into the FDB as a frame's source does. Here is the
 * decision, pure; any thread.
 */
#ifndef WEFT_CONTROL_ROUTE_H
#define WEFT_CONTROL_ROUTE_H

#include "base/types.h"

struct route {
    uint32_t vni;
    struct mac mac;
    bool has_ip, ip6;
    struct ip6 ip;   /* an IPv4 address lies in its first four bytes */
    struct ip6 vtep; /* whose it is; of the underlay's family */
    uint32_t seq;    /* RFC 7432 section 7.7; 0: never moved */
    bool sticky;     /* never moves (section 7.7, bit 0) */
};

/* Verbs of a control plane; ctx is its own. Called under vmports' lock: they must not wait. */
struct route_ops {
    void (*advertise)(void *ctx, const struct route *r);
    void (*withdraw)(void *ctx, const struct route *r);
};

/* Does `news` take the MAC from who `had` it? RFC 7432 section 15.1: the greater number; of equals
 * the lower VTEP; a sticky one loses to nobody that isn't. */
static inline bool route_wins(const struct route *news, const struct route *had)
{
    if (news->sticky != had->sticky)
        return news->sticky;
    if (news->seq != had->seq)
        return news->seq > had->seq;
    return memcmp(news->vtep.b, had->vtep.b, sizeof had->vtep.b) < 0;
}

#endif
