/* datapath/drop.h: every way a packet can end without being sent.
 *
 * The list below is the list of failures of the fast path: no mbuf is freed
 * without a reason from it, and each is counted per worker. The last few frames
 * of each reason are kept (snapped) for `weftctl drops`.
 */
#ifndef WEFT_DATAPATH_DROP_H
#define WEFT_DATAPATH_DROP_H

/*   id                name                  what it means, for people */
#define DROP_REASONS(X)                                                                         \
    X(RX_TRUNCATED, "rx-truncated", "the frame is shorter than an Ethernet header")             \
    X(RX_TOO_LONG, "rx-too-long", "the frame is longer than the port's MTU allows")             \
    X(RX_BAD_OFFLOAD, "rx-bad-offload", "the sender's offload request makes no sense")          \
    X(PORT_DOWN, "port-down", "the port it came from is administratively down")                 \
    X(PORT_NO_RECV, "port-no-recv", "OFPPC_NO_RECV is set on its port")                         \
    X(LINK_RESERVED, "link-reserved", "to 01-80-C2-00-00-0x, which a bridge never forwards")    \
    X(STP_BLOCKED, "stp-blocked", "its port's spanning tree state doesn't let it in")           \
    X(STP_BLOCKED_OUT, "stp-blocked-out", "its output port's spanning tree state keeps it in")  \
    X(GUARD_MAC, "guard-mac", "its source MAC is not bound to its port")                        \
    X(GUARD_ARP, "guard-arp", "it claims by ARP or RARP what is not bound to its port")         \
    X(GUARD_ND, "guard-nd", "it claims by Neighbor Discovery what is not bound to its port")    \
    X(GUARD_IP, "guard-ip", "its source address is not bound to its port")                      \
    X(GUARD_DHCP, "guard-dhcp", "a guest's port answers DHCP, or asks for another's MAC")       \
    X(GUARD_ROUTER, "guard-router", "a guest's port advertises a router, or redirects")         \
    X(GUARD_VLAN, "guard-vlan", "a guest's port sends a tag that is not its own, or several")   \
    X(GUARD_TYPE, "guard-type", "a guest's port sends neither IP nor ARP")                      \
    X(GUARD_MALFORMED, "guard-malformed", "its headers can't be read to where claims may be")   \
    X(PORT_HELD, "port-held", "its port's VM has not come yet: activation (docs/migration.md)") \
    X(GUARD_RATE, "guard-rate", "more ARP, ND and DHCP than a guest's port may send")           \
    X(VLAN_FILTERED, "vlan-filtered", "its VLAN is not allowed in on its port")                 \
    X(SELF_DIRECTED, "self-directed", "its destination lives on the port it came from")         \
    X(SPLIT_HORIZON, "split-horizon", "it came out of a tunnel and would go into one again")    \
    X(NO_DESTINATION, "no-destination", "flooding found no other port to send to")              \
    X(TABLE_MISS, "table-miss", "no rule matched and the table has no miss rule")               \
    X(RULE_DROP, "rule-drop", "the rules it matched send it nowhere")                           \
    X(BAD_TABLE, "bad-table", "a rule goes to a table that has gone")                           \
    X(RECIRC_LIMIT, "recirc-limit", "it went through the tables too many times")                \
    X(RESUBMIT_LIMIT, "resubmit-limit", "resubmits too deep, or too many of them")              \
    X(STACK, "stack-limit", "a pop without a push, or more pushes than the stack holds")        \
    X(NO_OUTPUT_PORT, "no-output-port", "a rule outputs to a port that does not exist")         \
    X(OUTPUT_DOWN, "output-down", "its output port is down or OFPPC_NO_FWD")                    \
    X(OUTPUT_IS_INPUT, "output-is-input", "a rule outputs to the ingress port without IN_PORT") \
    X(NO_GROUP, "no-group", "a rule or packet-out sends it to a group that does not exist")     \
    X(GROUP_DEAD, "group-dead", "its group has no bucket, or none that is live")                \
    X(GROUP_LIMIT, "group-limit", "groups forward to groups too deep, or copy it too often")    \
    X(METERED, "metered", "a meter's band says that it is one too many")                        \
    X(TTL_INVALID, "ttl-invalid", "a decrement found a TTL of 0 or 1")                          \
    X(ACTION_BAD, "action-bad", "an action does not fit the frame (no such header)")            \
    X(NO_MBUF, "no-mbuf", "the packet buffers are used up")                                     \
    X(PUNT_FULL, "punt-full", "the queue to control is full")                                   \
    X(PUNT_POLICED, "punt-policed", "more packets of its class for control than allowed")       \
    X(PACKET_IN_OFF, "packet-in-off", "for the controller, but none is connected")              \
    X(TX_FULL, "tx-full", "the output port's queue is full")                                    \
    X(TX_ERROR, "tx-error", "the output port's device refused it")                              \
    X(TX_TOO_BIG, "tx-too-big", "longer than the output port's MTU")                            \
    X(TX_OFFLOAD, "tx-offload", "its offloads could not be resolved in software")               \
    X(BOND_NO_MEMBER, "bond-no-member", "its output port is a bond, and no member may send")    \
    X(BOND_NOT_COLLECTING, "bond-not-collecting", "its link is not collecting: LACP's word")    \
    X(BOND_INACTIVE, "bond-inactive", "it came in at a member that stands by")                  \
    X(BOND_ECHO, "bond-echo", "a frame that was flooded out of a bond has come back at it")     \
    X(NO_BRIDGE, "no-bridge", "its port belongs to no bridge")                                  \
    X(TUN_BAD_IP, "tunnel-bad-ip", "to a VTEP of ours: its IP header makes no sense")           \
    X(TUN_FRAGMENT, "tunnel-fragment", "to a VTEP of ours: a fragment (RFC 7348 4.3)")          \
    X(TUN_NOT_VXLAN, "tunnel-not-vxlan", "to a VTEP of ours, but not VXLAN")                    \
    X(TUN_BAD_UDP, "tunnel-bad-udp", "to a VTEP of ours: UDP's length is wrong")                \
    X(TUN_BAD_CSUM, "tunnel-bad-checksum", "to a VTEP of ours: UDP's checksum is wrong")        \
    X(TUN_NO_CSUM, "tunnel-no-checksum", "to a VTEP of ours: none over IPv6, and not allowed")  \
    X(TUN_BAD_HEADER, "tunnel-bad-header", "to a VTEP of ours: no VNI, or cut off")             \
    X(TUN_UNKNOWN_VNI, "tunnel-unknown-vni", "no port has its VNI")                             \
    X(TUN_UNKNOWN_REMOTE, "tunnel-unknown-remote", "from a VTEP that its port doesn't know")    \
    X(TUN_INNER_SHORT, "tunnel-inner-short", "the frame inside is shorter than Ethernet")       \
    X(TUN_INNER_VLAN, "tunnel-inner-vlan", "the frame inside is tagged (RFC 7348 6.1)")         \
    X(TUN_NESTED, "tunnel-nested", "the frame inside is VXLAN again")                           \
    X(TUN_ECN, "tunnel-ecn", "congestion marked on a flow that can't be told (RFC 6040)")       \
    X(TUN_BAD_KEY, "tunnel-bad-key", "its tunnel_id is no VNI of 24 bits")                      \
    X(TUN_BAD_SOURCE, "tunnel-bad-source", "an action set tun_src to what is not our address")  \
    X(TUN_NO_REMOTE, "tunnel-no-remote", "its tunnel has no remote VTEP to send it to")         \
    X(TUN_NO_UPLINK, "tunnel-no-uplink", "its VTEP has no port to the underlay")                \
    X(TUN_SUPPRESSED, "tunnel-suppressed", "not lost: answered from what is known of its VNI")  \
    X(TUN_NO_ROUTE, "tunnel-no-route", "no link and no route leads to the remote VTEP")         \
    X(TUN_NO_NEIGHBOUR, "tunnel-no-neighbour", "the remote VTEP's next hop does not answer")    \
    X(TUN_NO_ROOM, "tunnel-no-room", "its buffer has no room for the outer headers")            \
    X(ROUTE_NOT_MINE, "router-not-mine", "not lost: a flood's copy that no router wants")       \
    X(ROUTE_DOWN, "router-down", "its interface belongs to no router")                          \
    X(ROUTE_NOT_IP, "router-not-ip", "to a router's MAC, but neither IPv4, IPv6 nor ARP")       \
    X(ROUTE_BAD_IP, "router-bad-ip", "to a router: its header makes no sense, or its checksum") \
    X(ROUTE_MARTIAN, "router-martian", "from or to an address that no router forwards")         \
    X(ROUTE_MULTICAST, "router-multicast", "to a group: multicast isn't routed")                \
    X(ROUTE_URPF, "router-urpf", "the way back to its source doesn't lead where it came from")  \
    X(ROUTE_NO_ROUTE, "router-no-route", "no route leads to its destination")                   \
    X(ROUTE_BLACKHOLE, "router-blackhole", "its route is a blackhole")                          \
    X(ROUTE_TTL, "router-ttl", "its TTL or hop limit ended at a router")                        \
    X(ROUTE_TOO_BIG, "router-too-big", "longer than the way out allows, and must not be cut")   \
    X(ROUTE_NO_NEIGHBOUR, "router-no-neighbour", "its next hop doesn't say where it lives")     \
    X(ROUTE_POLICED, "router-policed", "more for a router itself than it lets in")              \
    X(ROUTE_NOT_TAKEN, "router-not-taken", "for a router itself, which has no use for it")      \
    X(ROUTE_VRRP_UNKNOWN, "router-vrrp-unknown", "VRRP of a VRID that isn't configured here")   \
    X(PUNTED, "punted", "not lost: handed to control")

enum drop_reason {
#define X(id, name, text) DROP_##id,
    DROP_REASONS(X)
#undef X
        DROP_COUNT,
};

/* A worker's last samples of each reason. */
struct drop_ring;
struct drop_ring *drop_ring_create(void);
void drop_ring_free(struct drop_ring *d);

/* "tx-full"; the same words are in the API, the docs and the metrics. */
const char *drop_name(enum drop_reason r);
/* A sentence for people. */
const char *drop_text(enum drop_reason r);

#endif
