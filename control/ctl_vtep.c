/* control/ctl_vtep.c: tunnels for people. */
#include <string.h>

#include "control/ctl.h"

/* Those beside the first. */
static void show_links(struct ctl *c, const json_t *v)
{
    const json_t *l;
    size_t i;
    json_array_foreach(json_object_get(v, "links"), i, l)
    {
        if (i == 0)
            continue;
        fprintf(c->out, "  also by %s: %s/%lld, MAC %s", ctl_s(l, "port"), ctl_s(l, "ip"),
                ctl_i(l, "prefix"), ctl_s(l, "mac"));
        if (ctl_i(l, "vlan"))
            fprintf(c->out, ", VLAN %lld", ctl_i(l, "vlan"));
        fputs(ctl_b(l, "up") ? "\n" : " (down)\n", c->out);
    }
}

static void show_routes(struct ctl *c, const json_t *v)
{
    const json_t *r, *h;
    size_t i, j;
    json_array_foreach(json_object_get(v, "routes"), i, r)
    {
        fprintf(c->out, "  route %s/%lld via", ctl_s(r, "to"), ctl_i(r, "prefix"));
        json_array_foreach(json_object_get(r, "via"), j, h)
            fprintf(c->out, "%s %s (%s)", j ? "," : "", ctl_s(h, "ip"), ctl_s(h, "state"));
        fputs("\n", c->out);
    }
}

static void show_vtep(struct ctl *c, const json_t *v)
{
    struct ctl_table t;
    json_t *r;
    size_t i;
    const char *port = ctl_s(v, "port");
    fprintf(c->out, "vtep %s: %s, MAC %s, UDP port %lld, by %s%s, VNIs %lld\n", ctl_s(v, "name"),
            ctl_s(v, "ip"), ctl_s(v, "mac"), ctl_i(v, "udp_port"), *port ? port : "no port",
            !*port || ctl_b(v, "up") ? "" : " (down)", ctl_i(v, "vnis"));
    show_links(c, v);
    show_routes(c, v);
    ctl_table_init(&t, "  REMOTE|PORT|VIA|MAC|STATE|NEIGHBOUR");
    json_array_foreach(json_object_get(v, "remotes"), i, r)
    {
        static const char *const keys[] = {"port", "via", "mac", "state", "neighbour"};
        ctl_table_cell(&t, "  %s", ctl_s(r, "ip"));
        for (unsigned k = 0; k < sizeof keys / sizeof keys[0]; k++)
            ctl_table_cell(&t, "%s", ctl_s(r, keys[k]));
    }
    ctl_table_print(&t, c->out, "  no remote VTEPs\n");
}

int ctl_vtep_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, "vtep.show", argc ? json_pack("{s:s}", "name", argv[0]) : NULL, &r);
    if (code != CTL_OK || !r)
        return code;
    json_array_foreach(r, i, v) show_vtep(c, v);
    if (json_array_size(r) == 0)
        fputs("no VTEPs\n", c->out);
    json_decref(r);
    return code;
}

static void vni_row(struct ctl_table *t, const json_t *v)
{
    const json_t *n = json_object_get(v, "counters"), *vni = json_object_get(v, "vni");
    struct strbuf remotes = {0};
    ctl_join(&remotes, json_object_get(v, "remotes"));
    if (json_is_string(vni))
        ctl_table_cell(t, "%s", json_string_value(vni));
    else
        ctl_table_cell(t, "%lld", ctl_i(v, "vni"));
    ctl_table_cell(t, "%s", ctl_s(v, "port"));
    ctl_table_cell(t, "%s", ctl_s(v, "bridge"));
    ctl_table_cell(t, "%lld", ctl_i(v, "vlan"));
    ctl_table_cell(t, "%s", ctl_s(v, "vtep"));
    ctl_table_cell(t, "%lld", ctl_i(v, "mtu"));
    if (ctl_i(v, "macs_max"))
        ctl_table_cell(t, "%lld/%lld", ctl_i(v, "macs"), ctl_i(v, "macs_max"));
    else
        ctl_table_cell(t, "%lld", ctl_i(v, "macs"));
    ctl_table_cell(t, "%lld", ctl_i(v, "macs_refused"));
    if (ctl_b(v, "suppress"))
        ctl_table_cell(t, "%lld", ctl_i(v, "answered"));
    else
        ctl_table_cell(t, "%s", "off");
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "rx_packets")).s);
    ctl_table_cell(t, "%s", ctl_si(ctl_n(n, "tx_packets")).s);
    ctl_table_cell(t, "%s", strbuf_text(&remotes));
    strbuf_free(&remotes);
}

int ctl_vni_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *v;
    size_t i;
    (void)argc, (void)argv;
    int code = ctl_ask(c, "vni.show", NULL, &r);
    if (code != CTL_OK || !r)
        return code;
    ctl_table_init(&t, ">VNI|PORT|BRIDGE|>VLAN|VTEP|>MTU|>MACS|>REFUSED|>ANSWERED|>RX|>TX|REMOTES");
    json_array_foreach(r, i, v) vni_row(&t, v);
    json_decref(r);
    ctl_table_print(&t, c->out, "no VNIs\n");
    return code;
}

/* NAME KEY=VALUE...; ip is one of them. */
static int with_keys(struct ctl *c, const char *method, int argc, char **argv)
{
    json_t *params = json_pack("{s:s}", "name", argv[0]);
    int code =
        params ? ctl_keys(c, params, argc - 1, argv + 1) : ctl_usage(c, "a name is not UTF-8");
    if (code == CTL_OK)
        return ctl_do(c, method, params);
    json_decref(params);
    return code;
}

int ctl_vtep_add(struct ctl *c, int argc, char **argv)
{
    return with_keys(c, "vtep.add", argc, argv);
}

int ctl_vtep_set(struct ctl *c, int argc, char **argv)
{
    return with_keys(c, "vtep.set", argc, argv);
}

int ctl_vtep_del(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctl_do(c, "vtep.del", json_pack("{s:s}", "name", argv[0]));
}
