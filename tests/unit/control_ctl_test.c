/* weftctl's own work: words, tables, figures, frames. The API is not needed for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/ctl.h"

/* What a run printed, and its exit code. */
struct ran {
    char *out, *err;
    int code;
};

static struct ran run_with(const char *input, int argc, char **argv)
{
    struct ran r = {0};
    size_t n, m;
    FILE *in = fmemopen((void *)input, strlen(input) + 1, "r");
    struct ctl c = {.in = in,
                    .out = open_memstream(&r.out, &n),
                    .err = open_memstream(&r.err, &m),
                    .socket = "/nonexistent/api.sock",
                    .fd = -1};
    r.code = ctl_main(&c, argc, argv);
    fclose(c.out);
    fclose(c.err);
    fclose(in);
    return r;
}

static void ran_free(struct ran *r)
{
    free(r->out);
    free(r->err);
}

#define RUN(...)                                                                       \
    run_with("\n", (int)(sizeof((char *[]){"weftctl", __VA_ARGS__}) / sizeof(char *)), \
             (char *[]){"weftctl", __VA_ARGS__})

static void says(struct ran r, int code, const char *words)
{
    if (r.code != code || (!strstr(r.err, words) && !strstr(r.out, words)))
        fail_msg("code %d (want %d), wanted \"%s\" in:\n%s%s", r.code, code, words, r.out, r.err);
    ran_free(&r);
}

static void wrong_words_are_usage_errors_that_help(void **state)
{
    (void)state;
    says(RUN("prot", "show"), CTL_USAGE, "did you mean \"port\"");
    says(RUN("port", "ad", "br0", "p"), CTL_USAGE, "did you mean \"port add\"");
    says(RUN("xyzzy"), CTL_USAGE, "weftctl help");
    says(RUN("port", "frobnicate"), CTL_USAGE, "weftctl help port");
    says(RUN("flow"), CTL_USAGE, "flow what?");
    says(RUN("port", "add", "br0"), CTL_USAGE, "BRIDGE PORT [KEY=VALUE]...");
    says(RUN("port", "add", "br0", "p", "tag"), CTL_USAGE, "not KEY=VALUE");
    says(RUN("port", "add", "br0", "p", "tag=1", "tag=2"), CTL_USAGE, "twice");
    says(RUN("fdb", "add", "br0", "02:00:00:00:00:01", "x", "p"), CTL_USAGE, "not a VLAN");
    says(RUN("fdb", "show", "br0", "br1"), CTL_USAGE, "expected port=");
    says(RUN("--frob", "show"), CTL_USAGE, "no option --frob");
    says(RUN("show", "--strict"), CTL_USAGE, "takes no --strict");
    says(RUN("stats", "--watch", "x"), CTL_USAGE, "give seconds");
    says(RUN("stats", "--watch", "-1"), CTL_USAGE, "give seconds");
    says(RUN("--rundir"), CTL_USAGE, "needs a path");
    says(RUN("flow", "add", "br0", "@/nonexistent"), CTL_USAGE, "No such file");
    says(RUN("flow", "add", "br0", "-"), CTL_USAGE, "no flows");
    says(RUN("api", "x", "{"), CTL_USAGE, "not JSON");
    says(RUN("completion", "zsh"), CTL_USAGE, "bash");
}

static void without_a_daemon_the_exit_code_is_3(void **state)
{
    (void)state;
    says(RUN("show"), CTL_NO_DAEMON, "no weftd answers at /nonexistent/api.sock");
    says(RUN("--rundir", "/tmp/none", "show"), CTL_NO_DAEMON, "/tmp/none/api.sock");
    says(RUN("stats", "--json"), CTL_NO_DAEMON, "start it or give --rundir");
    says(RUN("flow", "add", "br0", "actions=drop"), CTL_NO_DAEMON, "no weftd");
}

static void help_knows_every_command(void **state)
{
    (void)state;
    says(RUN("help"), CTL_OK, "packet-out BRIDGE PORT|controller ACTIONS HEX");
    says(RUN("help", "port"), CTL_OK, "type=vhost-user path=");
    says(RUN("help", "port", "del"), CTL_OK, "[BRIDGE] PORT");
    says(RUN("help", "nothing"), CTL_USAGE, "no command");
    says(RUN("--help"), CTL_OK, "usage:");
    for (const struct ctl_command *k = ctl_commands; k->noun; k++) {
        assert_non_null(k->run);
        assert_true(k->max < 0 || k->min <= k->max);
        assert_ptr_equal(ctl_find(k->noun, k->verb), k);
    }
}

static void completion_offers_words_that_fit(void **state)
{
    (void)state;
    says(RUN("__complete", "weftctl po"), CTL_OK, "port\n");
    says(RUN("__complete", "weftctl --json port a"), CTL_OK, "add\n");
    says(RUN("__complete", "weftctl log-level d"), CTL_OK, "debug\n");
    says(RUN("__complete", "weftctl help fd"), CTL_OK, "fdb\n");
    says(RUN("completion", "bash"), CTL_OK, "complete -F _weftctl weftctl");
    struct ran r = RUN("__complete", "weftctl port del ");
    assert_int_equal(r.code, CTL_OK); /* no daemon: no names, and no noise */
    assert_string_equal(r.err, "");
    ran_free(&r);
}

