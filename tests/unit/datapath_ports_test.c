/* Each kind of port against the real thing at its other end. Kernel devices live in namespaces that
 * the test makes and removes; without root those tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "datapath/offload.h"
#include "datapath/port_ring.h"
#include "tests/unit/ports.h"

enum { TCP_BYTES = 8 << 20, MAX_OUT = 256 };

/* ------------------------------------------------------------ without a kernel device */

static void a_null_port_swallows(void **state)
{
    (void)state;
    struct port *p = make(&(struct port_options){.name = "n0", .type = "null"});
    struct rte_mbuf *m[4];
    assert_int_equal(rte_pktmbuf_alloc_bulk(sw->pool, m, 4), 0);
    assert_int_equal(p->ops->tx_burst(p, 0, m, 4), 4);
    assert_int_equal(p->ops->rx_burst(p, 0, m, 4), 0);
    assert_true(p->ops->rx_fd(p) >= 0);
    assert_true(p->link_up);
    port_destroy(p);
    all_mbufs_back();
}

static void a_wire_carries_frames_both_ways_in_order(void **state)
{
    (void)state;
    struct port *a = make(&(struct port_options){.name = "a", .type = "ring"});
    struct port *b = make(&(struct port_options){.name = "b", .type = "ring"});
    uint8_t buf[9000], big[5000];
    struct rte_mbuf *m[4];
    assert_int_equal(port_ring_take(a, buf, sizeof buf), -EAGAIN);
    assert_int_equal(port_ring_inject(a, frame60, 60), 0);
    memset(big, 0xab, sizeof big);
    assert_int_equal(port_ring_inject(a, big, sizeof big), 0);
    assert_int_equal(port_ring_inject(a, frame60, 13), 0); /* no frame at all */
    assert_int_equal(a->ops->rx_burst(a, 0, m, 4), 2);
    assert_int_equal(port_drops(a, DROP_RX_TRUNCATED), 1);
    assert_int_equal(port_ring_connect(a, b), 0);
    assert_int_equal(port_ring_connect(a, b), -EBUSY);
    assert_int_equal(a->ops->tx_burst(a, 0, m, 2), 2);
    assert_int_equal(b->ops->rx_burst(b, 0, m, 4), 2);
    assert_int_equal(m[0]->pkt_len, 60);
    port_ring_disconnect(b);
    assert_int_equal(b->ops->tx_burst(b, 0, m, 2), 2);
    assert_int_equal(port_ring_take(b, buf, sizeof buf), 60);
    assert_memory_equal(buf, frame60, 60);
    assert_int_equal(port_ring_take(b, buf, sizeof buf), sizeof big);
    assert_memory_equal(buf, big, sizeof big);
    port_destroy(a);
    port_destroy(b);
    all_mbufs_back();
}

static void a_wire_wakes_a_sleeper_and_tells_its_link(void **state)
{
    (void)state;
    struct port *a = make(&(struct port_options){.name = "a", .type = "ring"});
    struct port *b = make(&(struct port_options){.name = "b", .type = "ring"});
    struct rte_mbuf *m = rte_pktmbuf_alloc(sw->pool);
    struct pollfd fd = {.fd = b->ops->rx_fd(b), .events = POLLIN};
    rte_pktmbuf_append(m, 60);
    assert_int_equal(port_ring_connect(a, b), 0);
    assert_false(b->ops->rx_arm(b));
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_int_equal(a->ops->tx_burst(a, 0, &m, 1), 1);
    assert_int_equal(poll(&fd, 1, 1000), 1);
    b->ops->rx_disarm(b);
    assert_int_equal(poll(&fd, 1, 0), 0);
    assert_true(b->ops->rx_arm(b)); /* frames wait already: don't sleep */
    port_ring_set_link(a, false);
    assert_false(b->ops->link(b).up);
    assert_int_equal(port_ring_connect(a, a), -EBUSY);
    port_destroy(a); /* cuts the wire and drops what was on it */
    assert_true(b->ops->link(b).up);
    port_destroy(b);
    all_mbufs_back();
}

