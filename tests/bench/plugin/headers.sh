#!/bin/bash
# headers.sh DIR: DPDK's driver headers, which no Debian package ships, from Debian's source package of the
# version installed. Only a handful of files are kept. The machine's own apt sources are left alone.
set -euo pipefail
dir=${1:?"usage: headers.sh DIR"}
wanted="ethdev_driver.h ethdev_vdev.h bus_vdev_driver.h dev_driver.h bus_driver.h"
version=$(dpkg-query -W -f='${source:Version}' libdpdk-dev)
[ "$(cat "$dir/version" 2>/dev/null)" != "$version" ] || exit 0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
cat > "$tmp/src.sources" <<EOF
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
mkdir -p "$tmp/lists/partial"
apt="-qq -o Dir::Etc::sourcelist=$tmp/src.sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=$tmp/lists"
cd "$tmp"
# shellcheck disable=SC2086
if ! { apt-get $apt update && apt-get $apt source --download-only "dpdk=$version"; } > log 2>&1; then
    tail -5 log >&2
    echo "headers.sh: can't fetch the source of dpdk $version; is deb.debian.org within reach?" >&2
    exit 1
fi
files=$(tar -tf dpdk_*.orig.tar.xz | grep -E "/($(echo "$wanted" | tr ' ' '|'))$")
# shellcheck disable=SC2086
tar -xf dpdk_*.orig.tar.xz --strip-components=1 $files
cd - > /dev/null
mkdir -p "$dir"
for h in $wanted; do
    find "$tmp" -name "$h" -exec cp {} "$dir/" \;
done
echo "$version" > "$dir/version"
