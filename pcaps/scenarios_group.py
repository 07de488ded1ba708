"""scenarios_group.py: groups, meters and PBB (OpenFlow 1.3.5, 5.6, 5.7, 5.12)."""
from scapy.all import IP, Ether, Raw

from scenario import MAC, Scenario, udp
from scenarios_flow import edited

USE = ["in_port=a,actions=group:1"]


def groups():
    u = udp()
    yield Scenario("group-all", "a copy for each bucket, each from the same frame; none goes back", groups=[
        f"group_id=1,type=all,bucket=set_field:{MAC['f']}->eth_dst,output:b,bucket=output:c,bucket=output:a"], flows=USE) \
        .io(1, "a", u, {"b": edited(u, Ether, dst=MAC["f"]), "c": u}, "output-is-input")
    yield Scenario("group-indirect-chain", "a group behind a group; its bucket is an action set", groups=[
        "group_id=2,type=indirect,bucket=output:b,push_vlan:0x8100", "group_id=1,type=indirect,bucket=group:2"],
        flows=USE).io(1, "a", u, {"b": tagged_zero(u)})
    yield Scenario("group-failover", "the first bucket whose port is up", ports={"a": "", "b": "", "c": ""}, groups=[
        "group_id=1,type=ff,bucket=watch_port:b,output:b,bucket=watch_port:c,output:c"], flows=USE) \
        .io(1, "a", u, {"b": u}).step(2, 'api port.set {"name":"b","down":true}').io(3, "a", u, {"c": u}) \
        .step(4, 'api port.set {"name":"b","down":false}').io(5, "a", u, {"b": u})
    yield Scenario("group-dead", "nobody is live, or there is no bucket", groups=[
        "group_id=1,type=ff,bucket=watch_port:77,output:b", "group_id=2,type=all"],
        flows=[*USE, "in_port=b,actions=group:2"]).io(1, "a", u, drop="group-dead").io(2, "b", u, drop="group-dead")
    yield Scenario("group-select-stays", "a flow keeps its bucket; a weight of 0 gets none", groups=[
        "group_id=1,type=select,bucket=weight:0,output:b,bucket=weight:5,output:c"], flows=USE) \
        .io(1, "a", u, {"c": u}).io(2, "a", udp(sport=5), {"c": udp(sport=5)})
    yield Scenario("group-before-output", "in the action set a group is done, and the output is not", groups=[
        "group_id=1,type=indirect,bucket=output:b"], flows=["in_port=a,actions=write_actions(output:c,group:1)"]) \
        .io(1, "a", u, {"b": u})


def tagged_zero(frame):
    b = bytes(frame)
    return b[:12] + b"\x81\x00\x00\x00" + b[12:]


def meters():
    u, af = udp(), udp(tos=10 << 2)
    flows = ["in_port=a,actions=meter:1,output:b"]
    yield Scenario("meter-drop", "two a second, two at once: the third is one too many", meters=[
        "meter=1 pktps burst bands=type=drop rate=2 burst_size=2"], flows=flows) \
        .io(1, "a", u, {"b": u}).io(1.01, "a", u, {"b": u}).io(1.02, "a", u, drop="metered").io(2.1, "a", u, {"b": u})
    yield Scenario("meter-remark", "AF11 becomes AF12 beyond the rate; best effort stays (RFC 2597)", meters=[
        "meter=1 pktps burst bands=type=dscp_remark rate=1 burst_size=1 prec_level=1"], flows=flows) \
        .io(1, "a", af, {"b": af}).io(1.1, "a", af, {"b": edited(af, IP, tos=12 << 2)}).io(1.2, "a", u, {"b": u})


def pbb():
    u = udp()
    inner = bytes(u)
    outer = inner[:12] + b"\x88\xe7" + b"\x00\x01\x02\x03" + inner
    yield Scenario("push-pbb", "an I-TAG in front, the addresses copied (IEEE 802.1ah)", flows=[
        "in_port=a,actions=push_pbb:0x88e7,set_field:0x10203->pbb_isid,output:b"]).io(1, "a", u, {"b": outer})
    yield Scenario("pop-pbb", "out of the I-TAG; a frame without one can't", flows=[
        "in_port=a,dl_type=0x88e7,actions=pop_pbb,output:b"]) \
        .io(1, "a", outer, {"b": inner}).io(2, "a", Ether(src=MAC["a"], dst=MAC["b"], type=0x88e7) / Raw(b"cut"),
                                            drop="action-bad")


def group_scenarios():
    return [*groups(), *meters(), *pbb()]
