/* tests/unit/fake_lan.h: a stepped switch with the real stages, and ports that remember.
 *
 * A port hands in the frame that lan_send() gives it and keeps what it is told
 * to transmit, so a test says: this came in there, so that went out here. At the end
 * every buffer must be back in the pool.
 */
#ifndef WEFT_TESTS_UNIT_FAKE_LAN_H
#define WEFT_TESTS_UNIT_FAKE_LAN_H

#include <rte_eal.h>
#include <stdlib.h>

#include "base/assert.h"
#include "datapath/offload.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/table.h"

enum { LAN_PORTS = 4, LAN_KEPT = 8 };

struct lan_port {
    struct rte_mbuf *in[WEFT_BURST];
    unsigned n_in, n_out;
    struct {
        size_t len;
        uint8_t b[256];
    } out[LAN_KEPT];
};

struct lan {
    struct weft_switch *sw;
    struct bridge *br;
    struct port *p[LAN_PORTS + 1]; /* by OpenFlow number: 1..LAN_PORTS */
    nsec_t now;
    unsigned mbufs;
};

static int lan_open(struct port *p, const struct port_options *o, struct errbuf *e)
{
    (void)o, (void)e;
    p->caps = PORT_CAP_MULTISEG;
    p->impl = calloc(1, sizeof(struct lan_port));
    return p->impl != NULL ? 0 : -1;
}

static void lan_close(struct port *p) { free(p->impl); }

static uint16_t lan_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct lan_port *l = p->impl;
    uint16_t k = (uint16_t)RTE_MIN(l->n_in, n);
    memcpy(m, l->in, k * sizeof *m);
    l->n_in = 0;
    return k;
}

static uint16_t lan_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
    (void)queue;
    struct lan_port *l = p->impl;
    for (uint16_t i = 0; i < n; i++) {
        unsigned at = l->n_out++ % LAN_KEPT;
        l->out[at].len = m[i]->pkt_len;
        memcpy(l->out[at].b, rte_pktmbuf_mtod(m[i], void *),
               RTE_MIN(m[i]->data_len, sizeof l->out[at].b));
        rte_pktmbuf_free(m[i]);
    }
    return n;
}

static int lan_rx_fd(struct port *p)
{
    (void)p;
    return -1;
}

static const struct port_ops lan_ops = {.type = "lan",
                                        .open = lan_open,
                                        .close = lan_close,
                                        .rx_burst = lan_rx,
                                        .tx_burst = lan_tx,
                                        .rx_fd = lan_rx_fd};

const struct port_ops *port_ops_find(const char *type)
{
    if (strcmp(type, "bond") == 0)
        return &port_bond_ops;
    return strcmp(type, "vxlan") == 0 ? &port_vxlan_ops : &lan_ops;
}
const char *port_types(void) { return "lan"; }

/* Nothing in these tests asks for offloads. */
bool offload_needs_software(const struct rte_mbuf *m, uint32_t caps)
{
    (void)m, (void)caps;
    return false;
}
uint16_t offload_resolve(struct rte_mbuf *m, uint32_t caps, struct rte_mempool *pool,
                         struct rte_mbuf **out, uint16_t max)
{
    (void)m, (void)caps, (void)pool, (void)out, (void)max;
    return 0;
}

static int lan_eal(void **state)
{
    (void)state;
    char *argv[] = {"test",           "--no-huge",        "-m", "128", "--no-pci", "--no-shconf",
                    "--no-telemetry", "--log-level=error"};
    return rte_eal_init(sizeof argv / sizeof *argv, argv) < 0;
}

static int lan_setup(void **state)
{
    static const char *const names[] = {"", "p1", "p2", "p3", "p4"};
    struct lan *l = calloc(1, sizeof *l);
    struct switch_options o = {.mbufs = 1024, .stepped = true, .hash_seed = 7};
    weft_assert(switch_create(&o, &l->sw, NULL) == 0);
    weft_assert(bridge_create(l->sw, &(struct bridge_options){.name = "br0"}, &l->br, NULL) == 0);
    l->mbufs = rte_mempool_avail_count(l->sw->pool);
    for (unsigned i = 1; i <= LAN_PORTS; i++) {
        struct port_options po = {.name = names[i], .type = "lan"};
        weft_assert(port_create(l->sw, &po, &l->p[i], NULL) == 0);
        weft_assert(bridge_attach(l->br, l->p[i], i, NULL) == 0);
        atomic_store(&l->p[i]->link_up, true);
    }
    l->now = NSEC_PER_SEC;
    *state = l;
    return 0;
}

static int lan_teardown(void **state)
{
    struct lan *l = *state;
    unsigned back = rte_mempool_avail_count(l->sw->pool);
    switch_destroy(l->sw);
    bool leak = back != l->mbufs;
    free(l);
    return leak ? -1 : 0;
}

static struct lan_port *lan_of(struct lan *l, unsigned port) { return l->p[port]->impl; }

static struct rte_mbuf *lan_mbuf(struct lan *l, const uint8_t *b, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(l->sw->pool);
    weft_assert(m != NULL);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), b, len);
    return m;
}

/* Queues a frame at a port; nothing happens until lan_run(). */
static void lan_queue(struct lan *l, unsigned port, const uint8_t *b, size_t len)
{
    struct lan_port *p = lan_of(l, port);
    weft_assert(p->n_in < WEFT_BURST);
    p->in[p->n_in++] = lan_mbuf(l, b, len);
}

/* Forgets what went out before. */
static void lan_forget(struct lan *l)
{
    for (unsigned i = 1; i <= LAN_PORTS; i++)
        lan_of(l, i)->n_out = 0;
}

static void lan_run(struct lan *l)
{
    l->now += 2 * NSEC_PER_MSEC;
    while (switch_step(l->sw, l->now))
        ;
}

static void lan_send(struct lan *l, unsigned port, const uint8_t *b, size_t len)
{
    lan_forget(l);
    lan_queue(l, port, b, len);
    lan_run(l);
}

/* Which ports sent something: bit 1 for port 1 and so on. */
static inline unsigned lan_out(struct lan *l)
{
    unsigned bits = 0;
    for (unsigned i = 1; i <= LAN_PORTS; i++)
        bits |= lan_of(l, i)->n_out != 0 ? 1u << i : 0;
    return bits;
}

/* Puts rules of any tables in place of what is there; takes them. */
static inline void lan_program(struct lan *l, struct rule **rules, unsigned n)
{
    struct program *p = program_create();
    for (unsigned id = 0; id < 4; id++) {
        struct rule *of[16];
        uint32_t k = 0;
        for (unsigned i = 0; i < n; i++) {
            if (rules[i]->table == id)
                of[k++] = rules[i];
        }
        if (k > 0)
            program_set_table(p, (uint8_t)id, table_build(of, k));
    }
    bridge_publish(l->br, p);
}

#endif
