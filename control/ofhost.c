/* control/ofhost.c: the switch as an OpenFlow session sees it (struct ofs_host). */
#include <errno.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/version.h"
#include "control/weft_priv.h"
#include "ofproto/compile/compile.h"
#include "ofproto/model/group.h"

/* OFPC_*, 1.3.5 section 7.3.1 */
enum { OFPC_FLOW_STATS = 1, OFPC_TABLE_STATS = 2, OFPC_PORT_STATS = 4, OFPC_GROUP_STATS = 8 };
/* OFPPF_*, section 7.2.1 */
enum {
    OFPPF_10MB_FD = 1 << 1,
    OFPPF_100MB_FD = 1 << 3,
    OFPPF_1GB_FD = 1 << 5,
    OFPPF_10GB_FD = 1 << 6,
    OFPPF_40GB_FD = 1 << 7,
    OFPPF_100GB_FD = 1 << 8,
    OFPPF_OTHER = 1 << 10,
};
enum { OPS_MAX = 4096 };

struct port *of_dp_port(const struct of_bridge *b, uint32_t no)
{
    const struct bridge_ports *bp = atomic_load_explicit(&b->dp->ports, memory_order_acquire);
    if (no == OFPP_LOCAL)
        return bp->local;
    return no < WEFT_PORTS_MAX ? bp->by_no[no] : NULL;
}

struct weft_port *of_port_by_no(struct of_bridge *b, uint32_t no)
{
    struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next)
        if (p->dp->ofp_no == no)
            return p;
    return NULL;
}

static uint32_t speed_bit(uint32_t mbps)
{
    static const struct {
        uint32_t mbps, bit;
    } speeds[] = {{10, OFPPF_10MB_FD},    {100, OFPPF_100MB_FD},  {1000, OFPPF_1GB_FD},
                  {10000, OFPPF_10GB_FD}, {40000, OFPPF_40GB_FD}, {100000, OFPPF_100GB_FD}};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
        if (speeds[i].mbps == mbps)
            return speeds[i].bit;
    return mbps ? OFPPF_OTHER : 0;
}

void of_port_describe(const struct weft_port *p, struct ofw_port *out)
{
    const struct port *dp = p->dp;
    bool up = p->link.up, down = atomic_load(&dp->config) & PORT_CFG_DOWN;
    *out = (struct ofw_port){
        .no = dp->ofp_no,
        .config = atomic_load(&dp->config),
        .state = up && !down ? OFPPS_LIVE
                 : up        ? 0
                             : OFPPS_LINK_DOWN,
        .curr = up ? speed_bit(p->link.speed_mbps) : 0,
        .curr_speed_kbps = up ? p->link.speed_mbps * 1000 : 0,
        .max_speed_kbps = p->link.speed_mbps * 1000,
        .hw_addr = dp->mac,
    };
    if (gate_get(dp, 0) != GATE_FORWARDING) /* of the CIST: OpenFlow has one bit */
        out->state |= OFPPS_BLOCKED;
    snprintf(out->name, sizeof out->name, "%.15s", dp->name);
}

/* ---- reading ---- */

static void features(void *ctx, struct ofw_features *out)
{
    const struct of_bridge *b = ctx;
    *out = (struct ofw_features){
        .datapath_id = b->dpid,
        .n_buffers = WEFT_OF_BUFFERS,
        .n_tables = WEFT_TABLES,
        .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS | OFPC_GROUP_STATS,
    };
}

static void desc(void *ctx, struct ofw_desc *out)
{
    const struct of_bridge *b = ctx;
    memset(out, 0, sizeof *out);
    snprintf(out->mfr, sizeof out->mfr, "weft");
    snprintf(out->hw, sizeof out->hw, "software switch on DPDK");
    snprintf(out->sw, sizeof out->sw, "weft %s", WEFT_VERSION);
    snprintf(out->serial, sizeof out->serial, "none");
    snprintf(out->dp, sizeof out->dp, "%s", b->dp->name);
}

static struct weft_port *record_of(struct of_bridge *b, const struct port *dp)
{
    struct weft_port *p;
    TAILQ_FOREACH(p, &b->ports, next)
        if (p->dp == dp)
            return p;
    return NULL;
}

static size_t ports(void *ctx, struct ofw_port *out, size_t max)
{
    struct of_bridge *b = ctx;
    const struct bridge_ports *bp = atomic_load_explicit(&b->dp->ports, memory_order_acquire);
    size_t n = 0;
    for (; n < bp->n; n++) {
        const struct weft_port *p = n < max ? record_of(b, bp->list[n]) : NULL;
        if (p)
            of_port_describe(p, &out[n]);
    }
    return n;
}

