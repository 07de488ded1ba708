/* stp/procedures.c: the procedures of 13.29 that read and write messages, and those of topology
 * changes. */
#include "stp/machine.h"

/* ---- receiving ---- */

/* Held to table 13-5's ranges: a root can slow a network down, but not stop its clocks. */
static uint8_t clamp(uint8_t v, uint8_t low, uint8_t high)
{
    if (v < low)
        return low;
    return v > high ? high : v;
}

static void rcv_cist(struct stp_port *p)
{
    const struct bpdu *b = &p->stp->rx;
    struct stp_tport *c = &p->tree[0];
    bool internal = p->rcvd_internal;
    c->msg_priority = (struct stp_vector){.root = b->root,
                                          .ext_cost = b->ext_cost,
                                          .regional = b->regional,
                                          .int_cost = internal ? b->int_cost : 0,
                                          .bridge = internal ? b->bridge : b->regional,
                                          .port = b->port};
    c->msg_times = (struct stp_times){.message_age = b->times.message_age,
                                      .max_age = clamp(b->times.max_age, 6, 40),
                                      .forward_delay = clamp(b->times.forward_delay, 4, 30),
                                      .hello = clamp(b->times.hello, 1, 10),
                                      .hops = internal ? b->times.hops : p->stp->cfg.max_hops};
    c->msg_flags = b->flags;
    if (b->kind ==
        BPDU_CONFIG) /* implies a Designated Port, and knows neither proposals nor disputes */
        c->msg_flags = (b->flags & (BPDU_TC | BPDU_TC_ACK)) | BPDU_ROLE_DESIGNATED;
    else
        c->msg_flags &= (uint8_t)~BPDU_TC_ACK;
    c->rcvd_msg = true;
}

static void rcv_msti(struct stp_port *p, const struct bpdu_msti *m)
{
    unsigned id = (unsigned)(m->regional >> 48) & 0xfff, t = 1;
    while (t < p->stp->n_trees && p->stp->tree[t].id != id)
        t++;
    if (t == p->stp->n_trees)
        return; /* the digest allows it: an instance without VLANs */
    struct stp_tport *i = &p->tree[t];
    uint64_t priority = (uint64_t)(m->bridge_priority & 0xf0) << 56 | (uint64_t)id << 48;
    i->msg_priority = (struct stp_vector){.regional = m->regional,
                                          .int_cost = m->int_cost,
                                          .bridge = priority | id_address(p->stp->rx.bridge),
                                          .port = (uint16_t)((m->port_priority & 0xf0) << 8 |
                                                             (p->stp->rx.port & 0xfff))};
    i->msg_times = (struct stp_times){.hops = m->hops};
    i->msg_flags = m->flags;
    i->rcvd_msg = true;
}

/* rcvMsgs(), 13.29.14 */
void stp_rcv_msgs(struct stp_port *p)
{
    const struct bpdu *b = &p->stp->rx;
    if (b->kind == BPDU_TCN) {
        p->rcvd_tcn = true;
        for (unsigned t = 1; t < p->stp->n_trees; t++)
            p->tree[t].rcvd_tc = true;
        return;
    }
    rcv_cist(p);
    for (unsigned i = 0; p->rcvd_internal && i < b->n_mstis; i++)
        rcv_msti(p, &b->msti[i]);
}

/* rcvInfo(), 13.29.13 */
enum rcvd_info stp_rcv_info(const struct stp_tport *p)
{
    uint8_t role = p->msg_flags & BPDU_ROLE;
    int r = stp_vector_cmp(&p->msg_priority, &p->port_priority);
    if (role == BPDU_ROLE_DESIGNATED) {
        bool same_times = stp_times_equal(&p->msg_times, &p->port_times);
        if (stp_vector_superior(&p->msg_priority, &p->port_priority) || (r == 0 && !same_times))
            return RCVD_SUPERIOR_DESIGNATED;
        return r == 0 && p->info_is == INFO_RECEIVED ? RCVD_REPEATED_DESIGNATED
                                                     : RCVD_INFERIOR_DESIGNATED;
    }
    if ((role == BPDU_ROLE_ROOT || role == BPDU_ROLE_ALTERNATE) && r >= 0)
        return RCVD_INFERIOR_ROOT_ALTERNATE;
    return RCVD_OTHER;
}

