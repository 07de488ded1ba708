/* control/span_config.c: a bridge's keys under `stp:` as the engine wants them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_priv.h"
#include "control/span.h"

static int word_of(const char *text, const char *const *words, int fallback)
{
    for (int i = 0; text != NULL && words[i] != NULL; i++)
        if (!strcmp(text, words[i]))
            return i;
    return text != NULL ? -1 : fallback;
}

/* A priority may be 0, so "not given" is no number. */
static int number(const char *key, const char *text, unsigned fallback, unsigned *out,
                  struct errbuf *e)
{
    char *end = NULL;
    *out = fallback;
    if (text == NULL)
        return 0;
    errno = 0;
    unsigned long v = strtoul(text, &end, 0);
    if (*text < '0' || *text > '9' || *end || errno || v > 65535)
        return errbuf_set(e, EINVAL, "stp.%s: \"%.40s\" is not a number", key, text);
    *out = (unsigned)v;
    return 0;
}

static int mode_of(const struct config_bridge *b)
{
    static const char *const words[] = {"off", "stp", "rstp", "mstp", NULL};
    return word_of(b->stp.mode, words, 0);
}

unsigned span_trees(const struct config_bridge *b)
{
    int mode = mode_of(b);
    return mode <= 0 ? 0 : 1 + (mode == 3 ? b->stp.instances_count : 0);
}

static int set_vlans(const struct config_msti *m, struct stp_config *out, struct errbuf *e)
{
    uint64_t set[4096 / 64] = {0};
    for (unsigned i = 0; i < m->vlans_count; i++)
        if (!config_vlans(m->vlans[i], set))
            return errbuf_set(e, EINVAL,
                              "stp.instances: \"%.40s\" is neither a VLAN nor a range of them",
                              m->vlans[i]);
    for (unsigned v = 1; v < 4095; v++) {
        if (!vlan_bit(set, (uint16_t)v))
            continue;
        if (out->vlan_msti[v] != 0)
            return errbuf_set(e, EINVAL, "stp.instances: VLAN %u is given to instances %u and %u",
                              v, out->vlan_msti[v], m->id);
        out->vlan_msti[v] = m->id;
    }
    return 0;
}

static int set_instances(const struct config_stp *c, struct stp_config *out, struct errbuf *e)
{
    unsigned v;
    if (c->instances_count > STP_MSTIS_MAX)
        return errbuf_set(e, EINVAL, "stp.instances: %u; at most %d", c->instances_count,
                          STP_MSTIS_MAX);
    out->n_mstis = c->instances_count;
    for (unsigned i = 0; i < c->instances_count; i++) {
        int r = number("instances.priority", c->instances[i].priority, 32768, &v, e);
        if (r == 0)
            r = set_vlans(&c->instances[i], out, e);
        if (r < 0)
            return r;
        out->msti[i] = (struct stp_msti_config){.id = c->instances[i].id, .priority = (uint16_t)v};
    }
    return 0;
}

static void take(uint8_t *to, uint8_t given)
{
    if (given != 0)
        *to = given;
}

int span_bridge_config(const struct config_bridge *b, struct stp_config *out, struct errbuf *e)
{
    static const enum stp_version versions[] = {STP_VERSION_RSTP, STP_VERSION_STP, STP_VERSION_RSTP,
                                                STP_VERSION_MSTP};
    static const char *const costs[] = {"long", "short", NULL};
    const struct config_stp *c = &b->stp;
    int mode = mode_of(b), cost = word_of(c->path_cost, costs, 0);
    unsigned priority;
    stp_config_default(out);
    if (mode < 0)
        return errbuf_set(e, EINVAL, "stp.mode: \"%.40s\"; expected off, stp, rstp or mstp",
                          c->mode);
    if (cost < 0)
        return errbuf_set(e, EINVAL, "stp.path_cost: \"%.40s\"; expected long or short",
                          c->path_cost);
    if (c->region != NULL && strlen(c->region) > STP_REGION_MAX)
        return errbuf_set(e, EINVAL, "stp.region: longer than %d bytes", STP_REGION_MAX);
    int r = number("priority", c->priority, out->priority, &priority, e);
    if (r == 0)
        r = set_instances(c, out, e);
    if (r < 0)
        return r;
    out->version = versions[mode];
    out->priority = (uint16_t)priority;
    out->short_costs = cost == 1;
    take(&out->hello_s, c->hello_s);
    take(&out->max_age_s, c->max_age_s);
    take(&out->forward_delay_s, c->forward_delay_s);
    take(&out->max_hops, c->max_hops);
    take(&out->tx_hold, c->tx_hold);
    out->recovery_s = c->recovery_s ? c->recovery_s : out->recovery_s;
    out->revision = c->revision;
    snprintf(out->region, sizeof out->region, "%s", c->region ? c->region : "");
    r = stp_config_check(out, e);
    if (r < 0)
        errbuf_prefix(e, "stp: ");
    return r;
}

