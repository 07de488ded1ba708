/* control/config_bond.c: the keys of a bond. */
#include <stdio.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/lag.h"

static bool is_bond(const struct config_port *p) { return !strcmp(p->type, "bond"); }

const struct config_port *config_bond_of(const struct config_bridge *b, const char *port)
{
    for (unsigned i = 0; i < b->ports_count; i++) {
        const struct config_port *p = &b->ports[i];
        for (unsigned j = 0; is_bond(p) && j < p->members_count; j++)
            if (!strcmp(p->members[j], port))
                return p;
    }
    return NULL;
}

static const struct config_port *find(const struct config_bridge *b, const char *name)
{
    for (unsigned i = 0; i < b->ports_count; i++)
        if (!strcmp(b->ports[i].name, name))
            return &b->ports[i];
    return NULL;
}

/* What only a bond has. */
static const char *bond_key(const struct config_port *p)
{
    const struct {
        const char *key;
        bool given;
    } keys[] = {
        {"members", p->members_count},
        {"mode", p->mode},
        {"hash", p->hash},
        {"primary", p->primary},
        {"symmetric", p->symmetric},
        {"lacp_passive", p->lacp_passive},
        {"lacp_slow", p->lacp_slow},
        {"lacp_fallback", p->lacp_fallback},
        {"min_links", p->min_links},
        {"max_links", p->max_links},
        {"lacp_key", p->lacp_key},
        {"lacp_priority", p->lacp_priority},
        {"up_delay_ms", p->up_delay_ms},
        {"down_delay_ms", p->down_delay_ms},
        {"rebalance_s", p->rebalance_s},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].given)
            return keys[i].key;
    return NULL;
}

static int check_members(struct config_check *k, const struct config_bridge *b,
                         const struct config_port *p)
{
    if (p->members_count > BOND_MEMBERS_MAX)
        return config_refuse(k, "members", "%u of them; at most %d", p->members_count,
                             BOND_MEMBERS_MAX);
    for (unsigned i = 0; i < p->members_count; i++) {
        const struct config_port *m = find(b, p->members[i]);
        char key[32];
        snprintf(key, sizeof key, "members[%u]", i);
        if (m && is_bond(m))
            return config_refuse(k, key, "\"%.60s\" is a bond; a bond's members are plain ports",
                                 p->members[i]);
        if (config_bond_of(b, p->members[i]) != p)
            return config_refuse(k, key, "\"%.60s\" is a member of bond %s already", p->members[i],
                                 config_bond_of(b, p->members[i])->name);
        for (unsigned j = 0; j < i; j++)
            if (!strcmp(p->members[i], p->members[j]))
                return config_refuse(k, key, "\"%.60s\" is there twice", p->members[i]);
    }
    return 0;
}

static const char *const modes[] = {"lacp", "active-backup", "balance-xor", NULL};
static const char *const hashes[] = {"l2", "l2+l3", "l3+l4", NULL};

static int word(const char *text, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (!strcmp(text, list[i]))
            return i;
    return -1;
}

/* Two bonds with one key would be one to LACP. */
static const struct config_port *same_key(const struct config_check *k, const struct config_port *p)
{
    for (unsigned i = 0; p->lacp_key && i < k->c->bridges_count; i++) {
        const struct config_bridge *b = &k->c->bridges[i];
        for (unsigned j = 0; j < b->ports_count; j++)
            if (&b->ports[j] != p && b->ports[j].lacp_key == p->lacp_key)
                return &b->ports[j];
    }
    return NULL;
}

static int check_words(struct config_check *k, const struct config_port *p)
{
    if (p->mode && word(p->mode, modes) < 0)
        return config_refuse(k, "mode", "\"%.60s\"; expected lacp, active-backup or balance-xor",
                             p->mode);
    if (p->hash && word(p->hash, hashes) < 0)
        return config_refuse(k, "hash", "\"%.60s\"; expected l2, l2+l3 or l3+l4", p->hash);
    if (p->primary &&
        config_bond_of(&(struct config_bridge){.ports = (struct config_port *)p, .ports_count = 1},
                       p->primary) != p)
        return config_refuse(k, "primary", "\"%.60s\" is not one of its members", p->primary);
    if (p->min_links > BOND_MEMBERS_MAX || p->max_links > BOND_MEMBERS_MAX)
        return config_refuse(k, p->min_links > BOND_MEMBERS_MAX ? "min_links" : "max_links",
                             "give 1..%d", BOND_MEMBERS_MAX);
    if (p->up_delay_ms > 600000 || p->down_delay_ms > 600000)
        return config_refuse(k, p->up_delay_ms > 600000 ? "up_delay_ms" : "down_delay_ms",
                             "give 0..600000");
    if (p->rebalance_s > 3600)
        return config_refuse(k, "rebalance_s", "%u; give 1..3600, or 0: never", p->rebalance_s);
    if (p->lacp_key >= LAG_AUTO_KEYS)
        return config_refuse(k, "lacp_key", "%u; give 1..%d", p->lacp_key, LAG_AUTO_KEYS - 1);
    const struct config_port *other = same_key(k, p);
    if (other)
        return config_refuse(k, "lacp_key", "%u is the key of bond %s; give another", p->lacp_key,
                             other->name);
    return 0;
}

static bool is_lacp(const struct config_port *p)
{
    return is_bond(p) && (!p->mode || !strcmp(p->mode, modes[BOND_LACP]));
}

/* One LACP system has them all. */
static int check_lacp_ports(struct config_check *k, const struct config_port *p)
{
    unsigned n = 0;
    for (unsigned i = 0; is_lacp(p) && i < k->c->bridges_count; i++) {
        const struct config_bridge *b = &k->c->bridges[i];
        for (unsigned j = 0; j < b->ports_count; j++)
            n += is_lacp(&b->ports[j]) ? b->ports[j].members_count : 0;
    }
    return n <= LAG_PORTS
               ? 0
               : config_refuse(k, "members",
                               "with them the bonds in mode lacp have %u members; at most %d", n,
                               LAG_PORTS);
}

int config_check_bond(struct config_check *k, const struct config_bridge *b,
                      const struct config_port *p)
{
    const char *key = bond_key(p);
    if (!is_bond(p))
        return key ? config_refuse(k, key, "means nothing for a %s port; take it away", p->type)
                   : 0;
    int r = check_members(k, b, p);
    r = r < 0 ? r : check_words(k, p);
    return r < 0 ? r : check_lacp_ports(k, p);
}

void config_bond(const struct config_port *p, struct bond_config *out)
{
    *out = (struct bond_config){
        .mode = p->mode ? (enum bond_mode)word(p->mode, modes) : BOND_LACP,
        .hash = p->hash ? (enum bond_hash)word(p->hash, hashes) : BOND_HASH_L34,
        .symmetric = p->symmetric,
        .min_links = p->min_links,
        .primary = -1,
        .up_delay = p->up_delay_ms * NSEC_PER_MSEC,
        .down_delay = p->down_delay_ms * NSEC_PER_MSEC,
        .rebalance = p->rebalance_s * NSEC_PER_SEC,
        .lacp = {.passive = p->lacp_passive,
                 .slow = p->lacp_slow,
                 .fallback = p->lacp_fallback,
                 .key = p->lacp_key,
                 .priority = p->lacp_priority ? p->lacp_priority : 32768,
                 .max_links = p->max_links},
    };
}
