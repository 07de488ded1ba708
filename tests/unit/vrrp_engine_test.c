/* vrrp: what packets are refused (RFC 9568 7.1, RFC 3768 7.1), both versions at once (8.4),
 * tracking, sync groups, unicast, reconfiguration, and four thousand of them on time. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/vrrp_lab.h"

static void running(struct lab *l, const struct vrrp_config *c)
{
    lab_open(l, c);
    lab_link(l, true);
    drain(l);
}

/* -- 7.1 */

static enum vrrp_verdict after(void change(struct vrrp_advert *), bool ip6)
{
    struct vrrp_config c = lab_config(ip6);
    struct lab l;
    running(&l, &c);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    change(&a);
    nsec_t due = vrrp_deadline(l.v);
    l.now += CS;
    enum vrrp_verdict r = hear(&l, &a);
    assert_int_equal(vrrp_refused(l.v)[r], r != VRRP_OK);
    assert_int_equal(status(&l).counters.received, r == VRRP_OK);
    if (r != VRRP_OK)
        assert_int_equal(vrrp_deadline(l.v), due); /* it changed nothing */
    if (r != VRRP_OK && r != VRRP_BAD_VRID)
        assert_int_equal(status(&l).counters.refused[r], 1);
    lab_close(&l);
    return r;
}

static void none(struct vrrp_advert *a) { (void)a; }
static void ttl_254(struct vrrp_advert *a) { a->ttl = 254; }
static void version_2(struct vrrp_advert *a) { a->version = 2; }
static void vrid_8(struct vrrp_advert *a) { a->vrid = 8; }
static void to_us(struct vrrp_advert *a) { a->dst = a->ip6 ? ll(50) : ip4(10, 0, 0, 50); }
static void from_us(struct vrrp_advert *a) { a->src = a->ip6 ? ll(50) : ip4(10, 0, 0, 50); }
static void from_global(struct vrrp_advert *a) { a->src.b[0] = 0x20; }
static void interval_0(struct vrrp_advert *a) { a->interval_cs = 0; }
static void pseudo_header(struct vrrp_advert *a) { a->pseudo_header = true; }

static void section_7_1_each_check_refuses_and_counts(void **state)
{
    (void)state;
    for (int ip6 = 0; ip6 < 2; ip6++) {
        assert_int_equal(after(none, ip6), VRRP_OK);
        assert_int_equal(after(ttl_254, ip6), VRRP_BAD_TTL);
        assert_int_equal(after(version_2, ip6), VRRP_BAD_VERSION);
        assert_int_equal(after(vrid_8, ip6), VRRP_BAD_VRID);
        assert_int_equal(after(to_us, ip6), VRRP_BAD_DESTINATION);
        assert_int_equal(after(from_us, ip6), VRRP_OWN_PACKET);
        assert_int_equal(after(interval_0, ip6), VRRP_BAD_INTERVAL);
        assert_int_equal(after(pseudo_header, ip6), VRRP_OK);
    }
    assert_int_equal(after(from_global, true), VRRP_BAD_SOURCE);
}

static void section_7_1_another_interface_is_another_lan(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    uint8_t b[200];
    running(&l, &c);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    struct writer w = writer_of(b, sizeof b);
    vrrp_advert_write(&w, &a, c.addr);
    assert_int_equal(vrrp_rx(l.v, LINK + 1, b, w.len, l.now), VRRP_BAD_VRID);
    assert_int_equal(vrrp_rx(l.v, LINK, b, w.len, l.now), VRRP_OK);
    lab_close(&l);
}

static void section_7_1_misconfigured_peers_are_told_and_obeyed(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    running(&l, &c);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    a.interval_cs = 50;
    a.n_addrs = 1;
    for (int n = 0; n < 5; n++)
        assert_int_equal(hear(&l, &a), VRRP_OK);
    assert_string_equal(drain(&l)->order, "EE"); /* once in a while, not each time */
    assert_int_equal(l.d.event[0], VRRP_EV_INTERVAL);
    assert_int_equal(l.d.event[1], VRRP_EV_ADDRESSES);
    l.now += 11 * NSEC_PER_SEC;
    hear(&l, &a);
    assert_string_equal(drain(&l)->order, "EE");
    lab_close(&l);
}

static void refusals_for_us_are_told_with_their_verdict(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    running(&l, &c);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    a.ttl = 1;
    hear(&l, &a);
    assert_string_equal(drain(&l)->order, "E");
    assert_int_equal(l.d.event[0], VRRP_EV_REFUSED);
    assert_int_equal(l.d.value, VRRP_BAD_TTL);
    lab_close(&l);
}

