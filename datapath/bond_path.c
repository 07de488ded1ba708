/* bond_path.c: the workers' part of a bond: hash, pick, out; traps and gates, in. */
#include <rte_prefetch.h>

#include "datapath/bond_hash.h"
#include "datapath/punt.h"
#include "datapath/tx.h"

enum {
    AHEAD = 4,       /* frames to prefetch */
    WORTH_LANES = 4, /* frames that pay for a look at all members */
};

/* ------------------------------------------------------------ out */

/* The queues of members that take plain frames without being asked of each. */
static struct tx_buffer *lane_of(struct worker *w, const struct port *bond, struct port *member)
{
    if (member == NULL || !tx_open(w, member) || member->mtu < bond->mtu)
        return NULL;
    return tx_begin(w, member);
}

static void lanes_of(struct worker *w, const struct port *bond, uint32_t mask,
                     struct tx_buffer **lane)
{
    const struct bond *b = bond->impl;
    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctz(mask);
        lane[i] = lane_of(w, bond, atomic_load_explicit(&b->to[i], memory_order_acquire));
    }
}

/* The bond has counted it as sent. */
static void no_member(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    p->stats[w->index].tx_packets--;
    p->stats[w->index].tx_bytes -= m->pkt_len;
    worker_drop_at(w, p, m, DROP_BOND_NO_MEMBER);
}

/* A frame of a bucket whose member has just gone, or that its member asks more of. */
static void send_one(struct worker *w, struct port *p, uint32_t mask, unsigned bucket,
                     struct rte_mbuf *m)
{
    const struct bond *b = p->impl;
    unsigned to = atomic_load_explicit(&b->bucket[bucket], memory_order_relaxed);
    to = mask >> to & 1 ? to : bond_pick(bucket, mask);
    struct port *member = atomic_load_explicit(&b->to[to], memory_order_acquire);
    if (__builtin_expect(member != NULL, 1)) /* or it has left since the mask was read */
        worker_tx(w, member, m);
    else
        no_member(w, p, m);
}

/* What comes next is on its way to the cache while a frame is hashed. */
static void prefetch(struct rte_mbuf **m, uint16_t i, uint16_t n)
{
    if (i < n)
        rte_prefetch0(rte_pktmbuf_mtod(m[i], const void *));
}

/* What a burst is spread with. */
struct spread {
    uint32_t mask;
    enum bond_hash how;
    bool symmetric;
    uint64_t *load; /* bytes of each bucket; NULL: nobody counts */
    struct tx_buffer *lane[BOND_MEMBERS_MAX];
};

/* To members' queues, without a stop at one of the bond's: frames of a flow keep their order.
 * Inlined twice: for what most are configured to, those questions are answered. */
static __rte_always_inline void spread_as(struct worker *w, struct port *p, const struct spread *s,
                                          struct rte_mbuf **m, uint16_t n, enum bond_hash how,
                                          bool symmetric, uint64_t *load)
{
    const struct bond *b = p->impl;
    uint32_t fits = p->mtu + 14u;
    for (uint16_t i = 0; i < n; i++) {
        prefetch(m, i + AHEAD, n);
        uint8_t bucket = (uint8_t)bond_hash(m[i], how, symmetric);
        unsigned to = atomic_load_explicit(&b->bucket[bucket], memory_order_relaxed);
        if (load != NULL)
            load[bucket] += m[i]->pkt_len;
        if (__builtin_expect(s->lane[to] != NULL && tx_plain(m[i], fits), 1))
            tx_put(w, s->lane[to], m[i]);
        else
            send_one(w, p, s->mask, bucket, m[i]);
    }
}

