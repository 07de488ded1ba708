"""VXLAN with the Linux kernel's vxlan device and Open vSwitch's userspace tunnels at the other end, decoded by tshark."""
import json
import os
import subprocess

import pytest
from scapy.all import IP, UDP, Dot1Q, Ether, wrpcap
from scapy.layers.vxlan import VXLAN

from house import run, until

FAMILIES = {4: ("192.0.2.1", "192.0.2.2", 24, 1450), 6: ("2001:db8::1", "2001:db8::2", 64, 1430)}


def weft_config(family, vm, remote, to=None):
    """br0 with a VM; VNI 100 through a VTEP whose underlay is a tap in the remote host's namespace."""
    ours, theirs, bits, _ = FAMILIES[family]
    return (f'vteps:\n  - {{name: vt, ip: "{ours}/{bits}", port: up}}\n'
            "bridges:\n  - name: br0\n    ports:\n"
            f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
            f'      - {{name: t100, type: vxlan, vtep: vt, key: 100, remotes: ["{to or theirs}"]}}\n'
            f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {remote.ns}}}\n")


def lay_under(host, family):
    host.sh("sysctl", "-qw", "net.ipv6.conf.under0.disable_ipv6=0")
    _, theirs, bits, _ = FAMILIES[family]
    host.sh("ip", "addr", "add", f"{theirs}/{bits}", "dev", "under0", *(["nodad"] if family == 6 else []))
    host.sh("ip", "link", "set", "under0", "up")


def kernel_host(host, family, *more):
    """The remote VTEP as a kernel has it, with the tenant's 10.0.0.9 on the device itself."""
    ours, theirs, _, mtu = FAMILIES[family]
    lay_under(host, family)
    host.sh("ip", "link", "add", "vx0", "type", "vxlan", "id", "100", "dstport", "4789", "local", theirs, "dev", "under0",
            *more)
    host.sh("ip", "link", "set", "vx0", "mtu", mtu, "up")
    host.sh("ip", "addr", "add", host.ip + "/24", "dev", "vx0")


def capture(house, host, name):
    path = f"{house.folder}/{name}.pcap"
    dump = host.popen("tcpdump", "-i", "under0", "-U", "-c", "200", "-w", path)
    house.others.append(dump)
    dump.wait_for("listening")
    return dump, path