/* -- version 2, and both */

static void rfc_3768_7_1_the_interval_must_be_ours(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.mode = VRRP_V2;
    running(&l, &c);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    assert_int_equal(hear(&l, &a), VRRP_OK);
    a.interval_cs = 200;
    assert_int_equal(hear(&l, &a), VRRP_BAD_INTERVAL);
    a.version = 3;
    assert_int_equal(hear(&l, &a), VRRP_BAD_VERSION);
    lab_close(&l);
}

static void rfc_3768_5_3_6_simple_text_is_ignored_and_told(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.mode = VRRP_V2;
    c.n_addrs = 1;
    running(&l, &c);
    /* The bytes of keepalived with auth_pass "secret": sum over all, the text too. */
    uint8_t b[64];
    struct vrrp_advert a = peer_says(&l, 60, 200);
    struct writer w = writer_of(b, sizeof b);
    vrrp_advert_write(&w, &a, c.addr);
    b[24] = 1;
    memcpy(b + 32, "secret\0", 8);
    uint32_t sum = from_be16((be16)(b[26] | b[27] << 8)) ^ 0xffff;
    sum += 0x0100 + 0x7365 + 0x6372 + 0x6574;
    sum = ~((sum & 0xffff) + (sum >> 16));
    b[26] = (uint8_t)(sum >> 8);
    b[27] = (uint8_t)sum;
    assert_int_equal(vrrp_rx(l.v, LINK, b, w.len, l.now), VRRP_OK);
    assert_int_equal(drain(&l)->event[0], VRRP_EV_AUTH);
    lab_close(&l);
}

static void section_8_4_2_both_versions_are_sent_at_the_configured_rate(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.mode = VRRP_V2_V3;
    c.interval_cs = 10;
    c.priority = 255;
    running(&l, &c);
    run_to(&l, l.now + 10 * CS);
    assert_int_equal(drain(&l)->sends, 2);
    assert_int_equal(l.d.sent[0].version, 3);
    assert_int_equal(l.d.sent[0].interval_cs, 10);
    assert_int_equal(l.d.sent[1].version, 2);
    assert_int_equal(l.d.sent[1].interval_cs, 100);
    vrrp_stop(l.v, l.now);
    assert_int_equal(drain(&l)->sends, 2);
    assert_int_equal(l.d.sent[0].priority + l.d.sent[1].priority, 0);
    lab_close(&l);
}

static void section_8_4_2_version_2_counts_unless_its_sender_speaks_3(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.mode = VRRP_V2_V3;
    running(&l, &c);
    struct vrrp_advert v3 = peer_says(&l, 60, 200), v2 = v3, other = peer_says(&l, 70, 200);
    v2.version = other.version = 2;
    v2.interval_cs = other.interval_cs = 100;
    v3.interval_cs = 10;
    assert_int_equal(hear(&l, &v2), VRRP_OK);
    assert_int_equal(status(&l).active_interval_cs, 100); /* its seconds, translated */
    assert_int_equal(hear(&l, &v3), VRRP_OK);
    assert_int_equal(hear(&l, &v2), VRRP_SHADOWED_V2);
    assert_int_equal(status(&l).active_interval_cs, 10);
    assert_int_equal(hear(&l, &other), VRRP_OK);
    l.now += 2 * NSEC_PER_SEC; /* it stopped version 3 */
    assert_int_equal(hear(&l, &v2), VRRP_OK);
    lab_close(&l);
}

/* -- unicast */

static void unicast_goes_to_each_peer_and_comes_from_none_other(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 150;
    c.n_peers = 2;
    c.peer[0] = ip4(10, 0, 0, 60);
    c.peer[1] = ip4(192, 0, 2, 1);
    running(&l, &c);
    run_to(&l, vrrp_deadline(l.v));
    assert_int_equal(drain(&l)->sends, 2);
    assert_memory_equal(&l.d.sent[0].dst, &c.peer[0], 16);
    assert_memory_equal(&l.d.sent[1].dst, &c.peer[1], 16);
    struct vrrp_advert a = peer_says(&l, 60, 200);
    assert_int_equal(hear(&l, &a), VRRP_BAD_DESTINATION); /* multicast */
    a.dst = ip4(10, 0, 0, 50);
    a.ttl = 250;
    assert_int_equal(hear(&l, &a), VRRP_BAD_TTL);
    c.ttl_min = 250;
    reconfigure(&l, &c);
    a.src = ip4(10, 0, 0, 61);
    assert_int_equal(hear(&l, &a), VRRP_BAD_SOURCE);
    a.src = c.peer[0];
    assert_int_equal(hear(&l, &a), VRRP_OK);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    lab_close(&l);
}

