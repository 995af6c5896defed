"""What is fetched, and from which servers: the device and its peers."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Name of a row's group, path on the device, bytes of the file behind it (none for the command).
TARGETS = [("version", "/command/version", 0), ("1 kB file", "/1k.bin", 1000), ("100 kB file", "/100k.bin", 100_000)]


@dataclass
class Server:
    """An HTTP server on a port of this machine."""

    name: str
    port: int
    #: Paths of its own, which are measured in place of those of the device.
    paths: list = field(default_factory=list)
    #: Faults of a peer are reported; those of the device end the run.
    is_peer: bool = True

    def places(self, target):
        """The paths to be measured for one of `TARGETS`, each with the name of its row."""
        name, path, _ = target
        if not self.paths:
            return [(self.name, path)]
        # A peer's own paths are listed beside the smallest answer of the device.
        return [(f"{self.name} {path}", path) for path in self.paths] if name == "version" else []


def await_port(port, process=None, messages=None):
    """Waits until something listens; if the process ends instead, prints its messages."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline or (process and process.poll() is not None):
                said = messages.read_text("utf-8", "replace") if messages else ""
                sys.exit(f"benches/run: nothing listens on port {port}\n{said}")
            time.sleep(0.05)


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peers:
    """Processes of peers, which end with this."""

    def __init__(self):
        self.servers = []
        self._running = {}
        self._folder = tempfile.TemporaryDirectory(prefix="openzentri-bench-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._running.values():
            process.kill()
            process.wait()
        self._folder.cleanup()

    def start(self, command, port):
        """Starts a process once, and waits for its port."""
        if (command, port) in self._running:
            return
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"benches/run: something listens on port {port} already")
        self._running[(command, port)] = subprocess.Popen(
            shlex.split(command), cwd=self._folder.name, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await_port(port)

    def add(self, specification):
        """A peer given as COMMAND:PORT or COMMAND:PORT/PATH."""
        command, _, place = specification.rpartition(":")
        port, slash, path = place.partition("/")
        words = shlex.split(command)
        if not words or not port.isdigit():
            sys.exit(f"benches/run: no peer: {specification!r} (COMMAND:PORT or COMMAND:PORT/PATH)")
        words[0] = os.path.abspath(words[0]) if os.sep in words[0] else words[0]
        self.start(shlex.join(words), int(port))
        # A Zephyr executable is best identified by the folder of its build.
        program = Path(words[0])
        name = program.parent.parent.name if program.name == "zephyr.exe" else program.name
        known = next((server for server in self.servers if (server.name, server.port) == (name, int(port))), None)
        server = known or Server(name, int(port))
        if slash:
            server.paths.append("/" + path)
        if not known:
            self.servers.append(server)

    def add_picoserve(self, length):
        """The peer that is built from this repository; nothing when that is not possible here."""
        folder = ROOT / "benches" / "peers" / "picoserve"
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        if subprocess.run(["cargo", "build", "--release", "--locked"], cwd=folder, env=environment).returncode != 0:
            print("picoserve could not be built here; --no-peers leaves it out", flush=True)
            return
        port = free_port()
        self.start(f"{folder}/target/release/picoserve-peer {port} {length}", port)
        self.servers.append(Server("picoserve (Linux)", port))
