#!/usr/bin/python3
"""smoke.py: does the bench's driver work in weft, and are its counters exact? Asserts no time.

    smoke.py BUILD PLUGIN      (part of make check; some 2 s, no hugepages, no priorities)
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import page  # noqa: E402
import switches  # noqa: E402
from frames import Heads  # noqa: E402


class Quiet:
    quiet = True

    def __init__(self, build, plugin, folder):
        self.bin, self.dir = os.path.abspath(build) + "/bin", folder
        self.plugin = switches.where_eal_looks(plugin)


def expected_sum(path, times):
    """What the driver's sum must be for frames that leave as they came, each `times` times."""
    with open(path, "rb") as f:
        data = f.read()[64:]
    total = 0
    for at in range(0, len(data), 64):
        h = 0xcbf29ce484222325 ^ int.from_bytes(data[at + 60:at + 62], "little")
        for x in data[at:at + 60]:
            h = (h ^ x) * 0x100000001b3 % 2**64
        total += h
    return total * times % 2**64


def half_of_it(case, rng):
    """500 frames that a rule lets through and 500 that none does."""
    passing, lost = (Heads(500, src=0x0a000000 + i * 65536, sport=1024 + i) for i in range(2))
    passing.src = passing.src + cases.np.arange(500, dtype=cases.np.uint64)
    lost.dport = lost.dport + cases.np.uint64(1)
    both = Heads(1000)
    for k in ("src", "dport", "sport"):
        setattr(both, k, cases.np.concatenate((getattr(passing, k), getattr(lost, k))))
    return ["priority=10,udp,tp_dst=2048,actions=output:2", "priority=0,actions=drop"], {0: both}


def run(case, bench, out_of):
    """Sends three passes over the frames; `out_of` of each thousand must leave by port 2, no other by any."""
    case.prepare(bench.dir)
    s = switches.WeftSmallPages(bench, case)
    try:
        s.up()
        p = s.page
        p.load(case.files, s.alive)
        frames = p.port[0].rx.frames
        p.start([0], page.SUM, limit=3 * frames)
        p.wait("all frames to come in", lambda: p.counts().rx[0] == 3 * frames, s.alive)
        want = 3 * frames * out_of // 1000
        p.wait(f"{want} frames to go out", lambda: p.counts().tx[1] >= want, s.alive)
        stats = s.ctl("stats")
        p.stop()
        got = p.counts()
        assert (got.rx[0], got.tx[0], got.tx[1]) == (3 * frames, 0, want), (got.rx, got.tx, stats)
        assert got.nombuf == 0 and got.missed == 0
        assert out_of != 1000 or got.sum == expected_sum(case.files[0], 3), "frames leave otherwise than they came"
        print(f"  {case.title}: {3 * frames} in, {want} out")
    except Exception:
        print(s.tail(), file=sys.stderr)
        raise
    finally:
        s.down()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        bench = Quiet(sys.argv[1], sys.argv[2], folder)
        run(cases.Case("a", "one rule", cases.one_rule("imix")), bench, 1000)
        run(cases.Case("d", "ACL", cases.acl(100, "acl", 1000)), bench, 1000)
        run(cases.Case("x", "half is dropped", half_of_it), bench, 500)


if __name__ == "__main__":
    main()
