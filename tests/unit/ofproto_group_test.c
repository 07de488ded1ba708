/* Groups and meters as OpenFlow means them (1.3.5, 5.6, 5.7, 6.5, 6.6), their bytes and their text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "ofproto/model/meter.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNTERS = 512 };

static struct {
    struct ofm *m;
    bool taken[COUNTERS];
    uint64_t packets[COUNTERS];
    unsigned n, limit;
    struct ofw_action actions[256];
    struct ofw_arena arena;
    struct ofm_group_text room;
    struct ofw_error e;
} b;

static uint32_t counter_get(void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < b.limit; i++)
        if (!b.taken[i]) {
            b.taken[i] = true;
            b.n++;
            return i;
        }
    return UINT32_MAX;
}

static void counter_put(void *ctx, uint32_t id)
{
    (void)ctx;
    assert_true(b.taken[id]);
    b.taken[id] = false;
    b.n--;
}

static void counter_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    (void)ctx;
    assert_true(b.taken[id]);
    *packets = b.packets[id];
    *bytes = 100 * b.packets[id];
    *used = 0;
}

static int setup(void **state)
{
    struct ofm_counters c = {NULL, counter_get, counter_put, counter_read};
    (void)state;
    memset(&b, 0, sizeof b);
    b.limit = COUNTERS;
    b.m = ofm_create(1000, &c);
    b.arena = (struct ofw_arena){.a = b.actions, .cap = 256};
    return b.m == NULL;
}

/* Every counter comes back. */
static int teardown(void **state)
{
    (void)state;
    ofm_free(b.m);
    return (int)b.n;
}

static int group(enum ofw_group_command command, const char *text)
{
    struct ofw_group_mod mod;
    struct errbuf e = {""};
    b.arena.n = 0;
    if (ofm_group_parse(text, command, NULL, &b.arena, &b.room, &mod, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    return ofm_group_mod(b.m, &mod, false, 5 * NSEC_PER_SEC, &b.e);
}

static int meter(enum ofw_meter_command command, const char *text)
{
    struct ofw_meter_mod mod;
    struct ofw_band bands[WEFT_BANDS_MAX];
    struct errbuf e = {""};
    if (ofm_meter_parse(text, command, bands, &mod, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    return ofm_meter_mod(b.m, &mod, false, 5 * NSEC_PER_SEC, &b.e);
}

static int flow(enum ofw_flow_command command, const char *text)
{
    struct ofw_flow_mod mod;
    struct errbuf e = {""};
    b.arena.n = 0;
    if (ofm_text_parse(text, command, NULL, &b.arena, &mod, &e) < 0)
        fail_msg("%s: %s", text, e.text);
    return ofm_flow_mod(b.m, &mod, false, 6 * NSEC_PER_SEC, &b.e);
}

#define REFUSED(r, t, c)               \
    do {                               \
        assert_int_equal(r, -1);       \
        assert_int_equal(b.e.type, t); \
        assert_int_equal(b.e.code, c); \
    } while (0)
#define GROUP_REFUSED(r, c) REFUSED(r, OFPET_GROUP_MOD_FAILED, c)
#define METER_REFUSED(r, c) REFUSED(r, OFPET_METER_MOD_FAILED, c)

/* ---- groups ---- */

static void add_modify_and_delete_follow_6_5(void **state)
{
    (void)state;
    assert_int_equal(group(OFPGC_ADD, "group_id=1,type=all,bucket=output:1,bucket=output:2"), 0);
    GROUP_REFUSED(group(OFPGC_ADD, "group_id=1,type=all"), OFPGMFC_GROUP_EXISTS);
    GROUP_REFUSED(group(OFPGC_MODIFY, "group_id=2,type=all"), OFPGMFC_UNKNOWN_GROUP);
    assert_int_equal(group(OFPGC_MODIFY, "group_id=1,type=indirect,bucket=output:3"), 0);
    assert_int_equal(ofm_group(b.m, 1)->type, OFPGT_INDIRECT);
    assert_int_equal(ofm_group(b.m, 1)->created_ns, 5 * NSEC_PER_SEC);
    assert_int_equal(group(OFPGC_DELETE, "group_id=7"), 0); /* none: no error */
    assert_int_equal(group(OFPGC_DELETE, "group_id=1"), 0);
    assert_int_equal(ofm_group_count(b.m), 0);
}

static struct ofw_group_mod mod_of(uint8_t type, uint16_t n, const struct ofw_bucket *k)
{
    return (struct ofw_group_mod){.type = type, .id = 9, .n = n, .buckets = k};
}

static void what_a_type_does_not_have_is_refused(void **state)
{
    (void)state;
    struct ofw_bucket k[2] = {{.watch_port = OFPP_ANY, .watch_group = OFPG_ANY, .weight = 1},
                              {.watch_port = OFPP_ANY, .watch_group = OFPG_ANY}};
    struct ofw_group_mod m = mod_of(OFPGT_ALL, 1, k);
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_INVALID_GROUP); /* a weight */
    m = mod_of(OFPGT_FF, 1, k + 1);
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_INVALID_GROUP); /* watches nothing */
    m = mod_of(OFPGT_INDIRECT, 0, k);
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_INVALID_GROUP);
    m = mod_of(4, 0, k);
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_BAD_TYPE);
    m = mod_of(OFPGT_ALL, 0, k);
    m.id = OFPG_ALL;
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_INVALID_GROUP);
    m.command = 3;
    GROUP_REFUSED(ofw_group_mod_check(&m, &b.e), OFPGMFC_BAD_COMMAND);
}

