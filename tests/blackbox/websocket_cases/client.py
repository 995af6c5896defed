"""A client that sends any bytes, right or wrong, and notes what comes back and in which order."""

import base64
import hashlib
import os
import select
import socket
import struct
import time

from .frames import BINARY, CLOSE, PONG, Parser, Violation, close_payload, frame

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: Bytes given to the socket at once, unless the caller asks for another number.
PIECE = 262_144


class Client:
    """One connection to `/stream`."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = Parser()
        self._handshake()
        self.socket.setblocking(False)
        #: Payload bytes that came back, without boundaries.
        self.echoed = bytearray()
        #: Each pong with the number of payload bytes that came before it.
        self.pongs = []
        #: The device's close frame: its code, or None for a frame without a code; `False` while there is no frame.
        self.close_code = False
        self.close_reason = b""
        #: Whether this side has sent a close frame, and whether the device was the first to do so.
        self.has_closed = False
        self.failed_by_device = False
        #: The device has ended the TCP connection, in order or by a reset.
        self.ended = False
        self.was_reset = False

    def _handshake(self):
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(
            b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: " + key + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            # One byte at a time: the bytes after the head belong to the frames.
            part = self.socket.recv(1)
            if not part:
                raise Violation(f"no opening handshake: {head!r}")
            head += part
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        if not head.startswith(b"HTTP/1.1 101 ") or b"Sec-WebSocket-Accept: " + accept + b"\r\n" not in head:
            raise Violation(f"a wrong opening handshake: {head!r}")

    def send(self, data, chop=PIECE, seconds=10.0):
        """Sends bytes as they are, `chop` of them at once; reads meanwhile. Stops when the device accepts no more."""
        deadline = time.monotonic() + seconds
        view = memoryview(data)
        at = 0
        while at < len(view) and not self.ended:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the device has taken {at} of {len(view)} bytes only")
            readable, writable, _ = select.select([self.socket], [self.socket], [], left)
            if readable:
                self._receive()
            if writable:
                at = self._send_some(view, at, chop)

    def _send_some(self, view, at, chop):
        """Sends a limited number of bytes, so that bytes coming back need not wait."""
        end = min(len(view), at + max(PIECE, chop))
        try:
            while at < end:
                at += self.socket.send(view[at : at + chop])
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.was_reset = self.ended = True
        return at

    def send_frames(self, *frames, chop=None):
        """Sends frames in one piece, or as `chop` says: a number of bytes, or `"frame"` for one frame at a time."""
        if chop == "frame":
            for one in frames:
                self.send(one)
        else:
            self.send(b"".join(frames), chop or PIECE)

    def send_close(self, code=1000, reason=b""):
        """Begins the closing handshake, or ends it."""
        self.has_closed = True
        self.send(frame(CLOSE, close_payload(code, reason)))

    def _receive(self):
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.was_reset = self.ended = True
            return
        if not data:
            self.ended = True
            if self._parser.incomplete:
                raise Violation("the connection ended within a frame")
        for opcode, payload in self._parser.feed(data):
            self._note(opcode, payload)

    def _note(self, opcode, payload):
        if self.close_code is not False:
            raise Violation("a frame after the close frame")
        if opcode == BINARY:
            self.echoed += payload
        elif opcode == PONG:
            self.pongs.append((payload, len(self.echoed)))
        elif len(payload) == 1:
            raise Violation("a close frame with one byte")
        else:
            self.close_code = struct.unpack(">H", payload[:2])[0] if payload else None
            self.close_reason = payload[2:]
            payload[2:].decode()
            self.failed_by_device = not self.has_closed

    def wait(self, condition, seconds):
        """Reads until the condition holds (answers True), the connection has ended or the time is over (False)."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                return False
            if select.select([self.socket], [], [], left)[0]:
                self._receive()
        return True

    def wait_closed(self, seconds):
        """Waits for the device's close frame and for the end of the connection; ends the closing handshake."""
        self.wait(lambda: self.close_code is not False, seconds)
        if self.close_code is not False and not self.has_closed:
            self.send_close(self.close_code)
        self.wait(lambda: self.ended, seconds)

    def drop(self):
        """Closes the connection."""
        self.socket.close()
