"""bundle and bundle_load over bonds, by ovs-ofctl: a bond that is down is no choice; one that has lost a link is."""
import time

from house import free_port, run, until
from test_lacp import cables, peer_program  # noqa: F401
from test_lacp_peer import start

FRAMES = 30


class Two:
    """bond 11 is LACP with net_bonding (r0, r1), bond 12 static (r2, r3), far ends in one namespace; vm1 is port 1."""

    def __init__(self, house, program):
        self.house, self.program = house, program
        self.vm, self.wires, self.peer = house.vm(1), house.vm(100), house.vm(101)
        cables(self.wires, self.peer, 4)
        tcp = free_port()
        self.at = f"tcp:127.0.0.1:{tcp}"
        self.weft = house.weft(
            f'bridges:\n  - name: br0\n    fail_mode: secure\n    controllers: ["ptcp:{tcp}:127.0.0.1"]\n    ports:\n'
            f"      - {{name: vm1, type: tap, ifname: eth0, netns: {self.vm.ns}, ofport: 1}}\n"
            "      - {name: bond11, type: bond, members: [up0, up1], ofport: 11}\n"
            "      - {name: bond12, type: bond, members: [up2, up3], mode: balance-xor, ofport: 12}\n"
            + "".join(f"      - {{name: up{i}, type: af_packet, ifname: l{i}, netns: {self.wires.ns}}}\n" for i in range(4)))
        self.vm.up()
        self.vm.sh("ip", "neigh", "replace", "10.0.0.9", "lladdr", "02:00:00:00:00:99", "dev", "eth0")
        self.pair()
        until("the static one", lambda: self.is_up(12))

    def bond(self, no):
        return next(b for b in self.weft.api("bond", "show") if b["name"] == f"bond{no}")

    def is_up(self, no):
        return self.bond(no)["up"]

    def pair(self):
        self.p = start(self.house, self.peer, self.program)
        until("LACP", lambda: sum(m["sends"] for m in self.bond(11)["members"]) == 2)

    def fail(self, no):
        """11: its partner dies, and the carriers stay; 12: both links are pulled."""
        if no == 11:
            self.p.stop(9)
        else:
            for dev in ("r2", "r3"):
                self.peer.sh("ip", "link", "set", dev, "down")
        until(f"bond {no} is down", lambda: not self.is_up(no), 5)
        if no == 11:
            assert all(m["link_up"] for m in self.bond(11)["members"])

    def mend(self, no):
        if no == 11:
            return self.pair()
        for dev in ("r2", "r3"):
            self.peer.sh("ip", "link", "set", dev, "up")
        return until(f"bond {no}", lambda: all(m["sends"] for m in self.bond(no)["members"]))

    def choose(self, algorithm, members):
        """Port 1's frames by bundle, those of TOS 32 by bundle_load."""
        run("ovs-ofctl", "-O", "OpenFlow13", "del-flows", self.at)
        for line in (
                f"priority=1,in_port=1,actions=bundle(eth_src,0,{algorithm},ofport,members:{members})",
                f"priority=2,in_port=1,ip,nw_tos=32,actions=bundle_load(eth_src,0,{algorithm},ofport,NXM_NX_REG0[],members:{members}),"
                "goto_table:1",
                "table=1,reg0=11,actions=output:11", "table=1,reg0=12,actions=output:12"):
            run("ovs-ofctl", "-O", "OpenFlow13", "add-flow", self.at, line)

    def arrived(self):
        """Of our pings at the far ends of each bond, by the wire's own count; a bond's own frames are few."""
        return [sum(int(self.peer.sh("cat", f"/sys/class/net/r{i}/statistics/rx_packets")) for i in pair)
                for pair in ((0, 1), (2, 3))]

    def way(self):
        """Which bond carries vm1's frames: 11, 12, or None. All go the same way, by either action."""
        ways = set()
        for tos in (0, 32):
            before = self.arrived()
            self.vm.sh("ping", "-q", "-c", FRAMES, "-l", FRAMES, "-W", "0.05", "-Q", tos, "10.0.0.9", check=False)
            time.sleep(0.05)
            got = [b - a for a, b in zip(before, self.arrived())]
            assert sum(n >= FRAMES for n in got) <= 1 and all(n >= FRAMES or n < 12 for n in got), got
            ways.add(next((no for no, n in zip((11, 12), got) if n >= FRAMES), None))
        assert len(ways) == 1, ways
        return ways.pop()


def test_bundles_of_bonds_take_the_one_that_is_up(house, peer_program):  # noqa: F811
    two = Two(house, peer_program)
    two.choose("active_backup", "12,11")
    assert two.way() == 12
    two.peer.sh("ip", "link", "set", "r2", "down")
    until("it lost a link", lambda: sum(m["sends"] for m in two.bond(12)["members"]) == 1)
    assert two.way() == 12
    two.fail(12)
    assert two.way() == 11
    two.mend(12)
    assert two.way() == 12
    two.choose("hrw", "11,12")
    first = two.way()
    two.fail(first)
    assert two.way() == 23 - first
    two.mend(first)
    assert two.way() == first
    two.choose("active_backup", "11,12")
    assert two.way() == 11
    two.fail(11)
    assert two.way() == 12
    two.fail(12)
    assert two.way() is None
    flows = run("ovs-ofctl", "-O", "OpenFlow13", "dump-flows", two.at)
    assert not any("n_packets=0," in line for line in flows.splitlines() if "table=0" in line), flows
