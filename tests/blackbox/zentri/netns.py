"""Network namespaces that a test makes itself: a device and a peer, joined by cables, apart from the machine's network."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NEEDED = ("ip", "dnsmasq", "curl", "ping", "udhcpc")


def missing():
    """Why namespaces cannot be used here; None when they can."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"oz{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    return f"no network namespaces here: {made.stderr.strip()}" if made.returncode else None


class Lab:
    """Two namespaces, `device` and `peer`; `cable` lays a cable between them."""

    def __init__(self):
        self.device, self.peer = (f"oz{os.getpid()}-{end}" for end in ("device", "peer"))
        self.folder = Path(tempfile.mkdtemp(prefix="openzentri-lab-"))
        self.processes = []

    def __enter__(self):
        for name in (self.device, self.peer):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            stop(process)
        for name in (self.device, self.peer):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def cable(self, here, there, address=None):
        """Lays a cable from interface `here` of the device to `there` of the peer, which gets this address and mask."""
        run("ip", "-n", self.device, "link", "add", here, "type", "veth", "peer", "name", there, "netns", self.peer)
        self.raise_peer(there, address)

    def raise_peer(self, there, address=None):
        """Takes an interface of the peer into use, with this address and mask."""
        run("ip", "-n", self.peer, "link", "set", there, "up")
        if address:
            run("ip", "-n", self.peer, "address", "add", address, "dev", there)

    def at_device(self, *command):
        """The command line that runs a command in the device's namespace."""
        return ["ip", "netns", "exec", self.device, *command]

    def at_peer(self, *command, timeout=20):
        """Runs a command in the peer's namespace and answers its output; if it fails, the test fails."""
        line = ["ip", "netns", "exec", self.peer, *command]
        done = subprocess.run(line, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{line}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout

    def start_at_peer(self, *command):
        """Starts a program in the peer's namespace; it ends with the lab."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.peer, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def dnsmasq(self, interface, first, last, *options):
        """Starts a DHCP and DNS server for these addresses. Leases last two minutes, the minimum of dnsmasq."""
        leases = self.folder / "leases"
        return self.start_at_peer(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
            "--bind-interfaces", f"--interface={interface}", "--except-interface=lo", f"--dhcp-range={first},{last},2m",
            f"--dhcp-leasefile={leases}", "--dhcp-authoritative", "--no-ping", *options)


def stop(process):
    """Ends a process and waits for its end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def run(*command):
    """Runs a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def until(what, probe, seconds):
    """Calls `probe` again and again until its answer is true; returns that answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = probe()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"no {what} within {seconds} s")
