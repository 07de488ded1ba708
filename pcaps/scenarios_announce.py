"""scenarios_announce.py: a VM becomes active: what is announced, where, with which tags, and when (control/announce.h)."""
import struct

from scapy.all import ARP, IP, Ether, ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6

from scenario import BROADCAST, MAC, Scenario, tagged, udp
from scenarios_tunnel import THERE, from_us, to_us, tunnel

ROUNDS = [1, 1.05, 1.2, 1.45, 1.8]  # the first at once, then 50 ms, and each 100 ms more than the one before
VM = 'macs: ["02:00:00:00:00:01"], activation: command'
IPS = ', ip: ["10.0.0.1", "2001:db8::1", "10.9.0.0/16"]'
LLA = "fe80::ff:fe00:1"


def padded(frame):
    return bytes(frame).ljust(60, b"\0")


def garp(op=1):
    """RFC 5227 section 2.3: sender and target address are the same."""
    target = "00:00:00:00:00:00" if op == 1 else MAC["a"]
    return padded(Ether(src=MAC["a"], dst=BROADCAST) /
                  ARP(op=op, hwsrc=MAC["a"], psrc="10.0.0.1", hwdst=target, pdst="10.0.0.1"))


def na(ip):
    """RFC 4861 section 7.2.6: to all nodes, unsolicited, override, with the target's link-layer address."""
    return bytes(Ether(src=MAC["a"], dst="33:33:00:00:00:01") / IPv6(src=ip, dst="ff02::1", hlim=255) /
                 ICMPv6ND_NA(tgt=ip, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=MAC["a"]))


def rarp():
    mac = bytes.fromhex(MAC["a"].replace(":", ""))
    return padded(b"\xff" * 6 + mac + struct.pack(">HHHBBH", 0x8035, 1, 0x800, 6, 4, 3) + mac + bytes(4) + mac + bytes(4))


ALL = [garp(), na("2001:db8::1"), na(LLA)]


def rounds(s, out):
    """The VM is activated at 1 s; `out` comes in each round."""
    s.step(0.1, "wait")
    for i, when in enumerate(ROUNDS):
        s.step(when, "wait" if i else 'api port.activate {"name": "a"}')
        for port, frames in out.items():
            for f in frames:
                s.expected.setdefault(port, []).append((when, bytes(f)))
    return s.step(4, "wait")



def late(frame, ttl=63):
    """Redirected: the outer TTL goes on counting down."""
    p = Ether(from_us(frame, 0))
    p[IP].ttl = ttl
    del p[IP].chksum
    return bytes(p)


def redirect_scenario():
    """The VM moves to VTEP 0; VTEP 1 hasn't heard of it."""
    f, hello = udp("b", "a"), udp("a", None)
    s = tunnel("redirect-vxlan", "late frames follow a VM: not back, not for ever, not without TTL", remotes=THERE[4],
               tunnel_keys="key: 100, tag: 10", ports={"a": "vni: 100, macs: [\"02:00:00:00:00:01\"], announce: \"off\""})
    s.io(0.5, "u", to_us(f, 1), {"a": f})
    s.io(1, "u", to_us(hello, 0), {"a": hello})
    s.io(2, "u", to_us(f, 1), {"u": late(f)})
    s.io(3, "u", to_us(f, 0), drop="self-directed").io(4, "u", to_us(f, 1, ttl=1), drop="self-directed")
    return s.io(8, "u", to_us(f, 1), drop="self-directed")


def announce_scenarios():
    yield redirect_scenario()
    early = udp("a", None)
    s = Scenario("announce-vlan", "a held VM says and hears nothing; then it is announced in its VLAN, tagged on a trunk",
                 ports={"a": "tag: 10, " + VM + IPS, "b": 'trunks: ["10", "20"]', "c": "tag: 10", "d": "tag: 20"})
    s.io(0.5, "a", early, drop="port-held").io(0.6, "c", udp("c", None), {"b": tagged(udp("c", None), 10)}, drop="port-held")
    yield rounds(s, {"b": [tagged(f, 10) for f in ALL], "c": ALL})
    s = Scenario("announce-trunk", "a VM with tags of its own is announced in each of its VLANs",
                 ports={"a": 'trunks: ["10", "20"], ' + VM + ', ip: ["10.0.0.1"]', "b": "", "c": "tag: 10", "d": "tag: 20"})
    yield rounds(s, {"b": [tagged(garp(), 10), tagged(garp(), 20)], "c": [garp()], "d": [garp()]})
    yield rounds(Scenario("announce-rarp", "of a VM without an address bridges learn by RARP",
                          ports={"a": "tag: 10, " + VM, "b": "tag: 10"}), {"b": [rarp()]})
    yield rounds(Scenario("announce-reply", "gratuitous ARP as reply, too, where configured",
                          ports={"a": "tag: 10, announce: both, " + VM + ', ip: ["10.0.0.1"]', "b": "tag: 10"}),
                 {"b": [garp(), garp(2)]})
    s = Scenario("announce-opens", "the guest's first frame opens its port, goes on, and is followed by announcements",
                 ports={"a": "tag: 10, " + VM.replace("command", "rarp") + ', ip: ["10.0.0.1"]', "b": "tag: 10"})
    s.io(0.5, "b", udp("b", None), drop="port-held").io(1, "a", udp("a", None), {"b": udp("a", None)})
    s = rounds(s, {"b": [garp()]})
    s.steps = [(1.000001, "wait")] + [(w, "wait") for w, what in s.steps if w > 1]
    yield s
    for v in (4, 6):
        s = tunnel(f"announce-vxlan-ipv{v}", "to every VTEP of the VM's VNI", v=v, remotes=THERE[v],
                   tunnel_keys="key: 100, tag: 10", ports={"a": "vni: 100, " + VM + IPS, "d": "tag: 20"})
        yield rounds(s, {"u": [from_us(f, n, v=v) for f in ALL for n in (0, 1)]})
