"""A device for one dialogue: the Linux process or native_sim, with its own folder and ports."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import tty
from pathlib import Path

from .line import Line

NETWORKS = Path(__file__).resolve().parents[2] / "transcripts" / "networks"
#: Seconds in which a device starts or ends; generous, for busy machines.
PATIENCE = 15.0

_given = set()
_giving = threading.Lock()


def free_port():
    """A port of the loopback interface, free for TCP and UDP, that was not given out before."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        with _giving:
            if port not in _given:
                _given.add(port)
                return port


class Place:
    """A device that can be restarted on the same flash."""

    def __init__(self, program):
        self.program = Path(program).resolve()
        self.native_sim = self.program.name == "zephyr.exe"
        self.holder = tempfile.TemporaryDirectory(prefix="openzentri-host-", ignore_cleanup_errors=True)
        self.folder = Path(self.holder.name)
        self.http_port = free_port()
        self.process = None
        self.line = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.holder.cleanup()

    def prepare(self, settings):
        """Starts the device, sets and saves variables as the owner; then restarts it for the host."""
        self.start({"http.server.port": self.http_port} | settings)
        self.settle()
        self.line.send(b"save\r\n")
        self.line.until(b"Success\r\n", PATIENCE)
        self.stop()
        self.start({})
        self.settle()

    def start(self, settings):
        """Starts the process and opens its terminal."""
        link = self.folder / "uart"
        link.unlink(missing_ok=True)
        log = self.log()
        with open(log, "wb") as messages:
            self.process = subprocess.Popen(
                self.arguments(link, settings), stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
                cwd=self.folder,
            )
        deadline = time.monotonic() + PATIENCE
        while not link.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the device does not start: {log.read_text('utf-8', 'replace')}")
            time.sleep(0.005)
        fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        # Keeps what was printed already.
        tty.setraw(fd, 0)
        self.line = Line(fd)

    def log(self):
        """The file for the messages of the process."""
        return self.folder / "messages"

    def arguments(self, link, settings):
        """The command line."""
        given = [f"{name}={value}" for name, value in settings.items()]
        if self.native_sim:
            return [self.program, f"--command_uart_pty={link}"] + [f"--set={word}" for word in given]
        line = [self.program, "--data", self.folder / "data", "--serial", f"pty:{link}", "--radio", NETWORKS]
        for word in given:
            line += ["--set", word]
        return line

    def settle(self):
        """Waits until the device prints nothing more by itself; drops what it has printed.

        Zephyr's DHCP client is silent for a second before its first message.
        """
        self.line.quiet(1.6 if self.native_sim else 0.35, 5.0)
        self.line.forget()

    def stop(self):
        """Ends the process."""
        if self.line is not None:
            self.line.close()
            self.line = None
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            if "panicked" in self.log().read_text("utf-8", "replace"):
                raise RuntimeError("the device has panicked")
