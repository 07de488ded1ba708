/* tests/unit/neigh_lab.h: one neighbour engine on a virtual clock: interface 1, we are host 50, the
 * neighbour is host 60 (10.0.0.0/24 and fe80::/64). */
#ifndef WEFT_TESTS_UNIT_NEIGH_LAB_H
#define WEFT_TESTS_UNIT_NEIGH_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/neigh.h"

enum { IFC = 1, US = 50, PEER = 60 };

#define MS NSEC_PER_MSEC

struct drained {
    unsigned updates, releases, drops, sends, events;
    char order[300];             /* U, R, D, S, E */
    struct neigh_action last[5]; /* by kind */
};

struct lab {
    struct neigh *n;
    nsec_t now;
    bool ip6;
    struct drained d;
};

static inline struct mac mac_of(uint8_t host) { return (struct mac){{2, [5] = host}}; }

static inline struct ip6 ip_of(const struct lab *l, uint8_t host)
{
    return l->ip6 ? (struct ip6){{0xfe, 0x80, [15] = host}} : (struct ip6){{10, 0, 0, host}};
}

static inline const struct drained *drain(struct lab *l)
{
    struct neigh_action a;
    size_t k = 0;
    l->d = (struct drained){0};
    while (neigh_poll(l->n, &a)) {
        l->d.updates += a.kind == NEIGH_UPDATE;
        l->d.releases += a.kind == NEIGH_RELEASE;
        l->d.drops += a.kind == NEIGH_DROP;
        l->d.sends += a.kind == NEIGH_SEND;
        l->d.events += a.kind == NEIGH_EVENT;
        l->d.last[a.kind] = a;
        assert_in_range(k, 0, sizeof l->d.order - 2);
        l->d.order[k++] = "URDSE"[a.kind];
    }
    return &l->d;
}

static inline void lab_address(struct lab *l, const struct neigh_address *a)
{
    struct errbuf e = {""};
    if (neigh_address_set(l->n, a, l->now, &e) < 0)
        fail_msg("%s", e.text);
}

static inline struct neigh_address our_address(const struct lab *l)
{
    return (struct neigh_address){.interface = IFC,
                                  .ip6 = l->ip6,
                                  .ip = ip_of(l, US),
                                  .prefix_len = l->ip6 ? 64 : 24,
                                  .mac = mac_of(US),
                                  .enabled = true};
}

static inline void lab_interface(struct lab *l, const struct neigh_interface *c)
{
    struct errbuf e = {""};
    if (neigh_interface(l->n, IFC, c, l->now, &e) < 0)
        fail_msg("%s", e.text);
}

static inline void lab_open(struct lab *l, bool ip6)
{
    struct neigh_size size = {.interfaces = 2, .entries = 100, .addresses = 8, .seed = 1};
    struct neigh_interface c = neigh_interface_default();
    *l = (struct lab){.n = neigh_create(&size), .now = 100 * NSEC_PER_SEC, .ip6 = ip6};
    assert_non_null(l->n);
    c.up = true;
    lab_interface(l, &c);
    struct neigh_address a = our_address(l);
    lab_address(l, &a);
    drain(l);
}

static inline void lab_close(struct lab *l) { neigh_destroy(l->n); }

static inline void run_to(struct lab *l, nsec_t to)
{
    while (neigh_deadline(l->n) <= to) {
        l->now = neigh_deadline(l->n);
        neigh_tick(l->n, l->now);
    }
    l->now = to;
}

static inline enum neigh_verdict hear(struct lab *l, const struct neigh_message *m, uint8_t from)
{
    uint8_t b[200];
    struct writer w = writer_of(b, sizeof b);
    neigh_write(&w, m);
    return neigh_rx(l->n, IFC, l->ip6 ? NEIGH_ETHERTYPE_IP6 : NEIGH_ETHERTYPE_ARP, mac_of(from), b,
                    w.len, l->now);
}

/* `host` with MAC number `mac` asks for `target`. */
static inline struct neigh_message asks(const struct lab *l, uint8_t host, uint8_t mac,
                                        uint8_t target)
{
    struct neigh_message m = {.ip6 = l->ip6,
                              .sender = ip_of(l, host),
                              .target = ip_of(l, target),
                              .has_sha = true,
                              .sha = mac_of(mac)};
    m.to = neigh_solicited_node(&m.target);
    return m;
}

/* PEER with MAC number `mac` answers us. */
static inline struct neigh_message answers(const struct lab *l, uint8_t mac, bool solicited,
                                           bool override)
{
    return (struct neigh_message){.ip6 = l->ip6,
                                  .saying = NEIGH_REPLY,
                                  .sender = ip_of(l, PEER),
                                  .target = ip_of(l, l->ip6 ? PEER : US),
                                  .to = solicited ? ip_of(l, US) : neigh_all_nodes(),
                                  .has_sha = true,
                                  .sha = mac_of(mac),
                                  .tha = solicited ? mac_of(US)
                                                   : (struct mac){{255, 255, 255, 255, 255, 255}},
                                  .solicited = solicited,
                                  .override = override};
}

static inline struct neigh_info info(const struct lab *l, uint8_t host)
{
    struct neigh_info i = {.state = NEIGH_GONE};
    struct ip6 ip = ip_of(l, host);
    (void)neigh_show(l->n, IFC, &ip, l->ip6, &i);
    return i;
}

static inline struct neigh_resolution resolve(struct lab *l, uint8_t host, uint64_t handle)
{
    struct ip6 ip = ip_of(l, host);
    return neigh_resolve(l->n, IFC, &ip, l->ip6, handle, l->now);
}

/* Brings PEER, whose MAC is number 60, into a state. */
static inline void bring(struct lab *l, enum neigh_state s)
{
    struct neigh_message yes = answers(l, PEER, true, true), hello = asks(l, PEER, PEER, US);
    struct ip6 ip = ip_of(l, PEER);
    struct errbuf e;
    if (s == NEIGH_PERMANENT) {
        assert_int_equal(neigh_static(l->n, IFC, &ip, l->ip6, mac_of(PEER), l->now, &e), 0);
    } else if (s == NEIGH_STALE || s == NEIGH_DELAY || s == NEIGH_PROBE) {
        hear(l, &hello, PEER);
        if (s != NEIGH_STALE)
            resolve(l, PEER, 0);
        if (s == NEIGH_PROBE)
            run_to(l, l->now + 5000 * MS);
    } else if (s != NEIGH_GONE) {
        resolve(l, PEER, 0);
        if (s == NEIGH_REACHABLE)
            hear(l, &yes, PEER);
        if (s == NEIGH_FAILED)
            run_to(l, l->now + 3000 * MS);
    }
    assert_int_equal(info(l, PEER).state, s);
    drain(l);
}

#endif
