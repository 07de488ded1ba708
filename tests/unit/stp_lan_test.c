/* Topologies in a small LAN language, after the figures of IEEE 802.1D-2004 and 802.1Q-2018.
 *
 *   mode stp|rstp|mstp       of the bridges that follow
 *   region NAME              of the bridges that follow
 *   bridge NAME PRIORITY LAN[/COST]...   ports are numbered in this order
 *   start | run SECONDS | cut LAN | heal LAN | off BRIDGE | on BRIDGE
 *   expect NAME STATES       a letter per port: R D A B M, then f l d for the state: "Rf Df Ad"
 *   agree                    every port is as the oracle says, and there is no loop
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/support_stp.h"

struct script {
    struct net net;
    struct stp_config cfg;
    char bridge[NET_BRIDGES][16], lan[NET_LANS][16];
};

static unsigned lan_named(struct script *s, const char *name)
{
    for (unsigned i = 0; i < s->net.n_lans; i++)
        if (strcmp(s->lan[i], name) == 0)
            return i;
    unsigned i = net_add_lan(&s->net);
    snprintf(s->lan[i], sizeof s->lan[i], "%s", name);
    return i;
}

static unsigned bridge_named(struct script *s, const char *name)
{
    for (unsigned i = 0; i < s->net.n_bridges; i++)
        if (strcmp(s->bridge[i], name) == 0)
            return i;
    fail_msg("no bridge %s", name);
    return 0;
}

static void do_mode(struct script *s, const char *word)
{
    s->cfg.version = strcmp(word, "stp") == 0    ? STP_VERSION_STP
                     : strcmp(word, "mstp") == 0 ? STP_VERSION_MSTP
                                                 : STP_VERSION_RSTP;
}

static void do_bridge(struct script *s, char *rest)
{
    char *save, *word = strtok_r(rest, " ", &save);
    s->cfg.priority = (uint16_t)(strtoul(strtok_r(NULL, " ", &save), NULL, 0));
    unsigned b = net_add_bridge(&s->net, &s->cfg);
    snprintf(s->bridge[b], sizeof s->bridge[b], "%s", word);
    while ((word = strtok_r(NULL, " ", &save)) != NULL) {
        struct stp_port_config c;
        stp_port_config_default(&c);
        char *slash = strchr(word, '/');
        if (slash != NULL) {
            *slash = 0;
            c.cist.cost = (uint32_t)strtoul(slash + 1, NULL, 0);
        }
        net_add_port(&s->net, b, lan_named(s, word), &c);
    }
}

static void do_expect(struct script *s, char *rest)
{
    char *save, *name = strtok_r(rest, " ", &save), *word;
    unsigned b = bridge_named(s, name);
    for (unsigned p = 1; (word = strtok_r(NULL, " ", &save)) != NULL; p++) {
        struct stp_port_tree_status st;
        assert_true(stp_port_tree_status(s->net.bridge[b].stp, p, 0, &st));
        char got[3] = {"-RDABM"[st.role], "dlf"[st.state], 0};
        if (strcmp(word, "*") != 0 && strcmp(word, got) != 0)
            fail_msg("bridge %s port %u is %s (%s), not %s", name, p, got, stp_why_text(st.why),
                     word);
    }
}

static void do_agree(struct script *s)
{
    bool want[NET_BRIDGES][NET_PORTS + 1];
    net_oracle(&s->net, 0, want);
    assert_false(net_has_loop(&s->net));
    assert_false(s->net.unsettled);
    for (unsigned b = 0; b < s->net.n_bridges; b++)
        for (unsigned p = 1; p <= s->net.bridge[b].n_ports; p++)
            if ((s->net.bridge[b].port[p].state[0] == STP_FORWARDING) != want[b][p])
                fail_msg("bridge %s port %u: the oracle says %s", s->bridge[b], p,
                         want[b][p] ? "forwarding" : "blocked");
}

static void line(struct script *s, char *text)
{
    char *save, *verb = strtok_r(text, " ", &save), *rest = strtok_r(NULL, "", &save);
    if (strcmp(verb, "mode") == 0)
        do_mode(s, rest);
    else if (strcmp(verb, "region") == 0)
        snprintf(s->cfg.region, sizeof s->cfg.region, "%s", rest);
    else if (strcmp(verb, "bridge") == 0)
        do_bridge(s, rest);
    else if (strcmp(verb, "start") == 0)
        net_start(&s->net);
    else if (strcmp(verb, "run") == 0)
        net_run(&s->net, (nsec_t)(strtod(rest, NULL) * 1e9));
    else if (strcmp(verb, "cut") == 0 || strcmp(verb, "heal") == 0)
        net_set_lan(&s->net, lan_named(s, rest), verb[0] == 'h');
    else if (strcmp(verb, "off") == 0)
        net_bridge_off(&s->net, bridge_named(s, rest));
    else if (strcmp(verb, "on") == 0)
        net_bridge_on(&s->net, bridge_named(s, rest));
    else if (strcmp(verb, "expect") == 0)
        do_expect(s, rest);
    else if (strcmp(verb, "agree") == 0)
        do_agree(s);
    else
        fail_msg("no verb %s", verb);
}

static void play(const char *text)
{
    struct script *s = calloc(1, sizeof *s);
    char *copy = strdup(text), *save;
    net_make(&s->net, 1);
    stp_config_default(&s->cfg);
    for (char *l = strtok_r(copy, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
        line(s, l);
    assert_int_equal(s->net.loop_total, 0);
    net_free(&s->net);
    free(copy);
    free(s);
}

static void two_bridges_one_link(void **state)
{
    (void)state;
    play("bridge a 4096 l\n"
         "bridge b 8192 l\n"
         "start\n"
         "run 0.1\n"
         "expect a Df\n"
         "expect b Rf\n"
         "agree");
}

/* A ring of three: one blocked port, and a cut heals within a few messages. */
static void a_ring_of_three_heals_in_tens_of_milliseconds(void **state)
{
    (void)state;
    play("bridge a 4096 ab ac\n"
         "bridge b 8192 ab bc\n"
         "bridge c 12288 ac bc\n"
         "start\n"
         "run 0.5\n"
         "expect a Df Df\n"
         "expect b Rf Df\n"
         "expect c Rf Ad\n"
         "agree\n"
         "run 20\n"
         "cut ac\n"
         "run 0.05\n"
         "expect c -d Rf\n"
         "agree\n"
         "heal ac\n"
         "run 0.5\n"
         "expect c Rf Ad\n"
         "agree");
}

