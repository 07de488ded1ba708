#!/bin/bash
# run.sh SECONDS NAME...: each fuzz target from its seeds, for a bounded time, two at once.
# New inputs go to build/fuzz/corpus/NAME; a crash stays in build/fuzz/crash-* and fails.
set -euo pipefail
seconds=$1
shift
one() {
    local name=$1 work=build/fuzz/corpus/$1
    mkdir -p "$work" "tests/fuzz/corpus/$name"
    if build/fuzz/bin/"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix=build/fuzz/crash-"$name"- "$work" "tests/fuzz/corpus/$name" \
        > "build/fuzz/$name.log" 2>&1; then
        echo "$name: $(sed -n 's/stat::number_of_executed_units: */runs /p' "build/fuzz/$name.log")"
    else
        tail -40 "build/fuzz/$name.log"
        echo "$name: FAILED; the input is build/fuzz/crash-$name-*"
        return 1
    fi
}
export -f one
export seconds
if printf '%s\n' "$@" | xargs -P2 -I{} bash -c 'one {}'; then
    echo "$# passed, 0 failed"
else
    echo "a fuzz target failed"
    exit 1
fi
