/* vrrp_host: one virtual router on a packet socket, to meet other implementations.
 *
 *     vrrp_host IFNAME key=value...
 *
 * Keys: version (2, 3, 23), vrid, priority, interval (cs), src (our address), vip (comma between
 * several), and preempt, pseudo, delay (cs), announce. The VRRP and neighbour engines do the work;
 * here is what is between them and the kernel: a clock, a socket, and lines on stdout. Being Active
 * it answers ARP, ND and echo requests at the virtual addresses. SIGTERM stops it in good order,
 * and prints what was refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/csum.h"
#include "control/neigh.h"
#include "vrrp/vrrp.h"

enum { FRAME = 2048, HEADER = 14 };

struct host {
    int fd, ifindex;
    struct vrrp_config c;
    struct vrrp_link link;
    struct vrrp *v;
    struct neigh *n;
    unsigned id;
    bool open, accept;
};

static volatile sig_atomic_t stopping;

static void on_signal(int s)
{
    (void)s;
    stopping = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "vrrp_host: %s: %s\n", what, strerror(errno));
    exit(1);
}

static nsec_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void say(const char *what, const char *more)
{
    printf("%lld.%03lld %s%s%s\n", (long long)(now() / NSEC_PER_SEC),
           (long long)(now() / NSEC_PER_MSEC % 1000), what, *more ? ": " : "", more);
    fflush(stdout);
}

/* -- arguments */

static struct ip6 address(const char *text)
{
    struct ip6 a = {{0}};
    if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, a.b) != 1)
        die(text);
    return a;
}

static void addresses(struct host *h, char *list)
{
    for (char *t = strtok(list, ","); t != NULL; t = strtok(NULL, ",")) {
        h->c.ip6 = strchr(t, ':') != NULL;
        h->c.addr[h->c.n_addrs++] = address(t);
    }
}

static void argument(struct host *h, char *word)
{
    char *value = strchr(word, '=');
    if (value == NULL)
        die(word);
    *value++ = '\0';
    unsigned n = (unsigned)strtoul(value, NULL, 10);
    if (!strcmp(word, "version"))
        h->c.mode = n == 2 ? VRRP_V2 : n == 23 ? VRRP_V2_V3 : VRRP_V3;
    else if (!strcmp(word, "vrid"))
        h->c.vrid = (uint8_t)n;
    else if (!strcmp(word, "priority"))
        h->c.priority = (uint8_t)n;
    else if (!strcmp(word, "interval"))
        h->c.interval_cs = (uint16_t)n;
    else if (!strcmp(word, "preempt"))
        h->c.preempt = n;
    else if (!strcmp(word, "pseudo"))
        h->c.pseudo_header = n;
    else if (!strcmp(word, "delay"))
        h->c.preempt_delay_cs = n;
    else if (!strcmp(word, "announce"))
        h->c.announce_count = (uint8_t)n;
    else if (!strcmp(word, "src"))
        h->link.ip4 = h->link.ip6 = address(value);
    else if (!strcmp(word, "vip"))
        addresses(h, value);
    else
        die(word);
}

/* -- the wire */