def decoded(path):
    """What tshark says of each packet, and that it has nothing to complain about."""
    out = subprocess.run(["tshark", "-r", path, "-T", "json", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"],
                         capture_output=True, text=True, check=True).stdout
    packets = [p["_source"]["layers"] for p in json.loads(out)]
    text = subprocess.run(["tshark", "-r", path, "-Y", "_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0"],
                          capture_output=True, text=True, check=True).stdout
    return packets, text


def tcp_both_ways(vm, host, mtu):
    """A full-sized ping and TCP each way."""
    assert vm.pings(host.ip) and host.pings(vm.ip)
    vm.sh("ping", "-q", "-c", "2", "-i", "0.05", "-M", "do", "-s", mtu - 28, host.ip)
    for server, client in ((host, vm), (vm, host)):
        s = server.serve()
        end = client.iperf(server.ip, "-t", "1")
        assert end["sum_received"]["bytes"] > 2_000_000
        s.stop()


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("how", ["static fdb", "learning", "group"])
def test_kernel_vxlan(house, family, how):
    vm, host = house.vm(1), house.vm(9)
    mtu = FAMILIES[family][3]
    group = {4: "239.1.1.1", 6: "ff05::100"}[family]
    w = house.weft(weft_config(family, vm, host, group if how == "group" else None))
    vm.up()
    vm.sh("ip", "link", "set", "eth0", "mtu", mtu)
    ours = FAMILIES[family][0]
    if how == "learning":
        kernel_host(host, family, "remote", ours)
    elif how == "group":
        kernel_host(host, family, "group", group)
    else:
        kernel_host(host, family, "nolearning")
        mac = vm.sh("cat", "/sys/class/net/eth0/address").strip()
        for dst in ("00:00:00:00:00:00", mac):
            host.sh("bridge", "fdb", "append", dst, "dev", "vx0", "dst", ours)
    dump, path = capture(house, host, "under")
    until("the first ping", lambda: vm.pings(host.ip, count=1))
    tcp_both_ways(vm, host, mtu)
    dump.stop(2)
    fdb = [e for b in w.api("fdb", "show", "br0") for e in b["entries"] if e["port"] == "t100"]
    assert [e["remote"] for e in fdb] == [FAMILIES[family][1]]
    if how != "static fdb":
        assert ours in host.sh("bridge", "fdb", "show", "dev", "vx0")
    packets, wrong = decoded(path)
    assert wrong == "", wrong[:2000]
    icmp = [p for p in packets if "vxlan" in p and "icmp" in p]
    assert len(icmp) >= 4 and all(p["vxlan"]["vxlan.vni"] == "100" for p in icmp)
    row = w.api("vni", "show")[0]
    assert row["vni"] == 100 and row["counters"]["rx_packets"] > 100 and row["mtu"] == mtu
    assert FAMILIES[family][1] in w.ctl("vtep", "show")


def test_kernel_vxlan_in_external_mode(house):
    """The kernel's device without a VNI of its own: routes say which (lightweight tunnels)."""
    vm, host = house.vm(1), house.vm(9)
    house.weft(weft_config(4, vm, host))
    vm.up()
    vm.sh("ip", "link", "set", "eth0", "mtu", 1450)
    lay_under(host, 4)
    host.sh("ip", "link", "add", "vx0", "type", "vxlan", "external", "dstport", "4789", "dev", "under0")
    host.sh("ip", "link", "set", "vx0", "mtu", 1450, "up")
    host.sh("ip", "addr", "add", host.ip + "/32", "dev", "vx0")
    host.sh("ip", "route", "add", "10.0.0.0/24", "encap", "ip", "id", "100", "dst", "192.0.2.1", "dev", "vx0", "src", host.ip)
    host.sh("ip", "neigh", "add", vm.ip, "lladdr", vm.sh("cat", "/sys/class/net/eth0/address").strip(), "dev", "vx0")
    until("the first ping", lambda: vm.pings(host.ip, count=1))
    tcp_both_ways(vm, host, 1450)


SEND = """
import sys
from scapy.all import sendp, rdpcap
sendp(rdpcap(sys.argv[1]), iface="under0", verbose=False)
"""


def hostile_frames(mac):
    """What a host on the underlay may try: name of the drop -> frame, and how often."""
    def outer(dport=4789, src="192.0.2.2", **ip):
        return Ether(dst=mac) / IP(src=src, dst="192.0.2.1", **ip) / UDP(sport=50000, dport=dport, chksum=0)
    def inner(dst="ff:ff:ff:ff:ff:ff", dport=9):
        return Ether(dst=dst, src="02:00:00:00:66:66") / IP(src="10.0.0.66", dst="10.0.0.255") / UDP(sport=9, dport=dport)
    evil = inner() / b"EVIL"
    tag = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:66:66") / Dot1Q(vlan=20) / evil[IP]
    nested = inner(dport=4789) / VXLAN(vni=200, flags=8) / evil
    whole = bytes(outer() / VXLAN(vni=200, flags=8) / evil)
    return {
        "tunnel-unknown-vni": [outer() / VXLAN(vni=v, flags=8) / evil for v in (0, 1, 300, 0xffffff)],
        "tunnel-inner-vlan": [outer() / VXLAN(vni=100, flags=8) / tag],
        "tunnel-nested": [outer() / VXLAN(vni=100, flags=8) / nested],
        "tunnel-bad-header": [outer() / VXLAN(vni=200, flags=0) / evil, outer() / b"\x08\0\0"],
        "tunnel-fragment": [outer(flags="MF") / VXLAN(vni=200, flags=8) / evil, outer(frag=8) / evil],
        "tunnel-not-vxlan": [outer(dport=8472) / VXLAN(vni=200, flags=8) / evil, outer(dport=4790) / evil],
        "tunnel-unknown-remote": [outer(src="192.0.2.66") / VXLAN(vni=200, flags=8) / evil],
        "tunnel-bad-ip": [Ether(whole[:40]), Ether(whole[:24] + b"\xff\xff" + whole[26:])],
    }


def test_a_hostile_underlay_reaches_nobody(house):
    """Two tenants with one address on two VNIs; forged frames end by name, and each hears its own VNI only."""
    one, two, host = house.vm(1), house.vm(1), house.vm(9)
    w = house.weft('vteps:\n  - {name: vt, ip: 192.0.2.1/24, port: up, known_only: true}\nbridges:\n  - name: br0\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {one.ns}, tag: 10}}\n"
                   f"      - {{name: vm2, type: tap, ifname: eth0, netns: {two.ns}, tag: 20}}\n"
                   "      - {name: t100, type: vxlan, vtep: vt, key: 100, remotes: [192.0.2.2], tag: 10}\n"
                   "      - {name: t200, type: vxlan, vtep: vt, key: 200, remotes: [192.0.2.2], tag: 20}\n"
                   f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {host.ns}}}\n")
    one.up(), two.up()
    lay_under(host, 4)
    dumps = [v.popen("tcpdump", "-lnAi", "eth0", "udp") for v in (one, two)]
    house.others += dumps
    for d in dumps:
        d.wait_for("listening")
    mac = w.api("vtep", "show")[0]["mac"]
    frames = hostile_frames(mac)
    def to(vni, word):
        return (Ether(dst=mac) / IP(src="192.0.2.2", dst="192.0.2.1") / UDP(sport=50000, dport=4789, chksum=0) /
                VXLAN(vni=vni, flags=8) / Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:66:66") /
                IP(src="10.0.0.66", dst="10.0.0.255") / UDP(sport=9, dport=9) / word)
    wrpcap(f"{house.folder}/evil.pcap", [f for l in frames.values() for f in l] + [to(100, b"FOR-ONE"), to(200, b"FOR-TWO")])
    host.sh("/usr/bin/python3", "-c", SEND, f"{house.folder}/evil.pcap")
    dumps[0].wait_for("FOR-ONE")
    dumps[1].wait_for("FOR-TWO")
    for d in dumps:
        d.stop(2)
    heard = ["\n".join(d.lines) for d in dumps]
    assert not any("EVIL" in h for h in heard)
    assert "FOR-TWO" not in heard[0] and "FOR-ONE" not in heard[1]
    counts = {d["reason"]: d["count"] for d in w.api("drops")["drops"]}
    for reason, sent in frames.items():
        assert counts.get(reason, 0) >= len(sent), f"{reason}: {counts}"


