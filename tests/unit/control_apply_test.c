/* What runs follows the configuration, and only what differs is touched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/port_ring.h"

static nsec_t now;

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

static struct config *parsed(const char *text)
{
    struct config *c = NULL;
    struct errbuf e = {""};
    if (config_parse(text, strlen(text), "test", &c, &e) < 0)
        fail_msg("%s", e.text);
    return c;
}

static struct weft *made(const char *text, const char *path)
{
    struct weft *w = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true,
                             .config_path = path,
                             .hash_seed = 1,
                             .log = {.sink = silent}};
    if (weft_create(&o, parsed(text), &w, &e) < 0)
        fail_msg("%s", e.text);
    return w;
}

static void follow(struct weft *w, const char *text)
{
    struct errbuf e = {""};
    if (weft_set_config(w, parsed(text), false, &e) < 0)
        fail_msg("%s", e.text);
}

static struct port *port(struct weft *w, const char *name)
{
    return port_find(weft_switch(w), name);
}

static void turn(struct weft *w)
{
    now += NSEC_PER_MSEC;
    while (weft_step(w, now))
        continue;
}

/* A broadcast from a comes out of b. */
static bool passes(struct weft *w, const char *a, const char *b)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5}, got[64];
    assert_int_equal(port_ring_inject(port(w, a), frame, sizeof frame), 0);
    turn(w);
    return port_ring_take(port(w, b), got, sizeof got) == sizeof frame &&
           memcmp(got, frame, sizeof frame) == 0;
}

#define RING(name, more) "      - {name: " name ", type: ring" more "}\n"
#define BR0              "bridges:\n  - name: br0\n    ports:\n"

static void ports_come_and_go_and_the_others_stay(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", "") RING("b", ""), NULL);
    struct port *a = port(w, "a"), *b = port(w, "b");
    assert_true(passes(w, "a", "b"));
    uint64_t before = port_stats_sum(a).rx_packets;
    follow(w, BR0 RING("a", "") RING("c", "") RING("b", "") RING("d", ", tag: 9"));
    assert_ptr_equal(port(w, "a"), a);
    assert_ptr_equal(port(w, "b"), b);
    assert_int_equal(a->ofp_no, 1);
    assert_int_equal(b->ofp_no, 2);
    assert_int_equal(port(w, "c")->ofp_no, 3);
    assert_true(passes(w, "a", "c"));
    assert_true(passes(w, "a", "b"));
    assert_int_equal(port_stats_sum(a).rx_packets, before + 2);
    follow(w, BR0 RING("a", "") RING("b", ""));
    assert_null(port(w, "c"));
    assert_ptr_equal(port(w, "a"), a);
    assert_true(passes(w, "a", "b"));
    weft_free(w);
}

static void live_keys_change_without_a_new_port(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", "") RING("b", ""), NULL);
    struct port *a = port(w, "a");
    follow(w, BR0 RING("a", ", tag: 5, max_macs: 3") RING("b", ""));
    assert_ptr_equal(port(w, "a"), a);
    assert_int_equal(a->vlan->tag, 5);
    assert_int_equal(a->vlan->mode, VLAN_ACCESS);
    assert_int_equal(a->fdb_limit, 3);
    follow(w, BR0 RING("a", ", down: true") RING("b", ""));
    assert_ptr_equal(port(w, "a"), a);
    assert_int_equal(a->vlan->mode, VLAN_TRUNK);
    assert_int_equal(a->fdb_limit, 0);
    assert_true(a->config & PORT_CFG_DOWN);
    assert_false(passes(w, "a", "b"));
    follow(w, BR0 RING("a", "") RING("b", ""));
    assert_true(passes(w, "a", "b"));
    weft_free(w);
}

static void another_kind_is_another_port_with_the_old_number(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", "") RING("b", "") RING("c", ""), NULL);
    struct port *c = port(w, "c");
    follow(w, BR0 RING("b", "") RING("c", ""));
    follow(w, BR0 "      - {name: b, type: \"null\"}\n" RING("c", ""));
    assert_string_equal(port(w, "b")->ops->type, "null");
    assert_int_equal(port(w, "b")->ofp_no, 2); /* and not 1, which is free */
    assert_ptr_equal(port(w, "c"), c);
    weft_free(w);
}

static void numbers_that_are_asked_for_are_not_given_away(void **state)
{
    (void)state;
    struct weft *w =
        made(BR0 RING("a", "") RING("b", ", ofport: 1") RING("c", ", ofport: 7"), NULL);
    assert_int_equal(port(w, "a")->ofp_no, 2);
    assert_int_equal(port(w, "b")->ofp_no, 1);
    assert_int_equal(port(w, "c")->ofp_no, 7);
    weft_free(w);
}

static void a_port_can_move_to_another_bridge(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", "") RING("b", "") "  - name: br1\n", NULL);
    struct port *b = port(w, "b");
    follow(w, BR0 RING("b", "") "  - name: br1\n    ports:\n" RING("a", ""));
    assert_string_equal(port(w, "a")->bridge->name, "br1");
    assert_ptr_equal(port(w, "b"), b);
    weft_free(w);
}

static void bridges_come_go_and_keep_the_files_order(void **state)
{
    (void)state;
    struct weft *w = made("bridges: [{name: x}, {name: y}]", NULL);
    struct of_bridge *y = weft_bridge(w, "y");
    follow(w, "bridges: [{name: z}, {name: y}]");
    assert_ptr_equal(weft_bridge(w, "y"), y);
    assert_ptr_equal(weft_bridge_at(w, 1), y);
    assert_null(weft_bridge(w, "x"));
    assert_null(weft_bridge_at(w, 2));
    follow(w, "");
    assert_null(weft_bridge_at(w, 0));
    weft_free(w);
}

