"""frames.py: frames by the million, as arrays; written in the format of plugin/page.h.

A `Heads` is a table of frames: one numpy array a field. Nothing here knows a rule.
"""
import struct

import numpy as np

STRIDE = 64
MIN = 60  # a 64-byte frame without its FCS
SPORT_OFFSET = 34
IMIX = (60, 590, 1514)  # 7:4:1, without FCS
MAC_LOCAL = 0x020000000000


def be(values, size):
    """Each value's `size` low bytes, most significant first: an (n, size) array."""
    v = np.asarray(values, dtype=np.uint64)
    shifts = np.arange(8 * (size - 1), -1, -8, dtype=np.uint64)
    return (v[:, None] >> shifts & np.uint64(255)).astype(np.uint8)


class Heads:
    """n IPv4 frames; every field is an array of n or one value for all."""

    def __init__(self, n, dl_src=MAC_LOCAL + 1, dl_dst=MAC_LOCAL + 2, vlan=None, src=0x0a000001, dst=0x0a000002, proto=17,
                 sport=1024, dport=2048, length=MIN):
        def wide(v):
            return np.broadcast_to(np.asarray(v, dtype=np.uint64), (n,))
        self.n, self.vlan = n, None if vlan is None else wide(vlan)
        self.dl_src, self.dl_dst = wide(dl_src), wide(dl_dst)
        self.src, self.dst, self.proto = wide(src), wide(dst), wide(proto)
        self.sport, self.dport, self.length = wide(sport), wide(dport), wide(length)

    def pick(self, index):
        """The frames of these numbers, in this order; a frame may come more than once."""
        out = Heads.__new__(Heads)
        out.n = len(index)
        for k, v in self.__dict__.items():
            if k != "n":
                setattr(out, k, None if v is None else v[index])
        return out

    def records(self):
        r = np.zeros((self.n, STRIDE), dtype=np.uint8)
        r[:, 0:6], r[:, 6:12] = be(self.dl_dst, 6), be(self.dl_src, 6)
        at = 12
        if self.vlan is not None:
            r[:, 12:14], r[:, 14:16] = (0x81, 0), be(self.vlan, 2)
            at = 16
        r[:, at:at + 2] = (8, 0)
        self.ip(r[:, at + 2:], self.length - np.uint64(at + 2))
        r[:, STRIDE - 4:STRIDE - 2] = self.length.astype("<u2").view(np.uint8).reshape(-1, 2)
        return r

    def ip(self, r, total):
        r[:, 0], r[:, 8], r[:, 9] = 0x45, 64, self.proto
        r[:, 2:4], r[:, 12:16], r[:, 16:20] = be(total, 2), be(self.src, 4), be(self.dst, 4)
        words = r[:, 0:20].astype(np.uint32)
        s = (words[:, 0::2] << 8).sum(axis=1) + words[:, 1::2].sum(axis=1)
        s = (s & 0xffff) + (s >> 16)
        s = (s & 0xffff) + (s >> 16)
        r[:, 10:12] = be(0xffff - s, 2)
        r[:, 20:22], r[:, 22:24] = be(self.sport, 2), be(self.dport, 2)
        r[:, 24:26] = np.where((self.proto == 17)[:, None], be(total - np.uint64(20), 2), 0)
        tcp = self.proto == 6
        r[tcp, 32], r[tcp, 33] = 0x50, 0x10

    def write(self, path, fresh_offset=None):
        off = fresh_offset if fresh_offset is not None else SPORT_OFFSET + (0 if self.vlan is None else 4)
        with open(path, "wb") as f:
            f.write(struct.pack("<8sIIQ40x", b"WEFTGEN1", STRIDE, off, self.n))
            for i in range(0, self.n, 1 << 18):
                self.pick(slice_index(i, min(self.n, i + (1 << 18)))).records().tofile(f)
        return path


def slice_index(a, b):
    return np.arange(a, b)


def imix(rng, n):
    return rng.choice(np.array(IMIX, dtype=np.uint64), size=n, p=(7 / 12, 4 / 12, 1 / 12))


def sequence(rng, flows, how, length=1 << 20):
    """The order in which flows come: each once in a shuffled ring, or drawn by Zipf's law (exponent 1.1)."""
    if how == "uniform":
        return rng.permutation(flows)
    weight = 1 / np.arange(1, flows + 1) ** 1.1
    return rng.permutation(flows)[rng.choice(flows, size=length, p=weight / weight.sum())]
