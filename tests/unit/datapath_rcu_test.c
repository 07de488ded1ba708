/* rcu: nothing is freed under a reader, everything is freed at last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "datapath/rcu.h"

static void count(void *arg) { ++*(int *)arg; }

static void without_readers_nothing_waits(void **state)
{
    (void)state;
    int freed = 0;
    struct rcu *r = rcu_create(4);
    rcu_wait(r);
    rcu_defer(r, count, &freed);
    assert_int_equal(freed, 0);
    rcu_reclaim(r);
    assert_int_equal(freed, 1);
    rcu_free(r);
}

static void an_online_reader_holds_things_until_it_is_quiescent(void **state)
{
    (void)state;
    int freed = 0;
    struct rcu *r = rcu_create(4);
    rcu_register(r, 2);
    rcu_online(r, 2);
    rcu_defer(r, count, &freed);
    rcu_reclaim(r);
    assert_int_equal(freed, 0);
    rcu_quiescent(r, 2);
    rcu_reclaim(r);
    assert_int_equal(freed, 1);
    rcu_offline(r, 2);
    rcu_unregister(r, 2);
    rcu_free(r);
}

static void an_offline_reader_holds_nothing(void **state)
{
    (void)state;
    int freed = 0;
    struct rcu *r = rcu_create(1);
    rcu_register(r, 0);
    rcu_online(r, 0);
    rcu_offline(r, 0);
    rcu_defer(r, count, &freed);
    rcu_reclaim(r);
    assert_int_equal(freed, 1);
    rcu_wait(r);
    rcu_unregister(r, 0);
    rcu_free(r);
}

static void rcu_free_runs_what_is_left(void **state)
{
    (void)state;
    int freed = 0;
    struct rcu *r = rcu_create(1);
    for (int i = 0; i < 10; i++)
        rcu_defer(r, count, &freed);
    rcu_free(r);
    assert_int_equal(freed, 10);
    rcu_free(NULL);
}

struct shared {
    struct rcu *rcu;
    int *_Atomic current;
    _Atomic bool stop, ready;
    int bad;
};

static void *read_on(void *arg)
{
    struct shared *s = arg;
    rcu_register(s->rcu, 0);
    rcu_online(s->rcu, 0);
    s->ready = true;
    while (!s->stop) {
        if (*atomic_load(&s->current) != 1)
            s->bad++;
        rcu_quiescent(s->rcu, 0);
    }
    rcu_offline(s->rcu, 0);
    rcu_unregister(s->rcu, 0);
    return NULL;
}

static void what_a_reader_sees_is_alive(void **state)
{
    (void)state;
    int slots[2] = {1, 0};
    struct shared s = {.rcu = rcu_create(1), .current = &slots[0]};
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, read_on, &s), 0);
    for (int i = 0; i < 2000 || !s.ready; i++) {
        slots[(i + 1) % 2] = 1;
        atomic_store(&s.current, &slots[(i + 1) % 2]);
        rcu_wait(s.rcu);
        slots[i % 2] = 0; /* dead */
    }
    s.stop = true;
    pthread_join(t, NULL);
    assert_int_equal(s.bad, 0);
    rcu_free(s.rcu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_readers_nothing_waits),
        cmocka_unit_test(an_online_reader_holds_things_until_it_is_quiescent),
        cmocka_unit_test(an_offline_reader_holds_nothing),
        cmocka_unit_test(rcu_free_runs_what_is_left),
        cmocka_unit_test(what_a_reader_sees_is_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
