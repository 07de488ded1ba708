/* control/ctl_show.c: what is there. */
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"

/* A named argument, when it is given. */
static json_t *named(const char *key, int argc, char **argv)
{
    return argc ? json_pack("{s:s}", key, argv[0]) : NULL;
}

/* ---- show: the tree ---- */

static void add_vlan(struct strbuf *b, const json_t *v)
{
    const char *mode = ctl_s(v, "mode");
    const json_t *trunks = json_object_get(v, "trunks");
    if (!strcmp(mode, "access")) {
        strbuf_addf(b, "tag %lld", ctl_i(v, "tag"));
        return;
    }
    strbuf_adds(b, mode);
    if (ctl_i(v, "tag"))
        strbuf_addf(b, " %lld", ctl_i(v, "tag"));
    if (trunks) {
        strbuf_adds(b, strcmp(mode, "trunk") ? " trunks " : " ");
        ctl_join(b, trunks);
    }
}

static const char *link_text(const json_t *port)
{
    return ctl_b(port, "down") ? "admin down" : ctl_b(port, "link_up") ? "up" : "down";
}

/* What the port is attached to, of its configuration. */
static const char *where(const json_t *port)
{
    static const char *const keys[] = {"path", "devargs", "ifname", "pcap_in", "pcap_out"};
    const json_t *cfg = json_object_get(port, "config");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (*ctl_s(cfg, keys[i]))
            return ctl_s(cfg, keys[i]);
    return "";
}

static void show_port(struct ctl *c, const json_t *p)
{
    struct strbuf vlan = {0};
    add_vlan(&vlan, json_object_get(p, "vlan"));
    const char *at = where(p);
    fprintf(c->out, "    port %s", ctl_s(p, "name"));
    if (ctl_i(p, "ofport") == 0xfffffffe)
        fputs(" (LOCAL)", c->out);
    else
        fprintf(c->out, " (%lld)", ctl_i(p, "ofport"));
    fprintf(c->out, ": %s%s%s, %s, link %s\n", ctl_s(p, "type"), *at ? " " : "", at,
            strbuf_text(&vlan), link_text(p));
    strbuf_free(&vlan);
}

static void show_bridge(struct ctl *c, const json_t *b)
{
    const json_t *v;
    size_t i;
    fprintf(c->out, "bridge %s\n    datapath id %s, %s, flows %lld, MACs %lld\n", ctl_s(b, "name"),
            ctl_s(b, "datapath_id"), ctl_s(b, "fail_mode"), ctl_i(b, "flows"),
            ctl_i(json_object_get(b, "fdb"), "entries"));
    json_array_foreach(json_object_get(b, "controllers"), i, v)
        fprintf(c->out, "    controller %s: %s\n", ctl_s(v, "target"), ctl_s(v, "state"));
    json_array_foreach(json_object_get(b, "ports"), i, v) show_port(c, v);
}

int ctl_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *b;
    size_t i;
    (void)argc, (void)argv;
    int code = ctl_ask(c, "status", NULL, &r);
    if (!r)
        return code;
    fprintf(c->out, "weftd %s, pid %lld, %lld worker%s\n", ctl_s(r, "version"), ctl_i(r, "pid"),
            ctl_i(r, "workers"), ctl_i(r, "workers") == 1 ? "" : "s");
    json_array_foreach(json_object_get(r, "bridges"), i, b) show_bridge(c, b);
    json_decref(r);
    return code;
}

/* ---- bridges ---- */

static int print_names(struct ctl *c, const char *method, json_t *params)
{
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, method, params, &r);
    json_array_foreach(r, i, v) fprintf(c->out, "%s\n", json_string_value(v));
    json_decref(r);
    return code;
}

int ctl_bridge_list(struct ctl *c, int argc, char **argv)
{
    (void)argc, (void)argv;
    return print_names(c, "bridge.list", NULL);
}