/* 802.1D-2004 figure 17-1's kind: parallel links, a LAN shared by one bridge twice (Backup Port).
 */
static void parallel_links_and_a_backup_port(void **state)
{
    (void)state;
    play("bridge a 0 x x2 hub\n"
         "bridge b 4096 x x2 lan lan\n"
         "bridge c 8192 lan hub\n"
         "start\n"
         "run 40\n"
         "expect a Df Df Df\n"
         "expect b Rf Ad Df Bd\n"
         "expect c Ad Rf\n"
         "agree\n"
         "cut x\n"
         "run 1\n"
         "expect b -d Rf Df Bd\n"
         "agree");
}

/* 802.1D-2004 17.9: the example of a mesh where costs, not hops, decide. */
static void path_costs_decide(void **state)
{
    (void)state;
    play("bridge a 0 ab/100 ac/10\n"
         "bridge b 4096 ab/100 bc/10 bd/10\n"
         "bridge c 8192 ac/10 bc/10 cd/100\n"
         "bridge d 12288 bd/10 cd/100\n"
         "start\n"
         "run 3\n"
         "expect a Df Df\n"
         "expect b Ad Rf Df\n"
         "expect c Rf Df Df\n"
         "expect d Rf Ad\n"
         "agree");
}

/* 13.32: an STP bridge on one LAN slows that port alone, and is given the timers of 802.1D. */
static void an_stp_bridge_slows_its_own_port_only(void **state)
{
    (void)state;
    play("bridge a 0 ab ac\n"
         "bridge b 4096 ab bc\n"
         "mode stp\n"
         "bridge c 8192 ac bc\n"
         "start\n"
         "run 1\n"
         "expect b Rf *\n"
         "run 20\n"
         "expect c Rl *\n"
         "run 20\n"
         "expect a Df Df\n"
         "expect b Rf Df\n"
         "expect c Rf Ad\n"
         "agree\n"
         "cut ac\n"
         "run 25\n"
         "expect c -d Rl\n"
         "run 10\n"
         "expect c -d Rf\n"
         "agree");
}

