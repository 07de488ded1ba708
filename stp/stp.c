/* stp/stp.c: the engine's verbs: what comes in from outside. Each leaves the machines at rest. */
#include "stp/stp.h"

#include <errno.h>
#include <stdlib.h>

#include "stp/machine.h"

static uint64_t id_of(struct mac mac, uint16_t priority, uint16_t mstid)
{
    return (uint64_t)(priority | mstid) << 48 | mac_to_u64(mac);
}

static struct stp_port *port_of(const struct stp *s, unsigned port)
{
    return port <= STP_PORTS_MAX ? s->by_number[port] : NULL;
}

/* Identifiers by the configuration; roles are due when one changed. */
static void set_identities(struct stp *s)
{
    for (unsigned t = 0; t < s->n_trees; t++) {
        struct stp_tree *tree = &s->tree[t];
        uint16_t priority = t == 0 ? s->cfg.priority : s->cfg.msti[t - 1].priority;
        tree->bridge_id = id_of(s->cfg.mac, priority, tree->id);
        stp_reselect(tree);
    }
}

static void set_region(struct stp *s)
{
    memset(&s->region, 0, sizeof s->region);
    memcpy(s->region.name, s->cfg.region, strnlen(s->cfg.region, STP_REGION_MAX));
    s->region.revision = s->cfg.revision;
    stp_config_digest(s->cfg.vlan_msti, s->region.digest);
}

int stp_create(const struct stp_config *c, nsec_t now, struct stp **out, struct errbuf *e)
{
    int r = stp_config_check(c, e);
    if (r < 0)
        return r;
    struct stp *s = calloc(1, sizeof *s);
    if (s == NULL)
        return errbuf_set(e, ENOMEM, "spanning tree: out of memory");
    s->cfg = *c;
    s->now = now;
    s->next_tick = now + NSEC_PER_SEC;
    s->n_trees = 1 + c->n_mstis;
    for (unsigned t = 0; t < s->n_trees; t++)
        s->tree[t] = (struct stp_tree){.stp = s,
                                       .index = t,
                                       .id = t == 0 ? STP_CIST : c->msti[t - 1].id,
                                       .last_change = NSEC_NEVER};
    set_region(s);
    set_identities(s);
    stp_settle(s);
    *out = s;
    return 0;
}

void stp_free(struct stp *s)
{
    for (unsigned i = 0; s != NULL && i < s->n_ports; i++)
        free(s->list[i]);
    free(s);
}

static bool same_birth(const struct stp_config *a, const struct stp_config *b)
{
    bool same = mac_equal(a->mac, b->mac) && a->version == b->version && a->n_mstis == b->n_mstis &&
                strcmp(a->region, b->region) == 0 && a->revision == b->revision &&
                memcmp(a->vlan_msti, b->vlan_msti, sizeof a->vlan_msti) == 0;
    for (unsigned i = 0; same && i < a->n_mstis; i++)
        same = a->msti[i].id == b->msti[i].id;
    return same;
}

static void set_port_trees(struct stp_port *p)
{
    for (unsigned t = 0; t < p->stp->n_trees; t++) {
        const struct stp_tree_config *c = t == 0 ? &p->cfg.cist : &p->cfg.msti[t - 1];
        uint32_t cost = c->cost ? c->cost : p->cfg.cist.cost;
        p->tree[t].port_id = (uint16_t)((c->priority & 0xf0) << 8 | p->number);
        p->tree[t].cost =
            cost ? cost : stp_cost_of_speed(p->link.speed_mbps, p->stp->cfg.short_costs);
        stp_reselect(p->tree[t].tree);
    }
}

int stp_configure(struct stp *s, const struct stp_config *c, nsec_t now, struct errbuf *e)
{
    int r = stp_config_check(c, e);
    if (r < 0)
        return r;
    if (!same_birth(&s->cfg, c))
        return errbuf_set(e, EBUSY, "spanning tree: this change needs a new bridge");
    s->now = now;
    s->cfg = *c;
    set_identities(s);
    for (unsigned i = 0; i < s->n_ports; i++)
        set_port_trees(s->list[i]);
    stp_touch_all(s);
    stp_settle(s);
    return 0;
}

/* ---- ports ---- */

static void set_p2p(struct stp_port *p)
{
    p->p2p = p->cfg.p2p == STP_P2P_AUTO ? p->link.full_duplex : p->cfg.p2p == STP_P2P_YES;
}

