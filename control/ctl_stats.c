/* control/ctl_stats.c: rates, from counters taken twice; and drops. */
#include <string.h>
#include <time.h>

#include "control/ctl.h"

static void nap(double s)
{
    struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

/* What one of `list` has `value` under `key`. */
static const json_t *find(const json_t *list, const char *key, const json_t *value)
{
    const json_t *v;
    size_t i;
    json_array_foreach((json_t *)list, i,
                       v) if (json_equal(json_object_get(v, key), value)) return v;
    return NULL;
}

static double growth(const json_t *was, const json_t *is, const char *key)
{
    double d = ctl_n(is, key) - ctl_n(was, key);
    return d > 0 ? d : 0; /* a port that was made anew begins at 0 */
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (!strcmp(name, argv[i]))
            return true;
    return argc == 0;
}

/* Two samples and a picture of the difference; with --watch again and again. */
static int repeat(struct ctl *c, const char *method, int argc, char **argv,
                  void (*show)(struct ctl *c, const json_t *was, const json_t *is, int argc,
                               char **argv))
{
    json_t *was, *is;
    int code = ctl_call(c, method, NULL, &was);
    if (code == CTL_OK && c->json)
        ctl_print_json(c, was);
    bool again = code == CTL_OK && (!c->json || c->watch_s > 0);
    while (again) {
        nap(c->watch_s > 0 ? c->watch_s : c->over_s);
        code = ctl_call(c, method, NULL, &is);
        if (code != CTL_OK)
            break;
        if (c->json)
            ctl_print_json(c, is);
        else
            show(c, was, is, argc, argv);
        fflush(c->out);
        json_decref(was);
        was = is;
        again = c->watch_s > 0;
    }
    json_decref(was);
    return code;
}

static double seconds(const json_t *was, const json_t *is)
{
    double s = (ctl_n(is, "time_ns") - ctl_n(was, "time_ns")) / 1e9;
    return s > 0 ? s : 1;
}

static void drop_rates(struct ctl *c, const json_t *was, const json_t *is, double s)
{
    const json_t *v, *old = json_object_get(was, "drops");
    const char *key, *between = "drops/s: ";
    json_object_foreach(json_object_get(is, "drops"), key, v)
    {
        double d = (json_number_value(v) - ctl_n(old, key)) / s;
        if (d <= 0)
            continue;
        fprintf(c->out, "%s%s %s", between, key, ctl_si(d < 1 ? 1 : d).s);
        between = ", ";
    }
    if (*between == ',')
        fputc('\n', c->out);
}

static void show_stats(struct ctl *c, const json_t *was, const json_t *is, int argc, char **argv)
{
    struct ctl_table t;
    const json_t *p;
    size_t i;
    double s = seconds(was, is);
    ctl_table_init(&t, "PORT|BRIDGE|LINK|>RX PPS|>RX BIT/S|>TX PPS|>TX BIT/S|>DROPS/S|>RX|>TX|"
                       ">DROPS");
    json_array_foreach(json_object_get(is, "ports"), i, p)
    {
        const json_t *old = find(json_object_get(was, "ports"), "name", json_object_get(p, "name"));
        const json_t *n = json_object_get(p, "counters"), *o = json_object_get(old, "counters");
        if (!wanted(ctl_s(p, "name"), argc, argv))
            continue;
        ctl_table_cell(&t, "%s", ctl_s(p, "name"));
        ctl_table_cell(&t, "%s", ctl_s(p, "bridge"));
        ctl_table_cell(&t, "%s", ctl_b(p, "link_up") ? "up" : "down");
        ctl_table_cell(&t, "%s", ctl_si(growth(o, n, "rx_packets") / s).s);
        ctl_table_cell(&t, "%s", ctl_si(growth(o, n, "rx_bytes") * 8 / s).s);
        ctl_table_cell(&t, "%s", ctl_si(growth(o, n, "tx_packets") / s).s);
        ctl_table_cell(&t, "%s", ctl_si(growth(o, n, "tx_bytes") * 8 / s).s);
        ctl_table_cell(&t, "%s", ctl_si(growth(old, p, "drops") / s).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(n, "rx_packets")).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(n, "tx_packets")).s);
        ctl_table_cell(&t, "%s", ctl_si(ctl_n(p, "drops")).s);
    }
    ctl_table_print(&t, c->out, argc ? "no such port\n" : "no ports\n");
    drop_rates(c, was, is, s);
}

int ctl_stats(struct ctl *c, int argc, char **argv)
{
    return repeat(c, "stats", argc, argv, show_stats);
}

/* ---- workers ---- */

static double over(double a, double b) { return b > 0 ? a / b : 0; }

