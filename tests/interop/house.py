"""house.py: a weftd and namespaces for a test, in a folder and under names of their own; gone afterwards."""
import itertools
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

BIN = os.path.join(os.environ.get("BUILD", "build/release"), "bin")
serial = itertools.count(1)
# Open vSwitch's tools want a place for a control socket; its service may never have made theirs.
os.environ["OVS_RUNDIR"] = tempfile.gettempdir()


def run(*words, check=True, timeout=60, **kw):
    p = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=timeout, **kw)
    assert not check or p.returncode == 0, f"{words}: exit {p.returncode}\n{p.stdout}{p.stderr}"
    return p.stdout + p.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, condition, seconds=20):
    """Waits for something that sends no event, looking often; fails by name."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


class Process:
    """A program whose lines a test waits for."""

    def __init__(self, *words, **kw):
        self.lines, self.seen = [], threading.Condition()
        self.p = subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  **kw)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            with self.seen:
                self.lines.append(line.rstrip("\n"))
                self.seen.notify_all()

    def wait_for(self, text, seconds=20):
        """The first line with text in it; they may already be there."""
        def hit():
            return next((line for line in self.lines if text in line), None)
        with self.seen:
            assert self.seen.wait_for(hit, seconds), f'no "{text}" in:\n' + "\n".join(self.lines[-40:])
            return hit()

    def stop(self, how=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(how)
        code = self.p.wait(timeout=20)
        self.reader.join(5)
        return code


class Weft:
    def __init__(self, folder, config):
        self.folder = os.path.join(str(folder), f"weft{next(serial)}")
        os.makedirs(self.folder)
        self.config = self.folder + "/weft.yaml"
        self.daemon, self.stopped = None, False
        self.write(config)

    def write(self, config):
        with open(self.config, "w") as f:
            f.write(config)

    def start(self):
        self.daemon = Process(BIN + "/weftd", "--config", self.config, "--rundir", self.folder + "/run")
        self.stopped = False
        self.daemon.wait_for("weftd: ready")
        return self

    def stop(self, how=signal.SIGTERM):
        """The one way for a test to end its weftd; if it was dead before, that is no end of the test's making."""
        self.stopped = self.daemon.p.poll() is None
        return self.daemon.stop(how)

    def end(self):
        """Stops what runs. None when all is well; else how it died, in words."""
        if self.stopped:
            return None
        died = self.daemon.p.poll() is not None
        code = self.daemon.stop()
        if not died and code == 0:
            return None
        last = "\n".join(self.daemon.lines[-20:])
        return f"{self.folder}: weftd {'died by itself' if died else 'was stopped'}, exit code {code}; its last lines:\n{last}"

    def ctl(self, *words, code=0):
        p = subprocess.run([BIN + "/weftctl", "--rundir", self.folder + "/run", *map(str, words)], capture_output=True,
                           text=True, timeout=60)
        assert p.returncode == code, f"{words}: {p.returncode}\n{p.stdout}{p.stderr}"
        return p.stdout + p.stderr

    def api(self, *words):
        return json.loads(self.ctl("--json", *words))

    def proc(self, name):
        with open(f"/proc/{self.daemon.p.pid}/{name}") as f:
            return f.read()

    def rss_kb(self):
        return int(self.proc("status").split("VmRSS:")[1].split()[0])

    def fds(self):
        return len(os.listdir(f"/proc/{self.daemon.p.pid}/fd"))


class Vm:
    """A namespace; weft puts a tap into it, or it has one end of a veth."""

    def __init__(self, number):
        self.ns = f"wt{os.getpid()}x{next(serial)}"
        self.ip = f"10.0.0.{number}"
        run("ip", "netns", "add", self.ns)
        run("ip", "-n", self.ns, "link", "set", "lo", "up")
        self.sh("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")

    def sh(self, *words, **kw):
        return run("ip", "netns", "exec", self.ns, *words, **kw)

    def popen(self, *words, **kw):
        return Process("ip", "netns", "exec", self.ns, *words, **kw)

    def up(self, dev="eth0"):
        self.sh("ip", "addr", "replace", self.ip + "/24", "dev", dev)
        self.sh("ip", "link", "set", dev, "up")
        return self

    def veth(self):
        """A veth pair; returns the name of the end outside."""
        outside = f"v{os.getpid()}x{next(serial)}"[:15]
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.ns)
        run("ip", "link", "set", outside, "up")
        return outside

    def pings(self, ip, count=2, wait=2):
        p = subprocess.run(["ip", "netns", "exec", self.ns, "ping", "-q", "-c", str(count), "-i", "0.05", "-W", str(wait),
                            ip], capture_output=True, text=True)
        return p.returncode == 0

    def serve(self):
        s = self.popen("iperf3", "-s", "-1", "--forceflush")
        s.wait_for("Server listening")
        return s

    def iperf(self, ip, *more):
        return json.loads(self.sh("iperf3", "-c", ip, "-J", *more))["end"]

    def gone(self):
        run("ip", "netns", "del", self.ns, check=False)
