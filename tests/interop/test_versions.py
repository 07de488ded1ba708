"""ovs-ofctl in each version that we speak, and as it comes (OpenFlow 1.0): what it sets, real frames obey."""
import re

import pytest

from house import free_port, run, until

VERSIONS = ["", "OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"]


def start(house, version, n=2):
    port = free_port()
    w, *vms = house.taps(n, bridge=f'controllers: ["ptcp:{port}:127.0.0.1"]')
    option = ["-O", version] if version else []

    def ofctl(command, *words, **kw):
        return run("ovs-ofctl", *option, *command.split(), f"tcp:127.0.0.1:{port}", *words, **kw)
    return w, vms, ofctl, port


@pytest.fixture(params=VERSIONS, ids=lambda v: v or "default")
def version(request):
    return request.param


def test_flows(house, version):
    _, (one, two), ofctl, _ = start(house, version)
    assert one.pings(two.ip)
    ofctl("add-flow", "table=0,priority=50,icmp,in_port=1,nw_dst=10.0.0.0/24,actions=drop")
    assert not one.pings(two.ip, wait=0.3)
    dump = ofctl("dump-flows")
    hit = re.search(r"n_packets=(\d+),.* priority=50,icmp,in_port=\"?(?:1|vm1)\"?,nw_dst=10.0.0.0/24 actions=drop", dump)
    assert hit and int(hit.group(1)) == 2, dump
    ofctl("mod-flows", "icmp,in_port=1,actions=output:2")
    assert one.pings(two.ip)
    ofctl("--strict del-flows", "priority=49,icmp,in_port=1,nw_dst=10.0.0.0/24")
    assert "priority=50" in ofctl("dump-flows")
    ofctl("--strict del-flows", "priority=50,icmp,in_port=1,nw_dst=10.0.0.0/24")
    assert "priority=50" not in ofctl("dump-flows")
    ofctl("add-flow", "table=3,cookie=0x7,priority=60,tcp6,ipv6_dst=2001:db8::/32,tp_dst=80,actions=output:2")
    ofctl("add-flow", "table=3,cookie=0x8,priority=61,dl_vlan=5,actions=strip_vlan,output:1")
    dump = ofctl("dump-flows")
    assert re.search(r"cookie=0x7,.* table=3,.*priority=60,tcp6,ipv6_dst=2001:db8::/32,tp_dst=80 actions=output:\"?(2|vm2)", dump), dump
    assert re.search(r"table=3,.*priority=61,dl_vlan=5 actions=(strip|pop)_vlan,output:\"?(1|vm1)", dump), dump
    assert "flow_count=1" in ofctl("dump-aggregate", "table=3,cookie=0x7/-1")
    ofctl("del-flows", "cookie=0x7/-1")
    assert "tcp6" not in ofctl("dump-flows")
    ofctl("del-flows")
    assert not one.pings(two.ip, wait=0.3)
    assert "flow_count=0" in ofctl("dump-aggregate")


def test_many_flows_come_back_as_they_went_in(house, version, tmp_path):
    _, _, ofctl, _ = start(house, version)
    ofctl("del-flows")
    (tmp_path / "flows").write_text("".join(
        f"table={i % 3},priority={i},tcp,nw_src=10.{i % 250}.0.0/16,tp_dst={i} actions=mod_nw_dst:10.0.0.9,output:1\n"
        for i in range(1, 1001)))
    ofctl("add-flows", str(tmp_path / "flows"))
    dump = [line for line in ofctl("dump-flows").splitlines() if "cookie=" in line]
    assert len(dump) == 1000
    got = {re.search(r"priority=(\d+)", line).group(1): line for line in dump}
    assert re.search("tcp,nw_src=10.7.0.0/16,tp_dst=757 actions=(mod_nw_dst:10.0.0.9|set_field:10.0.0.9->ip_dst),output:",
                     got["757"]), got["757"]


def test_what_there_is(house, version):
    _, (one, two), ofctl, _ = start(house, version)
    assert one.pings(two.ip)
    show = ofctl("show")
    assert re.search(r" 1\(vm1\): addr:", show) and " 2(vm2)" in show and "n_tables:254" in show
    stats = ofctl("dump-ports")
    assert int(re.search(r"port +\"?(?:vm1|1)\"?: rx pkts=(\d+)", stats).group(1)) >= 3, stats
    assert re.search(r"active=1, lookup=\d+", ofctl("dump-tables")), ofctl("dump-tables")
    assert "DPST" not in ofctl("dump-desc") and "weft" in ofctl("dump-desc")
    ofctl("mod-port", "vm2", "down")
    assert not one.pings(two.ip, wait=0.3)
    assert "PORT_DOWN" in ofctl("show")
    ofctl("mod-port", "vm2", "up")
    assert one.pings(two.ip)


def test_packet_out_and_monitor(house, version):
    w, (_, two), ofctl, port = start(house, version)
    tcpdump = two.popen("tcpdump", "-lnni", "eth0", "-c", "1", "ether", "proto", "0x88b5")
    house.others.append(tcpdump)
    tcpdump.wait_for("listening")
    ofctl("packet-out", "in_port=controller,packet=ffffffffffff02000000aaaa88b5" + "42" * 46 + ",actions=output:2")
    tcpdump.wait_for("0x88b5")
    ofctl("add-flow", "priority=9,dl_type=0x88b6,actions=controller:65535")
    ofctl("add-flow", "priority=9,cookie=0x77,dl_type=0x88b7,send_flow_rem,actions=drop")
    monitor = house.process("ovs-ofctl", *(["-O", version] if version else []), "monitor", f"tcp:127.0.0.1:{port}", "65534")
    until("the monitor is connected", lambda: any("connected" in str(c) for c in w.api("controller", "show")))
    until("its packet-in", lambda: w.ctl("packet-out", "br0", "vm1", "table", "ffffffffffff02000000aaaa88b6" + "43" * 46)
          is not None and any("PACKET_IN" in line for line in monitor.lines))
    ofctl("del-flows", "dl_type=0x88b7")
    monitor.wait_for("cookie:0x77")
    ofctl("mod-port", "vm2", "down")
    monitor.wait_for("PORT_STATUS")


@pytest.mark.parametrize("version14", ["OpenFlow13", "OpenFlow14", "OpenFlow15"])
def test_groups_meters_and_bundles_of_later_versions(house, version14, tmp_path):
    _, (one, two), ofctl, _ = start(house, version14)
    ofctl("add-group", "group_id=1,type=select,bucket=weight:2,output:1,bucket=weight:3,output:2")
    assert "weight:3" in ofctl("dump-groups") and "group_id=1" in ofctl("dump-group-stats")
    ofctl("add-meter", "meter=1,kbps,stats,bands=type=drop,rate=1000")
    assert "rate=1000" in ofctl("dump-meters")
    mix = tmp_path / "mix"
    mix.write_text("flow delete\nflow add priority=8,actions=group:1\nflow add priority=9,actions=group:7\n")
    out = ofctl("bundle", str(mix), check=False)
    assert "OFPBFC_MSG_FAILED" in out and "BAD_OUT_GROUP" in out, out
    assert one.pings(two.ip)
    mix.write_text("flow delete\nflow add priority=8,actions=group:1\n")
    ofctl("bundle", str(mix))
    assert "priority=8 actions=group:1" in ofctl("dump-flows")


@pytest.mark.parametrize("refused", ["OpenFlow11", "OpenFlow12"])
def test_versions_that_we_do_not_speak_are_refused(house, refused):
    _, _, ofctl, _ = start(house, refused)
    assert "version negotiation failed" in ofctl("show", check=False)
