"""What is under the tunnels: MTUs and who is told, bonds and VLANs as uplinks, routers and links that die."""
import json
import re
import time

import pytest

from house import run, until
from test_lacp import Ovs, active, cables, lost_while
from test_vxlan import FAMILIES, kernel_host


def vm_mtu(vm):
    return json.loads(vm.sh("ip", "-j", "link", "show", "eth0"))[0]["mtu"]


@pytest.mark.parametrize("family", [4, 6])
def test_the_inner_mtu_is_offered_and_who_sends_more_is_told(house, family):
    """vm1's tap takes the VNI's MTU; vm2 insists on 1500, and the router in its VLAN tells it what fits."""
    one, two, host = house.vm(1), house.vm(2), house.vm(9)
    ours, theirs, bits, mtu = FAMILIES[family]
    w = house.weft(f'routers:\n  - {{name: r}}\nvteps:\n  - {{name: vt, ip: "{ours}/{bits}", port: up}}\nbridges:\n  - name: br0\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {one.ns}, tag: 10}}\n"
                   f"      - {{name: vm2, type: tap, ifname: eth0, netns: {two.ns}, tag: 10, mtu: 1500}}\n"
                   f'      - {{name: t100, type: vxlan, vtep: vt, key: 100, tag: 10, remotes: ["{theirs}"]}}\n'
                   '      - {name: gw, type: router, router: r, tag: 10, addresses: ["10.0.0.254/24", "fd00::fe/64"]}\n'
                   f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {host.ns}}}\n")
    one.up(), two.up()
    kernel_host(host, family, "remote", ours)
    assert vm_mtu(one) == mtu and vm_mtu(two) == 1500
    until("the first ping", lambda: two.pings(host.ip, count=1))
    assert two.pings("10.0.0.254")
    out = two.sh("ping", "-c", "3", "-i", "0.2", "-W", "1", "-M", "do", "-s", 1472, host.ip, check=False)
    assert re.search(rf"[Ff]rag needed.*mtu *= *{mtu}|message too long, mtu={mtu}", out), out
    for v, ip in ((two, "fd00::2"), (host, "fd00::9")):
        dev = "eth0" if v is two else "vx0"
        v.sh("sysctl", "-qw", f"net.ipv6.conf.{dev}.disable_ipv6=0")
        v.sh("ip", "addr", "add", ip + "/64", "dev", dev, "nodad")
    until("the first ping", lambda: two.pings("fd00::9", count=1))
    out = two.sh("ping", "-c", "3", "-i", "0.2", "-W", "1", "-M", "do", "-s", 1452, "fd00::9", check=False)
    assert re.search(rf"[Pp]acket too big: mtu={mtu}|message too long, mtu: {mtu}", out), out
    assert any(d["reason"] == "tx-too-big" for d in w.api("drops")["drops"])
    s = host.serve()
    assert two.iperf(host.ip, "-t", "1")["sum_received"]["bytes"] > 1_000_000 # TCP finds its way by that
    s.stop()


