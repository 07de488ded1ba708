/* control/api_bond.c: bonds, their members, and what LACP thinks of them. */
#include <errno.h>
#include <string.h>

#include "control/api_priv.h"

static double seconds_ago(const struct weft *w, nsec_t then)
{
    return then == NSEC_NEVER ? -1 : (double)(weft_now(w) - then) / 1e9;
}

static json_t *info_json(const struct lacp_info *i)
{
    char state[128];
    return json_pack("{s:i,s:o,s:i,s:i,s:i,s:i,s:s}", "system_priority", i->system_priority,
                     "system", api_mac(i->system), "key", i->key, "port_priority", i->port_priority,
                     "port", i->port, "state_bits", i->state, "state",
                     lacp_state_text(i->state, state, sizeof state));
}

static json_t *lacp_stats_json(const struct lacp_port_stats *s)
{
    const struct {
        const char *name;
        uint64_t n;
    } f[] = {
        {"rx_lacpdu", s->rx_lacpdu},
        {"rx_marker", s->rx_marker},
        {"rx_marker_response", s->rx_marker_response},
        {"rx_bad", s->rx_bad},
        {"rx_unknown", s->rx_unknown},
        {"tx_lacpdu", s->tx_lacpdu},
        {"tx_marker", s->tx_marker},
        {"tx_marker_response", s->tx_marker_response},
        {"marker_dropped", s->marker_dropped},
        {"actor_churns", s->actor_churns},
        {"partner_churns", s->partner_churns},
        {"actor_syncs", s->actor_syncs},
        {"partner_syncs", s->partner_syncs},
        {"partner_changes", s->partner_changes},
        {"flaps", s->flaps},
    };
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        json_object_set_new(o, f[i].name, api_u64(f[i].n));
    return o;
}

/* LACP's side of a member, or JSON's null. */
static json_t *lacp_json(const struct weft *w, const struct bond *b, unsigned member)
{
    struct lacp_port_status s;
    int i = w->lag->lacp ? lag_find(w->lag, b, member) : -1;
    if (i < 0 || !lacp_port_status(w->lag->lacp, (unsigned)i, &s))
        return json_null();
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:f,s:f,s:i,s:o,s:o,s:o}", "why",
                     lacp_why_text(s.why), "receive", lacp_rx_name(s.rx), "periodic",
                     lacp_periodic_name(s.periodic), "selected", lacp_selected_name(s.selected),
                     "mux", lacp_mux_name(s.mux), "actor_churn", s.actor_churn, "partner_churn",
                     s.partner_churn, "rx_ago_s", seconds_ago(w, s.last_rx), "tx_ago_s",
                     seconds_ago(w, s.last_tx), "partner_version", s.partner_version, "actor",
                     info_json(&s.actor), "partner", info_json(&s.partner), "counters",
                     lacp_stats_json(&s.stats));
}

static const char *why_not(const struct bond *b, unsigned i, const json_t *lacp)
{
    const struct bond_member *m = &b->member[i];
    const json_t *why = json_object_get(lacp, "why");
    if (b->tx_mask >> i & 1)
        return "active";
    if (!m->carrier)
        return "link down";
    if (m->change_at != NSEC_NEVER)
        return "waits for its delay";
    if (b->config.mode == BOND_ACTIVE_BACKUP && b->active != (int)i)
        return "stands by";
    return json_is_string(why) &&
                   strcmp(json_string_value(why), lacp_why_text(LACP_WHY_BUNDLED)) != 0
               ? json_string_value(why)
               : "fewer links than min_links";
}

static json_t *member_json(const struct weft *w, const struct bond *b, unsigned i)
{
    const struct bond_member *m = &b->member[i];
    json_t *lacp = lacp_json(w, b, i);
    unsigned buckets = 0;
    for (unsigned k = 0; k < BOND_BUCKETS; k++)
        buckets += b->bucket[k] == i;
    bool sends = b->tx_mask >> i & 1;
    return json_pack("{s:s,s:s,s:b,s:b,s:b,s:i,s:f,s:o,s:o,s:o}", "name", m->port->name, "state",
                     why_not(b, i, lacp), "link_up", m->carrier, "sends", sends, "receives",
                     (b->rx_mask >> i & 1) != 0, "buckets", sends ? (int)buckets : 0, "since_s",
                     seconds_ago(w, m->since), "flaps", api_u64(m->flaps), "counters",
                     api_counters(m->port), "lacp", lacp);
}

