/* suppress.c: ARP requests and neighbour solicitations that a VNI's flood need not carry.
 *
 * What comes out of a tunnel tells who has which address; a tenant who asks for one of those is
 * answered here in its owner's name (RFC 826; RFC 4861 section 7.2.4, unsolicited by its owner but
 * with what it said itself). Probes and announcements go their way: they look for a conflict, and
 * others must hear them. An answer is given only while the FDB knows the MAC, too. */
#include "base/csum.h"
#include "datapath/binding.h"
#include "datapath/l2_vlan.h"
#include "datapath/parse_internal.h"
#include "datapath/pipeline.h"
#include "datapath/tunnel.h"

enum { ARP_BYTES = 28, ND_BYTES = 32, HOPS_ND = 255, FRAME = 14 + 40 + ND_BYTES };

static const struct ip6 nobody;

static bool is_arp(const uint8_t *f, size_t len)
{
    return len >= 14 + ARP_BYTES && get16(f + 12) == TYPE_ARP &&
           memcmp(f + 14, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0}, 7) == 0;
}

/* The length of the ICMPv6 message; 0: it is no sound NS or NA. */
static size_t nd_len(const uint8_t *f, size_t len)
{
    const uint8_t *ip = f + 14;
    if (len < 14 + 40 + 24 || get16(f + 12) != TYPE_IPV6 || ip[6] != IP_ICMPV6 ||
        (ip[40] != ICMPV6_NS && ip[40] != ICMPV6_NA) || ip[41] != 0 || ip[7] != HOPS_ND)
        return 0;
    size_t n = get16(ip + 4);
    return n >= 24 && 54 + n <= len ? n : 0;
}

static struct mac mac_at(const uint8_t *b)
{
    struct mac m;
    memcpy(&m, b, sizeof m);
    return m;
}

static struct ip6 ip4_at(const uint8_t *b)
{
    struct ip6 ip = {{0}};
    memcpy(&ip, b, 4);
    return ip;
}

static struct ip6 ip6_at(const uint8_t *b)
{
    struct ip6 ip;
    memcpy(&ip, b, sizeof ip);
    return ip;
}

/* ------------------------------------------------------------ learn */

void tunnel_bind(struct worker *w, struct tunnel_port *t, const uint8_t *f, size_t len)
{
    struct mac mac = {{0}};
    struct ip6 ip = nobody;
    size_t n = nd_len(f, len);
    if (is_arp(f, len)) {
        mac = mac_at(f + 22);
        ip = ip4_at(f + 28);
    } else if (n > 0) {
        bool na = f[54] == ICMPV6_NA;
        size_t at = nd_option(f, 54 + 24, 54 + n, na ? ND_TLL : ND_SLL);
        ip = ip6_at(na ? f + 62 : f + 22);
        mac = mac_at(at != 0 ? f + at + 2 : f + 6);
    }
    if (memcmp(&ip, &nobody, sizeof ip) != 0 && !mac_is_multicast(mac) && !mac_is_zero(mac))
        (void)binding_learn(w->sw->bindings, &t->user, &ip, mac, false, w->now);
}

/* ------------------------------------------------------------ answer */

struct question {
    struct ip6 about, from;
    struct mac asker;
    bool v6;
};

/* False: none that could be answered for another. */
static bool read_question(const uint8_t *f, size_t len, struct question *q)
{
    size_t n = nd_len(f, len);
    if (is_arp(f, len) && f[21] == 1) {
        *q = (struct question){.about = ip4_at(f + 38),
                               .from = ip4_at(f + 28),
                               .asker = mac_at(f + 22)};
    } else if (n > 0 && f[54] == ICMPV6_NS) {
        *q = (struct question){.about = ip6_at(f + 62),
                               .from = ip6_at(f + 22),
                               .asker = mac_at(f + 6),
                               .v6 = true};
    } else {
        return false;
    }
    return memcmp(&q->from, &nobody, sizeof nobody) != 0 &&
           memcmp(&q->from, &q->about, sizeof nobody) != 0;
}

static size_t arp_reply(const struct question *q, struct mac owner, uint8_t *f)
{
    memcpy(f + 12, (const uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, 10);
    memcpy(f + 22, &owner, 6);
    memcpy(f + 28, &q->about, 4);
    memcpy(f + 32, &q->asker, 6);
    memcpy(f + 38, &q->from, 4);
    return 60;
}

static size_t advertisement(const struct question *q, struct mac owner, uint8_t *f)
{
    uint8_t *ip = f + 14, *nd = ip + 40;
    const uint8_t pseudo[8] = {0, 0, 0, ND_BYTES, 0, 0, 0, IP_ICMPV6};
    put16(f + 12, TYPE_IPV6);
    ip[0] = 0x60;
    put16(ip + 4, ND_BYTES);
    ip[6] = IP_ICMPV6;
    ip[7] = HOPS_ND;
    memcpy(ip + 8, &q->about, 16);
    memcpy(ip + 24, &q->from, 16);
    nd[0] = ICMPV6_NA;
    nd[4] = 0x60; /* solicited, override */
    memcpy(nd + 8, &q->about, 16);
    nd[24] = ND_TLL;
    nd[25] = 1;
    memcpy(nd + 26, &owner, 6);
    be16 c = csum_finish(csum_add(csum_add(csum_add(0, ip + 8, 32), pseudo, 8), nd, ND_BYTES));
    memcpy(nd + 2, &c, 2);
    return FRAME;
}

/* To the asker, with the tag that its port has in this VLAN. */
static bool reply(struct worker *w, struct port *to, uint16_t vid, const uint8_t *f, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(w->sw->pool);
    const struct l2_tag t = {.vid = vid, .tpid = 0x8100};
    if (m == NULL)
        return false;
    memset(pkt_of(m), 0, sizeof(struct pkt));
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), f, len);
    if (vid != 0 && !l2_vlan_write(l2_vlan_of(to), &t, m)) {
        rte_pktmbuf_free(m);
        return false;
    }
    worker_tx(w, to, m);
    return true;
}

bool tunnel_answer(struct worker *w, struct tunnel_port *t, const struct rte_mbuf *m)
{
    const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);
    struct port *in = pkt_of((struct rte_mbuf *)(uintptr_t)m)->in_port;
    struct question q;
    struct mac owner;
    uint8_t f[FRAME] = {0};
    uint16_t vid = l2_vlan_of(t->port)->tag;
    if (in == NULL || in->tunnel != NULL || !read_question(b, m->data_len, &q) ||
        !binding_find(w->sw->bindings, &t->user, &q.about, w->now, &owner) ||
        fdb_lookup(t->port->bridge->fdb, vid, owner) == FDB_NO_PORT)
        return false;
    memcpy(f, &q.asker, 6);
    memcpy(f + 6, &owner, 6);
    size_t len = q.v6 ? advertisement(&q, owner, f) : arp_reply(&q, owner, f);
    return reply(w, in, vid, f, len);
}
