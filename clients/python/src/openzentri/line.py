"""Transports: a serial line, a pseudo-terminal, a TCP connection."""

from __future__ import annotations

import asyncio
import os
import socket
import termios
from typing import Callable, Optional

#: Unsent bytes above which streams stop sending.
FULL = 8192


class Line:
    """Bytes both ways over a file descriptor."""

    def __init__(self, descriptor: int, owner: Optional[socket.socket] = None):
        self._descriptor = descriptor
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._writes = False
        self._received: Callable[[bytes], None] = lambda data: None
        self._room: Callable[[], None] = lambda: None
        self._ended: Callable[[], None] = lambda: None
        self._open = True
        os.set_blocking(descriptor, False)

    def start(self, received: Callable[[bytes], None], room: Callable[[], None], ended: Callable[[], None]) -> None:
        """Calls `received` with received bytes, `room` when the line takes more, and `ended` when it is closed."""
        self._received, self._room, self._ended = received, room, ended
        self._loop.add_reader(self._descriptor, self._read)

    @property
    def is_full(self) -> bool:
        """Whether data that can wait should wait."""
        return len(self._waiting) >= FULL

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self.close()
            self._ended()

    def write(self, data: bytes) -> None:
        """Sends bytes as soon as the line takes them."""
        if not self._open:
            return
        self._waiting += data
        self._flush()

    def _flush(self) -> None:
        while self._waiting:
            try:
                count = os.write(self._descriptor, self._waiting)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self.close()
                self._ended()
                return
            del self._waiting[:count]
        if self._waiting and not self._writes:
            self._loop.add_writer(self._descriptor, self._writable)
            self._writes = True
        if not self._waiting and self._writes:
            self._loop.remove_writer(self._descriptor)
            self._writes = False

    def _writable(self) -> None:
        self._flush()
        if not self.is_full:
            self._room()

    def send_break(self) -> None:
        """A break condition, which ends the structured protocol on a UART."""
        termios.tcsendbreak(self._descriptor, 0)

    def close(self) -> None:
        """Closes the line; unsent bytes are lost."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._descriptor)
        if self._writes:
            self._loop.remove_writer(self._descriptor)
        if self._owner is not None:
            self._owner.close()
        else:
            os.close(self._descriptor)


def _make_raw(descriptor: int, baud: int, rtscts: bool) -> None:
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise ValueError(f"{baud} is no baud rate of this system")
    control = termios.CS8 | termios.CREAD | termios.CLOCAL | (getattr(termios, "CRTSCTS", 0) if rtscts else 0)
    characters = list(termios.tcgetattr(descriptor)[6])
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])


async def open_serial(path: str, baud: int = 115200, rtscts: bool = False) -> Line:
    """A serial port or a pseudo-terminal."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        _make_raw(descriptor, baud, rtscts)
        return Line(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


async def open_tcp(host: str, port: int) -> Line:
    """A TCP connection."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await loop.sock_connect(connection, address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Line(connection.fileno(), connection)
    except BaseException:
        connection.close()
        raise
