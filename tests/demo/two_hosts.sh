#!/bin/bash
# two_hosts.sh BIN_DIR: two tenants on two hosts, one IP network between them.
#
# A host is a namespace with a weftd of its own; a veth is the underlay. Each tenant has
# a VM on each host, both tenants the same addresses; VXLAN carries them, VNIs keep them apart.
# Everything is in a folder and namespaces of its own, and gone at the end.
set -uo pipefail

bin=$(cd "${1:-build/release/bin}" && pwd)
[ "$(id -u)" = 0 ] || { echo "demo: needs root, for namespaces and taps" >&2; exit 1; }

id=weft$$
dir=$(mktemp -d "/tmp/$id.XXXXXX")
hosts="east west"
spaces="east west east-red east-blue west-red west-blue"
daemons=()
failed=0

cleanup() {
    [ ${#daemons[@]} = 0 ] || { kill "${daemons[@]}" 2>/dev/null; wait "${daemons[@]}" 2>/dev/null; }
    for ns in $spaces; do
        ip netns pids "$id-$ns" 2>/dev/null | xargs -r kill 2>/dev/null
        ip netns del "$id-$ns" 2>/dev/null
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

inside() { local ns=$1; shift; ip netns exec "$id-$ns" "$@"; }
ctl() { local host=$1; shift; "$bin/weftctl" --rundir "$dir/$host" "$@"; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
table() { "$@" | sed 's/^/    /'; }
verdict() { # verdict WANTED_STATUS TEXT COMMAND...: runs it and says whether the outcome is the wanted one
    local wanted=$1 text=$2
    shift 2
    "$@" > "$dir/out" 2>&1
    local got=$(($? != 0))
    if [ "$got" = "$wanted" ]; then
        printf '  ok      %s\n' "$text"
    else
        printf '  FAILED  %s\n' "$text"
        sed 's/^/          /' "$dir/out"
        failed=1
    fi
}
received() { inside "$1" cat /sys/class/net/eth0/statistics/rx_packets; }
config() { # config HOST OUR_ADDRESS THEIR_ADDRESS
    cat << END
vteps:
  - {name: vt, ip: $2/24, port: up}
bridges:
  - name: br0
    ports:
      - {name: red, type: tap, ifname: eth0, netns: $id-$1-red, tag: 10}
      - {name: blue, type: tap, ifname: eth0, netns: $id-$1-blue, tag: 20}
      - {name: vni5010, type: vxlan, vtep: vt, key: 5010, tag: 10, remotes: [$3]}
      - {name: vni5020, type: vxlan, vtep: vt, key: 5020, tag: 20, remotes: [$3]}
  - name: under
    ports:
      - {name: up, type: af_packet, ifname: under0, netns: $id-$1, mtu: 1600}
END
}
start() { # start HOST
    mkdir -p "$dir/$1"
    mkfifo "$dir/$1/log"
    "$bin/weftd" --config "$dir/$1.yaml" --rundir "$dir/$1" 2> "$dir/$1/log" &
    daemons+=($!)
    timeout 20 sed '/weftd: ready/q' < "$dir/$1/log" > "$dir/$1/start"
    grep -q 'weftd: ready' "$dir/$1/start" || { echo "demo: weftd did not start:" >&2; cat "$dir/$1/start" >&2; exit 1; }
}
eventually() { local i; for ((i = 0; i < 40; i++)); do "$@" > /dev/null 2>&1 && return 0; done; return 1; }

step "1. Two hosts with a weftd each, an underlay between; four VMs, both tenants use 10.0.0.1 and 10.0.0.2"
for ns in $spaces; do
    ip netns add "$id-$ns" || exit 1
    inside "$ns" ip link set lo up
    inside "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
ip link add under0 netns "$id-east" mtu 1600 type veth peer name under0 netns "$id-west" mtu 1600 || exit 1
for host in $hosts; do
    inside "$host" ip link set under0 up
done
config east 192.0.2.1 192.0.2.2 > "$dir/east.yaml"
config west 192.0.2.2 192.0.2.1 > "$dir/west.yaml"
for host in $hosts; do
    start "$host"
    [ "$host" = east ] && last=1 || last=2
    for tenant in red blue; do
        inside "$host-$tenant" ip addr add "10.0.0.$last/24" dev eth0
        inside "$host-$tenant" ip link set eth0 up
    done
done
table ctl east show

step "2. Each tenant reaches its own across the hosts"
verdict 0 "east-red pings 10.0.0.2: west-red answers" eventually inside east-red ping -q -c 2 -i 0.1 -W 1 10.0.0.2
blue_before=$(received west-blue)
verdict 0 "and with whole frames of 1500 bytes" inside east-red ping -q -c 2 -i 0.1 -W 2 -M 'do' -s 1472 10.0.0.2
verdict 0 "west-blue heard nothing of it: VNIs 5010 and 5020 stay apart" test "$(received west-blue)" = "$blue_before"
verdict 0 "east-blue pings 10.0.0.2: west-blue answers" eventually inside east-blue ping -q -c 2 -i 0.1 -W 1 10.0.0.2

step "3. TCP through the tunnel for two seconds"
inside west-red iperf3 -s -D -I "$dir/pid" > /dev/null
inside east-red timeout 20 bash -c 'until : < /dev/tcp/10.0.0.2/5201; do read -rt 0.1 <> <(:); done' 2> /dev/null
inside east-red iperf3 -c 10.0.0.2 -t 2 -J > "$dir/iperf" 2>&1
verdict 0 "$(/usr/bin/python3 -c 'import json,sys; print("%.1f Gb/s" % (json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] / 1e9))' "$dir/iperf" 2> /dev/null || echo 'iperf3 failed')" \
    /usr/bin/python3 -c 'import json,sys; sys.exit(json.load(open(sys.argv[1]))["end"]["sum_received"]["bytes"] < 1e6)' "$dir/iperf"

step "4. Who is where"
table ctl east vtep show
table ctl east vni show
table ctl east fdb show br0
table ctl east drops
table ctl west drops

step "5. Stop: nothing is left behind"
kill "${daemons[@]}"
for pid in "${daemons[@]}"; do
    wait "$pid"
    verdict 0 "weftd stopped cleanly" test $? = 0
done
daemons=()
trap - EXIT
cleanup
verdict 1 "its namespaces are gone" bash -c "ip netns list | grep -q '^$id-'" 2> /dev/null
echo
[ $failed = 0 ] && echo "demo: two hosts, all as it should be" || echo "demo: something went wrong, see FAILED above"
exit $failed
