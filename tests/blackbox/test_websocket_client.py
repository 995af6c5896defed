"""`websocket_client` against PyPI's websockets, with and without TLS, and against servers that break the protocol."""

import importlib.util
import random
import shutil
import socket
import ssl
import tempfile
import threading
import time
import unittest
from pathlib import Path

from zentri import DeviceCase, websocket
from zentri.certificates import Authority

DATA = random.Random(6455).randbytes(1 << 20)
SECONDS = 20


class Case(DeviceCase):
    """A device with a host in machine mode."""

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()
        self.line.ok("set system.print_level 4")

    def open(self, url, options=""):
        """The handle of an open WebSocket."""
        response = self.line.command(f"websocket_client {options} {url}", seconds=SECONDS)
        self.assertEqual(response.code, 0, response)
        return int(response.text)

    def refused(self, url, options=""):
        """The log line about a WebSocket that was not opened."""
        response = self.line.command(f"websocket_client {options} {url}", seconds=SECONDS)
        self.assertAnswer(response, 1, "Command failed")
        self.assertIn("Open failed", response.logs[-1])
        self.assertNotIn("WEBC", self.line.ok("list"))
        return response.logs[-2].strip()

    def read(self, handle, count):
        """Reads this number of bytes as they come."""
        data = b""
        while len(data) < count:
            self.line.ok(f"stream_wait {handle} 10000", seconds=SECONDS)
            response = self.line.command(f"read {handle} {min(count - len(data), 60000)}", seconds=SECONDS)
            self.assertEqual(response.code, 0, response)
            data += response.raw
        return data


