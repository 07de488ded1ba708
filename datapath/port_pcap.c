/* port_pcap.c: receives from a capture file, sends to one. libpcap reads and writes. */
#include <errno.h>
#include <pcap/pcap.h>
#include <rte_spinlock.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "datapath/port_util.h"
#include "datapath/worker.h"

struct pcap_port {
    pcap_t *in;
    bool loop;
    char *in_path;
    pcap_t *dead; /* what the dumper is made from */
    pcap_dumper_t *out;
    _Atomic bool done; /* the input is at its end */
    int bell;          /* never rings: rx_arm tells whether frames wait */
    rte_spinlock_t out_lock;
    uint8_t *scratch; /* a sent frame in one piece */
};

static void pcap_port_free(struct pcap_port *q)
{
    if (q->out != NULL)
        pcap_dump_close(q->out); /* flushes */
    if (q->dead != NULL)
        pcap_close(q->dead);
    if (q->in != NULL)
        pcap_close(q->in);
    if (q->bell >= 0)
        close(q->bell);
    free(q->in_path);
    free(q->scratch);
    free(q);
}

static int open_in(struct pcap_port *q, const char *name, const char *path, struct errbuf *e)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    q->in = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (q->in == NULL)
        return errbuf_set(e, ENOENT, "port %s: pcap_in %s: %s", name, path, why);
    int type = pcap_datalink(q->in);
    if (type != DLT_EN10MB) {
        const char *s = pcap_datalink_val_to_name(type);
        return errbuf_set(e, EPROTONOSUPPORT,
                          "port %s: pcap_in %s: link type %s (%d); only Ethernet (EN10MB) captures "
                          "can be played",
                          name, path, s != NULL ? s : "unknown", type);
    }
    q->in_path = strdup(path);
    return q->in_path == NULL ? errbuf_set(e, ENOMEM, "port %s: out of memory", name) : 0;
}

static int open_out(struct pcap_port *q, const char *name, const char *path, struct errbuf *e)
{
    q->scratch = malloc(WEFT_FRAME_MAX);
    q->dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262144, PCAP_TSTAMP_PRECISION_NANO);
    if (q->scratch == NULL || q->dead == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", name);
    q->out = pcap_dump_open(q->dead, path);
    if (q->out == NULL)
        return errbuf_set(e, EIO, "port %s: pcap_out %s: %s", name, path, pcap_geterr(q->dead));
    return 0;
}

static int pcap_port_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    if (o->pcap_in == NULL && o->pcap_out == NULL)
        return errbuf_set(e, EINVAL, "port %s: a pcap port needs pcap_in, pcap_out or both",
                          o->name);
    struct pcap_port *q = calloc(1, sizeof *q);
    if (q == NULL)
        return errbuf_set(e, ENOMEM, "port %s: out of memory", o->name);
    q->loop = o->pcap_loop;
    q->done = o->pcap_in == NULL;
    q->bell = eventfd(0, EFD_CLOEXEC);
    rte_spinlock_init(&q->out_lock);
    int r = o->pcap_in != NULL ? open_in(q, o->name, o->pcap_in, e) : 0;
    if (r == 0 && o->pcap_out != NULL)
        r = open_out(q, o->name, o->pcap_out, e);
    if (r != 0) {
        pcap_port_free(q);
        return r;
    }
    p->impl = q;
    p->caps = PORT_CAP_MULTISEG; /* checksums and segments as they would be on a wire */
    p->mac = mac_is_zero(o->mac) ? port_mac_from(o->name, "pcap") : o->mac;
    return 0;
}

static void pcap_port_close(struct port *p)
{
    pcap_port_free(p->impl);
    p->impl = NULL;
}

/* Begins again at the first frame; false when that can't be. */
static bool rewind_in(struct pcap_port *q)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *again = q->loop ? pcap_open_offline(q->in_path, why) : NULL;
    if (again == NULL)
        return false;
    pcap_close(q->in);
    q->in = again;
    return true;
}