static void copy_to_mstis(struct stp_port *p)
{
    for (unsigned t = 1; t < p->stp->n_trees; t++) {
        p->tree[t].agreed = p->tree[0].agreed;
        p->tree[t].proposing = p->tree[0].proposing;
    }
}

/* recordAgreement(), 13.29.15. An MSTI's counts only with the same way out of the region. */
void stp_record_agreement(struct stp_tport *p)
{
    const struct stp_vector *msg = &cist_of(p)->msg_priority, *own = &cist_of(p)->port_priority;
    bool same_region_root =
        is_cist(p) || (msg->root == own->root && msg->ext_cost == own->ext_cost &&
                       msg->regional == own->regional);
    p->agreed = (p->msg_flags & BPDU_AGREEMENT) && p->port->p2p && rstp_version(p->port->stp) &&
                same_region_root;
    if (p->agreed)
        p->proposing = false;
    if (is_cist(p) && !p->port->rcvd_internal)
        copy_to_mstis(p->port);
}

/* recordDispute(), 13.29.16 */
void stp_record_dispute(struct stp_tport *p)
{
    if (!(p->msg_flags & BPDU_LEARNING))
        return;
    bool all = is_cist(p) && !p->port->rcvd_internal;
    p->disputed = true;
    p->agreed = false;
    for (unsigned t = 1; all && t < p->port->stp->n_trees; t++) {
        p->port->tree[t].disputed = true;
        p->port->tree[t].agreed = false;
    }
}

/* recordMastered(), 13.29.17 */
void stp_record_mastered(struct stp_tport *p)
{
    if (!is_cist(p)) {
        p->mastered = p->port->p2p && (p->msg_flags & BPDU_MASTER);
        return;
    }
    for (unsigned t = 1; !p->port->rcvd_internal && t < p->port->stp->n_trees; t++)
        p->port->tree[t].mastered = false;
}

/* recordProposal(), 13.29.19 */
void stp_record_proposal(struct stp_tport *p)
{
    if ((p->msg_flags & BPDU_ROLE) == BPDU_ROLE_DESIGNATED && (p->msg_flags & BPDU_PROPOSAL))
        p->proposed = true;
    bool all = is_cist(p) && !p->port->rcvd_internal;
    for (unsigned t = 1; all && t < p->port->stp->n_trees; t++)
        p->port->tree[t].proposed = p->proposed;
}

/* setTcFlags(), 13.29.26 */
void stp_set_tc_flags(struct stp_tport *p)
{
    bool tc = (p->msg_flags & BPDU_TC) != 0;
    p->rcvd_tc = p->rcvd_tc || tc;
    if (!is_cist(p))
        return;
    if (p->msg_flags & BPDU_TC_ACK)
        p->port->rcvd_tc_ack = true;
    for (unsigned t = 1; tc && !p->port->rcvd_internal && t < p->port->stp->n_trees; t++)
        p->port->tree[t].rcvd_tc = true;
}

/* updtRcvdInfoWhile(), 13.29.32: three hellos, unless it has come too far. */
void stp_updt_rcvd_info_while(struct stp_tport *p)
{
    const struct stp_times *t = &p->port_times;
    bool fresh = p->port->rcvd_internal ? t->hops > 1 : t->message_age + 1 <= t->max_age;
    p->rcvd_info_while = fresh ? (uint8_t)(3 * hello_time(p)) : 0;
}

/* ---- telling ---- */

void stp_new_info(struct stp_tport *p)
{
    if (is_cist(p))
        p->port->new_info = true;
    else
        p->port->new_info_msti = true;
    stp_tally_news(p->port);
}

/* newTcWhile(), 13.29.11 */
void stp_new_tc_while(struct stp_tport *p)
{
    if (p->tc_while != 0)
        return;
    if (p->port->send_rstp) {
        p->tc_while = (uint8_t)(hello_time(p) + 1);
        stp_new_info(p);
    } else {
        const struct stp_times *t = &p->port->stp->tree[0].root_times;
        p->tc_while = (uint8_t)(t->max_age + t->forward_delay);
    }
}

/* setTcPropTree(), 13.29.28 */
void stp_set_tc_prop_tree(struct stp_tport *p)
{
    struct stp_tree *t = p->tree;
    if (p->port->cfg.restricted_tcn)
        return;
    for (unsigned i = 0; i < t->stp->n_ports; i++)
        if (t->stp->list[i] != p->port)
            t->stp->list[i]->tree[t->index].tc_prop = true;
    stp_touch_tree(t);
}

