#include "datapath/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "datapath/table_internal.h"
#include "tests/unit/support_oracle.h"

#ifdef __SANITIZE_ADDRESS__
enum { TABLES = 150, PACKETS = 1000 }; /* slow there: the others are looked up without */
#else
enum { TABLES = 1000, PACKETS = 1000 };
#endif

static struct rule *rule_in_port(uint32_t port, uint16_t priority)
{
    struct rule *r = rule_create(NULL, 0, NULL, 0);
    assert_non_null(r);
    be32 v = to_be32(port);
    flow_match_set(&r->match, FF_IN_PORT, &v, NULL);
    r->priority = priority;
    return r;
}

static struct rule *rule_all(uint16_t priority)
{
    struct rule *r = rule_create(NULL, 0, NULL, 0);
    assert_non_null(r);
    r->priority = priority;
    return r;
}

static struct flow_key key_in_port(uint32_t port)
{
    struct flow_key k = {.in_port = to_be32(port)};
    return k;
}

/* ------------------------------------------------------------ against the oracle */

/* Packets in bursts of every size, each then alone. Returns the number of disagreements. */
static unsigned compare(const struct oracle_table *o, const struct table *t, unsigned packets,
                        struct prng *r)
{
    struct flow_key keys[WEFT_BURST];
    const struct flow_key *k[WEFT_BURST];
    const struct rule *got[WEFT_BURST];
    unsigned wrong = 0;
    for (unsigned done = 0; done < packets;) {
        unsigned n = 1 + prng_below(r, WEFT_BURST);
        for (unsigned i = 0; i < n; i++) {
            oracle_packet(o, &keys[i], r);
            k[i] = &keys[i];
        }
        table_lookup_burst(t, k, n, TABLE_NEWEST, got);
        for (unsigned i = 0; i < n; i++)
            wrong += !oracle_agrees(o, k[i], got[i]);
        wrong += table_lookup(t, k[0], TABLE_NEWEST) != got[0];
        done += n;
    }
    return wrong;
}

/* A table owns its rules, so each template gets the same case from the same seed. */
static bool try_template(uint64_t seed, enum table_kind kind, unsigned packets)
{
    struct prng r = {seed};
    struct oracle_table *o = malloc(sizeof *o);
    assert_non_null(o);
    enum oracle_style style = (enum oracle_style)prng_below(&r, STYLE_COUNT);
    static const uint32_t sizes[] = {4, 10, 40, 100, 300};
    oracle_make(o, style, sizes[prng_below(&r, 5)], &r);
    struct table *t =
        kind == TABLE_ANY ? table_build(o->rules, o->n) : table_build_as(kind, o->rules, o->n);
    bool built = t != NULL;
    unsigned wrong = built ? compare(o, t, packets, &r) : 0;
    if (wrong != 0)
        fail_msg("seed %#lx: style %d, %u rules, template %s: %u lookups differ from the oracle",
                 seed, style, o->n, table_kind_name(table_describe(t).kind), wrong);
    if (!built)
        oracle_free(o);
    table_release(t);
    free(o);
    return built;
}

static void every_template_agrees_with_the_oracle(void **state)
{
    (void)state;
    static const enum table_kind kinds[] = {TABLE_DIRECT, TABLE_EXACT, TABLE_TUPLES};
    unsigned built[3] = {0};
    for (uint64_t seed = 1; seed <= TABLES; seed++) {
        for (unsigned i = 0; i < 3; i++)
            built[i] += try_template(seed * 7919, kinds[i], PACKETS);
        assert_true(try_template(seed * 7919, TABLE_ANY, PACKETS));
    }
    assert_int_equal(built[0], TABLES);
    assert_int_equal(built[2], TABLES);
    assert_true(built[1] > TABLES / 10); /* those with one mask */
}

static void a_large_table_agrees_with_the_oracle(void **state)
{
    (void)state;
    for (enum oracle_style style = 0; style < STYLE_COUNT; style++) {
        struct prng r = {style + 100};
        struct oracle_table *o = malloc(sizeof *o);
        assert_non_null(o);
        oracle_make(o, style, 2000, &r);
        struct table *t = table_build(o->rules, o->n);
        assert_non_null(t);
        assert_int_equal(compare(o, t, 1000, &r), 0);
        table_release(t);
        free(o);
    }
}

/* ------------------------------------------------------------ choice and corners */

static struct table *table_of(struct rule **rules, uint32_t n, enum table_kind expected)
{
    struct table *t = table_build(rules, n);
    assert_non_null(t);
    assert_int_equal(table_describe(t).kind, expected);
    return t;
}

