"""WebSockets at `/stream`: messages per second there and back through the host, and bytes per second each way.

The host is this script at the UART in machine mode; it reads with `stream_read` and writes with `stream_write`, so an
echo is two commands of it. Every byte is compared.
"""

import random
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from .streams import report

UPGRADE = (
    b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SMALL = 32


class WebSocket:
    """A client, and the handle that the host has for it."""

    def __init__(self, place):
        before = handles(place)
        self.connection = socket.create_connection(("127.0.0.1", place.port), timeout=30)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(UPGRADE)
        self.received = bytearray()
        while b"\r\n\r\n" not in self.received:
            self._more()
        if not self.received.startswith(b"HTTP/1.1 101 "):
            sys.exit(f"benches/run: no WebSocket: {bytes(self.received)!r}")
        self.received.clear()
        while not (new := handles(place) - before):
            pass
        self.handle = new.pop()

    def _more(self):
        part = self.connection.recv(1 << 20)
        if not part:
            sys.exit("benches/run: the device has closed a WebSocket")
        self.received += part

    def send(self, payload):
        """Sends one binary message; its zero mask saves work on this side, but not on the device."""
        self.connection.sendall(frame(payload))

    def receive(self):
        """The next message; the device does not fragment."""
        while True:
            if len(self.received) >= 2:
                short = self.received[1] & 0x7F
                begin = 2 + {126: 2, 127: 8}.get(short, 0)
                if len(self.received) >= begin:
                    length = int.from_bytes(self.received[2:begin], "big") if begin > 2 else short
                    if len(self.received) >= begin + length:
                        payload = bytes(self.received[begin : begin + length])
                        del self.received[: begin + length]
                        return payload
            self._more()

    def close(self):
        """Closes without a close frame."""
        self.connection.close()


def handles(place):
    """The handles of open WebSockets."""
    return {line.split()[1] for line in place.line.ok("list").splitlines() if " WEBS " in line}


def frame(payload):
    """A masked binary frame."""
    length = len(payload)
    if length < 126:
        head = bytes([0x82, 0x80 | length])
    elif length < 1 << 16:
        head = struct.pack(">BBH", 0x82, 0xFE, length)
    else:
        head = struct.pack(">BBQ", 0x82, 0xFF, length)
    return head + bytes(4) + payload


def measure(place, seconds, megabytes, piece, counts=(1, 4)):
    """All of it, with one and with four WebSockets."""
    for count in counts:
        sockets = [WebSocket(place) for _ in range(count)]
        name = f"{count} WebSocket{'s' if count > 1 else ''}"
        try:
            echo(place, sockets, seconds, f"{name}, {SMALL} B there and back", SMALL)
            echo(place, sockets, seconds, f"{name}, {piece} B there and back", piece)
            up(place, sockets, megabytes, piece, f"{name} to {place.uart}")
            down(place, sockets, megabytes, piece, f"{place.uart} to {name}")
        finally:
            for each in sockets:
                each.close()
            place.line.ok("close all", seconds=30)


def read(place, handle, size):
    """Reads exactly `size` bytes of a stream."""
    data = b""
    while len(data) < size:
        response = place.line.command(f"read {handle} {size - len(data)}")
        if response.code != 0:
            sys.exit(f"benches/run: a WebSocket is gone: {response!r}")
        data += response.raw
    return data


def same(got, expected):
    """Every byte must have arrived, in order."""
    if got != expected:
        sys.exit("benches/run: bytes were lost or changed on the way")


def echo(place, sockets, seconds, name, size):
    """One message in flight per WebSocket: client, device, host, device, client."""
    payload = random.Random(size).randbytes(size)
    latencies, messages = [], 0
    start = time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        for each in sockets:
            each.send(payload)
        for each in sockets:
            data = read(place, each.handle, size)
            place.line.ok(f"write {each.handle} {size}", data)
        for each in sockets:
            same(each.receive(), payload)
            messages += 1
        latencies.append(time.perf_counter() - now)
    total = time.perf_counter() - start
    latencies.sort()
    rate = f"{messages / total:8.0f} messages/s, {messages * size * 2 / total / 1e6:7.2f} MB/s both ways together"
    print(f"{name:44} {rate}, p99 {latencies[int(len(latencies) * 0.99)] * 1e3:.2f} ms", flush=True)


def together(sockets, action):
    """Runs an action for each WebSocket in its own thread; returns a function that waits for all of them."""
    pool = ThreadPoolExecutor(len(sockets))
    futures = [pool.submit(action, each) for each in sockets]

    def finish():
        for future in futures:
            # Raises the error of the thread.
            future.result(60)
        pool.shutdown()

    return finish


def up(place, sockets, megabytes, piece, name):
    """From clients to the host."""
    messages = max(1, megabytes * 1_000_000 // piece // len(sockets))
    payload = random.Random(2).randbytes(piece)

    def send(each):
        for _ in range(messages):
            each.send(payload)

    start = time.perf_counter()
    finish = together(sockets, send)
    for _ in range(messages):
        for each in sockets:
            same(read(place, each.handle, piece), payload)
    report(name, messages * piece * len(sockets), time.perf_counter() - start)
    finish()


def down(place, sockets, megabytes, piece, name):
    """From the host to clients."""
    messages = max(1, megabytes * 1_000_000 // piece // len(sockets))
    payload = random.Random(3).randbytes(piece)

    def receive(each):
        for _ in range(messages):
            same(each.receive(), payload)

    start = time.perf_counter()
    finish = together(sockets, receive)
    for _ in range(messages):
        for each in sockets:
            place.line.ok(f"write {each.handle} {piece}", payload, seconds=30)
    finish()
    report(name, messages * piece * len(sockets), time.perf_counter() - start)
