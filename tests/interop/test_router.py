"""Virtual routers with kernels as hosts and as a neighbouring router: pings, errors, path MTU, TCP."""
import re

import pytest

import house as h

ROUTER = """routers:
  - name: r1
    routes:
      - {{prefix: 10.9.0.0/16, blackhole: true}}
      - {{prefix: 10.8.0.0/16, via: ["10.0.20.2"]}}
      - {{prefix: "fd00:8::/32", via: ["fd00:20::2"]}}
bridges:
  - name: br0
    ports:
      - {{name: vm1, type: tap, ifname: eth0, netns: {a}, tag: 10}}
      - {{name: gw10, type: router, router: r1, tag: 10, addresses: ["10.0.10.1/24", "fd00:10::1/64"]}}
      - {{name: gw20, type: router, router: r1, tag: 20, addresses: ["10.0.20.1/24", "fd00:20::1/64"]{more}}}
{other}      - {{name: vm2, type: tap, ifname: eth0, netns: {b}, tag: 20}}
"""


def host(vm, net, number=2):
    vm.sh("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.eth0.disable_ipv6=0",
          "net.ipv6.conf.eth0.accept_dad=0")
    vm.sh("ip", "addr", "add", f"10.0.{net}.{number}/24", "dev", "eth0")
    vm.sh("ip", "link", "set", "eth0", "up")
    vm.sh("ip", "-6", "addr", "add", f"fd00:{net}::{number}/64", "dev", "eth0", "nodad")
    vm.sh("ip", "route", "add", "default", "via", f"10.0.{net}.1")
    vm.sh("ip", "-6", "route", "add", "default", "via", f"fd00:{net}::1")
    return vm


def two(house, more="", other=""):
    a, b = house.vm(1), house.vm(2)
    w = house.weft(ROUTER.format(a=a.ns, b=b.ns, more=more, other=other))
    return w, host(a, 10), host(b, 20)


def ping(vm, to, *words):
    return vm.sh("ping", "-n", "-c", "2", "-i", "0.1", "-W", "2", *words, to, check=False)


def drops(w, reason):
    return next((d["count"] for d in w.api("drops")["drops"] if d["reason"] == reason), 0)


@pytest.mark.parametrize("own, far", [("10.0.10.1", "10.0.20.2"), ("fd00:10::1", "fd00:20::2")])
def test_hosts_of_two_vlans_reach_each_other_and_their_gateway(house, own, far):
    w, one, _ = two(house)
    assert "ttl=64" in ping(one, own)
    out = ping(one, far)
    assert " 0% packet loss" in out and "ttl=63" in out, out
    states = {n["ip"]: n["state"] for n in w.api("router", "neigh", "r1")}
    assert states[far] in ("reachable", "delay", "stale")
    ifs = w.api("router", "show", "r1")[0]["interfaces"]
    assert all(i["in_packets"] > 0 and i["out_packets"] > 0 for i in ifs)


def test_errors_say_who_sends_them(house):
    w, one, _ = two(house)
    assert "From 10.0.10.1 icmp_seq=1 Time to live exceeded" in ping(one, "10.0.20.2", "-t", "1")
    assert "From fd00:10::1 icmp_seq=1 Time exceeded" in ping(one, "fd00:20::2", "-t", "1")
    assert "Net Unreachable" in ping(one, "10.77.0.1")
    assert "No route" in ping(one, "fd00:77::1")
    assert "From 10.0.10.1 icmp_seq=1 Destination Host Unreachable" in ping(one, "10.0.20.77", "-W", "5")
    assert "Address unreachable" in ping(one, "fd00:20::77", "-W", "5")
    assert "errors" not in ping(one, "10.9.0.1", "-W", "1")  # a blackhole is silent
    for reason in ("router-ttl", "router-no-route", "router-no-neighbour", "router-blackhole"):
        assert drops(w, reason) > 0, reason


@pytest.mark.parametrize("far, route", [("10.0.20.2", []), ("fd00:20::2", ["-6"])])
def test_the_path_mtu_is_found_and_tcp_lives_with_it(house, far, route):
    w, one, other = two(house, more=", mtu: 1400")
    out = ping(one, far, "-M", "do", "-s", "1420")
    assert re.search(r"mtu ?[=:] ?1400", out, re.I), out
    assert "mtu 1400" in one.sh("ip", *route, "route", "get", far)
    other.serve()
    end = one.iperf(far, "-t", "1")
    assert end["sum_received"]["bytes"] > 10e6
    assert drops(w, "tx-too-big") == 0