int ctl_bridge_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *b;
    size_t i;
    int code = ctl_ask(c, "bridge.show", named("name", argc, argv), &r);
    if (!r)
        return code;
    ctl_table_init(&t, "NAME|DATAPATH ID|FAIL MODE|>PORTS|>FLOWS|>MACS|>ROOM|CONTROLLERS");
    json_array_foreach(r, i, b)
    {
        const json_t *fdb = json_object_get(b, "fdb"), *list = json_object_get(b, "controllers");
        struct strbuf text = {0};
        size_t k;
        json_t *v;
        json_array_foreach((json_t *)list, k, v)
            strbuf_addf(&text, "%s%s %s", k ? ", " : "", ctl_s(v, "target"), ctl_s(v, "state"));
        ctl_table_cell(&t, "%s", ctl_s(b, "name"));
        ctl_table_cell(&t, "%s", ctl_s(b, "datapath_id"));
        ctl_table_cell(&t, "%s", ctl_s(b, "fail_mode"));
        ctl_table_cell(&t, "%zu", json_array_size(json_object_get(b, "ports")));
        ctl_table_cell(&t, "%lld", ctl_i(b, "flows"));
        ctl_table_cell(&t, "%lld", ctl_i(fdb, "entries"));
        ctl_table_cell(&t, "%lld", ctl_i(fdb, "size"));
        ctl_table_cell(&t, "%s", text.len ? text.s : "none");
        strbuf_free(&text);
    }
    json_decref(r);
    ctl_table_print(&t, c->out, "no bridges; `weftctl bridge add br0` makes one\n");
    return code;
}

int ctl_controller_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *b, *v;
    size_t i, k;
    int code = ctl_ask(c, "controller.show", named("bridge", argc, argv), &r);
    if (!r)
        return code;
    ctl_table_init(
        &t,
        "BRIDGE|CONTROLLER|STATE|VERSION|ROLE|PEER|TLS|>FLOW MODS|>PACKET INS|>LOST|LAST ERROR");
    json_array_foreach(r, i, b) json_array_foreach(json_object_get(b, "controllers"), k, v)
    {
        const json_t *n = json_object_get(v, "counters");
        ctl_table_cell(&t, "%s", ctl_s(b, "bridge"));
        ctl_table_cell(&t, "%s", ctl_s(v, "target"));
        ctl_table_cell(&t, "%s", ctl_s(v, "state"));
        ctl_table_cell(&t, "%s", ctl_s(v, "version"));
        ctl_table_cell(&t, "%s", ctl_s(v, "role"));
        ctl_table_cell(&t, "%s", ctl_s(v, "peer"));
        ctl_table_cell(&t, "%s", ctl_s(v, "tls"));
        ctl_table_cell(&t, "%lld", ctl_i(n, "flow_mods"));
        ctl_table_cell(&t, "%lld", ctl_i(n, "packet_ins"));
        ctl_table_cell(&t, "%lld", ctl_i(n, "packet_ins_dropped"));
        ctl_table_cell(&t, "%s", ctl_s(v, "last_error"));
    }
    json_decref(r);
    ctl_table_print(&t, c->out, "no controllers\n");
    return code;
}

/* ---- ports ---- */

int ctl_port_list(struct ctl *c, int argc, char **argv)
{
    return print_names(c, "port.list", named("bridge", argc, argv));
}

static double lost(const json_t *port)
{
    const char *key;
    const json_t *v;
    double n = 0;
    json_object_foreach(json_object_get(port, "drops"), key, v) n +=
        strcmp(key, "punted") ? json_number_value(v) : 0;
    return n;
}

static void port_row(struct ctl_table *t, const json_t *p)
{
    const json_t *n = json_object_get(p, "counters");
    struct strbuf vlan = {0};
    add_vlan(&vlan, json_object_get(p, "vlan"));
    ctl_table_cell(t, "%s", ctl_s(p, "name"));
    ctl_table_cell(t, "%s", ctl_s(p, "bridge"));
    ctl_table_cell(t, "%s", ctl_s(p, "type"));
    if (ctl_i(p, "ofport") == 0xfffffffe)
        ctl_table_cell(t, "LOCAL");
    else
        ctl_table_cell(t, "%lld", ctl_i(p, "ofport"));
    ctl_table_cell(t, "%s", link_text(p));
    ctl_table_cell(t, "%lld", ctl_i(p, "mtu"));
    ctl_table_cell(t, "%s", ctl_s(p, "mac"));
    ctl_table_cell(t, "%s", strbuf_text(&vlan));
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "rx_packets")).s);
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "tx_packets")).s);
    ctl_table_cell(t, "%s", ctl_si(lost(p)).s);
    strbuf_free(&vlan);
}