@unittest.skipUnless(importlib.util.find_spec("websockets"), "websockets is not installed")
class Websockets(Case):
    """The threaded server of websockets."""

    #: The scheme of the URLs.
    scheme = "ws"

    def context(self):
        """The TLS context of the server."""
        return None

    def serve(self, handler, **options):
        """Starts a server; answers its URL."""
        from websockets.sync.server import serve

        server = serve(handler, "127.0.0.1", 0, ssl=self.context(), max_size=None, **options)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return f"{self.scheme}://127.0.0.1:{server.socket.getsockname()[1]}"

    def test_messages_of_many_lengths(self):
        got = []

        def echo(connection):
            for message in connection:
                got.append(message)
                connection.send(message)

        handle = self.open(self.serve(echo) + "/a?b=c", "-i wlan -f bin")
        self.assertRegex(self.line.ok("list"), rf"# {handle} WEBC  127\.0\.0\.1:\d+ \(\d+\)")
        sent = []
        lengths = (0, 1, 125, 126, 127, 4095, 16383, 16384, 60000, 65531)
        for length in (length for length in lengths if length <= self.device.longest_message):
            self.line.ok(f"write {handle} {length}", DATA[:length], seconds=SECONDS)
            sent.append(DATA[:length])
            self.assertTrue(self.read(handle, length) == DATA[:length], length)
        self.eventually(lambda: len(got) == len(sent))
        self.assertTrue(got == sent)

    def test_text(self):
        got = []

        def take(connection):
            got.append(connection.recv())
            connection.send("gr\u00fc\u00df dich")

        handle = self.open(self.serve(take), "-f text")
        refused = self.line.command(f"write {handle} 2", b"\xff\xfe")
        self.assertAnswer(refused, 1, "Command failed")
        self.assertIn("Not sent: the text is not UTF-8", refused.logs[-1])
        self.line.ok(f"write {handle} 6", "\u20ac\u20ac".encode())
        self.assertEqual(self.read(handle, 11), "gr\u00fc\u00df dich".encode())
        self.assertEqual(got, ["\u20ac\u20ac"])

    def test_a_megabyte_each_way_and_in_fragments(self):
        got = bytearray()

        def both(connection):
            connection.send(DATA[at:at + 5000] for at in range(0, len(DATA), 5000))
            connection.ping("in between")
            for message in connection:
                got.extend(message)

        handle = self.open(self.serve(both))
        self.assertTrue(self.read(handle, len(DATA)) == DATA)
        size = min(32768, self.device.longest_message // 4096 * 4096)
        for at in range(0, len(DATA), size):
            part = DATA[at:at + size]
            self.line.ok(f"write {handle} {len(part)}", part, seconds=SECONDS)
        self.eventually(lambda: len(got) == len(DATA), SECONDS)
        self.assertTrue(bytes(got) == DATA)

    def test_pings_are_answered_and_sent(self):
        answered, quiet = threading.Event(), threading.Event()

        def ask(connection):
            if connection.ping(b"there?").wait(SECONDS):
                answered.set()
            # websockets answers pings only during a `recv`.
            try:
                connection.recv(timeout=3.5)
            except TimeoutError:
                quiet.set()
                connection.send("still here")
            for _ in connection:
                pass

        handle = self.open(self.serve(ask, ping_interval=None), "-p 1")
        self.assertTrue(answered.wait(SECONDS))
        # The device has got a pong for three pings, else it would have closed.
        self.assertTrue(quiet.wait(SECONDS))
        self.assertEqual(self.read(handle, 10), b"still here")

    def test_good_byes(self):
        closed = []

        def wait(connection):
            for _ in connection:
                pass
            closed.append((connection.protocol.close_rcvd, connection.protocol.close_rcvd_then_sent))

        handle = self.open(self.serve(wait))
        self.line.ok(f"close {handle}")
        self.eventually(lambda: closed, SECONDS)
        self.assertEqual((closed[0][0].code, closed[0][1]), (1000, True))

        def leave(connection):
            connection.send(b"last")
            connection.close(4001, "enough")
            closed.append((connection.protocol.close_sent.code, connection.protocol.close_rcvd.code))

        closed.clear()
        handle = self.open(self.serve(leave))
        self.assertEqual(self.read(handle, 4), b"last")
        self.eventually(lambda: closed, SECONDS)
        self.assertEqual(closed, [(4001, 4001)])
        self.line.wait_text("list", "! # Type  Info")

    def test_headers_and_protocols(self):
        seen = {}

        def take(connection):
            seen.update(connection.request.headers.raw_items(), chosen=connection.subprotocol, path=connection.request.path)
            connection.recv()

        handle = self.open(self.serve(take, subprotocols=["mqtt"], origins=["http://page"]) + "/x", "-o")
        for name, value in (("Origin", "http://page"), ("Sec-WebSocket-Protocol", '"chat, mqtt"'), ("X-Token", '"a b"')):
            self.line.ok(f"http_add_header {handle} {name} {value}")
        self.assertAnswer(self.line.command(f"had {handle} Sec-WebSocket-Key x"), 7, "Invalid argument")
        self.assertEqual(self.line.ok(f"http_read_status {handle}"), "101")
        self.line.ok(f"write {handle} 1", b"x")
        self.eventually(lambda: seen.get("chosen"))
        self.assertEqual((seen["chosen"], seen["path"], seen["X-Token"]), ("mqtt", "/x", "a b"))
        self.assertNotIn("Sec-WebSocket-Extensions", seen)

    def test_a_server_that_wants_something_else(self):
        from http import HTTPStatus

        answers = {
            "/moved": lambda c: c.respond(HTTPStatus.FOUND, ""),
            "/no": lambda c: c.respond(HTTPStatus.UNAUTHORIZED, "no"),
        }
        url = self.serve(lambda connection: None, process_request=lambda c, request: answers[request.path](c))
        self.assertEqual(self.refused(f"{url}/moved"), "HTTP status: 302, redirections of a WebSocket are not followed")
        self.assertEqual(self.refused(f"{url}/no"), "HTTP status: 401")

    def test_eight_at_a_time_again_and_again(self):
        def echo(connection):
            for message in connection:
                connection.send(message)

        url = self.serve(echo)
        for turn in range(5):
            handles = [self.open(url) for _ in range(8)]
            self.assertEqual(handles, list(range(8)))
            self.assertEqual(self.refused_ninth(url), "No more streams")
            for handle in handles:
                self.line.ok(f"write {handle} 6", b"turn %d" % turn)
            for handle in handles:
                self.assertEqual(self.read(handle, 6), b"turn %d" % turn)
            self.line.ok("close all")

    def refused_ninth(self, url):
        response = self.line.command(f"websocket_client {url}")
        self.assertAnswer(response, 1, "Command failed")
        return response.logs[-2].strip()


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Secure(Websockets):
    """The same with TLS."""

    scheme = "wss"

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="openzentri-wss-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.authority = Authority(cls.folder)
        cls.server = cls.authority.sign("server")
        cls.elsewhere = cls.authority.sign("elsewhere", names=("DNS:elsewhere.example",))

    def setUp(self):
        super().setUp()
        self.identity = self.server
        self.store("geotrust_ca.pem", self.authority.certificate)

    def store(self, name, source, rest=""):
        content = source.read_bytes()
        self.line.ok(f"file_create {name} {len(content)}{rest}", content)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.identity)
        return context

    def test_another_name_and_another_authority(self):
        url = self.serve(lambda connection: connection.recv())
        self.assertTrue(self.refused(f"{url} absent.pem").startswith("Error with TLS handshake: 5016"))
        self.identity = self.elsewhere
        url = self.serve(lambda connection: connection.recv())
        self.assertTrue(self.refused(url).startswith("Error with TLS handshake: 5037"))

    def test_a_certificate_of_the_device(self):
        def take(connection):
            connection.send(connection.socket.getpeercert()["subject"][0][0][1])
            connection.recv()

        context = self.context()
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = lambda: context
        certificate, key = self.authority.sign("device", names=("DNS:device.example",))
        self.store("cert.pem", certificate)
        self.store("key.pem", key, " 1.0.0 4B")
        handle = self.open(self.serve(take) + ' "" cert.pem key.pem')
        self.assertEqual(self.read(handle, 6), b"device")