static void show_perf(struct ctl *c, const json_t *was, const json_t *is, int argc, char **argv)
{
    struct ctl_table t;
    const json_t *k;
    size_t i;
    double s = seconds(was, is), hz = ctl_n(is, "tsc_hz");
    (void)argc, (void)argv;
    ctl_table_init(&t, "WORKER|>CPU|>PORTS|>BUSY|>SPIN|>SLEEP|>PPS|>PACKETS/BURST|"
                       ">CYCLES/PACKET|>SLEEPS/S");
    json_array_foreach(json_object_get(is, "workers"), i, k)
    {
        const json_t *o =
            find(json_object_get(was, "workers"), "worker", json_object_get(k, "worker"));
        double packets = growth(o, k, "packets"), busy = growth(o, k, "busy_cycles");
        double sleep = growth(o, k, "sleep_ns") / 1e9 / s * 100;
        bool slept = sleep == 0 && ctl_b(o, "asleep") && ctl_b(k, "asleep");
        ctl_table_cell(&t, "%lld", ctl_i(k, "worker"));
        if (ctl_i(k, "cpu") < 0)
            ctl_table_cell(&t, "any");
        else
            ctl_table_cell(&t, "%lld", ctl_i(k, "cpu"));
        ctl_table_cell(&t, "%lld", ctl_i(k, "ports"));
        ctl_table_cell(&t, "%.1f%%", over(busy, hz * s) * 100);
        ctl_table_cell(&t, "%.1f%%", over(growth(o, k, "idle_cycles"), hz * s) * 100);
        ctl_table_cell(&t, "%.1f%%", slept ? 100 : sleep > 100 ? 100 : sleep);
        ctl_table_cell(&t, "%s", ctl_si(packets / s).s);
        ctl_table_cell(&t, "%.1f", over(packets, growth(o, k, "bursts")));
        ctl_table_cell(&t, "%.0f", over(busy, packets));
        ctl_table_cell(&t, "%s", ctl_si(growth(o, k, "sleeps") / s).s);
    }
    ctl_table_print(&t, c->out, "no workers\n");
}

int ctl_perf(struct ctl *c, int argc, char **argv)
{
    return repeat(c, "perf", argc, argv, show_perf);
}

/* ---- drops ---- */

static void drops_table(struct ctl *c, const json_t *list)
{
    struct ctl_table t;
    const json_t *d;
    size_t i;
    ctl_table_init(&t, "REASON|>COUNT|WHAT IT MEANS|LAST FRAME");
    json_array_foreach((json_t *)list, i, d)
    {
        const json_t *last = json_array_get(json_object_get(d, "samples"), 0);
        struct strbuf b = {0};
        if (last) {
            strbuf_addf(&b, "%s ago, %s: ", ctl_age(ctl_n(last, "age_s")).s,
                        *ctl_s(last, "port") ? ctl_s(last, "port") : "no port");
            ctl_frame(&b, ctl_s(last, "hex"));
        }
        ctl_table_cell(&t, "%s", ctl_s(d, "reason"));
        ctl_table_cell(&t, "%lld", ctl_i(d, "count"));
        ctl_table_cell(&t, "%s", ctl_s(d, "text"));
        ctl_table_cell(&t, "%s", strbuf_text(&b));
        strbuf_free(&b);
    }
    ctl_table_print(&t, c->out, "nothing was dropped\n");
}

/* One reason: its last frames, whole as far as they were kept. */
static void drop_details(struct ctl *c, const json_t *d)
{
    const json_t *s;
    size_t i;
    fprintf(c->out, "%s: %lld, %s\n", ctl_s(d, "reason"), ctl_i(d, "count"), ctl_s(d, "text"));
    json_array_foreach(json_object_get(d, "samples"), i, s)
    {
        struct strbuf b = {0};
        ctl_frame(&b, ctl_s(s, "hex"));
        fprintf(c->out, "%s ago, %s, %lld bytes: %s\n    %s\n", ctl_age(ctl_n(s, "age_s")).s,
                *ctl_s(s, "port") ? ctl_s(s, "port") : "no port", ctl_i(s, "len"), strbuf_text(&b),
                ctl_s(s, "hex"));
        strbuf_free(&b);
    }
}

int ctl_drops(struct ctl *c, int argc, char **argv)
{
    bool all = (argc && !strcmp(argv[0], "all")) || (c->given & CTL_OPT_ALL);
    json_t *r, *params = json_object();
    if (all)
        json_object_set_new(params, "all", json_true());
    else if (argc)
        json_object_set_new(params, "reason", json_string(argv[0]));
    int code = ctl_ask(c, "drops", params, &r);
    if (!r)
        return code;
    const json_t *list = json_object_get(r, "drops");
    if (argc && !all)
        drop_details(c, json_array_get(list, 0));
    else
        drops_table(c, list);
    json_decref(r);
    return code;
}
