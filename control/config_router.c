/* control/config_router.c: virtual routers and their interfaces: are they possible? */
#include <stdio.h>
#include <string.h>

#include "control/config_priv.h"
#include "datapath/ecmp.h"
#include "vrrp/vrrp.h"

enum { ADDRESSES_MAX = 30, NEIGHBORS_MAX = 64, ROUTERS_MAX_ = 1024 };

static const struct config_router *find_router(const struct config *c, const char *name)
{
    for (unsigned i = 0; i < c->routers_count; i++)
        if (!strcmp(c->routers[i].name, name))
            return &c->routers[i];
    return NULL;
}

static bool bits_behind(const struct ip6 *ip, uint8_t len, bool ip6)
{
    for (unsigned bit = len; bit < (ip6 ? 128 : 32); bit++)
        if (ip->b[bit / 8] & 0x80 >> (bit % 8))
            return true;
    return false;
}

static int check_vias(struct config_check *k, const char *path, const struct config_route *r,
                      bool ip6)
{
    char key[64];
    snprintf(key, sizeof key, "%s.via", path);
    if (r->via_count > ECMP_MEMBERS_MAX)
        return config_refuse(k, key, "%u gateways; at most %d", r->via_count, ECMP_MEMBERS_MAX);
    if ((r->via_count > 0) + r->blackhole + r->unreachable != 1)
        return config_refuse(k, path, "give one of via, blackhole and unreachable");
    for (unsigned i = 0; i < r->via_count; i++) {
        if (!config_route_via(r->via[i], ip6))
            return config_refuse(k, key,
                                 "\"%.80s\" is no IPv%d gateway; expected ADDRESS[%%PORT][*WEIGHT]",
                                 r->via[i], ip6 ? 6 : 4);
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(r->via[i], r->via[j]))
                return config_refuse(k, key, "\"%.80s\" is there twice", r->via[i]);
    }
    return 0;
}

static int check_routes(struct config_check *k, const struct config_router *v)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < v->routes_count; i++) {
        const struct config_route *t = &v->routes[i];
        char path[40];
        struct ip6 ip;
        uint8_t len;
        bool ip6;
        snprintf(path, sizeof path, "routes[%u]", i);
        if (!config_ip(t->prefix, &ip, &ip6, &len) || bits_behind(&ip, len, ip6))
            return config_refuse(k, path, "prefix: \"%.60s\"; expected a subnet like 192.0.2.0/24",
                                 t->prefix);
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(v->routes[j].prefix, t->prefix))
                return config_refuse(k, path, "prefix: \"%.60s\" is there twice", t->prefix);
        r = check_vias(k, path, t, ip6);
    }
    return r;
}

int config_check_routers(struct config_check *k)
{
    int r = 0;
    if (k->c->routers_count > ROUTERS_MAX_)
        return config_refuse(k, "routers", "%u; at most %d", k->c->routers_count, ROUTERS_MAX_);
    for (unsigned i = 0; r == 0 && i < k->c->routers_count; i++) {
        const struct config_router *v = &k->c->routers[i];
        snprintf(k->path, sizeof k->path, "routers[%u]", i);
        snprintf(k->about, sizeof k->about, "router %.100s", v->name);
        r = config_check_name(k, v->name);
        if (r == 0 && find_router(k->c, v->name) != v)
            r = config_refuse(k, "name", "\"%.60s\" is a router already", v->name);
        if (r == 0 && v->max_routes > 4000000)
            r = config_refuse(k, "max_routes", "%u; give 1..4000000", v->max_routes);
        if (r == 0)
            r = check_routes(k, v);
    }
    k->path[0] = k->about[0] = '\0';
    return r;
}

/* ---- interfaces ---- */

static bool is_host(const struct ip6 *ip, bool ip6)
{
    static const struct ip6 zero;
    if (memcmp(ip, &zero, sizeof zero) == 0)
        return false;
    return ip6 ? ip->b[0] != 0xff : ip->b[0] != 127 && ip->b[0] < 224;
}

/* ---- VRRP ---- */

static int check_track(struct config_check *k, const char *path, const struct config_vrrp *v)
{
    for (unsigned i = 0; i < v->track_count; i++) {
        const struct config_track *t = &v->track[i];
        struct ip6 ip;
        uint8_t len;
        bool ip6;
        char key[64];
        (void)snprintf(key, sizeof key, "%s.track[%u]", path, i);
        if ((t->port != NULL) + (t->bond != NULL) + (t->controller != NULL) + (t->route != NULL) !=
            1)
            return config_refuse(k, key, "give one of port, bond, controller and route");
        if (t->lower > 254)
            return config_refuse(k, key, "lower: %u; give 1..254, or nothing: it stops then",
                                 t->lower);
        if (t->route && !config_ip(t->route, &ip, &ip6, &len))
            return config_refuse(k, key, "route: \"%.60s\"; expected 0.0.0.0/0", t->route);
    }
    return v->track_count > VRRP_TRACKS_MAX
               ? config_refuse(k, path, "track: %u; at most %d", v->track_count, VRRP_TRACKS_MAX)
               : 0;
}

