/* The API without its socket, on a stepped weft with null ports; and the socket itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "control/api.h"
#include "control/weft.h"
#include "datapath/eal.h"

static const char base_config[] =
    "bridges:\n"
    "  - name: br0\n"
    "    ports:\n"
    "      - {name: p1, type: \"null\", tag: 10}\n"
    "      - {name: p2, type: \"null\", trunks: [\"10\", \"20-29\"]}\n"
    "  - {name: br1, fail_mode: secure}\n";

static void silent(void *ctx, enum log_level l, const char *text)
{
    (void)ctx, (void)l, (void)text;
}

static int setup(void **state)
{
    struct weft *w = NULL;
    struct config *c = NULL;
    struct errbuf e = {""};
    struct weft_options o = {.stepped = true, .hash_seed = 1, .log = {.sink = silent}};
    if (config_parse(base_config, strlen(base_config), "test", &c, &e) < 0 ||
        weft_create(&o, c, &w, &e) < 0)
        fail_msg("%s", e.text);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    weft_free(*state);
    return 0;
}

/* The result of a call that must work; params in JSON with ' for ". */
static json_t *ok(struct weft *w, const char *method, const char *params)
{
    struct errbuf e = {""};
    json_t *out = NULL, *p;
    char *text = strdup(params);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    p = json_loads(text, 0, NULL);
    assert_non_null(p);
    if (api_call(w, method, p, &out, &e) < 0)
        fail_msg("%s %s: %s", method, params, e.text);
    assert_non_null(out);
    json_decref(p);
    free(text);
    return out;
}

static void done(struct weft *w, const char *method, const char *params)
{
    json_decref(ok(w, method, params));
}

static void refused(struct weft *w, const char *method, const char *params, int err,
                    const char *words)
{
    struct errbuf e = {""};
    json_t *out = NULL, *p;
    char *text = strdup(params);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    p = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(p);
    int r = api_call(w, method, p, &out, &e);
    if (r != -err || !strstr(e.text, words))
        fail_msg("%s %s: %d (want %d), \"%s\", wanted \"%s\"", method, params, r, -err, e.text,
                 words);
    json_decref(p);
    free(text);
}

/* Part of the one result of a show: "config.tag" */
static void shows(struct weft *w, const char *port, const char *key, const char *inner,
                  const char *want)
{
    char params[64];
    snprintf(params, sizeof params, "{'name':'%s'}", port);
    json_t *r = ok(w, "port.show", params), *v = json_object_get(json_array_get(r, 0), key);
    v = inner ? json_object_get(v, inner) : v;
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
    assert_string_equal(text, want);
    free(text);
    json_decref(r);
}

static size_t flow_count(struct weft *w, const char *params)
{
    json_t *r = ok(w, "flow.dump", params);
    size_t n = json_array_size(json_object_get(r, "flows"));
    json_decref(r);
    return n;
}

/* ---- lines ---- */

static void answers(struct weft *w, const char *line, const char *words)
{
    char *a = api_line(w, line, strlen(line));
    assert_non_null(a);
    if (!strstr(a, words) || strchr(a, '\n'))
        fail_msg("%s -> %s; wanted %s", line, a, words);
    free(a);
}

static void a_line_gets_one_line(void **state)
{
    struct weft *w = *state;
    answers(w, "{\"v\":1,\"id\":7,\"method\":\"version\"}", "{\"v\":1,\"id\":7,\"result\":{");
    answers(w, "{\"v\":1,\"id\":\"x\",\"method\":\"bridge.list\",\"params\":{}}",
            "\"result\":[\"br0\",\"br1\"]");
    answers(w, "{\"v\":1,\"method\":\"bridge.list\"}", "\"id\":null");
}

static void bad_lines_are_answered_with_an_error(void **state)
{
    struct weft *w = *state;
    answers(w, "", "not JSON");
    answers(w, "{", "not JSON");
    answers(w, "{\"v\":1,\"v\":1}", "not JSON");
    answers(w, "\xff\xfe", "not JSON");
    answers(w, "[]", "a request is an object");
    answers(w, "1", "a request is an object");
    answers(w, "{}", "\"versions\":[1]");
    answers(w, "{\"v\":2,\"id\":1,\"method\":\"version\"}", "EPROTO");
    answers(w, "{\"v\":1}", "must be a string");
    answers(w, "{\"v\":1,\"method\":7}", "must be a string");
    answers(w, "{\"v\":1,\"method\":\"version\",\"args\":{}}", "it has v, id, method, params");
    answers(w, "{\"v\":1,\"id\":[[1]],\"method\":\"version\"}", "\"id\":null");
    answers(w, "{\"v\":1,\"id\":3,\"method\":\"nix\"}", "no method \\\"nix\\\"; there are version");
    answers(w, "{\"v\":1,\"id\":3,\"method\":\"port.show\",\"params\":[]}", "must be an object");
    answers(w, "{\"v\":1,\"id\":3,\"method\":\"port.show\",\"params\":null}", "must be an object");
}