/* The next frame of the file, or false at its end. */
static bool next_frame(struct pcap_port *q, struct pcap_pkthdr **h, const u_char **data)
{
    if (pcap_next_ex(q->in, h, data) == 1)
        return true;
    if (rewind_in(q) && pcap_next_ex(q->in, h, data) == 1)
        return true;
    q->done = true;
    return false;
}

static struct rte_mbuf *frame_of(struct port *p, const struct pcap_pkthdr *h, const u_char *data)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    if (m == NULL || h->caplen > WEFT_FRAME_MAX ||
        port_frame_append(m, data, h->caplen, p->pool) != 0) {
        port_rx_drop(p, m, h->caplen > WEFT_FRAME_MAX ? DROP_RX_TOO_LONG : DROP_NO_MBUF);
        return NULL;
    }
    return port_rx_whole(p, m) ? m : NULL;
}

static uint16_t pcap_port_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct pcap_port *q = p->impl;
    struct pcap_pkthdr *h;
    const u_char *data;
    uint16_t k = 0;
    (void)queue;
    for (uint16_t i = 0; i < n && !q->done && next_frame(q, &h, &data); i++) {
        m[k] = frame_of(p, h, data);
        if (m[k] != NULL)
            k++;
    }
    return k;
}

static void dump(struct port *p, struct pcap_port *q, const struct rte_mbuf *m)
{
    bool stepped = p->sw != NULL && p->sw->opt.stepped; /* then the switch's clock, to repeat */
    nsec_t now = stepped ? switch_now(p->sw) : 0;
    struct timespec t = {.tv_sec = now / NSEC_PER_SEC, .tv_nsec = now % NSEC_PER_SEC};
    if (!stepped)
        clock_gettime(CLOCK_REALTIME, &t);
    uint32_t len = RTE_MIN(rte_pktmbuf_pkt_len(m), (uint32_t)WEFT_FRAME_MAX);
    /* libpcap's nanosecond files hold nanoseconds where the struct says tv_usec. */
    struct pcap_pkthdr h = {.ts = {.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec},
                            .caplen = len,
                            .len = rte_pktmbuf_pkt_len(m)};
    const void *data = rte_pktmbuf_read(m, 0, len, q->scratch);
    pcap_dump((u_char *)q->out, &h, data);
}

static uint16_t pcap_port_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    struct pcap_port *q = p->impl;
    (void)queue;
    if (q->out != NULL) {
        rte_spinlock_lock(&q->out_lock);
        for (uint16_t i = 0; i < n; i++)
            dump(p, q, m[i]);
        rte_spinlock_unlock(&q->out_lock);
    }
    rte_pktmbuf_free_bulk(m, n);
    return n;
}

static int pcap_port_fd(struct port *p) { return ((struct pcap_port *)p->impl)->bell; }

/* Frames wait until the file's end; then never more. */
static bool pcap_port_arm(struct port *p)
{
    struct pcap_port *q = p->impl;
    if (q->out != NULL) {
        rte_spinlock_lock(&q->out_lock);
        pcap_dump_flush(q->out);
        rte_spinlock_unlock(&q->out_lock);
    }
    return !q->done;
}

static int pcap_port_mtu(struct port *p, uint16_t mtu, struct errbuf *e)
{
    (void)p, (void)mtu, (void)e;
    return 0;
}

static int pcap_port_mac(struct port *p, struct mac mac, struct errbuf *e)
{
    (void)p, (void)mac, (void)e;
    return 0;
}

static struct port_link pcap_port_link(struct port *p)
{
    (void)p;
    return (struct port_link){.up = true, .full_duplex = true};
}

const struct port_ops port_pcap_ops = {
    .type = "pcap",
    .open = pcap_port_open,
    .close = pcap_port_close,
    .rx_burst = pcap_port_rx,
    .tx_burst = pcap_port_tx,
    .rx_fd = pcap_port_fd,
    .rx_arm = pcap_port_arm,
    .set_mtu = pcap_port_mtu,
    .set_mac = pcap_port_mac,
    .link = pcap_port_link,
};
