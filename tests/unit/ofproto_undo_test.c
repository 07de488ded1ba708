/* Changes of a model, all of them or none: whatever is done, undone it leaves what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/strbuf.h"
#include "ofproto/model/undo.h"

#include <stdlib.h>

enum { COUNTERS = 4096 };

static struct {
    struct ofm *m;
    struct ofm_undo *u;
    bool taken[COUNTERS];
    unsigned n, next;
    struct ofw_action actions[16];
    struct ofw_bucket buckets[4];
    struct ofw_band bands[2];
} b;

/* What an id counts differs from id to id, and grows. */
static uint32_t counter_get(void *ctx)
{
    (void)ctx;
    while (b.taken[b.next % COUNTERS])
        b.next++;
    b.taken[b.next % COUNTERS] = true;
    b.n++;
    return b.next++ % COUNTERS;
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
    *packets = 1000 + id;
    *bytes = 64 * *packets;
    *used = 0;
}

static int setup(void **state)
{
    struct ofm_counters c = {NULL, counter_get, counter_put, counter_read};
    (void)state;
    memset(&b, 0, sizeof b);
    b.m = ofm_create(100, &c);
    return b.m == NULL;
}

static int teardown(void **state)
{
    (void)state;
    ofm_free(b.m);
    return (int)b.n;
}

/* ---- the whole model as text, in an order that doesn't tell the age of flows ---- */

static int by_text(const void *a, const void *c)
{
    return strcmp(*(char *const *)a, *(char *const *)c);
}

struct lines {
    char *line[600];
    unsigned n;
};

static bool add_flow(void *ctx, const struct ofm_flow *f)
{
    struct lines *l = ctx;
    struct ofw_flow_stats s;
    struct strbuf t = {0};
    ofm_flow_stats(b.m, f, 1000 * NSEC_PER_SEC, &s);
    ofm_text_stats(&t, &s, NULL);
    strbuf_addf(&t, " %d %lld", f->persistent, (long long)f->modified_ns);
    l->line[l->n++] = t.s;
    return true;
}

static void add_group(struct lines *l, const struct ofm_group *g)
{
    struct ofw_bucket buckets[8];
    struct ofw_count counts[8];
    struct ofw_group_desc d;
    struct ofw_group_stats s;
    struct strbuf t = {0};
    ofm_group_desc(g, buckets, &d);
    ofm_group_stats(b.m, g, 1000 * NSEC_PER_SEC, counts, &s);
    ofm_group_print(&t, &d, NULL);
    strbuf_addf(&t, " ref %u, %llu, %lld s, %d", s.ref_count, (unsigned long long)s.sum.packets,
                (long long)s.duration_ns, g->persistent);
    for (unsigned i = 0; i < s.n; i++)
        strbuf_addf(&t, " %llu", (unsigned long long)counts[i].bytes);
    l->line[l->n++] = t.s;
}

static void add_meter(struct lines *l, const struct ofm_meter *t)
{
    struct ofw_meter_mod config = ofm_meter_config(t);
    struct ofw_meter_stats s;
    struct strbuf text = {0};
    ofm_meter_stats(b.m, t, 1000 * NSEC_PER_SEC, &s);
    ofm_meter_print(&text, &config);
    strbuf_addf(&text, " flows %u, %llu", s.flows, (unsigned long long)s.packets);
    for (unsigned i = 0; i < s.n; i++)
        strbuf_addf(&text, " %llu", (unsigned long long)s.bands[i].bytes);
    l->line[l->n++] = text.s;
}

static char *picture(void)
{
    struct lines l = {.n = 0};
    struct strbuf all = {0};
    ofm_each(b.m, OFPTT_ALL, add_flow, &l);
    for (uint32_t i = 0; i < ofm_group_count(b.m); i++)
        add_group(&l, ofm_group_at(b.m, i));
    for (uint32_t i = 0; i < ofm_meter_count(b.m); i++)
        add_meter(&l, ofm_meter_at(b.m, i));
    qsort(l.line, l.n, sizeof l.line[0], by_text);
    for (unsigned i = 0; i < l.n; i++) {
        strbuf_addf(&all, "%s\n", l.line[i]);
        free(l.line[i]);
    }
    strbuf_adds(&all, ".");
    return all.s;
}

/* ---- random changes ---- */

static void random_actions(struct prng *p, struct ofw_actions *list)
{
    struct ofw_action *a = b.actions;
    *list = (struct ofw_actions){.n = 1, .a = a};
    a[0] = (struct ofw_action){.type = OFPAT_OUTPUT, .port = 1 + prng_below(p, 3)};
    if (prng_below(p, 3) == 0)
        a[0] = (struct ofw_action){.type = OFPAT_GROUP, .port = 1 + prng_below(p, 4)};
}

