"""Each message of OpenFlow 1.3.5 and the error for each refusal (6.1 to 6.6, 7.3, 7.4.4)."""
import socket
import struct

import house as h
import pytest
from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p
from scapy.all import IP, TCP, Ether, Raw, UDP, wrpcap

from conformance import DP, Switch, apply, bucket, flow, group, meter, out, write

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
FRAME = Ether(src=A, dst=B) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / Raw(b"x" * 40)


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    s = Switch(tmp_path_factory.mktemp("weft"))
    yield s
    s.stop()


@pytest.fixture(autouse=True)
def clean(switch):
    switch.reset()


def stats(switch, request):
    return [entry for m in switch.do(request) for entry in m.body]


def flows(switch, match=None, table=o.OFPTT_ALL, out_port=o.OFPP_ANY, out_group=o.OFPG_ANY, cookie=0, mask=0):
    all_ = stats(switch, p.OFPFlowStatsRequest(DP, 0, table, out_port, out_group, cookie, mask, match or p.OFPMatch()))
    return [f for f in all_ if f.priority != 65535]


# ---- the connection ----

def test_features_config_echo(switch):
    features = switch.do(p.OFPFeaturesRequest(DP))[0]
    assert features.n_tables == 254 and features.auxiliary_id == 0
    for bit in (o.OFPC_FLOW_STATS, o.OFPC_TABLE_STATS, o.OFPC_PORT_STATS, o.OFPC_GROUP_STATS):
        assert features.capabilities & bit
    switch.do(p.OFPSetConfig(DP, 0, 77))
    assert switch.do(p.OFPGetConfigRequest(DP))[0].miss_send_len == 77
    assert switch.do(p.OFPEchoRequest(DP, b"hello"))[0].data == b"hello"
    assert switch.error(p.OFPSetConfig(DP, 1, 77)) == (o.OFPET_SWITCH_CONFIG_FAILED, o.OFPSCFC_BAD_FLAGS)


def raw_error(switch, kind, body=b"", version=o.OFP_VERSION):
    xid = switch.s.raw(kind, body, version)
    errors = [m for m in switch.s.barrier() if m.msg_type == o.OFPT_ERROR]
    assert len(errors) == 1 and errors[0].xid == xid, errors
    return errors[0].type, errors[0].code


@pytest.mark.parametrize("kind,body,version,want", [
    (99, b"", 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_TYPE)),
    (o.OFPT_FEATURES_REPLY, b"", 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_TYPE)),
    (o.OFPT_FEATURES_REQUEST, b"", 1, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_VERSION)),
    (o.OFPT_FEATURES_REQUEST, bytes(8), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_FLOW_MOD, bytes(8), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_EXPERIMENTER, struct.pack("!II", 0x123456, 1), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_EXPERIMENTER)),
    (o.OFPT_MULTIPART_REQUEST, struct.pack("!HHI", 99, 0, 0), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_MULTIPART)),
    (o.OFPT_MULTIPART_REQUEST, struct.pack("!HHIII", 0xffff, 0, 0, 0x123456, 0), 4,
     (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_EXPERIMENTER)),
    (o.OFPT_MULTIPART_REQUEST, struct.pack("!HHI", 1, 0, 0), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_GROUP_MOD, bytes(4), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_METER_MOD, bytes(4), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_ROLE_REQUEST, bytes(4), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_SET_ASYNC, bytes(4), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
    (o.OFPT_PORT_MOD, bytes(4), 4, (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_LEN)),
])
def test_bad_requests(switch, kind, body, version, want):
    assert raw_error(switch, kind, body, version) == want


def test_a_peer_without_a_common_version_is_told(switch):
    with socket.create_connection(("127.0.0.1", switch.port)) as s:
        s.settimeout(5)
        s.sendall(struct.pack("!BBHI", 2, 0, 8, 1))
        got = b""
        while len(got) < 16 + 12:
            more = s.recv(1000)
            if not more:
                break
            got += more
        assert got[17] == o.OFPT_ERROR and got[24:28] == struct.pack("!HH", o.OFPET_HELLO_FAILED, o.OFPHFC_INCOMPATIBLE)


# ---- flow-mod ----

