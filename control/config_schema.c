/* control/config_schema.c: the keys of the YAML file, once. */
#include "control/config_priv.h"

#include <string.h>

#include "datapath/tunnel.h"

#define OPT     CYAML_FLAG_OPTIONAL
#define OPT_PTR (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
/* A list may be written with nothing after its key. */
#define OPT_SEQ                 (CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL)
#define TEXT(type, key, member) CYAML_FIELD_STRING_PTR(key, OPT_PTR, type, member, 1, 65535)
#define NUMBER(type, key, m)    CYAML_FIELD_UINT(key, OPT, type, m)
#define FLAG(type, key, m)      CYAML_FIELD_BOOL(key, OPT, type, m)
#define LIST(type, key, m, item) \
    CYAML_FIELD_SEQUENCE(key, OPT_SEQ, type, m, item, 0, CYAML_UNLIMITED)

static const cyaml_schema_value_t text_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 65535)};
static const cyaml_schema_value_t int_item = {CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int)};

static const cyaml_schema_field_t port_msti_fields[] = {
    CYAML_FIELD_UINT("id", CYAML_FLAG_DEFAULT, struct config_port_msti, id),
    TEXT(struct config_port_msti, "priority", priority),
    NUMBER(struct config_port_msti, "cost", cost),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t port_msti_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_port_msti, port_msti_fields)};

static const cyaml_schema_field_t port_stp_fields[] = {
    FLAG(struct config_port_stp, "off", off),
    TEXT(struct config_port_stp, "priority", priority),
    NUMBER(struct config_port_stp, "cost", cost),
    TEXT(struct config_port_stp, "edge", edge),
    TEXT(struct config_port_stp, "p2p", p2p),
    FLAG(struct config_port_stp, "bpdu_guard", bpdu_guard),
    FLAG(struct config_port_stp, "bpdu_filter", bpdu_filter),
    FLAG(struct config_port_stp, "root_guard", root_guard),
    FLAG(struct config_port_stp, "tcn_guard", tcn_guard),
    FLAG(struct config_port_stp, "loop_guard", loop_guard),
    FLAG(struct config_port_stp, "network", network),
    LIST(struct config_port_stp, "instances", instances, &port_msti_item),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t neighbor_fields[] = {
    CYAML_FIELD_STRING_PTR("ip", CYAML_FLAG_POINTER, struct config_neighbor, ip, 1, 255),
    CYAML_FIELD_STRING_PTR("mac", CYAML_FLAG_POINTER, struct config_neighbor, mac, 1, 255),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t neighbor_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_neighbor, neighbor_fields)};

static const cyaml_schema_field_t ra_fields[] = {
    FLAG(struct config_ra, "on", on),
    FLAG(struct config_ra, "managed", managed),
    FLAG(struct config_ra, "other", other),
    NUMBER(struct config_ra, "interval_s", interval_s),
    NUMBER(struct config_ra, "lifetime_s", lifetime_s),
    FLAG(struct config_ra, "no_default", no_default),
    LIST(struct config_ra, "dns", dns, &text_item),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t track_fields[] = {
    TEXT(struct config_track, "port", port),
    TEXT(struct config_track, "bond", bond),
    TEXT(struct config_track, "controller", controller),
    TEXT(struct config_track, "route", route),
    NUMBER(struct config_track, "members", members),
    NUMBER(struct config_track, "lower", lower),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t track_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_track, track_fields)};

static const cyaml_schema_field_t vrrp_fields[] = {
    CYAML_FIELD_UINT("vrid", CYAML_FLAG_DEFAULT, struct config_vrrp, vrid),
    LIST(struct config_vrrp, "addresses", addresses, &text_item),
    TEXT(struct config_vrrp, "version", version),
    NUMBER(struct config_vrrp, "priority", priority),
    NUMBER(struct config_vrrp, "interval_cs", interval_cs),
    CYAML_FIELD_BOOL_PTR("preempt", OPT_PTR, struct config_vrrp, preempt),
    NUMBER(struct config_vrrp, "preempt_delay_s", preempt_delay_s),
    FLAG(struct config_vrrp, "accept", accept),
    FLAG(struct config_vrrp, "pseudo_header", pseudo_header),
    LIST(struct config_vrrp, "peers", peers, &text_item),
    NUMBER(struct config_vrrp, "ttl_min", ttl_min),
    TEXT(struct config_vrrp, "group", group),
    NUMBER(struct config_vrrp, "announce_count", announce_count),
    NUMBER(struct config_vrrp, "announce_every_cs", announce_every_cs),
    NUMBER(struct config_vrrp, "announce_again_s", announce_again_s),
    LIST(struct config_vrrp, "track", track, &track_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t vrrp_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_vrrp, vrrp_fields)};