static void open_socket(struct host *h, const char *ifname)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int on = 1;
    h->ifindex = a.sll_ifindex = (int)if_nametoindex(ifname);
    struct packet_mreq all = {.mr_ifindex = h->ifindex, .mr_type = PACKET_MR_PROMISC};
    h->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    if (h->fd < 0 || bind(h->fd, (struct sockaddr *)&a, sizeof a) < 0)
        die(ifname);
    if (setsockopt(h->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ||
        setsockopt(h->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0)
        die("packet socket");
}

static void put(const struct host *h, struct mac src, struct mac dst, uint16_t type, const void *p,
                size_t len)
{
    uint8_t f[FRAME];
    struct writer w = writer_of(f, sizeof f);
    write_bytes(&w, dst.b, 6);
    write_bytes(&w, src.b, 6);
    write_u16(&w, type);
    write_bytes(&w, p, len);
    if (!w.bad && send(h->fd, f, w.len, 0) < 0 && errno != ENETDOWN)
        die("send");
}

static bool is_vip(const struct host *h, const struct ip6 *a)
{
    for (unsigned i = 0; i < h->c.n_addrs; i++) {
        if (memcmp(&h->c.addr[i], a, sizeof *a) == 0)
            return true;
    }
    return false;
}

/* Answers an echo request: addresses change places, the type changes, sums follow. */
static void echo(const struct host *h, struct mac from, uint8_t *p, size_t len)
{
    size_t at = h->c.ip6 ? 40 : 20, one = h->c.ip6 ? 16 : 4, src = h->c.ip6 ? 8 : 12;
    struct ip6 swap = {{0}}, to = {{0}};
    uint8_t was[2] = {h->c.ip6 ? 128 : 8, 0}, is[2] = {h->c.ip6 ? 129 : 0, 0};
    be16 sum;
    if (len < at + 8 || p[h->c.ip6 ? 6 : 9] != (h->c.ip6 ? 58 : 1) || p[at] != was[0])
        return;
    memcpy(to.b, p + src + one, one);
    if (!is_vip(h, &to))
        return;
    memcpy(swap.b, p + src, one);
    memcpy(p + src, to.b, one);
    memcpy(p + src + one, swap.b, one);
    memcpy(&sum, p + at + 2, 2);
    sum = csum_update(sum, was, is, 2);
    memcpy(p + at + 2, &sum, 2);
    p[at] = is[0];
    put(h, vrrp_mac(h->c.ip6, h->c.vrid), from, h->c.ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP, p, len);
}

static void frame(struct host *h, uint8_t *f, size_t len)
{
    struct mac dst, src, ours = vrrp_mac(h->c.ip6, h->c.vrid);
    uint16_t ip = h->c.ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP;
    struct reader r = reader_of(f, len);
    read_into(&r, dst.b, 6);
    read_into(&r, src.b, 6);
    uint16_t type = read_u16(&r);
    if (r.bad)
        return;
    uint8_t *p = f + HEADER;
    len -= HEADER;
    if (type == ip && len > 9 && p[h->c.ip6 ? 6 : 9] == VRRP_PROTOCOL)
        (void)vrrp_rx(h->v, 0, p, len, now());
    else if (type == ip && h->open && mac_equal(dst, ours))
        echo(h, src, p, len);
    if (type == ETHERTYPE_ARP || type == ETHERTYPE_IPV6)
        (void)neigh_rx(h->n, 0, type, src, p, len, now());
}

static void receive(struct host *h)
{
    uint8_t f[FRAME];
    for (ssize_t n; (n = recv(h->fd, f, sizeof f, 0)) > 0;)
        frame(h, f, (size_t)n);
}

/* -- the engines' actions */

static void gate(struct host *h, bool open)
{
    struct errbuf e;
    h->open = open;
    for (unsigned i = 0; i < h->c.n_addrs; i++) {
        struct neigh_address a = {.ip6 = h->c.ip6,
                                  .ip = h->c.addr[i],
                                  .prefix_len = h->c.ip6 ? 64 : 24,
                                  .mac = vrrp_mac(h->c.ip6, h->c.vrid),
                                  .enabled = open};
        if (neigh_address_set(h->n, &a, now(), &e) < 0)
            die(e.text);
    }
}

static void event(const struct vrrp_action *a)
{
    char text[100];
    if (a->event.event == VRRP_EV_STATE) {
        snprintf(text, sizeof text, "%s", vrrp_reason_name(a->event.reason));
        say(vrrp_state_name(a->event.to), text);
        return;
    }
    bool refused = a->event.event == VRRP_EV_REFUSED;
    say(vrrp_event_name(a->event.event), refused ? vrrp_verdict_name(a->event.value) : "");
}

static void drain_neigh(struct host *h)
{
    struct neigh_action a;
    while (neigh_poll(h->n, &a)) {
        if (a.kind == NEIGH_SEND)
            put(h, a.send.src, a.send.dst, a.send.ethertype, a.send.bytes, a.send.len);
    }
}

static void drain(struct host *h)
{
    struct vrrp_action a;
    while (vrrp_poll(h->v, &a)) {
        if (a.kind == VRRP_GATE)
            gate(h, a.gate.open);
        else if (a.kind == VRRP_SEND)
            put(h, a.mac, a.send.dst_mac, h->c.ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP, a.send.packet,
                a.send.len);
        else if (a.kind == VRRP_ANNOUNCE)
            (void)neigh_announce(h->n, 0, &a.announce, h->c.ip6, now());
        else
            event(&a);
    }
    drain_neigh(h);
}

static void start(struct host *h)
{
    struct neigh_size size = {.interfaces = 1,
                              .entries = 64,
                              .addresses = VRRP_ADDRS_MAX,
                              .seed = 1};
    struct neigh_interface up = neigh_interface_default();
    struct errbuf e = {""};
    h->v = vrrp_create(1, 1);
    h->n = neigh_create(&size);
    up.up = true;
    if (h->v == NULL || h->n == NULL || neigh_interface(h->n, 0, &up, now(), &e) < 0)
        die("no memory");
    if (vrrp_add(h->v, &h->c, now(), &e) < 0) {
        fprintf(stderr, "vrrp_host: %s\n", e.text);
        exit(2);
    }
    h->link.up = true;
    h->link.has_ip6 = h->c.ip6;
    h->link.has_ip4 = !h->c.ip6;
    vrrp_link(h->v, 0, &h->link, now());
}

static void wait_for_something(const struct host *h)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN};
    nsec_t a = vrrp_deadline(h->v), b = neigh_deadline(h->n), due = a < b ? a : b;
    nsec_t left = due == NSEC_NEVER ? NSEC_PER_SEC : due - now();
    left = left > 0 ? left : 0;
    struct timespec t = {.tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC};
    (void)ppoll(&p, 1, &t, NULL);
}

int main(int argc, char **argv)
{
    struct host h = {.c = vrrp_config_default()};
    if (argc < 2)
        return 2;
    h.c.accept = true;
    for (int i = 2; i < argc; i++)
        argument(&h, argv[i]);
    signal(SIGTERM, on_signal);
    open_socket(&h, argv[1]);
    start(&h);
    while (!stopping) {
        drain(&h);
        wait_for_something(&h);
        receive(&h); /* before the timers: what was heard in time counts */
        vrrp_tick(h.v, now());
        neigh_tick(h.n, now());
    }
    vrrp_stop(h.v, now());
    drain(&h);
    for (int v = VRRP_OK + 1; v < VRRP_VERDICTS; v++) {
        if (vrrp_refused(h.v)[v])
            printf("refused %s %llu\n", vrrp_verdict_name(v),
                   (unsigned long long)vrrp_refused(h.v)[v]);
    }
    vrrp_destroy(h.v);
    neigh_destroy(h.n);
    return 0;
}
