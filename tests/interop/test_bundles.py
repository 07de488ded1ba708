"""Bundles, by ovs-ofctl over ONF's extension, and under traffic: no frame meets a part of one."""
import select
import struct
import threading

import pytest
from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p

import conformance as c
from test_ovs_ofctl import start

ONF, CONTROL, ADD = 0x4f4e4600, 2300, 2301
OPEN, CLOSE, COMMIT = 0, 2, 4
BOTH = 3  # atomic, ordered


def test_ovs_ofctl_adds_and_replaces_flows_in_bundles(house, tmp_path):
    _, (one, two), ofctl, _ = start(house)
    flows = tmp_path / "flows"
    flows.write_text("".join(f"table=1,priority={i},tcp,tp_dst={i} actions=output:1\n" for i in range(1, 3001)))
    ofctl("--bundle add-flows", str(flows))
    assert "flow_count=3001" in ofctl("dump-aggregate")  # with NORMAL
    flows.write_text("priority=3,actions=normal\n" +
                     "".join(f"table=1,priority={i},tcp,tp_dst={i} actions=output:2\n" for i in range(1000, 4001)))
    ofctl("--bundle replace-flows", str(flows))
    dump = ofctl("dump-flows")
    assert dump.count("cookie=") == 3002 and "output:1" not in dump
    assert one.pings(two.ip)
    ofctl("--bundle mod-flows", "table=1,tcp,actions=drop")
    assert "output:2" not in ofctl("dump-flows")
    ofctl("--bundle --strict del-flows", "priority=3")
    assert not one.pings(two.ip, wait=0.3)


def test_a_bundle_that_fails_changes_nothing(house, tmp_path):
    _, (one, two), ofctl, _ = start(house)
    before = ofctl("--no-stats dump-flows")
    mix = tmp_path / "mix"
    mix.write_text("flow delete\nflow add priority=7,actions=output:1\ngroup add group_id=1,type=all,bucket=output:1\n"
                   "flow add priority=8,actions=group:9\n")
    out = ofctl("bundle", str(mix), check=False)
    assert "OFPBAC_BAD_OUT_GROUP" in out and "OFPBFC_MSG_FAILED" in out, out
    assert ofctl("--no-stats dump-flows") == before
    assert "group_id" not in ofctl("dump-groups")
    assert one.pings(two.ip)
    mix.write_text("group add group_id=1,type=all,bucket=output:1\nflow delete\nflow add priority=8,actions=group:1\n")
    ofctl("bundle", str(mix))
    assert "priority=8 actions=group:1" in ofctl("dump-flows")


@pytest.fixture(scope="module")
def sw(tmp_path_factory):
    s = c.Switch(tmp_path_factory.mktemp("bundles"))
    yield s
    s.stop()


def control(sw, kind, number, flags=BOTH):
    return sw.s.send(p.OFPExperimenter(c.DP, ONF, CONTROL, struct.pack("!IHH", number, kind, flags)))


def add(sw, number, msg):
    msg.set_xid(sw.s.xid + 1)  # as that of the message around it
    msg.serialize()
    sw.s.send(p.OFPExperimenter(c.DP, ONF, ADD, struct.pack("!IHH", number, 0, BOTH) + bytes(msg.buf)))


def flip(sw, number, mark):
    """Both tables say `mark`: the first writes it to the source, the second lets only that mark pass."""
    control(sw, OPEN, number)
    mac = f"02:00:00:00:00:{mark:02x}"
    set_src = c.flow(p.OFPMatch(eth_type=0x88b5), instructions=[
        c.apply(p.OFPActionSetField(eth_src=mac)), p.OFPInstructionGotoTable(1)])
    add(sw, number, set_src)
    add(sw, number, c.flow(command=o.OFPFC_DELETE, table_id=1))
    add(sw, number, c.flow(p.OFPMatch(eth_src=mac), [c.out(2)], table_id=1))
    add(sw, number, c.flow(None, [c.out(3)], table_id=1, priority=1))  # a mix of old and new goes there
    control(sw, COMMIT, number)


def test_no_frame_sees_a_part_of_a_bundle(sw):
    sw.reset()
    flip(sw, 1, 1)
    assert not [m for m in sw.s.barrier() if m.msg_type == o.OFPT_ERROR]
    stop = threading.Event()
    frame = b"\x02" * 6 + b"\x02\0\0\0\0\xaa" + b"\x88\xb5" + b"\0" * 46
    sent, out = 0, {2: [], 3: []}

    def read():
        for port, frames in out.items():
            while select.select([sw.wire[port].s], [], [], 0.0005)[0]:
                frames.append(sw.wire[port].receive())

    def talk():
        nonlocal sent
        while not stop.is_set():
            for _ in range(20):
                sw.wire[1].send(frame)
            sent += 20
            read()
    speaker = threading.Thread(target=talk)
    speaker.start()
    got = []
    for i in range(2, 202):
        flip(sw, i, i % 200)
        got += sw.s.barrier()
    stop.set()
    speaker.join()
    assert not [m for m in got if m.msg_type == o.OFPT_ERROR]
    for port, frames in sw.pass_through(None).items():
        out[port] += frames
    assert sent >= 1000 and not out[3], f"{len(out[3])} of {sent} frames met a mix"
    marks = {f[11] for f in out[2]}
    assert len(out[2]) == sent and len(marks) > 20, (len(out[2]), sent, len(marks))
