/* flow_gauge: what a failover costs, counted by sequence numbers.
 *
 *     flow_gauge tx=IFNAME tap=IFNAME[,IFNAME...] rate=PACKETS_A_SECOND [lacp=1]
 *
 * Makes the taps: each is a link, whose far end is here, with a carrier that can be pulled at an
 * instant (a veth's goes when the kernel comes to it). "ready" says that they are there.
 * Sends UDP frames of 64 flows, numbered, out of tx at the rate, from a thread of its own, and
 * counts what arrives on the links. With lacp=1 it is also the LACP partner on those (this
 * tree's engine, fast): lines on stdin change things: "mute N" makes link N dead with its carrier
 * on, "off N" takes the carrier, too, "on N" gives both back, "begin" begins a measurement, "end"
 * prints it as JSON:
 *
 *   sent, lost, duplicates, reordered: frames. gap_ms: the longest run of one flow's frames that
 *   are missing, as time. worst_ms: the longest time without any frame at all. pdu_gap_ms: the
 *   longest time between two LACPDUs on a link.
 *
 * A sender that was kept from its CPU doesn't make up for it: sequence numbers are time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"
#include "lacp/lacp.h"

enum { LINKS = 8, FLOWS = 64, FRAME = 64, SEQ_AT = 42, BATCH = 64, SEQ_MAX = 1 << 24 };

static const uint8_t template[FRAME] = {2,    0, 0,  0,  0xee, 1, 2, 0, 0,  0,  0xee, 2, 8,  0,
                                        0x45, 0, 0,  50, 0,    0, 0, 0, 64, 17, 0,    0, 10, 9,
                                        0,    1, 10, 9,  0,    2, 4, 0, 4,  0,  0,    30};

struct gauge {
    int tx, rx[LINKS];
    unsigned n_rx, rate, flow_port;
    bool muted[LINKS], with_lacp;
    struct lacp *lacp;
    _Atomic bool counting, stop;
    _Atomic uint32_t sent; /* next sequence number */
    uint8_t *seen;         /* [SEQ_MAX]: how often each arrived */
    uint32_t last[FLOWS];
    uint32_t duplicates, reordered;
    nsec_t last_rx, worst, last_pdu[LINKS], pdu_gap;
};

static void die(const char *what)
{
    fprintf(stderr, "flow_gauge: %s: %s\n", what, strerror(errno));
    exit(1);
}

static nsec_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static int open_socket(const char *ifname)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int on = 1, room = 64 << 20;
    a.sll_ifindex = (int)if_nametoindex(ifname);
    struct packet_mreq all = {.mr_ifindex = a.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0)
        die(ifname);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return fd;
}

static int open_tap(const char *ifname)
{
    struct ifreq q = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(q.ifr_name, sizeof q.ifr_name, "%s", ifname);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &q) < 0)
        die(ifname);
    return fd;
}

/* ------------------------------------------------------------ the sender's thread */

