#!/bin/bash
# run.sh WEFT_REPLAY PCAPS: every scenario below PCAPS, in one process.
set -euo pipefail
mapfile -t scenarios < <(find "$2" -mindepth 2 -maxdepth 2 -name config.yaml -printf '%h\n' | sort)
[ ${#scenarios[@]} -gt 0 ] || { echo "run.sh: no scenario in $2" >&2; exit 1; }
exec "$1" "${scenarios[@]}"
