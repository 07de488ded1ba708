/* decap.c: frames for our VTEPs lose their outer headers and come in again at the tunnel's port. */
#include <rte_ip.h>

#include "base/csum.h"
#include "datapath/pipeline.h"
#include "datapath/tunnel.h"
#include "datapath/tunnel_inner.h"

#define CUT_LATER (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

/* What came out of tunnels, in the order it came. */
struct freed {
    uint16_t n;
    struct rte_mbuf *m[WEFT_BURST];
    struct tunnel_in in[WEFT_BURST];
};

static enum drop_reason reason_of(enum outer_verdict v)
{
    switch (v) {
    case OUTER_FRAGMENT:
        return DROP_TUN_FRAGMENT;
    case OUTER_NOT_VXLAN:
        return DROP_TUN_NOT_VXLAN;
    case OUTER_BAD_UDP:
        return DROP_TUN_BAD_UDP;
    case OUTER_NO_CSUM:
        return DROP_TUN_NO_CSUM;
    case OUTER_BAD_HEADER:
        return DROP_TUN_BAD_HEADER;
    default:
        return DROP_TUN_BAD_IP;
    }
}

/* RFC 768. One that is not computed yet comes from a kernel on this machine: nothing to check. */
static bool csum_is_right(const struct rte_mbuf *m, const struct outer *o, bool v6)
{
    uint16_t udp_len = (uint16_t)(o->inner_off - o->udp_off + o->inner_len), sum;
    bool known = (m->ol_flags & RTE_MBUF_F_TX_UDP_CKSUM) == RTE_MBUF_F_TX_UDP_CKSUM ||
                 (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    if (o->udp_csum == 0 || known)
        return true;
    if (rte_raw_cksum_mbuf(m, o->udp_off, udp_len, &sum) != 0)
        return false;
    const uint8_t *l3 = rte_pktmbuf_mtod_offset(m, const uint8_t *, o->l3_off);
    return csum_finish(outer_pseudo_sum(l3, v6, udp_len) + sum) == 0;
}

void inner_set_tos(uint8_t *frame, const struct inner *in, uint8_t tos)
{
    uint8_t *ip = frame + in->ip, old[2] = {ip[0], ip[1]};
    if (in->version == 6) {
        ip[0] = (uint8_t)(0x60 | tos >> 4);
        ip[1] = (uint8_t)(tos << 4 | (ip[1] & 15));
        return;
    }
    ip[1] = tos;
    be16 csum;
    memcpy(&csum, ip + 10, 2);
    csum = csum_update(csum, old, ip, 2);
    memcpy(ip + 10, &csum, 2);
}

/* RFC 6040 section 4.2, RFC 2983. False: to be dropped. */
static bool fix_tos(const struct vtep *v, const struct outer *o, uint8_t *frame,
                    const struct inner *in)
{
    if (in->version == 0)
        return true;
    int ecn = outer_ecn(o->tos, in->tos);
    if (ecn < 0)
        return false;
    uint8_t dscp = v->opt.dscp_mode == TUNNEL_DSCP_UNIFORM ? o->tos & 0xfc : in->tos & 0xfc;
    uint8_t tos = (uint8_t)(dscp | ecn);
    if (tos != in->tos)
        inner_set_tos(frame, in, tos);
    return true;
}

static bool is_nested(const struct vtep *v, const struct inner *in)
{
    uint8_t proto;
    const uint8_t *ports = inner_ports(in, &proto);
    return ports != NULL && proto == IP_UDP && get16(ports + 2) == v->opt.local.udp_port;
}

/* Looks at the tenant's frame. DROP_COUNT: it is good. */
static enum drop_reason check_inner(const struct vtep *v, struct rte_mbuf *m, const struct outer *o)
{
    uint8_t *frame = rte_pktmbuf_mtod_offset(m, uint8_t *, o->inner_off);
    size_t room = (size_t)m->data_len - o->inner_off;
    if (o->inner_len < 14 || room < 14)
        return DROP_TUN_INNER_SHORT;
    struct inner in = inner_of(frame, room < o->inner_len ? room : o->inner_len);
    if (in.tagged && !v->opt.allow_inner_vlan)
        return DROP_TUN_INNER_VLAN;
    if (!v->opt.allow_nested && is_nested(v, &in))
        return DROP_TUN_NESTED;
    return fix_tos(v, o, frame, &in) ? DROP_COUNT : DROP_TUN_ECN;
}

/* The endpoint that sent it; 0: nobody that may, or no room to note it. Whoever guesses at VNIs
 * isn't noted: endpoints are for life. */
static uint16_t sender_of(struct vtep *v, const struct outer *o)
{
    uint16_t from = endpoint_find(v, &o->src);
    if (from != 0 || v->opt.known_only || tunnel_port_for(v, o->vxlan.vni, 0) == NULL)
        return from;
    return endpoint_add(v, &o->src);
}

static bool may_send(const struct vtep *v, const struct tunnel_port *t, uint16_t from)
{
    return t->remote != 0 ? from == t->remote : from != 0 || !v->opt.known_only;
}

static bool strip(struct rte_mbuf *m, const struct outer *o)
{
    uint32_t tail = m->pkt_len - o->inner_off - o->inner_len;
    rte_pktmbuf_adj(m, o->inner_off);
    m->ol_flags &=
        ~(RTE_MBUF_F_TX_OFFLOAD_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK);
    return tail == 0 || rte_pktmbuf_trim(m, (uint16_t)tail) == 0;
}

/* DROP_COUNT: it is in f. */
static enum drop_reason decap(struct worker *w, struct vtep *v, struct rte_mbuf *m,
                              const struct outer *o, struct freed *f)
{
    if (m->ol_flags & CUT_LATER)
        return DROP_RX_BAD_OFFLOAD;
    if (!csum_is_right(m, o, v->opt.local.v6))
        return DROP_TUN_BAD_CSUM;
    uint16_t from = sender_of(v, o);
    struct tunnel_port *t = tunnel_port_for(v, o->vxlan.vni, from);
    if (t == NULL)
        return DROP_TUN_UNKNOWN_VNI;
    if (!may_send(v, t, from))
        return DROP_TUN_UNKNOWN_REMOTE;
    enum drop_reason why = check_inner(v, m, o);
    if (why != DROP_COUNT)
        return why;
    if (__builtin_expect(atomic_load_explicit(&t->suppress, memory_order_relaxed), 0))
        tunnel_bind(w, t, rte_pktmbuf_mtod_offset(m, const uint8_t *, o->inner_off),
                    RTE_MIN((size_t)m->data_len - o->inner_off, (size_t)o->inner_len));
    if (!strip(m, o))
        return DROP_TUN_BAD_UDP;
    f->m[f->n] = m;
    f->in[f->n++] =
        (struct tunnel_in){.port = t->port, .vni = o->vxlan.vni, .from = from, .ttl = o->ttl};
    return DROP_COUNT;
}

/* True: m is taken. */
static bool take(struct worker *w, struct port *p, struct vtep_link *l, struct rte_mbuf *m,
                 struct freed *f)
{
    const struct outer_local *me = atomic_load_explicit(&l->local, memory_order_acquire);
    struct outer o;
    enum outer_verdict verdict =
        outer_decode(me, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len, &o);
    if ((verdict == OUTER_OTHER || verdict == OUTER_NOT_VXLAN) && underlay_neighbour(w, l, m))
        return true;
    if (verdict == OUTER_OTHER)
        return false;
    enum drop_reason why = verdict == OUTER_OK ? decap(w, l->v, m, &o, f) : reason_of(verdict);
    if (why != DROP_COUNT)
        worker_drop_in(w, p, m, why);
    return true;
}

static void count(struct worker *w, const struct port *p, const struct rte_mbuf *m)
{
    struct port_stats *s = &p->stats[w->index];
    s->rx_packets++;
    s->rx_bytes += m->pkt_len;
}

/* Those in a row that are of one bridge go on together. */
static void go_on(struct worker *w, struct freed *f)
{
    for (uint16_t i = 0, end; i < f->n; i = end) {
        struct burst b;
        struct bridge *br = f->in[i].port->bridge;
        b.n = 0;
        for (end = i; end < f->n && f->in[end].port->bridge == br; end++) {
            count(w, f->in[end].port, f->m[end]);
            b.m[b.n++] = f->m[end];
        }
        pipeline_run_tunnel(w, br, &b, &f->in[i]);
    }
}

void stage_decap(struct worker *w, struct port *p, struct burst *b)
{
    struct freed f = {.n = 0};
    uint16_t kept = 0;
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    if (config & (PORT_CFG_DOWN | PORT_CFG_NO_RECV))
        return; /* admit says why */
    for (uint16_t i = 0; i < b->n; i++) {
        struct vtep_link *l = atomic_load_explicit(&p->vteps, memory_order_acquire);
        while (l != NULL && !take(w, p, l, b->m[i], &f))
            l = atomic_load_explicit(&l->next_on_port, memory_order_acquire);
        if (l == NULL)
            b->m[kept++] = b->m[i];
    }
    b->n = kept;
    go_on(w, &f);
}