/* -- tracking */

static void tracking_lowers_the_priority_and_tells_it_at_once(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    running(&l, &c);
    run_to(&l, vrrp_deadline(l.v));
    drain(&l);
    vrrp_track(l.v, l.id, 0, 30, l.now);
    assert_int_equal(drain(&l)->sent[0].priority, 70);
    vrrp_track(l.v, l.id, 5, 20, l.now);
    assert_int_equal(drain(&l)->sent[0].priority, 50);
    vrrp_track(l.v, l.id, 1, 254, l.now);
    assert_int_equal(drain(&l)->sent[0].priority, 1);
    vrrp_track(l.v, l.id, 1, 0, l.now);
    vrrp_track(l.v, l.id, 0, 0, l.now);
    assert_int_equal(drain(&l)->sent[0].priority, 80);
    vrrp_track(l.v, l.id, 2, VRRP_TRACK_FAULT, l.now);
    assert_string_equal(drain(&l)->order, "GSE");
    assert_int_equal(l.d.sent[0].priority, 0);
    assert_int_equal(l.d.reason, VRRP_WHY_TRACK);
    vrrp_track(l.v, l.id, 2, 0, l.now);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    lab_close(&l);
}

static void section_5_2_4_the_owner_is_255_whatever_is_tracked(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 255;
    running(&l, &c);
    vrrp_track(l.v, l.id, 0, 100, l.now);
    assert_int_equal(status(&l).priority, 255);
    vrrp_track(l.v, l.id, 0, VRRP_TRACK_FAULT, l.now);
    assert_int_equal(state_of(&l), VRRP_INITIALIZE);
    lab_close(&l);
}

/* -- sync groups */

/* VRID 7 for IPv4 is l->id; returns the id of VRID 7 for IPv6. Both in group 1. */
static unsigned pair(struct lab *l)
{
    struct vrrp_config c = lab_config(false), c6 = lab_config(true);
    struct errbuf e = {""};
    c.group = c6.group = 1;
    running(l, &c);
    return (unsigned)vrrp_add(l->v, &c6, l->now, &e);
}

static enum vrrp_state state_by_id(const struct lab *l, unsigned id)
{
    struct vrrp_status s;
    assert_int_equal(vrrp_status(l->v, id, &s), 0);
    return s.state;
}

static void a_group_becomes_active_when_all_are_ready(void **state)
{
    (void)state;
    struct lab l;
    unsigned other = pair(&l);
    struct vrrp_config v4 = l.c, v6 = lab_config(true);
    for (int n = 0; n < 8; n++) { /* IPv6's Active is heard, IPv4's is not */
        l.c = v6;
        hear_peer(&l, 60, 200);
        run_to(&l, l.now + 100 * CS);
        assert_int_equal(state_of(&l), VRRP_BACKUP);
    }
    assert_true(status(&l).waits_for_group);
    assert_int_equal(state_by_id(&l, other), VRRP_BACKUP);
    drain(&l);
    run_to(&l, l.now + 500 * CS);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_int_equal(state_by_id(&l, other), VRRP_ACTIVE);
    assert_int_equal(drain(&l)->gates, 2);
    l.c = v4;
    lab_close(&l);
}

static void a_group_steps_back_together(void **state)
{
    (void)state;
    struct lab l;
    unsigned other = pair(&l);
    run_to(&l, l.now + 500 * CS);
    assert_int_equal(state_by_id(&l, other), VRRP_ACTIVE);
    drain(&l);
    hear_peer(&l, 60, 200);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    assert_int_equal(state_by_id(&l, other), VRRP_BACKUP);
    assert_int_equal(drain(&l)->sends, 1); /* priority 0, where no better one was heard */
    assert_int_equal(l.d.sent[0].priority, 0);
    assert_true(l.d.sent[0].ip6);
    lab_close(&l);
}

static void a_group_is_as_able_as_its_weakest_member(void **state)
{
    (void)state;
    struct lab l;
    unsigned other = pair(&l);
    run_to(&l, l.now + 500 * CS);
    drain(&l);
    vrrp_track(l.v, other, 0, VRRP_TRACK_FAULT, l.now);
    assert_int_equal(state_of(&l), VRRP_INITIALIZE);
    assert_int_equal(drain(&l)->sends, 2);
    vrrp_remove(l.v, other, l.now); /* without it, we can */
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    assert_int_equal(vrrp_find(l.v, LINK, true, 7), -ENOENT);
    lab_close(&l);
}