static void a_huge_line_is_refused_and_a_deep_one_too(void **state)
{
    size_t n = (size_t)API_LINE_MAX + 1;
    char *line = malloc(n + 1);
    memset(line, '[', n);
    line[n] = '\0';
    answers(*state, line, "E2BIG");
    line[n - 2] = '\0';
    answers(*state, line, "not JSON");
    free(line);
}

static void a_message_cut_inside_a_character_is_still_json(void **state)
{
    char method[200] = "";
    for (int i = 0; i < 40; i++)
        strcat(method, "\xc3\xbc");
    char line[400];
    snprintf(line, sizeof line, "{\"v\":1,\"id\":1,\"method\":\"x%s\"}", method);
    answers(*state, line, "ENOSYS");
}

/* ---- parameters ---- */

static void parameters_are_checked_by_name_and_type(void **state)
{
    struct weft *w = *state;
    refused(w, "port.show", "{'nme':'p1'}", EINVAL, "it takes name?, bridge?");
    refused(w, "bridge.list", "{'x':1}", EINVAL, "it takes none");
    refused(w, "port.show", "{'name':1}", EINVAL, "must be a string");
    refused(w, "fdb.show", "{'vlan':'1'}", EINVAL, "must be a number");
    refused(w, "fdb.show", "{'vlan':-1}", EINVAL, "out of range");
    refused(w, "fdb.show", "{'vlan':4096}", EINVAL, "out of range");
    refused(w, "flow.add", "{'bridge':'br0','flows':['a',1]}", EINVAL, "list of strings");
    refused(w, "flow.add", "{'flow':'actions=drop'}", EINVAL, "\"bridge\" (string) is missing");
    refused(w, "port.show", "7", EINVAL, "must be an object");
    refused(w, "port.show", "{'name':'p9'}", ENOENT, "port p9: no such port");
    refused(w, "flow.dump", "{'bridge':'br9'}", ENOENT, "bridge br9: no such bridge");
}

static void every_method_stands_up_to_no_parameters(void **state)
{
    struct weft *w = *state;
    json_t *help = ok(w, "help", "{}"), *m;
    size_t i;
    json_array_foreach(json_object_get(help, "methods"), i, m)
    {
        struct errbuf e = {""};
        json_t *out = NULL;
        int r = api_call(w, json_string_value(json_object_get(m, "method")), NULL, &out, &e);
        assert_true(r == 0 ? out != NULL : e.text[0] != '\0');
        json_decref(out);
    }
    assert_true(i > 25);
    json_decref(help);
}

/* ---- nouns ---- */

static void ports_are_added_changed_and_deleted(void **state)
{
    struct weft *w = *state;
    done(w, "port.add",
         "{'bridge':'br1','name':'p3','type':'null','trunks':[10,'20-29'],'mtu':2000}");
    shows(w, "p3", "mtu", NULL, "2000");
    shows(w, "p3", "vlan", "trunks", "[\"10\",\"20-29\"]");
    done(w, "port.set", "{'name':'p3','tag':'7','trunks':null,'max_macs':5}");
    shows(w, "p3", "vlan", NULL, "{\"mode\":\"access\",\"tag\":7}");
    shows(w, "p3", "config", "max_macs", "5");
    refused(w, "port.add", "{'bridge':'br0','name':'p3','type':'null'}", EEXIST, "p3");
    refused(w, "port.add", "{'bridge':'br9','name':'p4','type':'null'}", ENOENT, "br9");
    refused(w, "port.add", "{'bridge':'br0','name':'p4','typ':'null'}", EINVAL, "there are type");
    refused(w, "port.add", "{'bridge':'br0','name':'p4','type':'nul'}", EINVAL, "nul");
    refused(w, "port.set", "{'name':'p3','tag':5000}", EINVAL, "tag");
    refused(w, "port.set", "{'name':'p3','tag':{'x':1}}", EINVAL, "tag");
    refused(w, "port.set", "{'name':'p3','tag':[[1]]}", EINVAL, "give a string");
    refused(w, "port.set", "{'name':'p3','bridge':'br0','tag':1}", ENOENT, "is in bridge br1");
    refused(w, "port.del", "{'name':'p9'}", ENOENT, "no such port");
    shows(w, "p3", "vlan", "tag", "7"); /* what was refused changed nothing */
    done(w, "port.del", "{'name':'p3','bridge':'br1'}");
    refused(w, "port.show", "{'name':'p3'}", ENOENT, "no such port");
}

