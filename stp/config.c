/* stp/config.c: configurations: defaults, checks, costs by speed, the region's digest. */
#include <errno.h>

#include "stp/machine.h"
#include "stp/md5.h"

void stp_config_default(struct stp_config *c)
{
    *c = (struct stp_config){.version = STP_VERSION_RSTP,
                             .priority = 32768,
                             .hello_s = 2,
                             .max_age_s = 20,
                             .forward_delay_s = 15,
                             .max_hops = 20,
                             .tx_hold = 6,
                             .recovery_s = 300};
}

void stp_port_config_default(struct stp_port_config *c)
{
    *c =
        (struct stp_port_config){.auto_edge = true, .p2p = STP_P2P_AUTO, .cist = {.priority = 128}};
    for (unsigned i = 0; i < STP_MSTIS_MAX; i++)
        c->msti[i].priority = 128;
}

static int refuse(struct errbuf *e, const char *what, unsigned value, unsigned low, unsigned high)
{
    return errbuf_set(e, EINVAL, "%s %u is out of range; give %u..%u", what, value, low, high);
}

static int check_priority(unsigned priority, struct errbuf *e)
{
    if (priority % 4096 || priority > 61440)
        return errbuf_set(e, EINVAL, "bridge priority %u; give 0..61440 in steps of 4096",
                          priority);
    return 0;
}

static int check_times(const struct stp_config *c, struct errbuf *e)
{
    if (c->hello_s < 1 || c->hello_s > 2)
        return refuse(e, "hello time", c->hello_s, 1, 2);
    if (c->max_age_s < 6 || c->max_age_s > 40)
        return refuse(e, "max age", c->max_age_s, 6, 40);
    if (c->forward_delay_s < 4 || c->forward_delay_s > 30)
        return refuse(e, "forward delay", c->forward_delay_s, 4, 30);
    if (2 * (c->forward_delay_s - 1) < c->max_age_s || c->max_age_s < 2 * (c->hello_s + 1))
        return errbuf_set(
            e, EINVAL,
            "max age %u doesn't fit: 2*(forward delay - 1) = %d must be at least it, and "
            "it at least 2*(hello + 1) = %d",
            c->max_age_s, 2 * (c->forward_delay_s - 1), 2 * (c->hello_s + 1));
    if (c->max_hops < 6 || c->max_hops > 40)
        return refuse(e, "max hops", c->max_hops, 6, 40);
    return c->tx_hold < 1 || c->tx_hold > 10 ? refuse(e, "transmit hold count", c->tx_hold, 1, 10)
                                             : 0;
}

static bool has_msti(const struct stp_config *c, unsigned n, unsigned id)
{
    for (unsigned i = 0; i < n; i++)
        if (c->msti[i].id == id)
            return true;
    return false;
}

static int check_mstis(const struct stp_config *c, struct errbuf *e)
{
    if (c->n_mstis > STP_MSTIS_MAX)
        return refuse(e, "number of instances", c->n_mstis, 0, STP_MSTIS_MAX);
    if (c->n_mstis > 0 && c->version != STP_VERSION_MSTP)
        return errbuf_set(e, EINVAL, "instances need mode mstp");
    for (unsigned i = 0; i < c->n_mstis; i++) {
        unsigned id = c->msti[i].id;
        if (id < 1 || id > 4094)
            return refuse(e, "instance", id, 1, 4094);
        if (has_msti(c, i, id))
            return errbuf_set(e, EINVAL, "instance %u is given twice", id);
        if (check_priority(c->msti[i].priority, e) < 0)
            return -EINVAL;
    }
    for (unsigned v = 0; v < 4096; v++)
        if (c->vlan_msti[v] != 0 &&
            (v == 0 || v == 4095 || !has_msti(c, c->n_mstis, c->vlan_msti[v])))
            return errbuf_set(e, EINVAL, "VLAN %u is given to instance %u, which isn't there", v,
                              c->vlan_msti[v]);
    return 0;
}

int stp_config_check(const struct stp_config *c, struct errbuf *e)
{
    if (c->version != STP_VERSION_STP && c->version != STP_VERSION_RSTP &&
        c->version != STP_VERSION_MSTP)
        return errbuf_set(e, EINVAL, "protocol version %u; give 0, 2 or 3", (unsigned)c->version);
    int r = check_priority(c->priority, e);
    r = r < 0 ? r : check_times(c, e);
    return r < 0 ? r : check_mstis(c, e);
}

static int check_tree(const struct stp_tree_config *t, struct errbuf *e)
{
    if (t->priority % 16)
        return errbuf_set(e, EINVAL, "port priority %u; give 0..240 in steps of 16", t->priority);
    return t->cost > 200000000 ? refuse(e, "path cost", t->cost, 1, 200000000) : 0;
}

int stp_port_config_check(const struct stp_port_config *c, unsigned n_mstis, struct errbuf *e)
{
    int r = check_tree(&c->cist, e);
    for (unsigned i = 0; r == 0 && i < n_mstis; i++)
        r = check_tree(&c->msti[i], e);
    if (r == 0 && c->network && (c->edge || c->bpdu_filter || c->bpdu_guard))
        return errbuf_set(
            e, EINVAL,
            "bridge assurance is for ports to bridges: leave out edge, guard and filter");
    if (r == 0 && c->loop_guard && c->restricted_role)
        return errbuf_set(e, EINVAL, "loop guard and root guard exclude each other");
    return r;
}

void stp_config_digest(const uint16_t vlan_msti[4096], uint8_t digest[16])
{
    static const uint8_t key[16] = {0x13, 0xac, 0x06, 0xa6, 0x2e, 0x47, 0xfd, 0x51,
                                    0xf9, 0x5d, 0x2b, 0xa2, 0x43, 0xcd, 0x03, 0x46};
    uint8_t table[2 * 4096];
    for (unsigned v = 0; v < 4096; v++) {
        table[2 * v] = (uint8_t)(vlan_msti[v] >> 8);
        table[2 * v + 1] = (uint8_t)vlan_msti[v];
    }
    hmac_md5(key, sizeof key, table, sizeof table, digest);
}

uint32_t stp_cost_of_speed(uint32_t speed_mbps, bool short_costs)
{
    uint32_t speed = speed_mbps == 0 ? 10000 : speed_mbps;
    if (!short_costs)
        return speed >= 20000000 ? 1 : 20000000 / speed;
    if (speed >= 10000)
        return 2;
    if (speed >= 1000)
        return 4;
    return speed >= 100 ? 19 : 100;
}
