/* The flow tables' semantics (1.3.5, 5.5, 6.4, 7.3.4.1), against fake counters, and against a
 * model of a few lines that does everything the slow way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "ofproto/model/model.h"

#include <stdlib.h>

enum { COUNTERS = 4096 };

struct fake {
    uint64_t packets[COUNTERS], bytes[COUNTERS];
    nsec_t used[COUNTERS];
    bool taken[COUNTERS];
    unsigned n, limit, reads;
    struct ofm *m;
};

static uint32_t counter_get(void *ctx)
{
    struct fake *f = ctx;
    for (uint32_t i = 0; i < f->limit; i++)
        if (!f->taken[i]) {
            f->taken[i] = true;
            f->n++;
            return i;
        }
    return UINT32_MAX;
}

static void counter_put(void *ctx, uint32_t id)
{
    struct fake *f = ctx;
    assert_true(f->taken[id]);
    f->taken[id] = false;
    f->n--;
}

static void counter_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    struct fake *f = ctx;
    assert_true(f->taken[id]);
    f->reads++;
    *packets = f->packets[id];
    *bytes = f->bytes[id];
    *used = f->used[id];
}

static struct fake *fake_of(uint32_t max_flows)
{
    static struct fake f;
    memset(&f, 0, sizeof f);
    f.limit = COUNTERS;
    struct ofm_counters c = {&f, counter_get, counter_put, counter_read};
    f.m = ofm_create(max_flows, &c);
    assert_non_null(f.m);
    return &f;
}

static void fake_end(struct fake *f)
{
    ofm_free(f->m);
    assert_int_equal(f->n, 0);
}

static struct ofw_flow_mod mod_of(uint8_t command, uint32_t in_port, uint16_t priority)
{
    struct ofw_flow_mod mod = {.command = command,
                               .priority = priority,
                               .buffer_id = OF_NO_BUFFER,
                               .out_port = OFPP_ANY,
                               .out_group = OFPG_ANY};
    be32 port = to_be32(in_port);
    if (in_port)
        flow_match_set(&mod.match, FF_IN_PORT, &port, NULL);
    return mod;
}

/* The list lives until the next call. */
static void output_to(struct ofw_flow_mod *mod, uint32_t port)
{
    static struct ofw_action a;
    a = (struct ofw_action){.type = OFPAT_OUTPUT, .port = port};
    mod->instr.has_apply = true;
    mod->instr.apply = (struct ofw_actions){.n = 1, .a = &a};
}

static void apply_at(struct fake *f, const struct ofw_flow_mod *mod, nsec_t now)
{
    struct ofw_error e;
    assert_int_equal(ofm_flow_mod(f->m, mod, false, now, &e), 0);
}

static void refused(struct fake *f, const struct ofw_flow_mod *mod, uint16_t type, uint16_t code)
{
    struct ofw_error e = {0};
    assert_int_equal(ofm_flow_mod(f->m, mod, false, 0, &e), -1);
    assert_int_equal(e.type, type);
    assert_int_equal(e.code, code);
    assert_non_null(e.why);
}

static bool keep_first(void *ctx, const struct ofm_flow *f)
{
    *(const struct ofm_flow **)ctx = f;
    return false;
}

static const struct ofm_flow *first(struct fake *f)
{
    const struct ofm_flow *found = NULL;
    ofm_each(f->m, OFPTT_ALL, keep_first, &found);
    return found;
}

static void add_replaces_an_identical_flow_and_keeps_its_counts(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    struct ofw_flow_removed r;
    struct ofw_flow_stats s;
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
    mod.flags = OFPFF_SEND_FLOW_REM;
    apply_at(f, &mod, 1000);
    uint64_t id = first(f)->id;
    f->packets[first(f)->stats_id] = 7;
    mod.cookie = 5;
    apply_at(f, &mod, 3000);
    assert_int_equal(ofm_flow_count(f->m), 1);
    assert_int_equal(f->n, 1);
    assert_int_not_equal(first(f)->id, id);
    assert_null(ofm_by_id(f->m, id));
    assert_false(ofm_removed(f->m, &r)); /* no flow-removed: 6.4 */
    ofm_flow_stats(f->m, first(f), 4000, &s);
    assert_int_equal(s.packets, 7);
    assert_int_equal(s.duration_ns, 1000);
    assert_int_equal(s.cookie, 5);
    mod.flags = OFPFF_RESET_COUNTS;
    apply_at(f, &mod, 5000);
    ofm_flow_stats(f->m, first(f), 5000, &s);
    assert_int_equal(s.packets, 0);
    fake_end(f);
}

