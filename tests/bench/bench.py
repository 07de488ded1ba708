#!/usr/bin/python3
"""bench.py: weft beside Open vSwitch on DPDK and testpmd: same core, same frames, same rules, in turns.

    bench.py [--cases a,b,d] [--match TEXT] [--rounds 3] [--seconds 0.6] [--json FILE]
             [--with weft,weft-4k,ovs,testpmd] [--all]

Every figure is a median of rounds; a round gives each contender its turn. Rates are of frames that left the switch,
a second of the polling thread's time (the time it was ready to run but others had its CPU is taken off).
"""
import argparse
import ctypes
import json
import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # noqa: E402
import extras  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402
import switches  # noqa: E402

CONTENDERS = {c.name: c for c in (switches.Weft, switches.WeftSmallPages, switches.Ovs, switches.Testpmd)}
HUGEPAGES = 1664
LEARN_RATE = 100000
CHECKED = 20000


class Bench:
    quiet = False  # no priorities and pinning: for a test that asserts no time

    def __init__(self, args):
        self.args = args
        self.up, self.up_for = [], None
        self.bin = os.path.join(os.path.abspath(args.build), "bin")
        self.plugin = switches.where_eal_looks(args.plugin)
        self.ofload = os.path.join(os.path.dirname(os.path.abspath(args.plugin)), "ofload")
        self.dir = os.path.abspath(args.folder)
        os.makedirs(self.dir, mode=0o755, exist_ok=True)

    def turn(self, s, case, seconds, rates=None):
        """One measurement, in Mpps."""
        p, ports = s.page, [*case.files, *(rates or {})]
        with s.running():
            p.start(ports, case.flags, rates or 0)
            time.sleep(case.warm_s)
            before, t0, w0 = p.counts(), time.monotonic(), s.waited_s()
            time.sleep(seconds)
            after, t1, w1 = p.counts(), time.monotonic(), s.waited_s()
        wall, stolen = t1 - t0, min(w1 - w0, (t1 - t0) * 0.98)
        sent, got = sum(after.tx) - sum(before.tx), sum(after.rx) - sum(before.rx)
        # A flooded frame leaves more than once and counts once.
        return {"mpps": min(sent, got) / (wall - stolen) / 1e6, "in_mpps": got / (wall - stolen) / 1e6, "stolen": stolen / wall,
                "wall_mpps": sent / wall / 1e6}

    def attack(self, s, case):
        """The victim's rate beside as many benign frames as hostile ones: {phase: turn}."""
        out = {}
        for phase, files in case.phases.items():
            s.page.load(files, s.alive)
            out[phase] = self.turn(s, case, self.args.seconds, {n: cases.ATTACK_RATE for n in files})
        return out

    def check(self, s, case):
        """The beginning of the frames, at leisure: what came out, for comparison between switches."""
        p, ports = s.page, list(case.files)
        before = p.counts()
        limit = min(CHECKED, *(p.port[n].rx.frames for n in ports))
        wanted = sum(before.rx) + limit * len(ports)
        with s.running():
            p.start(ports, case.flags | page.SUM | page.PATIENT, rate=LEARN_RATE // 4 if case.ports > 2 else 0, limit=limit)
            got = self.settle(p, wanted)
        return {"in": sum(got.rx) - sum(before.rx), "out": sum(got.tx) - sum(before.tx),
                "sum": (got.sum - before.sum) % 2**64}

    @staticmethod
    def settle(p, wanted, seconds=10):
        """Counts once all came in and nothing more goes out."""
        end, last, same = time.monotonic() + seconds, None, 0
        while time.monotonic() < end:
            time.sleep(0.02)
            now = p.counts()
            same = same + 1 if last and now.tx == last.tx else 0
            last = now
            if sum(now.rx) >= wanted and same >= 3:
                break
        return last

    def learn(self, s, case):
        """Every frame once, slowly, again until none is flooded (a frame for a MAC not yet learnt leaves twice)."""
        p, ports = s.page, list(case.files)
        limit = p.port[0].rx.frames
        for _ in range(6):
            before = p.counts()
            with s.running():
                p.start(ports, page.PATIENT, rate=LEARN_RATE, limit=limit)
                got = self.settle(p, sum(before.rx) + limit * len(ports), 5 + 2 * limit / LEARN_RATE)
            if sum(got.tx) - sum(before.tx) == sum(got.rx) - sum(before.rx):
                break

    def bring_up(self, names, case):
        """The switches with the case's rules and frames; those of the last case when only the frames differ."""
        if case.setup() != self.up_for:
            self.take_down()
            self.up_for = case.setup()
            for name in names:
                s = CONTENDERS[name](self, case)
                self.up.append(s)
                s.up()
        for s in self.up:
            s.case = case
            s.forget()
            s.page.load(case.files, s.alive)
            if case.learn and s.name != "testpmd":
                self.learn(s, case)

    def take_down(self):
        for s in self.up:
            s.down()
        self.up, self.up_for = [], None

    def measure(self, case, names):
        try:
            self.bring_up([n for n in names if case.kind != "attack" or n != "testpmd"], case)
            checks = {s.name: self.check(s, case) for s in self.up if s.name != "testpmd"}
            got = {}
            for _ in range(self.args.rounds):
                for s in self.up:
                    for name, turn in self.turns(s, case):
                        got.setdefault(name, []).append(turn)
        except Exception:
            self.take_down()
            raise
        if self.args.raw:
            for k, v in got.items():
                print(f"      {k:14}", *(f"{t['mpps']:.2f}({t['stolen']:.0%})" for t in v))
        return self.sum_up(case, got, checks)

    def turns(self, s, case):
        if case.kind == "attack":
            for phase, turn in self.attack(s, case).items():
                yield (s.name if phase == "attack" else f"{s.name} {phase}"), turn
            return
        for mode in getattr(s, "modes", (None,)):
            if mode:
                s.mode(mode)
            yield mode or s.name, self.turn(s, case, self.args.seconds)

    @staticmethod
    def sum_up(case, got, checks):
        out = {"case": case.letter, "title": case.title, "kind": case.kind, "rules": case.n_rules, "masks": case.masks, "checks": checks,
               "rates": {}}
        for name, turns in got.items():
            r = sorted(t["mpps"] for t in turns)
            out["rates"][name] = {"mpps": statistics.median(r), "min": r[0], "max": r[-1],
                                  "stolen": max(t["stolen"] for t in turns),
                                  "in_mpps": statistics.median(t["in_mpps"] for t in turns)}
        return out


def options():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--cases", default="")
    a.add_argument("--match", default="")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=float, default=0.6)
    a.add_argument("--with", dest="names", default=",".join(CONTENDERS))
    a.add_argument("--all", action="store_true", help="the cases too that are left out for time")
    a.add_argument("--raw", action="store_true", help="every turn's rate, and what part of the CPU others took")
    a.add_argument("--build", default="build/release")
    a.add_argument("--plugin", default="build/bench/weftgen.so")
    a.add_argument("--folder", default="build/bench/run")
    a.add_argument("--json")
    return a.parse_args()


