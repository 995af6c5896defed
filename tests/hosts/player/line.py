"""The host's end of the serial line."""

import errno
import os
import select
import time


class Late(Exception):
    """The expected bytes have not come in time, or are not acceptable."""


class Line:
    """Bytes to and from a terminal; `received` is what was not taken yet."""

    def __init__(self, fd):
        self.fd = fd
        self.received = bytearray()

    def close(self):
        """Closes the terminal."""
        os.close(self.fd)

    def send(self, data, seconds=10.0):
        """Sends all bytes."""
        deadline = time.monotonic() + seconds
        while data:
            if time.monotonic() > deadline:
                raise Late(f"the device does not take {len(data)} bytes")
            select.select([], [self.fd], [], 0.1)
            try:
                # Small pieces, as a UART would bring them.
                data = data[os.write(self.fd, data[:1024]) :]
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                raise Late("the line is broken") from error

    def more(self, seconds):
        """Waits for more bytes; returns whether some came."""
        readable, _, _ = select.select([self.fd], [], [], max(seconds, 0))
        if not readable:
            return False
        try:
            part = os.read(self.fd, 65536)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # The other end is closed: the device restarts.
            time.sleep(min(max(seconds, 0), 0.01))
            return False
        self.received += part
        return bool(part)

    def need(self, count, deadline):
        """Waits until there are `count` bytes."""
        while len(self.received) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"{count} bytes were expected, there is {bytes(self.received[:80])!r}")
            self.more(left)

    def take(self, count):
        """Removes and returns received bytes."""
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def until(self, text, seconds):
        """Takes everything up to and including a text."""
        deadline = time.monotonic() + seconds
        while text not in self.received:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"{text!r} has not come: {bytes(self.received[-120:])!r}")
            self.more(left)
        return self.take(self.received.index(text) + len(text))

    def quiet(self, silence, seconds):
        """Collects until nothing has come for `silence`, at most for `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.more(min(silence, deadline - time.monotonic())):
            pass

    def forget(self):
        """Drops what has come so far."""
        while self.more(0):
            pass
        self.received.clear()
