#include "ofproto/compile/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "datapath/table.h"
#include "ofproto/compile/internal.h"
#include "ofproto/model/meter.h"

/* ------------------------------------------------------------ a model of a few flows */

struct ofm {
    struct ofm_flow *flows[16];
    unsigned n;
    uint64_t dirty[4];
    void *image[16], *fresh[16];
    bool changed[16], ended[16];
};

void ofm_take_dirty(struct ofm *m, uint64_t tables[4])
{
    memcpy(tables, m->dirty, sizeof m->dirty);
    memset(m->dirty, 0, sizeof m->dirty);
}

void ofm_each_change(const struct ofm *m, bool (*fn)(void *ctx, const struct ofm_change *c),
                     void *ctx)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct ofm_change c = {.flow = m->flows[i],
                               .ended = m->ended[i],
                               .image = m->image[i],
                               .fresh = (void **)&m->fresh[i]};
        if (m->changed[i] && !fn(ctx, &c))
            return;
    }
}

void ofm_changes_done(struct ofm *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        if (m->changed[i])
            m->image[i] = m->fresh[i];
        m->changed[i] = false;
        m->fresh[i] = NULL;
    }
}

void ofm_forget_images(struct ofm *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        m->image[i] = NULL;
        m->changed[i] = !m->ended[i];
    }
}

/* No groups, no meters. */
uint32_t ofm_group_count(const struct ofm *m)
{
    (void)m;
    return 0;
}
uint64_t ofm_group_version(const struct ofm *m)
{
    (void)m;
    return 0;
}
const struct ofm_group *ofm_group_at(const struct ofm *m, uint32_t i)
{
    (void)m, (void)i;
    return NULL;
}
uint32_t ofm_meter_count(const struct ofm *m)
{
    (void)m;
    return 0;
}
uint64_t ofm_meter_version(const struct ofm *m)
{
    (void)m;
    return 0;
}
const struct ofm_meter *ofm_meter_at(const struct ofm *m, uint32_t i)
{
    (void)m, (void)i;
    return NULL;
}

static void put(struct ofm *m, struct ofm_flow *f, uint8_t table)
{
    f->table = table;
    f->id = m->n + 1;
    m->changed[m->n] = true;
    m->flows[m->n++] = f;
    m->dirty[table / 64] |= UINT64_C(1) << table % 64;
}

static struct ofm_flow flow_of(const struct ofw_action *apply, uint16_t n)
{
    return (struct ofm_flow){
        .priority = 5,
        .instr = {.has_apply = true, .apply = {.n = n, .a = apply}},
    };
}

static const struct rule *lookup(const struct program *p, uint8_t table)
{
    static const struct flow_key any;
    assert_non_null(p->tables[table]);
    return table_lookup(p->tables[table], &any, TABLE_NEWEST);
}

static struct ofw_action set_field(enum flow_field f, const void *value)
{
    struct ofw_action a = {.type = OFPAT_SET_FIELD, .field = f};
    memcpy(a.value, value, flow_fields[f].bytes);
    return a;
}

/* ------------------------------------------------------------ actions */

static void each_action_becomes_its_operation(void **state)
{
    (void)state;
    static const struct ofw_action a[] = {
        {.type = OFPAT_OUTPUT, .port = OFPP_CONTROLLER, .max_len = 128},
        {.type = OFPAT_PUSH_VLAN, .ethertype = 0x88a8},
        {.type = OFPAT_POP_MPLS, .ethertype = 0x0800},
        {.type = OFPAT_SET_NW_TTL, .ttl = 9},
        {.type = OFPAT_SET_MPLS_TTL, .ttl = 8},
        {.type = OFPAT_DEC_NW_TTL},
        {.type = OFPAT_COPY_TTL_IN},
    };
    struct op ops[8];
    assert_int_equal(ofc_actions(&(struct ofw_actions){7, a}, ops, 8), 7);
    assert_int_equal(ops[0].code, OP_OUTPUT);
    assert_int_equal(ops[0].port, OFPP_CONTROLLER);
    assert_int_equal(ops[0].max_len, 128);
    assert_int_equal(ops[1].code, OP_PUSH_VLAN);
    assert_int_equal(ops[1].ethertype, to_be16(0x88a8));
    assert_int_equal(ops[2].code, OP_POP_MPLS);
    assert_int_equal(ops[2].ethertype, to_be16(0x0800));
    assert_int_equal(ops[3].code, OP_SET_IP_TTL);
    assert_int_equal(ops[3].ttl, 9);
    assert_int_equal(ops[4].code, OP_SET_MPLS_TTL);
    assert_int_equal(ops[4].ttl, 8);
    assert_int_equal(ops[5].code, OP_DEC_IP_TTL);
    assert_int_equal(ops[6].code, OP_COPY_TTL_IN);
}