def test_modify_and_delete_strict_and_loose(switch):
    wide, narrow = p.OFPMatch(eth_type=0x800), p.OFPMatch(eth_type=0x800, ipv4_dst="10.0.0.2")
    switch.do(flow(wide, [out(2)], priority=5, cookie=1), flow(narrow, [out(2)], priority=6, cookie=2))
    switch.do(flow(wide, [out(3)], command=o.OFPFC_MODIFY_STRICT, priority=6))
    assert switch.pass_through(FRAME) == {2: [bytes(FRAME)]}
    switch.do(flow(wide, [out(3)], command=o.OFPFC_MODIFY, priority=1))
    assert switch.pass_through(FRAME) == {3: [bytes(FRAME)]} and {f.cookie for f in flows(switch)} == {1, 2}
    switch.do(flow(wide, [out(2)], command=o.OFPFC_MODIFY, cookie=1, cookie_mask=0xff))
    assert switch.pass_through(FRAME) == {3: [bytes(FRAME)]}
    switch.do(flow(narrow, command=o.OFPFC_DELETE_STRICT, priority=5))
    assert len(flows(switch)) == 2
    switch.do(flow(wide, command=o.OFPFC_DELETE, out_port=2))
    assert [f.cookie for f in flows(switch)] == [2]
    switch.do(flow(wide, command=o.OFPFC_DELETE, cookie=1, cookie_mask=~0 & (1 << 64) - 1))
    assert len(flows(switch)) == 1
    switch.do(flow(wide, command=o.OFPFC_DELETE))
    assert not flows(switch)


def test_the_flags(switch):
    m = p.OFPMatch(in_port=1)
    switch.do(flow(m, [out(2)], priority=9))
    switch.pass_through(FRAME)
    switch.do(flow(m, [out(2)], priority=9))
    assert flows(switch)[0].packet_count >= 1  # an ADD of the same keeps the counters
    switch.do(flow(m, [out(2)], priority=9, flags=o.OFPFF_RESET_COUNTS))
    assert flows(switch)[0].packet_count == 0
    assert switch.error(flow(p.OFPMatch(eth_type=0x800), [out(3)], priority=9, flags=o.OFPFF_CHECK_OVERLAP)) == \
        (o.OFPET_FLOW_MOD_FAILED, o.OFPFMFC_OVERLAP)
    both = o.OFPFF_NO_PKT_COUNTS | o.OFPFF_NO_BYT_COUNTS
    switch.do(flow(m, [out(2)], priority=10, flags=both))
    switch.pass_through(FRAME)
    assert [f.flags for f in flows(switch)] == [both, o.OFPFF_RESET_COUNTS]
    assert switch.error(flow(m, flags=0x40)) == (o.OFPET_FLOW_MOD_FAILED, o.OFPFMFC_BAD_FLAGS)


@pytest.mark.parametrize("how", ["delete", "idle", "hard", "group"])
def test_a_flow_that_ends_is_told_before_the_barrier(switch, how):
    switch.do(group(1, o.OFPGT_ALL, bucket(out(2))))
    switch.do(flow(p.OFPMatch(in_port=1), [p.OFPActionGroup(1)], flags=o.OFPFF_SEND_FLOW_REM, cookie=5, priority=7,
                   idle_timeout=how == "idle", hard_timeout=how == "hard"))
    switch.pass_through(FRAME)
    if how in ("idle", "hard"):
        m = switch.s.wait_for(o.OFPT_FLOW_REMOVED)
    else:
        got = switch.do(flow(command=o.OFPFC_DELETE) if how == "delete" else
                        p.OFPGroupMod(DP, o.OFPGC_DELETE, 0, 1, []))
        m = next(m for m in got if m.msg_type == o.OFPT_FLOW_REMOVED)
    reason = {"delete": o.OFPRR_DELETE, "idle": o.OFPRR_IDLE_TIMEOUT, "hard": o.OFPRR_HARD_TIMEOUT,
              "group": o.OFPRR_GROUP_DELETE}[how]
    assert (m.reason, m.cookie, m.priority, m.table_id, m.match["in_port"]) == (reason, 5, 7, 0, 1)
    assert m.packet_count >= 1 and m.byte_count >= len(FRAME)


GOTO, META = p.OFPInstructionGotoTable, p.OFPInstructionWriteMetadata
ACTION, INSTRUCTION = o.OFPET_BAD_ACTION, o.OFPET_BAD_INSTRUCTION


