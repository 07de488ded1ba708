"""LACP and bonds with Open vSwitch (lacp=active, passive) and DPDK's net_bonding in mode 4 at the other end."""
import os
import re
import signal
import subprocess
import time

import pytest

from house import run, until

HERE = os.path.dirname(__file__)


def bond_yaml(vm, wires, extra="", members=("up0", "up1")):
    ups = "".join(f"      - {{name: {m}, type: af_packet, ifname: l{i}, netns: {wires.ns}}}\n"
                  for i, m in enumerate(members))
    return ("bridges:\n  - name: br0\n    ports:\n"
            f"      - {{name: bond0, type: bond, members: [{', '.join(members)}]{extra}}}\n{ups}"
            f"      - {{name: vm1, type: tap, ifname: eth0, netns: {vm.ns}}}\n")


def cables(wires, peer, n=2):
    """veths between two namespaces: l0, l1 on weft's side, r0, r1 on the peer's."""
    # The peer's kernel sees what comes in on r0, too, and would answer ARP for its bridge's address there.
    peer.sh("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
    for i in range(n):
        run("ip", "link", "add", f"l{i}", "netns", wires.ns, "type", "veth", "peer", "name", f"r{i}", "netns", peer.ns)
        for ns, dev in ((wires, f"l{i}"), (peer, f"r{i}")):
            ns.sh("ethtool", "-K", dev, "tx", "off")
            ns.sh("ip", "link", "set", dev, "up")


class Ovs:
    """Open vSwitch's userspace datapath in a namespace; its bridge's own port is the far host, 10.0.0.9."""

    def __init__(self, house, ns, *bond):
        self.ns, self.folder = ns, f"{house.folder}/{ns.ns}"
        os.makedirs(self.folder)
        run("ovsdb-tool", "create", self.folder + "/db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.db = f"unix:{self.folder}/db.sock"
        env = dict(os.environ, OVS_RUNDIR=self.folder)
        server = ns.popen("ovsdb-server", self.folder + "/db", f"--remote=p{self.db}", f"--unixctl={self.folder}/dbctl",
                          env=env)
        house.others.append(server)
        until("ovsdb-server", lambda: os.path.exists(self.folder + "/db.sock"))
        self.vswitchd = ns.popen("ovs-vswitchd", self.db, f"--unixctl={self.folder}/ctl", env=env)
        house.others.append(self.vswitchd)
        until("ovs-vswitchd", lambda: os.path.exists(self.folder + "/ctl"))
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        self.vsctl("add-bond", "br0", "bond0", "r0", "r1", *bond)
        ns.sh("ip", "addr", "add", "10.0.0.9/24", "dev", "br0")
        ns.sh("ip", "link", "set", "br0", "up")

    def vsctl(self, *words):
        return run("ovs-vsctl", f"--db={self.db}", "--timeout=20", *words)

    def appctl(self, *words, **kw):
        return run("ovs-appctl", "-t", self.folder + "/ctl", *words, **kw)

    def lacp(self):
        return self.appctl("lacp/show")

    def enabled(self):
        text = self.appctl("bond/show", "bond0")
        return len(re.findall(r"(?:member|slave) r\d: enabled", text))


def active(weft):
    return [m["name"] for m in weft.api("bond", "show")[0]["members"] if m["sends"]]


def lacp_of(weft, name):
    return next(m for m in weft.api("bond", "show")[0]["members"] if m["name"] == name)["lacp"]


def lost_while(vm, ip, act, count=1000, every=0.002):
    """Seconds without an answer while act() happens in the middle, by counting lost pings."""
    p = subprocess.Popen(["ip", "netns", "exec", vm.ns, "ping", "-q", "-c", str(count), "-i", str(every), "-W", "1", ip],
                         stdout=subprocess.PIPE, text=True)
    time.sleep(count * every / 3)
    act()
    text = p.communicate(timeout=60)[0]
    return (count - int(re.search(r"(\d+) received", text).group(1))) * every


@pytest.fixture
def place(house):
    vm, wires, peer = house.vm(1), house.vm(100), house.vm(101)
    cables(wires, peer)
    return house, vm, wires, peer


@pytest.mark.parametrize("theirs,ours", [("active", ""), ("passive", ""), ("active", ", lacp_passive: true"),
                                         ("active", ", lacp_slow: true")])
def test_ovs_agrees_about_both_links(place, theirs, ours):
    house, vm, wires, peer = place
    weft = house.weft(bond_yaml(vm, wires, ours))
    vm.up()
    begin = time.monotonic()
    ovs = Ovs(house, peer, f"lacp={theirs}", "bond_mode=balance-tcp",
              f"other_config:lacp-time={'slow' if 'slow' in ours else 'fast'}")
    until("both links in weft", lambda: len(active(weft)) == 2)
    until("both links in OVS", lambda: ovs.enabled() == 2)
    print(f"agreed {time.monotonic() - begin:.1f} s after OVS started")
    until("traffic", lambda: vm.pings("10.0.0.9", 3))
    for name in ("up0", "up1"):
        l = lacp_of(weft, name)
        assert l["why"] == "bundled" and l["counters"]["rx_bad"] == 0
        assert ("active" if theirs == "active" else "passive") in l["partner"]["state"]
        assert l["partner"]["state"].count("collecting") == 1
    assert ovs.lacp().count("current attached") == 2
    text = weft.ctl("lacp", "show")
    assert "mux distributing" in text and "active,fast" in text or "passive,fast" in text or "slow" in text


def test_ovs_link_pulled_frozen_and_restarted(place):
    house, vm, wires, peer = place
    ovs = Ovs(house, peer, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    weft = house.weft(bond_yaml(vm, wires))
    vm.up()
    until("both links", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)
    until("traffic", lambda: vm.pings("10.0.0.9", 3))
    gap = lost_while(vm, "10.0.0.9", lambda: peer.sh("ip", "link", "set", "r0", "down"))
    print(f"a link pulled: {gap * 1000:.0f} ms")
    assert gap < 0.3 and active(weft) == ["up1"]
    peer.sh("ip", "link", "set", "r0", "up")
    until("it returns", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)
    gap = lost_while(vm, "10.0.0.9", lambda: wires.sh("ip", "link", "set", "l1", "down"))
    print(f"our end pulled: {gap * 1000:.0f} ms")
    assert gap < 0.3 and active(weft) == ["up0"]
    wires.sh("ip", "link", "set", "l1", "up")
    until("it returns", lambda: len(active(weft)) == 2)
    os.kill(ovs.vswitchd.p.pid, signal.SIGSTOP)
    begin = time.monotonic()
    try:
        until("a frozen partner is noticed", lambda: active(weft) == [], 5)
        print(f"frozen: noticed after {time.monotonic() - begin:.1f} s")
        assert time.monotonic() - begin < 3.5
        assert lacp_of(weft, "up0")["why"] in ("the partner fell silent", "no LACP partner")
    finally:
        os.kill(ovs.vswitchd.p.pid, signal.SIGCONT)
    until("it thaws", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)
    until("traffic", lambda: vm.pings("10.0.0.9", 3))
    weft.stop(signal.SIGKILL)
    weft.start()
    until("after our own restart", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)
    until("traffic", lambda: vm.up() and vm.pings("10.0.0.9", 2))


def test_links_that_ovs_calls_individual_are_used_one_at_a_time(place):
    house, vm, wires, peer = place
    ovs = Ovs(house, peer, "lacp=off")
    ovs.vsctl("del-port", "bond0")
    for i in range(2):  # each alone: not aggregatable, and with a key of its own
        ovs.vsctl("add-port", "br0", f"r{i}", "--", "set", "port", f"r{i}", "lacp=active", "other_config:lacp-time=fast",
                  "--", "set", "interface", f"r{i}", f"other_config:lacp-aggregation-key={77 + i}")
    weft = house.weft(bond_yaml(vm, wires))
    until("one link", lambda: len(active(weft)) == 1)
    time.sleep(3)
    assert len(active(weft)) == 1
    other = "up1" if active(weft) == ["up0"] else "up0"
    assert "individual" in lacp_of(weft, other)["why"]
    wires.sh("ip", "link", "set", "l0" if other == "up1" else "l1", "down")
    until("the other one", lambda: active(weft) == [other], 8)


def test_fallback_carries_one_link_until_ovs_speaks(place):
    house, vm, wires, peer = place
    weft = house.weft(bond_yaml(vm, wires, ", lacp_fallback: true"))
    vm.up()
    ovs = Ovs(house, peer, "lacp=off", "bond_mode=active-backup")
    until("one link on its own", lambda: len(active(weft)) == 1)
    assert weft.api("bond", "show")[0]["aggregator"]["individual"]
    ovs.vsctl("set", "port", "bond0", "lacp=active", "other_config:lacp-time=fast")
    until("both when it speaks", lambda: len(active(weft)) == 2)
    until("traffic", lambda: vm.pings("10.0.0.9", 3))


def test_a_looped_cable_is_never_used(house):
    vm, wires = house.vm(1), house.vm(100)
    run("ip", "link", "add", "l0", "netns", wires.ns, "type", "veth", "peer", "name", "l1", "netns", wires.ns)
    for dev in ("l0", "l1"):
        wires.sh("ip", "link", "set", dev, "up")
    weft = house.weft(bond_yaml(vm, wires, ", lacp_fallback: true"))
    until("the loop is seen", lambda: (lacp_of(weft, "up0") or {}).get("why") == "wired to another port of this switch")
    time.sleep(4)
    assert active(weft) == [] and not weft.api("bond", "show")[0]["up"]


def test_active_backup_and_members_that_come_and_go(place):
    house, vm, wires, peer = place
    weft = house.weft(bond_yaml(vm, wires, ", mode: active-backup, primary: up1"))
    vm.up()
    ovs = Ovs(house, peer, "bond_mode=active-backup")
    until("the primary", lambda: active(weft) == ["up1"])
    until("theirs", lambda: ovs.appctl("bond/set-active-member", "bond0", "r1"))
    until("traffic", lambda: vm.pings("10.0.0.9", 3))
    gap = lost_while(vm, "10.0.0.9", lambda: peer.sh("ip", "link", "set", "r1", "down"))
    print(f"active-backup: {gap * 1000:.0f} ms")
    assert gap < 0.5 and active(weft) == ["up0"]
    text = weft.ctl("bond", "show")
    assert "1 of 2 members carry" in text and "stations named upstream" in text, text
    weft.ctl("port", "set", "bond0", "rebalance_s=10")
    assert "rebalanced every 10 s" in weft.ctl("bond", "show")
    assert "its mode has no LACP" in weft.ctl("lacp", "show", "bond0")
    weft.ctl("port", "set", "bond0", "members=up0", "primary=", "mode=lacp", "rebalance_s=")
    assert [p["name"] for p in weft.api("port", "show") if p["ofport"]] == ["bond0", "up1", "vm1"]
    weft.ctl("port", "set", "bond0", "members=up0,up1")
    assert [p["name"] for p in weft.api("port", "show") if p["ofport"]] == ["bond0", "vm1"]
    weft.ctl("port", "del", "up0")
    assert "up0: no such port yet" in weft.ctl("bond", "show")
    assert "not one of its members" in weft.ctl("port", "set", "bond0", "primary=vm1", code=1)


@pytest.fixture(scope="session")
def peer_program(tmp_path_factory):
    out = str(tmp_path_factory.mktemp("peer") / "lacp_peer")
    flags = run("pkg-config", "--cflags", "--libs", "libdpdk").split()
    run("gcc", "-O1", HERE + "/lacp_peer.c", "-o", out, *flags, "-lrte_net_bond")
    return out


@pytest.mark.parametrize("first", ["weft", "peer"])
def test_dpdk_net_bonding_agrees_in_both_orders_of_start(place, peer_program, first):
    house, vm, wires, peer = place

    def start_peer():
        p = peer.popen(peer_program, "r0", "r1", "soon")
        house.others.append(p)
        p.wait_for("peer: ready")
        return p

    if first == "peer":
        p = start_peer()
    weft = house.weft(bond_yaml(vm, wires))
    vm.up()
    if first == "weft":
        p = start_peer()
    until("both links", lambda: len(active(weft)) == 2, 40)
    p.wait_for("carries")
    until("its PDU says so", lambda: lacp_of(weft, "up0")["partner"]["state"].endswith("collecting,distributing"))
    weft.ctl("lacp", "marker", "up0")
    until("its Marker Response", lambda: lacp_of(weft, "up0")["counters"]["rx_marker_response"] == 1)
    assert "sent 1, answers 1" in weft.ctl("lacp", "show")
    if first == "weft":
        p.stop(9)
        until("its end is noticed", lambda: active(weft) == [], 5)
        start_peer()
        until("it is found again", lambda: len(active(weft)) == 2)
    peer.sh("ip", "link", "set", "r0", "down")
    until("a link pulled", lambda: active(weft) == ["up1"], 2)
