"""One stream: offsets and credit of both directions, repetition, and reading and writing for the program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Optional

from . import wire

if TYPE_CHECKING:
    from .client import Client

#: Bytes that the device may send before the program has read them.
WINDOW = 32768
#: Unsent bytes above which `write` waits.
HIGH = 65536
#: The first and the longest pause before repeating a message, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0
#: The fewest bytes per frame when many frames are lost: a short frame is more likely to arrive.
SMALLEST = 128


class Stream:
    """A stream of the device. Made by `Client.open` and `Client.stream`."""

    def __init__(self, client: Client, number: int, handle: int, kind: str):
        self.number = number
        self.handle = handle
        self.kind = kind
        self.state = wire.OPEN
        self._client = client
        self._changed = asyncio.Event()
        # From the device.
        self._buffer = bytearray()
        self._received = 0
        self._granted = 0
        self._gap: Optional[int] = None
        self._end: Optional[int] = None
        # To the device.
        self._unsent = bytearray()
        self._messages: list[int] = []
        self._acknowledged = 0
        self._next = 0
        self._limit = 0
        self._shut = False
        self._pause = FIRST_PAUSE
        self._size = client.frame
        self._timer: Optional[asyncio.TimerHandle] = None
        self._begin: Optional[asyncio.TimerHandle] = None
        self._begun = False

    @property
    def keeps_messages(self) -> bool:
        """Whether each write is one message."""
        return self.kind in ("UDPC", "UDPS", "WEBS", "WEBC")

    # --- for the program ---------------------------------------------------------------------------------------------

    async def read(self, most: int = 65536) -> bytes:
        """The available bytes, at least one; empty when the peer has ended and all was read."""
        while not self._buffer:
            if self._is_over():
                return b""
            await self._wait()
        data = bytes(self._buffer[:most])
        del self._buffer[:most]
        if self._granted - self._received <= WINDOW // 2:
            self._grant()
        return data

    async def readexactly(self, count: int) -> bytes:
        """Exactly `count` bytes; `EOFError` when there are fewer."""
        parts = bytearray()
        while len(parts) < count:
            part = await self.read(count - len(parts))
            if not part:
                raise EOFError(f"{len(parts)} of {count} bytes")
            parts += part
        return bytes(parts)

    async def write(self, data: bytes) -> None:
        """Sends bytes, or one message; waits while too much is in flight. `BrokenPipeError` when the stream takes no
        more."""
        if self.keeps_messages and len(data) > self._client.frame - wire.OVERHEAD:
            raise ValueError("the message is longer than a frame")
        self._check()
        if not data:
            return
        self._unsent += data
        if self.keeps_messages:
            self._messages.append(len(data))
        self._pump()
        while len(self._unsent) > HIGH:
            self._check()
            await self._wait()

    async def drain(self) -> None:
        """Waits until the device has everything."""
        while self._unsent:
            self._check()
            await self._wait()

    async def close(self) -> None:
        """Closes the stream. Written bytes are delivered first, as far as the device takes them."""
        if self.state != wire.CLOSED:
            if not self._shut:
                await self.drain()
            await self._client.command(f"stream_close {self.handle}")
        self.stop_timers()

    async def closed(self) -> None:
        """Waits until the stream is closed; a written file is then stored."""
        while self.state != wire.CLOSED:
            self._client.check()
            await self._wait()

    def _is_over(self) -> bool:
        self._client.check()
        if self.state == wire.OPEN:
            return False
        return self.state == wire.CLOSED or self._received >= (self._end or 0)

    def _check(self) -> None:
        self._client.check()
        if self._shut or self.state == wire.CLOSED:
            raise BrokenPipeError(f"stream {self.handle} takes nothing more")

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # --- for the client ----------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Grants the first bytes."""
        if self._begin is None and not self._begun:
            self._grant()
            self._repeat(FIRST_PAUSE)

    def _repeat(self, pause: float) -> None:
        """Repeats the first credit until the device is known to have it."""
        if self._begun or self.state == wire.CLOSED:
            return

        def again() -> None:
            self._credit(0)
            self._repeat(min(2 * pause, LONGEST_PAUSE))

        self._begin = asyncio.get_running_loop().call_later(pause, again)

    def _has_begun(self) -> None:
        self._begun = True
        if self._begin is not None:
            self._begin.cancel()

    def wake(self) -> None:
        """Wakes the program after a change."""
        self._changed.set()

    def told(self, state: int, end: int) -> None:
        """The device reports the state."""
        self.state = max(self.state, state)
        if state != wire.OPEN:
            self._end = end
        if state == wire.CLOSED:
            self.stop_timers()
        self.wake()

    def data(self, offset: int, data: bytes) -> None:
        """Bytes have come."""
        self._has_begun()
        if offset > self._received:
            if self._gap != self._received:
                self._gap = self._received
                self._credit(wire.AGAIN)
            return
        new = data[self._received - offset :]
        self._buffer += new
        self._received += len(new)
        self._grant()
        if new:
            self.wake()

    def _grant(self) -> None:
        self._granted = max(self._granted, self._received + max(WINDOW - len(self._buffer), 0))
        self._credit(0)

    def _credit(self, flags: int) -> None:
        self._client.send([wire.CREDIT, self.number, self._received, self._granted, flags])

    def credit(self, received: int, limit: int, flags: int) -> None:
        """The device acknowledges bytes and grants credit."""
        if flags & wire.GRANTED:
            self._has_begun()
        news = min(received, self._next_ever()) - self._acknowledged
        if news > 0 or limit > self._limit:
            self._pause = FIRST_PAUSE
            self._stop_timer()
        if news > 0:
            self._forget(news)
            self._size = min(2 * self._size, self._client.frame)
        self._limit = max(self._limit, limit)
        self._next = self._acknowledged if flags & wire.AGAIN else max(self._next, self._acknowledged)
        if flags & wire.SHUT:
            self._shut = True
            self._unsent.clear()
            self._messages.clear()
            self._next = self._acknowledged
        self._pump()
        self.wake()

    def _next_ever(self) -> int:
        return self._acknowledged + len(self._unsent)

    def _forget(self, count: int) -> None:
        del self._unsent[:count]
        self._acknowledged += count
        while self._messages and count >= self._messages[0]:
            count -= self._messages.pop(0)

    def _piece(self) -> bytes:
        """The next bytes that may be sent."""
        begin = self._next - self._acknowledged
        room = min(self._limit - self._next, self._client.frame - wire.OVERHEAD)
        if self.keeps_messages:
            at = 0
            for length in self._messages:
                if at == begin:
                    return bytes(self._unsent[begin : begin + length]) if length <= room else b""
                at += length
            return b""
        return bytes(self._unsent[begin : begin + max(min(room, self._size), 0)])

    def _pump(self) -> None:
        """Sends what may be sent."""
        while not self._shut and self.state != wire.CLOSED and not self._client.is_full():
            piece = self._piece()
            if not piece:
                break
            self._client.send([wire.DATA, self.number, self._next, True, piece])
            self._next += len(piece)
            self._stop_timer()
        if self._unsent and self._timer is None and self.state != wire.CLOSED:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._again)

    def room(self) -> None:
        """The line takes more."""
        self._pump()

    def _again(self) -> None:
        self._timer = None
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._next = self._acknowledged
        self._size = max(self._size // 2, SMALLEST)
        if not self._piece():
            self._client.send([wire.DATA, self.number, self._next, False, b""])
        self._pump()

    def stop_timers(self) -> None:
        """Stops repetitions."""
        self._stop_timer()
        self._has_begun()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