/* One port: all that is known, line by line. */
static void port_details(struct ctl *c, const json_t *p)
{
    const json_t *n = json_object_get(p, "counters"), *v;
    const char *key;
    if (ctl_i(p, "speed_mbps"))
        fprintf(c->out, "speed      %lld Mbit/s, %s duplex\n", ctl_i(p, "speed_mbps"),
                ctl_b(p, "full_duplex") ? "full" : "half");
    fprintf(c->out, "rx         %lld packets, %lld bytes, %lld dropped, %lld errors\n",
            ctl_i(n, "rx_packets"), ctl_i(n, "rx_bytes"), ctl_i(n, "rx_dropped"),
            ctl_i(n, "rx_errors"));
    fprintf(c->out, "tx         %lld packets, %lld bytes, %lld dropped, %lld errors\n",
            ctl_i(n, "tx_packets"), ctl_i(n, "tx_bytes"), ctl_i(n, "tx_dropped"),
            ctl_i(n, "tx_errors"));
    fprintf(c->out, "MACs       %lld\n", ctl_i(p, "macs"));
    json_object_foreach(json_object_get(p, "drops"), key, v)
        fprintf(c->out, "drops      %s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(v));
    if (json_object_get(p, "vm"))
        ctl_vm_details(c, json_object_get(p, "vm"));
    char *text = json_dumps(json_object_get(p, "config"), JSON_COMPACT);
    if (text)
        fprintf(c->out, "config     %s\n", text);
    free(text);
}

/* "port show X": X is a port, or else a bridge. */
static int ask_ports(struct ctl *c, int argc, char **argv, json_t **r, bool *one)
{
    json_t *bridges, *v;
    size_t i;
    bool is_bridge = false;
    *r = NULL;
    *one = false;
    if (argc == 0)
        return ctl_ask(c, "port.show", NULL, r);
    int code = ctl_call(c, "bridge.list", NULL, &bridges);
    json_array_foreach(bridges, i, v) is_bridge =
        is_bridge || !strcmp(json_string_value(v), argv[0]);
    json_decref(bridges);
    if (code != CTL_OK)
        return code;
    *one = !is_bridge;
    return ctl_ask(c, "port.show", named(is_bridge ? "bridge" : "name", argc, argv), r);
}

int ctl_port_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *p;
    size_t i;
    bool one;
    int code = ask_ports(c, argc, argv, &r, &one);
    if (!r)
        return code;
    ctl_table_init(&t, "NAME|BRIDGE|TYPE|>OFPORT|LINK|>MTU|MAC|VLAN|>RX|>TX|>DROPS");
    json_array_foreach(r, i, p) port_row(&t, p);
    ctl_table_print(&t, c->out, "no ports; `weftctl port add BRIDGE NAME type=tap` makes one\n");
    if (one)
        port_details(c, json_array_get(r, 0));
    json_decref(r);
    return code;
}

/* ---- tables, configuration, version ---- */

int ctl_table_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *b, *v;
    size_t i, k;
    json_t *params = json_pack("{s:b}", "all", (c->given & CTL_OPT_ALL) != 0);
    for (int a = 0; a < argc; a++)
        if (!strcmp(argv[a], "all"))
            json_object_set_new(params, "all", json_true());
        else
            json_object_set_new(params, "bridge", json_string(argv[a]));
    int code = ctl_ask(c, "table.show", params, &r);
    if (!r)
        return code;
    ctl_table_init(&t, "BRIDGE|>TABLE|>FLOWS|>RULES|TEMPLATE|>MASKS|>PROBES|>BYTES|>LOOKUPS|"
                       ">MATCHES");
    json_array_foreach(r, i, b) json_array_foreach(json_object_get(b, "tables"), k, v)
    {
        ctl_table_cell(&t, "%s", ctl_s(b, "bridge"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "table"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "flows"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "rules"));
        ctl_table_cell(&t, "%s", ctl_s(v, "template"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "masks"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "worst_probes"));
        ctl_table_cell(&t, "%s", ctl_bytes(ctl_n(v, "bytes")).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(v, "lookups")).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(v, "matches")).s);
    }
    json_decref(r);
    ctl_table_print(&t, c->out, "no table has flows\n");
    return code;
}

int ctl_config_show(struct ctl *c, int argc, char **argv)
{
    json_t *r;
    (void)argc, (void)argv;
    int code = ctl_ask(c, "config.show", NULL, &r);
    if (r)
        fputs(ctl_s(r, "yaml"), c->out);
    json_decref(r);
    return code;
}
