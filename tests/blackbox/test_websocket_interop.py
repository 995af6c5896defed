"""The WebSocket at `/stream` with clients of other projects: PyPI's websockets and wsproto.

If one is missing, its tests are skipped. A host on the serial line echoes (`websocket_cases.Echo`). Node's ws and
Chromium are in tests/browser.
"""

import asyncio
import importlib.util
import random
import socket
import unittest

from websocket_cases import Echo
from zentri import DeviceCase

DATA = random.Random(6455).randbytes(1 << 20)
#: Each character has at least two bytes, so that most cuts are within one.
TEXT = "\u00df\u20ac\U0001f39b" * 500


def needs(package):
    """Skips tests where a package is not installed."""
    return unittest.skipUnless(importlib.util.find_spec(package), f"{package} is not installed")


class EchoCase(DeviceCase):
    """A device whose host echoes."""

    def setUp(self):
        super().setUp()
        self.device.wait_http()
        line = self.device.machine()
        line.ok("set system.print_level 0")
        self.echo = Echo(line)
        self.addCleanup(lambda: self.assertIsNone(self.echo.stop()))
        self.url = f"ws://127.0.0.1:{self.device.http_port}/stream"


@needs("websockets")
class Websockets(EchoCase):
    """The threaded client of websockets, and at the end its asyncio client."""

    def connect(self, **options):
        from websockets.sync.client import connect

        client = connect(self.url, max_size=None, max_queue=None, proxy=None, **options)
        self.addCleanup(client.close)
        return client

    def assertEchoed(self, client, data):
        """The bytes must come back, cut anywhere."""
        received = b""
        while len(received) < len(data):
            part = client.recv(timeout=20)
            self.assertIsInstance(part, bytes)
            received += part
        self.assertTrue(received == data)

    def test_what_is_offered_is_declined(self):
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

        offered = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]
        client = self.connect(extensions=offered, subprotocols=["chat"])
        self.assertIn("permessage-deflate", client.request.headers["Sec-WebSocket-Extensions"])
        self.assertNotIn("Sec-WebSocket-Extensions", client.response.headers)
        self.assertNotIn("Sec-WebSocket-Protocol", client.response.headers)
        self.assertEqual((client.protocol.extensions, client.subprotocol), ([], None))
        client.send("not compressed " * 100)
        self.assertEchoed(client, b"not compressed " * 100)

    def test_text_and_bytes_of_many_lengths(self):
        client = self.connect()
        for length in (1, 125, 126, 127, 65535, 65536, 1 << 20):
            client.send(DATA[:length])
            self.assertEchoed(client, DATA[:length])
        client.send(TEXT)
        self.assertEchoed(client, TEXT.encode())
        client.send("")
        client.send("after nothing")
        self.assertEchoed(client, b"after nothing")

    def test_fragments(self):
        client = self.connect()
        client.send(DATA[at : at + 777] for at in range(0, 50_000, 777))
        self.assertEchoed(client, DATA[: 777 * 65])
        client.send(TEXT[at : at + 7] for at in range(0, len(TEXT), 7))
        self.assertEchoed(client, TEXT.encode())
        # Cut within characters: no fragment alone is valid UTF-8.
        client.send((TEXT.encode()[at : at + 5] for at in range(0, len(TEXT.encode()), 5)), text=True)
        self.assertEchoed(client, TEXT.encode())

    def test_pings(self):
        client = self.connect(ping_interval=0.05, ping_timeout=5)
        waiting = [client.ping(bytes([number] * (number + 1))) for number in range(20)]
        for pong in waiting:
            self.assertTrue(pong.wait(5))
        self.eventually(lambda: client.latency > 0)
        client.send(DATA)
        self.assertEchoed(client, DATA)

    def test_the_client_closes(self):
        for code, reason in ((1000, ""), (1001, "going"), (1011, "\u00df" * 61), (3000, ""), (4999, "own")):
            client = self.connect()
            client.send("last")
            self.assertEchoed(client, b"last")
            client.close(code, reason)
            self.assertEqual((client.close_code, client.protocol.close_rcvd.code), (code, code))
            self.assertFalse(client.protocol.close_rcvd_then_sent)

    def closed_by_device(self, client):
        """The code with which the device has closed."""
        from websockets.exceptions import ConnectionClosed

        with self.assertRaises(ConnectionClosed) as caught:
            client.recv(timeout=10)
        self.assertTrue(caught.exception.rcvd_then_sent)
        return caught.exception.rcvd.code

    def test_the_device_closes(self):
        client = self.connect()
        client.send("hello")
        self.assertEchoed(client, b"hello")
        # The echoing host uses the serial line; commands over HTTP see the same streams.
        self.device.rest.text("stream_close 0")
        self.assertEqual(self.closed_by_device(client), 1000)
        client = self.connect()
        client.send("hello")
        self.assertEchoed(client, b"hello")
        self.assertEqual(self.device.rest.get("network_restart")["code"], 0)
        self.assertEqual(self.closed_by_device(client), 1001)

    def test_what_is_wrong_has_its_code(self):
        client = self.connect()
        client.send(b"not \xff UTF-8", text=True)
        self.assertEqual(self.closed_by_device(client), 1007)

    def test_eight_on_asyncio(self):
        from websockets.asyncio.client import connect

        async def talk(number):
            sent = DATA[number * 1000 : number * 1000 + 100_000]
            async with connect(self.url, max_size=None, max_queue=None, proxy=None) as client:
                writing = asyncio.ensure_future(client.send(sent))
                received = b""
                while len(received) < len(sent):
                    received += await asyncio.wait_for(client.recv(), 20)
                await writing
                await (await client.ping())
            return received == sent, client.close_code

        async def everybody():
            return await asyncio.gather(*(talk(number) for number in range(8)))

        self.assertEqual(asyncio.run(everybody()), [(True, 1000)] * 8)


