"""scenarios_flow.py: OpenFlow rules: matches, actions, tables, timeouts (OpenFlow 1.3.5)."""
from scapy.all import ARP, ICMP, IP, Ether, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrHopByHop, Raw, UDP

from scenario import BROADCAST, MAC, Scenario, arp, labelled, tagged, tcp, udp, udp6


def edited(frame, layer, **fields):
    """A copy with fields of a layer changed; scapy computes the checksums anew."""
    f = frame.copy()
    for k, v in fields.items():
        setattr(f[layer], k, v)
    return f


def set_fields():
    u, t, s = udp(), tcp(), udp6()
    yield Scenario("set-eth", "MAC rewriting", flows=[
        f"in_port=a,actions=set_field:{MAC['e']}->eth_dst,set_field:{MAC['f']}->eth_src,output:b"]) \
        .io(1, "a", u, {"b": edited(edited(u, Ether, dst=MAC["e"]), Ether, src=MAC["f"])})
    yield Scenario("set-ipv4", "addresses and DSCP; IP and UDP checksums follow", flows=[
        "in_port=a,ip,actions=set_field:192.0.2.1->ip_src,set_field:192.0.2.2->ip_dst,set_field:46->ip_dscp,output:b"]) \
        .io(1, "a", u, {"b": edited(u, IP, src="192.0.2.1", dst="192.0.2.2", tos=46 << 2)}) \
        .io(2, "a", t, {"b": edited(t, IP, src="192.0.2.1", dst="192.0.2.2", tos=46 << 2)})
    yield Scenario("set-ports", "TCP and UDP ports", flows=[
        "in_port=a,tcp,actions=set_field:8080->tcp_dst,set_field:7->tcp_src,output:b",
        "in_port=a,udp,actions=set_field:53->udp_dst,output:b"]) \
        .io(1, "a", t, {"b": edited(t, "TCP", dport=8080, sport=7)}).io(2, "a", u, {"b": edited(u, UDP, dport=53)})
    zero = edited(u, UDP, chksum=0)
    yield Scenario("set-udp-no-checksum", "a UDP checksum of zero means none, and stays (RFC 768)", flows=[
        "in_port=a,udp,actions=set_field:192.0.2.2->ip_dst,output:b"]) \
        .io(1, "a", zero, {"b": edited(zero, IP, dst="192.0.2.2")})
    yield Scenario("set-ipv6", "IPv6 addresses and flow label", flows=[
        "in_port=a,ipv6,actions=set_field:2001:db8::99->ipv6_dst,set_field:0x12345->ipv6_label,output:b"]) \
        .io(1, "a", s, {"b": edited(s, IPv6, dst="2001:db8::99", fl=0x12345)})
    q = arp("a")
    yield Scenario("set-arp", "an ARP request becomes its own reply", flows=[
        f"in_port=a,arp,arp_op=1,actions=set_field:2->arp_op,set_field:{MAC['b']}->arp_sha,"
        "set_field:10.0.0.2->arp_spa,set_field:10.0.0.1->arp_tpa,"
        f"set_field:{MAC['a']}->arp_tha,output:in_port"]) \
        .io(1, "a", q, {"a": edited(q, ARP, op=2, hwsrc=MAC["b"], psrc="10.0.0.2", pdst="10.0.0.1", hwdst=MAC["a"])})
    ping = Ether(src=MAC["a"], dst=MAC["b"]) / IP(src="10.0.0.1", dst="10.0.0.2", id=3) / ICMP(id=5, seq=6) / Raw(b"ping")
    yield Scenario("set-icmp", "ICMP type and code", flows=[
        "in_port=a,icmp,actions=set_field:0->icmp_type,output:b"]) \
        .io(1, "a", ping, {"b": edited(ping, ICMP, type=0)})
    ns = Ether(src=MAC["a"], dst="33:33:ff:00:00:02") / IPv6(src="fe80::1", dst="ff02::1:ff00:2") / \
        ICMPv6ND_NS(tgt="fe80::2") / ICMPv6NDOptSrcLLAddr(lladdr=MAC["a"])
    yield Scenario("set-nd", "an ND target and link-layer address; the checksum follows", flows=[
        "in_port=a,icmp6,icmp_type=135,nd_target=fe80::2,actions=set_field:fe80::3->nd_target,"
        f"set_field:{MAC['e']}->nd_sll,output:b"]) \
        .io(1, "a", ns, {"b": edited(edited(ns, ICMPv6ND_NS, tgt="fe80::3"), ICMPv6NDOptSrcLLAddr, lladdr=MAC["e"])})


