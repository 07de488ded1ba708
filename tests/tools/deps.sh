#!/bin/bash
# deps.sh: installs the Debian packages that are missing, quietly, by name.
#   deps.sh build|check|demo|bench|fuzz ...   (build is always included)
# Nothing happens, and apt is not asked, when all are there.
set -euo pipefail

build="gcc make pkg-config libc6-dev libdpdk-dev libpcap-dev libnl-3-dev libnl-route-3-dev
 libcmocka-dev libevent-dev libssl-dev libcyaml-dev libyaml-dev libjansson-dev"
demo="iproute2 iputils-ping iperf3 python3"
fuzz="clang"
check="$demo $fuzz clang-format-14 codespell python3-scapy python3-pytest python3-os-ken python3-webob
 openvswitch-switch openvswitch-testcontroller keepalived frr tshark tcpdump ethtool arping procps
 qemu-system-x86 linux-image-cloud-amd64 busybox-static cpio python3-numpy"
bench="$demo openvswitch-switch openvswitch-switch-dpdk dpdk python3-numpy"

wanted=$build
for group in "$@"; do
    case $group in
    build) ;;
    demo) wanted+=" $demo" ;;
    check) wanted+=" $check" ;;
    bench) wanted+=" $bench" ;;
    fuzz) wanted+=" $fuzz" ;;
    *) echo "deps.sh: no package group '$group'; give build, demo, check, bench or fuzz" >&2; exit 2 ;;
    esac
done

missing=()
for p in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "deps: missing packages; as root run: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services that packages start by themselves (Open vSwitch's) would get in the tests' way.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"
    trap 'rm -f "$log" "$policy"' EXIT
fi
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -20 "$log" >&2
    echo "deps: apt-get failed; see above" >&2
    exit 1
fi