def chosen(args):
    letters = [x for x in args.cases.split(",") if x]
    for c in cases.all_cases():
        if (not letters or c.letter in letters) and args.match in c.title and (args.all or c.quick or args.match):
            yield c


def alone():
    """A network namespace of our own: two Open vSwitches in one would fight for a device name."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare of the network namespace")
    switches.run("ip", "link", "set", "lo", "up")


def first_in_line():
    """Others may work on the machine: a scheduling group of our own, that goes before theirs."""
    try:
        os.setsid()
    except PermissionError:
        pass  # leads a group already
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as f:
            f.write("-19")
    except OSError:
        pass  # no such thing here: nice alone then


def save(args, results):
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"machine": report.machine(), "results": results}, f, indent=1)


def run_cases(bench, args, names, results):
    for case in chosen(args):
        try:
            case.prepare(bench.dir)
            results.append(bench.measure(case, names))
            print(report.line(results[-1]), flush=True)
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            print(f"{case.letter}  {case.title}: FAILED: {e}", flush=True)
            results.append({"case": case.letter, "title": case.title, "failed": str(e)})
        save(args, results)
    bench.take_down()
    if args.match:
        return
    for result, text in extras.run(bench, [x for x in args.cases.split(",") if x], names):
        print(f"{result['case']}  {result['title']:<36} {text}", flush=True)
        results.append(result)
        save(args, results)


def main():
    args = options()
    if os.geteuid() != 0:
        sys.exit("bench: needs root (hugepages, priorities, Open vSwitch)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, {switches.HOME_CPU})
    first_in_line()
    alone()
    bench, results = Bench(args), []
    with switches.Hugepages(HUGEPAGES):
        try:
            run_cases(bench, args, [n for n in args.names.split(",") if n], results)
        finally:
            bench.take_down()
    return any("failed" in r for r in results)


if __name__ == "__main__":
    sys.exit(main())
