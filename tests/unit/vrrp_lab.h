/* tests/unit/vrrp_lab.h: one VRRP engine on a virtual clock, and a hand to write its peers'
 * packets. */
#ifndef WEFT_TESTS_UNIT_VRRP_LAB_H
#define WEFT_TESTS_UNIT_VRRP_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vrrp/vrrp.h"

#define CS (10 * NSEC_PER_MSEC)

enum { LINK = 3 };

/* What one drain gave. */
struct drained {
    unsigned gates, sends, announces, events;
    bool open, accept;
    struct vrrp_advert sent[8];
    uint8_t last[VRRP_PACKET_MAX];
    size_t last_len;
    struct ip6 announced[VRRP_ADDRS_MAX];
    enum vrrp_event event[16];
    enum vrrp_reason reason;
    unsigned value;
    char order[64]; /* G, S, A, E */
};

struct lab {
    struct vrrp *v;
    nsec_t now;
    unsigned id;
    struct vrrp_config c;
    struct drained d;
};

static inline struct ip6 ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip6){{a, b, c, d}};
}

/* fe80::n */
static inline struct ip6 ll(uint8_t n) { return (struct ip6){{0xfe, 0x80, [15] = n}}; }

static inline const struct drained *drain(struct lab *l)
{
    struct vrrp_action a;
    struct reader list;
    l->d = (struct drained){0};
    size_t n = 0;
    while (vrrp_poll(l->v, &a)) {
        assert_in_range(n, 0, sizeof l->d.order - 2);
        l->d.order[n++] = "GSAE"[a.kind];
        if (a.kind == VRRP_GATE) {
            l->d.gates++;
            l->d.open = a.gate.open;
            l->d.accept = a.gate.accept;
        } else if (a.kind == VRRP_SEND) {
            l->d.last_len = a.send.len;
            memcpy(l->d.last, a.send.packet, a.send.len);
            assert_int_equal(vrrp_advert_read(&l->d.sent[l->d.sends++ % 8], &list, a.send.packet,
                                              a.send.len),
                             0);
        } else if (a.kind == VRRP_ANNOUNCE) {
            l->d.announced[l->d.announces++] = a.announce;
        } else {
            l->d.event[l->d.events++] = a.event.event;
            l->d.reason = a.event.reason;
            l->d.value = a.event.value;
        }
    }
    return &l->d;
}

static inline struct vrrp_config lab_config(bool ip6)
{
    struct vrrp_config c = vrrp_config_default();
    c.link = LINK;
    c.vrid = 7;
    c.ip6 = ip6;
    c.n_addrs = 2;
    c.addr[0] = ip6 ? ll(0xaa) : ip4(10, 0, 0, 1);
    c.addr[1] = ip6 ? (struct ip6){{0x20, 0x01, 0x0d, 0xb8, [15] = 1}} : ip4(10, 0, 0, 2);
    return c;
}

/* We are 10.0.0.50 and fe80::32 (50). */
static inline void lab_link(struct lab *l, bool up)
{
    struct vrrp_link k = {.up = up,
                          .has_ip4 = true,
                          .has_ip6 = true,
                          .ip4 = ip4(10, 0, 0, 50),
                          .ip6 = ll(50)};
    vrrp_link(l->v, LINK, &k, l->now);
}

static inline void lab_open(struct lab *l, const struct vrrp_config *c)
{
    struct errbuf e = {""};
    *l = (struct lab){.v = vrrp_create(16, 8), .now = 1000 * NSEC_PER_SEC, .c = *c};
    assert_non_null(l->v);
    int id = vrrp_add(l->v, c, l->now, &e);
    if (id < 0)
        fail_msg("%s", e.text);
    l->id = (unsigned)id;
}

static inline void lab_close(struct lab *l) { vrrp_destroy(l->v); }

static inline struct vrrp_status status(const struct lab *l)
{
    struct vrrp_status s;
    assert_int_equal(vrrp_status(l->v, l->id, &s), 0);
    return s;
}

static inline enum vrrp_state state_of(const struct lab *l) { return status(l).state; }

static inline void reconfigure(struct lab *l, const struct vrrp_config *c)
{
    struct errbuf e = {""};
    l->c = *c;
    if (vrrp_set(l->v, l->id, c, l->now, &e) < 0)
        fail_msg("%s", e.text);
}

/* Ticks at each deadline up to `to`. */
static inline void run_to(struct lab *l, nsec_t to)
{
    while (vrrp_deadline(l->v) <= to) {
        l->now = vrrp_deadline(l->v);
        vrrp_tick(l->v, l->now);
    }
    l->now = to;
}

/* What a peer with last byte `host` would say of our virtual router. */
static inline struct vrrp_advert peer_says(const struct lab *l, uint8_t host, uint8_t priority)
{
    return (struct vrrp_advert){.ip6 = l->c.ip6,
                                .ttl = 255,
                                .version = l->c.mode == VRRP_V2 ? 2 : 3,
                                .vrid = l->c.vrid,
                                .priority = priority,
                                .n_addrs = l->c.n_addrs,
                                .interval_cs = l->c.interval_cs,
                                .src = l->c.ip6 ? ll(host) : ip4(10, 0, 0, host),
                                .dst = vrrp_group_address(l->c.ip6)};
}

static inline enum vrrp_verdict hear(struct lab *l, const struct vrrp_advert *a)
{
    uint8_t b[5000];
    struct writer w = writer_of(b, sizeof b);
    vrrp_advert_write(&w, a, l->c.addr);
    assert_false(w.bad);
    return vrrp_rx(l->v, LINK, b, w.len, l->now);
}

static inline enum vrrp_verdict hear_peer(struct lab *l, uint8_t host, uint8_t priority)
{
    struct vrrp_advert a = peer_says(l, host, priority);
    return hear(l, &a);
}

#endif
