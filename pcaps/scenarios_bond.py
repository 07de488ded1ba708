"""scenarios_bond.py: bonds: one member in use, gates, echoes, stations named after a failover (datapath/bond.h)."""
from scapy.all import Ether, Raw

from scenario import BROADCAST, MAC, Scenario, arp, tagged, udp

BACKUP = {"bond0": "type: bond, members: [x, y], mode: active-backup", "x": "", "y": "", "a": "", "b": ""}
STATIC = {**BACKUP, "bond0": "type: bond, members: [x, y], mode: balance-xor"}
LACP = {**BACKUP, "bond0": "type: bond, members: [x, y]"}
DOWN = 'api port.set {"name": "%s", "down": true}'
UP = 'api port.set {"name": "%s", "down": false}'


def rarp(who, vlan=None):
    """RFC 903: who is me? From a station, about itself; padded to 60 bytes before a tag."""
    mac = bytes.fromhex(MAC[who].replace(":", ""))
    body = bytes.fromhex("0001080006040003") + mac + bytes(4) + mac + bytes(4)
    f = bytes(Ether(src=MAC[who], dst=BROADCAST, type=0x8035) / Raw(body + bytes(60 - 14 - len(body))))
    return tagged(f, vlan) if vlan else f


def one_in_use():
    far, back = udp("c", "a"), udp("a", "c")
    yield Scenario("bond-active-backup", "one member carries; what comes in at the other is not heard", ports=BACKUP) \
        .io(1, "x", far, {"a": far, "b": far}).io(2, "a", back, {"x": back}) \
        .io(3, "y", far, drop="bond-inactive").io(4, "a", arp("a"), {"x": arp("a"), "b": arp("a")})
    s = Scenario("bond-failover", "a failover leaves by the other member, and names the stations here upstream, twice",
                 ports={**BACKUP, "a": "tag: 10", "b": "tag: 20", "bond0": BACKUP["bond0"] + ', trunks: ["10"]'})
    s.step(0.5, "wait")  # what is said when the first link comes up: nothing yet
    s.io(3, "a", udp("a", None), {"x": tagged(udp("a", None), 10)})
    s.io(3.5, "b", udp("b", None), drop="no-destination")  # the bond doesn't carry its VLAN, nor is it named there
    s.step(5, DOWN % "x")
    s.expected["y"] = [(5, rarp("a", 10)), (6, rarp("a", 10))]
    s.step(5.0, "wait")
    s.step(6.05, "wait")
    yield s.io(7, "a", udp("a", None), {"y": tagged(udp("a", None), 10)}) \
        .io(8, "x", tagged(udp("c", None), 10), drop="bond-inactive")


def echoes():
    garp = arp("a", "10.0.0.1", "10.0.0.1")
    padded = bytes(garp) + bytes(60 - len(garp))
    yield Scenario("bond-echo", "our flooded frame that upstream sends back moves no MAC and is heard by nobody; for a second",
                   ports=BACKUP) \
        .step(0.5, "wait").io(3, "a", garp, {"x": garp, "b": garp}).io(3.5, "x", padded, drop="bond-echo") \
        .io(3.6, "b", udp("b", "a"), {"a": udp("b", "a")}) \
        .io(5, "x", padded, {"a": padded, "b": padded}).io(6, "b", udp("b", "a"), {"x": udp("b", "a")})


def many():
    f, g = udp("c", None), udp("d", None)
    yield Scenario("bond-both-hear", "what comes in at either member came in at the bond, and doesn't go out there",
                   ports=STATIC) \
        .io(1, "x", f, {"a": f, "b": f}).io(2, "y", g, {"a": g, "b": g}).io(3, "x", udp("d", "c"), drop="self-directed")


def lacp():
    f = udp("c", None)
    s = Scenario("bond-lacp-waits", "without a partner nothing is let in, and nothing goes out but LACPDUs",
                 ports={**LACP, "bond0": LACP["bond0"] + ", lacp_passive: true"})
    yield s.io(1, "x", f, drop="bond-not-collecting") \
        .io(2, "a", udp("a", None), {"b": udp("a", None)})


def openflow():
    f = udp("a", "b")
    yield Scenario("bond-fast-failover", "a bucket that watches a bond is left when no member may send", ports=STATIC,
                   groups=["group_id=1,type=ff,bucket=watch_port:bond0,actions=output:bond0,"
                           "bucket=watch_port:b,actions=output:b"],
                   flows=["in_port=a,actions=group:1", "in_port=b,actions=output:bond0"]) \
        .step(1, DOWN % "x").io(2, "a", f, {"y": f}).step(3, DOWN % "y").io(4, "a", f, {"b": f}) \
        .io(5, "b", f, drop="output-down").step(6, UP % "x").io(7, "a", f, {"x": f})


def bond_scenarios():
    return [*openflow(), *one_in_use(), *echoes(), *many(), *lacp()]
