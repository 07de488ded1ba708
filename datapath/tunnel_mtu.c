/* tunnel_mtu.c: who sends too much into a tunnel is told, where there is a router to say so.
 *
 * The router's interface in the VLAN of the vxlan port lends its address: RFC 1191 section 4, RFC
 * 8201 section 3. Without one the named drop is all that a bridge may do. */
#include "datapath/l2_vlan.h"
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "datapath/router.h"
#include "datapath/tunnel.h"
#include "datapath/tunnel_inner.h"

uint16_t tunnel_inner_mtu(const struct vtep *v, uint16_t underlay_mtu)
{
    /* The outer IP packet holds all but the outer Ethernet header, and the inner one's instead. */
    uint16_t over = v->opt.local.v6 ? OUTER_BYTES_IPV6 : OUTER_BYTES_IPV4;
    return underlay_mtu > over + WEFT_MTU_MIN ? (uint16_t)(underlay_mtu - over) : WEFT_MTU_MIN;
}

static struct router_if *router_in(const struct bridge *b, uint16_t vid)
{
    const struct bridge_ports *ports = atomic_load_explicit(&b->ports, memory_order_acquire);
    const struct l2_tag t = {.vid = vid};
    for (uint16_t i = 0; i < ports->n; i++) {
        struct port *q = ports->list[i];
        if (q->router != NULL && l2_vlan_member(l2_vlan_of(q), &t))
            return q->router;
    }
    return NULL;
}

/* May routers on its way not cut it? IPv6 always (RFC 8200 section 4.5). */
static bool is_whole(const struct inner *in, const struct rte_mbuf *m)
{
    const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + in->ip;
    return in->version == 6 || (in->version == 4 && (ip[6] & 0x40));
}

void tunnel_too_big(struct worker *w, const struct port *p, const struct rte_mbuf *m)
{
    const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);
    struct inner in = inner_of(b, m->data_len);
    if (p->bridge == NULL || !is_whole(&in, m))
        return;
    uint16_t vid = in.tagged ? get16(b + 14) & 0xfff : l2_vlan_of(p)->tag;
    struct router_if *r = router_in(p->bridge, vid);
    if (r != NULL)
        route_error_about(w, r, m, (uint16_t)(in.ip - 14), p->mtu);
}
