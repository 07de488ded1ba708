#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/strbuf.h"
#include "control/config.h"
#include "control/target.h"

#define BR   "bridges:\n  - name: br0\n"
#define VTEP "vteps:\n  - {name: v, ip: 192.0.2.1/24}\nbridges:\n  - name: br0\n    ports:\n"
#define PORT BR "    ports:\n      - {name: vm1, type: tap"

static const struct {
    const char *yaml, *message;
} bad[] = {
    {"a: b\nc: d: e",
     "weft.yaml:2: this is not YAML: mapping values are not allowed in this context"},
    {"bridge: 1",
     "weft.yaml:1: unknown key \"bridge\"; expected one of workers, memory, tls, log_level, vteps, "
     "routers, bridges"},
    {"log_level: info\nlog_level: info", "weft.yaml:2: log_level: given twice; expected once"},
    {"log_level: loud", "weft.yaml:1: log_level: \"loud\"; expected error, warning, info or debug"},
    {"log_level: [a]", "weft.yaml:1: log_level: expected text, not a list"},
    {"- 1", "weft.yaml:1: expected a mapping (key: value), not a list"},
    {"bridges: {}", "weft.yaml:1: bridges: expected a list ([a, b]), not a mapping"},
    {"bridges:\n  - {}", "weft.yaml:2: bridges[0]: the key \"name\" is missing"},
    {"workers:\n  cpus: [1, x]", "weft.yaml:2: workers.cpus[1]: expected a number from 0 to "
                                 "2147483647, not \"x\""},
    {"workers: {cpus: [1, 1]}", "weft.yaml:1: workers.cpus: CPU 1 is there twice"},
    {"workers: {busy_poll: maybe}",
     "weft.yaml:1: workers.busy_poll: expected true or false, not \"maybe\""},
    {"memory: {mbufs: 7}", "weft.yaml:1: memory.mbufs: 7 packet buffers; give 512..16777216"},
    {"memory: {mbuf_data_bytes: 70000}",
     "weft.yaml:1: memory.mbuf_data_bytes: expected a number from 0 to 65535, not \"70000\""},
    {"memory: {hugepages: 2M}",
     "weft.yaml:1: memory.hugepages: \"2M\"; expected auto, no or require"},
    {"--- {}\n--- {}", "weft.yaml:2: a second YAML document; expected one only"},
    {"log_level: \"a\\0b\"", "weft.yaml:1: log_level: expected text without control characters"},
    {BR "  - name: br0\n", "weft.yaml:3: bridges[1].name: \"br0\" is a bridge already"},
    {"bridges: [{name: normal}]",
     "weft.yaml:1: bridges[0].name: \"normal\" is a word of the flow syntax; give another"},
    {"bridges: [{name: a b}]", "weft.yaml:1: bridges[0].name: \"a b\" is no name; give letters, "
                               "digits, and _ . - inside, not digits alone"},
    {BR "    datapath_id: 12\n", "weft.yaml:3: bridges[0].datapath_id: \"12\"; expected 16 "
                                 "hexadecimal digits, not all zero"},
    {BR "    fail_mode: open\n",
     "weft.yaml:3: bridges[0].fail_mode: \"open\"; expected standalone or secure"},
    {BR "    controllers:\n      - tcp:127.0.0.1:6653\n      - udp:1\n",
     "weft.yaml:5: bridges[0].controllers[1]: \"udp:1\" is no controller; expected "
     "tcp:ADDRESS[:PORT] or ptcp:[PORT][:ADDRESS], ssl: or pssl: with TLS, addresses numeric, IPv6 "
     "in []"},
    {BR "    fdb: {size: 2000000}\n",
     "weft.yaml:3: bridges[0].fdb.size: 2000000 entries; give 1..1048576"},
    {BR "    fdb:\n      static:\n        - {mac: \"02:00:00:00:00:01\", port: x}\n",
     "weft.yaml:5: bridges[0].fdb.static[0]: port: bridge br0 has no port \"x\""},
    {"vteps:\n  - {name: v, ip: 192.0.2.1/33}\n",
     "weft.yaml:2: vteps[0].ip: \"192.0.2.1/33\"; expected an address of ours like 192.0.2.1/24"},
    {"vteps:\n  - {name: v, ip: 192.0.2.1/24, gateway: \"2001:db8::1\"}\n",
     "weft.yaml:2: vteps[0].gateway: \"2001:db8::1\"; expected an IPv4 address"},
    {"vteps:\n  - {name: v, ip: 192.0.2.1/24, port: up}\n",
     "weft.yaml:2: vteps[0].port: no port \"up\""},
    {"bridges:\n  - name: br0\n    ports:\n      - {name: t, type: vxlan, vtep: v, key: 1}\n",
     "weft.yaml:4: bridges[0].ports[0].vtep: there is no VTEP \"v\" in vteps"},
    {VTEP "      - {name: t, type: vxlan, vtep: v, key: 16777216}\n",
     "weft.yaml:6: bridges[0].ports[0].key: \"16777216\"; expected a VNI 0..16777215, or flow"},
    {VTEP "      - {name: t, type: vxlan, vtep: v, key: 1, remotes: [\"::1\"]}\n",
     "weft.yaml:6: bridges[0].ports[0].remotes[0]: \"::1\"; expected an IPv4 address, as its "
     "VTEP's"},
    {VTEP "      - {name: t, type: vxlan, vtep: v, key: 1}\n"
          "      - {name: u, type: vxlan, vtep: v, key: 1}\n",
     "weft.yaml:7: bridges[0].ports[1].key: port t has VNI 1 of VTEP v already"},
    {PORT ", tag: 5000}\n",
     "weft.yaml:4: bridges[0].ports[0].tag: 5000 is not a VLAN; give 1..4094"},
    {PORT ", mtu: 20}\n", "weft.yaml:4: bridges[0].ports[0].mtu: 20 bytes; give 68..9216"},
    {PORT ", tags: 1}\n",
     "weft.yaml:4: bridges[0].ports[0]: unknown key \"tags\"; expected one of name, type, ifname, "
     "netns, path, server, pcap_in, pcap_out, pcap_loop, devargs, queues, ofport, mac, mtu, down, "
     "offloads, vlan_mode, tag, trunks, cvlans, priority_tags, qinq_ethtype, max_macs, "
     "vtep, key, remote_ip, remotes, suppress, hosts, "
     "members, mode, hash, symmetric, primary, min_links, max_links, up_delay_ms, "
     "rebalance_s, down_delay_ms, lacp_passive, lacp_slow, lacp_fallback, lacp_key, lacp_priority, "
     "router, addresses, urpf, anycast, dad, neighbors, ra, vrrp, stp, ip, "
     "macs, vni, "
     "security, allow, activation, announce, redirect_s"},
    {PORT ", ip: [10.0.0.300]}\n", "weft.yaml:4: bridges[0].ports[0].ip: \"10.0.0.300\" is no "
                                   "address or prefix; expected 192.0.2.7, "
                                   "2001:db8::7 or 192.0.2.0/28"},
    {PORT ", vni: 7}\n",
     "weft.yaml:4: bridges[0].ports[0].vni: 7: bridge br0 has no vxlan port with this key; add it "
     "first"},
    {PORT ", security: lax}\n",
     "weft.yaml:4: bridges[0].ports[0].security: \"lax\"; expected strict, promiscuous or off"},
    {PORT ", allow: [anything]}\n",
     "weft.yaml:4: bridges[0].ports[0].allow: \"anything\"; expected dhcp-server, router, types or "
     "rate"},
    {PORT ", path: /x}\n",
     "weft.yaml:4: bridges[0].ports[0].path: means nothing for a tap port; take it away"},
    {PORT "}\n      - {name: vm1, type: \"null\"}\n",
     "weft.yaml:5: bridges[0].ports[1].name: \"vm1\" is a port of bridge br0 already"},
    {PORT ", ofport: 3}\n      - {name: vm2, type: \"null\", ofport: 3}\n",
     "weft.yaml:5: bridges[0].ports[1].ofport: 3 is port vm1 already"},
    {BR "    ports:\n      - {name: v, type: vhost-user}\n",
     "weft.yaml:4: bridges[0].ports[0]: a vhost-user port needs the key \"path\""},
    {BR "    ports:\n      - name: v\n        type: vhost\n",
     "weft.yaml:5: bridges[0].ports[0].type: \"vhost\" is no kind of port; expected tap, "
     "vhost-user, af_packet, pcap, null, ring, dpdk, vxlan, bond or router"},
    {PORT ", trunks: [\"10\", \"9-5\"]}\n",
     "weft.yaml:4: bridges[0].ports[0].trunks[1]: \"9-5\" is "
     "no VLAN or range; give 0..4094 or \"20-29\""},
    {PORT ", vlan_mode: trunk, tag: 5}\n",
     "weft.yaml:4: bridges[0].ports[0].tag: a trunk has no tag; for one VLAN untagged give "
     "vlan_mode: native-untagged"},
    {PORT ", mac: \"01:00:00:00:00:01\"}\n",
     "weft.yaml:4: bridges[0].ports[0].mac: \"01:00:00:00:00:01\" is not the MAC address of a "
     "station; expected 02:00:00:00:00:01"},
};

