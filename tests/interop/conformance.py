"""conformance.py: a switch under test, as a conformance suite sees one: an OpenFlow connection, three wires.

The codec is os-ken's. Nothing waits for time to pass: behind a frame goes a marker that a rule of the highest
priority sends to every port, so when the marker is there, all that was to come has come.
"""
import ctypes
import os
import socket
import struct
import time

from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as o
from os_ken.ofproto import ofproto_v1_3_parser as p
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

import house as h

DP = ProtocolDesc(version=o.OFP_VERSION)
LIBC = ctypes.CDLL(None, use_errno=True)
MARKER = 0x88b6
AUXDATA = struct.Struct("=IIIHHHH")


def socket_in(ns, dev):
    """A packet socket on a device of another namespace."""
    ours = os.open("/proc/self/ns/net", os.O_RDONLY)
    theirs = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        assert LIBC.setns(theirs, 0) == 0
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((dev, 0))
    finally:
        LIBC.setns(ours, 0)
        os.close(ours)
        os.close(theirs)
    s.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA: the kernel takes VLAN tags out of frames
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.settimeout(10)
    return s


class Wire:
    def __init__(self, ns, dev):
        self.s = socket_in(ns, dev)

    def send(self, frame):
        self.s.send(bytes(frame))

    def receive(self):
        while True:
            data, aux, _, addr = self.s.recvmsg(65536, 256)
            if addr[2] == 4:  # PACKET_OUTGOING: what we sent
                continue
            for level, kind, c in aux:
                status, _, _, _, _, tci, tpid = AUXDATA.unpack(c[:AUXDATA.size])
                if (level, kind) == (263, 8) and status & 0x10:
                    data = data[:12] + struct.pack("!HH", tpid if status & 0x40 else 0x8100, tci) + data[12:]
            return data


