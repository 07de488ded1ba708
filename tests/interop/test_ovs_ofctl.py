"""Open vSwitch's ovs-ofctl, unmodified, over OpenFlow 1.3: what it sets real pings obey."""
import re

from house import Process, free_port, run, until


def start(house, n=2):
    port = free_port()
    w, *vms = house.taps(n, bridge=f'controllers: ["ptcp:{port}:127.0.0.1"]')

    def ofctl(command, *words, **kw):
        return run("ovs-ofctl", "-O", "OpenFlow13", *command.split(), f"tcp:127.0.0.1:{port}", *words, **kw)
    return w, vms, ofctl, port


def test_flows_are_added_changed_listed_and_deleted(house):
    _, (one, two), ofctl, _ = start(house)
    assert one.pings(two.ip)
    ofctl("add-flow", "table=0,priority=50,icmp,in_port=1,nw_dst=10.0.0.0/24,actions=drop")
    assert not one.pings(two.ip, wait=0.3)
    dump = ofctl("dump-flows")
    hit = re.search(r"n_packets=(\d+),.* priority=50,icmp,in_port=1,nw_dst=10.0.0.0/24 actions=drop", dump)
    assert hit and int(hit.group(1)) == 2, dump
    ofctl("mod-flows", "icmp,in_port=1,actions=output:2")
    assert one.pings(two.ip)
    ofctl("--strict del-flows", "priority=49,icmp,in_port=1,nw_dst=10.0.0.0/24")
    assert "priority=50" in ofctl("dump-flows")
    ofctl("--strict del-flows", "priority=50,icmp,in_port=1,nw_dst=10.0.0.0/24")
    assert "priority=50" not in ofctl("dump-flows")
    ofctl("del-flows")
    assert not one.pings(two.ip, wait=0.3)
    assert "flow_count=0" in ofctl("dump-aggregate")


def test_many_flows_come_back_as_they_went_in(house, tmp_path):
    _, _, ofctl, _ = start(house)
    flows = [f"table={i % 3},priority={i},tcp,nw_src=10.{i % 250}.0.0/16,tp_dst={i} actions=set_field:{i + 1}->tcp_dst,output:1"
             for i in range(1, 2001)]
    ofctl("del-flows")
    (tmp_path / "flows").write_text("\n".join(flows) + "\n")
    ofctl("add-flows", str(tmp_path / "flows"))
    dump = [line for line in ofctl("dump-flows").splitlines() if "cookie=" in line]
    assert len(dump) == 2000
    got = {re.search(r"priority=(\d+)", line).group(1): line for line in dump}
    assert "tcp,nw_src=10.7.0.0/16,tp_dst=1507 actions=set_field:1508->tcp_dst,output:1" in got["1507"]


def test_ports_and_tables_are_described(house):
    _, (one, two), ofctl, _ = start(house)
    assert one.pings(two.ip)
    show = ofctl("show")
    assert re.search(r" 1\(vm1\): addr:", show) and " 2(vm2)" in show and "n_tables:254" in show
    assert "LIVE" in ofctl("dump-ports-desc")
    stats = ofctl("dump-ports")
    assert int(re.search(r"port +\"?(?:vm1|1)\"?: rx pkts=(\d+)", stats).group(1)) >= 3, stats
    assert re.search(r"table 0.*\n.*active=1, lookup=\d+", ofctl("dump-tables")), ofctl("dump-tables")


def test_a_port_is_taken_down_and_up(house):
    _, (one, two), ofctl, _ = start(house)
    assert one.pings(two.ip)
    ofctl("mod-port", "vm2", "down")
    assert not one.pings(two.ip, wait=0.3)
    assert "PORT_DOWN" in ofctl("show")
    ofctl("mod-port", "vm2", "up")
    assert one.pings(two.ip)


def test_packet_out_and_monitor(house):
    w, (one, two), ofctl, port = start(house)
    tcpdump = two.popen("tcpdump", "-lnni", "eth0", "-c", "1", "ether", "proto", "0x88b5")
    house.others.append(tcpdump)
    tcpdump.wait_for("listening")
    frame = "ffffffffffff02000000aaaa88b5" + "42" * 46
    ofctl("packet-out", f"in_port=controller,packet={frame},actions=output:2")
    tcpdump.wait_for("0x88b5")
    ofctl("add-flow", "priority=9,dl_type=0x88b6,actions=controller:65535")
    monitor = house.process("ovs-ofctl", "-O", "OpenFlow13", "monitor", f"tcp:127.0.0.1:{port}", "65534")
    house.others.append(monitor)
    until("the monitor is connected", lambda: any("connected" in str(c) for c in w.api("controller", "show")))
    until("its packet-in", lambda: w.ctl("packet-out", "br0", "vm1", "table", "ffffffffffff02000000aaaa88b6" + "43" * 46)
          is not None and any("OFPT_PACKET_IN" in line for line in monitor.lines))


def test_errors_are_the_specified_ones(house):
    _, _, ofctl, _ = start(house)
    for flow, error in (("actions=group:1", "OFPBAC_BAD_OUT_GROUP"),
                        ("actions=meter:1,output:1", "OFPMMFC_INVALID_METER")):
        out = ofctl("add-flow", flow, check=False)
        assert error in out and "OFPT_ERROR" in out, f"{flow}: {out}"


def test_a_process_is_a_process():
    p = Process("echo", "hello")
    p.wait_for("hello")
    assert p.stop() == 0
