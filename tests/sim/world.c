#include "tests/sim/world.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "datapath/port_ring.h"

enum { VLANS = 3 };

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

static bool make_switch(struct world *w, unsigned s, unsigned hosts, unsigned first)
{
    struct strbuf y = {0};
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true, .hash_seed = w->seed + s, .log = {.sink = silent}};
    strbuf_addf(&y, "memory: {mbufs: 2048}\nbridges:\n  - name: br0\n    ports:\n");
    for (unsigned i = 0; i < SWITCHES_MAX; i++)
        strbuf_addf(&y, "      - {name: w%u, type: ring, ofport: %u}\n", i, 100 + i);
    for (unsigned i = 0; i < hosts; i++)
        strbuf_addf(&y, "      - {name: h%u, type: ring, tag: %u}\n", first + i,
                    w->host[first + i].vlan);
    bool ok =
        config_parse(y.s, y.len, "sim", &c, &e) == 0 && weft_create(&o, c, &w->sw[s], &e) == 0;
    if (!ok)
        snprintf(w->why, sizeof w->why, "%.190s", e.text);
    strbuf_free(&y);
    return ok;
}

static struct port *port_named(struct world *w, unsigned s, const char *kind, unsigned n)
{
    char name[16];
    snprintf(name, sizeof name, "%s%u", kind, n);
    return port_find(weft_switch(w->sw[s]), name);
}

/* Switch s > 0 hangs on an earlier one: a tree. The others of its wire ports are down. */
static bool wire(struct world *w, unsigned s)
{
    unsigned up = prng_below(&w->rng, s);
    return port_ring_connect(port_named(w, s, "w", w->wires[s]++),
                             port_named(w, up, "w", w->wires[up]++)) == 0;
}

bool world_make(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed, .rng = {.state = seed}, .now = NSEC_PER_SEC};
    w->n_switches = 2 + prng_below(&w->rng, SWITCHES_MAX - 1);
    for (unsigned s = 0; s < w->n_switches; s++) {
        unsigned hosts = 1 + prng_below(&w->rng, HOSTS_MAX / SWITCHES_MAX), first = w->n_hosts;
        for (unsigned i = 0; i < hosts; i++, w->n_hosts++)
            w->host[w->n_hosts] = (struct host){.sw = s,
                                                .vlan = (uint16_t)(10 + prng_below(&w->rng, VLANS)),
                                                .mac = UINT64_C(0x020000000000) + w->n_hosts};
        if (!make_switch(w, s, hosts, first))
            return false;
        for (unsigned i = 0; i < hosts; i++)
            w->host[first + i].port = port_named(w, s, "h", first + i);
    }
    for (unsigned s = 1; s < w->n_switches; s++)
        if (!wire(w, s))
            return false;
    for (unsigned s = 0; s < w->n_switches; s++)
        for (unsigned i = w->wires[s]; i < SWITCHES_MAX; i++)
            port_ring_set_link(port_named(w, s, "w", i), false);
    w->now += NSEC_PER_SEC;
    for (unsigned s = 0; s < w->n_switches; s++)
        weft_step(w->sw[s], w->now); /* sees the links */
    return true;
}

void world_free(struct world *w)
{
    for (unsigned s = 0; s < w->n_switches; s++)
        weft_free(w->sw[s]);
}

static void receive(struct world *w, unsigned h)
{
    uint8_t frame[FRAME_BYTES];
    while (port_ring_take(w->host[h].port, frame, sizeof frame) > 0) {
        be32 number;
        memcpy(&number, frame + 14, sizeof number);
        w->host[h].got++;
        w->host[h].last = from_be32(number);
        struct prng mix = {.state = w->digest ^ (uint64_t)w->now ^ ((uint64_t)h << 32)};
        w->digest = prng_next(&mix) ^ w->host[h].last;
    }
}

static void settle(struct world *w)
{
    bool moved = true;
    while (moved) {
        moved = false;
        w->now += 10 * NSEC_PER_USEC;
        for (unsigned s = 0; s < w->n_switches; s++)
            moved = weft_step(w->sw[s], w->now) || moved;
        for (unsigned h = 0; h < w->n_hosts; h++)
            receive(w, h);
    }
}

void world_send(struct world *w, unsigned from, uint64_t dst)
{
    uint8_t frame[FRAME_BYTES] = {0};
    struct mac d = mac_from_u64(dst), s = mac_from_u64(w->host[from].mac);
    be32 number = to_be32(++w->frames);
    memcpy(frame, &d, 6);
    memcpy(frame + 6, &s, 6);
    memcpy(frame + 12, "\x88\xb5", 2);
    memcpy(frame + 14, &number, 4);
    for (unsigned h = 0; h < w->n_hosts; h++)
        w->host[h].got = 0;
    port_ring_inject(w->host[from].port, frame, sizeof frame);
    settle(w);
}

bool world_swap(struct world *w, unsigned a, unsigned b)
{
    struct host x = w->host[a], y = w->host[b];
    struct port_vlan vx = *atomic_load(&x.port->vlan), vy = *atomic_load(&y.port->vlan);
    struct errbuf e;
    w->host[a].port = y.port;
    w->host[a].sw = y.sw;
    w->host[b].port = x.port;
    w->host[b].sw = x.sw;
    return port_set_vlan(x.port, &vy, &e) == 0 && port_set_vlan(y.port, &vx, &e) == 0;
}

uint64_t world_drops(const struct world *w, enum drop_reason r)
{
    uint64_t n = 0;
    for (unsigned s = 0; s < w->n_switches; s++)
        n += switch_drops(weft_switch(w->sw[s]), r);
    return n;
}

unsigned world_mbufs_out(const struct world *w)
{
    unsigned n = 0;
    for (unsigned s = 0; s < w->n_switches; s++)
        n += rte_mempool_in_use_count(weft_switch(w->sw[s])->pool);
    return n;
}
