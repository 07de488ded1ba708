#!/usr/bin/python3
"""run.py: runs the stages of `make check`, shows one line each, and counts.

    run.py STAGE COMMAND [STAGE COMMAND ...]

A stage's COMMAND is a shell line. Its output goes to build/check/STAGE.log and is
shown only when it fails. Tests inside are counted from the runners' own
closing lines (cmocka, pytest, "N passed, N failed"). Exit status 1 if any stage failed;
all stages are run in any case.
"""
import os
import re
import subprocess
import sys
import time

LOGS = "build/check"
PATTERNS = [
    (re.compile(r"\[  PASSED  \] (\d+) test"), 1),
    (re.compile(r"\[  FAILED  \] (\d+) test"), -1),
    (re.compile(r"\b(\d+) passed\b"), 1),
    (re.compile(r"\b(\d+) failed\b"), -1),
]


def count(log):
    passed = failed = 0
    with open(log, errors="replace") as f:
        for line in f:
            for pattern, sign in PATTERNS:
                m = pattern.search(line)
                if m and sign > 0:
                    passed += int(m.group(1))
                elif m:
                    failed += int(m.group(1))
    return passed, failed


def run(stage, command):
    log = os.path.join(LOGS, stage.replace(" ", "-") + ".log")
    print(f"  {stage:<18} ...", end="", flush=True)
    start = time.monotonic()
    with open(log, "w") as out:
        status = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT).returncode
    passed, failed = count(log)
    if status == 0 and failed:
        status = 1
    if status != 0 and not failed:
        failed = 1
    word = "ok" if status == 0 else f"FAILED (exit {status}, see {log})"
    print(f"\r  {stage:<18} {word:<8} {passed:5d} tests {time.monotonic() - start:7.1f} s", flush=True)
    if status != 0:
        with open(log, errors="replace") as f:
            lines = f.readlines()
        print("".join("    | " + line for line in lines[-60:]), flush=True)
    return passed if passed or failed else 1, failed


def main():
    os.makedirs(LOGS, exist_ok=True)
    args = sys.argv[1:]
    start = time.monotonic()
    passed = failed = 0
    for stage, command in zip(args[::2], args[1::2]):
        p, f = run(stage, command)
        passed += p
        failed += f
    print(f"  all in {time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
