/* control/ctl_bond.c: bonds and LACP for people. */
#include <string.h>

#include "control/ctl.h"

static json_t *one(int argc, char **argv)
{
    return argc > 0 ? json_pack("{s:s}", "name", argv[0]) : json_object();
}

static int carrying(const json_t *b)
{
    int n = 0;
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(b, "members"), i, m) n += ctl_b(m, "sends");
    return n;
}

static void limits(struct ctl *c, const json_t *b)
{
    if (ctl_i(b, "min_links") > 0)
        fprintf(c->out, ", min_links %lld", ctl_i(b, "min_links"));
    if (ctl_i(b, "max_links") > 0)
        fprintf(c->out, ", max_links %lld", ctl_i(b, "max_links"));
    if (ctl_n(b, "rebalance_s") > 0)
        fprintf(c->out, ", rebalanced every %.0f s (%.0f buckets moved)", ctl_n(b, "rebalance_s"),
                ctl_n(b, "moves"));
    if (ctl_n(b, "announced") > 0)
        fprintf(c->out, ", %.0f stations named upstream", ctl_n(b, "announced"));
}

static void head(struct ctl *c, const json_t *b)
{
    const json_t *a = json_object_get(b, "aggregator");
    fprintf(c->out,
            "bond %s in %s: %s, mode %s, hash %s%s, %d of %zu members carry, failovers %.0f",
            ctl_s(b, "name"), ctl_s(b, "bridge"), ctl_b(b, "up") ? "up" : "down", ctl_s(b, "mode"),
            ctl_s(b, "hash"), ctl_b(b, "symmetric") ? " symmetric" : "", carrying(b),
            json_array_size(json_object_get(b, "members")), ctl_n(b, "failovers"));
    limits(c, b);
    fputs("\n", c->out);
    if (!json_is_object(a))
        return;
    if (ctl_b(a, "has_partner"))
        fprintf(c->out, "    partner %s priority %lld key %lld; our key %lld; %lld distributing\n",
                ctl_s(a, "partner_system"), ctl_i(a, "partner_priority"), ctl_i(a, "partner_key"),
                ctl_i(a, "key"), ctl_i(a, "distributing"));
    else
        fprintf(c->out, "    no partner%s; our key %lld\n",
                ctl_b(a, "individual") ? ", one link on its own" : "", ctl_i(a, "key"));
}

static void member_row(struct ctl_table *t, const json_t *m)
{
    const json_t *n = json_object_get(m, "counters");
    ctl_table_cell(t, "    %s", ctl_s(m, "name"));
    ctl_table_cell(t, "%s", ctl_b(m, "link_up") ? "up" : "down");
    ctl_table_cell(t, "%s", ctl_b(m, "sends") ? "yes" : "no");
    ctl_table_cell(t, "%s", ctl_b(m, "receives") ? "yes" : "no");
    ctl_table_cell(t, "%lld", ctl_i(m, "buckets"));
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "tx_packets")).s);
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "rx_packets")).s);
    ctl_table_cell(t, "%lld", (long long)ctl_n(m, "flaps"));
    ctl_table_cell(t, "%s", ctl_age(ctl_n(m, "since_s")).s);
    ctl_table_cell(t, "%s", ctl_s(m, "state"));
}

int ctl_bond_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *b, *m;
    size_t i, k;
    int code = ctl_ask(c, "bond.show", one(argc, argv), &r);
    if (!r)
        return code;
    json_array_foreach(r, i, b)
    {
        struct ctl_table t;
        head(c, b);
        ctl_table_init(&t, "    MEMBER|LINK|SENDS|HEARS|>SHARE|>TX|>RX|>FLAPS|SINCE|STATE");
        json_array_foreach(json_object_get(b, "members"), k, m) member_row(&t, m);
        ctl_table_print(&t, c->out, "    no members\n");
        json_array_foreach(json_object_get(b, "missing"), k, m)
            fprintf(c->out, "    %s: no such port yet\n", json_string_value(m));
    }
    if (json_array_size(r) == 0)
        fputs("no bonds; `weftctl help port add` shows how to make one\n", c->out);
    json_decref(r);
    return code;
}

static void side(struct ctl *c, const char *who, const json_t *o)
{
    fprintf(c->out, "        %-8s %s/%lld key %lld port %lld/%lld  %s\n", who, ctl_s(o, "system"),
            ctl_i(o, "system_priority"), ctl_i(o, "key"), ctl_i(o, "port_priority"),
            ctl_i(o, "port"), ctl_s(o, "state"));
}

static void lacp_counters(struct ctl *c, const json_t *l, const json_t *n)
{
    fprintf(c->out, "        PDUs in %.0f (bad %.0f, other %.0f), out %.0f", ctl_n(n, "rx_lacpdu"),
            ctl_n(n, "rx_bad"), ctl_n(n, "rx_unknown"), ctl_n(n, "tx_lacpdu"));
    if (ctl_n(l, "rx_ago_s") >= 0)
        fprintf(c->out, "; last heard %.1f s ago", ctl_n(l, "rx_ago_s"));
    fprintf(c->out,
            "\n        markers in %.0f, answered %.0f, too many %.0f; sent %.0f, answers %.0f\n",
            ctl_n(n, "rx_marker"), ctl_n(n, "tx_marker_response"), ctl_n(n, "marker_dropped"),
            ctl_n(n, "tx_marker"), ctl_n(n, "rx_marker_response"));
    fprintf(c->out,
            "        flaps %.0f, churns actor %.0f partner %.0f, in sync actor %.0f partner %.0f "
            "times, "
            "other partners %.0f\n",
            ctl_n(n, "flaps"), ctl_n(n, "actor_churns"), ctl_n(n, "partner_churns"),
            ctl_n(n, "actor_syncs"), ctl_n(n, "partner_syncs"), ctl_n(n, "partner_changes"));
}

static void lacp_member(struct ctl *c, const json_t *m)
{
    const json_t *l = json_object_get(m, "lacp");
    if (!json_is_object(l))
        return;
    fprintf(c->out, "    member %s: %s\n", ctl_s(m, "name"), ctl_s(l, "why"));
    side(c, "actor", json_object_get(l, "actor"));
    if (strcmp(ctl_s(l, "receive"), "defaulted") != 0)
        side(c, "partner", json_object_get(l, "partner"));
    fprintf(c->out, "        receive %s, periodic %s, %s, mux %s%s%s\n", ctl_s(l, "receive"),
            ctl_s(l, "periodic"), ctl_s(l, "selected"), ctl_s(l, "mux"),
            ctl_b(l, "actor_churn") ? ", actor churn" : "",
            ctl_b(l, "partner_churn") ? ", partner churn" : "");
    lacp_counters(c, l, json_object_get(l, "counters"));
}

int ctl_lacp_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *b, *m;
    size_t i, k;
    int code = ctl_ask(c, "bond.show", one(argc, argv), &r);
    if (!r)
        return code;
    bool any = false;
    json_array_foreach(r, i, b)
    {
        bool lacp = strcmp(ctl_s(b, "mode"), "lacp") == 0;
        if (!lacp && argc == 0)
            continue;
        any = true;
        head(c, b);
        if (!lacp)
            fputs("    its mode has no LACP\n", c->out);
        json_array_foreach(json_object_get(b, "members"), k, m) lacp_member(c, m);
    }
    if (!any)
        fputs("no bond in mode lacp; `weftctl bond show` shows the others\n", c->out);
    json_decref(r);
    return code;
}

int ctl_lacp_marker(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctl_do(c, "lacp.marker", json_pack("{s:s}", "port", argv[0]));
}
