"""Fixtures: `house` makes weftds and VMs, and clears them away whatever happens."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import house as h  # noqa: E402


class House:
    def __init__(self, folder):
        self.folder, self.wefts, self.vms, self.others = folder, [], [], []

    def weft(self, config):
        w = h.Weft(self.folder, config)
        self.wefts.append(w)
        return w.start()

    def vm(self, number):
        v = h.Vm(number)
        self.vms.append(v)
        return v

    def process(self, *words, **kw):
        p = h.Process(*words, **kw)
        self.others.append(p)
        return p

    def taps(self, n, bridge="", extra=""):
        """A weft with n VMs on taps vm1..vmN, addresses 10.0.0.1..N."""
        vms = [self.vm(i + 1) for i in range(n)]
        ports = "".join(f"      - {{name: vm{i + 1}, type: tap, ifname: eth0, netns: {v.ns}{extra}}}\n"
                        for i, v in enumerate(vms))
        w = self.weft("bridges:\n  - name: br0\n" + (f"    {bridge}\n" if bridge else "") + "    ports:\n" + ports)
        for v in vms:
            v.up()
        return (w, *vms)

    def clear(self):
        for p in self.others:
            p.stop(9)
        bad = [e for e in [w.end() for w in self.wefts if w.daemon] if e]
        for v in self.vms:
            v.gone()
        if bad:
            pytest.fail("\n".join(bad), pytrace=False)


@pytest.fixture
def house(tmp_path):
    it = House(tmp_path)
    yield it
    it.clear()
