"""scenarios_l2.py: NORMAL: learning, flooding, VLAN modes (IEEE 802.1Q, ovs-vswitchd.conf.db(5))."""
from scapy.all import Ether, Raw

from scenario import BROADCAST, MAC, Scenario, arp, tagged, udp


def learning():
    f, back, here = udp("a", "b"), udp("b", "a"), udp("c", "a")
    yield Scenario("l2-learn", "unknown floods, known goes to one port") \
        .io(1, "a", f, {"b": f, "c": f}).io(2, "b", back, {"a": back}).io(3, "a", f, {"b": f})
    yield Scenario("l2-broadcast", "a broadcast reaches every port but its own") \
        .io(1, "a", arp("a"), {"b": arp("a"), "c": arp("a")})
    yield Scenario("l2-move", "a MAC that moves is found at its new port") \
        .io(1, "a", f, {"b": f, "c": f}).io(2, "c", here, {"a": here}) \
        .io(3, "b", f, {"a": f, "c": f}).io(4, "c", here, {"b": here})
    yield Scenario("l2-self", "a frame to a MAC on its own port is not sent back") \
        .io(1, "a", f, {"b": f, "c": f}).io(2, "a", udp("b", "a"), drop="self-directed")
    yield Scenario("l2-ageing", "after the ageing time a MAC is unknown again", bridge="fdb: {ageing_s: 10}") \
        .io(1, "a", f, {"b": f, "c": f}).io(2, "b", back, {"a": back}).io(30, "b", back, {"a": back, "c": back})
    yield Scenario("l2-static", "a static MAC neither floods nor moves",
                   bridge=f"fdb: {{static: [{{mac: \"{MAC['b']}\", vlan: 0, port: b}}]}}") \
        .io(1, "a", f, {"b": f}).io(2, "c", back, {"a": back}).io(3, "a", f, {"b": f})
    yield Scenario("l2-full-table", "a full table floods what it can't learn", bridge="fdb: {size: 1}") \
        .io(1, "a", f, {"b": f, "c": f}).io(2, "b", back, {"a": back}).io(3, "a", f, {"b": f, "c": f})
    bpdu = Ether(src=MAC["a"], dst="01:80:c2:00:00:00", type=0x26) / Raw(b"\x42\x42\x03" + bytes(43))
    yield Scenario("l2-reserved", "01-80-C2-00-00-0x is not forwarded (802.1Q table 8-1)") \
        .io(1, "a", bpdu, drop="link-reserved")
    yield Scenario("l2-forward-bpdu", "but is with forward_bpdu", bridge="forward_bpdu: true") \
        .io(1, "a", bpdu, {"b": bpdu, "c": bpdu})
    yield Scenario("l2-alone", "a flood without another port is counted", ports={"a": ""}) \
        .io(1, "a", f, drop="no-destination")


def access_and_trunk():
    f, g = udp("a", None), udp("b", None)
    yield Scenario("vlan-access", "access ports of one VLAN see each other untagged, others nothing",
                   ports={"a": "tag: 10", "b": "tag: 10", "c": "tag: 20"}).io(1, "a", f, {"b": f})
    yield Scenario("vlan-access-refuses", "a tagged frame is not for an access port",
                   ports={"a": "tag: 10", "b": "tag: 10"}).io(1, "a", tagged(f, 10), drop="vlan-filtered")
    yield Scenario("vlan-trunk", "trunks carry the tag, access ports don't",
                   ports={"a": "tag: 10", "t": 'trunks: ["10", "20-29"]', "u": 'trunks: ["11"]', "b": "tag: 20"}) \
        .io(1, "a", f, {"t": tagged(f, 10)}).io(2, "t", tagged(f, 20), {"b": f}) \
        .io(3, "t", tagged(f, 30), drop="vlan-filtered").io(4, "t", f, drop="vlan-filtered")
    yield Scenario("vlan-trunk-all", "a port without VLAN keys is a trunk of all; untagged is VLAN 0",
                   ports={"a": "", "b": "", "c": "tag: 7"}) \
        .io(1, "a", tagged(f, 7), {"b": tagged(f, 7), "c": f}).io(2, "a", f, {"b": f})
    yield Scenario("vlan-native-untagged", "the native VLAN leaves without a tag, others with",
                   ports={"a": 'vlan_mode: native-untagged, tag: 10, trunks: ["20"]', "b": "tag: 10", "c": "tag: 20"}) \
        .io(1, "a", f, {"b": f}).io(2, "b", g, {"a": g}) \
        .io(3, "c", udp("c", None), {"a": tagged(udp("c", None), 20)})
    yield Scenario("vlan-native-tagged", "the native VLAN comes untagged and leaves tagged",
                   ports={"a": 'vlan_mode: native-tagged, tag: 10, trunks: ["20"]', "b": "tag: 10"}) \
        .io(1, "a", f, {"b": f}).io(2, "b", g, {"a": tagged(g, 10)})
    prio = tagged(g, 0, pcp=5)
    yield Scenario("vlan-priority-tag", "VLAN 0 is a priority tag: untagged, but for its PCP",
                   ports={"a": "tag: 10", "b": "tag: 10", "p": "tag: 10, priority_tags: if-nonzero"}) \
        .io(1, "b", prio, {"a": g, "p": prio})
    yield Scenario("vlan-dot1q-tunnel", "a tunnel port puts its S-tag outside the customer's",
                   ports={"a": "vlan_mode: dot1q-tunnel, tag: 100", "b": "vlan_mode: dot1q-tunnel, tag: 100",
                          "t": 'trunks: ["100"]'}) \
        .io(1, "a", tagged(f, 5), {"b": tagged(f, 5), "t": tagged(tagged(f, 5), 100, tpid=0x88A8)})
    wide, back = udp("a", BROADCAST), udp("b", "a")
    yield Scenario("vlan-separate-fdb", "the same MAC in two VLANs is two stations",
                   ports={"a": "tag: 10", "b": "tag: 10", "c": "tag: 20", "d": "tag: 20"}) \
        .io(1, "a", wide, {"b": wide}).io(2, "c", wide, {"d": wide}) \
        .io(3, "b", back, {"a": back}).io(4, "d", back, {"c": back})


