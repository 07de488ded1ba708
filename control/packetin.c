/* control/packetin.c: frames that rules sent to the controller become packet-in messages. */
#include <rte_mbuf.h>

#include "control/weft_priv.h"
#include "datapath/offload.h"
#include "datapath/pkt.h"
#include "datapath/punt.h"

enum {
    BATCH = 32,
    TURN_MAX = 1024, /* per turn: the rest waits, other work comes in between */
    DATA_MAX = OF_MESSAGE_MAX - 512,
};

struct told {
    struct of_bridge *b;
    struct rte_mbuf *m; /* NULL once it is buffered */
    struct ofw_packet_in in;
    const struct pkt *k;
    bool kept;
    nsec_t now;
    const uint8_t *frame;
};

/* How much of the frame this session gets; 0xffff: all of it. */
static uint16_t wanted(const struct told *t, const struct ofs *s)
{
    return t->k->reason == PUNT_INVALID_TTL ? ofs_miss_send_len(s) : t->k->max_len;
}

static void tell(void *ctx, struct ofs *s)
{
    struct told *t = ctx;
    if (!ofs_wants_packet_in(s, t->in.reason))
        return;
    ofs_time(s, t->now);
    uint16_t max = wanted(t, s);
    struct ofw_packet_in in = t->in;
    in.buffer_id = OF_NO_BUFFER;
    in.data_len = in.total_len;
    if (max < in.total_len && max != OFPCML_NO_BUFFER) {
        if (!t->kept) {
            t->in.buffer_id = of_buffer_put(t->b, t->m, from_be32(t->k->key.in_port), t->now);
            t->kept = true;
        }
        in.buffer_id = t->in.buffer_id;
        in.data_len = max;
    }
    ofs_packet_in(s, &in);
}

static void set_match(struct flow_match *m, const struct flow_key *k, bool tunnel_ends)
{
    memset(m, 0, sizeof *m);
    flow_match_set(m, FF_IN_PORT, &k->in_port, NULL);
    if (k->in_phy_port && k->in_phy_port != k->in_port)
        flow_match_set(m, FF_IN_PHY_PORT, &k->in_phy_port, NULL);
    if (k->metadata)
        flow_match_set(m, FF_METADATA, &k->metadata, NULL);
    if (k->tunnel_id)
        flow_match_set(m, FF_TUNNEL_ID, &k->tunnel_id, NULL);
    if (!tunnel_ends)
        return;
    for (unsigned f = FF_TUN_SRC; f <= FF_TUN_IPV6_DST; f++) {
        static const uint8_t none[16];
        const uint8_t *v = flow_slot_const(k, (enum flow_field)f);
        if (memcmp(v, none, flow_fields[f].bytes) != 0)
            flow_match_set(m, (enum flow_field)f, v, NULL);
    }
}

/* Takes m. */
static void tell_all(struct of_bridge *b, struct rte_mbuf *m, const struct pkt *k, nsec_t now)
{
    uint8_t copy[DATA_MAX];
    uint32_t len = m->pkt_len < DATA_MAX ? m->pkt_len : DATA_MAX;
    struct told t = {.b = b, .m = m, .k = k, .now = now};
    t.in = (struct ofw_packet_in){
        .buffer_id = OF_NO_BUFFER,
        .total_len = (uint16_t)len,
        .reason = k->reason,
        .table = k->table,
        .cookie = k->cookie,
        .data = rte_pktmbuf_read(m, 0, len, copy),
    };
    set_match(&t.in.match, &k->key, k->flags & PKT_TUN_KEY);
    /* The frame stays readable while sessions are told: a buffer holds it, nobody frees it. */
    of_conns_each(b->conns, tell, &t);
    if (!t.kept)
        rte_pktmbuf_free(m);
}

/* What the sender left to hardware is done first: a controller wants real checksums. */
static void deliver(struct of_bridge *b, struct rte_mbuf *m, nsec_t now)
{
    struct rte_mbuf *out[64];
    struct pkt k = *pkt_of(m);
    uint16_t n = 1;
    out[0] = m;
    if (offload_needs_software(m, PORT_CAP_MULTISEG))
        n = offload_resolve(m, PORT_CAP_MULTISEG, b->w->sw->pool, out, 64);
    if (n == 0)
        rte_pktmbuf_free(m);
    for (uint16_t i = 0; i < n; i++) {
        *pkt_of(out[i]) = k;
        tell_all(b, out[i], &k, now);
    }
}

/* By its number: the port itself may have gone while the frame waited. */
static bool is_wanted(const struct of_bridge *b, const struct pkt *k)
{
    if (!b || !b->conns || of_conns_up(b->conns) == 0)
        return false;
    const struct port *p = of_dp_port(b, from_be32(k->key.in_port));
    return !p || !(atomic_load(&p->config) & PORT_CFG_NO_PACKET_IN);
}

unsigned packet_in_run(struct weft *w, nsec_t now)
{
    struct rte_mbuf *m[BATCH];
    unsigned total = 0, n;
    do {
        n = punt_take(w->sw->punt, PUNT_PACKET_IN, m, BATCH);
        for (unsigned i = 0; i < n; i++) {
            struct of_bridge *b = of_bridge_of(w, pkt_of(m[i])->bridge);
            if (is_wanted(b, pkt_of(m[i])))
                deliver(b, m[i], now);
            else
                rte_pktmbuf_free(m[i]);
        }
        total += n;
    } while (n == BATCH && total < TURN_MAX);
    return total;
}
