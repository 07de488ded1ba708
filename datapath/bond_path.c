/* bond_path.c: the workers' part of a bond: hash, pick, out; traps and gates, in. */
#include "datapath/bond.h"
#include "datapath/hash.h"
#include "datapath/parse.h"
#include "datapath/punt.h"

/* ------------------------------------------------------------ which member */

static uint64_t both(uint64_t a, uint64_t b, bool symmetric)
{
    bool swap = symmetric && a > b;
    uint64_t lo = swap ? b : a, hi = swap ? a : b;
    return hash_fold(lo ^ UINT64_C(0x2d358dccaa6c78a5), hi ^ UINT64_C(0x8bb84b93962eacc9));
}

static uint64_t hash_ip(const struct flow_key *k, bool symmetric)
{
    uint64_t s[2], d[2];
    memcpy(s, &k->ip_src, sizeof s);
    memcpy(d, &k->ip_dst, sizeof d);
    return both(s[0] ^ s[1] * 31, d[0] ^ d[1] * 31, symmetric);
}

static uint32_t finish(uint64_t h)
{
    return (uint32_t)(hash_fold(h ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd6e8feb86659fd93)));
}

/* Addresses and ports of plain IPv4 without a look at anything else: most frames, and NORMAL needs
 * no more of them parsed. False: another frame. */
static bool hash_plain(struct rte_mbuf *m, bool symmetric, uint32_t *out)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    uint16_t off = 14, type, frag;
    uint32_t src, dst;
    uint16_t sport, dport;
    memcpy(&type, f + 12, 2);
    if (type == to_be16(0x8100) && m->data_len >= 42) {
        memcpy(&type, f + 16, 2);
        off = 18;
    }
    if (type != to_be16(0x0800) || m->data_len < off + 24u || f[off] != 0x45 ||
        (f[off + 9] != 6 && f[off + 9] != 17))
        return false;
    memcpy(&frag, f + off + 6, 2);
    if (frag & to_be16(0x3fff))
        return false;
    memcpy(&src, f + off + 12, 4);
    memcpy(&dst, f + off + 16, 4);
    memcpy(&sport, f + off + 20, 2);
    memcpy(&dport, f + off + 22, 2);
    *out = finish(both((uint64_t)src << 16 | sport, (uint64_t)dst << 16 | dport, symmetric) ^
                  f[off + 9]);
    return true;
}

/* The hash only spreads: it is no secret, and who makes his own flows collide slows himself. A
 * fragment has no ports, but for the first, which must go the way of the others. */
uint32_t bond_hash_of(struct rte_mbuf *m, enum bond_hash how, bool symmetric)
{
    uint32_t plain;
    if (how == BOND_HASH_L34 && pkt_of(m)->depth < PKT_DEPTH_ALL &&
        hash_plain(m, symmetric, &plain))
        return plain;
    parse_need(m, how == BOND_HASH_L2 ? PKT_DEPTH_L2 : PKT_DEPTH_ALL);
    const struct flow_key *k = &pkt_of(m)->key;
    uint64_t vlan = k->vlan_vid, s = mac_to_u64(k->eth_src), d = mac_to_u64(k->eth_dst);
    bool ip = how != BOND_HASH_L2 && !(pkt_of(m)->flags & PKT_IP_BAD) &&
              (k->eth_type == to_be16(0x0800) || k->eth_type == to_be16(0x86dd));
    uint64_t h;
    if (ip) /* a router's two MACs say nothing */
        h = hash_ip(k, symmetric) ^ (how == BOND_HASH_L23 ? both(s, d, symmetric) : k->ip_proto);
    else
        h = both(s, d, symmetric) ^ vlan << 20;
    if (ip && how == BOND_HASH_L34 && k->ip_frag == 0)
        h ^= both(k->l4_src, k->l4_dst, symmetric) * 3;
    return finish(h);
}

static unsigned nth_set(uint32_t mask, unsigned n)
{
    for (; n > 0; n--)
        mask &= mask - 1;
    return (unsigned)__builtin_ctz(mask);
}

