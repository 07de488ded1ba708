/* vrrp/machine: RFC 9568 section 6, each state by each event, and the timers between them. */
#include "tests/unit/vrrp_lab.h"

/* -- the events of section 6.4, on each state */

enum event {
    STARTUP,
    SHUTDOWN,
    LINK_DOWN,
    TIMER,   /* whichever runs: Active_Down_Timer or Adver_Timer */
    ZERO,    /* an advertisement with priority 0 */
    LOWER,   /* with a lower priority */
    SMALLER, /* with ours and a smaller address */
    GREATER, /* with ours and a greater address */
    HIGHER,  /* with a higher priority */
};

enum start { INIT, BACKUP, BACKUP_POLITE /* Preempt_Mode false */, ACTIVE };

static void put_into(struct lab *l, enum start start)
{
    lab_link(l, true);
    if (start == INIT) {
        l->c.enabled = false;
        reconfigure(l, &l->c);
    }
    if (start == ACTIVE)
        run_to(l, vrrp_deadline(l->v));
    run_to(l, l->now + 15 * CS);
    drain(l);
}

static void happen(struct lab *l, enum event event)
{
    switch (event) {
    case STARTUP:
    case SHUTDOWN:
        l->c.enabled = event == STARTUP;
        reconfigure(l, &l->c);
        break;
    case LINK_DOWN:
        lab_link(l, false);
        break;
    case TIMER:
        if (vrrp_deadline(l->v) != NSEC_NEVER)
            run_to(l, vrrp_deadline(l->v));
        break;
    case ZERO:
        hear_peer(l, 40, 0);
        break;
    case LOWER:
        hear_peer(l, 60, 99);
        break;
    case SMALLER:
        hear_peer(l, 40, 100);
        break;
    case GREATER:
        hear_peer(l, 60, 100);
        break;
    case HIGHER:
        hear_peer(l, 40, 101);
        break;
    }
}

/* The timer after the event, in centiseconds from it. Priority 100 at 100 cs: Skew_Time is 60.9375,
 * Active_Down_Interval 360.9375; the event comes 15 cs after the state was entered. */
#define SKEW   6093750
#define DOWN   36093750
#define KEPT_D (DOWN - 1500000)
#define KEPT_A (10000000 - 1500000)
#define SENT   10000000
#define NONE   (-1)

static const struct row {
    enum start start;
    enum event event;
    enum vrrp_state to;
    const char *order; /* of the actions */
    int sent;          /* priority, or NONE */
    int timer;         /* in units of 10^-5 cs, or NONE */
} rows[] = {
    /* 6.4.1 Initialize */
    {INIT, STARTUP, VRRP_BACKUP, "E", NONE, DOWN},
    {INIT, SHUTDOWN, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, LINK_DOWN, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, TIMER, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, ZERO, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, LOWER, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, SMALLER, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, GREATER, VRRP_INITIALIZE, "", NONE, NONE},
    {INIT, HIGHER, VRRP_INITIALIZE, "", NONE, NONE},
    /* 6.4.2 Backup */
    {BACKUP, STARTUP, VRRP_BACKUP, "", NONE, KEPT_D},
    {BACKUP, SHUTDOWN, VRRP_INITIALIZE, "E", NONE, NONE},
    {BACKUP, LINK_DOWN, VRRP_INITIALIZE, "E", NONE, NONE},
    {BACKUP, TIMER, VRRP_ACTIVE, "GSAAE", 100, SENT},
    {BACKUP, ZERO, VRRP_BACKUP, "", NONE, SKEW},
    {BACKUP, LOWER, VRRP_BACKUP, "", NONE, KEPT_D},
    {BACKUP, SMALLER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP, GREATER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP, HIGHER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP_POLITE, STARTUP, VRRP_BACKUP, "", NONE, KEPT_D},
    {BACKUP_POLITE, SHUTDOWN, VRRP_INITIALIZE, "E", NONE, NONE},
    {BACKUP_POLITE, LINK_DOWN, VRRP_INITIALIZE, "E", NONE, NONE},
    {BACKUP_POLITE, TIMER, VRRP_ACTIVE, "GSAAE", 100, SENT},
    {BACKUP_POLITE, ZERO, VRRP_BACKUP, "", NONE, SKEW},
    {BACKUP_POLITE, LOWER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP_POLITE, SMALLER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP_POLITE, GREATER, VRRP_BACKUP, "", NONE, DOWN},
    {BACKUP_POLITE, HIGHER, VRRP_BACKUP, "", NONE, DOWN},
    /* 6.4.3 Active */
    {ACTIVE, STARTUP, VRRP_ACTIVE, "GS", 100, SENT}, /* a change of configuration is told */
    {ACTIVE, SHUTDOWN, VRRP_INITIALIZE, "GSE", 0, NONE},
    {ACTIVE, LINK_DOWN, VRRP_INITIALIZE, "GE", NONE, NONE},
    {ACTIVE, TIMER, VRRP_ACTIVE, "S", 100, SENT},
    {ACTIVE, ZERO, VRRP_ACTIVE, "S", 100, SENT},
    {ACTIVE, LOWER, VRRP_ACTIVE, "S", 100, KEPT_A},
    {ACTIVE, SMALLER, VRRP_ACTIVE, "S", 100, KEPT_A},
    {ACTIVE, GREATER, VRRP_BACKUP, "GE", NONE, DOWN},
    {ACTIVE, HIGHER, VRRP_BACKUP, "GE", NONE, DOWN},
};

