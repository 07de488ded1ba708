/* l2.c: NORMAL switching (IEEE 802.1Q-2018 clause 8), FLOOD and ALL. */
#include "datapath/act_internal.h"
#include "datapath/bond.h"
#include "datapath/l2_vlan.h"
#include "datapath/parse.h"
#include "datapath/redirect.h"
#include "datapath/tunnel.h"

static bool is_open(const struct port *p)
{
    uint32_t config = atomic_load_explicit(&p->config, memory_order_relaxed);
    return (config & (PORT_CFG_DOWN | PORT_CFG_NO_FWD)) == 0 &&
           atomic_load_explicit(&p->link_up, memory_order_relaxed);
}

/* Split horizon: every VTEP hears a flooded frame from the one it entered at, so what came out of a
 * tunnel goes into none. */
static bool same_side(const struct port *in, const struct port *out)
{
    return out->tunnel != NULL && in != NULL && in->tunnel != NULL;
}

/* Out of a port; with a tag as the port's mode has it, or (t NULL) as it is. */
static void send(struct worker *w, struct rte_mbuf *m, struct port *p, const struct l2_tag *t)
{
    if (t != NULL && !l2_vlan_write(l2_vlan_of(p), t, m))
        worker_drop_at(w, p, m, DROP_ACTION_BAD);
    else
        worker_tx(w, p, m);
}

static void send_copy(struct worker *w, struct rte_mbuf *m, struct port *p, const struct l2_tag *t)
{
    struct rte_mbuf *c = pkt_clone(w, m);
    if (c == NULL)
        act_no_mbuf(w, m);
    else
        send(w, c, p, t);
}

/* To every port but the ingress one (of the tag's VLAN, when there is one). The last takes m. */
static void flood(struct worker *w, struct rte_mbuf *m, const struct l2_tag *t)
{
    const struct pkt *k = pkt_of(m);
    const struct bridge_ports *ports =
        atomic_load_explicit(&k->bridge->ports, memory_order_acquire);
    struct port *last = NULL;
    for (uint16_t i = 0; i < ports->n; i++) {
        struct port *p = ports->list[i];
        if (p == k->in_port || same_side(k->in_port, p) || !is_open(p) ||
            (t != NULL && !l2_vlan_member(l2_vlan_of(p), t)))
            continue;
        if ((p->caps & PORT_CAP_BOND) && !worker_is_dry(w))
            bond_flooded(p, m, w->now);
        if (last != NULL)
            send_copy(w, m, last, t);
        last = p;
    }
    if (last != NULL)
        send(w, m, last, t);
    else
        worker_drop(w, m, DROP_NO_DESTINATION);
}

void l2_flood(struct worker *w, struct rte_mbuf *m, bool all)
{
    (void)all; /* OFPPC_NO_FLOOD, which would tell them apart, went with OpenFlow 1.1 */
    flood(w, m, NULL);
}

/* The tag, and what to look for in the FDB, of the packets of a burst. */
struct crowd {
    uint16_t n;
    struct rte_mbuf *m[WEFT_BURST];
    struct l2_tag tag[WEFT_BURST];
    struct fdb_probe src[WEFT_BURST], dst[WEFT_BURST];
};

/* Those that may come in at all; the table's lines are on their way when it returns. */
static void gather(struct worker *w, struct crowd *c, struct rte_mbuf **m, uint16_t n)
{
    c->n = 0;
    for (uint16_t i = 0; i < n; i++) {
        parse_need(m[i], PKT_DEPTH_L2);
        struct pkt *k = pkt_of(m[i]);
        struct l2_tag *t = &c->tag[c->n];
        if (__builtin_expect(mac_is_link_reserved(k->key.eth_dst), 0) && !k->bridge->forward_bpdu) {
            worker_drop(w, m[i], DROP_LINK_RESERVED);
        } else if (!l2_vlan_in(k->in_port, m[i], t)) {
            worker_drop(w, m[i], DROP_VLAN_FILTERED);
        } else {
            c->src[c->n] = fdb_probe(k->bridge->fdb, t->vid, k->key.eth_src);
            c->dst[c->n] = fdb_probe(k->bridge->fdb, t->vid, k->key.eth_dst);
            c->m[c->n++] = m[i];
        }
    }
}

