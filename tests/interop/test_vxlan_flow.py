"""Flow-based tunnels: `remote_ip: flow, key: flow` with rules from an unmodified ovs-ofctl; Open vSwitch's own and the kernel's external mode opposite."""
import pytest

from house import free_port, run, until
from test_vxlan import FAMILIES, Ovs, capture, decoded, lay_under, tcp_both_ways

WORDS = {4: ("tun_src", "tun_dst"), 6: ("tun_ipv6_src", "tun_ipv6_dst")}


def flow_weft(house, family, vm, remote):
    """br0: port 1 the VM, port 2 a tunnel that knows neither its VNI nor its remotes. Returns weft and ovs-ofctl."""
    port, (ours, _, bits, _) = free_port(), FAMILIES[family]
    w = house.weft(f'vteps:\n  - {{name: vt, ip: "{ours}/{bits}", port: up}}\nbridges:\n  - name: br0\n'
                   f'    fail_mode: secure\n    controllers: ["ptcp:{port}:127.0.0.1"]\n    ports:\n'
                   f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}, ofport: 1}}\n"
                   "      - {name: flowing, type: vxlan, vtep: vt, key: flow, remote_ip: flow, ofport: 2}\n"
                   "      - {name: p2p, type: vxlan, vtep: vt, key: 7, remote_ip: flow, ofport: 3}\n"
                   f"  - name: under\n    ports:\n      - {{name: up, type: tap, ifname: under0, netns: {remote.ns}}}\n")

    def ofctl(command, *words):
        return run("ovs-ofctl", "-O", "OpenFlow13", *command.split(), f"tcp:127.0.0.1:{port}", *words)
    vm.up()
    vm.sh("ip", "link", "set", "eth0", "mtu", FAMILIES[family][3])
    return w, ofctl


def say_where(ofctl, family, theirs):
    src, dst = WORDS[family]
    ofctl("add-flow", f"in_port=1,actions=set_field:100->tun_id,set_field:{theirs}->{dst},output:2")
    ofctl("add-flow", f"in_port=2,tun_id=100,{src}={theirs},actions=output:1")
    dump = ofctl("dump-flows")
    assert f"set_field:{theirs}->{dst}" in dump and f"{src}={theirs}" in dump, dump


@pytest.mark.parametrize("family", [4, 6])
def test_flow_based_tunnels_with_ovs(house, family):
    vm, host = house.vm(1), house.vm(9)
    ours, theirs, _, mtu = FAMILIES[family]
    w, ofctl = flow_weft(house, family, vm, host)
    o = Ovs(house, host, family)
    o.vsctl("set", "interface", "vx0", "options:remote_ip=flow", "options:key=flow")
    vx = o.vsctl("wait-until", "interface", "vx0", "ofport>0", "--", "get", "interface", "vx0", "ofport").strip()
    src, dst = WORDS[family]
    for flow in (f"in_port=LOCAL,actions=set_field:100->tun_id,set_field:{ours}->{dst},output:{vx}",
                 f"in_port={vx},tun_id=100,{src}={ours},actions=LOCAL"):
        run("ovs-ofctl", "-O", "OpenFlow13", "add-flow", f"unix:{o.dir}/br-int.mgmt", "priority=9," + flow)
    say_where(ofctl, family, theirs)
    dump, path = capture(house, host, "under")
    until("the first ping", lambda: vm.pings(host.ip, count=1, wait=1))
    tcp_both_ways(vm, host, mtu)
    dump.stop(2)
    packets, wrong = decoded(path)
    assert wrong == "", wrong[:2000]
    assert all(p["vxlan"]["vxlan.vni"] == "100" for p in packets if "vxlan" in p)
    assert w.api("vni", "show")[0]["vni"] == "flow"


def test_flow_based_tunnels_with_the_kernels_external_mode(house):
    """A frame from a VTEP that no rule names, and one of another VNI, end at the rules."""
    vm, host = house.vm(1), house.vm(9)
    w, ofctl = flow_weft(house, 4, vm, host)
    lay_under(host, 4)
    host.sh("ip", "link", "add", "vx0", "type", "vxlan", "external", "dstport", "4789", "dev", "under0")
    host.sh("ip", "link", "set", "vx0", "mtu", 1450, "up")
    host.sh("ip", "addr", "add", host.ip + "/32", "dev", "vx0")
    route = ("10.0.0.0/24", "encap", "ip", "id", "100", "dst", "192.0.2.1", "dev", "vx0", "src", host.ip)
    host.sh("ip", "route", "add", *route)
    host.sh("ip", "neigh", "add", vm.ip, "lladdr", vm.sh("cat", "/sys/class/net/eth0/address").strip(), "dev", "vx0")
    say_where(ofctl, 4, "192.0.2.2")
    until("the first ping", lambda: vm.pings(host.ip, count=1))
    tcp_both_ways(vm, host, 1450)
    host.sh("ip", "route", "replace", *[("101" if x == "100" else x) for x in route])
    assert not host.pings(vm.ip, wait=0.3)
    host.sh("ip", "route", "replace", *route)
    assert host.pings(vm.ip)
    ofctl("del-flows", "in_port=1")
    ofctl("add-flow", "in_port=1,actions=set_field:100->tun_id,set_field:192.0.2.77->tun_src,set_field:192.0.2.2->tun_dst,output:2")
    assert not vm.pings(host.ip, wait=0.3)
    assert any(d["reason"] == "tunnel-bad-source" for d in w.api("drops")["drops"])
