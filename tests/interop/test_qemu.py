"""QEMU guests on vhost-user ports: they talk, and a restart of weftd passes them by."""
from guest import Guest
from house import until

SINK = """
import hashlib, socket
s = socket.create_server(("", 5001))
print("listening", flush=True)
c, _ = s.accept()
c.settimeout(20)
h, n = hashlib.md5(), 0
while data := c.recv(1 << 16):
    h.update(data)
    n += len(data)
print("got", n, h.hexdigest(), flush=True)
"""
CONFIG = """bridges:
  - name: br0
    ports:
      - {{name: g1, type: vhost-user, path: {d}/g1.sock}}
      - {{name: g2, type: vhost-user, path: {d}/g2.sock, server: true}}
      - {{name: t3, type: tap, ifname: eth0, netns: {ns}}}
"""


def guest(house, number, server):
    g = Guest(house.folder, number, f"{house.folder}/g{number}.sock", server)
    house.others.append(g)
    return g


def md5_through(one, three):
    """Four megabytes from the guest to the tap, by TCP with the guest's offloads."""
    sink = three.popen("/usr/bin/python3", "-c", SINK)
    sink.wait_for("listening")
    status, out = one.sh("dd if=/dev/urandom of=/tmp/f bs=64k count=64 2>/dev/null; md5sum /tmp/f;"
                         f" nc {three.ip} 5001 < /tmp/f", 60)
    assert status == 0, out
    _, size, md5 = sink.wait_for("got ", 30).split()
    assert int(size) == 4 << 20 and md5 in out, f"{size} bytes, {md5}\n{out}"
    sink.stop()


def test_guests_talk_and_weftd_may_die(house):
    three = house.vm(3)
    w = house.weft(CONFIG.format(d=house.folder, ns=three.ns))
    one, two = guest(house, 1, server=True), guest(house, 2, server=False)
    three.up()
    one.ready(), two.ready()
    assert one.pings(two.ip) and one.pings(three.ip) and two.pings(three.ip)
    md5_through(one, three)
    w.stop(9)
    w.start()
    three.up()
    up = "grep -q 1 /sys/class/net/eth0/carrier"
    for g in (two, one):
        until(f"{g.ip}: its link is back", lambda: g.sh(up)[0] == 0)
    assert one.pings(two.ip) and two.pings(three.ip) and one.pings(three.ip)
