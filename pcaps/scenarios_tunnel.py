"""scenarios_tunnel.py: VXLAN in and out (RFC 7348): scapy's headers; only the source port's hash, which is weft's own, is told again here."""
from scapy.all import ARP, IP, UDP, Dot1Q, Ether, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.contrib.igmp import IGMP
from scapy.layers.inet import IPOption_Router_Alert
from scapy.layers.vxlan import VXLAN

from scenario import MAC, Scenario, arp, tagged, tcp, udp, udp6

OURS, HERE4, HERE6 = "02:00:00:00:ee:01", "192.0.2.1", "2001:db8:ee::1"
THERE = {4: ["192.0.2.2", "192.0.2.3"], 6: ["2001:db8:ee::2", "2001:db8:ee::3"]}
THEIRS = ["02:00:00:00:ee:02", "02:00:00:00:ee:03"]
M64 = (1 << 64) - 1


# ---- the keyed hash of the inner flow (datapath/hash.h), under the key that seed 1 gives (base/prng.h)

def prng(state):
    z = (state + 0x9E3779B97F4A7C15) & M64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
    return z ^ z >> 31


def fold(a, b):
    r = (a & M64) * (b & M64)
    return (r ^ r >> 64) & M64


def flow_hash(frame):
    data, key, at = bytes(frame), prng(1), 12
    while data[at:at + 2] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    put, kind, ip, proto = bytearray(56), data[at:at + 2], at + 2, 0
    put[0:12] = data[0:12]
    if kind == b"\x08\0":
        put[16:24], proto, l4 = data[ip + 12:ip + 20], data[ip + 9], ip + (data[ip] & 15) * 4
    elif kind == b"\x86\xdd":
        put[16:48], proto, l4 = data[ip + 8:ip + 40], data[ip + 6], ip + 40
    if proto in (6, 17, 132):
        put[48:52] = data[l4:l4 + 4]
    words = [int.from_bytes(put[i:i + 8], "little") for i in range(0, 56, 8)]
    words[6] |= proto << 56
    k2 = fold(key ^ 0x2D358DCCAA6C78A5, 0x8BB84B93962EACC9) | 1
    h = key ^ 7
    for i in (0, 2, 4):
        h = fold(words[i] ^ h, words[i + 1] ^ k2) + k2 & M64
    return fold(fold(words[6] ^ h, k2) ^ k2, 0x9E3779B97F4A7C15)


# ---- frames

def from_us(frame, n=0, vni=100, v=4, tos=0, vlan=0, vx=None, df=True, ident=0, csum=None, dport=4789, dst=None, mac=None):
    """What we send to remote VTEP n."""
    h, to = flow_hash(frame), dst or THERE[v][n]
    ip = IP(src=HERE4, dst=to, tos=tos, ttl=64, id=ident, flags="DF" if df else 0) if v == 4 else \
        IPv6(src=HERE6, dst=to, tc=tos, hlim=64, fl=h >> 14 & 0xFFFFF)
    zero = {} if csum or (csum is None and v == 6) else {"chksum": 0}
    head = Ether(src=OURS, dst=mac or THEIRS[n])
    return bytes((head / Dot1Q(vlan=vlan) if vlan else head) / ip / UDP(sport=49152 | h & 0x3FFF, dport=dport, **zero) /
                 (vx or VXLAN(vni=vni, flags=8)) / bytes(frame))


def to_us(frame, n=0, vni=100, v=4, tos=0, csum=None, vx=None, dport=4789, vlan=0, **ip):
    """What remote VTEP n sends."""
    l3 = IP(src=THERE[4][n], dst=HERE4, tos=tos, **ip) if v == 4 else IPv6(src=THERE[6][n], dst=HERE6, tc=tos, **ip)
    zero = {} if csum or (csum is None and v == 6) else {"chksum": 0}
    head = Ether(src=THEIRS[n], dst=OURS)
    return bytes((head / Dot1Q(vlan=vlan) if vlan else head) / l3 / UDP(sport=50000, dport=dport, **zero) /
                 (vx or VXLAN(vni=vni, flags=8)) / bytes(frame))