static void every_bad_file_is_refused_with_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct errbuf e = {""};
        struct config *c = NULL;
        int r = config_parse(bad[i].yaml, strlen(bad[i].yaml), "weft.yaml", &c, &e);
        assert_string_equal(e.text, bad[i].message);
        assert_int_equal(r, -EINVAL);
        assert_null(c);
    }
}

/* One LACP system speaks for all bonds, and has so many ports. */
static void the_lacp_members_of_all_bonds_are_64_at_most(void **state)
{
    (void)state;
    for (unsigned bonds = 4; bonds <= 5; bonds++) {
        struct strbuf y = {0};
        struct errbuf e = {""};
        struct config *c = NULL;
        strbuf_adds(&y, BR "    ports:\n");
        for (unsigned i = 0; i < bonds; i++) {
            strbuf_addf(&y, "      - {name: b%u, type: bond, members: [m%u0", i, i);
            for (unsigned j = 1; j < (i < 4 ? 16 : 2); j++)
                strbuf_addf(&y, ", m%u%u", i, j);
            strbuf_adds(&y, "]}\n");
        }
        int r = config_parse(y.s, y.len, "weft.yaml", &c, &e);
        assert_int_equal(r, bonds == 4 ? 0 : -EINVAL);
        if (bonds == 5)
            assert_string_equal(e.text, "weft.yaml:4: bridges[0].ports[0].members: with them the "
                                        "bonds in mode lacp have 66 members; at most 64");
        config_free(c);
        strbuf_free(&y);
    }
}

