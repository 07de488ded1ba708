/* control/config_check_port.c: is this port possible? */
#include <stdio.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/span.h"

struct kind {
    const char *type;
    const char *needs; /* a key that must be there, or NULL */
    const char *takes; /* keys that mean something for it, besides those of every port */
};

static const struct kind kinds[] = {
    {"tap", NULL, "ifname netns offloads"},
    {"vhost-user", "path", "path server queues offloads"},
    {"af_packet", NULL, "ifname netns offloads"},
    {"pcap", NULL, "pcap_in pcap_out pcap_loop"},
    {"null", NULL, ""},
    {"ring", NULL, ""},
    {"dpdk", "devargs", "devargs queues offloads"},
    {"vxlan", "vtep", "vtep key remote_ip remotes suppress hosts"},
    {"bond", NULL, ""},
    {"router", NULL, "router addresses urpf anycast dad neighbors ra vrrp"},
};

static const struct kind *kind_of(const char *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].type, type))
            return &kinds[i];
    return NULL;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static int check_kind(struct config_check *k, const struct config_port *p)
{
    const struct kind *kind = kind_of(p->type);
    if (!kind)
        return config_refuse(k, "type",
                             "\"%.60s\" is no kind of port; expected tap, vhost-user, af_packet, "
                             "pcap, null, ring, dpdk, vxlan, bond or router",
                             p->type);
    const struct {
        const char *key;
        bool given;
    } keys[] = {
        {"ifname", p->ifname},
        {"netns", p->netns},
        {"path", p->path},
        {"server", p->server},
        {"pcap_in", p->pcap_in},
        {"pcap_out", p->pcap_out},
        {"devargs", p->devargs},
        {"pcap_loop", p->pcap_loop},
        {"queues", p->queues},
        {"offloads", p->offloads},
        {"vtep", p->vtep},
        {"key", p->key},
        {"remote_ip", p->remote_ip},
        {"remotes", p->remotes_count},
        {"suppress", p->suppress},
        {"hosts", p->hosts_count},
        {"router", p->router},
        {"addresses", p->addresses_count},
        {"urpf", p->urpf},
        {"anycast", p->anycast},
        {"dad", p->dad},
        {"vrrp", p->vrrp_count},
        {"neighbors", p->neighbors_count},
        {"ra", p->ra.on},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].given && !has_word(kind->takes, keys[i].key))
            return config_refuse(k, keys[i].key, "means nothing for a %s port; take it away",
                                 p->type);
        if (!keys[i].given && kind->needs && !strcmp(kind->needs, keys[i].key))
            return config_refuse(k, "", "a %s port needs the key \"%s\"", p->type, kind->needs);
    }
    bool device = !strcmp(p->type, "tap") || !strcmp(p->type, "af_packet");
    const char *dev = p->ifname ? p->ifname : p->name;
    if (device && (strlen(dev) > 15 || strchr(dev, '/')))
        return config_refuse(k, p->ifname ? "ifname" : "name",
                             "\"%.60s\" can't be a kernel device; at most 15 characters%s", dev,
                             p->ifname ? "" : ", or give ifname");
    return 0;
}

static int check_list(struct config_check *k, const char *key, char **list, unsigned n)
{
    uint64_t set[4096 / 64];
    for (unsigned i = 0; i < n; i++) {
        char item[32];
        snprintf(item, sizeof item, "%s[%u]", key, i);
        if (!config_vlans(list[i], set))
            return config_refuse(k, item,
                                 "\"%.60s\" is no VLAN or range; give 0..4094 or \"20-29\"",
                                 list[i]);
    }
    return 0;
}

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static int check_vlan_words(struct config_check *k, const struct config_port *p)
{
    if (p->vlan_mode &&
        !one_of(p->vlan_mode, (const char *[]){"access", "trunk", "native-tagged",
                                               "native-untagged", "dot1q-tunnel", NULL}))
        return config_refuse(k, "vlan_mode",
                             "\"%.60s\"; expected access, trunk, native-tagged, native-untagged or "
                             "dot1q-tunnel",
                             p->vlan_mode);
    if (p->priority_tags &&
        !one_of(p->priority_tags, (const char *[]){"no", "if-nonzero", "always", NULL}))
        return config_refuse(k, "priority_tags", "\"%.60s\"; expected no, if-nonzero or always",
                             p->priority_tags);
    if (p->qinq_ethtype && !one_of(p->qinq_ethtype, (const char *[]){"802.1ad", "802.1q", NULL}))
        return config_refuse(k, "qinq_ethtype", "\"%.60s\"; expected 802.1ad or 802.1q",
                             p->qinq_ethtype);
    return 0;
}

