/* Our addresses: tentative, usable, disputed. RFC 5227 for IPv4, RFC 4862 section 5.4 for IPv6. */
#include <errno.h>

#include "control/neigh_internal.h"

enum { /* RFC 5227 section 1.1, milliseconds */
       PROBE_WAIT = 1000,
       PROBE_NUM = 3,
       PROBE_MIN = 1000,
       PROBE_MAX = 2000,
       ANNOUNCE_WAIT = 2000,
       ANNOUNCE_INTERVAL = 2000,
       RATE_LIMIT_INTERVAL = 60000,
       DEFEND_INTERVAL = 10000,
       DAD_TRANSMITS = 1, /* RFC 4862: DupAddrDetectTransmits */
       DAD_WAIT = 1000,   /* RFC 4861: MAX_RTR_SOLICITATION_DELAY before, RetransTimer behind */
};

static int compare(const struct neigh_address *a, uint32_t interface, const struct ip6 *ip,
                   bool ip6)
{
    if (a->interface != interface)
        return a->interface < interface ? -1 : 1;
    if (a->ip6 != ip6)
        return a->ip6 < ip6 ? -1 : 1;
    return memcmp(&a->ip, ip, sizeof *ip);
}

static uint32_t place(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    uint32_t lo = 0, hi = n->n_index;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (compare(&n->addresses[n->index[mid]].c, interface, ip, ip6) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct address *own_find(const struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6)
{
    uint32_t at = place(n, interface, ip, ip6);
    if (at == n->n_index || compare(&n->addresses[n->index[at]].c, interface, ip, ip6) != 0)
        return NULL;
    return &n->addresses[n->index[at]];
}

static bool in_prefix(const struct neigh_address *c, const struct ip6 *ip)
{
    unsigned whole = c->prefix_len / 8, bits = c->prefix_len % 8;
    if (memcmp(c->ip.b, ip->b, whole) != 0)
        return false;
    return bits == 0 || ((c->ip.b[whole] ^ ip->b[whole]) >> (8 - bits)) == 0;
}

/* The addresses of one interface and family, one after the other: *at starts at 0. */
static struct address *next_of(const struct neigh *n, uint32_t interface, bool ip6, uint32_t *at)
{
    static const struct ip6 zero;
    if (*at == 0)
        *at = place(n, interface, &zero, ip6) + 1;
    else
        (*at)++;
    if (*at > n->n_index)
        return NULL;
    struct address *a = &n->addresses[n->index[*at - 1]];
    return a->c.interface == interface && a->c.ip6 == ip6 ? a : NULL;
}

static bool usable(const struct address *a) { return a->state == NEIGH_USABLE; }

const struct address *own_answering(const struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                    bool ip6)
{
    const struct address *a = own_find(n, interface, ip, ip6);
    uint32_t at = 0;
    if (a != NULL)
        return usable(a) ? a : NULL;
    if (n->interfaces[interface].n_proxies == 0)
        return NULL;
    while ((a = next_of(n, interface, ip6, &at)) != NULL) {
        if (a->c.proxy && usable(a) && in_prefix(&a->c, ip))
            return a;
    }
    return NULL;
}

const struct address *own_source(const struct neigh *n, uint32_t interface, const struct ip6 *ip,
                                 bool ip6)
{
    const struct address *any = NULL, *a;
    uint32_t at = 0;
    while ((a = next_of(n, interface, ip6, &at)) != NULL) {
        if (a->c.proxy || !usable(a))
            continue;
        if (in_prefix(&a->c, ip))
            return a;
        any = any ? any : a;
    }
    return any;
}

static void set_timer(struct neigh *n, const struct address *a, nsec_t due)
{
    timers_set(&n->timers, n->slots + (uint32_t)(a - n->addresses), due);
}

static void become(struct neigh *n, struct address *a, enum neigh_address_state s)
{
    a->state = s;
    a->sent = 0;
    a->pending &= (uint8_t) ~(DO_PROBE | DO_ANNOUNCE);
    set_timer(n, a, NSEC_NEVER);
}

static void announce(struct neigh *n, struct address *a)
{
    if (a->announces == 0)
        return;
    a->announces--;
    pend_address(n, a, DO_ANNOUNCE);
    set_timer(n, a, a->announces ? n->now + ms_to_ns(ANNOUNCE_INTERVAL) : NSEC_NEVER);
}

static void become_usable(struct neigh *n, struct address *a)
{
    become(n, a, NEIGH_USABLE);
    a->announces = a->c.proxy ? 0 : a->c.announce;
    pend_address(n, a, DO_EVENT0 << NEIGH_EV_USABLE);
    announce(n, a);
}

static void begin(struct neigh *n, struct address *a)
{
    bool on = a->c.enabled && n->interfaces[a->c.interface].c.up;
    if (!on) {
        become(n, a, NEIGH_OFF);
    } else if (!a->c.probe || a->c.proxy) {
        become_usable(n, a);
    } else {
        become(n, a, NEIGH_TENTATIVE);
        set_timer(n, a, n->now + jitter(n, 0, PROBE_WAIT));
    }
}

/* RFC 5227 section 2.1.1; RFC 4862 section 5.4.2. */
static void probe(struct neigh *n, struct address *a)
{
    uint8_t wanted = a->c.ip6 ? DAD_TRANSMITS : PROBE_NUM;
    if (a->sent == wanted) {
        become_usable(n, a);
        return;
    }
    a->sent++;
    pend_address(n, a, DO_PROBE);
    if (a->c.ip6)
        set_timer(n, a, n->now + ms_to_ns(DAD_WAIT));
    else if (a->sent == wanted)
        set_timer(n, a, n->now + ms_to_ns(ANNOUNCE_WAIT));
    else
        set_timer(n, a, n->now + jitter(n, PROBE_MIN, PROBE_MAX));
}

void own_timer(struct neigh *n, struct address *a)
{
    set_timer(n, a, NSEC_NEVER);
    if (a->state == NEIGH_TENTATIVE)
        probe(n, a);
    else if (a->state == NEIGH_DUPLICATE)
        begin(n, a);
    else if (a->state == NEIGH_USABLE)
        announce(n, a);
}

static void lose(struct neigh *n, struct address *a, struct mac other)
{
    a->other = other;
    n->counters.conflicts++;
    become(n, a, NEIGH_DUPLICATE);
    set_timer(n, a, n->now + ms_to_ns(RATE_LIMIT_INTERVAL));
    pend_address(n, a, DO_EVENT0 << NEIGH_EV_DUPLICATE);
}

/* RFC 5227 section 2.4 (c). IPv6 knows no defence: it is told. */
static void defend(struct neigh *n, struct address *a, struct mac other)
{
    n->counters.conflicts++;
    if (n->now - a->defended_at < ms_to_ns(DEFEND_INTERVAL))
        return;
    a->defended_at = n->now;
    a->other = other;
    if (!a->c.ip6)
        pend_address(n, a, DO_ANNOUNCE);
    pend_address(n, a, DO_EVENT0 << NEIGH_EV_CONFLICT);
}

/* Somebody with another MAC says that the address is his. */
static void claimed(struct neigh *n, struct address *a, const struct neigh_message *m)
{
    if (a == NULL || a->c.proxy || (m->has_sha && mac_equal(m->sha, a->c.mac)))
        return;
    if (a->state == NEIGH_TENTATIVE)
        lose(n, a, m->sha);
    else if (a->state == NEIGH_USABLE)
        defend(n, a, m->sha);
}

/* Somebody looks whether he may have it. While we look too, neither may (RFC 5227 2.1.1, RFC
 * 4862 5.4.3). */
static void probed(struct neigh *n, struct address *a, const struct neigh_message *m)
{
    if (a == NULL || a->state != NEIGH_TENTATIVE || (m->has_sha && mac_equal(m->sha, a->c.mac)))
        return;
    lose(n, a, m->sha);
}

void own_heard(struct neigh *n, uint32_t interface, const struct neigh_message *m)
{
    bool says_target = m->ip6 && m->saying == NEIGH_REPLY; /* an NA is about its target */
    if (neigh_is_zero(&m->sender))
        probed(n, own_find(n, interface, &m->target, m->ip6), m);
    else
        claimed(n, own_find(n, interface, says_target ? &m->target : &m->sender, m->ip6), m);
}

void own_link(struct neigh *n, uint32_t interface)
{
    for (int ip6 = 0; ip6 < 2; ip6++) {
        struct address *a;
        uint32_t at = 0;
        while ((a = next_of(n, interface, ip6 != 0, &at)) != NULL)
            begin(n, a);
    }
}

static struct address *free_address(struct neigh *n)
{
    for (uint32_t i = 0; i < n->size.addresses; i++) {
        if (!n->addresses[i].used)
            return &n->addresses[i];
    }
    return NULL;
}

static struct address *add(struct neigh *n, const struct neigh_address *c)
{
    struct address *a = free_address(n);
    if (a == NULL)
        return NULL;
    uint32_t at = place(n, c->interface, &c->ip, c->ip6);
    memmove(&n->index[at + 1], &n->index[at], (n->n_index - at) * sizeof *n->index);
    n->index[at] = (uint32_t)(a - n->addresses);
    n->n_index++;
    *a = (struct address){.used = true, .c = *c, .defended_at = INT64_MIN / 2};
    n->interfaces[c->interface].n_proxies += c->proxy;
    return a;
}

int neigh_address_set(struct neigh *n, const struct neigh_address *c, nsec_t now, struct errbuf *e)
{
    n->now = now;
    if (c->interface >= n->size.interfaces)
        return errbuf_set(e, EINVAL, "interface number %u; there are %u", c->interface,
                          n->size.interfaces);
    if (c->prefix_len > (c->ip6 ? 128 : 32))
        return errbuf_set(e, EINVAL, "prefix length %u; give %d at most", c->prefix_len,
                          c->ip6 ? 128 : 32);
    if (mac_is_multicast(c->mac) || mac_is_zero(c->mac) ||
        (!c->proxy && neigh_is_absurd(&c->ip, c->ip6)))
        return errbuf_set(e, EINVAL, "an interface's address and MAC must be unicast");
    struct address *a = own_find(n, c->interface, &c->ip, c->ip6);
    if (a == NULL) {
        a = add(n, c);
        if (a == NULL)
            return errbuf_set(e, ENOSPC, "there are %u addresses; remove one first",
                              n->size.addresses);
        begin(n, a);
        return 0;
    }
    bool again = a->c.enabled != c->enabled || a->c.probe != c->probe || a->c.proxy != c->proxy ||
                 !mac_equal(a->c.mac, c->mac);
    n->interfaces[c->interface].n_proxies += c->proxy - a->c.proxy;
    a->c = *c;
    if (again)
        begin(n, a);
    return 0;
}

int neigh_address_del(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6,
                      nsec_t now)
{
    struct address *a = own_find(n, interface, ip, ip6);
    n->now = now;
    if (a == NULL)
        return -ENOENT;
    uint32_t at = place(n, interface, ip, ip6);
    n->n_index--;
    memmove(&n->index[at], &n->index[at + 1], (n->n_index - at) * sizeof *n->index);
    n->interfaces[interface].n_proxies -= a->c.proxy;
    become(n, a, NEIGH_OFF);
    a->pending = 0;
    pend_address(n, a, DO_FREE);
    return 0;
}

int neigh_announce(struct neigh *n, uint32_t interface, const struct ip6 *ip, bool ip6, nsec_t now)
{
    struct address *a = own_find(n, interface, ip, ip6);
    n->now = now;
    if (a == NULL)
        return -ENOENT;
    if (!usable(a) || a->c.proxy)
        return -EAGAIN;
    pend_address(n, a, DO_ANNOUNCE);
    return 0;
}

enum neigh_address_state neigh_address_state(const struct neigh *n, uint32_t interface,
                                             const struct ip6 *ip, bool ip6)
{
    const struct address *a = own_find(n, interface, ip, ip6);
    return a ? a->state : NEIGH_OFF;
}