class Ovs:
    """Open vSwitch's userspace datapath in a namespace: br-phy on the underlay, br-int with the tunnel and the tenant."""

    def __init__(self, house, host, family):
        self.dir = f"{house.folder}/ovs"
        os.makedirs(self.dir)
        self.host, db = host, f"unix:{self.dir}/db.sock"
        env = {**os.environ, "OVS_RUNDIR": self.dir, "OVS_LOGDIR": self.dir, "OVS_DBDIR": self.dir}
        run("ovsdb-tool", "create", self.dir + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        house.others.append(host.popen("ovsdb-server", self.dir + "/conf.db", f"--remote=punix:{self.dir}/db.sock", env=env))
        until("ovsdb-server", lambda: os.path.exists(self.dir + "/db.sock"))
        self.vsctl = lambda *words: host.sh("ovs-vsctl", "--timeout=20", f"--db={db}", *words, env=env)
        self.vsctl("--no-wait", "init")
        house.others.append(host.popen("ovs-vswitchd", db, env=env))
        ours, theirs, bits, mtu = FAMILIES[family]
        host.sh("ip", "link", "set", "under0", "up")
        self.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev", "--", "add-port", "br-phy",
                   "under0")
        host.sh("sysctl", "-qw", "net.ipv6.conf.br-phy.disable_ipv6=0")
        host.sh("ip", "addr", "add", f"{theirs}/{bits}", "dev", "br-phy", *(["nodad"] if family == 6 else []))
        host.sh("ip", "link", "set", "br-phy", "up")
        self.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "--", "add-port", "br-int",
                   "vx0", "--", "set", "interface", "vx0", "type=vxlan", f'options:remote_ip="{ours}"', "options:key=100")
        host.sh("ip", "link", "set", "br-int", "mtu", mtu, "up")
        host.sh("ip", "addr", "add", host.ip + "/24", "dev", "br-int")


@pytest.mark.parametrize("family", [4, 6])
def test_ovs_userspace_tunnel(house, family):
    vm, host = house.vm(1), house.vm(9)
    mtu = FAMILIES[family][3]
    w = house.weft(weft_config(family, vm, host))
    vm.up()
    vm.sh("ip", "link", "set", "eth0", "mtu", mtu)
    Ovs(house, host, family)
    dump, path = capture(house, host, "under")
    until("the first ping", lambda: vm.pings(host.ip, count=1, wait=1))
    tcp_both_ways(vm, host, mtu)
    dump.stop(2)
    packets, wrong = decoded(path)
    assert wrong == "", wrong[:2000]
    assert any("vxlan" in p and "icmp" in p for p in packets)
    assert w.api("vni", "show")[0]["counters"]["tx_dropped"] < 5