@pytest.mark.parametrize("make,want", [
    (lambda: flow(table_id=254), (o.OFPET_FLOW_MOD_FAILED, o.OFPFMFC_BAD_TABLE_ID)),
    (lambda: flow(table_id=255), (o.OFPET_FLOW_MOD_FAILED, o.OFPFMFC_BAD_TABLE_ID)),
    (lambda: flow(command=9), (o.OFPET_FLOW_MOD_FAILED, o.OFPFMFC_BAD_COMMAND)),
    (lambda: flow(instructions=[GOTO(0)]), (INSTRUCTION, o.OFPBIC_BAD_TABLE_ID)),
    (lambda: flow(instructions=[GOTO(255)]), (INSTRUCTION, o.OFPBIC_BAD_TABLE_ID)),
    (lambda: flow(instructions=[GOTO(1), GOTO(2)]), (INSTRUCTION, 9)),
    (lambda: flow(instructions=[p.OFPInstructionMeter(9)]), (o.OFPET_METER_MOD_FAILED, o.OFPMMFC_INVALID_METER)),
    (lambda: flow(actions=[out(0)]), (ACTION, o.OFPBAC_BAD_OUT_PORT)),
    (lambda: flow(actions=[out(o.OFPP_ANY)]), (ACTION, o.OFPBAC_BAD_OUT_PORT)),
    (lambda: flow(actions=[p.OFPActionGroup(9)]), (ACTION, o.OFPBAC_BAD_OUT_GROUP)),
    (lambda: flow(actions=[p.OFPActionSetQueue(0xffffffff)]), (ACTION, o.OFPBAC_BAD_QUEUE)),
    (lambda: flow(actions=[p.OFPActionPushVlan(0x800)]), (ACTION, o.OFPBAC_BAD_TAG)),
    (lambda: flow(actions=[p.OFPActionPushMpls(0x8100)]), (ACTION, o.OFPBAC_BAD_TAG)),
    (lambda: flow(actions=[p.OFPActionPushPbb(0x800)]), (ACTION, o.OFPBAC_BAD_TAG)),
    (lambda: flow(actions=[p.OFPActionPopVlan()]), (ACTION, o.OFPBAC_MATCH_INCONSISTENT)),
    (lambda: flow(actions=[p.OFPActionExperimenterUnknown(0x123456, bytes(8))]), (ACTION, o.OFPBAC_BAD_EXPERIMENTER)),
    (lambda: flow(p.OFPMatch(eth_type=0x800), [p.OFPActionSetField(ip_dscp=64)]), (ACTION, o.OFPBAC_BAD_SET_ARGUMENT)),
])
def test_flow_mods_that_are_refused(switch, make, want):
    assert switch.error(make()) == want
    assert not flows(switch)


# ---- packet-out ----

def test_packet_out_through_the_tables(switch):
    switch.do(flow(p.OFPMatch(in_port=1), [out(2)]), flow(p.OFPMatch(in_port=o.OFPP_CONTROLLER), [out(3)]))
    data = bytes(FRAME)
    switch.do(p.OFPPacketOut(DP, o.OFP_NO_BUFFER, 1, [out(o.OFPP_TABLE)], data))
    switch.do(p.OFPPacketOut(DP, o.OFP_NO_BUFFER, o.OFPP_CONTROLLER, [out(o.OFPP_TABLE)], data))
    switch.do(p.OFPPacketOut(DP, o.OFP_NO_BUFFER, o.OFPP_CONTROLLER, [out(o.OFPP_ALL)], data))
    assert switch.pass_through(None) == {1: [data], 2: [data, data], 3: [data, data]}
    bad = o.OFPET_BAD_REQUEST
    for buffer_id, port, actions, body, want in (
            (o.OFP_NO_BUFFER, 77, [out(2)], data, (bad, o.OFPBRC_BAD_PORT)),
            (o.OFP_NO_BUFFER, 0, [out(2)], data, (bad, o.OFPBRC_BAD_PORT)),
            (12345678, 1, [out(2)], None, (bad, o.OFPBRC_BUFFER_UNKNOWN)),
            (o.OFP_NO_BUFFER, 1, [out(2)], data[:5], (bad, o.OFPBRC_BAD_PACKET)),
            (o.OFP_NO_BUFFER, 1, [out(0)], data, (ACTION, o.OFPBAC_BAD_OUT_PORT)),
            (o.OFP_NO_BUFFER, 1, [p.OFPActionGroup(5)], data, (ACTION, o.OFPBAC_BAD_OUT_GROUP))):
        assert switch.error(p.OFPPacketOut(DP, buffer_id, port, actions, body)) == want


