/* encap.c: what a vxlan port is told to send gets outer headers and leaves by the underlay port. */
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "base/csum.h"
#include "datapath/pipeline.h"
#include "datapath/tunnel.h"
#include "datapath/tunnel_inner.h"

#define MAC_BITS UINT64_C(0x0000ffffffffffff)

/* RFC 7348 section 6.1: the VNI says it all; a tag that the port didn't take away goes. */
static bool strip_tag(struct rte_mbuf *m)
{
    uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
    if (m->data_len < 18)
        return false;
    memmove(b + 4, b, 12);
    rte_pktmbuf_adj(m, 4);
    return !is_tag(get16(b + 16));
}

static uint8_t outer_tos(const struct vtep *v, const struct inner *in)
{
    uint8_t dscp =
        v->opt.dscp_mode == TUNNEL_DSCP_UNIFORM ? in->tos & 0xfc : (uint8_t)(v->opt.dscp << 2);
    return (uint8_t)(dscp | (in->tos & 3)); /* RFC 6040 section 4.1, normal mode */
}

static struct outer_patch patch_of(const struct vtep *v, const struct rte_mbuf *m, uint32_t vni)
{
    struct inner in = inner_of(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
    uint64_t h = inner_hash(&in, v->hash_key);
    return (struct outer_patch){.vni = vni,
                                .inner_len = m->pkt_len,
                                .src_port = (uint16_t)(VXLAN_SOURCE_PORT_MIN | (h & 0x3fff)),
                                .flabel = (uint32_t)(h >> 14) & 0xfffff,
                                .tos = outer_tos(v, &in)};
}

/* RFC 768; zero is sent as all ones. */
static bool write_csum(struct rte_mbuf *m, const struct outer_head *h)
{
    uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);
    uint16_t udp_len = get16(b + h->udp_off + 4), sum;
    if (rte_raw_cksum_mbuf(m, h->udp_off, udp_len, &sum) != 0)
        return false;
    be16 c = csum_finish(outer_pseudo_sum(b + h->l3_off, h->v6, udp_len) + sum);
    c = c != 0 ? c : UINT16_MAX;
    memcpy(b + h->udp_off + 6, &c, 2);
    return true;
}

/* The underlay port's refusals are its own. */
static void to_uplink(struct worker *w, struct port *uplink, struct rte_mbuf *m)
{
    uint32_t refused = w->tx_refused;
    uint64_t refused_bytes = w->tx_refused_bytes;
    worker_tx(w, uplink, m);
    w->tx_refused = refused;
    w->tx_refused_bytes = refused_bytes;
}

/* Over a link other than 0 the frame is another: built afresh, which only a detour costs. */
static const struct outer_head *head_for(const struct vtep *v, const struct endpoint *to,
                                         const struct vtep_link *l, struct outer_head *room)
{
    if (__builtin_expect(l->index == 0, 1))
        return &to->head;
    outer_prebuild(&(struct outer_path){.src = l->mac,
                                        .vlan = l->vlan,
                                        .v6 = v->opt.local.v6,
                                        .src_ip = v->opt.local.ip,
                                        .dst_ip = to->ip,
                                        .udp_port = v->opt.local.udp_port,
                                        .ttl = v->opt.ttl,
                                        .df = !v->opt.no_df,
                                        .kind = v->opt.local.kind},
                   room);
    return room;
}

/* DROP_COUNT: *h, of which *mac is known (or 0: it is being asked for), and the port there. */
static enum drop_reason way_to(const struct vtep *v, struct endpoint *to, struct hop **h,
                               uint64_t *mac, struct port **uplink)
{
    *h = atomic_load_explicit(&to->hop, memory_order_acquire);
    if (*h == NULL)
        return DROP_TUN_NO_ROUTE;
    *uplink = atomic_load_explicit(&v->link[(*h)->link].uplink, memory_order_acquire);
    if (*uplink == NULL)
        return DROP_TUN_NO_UPLINK;
    *mac = atomic_load_explicit(&(*h)->mac, memory_order_relaxed);
    if (*mac & HOP_DEAD)
        return DROP_TUN_NO_NEIGHBOUR;
    if (!(*mac & HOP_STATIC) && !atomic_load_explicit(&(*h)->used, memory_order_relaxed))
        atomic_store_explicit(&(*h)->used, true, memory_order_relaxed);
    return DROP_COUNT;
}

/* A redirected frame's outer TTL is what is left of the one that it came with. */
static void count_down(uint8_t *ip, bool v6, uint8_t came_with)
{
    uint8_t old[2] = {ip[8], ip[9]};
    be16 csum;
    if (v6) {
        ip[7] = (uint8_t)(came_with - 1);
        return;
    }
    ip[8] = (uint8_t)(came_with - 1);
    memcpy(&csum, ip + 10, 2);
    csum = csum_update(csum, old, ip + 8, 2);
    memcpy(ip + 10, &csum, 2);
}