unsigned bond_pick(unsigned bucket, uint32_t mask)
{
    return nth_set(mask, (bucket * 0x9e37u >> 4) % (unsigned)__builtin_popcount(mask));
}

void bond_balance(uint8_t bucket[BOND_BUCKETS], uint32_t mask)
{
    unsigned count[32] = {0};
    if (mask == 0)
        return;
    for (unsigned i = 0; i < BOND_BUCKETS; i++) {
        if (!(mask >> bucket[i] & 1))
            bucket[i] = (uint8_t)bond_pick(i, mask);
        count[bucket[i]]++;
    }
    unsigned n = (unsigned)__builtin_popcount(mask), share = BOND_BUCKETS / n;
    for (unsigned i = 0; i < BOND_BUCKETS; i++) {
        unsigned poorest = (unsigned)__builtin_ctz(mask);
        for (uint32_t left = mask; left != 0; left &= left - 1)
            if (count[__builtin_ctz(left)] < count[poorest])
                poorest = (unsigned)__builtin_ctz(left);
        if (count[poorest] >= share || count[bucket[i]] <= share)
            continue;
        count[bucket[i]]--;
        count[poorest]++;
        bucket[i] = (uint8_t)poorest;
    }
}

/* ------------------------------------------------------------ out */

static unsigned member_for(const struct bond *b, uint32_t mask, enum bond_hash how, bool symmetric,
                           struct rte_mbuf *m)
{
    bool one = (mask & (mask - 1)) == 0;
    unsigned at = one ? 0 : bond_hash_of(m, how, symmetric) % BOND_BUCKETS;
    unsigned i = atomic_load_explicit(&b->bucket[at], memory_order_relaxed);
    return __builtin_expect(mask >> i & 1, 1) ? i : bond_pick(at, mask);
}

/* What goes to each member, in order. */
struct sorted {
    uint16_t n[BOND_MEMBERS_MAX];
    struct rte_mbuf *m[BOND_MEMBERS_MAX][WEFT_BURST * 2];
};

/* All of them are taken: members have queues of their own. A nested flush spoils what this port
 * counts as refused; it is set at the end. */
static uint16_t bond_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct worker *w = worker_mine(p->sw);
    const struct bond *b = p->impl;
    uint32_t mask = atomic_load_explicit(&b->tx_mask, memory_order_acquire), used = 0, lost = 0;
    enum bond_hash how = atomic_load_explicit(&b->hash, memory_order_relaxed);
    bool symmetric = atomic_load_explicit(&b->symmetric, memory_order_relaxed);
    uint64_t lost_bytes = 0;
    struct sorted s;
    memset(s.n, 0, sizeof s.n);
    for (uint16_t i = 0; mask != 0 && i < n; i++) {
        unsigned to = member_for(b, mask, how, symmetric, m[i]);
        s.m[to][s.n[to]++] = m[i];
        used |= 1u << to;
    }
    for (; used != 0; used &= used - 1) {
        unsigned to = (unsigned)__builtin_ctz(used);
        struct port *member = atomic_load_explicit(&b->to[to], memory_order_acquire);
        if (__builtin_expect(member != NULL, 1))
            worker_tx_burst(w, member, s.m[to], s.n[to]);
        for (uint16_t i = 0; member == NULL && i < s.n[to]; i++, lost++) {
            lost_bytes += s.m[to][i]->pkt_len;
            worker_drop_at(w, p, s.m[to][i], DROP_BOND_NO_MEMBER);
        }
    }
    for (uint16_t i = 0; mask == 0 && i < n; i++, lost++) {
        lost_bytes += m[i]->pkt_len;
        worker_drop_at(w, p, m[i], DROP_BOND_NO_MEMBER);
    }
    w->tx_refused = lost;
    w->tx_refused_bytes = lost_bytes;
    return n;
}

/* ------------------------------------------------------------ in */

