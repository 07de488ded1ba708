/* The flow cache: a path is found as long as it is true, and not a moment longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/flowcache.h"
#include "datapath/table.h"
#include "tests/unit/fake_mbuf.h"

enum { BRIDGE = 3 };

static struct rule *rule_to(uint32_t in_port, uint8_t go)
{
    struct op out = {.code = OP_OUTPUT, .port = in_port};
    struct rule *r = rule_create(&out, 1, NULL, 0);
    assert_non_null(r);
    be32 no = to_be32(in_port);
    flow_match_set(&r->match, FF_IN_PORT, &no, NULL);
    r->goto_table = go;
    return r;
}

static struct table *table_for(uint32_t in_port, uint8_t go)
{
    struct rule *r = rule_to(in_port, go);
    struct table *t = table_build(&r, 1);
    assert_non_null(t);
    return t;
}

/* Takes a reference to each. */
static struct program *program_of(struct table *a, struct table *b, const struct program *before,
                                  uint64_t version)
{
    struct program *p = program_create();
    assert_non_null(p);
    program_set_table(p, 0, table_ref(a));
    program_set_table(p, 1, table_ref(b));
    program_seal(p, before, version);
    return p;
}

struct walk {
    struct flowcache *c;
    struct fake_mbuf f;
    struct rte_mbuf *m;
};

static void begin(struct walk *w)
{
    static const uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0};
    w->c = flowcache_create(42);
    assert_non_null(w->c);
    w->m = fake_mbuf(&w->f, frame, sizeof frame);
}

static const struct rule *found(const struct program *p, uint8_t table, const struct flow_key *k)
{
    return p->tables[table] != NULL ? table_lookup(p->tables[table], k, TABLE_NEWEST) : NULL;
}

/* One packet of in_port through p, by the cache and into it. True: it was a hit, and then the
 * path was the tables' own. */
static bool pass(struct walk *w, const struct program *p, uint16_t bridge, uint32_t in_port)
{
    struct paths paths;
    struct flow_key *k = &pkt_of(w->m)->key;
    k->in_port = to_be32(in_port);
    assert_true(flowcache_find(w->c, p, p->version, bridge, &w->m, 1, &paths));
    const struct path *hit = paths.hit[0];
    uint8_t table = 0, step = 0;
    for (const struct rule *r = NULL; step == 0 || (r != NULL && r->goto_table != RULE_NO_GOTO);
         step++) {
        table = step == 0 ? 0 : r->goto_table;
        r = found(p, table, k);
        if (hit != NULL) {
            assert_ptr_equal(hit->rule[step], r);
            assert_int_equal(hit->table[step], table);
        } else {
            flowcache_note(&paths, 0, step, table, r);
        }
    }
    assert_true(hit == NULL || hit->n == step);
    flowcache_end(&paths, 1);
    return hit != NULL;
}

static void a_path_is_found_from_the_second_packet_on(void **state)
{
    (void)state;
    struct walk w;
    begin(&w);
    struct table *a = table_for(1, 1), *b = table_for(1, RULE_NO_GOTO);
    struct program *p = program_of(a, b, NULL, 1);
    for (uint32_t port = 1; port < 4; port++) { /* 2 and 3 find nothing, which is known, too */
        assert_false(pass(&w, p, BRIDGE, port));
        assert_true(pass(&w, p, BRIDGE, port));
        assert_false(pass(&w, p, BRIDGE + 1, port)); /* another bridge is another switch */
    }
    program_free(p);
    table_release(a);
    table_release(b);
    flowcache_free(w.c);
}

static void a_new_table_ends_the_paths_that_passed_the_old_one(void **state)
{
    (void)state;
    struct walk w;
    begin(&w);
    struct table *a = table_for(1, 1), *b = table_for(1, RULE_NO_GOTO);
    struct program *p = program_of(a, b, NULL, 1);
    pass(&w, p, BRIDGE, 1); /* through both */
    pass(&w, p, BRIDGE, 2); /* a miss in the first */
    struct table *b2 = table_for(1, RULE_NO_GOTO);
    struct program *p2 = program_of(a, b2, p, 2);
    program_free(p);
    table_release(b);
    assert_true(pass(&w, p2, BRIDGE, 2));
    assert_false(pass(&w, p2, BRIDGE, 1));
    assert_true(pass(&w, p2, BRIDGE, 1));
    struct program *p3 = program_of(a, NULL, p2, 3); /* and none at all */
    program_free(p2);
    table_release(b2);
    assert_true(pass(&w, p3, BRIDGE, 2));
    assert_false(pass(&w, p3, BRIDGE, 1));
    program_free(p3);
    table_release(a);
    flowcache_free(w.c);
}

