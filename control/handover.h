/* control/handover.h: what moves with a VM besides its frames: its port's identity, as JSON.
 *
 * The source exports a port; the destination imports it into a port of its own, whose device is its
 * own affair. What travels is what a VM is, not where: bindings, network (VNI or VLAN), security,
 * limits, and its OpenFlow number, if that is free there. The document says what it is and its
 * version, and carries a SHA-256 of its state (compact, keys sorted), so that a cut or edited one
 * is refused whole:
 *
 *     {"weft": "port-handover", "version": 1, "port": "vm7", "state": {...}, "sha256": "..."}
 *
 * An importer takes versions up to its own, and refuses keys that it doesn't know: half a VM's
 * security is none. The checksum is against accidents; who may write to the API's socket is
 * trusted. Control thread.
 */
#ifndef WEFT_CONTROL_HANDOVER_H
#define WEFT_CONTROL_HANDOVER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/errbuf.h"

enum { HANDOVER_VERSION = 1 };

/* The document around a state (taken). NULL: no memory. */
json_t *handover_seal(const char *port, json_t *state);
/* The state of a document that is whole, borrowed; else NULL with a message. */
const json_t *handover_open(const json_t *doc, struct errbuf *e);
/* Does a port's key of the configuration travel? */
bool handover_carries(const char *key);

#endif
