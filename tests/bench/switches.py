"""switches.py: weft, Open vSwitch and testpmd, each with the same driver plugged in.

All poll on one CPU. The one that is measured runs there in the real-time class, the others in the class for idle
time, so that neither they nor the machine's other work disturb it. (They aren't stopped: Open vSwitch's
revalidators would take the pause for slowness and allow fewer flows.)
"""
import atexit
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time

from page import Page

CPU, HOME_CPU = 1, 0
OVS = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def run(*words, seconds=300, **kw):
    p = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=seconds, **kw)
    if p.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))[:300]}: exit {p.returncode}: {(p.stdout + p.stderr)[-1500:]}")
    return p.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def mortal():
    """In a child: goes before others, and dies with the bench (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.nice(-15)


def until(what, condition, alive, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if not alive() or time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.01)


def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))


def where_eal_looks(plugin):
    """A copy where no folder on the way is open to all: EAL loads no driver from, say, below /tmp."""
    folder = "/run/weft-bench"
    os.makedirs(folder, mode=0o755, exist_ok=True)
    copy = os.path.join(folder, f"{os.getpid()}-{os.path.basename(plugin)}")
    shutil.copyfile(plugin, copy)
    atexit.register(lambda: os.path.exists(copy) and os.unlink(copy))
    return copy


class Hugepages:
    """So many pages of 2 MB more than there were, while it lasts."""
    path = "/proc/sys/vm/nr_hugepages"

    def __init__(self, pages):
        self.pages = pages

    def add(self, n):
        with turn_lock(), open(self.path, "r+", encoding="ascii") as f:
            wanted = max(0, int(f.read()) + n)
            f.seek(0)
            f.write(str(wanted))
            f.flush()
            f.seek(0)
            return int(f.read()) >= wanted

    def __enter__(self):
        if not self.add(self.pages):
            self.add(-self.pages)
            raise RuntimeError(f"the kernel gives no {self.pages} hugepages of 2 MB; free some memory")
        return self

    def __exit__(self, *_):
        self.add(-self.pages)


@contextlib.contextmanager
def turn_lock():
    """Another bench on the machine takes turns with this one: both want the same CPU for themselves."""
    with open("/run/lock/weft-bench", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


class Switch:
    """What the three have in common: a folder, a control page, processes, and who may have the CPU."""
    name = "?"

    def __init__(self, bench, case):
        self.bench, self.case = bench, case
        self.dir = os.path.join(bench.dir, self.name)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.page = Page(f"/dev/shm/weft-bench-{os.getpid()}-{self.name}")
        self.processes = []
        self.port = free_port()
        self.log = open(os.path.join(self.dir, "log"), "w", encoding="utf-8")
        self.cpu = CPU

    def devargs(self, n):
        return f"net_weftgen{n},page={self.page.path},port={n}"

    def spawn(self, *words, **kw):
        kw = {"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": subprocess.STDOUT} | kw
        if not self.bench.quiet:
            words, kw = ["taskset", "-c", HOME_CPU, *words], kw | {"preexec_fn": mortal}
        p = subprocess.Popen([str(w) for w in words], **kw)
        self.processes.append(p)
        return p

    def alive(self):
        return all(p.poll() is None for p in self.processes)

    def forget(self):
        """Drops what it remembers of other frames, before it gets new ones."""

    def tail(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-15:])

    def pid(self):
        return self.processes[-1].pid

    def up(self):
        """Starts it; an error tells the end of its log."""
        try:
            self.start()
            until("its polling thread", self.polling, self.alive)
        except Exception as e:
            raise RuntimeError(f"{self.name}: {e}\n{self.tail()}") from e
        self.pause()

    def polling(self):
        return self.threads() and all(self.page.tid(n) for n in self.case.files)

    def threads(self):
        """Those that poll, by the names that their program gives them."""
        def name(t):
            with open(f"/proc/{self.pid()}/task/{t}/comm", encoding="ascii") as f:
                return f.read()
        return [t for t in map(int, os.listdir(f"/proc/{self.pid()}/task")) if name(t).startswith(self.polls)]

    def pause(self):
        for t in () if self.bench.quiet else self.threads():
            os.sched_setscheduler(t, os.SCHED_IDLE, os.sched_param(0))

    def normal(self):
        """Neither first nor last in line: while rules are installed, say."""
        for t in self.threads():
            os.sched_setscheduler(t, os.SCHED_OTHER, os.sched_param(0))

    @contextlib.contextmanager
    def running(self):
        """The CPU is its own."""
        with turn_lock():
            for t in self.threads():
                os.sched_setscheduler(t, os.SCHED_FIFO, os.sched_param(1))
            try:
                yield
            finally:
                self.page.stop()
                self.pause()

    def waited_s(self):
        """Seconds that its polling thread was ready and others had its CPU."""
        with open(f"/proc/{self.pid()}/task/{self.threads()[0]}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[1]) / 1e9

    def rss(self):
        return status(self.pid(), "VmRSS")

    def down(self):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGCONT)
            p.send_signal(signal.SIGTERM)
        for p in reversed(self.processes):
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes = []
        self.page.close()
        self.log.close()

    def add_flows(self, path):
        run("ovs-ofctl", "-O", "OpenFlow13", "add-flows", f"tcp:127.0.0.1:{self.port}", path,
            seconds=60)


class Weft(Switch):
    name = "weft"
    polls = "weft-w"
    hugepages = "require"

    def config(self):
        ports = "".join(f'      - {{name: p{n}, type: dpdk, ofport: {n + 1}, mtu: {self.case.mtu}, devargs: "{self.devargs(n)}"}}\n'
                        for n in range(self.case.ports))
        workers = "{}" if self.bench.quiet else f"{{cpus: [{self.cpu}], busy_poll: true}}"
        return (f"workers: {workers}\n"
                f"memory: {{hugepages: {self.hugepages}, driver_path: {self.bench.plugin}, "
                f"mbuf_data_bytes: {self.case.mbuf_bytes}}}\n"
                f"bridges:\n  - name: br0\n    fail_mode: secure\n    fdb: {{size: {self.case.macs}, ageing_s: 3600}}\n"
                f'    controllers: ["ptcp:{self.port}:127.0.0.1"]\n    ports:\n{ports}')

    def start(self):
        path = os.path.join(self.dir, "weft.yaml")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.config())
        self.spawn(f"{self.bench.bin}/weftd", "--config", path, "--rundir", self.dir)
        until("its API socket", lambda: os.path.exists(self.dir + "/api.sock"), self.alive)
        if self.case.rules:
            self.add_flows(self.case.rules)

    def add_flows(self, path):
        """Its own client takes the same lines; the OpenFlow connection's rate is measured by itself (install.py)."""
        self.ctl("flow", "add", "br0", f"@{path}")

    def ctl(self, *words):
        return run(f"{self.bench.bin}/weftctl", "--rundir", self.dir, *words)