class Fabric:
    """Two routers between our links and the remote host's, each a namespace; weft's ends are taps in them."""

    def __init__(self, house):
        self.vm, self.host, self.routers = house.vm(1), house.vm(9), [house.vm(0), house.vm(0)]
        for i, r in enumerate(self.routers):
            run("ip", "link", "add", "far0", "netns", r.ns, "type", "veth", "peer", "name", f"in{i}", "netns", self.host.ns)
            r.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def lay(self):
        for i, r in enumerate(self.routers):
            r.sh("ip", "addr", "add", f"192.0.{2 + i}.254/24", "dev", "near0")
            r.sh("ip", "addr", "add", f"198.51.{i}.1/24", "dev", "far0")
            for dev in ("near0", "far0"):
                r.sh("ip", "link", "set", dev, "up")
            r.sh("ip", "route", "add", "203.0.113.9/32", "via", f"198.51.{i}.9")
            if i: # it reaches our VTEP's address over its own link
                r.sh("ip", "route", "add", "192.0.2.1/32", "via", "192.0.3.1")
            self.host.sh("ip", "addr", "add", f"198.51.{i}.9/24", "dev", f"in{i}")
            self.host.sh("ip", "link", "set", f"in{i}", "up")
        self.host.sh("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0")
        self.host.sh("ip", "addr", "add", "203.0.113.9/32", "dev", "lo")
        self.back(0)
        self.host.sh("ip", "link", "add", "vx0", "type", "vxlan", "id", "100", "dstport", "4789", "local", "203.0.113.9",
                     "remote", "192.0.2.1")
        self.host.sh("ip", "link", "set", "vx0", "mtu", 1450, "up")
        self.host.sh("ip", "addr", "add", self.host.ip + "/24", "dev", "vx0")

    def back(self, i):
        self.host.sh("ip", "route", "replace", "192.0.2.1/32", "via", f"198.51.{i}.1")

    def config(self, more="    routes: [{prefix: 203.0.113.0/24, via: [192.0.2.254, 192.0.3.254]}]\n", device=""):
        a, b = self.routers
        return ('vteps:\n  - name: vt\n    ip: 192.0.2.1/24\n    port: up0\n    links: [{port: up1, ip: 192.0.3.1/24'
                f'{device}}}]\n{more}'
                f"bridges:\n  - name: br0\n    ports:\n      - {{name: vm1, type: tap, ifname: eth0, netns: {self.vm.ns}}}\n"
                "      - {name: t100, type: vxlan, vtep: vt, key: 100, remotes: [203.0.113.9]}\n"
                f"  - name: under\n    ports:\n      - {{name: up0, type: tap, ifname: near0, netns: {a.ns}}}\n"
                f"      - {{name: up1, type: tap, ifname: near0, netns: {b.ns}}}\n")


def way(w):
    r = w.api("vtep", "show")[0]["remotes"][0]
    return r.get("via"), r.get("port"), r["state"]


@pytest.mark.parametrize("how", ["link down", "router silent"])
def test_a_dead_way_gives_way_to_another_and_comes_back(house, how):
    f = Fabric(house)
    w = house.weft(f.config())
    f.vm.up()
    f.lay()
    until("the first ping", lambda: f.vm.pings(f.host.ip, count=1))
    assert way(w) == ("192.0.2.254", "up0", "reachable")
    begin = time.monotonic()
    if how == "link down":
        f.routers[0].sh("ip", "link", "set", "near0", "down")
    else: # its link is up, but nobody answers there
        f.routers[0].sh("ip", "link", "set", "near0", "arp", "off")
        f.routers[0].sh("ip", "addr", "del", "192.0.2.254/24", "dev", "near0")
        until("the way to be left", lambda: way(w)[1] == "up1")
    f.back(1)
    until("another way", lambda: f.vm.pings(f.host.ip, count=1, wait=1))
    took = time.monotonic() - begin
    assert took < (1.5 if how == "link down" else 9), took
    assert way(w) == ("192.0.3.254", "up1", "reachable")
    assert "via" in w.ctl("vtep", "show") and "also by up1" in w.ctl("vtep", "show")
    f.back(0)
    if how == "link down":
        f.routers[0].sh("ip", "link", "set", "near0", "up")
    else:
        f.routers[0].sh("ip", "link", "set", "near0", "arp", "on")
        f.routers[0].sh("ip", "addr", "add", "192.0.2.254/24", "dev", "near0")
    until("the way back", lambda: way(w) == ("192.0.2.254", "up0", "reachable"))
    assert until("it carries", lambda: f.vm.pings(f.host.ip, count=1))
    f.routers[0].sh("ip", "link", "set", "near0", "down")
    f.routers[1].sh("ip", "link", "set", "near0", "down")
    assert not f.vm.pings(f.host.ip, wait=1)
    assert any(d["reason"].startswith(("tunnel-no-", "output-down")) for d in w.api("drops")["drops"])