static void columns_line_up(void **state)
{
    (void)state;
    struct ctl_table t;
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    ctl_table_init(&t, "NAME|>RX|LAST");
    ctl_table_cell(&t, "vm1");
    ctl_table_cell(&t, "%d", 12345);
    ctl_table_cell(&t, "%s", "");
    ctl_table_cell(&t, "gr\xc3\xbc\xc3\x9f");
    ctl_table_cell(&t, "7");
    ctl_table_cell(&t, "x");
    ctl_table_print(&t, f, "none\n");
    fclose(f);
    assert_string_equal(text, "NAME     RX  LAST\nvm1   12345\ngr\xc3\xbc\xc3\x9f      7  x\n");
    free(text);
}

static void an_empty_table_says_so(void **state)
{
    (void)state;
    struct ctl_table t;
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    ctl_table_init(&t, "A|B");
    ctl_table_print(&t, f, "none\n");
    fclose(f);
    assert_string_equal(text, "none\n");
    free(text);
}

static void figures_are_short(void **state)
{
    (void)state;
    assert_string_equal(ctl_si(0).s, "0");
    assert_string_equal(ctl_si(9999).s, "9999");
    assert_string_equal(ctl_si(10000).s, "10.0k");
    assert_string_equal(ctl_si(1234567).s, "1.23M");
    assert_string_equal(ctl_si(999999).s, "1.00M");
    assert_string_equal(ctl_si(9.4e9).s, "9.40G");
    assert_string_equal(ctl_bytes(512).s, "512B");
    assert_string_equal(ctl_bytes(1536).s, "1.5K");
    assert_string_equal(ctl_age(0.44).s, "0.4s");
    assert_string_equal(ctl_age(192).s, "3m12s");
    assert_string_equal(ctl_age(7500).s, "2h05m");
    assert_string_equal(ctl_age(90000 * 3).s, "3d03h");
}

static void frame_reads(const char *hex, const char *want)
{
    struct strbuf b = {0};
    ctl_frame(&b, hex);
    assert_string_equal(strbuf_text(&b), want);
    strbuf_free(&b);
}

static void frames_are_told_in_a_line(void **state)
{
    (void)state;
#define ETH "ffffffffffff020000000001"
#define TO  "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"
    frame_reads(ETH "88b5", TO " type 0x88b5");
    frame_reads(ETH "8100600a"
                    "08060001080006040001"
                    "020000000001"
                    "0a000001"
                    "000000000000"
                    "0a000002",
                TO " vlan 10 ARP who has 10.0.0.2, tell 10.0.0.1");
    frame_reads(ETH "0800"
                    "450000280000000040060000"
                    "0a000001"
                    "0a000002"
                    "0050"
                    "04d2",
                TO " 10.0.0.1 > 10.0.0.2 TCP 80 > 1234");
    frame_reads(ETH "0800"
                    "450000280000000040010000"
                    "0a000001"
                    "0a000002"
                    "0800",
                TO " 10.0.0.1 > 10.0.0.2 ICMP echo request");
    frame_reads(ETH "86dd"
                    "6000000000083aff"
                    "fe800000000000000000000000000001"
                    "ff020000000000000000000000000001"
                    "8000",
                TO " fe80::1 > ff02::1 ICMPv6 echo request");
    frame_reads(ETH "0800"
                    "45",
                TO " IPv4, broken");
    frame_reads(ETH "0026", TO " 802.2");
    frame_reads("ffff", "too short for Ethernet");
    frame_reads("", "too short for Ethernet");
    frame_reads(ETH "8100", TO " vlan 0, cut short");
}

static void flows_come_from_words_and_lines(void **state)
{
    (void)state;
    const char *text = "# all of them\n\n actions=drop  \nip,actions=1 # last\n";
    json_t *list;
    FILE *in = fmemopen((void *)text, strlen(text), "r");
    struct ctl c = {.in = in, .out = stdout, .err = stderr, .fd = -1};
    char *argv[] = {"arp,actions=2", "-"};
    assert_int_equal(ctl_flows(&c, 2, argv, &list), CTL_OK);
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_array_get(list, 0)), "arp,actions=2");
    assert_string_equal(json_string_value(json_array_get(list, 1)), "actions=drop");
    assert_string_equal(json_string_value(json_array_get(list, 2)), "ip,actions=1");
    json_decref(list);
    fclose(in);
}

static void distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(ctl_distance("port", "port"), 0);
    assert_int_equal(ctl_distance("prot", "port"), 2);
    assert_int_equal(ctl_distance("", "port"), 4);
    assert_int_equal(ctl_distance("stat", "stats"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_words_are_usage_errors_that_help),
        cmocka_unit_test(without_a_daemon_the_exit_code_is_3),
        cmocka_unit_test(help_knows_every_command),
        cmocka_unit_test(completion_offers_words_that_fit),
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(an_empty_table_says_so),
        cmocka_unit_test(figures_are_short),
        cmocka_unit_test(frames_are_told_in_a_line),
        cmocka_unit_test(flows_come_from_words_and_lines),
        cmocka_unit_test(distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