/* Slow Protocols: LACP and Marker (IEEE 802.3 annex 57A). */
static bool is_slow(const struct rte_mbuf *m)
{
    static const uint8_t to[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    return m->data_len >= 15 && memcmp(f, to, 6) == 0 && f[12] == 0x88 && f[13] == 0x09;
}

static void punt_slow(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    struct pkt *k = pkt_of(m);
    int why = DROP_PUNT_FULL;
    memset(k, 0, sizeof *k);
    k->in_port = p;
    if (!punt_packet(w->sw->punt, PUNT_PROTO, m, w->now, &why))
        worker_drop_in(w, p, m, (enum drop_reason)why);
}

struct port *bond_rx(struct worker *w, struct port *p, struct burst *b)
{
    struct bond *bond = atomic_load_explicit(&p->member_of, memory_order_acquire);
    if (bond == NULL) /* it left just now */
        return p;
    struct port *out = bond->port;
    uint32_t bit = 1u << atomic_load_explicit(&p->member_no, memory_order_relaxed);
    bool open = (atomic_load_explicit(&bond->rx_mask, memory_order_acquire) & bit) != 0;
    enum bond_mode mode = atomic_load_explicit(&bond->mode, memory_order_relaxed);
    struct port_stats *s = &out->stats[w->index];
    uint16_t kept = 0;
    for (uint16_t i = 0; i < b->n; i++) {
        struct rte_mbuf *m = b->m[i];
        if (mode == BOND_LACP && __builtin_expect(is_slow(m), 0)) {
            punt_slow(w, p, m);
        } else if (__builtin_expect(open, 1)) {
            s->rx_packets++;
            s->rx_bytes += m->pkt_len;
            b->m[kept++] = m;
        } else {
            worker_drop_in(w, p, m,
                           mode == BOND_LACP ? DROP_BOND_NOT_COLLECTING : DROP_BOND_INACTIVE);
        }
    }
    b->n = kept;
    return out;
}

/* ------------------------------------------------------------ the kind */

static int bond_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    struct bond *b = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof *b);
    unsigned i = 0;
    while (i < WEFT_BONDS_MAX && p->sw->bonds[i] != NULL)
        i++;
    if (b == NULL || i == WEFT_BONDS_MAX) {
        free(b);
        return errbuf_set(e, ENOSPC, "port %s: no memory, or the switch has its %d bonds", o->name,
                          WEFT_BONDS_MAX);
    }
    memset(b, 0, sizeof *b);
    b->port = p;
    b->active = b->config.primary = -1;
    p->impl = b;
    p->caps = PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO | PORT_CAP_MULTISEG;
    p->mac = o->mac;
    pthread_mutex_lock(&p->sw->bond_lock);
    p->sw->bonds[i] = b;
    pthread_mutex_unlock(&p->sw->bond_lock);
    return 0;
}

static void bond_close(struct port *p)
{
    struct bond *b = p->impl;
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++) {
        if (b->member[i].port != NULL)
            bond_leave(b->member[i].port);
    }
    pthread_mutex_lock(&p->sw->bond_lock);
    for (unsigned i = 0; i < WEFT_BONDS_MAX; i++) {
        if (p->sw->bonds[i] == b)
            p->sw->bonds[i] = NULL;
    }
    pthread_mutex_unlock(&p->sw->bond_lock);
    free(b);
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

/* Up while a member sends; as fast as all that do. */
static struct port_link bond_link(struct port *p)
{
    struct bond *b = p->impl;
    struct port_link l = {.full_duplex = true};
    pthread_mutex_lock(&p->sw->bond_lock);
    uint32_t mask = b->tx_mask;
    l.up = mask != 0;
    for (; mask != 0; mask &= mask - 1)
        l.speed_mbps += b->member[__builtin_ctz(mask)].port->last_link.speed_mbps;
    pthread_mutex_unlock(&p->sw->bond_lock);
    return l;
}

const struct port_ops port_bond_ops = {
    .type = "bond",
    .open = bond_open,
    .close = bond_close,
    .tx_burst = bond_tx,
    .set_mtu = set_mtu,
    .set_mac = set_mac,
    .link = bond_link,
};
