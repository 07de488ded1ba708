/* ofload.c: an OpenFlow 1.3 controller that only loads: prebuilt messages from a file, as fast as
 * the switch takes them.
 *
 *     ofload PORT FILE one|batch|bundle SIZE LIMIT_S
 *     ofload PORT FILE churn RATE SECONDS
 *     ofload PORT FILE visible PAGE TIMES
 *
 * FILE is messages one after the other. Prints "key value" lines. one: a barrier after each, waited
 * for; batch: one after SIZE; bundle: SIZE in an atomic bundle (ONF extension 230). churn: over and
 * over, RATE a second, a barrier each millisecond. visible: the file has two messages that send the
 * bench's frames to port 2 and to port 3 (page.h's ports 1 and 2); says when after the barrier's
 * reply the old port saw its last frame.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/plugin/page.h"

enum {
    HELLO = 0,
    ERROR = 1,
    ECHO_REQ = 2,
    ECHO_REP = 3,
    EXPERIMENTER = 4,
    BARRIER_REQ = 20,
    BARRIER_REP = 21
};
enum {
    BUNDLE_CONTROL = 2300,
    BUNDLE_ADD = 2301,
    OPEN = 0,
    COMMIT = 4,
    ATOMIC = 1,
    OUTSTANDING = 64
};

struct load {
    int fd;
    uint8_t *file;
    size_t len;
    size_t *at; /* where message i begins; [count] is the end */
    size_t count;
    uint8_t in[1 << 16];
    size_t in_len;
    uint64_t barriers, errors, bundle_replies;
    uint32_t first_error; /* type << 16 | code */
    uint8_t *out;
    size_t out_len, out_size;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "ofload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put16(uint8_t *p, unsigned v) { p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16), put16(p + 2, v & 0xffff); }
static unsigned get16(const uint8_t *p) { return (unsigned)(p[0] << 8 | p[1]); }

static void header(uint8_t *p, unsigned type, size_t len)
{
    p[0] = 4, p[1] = (uint8_t)type;
    put16(p + 2, (unsigned)len);
    put32(p + 4, 7);
}

static void send_all(struct load *l, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(l->fd, p, n); /* blocks when the switch reads no more */
        if (k < 0 && errno != EINTR)
            die("sending");
        if (k > 0)
            p += k, n -= (size_t)k;
    }
}

static void queue(struct load *l, const uint8_t *p, size_t n)
{
    if (l->out_len + n > l->out_size) {
        l->out_size = (l->out_len + n) * 2;
        l->out = realloc(l->out, l->out_size);
        if (l->out == NULL)
            die("memory");
    }
    memcpy(l->out + l->out_len, p, n);
    l->out_len += n;
}

static void flush(struct load *l)
{
    send_all(l, l->out, l->out_len);
    l->out_len = 0;
}

static void queue_barrier(struct load *l)
{
    uint8_t b[8];
    header(b, BARRIER_REQ, sizeof b);
    queue(l, b, sizeof b);
}

/* ------------------------------------------------------------ answers */

static void take(struct load *l, uint8_t *m, size_t n)
{
    if (m[1] == BARRIER_REP) {
        l->barriers++;
    } else if (m[1] == EXPERIMENTER) {
        l->bundle_replies++;
    } else if (m[1] == ECHO_REQ) {
        m[1] = ECHO_REP;
        send_all(l, m, n);
    } else if (m[1] == ERROR) {
        if (l->errors++ == 0)
            l->first_error = (uint32_t)(get16(m + 8) << 16 | get16(m + 10));
    }
}

/* Reads what is there; waits for something when `wait`. */
static void receive(struct load *l, bool wait)
{
    ssize_t k = recv(l->fd, l->in + l->in_len, sizeof l->in - l->in_len, wait ? 0 : MSG_DONTWAIT);
    if (k == 0) {
        errno = ECONNRESET;
        die("receiving");
    }
    if (k < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return;
        die("receiving");
    }
    l->in_len += (size_t)k;
    size_t at = 0;
    while (l->in_len - at >= 8 && l->in_len - at >= get16(l->in + at + 2)) {
        size_t n = get16(l->in + at + 2);
        take(l, l->in + at, n);
        at += n;
    }
    memmove(l->in, l->in + at, l->in_len - at);
    l->in_len -= at;
}

static void await_barriers(struct load *l, uint64_t n)
{
    while (l->barriers < n)
        receive(l, true);
}

/* ------------------------------------------------------------ ways to load */

static void bundle_control(struct load *l, uint32_t id, unsigned what)
{
    uint8_t b[24];
    header(b, EXPERIMENTER, sizeof b);
    put32(b + 8, 0x4f4e4600), put32(b + 12, BUNDLE_CONTROL);
    put32(b + 16, id), put16(b + 20, what), put16(b + 22, ATOMIC);
    queue(l, b, sizeof b);
}

static void bundle_add(struct load *l, uint32_t id, const uint8_t *m, size_t n)
{
    uint8_t b[24];
    header(b, EXPERIMENTER, sizeof b + n);
    put32(b + 8, 0x4f4e4600), put32(b + 12, BUNDLE_ADD);
    put32(b + 16, id), put16(b + 20, 0), put16(b + 22, ATOMIC);
    memcpy(b + 4, m + 4, 4); /* the xid must be the message's */
    queue(l, b, sizeof b);
    queue(l, m, n);
}

