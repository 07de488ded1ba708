#!/bin/bash
# migration.sh BIN_DIR: a VM moves from one host to another, on VLAN and on VXLAN.
#
# Three hosts, each a namespace with a weftd of its own, on one network (a kernel bridge in a
# namespace). A VM, a namespace, runs on east; a third VM on north pings it 1000 times a second and sends
# it a TCP stream. It pauses, goes on at west, and west announces it. Everything is in a folder and
# namespaces of its own, and gone at the end.
set -uo pipefail

bin=$(cd "${1:-build/release/bin}" && pwd)
[ "$(id -u)" = 0 ] || { echo "demo: needs root, for namespaces and taps" >&2; exit 1; }

id=weft$$
dir=$(mktemp -d "/tmp/$id.XXXXXX")
hosts="east west north"
spaces="net east west north vm third"
mac=02:00:00:00:00:07
daemons=()
failed=0

clear_scene() {
    [ ${#daemons[@]} = 0 ] || { kill "${daemons[@]}" 2>/dev/null; wait "${daemons[@]}" 2>/dev/null; }
    daemons=()
    for ns in $spaces; do
        ip netns pids "$id-$ns" 2>/dev/null | xargs -r kill 2>/dev/null
        ip netns del "$id-$ns" 2>/dev/null
    done
}
cleanup() { clear_scene; rm -rf "$dir"; }
trap cleanup EXIT
trap 'exit 1' INT TERM

inside() { local ns=$1; shift; ip netns exec "$id-$ns" "$@"; }
ctl() { local host=$1; shift; "$bin/weftctl" --rundir "$dir/$host" "$@"; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
verdict() { # verdict TEXT COMMAND...
    local text=$1
    shift
    if "$@" > "$dir/out" 2>&1; then
        printf '  ok      %s\n' "$text"
    else
        printf '  FAILED  %s\n' "$text"
        sed 's/^/          /' "$dir/out"
        failed=1
    fi
}
guest() { # guest HOST: its VM's port
    case $1 in
    east) echo "name: vm7, type: tap, ifname: east0, netns: $id-vm, mac: \"$mac\", ip: [10.0.0.7]" ;;
    west) echo "name: vm7, type: tap, ifname: west0, netns: $id-vm, mac: \"$mac\", ip: [10.0.0.7], activation: command" ;;
    north) echo "name: third, type: tap, ifname: eth0, netns: $id-third, mac: \"02:00:00:00:00:03\", ip: [10.0.0.3]" ;;
    esac
}
config() { # config vlan|vxlan HOST OUR_ADDRESS REMOTES
    local up="{name: up, type: af_packet, ifname: under0, netns: $id-$2, mtu: 1600"
    if [ "$1" = vlan ]; then
        printf 'bridges:\n  - name: br0\n    ports:\n      - {%s, tag: 10}\n      - %s, trunks: ["10"]}\n' "$(guest "$2")" "$up"
    else
        cat << END
vteps:
  - {name: vt, ip: $3/24, port: up}
bridges:
  - name: br0
    ports:
      - {$(guest "$2"), vni: 5010}
      - {name: vni5010, type: vxlan, vtep: vt, key: 5010, tag: 10, remotes: [$4]}
  - name: under
    ports:
      - $up}
END
    fi
}
start() { # start HOST
    rm -rf "${dir:?}/$1"
    mkdir -p "$dir/$1"
    mkfifo "$dir/$1/log"
    "$bin/weftd" --config "$dir/$1.yaml" --rundir "$dir/$1" 2> "$dir/$1/log" &
    daemons+=($!)
    timeout 20 sed '/weftd: ready/q' < "$dir/$1/log" > "$dir/$1/start"
    grep -q 'weftd: ready' "$dir/$1/start" || { echo "demo: weftd did not start:" >&2; cat "$dir/$1/start" >&2; exit 1; }
    cat "$dir/$1/log" > /dev/null &
}
build() { # build vlan|vxlan
    for ns in $spaces; do
        ip netns add "$id-$ns" || exit 1
        inside "$ns" ip link set lo up
        inside "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
    done
    inside net ip link add name lan mtu 1600 type bridge
    inside net ip link set lan up
    for host in $hosts; do
        ip link add under0 netns "$id-$host" mtu 1600 type veth peer name "$host" netns "$id-net" mtu 1600 || exit 1
        inside "$host" ip link set under0 up
        inside net ip link set "$host" master lan up
    done
    config "$1" east 192.0.2.1 "192.0.2.2, 192.0.2.3" > "$dir/east.yaml"
    config "$1" west 192.0.2.2 "192.0.2.1, 192.0.2.3" > "$dir/west.yaml"
    config "$1" north 192.0.2.3 "192.0.2.1, 192.0.2.2" > "$dir/north.yaml"
    for host in $hosts; do start "$host"; done
    inside third ip addr add 10.0.0.3/24 dev eth0
    inside third ip link set eth0 up
    inside vm ip addr add 10.0.0.7/32 dev lo # the VM's own; which card it goes by is the host's affair
    runs_on east
}
runs_on() { # the VM's card is the one on this host
    inside vm ip link set "${1}0" up
    inside vm ip route replace 10.0.0.0/24 dev "${1}0" src 10.0.0.7
}
eventually() { local i; for ((i = 0; i < 40; i++)); do "$@" > /dev/null 2>&1 && return 0; done; return 1; }
ms_since() { echo "$((($(date +%s%N) - $1) / 1000000))"; }