# ---- groups and meters ----

@pytest.mark.parametrize("make,code", [
    (lambda: group(1, o.OFPGT_ALL), o.OFPGMFC_GROUP_EXISTS),
    (lambda: group(2, o.OFPGT_ALL, command=o.OFPGC_MODIFY), o.OFPGMFC_UNKNOWN_GROUP),
    (lambda: group(2, 9), o.OFPGMFC_BAD_TYPE),
    (lambda: group(2, 0, command=9), o.OFPGMFC_BAD_COMMAND),
    (lambda: group(2, o.OFPGT_INDIRECT), o.OFPGMFC_INVALID_GROUP),
    (lambda: group(2, o.OFPGT_INDIRECT, bucket(out(1)), bucket(out(2))), o.OFPGMFC_INVALID_GROUP),
    (lambda: group(2, o.OFPGT_ALL, bucket(out(1), weight=1)), o.OFPGMFC_INVALID_GROUP),
    (lambda: group(2, o.OFPGT_FF, bucket(out(1))), o.OFPGMFC_INVALID_GROUP),
    (lambda: group(o.OFPG_ALL, o.OFPGT_ALL), o.OFPGMFC_INVALID_GROUP),
    (lambda: group(2, o.OFPGT_ALL, bucket(p.OFPActionGroup(2))), o.OFPGMFC_LOOP),
    (lambda: group(1, o.OFPGT_ALL, bucket(p.OFPActionGroup(3)), command=o.OFPGC_MODIFY), o.OFPGMFC_LOOP),
    (lambda: group(1, 0, command=o.OFPGC_DELETE), o.OFPGMFC_CHAINED_GROUP),
    (lambda: group(2, o.OFPGT_FF, bucket(out(1), group=9)), o.OFPGMFC_BAD_WATCH),
])
def test_group_mods_that_are_refused(switch, make, code):
    switch.do(group(1, o.OFPGT_ALL, bucket(out(2))), group(3, o.OFPGT_ALL, bucket(p.OFPActionGroup(1))))
    assert switch.error(make()) == (o.OFPET_GROUP_MOD_FAILED, code)


def test_group_multiparts(switch):
    switch.do(group(1, o.OFPGT_SELECT, bucket(out(2), weight=3), bucket(out(3), weight=0)),
              group(2, o.OFPGT_INDIRECT, bucket(p.OFPActionGroup(1))), flow(p.OFPMatch(in_port=1), [p.OFPActionGroup(2)]))
    switch.pass_through(FRAME)
    one, two = stats(switch, p.OFPGroupStatsRequest(DP, 0, o.OFPG_ALL))
    assert (one.group_id, one.ref_count, two.group_id, two.ref_count) == (1, 1, 2, 1)
    assert one.packet_count == two.packet_count == 1 and one.byte_count == len(FRAME)
    assert [b.packet_count for b in one.bucket_stats] == [1, 0]
    assert [g.group_id for g in stats(switch, p.OFPGroupStatsRequest(DP, 0, 2))] == [2]
    desc = stats(switch, p.OFPGroupDescStatsRequest(DP, 0))
    assert [(d.group_id, d.type, len(d.buckets)) for d in desc] == [(1, o.OFPGT_SELECT, 2), (2, o.OFPGT_INDIRECT, 1)]
    assert desc[0].buckets[0].weight == 3 and desc[1].buckets[0].actions[0].group_id == 1
    features = switch.do(p.OFPGroupFeaturesStatsRequest(DP, 0))[0].body
    assert features.types == 15 and features.capabilities == 15 and min(features.max_groups) > 1000