static const cyaml_schema_field_t host_fields[] = {
    CYAML_FIELD_STRING_PTR("mac", CYAML_FLAG_POINTER, struct config_host, mac, 1, 255),
    CYAML_FIELD_STRING_PTR("remote", CYAML_FLAG_POINTER, struct config_host, remote, 1, 255),
    LIST(struct config_host, "ips", ips, &text_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t host_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_host, host_fields)};

const cyaml_schema_field_t config_port_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_port, name, 1, 255),
    CYAML_FIELD_STRING_PTR("type", CYAML_FLAG_POINTER, struct config_port, type, 1, 255),
    TEXT(struct config_port, "ifname", ifname),
    TEXT(struct config_port, "netns", netns),
    TEXT(struct config_port, "path", path),
    FLAG(struct config_port, "server", server),
    TEXT(struct config_port, "pcap_in", pcap_in),
    TEXT(struct config_port, "pcap_out", pcap_out),
    FLAG(struct config_port, "pcap_loop", pcap_loop),
    TEXT(struct config_port, "devargs", devargs),
    NUMBER(struct config_port, "queues", queues),
    NUMBER(struct config_port, "ofport", ofport),
    TEXT(struct config_port, "mac", mac),
    NUMBER(struct config_port, "mtu", mtu),
    FLAG(struct config_port, "down", down),
    CYAML_FIELD_BOOL_PTR("offloads", OPT_PTR, struct config_port, offloads),
    TEXT(struct config_port, "vlan_mode", vlan_mode),
    NUMBER(struct config_port, "tag", tag),
    LIST(struct config_port, "trunks", trunks, &text_item),
    LIST(struct config_port, "cvlans", cvlans, &text_item),
    TEXT(struct config_port, "priority_tags", priority_tags),
    TEXT(struct config_port, "qinq_ethtype", qinq_ethtype),
    NUMBER(struct config_port, "max_macs", max_macs),
    TEXT(struct config_port, "vtep", vtep),
    TEXT(struct config_port, "key", key),
    TEXT(struct config_port, "remote_ip", remote_ip),
    LIST(struct config_port, "remotes", remotes, &text_item),
    FLAG(struct config_port, "suppress", suppress),
    LIST(struct config_port, "hosts", hosts, &host_item),
    LIST(struct config_port, "members", members, &text_item),
    TEXT(struct config_port, "mode", mode),
    TEXT(struct config_port, "hash", hash),
    FLAG(struct config_port, "symmetric", symmetric),
    TEXT(struct config_port, "primary", primary),
    NUMBER(struct config_port, "min_links", min_links),
    NUMBER(struct config_port, "max_links", max_links),
    NUMBER(struct config_port, "up_delay_ms", up_delay_ms),
    NUMBER(struct config_port, "rebalance_s", rebalance_s),
    NUMBER(struct config_port, "down_delay_ms", down_delay_ms),
    FLAG(struct config_port, "lacp_passive", lacp_passive),
    FLAG(struct config_port, "lacp_slow", lacp_slow),
    FLAG(struct config_port, "lacp_fallback", lacp_fallback),
    NUMBER(struct config_port, "lacp_key", lacp_key),
    NUMBER(struct config_port, "lacp_priority", lacp_priority),
    TEXT(struct config_port, "router", router),
    LIST(struct config_port, "addresses", addresses, &text_item),
    TEXT(struct config_port, "urpf", urpf),
    FLAG(struct config_port, "anycast", anycast),
    FLAG(struct config_port, "dad", dad),
    LIST(struct config_port, "neighbors", neighbors, &neighbor_item),
    CYAML_FIELD_MAPPING("ra", OPT | CYAML_FLAG_FLOW, struct config_port, ra, ra_fields),
    LIST(struct config_port, "vrrp", vrrp, &vrrp_item),
    CYAML_FIELD_MAPPING("stp", OPT | CYAML_FLAG_FLOW, struct config_port, stp, port_stp_fields),
    LIST(struct config_port, "ip", ip, &text_item),
    LIST(struct config_port, "macs", macs, &text_item),
    NUMBER(struct config_port, "vni", vni),
    TEXT(struct config_port, "security", security),
    LIST(struct config_port, "allow", allow, &text_item),
    TEXT(struct config_port, "activation", activation),
    TEXT(struct config_port, "announce", announce),
    NUMBER(struct config_port, "redirect_s", redirect_s),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t static_fields[] = {
    CYAML_FIELD_STRING_PTR("mac", CYAML_FLAG_POINTER, struct config_static, mac, 1, 255),
    NUMBER(struct config_static, "vlan", vlan),
    CYAML_FIELD_STRING_PTR("port", CYAML_FLAG_POINTER, struct config_static, port, 1, 255),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t static_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_static, static_fields)};