def tunnel(name, text, v=4, remotes=None, keys="", tunnel_keys="key: 100", ports=None, flows=None):
    known = ", ".join(f'{{ip: "{ip}", mac: "{mac}"}}' for ip, mac in zip(THERE[v], THEIRS))
    remotes = THERE[v][:1] if remotes is None else remotes
    to = ", remotes: [" + ", ".join(f'"{r}"' for r in remotes) + "]" if remotes else ""
    ip = f"{HERE4}/24" if v == 4 else f"{HERE6}/64"
    return Scenario(name, text, ports={**(ports or {"a": ""}), "t": f"type: vxlan, vtep: v, {tunnel_keys}{to}"},
                    flows=flows, more="  - name: under\n    ports:\n      - {name: u, type: ring}",
                    top=f'vteps:\n  - {{name: v, ip: "{ip}", port: u, mac: "{OURS}", neighbors: [{known}]{keys}}}')


def there_and_back():
    f, back = udp("a", "b"), udp("b", "a")
    yield tunnel("vxlan-ipv4", "a tenant's frame goes into VXLAN over IPv4, and one comes out") \
        .io(1, "a", f, {"u": from_us(f)}).io(2, "u", to_us(back), {"a": back}) \
        .io(3, "u", to_us(back, csum=True), {"a": back})
    f6, t = udp6("a", "b"), tcp("a", "b")
    yield tunnel("vxlan-ipv6", "over IPv6, with its checksum and flow label; inner flows have ports of their own", v=6) \
        .io(1, "a", f, {"u": from_us(f, v=6)}).io(2, "a", f6, {"u": from_us(f6, v=6)}) \
        .io(3, "a", t, {"u": from_us(t, v=6)}).io(4, "u", to_us(back, v=6), {"a": back})
    yield tunnel("vxlan-ipv6-no-checksum", "over IPv6 without a checksum, either way, where configured (RFC 6935)", v=6,
                 keys=", udp_checksum: false, udp6_zero: true") \
        .io(1, "a", f, {"u": from_us(f, v=6, csum=False)}).io(2, "u", to_us(back, v=6, csum=False), {"a": back})
    yield tunnel("vxlan-ipv4-checksum", "over IPv4 with a checksum", keys=", udp_checksum: true") \
        .io(1, "a", f, {"u": from_us(f, csum=True)})
    yield tunnel("vxlan-may-fragment", "without DF each packet has an ID of its own (RFC 6864)", keys=", df: false") \
        .io(1, "a", f, {"u": from_us(f, df=False, ident=1)}).io(2, "a", f, {"u": from_us(f, df=False, ident=2)})
    yield tunnel("vxlan-underlay-vlan", "the underlay is a VLAN", keys=", vlan: 30") \
        .io(1, "a", f, {"u": from_us(f, vlan=30)}).io(2, "u", to_us(back, vlan=30), {"a": back}) \
        .io(3, "u", to_us(back), drop="no-destination")