static bool has_member(const struct bond *b, const char *name)
{
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++)
        if (b->member[i].port && !strcmp(b->member[i].port->name, name))
            return true;
    return false;
}

static json_t *agg_json(const struct weft *w, const struct bond *b)
{
    struct lacp_agg_status s;
    int agg = lag_agg(w->lag, b);
    if (!w->lag->lacp || agg < 0 || !lacp_agg_status(w->lag->lacp, (unsigned)agg, &s))
        return json_null();
    return json_pack("{s:i,s:b,s:b,s:o,s:i,s:i,s:i,s:i,s:i}", "key", s.config.key, "has_partner",
                     s.serving && !mac_is_zero(s.partner.system), "individual", s.individual,
                     "partner_system", api_mac(s.partner.system), "partner_priority",
                     s.partner.system_priority, "partner_key", s.partner.key, "attached",
                     (int)s.attached, "collecting", (int)s.collecting, "distributing",
                     (int)s.distributing);
}

static json_t *bond_json(const struct weft *w, const struct of_bridge *of,
                         const struct weft_port *p)
{
    const struct bond *b = p->dp->impl;
    json_t *members = json_array(), *missing = json_array();
    pthread_mutex_lock(&w->sw->bond_lock);
    for (unsigned i = 0; i < BOND_MEMBERS_MAX; i++)
        if (b->member[i].port)
            json_array_append_new(members, member_json(w, b, i));
    for (unsigned i = 0; p->cfg && i < p->cfg->members_count; i++)
        if (!has_member(b, p->cfg->members[i]))
            json_array_append_new(missing, api_text(p->cfg->members[i]));
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:i,s:i,s:f,s:o,s:o,s:o,s:o,s:o,s:o}", "name",
                          p->dp->name, "bridge", of->dp->name, "mode",
                          bond_mode_name(b->config.mode), "hash", bond_hash_name(b->config.hash),
                          "symmetric", b->config.symmetric, "up", b->tx_mask != 0, "min_links",
                          b->config.min_links, "max_links", b->config.lacp.max_links, "rebalance_s",
                          (double)b->config.rebalance / 1e9, "announced", api_u64(b->announced),
                          "moves", api_u64(b->moves), "failovers", api_u64(b->failovers),
                          "aggregator", agg_json(w, b), "members", members, "missing", missing);
    pthread_mutex_unlock(&w->sw->bond_lock);
    return o;
}

static int bond_show(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    const char *name = api_str(params, "name");
    json_t *list = json_array();
    struct weft_port *p;
    for (unsigned i = 0; i < w->n_bridges; i++)
        TAILQ_FOREACH(p, &w->bridges[i]->ports, next)
            if (p->dp->ops == &port_bond_ops && (!name || !strcmp(name, p->dp->name)))
                json_array_append_new(list, bond_json(w, w->bridges[i], p));
    if (name && json_array_size(list) == 0) {
        json_decref(list);
        return errbuf_set(e, ENOENT, "bond %s: no such bond; see `weftctl bond show`", name);
    }
    return api_done(list, out, e);
}

static int lacp_marker_send(struct weft *w, json_t *params, json_t **out, struct errbuf *e)
{
    struct of_bridge *b;
    struct weft_port *p;
    int r = api_port(w, params, "port", &b, &p, e);
    if (r < 0)
        return r;
    pthread_mutex_lock(&w->sw->bond_lock);
    struct bond *bond = p->dp->member_of;
    int i = bond && w->lag->lacp ? lag_find(w->lag, bond, p->dp->member_no) : -1;
    r = i < 0 ? -ENOENT : lacp_marker(w->lag->lacp, (unsigned)i, weft_now(w));
    pthread_mutex_unlock(&w->sw->bond_lock);
    if (r < 0)
        return errbuf_set(e, -r, "port %s: %s", p->dp->name,
                          r == -EBUSY ? "a marker is out already"
                                      : "is no member of a bond in mode lacp with its link up");
    return api_done(json_object(), out, e);
}

const struct api_method api_bond_methods[] = {
    {"bond.show",
     bond_show,
     {{"name", API_STRING, false}},
     "bonds, their members, and LACP's view of them"},
    {"lacp.marker",
     lacp_marker_send,
     {{"port", API_STRING, true}},
     "sends a Marker out of a member; see the counters and the log for its answer"},
    {0},
};