static void an_owner_waits_for_its_group_too(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false), c6 = lab_config(true);
    struct errbuf e = {""};
    struct lab l;
    c.group = c6.group = 1;
    c.priority = 255;
    c6.enabled = false;
    lab_open(&l, &c);
    int other = vrrp_add(l.v, &c6, l.now, &e);
    lab_link(&l, true);
    assert_int_equal(state_of(&l), VRRP_INITIALIZE);
    c6.enabled = true;
    assert_int_equal(vrrp_set(l.v, (unsigned)other, &c6, l.now, &e), 0);
    assert_true(status(&l).waits_for_group);
    run_to(&l, l.now + 500 * CS);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    lab_close(&l);
}

/* -- configuration */

static int refused(void change(struct vrrp_config *), bool ip6)
{
    struct vrrp_config c = lab_config(ip6);
    struct errbuf e = {""};
    change(&c);
    int r = vrrp_config_check(&c, &e);
    assert_int_equal(r == 0, e.text[0] == '\0');
    return r;
}

static void fine(struct vrrp_config *c) { (void)c; }
static void no_vrid(struct vrrp_config *c) { c->vrid = 0; }
static void no_priority(struct vrrp_config *c) { c->priority = 0; }
static void no_address(struct vrrp_config *c) { c->n_addrs = 0; }
static void too_many(struct vrrp_config *c) { c->n_addrs = VRRP_ADDRS_MAX + 1; }
static void global_first(struct vrrp_config *c) { c->addr[0] = c->addr[1]; }
static void too_slow(struct vrrp_config *c) { c->interval_cs = 4096; }
static void too_fast(struct vrrp_config *c) { c->interval_cs = 0; }
static void v2(struct vrrp_config *c) { c->mode = VRRP_V2; }
static void v2_half(struct vrrp_config *c) { c->mode = VRRP_V2, c->interval_cs = 150; }
static void peers(struct vrrp_config *c) { c->n_peers = VRRP_PEERS_MAX + 1; }
static void silent(struct vrrp_config *c) { c->announce_count = 0; }

static void a_configuration_is_refused_with_a_message(void **state)
{
    (void)state;
    assert_int_equal(refused(fine, false), 0);
    assert_int_equal(refused(fine, true), 0);
    assert_int_equal(refused(v2, false), 0);
    assert_int_equal(refused(v2, true), -EINVAL);
    assert_int_equal(refused(global_first, false), 0);
    assert_int_equal(refused(global_first, true), -EINVAL);
    void (*const bad[])(struct vrrp_config *) = {no_vrid,  no_priority, no_address,
                                                 too_many, too_slow,    too_fast,
                                                 v2_half,  peers,       silent};
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        assert_int_equal(refused(bad[n], false), -EINVAL);
}

static void vrids_are_taken_once_per_link_and_family(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct errbuf e = {""};
    struct lab l;
    running(&l, &c);
    assert_int_equal(vrrp_add(l.v, &c, l.now, &e), -EEXIST);
    c.link = 99;
    assert_int_equal(vrrp_add(l.v, &c, l.now, &e), -EINVAL);
    c.link = LINK + 1;
    assert_in_range(vrrp_add(l.v, &c, l.now, &e), 1, 15);
    for (c.vrid = 100; c.vrid < 114; c.vrid++)
        assert_in_range(vrrp_add(l.v, &c, l.now, &e), 2, 15);
    assert_int_equal(vrrp_add(l.v, &c, l.now, &e), -ENOSPC);
    int gone = vrrp_find(l.v, LINK + 1, false, 105);
    vrrp_remove(l.v, (unsigned)gone, l.now);
    drain(&l);
    assert_int_equal(vrrp_add(l.v, &c, l.now, &e), gone);
    lab_close(&l);
}

static void removing_an_active_one_says_priority_0_first(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 255;
    running(&l, &c);
    vrrp_remove(l.v, l.id, l.now);
    assert_string_equal(drain(&l)->order, "GSE");
    assert_false(l.d.open);
    assert_int_equal(l.d.sent[0].priority, 0);
    struct vrrp_status s;
    assert_int_equal(vrrp_status(l.v, l.id, &s), -ENOENT);
    assert_int_equal(vrrp_deadline(l.v), NSEC_NEVER);
    lab_close(&l);
}

