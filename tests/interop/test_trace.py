"""weftctl trace: what it says of a frame is what happens to it, and saying so changes nothing."""
import json
import re

import pytest
from scapy.all import Ether, IP, Raw, UDP, wrpcap

from conformance import Switch

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
FRAME = Ether(src=A, dst=B) / IP(src="10.1.2.3", dst="10.4.5.6", ttl=64) / UDP(sport=1, dport=2) / Raw(b"x" * 40)

FLOWS = {
    "goto": ["in_port=1,ip,actions=dec_ttl,goto_table:1", "table=1,priority=9,ip,nw_dst=11.0.0.0/8,actions=3",
             "table=1,priority=5,ip,nw_dst=10.0.0.0/8,actions=mod_dl_dst:02:00:00:00:00:99,2,3"],
    "registers": ["actions=load:7->NXM_NX_REG0[],resubmit(,2)", "table=2,reg0=7,actions=3"],
    "normal": ["actions=normal"],
    "drop": ["actions=drop"],
    "miss": ["in_port=2,actions=3"],
    "in_port": ["actions=in_port,1"],
    "controller": ["actions=controller,2"],
    "groups": ["actions=group:5"],
}


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    s = Switch(tmp_path_factory.mktemp("weft"), "tap")
    yield s
    s.stop()


def program(switch, flows):
    switch.reset()
    switch.weft.ctl("group", "add", "br0", "group_id=5,type=all,bucket=output:p2,bucket=set_field:02:00:00:00:00:77->eth_dst,output:p3")
    for f in flows:
        switch.weft.ctl("flow", "add", "br0", f)


def state(switch):
    """What a dry run must leave alone: counters, groups', ports', drops', and who lives where."""
    ctl = switch.weft.ctl
    ports = [{k: v for k, v in p.items() if "counter" in k or k == "stats"} for p in json.loads(ctl("--json", "port", "show"))]
    return (re.sub(r"duration=\S+", "", ctl("flow", "dump", "br0")), re.sub(r"duration\S*", "", ctl("group", "show", "br0")), ports,
            re.sub(r"\S+ ago", "", ctl("drops")), sorted((e["mac"], e["port"]) for e in json.loads(ctl("--json", "fdb", "show"))[0]["entries"]))


@pytest.mark.parametrize("name", FLOWS)
def test_what_it_says_happens(switch, name, tmp_path):
    program(switch, FLOWS[name])
    wrpcap(str(tmp_path / "f.pcap"), [Ether() / Raw(b"other"), FRAME])
    before = state(switch)
    said = json.loads(switch.weft.ctl("--json", "trace", "br0", "in_port=1", f"{tmp_path}/f.pcap#2"))
    assert state(switch) == before
    want = {}
    for e in said["events"]:
        if e["event"] == "sent":
            want.setdefault(int(e["port"][1]), []).append(bytes.fromhex(e["frame"]))
    assert switch.pass_through(FRAME) == want


def test_a_page_says_why(switch):
    program(switch, FLOWS["goto"])
    page = switch.weft.ctl("trace", "br0", "in_port=1,udp,nw_src=10.1.2.3,nw_dst=10.4.5.6,nw_ttl=64")
    assert "table 0 of br0" in page and "-> now nw_ttl=63" in page, page
    assert "not priority=9,ip,nw_dst=11.0.0.0/8: ipv4_dst is 10.4.5.6" in page, page
    assert re.search(r"out of p2, 60 bytes: 020000000099", page) and "out of p3" in page, page
    page = switch.weft.ctl("trace", "br0", "in_port=1,arp")
    assert "no rule matches" in page and "dropped: table-miss" in page and "it leaves by no port" in page, page
    assert "not priority=32768,ip,in_port=p1: eth_type is 0x0806" in page, page


def test_a_wrong_question_is_refused(switch):
    assert "say in_port=PORT" in switch.weft.ctl("trace", "br0", "tcp", code=1)
    assert "hexadecimal" in switch.weft.ctl("trace", "br0", "in_port=1", "zz", code=1)
