/* port_vxlan.c: a VNI of one of our VTEPs as a port. What it receives comes by decap.c. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/port_util.h"
#include "datapath/switch.h"
#include "datapath/tunnel.h"

/* The endpoints that floods go to. NULL: no memory, or no room for endpoints. */
static struct tunnel_flood *flood_of(struct vtep *v, const struct port_options *o)
{
    struct tunnel_flood *f = calloc(1, sizeof *f + o->n_remotes * sizeof f->to[0]);
    for (unsigned i = 0; f != NULL && i < o->n_remotes; i++) {
        uint16_t to = endpoint_add(v, &o->remotes[i]);
        if (to == 0) {
            free(f);
            return NULL;
        }
        f->to[f->n++] = to;
    }
    return f;
}

static int check(const struct port_options *o, struct errbuf *e)
{
    if (o->vni > VXLAN_VNI_MAX)
        return errbuf_set(e, EINVAL, "port %s: VNI %u; give 0..%d", o->name, o->vni, VXLAN_VNI_MAX);
    if (o->n_remotes > WEFT_REMOTES_MAX)
        return errbuf_set(e, EINVAL, "port %s: %u remote VTEPs; at most %d", o->name, o->n_remotes,
                          WEFT_REMOTES_MAX);
    return 0;
}

static int make(struct port *p, struct vtep *v, const struct port_options *o, struct errbuf *e)
{
    struct tunnel_port *t = calloc(1, sizeof *t);
    struct tunnel_flood *f = flood_of(v, o);
    if (t == NULL || f == NULL) {
        free(t);
        free(f);
        return errbuf_set(e, ENOMEM, "port %s: out of memory, or of the VTEP's %d endpoints",
                          o->name, FDB_ENDPOINTS_MAX - 1);
    }
    *t = (struct tunnel_port){.port = p,
                              .vtep = v,
                              .vni = o->vni,
                              .any_vni = o->any_vni,
                              .any_remote = o->any_remote,
                              .flood = f};
    if (o->point_to_point && f->n > 0)
        t->remote = f->to[0];
    for (unsigned i = 0; i < f->n; i++) {
        if (endpoint_at(v, f->to[i])->multicast)
            t->group = endpoint_at(v, f->to[i])->ip;
    }
    t->user.serial = (uint32_t)++p->sw->vtep_serial;
    int r = tunnel_port_join(t, e);
    if (r != 0) {
        free(f);
        free(t);
        return r;
    }
    p->tunnel = t;
    return 0;
}

static int vxlan_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct vtep *v = o->vtep != NULL ? vtep_find(p->sw, o->vtep) : NULL;
    if (v == NULL)
        return errbuf_set(e, ENOENT, "port %s: no VTEP \"%s\"", o->name,
                          o->vtep != NULL ? o->vtep : "");
    int r = check(o, e);
    if (r == 0)
        r = make(p, v, o, e);
    if (r != 0)
        return r;
    uint16_t underlay = vtep_underlay_mtu(v);
    p->caps = PORT_CAP_MULTISEG;
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "vxlan") : o->mac;
    p->tunnel->auto_mtu = o->mtu == 0;
    if (o->mtu == 0)
        p->mtu = tunnel_inner_mtu(v, underlay != 0 ? underlay : 1500);
    return 0;
}

/* No worker sends to it any more, and after leaving none brings it frames. */
static void vxlan_close(struct port *p)
{
    tunnel_port_leave(p->tunnel);
    if (p->sw->bindings != NULL)
        binding_forget(p->sw->bindings, &p->tunnel->user, false);
    free((void *)p->tunnel->flood);
    free(p->tunnel);
}

static int set_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static int set_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    (void)p, (void)mac, (void)e;
    return 0;
}

/* Up while one of the underlay's links is. */
static struct port_link vxlan_link(struct port *p)
{
    const struct vtep *v = p->tunnel->vtep;
    for (unsigned i = 0; i < v->n_links; i++) {
        struct port *uplink = atomic_load(&v->link[i].uplink);
        struct port_link l = uplink != NULL ? uplink->last_link : (struct port_link){.up = false};
        l.up = vtep_link_up(v, i);
        if (l.up)
            return l;
    }
    return (struct port_link){.up = false};
}

const struct port_ops port_vxlan_ops = {
    .type = "vxlan",
    .open = vxlan_open,
    .close = vxlan_close,
    .tx_burst = tunnel_tx,
    .set_mtu = set_mtu,
    .set_mac = set_mac,
    .link = vxlan_link,
};