static void load_group(struct load *l, size_t from, size_t to, bool bundle)
{
    uint32_t id = (uint32_t)from + 1;
    uint64_t replies = l->bundle_replies + l->errors;
    if (bundle)
        bundle_control(l, id, OPEN);
    for (size_t i = from; i < to; i++) {
        if (bundle)
            bundle_add(l, id, l->file + l->at[i], l->at[i + 1] - l->at[i]);
        else
            queue(l, l->file + l->at[i], l->at[i + 1] - l->at[i]);
    }
    if (bundle)
        bundle_control(l, id, COMMIT);
    else
        queue_barrier(l);
    uint64_t barriers = l->barriers;
    flush(l);
    if (!bundle)
        await_barriers(l, barriers + 1);
    while (bundle && l->bundle_replies + l->errors < replies + 2)
        receive(l, true);
}

static void install(struct load *l, const char *how, size_t group, double limit_s)
{
    double t0 = now_s();
    size_t i = 0;
    while (i < l->count && now_s() - t0 < limit_s && l->errors == 0) {
        size_t n = l->count - i < group ? l->count - i : group;
        load_group(l, i, i + n, !strcmp(how, "bundle"));
        i += n;
    }
    printf("done %zu\nseconds %.6f\n", i, now_s() - t0);
}

/* Done is what the switch has answered for by the end; with OUTSTANDING barriers unanswered it
 * waits. */
static void churn(struct load *l, double rate, double seconds)
{
    static uint64_t sent_at[2 * OUTSTANDING];
    double t0 = now_s(), t;
    uint64_t sent = 0, asked = 0, first = l->barriers;
    while ((t = now_s() - t0) < seconds) {
        receive(l, false);
        usleep(1000);
        if (asked - (l->barriers - first) >= OUTSTANDING)
            continue;
        uint64_t due = (uint64_t)(t * rate), most = sent + 1000;
        for (; sent < due && sent < most; sent++) {
            size_t i = sent % l->count;
            queue(l, l->file + l->at[i], l->at[i + 1] - l->at[i]);
        }
        queue_barrier(l);
        sent_at[asked++ % (2 * OUTSTANDING)] = sent;
        flush(l);
    }
    uint64_t answered = l->barriers - first;
    uint64_t done = answered ? sent_at[(answered - 1) % (2 * OUTSTANDING)] : 0;
    printf("done %lu\nseconds %.6f\n", done, now_s() - t0);
}

static uint64_t sent_by(const volatile struct page_port *p)
{
    uint64_t n = 0;
    for (int i = 0; i < PAGE_TXQ; i++)
        n += p->tx[i].packets;
    return n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* After the reply: microseconds until the old port saw its last frame (0: none came). *moved
 * counts the times that the new port did see frames: without them the figure means nothing. */
static double one_visible(struct load *l, const volatile struct page *p, size_t i, size_t *moved)
{
    unsigned old = i % 2 == 0 ? 2 : 1;
    uint64_t barriers = l->barriers;
    queue(l, l->file + l->at[i % 2], l->at[i % 2 + 1] - l->at[i % 2]);
    queue_barrier(l);
    flush(l);
    while (l->barriers == barriers)
        receive(l, false);
    double t0 = now_s(), last = t0, t;
    uint64_t seen = sent_by(&p->port[old]), fresh = sent_by(&p->port[3 - old]);
    while ((t = now_s()) - t0 < 0.004) {
        uint64_t n = sent_by(&p->port[old]);
        if (n != seen)
            seen = n, last = t;
    }
    *moved += sent_by(&p->port[3 - old]) != fresh;
    return (last - t0) * 1e6;
}

static void visible(struct load *l, const char *path, size_t times)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct page *p =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *p, PROT_READ, MAP_SHARED, fd, 0);
    double *us = calloc(times, sizeof *us);
    size_t moved = 0;
    if (p == MAP_FAILED || us == NULL || l->count < 2)
        die(path);
    for (size_t i = 0; i < times; i++)
        us[i] = one_visible(l, p, i, &moved);
    qsort(us, times, sizeof *us, ascending);
    printf("done %zu\nmoved %zu\nmedian_us %.1f\nmax_us %.1f\n", times, moved, us[times / 2],
           us[times - 1]);
    free(us);
}

/* ------------------------------------------------------------ beginning */

static void read_file(struct load *l, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        die(path);
    l->len = (size_t)ftell(f);
    rewind(f);
    l->file = malloc(l->len);
    l->at = malloc((l->len / 8 + 2) * sizeof *l->at);
    if (l->file == NULL || l->at == NULL || fread(l->file, 1, l->len, f) != l->len)
        die(path);
    fclose(f);
    size_t at = 0;
    while (at + 8 <= l->len && get16(l->file + at + 2) >= 8) {
        l->at[l->count++] = at;
        at += get16(l->file + at + 2);
    }
    l->at[l->count] = at;
}

static void dial(struct load *l, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t hello[8];
    int on = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&a, sizeof a) != 0)
        die("connecting");
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    header(hello, HELLO, sizeof hello);
    send_all(l, hello, sizeof hello);
    queue_barrier(l);
    flush(l);
    await_barriers(l, 1);
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc != 6) {
        fprintf(stderr,
                "usage: ofload PORT FILE one|batch|bundle SIZE LIMIT_S | churn RATE SECONDS | "
                "visible PAGE TIMES\n");
        return 2;
    }
    read_file(&l, argv[2]);
    dial(&l, (uint16_t)atoi(argv[1]));
    if (!strcmp(argv[3], "churn"))
        churn(&l, atof(argv[4]), atof(argv[5]));
    else if (!strcmp(argv[3], "visible"))
        visible(&l, argv[4], (size_t)atol(argv[5]));
    else
        install(&l, argv[3], !strcmp(argv[3], "one") ? 1 : (size_t)atol(argv[4]), atof(argv[5]));
    printf("errors %lu\nfirst_error %u/%u\n", l.errors, l.first_error >> 16,
           l.first_error & 0xffff);
    return 0;
}
