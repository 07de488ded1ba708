/* control/ctl_router.c: virtual routers for people. */
#include <string.h>

#include "control/ctl.h"

static json_t *params_of(int argc, char **argv)
{
    if (argc == 0)
        return NULL;
    json_t *p = json_pack("{s:s}", "name", argv[0]);
    if (argc > 1)
        json_object_set_new(p, "prefix", json_string(argv[1]));
    return p;
}

static void show_drops(struct ctl *c, const json_t *drops)
{
    const char *name;
    json_t *n;
    json_object_foreach((json_t *)drops, name, n) if (strcmp(name, "router-not-mine"))
        fprintf(c->out, "    dropped %s: %s\n", name, ctl_si(json_number_value(n)).s);
}

static void show_router(struct ctl *c, const json_t *v)
{
    json_t *r;
    size_t i;
    fprintf(c->out, "router %s: %lld IPv4 and %lld IPv6 routes, FIB %s\n", ctl_s(v, "name"),
            ctl_i(v, "routes4"), ctl_i(v, "routes6"), ctl_bytes(ctl_n(v, "fib_bytes")).s);
    json_array_foreach(json_object_get(v, "interfaces"), i, r)
    {
        struct strbuf a = {0};
        ctl_join(&a, json_object_get(r, "addresses"));
        fprintf(c->out, "  %s: %s%s VLAN %lld, MAC %s, MTU %lld, uRPF %s, %s\n", ctl_s(r, "port"),
                ctl_b(r, "up") ? "" : "down, ", ctl_s(r, "bridge"), ctl_i(r, "vlan"),
                ctl_s(r, "mac"), ctl_i(r, "mtu"), ctl_s(r, "urpf"), strbuf_text(&a));
        fprintf(c->out, "    in %s packets, %s; out %s packets, %s\n",
                ctl_si(ctl_n(r, "in_packets")).s, ctl_bytes(ctl_n(r, "in_bytes")).s,
                ctl_si(ctl_n(r, "out_packets")).s, ctl_bytes(ctl_n(r, "out_bytes")).s);
        show_drops(c, json_object_get(r, "drops"));
        strbuf_free(&a);
    }
}

int ctl_router_show(struct ctl *c, int argc, char **argv)
{
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, "router.show", params_of(argc, argv), &r);
    if (code != CTL_OK || !r)
        return code;
    json_array_foreach(r, i, v) show_router(c, v);
    if (json_array_size(r) == 0)
        fputs("no routers\n", c->out);
    json_decref(r);
    return code;
}

static void ways(struct strbuf *b, const json_t *route)
{
    json_t *w;
    size_t i;
    const char *port = ctl_s(route, "port");
    json_array_foreach(json_object_get(route, "via"), i, w)
        strbuf_addf(b, "%s%s%%%s%s", i ? ", " : "", ctl_s(w, "ip"), ctl_s(w, "port"),
                    ctl_b(w, "resolved") ? "" : " (unresolved)");
    if (*port)
        strbuf_adds(b, port);
}

int ctl_router_route(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, "router.route", params_of(argc, argv), &r);
    if (code != CTL_OK || !r)
        return code;
    ctl_table_init(&t, "ROUTER|PREFIX|SOURCE|KIND|TO");
    json_array_foreach(r, i, v)
    {
        struct strbuf b = {0};
        ways(&b, v);
        ctl_table_cell(&t, "%s", ctl_s(v, "router"));
        ctl_table_cell(&t, "%s", ctl_s(v, "prefix"));
        ctl_table_cell(&t, "%s", ctl_s(v, "source"));
        ctl_table_cell(&t, "%s", ctl_s(v, "kind"));
        ctl_table_cell(&t, "%s", strbuf_text(&b));
        strbuf_free(&b);
    }
    ctl_table_print(&t, c->out, "no routes\n");
    json_decref(r);
    return code;
}

int ctl_router_neigh(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, "router.neigh", params_of(argc, argv), &r);
    if (code != CTL_OK || !r)
        return code;
    ctl_table_init(&t, "ROUTER|PORT|IP|MAC|STATE|>WAITING");
    json_array_foreach(r, i, v)
    {
        ctl_table_cell(&t, "%s", ctl_s(v, "router"));
        ctl_table_cell(&t, "%s", ctl_s(v, "port"));
        ctl_table_cell(&t, "%s", ctl_s(v, "ip"));
        ctl_table_cell(&t, "%s", ctl_s(v, "mac"));
        ctl_table_cell(&t, "%s", ctl_s(v, "state"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "waiting"));
    }
    ctl_table_print(&t, c->out, "no neighbours\n");
    json_decref(r);
    return code;
}

int ctl_vrrp_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *v;
    size_t i;
    int code = ctl_ask(c, "vrrp.show", params_of(argc, argv), &r);
    if (code != CTL_OK || !r)
        return code;
    ctl_table_init(
        &t, "PORT|>VRID|>IP|STATE|>FOR|WHY|>PRIORITY|ACTIVE|>INTERVAL|>SENT|>HEARD|ADDRESSES");
    json_array_foreach(r, i, v)
    {
        struct strbuf a = {0};
        ctl_join(&a, json_object_get(v, "addresses"));
        ctl_table_cell(&t, "%s", ctl_s(v, "port"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "vrid"));
        ctl_table_cell(&t, "v%lld", ctl_i(v, "family"));
        ctl_table_cell(&t, "%s", ctl_s(v, "state"));
        ctl_table_cell(&t, "%s", ctl_age(ctl_n(v, "since_s")).s);
        ctl_table_cell(&t, "%s", ctl_s(v, "reason"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "effective"));
        ctl_table_cell(&t, "%s", ctl_i(v, "active_priority") ? ctl_s(v, "active") : "");
        ctl_table_cell(&t, "%.2fs", ctl_n(v, "interval_cs") / 100);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(v, "sent")).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(v, "received")).s);
        ctl_table_cell(&t, "%s", strbuf_text(&a));
        strbuf_free(&a);
    }
    ctl_table_print(&t, c->out, "no VRRP\n");
    json_decref(r);
    return code;
}