static void a_set_field_covers_the_bits_of_its_field(void **state)
{
    (void)state;
    const struct {
        enum flow_field field;
        uint8_t value[16], want[16], mask[16];
    } cases[] = {
        {FF_ETH_DST, {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 1}, {255, 255, 255, 255, 255, 255}},
        {FF_VLAN_VID, {0x00, 0x64}, {0x10, 0x64}, {0x1f, 0xff}},
        {FF_VLAN_VID, {0x10, 0x64}, {0x10, 0x64}, {0x1f, 0xff}},
        {FF_VLAN_PCP, {5}, {5}, {7}},
        {FF_IP_DSCP, {46}, {46}, {63}},
        {FF_IPV4_DST, {10, 0, 0, 1}, {10, 0, 0, 1}, {255, 255, 255, 255}},
        {FF_MPLS_LABEL, {0, 1, 2, 3}, {0, 1, 2, 3}, {0, 0x0f, 255, 255}},
        {FF_TCP_DST, {0, 80}, {0, 80}, {255, 255}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ofw_action a = set_field(cases[i].field, cases[i].value);
        struct op op;
        assert_int_equal(ofc_action(&a, &op), 0);
        assert_int_equal(op.code, OP_SET_FIELD);
        assert_int_equal(op.field, cases[i].field);
        assert_memory_equal(op.value, cases[i].want, 16);
        assert_memory_equal(op.mask, cases[i].mask, 16);
    }
}

static void what_the_datapath_cannot_do_is_refused(void **state)
{
    (void)state;
    static const uint16_t types[] = {OFPAT_EXPERIMENTER, 77};
    struct op op;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        struct ofw_action a = {.type = types[i]};
        assert_int_equal(ofc_action(&a, &op), -95 /* EOPNOTSUPP */);
        assert_int_equal(ofc_actions(&(struct ofw_actions){1, &a}, &op, 1), -1);
    }
    struct ofw_action two[2] = {{.type = OFPAT_POP_VLAN}, {.type = OFPAT_POP_VLAN}};
    assert_int_equal(ofc_actions(&(struct ofw_actions){2, two}, &op, 1), -1);
    struct ofw_action beyond = {.type = OFPAT_SET_FIELD, .field = FF_ALL};
    assert_int_equal(ofc_action(&beyond, &op), -95);
}

static void write_actions_are_reduced_and_in_the_order_of_the_action_set(void **state)
{
    (void)state;
    const uint8_t mac1[6] = {2, 1}, mac2[6] = {2, 2}, ip[4] = {10};
    struct ofw_action a[] = {
        {.type = OFPAT_OUTPUT, .port = 1},
        set_field(FF_ETH_DST, mac1),
        {.type = OFPAT_PUSH_VLAN, .ethertype = 0x8100},
        {.type = OFPAT_POP_MPLS, .ethertype = 0x0800},
        set_field(FF_IPV4_SRC, ip),
        set_field(FF_ETH_DST, mac2),
        {.type = OFPAT_DEC_NW_TTL},
        {.type = OFPAT_OUTPUT, .port = 2},
    };
    struct ofm_flow f = {.instr = {.has_write = true, .write = {8, a}}};
    struct op scratch[8];
    struct rule *r;
    assert_int_equal(ofc_rule(&f, scratch, &r), 0);
    static const uint8_t want[] = {OP_POP_MPLS,  OP_PUSH_VLAN, OP_DEC_IP_TTL,
                                   OP_SET_FIELD, OP_SET_FIELD, OP_OUTPUT};
    assert_int_equal(r->apply.n, 0);
    assert_int_equal(r->write.n, 6);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(r->write.ops[i].code, want[i]);
    assert_memory_equal(r->write.ops[3].value, mac2, 6);
    assert_int_equal(r->write.ops[4].field, FF_IPV4_SRC);
    assert_int_equal(r->write.ops[5].port, 2);
    rule_free(r);
}

/* ------------------------------------------------------------ rules */

