"""weftd as its operators meet it: side by side, idle, killed, and changed ten thousand times under traffic."""
import json
import os
import re
import socket
import time

from house import until


def test_two_run_side_by_side_and_are_small(house):
    w, one, two = house.taps(2)
    v, three, four = house.taps(2)
    assert one.pings(two.ip) and three.pings(four.ip)
    assert w.rss_kb() < 200 * 1024 and v.rss_kb() < 200 * 1024


def test_idle_costs_almost_nothing(house):
    w, one, two = house.taps(2)
    assert one.pings(two.ip)
    def ticks():
        f = w.proc("stat").rsplit(")", 1)[1].split()
        return int(f[11]) + int(f[12])
    before, start = ticks(), time.monotonic()
    time.sleep(3)  # what is measured is the passing of time
    share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
    assert share < 0.03, f"{share:.1%} of a CPU while idle"


class Api:
    """One connection, many calls."""

    def __init__(self, w):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(w.folder + "/run/api.sock")
        self.f = self.s.makefile("rw")

    def call(self, method, **params):
        self.f.write(json.dumps({"v": 1, "id": 1, "method": method, "params": params}) + "\n")
        self.f.flush()
        answer = json.loads(self.f.readline())
        assert "error" not in answer, answer
        return answer["result"]


def mbufs(api):
    return api.call("perf")["mbufs"]["in_use"]


def flood(house, one, two):
    ping = one.popen("ping", "-i", "0.002", "-W", "2", two.ip)
    house.others.append(ping)  # killed with the rest when the test fails
    return ping


def lost(ping):
    """Requests without an answer, but for those in flight when ping was told to stop."""
    ping.stop(2)
    text = "\n".join(ping.lines)
    answered = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", text)}
    sent = int(re.search(r"(\d+) packets transmitted", text).group(1))
    assert len(answered) > 20 and sent - max(answered) < 10, text[-500:]
    return max(answered) - len(answered)


def test_ten_thousand_ports_come_and_go(house):
    w, one, two = house.taps(2)
    assert one.pings(two.ip)
    api, apart = Api(w), house.vm(3)
    for _ in range(200):
        api.call("port.add", bridge="br0", name="x", type="null")
        api.call("port.del", bridge="br0", name="x")
    fds, rss, used = w.fds(), w.rss_kb(), mbufs(api)
    ping = flood(house, one, two)
    for i in range(10000):
        kind = {"type": "tap", "netns": apart.ns} if i % 100 == 0 else {"type": "null"}
        api.call("port.add", bridge="br0", name="x", **kind)
        api.call("port.del", bridge="br0", name="x")
    assert lost(ping) == 0
    assert w.fds() == fds
    assert w.rss_kb() < rss + 8192, f"{rss} KB before, {w.rss_kb()} KB after"
    until("every packet buffer is back", lambda: mbufs(api) <= used, 5)


def test_a_hundred_reloads_lose_nothing(house):
    w, one, two = house.taps(2)
    assert one.pings(two.ip)
    with open(w.config) as f:
        base = f.read()
    w.write(base + '      - {name: extra, type: "null", tag: 9}\n')
    w.ctl("reload")
    api = Api(w)
    assert one.pings(two.ip)  # the worker sleeps in between, with an epoll descriptor for the ports that it has now
    fds, rss, used = w.fds(), w.rss_kb(), mbufs(api)
    ping = flood(house, one, two)
    for i in range(100):
        w.write(base + (f'      - {{name: extra, type: "null", tag: {i + 1}}}\n' if i % 3 else ""))
        w.ctl("reload")
    w.write(base + '      - {name: extra, type: "null", tag: 9}\n')
    w.ctl("reload")
    assert lost(ping) == 0
    until("the descriptors to be as many as before", lambda: w.fds() == fds)
    assert w.rss_kb() < rss + 8192
    until("every packet buffer is back", lambda: mbufs(api) <= used, 5)
