/* tunnel.c: VTEPs, their endpoints, and which port hears which VNI. */
#include "datapath/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/hash.h"
#include "datapath/pipeline.h"
#include "datapath/port.h"
#include "datapath/port_util.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"

enum { INDEX_SIZE = 1 << VTEP_INDEX_BITS, TTL_DEFAULT = 64 };

/* ------------------------------------------------------------ VTEPs come and go */

static int vtep_slot(const struct weft_switch *sw)
{
    for (int i = 0; i < WEFT_VTEPS_MAX; i++) {
        if (sw->vteps[i] == NULL)
            return i;
    }
    return -1;
}

static void vtep_free(struct vtep *v)
{
    if (v == NULL)
        return;
    for (unsigned i = 0; i < v->n_links; i++)
        free((void *)v->link[i].local);
    free((void *)v->routes);
    free((void *)v->map);
    free(v->ports);
    free(v->endpoints);
    free((void *)v->index);
    free(v);
}

/* Of the address, which no other VTEP of the underlay has; its name may be the same on every host.
 */
static struct mac mac_of(const struct ip6 *ip)
{
    char text[2 * sizeof *ip + 1];
    for (size_t i = 0; i < sizeof *ip; i++)
        snprintf(text + 2 * i, 3, "%02x", ip->b[i]);
    return port_mac_from(text, "vtep");
}

/* Who we are on a link: the VTEP's address, the link's MAC and VLAN. */
static struct outer_local local_of(const struct vtep_link *l)
{
    struct outer_local me = l->v->opt.local;
    me.mac = l->mac;
    me.vlan = l->vlan;
    me.groups = NULL;
    me.n_groups = 0;
    return me;
}

static bool add_link(struct vtep *v, const struct vtep_link_options *o)
{
    struct vtep_link *l = &v->link[v->n_links];
    struct outer_local *local = malloc(sizeof *local);
    if (local == NULL)
        return false;
    l->v = v;
    l->index = (uint8_t)v->n_links++;
    l->prefix_len = o->prefix_len;
    l->vlan = o->vlan;
    l->ip = o->ip;
    l->mac = mac_is_zero(o->mac) ? mac_of(&o->ip) : o->mac;
    *local = local_of(l);
    l->local = local;
    return true;
}

static bool add_links(struct vtep *v, const struct vtep_options *o)
{
    struct vtep_link_options own = {.prefix_len = o->prefix_len,
                                    .vlan = o->local.vlan,
                                    .ip = o->local.ip,
                                    .mac = o->local.mac};
    bool ok = add_link(v, &own);
    for (unsigned i = 0; ok && i < o->n_links; i++)
        ok = add_link(v, &o->links[i]);
    return ok;
}

static struct vtep *vtep_alloc(struct weft_switch *sw, const struct vtep_options *o)
{
    struct vtep *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->sw = sw;
    v->serial = ++sw->vtep_serial;
    v->opt = *o;
    v->opt.ttl = o->ttl != 0 ? o->ttl : TTL_DEFAULT;
    v->hash_key = sw->hash_key;
    memcpy(v->name, o->name, strlen(o->name) + 1);
    v->opt.name = v->name;
    v->opt.links = NULL;
    v->opt.local.groups = NULL;
    v->opt.local.n_groups = 0;
    bool ok = add_links(v, o);
    v->opt.local.mac = v->link[0].mac;
    v->endpoints = calloc(FDB_ENDPOINTS_MAX, sizeof *v->endpoints);
    v->index = calloc(INDEX_SIZE, sizeof *v->index);
    v->map = calloc(1, sizeof(struct vni_map) + sizeof((struct vni_map *)0)->slot[0]);
    v->routes = calloc(1, sizeof *v->routes);
    if (ok && v->endpoints != NULL && v->index != NULL && v->map != NULL && v->routes != NULL)
        return v;
    vtep_free(v);
    return NULL;
}

int vtep_create(struct weft_switch *sw, const struct vtep_options *o, struct vtep **out,
                struct errbuf *e)
{
    if (o->name == NULL || o->name[0] == '\0' || strlen(o->name) >= WEFT_NAME_MAX)
        return errbuf_set(e, EINVAL, "a VTEP's name has 1 to %d characters", WEFT_NAME_MAX - 1);
    if (vtep_find(sw, o->name) != NULL)
        return errbuf_set(e, EEXIST, "VTEP %s: there is one of this name already", o->name);
    if (o->n_links >= VTEP_LINKS_MAX)
        return errbuf_set(e, EINVAL, "VTEP %s: %u further links; at most %d", o->name, o->n_links,
                          VTEP_LINKS_MAX - 1);
    int at = vtep_slot(sw);
    if (at < 0)
        return errbuf_set(e, ENOSPC, "VTEP %s: the switch has its %d VTEPs; delete one", o->name,
                          WEFT_VTEPS_MAX);
    struct vtep *v = vtep_alloc(sw, o);
    if (v == NULL)
        return errbuf_set(e, ENOMEM, "VTEP %s: out of memory", o->name);
    v->slot = (uint16_t)at;
    sw->vteps[at] = v;
    *out = v;
    return 0;
}