@pytest.mark.parametrize("make,code", [
    (lambda: meter(1, o.OFPMF_KBPS), o.OFPMMFC_METER_EXISTS),
    (lambda: meter(2, o.OFPMF_KBPS, command=o.OFPMC_MODIFY), o.OFPMMFC_UNKNOWN_METER),
    (lambda: meter(0, o.OFPMF_KBPS), o.OFPMMFC_INVALID_METER),
    (lambda: meter(0xffff0001, o.OFPMF_KBPS), o.OFPMMFC_INVALID_METER),
    (lambda: meter(2, o.OFPMF_KBPS, command=7), o.OFPMMFC_BAD_COMMAND),
    (lambda: meter(2, o.OFPMF_KBPS | o.OFPMF_PKTPS), o.OFPMMFC_BAD_FLAGS),
    (lambda: meter(2, 0x40), o.OFPMMFC_BAD_FLAGS),
    (lambda: meter(2, o.OFPMF_KBPS, p.OFPMeterBandDrop(0, 0)), o.OFPMMFC_BAD_RATE),
    (lambda: meter(2, o.OFPMF_KBPS, p.OFPMeterBandDscpRemark(5, 0, 9)), o.OFPMMFC_BAD_BAND_VALUE),
    (lambda: meter(2, o.OFPMF_KBPS, p.OFPMeterBandExperimenter(5, 0, 9)), o.OFPMMFC_BAD_BAND),
    (lambda: meter(2, o.OFPMF_KBPS, *[p.OFPMeterBandDrop(5, 0)] * 17), o.OFPMMFC_OUT_OF_BANDS),
])
def test_meter_mods_that_are_refused(switch, make, code):
    switch.do(meter(1, o.OFPMF_KBPS, p.OFPMeterBandDrop(5, 0)))
    assert switch.error(make()) == (o.OFPET_METER_MOD_FAILED, code)


def test_meter_multiparts_and_what_a_meter_drops(switch):
    switch.do(meter(1, o.OFPMF_PKTPS | o.OFPMF_BURST | o.OFPMF_STATS, p.OFPMeterBandDrop(1, 5)),
              flow(p.OFPMatch(in_port=1, eth_type=0x800), instructions=[p.OFPInstructionMeter(1), apply(out(2))]))
    for _ in range(20):
        switch.wire[1].send(FRAME)
    passed = len(switch.pass_through(None)[2])
    assert 5 <= passed <= 7
    s = stats(switch, p.OFPMeterStatsRequest(DP, 0, 1))[0]
    assert (s.flow_count, s.packet_in_count, s.byte_in_count) == (1, 20, 20 * len(FRAME))
    assert s.band_stats[0].packet_band_count == 20 - passed
    config = stats(switch, p.OFPMeterConfigStatsRequest(DP, 0, o.OFPM_ALL))[0]
    assert (config.meter_id, config.flags, config.bands[0].rate, config.bands[0].burst_size) == (1, 14, 1, 5)
    features = stats(switch, p.OFPMeterFeaturesStatsRequest(DP, 0))[0]
    assert features.band_types == 6 and features.capabilities == 15 and features.max_bands >= 2
    switch.do(meter(1, 0, command=o.OFPMC_DELETE))
    assert not flows(switch)
    assert switch.error(p.OFPMeterStatsRequest(DP, 0, 1)) == (o.OFPET_METER_MOD_FAILED, o.OFPMMFC_UNKNOWN_METER)


def test_a_meter_remarks(switch):
    frame = FRAME.copy()
    frame[IP].tos = 10 << 2
    switch.do(meter(1, o.OFPMF_PKTPS | o.OFPMF_BURST, p.OFPMeterBandDscpRemark(1, 2, 1)),
              flow(p.OFPMatch(in_port=1, eth_type=0x800), instructions=[p.OFPInstructionMeter(1), p.OFPInstructionGotoTable(1)]),
              flow(p.OFPMatch(eth_type=0x800, ip_dscp=10), [out(2)], table_id=1),
              flow(p.OFPMatch(eth_type=0x800, ip_dscp=12), [out(3)], table_id=1))
    for _ in range(8):
        switch.wire[1].send(frame)
    got = switch.pass_through(None)
    assert len(got.get(2, [])) + len(got.get(3, [])) == 8, switch.weft.ctl("drops")
    assert 2 <= len(got[2]) <= 4
    marked = frame.copy()
    marked[IP].tos = 12 << 2
    assert got[3][0] == bytes(marked)


# ---- multiparts ----

