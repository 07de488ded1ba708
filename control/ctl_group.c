/* control/ctl_group.c: groups and meters. */
#include <string.h>

#include "control/ctl.h"

static int change(struct ctl *c, const char *method, const char *key, int argc, char **argv)
{
    struct strbuf text = {0};
    for (int i = 1; i < argc; i++) /* a meter's text has spaces in it: several words will do */
        strbuf_addf(&text, "%s%s", i > 1 ? " " : "", argv[i]);
    json_t *p = json_pack("{s:s,s:s}", "bridge", argv[0], key, strbuf_text(&text));
    strbuf_free(&text);
    return ctl_do(c, method, p);
}

int ctl_group_add(struct ctl *c, int argc, char **argv)
{
    return change(c, "group.add", "group", argc, argv);
}

int ctl_group_mod(struct ctl *c, int argc, char **argv)
{
    return change(c, "group.mod", "group", argc, argv);
}

int ctl_group_del(struct ctl *c, int argc, char **argv)
{
    return change(c, "group.del", "group", argc, argv);
}

int ctl_meter_add(struct ctl *c, int argc, char **argv)
{
    return change(c, "meter.add", "meter", argc, argv);
}

int ctl_meter_mod(struct ctl *c, int argc, char **argv)
{
    return change(c, "meter.mod", "meter", argc, argv);
}

int ctl_meter_del(struct ctl *c, int argc, char **argv)
{
    return change(c, "meter.del", "meter", argc, argv);
}

static json_t *of_bridge_given(int argc, char **argv)
{
    return argc > 0 ? json_pack("{s:s}", "bridge", argv[0]) : json_object();
}

static void group_rows(struct ctl_table *t, const json_t *g)
{
    const json_t *b;
    size_t i;
    json_t *buckets = json_object_get(g, "buckets");
    ctl_table_cell(t, "%s", ctl_s(g, "bridge"));
    ctl_table_cell(t, "%lld", ctl_i(g, "group"));
    ctl_table_cell(t, "%s", ctl_s(g, "type"));
    ctl_table_cell(t, "%lld", ctl_i(g, "references"));
    ctl_table_cell(t, "%s", ctl_si(ctl_n(g, "packets")).s);
    ctl_table_cell(t, "%s", ctl_bytes(ctl_n(g, "bytes")).s);
    ctl_table_cell(t, "%s", "");
    ctl_table_cell(t, "%s", "");
    ctl_table_cell(t, "%s", "");
    json_array_foreach(buckets, i, b)
    {
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", ctl_si(ctl_n(b, "packets")).s);
        ctl_table_cell(t, "%s", ctl_bytes(ctl_n(b, "bytes")).s);
        ctl_table_cell(t, "%lld", ctl_i(b, "weight"));
        ctl_table_cell(t, "%s", ctl_b(b, "live") ? "live" : "dead");
        ctl_table_cell(t, "%s", ctl_s(b, "actions"));
    }
}

int ctl_group_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *g;
    size_t i;
    int code = ctl_ask(c, "group.show", of_bridge_given(argc, argv), &r);
    if (!r)
        return code;
    ctl_table_init(&t, "BRIDGE|>GROUP|TYPE|>USED|>PACKETS|>BYTES|>WEIGHT|STATE|ACTIONS");
    json_array_foreach(r, i, g) group_rows(&t, g);
    ctl_table_print(&t, c->out, "no groups\n");
    json_decref(r);
    return code;
}

static void meter_rows(struct ctl_table *t, const json_t *m)
{
    const json_t *b;
    size_t i;
    json_t *bands = json_object_get(m, "bands");
    ctl_table_cell(t, "%s", ctl_s(m, "bridge"));
    ctl_table_cell(t, "%lld", ctl_i(m, "meter"));
    ctl_table_cell(t, "%lld", ctl_i(m, "flows"));
    ctl_table_cell(t, "%s", ctl_si(ctl_n(m, "packets")).s);
    ctl_table_cell(t, "%s", ctl_bytes(ctl_n(m, "bytes")).s);
    ctl_table_cell(t, "%s", "");
    ctl_table_cell(t, "%s", "");
    json_array_foreach(bands, i, b)
    {
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", "");
        ctl_table_cell(t, "%s", ctl_si(ctl_n(b, "packets")).s);
        ctl_table_cell(t, "%s", ctl_bytes(ctl_n(b, "bytes")).s);
        ctl_table_cell(t, "%lld %s", ctl_i(b, "rate"), ctl_s(m, "unit"));
        ctl_table_cell(t, "%s", ctl_s(b, "type"));
    }
}

int ctl_meter_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *r, *m;
    size_t i;
    int code = ctl_ask(c, "meter.show", of_bridge_given(argc, argv), &r);
    if (!r)
        return code;
    ctl_table_init(&t, "BRIDGE|>METER|>FLOWS|>PACKETS|>BYTES|>RATE|BAND");
    json_array_foreach(r, i, m) meter_rows(&t, m);
    ctl_table_print(&t, c->out, "no meters\n");
    json_decref(r);
    return code;
}
