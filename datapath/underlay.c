/* underlay.c: what of a VTEP's links the fast path leaves to control.
 *
 * Messages of neighbours, and frames that wait for one. Of what others ask each other only that is
 * taken which is about a VTEP or router that we know: the link's noise stays outside. */
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/tunnel.h"

enum { ARP_BYTES = 28, ND_BYTES = 24, IP_IGMP = 2, IGMP_QUERY = 0x11, MLD_QUERY = 130 };

/* Takes m. */
static void punt(struct worker *w, struct rte_mbuf *m, uint64_t cookie, uint8_t why)
{
    int no;
    struct pkt *k = pkt_of(m);
    k->cookie = cookie;
    k->reason = why;
    if (!worker_punt(w, PUNT_UNDERLAY, m, &no))
        worker_drop(w, m, (enum drop_reason)no);
}

void underlay_wait(struct worker *w, struct vtep *v, uint16_t to, struct rte_mbuf *m)
{
    pkt_of(m)->tun_to = to;
    punt(w, m, underlay_cookie(v, 0), UNDERLAY_WAIT);
}

/* ------------------------------------------------------------ who is it about */

static bool is_ours(const struct vtep_link *l, const struct ip6 *ip)
{
    return memcmp(ip, &l->ip, sizeof *ip) == 0 || memcmp(ip, &l->v->opt.local.ip, sizeof *ip) == 0;
}

static bool is_known(const struct vtep_link *l, const struct ip6 *ip)
{
    static const struct ip6 none;
    if (memcmp(ip, &none, sizeof none) == 0)
        return false;
    for (unsigned i = 0; i < VTEP_HOPS_MAX; i++)
        if (memcmp(&l->v->hops[i].ip, ip, sizeof *ip) == 0)
            return true;
    return endpoint_find(l->v, ip) != 0;
}

enum whose { NOT_OURS, ALSO_OURS, OURS };

/* Somebody says something of `about`, to whom or of whom `target` is. */
static enum whose whose(const struct vtep_link *l, const struct ip6 *about,
                        const struct ip6 *target)
{
    if (is_ours(l, target))
        return OURS;
    return is_known(l, about) || is_ours(l, about) ? ALSO_OURS : NOT_OURS;
}

static enum whose arp(const struct vtep_link *l, const uint8_t *a)
{
    struct ip6 from = {{0}}, to = {{0}};
    memcpy(&from, a + 14, 4);
    memcpy(&to, a + 24, 4);
    return whose(l, &from, &to);
}

/* A solicitation is about its sender and for its target; an advertisement about its target and for
 * its destination. */
static enum whose nd(const struct vtep_link *l, const uint8_t *ip)
{
    struct ip6 from, to, target;
    if (ip[6] != IP_ICMPV6 || (ip[40] != ICMPV6_NS && ip[40] != ICMPV6_NA))
        return NOT_OURS;
    memcpy(&from, ip + 8, 16);
    memcpy(&to, ip + 24, 16);
    memcpy(&target, ip + 48, 16);
    return ip[40] == ICMPV6_NS ? whose(l, &from, &target) : whose(l, &target, &to);
}

/* Who listens to groups? Asked of everybody, by whoever minds the underlay's multicast. */
static bool is_query(const uint8_t *ip, size_t len, bool v6)
{
    if (v6)
        return ip[6] == 0 && ip[40] == IP_ICMPV6 && ip[41] == 0 && ip[48] == MLD_QUERY;
    size_t head = (ip[0] & 15u) * 4u;
    return ip[9] == IP_IGMP && head + 8 <= len && ip[head] == IGMP_QUERY;
}

static enum whose message(const struct vtep_link *l, const struct rte_mbuf *m)
{
    const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);
    size_t at = 12, len = m->data_len;
    uint16_t vlan = 0;
    bool v6 = l->v->opt.local.v6;
    if (len < 18)
        return NOT_OURS;
    if (get16(b + at) == TYPE_VLAN) {
        vlan = get16(b + at + 2) & 0xfff;
        at += 4;
    }
    uint16_t type = get16(b + at);
    at += 2;
    if (vlan != l->vlan)
        return NOT_OURS;
    if (type == (v6 ? TYPE_IPV6 : TYPE_IPV4) && at + (v6 ? 72u : 28u) <= len &&
        is_query(b + at, len - at, v6))
        return ALSO_OURS;
    if (type == TYPE_ARP && !v6 && at + ARP_BYTES <= len)
        return arp(l, b + at);
    return type == TYPE_IPV6 && v6 && at + 40 + ND_BYTES <= len ? nd(l, b + at) : NOT_OURS;
}

bool underlay_neighbour(struct worker *w, struct vtep_link *l, struct rte_mbuf *m)
{
    enum whose who = message(l, m);
    if (who == NOT_OURS)
        return false;
    struct rte_mbuf *c = who == OURS ? m : rte_pktmbuf_copy(m, w->sw->pool, 0, UINT32_MAX);
    if (c == NULL)
        return false;
    punt(w, c, underlay_cookie(l->v, l->index), UNDERLAY_NEIGHBOUR);
    return who == OURS;
}