def test_a_router_behind_ours_is_reached_by_a_static_route(house):
    w, one, other = two(house)
    other.sh("ip", "addr", "add", "10.8.0.1/32", "dev", "lo")
    other.sh("ip", "addr", "add", "fd00:8::1/128", "dev", "lo")
    assert " 0% packet loss" in ping(one, "10.8.0.1")
    assert " 0% packet loss" in ping(one, "fd00:8::1")
    route = w.api("router", "route", "r1", "10.8.0.0/16")[0]
    assert route["source"] == "static" and route["via"][0]["resolved"]


def test_a_thousand_addresses_of_one_host_are_answered(house):
    w, one, _ = two(house)
    sources = [f"10.0.10.{i}" for i in range(3, 253)] + [f"10.{100 + k}.{i}.1" for k in range(3) for i in range(250)]
    one.sh("ip", "-batch", "-", input="".join(f"addr add {s}/32 dev lo\n" for s in sources))
    more = "".join(f'      - {{prefix: 10.{100 + k}.0.0/16, via: ["10.0.10.2"]}}\n' for k in range(3))
    w.write(open(w.config).read().replace("    routes:\n", "    routes:\n" + more))
    w.ctl("reload")
    assert " 0% packet loss" in ping(one, "10.0.20.2")  # only a few packets wait for one neighbour
    script = "".join(f"ping -q -c1 -W3 -I {s} 10.0.20.2 >/dev/null || echo {s} &\n" + ("wait\n" if i % 50 == 49 else "")
                     for i, s in enumerate(sources)) + "wait\n"
    assert one.sh("sh", "-c", script, timeout=120).split() == []


def test_routers_are_isolated_and_follow_a_reload(house):
    w, one, other = two(house)
    assert " 0% packet loss" in ping(one, "10.0.20.2")
    text = open(w.config).read()
    w.write(text.replace("  - name: r1\n", "  - name: r2\n  - name: r1\n").replace("router: r1, tag: 20", "router: r2, tag: 20"))
    w.ctl("reload")
    assert "Net Unreachable" in ping(one, "10.0.20.2")
    w.write(text)
    w.ctl("reload")
    assert " 0% packet loss" in ping(one, "10.0.20.2")
    w.ctl("port", "set", "gw20", "addresses=10.0.20.1/24,10.0.21.1/24")
    other.sh("ip", "addr", "add", "10.0.21.2/24", "dev", "eth0")
    assert " 0% packet loss" in ping(one, "10.0.21.2")
    w.ctl("port", "del", "gw20")
    assert "Net Unreachable" in ping(one, "10.0.20.2")


def test_spoofed_sources_are_dropped_where_asked(house):
    w, one, other = two(house)
    w.ctl("port", "set", "gw10", "urpf=strict")
    one.sh("ip", "addr", "add", "10.77.0.1/32", "dev", "lo")
    assert " 0% packet loss" in ping(one, "10.0.20.2")
    assert " 100% packet loss" in ping(one, "10.0.20.2", "-I", "10.77.0.1", "-W", "1")
    assert drops(w, "router-urpf") == 2


def test_a_host_configures_itself_by_router_advertisements(house):
    w, one, other = two(house)
    one.sh("ip", "-6", "route", "flush", "dev", "eth0")
    one.sh("ip", "-6", "addr", "flush", "dev", "eth0", "scope", "global")
    one.sh("sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=2", "net.ipv6.conf.eth0.autoconf=1")
    w.ctl("port", "set", "gw10", "ra.on=true", "ra.interval_s=4", "ra.dns=fd00:20::2")
    h.until("an address", lambda: "fd00:10:" in one.sh("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global"), 8)
    assert "default via fe80::" in one.sh("ip", "-6", "route")
    one.sh("sysctl", "-qw", "net.ipv6.conf.eth0.dad_transmits=0")
    h.until("it works", lambda: " 0% packet loss" in ping(one, "fd00:20::2"), 8)
    w.ctl("port", "set", "gw10", "ra.no_default=true")
    h.until("no default route any more", lambda: "default" not in one.sh("ip", "-6", "route"), 8)


def test_packets_that_may_be_cut_are_cut(house):
    w, one, _ = two(house, more=", mtu: 600")
    assert " 0% packet loss" in ping(one, "10.0.20.2")
    out = ping(one, "10.0.20.2", "-M", "dont", "-s", "1200")
    assert " 0% packet loss" in out and drops(w, "router-too-big") == 0, out