static const cyaml_schema_field_t fdb_fields[] = {
    NUMBER(struct config_fdb, "size", size),
    NUMBER(struct config_fdb, "ageing_s", ageing_s),
    LIST(struct config_fdb, "static", statics, &static_item),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t msti_fields[] = {
    CYAML_FIELD_UINT("id", CYAML_FLAG_DEFAULT, struct config_msti, id),
    TEXT(struct config_msti, "priority", priority),
    LIST(struct config_msti, "vlans", vlans, &text_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t msti_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_msti, msti_fields)};

static const cyaml_schema_field_t stp_fields[] = {
    TEXT(struct config_stp, "mode", mode),
    TEXT(struct config_stp, "priority", priority),
    NUMBER(struct config_stp, "hello_s", hello_s),
    NUMBER(struct config_stp, "max_age_s", max_age_s),
    NUMBER(struct config_stp, "forward_delay_s", forward_delay_s),
    NUMBER(struct config_stp, "max_hops", max_hops),
    NUMBER(struct config_stp, "tx_hold", tx_hold),
    TEXT(struct config_stp, "path_cost", path_cost),
    NUMBER(struct config_stp, "recovery_s", recovery_s),
    TEXT(struct config_stp, "region", region),
    NUMBER(struct config_stp, "revision", revision),
    LIST(struct config_stp, "instances", instances, &msti_item),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t port_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_port, config_port_fields)};

const cyaml_schema_field_t config_bridge_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_bridge, name, 1, 255),
    TEXT(struct config_bridge, "datapath_id", datapath_id),
    TEXT(struct config_bridge, "fail_mode", fail_mode),
    LIST(struct config_bridge, "controllers", controllers, &text_item),
    NUMBER(struct config_bridge, "probe_s", probe_s),
    NUMBER(struct config_bridge, "packet_in_rate", packet_in_rate),
    NUMBER(struct config_bridge, "packet_in_burst", packet_in_burst),
    FLAG(struct config_bridge, "local", local),
    FLAG(struct config_bridge, "forward_bpdu", forward_bpdu),
    CYAML_FIELD_MAPPING("fdb", OPT, struct config_bridge, fdb, fdb_fields),
    CYAML_FIELD_MAPPING("stp", OPT, struct config_bridge, stp, stp_fields),
    LIST(struct config_bridge, "ports", ports, &port_item),
    LIST(struct config_bridge, "meters", meters, &text_item),
    LIST(struct config_bridge, "groups", groups, &text_item),
    LIST(struct config_bridge, "flows", flows, &text_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t bridge_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_bridge, config_bridge_fields)};

static const cyaml_schema_field_t link_fields[] = {
    CYAML_FIELD_STRING_PTR("port", CYAML_FLAG_POINTER, struct config_link, port, 1, 255),
    CYAML_FIELD_STRING_PTR("ip", CYAML_FLAG_POINTER, struct config_link, ip, 1, 255),
    TEXT(struct config_link, "mac", mac),
    TEXT(struct config_link, "device", device),
    NUMBER(struct config_link, "vlan", vlan),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t link_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_link, link_fields)};

static const cyaml_schema_field_t way_fields[] = {
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER, struct config_vtep_route, prefix, 1, 255),
    CYAML_FIELD_SEQUENCE("via", CYAML_FLAG_POINTER | CYAML_FLAG_FLOW, struct config_vtep_route, via,
                         &text_item, 1, VTEP_VIAS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t way_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_vtep_route, way_fields)};

