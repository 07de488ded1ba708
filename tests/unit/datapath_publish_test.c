/* Programs replaced under readers: each reader sees one program or another, never a mixture, and
 * never one that is gone (run with VARIANT=san). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/bridge.h"
#include "datapath/rcu.h"
#include "datapath/table.h"
#pragma GCC diagnostic ignored "-Wunused-function" /* of the stages and ports: nothing runs here \
                                                    */
#include "tests/unit/fake_datapath.h"

enum { READERS = 3, MAC_RULES = 60, PUBLICATIONS = 1500, SEEN_ENOUGH = 20 };

struct reader {
    struct bridge *bridge;
    unsigned id;
    _Atomic uint64_t seen; /* different programs */
    uint64_t bad;
    _Atomic bool *stop;
    pthread_t thread;
};

static struct rule *rule_of(uint64_t cookie, uint32_t port, uint8_t go)
{
    struct op out = {.code = OP_OUTPUT, .port = (uint32_t)cookie};
    struct rule *r = rule_create(&out, 1, NULL, 0);
    assert_non_null(r);
    if (port != 0)
        flow_match_set(&r->match, FF_IN_PORT, &(be32){to_be32(port)}, NULL);
    r->priority = port != 0;
    r->cookie = cookie;
    r->goto_table = go;
    return r;
}

/* n 1 makes a direct table; more make an exact one. */
static struct table *table_at(uint64_t cookie, uint32_t n, uint8_t go)
{
    struct rule *rules[MAC_RULES + 1];
    for (uint32_t i = 0; i < n; i++)
        rules[i] = rule_of(cookie, i, go);
    struct table *t = table_build(rules, n);
    assert_non_null(t);
    return t;
}

/* Tables 0 and 1 carry the version in every rule; table 2 is the same in all programs. */
static struct program *program_at(uint64_t version, struct table *shared)
{
    struct program *p = program_create();
    assert_non_null(p);
    p->version = version;
    program_set_table(p, 0, table_at(version, 1 + version % 2 * MAC_RULES, 1));
    program_set_table(p, 1, table_at(version, MAC_RULES, 2));
    program_set_table(p, 2, table_ref(shared));
    return p;
}

/* A burst through the three tables; counts what doesn't belong together. */
static uint64_t walk(const struct program *p, uint64_t version, const struct flow_key *const *k)
{
    const struct rule *a[WEFT_BURST], *b[WEFT_BURST], *c[WEFT_BURST];
    uint64_t bad = 0;
    table_lookup_burst(p->tables[0], k, WEFT_BURST, version, a);
    table_lookup_burst(p->tables[a[0]->goto_table], k, WEFT_BURST, version, b);
    table_lookup_burst(p->tables[b[0]->goto_table], k, WEFT_BURST, version, c);
    for (unsigned i = 0; i < WEFT_BURST; i++) {
        bad += a[i]->cookie != version || b[i]->cookie != version || c[i]->cookie != 0;
        bad += a[i]->apply.ops[0].port != (uint32_t)b[i]->cookie;
    }
    return bad;
}

static void *read_on(void *arg)
{
    struct reader *me = arg;
    struct rcu *rcu = me->bridge->sw->rcu;
    struct flow_key keys[WEFT_BURST];
    const struct flow_key *k[WEFT_BURST];
    uint64_t last = 0;
    memset(keys, 0, sizeof keys);
    for (unsigned i = 0; i < WEFT_BURST; i++) {
        keys[i].in_port = to_be32(i * 2);
        k[i] = &keys[i];
    }
    rcu_register(rcu, me->id);
    rcu_online(rcu, me->id);
    while (!atomic_load(me->stop)) {
        const struct program *p = atomic_load_explicit(&me->bridge->program, memory_order_acquire);
        uint64_t version = atomic_load_explicit(&p->version, memory_order_acquire);
        me->bad += walk(p, version, k) + (version < last); /* never back in time */
        me->seen += version != last;
        last = version;
        rcu_quiescent(rcu, me->id);
    }
    rcu_offline(rcu, me->id);
    rcu_unregister(rcu, me->id);
    return NULL;
}

