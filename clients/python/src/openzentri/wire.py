"""Frames and messages: COBS, CRC-32, and the part of CBOR that the protocol uses."""

from __future__ import annotations

import zlib
from typing import Union

Value = Union[int, bool, bytes, str, "list[Value]"]

HELLO, REQUEST, DONE, CREDIT, DATA, ASK, SEEN, REPLAY, STOP = range(9)
WELCOME, RESPONSE, NOTICE, STREAM, NETWORK, LOG, BYE = range(16, 23)

#: Flags of a credit.
AGAIN, SHUT, GRANTED = 1, 2, 4
#: Contents of a notice.
RUNS, BUSY, LOST = range(3)
#: States of a stream.
OPEN, ENDED, CLOSED = range(3)

#: Bytes of the longest message besides the data that it carries.
OVERHEAD = 48


class Unreadable(ValueError):
    """The bytes are not a frame, or not a message."""


def _head(major: int, number: int) -> bytes:
    for size, extra, limit in ((0, number, 24), (1, 24, 1 << 8), (2, 25, 1 << 16), (4, 26, 1 << 32), (8, 27, 1 << 64)):
        if number < limit:
            return bytes([major << 5 | extra]) + (number.to_bytes(size, "big") if size else b"")
    raise OverflowError(number)


def encode(value: Value) -> bytes:
    """The shortest CBOR of a value; integers are not negative."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    return _head(4, len(value)) + b"".join(map(encode, value))


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise Unreadable("it is cut off")
        self.at += count
        return part

    def value(self, depth: int = 4) -> Value:
        first = self.take(1)[0]
        major, extra = first >> 5, first & 31
        if first in (0xF4, 0xF5):
            return first == 0xF5
        if first in (0xF6, 0xF7):
            return 0
        if extra > 27 or major > 4 or depth == 0:
            raise Unreadable(f"an item of {first:#x}")
        number = extra if extra < 24 else int.from_bytes(self.take(1 << (extra - 24)), "big")
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.take(number).decode("utf-8", "replace")
        if number > len(self.data):
            raise Unreadable("a list that is longer than all")
        return [self.value(depth - 1) for _ in range(number)]


def decode(payload: bytes) -> list[Value]:
    """The elements of a message."""
    value = _Reader(payload).value()
    if not isinstance(value, list) or not value or not isinstance(value[0], int):
        raise Unreadable("no message")
    return value


def stuff(data: bytes) -> bytes:
    """Encodes as COBS, without the terminating zero."""
    out = bytearray()
    blocks = data.split(b"\0")
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
            if last and not block:
                return bytes(out)
        out.append(len(block) + 1)
        out += block
    return bytes(out)


def unstuff(frame: bytes) -> bytes:
    """Decodes COBS without the terminating zero."""
    out = bytearray()
    at = 0
    while at < len(frame):
        code = frame[at]
        block = frame[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            raise Unreadable("no COBS")
        out += block
        at += code
        if code < 255 and at < len(frame):
            out.append(0)
    return bytes(out)


def seal(message: list[Value]) -> bytes:
    """A frame with its zero."""
    payload = encode(message)
    return stuff(payload + zlib.crc32(payload).to_bytes(4, "little")) + b"\0"


def unseal(frame: bytes) -> list[Value]:
    """The message of a frame without its zero."""
    data = unstuff(frame)
    payload, check = data[:-4], data[-4:]
    if len(check) != 4 or zlib.crc32(payload).to_bytes(4, "little") != check:
        raise Unreadable("the checksum is wrong")
    return decode(payload)