def whom():
    f, back, b = udp("a", "b"), udp("b", "a"), udp("a", None)
    yield tunnel("vxlan-head-end", "unknown goes to every remote VTEP, learnt to one; a MAC moves between them",
                 remotes=THERE[4]) \
        .io(1, "a", f, {"u": [from_us(f), from_us(f, 1)]}).io(2, "u", to_us(back, 1), {"a": back}) \
        .io(3, "a", f, {"u": from_us(f, 1)}).io(4, "u", to_us(back), {"a": back}).io(5, "a", f, {"u": from_us(f)}) \
        .io(6, "a", b, {"u": [from_us(b), from_us(b, 1)]})
    group = Ether(to_us(back))
    group.dst, group[IP].dst = "01:00:5e:01:01:01", "239.1.1.1"
    del group[IP].chksum
    member = bytes(Ether(src=OURS, dst="01:00:5e:01:01:01") /
                   IP(src=HERE4, dst="239.1.1.1", ttl=1, tos=0xC0, id=0, flags="DF", options=[IPOption_Router_Alert()]) /
                   IGMP(type=0x16, mrcode=0, gaddr="239.1.1.1")).ljust(60, b"\0")
    yield tunnel("vxlan-group", "unknown goes to the VNI's multicast group, which is joined (RFC 2236), and comes from it",
                 remotes=["239.1.1.1"]) \
        .io(1, "a", f, {"u": [from_us(f, dst="239.1.1.1", mac="01:00:5e:01:01:01"), member]}) \
        .io(2, "u", bytes(group), {"a": back, "u": member}).io(3, "a", f, {"u": from_us(f)})
    yield tunnel("vxlan-point-to-point", "remote_ip: no other VTEP is heard", remotes=[],
                 tunnel_keys="key: 100, remote_ip: 192.0.2.2") \
        .io(1, "a", f, {"u": from_us(f)}).io(2, "u", to_us(back, 1), drop="tunnel-unknown-vni") \
        .io(3, "u", to_us(back), {"a": back})
    yield tunnel("vxlan-nobody", "without a remote VTEP there is nowhere to flood to", remotes=[]) \
        .io(1, "a", f, drop="tunnel-no-remote").io(2, "u", to_us(back), {"a": back}).io(3, "a", f, {"u": from_us(f)})


def vlans_and_keys():
    f, back = udp("a", "b"), udp("b", "a")
    yield tunnel("vxlan-access-vlan", "the VLAN of the tunnel port is the VNI: no tag inside (RFC 7348 6.1)",
                 tunnel_keys="key: 100, tag: 10") \
        .io(1, "a", tagged(f, 10), {"u": from_us(f)}).io(2, "a", tagged(f, 11), drop="no-destination") \
        .io(3, "u", to_us(back), {"a": tagged(back, 10)}).io(4, "u", to_us(tagged(back, 10)), drop="tunnel-inner-vlan")
    yield tunnel("vxlan-inner-vlan", "inner_vlan: a tag goes and comes as it is", keys=", inner_vlan: true") \
        .io(1, "a", tagged(f, 10), {"u": from_us(tagged(f, 10))}) \
        .io(2, "u", to_us(tagged(back, 10)), {"a": tagged(back, 10)})
    yield tunnel("vxlan-flow-key", "key: flow takes the VNI from tunnel_id, and gives it", tunnel_keys="key: flow",
                 ports={"a": "", "b": ""},
                 flows=["in_port=a,actions=set_tunnel:500,output:t", "tun_id=600,actions=output:a",
                        "tun_id=700,actions=output:b", "in_port=b,actions=set_tunnel:16777216,output:t"]) \
        .io(1, "a", f, {"u": from_us(f, vni=500)}).io(2, "u", to_us(back, vni=600), {"a": back}) \
        .io(3, "u", to_us(back, vni=700), {"b": back}).io(4, "b", back, drop="tunnel-bad-key") \
        .io(5, "u", to_us(f, vni=600), {"a": f}).io(5, "u", to_us(f, vni=700), {"b": f}).io(5, "u", to_us(f, vni=600), {"a": f})
    for v in (4, 6):
        src, dst = ("tun_src", "tun_dst") if v == 4 else ("tun_ipv6_src", "tun_ipv6_dst")
        one, two = THERE[v]
        yield tunnel(f"vxlan-flow-remote{'' if v == 4 else '-ipv6'}", f"remote_ip: flow: actions set {dst}, rules match {src}",
                     v=v, remotes=[], tunnel_keys="key: flow, remote_ip: flow", ports={"a": "", "b": ""},
                     flows=[f"in_port=a,actions=set_tunnel:500,set_field:{one}->{dst},output:t,set_field:{two}->{dst},output:t",
                            f"in_port=b,udp,actions=set_field:{two}->{src},set_field:{two}->{dst},output:t",
                            "in_port=b,tcp,actions=output:t",
                            f"in_port=t,{src}={one},actions=output:a", f"in_port=t,{src}={two},{dst}={HERE4 if v == 4 else HERE6},actions=output:b"]) \
            .io(1, "a", f, {"u": [from_us(f, v=v, vni=500), from_us(f, 1, v=v, vni=500)]}) \
            .io(2, "u", to_us(back, v=v, vni=9), {"a": back}).io(2, "u", to_us(back, 1, v=v, vni=9), {"b": back}) \
            .io(3, "b", back, drop="tunnel-bad-source").io(4, "b", tcp("b", "a"), drop="tunnel-no-remote")
    gbp = VXLAN(flags=0x88, gpflags=0x48, gpid=5, vni=100)
    yield tunnel("vxlan-gbp", "group policy headers are read", keys=", extension: gbp") \
        .io(1, "u", to_us(back, vx=gbp), {"a": back}).io(2, "a", f, {"u": from_us(f)})
    gpe, ip_inside = VXLAN(flags=0x0C, NextProtocol=3, vni=100), VXLAN(flags=0x0C, NextProtocol=1, vni=100)
    yield tunnel("vxlan-gpe", "the generic protocol extension on its own port, of Ethernet only", keys=", extension: gpe") \
        .io(1, "a", f, {"u": from_us(f, vx=gpe, dport=4790)}).io(2, "u", to_us(back, vx=gpe, dport=4790), {"a": back}) \
        .io(3, "u", to_us(back, vx=ip_inside, dport=4790), drop="tunnel-bad-header")


