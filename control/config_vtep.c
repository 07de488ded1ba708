/* control/config_vtep.c: VTEPs and ports into tunnels: are they possible, and what are they made
 * of? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "datapath/tunnel.h"

enum { VNI_NONE = -1 };

const struct config_vtep *config_find_vtep(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->vteps_count; i++)
        if (!strcmp(c->vteps[i].name, name))
            return &c->vteps[i];
    return NULL;
}

/* -1: "flow", or no number of 24 bits. */
static long vni_of(const char *key)
{
    char *end;
    unsigned long v = strtoul(key, &end, 0);
    return *key >= '0' && *key <= '9' && !*end && v <= VXLAN_VNI_MAX ? (long)v : VNI_NONE;
}

static bool is_multicast(const struct ip6 *ip, bool v6)
{
    return v6 ? ip->b[0] == 0xff : (ip->b[0] & 0xf0) == 0xe0;
}

static bool is_dscp(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 0);
    return !strcmp(text, "uniform") || (*text >= '0' && *text <= '9' && !*end && v < 64);
}

/* ---- VTEPs ---- */

/* A port to the underlay exists and is no tunnel. */
static int check_uplink(struct config_check *k, const char *key, const char *port)
{
    const struct config_port *p = config_find_port((struct config *)k->c, port, NULL);
    if (!p)
        return config_refuse(k, key, "no port \"%.60s\"", port);
    if (!strcmp(p->type, "vxlan"))
        return config_refuse(k, key, "%s is a tunnel itself; give a port to the underlay", port);
    return 0;
}

static int check_neighbors(struct config_check *k, const struct config_vtep *v, bool v6)
{
    struct ip6 gw;
    struct mac mac;
    bool gw6;
    for (unsigned i = 0; i < v->neighbors_count; i++) {
        const struct config_neighbor *n = &v->neighbors[i];
        char key[32];
        snprintf(key, sizeof key, "neighbors[%u]", i);
        if (!config_ip(n->ip, &gw, &gw6, NULL) || gw6 != v6)
            return config_refuse(k, key, "ip: \"%.60s\"; expected an IPv%d address", n->ip,
                                 v6 ? 6 : 4);
        if (!config_mac(n->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac))
            return config_refuse(k, key, "mac: \"%.60s\" is not the MAC address of a station",
                                 n->mac);
    }
    return 0;
}