static struct stp_port *new_port(struct stp *s, unsigned number, const struct stp_port_config *c)
{
    struct stp_port *p = calloc(1, sizeof *p + s->n_trees * sizeof p->tree[0]);
    if (p == NULL)
        return NULL;
    p->stp = s;
    p->number = number;
    p->at = s->n_ports;
    p->cfg = *c;
    for (unsigned t = 0; t < s->n_trees; t++) {
        p->tree[t].port = p;
        p->tree[t].tree = &s->tree[t];
        p->tree[t].designated_times = p->tree[t].port_times = s->tree[t].root_times;
    }
    return p;
}

int stp_port_add(struct stp *s, unsigned port, const struct stp_port_config *c, nsec_t now,
                 struct errbuf *e)
{
    if (port < 1 || port > STP_PORTS_MAX)
        return errbuf_set(e, EINVAL, "port number %u; give 1..%u", port, STP_PORTS_MAX);
    if (s->by_number[port] != NULL)
        return errbuf_set(e, EEXIST, "port number %u is taken", port);
    int r = stp_port_config_check(c, s->cfg.n_mstis, e);
    if (r < 0)
        return r;
    struct stp_port *p = new_port(s, port, c);
    if (p == NULL)
        return errbuf_set(e, ENOMEM, "spanning tree: out of memory");
    s->now = now;
    s->by_number[port] = s->list[s->n_ports++] = p;
    set_p2p(p);
    set_port_trees(p);
    stp_begin_port(p);
    stp_settle(s);
    return 0;
}

static void set_enabled(struct stp_port *p)
{
    bool enabled = p->link.up && !p->err_disabled;
    if (enabled && !p->enabled)
        p->assure_while = (uint8_t)(3 * p->stp->cfg.hello_s);
    if (!enabled) {
        p->assurance_held = false;
        p->self_loop_while = 0;
        for (unsigned t = 0; t < p->stp->n_trees; t++)
            p->tree[t].loop_held = p->tree[t].disputed = false;
    }
    p->enabled = enabled;
    stp_tally_news(p);
    stp_touch_port(p);
}

int stp_port_configure(struct stp *s, unsigned port, const struct stp_port_config *c, nsec_t now,
                       struct errbuf *e)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL)
        return errbuf_set(e, ENOENT, "port number %u isn't there", port);
    int r = stp_port_config_check(c, s->cfg.n_mstis, e);
    if (r < 0)
        return r;
    s->now = now;
    p->cfg = *c;
    p->assurance_held = p->assurance_held && c->network;
    for (unsigned t = 0; !c->loop_guard && t < s->n_trees; t++)
        p->tree[t].loop_held = false;
    set_p2p(p);
    set_port_trees(p);
    stp_touch_port(p);
    stp_settle(s);
    return 0;
}

void stp_port_del(struct stp *s, unsigned port, nsec_t now)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL)
        return;
    s->now = now;
    p->link.up = false;
    set_enabled(p);
    stp_settle(s); /* nobody leans on it any more */
    for (unsigned t = 0; t < s->n_trees; t++)
        for (enum effect f = 0; f < FX_COUNT; f++)
            stp_effect_clear(&p->tree[t], f);
    s->by_number[port] = NULL;
    s->list[p->at] = s->list[--s->n_ports];
    s->list[p->at]->at = p->at;
    free(p);
    memset(s->cursor, 0, sizeof s->cursor);
    for (unsigned t = 0; t < s->n_trees; t++) {
        stp_recount(&s->tree[t]);
        stp_touch_tree(&s->tree[t]);
    }
    stp_settle(s);
}

void stp_link(struct stp *s, unsigned port, const struct stp_link *l, nsec_t now)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL)
        return;
    s->now = now;
    p->link = *l;
    set_p2p(p);
    set_port_trees(p);
    set_enabled(p);
    stp_settle(s);
}

/* ---- guards of operators ---- */

static void err_disable(struct stp_port *p)
{
    p->err_disabled = true;
    p->recover_while = p->stp->cfg.recovery_s;
    stp_event_raise(&p->tree[0], STP_EVENT_BPDU_GUARD);
    set_enabled(p);
}

static void recover(struct stp_port *p)
{
    p->err_disabled = false;
    p->recover_while = 0;
    stp_event_raise(&p->tree[0], STP_EVENT_RECOVERED);
    set_enabled(p);
}

static void release(struct stp_port *p)
{
    bool was = p->assurance_held;
    for (unsigned t = 0; t < p->stp->n_trees; t++) {
        was = was || p->tree[t].loop_held;
        p->tree[t].loop_held = false;
    }
    p->assurance_held = false;
    if (was)
        stp_event_raise(&p->tree[0], STP_EVENT_CONSISTENT);
}

