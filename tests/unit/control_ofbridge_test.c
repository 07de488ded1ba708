/* A bridge's OpenFlow side: NORMAL on its own, the configuration's flows, saving, timeouts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "control/weft_priv.h"
#include "datapath/eal.h"
#include "datapath/port_ring.h"

#define PORTS                                                                    \
    "    ports:\n      - {name: a, type: ring}\n      - {name: b, type: ring}\n" \
    "      - {name: c, type: ring}\n"
#define BR0 "bridges:\n  - name: br0\n"

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

static void turn(struct weft *w, nsec_t by)
{
    now += by;
    while (weft_step(w, now))
        continue;
}

static bool passes(struct weft *w, const char *from, const char *to)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5}, got[64];
    struct port *p = port_find(weft_switch(w), from);
    assert_int_equal(port_ring_inject(p, frame, sizeof frame), 0);
    turn(w, NSEC_PER_MSEC);
    bool came = false;
    for (const char *name = "abc"; *name; name++) {
        char one[2] = {*name, '\0'};
        bool got_it = port_ring_take(port_find(weft_switch(w), one), got, sizeof got) > 0;
        came = came || (got_it && !strcmp(one, to));
    }
    return came;
}

static bool add_text(void *ctx, const struct ofm_flow *f)
{
    ofm_text_flow(ctx, f, NULL);
    strbuf_adds(ctx, "\n");
    return true;
}

static unsigned flows(struct weft *w)
{
    return ofm_flow_count(of_bridge_model(weft_bridge(w, "br0")));
}

static void flow(struct weft *w, const char *text, enum ofw_flow_command cmd)
{
    struct errbuf e = {""};
    if (of_bridge_flow(weft_bridge(w, "br0"), text, cmd, true, &e) < 0)
        fail_msg("%s", e.text);
}

static void a_bridge_on_its_own_has_one_normal_flow(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS, NULL);
    struct strbuf s = {0};
    ofm_each(of_bridge_model(weft_bridge(w, "br0")), OFPTT_ALL, add_text, &s);
    assert_int_equal(flows(w), 1);
    assert_non_null(strstr(strbuf_text(&s), "NORMAL"));
    strbuf_free(&s);
    assert_true(passes(w, "a", "b"));
    weft_free(w);
}

static void a_secure_bridge_without_flows_forwards_nothing(void **state)
{
    (void)state;
    struct weft *w = made(BR0 "    fail_mode: secure\n" PORTS, NULL);
    assert_int_equal(flows(w), 0);
    assert_false(passes(w, "a", "b"));
    weft_free(w);
}

static void configured_flows_replace_normal_and_are_followed(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS "    flows: [\"in_port=a,actions=output:b\"]\n", NULL);
    assert_int_equal(flows(w), 1);
    assert_true(passes(w, "a", "b"));
    assert_false(passes(w, "b", "a"));
    follow(w, BR0 PORTS "    flows: [\"in_port=a,actions=output:c\", \"in_port=b,actions=a\"]\n");
    assert_int_equal(flows(w), 2);
    assert_false(passes(w, "a", "b"));
    assert_true(passes(w, "a", "c"));
    assert_true(passes(w, "b", "a"));
    follow(w, BR0 PORTS);
    assert_int_equal(flows(w), 1);
    assert_true(passes(w, "c", "a"));
    weft_free(w);
}

static struct ofm *counted;

static bool most_packets(void *ctx, const struct ofm_flow *f)
{
    struct ofw_flow_stats s;
    uint64_t *most = ctx;
    ofm_flow_stats(counted, f, now, &s);
    *most = s.packets > *most ? s.packets : *most;
    return true;
}

static void a_flow_that_stays_keeps_its_counters(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS "    flows: [\"in_port=a,actions=b\"]\n", NULL);
    assert_true(passes(w, "a", "b"));
    follow(w, BR0 PORTS "    flows: [\"in_port=b,actions=a\", \"in_port=a,actions=b\"]\n");
    assert_true(passes(w, "a", "b"));
    uint64_t packets = 0;
    counted = of_bridge_model(weft_bridge(w, "br0"));
    ofm_each(counted, OFPTT_ALL, most_packets, &packets);
    assert_int_equal(packets, 2);
    weft_free(w);
}

static void flows_given_by_weftctl_are_saved_with_the_normal_one(void **state)
{
    (void)state;
    char dir[] = "/tmp/weft-flows-XXXXXX", path[64];
    struct errbuf e = {""};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/weft.yaml", dir);
    struct weft *w = made(BR0 PORTS, path);
    flow(w, "priority=5,in_port=a,actions=drop", OFPFC_ADD);
    assert_int_equal(weft_save_flows(w, &e), 0);
    assert_int_equal(weft_config(w)->bridges[0].flows_count, 2);
    turn(w, NSEC_PER_SEC);
    assert_int_equal(flows(w), 2);
    assert_false(passes(w, "a", "b"));
    assert_true(passes(w, "c", "b"));
    weft_free(w);
    struct config *c = NULL;
    assert_int_equal(config_load(path, &c, &e), 0);
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    assert_int_equal(weft_create(&o, c, &w, &e), 0);
    now = 0;
    assert_int_equal(flows(w), 2);
    assert_false(passes(w, "a", "b"));
    assert_true(passes(w, "c", "b"));
    weft_free(w);
    unlink(path);
    rmdir(dir);
}

static void a_batch_is_seen_at_its_end(void **state)
{
    (void)state;
    struct weft *w = made(BR0 "    fail_mode: secure\n" PORTS, NULL);
    struct of_bridge *b = weft_bridge(w, "br0");
    of_bridge_batch(b, true);
    flow(w, "in_port=a,actions=b", OFPFC_ADD);
    assert_false(passes(w, "a", "b"));
    of_bridge_batch(b, false);
    assert_true(passes(w, "a", "b"));
    weft_free(w);
}

static void flows_time_out_on_the_switchs_clock(void **state)
{
    (void)state;
    struct weft *w = made(BR0 "    fail_mode: secure\n" PORTS, NULL);
    flow(w, "hard_timeout=5,in_port=a,actions=b", OFPFC_ADD);
    turn(w, 4 * NSEC_PER_SEC);
    assert_true(passes(w, "a", "b"));
    turn(w, 2 * NSEC_PER_SEC);
    assert_int_equal(flows(w), 0);
    assert_false(passes(w, "a", "b"));
    weft_free(w);
}

static void bad_flows_are_refused_by_name(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS, NULL);
    struct errbuf e = {""};
    assert_true(of_bridge_flow(weft_bridge(w, "br0"), "in_port=zz,actions=b", OFPFC_ADD, true, &e) <
                0);
    assert_non_null(strstr(e.text, "zz"));
    struct config *c = NULL;
    static const char text[] = BR0 PORTS "    flows:\n      - in_port=a,actions=b\n"
                                         "      - in_port=a,actions=zz\n";
    assert_int_equal(config_parse(text, strlen(text), "weft.yaml", &c, &e), -EINVAL);
    assert_non_null(strstr(e.text, "weft.yaml:9: bridges[0].flows[1]: bridge br0: "
                                   "\"in_port=a,actions=zz\": "));
    weft_free(w);
}

static void packet_out_sends_what_it_is_given(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS, NULL);
    struct of_bridge *b = weft_bridge(w, "br0");
    struct errbuf e = {""};
    uint8_t frame[4000] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x88, 0xb5}, got[4096];
    memset(frame + 14, 0x5a, sizeof frame - 14);
    assert_int_equal(of_bridge_packet_out(b, NULL, "output:b", frame, 60, &e), 0);
    assert_int_equal(port_ring_take(port_find(weft_switch(w), "b"), got, sizeof got), 60);
    assert_memory_equal(got, frame, 60);
    assert_int_equal(of_bridge_packet_out(b, "zz", "output:b", frame, 60, &e), -ENOENT);
    assert_int_equal(of_bridge_packet_out(b, "a", "output:b", frame, 10, &e), -EINVAL);
    /* longer than one buffer: of_frame() chains them */
    struct rte_mbuf *m = of_frame(b, frame, sizeof frame);
    assert_non_null(m);
    assert_int_equal(m->pkt_len, sizeof frame);
    assert_memory_equal(rte_pktmbuf_read(m, 0, sizeof frame, got), frame, sizeof frame);
    rte_pktmbuf_free(m);
    weft_free(w);
}

