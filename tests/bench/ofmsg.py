"""ofmsg.py: OpenFlow 1.3 flow-mods as bytes, for ofload to send."""
import struct

from rules import Acl

ADD, DELETE_STRICT = 0, 4
ETH_DST, ETH_SRC, IN_PORT, ETH_TYPE, IP_PROTO, IP_SRC, IP_DST = 3, 4, 0, 5, 10, 11, 12
PORTS = {6: (13, 14), 17: (15, 16)}


def oxm(field, value, size, mask=None):
    body = value.to_bytes(size, "big") + (b"" if mask is None else mask.to_bytes(size, "big"))
    return struct.pack("!HBB", 0x8000, field << 1 | (mask is not None), len(body)) + body


def flow_mod(fields, priority, out_port=2, command=ADD, table=0):
    """A rule that outputs to a port, or drops when out_port is None."""
    length = 4 + len(fields)
    match = struct.pack("!HH", 1, length) + fields + bytes(-length % 8)
    act = b"" if out_port is None else struct.pack("!HHIHHIH6x", 4, 24, 0, 0, 16, out_port, 0xffff)
    size = 48 + len(match) + len(act)
    return struct.pack("!BBHIQQBBHHHIIIHxx", 4, 14, size, 1, 0, 0, table, command, 0, 0, priority, 0xffffffff,
                       0xffffffff, 0xffffffff, 0) + match + act


def l2_fields(n):
    """n exact rules: in_port and both MACs."""
    head = oxm(IN_PORT, 1, 4)
    return [head + oxm(ETH_DST, 0x020001000000 + i, 6) + oxm(ETH_SRC, 0x020002000000 + i * 7, 6) for i in range(n)]


def acl_fields(acl, high_byte=None):
    """An ACL's matches; with high_byte, those with a source prefix only, moved to where no traffic is."""
    out = []
    for v, m in zip(acl.value.tolist(), acl.mask.tolist()):
        if high_byte is not None:
            if m[0] < 0xff000000:
                continue
            v[0] = v[0] & 0xffffff | high_byte << 24
        f = oxm(ETH_TYPE, 0x800, 2)
        if m[2]:
            f += oxm(IP_PROTO, v[2], 1)
        for k, field in ((0, IP_SRC), (1, IP_DST)):
            if m[k]:
                f += oxm(field, v[k], 4, None if m[k] == 0xffffffff else m[k])
        for k in (3, 4):
            if m[k]:
                f += oxm(PORTS[v[2]][k - 3], v[k], 2)
        out.append(f)
    return out


def write(path, messages):
    with open(path, "wb") as f:
        f.write(b"".join(messages))
    return path


def installs(path, kind, n):
    """n adds: "l2" (one mask) or "acl" (ClassBench-like, dozens to hundreds of masks)."""
    fields = l2_fields(n) if kind == "l2" else acl_fields(Acl(n, "acl"))
    step = max(1, -(-n // 60000))
    return write(path, [flow_mod(f, 100 if kind == "l2" else 65000 - i // step) for i, f in enumerate(fields)])


def churn(path, kind, table=0, n=5000):
    """n adds and as many deletes, in turns of a rule each, that no frame of a case meets."""
    fields = l2_fields(n) if kind == "l2" else acl_fields(Acl(10000, "acl", seed=7), 240)[:n]
    out = []
    for i, f in enumerate(fields):
        out += [flow_mod(f, 90, None, command, table) for command in (ADD, DELETE_STRICT)]
    return write(path, out)


def toggle(path):
    """What the frames of case a meet: to port 2, then to port 3."""
    fields = oxm(IN_PORT, 1, 4)
    return write(path, [flow_mod(fields, 50, port) for port in (2, 3)])
