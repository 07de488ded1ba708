/* rules.c: see rules.h. */
#include "tests/bench/rules.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NETWORKS = 256, PICKS = 16 };

/* Sixteenths: how often which prefix length is drawn. */
struct style {
    const char *name;
    uint8_t src_len[PICKS], dst_len[PICKS];                  /* a pair each */
    uint8_t dport_exact, dport_range, sport_some, any_proto; /* in sixteenths */
};

static const struct style styles[RULES_STYLES] = {
    [RULES_ACL] = {"acl",
                   {0, 0, 8, 16, 20, 23, 24, 24, 24, 25, 27, 28, 30, 32, 32, 32},
                   {16, 20, 22, 24, 24, 24, 26, 27, 28, 29, 30, 32, 32, 32, 32, 32},
                   9,
                   3,
                   1,
                   3},
    [RULES_FW] = {"fw",
                  {0, 0, 0, 0, 0, 8, 12, 16, 16, 24, 24, 24, 28, 32, 32, 32},
                  {0, 0, 0, 8, 16, 16, 21, 24, 24, 24, 26, 28, 32, 32, 32, 32},
                  6,
                  5,
                  6,
                  4},
    [RULES_IPC] = {"ipc",
                   {0, 0, 8, 13, 16, 18, 21, 24, 24, 24, 26, 28, 31, 32, 32, 32},
                   {0, 0, 8, 14, 16, 19, 22, 24, 24, 24, 26, 28, 30, 32, 32, 32},
                   7,
                   3,
                   3,
                   4},
};

static const uint16_t common_ports[] = {20,   21,   22,   23,   25,   53,   69,   80,   110,  111,
                                        123,  143,  161,  389,  443,  445,  514,  993,  995,  1433,
                                        1521, 2049, 3306, 3389, 5060, 5432, 6379, 8080, 8443, 9200};

const char *rules_style_name(enum rules_style s) { return styles[s].name; }

static uint32_t mask_of(unsigned len) { return len == 0 ? 0 : ~UINT32_C(0) << (32 - len); }

/* An address in one of a few hundred networks, so that prefixes nest. */
static uint32_t address(struct prng *p, uint64_t seed)
{
    struct prng net = {.state = seed * 1000 + prng_below(p, NETWORKS)};
    uint32_t base = (uint32_t)prng_next(&net) & 0xffff0000u;
    uint32_t sub = prng_below(p, 4) ? prng_below(p, 32) << 8 : prng_below(p, 256) << 8;
    return base | sub | prng_below(p, 256);
}

static void draw_port(struct prng *p, unsigned exact, unsigned range, uint16_t *port,
                      uint16_t *mask)
{
    unsigned pick = prng_below(p, 16);
    *mask = 0;
    if (pick < exact) {
        *mask = 0xffff;
        *port = prng_below(p, 8) ? common_ports[prng_below(p, sizeof common_ports / 2)]
                                 : (uint16_t)(1024 + prng_below(p, 60000));
    } else if (pick < exact + range) {
        unsigned bits = 6 + 3 * prng_below(p, 3);
        *mask = (uint16_t)(0xffffu << bits);
        *port = (uint16_t)(1024 + prng_below(p, 60000));
    }
    *port &= *mask;
}

static struct five_tuple draw(const struct style *s, struct prng *p, uint64_t seed)
{
    unsigned pair = prng_below(p, PICKS);
    struct five_tuple r = {.src_mask = mask_of(s->src_len[pair * 7 % PICKS]),
                           .dst_mask = mask_of(s->dst_len[pair])};
    r.src = address(p, seed) & r.src_mask;
    r.dst = address(p, seed + 7) & r.dst_mask;
    if (prng_below(p, 16) < s->any_proto)
        return r;
    r.proto = prng_below(p, 4) ? 6 : 17;
    draw_port(p, s->dport_exact, s->dport_range, &r.dport, &r.dport_mask);
    draw_port(p, s->sport_some / 2, s->sport_some - s->sport_some / 2u, &r.sport, &r.sport_mask);
    return r;
}

/* Distinct by construction would need a set: a duplicate is as harmless as in a real list, the
 * higher one shadows it. Exact duplicates are rare, so they get another source. */
void rules_make(enum rules_style s, uint32_t n, uint64_t seed, struct five_tuple *out)
{
    struct prng p = {.state = seed + 100 * s};
    for (uint32_t i = 0; i < n; i++)
        out[i] = draw(&styles[s], &p, seed);
}

static int put_port(char *out, unsigned cap, const char *key, uint16_t port, uint16_t mask)
{
    if (mask == 0)
        return 0;
    if (mask == 0xffff)
        return snprintf(out, cap, ",%s=%u", key, port);
    return snprintf(out, cap, ",%s=0x%x/0x%x", key, port, mask);
}

static int put_net(char *out, unsigned cap, const char *key, uint32_t a, uint32_t mask)
{
    if (mask == 0)
        return 0;
    return snprintf(out, cap, ",%s=%u.%u.%u.%u/%u", key, a >> 24, a >> 16 & 255, a >> 8 & 255,
                    a & 255, (unsigned)__builtin_popcount(mask));
}

int rules_text(const struct five_tuple *r, unsigned priority, const char *actions, char *out,
               unsigned cap)
{
    const char *proto = r->proto == 6 ? "tcp" : r->proto == 17 ? "udp" : "ip";
    int n = snprintf(out, cap, "priority=%u,%s", priority, proto);
    n += put_net(out + n, cap - (unsigned)n, "nw_src", r->src, r->src_mask);
    n += put_net(out + n, cap - (unsigned)n, "nw_dst", r->dst, r->dst_mask);
    n += put_port(out + n, cap - (unsigned)n, "tp_src", r->sport, r->sport_mask);
    n += put_port(out + n, cap - (unsigned)n, "tp_dst", r->dport, r->dport_mask);
    return n + snprintf(out + n, cap - (unsigned)n, ",actions=%s", actions);
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

static uint32_t fill(uint32_t value, uint32_t mask, struct prng *p)
{
    return value | ((uint32_t)prng_next(p) & ~mask);
}

void rules_frame(const struct five_tuple *r, struct prng *p, uint8_t f[64])
{
    static const uint8_t head[] = {2, 0, 0,    0, 0, 2,  2, 0, 0, 0, 0,  1,
                                   8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17};
    memset(f, 0, 64);
    memcpy(f, head, sizeof head);
    f[23] = r->proto != 0 ? r->proto : 17;
    put32(f + 26, fill(r->src, r->src_mask, p));
    put32(f + 30, fill(r->dst, r->dst_mask, p));
    put16(f + 34, fill(r->sport, r->sport_mask, p) & 0xffff);
    put16(f + 36, fill(r->dport, r->dport_mask, p) & 0xffff);
    if (f[23] == 6)
        f[46] = 5 << 4;
    else
        put16(f + 38, 26);
    uint32_t sum = 0;
    for (unsigned i = 14; i < 34; i += 2)
        sum += (uint32_t)(f[i] << 8 | f[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(f + 24, ~(sum + (sum >> 16)) & 0xffff);
}
