/* The underlay: next hops are found, ours are told, frames wait, and a dead way gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/underlay.h"
#include "tests/unit/tunnel_net.h"

enum { OTHER_LINK = 3 };

struct lab {
    struct net *n;
    struct underlay *u;
};

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}
static const struct log quiet = {.sink = silent};

static void wait_ms(struct lab *b, unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 10) {
        (void)underlay_run(b->u, b->n->l->now);
        b->n->l->now += 8 * NSEC_PER_MSEC;
        lan_run(b->n->l);
    }
}

/* As net_of(), with neighbours that nobody knows and another link on port 3, of subnet 198.51.100.
 */
static struct lab lab(void **state, struct vtep_options o)
{
    struct lan *l = *state;
    struct lab b;
    weft_assert(underlay_create(l->sw, &quiet, &b.u, NULL) == 0);
    b.n = net_of(l, o);
    for (uint8_t i = 2; i < 4; i++) {
        struct ip6 ip = addr(b.n->six, i);
        vtep_set_neighbour(b.n->v, &ip, (struct mac){{0}});
    }
    if (o.n_links > 0) {
        bridge_detach(l->p[OTHER_LINK]);
        weft_assert(bridge_attach(b.n->under, l->p[OTHER_LINK], OTHER_LINK, NULL) == 0);
        weft_assert(vtep_set_uplink(b.n->v, 1, l->p[OTHER_LINK], NULL) == 0);
    }
    weft_assert(underlay_follow(b.u, b.n->v, l->now, NULL) == 0);
    lan_forget(l);
    return b;
}

static void end(struct lab *b)
{
    wait_ms(b, 10); /* what is on its way to the engine */
    underlay_forget(b->u, b->n->v, b->n->l->now);
    lan_run(b->n->l);
    underlay_free(b->u);
    free(b->n);
}

static struct bytes arp(uint8_t op, struct mac from, const uint8_t spa[4], struct mac to,
                        const uint8_t tpa[4])
{
    struct bytes a = {.len = 60};
    memset(a.b, 0xff, 6);
    memcpy(a.b + 6, &from, 6);
    memcpy(a.b + 12, "\x08\x06\0\1\x08\0\6\4\0", 9);
    a.b[21] = op;
    memcpy(a.b + 22, &from, 6);
    memcpy(a.b + 28, spa, 4);
    memcpy(a.b + 32, &to, 6);
    memcpy(a.b + 38, tpa, 4);
    return a;
}

static struct bytes reply(const struct lab *b, unsigned link, const uint8_t spa[4], uint8_t mac)
{
    struct mac from = remote_mac;
    from.b[5] = mac;
    const struct vtep_link *l = &b->n->v->link[link];
    return arp(2, from, spa, l->mac, l->ip.b);
}

/* The first frame at a port that is no ARP; NULL: there is none. */
static const uint8_t *data_out(struct lab *b, unsigned port)
{
    struct lan_port *p = lan_of(b->n->l, port);
    for (unsigned i = 0; i < p->n_out && i < LAN_KEPT; i++)
        if (memcmp(p->out[i].b + 12, "\x08\x06", 2) != 0)
            return p->out[i].b;
    return NULL;
}