static void encap(struct worker *w, struct port *p, struct rte_mbuf *m, struct outer_patch *n,
                  uint16_t endpoint)
{
    struct vtep *v = p->tunnel->vtep;
    struct endpoint *to = endpoint_at(v, endpoint);
    struct outer_head room;
    struct hop *hop;
    struct port *uplink;
    uint64_t mac;
    enum drop_reason why = way_to(v, to, &hop, &mac, &uplink);
    if (__builtin_expect(why != DROP_COUNT, 0)) {
        port_tx_drop(p, m, why);
        return;
    }
    const struct outer_head *h = head_for(v, to, &v->link[hop->link], &room);
    uint8_t *b = (uint8_t *)rte_pktmbuf_prepend(m, h->len);
    if (__builtin_expect(b == NULL || m->pkt_len > UINT16_MAX, 0)) {
        port_tx_drop(p, m, DROP_TUN_NO_ROOM);
        return;
    }
    if (v->opt.no_df)
        n->ip_id = ++w->ip_id;
    outer_patch(h, n, b);
    if (__builtin_expect(pkt_of(m)->redirected, 0))
        count_down(b + h->l3_off, h->v6, pkt_of(m)->tun_ttl);
    struct mac dst = mac_from_u64(mac & MAC_BITS);
    memcpy(b, &dst, sizeof dst);
    if ((h->v6 ? !v->opt.no_csum6 : v->opt.csum4) && !write_csum(m, h))
        port_tx_drop(p, m, DROP_TUN_NO_ROOM);
    else if (__builtin_expect(mac == 0, 0))
        underlay_wait(w, v, endpoint, m);
    else
        to_uplink(w, uplink, m);
}

static void encap_copy(struct worker *w, struct port *p, struct rte_mbuf *m, struct outer_patch *n,
                       uint16_t endpoint)
{
    /* One frame was given to the port, and one may be refused. */
    uint32_t refused = w->tx_refused;
    uint64_t refused_bytes = w->tx_refused_bytes;
    struct rte_mbuf *c = pkt_clone(w, m);
    if (c == NULL)
        port_tx_drop(p, NULL, DROP_NO_MBUF);
    else
        encap(w, p, c, n, endpoint);
    w->tx_refused = refused;
    w->tx_refused_bytes = refused_bytes;
}

/* Whom an action has chosen; 0: nobody, *why says why that is the end if it is. */
static uint16_t chosen(const struct tunnel_port *t, const struct pkt *k, enum drop_reason *why)
{
    static const struct ip6 none;
    struct ip6 src = k->key.tun6_src, dst = k->key.tun6_dst;
    if (!t->any_remote || !(k->flags & PKT_TUN_SET))
        return 0;
    if (!t->vtep->opt.local.v6) {
        src = dst = none;
        memcpy(&src, &k->key.tun_src, 4);
        memcpy(&dst, &k->key.tun_dst, 4);
    }
    if (memcmp(&src, &none, sizeof none) != 0 &&
        memcmp(&src, &t->vtep->opt.local.ip, sizeof src) != 0)
        *why = DROP_TUN_BAD_SOURCE;
    else if (memcmp(&dst, &none, sizeof none) != 0)
        return endpoint_add(t->vtep, &dst);
    return 0;
}

/* DROP_COUNT: sent, or dropped on its way. */
static enum drop_reason enter(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    const struct tunnel_port *t = p->tunnel;
    const struct pkt *k = pkt_of(m);
    uint64_t vni = t->any_vni ? from_be64(k->key.tunnel_id) : t->vni;
    struct outer_patch n;
    if (vni > VXLAN_VNI_MAX)
        return DROP_TUN_BAD_KEY;
    bool tagged = is_tag(get16(rte_pktmbuf_mtod_offset(m, const uint8_t *, 12)));
    if (tagged && !t->vtep->opt.allow_inner_vlan && !strip_tag(m))
        return DROP_TUN_INNER_VLAN;
    n = patch_of(t->vtep, m, (uint32_t)vni);
    enum drop_reason why = DROP_COUNT;
    uint16_t one = t->remote != 0 ? t->remote : chosen(t, k, &why);
    if (why != DROP_COUNT)
        return why;
    if (one == 0 && (k->flags & PKT_TUN_TO))
        one = k->tun_to;
    if (one == 0 && atomic_load_explicit(&t->suppress, memory_order_relaxed) &&
        tunnel_answer(w, p->tunnel, m)) {
        atomic_fetch_add_explicit(&p->tunnel->answered, 1, memory_order_relaxed);
        return DROP_TUN_SUPPRESSED;
    }
    if (one == 0 && t->flood->n == 0)
        return DROP_TUN_NO_REMOTE;
    for (uint16_t i = 0; one == 0 && i + 1 < t->flood->n; i++)
        encap_copy(w, p, m, &n, t->flood->to[i]);
    encap(w, p, m, &n, one != 0 ? one : t->flood->to[t->flood->n - 1]);
    return DROP_COUNT;
}

/* Thousands of remote VTEPs' headers don't stay in the cache. */
static void prefetch_heads(const struct vtep *v, struct rte_mbuf **m, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        const struct pkt *k = pkt_of(m[i]);
        if (!(k->flags & PKT_TUN_TO))
            continue;
        const struct endpoint *to = endpoint_at(v, k->tun_to);
        rte_prefetch0(to);
        rte_prefetch0(&to->head);
        rte_prefetch0((const uint8_t *)&to->head + 63);
    }
}

uint16_t tunnel_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct worker *w = worker_mine(p->sw);
    prefetch_heads(p->tunnel->vtep, m, n);
    for (uint16_t i = 0; i < n; i++) {
        enum drop_reason why = enter(w, p, m[i]);
        if (why != DROP_COUNT)
            port_tx_drop(p, m[i], why);
    }
    return n;
}