def limits():
    f = udp("a", None)
    big = udp("a", None, payload=bytes(range(256)) * 34)
    yield Scenario("jumbo", "an MTU of 9000 lets a jumbo frame through, 1500 doesn't",
                   ports={"a": "mtu: 9000", "b": "mtu: 9000", "c": ""}, top="memory: {mbuf_data_bytes: 9600}") \
        .io(1, "a", big, {"b": big}, drop="tx-too-big")
    yield Scenario("jumbo-chained", "the same in several buffers", ports={"a": "mtu: 9000", "b": "mtu: 9000"}) \
        .io(1, "a", big, {"b": big})
    yield Scenario("too-long", "longer than the ingress MTU", ports={"a": "", "b": ""}) \
        .io(1, "a", big, drop="rx-too-long")
    yield Scenario("runt", "shorter than an Ethernet header", ports={"a": "", "b": ""}) \
        .io(1, "a", bytes(13), drop="rx-truncated").io(2, "a", f, {"b": f})
    for name, cut in (("eth-only", 14), ("ip-cut", 20), ("l4-cut", 38)):
        part = bytes(f)[:cut]
        yield Scenario(f"malformed-{name}", f"cut after {cut} bytes: forwarded by what is known of it",
                       ports={"a": "", "b": ""}).io(1, "a", part, {"b": part})
    yield Scenario("port-down", "a port that is down sends and receives nothing",
                   ports={"a": "", "b": "down: true", "c": ""}).io(1, "a", f, {"c": f})


def spanning_tree():
    """IEEE 802.1Q-2018 8.4: port b waits Max Age and then, as RSTP, a hello time (13.28, 13.37), in the CIST and in instance 1 (VLAN 10); a and c are edges."""
    edge, slow = 'stp: {edge: "yes", bpdu_filter: true}', 'stp: {edge: "no", bpdu_filter: true}'
    f, back = udp("a", "b"), udp("b", "a")
    s = Scenario("stp-states", "discarding: nothing; learning: the sender is learnt; forwarding: all; per instance",
                 ports={"a": edge, "b": slow, "c": edge}, bridge='stp: {mode: mstp, instances: [{id: 1, vlans: ["10"]}]}')
    for n, (to, from_b) in enumerate(((f, back), (tagged(f, 10), tagged(back, 10)))):
        at = n / 10
        s.io(5 + at, "b", from_b, drop="stp-blocked")                    # discarding: not learnt
        s.io(6 + at, "a", to, {"c": to}, drop="stp-blocked-out")      # so it floods, and b is shut
        s.io(24 + at, "b", from_b, drop="stp-blocked")                   # learning
        s.io(24.3 + at, "a", to, drop="stp-blocked-out")                # known behind b, still shut
        s.io(45 + at, "b", from_b, {"a": from_b}).io(46 + at, "a", to, {"b": to})
    yield s
    bpdu = Ether(src=MAC["a"], dst="01:80:c2:00:00:00", type=0x26) / Raw(b"\x42\x42\x03" + bytes(35))
    provider = Ether(src=MAC["a"], dst="01:80:c2:00:00:08", type=0x26) / Raw(b"\x42\x42\x03" + bytes(35))
    yield Scenario("stp-bpdus-are-trapped", "BPDUs to reserved addresses reach the engine, whatever else is open",
                   ports={"a": edge, "b": edge}, bridge="stp: {mode: rstp}") \
        .io(1, "a", bpdu).io(2, "a", provider).io(3, "a", f, {"b": f})


def l2_scenarios():
    return [*learning(), *access_and_trunk(), *limits(), *spanning_tree()]
