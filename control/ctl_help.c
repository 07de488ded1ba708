/* control/ctl_help.c: the commands, and what help says about them. */
#include <string.h>

#include "control/ctl.h"

#define PORT_KEYS                                                                                \
    "  keys: type (tap, vhost-user, af_packet, pcap, null, ring, dpdk, vxlan, bond,\n"           \
    "  router), ifname, netns, path, server, pcap_in, pcap_out, pcap_loop, devargs, queues, "    \
    "ofport, mac, mtu,\n"                                                                        \
    "  down, offloads, vlan_mode, tag, trunks, cvlans, priority_tags, qinq_ethtype, max_macs,\n" \
    "  vtep, key, remote_ip, remotes, suppress\n"                                                \
    "  of a router's interface: router, addresses, urpf (off, loose, strict), anycast, dad\n"    \
    "  of a bond: members, mode (lacp, active-backup, balance-xor), hash (l2, l2+l3, l3+l4),\n"  \
    "  symmetric, primary, min_links, max_links, up_delay_ms, down_delay_ms, lacp_passive,\n"    \
    "  lacp_slow, lacp_fallback, lacp_key, lacp_priority, rebalance_s\n"                         \
    "  stp.edge, stp.cost, stp.priority, stp.p2p, stp.off, stp.bpdu_guard, stp.bpdu_filter,\n"   \
    "  stp.root_guard, stp.tcn_guard, stp.loop_guard, stp.network\n"
#define VTEP_KEYS                                                                                  \
    "  keys: ip, port, vlan, mac, gateway, kernel, device, udp_port, ttl, df, udp_checksum, "      \
    "udp6_zero, dscp,\n"                                                                           \
    "  extension (gbp, gpe), inner_vlan, nested, known_only; in the file also neighbors, links,\n" \
    "  routes\n"
#define BRIDGE_KEYS                                                                            \
    "  keys: datapath_id, fail_mode, controllers, probe_s, packet_in_rate, packet_in_burst,\n" \
    "  local, forward_bpdu, fdb.size, fdb.ageing_s, stp.mode (off, stp, rstp, mstp),\n"        \
    "  stp.priority, stp.hello_s, stp.max_age_s, stp.forward_delay_s, stp.max_hops,\n"         \
    "  stp.tx_hold, stp.path_cost, stp.recovery_s, stp.region, stp.revision\n"

