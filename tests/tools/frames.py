"""Makes tests/unit/frames.h and the seeds of the parse fuzzer: one frame of each kind.

Run from the top: /usr/bin/python3 tests/tools/frames.py
"""
import logging
import os
import os
logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import *
from scapy.contrib.mpls import MPLS
from scapy.layers.sctp import SCTP, SCTPChunkData
E=lambda **k: Ether(dst="02:00:00:00:00:02",src="02:00:00:00:00:01",**k)
S4=dict(src="10.0.0.1",dst="10.0.0.2"); S6=dict(src="2001:db8::1",dst="2001:db8::2")
P=Raw(b"weft carries it!")
F={}
F["ETH_PLAIN"]=E(type=0x88b5)/P
F["LLC"]=E(type=20)/Raw(bytes.fromhex("424203")+b"x"*17)
F["SNAP_IPV4"]=E(type=8+20+8+16)/Raw(bytes.fromhex("aaaa03000000"+"0800"))/IP(**S4)/UDP(sport=1000,dport=2000)/P
F["ARP"]=E()/ARP(op=2,hwsrc="02:00:00:00:00:01",psrc="10.0.0.1",hwdst="02:00:00:00:00:02",pdst="10.0.0.2")
F["TCP4"]=E()/IP(ttl=64,tos=0xb9,**S4)/TCP(sport=1000,dport=2000,flags="SA",options=[("MSS",1460)])/P
F["TCP4_OPTIONS"]=E()/IP(options=[IPOption_Router_Alert()],**S4)/TCP(sport=1000,dport=2000,flags="S")/P
F["UDP4"]=E()/IP(ttl=2,**S4)/UDP(sport=1000,dport=2000)/P
F["UDP4_NOCSUM"]=E()/IP(**S4)/UDP(sport=1000,dport=2000,chksum=0)/P
F["ICMP4"]=E()/IP(**S4)/ICMP(type=8,code=0,id=1,seq=1)/P
F["SCTP4"]=E()/IP(**S4)/SCTP(sport=1000,dport=2000,tag=7)/SCTPChunkData(data=b"weft")
F["FRAG_FIRST4"]=E()/IP(flags="MF",proto=17,**S4)/UDP(sport=1000,dport=2000,len=1000,chksum=0x1234)/P
F["FRAG_LATER4"]=E()/IP(frag=100,proto=17,**S4)/P
F["TCP6"]=E()/IPv6(tc=0xb9,fl=0x12345,hlim=64,**S6)/TCP(sport=1000,dport=2000,flags="A")/P
F["UDP6"]=E()/IPv6(**S6)/UDP(sport=1000,dport=2000)/P
F["SCTP6"]=E()/IPv6(**S6)/SCTP(sport=1000,dport=2000,tag=7)/SCTPChunkData(data=b"weft")
F["ICMP6"]=E()/IPv6(**S6)/ICMPv6EchoRequest(data=b"weft")
F["NS6"]=E()/IPv6(**S6)/ICMPv6ND_NS(tgt="2001:db8::2")/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")
F["NA6"]=E()/IPv6(**S6)/ICMPv6ND_NA(tgt="2001:db8::2")/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")
F["EXT6"]=E()/IPv6(**S6)/IPv6ExtHdrHopByHop()/IPv6ExtHdrDestOpt()/IPv6ExtHdrRouting(addresses=["2001:db8::3"],segleft=0)/IPv6ExtHdrFragment(offset=0,m=1,id=9)/UDP(sport=1000,dport=2000)/P
F["EXT6_LATER"]=E()/IPv6(**S6)/IPv6ExtHdrFragment(offset=10,m=0,id=9,nh=17)/P
F["EXT6_ODD"]=E()/IPv6(**S6)/IPv6ExtHdrDestOpt()/IPv6ExtHdrHopByHop()/IPv6ExtHdrHopByHop()/UDP(sport=1000,dport=2000)/P
F["EXT6_NONE"]=E()/IPv6(nh=59,**S6)/P
F["EXT6_ESP"]=E()/IPv6(nh=50,**S6)/P
F["EXT6_AH"]=E()/IPv6(nh=51,**S6)/Raw(bytes.fromhex("1104000000000001000000010102030405060708090a0b0c"))/UDP(sport=1000,dport=2000,chksum=0x7777)/P
F["VLAN_UDP4"]=E()/Dot1Q(vlan=10,prio=5)/IP(**S4)/UDP(sport=1000,dport=2000)/P
F["VLAN_ZERO"]=E()/Dot1Q(vlan=0,prio=3)/IP(**S4)/UDP(sport=1000,dport=2000)/P
F["QINQ_TCP6"]=E(type=0x88a8)/Dot1Q(vlan=100,prio=1)/Dot1Q(vlan=10,prio=2)/IPv6(**S6)/TCP(sport=1000,dport=2000,flags="F")/P
F["MPLS1_IPV4"]=E(type=0x8847)/MPLS(label=77,cos=3,s=1,ttl=9)/IP(ttl=33,**S4)/UDP(sport=1000,dport=2000)/P
F["MPLS2_IPV6"]=E(type=0x8848)/MPLS(label=0xfffff,cos=7,s=0,ttl=9)/MPLS(label=1,cos=0,s=1,ttl=5)/IPv6(hlim=44,**S6)/UDP(sport=1000,dport=2000)/P
F["VLAN_MPLS"]=E()/Dot1Q(vlan=20,prio=6)/MPLS(label=5,cos=1,s=1,ttl=1)/IP(**S4)/P
F["PBB"]=E(type=0x88e7)/Raw(bytes.fromhex("20abcdef"))/E()/IP(**S4)/P
F["IP_BAD_LENGTH"]=E()/IP(len=2000,**S4)/UDP(sport=1000,dport=2000)/P
F["TCP_BAD_OFFSET"]=E()/IP(**S4)/TCP(sport=1000,dport=2000,dataofs=15,flags="S")
F["PADDED"]=E()/IP(**S4)/UDP(sport=1000,dport=2000)/Padding(b"\0"*18)
out=["/* tests/unit/frames.h: one frame of each kind, with right checksums; made by tests/tools/frames.py.",
" *",
" * Shared by the tests of parse, edit and act, and the seeds of their fuzzers: addresses are",
" * 02:..:01 to 02:..:02, 10.0.0.1 to .2, 2001:db8::1 to ::2, ports 1000 to 2000.",
" */","#ifndef WEFT_TESTS_UNIT_FRAMES_H","#define WEFT_TESTS_UNIT_FRAMES_H","",
"#include <stddef.h>","#include <stdint.h>","","/* clang-format off */","#define FRAMES(X) \\"]
for n in F: out.append(f"    X({n}) \\")
out[-1]=out[-1][:-2]
out+=["","enum frame_kind {","#define X(name) F_##name,","    FRAMES(X)","#undef X","    F_COUNT","};","","struct frame {","    const char *name;","    size_t len;","    uint8_t b[160];","};","","static const struct frame frames[F_COUNT] = {"]
d="tests/fuzz/corpus/parse"; os.makedirs(d,exist_ok=True)
for n,p in F.items():
    b=bytes(p)
    assert len(b)<=160,(n,len(b))
    open(f"{d}/{n.lower()}","wb").write(b"\0" + b)
    out.append(f'    [F_{n}] = {{"{n}", {len(b)}, {{')
    for i in range(0,len(b),16): out.append("        "+" ".join("0x%02x,"%x for x in b[i:i+16]))
    out.append("    }},")
out+=["};","/* clang-format on */","","#endif",""]
open("tests/unit/frames.h","w").write("\n".join(out))
