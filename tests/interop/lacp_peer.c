/* lacp_peer.c: a DPDK bond of mode 4 (net_bonding) over two kernel devices, as a LACP peer.
 *
 *     lacp_peer DEV0 DEV1 [fast]
 *
 * net_bonding sends its LACPDUs inside tx_burst only, so that is called every turn. Frames that
 * come in are sent back with their MACs swapped. Prints "member N: collecting/distributing" when it
 * changes.
 */
#include <rte_eal.h>
#include <rte_eth_bond.h>
#include <rte_eth_bond_8023ad.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
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
    if (argc > 3) {
        struct rte_eth_bond_8023ad_conf c;
        rte_eth_bond_8023ad_conf_get((uint16_t)bond, &c);
        c.aggregate_wait_timeout_ms = 500;
        rte_eth_bond_8023ad_setup((uint16_t)bond, &c);
    }
    if (rte_eth_dev_start((uint16_t)bond) != 0)
        return 1;
    rte_eth_promiscuous_enable((uint16_t)bond);
    uint8_t last[2] = {0};
    printf("peer: ready\n");
    fflush(stdout);
    for (;;) {
        turn_round((uint16_t)bond);
        report((uint16_t)bond, member, last);
        usleep(1000);
    }
}