static void a_capture_is_played_and_written(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-ports-XXXXXX";
    close(mkstemp(path));
    struct port *w = make(&(struct port_options){.name = "w", .type = "pcap", .pcap_out = path});
    struct port *r = make(&(struct port_options){.name = "hand", .type = "ring"});
    uint8_t big[5000] = {2};
    struct rte_mbuf *m[4];
    assert_int_equal(port_ring_inject(r, frame60, 60), 0);
    assert_int_equal(port_ring_inject(r, big, sizeof big), 0);
    assert_int_equal(r->ops->rx_burst(r, 0, m, 4), 2);
    assert_int_equal(w->ops->tx_burst(w, 0, m, 2), 2);
    port_destroy(w);
    struct port *p = make(
        &(struct port_options){.name = "p", .type = "pcap", .pcap_in = path, .pcap_loop = true});
    assert_int_equal(p->ops->rx_burst(p, 0, m, 3), 3); /* and from the start again */
    assert_int_equal(m[1]->pkt_len, sizeof big);
    assert_int_equal(m[2]->pkt_len, 60);
    assert_memory_equal(rte_pktmbuf_mtod(m[0], void *), frame60, 60);
    rte_pktmbuf_free_bulk(m, 3);
    port_destroy(p);
    port_destroy(r);
    FILE *f = fopen(path, "r+b"); /* another link type: 101, raw IP */
    fseek(f, 20, SEEK_SET);
    fputc(101, f);
    fclose(f);
    refused(&(struct port_options){.name = "p", .type = "pcap", .pcap_in = path}, EPROTONOSUPPORT,
            "only Ethernet");
    unlink(path);
    refused(&(struct port_options){.name = "p", .type = "pcap", .pcap_in = path}, ENOENT, path);
    refused(&(struct port_options){.name = "p", .type = "pcap"}, EINVAL, "pcap_in");
    all_mbufs_back();
}

static void a_dpdk_device_comes_and_goes(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct port_options o = {.name = "d0", .type = "dpdk", .devargs = "net_null7,size=64"};
        struct port *p = make(&o);
        struct rte_mbuf *m[8];
        assert_int_equal(p->ops->rx_burst(p, 0, m, 8), 8);
        assert_int_equal(p->ops->tx_burst(p, 0, m, 8), 8);
        o.name = "d1";
        refused(&o, EBUSY, "another port");
        port_destroy(p);
        all_mbufs_back();
    }
    refused(&(struct port_options){.name = "d0", .type = "dpdk"}, EINVAL, "devargs");
    struct port_options o = {.name = "d0", .type = "dpdk", .devargs = "net_nonsense0"};
    struct errbuf e = {""};
    struct port *p;
    assert_true(port_create(sw, &o, &p, &e) < 0);
    assert_non_null(strstr(e.text, "net_nonsense0"));
}

/* ------------------------------------------------------------ with kernel devices */

/* 0 and 1 are the far sides; 2 is where the switch's own veths live. */
static char ns_name[3][32];

static int need_namespaces(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    for (int i = 0; i < 3; i++) {
        snprintf(ns_name[i], sizeof ns_name[i], "weftp%d-%d", i, (int)getpid());
        shell("ip netns add %s && ip -n %s link set lo up", ns_name[i], ns_name[i]);
        shell("ip netns exec %s sysctl -qw net.ipv6.conf.all.disable_ipv6=1", ns_name[i]);
    }
    return 0;
}

static int drop_namespaces(void **state)
{
    (void)state;
    for (int i = 0; i < 3 && geteuid() == 0; i++)
        shell("ip netns del %s", ns_name[i]);
    return 0;
}

/* A thread in a namespace that sends or receives TCP_BYTES over TCP. */
struct peer {
    const char *ns;
    bool client;
    _Atomic int result; /* 0: running, 1: all arrived as sent, <0: -errno */
    _Atomic bool *listening;
};

static uint8_t pattern(size_t i) { return (uint8_t)(i * 131 + (i >> 9)); }

