/* control/span.h: spanning trees for the switch's bridges (the glue between stp/ and
 * datapath/gate.h).
 *
 * Each bridge whose configuration says so has an engine; its ports take part under their OpenFlow
 * numbers (the LOCAL port is the host itself, a tunnel has split horizon: they take none). Control
 * says what is wanted, before a port or bridge goes and after a configuration was applied; the
 * protocol thread carries: BPDUs in, links in, states to the gates, flushes to the FDB, BPDUs out,
 * events to the log.
 *
 * What a bridge is born with (mode, region, instances) can't change in an engine: it gets a new
 * one, whose ports begin discarding. Every other key is followed while it runs.
 *
 * Thread: the protocol thread runs it (in stepped mode weft_step()), control configures and looks;
 * both under the lock inside, which nobody holds for long.
 */
#ifndef WEFT_CONTROL_SPAN_H
#define WEFT_CONTROL_SPAN_H

#include <jansson.h>

#include "control/config.h"
#include "control/log.h"
#include "datapath/switch.h"
#include "stp/stp.h"

struct span;

int span_create(struct weft_switch *sw, const struct log *log, struct span **out, struct errbuf *e);
void span_free(struct span *g);

/* ---- what is wanted: span_config.c; pure ---- */

/* How many trees the bridge has; 0: no spanning tree. */
unsigned span_trees(const struct config_bridge *b);
/* -EINVAL with a message that begins with the key. */
int span_bridge_config(const struct config_bridge *b, struct stp_config *out, struct errbuf *e);
/* of: the bridge's, whose instances the port's are matched with by number; NULL: they are only
 * checked. A port may have keys for an instance that its bridge hasn't: they wait for it. */
int span_port_config(const struct config_port *p, const struct stp_config *of,
                     struct stp_port_config *out, struct errbuf *e);

/* ---- control ---- */

/* The bridge follows want: a new engine, none, or changes. Call span_port() for its ports after it.
 */
int span_bridge(struct span *g, struct bridge *b, const struct config_bridge *want,
                struct errbuf *e);
/* A port of the bridge follows want. */
int span_port(struct span *g, struct port *p, const struct config_port *want, struct errbuf *e);
/* Before they are destroyed. */
void span_port_gone(struct span *g, struct port *p);
void span_bridge_gone(struct span *g, struct bridge *b);

/* What `weftctl stp show` shows of a bridge; NULL: it has no spanning tree. */
json_t *span_json(struct span *g, const struct bridge *b);
enum span_verb { SPAN_MIGRATE, SPAN_RECOVER };
int span_do(struct span *g, struct port *p, enum span_verb v, struct errbuf *e);

/* ---- protocol thread ---- */

/* A frame of PUNT_PROTO; takes it. False: it is no BPDU, and still the caller's. */
bool span_rx(struct span *g, struct rte_mbuf *m, nsec_t now);
/* Everything that is due. Returns when to come again: NSEC_NEVER when no bridge has a spanning
 * tree. */
nsec_t span_run(struct span *g, nsec_t now);

#endif