static void check_row(const struct row *r, bool ip6)
{
    struct vrrp_config c = lab_config(ip6);
    struct lab l;
    c.preempt = r->start != BACKUP_POLITE;
    c.announce_count = 1;
    lab_open(&l, &c);
    put_into(&l, r->start);
    happen(&l, r->event);
    const struct drained *d = drain(&l);
    assert_int_equal(state_of(&l), r->to);
    assert_string_equal(d->order, r->order);
    if (r->sent == NONE)
        assert_int_equal(d->sends, 0);
    else
        assert_int_equal(d->sent[0].priority, r->sent);
    if (d->gates)
        assert_int_equal(d->open, r->to == VRRP_ACTIVE);
    if (r->timer == NONE)
        assert_int_equal(vrrp_deadline(l.v), NSEC_NEVER);
    else
        assert_int_equal(vrrp_deadline(l.v) - l.now, (nsec_t)r->timer * 100);
    lab_close(&l);
}

static void section_6_4_every_state_by_every_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_row(&rows[i], false);
        check_row(&rows[i], true);
    }
}

/* -- the owner */

static void section_6_4_1_the_owner_is_active_at_once(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 255;
    lab_open(&l, &c);
    lab_link(&l, true);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_string_equal(drain(&l)->order, "GSAAE");
    assert_int_equal(l.d.sent[0].priority, 255);
    assert_true(l.d.accept); /* 6.4.3: it accepts what is addressed to its addresses */
    assert_int_equal(l.d.reason, VRRP_WHY_OWNER);
    lab_close(&l);
}

static void erratum_8298_two_owners_are_told_and_the_greater_address_wins(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 255;
    lab_open(&l, &c);
    lab_link(&l, true);
    drain(&l);
    assert_int_equal(hear_peer(&l, 40, 255), VRRP_OK);
    assert_string_equal(drain(&l)->order, "SE");
    assert_int_equal(l.d.event[0], VRRP_EV_TWO_OWNERS);
    assert_int_equal(hear_peer(&l, 60, 255), VRRP_OK);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    lab_close(&l);
}

static void section_6_1_accept_mode_reaches_the_gate(void **state)
{
    (void)state;
    for (int accept = 0; accept < 2; accept++) {
        struct vrrp_config c = lab_config(false);
        struct lab l;
        c.accept = accept;
        lab_open(&l, &c);
        lab_link(&l, true);
        run_to(&l, l.now + 5 * NSEC_PER_SEC);
        assert_int_equal(drain(&l)->gates, 1);
        assert_true(l.d.open);
        assert_int_equal(l.d.accept, accept);
        lab_close(&l);
    }
}

/* -- times */