static void reconfiguring_keeps_an_active_one_active(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    running(&l, &c);
    run_to(&l, vrrp_deadline(l.v));
    drain(&l);
    c.priority = 180;
    c.interval_cs = 20;
    c.n_addrs = 3;
    c.addr[2] = ip4(10, 0, 0, 3);
    reconfigure(&l, &c);
    run_to(&l, l.now);
    assert_string_equal(drain(&l)->order, "GSAAA");
    assert_int_equal(l.d.sent[0].priority, 180);
    assert_int_equal(l.d.sent[0].n_addrs, 3);
    run_to(&l, l.now + 20 * CS);
    assert_int_equal(drain(&l)->sends, 1);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    lab_close(&l);
}

static void without_a_source_address_a_family_does_not_run(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(true);
    struct vrrp_link k = {.up = true, .has_ip4 = true, .ip4 = ip4(10, 0, 0, 50)};
    struct lab l;
    lab_open(&l, &c);
    vrrp_link(l.v, LINK, &k, l.now);
    assert_int_equal(state_of(&l), VRRP_INITIALIZE);
    k.has_ip6 = true;
    k.ip6 = ll(50);
    vrrp_link(l.v, LINK, &k, l.now);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    lab_close(&l);
}

/* -- many */

enum { MANY = 4000 };

static void four_thousand_advertise_on_time(void **state)
{
    (void)state;
    struct vrrp *v = vrrp_create(MANY, 16);
    struct vrrp_config c = lab_config(false);
    struct vrrp_action a;
    struct errbuf e = {""};
    nsec_t now = NSEC_PER_SEC, *last = calloc(MANY, sizeof *last);
    c.interval_cs = 10;
    c.announce_count = 1;
    for (unsigned n = 0; n < MANY; n++) {
        c.link = n / 255;
        c.vrid = (uint8_t)(n % 255 + 1);
        c.priority = (uint8_t)(n % 254 + 1);
        assert_int_equal(vrrp_add(v, &c, now, &e), n);
    }
    for (unsigned k = 0; k < 16; k++) {
        struct vrrp_link up = {.up = true, .has_ip4 = true, .ip4 = ip4(10, 0, (uint8_t)k, 50)};
        vrrp_link(v, k, &up, now + k * 777777);
    }
    unsigned sent = 0, ticks = 0;
    for (nsec_t end = now + 2 * NSEC_PER_SEC; (now = vrrp_deadline(v)) < end; ticks++) {
        vrrp_tick(v, now);
        while (vrrp_poll(v, &a)) {
            if (a.kind != VRRP_SEND)
                continue;
            if (last[a.id])
                assert_int_equal(now - last[a.id], 10 * CS);
            last[a.id] = now;
            sent++;
        }
    }
    assert_in_range(sent, MANY * 15, MANY * 18);
    assert_true(ticks <= sent);
    free(last);
    vrrp_destroy(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_7_1_each_check_refuses_and_counts),
        cmocka_unit_test(section_7_1_another_interface_is_another_lan),
        cmocka_unit_test(section_7_1_misconfigured_peers_are_told_and_obeyed),
        cmocka_unit_test(refusals_for_us_are_told_with_their_verdict),
        cmocka_unit_test(rfc_3768_7_1_the_interval_must_be_ours),
        cmocka_unit_test(rfc_3768_5_3_6_simple_text_is_ignored_and_told),
        cmocka_unit_test(section_8_4_2_both_versions_are_sent_at_the_configured_rate),
        cmocka_unit_test(section_8_4_2_version_2_counts_unless_its_sender_speaks_3),
        cmocka_unit_test(unicast_goes_to_each_peer_and_comes_from_none_other),
        cmocka_unit_test(tracking_lowers_the_priority_and_tells_it_at_once),
        cmocka_unit_test(section_5_2_4_the_owner_is_255_whatever_is_tracked),
        cmocka_unit_test(a_group_becomes_active_when_all_are_ready),
        cmocka_unit_test(a_group_steps_back_together),
        cmocka_unit_test(a_group_is_as_able_as_its_weakest_member),
        cmocka_unit_test(an_owner_waits_for_its_group_too),
        cmocka_unit_test(a_configuration_is_refused_with_a_message),
        cmocka_unit_test(vrids_are_taken_once_per_link_and_family),
        cmocka_unit_test(removing_an_active_one_says_priority_0_first),
        cmocka_unit_test(reconfiguring_keeps_an_active_one_active),
        cmocka_unit_test(without_a_source_address_a_family_does_not_run),
        cmocka_unit_test(four_thousand_advertise_on_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
