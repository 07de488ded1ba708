/* gate.c: see gate.h. */
#include "datapath/gate.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/guard.h"
#include "datapath/l2_vlan.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/rcu.h"
#include "datapath/switch.h"

/* ------------------------------------------------------------ storing */

static void set_bit(_Atomic uint64_t *words, unsigned tree, bool on)
{
    uint64_t bit = UINT64_C(1) << (tree & 63);
    if (on)
        atomic_fetch_or(&words[tree >> 6], bit);
    else
        atomic_fetch_and(&words[tree >> 6], ~bit);
}

static bool get_bit(const _Atomic uint64_t *words, unsigned tree)
{
    return atomic_load_explicit(&words[tree >> 6], memory_order_relaxed) >> (tree & 63) & 1;
}

void gate_enable(struct port *p, unsigned trees)
{
    for (unsigned t = 0; t < GATE_TREES; t++) {
        set_bit(p->gates.shut, t, t < trees);
        set_bit(p->gates.deaf, t, t < trees);
    }
    atomic_fetch_or(&p->gates.on, GATE_TRAP | GATE_SHUT);
}

void gate_disable(struct port *p)
{
    atomic_fetch_and(&p->gates.on, (uint8_t) ~(GATE_TRAP | GATE_SHUT));
    for (unsigned i = 0; i < GATE_WORDS; i++) {
        atomic_store(&p->gates.shut[i], 0);
        atomic_store(&p->gates.deaf[i], 0);
    }
}

void gate_set(struct port *p, unsigned tree, enum gate_state s)
{
    set_bit(p->gates.shut, tree, s != GATE_FORWARDING);
    set_bit(p->gates.deaf, tree, s == GATE_DISCARDING);
    bool open = atomic_load(&p->gates.shut[0]) == 0 && atomic_load(&p->gates.shut[1]) == 0;
    if (open)
        atomic_fetch_and(&p->gates.on, (uint8_t)~GATE_SHUT);
    atomic_fetch_or(&p->gates.on, open ? GATE_TRAP : GATE_TRAP | GATE_SHUT);
}

void gate_hold(struct port *p, bool opens)
{
    if (!opens)
        atomic_fetch_and(&p->gates.on, (uint8_t)~GATE_OPENS);
    atomic_fetch_or(&p->gates.on, opens ? GATE_HELD | GATE_OPENS : GATE_HELD);
}

bool gate_release(struct port *p)
{
    return atomic_fetch_and(&p->gates.on, (uint8_t) ~(GATE_HELD | GATE_OPENS)) & GATE_HELD;
}

bool gate_is_held(const struct port *p)
{
    return atomic_load_explicit(&p->gates.on, memory_order_relaxed) & GATE_HELD;
}

enum gate_state gate_get(const struct port *p, unsigned tree)
{
    if (!get_bit(p->gates.shut, tree))
        return GATE_FORWARDING;
    return get_bit(p->gates.deaf, tree) ? GATE_DISCARDING : GATE_LEARNING;
}

int gate_set_map(struct bridge *b, const uint8_t tree[4096])
{
    struct gate_map *m = tree != NULL ? malloc(sizeof *m) : NULL;
    if (tree != NULL && m == NULL)
        return -ENOMEM;
    if (m != NULL)
        memcpy(m->tree, tree, sizeof m->tree);
    const struct gate_map *old = atomic_exchange_explicit(&b->gate_map, m, memory_order_acq_rel);
    if (old != NULL)
        rcu_defer(b->sw->rcu, free, (void *)(uintptr_t)old);
    return 0;
}

/* ------------------------------------------------------------ reading */

static unsigned tree_of(const struct bridge *b, uint16_t vid)
{
    const struct gate_map *m = atomic_load_explicit(&b->gate_map, memory_order_acquire);
    return m != NULL ? m->tree[vid & 0xfff] : 0;
}

/* LLC's DSAP, SSAP and control of a BPDU behind a length, to one of the sixteen reserved addresses
 * (802.1Q table 8-1). */
