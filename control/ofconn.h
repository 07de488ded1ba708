/* control/ofconn.h: a bridge's controllers, as TCP connections.
 *
 * Carries bytes between libevent's bufferevents and sans-I/O sessions (ofs_*). A "tcp:" controller
 * is connected to again and again, after 1, 2, 4, 8, 8, ... seconds; a "ptcp:" one listens and
 * takes several at once. A slow peer is not buffered without end: the session's own limits
 * hold, because only some bytes at a time are handed down. Control thread.
 */
#ifndef WEFT_CONTROL_OFCONN_H
#define WEFT_CONTROL_OFCONN_H

#include <jansson.h>

#include "base/errbuf.h"
#include "ofproto/session/session.h"

struct of_bridge;
struct of_conns;

struct of_conns *of_conns_create(struct of_bridge *b);
void of_conns_free(struct of_conns *c);
/* Controllers that stay keep their connections. -errno with a message when one can't listen. */
int of_conns_set(struct of_conns *c, char **targets, unsigned n, struct errbuf *e);
/* Ends every connection (a changed datapath id); they come again. */
void of_conns_drop(struct of_conns *c);
/* Timers of the sessions; returns when next due. */
nsec_t of_conns_run(struct of_conns *c, nsec_t now);
/* Calls fn for each session that is up, then sends what it left. */
void of_conns_each(struct of_conns *c, void (*fn)(void *ctx, struct ofs *s), void *ctx);
unsigned of_conns_up(const struct of_conns *c);
/* Primary controllers are those that weft connects to (tcp:). Who connects to
 * a listener (ptcp:, say ovs-ofctl) is a guest: it may program the bridge, but its
 * coming and going decides nothing about the fail mode, as in Open vSwitch. */
unsigned of_conns_primary(const struct of_conns *c);
unsigned of_conns_primary_up(const struct of_conns *c);
/* Does a primary controller speak 1.0, where what no flow matches goes to the controller? */
bool of_conns_wants_misses(const struct of_conns *c);
json_t *of_conns_json(const struct of_conns *c);

#endif
