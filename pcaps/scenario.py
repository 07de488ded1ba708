"""scenario.py: what a scenario is, and short words for frames."""
from scapy.all import ARP, IP, TCP, UDP, Ether, IPv6, Raw

MAC = {n: f"02:00:00:00:00:0{i}" for i, n in enumerate("abcdef", 1)}
BROADCAST = "ff:ff:ff:ff:ff:ff"


class Scenario:
    def __init__(self, name, text, ports=None, flows=None, bridge="", top="", groups=None, meters=None,
                 more=""):
        """ports: {name: extra YAML keys}; flows: ovs-ofctl syntax."""
        self.name, self.text = name, text
        self.ports = ports or {"a": "", "b": "", "c": ""}
        self.lists = {"meters": meters, "groups": groups, "flows": flows}
        self.bridge, self.top, self.more = bridge, top, more
        self.sent, self.expected, self.drops, self.steps = {}, {}, {}, []

    def config(self):
        lines = [f"# {self.text}", *([self.top] if self.top else []), "bridges:", "  - name: br0"]
        lines += [f"    {self.bridge}"] if self.bridge else []
        lines.append("    ports:")
        lines += [f"      - {{name: {n}{'' if 'type:' in extra else ', type: ring'}{', ' + extra if extra else ''}}}"
                  for n, extra in self.ports.items()]
        for key, texts in self.lists.items():
            lines += [f"    {key}:", *(f"      - \"{t}\"" for t in texts)] if texts else []
        return "\n".join(lines + ([self.more] if self.more else [])) + "\n"

    def io(self, when, port, frame, out=None, drop=None):
        """frame goes in at port; out: {port: frame(s) that must come}; drop: reason(s) that must be counted."""
        self.sent.setdefault(port, []).append((when, bytes(frame)))
        for name, f in (out or {}).items():
            for one in f if isinstance(f, list) else [f]:
                self.expected.setdefault(name, []).append((when, bytes(one)))
        for reason in [drop] if isinstance(drop, str) else drop or []:
            self.drops[reason] = self.drops.get(reason, 0) + 1
        return self

    def step(self, when, what):
        self.steps.append((when, what))
        return self


def udp(src="a", dst="b", sport=1000, dport=2000, payload=b"payload of it", **ip):
    dst_mac = BROADCAST if dst is None else MAC.get(dst, dst)
    return Ether(src=MAC[src], dst=dst_mac) / IP(**{"src": "10.0.0.1", "dst": "10.0.0.2", "id": 7, **ip}) / \
        UDP(sport=sport, dport=dport) / Raw(payload)


def tcp(src="a", dst="b", sport=1000, dport=80, flags="S", **ip):
    return Ether(src=MAC[src], dst=MAC[dst]) / IP(**{"src": "10.0.0.1", "dst": "10.0.0.2", "id": 7, **ip}) / \
        TCP(sport=sport, dport=dport, flags=flags) / Raw(b"hello")


def udp6(src="a", dst="b", sport=1000, dport=2000, **ip):
    return Ether(src=MAC[src], dst=MAC[dst]) / IPv6(**{"src": "2001:db8::1", "dst": "2001:db8::2", **ip}) / \
        UDP(sport=sport, dport=dport) / Raw(b"sixth sense")


def arp(src="a", psrc="10.0.0.1", pdst="10.0.0.2", op=1):
    return Ether(src=MAC[src], dst=BROADCAST) / \
        ARP(op=op, hwsrc=MAC[src], psrc=psrc, hwdst="00:00:00:00:00:00", pdst=pdst)


def tagged(frame, vid, pcp=0, tpid=0x8100):
    """The frame with one more tag outside."""
    data = bytes(frame)
    return data[:12] + tpid.to_bytes(2, "big") + (pcp << 13 | vid).to_bytes(2, "big") + data[12:]


def labelled(frame, label, ttl, tc=0, bos=1, ethertype=0x8847):
    """The frame with an MPLS label stack entry behind its Ethernet header (RFC 3032)."""
    data = bytes(frame)
    entry = label << 12 | tc << 9 | bos << 8 | ttl
    return data[:12] + ethertype.to_bytes(2, "big") + entry.to_bytes(4, "big") + data[14:]