static void bridges_are_added_changed_and_deleted(void **state)
{
    struct weft *w = *state;
    done(w, "bridge.add", "{'name':'br2','fail_mode':'secure','fdb':{'size':128}}");
    done(w, "bridge.set", "{'name':'br2','fdb.ageing_s':5,'fail_mode':null}");
    json_t *r = ok(w, "bridge.show", "{'name':'br2'}"), *b = json_array_get(r, 0);
    assert_string_equal(json_string_value(json_object_get(b, "fail_mode")), "standalone");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(b, "fdb"), "size")), 128);
    json_decref(r);
    refused(w, "bridge.add", "{'name':'br2'}", EEXIST, "br2");
    refused(w, "bridge.set", "{'name':'br2','colour':1}", EINVAL, "there are datapath_id");
    refused(w, "bridge.set", "{'name':'br2','ports':[]}", EINVAL, "ports");
    refused(w, "bridge.set", "{'name':'br8','probe_s':1}", ENOENT, "no such bridge");
    refused(w, "bridge.del", "{'name':'br8'}", ENOENT, "no such bridge");
    done(w, "bridge.del", "{'name':'br2'}");
}

static void flows_are_all_parsed_before_one_is_applied(void **state)
{
    struct weft *w = *state;
    refused(w, "flow.add", "{'bridge':'br1','flows':['priority=1,actions=drop','actions=frob']}",
            EINVAL, "flow 2 of 2");
    assert_int_equal(flow_count(w, "{'bridge':'br1'}"), 0);
    done(w, "flow.add", "{'bridge':'br1','flows':['priority=1,actions=drop'],'check':true}");
    assert_int_equal(flow_count(w, "{'bridge':'br1'}"), 0);
    done(w, "flow.add",
         "{'bridge':'br1','flow':'priority=1,actions=drop',"
         "'flows':['arp,actions=normal','ip,actions=normal']}");
    assert_int_equal(flow_count(w, "{'bridge':'br1'}"), 3);
    assert_int_equal(flow_count(w, "{'bridge':'br1','match':'arp'}"), 1);
    refused(w, "flow.dump", "{'bridge':'br1','match':'frob'}", EINVAL, "frob");
    done(w, "flow.mod", "{'bridge':'br1','flow':'arp,actions=drop'}");
    done(w, "flow.del", "{'bridge':'br1','flow':'ip'}");
    refused(w, "flow.del", "{'bridge':'br1','strict':true}", EINVAL, "strict needs a flow");
    json_t *r = ok(w, "flow.dump", "{'bridge':'br1','match':'arp'}");
    const json_t *f = json_array_get(json_object_get(r, "flows"), 0);
    assert_string_equal(json_string_value(json_object_get(f, "flow")),
                        "table=0,priority=32768,arp,actions=drop");
    json_decref(r);
    done(w, "flow.del", "{'bridge':'br1'}");
    assert_int_equal(flow_count(w, "{'bridge':'br1'}"), 0);
}

static void replacing_touches_only_what_differs(void **state)
{
    struct weft *w = *state;
    done(w, "flow.add", "{'bridge':'br1','flows':['arp,actions=drop','ip,actions=drop']}");
    json_t *r = ok(w, "flow.replace",
                   "{'bridge':'br1','flows':['arp,actions=drop','ipv6,actions=1',"
                   "'ipv6,actions=1']}");
    char *text = json_dumps(r, JSON_COMPACT);
    assert_string_equal(text, "{\"added\":1,\"deleted\":1,\"flows\":2}");
    free(text);
    json_decref(r);
    r = ok(w, "flow.replace", "{'bridge':'br1','flows':[]}");
    assert_int_equal(json_integer_value(json_object_get(r, "flows")), 0);
    json_decref(r);
}

static void tables_show_how_they_are_compiled(void **state)
{
    struct weft *w = *state;
    done(w, "flow.add", "{'bridge':'br1','flows':['table=3,arp,actions=drop']}");
    json_t *r = ok(w, "table.show", "{'bridge':'br1'}");
    const json_t *t = json_array_get(json_object_get(json_array_get(r, 0), "tables"), 0);
    assert_int_equal(json_integer_value(json_object_get(t, "table")), 3);
    assert_string_equal(json_string_value(json_object_get(t, "template")), "direct");
    assert_int_equal(json_integer_value(json_object_get(t, "rules")), 1);
    json_decref(r);
    r = ok(w, "table.show", "{'bridge':'br1','all':true}");
    assert_int_equal(json_array_size(json_object_get(json_array_get(r, 0), "tables")), WEFT_TABLES);
    json_decref(r);
    done(w, "flow.del", "{'bridge':'br1'}");
}

