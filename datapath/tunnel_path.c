/* tunnel_path.c: which link and which next hop lead to a remote VTEP. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/port.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"
#include "datapath/tunnel.h"

static bool is_zero(const struct ip6 *ip)
{
    static const struct ip6 none;
    return memcmp(ip, &none, sizeof none) == 0;
}

static bool is_in(const struct ip6 *ip, const struct ip6 *prefix, unsigned len)
{
    unsigned full = len / 8u, rest = len % 8u;
    if (memcmp(prefix, ip, full) != 0)
        return false;
    return rest == 0 || ((prefix->b[full] ^ ip->b[full]) >> (8 - rest)) == 0;
}

/* ------------------------------------------------------------ what is best */

enum rank { RANK_NONE, RANK_DEAD, RANK_UNKNOWN, RANK_KNOWN };

bool vtep_link_up(const struct vtep *v, unsigned link)
{
    struct port *p = atomic_load_explicit(&v->link[link].uplink, memory_order_acquire);
    return p != NULL && atomic_load_explicit(&p->link_up, memory_order_relaxed);
}

static enum rank rank_of(const struct vtep *v, const struct hop *h)
{
    uint64_t mac = atomic_load_explicit(&h->mac, memory_order_relaxed);
    if (!vtep_link_up(v, h->link) || (mac & HOP_DEAD))
        return RANK_DEAD;
    return mac & HOP_KNOWN ? RANK_KNOWN : RANK_UNKNOWN;
}

struct best {
    struct hop *hop;
    enum rank rank;
};

static void consider(const struct vtep *v, struct best *b, struct hop *h)
{
    enum rank r = rank_of(v, h);
    if (r > b->rank)
        *b = (struct best){.hop = h, .rank = r};
}

/* A group has a MAC on every link. */
static struct hop *group_path(struct vtep *v, struct endpoint *p)
{
    uint8_t link = 0;
    while (link + 1u < v->n_links && !vtep_link_up(v, link))
        link++;
    p->own.link = vtep_link_up(v, link) ? link : 0;
    return &p->own;
}

/* How long the prefix of the link is that has it; -1: none has. An address without a prefix of its
 * own is on link 0 as long as there were no routes: a network of one segment. */
static int near_len(const struct vtep *v, const struct endpoint *p)
{
    const struct vtep_link *l = &v->link[p->own.link];
    if (is_in(&p->ip, &l->ip, l->prefix_len))
        return l->prefix_len;
    return v->routed ? -1 : 0;
}

struct hop *vtep_path(struct vtep *v, struct endpoint *p)
{
    const struct vtep_routes *t = atomic_load_explicit(&v->routes, memory_order_acquire);
    struct best b = {0};
    if (p->multicast)
        return group_path(v, p);
    int near = near_len(v, p);
    for (unsigned i = 0; i < t->n; i++) {
        const struct vtep_route *r = &t->r[i];
        if (near >= r->len) {
            consider(v, &b, &p->own);
            near = -1;
        }
        for (unsigned j = 0; j < r->n && is_in(&p->ip, &r->to, r->len); j++)
            consider(v, &b, r->via[j]);
    }
    if (near >= 0)
        consider(v, &b, &p->own);
    return b.hop;
}

unsigned vtep_reroute(struct vtep *v)
{
    unsigned moved = 0;
    uint32_t n = atomic_load(&v->n_endpoints);
    for (uint32_t i = 1; i <= n; i++) {
        struct endpoint *p = endpoint_at(v, (uint16_t)i);
        struct hop *h = vtep_path(v, p);
        if (atomic_load_explicit(&p->hop, memory_order_relaxed) == h)
            continue;
        atomic_store_explicit(&p->hop, h, memory_order_release);
        moved++;
    }
    return moved;
}

unsigned vtep_link_for(const struct vtep *v, const struct ip6 *ip)
{
    unsigned best = 0, len = 0;
    for (unsigned i = 0; i < v->n_links; i++) {
        const struct vtep_link *l = &v->link[i];
        if (l->prefix_len > len && is_in(ip, &l->ip, l->prefix_len)) {
            best = i;
            len = l->prefix_len;
        }
    }
    return best;
}

/* ------------------------------------------------------------ neighbours */

static bool set_if_it(struct hop *h, unsigned link, const struct ip6 *ip, uint64_t mac)
{
    if (h->link != link || memcmp(&h->ip, ip, sizeof *ip) != 0)
        return false;
    return atomic_exchange(&h->mac, mac) != mac;
}