static int check_vlan(struct config_check *k, const struct config_port *p)
{
    int r = check_vlan_words(k, p);
    if (r < 0)
        return r;
    if (p->tag > 4094)
        return config_refuse(k, "tag", "%u is not a VLAN; give 1..4094", p->tag);
    const char *mode = p->vlan_mode ? p->vlan_mode : p->tag ? "access" : "trunk";
    bool trunk = !strcmp(mode, "trunk"), access = !strcmp(mode, "access");
    bool tunnel = !strcmp(mode, "dot1q-tunnel");
    if (p->tag && trunk)
        return config_refuse(k, "tag",
                             "a trunk has no tag; for one VLAN untagged give vlan_mode: "
                             "native-untagged");
    if (!p->tag && !trunk)
        return config_refuse(k, "", "vlan_mode %s needs the key \"tag\"", mode);
    if (p->trunks_count && (access || tunnel))
        return config_refuse(k, "trunks", "vlan_mode %s carries one VLAN; take trunks away", mode);
    if (p->cvlans_count && !tunnel)
        return config_refuse(k, "cvlans", "is for vlan_mode dot1q-tunnel only");
    if (p->qinq_ethtype && !tunnel)
        return config_refuse(k, "qinq_ethtype", "is for vlan_mode dot1q-tunnel only");
    r = check_list(k, "trunks", p->trunks, p->trunks_count);
    return r < 0 ? r : check_list(k, "cvlans", p->cvlans, p->cvlans_count);
}

int config_check_port(struct config_check *k, const struct config_bridge *b,
                      const struct config_port *p)
{
    struct mac mac;
    int r = config_check_name(k, p->name);
    if (r == 0)
        r = check_kind(k, p);
    if (r == 0)
        r = check_vlan(k, p);
    if (r == 0 && !strcmp(p->type, "router"))
        r = config_check_interface(k, p);
    if (r == 0 && p->vtep)
        r = config_check_tunnel(k, p);
    if (r == 0)
        r = config_check_bond(k, b, p);
    if (r == 0)
        r = config_check_vm(k, b, p);
    if (r < 0)
        return r;
    if (p->mtu && (p->mtu < WEFT_MTU_MIN || p->mtu > WEFT_MTU_MAX))
        return config_refuse(k, "mtu", "%u bytes; give %d..%d", p->mtu, WEFT_MTU_MIN, WEFT_MTU_MAX);
    if (p->mac && (!config_mac(p->mac, &mac) || mac_is_multicast(mac) || mac_is_zero(mac)))
        return config_refuse(k, "mac",
                             "\"%.60s\" is not the MAC address of a station; expected "
                             "02:00:00:00:00:01",
                             p->mac);
    if (p->ofport >= WEFT_PORTS_MAX)
        return config_refuse(k, "ofport", "%u; give 1..%d", p->ofport, WEFT_PORTS_MAX - 1);
    struct stp_port_config stp;
    struct errbuf e = {""};
    if (span_port_config(p, NULL, &stp, &e) < 0)
        return config_refuse(k, "stp", "%.300s", e.text);
    if (p->queues > 16)
        return config_refuse(k, "queues", "%u; give 1..16", p->queues);
    if (p->max_macs > WEFT_FDB_MAX)
        return config_refuse(k, "max_macs", "%u; give 1..%d", p->max_macs, WEFT_FDB_MAX);
    return 0;
}
