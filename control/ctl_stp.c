/* control/ctl_stp.c: `weftctl stp`: spanning trees as a switch shows them. */
#include <string.h>

#include "control/ctl.h"

static void show_root(struct ctl *c, const json_t *t)
{
    bool own = !strcmp(ctl_s(t, "root"), ctl_s(t, "bridge_id"));
    fprintf(c->out, "  root    %s%s\n", ctl_s(t, "root"), own ? " (this bridge)" : "");
    if (!own)
        fprintf(c->out, "          cost %lld + %lld, by port %s\n", ctl_i(t, "cost"),
                ctl_i(t, "internal_cost"), ctl_s(t, "root_port"));
    fprintf(c->out, "  bridge  %s\n", ctl_s(t, "bridge_id"));
    fprintf(c->out, "  hello %lld s, max age %lld s, forward delay %lld s\n", ctl_i(t, "hello_s"),
            ctl_i(t, "max_age_s"), ctl_i(t, "forward_delay_s"));
    fprintf(c->out, "  topology changes %lld", ctl_i(t, "topology_changes"));
    if (json_object_get(t, "last_change_s"))
        fprintf(c->out, ", the last %s ago at port %s",
                ctl_age((double)ctl_i(t, "last_change_s")).s, ctl_s(t, "last_change_port"));
    fputs("\n\n", c->out);
}

static const char *kind_of(const json_t *p)
{
    if (ctl_b(p, "boundary"))
        return "boundary";
    if (ctl_b(p, "edge"))
        return "edge";
    return ctl_b(p, "p2p") ? "p2p" : "shared";
}

static void show_ports(struct ctl *c, const json_t *ports)
{
    struct ctl_table t;
    json_t *p;
    size_t i;
    ctl_table_init(
        &t, "PORT|ROLE|STATE|>COST|>PRIO.NBR|TYPE|SPEAKS|DESIGNATED BRIDGE|WHY NOT FORWARDING");
    json_array_foreach(ports, i, p)
    {
        ctl_table_cell(&t, "%s", ctl_s(p, "port"));
        ctl_table_cell(&t, "%s", ctl_s(p, "role"));
        ctl_table_cell(&t, "%s", ctl_s(p, "state"));
        ctl_table_cell(&t, "%lld", ctl_i(p, "cost"));
        ctl_table_cell(&t, "%lld.%lld", ctl_i(p, "priority"), ctl_i(p, "number"));
        ctl_table_cell(&t, "%s", kind_of(p));
        ctl_table_cell(&t, "%s", ctl_s(p, "speaks"));
        ctl_table_cell(&t, "%s", ctl_s(p, "designated_bridge"));
        ctl_table_cell(&t, "%s", ctl_s(p, "why"));
    }
    ctl_table_print(&t, c->out, "no ports take part");
}

int ctl_stp_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *b, *t;
    size_t i, j;
    int code = ctl_ask(c, "stp.show", argc ? json_pack("{s:s}", "bridge", argv[0]) : NULL, &r);
    json_array_foreach(r, i, b)
    {
        json_array_foreach(json_object_get(b, "trees"), j, t)
        {
            fprintf(c->out, "%sbridge %s, %s", i + j ? "\n" : "", ctl_s(b, "bridge"),
                    ctl_s(b, "mode"));
            if (!strcmp(ctl_s(b, "mode"), "mstp"))
                fprintf(c->out, ", region \"%s\" revision %lld, instance %lld", ctl_s(b, "region"),
                        ctl_i(b, "revision"), ctl_i(t, "instance"));
            fputs("\n", c->out);
            show_root(c, t);
            show_ports(c, json_object_get(t, "ports"));
        }
    }
    json_decref(r);
    return code;
}

static int do_port(struct ctl *c, const char *method, const char *port)
{
    json_t *r;
    int code = ctl_ask(c, method, json_pack("{s:s}", "port", port), &r);
    json_decref(r);
    return code;
}

int ctl_stp_migrate(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return do_port(c, "stp.migrate", argv[0]);
}

int ctl_stp_recover(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return do_port(c, "stp.recover", argv[0]);
}
