"""TCP between any two kinds of port, with and without offloads, and checksums that a stranger finds good."""
import pytest

RECEIVE = """
import hashlib, socket
s = socket.create_server(("", 5001))
print("listening", flush=True)
c, _ = s.accept()
c.settimeout(20)
h = hashlib.sha256()
while data := c.recv(1 << 16):
    h.update(data)
print("sum", h.hexdigest(), flush=True)
"""
SEND = """
import hashlib, random, socket, sys
data = random.Random(1).randbytes(4 << 20)
with socket.create_connection((sys.argv[1], 5001), 10) as s:
    s.settimeout(20)
    s.sendall(data)
print("sum", hashlib.sha256(data).hexdigest())
"""
KINDS = ["tap", "tap-plain", "veth", "veth-plain"]


def port_of(kind, number, vm):
    off = ", offloads: false" if kind.endswith("plain") else ""
    if kind.startswith("tap"):
        return f"{{name: p{number}, type: tap, ifname: eth0, netns: {vm.ns}{off}}}"
    return f"{{name: p{number}, type: af_packet, ifname: {vm.veth()}{off}}}"


@pytest.mark.parametrize("left,right", [(a, b) for i, a in enumerate(KINDS) for b in KINDS[i:]])
def test_tcp_passes(house, left, right):
    one, two = house.vm(1), house.vm(2)
    ports = [port_of(left, 1, one), port_of(right, 2, two)]
    w = house.weft("bridges:\n  - name: br0\n    ports:\n" + "".join(f"      - {p}\n" for p in ports))
    one.up(), two.up()
    for server, client in ((one, two), (two, one)):
        s = server.popen("/usr/bin/python3", "-c", RECEIVE)
        house.others.append(s)
        s.wait_for("listening")
        assert client.sh("/usr/bin/python3", "-c", SEND, server.ip).strip() == s.wait_for("sum")
        s.stop()
    assert "offload" not in w.ctl("drops")


def test_checksums_are_good_where_offloads_end(house):
    one, two = house.vm(1), house.vm(2)
    w = house.weft("bridges:\n  - name: br0\n    ports:\n"
                   f"      - {{name: p1, type: tap, ifname: eth0, netns: {one.ns}}}\n"
                   f"      - {{name: p2, type: tap, ifname: eth0, netns: {two.ns}, offloads: false}}\n")
    one.up(), two.up()
    dump = two.popen("tcpdump", "-lnnvvi", "eth0", "-c", "40", "tcp and src host 10.0.0.1")
    house.others.append(dump)
    dump.wait_for("listening")
    s = two.serve()
    one.iperf(two.ip, "-n", "1M")
    s.stop()
    dump.wait_for("packets captured")
    text = "\n".join(dump.lines)
    assert "(correct)" in text and "incorrect" not in text, text[-2000:]
    assert w.daemon.p.poll() is None
