/* tests/unit/tunnel_net.h: a bridge with tenants on a fake LAN, and a VTEP whose underlay is
 * port 4.
 *
 * Remote VTEPs are .2 and .3; a test sends as they would, and reads as they would what leaves. */
#ifndef WEFT_TESTS_UNIT_TUNNEL_NET_H
#define WEFT_TESTS_UNIT_TUNNEL_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/csum.h"
#include "base/prng.h"
#include "datapath/tunnel.h"
#include "tests/unit/fake_lan.h"

enum { UPLINK = 4, TUNNEL = 10 };

static const struct mac remote_mac = {{2, 0, 0, 0, 0xee, 2}};

struct net {
    struct lan *l;
    struct vtep *v;
    struct bridge *under;
    struct port *t; /* VNI 100 as OpenFlow port 10 */
    bool six;
};

static struct ip6 addr(bool six, uint8_t last)
{
    return six ? (struct ip6){{0x20, 1, 0xd, 0xb8, [15] = last}} : (struct ip6){{192, 0, 2, last}};
}

static struct port *add_tunnel(struct net *n, const struct port_options *o, uint32_t ofp)
{
    struct errbuf e = {""};
    struct port *p;
    if (port_create(n->l->sw, o, &p, &e) != 0)
        fail_msg("%s", e.text);
    weft_assert(bridge_attach(n->l->br, p, ofp, NULL) == 0);
    return p;
}

/* A VTEP .1, remote ones .2 and .3 whose MACs are known, and a port of VNI 100 that floods to both.
 */
static struct net *net_of(struct lan *l, struct vtep_options o)
{
    struct net *n = calloc(1, sizeof *n);
    *n = (struct net){.l = l, .six = o.local.v6};
    bridge_detach(l->p[UPLINK]);
    weft_assert(bridge_create(l->sw, &(struct bridge_options){.name = "under"}, &n->under, NULL) ==
                0);
    weft_assert(bridge_attach(n->under, l->p[UPLINK], UPLINK, NULL) == 0);
    o.name = "vt";
    o.local.ip = addr(n->six, 1);
    o.local.udp_port = VXLAN_UDP_PORT;
    o.prefix_len = 24;
    weft_assert(vtep_create(l->sw, &o, &n->v, NULL) == 0);
    weft_assert(vtep_set_uplink(n->v, 0, l->p[UPLINK], NULL) == 0);
    struct ip6 remotes[2] = {addr(n->six, 2), addr(n->six, 3)};
    for (int i = 0; i < 2; i++) {
        struct mac mac = remote_mac;
        mac.b[5] = (uint8_t)(2 + i);
        weft_assert(vtep_set_neighbour(n->v, &remotes[i], mac) == 0);
    }
    n->t = add_tunnel(n,
                      &(struct port_options){.name = "t100",
                                             .type = "vxlan",
                                             .vtep = "vt",
                                             .vni = 100,
                                             .remotes = remotes,
                                             .n_remotes = 2},
                      TUNNEL);
    return n;
}

__attribute__((unused)) static struct net *plain(void **state)
{
    return net_of(*state, (struct vtep_options){.ttl = 64});
}

/* ------------------------------------------------------------ frames */

struct bytes {
    uint8_t b[400];
    size_t len;
};

/* A tenant's UDP packet; the hosts' numbers are in MACs and addresses. */
static struct bytes tenant(uint8_t dst, uint8_t src, uint8_t tos, uint16_t dport)
{
    struct bytes f = {.len = 60};
    uint8_t *ip = f.b + 14;
    memcpy(f.b, (uint8_t[]){2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 8, 0}, 14);
    memcpy(ip,
           (uint8_t[]){0x45,
                       tos,
                       0,
                       46,
                       0,
                       0,
                       0,
                       0,
                       64,
                       17,
                       0,
                       0,
                       10,
                       0,
                       0,
                       src,
                       10,
                       0,
                       0,
                       dst,
                       0x12,
                       0x34,
                       (uint8_t)(dport >> 8),
                       (uint8_t)dport,
                       0,
                       26},
           26);
    be16 c = csum_finish(csum_add(0, ip, 20));
    memcpy(ip + 10, &c, 2);
    return f;
}

static void fill_csum(struct bytes *f, const struct outer_head *h)
{
    uint8_t *udp = f->b + h->udp_off;
    uint16_t len = (uint16_t)(f->len - h->udp_off);
    memset(udp + 6, 0, 2);
    be16 c = csum_finish(csum_add(outer_pseudo_sum(f->b + h->l3_off, h->v6, len), udp, len));
    memcpy(udp + 6, &c, 2);
}

/* As remote VTEP .from sends it. */
static struct bytes wrap(const struct net *n, const struct bytes *in, uint8_t from, uint32_t vni,
                         uint8_t tos)
{
    struct outer_head h;
    struct bytes f;
    outer_prebuild(&(struct outer_path){.src = remote_mac,
                                        .dst = n->v->opt.local.mac,
                                        .vlan = n->v->opt.local.vlan,
                                        .v6 = n->six,
                                        .src_ip = addr(n->six, from),
                                        .dst_ip = addr(n->six, 1),
                                        .udp_port = 4789,
                                        .ttl = 9,
                                        .df = true},
                   &h);
    outer_patch(&h,
                &(struct outer_patch){.vni = vni,
                                      .inner_len = (uint32_t)in->len,
                                      .src_port = 50000,
                                      .tos = tos},
                f.b);
    memcpy(f.b + h.len, in->b, in->len);
    f.len = h.len + in->len;
    if (n->six)
        fill_csum(&f, &h);
    return f;
}

static void in(struct net *n, unsigned port, struct bytes f) { lan_send(n->l, port, f.b, f.len); }

/* The i-th frame that left by the uplink, as VTEP .to reads it. */
__attribute__((unused)) static struct outer read_out(struct net *n, unsigned i, uint8_t to,
                                                     enum outer_verdict want)
{
    struct lan_port *p = lan_of(n->l, UPLINK);
    struct outer_local him = n->v->opt.local;
    struct outer o = {0};
    him.ip = addr(n->six, to);
    him.mac = remote_mac;
    him.mac.b[5] = to;
    him.zero_csum6 = true;
    assert_true(i < p->n_out);
    assert_int_equal(outer_decode(&him, p->out[i].b, p->out[i].len, p->out[i].len, &o), want);
    return o;
}

__attribute__((unused)) static uint64_t drops(struct net *n, enum drop_reason r)
{
    return switch_drops(n->l->sw, r);
}

/* After a change of the outer IPv4 header. */
__attribute__((unused)) static void resum(struct bytes *f)
{
    memset(f->b + 24, 0, 2);
    be16 c = csum_finish(csum_add(0, f->b + 14, 20));
    memcpy(f->b + 24, &c, 2);
}

#endif