def classes():
    f, ect, ce = udp("a", "b", tos=0xB8), udp("b", "a", tos=2), udp("b", "a", tos=3)
    yield tunnel("vxlan-pipe", "pipe: the outer DSCP is the configured one; ECN is copied (RFC 2983, 6040)",
                 keys=", dscp: 10") \
        .io(1, "a", f, {"u": from_us(f, tos=0x28)}).io(2, "u", to_us(ect, tos=0xB8), {"a": ect}) \
        .io(3, "u", to_us(ect, tos=3), {"a": ce}).io(4, "u", to_us(udp("b", "a"), tos=3), drop="tunnel-ecn")
    yield tunnel("vxlan-uniform", "uniform: the DSCP goes out and comes in", keys=", dscp: uniform") \
        .io(1, "a", f, {"u": from_us(f, tos=0xB8)}) \
        .io(2, "u", to_us(udp("b", "a"), tos=0x28), {"a": udp("b", "a", tos=0x28)})


def lies():
    back = udp("b", "a")
    csum, length, flags = (bytearray(to_us(back)) for _ in range(3))
    csum[41], flags[42] = 7, 0
    length[39] += 1
    yield tunnel("vxlan-lies", "what is wrong is dropped by name") \
        .io(1, "u", csum, drop="tunnel-bad-checksum").io(2, "u", length, drop="tunnel-bad-udp") \
        .io(3, "u", flags, drop="tunnel-bad-header").io(4, "u", to_us(back)[:46], drop="tunnel-bad-ip") \
        .io(5, "u", to_us(back, vni=101), drop="tunnel-unknown-vni") \
        .io(6, "u", to_us(back, flags="MF"), drop="tunnel-fragment") \
        .io(7, "u", to_us(back, dport=8472), drop="tunnel-not-vxlan") \
        .io(8, "u", to_us(udp("b", "a", dport=4789)), drop="tunnel-nested") \
        .io(9, "u", to_us(b"short"), drop="tunnel-inner-short")
    yield tunnel("vxlan-lies-ipv6", "and over IPv6", v=6) \
        .io(1, "u", to_us(back, v=6, csum=False), drop="tunnel-no-checksum")