def test_flow_stats_select(switch):
    switch.do(flow(p.OFPMatch(in_port=1), [out(2)], table_id=3, cookie=0x11), flow(p.OFPMatch(in_port=2), [out(3)], cookie=0x12))
    assert len(flows(switch)) == 2 and len(flows(switch, table=3)) == 1
    assert [f.cookie for f in flows(switch, out_port=3)] == [0x12]
    assert [f.cookie for f in flows(switch, cookie=1, mask=1)] == [0x11]
    assert [f.cookie for f in flows(switch, match=p.OFPMatch(in_port=2))] == [0x12]
    total = switch.do(p.OFPAggregateStatsRequest(DP, 0, 3, o.OFPP_ANY, o.OFPG_ANY, 0, 0, p.OFPMatch()))[0].body
    assert total.flow_count == 1
    bad = p.OFPFlowStatsRequest(DP, 0, 254, o.OFPP_ANY, o.OFPG_ANY, 0, 0, p.OFPMatch())
    assert switch.error(bad) == (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_TABLE_ID)


def test_desc_table_port(switch):
    assert switch.do(p.OFPDescStatsRequest(DP))[0].body.mfr_desc == b"weft"
    switch.do(flow(p.OFPMatch(in_port=1), [out(2)]))
    before = stats(switch, p.OFPTableStatsRequest(DP))[0]
    switch.pass_through(FRAME)
    after = stats(switch, p.OFPTableStatsRequest(DP))[0]
    assert after.active_count == 2 and after.matched_count - before.matched_count == 3
    assert len(stats(switch, p.OFPTableStatsRequest(DP))) == 254
    ports = stats(switch, p.OFPPortDescStatsRequest(DP))
    assert [d.port_no for d in ports] == [1, 2, 3] and all(d.state == o.OFPPS_LIVE for d in ports)
    counted = stats(switch, p.OFPPortStatsRequest(DP, 0, o.OFPP_ANY))
    assert [s.port_no for s in counted] == [1, 2, 3] and counted[0].rx_packets >= 2
    assert switch.error(p.OFPPortStatsRequest(DP, 0, 77)) == (o.OFPET_BAD_REQUEST, o.OFPBRC_BAD_PORT)


def test_queues(switch):
    assert switch.do(p.OFPQueueGetConfigRequest(DP, 1))[0].queues == []
    assert switch.error(p.OFPQueueGetConfigRequest(DP, 77)) == (o.OFPET_QUEUE_OP_FAILED, o.OFPQOFC_BAD_PORT)
    assert stats(switch, p.OFPQueueStatsRequest(DP, 0, o.OFPP_ANY, o.OFPQ_ALL)) == []
    assert switch.error(p.OFPQueueStatsRequest(DP, 0, 77, o.OFPQ_ALL)) == (o.OFPET_QUEUE_OP_FAILED, o.OFPQOFC_BAD_PORT)
    assert switch.error(p.OFPQueueStatsRequest(DP, 0, 1, 5)) == (o.OFPET_QUEUE_OP_FAILED, o.OFPQOFC_BAD_QUEUE)


def test_table_features(switch):
    tables = stats(switch, p.OFPTableFeaturesStatsRequest(DP, 0, []))
    assert [t.table_id for t in tables] == list(range(254)) and tables[0].max_entries >= 1000000
    props = {pr.type: pr for pr in tables[0].properties}
    assert {o.OFPTFPT_INSTRUCTIONS, o.OFPTFPT_NEXT_TABLES, o.OFPTFPT_WRITE_ACTIONS, o.OFPTFPT_APPLY_ACTIONS,
            o.OFPTFPT_MATCH, o.OFPTFPT_WILDCARDS, o.OFPTFPT_WRITE_SETFIELD, o.OFPTFPT_APPLY_SETFIELD} <= set(props)
    assert {i.type for i in props[o.OFPTFPT_INSTRUCTIONS].instruction_ids} == set(range(1, 7))
    assert len(props[o.OFPTFPT_MATCH].oxm_ids) == 40
    assert {a.type for a in props[o.OFPTFPT_APPLY_ACTIONS].action_ids} == {0, 11, 12, *range(15, 28)}


# ---- ports, tables ----