static int push(int fd)
{
    static uint8_t buf[1 << 16];
    for (size_t at = 0; at < TCP_BYTES;) {
        for (size_t i = 0; i < sizeof buf; i++)
            buf[i] = pattern(at + i);
        if (send(fd, buf, sizeof buf, MSG_WAITALL | MSG_NOSIGNAL) != sizeof buf)
            return -errno;
        at += sizeof buf;
    }
    shutdown(fd, SHUT_WR);
    char c;
    return recv(fd, &c, 1, 0) == 0 ? 1 : -EPROTO; /* the receiver has it all */
}

static int pull(int fd)
{
    static uint8_t buf[1 << 16];
    size_t at = 0;
    for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;) {
        for (ssize_t i = 0; i < n; i++, at++) {
            if (buf[i] != pattern(at))
                return -EBADMSG;
        }
    }
    return at == TCP_BYTES ? 1 : -EPIPE;
}

static int talk(struct peer *x)
{
    struct timeval limit = {.tv_sec = 10};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(5001)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one); /* the last test's TIME_WAIT */
    inet_pton(AF_INET, "10.9.0.2", &a.sin_addr);
    int r = 0;
    if (x->client) {
        r = connect(fd, (struct sockaddr *)&a, sizeof a) != 0 ? -errno : push(fd);
    } else {
        if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0)
            r = -errno;
        *x->listening = true;
        int c = r == 0 ? accept(fd, NULL, NULL) : -1;
        r = c < 0 ? -errno : pull(c);
        close(c);
    }
    close(fd);
    return r;
}

static void *peer_main(void *arg)
{
    struct peer *x = arg;
    char path[64];
    snprintf(path, sizeof path, "/run/netns/%s", x->ns);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    x->result = setns(fd, CLONE_NEWNET) != 0 ? -errno : talk(x);
    close(fd);
    return NULL;
}

struct wire_count {
    unsigned frames, big;
};

/* What a bridge of two ports does, offloads resolved as tx.c does. */
static unsigned carry(struct port *from, struct port *to, struct wire_count *c)
{
    struct rte_mbuf *m[32], *out[MAX_OUT];
    uint16_t n = from->ops->rx_burst(from, 0, m, 32);
    for (uint16_t i = 0; i < n; i++) {
        uint16_t k = 1;
        out[0] = m[i];
        c->frames++;
        c->big += rte_pktmbuf_pkt_len(m[i]) > 1518;
        if (offload_needs_software(m[i], to->caps))
            k = offload_resolve(m[i], to->caps, sw->pool, out, MAX_OUT);
        assert_int_not_equal(k, 0);
        uint16_t sent = to->ops->tx_burst(to, 0, out, k);
        rte_pktmbuf_free_bulk(out + sent, k - sent);
    }
    return n;
}

static void sleep_on(struct port *a, struct port *b)
{
    struct pollfd fd[2] = {{.fd = a->ops->rx_fd(a), .events = POLLIN},
                           {.fd = b->ops->rx_fd(b), .events = POLLIN}};
    poll(fd, 2, 5);
}