static void chains_never_loop_and_hold_what_they_name(void **state)
{
    (void)state;
    assert_int_equal(group(OFPGC_ADD, "group_id=1,type=all,bucket=output:1"), 0);
    assert_int_equal(group(OFPGC_ADD, "group_id=2,type=all,bucket=group:1,bucket=group:1"), 0);
    assert_int_equal(group(OFPGC_ADD, "group_id=3,type=ff,bucket=watch_group:2,actions=drop"), 0);
    assert_int_equal(ofm_group(b.m, 1)->groups, 2);
    GROUP_REFUSED(group(OFPGC_ADD, "group_id=4,type=all,bucket=group:4"), OFPGMFC_LOOP);
    GROUP_REFUSED(group(OFPGC_MODIFY, "group_id=1,type=all,bucket=group:3"), OFPGMFC_LOOP);
    REFUSED(group(OFPGC_ADD, "group_id=4,type=all,bucket=group:5"), OFPET_BAD_ACTION,
            OFPBAC_BAD_OUT_GROUP);
    GROUP_REFUSED(group(OFPGC_ADD, "group_id=4,type=ff,bucket=watch_group:5,actions=drop"),
                  OFPGMFC_BAD_WATCH);
    GROUP_REFUSED(group(OFPGC_DELETE, "group_id=2"), OFPGMFC_CHAINED_GROUP);
    assert_int_equal(group(OFPGC_DELETE, "group_id=3"), 0);
    assert_int_equal(group(OFPGC_DELETE, "group_id=2"), 0);
    assert_int_equal(ofm_group(b.m, 1)->groups, 0);
    assert_int_equal(group(OFPGC_DELETE, "group_id=1"), 0);
}

/* 2^30 ways through them, but each is looked at once. */
static void chains_have_a_depth(void **state)
{
    (void)state;
    char text[80];
    assert_int_equal(group(OFPGC_ADD, "group_id=100,type=all"), 0);
    for (int i = 2; i <= WEFT_GROUP_DEPTH; i++) {
        snprintf(text, sizeof text, "group_id=%d,type=all,bucket=group:%d,bucket=group:%d", 101 - i,
                 102 - i, 102 - i);
        assert_int_equal(group(OFPGC_ADD, text), 0);
    }
    snprintf(text, sizeof text, "group_id=200,type=all,bucket=group:%d", 101 - WEFT_GROUP_DEPTH);
    GROUP_REFUSED(group(OFPGC_ADD, text), OFPGMFC_CHAINING_UNSUPPORTED);
    assert_int_equal(group(OFPGC_ADD, "group_id=300,type=all"), 0);
    GROUP_REFUSED(group(OFPGC_MODIFY, "group_id=100,type=all,bucket=group:300"),
                  OFPGMFC_CHAINING_UNSUPPORTED);
    assert_int_equal(group(OFPGC_DELETE, ""), 0);
}

static void flows_go_with_their_group(void **state)
{
    struct ofw_flow_removed r;
    (void)state;
    REFUSED(flow(OFPFC_ADD, "in_port=1,actions=group:1"), OFPET_BAD_ACTION, OFPBAC_BAD_OUT_GROUP);
    assert_int_equal(group(OFPGC_ADD, "group_id=1,type=all,bucket=output:1"), 0);
    assert_int_equal(flow(OFPFC_ADD, "in_port=1,send_flow_rem,actions=group:1"), 0);
    assert_int_equal(flow(OFPFC_ADD, "in_port=2,actions=write_actions(group:1)"), 0);
    assert_int_equal(flow(OFPFC_ADD, "in_port=3,actions=output:1"), 0);
    assert_int_equal(ofm_group(b.m, 1)->flows, 2);
    assert_int_equal(flow(OFPFC_MODIFY, "in_port=3,actions=group:1"), 0);
    assert_int_equal(flow(OFPFC_MODIFY, "in_port=2,actions=drop"), 0);
    assert_int_equal(ofm_group(b.m, 1)->flows, 2);
    assert_int_equal(flow(OFPFC_DELETE, "out_group=1,in_port=3"), 0);
    assert_int_equal(ofm_flow_count(b.m), 2);
    assert_int_equal(group(OFPGC_DELETE, "group_id=1"), 0);
    assert_int_equal(ofm_flow_count(b.m), 1);
    assert_true(ofm_removed(b.m, &r));
    assert_int_equal(r.reason, OFPRR_GROUP_DELETE);
}

