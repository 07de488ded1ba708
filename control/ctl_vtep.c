/* control/ctl_vtep.c: tunnels for people. */
#include <string.h>

#include "control/ctl.h"

static void show_vtep(struct ctl *c, const json_t *v)
{
    struct ctl_table t;
    json_t *r;
    size_t i;
    const char *port = ctl_s(v, "port");
    fprintf(c->out, "vtep %s: %s, MAC %s, UDP port %lld, by %s%s, VNIs %lld\n", ctl_s(v, "name"),
            ctl_s(v, "ip"), ctl_s(v, "mac"), ctl_i(v, "udp_port"), *port ? port : "no port",
            !*port || ctl_b(v, "up") ? "" : " (down)", ctl_i(v, "vnis"));
    ctl_table_init(&t, "  REMOTE|VIA|MAC|STATE|>AGE");
    json_array_foreach(json_object_get(v, "remotes"), i, r)
    {
        ctl_table_cell(&t, "  %s", ctl_s(r, "ip"));
        ctl_table_cell(&t, "%s", ctl_s(r, "via"));
        ctl_table_cell(&t, "%s", ctl_s(r, "mac"));
        ctl_table_cell(&t, "%s", ctl_s(r, "state"));
        if (json_object_get(r, "age_s"))
            ctl_table_cell(&t, "%s", ctl_age(ctl_n(r, "age_s")).s);
        else
            ctl_table_cell(&t, "%s", "");
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
    ctl_table_cell(t, "%lld", ctl_i(v, "macs"));
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
    ctl_table_init(&t, ">VNI|PORT|BRIDGE|>VLAN|VTEP|>MTU|>MACS|>RX|>TX|REMOTES");
    json_array_foreach(r, i, v) vni_row(&t, v);
    json_decref(r);
    ctl_table_print(&t, c->out, "no VNIs\n");
    return code;
}
