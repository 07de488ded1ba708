/* datapath/l2_vlan.h: VLAN modes, in and out.
 *
 * The bridge thinks in one VLAN per frame, 0 being none. A port's mode says
 * which it is when a frame comes in, and what tags the frame has when it goes out,
 * in Open vSwitch's terms (ovs-vswitchd.conf.db(5), "VLAN Configuration"). A struct l2_tag is the
 * frame's tag as the bridge sees it; on a dot1q-tunnel port that tag is not in the frame
 * yet, and the frame's own tags are its customer's. Pure but for l2_vlan_write. Workers.
 */
#ifndef WEFT_DATAPATH_L2_VLAN_H
#define WEFT_DATAPATH_L2_VLAN_H

#include "datapath/pkt.h"
#include "datapath/port.h"

struct l2_tag {
    uint16_t vid;   /* the bridge's VLAN; 0: none */
    uint16_t tpid;  /* of the tag, should it be written */
    uint8_t pcp;    /* of the tag; DEI in bit 3: tci bits 12..15 */
    bool in_frame;  /* the frame's outermost tag is this one */
    uint16_t inner; /* VID of the tag inside it; 0: none */
};

/* A port without a configuration is a trunk of all VLANs. */
extern const struct port_vlan l2_every_vlan;
static inline const struct port_vlan *l2_vlan_of(const struct port *p)
{
    const struct port_vlan *v = atomic_load_explicit(&p->vlan, memory_order_acquire);
    return v != NULL ? v : &l2_every_vlan;
}

/* The VLAN of m that came in on p (NULL: from the controller). False: not allowed in. */
bool l2_vlan_in(const struct port *p, const struct rte_mbuf *m, struct l2_tag *t);

/* Does the port carry frames of this tag? */
bool l2_vlan_allows(const struct port_vlan *v, const struct l2_tag *t);
static inline bool l2_vlan_member(const struct port_vlan *v, const struct l2_tag *t)
{
    return v->every || l2_vlan_allows(v, t);
}

/* Does the frame leave as it is? Else l2_vlan_write(). */
static inline bool l2_vlan_as_is(const struct port_vlan *v, const struct l2_tag *t)
{
    return v->every && (t->vid == 0 ? !t->in_frame : t->in_frame);
}

/* Makes m's tags what the port sends. False: no room for a tag. */
bool l2_vlan_write(const struct port_vlan *v, const struct l2_tag *t, struct rte_mbuf *m);

#endif
