#!/usr/bin/python3
"""make.py: makes the replay scenarios: inputs, and what must come out, computed by scapy.

    pcaps/make.py        writes every scenario's folder anew

The expectations are written here by hand from the standards and OpenFlow's text, not taken from
weft's output; `weft-replay` then says whether weft agrees. Deterministic.
"""
import os
import shutil
import struct

from scenarios_announce import announce_scenarios
from scenarios_bond import bond_scenarios
from scenarios_flow import flow_scenarios
from scenarios_group import group_scenarios
from scenarios_guard import guard_scenarios
from scenarios_l2 import l2_scenarios
from scenarios_more import more_scenarios
from scenarios_router import router_scenarios
from scenarios_tunnel import tunnel_scenarios

HERE = os.path.dirname(os.path.abspath(__file__))


def write_pcap(path, frames):
    """frames: (seconds, bytes); nanosecond pcap, Ethernet."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for when, data in frames:
            ns = round(when * 1e9)
            f.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(data), len(data)) + data)


def drop_order():
    """The order of datapath/drop.h, in which weft lists them."""
    with open(os.path.join(HERE, "..", "datapath", "drop.h")) as f:
        return [part.split('"')[1] for part in f.read().split("    X(")[1:]]


ORDER = drop_order()


def write(s):
    folder = os.path.join(HERE, s.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "in"))
    with open(os.path.join(folder, "config.yaml"), "w") as f:
        f.write(s.config())
    for port, frames in s.sent.items():
        write_pcap(os.path.join(folder, "in", port + ".pcap"), frames)
    for port, frames in s.expected.items():
        os.makedirs(os.path.join(folder, "out"), exist_ok=True)
        write_pcap(os.path.join(folder, "out", port + ".pcap"), frames)
    with open(os.path.join(folder, "drops"), "w") as f:
        for reason in sorted(s.drops, key=ORDER.index):
            f.write(f"{reason} {s.drops[reason]}\n")
    if s.steps:
        with open(os.path.join(folder, "steps"), "w") as f:
            f.write("".join(f"{when} {what}\n" for when, what in s.steps))


if __name__ == "__main__":
    scenarios = l2_scenarios() + flow_scenarios() + more_scenarios() + group_scenarios() + tunnel_scenarios() + \
        list(guard_scenarios()) + list(announce_scenarios()) + bond_scenarios()
    scenarios += router_scenarios()
    for scenario in scenarios:
        write(scenario)
    print(f"{len(scenarios)} scenarios")
