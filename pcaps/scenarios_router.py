"""scenarios_router.py: virtual routers: what is rewritten, and every ICMP error (RFC 792, 1812, 4443), as scapy has it."""
from scapy.all import (ARP, ICMP, IP, TCP, UDP, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6, Raw)

from scenario import BROADCAST, MAC, Scenario

GW = {"a": "02:00:00:00:10:01", "b": "02:00:00:00:20:01"}
IP4 = {"a": "10.0.10.2", "b": "10.0.20.2"}
IP6 = {"a": "fd00:10::2", "b": "fd00:20::2"}
GW4 = {"a": "10.0.10.1", "b": "10.0.20.1"}
GW6 = {"a": "fd00:10::1", "b": "fd00:20::1"}
LL = {"a": "fe80::ff:fe00:1001", "b": "fe80::ff:fe00:2001"}


def router(name, text, v=4, routes=(), more_b="", more_a=""):
    """VLAN 10 has host a, VLAN 20 host b; the hosts are known, as configured. What the router says of itself at first is expected."""
    addr = {n: GW4[n] + "/24" if v == 4 else GW6[n] + "/64" for n in "ab"}
    top = "routers:\n  - name: r1" + ("\n    routes:" if routes else "") + "".join(f"\n      - {{{r}}}" for r in routes)
    host = IP4 if v == 4 else IP6

    def gw(n, tag, more):
        return (f"type: router, router: r1, tag: {tag}, mac: \"{GW[n]}\", addresses: [\"{addr[n]}\"], "
                f"neighbors: [{{ip: \"{host[n]}\", mac: \"{MAC[n]}\"}}]{more}")
    s = Scenario(name, text, {"a": "tag: 10", "b": "tag: 20", "gw10": gw("a", 10, more_a), "gw20": gw("b", 20, more_b)}, top=top)
    s.v = v
    return s


def hello(s):
    """Gratuitous ARP and unsolicited NA, twice in two seconds (RFC 5227 3, RFC 4861 7.2.6); a frame starts the clock."""
    s.io(0, "a", Ether(src=MAC["a"], dst=BROADCAST, type=0x88B5) / Raw(b"q" * 46), drop="router-not-ip")
    for when in (0, 2.1):  # timers are looked at every 100 ms, and what they say leaves with the next look
        for n in "ab":
            if s.v == 4:
                f = Ether(src=GW[n], dst=BROADCAST) / ARP(op=1, hwsrc=GW[n], psrc=GW4[n], pdst=GW4[n])
                s.expected.setdefault(n, []).append((when, bytes(f)))
            both = [GW6[n], LL[n]] if (when, n) != (2.1, "b") else [LL[n], GW6[n]]  # due at once: in no order
            for ip in both if s.v == 6 else []:
                f = Ether(src=GW[n], dst="33:33:00:00:00:01") / IPv6(src=ip, dst="ff02::1", hlim=255) / \
                    ICMPv6ND_NA(tgt=ip, R=1, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=GW[n])
                s.expected.setdefault(n, []).append((when, bytes(f)))
    return s


def there(frame, ttl, n="b"):
    """The frame as it leaves to host n: other MACs, another TTL."""
    f = Ether(bytes(frame))
    f.src, f.dst = GW[n], MAC[n]
    if IP in f:
        f[IP].ttl = ttl
        del f[IP].chksum
    else:
        f[IPv6].hlim = ttl
    return f


def packet(n, src, dst, payload=b"payload of it", **ip):
    """From host n to its gateway."""
    return Ether(src=MAC[n], dst=GW[n]) / IP(**{"src": src, "dst": dst, "id": 7, **ip}) / UDP(sport=1000, dport=2000) / Raw(payload)


def sent(ttl=64, to=None, **kw):
    return packet("a", IP4["a"], to or IP4["b"], ttl=ttl, **kw)


def sent6(hlim=64, to=None, size=10):
    return Ether(src=MAC["a"], dst=GW["a"]) / IPv6(src=IP6["a"], dst=to or IP6["b"], hlim=hlim) / UDP(sport=1, dport=2) / \
        Raw(b"x" * size)


