/* VTEPs and tunnels' ports follow the configuration, and are shown as they are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/api.h"
#include "control/weft.h"
#include "datapath/eal.h"
#include "datapath/port_ring.h"
#include "datapath/tunnel.h"

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

static struct weft *made(const char *text)
{
    struct weft *w = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
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

/* Bytes of what a broadcast from a makes come out of b; the VNI in it. 0: nothing. */
static size_t floods(struct weft *w, const char *b, unsigned *vni)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5},
            got[256];
    assert_int_equal(port_ring_inject(port(w, "a"), frame, sizeof frame), 0);
    now += NSEC_PER_MSEC;
    while (weft_step(w, now))
        continue;
    long n = (long)port_ring_take(port(w, b), got, sizeof got);
    *vni = n == 110 ? (unsigned)(got[46] << 16 | got[47] << 8 | got[48]) : 0;
    return n > 0 ? (size_t)n : 0;
}

#define NEAR                 ", neighbors: [{ip: 192.0.2.2, mac: \"02:00:00:00:ee:02\"}]"
#define VTEP(ip, port, more) "vteps:\n  - {name: v, ip: " ip ", port: " port more "}\n"
#define BRIDGES(tunnel)                                                                          \
    "bridges:\n  - name: br0\n    ports:\n      - {name: a, type: ring}\n" tunnel                \
    "      - {name: z, type: \"null\"}\n"                                                        \
    "  - name: under\n    ports:\n      - {name: u, type: ring}\n      - {name: w, type: ring, " \
    "mtu: 9000}\n"
#define T100 "      - {name: t, type: vxlan, vtep: v, key: 100, remotes: [192.0.2.2]}\n"
#define T200 "      - {name: t, type: vxlan, vtep: v, key: 200, remotes: [192.0.2.2]}\n"

static void a_tunnel_follows_the_file(void **state)
{
    (void)state;
    unsigned vni;
    struct weft *w = made(VTEP("192.0.2.1/24", "u", NEAR) BRIDGES(T100));
    struct port *t = port(w, "t");
    uint32_t no = t->ofp_no;
    assert_int_equal(floods(w, "u", &vni), 110);
    assert_int_equal(vni, 100);
    assert_int_equal(t->mtu, 1450);

    /* the underlay's port: live, and the MTU with it */
    follow(w, VTEP("192.0.2.1/24", "w", NEAR) BRIDGES(T100));
    assert_ptr_equal(port(w, "t"), t);
    assert_int_equal(t->mtu, 8950);
    assert_int_equal(floods(w, "w", &vni), 110);

    /* the VNI: the port anew, the VTEP stays */
    struct vtep *v = vtep_find(weft_switch(w), "v");
    follow(w, VTEP("192.0.2.1/24", "u", NEAR) BRIDGES(T200));
    assert_ptr_equal(vtep_find(weft_switch(w), "v"), v);
    assert_int_equal(floods(w, "u", &vni), 110);
    assert_int_equal(vni, 200);
    assert_int_equal(port(w, "t")->ofp_no, no);

    /* the address: both anew, the number stays */
    follow(w, VTEP("192.0.2.9/24", "u", NEAR) BRIDGES(T200));
    assert_int_equal(vtep_find(weft_switch(w), "v")->opt.local.ip.b[3], 9);
    assert_int_equal(port(w, "t")->ofp_no, no);
    assert_int_equal(floods(w, "u", &vni), 110);

    follow(w, BRIDGES(""));
    assert_null(vtep_find(weft_switch(w), "v"));
    assert_null(port(w, "t"));
    assert_int_equal(floods(w, "u", &vni), 0);
    assert_int_equal(rte_mempool_in_use_count(weft_switch(w)->pool), 0);
    weft_free(w);
}

static void neighbors_that_are_taken_away_are_asked_for(void **state)
{
    (void)state;
    unsigned vni;
    struct weft *w = made(VTEP("192.0.2.1/24", "u", NEAR) BRIDGES(T100));
    struct port *t = port(w, "t");
    follow(w, VTEP("192.0.2.1/24", "u", "") BRIDGES(T100));
    assert_ptr_equal(port(w, "t"), t);
    assert_int_equal(floods(w, "u", &vni), 60); /* an ARP request */
    assert_int_equal(vni, 0);
    weft_free(w);
}

static void a_failure_halfway_restores_the_vtep(void **state)
{
    (void)state;
    unsigned vni;
    struct errbuf e = {""};
    struct weft *w = made(VTEP("192.0.2.1/24", "u", NEAR) BRIDGES(T100));
    struct config *c = parsed(VTEP("192.0.2.7/24", "u", NEAR) BRIDGES(
        T200 "      - {name: bad, type: pcap, pcap_in: /nonexistent/x.pcap}\n"));
    assert_true(weft_set_config(w, c, false, &e) < 0);
    assert_int_equal(vtep_find(weft_switch(w), "v")->opt.local.ip.b[3], 1);
    assert_int_equal(floods(w, "u", &vni), 110);
    assert_int_equal(vni, 100);
    weft_free(w);
}

static json_t *ask(struct weft *w, const char *line)
{
    char *answer = api_line(w, line, strlen(line));
    json_t *j = json_loads(answer, 0, NULL), *r = json_incref(json_object_get(j, "result"));
    assert_non_null(r);
    json_decref(j);
    free(answer);
    return r;
}

static void they_are_shown(void **state)
{
    (void)state;
    struct weft *w = made(VTEP("192.0.2.1/24", "u", NEAR) BRIDGES(T100));
    json_t *r = ask(w, "{\"v\":1,\"id\":1,\"method\":\"vtep.show\"}"), *v = json_array_get(r, 0);
    json_t *remote = json_array_get(json_object_get(v, "remotes"), 0);
    assert_string_equal(json_string_value(json_object_get(v, "port")), "u");
    assert_string_equal(json_string_value(json_object_get(remote, "ip")), "192.0.2.2");
    assert_string_equal(json_string_value(json_object_get(remote, "state")), "static");
    json_decref(r);
    r = ask(w, "{\"v\":1,\"id\":1,\"method\":\"vni.show\"}");
    v = json_array_get(r, 0);
    assert_int_equal(json_integer_value(json_object_get(v, "vni")), 100);
    assert_string_equal(json_string_value(json_object_get(v, "bridge")), "br0");
    json_decref(r);
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
        cmocka_unit_test(a_tunnel_follows_the_file),
        cmocka_unit_test(neighbors_that_are_taken_away_are_asked_for),
        cmocka_unit_test(a_failure_halfway_restores_the_vtep),
        cmocka_unit_test(they_are_shown),
    };
    return cmocka_run_group_tests(tests, bring_up, NULL);
}
