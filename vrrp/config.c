#include <errno.h>

#include "vrrp/vrrp.h"

struct vrrp_config vrrp_config_default(void)
{
    return (struct vrrp_config){.vrid = 1,
                                .enabled = true,
                                .preempt = true,
                                .priority = 100,
                                .interval_cs = 100,
                                .announce_count = 5,
                                .announce_every_cs = 100};
}

static int check_interval(const struct vrrp_config *c, struct errbuf *e)
{
    if (c->mode == VRRP_V2 && (c->interval_cs % 100 != 0 || c->interval_cs > 25500))
        return errbuf_set(e, EINVAL,
                          "VRID %u: interval %u cs; version 2 has whole seconds, 1 to 255", c->vrid,
                          c->interval_cs);
    if (c->mode != VRRP_V2 && c->interval_cs > VRRP_INTERVAL_MAX)
        return errbuf_set(e, EINVAL, "VRID %u: interval %u cs; version 3 has 1 to %d", c->vrid,
                          c->interval_cs, VRRP_INTERVAL_MAX);
    if (c->interval_cs == 0)
        return errbuf_set(e, EINVAL, "VRID %u: interval 0; give at least 1 cs", c->vrid);
    return 0;
}

static int check_addresses(const struct vrrp_config *c, struct errbuf *e)
{
    if (c->n_addrs == 0 || c->n_addrs > VRRP_ADDRS_MAX)
        return errbuf_set(e, EINVAL, "VRID %u: %u addresses; give 1 to %d", c->vrid, c->n_addrs,
                          VRRP_ADDRS_MAX);
    if (c->n_peers > VRRP_PEERS_MAX)
        return errbuf_set(e, EINVAL, "VRID %u: %u unicast peers; give %d at most", c->vrid,
                          c->n_peers, VRRP_PEERS_MAX);
    if (c->ip6 && !vrrp_is_link_local(&c->addr[0]))
        return errbuf_set(
            e, EINVAL,
            "VRID %u: the first IPv6 address must be link-local (RFC 9568 5.2.9); put "
            "one of fe80::/10 first",
            c->vrid);
    return 0;
}

int vrrp_config_check(const struct vrrp_config *c, struct errbuf *e)
{
    if (c->vrid == 0)
        return errbuf_set(e, EINVAL, "VRID 0; give 1 to 255");
    if (c->priority == 0)
        return errbuf_set(e, EINVAL, "VRID %u: priority 0; give 1 to 254, or 255 for the owner",
                          c->vrid);
    if (c->ip6 && c->mode != VRRP_V3)
        return errbuf_set(e, EINVAL, "VRID %u: IPv6 needs version 3", c->vrid);
    if (c->announce_count == 0)
        return errbuf_set(e, EINVAL, "VRID %u: 0 announcements; give at least 1", c->vrid);
    if (c->announce_count > 1 && c->announce_every_cs == 0)
        return errbuf_set(e, EINVAL, "VRID %u: announcements every 0 cs; give at least 1", c->vrid);
    int r = check_interval(c, e);
    return r < 0 ? r : check_addresses(c, e);
}