def error(about, **icmp):
    """ICMP to host a, from its gateway: TOS of network control, TTL 64, at most 576 bytes (RFC 1812 4.3.2)."""
    return Ether(src=GW["a"], dst=MAC["a"]) / IP(src=GW4["a"], dst=IP4["a"], tos=0xC0, ttl=64, id=0) / ICMP(**icmp) / \
        Raw(bytes(about[IP])[:576 - 28])


def error6(about, layer):
    return Ether(src=GW["a"], dst=MAC["a"]) / IPv6(src=GW6["a"], dst=IP6["a"], hlim=64) / layer / \
        Raw(bytes(about[IPv6])[:1280 - 48])


def forwarded():
    t = Ether(src=MAC["a"], dst=GW["a"]) / IP(src=IP4["a"], dst=IP4["b"], ttl=2, id=8) / TCP(sport=1, dport=80) / Raw(b"hello")
    yield hello(router("route-ipv4", "between VLANs: MACs, TTL and checksum change, and nothing else")) \
        .io(3, "a", sent(), {"b": there(sent(), 63)}) \
        .io(4, "a", t, {"b": there(t, 1)}) \
        .io(6, "a", sent(options=[b"\x94\x04\0\0"]), {"b": there(sent(options=[b"\x94\x04\0\0"]), 63)}) \
        .io(7, "b", packet("b", IP4["b"], IP4["a"], ttl=255),
            {"a": there(packet("b", IP4["b"], IP4["a"], ttl=255), 254, "a")})
    yield hello(router("route-ipv6", "and IPv6", v=6)) \
        .io(3, "a", sent6(), {"b": there(sent6(), 63)}) \
        .io(4, "a", sent6(2), {"b": there(sent6(2), 1)})


def errors():
    far = sent(to="10.77.0.1")
    yield hello(router("route-errors", "what can't be sent is told to who sent it (RFC 792)",
                       routes=["prefix: 10.9.0.0/16, blackhole: true", "prefix: 10.8.0.0/16, unreachable: true"], more_b=", mtu: 600")) \
        .io(3, "a", sent(1), {"a": error(sent(1), type=11, code=0)}, drop="router-ttl") \
        .io(4, "a", far, {"a": error(far, type=3, code=0)}, drop="router-no-route") \
        .io(6, "a", sent(flags="DF", payload=b"y" * 573),
            {"a": error(sent(flags="DF", payload=b"y" * 573), type=3, code=4, nexthopmtu=600)}, drop="router-too-big") \
        .io(7, "a", sent(to="10.9.0.1"), drop="router-blackhole") \
        .io(8, "a", sent(to="10.8.0.1"), {"a": error(sent(to="10.8.0.1"), type=3, code=0)}, drop="router-no-route") \
        .io(9, "a", sent(to=GW4["a"]), {"a": error(sent(to=GW4["a"]), type=3, code=3)}, drop="router-not-taken")
    deep = sent6(to="fd00:77::1")
    yield hello(router("route-errors-ipv6", "and by ICMPv6 (RFC 4443)", v=6, more_b=", mtu: 1280")) \
        .io(3, "a", sent6(1), {"a": error6(sent6(1), ICMPv6TimeExceeded(code=0))}, drop="router-ttl") \
        .io(4, "a", deep, {"a": error6(deep, ICMPv6DestUnreach(code=0))}, drop="router-no-route") \
        .io(6, "a", sent6(size=1300), {"a": error6(sent6(size=1300), ICMPv6PacketTooBig(mtu=1280))}, drop="router-too-big") \
        .io(7, "a", sent6(to=GW6["a"]), {"a": error6(sent6(to=GW6["a"]), ICMPv6DestUnreach(code=4))}, drop="router-not-taken")


