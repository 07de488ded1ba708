#!/usr/bin/python3
"""Golden OpenFlow 1.3 messages, made by os-ken and not by us.

    gen_of13_golden.py                 prints of13_golden.h
    gen_of13_golden.py --corpus DIR    writes each message to DIR (seeds for the fuzzer)
"""
import os
import struct
import sys

from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

DP = ProtocolDesc(version=o.OFP_VERSION)


def match_v4():
    return p.OFPMatch(in_port=3, eth_type=0x0800, ip_proto=6, vlan_vid=(0x1000, 0x1000),
                      ipv4_src=("10.1.0.0", "255.255.0.0"), tcp_dst=443)


def match_nd():
    return p.OFPMatch(eth_type=0x86dd, ip_proto=58, icmpv6_type=135,
                      ipv6_src=("2001:db8::", "ffff:ffff::"), ipv6_nd_target="fe80::1",
                      ipv6_nd_sll="02:00:00:00:00:01")


def match_arp():
    return p.OFPMatch(eth_type=0x0806, arp_op=1, arp_spa="10.0.0.1", arp_tpa="10.0.0.2",
                      arp_sha="02:00:00:00:00:0a", vlan_vid=0x1000 | 7, vlan_pcp=5)


def flow_mod(match, inst, **kw):
    return p.OFPFlowMod(DP, match=match, instructions=inst, buffer_id=o.OFP_NO_BUFFER,
                        out_port=o.OFPP_ANY, out_group=o.OFPG_ANY, **kw)


def actions():
    return [p.OFPActionPushVlan(0x8100), p.OFPActionSetField(vlan_vid=0x1000 | 42),
            p.OFPActionSetField(ipv4_dst="192.0.2.1"), p.OFPActionDecNwTtl(),
            p.OFPActionOutput(7), p.OFPActionOutput(o.OFPP_CONTROLLER, 128)]


def mpls_actions():
    return [p.OFPActionPushMpls(0x8847), p.OFPActionSetField(mpls_label=0xabcde),
            p.OFPActionSetMplsTtl(9), p.OFPActionOutput(o.OFPP_IN_PORT)]


def messages():
    apply_ = o.OFPIT_APPLY_ACTIONS
    write = o.OFPIT_WRITE_ACTIONS
    yield "flow_add_v4", flow_mod(
        match_v4(),
        [p.OFPInstructionActions(apply_, actions()),
         p.OFPInstructionActions(write, [p.OFPActionOutput(o.OFPP_NORMAL)]),
         p.OFPInstructionWriteMetadata(0x1122, 0xffff), p.OFPInstructionGotoTable(5)],
        cookie=0x0102030405060708, table_id=2, priority=4660, idle_timeout=10, hard_timeout=300,
        flags=o.OFPFF_SEND_FLOW_REM)
    yield "flow_add_nd", flow_mod(match_nd(), [p.OFPInstructionActions(
        apply_, [p.OFPActionOutput(1)])], priority=1)
    yield "flow_add_arp", flow_mod(match_arp(), [p.OFPInstructionActions(
        apply_, [p.OFPActionPopVlan(), p.OFPActionOutput(o.OFPP_FLOOD)])], priority=2)
    yield "flow_add_mpls", flow_mod(p.OFPMatch(), [p.OFPInstructionActions(
        apply_, mpls_actions())], priority=3)
    yield "flow_delete_all", flow_mod(p.OFPMatch(), [], command=o.OFPFC_DELETE,
                                      table_id=o.OFPTT_ALL)
    yield "flow_clear", flow_mod(p.OFPMatch(metadata=(0x10, 0xf0), tunnel_id=77), [
        p.OFPInstructionActions(o.OFPIT_CLEAR_ACTIONS, [])], command=o.OFPFC_MODIFY_STRICT)
    yield "flow_group", flow_mod(p.OFPMatch(), [p.OFPInstructionActions(
        apply_, [p.OFPActionGroup(1)])])
    yield "flow_meter", flow_mod(p.OFPMatch(), [p.OFPInstructionMeter(1)])
    yield "packet_out", p.OFPPacketOut(DP, buffer_id=o.OFP_NO_BUFFER, in_port=o.OFPP_CONTROLLER,
                                       actions=[p.OFPActionOutput(2)], data=b"\x01\x02\x03")
    yield "port_mod", p.OFPPortMod(DP, port_no=9, hw_addr="02:00:00:00:00:09", config=1, mask=1,
                                   advertise=0)
    yield "flow_stats", p.OFPFlowStatsRequest(DP, 0, o.OFPTT_ALL, o.OFPP_ANY, o.OFPG_ANY,
                                              0x55, 0xff, match_v4())
    yield "aggregate", p.OFPAggregateStatsRequest(DP, 0, 1, o.OFPP_ANY, o.OFPG_ANY, 0, 0,
                                                  p.OFPMatch())
    yield "port_stats", p.OFPPortStatsRequest(DP, 0, o.OFPP_ANY)
    yield "desc", p.OFPDescStatsRequest(DP, 0)
    yield "set_config", p.OFPSetConfig(DP, o.OFPC_FRAG_NORMAL, 0xffff)