def ttl_and_tags():
    u, s = udp(ttl=9), udp6(hlim=9)
    yield Scenario("dec-ttl", "TTL and hop limit; expiry is a named drop", flows=[
        "in_port=a,ip,actions=dec_ttl,output:b", "in_port=a,ipv6,actions=dec_ttl,output:b"]) \
        .io(1, "a", u, {"b": edited(u, IP, ttl=8)}).io(2, "a", s, {"b": edited(s, IPv6, hlim=8)}) \
        .io(3, "a", udp(ttl=1), drop="ttl-invalid")
    yield Scenario("push-vlan", "a tag is put on, its VLAN set", flows=[
        "in_port=a,actions=push_vlan:0x8100,set_field:4196->vlan_vid,set_field:3->vlan_pcp,output:b"]) \
        .io(1, "a", u, {"b": tagged(u, 100, 3)})
    yield Scenario("pop-vlan", "and taken off", flows=["in_port=a,dl_vlan=100,actions=pop_vlan,output:b"]) \
        .io(1, "a", tagged(u, 100, 3), {"b": u}).io(2, "a", u, drop="table-miss")
    yield Scenario("qinq", "a service tag outside a customer tag: matched, pushed, popped", flows=[
        "priority=2,in_port=a,vlan_vid=0x1005/0x1fff,actions=push_vlan:0x88a8,set_field:4296->vlan_vid,output:b",
        "priority=2,in_port=b,dl_vlan=200,actions=pop_vlan,output:a"]) \
        .io(1, "a", tagged(u, 5, 2), {"b": tagged(tagged(u, 5, 2), 200, 2, 0x88A8)}) \
        .io(2, "b", tagged(tagged(u, 5), 200, 0, 0x88A8), {"a": tagged(u, 5)})
    yield Scenario("push-mpls", "a label before IP: TTL copied from it", flows=[
        "in_port=a,ip,actions=push_mpls:0x8847,set_field:77->mpls_label,output:b"]) \
        .io(1, "a", u, {"b": labelled(u, 77, 9)})
    yield Scenario("pop-mpls", "the label is gone, IP is back", flows=[
        "in_port=a,mpls,mpls_label=77,actions=pop_mpls:0x0800,output:b"]) \
        .io(1, "a", labelled(u, 77, 64), {"b": u}).io(2, "a", labelled(u, 78, 64), drop="table-miss")
    yield Scenario("mpls-ttl", "an MPLS TTL is counted down", flows=["in_port=a,mpls,actions=dec_mpls_ttl,output:b"]) \
        .io(1, "a", labelled(u, 5, 30), {"b": labelled(u, 5, 29)}).io(2, "a", labelled(u, 5, 1), drop="ttl-invalid")


def matches():
    yield Scenario("match-ipv4", "prefixes and odd masks; the higher priority wins", flows=[
        "priority=30,ip,nw_dst=10.0.0.0/24,actions=output:b", "priority=20,ip,nw_dst=10.0.0.0/8,actions=output:c",
        "priority=40,ip,nw_src=10.0.0.9/255.0.0.255,actions=drop"]) \
        .io(1, "a", udp(), {"b": udp()}).io(2, "a", tcp(), {"b": tcp()}) \
        .io(3, "a", edited(udp(), IP, dst="10.9.9.9"), {"c": edited(udp(), IP, dst="10.9.9.9")}) \
        .io(4, "a", edited(udp(), IP, src="10.77.77.9"), drop="rule-drop") \
        .io(5, "a", edited(udp(), IP, dst="11.0.0.1"), drop="table-miss")
    s = udp6()
    yield Scenario("match-ipv6", "an IPv6 prefix and a UDP port behind it", flows=[
        "ipv6,ipv6_dst=2001:db8::/32,priority=2,actions=output:b", "udp6,udp_dst=53,priority=3,actions=output:c"]) \
        .io(1, "a", s, {"b": s}).io(2, "a", udp6(dport=53), {"c": udp6(dport=53)}) \
        .io(3, "a", edited(s, IPv6, dst="fd00::1"), drop="table-miss")
    hop = Ether(src=MAC["a"], dst=MAC["b"]) / IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop() / \
        UDP(sport=1, dport=53) / Raw(b"x")
    yield Scenario("match-ipv6-exthdr", "the UDP port is found behind an extension header", flows=[
        "udp6,udp_dst=53,actions=output:c"]).io(1, "a", hop, {"c": hop})
    yield Scenario("match-arp", "ARP by operation and target", flows=[
        "arp,arp_op=1,arp_tpa=10.0.0.2,actions=output:b"]) \
        .io(1, "a", arp(), {"b": arp()}).io(2, "a", arp(pdst="10.0.0.3"), drop="table-miss")
    ns = Ether(src=MAC["a"], dst="33:33:ff:00:00:02") / IPv6(src="fe80::1", dst="ff02::1:ff00:2") / \
        ICMPv6ND_NS(tgt="fe80::2")
    yield Scenario("match-nd", "a neighbour solicitation by its target", flows=[
        "icmp6,icmp_type=135,nd_target=fe80::2,actions=output:b"]) \
        .io(1, "a", ns, {"b": ns}).io(2, "a", edited(ns, ICMPv6ND_NS, tgt="fe80::7"), drop="table-miss")
    first, later = udp(flags="MF", payload=b"01234567" * 4), udp(frag=5)
    yield Scenario("match-fragments", "a later fragment has no ports", flows=[
        "priority=2,udp,udp_dst=2000,actions=output:b", "priority=1,ip,actions=output:c"]) \
        .io(1, "a", first, {"b": first}).io(2, "a", later, {"c": later})


