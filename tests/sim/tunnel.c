/* tunnel.c: hosts with VTEPs on one underlay, tenants with the same MACs on them, and a liar.
 *
 * Up to six wefts, each with some tenants' hosts and a vxlan port per tenant, hang on one underlay
 * switch; they find each other by ARP. A broadcast is seen once by every other host of its VNI; a
 * frame to a known host by that one alone; and whatever the liar sends into the underlay, no host
 * ever hears a frame of another VNI than its own. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "datapath/port_ring.h"
#include "datapath/tunnel.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"

enum { STEPS = 150, TENANTS = 3, EVIL = 0xe0000000, VLAN0 = 10 };

#define BROADCAST UINT64_C(0xffffffffffff)

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

static bool start(struct world *w, unsigned s, struct strbuf *y)
{
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true, .hash_seed = w->seed + s, .log = {.sink = silent}};
    bool ok =
        config_parse(y->s, y->len, "sim", &c, &e) == 0 && weft_create(&o, c, &w->sw[s], &e) == 0;
    if (!ok)
        snprintf(w->why, sizeof w->why, "%.190s", e.text);
    strbuf_free(y);
    return ok;
}

static struct port *port_named(struct world *w, unsigned s, const char *kind, unsigned n)
{
    char name[16];
    snprintf(name, sizeof name, "%s%u", kind, n);
    return port_find(weft_switch(w->sw[s]), name);
}

/* Tenants' hosts have the same MACs as those of others. */
static void add_host(struct world *w, unsigned s)
{
    struct host *h = &w->host[w->n_hosts];
    *h = (struct host){.sw = s, .vlan = (uint16_t)(VLAN0 + prng_below(&w->rng, TENANTS))};
    h->mac = UINT64_C(0x020000000001);
    for (unsigned i = 0; i < w->n_hosts; i++)
        h->mac += w->host[i].vlan == h->vlan;
    w->n_hosts++;
}

static bool make_vtep(struct world *w, unsigned s, unsigned n)
{
    struct strbuf y = {0};
    unsigned first = w->n_hosts, hosts = 1 + prng_below(&w->rng, 4);
    strbuf_addf(&y,
                "memory: {mbufs: 2048}\nvteps:\n"
                "  - {name: v, ip: 192.0.2.%u/24, port: u0, known_only: true}\n"
                "bridges:\n  - name: under\n    ports:\n      - {name: u0, type: ring}\n"
                "  - name: br0\n    ports:\n",
                s + 1);
    for (unsigned t = 0; t < TENANTS; t++) {
        strbuf_addf(&y, "      - {name: t%u, type: vxlan, vtep: v, key: %u, tag: %u, remotes: [", t,
                    VLAN0 + t, VLAN0 + t);
        for (unsigned i = 0; i < n; i++)
            if (i != s)
                strbuf_addf(&y, "192.0.2.%u, ", i + 1);
        strbuf_chomp(&y, ", ");
        strbuf_adds(&y, "]}\n");
    }
    for (unsigned i = 0; i < hosts; i++) {
        add_host(w, s);
        strbuf_addf(&y, "      - {name: h%u, type: ring, tag: %u}\n", first + i,
                    w->host[first + i].vlan);
    }
    if (!start(w, s, &y))
        return false;
    for (unsigned i = 0; i < hosts; i++)
        w->host[first + i].port = port_named(w, s, "h", first + i);
    return true;
}

static void nobody_hears(struct port *p)
{
    uint8_t b[FRAME_BYTES];
    while (port_ring_take(p, b, sizeof b) > 0)
        continue;
}

/* The last switch is the underlay; port e0 of it is the liar's. */
static bool make_underlay(struct world *w, unsigned n)
{
    struct strbuf y = {0};
    strbuf_adds(&y, "memory: {mbufs: 2048}\nbridges:\n  - name: lan\n    ports:\n"
                    "      - {name: e0, type: ring}\n");
    for (unsigned i = 0; i < n; i++)
        strbuf_addf(&y, "      - {name: l%u, type: ring}\n", i);
    if (!start(w, n, &y))
        return false;
    for (unsigned i = 0; i < n; i++) {
        nobody_hears(port_named(w, i, "u", 0)); /* it has asked already */
        if (port_ring_connect(port_named(w, n, "l", i), port_named(w, i, "u", 0)) != 0)
            return false;
    }
    return true;
}

static bool make(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed, .rng = {.state = seed}, .now = NSEC_PER_SEC};
    unsigned n = 2 + prng_below(&w->rng, 5);
    for (unsigned s = 0; s < n; s++, w->n_switches++)
        if (!make_vtep(w, s, n))
            return false;
    if (!make_underlay(w, n))
        return false;
    w->n_switches++;
    for (int i = 0; i < 400; i++) { /* links are seen, next hops are asked for and answer */
        w->now += 10 * NSEC_PER_MSEC;
        for (unsigned s = 0; s < w->n_switches; s++)
            weft_step(w->sw[s], w->now);
    }
    return true;
}

/* ------------------------------------------------------------ what must hold */

static bool fail(struct world *w, const char *what, unsigned h)
{
    snprintf(w->why, sizeof w->why, "frame %u: host %u of VNI %u: %s", w->frames, h,
             w->host[h].vlan, what);
    return false;
}