static void an_empty_table_matches_nothing(void **state)
{
    (void)state;
    struct table *t = table_of(NULL, 0, TABLE_EMPTY);
    struct flow_key k = key_in_port(1);
    assert_null(table_lookup(t, &k, TABLE_NEWEST));
    table_release(t);
}

static void the_rules_choose_the_template(void **state)
{
    (void)state;
    struct rule *rules[40];
    for (uint32_t i = 0; i < 8; i++)
        rules[i] = rule_in_port(i, 10);
    table_release(table_of(rules, 8, TABLE_DIRECT));
    for (uint32_t i = 0; i < 40; i++)
        rules[i] = i == 0 ? rule_all(0) : rule_in_port(i, 10);
    struct table *t = table_of(rules, 40, TABLE_EXACT);
    assert_int_equal(table_describe(t).n_masks, 1);
    table_release(t);
    for (uint32_t i = 0; i < 40; i++)
        rules[i] = rule_in_port(i, 10);
    rules[3]->match.mask.in_port = to_be32(0xffff);
    t = table_of(rules, 40, TABLE_TUPLES);
    assert_int_equal(table_describe(t).n_masks, 2);
    table_release(t);
}

static void two_masks_do_not_fit_the_exact_template(void **state)
{
    (void)state;
    struct rule *rules[2] = {rule_in_port(1, 1), rule_in_port(2, 1)};
    rules[1]->match.mask.in_port = to_be32(0xffff);
    assert_null(table_build_as(TABLE_EXACT, rules, 2));
    rule_free(rules[0]);
    rule_free(rules[1]);
}

static void a_match_all_rule_wins_by_its_priority(void **state)
{
    (void)state;
    static const enum table_kind kinds[] = {TABLE_DIRECT, TABLE_EXACT, TABLE_TUPLES};
    for (unsigned i = 0; i < 3; i++) {
        struct rule *rules[] = {rule_in_port(1, 10), rule_all(50), rule_in_port(2, 100),
                                rule_all(0), rule_in_port(3, 50)};
        struct table *t = table_build_as(kinds[i], rules, 5);
        assert_non_null(t);
        struct flow_key k[] = {key_in_port(1), key_in_port(2), key_in_port(3), key_in_port(4)};
        assert_ptr_equal(table_lookup(t, &k[0], TABLE_NEWEST), rules[1]);
        assert_ptr_equal(table_lookup(t, &k[1], TABLE_NEWEST), rules[2]);
        assert_ptr_equal(table_lookup(t, &k[2], TABLE_NEWEST), rules[4]);
        assert_ptr_equal(table_lookup(t, &k[3], TABLE_NEWEST), rules[1]);
        assert_int_equal(table_describe(t).n_rules, 5);
        table_release(t);
    }
}

static void of_rules_with_one_match_the_highest_wins(void **state)
{
    (void)state;
    static const enum table_kind kinds[] = {TABLE_DIRECT, TABLE_EXACT, TABLE_TUPLES};
    for (unsigned i = 0; i < 3; i++) {
        struct rule *rules[] = {rule_in_port(1, 10), rule_in_port(1, 30), rule_in_port(1, 20)};
        struct table *t = table_build_as(kinds[i], rules, 3);
        assert_non_null(t);
        struct flow_key k = key_in_port(1);
        assert_ptr_equal(table_lookup(t, &k, TABLE_NEWEST), rules[1]);
        table_release(t);
    }
}

static void the_last_reference_frees_the_table(void **state)
{
    (void)state;
    struct rule *r = rule_in_port(1, 1);
    struct table *t = table_of(&r, 1, TABLE_DIRECT);
    assert_ptr_equal(table_ref(t), t);
    table_release(t);
    struct flow_key k = key_in_port(1);
    assert_ptr_equal(table_lookup(t, &k, TABLE_NEWEST), r);
    table_release(t);
    assert_null(table_ref(NULL));
    table_release(NULL);
}

static void a_rule_keeps_its_operations_in_one_piece(void **state)
{
    (void)state;
    struct op apply[2] = {{.code = OP_POP_VLAN}, {.code = OP_OUTPUT, .port = 7}};
    struct op write = {.code = OP_OUTPUT, .port = 9};
    struct rule *r = rule_create(apply, 2, &write, 1);
    assert_int_equal(r->apply.n, 2);
    assert_int_equal(r->apply.ops[1].port, 7);
    assert_int_equal(r->write.ops[0].port, 9);
    assert_int_equal(r->goto_table, RULE_NO_GOTO);
    rule_free(r);
}