def test_port_mod(switch):
    desc = {d.port_no: d for d in stats(switch, p.OFPPortDescStatsRequest(DP))}
    hw = desc[2].hw_addr
    failed = o.OFPET_PORT_MOD_FAILED
    assert switch.error(p.OFPPortMod(DP, 77, hw)) == (failed, o.OFPPMFC_BAD_PORT)
    assert switch.error(p.OFPPortMod(DP, 2, "02:00:00:00:00:01")) == (failed, o.OFPPMFC_BAD_HW_ADDR)
    assert switch.error(p.OFPPortMod(DP, 2, hw, 2, 2)) == (failed, o.OFPPMFC_BAD_CONFIG)
    switch.do(flow(p.OFPMatch(in_port=1, eth_type=0x800), [out(2), out(3)]), flow(p.OFPMatch(in_port=2, eth_type=0x800), [out(3)]))
    got = switch.do(p.OFPPortMod(DP, 2, hw, o.OFPPC_NO_FWD, o.OFPPC_NO_FWD))
    status = next(m for m in got if m.msg_type == o.OFPT_PORT_STATUS)
    assert (status.reason, status.desc.port_no, status.desc.config) == (o.OFPPR_MODIFY, 2, o.OFPPC_NO_FWD)
    switch.wire[1].send(FRAME)
    assert switch.wire[3].receive() == bytes(FRAME)
    switch.do(p.OFPPortMod(DP, 2, hw, 0, o.OFPPC_NO_FWD))
    assert switch.pass_through(FRAME) == {2: [bytes(FRAME)], 3: [bytes(FRAME)]}
    switch.do(p.OFPPortMod(DP, 2, hw, o.OFPPC_NO_RECV, o.OFPPC_NO_RECV))
    switch.wire[2].send(FRAME)
    assert switch.pass_through(None) == {}
    switch.do(p.OFPPortMod(DP, 2, hw, 0, o.OFPPC_NO_RECV))
    assert switch.pass_through(FRAME, 2) == {3: [bytes(FRAME)]}


def test_table_mod(switch):
    switch.do(p.OFPTableMod(DP, o.OFPTT_ALL, 0))
    failed = o.OFPET_TABLE_MOD_FAILED
    assert switch.error(p.OFPTableMod(DP, 254, 0)) == (failed, o.OFPTMFC_BAD_TABLE)
    assert switch.error(p.OFPTableMod(DP, 0, 0x10)) == (failed, o.OFPTMFC_BAD_CONFIG)


# ---- roles ----

def test_roles_and_what_each_hears(switch):
    one, two = switch.s, switch.connection()
    switch.do(flow(p.OFPMatch(eth_type=0x800), [out(o.OFPP_CONTROLLER)]))
    role = one.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_MASTER, 10))[0]
    assert (role.role, role.generation_id) == (o.OFPCR_ROLE_MASTER, 10)
    assert two.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_SLAVE, 10))[0].role == o.OFPCR_ROLE_SLAVE
    for msg in (flow(), group(1, 0), meter(1, 1), p.OFPPacketOut(DP, o.OFP_NO_BUFFER, 1, [out(2)], bytes(60)),
                p.OFPPortMod(DP, 1, A), p.OFPTableMod(DP, 0, 0)):
        errors = two.ask(msg)
        assert [(m.type, m.code) for m in errors] == [(o.OFPET_BAD_REQUEST, o.OFPBRC_IS_SLAVE)]
    assert two.ask(p.OFPDescStatsRequest(DP))[0].msg_type == o.OFPT_MULTIPART_REPLY
    switch.pass_through(FRAME)
    one.wait_for(o.OFPT_PACKET_IN)
    assert two.barrier() == []
    assert two.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_MASTER, 11))[0].role == o.OFPCR_ROLE_MASTER
    assert one.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_NOCHANGE, 0))[0].role == o.OFPCR_ROLE_SLAVE
    stale = one.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_MASTER, 9))[0]
    assert (stale.type, stale.code) == (o.OFPET_ROLE_REQUEST_FAILED, o.OFPRRFC_STALE)
    bad = one.ask(p.OFPRoleRequest(DP, 9, 20))[0]
    assert (bad.type, bad.code) == (o.OFPET_ROLE_REQUEST_FAILED, o.OFPRRFC_BAD_ROLE)
    assert sorted(c["role"] for c in switch.weft.api("controller", "show")[0]["controllers"]) == ["master", "slave"]
    two.ask(p.OFPSetAsync(DP, [0, 0], [7, 7], [15, 0]))
    got = two.ask(p.OFPGetAsyncRequest(DP))[0]
    assert (got.packet_in_mask, got.port_status_mask, got.flow_removed_mask) == ([0, 0], [7, 7], [15, 0])
    switch.pass_through(FRAME)
    assert two.barrier() == []
    two.s.close()
    assert one.ask(p.OFPRoleRequest(DP, o.OFPCR_ROLE_EQUAL, 0))[0].role == o.OFPCR_ROLE_EQUAL


