"""Each match field of OpenFlow 1.3.5 (7.2.3.7): exact, masked, with a wrong prerequisite; real frames in and out."""
import ipaddress

import pytest
from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p
from scapy.contrib.mpls import MPLS
from scapy.all import (ARP, Dot1Q, Ether, ICMP, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, IP, IPv6, IPv6ExtHdrHopByHop, Raw, SCTP, TCP, UDP)

from conformance import Switch, apply, flow, out

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
DATA = Raw(b"x" * 40)


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    s = Switch(tmp_path_factory.mktemp("weft"))
    yield s
    s.stop()


def eth(**kw):
    return Ether(**{"src": A, "dst": B, **kw})


def ip(l4=None, **kw):
    return eth() / IP(**{"src": "10.1.2.3", "dst": "10.4.5.6", "ttl": 64, **kw}) / (l4 or UDP(sport=1, dport=2)) / DATA


def ip6(l4=None, **kw):
    return eth() / IPv6(**{"src": "2001:db8::1", "dst": "2001:db8::2", **kw}) / (l4 or UDP(sport=1, dport=2)) / DATA


def arp(**kw):
    return eth() / ARP(**{"hwsrc": A, "hwdst": B, "psrc": "10.1.2.3", "pdst": "10.4.5.6", **kw}) / DATA


def nd(cls, target="2001:db8::9", option=None):
    return eth() / IPv6(src="fe80::1", dst="fe80::2", hlim=255) / cls(tgt=target) / (option or b"")


def pbb(isid):
    return eth(type=0x88e7) / Raw(isid.to_bytes(4, "big") + bytes(eth() / IP() / DATA))


T4, T6 = {"eth_type": 0x800}, {"eth_type": 0x86dd}
TCP4, UDP6 = {**T4, "ip_proto": 6}, {**T6, "ip_proto": 17}
SCTP4, ICMP4, ICMP6 = {**T4, "ip_proto": 132}, {**T4, "ip_proto": 1}, {**T6, "ip_proto": 58}
NS, NA = {**ICMP6, "icmpv6_type": 135}, {**ICMP6, "icmpv6_type": 136}

