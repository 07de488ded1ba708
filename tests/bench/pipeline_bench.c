/* pipeline_bench.c: what a packet costs from rx to tx, on one core, weft alone.
 *
 * A stepped switch whose two ports are a generator and a sink: rx copies the next 64 bytes of a
 * prepared array into a fresh mbuf, tx frees. So the figure contains what a perfect device would
 * cost, and that is measured too (the first line, "rx to tx"). worker_poll() is a worker
 * thread's own. Medians of several rounds; seeded. With an argument, only the cases whose
 * name contains it. `make bench` has the comparison with others; this is for finding cycles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/punt.h"
#include "datapath/worker.h"
#include "tests/bench/rules.h"

enum { ROUNDS = 5, FRAME = 60, AHEAD = 8 };

struct frame {
    uint8_t b[64];
};

static struct {
    struct frame *frames;
    uint32_t n, at;
} gen;

/* ------------------------------------------------------------ the generator */

static uint16_t gen_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    if (strcmp(p->name, "a") != 0 || rte_pktmbuf_alloc_bulk(p->pool, m, n) != 0)
        return 0;
    for (uint16_t i = 0; i < n; i++) {
        uint32_t ahead = gen.at + AHEAD;
        rte_prefetch0(&gen.frames[ahead < gen.n ? ahead : ahead % gen.n]);
        memcpy(rte_pktmbuf_mtod(m[i], void *), &gen.frames[gen.at], 64);
        m[i]->pkt_len = m[i]->data_len = FRAME;
        if (++gen.at == gen.n)
            gen.at = 0;
    }
    return n;
}

static uint16_t gen_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)p, (void)queue;
    rte_pktmbuf_free_bulk(m, n);
    return n;
}

/* ------------------------------------------------------------ the work */

struct work {
    const char *name;
    uint32_t flows, rules;
    void (*program)(const struct work *k, struct strbuf *yaml);
    void (*traffic)(const struct work *k);
    enum rules_style style;
    bool bond; /* b is a bond of two */
};

static void normal(const struct work *k, struct strbuf *y) { (void)k, (void)y; }

static void one_rule(const struct work *k, struct strbuf *y)
{
    (void)k;
    strbuf_adds(y, "      - \"in_port=1,actions=output:2\"\n");
}

static void exact_l2(const struct work *k, struct strbuf *y)
{
    for (uint32_t i = 0; i < k->rules; i++)
        strbuf_addf(y, "      - \"dl_dst=02:00:00:%02x:%02x:%02x,actions=output:2\"\n", i >> 16,
                    i >> 8 & 255, i & 255);
}

static struct five_tuple *rule_set(const struct work *k)
{
    struct five_tuple *r = calloc(k->rules, sizeof *r);
    weft_assert(r != NULL);
    rules_make(k->style, k->rules, 7, r);
    return r;
}

static void acl(const struct work *k, struct strbuf *y)
{
    struct five_tuple *r = rule_set(k);
    char text[256];
    for (uint32_t i = 0; i < k->rules; i++) {
        rules_text(&r[i], 65000 - i / (k->rules / 1000 + 1), "output:2", text, sizeof text);
        strbuf_addf(y, "      - \"%s\"\n", text);
    }
    strbuf_adds(y, "      - \"priority=0,actions=output:2\"\n");
    free(r);
}

/* Port security, ACL, L2, egress. */
static void four_tables(const struct work *k, struct strbuf *y)
{
    char text[256];
    struct five_tuple *r = rule_set(k);
    strbuf_adds(y, "      - \"table=0,in_port=1,dl_src=02:02:00:00:00:00/ff:ff:00:00:00:00,"
                   "actions=write_metadata:1,goto_table:1\"\n"
                   "      - \"table=0,priority=0,actions=drop\"\n"
                   "      - \"table=1,priority=0,actions=goto_table:2\"\n"
                   "      - \"table=3,metadata=1,actions=output:2\"\n");
    for (uint32_t i = 0; i < k->rules; i++) {
        rules_text(&r[i], 65000 - i, "goto_table:2", text, sizeof text);
        strbuf_addf(y, "      - \"table=1,%s\"\n", text);
    }
    for (unsigned i = 0; i < 1000; i++)
        strbuf_addf(y, "      - \"table=2,dl_dst=02:00:00:00:%02x:%02x,actions=goto_table:3\"\n",
                    i >> 8, i & 255);
    free(r);
}

