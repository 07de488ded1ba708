/* pipeline_bench.c: what a packet costs from rx to tx, stage by stage as built.
 *
 * A stepped switch with ring ports, the same worker_poll() as a worker thread's. 60-byte
 * frames of as many flows as a case says go in by bursts of 32; the worker's own
 * meter (weftctl perf) gives cycles per packet of busy turns. Injecting and taking are outside of
 * it. Median of several rounds; seeded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/assert.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/port_ring.h"
#include "datapath/worker.h"

enum { ROUNDS = 7, BURSTS = 4000 };

struct work {
    const char *name;
    uint32_t flows;
    void (*rules)(struct strbuf *yaml);
};

static void normal(struct strbuf *y) { (void)y; }

static void one_rule(struct strbuf *y)
{
    strbuf_adds(y, "      - \"in_port=1,actions=output:2\"\n");
}

static void acl_1000(struct strbuf *y)
{
    struct prng r = {.state = 7};
    for (unsigned i = 0; i < 1000; i++)
        strbuf_addf(y, "      - \"priority=%u,udp,nw_src=10.%u.%u.0/%u,tp_dst=%u,actions=drop\"\n",
                    2000 - i, prng_below(&r, 256), prng_below(&r, 256), 24 - i % 8,
                    1 + prng_below(&r, 1000));
    strbuf_adds(y, "      - \"priority=0,actions=output:2\"\n");
}

static void four_tables(struct strbuf *y)
{
    strbuf_adds(y, "      - \"table=0,in_port=1,actions=write_metadata:1,goto_table:1\"\n"
                   "      - \"table=1,udp,tp_dst=53,actions=drop\"\n"
                   "      - \"table=1,priority=0,actions=goto_table:2\"\n"
                   "      - \"table=3,metadata=1,actions=output:2\"\n");
    for (unsigned i = 0; i < 1000; i++)
        strbuf_addf(y, "      - \"table=2,dl_dst=02:00:00:00:%02x:%02x,actions=goto_table:3\"\n",
                    i >> 8, i & 255);
}

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)text;
    if (l == LOG_LVL_ERROR)
        fprintf(stderr, "%s\n", text);
}

static struct weft *make(const struct work *k)
{
    struct strbuf y = {0};
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft *w = NULL;
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    strbuf_adds(&y, "bridges:\n  - name: br0\n    fdb: {size: 131072}\n    ports:\n"
                    "      - {name: a, type: ring}\n      - {name: b, type: ring}\n");
    if (k->rules != normal)
        strbuf_adds(&y, "    flows:\n");
    k->rules(&y);
    if (config_parse(y.s, y.len, "bench", &c, &e) < 0 || weft_create(&o, c, &w, &e) < 0) {
        fprintf(stderr, "pipeline_bench: %s\n", e.text);
        exit(1);
    }
    strbuf_free(&y);
    return w;
}

/* Flow n: its own MACs, addresses and ports. UDP, so that ACLs look at all of it. */
static void frame_of(uint32_t n, uint8_t f[60])
{
    static const uint8_t head[] = {2,    0, 0,  0,  0, 0, 2, 1, 0,  0,  0, 0,  8,  0,
                                   0x45, 0, 0,  46, 0, 0, 0, 0, 64, 17, 0, 0,  10, 9,
                                   0,    0, 10, 8,  0, 0, 4, 0, 35, 40, 0, 26, 0,  0};
    memset(f, 0, 60);
    memcpy(f, head, sizeof head);
    be32 id = to_be32(n);
    memcpy(f + 2, &id, 4);
    f[0] = 2;
    memcpy(f + 8, &id, 4);
    memcpy(f + 28, (uint8_t *)&id + 2, 2);
    memcpy(f + 32, (uint8_t *)&id + 2, 2);
    be16 port = to_be16((uint16_t)(1024 + n % 50000));
    memcpy(f + 34, &port, 2);
}

static void drain(struct port *p)
{
    struct rte_mbuf *m;
    while ((m = port_ring_take_mbuf(p)) != NULL)
        rte_pktmbuf_free(m);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double run_round(struct weft *w, uint32_t flows, struct prng *r, nsec_t *now)
{
    struct weft_switch *sw = weft_switch(w);
    struct port *a = port_find(sw, "a"), *b = port_find(sw, "b");
    uint64_t cycles = 0;
    uint8_t f[60];
    for (int i = 0; i < BURSTS; i++) {
        for (int j = 0; j < WEFT_BURST; j++) {
            frame_of(prng_below(r, flows), f);
            weft_assert(port_ring_inject(a, f, sizeof f) == 0);
        }
        *now += 10 * NSEC_PER_USEC;
        uint64_t begin = rte_rdtsc();
        worker_poll(sw->workers[0], *now);
        cycles += rte_rdtsc() - begin;
        drain(b);
        drain(a);
        if (i % 16 == 0)
            switch_protocol_run(sw, *now);
    }
    return (double)cycles / ((double)BURSTS * WEFT_BURST);
}

/* Teaches the bridge where the destinations are: b says each address once. */
static void teach(struct weft *w, uint32_t flows, nsec_t *now)
{
    struct weft_switch *sw = weft_switch(w);
    struct port *a = port_find(sw, "a"), *b = port_find(sw, "b");
    uint8_t f[60], src[6];
    for (uint32_t n = 0; n < flows; n++) {
        frame_of(n, f);
        memcpy(src, f, 6);
        memcpy(f, f + 6, 6);
        memcpy(f + 6, src, 6);
        weft_assert(port_ring_inject(b, f, sizeof f) == 0);
        *now += 100 * NSEC_PER_USEC;
        weft_step(w, *now);
        drain(a);
    }
}

int main(void)
{
    static const struct work works[] = {
        {"one rule, in_port to output", 1000, one_rule},
        {"NORMAL", 1, normal},
        {"NORMAL", 1000, normal},
        {"NORMAL", 10000, normal},
        {"four tables, 1k MACs", 1000, four_tables},
        {"ACL of 1k rules, 8 masks", 1, acl_1000},
        {"ACL of 1k rules, 8 masks", 50000, acl_1000},
    };
    struct errbuf e = {""};
    struct eal_report report;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, &report, &e) <
        0) {
        fprintf(stderr, "pipeline_bench: %s\n", e.text);
        return 1;
    }
    printf("%-32s %8s %16s %8s\n", "60-byte frames, rx to tx", "flows", "cycles/packet", "spread");
    for (unsigned i = 0; i < sizeof works / sizeof works[0]; i++) {
        struct weft *w = make(&works[i]);
        struct prng r = {.state = 1};
        nsec_t now = NSEC_PER_SEC;
        double c[ROUNDS];
        if (works[i].rules == normal)
            teach(w, works[i].flows, &now);
        for (int j = 0; j < ROUNDS; j++)
            c[j] = run_round(w, works[i].flows, &r, &now);
        qsort(c, ROUNDS, sizeof c[0], by_size);
        printf("%-32s %8u %16.0f %7.0f%%\n", works[i].name, works[i].flows, c[ROUNDS / 2],
               100 * (c[ROUNDS - 1] - c[0]) / c[ROUNDS / 2]);
        weft_free(w);
    }
    return 0;
}