static void modify_changes_nothing_but_instructions(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    struct ofw_flow_mod add = mod_of(OFPFC_ADD, 1, 10), mod = mod_of(OFPFC_MODIFY, 0, 0);
    add.cookie = 0x11;
    add.idle_s = 30;
    apply_at(f, &add, 1000);
    output_to(&mod, 9);
    mod.cookie = 0x99;
    mod.idle_s = 1;
    mod.flags = OFPFF_SEND_FLOW_REM;
    apply_at(f, &mod, 2000);
    const struct ofm_flow *flow = first(f);
    assert_int_equal(flow->cookie, 0x11);
    assert_int_equal(flow->idle_s, 30);
    assert_int_equal(flow->flags, 0);
    assert_int_equal(flow->created_ns, 1000);
    assert_int_equal(flow->modified_ns, 2000);
    assert_int_equal(flow->instr.apply.a[0].port, 9);
    mod.cookie_mask = UINT64_MAX; /* a cookie that no flow has */
    output_to(&mod, 3);
    apply_at(f, &mod, 3000);
    assert_int_equal(first(f)->instr.apply.a[0].port, 9);
    mod = mod_of(OFPFC_MODIFY_STRICT, 1, 11); /* none of that priority: not an error */
    apply_at(f, &mod, 3000);
    assert_int_equal(first(f)->modified_ns, 2000);
    fake_end(f);
}

static void delete_takes_what_the_match_covers_and_the_filters_allow(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    for (uint32_t port = 1; port <= 8; port++) {
        struct ofw_flow_mod mod = mod_of(OFPFC_ADD, port, 10);
        mod.table = (uint8_t)port;
        mod.cookie = port & 1;
        output_to(&mod, port > 4 ? 100 : 200);
        apply_at(f, &mod, 0);
    }
    struct ofw_flow_mod del = mod_of(OFPFC_DELETE, 0, 0);
    apply_at(f, &del, 0); /* table 0 is empty */
    assert_int_equal(ofm_flow_count(f->m), 8);
    del.table = OFPTT_ALL;
    del.out_port = 100;
    del.cookie = 1;
    del.cookie_mask = 1;
    apply_at(f, &del, 0);
    assert_int_equal(ofm_flow_count(f->m), 6); /* 5 and 7 are gone */
    del.out_port = OFPP_ANY;
    apply_at(f, &del, 0);
    assert_int_equal(ofm_flow_count(f->m), 4);
    del.cookie_mask = 0;
    del.out_group = 1;
    apply_at(f, &del, 0);
    assert_int_equal(ofm_flow_count(f->m), 4);
    struct ofw_flow_mod strict = mod_of(OFPFC_DELETE_STRICT, 2, 11);
    strict.table = 2;
    apply_at(f, &strict, 0);
    assert_int_equal(ofm_flow_count(f->m), 4);
    strict.priority = 10;
    apply_at(f, &strict, 0);
    assert_int_equal(ofm_flow_count(f->m), 3);
    del.out_group = OFPG_ANY;
    apply_at(f, &del, 0);
    assert_int_equal(ofm_flow_count(f->m), 0);
    fake_end(f);
}