static const char full[] =
    "workers: {cpus: [0, 1], idle_spin_us: 20, busy_poll: true}\n"
    "memory: {mbufs: 4096, hugepages: \"no\"}\n"
    "log_level: debug\n"
    "bridges:\n"
    "  - name: br0\n"
    "    datapath_id: \"00000000000000b0\"\n"
    "    fail_mode: secure\n"
    "    controllers: [\"tcp:127.0.0.1:6653\", \"ptcp:6654\"]\n"
    "    probe_s: 5\n"
    "    local: true\n"
    "    fdb:\n"
    "      size: 100\n"
    "      static:\n"
    "        - {mac: \"02:00:00:00:00:01\", vlan: 10, port: vm1}\n"
    "    ports:\n"
    "      - {name: vm1, type: tap, offloads: false, tag: 10}\n"
    "      - {name: up0, type: af_packet, ifname: veth0, vlan_mode: trunk, trunks: [\"10\", "
    "\"20-29\"]}\n"
    "      - {name: n0, type: \"null\", ofport: 7, down: true}\n"
    "    flows:\n"
    "      - \"table=0,priority=10,in_port=vm1,actions=normal\"\n"
    "  - name: br1\n";

static char *printed(const struct config *c)
{
    struct strbuf b = {0};
    assert_int_equal(config_print(c, &b, NULL), 0);
    char *s = strdup(strbuf_text(&b));
    strbuf_free(&b);
    return s;
}

static struct config *parsed(const char *text)
{
    struct config *c = NULL;
    struct errbuf e = {""};
    if (config_parse(text, strlen(text), "test", &c, &e) < 0)
        fail_msg("%s", e.text);
    return c;
}