static void a_failure_halfway_undoes_what_was_done(void **state)
{
    (void)state;
    const char *old = BR0 RING("a", "") RING("b", ", tag: 4");
    struct weft *w = made(old, NULL);
    struct port *b = port(w, "b");
    struct errbuf e = {""};
    /* a goes, c comes, b changes; then the device of d can't be opened */
    struct config *c =
        parsed(BR0 RING("b", ", tag: 6")
                   RING("c", "") "      - {name: d, type: pcap, pcap_in: /nonexistent.pcap}\n");
    assert_true(weft_set_config(w, c, false, &e) < 0);
    assert_non_null(strstr(e.text, "d"));
    assert_null(port(w, "c"));
    assert_null(port(w, "d"));
    assert_non_null(port(w, "a"));
    assert_int_equal(port(w, "a")->ofp_no, 1);
    assert_ptr_equal(port(w, "b"), b);
    assert_int_equal(b->vlan->tag, 4);
    assert_int_equal(weft_config(w)->bridges[0].ports_count, 2);
    weft_free(w);
}

static void an_impossible_configuration_touches_nothing(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", ""), NULL);
    struct port *a = port(w, "a");
    struct errbuf e = {""};
    struct config *c = config_copy(weft_config(w));
    assert_int_equal(config_port_set(c, "a", "tag", "5000", &e), 0);
    assert_int_equal(weft_set_config(w, c, true, &e), -EINVAL);
    assert_string_equal(e.text, "port a: tag: 5000 is not a VLAN; give 1..4094");
    assert_ptr_equal(port(w, "a"), a);
    weft_free(w);
}

static bool fdb_has(struct weft *w, const char *bridge, uint16_t vlan, const char *name)
{
    struct mac mac = {{2, 0, 0, 0, 0, 1}};
    return fdb_lookup(of_bridge_dp(weft_bridge(w, bridge))->fdb, vlan, mac) == port(w, name)->index;
}

static void static_macs_are_followed(void **state)
{
    (void)state;
    const char *with = BR0 RING("a", "")
        RING("b", "") "    fdb: {static: [{mac: \"02:00:00:00:00:01\", vlan: 3, port: b}]}\n";
    struct weft *w = made(with, NULL);
    assert_true(fdb_has(w, "br0", 3, "b"));
    follow(w, BR0 RING("a", "") RING("b", ""));
    assert_false(fdb_has(w, "br0", 3, "b"));
    follow(w, BR0 RING("a", "")
                  RING("b", "") "    fdb: {static: [{mac: \"02:00:00:00:00:01\", port: a}]}\n");
    assert_true(fdb_has(w, "br0", 0, "a"));
    weft_free(w);
}

static void changes_are_saved_and_reloaded(void **state)
{
    (void)state;
    char dir[] = "/tmp/weft-apply-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/weft.yaml", dir);
    struct weft *w = made(BR0 RING("a", ""), path);
    struct errbuf e = {""};
    struct config *c = config_copy(weft_config(w)), *file = NULL;
    struct config_port p = {.name = (char *)"b", .type = (char *)"null"};
    assert_int_equal(config_port_add(c, "br0", &p, &e), 0);
    assert_int_equal(weft_set_config(w, c, true, &e), 0);
    assert_int_equal(config_load(path, &file, &e), 0);
    assert_int_equal(file->bridges[0].ports_count, 2);
    assert_int_equal(config_port_del(file, "a", &e), 0);
    assert_int_equal(config_save(file, path, &e), 0);
    config_free(file);
    assert_int_equal(weft_reload(w, &e), 0);
    assert_null(port(w, "a"));
    assert_non_null(port(w, "b"));
    weft_free(w);
    unlink(path);
    rmdir(dir);
}

static void a_thousand_ports_come_and_go_without_loss(void **state)
{
    (void)state;
    struct weft *w = made(BR0 RING("a", "") RING("b", ""), NULL);
    unsigned free_before = rte_mempool_avail_count(weft_switch(w)->pool);
    for (int i = 0; i < 500; i++) {
        follow(w, BR0 RING("a", "") RING("x", ", tag: 3") RING("b", ""));
        assert_true(passes(w, "a", "b"));
        follow(w, BR0 RING("a", "") RING("b", ""));
        assert_true(passes(w, "a", "b"));
    }
    assert_int_equal(rte_mempool_avail_count(weft_switch(w)->pool), free_before);
    weft_free(w);
}

static int bring_up(void **state)
{
    (void)state;
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true};
    return eal_start(&o, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_come_and_go_and_the_others_stay),
        cmocka_unit_test(live_keys_change_without_a_new_port),
        cmocka_unit_test(another_kind_is_another_port_with_the_old_number),
        cmocka_unit_test(numbers_that_are_asked_for_are_not_given_away),
        cmocka_unit_test(a_port_can_move_to_another_bridge),
        cmocka_unit_test(bridges_come_go_and_keep_the_files_order),
        cmocka_unit_test(a_failure_halfway_undoes_what_was_done),
        cmocka_unit_test(an_impossible_configuration_touches_nothing),
        cmocka_unit_test(static_macs_are_followed),
        cmocka_unit_test(changes_are_saved_and_reloaded),
        cmocka_unit_test(a_thousand_ports_come_and_go_without_loss),
    };
    return cmocka_run_group_tests(tests, bring_up, NULL);
}
