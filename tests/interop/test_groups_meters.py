"""Groups and meters as ovs-ofctl sets them; real packets obey, and weftctl and the file know."""
import re

from house import free_port, run, until


def start(house, n=3):
    port = free_port()
    w, *vms = house.taps(n, bridge=f'controllers: ["ptcp:{port}:127.0.0.1"]')

    def ofctl(command, *words, **kw):
        return run("ovs-ofctl", "-O", "OpenFlow13", *command.split(), f"tcp:127.0.0.1:{port}", *words, **kw)
    return w, vms, ofctl


def test_all_four_types_forward(house):
    w, (one, two, three), ofctl = start(house)
    ofctl("del-flows")
    ofctl("add-group", "group_id=1,type=all,bucket=output:2,bucket=output:3")
    ofctl("add-group", "group_id=2,type=indirect,bucket=output:1")
    ofctl("add-group", "group_id=3,type=select,bucket=weight:1,actions=group:2")
    ofctl("add-group", "group_id=4,type=ff,bucket=watch_port:1,actions=group:3")
    ofctl("add-flow", "in_port=1,actions=group:1")
    ofctl("add-flow", "in_port=2,actions=group:4")
    ofctl("add-flow", "in_port=3,actions=write_actions(group:2)")
    assert one.pings(two.ip) and one.pings(three.ip)
    stats = ofctl("dump-group-stats")
    assert re.search(r"group_id=1,duration=[\d.]+s,ref_count=1,packet_count=[1-9]\d*,.*"
                     r"bucket0:packet_count=[1-9].*bucket1:packet_count=[1-9]", stats), stats
    assert "group_id=3,type=select,bucket=" in ofctl("dump-groups")
    features = ofctl("dump-group-features")
    assert re.search(r"Types: +0xf\n +Capabilities: +0xf\n", features), features
    assert "group:1" in ofctl("dump-flows")
    ofctl("del-groups", "group_id=1")
    assert "in_port=1" not in ofctl("dump-flows")
    ofctl("del-groups")
    assert ofctl("dump-groups").count("group_id") == 0 and "in_port" not in ofctl("dump-flows")
    assert w.api("group", "show") == []


def test_failover_follows_a_link(house):
    w, (one, two, three), ofctl = start(house)
    ofctl("add-group", "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3")
    ofctl("add-flow", "priority=9,in_port=1,actions=group:1")
    assert one.pings(two.ip) and not one.pings(three.ip, wait=0.3)
    two.sh("ip", "link", "set", "eth0", "down")
    until("the port is seen down", lambda: "dead" in w.ctl("group", "show"))
    one.sh("ip", "neigh", "flush", "all")
    assert one.pings(three.ip)


def test_groups_and_meters_outlive_a_restart(house):
    w, (one, two, _), ofctl = start(house)
    w.ctl("group", "add", "br0", "group_id=1,type=all,bucket=output:vm2,bucket=output:vm3")
    w.ctl("group", "add", "br0", "group_id=0,type=indirect,bucket=group:1")
    w.ctl("meter", "add", "br0", "meter=1", "pktps", "burst", "bands=type=drop", "rate=1000", "burst_size=100")
    w.ctl("flow", "add", "br0", "priority=9,in_port=vm1,actions=meter:1,group:0", "priority=0,actions=normal")
    assert one.pings(two.ip)
    ofctl("add-group", "group_id=9,type=all,bucket=output:1")  # a controller's: it doesn't last
    w.ctl("flow", "add", "br0", "priority=10,in_port=vm3,actions=group:9")
    before = w.ctl("flow", "dump", "br0")
    assert "meter:1,group:0" in before and "group:9" in before
    w.stop()
    w.start()
    one.up()
    two.up()
    assert one.pings(two.ip)
    groups = {g["group"]: g for g in w.api("group", "show")}
    assert set(groups) == {0, 1} and groups[1]["references"] == 1
    assert [m["meter"] for m in w.api("meter", "show")] == [1]
    assert "group:9" not in w.ctl("flow", "dump", "br0")
    assert "METER" in w.ctl("meter", "show") and "indirect" in w.ctl("group", "show", "br0")
    w.ctl("group", "del", "br0", "group_id=0")
    assert "group:0" not in w.ctl("flow", "dump", "br0")


def test_a_meter_holds_its_rate(house):
    """Within 5 %, as a UDP receiver measures it."""
    w, (one, two, _), ofctl = start(house)
    ofctl("add-meter", "meter=1 kbps stats bands=type=drop rate=8000")
    ofctl("add-flow", "priority=9,udp,in_port=1,actions=meter:1,output:2")
    assert one.pings(two.ip)
    sink = two.popen("python3", "-c", "import socket,time\n"
                     "s=socket.socket(2,2); s.setsockopt(1,8,1<<22); s.bind(('',9)); print('ready',flush=True)\n"
                     "s.settimeout(5); s.recv(2000); t=time.monotonic(); n=0; s.settimeout(.1)\n"
                     "while time.monotonic()-t < 2.5:\n"
                     "    try: n += len(s.recv(2000))+42\n"
                     "    except OSError: pass\n"
                     "print('rate',n*8/2.5/1000,flush=True)\n")
    house.others.append(sink)
    sink.wait_for("ready")
    source = one.popen("python3", "-c", "import socket,time\n"
                       "s=socket.socket(2,2); end=time.monotonic()+3.5; due=time.monotonic()\n"
                       "while time.monotonic()<end:\n"
                       f"    s.sendto(b'x'*958,('{two.ip}',9)); due+=.0005\n"
                       "    time.sleep(max(0,due-time.monotonic()))\n")
    house.others.append(source)
    rate = float(re.search(r"rate ([\d.]+)", sink.wait_for("rate")).group(1))
    assert 7600 < rate < 8400, rate
    stats = ofctl("meter-stats")
    assert re.search(r"meter:1 flow_count:1 packet_in_count:\d+ byte_in_count:\d+ .*bands:\n0: packet_count:[1-9]", stats), stats
    assert "rate=8000" in ofctl("dump-meters")
    assert "drop" in ofctl("meter-features")
    assert int(next(d for d in w.api("drops")["drops"] if d["reason"] == "metered")["count"]) > 0
    ofctl("del-meters")
    assert "meter" not in ofctl("dump-flows")
