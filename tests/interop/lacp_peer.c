/* lacp_peer.c: a DPDK bond of mode 4 (net_bonding) over two kernel devices, as a LACP peer.
 *
 *     lacp_peer DEV0 DEV1 [soon] [fast] [keys]
 *
 * net_bonding sends its LACPDUs inside tx_burst only, so that is called every turn. Frames that
 * come in are sent back with their MACs swapped. Prints "member N: state" when it changes.
 *
 * soon: half a second before a link is attached, not two. fast: it asks for a LACPDU every second
 * and gives a link up after 3 s without. keys: its links have different keys.
 * net_bonding (22.11) has no call for the last two: it never sets LACP_Timeout in its state, and
 * its key is what a member's speed and duplex make it (with af_packet always 10 Gb/s). So
 * its long timeout, for which there is a call, is set to 3 s, and callbacks on the members' queues
 * change that bit, or the key, in its LACPDUs, and change the bit back in what it is told of
 * itself.
 */
#include <rte_eal.h>
#include <rte_eth_bond.h>
#include <rte_eth_bond_8023ad.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rte_mempool *pool;

static void configure(uint16_t port)
{
    struct rte_eth_conf conf = {0};
    if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
        rte_eth_rx_queue_setup(port, 0, 512, 0, NULL, pool) != 0 ||
        rte_eth_tx_queue_setup(port, 0, 512, 0, NULL) != 0)
        rte_exit(1, "port %u can't be configured\n", port);
}

/* A LACPDU, or NULL. */
static struct lacpdu *lacpdu_of(struct rte_mbuf *m)
{
    struct lacpdu_header *h = rte_pktmbuf_mtod(m, struct lacpdu_header *);
    bool is = m->data_len >= sizeof *h &&
              h->eth_hdr.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_SLOW) &&
              h->lacpdu.subtype == SLOW_SUBTYPE_LACP;
    return is ? &h->lacpdu : NULL;
}

static uint16_t say_fast(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, void *arg)
{
    (void)port, (void)queue, (void)arg;
    for (uint16_t i = 0; i < n; i++) {
        struct lacpdu *l = lacpdu_of(m[i]);
        if (l)
            l->actor.state |= STATE_LACP_SHORT_TIMEOUT;
    }
    return n;
}

static uint16_t hear_slow(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n,
                          uint16_t room, void *arg)
{
    (void)port, (void)queue, (void)room, (void)arg;
    for (uint16_t i = 0; i < n; i++) {
        struct lacpdu *l = lacpdu_of(m[i]);
        if (l)
            l->partner.state &= (uint8_t)~STATE_LACP_SHORT_TIMEOUT;
    }
    return n;
}

static uint16_t say_key(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, void *arg)
{
    (void)queue, (void)arg;
    for (uint16_t i = 0; i < n; i++) {
        struct lacpdu *l = lacpdu_of(m[i]);
        if (l)
            l->actor.port_params.key = rte_cpu_to_be_16((uint16_t)(100 + port));
    }
    return n;
}

static bool has(int argc, char **argv, const char *word)
{
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

static void set_times(uint16_t bond, bool soon, bool fast)
{
    struct rte_eth_bond_8023ad_conf c;
    rte_eth_bond_8023ad_conf_get(bond, &c);
    if (soon)
        c.aggregate_wait_timeout_ms = 500;
    if (fast)
        c.long_timeout_ms = c.short_timeout_ms + 1; /* it insists on a longer one */
    if (rte_eth_bond_8023ad_setup(bond, &c) != 0)
        rte_exit(1, "its times can't be set\n");
}

static void change_words(const uint16_t *member, bool fast, bool keys)
{
    for (int i = 0; i < 2; i++) {
        if (fast && (!rte_eth_add_tx_callback(member[i], 0, say_fast, NULL) ||
                     !rte_eth_add_rx_callback(member[i], 0, hear_slow, NULL)))
            rte_exit(1, "no callbacks\n");
        if (keys && !rte_eth_add_tx_callback(member[i], 0, say_key, NULL))
            rte_exit(1, "no callbacks\n");
    }
}

static void turn_round(uint16_t bond)
{
    struct rte_mbuf *m[32];
    uint16_t n = rte_eth_rx_burst(bond, 0, m, 32);
    for (uint16_t i = 0; i < n; i++) {
        struct rte_ether_hdr *h = rte_pktmbuf_mtod(m[i], struct rte_ether_hdr *);
        struct rte_ether_addr a = h->src_addr;
        h->src_addr = h->dst_addr;
        h->dst_addr = a;
    }
    uint16_t sent = rte_eth_tx_burst(bond, 0, m, n);
    for (uint16_t i = sent; i < n; i++)
        rte_pktmbuf_free(m[i]);
}

static void report(uint16_t bond, const uint16_t *member, uint8_t *last)
{
    for (int i = 0; i < 2; i++) {
        struct rte_eth_bond_8023ad_slave_info info;
        if (rte_eth_bond_8023ad_slave_info(bond, member[i], &info) != 0 ||
            info.actor_state == last[i])
            continue;
        last[i] = info.actor_state;
        printf("member %d: state %02x %s\n", i, last[i],
               (last[i] & 0x30) == 0x30 ? "carries" : "waits");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    char vdev[2][64];
    char *eal[] = {"lacp_peer",
                   "--no-huge",
                   "-m",
                   "128",
                   "--no-pci",
                   "--no-shconf",
                   "--no-telemetry",
                   "--log-level=error",
                   "-l",
                   "0",
                   "--vdev",
                   vdev[0],
                   "--vdev",
                   vdev[1]};
    for (int i = 0; i < 2; i++)
        snprintf(vdev[i], sizeof vdev[i], "net_af_packet%d,iface=%s", i, argv[1 + i]);
    if (argc < 3 || rte_eal_init((int)(sizeof eal / sizeof *eal), eal) < 0)
        return 1;
    pool = rte_pktmbuf_pool_create("peer", 8191, 0, 0, 2176, 0);
    uint16_t member[2];
    int bond = rte_eth_bond_create("net_bonding0", BONDING_MODE_8023AD, 0);
    for (int i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "net_af_packet%d", i);
        if (rte_eth_dev_get_port_by_name(name, &member[i]) != 0)
            return 1;
        configure(member[i]);
        if (bond < 0 || rte_eth_bond_slave_add((uint16_t)bond, member[i]) != 0)
            return 1;
    }
    configure((uint16_t)bond);
    bool fast = has(argc, argv, "fast");
    set_times((uint16_t)bond, has(argc, argv, "soon"), fast);
    if (rte_eth_dev_start((uint16_t)bond) != 0)
        return 1;
    rte_eth_promiscuous_enable((uint16_t)bond);
    change_words(member, fast, has(argc, argv, "keys"));
    uint8_t last[2] = {0};
    printf("peer: ready\n");
    fflush(stdout);
    for (;;) {
        turn_round((uint16_t)bond);
        report((uint16_t)bond, member, last);
        usleep(1000);
    }
}
