"""VMs' ports: what is bound to them, and what a hostile guest gets through them: nothing."""
import json
import os
import subprocess

import pytest

from house import BIN, run, serial, until

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
      - {{name: victim, type: tap, ifname: eth0, netns: {victim.ns}, mac: "02:00:00:00:00:02", tag: 10, ip: ["10.0.0.2", "2001:db8::2"], announce: "off"}}
      - {{name: bad, type: tap, ifname: eth0, netns: {bad.ns}, mac: "02:00:00:00:00:66", tag: 10, ip: ["10.0.0.66", "2001:db8::66"], announce: "off"}}
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


# ---- announcements, as the kernel and Open vSwitch hear them

MAC7 = "02:00:00:00:00:07"


class KernelSwitch:
    """A namespace with a bridge of the kernel's, as the network between hosts."""

    def __init__(self, house, ns):
        self.ns = ns
        ns.sh("ip", "link", "add", "name", "lan", "type", "bridge")
        ns.sh("ip", "link", "set", "lan", "up")

    def plug(self, dev):
        run("ip", "link", "set", dev, "netns", self.ns.ns)
        self.ns.sh("ip", "link", "set", dev, "master", "lan", "up")

    def where(self, mac):
        lines = self.ns.sh("bridge", "fdb", "show", "br", "lan").splitlines()
        return next((line.split()[2] for line in lines if line.startswith(mac)), None)


class OvsSwitch(KernelSwitch):
    """The same of Open vSwitch's userspace datapath."""

    def __init__(self, house, ns):
        self.ns, self.dir, self.numbers = ns, f"{house.folder}/ovs", {}
        os.makedirs(self.dir)
        run("ovsdb-tool", "create", self.dir + "/db", "/usr/share/openvswitch/vswitch.ovsschema")
        env = dict(os.environ, OVS_RUNDIR=self.dir)
        self.db = f"unix:{self.dir}/db.sock"
        house.others.append(ns.popen("ovsdb-server", self.dir + "/db", f"--remote=p{self.db}",
                                     f"--unixctl={self.dir}/dbctl", env=env))
        until("ovsdb-server", lambda: os.path.exists(self.dir + "/db.sock"))
        house.others.append(ns.popen("ovs-vswitchd", self.db, f"--unixctl={self.dir}/ctl", env=env))
        until("ovs-vswitchd", lambda: os.path.exists(self.dir + "/ctl"))
        self.vsctl("add-br", "br", "--", "set", "bridge", "br", "datapath_type=netdev")

    def vsctl(self, *words):
        return run("ovs-vsctl", f"--db={self.db}", "--timeout=20", *words).strip()

    def plug(self, dev):
        run("ip", "link", "set", dev, "netns", self.ns.ns)
        self.ns.sh("ip", "link", "set", dev, "up")
        self.vsctl("add-port", "br", dev)
        self.numbers[self.vsctl("get", "interface", dev, "ofport")] = dev

    def where(self, mac):
        lines = run("ovs-appctl", "-t", self.dir + "/ctl", "fdb/show", "br").splitlines()
        return next((self.numbers.get(line.split()[0]) for line in lines if mac in line), None)