static bool broadcast(struct world *w, unsigned from)
{
    world_send(w, from, BROADCAST);
    for (unsigned h = 0; h < w->n_hosts; h++) {
        bool wanted = h != from && w->host[h].vlan == w->host[from].vlan;
        if (w->host[h].got != (wanted ? 1 : 0))
            return fail(w, wanted ? "a broadcast came not once" : "heard another's broadcast", h);
    }
    return true;
}

static bool unicast(struct world *w, unsigned from, unsigned to)
{
    if (w->host[from].vlan != w->host[to].vlan)
        return true;
    if (!broadcast(w, to)) /* so that it is known everywhere */
        return false;
    world_send(w, from, w->host[to].mac);
    for (unsigned h = 0; h < w->n_hosts; h++)
        if (w->host[h].got != (h == to ? 1 : 0))
            return fail(w, h == to ? "its frame did not come once" : "heard what is not its", h);
    return true;
}

/* ------------------------------------------------------------ the liar */

static size_t forge_inner(struct world *w, uint8_t *b, uint32_t vni)
{
    struct mac dst = mac_from_u64(
        prng_below(&w->rng, 2) ? BROADCAST : UINT64_C(0x020000000001) + prng_below(&w->rng, 9));
    be32 mark = to_be32(EVIL | vni);
    memset(b, 0, FRAME_BYTES);
    memcpy(b, &dst, 6);
    memcpy(b + 6, "\x02\xee\0\0\0\1\x88\xb5", 8);
    memcpy(b + 14, &mark, 4);
    if (prng_below(&w->rng, 4) == 0) { /* a tag of some tenant inside */
        memmove(b + 16, b + 12, FRAME_BYTES - 16);
        memcpy(b + 12, "\x81\0\0", 3);
        b[15] = (uint8_t)(VLAN0 + prng_below(&w->rng, TENANTS));
    }
    return FRAME_BYTES;
}

/* From a VTEP that is known or not, of a VNI that exists or not, whole or not. */
static void forge(struct world *w)
{
    unsigned lan = w->n_switches - 1, to = prng_below(&w->rng, lan);
    uint32_t vni = VLAN0 + prng_below(&w->rng, TENANTS + 2);
    const struct vtep *v = weft_switch(w->sw[to])->vteps[0];
    uint8_t b[OUTER_BYTES_MAX + FRAME_BYTES];
    struct outer_head h;
    struct outer_path p = {.src = {{2, 0xee, 0, 0, 0, 2}},
                           .dst = v->opt.local.mac,
                           .udp_port = 4789,
                           .ttl = 9};
    p.src_ip = (struct ip6){{192, 0, 2, (uint8_t)(1 + prng_below(&w->rng, 8))}};
    p.dst_ip = v->opt.local.ip;
    outer_prebuild(&p, &h);
    struct outer_patch x = {.vni = vni,
                            .inner_len = FRAME_BYTES,
                            .src_port = 50000,
                            .tos = (uint8_t)prng_below(&w->rng, 256)};
    outer_patch(&h, &x, b);
    size_t len = h.len + forge_inner(w, b + h.len, vni);
    if (prng_below(&w->rng, 3) == 0) /* a bit of the headers, but for the VNI's */
        b[prng_below(&w->rng, 46)] ^= (uint8_t)(1 << prng_below(&w->rng, 8));
    if (prng_below(&w->rng, 6) == 0)
        len = 14 + prng_below(&w->rng, (uint32_t)len - 14);
    port_ring_inject(port_named(w, lan, "e", 0), b, len);
}

/* Forged frames come with the next one; who hears one, hears it in its own VNI. */
static bool lies(struct world *w)
{
    for (unsigned i = 0; i < 20; i++)
        forge(w);
    w->now += 10 * NSEC_PER_USEC;
    for (int turn = 0; turn < 4; turn++) {
        for (unsigned s = 0; s < w->n_switches; s++)
            weft_step(w->sw[s], w->now);
        w->now += 10 * NSEC_PER_USEC;
    }
    for (unsigned h = 0; h < w->n_hosts; h++) {
        uint8_t b[FRAME_BYTES];
        be32 mark = 0;
        while (port_ring_take(w->host[h].port, b, sizeof b) > 0) {
            memcpy(&mark, b + 14, 4);
            if (from_be32(mark) != (EVIL | w->host[h].vlan))
                return fail(w, "heard a forged frame of another VNI", h);
        }
    }
    return true;
}

static bool step(struct world *w)
{
    unsigned a = prng_below(&w->rng, w->n_hosts), b = prng_below(&w->rng, w->n_hosts);
    switch (prng_below(&w->rng, 3)) {
    case 0:
        return broadcast(w, a);
    case 1:
        return lies(w);
    default:
        return a == b || unicast(w, a, b);
    }
}

bool tunnel_run(uint64_t seed, struct sim_result *r)
{
    static struct world w;
    bool ok = make(&w, seed);
    for (int i = 0; ok && i < STEPS; i++)
        ok = step(&w);
    if (ok)
        nobody_hears(port_named(&w, w.n_switches - 1, "e", 0)); /* floods */
    if (ok && world_mbufs_out(&w) != 0) {
        snprintf(w.why, sizeof w.why, "%u packet buffers are lost", world_mbufs_out(&w));
        ok = false;
    }
    r->digest = w.digest;
    snprintf(r->about, sizeof r->about, "%u VTEPs, %u hosts, %u frames", w.n_switches - 1,
             w.n_hosts, w.frames);
    snprintf(r->why, sizeof r->why, "%s", w.why);
    world_free(&w);
    return ok;
}
