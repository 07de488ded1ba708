"""weftctl and weftd together: what is asked is done, shown, saved, and refused with the right exit code."""
import json
import os
import signal
import subprocess

import pytest

BIN = os.path.join(os.environ.get("BUILD", "build/release"), "bin")
CONFIG = """bridges:
  - name: br0
    ports:
      - {name: p1, type: "null", tag: 10}
      - {name: p2, type: "null"}
"""


class Weft:
    """A weftd in a directory of its own."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.config = self.folder + "/weft.yaml"
        self.daemon = None
        with open(self.config, "w") as f:
            f.write(CONFIG)

    def start(self):
        self.daemon = subprocess.Popen(
            [BIN + "/weftd", "--config", self.config, "--rundir", self.folder + "/run"],
            stderr=subprocess.PIPE, text=True)
        log = []
        for line in self.daemon.stderr:
            log.append(line)
            if "ready" in line:
                return
        pytest.fail("weftd did not start:\n" + "".join(log))

    def stop(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        self.daemon.stderr.read()
        code = self.daemon.wait(timeout=10)
        self.daemon.stderr.close()
        return code

    def ctl(self, *words, code=0, stdin=""):
        p = subprocess.run([BIN + "/weftctl", "--rundir", self.folder + "/run", *words],
                           capture_output=True, text=True, input=stdin, timeout=60)
        assert p.returncode == code, f"{words}: {p.returncode}\n{p.stdout}{p.stderr}"
        return p.stdout + p.stderr

    def api(self, *words):
        return json.loads(self.ctl("--json", *words))


@pytest.fixture
def weft(tmp_path):
    w = Weft(tmp_path)
    w.start()
    yield w
    if w.daemon.poll() is None:
        w.stop()


def test_changes_are_shown(weft):
    weft.ctl("port", "add", "br0", "p3", "type=null", "trunks=10,20-29", "mtu=2000")
    port = weft.api("port", "show", "p3")[0]
    assert port["mtu"] == 2000 and port["vlan"]["trunks"] == ["10", "20-29"]
    assert "trunk 10,20-29" in weft.ctl("port", "show")
    weft.ctl("port", "set", "p3", "tag=7", "trunks=")
    assert "p3 (3): null, tag 7" in weft.ctl("show")
    weft.ctl("flow", "add", "br0", "priority=7,in_port=p3,actions=output:p1")
    assert "in_port=p3 actions=output:p1" in weft.ctl("flow", "dump", "br0", "in_port=p3")
    weft.ctl("fdb", "add", "br0", "02:00:00:00:00:01", "7", "p3")
    assert "static" in weft.ctl("fdb", "show", "br0", "vlan=7")
    weft.ctl("packet-out", "br0", "controller", "output:p2", "ffffffffffff02000000000188b50000")
    assert weft.api("port", "show", "p2")[0]["counters"]["tx_packets"] == 1


def test_changes_survive_kill_9(weft):
    weft.ctl("port", "add", "br0", "p3", "type=null", "tag=3")
    weft.ctl("flow", "add", "br0", "arp,actions=drop")
    weft.ctl("bridge", "add", "br1", "fail_mode=secure")
    before = weft.ctl("config", "show")
    weft.stop(signal.SIGKILL)
    assert "no weftd answers" in weft.ctl("show", code=3)
    weft.start()  # the dead one's socket and lock are in the way of nobody
    assert weft.ctl("config", "show") == before
    assert "arp actions=drop" in weft.ctl("flow", "dump", "br0")


def test_refusals_have_their_exit_codes(weft):
    assert "p9: no such port" in weft.ctl("port", "del", "p9", code=1)
    assert "68..9216" in weft.ctl("port", "set", "p1", "mtu=7", code=1)
    assert "did you mean" in weft.ctl("port", "ad", "br0", "p", code=2)
    assert "frob" in weft.ctl("flow", "add", "br0", "actions=frob", code=1)
    error = json.loads(subprocess.run(
        [BIN + "/weftctl", "--rundir", weft.folder + "/run", "--json", "bridge", "del", "br7"],
        capture_output=True, text=True).stdout)
    assert error["code"] == "ENOENT"


def test_a_long_list_of_flows_goes_in_pieces(weft):
    flows = [f"priority=5,ip,nw_dst=10.0.{i // 256}.{i % 256},actions=output:p1" for i in range(4500)]
    assert "4500 flows applied" in weft.ctl("flow", "add", "br0", "-", stdin="\n".join(flows))
    assert weft.api("table", "show", "br0")[0]["tables"][0]["flows"] >= 4500
    bad = "\n".join(flows[:3000] + ["actions=frob"])
    assert "nothing was changed" in weft.ctl("flow", "del", "br0", "-", stdin=bad, code=1)
    out = weft.ctl("flow", "replace", "br0", "-", stdin="\n".join(["# two", flows[0], flows[1]]))
    assert "0 added" in out and "bridge br0 has 2" in out
    assert len(weft.api("flow", "dump", "br0")["flows"]) == 2


def test_a_reload_applies_the_file_or_says_where_it_is_wrong(weft):
    with open(weft.config, "w") as f:
        f.write(CONFIG.replace("tag: 10", "tag: 11"))
    weft.ctl("reload")
    assert weft.api("port", "show", "p1")[0]["vlan"]["tag"] == 11
    with open(weft.config, "w") as f:
        f.write(CONFIG.replace("tag: 10", "tag: 5000"))
    assert "weft.yaml:4" in weft.ctl("reload", code=1)
    assert weft.api("port", "show", "p1")[0]["vlan"]["tag"] == 11


def test_figures_have_tables_and_json(weft):
    assert "RX PPS" in weft.ctl("stats", "--interval", "0.1")
    assert "CYCLES/PACKET" in weft.ctl("perf", "--interval", "0.1")
    assert weft.api("stats")["ports"][0]["name"] == "p1"
    watch = subprocess.Popen([BIN + "/weftctl", "--rundir", weft.folder + "/run", "--json", "stats",
                              "--watch", "0.05"], stdout=subprocess.PIPE, text=True)
    times = [json.loads(watch.stdout.readline())["time_ns"] for _ in range(3)]
    watch.kill()
    watch.communicate()
    assert times == sorted(times) and times[0] < times[2]
    assert "nothing was dropped" in weft.ctl("drops")
    assert "tx-full" in weft.ctl("drops", "all")


def test_bash_completes_names_and_keys(weft):
    script = """
    weftctl() { "$BIN/weftctl" --rundir "$RUN" "$@"; }
    compopt() { :; }
    source <(weftctl completion bash)
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=$(($(wc -w <<< "$1") - 1))
    [[ $1 == *' ' ]] && COMP_WORDS+=("") && COMP_CWORD=$((COMP_CWORD + 1))
    _weftctl; echo "${COMPREPLY[*]}"
    """
    def complete(line):
        env = dict(os.environ, BIN=BIN, RUN=weft.folder + "/run")
        return subprocess.run(["bash", "-c", script, "bash", line], env=env, capture_output=True,
                              text=True, timeout=20).stdout.split()
    assert complete("weftctl po") == ["port"]
    assert complete("weftctl port del p") == ["p1", "p2"]
    assert complete("weftctl flow add ") == ["br0"]
    assert "tag=" in complete("weftctl port set p1 t")
    assert "vhost-user" in " ".join(complete("weftctl port add br0 p9 type="))


def test_a_second_weftd_leaves_the_first_alone(weft):
    second = subprocess.run([BIN + "/weftd", "--config", weft.config, "--rundir", weft.folder + "/run"],
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "bridge br0" in weft.ctl("show")