# field, prerequisites, value, mask (None: takes none), a frame that has it, one that has not
FIELDS = [
    ("eth_dst", {}, B, "ff:ff:ff:00:00:ff", eth() / DATA, eth(dst="02:00:00:00:00:0c") / DATA),
    ("eth_src", {}, A, "00:00:00:00:00:0f", eth() / DATA, eth(src="02:00:00:00:00:01") / DATA),
    ("eth_type", {}, 0x88b5, None, eth(type=0x88b5) / DATA, eth(type=0x88b7) / DATA),
    ("vlan_vid", {}, 0x1000 | 10, 0x100f, eth() / Dot1Q(vlan=10) / IP() / DATA, eth() / Dot1Q(vlan=11) / IP() / DATA),
    ("vlan_pcp", {"vlan_vid": 0x1000 | 10}, 5, None, eth() / Dot1Q(vlan=10, prio=5) / IP() / DATA,
     eth() / Dot1Q(vlan=10, prio=4) / IP() / DATA),
    ("ip_dscp", T4, 10, None, ip(tos=40), ip(tos=44)),
    ("ip_dscp", T6, 10, None, ip6(tc=40), ip6(tc=44)),
    ("ip_ecn", T4, 2, None, ip(tos=2), ip(tos=1)),
    ("ip_ecn", T6, 2, None, ip6(tc=2), ip6(tc=1)),
    ("ip_proto", T4, 17, None, ip(), ip(TCP())),
    ("ip_proto", T6, 17, None, ip6(), ip6(TCP())),
    ("ipv4_src", T4, "10.1.2.3", "255.255.0.255", ip(), ip(src="10.1.2.4")),
    ("ipv4_dst", T4, "10.4.5.6", "255.255.255.0", ip(), ip(dst="10.4.6.6")),
    ("tcp_src", TCP4, 80, None, ip(TCP(sport=80)), ip(TCP(sport=81))),
    ("tcp_dst", TCP4, 80, None, ip(TCP(dport=80)), ip(TCP(dport=81))),
    ("udp_src", UDP6, 53, None, ip6(UDP(sport=53)), ip6(UDP(sport=54))),
    ("udp_dst", UDP6, 53, None, ip6(UDP(dport=53)), ip6(UDP(dport=54))),
    ("sctp_src", SCTP4, 9, None, ip(SCTP(sport=9)), ip(SCTP(sport=8))),
    ("sctp_dst", SCTP4, 9, None, ip(SCTP(dport=9)), ip(SCTP(dport=8))),
    ("icmpv4_type", ICMP4, 8, None, ip(ICMP(type=8)), ip(ICMP(type=0))),
    ("icmpv4_code", ICMP4, 3, None, ip(ICMP(type=3, code=3)), ip(ICMP(type=3, code=1))),
    ("arp_op", {"eth_type": 0x806}, 2, None, arp(op=2), arp(op=1)),
    ("arp_spa", {"eth_type": 0x806}, "10.1.2.3", "255.0.0.255", arp(), arp(psrc="10.1.2.4")),
    ("arp_tpa", {"eth_type": 0x806}, "10.4.5.6", "255.255.255.0", arp(), arp(pdst="10.4.7.6")),
    ("arp_sha", {"eth_type": 0x806}, A, "00:00:00:00:00:ff", arp(), arp(hwsrc="02:00:00:00:00:01")),
    ("arp_tha", {"eth_type": 0x806}, B, "00:00:00:00:00:ff", arp(), arp(hwdst="02:00:00:00:00:01")),
    ("ipv6_src", T6, "2001:db8::1", "ffff::f", ip6(), ip6(src="2001:db8::2")),
    ("ipv6_dst", T6, "2001:db8::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0", ip6(), ip6(dst="2001:db8::12")),
    ("ipv6_flabel", T6, 0x12345, 0xfff, ip6(fl=0x12345), ip6(fl=0x12344)),
    ("icmpv6_type", ICMP6, 128, None, ip6(ICMPv6EchoRequest()), nd(ICMPv6ND_NS)),
    ("icmpv6_code", ICMP6, 4, None, ip6(ICMPv6EchoRequest(code=4)), ip6(ICMPv6EchoRequest(code=0))),
    ("ipv6_nd_target", NS, "2001:db8::9", None, nd(ICMPv6ND_NS), nd(ICMPv6ND_NS, "2001:db8::8")),
    ("ipv6_nd_target", NA, "2001:db8::9", None, nd(ICMPv6ND_NA), nd(ICMPv6ND_NA, "2001:db8::8")),
    ("ipv6_nd_sll", NS, A, None, nd(ICMPv6ND_NS, option=ICMPv6NDOptSrcLLAddr(lladdr=A)),
     nd(ICMPv6ND_NS, option=ICMPv6NDOptSrcLLAddr(lladdr=B))),
    ("ipv6_nd_tll", NA, A, None, nd(ICMPv6ND_NA, option=ICMPv6NDOptDstLLAddr(lladdr=A)),
     nd(ICMPv6ND_NA, option=ICMPv6NDOptDstLLAddr(lladdr=B))),
    ("mpls_label", {"eth_type": 0x8847}, 0x12345, None, eth(type=0x8847) / MPLS(label=0x12345) / IP() / DATA,
     eth(type=0x8847) / MPLS(label=0x12344) / IP() / DATA),
    ("mpls_label", {"eth_type": 0x8848}, 7, None, eth(type=0x8848) / MPLS(label=7) / IP() / DATA,
     eth(type=0x8848) / MPLS(label=8) / IP() / DATA),
    ("mpls_tc", {"eth_type": 0x8847}, 3, None, eth(type=0x8847) / MPLS(cos=3) / IP() / DATA,
     eth(type=0x8847) / MPLS(cos=2) / IP() / DATA),
    ("mpls_bos", {"eth_type": 0x8847}, 1, None, eth(type=0x8847) / MPLS(s=1) / IP() / DATA,
     eth(type=0x8847) / MPLS(s=0) / MPLS(s=1) / IP() / DATA),
    ("pbb_isid", {"eth_type": 0x88e7}, 0x10203, 0xff, pbb(0x10203), pbb(0x10204)),
    ("ipv6_exthdr", T6, 64, 64, ip6(IPv6ExtHdrHopByHop() / UDP()), ip6()),
]
IDS = [f"{f[0]}-{'-'.join(hex(v) if isinstance(v, int) else v for v in f[1].values())}" for f in FIELDS]


def matched(switch, frame, match, port=1):
    """Where the frame goes when what matches goes to 2 and everything else to 3."""
    switch.reset()
    switch.do(flow(match, [out(2)]), flow(p.OFPMatch(in_port=port), [out(3)], priority=1))
    got = switch.pass_through(frame, port)
    assert sum(len(v) for v in got.values()) == 1, got
    where, frames = next(iter(got.items()))
    assert frames[0] == bytes(frame)
    return where == 2


@pytest.mark.parametrize("field,need,value,mask,hit,miss", FIELDS, ids=IDS)
def test_exact(switch, field, need, value, mask, hit, miss):
    if field == "ipv6_exthdr":
        pytest.skip("a set of flags: seen under a mask")
    match = p.OFPMatch(**need, **{field: value})
    assert matched(switch, hit, match)
    assert not matched(switch, miss, match)