static int check_links(struct config_check *k, const struct config_vtep *v, bool v6)
{
    struct ip6 ip;
    struct mac mac;
    bool is6;
    uint8_t prefix;
    if (v->links_count >= VTEP_LINKS_MAX)
        return config_refuse(k, "links", "%u; at most %d", v->links_count, VTEP_LINKS_MAX - 1);
    for (unsigned i = 0; i < v->links_count; i++) {
        const struct config_link *l = &v->links[i];
        char key[32];
        snprintf(key, sizeof key, "links[%u]", i);
        if (!config_ip(l->ip, &ip, &is6, &prefix) || is6 != v6 || is_multicast(&ip, v6))
            return config_refuse(k, key,
                                 "ip: \"%.60s\"; expected an IPv%d address of ours with its prefix",
                                 l->ip, v6 ? 6 : 4);
        if (l->mac && (!config_mac(l->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac)))
            return config_refuse(k, key, "mac: \"%.60s\" is not the MAC address of a station",
                                 l->mac);
        if (l->vlan > 4094)
            return config_refuse(k, key, "vlan: %u is not a VLAN; give 1..4094", l->vlan);
        int r = check_uplink(k, key, l->port);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_routes(struct config_check *k, const struct config_vtep *v, bool v6)
{
    struct ip6 ip;
    bool is6;
    if (v->routes_count >= VTEP_ROUTES_MAX)
        return config_refuse(k, "routes", "%u; at most %d", v->routes_count, VTEP_ROUTES_MAX - 1);
    for (unsigned i = 0; i < v->routes_count; i++) {
        const struct config_vtep_route *r = &v->routes[i];
        char key[32];
        uint8_t len;
        snprintf(key, sizeof key, "routes[%u]", i);
        if (!config_ip(r->prefix, &ip, &is6, &len) || is6 != v6)
            return config_refuse(k, key, "prefix: \"%.60s\"; expected an IPv%d prefix", r->prefix,
                                 v6 ? 6 : 4);
        for (unsigned j = 0; j < r->via_count; j++)
            if (!config_ip(r->via[j], &ip, &is6, NULL) || is6 != v6)
                return config_refuse(k, key, "via: \"%.60s\"; expected an IPv%d address", r->via[j],
                                     v6 ? 6 : 4);
    }
    return 0;
}

static int check_addresses(struct config_check *k, const struct config_vtep *v)
{
    struct ip6 ip, gw;
    struct mac mac;
    bool v6, gw6;
    uint8_t prefix;
    if (!config_ip(v->ip, &ip, &v6, &prefix) || is_multicast(&ip, v6))
        return config_refuse(k, "ip", "\"%.60s\"; expected an address of ours like 192.0.2.1/24",
                             v->ip);
    if (v->gateway && (!config_ip(v->gateway, &gw, &gw6, NULL) || gw6 != v6))
        return config_refuse(k, "gateway", "\"%.60s\"; expected an IPv%d address", v->gateway,
                             v6 ? 6 : 4);
    if (v->mac && (!config_mac(v->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac)))
        return config_refuse(k, "mac", "\"%.60s\" is not the MAC address of a station", v->mac);
    int r = check_neighbors(k, v, v6);
    if (r == 0)
        r = check_links(k, v, v6);
    return r < 0 ? r : check_routes(k, v, v6);
}

static int check_words(struct config_check *k, const struct config_vtep *v)
{
    if (v->vlan > 4094)
        return config_refuse(k, "vlan", "%u is not a VLAN; give 1..4094", v->vlan);
    if (v->dscp && !is_dscp(v->dscp))
        return config_refuse(k, "dscp", "\"%.60s\"; expected 0..63 or uniform", v->dscp);
    if (v->extension && strcmp(v->extension, "gbp") && strcmp(v->extension, "gpe"))
        return config_refuse(k, "extension", "\"%.60s\"; expected gbp or gpe", v->extension);
    return 0;
}

/* The port that it goes out by exists and is no tunnel; each of its addresses is its alone. */
static int check_place(struct config_check *k, unsigned i)
{
    const struct config_vtep *v = &k->c->vteps[i];
    int r = v->port ? check_uplink(k, "port", v->port) : 0;
    if (r < 0)
        return r;
    for (unsigned j = 0; j < i; j++)
        if (!strcmp(k->c->vteps[j].name, v->name))
            return config_refuse(k, "name", "\"%.60s\" is a VTEP already", v->name);
    return 0;
}

int config_check_vteps(struct config_check *k)
{
    if (k->c->vteps_count > WEFT_VTEPS_MAX)
        return config_refuse(k, "vteps", "%u; at most %d", k->c->vteps_count, WEFT_VTEPS_MAX);
    int r = 0;
    for (unsigned i = 0; r == 0 && i < k->c->vteps_count; i++) {
        const struct config_vtep *v = &k->c->vteps[i];
        snprintf(k->path, sizeof k->path, "vteps[%u]", i);
        snprintf(k->about, sizeof k->about, "VTEP %.100s", v->name);
        r = config_check_name(k, v->name);
        if (r == 0)
            r = check_addresses(k, v);
        if (r == 0)
            r = check_words(k, v);
        if (r == 0)
            r = check_place(k, i);
    }
    k->path[0] = k->about[0] = '\0';
    return r;
}

void config_vtep_options(const struct config_vtep *v, struct vtep_options *out)
{
    bool gpe = v->extension && !strcmp(v->extension, "gpe");
    *out = (struct vtep_options){
        .name = v->name,
        .local = {.vlan = v->vlan,
                  .zero_csum6 = v->udp6_zero,
                  .kind = gpe            ? VXLAN_GPE
                          : v->extension ? VXLAN_GBP
                                         : VXLAN_PLAIN,
                  .udp_port = v->udp_port ? v->udp_port
                              : gpe       ? VXLAN_GPE_UDP_PORT
                                          : VXLAN_UDP_PORT},
        .ttl = v->ttl,
        .no_df = v->df && !*v->df,
        .csum4 = v->udp_checksum && *v->udp_checksum,
        .no_csum6 = v->udp_checksum && !*v->udp_checksum,
        .dscp_mode =
            v->dscp && !strcmp(v->dscp, "uniform") ? TUNNEL_DSCP_UNIFORM : TUNNEL_DSCP_PIPE,
        .allow_inner_vlan = v->inner_vlan,
        .allow_nested = v->nested,
        .known_only = v->known_only,
    };
    if (v->dscp && out->dscp_mode == TUNNEL_DSCP_PIPE)
        out->dscp = (uint8_t)strtoul(v->dscp, NULL, 0);
    (void)config_ip(v->ip, &out->local.ip, &out->local.v6, &out->prefix_len);
    if (v->mac)
        (void)config_mac(v->mac, &out->local.mac);
}

unsigned config_vtep_links(const struct config_vtep *v, struct vtep_link_options *out)
{
    unsigned n = 0;
    bool v6;
    for (; n < v->links_count && n < VTEP_LINKS_MAX - 1; n++) {
        const struct config_link *l = &v->links[n];
        out[n] = (struct vtep_link_options){.vlan = l->vlan};
        (void)config_ip(l->ip, &out[n].ip, &v6, &out[n].prefix_len);
        if (l->mac)
            (void)config_mac(l->mac, &out[n].mac);
    }
    return n;
}

struct vtep_route_options *config_vtep_routes(const struct config_vtep *v, unsigned *n)
{
    struct vtep_route_options *list = calloc(v->routes_count + 1, sizeof *list);
    bool v6;
    *n = 0;
    for (unsigned i = 0; list && i < v->routes_count; i++) {
        struct vtep_route_options *r = &list[(*n)++];
        (void)config_ip(v->routes[i].prefix, &r->to, &v6, &r->len);
        for (unsigned j = 0; j < v->routes[i].via_count && j < VTEP_VIAS_MAX; j++)
            (void)config_ip(v->routes[i].via[j], &r->via[r->n++], &v6, NULL);
    }
    if (list && v->gateway)
        (void)config_ip(v->gateway, &list[(*n)++].via[0], &v6, NULL);
    if (list && v->gateway)
        list[*n - 1].n = 1;
    return list;
}

/* ---- ports ---- */

static int check_remote(struct config_check *k, const char *key, const char *text, bool v6)
{
    struct ip6 ip;
    bool is6;
    if (!config_ip(text, &ip, &is6, NULL) || is6 != v6)
        return config_refuse(k, key, "\"%.60s\"; expected an IPv%d address, as its VTEP's", text,
                             v6 ? 6 : 4);
    return 0;
}

bool config_remote_is_flow(const struct config_port *p)
{
    return p->remote_ip && !strcmp(p->remote_ip, "flow");
}

/* The one that is heard; NULL: any. */
static const char *only_remote(const struct config_port *p)
{
    return config_remote_is_flow(p) ? NULL : p->remote_ip;
}

/* One port hears a VNI from a remote. */
static int check_alone(struct config_check *k, const struct config_port *p)
{
    for (unsigned i = 0; i < k->c->bridges_count; i++) {
        const struct config_bridge *b = &k->c->bridges[i];
        for (unsigned j = 0; j < b->ports_count && &b->ports[j] != p; j++) {
            const struct config_port *o = &b->ports[j];
            const char *his = only_remote(o), *mine = only_remote(p);
            bool same = o->vtep && o->key && !strcmp(o->vtep, p->vtep) &&
                        vni_of(o->key) == vni_of(p->key) && !his == !mine;
            if (same && (!mine || !strcmp(mine, his)))
                return config_refuse(k, "key", "port %s has VNI %.20s of VTEP %s already", o->name,
                                     p->key, p->vtep);
        }
    }
    return 0;
}

static int check_hosts(struct config_check *k, const struct config_port *p, bool v6)
{
    struct mac mac;
    struct ip6 ip;
    bool is6;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < p->hosts_count; i++) {
        const struct config_host *h = &p->hosts[i];
        char key[32];
        snprintf(key, sizeof key, "hosts[%u]", i);
        if (!config_mac(h->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac))
            return config_refuse(k, key, "mac: \"%.60s\" is not the MAC address of a station",
                                 h->mac);
        r = check_remote(k, key, h->remote, v6);
        for (unsigned j = 0; r == 0 && j < h->ips_count; j++)
            if (!config_ip(h->ips[j], &ip, &is6, NULL))
                r = config_refuse(k, key, "ips: \"%.60s\" is not an address", h->ips[j]);
    }
    return r;
}

int config_check_tunnel(struct config_check *k, const struct config_port *p)
{
    const struct config_vtep *v = config_find_vtep(k->c, p->vtep);
    struct ip6 ip;
    uint8_t prefix;
    bool v6;
    if (!v || !config_ip(v->ip, &ip, &v6, &prefix))
        return config_refuse(k, "vtep", "there is no VTEP \"%.60s\" in vteps", p->vtep);
    if (!p->key || (strcmp(p->key, "flow") && vni_of(p->key) == VNI_NONE))
        return config_refuse(k, "key", "\"%.60s\"; expected a VNI 0..%d, or flow",
                             p->key ? p->key : "", VXLAN_VNI_MAX);
    if (only_remote(p) && p->remotes_count)
        return config_refuse(k, "remotes", "remote_ip is there, too; give one of them");
    int r = only_remote(p) ? check_remote(k, "remote_ip", p->remote_ip, v6) : 0;
    for (unsigned i = 0; r == 0 && i < p->remotes_count; i++) {
        char key[32];
        snprintf(key, sizeof key, "remotes[%u]", i);
        r = check_remote(k, key, p->remotes[i], v6);
    }
    if (r == 0)
        r = check_hosts(k, p, v6);
    return r < 0 ? r : check_alone(k, p);
}

struct ip6 *config_port_remotes(const struct config_port *p, unsigned *n)
{
    bool v6;
    *n = only_remote(p) ? 1 : p->remotes_count;
    struct ip6 *list = *n ? calloc(*n, sizeof *list) : NULL;
    if (!list) {
        *n = 0;
        return NULL;
    }
    for (unsigned i = 0; i < *n; i++)
        (void)config_ip(only_remote(p) ? p->remote_ip : p->remotes[i], &list[i], &v6, NULL);
    return list;
}