/* The bound of a probe comes from the build: few buckets even for many rules, under any key. */
static void a_hundred_thousand_rules_build_fast_and_probe_little(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct rule **rules = malloc(N * sizeof(struct rule *));
    assert_non_null(rules);
    for (uint32_t i = 0; i < N; i++)
        rules[i] = rule_in_port(i * 977, 10);
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    struct table *t = table_of(rules, N, TABLE_EXACT);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    struct table_info info = table_describe(t);
    print_message("100000 rules: built in %.3f s, worst probe %u, %lu bytes a rule\n", s,
                  info.worst_probes, info.bytes / N);
    assert_true(s < 1.0);
    assert_true(info.worst_probes <= 8);
    for (uint32_t i = 0; i < N; i += 97) {
        struct flow_key k = key_in_port(i * 977);
        assert_ptr_equal(table_lookup(t, &k, TABLE_NEWEST), rules[i]);
    }
    table_release(t);
    free(rules);
}

/* ------------------------------------------------------------ programs */

static void a_program_knows_the_fields_of_its_tables(void **state)
{
    (void)state;
    struct rule *a = rule_in_port(1, 1), *b = rule_all(1);
    be16 type = to_be16(0x0800);
    flow_match_set(&b->match, FF_ETH_TYPE, &type, NULL);
    struct program *p = program_create();
    program_set_table(p, 0, table_build(&a, 1));
    program_set_table(p, 7, table_build(&b, 1));
    program_set_table(p, 5, NULL);
    assert_int_equal(p->n_tables, 8);
    program_seal(p, NULL, 1);
    struct flow_key want = {.in_port = 0xffffffff, .eth_type = 0xffff};
    assert_memory_equal(p->fields_used, want.w, sizeof want.w);
    program_free(p);
    program_free(NULL);
}

static void the_normal_program_outputs_everything_to_normal(void **state)
{
    (void)state;
    struct program *p = program_normal();
    struct flow_key k = key_in_port(3);
    const struct rule *r = table_lookup(p->tables[0], &k, TABLE_NEWEST);
    assert_non_null(r);
    assert_int_equal(r->apply.n, 1);
    assert_int_equal(r->apply.ops[0].code, OP_OUTPUT);
    assert_int_equal(r->apply.ops[0].port, OFPP_NORMAL);
    assert_int_equal(r->stats_id, UINT32_MAX);
    assert_false(r->is_miss);
    program_free(p);
}

static void slots_follow_the_order_of_the_action_set(void **state)
{
    (void)state;
    assert_true(op_slot(OP_COPY_TTL_IN) < op_slot(OP_POP_VLAN));
    assert_int_equal(op_slot(OP_POP_VLAN), op_slot(OP_POP_MPLS));
    assert_true(op_slot(OP_POP_MPLS) < op_slot(OP_PUSH_MPLS));
    assert_true(op_slot(OP_PUSH_MPLS) < op_slot(OP_PUSH_VLAN));
    assert_true(op_slot(OP_PUSH_VLAN) < op_slot(OP_COPY_TTL_OUT));
    assert_true(op_slot(OP_COPY_TTL_OUT) < op_slot(OP_DEC_IP_TTL));
    assert_true(op_slot(OP_DEC_MPLS_TTL) < op_slot(OP_SET_FIELD));
    assert_int_equal(op_slot(OP_SET_IP_TTL), SLOT_SET);
    assert_int_equal(op_slot(OP_OUTPUT), SLOT_OUTPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_template_agrees_with_the_oracle),
        cmocka_unit_test(a_large_table_agrees_with_the_oracle),
        cmocka_unit_test(an_empty_table_matches_nothing),
        cmocka_unit_test(the_rules_choose_the_template),
        cmocka_unit_test(two_masks_do_not_fit_the_exact_template),
        cmocka_unit_test(a_match_all_rule_wins_by_its_priority),
        cmocka_unit_test(of_rules_with_one_match_the_highest_wins),
        cmocka_unit_test(the_last_reference_frees_the_table),
        cmocka_unit_test(a_rule_keeps_its_operations_in_one_piece),
        cmocka_unit_test(a_hundred_thousand_rules_build_fast_and_probe_little),
        cmocka_unit_test(a_program_knows_the_fields_of_its_tables),
        cmocka_unit_test(the_normal_program_outputs_everything_to_normal),
        cmocka_unit_test(slots_follow_the_order_of_the_action_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
