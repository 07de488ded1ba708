"""VMs' ports: what is bound to them, and what a hostile guest gets through them: nothing."""
import json
import os

from house import until

ATTACKS = os.path.join(os.path.dirname(__file__), "..", "tools", "attacks.py")
STORM = """
import socket, sys
frame = bytes.fromhex("ffffffffffff0200000000660806" "0001080006040001" "020000000066" "0a000042" "000000000000" "0a000042")
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
for _ in range(int(sys.argv[1])):
    s.send(frame)
"""


def hostile_house(house):
    """A victim and a hostile guest behind guards, and a third that has none, in one VLAN."""
    victim, bad, third = house.vm(2), house.vm(66), house.vm(3)
    w = house.weft(f"""bridges:
  - name: br0
    ports:
      - {{name: victim, type: tap, ifname: eth0, netns: {victim.ns}, mac: "02:00:00:00:00:02", tag: 10, ip: ["10.0.0.2", "2001:db8::2"]}}
      - {{name: bad, type: tap, ifname: eth0, netns: {bad.ns}, mac: "02:00:00:00:00:66", tag: 10, ip: ["10.0.0.66", "2001:db8::66"]}}
      - {{name: third, type: tap, ifname: eth0, netns: {third.ns}, mac: "02:00:00:00:00:03", tag: 10}}
""")
    victim.up(), third.up()
    bad.sh("ip", "link", "set", "eth0", "txqueuelen", "20000", "up")
    return w, victim, bad, third


def port(w, name):
    return w.api("port", "show", name)[0]


def test_ten_thousand_attacks_none_passes(house):
    w, victim, bad, third = hostile_house(house)
    assert victim.pings(third.ip)
    before = port(w, "bad")["counters"]["rx_packets"]
    seen = third.popen("tcpdump", "-lnnei", "eth0", "ether src 02:00:00:00:00:66 or arp or ip6 or vlan")
    house.others.append(seen)
    seen.wait_for("listening")
    ping = victim.popen("ping", "-q", "-i", "0.01", "-c", "300", third.ip)
    house.others.append(ping)
    tally = json.loads(bad.sh("/usr/bin/python3", ATTACKS, "eth0", 10000, 1))
    until("10,000 frames came", lambda: port(w, "bad")["counters"]["rx_packets"] == before + 10000)
    drops = {k: v for k, v in port(w, "bad")["drops"].items() if k.startswith("guard-")}
    assert drops == tally and sum(tally.values()) == 10000
    assert " 0% packet loss" in ping.wait_for("packet loss", 30)
    ping.stop()
    seen.stop()
    heard = [line for line in seen.lines if "ethertype" in line or " > " in line]
    assert not [line for line in heard if "00:00:00:66" in line or "vlan" in line or "IPv6" in line], heard
    assert "02:00:00:00:00:02" in third.sh("ip", "neigh", "show", victim.ip)
    assert [e["port"] for e in w.api("fdb", "show", "br0")[0]["entries"] if e["mac"] == "02:00:00:00:00:02"] == ["victim"]


def test_a_storm_of_good_announcements_is_policed(house):
    w, victim, bad, third = hostile_house(house)
    bad.sh("/usr/bin/python3", "-c", STORM, 5000)
    until("5,000 frames came", lambda: port(w, "bad")["counters"]["rx_packets"] >= 5000)
    refused = port(w, "bad")["drops"]["guard-rate"]
    assert 3000 < refused <= 5000 - 400
    assert victim.pings(third.ip)


def test_bindings_change_while_it_runs(house):
    w, victim, bad, third = hostile_house(house)
    bad.up()
    assert bad.pings(third.ip)
    w.ctl("port", "set", "bad", "ip=10.0.0.67")
    assert not bad.pings(third.ip, count=1, wait=1)
    assert port(w, "bad")["drops"]["guard-arp"] + port(w, "bad")["drops"].get("guard-ip", 0) > 0
    w.ctl("port", "set", "bad", "security=off")
    assert bad.pings(third.ip)
    w.ctl("port", "set", "bad", "security=", "ip=10.0.0.66")
    assert bad.pings(third.ip)
    said = w.ctl("port", "set", "bad", "ip=10.0.0.666", code=1)
    assert "is no address" in said
    said = w.ctl("port", "set", "bad", "vni=7", code=1)
    assert "no vxlan port with this key" in said