void vtep_destroy(struct vtep *v)
{
    if (v == NULL)
        return;
    weft_assert(v->n_ports == 0);
    for (unsigned i = 0; i < v->n_links; i++)
        (void)vtep_set_uplink(v, i, NULL, NULL);
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++) {
        if (v->sw->vteps[i] == v)
            v->sw->vteps[i] = NULL;
    }
    rcu_wait(v->sw->rcu);
    vtep_free(v);
}

struct vtep *vtep_find(const struct weft_switch *sw, const char *name)
{
    for (unsigned i = 0; i < WEFT_VTEPS_MAX; i++) {
        if (sw->vteps[i] != NULL && strcmp(sw->vteps[i]->name, name) == 0)
            return sw->vteps[i];
    }
    return NULL;
}

/* ------------------------------------------------------------ the way to the underlay */

/* Out of its port's list; a worker that is in the middle of it goes on to the old neighbour. */
static void unlink_vtep(struct vtep_link *l)
{
    struct port *p = atomic_load(&l->uplink);
    if (p == NULL)
        return;
    struct vtep_link *_Atomic *at = &p->vteps;
    while (atomic_load(at) != l)
        at = &atomic_load(at)->next_on_port;
    atomic_store(at, atomic_load(&l->next_on_port));
    atomic_store(&l->uplink, NULL);
    rcu_wait(l->v->sw->rcu);
    atomic_store(&l->next_on_port, NULL);
}

uint16_t vtep_underlay_mtu(const struct vtep *v)
{
    uint16_t least = 0;
    for (unsigned i = 0; i < v->n_links; i++) {
        const struct port *p = atomic_load(&v->link[i].uplink);
        if (p != NULL && (least == 0 || p->mtu < least))
            least = p->mtu;
    }
    return least;
}

/* Their links, and MTUs that nobody asked for, follow the underlay's. */
static void refresh_ports(struct vtep *v)
{
    uint16_t mtu = vtep_underlay_mtu(v);
    for (unsigned i = 0; i < v->n_ports; i++) {
        struct port *p = v->ports[i]->port;
        if (v->ports[i]->auto_mtu && mtu != 0)
            __atomic_store_n(&p->mtu, tunnel_inner_mtu(v, mtu), __ATOMIC_RELAXED);
        (void)port_poll_link(p, NULL);
    }
}

int vtep_set_uplink(struct vtep *v, unsigned link, struct port *p, struct errbuf *e)
{
    struct vtep_link *l = &v->link[link];
    weft_assert(link < v->n_links);
    if (p == atomic_load(&l->uplink)) {
        refresh_ports(v);
        return 0;
    }
    if (p != NULL && p->tunnel != NULL)
        return errbuf_set(e, EINVAL,
                          "VTEP %s: port %s is a tunnel itself; give a port to the underlay",
                          v->name, p->name);
    unlink_vtep(l);
    if (p != NULL) {
        atomic_store(&l->next_on_port, atomic_load(&p->vteps));
        atomic_store(&l->uplink, p);
        atomic_store(&p->vteps, l);
    }
    refresh_ports(v);
    return 0;
}

void vtep_port_gone(struct port *p)
{
    for (struct vtep_link *l; (l = atomic_load(&p->vteps)) != NULL;)
        (void)vtep_set_uplink(l->v, l->index, NULL, NULL);
}

/* ------------------------------------------------------------ endpoints */

static uint64_t address_hash(const struct vtep *v, const struct ip6 *ip)
{
    uint64_t w[2];
    memcpy(w, ip, sizeof w);
    return hash_words(w, 2, v->hash_key);
}

static bool is_multicast(const struct vtep *v, const struct ip6 *ip)
{
    return v->opt.local.v6 ? ip->b[0] == 0xff : (ip->b[0] & 0xf0) == 0xe0;
}

/* RFC 1112 section 6.4, RFC 2464 section 7. */
static struct mac group_mac(const struct vtep *v, const struct ip6 *ip)
{
    if (v->opt.local.v6)
        return (struct mac){{0x33, 0x33, ip->b[12], ip->b[13], ip->b[14], ip->b[15]}};
    return (struct mac){{1, 0, 0x5e, ip->b[1] & 0x7f, ip->b[2], ip->b[3]}};
}