const cyaml_schema_field_t config_vtep_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_vtep, name, 1, 255),
    CYAML_FIELD_STRING_PTR("ip", CYAML_FLAG_POINTER, struct config_vtep, ip, 1, 255),
    TEXT(struct config_vtep, "port", port),
    NUMBER(struct config_vtep, "vlan", vlan),
    TEXT(struct config_vtep, "mac", mac),
    TEXT(struct config_vtep, "gateway", gateway),
    TEXT(struct config_vtep, "kernel", kernel),
    TEXT(struct config_vtep, "device", device),
    LIST(struct config_vtep, "neighbors", neighbors, &neighbor_item),
    LIST(struct config_vtep, "links", links, &link_item),
    LIST(struct config_vtep, "routes", routes, &way_item),
    NUMBER(struct config_vtep, "udp_port", udp_port),
    NUMBER(struct config_vtep, "ttl", ttl),
    CYAML_FIELD_BOOL_PTR("df", OPT_PTR, struct config_vtep, df),
    CYAML_FIELD_BOOL_PTR("udp_checksum", OPT_PTR, struct config_vtep, udp_checksum),
    FLAG(struct config_vtep, "udp6_zero", udp6_zero),
    TEXT(struct config_vtep, "dscp", dscp),
    TEXT(struct config_vtep, "extension", extension),
    FLAG(struct config_vtep, "inner_vlan", inner_vlan),
    FLAG(struct config_vtep, "nested", nested),
    FLAG(struct config_vtep, "known_only", known_only),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t vtep_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_vtep, config_vtep_fields)};

static const cyaml_schema_field_t route_fields[] = {
    CYAML_FIELD_STRING_PTR("prefix", CYAML_FLAG_POINTER, struct config_route, prefix, 1, 255),
    LIST(struct config_route, "via", via, &text_item),
    FLAG(struct config_route, "blackhole", blackhole),
    FLAG(struct config_route, "unreachable", unreachable),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t route_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_route, route_fields)};

const cyaml_schema_field_t config_router_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_router, name, 1, 255),
    NUMBER(struct config_router, "max_routes", max_routes),
    NUMBER(struct config_router, "kernel_table", kernel_table),
    TEXT(struct config_router, "kernel_netns", kernel_netns),
    LIST(struct config_router, "routes", routes, &route_item),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t router_item = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_router, config_router_fields)};

static const cyaml_schema_field_t workers_fields[] = {
    LIST(struct config_workers, "cpus", cpus, &int_item),
    NUMBER(struct config_workers, "idle_spin_us", idle_spin_us),
    NUMBER(struct config_workers, "idle_sleep_us", idle_sleep_us),
    FLAG(struct config_workers, "busy_poll", busy_poll),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t memory_fields[] = {
    NUMBER(struct config_memory, "mbufs", mbufs),
    NUMBER(struct config_memory, "mbuf_data_bytes", mbuf_data_bytes),
    TEXT(struct config_memory, "hugepages", hugepages),
    NUMBER(struct config_memory, "memory_mb", memory_mb),
    FLAG(struct config_memory, "pci", pci),
    TEXT(struct config_memory, "driver_path", driver_path),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t tls_fields[] = {
    TEXT(struct config_tls, "private_key", private_key),
    TEXT(struct config_tls, "certificate", certificate),
    TEXT(struct config_tls, "ca_cert", ca_cert),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t top_fields[] = {
    CYAML_FIELD_MAPPING("workers", OPT | CYAML_FLAG_FLOW, struct config, workers, workers_fields),
    CYAML_FIELD_MAPPING("memory", OPT | CYAML_FLAG_FLOW, struct config, memory, memory_fields),
    CYAML_FIELD_MAPPING("tls", OPT | CYAML_FLAG_FLOW, struct config, tls, tls_fields),
    TEXT(struct config, "log_level", log_level),
    LIST(struct config, "vteps", vteps, &vtep_item),
    LIST(struct config, "routers", routers, &router_item),
    LIST(struct config, "bridges", bridges, &bridge_item),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config, top_fields)};

cyaml_config_t config_cyaml(void)
{
    return (cyaml_config_t){.mem_fn = cyaml_mem, .flags = CYAML_CFG_NO_ALIAS};
}

const cyaml_schema_field_t *config_field_find(const cyaml_schema_field_t *f, const char *key)
{
    for (; f->key; f++)
        if (strcmp(f->key, key) == 0)
            return f;
    return NULL;
}

uint64_t config_uint_max(const cyaml_schema_value_t *v)
{
    return v->data_size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * v->data_size)) - 1;
}
