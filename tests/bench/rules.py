"""rules.py: rule sets as ovs-ofctl's flow lines, and frames that meet them.

An ACL is drawn in the manner of ClassBench's three families: first some dozens of masks (pairs of prefix
lengths with protocol and ports given or not) by the family's distribution, then rules that choose a mask by a
skewed law, from networks that lie within one another. Ranges of ports are left out: OpenFlow 1.3 has none.
"""
import numpy as np

from frames import Heads

MASKS = {100: 20, 1000: 60, 10000: 120, 100000: 200}
WELL_KNOWN = (80, 443, 53, 22, 25, 110, 143, 993, 123, 161, 389, 636, 3306, 5432, 6379, 8080, 8443, 9200)

# Prefix lengths with weights for source and destination; how often a protocol and the ports are given.
STYLES = {
    "acl": {"src": {0: 25, 8: 2, 16: 6, 20: 5, 22: 5, 24: 20, 26: 5, 28: 6, 30: 4, 32: 22},
            "dst": {0: 2, 16: 4, 20: 4, 22: 5, 24: 28, 26: 6, 28: 6, 30: 5, 32: 40},
            "proto": 0.9, "sport": 0.02, "dport": 0.7},
    "fw": {"src": {0: 45, 8: 3, 16: 8, 20: 4, 24: 12, 28: 6, 32: 22},
           "dst": {0: 25, 8: 2, 16: 5, 20: 4, 24: 14, 28: 8, 32: 42},
           "proto": 0.85, "sport": 0.15, "dport": 0.55},
    "ipc": {"src": {0: 15, 8: 6, 12: 3, 16: 12, 20: 6, 24: 18, 28: 8, 32: 32},
            "dst": {0: 12, 8: 6, 12: 3, 16: 10, 20: 6, 24: 20, 28: 9, 32: 34},
            "proto": 0.75, "sport": 0.1, "dport": 0.4},
}
FIELDS = ("src", "dst", "proto", "sport", "dport")


def prefix_mask(length):
    length = np.asarray(length, dtype=np.uint64)
    return (np.uint64(0xffffffff) << (np.uint64(32) - length)) & np.uint64(0xffffffff)


def draw_masks(rng, style, n):
    """n different (src length, dst length, proto?, sport?, dport?)."""
    s, seen = STYLES[style], []
    weights = [(list(s[k]), np.array(list(s[k].values())) / sum(s[k].values())) for k in ("src", "dst")]
    while len(seen) < n:
        proto = rng.random() < s["proto"]
        m = (*(int(rng.choice(v, p=w)) for v, w in weights), proto, proto and rng.random() < s["sport"],
             proto and rng.random() < s["dport"])
        if m not in seen and sum(m[:2]) >= 16:
            seen.append(m)
    return seen


class Acl:
    """n rules as arrays of (value, mask) by field, most specific first."""

    def __init__(self, n, style="acl", seed=1):
        rng = np.random.default_rng(seed)
        masks = np.array(draw_masks(rng, style, MASKS.get(n, 60)), dtype=np.uint64)
        many = n * 3 + 100
        weight = 1 / (np.arange(len(masks)) + 4)
        # A narrow mask holds few rules; the first come from every mask, so that none goes missing.
        which = np.concatenate((np.arange(len(masks)), rng.choice(len(masks), size=many, p=weight / weight.sum())))
        m = masks[which]
        mask = np.stack((prefix_mask(m[:, 0]), prefix_mask(m[:, 1]), m[:, 2] * np.uint64(255),
                         m[:, 3] * np.uint64(65535), m[:, 4] * np.uint64(65535)), axis=1)
        value = self.values(rng, len(which)) & mask
        both = np.concatenate((value, mask), axis=1)
        _, first = np.unique(both, axis=0, return_index=True)
        keep = np.sort(first)[:n]
        if len(keep) < n:
            raise ValueError(f"{style}: only {len(keep)} different rules of {n}")
        keep = keep[np.argsort(-m[keep, :2].sum(axis=1).astype(np.int64) + rng.integers(-4, 5, len(keep)), kind="stable")]
        self.n, self.value, self.mask = n, value[keep], mask[keep]
        self.masks = len(np.unique(self.mask, axis=0))

    @staticmethod
    def values(rng, n):
        def net():
            a = 0x0a000000 | rng.integers(0, 48, n) << 16 | rng.integers(0, 256, n) << 8 | rng.integers(0, 256, n)
            far = rng.random(n) < 0.15
            return np.where(far, rng.integers(0x0b000000, 0xdf000000, n), a).astype(np.uint64)

        def port():
            known = rng.choice(WELL_KNOWN, n)
            return np.where(rng.random(n) < 0.5, known, rng.integers(1, 65536, n)).astype(np.uint64)
        proto = np.where(rng.random(n) < 0.7, 6, 17).astype(np.uint64)
        return np.stack((net(), net(), proto, port(), port()), axis=1)

    def lines(self, action="output:2", table=0, rest="drop"):
        """ovs-ofctl lines; every rule of a priority of its own, as far as 16 bits go."""
        out = []
        step = max(1, -(-self.n // 60000))
        for i in range(self.n):
            v, m = self.value[i].tolist(), self.mask[i].tolist()
            words = [f"table={table}", f"priority={65000 - i // step}", {6: "tcp", 17: "udp"}.get(v[2], "ip")]
            for k, name in ((0, "nw_src"), (1, "nw_dst")):
                if m[k]:
                    a = v[k]
                    words.append(f"{name}={a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}/{m[k].bit_count()}")
            for k, name in ((3, "tp_src"), (4, "tp_dst")):
                if m[k]:
                    words.append(f"{name}={v[k]}")
            out.append(",".join(words) + f",actions={action}")
        out.append(f"table={table},priority=0,actions={rest}")
        return out

    def flows(self, rng, n, **heads):
        """n flows, each of which meets some rule; what the rule leaves open is drawn at random."""
        which = np.concatenate((rng.permutation(self.n)[:n], rng.integers(0, self.n, max(0, n - self.n))))
        v, m = self.value[which], self.mask[which]
        free = np.stack((rng.integers(0x01000000, 0xdf000000, n), rng.integers(0x01000000, 0xdf000000, n),
                         np.where(rng.random(n) < 0.7, 6, 17), rng.integers(1024, 65536, n),
                         rng.integers(1, 65536, n)), axis=1).astype(np.uint64)
        f = v | (free & ~m)
        return Heads(n, src=f[:, 0], dst=f[:, 1], proto=f[:, 2], sport=f[:, 3], dport=f[:, 4], **heads)


def write_lines(path, lines):
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return path