static void endpoint_fill(struct vtep *v, struct endpoint *p, const struct ip6 *ip)
{
    p->ip = p->own.ip = *ip;
    p->multicast = is_multicast(v, ip);
    if (p->multicast)
        p->own.mac = mac_to_u64(group_mac(v, ip)) | HOP_KNOWN | HOP_STATIC;
    else
        p->own.link = (uint8_t)vtep_link_for(v, ip);
    p->hop = vtep_path(v, p);
    outer_prebuild(&(struct outer_path){.src = v->opt.local.mac,
                                        .vlan = v->opt.local.vlan,
                                        .v6 = v->opt.local.v6,
                                        .src_ip = v->opt.local.ip,
                                        .dst_ip = *ip,
                                        .udp_port = v->opt.local.udp_port,
                                        .ttl = v->opt.ttl,
                                        .df = !v->opt.no_df,
                                        .kind = v->opt.local.kind},
                   &p->head);
}

static bool endpoint_is(const struct vtep *v, uint16_t number, const struct ip6 *ip)
{
    return memcmp(&endpoint_at(v, number)->ip, ip, sizeof *ip) == 0;
}

uint16_t endpoint_find(const struct vtep *v, const struct ip6 *ip)
{
    uint32_t at = (uint32_t)address_hash(v, ip);
    for (unsigned i = 0; i < INDEX_SIZE; i++, at++) {
        uint16_t number = atomic_load_explicit(&v->index[at % INDEX_SIZE], memory_order_acquire);
        if (number == 0 || endpoint_is(v, number, ip))
            return number;
    }
    return 0;
}

/* A new number, or 0: they are used up. */
static uint16_t endpoint_number(struct vtep *v)
{
    uint32_t n = atomic_load(&v->n_endpoints);
    do {
        if (n + 1 >= FDB_ENDPOINTS_MAX)
            return 0;
    } while (!atomic_compare_exchange_weak(&v->n_endpoints, &n, n + 1));
    return (uint16_t)(n + 1);
}

/* The address gets its number first and its place in the index after. Two threads with the same
 * address may both do that; then the later one is never found, and costs a number. */
uint16_t endpoint_add(struct vtep *v, const struct ip6 *ip)
{
    uint16_t number = endpoint_find(v, ip);
    if (number != 0)
        return number;
    number = endpoint_number(v);
    if (number == 0)
        return 0;
    struct endpoint *p = endpoint_at(v, number);
    endpoint_fill(v, p, ip);
    for (uint32_t at = (uint32_t)address_hash(v, ip);; at++) {
        uint16_t none = 0;
        if (atomic_compare_exchange_strong(&v->index[at % INDEX_SIZE], &none, number))
            return number;
        if (endpoint_is(v, none, ip))
            return none;
    }
}

static void put_end(struct pkt *k, bool v6, const struct ip6 *src, const struct ip6 *dst)
{
    if (v6) {
        k->key.tun6_src = *src;
        k->key.tun6_dst = *dst;
    } else {
        memcpy(&k->key.tun_src, src, 4);
        memcpy(&k->key.tun_dst, dst, 4);
    }
}

void stage_tunnel_ends(struct burst *b)
{
    for (uint16_t i = 0; i < b->n; i++) {
        struct pkt *k = pkt_of(b->m[i]);
        const struct tunnel_port *t = k->in_port != NULL ? k->in_port->tunnel : NULL;
        bool fill =
            t != NULL && k->tun_from != 0 && (k->flags & (PKT_TUNNEL | PKT_TUN_KEY)) == PKT_TUNNEL;
        pkt_tunnel_key(k);
        if (fill)
            put_end(k, t->vtep->opt.local.v6, &endpoint_at(t->vtep, k->tun_from)->ip,
                    &t->vtep->opt.local.ip);
    }
}

/* ------------------------------------------------------------ VNIs */

#define ANY_VNI (UINT64_C(1) << 24)

/* Never 0. */
static uint64_t vni_key(uint64_t vni, uint16_t remote)
{
    return UINT64_C(1) << 63 | (uint64_t)remote << 32 | vni;
}

static struct tunnel_port *probe(const struct vni_map *map, uint64_t key, uint64_t hash_key)
{
    uint32_t at = (uint32_t)hash_u64(key, hash_key) & map->mask;
    while (map->slot[at].key != 0 && map->slot[at].key != key)
        at = (at + 1) & map->mask;
    return map->slot[at].port; /* NULL in an empty slot */
}

