"""A device process with a data folder of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .rest import Rest
from .serial import Console, Machine

#: How long a device may take to start or to stop, in seconds. Generous: the test machines are small and shared.
PATIENCE = 10.0


def native_sim():
    """The program of Zephyr's simulated board, if that is to be tested: $OPENZENTRI_NATIVE_SIM."""
    return os.environ.get("OPENZENTRI_NATIVE_SIM")


class StartFailed(Exception):
    """The process ended instead of starting."""

    def __init__(self, code, stderr):
        super().__init__(f"exit code {code}: {stderr.strip()}")
        self.code = code
        self.stderr = stderr


def binary():
    """The program under test: $OPENZENTRI_BIN, or the newest build of this tree."""
    given = os.environ.get("OPENZENTRI_BIN")
    if given:
        return Path(given)
    root = Path(__file__).resolve().parents[3]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    built = [target / kind / "openzentri" for kind in ("debug", "release")]
    built = [path for path in built if path.exists()]
    if not built:
        raise RuntimeError("no openzentri binary: run `cargo build` first, or set OPENZENTRI_BIN")
    return max(built, key=lambda path: path.stat().st_mtime)


_given = set()


def free_port(kind=socket.SOCK_STREAM):
    """A port of the loopback interface that is unused now, and that this function has not given out before."""
    while True:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


class Device:
    """One device. `start` and `stop` may alternate; the data folder stays until `close`."""

    #: This machine, as the device reaches it: by address, and by a name if it has one.
    here = "127.0.0.1"
    here_by_name = "localhost"
    #: Factor by which data is slower than with the Linux process.
    slowness = 1
    #: Whether the device reads bytes that a peer has sent right before it reset the connection.
    reads_last_words = True
    #: Whether messages of a handshake may be spread over records, in the extreme case one byte per record.
    joins_records = True
    #: Whether clients support features that only some TLS libraries have: TLS 1.2, and own certificates for RSA.
    has_tls_1_2 = True
    #: Bytes of the longest WebSocket message that one command sends.
    longest_message = 65_531
    #: The line in which the process announces its serial line.
    announcement = r"(?m)^serial (\S+)$"

    def __init__(self, settings=None, serial="pty", machine=True, arguments=(), http=True):
        self.folder = Path(tempfile.mkdtemp(prefix="openzentri-test-"))
        self.data = self.folder / "data"
        self.link = self.folder / "uart"
        self.http_port = free_port() if http else None
        self.settings = dict(settings or {})
        self.serial = serial
        self.machine_mode = machine
        self.arguments = list(arguments)
        if "embedded" in (*self.arguments, os.environ.get("OPENZENTRI_TLS_CLIENT")):
            self.joins_records = self.has_tls_1_2 = False
        self.process = None
        self._lines = []
        self._log = self.folder / "stderr"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def command_line(self):
        """The arguments that start this device."""
        place = {"pty": f"pty:{self.link}"}.get(self.serial, self.serial)
        line = [str(binary()), "--data", str(self.data), "--serial", place]
        for setting in self.all_settings():
            line += ["--set", setting]
        return line + self.arguments

    def all_settings(self):
        """All settings for the start, each as `name=value`."""
        settings = dict(self.settings)
        if self.http_port is None:
            settings.setdefault("http.server.enabled", "0")
        else:
            settings.setdefault("http.server.port", self.http_port)
        if self.machine_mode:
            settings.setdefault("system.cmd.mode", "machine")
        return [f"{name}={value}" for name, value in settings.items()]

    def start(self, wait=True):
        """Starts the process and waits until its serial line exists."""
        assert self.process is None, "it runs already"
        with open(self._log, "ab") as log:
            self._log_start = log.tell()
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                self.command_line(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        if wait:
            self._await_line()
        return self

    def _await_line(self):
        """Waits for the announcement. A link alone proves nothing: that of a killed device may lead to another one."""
        deadline = time.monotonic() + PATIENCE
        while self.serial == "pty":
            said = re.search(self.announcement, self.stderr())
            if said and self.link.is_symlink() and os.readlink(self.link) == said[1]:
                return
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError("the pseudo-terminal did not appear")
            time.sleep(0.005)

    def expose(self, port):
        """Lets this machine reach a TCP port of a device that has an address of its own elsewhere."""

    def check_alive(self):
        """Fails when the process has ended."""
        code = self.process.poll()
        if code is not None:
            self.process = None
            raise StartFailed(code, self.stderr())

    def stderr(self):
        """The output of the process since its last start."""
        with open(self._log, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def wait(self, seconds=PATIENCE):
        """Waits for the end of the process; answers its exit code."""
        code = self.process.wait(seconds)
        self.process = None
        self._drop_lines()
        return code

    def stop(self, number=signal.SIGTERM):
        """Ends the process by a signal; answers its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self):
        """Cuts the power."""
        return self.stop(signal.SIGKILL)

    def restart(self):
        """Stops cleanly and starts again."""
        self.stop()
        return self.start()

    def _drop_lines(self):
        for line in self._lines:
            line.close()
        self._lines.clear()

    def close(self):
        """Ends everything and removes the data folder."""
        self._drop_lines()
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def machine(self):
        """The serial line, read as frames. The device must be in machine mode."""
        line = Machine.pty(self.link)
        self._lines.append(line)
        # The boot is over and the simulated network is joined: the device sends nothing by itself any more.
        line.sync()
        if self.settings.get("wlan.auto_join.enabled") != "0":
            line.wait_text("get wlan.network.status", "2")
        return line

    def console(self):
        """The serial line, read as bytes."""
        line = Console.pty(self.link)
        self._lines.append(line)
        return line

    @property
    def rest(self):
        """The device's REST interface."""
        return Rest(self.http_port)

    def wait_http(self, seconds=PATIENCE):
        """Waits until the web server listens; answers the seconds since the start."""
        deadline = time.monotonic() + seconds
        while True:
            self.check_alive()
            try:
                socket.create_connection(("127.0.0.1", self.http_port), timeout=1).close()
                return time.monotonic() - self.started
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)


class NativeSimDevice(Device):
    """Zephyr's simulated board, with its flash in a file of its folder."""

    #: Mbed TLS 3.6.2 does not reassemble them.
    joins_records = False
    #: `CONFIG_OPENZENTRI_STREAM_TX` without the overhead of a message.
    longest_message = 16_379
    announcement = r"(?m)^command UART connected to pseudotty: (\S+)$"
    program = staticmethod(native_sim)

    def all_settings(self):
        # One of the networks in tests/zephyr/neighbourhood.overlay, without a key.
        self.settings.setdefault("wlan.ssid", "Open House")
        return super().all_settings()

    def command_line(self):
        settings = [f"--set={setting}" for setting in self.all_settings()]
        return [self.program(), f"--command_uart_pty={self.link}", *settings, *self.arguments]