static void refusals_carry_the_specified_error(void **state)
{
    (void)state;
    struct fake *f = fake_of(2);
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
    apply_at(f, &mod, 0);
    mod.flags = OFPFF_CHECK_OVERLAP;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
    mod = mod_of(OFPFC_ADD, 0, 10);
    mod.flags = OFPFF_CHECK_OVERLAP;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
    mod.priority = 11;
    apply_at(f, &mod, 0);
    mod = mod_of(OFPFC_ADD, 3, 10);
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL);
    mod.table = 1;
    apply_at(f, &mod, 0);
    mod.table = 254;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID);
    mod.table = 3;
    mod.instr.has_goto = true;
    mod.instr.goto_table = 3;
    refused(f, &mod, OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID);
    mod.instr.has_goto = false;
    mod.flags = 0x20;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_FLAGS);
    mod.flags = 0;
    mod.command = 9;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND);
    mod.command = OFPFC_ADD;
    output_to(&mod, OFPP_TABLE);
    refused(f, &mod, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT);
    f->limit = 0;
    mod = mod_of(OFPFC_ADD, 5, 10);
    mod.table = 9;
    refused(f, &mod, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL);
    assert_int_equal(ofm_flow_count(f->m), 3);
    fake_end(f);
}

static void flows_end_by_their_timeouts_with_final_counts(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    struct ofw_flow_removed r;
    struct ofw_flow_mod idle = mod_of(OFPFC_ADD, 1, 10), hard = mod_of(OFPFC_ADD, 2, 10);
    idle.idle_s = 10;
    hard.hard_s = 25;
    hard.idle_s = 20;
    idle.flags = hard.flags = OFPFF_SEND_FLOW_REM;
    apply_at(f, &idle, 0);
    apply_at(f, &hard, 0);
    assert_int_equal(ofm_deadline(f->m), 10 * NSEC_PER_SEC);
    f->used[0] = 9 * NSEC_PER_SEC;
    f->used[1] = 18 * NSEC_PER_SEC;
    f->packets[0] = 3;
    f->bytes[0] = 180;
    ofm_tick(f->m, 10 * NSEC_PER_SEC);
    assert_int_equal(ofm_deadline(f->m), 19 * NSEC_PER_SEC);
    assert_int_equal(ofm_flow_count(f->m), 2);
    ofm_tick(f->m, 19 * NSEC_PER_SEC);
    assert_true(ofm_removed(f->m, &r));
    assert_int_equal(r.reason, OFPRR_IDLE_TIMEOUT);
    assert_int_equal(r.packets, 3);
    assert_int_equal(r.bytes, 180);
    assert_int_equal(r.duration_ns, 19 * NSEC_PER_SEC);
    assert_int_equal(from_be32(r.match.key.in_port), 1);
    ofm_tick(f->m, 24 * NSEC_PER_SEC);
    assert_false(ofm_removed(f->m, &r));
    ofm_tick(f->m, 25 * NSEC_PER_SEC);
    assert_true(ofm_removed(f->m, &r));
    assert_int_equal(r.reason, OFPRR_HARD_TIMEOUT);
    assert_int_equal(ofm_deadline(f->m), NSEC_NEVER);
    fake_end(f);
}

static void changes_leave_marks(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    uint64_t tables[4];
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
    mod.table = 130;
    assert_false(ofm_is_dirty(f->m));
    apply_at(f, &mod, 0);
    ofm_take_dirty(f->m, tables);
    assert_int_equal(tables[2], 4);
    assert_int_equal(tables[0] | tables[1] | tables[3], 0);
    mod.command = OFPFC_MODIFY;
    mod.table = 131;
    apply_at(f, &mod, 0); /* nothing there */
    assert_false(ofm_is_dirty(f->m));
    mod.command = OFPFC_DELETE;
    mod.table = OFPTT_ALL;
    apply_at(f, &mod, 0);
    assert_true(ofm_is_dirty(f->m));
    fake_end(f);
}

static void clear_can_spare_what_was_configured(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    struct ofw_error e;
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
    assert_int_equal(ofm_flow_mod(f->m, &mod, true, 0, &e), 0);
    mod.priority = 11;
    apply_at(f, &mod, 0);
    ofm_clear(f->m, false, 0);
    assert_int_equal(ofm_flow_count(f->m), 1);
    assert_true(first(f)->persistent);
    fake_end(f);
}

/* ---- against the slow way ---- */

struct slow_flow {
    struct flow_match match;
    uint16_t priority;
    uint8_t table;
    uint64_t cookie, born;
    uint32_t out;
};

struct slow {
    struct slow_flow f[512];
    unsigned n;
    uint64_t clock;
};

