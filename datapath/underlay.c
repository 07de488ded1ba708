/* underlay.c: our VTEPs' addresses are asked for and answered on their link.
 *
 * A small neighbour cache inside the datapath: the next hops of endpoints, each one word that any
 * worker may store. RFC 826; RFC 4861 for IPv6. A hop that is used is asked again when its answer
 * is REFRESH_NS old, and forgotten after UNANSWERED_MAX questions without one. */
#include "base/csum.h"
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "datapath/tunnel.h"

enum {
    ARP_REQUEST = 1,
    ARP_REPLY = 2,
    ARP_BYTES = 28,
    ND_BYTES = 32, /* a solicitation or advertisement with one address option */
    HOPS_ND = 255, /* RFC 4861 section 7.1.1 */
    UNANSWERED_MAX = 3,
    FRAME_MAX = 14 + 4 + 40 + ND_BYTES,
};
#define REFRESH_NS (30 * NSEC_PER_SEC)
#define ASK_NS     NSEC_PER_SEC

/* ------------------------------------------------------------ out */

/* Ethernet and our VLAN; returns where the payload begins. */
static size_t put_ethernet(const struct vtep *v, uint8_t *b, struct mac dst, uint16_t type)
{
    size_t at = 12;
    memcpy(b, &dst, 6);
    memcpy(b + 6, &v->opt.local.mac, 6);
    if (v->opt.local.vlan != 0) {
        put16(b + at, TYPE_VLAN);
        put16(b + at + 2, v->opt.local.vlan);
        at += 4;
    }
    put16(b + at, type);
    return at + 2;
}

static void emit(struct worker *w, struct vtep *v, const uint8_t *frame, size_t len)
{
    struct port *p = atomic_load_explicit(&v->uplink, memory_order_acquire);
    struct rte_mbuf *m = p != NULL ? rte_pktmbuf_alloc(w->sw->pool) : NULL;
    if (m == NULL)
        return; /* asked again in a second, and so will they */
    memset(pkt_of(m), 0, sizeof(struct pkt));
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    worker_tx(w, p, m);
}

static void send_arp(struct worker *w, struct vtep *v, uint16_t op, struct mac to,
                     const struct ip6 *ip)
{
    static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    uint8_t b[FRAME_MAX] = {0};
    size_t at = put_ethernet(v, b, op == ARP_REQUEST ? everybody : to, TYPE_ARP);
    uint8_t *a = b + at;
    memcpy(a, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0, (uint8_t)op}, 8);
    memcpy(a + 8, &v->opt.local.mac, 6);
    memcpy(a + 14, &v->opt.local.ip, 4);
    if (op == ARP_REPLY)
        memcpy(a + 18, &to, 6);
    memcpy(a + 24, ip, 4);
    emit(w, v, b, at + ARP_BYTES < 60 ? 60 : at + ARP_BYTES);
}

/* IPv6 and ICMPv6 around target and our address option; to is the IPv6 destination. */
static void send_nd(struct worker *w, struct vtep *v, uint8_t type, struct mac dst,
                    const struct ip6 *to, const struct ip6 *target)
{
    uint8_t b[FRAME_MAX] = {0};
    size_t at = put_ethernet(v, b, dst, TYPE_IPV6);
    uint8_t *ip = b + at, *nd = ip + 40;
    ip[0] = 0x60;
    put16(ip + 4, ND_BYTES);
    ip[6] = IP_ICMPV6;
    ip[7] = HOPS_ND;
    memcpy(ip + 8, &v->opt.local.ip, 16);
    memcpy(ip + 24, to, 16);
    nd[0] = type;
    nd[4] = type == ICMPV6_NA ? 0x60 : 0; /* solicited, override */
    memcpy(nd + 8, target, 16);
    nd[24] = type == ICMPV6_NA ? ND_TLL : ND_SLL;
    nd[25] = 1;
    memcpy(nd + 26, &v->opt.local.mac, 6);
    const uint8_t pseudo[8] = {0, 0, 0, ND_BYTES, 0, 0, 0, IP_ICMPV6};
    be16 c = csum_finish(csum_add(csum_add(csum_add(0, ip + 8, 32), pseudo, 8), nd, ND_BYTES));
    memcpy(nd + 2, &c, 2);
    emit(w, v, b, at + 40 + ND_BYTES);
}

/* RFC 4291 section 2.7.1 and RFC 2464 section 7: the group that ip's owner listens to. */
static void solicit(struct worker *w, struct vtep *v, const struct ip6 *ip)
{
    struct ip6 group = {{0xff, 2, [11] = 1, [12] = 0xff, ip->b[13], ip->b[14], ip->b[15]}};
    struct mac mac = {{0x33, 0x33, 0xff, ip->b[13], ip->b[14], ip->b[15]}};
    send_nd(w, v, ICMPV6_NS, mac, &group, ip);
}

static void ask(struct worker *w, struct vtep *v, struct hop *h)
{
    nsec_t asked = atomic_load(&h->asked_ns), now = w->now > 0 ? w->now : 1;
    if ((asked != 0 && now - asked < ASK_NS) ||
        !atomic_compare_exchange_strong(&h->asked_ns, &asked, now))
        return;
    if (atomic_fetch_add(&h->unanswered, 1) >= UNANSWERED_MAX)
        atomic_store(&h->mac, 0);
    if (v->opt.local.v6)
        solicit(w, v, &h->ip);
    else
        send_arp(w, v, ARP_REQUEST, (struct mac){{0}}, &h->ip);
}

