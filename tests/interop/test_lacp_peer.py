"""DPDK's net_bonding at the other end, fast and slow, with other keys, beside a looped cable, deaf in either direction.

What the driver has no call for (its rate, its keys) lacp_peer.c changes in its LACPDUs; how is told there.
"""
import time

import pytest

from house import run, until
from test_lacp import active, bond_yaml, cables, lacp_of, peer_program, place  # noqa: F401
from test_lacp_bad import middle  # noqa: F401


def start(house, peer, program, *words):
    p = peer.popen(program, "r0", "r1", "soon", *words)
    house.others.append(p)
    p.wait_for("peer: ready")
    return p


def pdus(weft):
    c = lacp_of(weft, "up0")["counters"]
    return c["tx_lacpdu"], c["rx_lacpdu"]


@pytest.mark.parametrize("ours,theirs", [("fast", "fast"), ("slow", "slow")])
def test_each_end_speaks_as_often_as_the_other_asks(place, peer_program, ours, theirs):  # noqa: F811
    """802.1AX-2014 6.4.13: every second or every thirty, by the partner's LACP_Timeout; test_lacp.py has fast with slow."""
    house, vm, wires, peer = place
    weft = house.weft(bond_yaml(vm, wires, ", lacp_slow: true" if ours == "slow" else ""))
    begin = time.monotonic()
    start(house, peer, peer_program, *(["fast"] if theirs == "fast" else []))
    until("both links", lambda: len(active(weft)) == 2)
    print(f"we {ours}, net_bonding {theirs}: agreed after {time.monotonic() - begin:.1f} s")
    until("its last word", lambda: lacp_of(weft, "up0")["partner"]["state"].endswith("collecting,distributing"))
    l = lacp_of(weft, "up0")
    assert (theirs in l["partner"]["state"].split(",")) and (ours in l["actor"]["state"].split(",")), l
    before = pdus(weft)
    time.sleep(2.3)  # no event tells that nothing comes
    sent, heard = (b - a for a, b in zip(before, pdus(weft)))
    print(f"in 2.3 s we sent {sent}, heard {heard}")
    assert 2 <= sent <= 3 if theirs == "fast" else sent <= 1
    assert 2 <= heard <= 3 if ours == "fast" else heard <= 1
    assert len(active(weft)) == 2 and lacp_of(weft, "up0")["counters"]["flaps"] == 0


def test_a_link_that_net_bonding_and_we_hear_one_way_is_left_within_the_short_timeout(middle, peer_program):  # noqa: F811
    house, vm, wires, peer, relay = middle
    weft = house.weft(bond_yaml(vm, wires))
    p = start(house, peer, peer_program, "fast")
    until("both links", lambda: len(active(weft)) == 2)

    def left(way, deaf):
        begin = time.monotonic()
        relay.say(way + " off")
        until("we leave it", lambda: active(weft) == ["up1"], 6)
        took = time.monotonic() - begin
        print(f"{deaf} hears nothing: left after {took:.1f} s")
        assert took < 4.5

    left("ba", "weft")
    assert lacp_of(weft, "up0")["why"] in ("the partner fell silent", "no LACP partner")
    relay.say("ba on")
    until("it returns", lambda: len(active(weft)) == 2)
    left("ab", "net_bonding")
    p.wait_for("member 0: state 8d")  # EXPIRED, in sync, neither collecting nor distributing
    assert lacp_of(weft, "up0")["why"] in ("the partner isn't collecting", "the partner isn't in sync",
                                           "the partner doesn't hear us")
    relay.say("ab on")
    until("it returns", lambda: len(active(weft)) == 2)


def test_links_to_which_net_bonding_gives_different_keys_are_not_one_bundle(place, peer_program):  # noqa: F811
    house, vm, wires, peer = place
    weft = house.weft(bond_yaml(vm, wires))
    start(house, peer, peer_program, "keys")
    until("one link", lambda: len(active(weft)) == 1)
    out = "up1" if active(weft) == ["up0"] else "up0"
    until("the other's PDU", lambda: {lacp_of(weft, m)["partner"]["key"] for m in ("up0", "up1")} == {100, 101})
    assert active(weft) != [out]
    assert lacp_of(weft, out)["why"] == "leads to another partner, key or speed than the bond's links"
    wires.sh("ip", "link", "set", "l" + ("0" if out == "up1" else "1"), "down")
    until("the other, when the first has gone", lambda: active(weft) == [out])


def test_a_looped_cable_beside_links_to_net_bonding(house, peer_program):  # noqa: F811
    vm, wires, peer = house.vm(1), house.vm(100), house.vm(101)
    cables(wires, peer)
    run("ip", "link", "add", "l2", "netns", wires.ns, "type", "veth", "peer", "name", "l3", "netns", wires.ns)
    for dev in ("l2", "l3"):
        wires.sh("ip", "link", "set", dev, "up")
    weft = house.weft(bond_yaml(vm, wires, members=("up2", "up3", "up0", "up1")).replace("ifname: l0", "ifname: x")
                      .replace("ifname: l2", "ifname: l0").replace("ifname: x", "ifname: l2")
                      .replace("ifname: l1", "ifname: x").replace("ifname: l3", "ifname: l1").replace("ifname: x", "ifname: l3"))
    start(house, peer, peer_program, "fast")
    until("both links to it", lambda: active(weft) == ["up0", "up1"])
    for m in ("up2", "up3"):
        assert lacp_of(weft, m)["why"] == "wired to another port of this switch"
    time.sleep(2)  # nothing that may happen is an event
    assert active(weft) == ["up0", "up1"]
