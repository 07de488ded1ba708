"""cases.py: what is measured. A case is rules, frames for each port, and how the bridge is set up.

Every case belongs to one of the issue's letters. Files go to the bench's folder and are made once a run.
"""
import os

import numpy as np

import frames
import rules
from frames import Heads

SEED = 20261121


class Case:
    def __init__(self, letter, title, make, quick=True, **kw):
        self.letter, self.title, self.make, self.quick = letter, title, make, quick
        self.name = f"{letter}-{title}".replace(" ", "-").replace(",", "").replace(":", "")
        self.ports, self.macs, self.mtu, self.mbuf_bytes = 2, 8192, 1500, 2176
        self.learn = False    # MACs must be learnt before measuring
        self.flags = 0
        self.warm_s = 0.3
        self.rules, self.files, self.masks = None, {}, 0
        self.__dict__.update(kw)

    def prepare(self, folder):
        """Writes rules and frames: .rules, .files = {port: path}."""
        where = os.path.join(folder, self.name)
        os.makedirs(where, exist_ok=True)
        lines, heads = self.make(self, np.random.default_rng(SEED))
        self.rules = rules.write_lines(os.path.join(where, "rules"), lines)
        self.n_rules = len(lines)
        self.files = {n: h.write(os.path.join(where, f"frames{n}")) for n, h in heads.items()}


def with_lengths(heads, rng, sizes):
    if sizes == "imix":
        heads.length = frames.imix(rng, heads.n)
    return heads


def one_rule(sizes):
    def make(case, rng):
        h = Heads(1024, src=0x0a000000 + np.arange(1024), dst=0x0a010000 + rng.permutation(1024))
        return ["in_port=1,actions=output:2"], {0: with_lengths(h, rng, sizes)}
    return make


def normal(n, peers=1):
    """n stations, half at each side, each talks to `peers` at the other: frames both ways, so that all are learnt.
    A third port shows frames that are still flooded."""
    def make(case, rng):
        pairs = max(1, n // 2)
        a, b = frames.MAC_LOCAL + 0x10000 + np.arange(pairs), frames.MAC_LOCAL + 0x1000000 + rng.permutation(pairs)
        a, b = np.tile(a, peers), np.concatenate([np.roll(b, 7 * i) for i in range(peers)])
        ip = np.arange(pairs * peers)
        pairs *= peers
        there = Heads(pairs, dl_src=a, dl_dst=b, src=0x0a000000 + ip, dst=0x0b000000 + ip)
        back = Heads(pairs, dl_src=b, dl_dst=a, src=0x0b000000 + ip, dst=0x0a000000 + ip)
        order = rng.permutation(pairs)
        case.learn = True
        case.macs = max(8192, 4 * n)
        return ["actions=normal"], {0: there.pick(order), 1: back.pick(rng.permutation(order))}
    return make


def exact_l2(n):
    """Rules on both MACs and the port they come in by; a frame for each."""
    def make(case, rng):
        a, b = frames.MAC_LOCAL + 0x10000 + np.arange(n), frames.MAC_LOCAL + 0x1000000 + rng.permutation(n)
        lines = [f"priority=100,in_port=1,dl_src={mac(x)},dl_dst={mac(y)},actions=output:2" for x, y in zip(a, b)]
        h = Heads(n, dl_src=a, dl_dst=b, src=0x0a000000 + np.arange(n))
        return lines + ["priority=0,actions=drop"], {0: h.pick(rng.permutation(n))}
    return make


def mac(n):
    s = f"{int(n):012x}"
    return ":".join(s[i:i + 2] for i in range(0, 12, 2))


def acl(n, style, flows, how="uniform", sizes="64"):
    def make(case, rng):
        a = rules.Acl(n, style)
        case.masks = a.masks
        h = a.flows(rng, flows).pick(frames.sequence(rng, flows, how))
        return a.lines(), {0: with_lengths(h, rng, sizes)}
    return make


def k(n):
    return f"{n // 1000000}M" if n >= 1000000 else f"{n // 1000}k" if n >= 1000 else str(n)


def all_cases():
    c = [Case("a", "one rule", one_rule("64")), Case("a", "one rule, IMIX", one_rule("imix"), quick=False)]
    c += [Case("b", f"NORMAL, {k(n)} MACs", normal(n), ports=3) for n in (2, 1000, 10000, 100000)]
    c += [Case("b", "NORMAL, 1k MACs, 10k pairs", normal(1000, 10), ports=3)]
    c += [Case("c", "exact L2, 10k rules", exact_l2(10000))]
    for n in (100, 1000, 10000, 100000):
        for flows in (1000, 100000, 1000000):
            c += [Case("d", f"ACL {k(n)} rules acl, {k(flows)} flows", acl(n, "acl", flows))]
    for style in ("fw", "ipc"):
        for n in (1000, 10000, 100000):
            c += [Case("d", f"ACL {k(n)} rules {style}, 1M flows", acl(n, style, 1000000))]
    c += [Case("d", "ACL 10k rules acl, 1M flows Zipf", acl(10000, "acl", 1000000, "zipf")),
          Case("d", "ACL 1k rules acl, 100k flows, IMIX", acl(1000, "acl", 100000, sizes="imix"), quick=False)]
    return c