/* fdWhile begins at Max Age (DISABLED_PORT), then comes a Forward Delay of learning: 20 + 15 s. */
static void a_ring_of_old_bridges_takes_the_standards_time(void **state)
{
    (void)state;
    play("mode stp\n"
         "bridge a 0 ab ac\n"
         "bridge b 4096 ab bc\n"
         "bridge c 8192 ac bc\n"
         "start\n"
         "run 33\n"
         "expect a Dl Dl\n"
         "run 4\n"
         "expect a Df Df\n"
         "expect b Rf Df\n"
         "expect c Rf Ad\n"
         "agree");
}

/* Old information must die by message age, not count up for ever. */
static void the_death_of_the_root_ends(void **state)
{
    (void)state;
    play("bridge r 0 ra\n"
         "bridge a 4096 ra ab ac\n"
         "bridge b 8192 ab bc bd\n"
         "bridge c 12288 ac bc cd\n"
         "bridge d 16384 bd cd\n"
         "start\n"
         "run 10\n"
         "agree\n"
         "off r\n"
         "run 30\n"
         "expect a * Df Df\n"
         "agree\n"
         "on r\n"
         "run 10\n"
         "expect r Df\n"
         "agree");
}

/* 13.5: a region is one bridge to those outside; figure 13-2's kind. */
static void a_region_looks_like_one_bridge(void **state)
{
    (void)state;
    play("bridge root 0 x y\n"
         "mode mstp\n"
         "region east\n"
         "bridge a 4096 x ab ac\n"
         "bridge b 8192 ab bc\n"
         "bridge c 12288 ac bc y\n"
         "start\n"
         "run 20\n"
         "agree\n"
         "cut x\n"
         "run 20\n"
         "agree\n"
         "heal x\n"
         "run 20\n"
         "agree");
}

static void a_restarted_root_and_its_network_agree_again(void **state)
{
    (void)state;
    play("bridge a 0 ab ac\n"
         "bridge b 4096 ab bc\n"
         "bridge c 8192 ac bc\n"
         "start\n"
         "run 5\n"
         "off a\n"
         "run 0.2\n"
         "on a\n"
         "run 40\n"
         "agree");
}

/* 802.1D-2004 figure 17-4: two roots of the distribution layer, four of access, everything twice.
 */
static void figure_17_4_a_network_with_everything_twice(void **state)
{
    (void)state;
    play("mode rstp\n"
         "bridge 111 32768 a b e c\n"
         "bridge 222 32768 a b d f\n"
         "bridge 333 32768 c d l j h g\n"
         "bridge 444 32768 e f n m k i\n"
         "bridge 555 32768 g i p q\n"
         "bridge 666 32768 h k r s\n"
         "bridge 777 32768 j m t u\n"
         "bridge 888 32768 l n v w\n"
         "start\n"
         "run 5\n"
         "expect 111 Df Df Df Df\n"
         "expect 222 Rf Ad Df Df\n"
         "expect 333 Rf Ad Df Df Df Df\n"
         "expect 444 Rf Ad Df Df Df Df\n"
         "expect 555 Rf Ad Df Df\n"
         "expect 666 Rf Ad Df Df\n"
         "expect 777 Rf Ad Df Df\n"
         "expect 888 Rf Ad Df Df\n"
         "agree\n"
         "cut c\n"
         "run 0.1\n"
         "expect 333 -d Rf Df Df Df Df\n"
         "expect 555 Ad Rf Df Df\n"
         "agree\n");
}