static bool slow_hits(const struct slow_flow *f, const struct ofw_flow_mod *mod)
{
    bool strict = mod->command == OFPFC_MODIFY_STRICT || mod->command == OFPFC_DELETE_STRICT;
    bool add = mod->command == OFPFC_ADD;
    if (mod->table != OFPTT_ALL && mod->table != f->table)
        return false;
    if (!add && ((f->cookie ^ mod->cookie) & mod->cookie_mask))
        return false;
    if (strict || add)
        return f->priority == mod->priority && flow_match_equal(&f->match, &mod->match);
    return flow_match_covers(&mod->match, &f->match);
}

static void slow_mod(struct slow *s, const struct ofw_flow_mod *mod)
{
    uint32_t out = mod->instr.apply.n ? mod->instr.apply.a[0].port : 0;
    bool modify = mod->command == OFPFC_MODIFY || mod->command == OFPFC_MODIFY_STRICT;
    for (unsigned i = 0; i < s->n;) {
        if (!slow_hits(&s->f[i], mod))
            i++;
        else if (modify)
            s->f[i++].out = out;
        else
            s->f[i] = s->f[--s->n];
    }
    if (mod->command == OFPFC_ADD)
        s->f[s->n++] = (struct slow_flow){.match = mod->match,
                                          .priority = mod->priority,
                                          .table = mod->table,
                                          .cookie = mod->cookie,
                                          .born = ++s->clock,
                                          .out = out};
}

static int in_order(const void *a, const void *b)
{
    const struct slow_flow *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->born < y->born ? -1 : 1;
}

struct comparison {
    struct slow *s;
    unsigned at;
};

static bool same_flow(void *ctx, const struct ofm_flow *f)
{
    struct comparison *c = ctx;
    assert_true(c->at < c->s->n);
    const struct slow_flow *want = &c->s->f[c->at++];
    assert_int_equal(f->table, want->table);
    assert_int_equal(f->priority, want->priority);
    assert_int_equal(f->cookie, want->cookie);
    assert_true(flow_match_equal(&f->match, &want->match));
    assert_int_equal(f->instr.apply.n ? f->instr.apply.a[0].port : 0, want->out);
    return true;
}

static void random_mod(struct prng *p, struct ofw_flow_mod *mod)
{
    static const uint8_t commands[] = {OFPFC_ADD,           OFPFC_ADD,
                                       OFPFC_ADD,           OFPFC_ADD,
                                       OFPFC_ADD,           OFPFC_ADD,
                                       OFPFC_MODIFY,        OFPFC_MODIFY_STRICT,
                                       OFPFC_DELETE,        OFPFC_DELETE_STRICT,
                                       OFPFC_DELETE_STRICT, OFPFC_DELETE_STRICT};
    static const uint16_t priorities[] = {0, 1, 255, 256, 32768, 65535};
    *mod = mod_of(commands[prng_below(p, sizeof commands)], prng_below(p, 4),
                  priorities[prng_below(p, 6)]);
    be64 md = prng_next(p) & 3, mask = prng_next(p) & 3;
    if (prng_below(p, 2))
        flow_match_set(&mod->match, FF_METADATA, &md, &mask);
    bool any_table = mod->command >= OFPFC_DELETE && prng_below(p, 4) == 0;
    mod->table = any_table ? OFPTT_ALL : (uint8_t)(prng_below(p, 3) * 126);
    mod->cookie = prng_below(p, 4);
    mod->cookie_mask = prng_below(p, 4);
    output_to(mod, 1 + prng_below(p, 5));
}

static void random_flow_mods_agree_with_the_slow_way(void **state)
{
    (void)state;
    struct fake *f = fake_of(1000);
    struct slow s = {.n = 0};
    struct prng p = {.state = 1};
    for (unsigned i = 0; i < 20000; i++) {
        struct ofw_flow_mod mod;
        random_mod(&p, &mod);
        apply_at(f, &mod, i);
        slow_mod(&s, &mod);
        assert_int_equal(ofm_flow_count(f->m), s.n);
        if (i % 16)
            continue;
        struct comparison c = {.s = &s};
        qsort(s.f, s.n, sizeof s.f[0], in_order);
        ofm_each(f->m, OFPTT_ALL, same_flow, &c);
        assert_int_equal(c.at, s.n);
    }
    fake_end(f);
}