static bool all_saw_enough(struct reader *r)
{
    for (unsigned i = 0; i < READERS; i++) {
        if (atomic_load(&r[i].seen) < SEEN_ENOUGH)
            return false;
    }
    return true;
}

static void readers_see_whole_programs_while_they_are_replaced(void **state)
{
    (void)state;
    struct weft_switch *sw = calloc(1, sizeof *sw);
    struct bridge *b = calloc(1, sizeof *b);
    assert_true(sw != NULL && b != NULL);
    sw->rcu = rcu_create(READERS);
    b->sw = sw;
    struct table *shared = table_at(0, MAC_RULES, RULE_NO_GOTO);
    b->program = program_at(1, shared);
    sw->versions = 1; /* the next is 2, as in program_at() below */
    _Atomic bool stop = false;
    struct reader r[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        r[i] = (struct reader){.bridge = b, .id = i, .stop = &stop};
        assert_int_equal(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
    }
    uint64_t version = 1;
    while (version < PUBLICATIONS || !all_saw_enough(r)) {
        bridge_publish(b, program_at(++version, shared));
        rcu_reclaim(sw->rcu);
    }
    stop = true;
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(r[i].thread, NULL);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(r[i].bad, 0);
    assert_int_equal(b->program->version, version);
    program_free((struct program *)b->program);
    rcu_free(sw->rcu);
    table_release(shared);
    free(b);
    free(sw);
}

/* ------------------------------------------------------------ in place */

/* All rules of tables 0 and 1 are replaced by those of `version`; table 0 is small at times and so
 * of another template. */
static void replace_all(struct program *p, struct rule *(*rule)[MAC_RULES], uint64_t version)
{
    uint32_t n[2] = {version % 3 == 0 ? 1 : MAC_RULES, MAC_RULES};
    for (unsigned t = 0; t < 2; t++) {
        for (uint32_t i = 0; i < MAC_RULES; i++) {
            if (rule[t][i] != NULL)
                assert_int_equal(table_rule_remove(p->tables[t], rule[t][i], version), 0);
            rule[t][i] = i < n[t] ? rule_of(version, i, (uint8_t)(t + 1)) : NULL;
            if (rule[t][i] != NULL)
                assert_int_equal(table_rule_add(p->tables[t], rule[t][i], version), 0);
        }
    }
}

static void readers_see_all_of_a_version_while_rules_change_in_place(void **state)
{
    (void)state;
    static struct rule *rule[2][MAC_RULES];
    struct weft_switch *sw = calloc(1, sizeof *sw);
    struct bridge *b = calloc(1, sizeof *b);
    assert_true(sw != NULL && b != NULL);
    sw->rcu = rcu_create(READERS);
    b->sw = sw;
    b->settling_end = &b->settling;
    struct program *p = program_create();
    program_set_table(p, 0, table_create());
    program_set_table(p, 1, table_create());
    program_set_table(p, 2, table_at(0, MAC_RULES, RULE_NO_GOTO));
    replace_all(p, rule, 1);
    bridge_publish(b, p);
    _Atomic bool stop = false;
    struct reader r[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        r[i] = (struct reader){.bridge = b, .id = i, .stop = &stop};
        assert_int_equal(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
    }
    while (p->version < PUBLICATIONS || !all_saw_enough(r)) {
        replace_all(p, rule, bridge_next_version(b));
        bridge_publish(b, p);
        rcu_reclaim(sw->rcu);
    }
    stop = true;
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(r[i].thread, NULL);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(r[i].bad, 0);
    while (b->settling != NULL)
        bridge_settle(b);
    assert_int_equal(table_size(p->tables[1]), MAC_RULES);
    program_free(p);
    rcu_free(sw->rcu);
    free(b);
    free(sw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_programs_while_they_are_replaced),
        cmocka_unit_test(readers_see_all_of_a_version_while_rules_change_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