static struct ofw_flow_mod random_flow_mod(struct prng *p)
{
    struct ofw_flow_mod mod = {
        .command = prng_below(p, 3) ? OFPFC_ADD : (uint8_t)prng_below(p, 5),
        .table = (uint8_t)prng_below(p, 3),
        .priority = (uint16_t)prng_below(p, 3),
        .cookie = prng_below(p, 4),
        .flags = (uint16_t)prng_below(p, 8),
        .idle_s = (uint16_t)(prng_below(p, 2) * 60),
        .hard_s = (uint16_t)(prng_below(p, 2) * 90),
        .buffer_id = OF_NO_BUFFER,
        .out_port = prng_below(p, 4) ? OFPP_ANY : 1,
        .out_group = OFPG_ANY,
    };
    be32 port = to_be32(1 + prng_below(p, 6));
    if (prng_below(p, 4))
        flow_match_set(&mod.match, FF_IN_PORT, &port, NULL);
    mod.instr.has_apply = true;
    random_actions(p, &mod.instr.apply);
    mod.instr.has_meter = prng_below(p, 4) == 0;
    mod.instr.meter = 1 + prng_below(p, 3);
    return mod;
}

static struct ofw_group_mod random_group_mod(struct prng *p)
{
    static const uint16_t commands[] = {OFPGC_ADD, OFPGC_ADD, OFPGC_MODIFY, OFPGC_DELETE};
    struct ofw_group_mod mod = {.command = commands[prng_below(p, 4)],
                                .type = OFPGT_ALL,
                                .id = 1 + prng_below(p, 4),
                                .n = 1,
                                .buckets = b.buckets};
    if (mod.command == OFPGC_DELETE && prng_below(p, 4) == 0)
        mod.id = OFPG_ALL;
    b.buckets[0] = (struct ofw_bucket){.watch_port = OFPP_ANY, .watch_group = OFPG_ANY};
    random_actions(p, &b.buckets[0].actions);
    return mod;
}

static struct ofw_meter_mod random_meter_mod(struct prng *p)
{
    struct ofw_meter_mod mod = {.command = (uint16_t)prng_below(p, 3),
                                .flags = OFPMF_KBPS,
                                .id = 1 + prng_below(p, 3),
                                .n = 1,
                                .bands = b.bands};
    if (mod.command == OFPMC_DELETE && prng_below(p, 4) == 0)
        mod.id = OFPM_ALL;
    b.bands[0] = (struct ofw_band){.type = OFPMBT_DROP, .rate = 1 + prng_below(p, 9)};
    return mod;
}

/* Directly when there is no undo. */
static int random_change(struct prng *p, nsec_t now)
{
    struct ofw_error e;
    unsigned kind = prng_below(p, 8);
    if (kind == 0) {
        struct ofw_group_mod g = random_group_mod(p);
        return b.u ? ofm_undo_group_mod(b.u, &g, now, &e) : ofm_group_mod(b.m, &g, true, now, &e);
    }
    if (kind == 1) {
        struct ofw_meter_mod t = random_meter_mod(p);
        return b.u ? ofm_undo_meter_mod(b.u, &t, now, &e) : ofm_meter_mod(b.m, &t, true, now, &e);
    }
    struct ofw_flow_mod f = random_flow_mod(p);
    return b.u ? ofm_undo_flow_mod(b.u, &f, now, &e) : ofm_flow_mod(b.m, &f, kind & 1, now, &e);
}

static void what_is_undone_was_never_done(void **state)
{
    (void)state;
    struct prng p = {.state = 7};
    struct ofw_flow_removed ignored;
    for (unsigned round = 0; round < 600; round++) {
        nsec_t now = (1 + round) * NSEC_PER_MSEC;
        for (unsigned i = 0; i < 10; i++)
            (void)random_change(&p, now);
        char *before = picture();
        unsigned counters = b.n;
        b.u = ofm_undo_create(b.m, 1 << 20);
        for (unsigned i = 0; i < 15; i++)
            (void)random_change(&p, now);
        assert_int_equal(ofm_undo_back(b.u, now), 0);
        while (ofm_removed(b.m, &ignored))
            ;
        ofm_undo_free(b.u);
        b.u = NULL;
        char *after = picture();
        assert_string_equal(before, after);
        assert_int_equal(b.n, counters);
        free(before);
        free(after);
    }
}

static void a_change_too_big_to_be_undone_is_refused(void **state)
{
    (void)state;
    struct prng p = {.state = 3};
    struct ofw_error e = {0};
    struct ofw_flow_mod all = {.command = OFPFC_DELETE,
                               .table = OFPTT_ALL,
                               .buffer_id = OF_NO_BUFFER,
                               .out_port = OFPP_ANY,
                               .out_group = OFPG_ANY};
    while (ofm_flow_count(b.m) < 8)
        (void)random_change(&p, 1);
    char *before = picture();
    b.u = ofm_undo_create(b.m, 500);
    assert_int_equal(ofm_undo_flow_mod(b.u, &all, 2, &e), -1);
    assert_int_equal(e.type, OFPET_FLOW_MOD_FAILED);
    ofm_undo_free(b.u);
    b.u = NULL;
    char *after = picture();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_undone_was_never_done, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_too_big_to_be_undone_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
