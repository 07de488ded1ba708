"""scenarios_guard.py: port security: what a VM's bindings let it say (datapath/guard.h)."""
from scapy.all import (ARP, BOOTP, DHCP, IP, UDP, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr,
                       ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt, Raw)

from scenario import BROADCAST, MAC, Scenario, arp, tagged, udp

BOUND = 'tag: 10, macs: ["02:00:00:00:00:01"], ip: ["10.0.0.1", "2001:db8::1"], announce: "off"'
LLA = "fe80::ff:fe00:1"


def nd(message, src=LLA):
    return Ether(src=MAC["a"], dst="33:33:00:00:00:01") / IPv6(src=src, dst="ff02::1", hlim=255) / message


def liar(src, dst):
    """With an address that is bound to nobody."""
    f = udp(src, dst)
    f[IP].src = "10.0.0.9"
    return f


def guard_scenarios():
    ports = {"a": BOUND, "b": "tag: 10"}
    na = nd(ICMPv6ND_NA(tgt="2001:db8::1", R=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC["a"]), "2001:db8::1")
    discover = Ether(src=MAC["a"], dst=BROADCAST) / IP(src="0.0.0.0", dst="255.255.255.255", id=1) / \
        UDP(sport=68, dport=67) / BOOTP(chaddr=bytes.fromhex("020000000001")) / DHCP(options=["end"])
    good = [udp("a", None), arp("a"), arp("a", pdst="10.0.0.1"), na, discover, tagged(udp("a", None), 0, pcp=5)]
    s = Scenario("guard-passes", "what a VM may say: its own addresses, DHCP, neighbour discovery", ports=ports)
    for i, f in enumerate(good):
        s.io(1 + i, "a", f, {"b": udp("a", None) if i == 5 else f})
    yield s
    s = Scenario("guard-drops", "each thing that a VM may not say has a reason of its own", ports=ports)
    offer = Ether(src=MAC["a"], dst=BROADCAST) / IP(src="10.0.0.1", dst="255.255.255.255", id=1) / \
        UDP(sport=67, dport=68) / BOOTP(op=2) / DHCP(options=["end"])
    bad = [(udp("c", "b"), "guard-mac"), (liar("a", "b"), "guard-ip"),
           (arp("a", psrc="10.0.0.9"), "guard-arp"),
           (Ether(src=MAC["a"], dst=BROADCAST) / ARP(op=2, hwsrc=MAC["c"], psrc="10.0.0.1"), "guard-arp"),
           (nd(ICMPv6ND_NA(tgt="2001:db8::9", R=0) / ICMPv6NDOptDstLLAddr(lladdr=MAC["a"])), "guard-nd"),
           (nd(ICMPv6ND_NS(tgt="2001:db8::9") / ICMPv6NDOptSrcLLAddr(lladdr=MAC["c"])), "guard-nd"),
           (nd(ICMPv6ND_RA()), "guard-router"),
           (Ether(src=MAC["a"], dst="33:33:00:00:00:01") / IPv6(src=LLA, dst="ff02::1", hlim=255) /
            IPv6ExtHdrDestOpt() / ICMPv6ND_RA(), "guard-router"),
           (offer, "guard-dhcp"), (tagged(udp("a", "b"), 20), "guard-vlan"),
           (tagged(tagged(udp("a", "b"), 20), 0), "guard-vlan"), (tagged(udp("a", "b"), 10), "guard-vlan"),
           (Ether(src=MAC["a"], dst=MAC["b"], type=0x88CC) / Raw(bytes(46)), "guard-type"),
           (bytes(udp("a", "b"))[:30], "guard-malformed")]
    for i, (f, why) in enumerate(bad):
        s.io(1 + i / 10, "a", f, drop=why)
    yield s
    yield Scenario("guard-promiscuous", "a promiscuous port speaks for others, but is no router",
                   ports={"a": BOUND + ", security: promiscuous", "b": "tag: 10"}) \
        .io(1, "a", liar("c", None), {"b": liar("c", None)}) \
        .io(2, "a", nd(ICMPv6ND_RA()), drop="guard-router").io(3, "a", tagged(udp("a", "b"), 10), drop="guard-vlan")