class Switch:
    """weftd with ports 1, 2, 3, and a controller's connection to it."""

    def __init__(self, folder, wiring="veth"):
        self.port = h.free_port()
        self.vm = h.Vm(1)
        self.names = {}
        lines = []
        for i in (1, 2, 3):
            if wiring == "tap":
                lines.append(f"      - {{name: p{i}, type: tap, ifname: e{i}, netns: {self.vm.ns}}}\n")
                continue
            name = self.names[i] = f"c{os.getpid()}x{next(h.serial)}"[:15]
            h.run("ip", "link", "add", name, "type", "veth", "peer", "name", f"e{i}", "netns", self.vm.ns)
            h.run("sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
            h.run("ip", "link", "set", name, "up")
            self.vm.sh("ip", "link", "set", f"e{i}", "up")
            lines.append(f"      - {{name: p{i}, type: af_packet, ifname: {name}}}\n")
        # A kernel has a queue of frames per CPU: who moves to another one between two frames may see them swapped.
        self.cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {self.cpus[0]})
        self.weft = h.Weft(folder, f"workers: {{cpus: [{self.cpus[-1]}]}}\n"
                           "bridges:\n  - name: br0\n    fail_mode: secure\n    probe_s: 60\n"
                           f'    controllers: ["ptcp:{self.port}:127.0.0.1"]\n    ports:\n' + "".join(lines))
        self.weft.start()
        for i in (1, 2, 3):
            self.vm.sh("ip", "link", "set", f"e{i}", "up")
        self.wire = {i: Wire(self.vm.ns, f"e{i}") for i in (1, 2, 3)}
        self.xid, self.serial = 0, 0
        self.connect()

    def connect(self):
        self.s = self.connection()

    def connection(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.settimeout(10)
        c = Connection(s)
        c.send(p.OFPHello(DP))
        assert c.receive().msg_type == o.OFPT_HELLO
        return c

    # ---- messages ----

    def ask(self, *msgs):
        """Everything that comes up to the answer to a barrier behind these."""
        return self.s.ask(*msgs)

    def error(self, msg):
        """(type, code) of the one error that msg makes, or None."""
        errors = [(m.type, m.code) for m in self.ask(msg) if m.msg_type == o.OFPT_ERROR]
        assert len(errors) <= 1, errors
        return errors[0] if errors else None

    def do(self, *msgs):
        got = self.ask(*msgs)
        errors = [(m.type, m.code) for m in got if m.msg_type == o.OFPT_ERROR]
        assert not errors, errors
        return got

    def reset(self):
        """No flows, groups or meters but the marker's flow."""
        self.do(flow(command=o.OFPFC_DELETE, table_id=o.OFPTT_ALL),
                p.OFPGroupMod(DP, o.OFPGC_DELETE, 0, o.OFPG_ALL, []),
                p.OFPMeterMod(DP, o.OFPMC_DELETE, 0, o.OFPM_ALL, []),
                flow(p.OFPMatch(eth_type=MARKER), [out(o.OFPP_ALL), out(o.OFPP_IN_PORT)], priority=65535))

    # ---- frames ----

    def pass_through(self, frame, port=1):
        """Sends a frame in at a port; what came out where, as {port: [frames]}."""
        if frame is not None:
            self.wire[port].send(frame)
        got = {}
        # Two rounds: within one burst, who is done in the first table may overtake another flow's frame that goes on.
        self.mark(port, got)
        self.mark(port, got)
        return got

    def mark(self, port, got):
        self.serial += 1
        marker = b"\xff" * 6 + b"\x02" + b"\0" * 5 + struct.pack("!HI", MARKER, self.serial) + b"\0" * 42
        self.wire[port].send(marker)
        for i, w in self.wire.items():
            while True:
                data = w.receive()
                if data[12:18] == marker[12:18]:
                    break
                if data[12:14] != marker[12:14]:
                    got.setdefault(i, []).append(data)

    def stop(self):
        os.sched_setaffinity(0, self.cpus)
        self.s.s.close()
        code = self.weft.stop()
        for w in self.wire.values():
            w.s.close()
        self.vm.gone()
        for name in self.names.values():
            h.run("ip", "link", "del", name, check=False)
        assert code == 0


class Connection:
    def __init__(self, s):
        self.s, self.have, self.xid = s, b"", 0
        self.heard = b""  # everything, for who wants to look at it

    def send(self, msg):
        self.xid += 1
        if msg.xid is None:
            msg.set_xid(self.xid)
        msg.serialize()
        self.s.sendall(bytes(msg.buf))
        return msg.xid

    def raw(self, kind, body=b"", version=o.OFP_VERSION):
        self.xid += 1
        self.s.sendall(struct.pack("!BBHI", version, kind, 8 + len(body), self.xid) + body)
        return self.xid

    def receive(self):
        while True:
            if len(self.have) >= 8:
                version, kind, length, xid = struct.unpack("!BBHI", self.have[:8])
                if len(self.have) >= length:
                    whole, self.have = self.have[:length], self.have[length:]
                    if kind == o.OFPT_ECHO_REQUEST:
                        self.s.sendall(struct.pack("!BBHI", version, o.OFPT_ECHO_REPLY, length, xid) + whole[8:])
                        continue
                    return ofproto_parser.msg(DP, version, kind, length, xid, whole)
            more = self.s.recv(1 << 16)
            assert more, "the switch closed the connection"
            self.have += more
            self.heard += more

    def ask(self, *msgs):
        for m in msgs:
            self.send(m)
        return self.barrier()

    def barrier(self):
        xid, got = self.send(p.OFPBarrierRequest(DP)), []
        while True:
            m = self.receive()
            if m.msg_type == o.OFPT_BARRIER_REPLY and m.xid == xid:
                return got
            got.append(m)

    def wait_for(self, kind, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            m = self.receive()
            if m.msg_type == kind:
                return m
        raise AssertionError(f"no message of type {kind}")


# ---- short hands ----

def out(port, max_len=0xffff):
    return p.OFPActionOutput(port, max_len)


def apply(*actions):
    return p.OFPInstructionActions(o.OFPIT_APPLY_ACTIONS, list(actions))


def write(*actions):
    return p.OFPInstructionActions(o.OFPIT_WRITE_ACTIONS, list(actions))


def flow(match=None, actions=None, instructions=None, command=o.OFPFC_ADD, priority=100, **kw):
    """actions are applied; instructions instead say it all."""
    if instructions is None:
        instructions = [apply(*actions)] if actions else []
    kw.setdefault("buffer_id", o.OFP_NO_BUFFER)
    kw.setdefault("out_port", o.OFPP_ANY)
    kw.setdefault("out_group", o.OFPG_ANY)
    return p.OFPFlowMod(DP, match=match or p.OFPMatch(), instructions=instructions, command=command, priority=priority,
                        **kw)


def bucket(*actions, weight=0, port=o.OFPP_ANY, group=o.OFPG_ANY):
    return p.OFPBucket(weight, port, group, list(actions))


def group(number, kind, *buckets, command=o.OFPGC_ADD):
    return p.OFPGroupMod(DP, command, kind, number, list(buckets))


def meter(number, flags, *bands, command=o.OFPMC_ADD):
    return p.OFPMeterMod(DP, command, flags, number, list(bands))
