"""Frames of RFC 6455, section 5: written as requested, right or wrong, and read strictly."""

import os
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Violation(AssertionError):
    """The device has sent what a server must not send."""


def masked(payload, key):
    """The payload masked with a key of four bytes; masking it again restores it."""
    count = len(payload)
    pad = (key * (count // 4 + 1))[:count]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(count, "big")


def header(opcode, length, fin=True, rsv=0, key=b""):
    """The header of a frame; it is masked when there is a key."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if key else 0
    if length < 126:
        return bytes((first, bit | length)) + key
    if length < 65536:
        return struct.pack(">BBH", first, bit | 126, length) + key
    return struct.pack(">BBQ", first, bit | 127, length) + key


def frame(opcode, payload=b"", fin=True, rsv=0):
    """A frame of a client."""
    key = os.urandom(4)
    return header(opcode, len(payload), fin, rsv, key) + masked(payload, key)


def fragmented(opcode, payload, size):
    """The frames of one message; each except the last has `size` bytes of the payload."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    return [frame(opcode if place == 0 else CONTINUATION, part, place == last) for place, part in enumerate(parts)]


def close_payload(code=None, reason=b""):
    """The payload of a close frame."""
    return reason if code is None else struct.pack(">H", code) + reason


class Parser:
    """Reads the frames of a server from a stream of bytes."""

    def __init__(self):
        self._bytes = bytearray()
        # Payload bytes of a data frame that have not come yet.
        self._left = 0

    def feed(self, data):
        """Answers the events that are complete now: `(opcode, payload)`; data frames in pieces as they arrive."""
        self._bytes += data
        events = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self):
        if self._left:
            if not self._bytes:
                return None
            piece = bytes(self._bytes[: self._left])
            del self._bytes[: len(piece)]
            self._left -= len(piece)
            return BINARY, piece
        if len(self._bytes) < 2:
            return None
        first, second = self._bytes[0], self._bytes[1]
        opcode, length, size = first & 15, second & 127, 2
        self._check(first, second)
        if length > 125:
            size = 4 if length == 126 else 10
            if len(self._bytes) < size:
                return None
            short, length = length, int.from_bytes(self._bytes[2:size], "big")
            if length < (126 if short == 126 else 65536) or length >> 63:
                raise Violation(f"a length of {length} in {size - 2} bytes")
        if opcode != BINARY:
            if len(self._bytes) < size + length:
                return None
            payload = bytes(self._bytes[size : size + length])
            del self._bytes[: size + length]
            return opcode, payload
        del self._bytes[:size]
        self._left = length
        return BINARY, b""

    @staticmethod
    def _check(first, second):
        opcode = first & 15
        if first & 0x70:
            raise Violation(f"reserved bits are set: {first:#04x}")
        if second & 0x80:
            raise Violation("a frame of a server is masked")
        if opcode not in (BINARY, CLOSE, PONG):
            raise Violation(f"a frame with opcode {opcode}")
        if not first & 0x80:
            raise Violation(f"a fragment, opcode {opcode}")
        if opcode >= 8 and second > 125:
            raise Violation("a control frame with more than 125 bytes")

    @property
    def incomplete(self):
        """Whether a frame has begun and not ended."""
        return bool(self._left or self._bytes)
