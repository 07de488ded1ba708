/* router_bench.c: what routing a 60-byte frame costs on one core, by the number of routes.
 *
 * A stepped switch: frames come in at port a (VLAN 10) for the router, each to a random route's
 * subnet, and leave at port b (VLAN 20) by one neighbour. Beside it the same traffic bridged
 * (NORMAL) and, as the ceiling, a bare loop: the same generator, rte_fib's bulk look-up, MACs and
 * TTL rewritten, nothing else (no bridge, no checks, no counters). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_fib.h>
#include <rte_prefetch.h>

#include "base/assert.h"
#include "base/csum.h"
#include "base/prng.h"
#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/router.h"
#include "datapath/worker.h"

enum { ROUNDS = 5, LEN = 60, SLOT = 64, AHEAD = 8, FRAMES = 1 << 19, PACKETS = 800000 };
enum { FIRST = 32 << 24 }; /* 32.0.0.0/24, 32.0.1.0/24, ... */

enum way { BRIDGED, ROUTED, BARE };

static struct {
    uint8_t (*b)[SLOT];
    uint32_t n, at;
} gen;

static uint16_t gen_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    if (strcmp(p->name, "a") != 0 || rte_pktmbuf_alloc_bulk(p->pool, m, n) != 0)
        return 0;
    for (uint16_t i = 0; i < n; i++) {
        rte_prefetch0(gen.b[(gen.at + AHEAD) % gen.n]);
        memcpy(rte_pktmbuf_mtod(m[i], void *), gen.b[gen.at], SLOT);
        m[i]->pkt_len = m[i]->data_len = LEN;
        gen.at = gen.at + 1 == gen.n ? 0 : gen.at + 1;
    }
    return n;
}

static uint16_t gen_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)p, (void)queue;
    rte_pktmbuf_free_bulk(m, n);
    return n;
}

/* ------------------------------------------------------------ the network */

static const char config[] =
    "routers:\n"
    "  - {name: r1, max_routes: 2000000}\n"
    "bridges:\n"
    "  - name: br0\n"
    "    ports:\n"
    "      - {name: a, type: ring, tag: 10}\n"
    "      - {name: b, type: ring, tag: 20}\n"
    "      - {name: c, type: ring, tag: 10}\n"
    "      - {name: gw10, type: router, router: r1, tag: 10, mac: \"02:00:00:00:10:01\",\n"
    "         addresses: [10.0.10.1/24]}\n"
    "      - {name: gw20, type: router, router: r1, tag: 20, addresses: [10.0.20.1/24],\n"
    "         neighbors: [{ip: 10.0.20.2, mac: \"02:00:00:00:00:02\"}]}\n";

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx;
    if (l == LOG_LVL_ERROR)
        fprintf(stderr, "%s\n", text);
}

static struct ip6 prefix_of(uint32_t i)
{
    uint32_t ip = FIRST + (i << 8);
    return (struct ip6){{(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8)}};
}

static struct weft *make(uint32_t routes)
{
    static struct port_ops ops;
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft *w = NULL;
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    if (config_parse(config, sizeof config - 1, "bench", &c, &e) < 0 ||
        weft_create(&o, c, &w, &e) < 0) {
        fprintf(stderr, "router_bench: %s\n", e.text);
        exit(1);
    }
    struct weft_switch *sw = weft_switch(w);
    struct fib *f = sw->routing->router[0]->fib4;
    uint32_t next = fib_lookup4(f, 10u << 24 | 20 << 8 | 2);
    weft_assert(sw->routing->next[next].kind == NEXT_VIA);
    for (uint32_t i = 0; i < routes; i++) {
        struct ip6 p = prefix_of(i);
        weft_assert(fib_set(f, &p, 24, next) == 0);
    }
    ops = *port_find(sw, "a")->ops;
    ops.rx_burst = gen_rx;
    ops.tx_burst = gen_tx;
    for (const char *const *n = (const char *const[]){"a", "b", "c", NULL}; *n; n++)
        port_find(sw, *n)->ops = &ops;
    struct fdb *fdb = bridge_find(sw, "br0")->fdb;
    fdb_learn(fdb, 20, (struct mac){{2, 0, 0, 0, 0, 2}}, port_find(sw, "b")->index, NSEC_PER_SEC);
    fdb_learn(fdb, 10, (struct mac){{2, 0, 0, 0, 0, 3}}, port_find(sw, "c")->index, NSEC_PER_SEC);
    fdb_learn(fdb, 10, (struct mac){{2, 0, 0, 0, 0, 1}}, port_find(sw, "a")->index, NSEC_PER_SEC);
    return w;
}

