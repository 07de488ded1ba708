"""Each action and instruction of OpenFlow 1.3.5 (5.9 to 5.12): real frames in, and out as scapy computes them."""
import time

import pytest
from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p
from scapy.contrib.mpls import MPLS
from scapy.all import (ARP, Dot1Q, Ether, ICMP, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, IP, IPv6, Raw, SCTP, TCP, UDP)

from conformance import DP, Switch, apply, bucket, flow, group, out, write

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
DATA = Raw(b"x" * 40)


@pytest.fixture(scope="module", params=["veth", "tap"])
def switch(tmp_path_factory, request):
    s = Switch(tmp_path_factory.mktemp("weft"), request.param)
    yield s
    s.stop()


def eth(**kw):
    return Ether(**{"src": A, "dst": B, **kw})


def ip(l4=None, **kw):
    return IP(**{"src": "10.1.2.3", "dst": "10.4.5.6", "ttl": 64, **kw}) / (l4 or UDP(sport=1, dport=2)) / DATA


def ip6(l4=None, **kw):
    return IPv6(**{"src": "2001:db8::1", "dst": "2001:db8::2", "hlim": 64, **kw}) / (l4 or UDP(sport=1, dport=2)) / DATA


def arp(**kw):
    return ARP(**{"hwsrc": A, "hwdst": B, "psrc": "10.1.2.3", "pdst": "10.4.5.6", **kw}) / DATA


def nd(cls, target="2001:db8::9", option=b""):
    return IPv6(src="fe80::1", dst="fe80::2", hlim=255) / cls(tgt=target) / option


def mpls(*labels, kind=0x8847, inner=None):
    """labels: (label, ttl) from the outermost on."""
    f = eth(type=kind)
    for i, (label, ttl) in enumerate(labels):
        f = f / MPLS(label=label, ttl=ttl, s=i == len(labels) - 1)
    return f / (inner or ip())


def itag(isid, frame, pcp=0, dst=None, src=None):
    inner = bytes(frame)
    head = bytes(Ether(dst=dst or frame.dst, src=src or frame.src, type=0x88e7))
    return Raw(head + bytes([pcp << 5]) + isid.to_bytes(3, "big") + inner)


S = p.OFPActionSetField
T4, T6 = {"eth_type": 0x800}, {"eth_type": 0x86dd}
TCP4, TCP6 = {**T4, "ip_proto": 6}, {**T6, "ip_proto": 6}
UDP4, UDP6 = {**T4, "ip_proto": 17}, {**T6, "ip_proto": 17}
SCTP4, SCTP6 = {**T4, "ip_proto": 132}, {**T6, "ip_proto": 132}
ICMP4, ICMP6 = {**T4, "ip_proto": 1}, {**T6, "ip_proto": 58}
NS, NA = {**ICMP6, "icmpv6_type": 135}, {**ICMP6, "icmpv6_type": 136}
M = {"eth_type": 0x8847}
TAG = {"vlan_vid": (0x1000, 0x1000)}