def wire(msg):
    msg.set_xid(0x11223344)
    msg.serialize()
    return bytes(msg.buf)


def replies():
    """What a switch sends: os-ken only parses these, so they are packed by its format strings."""
    port = struct.pack(o.OFP_PORT_PACK_STR, 2, b"\x02\0\0\0\0\x02", b"vm2", 1, 4, 0x20, 0, 0, 0,
                       1000, 2000)
    numbers = range(101, 113)
    yield "hello", o.OFPT_HELLO, struct.pack("!HHI", o.OFPHET_VERSIONBITMAP, 8, 1 << 4 | 1 << 1)
    yield "features_reply", o.OFPT_FEATURES_REPLY, struct.pack(
        o.OFP_SWITCH_FEATURES_PACK_STR, 0xb0, 256, 254, 0, 0x47, 0)
    yield "flow_removed", o.OFPT_FLOW_REMOVED, struct.pack(
        o.OFP_FLOW_REMOVED_PACK_STR0, 0xc0, 5, 1, 3, 12, 34, 6, 7, 89, 1011) \
        + match_bytes(match_v4())
    yield "packet_in", o.OFPT_PACKET_IN, struct.pack(
        "!IHBBQ", o.OFP_NO_BUFFER, 60, 1, 4, 0xdd) \
        + match_bytes(p.OFPMatch(in_port=6)) + b"\0\0\xaa\xbb\xcc"
    yield "port_status", o.OFPT_PORT_STATUS, struct.pack("!B7x", o.OFPPR_MODIFY) + port
    yield "port_desc_reply", o.OFPT_MULTIPART_REPLY, struct.pack(
        "!HH4x", o.OFPMP_PORT_DESC, 1) + port
    yield "port_stats_reply", o.OFPT_MULTIPART_REPLY, struct.pack(
        "!HH4x", o.OFPMP_PORT_STATS, 0) + struct.pack(
        o.OFP_PORT_STATS_PACK_STR, 2, *numbers, 3, 4)
    body = match_bytes(p.OFPMatch(in_port=6))
    inst = bytearray()
    p.OFPInstructionActions(o.OFPIT_APPLY_ACTIONS, [p.OFPActionOutput(1)]).serialize(inst, 0)
    yield "flow_stats_reply", o.OFPT_MULTIPART_REPLY, struct.pack(
        "!HH4x", o.OFPMP_FLOW, 0) + struct.pack(
        o.OFP_FLOW_STATS_0_PACK_STR, 48 + len(body) + len(inst), 7, 1, 2, 3, 4, 5, 6, 8, 9,
        10) + body + bytes(inst)
    yield "table_stats_reply", o.OFPT_MULTIPART_REPLY, struct.pack(
        "!HH4x", o.OFPMP_TABLE, 0) + struct.pack(
        o.OFP_TABLE_STATS_PACK_STR, 7, 1, 2, 3)
    yield "error", o.OFPT_ERROR, struct.pack(
        o.OFP_ERROR_MSG_PACK_STR, o.OFPET_BAD_MATCH, o.OFPBMC_BAD_PREREQ) + bytes(range(64))


def match_bytes(match):
    buf = bytearray()
    match.serialize(buf, 0)
    return bytes(buf)


def all_bytes():
    for name, msg in messages():
        yield name, wire(msg)
    for name, kind, body in replies():
        yield name, struct.pack("!BBHI", 4, kind, 8 + len(body), 0x11223344) + body


def print_table():
    print("/* tests/unit/of13_golden.h: made by gen_of13_golden.py with os-ken, then clang-format;\n"
          " * not to be edited. Only ofproto_wire_test.c includes it. */\n")
    for name, data in all_bytes():
        print("static const uint8_t golden_%s[] = {" % name)
        for i in range(0, len(data), 16):
            print("    " + ", ".join("0x%02x" % b for b in data[i:i + 16]) + ",")
        print("};")


def main():
    if sys.argv[1:2] != ["--corpus"]:
        return print_table()
    for name, data in all_bytes():
        with open(os.path.join(sys.argv[2], name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