static void macs_are_added_shown_and_deleted(void **state)
{
    struct weft *w = *state;
    done(w, "fdb.add", "{'bridge':'br0','mac':'02:00:00:00:00:01','vlan':10,'port':'p1'}");
    json_t *r = ok(w, "fdb.show", "{'port':'p1','vlan':10}");
    const json_t *f = json_array_get(json_object_get(json_array_get(r, 0), "entries"), 0);
    assert_string_equal(json_string_value(json_object_get(f, "mac")), "02:00:00:00:00:01");
    assert_true(json_is_true(json_object_get(f, "static")));
    json_decref(r);
    refused(w, "fdb.show", "{'bridge':'br1','port':'p1'}", ENOENT, "is in bridge br0");
    refused(w, "fdb.add", "{'bridge':'br0','mac':'02','vlan':10,'port':'p1'}", EINVAL, "02");
    refused(w, "fdb.add", "{'bridge':'br0','mac':'02:00:00:00:00:02','port':'p9'}", EINVAL, "p9");
    refused(w, "fdb.del", "{'bridge':'br0','mac':'x'}", EINVAL, "not a MAC");
    done(w, "fdb.del", "{'bridge':'br0','mac':'02:00:00:00:00:01','vlan':10}");
    refused(w, "fdb.del", "{'bridge':'br0','mac':'02:00:00:00:00:01','vlan':10}", ENOENT,
            "VLAN 10");
    done(w, "fdb.flush", "{'bridge':'br0'}");
}

#define FRAME "'ffffffffffff 020000000001 88b5 00000000'"

static void a_packet_out_is_sent_and_its_drop_is_seen(void **state)
{
    struct weft *w = *state;
    done(w, "packet.out", "{'bridge':'br0','actions':'output:p2','packet':" FRAME "}");
    shows(w, "p2", "counters", "tx_packets", "1");
    done(w, "packet.out", "{'bridge':'br1','actions':'all','packet':" FRAME "}");
    refused(w, "packet.out", "{'bridge':'br0','actions':'all','packet':'xx'}", EINVAL, "xx");
    refused(w, "packet.out", "{'bridge':'br0','actions':'all','packet':'0'}", EINVAL,
            "hexadecimal");
    refused(w, "packet.out", "{'bridge':'br0','actions':'all','packet':'00'}", EINVAL, "1 bytes");
    refused(w, "packet.out", "{'bridge':'br0','actions':'frob','packet':" FRAME "}", EINVAL,
            "frob");
    json_t *r = ok(w, "drops", "{'all':true}");
    assert_int_equal(json_array_size(json_object_get(r, "drops")), DROP_COUNT);
    json_decref(r);
    refused(w, "drops", "{'reason':'boredom'}", ENOENT, "boredom");
    done(w, "drops", "{'reason':'tx-full','samples':1}");
    done(w, "stats", "{}");
    done(w, "perf", "{}");
}

static void the_daemon_tells_about_itself(void **state)
{
    struct weft *w = *state;
    json_t *r = ok(w, "status", "{}");
    assert_int_equal(json_array_size(json_object_get(r, "bridges")), 2);
    json_decref(r);
    refused(w, "log.level", "{'level':'loud'}", EINVAL, "there are error, warning");
    done(w, "log.level", "{'level':'debug'}");
    r = ok(w, "log.level", "{}");
    assert_string_equal(json_string_value(json_object_get(r, "level")), "debug");
    json_decref(r);
    r = ok(w, "config.show", "{}");
    assert_non_null(strstr(json_string_value(json_object_get(r, "yaml")), "name: br0"));
    assert_non_null(json_object_get(json_object_get(r, "config"), "bridges"));
    json_decref(r);
    refused(w, "reload", "{}", EINVAL, "no configuration file");
}

/* ---- the socket ---- */

struct served {
    struct event_base *base;
    struct api *api;
    char dir[32], path[48];
};