bool vtep_hop_set(struct vtep *v, unsigned link, const struct ip6 *ip, uint64_t mac)
{
    bool changed = false;
    uint16_t number = endpoint_find(v, ip);
    if (number != 0)
        changed = set_if_it(&endpoint_at(v, number)->own, link, ip, mac);
    for (unsigned i = 0; i < VTEP_HOPS_MAX && !is_zero(ip); i++)
        changed |= set_if_it(&v->hops[i], link, ip, mac);
    return changed;
}

int vtep_set_neighbour(struct vtep *v, const struct ip6 *ip, struct mac mac)
{
    uint64_t value = mac_is_zero(mac) ? 0 : mac_to_u64(mac) | HOP_KNOWN | HOP_STATIC;
    if (endpoint_add(v, ip) == 0)
        return -ENOSPC;
    vtep_hop_set(v, vtep_link_for(v, ip), ip, value);
    return 0;
}

/* ------------------------------------------------------------ routes */

static bool uses(const struct vtep_routes *t, const struct hop *h)
{
    for (unsigned i = 0; i < t->n; i++)
        for (unsigned j = 0; j < t->r[i].n; j++)
            if (t->r[i].via[j] == h)
                return true;
    return false;
}

/* The hop of this address, or a free one that becomes it; NULL: there is none. */
static struct hop *hop_for(struct vtep *v, const struct ip6 *ip)
{
    struct hop *free_one = NULL;
    uint8_t link = (uint8_t)vtep_link_for(v, ip);
    for (unsigned i = 0; i < VTEP_HOPS_MAX; i++) {
        struct hop *h = &v->hops[i];
        if (h->link == link && memcmp(&h->ip, ip, sizeof *ip) == 0)
            return h;
        if (is_zero(&h->ip) && free_one == NULL)
            free_one = h;
    }
    if (free_one != NULL) {
        uint16_t number = endpoint_find(v, ip);
        free_one->ip = *ip;
        free_one->link = link;
        atomic_store(&free_one->mac, number != 0 ? endpoint_at(v, number)->own.mac : 0);
    }
    return free_one;
}

/* Stable: of the same prefix, the first stays first. They are few. */
static void sort(struct vtep_routes *t)
{
    for (unsigned i = 1; i < t->n; i++)
        for (unsigned j = i; j > 0 && t->r[j - 1].len < t->r[j].len; j--) {
            struct vtep_route s = t->r[j];
            t->r[j] = t->r[j - 1];
            t->r[j - 1] = s;
        }
}

static int fill(struct vtep *v, struct vtep_routes *t, const struct vtep_route_options *r,
                unsigned n, struct errbuf *e)
{
    for (unsigned i = 0; i < n; i++) {
        struct vtep_route *to = &t->r[t->n++];
        *to = (struct vtep_route){.to = r[i].to, .len = r[i].len};
        for (unsigned j = 0; j < r[i].n && j < VTEP_VIAS_MAX; j++) {
            to->via[to->n] = hop_for(v, &r[i].via[j]);
            if (to->via[to->n++] == NULL)
                return errbuf_set(e, EINVAL, "VTEP %s: its routes name more than %d next hops",
                                  v->name, VTEP_HOPS_MAX);
        }
    }
    sort(t);
    return 0;
}

static void free_hops(struct vtep *v, const struct vtep_routes *t)
{
    for (unsigned i = 0; i < VTEP_HOPS_MAX; i++) {
        if (is_zero(&v->hops[i].ip) || uses(t, &v->hops[i]))
            continue;
        v->hops[i].ip = (struct ip6){{0}};
        atomic_store(&v->hops[i].mac, 0);
    }
}

int vtep_set_routes(struct vtep *v, const struct vtep_route_options *r, unsigned n,
                    struct errbuf *e)
{
    if (n > VTEP_ROUTES_MAX)
        return errbuf_set(e, EINVAL, "VTEP %s: %u routes; at most %d", v->name, n, VTEP_ROUTES_MAX);
    struct vtep_routes *t = calloc(1, sizeof *t + n * sizeof t->r[0]);
    if (t == NULL)
        return errbuf_set(e, ENOMEM, "out of memory");
    int err = fill(v, t, r, n, e);
    if (err < 0) {
        free_hops(v, v->routes);
        free(t);
        return err;
    }
    v->routed = v->routed || n > 0;
    struct vtep_routes *old = (struct vtep_routes *)atomic_exchange(&v->routes, t);
    (void)vtep_reroute(v);
    rcu_wait(v->sw->rcu); /* no worker is on its way by an old hop, or notes an endpoint with it */
    free(old);
    (void)vtep_reroute(v);
    free_hops(v, t);
    return 0;
}
