/* Pending bits become actions: answers first, then our addresses, then neighbours. */
#include "base/assert.h"
#include "control/neigh_internal.h"

void pend_entry(struct neigh *n, struct entry *e, unsigned bits)
{
    uint32_t id = (uint32_t)(e - n->entries);
    e->pending |= (uint8_t)bits;
    if (e->queued)
        return;
    e->queued = true;
    e->queue_next = NEIGH_NONE;
    if (n->entry_queue.head == NEIGH_NONE)
        n->entry_queue.head = id;
    else
        n->entries[n->entry_queue.tail].queue_next = id;
    n->entry_queue.tail = id;
}

void pend_address(struct neigh *n, struct address *a, unsigned bits)
{
    uint32_t id = (uint32_t)(a - n->addresses);
    a->pending |= (uint8_t)bits;
    if (a->queued)
        return;
    a->queued = true;
    a->queue_next = NEIGH_NONE;
    if (n->address_queue.head == NEIGH_NONE)
        n->address_queue.head = id;
    else
        n->addresses[n->address_queue.tail].queue_next = id;
    n->address_queue.tail = id;
}

void queue_reply(struct neigh *n, const struct reply *r)
{
    if (n->n_replies == NEIGH_REPLIES_MAX) {
        n->counters.dropped_replies++;
        return;
    }
    n->replies[(n->first_reply + n->n_replies++) % NEIGH_REPLIES_MAX] = *r;
}

static void encode(struct neigh_action *a, const struct neigh_message *m, struct mac src,
                   struct mac dst)
{
    struct writer w = writer_of(a->send.bytes, sizeof a->send.bytes);
    neigh_write(&w, m);
    weft_assert(!w.bad);
    a->kind = NEIGH_SEND;
    a->ip6 = m->ip6;
    a->ip = m->target;
    a->send.src = src;
    a->send.dst = dst;
    a->send.ethertype = m->ip6 ? NEIGH_ETHERTYPE_IP6 : NEIGH_ETHERTYPE_ARP;
    a->send.len = (uint16_t)w.len;
}

static bool take_reply(struct neigh *n, struct neigh_action *a)
{
    if (n->n_replies == 0)
        return false;
    const struct reply *r = &n->replies[n->first_reply];
    n->first_reply = (n->first_reply + 1) % NEIGH_REPLIES_MAX;
    n->n_replies--;
    n->counters.replies_out++;
    a->interface = r->interface;
    encode(a, &r->m, r->src, r->dst);
    return true;
}