SET = [
    ("eth_dst", {}, C, eth() / ip(), eth(dst=C) / ip()),
    ("eth_src", {}, C, eth() / arp(), eth(src=C) / arp()),
    ("eth_type", {}, 0x88b5, eth() / ip(), eth(type=0x88b5) / Raw(bytes(ip()))),
    ("vlan_vid", TAG, 0x1000 | 20, eth() / Dot1Q(vlan=10, prio=3) / ip(), eth() / Dot1Q(vlan=20, prio=3) / ip()),
    ("vlan_pcp", TAG, 5, eth() / Dot1Q(vlan=10, prio=3) / ip(), eth() / Dot1Q(vlan=10, prio=5) / ip()),
    ("ip_dscp", T4, 10, eth() / ip(tos=3), eth() / ip(tos=43)),
    ("ip_dscp", T6, 10, eth() / ip6(tc=3), eth() / ip6(tc=43)),
    ("ip_ecn", T4, 1, eth() / ip(tos=42), eth() / ip(tos=41)),
    ("ip_ecn", T6, 1, eth() / ip6(tc=42), eth() / ip6(tc=41)),
    ("ip_proto", T4, 99, eth() / ip(proto=17), None),
    ("ipv4_src", T4, "192.0.2.1", eth() / ip(TCP()), eth() / ip(TCP(), src="192.0.2.1")),
    ("ipv4_dst", T4, "192.0.2.1", eth() / ip(), eth() / ip(dst="192.0.2.1")),
    ("tcp_src", TCP4, 80, eth() / ip(TCP(sport=1)), eth() / ip(TCP(sport=80))),
    ("tcp_dst", TCP4, 80, eth() / ip(TCP(dport=1)), eth() / ip(TCP(dport=80))),
    ("tcp_src", TCP6, 80, eth() / ip6(TCP(sport=1)), eth() / ip6(TCP(sport=80))),
    ("tcp_dst", TCP6, 80, eth() / ip6(TCP(dport=1)), eth() / ip6(TCP(dport=80))),
    ("udp_src", UDP4, 53, eth() / ip(), eth() / ip(UDP(sport=53, dport=2))),
    ("udp_dst", UDP4, 53, eth() / ip(), eth() / ip(UDP(sport=1, dport=53))),
    ("udp_src", UDP6, 53, eth() / ip6(), eth() / ip6(UDP(sport=53, dport=2))),
    ("udp_dst", UDP6, 53, eth() / ip6(), eth() / ip6(UDP(sport=1, dport=53))),
    ("sctp_src", SCTP4, 9, eth() / ip(SCTP(sport=1)), eth() / ip(SCTP(sport=9))),
    ("sctp_dst", SCTP4, 9, eth() / ip(SCTP(dport=1)), eth() / ip(SCTP(dport=9))),
    ("sctp_src", SCTP6, 9, eth() / ip6(SCTP(sport=1)), eth() / ip6(SCTP(sport=9))),
    ("sctp_dst", SCTP6, 9, eth() / ip6(SCTP(dport=1)), eth() / ip6(SCTP(dport=9))),
    ("icmpv4_type", ICMP4, 0, eth() / ip(ICMP(type=8)), eth() / ip(ICMP(type=0))),
    ("icmpv4_code", ICMP4, 3, eth() / ip(ICMP(type=3, code=1)), eth() / ip(ICMP(type=3, code=3))),
    ("arp_op", {"eth_type": 0x806}, 2, eth() / arp(op=1), eth() / arp(op=2)),
    ("arp_spa", {"eth_type": 0x806}, "192.0.2.1", eth() / arp(), eth() / arp(psrc="192.0.2.1")),
    ("arp_tpa", {"eth_type": 0x806}, "192.0.2.1", eth() / arp(), eth() / arp(pdst="192.0.2.1")),
    ("arp_sha", {"eth_type": 0x806}, C, eth() / arp(), eth() / arp(hwsrc=C)),
    ("arp_tha", {"eth_type": 0x806}, C, eth() / arp(), eth() / arp(hwdst=C)),
    ("ipv6_src", T6, "2001:db8::77", eth() / ip6(TCP()), eth() / ip6(TCP(), src="2001:db8::77")),
    ("ipv6_dst", T6, "2001:db8::77", eth() / ip6(), eth() / ip6(dst="2001:db8::77")),
    ("ipv6_flabel", T6, 0x12345, eth() / ip6(), eth() / ip6(fl=0x12345)),
    ("icmpv6_type", ICMP6, 129, eth() / ip6(ICMPv6EchoRequest()), eth() / ip6(ICMPv6EchoRequest(type=129))),
    ("icmpv6_code", ICMP6, 4, eth() / ip6(ICMPv6EchoRequest()), eth() / ip6(ICMPv6EchoRequest(code=4))),
    ("ipv6_nd_target", NS, "2001:db8::8", eth() / nd(ICMPv6ND_NS), eth() / nd(ICMPv6ND_NS, "2001:db8::8")),
    ("ipv6_nd_sll", NS, C, eth() / nd(ICMPv6ND_NS, option=ICMPv6NDOptSrcLLAddr(lladdr=A)),
     eth() / nd(ICMPv6ND_NS, option=ICMPv6NDOptSrcLLAddr(lladdr=C))),
    ("ipv6_nd_tll", NA, C, eth() / nd(ICMPv6ND_NA, option=ICMPv6NDOptDstLLAddr(lladdr=A)),
     eth() / nd(ICMPv6ND_NA, option=ICMPv6NDOptDstLLAddr(lladdr=C))),
    ("mpls_label", M, 77, mpls((5, 64)), mpls((77, 64))),
    ("mpls_tc", M, 3, eth(type=0x8847) / MPLS(label=5, cos=0) / ip(), eth(type=0x8847) / MPLS(label=5, cos=3) / ip()),
    ("mpls_bos", M, 1, eth(type=0x8847) / MPLS(label=5, s=0) / ip(), eth(type=0x8847) / MPLS(label=5, s=1) / ip()),
    ("pbb_isid", {"eth_type": 0x88e7}, 0x50607, itag(1, eth() / ip()), itag(0x50607, eth() / ip())),
]


