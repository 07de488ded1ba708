"""cases.py: what is measured. A case is rules, frames for each port, and how the bridge is set up.

Every case belongs to one of the issue's letters. Files go to the bench's folder and are made once a run.
"""
import os

import numpy as np

import frames
import page
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
        self.kind = "rate"    # or "attack": a victim beside benign, then hostile frames
        self.warm_s = 0.2
        self.rules, self.files, self.masks = None, {}, 0
        self.__dict__.update(kw)

    def prepare(self, folder):
        """Writes rules and frames: .rules, .files = {port: path}."""
        where = os.path.join(folder, self.name)
        os.makedirs(where, exist_ok=True)
        lines, heads = self.make(self, np.random.default_rng(SEED))
        self.rules = rules.write_lines(os.path.join(where, "rules"), lines)
        self.n_rules = len(lines)
        self.files, self.phases = {}, {}
        for n, h in heads.items():
            phase, port = n if isinstance(n, tuple) else (None, n)
            path = h.write(os.path.join(where, f"frames{port}{phase or ''}"))
            (self.phases.setdefault(phase, {}) if phase else self.files)[port] = path


    def setup(self):
        """What a switch is brought up with: cases that agree in it can share one."""
        with open(self.rules, encoding="ascii") as f:
            return hash(f.read()), self.ports, self.macs, self.mtu, self.mbuf_bytes, self.kind


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


STATIONS, TENANTS = 1000, 16