static int check_vrrp(struct config_check *k, const struct config_port *p)
{
    static const char *const versions[] = {"3", "2", "2+3"};
    int r = 0;
    for (unsigned i = 0; r == 0 && i < p->vrrp_count; i++) {
        const struct config_vrrp *v = &p->vrrp[i];
        struct vrrp_config c;
        struct errbuf e = {""};
        bool known = v->version == NULL;
        char key[32];
        (void)snprintf(key, sizeof key, "vrrp[%u]", i);
        for (unsigned n = 0; !known && n < 3; n++)
            known = !strcmp(v->version, versions[n]);
        if (!known)
            return config_refuse(k, key, "version: \"%.20s\"; expected 2, 3 or 2+3", v->version);
        if (v->vrid < 1 || v->vrid > 255 || v->priority > 255)
            return config_refuse(k, key, "give vrid 1..255 and priority 1..255");
        if (v->ttl_min > 255 || v->announce_count > 255)
            return config_refuse(k, key, "give ttl_min and announce_count up to 255");
        if (!config_vrrp(v, &c) || vrrp_config_check(&c, &e) < 0)
            return config_refuse(k, key, "%.200s",
                                 e.text[0] ? e.text : "an address or peer is no IP address");
        for (unsigned j = 0; j < i; j++)
            if (p->vrrp[j].vrid == v->vrid &&
                !strchr(p->vrrp[j].addresses[0], ':') == !strchr(v->addresses[0], ':'))
                return config_refuse(k, key, "vrid: %u is there already", v->vrid);
        r = check_track(k, key, v);
    }
    return r;
}

int config_check_interface(struct config_check *k, const struct config_port *p)
{
    if (p->router && !find_router(k->c, p->router))
        return config_refuse(k, "router", "there is no router \"%.60s\" in routers", p->router);
    if (p->vlan_mode || p->trunks_count)
        return config_refuse(k, p->vlan_mode ? "vlan_mode" : "trunks",
                             "an interface of a router is in one VLAN; give tag only");
    if (p->urpf && strcmp(p->urpf, "off") && strcmp(p->urpf, "loose") && strcmp(p->urpf, "strict"))
        return config_refuse(k, "urpf", "\"%.60s\"; expected off, loose or strict", p->urpf);
    if (p->addresses_count > ADDRESSES_MAX)
        return config_refuse(k, "addresses", "%u; at most %d", p->addresses_count, ADDRESSES_MAX);
    for (unsigned i = 0; i < p->addresses_count; i++) {
        struct ip6 ip;
        uint8_t len;
        bool ip6;
        char key[32];
        snprintf(key, sizeof key, "addresses[%u]", i);
        if (!config_ip(p->addresses[i], &ip, &ip6, &len) || !is_host(&ip, ip6))
            return config_refuse(k, key, "\"%.60s\"; expected an address like 192.0.2.1/24",
                                 p->addresses[i]);
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(p->addresses[i], p->addresses[j]))
                return config_refuse(k, key, "\"%.60s\" is there twice", p->addresses[i]);
    }
    if (p->ra.interval_s != 0 && (p->ra.interval_s < 4 || p->ra.interval_s > 1800))
        return config_refuse(k, "ra.interval_s", "%u; give 4..1800", p->ra.interval_s);
    if (p->ra.lifetime_s > 9000)
        return config_refuse(k, "ra.lifetime_s", "%u; give 1..9000", p->ra.lifetime_s);
    if (p->neighbors_count > NEIGHBORS_MAX)
        return config_refuse(k, "neighbors", "%u; at most %d", p->neighbors_count, NEIGHBORS_MAX);
    for (unsigned i = 0; i < p->neighbors_count; i++) {
        const struct config_neighbor *n = &p->neighbors[i];
        struct ip6 ip;
        struct mac mac;
        bool ip6;
        if (!config_ip(n->ip, &ip, &ip6, NULL) || !config_mac(n->mac, &mac) ||
            mac_is_multicast(mac) || mac_is_zero(mac))
            return config_refuse(k, "neighbors",
                                 "\"%.60s\", \"%.20s\"; expected a station's IP "
                                 "address and MAC",
                                 n->ip, n->mac);
    }
    return check_vrrp(k, p);
}
