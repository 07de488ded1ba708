/* What RFC 9568 section 7.1 (and RFC 3768 section 7.1) demand of a packet before it is an event. */
#include "vrrp/internal.h"

static bool same(const struct ip6 *a, const struct ip6 *b) { return memcmp(a, b, sizeof *a) == 0; }

static bool is_peer(const struct instance *i, const struct ip6 *src)
{
    for (unsigned p = 0; p < i->c.n_peers; p++) {
        if (same(&i->c.peer[p], src))
            return true;
    }
    return false;
}

static uint8_t least_ttl(const struct instance *i)
{
    return i->c.n_peers > 0 && i->c.ttl_min > 0 ? i->c.ttl_min : VRRP_TTL;
}

static enum vrrp_verdict check_addresses(const struct instance *i, const struct vrrp_advert *a)
{
    struct ip6 group = vrrp_group_address(a->ip6);
    if (same(&a->src, &i->src))
        return VRRP_OWN_PACKET;
    if (i->c.n_peers > 0) {
        if (!same(&a->dst, &i->src))
            return VRRP_BAD_DESTINATION;
        return is_peer(i, &a->src) ? VRRP_OK : VRRP_BAD_SOURCE;
    }
    if (!same(&a->dst, &group))
        return VRRP_BAD_DESTINATION;
    return a->ip6 && !vrrp_is_link_local(&a->src) ? VRRP_BAD_SOURCE : VRRP_OK;
}

static bool speaks(enum vrrp_mode mode, uint8_t version)
{
    return mode == VRRP_V2_V3 || (mode == VRRP_V2 ? version == 2 : version == 3);
}

/* RFC 9568 section 8.4.2: one that sends both is judged by its version 3 alone. */
static bool shadowed(const struct vrrp *v, struct instance *i, const struct vrrp_advert *a)
{
    if (i->c.mode != VRRP_V2_V3)
        return false;
    if (a->version == 2)
        return v->now < i->v3_until && same(&i->v3_src, &a->src);
    i->v3_src = a->src;
    i->v3_until = v->now + 3 * cs_to_ns(a->interval_cs) + NSEC_PER_SEC;
    return false;
}

static enum vrrp_verdict check(const struct vrrp *v, struct instance *i,
                               const struct vrrp_advert *a)
{
    if (i->state == VRRP_INITIALIZE)
        return VRRP_BAD_VRID;
    if (!speaks(i->c.mode, a->version))
        return VRRP_BAD_VERSION;
    if (a->ttl < least_ttl(i))
        return VRRP_BAD_TTL;
    enum vrrp_verdict r = check_addresses(i, a);
    if (r != VRRP_OK)
        return r;
    if (i->c.mode == VRRP_V2 && a->interval_cs != i->c.interval_cs)
        return VRRP_BAD_INTERVAL;
    return shadowed(v, i, a) ? VRRP_SHADOWED_V2 : VRRP_OK;
}

/* Section 5.2.9: routers should list the addresses in the same order. */
static bool lists_ours(const struct instance *i, const struct vrrp_advert *a, struct reader r)
{
    if (a->n_addrs != i->c.n_addrs)
        return false;
    for (unsigned n = 0; n < a->n_addrs; n++) {
        struct ip6 got = {{0}};
        read_into(&r, got.b, a->ip6 ? 16 : 4);
        if (!same(&got, &i->c.addr[n]))
            return false;
    }
    return true;
}

static unsigned expected_interval(const struct instance *i, uint8_t version)
{
    unsigned cs = i->c.interval_cs;
    return version == 2 ? (cs + 99) / 100 * 100 : cs;
}

/* What is not dropped, but SHOULD be logged. */
static void tell(struct vrrp *v, struct instance *i, const struct vrrp_advert *a,
                 struct reader list)
{
    if (a->interval_cs != expected_interval(i, a->version))
        warn(v, i, VRRP_EV_INTERVAL, &a->src, a->interval_cs);
    if (!lists_ours(i, a, list))
        warn(v, i, VRRP_EV_ADDRESSES, &a->src, a->n_addrs);
    if (is_owner(i) && a->priority == VRRP_OWNER)
        warn(v, i, VRRP_EV_TWO_OWNERS, &a->src, a->priority);
    if (a->auth_type != 0)
        warn(v, i, VRRP_EV_AUTH, &a->src, a->auth_type);
}

static void refuse(struct vrrp *v, struct instance *i, const struct vrrp_advert *a,
                   enum vrrp_verdict r)
{
    v->refused[r]++;
    if (i == NULL)
        return;
    i->n.refused[r]++;
    if (r != VRRP_OWN_PACKET && r != VRRP_SHADOWED_V2 && i->state != VRRP_INITIALIZE)
        warn(v, i, VRRP_EV_REFUSED, &a->src, r);
}

enum vrrp_verdict vrrp_rx(struct vrrp *v, uint32_t link, const void *p, size_t len, nsec_t now)
{
    struct vrrp_advert a;
    struct reader list;
    v->now = now;
    enum vrrp_verdict r = vrrp_advert_read(&a, &list, p, len);
    int id = vrrp_find(v, link, a.ip6, a.vrid);
    struct instance *i = id < 0 ? NULL : &v->all[id];
    if (r == VRRP_OK)
        r = i == NULL ? VRRP_BAD_VRID : check(v, i, &a);
    if (r != VRRP_OK) {
        refuse(v, i, &a, r);
        return r;
    }
    i->n.received++;
    i->n.received_priority0 += a.priority == 0;
    tell(v, i, &a, list);
    machine_advert(v, i, &a);
    return VRRP_OK;
}