static void section_6_1_skew_and_active_down_interval(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.priority = 254;
    c.interval_cs = 10;
    lab_open(&l, &c);
    lab_link(&l, true);
    assert_int_equal(status(&l).skew_ns, 2 * 10 * CS / 256);
    assert_int_equal(status(&l).down_ns, 3 * 10 * CS + 2 * 10 * CS / 256);
    /* 6.4.2: both follow the Active's interval, not ours. */
    struct vrrp_advert a = peer_says(&l, 60, 254);
    a.interval_cs = 400;
    assert_int_equal(hear(&l, &a), VRRP_OK);
    assert_int_equal(status(&l).active_interval_cs, 400);
    assert_int_equal(status(&l).down_ns, 1200 * CS + 2 * 400 * CS / 256);
    assert_int_equal(vrrp_deadline(l.v) - l.now, status(&l).down_ns);
    lab_close(&l);
}

static void rfc_3768_6_1_skew_is_a_part_of_a_second(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.mode = VRRP_V2;
    c.interval_cs = 300;
    lab_open(&l, &c);
    lab_link(&l, true);
    assert_int_equal(status(&l).skew_ns, 156 * NSEC_PER_SEC / 256);
    assert_int_equal(status(&l).down_ns, 9 * NSEC_PER_SEC + 156 * NSEC_PER_SEC / 256);
    lab_close(&l);
}

static void section_6_4_3_advertisements_keep_their_phase(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.interval_cs = 10;
    c.priority = 255;
    c.announce_count = 1;
    lab_open(&l, &c);
    lab_link(&l, true);
    nsec_t start = l.now;
    for (int n = 1; n <= 100; n++) {
        assert_int_equal(vrrp_deadline(l.v), start + n * 10 * CS);
        l.now = vrrp_deadline(l.v) + n % 7 * NSEC_PER_MSEC; /* the caller is late */
        vrrp_tick(l.v, l.now);
        drain(&l);
    }
    /* Too late to keep it: no burst of what was missed. */
    l.now += NSEC_PER_SEC;
    vrrp_tick(l.v, l.now);
    assert_int_equal(drain(&l)->sends, 1);
    assert_int_equal(vrrp_deadline(l.v), l.now + 10 * CS);
    lab_close(&l);
}

static void section_6_4_2_preemption_takes_one_active_down_interval(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    lab_open(&l, &c);
    lab_link(&l, true);
    nsec_t start = l.now;
    for (int n = 0; n < 3; n++) {
        hear_peer(&l, 60, 90);
        run_to(&l, l.now + 100 * CS);
        assert_int_equal(state_of(&l), VRRP_BACKUP);
    }
    hear_peer(&l, 60, 90);
    run_to(&l, start + status(&l).down_ns);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_int_equal(status(&l).reason, VRRP_WHY_PREEMPTED);
    assert_int_equal(status(&l).counters.lower, 4);
    lab_close(&l);
}

static void preemption_waits_for_its_delay(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.preempt_delay_cs = 1000;
    lab_open(&l, &c);
    lab_link(&l, true);
    for (int n = 0; n < 10; n++) {
        hear_peer(&l, 60, 90);
        run_to(&l, l.now + 99 * CS);
        assert_int_equal(state_of(&l), VRRP_BACKUP);
    }
    hear_peer(&l, 60, 90);
    run_to(&l, l.now + 10 * CS + status(&l).skew_ns);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_int_equal(status(&l).reason, VRRP_WHY_PREEMPTED);
    lab_close(&l);
}

static void the_delay_is_for_preemption_not_for_silence(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.preempt_delay_cs = 100000;
    lab_open(&l, &c);
    lab_link(&l, true);
    hear_peer(&l, 60, 90);
    nsec_t heard = l.now;
    run_to(&l, heard + status(&l).down_ns - 1);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    run_to(&l, l.now + 1);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_int_equal(status(&l).reason, VRRP_WHY_SILENCE);
    lab_close(&l);
}

static void a_better_router_restarts_the_delay(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    c.preempt_delay_cs = 500;
    lab_open(&l, &c);
    lab_link(&l, true);
    hear_peer(&l, 60, 90);
    run_to(&l, l.now + 300 * CS);
    hear_peer(&l, 70, 150);
    run_to(&l, l.now + 300 * CS);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    hear_peer(&l, 60, 90);
    assert_int_equal(vrrp_deadline(l.v) - l.now, status(&l).down_ns);
    lab_close(&l);
}