@pytest.mark.parametrize("field,need,value,mask,hit,miss", FIELDS, ids=IDS)
def test_masked(switch, field, need, value, mask, hit, miss):
    match = p.OFPMatch(**need, **{field: (value, mask if mask is not None else full(value))})
    switch.reset()
    if field.split("_")[0] in ("tcp", "udp", "sctp"):
        mask = 0xffff - 1  # beyond the standard, as with Open vSwitch
    if mask is None:
        assert switch.error(flow(match, [out(2)])) == (o.OFPET_BAD_MATCH, o.OFPBMC_BAD_MASK)
        return
    value = both(value, mask)
    match = p.OFPMatch(**need, **{field: (value, mask)})
    assert matched(switch, hit, match)
    assert not matched(switch, miss, match) or mask == 0xfffe


def full(value):
    return "ff:ff:ff:ff:ff:ff" if isinstance(value, str) and value.count(":") == 5 else \
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if isinstance(value, str) and ":" in value else (1 << value.bit_length()) - 1


def both(value, mask):
    """The value under its mask, in the field's own notation."""
    if isinstance(value, int):
        return value & mask
    if value.count(":") == 5 and "::" not in value:
        return ":".join("%02x" % (int(a, 16) & int(b, 16)) for a, b in zip(value.split(":"), mask.split(":")))
    v, m = ipaddress.ip_address(value), ipaddress.ip_address(mask)
    return str(type(v)(int(v) & int(m)))


@pytest.mark.parametrize("field,need,value,mask,hit,miss", [f for f in FIELDS if f[1]],
                         ids=[i for i, f in zip(IDS, FIELDS) if f[1]])
def test_wrong_prerequisite(switch, field, need, value, mask, hit, miss):
    for wrong in ({}, {"eth_type": 0x88b5}, {**need, **({"ip_proto": 99} if "ip_proto" in need else {"eth_type": 0x88b5})}):
        if field == "vlan_pcp":
            wrong = {"vlan_vid": 0}
        match = p.OFPMatch(**wrong, **{field: value})
        assert switch.error(flow(match, [out(2)])) == (o.OFPET_BAD_MATCH, o.OFPBMC_BAD_PREREQ)


def test_in_port_and_in_phy_port(switch):
    frame = eth() / DATA
    assert matched(switch, frame, p.OFPMatch(in_port=1))
    assert matched(switch, frame, p.OFPMatch(in_port=1, in_phy_port=1))
    switch.reset()
    switch.do(flow(p.OFPMatch(in_port=2), [out(3)]))
    assert switch.pass_through(frame, 1) == {}
    assert switch.error(flow(p.OFPMatch(in_phy_port=1), [out(2)])) == (o.OFPET_BAD_MATCH, o.OFPBMC_BAD_PREREQ)


@pytest.mark.parametrize("mask", [None, 0xff00])
def test_metadata(switch, mask):
    value = 0x1234 & (mask or 0xffff)
    switch.reset()
    switch.do(flow(instructions=[p.OFPInstructionWriteMetadata(0x1234, 0xffff), p.OFPInstructionGotoTable(1)]),
              flow(p.OFPMatch(metadata=value if mask is None else (value, mask)), [out(2)], table_id=1),
              flow(None, [out(3)], table_id=1, priority=1))
    assert list(switch.pass_through(eth() / DATA)) == [2]


@pytest.mark.parametrize("mask", [None, 0xff00])
def test_tunnel_id(switch, mask):
    value = 0x1234 & (mask or 0xffff)
    switch.reset()
    switch.do(flow(instructions=[apply(p.OFPActionSetField(tunnel_id=0x1234)), p.OFPInstructionGotoTable(1)]),
              flow(p.OFPMatch(tunnel_id=value if mask is None else (value, mask)), [out(2)], table_id=1),
              flow(None, [out(3)], table_id=1, priority=1))
    assert list(switch.pass_through(eth() / DATA)) == [2]


def test_vlan_none_and_any(switch):
    tagged, plain = eth() / Dot1Q(vlan=7) / IP() / DATA, eth() / IP() / DATA
    assert matched(switch, plain, p.OFPMatch(vlan_vid=0)) and not matched(switch, tagged, p.OFPMatch(vlan_vid=0))
    any_tag = p.OFPMatch(vlan_vid=(0x1000, 0x1000))
    assert matched(switch, tagged, any_tag) and not matched(switch, plain, any_tag)


def test_bad_values_are_refused(switch):
    bad = o.OFPET_BAD_MATCH
    for match, code in ((p.OFPMatch(vlan_vid=10), o.OFPBMC_BAD_VALUE),
                        (p.OFPMatch(eth_type=0x800, ip_dscp=64), o.OFPBMC_BAD_VALUE),
                        (p.OFPMatch(vlan_vid=0x1001, vlan_pcp=8), o.OFPBMC_BAD_VALUE),
                        (p.OFPMatch(eth_type=0x8847, mpls_label=1 << 20), o.OFPBMC_BAD_VALUE)):
        assert switch.error(flow(match, [out(2)])) == (bad, code)