static void fill(enum way way, uint32_t routes)
{
    struct prng r = {.state = 3};
    for (uint32_t i = 0; i < gen.n; i++) {
        uint8_t *b = gen.b[i];
        struct ip6 to = prefix_of(prng_below(&r, routes));
        memset(b, 0, SLOT);
        memcpy(b, way == BRIDGED ? "\2\0\0\0\0\3" : "\2\0\0\0\x10\1", 6);
        memcpy(b + 6, "\2\0\0\0\0\1\x08\0\x45\0\0\x2e\0\0\x40\0\x40\x11", 18);
        memcpy(b + 26, "\x0a\0\x0a\2", 4);
        memcpy(b + 30, &to, 4);
        b[33] = (uint8_t)i;
        b[35] = 1, b[37] = 80;
        be16 sum = csum_finish(csum_add(0, b + 14, 20));
        memcpy(b + 24, &sum, 2);
    }
}

/* ------------------------------------------------------------ runs */

static double cycles(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) * (double)rte_get_tsc_hz();
}

static double round_of_weft(struct weft *w, nsec_t *now)
{
    struct worker *k = weft_switch(w)->workers[0];
    struct port *b = port_find(weft_switch(w), "b"), *c = port_find(weft_switch(w), "c");
    uint64_t before = port_stats_sum(b).tx_packets + port_stats_sum(c).tx_packets;
    double begin = cycles();
    for (uint32_t i = 0; i < PACKETS / WEFT_BURST; i++) {
        *now += 2 * NSEC_PER_USEC;
        worker_poll(k, *now);
    }
    double took = cycles() - begin;
    uint64_t sent = port_stats_sum(b).tx_packets + port_stats_sum(c).tx_packets - before;
    weft_assert(sent >= PACKETS / WEFT_BURST * WEFT_BURST); /* or it is no measurement */
    return took / (double)sent;
}

static double round_of_fib(struct rte_fib *f, struct port *a)
{
    double begin = cycles();
    for (uint32_t i = 0; i < PACKETS / WEFT_BURST; i++) {
        struct rte_mbuf *m[WEFT_BURST];
        uint32_t ip[WEFT_BURST];
        uint64_t next[WEFT_BURST];
        gen_rx(a, 0, m, WEFT_BURST);
        for (unsigned j = 0; j < WEFT_BURST; j++) {
            be32 dst;
            memcpy(&dst, rte_pktmbuf_mtod_offset(m[j], void *, 30), 4);
            ip[j] = from_be32(dst);
        }
        rte_fib_lookup_bulk(f, ip, next, WEFT_BURST);
        for (unsigned j = 0; j < WEFT_BURST; j++) {
            static struct router_if out = {.mac = 0x020000002001};
            struct next_hop n = {.ifc = &out};
            weft_assert(next[j] == 7);
            route_rewrite(m[j], &n, 0x020000000002);
        }
        gen_tx(a, 0, m, WEFT_BURST);
    }
    return (cycles() - begin) / (PACKETS / WEFT_BURST * WEFT_BURST);
}

static struct rte_fib *bare_fib(uint32_t routes)
{
    struct rte_fib_conf c = {.type = RTE_FIB_DIR24_8,
                             .default_nh = 0,
                             .max_routes = (int)routes + 1,
                             .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 256}};
    struct rte_fib *f = rte_fib_create("bench", SOCKET_ID_ANY, &c);
    for (uint32_t i = 0; f != NULL && i < routes; i++)
        weft_assert(rte_fib_add(f, FIRST + (i << 8), 24, 7) == 0);
    return f;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 0: rte_fib has no memory here. */
static double run(enum way way, uint32_t routes)
{
    double c[ROUNDS];
    nsec_t now = NSEC_PER_SEC;
    gen.at = 0;
    struct weft *w = make(way == ROUTED ? routes : 1);
    struct rte_fib *f = way == BARE ? bare_fib(routes) : NULL;
    struct port *a = port_find(weft_switch(w), "a");
    fill(way, routes);
    for (int j = -1; j < ROUNDS; j++) {
        double took = way != BARE ? round_of_weft(w, &now) : f != NULL ? round_of_fib(f, a) : 0;
        c[j < 0 ? 0 : j] = took;
    }
    qsort(c, ROUNDS, sizeof c[0], by_size);
    rte_fib_free(f);
    weft_free(w);
    return c[ROUNDS / 2];
}

int main(void)
{
    static const char *const names[] = {"bridged (NORMAL)", "routed", "rte_fib alone"};
    static const uint32_t routes[] = {1, 1000, 100000, 1000000};
    struct errbuf e = {""};
    struct eal_report report;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true, .memory_mb = 1024},
                  &report, &e) < 0) {
        fprintf(stderr, "router_bench: %s\n", e.text);
        return 1;
    }
    gen.n = FRAMES;
    gen.b = aligned_alloc(64, (size_t)gen.n * SLOT);
    weft_assert(gen.b != NULL);
    printf("%-20s %10s %8s %8s\n", "60-byte frames", "routes", "cycles", "Mpps");
    for (unsigned i = 0; i < sizeof routes / sizeof routes[0]; i++)
        for (int way = BRIDGED; way <= BARE; way++) {
            double c = run((enum way)way, routes[i]);
            if (c > 0)
                printf("%-20s %10u %8.0f %8.2f\n", names[way], routes[i], c,
                       (double)rte_get_tsc_hz() / c / 1e6);
            fflush(stdout);
        }
    free(gen.b);
    return 0;
}
