"""OpenFlow over TLS: ovs-ofctl and ovs-testcontroller on the other end, certificates on both."""
import socket
import subprocess

import pytest

from house import free_port, run, until


class Authority:
    """Who signs certificates of `folder`."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        folder.mkdir(exist_ok=True)
        self.make(name, None)

    def file(self, name, kind):
        return str(self.folder / f"{name}.{kind}")

    def make(self, name, by):
        key, cert = self.file(name, "key"), self.file(name, "pem")
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        subject = ["-subj", f"/CN={name}"]
        if by is None:
            run("openssl", "req", "-x509", "-new", "-key", key, "-days", "2", "-out", cert, *subject)
            return
        request = self.file(name, "csr")
        run("openssl", "req", "-new", "-key", key, "-out", request, *subject)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.file(by, "pem"), "-CAkey", self.file(by, "key"),
            "-CAcreateserial", "-days", "2", "-out", cert)

    def signed(self, name):
        self.make(name, self.name)
        return self

    def ovs(self, name):
        return ["-p", self.file(name, "key"), "-c", self.file(name, "pem"), "-C", self.file(self.name, "pem")]


@pytest.fixture
def ca(tmp_path):
    return Authority(tmp_path / "pki", "authority").signed("weft").signed("client")


def config(ca, target):
    return (f"tls: {{private_key: {ca.file('weft', 'key')}, certificate: {ca.file('weft', 'pem')}, "
            f"ca_cert: {ca.file('authority', 'pem')}}}\n"
            f'bridges:\n  - name: br0\n    controllers: ["{target}"]\n')


def show(ca, name, port, more=()):
    return run("ovs-ofctl", "-O", "OpenFlow13", *ca.ovs(name), *more, "show", f"ssl:127.0.0.1:{port}", check=False)


def test_who_has_a_certificate_may_come_in(house, ca, tmp_path):
    port = free_port()
    w = house.weft(config(ca, f"pssl:{port}:127.0.0.1"))
    assert "n_tables:254" in show(ca, "client", port)
    stranger = Authority(tmp_path / "other", "authority").signed("client")
    run("cp", ca.file("authority", "pem"), stranger.file("authority", "pem"))  # it trusts us; we don't it
    assert "n_tables" not in show(stranger, "client", port)
    assert "n_tables" not in run("ovs-ofctl", "-O", "OpenFlow13", "show", f"tcp:127.0.0.1:{port}", check=False)
    bare = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1"], input="", text=True,
                          capture_output=True, timeout=20)
    assert "New, (NONE)" in bare.stdout + bare.stderr or bare.returncode != 0
    assert "n_tables:254" in show(ca, "client", port)
    assert w.api("controller", "show")[0]["controllers"][0]["last_error"]


def test_a_renewed_certificate_is_used_from_the_next_connection_on(house, ca, tmp_path):
    port = free_port()
    house.weft(config(ca, f"pssl:{port}:127.0.0.1"))
    assert "n_tables:254" in show(ca, "client", port)
    later = Authority(tmp_path / "later", "authority").signed("weft").signed("client")
    assert "n_tables" not in show(later, "client", port)
    for name in ("weft.key", "weft.pem", "authority.pem"):
        run("cp", str(tmp_path / "later" / name), str(tmp_path / "pki" / name))
    until("the new authority is believed", lambda: "n_tables:254" in show(later, "client", port))


def test_weft_connects_and_says_how(house, ca):
    port = free_port()
    house.process("ovs-testcontroller", "--pidfile=" + ca.file("tc", "pid"), "--unixctl=" + ca.file("tc", "ctl"),
                  *ca.ovs("client"), f"pssl:{port}:127.0.0.1")
    w = house.weft(config(ca, f"ssl:127.0.0.1:{port}"))

    def state():
        return w.api("controller", "show")[0]["controllers"][0]
    until("it is connected", lambda: state()["state"] == "connected")
    assert state()["tls"].startswith("TLSv1.") and "CN=client" in state()["tls"]
    assert state()["version"] in ("1.0", "1.3", "1.4", "1.5")
    assert "CN=client" in w.ctl("controller", "show")


def test_half_open_connections_hold_nobody_up_and_end(house, ca):
    port = free_port()
    w = house.weft(config(ca, f"pssl:{port}:127.0.0.1"))
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
    assert "n_tables:254" in show(ca, "client", port)
    for s in silent:
        s.settimeout(20)
        assert s.recv(1) == b""
    assert len(w.api("controller", "show")[0]["controllers"]) == 1


def test_keys_are_asked_for(house, tmp_path):
    w = house.weft("bridges:\n  - name: br0\n")
    assert "needs tls: {private_key" in w.ctl("bridge", "set", "br0", "controllers=pssl:6653", code=1)