def cut():
    whole = sent(payload=b"z" * 1000, options=[b"\x94\x04\0\0"])
    whole = Ether(bytes(whole))
    pieces = []
    for at in range(0, 1008, 568):
        n = min(568, 1008 - at)
        f = Ether(src=GW["b"], dst=MAC["b"]) / IP(src=IP4["a"], dst=IP4["b"], id=7, ttl=63, proto=17, frag=at // 8,
                                                  flags="MF" if at + n < 1008 else 0, options=[b"\x94\x04\0\0"]) / \
            Raw(bytes(whole)[38:][at:at + n])
        pieces.append(f)
    yield hello(router("route-fragments", "a packet that may be cut is cut (RFC 791 3.2)", more_b=", mtu: 596")) \
        .io(3, "a", whole, {"b": pieces})


def refused():
    bad = bytearray(bytes(sent()))
    bad[24] ^= 1
    yield hello(router("route-refuses", "what no router forwards (RFC 1812 5.3.7, 4.2.2.11)", more_a=", urpf: strict")) \
        .io(3, "a", bytes(bad), drop="router-bad-ip") \
        .io(4, "a", packet("a", "127.0.0.1", IP4["b"]), drop="router-martian") \
        .io(6, "a", packet("a", IP4["a"], "0.0.0.7"), drop="router-martian") \
        .io(7, "a", packet("a", "10.0.20.9", IP4["b"]), drop="router-urpf") \
        .io(8, "a", packet("a", IP4["a"], "224.1.1.1"), drop="router-multicast") \
        .io(9, "a", packet("a", IP4["a"], "10.0.20.255"), drop="router-blackhole") \
        .io(10, "a", Ether(src=MAC["a"], dst=GW["a"], type=0x88B5) / Raw(b"q" * 46), drop="router-not-ip")


def itself():
    ask = Ether(src=MAC["a"], dst=BROADCAST) / ARP(op=1, hwsrc=MAC["a"], psrc=IP4["a"], pdst=GW4["a"])
    told = Ether(src=GW["a"], dst=MAC["a"]) / ARP(op=2, hwsrc=GW["a"], psrc=GW4["a"], hwdst=MAC["a"], pdst=IP4["a"])
    echo = Ether(src=MAC["a"], dst=GW["a"]) / IP(src=IP4["a"], dst=GW4["a"], id=5) / ICMP(id=3, seq=1) / Raw(b"hello")
    back = Ether(src=GW["a"], dst=MAC["a"]) / IP(src=GW4["a"], dst=IP4["a"], id=5) / ICMP(type=0, id=3, seq=1) / Raw(b"hello")
    yield hello(router("route-itself", "a router answers ARP (RFC 826) and echo requests (RFC 1812 4.3.3.6)")) \
        .io(3, "a", ask, {"a": told}) \
        .io(4, "a", echo, {"a": back})
    ns = Ether(src=MAC["a"], dst="33:33:ff:00:00:01") / IPv6(src=IP6["a"], dst="ff02::1:ff00:1", hlim=255) / \
        ICMPv6ND_NS(tgt=GW6["a"]) / ICMPv6NDOptSrcLLAddr(lladdr=MAC["a"])
    na = Ether(src=GW["a"], dst=MAC["a"]) / IPv6(src=GW6["a"], dst=IP6["a"], hlim=255) / \
        ICMPv6ND_NA(tgt=GW6["a"], R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=GW["a"])
    echo6 = Ether(src=MAC["a"], dst=GW["a"]) / IPv6(src=IP6["a"], dst=GW6["a"]) / ICMPv6EchoRequest(id=3, seq=1, data=b"hello")
    back6 = Ether(src=GW["a"], dst=MAC["a"]) / IPv6(src=GW6["a"], dst=IP6["a"]) / ICMPv6EchoReply(id=3, seq=1, data=b"hello")
    yield hello(router("route-itself-ipv6", "and Neighbor Solicitations (RFC 4861 7.2.4)", v=6)) \
        .io(3, "a", ns, {"a": na}) \
        .io(4, "a", echo6, {"a": back6})


def router_scenarios():
    made = [*forwarded(), *errors(), *cut(), *refused(), *itself()]
    for s in made:
        for frames in s.expected.values():
            frames.sort(key=lambda f: f[0])
    return made
