/* control/gateway_adj.c: next hops by neighbours, by interface and address. */
#include <stdlib.h>
#include <string.h>

#include "control/gateway_priv.h"
#include "datapath/hash.h"

static struct gw_adj **place(struct gateway *g, const struct gw_if *i, const struct ip6 *ip,
                             bool ip6)
{
    uint64_t w[3] = {0, 0, (uint64_t)gw_number(i) << 1 | ip6};
    memcpy(w, ip, sizeof *ip);
    struct gw_adj **at = &g->bucket[hash_words(w, 3, g->r->hash_key) % GW_BUCKETS];
    while (*at != NULL &&
           ((*at)->ifc != i || (*at)->ip6 != ip6 || memcmp(&(*at)->ip, ip, sizeof *ip) != 0))
        at = &(*at)->chain;
    return at;
}

struct gw_adj *gw_adj_find(struct gateway *g, const struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    return *place(g, i, ip, ip6);
}

static struct gw_adj *make(struct gateway *g, struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    struct gw_adj *a = calloc(1, sizeof *a), **at = place(g, i, ip, ip6);
    uint32_t next =
        a != NULL ? next_new(g->r, &(struct next_hop){.kind = NEXT_VIA, .ifc = i->dp}) : 0;
    if (next == 0) {
        free(a);
        return NULL;
    }
    *a = (struct gw_adj){.ifc = i, .ip = *ip, .ip6 = ip6, .next = next};
    *at = a;
    g->by_next[next] = a;
    g->n_adjs++;
    return a;
}

static void set_mac(struct gateway *g, struct gw_adj *a, const struct mac *mac)
{
    atomic_store_explicit(&g->r->next[a->next].mac, mac != NULL ? mac_to_u64(*mac) | NEXT_KNOWN : 0,
                          memory_order_release);
}

struct gw_adj *gw_adj_get(struct gateway *g, struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    struct gw_adj *a = gw_adj_find(g, i, ip, ip6);
    if (a == NULL) {
        a = make(g, i, ip, ip6);
        struct neigh_resolution r = a != NULL
                                        ? neigh_resolve(g->neigh, gw_number(i), ip, ip6, 0, g->now)
                                        : (struct neigh_resolution){.answer = NEIGH_REFUSED};
        if (r.answer == NEIGH_KNOWN)
            set_mac(g, a, &r.mac);
    }
    if (a != NULL)
        a->refs++;
    return a;
}

void gw_adj_put(struct gateway *g, struct gw_adj *a)
{
    if (--a->refs > 0)
        return;
    struct gw_adj **at = place(g, a->ifc, &a->ip, a->ip6);
    *at = a->chain;
    g->by_next[a->next] = NULL;
    next_free(g->r, a->next);
    g->n_adjs--;
    free(a);
}

void gw_adj_free_all(struct gateway *g)
{
    for (unsigned b = 0; b < GW_BUCKETS; b++)
        for (struct gw_adj *a = g->bucket[b], *next; a != NULL; a = next) {
            next = a->chain;
            free(a);
        }
}

static bool on_link(const struct gw_if *i, const struct ip6 *ip, bool ip6)
{
    for (unsigned k = 0; k < i->n_addrs; k++)
        if (i->addr[k].ip6 == ip6 && gw_in_prefix(&i->addr[k], ip))
            return !(ip6 && gw_is_link_local(ip));
    return false;
}

void gw_adj_update(struct gateway *g, struct gw_if *i, const struct neigh_action *u)
{
    uint8_t whole = u->ip6 ? 128 : 32;
    struct gw_adj *a = gw_adj_find(g, i, &u->ip, u->ip6);
    if (u->update.usable) {
        a = a != NULL && a->neighbour ? a : gw_adj_get(g, i, &u->ip, u->ip6);
        if (a == NULL)
            return; /* no room: packets for it go on waiting in vain */
        a->neighbour = true;
        set_mac(g, a, &u->update.mac);
        if (on_link(i, &u->ip, u->ip6))
            (void)rib_set(i->router->rib[u->ip6], &u->ip, whole, RIB_NEIGH, a->next);
    } else if (a != NULL && a->neighbour) {
        a->neighbour = false;
        set_mac(g, a, NULL);
        if (rib_get(i->router->rib[u->ip6], &u->ip, whole, RIB_NEIGH) == a->next)
            (void)rib_set(i->router->rib[u->ip6], &u->ip, whole, RIB_NEIGH, 0);
        gw_adj_put(g, a);
    }
}

void gw_adj_used(struct gateway *g)
{
    for (unsigned b = 0; b < GW_BUCKETS && g->n_adjs > 0; b++)
        for (struct gw_adj *a = g->bucket[b]; a != NULL; a = a->chain) {
            _Atomic uint8_t *used = &g->r->next[a->next].used;
            if (!atomic_load_explicit(used, memory_order_relaxed))
                continue;
            atomic_store_explicit(used, 0, memory_order_relaxed);
            neigh_used(g->neigh, gw_number(a->ifc), &a->ip, a->ip6, g->now);
        }
}