static void serve(struct served *s, struct weft *w)
{
    struct errbuf e = {""};
    strcpy(s->dir, "/tmp/weft-api-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof s->path, "%s/api.sock", s->dir);
    s->base = event_base_new();
    if (api_listen(s->base, w, s->path, &s->api, &e) < 0)
        fail_msg("%s", e.text);
}

static void serve_end(struct served *s)
{
    api_free(s->api);
    assert_int_equal(access(s->path, F_OK), -1);
    rmdir(s->dir);
    event_base_free(s->base);
}

static int dial(const struct served *s)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, s->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    return fd;
}

/* Turns the loop until the client has n bytes; returns how many it read before the end. */
static size_t hear(struct served *s, int fd, char *out, size_t n)
{
    size_t got = 0;
    ssize_t k = 1;
    while (got < n && k != 0) {
        event_base_loop(s->base, EVLOOP_NONBLOCK);
        k = recv(fd, out + got, n - got, MSG_DONTWAIT);
        got += k > 0 ? (size_t)k : 0;
    }
    return got;
}

static void the_socket_is_ours_alone_and_answers_lines(void **state)
{
    struct served s;
    struct stat st;
    char out[4096] = "";
    serve(&s, *state);
    assert_int_equal(stat(s.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = dial(&s);
    static const char ask[] = "{\"v\":1,\"id\":1,\"method\":\"version\"}\n"
                              "{\"v\":1,\"id\":2,\"method\":\"version\"}\njunk";
    assert_int_equal(send(fd, ask, sizeof ask - 1, 0), sizeof ask - 1);
    shutdown(fd, SHUT_WR);
    hear(&s, fd, out, sizeof out - 1); /* to the end: it closes behind the last answer */
    assert_non_null(strstr(out, "\"id\":1,\"result\""));
    assert_non_null(strstr(out, "\"id\":2,\"result\""));
    assert_non_null(strstr(out, "not JSON"));
    close(fd);
    serve_end(&s);
}

static void a_live_socket_is_refused_and_a_dead_one_replaced(void **state)
{
    struct served s;
    struct api *other = NULL;
    struct errbuf e = {""};
    serve(&s, *state);
    assert_int_equal(api_listen(s.base, *state, s.path, &other, &e), -EADDRINUSE);
    assert_non_null(strstr(e.text, "another weftd answers"));
    serve_end(&s);
    serve(&s, *state);
    api_free(s.api);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, s.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0); /* bound, and nobody listens */
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    close(fd);
    assert_int_equal(api_listen(s.base, *state, s.path, &s.api, &e), 0);
    serve_end(&s);
}

static void a_slow_reader_is_not_read_from(void **state)
{
    struct served s;
    serve(&s, *state);
    int fd = dial(&s);
    static const char ask[] = "{\"v\":1,\"id\":1,\"method\":\"help\"}\n";
    size_t sent = 0;
    for (int i = 0; i < 200000; i++) {
        ssize_t k = send(fd, ask, sizeof ask - 1, MSG_DONTWAIT);
        if (k != sizeof ask - 1 && i > 100)
            break;
        sent += k > 0 ? (size_t)k : 0;
        event_base_loop(s.base, EVLOOP_NONBLOCK);
    }
    assert_true(sent < 2000000); /* the kernel's buffers are full, and ours are not growing */
    close(fd);
    serve_end(&s);
}

int main(void)
{
    struct errbuf e = {""};
    struct eal_options eal = {.hugepages = EAL_HUGE_NO, .quiet = true};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_gets_one_line),
        cmocka_unit_test(bad_lines_are_answered_with_an_error),
        cmocka_unit_test(a_huge_line_is_refused_and_a_deep_one_too),
        cmocka_unit_test(a_message_cut_inside_a_character_is_still_json),
        cmocka_unit_test(parameters_are_checked_by_name_and_type),
        cmocka_unit_test(every_method_stands_up_to_no_parameters),
        cmocka_unit_test(ports_are_added_changed_and_deleted),
        cmocka_unit_test(bridges_are_added_changed_and_deleted),
        cmocka_unit_test(flows_are_all_parsed_before_one_is_applied),
        cmocka_unit_test(replacing_touches_only_what_differs),
        cmocka_unit_test(tables_show_how_they_are_compiled),
        cmocka_unit_test(macs_are_added_shown_and_deleted),
        cmocka_unit_test(a_packet_out_is_sent_and_its_drop_is_seen),
        cmocka_unit_test(the_daemon_tells_about_itself),
        cmocka_unit_test(the_socket_is_ours_alone_and_answers_lines),
        cmocka_unit_test(a_live_socket_is_refused_and_a_dead_one_replaced),
        cmocka_unit_test(a_slow_reader_is_not_read_from),
    };
    if (eal_start(&eal, NULL, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
