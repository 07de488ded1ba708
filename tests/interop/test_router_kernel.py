"""The kernel's routes in a virtual router: by ip, and by FRR's bgpd, which knows nothing of us."""
import os
import pathlib
import shutil
import tempfile
import time

import pytest

import house as h
from test_router import drops, host, ping

FRR = "/usr/lib/frr"
TEXT = """routers:
  - name: r1
    max_routes: 300000
    kernel_table: 254
    kernel_netns: {fr}
bridges:
  - name: br0
    ports:
      - {{name: vm1, type: tap, ifname: eth0, netns: {a}, tag: 10}}
      - {{name: vm2, type: tap, ifname: eth0, netns: {b}, tag: 20}}
      - {{name: fr, type: tap, ifname: eth0, netns: {fr}, tag: 20}}
      - {{name: gw10, type: router, router: r1, tag: 10, addresses: ["10.0.10.1/24", "fd00:10::1/64"]}}
      - {{name: gw20, type: router, router: r1, tag: 20, addresses: ["10.0.20.1/24", "fd00:20::1/64"]}}
"""


@pytest.fixture
def frrs(house):
    house.frr = []
    yield house
    for p in house.others:
        p.stop(9)
    for folder in house.frr:
        shutil.rmtree(folder, ignore_errors=True)


def three(house):
    a, b, fr = house.vm(1), house.vm(2), house.vm(3)
    w = house.weft(TEXT.format(a=a.ns, b=b.ns, fr=fr.ns))
    return w, host(a, 10), host(b, 20), host(fr, 20, 60)


def routes(w, family=4):
    return w.api("router", "show", "r1")[0][f"routes{family}"]


def batch(vm, verb, n, via="10.0.20.2"):
    vm.sh("ip", "-batch", "-", input="".join(f"route {verb} 11.{i >> 16}.{i >> 8 & 255}.{i & 255}/32 via {via}\n" for i in range(n)))


def test_100k_routes_of_the_kernel_are_ours_in_seconds(house):
    w, one, two, fr = three(house)
    n = 100000
    two.sh("ip", "addr", "add", "11.1.134.159/32", "dev", "lo")  # the last of them
    before = routes(w)
    begin = time.monotonic()
    batch(fr, "add", n)
    put = time.monotonic() - begin
    h.until("all are there", lambda: routes(w) >= before + n, 20)
    took = time.monotonic() - begin
    print(f"{n} routes: {put:.2f} s into the kernel, ours after {took:.2f} s")
    assert took < put + 5
    assert " 0% packet loss" in ping(one, "11.1.134.159")
    begin = time.monotonic()
    w.ctl("reload")  # and all of them read anew
    h.until("still there", lambda: routes(w) >= before + n, 20)
    assert " 0% packet loss" in ping(one, "11.1.134.159")
    fr.sh("ip", "route", "flush", "root", "11.0.0.0/8")
    h.until("all have gone", lambda: routes(w) < before + 20, 20)
    assert "Net Unreachable" in ping(one, "11.1.134.159")


def test_several_ways_blackholes_and_both_families_follow_each_change(house):
    w, one, two, fr = three(house)
    fr.sh("ip", "route", "add", "11.1.0.0/16", "nexthop", "via", "10.0.20.2", "nexthop", "via", "10.0.20.60", "weight", "3")
    fr.sh("ip", "route", "add", "blackhole", "11.2.0.0/16")
    fr.sh("ip", "-6", "route", "add", "fd00:11::/32", "via", "fd00:20::2")

    def get(prefix):
        found = w.api("router", "route", "r1", prefix)
        return found[0] if found else None
    h.until("two ways", lambda: (r := get("11.1.0.0/16")) and sorted(v["ip"] for v in r["via"]) == ["10.0.20.2", "10.0.20.60"], 5)
    h.until("a blackhole", lambda: (r := get("11.2.0.0/16")) and r["kind"] == "blackhole" and r["source"] == "kernel", 5)
    two.sh("ip", "addr", "add", "fd00:11::1/128", "dev", "lo")
    h.until("IPv6", lambda: get("fd00:11::/32"), 5)
    assert " 0% packet loss" in ping(one, "fd00:11::1")
    fr.sh("ip", "route", "replace", "11.1.0.0/16", "via", "10.0.20.2")
    h.until("one way", lambda: [v["ip"] for v in get("11.1.0.0/16")["via"]] == ["10.0.20.2"], 5)
    w.ctl("port", "set", "gw20", "tag=10")  # the interface goes elsewhere, and comes back
    w.ctl("port", "set", "gw20", "tag=20")
    h.until("the route is back", lambda: get("11.1.0.0/16"), 5)
    fr.sh("ip", "route", "del", "11.1.0.0/16")
    h.until("no way", lambda: get("11.1.0.0/16") is None, 5)
    assert drops(w, "router-martian") == 0


def frr(house, vm, name, config, daemons):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"frr-{name}-"))  # pytest's folders are closed to the user frr
    os.chmod(folder, 0o777)
    house.frr.append(folder)
    (folder / "frr.conf").write_text(config)
    for d in daemons:
        p = vm.popen(f"{FRR}/{d}", "-f", folder / "frr.conf", "-i", folder / f"{d}.pid", "-z", folder / "zserv.api",
                     "--vty_socket", folder, "--log", "stdout", "-P", "0",
                     *(["-p", "179"] if d == "bgpd" else []))
        house.others.append(p)
        h.until(f"{d} is up", lambda: (folder / f"{d}.vty").exists(), 10)
    return lambda *c: vm.sh("vtysh", "--vty_socket", folder, *[w for x in c for w in ("-c", x)])


@pytest.mark.skipif(not os.path.exists(f"{FRR}/bgpd") or not shutil.which("vtysh"), reason="FRR is not installed")
def test_routes_that_bgpd_learns_are_ours(frrs):
    house = frrs
    w, one, two, fr = three(house)
    n = 100000
    bgp = "router bgp {0}\n no bgp ebgp-requires-policy\n neighbor {1} remote-as {2}\n neighbor {1} timers connect 1\n{3}!\n"
    frr(house, two, "peer", bgp.format(65002, "10.0.20.60", 65001, " address-family ipv4 unicast\n  redistribute kernel\n  redistribute connected\n"),
               ["zebra", "bgpd"])
    frr(house, fr, "own", bgp.format(65001, "10.0.20.2", 65002, ""), ["zebra", "bgpd"])
    two.sh("ip", "addr", "add", "11.0.0.9/32", "dev", "lo")
    h.until("the session is up", lambda: "11.0.0.9" in fr.sh("ip", "route"), 30)
    before, begin = routes(w), time.monotonic()
    two.sh("ip", "-batch", "-", input="".join(f"route add blackhole 11.{i >> 16}.{i >> 8 & 255}.{i & 255}/32 proto boot\n"
                                              for i in range(n) if i != 9))

    def kernel():
        return int(fr.sh("sh", "-c", "ip route | wc -l"))
    h.until("bgpd's routes are in the kernel", lambda: kernel() >= n, 60)
    put = time.monotonic() - begin
    h.until("and ours", lambda: routes(w) >= before + n, 20)
    took = time.monotonic() - begin
    print(f"{n} routes of bgpd: in the kernel after {put:.2f} s, ours after {took:.2f} s")
    assert took < put + 5
    assert " 0% packet loss" in ping(one, "11.0.0.9")
    route = w.api("router", "route", "r1", "11.0.0.9/32")[0]
    assert route["source"] == "kernel" and route["via"][0]["ip"] == "10.0.20.2"