static void what_is_printed_is_read_back_and_copied_the_same(void **state)
{
    (void)state;
    struct config *c = parsed(full), *copy = config_copy(c);
    char *one = printed(c), *two = printed(copy);
    assert_string_equal(one, full);
    assert_string_equal(two, full);
    free(one);
    free(two);
    config_free(c);
    config_free(copy);
}

static void empty_files_are_empty_configurations(void **state)
{
    (void)state;
    const char *texts[] = {"", "\n", "# nothing\n", "---\n", "{}", "bridges:\n", "bridges: []"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config *c = parsed(texts[i]);
        char *s = printed(c);
        assert_string_equal(s, "");
        free(s);
        config_free(c);
    }
}

static void strings_that_look_like_something_else_survive(void **state)
{
    (void)state;
    struct config *c = config_empty();
    struct config_bridge b = {.name = (char *)"br0"};
    struct config_port p = {.name = (char *)"null0",
                            .type = (char *)"dpdk",
                            .devargs = (char *)"a \"b\" \\ # : {}, '"};
    assert_int_equal(config_bridge_add(c, &b, NULL), 0);
    assert_int_equal(config_port_add(c, "br0", &p, NULL), 0);
    assert_int_equal(config_port_add(c, "br0", &p, NULL), -EEXIST);
    char *one = printed(c);
    struct config *d = parsed(one);
    assert_string_equal(d->bridges[0].ports[0].devargs, p.devargs);
    free(one);
    config_free(c);
    config_free(d);
}

static void keys_are_set_and_taken_away_by_name(void **state)
{
    (void)state;
    struct errbuf e = {""};
    struct config *c = parsed(full);
    struct config_port *p = config_find_port(c, "vm1", NULL);
    assert_int_equal(config_port_set(c, "vm1", "tag", NULL, &e), 0);
    assert_int_equal(config_port_set(c, "vm1", "trunks", "10,20-29", &e), 0);
    assert_int_equal(p->trunks_count, 2);
    assert_string_equal(p->trunks[1], "20-29");
    assert_int_equal(config_port_set(c, "vm1", "trunks", NULL, &e), 0);
    assert_int_equal(p->trunks_count, 0);
    assert_int_equal(config_port_set(c, "vm1", "offloads", NULL, &e), 0);
    assert_null(p->offloads);
    assert_int_equal(config_port_set(c, "vm1", "offloads", "yes", &e), 0);
    assert_true(*p->offloads);
    assert_int_equal(config_bridge_set(c, "br0", "fdb.ageing_s", "30", &e), 0);
    assert_int_equal(c->bridges[0].fdb.ageing_s, 30);
    assert_int_equal(config_port_set(c, "vm1", "tag", "x", &e), -EINVAL);
    assert_string_equal(e.text, "port vm1: tag: \"x\" is not a number from 0 to 65535");
    assert_int_equal(config_port_set(c, "vm1", "color", "x", &e), -EINVAL);
    assert_string_equal(e.text, "port vm1: no such key \"color\"");
    assert_int_equal(config_port_set(c, "vm9", "tag", "1", &e), -ENOENT);
    assert_int_equal(config_port_set(c, "vm1", "tag", "4095", &e), 0);
    assert_int_equal(config_check(c, &e), -EINVAL);
    assert_string_equal(e.text, "port vm1: tag: 4095 is not a VLAN; give 1..4094");
    config_free(c);
}

static void a_deleted_port_takes_its_static_macs_along(void **state)
{
    (void)state;
    struct config *c = parsed(full);
    assert_int_equal(config_static_add(c, "br0", "02:00:00:00:00:02", 0, "n0", NULL), 0);
    assert_int_equal(config_static_add(c, "br0", "02:00:00:00:00:01", 10, "n0", NULL), -EEXIST);
    assert_int_equal(config_port_del(c, "vm1", NULL), 0);
    assert_int_equal(c->bridges[0].ports_count, 2);
    assert_int_equal(c->bridges[0].fdb.statics_count, 1);
    assert_int_equal(config_static_del(c, "br0", "02:00:00:00:00:02", 0, NULL), 0);
    assert_int_equal(config_static_del(c, "br0", "02:00:00:00:00:02", 0, NULL), -ENOENT);
    assert_int_equal(config_bridge_del(c, "br0", NULL), 0);
    assert_int_equal(config_bridge_del(c, "br0", NULL), -ENOENT);
    assert_int_equal(c->bridges_count, 1);
    config_free(c);
}