const struct ctl_command ctl_commands[] = {
    {"show", NULL, ctl_show, 0, 0, 0, "", "bridges with their ports and controllers", NULL},

    {"bridge", "show", ctl_bridge_show, 0, 1, 0, "[BRIDGE]", "a table of bridges", NULL},
    {"bridge", "list", ctl_bridge_list, 0, 0, 0, "", "their names", NULL},
    {"bridge", "add", ctl_bridge_add, 1, -1, 0, "BRIDGE [BRIDGE_KEY=VALUE]...", "make a bridge",
     "  weftctl bridge add br0\n"
     "  weftctl bridge add br1 fail_mode=secure controllers=tcp:127.0.0.1:6653\n" BRIDGE_KEYS},
    {"bridge", "del", ctl_bridge_del, 1, 1, 0, "BRIDGE", "delete a bridge with its ports", NULL},
    {"bridge", "set", ctl_bridge_set, 2, -1, 0, "BRIDGE BRIDGE_KEY=VALUE...",
     "change keys; KEY= takes one away",
     "  weftctl bridge set br0 controllers=ptcp:6653,tcp:10.0.0.1 fdb.ageing_s=60\n"},

    {"port", "show", ctl_port_show, 0, 1, 0, "[PORT|BRIDGE]", "a table of ports, or all about one",
     NULL},
    {"port", "list", ctl_port_list, 0, 1, 0, "[BRIDGE]", "their names", NULL},
    {"port", "add", ctl_port_add, 2, -1, 0, "BRIDGE NEW_PORT [PORT_KEY=VALUE]...",
     "make a port, a tap unless type= says otherwise",
     "  weftctl port add br0 vm1 tag=10\n"
     "  weftctl port add br0 vm2 type=vhost-user path=/run/vm2.sock\n"
     "  weftctl port add br0 up0 type=af_packet ifname=veth0 trunks=10,20-29\n" PORT_KEYS},
    {"port", "del", ctl_port_del, 1, 2, 0, "[BRIDGE] PORT", "delete a port", NULL},
    {"port", "set", ctl_port_set, 2, -1, 0, "PORT PORT_KEY=VALUE...",
     "change keys; KEY= takes one away",
     "  weftctl port set vm1 tag=20 mtu=9000\n"
     "  weftctl port set vm1 down=true\n"
     "  weftctl port set vm1 tag=        # no VLAN any more\n"},

    {"port", "activate", ctl_port_activate, 1, 1, 0, "PORT",
     "the port's VM is here from now on: opens it and announces the VM", NULL},
    {"port", "handover", ctl_port_handover, 2, 2, 0, "export|import PORT",
     "what moves with a VM: writes it to stdout, or reads it from stdin",
     "  weftctl port handover export vm7 | ssh west weftctl port handover import vm7\n"},
    {"announce", NULL, ctl_announce, 0, 1, 0, "[PORT]",
     "say again where a VM is, or all that are here: ARP, ND, RARP; five rounds",
     "  weftctl announce vm7\n"},

    {"fdb", "show", ctl_fdb_show, 0, 3, 0, "[BRIDGE] [port=PORT] [vlan=VLAN]", "where MACs live",
     NULL},
    {"fdb", "flush", ctl_fdb_flush, 0, 3, 0, "[BRIDGE] [port=PORT] [vlan=VLAN]",
     "forget learnt MACs", "  weftctl fdb flush br0 port=vm1\n"},
    {"fdb", "add", ctl_fdb_add, 4, 4, 0, "BRIDGE MAC VLAN PORT", "a static MAC; VLAN 0: none",
     "  weftctl fdb add br0 02:00:00:00:00:01 10 vm1\n"},
    {"fdb", "del", ctl_fdb_del, 2, 3, 0, "BRIDGE MAC [VLAN]", "delete one MAC", NULL},

    {"vtep", "show", ctl_vtep_show, 0, 1, 0, "[VTEP]",
     "our tunnel end points, and the remote ones that they know", NULL},
    {"vtep", "add", ctl_vtep_add, 2, -1, 0, "NEW_VTEP ip=ADDRESS [VTEP_KEY=VALUE]...",
     "make a tunnel end point",
     "  weftctl vtep add vt ip=192.0.2.1/24 port=up0 gateway=192.0.2.254\n" VTEP_KEYS},
    {"vtep", "set", ctl_vtep_set, 2, -1, 0, "VTEP VTEP_KEY=VALUE...",
     "change it; KEY= takes a key away", "  weftctl vtep set vt gateway=192.0.2.253\n" VTEP_KEYS},
    {"vtep", "del", ctl_vtep_del, 1, 1, 0, "VTEP", "delete one that no port goes through", NULL},
    {"vni", "show", ctl_vni_show, 0, 0, 0, "", "VNIs, their bridges, VLANs and counters", NULL},
    {"router", "show", ctl_router_show, 0, 1, 0, "[ROUTER]",
     "virtual routers, their interfaces, counters and drops",
     "  weftctl port add br0 gw10 type=router router=r1 tag=10 addresses=10.0.10.1/24\n"},
    {"router", "route", ctl_router_route, 0, 2, 0, "[ROUTER] [PREFIX]",
     "routes, the best of each prefix", "  weftctl router route r1 0.0.0.0/0\n"},
    {"router", "neigh", ctl_router_neigh, 0, 1, 0, "[ROUTER]",
     "neighbours (ARP, ND) with their states", NULL},
    {"vrrp", "show", ctl_vrrp_show, 0, 1, 0, "[PORT]",
     "virtual routers of VRRP: states, priorities, who is Active", NULL},
    {"stp", "show", ctl_stp_show, 0, 1, 0, "[BRIDGE]",
     "spanning trees: root, roles, states, and why a port is blocked",
     "  weftctl bridge set br0 stp.mode=rstp stp.priority=4096\n"
     "  weftctl port set vm1 stp.edge=yes stp.bpdu_guard=true\n"},
    {"stp", "migrate", ctl_stp_migrate, 1, 1, 0, "PORT",
     "try RSTP again after an STP bridge has gone", NULL},
    {"stp", "recover", ctl_stp_recover, 1, 1, 0, "PORT", "enable a port that BPDU guard disabled",
     NULL},

    {"flow", "add", ctl_flow_add, 2, -1, 0, "BRIDGE FLOW...|-|@FILE",
     "add flows, in ovs-ofctl's syntax",
     "  weftctl flow add br0 'priority=10,in_port=vm1,ip,nw_dst=10.0.0.0/8,actions=output:vm2'\n"
     "  weftctl flow add br0 'table=1,tcp,tp_dst=22,actions=drop'\n"
     "  weftctl flow add br0 - < flows.txt      # a flow a line; # begins a comment\n"},
    {"flow", "mod", ctl_flow_mod, 2, -1, CTL_OPT_STRICT, "BRIDGE [--strict] FLOW...|-|@FILE",
     "change the actions of flows that match", NULL},
    {"flow", "del", ctl_flow_del, 1, -1, CTL_OPT_STRICT, "BRIDGE [--strict] [MATCH...|-|@FILE]",
     "delete flows that match; without MATCH all",
     "  weftctl flow del br0 in_port=vm1\n"
     "  weftctl flow del br0 --strict 'priority=10,in_port=vm1'\n"},
    {"flow", "dump", ctl_flow_dump, 1, 2, 0, "BRIDGE [MATCH]", "flows with their counters",
     "  weftctl flow dump br0 table=1,tcp\n"},
    {"flow", "replace", ctl_flow_replace, 2, -1, 0, "BRIDGE FLOW...|-|@FILE",
     "make the bridge's flows be these; what stays keeps its counters",
     "  weftctl flow replace br0 @flows.txt\n"},

    {"group", "show", ctl_group_show, 0, 1, 0, "[BRIDGE]", "groups, their buckets and counters",
     NULL},
    {"group", "add", ctl_group_add, 2, -1, 0, "BRIDGE GROUP", "add a group, in ovs-ofctl's syntax",
     "  weftctl group add br0 group_id=1,type=select,bucket=output:vm1,bucket=output:vm2\n"
     "  weftctl group add br0 "
     "group_id=2,type=ff,bucket=watch_port:up0,output:up0,bucket=watch_port:up1,output:up1\n"
     "  weftctl flow add br0 in_port=vm3,actions=group:1\n"},
    {"group", "mod", ctl_group_mod, 2, -1, 0, "BRIDGE GROUP", "replace a group's type and buckets",
     NULL},
    {"group", "del", ctl_group_del, 1, 2, 0, "BRIDGE [group_id=N]",
     "delete a group and the flows that name it; without N all", NULL},
    {"meter", "show", ctl_meter_show, 0, 1, 0, "[BRIDGE]", "meters, their bands and counters",
     NULL},
    {"meter", "add", ctl_meter_add, 2, -1, 0, "BRIDGE METER", "add a meter, in ovs-ofctl's syntax",
     "  weftctl meter add br0 meter=1 kbps burst bands=type=drop rate=10000 burst_size=1000\n"
     "  weftctl flow add br0 in_port=vm1,actions=meter:1,normal\n"},
    {"meter", "mod", ctl_meter_mod, 2, -1, 0, "BRIDGE METER", "replace a meter's bands", NULL},
    {"meter", "del", ctl_meter_del, 1, 2, 0, "BRIDGE [meter=N]",
     "delete a meter and the flows that name it; without N all", NULL},

    {"bond", "show", ctl_bond_show, 0, 1, 0, "[PORT]", "bonds, their members, and who is in use",
     "  weftctl port add br0 bond0 type=bond members=up0,up1 # first: members never are in br0\n"
     "  weftctl port add br0 up0 type=af_packet ifname=eth0\n"
     "  weftctl port add br0 up1 type=af_packet ifname=eth1\n"},
    {"lacp", "show", ctl_lacp_show, 0, 1, 0, "[PORT]",
     "what LACP knows of both ends, and why a link is not bundled", NULL},
    {"lacp", "marker", ctl_lacp_marker, 1, 1, 0, "PORT", "send a Marker out of a bond's member",
     NULL},

    {"trace", NULL, ctl_trace, 2, 3, 0, "BRIDGE in_port=PORT[,MATCH] [HEX|FILE.pcap[#N]]",
     "which way a frame would take, by the datapath's own code: nothing is sent, learnt or counted",
     "  weftctl trace br0 in_port=vm1,tcp,nw_dst=10.0.0.7,tp_dst=80\n"
     "  weftctl trace br0 in_port=vm1 capture.pcap#3\n"},
    {"packet-out", NULL, ctl_packet_out, 4, 4, 0, "BRIDGE PORT|controller ACTIONS HEX",
     "send a frame through actions",
     "  weftctl packet-out br0 controller output:vm1 ffffffffffff02000000000188b50000\n"},
    {"table", "show", ctl_table_show, 0, 2, CTL_OPT_ALL, "[BRIDGE] [all]",
     "how flow tables are compiled and used", NULL},
    {"controller", "show", ctl_controller_show, 0, 1, 0, "[BRIDGE]", "controllers and their state",
     NULL},
    {"stats", NULL, ctl_stats, 0, -1, CTL_OPT_WATCH, "[PORT]... [--watch SECONDS]",
     "rates of ports and drops, over a second",
     "  weftctl stats --watch 5 vm1 vm2\n"
     "  weftctl stats --interval 0.2\n"},
    {"perf", NULL, ctl_perf, 0, 0, CTL_OPT_WATCH, "[--watch SECONDS]",
     "what the workers do with their time", NULL},
    {"drops", NULL, ctl_drops, 0, 1, CTL_OPT_ALL, "[REASON|all]",
     "what was dropped, why, and the last frames",
     "  weftctl drops vlan-filtered             # that reason's last frames in hexadecimal\n"},
    {"reload", NULL, ctl_reload, 0, 0, 0, "", "read the configuration file again", NULL},
    {"config", "show", ctl_config_show, 0, 0, 0, "", "the configuration in force, as YAML", NULL},
    {"log-level", NULL, ctl_log_level, 0, 1, 0, "[LEVEL]", "show or set the log's level", NULL},
    {"version", NULL, ctl_version, 0, 0, 0, "", "versions of weftctl and weftd", NULL},
    {"api", NULL, ctl_api, 1, 2, 0, "METHOD [JSON]", "call a method of the API",
     "  weftctl api port.add '{\"bridge\":\"br0\",\"name\":\"vm1\",\"tag\":10}'\n"},
    {"completion", NULL, ctl_completion, 1, 1, 0, "bash", "print the completion script",
     "  source <(weftctl completion bash)\n"},
    {"help", NULL, ctl_help, 0, 2, 0, "[COMMAND]", "this, or about one command", NULL},
    {0},
};