static bool is_bpdu(const struct rte_mbuf *m)
{
    static const uint8_t to[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    return m->data_len >= 21 && memcmp(f, to, sizeof to) == 0 && f[5] < 0x10 && f[12] < 6 &&
           f[14] == 0x42 && f[15] == 0x42 && f[16] == 0x03;
}

static bool police(struct port_gates *g, nsec_t now)
{
    nsec_t from = g->bpdus_full_at > now ? g->bpdus_full_at : now;
    nsec_t next = from + NSEC_PER_SEC / GATE_BPDUS_PER_S;
    if (next - now > GATE_BPDU_BURST * (NSEC_PER_SEC / GATE_BPDUS_PER_S))
        return false;
    g->bpdus_full_at = next;
    return true;
}

static void trap(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    int why = DROP_PUNT_POLICED;
    if (!police(&p->gates, w->now) || !worker_punt(w, PUNT_PROTO, m, &why))
        worker_drop_in(w, p, m, (enum drop_reason)why);
}

/* A port that is learning keeps what a frame says of its sender, though not the frame. */
static void learn(struct worker *w, struct port *p, struct rte_mbuf *m, const struct l2_tag *t)
{
    const struct pkt *k = pkt_of(m);
    struct mac src = k->key.eth_src;
    if (!worker_is_dry(w) && !mac_is_multicast(src) && !mac_is_zero(src) &&
        !fdb_seen(k->bridge->fdb, t->vid, src, p->index, w->now))
        worker_learn(w, k->bridge, t->vid, src, p);
}

static bool may_enter(struct worker *w, struct port *p, struct rte_mbuf *m)
{
    struct l2_tag t;
    parse_need(m, PKT_DEPTH_L2);
    if (!l2_vlan_in(p, m, &t))
        return true; /* its VLAN isn't the port's: NORMAL says so, and rules see it as they did */
    unsigned tree = tree_of(pkt_of(m)->bridge, t.vid);
    if (!get_bit(p->gates.shut, tree))
        return true;
    if (!get_bit(p->gates.deaf, tree))
        learn(w, p, m, &t);
    return false;
}

/* True: the guest has come, and its frames go on. Control hears of it by a copy of the first. */
static bool open_held(struct worker *w, struct port *p, struct burst *b, uint8_t on)
{
    if (b->n > 0 && (on & GATE_OPENS) && !worker_is_dry(w)) {
        struct rte_mbuf *c =
            gate_release(p) ? rte_pktmbuf_copy(b->m[0], w->sw->pool, 0, UINT32_MAX) : NULL;
        int why;
        atomic_store(&p->link_up, true); /* it was asked for a while ago, and who speaks is there */
        if (c != NULL) {
            *pkt_of(c) = *pkt_of(b->m[0]);
            pkt_of(c)->reason = PUNT_ACTIVATED;
        }
        if (c != NULL && !worker_punt(w, PUNT_PROTO, c, &why))
            rte_pktmbuf_free(c); /* control looks by itself now and then */
        return true;
    }
    for (uint16_t i = 0; i < b->n; i++)
        worker_drop_in(w, p, b->m[i], DROP_PORT_HELD);
    b->n = 0;
    return false;
}

void gate_admit(struct worker *w, struct port *p, struct burst *b)
{
    uint8_t on = atomic_load_explicit(&p->gates.on, memory_order_relaxed);
    bool open = !(on & GATE_SHUT);
    uint16_t kept = 0;
    if (on & GATE_GUARD)
        guard_admit(w, p, b);
    if ((on & GATE_HELD) && !open_held(w, p, b, on))
        return;
    if (!(on & (GATE_TRAP | GATE_SHUT)))
        return;
    for (uint16_t i = 0; i < b->n; i++) {
        if (is_bpdu(b->m[i]))
            trap(w, p, b->m[i]);
        else if (open || may_enter(w, p, b->m[i]))
            b->m[kept++] = b->m[i];
        else
            worker_drop_in(w, p, b->m[i], DROP_STP_BLOCKED);
    }
    b->n = kept;
}

/* The bridge's VLAN of a frame by what it looks like outside. */
static uint16_t vid_outside(const struct port *p, const struct rte_mbuf *m)
{
    const struct port_vlan *v = l2_vlan_of(p);
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    uint16_t type = (uint16_t)(f[12] << 8 | f[13]);
    bool tagged = type == 0x8100 || type == 0x88a8;
    if (!tagged || v->mode == VLAN_ACCESS || v->mode == VLAN_DOT1Q_TUNNEL)
        return v->tag;
    return (uint16_t)((f[14] << 8 | f[15]) & 0xfff);
}

bool gate_may_send(const struct port *p, const struct rte_mbuf *m)
{
    const struct bridge *b = p->bridge;
    if (b == NULL)
        return true;
    bool mapped = atomic_load_explicit(&b->gate_map, memory_order_relaxed) != NULL;
    return !get_bit(p->gates.shut, mapped ? tree_of(b, vid_outside(p, m)) : 0);
}
