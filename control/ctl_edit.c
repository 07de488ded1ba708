/* control/ctl_edit.c: changes of bridges, ports and MACs; the daemon. */
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"
#include "control/version.h"

/* {name} and the KEY=VALUE words, sent. */
static int with_keys(struct ctl *c, const char *method, json_t *params, int argc, char **argv)
{
    int code = params ? ctl_keys(c, params, argc, argv) : ctl_usage(c, "a name is not UTF-8");
    if (code == CTL_OK)
        return ctl_do(c, method, params);
    json_decref(params);
    return code;
}

int ctl_bridge_add(struct ctl *c, int argc, char **argv)
{
    return with_keys(c, "bridge.add", json_pack("{s:s}", "name", argv[0]), argc - 1, argv + 1);
}

int ctl_bridge_set(struct ctl *c, int argc, char **argv)
{
    return with_keys(c, "bridge.set", json_pack("{s:s}", "name", argv[0]), argc - 1, argv + 1);
}

int ctl_bridge_del(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctl_do(c, "bridge.del", json_pack("{s:s}", "name", argv[0]));
}

int ctl_port_add(struct ctl *c, int argc, char **argv)
{
    return with_keys(c, "port.add", json_pack("{s:s,s:s}", "bridge", argv[0], "name", argv[1]),
                     argc - 2, argv + 2);
}

/* The bridge before the port may be left out: the first KEY=VALUE tells. */
int ctl_port_set(struct ctl *c, int argc, char **argv)
{
    bool both = strchr(argv[1], '=') == NULL;
    json_t *params = both ? json_pack("{s:s,s:s}", "bridge", argv[0], "name", argv[1])
                          : json_pack("{s:s}", "name", argv[0]);
    return with_keys(c, "port.set", params, argc - 1 - both, argv + 1 + both);
}

int ctl_port_del(struct ctl *c, int argc, char **argv)
{
    return ctl_do(c, "port.del",
                  argc == 2 ? json_pack("{s:s,s:s}", "bridge", argv[0], "name", argv[1])
                            : json_pack("{s:s}", "name", argv[0]));
}

/* ---- MACs ---- */

static int set_vlan(struct ctl *c, json_t *params, const char *text)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (*end || end == text || v < 0 || v > 4095)
        return ctl_usage(c, "\"%s\" is not a VLAN; give 0..4094", text);
    json_object_set_new(params, "vlan", json_integer(v));
    return CTL_OK;
}

/* BRIDGE port=P vlan=V, all optional. */
static int fdb_filters(struct ctl *c, int argc, char **argv, json_t **params)
{
    int code = CTL_OK;
    *params = json_object();
    for (int i = 0; i < argc && code == CTL_OK; i++)
        if (!strncmp(argv[i], "port=", 5))
            json_object_set_new(*params, "port", json_string(argv[i] + 5));
        else if (!strncmp(argv[i], "vlan=", 5))
            code = set_vlan(c, *params, argv[i] + 5);
        else if (json_object_get(*params, "bridge"))
            code = ctl_usage(c, "\"%s\": expected port=PORT or vlan=VLAN", argv[i]);
        else
            json_object_set_new(*params, "bridge", json_string(argv[i]));
    if (code != CTL_OK)
        json_decref(*params);
    return code;
}

int ctl_fdb_show(struct ctl *c, int argc, char **argv)
{
    struct ctl_table t;
    json_t *params, *r, *b, *v;
    size_t i, k;
    int code = fdb_filters(c, argc, argv, &params);
    if (code == CTL_OK)
        code = ctl_ask(c, "fdb.show", params, &r);
    if (code != CTL_OK || !r)
        return code;
    ctl_table_init(&t, "BRIDGE|PORT|>VLAN|MAC|>AGE|>MOVES|REMOTE");
    json_array_foreach(r, i, b) json_array_foreach(json_object_get(b, "entries"), k, v)
    {
        ctl_table_cell(&t, "%s", ctl_s(b, "bridge"));
        ctl_table_cell(&t, "%s", ctl_s(v, "port"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "vlan"));
        ctl_table_cell(&t, "%s", ctl_s(v, "mac"));
        if (ctl_b(v, "static"))
            ctl_table_cell(&t, "static");
        else
            ctl_table_cell(&t, "%lld", ctl_i(v, "age_s"));
        ctl_table_cell(&t, "%lld", ctl_i(v, "moves"));
        ctl_table_cell(&t, "%s", ctl_s(v, "remote"));
    }
    json_decref(r);
    ctl_table_print(&t, c->out, "no MACs\n");
    return code;
}

int ctl_fdb_flush(struct ctl *c, int argc, char **argv)
{
    json_t *params, *r;
    int code = fdb_filters(c, argc, argv, &params);
    if (code == CTL_OK)
        code = ctl_ask(c, "fdb.flush", params, &r);
    if (code != CTL_OK || !r)
        return code;
    fprintf(c->out, "%lld flushed\n", ctl_i(r, "flushed"));
    json_decref(r);
    return code;
}

int ctl_fdb_add(struct ctl *c, int argc, char **argv)
{
    json_t *params = json_pack("{s:s,s:s,s:s}", "bridge", argv[0], "mac", argv[1], "port", argv[3]);
    int code = set_vlan(c, params, argv[2]);
    (void)argc;
    if (code == CTL_OK)
        return ctl_do(c, "fdb.add", params);
    json_decref(params);
    return code;
}

int ctl_fdb_del(struct ctl *c, int argc, char **argv)
{
    json_t *params = json_pack("{s:s,s:s}", "bridge", argv[0], "mac", argv[1]);
    int code = argc > 2 ? set_vlan(c, params, argv[2]) : CTL_OK;
    if (code == CTL_OK)
        return ctl_do(c, "fdb.del", params);
    json_decref(params);
    return code;
}

/* ---- the daemon ---- */

int ctl_reload(struct ctl *c, int argc, char **argv)
{
    (void)argc, (void)argv;
    return ctl_do(c, "reload", NULL);
}

int ctl_log_level(struct ctl *c, int argc, char **argv)
{
    json_t *r;
    int code = ctl_ask(c, "log.level", argc ? json_pack("{s:s}", "level", argv[0]) : NULL, &r);
    if (r)
        fprintf(c->out, "%s\n", ctl_s(r, "level"));
    json_decref(r);
    return code;
}

int ctl_version(struct ctl *c, int argc, char **argv)
{
    json_t *r;
    (void)argc, (void)argv;
    if (!c->json)
        fprintf(c->out, "weftctl %s\n", WEFT_VERSION);
    int code = ctl_ask(c, "version", NULL, &r);
    if (r)
        fprintf(c->out, "weftd %s\n", ctl_s(r, "version"));
    json_decref(r);
    return code;
}

/* Any method, for scripts: its result as JSON. */
int ctl_api(struct ctl *c, int argc, char **argv)
{
    json_error_t je;
    json_t *params = argc > 1 ? json_loads(argv[1], 0, &je) : json_object();
    if (!params)
        return ctl_usage(c, "the parameters are not JSON: %s", je.text);
    c->json = true;
    return ctl_do(c, argv[0], params);
}
