/* control/gateway_ra.c: Router Advertisements of routers' interfaces (RFC 4861 section 6.2).
 *
 * Where VRRP runs for IPv6, the Active alone advertises, by the virtual address and MAC (RFC 9568
 * section 8.2.3). */
#include <string.h>

#include "base/prng.h"
#include "control/config_priv.h"
#include "control/gateway_priv.h"
#include "control/ra.h"

enum { /* RFC 4861 section 10 */
       INITIAL_S = 16,
       INITIALS = 3,
       DELAY_MS = 500, /* before an answer */
       BETWEEN_S = 3,  /* multicast answers */
       VALID_S = 2592000,
       PREFERRED_S = 604800,
};

static nsec_t jitter(struct gateway *g, nsec_t from, nsec_t to)
{
    struct prng r = {.state = (uint64_t)g->now ^ g->r->hash_key};
    return from + (nsec_t)(prng_next(&r) % (uint64_t)(to - from + 1));
}

void gw_ra_apply(struct gateway *g, struct gw_if *i, const struct config_port *cp)
{
    bool was = i->ra.on;
    i->ra.on = cp != NULL && cp->ra.on;
    if (!i->ra.on)
        return;
    i->ra.managed = cp->ra.managed;
    i->ra.other = cp->ra.other;
    i->ra.interval_s = cp->ra.interval_s != 0 ? cp->ra.interval_s : 200;
    i->ra.lifetime_s = cp->ra.no_default        ? 0
                       : cp->ra.lifetime_s != 0 ? cp->ra.lifetime_s
                                                : (uint16_t)(3 * i->ra.interval_s);
    i->ra.n_dns = 0;
    for (unsigned k = 0; k < cp->ra.dns_count && k < RA_DNS_MAX; k++) {
        bool ip6;
        i->ra.n_dns += config_ip(cp->ra.dns[k], &i->ra.dns[i->ra.n_dns], &ip6, NULL) && ip6;
    }
    if (!was) {
        i->ra.sent = 0;
        i->ra.last = 0;
    }
    i->ra.due = g->now; /* what has changed is told at once */
}

/* By whom? False: by another router. */
static bool speaker(struct gateway *g, const struct gw_if *i, struct ra *r)
{
    bool vrrp = false;
    for (unsigned k = 0; g->vr != NULL && k < GW_VRRPS_MAX; k++) {
        const struct gw_vrrp *v = &g->vr[k];
        if (v->ifc != i || !v->c.ip6)
            continue;
        vrrp = true;
        r->src = v->c.addr[0];
        r->mac = vrrp_mac(true, v->c.vrid);
        if (v->open)
            return true;
    }
    if (vrrp)
        return false;
    r->mac = i->mac;
    for (unsigned k = 0; k < i->n_addrs; k++)
        if (i->addr[k].ip6 && gw_is_link_local(&i->addr[k].ip)) {
            r->src = i->addr[k].ip;
            return true;
        }
    return false;
}

static void prefixes(const struct gw_if *i, struct ra *r)
{
    for (unsigned k = 0; k < i->n_addrs && r->n_prefixes < RA_PREFIXES_MAX; k++)
        if (i->addr[k].ip6 && !gw_is_link_local(&i->addr[k].ip) && i->addr[k].len < 128)
            r->prefix[r->n_prefixes++] =
                (struct ra_prefix){.prefix = gw_network(&i->addr[k].ip, i->addr[k].len),
                                   .len = i->addr[k].len};
}

static void say(struct gateway *g, struct gw_if *i)
{
    uint8_t bytes[RA_PACKET_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct ra r = {.managed = i->ra.managed,
                   .other = i->ra.other,
                   .lifetime_s = i->ra.lifetime_s,
                   .mtu = i->dp->port->mtu,
                   .valid_s = VALID_S,
                   .preferred_s = PREFERRED_S,
                   .n_dns = i->ra.n_dns,
                   .dns_s = 3u * i->ra.interval_s};
    memcpy(r.dns, i->ra.dns, sizeof r.dns);
    if (!i->up || !speaker(g, i, &r))
        return;
    prefixes(i, &r);
    ra_write(&w, &r);
    struct rte_mbuf *m = w.bad ? NULL : gw_frame(g, 0x86dd, bytes, w.len);
    if (m == NULL)
        return;
    memcpy(rte_pktmbuf_mtod(m, uint8_t *), "\x33\x33\0\0\0\1", 6);
    memcpy(rte_pktmbuf_mtod(m, uint8_t *) + 6, &r.mac, 6);
    (void)router_port_send(i->dp->port, m);
}

void gw_ra_asked(struct gateway *g, struct gw_if *i)
{
    nsec_t due = g->now + jitter(g, 0, DELAY_MS * NSEC_PER_MSEC);
    nsec_t soonest = i->ra.last + BETWEEN_S * NSEC_PER_SEC;
    due = i->ra.sent > 0 && due < soonest ? soonest : due;
    if (i->ra.on && due < i->ra.due)
        i->ra.due = due;
}

nsec_t gw_ra_run(struct gateway *g)
{
    nsec_t due = NSEC_NEVER;
    for (unsigned k = 0; k < g->n_ifs; k++) {
        struct gw_if *i = &g->ifs[k];
        if (i->dp == NULL || i->router == NULL || !i->ra.on)
            continue;
        if (g->now >= i->ra.due) {
            nsec_t most = i->ra.interval_s * NSEC_PER_SEC, least = most / 3;
            say(g, i);
            i->ra.last = g->now;
            i->ra.due = g->now + jitter(g, least, most);
            if (i->ra.sent < INITIALS && most > INITIAL_S * NSEC_PER_SEC)
                i->ra.due = g->now + INITIAL_S * NSEC_PER_SEC;
            i->ra.sent += i->ra.sent < INITIALS;
        }
        due = i->ra.due < due ? i->ra.due : due;
    }
    return due;
}
