"""LACP with Open vSwitch and net_bonding where something is wrong: links dead in one direction, keys that don't match."""
import os
import time

import pytest

from house import run, until
from test_lacp import Ovs, active, bond_yaml, cables, lacp_of, peer_program, place  # noqa: F401

HERE = os.path.dirname(__file__)


class Relay:
    """In the middle of link 0 (l0 to r0): either direction can be made dead, and its carriers stay on."""

    def __init__(self, house, wires, peer):
        mid = house.vm(150)
        for ns, dev, end in ((wires, "l0", "m0"), (peer, "r0", "m1")):
            ns.sh("ip", "link", "del", dev, check=False)
            run("ip", "link", "add", dev, "netns", ns.ns, "type", "veth", "peer", "name", end, "netns", mid.ns)
            for where, name in ((ns, dev), (mid, end)):
                where.sh("ethtool", "-K", name, "tx", "off")
                where.sh("ip", "link", "set", name, "promisc", "on", "up")
        self.p = mid.popen("/usr/bin/python3", HERE + "/relay.py", "m0", "m1", stdin=-1)
        house.others.append(self.p)
        self.p.wait_for("ready")

    def say(self, line):
        self.p.p.stdin.write(line + "\n")
        self.p.p.stdin.flush()


@pytest.fixture
def middle(place):  # noqa: F811
    house, vm, wires, peer = place
    return house, vm, wires, peer, Relay(house, wires, peer)


@pytest.mark.parametrize("deaf", ["weft", "ovs"])
def test_a_link_that_ovs_and_we_hear_one_way_is_left_by_both(middle, deaf):
    house, vm, wires, peer, relay = middle
    ovs = Ovs(house, peer, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    weft = house.weft(bond_yaml(vm, wires))
    vm.up()
    until("both links", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)
    way = "ba" if deaf == "weft" else "ab"
    begin = time.monotonic()
    relay.say(way + " off")
    # OVS lets two timeouts of 3 s pass, EXPIRED and DEFAULTED, before it says that it left: 6 s, and its next PDU
    until("we leave it", lambda: active(weft) == ["up1"], 6 if deaf == "weft" else 9)
    ours = time.monotonic() - begin
    until("OVS leaves it", lambda: ovs.enabled() == 1, 6)
    print(f"{deaf} hears nothing: left by us after {ours:.1f} s, by OVS after {time.monotonic() - begin:.1f} s")
    if deaf == "ovs":
        until("why", lambda: lacp_of(weft, "up0")["why"] in ("the partner doesn't hear us", "the partner isn't in sync"), 5)
    else:
        assert lacp_of(weft, "up0")["why"] in ("the partner fell silent", "no LACP partner")
    until("traffic", lambda: vm.pings("10.0.0.9", 3))
    relay.say(way + " on")
    until("it returns", lambda: len(active(weft)) == 2 and ovs.enabled() == 2)


def test_a_link_that_net_bonding_is_heard_no_more_on_is_left(middle, peer_program):  # noqa: F811
    """The other direction is in test_lacp_peer.py."""
    house, vm, wires, peer, relay = middle
    weft = house.weft(bond_yaml(vm, wires))
    vm.up()
    p = peer.popen(peer_program, "r0", "r1", "soon")
    house.others.append(p)
    p.wait_for("peer: ready")
    until("both links", lambda: len(active(weft)) == 2, 40)
    relay.say("ba off")
    until("we leave it", lambda: active(weft) == ["up1"], 8)
    assert lacp_of(weft, "up0")["why"] in ("the partner fell silent", "no LACP partner")
    relay.say("ba on")
    until("it returns", lambda: len(active(weft)) == 2, 40)


def test_two_bonds_of_ovs_in_one_of_ours_are_two_groups_of_which_one_is_used(house):
    """Four links to one system that gives them two keys."""
    vm, wires, peer = house.vm(1), house.vm(100), house.vm(101)
    cables(wires, peer, 4)
    ovs = Ovs(house, peer, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    ovs.vsctl("add-bond", "br0", "bond1", "r2", "r3", "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    weft = house.weft(bond_yaml(vm, wires, members=("up0", "up1", "up2", "up3")))
    vm.up()
    until("two links", lambda: active(weft) in (["up0", "up1"], ["up2", "up3"]))
    until("the others' PDUs", lambda: len({lacp_of(weft, f"up{i}")["partner"]["key"] for i in range(4)} - {0}) == 2)
    out = [f"up{i}" for i in range(4) if f"up{i}" not in active(weft)]
    assert {lacp_of(weft, m)["why"] for m in out} == {"leads to another partner, key or speed than the bond's links"}
    for m in active(weft):
        wires.sh("ip", "link", "set", "l" + m[-1], "down")
    until("the other group, when the first has no link left", lambda: active(weft) == out)


def test_links_to_which_we_give_different_keys_are_one_bundle_to_nobody(place):  # noqa: F811
    """Each link in a bond of its own: OVS, for which they are one bond, uses one of them."""
    house, vm, wires, peer = place
    ovs = Ovs(house, peer, "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
    port = "      - {{name: {}, type: af_packet, ifname: {}, netns: " + wires.ns + "}}\n"
    weft = house.weft("bridges:\n" + "".join(
        f"  - name: br{i}\n    ports:\n      - {{name: bond{i}, type: bond, members: [up{i}], lacp_key: {10 + i}}}\n"
        + port.format(f"up{i}", f"l{i}") for i in range(2)))

    def members():
        return [m for b in weft.api("bond", "show") for m in b["members"]]

    until("one of them", lambda: sum(m["sends"] for m in members()) == 1)
    time.sleep(3)
    out = [m for m in members() if not m["sends"]]
    assert len(out) == 1 and ovs.enabled() == 1
    assert out[0]["lacp"]["why"] == "the partner isn't in sync"
    assert sorted(m["lacp"]["actor"]["key"] for m in members()) == [10, 11]