def test_the_kernels_routes_and_neighbours_are_mirrored(house):
    """Another namespace's tables are the underlay's truth: a route there, another, a neighbour, none."""
    f, k = Fabric(house), house.vm(0)
    for i in (0, 1):
        k.sh("ip", "link", "add", f"d{i}", "type", "veth", "peer", "name", f"e{i}")
        k.sh("ip", "link", "set", f"e{i}", "up")
        k.sh("ip", "link", "set", f"d{i}", "up")
        k.sh("ip", "addr", "add", f"192.0.{2 + i}.7/24", "dev", f"d{i}")
    k.sh("ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.254")
    w = house.weft(f.config(f"    kernel: {k.ns}\n    device: d0\n", ", device: d1"))
    f.vm.up()
    f.lay()
    until("the first ping", lambda: f.vm.pings(f.host.ip, count=1))
    assert way(w) == ("192.0.2.254", "up0", "reachable")
    k.sh("ip", "route", "replace", "203.0.113.0/24", "via", "192.0.3.254")
    f.back(1)
    until("the other way", lambda: way(w) == ("192.0.3.254", "up1", "reachable"))
    until("it carries", lambda: f.vm.pings(f.host.ip, count=1, wait=1))
    mac = f.routers[1].sh("cat", "/sys/class/net/near0/address").strip()
    k.sh("ip", "neigh", "replace", "192.0.3.254", "lladdr", mac, "dev", "d1", "nud", "permanent")
    until("the kernel's neighbour", lambda: way(w) == ("192.0.3.254", "up1", "static"))
    assert f.vm.pings(f.host.ip)
    k.sh("ip", "neigh", "del", "192.0.3.254", "dev", "d1")
    until("our own again", lambda: way(w)[2] == "reachable")
    k.sh("ip", "route", "add", "203.0.113.9/32", "via", "192.0.2.254")
    f.back(0)
    until("the longer prefix", lambda: way(w)[1] == "up0")
    for to in ("203.0.113.9/32", "203.0.113.0/24"):
        k.sh("ip", "route", "del", to)
    until("no way", lambda: w.api("vtep", "show")[0]["remotes"][0]["state"] == "no route")
    assert not f.vm.pings(f.host.ip, wait=0.3)
    assert any(d["reason"] == "tunnel-no-route" for d in w.api("drops")["drops"])


def test_a_vtep_on_a_vlan_of_a_bond(house):
    """Two taps into one namespace are a bond, its VLAN the underlay; a member goes, and nobody notices."""
    vm, host, other = house.vm(1), house.vm(9), house.vm(0)
    w = house.weft('vteps:\n  - {name: vt, ip: 192.0.2.1/24, port: bond0, vlan: 30}\nbridges:\n  - name: br0\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
                   "      - {name: t100, type: vxlan, vtep: vt, key: 100, remotes: [192.0.2.2]}\n"
                   "  - name: under\n    ports:\n"
                   f"      - {{name: m0, type: tap, ifname: m0, netns: {other.ns}}}\n"
                   f"      - {{name: m1, type: tap, ifname: m1, netns: {other.ns}}}\n"
                   "      - {name: bond0, type: bond, members: [m0, m1], mode: active-backup}\n")
    # the far side: a second weft switches VLAN 30 of both members to the host's untagged port
    for m in ("m0", "m1"):
        other.sh("ip", "link", "set", m, "up")
    far = house.weft("bridges:\n  - name: sw\n    ports:\n"
                     f"      - {{name: f0, type: af_packet, ifname: m0, netns: {other.ns}, trunks: [\"30\"]}}\n"
                     f"      - {{name: f1, type: af_packet, ifname: m1, netns: {other.ns}, trunks: [\"30\"]}}\n"
                     f"      - {{name: h, type: tap, ifname: under0, netns: {host.ns}, tag: 30}}\n")
    vm.up()
    kernel_host(host, 4, "remote", "192.0.2.1")
    until("the first ping", lambda: vm.pings(host.ip, count=1))
    for m in ("m0", "m1"):
        other.sh("ip", "link", "set", m, "down")
        until(f"without {m}", lambda: vm.pings(host.ip, count=1, wait=1))
        other.sh("ip", "link", "set", m, "up")
    s = host.serve()
    assert vm.iperf(host.ip, "-t", "1")["sum_received"]["bytes"] > 1_000_000
    s.stop()
    assert far.api("fdb", "show", "sw")