scene() { # scene vlan|vxlan TEXT
    step "$2: the VM runs on east; north's VM pings it 1000 times a second, and a TCP stream runs"
    build "$1"
    verdict "they reach each other" eventually inside third ping -q -c 1 -W 1 10.0.0.7
    inside third tcpdump -lnnei eth0 -c 1 "arp and ether src $mac and ether broadcast and arp[14:4] == arp[24:4]" > "$dir/garp" 2> "$dir/dump" &
    local dump=$!
    timeout 10 bash -c "until grep -q listening '$dir/dump'; do read -rt 0.05 <> <(:); done"
    inside vm iperf3 -s -1 -D -I "$dir/pid" > /dev/null
    inside third ping -D -n -i 0.001 -w 4 10.0.0.7 > "$dir/ping" 2>&1 &
    local ping=$!
    eventually inside third iperf3 -c 10.0.0.7 -t 3 -b 20M -J --logfile "$dir/iperf" &
    local tcp=$!
    timeout 10 bash -c "until [ \$(wc -l < '$dir/ping') -gt 800 ]; do read -rt 0.02 <> <(:); done"

    local t0 pause
    t0=$(date +%s%N)
    inside vm ip link set east0 down # it pauses; its memory goes over
    runs_on west
    ctl west port activate vm7 # it goes on
    pause=$(ms_since "$t0")
    wait $ping $tcp
    /usr/bin/python3 - "$dir/ping" "$pause" << 'END'
import re, sys
seen = [(float(m[1]), int(m[2])) for m in re.finditer(r"\[([\d.]+)\] 64 bytes .*?icmp_seq=(\d+)", open(sys.argv[1]).read())]
gap = max((b[0] - a[0], b[1] - a[1]) for a, b in zip(seen, seen[1:]))
numbers = [n for _, n in seen]
print(f"    paused for {sys.argv[2]} ms (by the script's clock); {gap[1] - 1} pings lost in a row, {gap[0] * 1000:.1f} ms without an answer,"
      f" {len(numbers) - len(set(numbers))} duplicates, {len(seen)} answers")
open(sys.argv[1] + ".ok", "w").write("ok" if gap[0] * 1000 < float(sys.argv[2]) + 100 else "")
END
    verdict "the outage is little more than the pause" test -s "$dir/ping.ok"
    verdict "$(/usr/bin/python3 -c 'import json,sys; e=json.load(open(sys.argv[1]))["end"]; print("TCP went on: %.1f MB arrived" % (e["sum_received"]["bytes"] / 1e6))' "$dir/iperf" 2> /dev/null || echo 'the TCP stream broke')" \
        /usr/bin/python3 -c 'import json,sys; sys.exit(json.load(open(sys.argv[1]))["end"]["sum_received"]["bytes"] < 5e6)' "$dir/iperf"
    wait $dump
    verdict "north's VM heard: $(cut -d' ' -f1-2,4,6- "$dir/garp" | head -1)" test -s "$dir/garp"
    ctl west port show vm7 | sed -n '/^VM/,/^config/{/^config/d;p}' | sed 's/^/    west: /'
    ctl east port show vm7 | sed -n '/^VM/p;/history/,/^config/{/^config/d;p}' | sed 's/^/    east: /'
    clear_scene
    rm -f "$dir"/ping* "$dir/iperf"
}

scene vlan "VLAN 10"
scene vxlan "VNI 5010, VXLAN"
trap - EXIT
cleanup
echo
[ $failed = 0 ] && echo "demo: a VM moved twice, all as it should be" || echo "demo: something went wrong, see FAILED above"
exit $failed