static void rfc826_the_next_hop_is_asked_for_and_frames_wait_for_its_answer(void **state)
{
    struct lab b = lab(state, (struct vtep_options){0});
    struct lan_port *p = lan_of(b.n->l, UPLINK);
    in(b.n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(p->n_out, 0);
    wait_ms(&b, 10);
    assert_int_equal(p->n_out, 2);
    assert_memory_equal(p->out[0].b, "\xff\xff\xff\xff\xff\xff", 6);
    assert_memory_equal(p->out[0].b + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    assert_memory_equal(p->out[0].b + 28, "\xc0\0\2\1\0\0\0\0\0\0\xc0\0\2\2", 14);
    struct bytes a = reply(&b, 0, (uint8_t[]){192, 0, 2, 2}, 2);
    in(b.n, UPLINK, a);
    lan_forget(b.n->l);
    wait_ms(&b, 10);
    assert_int_equal(p->n_out, 1); /* what waited; .3 is silent still */
    read_out(b.n, 0, 2, OUTER_OK);
    in(b.n, 1, tenant(9, 1, 0, 53)); /* and the next goes at once */
    assert_int_equal(p->n_out, 1);
    read_out(b.n, 0, 2, OUTER_OK);
    end(&b);
}

static void who_never_answers_is_dropped_by_name_and_asked_again_later(void **state)
{
    struct lab b = lab(state, (struct vtep_options){0});
    in(b.n, 1, tenant(9, 1, 0, 53));
    wait_ms(&b, 1500);
    assert_int_equal(drops(b.n, DROP_TUN_NO_NEIGHBOUR), 2);
    in(b.n, 1, tenant(9, 1, 0, 53)); /* a worker knows by now */
    assert_int_equal(port_drops(b.n->t, DROP_TUN_NO_NEIGHBOUR), 2);
    wait_ms(&b, 3000);
    lan_forget(b.n->l);
    wait_ms(&b, 2000);
    assert_true(lan_of(b.n->l, UPLINK)->n_out > 0);
    end(&b);
}

static void rfc826_who_asks_for_our_address_is_answered(void **state)
{
    struct lab b = lab(state, (struct vtep_options){0});
    struct lan_port *p = lan_of(b.n->l, UPLINK);
    struct bytes a =
        arp(1, remote_mac, (uint8_t[]){192, 0, 2, 7}, (struct mac){{0}}, (uint8_t[]){192, 0, 2, 1});
    wait_ms(&b, 10);
    in(b.n, UPLINK, a);
    wait_ms(&b, 10);
    assert_int_equal(p->n_out, 1);
    assert_memory_equal(p->out[0].b, &remote_mac, 6);
    assert_memory_equal(p->out[0].b + 20, "\0\2", 2);
    assert_memory_equal(p->out[0].b + 22, &b.n->v->opt.local.mac, 6);
    assert_memory_equal(p->out[0].b + 28, "\xc0\0\2\1", 4);
    a.b[41] = 9; /* for another: it goes its way */
    in(b.n, UPLINK, a);
    wait_ms(&b, 10);
    assert_int_equal(p->n_out, 0);
    assert_int_equal(drops(b.n, DROP_NO_DESTINATION), 1);
    end(&b);
}

static void rfc4861_section_7_2_solicitations_are_sent_and_answered(void **state)
{
    struct lab b = lab(state, (struct vtep_options){.local.v6 = true});
    struct net *n = b.n;
    struct lan_port *p = lan_of(n->l, UPLINK);
    in(n, 1, tenant(9, 1, 0, 53));
    wait_ms(&b, 10);
    unsigned i = 0;
    while (i < p->n_out && memcmp(p->out[i].b, "\x33\x33\xff\0\0\2", 6) != 0)
        i++;
    assert_true(i < p->n_out);
    struct bytes ns = {.len = p->out[i].len};
    memcpy(ns.b, p->out[i].b, ns.len);
    assert_int_equal(ns.b[54], 135);
    /* the same, as .2 would ask for us */
    uint8_t *nd = ns.b + 54;
    struct ip6 two = addr(true, 2), one = addr(true, 1);
    memcpy(ns.b + 6, &remote_mac, 6);
    ns.b[5] = 1, ns.b[53] = 1;
    memcpy(ns.b + 22, &two, 16);
    memcpy(nd + 8, &one, 16);
    memcpy(nd + 26, &remote_mac, 6);
    memset(nd + 2, 0, 2);
    uint8_t pseudo[8] = {0, 0, 0, 32, 0, 0, 0, 58};
    be16 c = csum_finish(csum_add(csum_add(csum_add(0, ns.b + 22, 32), pseudo, 8), nd, 32));
    memcpy(nd + 2, &c, 2);
    in(n, UPLINK, ns);
    lan_forget(n->l);
    wait_ms(&b, 10);
    assert_int_equal(p->n_out,
                     2); /* what waited, as its question said where it is, and the answer */
    unsigned na = p->out[0].b[20] == 58 ? 0 : 1;
    assert_int_equal(p->out[na].b[54], 136);
    assert_memory_equal(p->out[na].b, &remote_mac, 6);
    assert_memory_equal(p->out[na].b + 54 + 26, &n->v->opt.local.mac, 6);
    read_out(n, 1 - na, 2, OUTER_OK);
    end(&b);
}

/* ------------------------------------------------------------ ways */

static const uint8_t gw1[4] = {192, 0, 2, 250}, gw2[4] = {192, 0, 2, 251},
                     gw3[4] = {198, 51, 100, 250};

static void set_routes(struct lab *b, const uint8_t *const *via, unsigned n)
{
    struct vtep_route_options r = {.to = {{203, 0, 113}}, .len = 24};
    for (; r.n < n; r.n++)
        memcpy(&r.via[r.n], via[r.n], 4);
    weft_assert(vtep_set_routes(b->n->v, &r, 1, NULL) == 0);
}

static struct endpoint *far_end(struct lab *b)
{
    struct ip6 ip = {{203, 0, 113, 9}};
    uint16_t number = endpoint_add(b->n->v, &ip);
    struct port_options o =
        {.name = "far", .type = "vxlan", .vtep = "vt", .vni = 9, .remotes = &ip, .n_remotes = 1};
    struct port *t100 = b->n->t;
    bridge_detach(t100);
    add_tunnel(b->n, &o, 11);
    return endpoint_at(b->n->v, number);
}

static void a_router_that_falls_silent_gives_way_to_the_next_and_comes_back(void **state)
{
    struct lab b = lab(state, (struct vtep_options){0});
    set_routes(&b, (const uint8_t *const[]){gw1, gw2}, 2);
    struct endpoint *e = far_end(&b);
    wait_ms(&b, 20);
    in(b.n, UPLINK, reply(&b, 0, gw1, 0x51));
    in(b.n, UPLINK, reply(&b, 0, gw2, 0x52));
    wait_ms(&b, 20);
    in(b.n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(data_out(&b, UPLINK)[5], 0x51);
    for (unsigned i = 0; i < 80; i++) { /* gw2 goes on answering, gw1 doesn't */
        wait_ms(&b, 100);
        in(b.n, UPLINK, reply(&b, 0, gw2, 0x52));
    }
    in(b.n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(data_out(&b, UPLINK)[5], 0x52);
    assert_memory_equal(&atomic_load(&e->hop)->ip, gw2, 4);
    assert_true(underlay_counters(b.u).reroutes >= 1);
    for (unsigned i = 0; i < 30; i++) {
        wait_ms(&b, 100);
        in(b.n, UPLINK, reply(&b, 0, gw1, 0x51));
        in(b.n, UPLINK, reply(&b, 0, gw2, 0x52));
    }
    wait_ms(&b, 20);
    in(b.n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(data_out(&b, UPLINK)[5], 0x51);
    end(&b);
}

static void a_link_that_goes_down_moves_tunnels_to_another(void **state)
{
    static const struct vtep_link_options other = {.prefix_len = 24,
                                                   .vlan = 7,
                                                   .ip = {{198, 51, 100, 1}},
                                                   .mac = {{2, 0, 0, 0, 0xdd, 7}}};
    struct lab b = lab(state, (struct vtep_options){.links = &other, .n_links = 1});
    struct net *n = b.n;
    set_routes(&b, (const uint8_t *const[]){gw1, gw3}, 2);
    (void)far_end(&b);
    wait_ms(&b, 20);
    in(n, UPLINK, reply(&b, 0, gw1, 0x51));
    struct bytes r = reply(&b, 1, gw3, 0x53), q = r;
    memmove(q.b + 16, r.b + 12, r.len - 12); /* link 1 is VLAN 7 of its port */
    memcpy(q.b + 12, "\x81\0\0\x07", 4);
    q.len += 4;
    in(n, OTHER_LINK, q);
    wait_ms(&b, 20);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(data_out(&b, UPLINK)[5], 0x51);
    atomic_store(&n->l->p[UPLINK]->link_up, false);
    underlay_links(b.u, n->l->now);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_null(data_out(&b, UPLINK));
    const uint8_t *f = data_out(&b, OTHER_LINK);
    assert_memory_equal(f, "\2\0\0\0\xee\x53\2\0\0\0\xdd\7\x81\0\0\7\x08\0", 18);
    assert_memory_equal(f + 30, "\xc0\0\2\1\xcb\0\x71\x09", 8); /* the VTEP's own address */
    atomic_store(&n->l->p[OTHER_LINK]->link_up, false);
    underlay_links(b.u, n->l->now);
    atomic_store(&n->l->p[UPLINK]->link_up, true);
    underlay_links(b.u, n->l->now);
    wait_ms(&b, 20);
    in(n, UPLINK, reply(&b, 0, gw1, 0x51));
    wait_ms(&b, 20);
    in(n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(data_out(&b, UPLINK)[5], 0x51);
    end(&b);
}

static void the_vteps_address_is_answered_and_heard_on_every_link(void **state)
{
    static const struct vtep_link_options other = {.prefix_len = 24, .ip = {{198, 51, 100, 1}}};
    struct lab b = lab(state, (struct vtep_options){.links = &other, .n_links = 1});
    struct net *n = b.n;
    wait_ms(&b, 10);
    in(n, OTHER_LINK, arp(1, remote_mac, gw3, (struct mac){{0}}, (uint8_t[]){192, 0, 2, 1}));
    wait_ms(&b, 10);
    const struct lan_port *p = lan_of(n->l, OTHER_LINK);
    assert_memory_equal(p->out[0].b + 22, &n->v->link[1].mac, 6);
    struct bytes t = tenant(1, 9, 0, 53), f = wrap(n, &t, 2, 100, 0);
    memcpy(f.b, &n->v->link[1].mac, 6);
    in(n, OTHER_LINK, f);
    assert_int_equal(lan_of(n->l, 1)->n_out, 1);
    end(&b);
}

static void without_a_way_it_is_said_so(void **state)
{
    struct lab b = lab(state, (struct vtep_options){0});
    set_routes(&b, (const uint8_t *const[]){gw1}, 1);
    struct ip6 nowhere = {{8, 8, 8, 8}};
    assert_null(endpoint_at(b.n->v, endpoint_add(b.n->v, &nowhere))->hop);
    struct endpoint *e = far_end(&b);
    assert_non_null(e->hop);
    weft_assert(
        vtep_set_routes(b.n->v, &(struct vtep_route_options){.to = {{1}}, .len = 8}, 1, NULL) == 0);
    assert_null(e->hop);
    in(b.n, 1, tenant(9, 1, 0, 53));
    assert_int_equal(drops(b.n, DROP_TUN_NO_ROUTE), 1);
    end(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lan_setup, lan_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rfc826_the_next_hop_is_asked_for_and_frames_wait_for_its_answer),
        T(who_never_answers_is_dropped_by_name_and_asked_again_later),
        T(rfc826_who_asks_for_our_address_is_answered),
        T(rfc4861_section_7_2_solicitations_are_sent_and_answered),
        T(a_router_that_falls_silent_gives_way_to_the_next_and_comes_back),
        T(a_link_that_goes_down_moves_tunnels_to_another),
        T(the_vteps_address_is_answered_and_heard_on_every_link),
        T(without_a_way_it_is_said_so),
    };
    return cmocka_run_group_tests(tests, lan_eal, NULL);
}
