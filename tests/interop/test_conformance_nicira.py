"""Nicira's fields and actions (ovs-fields(7), ovs-actions(7)): ovs-ofctl puts the flows in, real frames go through."""
import re

import pytest
from scapy.all import Dot1Q, Ether, IP, Raw, TCP, UDP

from conformance import Switch
from house import run

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    s = Switch(tmp_path_factory.mktemp("weft"), "tap")
    yield s
    s.stop()


def ofctl(switch, command, *words, check=True):
    return run("ovs-ofctl", "-O", "OpenFlow13", command, f"tcp:127.0.0.1:{switch.port}", *words, check=check)


def program(switch, *flows):
    switch.reset()
    for f in flows:
        ofctl(switch, "add-flow", f)


def frame(tag=None, l4=None, size=60, **kw):
    f = Ether(src=A, dst=B)
    if tag is not None:
        f = f / Dot1Q(vlan=tag)
    f = f / IP(**{"src": "10.1.2.3", "dst": "10.4.5.6", "ttl": 64, **kw}) / (l4 or UDP(sport=1, dport=2))
    return f / Raw(b"x" * max(0, size - len(f)))


# name: (flows, frame in, {port: frame out})
F = frame()
CASES = {
    "reg_match_in_a_later_table": (["in_port=1,actions=load:5->NXM_NX_REG0[],goto_table:1", "table=1,reg0=5,actions=2",
                                    "table=1,priority=1,actions=3"], F, {2: F}),
    "reg_masked_match": (["actions=set_field:0x1234->reg3,goto_table:1", "table=1,reg3=0x1200/0xff00,actions=2",
                          "table=1,priority=1,actions=3"], F, {2: F}),
    "registers_begin_as_zero": (["reg0=0,xreg5=0,actions=2", "priority=1,actions=3"], F, {2: F}),
    "load_some_bits": (["actions=load:0xf->NXM_NX_REG1[],load:0->NXM_NX_REG1[1..2],goto_table:1", "table=1,reg1=9,actions=2"],
                       F, {2: F}),
    "xreg_is_two_registers": (["actions=set_field:0x100000002->xreg1,goto_table:1", "table=1,reg2=1,reg3=2,actions=2"], F, {2: F}),
    "xxreg_is_four": (["actions=set_field:0x1000000020000000300000004->xxreg1,goto_table:1",
                       "table=1,reg4=1,reg5=2,reg6=3,reg7=4,actions=2"], F, {2: F}),
    "match_xxreg": (["actions=load:7->NXM_NX_REG15[],goto_table:1", "table=1,xxreg3=7,actions=2"], F, {2: F}),
    "masked_set_field_of_a_header": (["ip,actions=set_field:0.0.9.0/0.0.255.0->ip_dst,2"], F, {2: frame(dst="10.4.9.6")}),
    "move_field_to_field": (["actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],2"], F, {2: Ether(src=A, dst=A) / F.payload}),
    "swap_by_the_stack": (["ip,actions=push:NXM_OF_IP_SRC[],push:NXM_OF_IP_DST[],pop:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[],in_port"],
                          F, {1: frame(src="10.4.5.6", dst="10.1.2.3")}),
    "move_the_vid_out_and_in": (["vlan_tci=0x1000/0x1000,actions=move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG0[0..11],pop_vlan,"
                                 "goto_table:1", "table=1,reg0=7,actions=2"], frame(7, size=64), {2: F}),
    "set_ttl_by_load": (["ip,actions=load:9->NXM_NX_IP_TTL[],2"], F, {2: frame(ttl=9)}),
    "match_ttl": (["ip,nw_ttl=64,actions=2", "priority=1,actions=3"], F, {2: F}),
    "match_tcp_flags": (["tcp,tcp_flags=+syn-ack,actions=2", "priority=1,actions=3"], frame(l4=TCP(flags="S")), {2: frame(l4=TCP(flags="S"))}),
    "output_reg": (["actions=load:3->NXM_NX_REG0[0..15],output:NXM_NX_REG0[0..15]"], F, {3: F}),
    "output_reg_whole": (["actions=load:2->NXM_NX_REG0[],output:NXM_NX_REG0[],load:3->NXM_NX_REG0[],output:reg0"], F, {2: F, 3: F}),
    "load_in_port_and_hairpin": (["actions=load:0->NXM_OF_IN_PORT[],output:1"], F, {1: F}),
    "resubmit_table": (["actions=resubmit(,2)", "table=2,actions=2"], F, {2: F}),
    "resubmit_comes_back": (["actions=resubmit(,2),mod_dl_dst:%s,3" % C, "table=2,actions=mod_dl_src:%s,2" % C], F,
                            {2: Ether(src=C, dst=B) / F.payload, 3: Ether(src=C, dst=C) / F.payload}),
    "resubmit_to_nothing": (["actions=resubmit(,9),2"], F, {2: F}),
    "resubmit_as_another_port": (["in_port=1,actions=resubmit(7,)", "in_port=7,actions=2"], F, {2: F}),
    "resubmit_port_and_table_keeps_in_port": (["in_port=1,actions=resubmit(7,3)", "table=3,in_port=7,actions=in_port,2"], F,
                                              {1: F, 2: F}),
    "resubmit_backwards": (["actions=goto_table:5", "table=5,reg0=0,actions=load:1->NXM_NX_REG0[],resubmit(,4)",
                            "table=4,reg0=1,actions=2"], F, {2: F}),
    "resubmit_then_goto_inside": (["actions=resubmit(,2),3", "table=2,actions=load:4->NXM_NX_REG1[],goto_table:3",
                                   "table=3,reg1=4,actions=2"], F, {2: F, 3: F}),
    "resubmits_write_actions": (["actions=resubmit(,2),mod_dl_dst:%s" % C, "table=2,actions=write_actions(output:2)"], F,
                                {2: Ether(src=A, dst=C) / F.payload}),
    "endless_resubmit_is_dropped": (["actions=resubmit(,0)"], F, {}),
    "exit_ends_all_levels": (["actions=resubmit(,2),3", "table=2,actions=2,exit,3"], F, {2: F}),
    "exit_leaves_the_action_set": (["actions=resubmit(,2),3", "table=2,actions=write_actions(output:2)",
                                    "table=2,priority=40000,actions=resubmit(,3),exit,3", "table=3,actions=write_actions(output:2)"],
                                   F, {2: F}),
    "check_pkt_larger_yes": (["actions=check_pkt_larger(1000)->NXM_NX_REG0[0],goto_table:1", "table=1,reg0=1,actions=2",
                              "table=1,reg0=0,actions=3"], frame(size=1001), {2: frame(size=1001)}),
    "check_pkt_larger_no": (["actions=check_pkt_larger(1000)->NXM_NX_REG0[0],goto_table:1", "table=1,reg0=1,actions=2",
                             "table=1,reg0=0,actions=3"], frame(size=1000), {3: frame(size=1000)}),
    "note_does_nothing": (["actions=note:01.02.03,2"], F, {2: F}),
    "dec_ttl_ids": (["ip,actions=dec_ttl(1,2),2"], F, {2: frame(ttl=63)}),
    "bundle_active_backup": (["actions=bundle(eth_src,0,active_backup,ofport,members:9,3,2)"], F, {3: F}),
    "bundle_hrw_of_the_live": (["actions=bundle(symmetric_l4,0,hrw,ofport,members:9,8,2,7)"], F, {2: F}),
    "bundle_load": (["actions=bundle_load(eth_src,0,hrw,ofport,NXM_NX_REG0[],members:9,3),output:NXM_NX_REG0[]"], F, {3: F}),
    "multipath_of_one": (["actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]),goto_table:1", "table=1,reg0=0,actions=2"], F,
                         {2: F}),
    "set_tunnel": (["actions=set_tunnel:5,goto_table:1", "table=1,tun_id=5,actions=2"], F, {2: F}),
}