/* Flow n: its own MACs, addresses and ports. */
static void by_number(const struct work *k)
{
    static const struct five_tuple any;
    struct prng p = {.state = 3};
    for (uint32_t i = 0; i < k->flows; i++) {
        uint8_t *f = gen.frames[i].b;
        uint32_t id = prng_below(&p, k->flows);
        rules_frame(&any, &p, f);
        f[0] = 2, f[3] = (uint8_t)(id >> 16), f[4] = (uint8_t)(id >> 8), f[5] = (uint8_t)id;
        f[6] = 2, f[7] = 2;
        memcpy(f + 9, f + 3, 3);
    }
}

static void by_rule(const struct work *k)
{
    struct five_tuple *r = rule_set(k);
    struct prng p = {.state = 3};
    for (uint32_t i = 0; i < k->flows; i++) {
        uint8_t *f = gen.frames[i].b;
        rules_frame(&r[prng_below(&p, k->rules)], &p, f);
        uint32_t id = prng_below(&p, 1000);
        f[4] = (uint8_t)(id >> 8), f[5] = (uint8_t)id, f[7] = 2;
    }
    free(r);
}

/* ------------------------------------------------------------ a run */

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx;
    if (l == LOG_LVL_ERROR)
        fprintf(stderr, "%s\n", text);
}

static struct weft *make(const struct work *k)
{
    static struct port_ops ops;
    struct strbuf y = {0};
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft *w = NULL;
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    strbuf_adds(&y, "bridges:\n  - name: br0\n    fdb: {size: 131072}\n    ports:\n"
                    "      - {name: a, type: ring}\n");
    strbuf_adds(&y, k->bond
                        ? "      - {name: b, type: bond, members: [b1, b2], mode: balance-xor}\n"
                          "      - {name: b1, type: ring}\n      - {name: b2, type: ring}\n"
                        : "      - {name: b, type: ring}\n      - {name: b1, type: ring}\n");
    if (k->program != normal)
        strbuf_adds(&y, "    flows:\n");
    k->program(k, &y);
    if (config_parse(y.s, y.len, "bench", &c, &e) < 0 || weft_create(&o, c, &w, &e) < 0) {
        fprintf(stderr, "pipeline_bench: %s\n", e.text);
        exit(1);
    }
    strbuf_free(&y);
    ops = *port_find(weft_switch(w), "a")->ops;
    ops.rx_burst = gen_rx;
    ops.tx_burst = gen_tx;
    static const char *const devices[2][3] = {{"a", "b", "b1"}, {"a", "b1", "b2"}};
    for (int i = 0; i < 3; i++)
        port_find(weft_switch(w), devices[k->bond][i])->ops = &ops;
    return w;
}