class WeftSmallPages(Weft):
    name = "weft-4k"
    hugepages = "no"


class Ovs(Switch):
    name = "ovs"
    polls = "pmd-c"

    def env(self):
        return os.environ | {"OVS_RUNDIR": self.dir, "OVS_LOGDIR": self.dir, "OVS_DBDIR": self.dir, "OVS_SYSCONFDIR": self.dir}

    def vsctl(self, *words):
        run("ovs-vsctl", f"--db=unix:{self.dir}/db.sock", *words, env=self.env())

    def appctl(self, *words):
        return run("ovs-appctl", "-t", f"{self.dir}/vswitchd.ctl", *words, env=self.env())

    def start(self):
        run("ovsdb-tool", "create", f"{self.dir}/conf.db", SCHEMA)
        self.spawn("ovsdb-server", f"{self.dir}/conf.db", f"--remote=punix:{self.dir}/db.sock", env=self.env())
        until("its database", lambda: os.path.exists(self.dir + "/db.sock"), self.alive)
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                   "other_config:dpdk-socket-mem=1024", f"other_config:pmd-cpu-mask={1 << self.cpu:x}",
                   f"other_config:dpdk-lcore-mask={1 << HOME_CPU:x}", "other_config:max-idle=600000",
                   f'other_config:dpdk-extra=-d {self.bench.plugin} --no-pci --no-telemetry --log-level=error')
        self.spawn(OVS, f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/vswitchd.ctl",
                   "-vconsole:off", f"--log-file={self.dir}/vswitchd.log", env=self.env())
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure",
                 f"other_config:mac-table-size={self.case.macs}", "other_config:mac-aging-time=3600",
                 "protocols=OpenFlow10,OpenFlow13,OpenFlow14"]
        for n in range(self.case.ports):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "Interface", f"p{n}", "type=dpdk",
                      f"ofport_request={n + 1}", f'options:dpdk-devargs="{self.devargs(n)}"',
                      f"mtu_request={self.case.mtu}"]
        words += ["--", "set-controller", "br0", f"ptcp:{self.port}:127.0.0.1"]
        self.vsctl(*words)
        if self.case.rules:
            self.add_flows(self.case.rules)

    def forget(self):
        self.appctl("revalidator/purge")

    def tail(self):
        path = f"{self.dir}/vswitchd.log"
        if not os.path.exists(path):
            return super().tail()
        with open(path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-25:])


class Testpmd(Switch):
    """The ceiling: it looks at nothing (io) or swaps two addresses (macswap)."""
    name = "testpmd"
    polls = "rte-worker"
    modes = ("io", "macswap")

    def start(self):
        ports = [w for n in range(2) for w in ("--vdev", self.devargs(n))]
        self.spawn("stdbuf", "-oL", "dpdk-testpmd", "-l", f"{HOME_CPU},{self.cpu}", f"--main-lcore={HOME_CPU}", "--in-memory", "--no-pci",
                   "--no-telemetry", "-m", 512, "--log-level=error", "-d", self.bench.plugin, *ports, "--", "-i",
                   "--nb-cores=1", "--total-num-mbufs=16384", f"--mbuf-size={self.case.mbuf_bytes}", stdin=subprocess.PIPE, text=True)
        self.mode("io")

    def say(self, line):
        p = self.processes[-1]
        p.stdin.write(line + "\n")
        p.stdin.flush()

    def mode(self, name):
        started = self.starts()
        for line in ("stop", f"set fwd {name}", "start"):
            self.say(line)
        until("testpmd to forward", lambda: self.starts() > started, self.alive)

    def starts(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read().count("packet forwarding - ports=")

    def add_flows(self, path):
        pass
