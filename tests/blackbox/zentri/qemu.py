"""The device on a Cortex-M33 in QEMU (board mps2/an521/cpu0), behind QEMU's user networking."""

import os
import socket
import subprocess
import time
from pathlib import Path

from .device import PATIENCE, Device, free_port
from .serial import Machine


def qemu_image():
    """The image to be tested in QEMU: $OPENZENTRI_QEMU."""
    return os.environ.get("OPENZENTRI_QEMU")


class QemuDevice(Device):
    """One machine. Its flash is RAM: settings are lost after a restart."""

    here = here_by_name = "10.0.2.2"
    address = "10.0.2.15"
    slowness = 8
    #: QEMU's user networking discards such bytes.
    reads_last_words = False
    joins_records = False

    def start(self, wait=True):
        assert self.process is None, "it runs already"
        self.uart, self.monitor = free_port(), self.folder / "monitor"
        super().start(wait=False)
        self.line = self._connect()
        self.line.read_until(b"Associated]\r\n", 30)
        # There is no time server here, but certificates need a valid clock.
        settings = [f"time.rtc={int(time.time())}", *self.all_settings()]
        for setting in sorted(settings, key=lambda setting: setting.startswith("system.cmd.mode")):
            self._command(f"set {setting.replace('=', ' ', 1)}")
            if setting.startswith("http.server."):
                self._command("network_restart")
        if self.http_port:
            self.expose(self.http_port)
        return self

    def command_line(self):
        """The arguments of QEMU. The machine waits for a connection to its command UART."""
        return [
            "qemu-system-arm", "-machine", "mps2-an521", "-cpu", "cortex-m33", "-m", "16", "-display", "none",
            "-chardev", f"socket,id=uart,host=127.0.0.1,port={self.uart},server=on,wait=on", "-serial", "chardev:uart",
            "-serial", f"file:{self.folder / 'console'}", "-monitor", f"unix:{self.monitor},server=on,wait=off",
            "-nic", "user,id=net,model=lan9118", "-kernel", qemu_image(), *self.arguments,
        ]

    def _connect(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return Machine.tcp("127.0.0.1", self.uart)
            except ConnectionRefusedError:
                self.check_alive()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _command(self, line):
        """Sends a command in human mode and waits for its end."""
        self.line.send(line.encode() + b"\r\n")
        self.line.read_until(line.encode() + b"\r\n")
        self.line.read_match(rb"(\r\n> |Set OK\r\n)$")

    def expose(self, port):
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(PATIENCE)
            monitor.connect(str(self.monitor))
            monitor.sendall(f"hostfwd_add net tcp:127.0.0.1:{port}-{self.address}:{port}\n".encode())
            seen = b""
            while seen.count(b"(qemu) ") < 2:
                part = monitor.recv(4096)
                assert part, seen
                seen += part
            assert b"could not" not in seen.lower(), seen

    def machine(self):
        """The serial line, read as frames. It is always the same line."""
        self.line.sync()
        return self.line

    def console_text(self):
        """The output of the machine's own console."""
        return Path(self.folder / "console").read_text("utf-8", "replace")

    def stop(self, number=None):
        """Cuts the power, the only way to stop the machine."""
        self.line.close()
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None
        assert "FATAL" not in self.console_text(), self.console_text()
        return 0
