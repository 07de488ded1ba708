"""guest.py: a small Linux guest under QEMU without KVM, with a vhost-user NIC.

Debian's cloud kernel, a busybox initramfs with the closure of virtio_net's modules, and a shell on the
serial console that a test talks to: a command's end is a marker line, so nothing sleeps.
"""
import glob
import itertools
import os
import subprocess
import tempfile

from house import Process

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in $(cat /modules); do insmod /$m; done
ip link set lo up
stty -echo
echo guest-is-up
exec sh
"""
marks = itertools.count(1)


def closure(kernel, *names):
    """Files of the modules and of what they need, in the order to load them."""
    root, needs = f"/lib/modules/{kernel}/", {}
    with open(root + "modules.dep") as f:
        for line in f:
            module, _, wanted = line.partition(":")
            needs[module] = wanted.split()
    order = []

    def add(module):
        for n in reversed(needs[module]):
            add(n)
        if module not in order:
            order.append(module)
    for name in names:
        for module in needs:
            if os.path.basename(module).split(".ko")[0] == name:
                add(module)
    return [root + m for m in order]


def initramfs(kernel, out):
    with tempfile.TemporaryDirectory() as d:
        for folder in ("bin", "proc", "sys", "dev", "tmp"):
            os.mkdir(f"{d}/{folder}")
        subprocess.run(["cp", "/bin/busybox", d + "/bin/busybox"], check=True)
        modules = closure(kernel, "virtio_pci", "virtio_net")
        for m in modules:
            subprocess.run(["cp", m, d], check=True)
        with open(d + "/modules", "w") as f:
            f.write("\n".join(os.path.basename(m) for m in modules) + "\n")
        with open(d + "/init", "w") as f:
            f.write(INIT)
        os.chmod(d + "/init", 0o755)
        subprocess.run(f"cd {d} && find . | cpio -o -H newc --quiet | gzip -1 > {out}", shell=True, check=True)


class Guest(Process):
    def __init__(self, folder, number, socket, server, more=(), device=""):
        """server: QEMU listens on the socket, else it connects, again and again."""
        kernel = sorted(glob.glob("/boot/vmlinuz-*cloud*"))[-1]
        image = os.path.join(str(folder), "initramfs.gz")
        if not os.path.exists(image):
            initramfs(kernel.split("vmlinuz-")[1], image)
        how = "server=on,wait=off" if server else "reconnect=1"
        super().__init__(
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "192", "-nographic", "-nodefaults", "-no-reboot",
            "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
            "-object", "memory-backend-memfd,id=mem,size=192M,share=on", "-numa", "node,memdev=mem",
            "-chardev", f"socket,id=c0,path={socket},{how}", "-netdev", "vhost-user,id=n0,chardev=c0",
            "-device", f"virtio-net-pci,netdev=n0,vectors=0,mac=02:00:00:00:77:0{number}{device}",
            "-serial", "stdio", *more, stdin=subprocess.PIPE)
        self.ip = f"10.0.0.{number}"

    def ready(self):
        self.wait_for("guest-is-up", 90)
        self.sh(f"ip addr add {self.ip}/24 dev eth0 && ip link set eth0 up")
        return self

    def sh(self, command, seconds=60):
        """Runs it; returns (exit status, output)."""
        mark = f"mark{next(marks)}"
        start = len(self.lines)
        self.p.stdin.write(f"{command}; echo {mark}-$?-\n")
        self.p.stdin.flush()
        line = self.wait_mark(mark, seconds)
        return int(line.split("-")[1]), "\n".join(self.lines[start:])

    def wait_mark(self, mark, seconds):
        """The marker with a number in it: an echo of the command has $? there."""
        def hit():
            return next((x[x.index(mark + "-"):] for x in self.lines
                         if mark + "-" in x and "$?" not in x[x.index(mark + "-"):]), None)
        with self.seen:
            assert self.seen.wait_for(hit, seconds), "the guest does not answer:\n" + "\n".join(self.lines[-30:])
            return hit()

    def pings(self, ip, seconds=10):
        return self.sh(f"ping -q -c 2 -W {seconds} {ip}")[0] == 0
