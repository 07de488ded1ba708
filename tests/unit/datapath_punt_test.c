/* punt: bounded, policed, and the consumer's bell is never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "datapath/drop.h"
#include "datapath/punt.h"

static const uint32_t no_limit[PUNT_CLASSES];

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void events_come_out_in_order(void **state)
{
    (void)state;
    struct punt *p = punt_create(16, no_limit);
    for (uint16_t i = 0; i < 5; i++)
        assert_true(punt_learn(p, &(struct learn_event){.port = i, .port_gen = 9}, 0));
    assert_int_equal(punt_depth(p, PUNT_LEARN), 5);
    struct learn_event e[16];
    assert_int_equal(punt_take_learn(p, e, 16), 5);
    for (uint16_t i = 0; i < 5; i++)
        assert_int_equal(e[i].port, i);
    assert_int_equal(e[4].port_gen, 9);
    punt_free(p);
}

static void a_full_ring_says_so(void **state)
{
    (void)state;
    struct punt *p = punt_create(4, no_limit);
    struct rte_mbuf m[4], *out[4];
    int why = -1;
    for (int i = 0; i < 3; i++)
        assert_true(punt_packet(p, PUNT_PROTO, &m[i], 0, &why));
    assert_false(punt_packet(p, PUNT_PROTO, &m[3], 0, &why));
    assert_int_equal(why, DROP_PUNT_FULL);
    assert_true(punt_packet(p, PUNT_NEIGH, &m[3], 0, &why)); /* another class has its own room */
    assert_int_equal(punt_take(p, PUNT_PROTO, out, 4), 3);
    assert_int_equal(punt_take(p, PUNT_NEIGH, out, 4), 1);
    punt_free(p);
}

static void a_class_is_policed_without_harm_to_another(void **state)
{
    (void)state;
    const uint32_t rates[PUNT_CLASSES] = {0, 100, 0, 0};
    struct punt *p = punt_create(1024, rates);
    struct rte_mbuf m, *out[1];
    int why = -1, passed = 0;
    for (int i = 0; i < 100; i++)
        passed += punt_packet(p, PUNT_PACKET_IN, &m, 5, &why);
    assert_int_equal(passed, 10); /* a tenth of a second's worth at once */
    assert_int_equal(why, DROP_PUNT_POLICED);
    assert_true(punt_packet(p, PUNT_PROTO, &m, 5, &why));
    passed = 0;
    for (int ms = 0; ms < 1000; ms++)
        passed += punt_packet(p, PUNT_PACKET_IN, &m, 5 + ms * NSEC_PER_MSEC, &why);
    assert_in_range(passed, 99, 101);
    while (punt_take(p, PUNT_PACKET_IN, out, 1) + punt_take(p, PUNT_PROTO, out, 1) > 0)
        ;
    punt_free(p);
}

static void the_bell_rings_once_for_an_armed_consumer(void **state)
{
    (void)state;
    struct punt *p = punt_create(16, no_limit);
    struct learn_event e = {.port = 1};
    int fd = punt_fd(p, PUNT_LEARN);
    assert_false(punt_arm(p, PUNT_LEARN));
    punt_wake(p);
    assert_false(readable(fd)); /* nothing there: no bell */
    punt_learn(p, &e, 0);
    assert_false(readable(fd));
    punt_wake(p);
    assert_true(readable(fd));
    assert_true(punt_arm(p, PUNT_LEARN)); /* don't sleep yet */
    assert_false(readable(fd));
    assert_int_equal(punt_take_learn(p, &e, 1), 1);
    assert_false(punt_arm(p, PUNT_LEARN));
    punt_wake(p);
    assert_false(readable(fd));
    punt_free(p);
}

enum { EVENTS = 20000 };

static void *send_events(void *arg)
{
    for (uint32_t i = 0; i < EVENTS;) {
        struct learn_event e = {.port_gen = i};
        i += punt_learn(arg, &e, 0);
        punt_wake(arg);
    }
    return NULL;
}

/* A sleeper that waits for ever (10 s) if a bell is lost. */
static void no_bell_is_lost_between_threads(void **state)
{
    (void)state;
    struct punt *p = punt_create(64, no_limit);
    struct pollfd fd = {.fd = punt_fd(p, PUNT_LEARN), .events = POLLIN};
    struct learn_event e[8];
    uint32_t next = 0;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, send_events, p), 0);
    while (next < EVENTS) {
        unsigned n = punt_take_learn(p, e, 8);
        for (unsigned i = 0; i < n; i++)
            assert_int_equal(e[i].port_gen, next++);
        if (n == 0 && !punt_arm(p, PUNT_LEARN))
            assert_int_equal(poll(&fd, 1, 10000), 1);
    }
    pthread_join(t, NULL);
    punt_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_in_order),
        cmocka_unit_test(a_full_ring_says_so),
        cmocka_unit_test(a_class_is_policed_without_harm_to_another),
        cmocka_unit_test(the_bell_rings_once_for_an_armed_consumer),
        cmocka_unit_test(no_bell_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