static void buckets_are_counted_and_counters_run_out(void **state)
{
    (void)state;
    struct ofw_count counts[WEFT_BUCKETS_MAX];
    struct ofw_group_stats s;
    b.packets[0] = b.packets[1] = b.packets[2] = 7; /* of an owner before */
    assert_int_equal(group(OFPGC_ADD, "group_id=1,type=select,bucket=output:1,bucket=output:2"), 0);
    const struct ofm_group *g = ofm_group(b.m, 1);
    b.packets[g->count.stats_id] += 3;
    b.packets[g->bucket[1].count.stats_id] += 2;
    ofm_group_stats(b.m, g, 7 * NSEC_PER_SEC, counts, &s);
    assert_int_equal(s.sum.packets, 3);
    assert_int_equal(counts[0].packets, 0);
    assert_int_equal(counts[1].bytes, 200);
    assert_int_equal(s.duration_ns, 2 * NSEC_PER_SEC);
    b.limit = b.n + 2;
    GROUP_REFUSED(group(OFPGC_ADD, "group_id=2,type=all,bucket=output:1,bucket=output:2"),
                  OFPGMFC_OUT_OF_GROUPS);
    assert_int_equal(b.n, 3);
}

/* ---- meters ---- */

static void meters_are_added_changed_and_deleted(void **state)
{
    (void)state;
    struct ofw_meter_stats s;
    assert_int_equal(meter(OFPMC_ADD, "meter=1 kbps bands=type=drop rate=10"), 0);
    METER_REFUSED(meter(OFPMC_ADD, "meter=1 pktps bands=type=drop rate=10"), OFPMMFC_METER_EXISTS);
    METER_REFUSED(meter(OFPMC_MODIFY, "meter=2 pktps"), OFPMMFC_UNKNOWN_METER);
    METER_REFUSED(flow(OFPFC_ADD, "in_port=1,actions=meter:2,output:1"), OFPMMFC_INVALID_METER);
    assert_int_equal(flow(OFPFC_ADD, "in_port=1,actions=meter:1,output:1"), 0);
    const struct ofm_meter *m = ofm_meter(b.m, 1);
    b.packets[m->count.stats_id] = 9;
    assert_int_equal(meter(OFPMC_MODIFY, "meter=1 pktps burst bands=type=drop rate=5 burst_size=2"
                                         " type=dscp_remark rate=3 prec_level=2"),
                     0);
    ofm_meter_stats(b.m, ofm_meter(b.m, 1), 7 * NSEC_PER_SEC, &s);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.packets, 9);
    assert_int_equal(s.flows, 1);
    assert_int_equal(meter(OFPMC_DELETE, "meter=1"), 0);
    assert_int_equal(ofm_flow_count(b.m), 0);
    assert_int_equal(meter(OFPMC_DELETE, "meter=all"), 0);
}

static void bad_bands_have_their_errors(void **state)
{
    (void)state;
    static const struct {
        struct ofw_band band;
        uint16_t code;
    } bad[] = {
        {{.type = 3, .rate = 1}, OFPMMFC_BAD_BAND},
        {{.type = OFPMBT_DROP}, OFPMMFC_BAD_RATE},
        {{.type = OFPMBT_DSCP_REMARK, .rate = 1}, OFPMMFC_BAD_BAND_VALUE},
        {{.type = OFPMBT_DSCP_REMARK, .rate = 1, .prec_level = 3}, OFPMMFC_BAD_BAND_VALUE},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ofw_meter_mod m = {.id = 1, .flags = OFPMF_KBPS, .n = 1, .bands = &bad[i].band};
        METER_REFUSED(ofw_meter_mod_check(&m, &b.e), bad[i].code);
    }
}

/* ---- bytes and text ---- */