def neighbours():
    ask = Ether(src=THEIRS[0], dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=THEIRS[0], psrc="192.0.2.2", pdst=HERE4)
    answer = Ether(src=OURS, dst=THEIRS[0]) / ARP(op=2, hwsrc=OURS, psrc=HERE4, hwdst=THEIRS[0], pdst="192.0.2.2")
    yield tunnel("vxlan-arp", "who asks for the VTEP's address is told (RFC 826)") \
        .io(1, "u", ask, {"u": bytes(answer).ljust(60, b"\0")}) \
        .io(2, "u", arp("b"), drop="no-destination")
    ns = Ether(src=THEIRS[0], dst="33:33:ff:00:00:01") / IPv6(src=THERE[6][0], dst="ff02::1:ff00:1", hlim=255) / \
        ICMPv6ND_NS(tgt=HERE6) / ICMPv6NDOptSrcLLAddr(lladdr=THEIRS[0])
    na = Ether(src=OURS, dst=THEIRS[0]) / IPv6(src=HERE6, dst=THERE[6][0], hlim=255) / \
        ICMPv6ND_NA(tgt=HERE6, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=OURS)
    yield tunnel("vxlan-nd", "and over IPv6 (RFC 4861 7.2.4)", v=6) \
        .io(1, "u", ns, {"u": na})


def suppression():
    """Asks of a: the configured, the learnt, the unknown; probes and announcements go their way."""
    def answer(vlan=None):
        return bytes(Ether(src=MAC["b"], dst=MAC["a"]) /
                     ARP(op=2, hwsrc=MAC["b"], psrc="10.0.0.2", hwdst=MAC["a"], pdst="10.0.0.1")).ljust(60, b"\0")
    def asks(tgt="2001:db8::2"):
        return Ether(src=MAC["a"], dst="33:33:ff:00:00:02") / IPv6(src="2001:db8::1", dst="ff02::1:ff00:2", hlim=255) / \
            ICMPv6ND_NS(tgt=tgt) / ICMPv6NDOptSrcLLAddr(lladdr=MAC["a"])
    na = Ether(src=MAC["b"], dst=MAC["a"]) / IPv6(src="2001:db8::2", dst="2001:db8::1", hlim=255) / \
        ICMPv6ND_NA(tgt="2001:db8::2", R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC["b"])
    q, other, probe, said = arp("a"), arp("a", pdst="10.0.0.3"), arp("a", psrc="0.0.0.0"), arp("b", psrc="10.0.0.2", pdst="10.0.0.9")
    host = f'hosts: [{{mac: "{MAC["b"]}", remote: 192.0.2.2, ips: ["10.0.0.2", "2001:db8::2"]}}]'
    yield tunnel("vxlan-suppress-static", "who asks for a configured host of the VNI is answered in its name", v=4,
                 tunnel_keys=f"key: 100, suppress: true, {host}") \
        .io(1, "a", q, {"a": answer()}, drop="tunnel-suppressed").io(2, "a", other, {"u": from_us(other)}) \
        .io(3, "a", probe, {"u": from_us(probe)}).io(4, "a", asks(), {"a": bytes(na)}, drop="tunnel-suppressed") \
        .io(5, "a", udp("a", "b"), {"u": from_us(udp("a", "b"))})
    yield tunnel("vxlan-suppress-learnt", "and for one that was heard through the tunnel, at an access port's VLAN",
                 tunnel_keys="key: 100, suppress: true, tag: 10", ports={"a": "tag: 10"}) \
        .io(1, "a", q, {"u": from_us(q)}).io(2, "u", to_us(said), {"a": said}) \
        .io(3, "a", q, {"a": answer()}, drop="tunnel-suppressed") \
        .io(4, "u", to_us(bytes(na)), {"a": bytes(na)}).io(5, "a", asks(), {"a": bytes(na)}, drop="tunnel-suppressed")


def tunnel_scenarios():
    return [*there_and_back(), *whom(), *vlans_and_keys(), *classes(), *lies(), *neighbours(), *suppression()]