static bool port_exists(void *ctx, uint32_t no) { return of_dp_port(ctx, no) != NULL; }

static bool port_counters(void *ctx, uint32_t no, struct ofw_port_stats *out)
{
    struct of_bridge *b = ctx;
    const struct port *p = of_dp_port(b, no);
    if (!p)
        return false;
    struct port_stats s = port_stats_sum(p);
    *out = (struct ofw_port_stats){
        .no = no,
        .rx_packets = s.rx_packets,
        .tx_packets = s.tx_packets,
        .rx_bytes = s.rx_bytes,
        .tx_bytes = s.tx_bytes,
        .rx_dropped = s.rx_dropped,
        .tx_dropped = s.tx_dropped,
        .rx_errors = s.rx_errors,
        .tx_errors = s.tx_errors,
        .duration_ns = weft_now(b->w) - p->created_ns,
    };
    return true;
}

static void table_counters(void *ctx, uint8_t table, uint64_t *lookups, uint64_t *matches)
{
    struct table_stats s = bridge_table_stats(((struct of_bridge *)ctx)->dp, table);
    *lookups = s.lookups;
    *matches = s.matches;
}

/* ---- changing ---- */

static int refuse(struct ofw_error *e, uint16_t type, uint16_t code, const char *why)
{
    *e = (struct ofw_error){.type = type, .code = code, .why = why};
    return -1;
}

struct status {
    uint8_t reason;
    const struct ofw_port *port;
};

static void tell_status(void *ctx, struct ofs *s)
{
    const struct status *st = ctx;
    ofs_port_status(s, st->reason, st->port);
}

void of_port_status(struct of_bridge *b, uint8_t reason, const struct ofw_port *p)
{
    struct status st = {reason, p};
    if (b->conns && p->no != 0) /* a member of a bond has no number */
        of_conns_each(b->conns, tell_status, &st);
}

static int port_mod(void *ctx, const struct ofw_port_mod *m, struct ofw_error *e)
{
    struct of_bridge *b = ctx;
    const uint32_t known = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN;
    struct weft_port *p = of_port_by_no(b, m->no);
    struct ofw_port d;
    struct errbuf why = {""};
    if (!p)
        return refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT, "no such port");
    if (!mac_equal(m->hw_addr, p->dp->mac))
        return refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR, "not the port's address");
    if (m->mask & ~known || m->config & m->mask & ~known)
        return refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG, "unknown config bits");
    /* `advertise` is for a PHY, which no port of ours shows. */
    if (port_set_config(p->dp, m->config & m->mask, m->mask, &why) < 0) {
        weft_log(b->w, LOG_LVL_WARNING, "port %s: port-mod: %s", p->dp->name, why.text);
        return refuse(e, OFPET_PORT_MOD_FAILED, OFPPMFC_EPERM, "the device refused");
    }
    of_port_describe(p, &d);
    of_port_status(b, OFPPR_MODIFY, &d);
    return 0;
}

struct rte_mbuf *of_frame(struct of_bridge *b, const void *frame, size_t len)
{
    struct rte_mbuf *first = rte_pktmbuf_alloc(b->w->sw->pool), *m = first;
    const uint8_t *from = frame;
    while (m) {
        uint16_t room = rte_pktmbuf_tailroom(m), n = len < room ? (uint16_t)len : room;
        memcpy(rte_pktmbuf_mtod(m, void *), from, n);
        m->data_len = n;
        first->pkt_len += n;
        from += n;
        len -= n;
        if (len == 0)
            return first;
        m = m->next = rte_pktmbuf_alloc(b->w->sw->pool);
        first->nb_segs = (uint16_t)(first->nb_segs + (m != NULL));
    }
    rte_pktmbuf_free(first);
    return NULL;
}

int of_send(struct of_bridge *b, struct rte_mbuf *m, uint32_t in_port, const struct ofw_actions *a,
            struct ofw_error *e)
{
    struct op ops[OPS_MAX];
    if (ofm_actions_check(b->model, a, e) < 0) {
        rte_pktmbuf_free(m);
        return -1;
    }
    int n = ofc_actions(a, ops, OPS_MAX);
    if (n < 0) {
        rte_pktmbuf_free(m);
        return refuse(e, OFPET_BAD_ACTION, OFPBAC_TOO_MANY, "too many actions");
    }
    struct op_list list = {.n = (uint16_t)n, .ops = ops};
    bridge_packet_out(b->dp, m, in_port, &list, weft_now(b->w));
    return 0;
}

