"""page.py: the runner's side of plugin/page.h."""
import ctypes as c
import mmap
import os
import time

VERSION, PORTS, TXQ, HIST = 0x57470001, 8, 16, 1024
LATENCY, FRESH, SUM, PATIENT = 1, 2, 4, 8


class Orders(c.Structure):
    _fields_ = [("run", c.c_uint32), ("flags", c.c_uint32), ("rate", c.c_uint64), ("limit", c.c_uint64),
                ("load", c.c_uint32), ("start", c.c_uint32), ("pad", c.c_uint8 * 32)]


class Rx(c.Structure):
    _fields_ = [("packets", c.c_uint64), ("bytes", c.c_uint64), ("nombuf", c.c_uint64), ("missed", c.c_uint64),
                ("loaded", c.c_uint32), ("error", c.c_int32), ("started", c.c_uint32), ("tid", c.c_uint32),
                ("frames", c.c_uint64), ("polls", c.c_uint64)]


class Tx(c.Structure):
    _fields_ = [("packets", c.c_uint64), ("bytes", c.c_uint64), ("sum", c.c_uint64), ("pad", c.c_uint64 * 5)]


class Port(c.Structure):
    _fields_ = [("orders", Orders), ("rx", Rx), ("tx", Tx * TXQ), ("hist", c.c_uint64 * HIST), ("path", c.c_char * 256)]


class Layout(c.Structure):
    _fields_ = [("version", c.c_uint32), ("ports", c.c_uint32), ("tsc_hz", c.c_uint64), ("pad", c.c_uint8 * 48),
                ("port", Port * PORTS)]


class Counts:
    """Sums of a moment: .rx and .tx by port, .sum of what was sent."""

    def __init__(self, ports):
        self.rx = [p.rx.packets for p in ports]
        self.tx = [sum(q.packets for q in p.tx) for p in ports]
        self.sum = sum(q.sum for p in ports for q in p.tx) % 2**64
        self.missed = sum(p.rx.missed for p in ports)
        self.nombuf = sum(p.rx.nombuf for p in ports)


class Page:
    """The control page of one switch."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.truncate(c.sizeof(Layout))
        os.chmod(path, 0o600)
        self.fd = os.open(path, os.O_RDWR)
        self.map = mmap.mmap(self.fd, c.sizeof(Layout))
        self.all = Layout.from_buffer(self.map)
        self.all.version = VERSION
        self.port = self.all.port

    def close(self):
        self.port = self.all = None
        os.close(self.fd)
        os.unlink(self.path)

    def load(self, files, alive):
        """Gives each port its frames ({port: path}) and waits until its thread has them."""
        for n, path in files.items():
            self.port[n].path = path.encode()
            self.port[n].orders.load += 1
        for n in files:
            self.wait(f"port {n} to load {files[n]}", lambda n=n: self.port[n].rx.loaded == self.port[n].orders.load, alive)
            if self.port[n].rx.error:
                raise RuntimeError(f"port {n}: {files[n]}: {os.strerror(self.port[n].rx.error)}")

    def wait(self, what, condition, alive=lambda: True, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            if not alive() or time.monotonic() > end:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.001)

    def start(self, ports, flags=0, rate=0, limit=0):
        """A rate for all (0: what they take), or by port as a dict."""
        for p in self.port:
            p.orders.flags = flags
        for n in ports:
            o = self.port[n].orders
            o.rate, o.limit = rate.get(n, 0) if isinstance(rate, dict) else rate, limit
            o.start += 1
        for n in ports:
            self.port[n].orders.run = 1

    def stop(self):
        for p in self.port:
            p.orders.run = 0

    def counts(self):
        return Counts(self.port)

    def tid(self, n):
        return self.port[n].rx.tid

    def clear_hist(self):
        for p in self.port:
            c.memset(p.hist, 0, c.sizeof(p.hist))

    def latency_ns(self, fractions):
        """Percentiles over all ports: the upper bound of the bucket."""
        total = [sum(p.hist[i] for p in self.port) for i in range(HIST)]
        n = sum(total)
        out = []
        for f in fractions:
            seen, want = 0, f * n
            for i, k in enumerate(total):
                seen += k
                if k and seen >= want:
                    break
            out.append(bound(i) if n else None)
        return out


def bound(i):
    return i if i < 16 else (16 + i % 16 + 1) << (i // 16 - 1)