uint64_t underlay_hop(struct worker *w, struct vtep *v, struct hop *h)
{
    uint64_t mac = atomic_load_explicit(&h->mac, memory_order_relaxed);
    if (mac & HOP_STATIC)
        return mac;
    nsec_t age = w->now - atomic_load_explicit(&h->confirmed_ns, memory_order_relaxed);
    if ((mac & HOP_KNOWN) && age < REFRESH_NS)
        return mac;
    ask(w, v, h);
    return atomic_load_explicit(&h->mac, memory_order_relaxed);
}

void vtep_resolve(struct vtep *v, nsec_t now)
{
    struct worker *w = v->sw->workers[v->sw->n_workers];
    w->now = now;
    for (unsigned i = 0; i < v->n_ports; i++) {
        const struct tunnel_flood *f = v->ports[i]->flood;
        for (unsigned j = 0; j < f->n; j++)
            (void)underlay_hop(w, v, endpoint_at(v, f->to[j])->hop);
    }
    worker_flush(w);
}

/* ------------------------------------------------------------ in */

static void hop_heard(struct worker *w, struct hop *h, struct mac mac)
{
    if (atomic_load(&h->mac) & HOP_STATIC)
        return;
    atomic_store(&h->mac, mac_to_u64(mac) | HOP_KNOWN);
    atomic_store(&h->confirmed_ns, w->now);
    atomic_store(&h->unanswered, 0);
}

/* Somebody says where ip is. Only who matters to us is noted (RFC 826: merge). */
static void heard(struct worker *w, struct vtep *v, const struct ip6 *ip, struct mac mac)
{
    if (mac_is_multicast(mac) || mac_is_zero(mac))
        return;
    if (memcmp(ip, &v->gateway.ip, sizeof *ip) == 0)
        hop_heard(w, &v->gateway, mac);
    uint16_t number = endpoint_find(v, ip);
    if (number != 0)
        hop_heard(w, &endpoint_at(v, number)->own, mac);
}

/* It was for us: answered or noted, it ends here. */
static bool done(struct worker *w, struct rte_mbuf *m)
{
    worker_drop(w, m, DROP_TUN_NEIGHBOUR);
    return true;
}

static bool rx_arp(struct worker *w, struct vtep *v, struct rte_mbuf *m, const uint8_t *a)
{
    struct ip6 from = {{0}}, to = {{0}};
    struct mac mac;
    memcpy(&mac, a + 8, 6);
    memcpy(&from, a + 14, 4);
    memcpy(&to, a + 24, 4);
    if (memcmp(a, (const uint8_t[]){0, 1, 8, 0, 6, 4}, 6) != 0)
        return false;
    bool ours = memcmp(&to, &v->opt.local.ip, sizeof to) == 0;
    heard(w, v, &from, mac);
    if (!ours)
        return false;
    if (get16(a + 6) == ARP_REQUEST)
        send_arp(w, v, ARP_REPLY, mac, &from);
    return done(w, m);
}

/* RFC 4861 sections 7.1.1 and 7.1.2: from this link, and whole. nd is len bytes. */
static bool nd_is_good(const uint8_t *ip, size_t len)
{
    const uint8_t pseudo[8] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, IP_ICMPV6};
    uint32_t sum = csum_add(csum_add(0, ip + 8, 32), pseudo, 8);
    return ip[7] == HOPS_ND && ip[41] == 0 && csum_finish(csum_add(sum, ip + 40, len)) == 0;
}

/* nd points at ip + 40; an address option, if there is one, is at nd + at. */
static bool rx_nd(struct worker *w, struct vtep *v, struct rte_mbuf *m, const uint8_t *ip,
                  size_t room)
{
    const uint8_t *nd = ip + 40;
    size_t len = get16(ip + 4);
    if (len < 24 || len + 40 > room || ip[6] != IP_ICMPV6)
        return false;
    bool ask = nd[0] == ICMPV6_NS;
    if ((!ask && nd[0] != ICMPV6_NA) || !nd_is_good(ip, len))
        return false;
    struct ip6 from, target;
    struct mac mac = {{0}};
    memcpy(&from, ip + 8, 16);
    memcpy(&target, nd + 8, 16);
    size_t at = nd_option(nd, 24, len, ask ? ND_SLL : ND_TLL);
    if (at != 0)
        memcpy(&mac, nd + at + 2, 6);
    else
        memcpy(&mac, rte_pktmbuf_mtod(m, const uint8_t *) + 6, 6);
    heard(w, v, ask ? &from : &target, mac);
    bool ours = memcmp(&target, &v->opt.local.ip, sizeof target) == 0;
    if (ask && ours)
        send_nd(w, v, ICMPV6_NA, mac, &from, &target);
    bool answer = !ask && memcmp(ip + 24, &v->opt.local.ip, 16) == 0;
    return (ask && ours) || answer ? done(w, m) : false;
}

bool underlay_neighbour(struct worker *w, struct vtep *v, struct rte_mbuf *m)
{
    const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t at = 12, len = m->data_len;
    uint16_t vlan = 0;
    if (len < 18)
        return false;
    if (get16(b + at) == TYPE_VLAN) {
        vlan = get16(b + at + 2) & 0xfff;
        at += 4;
    }
    if (vlan != v->opt.local.vlan)
        return false;
    uint16_t type = get16(b + at);
    const uint8_t *l3 = b + at + 2;
    size_t room = len - at - 2;
    if (type == TYPE_ARP && !v->opt.local.v6 && room >= ARP_BYTES)
        return rx_arp(w, v, m, l3);
    return type == TYPE_IPV6 && v->opt.local.v6 && room >= 64 && rx_nd(w, v, m, l3, room);
}