@pytest.mark.parametrize("field,need,value,frame,want", SET,
                         ids=[f"{f[0]}-{'-'.join(str(v) for v in f[1].values())}" for f in SET])
def test_set_field(switch, field, need, value, frame, want):
    switch.reset()
    switch.do(flow(p.OFPMatch(in_port=1, **need), [S(**{field: value}), out(2)]))
    got = switch.pass_through(frame)
    if field == "ip_proto":
        assert got[2][0][23] == 99 and IP(got[2][0][14:]).chksum == IP(bytes(ip(proto=99))).chksum
    else:
        assert got == {2: [bytes(want)]}
    if need:  # without what it requires it is refused
        assert switch.error(flow(p.OFPMatch(in_port=2), [S(**{field: value}), out(3)])) == \
            (o.OFPET_BAD_ACTION, o.OFPBAC_MATCH_INCONSISTENT)


def test_set_tunnel_id_and_metadata_are_the_pipelines_own(switch):
    switch.reset()
    switch.do(flow(None, [S(tunnel_id=5), out(2)]))
    assert list(switch.pass_through(eth() / ip())) == [2]
    for field in ({"in_port": 1}, {"in_phy_port": 1}, {"metadata": 1}):
        assert switch.error(flow(None, [S(**field)])) == (o.OFPET_BAD_ACTION, o.OFPBAC_BAD_SET_TYPE)


V = p.OFPActionPushVlan
PM, POPM = p.OFPActionPushMpls, p.OFPActionPopMpls
TTL_IN, TTL_OUT = p.OFPActionCopyTtlIn(), p.OFPActionCopyTtlOut()