def cable(house):
    """A veth pair, its ends in the root namespace; gone with either's namespace."""
    n = next(serial)
    names = f"m{os.getpid()}a{n}"[:15], f"m{os.getpid()}b{n}"[:15]
    run("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
    for dev in names:
        run("ip", "link", "set", dev, "up")
    return names


def no_offloads(ns, dev):
    ns.sh("ethtool", "-K", dev, "tx", "off", "tso", "off", "gso", "off", check=False)


@pytest.mark.parametrize("kind", [KernelSwitch, OvsSwitch])
def test_neighbours_and_switches_follow_an_announcement(house, kind):
    third, here, there = house.vm(3), house.vm(7), house.vm(7)
    net = kind(house, house.vm(0))
    uplinks = []
    wefts = []
    for vm, more in ((here, ""), (there, ", activation: command")):
        ours, theirs = cable(house)
        net.plug(theirs)
        uplinks.append(theirs)
        wefts.append(house.weft(f"""bridges:
  - name: br0
    ports:
      - {{name: vm7, type: tap, ifname: eth0, netns: {vm.ns}, mac: "{MAC7}", ip: ["10.0.0.7", "2001:db8::7"]{more}}}
      - {{name: up, type: af_packet, ifname: {ours}}}
"""))
    net.plug(third.veth())
    third.sh("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    third.sh("ip", "addr", "add", "2001:db8::3/64", "dev", "eth0", "nodad")
    for vm in (third, here, there):
        vm.up()
    no_offloads(third, "eth0")
    assert third.pings("10.0.0.7") and net.where(MAC7) == uplinks[0]
    # What the third host believes is wrong, and the VM there is silent: the announcement alone must put it right.
    for ip in ("10.0.0.7", "2001:db8::7"):
        third.sh("ip", "neigh", "replace", ip, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "stale")
    there.sh("ip", "link", "set", "eth0", "arp", "off")
    w1, w2 = wefts
    assert w2.api("port", "show", "vm7")[0]["vm"]["state"] == "held"
    w2.ctl("port", "activate", "vm7")
    until("the switch's FDB follows", lambda: net.where(MAC7) == uplinks[1], 3)
    until("ARP", lambda: MAC7 in third.sh("ip", "neigh", "show", "10.0.0.7"), 3)
    until("ND", lambda: MAC7 in third.sh("ip", "neigh", "show", "2001:db8::7"), 3)
    until("the source knows", lambda: w1.api("port", "show", "vm7")[0]["vm"]["state"] == "away", 3)
    assert w1.api("port", "show", "vm7")[0]["vm"]["where"] == "port up"
    until("five rounds", lambda: w2.api("port", "show", "vm7")[0]["vm"]["announcements"]["rounds"] == 5, 5)
    story = w2.ctl("port", "show", "vm7")
    assert "active (by command)" in story and "announced 5 times" in story and "held until it is activated" in story
    assert "away: its MAC is at port up" in w1.ctl("port", "show", "vm7")
    there.sh("ip", "link", "set", "eth0", "arp", "on")
    assert third.pings("10.0.0.7")
    assert "nothing to announce" in w1.ctl("announce", "vm7", code=1)
    assert w2.api("announce")["announced"] == 1


def test_a_ports_identity_is_handed_over(house):
    one, two = house.vm(7), house.vm(7)
    text = "bridges:\n  - name: br0\n    ports:\n      - {{name: vm7, type: tap, ifname: eth0, netns: {}{}}}\n"
    w1 = house.weft(text.format(one.ns, f', mac: "{MAC7}", ip: [10.0.0.7], tag: 10, ofport: 42, allow: [router]'))
    w2 = house.weft(text.format(two.ns, ", activation: command"))

    def hand(document, code=0):
        p = subprocess.run([BIN + "/weftctl", "--rundir", w2.folder + "/run", "port", "handover", "import", "vm7"],
                           input=document, capture_output=True, text=True)
        assert p.returncode == code, p.stdout + p.stderr
        return p.stdout + p.stderr
    document = w1.ctl("port", "handover", "export", "vm7")
    cut = json.loads(document)
    cut["state"]["ip"] = ["10.0.0.8"]
    assert "checksum is wrong" in hand(json.dumps(cut), 1)
    assert "version" in hand(json.dumps(dict(json.loads(document), version=2)), 1)
    assert "handover: line" in hand(document[:-20], 1)
    hand(document)
    port7 = w2.api("port", "show", "vm7")[0]
    assert port7["ofport"] == 42 and port7["vm"]["macs"] == [MAC7] and port7["vm"]["ips"] == ["10.0.0.7"]
    assert port7["config"]["allow"] == ["router"] and port7["vlan"]["tag"] == 10 and port7["vm"]["state"] == "held"
