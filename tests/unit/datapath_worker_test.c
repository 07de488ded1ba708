/* worker: real threads that sleep when idle, wake at once, and let ports come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "tests/unit/fake_datapath.h"

#define A     UINT64_C(0x020000000001)
#define B     UINT64_C(0x020000000002)
#define BCAST UINT64_C(0xffffffffffff)

struct net {
    struct weft_switch *sw;
    struct bridge *br;
    struct port *p[2];
    unsigned mbufs;
};

static int setup(void **state)
{
    struct net *n = calloc(1, sizeof *n);
    n->sw = fake_switch(false);
    n->br = fake_bridge(n->sw, "br0");
    n->mbufs = rte_mempool_avail_count(n->sw->pool);
    n->p[0] = fake_port_in(n->br, "p1", NULL);
    n->p[1] = fake_port_in(n->br, "p2", NULL);
    struct errbuf e = {""};
    assert_int_equal(switch_start(n->sw, &e), 0);
    *state = n;
    return 0;
}

static int teardown(void **state)
{
    struct net *n = *state;
    for (unsigned i = 0; i < WEFT_PORTS_MAX; i++)
        port_destroy(n->sw->ports[i]);
    switch_stop(n->sw);
    assert_int_equal(rte_mempool_avail_count(n->sw->pool), n->mbufs);
    switch_destroy(n->sw);
    free(n);
    return 0;
}

static void pause_us(long us) { nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL); }

/* Waits until p has sent n frames; a test that hangs here has lost one. */
static void await_sent(struct port *p, uint64_t n)
{
    while (fake_sent(p) < n)
        pause_us(100);
}

static void await_sleep(struct worker *w)
{
    while (!atomic_load(&w->asleep))
        pause_us(100);
}