EDITS = {
    "push_vlan": ({}, [V(0x8100)], eth() / ip(), eth() / Dot1Q(vlan=0) / ip()),
    "push_vlan_on_arp": ({}, [V(0x8100), S(vlan_vid=0x1005)], eth() / arp(), eth() / Dot1Q(vlan=5) / arp()),
    "push_vlan_copies_the_tag": ({}, [V(0x8100)], eth() / Dot1Q(vlan=7, prio=3) / ip(),
                                 eth() / Dot1Q(vlan=7, prio=3) / Dot1Q(vlan=7, prio=3) / ip()),
    "push_service_tag": ({}, [V(0x88a8), S(vlan_vid=0x1009)], eth() / Dot1Q(vlan=7) / ip(),
                         eth(type=0x88a8) / Dot1Q(vlan=9) / Dot1Q(vlan=7) / ip()),
    "pop_vlan": (TAG, [p.OFPActionPopVlan()], eth() / Dot1Q(vlan=7) / ip(), eth() / ip()),
    "pop_one_of_two": (TAG, [p.OFPActionPopVlan()], eth() / Dot1Q(vlan=7) / Dot1Q(vlan=8) / ip6(),
                       eth() / Dot1Q(vlan=8) / ip6()),
    "push_mpls": (T4, [PM(0x8847), S(mpls_label=9)], eth() / ip(ttl=33), mpls((9, 33), inner=ip(ttl=33))),
    "push_mpls_on_ipv6": (T6, [PM(0x8847)], eth() / ip6(hlim=33), mpls((0, 33), inner=ip6(hlim=33))),
    "push_mpls_multicast": (T4, [PM(0x8848)], eth() / ip(), mpls((0, 64), kind=0x8848)),
    "push_mpls_on_mpls": (M, [PM(0x8847)], mpls((5, 9)), mpls((5, 9), (5, 9))),
    "push_mpls_behind_a_tag": ({**T4, **TAG}, [PM(0x8847)], eth() / Dot1Q(vlan=3) / ip(),
                               eth() / Dot1Q(vlan=3, type=0x8847) / MPLS(label=0, ttl=64) / ip()),
    "pop_mpls": (M, [POPM(0x800)], mpls((5, 9)), eth() / ip()),
    "pop_one_label": (M, [POPM(0x8847)], mpls((5, 9), (6, 7)), mpls((6, 7))),
    "set_mpls_ttl": (M, [p.OFPActionSetMplsTtl(77)], mpls((5, 9)), mpls((5, 77))),
    "dec_mpls_ttl": (M, [p.OFPActionDecMplsTtl()], mpls((5, 9)), mpls((5, 8))),
    "set_nw_ttl": (T4, [p.OFPActionSetNwTtl(9)], eth() / ip(), eth() / ip(ttl=9)),
    "set_nw_ttl_6": (T6, [p.OFPActionSetNwTtl(9)], eth() / ip6(), eth() / ip6(hlim=9)),
    "dec_nw_ttl": (T4, [p.OFPActionDecNwTtl()], eth() / ip(), eth() / ip(ttl=63)),
    "dec_nw_ttl_6": (T6, [p.OFPActionDecNwTtl()], eth() / ip6(), eth() / ip6(hlim=63)),
    "copy_ttl_out_of_ip": (M, [TTL_OUT], mpls((5, 9)), mpls((5, 64))),
    "copy_ttl_out_of_mpls": (M, [TTL_OUT], mpls((5, 9), (6, 7)), mpls((5, 7), (6, 7))),
    "copy_ttl_into_ip": (M, [TTL_IN], mpls((5, 9)), mpls((5, 9), inner=ip(ttl=9))),
    "copy_ttl_into_ipv6": (M, [TTL_IN], mpls((5, 9), inner=ip6()), mpls((5, 9), inner=ip6(hlim=9))),
    "copy_ttl_into_mpls": (M, [TTL_IN], mpls((5, 9), (6, 7)), mpls((5, 9), (6, 9))),
    "push_pbb": ({}, [p.OFPActionPushPbb(0x88e7), S(pbb_isid=0x10203)], eth() / ip(), itag(0x10203, eth() / ip())),
    "push_pbb_keeps_the_priority": ({}, [p.OFPActionPushPbb(0x88e7), S(eth_dst=C)], eth() / Dot1Q(vlan=3, prio=5) / ip(),
                                    itag(0, eth() / Dot1Q(vlan=3, prio=5) / ip(), 5, dst=C)),
    "push_pbb_on_pbb": ({"eth_type": 0x88e7}, [p.OFPActionPushPbb(0x88e7)], itag(7, eth() / ip()),
                        Raw(bytes(eth(type=0x88e7)) + b"\0\0\0\7" + bytes(itag(7, eth() / ip())))),
    "pop_pbb": ({"eth_type": 0x88e7}, [p.OFPActionPopPbb()], itag(7, eth() / ip(), dst=C), eth() / ip()),
    "set_queue": ({}, [p.OFPActionSetQueue(1)], eth() / ip(), eth() / ip()),
    "nothing": ({}, [], eth() / ip(), eth() / ip()),
}


@pytest.mark.parametrize("how", ["apply", "write", "bucket"])
@pytest.mark.parametrize("name", EDITS)
def test_edit(switch, name, how):
    """In a list, in the action set, in a group's bucket: the same."""
    need, actions, frame, want = EDITS[name]
    switch.reset()
    if how == "bucket":
        switch.do(group(1, o.OFPGT_INDIRECT, bucket(*actions, out(2))))
        actions = [p.OFPActionGroup(1)]
    else:
        actions = [*actions, out(2)]
    switch.do(flow(p.OFPMatch(in_port=1, **need), instructions=[write(*actions) if how == "write" else apply(*actions)]))
    assert switch.pass_through(frame) == {2: [bytes(want)]}


@pytest.mark.parametrize("name", [n for n in EDITS if EDITS[n][0] and "push" not in n])
def test_an_edit_that_does_not_fit_is_refused(switch, name):
    _, actions, _, _ = EDITS[name]
    switch.reset()
    assert switch.error(flow(p.OFPMatch(eth_type=0x806), [*actions, out(2)])) == \
        (o.OFPET_BAD_ACTION, o.OFPBAC_MATCH_INCONSISTENT)


