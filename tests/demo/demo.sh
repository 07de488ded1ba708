#!/bin/bash
# demo.sh BIN_DIR: two tenants on one host, two VMs each, on one weft.
#
# Each VM is a network namespace with a tap. Both tenants use the same addresses; VLANs
# keep them apart. Then one OpenFlow rule blocks a port and one steers traffic.
# Everything is in a folder and namespaces of its own, and gone at the end.
set -uo pipefail

bin=$(cd "${1:-build/release/bin}" && pwd)
[ "$(id -u)" = 0 ] || { echo "demo: needs root, for namespaces and taps" >&2; exit 1; }

id=weft$$
dir=$(mktemp -d "/tmp/$id.XXXXXX")
vms="red1 red2 blue1 blue2"
daemon=
failed=0

cleanup() {
    [ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
    for vm in $vms; do
        ip netns pids "$id-$vm" 2>/dev/null | xargs -r kill 2>/dev/null
        ip netns del "$id-$vm" 2>/dev/null
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ctl() { "$bin/weftctl" --rundir "$dir" "$@"; }
in_vm() { local vm=$1; shift; ip netns exec "$id-$vm" "$@"; }
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
pings() { verdict 0 "$1 pings $2: answered" in_vm "$1" ping -q -c 2 -i 0.1 -W 2 "$2"; }
no_ping() { verdict 1 "$1 pings $2: no answer, $3" in_vm "$1" ping -q -c 2 -i 0.1 -W 0.5 "$2"; }
heard() { # heard VM: frames its tap received from others
    in_vm "$1" cat /sys/class/net/eth0/statistics/rx_packets
}

step "1. Four VMs: a namespace and a tap each; both tenants use 10.0.0.1 and 10.0.0.2"
{
    echo "bridges:"
    echo "  - name: br0"
    echo "    ports:"
    for vm in $vms; do
        ip netns add "$id-$vm" || exit 1
        in_vm "$vm" ip link set lo up
        # The tests' own traffic only: no chatter of the kernel's.
        in_vm "$vm" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
        case $vm in red*) tag=10 ;; blue*) tag=20 ;; esac
        echo "      - {name: $vm, type: tap, ifname: eth0, netns: $id-$vm, tag: $tag}"
    done
} > "$dir/weft.yaml"
mkfifo "$dir/log"
"$bin/weftd" --config "$dir/weft.yaml" --rundir "$dir" 2> "$dir/log" &
daemon=$!
timeout 20 sed '/weftd: ready/q' < "$dir/log" > "$dir/start" &
reader=$!
wait $reader
grep -q 'weftd: ready' "$dir/start" || { echo "demo: weftd did not start:" >&2; cat "$dir/start" >&2; exit 1; }
grep -E 'memory|workers' "$dir/start" | sed 's/^/  /'
for vm in $vms; do
    in_vm "$vm" ip addr add "10.0.0.${vm: -1}/24" dev eth0
    in_vm "$vm" ip link set eth0 up
done
table ctl show

step "2. Tenants: each reaches its own, with the same addresses"
pings red1 10.0.0.2
pings blue1 10.0.0.2
red2_before=$(heard red2)
pings blue2 10.0.0.1
verdict 0 "red2 heard nothing of blue's: VLANs 10 and 20 stay apart" test "$(heard red2)" = "$red2_before"
verdict 0 "blue2 is known in VLAN 20 only" bash -c "'$bin/weftctl' --rundir '$dir' fdb show br0 vlan=20 | grep -q blue2 && ! '$bin/weftctl' --rundir '$dir' fdb show br0 vlan=10 | grep -q blue"
table ctl fdb show br0

step "3. OpenFlow: one rule blocks a port of red2's, the rest goes on"
in_vm red2 iperf3 -s -p 5201 -D -I "$dir/a.pid" > /dev/null
in_vm red2 iperf3 -s -p 5202 -D -I "$dir/b.pid" > /dev/null
try() { verdict "$1" "red1 -> red2 tcp/$2: $3" in_vm red1 timeout 2 bash -c "until : < /dev/tcp/10.0.0.2/$2; do read -rt 0.1 <> <(:); done"; }
try 0 5201 "open"
verdict 0 "flow add br0 'priority=100,tcp,in_port=red1,tp_dst=5202,actions=drop'" ctl flow add br0 "table=0,priority=100,tcp,in_port=red1,tp_dst=5202,actions=drop"
try 1 5202 "blocked by the rule"
try 0 5201 "still open"

step "4. OpenFlow: one rule steers: what red1 sends to 10.0.0.9 goes to red2 in disguise"
in_vm red1 ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:99 dev eth0
no_ping red1 10.0.0.9 "nobody has that address"
red2_mac=$(in_vm red2 cat /sys/class/net/eth0/address)
red1_mac=$(in_vm red1 cat /sys/class/net/eth0/address)
verdict 0 "flow add: 10.0.0.9 -> 10.0.0.2 at red2, and back" ctl flow add br0 \
    "table=0,priority=90,ip,in_port=red1,nw_dst=10.0.0.9,actions=set_field:10.0.0.2->ip_dst,set_field:$red2_mac->eth_dst,output:red2" \
    "table=0,priority=90,icmp,in_port=red2,nw_dst=10.0.0.1,actions=set_field:10.0.0.9->ip_src,set_field:$red1_mac->eth_dst,output:red1"
pings red1 10.0.0.9
table ctl flow dump br0

step "5. How fast: TCP from red1 to red2 for two seconds"
in_vm red1 iperf3 -c 10.0.0.2 -p 5201 -t 2 -J > "$dir/iperf" 2>&1
verdict 0 "$(/usr/bin/python3 -c 'import json,sys; print("%.1f Gb/s" % (json.load(open(sys.argv[1]))["end"]["sum_received"]["bits_per_second"] / 1e9))' "$dir/iperf" 2> /dev/null || echo 'iperf3 failed')" \
    /usr/bin/python3 -c 'import json,sys; sys.exit(json.load(open(sys.argv[1]))["end"]["sum_received"]["bytes"] < 1e6)' "$dir/iperf"

step "6. Everything is counted"
table ctl port show
table ctl perf
table ctl drops
printf '    weftd holds %s MiB\n' "$(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$daemon/status")"

step "7. Stop: nothing is left behind"
kill "$daemon" && wait "$daemon"
verdict 0 "weftd stopped cleanly" test $? = 0
daemon=
verdict 1 "its taps are gone" in_vm red1 ip link show eth0
trap - EXIT
cleanup
verdict 1 "its namespaces are gone" bash -c "ip netns list | grep -q '^$id-'" 2> /dev/null
echo
[ $failed = 0 ] && echo "demo: all as it should be" || echo "demo: something went wrong, see FAILED above"
exit $failed
