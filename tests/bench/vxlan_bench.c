/* vxlan_bench.c: what a tenant's 60-byte frame costs into a tunnel, out of one, and without, on one
 * core.
 *
 * A stepped switch with a generator and a sink, as in pipeline_bench: tenants' frames come in at
 * port a (tagged when there are several VNIs), the underlay's at port u. MACs are known. The last
 * column is the rate as a share of plain NORMAL forwarding of as many flows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "base/assert.h"
#include "base/prng.h"
#include "base/strbuf.h"
#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/tunnel.h"
#include "datapath/worker.h"

enum { ROUNDS = 5, INNER = 60, AHEAD = 8, SLOT = 128, PACKETS = 800000 };

enum way { PLAIN, ENCAP, DECAP };

struct work {
    const char *name;
    enum way way;
    bool v6;
    uint32_t flows, vnis, remotes;
};

static struct {
    uint8_t (*b)[SLOT];
    uint16_t len;
    uint32_t n, at;
    const char *port;
} gen;

static uint16_t gen_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    if (strcmp(p->name, gen.port) != 0 || rte_pktmbuf_alloc_bulk(p->pool, m, n) != 0)
        return 0;
    for (uint16_t i = 0; i < n; i++) {
        rte_prefetch0(gen.b[(gen.at + AHEAD) % gen.n]);
        memcpy(rte_pktmbuf_mtod(m[i], void *), gen.b[gen.at], SLOT);
        m[i]->pkt_len = m[i]->data_len = gen.len;
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

static struct ip6 remote_ip(bool v6, uint32_t i)
{
    if (v6)
        return (struct ip6){{0x20, 1, 0xd, 0xb8, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};
    return (struct ip6){{10, 1, (uint8_t)(i >> 8), (uint8_t)i}};
}

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
    strbuf_addf(&y, "vteps:\n  - {name: v, ip: \"%s\", port: u, mac: \"02:00:00:00:ee:01\"}\n",
                k->v6 ? "2001:db8::ff:1/32" : "10.1.255.1/8");
    strbuf_adds(&y, "bridges:\n  - name: br0\n    fdb: {size: 1048576}\n    ports:\n"
                    "      - {name: a, type: ring}\n      - {name: b, type: ring}\n");
    for (uint32_t i = 0; i < k->vnis; i++)
        strbuf_addf(&y, "      - {name: t%u, type: vxlan, vtep: v, key: %u%s%.0u}\n", i, i + 1,
                    k->vnis > 1 ? ", tag: " : "", k->vnis > 1 ? i + 1 : 0);
    strbuf_adds(&y, "  - name: under\n    ports:\n      - {name: u, type: ring}\n");
    if (config_parse(y.s, y.len, "bench", &c, &e) < 0 || weft_create(&o, c, &w, &e) < 0) {
        fprintf(stderr, "vxlan_bench: %s\n", e.text);
        exit(1);
    }
    strbuf_free(&y);
    ops = *port_find(weft_switch(w), "a")->ops;
    ops.rx_burst = gen_rx;
    ops.tx_burst = gen_tx;
    for (const char *const *n = (const char *const[]){"a", "b", "u", NULL}; *n; n++)
        port_find(weft_switch(w), *n)->ops = &ops;
    return w;
}

/* ------------------------------------------------------------ traffic */

struct flow {
    uint32_t id, vni, remote;
};

static struct flow flow_of(const struct work *k, struct prng *r)
{
    uint32_t id = prng_below(r, k->flows);
    return (struct flow){.id = id, .vni = 1 + id % k->vnis, .remote = 1 + id % k->remotes};
}

static struct mac far_mac(uint32_t id)
{
    return (struct mac){{2, 1, 0, (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id}};
}

/* From the near host to the far one (towards the tunnel), or back. */
static void inner(uint8_t *b, uint32_t id, bool out)
{
    static const struct mac near = {{2, 0, 0, 0, 0, 1}};
    struct mac far = far_mac(id);
    memset(b, 0, INNER);
    memcpy(b, out ? &far : &near, 6);
    memcpy(b + 6, out ? &near : &far, 6);
    memcpy(b + 12, "\x08\0\x45\0\0\x2e\0\0\x40\0\x40\x11", 12);
    memcpy(b + 26, "\x0a\0\0\1\x0a\0", 6);
    b[32] = (uint8_t)(id >> 8), b[33] = (uint8_t)id;
    b[34] = (uint8_t)(id >> 4), b[35] = (uint8_t)id, b[37] = 80;
}

static void fill(const struct work *k, struct vtep *v)
{
    struct prng r = {.state = 3};
    gen.port = k->way == DECAP ? "u" : "a";
    for (uint32_t i = 0; i < gen.n; i++) {
        struct flow f = flow_of(k, &r);
        uint8_t *b = gen.b[i];
        gen.len = INNER;
        if (k->way == DECAP) {
            struct outer_head h;
            outer_prebuild(&(struct outer_path){.dst = v->opt.local.mac,
                                                .v6 = k->v6,
                                                .src_ip = remote_ip(k->v6, f.remote),
                                                .dst_ip = v->opt.local.ip,
                                                .udp_port = 4789,
                                                .ttl = 9,
                                                .df = true},
                           &h);
            outer_patch(&h,
                        &(struct outer_patch){.vni = f.vni,
                                              .inner_len = INNER,
                                              .src_port = (uint16_t)(49152 + f.id % 9999)},
                        b);
            inner(b + h.len, f.id, false);
            gen.len = (uint16_t)(h.len + INNER);
            continue;
        }
        inner(b, f.id, true);
        if (k->vnis > 1) {
            memmove(b + 16, b + 12, INNER - 12);
            memcpy(b + 12, (uint8_t[]){0x81, 0, (uint8_t)(f.vni >> 8), (uint8_t)f.vni}, 4);
            gen.len = INNER + 4;
        }
    }
}

/* Everybody is known: the far hosts behind their VTEPs (or port b), the near one at a. */
static void teach(const struct work *k, struct weft *w, struct vtep *v)
{
    struct weft_switch *sw = weft_switch(w);
    struct fdb *f = bridge_find(sw, "br0")->fdb;
    for (uint32_t id = 0; id < k->flows; id++) {
        char name[16];
        uint32_t vni = 1 + id % k->vnis;
        uint16_t vlan = k->vnis > 1 ? (uint16_t)vni : 0;
        struct ip6 ip = remote_ip(k->v6, 1 + id % k->remotes);
        snprintf(name, sizeof name, "t%u", vni - 1);
        if (id < k->remotes)
            weft_assert(vtep_set_neighbour(v, &ip, far_mac(id)) == 0);
        const struct port *to = port_find(sw, k->way == PLAIN ? "b" : name);
        uint32_t place = fdb_place(to->index, k->way == PLAIN ? 0 : endpoint_find(v, &ip));
        fdb_learn(f, vlan, far_mac(id), place, NSEC_PER_SEC);
        fdb_learn(f, vlan, (struct mac){{2, 0, 0, 0, 0, 1}}, port_find(sw, "a")->index,
                  NSEC_PER_SEC);
    }
}

/* ------------------------------------------------------------ a run */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double cycles(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) * (double)rte_get_tsc_hz();
}

