"""scenarios_more.py: the rarer fields and actions, and headers that lie (OpenFlow 1.3.5, RFC 3032, RFC 3443)."""
from scapy.all import (ICMP, IP, TCP, Ether, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6,
                       IPv6ExtHdrHopByHop, Raw, UDP)

from scenario import MAC, Scenario, labelled, tagged, udp, udp6
from scenarios_flow import edited


def rarer_fields():
    t6 = Ether(src=MAC["a"], dst=MAC["b"]) / IPv6(src="2001:db8::1", dst="2001:db8::2") / \
        TCP(sport=1000, dport=80, flags="S") / Raw(b"odd")
    yield Scenario("set-tcp-ipv6", "an address and a TCP port over IPv6; an odd length's checksum", flows=[
        "in_port=a,tcp6,actions=set_field:2001:db8::77->ipv6_src,set_field:8080->tcp_dst,output:b"]) \
        .io(1, "a", t6, {"b": edited(edited(t6, IPv6, src="2001:db8::77"), TCP, dport=8080)})
    echo = Ether(src=MAC["a"], dst=MAC["b"]) / IPv6(src="2001:db8::1", dst="2001:db8::2") / \
        ICMPv6EchoRequest(id=5, seq=6, data=b"ping")
    yield Scenario("set-icmpv6", "ICMPv6 type and code; the pseudo-header's sum follows", flows=[
        "in_port=a,icmp6,actions=set_field:129->icmpv6_type,set_field:3->icmpv6_code,output:b"]) \
        .io(1, "a", echo, {"b": edited(echo, ICMPv6EchoRequest, type=129, code=3)})
    ping = Ether(src=MAC["a"], dst=MAC["b"]) / IP(src="10.0.0.1", dst="10.0.0.2", id=3) / ICMP(type=3, code=1) / Raw(b"x")
    yield Scenario("set-icmp-code", "an ICMP code", flows=[
        "in_port=a,icmp,icmp_type=3,icmp_code=1,actions=set_field:13->icmp_code,output:b"]) \
        .io(1, "a", ping, {"b": edited(ping, ICMP, code=13)})
    na = Ether(src=MAC["a"], dst=MAC["b"]) / IPv6(src="fe80::2", dst="fe80::1") / \
        ICMPv6ND_NA(tgt="fe80::2", R=0, S=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC["a"])
    yield Scenario("set-nd-advert", "an advertisement's target link-layer address", flows=[
        f"in_port=a,icmp6,icmp_type=136,nd_tll={MAC['a']},actions=set_field:{MAC['f']}->nd_tll,output:b"]) \
        .io(1, "a", na, {"b": edited(na, ICMPv6NDOptDstLLAddr, lladdr=MAC["f"])})
    hop = Ether(src=MAC["a"], dst=MAC["b"]) / IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop() / \
        UDP(sport=1, dport=53) / Raw(b"x")
    yield Scenario("match-exthdr-field", "OFPIEH_HOP (bit 6) in the ipv6_exthdr field", flows=[
        "priority=2,ipv6,ipv6_exthdr=0x40/0x40,actions=output:c", "priority=1,ipv6,actions=output:b"]) \
        .io(1, "a", hop, {"c": hop}).io(2, "a", udp6(), {"b": udp6()})


def rarer_ttl_and_labels():
    u = udp(ttl=9)
    yield Scenario("set-ttl", "a TTL is set", flows=["in_port=a,ip,actions=set_nw_ttl:33,output:b"]) \
        .io(1, "a", u, {"b": edited(u, IP, ttl=33)})
    two = labelled(labelled(u, 20, 40), 30, 50, bos=0)
    yield Scenario("mpls-stack", "two labels: the outer is set and popped, the inner stays", flows=[
        "priority=2,in_port=a,mpls,mpls_bos=0,actions=pop_mpls:0x8847,output:b",
        "priority=2,in_port=b,mpls,mpls_tc=3,actions=set_field:99->mpls_label,set_mpls_ttl:7,output:c"]) \
        .io(1, "a", two, {"b": labelled(u, 20, 40)}) \
        .io(2, "b", labelled(u, 20, 40, tc=3), {"c": labelled(u, 99, 7, tc=3)})
    yield Scenario("copy-ttl", "TTL inwards and outwards between MPLS and IP (RFC 3443)", flows=[
        "in_port=a,mpls,actions=copy_ttl_in,output:c", "in_port=b,mpls,actions=copy_ttl_out,output:c"]) \
        .io(1, "a", labelled(u, 20, 40), {"c": labelled(edited(u, IP, ttl=40), 20, 40)}) \
        .io(2, "b", labelled(u, 20, 40), {"c": labelled(u, 20, 9)})


def rarer_vlan():
    g = udp("b", None)
    yield Scenario("vlan-tunnel-back", "what comes with the S-tag leaves a tunnel port without it",
                   ports={"a": "vlan_mode: dot1q-tunnel, tag: 100", "t": 'trunks: ["100"]'}) \
        .io(1, "t", tagged(tagged(g, 5), 100, tpid=0x88A8), {"a": tagged(g, 5)})
    yield Scenario("vlan-priority-always", "priority_tags: always tags even a PCP of zero",
                   ports={"a": "tag: 10", "p": "tag: 10, priority_tags: always"}) \
        .io(1, "a", g, {"p": tagged(g, 0)})


def lies():
    u = udp()
    short, long = bytearray(bytes(u)), bytearray(bytes(u))
    short[14] = 0x44                     # a header length of 16 bytes, less than the least
    long[14] = 0x4F                      # one of 60, more than is there
    rules = ["priority=2,udp,udp_dst=2000,actions=output:b", "priority=0,actions=output:c"]
    yield Scenario("malformed-ihl", "an IPv4 header length that lies: no ports are read behind it", flows=rules) \
        .io(1, "a", short, {"c": bytes(short)}).io(2, "a", long, {"c": bytes(long)}).io(3, "a", u, {"b": u})
    cut = bytes(tagged(u, 5))[:16]
    yield Scenario("malformed-vlan-cut", "a tag without a type behind it matches no VLAN rule's inner fields",
                   flows=rules).io(1, "a", cut, {"c": cut})


def more_scenarios():
    return [*rarer_fields(), *rarer_ttl_and_labels(), *rarer_vlan(), *lies()]