bool ctl_is_noun(const char *noun)
{
    for (const struct ctl_command *k = ctl_commands; k->noun; k++)
        if (!strcmp(k->noun, noun))
            return true;
    return false;
}

/* verb NULL: the noun's own command, or its "show". */
const struct ctl_command *ctl_find(const char *noun, const char *verb)
{
    for (const struct ctl_command *k = ctl_commands; k->noun; k++) {
        if (strcmp(k->noun, noun))
            continue;
        if (!k->verb || (verb && !strcmp(k->verb, verb)) || (!verb && !strcmp(k->verb, "show")))
            return k;
    }
    return NULL;
}

/* Completion wants to know more of a word than people do: PORT_KEY is a KEY. */
static void drop_word(char *text, const char *word)
{
    char *at = strstr(text, word);
    if (at)
        memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

static void line(struct ctl *c, const struct ctl_command *k)
{
    char left[128];
    snprintf(left, sizeof left, "%s%s%s%s%s", k->noun, k->verb ? " " : "", k->verb ? k->verb : "",
             *k->args ? " " : "", k->args);
    drop_word(left, "PORT_");
    drop_word(left, "BRIDGE_");
    drop_word(left, "NEW_");
    if (strlen(left) > 44)
        fprintf(c->out, "  %s\n  %-44s  %s\n", left, "", k->text);
    else
        fprintf(c->out, "  %-44s  %s\n", left, k->text);
}

static void overview(struct ctl *c)
{
    fputs("usage: weftctl [--rundir DIR | --socket PATH] [--json] COMMAND [ARGUMENT]...\n\n",
          c->out);
    for (const struct ctl_command *k = ctl_commands; k->noun; k++)
        line(c, k);
    fputs("\n`weftctl help COMMAND` gives examples. The runtime directory is /run/weft.\n"
          "Exit status: 0 done, 1 refused by weftd, 2 wrong usage, 3 no weftd.\n",
          c->out);
}

int ctl_help(struct ctl *c, int argc, char **argv)
{
    bool found = false;
    if (argc == 0) {
        overview(c);
        return CTL_OK;
    }
    for (const struct ctl_command *k = ctl_commands; k->noun; k++) {
        if (strcmp(k->noun, argv[0]) || (argc > 1 && (!k->verb || strcmp(k->verb, argv[1]))))
            continue;
        line(c, k);
        if (k->examples)
            fputs(k->examples, c->out);
        found = true;
    }
    return found ? CTL_OK : ctl_usage(c, "no command \"%s\"; see `weftctl help`", argv[0]);
}