static int port_priority(const char *text, uint8_t fallback, uint8_t *out, struct errbuf *e)
{
    unsigned v;
    int r = number("priority", text, fallback, &v, e);
    if (r == 0 && (v > 240 || v % 16))
        r = errbuf_set(e, EINVAL, "stp.priority: %u; give 0..240 in steps of 16", v);
    *out = (uint8_t)v;
    return r;
}

/* The port's keys for an instance; what isn't given is as in the CIST. */
static int set_port_instance(const struct config_port_msti *m, const struct stp_config *of,
                             struct stp_port_config *out, struct errbuf *e)
{
    struct stp_tree_config t = out->cist;
    if (m->id < 1 || m->id > 4094)
        return errbuf_set(e, EINVAL, "stp.instances: id %u; give 1..4094", m->id);
    if (m->cost > 200000000)
        return errbuf_set(e, EINVAL, "stp.instances: cost %u; give 1..200000000", m->cost);
    if (port_priority(m->priority, t.priority, &t.priority, e) < 0)
        return -EINVAL;
    t.cost = m->cost ? m->cost : t.cost;
    for (unsigned i = 0; of != NULL && i < of->n_mstis; i++)
        if (of->msti[i].id == m->id)
            out->msti[i] = t;
    return 0;
}

int span_port_config(const struct config_port *p, const struct stp_config *of,
                     struct stp_port_config *out, struct errbuf *e)
{
    static const char *const words[] = {"auto", "yes", "no", NULL};
    const struct config_port_stp *c = &p->stp;
    int edge = word_of(c->edge, words, c->network ? 2 : 0), p2p = word_of(c->p2p, words, 0);
    uint8_t priority;
    stp_port_config_default(out);
    int r = port_priority(c->priority, 128, &priority, e);
    if (r == 0 && (edge < 0 || p2p < 0))
        r = errbuf_set(e, EINVAL, "stp.%s: \"%.40s\"; expected auto, yes or no",
                       edge < 0 ? "edge" : "p2p", edge < 0 ? c->edge : c->p2p);
    if (r < 0)
        return r;
    out->edge = edge == 1;
    out->auto_edge = edge == 0;
    out->p2p = p2p == 0 ? STP_P2P_AUTO : p2p == 1 ? STP_P2P_YES : STP_P2P_NO;
    out->cist = (struct stp_tree_config){.priority = priority, .cost = c->cost};
    for (unsigned i = 0; i < STP_MSTIS_MAX; i++)
        out->msti[i] = out->cist;
    for (unsigned i = 0; r == 0 && i < c->instances_count; i++)
        r = set_port_instance(&c->instances[i], of, out, e);
    if (r < 0)
        return r;
    out->bpdu_guard = c->bpdu_guard;
    out->bpdu_filter = c->bpdu_filter;
    out->restricted_role = c->root_guard;
    out->restricted_tcn = c->tcn_guard;
    out->loop_guard = c->loop_guard;
    out->network = c->network;
    r = stp_port_config_check(out, STP_MSTIS_MAX, e);
    if (r < 0)
        errbuf_prefix(e, "stp: ");
    return r;
}