def test_a_vtep_on_lacp_links_to_ovs_loses_one_and_the_tunnel_stays(house):
    """VXLAN over two links that OVS calls one by LACP: either end's link goes, and what is lost is counted by pings."""
    vm, wires, peer = house.vm(1), house.vm(100), house.vm(9)
    cables(wires, peer)
    ovs = Ovs(house, peer, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    peer.sh("ip", "addr", "replace", "192.0.2.2/24", "dev", "br0")
    peer.sh("ip", "addr", "del", "10.0.0.9/24", "dev", "br0")
    w = house.weft('vteps:\n  - {name: vt, ip: 192.0.2.1/24, port: bond0}\nbridges:\n  - name: br0\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
                   "      - {name: t100, type: vxlan, vtep: vt, key: 100, remotes: [192.0.2.2]}\n"
                   "  - name: under\n    ports:\n      - {name: bond0, type: bond, members: [up0, up1]}\n"
                   + "".join(f"      - {{name: up{i}, type: af_packet, ifname: l{i}, netns: {wires.ns}}}\n" for i in (0, 1)))
    vm.up()
    peer.sh("ip", "link", "add", "vx0", "type", "vxlan", "id", "100", "dstport", "4789", "local", "192.0.2.2", "remote", "192.0.2.1",
            "dev", "br0")
    peer.sh("ip", "link", "set", "vx0", "mtu", 1450, "up")
    peer.sh("ip", "addr", "add", peer.ip + "/24", "dev", "vx0")
    until("both links", lambda: len(active(w)) == 2 and ovs.enabled() == 2)
    until("the first ping", lambda: vm.pings(peer.ip, count=1))

    def carrier():
        """The link that our side of the tunnel's flow takes now."""
        count = lambda: [int(peer.sh("cat", f"/sys/class/net/r{i}/statistics/rx_packets")) for i in (0, 1)]
        before = count()
        assert vm.pings(peer.ip, count=8)
        n = [b - a for a, b in zip(before, count())]
        return n.index(max(n))

    for ns, end in ((peer, "r"), (wires, "l")):
        i = carrier()
        gap = lost_while(vm, peer.ip, lambda: ns.sh("ip", "link", "set", f"{end}{i}", "down"), count=400)
        print(f"{end}{i}, which carried the tunnel, pulled: {gap * 1000:.0f} ms")
        assert gap < 0.3 and active(w) == [f"up{1 - i}"] and carrier() == 1 - i
        ns.sh("ip", "link", "set", f"{end}{i}", "up")
        until("it returns", lambda: len(active(w)) == 2 and ovs.enabled() == 2)
    s = peer.serve()
    assert vm.iperf(peer.ip, "-t", "1")["sum_received"]["bytes"] > 1_000_000
    s.stop()


def test_vteps_by_command_and_what_is_known_of_a_vni(house):
    """A VTEP and its port come and go by weftctl; asked addresses of the VNI are answered here; its MACs are limited by name."""
    vm, host = house.vm(1), house.vm(9)
    w = house.weft(f"bridges:\n  - name: br0\n    ports:\n      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
                   f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {host.ns}}}\n")
    w.ctl("vtep", "add", "vt", "ip=192.0.2.1/24", "port=up")
    w.ctl("port", "add", "br0", "t100", "type=vxlan", "vtep=vt", "key=100", "remotes=192.0.2.2", "suppress=true", "max_macs=2")
    assert "vtep" in w.ctl("vtep", "del", "vt", code=1)
    vm.up()
    kernel_host(host, 4, "remote", "192.0.2.1")
    until("the first ping", lambda: vm.pings(host.ip, count=1))
    dump = host.popen("tcpdump", "-lni", "vx0", "arp", "and", "src", vm.ip)
    house.others.append(dump)
    dump.wait_for("listening")
    asked = len([x for x in dump.lines if "who-has 10.0.0.9" in x])
    for _ in range(3):
        vm.sh("ip", "neigh", "flush", "all")
        assert vm.pings(host.ip, count=1)
    assert len([x for x in dump.lines if "who-has 10.0.0.9 tell" in x]) == asked
    vni = w.api("vni", "show")[0]
    assert vni["answered"] >= 3 and vni["bindings"] >= 1 and vni["suppress"]
    for i in range(5): # more MACs than the VNI may have
        host.sh("ip", "link", "set", "vx0", "address", f"02:00:00:00:77:0{i}")
        host.pings(vm.ip, count=1, wait=1)
    vni = w.api("vni", "show")[0]
    assert vni["macs"] == vni["macs_max"] == 2 and vni["macs_refused"] > 0
    assert "2/2" in w.ctl("vni", "show")
    w.ctl("vtep", "set", "vt", "gateway=192.0.2.254")
    assert w.api("vtep", "show")[0]["routes"][0]["via"][0]["ip"] == "192.0.2.254"
    w.ctl("port", "del", "br0", "t100")
    w.ctl("vtep", "del", "vt")
    assert w.api("vtep", "show") == [] and "no such VTEP" in w.ctl("vtep", "del", "vt", code=1)