static void section_6_4_2_priority_zero_is_answered_in_skew_time(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(true);
    struct lab l;
    lab_open(&l, &c);
    lab_link(&l, true);
    hear_peer(&l, 60, 200);
    hear_peer(&l, 60, 0);
    nsec_t skew = status(&l).skew_ns;
    run_to(&l, l.now + skew - 1);
    assert_int_equal(state_of(&l), VRRP_BACKUP);
    run_to(&l, l.now + 1);
    assert_int_equal(state_of(&l), VRRP_ACTIVE);
    assert_int_equal(status(&l).reason, VRRP_WHY_RESIGNED);
    lab_close(&l);
}

/* -- announcements, and what a flood can do */

static void announcements_are_repeated_for_every_address(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(true);
    struct lab l;
    c.priority = 255;
    c.announce_count = 3;
    c.announce_every_cs = 50;
    c.announce_again_s = 60;
    lab_open(&l, &c);
    lab_link(&l, true);
    nsec_t start = l.now;
    unsigned n = drain(&l)->announces;
    assert_int_equal(n, 2);
    assert_memory_equal(&l.d.announced[1], &c.addr[1], 16);
    run_to(&l, start + 49 * CS);
    assert_int_equal(drain(&l)->announces, 0);
    run_to(&l, start + 50 * CS);
    assert_int_equal(drain(&l)->announces, 2);
    run_to(&l, start + 100 * CS);
    assert_int_equal(drain(&l)->announces, 2);
    run_to(&l, start + 6099 * CS);
    assert_int_equal(drain(&l)->announces, 0);
    run_to(&l, start + 6100 * CS);
    assert_int_equal(drain(&l)->announces, 2);
    lab_close(&l);
}

static void a_flood_of_lower_advertisements_is_not_answered_by_a_flood(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    lab_open(&l, &c);
    put_into(&l, ACTIVE);
    unsigned sent = 0;
    for (int n = 0; n < 100000; n++) { /* 100k/s for a second */
        hear_peer(&l, 60, n % 2 ? 0 : 99);
        sent += drain(&l)->sends;
        run_to(&l, l.now + 10 * NSEC_PER_USEC);
        sent += drain(&l)->sends;
        assert_int_equal(state_of(&l), VRRP_ACTIVE);
    }
    assert_in_range(sent, 1, 110); /* one a centisecond, roughly */
    lab_close(&l);
}

static void actions_coalesce_when_nobody_drains(void **state)
{
    (void)state;
    struct vrrp_config c = lab_config(false);
    struct lab l;
    lab_open(&l, &c);
    put_into(&l, ACTIVE);
    for (int n = 0; n < 50; n++) {
        hear_peer(&l, 60, 200);         /* Backup */
        run_to(&l, vrrp_deadline(l.v)); /* and Active again */
    }
    assert_string_equal(drain(&l)->order, "GSAA"); /* there and back: no event */
    assert_int_equal(status(&l).counters.activated, 51);
    hear_peer(&l, 60, 200);
    assert_string_equal(drain(&l)->order, "GE");
    assert_int_equal(l.d.reason, VRRP_WHY_BETTER);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_6_4_every_state_by_every_event),
        cmocka_unit_test(section_6_4_1_the_owner_is_active_at_once),
        cmocka_unit_test(erratum_8298_two_owners_are_told_and_the_greater_address_wins),
        cmocka_unit_test(section_6_1_accept_mode_reaches_the_gate),
        cmocka_unit_test(section_6_1_skew_and_active_down_interval),
        cmocka_unit_test(rfc_3768_6_1_skew_is_a_part_of_a_second),
        cmocka_unit_test(section_6_4_3_advertisements_keep_their_phase),
        cmocka_unit_test(section_6_4_2_preemption_takes_one_active_down_interval),
        cmocka_unit_test(preemption_waits_for_its_delay),
        cmocka_unit_test(the_delay_is_for_preemption_not_for_silence),
        cmocka_unit_test(a_better_router_restarts_the_delay),
        cmocka_unit_test(section_6_4_2_priority_zero_is_answered_in_skew_time),
        cmocka_unit_test(announcements_are_repeated_for_every_address),
        cmocka_unit_test(a_flood_of_lower_advertisements_is_not_answered_by_a_flood),
        cmocka_unit_test(actions_coalesce_when_nobody_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
