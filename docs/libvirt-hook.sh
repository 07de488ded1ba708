#!/bin/bash
# libvirt-hook.sh: for /etc/libvirt/hooks/qemu: weft's ports follow libvirt's domains.
#
# Called as: qemu GUEST OPERATION SUB-OPERATION EXTRA < domain XML. Each vhostuser interface of the domain
# has a port named as its socket (without .sock), in bridge BRIDGE (br0), with the interface's MAC.
# What else is bound to it (ip=, vni=, tag=) is in /etc/weft/vms/PORT, one line of weftctl's KEY=VALUEs; for a
# migration it comes by `weftctl port handover` instead, if MIGRATE_FROM says from where.
set -u
guest=$1 operation=$2 sub=$3
bridge=${BRIDGE:-br0}
xml=$(cat)

# SOCKET MAC of each interface
interfaces() {
    python3 -c '
import sys, xml.etree.ElementTree as x
for i in x.fromstring(sys.stdin.read()).iter("interface"):
    if i.get("type") == "vhostuser":
        print(i.find("source").get("path"), i.find("mac").get("address"))' <<< "$xml"
}

interfaces | while read -r socket mac; do
    port=$(basename "$socket" .sock)
    case $operation/$sub in
    prepare/begin | migrate/begin) # before QEMU: on the destination of a migration, too
        keys=$(cat "/etc/weft/vms/$port" 2> /dev/null)
        weftctl port add "$bridge" "$port" type=vhost-user path="$socket" macs="$mac" \
            activation="$([ "$operation" = migrate ] && echo rarp || echo immediate)" $keys >&2
        if [ "$operation" = migrate ] && [ -n "${MIGRATE_FROM:-}" ]; then
            ssh "$MIGRATE_FROM" weftctl port handover export "$port" | weftctl port handover import "$port" >&2
        fi
        ;;
    release/end) # it has stopped, or left: late frames follow it for some seconds first
        (sleep "${REDIRECT_S:-5}"; weftctl port del "$port") > /dev/null 2>&1 &
        ;;
    esac
done
# A migration asks for the domain's XML back.
[ "$operation" = migrate ] && printf '%s' "$xml"
exit 0