static int packet_out(void *ctx, const struct ofw_packet_out *p, struct ofw_error *e)
{
    struct of_bridge *b = ctx;
    struct rte_mbuf *m;
    uint32_t in_port = p->in_port, kept_port;
    if (in_port != OFPP_CONTROLLER && !of_dp_port(b, in_port)) {
        if (in_port != OFPP_ANY)
            return refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT, "in_port is no port");
        in_port = OFPP_CONTROLLER; /* what OpenFlow 1.0's OFPP_NONE became in old controllers */
    }
    if (p->buffer_id != OF_NO_BUFFER) {
        if (of_buffer_take(b, p->buffer_id, &m, &kept_port, e) < 0)
            return -1;
    } else if (p->data_len < 14) {
        return refuse(e, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET, "shorter than an Ethernet header");
    } else if (!(m = of_frame(b, p->data, p->data_len))) {
        weft_log(b->w, LOG_LVL_WARNING, "bridge %s: packet-out: no packet buffers left",
                 b->dp->name);
        return 0;
    }
    of_bridge_commit(b); /* OFPP_TABLE sees the flow-mods before it */
    return of_send(b, m, in_port, &p->actions, e);
}

static int buffer_release(void *ctx, uint32_t id, struct ofw_error *e)
{
    struct of_bridge *b = ctx;
    struct rte_mbuf *m;
    uint32_t in_port;
    struct ofw_action table = {.type = OFPAT_OUTPUT, .port = OFPP_TABLE};
    struct ofw_actions a = {.n = 1, .a = &table};
    if (of_buffer_take(b, id, &m, &in_port, e) < 0)
        return -1;
    of_bridge_commit(b);
    return of_send(b, m, in_port, &a, e);
}

/* The flow-removeds of what the controller deleted come before the reply to its barrier. */
static void commit(void *ctx)
{
    of_bridge_commit(ctx);
    of_bridge_events(ctx);
}

static void demote_other(void *ctx, struct ofs *s)
{
    if (s != ctx)
        ofs_demote(s);
}

static void demote(void *ctx, const struct ofs *master)
{
    struct of_bridge *b = ctx;
    if (b->conns)
        of_conns_each(b->conns, demote_other, (void *)(uintptr_t)master);
}

void of_host_init(struct of_bridge *b)
{
    b->host = (struct ofs_host){
        .ctx = b,
        .model = b->model,
        .features = features,
        .desc = desc,
        .ports = ports,
        .port_exists = port_exists,
        .port_stats = port_counters,
        .table_stats = table_counters,
        .port_mod = port_mod,
        .packet_out = packet_out,
        .buffer_release = buffer_release,
        .commit = commit,
        .election = &b->election,
        .bundle_bytes = &b->bundle_bytes,
        .demote = demote,
    };
}

/* ---- for weftctl packet-out ---- */

static int parse_in_port(struct of_bridge *b, const char *text, uint32_t *no, struct errbuf *e)
{
    char *end;
    *no = OFPP_CONTROLLER;
    if (!text || !*text || !strcasecmp(text, "controller") || !strcasecmp(text, "none"))
        return 0;
    *no = OFPP_LOCAL;
    bool ok = !strcasecmp(text, "local");
    if (!ok && !(ok = b->names.number(b, text, no))) {
        *no = (uint32_t)strtoul(text, &end, 10);
        ok = *end == '\0';
    }
    if (ok && of_dp_port(b, *no))
        return 0;
    return errbuf_set(e, ENOENT, "bridge %s: no port \"%.60s\"", b->dp->name, text);
}

int of_bridge_packet_out(struct of_bridge *b, const char *in_port, const char *actions,
                         const void *frame, size_t len, struct errbuf *e)
{
    uint32_t no;
    struct ofw_actions list;
    struct ofw_error err = {0};
    int r = parse_in_port(b, in_port, &no, e);
    if (r < 0)
        return r;
    if (len < 14 || len > WEFT_FRAME_MAX)
        return errbuf_set(e, EINVAL, "a frame of %zu bytes; give 14..%d", len, WEFT_FRAME_MAX);
    b->arena.n = 0;
    r = ofm_text_parse_actions(actions, &b->names, &b->arena, &list, e);
    if (r < 0)
        return r;
    struct rte_mbuf *m = of_frame(b, frame, len);
    if (!m)
        return errbuf_set(e, ENOBUFS, "no packet buffers left; raise memory.mbufs");
    of_bridge_commit(b);
    if (of_send(b, m, no, &list, &err) < 0)
        return errbuf_set(e, EINVAL, "refused: %s", err.why);
    return 0;
}
