/* control/config_vm.c: what is bound to a VM's port, and what it may send. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "datapath/guard.h"

static const char *const securities[] = {"strict", "promiscuous", "off", NULL};
static const char *const activations[] = {"immediate", "rarp", "command", NULL};
static const char *const forms[] = {"request", "reply", "both", "off", NULL};

/* What `allow` takes away from a guard. */
static const struct {
    const char *word;
    uint32_t checks;
} allowed[] = {{"dhcp-server", GUARD_DHCP},
               {"router", GUARD_ROUTER},
               {"types", GUARD_TYPES},
               {"rate", GUARD_RATE}};

static bool is_one(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static const char *security_of(const struct config_port *p)
{
    if (p->security)
        return p->security;
    return p->ip_count || p->macs_count || p->vni ? "strict" : "off";
}

/* ---- VNI ---- */

static const struct config_port *vxlan_of(const struct config_bridge *b, uint32_t vni)
{
    for (unsigned i = 0; i < b->ports_count; i++) {
        const struct config_port *p = &b->ports[i];
        if (!strcmp(p->type, "vxlan") && p->key && strcmp(p->key, "flow") &&
            strtoul(p->key, NULL, 0) == vni)
            return p;
    }
    return NULL;
}

uint16_t config_vni_tag(const struct config_bridge *b, const struct config_port *p)
{
    const struct config_port *x = p->vni ? vxlan_of(b, p->vni) : NULL;
    return x ? x->tag : 0;
}

static int check_vni(struct config_check *k, const struct config_bridge *b,
                     const struct config_port *p)
{
    const struct config_port *x = vxlan_of(b, p->vni);
    if (p->vni > 0xffffff)
        return config_refuse(k, "vni", "%u; give 1..16777215", p->vni);
    if (!x)
        return config_refuse(k, "vni",
                             "%u: bridge %s has no vxlan port with this key; add it first", p->vni,
                             b->name);
    if (p->vlan_mode || p->trunks_count)
        return config_refuse(k, "vni", "says which VLAN it is; take vlan_mode and trunks away");
    if (p->tag && p->tag != x->tag)
        return config_refuse(k, "tag", "%u; VNI %u is VLAN %u, by vxlan port %s: take tag away",
                             p->tag, p->vni, x->tag, x->name);
    return 0;
}

/* ---- checks ---- */

static const char *vm_key(const struct config_port *p)
{
    if (p->ip_count)
        return "ip";
    if (p->macs_count)
        return "macs";
    if (p->vni)
        return "vni";
    if (p->allow_count)
        return "allow";
    if (p->activation)
        return "activation";
    if (p->announce)
        return "announce";
    if (p->redirect_s)
        return "redirect_s";
    return p->security ? "security" : NULL;
}

static int check_macs(struct config_check *k, const struct config_port *p)
{
    struct mac mac;
    if (p->macs_count >= GUARD_MACS_MAX)
        return config_refuse(k, "macs", "%u addresses; at most %d", p->macs_count,
                             GUARD_MACS_MAX - 1);
    for (unsigned i = 0; i < p->macs_count; i++)
        if (!config_mac(p->macs[i], &mac) || mac_is_multicast(mac) || mac_is_zero(mac))
            return config_refuse(k, "macs", "\"%.60s\" is not the MAC address of a station",
                                 p->macs[i]);
    return 0;
}

static int check_ips(struct config_check *k, const struct config_port *p)
{
    struct ip6 ip;
    bool v6;
    uint8_t prefix;
    if (p->ip_count > GUARD_IPS_MAX)
        return config_refuse(k, "ip", "%u addresses; at most %d", p->ip_count, GUARD_IPS_MAX);
    for (unsigned i = 0; i < p->ip_count; i++)
        if (!config_ip(p->ip[i], &ip, &v6, &prefix))
            return config_refuse(k, "ip",
                                 "\"%.60s\" is no address or prefix; expected 192.0.2.7, "
                                 "2001:db8::7 or 192.0.2.0/28",
                                 p->ip[i]);
    return 0;
}

static int check_words(struct config_check *k, const struct config_port *p)
{
    if (p->security && !is_one(p->security, securities))
        return config_refuse(k, "security", "\"%.60s\"; expected strict, promiscuous or off",
                             p->security);
    if (p->activation && !is_one(p->activation, activations))
        return config_refuse(k, "activation", "\"%.60s\"; expected immediate, rarp or command",
                             p->activation);
    if (p->announce && !is_one(p->announce, forms))
        return config_refuse(k, "announce", "\"%.60s\"; expected request, reply, both or off",
                             p->announce);
    for (unsigned i = 0; i < p->allow_count; i++) {
        size_t n = 0;
        while (n < sizeof allowed / sizeof *allowed && strcmp(allowed[n].word, p->allow[i]) != 0)
            n++;
        if (n == sizeof allowed / sizeof *allowed)
            return config_refuse(k, "allow",
                                 "\"%.60s\"; expected dhcp-server, router, types or rate",
                                 p->allow[i]);
    }
    return 0;
}

/* Guests' devices have a MAC that we can't know. */
static int check_bound(struct config_check *k, const struct config_port *p)
{
    bool strict = !strcmp(security_of(p), "strict"), tap = !strcmp(p->type, "tap");
    if (strict && !tap && !p->mac && !p->macs_count)
        return config_refuse(k, "security", "strict needs the guest's address: give mac or macs");
    return 0;
}

int config_check_vm(struct config_check *k, const struct config_bridge *b,
                    const struct config_port *p)
{
    const char *key = vm_key(p);
    if (!key)
        return 0;
    if (!strcmp(p->type, "vxlan") || !strcmp(p->type, "bond"))
        return config_refuse(k, key, "is for VMs' ports; a %s port takes it not", p->type);
    int r = check_macs(k, p);
    if (r == 0)
        r = check_ips(k, p);
    if (r == 0)
        r = check_words(k, p);
    if (r == 0)
        r = check_bound(k, p);
    return r == 0 && p->vni ? check_vni(k, b, p) : r;
}

/* ---- for the datapath ---- */

static uint32_t checks_of(const struct config_port *p)
{
    const char *s = security_of(p);
    uint32_t checks = !strcmp(s, "off") ? 0 : GUARD_ALL;
    if (!strcmp(s, "promiscuous"))
        checks &= ~(uint32_t)(GUARD_SOURCES | GUARD_TYPES);
    for (unsigned i = 0; i < p->allow_count; i++)
        for (size_t n = 0; n < sizeof allowed / sizeof *allowed; n++)
            if (!strcmp(allowed[n].word, p->allow[i]))
                checks &= ~allowed[n].checks;
    return checks;
}

static void bind_macs(const struct config_port *p, struct mac own, struct guard *g)
{
    struct mac mac;
    if (p->mac && config_mac(p->mac, &mac))
        g->mac[g->n_macs++] = mac;
    for (unsigned i = 0; i < p->macs_count && g->n_macs < GUARD_MACS_MAX; i++)
        if (config_mac(p->macs[i], &mac))
            g->mac[g->n_macs++] = mac;
    if (g->n_macs == 0)
        g->mac[g->n_macs++] = own;
}

static void bind_ips(const struct config_port *p, struct guard *g)
{
    for (unsigned i = 0; i < p->ip_count && g->n_ips < GUARD_IPS_MAX; i++) {
        struct guard_ip *a = &g->ip[g->n_ips];
        if (config_ip(p->ip[i], &a->ip, &a->v6, &a->prefix))
            g->n_ips++;
    }
}

bool config_bindings(const struct config_port *p, struct mac own, struct guard *out)
{
    *out = (struct guard){.checks = checks_of(p)};
    bind_macs(p, own, out);
    bind_ips(p, out);
    return vm_key(p) != NULL;
}

bool config_guard(const struct config_port *p, struct mac own, struct guard *out)
{
    struct port_vlan v;
    (void)config_bindings(p, own, out);
    if (out->checks == 0)
        return false;
    config_port_vlan(p, &v);
    if (v.mode == VLAN_DOT1Q_TUNNEL)
        out->checks &= ~(uint32_t)GUARD_VLANS; /* its tags are its own business */
    out->tagged = v.mode != VLAN_ACCESS && p->trunks_count > 0;
    memcpy(out->vids, v.trunks, sizeof out->vids);
    return true;
}