/* ---- portions ---- */

struct portion {
    unsigned room;
    uint64_t seen[64];
    unsigned n;
};

static bool take(void *ctx, const struct ofm_flow *f)
{
    struct portion *p = ctx;
    if (!p->room)
        return false;
    p->room--;
    p->seen[p->n++] = f->cookie;
    return true;
}

static void a_selection_goes_on_where_it_stopped_though_flows_go(void **state)
{
    (void)state;
    struct fake *f = fake_of(100);
    struct portion p = {0};
    struct ofm_cursor at = {0};
    struct ofw_multipart_req all = {.table = OFPTT_ALL,
                                    .out_port = OFPP_ANY,
                                    .out_group = OFPG_ANY};
    for (uint32_t i = 0; i < 20; i++) {
        struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 1 + i, (uint16_t)(100 - i / 7));
        mod.table = (uint8_t)(i / 12);
        mod.cookie = i;
        apply_at(f, &mod, 0);
    }
    for (bool done = false; !done;) {
        p.room = 2;
        done = ofm_select_from(f->m, &all, &at, take, &p);
        const struct ofm_flow *next = ofm_by_id(f->m, at.id);
        if (done || next->cookie % 3 == 0)
            continue;
        struct ofw_flow_mod del = mod_of(OFPFC_DELETE, (uint32_t)next->cookie + 1, 0);
        del.table = OFPTT_ALL;
        apply_at(f, &del, 0); /* the one that would have been next */
    }
    for (unsigned i = 1; i < p.n; i++)
        assert_true(p.seen[i] > p.seen[i - 1]);
    assert_int_equal(p.n, ofm_flow_count(f->m));
    assert_true(p.n < 20);
    assert_int_equal(p.seen[p.n - 1], 19);
    fake_end(f);
}

static uint32_t plenty_get(void *ctx) { return (*(uint32_t *)ctx)++; }
static void plenty_put(void *ctx, uint32_t id)
{
    (void)ctx;
    (void)id;
}
static void plenty_read(void *ctx, uint32_t id, uint64_t *packets, uint64_t *bytes, nsec_t *used)
{
    (void)ctx;
    (void)id;
    *packets = *bytes = 0;
    *used = 0;
}

static void a_hundred_thousand_flows_come_and_go(void **state)
{
    (void)state;
    uint32_t next = 0, n = 100000;
    struct ofm_counters c = {&next, plenty_get, plenty_put, plenty_read};
    struct ofm *m = ofm_create(n, &c);
    struct ofw_error e;
    struct ofw_flow_mod mod = mod_of(OFPFC_ADD, 0, 10);
    for (uint32_t i = 0; i < n; i++) {
        be64 md = i;
        flow_match_set(&mod.match, FF_METADATA, &md, NULL);
        mod.idle_s = (uint16_t)(i % 100);
        assert_int_equal(ofm_flow_mod(m, &mod, false, 0, &e), 0);
    }
    mod.command = OFPFC_DELETE_STRICT;
    for (uint32_t i = 0; i < n; i += 2) {
        be64 md = i;
        flow_match_set(&mod.match, FF_METADATA, &md, NULL);
        assert_int_equal(ofm_flow_mod(m, &mod, false, 0, &e), 0);
    }
    assert_int_equal(ofm_flow_count(m), n / 2);
    ofm_tick(m, 50 * NSEC_PER_SEC);
    assert_int_equal(ofm_flow_count(m), n / 4);
    ofm_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_replaces_an_identical_flow_and_keeps_its_counts),
        cmocka_unit_test(modify_changes_nothing_but_instructions),
        cmocka_unit_test(delete_takes_what_the_match_covers_and_the_filters_allow),
        cmocka_unit_test(refusals_carry_the_specified_error),
        cmocka_unit_test(flows_end_by_their_timeouts_with_final_counts),
        cmocka_unit_test(changes_leave_marks),
        cmocka_unit_test(clear_can_spare_what_was_configured),
        cmocka_unit_test(random_flow_mods_agree_with_the_slow_way),
        cmocka_unit_test(a_selection_goes_on_where_it_stopped_though_flows_go),
        cmocka_unit_test(a_hundred_thousand_flows_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
