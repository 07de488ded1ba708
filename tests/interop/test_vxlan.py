"""VXLAN with the Linux kernel's vxlan device and Open vSwitch's userspace tunnels at the other end, decoded by tshark."""
import json
import os
import subprocess

import pytest

from house import run, until

FAMILIES = {4: ("192.0.2.1", "192.0.2.2", 24, 1450), 6: ("2001:db8::1", "2001:db8::2", 64, 1430)}


def weft_config(family, vm, remote, vtep="", port=""):
    """br0 with a VM; VNI 100 through a VTEP whose underlay is a tap in the remote host's namespace."""
    ours, theirs, bits, _ = FAMILIES[family]
    return (f'vteps:\n  - {{name: vt, ip: "{ours}/{bits}", port: up{vtep}}}\n'
            "bridges:\n  - name: br0\n    ports:\n"
            f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n"
            f'      - {{name: t100, type: vxlan, vtep: vt, key: 100, remotes: ["{theirs}"]{port}}}\n'
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
@pytest.mark.parametrize("how", ["static fdb", "learning"])
def test_kernel_vxlan(house, family, how):
    vm, host = house.vm(1), house.vm(9)
    mtu = FAMILIES[family][3]
    w = house.weft(weft_config(family, vm, host))
    vm.up()
    vm.sh("ip", "link", "set", "eth0", "mtu", mtu)
    ours = FAMILIES[family][0]
    if how == "learning":
        kernel_host(host, family, "remote", ours)
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
    if how == "learning":
        assert ours in host.sh("bridge", "fdb", "show", "dev", "vx0")
    packets, wrong = decoded(path)
    assert wrong == "", wrong[:2000]
    icmp = [p for p in packets if "vxlan" in p and "icmp" in p]
    assert len(icmp) >= 4 and all(p["vxlan"]["vxlan.vni"] == "100" for p in icmp)
    row = w.api("vni", "show")[0]
    assert row["vni"] == 100 and row["counters"]["rx_packets"] > 100 and row["mtu"] == mtu
    assert FAMILIES[family][1] in w.ctl("vtep", "show")
