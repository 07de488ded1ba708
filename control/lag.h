/* control/lag.h: LACP for the switch's bonds (the glue between lacp/ and datapath/bond.h).
 *
 * One LACP system for the whole switch, so that a cable between two of its ports is seen whatever
 * bonds they belong to. Each bond in mode lacp is an aggregator, each of its members a port of the
 * engine. lag_run() compares what the engine has with what the bonds are, every time: control
 * changes bonds and needs not tell. The rest is carrying: PDUs in, link changes in, gates to
 * bond_set_gate(), PDUs out, events to the log.
 *
 * The system's address is that of the first member of the first bond, kept until weftd ends.
 *
 * Thread: the protocol thread runs it (in stepped mode weft_step()); control looks at it. Both
 * under weft_switch.bond_lock, which nobody holds for long.
 */
#ifndef WEFT_CONTROL_LAG_H
#define WEFT_CONTROL_LAG_H

#include "control/log.h"
#include "datapath/bond.h"
#include "lacp/lacp.h"

enum { LAG_AUTO_KEYS = 0xff00, LAG_PORTS = 64, LAG_LINK_POLL_MS = 3 };

/* A port of the engine, and whose it is. */
struct lag_port {
    struct bond *bond; /* NULL: free */
    struct port *port;
    unsigned member;
    bool up; /* as the engine was told */
};

struct lag {
    struct weft_switch *sw;
    const struct log *log;
    struct lacp *lacp; /* NULL: there was no bond in mode lacp yet */
    struct lag_port port[LAG_PORTS];
    nsec_t links_due;
    uint64_t rx_strangers; /* PDUs from ports that are no members any more */
};

int lag_create(struct weft_switch *sw, const struct log *log, struct lag **out, struct errbuf *e);
void lag_free(struct lag *g);

/* A frame of PUNT_PROTO; takes it. False: it is no Slow Protocols frame, and still the caller's. */
bool lag_rx(struct lag *g, struct rte_mbuf *m, nsec_t now);
/* Everything that is due. Returns when to come again: NSEC_NEVER when there is no bond. */
nsec_t lag_run(struct lag *g, nsec_t now);

/* Under bond_lock: the engine's port of a bond's member, or -1. */
int lag_find(const struct lag *g, const struct bond *b, unsigned member);
/* Which aggregator a bond is. */
int lag_agg(const struct lag *g, const struct bond *b);

#endif
