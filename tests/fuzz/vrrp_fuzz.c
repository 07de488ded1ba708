/* vrrp_fuzz.c: whatever is heard, and whenever, gates follow states and what we send reads back.
 *
 * Input: a list of (operation, length, bytes). Packets come raw, or with their sums put right so
 * that the fuzzer gets past them; between them time passes, links flap and things are tracked.
 */
#include <stdlib.h>

#include "base/csum.h"
#include "vrrp/vrrp.h"

enum { MANY = 6, LINKS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct vrrp *v;
    nsec_t now;
    bool open[MANY];
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void add(struct world *w, uint32_t link, uint8_t vrid, bool ip6, enum vrrp_mode mode,
                uint8_t priority, uint16_t group)
{
    struct vrrp_config c = vrrp_config_default();
    struct errbuf e;
    c.link = link;
    c.vrid = vrid;
    c.ip6 = ip6;
    c.mode = mode;
    c.priority = priority;
    c.group = group;
    c.preempt_delay_cs = vrid == 3 ? 200 : 0;
    c.n_addrs = 1;
    c.addr[0] = ip6 ? (struct ip6){{0xfe, 0x80, [15] = 1}} : (struct ip6){{10, 0, 0, 1}};
    c.n_peers = vrid == 4;
    c.peer[0] = (struct ip6){{10, 0, 0, 9}};
    must(vrrp_add(w->v, &c, w->now, &e) >= 0);
}

static void set_link(struct world *w, uint32_t link, bool up)
{
    struct vrrp_link l = {.up = up,
                          .has_ip4 = true,
                          .has_ip6 = true,
                          .ip4 = {{10, 0, 0, 50}},
                          .ip6 = {{0xfe, 0x80, [15] = 50}}};
    vrrp_link(w->v, link, &l, w->now);
}

static void check_sent(const struct vrrp_action *a)
{
    struct vrrp_advert ad;
    struct reader list;
    must(vrrp_advert_read(&ad, &list, a->send.packet, a->send.len) == VRRP_OK);
    must(ad.vrid == a->vrid && ad.ip6 == a->ip6 && ad.ttl == 255);
}

static void drain(struct world *w)
{
    struct vrrp_action a;
    struct vrrp_status s;
    unsigned n = 0;
    while (vrrp_poll(w->v, &a)) {
        must(n++ < MANY * 16);
        if (a.kind == VRRP_SEND)
            check_sent(&a);
        if (a.kind == VRRP_GATE)
            w->open[a.id] = a.gate.open;
        must(a.kind != VRRP_ANNOUNCE || w->open[a.id]);
    }
    for (unsigned id = 0; id < MANY; id++) {
        must(vrrp_status(w->v, id, &s) == 0);
        must(w->open[id] == (s.state == VRRP_ACTIVE));
        must(s.state == VRRP_INITIALIZE || s.due != NSEC_NEVER || s.waits_for_group);
    }
    must(vrrp_deadline(w->v) > w->now);
}

/* Writes the sums that an IPv4 (or IPv6, without options) packet should have. */
static void put_sums(uint8_t *p, size_t len)
{
    bool ip6 = p[0] >> 4 == 6;
    size_t at = ip6 ? 40 : 20;
    uint32_t sum = 0;
    if (len < at + 8)
        return;
    if (ip6) {
        const uint8_t tail[8] = {0, 0,  (uint8_t)((len - at) >> 8), (uint8_t)(len - at), 0, 0,
                                 0, 112};
        sum = csum_add(csum_add(0, p + 8, 32), tail, sizeof tail);
    } else {
        memset(p + 10, 0, 2);
        be16 h = csum_finish(csum_add(0, p, 20));
        memcpy(p + 10, &h, sizeof h);
    }
    memset(p + at + 6, 0, 2);
    be16 s = csum_finish(csum_add(sum, p + at, len - at));
    memcpy(p + at + 6, &s, sizeof s);
}

static void hear(struct world *w, const uint8_t *p, size_t len, bool sums)
{
    uint8_t *copy = malloc(len + 1); /* so that a byte too far is seen */
    memcpy(copy, p, len);
    if (sums && len > 0)
        put_sums(copy, len);
    (void)vrrp_rx(w->v, len % LINKS, copy, len, w->now);
    free(copy);
}

static void act(struct world *w, uint8_t op, const uint8_t *p, size_t len)
{
    uint8_t a = len > 0 ? p[0] : 0, b = len > 1 ? p[1] : 0;
    switch (op % 6) {
    case 0:
        hear(w, p, len, false);
        break;
    case 1:
    case 2:
        hear(w, p, len, true);
        break;
    case 3:
        w->now += ((nsec_t)a << 8 | b) * 100 * NSEC_PER_USEC;
        vrrp_tick(w->v, w->now);
        break;
    case 4:
        set_link(w, a % LINKS, b & 1);
        break;
    default:
        vrrp_track(w->v, a % MANY, b % VRRP_TRACKS_MAX, b, w->now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.v = vrrp_create(MANY, LINKS), .now = NSEC_PER_SEC};
    add(&w, 0, 1, false, VRRP_V3, 100, 0);
    add(&w, 0, 2, false, VRRP_V2, 100, 7);
    add(&w, 0, 3, false, VRRP_V2_V3, 254, 7);
    add(&w, 1, 4, false, VRRP_V3, 1, 0);
    add(&w, 1, 5, true, VRRP_V3, 100, 7);
    add(&w, 0, 6, true, VRRP_V3, 255, 0);
    set_link(&w, 0, true);
    set_link(&w, 1, true);
    drain(&w);
    while (size >= 2) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        act(&w, data[0], data + 2, len);
        vrrp_tick(w.v, w.now);
        drain(&w);
        data += 2 + len;
        size -= 2 + len;
    }
    vrrp_stop(w.v, w.now);
    drain(&w);
    vrrp_destroy(w.v);
    return 0;
}