static void a_buffer_is_given_back_once(void **state)
{
    (void)state;
    struct weft *w = made(BR0 PORTS, NULL);
    struct of_bridge *b = weft_bridge(w, "br0");
    uint8_t frame[60] = {0};
    uint32_t in_port = 0, first = of_buffer_put(b, of_frame(b, frame, 60), 3, now);
    struct rte_mbuf *m;
    struct ofw_error err;
    assert_int_equal(of_buffer_take(b, first + 1, &m, &in_port, &err), -1);
    assert_int_equal(err.code, OFPBRC_BUFFER_UNKNOWN);
    assert_int_equal(of_buffer_take(b, first, &m, &in_port, &err), 0);
    assert_int_equal(in_port, 3);
    rte_pktmbuf_free(m);
    assert_int_equal(of_buffer_take(b, first, &m, &in_port, &err), -1);
    assert_int_equal(err.code, OFPBRC_BUFFER_EMPTY);
    for (int i = 0; i < WEFT_OF_BUFFERS; i++)
        of_buffer_put(b, of_frame(b, frame, 60), 1, now);
    assert_int_equal(of_buffer_take(b, first, &m, &in_port, &err), -1);
    assert_int_equal(err.code, OFPBRC_BUFFER_UNKNOWN);
    turn(w, 6 * NSEC_PER_SEC);
    assert_int_equal(of_buffer_age(b, now), NSEC_NEVER); /* all of them too old */
    weft_free(w);
}

