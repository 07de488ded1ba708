/* control/span_json.c: a bridge's spanning trees, as `weftctl stp show` gets them. */
#include <stdio.h>

#include "control/api_priv.h"
#include "control/span_priv.h"

/* "32768.02:00:00:00:00:01": the priority with the instance's number, then the address. */
static json_t *id_json(uint64_t id)
{
    char text[32];
    snprintf(text, sizeof text, "%u.%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(id >> 48),
             (unsigned)(id >> 40 & 255), (unsigned)(id >> 32 & 255), (unsigned)(id >> 24 & 255),
             (unsigned)(id >> 16 & 255), (unsigned)(id >> 8 & 255), (unsigned)(id & 255));
    return json_string(text);
}

static json_t *name_of(const struct span_bridge *s, unsigned port)
{
    const struct port *p = port <= STP_PORTS_MAX ? s->port[port].dp : NULL;
    return p != NULL ? json_string(p->name) : json_null();
}

static json_t *port_json(const struct span_bridge *s, unsigned port, unsigned tree)
{
    struct stp_port_status p;
    struct stp_port_tree_status t;
    if (!stp_port_status(s->stp, port, &p) || !stp_port_tree_status(s->stp, port, tree, &t))
        return json_null();
    json_t *o = json_pack("{s:o,s:s,s:s,s:s,s:I,s:i,s:i}", "port", name_of(s, port), "role",
                          stp_role_name(t.role), "state", stp_state_name(t.state), "why",
                          stp_why_text(t.why), "cost", (json_int_t)t.cost, "priority",
                          (int)(t.port_id >> 8 & 0xf0), "number", (int)port);
    json_object_update_new(o, json_pack("{s:b,s:b,s:b,s:b,s:b,s:s,s:i}", "edge", p.oper_edge, "p2p",
                                        p.p2p, "boundary",
                                        p.boundary && s->cfg.version == STP_VERSION_MSTP,
                                        "err_disabled", p.err_disabled, "tc", t.tc_active, "speaks",
                                        p.send_rstp ? "rstp" : "stp", "info_age_left_s",
                                        (int)t.info_age_left_s));
    if (t.role != STP_ROLE_DISABLED) {
        json_object_set_new(o, "designated_bridge", id_json(t.designated.bridge));
        json_object_set_new(o, "designated_port", json_integer(t.designated.port));
    }
    if (tree == 0)
        json_object_update_new(o, json_pack("{s:o,s:o,s:o,s:I}", "rx_bpdus",
                                            api_u64(p.rx_config + p.rx_tcn + p.rx_rst + p.rx_mst),
                                            "rx_bad", api_u64(p.rx_bad), "tx_bpdus",
                                            api_u64(p.tx_config + p.tx_tcn + p.tx_rst + p.tx_mst),
                                            "to_forwarding", (json_int_t)t.forward_transitions));
    return o;
}

static json_t *tree_json(const struct span *g, const struct span_bridge *s, unsigned tree)
{
    struct stp_tree_status t;
    stp_tree_status(s->stp, tree, &t);
    json_t *ports = json_array();
    for (unsigned n = stp_port_next(s->stp, 0); n != 0; n = stp_port_next(s->stp, n))
        json_array_append_new(ports, port_json(s, n, tree));
    json_t *o =
        json_pack("{s:i,s:o,s:o,s:o,s:o,s:I,s:I,s:o}", "instance", (int)t.id, "bridge_id",
                  id_json(t.bridge_id), "root", id_json(tree ? t.root.regional : t.root.root),
                  "regional_root", id_json(t.root.regional), "root_port", name_of(s, t.root_port),
                  "cost", (json_int_t)t.root.ext_cost, "internal_cost", (json_int_t)t.root.int_cost,
                  "ports", ports);
    json_object_update_new(o, json_pack("{s:i,s:i,s:i,s:i,s:o}", "hello_s", (int)t.times.hello,
                                        "max_age_s", (int)t.times.max_age, "forward_delay_s",
                                        (int)t.times.forward_delay, "hops", (int)t.times.hops,
                                        "topology_changes", api_u64(t.topology_changes)));
    if (t.last_change != NSEC_NEVER) {
        nsec_t ago = switch_now(g->sw) - t.last_change;
        json_object_set_new(o, "last_change_s", json_integer(ago / NSEC_PER_SEC));
        json_object_set_new(o, "last_change_port", name_of(s, t.last_change_port));
    }
    return o;
}

static const char *mode_name(enum stp_version v)
{
    return v == STP_VERSION_STP ? "stp" : v == STP_VERSION_RSTP ? "rstp" : "mstp";
}

json_t *span_json(struct span *g, const struct bridge *b)
{
    json_t *o = NULL;
    pthread_mutex_lock(&g->lock);
    const struct span_bridge *s = span_of(g, b);
    if (s != NULL) {
        json_t *trees = json_array();
        for (unsigned t = 0; t < stp_trees(s->stp); t++)
            json_array_append_new(trees, tree_json(g, s, t));
        o = json_pack("{s:s,s:s,s:s,s:i,s:o}", "bridge", b->name, "mode", mode_name(s->cfg.version),
                      "region", s->cfg.region, "revision", (int)s->cfg.revision, "trees", trees);
    }
    pthread_mutex_unlock(&g->lock);
    return o;
}
