/* control/config_text.c: values that the file writes as strings. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool config_mac(const char *text, struct mac *out)
{
    for (int i = 0; i < 6; i++, text += 3) {
        int hi = hex(text[0]), lo = hi < 0 ? -1 : hex(text[1]);
        if (lo < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        out->b[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static bool vid(const char **text, unsigned *out)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long v = strtoul(*text, &end, 10);
    *text = end;
    *out = (unsigned)v;
    return v <= 4095;
}

bool config_vlans(const char *text, uint64_t set[4096 / 64])
{
    unsigned from, to;
    if (!vid(&text, &from))
        return false;
    to = from;
    if (*text == '-') {
        text++;
        if (!vid(&text, &to))
            return false;
    }
    /* 0 is the untagged frames of a trunk, as Open vSwitch has it; 4095 is reserved (802.1Q 9.6) */
    if (*text || from > to || to > 4094)
        return false;
    for (unsigned v = from; v <= to; v++)
        set[v / 64] |= UINT64_C(1) << (v % 64);
    return true;
}

bool config_ip(const char *text, struct ip6 *out, bool *v6, uint8_t *prefix)
{
    char ip[64];
    size_t n = strcspn(text, "/");
    if (n >= sizeof ip || (text[n] && !prefix))
        return false;
    memcpy(ip, text, n);
    ip[n] = '\0';
    *out = (struct ip6){{0}};
    *v6 = inet_pton(AF_INET6, ip, out->b) == 1;
    if (!*v6 && inet_pton(AF_INET, ip, out->b) != 1)
        return false;
    if (!prefix)
        return true;
    unsigned long bits = *v6 ? 128 : 32;
    char *end = NULL;
    *prefix = (uint8_t)bits;
    if (!text[n])
        return true;
    unsigned long given = strtoul(text + n + 1, &end, 10);
    *prefix = (uint8_t)given;
    return text[n + 1] >= '0' && text[n + 1] <= '9' && !*end && given <= bits;
}

bool config_dpid(const char *text, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; text[n]; n++) {
        int d = hex(text[n]);
        if (d < 0 || n >= 16)
            return false;
        *out = *out << 4 | (unsigned)d;
    }
    return n == 16 && *out;
}

static uint64_t mix(uint64_t h, const char *text) /* FNV-1a */
{
    for (; *text && *text != '\n'; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return h;
}

/* Two machines' br0 must not look like one switch to their controller. */
uint64_t config_bridge_dpid(const struct config_bridge *b, bool portable)
{
    uint64_t id = UINT64_C(0xcbf29ce484222325);
    char machine[64] = "";
    if (b->datapath_id && config_dpid(b->datapath_id, &id))
        return id;
    FILE *f = portable ? NULL : fopen("/etc/machine-id", "re");
    if (f) {
        (void)!fgets(machine, sizeof machine, f);
        fclose(f);
    }
    /* 48 bits, as if a MAC address: the upper 16 are the implementer's (1.3.5 section 7.3.1) */
    id = mix(mix(id, b->name), machine);
    id = (id ^ id >> 48) & UINT64_C(0xffffffffffff);
    return id ? id : 1;
}

static enum vlan_mode mode_of(const struct config_port *p)
{
    static const struct {
        const char *name;
        enum vlan_mode mode;
    } modes[] = {{"trunk", VLAN_TRUNK},
                 {"access", VLAN_ACCESS},
                 {"native-tagged", VLAN_NATIVE_TAGGED},
                 {"native-untagged", VLAN_NATIVE_UNTAGGED},
                 {"dot1q-tunnel", VLAN_DOT1Q_TUNNEL}};
    for (size_t i = 0; p->vlan_mode && i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(p->vlan_mode, modes[i].name))
            return modes[i].mode;
    return p->tag || !strcmp(p->type, "router") ? VLAN_ACCESS : VLAN_TRUNK;
}

void config_port_vlan(const struct config_port *p, struct port_vlan *out)
{
    memset(out, 0, sizeof *out);
    out->mode = mode_of(p);
    out->tag = p->tag;
    out->qinq_ethtype = p->qinq_ethtype && !strcmp(p->qinq_ethtype, "802.1q") ? 0x8100 : 0x88a8;
    if (p->priority_tags && !strcmp(p->priority_tags, "always"))
        out->priority_tags = PRIO_TAGS_ALWAYS;
    else if (p->priority_tags && !strcmp(p->priority_tags, "if-nonzero"))
        out->priority_tags = PRIO_TAGS_NONZERO;
    for (unsigned i = 0; i < p->trunks_count; i++)
        (void)config_vlans(p->trunks[i], out->trunks);
    for (unsigned i = 0; i < p->cvlans_count; i++)
        (void)config_vlans(p->cvlans[i], out->cvlans);
}

void config_port_options(const struct config_port *p, struct port_options *out)
{
    *out = (struct port_options){
        .name = p->name,
        .type = p->type,
        .ifname = p->ifname,
        .netns = p->netns,
        .path = p->path,
        .server = p->server,
        .pcap_in = p->pcap_in,
        .pcap_out = p->pcap_out,
        .pcap_loop = p->pcap_loop,
        .devargs = p->devargs,
        .mtu = p->mtu,
        .offloads_off = p->offloads && !*p->offloads,
        .queues = p->queues,
        .vtep = p->vtep,
        .vni = p->key ? (uint32_t)strtoul(p->key, NULL, 0) : 0,
        .any_vni = p->key && !strcmp(p->key, "flow"),
        .any_remote = config_remote_is_flow(p),
        .point_to_point = p->remote_ip && !config_remote_is_flow(p),
    };
    if (p->mac)
        (void)config_mac(p->mac, &out->mac);
}