static void vlan_keys_become_the_datapaths(void **state)
{
    (void)state;
    struct config *c = parsed(full);
    struct port_vlan v;
    config_port_vlan(config_find_port(c, "vm1", NULL), &v);
    assert_int_equal(v.mode, VLAN_ACCESS);
    assert_int_equal(v.tag, 10);
    config_port_vlan(config_find_port(c, "up0", NULL), &v);
    assert_int_equal(v.mode, VLAN_TRUNK);
    for (uint16_t i = 0; i < 4096; i++)
        assert_int_equal(vlan_bit(v.trunks, i), i == 10 || (i >= 20 && i <= 29));
    config_free(c);
}

static void controller_targets_are_parsed(void **state)
{
    (void)state;
    struct target t;
    static const char *const good[] = {"tcp:127.0.0.1",  "tcp:127.0.0.1:1", "tcp:[::1]:6653",
                                       "ptcp:",          "ptcp:6654",       "ptcp:6654:127.0.0.1",
                                       "ptcp:6654:[::]", "ssl:1.2.3.4",     "pssl:6654"};
    static const char *const wrong[] = {"",
                                        "tcp:",
                                        "tcp:host:1",
                                        "tcp:1.2.3.4:0",
                                        "tcp:::1",
                                        "tcp:[::1",
                                        "ptcp:66666",
                                        "tls:1.2.3.4",
                                        "ptcp:1:x",
                                        "tcp:1.2.3.4:65536",
                                        "tcp:1.2.3.4:12x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(target_parse(good[i], &t));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(target_parse(wrong[i], &t));
}

static void save_for_ever(const struct config *a, const struct config *b, const char *path)
{
    while (config_save(b, path, NULL) == 0 && config_save(a, path, NULL) == 0)
        continue;
    _exit(1);
}

/* Two configurations saved in turn by a child that is killed at random instants. */
static void a_killed_save_leaves_the_old_or_the_new_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/weft-config-XXXXXX", path[64], temp[80];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/weft.yaml", dir);
    snprintf(temp, sizeof temp, "%s.new", path);
    struct config *a = parsed(full), *b = parsed("log_level: error\n");
    assert_int_equal(config_save(a, path, NULL), 0);
    struct prng rnd = {7};
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            save_for_ever(a, b, path);
        usleep(prng_below(&rnd, 3000)); /* the instant is the experiment */
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        struct config *c = NULL;
        struct errbuf e = {""};
        if (config_load(path, &c, &e) < 0)
            fail_msg("%s", e.text);
        char *text = printed(c);
        assert_true(!strcmp(text, full) || !strcmp(text, "log_level: error\n"));
        free(text);
        config_free(c);
    }
    config_free(a);
    config_free(b);
    unlink(temp);
    unlink(path);
    rmdir(dir);
}

static void a_file_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct errbuf e = {""};
    struct config *c = config_empty();
    assert_int_equal(config_save(c, "/nonexistent/weft.yaml", &e), -ENOENT);
    assert_string_equal(e.text,
                        "/nonexistent/weft.yaml: can't be saved: No such file or directory");
    assert_int_equal(config_load("/nonexistent", &c, &e), -ENOENT);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_file_is_refused_with_its_message),
        cmocka_unit_test(the_lacp_members_of_all_bonds_are_64_at_most),
        cmocka_unit_test(what_is_printed_is_read_back_and_copied_the_same),
        cmocka_unit_test(empty_files_are_empty_configurations),
        cmocka_unit_test(strings_that_look_like_something_else_survive),
        cmocka_unit_test(keys_are_set_and_taken_away_by_name),
        cmocka_unit_test(a_deleted_port_takes_its_static_macs_along),
        cmocka_unit_test(vlan_keys_become_the_datapaths),
        cmocka_unit_test(controller_targets_are_parsed),
        cmocka_unit_test(a_killed_save_leaves_the_old_or_the_new_file),
        cmocka_unit_test(a_file_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