static void features_and_ports_are_described(void **state)
{
    (void)state;
    struct weft *w = made(BR0 "    datapath_id: \"00000000000000b0\"\n" PORTS, NULL);
    struct of_bridge *b = weft_bridge(w, "br0");
    struct ofw_features f;
    struct ofw_port p[4];
    b->host.features(b, &f);
    assert_int_equal(f.datapath_id, 0xb0);
    assert_int_equal(f.n_buffers, WEFT_OF_BUFFERS);
    assert_int_equal(b->host.ports(b, p, 4), 3);
    assert_int_equal(p[1].no, 2);
    assert_string_equal(p[1].name, "b");
    assert_true(b->host.port_exists(b, 3));
    assert_false(b->host.port_exists(b, 4));
    struct ofw_port_mod mod = {.no = 2,
                               .hw_addr = p[1].hw_addr,
                               .config = OFPPC_NO_FWD,
                               .mask = OFPPC_NO_FWD};
    struct ofw_error err;
    assert_int_equal(b->host.port_mod(b, &mod, &err), 0);
    assert_false(passes(w, "a", "b"));
    mod.hw_addr.b[5] ^= 1;
    assert_int_equal(b->host.port_mod(b, &mod, &err), -1);
    assert_int_equal(err.code, OFPPMFC_BAD_HW_ADDR);
    weft_free(w);
}

static int bring_up(void **state)
{
    (void)state;
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true};
    return eal_start(&o, NULL, NULL);
}

static int restart_clock(void **state)
{
    (void)state;
    now = 0;
    return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, restart_clock)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bridge_on_its_own_has_one_normal_flow),
        TEST(a_secure_bridge_without_flows_forwards_nothing),
        TEST(configured_flows_replace_normal_and_are_followed),
        TEST(a_flow_that_stays_keeps_its_counters),
        TEST(flows_given_by_weftctl_are_saved_with_the_normal_one),
        TEST(a_batch_is_seen_at_its_end),
        TEST(flows_time_out_on_the_switchs_clock),
        TEST(bad_flows_are_refused_by_name),
        TEST(packet_out_sends_what_it_is_given),
        TEST(a_buffer_is_given_back_once),
        TEST(features_and_ports_are_described),
    };
    return cmocka_run_group_tests(tests, bring_up, NULL);
}