QUERY = """
import sys
from scapy.all import Ether, IP, IPOption_Router_Alert, sendp
from scapy.contrib.igmp import IGMP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop, ICMPv6MLQuery, RouterAlert
if sys.argv[1] == "4":
    q = Ether(dst="01:00:5e:00:00:01") / IP(src="192.0.2.2", dst="224.0.0.1", ttl=1, options=[IPOption_Router_Alert()]) / IGMP(type=0x11, mrcode=20)
else:
    q = Ether(dst="33:33:00:00:00:01") / IPv6(src="fe80::2", dst="ff02::1", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery()
sendp(q, iface="under0", verbose=False)
"""


@pytest.mark.parametrize("family", [4, 6])
def test_a_vnis_group_is_joined_told_again_and_left(house, family):
    """tcpdump decodes our reports: at the join, when a querier asks, and the leave."""
    vm, host = house.vm(1), house.vm(9)
    ours, theirs, bits, _ = FAMILIES[family]
    group = {4: "239.1.1.1", 6: "ff05::100"}[family]
    report = {4: f"igmp v2 report {group}", 6: "multicast listener report"}[family]
    leave = {4: f"igmp leave {group}", 6: "multicast listener done"}[family]
    w = house.weft(f'vteps:\n  - {{name: vt, ip: "{ours}/{bits}", port: up}}\nbridges:\n  - name: br0\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
                   f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {host.ns}}}\n")
    host.sh("sysctl", "-qw", "net.ipv6.conf.under0.disable_ipv6=1")
    host.sh("ip", "link", "set", "under0", "up")
    dump = host.popen("tcpdump", "-lnvi", "under0", "igmp or ip6")
    house.others.append(dump)
    dump.wait_for("listening")
    count = lambda what: len([x for x in dump.lines if what in x])
    w.ctl("port", "add", "br0", "t100", "type=vxlan", "vtep=vt", "key=100", f"remotes={group}")
    until("two reports", lambda: count(report) >= 2)
    assert not any("bad" in x and "cksum" in x for x in dump.lines)
    host.sh("/usr/bin/python3", "-c", QUERY, family)
    until("an answer to the query", lambda: count(report) >= 3)
    w.ctl("port", "del", "br0", "t100")
    until("the leave", lambda: count(leave) >= 1)
