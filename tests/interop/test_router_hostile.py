"""A tenant that floods its gateway with ARP, Neighbor Solicitations, scans and forged VRRP: others notice nothing."""
import re
import time

import pytest

import house as h
from test_router_vrrp import Lan, gap, lan  # noqa: F401

FLOOD = """
import os, socket, struct, sys, time
kind, seconds = sys.argv[1], float(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
me = bytes.fromhex("020000000099")
def csum(b):
    t = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while t >> 16:
        t = (t & 0xffff) + (t >> 16)
    return ~t & 0xffff
def ip4(src, dst, proto, ttl, body):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, ttl, proto, 0, src, dst)
    return head[:10] + struct.pack("!H", csum(head)) + head[12:] + body
def arp():
    who = bytes([10, 0, 10, 100 + os.urandom(1)[0] % 150])  # a thief of addresses is for port security
    sha = b"\\2" + os.urandom(5)
    return b"\\xff" * 6 + me + bytes.fromhex("0806000108000604") + b"\\0\\1" + sha + who + bytes(6) + bytes([10, 0, 10, 50])
def scan():
    return bytes.fromhex(sys.argv[3].replace(":", "")) + me + b"\\x08\\0" + \\
        ip4(bytes([10, 0, 10, 9]), bytes([10, 0, 20]) + os.urandom(1), 17, 9, bytes.fromhex("0001000200080000"))
def vrrp():
    body = struct.pack("!BBBBHH4s", 0x31, os.urandom(1)[0] | 1, 1, 1, 10, 0, bytes([10, 0, 10, 1]))
    body = body[:6] + struct.pack("!H", csum(body)) + body[8:]
    return bytes.fromhex("01005e000012") + me + b"\\x08\\0" + ip4(bytes([10, 0, 10, 200]), bytes([224, 0, 0, 18]), 112, 255, body)
frames = [{"arp": arp, "scan": scan, "vrrp": vrrp}[kind]() for _ in range(4096)]
begin, n = time.monotonic(), 0
while time.monotonic() - begin < seconds:
    for f in frames[:512]:
        try:
            s.send(f)
            n += 1
        except OSError:
            pass
    frames = frames[512:] + frames[:512]
print(int(n / (time.monotonic() - begin)))
"""


@pytest.mark.parametrize("kind", ["arp", "scan", "vrrp"])
def test_a_flood_harms_neither_flows_nor_timers(lan, kind):  # noqa: F811
    it = lan("v3-ip4", 200, interval_cs=50)
    it.until("Active")
    ka = it.keepalived(100)
    ka.wait_for("Entering BACKUP STATE")
    evil = it.house.vm(0)
    it.w.ctl("port", "add", "br0", "evil", "type=tap", "ifname=eth0", f"netns={evil.ns}", "tag=10")
    evil.sh("ip", "link", "set", "eth0", "up")
    gw = next(i["mac"] for i in it.w.api("router", "show")[0]["interfaces"] if i["port"] == "gw10")
    p = it.pings()
    rate = int(evil.sh("/usr/bin/python3", "-c", FLOOD, kind, "3", gw, timeout=60).split()[-1])
    silence = gap(p)
    seen = len([line for line in p.lines if "bytes from" in line])
    neighbours = len(it.w.api("router", "neigh"))
    print(f"{kind}: {rate} frames/s sent, longest silence of pings {silence * 1000:.0f} ms, {neighbours} neighbours")
    assert seen > 100 and silence < 0.5
    assert neighbours <= 2 * 4096
    assert it.state(10) == it.state(20) == "Active"
    assert not any("MASTER" in line for line in ka.lines), ka.lines
    drops = {d["reason"]: d["count"] for d in it.w.api("drops")["drops"]}
    assert sum(drops.get(r, 0) for r in ("router-policed", "router-vrrp-unknown", "punt-policed")) > 10000
    assert re.search("0% packet loss", it.vms["cl"].sh("ping", "-c", "5", "-i", "0.05", it.server, check=False))