/* TCP from the device behind a to the one behind b; both have addresses already. */
static struct wire_count tcp_between(struct port *a, struct port *b)
{
    struct wire_count c = {0};
    _Atomic bool listening = false;
    struct peer server = {.ns = ns_name[1], .listening = &listening};
    struct peer client = {.ns = ns_name[0], .client = true};
    pthread_t t[2];
    struct timespec begin, end;
    pthread_create(&t[1], NULL, peer_main, &server);
    while (!listening && server.result == 0)
        sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pthread_create(&t[0], NULL, peer_main, &client);
    while (server.result == 0 || client.result == 0) {
        if (carry(a, b, &c) + carry(b, a, &c) == 0)
            sleep_on(a, b);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    assert_int_equal(client.result, 1);
    assert_int_equal(server.result, 1);
    double s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("%s to %s: %u frames, %u big, %.2f Gb/s\n", a->name, b->name, c.frames, c.big,
                  TCP_BYTES * 8 / s / 1e9);
    return c;
}

static struct port *tap_in(int i, bool off)
{
    struct port_options o = {.name = i == 0 ? "tap0" : "tap1",
                             .type = "tap",
                             .netns = ns_name[i],
                             .mac = {{2, 0, 0, 0, 9, (uint8_t)(i + 1)}},
                             .offloads_off = off};
    struct port *p = make(&o);
    shell("ip -n %s addr add 10.9.0.%d/24 dev tap%d", ns_name[i], i + 1, i);
    return p;
}

static void tcp_passes_between_taps_whatever_they_offload(void **state)
{
    (void)state;
    NEED_ROOT();
    for (int i = 0; i < 4; i++) {
        struct port *a = tap_in(0, i & 1), *b = tap_in(1, i & 2);
        assert_true(a->link_up);
        assert_int_equal((a->caps & PORT_CAP_TSO4) != 0, !(i & 1));
        struct wire_count c = tcp_between(a, b);
        if (!(i & 1))
            assert_true(c.big > 0);
        else
            assert_int_equal(c.big, 0);
        port_destroy(a);
        port_destroy(b);
        all_mbufs_back();
    }
}

static void a_tap_is_changed_while_it_lives(void **state)
{
    (void)state;
    NEED_ROOT();
    struct errbuf e = {""};
    struct port *p = tap_in(0, false);
    assert_false(mac_equal(p->mac, (struct mac){{2, 0, 0, 0, 9, 1}}));
    shell("ip -n %s link show tap0 | grep -q 02:00:00:00:09:01", ns_name[0]);
    assert_int_equal(port_set_mtu(p, 4000, &e), 0);
    shell("ip -n %s link show tap0 | grep -q 'mtu 4000'", ns_name[0]);
    assert_int_equal(port_set_config(p, PORT_CFG_DOWN, PORT_CFG_DOWN, &e), 0);
    assert_false(p->ops->link(p).up);
    shell("ip -n %s link show tap0 | grep -q NO-CARRIER", ns_name[0]);
    assert_int_equal(port_set_config(p, 0, PORT_CFG_DOWN, &e), 0);
    assert_true(p->ops->link(p).up);
    shell("ip -n %s link set tap0 down", ns_name[0]);
    assert_false(p->ops->link(p).up);
    struct rte_mbuf *m = rte_pktmbuf_alloc(sw->pool);
    memcpy(rte_pktmbuf_append(m, 60), frame60, 60);
    assert_int_equal(p->ops->tx_burst(p, 0, &m, 1), 1);
    assert_int_equal(port_drops(p, DROP_OUTPUT_DOWN), 1);
    port_destroy(p);
    shell("! ip -n %s link show tap0 2>/dev/null", ns_name[0]);
    struct port_options o = {.name = "t", .type = "tap", .netns = "weft-no-such"};
    refused(&o, ENOENT, "ip netns add");
    o = (struct port_options){.name = "t", .type = "tap", .ifname = "a-name-beyond-fifteen"};
    refused(&o, ENAMETOOLONG, "ifname");
    o = (struct port_options){.name = "t", .type = "tap", .ifname = "lo", .netns = ns_name[0]};
    refused(&o, EINVAL, "lo");
    all_mbufs_back();
}

static struct port *veth_in(int i, bool off)
{
    shell("ip -n %s link add wv%d type veth peer name eth0 netns %s", ns_name[2], i, ns_name[i]);
    shell("ip -n %s link set wv%d up", ns_name[2], i);
    shell("ip -n %s addr add 10.9.0.%d/24 dev eth0 && ip -n %s link set eth0 up", ns_name[i], i + 1,
          ns_name[i]);
    return make(&(struct port_options){.name = i == 0 ? "wv0" : "wv1",
                                       .type = "af_packet",
                                       .netns = ns_name[2],
                                       .offloads_off = off});
}

static void tcp_passes_between_veths_and_taps(void **state)
{
    (void)state;
    NEED_ROOT();
    for (int i = 0; i < 3; i++) {
        struct port *a = veth_in(0, i == 1), *b = i == 2 ? tap_in(1, true) : veth_in(1, i == 1);
        struct wire_count c = tcp_between(a, b);
        assert_true(c.big > 0); /* the veth sends them, whatever we told it */
        port_destroy(a);
        port_destroy(b);
        shell("ip -n %s link del wv0", ns_name[2]);
        shell("ip -n %s link del wv1 2>/dev/null || true", ns_name[2]);
        all_mbufs_back();
    }
}

static void veth_pair(void)
{
    shell("ip -n %s link add wv0 type veth peer name wv1", ns_name[2]);
    shell("ip -n %s link set wv0 up && ip -n %s link set wv1 up", ns_name[2], ns_name[2]);
}

static void tags_survive_a_packet_socket_and_a_lost_device_is_no_crash(void **state)
{
    (void)state;
    NEED_ROOT();
    veth_pair();
    struct port *a = make(&(struct port_options){.name = "a",
                                                 .type = "af_packet",
                                                 .netns = ns_name[2],
                                                 .ifname = "wv0"});
    struct port *b = make(&(struct port_options){.name = "b",
                                                 .type = "af_packet",
                                                 .netns = ns_name[2],
                                                 .ifname = "wv1"});
    const uint16_t tpid[] = {0x8100, 0x88a8};
    for (int i = 0; i < 2; i++) {
        uint8_t f[68];
        memcpy(f, frame60, 12);
        const uint8_t tags[8] = {(uint8_t)(tpid[i] >> 8), (uint8_t)tpid[i], 0xe0, 7, 0x81, 0, 0, 9};
        memcpy(f + 12, tags, 8);
        memcpy(f + 20, frame60 + 12, 48);
        struct rte_mbuf *m = rte_pktmbuf_alloc(sw->pool), *got[32];
        memcpy(rte_pktmbuf_append(m, 68), f, 68);
        assert_int_equal(a->ops->tx_burst(a, 0, &m, 1), 1);
        bool found = false;
        for (int turn = 0; turn < 20 && !found; turn++) {
            sleep_on(a, b);
            uint16_t n = b->ops->rx_burst(b, 0, got, 32);
            for (uint16_t k = 0; k < n; k++)
                found |= rte_pktmbuf_pkt_len(got[k]) == 68 &&
                         memcmp(rte_pktmbuf_mtod(got[k], void *), f, 68) == 0;
            rte_pktmbuf_free_bulk(got, n);
        }
        assert_true(found);
    }
    shell("ip -n %s link del wv0", ns_name[2]);
    struct rte_mbuf *m = rte_pktmbuf_alloc(sw->pool), *got[32];
    memcpy(rte_pktmbuf_append(m, 60), frame60, 60);
    assert_int_equal(a->ops->tx_burst(a, 0, &m, 1), 1); /* dropped, with a name */
    rte_pktmbuf_free_bulk(got, a->ops->rx_burst(a, 0, got, 32));
    assert_false(a->ops->link(a).up);
    veth_pair();
    assert_true(a->ops->link(a).up); /* attached again */
    port_destroy(a);
    port_destroy(b);
    shell("ip -n %s link del wv0", ns_name[2]);
    refused(&(struct port_options){.name = "a",
                                   .type = "af_packet",
                                   .netns = ns_name[2],
                                   .ifname = "wv0"},
            ENODEV, "wv0");
    all_mbufs_back();
}

static int set_up(void **state)
{
    if (ports_set_up() != 0)
        return -1;
    return need_namespaces(state);
}

static int tear_down(void **state)
{
    switch_destroy(sw);
    return drop_namespaces(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_port_swallows),
        cmocka_unit_test(a_wire_carries_frames_both_ways_in_order),
        cmocka_unit_test(a_wire_wakes_a_sleeper_and_tells_its_link),
        cmocka_unit_test(a_capture_is_played_and_written),
        cmocka_unit_test(a_dpdk_device_comes_and_goes),
        cmocka_unit_test(a_tap_is_changed_while_it_lives),
        cmocka_unit_test(tcp_passes_between_taps_whatever_they_offload),
        cmocka_unit_test(tcp_passes_between_veths_and_taps),
        cmocka_unit_test(tags_survive_a_packet_socket_and_a_lost_device_is_no_crash),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