class Wrong(Case):
    """Servers by hand, each with a fault."""

    def serve(self, talk):
        """A server for one client."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.ends = []

        def run():
            client, _ = listener.accept()
            with client:
                client.settimeout(SECONDS)
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += client.recv(65536)
                try:
                    talk(client, request.decode())
                    while part := client.recv(65536):
                        self.ends.append(part)
                    self.ends.append(b"")
                except OSError as error:
                    self.ends.append(error)

        threading.Thread(target=run, daemon=True).start()
        return f"ws://127.0.0.1:{listener.getsockname()[1]}/"

    def test_answers(self):
        def changed(old, new, more=""):
            return lambda client, request: client.sendall(websocket.answer(request, more).replace(old, new))

        def failed(field):
            return f"WebSocket handshake failed: {field} is missing, wrong or not asked for"

        def endless(client, _):
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n")
            while True:
                client.sendall(b"X: y\r\n" * 100)

        for talk, text in (
            (changed(b"Accept: ", b"Accept: x"), failed("Sec-WebSocket-Accept")),
            (changed(b"Upgrade: websocket\r\n", b""), failed("Upgrade")),
            (changed(b"Connection: Upgrade", b"Connection: close"), failed("Connection")),
            (changed(b"", b"", "Sec-WebSocket-Extensions: permessage-deflate\r\n"), failed("Sec-WebSocket-Extensions")),
            (changed(b"", b"", "Sec-WebSocket-Protocol: chat\r\n"), failed("Sec-WebSocket-Protocol")),
            (lambda client, request: client.sendall(b"220 mail.example ESMTP\r\n"), "HTTP response not understood"),
            (lambda client, request: client.shutdown(socket.SHUT_RDWR), "HTTP connection closed"),
        ):
            with self.subTest(text):
                self.assertEqual(self.refused(self.serve(talk)), text)
        self.assertIn(
            self.refused(self.serve(endless)), ("HTTP response header too long", "HTTP response not understood")
        )
        self.eventually(lambda: self.ends, message="the device has not gone")

    def test_frames(self):
        cases = {
            "masked": (b"\x82\x81\x01\x02\x03\x04x", 1002),
            "reserved bit": (b"\xc2\x01x", 1002),
            "reserved opcode": (b"\x83\x01x", 1002),
            "long ping": (websocket.frame(websocket.PING, b"x" * 126), 1002),
            "ping in fragments": (websocket.frame(websocket.PING, b"x", final=False), 1002),
            "nothing to continue": (websocket.frame(0, b"x"), 1002),
            "no text": (websocket.frame(websocket.TEXT, b"\xff"), 1007),
            "too long": (b"\x82\x7f" + b"\xff" * 8, 1002),
        }
        for name, (data, code) in cases.items():
            with self.subTest(name):
                handle = self.open(self.serve(lambda client, request: client.sendall(websocket.answer(request) + data)))
                self.eventually(lambda: self.ends)
                good_bye = b"".join(self.ends)
                self.assertEqual(good_bye[:2], b"\x88\x82")
                plain = bytes(byte ^ mask for byte, mask in zip(good_bye[6:8], good_bye[2:6]))
                self.assertEqual(int.from_bytes(plain, "big"), code)
                self.line.wait_text("list", "! # Type  Info")
                self.assertAnswer(self.line.command(f"read {handle} 1"), 1, "Command failed")

    def test_a_flood_of_pings_is_answered_and_stops_nobody(self):
        pongs = []

        def flood(client, request):
            client.sendall(websocket.answer(request))
            connection = websocket.Connection(client)
            sender = threading.Thread(
                target=lambda: client.sendall(websocket.frame(websocket.PING, b"p" * 125) * 2000), daemon=True
            )
            sender.start()
            while len(pongs) < 2000:
                pongs.append(connection.receive())

        self.open(self.serve(flood))
        begun = time.monotonic()
        self.line.ok("version")
        self.assertLess(time.monotonic() - begun, 1)
        self.eventually(lambda: len(pongs) == 2000, SECONDS)
        self.assertEqual(set(pongs), {(0x8A, b"p" * 125)})

    def test_a_silent_one_is_left(self):
        begun = time.monotonic()
        handle = self.open(self.serve(lambda client, request: client.sendall(websocket.answer(request))), "-p 1")
        self.line.wait_text("list", "! # Type  Info")
        self.assertTrue(1.5 < time.monotonic() - begun < 5)
        self.assertAnswer(self.line.command(f"poll {handle}"), 1, "Command failed")


if __name__ == "__main__":
    unittest.main()