/* 14.4 d: our own words. They would look like a better bridge's; and a port that hears itself is in
 * a loop. */
static bool is_own(const struct stp_port *p, const struct bpdu *b)
{
    uint64_t sender = b->kind == BPDU_MST ? b->bridge : b->regional;
    return b->kind != BPDU_TCN && id_address(sender) == mac_to_u64(p->stp->cfg.mac) &&
           (b->port & 0xfff) == p->number;
}

static void hear_self(struct stp_port *p)
{
    if (p->self_loop_while == 0)
        stp_event_raise(&p->tree[0], STP_EVENT_SELF_LOOP);
    p->self_loop_while = (uint8_t)(3 * p->stp->cfg.hello_s);
    stp_touch_port(p);
}

/* ---- receiving ---- */

static void count_rx(struct stp_port *p, enum bpdu_kind k)
{
    uint64_t *count[] = {[BPDU_CONFIG] = &p->count.rx_config,
                         [BPDU_TCN] = &p->count.rx_tcn,
                         [BPDU_RST] = &p->count.rx_rst,
                         [BPDU_MST] = &p->count.rx_mst};
    (*count[k])++;
}

static void hear(struct stp_port *p)
{
    if (p->cfg.bpdu_guard) {
        err_disable(p);
    } else if (is_own(p, &p->stp->rx)) {
        hear_self(p);
    } else {
        release(p);
        p->assure_while = (uint8_t)(3 * p->stp->cfg.hello_s);
        p->rcvd_bpdu = true;
        stp_touch_port(p);
    }
}

int stp_rx(struct stp *s, unsigned port, const void *pdu, size_t len, nsec_t now)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL)
        return -ENOENT;
    s->now = now;
    if (bpdu_decode(pdu, len, &s->rx) < 0) {
        p->count.rx_bad++;
        return -EPROTO;
    }
    count_rx(p, s->rx.kind);
    if (!p->enabled || p->cfg.bpdu_filter) {
        p->count.rx_discarded++;
        return 0;
    }
    hear(p);
    stp_settle(s);
    return 0;
}

/* ---- time: 13.30, Port Timers ---- */

static void count_down(uint8_t *timer)
{
    if (*timer != 0)
        --*timer;
}

static void tick_guards(struct stp_port *p)
{
    if (p->self_loop_while == 1)
        stp_event_raise(&p->tree[0], STP_EVENT_CONSISTENT);
    count_down(&p->self_loop_while);
    if (p->err_disabled && p->recover_while != 0 && --p->recover_while == 0)
        recover(p);
    bool watched = p->cfg.network && p->enabled && p->p2p && !p->assurance_held;
    if (!watched || p->assure_while == 0 || --p->assure_while != 0)
        return;
    p->assurance_held = true;
    stp_event_raise(&p->tree[0], STP_EVENT_ASSURANCE);
}

static void tick_port(struct stp_port *p)
{
    count_down(&p->hello_when);
    count_down(&p->mdelay_while);
    count_down(&p->edge_delay_while);
    count_down(&p->tx_count);
    stp_tally_news(p);
    for (unsigned t = 0; t < p->stp->n_trees; t++) {
        struct stp_tport *tp = &p->tree[t];
        count_down(&tp->tc_while);
        count_down(&tp->fd_while);
        count_down(&tp->rcvd_info_while);
        count_down(&tp->rr_while);
        count_down(&tp->rb_while);
    }
    tick_guards(p);
    stp_touch_port(p);
}

void stp_tick(struct stp *s, nsec_t now)
{
    s->now = now;
    if (now < s->next_tick)
        return;
    s->next_tick += NSEC_PER_SEC;
    if (s->next_tick <= now) /* late by more than a tick: don't hurry after it */
        s->next_tick = now + NSEC_PER_SEC;
    for (unsigned i = 0; i < s->n_ports; i++)
        tick_port(s->list[i]);
    for (unsigned t = 0; t < s->n_trees; t++)
        stp_recount(&s->tree[t]); /* rrWhile ran down */
    stp_settle(s);
}

nsec_t stp_deadline(const struct stp *s) { return s->next_tick; }

void stp_migrate(struct stp *s, unsigned port, nsec_t now)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL)
        return;
    s->now = now;
    p->mcheck = true;
    stp_touch_port(p);
    stp_settle(s);
}

void stp_recover(struct stp *s, unsigned port, nsec_t now)
{
    struct stp_port *p = port_of(s, port);
    if (p == NULL || !p->err_disabled)
        return;
    s->now = now;
    recover(p);
    stp_settle(s);
}
