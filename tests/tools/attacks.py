"""attacks.py: what a hostile guest may try, as (reason that it must be dropped for, frame) pairs.

    attacks.py DEVICE COUNT SEED     sends COUNT of them on DEVICE, prints how many of each reason

The guest is OWN with the addresses 10.0.0.66 and 2001:db8::66, in a VLAN by its port; the victim
VICTIM with 10.0.0.2 and 2001:db8::2.
"""
import collections
import json
import logging
import random
import socket
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (ARP, BOOTP, DHCP, ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6ND_NA, ICMPv6ND_NS,  # noqa: E402
                       ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                       ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw)

OWN, VICTIM = "02:00:00:00:00:66", "02:00:00:00:00:02"
OWN4, VICTIM4, OWN6, VICTIM6 = "10.0.0.66", "10.0.0.2", "2001:db8::66", "2001:db8::2"
LLA = "fe80::ff:fe00:66"
ALL, ALL6 = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"


class Attacker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def mac(self):
        return self.r.choice([VICTIM, "02:00:00:00:00:%02x" % self.r.randrange(0x70, 0xff), ALL, "00:00:5e:00:01:01"])

    def ip(self):
        return self.r.choice([VICTIM4, "10.0.0.1", f"10.0.{self.r.randrange(255)}.{self.r.randrange(67, 255)}",
                              "127.0.0.1", "255.255.255.255"])

    def ip6(self):
        return self.r.choice([VICTIM6, "fe80::1", "2001:db8::%x" % self.r.randrange(0x67, 0xffff), "::1", "ff02::1"])

    def to(self):
        return self.r.choice([VICTIM, ALL])

    def data(self):
        return self.r.choice([TCP(dport=80, flags="S"), UDP(dport=53), ICMP()]) / Raw(self.r.randbytes(self.r.randrange(60)))

    def eth(self):
        return Ether(src=OWN, dst=self.to())

    def eth6(self):
        return Ether(src=OWN, dst=self.r.choice([VICTIM, ALL6]))

    # -- one method a kind; its name begins with the reason
    def guard_mac(self):
        src = self.mac()
        return Ether(src=src, dst=self.to()) / self.r.choice([
            IP(src=self.ip(), dst=VICTIM4) / self.data(), ARP(op=2, hwsrc=src, psrc=self.ip(), hwdst=VICTIM, pdst=VICTIM4)])

    def guard_arp_claims(self):
        return self.eth() / ARP(op=self.r.choice([1, 2]), hwsrc=OWN, psrc=self.ip(), hwdst=VICTIM, pdst=self.ip())

    def guard_arp_hardware(self):
        return self.eth() / ARP(op=2, hwsrc=self.mac(), psrc=OWN4, hwdst=VICTIM, pdst=VICTIM4)

    def guard_arp_probe(self):
        return self.eth() / ARP(op=1, hwsrc=OWN, psrc="0.0.0.0", pdst=self.ip())

    def guard_arp_odd(self):
        return self.eth() / ARP(op=self.r.randrange(3, 30), hwtype=self.r.choice([1, 6]), hwsrc=OWN, psrc=OWN4, pdst=VICTIM4)

    def guard_arp_reverse(self):
        return Ether(src=OWN, dst=ALL, type=0x8035) / ARP(op=3, hwsrc=VICTIM, hwdst=VICTIM, psrc="0.0.0.0", pdst="0.0.0.0")

    def guard_ip(self):
        return self.eth() / IP(src=self.ip(), dst=VICTIM4) / self.data()

    def guard_ip_fragment(self):
        return self.eth() / IP(src=self.ip(), dst=VICTIM4, frag=self.r.randrange(1, 8000), proto=17) / Raw(bytes(40))

    def guard_ip_nobody(self):
        return self.eth() / IP(src="0.0.0.0", dst=VICTIM4) / TCP(dport=80)

    def guard_ip_six(self):
        return self.eth6() / IPv6(src=self.ip6(), dst=VICTIM6) / self.data()

    def guard_dhcp_server(self):
        return self.eth() / IP(src=OWN4, dst="255.255.255.255") / UDP(sport=67, dport=68) / \
            BOOTP(op=2, yiaddr=self.ip(), chaddr=self.r.randbytes(6)) / DHCP(options=[("message-type", "offer"), "end"])

    def guard_dhcp_starvation(self):
        return self.eth() / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / \
            BOOTP(chaddr=self.r.randbytes(6)) / DHCP(options=[("message-type", "discover"), "end"])

    def guard_dhcp_six(self):
        return self.eth6() / IPv6(src=LLA, dst="ff02::1") / UDP(sport=547, dport=546) / Raw(self.r.randbytes(40))

    def ra(self):
        return ICMPv6ND_RA(routerlifetime=self.r.randrange(9000)) / ICMPv6NDOptSrcLLAddr(lladdr=OWN) / \
            ICMPv6NDOptPrefixInfo(prefix="2001:db8:bad::")

    def guard_router(self):
        return self.eth6() / IPv6(src=LLA, dst="ff02::1", hlim=255) / self.ra()

    def guard_router_hidden(self):
        p = self.eth6() / IPv6(src=LLA, dst="ff02::1", hlim=255)
        for _ in range(self.r.randrange(1, 6)):
            p = p / self.r.choice([IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop()])
        return p / self.r.choice([self.ra(), IPv6ExtHdrFragment(m=self.r.randrange(2)) / self.ra()])

    def guard_router_redirect(self):
        return self.r.choice([
            self.eth6() / IPv6(src=LLA, dst=VICTIM6, hlim=255) / ICMPv6ND_Redirect(tgt=LLA, dst="2001:db8:9::9"),
            self.eth() / IP(src=OWN4, dst=VICTIM4) / ICMP(type=5, code=1, gw=OWN4) / Raw(bytes(28)),
            self.eth6() / IPv6(src=OWN6, dst=VICTIM6, hlim=255) / ICMPv6ND_NA(tgt=OWN6, R=1)])

    def guard_nd_claims(self):
        return self.eth6() / IPv6(src=self.r.choice([OWN6, LLA]), dst="ff02::1", hlim=255) / \
            ICMPv6ND_NA(tgt=self.r.choice([VICTIM6, "fe80::1"]), R=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=OWN)

    def guard_nd_hardware(self):
        return self.eth6() / IPv6(src=OWN6, dst="ff02::1", hlim=255) / self.r.choice([
            ICMPv6ND_NA(tgt=OWN6, R=0) / ICMPv6NDOptDstLLAddr(lladdr=VICTIM),
            ICMPv6ND_NS(tgt=VICTIM6) / ICMPv6NDOptSrcLLAddr(lladdr=VICTIM)])

    def guard_nd_detection(self):
        return self.eth6() / IPv6(src="::", dst="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt=VICTIM6)

    def guard_nd_fragment(self):
        return self.eth6() / IPv6(src=OWN6, dst="ff02::1", hlim=255) / IPv6ExtHdrFragment(m=1) / \
            ICMPv6ND_NS(tgt=VICTIM6) / ICMPv6NDOptSrcLLAddr(lladdr=OWN)

    def guard_vlan(self):
        inner = IP(src=OWN4, dst=VICTIM4) / self.data()
        vid = self.r.randrange(1, 4095)
        return self.eth() / self.r.choice([
            Dot1Q(vlan=vid) / inner, Dot1AD(vlan=vid) / Dot1Q(vlan=20) / inner,
            Dot1Q(vlan=10) / Dot1Q(vlan=vid) / inner, Dot1Q(vlan=0) / Dot1Q(vlan=vid) / inner,
            Dot1Q(vlan=0, type=0x9100) / Raw(b"\x00\x14\x08\x00" + bytes(40))])

    def guard_type(self):
        kind = self.r.choice([0x88CC, 0x8847, 0x888E, 0x8863, 0x88E7, 0x0026, 0x0842, 0x86DE, 0x8809])
        return Ether(src=OWN, dst=self.r.choice([VICTIM, ALL, "01:80:c2:00:00:00"]), type=kind) / Raw(b"\x42\x42\x03" + bytes(43))

    def guard_malformed(self):
        return self.r.choice([
            bytes(self.eth() / ARP(op=2, hwsrc=OWN, psrc=OWN4))[:self.r.randrange(16, 42)],
            bytes(self.eth() / IP(src=OWN4, dst=VICTIM4) / TCP())[:self.r.randrange(15, 34)],
            bytes(self.eth() / IP(src=OWN4, dst=VICTIM4, flags="MF") / UDP(sport=67))[:self.r.randrange(34, 42)],
            bytes(self.eth6() / IPv6(src=LLA, dst="ff02::1", nh=44) / IPv6ExtHdrFragment(m=1, nh=60) / Raw(b"\x3a")),
            bytes(self.eth6() / IPv6(src=LLA, dst="ff02::1", nh=60) / Raw(b"\x3c\0\0\0\0\0\0\0" * 12)),
            bytes(self.eth())[:12] + b"\x08\x00\x44" + bytes(40)])

    def frames(self, count):
        kinds = [m for m in sorted(dir(self)) if m.startswith("guard_")]
        for i in range(count):
            kind = kinds[i % len(kinds)]
            frame = getattr(self, kind)()
            yield "-".join(kind.split("_")[:2]), bytes(frame)


def main():
    device, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    tally = collections.Counter()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((device, 0))
        for reason, frame in Attacker(seed).frames(count):
            s.send(frame)
            tally[reason] += 1
    print(json.dumps(tally))


if __name__ == "__main__":
    main()
