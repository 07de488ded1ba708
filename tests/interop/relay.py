"""relay.py A B: carries frames between two devices, in both directions until told otherwise.

Lines on stdin: "ab off", "ab on", "ba off", "ba on". A link through it can be dead in one direction with its carrier on.
"""
import select
import socket
import sys

SOL_PACKET, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 23, 3


def attach(dev):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.bind((dev, 0))
    return s


def main():
    a, b = attach(sys.argv[1]), attach(sys.argv[2])
    way = {a: (b, "ab"), b: (a, "ba")}
    on = {"ab": True, "ba": True}
    print("ready", flush=True)
    while True:
        for s in select.select([a, b, sys.stdin], [], [])[0]:
            if s is sys.stdin:
                words = s.readline().split()
                if not words:
                    return
                on[words[0]] = words[1] == "on"
                continue
            frame = s.recv(65536)
            to, name = way[s]
            if on[name]:
                to.send(frame)


main()