static nsec_t cpu_time(struct worker *w)
{
    clockid_t clock;
    struct timespec t;
    pthread_getcpuclockid(w->thread, &clock);
    clock_gettime(clock, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void frames_cross_a_running_switch(void **state)
{
    struct net *n = *state;
    for (unsigned i = 1; i <= 100; i++) {
        fake_arrive(n->p[0], B, A, 60);
        await_sent(n->p[1], i);
    }
    assert_int_equal(port_stats_sum(n->p[0]).rx_packets, 100);
}

/* The fd wakes it: its own limit would be a second. */
static void a_sleeping_worker_wakes_for_a_frame(void **state)
{
    struct net *n = *state;
    for (unsigned i = 1; i <= 5; i++) {
        await_sleep(n->sw->workers[0]);
        fake_arrive(n->p[0], B, A, 60);
        await_sent(n->p[1], i);
    }
    assert_true(n->sw->workers[0]->perf.sleeps >= 5);
}

static void an_idle_worker_uses_next_to_no_cpu(void **state)
{
    struct net *n = *state;
    struct worker *w = n->sw->workers[0];
    await_sleep(w);
    nsec_t before = cpu_time(w);
    pause_us(200000);
    nsec_t used = cpu_time(w) - before;
    print_message("idle, every port signals: %.2f %% of a CPU\n", (double)used / 2e6);
    fake_port_in(n->br, "mute", "mute"); /* must be polled once a millisecond */
    pause_us(1000);
    before = cpu_time(w);
    pause_us(200000);
    used = cpu_time(w) - before;
    print_message("idle, one port is polled: %.2f %% of a CPU\n", (double)used / 2e6);
    assert_true(used < 200 * NSEC_PER_MSEC / 2); /* loose: it does not spin */
}

static void a_port_without_a_signal_is_polled(void **state)
{
    struct net *n = *state;
    struct port *mute = fake_port_in(n->br, "mute", "mute");
    await_sleep(n->sw->workers[0]);
    fake_arrive(mute, BCAST, B, 60);
    await_sent(n->p[0], 1);
    await_sent(n->p[1], 1);
}

/* An fd that is always readable, on a port that never has anything. */
static void a_broken_fd_does_not_make_it_spin(void **state)
{
    struct net *n = *state;
    struct worker *w = n->sw->workers[0];
    struct port *odd = fake_port_in(n->br, "odd", NULL);
    fake_of(odd)->sticky_fd = true;
    (void)!write(fake_of(odd)->fd, &(uint64_t){1}, sizeof(uint64_t));
    pause_us(20000); /* time for some false alarms */
    nsec_t before = cpu_time(w);
    pause_us(200000);
    nsec_t used = cpu_time(w) - before;
    print_message("a port's fd is stuck: %.2f %% of a CPU\n", (double)used / 2e6);
    assert_true(used < 200 * NSEC_PER_MSEC / 2);
    fake_arrive(odd, BCAST, B, 60); /* and it still receives */
    await_sent(n->p[0], 1);
}

/* rx_arm that says "frames wait" when none do. */
static bool arm_lie(struct port *p) { return fake_of(p)->arm_lies; }

static void a_queue_that_lies_does_not_make_it_spin(void **state)
{
    struct net *n = *state;
    struct worker *w = n->sw->workers[0];
    struct port_ops ops = *n->p[1]->ops;
    ops.rx_arm = arm_lie;
    fake_of(n->p[1])->arm_lies = true;
    n->p[1]->ops = &ops;
    fake_arrive(n->p[0], B, A, 60);
    await_sent(n->p[1], 1);
    nsec_t before = cpu_time(w);
    pause_us(200000);
    nsec_t used = cpu_time(w) - before;
    print_message("a port claims frames: %.2f %% of a CPU\n", (double)used / 2e6);
    assert_true(used < 200 * NSEC_PER_MSEC / 2);
    port_destroy(n->p[1]);
}

static void a_learn_event_rings_the_protocol_thread(void **state)
{
    struct net *n = *state;
    fake_arrive(n->p[0], BCAST, A, 60);
    while (punt_depth(n->sw->punt, PUNT_LEARN) == 0)
        pause_us(100);
    assert_int_equal(switch_protocol_run(n->sw, switch_now(n->sw)), 1);
    assert_int_equal(fdb_lookup(n->br->fdb, 0, mac_from_u64(A)), n->p[0]->index);
}

static unsigned open_fds(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Traffic between two ports while a third comes and goes: none of it is lost. */
static void ports_that_come_and_go_do_not_disturb_others(void **state)
{
    struct net *n = *state;
    uint64_t sent = 0;
    await_sleep(n->sw->workers[0]); /* it has its epoll fd */
    unsigned fds = open_fds();
    fdb_add_static(n->br->fdb, 0, mac_from_u64(A), n->p[0]->index, 0);
    fdb_add_static(n->br->fdb, 0, mac_from_u64(B), n->p[1]->index, 0);
    for (int i = 0; i < 10000; i++) {
        struct port *p = fake_port_in(n->br, "guest", i % 2 ? "mute" : NULL);
        fake_arrive(p, A, BCAST - 1, 60);
        for (int k = 0; k < 4; k++, sent++)
            fake_arrive(n->p[0], B, A, 60);
        switch_protocol_run(n->sw, switch_now(n->sw));
        port_destroy(p);
        await_sent(n->p[1], sent);
    }
    assert_int_equal(fake_sent(n->p[1]), sent);
    assert_int_equal(switch_drops(n->sw, DROP_TX_FULL), 0);
    await_sleep(n->sw->workers[0]);
    assert_int_equal(open_fds(), fds);
}

static void workers_share_the_ports(void **state)
{
    (void)state;
    struct weft_switch *sw = NULL;
    struct switch_options o = {.mbufs = 1024, .n_cpus = 2}; /* both on CPU 0: it exists */
    struct errbuf e = {""};
    cpu_set_t mine;
    sched_getaffinity(0, sizeof mine, &mine);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET((unsigned)cpu, &mine))
            o.cpus[0] = o.cpus[1] = cpu;
    }
    assert_int_equal(switch_create(&o, &sw, &e), 0);
    struct bridge *br = fake_bridge(sw, "br0");
    struct port *p[4] = {fake_port_in(br, "a", NULL), fake_port_in(br, "b", NULL),
                         fake_port_in(br, "c", NULL), fake_port_in(br, "d", NULL)};
    assert_int_equal(sw->workers[0]->poll->n, 2);
    assert_int_equal(sw->workers[1]->poll->n, 2);
    assert_int_equal(switch_start(sw, &e), 0);
    for (int i = 0; i < 4; i++)
        fake_arrive(p[i], BCAST, A + i, 60);
    for (int i = 0; i < 4; i++)
        await_sent(p[i], 3);
    port_destroy(p[0]);
    port_destroy(p[2]);
    assert_int_equal(sw->workers[0]->poll->n, 1);
    assert_int_equal(sw->workers[1]->poll->n, 1);
    fake_arrive(p[1], BCAST, A, 60);
    await_sent(p[3], 4);
    switch_destroy(sw);
}

static void a_cpu_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct weft_switch *sw = NULL;
    struct switch_options o = {.mbufs = 256, .n_cpus = 1, .cpus = {1000}};
    struct errbuf e = {""};
    assert_int_equal(switch_create(&o, &sw, &e), 0);
    assert_true(switch_start(sw, &e) < 0);
    assert_non_null(strstr(e.text, "CPU 1000"));
    switch_destroy(sw);
}

#define NET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(frames_cross_a_running_switch),
        NET_TEST(a_sleeping_worker_wakes_for_a_frame),
        NET_TEST(an_idle_worker_uses_next_to_no_cpu),
        NET_TEST(a_port_without_a_signal_is_polled),
        NET_TEST(a_broken_fd_does_not_make_it_spin),
        NET_TEST(a_queue_that_lies_does_not_make_it_spin),
        NET_TEST(a_learn_event_rings_the_protocol_thread),
        NET_TEST(ports_that_come_and_go_do_not_disturb_others),
        cmocka_unit_test(workers_share_the_ports),
        cmocka_unit_test(a_cpu_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, fake_eal, NULL);
}
