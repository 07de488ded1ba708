"""extras.py: what isn't a rate of frames: installing, memory, time to visible (m), churn (h), latency (l)."""
import os
import statistics
import subprocess
import time

import cases
import ofmsg
import page
import switches
from frames import Heads

LIMIT_S = 8
LOADS = (0.1, 0.5, 0.9)
CHURN_RATES = (1000, 100000)


def ofload(bench, s, path, *words):
    """Runs the client beside the switch; its figures as a dict."""
    p = client(bench, s, path, *words)
    return answer(p)


def client(bench, s, path, *words):
    return subprocess.Popen([bench.ofload, str(s.port), path, *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def answer(p):
    try:
        out, err = p.communicate(timeout=60)
    finally:
        p.kill()
    if p.returncode != 0:
        raise RuntimeError(err.strip())
    got = {}
    for line in out.splitlines():
        key, value = line.split()
        got[key] = value if "/" in value else float(value)
    return got


def nothing(case, rng):
    return ["priority=0,actions=drop"], {0: Heads(64)}


def install_one(bench, name, path, how, group):
    """A fresh switch, so that none profits from what another test left."""
    case = cases.Case("m", "install", nothing)
    case.prepare(bench.dir)
    s = switches_of(bench, name, case)
    try:
        s.up()
        s.normal()
        before = s.rss()
        got = ofload(bench, s, path, how, group, LIMIT_S)
        return {"stopped": got["seconds"] >= LIMIT_S, "rate": got["done"] / got["seconds"], "done": got["done"], "seconds": got["seconds"],
                "bytes": (s.rss() - before) / max(1, got["done"]), "errors": got["errors"], "error": got["first_error"]}
    finally:
        s.down()


def switches_of(bench, name, case):
    return {c.name: c for c in (switches.Weft, switches.WeftSmallPages, switches.Ovs)}[name](bench, case)


INSTALLS = (("l2", 10000, "one", 1), ("acl", 10000, "one", 1), ("acl", 100000, "batch", 1000), ("acl", 100000, "bundle", 1000),
            ("l2", 1000000, "batch", 1000), ("l2", 1000000, "bundle", 10000))


def install(bench, names):
    for kind, n, how, group in INSTALLS:
        path = ofmsg.installs(os.path.join(bench.dir, f"mods-{kind}-{n}"), kind, n)
        got = {name: install_one(bench, name, path, how, group) for name in names}
        title = f"install {cases.k(n)} {kind} rules, {how}" + (f" of {group}" if group > 1 else "")
        yield {"case": "m", "title": title, "kind": "install", "installs": got}, "  ".join(
            f"{name} {g['rate']:.0f}/s {g['bytes']:.0f} B a rule" + (f" (stopped at {g['done']:.0f})" if g["done"] < n else "")
            + (f" REFUSED {g['error']}" if g["errors"] else "") for name, g in got.items())


def visible(bench, names):
    def make(case, rng):
        return ["priority=50,in_port=1,actions=output:2"], {0: Heads(1024)}
    case = cases.Case("m", "time to visible", make, ports=3)
    case.prepare(bench.dir)
    path = ofmsg.toggle(os.path.join(bench.dir, "toggle"))
    got = {}
    for name in names:
        s = switches_of(bench, name, case)
        try:
            s.up()
            s.page.load(case.files, s.alive)
            with s.running():
                s.page.start([0], rate=2000000)
                got[name] = ofload(bench, s, path, "visible", s.page.path, 100)
        finally:
            s.down()
    yield {"case": "m", "title": case.title, "kind": "visible", "visible": got}, "  ".join(
        f"{n} median {g['median_us']:.0f} us, worst {g['max_us']:.0f} us (traffic moved {g['moved']:.0f} of {g['done']:.0f} times)" for n, g in got.items())


def churned():
    """Cases to churn under, and rules like theirs that no frame meets."""
    return ((cases.Case("h", "churn in NORMAL, 10k MACs", cases.normal(10000), ports=3), "l2", 0),
            (cases.Case("h", "churn in exact L2, 10k rules", cases.exact_l2(10000)), "l2", 0),
            (cases.Case("h", "churn in ACL 1k rules, 100k flows", cases.acl(1000, "acl", 100000)), "acl", 0),
            (cases.Case("h", "churn in four tables, 1k flows", cases.four_tables(1000)), "acl", 1))


def churn_turn(bench, s, case, path, rate):
    if not rate:
        return bench.turn(s, case, bench.args.seconds), 0
    p = client(bench, s, path, "churn", rate, case.warm_s + bench.args.seconds + 0.3)
    time.sleep(0.15)
    turn = bench.turn(s, case, bench.args.seconds)
    got = answer(p)
    return turn, got["done"] / got["seconds"]


def churn(bench, names):
    for case, kind, table in churned():
        case.prepare(bench.dir)
        path = ofmsg.churn(os.path.join(bench.dir, f"churn-{kind}-{table}"), kind, table)
        bench.take_down()
        bench.bring_up(names, case)
        got = {}
        for _ in range(bench.args.rounds):
            for s in bench.up:
                for rate in (0, *CHURN_RATES):
                    got.setdefault((s.name, rate), []).append(churn_turn(bench, s, case, path, rate))
        bench.take_down()
        out = {}
        for (name, rate), turns in got.items():
            out.setdefault(name, {})[rate] = {"mpps": statistics.median(t["mpps"] for t, _ in turns),
                                              "achieved": statistics.median(a for _, a in turns)}
        yield {"case": "h", "title": case.title, "kind": "churn", "churn": out}, "  ".join(
            f"{n} " + ", ".join(f"{v['mpps']:.2f} at {v['achieved']:.0f}/s" if r else f"{v['mpps']:.2f} quiet" for r, v in o.items())
            for n, o in out.items())


def latency_turn(bench, s, case, rate):
    p = s.page
    with s.running():
        p.start(list(case.files), page.LATENCY, rate)
        time.sleep(0.1)
        p.clear_hist()
        time.sleep(bench.args.seconds)
    p.stop()
    return p.latency_ns((0.5, 0.99, 0.999))


def latency(bench, names):
    """Of each at 10, 50 and 90 % of its own rate; the best round, for what the machine adds is none of theirs."""
    for case in (cases.Case("l", "one rule", cases.one_rule("64")),
                 cases.Case("l", "ACL 1k rules, 1k flows", cases.acl(1000, "acl", 1000))):
        case.prepare(bench.dir)
        bench.take_down()
        bench.bring_up([n for n in names if n != "testpmd"], case)
        out, case.flags = {}, page.LATENCY
        for s in bench.up:
            full = max(bench.turn(s, case, bench.args.seconds)["mpps"] for _ in range(2)) * 1e6
            out[s.name] = {load: min(latency_turn(bench, s, case, int(full * load)) for _ in range(bench.args.rounds))
                           for load in LOADS}
        bench.take_down()
        yield {"case": "l", "title": case.title, "kind": "latency", "latency": out}, "  ".join(
            f"{n} " + ", ".join(f"{load:.0%}: {'/'.join(f'{x / 1000:.1f}' for x in v)}" for load, v in o.items())
            for n, o in out.items()) + "  (us: median/99 %/99.9 % by load)"


def run(bench, letters, names):
    """Yields (result, line) of what is asked for."""
    two = [n for n in names if n in ("weft", "ovs")]
    for letter, part in (("l", latency), ("h", churn), ("m", visible), ("m", install)):
        if letters and letter not in letters:
            continue
        try:
            yield from part(bench, two)
        except (RuntimeError, OSError, subprocess.SubprocessError) as e:
            bench.take_down()
            yield {"case": letter, "title": part.__name__, "failed": str(e)}, f"FAILED: {e}"