/* False: it is a frame of ours that came back. */
static bool learn(struct worker *w, struct rte_mbuf *m, struct fdb_probe at, uint16_t vlan)
{
    const struct pkt *k = pkt_of(m);
    struct port *p = k->in_port;
    struct mac src = k->key.eth_src;
    if (p == NULL || mac_is_multicast(src) || mac_is_zero(src) || worker_is_dry(w))
        return true;
    uint16_t endpoint = k->flags & PKT_TUNNEL ? k->tun_from : 0;
    uint32_t place = fdb_place(p->index, endpoint);
    if (__builtin_expect(fdb_seen_at(k->bridge->fdb, at, place, w->now), 1))
        return true;
    if ((p->caps & PORT_CAP_BOND) && bond_is_echo(p, m, w->now))
        return false;
    worker_learn_at(w, k->bridge, vlan, src, p, endpoint);
    return true;
}

/* Where the destination lives, or NULL: everywhere. An entry may be of a port that has left, or
 * no longer carries the VLAN. */
static struct port *destination(struct worker *w, struct pkt *k, struct fdb_probe at,
                                const struct l2_tag *t)
{
    if (mac_is_multicast(k->key.eth_dst))
        return NULL;
    uint32_t to = fdb_lookup_at(k->bridge->fdb, at);
    if (to == FDB_NO_PORT)
        return NULL;
    struct port *p = atomic_load_explicit(&w->sw->ports[fdb_place_port(to)], memory_order_acquire);
    if (p == NULL || p->bridge != k->bridge || !l2_vlan_member(l2_vlan_of(p), t))
        return NULL;
    k->tun_to = fdb_place_endpoint(to);
    k->flags |= k->tun_to != 0 ? PKT_TUN_TO : 0;
    return p;
}

/* Packets in a row for one port that leave as they are. */
struct run {
    struct port *port;
    struct rte_mbuf **first;
    uint16_t n;
};

/* A late frame for a VM that has moved on: may it follow? (redirect.h) */
static bool redirect(struct worker *w, struct rte_mbuf *m, const struct l2_tag *t,
                     const struct port *to)
{
    struct pkt *k = pkt_of(m);
    bool back = to->tunnel->vtep == k->in_port->tunnel->vtep && k->tun_to == k->tun_from;
    if (!(k->flags & PKT_TUN_TO) || back || k->tun_ttl < 2)
        return false;
    k->redirected = redirect_take(k->bridge, t->vid, k->key.eth_dst, w->now);
    return k->redirected;
}

static void run_end(struct worker *w, struct run *r)
{
    if (r->n > 0)
        worker_tx_burst(w, r->port, r->first, r->n);
    r->n = 0;
}

static void forward(struct worker *w, struct run *r, struct rte_mbuf **m, const struct l2_tag *t,
                    struct port *p)
{
    const struct port *in = pkt_of(*m)->in_port;
    if (worker_is_dry(w))
        w->trace->l2(w->trace->ctx, *m, t->vid, p);
    if (p != NULL && p != in && !same_side(in, p) && l2_vlan_as_is(l2_vlan_of(p), t)) {
        if (p != r->port)
            run_end(w, r);
        if (r->n++ == 0)
            r->first = m;
        r->port = p;
        return;
    }
    run_end(w, r);
    if (p == NULL)
        flood(w, *m, t);
    else if (same_side(pkt_of(*m)->in_port, p) && redirect(w, *m, t, p))
        send(w, *m, p, t);
    else if (p == pkt_of(*m)->in_port)
        worker_drop(w, *m, DROP_SELF_DIRECTED);
    else if (same_side(pkt_of(*m)->in_port, p))
        worker_drop(w, *m, DROP_SPLIT_HORIZON);
    else
        send(w, *m, p, t);
}

void l2_normal_burst(struct worker *w, struct rte_mbuf **m, uint16_t n)
{
    struct crowd c;
    struct run r = {.n = 0};
    gather(w, &c, m, n);
    for (uint16_t i = 0; i < c.n; i++) {
        struct pkt *k = pkt_of(c.m[i]);
        if (__builtin_expect(learn(w, c.m[i], c.src[i], c.tag[i].vid), 1)) {
            forward(w, &r, &c.m[i], &c.tag[i], destination(w, k, c.dst[i], &c.tag[i]));
        } else {
            run_end(w, &r); /* a run is of frames in a row */
            worker_drop(w, c.m[i], DROP_BOND_ECHO);
        }
    }
    run_end(w, &r);
}

void l2_normal(struct worker *w, struct rte_mbuf *m) { l2_normal_burst(w, &m, 1); }