static void a_rule_carries_what_the_flow_says(void **state)
{
    (void)state;
    struct ofw_action a[2] = {{.type = OFPAT_POP_VLAN}, {.type = OFPAT_OUTPUT, .port = 3}};
    struct ofm_flow f = flow_of(a, 2);
    f.id = 77, f.cookie = 0xc00c1e, f.stats_id = 12, f.table = 4;
    f.flags = OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;
    f.instr.clear = f.instr.has_goto = f.instr.has_metadata = true;
    f.instr.goto_table = 9;
    f.instr.metadata = to_be64(0xffff), f.instr.metadata_mask = to_be64(0xff);
    f.match.key.in_port = to_be32(1), f.match.mask.in_port = 0xffffffff;
    struct op scratch[2];
    struct rule *r;
    assert_int_equal(ofc_rule(&f, scratch, &r), 0);
    assert_int_equal(r->apply.n, 2);
    assert_int_equal(r->apply.ops[1].port, 3);
    assert_int_equal(r->write.n, 0);
    assert_int_equal(r->priority, 5);
    assert_int_equal(r->table, 4);
    assert_int_equal(r->goto_table, 9);
    assert_true(r->clear_set && r->no_counts && !r->is_miss);
    assert_int_equal(r->metadata, to_be64(0xff));
    assert_int_equal(r->metadata_mask, to_be64(0xff));
    assert_int_equal(r->cookie, 0xc00c1e);
    assert_int_equal(r->stats_id, 12);
    assert_int_equal(r->origin.id, 77);
    assert_true(flow_match_equal(&r->match, &f.match));
    rule_free(r);
}

static void only_priority_0_that_matches_all_is_the_table_miss(void **state)
{
    (void)state;
    struct op none;
    for (unsigned i = 0; i < 3; i++) {
        struct ofm_flow f = {.priority = i == 1, .flags = OFPFF_NO_PKT_COUNTS};
        f.match.mask.in_port = i == 2;
        struct rule *r;
        assert_int_equal(ofc_rule(&f, &none, &r), 0);
        assert_int_equal(r->is_miss, i == 0);
        assert_int_equal(r->goto_table, RULE_NO_GOTO);
        assert_false(r->no_counts); /* bytes are still wanted */
        rule_free(r);
    }
}

/* ------------------------------------------------------------ programs */

static void a_program_has_the_tables_of_the_model(void **state)
{
    (void)state;
    struct ofw_action a = {.type = OFPAT_OUTPUT, .port = 3};
    struct ofm_flow f0 = flow_of(&a, 1), f200 = flow_of(&a, 1);
    struct ofm m = {0};
    put(&m, &f0, 0);
    put(&m, &f200, 200);
    memset(m.changed, 0, sizeof m.changed); /* without a predecessor all are built */
    struct program *p = ofc_compile(&m, NULL, 1, NULL);
    assert_non_null(p);
    assert_int_equal(p->n_tables, 201);
    assert_int_equal(lookup(p, 0)->origin.id, 1);
    assert_int_equal(lookup(p, 200)->origin.id, 2);
    assert_null(p->tables[1]);
    program_free(p);
}

/* As bridge_publish() does, with nobody reading. */
static struct program *publish(struct program *old, struct program *p, uint64_t version)
{
    struct table_changes *c, *more;
    if (p == old)
        p->version = version;
    else
        program_seal(p, old, version);
    if (p != old)
        program_free(old);
    for (unsigned t = 0; t < p->n_tables; t++) {
        for (c = p->tables[t] ? table_take_changes(p->tables[t]) : NULL; c != NULL; c = more)
            assert_int_equal(table_settle(c, &more), 0);
    }
    return p;
}

static const struct rule *seen(const struct program *p, uint8_t table)
{
    static const struct flow_key any;
    return table_lookup(p->tables[table], &any, p->version);
}

