/* control/ctl_flow.c: flows.
 *
 * A long list goes in pieces: first all are checked, then all are applied, and with the last piece
 * the daemon saves. Each piece becomes visible to packets at once, and a terminal is told how far
 * it is. A replacement is one request: it is all or nothing for packets, too. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/ctl.h"

enum { PIECE = 2000 };

struct job {
    struct ctl *c;
    const char *method;
    json_t *base;  /* parameters of every piece */
    json_t *flows; /* all */
    bool tty;
};

static void progress(const struct job *j, const char *what, size_t done, size_t all)
{
    if (j->tty && all > PIECE)
        fprintf(j->c->err, "\r%s %zu of %zu flows%s", what, done, all, done == all ? "\n" : "");
}

static json_t *piece(const struct job *j, size_t from, size_t n)
{
    json_t *p = json_copy(j->base), *list = json_array();
    for (size_t i = from; i < from + n; i++)
        json_array_append(list, json_array_get(j->flows, i));
    json_object_set_new(p, "flows", list);
    return p;
}

static int pass(const struct job *j, bool check, json_t **last)
{
    size_t all = json_array_size(j->flows), at = 0;
    int code = CTL_OK;
    do {
        size_t n = all - at < PIECE ? all - at : PIECE;
        json_t *p = piece(j, at, n);
        json_object_set_new(p, "check", json_boolean(check));
        json_object_set_new(p, "save", json_boolean(at + n == all));
        json_decref(*last);
        code = ctl_call(j->c, j->method, p, last);
        if (code != CTL_OK && all > PIECE)
            fprintf(j->c->err, "weftctl: in flows %zu to %zu; %s\n", at + 1, at + n,
                    check ? "nothing was changed" : "those before are in force, and not saved");
        at += n;
        progress(j, check ? "checked" : "applied", at, all);
    } while (code == CTL_OK && at < all);
    return code;
}

/* Sends the flows of the words; says how many when there were more than one. */
static int run(struct ctl *c, const char *method, const char *bridge, bool strict, int argc,
               char **argv)
{
    json_t *last = NULL;
    struct job j = {.c = c, .method = method, .tty = isatty(fileno(c->err))};
    int code = ctl_flows(c, argc, argv, &j.flows);
    if (code != CTL_OK)
        return code;
    j.base = json_pack("{s:s}", "bridge", bridge);
    if (strict)
        json_object_set_new(j.base, "strict", json_true());
    size_t n = json_array_size(j.flows);
    if (n == 0)
        code = ctl_usage(c, "no flows were given");
    if (code == CTL_OK && n > PIECE)
        code = pass(&j, true, &last);
    if (code == CTL_OK)
        code = pass(&j, false, &last);
    if (code == CTL_OK && c->json)
        ctl_print_json(c, last);
    else if (code == CTL_OK && n > 1)
        fprintf(c->out, "%zu flows applied; bridge %s has %lld\n", n, bridge, ctl_i(last, "flows"));
    json_decref(last);
    json_decref(j.base);
    json_decref(j.flows);
    return code;
}

int ctl_flow_add(struct ctl *c, int argc, char **argv)
{
    return run(c, "flow.add", argv[0], false, argc - 1, argv + 1);
}

int ctl_flow_mod(struct ctl *c, int argc, char **argv)
{
    return run(c, "flow.mod", argv[0], c->given & CTL_OPT_STRICT, argc - 1, argv + 1);
}

int ctl_flow_del(struct ctl *c, int argc, char **argv)
{
    if (argc > 1)
        return run(c, "flow.del", argv[0], c->given & CTL_OPT_STRICT, argc - 1, argv + 1);
    if (c->given & CTL_OPT_STRICT)
        return ctl_usage(c, "--strict needs a flow");
    return ctl_do(c, "flow.del", json_pack("{s:s}", "bridge", argv[0]));
}

int ctl_flow_replace(struct ctl *c, int argc, char **argv)
{
    json_t *flows, *r;
    int code = ctl_flows(c, argc - 1, argv + 1, &flows);
    if (code != CTL_OK)
        return code;
    code =
        ctl_ask(c, "flow.replace", json_pack("{s:s,s:o}", "bridge", argv[0], "flows", flows), &r);
    if (r)
        fprintf(c->out, "%lld added, %lld deleted; bridge %s has %lld\n", ctl_i(r, "added"),
                ctl_i(r, "deleted"), argv[0], ctl_i(r, "flows"));
    json_decref(r);
    return code;
}

int ctl_flow_dump(struct ctl *c, int argc, char **argv)
{
    json_t *r, *f, *params = json_pack("{s:s}", "bridge", argv[0]);
    size_t i;
    if (argc > 1)
        json_object_set_new(params, "match", json_string(argv[1]));
    int code = ctl_ask(c, "flow.dump", params, &r);
    json_array_foreach(json_object_get(r, "flows"), i, f)
        fprintf(c->out, " %s\n", ctl_s(f, "text") + (*ctl_s(f, "text") == ' '));
    json_decref(r);
    return code;
}

/* BRIDGE IN_PORT ACTIONS HEX */
int ctl_packet_out(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctl_do(c, "packet.out",
                  json_pack("{s:s,s:s,s:s,s:s}", "bridge", argv[0], "in_port", argv[1], "actions",
                            argv[2], "packet", argv[3]));
}