static void spread(struct worker *w, struct port *p, uint32_t mask, struct rte_mbuf **m, uint16_t n)
{
    struct bond *b = p->impl;
    bool weighs = atomic_load_explicit(&b->weighs, memory_order_relaxed);
    struct spread s;
    s.mask = mask;
    s.how = atomic_load_explicit(&b->hash, memory_order_relaxed);
    s.symmetric = atomic_load_explicit(&b->symmetric, memory_order_relaxed);
    s.load = weighs ? b->load[w->index] : NULL;
    memset(s.lane, 0, sizeof s.lane / 2); /* in two: the whole is made a slow `rep stos` */
    memset(s.lane + BOND_MEMBERS_MAX / 2, 0, sizeof s.lane / 2);
    if (n >= WORTH_LANES)
        lanes_of(w, p, mask, s.lane);
    for (uint16_t i = 0; i < AHEAD; i++)
        prefetch(m, i, n);
    if (s.how == BOND_HASH_L34 && !s.symmetric && !weighs)
        spread_as(w, p, &s, m, n, BOND_HASH_L34, false, NULL);
    else
        spread_as(w, p, &s, m, n, s.how, s.symmetric, s.load);
}

/* A member that was alone in the mask and leaves just now is NULL. */
static void send_to(struct worker *w, struct port *p, struct port *member, struct rte_mbuf **m,
                    uint16_t n)
{
    if (__builtin_expect(member != NULL, 1))
        worker_tx_burst(w, member, m, n);
    for (uint16_t i = 0; member == NULL && i < n; i++)
        no_member(w, p, m[i]);
}

void bond_send(struct worker *w, struct port *p, struct rte_mbuf **m, uint16_t n)
{
    const struct bond *b = p->impl;
    struct port_stats *s = &p->stats[w->index];
    uint32_t mask = atomic_load_explicit(&b->tx_mask, memory_order_acquire);
    uint64_t bytes = 0;
    for (uint16_t i = 0; i < n; i++)
        bytes += m[i]->pkt_len;
    s->tx_packets += n;
    s->tx_bytes += bytes;
    if ((mask & (mask - 1)) != 0)
        spread(w, p, mask, m, n);
    else
        send_to(w, p, mask != 0 ? b->to[__builtin_ctz(mask)] : NULL, m, n);
}

/* For who is no worker (protocol PDUs of others): straight to the device. */
static uint16_t bond_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    const struct bond *b = p->impl;
    uint32_t mask = atomic_load_explicit(&b->tx_mask, memory_order_acquire);
    uint16_t sent = 0;
    for (; mask != 0 && sent < n; sent++) {
        struct port *to = atomic_load_explicit(&b->to[__builtin_ctz(mask)], memory_order_acquire);
        if (to == NULL ||
            to->ops->tx_burst(to, (uint16_t)(to->n_stats % to->tx_queues), m + sent, 1) == 0)
            break;
    }
    return sent;
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
    if (!worker_punt(w, PUNT_PROTO, m, &why))
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
    size_t loads = (p->sw->n_workers + 1) * sizeof b->load[0];
    uint64_t(*load)[BOND_BUCKETS] = aligned_alloc(RTE_CACHE_LINE_SIZE, loads);
    struct bond_announce *announce = bond_announce_create();
    unsigned i = 0;
    while (i < WEFT_BONDS_MAX && p->sw->bonds[i] != NULL)
        i++;
    if (b == NULL || load == NULL || announce == NULL || i == WEFT_BONDS_MAX) {
        bond_announce_free(announce);
        free(b);
        free(load);
        return errbuf_set(e, ENOSPC, "port %s: no memory, or the switch has its %d bonds", o->name,
                          WEFT_BONDS_MAX);
    }
    memset(b, 0, sizeof *b);
    memset(load, 0, loads);
    b->load = load;
    b->announce = announce;
    b->port = p;
    b->active = b->config.primary = -1;
    b->rebalance_at = NSEC_NEVER;
    p->impl = b;
    p->caps = PORT_CAP_BOND | PORT_CAP_CSUM | PORT_CAP_TSO4 | PORT_CAP_TSO6 | PORT_CAP_USO |
              PORT_CAP_MULTISEG;
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
    bond_announce_free(b->announce);
    free(b->load);
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
