/* What is heard: learn the sender, answer for what is ours, note who disputes it. */
#include "control/neigh_internal.h"

/* Ours came back: a virtual router's MAC counts, so another router with it is no dispute. */
static bool is_own(const struct neigh *n, uint32_t interface, const struct neigh_message *m,
                   struct mac from)
{
    bool probe = neigh_is_zero(&m->sender);
    const struct address *a = own_find(n, interface, probe ? &m->target : &m->sender, m->ip6);
    return a != NULL && mac_equal(a->c.mac, m->has_sha ? m->sha : from);
}

/* The answer to a request for one of ours. RFC 826; RFC 4861 section 7.2.4. */
static void answer(struct neigh *n, uint32_t interface, const struct neigh_message *m,
                   const struct address *ours, struct mac from)
{
    bool probe = neigh_is_zero(&m->sender);
    struct reply r = {.interface = interface,
                      .src = ours->c.mac,
                      .dst = m->has_sha ? m->sha : from};
    r.m = (struct neigh_message){.ip6 = m->ip6,
                                 .saying = NEIGH_REPLY,
                                 .has_sha = true,
                                 .sha = ours->c.mac,
                                 .tha = r.dst,
                                 .sender = m->target,
                                 .target = m->ip6 ? m->target : m->sender,
                                 .router = !ours->c.host,
                                 .solicited = !probe,
                                 .override = !ours->c.proxy};
    r.m.to = probe ? neigh_all_nodes() : m->sender;
    if (m->ip6 && ours->c.proxy) { /* an NA must come from an address of the interface */
        const struct address *from_us = own_source(n, interface, &m->sender, true);
        if (from_us != NULL)
            r.m.sender = from_us->c.ip;
    }
    if (m->ip6 && probe)
        r.dst = neigh_group_mac(&r.m.to);
    queue_reply(n, &r);
}

/* An entry for one who asked us, or NULL when there is no room. */
static struct entry *learn(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    struct entry *e = table_add(n, interface, ip, ip6, false);
    if (e != NULL)
        n->counters.learnt++;
    return e;
}

static enum neigh_verdict hear_request(struct neigh *n, uint32_t interface,
                                       const struct neigh_message *m, struct mac from)
{
    const struct address *ours = own_answering(n, interface, &m->target, m->ip6);
    struct entry *e = table_find(n, interface, &m->sender, m->ip6);
    enum neigh_verdict v = NEIGH_OK;
    bool learnable = m->has_sha && !neigh_is_zero(&m->sender);
    if (e == NULL && ours != NULL && !ours->c.proxy && learnable) {
        e = learn(n, interface, &m->sender, m->ip6);
        v = e ? NEIGH_OK : NEIGH_LIMIT;
    }
    if (e != NULL && learnable)
        state_asked(n, e, m->sha);
    /* A proxy doesn't answer for one who looks for duplicates: it doesn't have the address. */
    if (ours != NULL && !(ours->c.proxy && neigh_is_zero(&m->sender)))
        answer(n, interface, m, ours, from);
    return v;
}

static void hear_reply(struct neigh *n, uint32_t interface, const struct neigh_message *m)
{
    struct entry *e = table_find(n, interface, m->ip6 ? &m->target : &m->sender, m->ip6);
    struct neigh_message said = *m;
    if (e == NULL)
        return; /* RFC 4861 section 7.2.5: nobody asked */
    if (!m->ip6) {
        const struct address *to = own_find(n, interface, &m->target, false);
        said.solicited = to != NULL && mac_equal(m->tha, to->c.mac);
        said.override = true;
    }
    state_answered(n, e, &said);
}

static enum neigh_verdict hear(struct neigh *n, uint32_t interface, struct neigh_message *m,
                               struct mac from)
{
    if (is_own(n, interface, m, from))
        return NEIGH_OWN;
    own_heard(n, interface, m);
    /* What others say of our own addresses is a dispute, nothing to learn. */
    const struct ip6 *who = m->ip6 && m->saying == NEIGH_REPLY ? &m->target : &m->sender;
    if (own_find(n, interface, who, m->ip6) != NULL)
        return NEIGH_OK;
    if (m->saying == NEIGH_REQUEST) {
        n->counters.requests_in++;
        return hear_request(n, interface, m, from);
    }
    n->counters.replies_in++;
    hear_reply(n, interface, m);
    return NEIGH_OK;
}

enum neigh_verdict neigh_rx(struct neigh *n, uint32_t interface, uint16_t ethertype,
                            struct mac from, const void *p, size_t len, nsec_t now)
{
    struct neigh_message m;
    n->now = now;
    enum neigh_verdict v = neigh_read(&m, ethertype, p, len);
    if (interface >= n->size.interfaces || !n->interfaces[interface].c.up)
        v = NEIGH_NO_INTERFACE;
    if (v == NEIGH_OK)
        v = hear(n, interface, &m, from);
    n->counters.refused[v] += v != NEIGH_OK;
    return v;
}
