"""Controllers that nobody here wrote: ovs-testcontroller and an os-ken application, with real traffic."""
import os

import pytest

from house import free_port, until

HERE = os.path.dirname(os.path.abspath(__file__))


def test_ovs_testcontroller_learns_and_its_end_is_survived(house):
    port = free_port()
    controller = house.process("ovs-testcontroller", "-O", "OpenFlow13", f"--unixctl={house.folder}/ctl",
                               f"ptcp:{port}:127.0.0.1")
    w, one, two = house.taps(2, bridge=f'controllers: ["tcp:127.0.0.1:{port}"]\n    fail_mode: secure\n    probe_s: 1')
    until("controller connected", lambda: "connected" in w.ctl("controller", "show"))
    assert one.pings(two.ip, count=3)
    until("its flows", lambda: len(w.ctl("flow", "dump", "br0").splitlines()) > 1)
    controller.stop(9)
    until("controller lost", lambda: "connected" not in w.ctl("controller", "show"))
    assert not two.pings("10.0.0.77", count=1, wait=0.2)
    w.ctl("bridge", "set", "br0", "fail_mode=standalone")
    until("NORMAL is back", lambda: "NORMAL" in w.ctl("flow", "dump", "br0"))
    assert one.pings(two.ip)


def bridge_of(name, fail_mode, port, vms):
    ports = "".join(f"      - {{name: {name}p{i}, type: tap, ifname: eth0, netns: {v.ns}}}\n" for i, v in enumerate(vms))
    return (f'  - name: {name}\n    controllers: ["tcp:127.0.0.1:{port}"]\n    probe_s: 1\n    fail_mode: {fail_mode}\n'
            f"    ports:\n{ports}")


def test_controller_dies_and_each_fail_mode_does_as_it_says(house):
    """Two bridges of one weftd lose the same controller: when the standalone one has fallen back, the other had its time."""
    port, vms = free_port(), [house.vm(i) for i in range(1, 5)]
    one, two, three, four = vms
    controller = house.process("ovs-testcontroller", "-O", "OpenFlow13", f"--unixctl={house.folder}/ctl",
                               f"ptcp:{port}:127.0.0.1")
    w = house.weft("bridges:\n" + bridge_of("alone", "standalone", port, vms[:2]) + bridge_of("safe", "secure", port, vms[2:]))
    for v in vms:
        v.up()
    until("both connected", lambda: w.ctl("controller", "show").count("connected") == 2)
    w.ctl("fdb", "flush", "alone")  # what NORMAL learnt before they came
    assert one.pings(two.ip) and three.pings(four.ip)
    def flows(bridge):
        return len(w.api("flow", "dump", bridge)["flows"])
    def learnt():
        return {e["mac"] for b in w.api("fdb", "show", "alone") for e in b["entries"]}
    until("rules for both pairs", lambda: flows("alone") > 2 and flows("safe") > 2)
    before = flows("safe")
    assert not learnt(), "the controller learns, not the bridge"
    controller.stop(9)
    until("NORMAL is back by itself", lambda: "NORMAL" in w.ctl("flow", "dump", "alone"))
    assert "NORMAL" not in w.ctl("flow", "dump", "safe") and flows("safe") == before
    assert three.pings(four.ip), "the rules that were there forward on"
    assert not three.pings("10.0.0.77", count=1, wait=0.2) and flows("safe") == before
    assert one.pings(two.ip)
    until("both addresses learnt", lambda: len(learnt()) == 2)


def test_osken_application_drives_it(house):
    port = free_port()
    app = house.process("/usr/bin/python3", "/usr/bin/osken-manager", "--ofp-listen-host", "127.0.0.1",
                        "--ofp-tcp-listen-port", port, HERE + "/osken_app.py", cwd=str(house.folder))
    w, one, two = house.taps(2, bridge=f'controllers: ["tcp:127.0.0.1:{port}"]\n    fail_mode: secure')
    app.wait_for("up ", 40)
    assert one.pings(two.ip, count=3)
    app.wait_for("learnt ")
    app.wait_for("flow ")
    app.wait_for("desc ")
    server = two.serve()
    end = one.iperf(two.ip, "-t", "1")
    assert end["sum_received"]["bytes"] > 1_000_000
    server.stop()
    assert not [line for line in app.lines if line.startswith("error ")]
    w.ctl("port", "add", "br0", "extra", "type=null")
    app.wait_for("port-status ")


@pytest.mark.parametrize("versions", ["", "OpenFlow10", "OpenFlow14", "OpenFlow15"])
def test_ovs_testcontroller_of_any_version_and_as_it_comes(house, versions):
    """In 1.0 nobody asks for misses, and they come."""
    port = free_port()
    w, one, two = house.taps(2, bridge=f'controllers: ["tcp:127.0.0.1:{port}"]\n    fail_mode: secure')
    assert not one.pings(two.ip, wait=0.3)
    house.process("ovs-testcontroller", *(["-O", versions] if versions else []), f"--unixctl={house.folder}/ctl",
                  f"ptcp:{port}:127.0.0.1")

    def state():
        return w.api("controller", "show")[0]["controllers"][0]
    until("the switch is connected", lambda: state()["state"] == "connected")
    assert not versions or state()["version"] == f"1.{versions[-1]}"
    until("frames are answered for", lambda: one.pings(two.ip, wait=0.5))