def four_tables(flows, alike=False):
    """Port security, ACL, L2, egress, tied by metadata. Alike flows differ in nothing that a rule reads."""
    def make(case, rng):
        a = frames.MAC_LOCAL + 0x10000 + np.arange(STATIONS)
        b = frames.MAC_LOCAL + 0x1000000 + np.arange(STATIONS)
        acl_rules = rules.Acl(1000, "acl")
        lines = [f"table=0,priority=10,in_port=1,dl_src={mac(x)},actions=write_metadata:{i % TENANTS:#x}/0xff,goto_table:1"
                 for i, x in enumerate(a)]
        lines += ["table=0,priority=0,actions=drop"] + acl_rules.lines("goto_table:2", table=1)
        lines += [f"table=2,priority=10,metadata={i % TENANTS:#x}/0xff,dl_dst={mac(x)},"
                  "actions=write_metadata:0x200/0xff00,goto_table:3" for i, x in enumerate(b)]
        lines += ["table=2,priority=0,actions=drop", "table=3,priority=10,metadata=0x200/0xff00,actions=output:2",
                  "table=3,priority=0,actions=drop"]
        if alike:
            one = acl_rules.flows(rng, 1)
            h = Heads(flows, dl_src=a[0], dl_dst=b[0], src=one.src[0], dst=one.dst[0], proto=one.proto[0],
                      dport=one.dport[0], sport=one.sport[0], length=60)
            h.dl_src = np.where(np.arange(flows) % 2, a[0], a[TENANTS]).astype(np.uint64)
        else:
            who = rng.integers(0, STATIONS, flows)
            to = (rng.integers(0, STATIONS // TENANTS, flows) * TENANTS + who % TENANTS) % STATIONS
            h = acl_rules.flows(rng, flows, dl_src=a[who], dl_dst=b[to])
        return lines, {0: h.pick(rng.permutation(flows))}
    return make


def gateway(tenants, services, routes, flows):
    """Each tenant's VLAN has services at virtual addresses; a frame for one is readdressed, then routed: the
    next hop's MACs, TTL, and the VLAN behind it."""
    def make(case, rng):
        lines, t, s = [], np.arange(tenants), np.arange(services)
        real = 0x0a000000 + (t[:, None] << 12) + s[None, :] * 16
        for i in t:
            for j in s:
                lines.append(f"table=0,priority=100,dl_vlan={i + 1},tcp,nw_dst={ip(0xc0a80000 + j)},tp_dst={8000 + j},"
                             f"actions=set_field:{ip(real[i, j])}->ip_dst,goto_table:1")
        lines.append("table=0,priority=0,actions=drop")
        # One route for each tenant, the rest are the neighbours' and the world's.
        nets = [(0x0a000000 + (int(i) << 12), 20) for i in t]
        length = rng.choice((16, 18, 20, 22, 24, 28, 32), size=2 * routes, p=(.02, .03, .08, .15, .6, .06, .06))
        address = rng.integers(0x0b000000, 0xdf000000, 2 * routes) & rules.prefix_mask(length).astype(np.int64)
        nets += list(dict.fromkeys(zip(address.tolist(), length.tolist())))[:routes - tenants]
        for i, (a, n) in enumerate(nets):
            lines.append(f"table=1,priority={n},vlan_tci=0x1000/0x1000,ip,nw_dst={ip(a)}/{n},actions=set_field:02:00:00:00:00:fe->eth_src,"
                         f"set_field:{mac(frames.MAC_LOCAL + 0x5000000 + i % 4096)}->eth_dst,dec_ttl,"
                         f"set_field:{4096 + 2000 + i % 2000}->vlan_vid,output:2")
        lines.append("table=1,priority=0,actions=drop")
        who, what = rng.integers(0, tenants, flows), rng.integers(0, services, flows)
        return lines, {0: Heads(flows, vlan=who + 1, src=rng.integers(0xb0000000, 0xb0ffffff, flows), proto=6,
                                dst=0xc0a80000 + what, dport=8000 + what, sport=rng.integers(1024, 65536, flows))}
    return make


def ip(a):
    return f"{a >> 24 & 255}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}"


ATTACK_RATE = 50000


def explosion(case, rng):
    """Rules that each look at one other field; an attacker who differs from each of them in every bit in turn:
    32 x 16 x 16 masks in a cache of wildcarded flows. A victim goes from port 1 to 2, the attacker from 3 to 4."""
    lines = ["priority=40,udp,tp_dst=80,actions=output:2", "priority=30,ip,nw_src=10.0.0.1,actions=output:2",
             "priority=20,udp,tp_src=12345,actions=output:2", "priority=0,actions=drop"]
    i, j, m = (x.ravel() for x in np.meshgrid(np.arange(32), np.arange(16), np.arange(16), indexing="ij"))
    attack = Heads(i.size, src=0x0a000001 ^ (1 << (31 - i)), dport=80 ^ (1 << (15 - j)), sport=12345 ^ (1 << (15 - m)))
    return lines, victim_and(attack.pick(rng.permutation(attack.n)))


def victim_and(attack):
    victim = Heads(1000, src=0x0b000000 + np.arange(1000), dport=80)
    alike = Heads(1000, src=0x0c000000 + np.arange(1000), dport=443)
    return {0: victim, ("benign", 2): alike, ("attack", 2): attack}


def collisions(case, rng):
    """Flows whose addresses and ports have one CRC-32C among them, as they would in a table that hashes with that."""
    n = 16384
    basis = crc_kernel()
    bits = rng.integers(0, 2, (n, len(basis))).astype(bool)
    keys = np.zeros((n, 12), dtype=np.uint8)
    for b, v in enumerate(basis):
        keys[bits[:, b]] ^= v
    def word(a, m):
        return sum(keys[:, a + x].astype(np.uint64) << np.uint64(8 * (m - 1 - x)) for x in range(m))
    attack = Heads(n, src=word(0, 4), dst=word(4, 4), sport=word(8, 2), dport=word(10, 2))
    return ["priority=40,udp,tp_dst=80,actions=output:2", "priority=10,ip,nw_src=10.0.0.0/8,actions=output:2",
            "priority=0,actions=drop"], victim_and(attack)


def crc_kernel():
    """12-byte strings that span what CRC-32C (without its inversions) maps to 0."""
    def crc(data):
        r = 0
        for x in data:
            r ^= x
            for _ in range(8):
                r = r >> 1 ^ (0x82f63b78 if r & 1 else 0)
        return r
    rows = []
    for i in range(96):
        v = np.zeros(12, dtype=np.uint8)
        v[i // 8] = 1 << i % 8
        rows.append((crc(bytes(v)), v))
    pivots, kernel = {}, []
    for c, v in rows:
        while c and c.bit_length() in pivots:
            pc, pv = pivots[c.bit_length()]
            c, v = c ^ pc, v ^ pv
        if c:
            pivots[c.bit_length()] = (c, v)
        else:
            kernel.append(v)
    return kernel


def any_flow(flows):
    """ACL of 1k rules; what meets none passes too, so that every flow is as good as another."""
    def make(case, rng):
        a = rules.Acl(1000, "acl")
        return a.lines(rest="output:2"), {0: a.flows(rng, flows).pick(rng.permutation(flows))}
    return make


def one_size(length):
    def make(case, rng):
        return ["in_port=1,actions=output:2"], {0: Heads(1024, src=0x0a000000 + np.arange(1024), length=length - 4)}
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
    c += [Case("e", "four tables, 1k alike flows", four_tables(1000, True))]
    c += [Case("e", f"four tables, {k(n)} flows", four_tables(n)) for n in (1000, 10000, 100000, 1000000)]
    c += [Case("f", f"gateway, {k(n)} flows", gateway(1000, 20, 100000, n)) for n in (1000, 1000000)]
    c += [Case("g", "tuple-space explosion", explosion, ports=4, kind="attack"),
          Case("g", "CRC collisions", collisions, ports=4, kind="attack")]
    c += [Case("j", "ACL 1k rules, 1k flows", any_flow(1000)),
          Case("j", "ACL 1k rules, all-new flows", any_flow(1000000), flags=page.FRESH)]
    c += [Case("k", f"one rule, {n} bytes", one_size(n), mtu=9000, mbuf_bytes=9600) for n in (64, 512, 1518, 9000)]
    return c