/* The flags that RST and MST BPDUs share between CIST and MSTIs (14.2.9). */
static uint8_t flags_of(const struct stp_tport *p)
{
    static const uint8_t role[] =
        {[STP_ROLE_DISABLED] = BPDU_ROLE_UNKNOWN,      [STP_ROLE_ROOT] = BPDU_ROLE_ROOT,
         [STP_ROLE_DESIGNATED] = BPDU_ROLE_DESIGNATED, [STP_ROLE_ALTERNATE] = BPDU_ROLE_ALTERNATE,
         [STP_ROLE_BACKUP] = BPDU_ROLE_ALTERNATE,      [STP_ROLE_MASTER] = BPDU_ROLE_UNKNOWN};
    unsigned f = role[p->role];
    f |= p->tc_while != 0 ? BPDU_TC : 0;
    f |= p->proposing ? BPDU_PROPOSAL : 0;
    f |= p->learning ? BPDU_LEARNING : 0;
    f |= p->forwarding ? BPDU_FORWARDING : 0;
    f |= p->agree ? BPDU_AGREEMENT : 0;
    return (uint8_t)f;
}

/* master (13.27): this instance reaches the CIST root by one of our other ports. */
static bool is_master(const struct stp_tport *p)
{
    const struct stp *s = p->port->stp;
    for (unsigned i = 0; i < s->n_ports; i++) {
        const struct stp_tport *q = &s->list[i]->tree[p->tree->index];
        if (q->role == STP_ROLE_MASTER || (q != p && q->mastered && active_role(q)))
            return true;
    }
    return false;
}

static void fill_msti(const struct stp_tport *p, struct bpdu_msti *m)
{
    bool says = p->role == STP_ROLE_ROOT || p->role == STP_ROLE_DESIGNATED;
    *m = (struct bpdu_msti){.flags =
                                (uint8_t)(flags_of(p) | (says && is_master(p) ? BPDU_MASTER : 0)),
                            .regional = p->designated_priority.regional,
                            .int_cost = p->designated_priority.int_cost,
                            .bridge_priority = (uint8_t)(p->tree->bridge_id >> 56 & 0xf0),
                            .port_priority = (uint8_t)(p->port_id >> 8 & 0xf0),
                            .hops = p->designated_times.hops};
}

static enum bpdu_kind kind_of(const struct stp_port *p)
{
    if (p->send != SEND_RSTP)
        return p->send == SEND_TCN ? BPDU_TCN : BPDU_CONFIG;
    return p->stp->cfg.version == STP_VERSION_MSTP ? BPDU_MST : BPDU_RST;
}

/* Another region hears one agreement for all our instances: it has to be true of each. */
static bool all_agree(const struct stp_port *p)
{
    bool agree = p->tree[0].agree;
    for (unsigned t = 1; t < p->stp->n_trees && towards_outside(&p->tree[0]); t++)
        agree = agree && p->tree[t].agree;
    return agree;
}

/* txConfig(), txTcn(), txRstp(): the end of 13.29. */
size_t stp_tx_encode(const struct stp_port *p, uint8_t pdu[STP_PDU_MAX])
{
    const struct stp_tport *c = &p->tree[0];
    struct bpdu b = {.kind = kind_of(p),
                     .flags = flags_of(c),
                     .root = c->designated_priority.root,
                     .ext_cost = c->designated_priority.ext_cost,
                     .regional = c->designated_priority.regional,
                     .port = c->port_id,
                     .times = c->designated_times,
                     .region = p->stp->region,
                     .int_cost = c->designated_priority.int_cost,
                     .bridge = c->tree->bridge_id};
    if (!all_agree(p))
        b.flags &= (uint8_t)~BPDU_AGREEMENT;
    if (b.kind == BPDU_CONFIG)
        b.flags = (uint8_t)((b.flags & BPDU_TC) | (p->tc_ack ? BPDU_TC_ACK : 0));
    if (b.kind == BPDU_MST)
        for (unsigned t = 1; t < p->stp->n_trees; t++)
            fill_msti(&p->tree[t], &b.msti[b.n_mstis++]);
    return bpdu_encode(&b, pdu);
}