static double run_round(struct weft *w, nsec_t *now)
{
    struct worker *k = weft_switch(w)->workers[0];
    uint64_t before = k->perf.packets;
    double begin = cycles();
    for (uint32_t i = 0; i < PACKETS / WEFT_BURST; i++) {
        *now += 2 * NSEC_PER_USEC;
        worker_poll(k, *now);
    }
    return (cycles() - begin) / (double)(k->perf.packets - before);
}

/* Nothing was dropped, or it is no measurement. */
static void check(const struct work *k, struct weft *w)
{
    for (int r = 0; r < DROP_COUNT; r++)
        if (switch_drops(weft_switch(w), (enum drop_reason)r) > 0) {
            fprintf(stderr, "vxlan_bench: %s: dropped: %s\n", k->name,
                    drop_name((enum drop_reason)r));
            exit(1);
        }
}

static double run(const struct work *k)
{
    double c[ROUNDS];
    nsec_t now = NSEC_PER_SEC;
    gen.n = k->flows < 65536 ? 65536 : k->flows;
    gen.at = 0;
    gen.b = aligned_alloc(64, (size_t)gen.n * SLOT);
    weft_assert(gen.b != NULL);
    memset(gen.b, 0, (size_t)gen.n * SLOT);
    struct weft *w = make(k);
    struct vtep *v = vtep_find(weft_switch(w), "v");
    teach(k, w, v);
    fill(k, v);
    run_round(w, &now);
    for (int j = 0; j < ROUNDS; j++)
        c[j] = run_round(w, &now);
    check(k, w);
    qsort(c, ROUNDS, sizeof c[0], by_size);
    weft_free(w);
    free(gen.b);
    return c[ROUNDS / 2];
}

static const struct work works[] = {
    {"plain", PLAIN, false, 1, 1, 1},
    {"encap", ENCAP, false, 1, 1, 1},
    {"decap", DECAP, false, 1, 1, 1},
    {"plain", PLAIN, false, 10000, 1, 1},
    {"encap", ENCAP, false, 10000, 1, 1},
    {"encap, IPv6", ENCAP, true, 10000, 1, 1},
    {"decap", DECAP, false, 10000, 1, 1},
    {"encap, 1000 VNIs, 4000 VTEPs", ENCAP, false, 10000, 1000, 4000},
    {"decap, 1000 VNIs, 4000 VTEPs", DECAP, false, 10000, 1000, 4000},
    {"plain", PLAIN, false, 900000, 1, 1},
    {"encap, 1 VNI, 4000 VTEPs", ENCAP, false, 900000, 1, 4000},
};

int main(int argc, char **argv)
{
    struct errbuf e = {""};
    struct eal_report report;
    double plain = 0;
    if (eal_start(&(struct eal_options){.hugepages = EAL_HUGE_NO, .quiet = true}, &report, &e) <
        0) {
        fprintf(stderr, "vxlan_bench: %s\n", e.text);
        return 1;
    }
    printf("%-32s %8s %8s %8s %8s\n", "60-byte inner frames", "flows", "cycles", "Mpps",
           "of plain");
    for (unsigned i = 0; i < sizeof works / sizeof works[0]; i++) {
        const struct work *k = &works[i];
        if (argc > 1 && strstr(k->name, argv[1]) == NULL)
            continue;
        double c = run(k);
        plain = k->way == PLAIN ? c : plain;
        printf("%-32s %8u %8.0f %8.2f %7.0f%%\n", k->name, k->flows, c,
               (double)rte_get_tsc_hz() / c / 1e6, 100 * plain / c);
        fflush(stdout);
    }
    return 0;
}