struct tunnel_port *tunnel_port_for(const struct vtep *v, uint32_t vni, uint16_t endpoint)
{
    const struct vni_map *map = atomic_load_explicit(&v->map, memory_order_acquire);
    struct tunnel_port *t = NULL;
    if (map->with_remote && endpoint != 0)
        t = probe(map, vni_key(vni, endpoint), v->hash_key);
    if (t == NULL)
        t = probe(map, vni_key(vni, 0), v->hash_key);
    if (t == NULL && map->any_vni && map->with_remote && endpoint != 0)
        t = probe(map, vni_key(ANY_VNI, endpoint), v->hash_key);
    if (t == NULL && map->any_vni)
        t = probe(map, vni_key(ANY_VNI, 0), v->hash_key);
    return t;
}

static uint64_t key_of(const struct tunnel_port *t)
{
    return vni_key(t->any_vni ? ANY_VNI : t->vni, t->remote);
}

static void map_put(struct vni_map *map, struct tunnel_port *t, uint64_t hash_key)
{
    uint64_t key = key_of(t);
    uint32_t at = (uint32_t)hash_u64(key, hash_key) & map->mask;
    while (map->slot[at].key != 0)
        at = (at + 1) & map->mask;
    map->slot[at].key = key;
    map->slot[at].port = t;
    map->with_remote |= t->remote != 0;
    map->any_vni |= t->any_vni;
}

/* At most half full: a probe always ends. */
static bool publish_map(struct vtep *v)
{
    uint32_t size = 2;
    while (size < v->n_ports * 2)
        size *= 2;
    struct vni_map *map = calloc(1, sizeof *map + size * sizeof map->slot[0]);
    if (map == NULL)
        return false;
    map->mask = size - 1;
    for (unsigned i = 0; i < v->n_ports; i++)
        map_put(map, v->ports[i], v->hash_key);
    const struct vni_map *old = atomic_exchange(&v->map, map);
    rcu_defer(v->sw->rcu, free, (void *)old);
    return true;
}

/* The groups of all ports, each once, behind the struct. */
static bool publish_local(struct vtep_link *k)
{
    static const struct ip6 none;
    struct vtep *v = k->v;
    struct outer_local *l = malloc(sizeof *l + v->n_ports * sizeof(struct ip6));
    if (l == NULL)
        return false;
    struct ip6 *groups = (struct ip6 *)(l + 1);
    *l = local_of(k);
    for (unsigned i = 0; i < v->n_ports; i++) {
        bool seen = memcmp(&v->ports[i]->group, &none, sizeof none) == 0;
        for (unsigned j = 0; j < l->n_groups && !seen; j++)
            seen = memcmp(&groups[j], &v->ports[i]->group, sizeof none) == 0;
        if (!seen)
            groups[l->n_groups++] = v->ports[i]->group;
    }
    l->groups = groups;
    const struct outer_local *old = atomic_exchange(&k->local, l);
    rcu_defer(v->sw->rcu, free, (void *)old);
    return true;
}

static bool publish_locals(struct vtep *v)
{
    bool ok = true;
    for (unsigned i = 0; i < v->n_links; i++)
        ok = publish_local(&v->link[i]) && ok;
    return ok;
}

int tunnel_port_join(struct tunnel_port *t, struct errbuf *e)
{
    struct vtep *v = t->vtep;
    for (unsigned i = 0; i < v->n_ports; i++) {
        if (key_of(v->ports[i]) == key_of(t))
            return errbuf_set(e, EEXIST, "VTEP %s: port %s has this VNI%s already", v->name,
                              v->ports[i]->port->name, t->remote != 0 ? " and remote" : "");
    }
    struct tunnel_port **more = realloc(v->ports, (v->n_ports + 1) * sizeof(struct tunnel_port *));
    if (more == NULL)
        return errbuf_set(e, ENOMEM, "out of memory");
    v->ports = more;
    v->ports[v->n_ports++] = t;
    if (publish_map(v) && publish_locals(v))
        return 0;
    tunnel_port_leave(t);
    return errbuf_set(e, ENOMEM, "out of memory");
}

void tunnel_port_leave(struct tunnel_port *t)
{
    struct vtep *v = t->vtep;
    unsigned kept = 0;
    for (unsigned i = 0; i < v->n_ports; i++) {
        if (v->ports[i] != t)
            v->ports[kept++] = v->ports[i];
    }
    v->n_ports = kept;
    weft_assert(publish_map(v) && publish_locals(v)); /* no more than there was */
    rcu_wait(v->sw->rcu);
}