@pytest.mark.parametrize("frame,action", [(eth() / ip(ttl=1), p.OFPActionDecNwTtl()), (mpls((5, 1)), p.OFPActionDecMplsTtl()),
                                          (eth() / ip6(hlim=1), p.OFPActionDecNwTtl())], ids=["ip", "mpls", "ip6"])
def test_a_ttl_that_runs_out_goes_to_the_controller(switch, frame, action):
    switch.reset()
    switch.do(flow(p.OFPMatch(in_port=1, eth_type=frame.type), [action, out(2)]))
    assert switch.pass_through(frame) == {}
    m = switch.s.wait_for(o.OFPT_PACKET_IN)
    assert m.reason == o.OFPR_INVALID_TTL and m.match["in_port"] == 1


# ---- outputs and instructions ----

@pytest.mark.parametrize("port,where", [(2, {2}), (o.OFPP_ALL, {2, 3}), (o.OFPP_FLOOD, {2, 3}), (o.OFPP_IN_PORT, {1}),
                                        (o.OFPP_NORMAL, {2, 3}), (1, set())])
def test_output(switch, port, where):
    switch.reset()
    switch.do(flow(p.OFPMatch(in_port=1), [out(port)]))
    assert set(switch.pass_through(eth(dst="ff:ff:ff:ff:ff:ff") / ip())) == where


@pytest.mark.parametrize("max_len", [0, 20, 128, 0xffff])
def test_output_to_the_controller(switch, max_len):
    frame = bytes(eth() / ip())
    switch.reset()
    switch.do(flow(p.OFPMatch(in_port=1), [out(o.OFPP_CONTROLLER, max_len)], cookie=77))
    assert switch.pass_through(frame) == {}
    m = switch.s.wait_for(o.OFPT_PACKET_IN)
    assert (m.reason, m.cookie, m.table_id, m.match["in_port"], m.total_len) == (o.OFPR_ACTION, 77, 0, 1, len(frame))
    assert m.data == frame[:max_len]
    assert (m.buffer_id == o.OFP_NO_BUFFER) == (max_len >= len(frame))
    if m.buffer_id == o.OFP_NO_BUFFER:
        return
    switch.do(p.OFPPacketOut(DP, m.buffer_id, 1, [out(3)], None))
    assert switch.pass_through(None) == {3: [frame]}
    assert switch.error(p.OFPPacketOut(DP, m.buffer_id, 1, [out(3)], None)) == \
        (o.OFPET_BAD_REQUEST, o.OFPBRC_BUFFER_EMPTY)


def test_a_table_miss_says_so(switch):
    switch.reset()
    switch.do(flow(None, [out(o.OFPP_CONTROLLER)], priority=0))
    switch.pass_through(eth() / ip())
    assert switch.s.wait_for(o.OFPT_PACKET_IN).reason == o.OFPR_NO_MATCH


def test_instructions_run_in_their_order(switch):
    switch.reset()
    goto = p.OFPInstructionGotoTable
    clear = p.OFPInstructionActions(o.OFPIT_CLEAR_ACTIONS, [])
    switch.do(flow(instructions=[goto(5), write(out(2), S(eth_dst=C)), apply(S(eth_src=C))]),
              flow(p.OFPMatch(eth_src=C), instructions=[goto(9), p.OFPInstructionWriteMetadata(6, 7)], table_id=5),
              flow(p.OFPMatch(metadata=6), instructions=[write(out(3))], table_id=9))
    assert switch.pass_through(eth() / ip()) == {3: [bytes(eth(src=C, dst=C) / ip())]}
    switch.do(flow(p.OFPMatch(metadata=6), instructions=[clear, write(out(2))], table_id=9))
    assert switch.pass_through(eth() / ip()) == {2: [bytes(eth(src=C) / ip())]}
    switch.do(flow(p.OFPMatch(metadata=6), instructions=[clear], table_id=9))
    assert switch.pass_through(eth() / ip()) == {}


def test_the_action_set_has_its_own_order_and_one_of_each(switch):
    switch.reset()
    switch.do(flow(p.OFPMatch(eth_type=0x800), instructions=[
        write(out(3), p.OFPActionDecNwTtl(), S(vlan_vid=0x1007), V(0x8100), out(2), S(eth_dst=C))]))
    assert switch.pass_through(eth() / ip()) == {2: [bytes(eth(dst=C) / Dot1Q(vlan=7) / ip(ttl=63))]}


