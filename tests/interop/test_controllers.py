"""Controllers that nobody here wrote: ovs-testcontroller and an os-ken application, with real traffic."""
import os

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