/* The words that are kept of a key are others then. */
static void other_fields_end_all_paths(void **state)
{
    (void)state;
    struct walk w;
    begin(&w);
    struct table *a = table_for(1, RULE_NO_GOTO);
    struct program *p = program_of(a, NULL, NULL, 1);
    pass(&w, p, BRIDGE, 1);
    struct rule *r = rule_to(7, RULE_NO_GOTO);
    be16 vid = to_be16(5);
    flow_match_set(&r->match, FF_VLAN_VID, &vid, NULL);
    struct table *b = table_build(&r, 1);
    struct program *p2 = program_of(a, b, p, 2), *p3 = program_of(a, b, p2, 3);
    assert_false(pass(&w, p2, BRIDGE, 1));
    assert_true(pass(&w, p3, BRIDGE, 1));
    program_free(p);
    program_free(p2);
    program_free(p3);
    table_release(a);
    table_release(b);
    flowcache_free(w.c);
}

/* What a popped tag uncovers isn't in the key that a path goes by. */
static void a_path_past_what_uncovers_fields_is_not_kept(void **state)
{
    (void)state;
    static const uint8_t blind[] = {OP_POP_VLAN, OP_POP_MPLS, OP_DEC_IP_TTL, OP_COPY_TTL_IN};
    static const uint8_t plain[] = {OP_SET_FIELD, OP_PUSH_VLAN, OP_GROUP};
    for (unsigned i = 0; i < sizeof blind + sizeof plain; i++) {
        bool is_blind = i < sizeof blind;
        struct walk w;
        begin(&w);
        struct op op = {.code = is_blind ? blind[i] : plain[i - sizeof blind]};
        struct rule *r = rule_create(&op, 1, NULL, 0);
        r->goto_table = 1;
        struct table *a = table_build(&r, 1), *b = table_for(1, RULE_NO_GOTO);
        struct program *p = program_of(a, b, NULL, 1);
        pass(&w, p, BRIDGE, 1);
        assert_int_equal(pass(&w, p, BRIDGE, 1), !is_blind);
        program_free(p);
        table_release(a);
        table_release(b);
        flowcache_free(w.c);
    }
}

static void it_rests_when_nothing_is_found_and_tries_again(void **state)
{
    (void)state;
    struct walk w;
    begin(&w);
    struct table *a = table_for(1, RULE_NO_GOTO);
    struct program *p = program_of(a, NULL, NULL, 1);
    struct paths paths;
    unsigned tries = 0, rests = 0;
    for (uint32_t i = 0; i < 1000000; i++) { /* every packet a new flow */
        pkt_of(w.m)->key.in_port = to_be32(i);
        bool on = flowcache_find(w.c, p, p->version, BRIDGE, &w.m, 1, &paths);
        tries += on;
        rests += !on;
        if (on)
            flowcache_end(&paths, 1);
    }
    assert_true(tries > 20000 && tries < 60000); /* a window in 32 */
    assert_int_equal(flowcache_counters(w.c).bypassed, rests);
    unsigned hits = 0;
    pkt_of(w.m)->key.in_port = to_be32(1);
    for (uint32_t i = 0; i < 500000; i++) { /* and then one flow */
        if (!flowcache_find(w.c, p, p->version, BRIDGE, &w.m, 1, &paths))
            continue;
        hits += paths.hit[0] != NULL;
        flowcache_note(&paths, 0, 0, 0, p->tables[0] ? found(p, 0, &pkt_of(w.m)->key) : NULL);
        flowcache_end(&paths, 1);
    }
    assert_true(hits > 200000); /* it was awake from the first try on */
    program_free(p);
    table_release(a);
    flowcache_free(w.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_found_from_the_second_packet_on),
        cmocka_unit_test(a_new_table_ends_the_paths_that_passed_the_old_one),
        cmocka_unit_test(other_fields_end_all_paths),
        cmocka_unit_test(a_path_past_what_uncovers_fields_is_not_kept),
        cmocka_unit_test(it_rests_when_nothing_is_found_and_tries_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