static struct mac broadcast(void) { return (struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }

/* RFC 5227 section 2.1.1: an ARP probe; RFC 4862 section 5.4.2: an NS from nobody. */
static void encode_probe(const struct address *o, struct neigh_action *a)
{
    struct neigh_message m = {.ip6 = o->c.ip6, .target = o->c.ip, .sha = o->c.mac};
    m.to = neigh_solicited_node(&o->c.ip);
    encode(a, &m, o->c.mac, o->c.ip6 ? neigh_group_mac(&m.to) : broadcast());
}

/* RFC 5227 section 2.3: a request for our own address; RFC 4861 section 7.2.6: an unsolicited NA.
 */
static void encode_announcement(const struct address *o, struct neigh_action *a)
{
    struct neigh_message m = {.ip6 = o->c.ip6,
                              .saying = o->c.ip6 ? NEIGH_REPLY : NEIGH_REQUEST,
                              .sender = o->c.ip,
                              .target = o->c.ip,
                              .to = neigh_all_nodes(),
                              .has_sha = true,
                              .sha = o->c.mac,
                              .router = !o->c.host,
                              .override = true};
    encode(a, &m, o->c.mac, o->c.ip6 ? neigh_group_mac(&m.to) : broadcast());
}

static void take_event(struct address *o, struct neigh_action *a)
{
    unsigned e = 0;
    while (!(o->pending & DO_EVENT0 << e))
        e++;
    o->pending &= (uint8_t) ~(DO_EVENT0 << e);
    a->kind = NEIGH_EVENT;
    a->ip6 = o->c.ip6;
    a->ip = o->c.ip;
    a->event.event = (enum neigh_event)e;
    a->event.mac = o->other;
}

static void take_address(struct neigh *n, struct address *o, struct neigh_action *a)
{
    a->interface = o->c.interface;
    if (o->pending & DO_PROBE) {
        o->pending &= (uint8_t)~DO_PROBE;
        n->counters.requests_out++;
        encode_probe(o, a);
    } else if (o->pending & DO_ANNOUNCE) {
        o->pending &= (uint8_t)~DO_ANNOUNCE;
        n->counters.announcements++;
        encode_announcement(o, a);
    } else {
        take_event(o, a);
    }
}

static bool poll_addresses(struct neigh *n, struct neigh_action *a)
{
    while (n->address_queue.head != NEIGH_NONE) {
        struct address *o = &n->addresses[n->address_queue.head];
        if (o->pending & ~DO_FREE) {
            take_address(n, o, a);
            return true;
        }
        n->address_queue.head = o->queue_next;
        o->queued = false;
        if (o->pending & DO_FREE)
            *o = (struct address){0};
    }
    return false;
}

/* Asks for a neighbour: everybody while INCOMPLETE, itself while in PROBE. False: we have no
 * address to ask from, and let the time run out. */
static bool encode_solicit(struct neigh *n, const struct entry *e, struct neigh_action *a)
{
    const struct address *from = own_source(n, e->interface, &e->ip, e->ip6);
    bool known = e->state == NEIGH_PROBE;
    if (from == NULL || (e->state != NEIGH_INCOMPLETE && !known))
        return false;
    struct neigh_message m = {.ip6 = e->ip6,
                              .sender = from->c.ip,
                              .target = e->ip,
                              .to = known ? e->ip : neigh_solicited_node(&e->ip),
                              .has_sha = true,
                              .sha = from->c.mac};
    struct mac to = e->ip6 ? neigh_group_mac(&m.to) : broadcast();
    encode(a, &m, from->c.mac, known ? e->mac : to);
    n->counters.requests_out++;
    return true;
}

static void take_packet(struct entry *e, struct neigh_action *a)
{
    a->kind = state_usable(e->state) ? NEIGH_RELEASE : NEIGH_DROP;
    a->packet.mac = e->mac;
    a->packet.handle = e->waiting[0];
    memmove(e->waiting, e->waiting + 1, sizeof e->waiting - sizeof *e->waiting);
    if (--e->n_waiting == 0)
        e->pending &= (uint8_t)~DO_PACKETS;
}

static bool take_entry(struct neigh *n, struct entry *e, struct neigh_action *a)
{
    a->interface = e->interface;
    a->ip6 = e->ip6;
    a->ip = e->ip;
    if (e->pending & DO_UPDATE) {
        e->pending &= (uint8_t)~DO_UPDATE;
        e->told = state_usable(e->state);
        a->kind = NEIGH_UPDATE;
        a->update.state = e->state;
        a->update.usable = e->told;
        a->update.mac = e->mac;
        return true;
    }
    if (e->pending & DO_PACKETS) {
        take_packet(e, a);
        return true;
    }
    e->pending &= (uint8_t)~DO_SOLICIT;
    return encode_solicit(n, e, a);
}

static bool poll_entries(struct neigh *n, struct neigh_action *a)
{
    while (n->entry_queue.head != NEIGH_NONE) {
        struct entry *e = &n->entries[n->entry_queue.head];
        if ((e->pending & ~DO_FORGET) == 0) {
            n->entry_queue.head = e->queue_next;
            e->queued = false;
            if (e->pending & DO_FORGET)
                table_free_slot(n, e);
        } else if (take_entry(n, e, a)) {
            return true;
        }
    }
    return false;
}

bool neigh_poll(struct neigh *n, struct neigh_action *a)
{
    return take_reply(n, a) || poll_addresses(n, a) || poll_entries(n, a);
}
