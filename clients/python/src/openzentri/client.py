"""The client: commands, streams and events over one line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, AsyncIterator, Optional, Union

from . import wire
from .line import Line, open_serial, open_tcp
from .stream import Stream

#: Seconds until an unanswered message is sent again.
AGAIN = 0.5
#: The most seconds between two requests for the answer of a command that still runs.
LONGEST = 2.0
#: Seconds until a request that the device had no room for is sent again.
BUSY = 0.05
#: The most unread events; the oldest are dropped first.
EVENTS = 1000

START = b"\r\nstructured_start\r\n\0"


class Closed(ConnectionError):
    """The line has ended, or the device speaks text again."""


class NoAnswer(TimeoutError):
    """The device has not answered in time."""


@dataclass(frozen=True)
class Response:
    """The answer to a command."""

    #: The result code; 0 is success.
    code: int
    #: The text with its line end, as it came.
    data: bytes

    @property
    def text(self) -> str:
        """The text without its line end."""
        return self.data.decode("utf-8", "replace").removesuffix("\r\n")


@dataclass(frozen=True)
class LogLine:
    """A line of the log."""

    number: int
    level: int
    text: str


@dataclass(frozen=True)
class StreamState:
    """A stream was opened, its peer has ended, or it is closed."""

    number: int
    handle: int
    kind: str
    state: int


@dataclass(frozen=True)
class NetworkState:
    """An interface is up or down."""

    interface: str
    up: bool
    address: str


Event = Union[LogLine, StreamState, NetworkState]


class _Pending:
    """A request whose answer is incomplete."""

    def __init__(self, line: bytes, data: bytes):
        self.line, self.data = line, data
        self.text = bytearray()
        self.total: Optional[int] = None
        self.code = 0
        self.pause = AGAIN
        self.timer: Optional[asyncio.TimerHandle] = None
        self.done: asyncio.Future[Response] = asyncio.get_running_loop().create_future()


class Client:
    """One device. `async with Client.serial(path) as device:` begins and ends the protocol."""

    def __init__(self, line: Line):
        self.frame = 256
        self.version = 0
        #: Frames that came damaged.
        self.damaged = 0
        #: Frames that the device has dropped, as it said last.
        self.dropped = 0
        self._line = line
        self._bytes = bytearray()
        self._requests: dict[int, _Pending] = {}
        self._next_id = 1
        self._places = asyncio.Semaphore(1)
        self._streams: dict[int, Stream] = {}
        self._asked: dict[int, list[asyncio.Future[Optional[Stream]]]] = {}
        self._seen: set[int] = set()
        self._events: asyncio.Queue[Optional[Event]] = asyncio.Queue()
        self._welcome: Optional[asyncio.Future[None]] = None
        self._bye: Optional[asyncio.Future[None]] = None
        self._failure: Optional[Exception] = None
        line.start(self._received, self._room, lambda: self._fail(Closed("the line has ended")))

    # --- beginning and end -------------------------------------------------------------------------------------------

    @classmethod
    async def serial(cls, path: str, baud: int = 115200, rtscts: bool = False, timeout: float = 10) -> Client:
        """Over a serial port or a pseudo-terminal."""
        return await cls(await open_serial(path, baud, rtscts)).start(timeout)

    @classmethod
    async def tcp(cls, host: str, port: int, timeout: float = 10) -> Client:
        """Over TCP."""
        return await cls(await open_tcp(host, port)).start(timeout)

    async def start(self, timeout: float = 10) -> Client:
        """Begins the protocol, whatever the line speaks now."""
        self._welcome = asyncio.get_running_loop().create_future()
        deadline = asyncio.get_running_loop().time() + timeout
        while not self._welcome.done():
            if asyncio.get_running_loop().time() > deadline:
                self._line.close()
                raise NoAnswer("the device does not speak the structured protocol")
            self._line.write(START)
            self.send([wire.HELLO, True, 0])
            await asyncio.wait([self._welcome], timeout=1)
        self.check()
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Ends the protocol: the device speaks text again. Streams stay open."""
        if self._failure is None:
            self._bye = asyncio.get_running_loop().create_future()
            # Sent once: bytes after a lost STOP are dropped with it, bytes after a STOP that was heard are command lines.
            self.send([wire.STOP])
            await asyncio.wait([self._bye], timeout=1)
        self._fail(Closed("it was ended"))
        self._line.close()

    def check(self) -> None:
        """Raises the error that has ended the connection."""
        if self._failure is not None:
            raise self._failure

    def _fail(self, failure: Exception) -> None:
        if self._failure is not None:
            return
        self._failure = failure
        for pending in self._requests.values():
            self._settle(pending, failure)
        self._requests.clear()
        for waiting in self._asked.values():
            for asked in waiting:
                if not asked.done():
                    asked.set_exception(failure)
        for stream in self._streams.values():
            stream.stop_timers()
            stream.wake()
        self._events.put_nowait(None)

    # --- commands ----------------------------------------------------------------------------------------------------

    async def command(
        self, line: Union[str, bytes], data: bytes = b"", timeout: Optional[float] = None
    ) -> Response:
        """Runs a command once. Without `timeout`, waits for ever; otherwise gives up after that time."""
        text = line.encode() if isinstance(line, str) else line
        if len(text) + len(data) > self.frame - wire.OVERHEAD:
            raise ValueError("the line and its data are longer than a frame")
        async with self._places:
            self.check()
            number = self._next_id
            self._next_id += 1
            pending = self._requests[number] = _Pending(text, data)
            self._ask(number, pending)
            try:
                return await asyncio.wait_for(pending.done, timeout)
            except asyncio.TimeoutError:
                raise NoAnswer(text.decode("utf-8", "replace")) from None
            finally:
                self._requests.pop(number, None)
                if pending.timer is not None:
                    pending.timer.cancel()
                self.send([wire.DONE, self._base()])

    async def expect(self, line: Union[str, bytes], data: bytes = b"", timeout: Optional[float] = None) -> str:
        """The text of a command that succeeds; `RuntimeError` with the text of one that does not."""
        response = await self.command(line, data, timeout)
        if response.code != 0:
            raise RuntimeError(f"{line!r}: {response.code} {response.text}")
        return response.text

    def _base(self) -> int:
        return min(self._requests, default=self._next_id)

    def _ask(self, number: int, pending: _Pending) -> None:
        self.send([wire.REQUEST, number, self._base(), len(pending.text), pending.line, pending.data])
        self._later(number, pending, pending.pause)
        pending.pause = min(2 * pending.pause, LONGEST)

    def _later(self, number: int, pending: _Pending, pause: float) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
        pending.timer = asyncio.get_running_loop().call_later(pause, self._ask, number, pending)

    @staticmethod
    def _settle(pending: _Pending, outcome: Union[Response, Exception]) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
            pending.timer = None
        if pending.done.done():
            return
        if isinstance(outcome, Response):
            pending.done.set_result(outcome)
        else:
            pending.done.set_exception(outcome)

    # --- streams -----------------------------------------------------------------------------------------------------

    async def open(self, line: str, data: bytes = b"", timeout: Optional[float] = None) -> Stream:
        """The stream whose handle a command answers."""
        text = await self.expect(line, data, timeout)
        stream = await self.stream(int(text.split(",")[0]))
        if stream is None:
            raise RuntimeError(f"{line!r}: the stream is gone already")
        return stream

    async def stream(self, handle: int) -> Optional[Stream]:
        """The stream that is open on a handle; its bytes come here from now on, and no longer to `stream_read`."""
        answer: asyncio.Future[Optional[Stream]] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(handle, []).append(answer)
        pause = AGAIN
        while True:
            self.check()
            self.send([wire.ASK, handle])
            await asyncio.wait([answer], timeout=pause)
            if answer.done():
                break
            pause = min(2 * pause, LONGEST)
        stream = answer.result()
        if stream is not None:
            stream.attach()
        return stream

    # --- events ------------------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[Event]:
        """Log lines, streams and interfaces, as they come, until the end of the protocol."""
        while True:
            event = await self._events.get()
            if event is None:
                self._events.put_nowait(None)
                return
            yield event

    def _event(self, event: Event) -> None:
        while self._events.qsize() >= EVENTS:
            self._events.get_nowait()
        self._events.put_nowait(event)

    # --- the line ----------------------------------------------------------------------------------------------------

    def send(self, message: list[wire.Value]) -> None:
        """Sends a message."""
        if self._failure is None:
            self._line.write(wire.seal(message))

    def is_full(self) -> bool:
        """Whether data should wait."""
        return self._line.is_full

    def _room(self) -> None:
        for stream in list(self._streams.values()):
            stream.room()

    def _received(self, data: bytes) -> None:
        self._bytes += data
        *frames, rest = self._bytes.split(b"\0")
        self._bytes = bytearray(rest[-2 * self.frame - 1024 :])
        for frame in frames:
            if not frame:
                continue
            try:
                message: list[Any] = wire.unseal(bytes(frame))
            except wire.Unreadable:
                self.damaged += 1
                continue
            self._message(message)

    def _message(self, message: list[Any]) -> None:
        handlers = {
            wire.WELCOME: self._on_welcome,
            wire.RESPONSE: self._on_response,
            wire.NOTICE: self._on_notice,
            wire.CREDIT: self._on_credit,
            wire.DATA: self._on_data,
            wire.STREAM: self._on_stream,
            wire.NETWORK: self._on_network,
            wire.LOG: self._on_log,
            wire.BYE: self._on_bye,
        }
        handler = handlers.get(message[0])
        if handler is not None:
            handler(*message[1:])

    def _on_welcome(self, version: int, frame: int, requests: int, line: int, log: int, dropped: int, *_: Any) -> None:
        self.version, self.frame, self.dropped = version, frame, dropped
        if self._welcome is not None and not self._welcome.done():
            self._places = asyncio.Semaphore(max(requests, 1))
            # Earlier text was not frames.
            self.damaged = 0
            self._welcome.set_result(None)

    def _on_response(self, number: int, code: int, total: int, offset: int, text: bytes, *_: Any) -> None:
        pending = self._requests.get(number)
        if pending is None:
            return
        pending.code, pending.total = code, total
        if offset == len(pending.text):
            pending.text += text
            pending.pause = AGAIN
            self._later(number, pending, AGAIN)
        if len(pending.text) == total:
            self._settle(pending, Response(code, bytes(pending.text)))

    def _on_notice(self, number: int, what: int, *_: Any) -> None:
        pending = self._requests.get(number)
        if pending is None:
            return
        if what == wire.BUSY:
            self._later(number, pending, BUSY)
        elif what == wire.LOST:
            self._settle(pending, NoAnswer("the command was run, but its answer is lost"))

    def _on_credit(self, number: int, received: int, limit: int, flags: int, *_: Any) -> None:
        if number in self._streams:
            self._streams[number].credit(received, limit, flags)

    def _on_data(self, number: int, offset: int, last: bool, data: bytes, *_: Any) -> None:
        if number in self._streams:
            self._streams[number].data(offset, data)

    def _on_stream(self, event: int, number: int, handle: int, state: int, end: int, kind: str, *_: Any) -> None:
        if event:
            self.send([wire.SEEN, event])
        stream = self._streams.get(number)
        if number and stream is None and state != wire.CLOSED:
            for other in list(self._streams.values()):
                if other.handle == handle and other.number < number:
                    other.told(wire.CLOSED, 0)
                    del self._streams[other.number]
            stream = self._streams[number] = Stream(self, number, handle, kind)
        if stream is not None:
            stream.told(state, end)
        if event and event not in self._seen:
            self._seen.add(event)
            self._event(StreamState(number, handle, kind, state))
        if stream is not None and state == wire.CLOSED:
            self._streams.pop(number, None)
        if not event:
            for asked in self._asked.pop(handle, []):
                if not asked.done():
                    asked.set_result(stream if number else None)

    def _on_network(self, event: int, interface: int, up: bool, address: bytes, *_: Any) -> None:
        self.send([wire.SEEN, event])
        if event not in self._seen:
            self._seen.add(event)
            name = {0: "wlan", 1: "softap"}.get(interface, str(interface))
            self._event(NetworkState(name, up, ".".join(map(str, address))))

    def _on_log(self, number: int, level: int, text: bytes, *_: Any) -> None:
        self._event(LogLine(number, level, text.decode("utf-8", "replace")))

    def _on_bye(self, *_: Any) -> None:
        if self._bye is not None and not self._bye.done():
            self._bye.set_result(None)
        self._fail(Closed("the device speaks text again"))
