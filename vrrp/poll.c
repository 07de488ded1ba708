/* Pending bits become actions, one a call: instances in turn, the bits of one in their order. */
#include "vrrp/internal.h"

/* SHOULD log, "subject to rate-limiting" (RFC 9568 section 7.1). */
#define WARN_EVERY_NS (10 * NSEC_PER_SEC)

void pend(struct vrrp *v, struct instance *i, uint32_t bits)
{
    uint32_t fresh = bits & ~i->pending;
    if (fresh & (DO_SEND | DO_SEND_ZERO))
        i->peer_cursor = i->version_cursor = 0;
    if (bits & DO_ANNOUNCE)
        i->addr_cursor = 0;
    i->pending |= bits;
    if (i->queued)
        return;
    i->queued = true;
    i->queue_next = NONE;
    if (v->queue_head == NONE)
        v->queue_head = id_of(v, i);
    else
        v->all[v->queue_tail].queue_next = id_of(v, i);
    v->queue_tail = id_of(v, i);
}

void warn(struct vrrp *v, struct instance *i, enum vrrp_event e, const struct ip6 *peer,
          unsigned value)
{
    if (v->now - i->warned_at[e] < WARN_EVERY_NS)
        return;
    i->warned_at[e] = v->now;
    i->warned_peer[e] = *peer;
    i->warned_value[e] = (uint16_t)value;
    pend(v, i, (uint32_t)DO_EVENT0 << e);
}

/* The next of an instance's packets: each version to the group, or to each peer. */
static void encode(struct instance *i, struct vrrp_action *a, uint32_t bit)
{
    const struct vrrp_config *c = &i->c;
    struct vrrp_advert ad = {.ip6 = c->ip6,
                             .pseudo_header = c->pseudo_header,
                             .ttl = VRRP_TTL,
                             .version = c->mode == VRRP_V2 ? 2 : 3,
                             .vrid = c->vrid,
                             .priority = bit == DO_SEND_ZERO ? 0 : i->priority,
                             .n_addrs = c->n_addrs,
                             .interval_cs = c->interval_cs,
                             .src = i->src,
                             .dst = vrrp_group_address(c->ip6)};
    if (i->version_cursor == 1)
        ad.version = 2;
    if (c->n_peers > 0)
        ad.dst = c->peer[i->peer_cursor];
    struct writer w = writer_of(a->send.packet, sizeof a->send.packet);
    vrrp_advert_write(&w, &ad, c->addr);
    weft_assert(!w.bad);
    a->kind = VRRP_SEND;
    a->send.unicast = c->n_peers > 0;
    a->send.dst_mac = c->n_peers > 0 ? (struct mac){{0}} : vrrp_group_mac(c->ip6);
    a->send.dst = ad.dst;
    a->send.len = (uint16_t)w.len;
    i->n.sent++;
    i->n.sent_priority0 += ad.priority == 0;
}

static void take_send(struct instance *i, struct vrrp_action *a, uint32_t bit)
{
    encode(i, a, bit);
    if (++i->peer_cursor < i->c.n_peers)
        return;
    i->peer_cursor = 0;
    if (++i->version_cursor < (i->c.mode == VRRP_V2_V3 ? 2 : 1))
        return;
    i->version_cursor = 0;
    i->pending &= ~bit;
}

static void take_announce(struct instance *i, struct vrrp_action *a)
{
    a->kind = VRRP_ANNOUNCE;
    a->announce = i->c.addr[i->addr_cursor];
    i->n.announced++;
    if (++i->addr_cursor >= i->c.n_addrs)
        i->pending &= ~(uint32_t)DO_ANNOUNCE;
}

static bool take_event(struct instance *i, struct vrrp_action *a)
{
    unsigned e = 0;
    while (!(i->pending & (uint32_t)DO_EVENT0 << e))
        e++;
    i->pending &= ~((uint32_t)DO_EVENT0 << e);
    a->kind = VRRP_EVENT;
    a->event.event = (enum vrrp_event)e;
    a->event.from = e == VRRP_EV_STATE ? i->was : i->state;
    a->event.to = i->state;
    a->event.reason = i->reason;
    a->event.peer = e == VRRP_EV_STATE ? i->active : i->warned_peer[e];
    a->event.value = e == VRRP_EV_STATE ? i->priority : i->warned_value[e];
    return e != VRRP_EV_STATE || i->was != i->state; /* there and back: nothing to tell */
}

/* False when what was pending came to nothing. */
static bool take(struct instance *i, struct vrrp_action *a)
{
    if (i->pending & DO_GATE) {
        i->pending &= ~(uint32_t)DO_GATE;
        a->kind = VRRP_GATE;
        a->gate.open = i->state == VRRP_ACTIVE;
        a->gate.accept = a->gate.open && (i->c.accept || is_owner(i));
        return true;
    }
    if (i->pending & (DO_SEND_ZERO | DO_SEND)) {
        take_send(i, a, i->pending & DO_SEND_ZERO ? DO_SEND_ZERO : DO_SEND);
        return true;
    }
    if (i->pending & DO_ANNOUNCE) {
        take_announce(i, a);
        return true;
    }
    return take_event(i, a);
}

static void leave_queue(struct vrrp *v, struct instance *i)
{
    v->queue_head = i->queue_next;
    i->queued = false;
    if (i->pending & DO_FORGET)
        *i = (struct instance){0};
}

bool vrrp_poll(struct vrrp *v, struct vrrp_action *a)
{
    while (v->queue_head != NONE) {
        struct instance *i = &v->all[v->queue_head];
        if ((i->pending & ~(uint32_t)DO_FORGET) == 0) {
            leave_queue(v, i);
            continue;
        }
        a->id = id_of(v, i);
        a->link = i->c.link;
        a->vrid = i->c.vrid;
        a->ip6 = i->c.ip6;
        a->mac = vrrp_mac(i->c.ip6, i->c.vrid);
        if (take(i, a))
            return true;
    }
    return false;
}
