/* Rules that come and go in place, under versions, against the oracle. */
#include "datapath/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "datapath/table_internal.h"
#include "tests/unit/support_oracle.h"

enum { CASES = 8, VERSIONS = 24, LOOKUPS = 96, WAITING = 64 };

/* A table, what must be in it now and in the next version, and the changes that wait. */
struct churn {
    struct prng r;
    struct oracle_table all, now, next;
    struct table *t;
    struct rule *rule[2048]; /* the table's, of each of `all`; NULL: not in the next version */
    uint64_t version;
    struct table_changes *waiting[WAITING];
    unsigned n_waiting;
};

static struct rule *clone(const struct rule *of, uint64_t cookie)
{
    struct rule *r = rule_create(NULL, 0, NULL, 0);
    assert_non_null(r);
    r->match = of->match;
    r->priority = of->priority;
    r->cookie = cookie;
    return r;
}

static void list_next(struct churn *c)
{
    c->next.n = 0;
    for (uint32_t i = 0; i < c->all.n; i++) {
        if (c->rule[i] != NULL)
            c->next.rules[c->next.n++] = c->all.rules[i];
    }
}

static unsigned compare(struct churn *c, const struct oracle_table *o, uint64_t version)
{
    struct flow_key keys[WEFT_BURST];
    const struct flow_key *k[WEFT_BURST];
    const struct rule *got[WEFT_BURST];
    unsigned wrong = 0;
    for (unsigned done = 0; done < LOOKUPS; done += WEFT_BURST) {
        for (unsigned i = 0; i < WEFT_BURST; i++) {
            oracle_packet(&c->all, &keys[i], &c->r);
            k[i] = &keys[i];
        }
        table_lookup_burst(c->t, k, WEFT_BURST, version, got);
        for (unsigned i = 0; i < WEFT_BURST; i++)
            wrong += !oracle_agrees(o, k[i], got[i] ? c->all.rules[got[i]->cookie] : NULL);
    }
    return wrong;
}

/* Puts rule i in, out, or another in its place; and perhaps thinks better of it. */
static void change(struct churn *c, uint32_t i)
{
    struct rule *old = c->rule[i], *fresh = NULL;
    bool replace = old != NULL && prng_below(&c->r, 3) == 0;
    if (old == NULL || replace) {
        fresh = clone(c->all.rules[i], i);
        assert_int_equal(table_rule_add(c->t, fresh, c->version + 1), 0);
    }
    if (old != NULL)
        assert_int_equal(table_rule_remove(c->t, old, c->version + 1), 0);
    c->rule[i] = fresh;
    if (prng_below(&c->r, 5) != 0)
        return;
    if (old != NULL)
        table_undo_remove(c->t, old);
    if (fresh != NULL)
        table_undo_add(c->t, fresh);
    c->rule[i] = old;
}

static void wait_for(struct churn *c, struct table_changes *one)
{
    if (one == NULL)
        return;
    assert_true(c->n_waiting < WAITING);
    c->waiting[c->n_waiting++] = one;
}

static void settle_one(struct churn *c)
{
    struct table_changes *more;
    assert_int_equal(table_settle(c->waiting[0], &more), 0);
    memmove(c->waiting, c->waiting + 1, --c->n_waiting * sizeof c->waiting[0]);
    wait_for(c, more);
}

/* Changes for the next version, unseen until it is there. */
static unsigned turn(struct churn *c)
{
    static const uint32_t sizes[] = {1, 3, 20, 200};
    unsigned wrong = 0;
    for (uint32_t n = prng_below(&c->r, sizes[prng_below(&c->r, 4)]) + 1; n > 0; n--)
        change(c, prng_below(&c->r, c->all.n));
    list_next(c);
    wrong += compare(c, &c->now, c->version) + compare(c, &c->next, c->version + 1);
    c->version++;
    c->now = c->next;
    wait_for(c, table_take_changes(c->t));
    while (c->n_waiting > 0 && (c->n_waiting > 8 || prng_below(&c->r, 3) != 0))
        settle_one(c);
    return wrong + compare(c, &c->now, c->version);
}

static void run_case(uint64_t seed, enum oracle_style style, enum table_kind kind)
{
    struct churn *c = calloc(1, sizeof *c);
    static const uint32_t sizes[] = {5, 12, 100, 600};
    assert_non_null(c);
    c->r.state = seed;
    c->version = 1;
    oracle_make(&c->all, style, sizes[seed % 4], &c->r);
    c->t = table_create_as(kind, seed);
    assert_non_null(c->t);
    for (unsigned i = 0; i < VERSIONS && c->all.n > 0; i++) {
        unsigned wrong = turn(c);
        if (wrong != 0)
            fail_msg("seed %#lx style %d version %lu (%s, %u rules): %u differ from the oracle",
                     seed, style, c->version, table_kind_name(table_describe(c->t).kind), c->now.n,
                     wrong);
    }
    while (c->n_waiting > 0)
        settle_one(c);
    assert_int_equal(table_size(c->t), c->now.n); /* the dead have gone */
    table_release(c->t);
    oracle_free(&c->all);
    free(c);
}

static void changes_are_seen_with_their_version_and_not_before(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        for (enum oracle_style style = 0; style < STYLE_COUNT; style++)
            run_case(seed * 7919 + style, style, seed % 5 == 0 ? TABLE_DIRECT : TABLE_ANY);
    }
}

static void a_table_is_as_small_as_its_rules_when_they_have_gone(void **state)
{
    (void)state;
    struct table *t = table_create_as(TABLE_ANY, 1);
    struct table_changes *c, *more;
    struct rule *r[3000];
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            r[i] = rule_create(NULL, 0, NULL, 0);
            r[i]->priority = (uint16_t)(round * i);
            flow_match_set(&r[i]->match, FF_IN_PORT, &(be32){to_be32(round * 3000 + i)}, NULL);
            assert_int_equal(table_rule_add(t, r[i], 2 * round + 2), 0);
        }
        for (uint32_t i = 0; i < 3000; i++)
            assert_int_equal(table_rule_remove(t, r[i], 2 * round + 3), 0);
        for (c = table_take_changes(t); c != NULL; c = more)
            assert_int_equal(table_settle(c, &more), 0);
        assert_int_equal(table_size(t), 0);
    }
    assert_true(table_describe(t).bytes < 3000 * 200);
    assert_true(table_probes(t) < 8);
    table_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_seen_with_their_version_and_not_before),
        cmocka_unit_test(a_table_is_as_small_as_its_rules_when_they_have_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
