/* control/apply_mtu.c: what fits a tunnel is offered to those who send into it.
 *
 * A tap or a router's interface that asks for no MTU gets the least of the vxlan ports in its
 * VLANs, so a VM's kernel never makes what is too long for a VNI of its. Ports whose devices
 * are somebody else's (af_packet, vhost-user) keep theirs. */
#include <string.h>

#include "control/weft_priv.h"
#include "datapath/l2_vlan.h"
#include "datapath/tunnel.h"

enum { MTU_DEFAULT = 1500 };

bool apply_mtu_follows(const struct config_port *cp)
{
    return !cp->mtu && (!strcmp(cp->type, "tap") || !strcmp(cp->type, "router"));
}

/* A tunnel's port carries its access VLAN, or what its trunk allows. */
static bool share_vlan(const struct port *tunnel, const struct port *p)
{
    const struct port_vlan *t = l2_vlan_of(tunnel), *v = l2_vlan_of(p);
    struct l2_tag tag = {.vid = t->tag};
    if (t->mode == VLAN_ACCESS)
        return l2_vlan_member(v, &tag);
    for (tag.vid = v->tag; v->mode != VLAN_ACCESS && tag.vid < 4095; tag.vid++)
        if (l2_vlan_member(v, &tag) && l2_vlan_member(t, &tag))
            return true;
    return l2_vlan_member(t, &tag);
}

static uint16_t mtu_for(const struct of_bridge *b, const struct weft_port *p)
{
    uint16_t least = MTU_DEFAULT;
    const struct weft_port *t;
    TAILQ_FOREACH(t, &b->ports, next)
        if (t->dp->tunnel && t->dp->mtu < least && share_vlan(t->dp, p->dp))
            least = t->dp->mtu;
    return least;
}

int apply_mtus(struct weft *w, struct errbuf *e)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < w->n_bridges; i++) {
        struct weft_port *p;
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next) {
            uint16_t mtu = p->cfg && apply_mtu_follows(p->cfg) ? mtu_for(w->bridges[i], p) : 0;
            if (r == 0 && mtu && mtu != p->dp->mtu)
                r = port_set_mtu(p->dp, mtu, e);
        }
    }
    return r;
}