static void a_change_is_done_in_place_and_seen_with_its_version(void **state)
{
    (void)state;
    struct ofw_action a = {.type = OFPAT_OUTPUT, .port = 3};
    struct ofm_flow f0 = flow_of(&a, 1), f1 = flow_of(&a, 1), f1b = flow_of(&a, 1);
    struct ofm m = {0};
    put(&m, &f0, 0);
    put(&m, &f1, 1);
    struct program *p = publish(NULL, ofc_compile(&m, NULL, 1, NULL), 1);
    f1b.priority = 9;
    put(&m, &f1b, 1);
    assert_ptr_equal(ofc_compile(&m, p, 2, NULL), p);
    assert_int_equal(seen(p, 1)->origin.id, 2);
    assert_int_equal(lookup(p, 1)->origin.id, 3);
    p = publish(p, p, 2);
    assert_int_equal(seen(p, 1)->origin.id, 3);
    m.changed[2] = m.ended[2] = true;
    p = publish(p, ofc_compile(&m, p, 3, NULL), 3);
    assert_int_equal(seen(p, 1)->origin.id, 2);
    f1.priority = 7; /* modified: a new rule takes the old one's place */
    m.changed[1] = true;
    p = publish(p, ofc_compile(&m, p, 4, NULL), 4);
    assert_int_equal(seen(p, 1)->priority, 7);
    assert_int_equal(table_size(p->tables[1]), 1);
    m.changed[1] = m.ended[1] = true;
    p = publish(p, ofc_compile(&m, p, 5, NULL), 5);
    assert_null(seen(p, 1));
    assert_int_equal(table_size(p->tables[1]), 0);
    program_free(p);
}

static void another_field_or_table_makes_another_program_with_the_same_tables(void **state)
{
    (void)state;
    struct ofw_action a = {.type = OFPAT_OUTPUT, .port = 3};
    struct ofm_flow f0 = flow_of(&a, 1), f1 = flow_of(&a, 1), f2 = flow_of(&a, 1);
    struct ofm m = {0};
    put(&m, &f0, 0);
    struct program *p = publish(NULL, ofc_compile(&m, NULL, 1, NULL), 1);
    assert_int_equal(p->fields_used[0], 0);
    flow_match_set(&f1.match, FF_IN_PORT, &(be32){to_be32(1)}, NULL);
    put(&m, &f1, 0);
    struct program *q = ofc_compile(&m, p, 2, NULL);
    assert_ptr_not_equal(p, q);
    assert_ptr_equal(p->tables[0], q->tables[0]);
    q = publish(p, q, 2);
    put(&m, &f2, 4);
    p = publish(q, ofc_compile(&m, q, 3, NULL), 3);
    assert_int_equal(p->n_tables, 5);
    assert_int_equal(seen(p, 4)->origin.id, 3);
    assert_int_equal(seen(p, 0)->origin.id, 1);
    program_free(p);
}

static void a_failure_keeps_the_changes_and_the_running_program(void **state)
{
    (void)state;
    struct ofw_action good = {.type = OFPAT_OUTPUT, .port = 3}, bad = {.type = OFPAT_EXPERIMENTER};
    struct ofm_flow f0 = flow_of(&good, 1), f1 = flow_of(&good, 1), f2 = flow_of(&bad, 1);
    struct errbuf e = {""};
    struct ofm m = {0};
    put(&m, &f0, 0);
    struct program *p = publish(NULL, ofc_compile(&m, NULL, 1, NULL), 1);
    m.changed[0] = m.ended[0] = true;
    f1.priority = 9;
    put(&m, &f1, 0);
    put(&m, &f2, 70);
    assert_null(ofc_compile(&m, p, 2, &e));
    assert_string_equal(e.text, "table 70: flow 3 has an action that the datapath can't do");
    assert_int_equal(seen(p, 0)->origin.id, 1);
    assert_int_equal(lookup(p, 0)->origin.id, 1);
    f2.instr.apply.a = &good;
    p = publish(p, ofc_compile(&m, p, 2, &e), 2);
    assert_int_equal(seen(p, 0)->origin.id, 2);
    assert_int_equal(seen(p, 70)->origin.id, 3);
    assert_int_equal(table_size(p->tables[0]), 1);
    program_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_becomes_its_operation),
        cmocka_unit_test(a_set_field_covers_the_bits_of_its_field),
        cmocka_unit_test(what_the_datapath_cannot_do_is_refused),
        cmocka_unit_test(write_actions_are_reduced_and_in_the_order_of_the_action_set),
        cmocka_unit_test(a_rule_carries_what_the_flow_says),
        cmocka_unit_test(only_priority_0_that_matches_all_is_the_table_miss),
        cmocka_unit_test(a_program_has_the_tables_of_the_model),
        cmocka_unit_test(a_change_is_done_in_place_and_seen_with_its_version),
        cmocka_unit_test(another_field_or_table_makes_another_program_with_the_same_tables),
        cmocka_unit_test(a_failure_keeps_the_changes_and_the_running_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