static void send_some(struct gauge *g, unsigned n)
{
    uint8_t f[BATCH][FRAME];
    struct iovec v[BATCH];
    struct mmsghdr m[BATCH] = {0};
    uint32_t seq = g->sent;
    for (unsigned i = 0; i < n; i++, seq++) {
        memcpy(f[i], template, FRAME);
        f[i][35] = (uint8_t)(seq % FLOWS);
        memcpy(f[i] + SEQ_AT, &seq, sizeof seq);
        v[i] = (struct iovec){f[i], FRAME};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    int done = sendmmsg(g->tx, m, n, 0);
    g->sent += done > 0 ? (uint32_t)done : 0; /* what didn't leave here isn't lost there */
}

static void *sender(void *arg)
{
    struct gauge *g = arg;
    nsec_t begin = now();
    uint64_t sent = 0;
    while (!g->stop) {
        struct timespec nap = {0, 200000};
        nanosleep(&nap, NULL);
        uint64_t due = (uint64_t)(now() - begin) * g->rate / NSEC_PER_SEC;
        if (due - sent > g->rate / 200) /* 5 ms behind */
            sent = due - 1;
        for (; g->counting && sent < due && g->sent < SEQ_MAX - BATCH;) {
            unsigned n = due - sent < BATCH ? (unsigned)(due - sent) : BATCH;
            send_some(g, n);
            sent += n;
        }
        sent = g->counting ? sent : due;
    }
    return NULL;
}

/* ------------------------------------------------------------ what arrives */

static void count(struct gauge *g, const uint8_t *f, size_t len)
{
    uint32_t seq;
    memcpy(&seq, f + SEQ_AT, sizeof seq);
    if (len < FRAME || memcmp(f, template, 12) != 0 || seq >= SEQ_MAX)
        return;
    unsigned flow = seq % FLOWS;
    g->duplicates += g->seen[seq]++ > 0;
    g->reordered += seq < g->last[flow];
    g->last[flow] = seq > g->last[flow] ? seq : g->last[flow];
    nsec_t t = now(), gap = t - g->last_rx;
    g->worst = g->last_rx > 0 && gap > g->worst ? gap : g->worst;
    g->last_rx = t;
}

static void pdu(struct gauge *g, unsigned link, const uint8_t *f, size_t len)
{
    nsec_t t = now(), gap = t - g->last_pdu[link];
    g->pdu_gap = g->last_pdu[link] > 0 && gap > g->pdu_gap ? gap : g->pdu_gap;
    g->last_pdu[link] = t;
    (void)lacp_rx(g->lacp, link, f + 14, len - 14, t);
}

static void receive(struct gauge *g, unsigned link)
{
    uint8_t f[2048];
    for (int i = 0; i < 256; i++) {
        ssize_t n = read(g->rx[link], f, sizeof f);
        if (n < 15)
            return;
        bool slow = f[12] == LACP_ETHERTYPE >> 8 && f[13] == (LACP_ETHERTYPE & 255);
        if (!g->muted[link] && slow && g->with_lacp)
            pdu(g, link, f, (size_t)n);
        else if (!g->muted[link] && !slow)
            count(g, f, (size_t)n);
    }
}

/* ------------------------------------------------------------ LACP */

static void lacp_begin(struct gauge *g)
{
    struct lacp_config c = {.system = {{2, 0, 0, 0, 0xee, 9}}, .ports = LINKS, .aggs = 1};
    struct errbuf e;
    if (lacp_create(&c, now(), &g->lacp, &e) < 0)
        die(e.text);
    (void)lacp_agg_set(g->lacp, 0, &(struct lacp_agg_config){.key = 1}, now(), NULL);
    for (unsigned i = 0; i < g->n_rx; i++) {
        struct lacp_port_config p = {.number = (uint16_t)(i + 1),
                                     .key = 1,
                                     .active = true,
                                     .fast = true};
        (void)lacp_port_set(g->lacp, i, &p, now(), NULL);
        lacp_link(g->lacp, i, &(struct lacp_link){.up = true, .full_duplex = true}, now());
    }
}

static void put(const struct gauge *g, unsigned link, const uint8_t *pdu)
{
    static const struct mac to = LACP_SLOW_PDU_ADDR;
    uint8_t f[14 + LACP_PDU_LEN] =
        {[6] = 2, [10] = 0xee, [11] = (uint8_t)(0x10 + link), [12] = 0x88, [13] = 9};
    memcpy(f, to.b, 6);
    memcpy(f + 14, pdu, LACP_PDU_LEN);
    if (!g->muted[link])
        (void)!write(g->rx[link], f, sizeof f);
}

static void lacp_turn(struct gauge *g)
{
    struct lacp_action a;
    lacp_tick(g->lacp, now());
    while (lacp_poll(g->lacp, &a))
        if (a.kind == LACP_ACT_SEND)
            put(g, a.port, a.pdu);
}

/* ------------------------------------------------------------ measurements */

static void begin(struct gauge *g)
{
    memset(g->seen, 0, SEQ_MAX);
    memset(g->last, 0, sizeof g->last);
    g->duplicates = g->reordered = 0;
    g->worst = g->last_rx = g->pdu_gap = 0;
    memset(g->last_pdu, 0, sizeof g->last_pdu);
    g->sent = 0;
    g->counting = true;
    printf("counting\n");
    fflush(stdout);
}

/* The longest run of missing frames of a flow. */
static uint32_t longest(const struct gauge *g, unsigned flow)
{
    uint32_t run = 0, most = 0;
    for (uint32_t s = flow; s < g->sent; s += FLOWS) {
        run = g->seen[s] ? 0 : run + 1;
        most = run > most ? run : most;
    }
    return most;
}

static void end(struct gauge *g)
{
    uint32_t lost = 0, most = 0;
    for (uint32_t s = 0; s < g->sent; s++)
        lost += !g->seen[s];
    for (unsigned i = 0; i < FLOWS; i++) {
        uint32_t run = longest(g, i);
        most = run > most ? run : most;
    }
    printf("{\"sent\": %u, \"lost\": %u, \"duplicates\": %u, \"reordered\": %u, \"gap_ms\": %.2f, "
           "\"worst_ms\": %.2f, \"pdu_gap_ms\": %.0f}\n",
           g->sent, lost, g->duplicates, g->reordered, 1e3 * most * FLOWS / g->rate,
           (double)g->worst / 1e6, (double)g->pdu_gap / 1e6);
    fflush(stdout);
}

/* What is under way when the sender stops still arrives. */
static void drain(struct gauge *g)
{
    g->counting = false;
    for (int i = 0; i < 10; i++) {
        struct timespec nap = {0, 10000000};
        nanosleep(&nap, NULL);
        for (unsigned j = 0; j < g->n_rx; j++)
            receive(g, j);
    }
}

static void set_carrier(struct gauge *g, unsigned link, int on)
{
    if (ioctl(g->rx[link], TUNSETCARRIER, &on) < 0) /* waits for others who change devices */
        die("TUNSETCARRIER");
    g->muted[link] = !on;
    struct lacp_link l = {.up = on, .full_duplex = true};
    if (g->with_lacp)
        lacp_link(g->lacp, link, &l, now());
}

static bool command(struct gauge *g)
{
    char line[64];
    if (!fgets(line, sizeof line, stdin))
        return false;
    if (!strncmp(line, "mute ", 5))
        g->muted[atoi(line + 5) % LINKS] = true;
    else if (!strncmp(line, "off ", 4))
        set_carrier(g, (unsigned)atoi(line + 4) % LINKS, 0);
    else if (!strncmp(line, "on ", 3))
        set_carrier(g, (unsigned)atoi(line + 3) % LINKS, 1);
    else if (!strncmp(line, "begin", 5))
        begin(g);
    else if (!strncmp(line, "end", 3)) {
        drain(g);
        end(g);
    }
    return true;
}

/* The far host says where it is. */
static void hello(const struct gauge *g)
{
    uint8_t f[FRAME] = {0};
    memcpy(f, template + 6, 6);
    memcpy(f + 6, template, 6);
    f[12] = 0x88, f[13] = 0xb5;
    for (unsigned i = 0; i < g->n_rx; i++)
        (void)!write(g->rx[i], f, sizeof f);
}

static void turn(struct gauge *g, bool *on)
{
    struct pollfd p[LINKS + 1] = {{.fd = 0, .events = POLLIN}};
    for (unsigned i = 0; i < g->n_rx; i++)
        p[i + 1] = (struct pollfd){.fd = g->rx[i], .events = POLLIN};
    (void)poll(p, g->n_rx + 1, 20);
    for (unsigned i = 0; i < g->n_rx; i++)
        receive(g, i);
    if (g->with_lacp)
        lacp_turn(g);
    if (!g->counting)
        hello(g);
    if (p[0].revents != 0)
        *on = command(g);
}

static void arguments(struct gauge *g, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL)
            die(argv[i]);
        *value++ = '\0';
        if (!strcmp(argv[i], "tx"))
            g->tx = open_socket(value);
        else if (!strcmp(argv[i], "rate"))
            g->rate = (unsigned)atoi(value);
        else if (!strcmp(argv[i], "lacp"))
            g->with_lacp = atoi(value);
        for (char *t = strcmp(argv[i], "tap") ? NULL : strtok(value, ","); t; t = strtok(NULL, ","))
            g->rx[g->n_rx++ % LINKS] = open_tap(t);
    }
}

int main(int argc, char **argv)
{
    static struct gauge g = {.rate = 100000};
    pthread_t thread;
    arguments(&g, argc, argv);
    g.seen = malloc(SEQ_MAX);
    setvbuf(stdin, NULL, _IONBF, 0);
    if (g.seen == NULL || g.n_rx == 0 || g.n_rx > LINKS ||
        pthread_create(&thread, NULL, sender, &g) != 0)
        die("tx=IFNAME tap=IFNAME,... rate=N");
    if (g.with_lacp)
        lacp_begin(&g);
    printf("ready\n");
    fflush(stdout);
    bool on = true;
    while (on)
        turn(&g, &on);
    g.stop = true;
    pthread_join(thread, NULL);
    lacp_free(g.lacp);
    free(g.seen);
    return 0;
}