def test_a_list_outputs_the_packet_as_it_is_then(switch):
    switch.reset()
    switch.do(flow(None, [out(2), S(eth_dst=C), out(3), S(eth_dst=A), out(o.OFPP_IN_PORT)]))
    assert switch.pass_through(eth() / ip()) == {2: [bytes(eth() / ip())], 3: [bytes(eth(dst=C) / ip())],
                                                 1: [bytes(eth(dst=A) / ip())]}


# ---- groups ----

def test_group_all_and_its_order_with_output(switch):
    switch.reset()
    switch.do(group(1, o.OFPGT_ALL, bucket(S(eth_dst=C), out(2)), bucket(out(3)), bucket(out(1))),
              flow(None, instructions=[write(p.OFPActionGroup(1), out(o.OFPP_IN_PORT))]))
    assert switch.pass_through(eth() / ip()) == {2: [bytes(eth(dst=C) / ip())], 3: [bytes(eth() / ip())]}


@pytest.mark.parametrize("varies", ["eth_src", "ip_src", "arp_sha", "arp_spa", "udp_src"])
def test_group_select_spreads_by_weight(switch, varies):
    switch.reset()
    switch.do(group(1, o.OFPGT_SELECT, bucket(out(2), weight=1), bucket(out(3), weight=3)), flow(None, [p.OFPActionGroup(1)]))
    count = {2: 0, 3: 0}
    for i in range(400):
        mac, addr = f"02:00:00:00:{i >> 8:02x}:{i & 255:02x}", f"10.9.{i >> 8}.{i & 255}"
        frame = {"eth_src": lambda: eth(src=mac) / ip(), "ip_src": lambda: eth() / ip(src=addr),
                 "arp_sha": lambda: eth() / arp(hwsrc=mac), "arp_spa": lambda: eth() / arp(psrc=addr),
                 "udp_src": lambda: eth() / ip(UDP(sport=1000 + i, dport=2))}[varies]()
        switch.wire[1].send(frame)
    got = switch.pass_through(None)
    count = {port: len(frames) for port, frames in got.items()}
    assert count[2] + count[3] == 400 and 60 <= count[2] <= 140, count
    for _ in range(20):  # one flow, one bucket
        switch.wire[1].send(eth() / ip())
    assert len(switch.pass_through(None)) == 1


def test_group_fast_failover_watches_ports_and_groups(switch):
    switch.reset()
    switch.do(group(1, o.OFPGT_FF, bucket(out(2), port=2), bucket(out(3), port=3)),
              group(2, o.OFPGT_FF, bucket(p.OFPActionGroup(1), group=1)), flow(None, [p.OFPActionGroup(2)]))
    assert list(switch.pass_through(eth() / ip())) == [2]
    port = {d.port_no: d for m in switch.do(p.OFPPortDescStatsRequest(DP)) for d in m.body}[2]
    switch.do(p.OFPPortMod(DP, 2, port.hw_addr, o.OFPPC_PORT_DOWN, o.OFPPC_PORT_DOWN))
    try:
        switch.wire[1].send(eth() / ip())
        while switch.wire[3].receive() != bytes(eth() / ip()):
            pass
    finally:
        switch.do(p.OFPPortMod(DP, 2, port.hw_addr, 0, o.OFPPC_PORT_DOWN))


def test_fast_failover_follows_a_carrier(switch):
    """The other end of the wire goes down: frames take the other bucket within 200 ms (some ms, when nobody else works)."""
    switch.reset()
    switch.do(group(1, o.OFPGT_FF, bucket(out(2), port=2), bucket(out(3), port=3)), flow(None, [p.OFPActionGroup(1)]))
    frame = bytes(eth() / ip())
    switch.vm.sh("ip", "link", "set", "e2", "down")
    start = time.monotonic()
    switch.wire[3].s.settimeout(0.002)
    try:
        while time.monotonic() < start + 5:
            switch.wire[1].send(frame)
            try:
                if switch.wire[3].receive() == frame:
                    break
            except TimeoutError:
                pass
        took = time.monotonic() - start
    finally:
        switch.wire[3].s.settimeout(10)
        switch.vm.sh("ip", "link", "set", "e2", "up")
    assert took < 0.2, took
