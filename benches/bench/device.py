"""The device that is measured: the Linux process, or another build that is started in the same way."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from zentri import Device, Machine, Rest, free_port

from .targets import ROOT, TARGETS, await_port

SETTINGS = {
    "http.server.enabled": "1",
    "wlan.auto_join.enabled": "1",
    "system.cmd.mode": "machine",
    "system.print_level": "0",
}


def build():
    """Builds the release; returns the path of the program."""
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (target / "release" / "openzentri").resolve()


class Linux:
    """The Linux process with a pseudo-terminal as its UART."""

    def __init__(self, program):
        os.environ["OPENZENTRI_BIN"] = str(program)
        self.name = "openzentri"
        self.uart = "pseudo-terminal"
        self._device = Device(settings=SETTINGS)

    def __enter__(self):
        self._device.start()
        self._device.wait_http()
        self.port = self._device.http_port
        self.line = self._device.machine()
        return self

    def __exit__(self, *_):
        self._device.close()


class Program:
    """A native_sim executable, with its UART on a pseudo-terminal and flash of its own."""

    def __init__(self, program, port, arguments):
        self.name = "openzentri (native_sim)"
        self.uart = "pseudo-terminal"
        self.port = port or free_port()
        settings = SETTINGS | {"http.server.port": self.port}
        self._command = [os.path.abspath(program), *(f"--set={name}={value}" for name, value in settings.items())]
        self._arguments = arguments

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="openzentri-bench-")
        folder = Path(self._folder.name)
        link = folder / "uart"
        with open(folder / "messages", "wb") as messages:
            self._process = subprocess.Popen(
                [*self._command, f"--command_uart_pty={link}", *self._arguments],
                stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd=folder,
            )
        await_port(self.port, self._process, folder / "messages")
        self.line = Machine.pty(link)
        self.line.sync()
        self.line.wait_text("get wlan.network.status", "2")
        return self

    def __exit__(self, *_):
        self.line.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def put_files(place):
    """Puts the files of the measurement on the device, through its UART."""
    for _, path, size in TARGETS:
        if size:
            place.line.ok(f"file_create {path.strip('/')} {size}", b"x" * size, seconds=60)


def version_length(place):
    """Bytes of the answer to `GET /command/version`."""
    _, _, body = Rest(place.port).open("/command/version")
    return len(body)


def stream_piece(place):
    """Bytes that the device can certainly take at once as a message, and give at once as an answer."""
    if place.line.command("set http.server.metrics_enabled 1").code != 0:
        # An old build. Every build takes at least this.
        return 240
    _, _, body = Rest(place.port).open("/metrics")
    sizes = re.findall(r"openzentri_stream_buffer_size_bytes\{[^}]*\} (\d+)", body.decode())
    streams = int(re.search(r"openzentri_streams_limit (\d+)", body.decode())[1])
    return min([60_000, *(int(size) // streams - 16 for size in sizes)])