/* The destinations live behind b: it says so. */
static void teach(struct weft *w, uint32_t flows)
{
    struct bridge *br = bridge_find(weft_switch(w), "br0");
    struct port *b = port_find(weft_switch(w), "b");
    for (uint32_t i = 0; i < flows; i++) {
        struct mac m;
        memcpy(&m, gen.frames[i].b, 6);
        fdb_learn(br->fdb, 0, m, b->index, NSEC_PER_SEC);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of this thread: what others do on the CPU meanwhile doesn't count. */
static double cycles(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    double s = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    return s * (double)rte_get_tsc_hz();
}

static double run_round(struct weft *w, nsec_t *now, uint32_t packets)
{
    struct weft_switch *sw = weft_switch(w);
    struct worker *k = sw->workers[0];
    uint64_t before = k->perf.packets;
    double begin = cycles();
    for (uint32_t i = 0; i < packets / WEFT_BURST; i++) {
        *now += 2 * NSEC_PER_USEC;
        worker_poll(k, *now);
        if (i % 256 == 0)
            switch_protocol_run(sw, *now);
    }
    return (cycles() - begin) / (double)(k->perf.packets - before);
}

static double bare_round(struct port *a, uint32_t packets)
{
    double begin = cycles();
    for (uint32_t i = 0; i < packets / WEFT_BURST; i++) {
        struct rte_mbuf *m[WEFT_BURST];
        gen_tx(a, 0, m, gen_rx(a, 0, m, WEFT_BURST));
    }
    return (cycles() - begin) / (double)packets;
}

static void run(const struct work *k)
{
    double c[ROUNDS], bare;
    nsec_t now = NSEC_PER_SEC;
    uint32_t packets = k->flows < 400000 ? 1600000 : 4 * k->flows;
    gen.n = k->flows;
    gen.at = 0;
    gen.frames = aligned_alloc(64, (size_t)gen.n * sizeof *gen.frames);
    weft_assert(gen.frames != NULL);
    k->traffic(k);
    struct weft *w = make(k);
    if (k->program == normal)
        teach(w, k->flows);
    run_round(w, &now, packets);
    for (int j = 0; j < ROUNDS; j++)
        c[j] = run_round(w, &now, packets);
    bare = bare_round(port_find(weft_switch(w), "a"), packets);
    qsort(c, ROUNDS, sizeof c[0], by_size);
    double hz = (double)rte_get_tsc_hz();
    printf("%-30s %8u %8u %8.0f %6.0f%% %8.0f %8.2f\n", k->name, k->rules, k->flows, c[ROUNDS / 2],
           100 * (c[ROUNDS - 1] - c[0]) / c[ROUNDS / 2], bare, hz / c[ROUNDS / 2] / 1e6);
    fflush(stdout);
    weft_free(w);
    free(gen.frames);
}

/* Hash and member choice alone: the same frames to a port and to a bond of two, in turns, so that
 * what else the machine does meets both. */
static void run_bond_cost(void)
{
    enum { TURNS = 31, PACKETS = 400000 };
    const struct work k[2] = {{"to a port", 1000, 0, normal, by_number, 0, false},
                              {"to a bond", 1000, 0, normal, by_number, 0, true}};
    double c[2][TURNS], more[TURNS];
    nsec_t now[2] = {NSEC_PER_SEC, NSEC_PER_SEC};
    struct weft *w[2];
    gen.n = k[0].flows;
    gen.at = 0;
    gen.frames = aligned_alloc(64, (size_t)gen.n * sizeof *gen.frames);
    weft_assert(gen.frames != NULL);
    by_number(&k[0]);
    for (int i = 0; i < 2; i++) {
        w[i] = make(&k[i]);
        teach(w[i], gen.n);
        run_round(w[i], &now[i], PACKETS);
    }
    for (int j = 0; j < TURNS; j++) {
        for (int i = 0; i < 2; i++)
            c[i][j] = run_round(w[i], &now[i], PACKETS);
        more[j] = c[1][j] - c[0][j];
    }
    qsort(c[0], TURNS, sizeof(double), by_size);
    qsort(c[1], TURNS, sizeof(double), by_size);
    qsort(more, TURNS, sizeof(double), by_size);
    printf("bond: cycles/packet to a port %.0f, to a bond of two %.0f; median difference %.0f\n",
           c[0][TURNS / 2], c[1][TURNS / 2], more[TURNS / 2]);
    for (int i = 0; i < 2; i++)
        weft_free(w[i]);
    free(gen.frames);
}

static const struct work works[] = {
    {"one rule", 1000, 1, one_rule, by_number, 0, false},
    {"NORMAL", 1, 0, normal, by_number, 0, false},
    {"NORMAL", 1000, 0, normal, by_number, 0, false},
    {"NORMAL to a bond of two", 1000, 0, normal, by_number, 0, true},
    {"NORMAL", 10000, 0, normal, by_number, 0, false},
    {"NORMAL", 100000, 0, normal, by_number, 0, false},
    {"exact L2", 10000, 10000, exact_l2, by_number, 0, false},
    {"four tables", 1000, 10, four_tables, by_rule, RULES_ACL, false},
    {"four tables", 1000000, 10, four_tables, by_rule, RULES_ACL, false},
    {"four tables, big ACL", 1000, 1000, four_tables, by_rule, RULES_ACL, false},
    {"four tables, big ACL", 1000000, 1000, four_tables, by_rule, RULES_ACL, false},
    {"acl", 1000, 100, acl, by_rule, RULES_ACL, false},
    {"acl", 1000000, 100, acl, by_rule, RULES_ACL, false},
    {"acl", 1000, 1000, acl, by_rule, RULES_ACL, false},
    {"acl", 1000000, 1000, acl, by_rule, RULES_ACL, false},
    {"acl", 1000, 10000, acl, by_rule, RULES_ACL, false},
    {"acl", 1000000, 10000, acl, by_rule, RULES_ACL, false},
    {"100k acl", 1000000, 100000, acl, by_rule, RULES_ACL, false},
    {"fw", 1000, 10000, acl, by_rule, RULES_FW, false},
    {"fw", 1000000, 10000, acl, by_rule, RULES_FW, false},
    {"ipc", 1000000, 10000, acl, by_rule, RULES_IPC, false},
};

int main(int argc, char **argv)
{
    struct errbuf e = {""};
    struct eal_report report;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, &report, &e) <
        0) {
        fprintf(stderr, "pipeline_bench: %s\n", e.text);
        return 1;
    }
    printf("%-30s %8s %8s %8s %7s %8s %8s\n", "60-byte frames, cycles/packet", "rules", "flows",
           "total", "spread", "bare", "Mpps");
    for (unsigned i = 0; i < sizeof works / sizeof works[0]; i++)
        if (argc < 2 || strstr(works[i].name, argv[1]) != NULL)
            run(&works[i]);
    if (argc < 2 || strcmp(argv[1], "bond") == 0)
        run_bond_cost();
    return 0;
}
