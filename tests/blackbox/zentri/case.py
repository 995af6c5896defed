"""The base of all black-box tests: it limits their time, cleans up after them, and notices every panic."""

import signal
import socket
import threading
import time
import unittest

from .device import Device, NativeSimDevice, native_sim
from .qemu import QemuDevice, qemu_image


def new_device(**options):
    """The device under test: the Linux process, or the device that the environment names."""
    kind = QemuDevice if qemu_image() else NativeSimDevice if native_sim() else Device
    return kind(**options)


class TimeIsUp(BaseException):
    """Not an `Exception`, so that no test catches it."""


class DeviceCase(unittest.TestCase):
    """Starts a device for each test, as `settings` and `serial` of the class say."""

    #: Variables given at the start.
    settings = {}
    serial = "pty"
    machine = True
    http = True
    arguments = ()
    #: Seconds for one test.
    limit = 60

    def setUp(self):
        def expired(*_):
            raise TimeIsUp(f"the test took longer than {self.limit} s")

        signal.signal(signal.SIGALRM, expired)
        signal.alarm(self.limit)
        self.addCleanup(signal.alarm, 0)
        self.device = self.new_device()

    def new_device(self, start=True, **options):
        """A device that ends with the test."""
        given = {
            "settings": self.settings,
            "serial": self.serial,
            "machine": self.machine,
            "http": self.http,
            "arguments": self.arguments,
        }
        device = new_device(**(given | options))
        self.addCleanup(self._finish, device)
        return device.start() if start else device

    def _finish(self, device):
        """At the end of its test a device must still run, must not have panicked, and must end on request."""
        try:
            text = device._log.read_text("utf-8", "replace") if device._log.exists() else ""
            self.assertNotIn("panicked", text)
            if device.process is not None:
                self.assertIsNone(device.process.poll(), f"the device has died: {text}")
                self.assertEqual(device.stop(), 0, text)
        finally:
            device.close()

    def eventually(self, check, seconds=5.0, message="it did not happen"):
        """Waits until `check()` is true; answers its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            if time.monotonic() > deadline:
                self.fail(message)
            time.sleep(0.01)

    def assertAnswer(self, response, code, text):
        """Compares code and text of a response."""
        self.assertEqual((response.code, response.text), (code, text))


class Peer:
    """A TCP server on this side, for one client at a time."""

    def __init__(self, handler=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port = self.listener.getsockname()[1]
        self.thread = None
        if handler:
            self.thread = threading.Thread(target=self._serve, args=(handler,), daemon=True)
            self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            # Wakes the thread; from now on clients are refused.
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        if self.thread:
            self.thread.join(5)

    def accept(self):
        """The next client."""
        connection, _ = self.listener.accept()
        connection.settimeout(10)
        return connection

    def _serve(self, handler):
        while True:
            try:
                connection = self.accept()
            except OSError:
                return
            with connection:
                handler(connection)


def echo(connection):
    """Sends everything back."""
    while True:
        try:
            data = connection.recv(65536)
            if not data:
                return
            connection.sendall(data)
        except OSError:
            return
