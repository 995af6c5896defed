"""Bytes per second through a TCP stream, between a peer and the UART in machine mode. Every byte is compared."""

import hashlib
import random
import socket
import sys
import threading
import time

from zentri import Peer


def measure(place, megabytes, piece):
    """Both directions."""
    block = random.Random(1).randbytes(1_000_000)
    to_uart(place, block, megabytes, piece)
    from_uart(place, block, megabytes, piece)


def to_uart(place, block, megabytes, piece):
    """`stream_read` of what a TCP peer sends."""
    total = megabytes * len(block)

    def send(connection):
        for _ in range(megabytes):
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    with Peer(send) as peer:
        place.line.ok(f"tcpc 127.0.0.1 {peer.port}")
        digest, received = hashlib.sha256(), 0
        start = time.monotonic()
        while received < total:
            data = place.line.command(f"read 0 {piece}").raw
            digest.update(data)
            received += len(data)
        report(f"TCP to {place.uart}", total, time.monotonic() - start)
        # A stream that was read to its end after its peer closed is already closed.
        place.line.ok("close all")
    check(digest, block, megabytes)


def from_uart(place, block, megabytes, piece):
    """`stream_write` to a TCP peer."""
    total = megabytes * len(block)
    sink, done = hashlib.sha256(), threading.Event()

    def receive(connection):
        connection.settimeout(60)
        while data := connection.recv(1 << 20):
            sink.update(data)
        done.set()

    with Peer(receive) as peer:
        place.line.ok(f"tcpc 127.0.0.1 {peer.port}")
        start = time.monotonic()
        data = block * 2
        for at in range(0, total, piece):
            size = min(piece, total - at)
            offset = at % len(block)
            place.line.ok(f"write 0 {size}", data[offset : offset + size])
        place.line.ok("close 0", seconds=30)
        done.wait(30)
        report(f"{place.uart} to TCP", total, time.monotonic() - start)
    check(sink, block, megabytes)


def report(what, total, seconds):
    """One row."""
    print(f"{what:44} {total / 1e6:7.1f} MB {total / seconds / 1e6:8.2f} MB/s", flush=True)


def check(digest, block, megabytes):
    """Every byte must have arrived, in order."""
    expected = hashlib.sha256()
    for _ in range(megabytes):
        expected.update(block)
    if digest.digest() != expected.digest():
        sys.exit("benches/run: bytes were lost or changed on the way")