@pytest.mark.parametrize("name", CASES)
def test_action(switch, name):
    flows, sent, want = CASES[name]
    program(switch, *flows)
    assert switch.pass_through(sent) == {port: [bytes(f)] for port, f in want.items()}


@pytest.mark.parametrize("name", CASES)
def test_what_comes_back_is_what_went_in(switch, name):
    """ovs-ofctl's dump of our flows says what its own parser understood; so do ours."""
    flows = [f"priority=77,cookie=0x1,{f}" if "priority" not in f else "cookie=0x1," + f for f in CASES[name][0]]
    program(switch, *flows)
    understood = run("sh", "-c", 'printf "%s\\n" "$@" | ovs-ofctl -O OpenFlow13 parse-flows -', "sh", *flows)
    want = sorted(re.search(r"((?:priority=\d+)?\S*) actions=(\S+)", line).groups()[1]
                  for line in understood.splitlines() if "actions=" in line)
    dump = ofctl(switch, "dump-flows", "cookie=0x1/-1")
    assert sorted(re.findall(r"actions=(\S+)", dump)) == want
    ours = switch.weft.ctl("flow", "dump", "br0")
    for text in want:
        assert "actions=" + text in re.sub(r"\bp(\d)\b", r"\1", ours), ours


@pytest.mark.parametrize("algorithm", ["modulo_n", "hash_threshold", "hrw", "iter_hash"])
def test_multipath_spreads(switch, algorithm):
    program(switch, f"actions=multipath(symmetric_l4,50,{algorithm},3,0,NXM_NX_REG0[]),goto_table:1",
            "table=1,reg0=0,actions=2", "table=1,reg0=1,actions=3", "table=1,reg0=2,actions=in_port")
    for i in range(300):
        switch.wire[1].send(frame(src=f"10.9.{i // 256}.{i % 256}"))
    got = {p: len(f) for p, f in switch.pass_through(None).items()}
    assert sum(got.values()) == 300 and all(60 <= got[p] <= 140 for p in (1, 2, 3)), got
    for _ in range(20):
        switch.wire[1].send(F)
    assert len(switch.pass_through(None)) == 1


@pytest.mark.parametrize("action,name", [("ct(commit)", "ct"), ("sample(probability=1,collector_set_id=1)", "sample"),
                                         ("ct_clear", "ct"), ("nosuch", None)])
def test_what_is_beyond_is_refused_by_name(switch, action, name):
    program(switch)
    said = ofctl(switch, "add-flow", f"ip,actions={action}", check=False)
    assert name is None or "OFPBAC_BAD_EXP_TYPE" in said or "BAD_VENDOR_TYPE" in said, said


def test_controller_action(switch):
    program(switch, "in_port=1,actions=controller(max_len=30,reason=no_match,id=0)")
    assert switch.pass_through(F) == {}
    m = switch.s.wait_for(10)
    assert (m.reason, len(m.data)) == (0, 30)
