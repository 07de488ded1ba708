#!/usr/bin/python3
"""lint.py: the rules of the house that a compiler does not know.

    lint.py [BUILD_DIR]     (build/release by default; its objects are read by nm)

Arrows between rooms, purity of the engines, no mutable globals, sizes of files
and functions, nesting, headers that open with an essay, format, spelling. Every
complaint names file, line, what is there and what the limit is.
"""
import os
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES, NESTING = 600, 60, 3

# Who may include whom: DESIGN.md section 2. A room may always include itself and base.
ARROWS = {
    "base": [],
    "lacp": [], "stp": [], "vrrp": [], "vxlan": [],
    "ofproto/wire": [],
    "ofproto/model": ["ofproto/wire"],
    "ofproto/session": ["ofproto/wire", "ofproto/model"],
    "datapath": ["vxlan"],
    "ofproto/compile": ["ofproto/wire", "ofproto/model", "datapath"],
    "control": ["lacp", "stp", "vrrp", "vxlan", "datapath", "ofproto/wire", "ofproto/model",
                "ofproto/session", "ofproto/compile"],
    "tests": ["*"],
}
PURE = ["base", "lacp", "stp", "vrrp", "vxlan", "ofproto/wire", "ofproto/model", "ofproto/session"]

# Pure files in a room that isn't: an engine that control owns.
PURE_FILES = ("control/neigh", "control/announce")

# libc that computes, and nothing that waits, talks, or knows the time.
PURE_SYMBOLS = re.compile(
    r"^(mem(cpy|move|set|cmp|chr|mem)|str\w+|__str\w+|malloc|calloc|realloc|reallocarray|free|qsort(_r)?|bsearch|"
    r"v?snprintf|__v?snprintf_chk|__mem\w+_chk|__isoc99_sscanf|sscanf|inet_[pn]to[pn]|"
    r"is(alnum|alpha|digit|space|xdigit|print)|to(lower|upper)|__ctype_\w+|__errno_location|"
    r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|abs|labs)$")
# The assert prints and aborts; nothing else in base may.
PURE_EXCEPTIONS = {"base/assert": {"stderr", "fprintf", "abort", "__fprintf_chk"}}
GLOBAL_EXCEPTIONS = {
    "datapath/eal": "EAL is per process: DPDK's state, not ours",
    "datapath/port_vhost": "librte_vhost's callbacks know a socket path, not a port",
}

complaints = []


def complain(where, what):
    complaints.append(f"{where}: {what}")


def sources():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"], check=True,
                         capture_output=True, text=True).stdout.split()
    return sorted(f for f in set(out) if os.path.exists(f))


def room_of(path):
    for room in sorted(ARROWS, key=len, reverse=True):
        if path.startswith(room + "/"):
            return room
    return None


def check_arrows(path, lines):
    room = room_of(path)
    if room is None:
        return complain(path, "is in no room; see DESIGN.md section 2")
    for number, line in enumerate(lines, 1):
        m = re.match(r'#include "([^"]+)"', line)
        if not m:
            continue
        target = room_of(m.group(1))
        allowed = ARROWS[room]
        if target is None:
            complain(f"{path}:{number}", f'"{m.group(1)}": include by path from the top, as "room/file.h"')
        elif target not in (room, "base") and "*" not in allowed and target not in allowed:
            complain(f"{path}:{number}", f"{room} may not include {target}")


def check_sizes(path, lines):
    if len(lines) > FILE_LINES:
        complain(path, f"{len(lines)} lines; {FILE_LINES} at most: split by noun")
    start = name = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES:
                complain(f"{path}:{start}", f"a function of {number - start - 1} lines; {FUNCTION_LINES} at most")
            start = None
        if start is None:
            continue
        m = re.match(r"( +)(?:} )?(if|for|while|switch|do|else)\b", line)
        if m and len(m.group(1)) % 4 == 0 and len(m.group(1)) // 4 > NESTING:
            complain(f"{path}:{number}", f"nesting of {len(m.group(1)) // 4}; {NESTING} at most")


def check_header(path, lines):
    if not path.endswith(".h") or path.startswith("tests/"):
        return
    if not lines or not lines[0].startswith(f"/* {path}:"):
        complain(f"{path}:1", f'a header opens with its essay: "/* {path}: ..."')


def nm(args, obj):
    out = subprocess.run(["nm", *args, obj], capture_output=True, text=True).stdout
    return [line.split() for line in out.splitlines() if line.strip()]


def check_objects(build):
    objects = {}
    for folder, _, files in os.walk(build):
        for f in files:
            if f.endswith(".o"):
                path = os.path.relpath(os.path.join(folder, f), build)[:-2]
                if os.path.exists(path + ".c") and not path.startswith("tests/"):
                    objects[path] = os.path.join(folder, f)
    if not objects:
        complain(build, "no objects to read; build first (make all)")
    pure = {p: o for p, o in objects.items() if room_of(p + ".c") in PURE or p.startswith(PURE_FILES)}
    defined = {s[-1] for o in pure.values() for s in nm(["--defined-only"], o)}
    for path, obj in sorted(pure.items()):
        for entry in nm(["-u"], obj):
            symbol = entry[-1].split("@")[0]
            if symbol not in defined and not PURE_SYMBOLS.match(symbol) \
                    and symbol not in PURE_EXCEPTIONS.get(path, ()):
                complain(path + ".c", f"calls {symbol}(): {path if path.startswith(PURE_FILES) else room_of(path + '.c')} is pure")
    for path, obj in sorted(objects.items()):
        if path.startswith("control/cmd/") or path in GLOBAL_EXCEPTIONS:
            continue
        for entry in nm(["--defined-only"], obj):
            if len(entry) == 3 and entry[1] in "bBdDsSgG" and not entry[2].startswith(("__func__", ".")):
                if not is_relro(obj, entry[2]):
                    complain(path + ".c", f"mutable global '{entry[2].split('.')[0]}': the switch is a value")


def is_relro(obj, symbol):
    """const data with pointers in it lies in .data.rel.ro: written by the loader only."""
    out = subprocess.run(["objdump", "-t", obj], capture_output=True, text=True).stdout
    return any(line.endswith(" " + symbol) and ".data.rel.ro" in line for line in out.splitlines())


def check_format(files):
    p = subprocess.run(["clang-format-14", "--dry-run", "--Werror", "--ferror-limit=1", *files],
                       capture_output=True, text=True)
    for line in p.stderr.splitlines():
        if ": error:" in line:
            complain(line.split(": error:")[0], "not as clang-format-14 writes it; run make format")


def check_spelling():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", "*.c", "*.h", "*.md", "*.py", "*.sh",
                            "*.yaml", "Makefile"], capture_output=True, text=True).stdout.split()
    files = [f for f in files if os.path.exists(f)]
    p = subprocess.run(["codespell", "--ignore-words", "tests/lint/words.txt", *files],
                       capture_output=True, text=True)
    for line in p.stdout.splitlines():
        complain(line.split(": ")[0], "spelling: " + line.split(": ", 1)[-1])


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
    files = sources()
    for path in files:
        with open(path) as f:
            lines = f.read().splitlines()
        check_arrows(path, lines)
        check_sizes(path, lines)
        check_header(path, lines)
    check_objects(build)
    check_format(files)
    check_spelling()
    for c in complaints:
        print(c)
    print(f"lint: {len(files)} files, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