/* 802.1D-2004 figure 17-6: a ring of six. */
static void figure_17_6_a_ring_opens_opposite_to_the_root(void **state)
{
    (void)state;
    play("mode rstp\n"
         "bridge 111 32768 a b l\n"
         "bridge 222 32768 b c d\n"
         "bridge 333 32768 d e f\n"
         "bridge 444 32768 f g h\n"
         "bridge 555 32768 j h i\n"
         "bridge 666 32768 l j k\n"
         "start\n"
         "run 5\n"
         "expect 111 Df Df Df\n"
         "expect 222 Rf Df Df\n"
         "expect 333 Rf Df Df\n"
         "expect 444 Rf Df Ad\n"
         "expect 555 Rf Df Df\n"
         "expect 666 Rf Df Df\n"
         "agree\n"
         "cut d\n"
         "run 0.1\n"
         "expect 222 Rf Df -d\n"
         "expect 333 -d Df Rf\n"
         "expect 444 Df Df Rf\n"
         "agree\n");
}

/* 802.1D-2004 figure 17-7: the receiving port's designated port decides among parallel links. */
static void figure_17_7_many_ports_between_two_bridges(void **state)
{
    (void)state;
    play("mode rstp\n"
         "bridge aa 32768 b\n"
         "bridge 111 32768 a b d f h g e c\n"
         "bridge 222 32768 g h j l n m k i\n"
         "start\n"
         "run 5\n"
         "expect aa Df\n"
         "expect 111 Df Rf Df Df Df Df Df Df\n"
         "expect 222 Ad Rf Df Df Df Df Df Df\n"
         "agree\n");
}

/* Count to infinity: the root dies behind one bridge of a ring, whose others remember it to each
 * other. What they remember grows old at each of them, and must be gone before Max Age's 20. */
static void a_dead_roots_memory_is_not_counted_to_infinity(void **state)
{
    (void)state;
    play("mode rstp\n"
         "bridge root 0 x\n"
         "bridge b1 4096 x a d\n"
         "bridge b2 8192 a b\n"
         "bridge b3 12288 b c\n"
         "bridge b4 16384 c d\n"
         "start\n"
         "run 5\n"
         "agree\n"
         "off root\n"
         "run 26\n"
         "expect b1 Df Df Df\n"
         "agree\n"
         "on root\n"
         "run 5\n"
         "agree\n"
         "cut x\n"
         "run 4\n"
         "expect b1 -d Df Df\n"
         "agree\n");
}

/* Old information racing new: the mid bridge loses the root and says so on two links; what it says
 * on the first must not make its neighbour believe what it had said on the second. */
static void old_information_races_new_on_a_parallel_link(void **state)
{
    (void)state;
    play("mode rstp\n"
         "bridge root 0 x\n"
         "bridge mid 4096 x a b\n"
         "bridge far 8192 a b c\n"
         "bridge leaf 12288 c\n"
         "start\n"
         "run 5\n"
         "expect far Rf Ad Df\n"
         "cut x\n"
         "run 0.05\n"
         "expect mid -d Df Df\n"
         "expect far Rf Ad Df\n"
         "agree\n"
         "heal x\n"
         "run 0.05\n"
         "cut x\n"
         "run 0.05\n"
         "heal x\n"
         "run 0.05\n"
         "cut x\n"
         "run 2\n"
         "expect mid -d Df Df\n"
         "expect far Rf Ad Df\n"
         "agree\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_bridges_one_link),
        cmocka_unit_test(a_ring_of_three_heals_in_tens_of_milliseconds),
        cmocka_unit_test(parallel_links_and_a_backup_port),
        cmocka_unit_test(path_costs_decide),
        cmocka_unit_test(an_stp_bridge_slows_its_own_port_only),
        cmocka_unit_test(a_ring_of_old_bridges_takes_the_standards_time),
        cmocka_unit_test(the_death_of_the_root_ends),
        cmocka_unit_test(a_region_looks_like_one_bridge),
        cmocka_unit_test(a_restarted_root_and_its_network_agree_again),
        cmocka_unit_test(figure_17_4_a_network_with_everything_twice),
        cmocka_unit_test(figure_17_6_a_ring_opens_opposite_to_the_root),
        cmocka_unit_test(figure_17_7_many_ports_between_two_bridges),
        cmocka_unit_test(a_dead_roots_memory_is_not_counted_to_infinity),
        cmocka_unit_test(old_information_races_new_on_a_parallel_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
