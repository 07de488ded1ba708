/* What a packet pays for its route: bursts of 32 random addresses, from 1,000 to a million routes,
 * beside rte_fib (DIR24_8, the ceiling of l3fwd) with the same routes; and what a change costs.
 *
 * Lengths are spread roughly as in the Internet's table (60 % /24; IPv6: half /48), addresses lie
 * under routes.
 */
#include <rte_memory.h>

#include <rte_fib.h>
#include <rte_fib6.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/prng.h"
#include "datapath/eal.h"
#include "datapath/fib.h"

enum { BURST = 32, ADDRESSES = 1 << 16, ROUNDS = 60 };

struct world {
    bool ip6;
    uint32_t n;
    struct ip6 *prefix;
    uint8_t *len;
    uint32_t *ip4;
    struct ip6 *ip;
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint8_t random_length(struct prng *r, bool ip6)
{
    if (ip6)
        return (uint8_t)(prng_below(r, 2) ? 48 : 32 + prng_below(r, 17));
    return (uint8_t)(prng_below(r, 10) < 6 ? 24 : 16 + prng_below(r, 8));
}

static void random_bytes(struct prng *r, struct ip6 *a, unsigned from, unsigned bits)
{
    for (unsigned i = from; i < bits; i++)
        a->b[i / 8] ^= (uint8_t)((prng_next(r) >> 63) << (7 - i % 8));
}

/* 1.0.0.0 to 223.255.255.255; 2000::/3 narrowed to 2001::/16, where most routes are. */
static void make(struct world *w, bool ip6, uint32_t n)
{
    struct prng r = {.state = n};
    *w = (struct world){.ip6 = ip6, .n = n};
    w->prefix = calloc(n, sizeof *w->prefix);
    w->len = calloc(n, 1);
    w->ip4 = calloc(ADDRESSES, sizeof *w->ip4);
    w->ip = calloc(ADDRESSES, sizeof *w->ip);
    for (uint32_t i = 0; i < n; i++) {
        w->len[i] = random_length(&r, ip6);
        w->prefix[i].b[0] = ip6 ? 0x20 : (uint8_t)(1 + prng_below(&r, 223));
        w->prefix[i].b[1] = ip6 ? 0x01 : 0;
        random_bytes(&r, &w->prefix[i], ip6 ? 16 : 8, w->len[i]);
    }
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint32_t k = prng_below(&r, n);
        w->ip[i] = w->prefix[k];
        random_bytes(&r, &w->ip[i], w->len[k], ip6 ? 128 : 32);
        const uint8_t *b = w->ip[i].b;
        w->ip4[i] = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
}

static void unmake(struct world *w)
{
    free(w->prefix);
    free(w->len);
    free(w->ip4);
    free(w->ip);
}

/* Nanoseconds a look-up. */
static double ours(const struct world *w, const struct fib *f)
{
    uint32_t next[BURST], sum = 0;
    double begin = now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ADDRESSES; i += BURST) {
            if (w->ip6)
                fib_lookup6_burst(f, w->ip + i, next, BURST);
            else
                fib_lookup4_burst(f, w->ip4 + i, next, BURST);
            sum += next[0];
        }
    }
    double ns = (now_ns() - begin) / ROUNDS / ADDRESSES;
    return sum ? ns : 0;
}

static double theirs4(const struct world *w)
{
    struct rte_fib_conf c = {.type = RTE_FIB_DIR24_8, .max_routes = (int)w->n + 1};
    c.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
    c.dir24_8.num_tbl8 = 65536;
    struct rte_fib *f = rte_fib_create("bench", SOCKET_ID_ANY, &c);
    uint64_t next[BURST], sum = 0;
    if (f == NULL)
        return -1;
    for (uint32_t i = 0; i < w->n; i++) {
        const uint8_t *b = w->prefix[i].b;
        uint32_t ip = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
        (void)rte_fib_add(f, ip, w->len[i], 1 + i % 1000);
    }
    double begin = now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ADDRESSES; i += BURST) {
            rte_fib_lookup_bulk(f, w->ip4 + i, next, BURST);
            sum += next[0];
        }
    }
    double ns = (now_ns() - begin) / ROUNDS / ADDRESSES;
    rte_fib_free(f);
    return sum ? ns : 0;
}

static double theirs6(const struct world *w)
{
    struct rte_fib6_conf c = {.type = RTE_FIB6_TRIE, .max_routes = (int)w->n + 1};
    c.trie.nh_sz = RTE_FIB6_TRIE_4B;
    c.trie.num_tbl8 = 65536 * 4;
    struct rte_fib6 *f = rte_fib6_create("bench6", SOCKET_ID_ANY, &c);
    uint64_t next[BURST], sum = 0;
    if (f == NULL)
        return -1;
    for (uint32_t i = 0; i < w->n; i++)
        (void)rte_fib6_add(f, w->prefix[i].b, w->len[i], 1 + i % 1000);
    double begin = now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < ADDRESSES; i += BURST) {
            rte_fib6_lookup_bulk(f, (uint8_t(*)[16])(w->ip + i), next, BURST);
            sum += next[0];
        }
    }
    double ns = (now_ns() - begin) / ROUNDS / ADDRESSES;
    rte_fib6_free(f);
    return sum ? ns : 0;
}

static int one(bool ip6, uint32_t n)
{
    struct fib_config c = {.ip6 = ip6, .max_routes = n, .hash_key = 1};
    struct world w;
    make(&w, ip6, n);
    struct fib *f = fib_create(&c);
    if (f == NULL)
        return 1;
    double begin = now_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (fib_set(f, &w.prefix[i], w.len[i], 1 + i % 1000) < 0)
            return 1;
    }
    double add = (now_ns() - begin) / n;
    double a = ours(&w, f), b = ip6 ? theirs6(&w) : theirs4(&w);
    printf("%s %8u routes: %6.1f ns a look-up, rte_fib %6.1f; a change %5.0f ns; %5.0f MB\n",
           ip6 ? "IPv6" : "IPv4", n, a, b, add, (double)fib_stats(f).bytes / 1e6);
    fib_destroy(f);
    unmake(&w);
    return 0;
}

int main(void)
{
    const uint32_t sizes[] = {1000, 10000, 100000, 1000000};
    struct errbuf e = {""};
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true, .memory_mb = 1024};
    int bad = 0;
    if (eal_start(&o, NULL, &e) < 0) {
        fprintf(stderr, "fib_bench: %s\n", e.text);
        return 1;
    }
    printf("fib: bursts of 32\n");
    for (unsigned i = 0; i < 4; i++)
        bad |= one(false, sizes[i]);
    for (unsigned i = 0; i < 3; i++)
        bad |= one(true, sizes[i] == 100000 ? 200000 : sizes[i]);
    return bad;
}
