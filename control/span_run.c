/* control/span_run.c: the protocol thread's part of spanning trees: carrying between engines and
 * ports. */
#include <rte_mbuf.h>
#include <string.h>

#include "control/span_priv.h"
#include "datapath/gate.h"
#include "datapath/pkt.h"

/* How fast a lost carrier is noticed; failover takes little more. */
enum { LINK_POLL_MS = 10, LLC = 3, HEADER = 14 + LLC };

static const uint8_t group[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};

/* ---- out ---- */

/* IEEE 802.1Q-2018 14.1: Ethernet, a length, LLC 42-42-03. */
static void send(struct span *g, struct port *p, const struct stp_action *a)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(g->sw->pool);
    size_t len = HEADER + a->len < 60 ? 60 : HEADER + a->len;
    uint8_t *f = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len) : NULL;
    if (f == NULL) {
        rte_pktmbuf_free(m);
        return;
    }
    memset(rte_mbuf_to_priv(m), 0, sizeof(struct pkt));
    memset(f, 0, len);
    memcpy(f, group, 6);
    memcpy(f + 6, &p->mac, 6);
    f[12] = (uint8_t)((a->len + LLC) >> 8);
    f[13] = (uint8_t)(a->len + LLC);
    f[14] = f[15] = 0x42;
    f[16] = 0x03;
    memcpy(f + HEADER, a->pdu, a->len);
    /* A queue of its own if the device has as many: the workers and control come first. */
    if (p->ops->tx_burst(p, (uint16_t)(p->n_stats % p->tx_queues), &m, 1) == 0)
        rte_pktmbuf_free(m);
}

static void tell(struct span *g, const struct span_bridge *s, const struct port *p,
                 const struct stp_action *a)
{
    struct stp_port_tree_status st;
    bool bad = a->event == STP_EVENT_BPDU_GUARD || a->event == STP_EVENT_LOOP_GUARD ||
               a->event == STP_EVENT_ASSURANCE || a->event == STP_EVENT_SELF_LOOP;
    if (!stp_port_tree_status(s->stp, a->port, a->tree, &st))
        return;
    log_line(g->log, bad ? LOG_LVL_WARNING : LOG_LVL_INFO, "stp %s: port %s, tree %u: %s (%s, %s)",
             s->dp->name, p->name, a->tree == 0 ? 0u : s->cfg.msti[a->tree - 1].id,
             stp_event_text(a->event), stp_role_name(st.role), stp_state_name(st.state));
}

/* In the order that stp_poll() gives: closings, openings, flushes, BPDUs. */
static void act(struct span *g, struct span_bridge *s)
{
    struct stp_action a;
    while (stp_poll(s->stp, &a)) {
        struct port *p = s->port[a.port].dp;
        if (p == NULL)
            continue;
        if (a.kind == STP_ACT_STATE)
            gate_set(p, a.tree, (enum gate_state)a.state);
        else if (a.kind == STP_ACT_FLUSH)
            fdb_flush_tree(s->dp->fdb, p->index, a.tree);
        else if (a.kind == STP_ACT_SEND)
            send(g, p, &a);
        else
            tell(g, s, p, &a);
    }
}

/* ---- in ---- */

static struct span_bridge *home_of(struct span *g, const struct port *in, unsigned *number)
{
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++) {
        struct span_bridge *s = g->bridge[i];
        for (unsigned n = s != NULL ? stp_port_next(s->stp, 0) : 0; n != 0;
             n = stp_port_next(s->stp, n))
            if (s->port[n].dp == in) {
                *number = n;
                return s;
            }
    }
    return NULL; /* it has left since */
}

bool span_rx(struct span *g, struct rte_mbuf *m, nsec_t now)
{
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    static const uint8_t llc[LLC] = {0x42, 0x42, 0x03};
    if (m->data_len < HEADER || memcmp(f, group, 5) != 0 || f[5] > 0x0f || f[12] > 5 ||
        memcmp(f + 14, llc, sizeof llc) != 0)
        return false;
    size_t said = (size_t)(f[12] << 8 | f[13]), have = m->data_len - 14u;
    size_t len = said < have ? said : have;
    unsigned number;
    pthread_mutex_lock(&g->lock);
    struct span_bridge *s = home_of(g, pkt_of(m)->in_port, &number);
    if (s != NULL && len > LLC) {
        (void)stp_rx(s->stp, number, f + HEADER, len - LLC, now);
        act(g, s);
    }
    pthread_mutex_unlock(&g->lock);
    rte_pktmbuf_free(m);
    return true;
}

/* ---- links, time ---- */

static void look_at_link(struct span_bridge *s, unsigned n, nsec_t now)
{
    struct port *p = s->port[n].dp;
    bool down = (atomic_load(&p->config) & PORT_CFG_DOWN) != 0;
    struct port_link seen = {.up = true, .full_duplex = true};
    if (p->ops->link != NULL)
        seen = p->ops->link(p);
    struct stp_link l = {.up = seen.up && !down,
                         .full_duplex = true,
                         .speed_mbps = seen.speed_mbps};
    if (l.up != s->port[n].link.up || l.speed_mbps != s->port[n].link.speed_mbps)
        stp_link(s->stp, n, &l, now);
    s->port[n].link = l;
}

static nsec_t run_bridge(struct span *g, struct span_bridge *s, bool links, nsec_t now)
{
    for (unsigned n = stp_port_next(s->stp, 0); links && n != 0; n = stp_port_next(s->stp, n))
        look_at_link(s, n, now);
    stp_tick(s->stp, now);
    act(g, s);
    return stp_deadline(s->stp);
}

nsec_t span_run(struct span *g, nsec_t now)
{
    nsec_t due = NSEC_NEVER;
    pthread_mutex_lock(&g->lock);
    bool links = now >= g->links_due;
    for (unsigned i = 0; i < WEFT_BRIDGES_MAX; i++)
        if (g->bridge[i] != NULL) {
            nsec_t d = run_bridge(g, g->bridge[i], links, now);
            due = d < due ? d : due;
        }
    if (links)
        g->links_due = now + LINK_POLL_MS * NSEC_PER_MSEC;
    if (due != NSEC_NEVER && g->links_due < due)
        due = g->links_due;
    pthread_mutex_unlock(&g->lock);
    return due;
}