def tables():
    u, t = udp(), tcp()
    yield Scenario("goto-metadata", "metadata goes from table to table", flows=[
        "table=0,in_port=a,actions=write_metadata:0x5/0xf,goto_table:1",
        "table=1,metadata=0x5/0xf,actions=output:c", "table=1,priority=0,actions=output:b"]) \
        .io(1, "a", u, {"c": u})
    yield Scenario("write-actions", "the action set runs at the end, apply at once, clear empties it", flows=[
        "table=0,in_port=a,udp,actions=output:c,write_actions(set_field:9->udp_dst,output:b),goto_table:1",
        "table=1,udp,udp_src=1000,actions=drop", "table=1,priority=1,udp,udp_src=1001,actions=clear_actions"]) \
        .io(1, "a", udp(sport=1002), {"c": udp(sport=1002)}, drop=["table-miss"]) \
        .io(2, "a", u, {"c": u, "b": edited(u, UDP, dport=9)}) \
        .io(3, "a", udp(sport=1001), {"c": udp(sport=1001)})
    yield Scenario("output-kinds", "all, flood, in_port, the ingress port by number, a port that is not there", flows=[
        "udp,udp_src=1,actions=all", "udp,udp_src=2,actions=flood", "udp,udp_src=3,actions=in_port",
        "udp,udp_src=4,actions=output:1", "udp,udp_src=5,actions=output:99", "udp,udp_src=6,actions=local"]) \
        .io(1, "a", udp(sport=1), {"b": udp(sport=1), "c": udp(sport=1)}) \
        .io(2, "a", udp(sport=2), {"b": udp(sport=2), "c": udp(sport=2)}).io(3, "a", udp(sport=3), {"a": udp(sport=3)}) \
        .io(4, "a", udp(sport=4), drop="output-is-input").io(5, "a", udp(sport=5), drop="no-output-port") \
        .io(6, "a", udp(sport=6), drop="no-output-port")
    yield Scenario("outputs-and-edits", "each output sends the frame as it is then", flows=[
        "in_port=a,udp,actions=output:b,set_field:7->udp_dst,output:c"]) \
        .io(1, "a", u, {"b": u, "c": edited(u, UDP, dport=7)})
    yield Scenario("block-port", "one rule blocks a TCP port, NORMAL goes on", flows=[
        "priority=100,tcp,in_port=a,tp_dst=25,actions=drop", "priority=0,actions=normal"]) \
        .io(1, "a", t, {"b": t, "c": t}).io(2, "a", tcp(dport=25), drop="rule-drop")
    yield Scenario("to-controller", "a packet-in without a controller is a named drop", flows=["actions=controller"]) \
        .io(1, "a", u, drop="packet-in-off")


def time():
    u = udp()
    yield Scenario("idle-timeout", "a flow lives while it is used", bridge="fail_mode: secure") \
        .step(0.5, "flow add br0 in_port=a,idle_timeout=5,actions=output:b") \
        .io(1, "a", u, {"b": u}).io(4, "a", u, {"b": u}).io(8, "a", u, {"b": u}).io(20, "a", u, drop="table-miss")
    yield Scenario("hard-timeout", "and not longer than its hard timeout", bridge="fail_mode: secure") \
        .step(0.5, "flow add br0 in_port=a,hard_timeout=5,actions=output:b") \
        .io(1, "a", u, {"b": u}).io(4, "a", u, {"b": u}).io(6, "a", u, drop="table-miss")
    yield Scenario("flow-changes", "flows added, modified and deleted between frames", bridge="fail_mode: secure") \
        .io(1, "a", u, drop="table-miss").step(2, "flow add br0 ip,actions=output:b").io(3, "a", u, {"b": u}) \
        .step(4, "flow mod br0 ip,actions=output:c").io(5, "a", u, {"c": u}) \
        .step(6, "flow del br0 ip").io(7, "a", u, drop="table-miss")


def flow_scenarios():
    return [*set_fields(), *ttl_and_tags(), *matches(), *tables(), *time()]
