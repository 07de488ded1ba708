/* table_bench.c: what a look-up costs, by template and number of rules.
 *
 * Cycles of the time stamp counter per packet, in bursts of 32, best of several rounds; packets are
 * spread evenly over the rules, so that large tables miss the caches as real ones do.
 * Seeded: two runs differ by the machine only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#include "base/assert.h"
#include "base/prng.h"
#include "datapath/table.h"

enum { KEYS = 1 << 16, ROUNDS = 5, KEY = 42 };

enum shape_of { L2, L2_WIDE, ACL8, ACL64, LPM };

struct work {
    const char *name;
    enum shape_of shape;
    enum table_kind kind;
    uint32_t n;
};

static void set32(struct flow_match *m, enum flow_field f, uint32_t v, unsigned prefix)
{
    be32 value = to_be32(v), mask = to_be32(prefix == 0 ? 0 : UINT32_MAX << (32 - prefix));
    flow_match_set(m, f, &value, &mask);
}

static void set_mac(struct flow_match *m, enum flow_field f, uint64_t v)
{
    struct mac a = mac_from_u64(UINT64_C(0x020000000000) | v);
    flow_match_set(m, f, &a, NULL);
}

/* Rule i of a table like those that controllers make. */
static uint16_t make_match(struct flow_match *m, enum shape_of shape, uint32_t i)
{
    be16 ip = to_be16(0x0800), port = to_be16((uint16_t)i);
    unsigned masks = shape == ACL8 ? 8 : 64;
    switch (shape) {
    case L2:
        set_mac(m, FF_ETH_DST, i);
        return 1;
    case L2_WIDE:
        set32(m, FF_IN_PORT, 1 + i % 64, 32);
        set_mac(m, FF_ETH_DST, i);
        set_mac(m, FF_ETH_SRC, i / 64);
        return 1;
    case LPM:
        flow_match_set(m, FF_ETH_TYPE, &ip, NULL);
        set32(m, FF_IPV4_DST, i * 2654435761u, 32 - i % 17);
        return (uint16_t)(32 - i % 17);
    default:
        flow_match_set(m, FF_ETH_TYPE, &ip, NULL);
        set32(m, FF_IPV4_DST, i * 2654435761u, 32 - i % masks % 8);
        set32(m, FF_IPV4_SRC, i * 40503u, 32 - i % masks / 8);
        flow_match_set(m, FF_TCP_DST, &port, NULL);
        return (uint16_t)(1 + prng_below(&(struct prng){i}, 60000));
    }
}

static struct rule **make_rules(const struct work *w)
{
    struct rule **rules = malloc(w->n * sizeof(struct rule *));
    weft_assert(rules != NULL);
    for (uint32_t i = 0; i < w->n; i++) {
        rules[i] = rule_create(NULL, 0, NULL, 0);
        weft_assert(rules[i] != NULL);
        rules[i]->priority = make_match(&rules[i]->match, w->shape, i);
    }
    return rules;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t round_of(const struct table *t, const struct flow_key *keys, uint64_t *hits)
{
    const struct flow_key *k[WEFT_BURST];
    const struct rule *out[WEFT_BURST];
    uint64_t cycles = 0;
    for (unsigned at = 0; at < KEYS; at += WEFT_BURST) {
        for (unsigned i = 0; i < WEFT_BURST; i++) {
            k[i] = &keys[at + i];
            __builtin_prefetch(k[i]->w);
            __builtin_prefetch(k[i]->w + 8);
        }
        _mm_mfence();
        uint64_t from = __rdtsc();
        table_lookup_burst(t, k, WEFT_BURST, TABLE_NEWEST, out);
        cycles += __rdtsc() - from;
        for (unsigned i = 0; i < WEFT_BURST; i++)
            *hits += out[i] != NULL;
    }
    return cycles;
}

static void run(const struct work *w, struct flow_key *keys)
{
    struct rule **rules = make_rules(w);
    struct prng r = {7};
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = rules[prng_below(&r, w->n)]->match.key;
    double from = seconds();
    struct table *t = table_build_keyed(w->kind, rules, w->n, KEY);
    double built = seconds() - from;
    weft_assert(t != NULL);
    uint64_t best = UINT64_MAX, hits = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t c = round_of(t, keys, &hits);
        best = c < best ? c : best;
    }
    struct table_info info = table_describe(t);
    printf("%-22s %-7s %7u rules %3u masks %4u probes %9.1f cycles/lookup  built in %6.1f ms\n",
           w->name, table_kind_name(info.kind), w->n, info.n_masks, info.worst_probes,
           (double)best / KEYS, built * 1e3);
    table_release(t);
    free(rules);
}

int main(void)
{
    static const struct work works[] = {
        {"eth_dst", L2, TABLE_ANY, 8},
        {"eth_dst", L2, TABLE_EXACT, 8},
        {"eth_dst", L2, TABLE_ANY, 1000},
        {"eth_dst", L2, TABLE_ANY, 10000},
        {"eth_dst", L2, TABLE_ANY, 100000},
        {"in_port,eth_src,dst", L2_WIDE, TABLE_ANY, 1000},
        {"in_port,eth_src,dst", L2_WIDE, TABLE_ANY, 100000},
        {"acl, 8 masks", ACL8, TABLE_DIRECT, 10},
        {"acl, 8 masks", ACL8, TABLE_TUPLES, 10},
        {"acl, 8 masks", ACL8, TABLE_ANY, 1000},
        {"acl, 8 masks", ACL8, TABLE_ANY, 100000},
        {"acl, 64 masks", ACL64, TABLE_ANY, 1000},
        {"acl, 64 masks", ACL64, TABLE_ANY, 10000},
        {"acl, 64 masks", ACL64, TABLE_ANY, 100000},
        {"prefixes", LPM, TABLE_ANY, 1000},
        {"prefixes", LPM, TABLE_ANY, 100000},
    };
    struct flow_key *keys = malloc(KEYS * sizeof *keys);
    weft_assert(keys != NULL);
    for (unsigned i = 0; i < sizeof works / sizeof *works; i++)
        run(&works[i], keys);
    free(keys);
    return 0;
}