static void a_group_survives_its_bytes_and_its_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "group_id=1,type=select,bucket=weight:3,actions=output:1,bucket=weight:0,actions=drop",
        "group_id=4294967040,type=ff,bucket=watch_port:2,actions=set_field:02:00:00:00:00:01->eth_"
        "dst"
        ",output:2,bucket=watch_port:1,watch_group:3,actions=group:3",
        "group_id=0,type=indirect,bucket=actions=push_pbb:0x88e7,pop_pbb,CONTROLLER:128",
        "group_id=5,type=all",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ofw_group_mod mod, back;
        static struct ofw_bucket k[OFW_BUCKETS_MAX];
        uint8_t bytes[2048];
        struct writer w = writer_of(bytes, sizeof bytes);
        struct strbuf s = {0};
        b.arena.n = 0;
        assert_int_equal(ofm_group_parse(texts[i], OFPGC_ADD, NULL, &b.arena, &b.room, &mod, NULL),
                         0);
        ofw_group_mod_encode(&w, 1, &mod);
        assert_false(w.bad);
        b.arena.n = 0;
        struct reader r = reader_of(bytes + 8, w.len - 8);
        assert_int_equal(ofw_group_mod_decode(r, &b.arena, k, &back, &b.e), 0);
        ofm_group_print(&s,
                        &(struct ofw_group_desc){.type = back.type,
                                                 .id = back.id,
                                                 .n = back.n,
                                                 .buckets = back.buckets},
                        NULL);
        assert_string_equal(strbuf_text(&s), texts[i]);
        strbuf_free(&s);
        for (size_t cut = 8; cut < w.len; cut++) { /* no cut of it is read past its end */
            b.arena.n = 0;
            r = reader_of(bytes + 8, cut - 8);
            (void)ofw_group_mod_decode(r, &b.arena, k, &back, &b.e);
        }
    }
}

static void a_meter_survives_its_bytes_and_its_text(void **state)
{
    (void)state;
    static const char text[] = "meter=7 pktps burst stats bands=type=drop rate=20 burst_size=3 "
                               "type=dscp_remark rate=10 burst_size=1 prec_level=2";
    struct ofw_band bands[WEFT_BANDS_MAX], read[WEFT_BANDS_MAX];
    struct ofw_meter_mod mod, back;
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct strbuf s = {0};
    assert_int_equal(ofm_meter_parse(text, OFPMC_ADD, bands, &mod, NULL), 0);
    ofw_meter_mod_encode(&w, 1, &mod);
    assert_int_equal(w.len, 16 + 2 * 16);
    struct reader r = reader_of(bytes + 8, w.len - 8);
    assert_int_equal(ofw_meter_mod_decode(r, read, &back, &b.e), 0);
    ofm_meter_print(&s, &back);
    assert_string_equal(strbuf_text(&s), text);
    strbuf_free(&s);
    bytes[19] = 12; /* the first band's length */
    REFUSED(ofw_meter_mod_decode(reader_of(bytes + 8, w.len - 8), read, &back, &b.e),
            OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
    bytes[17] = 9; /* its type */
    METER_REFUSED(ofw_meter_mod_decode(reader_of(bytes + 8, w.len - 8), read, &back, &b.e),
                  OFPMMFC_BAD_BAND);
}

static void bad_text_is_explained(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "type=all",
        "group_id=1",
        "group_id=x,type=all",
        "group_id=1,type=some",
        "group_id=1,type=all,bucket=weight:1,output:1",
        "group_id=1,type=all,bucket=outpt:1",
        "group_id=1,type=select,bucket=weight:70000,output:1",
        "group_id=1,type=indirect",
        "group_id=1,type=all,colour=red",
    };
    struct ofw_group_mod mod;
    struct ofw_meter_mod m;
    struct ofw_band bands[WEFT_BANDS_MAX];
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct errbuf e = {""};
        b.arena.n = 0;
        assert_int_equal(ofm_group_parse(bad[i], OFPGC_ADD, NULL, &b.arena, &b.room, &mod, &e),
                         -22);
        assert_true(e.text[0] != '\0');
    }
    assert_int_equal(ofm_meter_parse("kbps", OFPMC_ADD, bands, &m, NULL), -22);
    assert_int_equal(ofm_meter_parse("meter=1 rate=3", OFPMC_ADD, bands, &m, NULL), -22);
    assert_int_equal(ofm_meter_parse("meter=1 bands=rate=3", OFPMC_ADD, bands, &m, NULL), -22);
    assert_int_equal(ofm_meter_parse("meter=1 bands=type=drop", OFPMC_ADD, bands, &m, NULL), -22);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(add_modify_and_delete_follow_6_5),
        TEST(what_a_type_does_not_have_is_refused),
        TEST(chains_never_loop_and_hold_what_they_name),
        TEST(chains_have_a_depth),
        TEST(flows_go_with_their_group),
        TEST(buckets_are_counted_and_counters_run_out),
        TEST(meters_are_added_changed_and_deleted),
        TEST(bad_bands_have_their_errors),
        TEST(a_group_survives_its_bytes_and_its_text),
        TEST(a_meter_survives_its_bytes_and_its_text),
        TEST(bad_text_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
