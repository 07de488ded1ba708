/* control/vmport.h: VMs' ports: where a VM is, and telling the network so (docs/migration.md).
 *
 * Every port with bindings is known here, with a state:
 *
 *   waits    its device has no link yet: no guest
 *   held     (activation rarp or command) it lets nothing in or out, until the guest's first frame
 * or a command: the VM still runs elsewhere, and its MAC stays there active   the VM is here: it
 * was announced when that began away     its MAC is heard from elsewhere: it has moved, or somebody
 * else claims it
 *
 * Becoming active announces it (announce.h): the first round is sent by the thread that notices,
 * at once, the others by the protocol thread. The frames enter the bridge at the VM's port
 * (bridge_inject), so that VLANs, tunnels and bonds do with them what they do with any. Going away
 * cancels what is left. That a MAC is elsewhere is read from the FDB, which learns from every
 * frame: the last who speaks is believed, as everywhere in a bridged network.
 *
 * Threads: the protocol thread runs it, control sets, asks and triggers; all under one lock, which
 * control must not hold a port's destruction against: vmports_gone() comes first.
 */
#ifndef WEFT_CONTROL_VMPORT_H
#define WEFT_CONTROL_VMPORT_H

#include <jansson.h>

#include "base/errbuf.h"
#include "control/config.h"
#include "control/log.h"
#include "datapath/switch.h"

struct rte_mbuf;
struct vmports;

int vmports_create(struct weft_switch *sw, const struct log *log, struct vmports **out,
                   struct errbuf *e);
void vmports_free(struct vmports *v);

/* p is in its bridge, configured so: it is taken up, changed, or (without bindings) dropped. */
int vmports_set(struct vmports *v, struct port *p, const struct config_port *cfg, struct errbuf *e);
void vmports_gone(struct vmports *v, struct port *p);
/* A port's link has changed. */
void vmports_poke(struct vmports *v);

/* p NULL: all that are active. Returns how many ports; -ENOENT: p has no bindings; -EAGAIN: it is
 * not active. */
int vmports_announce(struct vmports *v, struct port *p, struct errbuf *e);
/* -ENOENT: p has no bindings. */
int vmports_activate(struct vmports *v, struct port *p, struct errbuf *e);

/* A frame of PUNT_PROTO; takes it if it is one that opened a port. */
bool vmports_rx(struct vmports *v, struct rte_mbuf *m, nsec_t now);
/* Everything that is due. Returns when to come again. */
nsec_t vmports_run(struct vmports *v, nsec_t now);

/* The VM's story, or NULL: p has no bindings. */
json_t *vmports_json(struct vmports *v, const struct port *p);

#endif
