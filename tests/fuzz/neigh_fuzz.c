/* neigh_fuzz.c: whatever is heard and asked, each handle comes back once, and tables keep their
 * limits.
 *
 * Input: a list of (operation, length, bytes). ARP and ND come raw or with the ICMPv6 sum put
 * right; between them time passes, packets ask for neighbours, links and our addresses flap.
 */
#include <stdlib.h>

#include "base/csum.h"
#include "control/neigh.h"

enum { IFCS = 2, ENTRIES = 12, HANDLES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct neigh *n;
    nsec_t now;
    uint64_t next;       /* handle */
    bool waits[HANDLES]; /* with the engine */
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct ip6 host(bool ip6, uint8_t h)
{
    return ip6 ? (struct ip6){{0xfe, 0x80, [15] = h}} : (struct ip6){{10, 0, 0, h}};
}

static void set_address(struct world *w, uint32_t ifc, bool ip6, uint8_t h, bool on, bool probe,
                        bool proxy)
{
    struct errbuf e;
    struct neigh_address a = {.interface = ifc,
                              .ip6 = ip6,
                              .ip = host(ip6, h),
                              .prefix_len = ip6 ? 124 : 28,
                              .mac = {{2, [5] = h}},
                              .enabled = on,
                              .probe = probe,
                              .proxy = proxy,
                              .announce = 2};
    (void)neigh_address_set(w->n, &a, w->now, &e);
}

static void set_link(struct world *w, uint32_t ifc, bool up)
{
    struct neigh_interface c = neigh_interface_default();
    struct errbuf e;
    c.up = up;
    c.entries_max = ENTRIES / 2;
    c.incomplete_max = 3;
    must(neigh_interface(w->n, ifc, &c, w->now, &e) == 0);
}

static void back(struct world *w, uint64_t handle)
{
    must(handle > 0 && handle < w->next && w->waits[handle]);
    w->waits[handle] = false;
}

static void drain(struct world *w)
{
    struct neigh_message m;
    struct neigh_action a;
    for (unsigned count = 0; neigh_poll(w->n, &a); count++) {
        must(count < 2000);
        if (a.kind == NEIGH_RELEASE || a.kind == NEIGH_DROP)
            back(w, a.packet.handle);
        if (a.kind == NEIGH_SEND)
            must(neigh_read(&m, a.send.ethertype, a.send.bytes, a.send.len) == NEIGH_OK);
        must(a.kind != NEIGH_UPDATE || !a.update.usable || !mac_is_multicast(a.update.mac));
    }
    must(neigh_deadline(w->n) > w->now);
}

static void check(const struct world *w)
{
    uint32_t cursor = 0, ifc, count[IFCS] = {0}, incomplete[IFCS] = {0};
    struct neigh_info i;
    struct ip6 ip;
    bool ip6;
    while (neigh_each(w->n, &cursor, &ifc, &ip, &ip6, &i)) {
        count[ifc]++;
        incomplete[ifc] += i.state == NEIGH_INCOMPLETE;
        must(i.waiting == 0 || i.state == NEIGH_INCOMPLETE);
        must(i.due != NSEC_NEVER || i.state == NEIGH_PERMANENT);
    }
    must(count[0] <= ENTRIES / 2 && count[1] <= ENTRIES / 2);
    must(incomplete[0] <= 3 && incomplete[1] <= 3);
}

static void put_sum(uint8_t *p, size_t len)
{
    const uint8_t tail[8] = {0, 0, (uint8_t)((len - 40) >> 8), (uint8_t)(len - 40), 0, 0, 0, 58};
    memset(p + 42, 0, 2);
    be16 s = csum_finish(csum_add(csum_add(csum_add(0, p + 8, 32), tail, 8), p + 40, len - 40));
    memcpy(p + 42, &s, sizeof s);
}

static void hear(struct world *w, const uint8_t *p, size_t len, uint16_t ethertype)
{
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, p, len);
    if (ethertype == NEIGH_ETHERTYPE_IP6 && len >= 64)
        put_sum(copy, len);
    (void)neigh_rx(w->n, len % IFCS, ethertype, (struct mac){{2, [5] = 9}}, copy, len, w->now);
    free(copy);
}

static void ask(struct world *w, uint8_t a, uint8_t b)
{
    struct ip6 ip = host(a & 1, b);
    if (w->next == HANDLES)
        return;
    struct neigh_resolution r = neigh_resolve(w->n, a / 2 % IFCS, &ip, a & 1, w->next, w->now);
    if (r.gave_way != 0)
        back(w, r.gave_way);
    w->waits[w->next++] = r.answer == NEIGH_WAIT;
}

static void act(struct world *w, uint8_t op, const uint8_t *p, size_t len)
{
    uint8_t a = len > 0 ? p[0] : 0, b = len > 1 ? p[1] : 0;
    struct ip6 ip = host(a & 1, b);
    struct errbuf e;
    switch (op % 9) {
    case 0:
    case 1:
        hear(w, p, len, NEIGH_ETHERTYPE_ARP);
        break;
    case 2:
    case 3:
        hear(w, p, len, NEIGH_ETHERTYPE_IP6);
        break;
    case 4:
        w->now += ((nsec_t)a << 8 | b) * NSEC_PER_MSEC;
        neigh_tick(w->n, w->now);
        break;
    case 5:
        ask(w, a, b);
        break;
    case 6:
        set_link(w, a % IFCS, b & 1);
        break;
    case 7:
        set_address(w, a / 2 % IFCS, a & 1, b, a & 4, a & 8, a & 16);
        break;
    default:
        if (a & 2)
            (void)neigh_static(w->n, a / 8 % IFCS, &ip, a & 1, (struct mac){{2}}, w->now, &e);
        else if (a & 4)
            (void)neigh_forget(w->n, a / 8 % IFCS, &ip, a & 1, w->now);
        else
            (void)neigh_address_del(w->n, a / 8 % IFCS, &ip, a & 1, w->now);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct neigh_size s = {.interfaces = IFCS, .entries = ENTRIES, .addresses = 6, .seed = 1};
    w = (struct world){.n = neigh_create(&s), .now = NSEC_PER_SEC, .next = 1};
    for (uint32_t ifc = 0; ifc < IFCS; ifc++) {
        set_link(&w, ifc, true);
        set_address(&w, ifc, false, 50, true, false, false);
        set_address(&w, ifc, true, 50, true, true, false);
    }
    drain(&w);
    while (size >= 2) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        act(&w, data[0], data + 2, len);
        neigh_tick(w.n, w.now);
        drain(&w);
        check(&w);
        data += 2 + len;
        size -= 2 + len;
    }
    set_link(&w, 0, false);
    set_link(&w, 1, false);
    drain(&w);
    for (uint64_t h = 1; h < w.next; h++)
        must(!w.waits[h]);
    neigh_destroy(w.n);
    return 0;
}
