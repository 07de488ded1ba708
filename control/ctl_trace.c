/* control/ctl_trace.c: weftctl trace: one page that says which way a frame takes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "control/ctl.h"

/* ---- a frame from a capture ---- */

enum { PCAP_HEADER = 24, PCAP_RECORD = 16 };

/* Frame number `want` of a pcap file of either byte order, in hex. False with a message. */
static bool read_pcap(struct ctl *c, const char *path, unsigned want, struct strbuf *out)
{
    uint8_t head[PCAP_HEADER], rec[PCAP_RECORD], byte;
    FILE *f = fopen(path, "rb");
    bool ok = f && fread(head, sizeof head, 1, f) == 1;
    bool little = ok && (head[0] == 0xd4 || head[0] == 0x4d);
    ok = ok && (little || head[0] == 0xa1);
    for (unsigned n = 1; ok && (ok = fread(rec, sizeof rec, 1, f) == 1); n++) {
        const uint8_t *p = rec + 8;
        uint32_t len =
            little ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
                   : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        if (n != want) {
            ok = fseek(f, (long)len, SEEK_CUR) == 0;
            continue;
        }
        for (; len > 0 && fread(&byte, 1, 1, f) == 1; len--)
            strbuf_addf(out, "%02x", byte);
        break;
    }
    if (!ok)
        fprintf(c->err, "weftctl: %s: no frame %u in it, or no pcap file\n", path, want);
    if (f)
        fclose(f);
    return ok;
}

/* "FILE.pcap", "FILE.pcap#3", or hex. */
static bool read_packet(struct ctl *c, const char *word, struct strbuf *out)
{
    const char *end = strstr(word, ".pcap");
    if (!end) {
        strbuf_adds(out, word);
        return true;
    }
    char *path = strndup(word, (size_t)(end + 5 - word));
    unsigned n = end[5] == '#' ? (unsigned)strtoul(end + 6, NULL, 10) : 1;
    bool ok = path && read_pcap(c, path, n, out);
    free(path);
    return ok;
}

/* ---- the page ---- */

static void print_table(struct ctl *c, const json_t *e)
{
    const json_t *rule = json_object_get(e, "rule"), *near;
    size_t i;
    fprintf(c->out, "table %d of %s\n", (int)json_integer_value(json_object_get(e, "table")),
            ctl_s(e, "bridge"));
    fprintf(c->out, "  %s\n", json_is_string(rule) ? json_string_value(rule) : "no rule matches");
    json_array_foreach(json_object_get(e, "nearest"), i, near)
        fprintf(c->out, "    not %s: %s\n", ctl_s(near, "match"), ctl_s(near, "because"));
}

static void print_event(struct ctl *c, const json_t *e)
{
    const char *kind = ctl_s(e, "event");
    if (*ctl_s(e, "changed"))
        fprintf(c->out, "  -> now %s\n", ctl_s(e, "changed"));
    if (!strcmp(kind, "table"))
        print_table(c, e);
    else if (!strcmp(kind, "normal"))
        fprintf(c->out, "  NORMAL: VLAN %d, its destination %s%s\n",
                (int)json_integer_value(json_object_get(e, "vlan")),
                *ctl_s(e, "lives_on") ? "lives on " : "is not known: flooded",
                ctl_s(e, "lives_on"));
    else if (!strcmp(kind, "group"))
        fprintf(c->out, "  group %lld: bucket %d\n",
                (long long)json_integer_value(json_object_get(e, "group")),
                (int)json_integer_value(json_object_get(e, "bucket")));
    else if (!strcmp(kind, "out"))
        fprintf(c->out, "  to port %s (%s)\n", ctl_s(e, "port"), ctl_s(e, "type"));
    else if (!strcmp(kind, "punt"))
        fprintf(c->out, "  to %s\n", ctl_s(e, "to"));
    else if (!strcmp(kind, "drop"))
        fprintf(c->out, "  dropped: %s: %s\n", ctl_s(e, "reason"), ctl_s(e, "text"));
}

static void print_result(struct ctl *c, const json_t *events)
{
    const json_t *e;
    size_t i;
    unsigned n = 0;
    fprintf(c->out, "result\n");
    json_array_foreach(events, i, e)
    {
        if (strcmp(ctl_s(e, "event"), "sent") != 0)
            continue;
        fprintf(c->out, "  out of %s, %lld bytes: %s\n", ctl_s(e, "port"),
                (long long)json_integer_value(json_object_get(e, "length")), ctl_s(e, "frame"));
        n++;
    }
    if (n == 0)
        fprintf(c->out, "  it leaves by no port\n");
}

/* BRIDGE FLOW [HEX|FILE.pcap[#N]] */
int ctl_trace(struct ctl *c, int argc, char **argv)
{
    json_t *r, *params = json_pack("{s:s,s:s}", "bridge", argv[0], "flow", argv[1]);
    struct strbuf hex = {0};
    const json_t *e, *events;
    size_t i;
    if (argc > 2 && !read_packet(c, argv[2], &hex)) {
        json_decref(params);
        strbuf_free(&hex);
        return CTL_USAGE;
    }
    if (argc > 2)
        json_object_set_new(params, "packet", json_string(strbuf_text(&hex)));
    strbuf_free(&hex);
    int code = ctl_ask(c, "trace.run", params, &r);
    if (code == CTL_OK && !c->json && r) {
        events = json_object_get(r, "events");
        json_array_foreach(events, i, e) print_event(c, e);
        print_result(c, events);
    }
    json_decref(r);
    return code;
}