@needs("wsproto")
class Wsproto(EchoCase):
    """wsproto does no I/O: the test has the socket, and wsproto judges every frame of the device."""

    def setUp(self):
        super().setUp()
        from wsproto import ConnectionType, WSConnection
        from wsproto.events import Request
        from wsproto.extensions import PerMessageDeflate

        self.socket = socket.create_connection(("127.0.0.1", self.device.http_port), timeout=10)
        self.addCleanup(self.socket.close)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.pending = []
        request = Request(host="device", target="/stream", extensions=[PerMessageDeflate()], subprotocols=["chat"])
        self.send(request)
        self.accepted = self.event()

    def send(self, *events):
        self.socket.sendall(b"".join(self.protocol.send(event) for event in events))

    def event(self):
        """The next event; None when the device has ended the connection."""
        while not self.pending:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.protocol.receive_data(data)
            self.pending += self.protocol.events()
        return self.pending.pop(0)

    def echoed(self, count):
        """The next `count` bytes of messages; all events must be binary messages."""
        from wsproto.events import BytesMessage

        received = b""
        while len(received) < count:
            event = self.event()
            self.assertIsInstance(event, BytesMessage)
            received += event.data
        return received

    def test_what_is_offered_is_declined(self):
        from wsproto.events import AcceptConnection, TextMessage

        self.assertIsInstance(self.accepted, AcceptConnection)
        self.assertEqual((self.accepted.extensions, self.accepted.subprotocol), ([], None))
        self.send(TextMessage(TEXT))
        self.assertEqual(self.echoed(len(TEXT.encode())), TEXT.encode())

    def test_fragments_with_pings_between_them(self):
        from wsproto.events import BytesMessage, Ping, Pong, TextMessage

        self.send(TextMessage("frag", message_finished=False), Ping(b"one"), TextMessage("", message_finished=False))
        events = [self.event() for _ in range(2)]
        # The message has not ended, but its beginning has already come back: a stream has no message boundaries.
        self.assertCountEqual([type(event) for event in events], [Pong, BytesMessage])
        self.assertCountEqual([bytes(event.payload if isinstance(event, Pong) else event.data) for event in events],
                              [b"one", b"frag"])
        self.send(TextMessage("ments"))
        self.assertEqual(self.echoed(5), b"ments")
        for length in (125, 126, 65535, 65536):
            self.send(BytesMessage(DATA[: length // 2], message_finished=False), BytesMessage(DATA[length // 2 : length]))
            self.assertEqual(self.echoed(length), DATA[:length])
        for number in range(20):
            self.send(Ping(bytes(number)))
        self.assertEqual([bytes(self.event().payload) for _ in range(20)], [bytes(number) for number in range(20)])

    def test_the_client_closes(self):
        from wsproto.connection import ConnectionState
        from wsproto.events import CloseConnection

        self.send(CloseConnection(4000, "over"))
        closed = self.event()
        self.assertIsInstance(closed, CloseConnection)
        self.assertEqual(closed.code, 4000)
        self.assertEqual(self.protocol.state, ConnectionState.CLOSED)
        self.assertIsNone(self.event(), "the device ends the TCP connection")

    def test_the_device_closes(self):
        from wsproto.events import CloseConnection, TextMessage

        self.send(TextMessage("hello"))
        self.assertEqual(self.echoed(5), b"hello")
        self.device.rest.text("stream_close 0")
        closed = self.event()
        self.assertIsInstance(closed, CloseConnection)
        self.assertEqual(closed.code, 1000)
        self.send(closed.response())
        self.assertIsNone(self.event(), "the device ends the TCP connection")


if __name__ == "__main__":
    unittest.main()
