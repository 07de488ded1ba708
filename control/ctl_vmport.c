/* control/ctl_vmport.c: VMs' ports: `port activate`, `announce`, and a VM's story. */
#include <string.h>

#include "control/ctl.h"

int ctl_port_activate(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    return ctl_do(c, "port.activate", json_pack("{s:s}", "name", argv[0]));
}

int ctl_announce(struct ctl *c, int argc, char **argv)
{
    return ctl_do(c, "port.announce", argc ? json_pack("{s:s}", "name", argv[0]) : NULL);
}

static void line(struct ctl *c, const char *what, const json_t *list)
{
    struct strbuf b = {0};
    ctl_join(&b, list);
    if (b.len)
        fprintf(c->out, "%-10s %s\n", what, strbuf_text(&b));
    strbuf_free(&b);
}

void ctl_vm_details(struct ctl *c, const json_t *vm)
{
    const json_t *a = json_object_get(vm, "announcements"), *e;
    size_t i;
    fprintf(c->out, "VM         %s since %s, activation %s; is %s; moves %lld\n",
            ctl_s(vm, "state"), ctl_age(ctl_n(vm, "since_s")).s, ctl_s(vm, "activation"),
            ctl_s(vm, "where"), ctl_i(vm, "moves"));
    line(c, "bound", json_object_get(vm, "macs"));
    line(c, "bound", json_object_get(vm, "ips"));
    fprintf(c->out, "announced  %lld rounds, %lld frames, %lld to come, %lld times cancelled\n",
            ctl_i(a, "rounds"), ctl_i(a, "frames"), ctl_i(a, "left"), ctl_i(a, "cancelled"));
    fprintf(c->out, "redirected %lld frames%s\n", ctl_i(vm, "redirected"),
            ctl_b(vm, "redirects") ? ", and goes on" : "");
    json_array_foreach(json_object_get(vm, "history"), i, e)
        fprintf(c->out, "%-10s %8s ago  %s\n", i ? "" : "history", ctl_age(ctl_n(e, "ago_s")).s,
                ctl_s(e, "what"));
}

static int export_port(struct ctl *c, const char *port)
{
    json_t *r;
    int code = ctl_call(c, "port.export", json_pack("{s:s}", "name", port), &r);
    if (code == CTL_OK)
        ctl_print_json(c, r);
    json_decref(r);
    return code;
}

static int import_port(struct ctl *c, const char *port)
{
    struct strbuf text = {0};
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, c->in)) > 0)
        strbuf_add(&text, part, n);
    json_t *params = json_pack("{s:s,s:s}", "name", port, "document", strbuf_text(&text));
    strbuf_free(&text);
    return params ? ctl_do(c, "port.import", params) : ctl_usage(c, "the document is not text");
}

int ctl_port_handover(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    if (!strcmp(argv[0], "export"))
        return export_port(c, argv[1]);
    if (!strcmp(argv[0], "import"))
        return import_port(c, argv[1]);
    return ctl_usage(c, "port handover %s: give export or import", argv[0]);
}
