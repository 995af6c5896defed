"""The server's side of a WebSocket (RFC 6455) by hand, with the standard library alone: right or, frame by frame, wrong."""

import base64
import hashlib
import struct

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept(key):
    """The value that proves that the server has read the key."""
    return base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()


def fields(request):
    """The fields of a request, by their names in lower case."""
    lines = request.split("\r\n\r\n")[0].split("\r\n")[1:]
    return {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}


def answer(request, more=""):
    """The answer that opens the WebSocket of a request."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept(fields(request)['sec-websocket-key'])}\r\n{more}\r\n"
    ).encode()


def frame(opcode, payload=b"", final=True):
    """A frame of a server."""
    length = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    if length < 126:
        head += bytes([length])
    elif length < 65536:
        head += bytes([126]) + struct.pack(">H", length)
    else:
        head += bytes([127]) + struct.pack(">Q", length)
    return head + payload


class Connection:
    """An open WebSocket."""

    def __init__(self, client):
        self.client = client

    @classmethod
    def of(cls, client, request):
        """Opens the WebSocket that a request asks for."""
        client.sendall(answer(request))
        return cls(client)

    def _take(self, count):
        data = b""
        while len(data) < count:
            part = self.client.recv(count - len(data))
            if not part:
                raise OSError("the device has gone")
            data += part
        return data

    def receive(self):
        """The next frame of the device: first byte and payload. Refuses frames without a mask."""
        first, length = self._take(2)
        if not length & 0x80:
            raise OSError("the frame is not masked")
        length &= 0x7F
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        mask = self._take(4)
        payload = self._take(length)
        key = (mask * (length // 4 + 1))[:length]
        return first, (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")

    def send(self, opcode, payload=b"", final=True):
        """Sends a frame."""
        self.client.sendall(frame(opcode, payload, final))

    def echo(self, note=lambda message: None):
        """Sends messages back, and passes each to `note`, until the device sends a close frame."""
        while True:
            first, payload = self.receive()
            opcode = first & 0x0F
            self.send(PONG if opcode == PING else opcode, payload)
            if opcode == CLOSE:
                return
            note(payload)
