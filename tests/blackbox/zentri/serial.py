"""The serial line: as bytes (`Console`), or as strictly checked frames (`Machine`)."""

import errno
import os
import re
import select
import socket
import termios
import time
import tty

HEADER = re.compile(rb"([RLS])([0-9])([0-9]{5})\r\n")


class FramingError(AssertionError):
    """Where a frame must begin, the device has sent something else."""


class Console:
    """Bytes to and from the serial line."""

    def __init__(self, fd, closer):
        self.fd = fd
        self.received = bytearray()
        self._closer = closer
        os.set_blocking(fd, False)

    @classmethod
    def pty(cls, path):
        """Opens a terminal in raw mode: this side translates nothing."""
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        # Not `TCSAFLUSH`, the default: it would discard bytes that the device has already printed.
        tty.setraw(fd, termios.TCSANOW)
        return cls(fd, lambda: os.close(fd))

    @classmethod
    def tcp(cls, host, port):
        """Connects to a serial line that is a TCP port."""
        connection = socket.create_connection((host, port), timeout=5)
        return cls(connection.fileno(), connection.close)

    def close(self):
        """Closes the line."""
        if self._closer:
            self._closer()
            self._closer = None

    def send(self, data, seconds=10.0):
        """Sends all bytes; reads meanwhile, as a terminal program does."""
        deadline = time.monotonic() + seconds
        data = memoryview(bytes(data))
        while data:
            readable, writable, _ = select.select([self.fd], [self.fd], [], deadline - time.monotonic())
            if not readable and not writable:
                raise TimeoutError(f"{len(data)} bytes were not taken")
            if readable:
                self._take()
            if writable:
                try:
                    data = data[os.write(self.fd, data) :]
                except BlockingIOError:
                    pass

    def _take(self):
        try:
            part = os.read(self.fd, 65536)
        except BlockingIOError:
            return True
        except OSError as error:
            # The other end of the pseudo-terminal is gone.
            if error.errno == errno.EIO:
                return False
            raise
        self.received += part
        return bool(part)

    def fill(self, deadline):
        """Waits for more bytes; fails at the deadline."""
        while True:
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self.fd], [], [], max(left, 0))
            if not readable:
                raise TimeoutError(f"nothing more came; there was {bytes(self.received)[-400:]!r}")
            before = len(self.received)
            if not self._take():
                raise EOFError("the line was closed")
            if len(self.received) > before:
                return

    def read_until(self, text, seconds=5.0):
        """Answers everything up to and including `text`."""
        deadline = time.monotonic() + seconds
        while True:
            at = self.received.find(text)
            if at >= 0:
                return self.take(at + len(text))
            self.fill(deadline)

    def read_match(self, pattern, seconds=5.0):
        """Answers everything up to the end of the first match of a bytes regular expression, and the match."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.received)
            if match:
                return self.take(match.end()), match
            self.fill(deadline)

    def take(self, count):
        """Removes and answers received bytes."""
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def quiet(self, seconds=0.15):
        """Waits until nothing comes for `seconds`; answers the bytes received before."""
        while True:
            try:
                self.fill(time.monotonic() + seconds)
            except TimeoutError:
                return self.take(len(self.received))


class Response:
    """One answer with the log lines before it."""

    def __init__(self, code, data, logs):
        self.code = code
        self.data = data
        self.logs = logs

    @property
    def text(self):
        """The payload as text, without its line end."""
        return self.data.removesuffix(b"\r\n").decode("utf-8", "replace")

    @property
    def lines(self):
        """The lines of the payload."""
        return self.text.split("\r\n")

    @property
    def raw(self):
        """The bytes of a `stream_read`: the payload without the CR LF that ends it."""
        if not self.data:
            return b""
        if not self.data.endswith(b"\r\n"):
            raise FramingError(f"data without a line end: {self.data[-20:]!r}")
        return self.data[:-2]

    def __repr__(self):
        return f"Response({self.code}, {self.data!r}, {self.logs!r})"


class Machine(Console):
    """Commands and answers in machine mode. Every byte must belong to a correct frame."""

    def frame(self, seconds=10.0):
        """The next frame: its letter, its code, its payload."""
        deadline = time.monotonic() + seconds
        while len(self.received) < 9:
            self.fill(deadline)
        match = HEADER.match(self.received)
        if not match:
            raise FramingError(f"no header: {bytes(self.received[:80])!r}")
        letter, code, length = match[1].decode(), int(match[2]), int(match[3])
        while len(self.received) < 9 + length:
            self.fill(deadline)
        self.take(9)
        payload = self.take(length)
        if length in (1, 2) or (payload and not payload.endswith(b"\r\n")):
            raise FramingError(f"a payload without its line end: {payload!r}")
        if letter == "L" and code != 0:
            raise FramingError(f"a log frame with code {code}")
        return letter, code, payload

    def answer(self, seconds=10.0):
        """Collects log frames until the answer comes."""
        logs = []
        while True:
            letter, code, payload = self.frame(seconds)
            if letter != "L":
                return Response(code, payload, logs)
            logs.append(payload.removesuffix(b"\r\n").decode("utf-8", "replace"))

    def command(self, line, data=None, seconds=10.0, end=b"\r\n"):
        """Sends a command line, and data after it; answers the response."""
        if isinstance(line, str):
            line = line.encode()
        self.send(line + end + (data or b""), seconds)
        return self.answer(seconds)

    def sync(self, seconds=10.0):
        """Waits until the device answers an empty line; drops everything received before."""
        self.send(b"\n")
        self.read_until(b"R000007\r\nReady\r\n", seconds)

    def ok(self, line, data=None, seconds=10.0):
        """As `command`, for a command that must succeed; answers its text."""
        response = self.command(line, data, seconds)
        if response.code != 0:
            raise AssertionError(f"{line!r}: {response!r}")
        return response.text

    def rebooted(self, line="reboot", seconds=10.0):
        """Runs a command that restarts the device, and waits until the device answers again; answers the response."""
        # The setting is not saved, so it is lost once the device has restarted.
        self.ok("set ioconn.remote_host restarting")
        response = self.command(line)
        if response.code != 0:
            raise AssertionError(f"{line!r}: {response!r}")
        deadline = time.monotonic() + seconds
        while True:
            # A command sent during the restart may be lost, with its answer.
            self.quiet(0.05)
            try:
                if self.command("get ioconn.remote_host", seconds=0.3).data == b"":
                    self.quiet(0.05)
                    return response
            except TimeoutError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("the device did not come back")

    def read_stream(self, handle, count, seconds=10.0):
        """Reads until `count` bytes have come from a stream."""
        data = b""
        deadline = time.monotonic() + seconds
        while len(data) < count:
            response = self.command(f"read {handle} {count - len(data)}")
            if response.code != 0:
                raise AssertionError(f"read {handle}: {response!r} after {len(data)} bytes")
            if not response.data and time.monotonic() > deadline:
                raise TimeoutError(f"{len(data)} of {count} bytes came")
            data += response.raw
        return data

    def wait_poll(self, handle, state, seconds=5.0):
        """Polls a stream until it has a state."""
        return self.wait_text(f"poll {handle}", str(state), seconds)

    def wait_text(self, line, text, seconds=5.0):
        """Repeats a command until it answers a text."""
        deadline = time.monotonic() + seconds
        while True:
            response = self.command(line)
            if response.text == text:
                return response
            if time.monotonic() > deadline:
                raise AssertionError(f"{line!r} still answers {response!r}, not {text!r}")
            time.sleep(0.01)