# ---- what others read of us ----

def test_tshark_reads_all_that_we_say(switch, tmp_path):
    """Every kind of reply and event, as a TCP stream from a switch's port, without a complaint."""
    switch.do(group(1, o.OFPGT_SELECT, bucket(out(2), weight=3)), meter(1, 5, p.OFPMeterBandDrop(5, 1)),
              flow(p.OFPMatch(in_port=1, eth_type=0x800, ipv4_dst=("10.0.0.0", "255.0.0.0")), flags=o.OFPFF_SEND_FLOW_REM,
                   instructions=[p.OFPInstructionMeter(1), apply(p.OFPActionSetField(eth_dst=A), p.OFPActionPushVlan(0x8100),
                                                                 p.OFPActionGroup(1)), write(out(o.OFPP_CONTROLLER, 50)),
                                 p.OFPInstructionWriteMetadata(1, 1), p.OFPInstructionGotoTable(2)]))
    switch.s.heard = b""
    switch.pass_through(FRAME)
    every = [p.OFPFlowStatsRequest(DP, 0, o.OFPTT_ALL, o.OFPP_ANY, o.OFPG_ANY, 0, 0, p.OFPMatch()), p.OFPDescStatsRequest(DP),
             p.OFPAggregateStatsRequest(DP, 0, 0, o.OFPP_ANY, o.OFPG_ANY, 0, 0, p.OFPMatch()), p.OFPTableStatsRequest(DP),
             p.OFPPortStatsRequest(DP, 0, o.OFPP_ANY), p.OFPPortDescStatsRequest(DP), p.OFPGroupStatsRequest(DP, 0, o.OFPG_ALL),
             p.OFPGroupDescStatsRequest(DP, 0), p.OFPGroupFeaturesStatsRequest(DP, 0), p.OFPMeterStatsRequest(DP, 0, o.OFPM_ALL),
             p.OFPMeterConfigStatsRequest(DP, 0, o.OFPM_ALL), p.OFPMeterFeaturesStatsRequest(DP, 0), p.OFPFeaturesRequest(DP),
             p.OFPGetConfigRequest(DP), p.OFPGetAsyncRequest(DP), p.OFPRoleRequest(DP, o.OFPCR_ROLE_EQUAL, 0),
             p.OFPQueueGetConfigRequest(DP, 1), p.OFPEchoRequest(DP, b"x"), flow(command=9), flow(command=o.OFPFC_DELETE)]
    switch.ask(*every)
    data, at, packets = switch.s.heard, 0, []
    while at < len(data):
        length = struct.unpack("!H", data[at + 2:at + 4])[0]
        packets.append(data[at:at + length])
        at += length
    kinds = {m[1] for m in packets}
    assert {o.OFPT_MULTIPART_REPLY, o.OFPT_FLOW_REMOVED, o.OFPT_ERROR, o.OFPT_ROLE_REPLY, o.OFPT_GET_ASYNC_REPLY} <= kinds
    frames, seq = [], 1
    for m in packets:
        for i in range(0, len(m), 1400):
            frames.append(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=6653, dport=40000, seq=seq, ack=1, flags="PA")
                          / Raw(m[i:i + 1400]))
            seq += len(m[i:i + 1400])
    wrpcap(str(tmp_path / "of.pcap"), frames)
    assert len(h.run("tshark", "-r", tmp_path / "of.pcap", "-Y", "openflow_v4").splitlines()) >= len(every)
    told = h.run("tshark", "-r", tmp_path / "of.pcap", "-Y",
                 "_ws.malformed || (openflow_v4 && _ws.expert.severity >= 0x400000 && !tcp.analysis.flags)", "-T", "fields",
                 "-e", "frame.number", "-e", "openflow_v4.type", "-e", "_ws.expert.message")
    complaints = [line for line in told.splitlines() if line and "Running as user" not in line]
    assert not complaints, complaints
