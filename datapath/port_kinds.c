/* port_kinds.c: the kinds of port by their configured names. */
#include <string.h>

#include "datapath/port.h"

static const struct port_ops *const kinds[] = {
    &port_tap_ops,  &port_vhost_ops, &port_packet_ops, &port_pcap_ops, &port_null_ops,
    &port_ring_ops, &port_dpdk_ops,  &port_vxlan_ops,  &port_bond_ops, &port_router_ops,
};

const struct port_ops *port_ops_find(const char *type)
{
    for (size_t i = 0; i < RTE_DIM(kinds); i++) {
        if (strcmp(kinds[i]->type, type) == 0)
            return kinds[i];
    }
    return NULL;
}

const char *port_types(void)
{
    return "tap, vhost-user, af_packet, pcap, null, ring, dpdk, vxlan, bond, router";
}
